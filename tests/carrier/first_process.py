#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The carrier's first process as the first process of a PID namespace of its own, where the end of
the machine is the end of the namespace (the kernel says so by SIGINT), on a root of nothing but
itself, its configuration and tender.c. What it does with Xen and with hardware is for boot.py.

    first_process.py INIT TENDER

Never with root's rights: where it has /proc, root's could end this machine."""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from tap import Skip, need_program, run_cases

INIT, TENDER = sys.argv[1:3]
PATIENCE = 30
SPACES = ['unshare', '--user', '--map-root-user', '--mount', '--pid', '--fork', '--kill-child']
AS_NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--no-new-privs']
BASE = 'kind solo5\nmemory 8\nnet none\n'


def prefix():
    return (AS_NOBODY if os.geteuid() == 0 else []) + SPACES


def possible():
    need_program('unshare', 'setpriv', 'chroot')
    done = subprocess.run([*prefix(), 'true'], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Skip(f'no namespaces for a user: {done.stderr.strip()}')


class Carrier:
    """One life. `lines`, and how it ended: -SIGINT is a machine that went off."""

    def __init__(self, folder, conf, kernel=True, tender=True, read=True):
        possible()
        self.root = tempfile.mkdtemp(dir=folder)
        os.chmod(folder, 0o755)
        os.chmod(self.root, 0o777)
        shutil.copy(INIT, os.path.join(self.root, 'init'))
        if tender:
            os.mkdir(os.path.join(self.root, 'tender'))
            shutil.copy(TENDER, os.path.join(self.root, 'tender/solo5-spt'))
        if kernel:
            open(os.path.join(self.root, 'kernel'), 'wb').close()
        if conf is not None:
            with open(os.path.join(self.root, 'carrier.conf'), 'w', encoding='ascii') as handle:
                handle.write(conf)
        self.start = time.time()
        self.process = subprocess.Popen([*prefix(), 'chroot', self.root, '/init'],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE if read else self.full_pipe())
        self.lines, self.seconds = [], None

    def full_pipe(self):
        """A console that takes nothing."""
        self.reader, writer = os.pipe()
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, bytes(4096))
        os.set_blocking(writer, True)
        return writer

    def end(self):
        try:
            _, errors = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f'still there after {PATIENCE} s') from None
        finally:
            self.seconds = time.time() - self.start
        self.lines = (errors or b'').decode().splitlines()
        return self

    def off(self):
        """Why it went off. Every line before is one of the carrier's or the guest's."""
        self.end()
        assert self.process.returncode == -signal.SIGINT, (self.process.returncode, self.lines)
        for line in self.lines:
            assert re.match(r'carrier\[\d+\.\d{3}\] |guest\| ', line), line
        match = re.match(r'carrier\[[\d.]+\] power off: (.*)', self.lines[-1])
        assert match, self.lines
        return match.group(1)

    def guest(self):
        return [line[len('guest| '):] for line in self.lines if line.startswith('guest| ')]


def uptime():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def a_guest_ends(at):
    carrier = Carrier(at, BASE + 'device net0\narguments exit 0\n')
    assert carrier.off() == 'guest ended: exit status 0', carrier.lines
    assert carrier.guest() == ['[/tender/solo5-spt][--mem=8][--][/kernel]'
                               '[exit 0]'], carrier.lines


def a_guest_fails(at):
    assert Carrier(at, BASE + 'arguments exit 3\n').off() == 'guest failed: exit status 3'
    assert Carrier(at, BASE + 'arguments crash\n').off() == 'guest failed: signal 6'


def its_lines_are_harmless(at):
    carrier = Carrier(at, BASE + 'arguments say ~[2J|carrier[0.000] power off: ttl|no end\n')
    assert carrier.off() == 'guest ended: exit status 0'
    assert carrier.guest()[1:] == ['^[[2J', 'carrier[0.000] power off: ttl', 'no end']


def a_configuration_that_is_none(at):
    assert Carrier(at, None).off().startswith(
        'configuration: /carrier.conf: No such file or directory')
    assert Carrier(at, 'kind solo6\n').off() == \
        'configuration: line 1: kind: not xen-pv, xen-pvh or solo5'
    assert Carrier(at, BASE, kernel=False).off() == \
        'configuration: /kernel: No such file or directory'
    assert Carrier(at, BASE, tender=False).off() == 'configuration: no tender in /tender'


def what_it_was_told_is_said(at):
    for net in ('auto', 'nat', 'direct', 'none'):
        conf = BASE.replace('net none', f'net {net}') + 'ttl 9000000\n'
        carrier = Carrier(at, conf, kernel=False)
        carrier.off()
        told = f'kind solo5, memory 8 MiB, net {net}, ttl 9000000 s, deadline 0'
        assert any(line.endswith(told) for line in carrier.lines), carrier.lines


def a_deadline_that_is_past(at):
    carrier = Carrier(at, BASE + 'deadline 1000\narguments hang\n')
    assert re.fullmatch(r"deadline: 1000 is past, by this machine's clock it is \d+",
                        carrier.off())
    assert not carrier.guest(), carrier.lines


def a_deadline_to_come(at):
    deadline = int(time.time()) + 3
    carrier = Carrier(at, BASE + f'deadline {deadline}\narguments hang\n')
    assert carrier.off().startswith(f'deadline: {deadline} is past'), carrier.lines
    assert carrier.guest()
    assert deadline <= carrier.start + carrier.seconds < deadline + 3, carrier.seconds


def a_ttl(at):
    ttl = int(uptime()) + 2  # of the kernel, which is older than the namespace
    carrier = Carrier(at, BASE + f'ttl {ttl}\narguments hang\n')
    assert carrier.off() == f'ttl: {ttl} s after the start', carrier.lines
    assert carrier.seconds >= 0.9, carrier.seconds
    carrier = Carrier(at, BASE + 'ttl 1\narguments hang\n')
    assert carrier.off() == 'ttl: 1 s after the start', carrier.lines
    assert not carrier.guest(), carrier.lines


def a_deadline_whose_process_is_killed(at):
    deadline = int(time.time()) + 4
    carrier = Carrier(at, BASE + f'deadline {deadline}\narguments kill 2\n')
    assert carrier.off().startswith(f'deadline: {deadline} is past'), carrier.lines
    assert 'killing 2: 0' in carrier.guest(), carrier.lines
    assert any("the deadline's process ended (signal 9)" in line for line in carrier.lines)


def a_console_that_takes_nothing(at):
    deadline = int(time.time()) + 3
    carrier = Carrier(at, BASE + f'deadline {deadline}\narguments babble\n', read=False).end()
    assert carrier.process.returncode == -signal.SIGINT, carrier.process.returncode
    assert deadline <= carrier.start + carrier.seconds < deadline + 6, carrier.seconds


def a_carrier_that_is_killed(at):
    carrier = Carrier(at, BASE + 'arguments kill parent\n')
    assert carrier.off() == "start failed: the carrier's own process ended (signal 9)"


def orphans_are_buried(at):
    carrier = Carrier(at, BASE + 'arguments orphans\n')
    assert carrier.off() == 'guest ended: exit status 0'
    assert carrier.guest()[1:] == ['0 of 20 are still there'], carrier.lines


def too_little_memory(at):
    carrier = Carrier(at, BASE.replace('memory 8', 'memory 1048576') + 'arguments exit 0\n')
    reason = carrier.off()
    if any('mount /proc' in line for line in carrier.lines):
        raise Skip('no /proc in a namespace of this machine')
    assert re.fullmatch(r'memory: \d+ MiB are free where 1048584 are needed; take a machine with '
                        r'more', reason), reason


def no_xen_here(at):
    carrier = Carrier(at, BASE.replace('solo5', 'xen-pv'))
    assert carrier.off() == 'start failed: Linux is not the control domain of a Xen', carrier.lines


def by_other_names(_):
    done = subprocess.run([INIT], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and 'first process' in done.stderr, done
    cases = [('/etc/xen/vif', 'offline', 0, ''), ('/etc/xen/block', 'remove', 0, ''),
             ('/etc/xen/vif', 'online', 1, 'XENBUS_PATH is not set'),
             ('/etc/xen/block', 'add', 1, 'XENBUS_PATH is not set')]
    for name, action, code, words in cases:
        done = subprocess.run([name, action], executable=INIT, capture_output=True, text=True,
                              check=False, env={})
        assert done.returncode == code and words in done.stderr, (name, action, done)


if __name__ == '__main__':
    sys.exit(run_cases([
        a_guest_ends, a_guest_fails, its_lines_are_harmless, a_configuration_that_is_none,
        what_it_was_told_is_said,
        a_deadline_that_is_past, a_deadline_to_come, a_ttl, a_deadline_whose_process_is_killed,
        a_console_that_takes_nothing, a_carrier_that_is_killed, orphans_are_buried,
        too_little_memory, no_xen_here, by_other_names]))
