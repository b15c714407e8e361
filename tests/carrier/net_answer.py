# SPDX-License-Identifier: ISC
"""Cases of net_spaces.py in which the carrier gives the ownership answer for its guest: what it
answers, that all else passes untouched, and what those can do who mean it ill."""
import contextlib
import json
import os
import re
import socket
import struct
import subprocess
import threading
import time

from spaces import (CLOUD, NIC_MAC, PATIENCE, TOKEN, Closer, checksum, mac_bytes, start, wait_until)

VISITOR = '169.254.255.254'  # whom the guest sees
PATH = b'/.well-known/unikernel'
ASKS = b'GET ' + PATH + b' HTTP/1.1\r\nHost: h\r\n\r\n'
LINKS = 64
SAID = 'answered by the carrier'


def answering(world, *words, **how):
    drive = start(world, f'token={TOKEN}', 'answer=80', 'states=1800000000', *words, **how)
    drive.has_said(SAID)
    return drive


def connect(world, port=80):
    client = world.world.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(PATIENCE)
    world.ends.append(Closer(client))
    client.connect((CLOUD, port))
    return client


def rest(client):
    """All that comes until its end."""
    data = b''
    while piece := client.recv(65536):
        data += piece
    return data


def ask(world, request=ASKS):
    client = connect(world)
    client.sendall(request)
    return rest(client)


def good(answer):
    head, body = answer.split(b'\r\n\r\n', 1)
    assert head.startswith(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'), head
    assert b'\r\nConnection: close' in head and b'Content-Length: %d\r\n' % len(body) in head, head
    assert json.loads(body) == {'token': TOKEN, 'deadline': 1800000000, 'answered_by': 'carrier'}
    return True


def relays(world):
    """The processes that answer in this world's carrier: (pid, its status)."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            same = os.stat(f'/proc/{pid}/ns/net').st_ino == os.stat(world.carrier.path).st_ino
            with open(f'/proc/{pid}/status', encoding='utf-8') as f:
                text = f.read()
        except OSError:
            continue
        if same and text.startswith('Name:\tanswer\n'):
            found.append((int(pid), text))
    return found


def the_relay(world):
    (pid, status), = wait_until(lambda: [row for row in relays(world)
                                         if 'CapEff:\t0000000000000000' in row[1]], 'the process')
    return pid, status


# --- what is answered, and what is not ---

def answers(world):
    """One path is the carrier's, all else the guest's, who sees the carrier as its visitor."""
    world.dhcp()
    guest = world.serve(world.guest, 80)
    world.serve(world.guest, 81)
    world.serve(world.world, 8080)
    drive = answering(world, open_ports=('80/tcp', '81/tcp'))
    drive.says('the guest answers on port 80')
    wait_until(lambda: guest.taken == 1, 'the carrier\'s own question whether it answers')
    assert good(ask(world))
    assert good(ask(world, b'\r\nGET http://h' + PATH + b' HTTP/1.0\nA: b\n\n'))
    head = ask(world, b'HEAD ' + PATH + b' HTTP/1.1\r\nHost: h\r\n\r\n')
    assert head.startswith(b'HTTP/1.1 200 OK\r\n') and head.endswith(b'\r\n\r\n'), head
    assert guest.taken == 1, 'the guest is not asked'
    assert world.get((CLOUD, 80)) == VISITOR
    assert ask(world, b'GET ' + PATH + b'/x HTTP/1.1\r\n\r\n').endswith(VISITOR.encode())
    assert world.get((CLOUD, 81)) == '10.9.0.1', 'other ports are as ever'
    assert world.get(('10.9.0.1', 8080), world.guest) == CLOUD, 'and so is the way out'


def not_asked_for(world):
    """Without the wish the guest's own answer comes."""
    world.dhcp()
    world.serve(world.guest, 80)
    start(world, f'token={TOKEN}').says('nat ')
    world.get((CLOUD, 80))
    assert ask(world).endswith(b'10.9.0.1') and not relays(world)


def in_pieces(world):
    world.dhcp()
    world.serve(world.guest, 80)
    answering(world)
    client = connect(world)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in ASKS:
        client.sendall(bytes([byte]))
    assert good(rest(client))


# --- what passes ---

def mirror(_server, connection, _peer):
    """All that came, once its sender has ended it."""
    connection.sendall(rest(connection))


def passes(world):
    """Megabytes both ways, byte for byte, and each side ends its own."""
    world.dhcp()
    world.serve(world.guest, 80, mirror)
    answering(world)
    sent = b'POST / HTTP/1.1\r\n\r\n' + os.urandom(3 << 20)
    client = connect(world)
    client.sendall(sent)
    client.shutdown(socket.SHUT_WR)
    assert rest(client) == sent
    assert ended_at_once(world)


def ended_at_once(world):
    """Who says nothing and goes is not the guest's affair."""
    client = connect(world)
    client.shutdown(socket.SHUT_WR)
    try:
        return rest(client) == b''
    except ConnectionResetError:
        return True


def held_back(world):
    """A client that does not read holds up its own connection, and no memory beyond the limits."""
    sent = []

    def flood(_server, connection, _peer):
        if not connection.recv(4096):
            return
        connection.settimeout(2)
        while True:
            sent.append(connection.send(b'x' * 65536))

    world.dhcp()
    world.serve(world.guest, 80, flood)
    drive = answering(world)
    drive.says('the guest answers')
    client = connect(world)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    client.sendall(b'GET / HTTP/1.1\r\n\r\n')
    last = -1
    while sum(sent) != last or not sent:
        last = sum(sent)
        time.sleep(1)
    assert last < 4 << 20, last
    assert good(ask(world)), 'and nobody else'


def no_guest(world):
    """A guest that does not listen: reset, as it would itself, and later it serves."""
    world.dhcp()
    drive = answering(world)
    for _ in range(3):
        client = connect(world)
        client.sendall(b'GET / HTTP/1.1\r\n\r\n')
        try:
            raise AssertionError(client.recv(100))
        except ConnectionResetError:
            pass
    assert good(ask(world))
    world.serve(world.guest, 80)
    assert world.get((CLOUD, 80)) == VISITOR
    drive.says('the guest answers on port 80')


def smaller_way(world):
    """What a router says of the carrier's own connection arrives at the carrier."""
    world.dhcp()
    world.serve(world.guest, 80, mirror)
    answering(world)
    seen = world.sniff(world.world, 'up0')
    client = connect(world)
    client.sendall(b'PUT / HTTP/1.1\r\n\r\n')

    def bare(frame):
        return frame[12:14] == b'\x08\0' and frame[23] == 6 and frame[34:36] == b'\0\x50' and \
            frame[47] & 2 == 0
    frame = wait_until(lambda: seen.seen(bare), 'an acknowledgement')[-1]
    body = struct.pack('!BBHHH', 3, 4, 0, 0, 1000) + frame[14:14 + 28]
    body = body[:2] + struct.pack('!H', checksum(body)) + body[4:]
    head = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(body), 7, 0, 64, 1, 0,
                       socket.inet_aton('10.9.0.1'), socket.inet_aton(CLOUD))
    head = head[:10] + struct.pack('!H', checksum(head)) + head[12:]
    world.frame(world.world, 'up0', mac_bytes(NIC_MAC) + mac_bytes('02:00:00:00:00:01') +
                b'\x08\0' + head + body)
    def way():
        return subprocess.run(world.carrier.command('ip', 'route', 'get', '10.9.0.1'), check=True,
                              capture_output=True, text=True).stdout
    wait_until(lambda: 'mtu 1000' in way(), 'the smaller way')
    client.shutdown(socket.SHUT_WR)
    assert rest(client) == b'PUT / HTTP/1.1\r\n\r\n'


