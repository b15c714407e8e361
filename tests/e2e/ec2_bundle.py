# SPDX-License-Identifier: ISC
"""Classic Xen kernels on EC2, by PV-GRUB: from a snapshot, and from an instance-store bundle, as in
2013. The fake holds the bundle against everything that its manifest says."""
import os
import random
import shutil
import sys

import kernels
from bucket import make_bucket
from bundle import make_keys
from ec2_disk import disk
from fakecloud import fakecloud
from hasty import HastyWorld
from mirage import Tap, need_programs, program, skip_all, wait_for
from outsider import reap

TAG = 'mirage-deploy:'
GRUB_BARE, GRUB_DISK = '00', '01'  # how the ids of the fake's PV-GRUB end, hd0 and hd00
BUCKET = 'heap'
ROLE = 'arn:aws:iam::123456789012:role/mirage-scheduler'


def start(world, fake, *lines):
    folder = os.path.join(world.dir, '.config', 'mirage-deploy')
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, 'config'), 'w', encoding='utf-8') as f:
        f.write('\n'.join(['[ec2]', f'role = {ROLE}', *lines, '']))
    world.env.update(fake.env)
    world.again()


def xen(world, name='xen', more=b''):
    path = os.path.join(world.dir, name + '.elf')
    with open(path, 'wb') as f:
        f.write(kernels.xen_pv() + more)
    return path


def deploy(world, kernel, name, *options, expect=0):
    return world.cli('ec2', kernel, '--anyway', '--carrier', 'never', '--no-list', '--open', '22',
                     '--ttl', '20m', '--name', name, '--yes', *options, expect=expect)


def of(fake, world, name):
    return fake.carrying(TAG + 'deployment', world.show(name)['id'])


def by_snapshot(tap, world, fake):
    with tap.part('a classic Xen kernel from a snapshot: paravirtual, by PV-GRUB for a disk'):
        deploy(world, xen(world), 'pv')
        found = of(fake, world, 'pv')
        image, instance = (found[kind][0]['document'] for kind in ('image', 'instance'))
        assert world.show('pv')['place']['type'] == 't1.micro'
        assert image['virtualizationType'] == 'paravirtual', image
        assert instance['kernelId'] == image['kernelId'], instance
        assert image['kernelId'].endswith(GRUB_DISK), image
        world.cli('rm', 'pv', '--detach')


def objects(fake):
    return [row['id'] for row in fake.ledger()['exists'] if row['kind'] == 'object']


def counts(fake, *calls):
    made = fake.control('GET', '/_calls')['by_operation']
    return [made.get(call, 0) for call in calls]


SENT = ('ebs.StartSnapshot', 's3.PutObject', 'ec2.RegisterImage')


def by_bundle(tap, world, fake):
    with tap.part('a classic Xen kernel from a bundle: parts, manifest, image, instance'):
        deploy(world, xen(world), 'old')
        d = world.show('old')
        found = of(fake, world, 'old')
        image, instance = (found[kind][0]['document'] for kind in ('image', 'instance'))
        assert d['place']['type'] == 'm1.small' and d['state'] == 'running', d
        assert image['rootDeviceType'] == instance['rootDeviceType'] == 'instance-store', image
        assert image['virtualizationType'] == 'paravirtual', image
        assert image['kernelId'].endswith(GRUB_BARE) and image['architecture'] == 'x86_64', image
        assert not {'snapshot', 'volume'} & set(found), found
        keys = objects(fake)
        assert [key.rsplit('.', 2)[-1] for key in sorted(keys)] == ['xml', '0'], keys
        assert all(f'/{d["id"]}/' in key and key.startswith(f'{BUCKET}/mirage-deploy/')
                   for key in keys), keys
        assert image['imageLocation'] in keys, image
        assert counts(fake, *SENT) == [0, 2, 1], counts(fake, *SENT)
    with tap.part('the same kernel again: nothing is sent, and the image is borrowed'):
        before = counts(fake, *SENT)
        deploy(world, xen(world), 'again')
        assert counts(fake, *SENT) == before, counts(fake, *SENT)
        assert 'image' not in of(fake, world, 'again')
    with tap.part('a guest that powers itself off is terminated: there is nothing to stop'):
        row = of(fake, world, 'again')['instance'][0]
        fake.control('POST', '/_guest', {'instance': row['id'], 'power_off': True})
        wait_for('the instance is over', 60, lambda: over(fake, row['id']))
    with tap.part('an extension moves what can be moved; the objects go by the image\'s tags'):
        world.cli('extend', 'old', '1h')
        expires = world.show('old')['expires_at']
        assert of(fake, world, 'old')['image'][0]['tags'][TAG + 'expires'] == expires
        done = world.reap('ec2', '--grace', '0')
        assert done.returncode == 0 and objects(fake) == keys, done
    with tap.part('rm: deregistered, and every object is gone'):
        token = d['id']
        for name in ('old', 'again'):
            world.cli('rm', name, '--detach')
        world.until('nothing of it is there', lambda: gone(fake, token))
        world.until('the bucket is empty', lambda: not objects(fake))


