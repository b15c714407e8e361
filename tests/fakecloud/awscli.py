# SPDX-License-Identifier: ISC
"""Debian's `aws` as an independent client of the fake AWS: it and the fake agree on every call that
both support. Each reply is held against the model that the client brings along: no element there
that the model does not have; and so is every parameter that the fake says it takes."""
import os
import sys

from aws import (Aws, end, eventually, has_parameter, launch, refused, running, state,
                 state_of_image)
from bundles import bundles
from fakecloud import fakecloud
from mirage import Tap, program, skip_all
from objects import buckets, imports, objects, uploads
from services import blocks, guests, metadata, parameters, prices, schedules, sessions


def own_image(aws, **more):
    """An image of the account's own: of a volume that an instance of the cloud's own has."""
    words = [word for name, value in more.items() for word in (f'--{name}', value)]
    snapshot = aws('ec2', 'create-snapshot', '--volume-id', aws.volume)['SnapshotId']
    eventually(lambda: aws('ec2', 'describe-snapshots', '--snapshot-ids', snapshot)
               ['Snapshots'][0]['State'] == 'completed')
    image = aws('ec2', 'register-image', '--name', f'image {snapshot}', '--architecture', 'x86_64',
                '--virtualization-type', 'hvm', '--ena-support', '--root-device-name', '/dev/xvda',
                '--block-device-mappings',
                f'DeviceName=/dev/xvda,Ebs={{SnapshotId={snapshot}}}', *words)['ImageId']
    eventually(lambda: state_of_image(aws, image) == 'available')
    return image, snapshot


def identity(tap, aws):
    with tap.part('sts get-caller-identity'):
        reply = aws('sts', 'get-caller-identity')
        assert reply['Account'] == '123456789012' and reply['Arn'].endswith(':user/fakecloud')
    with tap.part('a wrong secret, key or region is refused, by ec2 and by sts'):
        refused('AuthFailure', aws, 'ec2', 'describe-instances', AWS_SECRET_ACCESS_KEY='no')
        refused('AuthFailure', aws, 'ec2', 'describe-instances', AWS_ACCESS_KEY_ID='AKIANO')
        refused('AuthFailure', aws, 'ec2', 'describe-instances', AWS_DEFAULT_REGION='mars-1',
                AWS_REGION='mars-1')
        refused('SignatureDoesNotMatch', aws, 'sts', 'get-caller-identity',
                AWS_SECRET_ACCESS_KEY='no')
        refused('InvalidClientTokenId', aws, 'sts', 'get-caller-identity',
                AWS_ACCESS_KEY_ID='AKIANO')
        refused('AuthFailure', aws, 'ec2', 'describe-instances', AWS_SESSION_TOKEN='no')


