# SPDX-License-Identifier: ISC
"""What there is of a world's deployments on OpenStack: the ledger of a mirage-fakecloud of its own,
whose clock goes with the world's. Everything that was not there at the beginning counts, marked or
not: nobody else uses the cloud."""
import os
import re

import kernels
from fakecloud import FakeCloud
from ledger_ec2 import NO_KVM, Ec2Ledger, a_disk

MARK = 'mirage-deploy:deployment'
NOTE = 'mirage-deploy-reaper-'
TOKEN = re.compile(r'[0-9a-f]{32}')


def lease_of(row):
    """By its metadata or properties; by its description where it has none; by its name."""
    document = row['document']
    marks = document.get('metadata') or document
    if marks.get(MARK):
        return marks[MARK]
    words = str(document.get('description', '')).split()
    if len(words) == 5 and words[0] == 'mirage-deploy':
        return words[2]
    found = TOKEN.search(str(document.get('name', '')))
    return found.group() if found else 'nobody'


def is_note(row):
    """Of a reaper: it belongs to the installation, and stays."""
    return row['document'].get('name', '').startswith(NOTE)


class OpenstackLedger(Ec2Ledger):
    """See LocalLedger for what each of these says."""
    NAME = 'openstack'
    CONFIG = f'{NO_KVM}[openstack]\nboot = kernel\n'
    SETTINGS = ('os_workflow=1',)  # of the fake
    ALONE_S = 240.0  # the trigger's minute, the next whole one, and the end itself
    SETTLE_S = 90

    def __init__(self, world):
        self.world, self.time = world, world.time
        options = [word for setting in self.SETTINGS for word in ('--set', setting)]
        self.fake = FakeCloud(os.path.join(world.dir, 'cloud'), *options)
        world.env.update(self.fake.openstack)
        self.before = {row['id'] for row in self.fake.ledger()['exists']}
        self.reaper = None

    # --- kernels ---

    @staticmethod
    def kernel():
        return kernels.multiboot('up\r\n', 'hang')

    @staticmethod
    def quiet_kernel():
        return kernels.multiboot('quiet\r\n', 'hang')

    # --- what is there ---

    def _by_lease(self, rows):
        found = {}
        for row in rows:
            if row['id'] not in self.before and row['kind'] in KINDS and not is_note(row):
                found.setdefault(lease_of(row), []).append(f'{row["kind"]} {row["id"]}')
        return found

    def running(self):
        return self._by_lease(row for row in self.fake.ledger()['exists']
                              if row['kind'] == 'os-server' and runs(row))

    def launched(self):
        ledger = self.fake.ledger()
        return self._by_lease(row for row in ledger['exists'] + ledger['existed']
                              if row['kind'] == 'os-server')

    def kept(self):
        """{lease: [everything]}; what nobody can be told to be of is somebody's all the same."""
        return self._by_lease(self.fake.ledger()['exists'])


# Rules go with their group, the workflow is the project's, what Mistral did is its history.
KINDS = ('os-server', 'os-image', 'os-port', 'os-floating-ip', 'os-security-group',
         'os-cron-trigger', 'os-network', 'os-subnet', 'os-router', 'os-volume',
         'os-volume-snapshot', 'os-keypair', 'os-container', 'os-object', 'os-lease')


def runs(row):
    """Neither ended nor deleted: an ERROR or a SHUTOFF server has no machine."""
    return row['document'].get('OS-EXT-STS:vm_state') in ('building', 'active')


class OpenstackDiskLedger(OpenstackLedger):
    """The same where the kernel is a disk, which is uploaded."""
    CONFIG = f'{NO_KVM}[openstack]\n'

    @staticmethod
    def kernel():
        return a_disk(b'Z')

    @staticmethod
    def quiet_kernel():
        return a_disk(b'Q')


class OpenstackSlowLedger(OpenstackLedger):
    """The same in a cloud that is slow: no listing has a new server for half a minute, a machine
    takes as long to come up, and that it has gone is seen late."""
    SETTINGS = ('os_workflow=1', 'os_listed_ms=30000', 'boot_ms=30000', 'os_power_off_ms=20000')
