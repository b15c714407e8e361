#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""net_spaces.py NET_DRIVE VM_INIT: the carrier's network between a world and a guest, all three of
them network namespaces. Where this machine's kernel has not the modules that a carrier's has, it
runs itself in a machine whose kernel has them (other_kernel.py)."""
import concurrent.futures
import json
import os
import re
import select
import shlex
import socket
import struct
import subprocess
import sys
import time

import net_answer
import other_kernel
from spaces import (CLOUD, NIC_MAC, PATIENCE, TOKEN, Closer, Dhcp, Space, World, checksum, echo,
                    mac_bytes, pending, start, wait_until)
from tap import Skip, Tap, again_in_spaces, need_program

WORLD_MAC = mac_bytes('02:00:00:00:00:01')
AT_ONCE = 3  # most of a case is waiting
MODULES = ['veth', 'sch_ingress', 'cls_u32', 'act_gact', 'act_mirred', 'act_nat']


def is_syn(frame, port):
    return frame[12:14] == b'\x08\x00' and frame[23] == 6 and \
        frame[14 + (frame[14] & 15) * 4 + 2:][:2] == struct.pack('!H', port)


def has(data):
    return lambda frame: data in frame


def nat_both_ways(world):
    world.dhcp()
    world.serve(world.guest, 80)
    world.serve(world.world, 8080)
    drive = start(world)
    assert 'lease 10.9.0.2/24 gateway 10.9.0.1, for 3600 s' in drive.said, drive.said
    drive.says('nat 10.9.0.2 <-> 46.43.42.137, open: 80/tcp')
    assert world.get((CLOUD, 80)) == '10.9.0.1', 'the guest sees who asks'
    assert world.get(('10.9.0.1', 8080), world.guest) == CLOUD, 'the world sees the leased address'
    drive.says(r'the guest answers on port 80, \d+\.\d\d s after its first word')


def first_word_is_a_question(world):
    """No gratuitous ARP: the guest asks for its gateway, and that one question is answered."""
    world.dhcp()
    world.serve(world.world, 8080)
    drive = world.drive('mode=nat')
    drive.says('=attached')
    heard = world.sniff(world.carrier, 'vif1.0')
    begun = time.monotonic()
    assert world.get(('10.9.0.1', 8080), world.guest) == CLOUD
    questions = heard.seen(lambda frame: frame[12:14] == b'\x08\x06' and frame[20:22] == b'\0\1')
    assert len(questions) == 1, f'{len(questions)} questions in {time.monotonic() - begun:.1f} s'


def own_address_is_not_claimed(world):
    """A gratuitous ARP gets no answer: the guest would think that its address is taken."""
    world.dhcp()
    heard = world.sniff(world.guest, 'g0')
    drive = start(world)
    drive.says('nat ')
    world.gratuitous()
    world.serve(world.world, 8080)
    world.get(('10.9.0.1', 8080), world.guest)
    claims = heard.seen(lambda f: f[12:14] == b'\x08\x06' and f[28:32] == b'\x2e\x2b\x2a\x89')
    assert not claims, claims


def closed_ports(world):
    world.dhcp()
    for port in (80, 81):
        world.serve(world.guest, port)
    for port in (53, 123, 5000):
        world.serve(world.guest, port, echo, socket.SOCK_DGRAM)
    seen = world.sniff(world.guest, 'g0')
    drive = start(world, open_ports=('80/tcp', '123/udp'))
    drive.says('open: 80/tcp 123/udp')
    client = world.knock((CLOUD, 81))
    with world.world.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(PATIENCE)
        for port in (53, 123, 5000):
            udp.sendto(b'to %d' % port, (CLOUD, port))
        answers = {udp.recv(100), udp.recv(100)}
    assert answers == {b'to 123', b'to 5000'}, answers
    world.get((CLOUD, 80))
    assert pending(client), 'refused or let in'
    assert not seen.seen(lambda frame: is_syn(frame, 81)) and not seen.seen(has(b'to 53'))


def ping(world):
    """ICMP passes, so that the way's MTU can be found."""
    world.dhcp()
    start(world).says('nat ')
    echo_request = bytes.fromhex('0800f7fd00010001')
    with world.world.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        raw.settimeout(PATIENCE)
        raw.sendto(echo_request, (CLOUD, 0))
        while True:
            packet, peer = raw.recvfrom(2048)
            if packet[20] == 0:
                break
    assert peer[0] == CLOUD, peer


