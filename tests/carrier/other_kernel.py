# SPDX-License-Identifier: ISC
"""A program of this machine under another kernel: a virtual machine whose root is this machine's
own, read-only, and whose kernel is of an unpacked package linux-image-amd64 (boot/vmlinuz-*,
lib/modules) that MIRAGE_TEST_LINUX names. No network, no disk, no more rights than QEMU has."""
import glob
import os
import re
import subprocess
import tempfile

from tap import Skip, need_program

# In the order in which they can be loaded.
ROOT_MODULES = ['virtio_ring', 'virtio', 'virtio_pci_legacy_dev', 'virtio_pci_modern_dev',
                'virtio_pci', 'netfs', 'fscache', '9pnet', '9pnet_virtio', '9p']


def find_linux():
    """(vmlinuz, {module: path}) of the kernel."""
    root = os.environ.get('MIRAGE_TEST_LINUX', '')
    images = sorted(glob.glob(os.path.join(root, 'boot/vmlinuz-*'))) if root else []
    if not images:
        raise Skip('MIRAGE_TEST_LINUX names no unpacked package linux-image-amd64')
    version = os.path.basename(images[-1]).split('-', 1)[1]
    found = {}
    for folder, _, names in os.walk(os.path.join(root, 'lib/modules', version)):
        for name in names:
            if name.endswith('.ko'):
                found[name[:-3]] = os.path.join(folder, name)
    return images[-1], found


def entry(name, mode, data=b''):
    """One entry of a cpio archive (newc)."""
    path = name.encode() + b'\0'
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0]
    head = b'070701' + b''.join(b'%08x' % field for field in fields) + path
    head += b'\0' * (-len(head) % 4)
    return head + data + b'\0' * (-len(data) % 4)


def archive(init, modules, names, command):
    with open(init, 'rb') as handle:
        parts = [entry('init', 0o100755, handle.read())]
    parts += [entry('k', 0o040755)]
    for name in names:
        with open(modules[name], 'rb') as handle:
            parts.append(entry(f'k/{name}.ko', 0o100644, handle.read()))
    parts.append(entry('modules', 0o100644, '\n'.join(names).encode()))
    parts.append(entry('command', 0o100644, command.encode()))
    return b''.join(parts) + entry('TRAILER!!!', 0)


def machine(vmlinuz, initrd, memory):
    """The command of QEMU."""
    return ['qemu-system-x86_64', '-nodefaults', '-no-user-config', '-no-reboot', '-machine', 'q35',
            '-cpu', 'max,-smap', '-m', memory, '-smp', '2', '-accel', 'tcg', '-display', 'none',
            '-serial', 'stdio', '-kernel', vmlinuz, '-initrd', initrd,
            '-append', 'console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on',
            '-fsdev', 'local,id=host,path=/,security_model=none,readonly=on,multidevs=remap',
            '-device', 'virtio-9p-pci,fsdev=host,mount_tag=host']


def run(init, command, wanted=(), seconds=300, memory='1G'):
    """Runs the shell line; (status, what it printed). `wanted`: modules besides the root's. The
    status is -1 when the machine came to no end, in time or at all."""
    need_program('qemu-system-x86_64')
    vmlinuz, modules = find_linux()
    names = ROOT_MODULES + list(wanted)
    lacking = [name for name in names if name not in modules]
    if lacking:
        raise Skip(f'{vmlinuz} has no module {lacking[0]}')
    with tempfile.NamedTemporaryFile(prefix='mirage-vm-') as initrd:
        initrd.write(archive(init, modules, names, command))
        initrd.flush()
        try:
            output = subprocess.run(machine(vmlinuz, initrd.name, memory), check=False,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, timeout=seconds).stdout
        except subprocess.TimeoutExpired as late:
            output = late.stdout or b''
    text = output.decode('utf-8', 'replace').replace('\r', '')
    ends = re.findall(r'^=vm (\d+)$', text, re.M)
    return int(ends[-1]) if ends else -1, text
