#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""mutants.py [--cc CC] [--seeds N] [NAME...]: the simulator with one rule broken at a time.

Each mutants/NN-name.sed is applied to copies of the pure sources (it has to change something); each
planted fault of what is simulated is a switch of the simulator itself. Every one has to be caught
within N seeds (20000) of the ordinary or of the hard rates, and the untouched one must not be.
Speaks TAP."""
import argparse
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PURE = [f'daemon/{name}.c' for name in (
    'answer', 'deployment', 'dormant', 'drive', 'epoch', 'held', 'lease', 'lease_audit',
    'lease_hooks', 'lease_news', 'lease_next', 'lease_trail', 'round', 'sweep_judge', 'turn')]
HEADERS = ['daemon/lease_parts.h']
OTHERS = ['daemon/cost.c', 'daemon/record.c', 'api/buf.c', 'api/error.c', 'api/id.c', 'api/json.c',
          'api/lease.c', 'api/memory.c', 'api/clock.c', 'api/name.c', 'api/suggest.c',
          'api/block.c', 'api/boots.c', 'api/kernel.c', 'api/machine.c', 'api/place.c',
          'api/preflight.c', 'api/price.c']
SIM = [f'tests/sim/{name}.c' for name in ('calls', 'check', 'cloud', 'disk', 'hooks', 'main',
                                          'rounds', 'shell', 'trouble', 'world')]
FEW = 500
FLAGS = ['-std=gnu17', '-D_GNU_SOURCE', '-O1', '-Iapi/include', '-Idaemon/include',
         '-Iimages/include', '-Itests/sim', '-DMIR_VERSION="0"', '-DMIR_LIBEXECDIR="/"']


def run(args):
    return subprocess.run(args, cwd=ROOT, capture_output=True, text=True, check=False,
                          timeout=120)


def must(args):
    done = run(args)
    if done.returncode:
        sys.exit(f'Bail out! {" ".join(args)}\n{done.stderr}')
    return done.stdout


def compile_to(cc, source, out, include='daemon'):
    must([*cc, *FLAGS, f'-I{include}', '-c', source, '-o', out])
    return out


def link(cc, objects, out):
    must([*cc, '-o', out, *objects, '-ljansson', '-lpthread'])
    return out


def mutate(cc, script, work, objects, pure):
    """A simulator of its own, or None when the script changes nothing. Only what it changes is
    compiled again: of a header all, of a source that one."""
    name = os.path.basename(script)[:-4]
    folder = os.path.join(work, name)
    os.mkdir(folder)
    changed = set()
    for path in HEADERS + PURE:
        text = must(['sed', '-f', script, path])
        copy = os.path.join(folder, os.path.basename(path))
        with open(os.path.join(ROOT, path), encoding='utf-8') as original:
            if original.read() != text:
                changed.add(path)
        with open(copy, 'w', encoding='utf-8') as out:
            out.write(text)
    if not changed:
        return None
    anew = PURE if changed & set(HEADERS) else changed
    own = [compile_to(cc, os.path.join(folder, os.path.basename(path)),
                      os.path.join(folder, os.path.basename(path) + '.o'), folder)
           if path in anew else pure[path] for path in PURE]
    return link(cc, objects + own, os.path.join(folder, 'sim'))


def caught(program, seeds, *words):
    """In how many seeds, and what it was; None: not at all. A few seeds of both rates first: what
    one of them catches late the other may catch at once."""
    few = min(seeds, FEW)
    for count, rates in ((few, []), (few, ['--hard']), (seeds, []), (seeds, ['--hard'])):
        done = run([program, '--seeds', str(count), *rates, *words])
        found = re.search(r'^seed=(\d+) cloud=(\w+): ([^:]*):', done.stdout, re.M)
        if done.returncode == 1 and found:
            return (f'{int(found.group(1)) + 1} {"hard " if rates else ""}seeds, '
                    f'{found.group(2)}: {found.group(3)}')
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--cc', default='cc')
    parser.add_argument('--seeds', type=int, default=20000)
    parser.add_argument('names', nargs='*')
    options = parser.parse_args()
    cc = options.cc.split()
    scripts = sorted(os.path.join(HERE, 'mutants', name)
                     for name in os.listdir(os.path.join(HERE, 'mutants')))
    with tempfile.TemporaryDirectory(prefix='sim-mutants-') as work:
        objects = [compile_to(cc, path, os.path.join(work, path.replace('/', '_') + '.o'))
                   for path in OTHERS + SIM]
        pure = {path: compile_to(cc, path, os.path.join(work, path.replace('/', '_') + '.o'))
                for path in PURE}
        plain = link(cc, objects + list(pure.values()), os.path.join(work, 'sim'))

        def by_script(script):
            program = mutate(cc, script, work, objects, pure)
            return caught(program, options.seeds) if program else 'nothing changed'

        def by_switch(fault):
            return caught(plain, options.seeds, '--fault', fault)

        jobs = [('none', lambda: caught(plain, 2000))]
        jobs += [(os.path.basename(s)[:-4], lambda s=s: by_script(s)) for s in scripts]
        jobs += [(f, lambda f=f: by_switch(f)) for f in must([plain, '--fault', 'list']).split()]
        jobs = [job for job in jobs if not options.names or job[0] in options.names]
        print(f'1..{len(jobs)}')
        bad = 0
        with ThreadPoolExecutor(2) as pool:
            for number, (name, how) in enumerate(
                    zip([job[0] for job in jobs], pool.map(lambda job: job[1](), jobs)), 1):
                well = how is None if name == 'none' else how and how != 'nothing changed'
                bad += not well
                print(f'{"ok" if well else "not ok"} {number} - {name}: '
                      f'{how or "nothing broken"}', flush=True)
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