def ip_packet(body, options=b'', fragment=0, to=CLOUD):
    head = struct.pack('!BBHHHBBH4s4s', 0x45 + len(options) // 4, 0, 20 + len(options) + len(body),
                       7, fragment, 64, 6, 0, socket.inet_aton('10.9.0.1'),
                       socket.inet_aton(to)) + options
    return head[:10] + struct.pack('!H', checksum(head)) + head[12:] + body


def tricks(world):
    """A SYN that hides its port or its flags: behind options, in a second fragment."""
    world.dhcp()
    world.serve(world.guest, 80)
    seen = world.sniff(world.guest, 'g0')
    start(world).says('nat ')
    syn = struct.pack('!HHIIBBHHH', 4000, 81, 1, 0, 0x50, 2, 1000, 0, 0)
    frames = {'options': ip_packet(syn, b'\1\1\1\0'), 'many options': ip_packet(syn, b'\1' * 16),
              'second fragment': ip_packet(syn[8:] + b'second', fragment=1)}
    for packet in frames.values():
        world.frame(world.world, 'up0', mac_bytes(NIC_MAC) + WORLD_MAC + b'\x08\0' + packet)
    world.get((CLOUD, 80))
    assert not seen.seen(lambda frame: is_syn(frame, 81)), 'options'
    assert not seen.seen(has(b'second')), 'fragment'


def imds(world):
    world.dhcp()
    seen = world.sniff(world.world, 'up0')
    drive = start(world)
    drive.says('nat ')
    imds_and_marker(world, seen)
    assert not seen.seen(has(b'to imds'))


def imds_and_marker(world, seen):
    world.tell(world.guest, ('169.254.169.254', 80), b'to imds')
    world.tell(world.guest, ('10.9.0.1', 9999), b'marker')
    wait_until(lambda: seen.seen(has(b'marker')), 'the marker')


def imds_wanted(world):
    world.dhcp()
    seen = world.sniff(world.world, 'up0')
    start(world, 'imds=yes').says('nat ')
    imds_and_marker(world, seen)
    assert seen.seen(has(b'to imds'))


def known_address(world):
    """A guest that says nothing until it is asked."""
    world.dhcp()
    world.serve(world.guest, 80)
    drive = world.drive('mode=nat', 'open=80/tcp', 'address=46.43.42.137')
    drive.says(r'the guest is 46\.43\.42\.137 \(configured\)')
    drive.says('=attached')
    assert world.get((CLOUD, 80)) == '10.9.0.1'


def no_router(world):
    """A lease without one: the default route leads onto the link."""
    world.dhcp(router=None)
    world.serve(world.guest, 80)
    drive = start(world)
    assert any('gateway none' in line for line in drive.said), drive.said
    assert world.get((CLOUD, 80)) == '10.9.0.1'


def closed_until_known(world):
    """Before the guest has said its address nobody is refused in its name."""
    world.dhcp()
    world.serve(world.guest, 80)
    drive = world.drive('mode=nat', 'open=80/tcp')
    drive.says('=attached')
    client = world.knock((CLOUD, 80))
    with world.world.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        raw.settimeout(0.5)
        raw.sendto(bytes.fromhex('0800f7fd00010001'), (CLOUD, 0))
        try:
            raise AssertionError(f'answered: {raw.recv(100)}')
        except TimeoutError:
            pass
    assert pending(client)
    world.gratuitous()
    drive.says('nat ')
    wait_until(lambda: select.select([], [client], [], 0)[1], 'the early caller to get through')
    client.sendall(b'GET / HTTP/1.0\r\n\r\n')
    assert select.select([client], [], [], PATIENCE)[0] and b'10.9.0.1' in client.recv(4096)


