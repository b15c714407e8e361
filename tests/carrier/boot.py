#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A carrier under QEMU without a disk and a boot loader: QEMU's own loader hands Xen or Linux what
GRUB would. The base is mirage-carrier's, the user's part is put together here.

    boot.py BIN CACHE KERNEL [--shape xen|linux] [--conf 'key value'] ... : one boot, its console

BIN has mirage-carrier; CACHE is its cache, and has to have the packages (it is never online here).
As a library: `make_base`, `user_part`, `Machine`."""
import argparse
import gzip
import json
import os
import re
import select
import socket
import stat
import subprocess
import sys
import tempfile
import time

# What TCG wants and no cloud does: the first two cost time there, SMAP ends a PV dom0 at once.
XEN_OPTIONS = 'com1=115200,8n1 console=com1 smt=0 spec-ctrl=no dom0_max_vcpus=1'
CPU = 'Haswell-noTSX'


class Absent(Exception):
    """There is no base, and nothing to make it of."""


def make_base(binaries, cache, shape, init=None, tenders=()):
    """The folder of a base, made of what the cache has."""
    command = [os.path.join(binaries, 'mirage-carrier'), 'make', shape, '--cache', cache,
               '--offline', '--json']
    if init:
        command += ['--init', init]
    for tender in tenders:
        command += ['--tender', tender]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Absent((done.stderr.strip() or done.stdout.strip()).splitlines()[-1])
    return json.loads(done.stdout)['folder']


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


def user_part(conf, kernel, extra=()):
    """What differs between two deployments. kernel, conf: bytes, or None for a file that is not."""
    files = [('carrier.conf', conf), ('kernel', kernel), *extra]
    return [(name, stat.S_IFREG | 0o644, data) for name, data in files if data is not None]


class Machine:
    """One boot. `lines` is the console so far, each with the second it came; `off` when QEMU ended
    by itself."""

    def __init__(self, base, entries, memory=512, dom0=192, nic='e1000e', guest='10.0.2.15',
                 options=(), cpu=CPU, linux=''):
        self.folder = tempfile.TemporaryDirectory(prefix='carrier-')
        initramfs = os.path.join(self.folder.name, 'initramfs')
        with open(initramfs, 'wb') as handle:
            archive = read(os.path.join(base, 'base.cpio.zst'))
            handle.write(archive + bytes(-len(archive) % 4) +
                         gzip.compress(cpio(entries), 6, mtime=0))
        self.port = 0
        network = []
        if nic:
            with socket.socket() as listener:
                listener.bind(('127.0.0.1', 0))
                self.port = listener.getsockname()[1]
            forward = f'hostfwd=tcp:127.0.0.1:{self.port}-{guest}:80'
            network = ['-netdev', f'user,id=n0,restrict=on,{forward}',
                       '-device', f'{nic},netdev=n0,mac=52:54:00:12:34:56,romfile=']
        command = ['qemu-system-x86_64', '-machine', 'pc', '-cpu', cpu, '-accel', 'tcg',
                   '-m', str(memory), '-display', 'none', '-nodefaults', '-serial', 'stdio',
                   '-no-reboot', *self.boot(base, initramfs, dom0, linux), *network, *options]
        self.lines, self.partial, self.code = [], b'', None
        self.start = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)

    def boot(self, base, initramfs, dom0, linux):
        words = f'rdinit=/init panic=5 quiet {linux}'.strip()
        kernel = os.path.join(base, 'linux')
        if not os.path.exists(os.path.join(base, 'xen.gz')):
            return ['-kernel', kernel, '-append', f'console=ttyS0 no_timer_check {words}',
                    '-initrd', initramfs]
        hypervisor = os.path.join(self.folder.name, 'xen')
        with open(hypervisor, 'wb') as handle:
            handle.write(gzip.decompress(read(os.path.join(base, 'xen.gz'))))
        return ['-kernel', hypervisor, '-append', f'{XEN_OPTIONS} dom0_mem={dom0}M,max:{dom0}M',
                '-initrd', f'{kernel} console=hvc0 {words},{initramfs}']

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
    parser.add_argument('binaries')
    parser.add_argument('cache')
    parser.add_argument('kernel')
    parser.add_argument('--shape', default='xen', choices=['xen', 'linux'])
    parser.add_argument('--conf', action='append', default=[], help='a line of carrier.conf')
    parser.add_argument('--init')
    parser.add_argument('--tender', action='append', default=[])
    parser.add_argument('--memory', type=int, default=512)
    parser.add_argument('--dom0', type=int, default=192)
    parser.add_argument('--nic', default='e1000e', help='none: no card')
    parser.add_argument('--guest', default='10.0.2.15', help='where the forward leads to')
    parser.add_argument('--cpu', default=CPU)
    parser.add_argument('--seconds', type=float, default=60)
    parser.add_argument('--linux', default='', help='more words for Linux')
    options = parser.parse_args()
    base = make_base(options.binaries, options.cache, options.shape, options.init, options.tender)
    conf = ''.join(line + '\n' for line in options.conf).encode()
    with Machine(base, user_part(conf, read(options.kernel)), options.memory, options.dom0,
                 '' if options.nic == 'none' else options.nic, options.guest, cpu=options.cpu,
                 linux=options.linux) as machine:
        machine.wait(None, options.seconds)
        for when, line in machine.lines:
            print(f'{when:7.3f} {line}')
        end = 'still there' if machine.code is None else f'QEMU ended: {machine.code}'
        print(f'{machine.now():7.3f} {end}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
