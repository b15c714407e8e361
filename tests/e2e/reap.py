# SPDX-License-Identifier: ISC
"""The hooks that need no daemon and no database: `orphans` and `reap` end what is past its deadline
and nothing else, alone, twice at once and beside the daemon. And the database deleted: everything
that runs is there again, with its deadline."""
import contextlib
import fcntl
import hmac
import json
import os
import signal
import struct
import subprocess
import sys
import time

from mirage import PATIENCE, Tap, World, need_programs, program, utc, wait_for

HELLO = program('hello.elf')


def reap(world, *args, expect=0):
    """mirage-reap itself, for what the command line does not let through (no grace at all)."""
    done = subprocess.run([program('mirage-reap'), 'local', '--json', *args], env=world.env,
                          capture_output=True, text=True, check=False)
    assert done.returncode == expect, (done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout)


def names(document):
    return sorted(row['name'] for row in document['orphans'])


def keeper_of(world, deployment):
    path = os.path.join(world.state, 'local', deployment['id'], 'status.json')
    with open(path, encoding='utf-8') as f:
        return json.load(f)['keeper']['pid']


def alive(world, deployment):
    """A guest with that name in its arguments runs."""
    return any(deployment['name'] in text for text in commands(world))


def commands(world):
    for pid in world.processes('qemu-system'):
        with contextlib.suppress(OSError):
            with open(f'/proc/{pid}/cmdline', encoding='utf-8', errors='replace') as f:
                yield f.read()


def deploy(world, name, ttl):
    world.cli('local', HELLO, '--ttl', ttl, '--name', name)
    return world.show(name)


def daemon_gone(tap, world):
    with tap.part('without an identity nothing is recognised, and nothing is made'):
        done = world.cli('reap', 'local', '--json', expect=3)
        assert 'identity' in done.json()['error']['detail'], done.out
        assert not os.path.exists(os.path.join(world.state, 'identity'))
    world.start_daemon()
    kept, longer = deploy(world, 'kept', '10m'), deploy(world, 'longer', '15s')
    world.cli('extend', 'longer', '10m')
    late = deploy(world, 'late', '15s')
    world.kill_daemon()
    os.kill(keeper_of(world, late), signal.SIGSTOP)  # nobody is left to end it
    time.sleep(max(0, utc(late['expires_at']) - time.time() + 1.2))
    with tap.part('orphans lists what is past its deadline, and ends nothing'):
        done = world.cli('orphans', 'local', '--grace', '1s', '--json')
        assert names(done.json()) == ['late'] and done.json()['kept'] == 2, done.out
        table = world.cli('orphans', 'local', '--grace', '1s')
        assert 'late' in table.out and 'kept' not in table.out, table.out
        assert 'left alone: 2 within the lease' in table.err, table.err
        assert world.cli('orphans', 'local', '--grace', '5m', '--json').json()['orphans'] == []
        assert alive(world, late)
    with tap.part('the things of another installation are not touched'):
        identity = os.path.join(world.state, 'identity')
        with open(identity, encoding='utf-8') as f:
            ours = f.read()
        other = json.loads(ours)
        other['tag_key'] = other['tag_key'][::-1]
        with open(identity, 'w', encoding='utf-8') as f:
            json.dump(other, f)
        found = reap(world, '--grace', '0')
        with open(identity, 'w', encoding='utf-8') as f:
            f.write(ours)
        assert found['orphans'] == [] and found['foreign'] == 3, found
        assert alive(world, late)
    with tap.part('reap, twice at once, ends it, and what was extended lives on'):
        both = [world.start('reap', 'local', '--grace', '1s', '--json') for _ in range(2)]
        done = [(child.communicate(timeout=60), child.returncode) for child in both]
        assert [status for _, status in done] == [0, 0], done
        assert any(names(json.loads(out)) == ['late'] for (out, _), _ in done), done
        rows = [row for (out, _), _ in done for row in json.loads(out)['orphans']]
        receipts(late, [row['receipt'] for row in rows if row['outcome'] == 'ended'])
        assert not alive(world, late) and alive(world, kept) and alive(world, longer)
        assert reap(world, '--grace', '0')['orphans'] == []
    with tap.part('what cannot be ended is named, with exit code 9'):
        stuck = os.path.join(world.state, 'local', kept['id'], 'lock')
        found = end_by_force_and_hold(world, kept, stuck)
        assert found['error']['code'] == 'partial' and kept['id'] in found['error']['detail'], found
        assert names(found) == ['kept'], found
    return longer


