# SPDX-License-Identifier: ISC
"""QEMU alone: the command that a keeper runs for an instance, run without any of us, as the peer
that a deploy is measured against."""
import glob
import os
import select
import shutil
import subprocess
import tempfile
import time

import mirage


def first_output(world, began, limit=30):
    """Seconds from `began` until an instance of this world has a byte on its console."""
    pattern = os.path.join(world.state, 'local', '*', 'console.log')
    while time.monotonic() - began < limit:
        if any(size(path) for path in glob.glob(pattern)):
            return time.monotonic() - began
        time.sleep(0.0002)
    raise AssertionError(f'no console output within {limit} s')


def size(path):
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


class BareGuest:
    """Learns the command from an instance that is deployed once, then runs it by itself."""

    def __init__(self, world, kernel):
        self.dir = tempfile.mkdtemp(prefix='mir-bare-')
        world.cli('local', kernel, '--ttl', '5m', '--name', 'learn', '--detach', '--anyway')
        mirage.wait_for('the guest runs', 15,
                        lambda: world.state_of('learn') in ('running', 'live'))
        pid = world.processes('qemu-system')[0]
        with open(f'/proc/{pid}/cmdline', 'rb') as f:
            argv = f.read().decode().split('\0')[:-1]
        home = os.readlink(f'/proc/{pid}/cwd')
        for name in ('qemu.conf', 'kernel'):
            shutil.copy(os.path.join(home, name), os.path.join(self.dir, name))
        self.url = world.show('learn')['url']
        world.cli('rm', 'learn')
        self.argv = ['null,id=qmp' if word == 'socket,id=qmp,fd=3' else word for word in argv]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self):
        return subprocess.Popen(self.argv, cwd=self.dir, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    @staticmethod
    def end(guest):
        guest.kill()
        guest.communicate()

    def first_output(self):
        """Seconds from the start of QEMU to the first console byte."""
        began = time.monotonic()
        guest = self.start()
        try:
            assert select.select([guest.stdout], [], [], 30)[0], 'no console output within 30 s'
            return time.monotonic() - began
        finally:
            self.end(guest)

    def first_answer(self):
        """Seconds from the start of QEMU to the first HTTP 200."""
        began = time.monotonic()
        guest = self.start()
        try:
            mirage.wait_for('an answer', 30, lambda: mirage.get(self.url, 1)[0] == 200, every=0.005)
            return time.monotonic() - began
        finally:
            self.end(guest)