def catalogue(tap, aws):
    with tap.part('regions and zones'):
        regions = [r['RegionName'] for r in aws('ec2', 'describe-regions')['Regions']]
        assert 'us-east-1' in regions and 'eu-central-1' in regions
        zones = aws('ec2', 'describe-availability-zones')['AvailabilityZones']
        assert [z['ZoneName'] for z in zones] == ['us-east-1a', 'us-east-1b', 'us-east-1c']
        assert zones[0]['ZoneId'] == 'use1-az1', zones[0]
        refused('InvalidParameterValue', aws, 'ec2', 'describe-availability-zones', '--zone-names',
                'us-east-1z')
    with tap.part('instance types: properties, filters, pages'):
        kinds = aws('ec2', 'describe-instance-types', '--filters',
                    'Name=free-tier-eligible,Values=true',
                    'Name=processor-info.supported-architecture,Values=x86_64')['InstanceTypes']
        assert 't3.micro' in [k['InstanceType'] for k in kinds]
        assert all(k['FreeTierEligible'] for k in kinds)
        t2 = aws('ec2', 'describe-instance-types', '--instance-types', 't2.micro')
        t2 = t2['InstanceTypes'][0]
        assert t2['Hypervisor'] == 'xen' and t2['SupportedBootModes'] == ['legacy-bios']
        assert t2['NetworkInfo']['EnaSupport'] == 'unsupported' and t2['MemoryInfo']
        pv = aws('ec2', 'describe-instance-types', '--filters',
                 'Name=supported-virtualization-type,Values=paravirtual')['InstanceTypes']
        assert 't1.micro' in [k['InstanceType'] for k in pv] and len(pv) == 4
        refused('InvalidInstanceType', aws, 'ec2', 'describe-instance-types', '--instance-types',
                'x9.huge')
        every = aws('ec2', 'describe-instance-types', '--page-size', 5)['InstanceTypes']
        assert len({k['InstanceType'] for k in every}) == len(every) > 20
    with tap.part('offerings by zone'):
        rows = aws('ec2', 'describe-instance-type-offerings', '--location-type',
                   'availability-zone', '--filters', 'Name=instance-type,Values=t1.micro')
        zones = [r['Location'] for r in rows['InstanceTypeOfferings']]
        assert zones == ['us-east-1a', 'us-east-1b']
    with tap.part('spot prices'):
        rows = aws('ec2', 'describe-spot-price-history', '--instance-types', 't3.micro',
                   '--product-descriptions', 'Linux/UNIX')['SpotPriceHistory']
        assert len(rows) == 3 and all(0 < float(r['SpotPrice']) < 0.0104 for r in rows)
    with tap.part('the default network'):
        vpcs = aws('ec2', 'describe-vpcs', '--filters', 'Name=is-default,Values=true')['Vpcs']
        assert len(vpcs) == 1
        subnets = aws('ec2', 'describe-subnets', '--filters', 'Name=default-for-az,Values=true',
                      f'Name=vpc-id,Values={vpcs[0]["VpcId"]}')['Subnets']
        assert [s['AvailabilityZone'][-1] for s in subnets] == ['a', 'b', 'c']
        assert all(s['MapPublicIpOnLaunch'] for s in subnets)
        aws.subnets = [s['SubnetId'] for s in subnets]
    with tap.part("the cloud's own images, PV-GRUB among them"):
        images = aws('ec2', 'describe-images', '--owners', 'amazon')['Images']
        grub = [i['ImageId'] for i in images if i['ImageType'] == 'kernel']
        assert len(grub) == 4 and all(i.startswith('aki-') for i in grub)
        aws.pv_grub = grub[0]
        named = aws('ec2', 'describe-images', '--filters', 'Name=name,Values=al2023*x86_64')
        aws.amazon = named['Images'][0]['ImageId']
        named = aws('ec2', 'describe-images', '--filters', 'Name=name,Values=amzn-ami-pv*')
        aws.amazon_pv = named['Images'][0]['ImageId']
        named = aws('ec2', 'describe-images', '--filters', 'Name=name,Values=al2023*arm64')
        aws.amazon_arm = named['Images'][0]['ImageId']
        assert aws('ec2', 'describe-images', '--owners', 'self')['Images'] == []


