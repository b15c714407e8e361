# SPDX-License-Identifier: ISC
"""How an instance ends without being asked: the keeper at the deadline when the daemon is dead, a
guest that powers off, crashes or is killed. And kernels of other formats, from first console line
to gone."""
import os
import signal
import sys
import time

import kernels
from mirage import PATIENCE, Skip, Tap, World, get, need_programs, program, utc, wait_for

HELLO = program('hello.elf')
NOTICE_S = 2
MEMTEST = '/boot/memtest86+x64.bin'


def kernel_file(world, name, data):
    path = os.path.join(world.dir, name)
    with open(path, 'wb') as f:
        f.write(data)
    return path


def keeper_alone(tap, world):
    with tap.part('with the daemon dead, the keeper ends the guest at the deadline'):
        world.start_daemon()
        world.cli('local', HELLO, '--ttl', '12s', '--name', 'alone')
        d = world.show('alone')
        world.kill_daemon()
        time.sleep(max(0, utc(d['expires_at']) - time.time() - 1))
        assert get(d['url'])[0] == 200, 'it ended too early'
        wait_for('no guest and no keeper', 1 + 5, lambda: not world.guests())
        assert time.time() >= utc(d['expires_at']) - 0.5
    with tap.part('the daemon, back again, finds it gone'):
        world.start_daemon()
        d = world.wait_over('alone', 5 * PATIENCE)
        assert d['state'] == 'gone' and d['end_reason'] == 'deadline', d


def noticed(world, name, since):
    """It is over within two seconds of `since` (when it died), and says that the guest ended."""
    d = world.wait_over(name, NOTICE_S + PATIENCE)
    assert time.time() - since <= NOTICE_S * PATIENCE + 0.5, time.time() - since
    assert d['end_reason'] == 'guest', d
    assert not world.guests(), f'left behind: {world.guests()}'
    return d


def dying_kernels(tap, world):
    for end in ('power-off', 'triple-fault'):
        with tap.part(f'a kernel that dies at once ({end}) is shown with its last words'):
            words = f'these are the last words before {end}'
            path = kernel_file(world, f'{end}.elf', kernels.multiboot(words + '\r\n', end))
            done = world.cli('local', path, '--ttl', '5m', '--name', end, expect=None)
            assert done.status == 1, (done.status, done.out, done.err)
            assert words in done.err + done.out, done.err
            d = world.wait_over(end, NOTICE_S + PATIENCE)
            assert d['end_reason'] == 'guest', d
            assert words in world.cli('logs', end).out
            assert not world.guests(), f'left behind: {world.guests()}'
    with tap.part('a guest that is killed is noticed within 2 s'):
        world.cli('local', HELLO, '--ttl', '5m', '--name', 'killed')
        pids = world.processes('qemu-system')
        assert len(pids) == 1, pids
        os.kill(pids[0], signal.SIGKILL)
        noticed(world, 'killed', time.time())


def stays(world, name, path, words, *options):
    """Deployed, running, heard on the console, and removed."""
    world.cli('local', path, '--ttl', '5m', '--name', name, '--detach', *options)
    wait_for(f'{name} runs', 10 * PATIENCE, lambda: world.state_of(name) in ('running', 'live'))
    wait_for(f'{name} is heard', 30 * PATIENCE,
             lambda: words in world.cli('logs', name).out, every=0.25)
    assert world.state_of(name) in ('running', 'live')
    world.cli('rm', name)
    d = world.show(name)
    assert d['state'] == 'gone' and d['end_reason'] == 'removed', d
    assert not world.guests(), f'left behind: {world.guests()}'


def other_formats(tap, world):
    with tap.part('a multiboot kernel without a network stays until it is removed'):
        path = kernel_file(world, 'quiet.elf', kernels.multiboot('quiet here\r\n', 'hang'))
        stays(world, 'quiet', path, 'quiet here', '--anyway')
    with tap.part('a BIOS disk'):
        path = kernel_file(world, 'boot.img', kernels.bios_disk('from the disk\r\n'))
        stays(world, 'disk', path, 'from the disk', '--anyway')
    with tap.part('a bzImage: memtest86+'):
        if not os.path.exists(MEMTEST):
            raise Skip('memtest86+ is not installed')
        stays(world, 'memtest', MEMTEST, 'Memtest86+', '--anyway', '--memory', '96M', '--',
              'console=ttyS0,115200')


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-keeper', 'mirage-image', 'hello.elf')
    tap = Tap()
    with World() as world:
        keeper_alone(tap, world)
        dying_kernels(tap, world)
        other_formats(tap, world)
        world.say_log(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
