# SPDX-License-Identifier: ISC
"""A deployment on EC2, from the command line to the ledger of mirage-fakecloud: what is made, that
it is armed and moves with an extension, and what is left when it ends or half of it fails. Here the
fake has no machines: that something answers at its address is ec2_journey.py's."""
import datetime
import hmac
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time

import kernels
from bucket import held, make_bucket
from ec2_disk import disk
from fakecloud import fakecloud, tags_of
from meddle import Meddle
from mirage import PATIENCE, Skip, Tap, World, need_programs, program, wait_for
from outsider import reap

ROLE = 'arn:aws:iam::123456789012:role/mirage-scheduler'
TAG = 'mirage-deploy:'
HELLO = program('hello.elf')


def start(world, fake, *lines, **env):
    folder = os.path.join(world.dir, '.config', 'mirage-deploy')
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, 'config'), 'w', encoding='utf-8') as f:
        f.write('\n'.join(['[ec2]', f'role = {ROLE}', *lines, '']))
    world.env.update(fake.env)
    world.start_daemon(**env)


def deploy(world, name, *options, expect=0):
    return world.cli('ec2', world.disk, '--anyway', '--no-list', '--open', '22', '--ttl', '20m',
                     '--name', name, '--yes', *options, expect=expect)


def of(fake, name, world):
    """What the ledger has of a deployment, by kind."""
    token = world.show(name)['id']
    found = fake.carrying(TAG + 'deployment', token)
    schedules = [row for row in fake.ledger()['exists']
                 if row['kind'] == 'schedule' and row['id'].endswith(token)]
    return {**found, 'schedule': schedules} if schedules else found


def state(row):
    return row['document']['instanceState']['name']


def ended(fake, name, world, but=None):
    """True when nothing of it runs any more."""
    return not any(state(row) not in ('terminated', 'shutting-down')
                   for row in of(fake, name, world).get('instance', []) if row['id'] != but)


def copied_tags(fake, row):
    """An instance of somebody else's with all tags of ours; its id."""
    tags = ','.join(f'{{Key={key},Value="{value}"}}' for key, value in row['tags'].items())
    done = subprocess.run(
        ['aws', '--endpoint-url', fake.url, '--output', 'json', 'ec2', 'run-instances',
         '--image-id', row['document']['imageId'], '--instance-type', 't3.micro',
         '--client-token', 'somebody-else',
         '--tag-specifications', f'ResourceType=instance,Tags=[{tags}]'],
        env={**os.environ, **fake.env}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)['Instances'][0]['InstanceId']


def when(found):
    return found['schedule'][0]['document']['ScheduleExpression']


def life(tap, world, fake):
    stranger = None
    with tap.part('a disk is uploaded, registered, launched and armed, and all of it is tagged'):
        deploy(world, 'one')
        d = world.show('one')
        assert d['state'] == 'running' and d['place']['type'] == 't3.micro', d
        hooks = {hook['name']: hook['state'] for hook in d['hooks']}
        assert hooks['cloud-schedule'] == hooks['daemon'] == 'armed', hooks
        assert {'image', 'snapshot', 'instance', 'volume', 'security-group', 'schedule'} <= \
            set(of(fake, 'one', world)), of(fake, 'one', world)
    with tap.part('an extension moves the schedule and every tag, the image\'s too'):
        before = of(fake, 'one', world)
        world.cli('extend', 'one', '1h')
        expires = world.show('one')['expires_at']
        after = of(fake, 'one', world)
        assert when(after) != when(before), after['schedule']
        for kind in ('image', 'snapshot', 'instance', 'volume', 'security-group'):
            tags = after[kind][0]['tags']
            assert tags[TAG + 'expires'] == expires, (kind, tags, expires)
    with tap.part('somebody gives an instance the same tags'):
        if not shutil.which('aws'):
            raise Skip("Debian's aws (package awscli) is not installed")
        stranger = copied_tags(fake, of(fake, 'one', world)['instance'][0])
    with tap.part('rm ends the instance and its volume at once; the rest is under way'):
        world.cli('rm', 'one', '--detach')
        wait_for('the instance is over', 60, lambda: ended(fake, 'one', world, stranger))
        assert world.state_of('one') == 'ending'
        if stranger: # its tags prove nothing
            rows = {row['id']: row for row in fake.ledger()['exists']}
            assert state(rows[stranger]) in ('pending', 'running'), rows[stranger]


