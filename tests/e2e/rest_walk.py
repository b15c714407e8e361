# SPDX-License-Identifier: ISC
"""Every route of the control socket on a real mirage-deployd: what it answers when asked well, and
what it says when asked badly. Leaves nothing behind."""
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from mirage import PATIENCE, Tap, UnixHTTP, need_programs, program, wait_for

HELLO = program('hello.elf')
FINAL = ('gone', 'failed')


class Answer:
    def __init__(self, response):
        self.status, self.headers = response.status, response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)


class Daemon:
    """One mirage-deployd with a state directory of its own."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='mir-rest-')
        self.state = os.path.join(self.dir, 'state')
        self.path = os.path.join(self.state, 'api.sock')
        self.config = os.path.join(self.dir, 'config')
        with open(self.config, 'w', encoding='utf-8') as f:
            f.write('[daemon]\nkernel_max = 4M\n')
        self.process = None
        self.seen = set()  # "METHOD /pattern" of all that was asked for

    def environment(self):
        return {**os.environ, 'MIRAGE_DEPLOY_CONFIG': self.config, 'HOME': self.dir}

    def command(self, *more):
        return [program('mirage-deployd'), '--state', self.state, '--public', '127.0.0.1:0', *more]

    def start(self):
        """Runs it and returns the line that it says on its ready descriptor."""
        ours, theirs = os.pipe()
        with open(os.path.join(self.dir, 'log'), 'ab') as log:
            self.process = subprocess.Popen(self.command('--ready-fd', str(theirs)), stderr=log,
                                            pass_fds=[theirs], env=self.environment())
        os.close(theirs)
        with os.fdopen(ours) as ready:
            return ready.readline()

    def stop(self, sig=signal.SIGTERM):
        self.process.send_signal(sig)
        return self.process.wait(15 * PATIENCE)

    def log(self):
        with open(os.path.join(self.dir, 'log'), encoding='utf-8') as f:
            return f.read()

    def ask(self, method, path, body=None, headers=None, timeout=30):
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        connection = UnixHTTP(self.path, timeout * PATIENCE)
        try:
            connection.request(method, path, body, headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.ask('GET', path, headers={k.replace('_', '-'): v for k, v in headers.items()})

    def raw(self, data, timeout=10):
        """What the daemon says to these bytes until it closes."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(timeout * PATIENCE)
            s.connect(self.path)
            s.sendall(data)
            out = b''
            try:
                while chunk := s.recv(65536):
                    out += chunk
            except ConnectionResetError:
                pass  # closed with something of ours unread
            return out


def problem(answer, status, code, *words):
    """The answer has to be a problem document of that kind that says those words."""
    text = answer.body.decode()
    assert answer.status == status, f'{answer.status}: {text}'
    assert answer.headers['Content-Type'] == 'application/problem+json', answer.headers
    document = answer.json()
    assert document['status'] == status and document['code'] == code, text
    assert document['request_id'] == answer.headers['X-Request-Id'], text
    for word in words:
        assert word in document['detail'] + document['hint'], f'{word}: {text}'
    return document


def sha_of(data):
    return hashlib.sha256(data).hexdigest()


def done(d, operation, wait='30s'):
    answer = d.get(f'/v1/operations/{operation["id"]}?wait={wait}')
    assert answer.status == 200, answer.body
    return answer.json()


def service(tap, d):
    with tap.part('version, health, readiness, figures, interface'):
        version = d.get('/v1/version')
        assert version.status == 200 and version.json()['pid'] == d.process.pid, version.body
        assert version.json()['state_dir'] == d.state
        tag = version.headers['ETag']
        assert d.get('/v1/version', If_None_Match=tag).status == 304
        assert d.get('/healthz').json() == {'ok': True}
        assert d.get('/readyz').json()['ready'] is True
        metrics = d.get('/metrics')
        assert 'text/plain' in metrics.headers['Content-Type']
        assert b'mirage_deploy_build_info{version=' in metrics.body, metrics.body
        openapi = d.get('/v1/openapi.json').json()
        assert openapi['openapi'].startswith('3.1') and '/v1/deployments' in openapi['paths']
    with tap.part('providers and their checks'):
        providers = d.get('/v1/providers').json()['providers']
        assert [p for p in providers if p['name'] == 'local' and not p['paid']], providers
        checks = d.get('/v1/providers/local/check').json()['checks']
        assert {c['level'] for c in checks} <= {'PASS', 'WARN', 'FAIL'} and len(checks) > 2, checks
        problem(d.get('/v1/providers/lcoal/check'), 404, 'not-found', 'local')


