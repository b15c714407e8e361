#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Disks that img_layout makes, booted: each layout on the firmware and the disk adapters that it is
for, with kernels that answer, say their arguments, or cannot be loaded. Speaks TAP.

    layouts.py LAYOUT-MAKER HELLO FOLDER-OF-TEST-KERNELS [PART...]

PART: matrix formats arguments right_disk failures others linux arm64 pvgrub; all of them without.

MIRAGE_LAYOUTS_ALL=1 takes every combination instead of some, and MIRAGE_TEST_KERNELS is a folder
with Debian's Linux and Xen unpacked, and in arm64/ that of arm64 (scripts/unpack-deb).
MIRAGE_LAYOUTS_SEED repeats a run.
"""
import glob
import gzip
import http.server
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading

from kernels import multiboot
from machine import AAVMF, DISKS, OVMF, Machine
from mirage import Skip, Tap, free_port, program, skip_all, wait_for

MAKER, HELLO, GUESTS = sys.argv[1:4]
os.environ['PATH'] += ':/usr/sbin:/sbin'  # where e2fsck is, and a user's PATH does not lead
PARTS = sys.argv[4:]
ALL = bool(os.environ.get('MIRAGE_LAYOUTS_ALL'))
SEED = int(os.environ.get('MIRAGE_LAYOUTS_SEED', '0')) or random.randrange(1, 1 << 30)
KERNELS = os.environ.get('MIRAGE_TEST_KERNELS', '/nonexistent')
NO_KERNEL = b'mirage-deploy: the boot loader cannot start the kernel; powering off'
NO_CONFIG = b'mirage-deploy: the boot configuration is missing or broken; powering off'

# Layout, firmware, adapter; those with a star are always tried, as raw disks: others are among the
# formats.
MATRIX = [
    ('bios', 'bios', 'ide', '*'), ('bios', 'bios', 'virtio-blk', ''), ('bios', 'bios', 'nvme', ''),
    ('both', 'bios', 'ide', ''), ('both', 'bios', 'virtio-blk', ''), ('both', 'bios', 'nvme', ''),
    ('uefi', 'uefi', 'ide', ''), ('uefi', 'uefi', 'virtio-blk', ''), ('uefi', 'uefi', 'nvme', ''),
    ('both', 'uefi', 'ide', ''), ('both', 'uefi', 'virtio-blk', ''), ('both', 'uefi', 'nvme', '*'),
]


# What --format writes, and QEMU's name for it.
FORMATS = [('qcow2', 'qcow2'), ('vhd', 'vpc'), ('vhd-dynamic', 'vpc'), ('vmdk', 'vmdk')]


class Refused(Exception):
    """img_layout would not make this disk."""


class Folder:
    """Where the disks are made."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix='mir-layouts-')
        self.count = 0

    def file(self, name, data=b''):
        path = os.path.join(self.path, name)
        with open(path, 'wb') as f:
            f.write(data)
        return path

    def disk(self, boot, kernel, arguments='', modules=()):
        """Makes a disk; modules: (file, arguments) each."""
        self.count += 1
        path = os.path.join(self.path, f'disk{self.count}')
        words = [word for module in modules for word in module]
        made = subprocess.run([MAKER, path, boot, kernel, arguments, *words], capture_output=True,
                              check=False)
        if made.returncode == 2 and made.stderr.startswith(b'usage: '):
            raise Refused(made.stderr.decode())
        if made.returncode == 2 and made.stderr.startswith(b'unavailable: '):
            raise Skip(made.stderr.decode().strip())
        assert made.returncode == 0, made.stderr
        size = int(made.stdout.split()[0])
        assert os.path.getsize(path) == size and size % (1 << 20) == 0, (made.stdout, path)
        return path


def guest(name):
    path = os.path.join(GUESTS, name)
    if not os.path.exists(path):
        raise Skip(f'{name} is not built: the compiler cannot build for i386')
    return path


def need_firmware(firmware):
    if firmware == 'uefi' and not OVMF:
        raise Skip('ovmf is not installed')
    if firmware == 'arm64' and not (AAVMF and shutil.which('qemu-system-aarch64')):
        raise Skip('qemu-system-arm or qemu-efi-aarch64 is not installed')


def said(console, begin):
    """The lines of a console that begin so, each as what stands between < and >."""
    lines = console.replace(b'\r', b'').split(b'\n')
    lines = [line for line in lines if line.startswith(begin)]
    return [line[line.index(b'<') + 1:line.rindex(b'>')].decode() for line in lines]


# --- each layout boots ---

