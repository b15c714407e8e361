#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Our containers and readers against qemu-img. Argument: image_convert. Speaks TAP; without
qemu-img (Debian's qemu-utils) everything is skipped."""
import json
import os
import subprocess
import sys

from tap import need_program, run_cases

CONVERT = os.path.abspath(sys.argv[1])
MIB = 1 << 20
# Our name: qemu-img's driver, the pieces that something is kept in, and whether it can check.
CONTAINERS = {'raw': ('raw', 4096, False), 'qcow2': ('qcow2', 65536, True),
              'vhd': ('vpc', 4096, False), 'vhd-dynamic': ('vpc', 2 * MIB, False),
              'vmdk': ('vmdk', 65536, True)}
SIZES = [512, 65536 + 512, MIB - 512, 37 * MIB + 512, 8 << 30]


def run(*args, code=0, **options):
    done = subprocess.run(args, capture_output=True, text=True, timeout=200, check=False, **options)
    assert done.returncode == code, f'{args}: {done.returncode} {done.stdout} {done.stderr}'
    return done


def qemu_img(*args):
    return run('qemu-img', *args).stdout


def qemu_io(path, *commands, driver='qcow2', write=True):
    words = [word for command in commands for word in ('-c', command)]
    done = run('qemu-io', '-f', driver, *([] if write else ['-r']), *words, path)
    assert not any(word in done.stdout + done.stderr for word in ('failed', 'error')), done


def convert(source, container, *files):
    """The ranges that were written: of a disk made from a seed only."""
    done = run(CONVERT, source, container, *files)
    return [tuple(map(int, line.split())) for line in done.stderr.splitlines()]


def virtual_size(path, driver):
    return json.loads(qemu_img('info', '-f', driver, '--output=json', path))['virtual-size']


def data_ranges(path, driver):
    """What qemu-img says holds data, neighbours joined."""
    ranges = []
    for entry in json.loads(qemu_img('map', '-f', driver, '--output=json', path)):
        if not entry['data']:
            continue
        start, end = entry['start'], entry['start'] + entry['length']
        if ranges and ranges[-1][1] == start:
            ranges[-1][1] = end
        else:
            ranges.append([start, end])
    return ranges


def blocks_of(ranges, block, size):
    """Whole blocks that hold something, neighbours joined: [start, end)."""
    found = []
    for at, length in ranges:
        start, end = at // block * block, min(-(-(at + length) // block) * block, size)
        if found and start <= found[-1][1]:
            found[-1][1] = max(end, found[-1][1])
        else:
            found.append([start, end])
    return found


def allocated(path):
    return os.stat(path).st_blocks * 512


def one_disk(folder, name, seed, size):
    driver, block, can_check = CONTAINERS[name]
    path, raw = os.path.join(folder, 'image'), os.path.join(folder, 'raw')
    source = f'random:{seed}:{size}'
    written = convert(source, name, os.path.join(folder, 'input'), path)
    full = virtual_size(path, driver)
    assert full - size < MIB, (name, size, full)
    source = f'random:{seed}:{full}'
    assert convert(source, 'raw', os.path.join(folder, 'input'), raw) == written
    assert os.stat(raw).st_size == full
    qemu_img('compare', '-f', 'raw', '-F', driver, raw, path)
    if can_check:
        assert 'No errors' in qemu_img('check', '-f', driver, path)
    if name in ('qcow2', 'vmdk', 'vhd-dynamic'):  # the others keep it as the file system does
        assert data_ranges(path, driver) == blocks_of(written, block, full), (name, seed, size)
    most = sum(end - start for start, end in blocks_of(written, 65536, full))
    assert allocated(path) <= most + 640 * 1024, (name, seed, size, allocated(path), most)


def containers(folder):
    for name in CONTAINERS:
        for number, size in enumerate(SIZES):
            for seed in range(2):
                one_disk(folder, name, 10 * number + seed, size)


def the_largest(folder):
    size = 2040 << 30
    raw, path = os.path.join(folder, 'raw'), os.path.join(folder, 'image')
    with open(raw, 'wb') as file:
        file.write(b'begin')
        file.seek(size - 3)
        file.write(b'end')
    for name in ('qcow2', 'vhd', 'vhd-dynamic', 'vmdk'):
        driver, block, can_check = CONTAINERS[name]
        convert('disk-raw', name, raw, path)
        assert virtual_size(path, driver) == size, name
        assert allocated(path) < 8 * MIB, (name, allocated(path))
        # A comparison takes qemu-img 17 s for each: its eyes on both ends, and on what is data.
        qemu_io(path, f'read -P {ord("b")} 0 1', 'read -P 0 5 65531',
                f'read -P 0 {size - 65536} 65533', f'read -P {ord("d")} {size - 1} 1',
                driver=driver, write=False)
        if name != 'vhd':
            assert data_ranges(path, driver) == [[0, block], [size - block, size]], name
        if can_check:
            assert 'No errors' in qemu_img('check', '-f', driver, path)


READ = [('qcow2', 'disk-qcow2', options) for options in (
            '', 'compat=0.10', 'cluster_size=512', 'cluster_size=2M', 'lazy_refcounts=on',
            'refcount_bits=1', 'preallocation=metadata', 'preallocation=full')] + \
       [('vpc', 'disk-vhd', options) for options in (
           '', 'force_size=on', 'subformat=fixed', 'subformat=fixed,force_size=on')] + \
       [('vmdk', 'disk-vmdk', options) for options in (
           '', 'subformat=streamOptimized', 'zeroed_grain=on', 'compat6=on',
           'adapter_type=lsilogic,hwversion=7')]


def made_by_qemu(folder):
    raw, path, back = (os.path.join(folder, name) for name in ('raw', 'image', 'back'))
    for seed, size in enumerate((65536 + 512, 70 * MIB + 512)):
        convert(f'random:{seed}:{size}', 'raw', os.path.join(folder, 'input'), raw)
        for driver, format_, options in READ:
            if os.path.exists(path):
                os.unlink(path)
            options = ['-o', options] if options else []
            qemu_img('convert', '-f', 'raw', '-O', driver, *options, raw, path)
            convert(format_, 'raw', path, back)
            # Without force_size qemu-img rounds up to its geometry: the rest is zeros.
            assert 'Images are identical' in qemu_img('compare', '-f', 'raw', '-F', 'raw', raw,
                                                      back), (driver, options)
            assert virtual_size(path, driver) == os.stat(back).st_size, (driver, options)


def written_over(folder):
    """Snapshots, zero clusters, discarded ones, clusters in another order than the disk's."""
    path, back, want = (os.path.join(folder, name) for name in ('image', 'back', 'want'))
    qemu_img('create', '-f', 'qcow2', path, '64M')
    qemu_io(path, 'write -P 1 40M 1M', 'write -P 2 0 192k', 'write -P 3 4097 1000')
    qemu_img('snapshot', '-c', 'before', path)
    qemu_io(path, 'write -P 4 64k 64k', 'write -z 40M 128k', 'discard 41M 64k',
            'write -P 5 63M 1M', 'write -P 6 20M 513', 'write -z -u 0 64k')
    convert('disk-qcow2', 'raw', path, back)
    qemu_img('convert', '-f', 'qcow2', '-O', 'raw', path, want)
    with open(back, 'rb') as ours, open(want, 'rb') as theirs:
        assert ours.read() == theirs.read()


def grains_in_any_order(folder):
    """A sparse VMDK written backwards, with grains that were given up; and many tables of them."""
    path, back, want = (os.path.join(folder, name) for name in ('image', 'back', 'want'))
    qemu_img('create', '-f', 'vmdk', '-o', 'zeroed_grain=on', path, '200M')
    qemu_io(path, *(f'write -P {n} {n * 11}M {n * 5}k' for n in range(17, 0, -1)),
            'write -z 22M 64k', 'write -P 200 199M 1M', driver='vmdk')
    for output in ('raw', 'qcow2', 'vmdk'):
        convert('disk-vmdk', output, path, back)
        qemu_img('convert', '-f', 'vmdk', '-O', 'raw', path, want)
        qemu_img('compare', '-f', CONTAINERS[output][0], '-F', 'raw', back, want)


REFUSED = [(('-c',), 'compressed'), (('-o', 'extended_l2=on'), 'not known here'),
           (('-o', 'data_file=DATA'), 'another file'),
           (('--object', 'secret,id=s,data=abc', '-o',
             'encrypt.format=aes,encrypt.key-secret=s'), 'encrypted')]


def refused(folder):
    raw, path, back = (os.path.join(folder, name) for name in ('raw', 'image', 'back'))
    convert('random:1:5000000', 'raw', os.path.join(folder, 'input'), raw)
    for options, word in REFUSED:
        options = [option.replace('DATA', os.path.join(folder, 'data')) for option in options]
        qemu_img('convert', '-f', 'raw', '-O', 'qcow2', *options, raw, path)
        answer = run(CONVERT, 'disk-qcow2', 'raw', path, back, code=1).stderr
        assert word in answer and 'qemu-img convert' in answer, answer
        os.unlink(path)
    for driver, base, word in (('qcow2', 'raw', 'backing file'), ('vmdk', 'vmdk', 'differs from')):
        parent = os.path.join(folder, 'parent')
        qemu_img('convert', '-f', 'raw', '-O', base, raw, parent)
        qemu_img('create', '-f', driver, '-b', parent, '-F', base, path)
        answer = run(CONVERT, f'disk-{driver}', 'raw', path, back, code=1).stderr
        assert word in answer and 'qemu-img convert' in answer, answer
    qemu_img('convert', '-f', 'raw', '-O', 'vmdk', '-o', 'subformat=twoGbMaxExtentSparse', raw,
             os.path.join(folder, 'several.vmdk'))
    answer = run(CONVERT, 'disk-vmdk', 'raw', os.path.join(folder, 'several-s001.vmdk'), back,
                 code=1).stderr
    assert 'several files' in answer and 'qemu-img convert' in answer, answer


def prepare(folder):
    need_program('qemu-img', 'qemu-io')
    with open(os.path.join(folder, 'input'), 'wb') as file:
        file.write(os.urandom(12 * MIB))
    return folder


CASES = [containers, the_largest, made_by_qemu, written_over, grains_in_any_order, refused]


if __name__ == '__main__':
    sys.exit(run_cases(CASES, prepare))