def receipts(deployment, given):
    """Without a daemon, whoever ended it says what there was and which questions found it gone."""
    assert given
    for receipt in given:
        objects = {(o['kind'], o['id'].split()[0]) for o in receipt['objects']}
        assert ('instance', deployment['id']) in objects, objects
        assert ('directory', f'local/{deployment["id"]}') in objects, objects
        assert ('process', 'guest') in objects, objects
        sent, accepted = utc(receipt['delete_sent_at']), utc(receipt['delete_accepted_at'])
        assert utc(deployment['expires_at']) < sent <= accepted, receipt
        asked = {e['call']: e for e in receipt['evidence']}
        assert asked['get']['answer'] == 'absent' and asked['listing']['answer'] == 'not in it'
        assert accepted <= utc(asked['listing']['asked_at']) <= utc(asked['get']['asked_at'])
        assert asked['listing']['listed'] >= 2, receipt  # what lives on is in it


def end_by_force_and_hold(world, deployment, lock):
    """Its processes are dead, and yet somebody holds its lock: it cannot be told gone."""
    os.kill(keeper_of(world, deployment), signal.SIGKILL)
    wait_for('the guest is dead', 10 * PATIENCE, lambda: not alive(world, deployment))
    sign_over(world, deployment)
    with open(lock, 'r+', encoding='utf-8') as f:
        whole = struct.pack('hhqqi4x', fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        wait_for('the lock', 5, lambda: took(f, whole))
        return reap(world, '--grace', '0', expect=9)


def took(file, whole):
    with contextlib.suppress(BlockingIOError):
        fcntl.fcntl(file.fileno(), fcntl.F_OFD_SETLK, whole)
        return True
    return False


def sign_over(world, deployment):
    """Tags of ours that say that its deadline is past."""
    with open(os.path.join(world.state, 'identity'), encoding='utf-8') as f:
        identity = json.load(f)
    path = os.path.join(world.state, 'local', deployment['id'], 'status.json')
    with open(path, encoding='utf-8') as f:
        status = json.load(f)
    text = f'{identity["installation"]}\n{deployment["id"]}\n1000000000\n'
    status['expires_s'] = 1000000000
    status['signature'] = hmac.new(bytes.fromhex(identity['tag_key']), text.encode(),
                                   'sha256').hexdigest()
    with open(path, 'w', encoding='utf-8') as f:
        json.dump(status, f)


def beside_the_daemon(tap, world):
    with tap.part('reap beside the daemon: it ends in time, whoever was first'):
        world.start_daemon()
        short = deploy(world, 'short', '10s')
        while time.time() < utc(short['expires_at']) + 1:
            reap(world, '--grace', '0')
            time.sleep(0.3)
        d = world.wait_over('short', 10 * PATIENCE)
        assert d['state'] == 'gone' and not alive(world, short), d


def database_lost(tap, world, longer):
    soon = deploy(world, 'soon', '25s')
    before = {row['name']: row for row in world.cli('ps', '--json').json()['deployments']}
    world.kill_daemon()
    for name in os.listdir(world.state):
        if name.startswith('state.db'):
            os.unlink(os.path.join(world.state, name))
    with tap.part('the database deleted: ps shows what runs, with the same deadlines'):
        world.start_daemon()
        after = {row['name']: row for row in world.cli('ps', '--json').json()['deployments']}
        assert {'longer', 'soon'} <= set(after), after
        for name, row in after.items():
            for key in ('id', 'provider', 'expires_at'):
                assert row[key] == before[name][key], (name, key, row)
        assert after['longer']['expires_at'] != longer['expires_at'], 'the extension is lost'
        wait_for('both are live', 20 * PATIENCE,
                 lambda: all(world.state_of(name) == 'live' for name in ('longer', 'soon')))
        d = world.show('soon')
        assert d['url'] == soon['url'] and d['ports'] == soon['ports'], d
        assert any("rebuilt from the provider's tags" in event['text'] for event in d['events']), d
    with tap.part('they end in time, and can be removed'):
        world.cli('rm', 'longer')
        assert not alive(world, longer)
        d = world.wait_over('soon', utc(soon['expires_at']) - time.time() + 10 * PATIENCE)
        assert d['state'] == 'gone' and d['end_reason'] == 'deadline', d
        assert not world.guests(), world.guests()


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-keeper', 'mirage-reap', 'hello.elf')
    tap = Tap()
    with World() as world:
        os.makedirs(world.state, mode=0o700)
        longer = daemon_gone(tap, world)
        beside_the_daemon(tap, world)
        database_lost(tap, world, longer)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