def matrix(tap, folder):
    for boot, firmware, adapter, always in MATRIX:
        if not (always or ALL):
            continue
        with tap.part(f'hello answers: {boot} on {firmware} from {adapter}'):
            need_firmware(firmware)
            port = free_port()
            disk = folder.disk(boot, HELLO, 'name=a%20b')
            with Machine([disk], adapter, firmware, forward=port) as machine:
                machine.answers(port)
                console = machine.read(b'hello: listening on')
                assert b'hello: name a b\n' in console, console


def image(folder, kernel, boot, form, *words):
    """As a user makes one: the whole command."""
    if not os.path.exists(program('mirage-deploy')):
        raise Skip('mirage-deploy is not built')
    path = os.path.join(folder.path, f'image.{form}')
    done = subprocess.run([program('mirage-deploy'), 'image', 'build', kernel, '-o', path,
                           '--force', '--boot', boot, '--format', form, *words],
                          capture_output=True, check=False)
    if done.returncode == 8:
        raise Skip(done.stderr.decode().strip())
    assert done.returncode == 0, done.stderr
    return path


def formats(tap, folder):
    """Each format on some rows of the matrix, or on all; raw is the matrix itself."""
    for number, (boot, firmware, adapter, _) in enumerate(MATRIX):
        for k, (form, driver) in enumerate(FORMATS):
            if not ALL and number != (0, 5, 2, 7)[k]:
                continue
            with tap.part(f'hello answers: {boot} as {form} on {firmware} from {adapter}'):
                need_firmware(firmware)
                port = free_port()
                path = image(folder, HELLO, boot, form, '--arg', 'name=a%20b')
                with Machine([path], adapter, firmware, forward=port, driver=driver) as machine:
                    machine.answers(port)
                    console = machine.read(b'hello: listening on')
                    assert b'hello: name a b\n' in console, console


# --- arguments ---

def grub_line(words):
    """What GRUB's loaders make of words (the documented behaviour, written down once more)."""
    line = []
    for word in words:
        text = ''.join('\\' + c if c in '\\"\'' else c for c in word)
        line.append(f'"{text}"' if ' ' in word else text)
    return ' '.join(line)


ORDINARY = 'abcXYZ019=,./:-_'
SPECIAL = '$\\"\'`;{}()[]|&<>#!*?~%^@+ '


def random_text(rng, alphabet, most):
    return ''.join(rng.choice(alphabet) for _ in range(rng.randrange(most + 1)))


def random_line(rng):
    """A line, and whether it has to be accepted."""
    kind = rng.randrange(3)
    if kind == 0:  # nothing that GRUB would put a backslash before
        plain = ''.join(c for c in ORDINARY + SPECIAL if c not in '\\"\'') + 'ü€'
        return random_text(rng, plain, 60), True
    alphabet = ORDINARY + SPECIAL * 2
    if kind == 1:
        return grub_line([random_text(rng, alphabet, 12) for _ in range(rng.randrange(1, 7))]), True
    return random_text(rng, alphabet, 12), False


# Each has been somebody's way out of quotes.
NASTY = ['$root', '${root}', '$(x)', '; halt', '} halt {', "\\'; halt; \\'", '`halt`', 'a;b',
         '#x', 'a   b', ' a', 'a ', '', '\\"', '\\\\', '"a b"', '"a b" c', '*', '?', '[a-z]*',
         '--quirk-x', '--help', 'if true; then halt; fi', '$?', '$1', '@root@', '%d', 'x' * 2048,
         '~', 'ü€𝄞']


def accepted(folder, kernel, line):
    try:
        os.unlink(folder.disk('bios', kernel, line))
        return True
    except Refused as refused:
        assert 'would change' in str(refused), refused
        return False


def module_of(i):
    """Of another size each; the first is packed, and has to arrive so."""
    return gzip.compress(b'0' * 5000, mtime=0) if not i else b'%d' % i * (1 + i * 997)


def see_lines(folder, kernel, lines, firmware, boot, adapter='ide'):
    """Boots with the first as the kernel's arguments and one module for each of the others."""
    modules = []
    for i, line in enumerate(lines[1:]):
        modules.append((folder.file(f'm{i}', module_of(i)), line))
    with Machine([folder.disk(boot, kernel, lines[0], modules)], adapter, firmware) as machine:
        console = machine.read(b'\nend\n')
    version = b'one ' if kernel.endswith('1.elf') else b'two '
    got = said(console, version)
    if version == b'one ':  # its own name, as under QEMU's -kernel
        want = ['kernel ' + lines[0] if lines[0] else 'kernel']
    else:
        want = [lines[0]]
    assert got == want, (got, want)
    assert said(console, b'module ') == lines[1:], (console, lines)
    for i in range(len(lines) - 1):
        assert b'module %d ' % len(module_of(i)) in console, (i, console)


