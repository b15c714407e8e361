#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A carrier's first process under QEMU, without a disk and a boot loader: its kernels and programs
from a folder of unpacked Debian packages, and an initramfs that is put together here.

    boot.py CACHE INIT KERNEL [--shape xen|linux] [--conf 'key value'] ... : one boot, its console

CACHE has a folder per package (linux-generic, linux-cloud, xen-hypervisor-X.Y-amd64, xen-utils-X.Y,
lib...), as `dpkg-deb -x` leaves them. As a library: `Packages`, `initramfs`, `Machine`."""
import argparse
import glob
import gzip
import os
import re
import select
import socket
import stat
import subprocess
import sys
import tempfile
import time

PROGRAMS = ['xl', 'xenstored', 'xenconsoled', 'xen-init-dom0']
FOLDERS = ['bin', 'etc', 'etc/xen', 'k', 'lib', 'lib64', 'tender']
# What TCG wants and no cloud does: the first two cost time there, SMAP ends a PV dom0 at once.
XEN_OPTIONS = 'com1=115200,8n1 console=com1 smt=0 spec-ctrl=no dom0_max_vcpus=1'
CPU = 'Haswell-noTSX'


class Absent(Exception):
    """A package that a boot needs is not in the folder."""


class Packages:
    """Files of unpacked packages, by name."""

    def __init__(self, folder):
        self.folder = folder
        self.files = {}
        for top in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            if top == 'deb':
                continue
            for path, _, names in os.walk(os.path.join(folder, top)):
                for name in names:
                    self.files.setdefault(name, []).append(os.path.join(path, name))

    def find(self, name, under=''):
        for path in self.files.get(name, []):
            if under in path:
                return os.path.realpath(path) if os.path.exists(path) else self.link(path)
        raise Absent(name)

    def link(self, path):
        """A link that is absolute, or leads to another package."""
        return self.find(os.path.basename(os.readlink(path)))

    def newest(self, pattern):
        found = sorted(glob.glob(os.path.join(self.folder, pattern)))
        if not found:
            raise Absent(pattern)
        return found[-1]


def needed(path):
    out = subprocess.run(['readelf', '-d', path], capture_output=True, text=True, check=True).stdout
    return re.findall(r'\(NEEDED\).*\[(.*)\]', out)


def closure(packages, paths):
    """The shared libraries that paths need, and those that these need."""
    found, left = {}, list(paths)
    while left:
        for name in needed(left.pop()):
            if name not in found:
                found[name] = packages.find(name)
                left.append(found[name])
    return found


def modules(packages, kernel, names):
    for name in names:
        try:
            yield f'k/{name}.ko', packages.find(f'{name}.ko', f'/{kernel}/')
        except Absent:
            pass  # built in, or for the other image


def cpio(entries):
    """newc: (name, mode, bytes), in their order."""
    out = bytearray()
    for number, (name, mode, data) in enumerate([*entries, ('TRAILER!!!', 0, b'')], 1):
        head = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        out += b'070701' + b''.join(b'%08X' % field for field in head) + name.encode() + b'\0'
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return bytes(out)


def read(path):
    with open(path, 'rb') as handle:
        return handle.read()


def table_of_modules(source):
    """The names in the table of images/carrier/init/modules.c."""
    text = re.sub(r'/\*.*?\*/', '', read(source).decode(), flags=re.S)
    rows = re.findall(r'\.modules = \{(.*?)\}', text, re.S)
    return [name for row in rows for name in re.findall(r'"([^"]+)"', row)]


def base(packages, init, shape, tender=None):
    """The entries of an image's initramfs, but for the user's part."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                          '../../images/carrier/init/modules.c')
    files = {'init': init}
    if shape == 'xen':
        files |= {f'bin/{name}': packages.find(name) for name in PROGRAMS}
    if tender:
        files[f'tender/{os.path.basename(tender)}'] = tender
    libraries = closure(packages, [path for name, path in files.items() if name != 'init'])
    loader = [name for name in libraries if name.startswith('ld-linux')]
    for name, path in libraries.items():
        files[f'lib64/{name}' if name in loader else f'lib/{name}'] = path
    if 'lib/libc.so.6' in files:  # needed by name alone, when a thread is cancelled
        files['lib/libgcc_s.so.1'] = packages.find('libgcc_s.so.1')
    files |= dict(modules(packages, {'xen': 'linux-generic', 'linux': 'linux-cloud'}[shape],
                          table_of_modules(source)))
    entries = [(name, stat.S_IFDIR | 0o755, b'') for name in FOLDERS]
    entries += [(name, stat.S_IFREG | 0o755, read(path)) for name, path in sorted(files.items())]
    for name in ('vif', 'block'):
        entries.append((f'etc/xen/{name}', stat.S_IFLNK | 0o777, b'/init'))
    entries.append(('etc/xen/xl.conf', stat.S_IFREG | 0o644, b''))
    return entries


