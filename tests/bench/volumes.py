# SPDX-License-Identifier: ISC
"""Rows of make bench: an image of a 3 MB kernel (partition table and file system) against copying
the kernel, and against the programs that make such file systems."""
import os
import random
import shutil
import statistics
import subprocess
import tempfile

import kernels
import mirage

KERNEL_BYTES = 3_000_000
IMAGE = 8 << 20
AT = 1 << 20
ORDERS = {
    'FAT': f'fat {AT} {IMAGE - AT} 12345678 x',
    'ext2': f'ext2 {AT} {IMAGE - AT} 00112233445566778899aabbccddeeff x',
}
# cp in the same place: CPU time, and on tmpfs, where nothing else is measured, time as such.
COPY = [('CPU', 1, 1.1, ('/dev/shm', None)), ('time', 0, 1.2, ('/dev/shm',))]


def pairs(tools, rounds, ours, peer):
    """Medians of (wall, CPU) of ours, of the peer, and of their ratios; None: one cannot run."""
    done = subprocess.run([tools['pairs'], str(rounds), *ours, '--', *peer], capture_output=True,
                          text=True, check=False)
    rows = [[float(word) for word in line.split()] for line in done.stdout.splitlines()]
    if done.returncode or not rows:
        return None
    return [[statistics.median(row[0 + i] for row in rows),
             statistics.median(row[2 + i] for row in rows),
             statistics.median(row[0 + i] / row[2 + i] for row in rows)] for i in (0, 1)]


def prepare(folder):
    """The kernel, alone and in a tree, and what volume-maker is told."""
    tree = os.path.join(folder, 'tree', 'boot')
    os.makedirs(tree)
    kernel = os.path.join(tree, 'kernel')
    with open(kernel, 'wb') as file:
        file.write(random.Random(1).randbytes(KERNEL_BYTES))
    for name, last in ORDERS.items():
        with open(os.path.join(folder, name), 'w', encoding='ascii') as file:
            file.write(f'disk {IMAGE}\npart linux {AT} {IMAGE - AT} *\nmbr 1\n'
                       f'input 0 {KERNEL_BYTES} boot/kernel\n{last}\n')
    return kernel


def whole_command(table, tools, rounds, folder, place):
    """What a user waits for: two processes, the inspection, the sandbox, the image."""
    kernel = os.path.join(folder, 'xen.elf')
    head = kernels.xen_pv()
    with open(kernel, 'wb') as file:
        file.write(head + random.Random(1).randbytes(KERNEL_BYTES - len(head)))
    ours = [mirage.program('mirage-deploy'), 'image', 'build', kernel, '-o',
            os.path.join(folder, 'whole.img'), '--force', '--boot', 'pvgrub', '--size', str(IMAGE)]
    for kind, name, command, _ in peers(folder, kernel):
        found = pairs(tools, max(2, rounds // 4), ours, command) if kind == 'ext2' else None
        if found:
            mine, peer, ratio = found[0]
            table.add(f'mirage-deploy image build of a 3 MB kernel, {place or "disk"} / {name}',
                      f'{mine / 1000:.2f} ms', f'{peer / 1000:.2f} ms', f'{ratio:.2f}x')


def peers(folder, kernel):
    """(file system, what, its command, goal): programs that fill a file system from files."""
    out = os.path.join(folder, 'peer.img')
    tree = os.path.join(folder, 'tree')
    rows = []
    if shutil.which('mke2fs'):
        rows.append(('ext2', 'mke2fs -d', ['mke2fs', '-q', '-F', '-t', 'ext2', '-b', '4096', '-d',
                                           tree, out, str(IMAGE >> 10)], 0.35))
    if shutil.which('mformat'):
        text = (f'mformat -C -i {out} -T {(IMAGE - AT) // 512} -h 255 -s 63 :: && '
                f'mmd -i {out} ::/boot && mcopy -o -i {out} {kernel} ::/boot/KERNEL && rm {out}')
        rows.append(('FAT', 'mformat + mcopy', ['sh', '-c', text], 0.7))
    return rows


def in_one_place(table, tools, rounds, maker, folder, place):
    kernel = prepare(folder)

    def ours(kind):
        return [maker, os.path.join(folder, kind), os.path.join(folder, 'ours.img'), kernel]

    for kind in ORDERS:
        found = pairs(tools, rounds, ours(kind), ['cp', kernel, os.path.join(folder, 'copy')])
        for what, at, goal, places in COPY:
            if found and place in places:
                mine, peer, ratio = found[at]
                table.add(f'image of a 3 MB kernel, {kind}, {place or "disk"} / cp, {what}',
                          f'{mine / 1000:.2f} ms', f'{peer / 1000:.2f} ms', f'{ratio:.2f}x',
                          f'<= {goal}x', ratio <= goal)
    for kind, name, command, goal in peers(folder, kernel):
        found = pairs(tools, max(2, rounds // 2), ours(kind), command)
        if found:
            mine, peer, ratio = found[0]
            table.add(f'image of a 3 MB kernel, {kind}, {place or "disk"} / {name}',
                      f'{mine / 1000:.2f} ms', f'{peer / 1000:.2f} ms', f'{ratio:.2f}x',
                      f'<= {goal}x', ratio <= goal)
    whole_command(table, tools, rounds, folder, place)
    for kind in ORDERS:
        subprocess.run(ours(kind), check=True, stdout=subprocess.DEVNULL)
        more = os.stat(os.path.join(folder, 'ours.img')).st_blocks * 512 - KERNEL_BYTES
        table.add(f'image of a 3 MB kernel, {kind}, {place or "disk"}: allocated beside it',
                  f'{more / 1024:.0f} KiB', '', '', '<= 64 KiB', more <= 64 << 10, quiet=False)


def volumes(table, tools, rounds, build):
    maker = os.path.join(build, 'images', 'volume-maker')
    if not os.path.exists(maker):
        table.add('image of a 3 MB kernel', '', 'volume-maker is not built')
        return
    for place in ('/dev/shm', None):
        with tempfile.TemporaryDirectory(dir=place or build) as folder:
            in_one_place(table, tools, rounds, maker, folder, place)
