# SPDX-License-Identifier: ISC
"""A deployment on EC2 from the command line to moto, extended and ended; botocore is asked what is
there. Time is the test's (libmeddle.so): the provider looks for minutes until nothing is left.

Not to be had from moto, and so not looked at: that a launch is idempotent; that an image is what
was uploaded (it gets a root disk of moto's own); that schedules fire; that anything answers at an
address. It forgets the tags of an image that is registered, by which we find it again: botocore
puts them on. What moto makes by itself and never takes away is no rest of ours: the volume behind
each snapshot that is started, and a snapshot behind each image."""
import json
import os

from ec2_disk import disk
from meddle import LIBRARY, Meddle
from mirage import OVER, PATIENCE, Skip, World, utc, wait_for

ROLE = 'arn:aws:iam::123456789012:role/mirage-scheduler'
TAG = 'mirage-deploy:'
SCHEDULE_LATER_S = 60  # than the deadline: the daemon comes first
OF_MOTO = 'Auto-created snapshot for AMI'


class Deployer(World):
    """A daemon whose Amazon is moto, and botocore beside it."""

    def __init__(self, moto, keys):
        super().__init__()
        self.ec2, self.scheduler = moto.client('ec2'), moto.client('scheduler')
        self.time = Meddle(self.dir)
        folder = os.path.join(self.dir, '.config', 'mirage-deploy')
        os.makedirs(folder)
        with open(os.path.join(folder, 'config'), 'w', encoding='utf-8') as f:
            f.write(f'[ec2]\nrole = {ROLE}\n')
        self.env.update({name.upper(): value for name, value in keys.items()},
                        AWS_ENDPOINT_URL=moto.url, AWS_REGION='us-east-1')
        self.start_daemon(**self.time.env())

    def rows(self):
        """What there is now, by kind, but for what is Amazon's or moto's own."""
        ec2, own = self.ec2, {'OwnerIds': ['self']}
        instances = [i for r in ec2.describe_instances()['Reservations'] for i in r['Instances']]
        found = {
            'instance': [i for i in instances if i['State']['Name'] != 'terminated'],
            'image': ec2.describe_images(Owners=['self'])['Images'],
            'snapshot': [s for s in ec2.describe_snapshots(**own)['Snapshots']
                         if not s['Description'].startswith(OF_MOTO)],
            'volume': [v for v in ec2.describe_volumes()['Volumes']
                       if v.get('Tags') or v['Attachments']],
            'security-group': [g for g in ec2.describe_security_groups()['SecurityGroups']
                               if g['GroupName'] != 'default'],
            'network-interface': ec2.describe_network_interfaces()['NetworkInterfaces'],
            'elastic-ip': ec2.describe_addresses()['Addresses'],
            'schedule': [self.scheduler.get_schedule(Name=s['Name'])
                         for s in self.scheduler.list_schedules()['Schedules']]}
        return {kind: rows for kind, rows in found.items() if rows}


def tags_of(row):
    return {tag['Key']: tag['Value'] for tag in row.get('Tags', [])}


def check_tags(kind, row, deployment):
    tags = tags_of(row)
    assert tags[TAG + 'deployment'] == deployment['id'], (kind, tags)
    assert tags[TAG + 'expires'] == deployment['expires_at'], (kind, tags)
    assert tags[TAG + 'installation'] and tags[TAG + 'signature'], (kind, tags)


def check_instance(instance, deployment):
    assert instance['InstanceId'] == deployment['instance']['id'], instance
    assert instance['ClientToken'] == deployment['id'], instance
    assert instance['InstanceType'] == deployment['place']['type'] == 't3.micro', instance
    assert instance['PublicIpAddress'] in deployment['addresses'], instance
    assert instance['MetadataOptions']['HttpTokens'] == 'required', instance


def check_group(group):
    rule, = group['IpPermissions']
    assert (rule['IpProtocol'], rule['FromPort'], rule['ToPort']) == ('tcp', 22, 22), rule
    assert [r['CidrIp'] for r in rule['IpRanges']] == ['0.0.0.0/0'], rule
    assert [r['CidrIpv6'] for r in rule['Ipv6Ranges']] == ['::/0'], rule


def check_schedule(schedule, deployment):
    moment = schedule['ScheduleExpression'].removeprefix('at(').removesuffix(')') + 'Z'
    assert utc(moment) == utc(deployment['expires_at']) + SCHEDULE_LATER_S, (moment, deployment)
    target = schedule['Target']
    assert target['Arn'] == 'arn:aws:scheduler:::aws-sdk:ec2:terminateInstances', target
    assert target['RoleArn'] == ROLE, target
    assert json.loads(target['Input']) == {'InstanceIds': [deployment['instance']['id']]}, target
    assert schedule['ActionAfterCompletion'] == 'DELETE', schedule


def tag_image(world):
    """As the request that registered it said."""
    rows = world.rows()
    world.ec2.create_tags(Resources=[rows['image'][0]['ImageId']], Tags=rows['snapshot'][0]['Tags'])


def check_rows(world):
    """One of each, and each as it was asked for."""
    rows, deployment = world.rows(), world.show('one')
    for kind in ('instance', 'snapshot', 'volume', 'security-group', 'image'):
        row, = rows[kind]
        check_tags(kind, row, deployment)
    check_instance(rows['instance'][0], deployment)
    check_group(rows['security-group'][0])
    check_schedule(rows['schedule'][0], deployment)
    assert len(rows['schedule']) == 1, rows


def settle(world):
    def over():
        world.time.passes(20)
        return world.state_of('one') in OVER
    wait_for('it is gone', 90 * PATIENCE, over, every=0.5)


def deploy_and_remove(tap, moto, keys):
    if not os.path.exists(LIBRARY):
        with tap.part('a deployment'):
            raise Skip('libmeddle.so is not built')
        return
    with Deployer(moto, keys) as world:
        with tap.part('a disk is uploaded, registered, launched and armed'):
            world.cli('ec2', disk(world), '--anyway', '--no-list', '--open', '22', '--ttl', '20m',
                      '--name', 'one', '--yes', timeout=90 * PATIENCE)
            hooks = {hook['name']: hook['state'] for hook in world.show('one')['hooks']}
            assert hooks['cloud-schedule'] == hooks['daemon'] == 'armed', hooks
            tag_image(world)
            check_rows(world)
        with tap.part('an extension moves schedule and tags'):
            world.cli('extend', 'one', '1h')
            check_rows(world)
        with tap.part('rm: it is seen to be gone, and nothing of it is left'):
            world.cli('rm', 'one', '--detach')
            settle(world)
            assert world.show('one')['state'] == 'gone'
            assert not world.rows(), world.rows()
        world.say_log(tap)
