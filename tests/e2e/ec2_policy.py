# SPDX-License-Identifier: ISC
"""What `doctor ec2 --print-policy` prints is enough, and not too much: whole deployments run
against a mirage-fakecloud that allows these actions and nothing else, and afterwards each of the
actions has been asked for. So a call that the policy does not know fails here, and so does an
action that nobody needs (any more)."""
import json
import os
import shutil
import subprocess
import sys

from bucket import held, make_bucket
from bundle import make_keys
from ec2_disk import disk
from fakecloud import fakecloud
from mirage import Tap, World, need_programs, program, skip_all, wait_for

TAG = 'mirage-deploy:'
ACCOUNT = '123456789012'
BUCKET = 'heap'
# How IAM calls what S3 calls otherwise.
ACTIONS = {'s3:ListObjectsV2': 's3:ListBucket', 's3:HeadObject': 's3:GetObject',
           's3:ListMultipartUploads': 's3:ListBucketMultipartUploads',
           's3:CreateMultipartUpload': 's3:PutObject', 's3:UploadPart': 's3:PutObject',
           's3:CompleteMultipartUpload': 's3:PutObject'}
# What is in the policy and in no list of calls: another call asks for it, and fails without it.
ASKED_BESIDE = {'iam:PassRole': 'asked for by CreateSchedule and UpdateSchedule',
                's3:PutObjectAcl': 'asked for by PutObject with an access control list'}


def actions(policy):
    return {action for statement in policy['Statement'] for action in statement['Action']}


def allow(fake, policy):
    fake.control('POST', '/_policy', {'policy': policy})


class Owner:
    """Whoever owns the account, and may do everything while he does it."""

    def __init__(self, fake, policy):
        self.fake, self.policy = fake, policy

    def aws(self, *words, service='ec2'):
        allow(self.fake, None)
        done = subprocess.run(['aws', '--endpoint-url', self.fake.url, '--output', 'json', service,
                               *words], env={**os.environ, **self.fake.env}, capture_output=True,
                              text=True, timeout=60, check=False)
        allow(self.fake, self.policy)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else {}


def printed(world):
    """The policy, from the command line alone."""
    first = world.cli('doctor', 'ec2', '--print-policy')
    again = world.cli('doctor', 'ec2', '--print-policy', '--json')
    assert first.out == again.out and not first.err and not again.err, (first, again)
    assert not os.path.exists(world.state), 'printing left something behind'
    none = world.cli('doctor', 'local', '--print-policy', expect=2)
    assert not none.out and 'needs no permissions' in none.err, none
    document = first.json()
    assert first.out == json.dumps(document, indent=2, sort_keys=True) + '\n', first.out
    return document


def make_role(fake, role):
    trust = role['trust']['Statement'][0]
    condition = trust.get('Condition', {}).get('StringEquals', {})
    fake.control('POST', '/_roles', {
        'name': role['name'], 'policy': role['policy'], 'trust': [trust['Principal']['Service']],
        'external_id': condition.get('sts:ExternalId', '')})


def write_config(world, *lines):
    folder = os.path.join(world.dir, '.config', 'mirage-deploy')
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, 'config'), 'w', encoding='utf-8') as f:
        f.write('\n'.join(['[ec2]', *lines, '']))


def configure(world, fake, role, *lines):
    write_config(world, f'role = arn:aws:iam::{ACCOUNT}:role/{role["name"]}', *lines)
    make_role(fake, role)
    world.env.update(fake.env)
    world.start_daemon()


def deploy(world, kernel, name, *options):
    world.cli('ec2', kernel, '--anyway', '--no-list', '--open', '22', '--ttl', '20m', '--name',
              name, '--yes', *options)
    return world.show(name)


def of(fake, token):
    return fake.carrying(TAG + 'deployment', token)


def deploy_image(world, name='image', flip=1):
    """Another disk, so that no image of another deployment is borrowed."""
    path = os.path.join(world.dir, name + '.raw')
    with open(world.disk, 'rb') as f:
        content = bytearray(f.read())
    content[1 << 20] ^= flip
    with open(path, 'wb') as f:
        f.write(content)
    return world.cli('ec2', path, '--anyway', '--no-list', '--ttl', '20m', '--name', name,
                     '--yes', '--wait-timeout', '4s', expect=None)


def left(fake, token, *kinds):
    """What is there of a deployment, of these kinds or of an instance that is not over."""
    found = of(fake, token)
    over = [row['document']['instanceState']['name'] == 'terminated'
            for row in found.get('instance', [])]
    return not all(over) or any(kind in found for kind in kinds)