def instances(tap, aws):
    with tap.part('an instance: launched with all that a deployment sends, shown, ended'):
        instance = running(
            aws, '--client-token', 'token-1', '--instance-initiated-shutdown-behavior', 'terminate',
            '--metadata-options', 'HttpTokens=required,HttpEndpoint=enabled',
            '--credit-specification', 'CpuCredits=standard', '--user-data', 'hello',
            '--network-interfaces',
            f'DeviceIndex=0,SubnetId={aws.subnets[1]},AssociatePublicIpAddress=true,'
            'Ipv6AddressCount=1',
            '--tag-specifications', 'ResourceType=instance,Tags=[{Key=a,Value=b}]',
            'ResourceType=volume,Tags=[{Key=v,Value=w}]',
            'ResourceType=network-interface,Tags=[{Key=n,Value=m}]')
        shown = aws('ec2', 'describe-instances', '--instance-ids', instance)
        shown = shown['Reservations'][0]['Instances'][0]
        assert shown['PublicIpAddress'].startswith('198.') and shown['Tags'] == [
            {'Key': 'a', 'Value': 'b'}]
        assert shown['NetworkInterfaces'][0]['Ipv6Addresses'][0]['Ipv6Address'].startswith('2001:')
        assert shown['Placement']['AvailabilityZone'] == 'us-east-1b'
        assert shown['MetadataOptions']['HttpTokens'] == 'required'
        kind = aws('ec2', 'describe-instance-attribute', '--instance-id', instance, '--attribute',
                   'instanceInitiatedShutdownBehavior')
        assert kind['InstanceInitiatedShutdownBehavior']['Value'] == 'terminate'
        volume = shown['BlockDeviceMappings'][0]['Ebs']['VolumeId']
        shown = aws('ec2', 'describe-volumes', '--volume-ids', volume)['Volumes'][0]
        assert shown['Tags'] == [{'Key': 'v', 'Value': 'w'}] and shown['State'] == 'in-use'
        cards = aws('ec2', 'describe-network-interfaces', '--filters',
                    f'Name=attachment.instance-id,Values={instance}')['NetworkInterfaces']
        assert cards[0]['TagSet'] == [{'Key': 'n', 'Value': 'm'}]
        refused('VolumeInUse', aws, 'ec2', 'delete-volume', '--volume-id', volume)
        status = aws('ec2', 'describe-instance-status', '--instance-ids', instance)
        assert status['InstanceStatuses'][0]['InstanceStatus']['Status'] == 'ok'
        end(aws, instance)
        refused('InvalidVolume.NotFound', aws, 'ec2', 'describe-volumes', '--volume-ids', volume)
    with tap.part('the same token again: the same instance, ended or not; else a mismatch'):
        again = launch(aws, '--client-token', 'token-2')
        assert launch(aws, '--client-token', 'token-2') == again
        refused('IdempotentParameterMismatch', aws, 'ec2', 'run-instances', '--image-id',
                aws.amazon, '--instance-type', 't3.small', '--client-token', 'token-2')
        end(aws, again)
        assert launch(aws, '--client-token', 'token-2') == again
        assert state(aws, again) == 'terminated'
    with tap.part('pages and filters'):
        several = [launch(aws, '--count', '4', '--tag-specifications',
                          f'ResourceType=instance,Tags=[{{Key=page,Value=p{i}}}]')
                   for i in range(3)]
        reply = aws('ec2', 'describe-instances', '--filters', 'Name=tag:page,Values=p*',
                    '--page-size', 5)
        assert sum(len(r['Instances']) for r in reply['Reservations']) == 12
        reply = aws('ec2', 'describe-instances', '--filters', 'Name=tag:page,Values=p1,p?2')
        assert sum(len(r['Instances']) for r in reply['Reservations']) == 4
        assert len(reply['Reservations']) == 1
        assert several[0] not in str(reply)
        refused('InvalidParameterValue', aws, 'ec2', 'describe-instances', '--filters',
                'Name=colour,Values=red')
        refused('InvalidParameterCombination', aws, 'ec2', 'describe-instances', '--instance-ids',
                several[0], '--max-results', 5)
        refused('InvalidNextToken', aws, 'ec2', 'describe-instances', '--next-token', 'x')
        every = aws('ec2', 'describe-instances', '--filters', 'Name=tag-key,Values=page')
        end(aws, *[i['InstanceId'] for r in every['Reservations'] for i in r['Instances']])
    with tap.part('stop, start, protection, attributes'):
        instance = running(aws, '--disable-api-termination')
        refused('OperationNotPermitted', aws, 'ec2', 'terminate-instances', '--instance-ids',
                instance)
        refused('IncorrectInstanceState', aws, 'ec2', 'modify-instance-attribute', '--instance-id',
                instance, '--instance-type', 'Value=t3.small')
        aws('ec2', 'stop-instances', '--instance-ids', instance)
        eventually(lambda: state(aws, instance) == 'stopped')
        aws('ec2', 'modify-instance-attribute', '--instance-id', instance, '--instance-type',
            'Value=t3.small')
        aws('ec2', 'start-instances', '--instance-ids', instance)
        eventually(lambda: state(aws, instance) == 'running')
        aws('ec2', 'modify-instance-attribute', '--instance-id', instance,
            '--no-disable-api-termination')
        end(aws, instance)
        refused('IncorrectInstanceState', aws, 'ec2', 'start-instances', '--instance-ids', instance)
    with tap.part('one bad id, and none is ended'):
        instance = running(aws)
        refused('InvalidInstanceID.NotFound', aws, 'ec2', 'terminate-instances', '--instance-ids',
                instance, 'i-0123456789abcdef0')
        refused('InvalidInstanceID.Malformed', aws, 'ec2', 'terminate-instances',
                '--instance-ids', instance, 'i-xyz')
        assert state(aws, instance) == 'running'
        end(aws, instance)
    with tap.part('spot, and its request'):
        instance = running(aws, '--instance-market-options',
                           'MarketType=spot,SpotOptions={SpotInstanceType=one-time}')
        requests = aws('ec2', 'describe-spot-instance-requests')['SpotInstanceRequests']
        assert requests[-1]['InstanceId'] == instance and requests[-1]['State'] == 'active'
        aws('ec2', 'cancel-spot-instance-requests', '--spot-instance-request-ids',
            requests[-1]['SpotInstanceRequestId'])
        assert state(aws, instance) == 'running'
        end(aws, instance)
    with tap.part('console and screenshot'):
        instance = running(aws)
        reply = aws('ec2', 'get-console-output', '--instance-id', instance, '--latest')
        assert reply['InstanceId'] == instance
        picture = aws('ec2', 'get-console-screenshot', '--instance-id', instance)['ImageData']
        assert picture.startswith('/9j/'), picture  # a JPEG
        end(aws, instance)
        old = running(aws, image=aws.amazon_pv, kind='t1.micro')
        refused('UnsupportedOperation', aws, 'ec2', 'get-console-output', '--instance-id', old,
                '--latest')
        end(aws, old)


