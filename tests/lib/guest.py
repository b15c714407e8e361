# SPDX-License-Identifier: ISC
"""QEMU alone: the command that a keeper runs for an instance, run without any of us, as the peer
that a deploy is measured against."""
import glob
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

import mirage


def first_output(world, limit=30):
    """UTC seconds of the first console byte of the one instance of this world, as its keeper noted
    it. Looked for seldom: whoever polls takes a core from the guest."""
    pattern = os.path.join(world.state, 'local', '*', 'status.json')
    began = time.monotonic()
    while time.monotonic() - began < limit:
        for path in glob.glob(pattern):
            at_ms = noted(path)
            if at_ms:
                return (at_ms + 0.5) / 1000  # the keeper rounds down
        time.sleep(0.03)
    raise AssertionError(f'no console output within {limit} s')


def noted(path):
    try:
        with open(path, encoding='utf-8') as f:
            return json.load(f).get('first_output_ms', 0)
    except (OSError, ValueError):
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

    def by_hand(self):
        """The same guest as one starts it by hand, in the words of the scripts that unikernel
        projects give their users: no configuration file, no sandbox, QEMU's own boot ROM."""
        port = mirage.free_port()
        hand = BareGuest.__new__(BareGuest)
        hand.dir, hand.url = self.dir, f'http://127.0.0.1:{port}/'
        hand.argv = ['qemu-system-x86_64', '-m', '64', '-nodefaults', '-display', 'none',
                     '-serial', 'stdio', '-no-reboot', '-device', 'isa-debug-exit',
                     '-netdev', f'user,id=n0,hostfwd=tcp:127.0.0.1:{port}-:80',
                     '-device', 'virtio-net-pci,netdev=n0', '-kernel', 'kernel']
        return hand

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