def faults(tap, world, fake):
    with tap.part('one zone is full: the next one is taken, and nothing is launched twice'):
        fake.fault('fail-before', service='ec2', operation='RunInstances', status=500,
                   code='InsufficientInstanceCapacity')
        deploy(world, 'zone')
        assert len(of(fake, 'zone', world)['instance']) == 1
        world.cli('rm', 'zone', '--detach')
    with tap.part('the answer of the launch is lost: one instance all the same'):
        fake.fault('lose', service='ec2', operation='RunInstances')
        deploy(world, 'lost')
        assert len(of(fake, 'lost', world)['instance']) == 1
        world.cli('rm', 'lost', '--detach')
    with tap.part('the answer of the schedule is lost: it is read back, and armed'):
        fake.fault('lose', service='scheduler', operation='CreateSchedule', times=3)
        deploy(world, 'unsaid')
        hooks = {hook['name']: hook['state'] for hook in world.show('unsaid')['hooks']}
        assert hooks['cloud-schedule'] == 'armed', hooks
        world.cli('rm', 'unsaid', '--detach')
        fake.control('DELETE', '/_faults')
    with tap.part('no permission to launch: said once, and the group does not stay'):
        fake.fault('fail-before', service='ec2', operation='RunInstances', status=403, times=0,
                   code='UnauthorizedOperation', message='You are not authorized')
        done = deploy(world, 'denied', '--wait-timeout', '6s', expect=None)
        assert done.status == 7 and 'authorized' in done.err, done.err
        wait_for('the group is gone', 60,
                 lambda: 'security-group' not in of(fake, 'denied', world))
        fake.control('DELETE', '/_faults')
    with tap.part('the schedule is throttled for a moment: asked for again, and nothing is ended'):
        fake.fault('fail-before', service='scheduler', operation='CreateSchedule', times=4,
                   status=429, code='ThrottlingException')
        deploy(world, 'throttled')
        hooks = {hook['name']: hook['state'] for hook in world.show('throttled')['hooks']}
        assert hooks['cloud-schedule'] == 'armed', hooks
        world.cli('rm', 'throttled', '--detach')
        fake.control('DELETE', '/_faults')
    with tap.part('no hook but the daemon: torn down again'):
        fake.fault('fail-before', service='scheduler', operation='*', status=403, times=0,
                   code='AccessDeniedException')
        done = deploy(world, 'alone', '--wait-timeout', '6s', expect=None)
        assert done.status == 7 and 'hooks' in done.err, done.err
        wait_for('the instance is over', 60, lambda: ended(fake, 'alone', world))
        fake.control('DELETE', '/_faults')


def hooks_of(world, name):
    return {hook['name']: hook for hook in world.show(name)['hooks']}


def carried(tap, world):
    """Nothing is made: where a classic Xen kernel is carried, in what, and where it is not."""
    path = os.path.join(world.dir, 'kernel.xen')
    with open(path, 'wb') as f:
        f.write(kernels.xen_pv())

    def plan(*options, expect=0):
        return world.cli('plan', 'ec2', path, *options, '--json', expect=expect)

    with tap.part('a kernel for Xen: in a Xen on Nitro, in the shim on a host that is Xen'):
        row = plan().json()
        assert (row['carrier'], row['place']['type']) == ('xen', 't3.micro'), row
        assert row['boots']['verdict'] == 'carrier' and row['family'] == 'nitro', row
        assert 'shutdown-behaviour' in row['hooks'] and 'guest' in row['hooks'], row['hooks']
        row = plan('--type', 't2.micro').json()
        assert row['carrier'] == 'shim' and 'guest' not in row['hooks'], row
    with tap.part('on a type that starts it as it is, as it is; also when no carrier is wanted'):
        row = plan('--type', 'm1.small').json()
        assert (row['carrier'], row['boots']['verdict']) == ('none', 'unknown'), row
        assert row['guest_bytes'] is None and row['family'] == 'xen-pv', row
        assert plan('--carrier', 'never').json()['family'] == 'xen-pv'
    with tap.part('where it neither starts nor is to be carried it is refused'):
        done = plan('--carrier', 'never', '--type', 't3.micro', expect=5)
        assert 'inside of a carrier only' in done.err, done.err
        done = plan('--carrier', 'always', '--type', 'm1.small', expect=5)
        assert 'no carrier for this xen-pv kernel' in done.err, done.err
        done = plan('--memory', '900M', '--type', 't3.micro', expect=5)
        assert 'are needed' in done.err, done.err