class Asking:
    """A guest without an address that asks for one, each question once. Its checksums are left to
    a hardware that is not there, as between machines of one host."""

    def __init__(self, world):
        world.guest.run('ip', 'addr', 'flush', 'dev', 'g0')
        self.heard = world.sniff(world.guest, 'g0')
        self.socket = world.guest.socket(socket.AF_INET, socket.SOCK_DGRAM)
        world.keep(Closer(self.socket))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'g0')
        self.socket.bind(('', 68))

    def send(self, kind, options=b''):
        message = bytearray(240)
        message[0:4], message[4:8], message[28:34] = b'\1\1\6\0', b'quiz', mac_bytes(NIC_MAC)
        message[236:240] = bytes.fromhex('63825363')
        self.socket.sendto(bytes(message) + bytes([53, 1, kind]) + options + b'\xff',
                           ('255.255.255.255', 67))

    def answer(self, kind):
        def fits(frame):
            return b'quiz' in frame and Dhcp.parse(frame[42:]).get(53) == bytes([kind])
        return wait_until(lambda: self.heard.seen(fits), f'a DHCP message {kind}')[0][42:]

    def lease(self):
        self.send(1)
        wanted = self.answer(2)[16:20]
        self.send(3, bytes([50, 4]) + wanted)
        return socket.inet_ntoa(self.answer(5)[16:20])


def asks_by_dhcp(world):
    """In NAT that is of no use, and said once."""
    dhcp = world.dhcp()
    drive = world.drive('mode=nat')
    drive.says('=attached')
    before, guest = len(dhcp.heard), Asking(world)
    guest.send(1)
    drive.says('the guest asks for an address by DHCP, which NAT does not give it')
    guest.send(1)
    world.gratuitous()
    drive.says('the guest is')
    assert len(dhcp.heard) == before and sum('by DHCP' in line for line in drive.said) == 1


def auto_static(world):
    """What says its address is translated; a question for another one that comes later leads
    nowhere."""
    dhcp = world.dhcp()
    world.serve(world.guest, 80)
    world.serve(world.world, 8080)
    drive = start(world, mode='auto')
    drive.says('nat 10.9.0.2 <-> 46.43.42.137, open: 80/tcp')
    assert world.get((CLOUD, 80)) == '10.9.0.1'
    assert world.get(('10.9.0.1', 8080), world.guest) == CLOUD
    before = len(dhcp.heard)
    Asking(world).send(1)
    world.guest.run('ip', 'addr', 'add', '46.43.42.137/25', 'dev', 'g0')
    world.guest.run('ip', 'route', 'add', 'default', 'via', '46.43.42.129')
    assert world.get((CLOUD, 80)) == '10.9.0.1' and len(dhcp.heard) == before, dhcp.heard


def auto_address(world):
    """A configured address is NAT: the guest's words are not waited for."""
    world.dhcp()
    world.serve(world.guest, 80)
    world.drive('mode=auto', 'open=80/tcp', 'address=46.43.42.137').says('=attached')
    assert world.get((CLOUD, 80)) == '10.9.0.1'


def auto_dhcp(world):
    """Who asks gets the cloud's own lease, by the very first question, and keeps it alone."""
    dhcp = world.dhcp(renew=1)
    drive = world.drive('mode=auto', 'open=80/tcp', 'announce=http://10.9.0.1:8420/',
                        f'token={TOKEN}', 'answer=80')
    drive.says('lease 10.9.0.2/24')
    drive.says('=attached')
    guest, seen = Asking(world), world.sniff(world.world, 'up0')
    assert guest.lease() == CLOUD
    drive.says('the guest asks for its address itself, by DHCP')
    drive.says('announce: not possible')
    drive.says('MTU 9000 -> 1500')
    drive.says('answer: not possible')
    world.guest.run('ip', 'addr', 'add', '10.9.0.2/24', 'dev', 'g0')
    for port in (80, 81):
        world.serve(world.guest, port)
        assert world.get((CLOUD, port)) == '10.9.0.1'
    questions = [frame for frame in seen.frames if frame[34:38] == b'\0\x44\0\x43']
    ours = [frame for frame in questions if b'quiz' not in frame]
    assert len(questions) - len(ours) == 2, 'each question of the guest arrives once'
    time.sleep(2.5)  # two renewals, did the carrier still have a lease
    after = [frame for frame in seen.frames if frame[34:38] == b'\0\x44\0\x43']
    assert len(after) == len(questions), after
    assert all(kind in (1, 3) for kind, _ in dhcp.heard), 'nothing is released'
    table = subprocess.run(world.carrier.command('ip', '-o', 'addr', 'show', 'nic0'), check=True,
                           capture_output=True, text=True).stdout
    assert 'inet' not in table, table