def arguments(tap, folder):
    rng = random.Random(SEED)
    print(f'# seed {SEED}')
    with tap.part(f'arguments arrive as they are, or are refused (seed {SEED})'):
        kernel = guest('words1.elf')
        for line in ['a"b', "a'b", 'a\\b', '"ab"', 'a "b', '\\', '"a b"c']:
            assert not accepted(folder, kernel, line), line
        lines = list(NASTY)
        refused = 0
        while len(lines) < (720 if ALL else 99) or not refused:
            assert len(lines) < 5000, 'none of so many was refused'
            line, has_to = random_line(rng)
            if accepted(folder, kernel, line):
                lines.append(line)
            else:
                assert not has_to, line
                refused += 1
        for i in range(0, len(lines), 9):
            see_lines(folder, kernel, lines[i:i + 9], 'bios', 'bios')
        print(f'# {len(lines)} lines arrived, {refused} were refused')
    for firmware, boot in (('bios', 'both'), ('uefi', 'uefi')):
        with tap.part(f'multiboot 2, with modules, on {firmware}'):
            need_firmware(firmware)
            see_lines(folder, guest('words2.elf'), NASTY[:9], firmware, boot)
    with tap.part('multiboot 1, with modules, on uefi'):
        need_firmware('uefi')
        see_lines(folder, guest('words1.elf'), NASTY[9:18], 'uefi', 'both', 'nvme')


# --- the right disk ---

# Boot code that starts the second drive: a BIOS makes the one that it starts itself the first.
START_SECOND = bytes.fromhex(
    '31c0 8ed8 8ec0 8ed0 bc007c fc'      # segments 0, a stack below the code
    'be007c bf0006 b90001 f3a5'          # the sector moves to 0x600
    'ea1c060000'                         # and goes on there
    'be2a06 b442 b281 cd13'              # reads the first sector of drive 0x81 to 0x7c00
    'ea007c0000'                         # and starts it
    '1000 0100 007c 0000 0000000000000000')


def right_disk(tap, folder):
    rows = ('bios', 'bios'), ('bios', 'both'), ('uefi', 'both')
    for firmware, boot in rows if ALL else rows[:2]:
        with tap.part(f'two disks with boot loaders: the one that was started counts '
                      f'({boot} on {firmware})'):
            need_firmware(firmware)
            disks = [folder.disk(boot, guest('words1.elf'), name) for name in ('left', 'right')]
            for first, name in enumerate(('left', 'right')):
                with Machine(disks, 'ide', firmware, first) as machine:
                    got = said(machine.read(b'\nend\n'), b'one ')
                assert got == ['kernel ' + name], (got, name)


    for boot in ('bios', 'both'):
        with tap.part(f'two disks with boot loaders: started as the second drive ({boot} on bios)'):
            disks = [folder.disk(boot, guest('words1.elf'), name) for name in ('left', 'right')]
            with open(disks[0], 'r+b') as f:
                f.write(START_SECOND)
            with Machine(disks) as machine:
                got = said(machine.read(b'\nend\n'), b'one ')
            assert got == ['kernel right'], got


# --- nobody waits at a boot loader ---

def change(path, old, new):
    with open(path, 'r+b') as f:
        data = f.read()
        assert data.count(old) >= 1 and len(old) == len(new), (old, data.count(old))
        f.seek(0)
        f.write(data.replace(old, new))


def off_with(disk, firmware, text, adapter='ide'):
    with Machine([disk], adapter, firmware) as machine:
        console = machine.ends()
        assert console.count(text) == 1, console
        assert machine.process.returncode == 0, machine.process.returncode
        assert b'grub>' not in console and b'rescue>' not in console, console


