#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""hello.elf in QEMU: its file, its ways to boot, its promises. Speaks TAP.

    hello_boot.py path/to/hello.elf

HELLO_REQUESTS (10000) is the number of requests one after the other, a quarter of it that of the
other load tests, HELLO_ROUNDS (5) that of boots
whose time is measured. Needs qemu-system-x86_64; skips without.
"""

import http.client
import http.server
import json
import os
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

from mirage import free_port
from tap import Skip, Tap, skip_all

QEMU = shutil.which('qemu-system-x86_64')
REQUESTS = int(os.environ.get('HELLO_REQUESTS', '10000'))
ROUNDS = int(os.environ.get('HELLO_ROUNDS', '5'))
SIZE_MAX = 32 * 1024
TAP_DEVICE = 'hello0'
NO_NAMESPACE = 65
PARTICIPATION = 'args,deadline,console-deadline,announce,well-known,poweroff'
MULTIBOOT = struct.pack('<I', 0x1BADB002)


class Guest:
    """A running hello: where its web pages are, and its console."""

    def __init__(self, elf, args='', machine='pc', guest_port=80, extra=(), tap=False):
        if tap:
            self.address = ('10.0.2.15', 80)
            net = f'tap,id=n0,ifname={TAP_DEVICE},script=no,downscript=no'
        else:
            self.address = ('127.0.0.1', free_port())
            net = f'user,id=n0,hostfwd=tcp:127.0.0.1:{self.address[1]}-:{guest_port}'
        self.console = b''
        self.more = threading.Condition()
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [QEMU, '-machine', machine, '-accel', 'tcg', '-m', '16', '-display', 'none',
             '-nodefaults', '-no-reboot', '-serial', 'stdio',
             '-netdev', net, '-device', 'virtio-net-pci,netdev=n0', '-kernel', elf,
             '-append', args, *extra],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        threading.Thread(target=self.read_console, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def read_console(self):
        while chunk := os.read(self.process.stdout.fileno(), 4096):
            with self.more:
                self.console += chunk
                self.more.notify_all()

    def expect(self, text, limit_s=60):
        """Waits until the console has shown text."""
        with self.more:
            if not self.more.wait_for(lambda: text.encode() in self.console, limit_s):
                raise AssertionError(f'no {text!r} on the console: {self.console.decode()!r}')

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def get(self, path, method='GET', limit_s=60):
        """Asks until there is a whole answer: before the guest is up the port is open, but mute."""
        end = time.monotonic() + limit_s
        while True:
            try:
                c = http.client.HTTPConnection(*self.address, timeout=limit_s)
                c.request(method, path, headers={'Connection': 'close'})
                answer = c.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                if time.monotonic() > end:
                    raise
                time.sleep(0.002)
            finally:
                c.close()

    def first_200(self):
        status, _ = self.get('/health')
        assert status == 200, status
        return time.monotonic() - self.started

    def cpu_s(self):
        with open(f'/proc/{self.process.pid}/stat', encoding='ascii') as f:
            fields = f.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def notes(data):
    """The notes of an ELF32 file: {(owner, type): description}."""
    found = {}
    offset, = struct.unpack_from('<I', data, 28)
    size, count = struct.unpack_from('<HH', data, 42)
    for i in range(count):
        kind, at, _, _, length = struct.unpack_from('<5I', data, offset + i * size)
        end = at + length
        while kind == 4 and at < end:
            n, d, note = struct.unpack_from('<3I', data, at)
            at += 12
            owner = data[at:at + n - 1].decode()
            at += (n + 3) & ~3
            found[owner, note] = data[at:at + d]
            at += (d + 3) & ~3
    return found


def t_file(elf):
    """the file: 32 KiB at most, ELF32 with multiboot header, PVH note and participation note"""
    with open(elf, 'rb') as f:
        data = f.read()
    assert len(data) <= SIZE_MAX, len(data)
    assert data[:7] == b'\x7fELF\x01\x01\x01' and struct.unpack_from('<H', data, 18)[0] == 3
    at = data[:8192].index(MULTIBOOT)
    assert at % 4 == 0 and sum(struct.unpack_from('<3I', data, at)) & 0xffffffff == 0
    entry, = struct.unpack_from('<I', data, 24)
    assert notes(data)['Xen', 0x12] == struct.pack('<I', entry)
    assert notes(data)['mirage-deploy', 1].decode() == PARTICIPATION
    return f'{len(data)} bytes'


def boots(elf, machine, extra=()):
    with Guest(elf, 'name=web%201 token=t0k deadline=4000000000', machine, extra=extra) as g:
        taken = g.first_200()
        g.expect('hello: mirage-deploy hello ')
        g.expect('hello: address 10.0.2.15/24 gateway 10.0.2.2 by DHCP')
        g.expect('hello: deadline 4000000000\n')
        health = json.loads(g.get('/health')[1])
        assert health['status'] == 'ok' and health['name'] == 'web 1', health
        assert abs(health['now'] - time.time()) < 3 and health['deadline'] == 4000000000, health
        assert b'argument' not in g.console, g.console
        return f'first 200 after {taken * 1000:.0f} ms'


def t_pc(elf):
    """boots by multiboot on machine pc"""
    return boots(elf, 'pc')


def t_q35(elf):
    """boots by multiboot on machine q35"""
    return boots(elf, 'q35')


def without_multiboot(elf):
    copy = tempfile.NamedTemporaryFile(suffix='.elf')
    with open(elf, 'rb') as f:
        copy.write(f.read().replace(MULTIBOOT, b'\0\0\0\0', 1))
    copy.flush()
    return copy


def t_pvh(elf):
    """boots by PVH alone, on pc and q35"""
    with without_multiboot(elf) as copy:
        return boots(copy.name, 'pc') + ', ' + boots(copy.name, 'q35')


def t_bare(elf):
    """boots behind firmware that sets up next to nothing (qboot), and still switches off"""
    result = boots(elf, 'pc', ('-bios', 'qboot.rom'))
    off_at_deadline(elf, 'pc', ('-bios', 'qboot.rom'))
    return result


def t_time(elf):
    """from QEMU's start to the first answer"""
    taken = []
    for i in range(ROUNDS):
        with Guest(elf, 'ip=10.0.2.15/24 gw=10.0.2.2' if i % 2 else '') as g:
            taken.append(g.first_200())
    return f'{min(taken) * 1000:.0f} ms at best, {statistics.median(taken) * 1000:.0f} ms median'