def auto_imds(world):
    """Out of reach there, too."""
    world.dhcp()
    seen = world.sniff(world.world, 'up0')
    world.drive('mode=auto').says('=attached')
    Asking(world).lease()
    world.guest.run('ip', 'addr', 'add', '10.9.0.2/24', 'dev', 'g0')
    world.guest.run('ip', 'route', 'add', 'default', 'via', '10.9.0.1')
    imds_and_marker(world, seen)
    assert not seen.seen(has(b'to imds'))


def auto_six(world):
    """IPv6 decides nothing: a router is asked for, and then the address is said."""
    world.dhcp()
    seen = world.sniff(world.world, 'up0')
    drive = world.drive('mode=auto', 'open=80/tcp')
    drive.says('=attached')
    body = bytes.fromhex('8500') + b'whence'
    ends = [socket.inet_pton(socket.AF_INET6, end) for end in ('fe80::7', 'ff02::2')]
    packet = struct.pack('!IHBB', 6 << 28, len(body), 58, 255) + ends[0] + ends[1] + body
    world.frame(world.guest, 'g0', bytes.fromhex('333300000002') + mac_bytes(NIC_MAC) +
                b'\x86\xdd' + packet)
    wait_until(lambda: seen.seen(has(b'whence')), 'the solicitation')
    world.gratuitous()
    drive.says('nat 10.9.0.2 <-> 46.43.42.137')


def has_the_lease(world):
    """A guest with the leased address compiled in: frames pass, the lease is kept."""
    dhcp = world.dhcp(renew=1)
    world.serve(world.guest, 80)
    drive = start(world)
    drive.says('frames pass as they are')
    assert world.get((CLOUD, 80)) == '10.9.0.1'
    before = len(dhcp.heard)
    wait_until(lambda: len(dhcp.heard) >= before + 2, 'renewals')


def renewed(world):
    dhcp = world.dhcp(renew=1)
    world.serve(world.guest, 80)
    seen = world.sniff(world.world, 'up0')
    drive = start(world)
    drive.says('nat ')
    wait_until(lambda: dhcp.heard.count((3, CLOUD)) >= 2, 'two renewals')
    asked = seen.seen(lambda frame: frame[34:38] == b'\0\x44\0\x43')
    assert asked[-1][:6] == WORLD_MAC, 'a renewal goes to its server alone'
    assert world.get((CLOUD, 80)) == '10.9.0.1'
    assert sum('lease' in line for line in drive.said) == 1, drive.said


def refused(world):
    dhcp = world.dhcp(renew=1)
    world.serve(world.guest, 80)
    drive = start(world)
    drive.says('nat ')
    dhcp.ip = '10.9.0.3'
    dhcp.refuses = True
    drive.says('the lease is refused by its server')
    drive.says('lease 10.9.0.3/24')
    assert world.get(('10.9.0.3', 80)) == '10.9.0.1'
    client = world.knock((CLOUD, 80))
    world.get(('10.9.0.3', 80))
    assert not dhcp.refuses and pending(client), 'the old address still answers'


def ran_out(world):
    """Ten seconds is the shortest lease that the client believes in."""
    dhcp = world.dhcp(lease=10)
    world.serve(world.guest, 80)
    drive = start(world)
    drive.says('nat ')
    dhcp.silent = True
    drive.says('the lease is lost', 12 + 15)
    assert (3, CLOUD) in dhcp.heard, 'it was asked to renew'
    dhcp.silent = False
    drive.says('lease 10.9.0.2')
    assert world.get((CLOUD, 80)) == '10.9.0.1'


def silent(world):
    dhcp = world.dhcp()
    dhcp.silent = True
    drive = world.drive('mode=nat', 'limit=11500')
    drive.says(r'no lease yet on nic0 \(1\d s\)', 25)
    drive.says('=ended no DHCP server has answered on nic0 within 11 s')
    gaps = len(dhcp.heard)
    assert 4 <= gaps <= 7 and all(kind == 1 for kind, _ in dhcp.heard), dhcp.heard


