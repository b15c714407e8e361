# SPDX-License-Identifier: ISC
"""What there is of a world's deployments on OpenStack: the ledger of a mirage-fakecloud of its own,
whose clock goes with the world's. Everything that was not there at the beginning and says a lease's
id anywhere counts, marked or not: nobody else uses the cloud."""
import hmac
import json
import os
import re
import time
import urllib.request

import kernels
from fakecloud import FakeCloud
from ledger_ec2 import Ec2Ledger, a_disk
from mirage import PATIENCE

MARK = 'mirage-deploy:deployment'
TOKEN = re.compile(r'[0-9a-f]{32}')
INSTALLATION, KEY, SEED = '5' * 32, '7' * 64, '9' * 64
EVERY_S = 86400  # of the reaper whose word stands there: it holds for all of a case


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


class OpenstackLedger(Ec2Ledger):
    """See LocalLedger for what each of these says."""
    NAME = 'openstack'
    CONFIG = '[openstack]\nboot = kernel\n'
    SETTLE_S = 90

    def __init__(self, world):
        self.world, self.time = world, world.time
        self.fake = FakeCloud(os.path.join(world.dir, 'cloud'))
        world.env.update(self.fake.openstack)
        self.before = {row['id'] for row in self.fake.ledger()['exists']}
        self.reaper = None
        self._leave_word()

    def _project(self):
        """Its id, by a token of our own."""
        env = self.fake.openstack
        domain = {'name': env['OS_USER_DOMAIN_NAME']}
        user = {'name': env['OS_USERNAME'], 'password': env['OS_PASSWORD'], 'domain': domain}
        asked = {'auth': {'identity': {'methods': ['password'], 'password': {'user': user}},
                          'scope': {'project': {'name': env['OS_PROJECT_NAME'],
                                                'domain': domain}}}}
        request = urllib.request.Request(env['OS_AUTH_URL'] + '/auth/tokens', method='POST',
                                         data=json.dumps(asked).encode(),
                                         headers={'Content-Type': 'application/json'})
        with urllib.request.urlopen(request, timeout=20 * PATIENCE) as reply:
            return json.load(reply)['token']['project']['id']

    def _leave_word(self):
        """The second hook: this cloud has no Mistral, so a reaper's word stands in the state
        directory, signed with the key of an identity that is there before the daemon is."""
        project = self._project()
        at = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(self.time.truth()))
        inner = json.dumps({'account': project, 'at': at, 'caller': 'a timer',
                            'every_s': EVERY_S, 'installation': INSTALLATION,
                            'places': f'{project}/RegionOne {project}/RegionTwo',
                            'provider': 'openstack'}, sort_keys=True, separators=(',', ':'))
        signature = hmac.new(bytes.fromhex(KEY), b'mirage-reap pass\n' + inner.encode(),
                             'sha256').hexdigest()
        os.makedirs(os.path.join(self.world.state, 'reaped'), 0o700, exist_ok=True)
        os.chmod(self.world.state, 0o700)
        self._write('identity', json.dumps({'installation': INSTALLATION, 'tag_key': KEY,
                                            'sign_seed': SEED}))
        self._write('reaped/openstack', f'{{"pass":{inner},"signature":"{signature}"}}')

    def _write(self, name, text):
        path = os.path.join(self.world.state, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w',
                  encoding='utf-8') as f:
            f.write(text)

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
            if row['id'] not in self.before and row['kind'] in KINDS:
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
        """{lease: [everything]}; what is of no lease is of nobody's: a reaper's note."""
        return {lease: rows for lease, rows in self._by_lease(self.fake.ledger()['exists']).items()
                if lease != 'nobody'}


KINDS = ('os-server', 'os-image', 'os-port', 'os-floating-ip', 'os-security-group')


def runs(row):
    """Neither ended nor deleted: an ERROR or a SHUTOFF server has no machine."""
    return row['document'].get('OS-EXT-STS:vm_state') in ('building', 'active')


class OpenstackDiskLedger(OpenstackLedger):
    """The same where the kernel is a disk, which is uploaded."""
    CONFIG = '[openstack]\n'

    @staticmethod
    def kernel():
        return a_disk(b'Z')

    @staticmethod
    def quiet_kernel():
        return a_disk(b'Q')
