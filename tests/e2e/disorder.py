# SPDX-License-Identifier: ISC
"""Disorder around the real daemon: no memory, no descriptors, clocks that are set wrongly, a
machine that sleeps, and everybody dead but one. What counts is what runs (the ledger), in true
time."""
import os
import re
import resource
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                'torture'))
from ledger import LocalLedger  # noqa: E402
from meddle import LIBRARY  # noqa: E402
from mirage import PATIENCE, Skip, Tap, need_programs, program, skip_all, wait_for  # noqa: E402
from torture import digest  # noqa: E402
from victim import Down, Victim  # noqa: E402

HOUR, DAY = 3600, 86400
FILES = 160          # the daemon's limit of descriptors, where they are to run out
HELD = 200           # connections that clients hold then
GRACE_S = 30         # a guest that is left alone powers itself off so long after its deadline


class House(Victim):
    """A victim whose end is looked at: broken promises are errors of the part."""

    def __enter__(self):
        self.kernel = LocalLedger.kernel()
        self.upload(digest(self.kernel), self.kernel)
        return self

    def hello(self, name, ttl_s):
        lease = self.deploy(name, digest(self.kernel), ttl_s)
        assert self.wait_state(lease, ('live',), 8 * PATIENCE) == 'live', f'{name} is not live'
        return lease

    def get(self, lease):
        return self.ask('GET', f'/v1/deployments/{lease.id}')[1]

    def runs(self, lease):
        return lease.id in self.ledger.running()

    def kept(self):
        """What the checker has seen until now."""
        assert not self.checker.broken, '\n'.join(self.checker.broken)

    def ends_in_time(self, lease, what='it'):
        """Not before its deadline, and not later than the bound after it, in true time."""
        self.passes_until(lease.latest() - 0.5)
        assert self.runs(lease), f'{what} ended {lease.latest() - self.time.truth():.1f} s early'
        wait_for(f'{what} ends', 0.5 + self.ledger.BOUND_S, lambda: not self.runs(lease))
        self.kept()

    def passes_until(self, moment):
        left = moment - self.time.truth()
        if left > 0:
            self.time.passes(left)

    def finish(self):
        """Over, nothing left, nothing forgotten, a clean end."""
        self.last_words()
        self.kept()


def house(**options):
    return House(LocalLedger, **options)


# --- memory ---

def size_bytes(pid, key):
    with open(f'/proc/{pid}/status', encoding='ascii') as f:
        return int(re.search(rf'{key}:\s+(\d+) kB', f.read()).group(1)) << 10


def ask_for_much(world):
    """Until the daemon is dead, or has refused something, or copes with it all."""
    refused = 0
    for _ in range(150):
        try:
            status, _ = world.once('PUT', f'/v1/kernels/{"0" * 64}', b'x' * (1 << 20))
            refused += status >= 500
            status, _ = world.once('POST', '/v1/deployments', '[' * 50000)
            refused += status >= 500
            world.everything()
        except Down:
            if not world.alive():
                break
    return refused


def no_memory(tap):
    with tap.part('no memory: what is lost is the daemon at most'), house() as world:
        short, long = world.hello('short', 20), world.hello('long', 300)
        space = size_bytes(world.daemon.pid, 'VmSize')
        resource.prlimit(world.daemon.pid, resource.RLIMIT_AS, (space, space))
        refused = ask_for_much(world)
        print(f'# at {space >> 20} MiB of address space: {refused} requests refused, the daemon '
              f'{"lives" if world.alive() else "died"}')
        world.kill_daemon()
        world.ends_in_time(short, 'without the daemon, the short one')
        assert world.runs(long)
        world.ensure()
        assert world.get(long)['state'] == 'live', world.get(long)
        assert world.state_now(short) in ('gone', 'ending'), world.get(short)
        world.ends_in_time(long)
        world.finish()
    with tap.part('no memory from the start: it says so and ends, and the next one starts'), \
            house() as world:
        lease = world.hello('kept', 60)
        world.kill_daemon()
        starve(world)
        world.ensure()
        world.ends_in_time(lease)
        world.finish()
    with tap.part('many large requests at once take a bounded share of memory'), house() as world:
        before = size_bytes(world.daemon.pid, 'VmRSS')
        held = [half_a_body(world) for _ in range(64)]
        time.sleep(0.5)
        grown = size_bytes(world.daemon.pid, 'VmRSS') - before
        for s in held:
            s.close()
        print(f'# 64 bodies of a deployment, 1 MiB each and never finished: '
              f'{grown >> 20} MiB more')
        assert grown < 64 << 20, f'{grown >> 20} MiB more'
        assert world.ask('GET', '/readyz')[0] == 200
        world.finish()