def elsewhere(world, name, **changed):
    """The environment of another machine that has the identity and the credentials alone."""
    state = os.path.join(world.dir, name)
    os.makedirs(state, exist_ok=True)
    with open(os.path.join(world.state, 'identity'), encoding='utf-8') as f:
        identity = json.load(f)
    with open(os.path.join(state, 'identity'), 'w', encoding='utf-8') as f:
        json.dump({**identity, **changed}, f)
    return {'MIRAGE_DEPLOY_STATE': state}


def put_word(world, age_s, every_s):
    """A reaper's word in the daemon's own state directory, as old as that: made as
    daemon/pass.h says, by somebody else's code."""
    with open(os.path.join(world.state, 'identity'), encoding='utf-8') as f:
        identity = json.load(f)
    at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=age_s)
    inner = json.dumps({'account': '123456789012', 'at': at.strftime('%Y-%m-%dT%H:%M:%SZ'),
                        'caller': 'arn:aws:iam::123456789012:user/timer', 'every_s': every_s,
                        'installation': identity['installation'],
                        'places': 'us-east-1 us-west-2', 'provider': 'ec2'},
                       sort_keys=True, separators=(',', ':'))
    signature = hmac.new(bytes.fromhex(identity['tag_key']),
                         b'mirage-reap pass\n' + inner.encode(), 'sha256').hexdigest()
    os.makedirs(os.path.join(world.state, 'reaped'), exist_ok=True)
    with open(os.path.join(world.state, 'reaped', 'ec2'), 'w', encoding='utf-8') as f:
        f.write(f'{{"pass":{inner},"signature":"{signature}"}}')


def deploy_hello(world, name, *options, expect=0):
    """A guest that ends itself at the deadline."""
    return world.cli('ec2', HELLO, '--anyway', '--no-list', '--open', '22', '--ttl', '20m',
                     '--name', name, '--yes', *options, expect=expect)


def refused_schedule(tap, world, fake):
    """AWS does not let it be made, and the guest ends itself: two hooks are left."""
    with tap.part('no schedule, but a guest that ends itself: it runs on, and that is said'):
        fake.fault('fail-before', service='scheduler', operation='CreateSchedule', status=403,
                   times=0, code='AccessDeniedException', message='not you')
        deploy_hello(world, 'two')
        hooks = hooks_of(world, 'two')
        assert hooks['cloud-schedule']['state'] == 'failed', hooks
        assert hooks['daemon']['state'] == hooks['shutdown-behaviour']['state'] == 'armed', hooks
        assert 'not you' in world.cli('ps').err and 'not you' in world.cli('show', 'two').out
        events = [e['text'] for e in world.show('two')['events'] if e['kind'] == 'hook']
        assert 'cloud-schedule failed' in events[-1], events
        world.cli('rm', 'two', '--detach')
    with tap.part('a guest that is told to keep no deadline is no hook'):
        done = deploy_hello(world, 'none', '--wait-timeout', '6s', '--', 'deadline=0', expect=None)
        assert done.status == 7 and 'hooks' in done.err, done.err
    fake.control('DELETE', '/_faults')