def leave_behind(owner, fake, d, **changed):
    """A volume and an interface with the deployment's tags, which no instance takes with it."""
    row = of(fake, d['id'])['instance'][0]
    tags = {**row['tags'], **{TAG + key: value for key, value in changed.items()}}
    tags = ','.join(f'{{Key={key},Value="{value}"}}' for key, value in tags.items())
    made = owner.aws(
        'run-instances', '--image-id', row['document']['imageId'], '--instance-type', 't3.micro',
        '--block-device-mappings', 'DeviceName=/dev/xvda,Ebs={DeleteOnTermination=false}',
        '--network-interfaces', 'DeviceIndex=0,DeleteOnTermination=false',
        '--tag-specifications', f'ResourceType=volume,Tags=[{tags}]',
        f'ResourceType=network-interface,Tags=[{tags}]')
    owner.aws('terminate-instances', '--instance-ids', made['Instances'][0]['InstanceId'])


def move_address(owner, fake, d):
    """The deployment's address, given to an instance that stays."""
    row = of(fake, d['id'])['instance'][0]
    made = owner.aws('run-instances', '--image-id', row['document']['imageId'],
                     '--instance-type', 't3.micro')['Instances'][0]['InstanceId']
    wait_for('an address can be given to it', 60, lambda: any(
        row['id'] == made and row['document']['instanceState']['name'] == 'running'
        for row in fake.ledger()['exists']))
    owner.aws('associate-address', '--allow-reassociation', '--allocation-id',
              of(fake, d['id'])['elastic-ip'][0]['id'], '--instance-id', made)


def life(tap, world, fake, owner):
    hello = program('hello.elf')
    with tap.part('a deployment with an address that is kept, its console, and an extension'):
        d = deploy(world, world.disk, 'one', '--keep-address')
        hooks = {hook['name']: hook['state'] for hook in d['hooks']}
        assert hooks['cloud-schedule'] == 'armed', d['hooks']
        assert 'elastic-ip' in of(fake, d['id']), of(fake, d['id'])
        world.cli('logs', 'one')
        world.cli('extend', 'one', '1h')
    with tap.part('a zone without room: the next one is noted, and taken'):
        fake.fault('fail-before', service='ec2', operation='RunInstances', status=500,
                   code='InsufficientInstanceCapacity')
        deploy(world, world.disk, 'zone')
    with tap.part('a guest that keeps the deadline itself'):
        guest = deploy(world, hello, 'guest')
        hooks = {hook['name']: hook['state'] for hook in guest['hooks']}
        assert hooks['shutdown-behaviour'] == 'armed', guest['hooks']
    with tap.part('all of it goes, and what it has left behind, and what somebody has protected'):
        leave_behind(owner, fake, d)
        move_address(owner, fake, d)
        owner.aws('modify-instance-attribute', '--disable-api-termination', '--instance-id',
                  of(fake, d['id'])['instance'][0]['id'])
        tokens = [world.show(name)['id'] for name in ('one', 'zone', 'guest')]
        for name in ('one', 'zone', 'guest'):
            world.cli('rm', name, '--detach')
        for token in tokens:
            wait_for(f'nothing is left of {token}', 120,
                     lambda t=token: not left(fake, t, 'elastic-ip', 'network-interface',
                                              'security-group', 'volume'))
    with tap.part('an image that no instance ever came of goes with its snapshot'):
        fake.fault('fail-before', service='ec2', operation='DescribeImages', status=403,
                   code='UnauthorizedOperation', where={'ImageId.1': 'ami-*'})
        done = deploy_image(world)
        assert done.status != 0, done.err
        token = world.show('image')['id']
        wait_for('image and snapshot are gone', 60,
                 lambda: not left(fake, token, 'image', 'snapshot'))


