# SPDX-License-Identifier: ISC
"""`mirage-deploy image build`: what it writes, what it says, what it refuses, and that neither an
error nor an interruption leaves a part of an image. What the images do in a machine is
tests/e2e/image_boots.py; what is in them, tests/unit and tests/image."""
import gzip
import hashlib
import lzma
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import kernels
from mirage import PATIENCE, Skip, Tap, need_programs, program
from workbench import Bench, sha256

HELLO = program('hello.elf')
FORMATS = {'raw': 'raw', 'qcow2': 'qcow2', 'vhd': 'vpc', 'vhd-dynamic': 'vpc', 'vmdk': 'vmdk'}
BOOTS = {'bios': HELLO, 'uefi': HELLO, 'both': HELLO, 'pvgrub': 'xen.elf',
         'pvgrub-bare': 'xen.elf'}
MIB = 1 << 20


def run_cmp(one, other):
    """The same bytes, but for zeros at the end."""
    size = min(os.path.getsize(one), os.path.getsize(other))
    subprocess.run(['cmp', '-n', str(size), one, other], check=True)


def results(tap):
    with Bench() as b, tap.part('the answer says what was made'):
        made = b.build(HELLO, '-o', 'h.img')
        assert made == {'file': 'h.img', 'format': 'raw', 'boot': 'both', 'kernel': sha256(HELLO),
                        'disk_bytes': os.path.getsize(b.path('h.img')),
                        'output_bytes': made['disk_bytes'],
                        'written_bytes': made['written_bytes']}, made
        assert 0 < made['written_bytes'] < made['disk_bytes'], made
        text = b.run(HELLO, '-o', 'again.img').stdout.decode()
        for word in ('again.img', 'raw', 'both', 'MiB', sha256(HELLO)):
            assert word in text, (word, text)
        assert os.listdir(b.dir) and not [n for n in os.listdir(b.dir) if n.startswith('.')]
    with Bench() as b, tap.part('equal input gives equal bytes, and other arguments others'):
        b.write('xen.elf', kernels.xen_pv())
        for name in FORMATS:
            for boot, kernel in BOOTS.items():
                args = [kernel, '--format', name, '--boot', boot]
                b.build(*args, '-o', 'one', '--force', '--arg', 'hello=world')
                b.build(*args, '-o', 'two', '--force', '--', 'hello=world')
                assert sha256(b.path('one')) == sha256(b.path('two')), (name, boot)
            b.build(HELLO, '--format', name, '-o', 'two', '--force', '--', 'hello=moon')
            assert sha256(b.path('one')) != sha256(b.path('two')), name
    with Bench() as b, tap.part('a pipe gets the same bytes as a file'):
        for name in (*FORMATS, 'extents'):
            b.build(HELLO, '--format', name, '-o', 'file', '--force')
            out = b.run(HELLO, '--format', name, '-o', '-').stdout
            assert hashlib.sha256(out).hexdigest() == sha256(b.path('file')), name
    with Bench() as b, tap.part('a compressed kernel gives the disk of the kernel inside'):
        plain = kernels.xen_pv() + os.urandom(100000)
        b.build(b.write('plain', plain), '-o', 'plain.img')
        for name, data in (('gz', gzip.compress(plain)), ('xz', lzma.compress(plain))):
            b.write('k.' + name, data)
            made = b.build('k.' + name, '-o', name + '.img')
            assert made['kernel'] == sha256(b.path('k.' + name)), made
            assert made['boot'] == 'pvgrub', made
            # Ids come from the file's digest: the content is the same, byte for byte elsewhere.
            with open(b.path('plain.img'), 'rb') as f, open(b.path(name + '.img'), 'rb') as g:
                a, c = f.read(), g.read()
            assert plain in a and plain in c and len(a) == len(c)
    with Bench() as b, tap.part('a disk is converted to any format and back'):
        if not shutil.which('qemu-img'):
            raise Skip('qemu-img is not installed')
        b.build(HELLO, '-o', 'disk.img')
        for name, theirs in FORMATS.items():
            b.build('disk.img', '--format', name, '-o', 'out')
            subprocess.run(['qemu-img', 'compare', '-f', 'raw', '-F', theirs, b.path('disk.img'),
                            b.path('out')], check=True, capture_output=True)
            b.build('out', '-o', 'back.img')
            subprocess.run(['qemu-img', 'compare', '-f', 'raw', '-F', 'raw', b.path('disk.img'),
                            b.path('back.img')], check=True, capture_output=True)
            os.unlink(b.path('back.img'))
            os.unlink(b.path('out'))
    with Bench() as b, tap.part('large kernels, and disks of many pieces: the sandbox is no limit'):
        b.write('large.elf', kernels.xen_pv())
        os.truncate(b.path('large.elf'), 120 * MIB)
        for boot in ('pvgrub', 'pvgrub-bare'):
            b.build('large.elf', '-o', 'out.img', '--force', '--boot', boot)
        with open(b.path('pieces.img'), 'wb') as f:
            f.write(b'\xeb' + bytes(509) + b'\x55\xaa')  # begins as a disk's boot sector does
            for number in range(1, 4000):
                f.seek(number * 0x8000)
                f.write(b'%4096d' % number)
        for name in FORMATS:
            b.build('pieces.img', '--format', name, '-o', name)
            b.build(name, '-o', 'back.img', '--force')
            run_cmp(b.path('pieces.img'), b.path('back.img'))
    with Bench() as b, tap.part('--size: as large as asked, and no more written for it'):
        small = b.build(HELLO, '-o', 'small.img')
        large = b.build(HELLO, '-o', 'large.img', '--size', '8G')
        assert large['disk_bytes'] == 8 << 30 == os.path.getsize(b.path('large.img')), large
        assert os.stat(b.path('large.img')).st_blocks * 512 < \
            os.stat(b.path('small.img')).st_blocks * 512 + 4 * MIB


