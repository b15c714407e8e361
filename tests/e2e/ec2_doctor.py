# SPDX-License-Identifier: ISC
"""`doctor ec2` before money is spent: each permission that is missing is named, and nothing is made
or ended by asking."""
import os
import sys

from bucket import make_bucket
from bundle import make_keys
from fakecloud import fakecloud
from mirage import Tap, World, need_programs

ROLE = 'arn:aws:iam::123456789012:role/mirage-scheduler'


def allow(fake, policy):
    fake.control('POST', '/_policy', {'policy': policy})


def rows(world):
    """The lines about EC2, by name (what goes on in further lines is put together), and the exit
    status."""
    done = world.cli('doctor', 'ec2', '--json', expect=None)
    found = {}
    for check in done.json()['checks']:
        if check['name'].startswith('ec2: '):
            row = found.setdefault(check['name'][len('ec2: '):], check)
            if row is not check:
                row['detail'] += ', ' + check['detail']
    return found, done.status


def everything(fake):
    return [(row['kind'], row['id']) for row in fake.ledger()['existed']]


def actions_of(policy):
    return sorted({a for s in policy['Statement'] for a in s['Action']})


def flat(actions):
    """Allowed for everything, whether or not it has our tag."""
    return {'Statement': [{'Effect': 'Allow', 'Action': list(actions), 'Resource': '*'}]}


def allowed(tap, world, fake, policy):
    with tap.part('no reaper that comes again: that is said, with what to do'):
        row = rows(world)[0]['hook reaper']
        assert row['level'] == 'WARN' and 'mirage-reap ec2 --every' in row['fix'], row
    with tap.part('a reaper that comes again: when it was last done'):
        assert world.reap('ec2', '--every', '1h').returncode == 0
        row = rows(world)[0]['hook reaper']
        assert row['level'] == 'PASS' and 'every 1h' in row['detail'], row
    with tap.part('all is allowed: it says so, and what cannot be asked; nothing was made'):
        before = everything(fake)
        found, status = rows(world)
        assert status == 0 and not [c for c in found.values() if c['level'] != 'PASS'], found
        assert found['permissions']['detail'].startswith('29 actions'), found['permissions']
        assert 'ebs:StartSnapshot' in found['permissions without dry run']['detail'], found
        assert everything(fake) == before
    with tap.part('the printed policy: what it allows for our things alone cannot be told'):
        allow(fake, policy)
        found, status = rows(world)
        others = [c for c in found.values() if c['level'] != 'PASS']
        assert status == 0 and [c['name'] for c in others] == ['ec2: permissions by tag'], others
        bound = {a for s in policy['Statement'] for a in s['Action']
                 if 'aws:ResourceTag/mirage-deploy:installation' in
                 s.get('Condition', {}).get('Null', {})}
        listed = set(others[0]['detail'].split(', '))
        assert 'ec2:TerminateInstances' in listed <= bound, (listed, bound)


def missing(tap, world, fake, policy, asked=None):
    """Each action taken away: named as missing, as one whose refusal may have been for the tag, or
    as one that cannot be asked for."""
    actions = actions_of(policy)
    for action in asked or actions:
        with tap.part(f'without {action}'):
            allow(fake, flat(a for a in actions if a != action))
            found, status = rows(world)
            if action in found['permissions without dry run']['detail']:
                assert status == 0, found
            elif action in found:
                check = found[action]
                assert check['level'] == 'FAIL' and status == 1, check
                assert action in check['detail'] and '--print-policy' in check['fix'], check
            else:
                check = found['permissions by tag']
                assert check['level'] == 'WARN' and action in check['detail'].split(', '), check
    with tap.part('without any: all that can be asked for is listed'):
        allow(fake, {'Statement': [{'Effect': 'Deny', 'Action': '*', 'Resource': '*'}]})
        found, status = rows(world)
        assert status == 1 and found['permissions']['detail'].startswith('0 actions'), found
        text = ', '.join([*found, *(c['detail'] for c in found.values())])
        assert not [a for a in actions if a not in text], text


def troubles(tap, world, fake):
    allow(fake, None)
    with tap.part('an answer that says neither yes nor no is no permission'):
        fake.fault('fail-before', service='ec2', operation='AllocateAddress', status=400, times=0,
                   code='AddressLimitExceeded')
        found, status = rows(world)
        assert status == 0 and found['ec2:AllocateAddress']['level'] == 'WARN', found
        assert 'could not be found out' in found['ec2:AllocateAddress']['detail'], found
        fake.control('DELETE', '/_faults')
    with tap.part('nobody knows the key: that is said, and nothing else is asked'):
        world.kill_daemon()
        world.start_daemon(AWS_SECRET_ACCESS_KEY='wrong')
        found, status = rows(world)
        assert status == 1 and found['identity']['level'] == 'FAIL', found
        assert 'permissions' not in found, found