def reaper(tap, world, fake, policies):
    """A mirage-reap elsewhere gets by with the policy that is printed for it, and says so when it
    may not end what it sees."""
    with tap.part('a reaper with its own policy goes through everything, and leaves word'):
        d = deploy(world, world.disk, 'kept')
        allow(fake, policies['reaper'])
        done = world.reap('ec2', '--every', '5m', '--json')
        assert done.returncode == 0, done
        assert json.loads(done.stdout)['recorded'] == ['account', 'state'], done.stdout
        assert json.loads(done.stdout)['kept'] > 0, done.stdout
    with tap.part('its policy ends what is overdue, whatever it is, and launches nothing'):
        made = actions(policies['reaper'])
        ends = {a for a in actions(policies['policy'])
                if a.split(':')[1].startswith(('Delete', 'Terminate', 'Deregister', 'Release'))}
        assert ends <= made and not {'ec2:RunInstances', 'iam:PassRole', 'ec2:CreateTags'} & made
    with tap.part('one that may look and not end leaves no word, and says why'):
        allow(fake, without(policies['reaper'], 'ec2:TerminateInstances'))
        done = world.reap('ec2', '--every', '5m')
        assert done.returncode == 4 and 'TerminateInstances' in done.stderr, done
    with tap.part('one that may not say it in the account says it here'):
        allow(fake, without(policies['reaper'], 'ssm:PutParameter'))
        done = world.reap('ec2', '--every', '5m', '--json')
        assert done.returncode == 0, done
        assert json.loads(done.stdout)['recorded'] == ['state'], done.stdout
    with tap.part('the note of an installation is all of SSM that is allowed'):
        allow(fake, policies['policy'])
        done = subprocess.run(['aws', '--endpoint-url', fake.url, 'ssm', 'get-parameter', '--name',
                               '/somebody/else'], env={**os.environ, **fake.env},
                              capture_output=True, text=True, timeout=60, check=False)
        assert 'AccessDenied' in done.stderr, done
    world.cli('rm', 'kept', '--detach')
    wait_for('its instance is over', 60, lambda: not left(fake, d['id']))


def alike(owner, fake, d):
    """What somebody else has made, with the tags of that deployment but for the signature, which
    they cannot know: ids."""
    forged = '0' * 64
    row = of(fake, d['id'])['instance'][0]
    tags = {**row['tags'], TAG + 'signature': forged}
    words = ','.join(f'{{Key={key},Value="{value}"}}' for key, value in tags.items())

    def make(kind, *call):
        return owner.aws(*call, '--tag-specifications', f'ResourceType={kind},Tags=[{words}]')

    leave_behind(owner, fake, d, signature=forged)
    make('security-group', 'create-security-group', '--group-name', 'mirage-alike',
         '--description', 'x')
    make('elastic-ip', 'allocate-address')
    ids = {row['id'] for rows in of(fake, d['id']).values() for row in rows
           if row['tags'][TAG + 'signature'] == forged}
    assert len(ids) == 4, ids
    return ids


def there(fake):
    """The ids of all that costs, or could."""
    return {row['id'] for row in fake.ledger()['exists']
            if row['document'].get('instanceState', {}).get('name') != 'terminated'}


def claimed(tap, world, fake, owner):
    with tap.part('what claims to be of a deployment, without our signature, stays when that ends'):
        d = deploy(world, world.disk, 'claimed')
        theirs = alike(owner, fake, d)
        mine = {row['id'] for rows in of(fake, d['id']).values() for row in rows} - theirs
        world.cli('rm', 'claimed', '--detach')
        wait_for('all that it had is gone', 60, lambda: not mine & there(fake))
        assert theirs <= there(fake), theirs - there(fake)
        wait_for('that is said', 60,
                 lambda: 'a foreign object claims this lease' in world.daemon_log())


def bounds(tap, fake, policy):
    """With the policy nothing can be done to what is not ours, nor made without our tag."""
    def aws(*words):
        return subprocess.run(['aws', '--endpoint-url', fake.url, '--output', 'json', 'ec2',
                               *words], env={**os.environ, **fake.env}, capture_output=True,
                              text=True, timeout=60, check=False)

    def make(*more):
        return aws('create-security-group', '--group-name', 'theirs', '--description', 'x', *more)

    ours = 'ResourceType=security-group,Tags=[{Key=mirage-deploy:installation,Value=x}]'
    with tap.part('nothing is made without our tag'):
        assert 'UnauthorizedOperation' in make().stderr
    allow(fake, None)
    theirs = json.loads(make().stdout)['GroupId']
    allow(fake, policy)
    with tap.part('what is not ours is not changed, not ended and not made ours'):
        for words in (['delete-security-group', '--group-id', theirs],
                      ['authorize-security-group-ingress', '--group-id', theirs, '--protocol',
                       'tcp', '--port', '1', '--cidr', '127.0.0.1/32'],
                      ['create-tags', '--resources', theirs, '--tags',
                       'Key=mirage-deploy:installation,Value=x']):
            done = aws(*words)
            assert 'UnauthorizedOperation' in done.stderr, (words, done)
    with tap.part('what is ours is'):
        done = aws('create-security-group', '--group-name', 'ours', '--description', 'x',
                   '--tag-specifications', ours)
        assert done.returncode == 0, done.stderr
        done = aws('delete-security-group', '--group-id', json.loads(done.stdout)['GroupId'])
        assert done.returncode == 0, done.stderr


