#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""mirage-carrier on a small distribution of the test's own (tests/lib/distribution.py): what a base
is made of, that it is the same every time, and what happens when there is no network, no room, a
package that is not what was signed, somebody else at work, or an end in the middle. Real packages:
tests/carrier/base.py. Speaks TAP."""
import json
import lzma
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

from distribution import MODULES, PROGRAMS, Distribution, program as elf
from mirage import PATIENCE, Skip, Tap, as_somebody_else, program, skip_all, wait_for
from tap import need_program

CARRIER = program('mirage-carrier')
SANITIZERS = {k: v for k, v in os.environ.items() if k.endswith('SAN_OPTIONS')}


class World:
    """A distribution, a cache, and the program between them."""

    def __init__(self, release='old'):
        self.release = release

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix='mir-carrier-')
        self.debian = Distribution(self.path('debian'), self.release)
        self.cache = self.path('cache')
        with open(self.path('init'), 'wb') as f:
            f.write(elf([], None))
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self, *words, env=None, **more):
        words = [CARRIER, 'make', *words]
        if '--init' not in words:
            words += ['--init', self.path('init')]
        if '--cache' not in words:
            words += ['--cache', self.cache]
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                cwd=self.dir, env={'PATH': self.debian.path(), 'HOME': self.dir,
                                                   **SANITIZERS, **(env or {})}, **more)

    def run(self, *words, expect=0, **more):
        child = self.start(*words, **more)
        out, err = child.communicate(timeout=120 * PATIENCE)
        assert expect is None or child.returncode == expect, (words, child.returncode, out, err)
        return out, err

    def make(self, *words, **more):
        out, _ = self.run(*words, '--json', **more)
        return json.loads(out)

    def refused(self, status, wanted, *words, **more):
        """One sentence with these words and a fix; the same as JSON."""
        _, err = self.run(*words, expect=status, **more)
        last = err.splitlines()[-1]
        assert last.startswith('mirage-carrier: ') and last.endswith(')'), err
        for word in wanted:
            assert word in last, (word, err)
        error = json.loads(self.run(*words, '--json', expect=status, **more)[0])['error']
        assert error['text'] in last and error['hint'] in last, (error, last)

    def bases(self, cache=None):
        cache = cache or self.cache
        return sorted(n for n in os.listdir(cache) if n.split('-')[0] in ('xen', 'linux', 'shim'))

    def leftovers(self):
        return [n for n in os.listdir(self.cache) if n.startswith('.new')]

    def debs(self):
        return sorted(os.listdir(os.path.join(self.cache, 'debs')))


def content(folder):
    found = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), 'rb') as f:
            found[name] = f.read()
    return found


def manifest(folder):
    with open(os.path.join(folder, 'manifest.json')) as f:
        return json.load(f)


def whole(folder):
    """Whatever has a base's name has all of it."""
    for file in manifest(folder)['files']:
        path = os.path.join(folder, file['name'])
        assert os.path.getsize(path) == file['bytes'], (path, file)


# --- what is made ---

def check_xen(w, made):
    folder = made['folder']
    said = manifest(folder)
    assert sorted(os.listdir(folder)) == ['base.cpio.zst', 'disks.cpio.zst', 'linux',
                                          'manifest.json', 'xen.gz']
    for name in ('base.cpio.zst', 'disks.cpio.zst'):
        assert os.path.getsize(os.path.join(folder, name)) % 4 == 0
    paths = {entry['path']: entry for entry in said['archive']}
    for name in PROGRAMS:
        assert paths[f'bin/{name}']['package'] == f'xen-utils-{w.debian.xen}', paths
    assert paths['etc/xen/vif']['target'] == '/init'
    assert {p for p in paths if p.startswith('k/')} == \
        {f'k/{m}.ko' for m in MODULES if m not in ('tun', 'xen-netfront', 'xen-blkfront')}, paths
    assert said['absent'] == ['e1000e'], said['absent']
    assert {p for p in paths if p.startswith('lib')} == \
        {'lib', 'lib64', 'lib64/ld-linux-x86-64.so.2', 'lib/libc.so.6', 'lib/libgcc_s.so.1',
         'lib/libone.so.1', f'lib/libxenlight.so.{w.debian.xen}'}, paths
    used = {p['name'] for p in said['packages'] if p['used']}
    assert 'python3' not in used and f'libxenmisc{w.debian.xen}' in used, used
    linux = next(p for p in said['packages'] if p['name'].startswith('linux-image'))
    assert (linux['source'], linux['source_version']) == ('linux-signed-amd64', '9.9.9+1'), linux
    assert [own['name'] for own in said['ours']] == ['init']
    assert made['bytes'] == sum(file['bytes'] for file in said['files'])


