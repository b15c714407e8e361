# SPDX-License-Identifier: ISC
"""Rows of make bench about carriers: a MirageOS kernel of 2015 (of the shared folder) in a carrier
for Xen. What its image takes, what making it takes beyond writing it, and how long it is from
power-on to HTTP, emulated on the machine that a deployment here has."""
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

import mirage

KERNEL = 'mortio-526e15cc-mir-mort.io.xen.bz2'
CONF = 'kind xen-pv\nmemory 64\nnet auto\nopen 80/tcp\n'
MEMORY_MIB = 376  # what the plan gives it
PATIENCE_S = 120
BOOTS = 3


class Absent(Exception):
    pass


def kernel(folder):
    shared = os.environ.get('MIRAGE_DEPLOY_SHARED') or os.path.join(
        os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
            os.path.abspath(__file__))))), 'shared')
    path = os.path.join(shared, 'kernels', KERNEL)
    if not os.path.exists(path):
        raise Absent(f'{KERNEL} is not there')
    out = os.path.join(folder, 'kernel.xen')
    with open(path, 'rb') as packed, open(out, 'wb') as plain:
        plain.write(bz2.decompress(packed.read()))
    return out


def base(build):
    cache = os.path.join(build, 'carrier-cache', 'mirage-deploy', 'carrier')
    done = subprocess.run([mirage.program('mirage-carrier'), 'make', 'xen', '--cache', cache,
                           '--json'], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Absent('no base of a carrier, and no packages to make one of')
    return json.loads(done.stdout)['folder']


def timed(command, out):
    began = time.monotonic()
    with open(out, 'wb') as target:
        subprocess.run(command, stdout=target, check=True)
    return time.monotonic() - began


def make(folder, made_of, rounds):
    """The image, and the seconds that making it takes longer than copying it."""
    image, copy = os.path.join(folder, 'image'), os.path.join(folder, 'copy')
    command = [mirage.program('mirage-image'), 'build', kernel(folder), '--format', 'raw', '--grub',
               mirage.program('grub'), '--carrier', made_of, '--carrier-conf', CONF]
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


def power_on(image):
    """Seconds to the first HTTP 200; None when it does not come."""
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        port = listener.getsockname()[1]
    began = time.monotonic()
    machine = subprocess.Popen(
        ['qemu-system-x86_64', '-machine', 'pc', '-accel', 'tcg', '-m', str(MEMORY_MIB),
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


def measure(table, build, rounds):
    name = 'Xen carrier with a kernel of 2015'
    with tempfile.TemporaryDirectory(dir=build) as folder:
        try:
            image, beyond = make(folder, base(build), max(3, min(rounds, 11)))
        except Absent as absent:
            table.add(name, '', str(absent))
            return
        allocated = os.stat(image).st_blocks * 512
        table.add(f'{name}: image, allocated', f'{allocated / 1e6:.1f} MB', '', '', '<= 15 MB',
                  allocated <= 15_000_000, quiet=False)
        table.add(f'{name}: making the image, beyond writing it', f'{beyond:.2f} s', '', '',
                  '<= 0.3 s', beyond <= 0.3)
        if not shutil.which('qemu-system-x86_64'):
            table.add(f'{name}: power-on to HTTP', '', 'QEMU is not installed')
            return
        found = [power_on(image) for _ in range(BOOTS)]
        if None in found:
            table.add(f'{name}: power-on to HTTP', f'nothing within {PATIENCE_S} s', '', '',
                      '<= 8 s', False)
            return
        took = statistics.median(found)
        table.add(f'{name}: power-on to HTTP, emulated', f'{took:.1f} s', '', '', '<= 8 s',
                  took <= 8)