def reaper(tap, world, fake):
    """A mirage-reap that comes again is the second hook where AWS keeps none."""
    fake.fault('fail-before', service='scheduler', operation='*', status=403, times=0,
               code='AccessDeniedException', message='not you')
    with tap.part('a reaper on another machine leaves word: with it a deployment has two hooks'):
        done = world.reap('ec2', '--every', '1m', '--json', **elsewhere(world, 'machine'))
        assert done.returncode == 0, done
        assert json.loads(done.stdout)['recorded'] == ['account', 'state'], done.stdout
        deploy(world, 'reaped')
        hook = hooks_of(world, 'reaped')['reaper']
        assert hook['state'] == 'armed' and hook['deadline'] == world.show('reaped')['expires_at']
        assert 'every 1m' in hook['detail'] and 'user/fakecloud' in hook['detail'], hook
        assert 'mirage-reap was last done' in world.cli('show', 'reaped').out
    fake.control('DELETE', '/_faults')
    with tap.part('a word by another key is none, and the hook counts no more'):
        done = world.reap('ec2', '--every', '1m', **elsewhere(world, 'thief', tag_key='0' * 64))
        assert done.returncode == 0, done
        time.sleep(10) # what was heard is not asked for at once again
        world.cli('extend', 'reaped', '30m')
        hook = hooks_of(world, 'reaped')['reaper']
        assert hook['state'] == 'off' and 'cannot be verified' in hook['detail'], hook
    with tap.part('it holds as long as its interval and the grace, and then it has failed'):
        put_word(world, 60 + 600 - 8, 60)
        world.cli('extend', 'reaped', '1h')
        assert hooks_of(world, 'reaped')['reaper']['state'] == 'armed'
        wait_for('it counts no more', 30,
                 lambda: hooks_of(world, 'reaped')['reaper']['state'] == 'failed')
        assert 'does not come any more' in world.cli('ps').err
        assert world.state_of('reaped') == 'running' # it has the schedule, too
        events = [e['text'] for e in world.show('reaped')['events'] if e['kind'] == 'hook']
        assert 'reaper failed' in events[-1], events
    with tap.part('what it does not look at it does not end'):
        put_word(world, 1, 60)
        deploy(world, 'far', '--region', 'eu-west-1')
        hook = hooks_of(world, 'far')['reaper']
        assert hook['state'] == 'failed' and 'not in this region' in hook['detail'], hook
    with tap.part('by hand it promises nothing, and takes away no word of a timer'):
        assert world.reap('ec2').returncode == 0
        with open(os.path.join(world.state, 'reaped', 'ec2'), encoding='utf-8') as f:
            assert json.load(f)['pass']['every_s'] == 60
    for name in ('reaped', 'far'):
        world.cli('rm', name, '--detach')


def extended(tap, world, fake):
    """With a reaper, whose word still holds, and without a guest that ends itself."""
    with tap.part('a reaper is one beside the daemon, and the guest is not counted'):
        fake.fault('fail-before', service='scheduler', operation='CreateSchedule', status=403,
                   times=0, code='AccessDeniedException', message='not you')
        deploy_hello(world, 'long', '--', 'deadline=0')  # or it could not be extended
        hooks = hooks_of(world, 'long')
        assert hooks['shutdown-behaviour']['state'] == 'off', hooks
        assert hooks['daemon']['state'] == hooks['reaper']['state'] == 'armed', hooks
    with tap.part('when it is allowed, an extension arms it'):
        fake.control('DELETE', '/_faults')
        world.cli('extend', 'long', '30m')
        assert hooks_of(world, 'long')['cloud-schedule']['state'] == 'armed'
    with tap.part('a schedule that may not be moved is taken away: it would come too early'):
        fake.fault('fail-before', service='scheduler', operation='UpdateSchedule', status=403,
                   times=0, code='AccessDeniedException', message='not you')
        world.cli('extend', 'long', '1h')
        assert world.state_of('long') == 'running'
        assert hooks_of(world, 'long')['cloud-schedule']['state'] == 'failed'
        assert 'schedule' not in of(fake, 'long', world), of(fake, 'long', world)
        fake.control('DELETE', '/_faults')
        world.cli('rm', 'long', '--detach')


def one_stays(tap, world, fake):
    with tap.part('an address that may not be released keeps nothing else from its end'):
        world.cli('ec2', world.disk, '--anyway', '--no-list', '--open', '22', '--ttl', '20m',
                  '--name', 'address', '--keep-address', '--yes')
        assert {'elastic-ip', 'security-group'} <= set(of(fake, 'address', world))
        fake.fault('fail-before', service='ec2', operation='ReleaseAddress', status=403, times=0,
                   code='UnauthorizedOperation', message='You are not authorized')
        world.cli('rm', 'address', '--detach')
        wait_for('the group is gone', 60,
                 lambda: 'security-group' not in of(fake, 'address', world))
        assert 'elastic-ip' in of(fake, 'address', world)
        fake.control('DELETE', '/_faults')
        wait_for('the address is gone', 60, lambda: 'elastic-ip' not in of(fake, 'address', world))


def kernel(world, name, *what):
    path = os.path.join(world.dir, name + '.elf')
    with open(path, 'wb') as f:
        f.write(kernels.multiboot(*what))
    return path


def puts(fake):
    return fake.control('GET', '/_calls')['by_operation'].get('ebs.PutSnapshotBlock', 0)


def notes(world, name):
    return [event['text'] for event in world.show(name)['events'] if event['kind'] == 'note']