def over(fake, instance):
    rows = {row['id']: row for row in fake.ledger()['exists']}
    return instance not in rows or \
        rows[instance]['document']['instanceState']['name'] == 'terminated'


def gone(fake, token):
    found = fake.carrying(TAG + 'deployment', token)
    return 'image' not in found and all(over(fake, row['id']) for row in found.get('instance', []))


def by_disk(tap, world, fake):
    with tap.part('a large disk, hvm: several parts, on a type that starts bundles'):
        path = os.path.join(world.dir, 'large.raw')
        with open(disk(world), 'rb') as f:
            content = f.read()
        with open(path, 'wb') as f:
            f.write(content + random.Random(1).randbytes(17 << 20))
        deploy(world, path, 'large')
        found = of(fake, world, 'large')
        assert world.show('large')['place']['type'] == 'r3.large'
        assert found['image'][0]['document']['virtualizationType'] == 'hvm', found
        assert len(objects(fake)) == 3, objects(fake)
    with tap.part('killed while it sends: the next daemon sends it again, equal, and goes on'):
        world.cli('rm', 'large', '--detach')
        world.until('the bucket is empty', lambda: not objects(fake))
        fake.fault('hang', service='s3', operation='PutObject', number=2)
        deploy(world, path, 'cut', '--detach')
        wait_for('the first part is there', 60, lambda: objects(fake))
        etags = etags_of(fake)
        world.kill_daemon()
        fake.control('DELETE', '/_faults')
        world.again()
        wait_for('it runs', 120, lambda: world.state_of('cut') == 'running')
        assert len(objects(fake)) == 3 and etags.items() <= etags_of(fake).items(), etags
        world.cli('rm', 'cut', '--detach')
        world.until('the bucket is empty', lambda: not objects(fake))


def another_way(tap, world, fake):
    lines = [f'bucket = {BUCKET}', *make_keys(world.dir, fake)]
    with tap.part('the way is changed: an image of the other kind of root is not borrowed'):
        deploy(world, disk(world), 'bundled')
        world.stop_daemon()
        start(world, fake, *lines)
        deploy(world, disk(world), 'direct')
        image = of(fake, world, 'direct')['image'][0]['document']
        assert image['rootDeviceType'] == 'ebs', image
        assert world.show('direct')['place']['type'] == 't3.micro'
    with tap.part('what has gone the old way is ended as long as the bucket is named'):
        assert len(objects(fake)) == 2, objects(fake)
        for name in ('bundled', 'direct'):
            world.cli('rm', name, '--detach')
        world.until('the bucket is empty', lambda: not objects(fake))
        world.stop_daemon()
        start(world, fake, 'upload = bundle', *lines)


def etags_of(fake):
    return {row['id']: row['document']['ETag'] for row in fake.ledger()['exists']
            if row['kind'] == 'object'}


