# SPDX-License-Identifier: ISC
"""A plain client of the cloud that check.py has brought up, for the parts that look behind our own:
who they are comes from OS_*, what the cloud can do from MIRAGE_OPENSTACK_*."""
import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request

import tap

PATIENCE = float(os.environ.get('MIRAGE_TEST_PATIENCE', '1'))
COMPUTE = '2.93'  # the microversion, for every request to Nova
DRIVER = os.environ.get('MIRAGE_OPENSTACK_DRIVER', 'fake')
HELLO = os.environ.get('MIRAGE_OPENSTACK_HELLO')
STATE = os.environ.get('MIRAGE_OPENSTACK_STATE', '')
CLOUD = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'cloud')
FLAT, OUTSIDE = 'flat', 'outside'  # the networks, as cloud/neutron calls them
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy


def need_machines():
    """The part needs machines that run, not such as Nova's fake driver makes."""
    if DRIVER != 'libvirt':
        raise tap.Skip(os.environ.get('MIRAGE_OPENSTACK_WHY', 'the cloud has no real machines'))


def need_network():
    """The part talks to the machines."""
    need_machines()
    if not os.environ.get('MIRAGE_OPENSTACK_GATEWAY'):
        raise tap.Skip('the machines of this cloud cannot be reached')


def until(what, ask, seconds=60):
    """The first true answer of ask(), or an assertion that names what did not come."""
    give_up = time.monotonic() + seconds * PATIENCE
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < give_up, f'{what}: not within {seconds} s'
        time.sleep(0.2)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