def mismatches(tap, aws):
    rows = [
        ('InvalidParameterValue', 'architecture', ['t4g.micro'], 'amazon'),
        ('InvalidParameterValue', 'architecture', ['t3.micro'], 'amazon_arm'),
        ('InvalidParameterCombination', 'virtualization', ['t3.micro'], 'amazon_pv'),
        ('InvalidParameterValue', 'no such type', ['x9.huge'], 'amazon'),
        ('InvalidParameterCombination', 'credits of a type without',
         ['m5.large', '--credit-specification', 'CpuCredits=standard'], 'amazon'),
        ('InvalidKeyPair.NotFound', 'no such key', ['t3.micro', '--key-name', 'none'], 'amazon'),
        ('InvalidSubnetID.NotFound', 'no such subnet',
         ['t3.micro', '--subnet-id', 'subnet-0123456789abcdef0'], 'amazon'),
        ('InvalidGroup.NotFound', 'no such group',
         ['t3.micro', '--security-group-ids', 'sg-0123456789abcdef0'], 'amazon'),
        ('InvalidParameterValue', 'no such zone',
         ['t3.micro', '--placement', 'AvailabilityZone=us-east-1z'], 'amazon'),
        ('Unsupported', 'not offered in the zone',
         ['t1.micro', '--placement', 'AvailabilityZone=us-east-1c'], 'amazon_pv'),
        ('InvalidBlockDeviceMapping', 'smaller than its snapshot',
         ['t3.micro', '--block-device-mappings', 'DeviceName=/dev/xvda,Ebs={VolumeSize=1}'],
         'amazon'),
        ('DryRunOperation', 'a dry run', ['t3.micro', '--dry-run'], 'amazon'),
        ('VcpuLimitExceeded', 'the quota', ['t3.micro', '--count', '600'], 'amazon'),
        ('InvalidParameterValue', 'a tag of no taggable type',
         ['t3.micro', '--tag-specifications', 'ResourceType=image,Tags=[{Key=a,Value=b}]'],
         'amazon'),
        ('InvalidParameterValue', 'a reserved tag', ['t3.micro', '--tag-specifications',
         'ResourceType=instance,Tags=[{Key=aws:a,Value=b}]'], 'amazon'),
    ]
    for code, name, words, image in rows:
        with tap.part(f'refused at launch: {name}'):
            refused(code, aws, 'ec2', 'run-instances', '--image-id', getattr(aws, image),
                    '--instance-type', *words)
    with tap.part('after all that, nothing exists'):
        assert aws.fake.ledger()['exists'] == [], aws.fake.ledger()['exists']


