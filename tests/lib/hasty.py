# SPDX-License-Identifier: ISC
"""A daemon and clouds that have the same time, of which some can be skipped: what is said of a
lease is true after minutes that nobody wants to wait for."""
import time

from meddle import Meddle
from mirage import PATIENCE, World

STRIDE_S = 15


class HastyWorld(World):
    def __init__(self, *fakes):
        super().__init__()
        self.fakes, self.time = fakes, Meddle(self.dir)

    def until(self, what, done, seconds=1800):
        """Time passes until it is so."""
        for _ in range(seconds // STRIDE_S):
            if done():
                return
            for fake in self.fakes:
                fake.advance(STRIDE_S)
            self.time.passes(STRIDE_S)
            time.sleep(0.15 * PATIENCE)
        raise AssertionError(f'not within {seconds} s: {what}')

    def again(self):
        """A daemon, the first one or another."""
        self.start_daemon(**self.time.env())

    def reaper(self, *args):
        """mirage-reap, which has that time, too."""
        return self.reap(*args, **self.time.outsider())
