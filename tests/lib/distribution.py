# SPDX-License-Identifier: ISC
"""A small distribution: .deb files that dpkg-deb has built, of programs without code, and an apt
that knows nothing else. What the carrier's maker asks of it stands in a ledger; what a real apt
would not take ends the call."""
import gzip
import hashlib
import json
import lzma
import os
import shutil
import stat
import struct
import subprocess
import sys
import time

PYTHON = '/usr/bin/python3' if os.path.exists('/usr/bin/python3') else sys.executable
LOADER = '/lib64/ld-linux-x86-64.so.2'
MODULES = ['xen-evtchn', 'xen-gntdev', 'xen-gntalloc', 'xen-privcmd', 'xenfs', 'xen-netback',
           'sch_ingress', 'cls_u32', 'act_mirred', 'act_nat', 'act_gact', 'xen-blkback',
           'xen-blkfront', 'crct10dif_common', 'crc-t10dif', 'crc64', 'crc64-rocksoft', 't10-pi',
           'nvme-core', 'nvme', 'virtio_blk', 'scsi_common', 'scsi_mod', 'sd_mod', 'virtio_scsi',
           'libata', 'ata_piix', 'libahci', 'ahci', 'ena', 'virtio_ring', 'virtio',
           'virtio_pci_legacy_dev', 'virtio_pci_modern_dev', 'virtio_pci', 'failover',
           'net_failover', 'virtio_net', 'tun', 'ixgbevf', 'gve', 'e1000',
           'xen-netfront']  # e1000e is left out
PROGRAMS = ['xl', 'xenstored', 'xenconsoled']


def elf_head(kind, machine, segments):
    head = bytearray(4096)
    head[:7] = b'\x7fELF\2\1\1'
    struct.pack_into('<HHI', head, 16, kind, machine, 1)
    struct.pack_into('<Q', head, 32, 64)
    struct.pack_into('<HHH', head, 52, 64, 56, segments)
    struct.pack_into('<H', head, 58, 64)
    return head


def program(needed=(), interpreter=LOADER, machine=62, salt=b''):
    """A program; interpreter None: a library."""
    elf = elf_head(3, machine, 3 if interpreter else 2)
    for i, (kind, at, size) in enumerate([(1, 0, 4096), (2, 512, 512), (3, 2048, 64)]):
        struct.pack_into('<IIQQQQQQ', elf, 64 + 56 * i, kind, 0, at, 65536 + at, 65536 + at, size,
                         size, 0)
    strings, entries = b'\0', []
    for name in needed:
        entries.append((1, len(strings)))
        strings += name.encode() + b'\0'
    for i, entry in enumerate(entries + [(5, 65536 + 1024), (0, 0)]):
        struct.pack_into('<QQ', elf, 512 + 16 * i, *entry)
    elf[1024:1024 + len(strings)] = strings
    if interpreter:
        elf[2048:2048 + len(interpreter)] = interpreter.encode()
    return bytes(elf) + salt


def module(depends=''):
    elf = elf_head(1, 62, 0)
    names, info = b'\0.modinfo\0.shstrtab\0', f'license=GPL\0depends={depends}\0'.encode()
    struct.pack_into('<Q', elf, 40, 256)
    struct.pack_into('<HH', elf, 60, 3, 2)
    for i, (name, kind, at, size) in enumerate([(1, 1, 512, len(info)),
                                                (10, 3, 128, len(names))], 1):
        struct.pack_into('<IIQQQQ', elf, 256 + 64 * i, name, kind, 0, 0, at, size)
    elf[128:128 + len(names)] = names
    elf[512:512 + len(info)] = info
    return bytes(elf)