def images(tap, aws):
    instance = running(aws)
    shown = aws('ec2', 'describe-instances', '--instance-ids', instance)
    shown = shown['Reservations'][0]['Instances'][0]
    aws.volume = shown['BlockDeviceMappings'][0]['Ebs']['VolumeId']
    with tap.part('a snapshot, an image of it, kept as registered'):
        image, snapshot = own_image(aws, **{'boot-mode': 'uefi', 'description': 'über'})
        shown = aws('ec2', 'describe-images', '--owners', 'self')['Images']
        assert [i['ImageId'] for i in shown] == [image]
        shown = shown[0]
        assert shown['BootMode'] == 'uefi' and shown['EnaSupport'] and not shown['Public']
        assert shown['BlockDeviceMappings'][0]['Ebs']['SnapshotId'] == snapshot
        assert shown['Description'] == 'über'
        refused('InvalidAMIName.Duplicate', aws, 'ec2', 'register-image', '--name',
                f'image {snapshot}', '--architecture', 'x86_64', '--root-device-name', '/dev/xvda',
                '--block-device-mappings', f'DeviceName=/dev/xvda,Ebs={{SnapshotId={snapshot}}}')
        refused('InvalidSnapshot.InUse', aws, 'ec2', 'delete-snapshot', '--snapshot-id', snapshot)
        refused('InvalidParameterCombination', aws, 'ec2', 'run-instances', '--image-id', image,
                '--instance-type', 't2.micro')
        aws('ec2', 'deregister-image', '--image-id', image)
        refused('InvalidAMIID.NotFound', aws, 'ec2', 'describe-images', '--image-ids', image)
        aws('ec2', 'delete-snapshot', '--snapshot-id', snapshot)
        refused('InvalidSnapshot.NotFound', aws, 'ec2', 'delete-snapshot', '--snapshot-id',
                snapshot)
    with tap.part('an image without ENA does not start on Nitro, but on t2'):
        image, snapshot = own_image(aws, **{'boot-mode': 'legacy-bios'})
        aws('ec2', 'deregister-image', '--image-id', image)
        name = ['--name', 'no ena', '--architecture', 'x86_64', '--virtualization-type', 'hvm',
                '--root-device-name', '/dev/xvda', '--block-device-mappings',
                f'DeviceName=/dev/xvda,Ebs={{SnapshotId={snapshot},DeleteOnTermination=false}}']
        image = aws('ec2', 'register-image', *name)['ImageId']
        eventually(lambda: state_of_image(aws, image) == 'available')
        refused('InvalidParameterCombination', aws, 'ec2', 'run-instances', '--image-id', image,
                '--instance-type', 't3.micro')
        old = running(aws, image=image, kind='t2.micro')
        shown = aws('ec2', 'describe-volumes', '--filters',
                    f'Name=attachment.instance-id,Values={old}')['Volumes'][0]
        end(aws, old)
        left = aws('ec2', 'describe-volumes', '--volume-ids', shown['VolumeId'])['Volumes'][0]
        assert left['State'] == 'available'  # it was to stay
        aws('ec2', 'delete-volume', '--volume-id', shown['VolumeId'])
        aws('ec2', 'deregister-image', '--image-id', image)
        aws('ec2', 'delete-snapshot', '--snapshot-id', snapshot)
    with tap.part('an image of a running instance'):
        image = aws('ec2', 'create-image', '--instance-id', instance, '--name', 'of an instance',
                    '--tag-specifications', 'ResourceType=image,Tags=[{Key=a,Value=b}]',
                    'ResourceType=snapshot,Tags=[{Key=s,Value=t}]')['ImageId']
        eventually(lambda: state_of_image(aws, image) == 'available')
        shown = aws('ec2', 'describe-images', '--image-ids', image)['Images'][0]
        snapshot = shown['BlockDeviceMappings'][0]['Ebs']['SnapshotId']
        found = aws('ec2', 'describe-snapshots', '--filters', 'Name=tag:s,Values=t')['Snapshots']
        assert [s['SnapshotId'] for s in found] == [snapshot]
        aws('ec2', 'deregister-image', '--image-id', image)
    with tap.part('a volume of its own beside the root may be encrypted'):
        image = aws('ec2', 'register-image', '--name', 'encrypted', '--root-device-name', '/x',
                    '--architecture', 'x86_64', '--block-device-mappings',
                    f'DeviceName=/x,Ebs={{SnapshotId={snapshot}}}',
                    'DeviceName=/y,Ebs={VolumeSize=1,Encrypted=true}')['ImageId']
        shown = aws('ec2', 'describe-images', '--image-ids', image)['Images'][0]
        assert [device['Ebs']['Encrypted'] for device in shown['BlockDeviceMappings']] == \
            [False, True], shown
        aws('ec2', 'deregister-image', '--image-id', image)
    with tap.part('what cannot be registered'):
        for code, words in [
                ('InvalidAMIName.Malformed', ['--name', 'x!y']),
                ('MissingParameter', ['--name', 'without a root']),
                ('InvalidBlockDeviceMapping', ['--name', 'no device', '--root-device-name', '/x']),
                ('InvalidManifest', ['--name', 'no manifest', '--image-location', 'a/b.xml']),
                ('InvalidParameterCombination', ['--name', 'pv with ena', '--ena-support']),
                ('InvalidParameter',  # whose encryption is the snapshot's, whatever is said
                 ['--name', 'encrypted', '--root-device-name', '/x', '--block-device-mappings',
                  f'DeviceName=/x,Ebs={{SnapshotId={snapshot},Encrypted=false}}']),
                ('InvalidParameterCombination',
                 ['--name', 'arm', '--architecture', 'arm64', '--virtualization-type', 'hvm',
                  '--boot-mode', 'legacy-bios'])]:
            refused(code, aws, 'ec2', 'register-image', *words)
        aws('ec2', 'delete-snapshot', '--snapshot-id', snapshot)
    end(aws, instance)