def user_part(conf, kernel, extra=()):
    """What differs between two deployments. kernel, conf: bytes, or None for a file that is not."""
    files = [('carrier.conf', conf), ('kernel', kernel), *extra]
    return [(name, stat.S_IFREG | 0o644, data) for name, data in files if data is not None]


class Machine:
    """One boot. `lines` is the console so far, each with the second it came; `off` when QEMU ended
    by itself."""

    def __init__(self, packages, shape, entries, memory=512, dom0=192, nic='e1000e', guest='',
                 options=(), cpu=CPU, linux=''):
        self.folder = tempfile.TemporaryDirectory(prefix='carrier-')
        initramfs = os.path.join(self.folder.name, 'initramfs')
        with open(initramfs, 'wb') as handle:
            handle.write(gzip.compress(cpio(entries), 6, mtime=0))
        self.port = 0
        network = []
        if nic:
            with socket.socket() as listener:
                listener.bind(('127.0.0.1', 0))
                self.port = listener.getsockname()[1]
            forward = f'hostfwd=tcp:127.0.0.1:{self.port}-{guest or "10.0.2.15"}:80'
            network = ['-netdev', f'user,id=n0,restrict=on,{forward}',
                       '-device', f'{nic},netdev=n0,mac=52:54:00:12:34:56,romfile=']
        kernel, boot = self.boot(packages, shape, initramfs, dom0, linux)
        command = ['qemu-system-x86_64', '-machine', 'pc', '-cpu', cpu, '-accel', 'tcg',
                   '-m', str(memory), '-display', 'none', '-nodefaults', '-serial', 'stdio',
                   '-no-reboot', '-kernel', kernel, *boot, *network, *options]
        self.lines, self.partial, self.code = [], b'', None
        self.start = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)

    def boot(self, packages, shape, initramfs, dom0, linux):
        options = f'rdinit=/init panic=5 quiet {linux}'.strip()
        if shape == 'linux':
            return packages.newest('linux-cloud/boot/vmlinuz-*'), [
                '-append', f'console=ttyS0 {options}', '-initrd', initramfs]
        packed = packages.newest('xen-hypervisor-*/boot/xen-*-amd64.gz')
        hypervisor = os.path.join(self.folder.name, 'xen')
        with open(hypervisor, 'wb') as handle:
            subprocess.run(['gzip', '-dc', packed], stdout=handle, check=True)
        linux_path = packages.newest('linux-generic/boot/vmlinuz-*')
        return hypervisor, ['-append', f'{XEN_OPTIONS} dom0_mem={dom0}M,max:{dom0}M',
                            '-initrd', f'{linux_path} console=hvc0 {options},{initramfs}']

    def now(self):
        return time.monotonic() - self.start

    def pump(self, seconds):
        """Takes what the console has within seconds; False once it is at its end."""
        if not select.select([self.process.stdout], [], [], max(seconds, 0))[0]:
            return True
        data = os.read(self.process.stdout.fileno(), 65536)
        *whole, self.partial = (self.partial + data).split(b'\n')
        for line in whole:
            self.lines.append((self.now(), line.decode(errors='replace').rstrip('\r')))
        return bool(data)

    def wait(self, pattern=None, seconds=60):
        """The first line that matches, or None: at the end of the machine, or of the time."""
        end, seen = self.now() + seconds, 0
        while True:
            for _, line in self.lines[seen:]:
                if pattern and re.search(pattern, line):
                    return line
            seen = len(self.lines)
            if self.now() >= end:
                return None
            if not self.pump(end - self.now()):
                self.code = self.process.wait()
                return None

    @property
    def off(self):
        return self.code == 0

    def text(self):
        return '\n'.join(line for _, line in self.lines)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('cache')
    parser.add_argument('init')
    parser.add_argument('kernel')
    parser.add_argument('--shape', default='xen', choices=['xen', 'linux'])
    parser.add_argument('--conf', action='append', default=[], help='a line of carrier.conf')
    parser.add_argument('--tender')
    parser.add_argument('--memory', type=int, default=512)
    parser.add_argument('--dom0', type=int, default=192)
    parser.add_argument('--nic', default='e1000e')
    parser.add_argument('--guest', default='', help='the address that the forward leads to')
    parser.add_argument('--cpu', default=CPU)
    parser.add_argument('--seconds', type=float, default=60)
    parser.add_argument('--linux', default='', help='more words for Linux')
    options = parser.parse_args()
    packages = Packages(options.cache)
    entries = base(packages, options.init, options.shape, options.tender)
    conf = ''.join(line + '\n' for line in options.conf).encode()
    entries += user_part(conf, read(options.kernel))
    with Machine(packages, options.shape, entries, options.memory, options.dom0,
                 '' if options.nic == 'none' else options.nic, options.guest, cpu=options.cpu,
                 linux=options.linux) as machine:
        machine.wait(None, options.seconds)
        for when, line in machine.lines:
            print(f'{when:7.3f} {line}')
        print(f'{machine.now():7.3f} ' + (f'QEMU ended: {machine.code}' if machine.code is not None
                                          else 'still there'))
    return 0


if __name__ == '__main__':
    sys.exit(main())