def nobody_left(tap, world, fake):
    with tap.part('nobody is left: mirage-reap ends image and objects'):
        deploy(world, xen(world, 'lost', b'lost'), 'lost')
        assert len(objects(fake)) == 2, objects(fake)
        world.stop_daemon()
        reap(world, fake, world.time)


def refusals(tap, world, fake):
    """Before anything is sent."""
    hello = program('hello.elf')
    before = counts(fake, 's3.PutObject')
    with tap.part('a type without an instance store, and a kernel that none of them starts'):
        done = deploy(world, xen(world), 'small', '--type', 't1.micro', expect=5)
        assert 't1.micro starts no instance-store bundle' in done.err and 'M1' in done.err, done.err
        done = deploy(world, hello, 'new', '--type', 't3.micro', expect=5)
        assert 't3.micro starts no' in done.err, done.err
    with tap.part('another region than the bucket\'s'):
        done = deploy(world, xen(world), 'far', '--region', 'eu-west-1', expect=2)
        assert BUCKET in done.err and '--region us-east-1' in done.err, done.err
    with tap.part('a key that is not there'):
        key = os.path.join(world.dir, 'user.key')
        os.rename(key, key + '.away')
        done = deploy(world, xen(world), 'keyless', expect=4)
        assert 'bundle_key' in done.err and 'user.key' in done.err, done.err
        os.rename(key + '.away', key)
    with tap.part('another certificate\'s key: said by who reads it, and nothing is sent'):
        make_keys(world.dir, fake, 'other')
        os.rename(key, key + '.away')
        shutil.copy(os.path.join(world.dir, 'other.key'), key)
        done = deploy(world, xen(world, 'wrong', b'wrong'), 'wrong', '--wait-timeout', '10s',
                      expect=None)
        assert done.status and 'does not belong' in done.err, done.err
        os.rename(key + '.away', key)
    with tap.part('not a byte was sent for any of these'):
        assert counts(fake, 's3.PutObject') == before
        assert not objects(fake), objects(fake)


def no_lists(tap):
    with fakecloud('--set', 'boot_ms=500') as fake, HastyWorld(fake) as world, \
            tap.part('a bucket without access control lists: said with the fix, nothing is left'):
        make_bucket(fake, BUCKET)
        start(world, fake, 'upload = bundle', f'bucket = {BUCKET}', *make_keys(world.dir, fake))
        done = deploy(world, xen(world), 'closed', '--wait-timeout', '10s', expect=None)
        assert done.status and 'BucketOwnerPreferred' in done.err, done.err
        assert not objects(fake), objects(fake)


def unsaid(tap):
    for lines, word in ((['upload = bundle'], 'bucket = NAME'),
                        (['upload = bundle', 'bucket = b'], 'bundle_cert = /PATH'),
                        (['upload = bundle', 'bucket = b', 'bundle_cert = /dev/null',
                          'bundle_key = k'], 'bundle_key = /PATH')):
        with fakecloud() as fake, HastyWorld(fake) as world, tap.part(f'what is not named: {word}'):
            start(world, fake, *lines)
            done = deploy(world, xen(world), 'unsaid', expect=2)
            assert word in done.err, done.err


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-bundle',
                  'mirage-reap', 'mirage-fakecloud', 'hello.elf')
    if not shutil.which('openssl'):
        skip_all('openssl is not installed')
    tap = Tap()
    with fakecloud('--set', 'boot_ms=500') as fake, HastyWorld(fake) as world:
        start(world, fake)
        by_snapshot(tap, world, fake)
        world.say_log(tap)
    with fakecloud('--set', 'boot_ms=500') as fake, HastyWorld(fake) as world:
        make_bucket(fake, BUCKET, lists=True)
        start(world, fake, 'upload = bundle', f'bucket = {BUCKET}', *make_keys(world.dir, fake))
        by_bundle(tap, world, fake)
        by_disk(tap, world, fake)
        another_way(tap, world, fake)
        refusals(tap, world, fake)
        nobody_left(tap, world, fake)
        world.say_log(tap)
    no_lists(tap)
    unsaid(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
