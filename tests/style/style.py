#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The style test. Prints every violation as "file:line: rule: message"; exit status 1 when there
is one, 77 never: a missing tool is a violation of its own. With --tap it speaks TAP, one test per
rule. --root looks at another tree (the self-test plants violations in one)."""
import argparse
import os
import sys

sys.dont_write_bytecode = True
import rules  # noqa: E402
import source  # noqa: E402
import tools  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

NAMES = ['spdx', 'tab', 'trailing-space', 'carriage-return', 'last-newline', 'file-length',
         'line-length', 'unfinished', 'banned', 'typedef', 'containment', 'layer', 'python',
         'drift', 'format', 'complexity', 'function-length', 'header-alone', 'shellcheck', 'mandoc',
         'tool']


def violations(root):
    files = source.load(root)
    yield from rules.per_file(files)
    yield from rules.drift(files)
    for rule in tools.TOOL_RULES:
        try:
            yield from rule(files, root)
        except tools.Missing as missing:
            yield 'scripts/packages', 1, 'tool', f'{missing} is not installed'


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--root', default=ROOT)
    parser.add_argument('--tap', action='store_true')
    options = parser.parse_args()
    found = sorted(violations(options.root))
    lines = [f'{path}:{line}: {rule}: {message}' for path, line, rule, message in found]
    if not options.tap:
        for line in lines:
            print(line)
        print(f'{len(lines)} violations of style' if lines else 'style: nothing to object to')
        return 1 if lines else 0
    print(f'1..{len(NAMES)}')
    for number, name in enumerate(NAMES, 1):
        bad = [line for line, row in zip(lines, found) if row[2] == name]
        for line in bad:
            print(f'# {line}')
        print(f'{"not ok" if bad else "ok"} {number} - {name}')
    return 1 if lines else 0


if __name__ == '__main__':
    sys.exit(main())