def places(tap):
    with Bench() as b, tap.part('an output that is there stays, unless it is to be replaced'):
        b.write('here', b'precious')
        b.refused(2, ['here', 'already', '--force'], HELLO, '-o', 'here')
        with open(b.path('here'), 'rb') as f:
            assert f.read() == b'precious'
        b.build(HELLO, '-o', 'here', '--force')
        assert os.path.getsize(b.path('here')) > MIB
        os.mkdir(b.path('folder'))
        b.refused(2, ['folder', 'not a file'], HELLO, '-o', 'folder', '--force')
    with Bench() as b, tap.part('no such folder; nothing to write to; no output named'):
        b.refused(3, ['nowhere'], HELLO, '-o', 'nowhere/image')
        b.refused(2, ['-o'], HELLO)
    with Bench() as b, tap.part('a failure keeps what was to be replaced'):
        b.write('here', b'precious')
        b.refused(2, ['bad.elf'], b.write('bad.elf', b'\x7fELF'), '-o', 'here', '--force')
        with open(b.path('here'), 'rb') as f:
            assert f.read() == b'precious'
    with Bench() as b, tap.part('no space for the image'):
        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        done = b.run(HELLO, '-o', 'image', expect=None, preexec_fn=small_files)
        assert done.returncode == 5 and b'write' in done.stderr, done
        assert os.listdir(b.dir) == [], os.listdir(b.dir)
    with Bench() as b, tap.part('an interruption leaves nothing'):
        kernel = b.path('large.elf')
        shutil.copy(HELLO, kernel)
        with open(kernel, 'r+b') as f:
            f.truncate(600 * MIB)
        child = b.start(kernel, '-o', 'out', '--format', 'vmdk')
        time.sleep(0.2 * PATIENCE)
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=60)
        assert child.returncode == 130 and b'no image was made' in err, (child.returncode, err)
        assert os.listdir(b.dir) == ['large.elf'], os.listdir(b.dir)