def shapes(w):
    made = {shape: w.make(shape) for shape in ('xen', 'linux', 'shim')}
    check_xen(w, made['xen'])
    assert sorted(os.listdir(made['shim']['folder'])) == ['manifest.json', 'xen-shim.xz']
    with lzma.open(os.path.join(made['shim']['folder'], 'xen-shim.xz')) as f, \
            open(w.path('shim'), 'wb') as out:
        out.write(f.read())
    assert os.path.getsize(w.path('shim')) == 16 * 4096
    assert sorted(os.listdir(made['linux']['folder'])) == ['base.cpio.zst', 'disks.cpio.zst',
                                                           'linux', 'manifest.json']
    for shape, answer in made.items():
        assert answer['made'] and answer['shape'] == shape, answer
        assert answer['looked'] > time.time() - 600
    return made


def two_releases(release):
    with World(release) as w:
        shapes(w)


def new_release():
    two_releases('new')


def old_release():
    two_releases('old')


def same_bytes():
    """In another cache, at another time, from another folder: not a byte differs."""
    with World() as w:
        for shape in ('xen', 'linux', 'shim'):
            one = w.make(shape)['folder']
            other = w.make(shape, '--cache', w.path('other'), env={'TZ': 'Asia/Tokyo'})['folder']
            assert os.path.basename(one) == os.path.basename(other)
            assert content(one) == content(other)


def listed(folder, name):
    text = subprocess.run(f"zstd -dc '{folder}/{name}' | cpio --quiet -itvn", shell=True,
                          check=False, capture_output=True, text=True).stdout
    return [line.split() for line in text.splitlines()]


def in_archive(folder, name):
    return [entry['path'] for entry in manifest(folder)['archive'] if entry.get('in') == name]


def archive():
    """As GNU cpio reads it."""
    need_program('zstd', 'cpio')
    with World() as w:
        folder = w.make('xen')['folder']
        drivers = [line[-1] for line in listed(folder, 'disks.cpio.zst')]
        assert 'k/nvme.ko' in drivers and 'k/xen-netback.ko' not in drivers, drivers
        assert drivers == in_archive(folder, 'disks.cpio.zst'), drivers
        lines = listed(folder, 'base.cpio.zst')
        names = [line[-1] if '->' not in line else line[-3] for line in lines]
        assert names == in_archive(folder, None), names
        assert names == sorted(names), names
        assert all(line[2:4] == ['0', '0'] for line in lines), lines
        console = next(line for line in lines if line[-1] == 'dev/console')
        assert console[0] == 'crw-------' and console[4:6] == ['5,', '1'], console


def quick():
    """A second call asks nobody, and is a matter of milliseconds."""
    with World() as w:
        first = w.make('xen')
        assert w.debian.calls()
        begin = time.monotonic()
        second = w.make('xen')
        took = time.monotonic() - begin
        assert not second['made'] and second['folder'] == first['folder']
        assert second['bytes'] == first['bytes'] and second['packages'] == first['packages']
        assert second['looked'] == first['looked']
        assert not w.debian.calls()
        assert took < 0.2 * PATIENCE, took
        out, err = w.run('xen')
        assert out == first['folder'] + '\n' and not err, (out, err)


def own_parts():
    """Another first process, another tender: another base; no package is looked for again."""
    with World() as w:
        first = w.make('linux')
        w.debian.calls()
        with open(w.path('init2'), 'wb') as f:
            f.write(elf([], None, salt=b'2'))
        second = w.make('linux', '--init', w.path('init2'))
        assert second['made'] and second['folder'] != first['folder']
        assert not w.debian.calls()
        with open(w.path('solo5-spt'), 'wb') as f:
            f.write(elf(['libseccomp.so.2']))
        with open(w.path('solo5-hvt'), 'wb') as f:
            f.write(elf([], None))
        one = w.make('linux', '--tender', w.path('solo5-spt'))
        paths = [entry['path'] for entry in manifest(one['folder'])['archive']]
        assert 'tender/solo5-spt' in paths and 'lib/libseccomp.so.2' in paths, paths
        assert 'lib64/ld-linux-x86-64.so.2' in paths and 'lib/libc.so.6' in paths, paths
        # kvm is wanted with solo5-hvt, and this Linux has it not.
        both = w.make('linux', '--tender', w.path('solo5-spt'), '--tender', w.path('solo5-hvt'))
        assert 'kvm' in manifest(both['folder'])['absent'], manifest(both['folder'])['absent']
        assert len(w.bases()) == 4, w.bases()


