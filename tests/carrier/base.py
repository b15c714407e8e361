#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""mirage-carrier on the packages of Debian, through apt and the network (some 110 MB): all shapes,
twice and in two caches to the byte, as an ordinary user, then without a network; and whether the
programs in it find their libraries. One package that was changed, and an end in the middle of a
real download. Speaks TAP; is skipped where apt reaches nothing. tests/e2e/carrier_base.py has all
that needs no network."""
import glob
import hashlib
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

from mirage import PATIENCE, Skip, Tap, program, skip_all
from tap import need_program

CARRIER = program('mirage-carrier')
SHAPES = {'xen': ['base.cpio.zst', 'disks.cpio.zst', 'linux', 'manifest.json', 'xen.gz'],
          'linux': ['base.cpio.zst', 'disks.cpio.zst', 'linux', 'manifest.json'],
          'shim': ['manifest.json', 'xen-shim.xz']}
# Bytes of a base, at most, with half a million of drivers that few images have. An image of 15 MB
# has room for 1.7 of a kernel, and for boot loaders.
BYTES_MAX = {'xen': 12_950_000, 'linux': 15_560_000, 'shim': 560_000}
FIRST = os.path.join(os.path.dirname(CARRIER), 'carrier', 'init')


class Folder:
    """Two caches, and the answers of the first."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='mir-carrier-')
        os.chmod(self.dir, 0o755)
        self.made = {}
        self.user = {}
        self.init = FIRST
        if not os.path.exists(FIRST):  # any static program will do
            self.init = os.path.join(self.dir, 'init')
            subprocess.run(['cc', '-static', '-o', self.init, '-xc', '-'], check=True,
                           input=b'int main(void) { return 0; }')
        self.carrier = CARRIER
        if os.geteuid() == 0:  # as somebody who may nothing; the build may be out of his reach
            self.carrier = shutil.copy(CARRIER, self.dir)
            self.init = shutil.copy(self.init, os.path.join(self.dir, 'first'))
            os.chmod(self.init, 0o755)
            self.user = {'user': 65534, 'group': 65534, 'extra_groups': []}

    def cache(self, name):
        path = os.path.join(self.dir, name)
        if not os.path.isdir(path):
            os.mkdir(path)
            if self.user:
                os.chown(path, 65534, 65534)
        return path

    def start(self, cache, *words, **more):
        return subprocess.Popen([self.carrier, 'make', *words, '--cache', self.cache(cache),
                                 '--init', self.init, '--json'], cwd='/', text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env={**os.environ, 'HOME': '/nonexistent'}, **self.user, **more)

    def make(self, cache, *words, expect=0):
        child = self.start(cache, *words)
        out, err = child.communicate(timeout=600 * PATIENCE)
        assert child.returncode == expect, (words, child.returncode, out, err)
        return json.loads(out), err


def content(folder):
    found = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), 'rb') as f:
            found[name] = f.read()
    return found


def shapes(f):
    for shape, names in SHAPES.items():
        begin = time.monotonic()
        made, _ = f.make('one', shape)
        took = time.monotonic() - begin
        f.made[shape] = made
        assert made['made'] and sorted(os.listdir(made['folder'])) == names, made
        assert made['bytes'] <= BYTES_MAX[shape], made
        print(f'# {shape}: {made["bytes"]} bytes of {made["packages"]} packages, {took:.1f} s')
        begin = time.monotonic()
        again, err = f.make('one', shape)
        took = time.monotonic() - begin
        assert not again['made'] and again['folder'] == made['folder'] and not err, (again, err)
        assert took < 0.2 * PATIENCE, took


def sources(f):
    """What somebody who publishes an image has to offer can be named."""
    for made in f.made.values():
        with open(os.path.join(made['folder'], 'manifest.json')) as file:
            said = json.load(file)
        for package in said['packages']:
            assert package['source'] and package['source_version'], package
            assert len(package['sha256']) == 64 and package['architecture'] in ('amd64', 'all')
        names = {package['name'] for package in said['packages']}
        for entry in said['archive']:
            assert entry.get('package') in names or entry['kind'] != 'file' or \
                entry['path'] in ('init', 'etc/xen/xl.conf'), entry


def payload(bzimage):
    """Where Linux says that its packed kernel is; unpacked by the programs of others."""
    at = (bzimage[0x1f1] + 1) * 512 + struct.unpack_from('<I', bzimage, 0x248)[0]
    packed = bzimage[at:at + struct.unpack_from('<I', bzimage, 0x24c)[0] - 4]
    tool = ['xz', '-dc'] if packed.startswith(b'\xfd7zXZ') else ['zstd', '-dcq', '--long=31']
    return subprocess.run(tool, input=packed, check=True, capture_output=True).stdout


