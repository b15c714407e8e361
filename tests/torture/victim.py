# SPDX-License-Identifier: ISC
"""A daemon that is going to be hurt, and a client that does not mind: every request is repeated
until it is answered, by the daemon that was started anew if need be."""
import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time

from checker import BOUND_S, Checker
from mirage import PATIENCE, World, program

OVER = ('gone', 'failed')
HANG_S = 1.5   # a daemon that hangs is given so long, then it is killed
STEP_S = 12 * PATIENCE
SANITIZED = re.compile(r'AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:')


class Down(Exception):
    """Nobody answered; what was asked for may have happened or not."""


class Channel(http.client.HTTPConnection):
    """HTTP over the control socket."""

    def __init__(self, path, timeout):
        super().__init__('d', timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


KEEPER = 'keeper:'


class Victim(World):
    """One world, its checker, and the plan for its daemons: 'kill:store.commit#3' is for the first,
    what follows a '+' for the next one; 'keeper:kill:NAME#N' is for the keepers of the first."""

    def __init__(self, make_ledger, plan=None, seed=0):
        super().__init__()
        self.plan = plan.split('+') if plan else []
        self.random = random.Random(f'{seed} {plan}')
        self.fault = None  # of the daemon that runs now
        self.socket = os.path.join(self.dir, 'api.sock')
        self.count_file = None
        config = os.path.join(self.dir, 'config')
        with open(config, 'w', encoding='utf-8') as f:
            f.write('[policy]\nttl_min = 1s\n')
        self.env.update(MIRAGE_DEPLOY_SOCKET=self.socket, MIRAGE_DEPLOY_CONFIG=config)
        self.checker = Checker(make_ledger(self))
        self.starts = self.deaths = 0
        self.ready_at = 0
        self.hung_since = None

    def __exit__(self, *_):
        self.checker.close()
        super().__exit__()

    # --- the daemon ---

    def launch(self):
        """Start it, the first one with the fault; True when it came to answer."""
        self.fault = self.plan[self.starts] if self.starts < len(self.plan) else None
        self.starts += 1
        self.hung_since = None
        self.count_file = self.count_of(self.starts)
        env = {**self.env, 'MIRAGE_DEPLOY_FAULT_COUNT': self.count_file,
               'MIRAGE_DEPLOY_KEEPER_FAULT_COUNT': self.count_file + KEEPER}
        if self.fault and self.fault.startswith(KEEPER):
            env['MIRAGE_DEPLOY_KEEPER_FAULT'] = self.fault.removeprefix(KEEPER)
        elif self.fault:
            env['MIRAGE_DEPLOY_FAULT'] = self.fault
        self.daemon = subprocess.Popen([program('mirage-deployd')], env=env, stdout=self.log,
                                       stdin=subprocess.DEVNULL, stderr=self.log)
        give_up = time.monotonic() + 15 * PATIENCE
        while time.monotonic() < give_up and self.daemon.poll() is None and not self.hangs():
            try:
                if self.once('GET', '/readyz')[0] == 200:
                    self.ready_at = time.time()
                    self.checker.told(self.everything())
                    return True
            except Down:
                pass
            time.sleep(0.03)
        return False

    def alive(self):
        return self.daemon is not None and self.daemon.poll() is None

    def ensure(self):
        """A daemon that answers, however many it takes."""
        for _ in range(5):
            if self.alive() and not self.hangs():
                return
            if self.daemon:
                self.deaths += 1
                self.kill_daemon()
                if self.fault:  # not always at once
                    time.sleep(self.random.choice((0, 0, 0, 0.3, 3)))
            if self.launch():
                return
        raise AssertionError(f'the daemon does not start any more:\n{self.daemon_log()[-3000:]}')

    def count_of(self, start):
        return os.path.join(self.dir, f'points-{start}')

    def points(self, start=1):
        """Names of the fault points that the daemon of this start has passed, and its keepers."""
        found = []
        for file, prefix in ((self.count_of(start), ''), (self.count_of(start) + KEEPER, KEEPER)):
            try:
                with open(file, encoding='ascii') as f:
                    found += [prefix + line.split()[1] for line in f if line.count(' ') == 1]
            except FileNotFoundError:
                pass
        return found

    def reached(self, start=1):
        """Was the planned point passed?"""
        plan = self.plan[start - 1]
        keeper = KEEPER if plan.startswith(KEEPER) else ''
        name, number = plan.removeprefix(KEEPER).split(':', 1)[1].split('#')
        return self.points(start).count(keeper + name) >= int(number)

    def hangs(self):
        """Is the daemon in its planned hang, and has it been for long enough?"""
        if not (self.fault or '').startswith('hang:') or not self.reached(self.starts):
            return False
        self.hung_since = self.hung_since or time.monotonic()
        return time.monotonic() - self.hung_since > HANG_S

    def kill_after(self, seconds):
        timer = threading.Timer(seconds, self.daemon.send_signal, (signal.SIGKILL,))
        timer.daemon = True
        timer.start()

    # --- requests ---

    def once(self, method, path, body=None, timeout=3 * PATIENCE, **headers):
        """(status, document); Down when no whole answer came."""
        channel = Channel(self.socket, timeout)
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
        status, document = self.once('GET', '/v1/deployments?all=1')
        if status != 200:
            raise Down(f'{status} {document}')
        return document['deployments']

    # --- what the client does with deployments ---

    def upload(self, digest, data):
        status, document = self.ask('PUT', f'/v1/kernels/{digest}', data)
        assert status in (200, 201), f'{status} {document}'

    def deploy(self, name, kernel, ttl_s):
        """Under one key until it is answered: one lease at most, and known from then on."""
        key = f'{name}-{self.random.getrandbits(64):x}'
        self.checker.asked_to_deploy(ttl_s)
        request = {'provider': 'local', 'kernel': kernel, 'name': name, 'ttl': f'{ttl_s}s',
                   'anyway': True}
        began = time.time()
        status, document = self.ask('POST', '/v1/deployments', request, Idempotency_Key=key)
        self.checker.unknown_until += time.time() - began
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
        assert status == 409, f'{lease.name}: extension: {status} {document}'
        if time.time() < lease.acked - 1:
            self.ended_early(lease, document)
        return False

    def ended_early(self, lease, why):
        """Allowed only where the launch itself has failed, or its keeper was hurt."""
        allowed = ('failed', 'guest') if (self.plan or [''])[0].startswith(KEEPER) else ('failed',)
        status, d = self.ask('GET', f'/v1/deployments/{lease.id}')
        if status != 200 or d['end_reason'] not in allowed:
            self.checker.fault(f'{lease.name}: not extended before its end: {why}, {d}')

    def remove(self, lease):
        status, document = self.ask('DELETE', f'/v1/deployments/{lease.id}')
        assert status == 202, f'{lease.name}: removal: {status} {document}'
        lease.removed = time.time()

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
            time.sleep(0.1)
        return None

    def wait_over(self, lease):
        """Over by its time, or so soon after the last start of the daemon."""
        while True:
            until = lease.over_by()
            state = self.state_now(lease)
            if state in OVER:
                return
            if time.time() > max(until, self.ready_at) + BOUND_S * PATIENCE:
                self.checker.fault(f'{lease.name} is still {state}, '
                                   f'{time.time() - until:.1f} s after it had to be over')
                return
            time.sleep(0.1)

    def last_words(self):
        """Everything is over: nothing may be left, in the ledger least of all."""
        for lease in list(self.checker.leases.values()):
            self.wait_over(lease)
        give_up = time.monotonic() + 2 * PATIENCE
        while not self.checker.nothing_left() and time.monotonic() < give_up:
            time.sleep(0.1)
        if not self.checker.nothing_left():
            self.checker.fault(f'left behind: {self.checker.left()}')
        self.ensure()
        self.checker.told(self.everything())
        if self.stop_daemon() != 0:
            self.checker.fault('the daemon did not end well')
        if SANITIZED.search(self.daemon_log()):
            self.checker.fault('a sanitizer has spoken')