# --- what those can do who mean it ill ---

def rights(world):
    """It is nobody, may nothing, has nothing open that it does not need, and goes first."""
    world.dhcp()
    answering(world)
    pid, status = the_relay(world)
    assert re.search(r'^NoNewPrivs:\t1$', status, re.M), status
    if os.stat('/proc/self/ns/user').st_ino == 0xeffffffd:  # elsewhere there is nobody else
        assert re.search(r'^Uid:\t65534\t65534\t65534\t65534$', status, re.M), status
        assert re.search(r'^Groups:\t\s*$', status, re.M), status
    with open(f'/proc/{pid}/oom_score_adj', encoding='utf-8') as f:
        assert f.read() == '1000\n'
    assert os.getpriority(os.PRIO_PROCESS, pid) == 10
    kinds = sorted(os.readlink(f'/proc/{pid}/fd/{fd}').split(':')[0]
                   for fd in os.listdir(f'/proc/{pid}/fd') if int(fd) > 2)
    assert kinds == ['anon_inode', 'socket', 'socket'], kinds


def crowds(world):
    """More of them than there are places, all silent: who has something to say is heard, and the
    process grows by nothing."""
    world.dhcp()
    world.serve(world.guest, 80)
    answering(world)
    assert world.get((CLOUD, 80)) == VISITOR
    pid, _ = the_relay(world)
    crowd = [connect(world) for _ in range(LINKS + 40)]
    for client in crowd[::2]:
        with contextlib.suppress(OSError):  # a slow one is displaced by now
            client.sendall(b'GET /.well-known/unik')
    assert good(ask(world)) and world.get((CLOUD, 80)) == VISITOR
    assert len(os.listdir(f'/proc/{pid}/fd')) <= 2 * LINKS + 8
    with open(f'/proc/{pid}/status', encoding='utf-8') as f:
        grown = int(re.search(r'^RssAnon:\s+(\d+) kB', f.read(), re.M).group(1))
    print(f'# with {len(crowd)} silent connections the process has {grown} KiB of its own')
    begun = time.monotonic()
    for client in crowd:  # whoever is not displaced is put out in time
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(100) == b''
    assert time.monotonic() - begun < PATIENCE + 10
    assert relays(world)[0][0] == pid


