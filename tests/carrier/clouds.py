# SPDX-License-Identifier: ISC
"""A MirageOS kernel for Xen on clouds that have no Xen: `mirage-deploy ec2 kernel.xen` on a Nitro
type and `mirage-deploy openstack kernel.xen`, against mirage-fakecloud with machines under QEMU: to
a live badge, and at the deadline to an empty ledger. And what the carrier itself ends: a guest that
hangs, after everybody else is dead."""
import os
import sys
import time

import carried
from carried import grub, mirageos, need_base, share_cache
from fakecloud import fakecloud
from hasty import HastyWorld
from cloud_journey import (Journey, disks, ended, get_port_80, machines, over_at_its_deadline, says,
                           settle, state)
from meddle import LIBRARY
from mirage import OVER, PATIENCE, Tap, need_programs, skip_all, wait_for

LIVE = 120 * PATIENCE
MACHINES = ['--guests', 'qemu', '--set', 'guest_mib=1024']
AT_ONCE = [*MACHINES, '--set', 'visible_ms=0']


def deploy(world, kernel, name, *options, expect=0):
    return world.cli('ec2', kernel, '--ttl', '20m', '--name', name, '--yes', *options,
                     expect=expect, timeout=LIVE)


def goes_live(tap, world):
    with tap.part('plan says: carried, on a type of its memory, and what it costs'):
        plan = world.cli('plan', 'ec2', mirageos('mortio'), '--json').json()
        assert plan['carrier'] == 'xen' and plan['boots']['verdict'] == 'carrier', plan
        assert plan['place']['type'] == 't3.micro' and 'shutdown-behaviour' in plan['hooks'], plan
    with tap.part('MirageOS of 2015 on a Nitro type: live, page and badge say so'):
        began = time.monotonic()
        deploy(world, mirageos('mortio'), 'mort')
        print(f'# live after {time.monotonic() - began:.1f} s')
        d = carried.serves(world, 'mort')
        assert len(machines(world.fake)) == 1
    with tap.part('the carrier keeps the deadline: EC2 would end what it powers off'):
        hooks = {hook['name']: hook['state'] for hook in d['hooks']}
        assert hooks['shutdown-behaviour'] == 'armed' and hooks['cloud-schedule'] == 'armed', hooks
        wait_for('its console', 30 * PATIENCE,
                 lambda: 'carrier[' in world.cli('logs', 'mort').out)
    with tap.part('so it is not extended past it, and that is said'):
        done = world.cli('extend', 'mort', '2h', expect=5)
        assert 'switch itself off' in done.err, done.err
    with tap.part('its image is small'):
        of = os.stat(os.path.join(world.fake.state, 'volumes', disks(world.fake)[0]))
        assert of.st_blocks * 512 < 24 << 20, of.st_blocks * 512


def meets_its_deadline(tap, world):
    with tap.part('at the deadline everything of it is gone, and the ledger is empty'):
        over_at_its_deadline(world, 'mort')
        wait_for('page and badge say gone', 10 * PATIENCE, lambda: says(world, 'mort', 'gone'))


def ends_by_itself(tap, world):
    with tap.part('a guest that ends powers the machine off, and EC2 terminates it'):
        deploy(world, grub(world.dir, 'halt'), 'ends', '--no-list', '--detach')
        wait_for('it has ended', LIVE, lambda: state(world.instance('ends')) == 'terminated')
        row = world.instance('ends')
        assert row['gone_by'].startswith('guest.power_off'), row
        settle(world, 'ends')
    with tap.part('a guest that hangs, with nobody left: the carrier powers the machine off'):
        world.cli('ec2', grub(world.dir, 'echo I stay'), '--ttl', '3m', '--name', 'hangs',
                  '--yes', '--no-list', '--detach', timeout=LIVE)
        wait_for('it runs', LIVE, lambda: machines(world.fake))
        token = world.show('hangs')['id']
        world.kill_daemon()
        wait_for('the machine is off', 300 * PATIENCE, lambda: not machines(world.fake), every=1)
        row = wait_for('EC2 has noticed', 30 * PATIENCE, lambda: ended(world.fake, token))
        assert row['gone_by'].startswith('guest.power_off'), row


