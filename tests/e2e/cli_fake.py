# SPDX-License-Identifier: ISC
"""A stand-in for the daemon: the routes of docs/REST.md over a unix socket, with answers that a
test can replace, delay or break. For what a real daemon does not do on demand: every kind of error,
a deployment that gets stuck, silence, garbage, and text that attacks a terminal."""
import http.server
import json
import os
import socketserver
import subprocess
import threading
import time

from mirage import program

INSTALLATION = 'f' * 32
PUBLIC = 'http://127.0.0.1:9'


def utc(offset_s=0):
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + offset_s))


class Answer:
    """status, JSON document or bytes, seconds to wait before; raw bytes replace all of it."""

    def __init__(self, status=200, body=None, delay=0.0, raw=None, kind='application/json'):
        self.status, self.body, self.delay, self.raw, self.kind = status, body, delay, raw, kind


def problem(code, status, **more):
    return Answer(status, {'type': 'about:blank', 'title': code, 'status': status, 'code': code,
                           'detail': f'made up: {code}', 'hint': 'a made-up fix',
                           'request_id': 'r-1', 'provider': 'local', 'left_behind': [], **more},
                  kind='application/problem+json')


class Fake:
    def __init__(self, path):
        self.path = path
        self.requests = []  # (method, path, headers, body)
        self.special = {}   # (method, path without query) -> Answer or function(body) -> Answer
        self.deployments = {}
        self.kernels = {}   # digest -> bytes
        self.inspections = {}   # digest -> the document of GET
        self.events = []
        self.operations = {}
        self.console = b'Booting\r\n'
        self.op_delay = 0.0
        self.cost = {'currency': 'USD', 'per_hour_micro': 0, 'so_far_micro': 0, 'worst_micro': 0,
                     'price_date': None}
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def handle_any(self):
                fake.handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_):
                pass

            def address_string(self):
                return 'unix'

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_):
                pass  # clients that go away are part of the tests

        self.server = Server(path, Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        os.unlink(self.path)

    def paths(self, method):
        return [path for m, path, _, _ in self.requests if m == method]

    def keep(self, path):
        """As after an upload of this file, inspection and all."""
        done = subprocess.run([program('mirage-deploy'), 'inspect', path, '--json'], check=True,
                              capture_output=True)
        document = json.loads(done.stdout)
        with open(path, 'rb') as f:
            self.kernels[document['sha256']] = f.read()
        self.inspections[document['sha256']] = document

    # --- documents ---

    def deployment(self, name, state='live', ttl_s=600):
        d = {'id': f'{len(self.deployments):032x}', 'name': name, 'provider': 'local',
             'state': state, 'kernel': 'a' * 64, 'url': 'http://127.0.0.1:8080/', 'addresses': [],
             'ports': [{'address': '127.0.0.1', 'host': 8080, 'guest': 80}],
             'created_at': utc(), 'expires_at': utc(ttl_s), 'left_s': ttl_s, 'finished_at': None,
             'end_reason': '', 'hooks': [
                 {'name': 'daemon', 'state': 'armed', 'detail': '', 'deadline': utc(ttl_s)},
                 {'name': 'guest', 'state': 'off', 'detail': 'says nothing', 'deadline': None}],
             'cost': dict(self.cost),
             'site': name, 'site_url': f'{PUBLIC}/sites/{name}',
             'badge_url': f'{PUBLIC}/badge/{name}.svg', 'memory_bytes': 1 << 25, 'arguments': '',
             'owner': 'me', 'instance': {'id': 'i-1', 'state': 'running', 'end_reason': ''},
             'steps': [{'name': 'instance', 'status': 'done'}], 'error': None, 'version': 1}
        self.deployments[name] = d
        return d

    def operation(self, kind, d):
        op = {'id': f'{len(self.operations):032x}', 'kind': kind, 'deployment': d['id'],
              'name': d['name'], 'state': 'running', 'error': None, 'created_at': utc(),
              'finished_at': None}
        self.operations[op['id']] = op
        return op

    def event(self, kind, state, text):
        self.events.append({'id': len(self.events) + 1, 'at': utc(), 'kind': kind, 'state': state,
                            'text': text})

    def find(self, name):
        for d in self.deployments.values():
            if name in (d['name'], d['id']):
                return d
        return None

    # --- answering ---

    def handle(self, h):
        body = h.rfile.read(int(h.headers.get('Content-Length') or 0))
        path = h.path.split('?')[0]
        self.requests.append((h.command, h.path, dict(h.headers), body))
        h.close_connection = True
        answer = self.special.get((h.command, path))
        if callable(answer):
            answer = answer(body)
        if answer is None and 'text/event-stream' in h.headers.get('Accept', ''):
            self.stream(h, path)
            return
        self.send(h, answer or self.route(h.command, path.strip('/').split('/'), body))

    @staticmethod
    def send(h, answer):
        time.sleep(answer.delay)
        if answer.raw is not None:
            h.wfile.write(answer.raw)
            return
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        h.send_response(answer.status)
        h.send_header('Content-Type', answer.kind)
        h.send_header('Content-Length', str(len(body)))
        h.send_header('Connection', 'close')
        h.end_headers()
        h.wfile.write(body)

    def stream(self, h, path):
        h.send_response(200)
        h.send_header('Content-Type', 'text/event-stream')
        h.send_header('Transfer-Encoding', 'chunked')
        h.send_header('Connection', 'close')
        h.end_headers()

        def chunk(text):
            data = text.encode()
            h.wfile.write(b'%x\r\n%s\r\n' % (len(data), data))

        if path.endswith('/logs'):
            chunk('id: 9\ndata: ' + json.dumps({'text': self.console.decode('latin-1')}) + '\n\n')
            chunk('event: end\ndata: {}\n\n')
        else:
            sent = int(h.headers.get('Last-Event-ID') or 0)
            give_up = time.monotonic() + 5
            while time.monotonic() < give_up:
                for event in self.events[sent:]:
                    chunk(f'id: {event["id"]}\ndata: {json.dumps(event)}\n\n')
                    sent += 1
                    if event['state'] in ('gone', 'failed'):
                        give_up = 0
                time.sleep(0.02)
        h.wfile.write(b'0\r\n\r\n')

    def route(self, method, parts, body):
        if parts[0] == 'readyz':
            return Answer(200, {'ready': True, 'reaper_late_ms': 100})
        handler = getattr(self, f'{method.lower()}_{parts[1]}', None)
        return handler(parts[2:], body) if handler else problem('not-found', 404)

    def get_version(self, _parts, _body):
        return Answer(200, {'version': '0', 'installation': INSTALLATION, 'public_url': PUBLIC,
                            'state_dir': '/nowhere', 'pid': 999999999, 'started_at': utc()})

    def get_providers(self, parts, _body):
        if parts:
            return Answer(200, {'checks': [{'name': 'accelerator', 'level': 'WARN',
                                            'detail': 'no KVM', 'fix': 'none is needed'}]})
        return Answer(200, {'providers': [{'name': 'local', 'title': 'this machine', 'paid': False,
                                           'hooks': ['keeper', 'daemon']}]})

    def get_kernels(self, parts, _body):
        return Answer(200, self.inspections[parts[0]]) if parts[0] in self.kernels \
            else problem('not-found', 404)

    def put_kernels(self, parts, body):
        self.kernels[parts[0]] = body
        self.inspections[parts[0]] = {'sha256': parts[0]}
        return Answer(201, {'sha256': parts[0]})

    def post_plans(self, _parts, _body):
        return Answer(200, {'provider': 'local',
                            'boots': {'verdict': 'boots', 'how': 'qemu-kernel', 'why': 'so',
                                      'families': [{'family': 'qemu-pc', 'verdict': 'boots',
                                                    'why': 'so', 'needs': {'direct_kernel': True},
                                                    'powers_off': 'yes', 'carrier': 'none'}]},
                            'steps': [{'name': 'instance', 'does': 'qemu-kernel', 'bytes': 1}],
                            'ports': [{'address': '127.0.0.1', 'host': 0, 'guest': 80}],
                            'memory_bytes': 1 << 25, 'expires_at': utc(600), 'hooks': ['daemon'],
                            'cost': {'currency': 'USD', 'per_hour_micro': 10400,
                                     'so_far_micro': 0, 'worst_micro': 20800}})

    def get_deployments(self, parts, _body):
        if not parts:
            return Answer(200, {'deployments': list(self.deployments.values())})
        d = self.find(parts[0])
        if not d:
            return problem('not-found', 404, detail=f"there is no deployment '{parts[0]}'")
        rest = parts[1] if len(parts) > 1 else ''
        if rest == 'events':
            return Answer(200, {'events': self.events})
        if rest == 'logs':
            return Answer(200, self.console, kind='text/plain')
        if rest == 'lease':
            return Answer(200, {k: d[k] for k in
                                ('id', 'name', 'expires_at', 'left_s', 'state', 'hooks')})
        return Answer(200, d)

    def post_deployments(self, _parts, body):
        request = json.loads(body)
        if request['kernel'] not in self.kernels:
            return problem('not-found', 404, detail=f"no kernel {request['kernel']}")
        d = self.deployment(request.get('name', 'noname'))
        self.event('state', 'pending', 'lease granted')
        self.event('state', 'live', 'answers')
        return Answer(202, {'operation': self.operation('deploy', d), 'deployment': d})

    def patch_deployments(self, parts, _body):
        d = self.find(parts[0])
        if not d:
            return problem('not-found', 404)
        d.update(expires_at=utc(9000), left_s=9000)
        return Answer(202, {'operation': self.operation('extend', d),
                            'lease': {k: d[k] for k in ('id', 'name', 'expires_at', 'hooks')}})

    def delete_deployments(self, parts, _body):
        d = self.find(parts[0])
        if not d:
            return problem('not-found', 404, detail=f"there is no deployment '{parts[0]}'")
        d['state'] = 'gone'
        return Answer(202, {'operation': self.operation('remove', d), 'deployment': d})

    def get_audit(self, _parts, _body):
        return Answer(200, {'audit': []})

    def get_operations(self, parts, _body):
        op = self.operations[parts[0]]
        if op['state'] == 'running':
            time.sleep(self.op_delay)
            if self.op_delay < 5:
                op.update(state='done', finished_at=utc())
        return Answer(200, op)

    SITE = {'name': 'hello', 'url': 'http://127.0.0.1:8080/', 'state': 'live',
            'verified_by': 'launched', 'kernel': None, 'first_seen': None, 'last_seen': None,
            'statement': None, 'token': 'b' * 32}

    def get_sites(self, parts, _body):
        if parts and parts[0] != 'hello':
            return problem('not-found', 404)
        return Answer(200, self.SITE if parts else {'sites': [self.SITE]})

    def post_sites(self, _parts, _body):
        return Answer(201, self.SITE)

    def patch_sites(self, _parts, _body):
        return Answer(200, self.SITE)

    def delete_sites(self, _parts, _body):
        return Answer(200, self.SITE)
