# SPDX-License-Identifier: ISC
"""A world whose time and calls the test decides over: libmeddle.so (tests/torture/meddle*.c) is
loaded into the daemon and what it starts, and reads a page that this module writes."""
import collections
import ctypes
import mmap
import os
import re
import struct
import subprocess
import time

from mirage import BIN, program

RECORDS, NAME, HEADER = 16384, 64, 64  # as meddle.h has it
UTC, BOOT, TURN, SET, PLANNED, COUNT, START = 0, 8, 16, 20, 24, 28, 32
FUTEX_WAKE, SYS_FUTEX = 1, 202
LIBRARY = os.path.join(os.path.dirname(BIN.rstrip('/')), 'tests', 'libmeddle.so')
LIBC = ctypes.CDLL(None, use_errno=True)


def preload():
    """Before anything else: a sanitizer's own library wants to be the first."""
    done = subprocess.run(['ldd', program('mirage-deployd')], capture_output=True, text=True,
                          check=True)
    sanitizers = re.findall(r'=> (\S*lib[at]san\.so\S*)', done.stdout)
    return ' '.join(sanitizers + [LIBRARY])


class Meddle:
    """The page of one world, in a file of its folder."""
    libraries = None

    def __init__(self, folder):
        self.path = os.path.join(folder, 'points-page')
        Meddle.libraries = Meddle.libraries or preload()
        with open(self.path, 'w+b') as f:
            f.truncate(HEADER + RECORDS * NAME)
            self.page = mmap.mmap(f.fileno(), 0)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.page))

    def env(self, plan=None):
        """For the next daemon: the points are counted anew, without those of processes that were
        there before (a keeper, say), which do not know this plan."""
        start = self._get('<I', START) + 1
        self._put('<I', START, start)
        self._put('<I', PLANNED, 0)
        self._put('<I', COUNT, 0)
        env = {'LD_PRELOAD': Meddle.libraries, 'MIRAGE_TORTURE_PAGE': self.path,
               'MIRAGE_TORTURE_START': str(start),
               'TSAN_OPTIONS': self._tsan_options()}
        return {**env, 'MIRAGE_TORTURE_PLAN': plan} if plan else env

    def outsider(self):
        """For a program that lives in the same time, and is none of the daemon's."""
        return {'LD_PRELOAD': Meddle.libraries, 'MIRAGE_TORTURE_PAGE': self.path,
                'MIRAGE_TORTURE_START': '0', 'TSAN_OPTIONS': self._tsan_options()}

    def _tsan_options(self):
        """The library looks at descriptors that others may be closing; the programs do not. And who
        ends at once does not wait for its threads."""
        path = self.path + '-tsan'
        with open(path, 'w', encoding='ascii') as f:
            f.write('called_from_lib:libmeddle.so\n')
        usual = os.environ.get('TSAN_OPTIONS', '')
        return f'{usual}:suppressions={path}:report_thread_leaks=0'.lstrip(':')

    def _get(self, form, at):
        return struct.unpack_from(form, self.page, at)[0]

    def _put(self, form, at, value):
        struct.pack_into(form, self.page, at, value)

    # --- time ---

    def truth(self):
        """Seconds since 1970, as a clock that nobody has set wrongly would say."""
        return time.time() + self._get('<q', BOOT) / 1000

    def wall(self):
        """What the world's own clock says."""
        return time.time() + self._get('<q', UTC) / 1000

    def _move(self, boot_s, utc_s, tell):
        self._put('<q', BOOT, self._get('<q', BOOT) + round(boot_s * 1000))
        self._put('<q', UTC, self._get('<q', UTC) + round(utc_s * 1000))
        if tell:
            self._put('<I', SET, self._get('<I', SET) + 1)
        self._put('<I', TURN, self._get('<I', TURN) + 1)
        LIBC.syscall(SYS_FUTEX, ctypes.c_void_p(self.address + TURN), FUTEX_WAKE, 1 << 30,
                     None, None, 0)

    def passes(self, seconds):
        """Time goes by: timers that come due fire, and nobody is told anything else."""
        self._move(seconds, seconds, False)

    def suspend(self, seconds):
        """The machine sleeps for so long: CLOCK_MONOTONIC does not move, the others do."""
        self._move(seconds, seconds, True)

    def step(self, seconds):
        """Somebody sets the clock, ahead or back."""
        self._move(0, seconds, True)

    # --- points ---

    def points(self):
        """Names of the calls that were passed since env(), in their order."""
        count = min(self._get('<I', COUNT), RECORDS)
        names = (self.page[HEADER + i * NAME:HEADER + (i + 1) * NAME] for i in range(count))
        return [n.split(b'\0')[0].decode('ascii', 'replace') for n in names]

    def counted(self):
        return collections.Counter(self.points())

    def planned(self):
        """How often the planned point was passed."""
        return self._get('<I', PLANNED)