def groups(tap, aws):
    with tap.part('a security group and its rules, IPv4 and IPv6'):
        group = aws('ec2', 'create-security-group', '--group-name', 'g', '--description', 'd',
                    '--tag-specifications',
                    'ResourceType=security-group,Tags=[{Key=a,Value=b}]')['GroupId']
        rules = ('IpProtocol=tcp,FromPort=80,ToPort=80,IpRanges=[{CidrIp=0.0.0.0/0,'
                 'Description=web}],Ipv6Ranges=[{CidrIpv6=::/0}]')
        reply = aws('ec2', 'authorize-security-group-ingress', '--group-id', group,
                    '--ip-permissions', rules)
        assert len(reply['SecurityGroupRules']) == 2
        aws('ec2', 'authorize-security-group-ingress', '--group-id', group, '--protocol', 'udp',
            '--port', '53', '--cidr', '10.0.0.0/8')
        refused('InvalidPermission.Duplicate', aws, 'ec2', 'authorize-security-group-ingress',
                '--group-id', group, '--ip-permissions', rules)
        shown = aws('ec2', 'describe-security-groups', '--group-ids', group)['SecurityGroups'][0]
        web = [p for p in shown['IpPermissions'] if p.get('FromPort') == 80][0]
        assert web['IpRanges'] == [{'CidrIp': '0.0.0.0/0', 'Description': 'web'}]
        assert web['Ipv6Ranges'] == [{'CidrIpv6': '::/0'}]
        assert shown['Tags'] == [{'Key': 'a', 'Value': 'b'}]
        for cidr in ('10.0.0.1/8', '10.0.0.0/33', 'x', '10.0.0.0'):
            refused('InvalidParameterValue', aws, 'ec2', 'authorize-security-group-ingress',
                    '--group-id', group, '--protocol', 'tcp', '--port', '1', '--cidr', cidr)
        aws('ec2', 'revoke-security-group-ingress', '--group-id', group, '--protocol', 'udp',
            '--port', '53', '--cidr', '10.0.0.0/8')
        refused('InvalidPermission.NotFound', aws, 'ec2', 'revoke-security-group-ingress',
                '--group-id', group, '--protocol', 'udp', '--port', '53', '--cidr', '10.0.0.0/8')
        aws('ec2', 'revoke-security-group-egress', '--group-id', group, '--ip-permissions',
            'IpProtocol=-1,IpRanges=[{CidrIp=0.0.0.0/0}]')
        aws('ec2', 'authorize-security-group-egress', '--group-id', group, '--ip-permissions',
            'IpProtocol=tcp,FromPort=443,ToPort=443,IpRanges=[{CidrIp=0.0.0.0/0}]')
        refused('InvalidGroup.Duplicate', aws, 'ec2', 'create-security-group', '--group-name', 'g',
                '--description', 'd')
    with tap.part('it is in use until the instance is gone'):
        instance = running(aws, '--security-group-ids', group)
        refused('DependencyViolation', aws, 'ec2', 'delete-security-group', '--group-id', group)
        aws.fake.settings(shutdown_ms=60000)
        aws('ec2', 'terminate-instances', '--instance-ids', instance)
        refused('DependencyViolation', aws, 'ec2', 'delete-security-group', '--group-id', group)
        aws.fake.advance(61)
        aws.fake.settings(shutdown_ms=50)
        eventually(lambda: state(aws, instance) == 'terminated')
        aws('ec2', 'delete-security-group', '--group-id', group)
        refused('InvalidGroup.NotFound', aws, 'ec2', 'delete-security-group', '--group-id', group)
    with tap.part('groups that name one another'):
        one, two = [aws('ec2', 'create-security-group', '--group-name', name, '--description',
                        'd')['GroupId'] for name in ('one', 'two')]
        aws('ec2', 'authorize-security-group-ingress', '--group-id', one, '--source-group', two,
            '--protocol', 'tcp', '--port', '22')
        refused('DependencyViolation', aws, 'ec2', 'delete-security-group', '--group-id', two)
        aws('ec2', 'delete-security-group', '--group-id', one)
        aws('ec2', 'delete-security-group', '--group-id', two)
    with tap.part('key pairs, made and imported'):
        made = aws('ec2', 'create-key-pair', '--key-name', 'made', '--key-type', 'ed25519')
        assert made['KeyMaterial'].startswith('-----BEGIN PRIVATE KEY-----')
        rsa = aws('ec2', 'create-key-pair', '--key-name', 'rsa')
        assert len(rsa['KeyFingerprint']) == 59
        public = ('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl'
                  ' me@here\n')
        import_words = ['ec2', 'import-key-pair', '--key-name', 'mine', '--public-key-material']
        with open(os.path.join(aws.fake.state, 'key.pub'), 'w', encoding='ascii') as file:
            file.write(public)
        aws(*import_words, 'fileb://' + file.name)
        refused('InvalidKeyPair.Duplicate', aws, *import_words, 'fileb://' + file.name)
        import_words[3] = 'other'
        refused('InvalidKey.Format', aws, *import_words, 'bm90IGEga2V5')
        names = aws('ec2', 'describe-key-pairs')['KeyPairs']
        assert sorted(k['KeyName'] for k in names) == ['made', 'mine', 'rsa']
        for name in ('made', 'mine', 'rsa', 'never'):
            aws('ec2', 'delete-key-pair', '--key-name', name)
        refused('InvalidKeyPair.NotFound', aws, 'ec2', 'describe-key-pairs', '--key-names', 'made')