def starve(world):
    """A daemon that may have 16 MiB only: it ends by itself, not well."""
    import subprocess

    def little():
        resource.setrlimit(resource.RLIMIT_AS, (16 << 20, 16 << 20))

    done = subprocess.run([program('mirage-deployd')], env=world.env, capture_output=True,
                          preexec_fn=little, check=False, timeout=20)
    assert done.returncode != 0, 'it runs in 16 MiB'


def half_a_body(world):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(5)
    s.connect(world.socket)
    s.sendall(b'POST /v1/deployments HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n'
              b'Content-Length: 1048577\r\n\r\n')
    try:
        s.sendall(b'[' * (1 << 20))
    except OSError:
        pass  # refused for its size, or not read: both are bounds
    return s


# --- descriptors ---

def hold_all(world):
    """Connections that ask for nothing, as many as the daemon takes; those that it refused are
    closed again."""
    held = []
    for _ in range(HELD):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(0.2)
        try:
            s.connect(world.socket)
            s.sendall(b'GET /readyz HTTP/1.1\r\nHost: d\r\n')
            held.append(s)
        except OSError:
            s.close()
    return held


def full(world):
    """How many it has open when it takes no more."""
    counts = [0]

    def the_same():
        counts.append(len(os.listdir(f'/proc/{world.daemon.pid}/fd')))
        return counts[-1] == counts[-2] > 25

    wait_for('it takes no more', 10 * PATIENCE, the_same, every=0.3)
    return counts[-1]


def no_descriptors(tap):
    with tap.part('no descriptors: what is due ends, new clients wait, and it recovers'), \
            house() as world:
        world.kill_daemon()
        world.limits = {resource.RLIMIT_NOFILE: FILES}
        world.ensure()
        due, long = world.hello('due', 20), world.hello('long', 600)
        held = hold_all(world)
        print(f'# {len(held)} connections held; the daemon has {full(world)} of {FILES} open')
        try:
            world.ends_in_time(due)
            wait_for('the daemon has done it all', 5 * PATIENCE,
                     lambda: due.id not in world.ledger.kept())
            assert world.alive() and world.runs(long)
        finally:
            for s in held:
                s.close()
        wait_for('it is gone', 5 * PATIENCE, lambda: world.state_now(due) == 'gone')
        world.hello('after', 60)
        world.ends_in_time(long)
        world.finish()


# --- clocks ---

STEPS = ((HOUR, '1 h ahead'), (-HOUR, '1 h back'), (DAY, '1 day ahead'), (-DAY, '1 day back'))


def clock_set(tap):
    for step_s, name in STEPS:
        with tap.part(f'the clock is set {name} while the daemon runs'), house() as world:
            lease = world.hello('stepped', 90)
            expires = world.get(lease)['expires_at']
            world.time.step(step_s)
            after_a_step(world, lease, step_s, expires)
        with tap.part(f'the clock is set {name} while the daemon is down'), house() as world:
            lease = world.hello('stepped', 90)
            expires = world.get(lease)['expires_at']
            world.kill_daemon()
            world.time.step(step_s)
            world.ensure()
            after_a_step(world, lease, step_s, expires)


def after_a_step(world, lease, step_s, expires):
    """Early is cheap where the clock says that it is time; late is never."""
    assert world.get(lease)['expires_at'] == expires, 'the deadline has moved'
    if step_s > 0:
        wait_for('it ends', world.ledger.BOUND_S, lambda: not world.runs(lease))
    else:
        world.ends_in_time(lease)
    wait_for('the daemon knows it', 10 * PATIENCE, lambda: world.state_now(lease) == 'gone')
    d = world.get(lease)
    assert d['expires_at'] == expires, 'the deadline has moved'
    assert d['end_reason'] in ('deadline', 'guest'), d
    world.kept()