def t_static(elf):
    """a static address and another port; bad arguments are reported and ignored"""
    args = 'ip=10.0.2.15/24 gw=10.0.2.2 port=8080 colour=red grace=soon'
    with Guest(elf, args, guest_port=8080) as g:
        g.first_200()
        g.expect('hello: argument colour=red: unknown; ignored\n')
        g.expect('hello: argument grace=soon: not a number of seconds; using 30\n')
        g.expect('hello: address 10.0.2.15/24 gateway 10.0.2.2\n')
        g.expect('hello: listening on http://10.0.2.15:8080/\n')


def t_pages(elf):
    """the pages and the refusals"""
    with Guest(elf, 'name=%3Cb%3E token=a%22b') as g:
        status, page = g.get('/')
        assert status == 200 and b'<title>&lt;b&gt;</title>' in page and b'no deadline' in page
        known = json.loads(g.get('/.well-known/unikernel')[1])
        assert known == {'unikernel': 'hello', 'version': known['version'], 'name': '<b>',
                         'token': 'a"b', 'deadline': None, 'grace': 30}, known
        assert g.get('/', 'HEAD') == (200, b'')
        assert g.get('/nothing')[0] == 404
        assert g.get('/', 'PUT')[0] == 405
        assert g.get('/' + 'x' * 5000)[0] == 431
        with socket.create_connection(g.address, 5) as s:
            s.sendall(b'what is this\r\n\r\n')
            assert s.recv(4096).startswith(b'HTTP/1.1 400 ')


def off_at_deadline(elf, machine, extra=()):
    deadline = int(time.time()) + 1
    with Guest(elf, f'deadline={deadline} grace=1', machine, extra=extra) as g:
        g.first_200()
        assert g.process.wait(60) == 0
        late = time.time() - deadline - 1
        assert late > -1, late  # how late is a figure
        g.expect('hello: deadline and grace are over, powering off\n')
        return f'{late:+.1f} s'


def t_off(elf):
    """switches itself off at deadline plus grace, on pc and q35"""
    return f'pc {off_at_deadline(elf, "pc")}, q35 {off_at_deadline(elf, "q35")}'


def t_console(elf):
    """the console moves the deadline"""
    with Guest(elf, f'deadline={int(time.time()) + 2} grace=1') as g:
        g.first_200()
        g.type('deadline 4000000000\n')
        g.expect('hello: deadline 4000000000\n')
        time.sleep(4)
        assert json.loads(g.get('/health')[1])['deadline'] == 4000000000
        g.type('nonsense\n' + 'x' * 500 + '\ndeadline 0\n')
        g.expect('hello: deadline 0\n')
        assert json.loads(g.get('/health')[1])['deadline'] is None
        g.type('deadline 1\n')
        assert g.process.wait(60) == 0