def addresses(tap, aws):
    with tap.part('an elastic address: associated, in use, given back'):
        instance = running(aws)
        own = aws('ec2', 'allocate-address', '--domain', 'vpc', '--tag-specifications',
                  'ResourceType=elastic-ip,Tags=[{Key=a,Value=b}]')
        reply = aws('ec2', 'associate-address', '--allocation-id', own['AllocationId'],
                    '--instance-id', instance)
        again = aws('ec2', 'associate-address', '--allocation-id', own['AllocationId'],
                    '--instance-id', instance)
        assert reply['AssociationId'] == again['AssociationId']
        shown = aws('ec2', 'describe-instances', '--instance-ids', instance)
        assert shown['Reservations'][0]['Instances'][0]['PublicIpAddress'] == own['PublicIp']
        refused('InvalidIPAddress.InUse', aws, 'ec2', 'release-address', '--allocation-id',
                own['AllocationId'])
        other = running(aws)
        refused('Resource.AlreadyAssociated', aws, 'ec2', 'associate-address', '--allocation-id',
                own['AllocationId'], '--instance-id', other, '--no-allow-reassociation')
        aws('ec2', 'disassociate-address', '--association-id', reply['AssociationId'])
        refused('InvalidAssociationID.NotFound', aws, 'ec2', 'disassociate-address',
                '--association-id', reply['AssociationId'])
        aws('ec2', 'associate-address', '--allocation-id', own['AllocationId'], '--instance-id',
            other)
        end(aws, instance, other)
        shown = aws('ec2', 'describe-addresses', '--allocation-ids', own['AllocationId'])
        assert 'AssociationId' not in shown['Addresses'][0]  # it outlives the instance
        aws('ec2', 'release-address', '--allocation-id', own['AllocationId'])
        refused('InvalidAllocationID.NotFound', aws, 'ec2', 'release-address', '--allocation-id',
                own['AllocationId'])
    with tap.part('no more than the quota'):
        taken = [aws('ec2', 'allocate-address')['AllocationId'] for _ in range(5)]
        refused('AddressLimitExceeded', aws, 'ec2', 'allocate-address')
        for allocation in taken:
            aws('ec2', 'release-address', '--allocation-id', allocation)