def full(world):
    """Every place taken by a client that asks for everything and reads nothing: what Linux keeps
    for that has its limit, and who comes then is served."""
    def flood(_server, connection, _peer):
        if connection.recv(4096):
            threading.Thread(target=send_on, args=[connection.dup()], daemon=True).start()

    def send_on(connection):
        with connection, contextlib.suppress(OSError):
            while True:
                connection.sendall(b'x' * 65536)

    def kept():
        with open('/proc/net/sockstat', encoding='ascii') as f:
            return int(re.search(r'^TCP: .* mem (\d+)$', f.read(), re.M).group(1)) * 4096

    world.dhcp()
    guest = world.serve(world.guest, 80, flood)
    guest.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    answering(world).says('the guest answers')
    before, crowd = kept(), []
    for _ in range(LINKS):
        client = world.world.socket(socket.AF_INET, socket.SOCK_STREAM)
        world.ends.append(Closer(client))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect((CLOUD, 80))
        client.sendall(b'GET / HTTP/1.1\r\n\r\n')
        crowd.append(client)
    last = -1
    while kept() != last:
        last = kept()
        time.sleep(1)
    print(f'# {LINKS} clients that do not read: {(last - before) >> 10} KiB kept by Linux')
    assert last - before < LINKS * 160 * 1024, last - before
    assert good(ask(world))


def killed(world):
    """The guest has its port back, and later there is another process."""
    world.dhcp()
    world.serve(world.guest, 80)
    drive = answering(world)
    assert world.get((CLOUD, 80)) == VISITOR
    pid, _ = the_relay(world)
    os.kill(pid, 9)
    drive.says('until there is another one the port is the guest')
    assert world.get((CLOUD, 80)) == '10.9.0.1'
    drive.says(SAID, 10 + PATIENCE)
    assert good(ask(world)) and world.get((CLOUD, 80)) == VISITOR


def ends_with_it(world):
    """Nothing of it outlives the process that began it."""
    world.dhcp()
    drive = answering(world)
    the_relay(world)
    world.guest.run('ip', 'link', 'del', 'g0')
    drive.says(r'=ended vif1\.0 has gone')
    wait_until(lambda: not relays(world), 'the end of it')


# --- where it cannot be ---

def other_address(world):
    """The lease moves, the answer stays."""
    dhcp = world.dhcp(renew=1)
    world.serve(world.guest, 80)
    drive = answering(world)
    assert good(ask(world))
    dhcp.ip, dhcp.refuses = '10.9.0.3', True
    drive.says('lease 10.9.0.3/24')
    assert world.get(('10.9.0.3', 80)) == VISITOR
    client = world.world.socket(socket.AF_INET, socket.SOCK_STREAM)
    world.ends.append(Closer(client))
    client.settimeout(PATIENCE)
    client.connect(('10.9.0.3', 80))
    client.sendall(ASKS)
    assert good(rest(client))


def not_possible(world):
    """A guest with the leased address of its own: said once, and its own answer comes."""
    world.dhcp(renew=1)
    world.serve(world.guest, 80)
    drive = start(world, f'token={TOKEN}', 'answer=80')
    drive.has_said('answer: not possible')
    world.get((CLOUD, 80))
    assert ask(world).endswith(b'10.9.0.1') and not relays(world)
    time.sleep(2.5)  # two renewals
    assert sum('answer:' in line for line in drive.said) == 1, drive.said


def not_possible_direct(world):
    world.serve(world.guest, 80)
    drive = world.drive('mode=direct', 'open=80/tcp', f'token={TOKEN}', 'answer=80')
    drive.has_said('answer: not possible')
    drive.has_said('=attached')
    assert world.get(('10.9.0.77', 80)) == '10.9.0.1'


CASES = [
    (answers, {}), (not_asked_for, {}), (in_pieces, {}), (passes, {}), (held_back, {}),
    (no_guest, {}), (smaller_way, {}), (rights, {}), (crowds, {}), (full, {}), (killed, {}),
    (ends_with_it, {}), (other_address, {}),
    (not_possible, {'guest_ip': '10.9.0.2/24', 'gateway': '10.9.0.1'}),
    (not_possible_direct, {'guest_ip': '10.9.0.77/24', 'gateway': '10.9.0.1'}),
]
