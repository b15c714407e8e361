# SPDX-License-Identifier: ISC
"""A daemon that is going to be hurt, and a client that does not mind: every request is repeated
until it is answered, by the daemon that was started anew if need be."""
import collections
import http.client
import json
import os
import random
import re
import resource
import signal
import subprocess
import threading
import time

from checker import Checker
from meddle import Meddle
from mirage import PATIENCE, UnixHTTP, World, program
from plan import CALL, KEEPER, Plan

OVER = ('gone', 'failed')
HANG_S = 0.3    # hung for so long, it does not go on by itself
NEAR_S = 0.3    # a deadline is waited for in real time from so long before it
DOWN_S = (0, 0, 0, 0.3, 3)  # how long nobody starts the daemon again
SANITIZED = re.compile(r'AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:')


class Down(Exception):
    """Nobody answered; what was asked for may have happened or not."""


class Victim(World):
    """One world, its clock, its checker, and the plans for its daemons: the first is for the first
    daemon (and the processes that it starts), what follows a '+' for the next one."""

    def __init__(self, make_ledger, plan=None, seed=0):
        super().__init__()
        self.plans = [Plan(text) for text in plan.split('+')] if plan else []
        self.random = random.Random(f'{seed} {plan}')
        self.fault = None  # of the daemon that runs now
        self.socket = os.path.join(self.dir, 'api.sock')
        config = os.path.join(self.dir, 'config')
        with open(config, 'w', encoding='utf-8') as f:
            f.write(f'[policy]\nttl_min = 1s\n{make_ledger.CONFIG}')
        self.env.update(MIRAGE_DEPLOY_SOCKET=self.socket, MIRAGE_DEPLOY_CONFIG=config)
        self.time = Meddle(self.dir)
        self.ledger = make_ledger(self)  # may add to what the daemon is given
        self.ready, self.ready_at = False, 0
        self.checker = Checker(self.ledger, self.time.truth, self.acts_since)
        self.starts = self.deaths = 0
        self.hung_since = None
        self.limits = {}  # {resource: most} of the next daemons
        self.came = True  # every planned fault so far

    def __exit__(self, *_):
        self.checker.close()
        self.kill_daemon()
        self.ledger.close()
        super().__exit__()

    # --- time ---

    def passes(self, seconds):
        """Time goes by, here and where the provider is."""
        if seconds > 0:
            self.ledger.passes(seconds)

    def is_ending(self):
        """Is something over just now, and may run on for that moment? Time that is skipped there
        would be counted against those who end it, and who had none of it."""
        if not self.ledger.KEPT_WITHOUT:  # who ends it needs time to be skipped
            return False
        now, leases = self.time.truth(), self.checker.leases
        over = [x for x in leases if 0 <= now - leases[x].over_by() <= self.ledger.ALONE_S]
        return bool(over) and any(lease in over for lease in self.ledger.running())

    def passes_to(self, moment):
        """Skip what is left until then, but for the last moments before a deadline, and for those
        after it in which what is over ends."""
        leases = [lease.over_by() for lease in self.checker.leases.values()]
        ahead = [t for t in [moment, *leases, self.checker.unknown_until] if t > self.time.truth()]
        seconds = min(ahead, default=0) - NEAR_S - self.time.truth()
        if seconds > 0 and moment > self.time.truth() and not self.is_ending():
            self.passes(seconds)
        else:
            time.sleep(0.03)

    def wait_to(self, moment):
        while self.time.truth() < moment:
            self.passes_to(moment)

    # --- the daemon ---

    def launch(self):
        """Start it, with the fault that is its; True when it came to answer."""
        self.came = self.came and self.reached()
        self.fault = self.plans[self.starts] if self.starts < len(self.plans) else None
        self.starts += 1
        self.hung_since, self.ready = None, False
        count_file = self.count_of(self.starts)
        env = {**self.env, 'MIRAGE_DEPLOY_FAULT_COUNT': count_file,
               'MIRAGE_DEPLOY_KEEPER_FAULT_COUNT': count_file + KEEPER,
               **self.time.env(self.fault.call() if self.fault else None),
               **(self.fault.env() if self.fault else {})}
        self.daemon = subprocess.Popen([program('mirage-deployd')], env=env, stdout=self.log,
                                       stdin=subprocess.DEVNULL, stderr=self.log)
        for limit, most in self.limits.items():
            resource.prlimit(self.daemon.pid, limit, (most, most))
        give_up = time.monotonic() + 15 * PATIENCE
        while time.monotonic() < give_up and self.daemon.poll() is None and not self.hangs():
            try:
                if self.once('GET', '/readyz')[0] == 200:
                    self.ready, self.ready_at = True, self.time.truth()
                    self.checker.told(self.everything())
                    return True
            except Down:
                pass
            time.sleep(0.02)
        return False

    def alive(self):
        return self.daemon is not None and self.daemon.poll() is None

    def acts_since(self):
        return self.ready_at if self.ready and self.alive() else self.time.truth()

    def ensure(self):
        """A daemon that answers, however many it takes."""
        for _ in range(5):
            if self.alive() and not self.hangs():
                return
            if self.daemon:
                self.deaths += 1
                if self.alive():
                    self.wait_without_it()
                self.kill_daemon()
                if self.fault:  # not always at once
                    self.passes(self.random.choice(DOWN_S))
            if self.launch():
                return
        raise AssertionError(f'the daemon does not start any more:\n{self.daemon_log()[-3000:]}')

    def wait_without_it(self):
        """It hangs until every deadline has passed, and whatever runs has to end all the same."""
        self.checker.alone = True
        until = self.checker.latest_end()
        self.wait_to(min([until] + [lease.over_by() for lease in self.checker.leases.values()]))
        with self.ledger.others():
            self.wait_to(until)
            while self.ledger.running() and self.time.truth() < until + self.ledger.ALONE_S:
                self.passes(self.ledger.LOOK_S)
                time.sleep(0.05)
        self.checker.look()

    def count_of(self, start):
        return os.path.join(self.dir, f'points-{start}')

    def counted(self, start=None):
        """{name: how often} of the fault points that the daemon of this start has passed, and, as
        each counts by itself, the most that one of its keepers has."""
        found = collections.Counter()
        name_of = self.count_of(start or self.starts)
        for file, prefix in ((name_of, ''), (name_of + KEEPER, KEEPER)):
            try:
                with open(file, encoding='ascii') as f:
                    lines = [line.split() for line in f if line.count(' ') == 2]
            except FileNotFoundError:
                continue
            for (name, _), times in collections.Counter((w[1], w[2]) for w in lines).items():
                found[prefix + name] = max(found[prefix + name], times)
        return found

    def calls(self):
        """The same of the calls of all processes, since the last start."""
        return collections.Counter({CALL + name: n for name, n in self.time.counted().items()})

    def reached(self):
        """Has the fault of the daemon that runs come?"""
        return self.fault is None or self.fault.reached(self.counted(), self.time.planned())

    def hangs(self):
        """Is the daemon in its planned hang, and has it been for long enough?"""
        if not self.fault or self.fault.mode != 'hang' or not self.fault.hits(('daemon',)) \
                or not self.reached():
            return False
        self.hung_since = self.hung_since or time.monotonic()
        return time.monotonic() - self.hung_since > HANG_S

    def kill_after(self, seconds):
        timer = threading.Timer(seconds, self.daemon.send_signal, (signal.SIGKILL,))
        timer.daemon = True
        timer.start()

    # --- requests ---

    def once(self, method, path, body=None, **headers):
        """(status, document); Down when no whole answer came."""
        timeout = 2 * HANG_S if self.fault and self.fault.mode == 'hang' else 3 * PATIENCE
        channel = UnixHTTP(self.socket, timeout)
        try:
            data = json.dumps(body) if isinstance(body, dict) else body
            channel.request(method, path, data, {k.replace('_', '-'): v
                                                 for k, v in headers.items()})
            answer = channel.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else {}
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Down(str(error)) from None
        finally:
            channel.close()

    def ask(self, method, path, body=None, **headers):
        """Repeated until it is answered by something that is not a passing failure."""
        give_up = time.monotonic() + 30 * PATIENCE
        while True:
            self.ensure()
            status, document = 0, {}
            try:
                status, document = self.once(method, path, body, **headers)
            except Down as down:
                document = {'detail': str(down)}
            if 0 < status < 500:
                return status, document
            assert time.monotonic() < give_up, f'{method} {path}: {status} {document}'
            time.sleep(0.05)

    def everything(self):
        """All deployments, page by page."""
        found, after = [], ''
        while True:
            status, document = self.once('GET', f'/v1/deployments?all=1{after}')
            if status != 200:
                raise Down(f'{status} {document}')
            found += document['deployments']
            if not document.get('next'):
                return found
            after = f'&after={document["next"]}'

    def tell(self):
        """The checker hears all that the daemon knows; of the next one where this one dies now."""
        for _ in range(20):
            self.ensure()
            try:
                self.checker.told(self.everything())
                return
            except Down:
                time.sleep(0.1)
        raise AssertionError('the daemon does not tell what it knows')

    # --- what the client does with deployments ---

    def upload(self, digest, data):
        status, document = self.ask('PUT', f'/v1/kernels/{digest}', data)
        if status == 422 and any(plan.hits(('image',)) for plan in self.plans):
            # An inspector that was killed is a file refused: it may be made to do so.
            status, document = self.ask('PUT', f'/v1/kernels/{digest}', data)
        assert status in (200, 201), f'{status} {document}'

    def deploy(self, name, kernel, ttl_s):
        """Under one key until it is answered: one lease at most, and known from then on."""
        key = f'{name}-{self.random.getrandbits(64):x}'
        self.checker.asked_to_deploy(ttl_s)
        request = {'provider': self.ledger.NAME, 'kernel': kernel, 'name': name, 'ttl': f'{ttl_s}s',
                   'anyway': True, **self.ledger.REQUEST}
        began = self.time.truth()
        status, document = self.ask('POST', '/v1/deployments', request, Idempotency_Key=key)
        self.checker.unknown_until += self.time.truth() - began
        assert status == 202, f'{status} {document}'
        return self.checker.deployed(document['deployment'])

    def extend(self, lease, by_s):
        """True when it was granted; a refusal is one, too, once the deadline is near."""
        lease.asked = lease.acked + by_s
        when = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(lease.asked))
        status, document = self.ask('PATCH', f'/v1/deployments/{lease.id}/lease',
                                    {'expires_at': when})
        if status == 202:
            self.checker.extended(lease, document['lease'])
            return True
        # 403: it would end sooner than a lease can be kept.
        assert status in (403, 409), f'{lease.name}: extension: {status} {document}'
        if status == 409 and self.time.truth() < min({lease.acked} | lease.before) - 1:
            self.not_extended(lease, document)
        return False

    def not_extended(self, lease, why):
        """Allowed as well while an extension that was refused is being taken back."""
        status, d = self.ask('GET', f'/v1/deployments/{lease.id}')
        if status != 200 or not d['extension'] or d['extension']['state'] != 'refused':
            self.ended_early(lease, why)

    def ended_early(self, lease, why):
        """Allowed only where the launch itself has failed, its keeper was hurt, or no daemon lived
        long enough to tell the keeper of the longer deadline: its hooks were never shown armed."""
        hurt = any(plan.hits(self.ledger.HOLDERS) for plan in self.plans)
        allowed = ('failed', 'guest') if hurt else ('failed',)
        status, d = self.ask('GET', f'/v1/deployments/{lease.id}')
        if status == 200 and not d['hooks'] and d['instance']['end_reason'] == 'deadline':
            return
        if status != 200 or d['end_reason'] not in allowed:
            self.checker.fault(f'{lease.name}: not extended before its end: {why}, {d}')

    def remove(self, lease):
        lease.removed_launching = self.state_now(lease) == 'launching'
        status, document = self.ask('DELETE', f'/v1/deployments/{lease.id}')
        assert status == 202, f'{lease.name}: removal: {status} {document}'
        lease.removed = self.time.truth()

    def state_now(self, lease):
        status, document = self.ask('GET', f'/v1/deployments/{lease.id}')
        if status != 200:
            self.checker.fault(f'{lease.name} was acknowledged and is not found: {status}')
            return 'gone'
        return document['state']

    def wait_state(self, lease, states, seconds):
        """One of these states, or over, or None when the time has passed."""
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            state = self.state_now(lease)
            if state in states or state in OVER:
                return state
            self.passes(self.ledger.LOOK_S)
            time.sleep(0.1)
        return None

    def wait_over(self, lease):
        """Over by its time, or so soon after the last start of the daemon."""
        bound = self.ledger.BOUND_S * PATIENCE + self.ledger.SETTLE_S
        if any(plan.mode == 'hang' and plan.hits(self.ledger.HOLDERS) for plan in self.plans):
            bound += self.ledger.HOLDER_S
        bound += self.ledger.LAUNCH_S if lease.removed_launching else 0
        while self.state_now(lease) not in OVER:
            until, now = lease.over_by(), self.time.truth()
            if now > max(until, self.ready_at) + bound:
                self.checker.fault(f'{lease.name} is still {self.state_now(lease)}, '
                                   f'{now - until:.1f} s after it had to be over')
                return
            if now > until and self.ledger.SETTLE_S:
                self.passes(self.ledger.SETTLE_S / 20)
            self.passes_to(until)

    def stop_daemon(self):
        """SIGTERM; its exit status, a failure when it hangs as planned."""
        self.daemon.terminate()
        give_up = time.monotonic() + 15 * PATIENCE
        while self.alive() and not self.hangs() and time.monotonic() < give_up:
            time.sleep(0.01)
        status = self.daemon.poll()
        self.kill_daemon()
        return status

    def end_well(self):
        """The exit status of a daemon that is asked to go; of the next one where a planned fault
        came to this one on its way out."""
        for _ in range(len(self.plans) + 1):
            before = self.reached()
            if self.stop_daemon() == 0:
                self.came = self.came and self.reached()
                return 0
            if before or not self.reached():
                break
            self.deaths += 1
            self.tell()
        return 1

    def last_words(self):
        """Everything is over: nothing may be left, in the ledger least of all."""
        for lease in list(self.checker.leases.values()):
            self.wait_over(lease)
        give_up = time.monotonic() + 2 * PATIENCE
        while not self.checker.nothing_left() and time.monotonic() < give_up:
            time.sleep(0.1)
        if not self.checker.nothing_left():
            self.checker.fault(f'left behind: {self.checker.left()}')
        self.checker.count_launches()
        self.tell()
        if self.end_well() != 0:
            self.checker.fault('the daemon did not end well')
        if SANITIZED.search(self.daemon_log()):
            self.checker.fault('a sanitizer has spoken')
