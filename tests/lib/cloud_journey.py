# SPDX-License-Identifier: ISC
"""A deployment's whole life on EC2 as mirage-fakecloud has it, with machines under QEMU and with
time that is the test's: the daemon's clocks (tests/torture/meddle_clock.c) and the cloud's go ahead
together, as the provider settles for minutes."""
import contextlib
import fcntl
import os
import socket
import struct
import tempfile

from meddle import Meddle
from mirage import OVER, PATIENCE, World, again_in_spaces, get, spaces_possible, utc, wait_for

ROLE = 'arn:aws:iam::123456789012:role/mirage-scheduler'
OWN_NETWORK = 'MIRAGE_TEST_OWN_NETWORK'


# --- port 80 ---

def may_have_port_80():
    with socket.socket() as s:
        try:
            s.bind(('127.80.80.80', 80))
        except PermissionError:
            return False
        except OSError:
            pass
    return True


def loopback_up():
    with socket.socket() as s: # SIOCGIFFLAGS, SIOCSIFFLAGS with IFF_UP
        name, flags = struct.unpack('16sh', fcntl.ioctl(s, 0x8913, struct.pack('16sh', b'lo', 0)))
        fcntl.ioctl(s, 0x8914, struct.pack('16sh', name, flags | 1))


def wait_for_others():
    """One at a time has it; until this program ends."""
    lock = os.open(os.path.join(tempfile.gettempdir(), f'mirage-port-80-{os.getuid()}'),
                   os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)


def get_port_80():
    """In a network of its own, where nobody else has it. What is fetched has to be there before."""
    spaces = ['--net'] if os.geteuid() == 0 else ['--map-root-user', '--net']
    if OWN_NETWORK in os.environ:
        loopback_up()
    elif spaces_possible(*spaces) or not may_have_port_80():
        os.environ[OWN_NETWORK] = '1'
        again_in_spaces('port 80 needs root, or unshare with user namespaces', *spaces)
    else:
        wait_for_others()


# --- the world ---

class Journey(World):
    """A daemon and a cloud that have the same time."""

    def __init__(self, fake, more=lambda world: []):
        """more(world): further lines of the configuration."""
        super().__init__()
        self.fake = fake
        self.time = Meddle(self.dir)
        folder = os.path.join(self.dir, '.config', 'mirage-deploy')
        os.makedirs(folder)
        with open(os.path.join(folder, 'config'), 'w', encoding='utf-8') as f:
            f.write('\n'.join(['[ec2]', f'role = {ROLE}', *more(self), '']))
        self.env.update(fake.env)
        self.start_daemon(**self.time.env())

    def passes(self, seconds):
        self.fake.advance(seconds)
        self.time.passes(seconds)

    def kernel(self, name, data):
        path = os.path.join(self.dir, name)
        with open(path, 'wb') as f:
            f.write(data)
        return path

    def deploy(self, kernel, name, *options, expect=0):
        return self.cli('ec2', kernel, '--anyway', '--ttl', '20m', '--name', name, '--yes',
                        *options, expect=expect, timeout=90 * PATIENCE)

    def instance(self, name):
        """What the cloud says of it, also afterwards; None before."""
        token = self.show(name)['id']
        ledger = self.fake.ledger()
        for row in ledger['exists'] + ledger['existed']:
            if row['kind'] == 'instance' and row['document'].get('clientToken', '') == token:
                return row
        return None


def over_at_its_deadline(world, name):
    """Its time passes: the machine is off, it is gone for that reason, and nothing is left."""
    world.passes(utc(world.show(name)['expires_at']) - world.time.wall() + 1)
    wait_for('the machine is off', 30 * PATIENCE, lambda: not machines(world.fake))
    settle(world, name)
    d = world.show(name)
    assert d['state'] == 'gone' and d['end_reason'] == 'deadline', d
    assert not left(world), left(world)


def machines(fake):
    """Pids of the QEMUs of this cloud: they work in its state directory."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        with contextlib.suppress(OSError):
            if 'qemu-system' in os.readlink(f'/proc/{pid}/exe') and \
                    os.readlink(f'/proc/{pid}/cwd') == os.path.realpath(fake.state):
                found.append(int(pid))
    return found


def disks(fake):
    folder = os.path.join(fake.state, 'volumes')
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def settle(world, *names):
    """Time passes until they are over."""
    def over():
        world.passes(20)
        return all(world.state_of(name) in OVER for name in names)
    wait_for(f'over: {names}', 90 * PATIENCE, over, every=0.2)


def left(world):
    """What the cloud still has that is not its own furniture, also what costs nothing."""
    return [(row['kind'], row['id']) for row in world.fake.ledger()['exists']
            if row['kind'] != 'role']


def state(row):
    return row['document']['instanceState']['name'] if row else 'none'


def ended(fake, token):
    """What the cloud says of the instance, once it says why it is gone; a moment after it is."""
    ledger = fake.ledger()
    row, = [row for row in ledger['exists'] + ledger['existed']
            if row['kind'] == 'instance' and token in str(row['document'])]
    return 'gone_by' in row and row


def says(world, name, word):
    d = world.show(name)
    assert d['site_url'] and d['badge_url'], d
    pages = [d['site_url'], d['badge_url'], d['badge_url'].removesuffix('.svg') + '.json']
    return all(status == 200 and word in text.lower()
               for status, text in (get(url) for url in pages))