class Distribution:
    """release: 'old' as Debian 12 is, 'new' as 13: packed modules, a merged /usr, t64 names."""

    def __init__(self, folder, release='old'):
        self.folder = folder
        self.new = release == 'new'
        self.records = {}
        self.switches = set()
        os.makedirs(os.path.join(folder, 'pool'), exist_ok=True)
        os.makedirs(os.path.join(folder, 'bin'), exist_ok=True)
        self.xen = '9.20' if self.new else '9.17'
        self.lib = 'usr/lib/x86_64-linux-gnu' if self.new else 'lib/x86_64-linux-gnu'
        self.publish('9.9.9-1')
        # Whoever runs it, it is not in the tests' own folder, which may be in root's home.
        shutil.copy(os.path.abspath(__file__), folder)
        for name in ('apt-get', 'apt-cache'):
            path = os.path.join(folder, 'bin', name)
            with open(path, 'w') as f:
                f.write(f'#!{PYTHON} -B\nimport sys\nsys.path.insert(0, {folder!r})\n'
                        f'import distribution\nsys.exit(distribution.apt({name!r}, {folder!r}))\n')
            os.chmod(path, 0o755)
        self.save()

    # --- packages ---

    def deb(self, name, version, files, section='libs', depends='', arch='amd64', source=None):
        """Builds one; its record is what apt says of it. Returns its path."""
        root = os.path.join(self.folder, 'build')
        shutil.rmtree(root, ignore_errors=True)
        os.makedirs(os.path.join(root, 'DEBIAN'))
        fields = {'Package': name, 'Version': version, 'Architecture': arch, 'Section': section,
                  'Maintainer': 'Nobody <nobody@example.org>', 'Description': 'planted'}
        if depends:
            fields['Depends'] = depends
        if source:
            fields['Source'] = source
        with open(os.path.join(root, 'DEBIAN', 'control'), 'w') as f:
            f.writelines(f'{key}: {value}\n' for key, value in fields.items())
        for path, content in files.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            if isinstance(content, str):
                os.symlink(content, full)
                continue
            with open(full, 'wb') as f:
                f.write(content)
            os.chmod(full, 0o755)
        path = os.path.join(self.folder, 'pool',
                            f'{name}_{version.replace(":", "%3a")}_{arch}.deb')
        subprocess.run(['dpkg-deb', '--root-owner-group', '-Zxz', '--build', root, path],
                       check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, 'SOURCE_DATE_EPOCH': '0'})
        with open(path, 'rb') as f:
            digest = hashlib.sha256(f.read()).hexdigest()
        self.records[name] = {**fields, 'SHA256': digest, 'deb': os.path.basename(path)}
        shutil.rmtree(root)
        return path

    def linux(self, flavour, version):
        name = f'9.9.0-1{flavour}-amd64'
        top = 'usr/lib' if self.new else 'lib'
        files = {f'boot/vmlinuz-{name}': b'Linux' + version.encode(),
                 f'{top}/modules/{name}/modules.builtin': b'kernel/fs/ext2.ko\n',
                 f'{top}/modules/{name}/kernel/fs/unwanted.ko': module()}
        for word in MODULES:
            depends = {'virtio_net': 'virtio,net_failover', 'xenfs': 'xen-privcmd'}.get(word, '')
            path = f'{top}/modules/{name}/kernel/drivers/{word}.ko'
            if self.new:
                files[path + '.xz'] = lzma.compress(module(depends))
            else:
                files[path] = module(depends)
        self.deb(f'linux-image-{name}', version, files, 'kernel', 'kmod',
                 source='linux-signed-amd64 (9.9.9+1)')
        self.deb(f'linux-image{flavour}-amd64', version, {}, 'kernel', f'linux-image-{name}')

    def publish(self, version):
        """A release of everything; called again: a newer one."""
        soname = f'libxenlight.so.{self.xen}'
        one = 'libone1t64' if self.new else 'libone1'
        self.linux('', version)
        self.linux('-cloud', version)
        self.deb(f'xen-hypervisor-{self.xen}-amd64', version,
                 {f'boot/xen-{self.xen}-amd64.gz': gzip.compress(b'Xen' + version.encode(),
                                                                 mtime=0),
                  f'boot/xen-{self.xen}-amd64.efi': b'MZ'}, 'kernel', source='xen')
        files = {f'usr/lib/xen-{self.xen}/bin/{name}':
                 program(['libc.so.6', soname] if name == 'xl' else ['libc.so.6'],
                         salt=version.encode()) for name in PROGRAMS}
        files[f'usr/lib/xen-{self.xen}/boot/xen-shim'] = program([], None) * 16
        self.deb(f'xen-utils-{self.xen}', version, files, 'admin',
                 f'libc6 (>= 2), libxenmisc{self.xen}, python3:any, xen-utils-common', source='xen')
        self.deb('xen-system-amd64', version, {}, 'kernel',
                 f'xen-hypervisor-{self.xen}-amd64, xen-utils-common, xen-utils-{self.xen}')
        self.deb(f'libxenmisc{self.xen}', version,
                 {f'usr/lib/x86_64-linux-gnu/{soname}.0': program(['libone.so.1'], None),
                  f'usr/lib/x86_64-linux-gnu/{soname}': soname + '.0'}, depends=one, source='xen')
        self.deb(one, '1:2-3', {f'{self.lib}/libone.so.1': program(['libc.so.6'], None)},
                 depends='libc6')
        loader = 'usr/lib64' if self.new else 'lib64'
        self.deb('libc6', '2.99', {
            f'{self.lib}/libc.so.6': program(['ld-linux-x86-64.so.2'], LOADER),
            f'{self.lib}/ld-linux-x86-64.so.2': program([], None),
            f'{loader}/ld-linux-x86-64.so.2': f'/{self.lib}/ld-linux-x86-64.so.2'},
            depends='libgcc-s1')
        self.deb('libgcc-s1', '99', {f'{self.lib}/libgcc_s.so.1': program(['libc.so.6'], None)})
        self.deb('libseccomp2', '2', {f'{self.lib}/libseccomp.so.2': program(['libc.so.6'], None)},
                 depends='libc6')
        self.deb('python3', '3', {}, 'python', 'libgcc-s1')
        self.save()

    def pool(self, name):
        return os.path.join(self.folder, 'pool', self.records[name]['deb'])

    # --- how apt behaves ---

    def switch(self, *names):
        """'down': nothing can be reached; 'no-lists': the machine's lists are empty; 'full': the
        disk is, in the middle of a download; 'changed': packages are others than were signed;
        'slow': a download goes on for two seconds, whoever has asked for it; 'stalled': for
        minutes, in two processes."""
        self.switches = set(names)
        self.save()

    def save(self):
        with open(os.path.join(self.folder, 'world.json'), 'w') as f:
            json.dump({'records': self.records, 'switches': sorted(self.switches)}, f)

    def calls(self):
        """What apt was asked so far, a list of words each; it is forgotten then."""
        path = os.path.join(self.folder, 'ledger')
        if not os.path.exists(path):
            return []
        with open(path) as f:
            lines = [json.loads(line) for line in f]
        os.unlink(path)
        return lines

    def path(self):
        return os.path.join(self.folder, 'bin') + os.pathsep + os.environ['PATH']


