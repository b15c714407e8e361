#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The carrier `shim` where it is for: as an HVM guest of a Xen host (xen_host.py), on the disk that
a deployment to such a type of EC2's gets. A kernel of 2015 serves HTTP through the host's own
network back end, one of 2014 ends, and GRUB as a kernel says what it is told and halts: what ends
takes the machine with it. Speaks TAP. Each start takes a minute and more, so it is asked for:
MIRAGE_XEN_HOST=1."""
import os
import subprocess
import sys
import tempfile
import time

from boot import Absent
from carried import CACHE, grub, mirageos, need_base
from mirage import BIN, PATIENCE, Tap, get, need_programs, skip_all, wait_for
from tap import need_program
from xen_host import Host, fetch

LIVE = 150 * PATIENCE
STARTS, SPEAKS = 3, 100 * PATIENCE
# What the daemon writes for a shim, which has no first process that would read more of it.
CONF = 'kind xen-pv\nname {name}\nmemory 64\nnet none\n'
# Allocated, with the kernel of 2014.
BYTES_MAX = 2_000_000


def shim_base():
    done = subprocess.run([os.path.join(BIN, 'mirage-carrier'), 'make', 'shim', '--cache',
                           os.path.join(CACHE, 'mirage-deploy', 'carrier')], check=True,
                          capture_output=True, text=True, timeout=LIVE)
    return done.stdout.strip().splitlines()[-1].strip()


def make_disk(folder, kernel, name, words=''):
    conf = CONF.format(name=name) + (f'arguments {words}\n' if words else '')
    path = os.path.join(folder, name + '.raw')
    began = time.monotonic()
    with open(path, 'wb') as out:
        subprocess.run([os.path.join(BIN, 'mirage-image'), 'build', kernel, '--format', 'raw',
                        '--grub', os.path.join(BIN, 'grub'), '--carrier', shim_base(),
                        '--carrier-conf', conf], stdout=out, check=True, timeout=LIVE)
    took, kept = time.monotonic() - began, os.stat(path).st_blocks * 512
    print(f'# {name}: {kept} bytes allocated of {os.path.getsize(path)}, made in {took:.2f} s')
    return path, kept


def start(disk, memory=256):
    """A host whose guest speaks. The emulated SVM stands still now and then (in 2 of 12 starts),
    before the guest's firmware has read the first sector of the disk: another start is made of it,
    and that is said. What the disk does wrong it does every time."""
    for left in range(STARTS - 1, -1, -1):
        host = Host(BIN, CACHE, disk, memory)
        if host.wait(r'guest\| |the guest is gone', SPEAKS) or not left:
            return host
        print('# the machine stood still; another one is started')
        host.close()
    raise AssertionError


def guest(host):
    """What it has said on its paravirtual console."""
    return '\n'.join(line for _, line in host.lines if line.startswith('guest| '))


def must(host, pattern):
    line = host.wait(pattern, LIVE)
    assert line, f'no {pattern!r} on the console:\n' + host.text()[-4000:]
    return line


def serves(tap, folder):
    with tap.part('MirageOS of 2015 on a machine of the size of a t2.micro: HTTP 200'):
        disk, _ = make_disk(folder, mirageos('mortio'), 'mort')
        with start(disk, 1024) as host:
            must(host, r'guest\| ARP: sending gratuitous')
            status, text = wait_for('an answer', LIVE, lambda: answer(host))
            print(f'# HTTP {status} after {host.now():.1f} s')
            assert status == 200 and len(text) > 8000, (status, text[:200])
            assert '(XEN) Panic' not in guest(host), guest(host)


def answer(host):
    host.pump(0.2)
    said = get(host.http)
    return said if said[0] else None


def shut_down(host):
    must(host, 'host.*the guest is gone')
    assert 'has shut down, reason code 0' in host.text(), host.text()[-4000:]


def ends(tap, folder):
    with tap.part('MirageOS of 2014 ends: the machine shuts down, and its disk is small'):
        disk, kept = make_disk(folder, mirageos('2014'), 'old', 'a=1 b=2')
        with start(disk) as host:
            shut_down(host)
            assert 'main returned 0' in guest(host), guest(host)
            # Its own boot disk is the first that it finds.
            assert 'Blkfront info: sector_size=512' in guest(host), guest(host)
            assert 'cmd_line: a=1 b=2' in guest(host), guest(host)
        assert kept <= BYTES_MAX, kept


def says(tap, folder):
    with tap.part('GRUB as a kernel says its words and halts: the machine shuts down'):
        disk, _ = make_disk(folder, grub(folder, 'echo I am a guest of a shim\nhalt'), 'grub')
        with start(disk) as host:
            shut_down(host)
            assert 'I am a guest of a shim' in guest(host), guest(host)


def main():
    if not os.environ.get('MIRAGE_XEN_HOST'):
        skip_all('MIRAGE_XEN_HOST=1 starts a Xen host of the test\'s own (some four minutes)')
    need_programs('mirage-image', 'mirage-carrier')
    need_program('qemu-system-x86_64', 'dpkg-deb', 'zstd', 'cpio')
    need_base('xen', 'shim')
    try:
        fetch(CACHE)
    except Absent as why:
        skip_all(str(why))
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix='mir-shim-') as folder:
        serves(tap, folder)
        ends(tap, folder)
        says(tap, folder)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
