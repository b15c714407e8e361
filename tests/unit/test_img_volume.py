#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Partition tables and file systems, judged by the programs of others: random trees (the same in
every run) are made by volume-maker; fsck.fat, mtools, e2fsck, debugfs, GRUB's own readers, sfdisk
and sgdisk say what they find. What is not installed is skipped by name. Argument: volume-maker.
Speaks TAP."""
import json
import os
import random
import re
import shutil
import subprocess
import sys

from tap import SBIN_PATH, Skip, need_program, run_cases

MAKER = sys.argv[1]
ENV = {**os.environ, 'LC_ALL': 'C', 'PATH': SBIN_PATH}
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
INPUT = random.Random(1).randbytes(9 * MIB)
AT = MIB  # where file systems begin
FAT16_MAX = 264 * MIB
# One cluster or block and its neighbours, the borders of ext2's pointers.
LENGTHS = [0, 1, 511, 512, 513, 1024, 4095, 4096, 4097, 12 * 4096, 12 * 4096 + 1,
           (12 + 1024) * 4096, (12 + 1024) * 4096 + 1, 3 * MIB]


def run(*args, accept=(0,), cwd=None):
    done = subprocess.run(args, capture_output=True, text=True, errors='replace', timeout=240,
                          check=False, env=ENV, cwd=cwd)
    assert done.returncode in accept, (args, done.returncode, done.stdout, done.stderr)
    return done.stdout


class Folder:
    """Calling it gives the path of a name in there."""

    def __init__(self, path):
        self.path = path
        self.input = self('input')
        with open(self.input, 'wb') as file:
            file.write(INPUT)

    def __call__(self, name):
        return os.path.join(self.path, name)

    def make(self, orders, name='disk'):
        """Returns the image's path, the bytes written, and whether a pipe would have done."""
        out, told = self(name), self('orders')
        with open(told, 'w', encoding='ascii') as file:
            file.write('\n'.join(orders) + '\n')
        done = subprocess.run([MAKER, told, out, self.input], text=True, capture_output=True,
                              timeout=240, check=False)
        assert done.returncode == 0, (orders, done.stderr)
        written, order = done.stdout.split()
        return out, int(written), order == 'sequential'

    def part(self, disk):
        """The file system alone, its holes left out."""
        alone = self('alone')
        with open(disk, 'rb') as whole, open(alone, 'wb') as file:
            size = os.fstat(whole.fileno()).st_size
            file.truncate(size - AT)
            at = AT
            while at < size:
                try:
                    at = os.lseek(whole.fileno(), at, os.SEEK_DATA)
                except OSError:  # holes up to the end
                    break
                end = os.lseek(whole.fileno(), at, os.SEEK_HOLE)
                os.pwrite(file.fileno(), os.pread(whole.fileno(), end - at, at), at - AT)
                at = end
        return alone


# --- trees ---

def name_of(rng, number, fat):
    """Number makes it different from all others, without regard to upper and lower case."""
    kind = rng.randrange(6)
    if kind == 0:
        return f'F{number}.BIN'
    if kind == 1:
        return f'grub{number}.cfg'
    if kind == 2:
        return 'a name that is longer than eight ' + str(number) + '.conf'
    if kind == 3:
        return f'.{number}.x.y'
    if kind == 4:
        letters = 'abcXYZ 019-_+=,;[]{}!#$%&()@^~.' + ('' if fat else ':?*<>|"')
        middle = ''.join(rng.choice(letters) for _ in range(rng.randrange(1, 60)))
        return f'x{number}{middle}y'
    return str(number).ljust(rng.randrange(4, 255), 'l')


def tree_of(rng, fat):
    """A list of (path, input place or None, length), the input's ranges in increasing order."""
    folders = ['']
    for n in range(rng.randrange(6)):
        parent = rng.choice(folders)
        if parent.count('/') < 5:
            folders.append(parent + name_of(rng, 900 + n, fat) + '/')
    files, at = [], 0
    for n in range(rng.choice([0, 1, 2, 5, 20, 64])):
        length = rng.choice(LENGTHS + [rng.randrange(70000)] * 6)
        place = None if rng.random() < 0.3 else at
        if place is not None:
            length = min(length, len(INPUT) - at)
            at += length + rng.randrange(3)
            at = min(at, len(INPUT))
        files.append((rng.choice(folders) + name_of(rng, n, fat), place, length))
    return files


