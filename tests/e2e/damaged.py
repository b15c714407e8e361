# SPDX-License-Identifier: ISC
"""One bit of state.db flips while the daemon is away: the next start, and no later one, says so,
keeps the file, and has taken up what runs, with its deadline, from the provider's tags."""
import os
import sys

from mirage import PATIENCE, Tap, World, need_programs, program, wait_for

HELLO = program('hello.elf')


def flip(path):
    """A digit of the deadline in hello's record: nothing that SQLite would see."""
    with open(path, 'r+b') as f:
        data = f.read()
        at = data.rindex(b'"deadline_s":') + len(b'"deadline_s":') + 2
        f.seek(at)
        f.write(bytes([data[at] ^ 1]))
    return data


def kept_in(world):
    return [name for name in os.listdir(world.state)
            if name.startswith('state.db.broken-') and not name.endswith('-wal')]


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-keeper', 'mirage-image', 'hello.elf')
    tap = Tap()
    with World() as world:
        world.start_daemon()
        world.cli('local', HELLO, '--ttl', '3m', '--name', 'hello')
        before = world.show('hello')
        world.stop_daemon()
        path = os.path.join(world.state, 'state.db')
        whole = flip(path)
        with tap.part('the next start says that it is damaged and keeps it'):
            world.start_daemon()
            log = world.daemon_log()
            assert 'the database is damaged' in log and 'state.db.broken-' in log, log
            kept = kept_in(world)
            assert len(kept) == 1, kept
            with open(os.path.join(world.state, kept[0]), 'rb') as f:
                differ = [i for i, (a, b) in enumerate(zip(f.read(), whole)) if a != b]
            assert len(differ) == 1, differ
        with tap.part('and has taken up what runs, with its deadline'):
            after = world.show('hello')
            for key in ('id', 'name', 'provider', 'expires_at', 'ports'):
                assert after[key] == before[key], (key, after)
            wait_for('it is live again', 20 * PATIENCE, lambda: world.state_of('hello') == 'live')
        with tap.part('the audit log tells'):
            rows = world.cli('api', 'GET', '/v1/audit').json()['audit']
            assert any(row['what'] == 'rebuild' and kept[0] in row['detail'] for row in rows), rows
        with tap.part('it can be ended, and a later start finds nothing wrong'):
            world.cli('rm', 'hello')
            assert not world.guests()
            world.stop_daemon()
            world.start_daemon()
            assert kept_in(world) == kept
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