# --- the network ---

def offline():
    with World() as w:
        w.refused(8, ['offline', 'shim'], 'shim', '--offline')
        assert not w.debian.calls()
        first = w.make('shim')
        w.debian.calls()
        shutil.rmtree(first['folder'])
        again = w.make('shim', '--offline')
        assert again['made'] and again['folder'] == first['folder'], again
        assert not w.debian.calls()
        shutil.rmtree(first['folder'])
        os.unlink(os.path.join(w.cache, 'debs', w.debs()[0]))
        w.refused(8, ['offline', '1 of 1 packages'], 'shim', '--offline')


def no_network():
    with World() as w:
        w.debian.switch('down', 'no-lists')
        w.refused(8, ['Could not connect', 'network'], 'shim')
        assert not w.bases() and not w.leftovers()
        w.debian.switch()
        first = w.make('shim')
        w.debian.switch('down')
        out, err = w.run('shim', '--refresh', '--json')
        assert json.loads(out)['folder'] == first['folder']
        assert 'Could not connect' in err and 'in the cache' in err, err


def no_lists():
    """A machine whose apt has no lists, as in a container: lists of our own."""
    with World() as w:
        w.debian.switch('no-lists')
        w.make('shim')
        assert ['apt-get', 'update'] in w.debian.calls()


def newer_release():
    with World() as w:
        first = w.make('shim')
        debs = w.debs()
        w.debian.publish('9.9.9-2')
        assert w.make('shim')['folder'] == first['folder']
        second = w.make('shim', '--refresh')
        assert second['made'] and second['folder'] != first['folder']
        assert len(w.bases()) == 2
        assert len(w.debs()) == 1 and w.debs() != debs, w.debs()
        # What is not to be had any more is looked for anew.
        for name in w.debs():
            os.unlink(os.path.join(w.cache, 'debs', name))
        shutil.rmtree(second['folder'])
        w.debian.publish('9.9.9-3')
        assert w.make('shim')['folder'] not in (first['folder'], second['folder'])


def unused():
    """A base that nobody has used for a month goes when another is made; using one is enough."""
    with World() as w:
        old, kept = w.make('shim'), w.make('linux')
        month = time.time() - 31 * 86400
        for made in (old, kept):
            os.utime(made['folder'], (month, month))
        assert not w.make('linux')['made']
        os.mkdir(os.path.join(w.cache, 'xen-what'))  # no base of ours
        os.utime(os.path.join(w.cache, 'xen-what'), (month, month))
        w.make('xen')
        names = {name.split('-')[0] for name in w.bases()}
        assert not os.path.exists(old['folder']) and os.path.exists(kept['folder']), w.bases()
        assert names == {'linux', 'xen'} and 'xen-what' in w.bases(), w.bases()
        again = w.make('shim', '--offline')
        assert again['made'] and again['folder'] == old['folder']


# --- packages that are not what they have to be ---

def changed():
    with World() as w:
        w.debian.switch('changed')
        w.refused(2, ['not the package', 'xen-utils'], 'shim')
        assert not w.bases() and not w.debs() and not w.leftovers()
        w.debian.switch()
        first = w.make('shim')
        deb = os.path.join(w.cache, 'debs', w.debs()[0])
        with open(deb, 'r+b') as f:
            f.seek(100)
            byte = f.read(1)
            f.seek(100)
            f.write(bytes([byte[0] ^ 1]))
        shutil.rmtree(first['folder'])
        w.refused(2, ['not the package', 'fetched again'], 'shim', '--offline')
        out, err = w.run('shim', '--json')
        assert json.loads(out)['folder'] == first['folder'] and 'again' in err, err


def damaged_base():
    """A base that has lost something is made anew."""
    with World() as w:
        first = w.make('shim')
        before = content(first['folder'])
        with open(os.path.join(first['folder'], 'xen-shim.xz'), 'r+b') as f:
            f.truncate(10)
        assert w.make('shim')['made']
        assert content(first['folder']) == before
        os.unlink(os.path.join(first['folder'], 'manifest.json'))
        assert w.make('shim')['made']
        assert content(first['folder']) == before