def refusals(fake, after):
    """The calls that were refused for the policy, of those behind a number."""
    words = ('unauthorizedoperation', 'accessdenied')
    return [row for row in fake.control('GET', '/_calls')['calls']
            if row['number'] > after and not row['fault'] and row['code'].lower().startswith(words)]


def asked_for(fake):
    calls = fake.control('GET', '/_calls')['by_operation']
    names = {name.replace('.', ':') for name in calls} - {'sts:GetCallerIdentity'}
    return {ACTIONS.get(name, name) for name in names - {'s3:CreateBucket'}}


def compare(tap, fake, policy, before=frozenset()):
    asked = asked_for(fake)
    with tap.part('nothing was refused, and nothing was called that the policy does not have'):
        assert not refusals(fake, 0), refusals(fake, 0)
        assert asked <= actions(policy), sorted(asked - actions(policy))
    with tap.part('nothing is in the policy that was not called'):
        spare = actions(policy) - asked - before - set(ASKED_BESIDE)
        assert not spare, sorted(spare)
    return asked


def half_made(world, fake, token):
    """The key that an object of the deployment has, and whether its import is under way."""
    found = [row for row in fake.ledger()['exists'] if token in row['id']]
    running = [row for row in of(fake, token).get('import-snapshot-task', [])
               if row['document']['snapshotTaskDetail']['status'] == 'active']
    return running and [row['id'] for row in found if row['kind'] == 'object']


def nameless(fake):
    return [row['id'] for row in fake.ledger()['exists']
            if row['kind'] == 'snapshot' and not row['document']['tagSet']]


def bucket_life(tap, world, fake, owner):
    with tap.part('a deployment through the bucket: its object is gone, its snapshot is ours'):
        d = deploy(world, world.disk, 'through')
        assert {'image', 'snapshot', 'instance'} <= set(of(fake, d['id'])), of(fake, d['id'])
        assert not held(fake), held(fake)
    with tap.part('an import that still runs is cancelled, its object and parts of one go'):
        fake.settings(snapshot_ms=600000)
        deploy_image(world, 'running', 2)
        token = world.show('running')['id']
        key = half_made(world, fake, token)[0].removeprefix(BUCKET + '/')
        owner.aws('create-multipart-upload', '--bucket', BUCKET, '--key', key, service='s3api')
        world.cli('rm', 'running', '--detach')
        wait_for('nothing is in the bucket', 60, lambda: not held(fake))
        wait_for('the import is over', 60, lambda: not half_made(world, fake, token))
        fake.settings(snapshot_ms=300)
    with tap.part('the object may not go: nor is there a deployment, and the snapshot goes first'):
        fake.fault('fail-before', service='s3', operation='DeleteObject', status=403, times=0,
                   code='AccessDenied')
        done = deploy_image(world, 'nameless', 4)
        assert done.status != 0 and 'AccessDenied' in done.err, done.err
        assert not of(fake, world.show('nameless')['id']).get('instance')
        wait_for('no snapshot is left that is nobody\'s', 60, lambda: not nameless(fake))
        assert held(fake)
        fake.control('DELETE', '/_faults')
        wait_for('nothing is in the bucket', 60, lambda: not held(fake))


def through_bucket(tap, before):
    """The same for a configuration with a bucket: what that adds is enough, and is all needed."""
    with fakecloud('--set', 'boot_ms=500') as fake, World() as world:
        world.disk = disk(world)
        make_bucket(fake, BUCKET)
        write_config(world, 'upload = s3', f'bucket = {BUCKET}', 'import_role = reader')
        document = world.cli('doctor', 'ec2', '--print-policy').json()
        make_role(fake, document['import_role'])
        allow(fake, document['policy'])
        configure(world, fake, document['role'], 'upload = s3', f'bucket = {BUCKET}',
                  'import_role = reader')
        bucket_life(tap, world, fake, Owner(fake, document['policy']))
        compare(tap, fake, document['policy'], before)
        with tap.part('a snapshot of somebody\'s volume is not made ours'):
            theirs_stay(fake, document['policy'])
        world.say_log(tap)