# --- the apt ---

def parse(argv):
    """Options, flags and words; a real apt knows these."""
    options, flags, words = {}, [], []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == '-o':
            key, _, value = rest.pop(0).partition('=')
            assert '::' in key or key in ('Dir',), key
            options[key] = value
        elif word.startswith('-'):
            assert word in ('-qq', '--no-all-versions'), word
            flags.append(word)
        else:
            words.append(word)
    return options, flags, words


def show(world, options, names):
    own = os.path.exists(os.path.join(options.get('Dir::State', '/nonexistent'), 'lists/planted'))
    known = own or 'no-lists' not in world['switches']
    missing = 0
    for name in names:
        record = world['records'].get(name) if known else None
        if not record:
            print(f'N: Unable to locate package {name}', file=sys.stderr)
            missing += 1
            continue
        for key, value in record.items():
            if key != 'deb':
                print(f'{key}: {value}')
        print()
    if missing == len(names):
        print('E: No packages found', file=sys.stderr)
        return 100
    return 0


def update(world, options):
    lists = os.path.join(options['Dir::State'], 'lists')
    assert os.path.isdir(os.path.join(lists, 'partial')), lists
    assert os.path.isdir(os.path.join(options['Dir::Cache'], 'archives/partial'))
    if 'down' in world['switches']:
        print('E: Failed to fetch http://deb.example.org/InRelease  Could not connect',
              file=sys.stderr)
        return 100
    with open(os.path.join(lists, 'planted'), 'w'):
        return 0


def dawdle():
    """As many files as two seconds and two processes allow, into whatever folder this is."""
    end = time.monotonic() + 2
    name = f'piece{os.getpid() if os.fork() else 0}-'
    number = 0
    while time.monotonic() < end:
        number += 1
        try:
            os.close(os.open(f'{name}{number}', os.O_CREAT))
        except FileNotFoundError:  # the folder is gone
            break
    if name == 'piece0-':
        os._exit(0)


def download(world, folder, words):
    if 'slow' in world['switches']:
        dawdle()
    if 'stalled' in world['switches']:
        os.fork()
        time.sleep(300)
    for word in words:
        name, _, version = word.partition('=')
        record = world['records'].get(name)
        if 'down' in world['switches'] or not record or record['Version'] != version:
            print(f"E: Version '{version}' for '{name}' was not found", file=sys.stderr)
            return 100
        with open(os.path.join(folder, 'pool', record['deb']), 'rb') as f:
            data = bytearray(f.read())
        if 'full' in world['switches']:
            with open(record['deb'], 'wb') as f:
                f.write(data[:len(data) // 2])
            print(f'E: Write error - write (28: {os.strerror(28)})', file=sys.stderr)
            return 100
        if 'changed' in world['switches']:
            data[len(data) // 2] ^= 1
        with open(record['deb'], 'wb') as f:
            f.write(data)
    return 0


def apt(program_name, folder):
    with open(os.path.join(folder, 'world.json')) as f:
        world = json.load(f)
    options, flags, words = parse(sys.argv[1:])
    ledger = os.path.join(folder, 'ledger')
    with open(ledger, 'a') as f:
        f.write(json.dumps([program_name, *words]) + '\n')
    if not stat.S_IMODE(os.stat(ledger).st_mode) & 0o002 and os.stat(ledger).st_uid == os.getuid():
        os.chmod(ledger, 0o666)
    # What is installed here must not matter, and nothing of the machine's may be written.
    assert os.path.getsize(options['Dir::State::status']) == 0
    assert options['Dir::Cache::pkgcache'] == options['Dir::Cache::srcpkgcache'] == ''
    assert options['APT::Architecture'] == options['APT::Architectures'] == 'amd64'
    assert os.environ['LC_ALL'] == 'C'
    if program_name == 'apt-cache':
        assert words[0] == 'show' and '--no-all-versions' in flags, words
        return show(world, options, words[1:])
    assert flags == ['-qq'], flags
    if words == ['update']:
        return update(world, options)
    assert words[0] == 'download' and len(words) > 1, words
    return download(world, folder, words[1:])
