# SPDX-License-Identifier: ISC
"""A Xen host in a box: a machine under QEMU's emulator, in it Xen and a Linux, which start a disk
as an HVM guest with SeaBIOS, an emulated IDE disk and a paravirtual network card. That is what
EC2's Xen types are. What it is made of: the base of the carrier `xen` (Xen, Linux, xl), and what a
host has besides: Xen's QEMU, hvmloader, a bridge, busybox. apt fetches those packages into the
cache of these tests; the libraries of that QEMU are this machine's.

    xen_host.py BIN CACHE DISK : one start, its console"""
import glob
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile

from boot import Absent, Machine, make_base, read

PACKAGES = ['qemu-system-xen', 'busybox-static', 'xenstore-utils']
# Of packages that the base was made of, too.
MODULES = ['net/llc/llc', 'net/802/stp', 'net/bridge/bridge']
# Of this machine's: where QEMU looks for it, and where it is.
DATA = {'bios-256k.bin': 'seabios/bios-256k.bin', 'kvmvapic.bin': 'qemu/kvmvapic.bin',
        'vgabios-cirrus.bin': 'seabios/vgabios-cirrus.bin', 'keymaps/en-us': 'qemu/keymaps/en-us'}
# What a 2015 kernel has compiled in: its network.
NETWORK = 'net=46.43.42.128/25,host=46.43.42.129,dns=46.43.42.130'
ADDRESS = '46.43.42.137'
MIB_DOM0 = 448
MIB_XEN = 192  # Xen itself, and what its guest's QEMU and tables take
MIB_GUEST = 1024  # a t2.micro

INIT = r'''#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /run/xen /run/xenstored /run/lock /tmp /root
/bin/busybox mkdir -p /var/lib/xen /var/log/xen /var/lock
/bin/busybox --install -s /bin
export PATH=/bin LD_LIBRARY_PATH=/lib:/qemu
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm; mount -t devpts devpts /dev/pts
[ -e /var/run ] || ln -s /run /var/run
cr=$(printf '\r')  # some end their lines the other way round
tell() { while IFS= read -r line; do echo "$1| ${line#$cr}"; done; }
say() { read up rest < /proc/uptime; echo "host[$up] $*"; }
for m in xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs xen-netback e1000 llc stp bridge; do
    insmod /k/$m.ko || say "no module $m"
done
mount -t xenfs xenfs /proc/xen
xenstored --pid-file /run/xenstored.pid
until xenstore-exists / 2>/dev/null; do sleep 0.2; done
xen-init-dom0 >/dev/null
xenconsoled --pid-file=/run/xenconsoled.pid
ip link set lo up; brctl addbr br0; brctl addif br0 eth0; ip link set eth0 up; ip link set br0 up
: > /run/serial
tail -f /run/serial | tell serial &
say creating
xl create -F -p /host.cfg > /run/xl 2>&1 & xl=$!
# Who is started before xl has done with it may hang for ever.
until grep -q 'Waiting for domain' /run/xl; do
    kill -0 $xl 2>/dev/null || break
    sleep 0.3
done
id=$(xl domid ec2)
sleep 1000000 | xenconsole --num 0 --type pv $id 2>&1 | tell guest &
sleep 1
brctl addif br0 vif$id.0 && xl unpause ec2 && say started domain $id
wait $xl
sleep 1
tell xl < /run/xl; tell qemu < /var/log/xen/qemu-dm-ec2.log
say the guest is gone
poweroff -f
'''

CONFIG = '''name="ec2"
type="hvm"
memory={memory}
vcpus=1
disk=['format=raw,vdev=hda,access=rw,backendtype=qdisk,target=/disk.raw']
vif=['mac=52:54:00:12:34:56,type=vif,script=/etc/xen/vif']
serial="file:/run/serial"
vnc=0
sdl=0
nographic=1
device_model_version="qemu-xen"
device_model_override="/qemu/qemu"
device_model_args=["-L","/usr/share/qemu"]
firmware_override="/qemu/hvmloader"
bios="seabios"
bios_path_override="/usr/share/qemu/bios-256k.bin"
on_poweroff="destroy"
on_crash="destroy"
on_reboot="destroy"
'''


