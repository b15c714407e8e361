# SPDX-License-Identifier: ISC
"""What the tests that are programs of their own say, and how: TAP, a part at a time."""
import contextlib
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import traceback

# A user's PATH leads to no administrator's program, and some of them judge disks.
SBIN_PATH = os.pathsep.join([os.environ.get('PATH', ''), '/usr/sbin', '/sbin'])


class Skip(Exception):
    """The part cannot be tried here; the text says why."""


class Tap:
    """Parts of a test, each reported as it ends; a failed part does not end the program."""

    def __init__(self):
        self.count = self.failed = 0

    @contextlib.contextmanager
    def part(self, name):
        self.count += 1
        try:
            yield
            print(f'ok {self.count} - {name}', flush=True)
        except Skip as skip:
            print(f'ok {self.count} - {name} # SKIP {skip}', flush=True)
        except Exception:  # the report is what a failed part is for
            self.failed += 1
            for line in traceback.format_exc().splitlines():
                print(f'# {line}')
            print(f'not ok {self.count} - {name}', flush=True)

    def end(self):
        print(f'1..{self.count}', flush=True)
        return 1 if self.failed else 0


def skip_all(reason):
    print(f'1..0 # SKIP {reason}')
    sys.exit(0)


def spaces_possible(*options, first=('true',)):
    """Can this command run in namespaces of its own, by unshare's options?"""
    return shutil.which('unshare') and not subprocess.run(
        ['unshare', *options, *first], capture_output=True, check=False).returncode


def again_in_spaces(reason, *options, first=('true',)):
    """This program again in namespaces of its own; where the first command cannot run in such, the
    reason why all is skipped."""
    if not spaces_possible(*options, first=first):
        skip_all(reason)
    os.execvp('unshare', ['unshare', *options, sys.executable, *sys.argv])


def run_cases(cases, prepare=str):
    """The exit status of a program of cases: functions, each given what prepare makes of the path
    of a folder of its own."""
    tap = Tap()
    for case in cases:
        prefix = f'test-{os.path.basename(sys.argv[0])}-'
        with tap.part(case.__name__), tempfile.TemporaryDirectory(prefix=prefix) as folder:
            case(prepare(folder))
    return tap.end()


def need_program(*names):
    """The path of the first; all of them have to be there."""
    found = [shutil.which(name, path=SBIN_PATH) for name in names]
    for name, path in zip(names, found):
        if not path:
            raise Skip(f'{name} is not installed')
    return found[0]


def need_file(*patterns):
    """The last of the files that the first pattern with any stands for."""
    for pattern in patterns:
        found = sorted(glob.glob(pattern))
        if found:
            return found[-1]
    raise Skip(f'{patterns[0]} is not on this machine')
