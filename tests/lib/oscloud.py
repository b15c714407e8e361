# SPDX-License-Identifier: ISC
"""A plain OpenStack client: requests as they are, and what came of them."""
import json
import time
import urllib.error
import urllib.request

from mirage import PATIENCE

OCTETS = {'Content-Type': 'application/octet-stream'}
RAW = bytes(4096)


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        try:
            self.json = json.loads(body) if body else None
        except ValueError:
            self.json = None

    @property
    def type(self):
        return self.headers.get('Content-Type', '').split(';')[0] if self.body else ''


def said(value):
    """Has been said, whatever it is called with."""
    return {key: entry for key, entry in value.items() if entry is not None}


class Cloud:
    """One cloud, asked as the environment says."""

    def __init__(self, env, patience=60):
        self.env, self.patience = env, patience
        self.auth_url = env['OS_AUTH_URL'].rstrip('/')
        self.token = self.catalog = None
        reply = self.authenticate()
        self.token = reply.headers['X-Subject-Token']
        self.body = reply.json['token']
        self.project = self.body['project']['id']
        self.endpoints = {}
        for entry in self.body['catalog']:
            for endpoint in entry['endpoints']:
                if endpoint['interface'] == 'public' and \
                        endpoint['region'] == env['OS_REGION_NAME']:
                    self.endpoints[entry['type']] = endpoint['url'].rstrip('/')
        self.endpoints['identity'] = self.auth_url
        compute = self.endpoints['compute']
        self.endpoints['compute-root'] = compute[:compute.rindex('/')]
        self.endpoints['identity-root'] = self.auth_url[:self.auth_url.rindex('/')]

    def named(self, kind):
        env, domain = self.env, f'OS_{kind}_DOMAIN'
        return {'id': env[f'{domain}_ID']} if f'{domain}_ID' in env else \
            {'name': env[f'{domain}_NAME']}

    def auth(self, **changes):
        user = {'name': self.env['OS_USERNAME'], 'password': self.env['OS_PASSWORD'],
                'domain': self.named('USER'), **changes.get('user', {})}
        project = {'name': self.env['OS_PROJECT_NAME'], 'domain': self.named('PROJECT'),
                   **changes.get('project', {})}
        return {'auth': {'identity': {'methods': ['password'],
                                      'password': {'user': said(user)}},
                         'scope': {'project': said(project)}}}

    def authenticate(self, body=None):
        return self.send(self.auth_url + '/auth/tokens', 'POST', body or self.auth())

    def send(self, url, method='GET', body=None, headers=None, token=None):
        token = self.token if token is None else token
        all_headers = {'Accept': 'application/json', **({'X-Auth-Token': token} if token else {}),
                       **(headers or {})}
        data = body
        if body is not None and not isinstance(body, bytes):
            data = json.dumps(body).encode()
            all_headers.setdefault('Content-Type', 'application/json')
        request = urllib.request.Request(url, data=data, headers=said(all_headers), method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return Reply(reply.status, reply.headers, reply.read())
        except urllib.error.HTTPError as error:
            return Reply(error.code, error.headers, error.read())

    def call(self, service, method, path, body=None, **options):
        return self.send(self.endpoints[service] + path, method, body, **options)

    def until(self, ask, holds):
        limit = time.monotonic() + self.patience
        while True:
            reply = ask()
            if holds(reply):
                return reply
            assert time.monotonic() < limit, (reply.status, reply.body[:500])
            time.sleep(0.1)


class User(Cloud):
    """A client of a fake, with a few words for what is done often."""

    def __init__(self, fake, project='demo', region='RegionOne'):
        env = {**fake.openstack, 'OS_PROJECT_NAME': project, 'OS_REGION_NAME': region}
        super().__init__(env, patience=10 * PATIENCE)
        self.fake = fake

    def image(self, data=RAW, **more):
        body = {'name': 'i', 'disk_format': 'raw', 'container_format': 'bare', **more}
        ident = self.call('image', 'POST', '/v2/images', body).json['id']
        if data is not None:
            reply = self.call('image', 'PUT', f'/v2/images/{ident}/file', data, headers=OCTETS)
            assert reply.status == 204, reply.body
        return ident

    def network(self):
        rows = self.call('network', 'GET', '/v2.0/networks?router:external=false').json
        return rows['networks'][0]['id']

    def create(self, image, **more):
        flavor = self.call('compute', 'GET', '/flavors').json['flavors'][0]['id']
        return self.call('compute', 'POST', '/servers', {'server': {
            'name': 's', 'imageRef': image, 'flavorRef': flavor,
            'networks': [{'uuid': self.network()}], **more}})

    def server(self, image, **more):
        reply = self.create(image, **more)
        assert reply.status == 202, reply.body
        return reply.json['server']['id']

    def show(self, server):
        return self.call('compute', 'GET', f'/servers/{server}').json['server']

    def action(self, server, body):
        return self.call('compute', 'POST', f'/servers/{server}/action', body)

    def reach(self, server, status):
        return self.until(lambda: self.call('compute', 'GET', f'/servers/{server}'),
                          lambda reply: reply.json['server']['status'] == status and
                          not reply.json['server']['OS-EXT-STS:task_state']).json['server']

    def delete(self, server):
        reply = self.call('compute', 'DELETE', f'/servers/{server}')
        assert reply.status == 204, reply.body

    def is_gone(self, server):
        self.until(lambda: self.call('compute', 'GET', f'/servers/{server}'),
                   lambda reply: reply.status == 404)
