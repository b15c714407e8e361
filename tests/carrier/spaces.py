# SPDX-License-Identifier: ISC
"""Network namespaces of a test's own: a carrier between a world and a guest, joined by veth pairs.
Nothing of this machine's network is seen or touched from inside them."""
import contextlib
import ctypes
import os
import queue
import re
import select
import socket
import struct
import subprocess
import threading
import time

NIC_MAC = '52:54:00:12:34:56'
CLOUD = '10.9.0.2'
TOKEN = '0123456789abcdef0123456789abcdef'
CLONE_NEWNET = 0x40000000
PATIENCE = 15 * float(os.environ.get('MIRAGE_TEST_PATIENCE', '1'))
LIBC = ctypes.CDLL(None, use_errno=True)


def mac_bytes(text):
    return bytes.fromhex(text.replace(':', ''))


def enter(fd):
    if LIBC.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), 'setns')


class Space:
    """One namespace, held by a process that sleeps in it."""

    def __init__(self):
        self.holder = subprocess.Popen(['unshare', '-n', 'sh', '-c', 'echo; exec sleep 1000000'],
                                       stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.path = f'/proc/{self.holder.pid}/ns/net'
        self.fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        self.run('ip', 'link', 'set', 'lo', 'up')

    @contextlib.contextmanager
    def inside(self):
        """This thread in the namespace: what it opens there stays there."""
        home = os.open('/proc/thread-self/ns/net', os.O_RDONLY | os.O_CLOEXEC)
        enter(self.fd)
        try:
            yield
        finally:
            enter(home)
            os.close(home)

    def command(self, *words):
        return ['nsenter', f'--net={self.path}', *words]

    def run(self, *words):
        subprocess.run(self.command(*words), check=True)

    def socket(self, *what):
        with self.inside():
            return socket.socket(*what)

    def end(self):
        os.close(self.fd)
        self.holder.kill()
        self.holder.wait()


class Sniffer:
    """Every frame that a device of the space receives, kept."""

    def __init__(self, space, device):
        self.frames = []
        self.socket = space.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.bind((device, 3))
        self.open = True
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        while self.open:
            if select.select([self.socket], [], [], 0.2)[0]:
                frame, where = self.socket.recvfrom(4096)
                if where[2] != socket.PACKET_OUTGOING:
                    self.frames.append(frame)

    def end(self):
        self.open = False
        self.thread.join()
        self.socket.close()

    def seen(self, test):
        return [frame for frame in list(self.frames) if test(frame)]


def wait_until(test, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = test()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f'not within {PATIENCE} s: {what}')


class Drive:
    """net_drive in the carrier's space, and what it says."""

    def __init__(self, program, space, *words):
        self.lines, self.said = queue.Queue(), []
        self.process = subprocess.Popen(space.command(program, *words), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        for line in self.process.stdout:
            self.lines.put(line.decode('utf-8', 'replace').rstrip('\n'))
        self.lines.put(None)

    def says(self, pattern, seconds=None):
        """The next line that matches; those before it are kept in `said`."""
        end = time.monotonic() + (seconds or PATIENCE)
        while True:
            try:
                line = self.lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f'{pattern!r} was not said, but {self.said}')
            self.said.append(line)
            if re.search(pattern, line):
                return line

    def has_said(self, pattern):
        """The same, or one that was said before."""
        earlier = [line for line in self.said if re.search(pattern, line)]
        return earlier[0] if earlier else self.says(pattern)

    def end(self):
        self.process.stdin.close()
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError('net_drive does not end') from None
        self.thread.join(PATIENCE)
        while not self.lines.empty():
            self.said.append(self.lines.get() or '')
        broken = [line for line in self.said if 'ERROR: ' in line or 'runtime error' in line]
        assert not broken, self.said
        return status


class Server:
    """A socket of a space that is served by a thread, until the test ends."""

    def __init__(self, kind, space, address, handler, device=None):
        family = socket.AF_INET6 if ':' in address[0] else socket.AF_INET
        self.socket = space.socket(family, kind)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        if device:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        self.socket.bind(address)
        if kind == socket.SOCK_STREAM:
            self.socket.listen(16)
        self.handler, self.open, self.taken = handler, True, 0
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while self.open:
            if not select.select([self.socket], [], [], 0.2)[0]:
                continue
            self.taken += 1
            if self.socket.type == socket.SOCK_DGRAM:
                data, peer = self.socket.recvfrom(4096)
                self.handler(self, data, peer)
                continue
            connection, peer = self.socket.accept()
            with connection:
                connection.settimeout(PATIENCE)
                with contextlib.suppress(OSError):
                    self.handler(self, connection, peer)

    def end(self):
        self.open = False
        self.thread.join()
        self.socket.close()


def say_who(_server, connection, peer):
    """A web server that answers with its client's address."""
    if connection.recv(4096):
        text = peer[0].encode()
        connection.sendall(b'HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s' % (len(text), text))


def echo(server, data, peer):
    server.socket.sendto(data, peer)


class Dhcp(Server):
    """A server with one address to give, and a mind of its own."""

    def __init__(self, space, device='up0', ip='10.9.0.2', lease=3600, renew=None, options=b'',
                 router='10.9.0.1'):
        self.ip, self.lease, self.renew = ip, lease, renew
        self.options, self.router = options, router
        self.silent = self.refuses = False
        self.heard = []  # (type, ciaddr)
        super().__init__(socket.SOCK_DGRAM, space, ('', 67), Dhcp.answer, device)

    @staticmethod
    def parse(data):
        options, at = {}, 240
        while at < len(data) and data[at] != 255:
            if data[at] == 0:
                at += 1
                continue
            options[data[at]] = data[at + 2:at + 2 + data[at + 1]]
            at += 2 + data[at + 1]
        return options

    def answer(self, data, _peer):
        options = self.parse(data)
        kind, ciaddr = options[53][0], socket.inet_ntoa(data[12:16])
        self.heard.append((kind, ciaddr))
        if self.silent:
            return
        wanted = socket.inet_ntoa(options[50]) if 50 in options else ciaddr
        reply = 2 if kind == 1 else 5
        if kind == 3 and (self.refuses or wanted != self.ip):
            reply, self.refuses = 6, False
        message = bytearray(240)
        message[0], message[1], message[2] = 2, 1, 6
        message[4:8], message[28:34] = data[4:8], data[28:34]
        message[236:240] = bytes.fromhex('63825363')
        message += bytes([53, 1, reply, 54, 4]) + socket.inet_aton('10.9.0.1')
        if reply != 6:
            message[16:20] = socket.inet_aton(self.ip)
            message += bytes([1, 4]) + socket.inet_aton('255.255.255.0')
            message += struct.pack('!BBI', 51, 4, self.lease)
            if self.router:
                message += bytes([3, 4]) + socket.inet_aton(self.router)
            if self.renew:
                message += struct.pack('!BBI', 58, 4, self.renew)
            message += self.options
        message += b'\xff'
        self.socket.sendto(bytes(message), ('255.255.255.255', 68))


class World:
    """All of it. The guest has an address that nobody around it knows, like a kernel's own."""

    def __init__(self, program, guest_ip='46.43.42.137/25', gateway='46.43.42.129', nic_mtu=1500):
        self.program, self.ends = program, []
        self.carrier, self.world, self.guest = (self.keep(Space()) for _ in range(3))
        self.guest_ip = guest_ip.split('/', maxsplit=1)[0]
        self.pair(self.world, 'up0', '02:00:00:00:00:01', self.carrier, 'nic0', NIC_MAC, nic_mtu)
        self.pair(self.guest, 'g0', NIC_MAC, self.carrier, 'vif1.0', 'fe:ff:ff:ff:ff:ff', 1500)
        self.world.run('ip', 'addr', 'add', '10.9.0.1/24', 'dev', 'up0')
        self.world.run('ip', 'addr', 'add', '169.254.169.254/32', 'dev', 'lo')
        self.world.run('ip', 'link', 'set', 'up0', 'up')
        self.guest.run('ip', 'addr', 'add', guest_ip, 'dev', 'g0')
        self.guest.run('ip', 'link', 'set', 'g0', 'up')
        self.guest.run('ip', 'route', 'add', 'default', 'via', gateway)

    @staticmethod
    def pair(one, name, mac, other, other_name, other_mac, mtu):
        one.run('ip', 'link', 'add', name, 'mtu', str(mtu), 'address', mac, 'type', 'veth', 'peer',
                'name', other_name, 'mtu', str(mtu), 'address', other_mac, 'netns',
                str(other.holder.pid))

    def keep(self, thing):
        self.ends.append(thing)
        return thing

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for thing in reversed(self.ends):
            thing.end()

    def drive(self, *words):
        return self.keep(Drive(self.program, self.carrier, 'nic=nic0', 'interface=vif1.0', *words))

    def dhcp(self, **how):
        return self.keep(Dhcp(self.world, **how))

    def serve(self, space, port, handler=say_who, kind=socket.SOCK_STREAM, ip='0.0.0.0'):
        return self.keep(Server(kind, space, (ip, port), handler))

    def sniff(self, space, device):
        return self.keep(Sniffer(space, device))

    def gratuitous(self):
        """What a kernel of Mirage says first."""
        ip, mac = socket.inet_aton(self.guest_ip), mac_bytes(NIC_MAC)
        self.frame(self.guest, 'g0', b'\xff' * 6 + mac + bytes.fromhex('08060001080006040001') +
                   mac + ip + bytes(6) + ip)

    @staticmethod
    def frame(space, device, frame):
        with space.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
            raw.bind((device, 0))
            raw.send(frame)

    def get(self, address, space=None, family=socket.AF_INET):
        """The body of one answer over HTTP; tried until the patience ends."""
        def once():
            with (space or self.world).socket(family, socket.SOCK_STREAM) as client:
                client.settimeout(2)
                try:
                    client.connect(address)
                    client.sendall(b'GET / HTTP/1.0\r\n\r\n')
                    data = b''
                    while piece := client.recv(4096):
                        data += piece
                except OSError:
                    return None
                return data.split(b'\r\n\r\n', 1)[-1].decode()
        return wait_until(once, f'an answer from {address}')

    def knock(self, address, family=socket.AF_INET):
        """A connection that is begun and left alone."""
        client = self.world.socket(family, socket.SOCK_STREAM)
        client.setblocking(False)
        client.connect_ex(address)
        self.ends.append(Closer(client))
        return client

    def tell(self, space, address, data):
        with space.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(data, address)


class Closer:
    def __init__(self, thing):
        self.thing = thing

    def end(self):
        self.thing.close()


def pending(client):
    """Neither refused nor through."""
    return client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0 and \
        not select.select([], [client], [], 0)[1]


def start(world, *words, open_ports=('80/tcp',), mode='nat'):
    """A carrier whose guest has said its address."""
    drive = world.drive(f'mode={mode}', *[f'open={port}' for port in open_ports], *words)
    drive.says('=attached')
    world.gratuitous()
    drive.says('the guest is')
    return drive


def checksum(data):
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
