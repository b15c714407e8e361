# SPDX-License-Identifier: ISC
"""What goes wrong in front of the keyboard: one clear message that names the thing and the way out,
the right exit code, and nothing left running."""
import os
import shutil
import signal
import socket
import sys

from mirage import PATIENCE, Tap, World, need_programs, program, utc, wait_for

HELLO = program('hello.elf')


def files(world):
    """Kernels that are none, by name."""
    with open(HELLO, 'rb') as f:
        hello = f.read()
    made = {
        'empty': b'',
        'cut': hello[:100],
        'half': hello[:len(hello) // 2],
        'text': b'this is not a kernel\n' * 100,
        'arm': hello[:18] + b'\x28\x00' + hello[20:],  # e_machine of ARM
        'bomb.gz': b'\x1f\x8b\x08\x00' + b'\0' * 20,
    }
    for name, data in made.items():
        with open(os.path.join(world.dir, name), 'wb') as f:
            f.write(data)


# (what it is, arguments with @ for the directory of files, exit codes allowed, words of the message)
ROWS = [
    ('no such kernel', 'local @/absent --ttl 5m', (2, 3), ('absent',)),
    ('an empty kernel', 'local @/empty --ttl 5m', (2, 5), ('empty',)),
    ('a kernel cut short', 'local @/cut --ttl 5m', (2, 5), ()),
    ('half a kernel', 'local @/half --ttl 5m', (2, 5), ()),
    ('a text', 'local @/text --ttl 5m', (2, 5), ()),
    ('a kernel for another machine', 'local @/arm --ttl 5m', (5,), ('processor',)),
    ('a damaged archive', 'local @/bomb.gz --ttl 5m', (2, 5), ()),
    ('a directory', 'local @ --ttl 5m', (2, 3, 5), ('directory',)),
    ('an option that is none', 'local HELLO --tttl 5m', (2,), ('--tttl', '--ttl')),
    ('a command that is none', 'shwo hello', (2,), ('shwo', 'show')),
    ('an impossible duration', 'local HELLO --ttl banana', (2,), ('banana',)),
    ('no time at all', 'local HELLO --ttl 0s', (2,), ('0s',)),
    ('a TTL above the policy', 'local HELLO --ttl 3000d', (5,), ('--ttl',)),
    ('an impossible name', 'local HELLO --ttl 5m --name A_B', (2,), ('A_B',)),
    ('an impossible port', 'local HELLO --ttl 5m -p 99999:80', (2,), ('99999',)),
    ('a port in use', 'local HELLO --ttl 5m -p BUSY:80', (6,), ('BUSY',)),
    ('no kernel', 'local', (2,), ('KERNEL',)),
    ('a deadline that has passed', 'local HELLO --until 2020-01-01T00:00:00Z', (2, 5), ('passed',)),
    ('an unknown deployment', 'extend nobody 5m', (3,), ('nobody',)),
    ('an unknown field', 'api POST /v1/deployments --data {"ttll":"1h"}', (2,), ('ttll',)),
]


def table(tap, world):
    with socket.socket() as busy:
        busy.bind(('127.0.0.1', 0))
        busy.listen()
        port = str(busy.getsockname()[1])
        for name, text, allowed, words in ROWS:
            args = [word.replace('@', world.dir).replace('HELLO', HELLO).replace('BUSY', port)
                    for word in text.split()]
            with tap.part(name):
                done = world.cli(*args, expect=None)
                assert done.status in allowed, (done.status, done.out, done.err)
                said = done.err + done.out
                for word in words:
                    assert word.replace('BUSY', port) in said, (word, said)
                assert len(done.err.splitlines()) <= 12, done.err
                assert not world.cli('ps', '--json').json()['deployments']
                assert not world.guests(), f'left behind: {world.guests()}'


def interrupted(tap, world):
    with tap.part('Ctrl-C says what keeps running, and until when'):
        child = world.start('local', HELLO, '--ttl', '3m', '--name', 'stopped')
        wait_for('the deployment is known', 15 * PATIENCE, lambda: world.state_of('stopped'))
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=20 * PATIENCE)
        assert child.returncode == 130, (child.returncode, err)
        d = world.show('stopped')
        assert 'stopped' in err and utc(d['expires_at']) > 0, err
        assert d['expires_at'][11:16] in err or d['expires_at'] in err, err
        world.cli('rm', 'stopped')
        assert not world.guests()


def no_daemon(tap):
    with World() as world, tap.part('no daemon: said, with the fix'):
        done = world.cli('api', 'GET', '/v1/version', expect=8)
        assert 'daemon' in done.err, done.err
    with World() as world, tap.part('a state directory that cannot be written'):
        done = world.cli('daemon', 'run', expect=None, timeout=20,
                         MIRAGE_DEPLOY_STATE='/proc/mirage-deploy')
        assert done.status not in (0, None) and '/proc/mirage-deploy' in done.err, done.err


def no_qemu(tap):
    with World() as world, tap.part('no QEMU: said, with the package that has it'):
        tools = os.path.join(world.dir, 'bin')
        os.mkdir(tools)
        for name in ('sh', 'cat'):
            os.symlink(shutil.which(name), os.path.join(tools, name))
        world.env['PATH'] = tools
        world.start_daemon()
        done = world.cli('local', HELLO, '--ttl', '5m', expect=None)
        assert done.status not in (0, None), done.out
        assert 'qemu' in done.err.lower() and 'apt' in done.err, done.err
        assert not world.cli('ps', '--json').json()['deployments']


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-keeper', 'mirage-image', 'hello.elf')
    tap = Tap()
    with World() as world:
        with tap.part('the daemon starts'):
            world.start_daemon()
        files(world)
        table(tap, world)
        interrupted(tap, world)
    no_daemon(tap)
    no_qemu(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
