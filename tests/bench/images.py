# SPDX-License-Identifier: ISC
"""The rows of make bench about disk images: a kernel made a raw disk against cp, and sparse disks
from one container to another against qemu-img."""
import os
import shutil
import statistics
import subprocess
import tempfile

MIB = 1 << 20
KERNEL_BYTES = 3 * MIB
TMPFS = '/dev/shm'
PEERS = {'qcow2': ['qcow2'], 'vhd': ['vpc', '-o', 'subformat=fixed,force_size=on'],
         'vhd-dynamic': ['vpc', '-o', 'force_size=on'],
         'vmdk': ['vmdk', '-o', 'subformat=streamOptimized']}


def taken(pairs, rounds, ours, peer):
    """Medians: wall and CPU of ours, of the peer, and both ratios; microseconds."""
    done = subprocess.run([pairs, str(rounds), *ours, '--', *peer], capture_output=True, text=True,
                          check=True)
    rows = [[float(word) for word in line.split()] for line in done.stdout.splitlines()]
    middle = [statistics.median(row[i] for row in rows) for i in range(4)]
    return middle + [statistics.median(row[i] / row[i + 2] for row in rows) for i in range(2)]


def kernel_file(folder, build):
    """Machine code, as a kernel is: our own programs, one behind the other."""
    programs = os.path.join(build, 'bin')
    path = os.path.join(folder, 'kernel')
    code = b''
    for name in sorted(os.listdir(programs)):
        if os.path.isfile(os.path.join(programs, name)):
            with open(os.path.join(programs, name), 'rb') as file:
                code += file.read()
    with open(path, 'wb') as file:
        file.write((code * (KERNEL_BYTES // len(code) + 1))[:KERNEL_BYTES])
    return path


def ms(us):
    return f'{us / 1000:.2f} ms'


def kernel_against_cp(table, pairs, convert, rounds, where, folder, kernel):
    image, copy = os.path.join(folder, 'image'), os.path.join(folder, 'copy')
    found = taken(pairs, rounds, [convert, f'place:{MIB}:{64 * MIB}', 'raw', kernel, image],
                  ['cp', kernel, copy])
    table.add(f'raw image of a 3 MB kernel / cp, CPU, {where}', ms(found[1]), ms(found[3]),
              f'{found[5]:.2f}x', '<= 1.1x', found[5] <= 1.1)
    table.add(f'raw image of a 3 MB kernel / cp, wall, {where}', ms(found[0]), ms(found[2]),
              f'{found[4]:.2f}x', '<= 1.2x', found[4] <= 1.2)


def conversions(table, pairs, convert, rounds, folder, kernel):
    disk = os.path.join(folder, 'disk')
    for name, size in (('64 MB', 64 * MIB), ('8 GB', 8 << 30)):
        subprocess.run([convert, f'place:{MIB}:{size}', 'raw', kernel, disk], check=True)
        for container, peer in PEERS.items():
            ours = [convert, 'disk-raw', container, disk, os.path.join(folder, 'ours')]
            theirs = ['qemu-img', 'convert', '-f', 'raw', '-O', *peer, disk,
                      os.path.join(folder, 'theirs')]
            found = taken(pairs, rounds, ours, theirs)
            table.add(f'sparse {name} raw to {container} / qemu-img convert', ms(found[0]),
                      ms(found[2]), f'{found[4]:.2f}x (CPU {found[5]:.2f}x)', '<= 0.5x',
                      found[4] <= 0.5)


def measure(table, pairs, build, rounds):
    convert = os.path.join(build, 'tests', 'image', 'image_convert')
    for where, parent in (('tmpfs', TMPFS), ('the disk', build)):
        with tempfile.TemporaryDirectory(dir=parent) as folder:
            kernel = kernel_file(folder, build)
            kernel_against_cp(table, pairs, convert, rounds, where, folder, kernel)
    if not shutil.which('qemu-img'):
        table.add('conversions', '', 'qemu-img is not installed', '', '<= 0.5x')
        return
    # On a disk, opening the output of the round before waits until that has been written.
    with tempfile.TemporaryDirectory(dir=TMPFS) as folder:
        kernel = kernel_file(folder, build)
        conversions(table, pairs, convert, max(2, rounds // 4), folder, kernel)
