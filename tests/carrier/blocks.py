#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""`--block NAME=FILE`: a carried kernel's block devices, through the whole program to a kernel that
reads what is in them: GRUB for Xen, which everybody has, on every bus, and MirageOS of 2014, which
looks for its disks by the names of their files. What is refused, and what is kept how long. Some 12
machines under QEMU's emulator. Speaks TAP."""
import hashlib
import os
import subprocess
import sys

from carried import mirageos, need_base, share_cache
from kernels import multiboot
from mirage import OVER, PATIENCE, Skip, Tap, UnixHTTP, World, need_programs, wait_for
from tap import need_program

LIVE = 120 * PATIENCE
MODULES = ['normal', 'echo', 'halt', 'cat', 'ls', 'fat', 'loadenv', 'test', 'regexp']


def fat(world, name, text, kib=4096):
    """A file with a FAT16 file system, in which hello.txt has that text."""
    path, hello = os.path.join(world.dir, name), os.path.join(world.dir, 'hello')
    with open(hello, 'w', encoding='utf-8') as f:
        f.write(text + '\n')
    if os.path.exists(path):
        os.unlink(path)
    small = ['-s', '1'] if kib < 1 << 15 else []
    subprocess.run(['mkfs.vfat', '-F', '16', *small, '-C', path, str(kib)], check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(['mcopy', '-i', path, hello, '::hello.txt'], check=True)
    return path


def digest(path):
    with open(path, 'rb') as f:
        return hashlib.file_digest(f, 'sha256').hexdigest()


def grub(world, name, *words):
    """GRUB as a kernel for Xen that does what the words say."""
    if not os.path.exists('/usr/lib/grub/x86_64-xen/modinfo.sh'):
        raise Skip('GRUB for x86_64-xen is not installed (grub-xen-bin)')
    config, out = os.path.join(world.dir, 'words.cfg'), os.path.join(world.dir, name + '.xen')
    with open(config, 'w', encoding='utf-8') as f:
        f.write('\n'.join([*words, 'echo the end', 'halt', '']))
    subprocess.run(['grub-mkimage', '-O', 'x86_64-xen', '-c', config, '-o', out, '-p', '/',
                    *MODULES], check=True, timeout=120)
    return out


def deploy(world, kernel, name, *options, expect=0):
    return world.cli('local', kernel, '--ttl', '10m', '--name', name, '--no-list', *options,
                     expect=expect, timeout=LIVE)


def console(world, name):
    return world.cli('logs', name).out


def runs(world, kernel, name, *options):
    """Its console, when it is over."""
    deploy(world, kernel, name, '--detach', *options)
    wait_for(f'{name} is over', LIVE, lambda: world.state_of(name) in OVER)
    return console(world, name)


def kept(world, folder):
    folder = os.path.join(world.state, folder)
    return os.listdir(folder) if os.path.isdir(folder) else []


def request(world, method, target, body=None):
    connection = UnixHTTP(os.path.join(world.state, 'api.sock'), 30)
    try:
        connection.request(method, target, body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


# --- what is said before ---

def refused(tap, world):
    kernel, disk = grub(world, 'nothing'), fat(world, 'disk.img', 'one')
    odd, empty = os.path.join(world.dir, 'odd'), os.path.join(world.dir, 'empty')
    for path, text in ((odd, 'odd'), (empty, '')):
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
    many = [word for i in range(17) for word in ('--block', f'n{i}={disk}')]
    rows = [('no file', ['--block', 'a=/nothing/there'], 3, ['device a', '/nothing/there']),
            ('an empty one', ['--block', f'a={empty}'], 2, [empty, 'empty']),
            ('no whole sectors', ['--block', f'a={odd}'], 2, [odd, '3 bytes', 'truncate -s %512']),
            ('a folder', ['--block', f'a={world.dir}'], 2, ['directory']),
            ('no name', ['--block', disk], 2, ['NAME=FILE']),
            ('a name that cannot be', ['--block', f'a b={disk}'], 2, ["'a b'", 'letters']),
            ('a name twice', ['--block', f'a={disk}', '--block', f'a={disk}'], 2, ['a', 'twice']),
            ('a device twice', ['--block', f'xvda={disk}', '--block', f'51712={disk}'], 2,
             ['xvda', 'as 51712']),
            ('too many', many, 2, ['n16', 'more than 16']),
            ('none is to be carried', ['--block', f'a={disk}', '--carrier', 'never'], 5,
             ['inside of a carrier only'])]
    for what, options, code, says in rows:
        with tap.part(f'{what}: refused before anything is sent, with the way out'):
            done = deploy(world, kernel, 'never', *options, expect=code)
            for word in says:
                assert word in done.err, (word, done.err)
            assert not kept(world, 'blocks') and not kept(world, 'kernels')
    with tap.part('a kernel that starts as it is has no use for one'):
        with open(os.path.join(world.dir, 'hello.elf'), 'wb') as f:
            f.write(multiboot('hello', 'power-off'))
        done = deploy(world, f.name, 'never', '--block', f'a={disk}', expect=5)
        assert 'in a carrier' in done.err and 'leave --block away' in done.err, done.err


def planned(tap, world):
    kernel, disk = grub(world, 'nothing'), fat(world, 'disk.img', 'one')
    with tap.part('plan has them, with their lengths'):
        plan = world.cli('plan', 'local', kernel, '--block', f'disk1={disk}', '--json').json()
        assert plan['blocks'] == [{'name': 'disk1', 'sha256': digest(disk),
                                   'bytes': 4 << 20}], plan
        text = world.cli('plan', 'local', kernel, '--block', f'disk1={disk}').out
        assert 'disk1 (4 MiB)' in text, text
    with tap.part('the content is kept by its digest: known, and forgotten when it is asked for'):
        target = '/v1/blocks/' + digest(disk)
        assert request(world, 'GET', target)[0] == 200
        assert request(world, 'PUT', target, b'')[0] == 200
        assert request(world, 'DELETE', target)[0] == 204
        assert request(world, 'DELETE', target)[0] == 404
        assert request(world, 'GET', target)[0] == 404
    with tap.part('a file that changed on its way, or has no whole sectors, is not kept'):
        with open(disk, 'rb') as f:
            body = f.read()
        status, text = request(world, 'PUT', target, body[:-1] + b'x')
        assert status >= 400 and 'SHA-256' in text, (status, text)
        status, text = request(world, 'PUT', '/v1/blocks/' + 64 * '0', b'odd')
        assert status == 422 and 'whole sectors' in text, (status, text)
        assert not kept(world, 'blocks'), kept(world, 'blocks')
    with tap.part('one that was never sent: no deployment, and how to send it'):
        body = (f'{{"provider":"local","kernel":"{digest(kernel)}",'
                f'"blocks":[{{"name":"a","sha256":"{64 * "0"}"}}]}}')
        status, text = request(world, 'POST', '/v1/deployments', body)
        assert status == 404 and 'PUT /v1/blocks/' in text, (status, text)


# --- GRUB ---

def reads(tap, world):
    one, two = fat(world, 'one.img', 'this is one'), fat(world, 'two.img', 'this is two')
    env = os.path.join(world.dir, 'env')
    subprocess.run(['grub-editenv', env, 'create'], check=True)
    subprocess.run(['mcopy', '-i', two, env, '::env'], check=True)
    before = digest(two)
    kernel = grub(world, 'reads', 'cat (xen/xvda)/hello.txt', 'cat (xen/xvdb)/hello.txt',
                  'set word=written', 'save_env -f (xen/xvda)/env word', 'set word=forgotten',
                  'load_env -f (xen/xvda)/env', 'echo it is $word')
    with tap.part('a kernel reads them, each under the device that its name says or the next free'):
        text = runs(world, kernel, 'reads', '--block', f'disk1={one}', '--block', f'xvda={two}')
        at = [text.find(word) for word in ('this is two', 'this is one', 'the end')]
        assert -1 not in at and at == sorted(at), text
        assert "guest's disk disk1 is /dev/nvme0n1p" in text, text
    with tap.part('it writes to them, and nothing of that gets into the file'):
        assert 'it is written' in text, text
        assert digest(two) == before
    with tap.part('show has them; their contents are gone with the deployment'):
        d = world.show('reads')
        assert [block['name'] for block in d['blocks']] == ['disk1', 'xvda'], d['blocks']
        assert 'disk1 (4 MiB), xvda (4 MiB)' in world.cli('show', 'reads').out
        assert not kept(world, 'blocks') and not kept(world, 'carried'), kept(world, 'blocks')


def every_machine(tap, world):
    disk = fat(world, 'disk.img', 'it is read')
    kernel = grub(world, 'bus', 'cat (xen/xvda)/hello.txt')
    for firmware, bus in (('bios', 'ide'), ('bios', 'virtio'), ('bios', 'scsi'),
                          ('uefi', 'virtio')):
        with tap.part(f'{firmware}, {bus}'):
            text = runs(world, kernel, f'{firmware}-{bus}', '--firmware', firmware, '--disk-bus',
                        bus, '--block', f'disk1={disk}')
            assert 'it is read' in text and 'the end' in text, text


def many(tap, world):
    disk = fat(world, 'disk.img', 'it is read')
    names = [f'xvd{chr(ord("a") + i)}' for i in range(16)]
    kernel = grub(world, 'many', *(f'cat (xen/{name})/hello.txt' for name in names))
    with tap.part('sixteen of them, of one content, which is sent once'):
        text = runs(world, kernel, 'many',
                    *(word for i in range(16) for word in ('--block', f'n{i}={disk}')))
        assert text.count('it is read') == 16, text


def large(tap, world):
    disk = fat(world, 'large.img', 'it is read', kib=1 << 20)
    kernel = grub(world, 'large', 'cat (xen/xvda)/hello.txt', 'sleep 100')
    with tap.part('one of 1 GiB takes no memory, and where it is empty no room either'):
        plan = world.cli('plan', 'local', kernel, '--block', f'a={disk}', '--json').json()
        assert plan['memory_bytes'] <= 400 << 20, plan['memory_bytes']
        deploy(world, kernel, 'large', '--detach', '--block', f'a={disk}')
        wait_for('it is read', LIVE, lambda: 'it is read' in console(world, 'large'))
        paths = [os.path.join(world.state, folder, name) for folder in ('blocks', 'carried')
                 for name in kept(world, folder)]
        assert len(paths) == 2, paths
        for path in paths:
            of = os.stat(path)
            assert of.st_size >= 1 << 30 and of.st_blocks * 512 < 40 << 20, (path, of)
    with tap.part('it is not forgotten while a deployment has it'):
        status, text = request(world, 'DELETE', '/v1/blocks/' + digest(disk))
        assert status == 409 and "'large'" in text, (status, text)
    with tap.part('a daemon that was killed has it still, and lets it go at the end'):
        world.kill_daemon()
        world.start_daemon()
        assert kept(world, 'blocks') == [digest(disk)]
        world.cli('rm', 'large')
        assert not kept(world, 'blocks') and not kept(world, 'carried')


# --- MirageOS of 2014 ---

FATS = [f'fat{i}.img' for i in range(1, 7)]


def of_2014(tap, world):
    with tap.part('MirageOS of 2014 without its disks: the end says which, and how to give it'):
        runs(world, mirageos('2014'), 'without')
        said = world.show('without')['instance']['end_reason']
        assert '--block fat5.img=FILE' in said, said
        assert said in world.cli('show', 'without').out
    with tap.part('with its six: it finds each by its name, and reads whole file systems'):
        options = [word for name in FATS
                   for word in ('--block', f'{name}={fat(world, name, name)}')]
        text = runs(world, mirageos('2014'), 'with', *options)
        for name in ('fat5.img', 'fat4.img', 'fat3.img', 'fat2.img'):
            assert f'{name}: interpreting {name} as a backend params key' in text, text
        assert text.count('state=Connected') == 4 and 'default' not in text, text
    with tap.part('where it ends is its own limit, of eight event channels: at the fourth disk'):
        # Two for store and console, a clock, a network card: with a fourth disk there is a ninth
        # number, and its runtime has room for eight (mirage-platform's eventchn_stubs.c, 2014-02).
        assert 'Invalid_argument("index out of bounds")' in text, text
        assert 'power off: guest ended' in text and 'no block device' not in text, text


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-carrier',
                  'mirage-public')
    need_program('mkfs.vfat', 'mcopy', 'grub-editenv')
    need_base('xen')
    tap = Tap()
    with World() as world:
        share_cache(world)
        world.start_daemon()
        refused(tap, world)
        planned(tap, world)
        reads(tap, world)
        every_machine(tap, world)
        many(tap, world)
        large(tap, world)
        of_2014(tap, world)
        world.say_log(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