def folder_of_packages():
    with World() as w:
        shelf = w.path('shelf')
        os.mkdir(shelf)
        words = ['xen', '--packages', shelf]
        w.refused(3, ['no .deb files'], *words)
        names = [n for n in w.debian.records if not n.endswith('image-amd64') and 'cloud' not in n
                 and n not in ('xen-system-amd64', 'python3', 'libseccomp2')]
        roots = ['linux-image-9.9.0-1-amd64', 'xen-hypervisor-9.17-amd64', 'xen-utils-9.17']
        shutil.copy(w.debian.pool('libc6'), shelf)
        w.refused(3, ['linux-image-', 'xen-hypervisor-', 'xen-utils-'], *words)
        for name in roots:
            shutil.copy(w.debian.pool(name), shelf)
        w.refused(3, ['libgcc_s.so.1', 'libxenlight.so.9.17 (for bin/xl)'], *words)
        for name in names:
            shutil.copy(w.debian.pool(name), shelf)
        made = w.make(*words)
        check_xen(w, made)
        assert made['looked'] == 0
        assert not w.debian.calls()
        assert content(made['folder']) == content(w.make('xen', '--cache', w.path('o'))['folder'])
        w.debian.calls()
        assert not w.make(*words)['made']

        foreign = w.debian.deb('libfoo', '1', {}, arch='arm64')
        shutil.copy(foreign, shelf)
        w.refused(2, ['libfoo', 'arm64', 'amd64'], *words)
        os.unlink(os.path.join(shelf, os.path.basename(foreign)))
        shutil.copy(w.debian.deb('libc6', '3.0', {}), shelf)
        w.refused(2, ['libc6_2.99', 'libc6_3.0', 'two versions'], *words)
        os.unlink(os.path.join(shelf, 'libc6_3.0_amd64.deb'))
        with open(os.path.join(shelf, 'broken.deb'), 'wb') as f:
            f.write(b'!<arch>\nbroken')
        _, err = w.run(*words, expect=2)
        assert 'broken.deb' in err, err


def no_tools():
    with World() as w:
        need_program('dpkg-deb')
        empty = w.path('empty')
        os.mkdir(empty)
        w.refused(8, ['apt-get is not installed', '--packages'], 'shim', env={'PATH': empty})
        w.make('shim')
        shutil.rmtree(os.path.join(w.cache, w.bases()[0]))
        w.refused(8, ['dpkg-deb is not installed'], 'shim', '--offline', env={'PATH': empty})


# --- ends in the middle ---

def disk_full():
    with World() as w:
        w.debian.switch('full')
        w.refused(5, ['No space left', 'make room'], 'shim')
        assert not w.bases() and not w.leftovers() and not w.debs()
        w.debian.switch()
        reference = content(w.make('shim', '--cache', w.path('other'))['folder'])

        def limit(size):
            return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        w.run('shim', expect=None, preexec_fn=limit(0))
        w.make('shim')
        shutil.rmtree(os.path.join(w.cache, w.bases()[0]))
        for size in (0, 1, 100, 300):
            _, err = w.run('shim', '--offline', expect=5, preexec_fn=limit(size))
            assert 'too large' in err, err
            assert not w.bases() and not w.leftovers(), os.listdir(w.cache)
        assert content(w.make('shim')['folder']) == reference


def points(w):
    counted = w.path('points')
    w.make('shim', '--cache', w.path('counting'), env={'MIRAGE_DEPLOY_FAULT_COUNT': counted})
    with open(counted) as f:
        return len(f.readlines())


def killed():
    """At each point that can half-happen; and with each of them failed, before and after."""
    with World() as w:
        reference = content(w.make('shim', '--cache', w.path('other'))['folder'])
        count = points(w)
        assert count >= 8, count
        for mode in ('kill', 'fail-before', 'fail-after'):
            for number in range(1, count + 1):
                shutil.rmtree(w.cache, ignore_errors=True)
                _, err = w.run('shim', expect=None, env={'MIRAGE_DEPLOY_FAULT': f'{mode}:{number}'})
                for name in w.bases():
                    whole(os.path.join(w.cache, name))
                if mode != 'kill':
                    assert not w.leftovers(), (mode, number, err)
                made = w.make('shim')
                assert content(made['folder']) == reference, (mode, number)
                assert not w.leftovers() and len(w.bases()) == 1, (mode, number)
        print(f'# {count} points')


