# SPDX-License-Identifier: ISC
"""Bad input, with the real daemon: each gets one clear sentence with the fix and the right exit
code, and nothing is left running. And what an interruption at any moment leaves behind."""
import gzip
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

import kernels
from mirage import PATIENCE, Tap, World, as_somebody_else, need_programs, program

HELLO = program('hello.elf')


def write(world, name, data):
    path = os.path.join(world.dir, name)
    with open(path, 'wb') as f:
        f.write(data)
    return path


def hello_bytes():
    with open(HELLO, 'rb') as f:
        return f.read()


def elf_for(machine, bits=2):
    """An ELF header for another machine, with one loadable segment."""
    head = struct.pack('<16sHHIQQQIHHHHHH', b'\x7fELF' + bytes([bits, 1, 1]), 2, machine, 1,
                       0x100000, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return (head + struct.pack('<IIQQQQQQ', 1, 5, 0, 0x100000, 0x100000, 120, 4096, 4096)).ljust(
        4096, b'\0')


def refused(world, status, words, *args, **env):
    """One sentence, one line with the fix, nothing on standard output; --json says the same."""
    done = world.cli(*args, expect=status, **env)
    lines = [line for line in done.err.splitlines() if line.startswith('mirage-deploy: ')]
    assert not done.out and len(lines) == 1, (done.out, done.err)
    fix = done.err.splitlines()[-1]
    assert fix.startswith('  ') and len(fix.strip()) > 10, done.err
    for word in words:
        assert word in done.err, (word, done.err)
    # Separate from the command: kernel arguments may stand at its end.
    error = json.loads(world.cli('--json', *args, expect=status, **env).out)['error']
    assert error['exit_code'] == status and error['detail'] in lines[0], error
    return done


def daemon_was_started(world):
    """A daemon that was started on demand has a log; /proc shows it to its user only at times."""
    return os.path.exists(os.path.join(world.state, 'daemon.log'))


def nothing_left(world):
    assert not world.guests(), f'left behind: {world.guests()}'
    assert not world.cli('ps', '--json').json()['deployments']


def bad_kernels(tap, world):
    whole = hello_bytes()
    rows = [
        ('a kernel that is not there', 3, ['nowhere.elf'], lambda: world.dir + '/nowhere.elf'),
        ('a directory', 2, [], lambda: world.dir),
        ('an empty kernel', 2, ['empty'], lambda: write(world, 'empty.elf', b'')),
        ('a kernel cut off in its head', 2, [], lambda: write(world, 'head.elf', whole[:40])),
        ('a kernel cut off in the middle', 2, [],
         lambda: write(world, 'cut.elf', whole[:len(whole) // 3])),
        ('a packed kernel cut off', 2, [],
         lambda: write(world, 'cut.elf.gz', gzip.compress(whole)[:-900])),
        ('a kernel for another machine', 5, ['cannot boot on local'],
         lambda: write(world, 'arm.elf', elf_for(183))),
        ('a file that is no kernel', 5, ['cannot boot on local'],
         lambda: write(world, 'text.txt', b'hello, I am a text\n' * 50)),
    ]
    for name, status, words, make in rows:
        with tap.part(name):
            path = make()
            refused(world, status, [*words, os.path.basename(path)], 'local', path)
            assert not daemon_was_started(world), 'it was refused only after the start'
            refused(world, status if status != 5 else 5, words[:1], 'plan', 'local', path)
    with tap.part('inspect tells of another machine without refusing'):
        d = world.cli('inspect', write(world, 'arm.elf', elf_for(183)), '--json').json()
        assert d['boots']['local']['verdict'] == 'cannot' and d['boots']['local']['why'], d


def anyway(tap, world):
    with tap.part('--anyway helps where there is a way to try, and is offered only there'):
        mute = write(world, 'mute.elf', kernels.solo5_xen())
        refused(world, 5, ['cannot boot on local', '--anyway'], 'local', mute)
        arm = write(world, 'arm.elf', elf_for(183))
        assert '--anyway' not in world.cli('local', arm, expect=5).err
        refused(world, 5, ['cannot boot on local'], 'local', arm, '--anyway')
        world.cli('local', mute, '--anyway', '--detach', '--ttl', '1m', '--name', 'mute')
        world.cli('rm', 'mute')


def words_and_numbers(tap, world):
    rows = [
        ('an unknown option', 2, ['--tll', 'did you mean --ttl'], ('local', HELLO, '--tll', '1h')),
        ('an unknown command', 2, ['did you mean'], ('locla', HELLO)),
        ('a provider that is not built in', 2, ["no provider 'rackspace'"], ('rackspace', HELLO)),
        ('no kernel and nobody to ask', 2, ['KERNEL', 'MIRAGE_DEPLOY_KERNEL'], ('local',)),
        ('an impossible duration', 2, ['--ttl', 'soon'], ('local', HELLO, '--ttl', 'soon')),
        ('a duration of nothing', 2, ['--ttl'], ('local', HELLO, '--ttl', '0s')),
        ('a negative duration', 2, ['--ttl'], ('local', HELLO, '--ttl', '-5m')),
        ('the permissions of no provider', 2, ['needs a provider'], ('doctor', '--print-policy')),
        ('an impossible time', 2, ['--until'], ('local', HELLO, '--until', 'tomorrow')),
        ('both ttl and until', 2, ['--ttl', '--until'],
         ('local', HELLO, '--ttl', '1h', '--until', '2036-01-01T00:00:00Z')),
        ('an impossible name', 2, ['--name'], ('local', HELLO, '--name', 'Not A Name')),
        ('an impossible port', 2, ['--publish'], ('local', HELLO, '-p', '99999:80')),
        ('an impossible size', 2, ['--memory'], ('local', HELLO, '--memory', 'lots')),
        ('an impossible URL', 2, ['--url'], ('local', HELLO, '--url', 'localhost')),
        ('an impossible region', 2, ['--region'], ('local', HELLO, '--region', 'eu/../x')),
        ('an impossible type', 2, ['--type'], ('local', HELLO, '--type', 't3;nano')),
        ('an impossible port to open', 2, ['--open'], ('local', HELLO, '--open', '80:80')),
        ('a budget that is no amount', 2, ['--budget', '2.50'],
         ('local', HELLO, '--budget', 'lots')),
        ('a budget of nothing', 2, ['--budget'], ('local', HELLO, '--budget', '0')),
        ('a kernel argument in the wrong place', 2, ['-- '], ('local', HELLO, 'hello=world')),
    ]
    for name, status, words, args in rows:
        with tap.part(name):
            refused(world, status, words, *args)
    with tap.part('a bad value in the environment names the variable'):
        refused(world, 2, ['MIRAGE_DEPLOY_TTL'], 'local', HELLO, MIRAGE_DEPLOY_TTL='never')
    with tap.part('a bad value in the configuration names file and line'):
        path = write(world, 'config', b'\n[local]\nttl = never\n')
        refused(world, 2, [path + ':3'], 'local', HELLO, MIRAGE_DEPLOY_CONFIG=path)
    with tap.part('a configuration that cannot be read names file and line'):
        path = write(world, 'broken', b'ttl\n')
        refused(world, 2, [path + ':1'], 'local', HELLO, MIRAGE_DEPLOY_CONFIG=path)
    with tap.part('nothing of all that started a daemon'):
        assert not daemon_was_started(world)


def places(tap, world):
    with tap.part('the daemon is not running: exit code 8 and how to start it'):
        for args in (('ps',), ('show', 'x'), ('rm', 'x'), ('extend', 'x', '1h'), ('logs', 'x'),
                     ('sites',), ('daemon', 'status'), ('daemon', 'stop')):
            refused(world, 8, ['not running', 'mirage-deploy daemon start'], *args)
    with tap.part('a state directory that cannot be made'):
        path = write(world, 'file', b'')
        refused(world, 1, [path, '--state'], 'local', HELLO, '--state', path + '/state')
    with tap.part('a state directory that is closed to us'), as_somebody_else() as run:
        os.chmod(world.dir, 0o755)
        closed = os.path.join(world.dir, 'closed')
        os.mkdir(closed, 0o700)
        hello = os.path.join(world.dir, 'hello-for-all.elf')
        shutil.copy(HELLO, hello)
        os.chmod(hello, 0o644)
        done = run('mirage-deploy', 'local', hello, '--state', closed + '/state',
                   env={**world.env, 'HOME': '/'})
        assert done.returncode == 5 and '--state' in done.stderr, done
        assert 'permission' in done.stderr.lower(), done
    with tap.part('a daemon that cannot start: its own reason comes through'):
        path = os.path.join(world.dir, 'strange')
        os.makedirs(os.path.join(path, 'state.db'))
        done = world.cli('local', HELLO, '--state', path, '--detach', expect=None)
        if done.status == 0:
            world.cli('rm', 'hello', '--state', path)
            world.cli('daemon', 'stop', '--state', path)
            raise AssertionError('it started')
        assert 'state.db' in done.err, done.err
        assert done.err.count('mirage-deploy: ') == 1 and len(done.err.splitlines()) >= 2, done.err


def policy(tap, world):
    with tap.part('a deadline above the policy'):
        refused(world, 5, ['lease'], 'local', HELLO, '--ttl', '3650d')
    with tap.part('a deadline below the policy'):
        refused(world, 5, ['lease'], 'local', HELLO, '--ttl', '1s')
    with tap.part('a deadline that has passed'):
        done = world.cli('local', HELLO, '--until', '2020-01-01T00:00:00Z', expect=None)
        assert done.status in (2, 5) and done.err.count('mirage-deploy: ') == 1, done.err
    with tap.part('more memory than there may be'):
        done = world.cli('local', HELLO, '--memory', '900G', expect=None)
        assert done.status in (2, 5) and 'memory' in done.err, done.err
    with tap.part('what is for clouds is not for this machine'):
        for option in (('--region', 'eu-central-1'), ('--type', 't3.nano'), ('--spot',),
                       ('--ipv6-only',), ('--keep-address',), ('--open', '8080')):
            for command in (['local'], ['plan', 'local'], ['local', '--dry-run']):
                refused(world, 2, [f'{option[0]} is not for local', 'leave it away'], *command,
                        HELLO, *option)
    with tap.part('unless it only waits there for the clouds'):
        path = write(world, 'clouds', b'region = eu-central-1\nkeep-address = yes\n')
        plan = world.cli('plan', 'local', HELLO, '--json', MIRAGE_DEPLOY_CONFIG=path,
                         MIRAGE_DEPLOY_SPOT='yes', MIRAGE_DEPLOY_OPEN='80,443',
                         MIRAGE_DEPLOY_BUDGET='2.50').json()
        assert plan['place'] == {'budget': '2.50'}, plan
        assert plan['cost']['budget_micro'] == 2500000 and plan['cost']['worst_micro'] == 0, plan
    with tap.part('an unknown part of a place is refused by name'):
        body = json.dumps({'provider': 'local', 'kernel': 'a' * 64, 'place': {'regoin': 'x'}})
        done = world.cli('api', 'POST', '/v1/plans', '--data', body, expect=2)
        assert 'regoin' in done.err and 'region' in done.err, done.err
    with tap.part('a port that is in use'):
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            s.listen()
            port = s.getsockname()[1]
            refused(world, 6, [str(port)], 'local', HELLO, '-p', f'{port}:80')
    with tap.part('a name that is taken'):
        world.cli('local', HELLO, '--name', 'taken', '--ttl', '5m')
        refused(world, 6, ["'taken'", '--name'], 'local', HELLO, '--name', 'taken')
        world.cli('rm', 'taken')
    with tap.part('nothing is left of all that'):
        nothing_left(world)


def no_qemu(tap):
    empty = os.path.dirname(program('mirage-deploy'))
    with World() as world, tap.part('QEMU is missing'):
        world.env['PATH'] = empty
        done = refused(world, 8, ['qemu'], 'local', HELLO, '--name', 'noqemu')
        assert 'install' in done.err, done.err
        nothing_left(world)
        done = world.cli('doctor', '--json', expect=1)
        assert any('qemu' in c['name'].lower() and c['level'] == 'FAIL'
                   for c in done.json()['checks']), done.out
        world.cli('daemon', 'stop')


def interruptions(tap, world):
    """A signal at ever later moments: what is said has to be true."""
    with tap.part('Ctrl-C at any moment: what is said is true'):
        said = {'nothing': 0, 'running': 0, 'late': 0}
        for i in range(14):
            name = f'moment-{i}'
            child = world.start('local', HELLO, '--name', name, '--ttl', '2m', '--json')
            time.sleep((0.005 + 0.03 * i) * PATIENCE)
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=60)
            alive = name in [d['name'] for d in world.cli('ps', '--json').json()['deployments']]
            if child.returncode == 0:
                said['late'] += 1
                assert alive, (i, err)
            elif child.returncode == -signal.SIGINT:
                assert not alive, 'killed before its first line, yet something was deployed'
            elif 'nothing was' in err:
                assert child.returncode == 130 and not alive, (i, err)
                said['nothing'] += 1
            else:
                assert child.returncode == 130 and alive, (i, child.returncode, err, out)
                d = world.show(name)
                assert d['expires_at'] in err and f'mirage-deploy rm {name}' in err, err
                assert json.loads(out)['error']['code'] == 'interrupted', out
                said['running'] += 1
            if alive:
                world.cli('rm', name)
        print(f'# {said}')
        assert said['running'] or said['late'], said
        nothing_left(world)
    with tap.part('Ctrl-C while rm waits: it goes on to gone'):
        world.cli('local', HELLO, '--name', 'ending', '--ttl', '5m')
        child = world.start('rm', 'ending')
        time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=30)
        if child.returncode == 130:
            world.cli('wait', 'ending', '--for', 'gone', '--timeout', '20s', expect=None)
        world.cli('rm', 'ending')
        nothing_left(world)


def races(tap):
    with World() as world, tap.part('eight command lines start one daemon between them'):
        children = [world.start('local', HELLO, '--ttl', '5m', '--name', f'race-{i}', '--detach')
                    for i in range(8)]
        for child in children:
            out, err = child.communicate(timeout=120)
            assert child.returncode == 0, (out, err)
        with open(os.path.join(world.state, 'daemon.log'), encoding='utf-8') as f:
            assert f.read().count(' serves ') == 1
        names = {d['name'] for d in world.cli('ps', '--json').json()['deployments']}
        assert names == {f'race-{i}' for i in range(8)}, names
        world.cli('rm', *sorted(names))
        nothing_left(world)
        world.cli('daemon', 'stop')
        refused(world, 8, ['not running'], 'ps')


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-keeper', 'mirage-image', 'hello.elf')
    tap = Tap()
    with World() as world:
        bad_kernels(tap, world)
        words_and_numbers(tap, world)
        places(tap, world)
        with tap.part('the daemon starts'):
            world.start_daemon()
        anyway(tap, world)
        policy(tap, world)
        interruptions(tap, world)
    no_qemu(tap)
    races(tap)
    return tap.end()


if __name__ == '__main__':
    os.umask(0o077)
    sys.exit(main())
