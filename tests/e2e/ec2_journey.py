# SPDX-License-Identifier: ISC
"""The whole journey of hello on EC2: uploaded, launched, live, said to be so by page and badge, and
at its deadline gone with everything that it cost. mirage-fakecloud runs it on a machine under QEMU,
whose network card is virtio: on Amazon's own machines hello would have none, so it is --anyway.

Time is the test's: the daemon's clocks (tests/torture/meddle_clock.c) and the cloud's go ahead
together, as the provider settles for minutes."""
import os
import signal
import socket
import sys
import time

from bucket import make_bucket
from bundle import make_keys
from fakecloud import fakecloud
from cloud_journey import Journey, disks, get_port_80, left, machines, says, settle, state
from kernels import multiboot
from meddle import LIBRARY
from mirage import (PATIENCE, Skip, Tap, get, need_programs, program, skip_all, utc, wait_for)

HELLO = program('hello.elf')
BUCKET = 'heap'


def words(pid):
    with open(f'/proc/{pid}/cmdline', encoding='utf-8') as f:
        return f.read().split('\0')


# --- hello ---

def goes_live(tap, world):
    with tap.part('hello is uploaded, launched, and answers at its elastic address'):
        began = time.monotonic()
        world.deploy(HELLO, 'hello', '--keep-address')
        d = world.show('hello')
        assert d['state'] == 'live' and d['place']['type'] == 't3.micro', d
        address, = [row['document']['publicIp'] for row in world.fake.ledger()['exists']
                    if row['kind'] == 'elastic-ip']
        assert world.instance('hello')['document']['ipAddress'] == address
        assert d['url'] == f'http://{address}/' and address.startswith('127.'), d['url']
        status, text = get(d['url'])
        assert status == 200 and 'hello' in text.lower(), (status, text)
        print(f'# live after {time.monotonic() - began:.1f} s')
    with tap.part('one machine, on a disk that has the volume\'s size and few blocks'):
        assert len(machines(world.fake)) == 1 and len(disks(world.fake)) == 1
        of = os.stat(os.path.join(world.fake.state, 'volumes', disks(world.fake)[0]))
        assert of.st_size == 1 << 30 and 0 < of.st_blocks * 512 < 64 << 20, of
    with tap.part('ports that its group does not open are closed'):
        with socket.socket() as s:
            assert s.connect_ex((d['url'].split('/')[2], 22)) != 0
    with tap.part('page and badge say live; its console is EC2\'s'):
        wait_for('page and badge say live', 10 * PATIENCE, lambda: says(world, 'hello', 'live'))
        wait_for('the console', 10 * PATIENCE,
                 lambda: 'hello: listening on' in world.cli('logs', 'hello').out)
    with tap.part('it is not told to announce itself where our registry is not'):
        assert world.show('hello')['site_url'].startswith('http://127.0.0.1:')
        assert 'announce' not in world.cli('logs', 'hello').out


def meets_its_deadline(tap, world):
    pid = machines(world.fake)[0]
    d = world.show('hello')
    with tap.part('at the deadline its machine is off and its disk away'):
        world.passes(utc(d['expires_at']) - world.time.wall() + 1)
        wait_for('the machine is off', 30 * PATIENCE, lambda: not machines(world.fake))
        wait_for('the disk is away', 30 * PATIENCE, lambda: not disks(world.fake))
        assert not os.path.exists(f'/proc/{pid}')
        assert get(d['url'])[0] == 0
    with tap.part('it is gone when EC2 has settled, and nothing is left'):
        settle(world, 'hello')
        d = world.show('hello')
        assert d['state'] == 'gone' and d['end_reason'] == 'deadline', d
        assert not left(world), left(world)
        existed = {row['kind'] for row in world.fake.ledger()['existed']}
        assert {'instance', 'volume', 'image', 'snapshot', 'elastic-ip', 'security-group',
                'schedule', 'network-interface'} <= existed, existed
    with tap.part('page and badge say gone'):
        wait_for('page and badge say gone', 10 * PATIENCE, lambda: says(world, 'hello', 'gone'))


# --- other machines ---