def being_proven(world):
    """Does a deployment for a proof run?"""
    return any(row['name'].startswith('prove-') and row['state'] == 'running'
               for row in world.cli('ps', '--json').json()['deployments'])


def copies(world):
    """The kernels of the store that no deployment but those for a proof was made of."""
    rows = world.cli('ps', '--all', '--json').json()['deployments']
    wanted = {row['kernel'] for row in rows if not row['name'].startswith('prove-')}
    return set(os.listdir(os.path.join(world.state, 'kernels'))) - wanted


def proofs(tap, world, fake):
    with tap.part('--prove: a disk whose kernel speaks is started here, then uploaded'):
        world.cli('ec2', world.speaks, '--anyway', '--no-list', '--ttl', '20m', '--name', 'proven',
                  '--prove', '--yes', '--open', '22')
        assert re.match(r'proven: its disk spoke after [0-9.]+ s, started here by bios .*Nitro',
                        notes(world, 'proven')[0]), notes(world, 'proven')
        kernels = {row['kernel'] for row in world.cli('ps', '--all', '--json').json()['deployments']
                   if row['name'].startswith('prove-')}
        assert len(kernels) == 1, kernels
        world.cli('api', 'GET', f'/v1/kernels/{kernels.pop()}', expect=3) # not kept
        assert notes(world, 'proven')[0] in world.cli('show', 'proven').out
        world.cli('rm', 'proven', '--detach')
    with tap.part('--prove: of a disk that stays silent not a byte is sent'):
        before = puts(fake)
        done = world.cli('ec2', world.halts, '--anyway', '--no-list', '--ttl', '20m', '--name',
                         'silent', '--prove', '--yes', expect=5)
        assert world.state_of('silent') == 'failed'
        assert 'not proven, nothing is uploaded' in done.err, done.err
        assert puts(fake) == before
        assert not of(fake, 'silent', world), of(fake, 'silent', world)
    with tap.part('--prove: the daemon stops, and is killed, in the middle of it'):
        world.cli('ec2', world.hangs, '--anyway', '--no-list', '--ttl', '20m', '--name', 'hung',
                  '--prove', '--yes', '--detach')
        before = puts(fake)
        for end in (world.stop_daemon, world.kill_daemon):
            wait_for('it is being proven, from a copy', 60 * PATIENCE,
                     lambda: being_proven(world) and copies(world))
            end()
            world.start_daemon()
        world.cli('rm', 'hung', '--detach')
        assert puts(fake) == before
        assert not of(fake, 'hung', world), of(fake, 'hung', world)
    with tap.part('--prove: what the daemons that died have put by for it does not stay'):
        wait_for('no copy is kept', 60 * PATIENCE, lambda: not copies(world))
        assert not os.listdir(os.path.join(world.state, 'proofs'))
    with tap.part('--prove: a daemon that dies in it for good leaves nothing to the next'):
        world.cli('ec2', world.hangs, '--anyway', '--no-list', '--ttl', '20m', '--name', 'orphan',
                  '--prove', '--yes', '--detach')
        wait_for('it is being proven', 60, lambda: being_proven(world))
        world.kill_daemon()
        world.start_daemon()
        world.cli('rm', 'orphan', '--detach')
        wait_for('no copy is kept', 60 * PATIENCE, lambda: not copies(world))
    with tap.part('--prove where nothing is uploaded'):
        done = world.cli('local', HELLO, '--prove', expect=2)
        assert 'leave --prove away' in done.err, done.err


def counts(fake, *calls):
    made = fake.control('GET', '/_calls')['by_operation']
    return [made.get(call, 0) for call in calls]


def imports(fake, name, world):
    """The imports of a deployment, by their states."""
    token, ledger = world.tokens[name], fake.ledger()
    return [row['document']['snapshotTaskDetail']['status']
            for row in ledger['exists'] + ledger['existed']
            if row['kind'] == 'import-snapshot-task' and
            tags_of(row).get(TAG + 'deployment') == token]


def large(world):
    """A disk whose file goes in parts: it cannot be packed."""
    path = os.path.join(world.dir, 'large.raw')
    with open(world.disk, 'rb') as f:
        content = f.read()
    with open(path, 'wb') as f:
        f.write(content + random.Random(1).randbytes(17 << 20))
    return path


