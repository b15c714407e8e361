# SPDX-License-Identifier: ISC
"""What the tests of carriers share: kernels to carry, and a cache for the bases, which are made of
the distribution's packages once and kept for all of these tests."""
import os
import subprocess
import bz2

from cloud_journey import says
from mirage import BIN, PATIENCE, Skip, get, program, skip_all, wait_for

CACHE = os.environ.get('MIRAGE_CARRIER_CACHE') or os.path.join(os.path.dirname(BIN),
                                                               'carrier-cache')
SHARED = os.environ.get('MIRAGE_DEPLOY_SHARED') or os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))),
    'shared')


def need_base(*shapes):
    """Made here, where it can be; the whole test is skipped where no packages can be had."""
    for shape in shapes:
        done = subprocess.run([program('mirage-carrier'), 'make', shape, '--cache',
                               os.path.join(CACHE, 'mirage-deploy', 'carrier')],
                              capture_output=True, text=True, check=False)
        if done.returncode in (3, 8):
            skip_all(f'the base of a {shape} carrier cannot be made: {done.stderr.strip()}')
        assert done.returncode == 0, done.stderr


def share_cache(world):
    """Before the world's daemon is started."""
    world.env['XDG_CACHE_HOME'] = CACHE
    return []


# --- kernels ---

def mirageos(name):
    """A real one from the shared folder, still packed: 'mortio' (2015, serves HTTP on an address of
    its own) or '2014' (ends for want of its block devices)."""
    files = {'mortio': 'mortio-526e15cc-mir-mort.io.xen.bz2',
             '2014': 'mort-www-2014-06259897-mir-mort-www.xen.bz2'}
    path = os.path.join(SHARED, 'kernels', files[name])
    if not os.path.exists(path):
        raise Skip(f'{path} is not there')
    return path


def unpacked(world, path):
    out = os.path.join(world.dir, os.path.basename(path).removesuffix('.bz2'))
    with open(path, 'rb') as source, open(out, 'wb') as target:
        target.write(bz2.decompress(source.read()))
    return out


def grub(folder, words, target='x86_64-xen', modules=()):
    """GRUB as a kernel for Xen: it does what `words` say, and at their end waits for ever."""
    if not os.path.exists(f'/usr/lib/grub/{target}/modinfo.sh'):
        raise Skip(f'GRUB for {target} is not installed (grub-xen-bin)')
    config, out = os.path.join(folder, 'words.cfg'), os.path.join(folder, 'grub.xen')
    with open(config, 'w', encoding='utf-8') as f:
        f.write(words + '\n')
    subprocess.run(['grub-mkimage', '-O', target, '-c', config, '-o', out, '-p', '/', 'normal',
                    'echo', 'halt', 'sleep', *modules], check=True, timeout=120)
    return out


def serves(world, name):
    """The kernel of 2015 answers with its page, and so do the registry's page and badge; what show
    says."""
    d = world.show(name)
    status, text = get(d['url'])
    assert d['state'] == 'live' and status == 200 and len(text) > 8000, (status, text[:200])
    wait_for('page and badge say live', 10 * PATIENCE, lambda: says(world, name, 'live'))
    return d
