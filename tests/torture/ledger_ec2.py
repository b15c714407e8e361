# SPDX-License-Identifier: ISC
"""What there is of a world's deployments on EC2: the ledger of a mirage-fakecloud of its own, whose
clock goes with the world's. Everything in the account counts that was not there at the beginning,
tagged or not: nobody else uses it."""
import atexit
import contextlib
import functools
import os
import random
import shutil
import subprocess
import tempfile
import threading
import time

import kernels
from bucket import make_bucket
from bundle import make_keys
from distribution import Distribution
from fakecloud import FakeCloud, tags_of
from mirage import PATIENCE, program

ROLE = 'arn:aws:iam::123456789012:role/mirage-scheduler'
DEPLOYMENT = 'mirage-deploy:deployment'
OVER = ('shutting-down', 'terminated')
STRIDE_S = 15  # so much time is skipped at once: less than what one answer may take
QUIET_S = 0.1  # nobody has asked the cloud anything for so long: nothing is under way
SLOW = 20      # or for so many times what a question takes: on a machine that has more to do
REAP_S = 60    # between two runs of mirage-reap, as a timer starts it
# No time is lost on asking whether machines that nobody here uses could have KVM.
NO_KVM = '[local]\naccelerator = tcg\n'


def a_disk(fill):
    """With boot code, and a little on it."""
    content = bytearray(2 << 20)
    content[:440] = bytes((i * 7 + 1) & 255 for i in range(440))
    content[510:512] = b'\x55\xaa'
    content[1 << 20:(1 << 20) + 5000] = fill * 5000
    return bytes(content)


def is_over(row):
    """An instance that has ended, or is doing it: it is shown for an hour."""
    return row['kind'] == 'instance' and row['document']['instanceState']['name'] in OVER


def lease_of(row):
    """By its tags; a schedule has none and says it in its name, as what is in a bucket does."""
    name = row['id'].removeprefix('mirage-') if row['kind'] == 'schedule' else 'nobody'
    if row['kind'] in ('object', 'upload'):
        name = row['document']['Key'].split('/')[2]
    return tags_of(row).get(DEPLOYMENT, name)


class Ec2Ledger:
    """See LocalLedger for what each of these says."""
    NAME = 'ec2'
    REQUEST = {'place': {'open': [22]}}  # no URL: nothing answers, and nobody is to ask
    NEEDS = ('mirage-fakecloud', 'mirage-reap')
    BEST = 'running'       # no guest runs behind the fake
    STEP_S = 60 * PATIENCE
    TTL_S, LONGER_S = 600, 120
    SOME_TTL_S = (120, 300)
    LOOK_S = 5
    CONFIG = f'{NO_KVM}[ec2]\nrole = {ROLE}\n'
    BOUND_S = 60.0
    ALONE_S = 180.0        # the schedule's minute, its precision, and the end itself
    KEPT_WITHOUT = False   # a hook of the cloud comes later than the bound
    SETTLE_S = 300
    LAUNCH_S = 150
    HOLDERS = ()
    HOLDER_S = 0

    def __init__(self, world):
        self.world, self.time = world, world.time
        self.fake = FakeCloud(os.path.join(world.dir, 'cloud'))
        world.env.update(self.fake.env)
        self.before = {row['id'] for row in self.fake.ledger()['exists']}
        self.reaper = None

    def close(self):
        if self.fake.process.poll() is None:
            self.fake.stop()

    # --- time ---

    def passes(self, seconds):
        """In strides, and none while the cloud is being asked: an answer is not late because the
        test skips time. The world's clock goes first: a cloud that is ahead would be believed."""
        while seconds > 0:
            self._wait_quiet()
            stride = min(seconds, STRIDE_S)
            self.time.passes(stride)
            self.fake.advance(stride)
            seconds -= stride

    def _wait_quiet(self):
        began, before = time.monotonic(), None
        while time.monotonic() < began + (30 if self._reap_asks() else 3) * PATIENCE:
            asked = time.monotonic()
            count = self.fake.control('GET', '/_calls')['count']
            if count == before and not self._reap_asks():
                return
            before = count
            slow = SLOW * (time.monotonic() - asked)
            time.sleep(max(QUIET_S * PATIENCE, slow))

    def _reap_asks(self):
        """It has five seconds for all regions, and fails after any stride; between two such rounds
        it sleeps."""
        if not self.reaper:
            return False
        try:
            with open(f'/proc/{self.reaper.pid}/wchan', encoding='ascii') as f:
                return 'sleep' not in f.read()
        except OSError:
            return False

    @contextlib.contextmanager
    def others(self):
        """mirage-reap, as a timer starts it on another machine: it has the identity and the keys,
        and no daemon."""
        over = threading.Event()
        worker = threading.Thread(target=self._reap_again, args=(over,), daemon=True)
        worker.start()
        try:
            yield
        finally:
            over.set()
            worker.join()

    def _reap_again(self, over):
        env = {**self.world.env, **self.time.outsider()}
        at = 0
        while not over.is_set():
            if self.time.truth() < at + REAP_S:
                over.wait(0.05)
                continue
            at = self.time.truth()
            with subprocess.Popen([program('mirage-reap'), self.NAME, '--quiet', '--grace', '0'],
                                  env=env, stdin=subprocess.DEVNULL, stdout=self.world.log,
                                  stderr=self.world.log) as run:
                self.reaper = run
                while run.poll() is None and not over.is_set():
                    over.wait(0.05)
                self.reaper = None
                run.kill()

    # --- kernels ---

    @staticmethod
    def kernel():
        return a_disk(b'Z')

    @staticmethod
    def quiet_kernel():
        return a_disk(b'Q')

    # --- what is there ---

    def _by_lease(self, rows):
        found = {}
        for row in rows:
            if row['id'] not in self.before:
                found.setdefault(lease_of(row), []).append(f'{row["kind"]} {row["id"]}')
        return found

    def running(self):
        return self._by_lease(row for row in self.fake.ledger()['exists']
                              if row['kind'] == 'instance' and not is_over(row))

    @staticmethod
    def tending():
        """Nothing runs beside an instance."""
        return {}

    def launched(self):
        ledger = self.fake.ledger()
        return self._by_lease(row for row in ledger['exists'] + ledger['existed']
                              if row['kind'] == 'instance')

    def kept(self):
        """{lease: [everything]}."""
        return self._by_lease(row for row in self.fake.ledger()['exists'] if not is_over(row))