def spared(f):
    """dom0's Linux is Debian's, but for exactly what the manifest says."""
    need_program('xz', 'zstd', 'tar', 'dpkg-deb')
    deb, = glob.glob(os.path.join(f.cache('one'), 'debs', 'linux-image-*[0-9]-amd64_*.deb'))
    bzimage = subprocess.run(f"dpkg-deb --fsys-tarfile '{deb}' | tar -xO --wildcards "
                             "'./boot/vmlinuz-*'", shell=True, check=True,
                             capture_output=True).stdout
    debian = payload(bzimage)
    base = content(f.made['xen']['folder'])
    ours = subprocess.run(['zstd', '-dcq'], input=base['linux'][:-4], check=True,
                          capture_output=True).stdout
    row, = [row for row in json.loads(base['manifest.json'])['files'] if row['name'] == 'linux']
    said = row['repacked']
    assert said['unpacked'] == {'bytes': len(debian),
                                'sha256': hashlib.sha256(debian).hexdigest()}, said
    cut, types = said['relocations_cut']['bytes'], said['btf_zeroed']['bytes']
    print(f'# {cut} bytes of relocations cut, {types} of types zeroed: {len(base["linux"])} bytes')
    assert len(ours) == len(debian) - cut == struct.unpack('<I', base['linux'][-4:])[0]
    at = debian.find(b'\x9f\xeb\x01\0\x18\0\0\0\0\0\0\0')
    assert ours[:at] == debian[:at] and not ours[at:at + types].strip(b'\0')
    assert ours[at + types:] == debian[at + types:len(ours)]


def libraries(f):
    """By the loader that is in it, and with nothing but what is in it."""
    need_program('zstd', 'cpio')
    root = os.path.join(f.dir, 'root')
    os.mkdir(root)
    # zstd complains of the zeros behind the end, which Linux passes over.
    subprocess.run(f"zstd -dc '{f.made['xen']['folder']}/base.cpio.zst' 2>/dev/null | "
                   'cpio --quiet -id --no-preserve-owner 2>/dev/null', shell=True, check=False,
                   cwd=root)
    loader = os.path.join(root, 'lib64/ld-linux-x86-64.so.2')
    for name in os.listdir(os.path.join(root, 'bin')):
        listed = subprocess.run([loader, '--inhibit-cache', '--library-path',
                                 os.path.join(root, 'lib'), '--list',
                                 os.path.join(root, 'bin', name)],
                                capture_output=True, text=True, check=False)
        assert listed.returncode == 0 and 'not found' not in listed.stdout, listed
        for line in listed.stdout.splitlines():
            if '=>' in line:
                assert line.split('=>')[1].strip().startswith(root), line


def same_bytes(f):
    for shape, made in f.made.items():
        other, _ = f.make('other', shape)
        assert os.path.basename(other['folder']) == os.path.basename(made['folder'])
        assert content(other['folder']) == content(made['folder']), shape


def without_network(f):
    for shape, made in f.made.items():
        before = content(made['folder'])
        shutil.rmtree(made['folder'])
        again, _ = f.make('one', shape, '--offline')
        assert again['made'] and content(again['folder']) == before, shape
        answer, _ = f.make('empty', shape, '--offline', expect=8)
        assert answer['error']['code'] == 'unavailable' and answer['error']['hint'], answer


def changed(f):
    shutil.rmtree(f.made['shim']['folder'])
    debs = os.path.join(f.cache('one'), 'debs')
    path = next(os.path.join(debs, n) for n in os.listdir(debs) if n.startswith('xen-utils'))
    with open(path, 'r+b') as file:
        file.seek(os.path.getsize(path) // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    answer, _ = f.make('one', 'shim', '--offline', expect=2)
    assert 'xen-utils' in answer['error']['text'], answer
    again, err = f.make('one', 'shim')
    assert again['made'] and 'fetching it again' in err, err


def killed(f):
    """At ten moments of the whole, what it has started with it."""
    begin = time.monotonic()
    f.make('whole', 'shim')
    whole = time.monotonic() - begin
    for i in range(10):
        child = f.start('killed', 'shim', start_new_session=True)
        try:
            child.wait(timeout=whole * i / 10)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        bases = [n for n in os.listdir(f.cache('killed')) if n.startswith('shim-')]
        for name in bases:
            assert content(os.path.join(f.cache('killed'), name)) == \
                content(f.made['shim']['folder']), name
    made, _ = f.make('killed', 'shim')
    assert content(made['folder']) == content(f.made['shim']['folder'])
    assert not [n for n in os.listdir(f.cache('killed')) if n.startswith('.new')]


def reachable(f):
    """None, or why there is nothing to test with."""
    child = f.start('one', 'shim')
    out, _ = child.communicate(timeout=600 * PATIENCE)
    if child.returncode == 8:
        return json.loads(out)['error']['text']
    assert child.returncode == 0, out
    shutil.rmtree(f.cache('one'))
    return None


def main():
    if not os.path.exists(CARRIER):
        skip_all('mirage-carrier is not built')
    tap = Tap()
    f = Folder()
    try:
        why = reachable(f)
        if why:
            skip_all(f'NO PACKAGES OF DEBIAN: {why}')
        for part in (shapes, sources, spared, libraries, same_bytes, without_network, changed,
                     killed):
            with tap.part(part.__name__.replace('_', ' ')):
                part(f)
    finally:
        shutil.rmtree(f.dir)
    return tap.end()


if __name__ == '__main__':
    assert Skip
    sys.exit(main())