def failures(tap, folder):
    flags = multiboot('never', 'hang')
    at = flags.index(b'\x02\xb0\xad\x1b')
    wants = struct.pack('<II', 0x8000, (-0x1badb002 - 0x8000) & 0xffffffff)
    kernel = folder.file('demanding', flags[:at + 4] + wants + flags[at + 12:])
    for firmware, boot in (('bios', 'bios'), ('uefi', 'uefi')):
        with tap.part(f'a kernel that cannot be loaded: it is said, and it is off ({firmware})'):
            need_firmware(firmware)
            off_with(folder.disk(boot, kernel), firmware, NO_KERNEL)
    with tap.part('the boot configuration is missing: it is said, and it is off'):
        disk = folder.disk('bios', HELLO)
        change(disk, 'grub.cfg'.encode('utf-16-le')[:10], 'grux.cfg'.encode('utf-16-le')[:10])
        off_with(disk, 'bios', NO_CONFIG)
    with tap.part('the boot configuration is broken: it is said, and it is off'):
        disk = folder.disk('bios', HELLO)
        change(disk, b'if multiboot ', b'if {ultiboot ')
        off_with(disk, 'bios', NO_KERNEL)
    with tap.part('a module that cannot be loaded: the kernel is not started without it'):
        disk = folder.disk('bios', guest('words1.elf'), '', [(folder.file('module', b'x'), '')])
        change(disk, b"'/boot/module'", b"'/boot/nodule'")
        off_with(disk, 'bios', NO_KERNEL)
    with tap.part('arm64: a kernel that cannot be loaded: it is said, and it is off'):
        need_firmware('arm64')
        header = bytearray(4096)
        header[0x10:0x18] = (len(header)).to_bytes(8, 'little')
        header[0x38:0x3c] = b'ARM\x64'
        disk = folder.disk('uefi', folder.file('Image', header))
        off_with(disk, 'arm64', NO_KERNEL, 'virtio-blk')


# --- kernels of others ---

class Shelf(http.server.BaseHTTPRequestHandler):
    """Notes what was asked for."""
    seen = []

    def do_GET(self):
        self.seen.append(self.path)
        self.send_error(404)

    def log_message(self, *_):
        pass


def others(tap, folder):
    for boot, firmware, adapter, _ in MATRIX if ALL else ():
        with tap.part('memtest86+ (Linux boot protocol) reads its arguments: '
                      f'{boot} on {firmware} from {adapter}'):
            need_firmware(firmware)
            if not os.path.exists('/boot/memtest86+x64.bin'):
                raise Skip('memtest86+ is not installed')
            disk = folder.disk(boot, '/boot/memtest86+x64.bin', 'console=ttyS0,115200')
            with Machine([disk], adapter, firmware) as machine:
                machine.read(b'Memtest86+ v')
    with tap.part('iPXE (Linux boot protocol, real mode) runs the script that is its initramfs'):
        if not os.path.exists('/boot/ipxe.lkrn'):
            raise Skip('ipxe is not installed')
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Shelf)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        script = f'#!ipxe\ndhcp\nimgfetch http://10.0.2.2:{port}/arrived\n'
        disk = folder.disk('both', '/boot/ipxe.lkrn', '',
                           [(folder.file('script', script.encode()), '')])
        with Machine([disk], forward=free_port()):
            wait_for('the request', 60, lambda: '/arrived' in Shelf.seen)
        server.shutdown()
        server.server_close()


# --- PV-GRUB ---

def judged(*argv):
    if not shutil.which(argv[0]):
        raise Skip(f'{argv[0]} is not installed')
    done = subprocess.run(argv, capture_output=True, check=False)
    assert done.returncode == 0, (argv, done.stdout, done.stderr)
    return done.stdout


def pvgrub(tap, folder):
    menu = ('default 0\ntimeout 0\nfallback 1\n\ntitle kernel\nroot {}\n'
            'kernel /boot/kernel {}\n\ntitle power off\nhalt\n')
    line = 'ip=10.0.0.2 name="a b" $x;\\y'
    modules = '/usr/lib/grub/x86_64-xen'
    for boot, device, loop in (('pvgrub', '(hd0,0)', '(loop0,msdos1)'),
                               ('pvgrub-bare', '(hd0)', '(loop0)')):
        with tap.part(f'{boot}: e2fsck has nothing to say, and GRUB reads back what was written'):
            if not os.path.exists(modules):
                raise Skip('grub-xen-bin is not installed')
            kernel = os.path.join(folder.path, 'kernel.xen')
            judged('grub-mkimage', '-O', 'x86_64-xen', '-d', modules, '-p', '/x', '-o', kernel,
                   'normal')
            disk = folder.disk(boot, kernel, line)
            for name, want in (('boot/grub/menu.lst', menu.format(device, line).encode()),
                               ('boot/kernel', open(kernel, 'rb').read())):
                got = judged('grub-fstest', disk, 'cat', f'{loop}/{name}')
                assert got == want, (name, len(got), len(want))
            with open(disk, 'rb') as f:
                data = f.read()
            if boot == 'pvgrub':
                assert data[446] == 0x80 and data[450] == 0x83, data[446:462]
                data = data[int.from_bytes(data[454:458], 'little') * 512:]
            judged('e2fsck', '-fn', folder.file('volume', data))


