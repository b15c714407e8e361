# SPDX-License-Identifier: ISC
"""A machine under QEMU that boots from a disk, as a cloud would start it: its firmware, its disks,
its serial port."""
import os
import select
import subprocess
import time

import mirage

PATIENCE = float(os.environ.get('MIRAGE_TEST_PATIENCE', '1'))
DEBUG_EXIT = ['-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04']
# An adapter needs a name of its own; the empty ROM keeps firmware from booting by network.
NET = 'virtio-net-pci,netdev=n0,romfile='


def first_of(*paths):
    return next((path for path in paths if os.path.exists(path)), None)


OVMF = first_of('/usr/share/ovmf/OVMF.fd', '/usr/share/OVMF/OVMF.fd')
AAVMF = first_of('/usr/share/qemu-efi-aarch64/QEMU_EFI.fd')
DISKS = {
    'ide': 'ide-hd,drive=d{0},bootindex={1}',
    'virtio-blk': 'virtio-blk-pci,drive=d{0},bootindex={1}',
    'nvme': 'nvme,drive=d{0},bootindex={1},serial=disk{0}',
}


class Machine:
    """`disks`: paths, attached in this order; `first`: the one that the firmware boots; `driver`:
    how QEMU reads them."""

    def __init__(self, disks, kind='ide', firmware='bios', first=0, forward=None, more=(),
                 driver='raw'):
        arm = firmware == 'arm64'
        argv = ['qemu-system-aarch64' if arm else 'qemu-system-x86_64', '-accel', 'tcg',
                '-m', '512', '-display', 'none', '-nodefaults', '-no-reboot', '-serial', 'stdio']
        if arm:
            argv += ['-machine', 'virt', '-cpu', 'cortex-a57', '-bios', AAVMF]
        else:
            argv += ['-machine', 'pc', '-vga', 'std', *DEBUG_EXIT]
            argv += ['-bios', OVMF] if firmware == 'uefi' else []
        for i, path in enumerate(disks):
            argv += ['-drive', f'if=none,id=d{i},format={driver},snapshot=on,file={path}',
                     '-device', DISKS[kind].format(i, 1 if i == first else 10 + i)]
        if forward:
            argv += ['-netdev', f'user,id=n0,hostfwd=tcp:127.0.0.1:{forward}-:80', '-device', NET]
        self.console = b''
        self.process = subprocess.Popen([*argv, *more], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def read(self, until):
        """Reads the console until it has that text, or has ended; -> all of it so far."""
        limit = time.monotonic() + 60 * PATIENCE
        while until not in self.console:
            left = limit - time.monotonic()
            if left < 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise AssertionError(f'no {until!r} on the console: {self.console!r}')
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                raise AssertionError(f'ended without {until!r}: {self.console!r}')
            self.console += chunk
        return self.console

    def ends(self):
        """Waits until the machine has switched itself off; -> its console."""
        limit = time.monotonic() + 60 * PATIENCE
        while select.select([self.process.stdout], [], [], max(0, limit - time.monotonic()))[0]:
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                self.process.wait(10 * PATIENCE)
                return self.console
            self.console += chunk
        raise AssertionError(f'it does not switch itself off: {self.console!r}')

    def answers(self, port):
        url = f'http://127.0.0.1:{port}/health'
        try:
            mirage.wait_for('an answer', 60 * PATIENCE, lambda: mirage.get(url, 2)[0] == 200)
        except AssertionError as error:
            self.process.kill()
            self.console += self.process.stdout.read()
            raise AssertionError(f'{error}; console: {self.console!r}') from error
