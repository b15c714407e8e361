# SPDX-License-Identifier: ISC
"""The parts of awscli.py that are not EC2."""
import base64
import datetime
import hashlib
import json
import os
import urllib.error
import urllib.request

from aws import end, eventually, launch, refused, running, state

BLOCK = 524288


def base64_sha256(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def put_block(aws, snapshot, index, data, **changes):
    path = os.path.join(aws.fake.state, 'block')
    with open(path, 'wb') as file:
        file.write(data)
    words = {'checksum': base64_sha256(data), 'checksum-algorithm': 'SHA256',
             'data-length': str(len(data)), **changes}
    return aws('ebs', 'put-snapshot-block', '--snapshot-id', snapshot, '--block-index', index,
               '--block-data', path,
               *[word for name, value in words.items() for word in ('--' + name, value)])


def blocks(tap, aws):
    start = ['ebs', 'start-snapshot', '--volume-size', '1', '--timeout', '10', '--client-token',
             'snapshot-1', '--tags', 'Key=a,Value=b']
    one, two = b'1' * BLOCK, bytes(BLOCK)
    with tap.part('a snapshot, written block by block'):
        snapshot = aws(*start)
        assert snapshot['Status'] == 'pending' and snapshot['BlockSize'] == BLOCK
        snapshot = snapshot['SnapshotId']
        assert aws(*start)['SnapshotId'] == snapshot
        refused('ConflictException', aws, *start[:3], '2', *start[4:])
        put_block(aws, snapshot, 0, one)
        put_block(aws, snapshot, 7, two)
        put_block(aws, snapshot, 7, two)
        shown = aws('ec2', 'describe-snapshots', '--snapshot-ids', snapshot)['Snapshots'][0]
        assert shown['State'] == 'pending' and shown['Tags'] == [{'Key': 'a', 'Value': 'b'}]
    with tap.part('blocks that are not taken'):
        refused('ValidationException', aws, *start[:3], '65537')
        refused('ValidationException', put_block_of(aws, snapshot), 2048, one)
        refused('ValidationException', put_block_of(aws, snapshot), 1, one[1:])
        refused('ValidationException', put_block_of(aws, snapshot), 1, one,
                checksum=base64_sha256(two))
        refused('ValidationException', put_block_of(aws, snapshot), 1, one,
                **{'checksum-algorithm': 'SHA1'})
        refused('ResourceNotFoundException', put_block_of(aws, 'snap-0123456789abcdef0'), 1, one)
    with tap.part('completed with the right count and checksum alone'):
        complete = ['ebs', 'complete-snapshot', '--snapshot-id', snapshot,
                    '--changed-blocks-count']
        right = base64_sha256(hashlib.sha256(one).digest() + hashlib.sha256(two).digest())
        aggregate = ['--checksum-algorithm', 'SHA256', '--checksum-aggregation-method', 'LINEAR',
                     '--checksum']
        refused('ValidationException', aws, *complete, '3')
        refused('ValidationException', aws, *complete, '2', *aggregate, base64_sha256(one))
        refused('ValidationException', aws, 'ebs', 'list-snapshot-blocks', '--snapshot-id',
                snapshot)
        assert aws(*complete, '2', *aggregate, right)['Status'] == 'pending'
        eventually(lambda: aws('ec2', 'describe-snapshots', '--snapshot-ids', snapshot)
                   ['Snapshots'][0]['State'] == 'completed')
        refused('ValidationException', put_block_of(aws, snapshot), 1, one)
    with tap.part('read back, and compared with a child'):
        listed = aws('ebs', 'list-snapshot-blocks', '--snapshot-id', snapshot)['Blocks']
        assert [b['BlockIndex'] for b in listed] == [0, 7]
        path = os.path.join(aws.fake.state, 'read')
        aws('ebs', 'get-snapshot-block', '--snapshot-id', snapshot, '--block-index', 0,
            '--block-token', listed[0]['BlockToken'], path)
        with open(path, 'rb') as file:
            assert file.read() == one
        refused('ValidationException', aws, 'ebs', 'get-snapshot-block', '--snapshot-id', snapshot,
                '--block-index', 7, '--block-token', listed[0]['BlockToken'], path)
        child = aws('ebs', 'start-snapshot', '--volume-size', '1', '--parent-snapshot-id',
                    snapshot)['SnapshotId']
        put_block(aws, child, 7, one)
        put_block(aws, child, 9, two)
        aws('ebs', 'complete-snapshot', '--snapshot-id', child, '--changed-blocks-count', 2)
        eventually(lambda: aws('ec2', 'describe-snapshots', '--snapshot-ids', child)
                   ['Snapshots'][0]['State'] == 'completed')
        changed = aws('ebs', 'list-changed-blocks', '--first-snapshot-id', snapshot,
                      '--second-snapshot-id', child)['ChangedBlocks']
        assert [(b['BlockIndex'], 'FirstBlockToken' in b) for b in changed] == [
            (7, True), (9, False)]
        for each in (child, snapshot):
            aws('ec2', 'delete-snapshot', '--snapshot-id', each)
    with tap.part('never completed: it cancels itself'):
        late = aws('ebs', 'start-snapshot', '--volume-size', '1', '--timeout', '10')['SnapshotId']
        aws.fake.settings(skew_s=7200)
        aws.fake.advance(590)
        put_block(aws, late, 0, one)  # from here on ten minutes more
        aws.fake.advance(590)
        assert aws('ec2', 'describe-snapshots', '--snapshot-ids', late)['Snapshots']
        aws.fake.advance(20)
        refused('InvalidSnapshot.NotFound', aws, 'ec2', 'describe-snapshots', '--snapshot-ids',
                late)
        aws.fake.control('POST', '/_clock', {'real': True})
        aws.fake.settings(skew_s=300)


def put_block_of(aws, snapshot):
    return lambda index, data, **changes: put_block(aws, snapshot, index, data, **changes)


def sessions(tap, aws):
    account = '123456789012'
    with tap.part('a role, taken: its keys work with their token, until they end'):
        deployer = f'arn:aws:iam::{account}:role/mirage-deployer'
        reply = aws('sts', 'assume-role', '--role-arn', deployer,
                    '--role-session-name', 'me', '--duration-seconds', '900')
        keys = reply['Credentials']
        session = {'AWS_ACCESS_KEY_ID': keys['AccessKeyId'],
                   'AWS_SECRET_ACCESS_KEY': keys['SecretAccessKey'],
                   'AWS_SESSION_TOKEN': keys['SessionToken']}
        who = aws('sts', 'get-caller-identity', **session)
        assert who['Arn'] == f'arn:aws:sts::{account}:assumed-role/mirage-deployer/me', who
        aws('ec2', 'describe-instances', **session)
        refused('AuthFailure', aws, 'ec2', 'describe-instances',
                **{**session, 'AWS_SESSION_TOKEN': 'other'})
        bare = {k: v for k, v in session.items() if k != 'AWS_SESSION_TOKEN'}
        refused('InvalidClientTokenId', aws, 'sts', 'get-caller-identity', **bare)
        aws.fake.settings(skew_s=7200)
        aws.fake.advance(901)
        refused('ExpiredToken', aws, 'sts', 'get-caller-identity', **session)
        refused('RequestExpired', aws, 'ec2', 'describe-instances', **session)
        aws.fake.control('POST', '/_clock', {'real': True})
        aws.fake.settings(skew_s=300)
    with tap.part('roles that are not given'):
        for name in ('nobody', 'vmimport'):
            refused('AccessDenied', aws, 'sts', 'assume-role', '--role-arn',
                    f'arn:aws:iam::{account}:role/{name}', '--role-session-name', 'me')
        refused('ValidationError', aws, 'sts', 'assume-role', '--role-arn',
                f'arn:aws:iam::{account}:role/mirage-deployer', '--role-session-name', 'a b')
    with tap.part('web identity: not signed, by a token that ends'):
        token = aws.fake.control('POST', '/_webtokens', {'subject': 'repo:me', 'ttl_s': 60})
        words = ['sts', 'assume-role-with-web-identity', '--role-arn',
                 f'arn:aws:iam::{account}:role/mirage-web', '--role-session-name', 'ci',
                 '--web-identity-token']
        reply = aws(*words, token['token'])
        assert reply['SubjectFromWebIdentityToken'] == 'repo:me'
        refused('InvalidIdentityToken', aws, *words, token['token'][:-1] + '!')
        aws.fake.advance(61)
        refused('ExpiredTokenException', aws, *words, token['token'])
        aws.fake.control('POST', '/_clock', {'real': True})
    with tap.part('what a policy does not allow is refused, by each service in its words'):
        allow = {'Effect': 'Allow', 'Resource': '*',
                 'Action': ['ec2:Describe*', 'ec2:RunInstances', 'sts:AssumeRole']}
        aws.fake.control('POST', '/_policy', {'policy': {'Statement': [allow]}})
        aws('ec2', 'describe-instances')
        refused('UnauthorizedOperation', aws, 'ec2', 'terminate-instances', '--instance-ids',
                'i-0123456789abcdef0', '--dry-run')
        refused('UnauthorizedOperation', aws, 'ec2', 'run-instances', '--image-id', aws.amazon,
                '--tag-specifications', 'ResourceType=instance,Tags=[{Key=a,Value=b}]')
        refused('DryRunOperation', aws, 'ec2', 'run-instances', '--image-id', aws.amazon,
                '--instance-type', 't3.micro', '--dry-run')
        refused('AccessDeniedException', aws, 'ebs', 'start-snapshot', '--volume-size', '1')
        refused('AccessDeniedException', aws, 'ssm', 'get-parameter', '--name', 'x')
        allow['Effect'] = 'Deny'
        everything = {'Effect': 'Allow', 'Action': '*', 'Resource': '*'}
        aws.fake.control('POST', '/_policy', {'policy': {'Statement': [everything, allow]}})
        refused('UnauthorizedOperation', aws, 'ec2', 'describe-instances')
        aws('ec2', 'terminate-instances', '--instance-ids', running_of_policy(aws))
        aws.fake.control('POST', '/_policy', {'policy': None})
        eventually(lambda: not aws.fake.ledger()['exists'])


def running_of_policy(aws):
    """An instance, launched while the policy that forbids it is away."""
    policy = {'Statement': [{'Effect': 'Allow', 'Action': 'ec2:*', 'Resource': '*'}]}
    aws.fake.control('POST', '/_policy', {'policy': policy})
    return launch(aws)


def at(aws, seconds):
    now = aws.fake.control('GET', '/_clock')['now_ms'] / 1000 + seconds
    moment = datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
    return f'at({moment:%Y-%m-%dT%H:%M:%S})'


def schedule_words(aws, when, instance, **target):
    target = {'Arn': 'arn:aws:scheduler:::aws-sdk:ec2:terminateInstances',
              'RoleArn': 'arn:aws:iam::123456789012:role/mirage-scheduler',
              'Input': json.dumps({'InstanceIds': [instance]}), **target}
    return ['--schedule-expression', when, '--flexible-time-window', 'Mode=OFF', '--target',
            json.dumps(target)]


def schedules(tap, aws):
    create = ['scheduler', 'create-schedule', '--name', 'end-it']
    instance = running(aws)
    with tap.part('a schedule: made, read back, moved, listed'):
        words = schedule_words(aws, at(aws, 100), instance)
        arn = aws(*create, *words)['ScheduleArn']
        assert arn == 'arn:aws:scheduler:us-east-1:123456789012:schedule/default/end-it'
        refused('ConflictException', aws, *create, *words)
        later = schedule_words(aws, at(aws, 200), instance)
        aws('scheduler', 'update-schedule', '--name', 'end-it', *later)
        shown = aws('scheduler', 'get-schedule', '--name', 'end-it')
        assert shown['ScheduleExpression'] == later[1] and shown['State'] == 'ENABLED'
        assert shown['Target']['RetryPolicy']['MaximumRetryAttempts'] == 185
        rows = aws('scheduler', 'list-schedules', '--name-prefix', 'end')['Schedules']
        assert [r['Name'] for r in rows] == ['end-it']
    with tap.part('it fires when its time has come, on nobody else\'s behalf'):
        aws.fake.advance(150)
        assert state(aws, instance) == 'running'
        aws.fake.advance(60)
        eventually(lambda: state(aws, instance) == 'terminated')
        gone = [o for o in aws.fake.ledger()['existed'] if o['id'] == instance]
        assert gone[0]['gone_by'] == 'scheduler.Invoke end-it', gone
        aws('scheduler', 'delete-schedule', '--name', 'end-it')
        refused('ResourceNotFoundException', aws, 'scheduler', 'get-schedule', '--name', 'end-it')
        aws.fake.control('POST', '/_clock', {'real': True})
    with tap.part('schedules that are not taken'):
        rows = [('at(yesterday)', {}), ('rate(1 minute)', {}), (at(aws, -60), {}),
                (at(aws, 60), {'RoleArn': 'arn:aws:iam::123456789012:role/vmimport'}),
                (at(aws, 60), {'RoleArn': 'arn:aws:iam::123456789012:role/nobody'}),
                (at(aws, 60), {'Arn': 'arn:aws:scheduler:::aws-sdk:ec2:describeInstances'}),
                (at(aws, 60), {'Arn': 'arn:aws:lambda:us-east-1:123456789012:function:f'}),
                (at(aws, 60), {'Input': 'none'}),
                (at(aws, 60), {'RetryPolicy': {'MaximumRetryAttempts': 186}})]
        for when, target in rows:
            words = schedule_words(aws, when, 'i-0', **target)
            refused('ValidationException', aws, *create, *words)
        refused('ValidationException', aws, 'scheduler', 'get-schedule', '--name', 'a b')
        refused('ResourceNotFoundException', aws, *create, '--group-name', 'other',
                *schedule_words(aws, at(aws, 60), 'i-0'))
    with tap.part('an attempt that fails is repeated; after the last one it is gone all the same'):
        instance = running(aws)
        after = ['--action-after-completion', 'DELETE']
        if 'ActionAfterCompletion' not in aws.model('scheduler').operation_model(
                'CreateSchedule').input_shape.members:
            after = []  # newer than this client
        aws.fake.fault('fail-before', service='scheduler', operation='Invoke', times=2)
        aws(*create, *schedule_words(aws, at(aws, 30), instance), *after)
        aws.fake.advance(60)
        eventually(lambda: aws.fake.control('GET', '/_calls')['by_operation'].get(
            'scheduler.Invoke', 0) >= 2)
        aws.fake.advance(10)
        eventually(lambda: state(aws, instance) == 'terminated')
        if after:
            refused('ResourceNotFoundException', aws, 'scheduler', 'get-schedule', '--name',
                    'end-it')
        else:
            aws('scheduler', 'delete-schedule', '--name', 'end-it')
        aws.fake.control('DELETE', '/_faults')
        aws.fake.control('POST', '/_clock', {'real': True})


def parameters(tap, aws):
    with tap.part('ssm: own parameters and the public ones of images'):
        public = '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64'
        image = aws('ssm', 'get-parameter', '--name', public)['Parameter']['Value']
        assert image == aws.amazon
        put = ['ssm', 'put-parameter', '--name', '/m/a', '--value']
        assert aws(*put, '1', '--type', 'String')['Version'] == 1
        refused('ParameterAlreadyExists', aws, *put, '2', '--type', 'String')
        assert aws(*put, '2', '--overwrite')['Version'] == 2
        aws('ssm', 'put-parameter', '--name', '/m/b/c', '--value', 'x', '--type', 'StringList')
        reply = aws('ssm', 'get-parameters', '--names', '/m/a', '/m/none')
        assert [p['Value'] for p in reply['Parameters']] == ['2']
        assert reply['InvalidParameters'] == ['/m/none']
        reply = aws('ssm', 'get-parameters-by-path', '--path', '/m')['Parameters']
        assert [p['Name'] for p in reply] == ['/m/a']
        reply = aws('ssm', 'get-parameters-by-path', '--path', '/m', '--recursive')['Parameters']
        assert [p['Name'] for p in reply] == ['/m/a', '/m/b/c']
        refused('ParameterNotFound', aws, 'ssm', 'get-parameter', '--name', '/m/none')
        refused('ValidationException', aws, 'ssm', 'put-parameter', '--name', '/aws/x', '--value',
                'x', '--type', 'String')
        aws('ssm', 'delete-parameter', '--name', '/m/a')
        reply = aws('ssm', 'delete-parameters', '--names', '/m/a', '/m/b/c')
        assert reply == {'DeletedParameters': ['/m/b/c'], 'InvalidParameters': ['/m/a']}
        refused('ParameterNotFound', aws, 'ssm', 'delete-parameter', '--name', '/m/a')


def prices(tap, aws):
    with tap.part('the price of a type'):
        words = ['pricing', 'get-products', '--service-code', 'AmazonEC2', '--filters']
        match = [f'Type=TERM_MATCH,Field={field},Value={value}' for field, value in (
            ('instanceType', 't3.micro'), ('regionCode', 'us-east-1'), ('operatingSystem', 'Linux'),
            ('tenancy', 'Shared'), ('preInstalledSw', 'NA'), ('capacitystatus', 'Used'))]
        rows = aws(*words, *match)['PriceList']
        assert len(rows) == 1
        row = json.loads(rows[0])
        assert row['product']['attributes']['instanceType'] == 't3.micro'
        term = list(row['terms']['OnDemand'].values())[0]
        dimension = list(term['priceDimensions'].values())[0]
        assert float(dimension['pricePerUnit']['USD']) == 0.0104 and dimension['unit'] == 'Hrs'
        rows = aws(*words, match[0], '--page-size', 3)['PriceList']
        assert len({json.loads(r)['product']['attributes']['regionCode'] for r in rows}) == 10
        refused('NotFoundException', aws, *words[:3], 'AmazonNothing')


def ask(url, method='GET', **headers):
    request = urllib.request.Request(url, method=method, headers={
        name.replace('_', '-'): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ''


def metadata(tap, aws):
    with tap.part('metadata of an instance, by a token that ends'):
        instance = running(aws, '--metadata-options', 'HttpTokens=required,InstanceMetadataTags='
                           'enabled', '--iam-instance-profile', 'Name=mirage-instance',
                           '--user-data', 'über', '--tag-specifications',
                           'ResourceType=instance,Tags=[{Key=a,Value=b}]')
        base = f'{aws.fake.url}/_imds/{instance}/latest'
        assert ask(f'{base}/meta-data/instance-id')[0] == 401
        assert ask(f'{base}/api/token', 'PUT')[0] == 400
        ttl = {'X_aws_ec2_metadata_token_ttl_seconds': '60'}
        assert ask(f'{base}/api/token', 'PUT', X_Forwarded_For='1.2.3.4', **ttl)[0] == 403
        token = {'X_aws_ec2_metadata_token': ask(f'{base}/api/token', 'PUT', **ttl)[1]}
        assert ask(f'{base}/meta-data/instance-id', **token) == (200, instance)
        assert ask(f'{base}/meta-data/placement/region', **token) == (200, 'us-east-1')
        assert ask(f'{base}/meta-data/tags/instance/a', **token) == (200, 'b')
        assert ask(f'{base}/user-data', **token) == (200, 'über')
        assert ask(f'{base}/meta-data/none', **token)[0] == 404
        role = ask(f'{base}/meta-data/iam/security-credentials/', **token)
        assert role == (200, 'mirage-instance')
        keys = json.loads(ask(f'{base}/meta-data/iam/security-credentials/mirage-instance',
                              **token)[1])
        who = aws('sts', 'get-caller-identity', AWS_ACCESS_KEY_ID=keys['AccessKeyId'],
                  AWS_SECRET_ACCESS_KEY=keys['SecretAccessKey'], AWS_SESSION_TOKEN=keys['Token'])
        assert who['Arn'].endswith(f'assumed-role/mirage-instance/{instance}')
        aws.fake.advance(61)
        assert ask(f'{base}/meta-data/instance-id', **token)[0] == 401
        aws.fake.control('POST', '/_clock', {'real': True})
        end(aws, instance)
        assert ask(f'{base}/meta-data/instance-id', **token)[0] == 404
    with tap.part('the client finds keys there when it has none'):
        who = aws('sts', 'get-caller-identity', AWS_ACCESS_KEY_ID='', AWS_SECRET_ACCESS_KEY='',
                  AWS_EC2_METADATA_DISABLED='false',
                  AWS_EC2_METADATA_SERVICE_ENDPOINT=f'{aws.fake.url}/_imds/')
        assert who['Arn'].endswith('assumed-role/mirage-instance/i-0'), who


def guests(tap, aws):
    with tap.part('a guest that speaks, and powers itself off: gone, or stopped'):
        for behaviour, final in (('terminate', 'terminated'), ('stop', 'stopped')):
            instance = running(aws, '--instance-initiated-shutdown-behavior', behaviour)
            aws.fake.control('POST', '/_guest', {'instance': instance, 'console': 'hello\n'})
            latest = aws('ec2', 'get-console-output', '--instance-id', instance, '--latest')
            assert latest['Output'] == 'hello\n', latest
            early = aws('ec2', 'get-console-output', '--instance-id', instance)
            assert not early.get('Output'), early
            aws.fake.control('POST', '/_guest', {'instance': instance, 'power_off': True})
            eventually(lambda: state(aws, instance) == final)
            kept = aws('ec2', 'get-console-output', '--instance-id', instance)
            assert kept['Output'] == 'hello\n'
        end(aws, instance)
