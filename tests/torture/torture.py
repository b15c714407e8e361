#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Kill the real daemon at every fault point and at random, start it again, let time pass, and ask
the ledger (what really runs) whether the promise was kept.

  --kills 500     every point (killed, failed before, failed after, hung), then so many at random
  --pairs 100     only that many pairs: killed, and killed again while recovering
  --smoke         some of the points, chosen by the seed (the day), and a few random kills
  --case kill:store.commit#3      one case again, as a failure prints it
  --random 50 --seed 7            random kills only, in the order of that seed

Speaks TAP. The points are counted in one run without a fault; a case names its point by name and
number under that name, since threads move the plain numbers."""
import argparse
import collections
import concurrent.futures
import hashlib
import random
import signal
import sys
import time
import traceback

import kernels
from checker import BOUND_S
from ledger import LEDGERS
from mirage import PATIENCE, Tap, need_programs, program
from victim import KEEPER, STEP_S, Victim

TTL_S = 6
LONGER_S = 2
MODES = ('kill', 'fail-before', 'fail-after', 'hang')
POLLED_MAX = 4  # of a point that is passed again and again while nothing happens
# Passed once for each durable change: all of them count.
ALWAYS = ('store.', 'kernel.', 'file.')
# What was wrong once is tried each time.
ONCE_WRONG = ('kill:local.keeper.spawn#1', 'kill:local.spec#1', 'fail-after:store.commit#2',
              'fail-after:store.commit#14', 'fail-after:store.commit#18')


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def digest(data):
    return hashlib.sha256(data).hexdigest()


def journey(victim, ttl_s=TTL_S):
    """hello: deployed, live, extended, at its deadline; beside it one that is removed. True when
    it was seen live."""
    hello = read(program('hello.elf'))
    victim.upload(digest(hello), hello)
    lease = victim.deploy('hello', digest(hello), ttl_s)
    lived = victim.wait_state(lease, ('live',), ttl_s / 2) == 'live'
    victim.extend(lease, LONGER_S)
    other = victim.deploy('removed', digest(hello), 60)
    victim.wait_state(other, ('running', 'live'), TTL_S / 4)
    victim.remove(other)
    victim.wait_over(other)
    victim.wait_over(lease)
    return lived


class Torture:
    """One way to torture one provider, as the arguments say."""

    def __init__(self, args):
        self.args = args
        self.ledger = LEDGERS[args.provider]
        self.kills = self.lived = self.missed = 0
        self.failures = []

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
        """{name: how often} of one journey without a fault."""
        with self.victim() as victim:  # without haste: a busy machine has to get to "live"
            lived = self.guarded(victim, lambda v: journey(v, TTL_S + 3), '--smoke')
            assert lived or self.failures, 'the journey does not get to "live" without a fault'
            return collections.Counter(victim.points())

    def cases(self, points):
        """Every point in every mode; a keeper that hangs is one that its conformance list has."""
        found = []
        for name, times in sorted(points.items()):
            most = times if name.startswith(ALWAYS) else min(times, POLLED_MAX)
            keeper = KEEPER if name.startswith(KEEPER) else ''
            modes = [m for m in self.args.modes.split(',') if not (keeper and m == 'hang')]
            found += [f'{keeper}{mode}:{name.removeprefix(KEEPER)}#{k}'
                      for k in range(1, most + 1) for mode in modes]
        return found

    def pairs(self, points, how_many):
        dice = random.Random(self.args.seed)
        kills = [c for c in self.cases(points) if c.startswith('kill:')]
        again = [c for c in kills if not c.startswith(('kill:kernel', 'kill:store.migrate'))]
        return [f'{dice.choice(kills)}+{dice.choice(again)}' for _ in range(how_many)]

    def case(self, fault):
        with self.victim(fault) as victim:
            lived = self.guarded(victim, journey, f'--case {fault} --seed {self.args.seed}')
            self.missed += not victim.reached()
            self.kills += victim.deaths
            self.lived += bool(lived)

    # --- stopped ---

    def stopped(self, tap):
        """SIGSTOP before the deadline, SIGCONT long after it."""
        data = kernels.multiboot('up\r\n', 'hang')

        def work(victim):
            victim.upload(digest(data), data)
            lease = victim.deploy('stopped', digest(data), TTL_S)
            assert victim.wait_state(lease, ('running', 'live'), TTL_S) in ('running', 'live')
            victim.daemon.send_signal(signal.SIGSTOP)
            try:
                time.sleep(max(0, lease.acked + BOUND_S - time.time()))
                assert not victim.checker.look(), 'it runs on without the daemon'
            finally:
                victim.daemon.send_signal(signal.SIGCONT)
            victim.ready_at = time.time()
            assert not victim.extend(lease, 60), 'extended after its deadline'
            victim.wait_over(lease)

        with tap.part('stopped before the deadline, and going on after it'), self.victim() as v:
            self.guarded(v, work, '--stopped')
            self.report()

    # --- at random ---

    def some_kills(self, kills, seed):
        """Deployments come and go, and so does the daemon."""
        dice = random.Random(seed)
        data = kernels.multiboot('up\r\n', 'hang')
        kernel = digest(data)

        def work(victim):
            victim.upload(kernel, data)
            for number in range(kills):
                victim.ensure()
                victim.kill_after(dice.uniform(0.0, 1.2))
                died = victim.deaths
                give_up = time.monotonic() + STEP_S
                while victim.deaths == died and time.monotonic() < give_up:
                    self.something(victim, dice, kernel, f'n{number}')
                    time.sleep(dice.uniform(0, 0.2))

        with self.victim(seed=seed) as victim:
            self.guarded(victim, work, f'--random {kills} --worlds 1 --seed {seed}')
            self.kills += victim.deaths

    @staticmethod
    def something(victim, dice, kernel, name):
        alive = [x for x in victim.checker.leases.values() if x.over_by() > time.time() + 1]
        what = dice.choice(('deploy', 'extend', 'remove', 'look', 'look'))
        if what == 'deploy' and len(alive) < 3:
            victim.deploy(f'{name}-{dice.getrandbits(32):x}', kernel, dice.randint(2, 6))
        elif what == 'extend' and alive:
            victim.extend(dice.choice(alive), 1)
        elif what == 'remove' and alive:
            victim.remove(dice.choice(alive))
        else:
            victim.ask('GET', '/v1/deployments?all=1')

    # --- all of it ---

    def parallel(self, work, items):
        with concurrent.futures.ThreadPoolExecutor(self.args.worlds) as pool:
            for done in [pool.submit(work, *item) for item in items]:
                done.result()

    def report(self):
        """Fails the part when anything was broken, and says how to see it again."""
        for replay, broken, log in self.failures:
            print(f'# replay with: make torture TORTURE="{replay}"')
            for text in broken:
                for line in text.splitlines():
                    print(f'#   {line}')
            for line in log:
                print(f'#     {line}')
        failed, self.failures = len(self.failures), []
        assert not failed, f'{failed} broken the promise'

    def all_points(self, tap):
        with tap.part('the points of a whole journey are counted'):
            points = self.count()
            self.report()
            assert sum(points.values()) > 20, points
        if tap.failed:
            return
        for name, times in sorted(points.items()):
            print(f'# {times:4} {name}')
        cases = self.cases(points)
        if self.args.pairs:
            cases = self.pairs(points, self.args.pairs)
        elif self.args.smoke:
            dice = random.Random(self.args.seed)
            cases = list(ONCE_WRONG) + dice.sample(cases, min(self.args.smoke_cases, len(cases)))
        with tap.part(f'{len(cases)} faults, of {len(points)} kinds of points'):
            self.parallel(self.case, [(c,) for c in cases])
            print(f'# {len(cases)} cases: {self.kills} daemons died, {self.lived} went live in '
                  f'time all the same, {self.missed} did not come to their point')
            self.report()

    def random_kills(self, tap, kills):
        worlds = min(self.args.worlds, max(1, kills // 4))
        shares = [kills // worlds + (i < kills % worlds) for i in range(worlds)]
        self.kills = 0
        with tap.part(f'{kills} kills at random times'):
            self.parallel(self.some_kills,
                          [(n, self.args.seed + i) for i, n in enumerate(shares)])
            print(f'# {self.kills} daemons died')
            self.report()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--provider', default='local', choices=sorted(LEDGERS))
    parser.add_argument('--smoke', action='store_true')
    parser.add_argument('--smoke-cases', type=int, default=5)
    parser.add_argument('--case')
    parser.add_argument('--pairs', type=int, default=0)
    parser.add_argument('--stopped', action='store_true')
    parser.add_argument('--random', type=int)
    parser.add_argument('--kills', type=int, default=500)
    parser.add_argument('--modes', default=','.join(MODES))
    parser.add_argument('--worlds', type=int, default=5)
    parser.add_argument('--seed', type=int, default=int(time.time() // 86400))
    parser.add_argument('--log', type=int, default=40, help="lines of a failed daemon's log")
    return parser.parse_args()


def main():
    args = arguments()
    need_programs('mirage-deployd', 'mirage-keeper', 'mirage-image', 'hello.elf')
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
        if not args.pairs:
            torture.stopped(tap)
            torture.random_kills(tap, 5 if args.smoke else args.kills)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
