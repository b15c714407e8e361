# SPDX-License-Identifier: ISC
"""A full disk under the state directory: new work is refused with the fix, nothing half-made stays,
what runs still ends in time, and with room again all is as before. The disk is a small tmpfs in a
mount namespace of the test's own."""
import os
import subprocess
import sys
import time

from mirage import PATIENCE, Tap, World, again_in_spaces, need_programs, program, utc, wait_for

HELLO = program('hello.elf')
DISK = '16m'  # the daemon keeps 8 MiB of it for what runs already
TTL_S = 25


def in_own_namespace():
    """Start again where a tmpfs can be mounted; root needs only a mount namespace."""
    if os.environ.get('MIRAGE_TEST_UNSHARED'):
        return
    os.environ['MIRAGE_TEST_UNSHARED'] = '1'
    again_in_spaces('no tmpfs of our own here (unshare --mount)',
                    *([] if os.geteuid() == 0 else ['-Ur']), '--mount',
                    first=['mount', '-t', 'tmpfs', 'tmpfs', '/mnt'])


def fill(path):
    with open(path, 'wb', buffering=0) as f:
        for size in (65536, 512):
            try:
                while True:
                    f.write(bytes(size))
            except OSError:
                continue


def other_kernel(world):
    """Another kernel than hello, and too large for what is left: hello with a tail."""
    path = os.path.join(world.dir, 'other.elf')
    with open(HELLO, 'rb') as f, open(path, 'wb') as out:
        out.write(f.read() + os.urandom(2 << 20))
    return path


def full(tap, world, filler):
    with tap.part('a deploy is refused with the reason and the fix'):
        fill(filler)
        done = world.cli('local', other_kernel(world), '--ttl', '1m', '--name', 'late', expect=5)
        assert 'space' in done.err.lower() and world.state in done.err, done.err
    with tap.part('nothing half-made stays'):
        rows = world.cli('ps', '--all', '--json').json()['deployments']
        assert [row['name'] for row in rows] == ['hello'], rows
        names = os.listdir(os.path.join(world.state, 'kernels'))
        parts = [name for name in names if 'part' in name]
        assert not parts, parts
    with tap.part('so is one whose kernel is stored already: no lease, no launch'):
        done = world.cli('local', HELLO, '--ttl', '1m', '--name', 'more', expect=5)
        assert 'full' in done.err.lower() and 'free some space' in done.err, done.err
        assert len(world.processes('qemu-system')) == 1


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-keeper', 'mirage-image', 'hello.elf')
    in_own_namespace()
    tap = Tap()
    with World() as world:
        os.mkdir(world.state, 0o700)
        subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={DISK},mode=0700', 'tmpfs',
                        world.state], check=True)
        filler = os.path.join(world.state, 'filler')
        with tap.part('hello runs while there is room'):
            world.start_daemon()
            world.cli('local', HELLO, '--ttl', f'{TTL_S}s', '--name', 'hello')
            deadline = utc(world.show('hello')['expires_at'])
        full(tap, world, filler)
        with tap.part('an extension is refused, and the deadline stays'):
            done = world.cli('extend', 'hello', '10m', expect=None)
            assert done.status == 5 and 'full' in done.err.lower(), (done.status, done.err)
            assert utc(world.show('hello')['expires_at']) == deadline
        with tap.part('a daemon killed and started on the full disk takes up what runs'):
            world.kill_daemon()
            fill(filler)
            world.start_daemon()
            assert utc(world.show('hello')['expires_at']) == deadline
        with tap.part('what runs ends at its deadline all the same'):
            wait_for('no guest', deadline - time.time() + 5, lambda: not world.guests())
            assert time.time() > deadline - 1
            d = world.wait_over('hello', 5 * PATIENCE)
            assert d['state'] == 'gone' and d['end_reason'] == 'deadline', d
        with tap.part('with room again, a deploy works'):
            os.unlink(filler)
            world.cli('local', HELLO, '--ttl', '1m', '--name', 'again')
            world.cli('rm', 'again')
        with tap.part('and the reserve is back with the next start'):
            world.stop_daemon()
            world.start_daemon()
            assert os.stat(os.path.join(world.state, 'reserve')).st_size == 1 << 20
        world.stop_daemon()
        subprocess.run(['umount', world.state], check=True)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
