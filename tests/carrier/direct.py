# SPDX-License-Identifier: ISC
"""Guests that ask for their address themselves, by DHCP, in carriers that are booted: they have the
card's MAC and the machine's own lease, and every frame is theirs. Here and on mirage-fakecloud's
EC2 with machines under QEMU; hello's own network under the tests' tender, and a Linux as a domain
of Xen. And what neither they nor those with an address of their own reach: the metadata service.

    direct.py STAND_IN

STAND_IN is web_tender.c."""
import os
import re
import socket
import sys
import threading
import time

import boot
import kernels
import pv_guest
from carried import CACHE, need_base, share_cache
from cloud_journey import Journey, ended, get_port_80, machines, over_at_its_deadline, says
from fakecloud import fakecloud
from meddle import LIBRARY
from mirage import BIN, PATIENCE, Tap, World, get, need_programs, skip_all, wait_for
from tenders import LIVE, STAND_IN, configure, console, deploy, kernel

ASKS = 'the guest asks for its address itself, by DHCP'
HAS = r'address 10\.0\.2\.15/24 (gateway 10\.0\.2\.2 )?by DHCP'
PACKED = os.path.join(CACHE, 'mirage-deploy', 'carrier')


def tells_how(text):
    """The console, once both have said it: a cloud may show it a little later than it was said."""
    return ASKS in text and re.search(HAS, text) and text


def served(world, name):
    """By HTTP from outside, by a guest that has the machine's address and card."""
    d = world.show(name)
    status, text = get(d['url'])
    assert d['state'] == 'live' and status == 200 and '<title>' in text, (status, text[:200])
    said = wait_for('its console', 30 * PATIENCE, lambda: tells_how(console(world, name)))
    card, = set(re.findall(r'carrier\[.*?\] network: \S+, ([0-9a-f:]{17})', said))
    assert f'network card {card}' in said and 'nat ' not in said, said
    return d


# --- here ---

def here(tap):
    with World() as world:
        configure(world, f'solo5_spt = {STAND_IN}')
        share_cache(world)
        world.start_daemon()
        with tap.part('a kernel for spt asks by DHCP: live, page and badge say so'):
            began = time.monotonic()
            deploy(world, 'local', kernel(world), 'asks')
            print(f'# live after {time.monotonic() - began:.1f} s')
            served(world, 'asks')
            wait_for('page and badge say live', 10 * PATIENCE, lambda: says(world, 'asks', 'live'))
            world.cli('rm', 'asks')
        with tap.part('a Linux as a domain of Xen asks by DHCP: live, through Xen\'s own card'):
            began = time.monotonic()
            deploy(world, 'local', pv_guest.make(world.dir, STAND_IN), 'domain', '--memory',
                   '160M', '--detach')
            wait_for('it is live', 2 * LIVE, lambda: world.state_of('domain') == 'live')
            print(f'# live after {time.monotonic() - began:.1f} s')
            served(world, 'domain')
            world.cli('rm', 'domain')
        world.say_log(tap)


# --- on EC2 ---

def on_ec2(tap):
    with fakecloud('--guests', 'qemu', '--set', 'guest_mib=1024') as fake:
        with Journey(fake, lambda world: [*share_cache(world), '[carrier]',
                                          f'solo5_spt = {STAND_IN}']) as world:
            with tap.part('on a Nitro type it asks by DHCP: live, page and badge say so'):
                deploy(world, 'ec2', kernel(world), 'asks', ttl='20m')
                served(world, 'asks')
                wait_for('page and badge say live', 10 * PATIENCE,
                         lambda: says(world, 'asks', 'live'))
            with tap.part('at the deadline everything of it is gone, and the ledger is empty'):
                over_at_its_deadline(world, 'asks')
            with tap.part('with nobody left: its carrier keeps the deadline, and EC2 ends it'):
                ends_alone(world, fake)
            world.say_log(tap)


def ends_alone(world, fake):
    deploy(world, 'ec2', kernel(world), 'alone', '--no-list', ttl='3m')
    token = served(world, 'alone')['id']
    world.kill_daemon()
    wait_for('the machine is off', 300 * PATIENCE, lambda: not machines(fake), every=1)
    row = wait_for('EC2 has noticed', 30 * PATIENCE, lambda: ended(fake, token))
    assert row['gone_by'].startswith('guest.power_off'), row


# --- the metadata service ---

class Metadata:
    """Where QEMU's network has it: who speaks to 169.254.169.254 speaks to this."""

    def __init__(self):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.heard = b''
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        peer, _ = self.listener.accept()
        while data := peer.recv(4096):
            self.heard += data
            peer.sendall(b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n')

    def options(self, nic='virtio-net-pci'):
        port = self.listener.getsockname()[1]
        return ['-netdev', 'user,id=n0,restrict=on,net=169.254.169.0/24,'
                f'guestfwd=tcp:169.254.169.254:80-tcp:127.0.0.1:{port}',
                '-device', f'{nic},netdev=n0,romfile=']


def knocks(words, imds):
    """A guest that wants to tell the metadata service of itself; what arrives there."""
    base = boot.make_base(BIN, PACKED, 'linux', tenders=[f'solo5-spt={STAND_IN}'])
    conf = (f'kind solo5\nmemory 16\nnet auto\ndevice service\nttl 120\nopen 80/tcp\n{imds}'
            f'arguments announce=http://169.254.169.254/latest {words}\n')
    part = boot.user_part(conf.encode(), kernels.solo5('spt', (('service', 'net'),)))
    metadata = Metadata()
    with boot.Machine(base, part, memory=256, nic='', options=metadata.options()) as machine:
        assert machine.wait('hello: announce', 60 * PATIENCE), machine.text()[-2000:]
        return metadata.heard, machine.text()


def shut(tap):
    guests = {'asks by DHCP': ('', ASKS),
              'has an address': ('ip=169.254.169.77/24 gw=169.254.169.2', 'nat 169.254.169.15')}
    for name, (words, mode) in guests.items():
        with tap.part(f'the metadata service is out of reach of a guest that {name}'):
            heard, said = knocks(words, '')
            assert mode in said and not heard and 'hello: announced' not in said, (heard, said)
        with tap.part(f'but where it may speak to it, one that {name} does'):
            heard, said = knocks(words, 'imds yes\n')
            assert mode in said and b'/latest' in heard, (heard, said)
            assert 'hello: announced' in said, said


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-carrier',
                  'mirage-fakecloud', 'mirage-public')
    if not os.path.exists(LIBRARY):
        skip_all('libmeddle.so is not built')
    need_base('linux', 'xen')
    get_port_80()
    tap = Tap()
    shut(tap)
    here(tap)
    on_ec2(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
