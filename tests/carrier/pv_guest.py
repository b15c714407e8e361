# SPDX-License-Identifier: ISC
"""A kernel for Xen that asks for its address by DHCP, made of what the tests of carriers have
anyway: GRUB's image for Xen, which carries Debian's Linux and starts it as the domain that it is in
itself; in that a Linux carrier with the tests' tender, whose card is Xen's."""
import glob
import gzip
import lzma
import os
import stat
import subprocess

import boot
import kernels
from carried import CACHE
from mirage import BIN, Skip

PACKED = os.path.join(CACHE, 'mirage-deploy', 'carrier')
MODULES = ['xen-netfront', 'tun', 'sch_ingress', 'cls_u32', 'act_mirred', 'act_nat', 'act_gact']
CONF = b'kind solo5\nmemory 16\nnet direct\ndevice service\narguments name=asks\n'
START = '''linux (memdisk)/linux console=hvc0 rdinit=/init panic=5 quiet
initrd (memdisk)/initrd
boot
halt
'''
XZ = b'\xfd7zXZ\0'


def unpack_package(folder):
    """Linux and modules of the package that a Xen carrier's base was made of."""
    package, = glob.glob(os.path.join(PACKED, 'debs', 'linux-image-*[0-9]-amd64_*.deb'))
    wanted = ['./boot/vmlinuz-*', *[f'*/{name}.ko*' for name in MODULES]]
    with subprocess.Popen(['dpkg-deb', '--fsys-tarfile', package],
                          stdout=subprocess.PIPE) as reader:
        subprocess.run(['tar', '-x', '-C', folder, '--wildcards', *wanted], check=True,
                       stdin=reader.stdout)


def linux(folder):
    """Unpacked, and packed again so that GRUB has done with it in a second: of xz it makes 17."""
    path, = glob.glob(os.path.join(folder, 'boot/vmlinuz-*'))
    image = boot.read(path)
    at = image.find(XZ)
    if at < 0:
        raise Skip('this Linux is packed with something that Python does not unpack')
    return gzip.compress(lzma.LZMADecompressor().decompress(image[at:]), 1, mtime=0)


def initrd(folder, tender):
    base = boot.make_base(BIN, PACKED, 'linux', tenders=[f'solo5-spt={tender}'])
    paths = sorted(glob.glob(os.path.join(folder, 'lib/modules/*/kernel/**/*.ko'), recursive=True))
    modules = [(f'k/{os.path.basename(path)}', stat.S_IFREG | 0o644, boot.read(path))
               for path in paths]
    if len(modules) != len(MODULES):
        raise Skip('this Linux has its modules packed')
    archive = boot.read(os.path.join(base, 'base.cpio.zst'))
    own = boot.cpio(boot.user_part(CONF, kernels.solo5('spt', (('service', 'net'),))) + modules)
    return archive + bytes(-len(archive) % 4) + gzip.compress(own, 6, mtime=0)


def make(folder, tender):
    """The path of the kernel; it wants 160 MiB."""
    if not os.path.exists('/usr/lib/grub/x86_64-xen/modinfo.sh'):
        raise Skip('GRUB for x86_64-xen is not installed (grub-xen-bin)')
    work = os.path.join(folder, 'pv')
    os.mkdir(work)
    unpack_package(work)
    files = {'linux': linux(work), 'initrd': initrd(work, tender), 'words.cfg': START.encode()}
    for name, data in files.items():
        with open(os.path.join(work, name), 'wb') as f:
            f.write(data)
    subprocess.run(['tar', '-c', '-C', work, '-f', os.path.join(work, 'disk.tar'), 'linux',
                    'initrd'], check=True)
    out = os.path.join(folder, 'asks.xen')
    subprocess.run(['grub-mkimage', '-O', 'x86_64-xen', '-o', out, '-p', '(memdisk)/', '-c',
                    os.path.join(work, 'words.cfg'), '-m', os.path.join(work, 'disk.tar'),
                    'linux', 'memdisk', 'tar', 'gzio', 'halt'], check=True, timeout=120)
    return out
