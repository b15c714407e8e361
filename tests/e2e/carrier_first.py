#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The first deployment that needs a carrier, while its base is made: what is said meanwhile, what
becomes of it without a network, of an rm in the middle and of a daemon that is killed there; and
that its disk is gone in the end, whatever happened. On a small distribution of the test's own
(tests/lib/distribution.py) without a network: what it makes starts nothing, so whatever is started
ends at once. Speaks TAP."""
import os
import shutil
import signal
import sys
import time

from distribution import Distribution
from mirage import OVER, PATIENCE, Tap, World, need_programs, wait_for
from tap import need_program

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../carrier'))
from carried import grub  # noqa: E402

PATIENT = 60 * PATIENCE
# Around each of the new effects; the daemon is killed there, or the step fails.
POINTS = ['carrier.base', 'carried.write', 'carried.rename']


class Carrying(World):
    """A daemon whose mirage-carrier meets the small distribution, with an empty cache."""

    def __init__(self):
        super().__init__()
        self.debian = Distribution(os.path.join(self.dir, 'debian'))
        self.env['PATH'] = self.debian.path()
        self.kernel = grub(self.dir, 'halt')

    def forget_base(self):
        shutil.rmtree(os.path.join(self.dir, '.cache'), ignore_errors=True)

    def deploy(self, name, *options, expect=0, **more):
        return self.cli('local', self.kernel, '--name', name, '--ttl', '10m', '--no-list',
                        *options, expect=expect, timeout=PATIENT, **more)

    def disks(self):
        folder = os.path.join(self.state, 'carried')
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

    def must_be_over(self, name):
        wait_for(f'{name} is over', PATIENT, lambda: self.state_of(name) in OVER)
        wait_for('no disk is left', PATIENT, lambda: not self.disks())
        return self.show(name)


def no_network(tap, w):
    with tap.part('no network and nothing in the cache: failed at once, with the reason'):
        w.debian.switch('down')
        begin = time.monotonic()
        done = w.deploy('offline', expect=8)
        took = time.monotonic() - begin
        d = w.must_be_over('offline')
        assert d['state'] == 'failed' and d['error']['code'] == 'unavailable', d
        assert "the carrier's base: apt-get: Failed to fetch" in done.err, done.err
        assert 'is the network there?' in done.err and 'Could not connect' in done.err, done.err
        assert took < 10 * PATIENCE, took
        updates = [call for call in w.debian.calls() if call[-1] == 'update']
        assert len(updates) == 1, updates  # apt has tried again itself
    w.debian.switch()


def said_meanwhile(tap, w):
    with tap.part('whoever follows is told what takes so long; the second time nothing does'):
        done = w.deploy('first', expect=None)
        assert 'preparing the carrier: fetching' in done.err, done.err
        assert 'preparing the carrier: making the base' in done.err, done.err
        w.must_be_over('first')
        w.debian.calls()
        done = w.deploy('second', expect=None)
        assert 'preparing the carrier' not in done.err and not w.debian.calls(), done.err
        w.must_be_over('second')


def removed_meanwhile(tap, w):
    with tap.part('rm does not wait for apt, and ends it'):
        w.forget_base()
        w.debian.switch('stalled')
        w.deploy('unwanted', '--detach')
        wait_for('apt is at work', PATIENT, lambda: len(downloads(w)) == 2)
        begin = time.monotonic()
        w.cli('rm', 'unwanted', timeout=PATIENT)
        took = time.monotonic() - begin
        assert took < 10 * PATIENCE, took
        wait_for('apt has ended', PATIENT, lambda: not downloads(w))
        w.must_be_over('unwanted')
    with tap.part('nor does the end of the daemon; the next one goes on with it'):
        w.deploy('later', '--detach')
        wait_for('apt is at work', PATIENT, lambda: len(downloads(w)) == 2)
        begin = time.monotonic()
        w.stop_daemon()
        took = time.monotonic() - begin
        assert took < 10 * PATIENCE, took
        wait_for('apt has ended', PATIENT, lambda: not downloads(w))
        w.debian.switch()
        w.start_daemon()
        d = w.must_be_over('later')
        assert 'carrier' not in (d['error'] or {}).get('text', ''), d


def downloads(w):
    """Pids of apt-get of the small distribution."""
    found = []
    for pid in w.processes('python'):
        try:
            with open(f'/proc/{pid}/cmdline', 'rb') as f:
                words = f.read().split(b'\0')
        except OSError:
            continue
        if b'download' in words:
            found.append(pid)
    return found


def killed(tap, w):
    for point in POINTS:
        for mode in ('kill', 'fail-before', 'fail-after'):
            with tap.part(f'{mode} at {point}: it comes to its end, and no disk is left'):
                w.stop_daemon()
                name = f'{mode}-{point.replace(".", "-")}'
                w.start_daemon(MIRAGE_DEPLOY_FAULT=f'{mode}:{point}#1')
                w.deploy(name, '--detach', expect=None)
                if mode == 'kill':
                    wait_for('the daemon is dead', PATIENT, lambda: w.daemon.poll() is not None)
                    assert w.daemon.returncode == -signal.SIGKILL, w.daemon.returncode
                    w.daemon = None
                    w.start_daemon()
                w.must_be_over(name)
                assert not w.guests(), w.guests()


def swept(tap, w):
    with tap.part('what is left of nobody is swept at the start, and nothing else'):
        over = w.show('first')['id']
        folder = os.path.join(w.state, 'carried')
        stale = [f'{over}.raw', f'{over}.raw.new', f'{"0" * len(over)}.raw']
        foreign = ['notes.txt', 'x.raw', f'{over}.qcow2']
        for name in stale + foreign:
            with open(os.path.join(folder, name), 'wb') as f:
                f.write(bytes(4096))
        w.stop_daemon()
        w.start_daemon()
        assert w.disks() == sorted(foreign), w.disks()
        for name in foreign:
            os.unlink(os.path.join(folder, name))


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-carrier')
    need_program('dpkg-deb')
    tap = Tap()
    with Carrying() as w:
        w.start_daemon()
        no_network(tap, w)
        said_meanwhile(tap, w)
        removed_meanwhile(tap, w)
        killed(tap, w)
        swept(tap, w)
        w.say_log(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