def content(place, length):
    if place is not None:
        return INPUT[place:place + length]
    period = bytes(i * 7 % 251 for i in range(251))
    return (period * (length // 251 + 1))[:length]


def orders_of(files):
    return [f'bytes {length} {path}' if place is None else f'input {place} {length} {path}'
            for path, place, length in files]


def check_copy(folder, files):
    """What a tool took out is what was put in: names, contents, nothing else."""
    found = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            with open(path, 'rb') as file:
                found[os.path.relpath(path, folder)] = file.read()
    assert sorted(found) == sorted(path for path, _, _ in files), (sorted(found), files)
    for path, place, length in files:
        assert found[path] == content(place, length), path


def check_by_grub(folder, disk, files):
    """GRUB's reader, as the boot loader has it, finds every byte."""
    local = folder('local')
    for path, place, length in files[:12]:
        # GRUB's command line takes no path with a comma or a bracket at face value.
        if re.search(r'[^A-Za-z0-9._ /-]', path) or not length:
            continue
        with open(local, 'wb') as file:
            file.write(content(place, length))
        run('grub-fstest', disk, 'cmp', f'(loop0,msdos1)/{path}', local)


def with_mbr(kind, length):
    return [f'disk {AT + length}', f'part {kind} {AT} {length} *x', 'mbr 305419896']


# --- FAT ---

def fat_orders(files, length):
    return [*with_mbr('fat', length), *orders_of(files), f'fat {AT} {length} 12345678 mirage']


def fsck_fat(image):
    run('fsck.fat', '-n', image)


def fat_trees(folder):
    need_program('fsck.fat', 'mcopy', 'mdir')
    rng = random.Random(2)
    for number in range(24):
        files = tree_of(rng, fat=True)
        length = rng.choice([32 * MIB, 40 * MIB, 100 * MIB, FAT16_MAX, FAT16_MAX + 512, 300 * MIB])
        disk, _, in_order = folder.make(fat_orders(files, length))
        assert in_order, files
        alone = folder.part(disk)
        fsck_fat(alone)
        out = folder(f'out{number}')
        os.mkdir(out)
        if files:
            run('mcopy', '-s', '-n', '-Q', '-i', f'{disk}@@{AT}', '::/', out + '/')
        check_copy(out, files)
        shutil.rmtree(out)
        if not files:
            continue  # mdir calls an empty root "not found"
        listing = run('mdir', '-/', '-b', '-i', alone, '::')
        assert sum(not line.endswith('/') for line in listing.splitlines()) == len(files), listing


def fat_by_grub(folder):
    need_program('grub-fstest')
    rng = random.Random(3)
    for length in (32 * MIB, 300 * MIB):
        files = [f for f in tree_of(rng, fat=True) if ' ' not in f[0]] + \
                [('boot/kernel.bin', 1000, 3 * MIB), ('boot/grub/grub.cfg', None, 300)]
        disk, _, _ = folder.make(fat_orders(files, length))
        check_by_grub(folder, disk, files)
        assert 'kernel.bin' in run('grub-fstest', disk, 'ls', '(loop0,msdos1)/boot/')


def fat_borders(folder):
    """Every length where something changes."""
    need_program('fsck.fat')
    borders = [2160 * KIB, 5 * MIB, 10 * MIB, 20 * MIB, 255 * MIB, FAT16_MAX, 8 * GIB, 16 * GIB,
               33 * GIB]
    for border in borders:
        for length in (border, border + 512):
            orders = [f'disk {length}', 'input 0 700000 KERNEL', f'fat 0 {length} 1 -']
            image, _, _ = folder.make(orders)
            kind = 16 if length <= FAT16_MAX else 32
            assert f'2 FATs, {kind} bit entries' in run('fsck.fat', '-nv', image)


def fat_sized_by_itself(folder):
    """A length of 0 stands for img_fat_bytes."""
    need_program('fsck.fat')
    rng = random.Random(4)
    for _ in range(10):
        files = tree_of(rng, fat=True)
        image, _, _ = folder.make([f'disk {40 * MIB}', *orders_of(files), 'fat 0 0 1 -'])
        fsck_fat(image)


# --- ext2 ---

UUID = '00112233445566778899aabbccddeeff'


def ext2_orders(files, length):
    return [*with_mbr('linux', length), *orders_of(files), f'ext2 {AT} {length} {UUID} mirage']


def e2fsck(image):
    out = run('e2fsck', '-fn', image)
    assert 'non-contiguous' in out and 'ignored' not in out, out


def ext2_trees(folder):
    need_program('e2fsck', 'debugfs')
    rng = random.Random(5)
    for number in range(24):
        files = tree_of(rng, fat=False)
        disk, _, in_order = folder.make(ext2_orders(files, 32 * MIB))
        assert in_order, files
        alone = folder.part(disk)
        e2fsck(alone)
        out = folder(f'out{number}')
        os.mkdir(out)
        run('debugfs', '-R', f'rdump / {out}', alone)
        check_copy(out, files)
        shutil.rmtree(out)


def ext2_by_grub(folder):
    need_program('grub-fstest')
    rng = random.Random(6)
    for _ in range(3):
        files = [f for f in tree_of(rng, fat=False) if ' ' not in f[0]] + \
                [('boot/kernel', 1000, (12 + 1024 + 100) * 4096), ('boot/grub/menu.lst', None, 300)]
        disk, _, _ = folder.make(ext2_orders(files, 40 * MIB))
        check_by_grub(folder, disk, files)
        assert 'kernel' in run('grub-fstest', disk, 'ls', '(loop0,msdos1)/boot/')


def grub_legacy(folder):
    """The program of Debian's package; it is fetched, not installed."""
    need_program('apt-get', 'dpkg-deb')
    if not os.path.exists('/lib/ld-linux.so.2'):
        raise Skip('libc6-i386 is not installed')
    done = subprocess.run(['apt-get', '-q', 'download', 'grub-legacy'], cwd=folder.path, env=ENV,
                          capture_output=True, timeout=120, check=False)
    found = [name for name in os.listdir(folder.path) if name.startswith('grub-legacy_')]
    if done.returncode or not found:
        raise Skip('package grub-legacy cannot be fetched')
    run('dpkg-deb', '-x', folder(found[0]), folder('legacy'))
    return folder('legacy/usr/sbin/grub')


def ext2_by_grub_legacy(folder):
    """The code that PV-GRUB has, too, prints a text of ours that takes double indirection."""
    grub = grub_legacy(folder)
    text = ''.join(f'{n}\n' for n in range(10 ** 6, 10 ** 6 + 700000))
    with open(folder.input, 'w', encoding='ascii') as file:
        file.write(text)
    files = [('boot/small', None, 10), ('boot/grub/deep/er/kernel', 0, len(text))]
    disk, _, _ = folder.make(ext2_orders(files, 16 * MIB))
    with open(folder('map'), 'w', encoding='ascii') as file:
        file.write(f'(hd0) {disk}\n')
    done = subprocess.run([grub, '--batch', '--device-map=' + folder('map')], text=True,
                          input=f'pager off\nroot (hd0,0)\ncat /{files[1][0]}\nquit\n', env=ENV,
                          capture_output=True, timeout=120, check=False)
    assert 'Filesystem type is ext2fs' in done.stdout, done.stdout[:2000]
    lines = [line for line in done.stdout.splitlines() if re.fullmatch(r' *\d+', line)]
    assert ' '.join(lines).split() == text.split(), (len(lines), done.stdout[-500:])


def ext2_features(folder):
    """Nothing that GRUB legacy does not know."""
    need_program('debugfs')
    image, _, _ = folder.make(['disk 8388608', 'input 0 3000000 boot/kernel',
                               f'ext2 0 8388608 {UUID} mirage'])
    stats = run('debugfs', '-R', 'stats -h', image)
    for regex in (r'features: +filetype sparse_super\n', r'revision #: +1 ', r'Inode size:\s+128\n',
                  r'Block size: +4096\n', r'volume name: +mirage\n', r'Filesystem state: +clean\n',
                  r'UUID: +00112233-4455-6677-8899-aabbccddeeff\n'):
        assert re.search(regex, stats), (regex, stats)


def ext2_large(folder):
    """Beyond double indirection and 2 GiB, over many groups; the file's own bytes are left out.
    The kernel of a Linux host would read it so: debugfs follows the pointers to the last block."""
    need_program('e2fsck', 'debugfs')
    for length in (127 * MIB, 128 * MIB, 500 * MIB, 2 * GIB, 5 * GIB):
        image, _, _ = folder.make(['disk ' + str(8 * GIB), f'input 0 {length} kernel',
                                   f'ext2 0 0 {UUID} -', 'tables'])
        e2fsck(image)
        blocks = (length + 4095) // 4096
        bmap = run('debugfs', '-R', f'bmap kernel {blocks - 1}', image)
        assert int(bmap) * 4096 + 4096 <= 8 * GIB and int(bmap) >= blocks, bmap
        stat = run('debugfs', '-R', 'stat kernel', image)
        assert f'Size: {length}' in stat, stat
        large = 'large_file' in run('debugfs', '-R', 'stats -h', image)
        assert large == (length >= 2 * GIB), length


def ext2_groups(folder):
    """Every number of blocks around the ends of the first groups: also the smallest last group."""
    need_program('e2fsck')
    group = 32768 * 4096
    for groups in (1, 2, 3):
        for blocks in range(-50, 12, 3):
            length = groups * group + blocks * 4096
            image, _, _ = folder.make(['disk ' + str(GIB), f'input 0 {length} kernel',
                                       f'ext2 0 0 {UUID} -', 'tables'])
            e2fsck(image)


# --- partition tables ---

def random_partitions(rng, most):
    """Places in whole sectors, in any order, some of them neighbours."""
    edges = sorted(rng.sample(range(34, 16384 - 34), 2 * rng.randrange(1, most + 1)))
    rows = [[edges[i], edges[i + 1] - edges[i]] for i in range(0, len(edges), 2)]
    for row, following in zip(rows, rows[1:]):
        if rng.random() < 0.3:
            row[1] = following[0] - row[0]
    rng.shuffle(rows)
    return rows


def read_table(disk):
    table = json.loads(run('sfdisk', '--json', disk))['partitiontable']
    rows = {int(re.search(r'(\d+)$', row['node']).group(1)): row for row in table['partitions']}
    return table, [rows[n] for n in sorted(rows)]


def mbr_tables(folder):
    need_program('sfdisk')
    rng = random.Random(7)
    for _ in range(12):
        rows = random_partitions(rng, 4)
        orders = ['disk 8388608'] + [f'part linux {at * 512} {n * 512} *' for at, n in rows]
        disk, written, _ = folder.make([*orders, 'mbr 305419896'])
        assert written == 512
        run('sfdisk', '-V', '-q', disk)
        table, found = read_table(disk)
        assert table['label'] == 'dos' and table['id'] == '0x12345678', table
        assert [[row['start'], row['size']] for row in found] == rows
        assert all(row['type'] == '83' and row['bootable'] for row in found), found


GPT_TYPES = {'linux': '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
             'fat': 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7',
             'esp': 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
             'bios': '21686148-6449-6E6F-744E-656564454649'}


def gpt_tables(folder):
    need_program('sfdisk', 'sgdisk')
    rng = random.Random(8)
    for number in range(12):
        rows = random_partitions(rng, 4 if number else 120)
        kinds = [rng.choice(list(GPT_TYPES)) for _ in rows]
        orders = ['disk 8388608'] + [
            f'part {kind} {at * 512} {n * 512} *name of {at}' for kind, (at, n) in zip(kinds, rows)]
        disk, written, _ = folder.make([*orders, f'gpt {UUID}'])
        assert written == 3 * 512 + 2 * 128 * len(rows)
        assert 'No problems found' in run('sgdisk', '-v', disk)
        run('sfdisk', '-V', '-q', disk)
        table, found = read_table(disk)
        assert table['label'] == 'gpt', table
        for row, kind, (at, n) in zip(found, kinds, rows):
            assert [row['start'], row['size'], row['type'], row['name'], row['attrs']] == \
                [at, n, GPT_TYPES[kind], f'name of {at}', 'LegacyBIOSBootable'], row
        assert len({row['uuid'] for row in found} | {table['id']}) == len(rows) + 1
        # The copy at the end is as good: without the first, sgdisk finds the same from it.
        before = run('sgdisk', '-p', disk)
        with open(disk, 'r+b') as file:
            file.seek(512)
            file.write(bytes(33 * 512))
        run('sgdisk', '-e', disk)
        after = run('sgdisk', '-p', disk)
        assert [line for line in before.splitlines() if line.startswith('  ')] == \
            [line for line in after.splitlines() if line.startswith('  ')], (before, after)


# --- all together ---

def the_same_twice(folder):
    """Equal orders give equal bytes; a large sparse volume costs little more than the kernel."""
    kernel = ['input 0 3000000 boot/kernel', 'bytes 90 boot/grub/grub.cfg']
    length = 8 * GIB
    for last in (f'fat {AT} {length} 1 x', f'ext2 {AT} {length} {UUID} x'):
        orders = [*with_mbr('linux', length), *kernel, last]
        first, written, in_order = folder.make(orders)
        second, _, _ = folder.make(orders, 'again')
        run('cmp', '-n', str(64 * MIB), first, second)
        assert os.stat(first).st_size == os.stat(second).st_size == AT + length
        assert in_order and written <= 3000000 + 90 + 64 * KIB, written
        assert os.stat(first).st_blocks * 512 <= 3000000 + 90 + 64 * KIB, os.stat(first)


CASES = [mbr_tables, gpt_tables, fat_trees, fat_by_grub, fat_borders, fat_sized_by_itself,
         ext2_trees, ext2_by_grub, ext2_by_grub_legacy, ext2_features, ext2_large, ext2_groups,
         the_same_twice]


if __name__ == '__main__':
    sys.exit(run_cases(CASES, Folder))
