# SPDX-License-Identifier: ISC
"""Rows of make bench about carriers: a MirageOS kernel of 2015 (of the shared folder) in a carrier
for Xen. What its image takes, what making it takes beyond writing it, and how long it is from
power-on to HTTP, emulated on the machine that a deployment here has. The same for a Solo5 kernel,
with what the tests have for a tender; and what an image with the shim takes, of which a kernel's
own part is beside it."""
import bz2
import json
import os
import select
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

import kernels
import mirage

KERNELS = {2014: 'mort-www-2014-06259897-mir-mort-www.xen.bz2',
           2015: 'mortio-526e15cc-mir-mort.io.xen.bz2'}
CONF = 'kind xen-pv\nmemory 64\nnet auto\nopen 80/tcp\n'
CONF_SHIM = 'kind xen-pv\nmemory 64\nnet none\n'
CONF_SOLO5 = ('kind solo5\nmemory 64\nnet auto\nopen 80/tcp\n'
              'arguments ip=10.9.0.2/24 gw=10.9.0.1\n')
XEN_MIB, SOLO5_MIB = 408, 145  # what the plans give them
PATIENCE_S = 120
BOOTS = 3


class Absent(Exception):
    pass


def kernel(folder, year):
    shared = os.environ.get('MIRAGE_DEPLOY_SHARED') or os.path.join(
        os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
            os.path.abspath(__file__))))), 'shared')
    path = os.path.join(shared, 'kernels', KERNELS[year])
    if not os.path.exists(path):
        raise Absent(f'{KERNELS[year]} is not there')
    out = os.path.join(folder, f'{year}.xen')
    with open(path, 'rb') as packed, open(out, 'wb') as plain:
        plain.write(bz2.decompress(packed.read()))
    return out


def solo5(folder):
    path = os.path.join(folder, 'www.spt')
    with open(path, 'wb') as out:
        out.write(kernels.solo5('spt', (('service', 'net'),)))
    return path


def base(build, *words):
    cache = os.path.join(build, 'carrier-cache', 'mirage-deploy', 'carrier')
    done = subprocess.run([mirage.program('mirage-carrier'), 'make', *words, '--cache', cache,
                           '--json'], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Absent('no base of a carrier, and no packages to make one of')
    return json.loads(done.stdout)['folder']


def timed(command, out):
    began = time.monotonic()
    with open(out, 'wb') as target:
        subprocess.run(command, stdout=target, check=True)
    return time.monotonic() - began


def make(folder, path, made_of, conf, rounds):
    """The image, and the seconds that making it takes longer than copying it."""
    image, copy = os.path.join(folder, 'image'), os.path.join(folder, 'copy')
    command = [mirage.program('mirage-image'), 'build', path, '--format', 'raw', '--grub',
               mirage.program('grub'), '--carrier', made_of, '--carrier-conf', conf]
    beyond = []
    for _ in range(rounds):
        making = timed(command, image)
        began = time.monotonic()
        shutil.copyfile(image, copy)
        beyond.append(making - (time.monotonic() - began))
    return image, statistics.median(beyond)


def answers(port):
    try:
        with socket.create_connection(('127.0.0.1', port), 2) as client:
            client.settimeout(2)
            client.sendall(b'GET / HTTP/1.0\r\nHost: bench\r\n\r\n')
            return client.recv(64).startswith(b'HTTP/1.1 200')
    except OSError:
        return False


def says(machine, word, seconds):
    """Whether its console has said so, after seconds at the latest."""
    said, end = b'', time.monotonic() + seconds
    while word not in said and time.monotonic() < end:
        if select.select([machine.stdout], [], [], 0.2)[0]:
            piece = os.read(machine.stdout.fileno(), 65536)
            if not piece:
                return False
            said += piece
    return word in said


def power_on(image, mib):
    """Seconds to the first HTTP 200; None when it does not come."""
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        port = listener.getsockname()[1]
    began = time.monotonic()
    machine = subprocess.Popen(
        ['qemu-system-x86_64', '-machine', 'pc', '-accel', 'tcg', '-m', str(mib),
         '-nodefaults', '-display', 'none', '-no-reboot', '-serial', 'stdio', '-drive',
         f'if=none,id=disk0,format=raw,snapshot=on,file={image}', '-device',
         'nvme,serial=disk0,drive=disk0,bootindex=0', '-netdev',
         f'user,id=n0,hostfwd=tcp:127.0.0.1:{port}-:80', '-device',
         'virtio-net-pci,netdev=n0,romfile='], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        # Asked before, it would be asked in vain, and that be waited for.
        if not says(machine, b'] nat ', PATIENCE_S):
            return None
        while time.monotonic() - began < PATIENCE_S and machine.poll() is None:
            if answers(port):
                return time.monotonic() - began
            time.sleep(0.05)
        return None
    finally:
        machine.kill()
        machine.wait()
        machine.stdout.close()


def starts(table, name, image, mib, goal_s):
    name = f'{name}: power-on to HTTP, emulated'
    if not shutil.which('qemu-system-x86_64'):
        table.add(name, '', 'QEMU is not installed')
        return
    found = [power_on(image, mib) for _ in range(BOOTS)]
    if None in found:
        table.add(name, f'nothing within {PATIENCE_S} s', '', '', f'<= {goal_s} s', False)
        return
    took = statistics.median(found)
    table.add(name, f'{took:.1f} s', '', '', f'<= {goal_s} s', took <= goal_s)


def takes(table, name, image, goal_mb, own=''):
    allocated = os.stat(image).st_blocks * 512
    table.add(f'{name}: image, allocated', f'{allocated / 1e6:.2f} MB', own, '',
              f'<= {goal_mb} MB', allocated <= goal_mb * 1e6, quiet=False)


def xen(table, build, folder, rounds):
    name = 'Xen carrier with a kernel of 2015'
    image, beyond = make(folder, kernel(folder, 2015), base(build, 'xen'), CONF, rounds)
    takes(table, name, image, 15)
    table.add(f'{name}: making the image, beyond writing it', f'{beyond:.2f} s', '', '',
              '<= 0.3 s', beyond <= 0.3)
    starts(table, name, image, XEN_MIB, 8)


def linux(table, build, folder, rounds):
    tender = os.path.join(build, 'tests', 'carrier', 'solo5-stand-in')
    if not os.path.exists(tender):
        raise Absent('the tests are not built, which have a tender')
    made_of = base(build, 'linux', '--tender', f'solo5-spt={tender}')
    image, _ = make(folder, solo5(folder), made_of, CONF_SOLO5, 1)
    starts(table, 'Solo5 carrier', image, SOLO5_MIB, 3)


def packed_bytes(path):
    """What the kernel takes in the image: xz as quick as that one's."""
    done = subprocess.run(['xz', '-T1', '-C', 'crc32', '--x86', '--lzma2=preset=1', '-c', path],
                          capture_output=True, check=True)
    return len(done.stdout)


def shim(table, build, folder, rounds):
    made_of = base(build, 'shim')
    for year in KERNELS:
        path = kernel(folder, year)
        image, _ = make(folder, path, made_of, CONF_SHIM, 1)
        own = f'{packed_bytes(path) / 1e6:.2f} MB' if shutil.which('xz') else ''
        takes(table, f'shim with a kernel of {year}, the kernel beside it', image, 2, own)


def measure(table, build, rounds):
    for carrier in (xen, linux, shim):
        with tempfile.TemporaryDirectory(dir=build) as folder:
            try:
                carrier(table, build, folder, max(3, min(rounds, 11)))
            except Absent as absent:
                table.add(f'carrier {carrier.__name__}', '', str(absent))