def offers_and_refuses(world):
    """A server that takes back what it offered is asked again, and not in a hurry."""
    dhcp = world.dhcp()
    dhcp.refuses = True
    drive = world.drive('mode=nat')
    drive.says('the server refuses what it offered')
    drive.says('=attached')
    assert [kind for kind, _ in dhcp.heard] == [1, 3, 1, 3], dhcp.heard


def leased_mtu_and_routes(world):
    routes = bytes([0, 10, 9, 0, 1, 16, 172, 20, 10, 9, 0, 1])
    world.dhcp(options=struct.pack('!BBH', 26, 2, 1400) + bytes([121, len(routes)]) + routes,
               router='10.9.0.250')
    world.serve(world.guest, 80)
    drive = start(world)
    assert any('MTU 1400' in line for line in drive.said), drive.said
    assert world.get((CLOUD, 80)) == '10.9.0.1'
    table = subprocess.run(world.carrier.command('ip', 'route'), check=True, capture_output=True,
                           text=True).stdout
    assert 'default via 10.9.0.1 ' in table and '172.20.0.0/16 via 10.9.0.1 ' in table, table
    assert '10.9.0.250' not in table, 'the router is not to be used beside routes (RFC 3442)'


def dnsmasq(world):
    """A server that none of us wrote."""
    need_program('dnsmasq')
    server = subprocess.Popen(
        world.world.command('dnsmasq', '--no-daemon', '--conf-file=/dev/null', '--user=root',
                            '--port=0', '--interface=up0', '--bind-interfaces', '--no-ping',
                            '--dhcp-range=10.9.0.40,10.9.0.40,255.255.255.0,2m',
                            '--dhcp-leasefile=/dev/null', '--dhcp-authoritative'),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        world.serve(world.guest, 80)
        drive = start(world)
        assert any('lease 10.9.0.40/24' in line for line in drive.said), drive.said
        assert world.get(('10.9.0.40', 80)) == '10.9.0.1'
    finally:
        server.terminate()
        server.wait()


def direct(world):
    for port in (80, 81):
        world.serve(world.guest, port)
    seen = world.sniff(world.world, 'up0')
    drive = world.drive('mode=direct')
    drive.says('MTU 9000 -> 1500')
    drive.says('direct: nic0 <-> vif1.0')
    drive.says('=attached')
    for port in (80, 81):
        assert world.get(('10.9.0.77', port)) == '10.9.0.1'
    ours = [frame for frame in seen.frames if frame[12:14] != b'\x86\xdd']
    assert ours and all(frame[6:12] == mac_bytes(NIC_MAC) for frame in ours)
    table = subprocess.run(world.carrier.command('ip', '-o', 'addr', 'show', 'nic0'), check=True,
                           capture_output=True, text=True).stdout
    assert 'inet' not in table, table


def direct_dhcp(world):
    """A guest that asks for its address itself gets the answer; the carrier asks for none."""
    dhcp = world.dhcp()
    world.drive('mode=direct').says('=attached')
    assert Asking(world).lease() == CLOUD
    assert [kind for kind, _ in dhcp.heard] == [1, 3], dhcp.heard


def direct_imds(world):
    """Not by IPv4, not by IPv6, and not in a tagged frame that a switch would untag."""
    seen = world.sniff(world.world, 'up0')
    world.drive('mode=direct').says('=attached')
    head = WORLD_MAC + mac_bytes(NIC_MAC)
    v4 = ip_packet(b'hidden v4!', to='169.254.169.254')
    v6 = struct.pack('!IHBB', 6 << 28, 10, 59, 64) + b'hidden v6!'
    ends = [socket.inet_pton(socket.AF_INET6, end) for end in ('fd00::1', 'fd00:ec2::254')]
    v6 = v6[:8] + ends[0] + ends[1] + v6[8:]
    for frame in (b'\x08\0' + v4, b'\x86\xdd' + v6, b'\x81\0\0\0\x08\0' + v4,
                  b'\x88\xa8\0\0\x81\0\0\0\x08\0' + v4, b'\x81\0\0\5\x86\xdd' + v6):
        world.frame(world.guest, 'g0', head + frame)
    world.frame(world.guest, 'g0', head + b'\x08\0' + ip_packet(b'marker', to='10.9.0.1'))
    wait_until(lambda: seen.seen(has(b'marker')), 'the marker')
    assert not seen.seen(has(b'hidden'))


def direct_imds_wanted(world):
    seen = world.sniff(world.world, 'up0')
    world.drive('mode=direct', 'imds=yes').says('=attached')
    packet = ip_packet(b'hidden v4!', to='169.254.169.254')
    world.frame(world.guest, 'g0', WORLD_MAC + mac_bytes(NIC_MAC) + b'\x08\0' + packet)
    wait_until(lambda: seen.seen(has(b'hidden')), 'what was sent')


def six(world):
    """IPv6 in NAT mode: the guest's own, with the same ports open."""
    world.dhcp()
    for port in (80, 81):
        world.serve(world.guest, port, ip='::')
    start(world).says('nat ')
    scope = socket.if_nametoindex
    with world.world.inside():
        index = scope('up0')
    guest = 'fe80::5054:ff:fe12:3456'
    assert world.get((guest, 80, 0, index), family=socket.AF_INET6).startswith('fe80::')
    client = world.knock((guest, 81, 0, index), socket.AF_INET6)
    world.get((guest, 80, 0, index), family=socket.AF_INET6)
    assert pending(client)


class Registry:
    """What /v1/announce would be told."""

    def __init__(self, status=b'202 Accepted'):
        self.posts, self.status = [], status

    def __call__(self, _server, connection, peer):
        data = piece = connection.recv(4096)
        while piece and not (found := re.search(rb'Content-Length: (\d+)\r\n.*?\r\n\r\n', data,
                                                re.S)):
            data += (piece := connection.recv(4096))
        while piece and len(data) < found.end() + int(found.group(1)):
            data += (piece := connection.recv(4096))
        if not piece:
            return  # given up in the middle; a slow machine does that
        head, body = data[:found.end()], data[found.end():]
        self.posts.append((head.decode(), json.loads(body), peer))
        connection.sendall(b'HTTP/1.1 ' + self.status + b'\r\nContent-Length: 0\r\n\r\n')


def announce(world):
    world.dhcp()
    registry = Registry()
    world.serve(world.world, 8420, registry)
    drive = start(world, 'announce=http://10.9.0.1:8420/v1/announce', f'token={TOKEN}',
                  'name=a-site', 'kernel=mirage')
    drive.has_said(r'announce: accepted \(202\)')
    before = len(registry.posts)
    world.serve(world.guest, 80)
    drive.says('the guest answers on port 80')
    wait_until(lambda: len(registry.posts) > before, 'a second announcement')
    for head, body, peer in registry.posts:
        assert head.startswith('POST /v1/announce HTTP/1.1\r\nHost: 10.9.0.1:8420\r\n'), head
        assert body == {'name': 'a-site', 'url': 'http://10.9.0.2/', 'token': TOKEN,
                        'kernel': 'mirage'}, body
        assert peer[0] == CLOUD and 61024 <= peer[1] < 61056, peer


def announce_by_name(world):
    world.dhcp(options=bytes([6, 4, 10, 9, 0, 1]))
    registry = Registry(b'409 Conflict')
    world.serve(world.world, 80, registry)

    def name_server(server, data, peer):
        server.socket.sendto(data[:2] + b'\x81\x80' + data[4:6] + b'\0\1' + data[8:] +
                             bytes.fromhex('c00c00010001000000100004') + bytes([10, 9, 0, 1]), peer)
    world.serve(world.world, 53, name_server, socket.SOCK_DGRAM)
    world.serve(world.guest, 8000)
    drive = start(world, 'announce=http://registry.example/v1/announce', 'name=b', f'token={TOKEN}',
                  open_ports=('8000/tcp',))
    drive.has_said(r'announce: refused \(409\)')
    assert registry.posts[0][1]['url'] == 'http://10.9.0.2:8000/'


def announce_to_nobody(world):
    world.dhcp()
    drive = start(world, 'announce=https://10.9.0.1/v1/announce')
    assert any('https is not possible' in line for line in drive.said), drive.said
    drive.says('nat ')


def gone(world):
    world.dhcp()
    drive = start(world)
    drive.says('nat ')
    world.guest.run('ip', 'link', 'del', 'g0')
    drive.says(r'=ended vif1\.0 has gone')


def no_interface(world):
    """The guest's interface is not there: said, and nothing left behind at the NIC."""
    world.dhcp()
    world.drive('mode=nat', 'interface=vif9.0').says('=ended vif9.0: No such device')
    text = subprocess.run(world.carrier.command('tc', 'qdisc', 'show', 'dev', 'nic0'), check=True,
                          capture_output=True, text=True).stdout
    assert 'clsact' not in text, text


def no_nic(world):
    world.carrier.run('ip', 'link', 'set', 'nic0', 'name', 'other0')
    world.drive('mode=nat').says("=ended no network device 'nic0' within 3 s")


def tap(world):
    """The device that a tender opens: made, attached, up."""
    world.dhcp()
    drive = world.drive('mode=nat', 'tap=tap0', 'address=46.43.42.137', 'interface=tap0')
    drive.says('=attached')
    text = subprocess.run(world.carrier.command('ip', 'link', 'show', 'tap0'), check=True,
                          capture_output=True, text=True).stdout
    assert re.search(r'<.*\bUP\b', text), text


CASES = [
    (nat_both_ways, {}), (first_word_is_a_question, {}), (own_address_is_not_claimed, {}),
    (closed_ports, {}), (ping, {}), (tricks, {}), (imds, {}), (imds_wanted, {}),
    (known_address, {}), (no_router, {}), (closed_until_known, {}), (asks_by_dhcp, {}),
    (auto_static, {}), (auto_address, {}), (auto_dhcp, {'nic_mtu': 9000}), (auto_imds, {}),
    (auto_six, {}),
    (has_the_lease, {'guest_ip': '10.9.0.2/24', 'gateway': '10.9.0.1'}),
    (renewed, {}), (refused, {}), (ran_out, {}), (silent, {}), (offers_and_refuses, {}),
    (leased_mtu_and_routes, {}), (dnsmasq, {}),
    (direct, {'guest_ip': '10.9.0.77/24', 'gateway': '10.9.0.1', 'nic_mtu': 9000}),
    (direct_dhcp, {}), (direct_imds, {}), (direct_imds_wanted, {}), (six, {}), (announce, {}),
    (announce_by_name, {}), (announce_to_nobody, {}), (gone, {}), (no_interface, {}),
    (no_nic, {}), (tap, {}), *net_answer.CASES,
]


def able():
    """Whether this kernel has what a carrier's has."""
    space = Space()
    rule = 'tc filter add dev lo ingress protocol ip u32 match u32 0 0 action '
    rule = f'tc qdisc add dev lo clsact && {rule} nat ingress 10.0.0.1/32 10.0.0.2 && {rule} drop'
    result = subprocess.run(space.command('sh', '-c', rule), check=False, capture_output=True)
    space.end()
    return result.returncode == 0


def elsewhere(program, init):
    """This test again, under another kernel; what it says is what we say."""
    words = ['/usr/bin/python3', '-B', os.path.abspath(__file__), program, init, *sys.argv[3:]]
    command = f'export PATH=/usr/sbin:/usr/bin:/sbin:/bin MIRAGE_TEST_PATIENCE=3 ' \
        f'PYTHONPATH={shlex.quote(os.environ.get("PYTHONPATH", ""))}; ip link set lo up; ' \
        f'exec {shlex.join(words)}'
    status, text = other_kernel.run(init, command, MODULES + ['tun'], seconds=560)
    print('\n'.join(line for line in text.splitlines() if re.match(r'(not )?ok |#|1\.\.', line)))
    if status < 0:
        print(f'not ok - the machine came to no end; its last words: {text[-2000:]!r}')
        return 1
    return status


def run_case(program, case, how):
    with World(program, **how) as world:
        case(world)


def main():
    program, init = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    wanted = sys.argv[3:]
    if os.geteuid() != 0:
        again_in_spaces('network namespaces need root, or unshare with user namespaces', '-Ur')
    if not able():
        try:
            return elsewhere(program, init)
        except Skip as skip:
            print(f'1..0 # SKIP this kernel has no stateless NAT, and {skip}')
            return 0
    tap_report = Tap()
    cases = [(case, how) for case, how in CASES if not wanted or case.__name__ in wanted]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        runs = [(case.__name__, pool.submit(run_case, program, case, how)) for case, how in cases]
        for name, run in runs:
            with tap_report.part(name):
                run.result()
    return tap_report.end()


if __name__ == '__main__':
    sys.exit(main())