def other_machines(tap, world):
    with tap.part('a Xen type starts it from IDE, at the address that it is launched with'):
        world.deploy(HELLO, 'xen', '--type', 't2.micro', '--no-list')
        d = world.show('xen')
        assert d['url'] == f'http://{world.instance("xen")["document"]["ipAddress"]}/', d
        assert get(d['url'])[0] == 200
        pid, = machines(world.fake)
        assert any(word.startswith('ide-hd,') for word in words(pid)), words(pid)
        assert not any('pflash' in word for word in words(pid)), words(pid)
        end(world, 'xen')
    with tap.part('a disk for UEFI is started by UEFI, from NVMe'):
        if not os.path.exists('/usr/share/OVMF/OVMF_CODE_4M.fd'):
            raise Skip('ovmf is not installed')
        disk = os.path.join(world.dir, 'uefi.raw')
        world.cli('image', 'build', HELLO, '-o', disk, '--boot', 'uefi', '--format', 'raw')
        world.deploy(disk, 'uefi', '--no-list', '--type', 't3.micro')
        assert get(world.show('uefi')['url'])[0] == 200
        pid, = machines(world.fake)
        assert any('OVMF_CODE' in word for word in words(pid)), words(pid)
        assert any(word.startswith('nvme,') for word in words(pid)), words(pid)
        end(world, 'uefi')


def end(world, name):
    world.cli('rm', name, '--detach')
    wait_for('the machine is off', 30 * PATIENCE, lambda: not machines(world.fake))


# --- machines that end otherwise ---

def ends_itself(tap, world):
    with tap.part('a machine that powers itself off is what its shutdown behaviour says'):
        kernel = world.kernel('off.elf', multiboot('I go\n', 'power-off'))
        world.deploy(kernel, 'off', '--detach')
        wait_for('it has ended', 60 * PATIENCE,
                 lambda: state(world.instance('off')) == 'terminated')
        row = world.instance('off')
        assert row['gone_by'].startswith('guest.power_off'), row
        assert row['document']['stateReason']['code'] == 'Client.InstanceInitiatedShutdown', row
        assert not machines(world.fake)


def nothing_is_left(tap, world):
    with tap.part('of all of these nothing is left'):
        assert world.state_of('uefi') == 'ending', 'EC2 may still show what was just ended'
        settle(world, 'xen', 'uefi', 'off')
        assert not left(world), left(world)
        assert not disks(world.fake) and not os.listdir(os.path.join(world.fake.state, 'guests'))


def outlives_nobody(tap, world):
    with tap.part('a cloud that is killed takes its machines along'):
        kernel = world.kernel('hang.elf', multiboot('I stay\n', 'hang'))
        world.deploy(kernel, 'hang', '--detach')
        wait_for('it runs', 60 * PATIENCE, lambda: machines(world.fake))
        world.fake.stop(signal.SIGKILL)
        wait_for('the machine is gone', 5 * PATIENCE, lambda: not machines(world.fake))
    with tap.part('one that comes up again starts them again, and takes them along when it stops'):
        world.fake.start()
        wait_for('it runs again', 20 * PATIENCE, lambda: machines(world.fake))
        assert world.fake.stop() == 0
        assert not machines(world.fake)


# --- an instance store ---

def bundles(world):
    make_bucket(world.fake, BUCKET, lists=True)
    return ['upload = bundle', f'bucket = {BUCKET}', *make_keys(world.dir, world.fake)]


def in_the_bucket(world):
    return [key for kind, key in left(world) if kind == 'object']


def from_a_bundle(tap):
    with fakecloud('--guests', 'qemu') as fake, Journey(fake, bundles) as world:
        with tap.part('hello from a bundle: what is unpacked from the bucket starts, and answers'):
            world.deploy(HELLO, 'old', '--no-list')
            d = world.show('old')
            assert d['state'] == 'live' and d['place']['type'] == 'r3.large', d
            status, text = get(d['url'])
            assert status == 200 and '<h1>old</h1>' in text, (status, text)
            assert disks(fake) == ['store-' + world.instance('old')['id']], disks(fake)
            assert len(in_the_bucket(world)) == 2, left(world)
        with tap.part('at the deadline machine and disk are away; then image and objects'):
            world.passes(utc(d['expires_at']) - world.time.wall() + 1)
            wait_for('the machine is off', 30 * PATIENCE, lambda: not machines(fake))
            wait_for('the disk is away', 30 * PATIENCE, lambda: not disks(fake))
            settle(world, 'old')
            assert left(world) == [('bucket', BUCKET)], left(world)
        world.say_log(tap)


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-bundle',
                  'mirage-fakecloud', 'mirage-public', 'hello.elf')
    if not os.path.exists(LIBRARY):
        skip_all('libmeddle.so is not built')
    get_port_80()
    tap = Tap()
    with fakecloud('--guests', 'qemu') as fake, Journey(fake) as world:
        goes_live(tap, world)
        meets_its_deadline(tap, world)
        other_machines(tap, world)
        ends_itself(tap, world)
        nothing_is_left(tap, world)
        outlives_nobody(tap, world)
        world.say_log(tap)
    from_a_bundle(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