def left_alone():
    """Killed while apt works, which goes on: its folder cannot be removed at once, and that is
    nobody's trouble."""
    with World() as w:
        reference = content(w.make('shim', '--cache', w.path('other'))['folder'])
        w.debian.switch('slow')
        child = w.start('shim')
        wait_for('a download', 20 * PATIENCE,
                 lambda: os.path.isdir(w.cache) and w.leftovers() and
                 os.listdir(os.path.join(w.cache, w.leftovers()[0])), every=0.01)
        child.kill()
        child.communicate()
        w.debian.switch()
        assert content(w.make('shim')['folder']) == reference
        time.sleep(2.2)  # until what was left alone has ended by its own clock
        w.make('linux')
        assert not w.leftovers()


def at_once():
    with World() as w:
        reference = content(w.make('shim', '--cache', w.path('other'))['folder'])
        w.debian.calls()
        children = [w.start('shim', '--json') for _ in range(4)]
        children += [w.start('linux', '--json') for _ in range(2)]
        answers = []
        for child in children:
            out, err = child.communicate(timeout=120 * PATIENCE)
            assert child.returncode == 0, err
            answers.append(json.loads(out))
        for shape in ('shim', 'linux'):
            mine = [a for a in answers if a['shape'] == shape]
            assert len({a['folder'] for a in mine}) == 1, mine
            assert sum(a['made'] for a in mine) == 1, mine
        assert content(answers[0]['folder']) == reference
        downloads = [call for call in w.debian.calls() if call[1] == 'download']
        assert len(downloads) == 2, downloads
        assert not w.leftovers()


def ordinary_user():
    """Without root, and where nothing may be written but the cache."""
    with World() as w, as_somebody_else() as run:
        os.chmod(w.dir, 0o755)
        cache = w.path('theirs')
        os.mkdir(cache)
        os.chown(cache, 65534, 65534)
        w.make('shim')  # the ledger is there, for all to write in
        ledger = os.path.join(w.debian.folder, 'ledger')
        asked = os.path.getsize(ledger)
        env = {'PATH': w.debian.path(), 'XDG_CACHE_HOME': cache, **SANITIZERS}
        done = run('mirage-carrier', 'make', 'shim', '--json', env=env)
        assert done.returncode == 0, (done.stdout, done.stderr)
        assert os.path.getsize(ledger) > asked, "it was the machine's own apt"
        folder = json.loads(done.stdout)['folder']
        assert folder.startswith(cache + '/mirage-deploy/carrier/shim-'), folder
        os.chmod(w.cache, 0o755)
        done = run('mirage-carrier', 'make', 'shim', '--cache', '/proc/nowhere', env=env)
        assert done.returncode != 0 and '--cache' in done.stderr, done


def bad_input():
    with World() as w:
        for words in (['nothing'], ['xen', '--what'], ['xen', '--cache', ''], ['xen', '--packages'],
                      ['shim', '--tender', '/x/solo5-spt'], ['linux', '--tender', w.path('init')],
                      ['xen', '--offline', '--refresh']):
            _, err = w.run(*words, expect=2)
            assert err.startswith('mirage-carrier: '), (words, err)
        _, err = w.run('xen', '--init', w.path('nowhere'), expect=3)
        assert 'nowhere' in err, err
        with open(w.path('foreign'), 'wb') as f:
            f.write(elf([], None, machine=183))
        _, err = w.run('linux', '--init', w.path('foreign'), expect=2)
        assert 'init' in err and 'x86-64' in err, err
        assert not w.bases(), w.bases()
        for words, status in ((['--help'], 0), (['--version'], 0), ([], 2), (['what'], 2)):
            done = subprocess.run([CARRIER, *words], capture_output=True, check=False)
            assert done.returncode == status, (words, done)


PARTS = [old_release, new_release, same_bytes, archive, quick, own_parts, offline, no_network,
         no_lists, newer_release, unused, changed, damaged_base, folder_of_packages, no_tools,
         disk_full, killed, left_alone, at_once, ordinary_user, bad_input]


def main():
    if not os.path.exists(CARRIER):
        skip_all('mirage-carrier is not built')
    if not shutil.which('dpkg-deb'):
        skip_all('dpkg-deb is not installed')
    tap = Tap()
    for part in PARTS:
        if len(sys.argv) < 2 or part.__name__ in sys.argv[1:]:
            with tap.part(part.__name__.replace('_', ' ')):
                part()
    return tap.end()


if __name__ == '__main__':
    assert Skip
    sys.exit(main())
