#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What a user is told when a carried kernel, or its carrier, comes to an early end: a deploy that
waits fails with the carrier's own reason, show has it, and a daemon that was not there meanwhile
finds it. Machines under QEMU's emulator, some 15 s each. Speaks TAP."""
import struct
import sys

from carried import grub, mirageos, need_base, share_cache
from mirage import OVER, PATIENCE, Tap, World, need_programs, wait_for

LIVE = 120 * PATIENCE


def deploy(world, kernel, name, *options, expect=0):
    return world.cli('local', kernel, '--ttl', '10m', '--name', name, *options, expect=expect,
                     timeout=LIVE)


def ended(world, name, reason):
    """The end as show has it, for programs and for people."""
    wait_for(f'{name} is over', LIVE, lambda: world.state_of(name) in OVER)
    d = world.show(name)
    assert d['end_reason'] == 'guest', d
    assert d['instance']['end_reason'].startswith('powered off: ' + reason), d['instance']
    assert d['instance']['end_reason'] in world.cli('show', name).out
    return d


def broken(path):
    """The same kernel, whose first instruction is none."""
    with open(path, 'rb') as f:
        elf = bytearray(f.read())
    entry, at = struct.unpack_from('<QQ', elf, 24)
    size, count = struct.unpack_from('<HH', elf, 54)
    for i in range(count):
        kind, _, offset, address, _, length = struct.unpack_from('<IIQQQQ', elf, at + size * i)
        if kind == 1 and address <= entry < address + length:
            where = offset + entry - address
            elf[where:where + 2] = b'\x0f\x0b'
            break
    else:
        raise AssertionError('no segment has the entry')
    out = path + '.broken'
    with open(out, 'wb') as f:
        f.write(elf)
    return out


def waited_for(tap, world):
    with tap.part('a kernel that ends before it is live: the deploy fails, with the reason'):
        done = deploy(world, grub(world.dir, 'echo I end\nhalt'), 'ends', expect=1)
        assert 'powered off: guest ended' in done.err, done.err
        ended(world, 'ends', 'guest ended')
    with tap.part('one that crashes is told from one that ends'):
        done = deploy(world, broken(grub(world.dir, 'halt')), 'crashes', expect=1)
        assert 'powered off: guest failed' in done.err, done.err
        ended(world, 'crashes', 'guest failed')
    with tap.part('a machine without a network card, for which nobody waits, runs on without'):
        deploy(world, grub(world.dir, 'echo I stay'), 'cut-off', '--nic', 'none')
        wait_for('it runs', LIVE, lambda: 'I stay' in world.cli('logs', 'cut-off').out)
        assert 'net none' in world.cli('logs', 'cut-off').out
        world.cli('rm', 'cut-off')
    with tap.part('MirageOS of 2014, which misses its block devices'):
        done = deploy(world, mirageos('2014'), 'old', expect=1)
        assert 'powered off: guest' in done.err and 'Failure("' in done.err, done.err
        ended(world, 'old', 'guest')


def nobody_there(tap, world):
    with tap.part('the daemon dies, the guest ends, and the next daemon knows why'):
        deploy(world, grub(world.dir, 'echo I stay\nsleep 6\nhalt'), 'alone', '--no-list',
               '--detach')
        wait_for('it runs', LIVE, lambda: 'I stay' in world.cli('logs', 'alone').out)
        world.kill_daemon()
        wait_for('its machine is off', LIVE, lambda: not world.processes('qemu-system'))
        world.start_daemon()
        ended(world, 'alone', 'guest ended')


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-carrier',
                  'mirage-public')
    need_base('xen')
    tap = Tap()
    with World() as world:
        share_cache(world)
        world.start_daemon()
        waited_for(tap, world)
        nobody_there(tap, world)
        world.say_log(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