def fetch(cache):
    """The packages, unpacked; what is there is not fetched again."""
    folder = os.path.join(cache, 'xen-host')
    if os.path.isdir(folder):
        return folder
    unpack = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../scripts/unpack-deb')
    temp = tempfile.mkdtemp(prefix='.xen-host-', dir=cache)
    done = subprocess.run([unpack, temp, *PACKAGES], capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(temp)
        raise Absent(f'the packages of a Xen host cannot be had: {done.stderr.strip()[-300:]}')
    os.rename(temp, folder)
    return folder


def of_package(debs, name, *paths):
    """Files of a package in the cache of the bases: name in its folder and content."""
    found = sorted(glob.glob(os.path.join(debs, f'{name}_*.deb')))
    if not found:
        raise Absent(f'{name} is not in {debs}')
    tar = subprocess.run(['dpkg-deb', '--fsys-tarfile', found[-1]], check=True,
                         stdout=subprocess.PIPE).stdout
    with tempfile.TemporaryDirectory(prefix='xen-host-') as folder:
        subprocess.run(['tar', '-x', '-C', folder, '--wildcards', *paths], input=tar, check=True)
        return [(os.path.basename(path), read(path)) for pattern in paths
                for path in glob.glob(os.path.join(folder, pattern))]


def needed(program, inside):
    """The libraries of Xen's QEMU that the base has not, from this machine."""
    found = []
    listed = subprocess.run(['ldd', program], capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        words = line.split()
        if words[0].split('/')[-1] in inside or 'linux-vdso' in words[0]:
            continue
        if 'not' in words:
            raise Absent(f'{words[0]}, which Xen\'s QEMU needs, is not installed')
        found.append((words[0], read(words[2])))
    return found


def host_part(base, cache, debs, disk, memory):
    """What is added to the base, as boot.py takes it: the rest of a host, its guest's disk."""
    host = fetch(cache)
    listed = subprocess.run(f"zstd -dc '{base}/base.cpio.zst' 2>/dev/null | cpio -t --quiet",
                            shell=True, capture_output=True, text=True, check=False).stdout
    inside = [os.path.basename(line) for line in listed.splitlines()]
    program = os.path.join(host, 'usr/libexec/xen-qemu-system-i386')
    # Not the flavour that the carrier `linux` has, which may be there, too.
    kernel, = glob.glob(os.path.join(debs, 'linux-image-*[0-9]-amd64_*.deb'))[:1] or [None]
    if not kernel:
        raise Absent(f'no linux-image in {debs}')
    kernel = os.path.basename(kernel).split('_')[0]
    xen = next(os.path.basename(path).split('_')[0]
               for path in glob.glob(os.path.join(debs, 'xen-utils-[0-9]*.deb')))
    files = [('host-init', INIT.encode()), ('host.cfg', CONFIG.format(memory=memory).encode()),
             ('bin/busybox', read(os.path.join(host, 'bin/busybox'))),
             ('bin/xenstore-exists', read(os.path.join(host, 'usr/bin/xenstore-exists'))),
             ('qemu/qemu', read(program)), ('disk.raw', read(disk))]
    files += [('qemu/' + name, data) for name, data in needed(program, inside)]
    files += [('qemu/' + name, data) for name, data in
              of_package(debs, xen, './usr/lib/xen-*/boot/hvmloader')]
    files += [('bin/' + name, data) for name, data in
              of_package(debs, xen, './usr/lib/xen-*/bin/xen-init-dom0',
                         './usr/lib/xen-*/bin/xenconsole')]
    files += [('k/' + name, data) for name, data in of_package(
        debs, kernel, *[f'./lib/modules/*/kernel/{name}.ko' for name in MODULES])]
    files += [('usr/share/qemu/' + to, read('/usr/share/' + at)) for to, at in DATA.items()]
    folders = sorted({'/'.join(name.split('/')[:i]) for name, _ in files
                      for i in range(1, name.count('/') + 1)} - {'bin'})
    return ([(name, stat.S_IFDIR | 0o755, b'') for name in folders] +
            [(name, stat.S_IFREG | 0o755, data) for name, data in files])


class Host(Machine):
    """The host with its one guest. `lines` has the host's own lines (host[), the guest's
    paravirtual console (guest| ), its serial port (serial| ) and at the end the words of xl."""

    def __init__(self, binaries, cache, disk, memory=MIB_GUEST):
        carriers = os.path.join(cache, 'mirage-deploy', 'carrier')
        base = make_base(binaries, carriers, 'xen')
        added = host_part(base, cache, os.path.join(carriers, 'debs'), disk, memory)
        outer = MIB_DOM0 + MIB_XEN + memory
        super().__init__(base, added, memory=outer, dom0=MIB_DOM0, nic=None,
                         linux='mitigations=off', cpu='Opteron_G3,+svm,+npt',
                         options=self.network())

    def network(self):
        with socket.socket() as listener:
            listener.bind(('127.0.0.1', 0))
            port = listener.getsockname()[1]
        self.http = f'http://127.0.0.1:{port}/'
        return ['-netdev', f'user,id=n0,restrict=on,{NETWORK},'
                f'hostfwd=tcp:127.0.0.1:{port}-{ADDRESS}:80',
                '-device', 'e1000,netdev=n0,mac=52:54:00:12:34:57,romfile=']

    def boot(self, base, initramfs, dom0, linux):
        words = super().boot(base, initramfs, dom0, linux)
        return [word.replace('rdinit=/init', 'rdinit=/host-init') for word in words]


def main():
    binaries, cache, disk = sys.argv[1:4]
    with Host(binaries, cache, disk) as host:
        done = 0
        while host.pump(120):
            for at, line in host.lines[done:]:
                print(f'{at:6.1f} {line}', flush=True)
            done = len(host.lines)
    return 0


if __name__ == '__main__':
    sys.exit(main())