def tags(tap, aws):
    with tap.part('tags of many kinds, made, changed, listed, deleted'):
        instance = running(aws)
        group = aws('ec2', 'create-security-group', '--group-name', 'tagged', '--description',
                    'd')['GroupId']
        aws('ec2', 'create-tags', '--resources', instance, group, '--tags', 'Key=k,Value=1',
            'Key=x,Value=y')
        aws('ec2', 'create-tags', '--resources', instance, '--tags', 'Key=k,Value=2')
        rows = aws('ec2', 'describe-tags', '--filters', 'Name=key,Values=k')['Tags']
        assert {(r['ResourceId'], r['ResourceType'], r['Value']) for r in rows} == {
            (instance, 'instance', '2'), (group, 'security-group', '1')}
        refused('InvalidInstanceID.NotFound', aws, 'ec2', 'create-tags', '--resources', group,
                'i-0123456789abcdef0', '--tags', 'Key=no,Value=')
        refused('InvalidID', aws, 'ec2', 'create-tags', '--resources', 'thing', '--tags',
                'Key=no,Value=')
        assert not aws('ec2', 'describe-tags', '--filters', 'Name=key,Values=no')['Tags']
        aws('ec2', 'delete-tags', '--resources', group, instance, '--tags', 'Key=k,Value=1')
        rows = aws('ec2', 'describe-tags', '--filters', 'Name=key,Values=k')['Tags']
        assert [r['ResourceId'] for r in rows] == [instance]
        aws('ec2', 'delete-security-group', '--group-id', group)
        end(aws, instance)


def sooner_or_later(aws, instance, wanted):
    """A change that comes just after another one is not shown before both are old."""
    for _ in range(4):
        aws.fake.advance(61)
        if state(aws, instance) == wanted:
            return
    raise AssertionError(f'never {wanted}')


def delays(tap, aws):
    with tap.part('what was just made is not found for a moment, and listings lag'):
        aws.fake.settings(visible_ms=60000, stale_ms=60000, skew_s=7200)
        instance = launch(aws)
        refused('InvalidInstanceID.NotFound', aws, 'ec2', 'describe-instances', '--instance-ids',
                instance)
        sooner_or_later(aws, instance, 'running')
        aws('ec2', 'terminate-instances', '--instance-ids', instance)
        assert state(aws, instance) == 'running'  # as they still say
        sooner_or_later(aws, instance, 'terminated')
        aws.fake.settings(visible_ms=0, stale_ms=0, skew_s=300)
    with tap.part('an hour later it is not shown any more'):
        aws.fake.advance(3700)
        try:
            aws.fake.settings(skew_s=7200)
            refused('InvalidInstanceID.NotFound', aws, 'ec2', 'describe-instances',
                    '--instance-ids', instance)
        finally:
            aws.fake.control('POST', '/_clock', {'real': True})
            aws.fake.settings(skew_s=300)
    with tap.part('too many at once'):
        aws.fake.settings(throttle=1, rates={'ec2.DescribeVpcs': [2, 0.001]})
        aws('ec2', 'describe-vpcs')
        aws('ec2', 'describe-vpcs')
        refused('RequestLimitExceeded', aws, 'ec2', 'describe-vpcs')
        aws.fake.settings(throttle=0)


def names(tap, aws):
    with tap.part('every parameter that the fake takes is in the model'):
        wrong = []
        for row in aws.fake.control('GET', '/_operations'):
            if row['service'] not in ('ec2', 'sts'):
                continue
            model = aws.model(row['service']).operation_model(row['operation'])
            for parameter in row['parameters']:
                if not has_parameter(model.input_shape, parameter.split('.'), row['service']):
                    wrong.append(f"{row['operation']} {parameter}")
        assert not wrong, wrong
    with tap.part('every element of every reply was in the model'):
        assert not aws.unknown, sorted(set(aws.unknown))
    with tap.part('every operation was called'):
        known = {f"{row['service']}.{row['operation']}"
                 for row in aws.fake.control('GET', '/_operations') if row['cloud'] == 'aws'}
        left = known - aws.calls - {'ec2.DeleteNetworkInterface'}
        assert not left, left


AREAS = (identity, catalogue, mismatches, instances, images, groups, addresses, tags, blocks,
         buckets, objects, uploads, imports, bundles, sessions, schedules, parameters, prices,
         metadata, guests, delays, names)


def main():
    if not os.path.exists(program('mirage-fakecloud')):
        skip_all('mirage-fakecloud is not built')
    tap = Tap()
    with fakecloud('--set', 'visible_ms=0', '--set', 'stale_ms=0', '--set', 'boot_ms=50', '--set',
                   'shutdown_ms=50', '--set', 'snapshot_ms=50', '--set', 'throttle=0') as fake:
        aws = Aws(fake)
        for area in AREAS:
            area(tap, aws)
        with tap.part('nothing is left'):
            assert fake.ledger()['exists'] == [], fake.ledger()['exists']
        with tap.part('ended when asked to'):
            assert fake.stop() == 0
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