def by_bundles(tap, before):
    """The same where images are bundles: what EC2 reads of the bucket, and nothing of snapshots."""
    with fakecloud('--set', 'boot_ms=500') as fake, World() as world:
        world.disk = disk(world)
        make_bucket(fake, BUCKET, lists=True)
        lines = ['upload = bundle', f'bucket = {BUCKET}', *make_keys(world.dir, fake)]
        write_config(world, *lines)
        document = world.cli('doctor', 'ec2', '--print-policy').json()
        policy = document['policy']
        allow(fake, policy)
        configure(world, fake, document['role'], *lines)
        with tap.part('a deployment by a bundle, with what the policy has for it'):
            assert 'import_role' not in document, document
            d = deploy(world, world.disk, 'bundled', '--keep-address')
            assert {'image', 'instance'} <= set(of(fake, d['id'])) and len(held(fake)) == 2
        with tap.part('an image that no instance ever came of goes with its objects'):
            fake.fault('fail-before', service='ec2', operation='DescribeImages', status=403,
                       code='UnauthorizedOperation', where={'ImageId.1': 'ami-*'})
            done = deploy_image(world, 'unlaunched', 2)
            sent = fake.control('GET', '/_calls')['by_operation']['s3.PutObject']
            assert done.status != 0 and sent == 4, done.err
            token = world.show('unlaunched')['id']
            wait_for('image and objects are gone', 60, lambda: len(held(fake)) == 2 and
                     'image' not in of(fake, token))
            fake.control('DELETE', '/_faults')
        compare(tap, fake, policy, before)
        with tap.part('without s3:PutObjectAcl a call is refused, and nothing is left'):
            allow(fake, without(policy, 's3:PutObjectAcl'))
            done = deploy_image(world, 'unread', 4)
            assert done.status != 0 and 'PutObjectAcl' in done.err, done.err
            assert len(held(fake)) == 2, held(fake)
        with tap.part('a reaper with its own policy ends what is overdue, objects too'):
            allow(fake, document['reaper'])
            assert not {'s3:PutObject', 's3:PutObjectAcl', 's3:GetObject'} & \
                actions(document['reaper'])
            done = world.reap('ec2', '--every', '5m', '--json')
            assert done.returncode == 0 and len(held(fake)) == 2, done
        world.say_log(tap)


def theirs_stay(fake, policy):
    """A snapshot of a volume that is none of ours, which somebody tries to give our tag."""
    owner = Owner(fake, policy)
    images = owner.aws('describe-images', '--owners', 'amazon', '--filters',
                       'Name=virtualization-type,Values=hvm', 'Name=architecture,Values=x86_64')
    image = images['Images'][0]['ImageId']
    made = owner.aws('run-instances', '--image-id', image, '--instance-type', 't3.micro')
    fake.advance(60)
    volumes = owner.aws('describe-volumes', '--filters', 'Name=attachment.instance-id,Values=' +
                        made['Instances'][0]['InstanceId'])['Volumes']
    snapshot = owner.aws('create-snapshot', '--volume-id', volumes[0]['VolumeId'])['SnapshotId']
    done = subprocess.run(
        ['aws', '--endpoint-url', fake.url, 'ec2', 'create-tags', '--resources', snapshot, '--tags',
         'Key=mirage-deploy:installation,Value=x'], env={**os.environ, **fake.env},
        capture_output=True, text=True, timeout=60, check=False)
    assert 'UnauthorizedOperation' in done.stderr, done


def without(policy, action):
    statements = [{**s, 'Action': [a for a in s['Action'] if a != action]}
                  for s in policy['Statement']]
    return {**policy, 'Statement': [s for s in statements if s['Action']]}


def needed(tap, world, fake, policy):
    """That the comparison above has teeth: the fake refuses what is not in the policy."""
    for action in ['iam:PassRole', 'ec2:CreateTags']:
        with tap.part(f'without {action} a call is refused'):
            allow(fake, without(policy, action))
            before = fake.control('GET', '/_calls')['count']
            name = 'without-' + action.split(':')[1].lower()
            world.cli('ec2', world.disk, '--anyway', '--no-list', '--ttl', '20m', '--name', name,
                      '--yes', '--detach')
            wait_for('a call is refused', 30, lambda: refusals(fake, before))


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-fakecloud',
                  'mirage-reap', 'hello.elf')
    if not shutil.which('aws'):
        skip_all("Debian's aws (package awscli) is not installed")
    tap = Tap()
    with fakecloud('--set', 'boot_ms=500') as fake, World() as world:
        world.disk = disk(world)
        document = {}
        with tap.part('the policy is printed: without a daemon, and nothing else'):
            document = printed(world)
            assert actions(document['policy']), document
        allow(fake, document['policy'])
        configure(world, fake, document['role'])
        life(tap, world, fake, Owner(fake, document['policy']))
        with tap.part('a reaper here leaves its word in the account'):
            assert world.reap('ec2', '--every', '5m').returncode == 0
        before = compare(tap, fake, document['policy'])
        reaper(tap, world, fake, document)
        claimed(tap, world, fake, Owner(fake, document['policy']))
        bounds(tap, fake, document['policy'])
        needed(tap, world, fake, document['policy'])
        world.say_log(tap)
    through_bucket(tap, before)
    by_bundles(tap, before)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
