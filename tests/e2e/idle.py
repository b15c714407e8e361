# SPDX-License-Identifier: ISC
"""A daemon that has nothing to do sleeps: in a span a little longer than a sweep's round nobody
but the sweeper is woken, in the daemon or in its public process."""
import sys

from mirage import PATIENCE, Tap, World, need_programs
from wakeups import settle, woken

SPAN_S = 65  # the sweep has a round a minute, everything slower than this does not count
ROUNDS = 2   # that the span may touch
WAITS = 2    # for each: for its time to come, and once for a lock or a page


def idle(tap):
    with World() as world:
        world.start_unasked()
        pids = [world.daemon.pid, *world.children('mirage-public')]
        with tap.part('with nothing deployed only the sweep wakes, once a minute'):
            assert len(pids) == 2, pids
            settle(pids, 5, 60 * PATIENCE)
            found = woken(pids, SPAN_S)
            print(f'# woken in {SPAN_S} s: {found}')
            assert len(found) <= 1, found
            assert sum(found.values()) <= ROUNDS * WAITS, found
        with tap.part('and it is there at once when it is asked'):
            assert world.cli('ps', '--json').json()['deployments'] == []
            assert world.stop_daemon() == 0


def main():
    need_programs('mirage-deployd', 'mirage-public')
    tap = Tap()
    idle(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