def kernels(tap, d, kernel):
    sha = sha_of(kernel)
    with tap.part('a kernel is stored, inspected, and known afterwards'):
        problem(d.get(f'/v1/kernels/{sha}'), 404, 'not-found')
        answer = d.ask('PUT', f'/v1/kernels/{sha}', kernel)
        assert answer.status == 201, answer.body
        assert answer.json()['sha256'] == sha and answer.json()['bytes'] == len(kernel)
        assert d.ask('PUT', f'/v1/kernels/{sha}', kernel).status == 200
        assert d.get(f'/v1/kernels/{sha}').json() == answer.json()
    with tap.part('a kernel that nothing uses can be forgotten'):
        stored = os.path.join(d.state, 'kernels', sha)
        assert os.path.exists(stored)
        answer = d.ask('DELETE', f'/v1/kernels/{sha}')
        assert answer.status == 204 and not answer.body, answer.body
        assert not os.path.exists(stored)
        problem(d.ask('DELETE', f'/v1/kernels/{sha}'), 404, 'not-found')
        problem(d.get(f'/v1/kernels/{sha}'), 404, 'not-found')
        problem(d.ask('DELETE', '/v1/kernels/..%2f..%2fstate.db'), 404, 'not-found')
        assert d.ask('PUT', f'/v1/kernels/{sha}', kernel).status == 201
    with tap.part('many uploads of one kernel at once, in chunks'):
        data = kernel + b'\0' * 700000
        sha = sha_of(data)
        answers = []

        def pieces(pause):
            for i in range(0, len(data), 50000):
                yield data[i:i + 50000]
                time.sleep(pause)

        def put(pause=0):
            connection = UnixHTTP(d.path, 30 * PATIENCE)
            connection.request('PUT', f'/v1/kernels/{sha}', pieces(pause), encode_chunked=True,
                               headers={'Transfer-Encoding': 'chunked'})
            answers.append(Answer(connection.getresponse()).status)
            connection.close()
        threads = [threading.Thread(target=put) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(answers) == 6 and set(answers) <= {200, 201}, answers
        put(0.02)  # known before the first chunk, and the others are still on their way
        assert answers[6:] == [200], answers
    with tap.part('uploads that are refused leave nothing behind'):
        problem(d.ask('PUT', f'/v1/kernels/{"0" * 64}', kernel), 422, 'corrupt', 'SHA-256')
        problem(d.ask('PUT', f'/v1/kernels/{sha_of(b"")}', b''), 422, 'usage', 'empty')
        problem(d.ask('PUT', '/v1/kernels/abc', kernel), 422, 'usage', 'SHA-256')
        problem(d.ask('PUT', f'/v1/kernels/{"0" * 64}', b'x' * (5 << 20)), 413, 'usage',
                'kernel_max')
        pieces = [b'x' * 65536] * 80
        connection = UnixHTTP(d.path, 30 * PATIENCE)
        connection.request('PUT', f'/v1/kernels/{"0" * 64}', iter(pieces), encode_chunked=True,
                           headers={'Transfer-Encoding': 'chunked'})
        problem(Answer(connection.getresponse()), 422, 'usage', 'kernel_max')
        connection.close()
        with socket.socket(socket.AF_UNIX) as s:  # a client that goes away in the middle
            s.connect(d.path)
            s.sendall(b'PUT /v1/kernels/' + b'1' * 64 + b' HTTP/1.1\r\nHost: d\r\n'
                      b'Content-Length: 1000000\r\n\r\n' + b'x' * 600000)
        parts = os.path.join(d.state, 'kernels')
        wait_for('the parts are gone', 10, lambda: not [n for n in os.listdir(parts) if '.' in n])


def refusals(tap, d, sha):
    deploy = {'provider': 'local', 'kernel': sha, 'ttl': '1h'}
    with tap.part('requests that make no sense are refused by name'):
        for body, words in (
                ({**deploy, 'tll': '1h'}, ('tll', 'ttl')),
                ({**deploy, 'ttl': 'banana'}, ('banana',)),
                ({**deploy, 'ttl': 60}, ('ttl',)),
                ({**deploy, 'name': 'A_B'}, ('A_B',)),
                ({**deploy, 'ports': [{'host': 99999, 'guest': 80}]}, ()),
                ({**deploy, 'machine': {'firmware': 'efi'}}, ('efi',)),
                ({**deploy, 'machine': {'bus': 'ide'}}, ('bus',)),
                ({**deploy, 'place': 'eu-central-1'}, ('place', 'object')),
                ({**deploy, 'place': {'budget': 2.5}}, ('budget', 'text')),
                ({**deploy, 'place': {'open': [80, 80]}}, ('80', 'twice')),
                ({**deploy, 'place': {'spot': True}}, ('--spot', 'local')),
                ({'provider': 'local'}, ('kernel',)),
                ('{"provider":', ('line 1',)),
                ('{"provider":"a","provider":"b"}', ('duplicate',)),
                ('[' * 5000, ('nested',)),
                ('[]', ('object',))):
            problem(d.ask('POST', '/v1/deployments', body), 422, 'usage', *words)
            problem(d.ask('POST', '/v1/plans', body), 422, 'usage', *words)
        problem(d.ask('POST', '/v1/deployments', {**deploy, 'kernel': '0' * 64}), 404, 'not-found')
        problem(d.ask('POST', '/v1/deployments', {**deploy, 'provider': 'lcoal'}), 404, 'not-found',
                'lcoal')
        problem(d.ask('POST', '/v1/deployments', {**deploy, 'ttl': '3000d'}), 403, 'policy')
        problem(d.ask('POST', '/v1/plans', {**deploy, 'machine': {'firmware': 'uefi'}}), 403,
                'policy', 'UEFI', 'image build')
        assert d.get('/v1/deployments?all=1').json() == {'deployments': []}
    with tap.part('paths, methods, parameters, sizes'):
        problem(d.get('/v1/nothing'), 404, 'not-found', '/v1/nothing')
        problem(d.get('/v1/deployments/'), 404, 'not-found')
        problem(d.get('/v1/kernels/..%2f..%2fstate.db'), 404, 'not-found')
        answer = d.ask('DELETE', '/v1/version')
        problem(answer, 405, 'usage')
        assert answer.headers['Allow'] == 'GET, HEAD', answer.headers
        problem(d.get('/v1/version?x=1'), 422, 'usage', 'x')
        problem(d.ask('POST', '/v1/plans', b'{' + b' ' * 70000 + b'}'), 413, 'usage')
        problem(d.ask('GET', '/v1/version', b'x'), 413, 'usage', 'no body')
        problem(d.get('/v1/version', X_Long='x' * 9000), 431, 'usage')
        assert b' 431 ' in d.raw(b'GET / HTTP/1.1\r\nX: ' + b'x' * 40000 + b'\r\n\r\n')
        d.raw(b'nonsense\r\n\r\n')
        assert d.get('/healthz').status == 200
        head = d.ask('HEAD', '/v1/version')
        assert head.status == 200 and head.body == b'' and int(head.headers['Content-Length']) > 50


def deployment(tap, d, sha):
    deploy = {'provider': 'local', 'kernel': sha, 'name': 'hello', 'ttl': '10m'}
    with tap.part('a plan changes nothing'):
        plan = d.ask('POST', '/v1/plans', deploy)
        assert plan.status == 200 and plan.json()['hooks'], plan.body
        assert d.get('/v1/deployments').json() == {'deployments': []}
    with tap.part('deploy, with an idempotency key, until it is live'):
        key = {'Idempotency-Key': '"walk-1"'}
        answer = d.ask('POST', '/v1/deployments', deploy, key)
        assert answer.status == 202, answer.body
        operation = answer.json()['operation']
        assert answer.headers['Location'] == f'/v1/operations/{operation["id"]}'
        again = d.ask('POST', '/v1/deployments', deploy, key)
        assert again.status == 202, again.body
        assert again.json()['operation']['id'] == operation['id'], again.body
        problem(d.ask('POST', '/v1/deployments', {**deploy, 'ttl': '11m'}, key), 422, 'usage')
        problem(d.ask('POST', '/v1/deployments', deploy), 409, 'conflict', 'hello')
        assert done(d, operation)['state'] == 'done', done(d, operation)
        assert d.get('/v1/deployments/hello').json()['state'] == 'live'
        assert d.get('/v1/deployments/hello').json()['place'] == {}
        assert d.get('/v1/deployments/hello').json()['machine'] == {'firmware': 'bios',
                                                                   'nic': 'virtio'}
        problem(d.ask('DELETE', f'/v1/kernels/{sha}'), 409, 'conflict', 'hello')
        problem(d.get(f'/v1/operations/{"0" * 32}'), 404, 'not-found')
        problem(d.get(f'/v1/operations/{operation["id"]}?wait=soon'), 422, 'usage', 'soon')
    with tap.part('one deployment, by name and by id, and its tag'):
        one = d.get('/v1/deployments/hello')
        identity = one.json()['id']
        assert d.get(f'/v1/deployments/{identity}').json()['name'] == 'hello'
        assert one.headers['ETag'].startswith(f'"{identity}-'), one.headers
        assert [h for h in one.json()['hooks'] if h['state'] == 'armed'], one.body
        listed = d.get('/v1/deployments').json()['deployments']
        assert [x['name'] for x in listed] == ['hello'], listed
        problem(d.get('/v1/deployments/helo'), 404, 'not-found', 'hello')
        assert b'mirage_deploy_deployments{state="live"} 1' in d.get('/metrics').body
    lease(tap, d)
    streams(tap, d)


def lease(tap, d):
    path = '/v1/deployments/hello/lease'
    with tap.part('the lease moves, is read back, and minds If-Match'):
        before = d.get(path)
        assert before.json()['expires_at'] and before.json()['hooks'], before.body
        moved = d.ask('PATCH', path, {'extend': '1h'}, {'If-Match': before.headers['ETag']})
        assert moved.status == 202, moved.body
        assert moved.json()['lease']['left_s'] > before.json()['left_s'] + 3500, moved.body
        assert done(d, moved.json()['operation'])['state'] == 'done'
        after = d.get(path).json()
        assert after['expires_at'] == moved.json()['lease']['expires_at']
        assert all(h['deadline'] == after['expires_at'] for h in after['hooks']
                   if h['state'] == 'armed'), after
        problem(d.ask('PATCH', path, {'extend': '1h'}, {'If-Match': before.headers['ETag']}), 412,
                'conflict')
        problem(d.ask('DELETE', '/v1/deployments/hello', None, {'If-Match': '"x"'}), 412,
                'conflict')
        problem(d.ask('PATCH', path, {'extend': '1h', 'expires_at': 'x'}), 422, 'usage')
        problem(d.ask('PATCH', path, {'extnd': '1h'}), 422, 'usage', 'extnd', 'extend')
        problem(d.ask('PATCH', path, {'extend': '3000d'}), 403, 'policy')
        problem(d.ask('PATCH', path, {'expires_at': '2020-01-01T00:00:00Z'}), 403, 'policy')
        problem(d.ask('PATCH', '/v1/deployments/nobody/lease', {'extend': '1h'}), 404, 'not-found')


def frames(text):
    """The server-sent events of a text as dictionaries."""
    out = []
    for block in text.split('\n\n'):
        lines = [line for line in block.splitlines() if not line.startswith(':')]
        fields = dict(line.split(': ', 1) for line in lines)
        if fields:
            out.append(fields)
    return out


def streams(tap, d):
    with tap.part('console and history, whole and in part'):
        logs = wait_for('the banner', 10, lambda: d.get('/v1/deployments/hello/logs').body)
        assert b'hello' in logs, logs
        assert d.get('/v1/deployments/hello/logs?offset=5').body.startswith(logs[5:])
        assert d.get('/v1/deployments/hello/logs?since=2020-01-01T00:00:00Z').body[:5] == logs[:5]
        assert d.get('/v1/deployments/hello/logs?since=2099-01-01T00:00:00Z').body == b''
        problem(d.get('/v1/deployments/hello/logs?offset=x'), 422, 'usage')
        events = d.get('/v1/deployments/hello/events').json()['events']
        assert events[0]['state'] == 'pending' and events[-1]['id'] > events[0]['id'], events
        rest = d.get(f'/v1/deployments/hello/events?after={events[0]["id"]}').json()['events']
        assert rest[0]['id'] == events[1]['id'], rest
    with tap.part('followed to the end, while the deployment is ended'):
        got = {}

        def follow(name, path, accept):
            got[name] = d.get(path, Accept=accept).body.decode()
        threads = [
            threading.Thread(target=follow, args=('logs', '/v1/deployments/hello/logs?follow=1',
                                                  '*/*')),
            threading.Thread(target=follow, args=('events', '/v1/deployments/hello/events',
                                                  'text/event-stream'))]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        answer = d.ask('DELETE', '/v1/deployments/hello')
        assert answer.status == 202, answer.body
        assert done(d, answer.json()['operation'])['state'] == 'done'
        for thread in threads:
            thread.join(20 * PATIENCE)
        assert d.get('/v1/deployments/hello').json()['state'] == 'gone'
        assert frames(got['logs'])[-1]['event'] == 'end', got['logs']
        console = ''.join(json.loads(frame['data']).get('text', '') for frame in
                          frames(got['logs']))
        assert 'hello' in console, got['logs']
        last = json.loads(frames(got['events'])[-1]['data'])
        assert last['state'] == 'gone', got['events']
        more = d.get('/v1/deployments/hello/events', Accept='text/event-stream',
                     Last_Event_ID=str(last['id']))
        assert frames(more.body.decode()) == [], more.body
        again = d.ask('DELETE', '/v1/deployments/hello')
        assert again.status == 202 and again.json()['operation']['state'] == 'done', again.body


def sites(tap, d):
    with tap.part('sites: added, looked at, hidden, verified, removed'):
        assert isinstance(d.get('/v1/sites').json()['sites'], list)
        answer = d.ask('POST', '/v1/sites', {'url': 'http://example.org/', 'name': 'example'})
        assert answer.status == 201 and answer.json()['state'] == 'claimed', answer.body
        assert answer.headers['Location'] == '/v1/sites/example'
        assert d.get('/v1/sites/example').json()['url'] == 'http://example.org/'
        assert d.ask('PATCH', '/v1/sites/example', {'hidden': True}).status == 200
        assert d.ask('PATCH', '/v1/sites/example', {'verify': True}).status == 200
        problem(d.ask('PATCH', '/v1/sites/example', {'verfy': True}), 422, 'usage', 'verify')
        problem(d.ask('PATCH', '/v1/sites/example', {}), 422, 'usage')
        assert d.ask('DELETE', '/v1/sites/example').status == 204
        problem(d.get('/v1/sites/example'), 404, 'not-found')
        problem(d.ask('POST', '/v1/sites', {'url': 'file:///etc/passwd'}), 422, 'usage')
        problem(d.ask('POST', '/v1/announce', {'name': 'x', 'url': 'http://example.org/'}), 422,
                'usage', 'token')
        announced = d.ask('POST', '/v1/announce', {'name': 'said', 'url': 'http://example.org/',
                                                   'token': 'ab' * 16})
        assert announced.status == 202, announced.body
    with tap.part('the audit log tells who did what'):
        rows = d.get('/v1/audit').json()['audit']
        words = json.dumps(rows)
        for what in ('deploy', 'extend', 'remove', 'site-add', 'site-remove', 'site-announce'):
            assert what in words, f'{what}: {words}'
        later = d.get(f'/v1/audit?after={rows[0]["id"]}').json()['audit']
        assert len(later) == len(rows) - 1, later


def waiting(tap, d):
    with tap.part('a slow client is cut off, and nobody waits for it'):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(d.path)
            s.sendall(b'GET /v1/version HTTP/1.1\r\nX: ')
            start = time.monotonic()
            s.settimeout(20 * PATIENCE)
            while time.monotonic() - start < 20 * PATIENCE:
                try:
                    s.sendall(b'x')
                    s.settimeout(0.5)
                    if not s.recv(100):
                        break
                except socket.timeout:
                    continue
                except OSError:
                    break
            assert 8 < time.monotonic() - start < 14 * PATIENCE
        start = time.monotonic()
        assert d.get('/healthz').status == 200 and time.monotonic() - start < 1 * PATIENCE


def starting(tap, d):
    with tap.part('a second daemon says who holds the lock'):
        second = subprocess.run(d.command(), env=d.environment(), capture_output=True, text=True,
                                check=False, timeout=20)
        assert second.returncode == 6 and f'pid {d.process.pid}' in second.stderr, second
    with tap.part('options that are none'):
        for args, word in ((['--stat', 'x'], '--state'), (['--state'], 'value'),
                           (['--log-level', 'loud'], 'debug'), (['nonsense'], 'nonsense')):
            answer = subprocess.run([program('mirage-deployd'), *args], capture_output=True,
                                    text=True, check=False, timeout=20, env=d.environment())
            assert answer.returncode == 2 and word in answer.stderr, answer
        answer = subprocess.run([program('mirage-deployd'), '--help'], capture_output=True,
                                text=True, check=True, timeout=20)
        assert '--ready-fd' in answer.stdout and not answer.stderr
    with tap.part('a state directory that cannot be made'):
        blocked = os.path.join(d.dir, 'file')
        with open(blocked, 'w', encoding='utf-8'):
            pass
        answer = subprocess.run([program('mirage-deployd'), '--state', blocked + '/x'],
                                capture_output=True, text=True, check=False, timeout=20)
        assert answer.returncode != 0 and 'MIRAGE_DEPLOY_STATE' in answer.stderr, answer


def stopping(tap, d, sha):
    with tap.part('stopped: waits end, instances go on, and the last line says until when'):
        body = {'provider': 'local', 'kernel': sha, 'name': 'stays', 'ttl': '1m'}
        answer = d.ask('POST', '/v1/deployments', body)
        assert answer.status == 202, answer.body
        done(d, answer.json()['operation'])
        leftover = os.path.join(d.state, 'kernels', 'a' * 64 + '.part-0123abcd')
        with open(leftover, 'wb'):
            pass
        got = []
        thread = threading.Thread(target=lambda: got.append(
            d.get('/v1/deployments/stays/events', Accept='text/event-stream')))
        thread.start()
        time.sleep(0.3)
        assert d.stop() == 0
        thread.join(10)
        assert got and got[0].status == 200
        assert '1 deployment keeps running until ' in d.log(), d.log()
        assert not os.path.exists(d.path)
    with tap.part('started again: the instance is adopted, leftovers are swept'):
        assert d.start() == 'ready\n', d.log()
        assert not os.path.exists(leftover)
        state = d.get('/v1/deployments/stays').json()
        assert state['state'] not in FINAL, state
        answer = d.ask('DELETE', '/v1/deployments/stays')
        assert done(d, answer.json()['operation'])['state'] == 'done'
    with tap.part('killed and started again: the socket is replaced'):
        d.stop(signal.SIGKILL)
        assert os.path.exists(d.path)
        assert d.start() == 'ready\n', d.log()
        assert d.get('/readyz').status == 200
        ours, theirs = os.pipe()
        second = subprocess.run(d.command('--ready-fd', str(theirs)), pass_fds=[theirs],
                                env=d.environment(), capture_output=True, check=False, timeout=20)
        os.close(theirs)
        with os.fdopen(ours) as ready:
            document = json.loads(ready.readline())
        assert second.returncode == 6 and document['code'] == 'conflict', document


def walk(tap, d, kernel):
    sha = sha_of(kernel)
    for part in (service, kernels, refusals, deployment, sites, waiting, starting, stopping):
        if d.process.poll() is not None:
            with tap.part('the daemon lives'):
                raise AssertionError(f'ended with {d.process.returncode}:\n{d.log()[-4000:]}')
            return
        if part is kernels:
            part(tap, d, kernel)
        elif part in (refusals, deployment, stopping):
            part(tap, d, sha)
        else:
            part(tap, d)


def main():
    need_programs('mirage-deployd', 'mirage-public', 'mirage-image', 'mirage-keeper', 'hello.elf')
    tap = Tap()
    d = Daemon()
    with open(HELLO, 'rb') as f:
        kernel = f.read()
    try:
        with tap.part('starts, and says that it is ready'):
            assert d.start() == 'ready\n', d.log()
            mode = os.stat(d.path).st_mode & 0o777
            assert mode == 0o600, oct(mode)
        walk(tap, d, kernel)
        with tap.part('ends when asked to'):
            assert d.stop() == 0, d.log()
    finally:
        if d.process and d.process.poll() is None:
            d.process.kill()
            d.process.wait()
        shutil.rmtree(d.dir, ignore_errors=True)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