class Ec2BucketLedger(Ec2Ledger):
    """The same where images go through a bucket, the one of a journey in parts."""
    BUCKET = 'torture'
    CONFIG = Ec2Ledger.CONFIG + f'upload = s3\nbucket = {BUCKET}\n'

    def __init__(self, world):
        super().__init__(world)
        make_bucket(self.fake, self.BUCKET)
        self.before = {row['id'] for row in self.fake.ledger()['exists']}

    @staticmethod
    def kernel():
        """A disk whose file is longer than a part: nothing packs it."""
        return a_disk(b'Z') + random.Random(1).randbytes(9 << 20)


@functools.cache
def distribution():
    """One for all worlds: nothing in it changes."""
    folder = tempfile.mkdtemp(prefix='mir-distribution-')
    atexit.register(shutil.rmtree, folder)
    return Distribution(folder)


class Ec2CarriedLedger(Ec2Ledger):
    """The same with a kernel for Xen, which a carrier brings along: its base is made of a small
    distribution's packages in each world, and its deadline is on its disk and cannot move."""
    NEEDS = (*Ec2Ledger.NEEDS, 'mirage-carrier', 'mirage-image')

    def __init__(self, world):
        super().__init__(world)
        world.env['PATH'] = distribution().path()

    @staticmethod
    def kernel():
        """Nothing packs what it ends with, so that the second snapshot goes on top of the first."""
        return kernels.xen_pv() + random.Random(2).randbytes(6 << 20)

    @staticmethod
    def quiet_kernel():
        return kernels.xen_pv() + b'quiet'


class Ec2BundleLedger(Ec2Ledger):
    """The same by instance-store bundles: a file system that PV-GRUB reads, in two parts."""
    BUCKET = 'torture'
    CONFIG = Ec2Ledger.CONFIG + f'upload = bundle\nbucket = {BUCKET}\n'
    NEEDS = (*Ec2Ledger.NEEDS, 'mirage-bundle')

    def __init__(self, world):
        super().__init__(world)
        make_bucket(self.fake, self.BUCKET, lists=True)
        lines = make_keys(world.dir, self.fake)
        with open(world.env['MIRAGE_DEPLOY_CONFIG'], 'a', encoding='utf-8') as f:
            f.write('\n'.join([*lines, '']))
        self.before = {row['id'] for row in self.fake.ledger()['exists']}

    @staticmethod
    def kernel():
        """Nothing packs what it ends with."""
        return kernels.xen_pv() + random.Random(1).randbytes(11 << 20)

    @staticmethod
    def quiet_kernel():
        return kernels.xen_pv() + b'quiet'