def bad_input(tap):
    with Bench() as b, tap.part('kernels that are none'):
        with open(HELLO, 'rb') as f:
            whole = f.read()
        b.refused(3, ['nosuch'], 'nosuch', '-o', 'x')
        b.refused(2, ['empty'], b.write('empty', b''), '-o', 'x')
        b.refused(2, ['cut.elf'], b.write('cut.elf', whole[:5000]), '-o', 'x')
        b.refused(2, ['cut.gz'], b.write('cut.gz', gzip.compress(whole)[:-900]), '-o', 'x')
        b.refused(2, ['PV-GRUB starts'], HELLO, '-o', 'x', '--boot', 'pvgrub')
        b.refused(2, ['text'], b.write('text', b'I am no kernel\n' * 99), '-o', 'x')
        bomb = lzma.compress(bytes(2 << 30), preset=0)
        b.refused(2, ['bomb'], b.write('bomb', bomb), '-o', 'x')
    with Bench() as b, tap.part('options that say nothing, or too much'):
        b.refused(2, ['did you mean', 'qcow2'], HELLO, '-o', 'x', '--format', 'qcow')
        b.refused(2, ['uefi'], HELLO, '-o', 'x', '--boot', 'efi')
        b.refused(2, ['control'], HELLO, '-o', 'x', '--arg', 'a\x01b')
        b.refused(2, ['control'], HELLO, '-o', 'x', '--arg', 'a\nmultiboot /evil')
        b.refused(2, ['longer'], HELLO, '-o', 'x', '--arg', 'a' * 4000)
        b.refused(2, ['size'], HELLO, '-o', 'x', '--size', 'huge')
        b.refused(2, ['at most'], HELLO, '-o', 'x', '--size', '9000G')
        b.refused(5, ['disk'], HELLO, '-o', 'x', '--size', '64K')
        b.refused(3, ['no-module'], HELLO, '-o', 'x', '--module', 'no-module')
    with Bench() as b, tap.part('a disk has a boot loader of its own'):
        b.build(HELLO, '-o', 'disk.img')
        for option in (['--arg', 'a=b'], ['--module', HELLO]):
            b.refused(2, ['boot loader of its own'], 'disk.img', '-o', 'x', *option)
        b.build('disk.img', '-o', 'same.img', '--boot', 'both')
        b.build(HELLO, '-o', 'uefi.img', '--boot', 'uefi')
        b.refused(2, ['does not boot that way'], 'uefi.img', '-o', 'x', '--boot', 'bios')
        b.refused(5, ['does not fit'], 'disk.img', '-o', 'x', '--size', '1M')
        b.write('disk.qcow2.gz', gzip.compress(
            b.run('disk.img', '--format', 'qcow2', '-o', '-').stdout))
        b.refused(2, ['unpack it once'], 'disk.qcow2.gz', '-o', 'x')
    with Bench() as b, tap.part('hostile disks are refused, and nothing hangs'):
        for name, header in (('qcow2', 112), ('vmdk', 80)):
            raw = b.run(HELLO, '-o', '-', '--format', name).stdout
            for at in range(0, header, 4):
                b.write('evil', raw[:at] + b'\xff\xff\xff\xff' + raw[at + 4:])
                done = b.run('evil', '-o', 'x', '--force', expect=None, timeout=60)
                assert done.returncode in (0, 2, 5), (at, done)
                err = done.stderr.decode()
                assert done.returncode == 0 or re.search(r'^mirage-deploy: .*evil', err, re.M), err


def traced(b, calls, *words):
    """One line for each of these system calls of an image being built, by all its processes."""
    if not shutil.which('strace'):
        raise Skip('strace is not installed')
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(['strace', '-ff', '-y', '-o', os.path.join(folder, 'log'),
                        '-e', 'trace=' + calls, program('mirage-deploy'), 'image', 'build', *words],
                       check=True, cwd=b.dir, capture_output=True,
                       env={**os.environ, 'ASAN_OPTIONS': 'detect_leaks=0'}) # a tracer is there
        lines = []
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), encoding='utf-8', errors='replace') as f:
                lines += f.readlines()
        return lines


def nothing_is_stored(tap):
    with Bench() as b, tap.part('no byte goes to a disk but the image'):
        with open(HELLO, 'rb') as f:
            b.write('k.gz', gzip.compress(f.read()))
        for kernel in (HELLO, 'k.gz'):
            opened = traced(b, 'openat,open,creat', kernel, '-o', 'out', '--force')
            written = [line for line in opened
                       if re.search('O_WRONLY|O_RDWR|O_CREAT', line) and '/dev/null' not in line]
            assert len(written) == 1 and 'O_TMPFILE' in written[0], written


def read_once(tap):
    """Once for its digest and to see what it is, and once more from file to image, which is a copy
    by the system where the format has the kernel's bytes as they are."""
    with Bench() as b, tap.part('the kernel is read once, and copied once'):
        with open(HELLO, 'rb') as f:
            b.write('kernel.elf', f.read() + random.Random(4).randbytes(3 * MIB))
        size = os.path.getsize(b.path('kernel.elf'))
        calls = 'read,pread64,readv,preadv,preadv2,mmap,copy_file_range,sendfile,splice'
        for name in FORMATS:
            got = {}
            for line in traced(b, calls, 'kernel.elf', '--format', name, '-o', 'out', '--force'):
                # Where a tracer may not look into the helper's sandbox, that is descriptor 3 there.
                call = re.match(r'(\w+)\((?:[^<]*, )?(?:\d+<[^>]*/kernel\.elf>|3,).* = (\d+)', line)
                if call:
                    got[call[1]] = got.get(call[1], 0) + int(call[2])
            assert set(got) <= {'pread64', 'copy_file_range'}, (name, got)
            assert size <= sum(got.values()) <= 2 * size + 4096, (name, got, size)


def main():
    need_programs('mirage-deploy', 'mirage-image', 'hello.elf')
    if not os.path.exists(program('grub/boot.img')):
        print('# no boot loaders in this build', flush=True)
    tap = Tap()
    results(tap)
    places(tap)
    bad_input(tap)
    nothing_is_stored(tap)
    read_once(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