def send(method, url, body=None, headers=()):
    """An Answer of whatever status."""
    request = urllib.request.Request(url, method=method, data=body, headers=dict(headers))
    try:
        with OPENER.open(request, timeout=60 * PATIENCE) as reply:
            return Answer(reply.status, reply.headers, reply.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return Answer(refusal.code, refusal.headers, refusal.read())


def service(verb, name):
    """pause, continue, end or begin a process of the cloud, by the name of its log."""
    subprocess.run([os.path.join(CLOUD, 'service'), STATE, verb, name], check=True)


class Stack:
    """One user with a token, and the catalog that came with it."""

    def __init__(self, env=None):
        env = env or os.environ
        domain = {'id': env['OS_USER_DOMAIN_ID']}
        user = {'name': env['OS_USERNAME'], 'password': env['OS_PASSWORD'], 'domain': domain}
        project = {'name': env['OS_PROJECT_NAME'], 'domain': {'id': env['OS_PROJECT_DOMAIN_ID']}}
        asked = {'auth': {'identity': {'methods': ['password'], 'password': {'user': user}},
                          'scope': {'project': project}}}
        answer = send('POST', env['OS_AUTH_URL'] + '/auth/tokens', json.dumps(asked).encode(),
                      {'Content-Type': 'application/json'})
        assert answer.status == 201, f'no token: {answer.status} {answer.body[:200]}'
        self.token = answer.headers['X-Subject-Token']
        self.user = answer.json['token']['user']['id']
        self.project = answer.json['token']['project']['id']
        self.urls = {service['type']: point['url'] for service in answer.json['token']['catalog']
                     for point in service['endpoints'] if point['interface'] == 'public'}

    def ask(self, method, service, path, body=None, content='application/json'):
        """One call; body is bytes, or what is sent as JSON."""
        headers = {'X-Auth-Token': self.token, 'Accept': 'application/json'}
        if service == 'compute':
            headers['OpenStack-API-Version'] = 'compute ' + COMPUTE
        if body is not None:
            headers['Content-Type'] = content
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return send(method, self.urls[service] + path, body, headers)

    def get(self, service, path):
        """What a GET brings, which has to bring something."""
        answer = self.ask('GET', service, path)
        assert answer.status == 200, f'{service} {path}: {answer.status} {answer.body[:300]}'
        return answer.json

    # --- images ---

    def image(self, name, data, disk_format='raw', container_format='bare', **more):
        """The id of an active image of these bytes."""
        answer = self.ask('POST', 'image', '/v2/images', {
            'name': name, 'disk_format': disk_format, 'container_format': container_format, **more})
        assert answer.status == 201, answer.body
        image = answer.json['id']
        answer = self.ask('PUT', 'image', f'/v2/images/{image}/file', data,
                          'application/octet-stream')
        assert answer.status == 204, answer.body
        assert self.get('image', f'/v2/images/{image}')['status'] == 'active'
        return image

    def hello_images(self, line):
        """hello as a kernel that Nova boots directly, with that command line: an empty root disk
        whose image names it, and the kernel's."""
        with open(HELLO, 'rb') as file:
            kernel = self.image('hello', file.read(), 'aki', 'aki')
        return self.image('root', bytes(65536), kernel_id=kernel, os_command_line=line), kernel

    # --- application credentials ---

    def credential(self, name):
        """One that may do what its user may: {'id', 'secret', ...}."""
        answer = self.ask('POST', 'identity', f'/users/{self.user}/application_credentials',
                          {'application_credential': {'name': name}})
        assert answer.status == 201, answer.body
        return answer.json['application_credential']

    def drop_credential(self, credential):
        answer = self.ask('DELETE', 'identity', f'/users/{self.user}/application_credentials/'
                          + credential['id'])
        assert answer.status == 204, answer.body

    # --- servers ---

    def network(self, name=FLAT):
        return self.get('network', f'/v2.0/networks?name={name}')['networks'][0]['id']

    def boot(self, name, image, networks='none'):
        """The id of a server that was asked for."""
        answer = self.ask('POST', 'compute', '/servers', {'server': {
            'name': name, 'imageRef': image, 'flavorRef': 'u1', 'networks': networks}})
        assert answer.status == 202, answer.body
        return answer.json['server']['id']

    def server(self, server):
        """Its document, None when there is none."""
        answer = self.ask('GET', 'compute', f'/servers/{server}')
        assert answer.status in (200, 404), answer.body
        return answer.json['server'] if answer.status == 200 else None

    def await_active(self, server):
        def ready():
            seen = self.server(server)
            assert seen and seen['status'] != 'ERROR', seen and seen.get('fault')
            busy = seen['status'] != 'ACTIVE' or seen['OS-EXT-STS:task_state']
            return None if busy else seen
        return until('the server is active', ready, 90)

    def console(self, server):
        answer = self.ask('POST', 'compute', f'/servers/{server}/action',
                          {'os-getConsoleOutput': {'length': 100}})
        return answer.json['output'] if answer.status == 200 else ''

    def remove(self, server):
        answer = self.ask('DELETE', 'compute', f'/servers/{server}')
        assert answer.status == 204, answer.body
        until('the server is gone', lambda: self.server(server) is None)


class Admin(Stack):
    """The administrator, who makes users and says how much each may have."""

    def __init__(self):
        with open(os.path.join(STATE, 'admin-openrc'), encoding='ascii') as file:
            super().__init__(dict(re.findall(r'(OS_\w+)=(\S+)', file.read())))

    def done(self, method, service_type, path, body=None):
        answer = self.ask(method, service_type, path, body)
        assert answer.status < 300, f'{method} {path}: {answer.status} {answer.body[:300]}'
        return answer.json if answer.body else None

    def tenant(self, name):
        """The OS_* of a new user with a project of their own; every part has one."""
        name, password = f'{name}-{os.getpid()}', os.environ['OS_PASSWORD']
        project = self.done('POST', 'identity', '/projects', {'project': {
            'name': name, 'domain_id': 'default'}})['project']['id']
        user = self.done('POST', 'identity', '/users', {'user': {
            'name': name, 'password': password, 'domain_id': 'default'}})['user']['id']
        for role in self.get('identity', '/roles?name=member')['roles']:
            self.done('PUT', 'identity', f'/projects/{project}/users/{user}/roles/{role["id"]}')
        return {**{key: value for key, value in os.environ.items() if key.startswith('OS_')},
                'OS_USERNAME': name, 'OS_PROJECT_NAME': name}

    def enable(self, user, enabled):
        """Who is disabled has no token any more, and gets none."""
        self.done('PATCH', 'identity', f'/users/{user}', {'user': {'enabled': enabled}})

    def revoke(self, user):
        """All tokens of that user, who may get others."""
        self.enable(user, False)
        self.enable(user, True)

    def quota(self, project, service_type, **limits):
        path, key = {'compute': (f'/os-quota-sets/{project}', 'quota_set'),
                     'network': (f'/v2.0/quotas/{project}', 'quota')}[service_type]
        self.done('PUT', service_type, path, {key: limits})