class Registry(http.server.BaseHTTPRequestHandler):
    """Refuses the first announcement and takes the second."""
    posts = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        Registry.posts.append((self.path, self.headers['Content-Type'], json.loads(body)))
        self.send_response(503 if len(Registry.posts) == 1 else 204)
        self.end_headers()

    def log_message(self, *_):
        pass


def t_announce(elf):
    """announces itself, again when refused"""
    with http.server.HTTPServer(('127.0.0.1', 0), Registry) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f'http://10.0.2.2:{server.server_port}/v1/announce'
        with Guest(elf, f'name=web token=t%25 announce={url} url=http://example.org/') as g:
            g.expect('hello: announce: status 503; trying again\n')
            g.expect('hello: announced\n')
        server.shutdown()
    expected = {'name': 'web', 'url': 'http://example.org/', 'token': 't%', 'kernel': 'hello'}
    assert Registry.posts == [('/v1/announce', 'application/json', expected)] * 2, Registry.posts


def ask(address, count, keep_alive, ret_times, ret_failures):
    connection = None
    for _ in range(count):
        start = time.monotonic()
        try:
            if connection is None:
                connection = http.client.HTTPConnection(*address, timeout=30)
            connection.request('GET', '/', headers={} if keep_alive else {'Connection': 'close'})
            answer = connection.getresponse()
            if not answer.read().endswith(b'</html>\n') or answer.status != 200:
                ret_failures.append(answer.status)
            if not keep_alive:
                connection.close()
                connection = None
        except (OSError, http.client.HTTPException) as e:
            ret_failures.append(e)
            connection = None
        ret_times.append(time.monotonic() - start)


def load(elf, requests, clients, keep_alive, tap=False):
    times, failures = [], []
    with Guest(elf, 'name=load ip=10.0.2.15/24', 'q35', tap=tap) as g:
        g.first_200()
        start = time.monotonic()
        threads = [threading.Thread(target=ask, args=(g.address, requests // clients, keep_alive,
                                                      times, failures)) for _ in range(clients)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        rate = len(times) / (time.monotonic() - start)
        assert not failures, failures[:5]
        served = json.loads(g.get('/health')[1])['requests']
        assert served == len(times) + 2, served
    return f'{len(times)} requests, {rate:.0f}/s, median {statistics.median(times) * 1e3:.2f} ms'


def t_sequential(elf):
    """many requests one after the other, a connection each"""
    return load(elf, REQUESTS, 1, False)


def t_sequential_kept(elf):
    """many requests one after the other on one connection"""
    return load(elf, REQUESTS // 4, 1, True)


def load_over_tap(elf, kept):
    """64 clients, in a namespace with a tap: QEMU's port forwarding listens with a backlog of one,
    so that clients dialling together lose connections before the guest hears of them."""
    if shutil.which('unshare') is None or shutil.which('ip') is None:
        raise Skip('no unshare or no ip')
    run = subprocess.run(['unshare', '-Urn', sys.executable, __file__, elf, kept],
                         capture_output=True, text=True, check=False)
    if run.returncode == NO_NAMESPACE or 'unshare: ' in run.stderr:
        raise Skip('no tap in a user namespace here')
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout.strip()


def in_namespace(elf, kept):
    """The part of load_over_tap that runs inside."""
    for command in (f'tuntap add dev {TAP_DEVICE} mode tap',
                    f'addr add 10.0.2.2/24 dev {TAP_DEVICE}', f'link set {TAP_DEVICE} up'):
        if subprocess.run(['ip', *command.split()], check=False).returncode != 0:
            return NO_NAMESPACE
    print(load(elf, REQUESTS // 4, 64, kept == '--keep', tap=True))
    return 0


def t_concurrent(elf):
    """64 connections at the same time"""
    return load_over_tap(elf, '--keep')


def t_concurrent_close(elf):
    """64 clients at the same time, a connection for each request"""
    return load_over_tap(elf, '--close')


def t_idle(elf):
    """leaves the processor alone when there is nothing to do"""
    with Guest(elf, 'name=idle') as g:
        g.first_200()
        time.sleep(0.3)
        before = g.cpu_s()
        time.sleep(2)
        used = (g.cpu_s() - before) / 2
        assert used < 0.2, used
        return f'{used * 100:.1f} % of a processor'


TESTS = [t_file, t_pc, t_q35, t_pvh, t_bare, t_time, t_static, t_pages, t_off, t_console,
         t_announce, t_sequential, t_sequential_kept, t_concurrent, t_concurrent_close, t_idle]


def main():
    elf = sys.argv[1]
    if QEMU is None:
        skip_all('no qemu-system-x86_64')
    if sys.argv[2:]:
        return in_namespace(elf, sys.argv[2])
    tap = Tap()
    for test in TESTS:
        with tap.part(test.__doc__):
            note = test(elf)
            if note:
                print(f'# {note}', flush=True)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
