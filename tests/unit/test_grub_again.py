#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A boot loader put together once more is the same file: test_grub_again.py BUILT COMMAND..."""
import os
import subprocess
import sys
import tempfile


def main():
    built, command = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder:
        again = os.path.join(folder, 'again')
        subprocess.run([*command, '-o', again], check=True, cwd=folder,
                       env={'PATH': os.environ['PATH'], 'TZ': 'Asia/Tokyo', 'LC_ALL': 'C'})
        with open(built, 'rb') as a, open(again, 'rb') as b:
            if a.read() != b.read():
                sys.exit(f'{built} differs from what the same command makes now')


if __name__ == '__main__':
    main()
