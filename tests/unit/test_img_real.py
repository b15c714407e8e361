#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""mirage-image and real kernels: MirageOS of 2014 and 2015, GRUB's Xen images, memtest86+, iPXE,
Debian's Xen and Linux, disks made by qemu-img, our own hello. What is not on this machine is
skipped by name. Argument: the program. Speaks TAP.

MIRAGE_DEPLOY_SHARED: the folder with kernels/; default ../shared beside the source tree.
Debian's Xen comes by `apt-get download` into a temporary folder and is not installed."""
import bz2
import glob
import gzip
import json
import lzma
import os
import shutil
import struct
import subprocess
import sys

from tap import Skip, need_file, need_program, run_cases

PROGRAM = sys.argv[1]
SOURCE = os.environ.get('MIRAGE_SOURCE') or \
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.environ.get('MIRAGE_DEPLOY_SHARED') or os.path.join(os.path.dirname(SOURCE), 'shared')


def inspect(path, exit_code=0):
    done = subprocess.run([PROGRAM, 'inspect', path, '--json'], capture_output=True, timeout=120,
                          check=False)
    assert done.returncode == exit_code, (path, done)
    return json.loads(done.stdout)


def expect(path, **fields):
    """`local='boots qemu-kernel'` and the like stand for the provider's verdict and way."""
    answer = inspect(path)
    for name, value in fields.items():
        if name in answer['boots']:
            row = answer['boots'][name]
            got = f'{row["verdict"]} {row["how"]}'.strip()
        else:
            got = answer[name]
        assert got == value, f'{path}: {name} is {got!r}, not {value!r}: {answer}'
    return answer


def run(*args, **options):
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   timeout=120, **options)


def write(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, 'wb') as file:
        file.write(data)
    return path


MIRAGE = [
    ('mortio-526e15cc-mir-mort.io.xen.bz2', 7350707, 0x42fc60, 'Mini-OS',
     '16e98bfde7485737a55bc7b5be2f7ae67a4e78046fa06bf02bbd54c5e01df403',
     'e86a3d2ac0337ab7cf086b9b7815ff9c9ef78dc0341195596d41414e2496e786'),
    ('mort-www-2014-06259897-mir-mort-www.xen.bz2', 6669441, 0x1343330, 'Mirage',
     '2065bbcf4a55d1da02644c32d661ffcd5672447fa707d8d10ba42b5832c60081',
     'c8cd8fb56b736b7453f0b9d4e0d0d9ca361efb6b171bc51b36321496e0ae981b'),
]


