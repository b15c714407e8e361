# SPDX-License-Identifier: ISC
"""Rules that ask a tool: formatter, complexity, compilers, shellcheck, mandoc."""
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

from rules import LAYERS

COMPLEXITY_MAX = 15
FUNCTION_LINES_MAX = 100
MAIN_LINES_MAX = 80

HEADER_FLAGS = ['-std=gnu17', '-D_GNU_SOURCE', '-DMIR_VERSION=""', '-DMIR_LIBEXECDIR=""', '-Wall',
                '-Wextra', '-Wpedantic', '-Werror', '-Wno-unused-parameter', '-Wvla',
                '-Wno-unused-function', '-Wno-pragma-once-outside-header', '-fsyntax-only']


class Missing(Exception):
    """A tool that a rule needs is not installed."""


def need(name):
    if not shutil.which(name):
        raise Missing(name)
    return name


def run(args, root):
    done = subprocess.run(args, cwd=root, capture_output=True, text=True, errors='replace',
                          stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout, done.stderr


def formatted(files, root):
    paths = [f.path for f in files if f.is_c]
    need('clang-format-14')
    if not paths:
        return
    _, _, errors = run(['clang-format-14', '--style=file', '--dry-run', *paths], root)
    seen = set()
    for path, line in re.findall(r'^([^\s:]+):(\d+):\d+: warning', errors, re.M):
        if path not in seen:
            seen.add(path)
            yield path, int(line), 'format', f'clang-format-14 -i {path}'


def complexity(files, root):
    paths = [f.path for f in files if f.path.endswith('.c')]
    need('pmccabe')
    if not paths:
        return
    _, out, _ = run(['pmccabe', *paths], root)
    for row in out.splitlines():
        columns = row.split('\t')
        if len(columns) < 6:
            continue
        traditional, first, lines = int(columns[1]), int(columns[3]), int(columns[4])
        where, name = columns[5].rsplit(': ', 1)
        path = where.split('(')[0]
        longest = MAIN_LINES_MAX if name == 'main' else FUNCTION_LINES_MAX
        if traditional > COMPLEXITY_MAX:
            yield path, first, 'complexity', f'{name}: {traditional}; at most {COMPLEXITY_MAX}'
        if lines > longest:
            yield path, first, 'function-length', f'{name}: {lines} lines; at most {longest}'


def include_flags(room):
    """The include directories of the layer table, so that a wrong include fails to compile."""
    flags = []
    for name in [room, *LAYERS.get(room, [])]:
        flags += [f'-I{name}/include', f'-I{name}']
    return flags


def headers(files, root):
    compiler = need('gcc')
    jobs = []
    for file in files:
        if not file.path.endswith('.h') or file.room not in LAYERS:
            continue
        flags = HEADER_FLAGS + include_flags(file.room)
        if file.room == 'tests' and file.path.count('/') > 2:  # a folder of a folder: the upper one
            flags += ['-I' + os.path.dirname(os.path.dirname(file.path))]
        if file.room == 'unikernels/hello':
            flags += ['-m32', '-ffreestanding', '-fno-pic']
        jobs.append((file.path, [compiler, *flags, '-x', 'c', file.path]))

    def compile_one(job):
        path, args = job
        code, _, errors = run(args, root)
        if code == 0:
            return None
        match = re.search(rf'^{re.escape(path)}:(\d+):.*?(?:error|warning): (.*)$', errors, re.M)
        first = errors.strip().splitlines()[0] if errors.strip() else 'does not compile'
        return (path, int(match.group(1)) if match else 1, 'header-alone',
                f'{os.path.basename(args[0])}: {match.group(2) if match else first}')
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for violation in pool.map(compile_one, jobs):
            if violation:
                yield violation


def shell(files, root):
    paths = [f.path for f in files if f.is_shell]
    need('shellcheck')
    if not paths:
        return
    _, out, _ = run(['shellcheck', '-x', '-f', 'gcc', *paths], root)
    for path, line, text in re.findall(r'^([^\s:]+):(\d+):\d+: (.*)$', out, re.M):
        yield path, int(line), 'shellcheck', text


def manual(files, root):
    paths = [f.path for f in files if re.search(r'\.[1-8]$', f.path)]
    need('mandoc')
    for path in paths:
        _, out, errors = run(['mandoc', '-T', 'lint', '-W', 'warning', path], root)
        for line, text in re.findall(r'^mandoc: [^:]+:(\d+):\d+: (.*)$', out + errors, re.M):
            yield path, int(line), 'mandoc', text


TOOL_RULES = [formatted, complexity, headers, shell, manual]