def clock_and_back(tap):
    """Whatever the clock says in between, a lease is as long as was asked for."""
    for name, restart in (('', False), (', and the daemon is started again', True)):
        with tap.part(f'set a day ahead and back again{name}'), house() as world:
            world.time.step(DAY)
            time.sleep(0.2)
            world.time.step(-DAY)
            until = world.time.truth() + 60  # what the user understands
            lease = world.deploy('after', digest(world.kernel), 60)
            assert world.wait_state(lease, ('live',), 8 * PATIENCE) == 'live'
            if restart:
                world.kill_daemon()
                world.launch()
            world.passes_until(until - 0.5)
            assert world.runs(lease), 'it ended early'
            wait_for('it ends', 2 + PATIENCE + world.ledger.BOUND_S, lambda: not world.runs(lease))
            world.kept()


def suspended(tap):
    with tap.part('the machine sleeps past a deadline: it ends on waking, the other one goes on'), \
            house() as world:
        over, kept = world.hello('over', 60), world.hello('kept', 2 * HOUR)
        over.acked += HOUR - 60  # nobody can end anything in a machine that sleeps
        world.time.suspend(HOUR)
        woke = time.monotonic()
        wait_for('it ends', world.ledger.BOUND_S, lambda: not world.runs(over))
        print(f'# ended {time.monotonic() - woke:.2f} s after waking')
        assert world.runs(kept)
        wait_for('it is gone', 10 * PATIENCE, lambda: world.state_now(over) == 'gone')
        assert world.state_now(kept) == 'live'
        assert 'a message with a bad' not in world.daemon_log(), world.daemon_log()
        world.ends_in_time(kept)


# --- nobody left ---

def nobody_left(tap):
    with tap.part('the daemon is lost right after the launch: the keeper ends it'), \
            house() as world:
        lease = world.deploy('alone', digest(world.kernel), 30)
        wait_for('it runs', 8 * PATIENCE, lambda: world.runs(lease))
        world.kill_daemon()
        world.ends_in_time(lease)
        wait_for('no keeper is left', 3, lambda: not world.ledger.tending())
    with tap.part('daemon and keeper are lost: nothing runs on'), house() as world:
        lease = world.hello('orphan', 60)
        world.kill_daemon()
        for pid in world.ledger.tending()[lease.id]:
            os.kill(pid, signal.SIGKILL)
        wait_for('the guest is gone', world.ledger.BOUND_S, lambda: not world.runs(lease))

def guest_alone(tap):
    with tap.part('the daemon is lost and the keeper hangs: the guest powers itself off'), \
            house() as world:
        lease = world.hello('by-itself', 8)
        world.checker.close()  # its bound is the keeper's; here the grace is the guest's
        world.kill_daemon()
        keepers = world.ledger.tending()[lease.id]
        for pid in keepers:
            os.kill(pid, signal.SIGSTOP)
        left_s = lease.acked - time.time() + GRACE_S
        began = time.time()
        wait_for('the guest is gone', left_s + 2 * PATIENCE,
                 lambda: all(is_dead(pid) for pid in world.ledger.running().get(lease.id, [])))
        print(f'# {time.time() - began + began - lease.acked:.1f} s after its deadline')
        for pid in keepers:
            os.kill(pid, signal.SIGCONT)
        wait_for('nobody is left', 3 * PATIENCE, lambda: not world.ledger.tending())


def is_dead(pid):
    """A zombie is: its parent is stopped and cannot say so."""
    try:
        with open(f'/proc/{pid}/stat', encoding='ascii') as f:
            return f.read().rsplit(')', 1)[1].split()[0] in 'ZX'
    except FileNotFoundError:
        return True


PARTS = {'memory': no_memory, 'descriptors': no_descriptors, 'clock': clock_set,
         'back': clock_and_back, 'suspend': suspended, 'left': nobody_left,
         'guest': guest_alone}
SLOW = ('guest',)  # its grace is half a minute of real time: only when named, or with --all


def main():
    need_programs('mirage-deployd', 'mirage-keeper', 'mirage-image', 'hello.elf')
    if not os.path.exists(LIBRARY):
        skip_all(f'{LIBRARY} is not built')
    tap = Tap()
    words = sys.argv[1:]
    if words in ([], ['--all']):
        words = [name for name in PARTS if words or name not in SLOW]
    for name in words:
        PARTS[name](tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