def renewed(tap, world, fake):
    """Credentials that AWS ends before their time: a source that has others is asked, once."""
    folder = os.path.join(world.dir, '.aws')
    os.makedirs(folder)
    keys = {name: fake.env[name] for name in ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY')}
    with open(os.path.join(folder, 'config'), 'w', encoding='utf-8') as f:
        f.write('[profile worker]\nrole_arn = arn:aws:iam::123456789012:role/mirage-deployer\n'
                'source_profile = owner\n[profile owner]\n'
                + ''.join(f'{name.lower()} = {value}\n' for name, value in keys.items()))
    for name in keys:
        del world.env[name]
    world.kill_daemon()
    world.start_daemon(AWS_PROFILE='worker')
    with tap.part('the session of a role is ended early: another one is asked for, and it goes on'):
        found, status = rows(world)
        assert status == 0 and 'assumed-role/mirage-deployer' in found['identity']['detail'], found
        before = sessions(fake)
        assert fake.control('POST', '/_sessions', {'end': True})['ended'] == 1
        found, status = rows(world)
        assert status == 0 and found['identity']['level'] == 'PASS', found
        assert sessions(fake) == before + 1, sessions(fake)
    with tap.part('keys that stand somewhere stay what they are: refused at once, exit status 4'):
        world.kill_daemon()
        keys = fake.control('POST', '/_sessions', {'role': 'mirage-deployer'})
        keys = {'AWS_ACCESS_KEY_ID': keys['accessKeyId'], 'AWS_SECRET_ACCESS_KEY': keys['secret'],
                'AWS_SESSION_TOKEN': keys['token']}
        assert world.reap('ec2', **keys).returncode == 0
        fake.control('POST', '/_sessions', {'end': True})
        before = fake.control('GET', '/_calls')['count']
        done = world.reap('ec2', **keys)
        assert done.returncode == 4 and 'RequestExpired' in done.stderr, done
        assert fake.control('GET', '/_calls')['count'] == before


def sessions(fake):
    return fake.control('GET', '/_calls')['by_operation'].get('sts.AssumeRole', 0)


def configure(world, *lines):
    with open(world.dir + '/config', 'w', encoding='utf-8') as f:
        f.write('\n'.join(['[ec2]', f'role = {ROLE}', *lines, '']))


def through_bucket(tap, world, fake, plain):
    """Where images go through a bucket, it is asked for as well, and EBS direct is not."""
    configure(world, 'upload = s3', 'bucket = heap')
    policy = world.cli('doctor', 'ec2', '--print-policy').json()['policy']
    world.kill_daemon()
    world.start_daemon(**fake.env)
    allow(fake, None)
    with tap.part('there is no such bucket'):
        found, status = rows(world)
        assert status == 1 and found['bucket']['level'] == 'FAIL', found['bucket']
        assert 'NoSuchBucket' in found['bucket']['detail'], found['bucket']
        assert 'aws s3 mb s3://heap' in found['bucket']['fix'], found['bucket']
    with tap.part('the bucket is in another region'):
        make_bucket(fake, 'far', 'us-west-2')
        configure(world, 'upload = s3', 'bucket = far')
        world.kill_daemon()
        world.start_daemon()
        found, status = rows(world)
        assert status == 1 and found['bucket']['level'] == 'FAIL', found['bucket']
        assert 'region' in found['bucket']['fix'], found['bucket']
    make_bucket(fake, 'heap')
    configure(world, 'upload = s3', 'bucket = heap')
    world.kill_daemon()
    world.start_daemon()
    with tap.part('all is allowed: it says so, and nothing was made'):
        before = everything(fake)
        found, status = rows(world)
        assert status == 0 and not [c for c in found.values() if c['level'] != 'PASS'], found
        assert found['permissions']['detail'].startswith('36 actions'), found['permissions']
        assert 'ebs:' not in found['permissions without dry run']['detail'], found
        assert 's3:PutObject' in found['permissions without dry run']['detail'], found
        assert everything(fake) == before
    added = set(actions_of(policy)) - set(actions_of(plain))
    assert len(added) == 9, added
    missing(tap, world, fake, policy, sorted(added))


def by_bundles(tap, world, fake):
    """Where images are bundles: what that needs is asked for, and nothing of the other ways."""
    allow(fake, None)
    make_bucket(fake, 'bundles', lists=True)
    configure(world, 'upload = bundle', 'bucket = bundles', *make_keys(world.dir, fake))
    policy = world.cli('doctor', 'ec2', '--print-policy').json()['policy']
    world.kill_daemon()
    world.start_daemon()
    with tap.part('bundles: all is allowed, and nothing was made'):
        before = everything(fake)
        found, status = rows(world)
        assert status == 0 and not [c for c in found.values() if c['level'] != 'PASS'], found
        assert found['bucket']['detail'].endswith('as bundles, from the bucket'), found['bucket']
        unasked = found['permissions without dry run']['detail']
        assert 's3:PutObjectAcl' in unasked and 'ebs:' not in unasked, unasked
        assert 'Import' not in str(found) and everything(fake) == before, found
    with tap.part('a key that is not there, and then is'):
        os.rename(os.path.join(world.dir, 'user.key'), os.path.join(world.dir, 'away.key'))
        found, status = rows(world)
        assert status == 1 and 'user.key' in found['bundle keys']['detail'], found['bundle keys']
        os.rename(os.path.join(world.dir, 'away.key'), os.path.join(world.dir, 'user.key'))
        assert rows(world)[0]['bundle keys']['level'] == 'PASS'
    missing(tap, world, fake, policy, ['s3:ListBucket', 's3:DeleteObject', 'ec2:RegisterImage'])


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-reap', 'mirage-fakecloud')
    tap = Tap()
    with fakecloud() as fake, World() as world:
        policy = world.cli('doctor', 'ec2', '--print-policy').json()['policy']
        world.env.update(fake.env, MIRAGE_DEPLOY_CONFIG=world.dir + '/config')
        configure(world)
        world.start_daemon()
        allowed(tap, world, fake, policy)
        missing(tap, world, fake, policy)
        troubles(tap, world, fake)
        through_bucket(tap, world, fake, policy)
        by_bundles(tap, world, fake)
        allow(fake, None)
        configure(world)
        renewed(tap, world, fake)
        world.say_log(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
