#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Kill the real daemon, its keepers and its helper at every fault point and at random, start the
daemon again, let time pass, and ask the ledger (what really runs) whether the promise was kept.

  (nothing)               every named point in every mode, every call killed and a third of them
                          failed (another third each day), --memory allocations that fail, --pairs
                          pairs (killed, and killed again while recovering), a stop, --kills kills
                          at random
  --check                 every named point killed, a stop, a few kills at random
  --points calls --modes fail-before     one set of them
  --case kill:store.commit#3             one case again, as a failure prints it
  --random 1000 --from 3000 --seed 7     kills 3000 to 3999 of the endless row that this seed has:
                                         pieces of a long run, in any order, on any machine

Speaks TAP. The points are counted in one run without a fault; a case names its point by name and
number under that name, since threads move the plain numbers. How a case is written: plan.py."""
import argparse
import collections
import concurrent.futures
import hashlib
import os
import random
import signal
import sys
import time
import traceback

from ledger import LEDGERS
from meddle import LIBRARY
from mirage import PATIENCE, Tap, need_programs, skip_all
from plan import CALL, KEEPER, MODES, Plan
from victim import Victim

POLLED_MAX = 4   # of a point that is passed again and again while nothing happens
# Passed once for each durable change: all of them count.
ALWAYS = ('store.', 'kernel.', 'file.')
SHARE = 3        # where all is run: one failing call of so many
PAIR_TRIES = 6   # draws until one comes to both its points
BLOCK = 50       # kills at random in one world: what can be repeated by itself
KILL_S = (0.2, 0.2, 0.2, 0.6)  # a daemon is killed at random within one of these
STREAMS = ('send', 'recv', 'connect', 'accept')
ROLES = ('daemon', 'keeper', 'image')
NO_MEMORY = CALL + 'fail-before:daemon.malloc'


def digest(data):
    return hashlib.sha256(data).hexdigest()


def journey(victim):
    """The provider's kernel: deployed, live, extended, at its deadline; beside it one that is
    removed. True when it was seen live."""
    ledger, kernel = victim.ledger, victim.ledger.kernel()
    victim.upload(digest(kernel), kernel)
    lease = victim.deploy('hello', digest(kernel), ledger.TTL_S)
    lived = victim.wait_state(lease, (ledger.BEST,), ledger.STEP_S / 2) == ledger.BEST
    victim.extend(lease, ledger.LONGER_S)
    other = victim.deploy('removed', digest(kernel), 2 * ledger.TTL_S)
    victim.wait_state(other, ('running', 'live'), ledger.STEP_S / 4)
    victim.remove(other)
    victim.wait_over(other)
    victim.wait_over(lease)
    return lived


class Torture:
    """One way to torture one provider, as the arguments say."""

    def __init__(self, args):
        self.args = args
        self.ledger = LEDGERS[args.provider]
        self.kills = self.lived = self.missed = self.anew = 0
        self.failures = []
        self.recovered = {}  # {fault: what was passed between it and the end}

    def victim(self, fault=None, seed=None):
        return Victim(self.ledger, fault, self.args.seed if seed is None else seed)

    def guarded(self, victim, work, replay):
        """Run it; what is broken, with the way to repeat it."""
        try:
            result = work(victim)
            victim.last_words()
        except Exception:
            result = None
            victim.checker.fault(traceback.format_exc())
        if victim.checker.broken:
            self.failures.append((replay, list(victim.checker.broken),
                                  victim.daemon_log().splitlines()[-self.args.log:]))
        return result

    # --- points ---

    def count(self):
        """{name: how often} of one journey without a fault, by name and by call."""
        with self.victim() as victim:
            lived = self.guarded(victim, journey, '--check')
            assert lived or self.failures, f'it does not get to "{self.ledger.BEST}" by itself'
            return victim.counted(), victim.calls()

    def numbers(self, kind, words, times):
        """Which of so many passages of a point count."""
        if kind == CALL and words[1] in STREAMS:
            step = max(1, times // self.args.streams) if self.args.spread else 1
            return range(1, times + 1, step)[:self.args.streams]
        most = times
        if words[-2:] == ['console', 'log']:
            most = min(times, self.args.streams)
        elif kind != CALL and not '.'.join(words).startswith(ALWAYS):
            most = min(times, POLLED_MAX)
        return range(1, most + 1)

    def cases(self, points, modes):
        """Every point of this count in each of the modes."""
        found = []
        for name, times in sorted(points.items()):
            kind = next((k for k in (KEEPER, CALL) if name.startswith(k)), '')
            plain = name.removeprefix(kind)
            words = plain.split('.')
            role = words[0] if kind == CALL else ''
            if role and role not in ROLES:
                continue
            # A helper that hangs is ended after half a minute of real time: tests/unit has that.
            usable = [m for m in modes if not (m == 'hang' and role == 'image')]
            found += [f'{kind}{mode}:{plain}#{k}' for k in self.numbers(kind, words, times)
                      for mode in usable]
        return found

    def memory(self, how_many):
        """So many of the daemon's allocations, at random: each of them fails once. None where the
        allocator is a sanitizer's."""
        dice = random.Random(self.args.seed)
        with self.victim(f'{NO_MEMORY}#{1 << 31}') as victim:
            self.guarded(victim, journey, '--points memory')
            most = victim.time.planned()
        print(f'# {most} allocations of the daemon in a journey')
        return [f'{NO_MEMORY}#{dice.randint(1, most)}' for _ in range(how_many if most else 0)]

    def pair(self, cases, number):
        """Killed, and killed again while recovering from that: the second point is one that was
        passed when this very recovery was recorded. A draw that misses is no case."""
        dice = random.Random(f'{self.args.seed} {number}')
        for _ in range(PAIR_TRIES):
            first = dice.choice(cases)
            if first not in self.recovered:
                self.case(first, counts=False)
            again = self.cases(self.recovered.get(first, {}), ('kill',))
            fault = f'{first}+{dice.choice(again)}' if again else f'{first}, not reached'
            if again and self.case(fault, counts=False):
                return
            self.anew += 1
            print(f'# drawn anew: {fault}')
        self.missed += 1

    def case(self, fault, counts=True):
        """True when it came to all its points; counts: a miss is one of this part."""
        with self.victim(fault) as victim:
            lived = self.guarded(victim, journey, f'--case {fault} --seed {self.args.seed}')
            came = victim.starts >= len(victim.plans) and victim.came
            if came and victim.starts == 2 and len(victim.plans) == 1:
                self.recovered[fault] = victim.counted(2) + victim.calls()
            self.missed += counts and not came
            self.kills += victim.deaths
            self.lived += bool(lived)
        return came

    # --- stopped ---

    def stopped(self, tap):
        """SIGSTOP before the deadline, SIGCONT long after it."""
        data = self.ledger.quiet_kernel()

        def work(victim):
            victim.upload(digest(data), data)
            lease = victim.deploy('stopped', digest(data), self.ledger.TTL_S)
            state = victim.wait_state(lease, ('running', 'live'), 30 * PATIENCE)
            assert state in ('running', 'live'), state
            victim.daemon.send_signal(signal.SIGSTOP)
            try:
                victim.wait_without_it()
                assert not victim.checker.look(), 'it runs on without the daemon'
                victim.passes(300)
            finally:
                victim.daemon.send_signal(signal.SIGCONT)
            victim.ready_at = victim.time.truth()
            assert not victim.extend(lease, 60), 'extended after its deadline'
            victim.wait_over(lease)

        with tap.part('stopped before the deadline, and going on after it'), self.victim() as v:
            self.guarded(v, work, '--stopped')
            self.report()

    # --- at random ---

    def some_kills(self, kills, first):
        """Deployments come and go, and so does the daemon. first: the number of the first kill."""
        seed = f'{self.args.seed} {first}'
        dice = random.Random(seed)
        data = self.ledger.quiet_kernel()
        kernel = digest(data)

        def work(victim):
            victim.upload(kernel, data)
            for number in range(kills):
                victim.ensure()
                victim.kill_after(dice.uniform(0.0, dice.choice(KILL_S)))
                died = victim.deaths
                give_up = time.monotonic() + self.ledger.STEP_S
                while victim.deaths == died and time.monotonic() < give_up:
                    self.something(victim, dice, kernel, f'n{number}')
                    time.sleep(dice.uniform(0, 0.04))

        with self.victim(seed=seed) as victim:
            self.guarded(victim, work,
                         f'--random {kills} --from {first} --seed {self.args.seed}')
            self.kills += victim.deaths

    def something(self, victim, dice, kernel, name):
        now = victim.time.truth()
        alive = [x for x in victim.checker.leases.values() if x.over_by() > now + 1]
        what = dice.choice(('deploy', 'extend', 'remove', 'look', 'wait'))
        if what == 'deploy' and len(alive) < 3:
            victim.deploy(f'{name}-{dice.getrandbits(32):x}', kernel,
                          dice.randint(*self.ledger.SOME_TTL_S))
        elif what == 'extend' and alive:
            victim.extend(dice.choice(alive), 1)
        elif what == 'remove' and alive:
            victim.remove(dice.choice(alive))
        elif what == 'wait':
            victim.passes(dice.uniform(0, self.ledger.SOME_TTL_S[0] * 0.75))
        else:
            victim.ask('GET', '/v1/deployments?all=1')

    # --- all of it ---

    def parallel(self, work, items, worlds=None):
        with concurrent.futures.ThreadPoolExecutor(worlds or self.args.worlds) as pool:
            for done in [pool.submit(work, *item) for item in items]:
                done.result()

    def report(self):
        """Fails the part when anything was broken, and says how to see it again."""
        where = '' if self.args.provider == 'local' else f'--provider {self.args.provider} '
        for replay, broken, log in self.failures:
            print(f'# replay with: make torture TORTURE="{where}{replay}"')
            for text in broken:
                for line in text.splitlines():
                    print(f'#   {line}')
            for line in log:
                print(f'#     {line}')
        failed, self.failures = len(self.failures), []
        assert not failed, f'{failed} broken the promise'

    def some_cases(self, tap, title, items, work=None):
        """One part: all of these cases, several at a time."""
        self.kills = self.lived = self.missed = self.anew = 0
        began = time.monotonic()
        with tap.part(f'{len(items)} times: {title}'):
            self.parallel(work or self.case, [(c,) for c in items])
            print(f'# {self.kills} daemons died, {self.lived} went live in time all the same, '
                  f'{self.missed} did not come to their point, {self.anew} were drawn anew; '
                  f'{time.monotonic() - began:.0f} s')
            self.report()

    def share(self, name, mode, cases):
        """Those that are run of one set."""
        asked = self.args.points or self.args.modes
        if not asked and (name, mode) == ('calls', 'fail-before'):
            cases = cases[self.args.seed % SHARE::SHARE]
        return cases[::self.args.every]

    def all_points(self, tap):
        named, calls = collections.Counter(), collections.Counter()
        with tap.part('the points of a whole journey are counted'):
            named, calls = self.count()
            self.report()
            assert sum(named.values()) > 20 and sum(calls.values()) > 100, (named, calls)
        if tap.failed:
            return
        modes = self.args.modes.split(',') if self.args.modes else None
        sets = {'named': (named, modes or MODES),
                'calls': (calls, modes or ('kill', 'fail-before'))}
        if self.args.check:
            sets = {'named': (named, ('kill',))}
        elif self.args.points:
            sets = {k: v for k, v in sets.items() if k == self.args.points}
        for name, (points, how) in sets.items():
            for point, times in sorted(points.items()):
                print(f'# {times:4} {point}')
            for mode in how:
                cases = self.share(name, mode, self.cases(points, (mode,)))
                self.some_cases(tap, f'{mode} at the points, {name}', cases)
        if self.args.points == 'memory' or not (self.args.check or self.args.points):
            self.some_cases(tap, 'no memory for one allocation', self.memory(self.args.memory))
        if self.args.pairs and self.args.points in (None, 'pairs') and not self.args.check:
            cases = [c for c in self.cases(named + calls, ('kill',)) if Plan(c).hits(('daemon',))]
            self.some_cases(tap, 'killed, and killed again while recovering',
                            range(self.args.pairs), lambda number: self.pair(cases, number))

    # --- at random times ---

    def random_kills(self, tap, kills):
        first, self.kills = self.args.first, 0
        blocks = [(min(BLOCK, first + kills - at), at)
                  for at in range(first, first + kills, BLOCK)]
        began = time.monotonic()
        with tap.part(f'{kills} kills at random times, from number {first} on'):
            # Most of the time each of them waits for a guest or for its end.
            self.parallel(self.some_kills, blocks, 2 * self.args.worlds)
            print(f'# {self.kills} daemons died; {time.monotonic() - began:.0f} s; to go on: '
                  f'--random {kills} --from {first + kills} --seed {self.args.seed}')
            self.report()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--provider', default='local', choices=sorted(LEDGERS))
    parser.add_argument('--check', action='store_true')
    parser.add_argument('--points', choices=('named', 'calls', 'memory', 'pairs'))
    parser.add_argument('--modes', help='of ' + ', '.join(MODES))
    parser.add_argument('--every', type=int, default=1, help='only each of so many cases')
    parser.add_argument('--streams', type=int, default=6,
                        help='of each kind of sending and receiving, from the first on')
    parser.add_argument('--spread', action='store_true', help='these over the whole journey')
    parser.add_argument('--case')
    parser.add_argument('--memory', type=int, default=200, help='allocations that fail')
    parser.add_argument('--pairs', type=int, default=200)
    parser.add_argument('--stopped', action='store_true')
    parser.add_argument('--random', type=int)
    parser.add_argument('--from', dest='first', type=int, default=0, help='number of a kill')
    parser.add_argument('--kills', type=int, default=500)
    parser.add_argument('--worlds', type=int, default=1 + (os.cpu_count() or 1))
    parser.add_argument('--seed', type=int, default=int(time.time() // 86400))
    parser.add_argument('--log', type=int, default=40, help="lines of a failed daemon's log")
    return parser.parse_args()


def main():
    args = arguments()
    need_programs('mirage-deployd', 'mirage-image', *LEDGERS[args.provider].NEEDS)
    if not os.path.exists(LIBRARY):
        skip_all(f'{LIBRARY} is not built')
    tap, torture = Tap(), Torture(args)
    print(f'# seed {args.seed}, patience {PATIENCE}', flush=True)
    if args.case:
        with tap.part(args.case):
            torture.case(args.case)
            torture.report()
    elif args.stopped:
        torture.stopped(tap)
    elif args.random:
        torture.random_kills(tap, args.random)
    else:
        torture.all_points(tap)
        if not args.points:
            torture.stopped(tap)
            torture.random_kills(tap, 5 if args.check else args.kills)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
