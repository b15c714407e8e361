#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Many leases, judged by the ledger of the cloud they are on. Nothing here depends on a time."""
import json
import os
import subprocess
import sys
import tempfile

# A sanitizer makes each lease cost ten times as much.
SLOW = os.environ.get('MIRAGE_TEST_PATIENCE', '1') != '1'


def row(program, *words):
    done = subprocess.run([program, *(str(word) for word in words)], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        return None, done.stderr.strip()
    return json.loads(done.stdout), ''


def held(found):
    return f'{found["leases"]} leases, all at rest'


def ended(found):
    return f'{found["due"]} of {found["leases"]} leases, each ended once and not before its time'


def main():
    program = sys.argv[1]
    many, due = (20000, 3000) if SLOW else (100000, 10000)
    with tempfile.TemporaryDirectory(prefix='mirage-scale-') as folder:
        tests = (
            ('a start with many leases', held, ('fill', many), ('hold', many, 1)),
            ('thousands due in the same second', ended, ('due', due * 6 // 5, due)),
            ('deletes that hang hold up no other', str, ('hang', 600, 10)),
            ('changes that nobody waits for are durable', str, ('grouped', 5000)),
        )
        print(f'1..{len(tests)}')
        for number, (name, say, *rows) in enumerate(tests, 1):
            place = os.path.join(folder, str(number))
            error, found = '', None
            for kind, *words in rows:
                if kind == 'fill':
                    done = subprocess.run([program, 'fill', place, *map(str, words)], text=True,
                                          capture_output=True, check=False)
                    error = done.stderr.strip() if done.returncode else ''
                else:
                    found, error = row(program, kind, place, *words)
                if error:
                    break
            if error or not found:
                print(f'not ok {number} - {name}\n# {error or "no answer"}')
            else:
                print(f'ok {number} - {name}\n# {say(found)}')
            sys.stdout.flush()


main()
