# SPDX-License-Identifier: ISC
"""What really runs, and all else that the torture has to know of a provider. A ledger is the only
witness that the checker believes: for "local" it is /proc and the instance directories, never a
word of the daemon.

A ledger of another provider has the same constants and methods, asks its own cloud (a simulated
one, say), and is added to LEDGERS: nothing else of the torture knows a provider."""
import contextlib
import os

import kernels
from ledger_ec2 import Ec2BucketLedger, Ec2BundleLedger, Ec2CarriedLedger, Ec2Ledger
from ledger_openstack import OpenstackDiskLedger, OpenstackLedger, OpenstackSlowLedger
from mirage import PATIENCE, program


class LocalLedger:
    """Guests and keepers of one world, by the lease whose directory they work in."""
    NAME = 'local'         # in a request
    REQUEST = {}           # what else is in it
    NEEDS = ('mirage-keeper', 'hello.elf')  # of bin/
    BEST = 'live'          # as far as a deployment gets
    STEP_S = 12 * PATIENCE  # of real time, until it is there
    TTL_S, LONGER_S = 30, 2  # of a journey, and what it is extended by
    SOME_TTL_S = (2, 6)    # of deployments that come and go
    LOOK_S = 0             # that pass while somebody waits for a state; 0: nothing but real time
    # Lines of the daemon's configuration: no time is lost on asking whether KVM works.
    CONFIG = '[local]\naccelerator = tcg\n'
    BOUND_S = 6.0          # so long after a deadline anything may still run
    ALONE_S = 6.0          # the same where the daemon could not act until then
    KEPT_WITHOUT = True    # a deadline, while the daemon is killed again and again
    SETTLE_S = 0           # and so much longer until it may be told gone
    LAUNCH_S = 0           # a launch that a removal finds under way ends first: its limit, and the
                           # time that is skipped while it waits between two attempts
    HOLDERS = ('keeper',)  # roles of processes that an instance may end with (meddle.h)
    HOLDER_S = 12          # until one that hangs is given up and killed: start, stop, kill

    def __init__(self, world):
        self.root = os.path.realpath(os.path.join(world.state, 'local'))
        self.time = world.time

    def close(self):
        """Nothing was started for it."""

    def passes(self, seconds):
        """Time goes by."""
        self.time.passes(seconds)

    @staticmethod
    def others():
        """A context: whoever else ends things is at work. Keepers are, all the time."""
        return contextlib.nullcontext()

    @staticmethod
    def kernel():
        """Gets to BEST."""
        with open(program('hello.elf'), 'rb') as f:
            return f.read()

    @staticmethod
    def quiet_kernel():
        """One that gets to "running", needs little, and stays."""
        return kernels.multiboot('up\r\n', 'hang')

    def _in_directories(self, word):
        found = {}
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                folder = os.readlink(f'/proc/{pid}/cwd')
                if os.path.dirname(folder.removesuffix(' (deleted)')) != self.root:
                    continue
                name = os.path.basename(os.readlink(f'/proc/{pid}/exe'))
            except OSError:
                continue  # ended meanwhile, or a zombie
            if word in name:
                lease = os.path.basename(folder.removesuffix(' (deleted)')).removeprefix('gone-')
                found.setdefault(lease, []).append(int(pid))
        return found

    def running(self):
        """{lease: [what runs for it]}: an instance is a guest that runs."""
        return self._in_directories('qemu-system')

    def tending(self):
        """{lease: [what else runs for it]}: has to end with the instance."""
        return self._in_directories('mirage-keeper')

    @staticmethod
    def launched():
        """{lease: [each instance that ever was]}, as far as there is a trace of it."""
        return {}

    def kept(self):
        """Leases of which anything is still kept; has to be nothing once a lease is over."""
        try:
            names = os.listdir(self.root)
        except FileNotFoundError:
            return []
        return [n for n in names if os.path.isdir(os.path.join(self.root, n))]


LEDGERS = {'local': LocalLedger, 'ec2': Ec2Ledger, 'ec2-s3': Ec2BucketLedger,
           'ec2-bundle': Ec2BundleLedger, 'ec2-carried': Ec2CarriedLedger,
           'openstack': OpenstackLedger, 'openstack-disk': OpenstackDiskLedger,
           'openstack-slow': OpenstackSlowLedger}
