#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What the compatibility table calls "seen" of QEMU's own loader: which kernels it starts (a byte
on the serial console) and which it refuses (its message), beside what mirage-image says of them.
Argument: mirage-image. Needs qemu-system-x86_64; what is not on this machine is skipped by name.
Speaks TAP."""
import json
import os
import select
import struct
import subprocess
import sys
import time

from tap import need_file, need_program, run_cases

PROGRAM = sys.argv[1]
PATIENCE_S = 60
QEMU = ['qemu-system-x86_64', '-accel', 'tcg', '-m', '128', '-display', 'none', '-nodefaults',
        '-no-reboot', '-serial', 'stdio', '-monitor', 'none']


def local(path):
    done = subprocess.run([PROGRAM, 'inspect', path, '--json'], capture_output=True, timeout=120,
                          check=True)
    return json.loads(done.stdout)['boots']['local']


def qemu(machine, path, until, *more):
    """What QEMU says, serial console and errors, until `until` is in it or QEMU ends."""
    need_program(QEMU[0])
    said = b''
    child = subprocess.Popen([*QEMU, '-machine', machine, '-kernel', path, *more],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while until not in said and time.monotonic() < deadline:
            if not select.select([child.stdout], [], [], 1)[0]:
                continue
            chunk = os.read(child.stdout.fileno(), 4096)
            if not chunk:
                break
            said += chunk
    finally:
        child.kill()
        child.communicate()
    return said


def starts(path, until, *more):
    row = local(path)
    assert (row['verdict'], row['how']) == ('boots', 'qemu-kernel'), row
    for machine in ('pc', 'q35'):
        said = qemu(machine, path, until, *more)
        assert until in said, f'{path} on {machine}: {said!r}'


def refused(path, message, answer=('cannot', '')):
    row = local(path)
    assert (row['verdict'], row['how']) == answer, row
    for machine in ('pc', 'q35'):
        said = qemu(machine, path, message)
        assert message in said, f'{path} on {machine}: {said!r}'


def elf64(folder, name, header):
    """One segment at 1 MiB that is nothing but the boot header."""
    head = struct.pack('<16sHHIQQQIHHHHHH', b'\x7fELF\2\1\1', 2, 62, 1, 0x100000, 64, 0, 0, 64, 56,
                       1, 64, 0, 0)
    segment = struct.pack('<IIQQQQQQ', 1, 7, 128, 0x100000, 0x100000, len(header), 0x1000, 8)
    path = os.path.join(folder, name)
    with open(path, 'wb') as file:
        file.write((head + segment).ljust(128, b'\0') + header)
    return path


def memtest(folder):
    starts(need_file('/boot/memtest86+x64.bin'), b'emtest', '-append', 'console=ttyS0,115200')


def ipxe(folder):
    # iPXE's screen goes to the BIOS's console, which this ROM of QEMU puts on the serial port.
    starts(need_file('/boot/ipxe.lkrn', '/usr/lib/ipxe/ipxe.lkrn'), b'iPXE', '-device', 'sga')


def xen_pv(folder):
    need_program('grub-mkimage')
    need_file('/usr/lib/grub/x86_64-xen/modinfo.sh')
    path = os.path.join(folder, 'xen')
    subprocess.run(['grub-mkimage', '-O', 'x86_64-xen', '-o', path, '-p', '/boot/grub', 'normal'],
                   check=True, timeout=120)
    refused(path, b'without PVH ELF Note', ('carrier', 'qemu-disk'))


def multiboot_of_64_bit(folder):
    header = struct.pack('<III', 0x1BADB002, 3, -(0x1BADB002 + 3) & 0xffffffff)
    refused(elf64(folder, 'multiboot', header), b'Cannot load x86-64 image')


def multiboot2(folder):
    header = struct.pack('<IIII', 0xE85250D6, 0, 16, -(0xE85250D6 + 16) & 0xffffffff)
    refused(elf64(folder, 'multiboot2', header), b'without PVH ELF Note')


CASES = [memtest, ipxe, xen_pv, multiboot_of_64_bit, multiboot2]


if __name__ == '__main__':
    sys.exit(run_cases(CASES))