def proven(tap, world):
    with tap.part('--prove: the very disk is started here first, and speaks; then it is uploaded'):
        deploy(world, mirageos('2014'), 'proven', '--prove', '--no-list', '--detach')
        wait_for('it is proven', LIVE, lambda: any(
            event['text'].startswith('proven: its disk') for event in
            world.show('proven')['events']))
        wait_for('it is launched', LIVE, lambda: world.instance('proven'))
        world.cli('rm', 'proven', '--detach')


def puts(world):
    """Blocks that EBS was given; it shows a new snapshot at once, so none is sent twice."""
    return world.fake.control('GET', '/_calls')['by_operation'].get('ebs.PutSnapshotBlock', 0)


def sends_what_differs(tap, world):
    with tap.part('a second kernel on the same base: only its own blocks are sent'):
        sent = []
        for name, words in (('one', 'echo I stay'), ('two', 'echo I stay as well')):
            before = puts(world)
            deploy(world, grub(world.dir, words), name, '--no-list', '--detach')
            wait_for('it is launched', LIVE, lambda name=name: world.instance(name))
            sent.append(puts(world) - before)
        print(f'# blocks of 512 KiB: {sent[0]}, then {sent[1]}')
        assert 0 < sent[1] <= sent[0] / 4, sent
        for name in ('one', 'two'):
            world.cli('rm', name, '--detach')


# --- OpenStack ---

def start_openstack(world, fake):
    """A daemon, and a mirage-reap that comes again: the second hook where there is no Mistral."""
    share_cache(world)
    world.env.update(fake.openstack)
    world.again()
    done = world.reaper('openstack', '--every', '1d')
    assert done.returncode == 0, done


def reads_its_disk(tap, world, provider):
    with tap.part(f'a kernel on {provider} reads the block device that it was given'):
        name, path = f'reads-{provider}', os.path.join(world.dir, 'content')
        with open(path, 'wb') as f:
            f.write(b'this is in it\n'.ljust(4096, b'\0'))
        kernel = grub(world.dir, 'cat (xen/xvda)0+1\nsleep 5\nhalt', modules=['cat'])
        world.cli(provider, kernel, '--ttl', '20m', '--name', name, '--yes', '--no-list',
                  '--detach', '--block', f'disk1={path}', timeout=LIVE)
        world.until('it has read it',
                    lambda: 'this is in it' in world.cli('logs', name).out)
        world.cli('rm', name, '--detach')
        world.until('it is over', lambda: world.state_of(name) in OVER)
        assert not os.listdir(os.path.join(world.state, 'blocks'))


def on_openstack(tap, world, fake):
    with tap.part('MirageOS of 2015 on a KVM cloud: live from a disk on the table\'s bus'):
        world.cli('openstack', mirageos('mortio'), '--ttl', '20m', '--name', 'mort', '--yes',
                  timeout=LIVE)
        d = carried.serves(world, 'mort')
        image, = [row for row in fake.ledger()['exists'] if row['kind'] == 'os-image' and
                  d['id'] in str(row['document'])]
        assert image['document']['hw_disk_bus'] == 'ide', image['document']
    with tap.part('removed: nothing of it is left'):
        world.cli('rm', 'mort', '--detach')
        world.until('it is over', lambda: world.state_of('mort') in OVER)
        rows = [row['id'] for row in fake.ledger()['exists'] if d['id'] in str(row['document'])]
        assert world.state_of('mort') == 'gone' and not rows, rows


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-carrier',
                  'mirage-fakecloud', 'mirage-public')
    if not os.path.exists(LIBRARY):
        skip_all('libmeddle.so is not built')
    need_base('xen')
    get_port_80()
    tap = Tap()
    with fakecloud(*AT_ONCE) as fake, Journey(fake, share_cache) as world:
        goes_live(tap, world)
        meets_its_deadline(tap, world)
        sends_what_differs(tap, world)
        proven(tap, world)
        ends_by_itself(tap, world)
        world.say_log(tap)
    with fakecloud(*MACHINES) as fake, HastyWorld() as world:
        start_openstack(world, fake)
        on_openstack(tap, world, fake)
        reads_its_disk(tap, world, 'openstack')
        world.say_log(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