def cpio(files):
    """A newc archive; a name that ends in / is a folder."""
    out = b''
    for i, (name, mode, data) in enumerate([*files, ('TRAILER!!!', 0, b'')]):
        raw = name.rstrip('/').encode() + b'\0'
        numbers = [i, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0]
        out += b'070701' + b''.join(b'%08x' % n for n in numbers) + raw
        out += b'\0' * (-len(out) % 4) + data
        out += b'\0' * (-len(out) % 4)
    return out


def initramfs(folder):
    with open(guest('words-init'), 'rb') as f:
        init = f.read()
    return folder.file('initramfs', cpio([('dev/', 0o40755, b''), ('proc/', 0o40755, b''),
                                          ('init', 0o100755, init)]))


def find_kernel(pattern):
    found = sorted(glob.glob(os.path.join(KERNELS, pattern)))
    if not found:
        raise Skip(f'no {pattern} in MIRAGE_TEST_KERNELS; scripts/unpack-deb fetches it')
    return found[-1]


def linux(tap, folder):
    line = 'console=ttyS0 panic=1 quiet x="a b" y=$z;{}'.replace('x="a b"', '"x=a b"')
    rows = [(boot, firmware, adapter, *FORMATS[i % len(FORMATS)])
            for i, (boot, firmware, adapter, _) in enumerate(MATRIX)]
    # A layout has three rows there: a fourth, so that each is tried in each format (raw: memtest).
    rows += [(*MATRIX[i][:3], *FORMATS[(i + 3) % len(FORMATS)]) for i in range(0, len(MATRIX), 3)]
    for boot, firmware, adapter, form, driver in rows if ALL else (rows[2], rows[8]):
        with tap.part(f'a Debian Linux with an initramfs: {boot} as {form} on {firmware} from '
                      f'{adapter}'):
            need_firmware(firmware)
            long = line + ' ' + 'x' * (2023 - len(line) - 1)
            disk = image(folder, find_kernel('boot/vmlinuz-*-cloud-amd64'), boot, form,
                         '--module', initramfs(folder), '--arg', long)
            with Machine([disk], adapter, firmware, driver=driver) as machine:
                console = machine.ends()
            got = said(console, b'linux ')
            assert got == [f'BOOT_IMAGE=/boot/kernel {long}'], console
    with tap.part('Xen (multiboot 2) with a Linux dom0 and its initramfs'):
        with gzip.open(find_kernel('boot/xen-4*-amd64.gz')) as f:
            xen = folder.file('xen', f.read())
        dom0 = find_kernel('boot/vmlinuz-*[0-9]-amd64')
        words = 'console=hvc0 panic=1 quiet rdinit=/init a=$b;c'
        disk = folder.disk('both', xen, 'com1=115200,8n1 console=com1 dom0_mem=300M smt=0 '
                           'spec-ctrl=no noreboot xen=$word',
                           [(dom0, words), (initramfs(folder), '')])
        with Machine([disk], 'nvme', more=('-cpu', 'Haswell-noTSX', '-m', '900')) as machine:
            console = machine.ends()
            assert b'xen=$word' in console, console
            assert said(console, b'linux ') == [words], console


def arm64(tap, folder):
    for adapter, form, driver in (('virtio-blk', 'raw', 'raw'), ('nvme', 'qcow2', 'qcow2')):
        with tap.part(f'a Debian Linux for arm64: uefi as {form} from {adapter}'):
            need_firmware('arm64')
            line = 'console=ttyAMA0 panic=1 x=$y;{}'
            disk = image(folder, find_kernel('arm64/boot/vmlinuz-*-cloud-arm64'), 'uefi', form,
                         '--arg', line)
            with Machine([disk], adapter, 'arm64', driver=driver) as machine:
                console = machine.ends()
            want = f'Kernel command line: BOOT_IMAGE=/boot/kernel {line}'
            assert want.encode() in console, console
            assert b'Unable to mount root fs' in console, console  # it was given none


def main():
    if not shutil.which('qemu-system-x86_64'):
        skip_all('qemu-system-x86_64 is not installed')
    tap = Tap()
    folder = Folder()
    try:
        for part in (matrix, formats, arguments, right_disk, failures, others, linux, arm64,
                     pvgrub):
            if not PARTS or part.__name__ in PARTS:
                part(tap, folder)
    finally:
        shutil.rmtree(folder.path)
    assert set(DISKS) == {row[2] for row in MATRIX}
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