def mirage_kernels(folder):
    for name, size, load, guest, packed_sha, plain_sha in MIRAGE:
        path = need_file(os.path.join(SHARED, 'kernels', name))
        answer = expect(path, format='xen-pv', arch='x86_64', container='bzip2', sha256=packed_sha,
                        unpacked_bytes=size, load_bytes=load, boot_ways=['xen-pv-string'], entry=0,
                        powers_off='yes', local='carrier qemu-disk', ec2='carrier disk',
                        openstack='carrier disk')
        families = [row for provider in answer['boots'].values() for row in provider['families']]
        assert [row['family'] for row in families if row['verdict'] == 'unknown'] == \
            ['xen-pv', 'xen', 'xenserver'], families
        assert {row['family']: row['carrier'] for row in families
                if row['verdict'] == 'carrier'} == {
                    'qemu-pc': 'xen', 'qemu-q35': 'xen', 'nitro': 'xen', 'xen-hvm': 'shim',
                    'metal': 'xen', 'nested': 'xen', 'kvm-x86': 'xen', 'flex': 'xen'}, families
        assert guest in answer['description'], answer
        with open(path, 'rb') as file:
            plain = bz2.decompress(file.read())
        unpacked = write(folder, 'kernel', plain)
        expect(unpacked, format='xen-pv', container='none', sha256=plain_sha, bytes=size,
               load_bytes=load)
        expect(write(folder, 'kernel.gz', gzip.compress(plain, 1)), format='xen-pv',
               container='gzip', unpacked_bytes=size)
        expect(write(folder, 'kernel.xz', lzma.compress(plain, preset=0)), format='xen-pv',
               container='xz', unpacked_bytes=size)
        if shutil.which('strip'):
            run('strip', unpacked)
            expect(unpacked, format='xen-pv', boot_ways=['xen-pv-string'])
        for cut in (100, 5000, len(plain) // 2, len(plain) - 1):
            inspect(write(folder, 'cut', plain[:cut]), exit_code=2)


def grub_images(folder):
    need_program('grub-mkimage')
    rows = [('x86_64-xen', 'xen-pv', 'x86_64', ['xen-pv-notes'], 'carrier qemu-disk'),
            ('i386-xen', 'xen-pv', 'i386', ['xen-pv-notes'], 'cannot'),
            ('i386-xen_pvh', 'xen-pvh', 'i386', ['pvh'], 'unknown qemu-kernel')]
    for target, format_, arch, ways, local in rows:
        need_file(f'/usr/lib/grub/{target}/modinfo.sh')
        path = os.path.join(folder, target)
        run('grub-mkimage', '-O', target, '-o', path, '-p', '/boot/grub', 'normal')
        expect(path, format=format_, arch=arch, boot_ways=ways, local=local)
    expect(need_file('/usr/lib/grub/i386-xen/kernel.img'), format='elf', local='cannot')


def memtest(folder):
    expect(need_file('/boot/memtest86+x64.bin'), format='linux', arch='x86_64',
           local='boots qemu-kernel')
    expect(need_file('/boot/memtest86+ia32.bin'), format='linux', arch='i386',
           local='boots qemu-kernel')


def ipxe(folder):
    path = need_file('/boot/ipxe.lkrn', '/usr/lib/ipxe/ipxe.lkrn')
    expect(path, format='linux', arch='i386', local='boots qemu-kernel')
    with open(path, 'rb') as file:
        inspect(write(folder, 'cut', file.read()[:100000]), exit_code=2)


def efi_applications(folder):
    path = need_file('/boot/ipxe.efi', '/usr/lib/ipxe/ipxe.efi')
    answer = expect(path, format='unknown', arch='x86_64', boot_ways=['efi-app'], local='cannot',
                    openstack='unknown disk')
    assert answer['description'] == 'EFI application, x86_64', answer
    with open(path, 'rb') as file:
        packed = write(folder, 'packed', gzip.compress(file.read()))
    expect(packed, container='gzip', boot_ways=['efi-app'])
    # Those of memtest86+ carry the Linux boot protocol as well, which is what they are here.
    expect(need_file('/boot/memtest86+x64.efi'), format='linux', arch='x86_64')


def unified_image(folder):
    """systemd's stub with a kernel, an initrd and arguments in it, as ukify makes it."""
    need_program('objcopy')
    kernel = need_file('/boot/memtest86+x64.bin')
    debian_package(folder, 'systemd-boot-efi')
    stub = need_file(os.path.join(folder, 'usr/lib/systemd/boot/efi/linuxx64.efi.stub'))
    expect(stub, format='unknown', boot_ways=['efi-app'], description='EFI application, x86_64')
    path = os.path.join(folder, 'unified.efi')
    sections = {'.cmdline': (write(folder, 'cmdline', b'console=ttyS0'), 0x30000000),
                '.initrd': (write(folder, 'initrd', bytes(5000)), 0x31000000),
                '.linux': (kernel, 0x32000000)}
    options = []
    for name, (file, address) in sections.items():
        options += ['--add-section', f'{name}={file}', '--change-section-vma', f'{name}={address}']
    run('objcopy', *options, stub, path)
    expect(path, boot_ways=['efi-app'], local='cannot', openstack='unknown disk', description=(
        'EFI application (unified kernel image), x86_64, with initrd, with arguments'))


def debian_package(folder, name):
    need_program('apt-get')
    need_program('dpkg-deb')
    # apt refuses a folder that its own user cannot enter; that is only a warning.
    done = subprocess.run(['apt-get', '-q', 'download', name], cwd=folder, capture_output=True,
                          timeout=120, check=False)
    found = glob.glob(os.path.join(folder, name + '_*.deb'))
    if done.returncode or not found:
        raise Skip(f'package {name} cannot be fetched')
    run('dpkg-deb', '-x', found[0], folder)


def newest_linux():
    """The package that Debian's cloud kernel stands for today."""
    need_program('apt-cache')
    done = subprocess.run(['apt-cache', 'depends', 'linux-image-cloud-amd64'], capture_output=True,
                          text=True, timeout=60, check=False)
    for line in done.stdout.splitlines():
        if line.strip().startswith('Depends: linux-image-'):
            return line.split()[1]
    raise Skip('linux-image-cloud-amd64 is not known to apt')


def linux(folder):
    path = next(iter(glob.glob('/boot/vmlinuz-*')), None)
    if path is None:
        debian_package(folder, newest_linux())
        path = need_file(os.path.join(folder, 'boot/vmlinuz-*'))
    expect(path, format='linux', arch='x86_64', local='boots qemu-kernel')


def debian_xen(folder):
    debian_package(folder, 'xen-hypervisor-4.17-amd64')
    path = need_file(os.path.join(folder, 'boot/xen-4.17-amd64.gz'))
    answer = expect(path, container='gzip', format='multiboot1', arch='i386',
                    local='boots qemu-kernel', openstack='boots disk')
    assert 'multiboot2' in answer['boot_ways'], answer


def debian_xen_tools(folder):
    debian_package(folder, 'xen-utils-4.17')
    shim = need_file(os.path.join(folder, 'usr/lib/xen-4.17/boot/xen-shim'))
    answer = expect(shim, format='xen-pvh')
    assert 'pvh' in answer['boot_ways'], answer
    loader = need_file(os.path.join(folder, 'usr/lib/xen-4.17/boot/hvmloader'))
    assert inspect(loader)['format'] in ('elf', 'xen-pvh'), loader


def disks(folder):
    need_program('qemu-img')
    raw = bytearray(8 << 20)
    raw[0:3] = b'\xfa\xeb\xfe'
    raw[510:512] = b'\x55\xaa'
    disk = write(folder, 'disk.raw', raw)
    expect(disk, format='disk-raw', boot_ways=['bios-disk'], local='boots qemu-disk',
           openstack='boots disk')
    rows = [('qcow2', [], 'disk-qcow2', 'boots qemu-disk'),
            ('qcow2', ['-o', 'compat=0.10'], 'disk-qcow2', 'boots qemu-disk'),
            ('qcow2', ['-c'], 'disk-qcow2', 'unknown qemu-disk'),
            ('qcow2', ['-o', 'cluster_size=512'], 'disk-qcow2', 'boots qemu-disk'),
            ('vpc', [], 'disk-vhd', 'boots qemu-disk'),
            ('vpc', ['-o', 'subformat=fixed'], 'disk-vhd', 'boots qemu-disk'),
            ('vmdk', [], 'disk-vmdk', 'boots qemu-disk'),
            ('vmdk', ['-o', 'subformat=streamOptimized'], 'disk-vmdk', 'boots qemu-disk'),
            ('vdi', [], 'unknown', 'cannot'), ('vhdx', [], 'unknown', 'cannot')]
    for container, options, format_, local in rows:
        path = os.path.join(folder, 'converted')
        run('qemu-img', 'convert', '-f', 'raw', '-O', container, *options, disk, path)
        expect(path, format=format_, local=local)
    for container, format_ in (('qcow2', 'disk-qcow2'), ('vpc', 'disk-vhd'), ('vmdk', 'disk-vmdk')):
        path = os.path.join(folder, 'fresh')
        run('qemu-img', 'create', '-f', container, path, '1G')
        expect(path, format=format_, local='cannot')
    for container, base in (('qcow2', 'raw'), ('vmdk', 'vmdk')):
        parent, backed = os.path.join(folder, 'parent'), os.path.join(folder, 'backed')
        run('qemu-img', 'convert', '-f', 'raw', '-O', base, disk, parent)
        run('qemu-img', 'create', '-f', container, '-b', parent, '-F', base, backed)
        answer = expect(backed, format=f'disk-{container}', local='cannot', openstack='cannot')
        assert 'another file' in answer['boots']['local']['why'], answer


def hello(folder):
    build = os.path.dirname(os.path.dirname(os.path.abspath(PROGRAM)))
    path = need_file(os.path.join(build, 'unikernels/hello/hello*.elf'),
                     os.path.join(build, 'bin/hello.elf'))
    answer = expect(path, format='xen-pvh', arch='i386', min_memory_bytes=16 << 20,
                    powers_off='yes', local='boots qemu-kernel',
                    takes_part=['args', 'deadline', 'console-deadline', 'announce', 'well-known',
                                'poweroff'])
    assert answer['boot_ways'] == ['multiboot1', 'pvh'], answer


def nothing_of_it(folder):
    """Programs and data of this machine."""
    expect(shutil.which('sh'), format='elf', local='cannot')
    expect('/etc/passwd', format='unknown', local='cannot')
    expect(write(folder, 'x.tar', bytes(257) + b'ustar\0' + bytes(2000)), format='unknown')
    expect(write(folder, 'magic', struct.pack('<I', 0x1BADB002) * 100), format='unknown')


CASES = [mirage_kernels, grub_images, memtest, ipxe, efi_applications, unified_image, linux,
         debian_xen, debian_xen_tools, disks, hello, nothing_of_it]


if __name__ == '__main__':
    sys.exit(run_cases(CASES))
