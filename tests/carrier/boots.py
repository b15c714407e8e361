# SPDX-License-Identifier: ISC
"""Kernels that this machine cannot start, started here: `mirage-deploy local` with a Xen carrier
under QEMU, without Xen, KVM or root. Through firmwares, disks and network cards, to a live badge,
to the guest's own end, and to deadlines that a guest which hangs does not hold up."""
import os
import sys
import time

import carried
from carried import grub, mirageos, need_base, share_cache, unpacked
from mirage import OVER, PATIENCE, Tap, World, get, need_programs, wait_for

LIVE = 90 * PATIENCE # TCG, on a machine that is busy


def deploy(world, kernel, name, *options, ttl='10m', expect=0):
    return world.cli('local', kernel, '--ttl', ttl, '--name', name, *options, expect=expect,
                     timeout=LIVE)


def console(world, name):
    return world.cli('logs', name).out


def over(world, name):
    wait_for(f'{name} is over', LIVE, lambda: world.state_of(name) in OVER)
    return world.show(name)


def kept(world):
    folder = os.path.join(world.state, 'carried')
    return os.listdir(folder) if os.path.isdir(folder) else []


# --- what is said before ---

def said_before(tap, world):
    with tap.part('inspect and plan say that it is carried, by what, and what that costs'):
        kernel = grub(world.dir, 'halt')
        rows = {row['family']: row for row in
                world.cli('inspect', kernel, '--json').json()['boots']['local']['families']}
        assert rows['qemu-pc']['verdict'] == 'carrier' and rows['qemu-pc']['carrier'] == 'xen', rows
        plan = world.cli('plan', 'local', kernel, '--json').json()
        assert plan['carrier'] == 'xen' and plan['guest_bytes'] == 64 << 20, plan
        assert plan['memory_bytes'] <= 400 << 20, plan['memory_bytes']
        text = world.cli('plan', 'local', kernel).out
        assert 'make a disk with Xen' in text and '64 MiB of the memory' in text, text
    with tap.part('--carrier never: refused before anything is sent, with the way out'):
        done = deploy(world, kernel, 'never', '--carrier', 'never', expect=5)
        assert 'inside of a carrier only' in done.err and '--carrier never' in done.err, done.err
    with tap.part('more memory for the guest is more for the machine'):
        plan = world.cli('plan', 'local', kernel, '--memory', '256M', '--json').json()
        assert plan['guest_bytes'] == 256 << 20 and plan['memory_bytes'] > 400 << 20, plan
        done = deploy(world, kernel, 'small', '--memory', '1M', expect=5)
        assert 'too few' in done.err, done.err


# --- GRUB, which everybody has ---

def short_lives(tap, world):
    with tap.part('a kernel that ends: its last words, and the machine is off by itself'):
        deploy(world, grub(world.dir, 'echo I end\nhalt'), 'ends', '--no-list', '--detach')
        d = over(world, 'ends')
        text = console(world, 'ends')
        assert d['end_reason'] == 'guest', d
        assert 'I end' in text and 'power off: guest ended' in text, text
        assert not kept(world), kept(world)
    with tap.part('32 bits: refused, as this Xen does not take it'):
        done = deploy(world, grub(world.dir, 'halt', 'i386-xen'), 'narrow', expect=5)
        assert '32 bits' in done.err, done.err
    with tap.part('a kernel that hangs is ended at the deadline, whatever it does'):
        deploy(world, grub(world.dir, 'echo I stay'), 'hangs', '--no-list', '--detach', ttl='45s')
        wait_for('it hangs', LIVE, lambda: 'I stay' in console(world, 'hangs'))
        d = over(world, 'hangs')
        assert d['end_reason'] == 'deadline', d


# --- MirageOS ---

def serves(tap, world):
    with tap.part('a MirageOS kernel of 2015 serves HTTP: live, page and badge say so'):
        began = time.monotonic()
        deploy(world, mirageos('mortio'), 'mort')
        print(f'# live after {time.monotonic() - began:.1f} s')
        carried.serves(world, 'mort')
        said = console(world, 'mort')
        assert 'guest| ' in said and 'learned from its ARP' in said, said
    with tap.part('its carrier announces it to the registry here, from between its ports'):
        wait_for('an announcement', 10 * PATIENCE,
                 lambda: 'announce: accepted (202)' in console(world, 'mort'))
    with tap.part('its console has no empty lines between its lines'):
        lines = console(world, 'mort').splitlines()
        said = [at for at, line in enumerate(lines) if line.startswith('carrier[')]
        assert len(said) > 5 and '' not in lines[said[0]:said[-1]], lines
    with tap.part('it is extended, as any other here, and removed: nothing of it is left'):
        world.cli('extend', 'mort', '5m')
        world.cli('rm', 'mort')
        assert world.state_of('mort') == 'gone' and not kept(world), kept(world)


def every_machine(tap, world):
    kernel = unpacked(world, mirageos('mortio'))
    rows = [('bios', 'nvme', 'e1000'), ('bios', 'ide', 'e1000e'), ('bios', 'nvme', 'virtio'),
            ('uefi', 'nvme', 'e1000e'), ('uefi', 'virtio', 'virtio')]
    for firmware, bus, nic in rows:
        with tap.part(f'{firmware}, {bus}, {nic}: HTTP 200'):
            name = f'{firmware}-{bus}-{nic}'
            deploy(world, kernel, name, '--no-list', '--firmware', firmware, '--disk-bus', bus,
                   '--nic', nic)
            assert get(world.show(name)['url'])[0] == 200
            world.cli('rm', name)


def dies(tap, world):
    with tap.part('one of 2014 ends for want of its block devices: the reason is on its console'):
        deploy(world, mirageos('2014'), 'old', '--no-list', '--detach', '--', 'a=1', '"b  c"')
        d = over(world, 'old')
        text = console(world, 'old')
        assert d['end_reason'] == 'guest' and 'power off: guest' in text, text
        assert 'Failure("' in text, text
    with tap.part('what it was told has arrived, byte for byte'):
        assert 'cmd_line: a=1 "b  c"' in console(world, 'old'), console(world, 'old')


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-carrier',
                  'mirage-public')
    need_base('xen')
    tap = Tap()
    with World() as world:
        share_cache(world)
        world.start_daemon()
        said_before(tap, world)
        short_lives(tap, world)
        serves(tap, world)
        dies(tap, world)
        every_machine(tap, world)
        world.say_log(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