def other(world):
    """A disk that is not there yet."""
    path = os.path.join(world.dir, 'other.raw')
    with open(world.disk, 'rb') as f:
        content = f.read(2 << 20)
    with open(path, 'wb') as f:
        f.write(content[:-1] + b'1')
    return path


def through_bucket(tap, world, fake):
    world.tokens = {}
    ways = ('ebs.StartSnapshot', 's3.PutObject', 'ec2.ImportSnapshot')
    with tap.part('through the bucket: nothing of EBS direct, and no object is left'):
        before = counts(fake, *ways)
        deploy(world, 'packed')
        after = counts(fake, *ways)
        assert [b - a for a, b in zip(before, after)] == [0, 1, 1], (before, after)
        assert {'image', 'snapshot', 'instance', 'volume'} <= set(of(fake, 'packed', world))
        assert not held(fake), held(fake)
    with tap.part('the same kernel again: nothing is sent, and nothing imported'):
        deploy(world, 'again')
        assert counts(fake, *ways) == after, counts(fake, *ways)
        assert 'snapshot' not in of(fake, 'again', world)
    world.disk = large(world)
    with tap.part('a large disk in parts; the daemon is killed while it is imported: one import'):
        fake.settings(snapshot_ms=4000)
        deploy(world, 'parts', '--detach')
        world.tokens['parts'] = world.show('parts')['id']
        wait_for('the import runs', 60, lambda: 'active' in imports(fake, 'parts', world))
        assert counts(fake, 's3.UploadPart')[0] == 3, counts(fake, 's3.UploadPart')
        world.kill_daemon()
        world.start_daemon()
        wait_for('it runs', 60, lambda: world.state_of('parts') == 'running')
        assert imports(fake, 'parts', world) == ['completed'], imports(fake, 'parts', world)
        assert len(of(fake, 'parts', world)['snapshot']) == 1
        assert not held(fake), held(fake)
    with tap.part('a daemon that stops waits for no import, and the next one goes on with it'):
        world.disk = other(world)
        fake.settings(snapshot_ms=3600000)
        deploy(world, 'stopped', '--detach')
        world.tokens['stopped'] = world.show('stopped')['id']
        wait_for('the import runs', 60, lambda: 'active' in imports(fake, 'stopped', world))
        began = time.monotonic()
        world.stop_daemon()
        assert time.monotonic() - began < 10 * PATIENCE
    with tap.part('nobody is left: mirage-reap ends import and object by their tags and keys'):
        assert len(held(fake)) == 1, held(fake)
        reap(world, fake, Meddle(world.dir))
        assert imports(fake, 'stopped', world) == ['deleted'], imports(fake, 'stopped', world)


def refusals(tap, world):
    with tap.part('Amazon itself is refused until somebody says so'):
        env = {'AWS_ENDPOINT_URL': '', 'AWS_ACCESS_KEY_ID': 'AKIAX', 'AWS_SECRET_ACCESS_KEY': 'x',
               'AWS_REGION': 'us-east-1'}
        world.env.update(env)
        world.start_daemon()
        done = deploy(world, 'real', expect=5)
        assert 'preview' in done.err and '[ec2]' in done.err, done.err
        done = deploy(world, 'real', '--cloud', 'mycloud', expect=2)
        assert '--cloud is not for ec2' in done.err and 'leave' in done.err, done.err
        assert not world.cli('ps', '--all', '--json').json()['deployments']


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-reap',
                  'mirage-fakecloud')
    tap = Tap()
    with fakecloud('--set', 'boot_ms=500') as fake, World() as world:
        world.disk = disk(world)
        world.halts = kernel(world, 'halts', '', 'triple-fault')
        world.hangs = kernel(world, 'hangs', '', 'hang')
        world.speaks = kernel(world, 'speaks', 'here\r\n', 'power-off')
        start(world, fake)
        life(tap, world, fake)
        faults(tap, world, fake)
        refused_schedule(tap, world, fake)
        reaper(tap, world, fake)
        extended(tap, world, fake)
        one_stays(tap, world, fake)
        proofs(tap, world, fake)
        carried(tap, world)
        world.say_log(tap)
    with fakecloud('--set', 'boot_ms=500') as fake, World() as world:
        world.disk = disk(world)
        make_bucket(fake, 'heap')
        start(world, fake, 'upload = s3', 'bucket = heap')
        through_bucket(tap, world, fake)
        world.say_log(tap)
    with World() as world:
        world.disk = disk(world)
        refusals(tap, world)
        world.say_log(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
