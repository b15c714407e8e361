# SPDX-License-Identifier: ISC
"""One script of requests to an OpenStack: what openstack_diff.py holds the fake and a real cloud
against each other with."""
import base64
import uuid

from oscloud import said

NOWHERE = '00000000-0000-4000-8000-000000000000'


class Script:
    """Runs parts of requests against one cloud and keeps what came, by the step's name."""

    def __init__(self, cloud):
        self.cloud, self.replies, self.clean = cloud, {}, []

    def step(self, name, service, method, path, body=None, **options):
        reply = self.cloud.call(service, method, path, body, **options)
        assert name not in self.replies, name
        self.replies[name] = reply
        return reply

    def later(self, service, path):
        """To be deleted in the end."""
        self.clean.append((service, path))

    def end(self):
        for service, path in reversed(self.clean):
            self.cloud.call(service, 'DELETE', path)
            if '/servers/' in path:
                self.cloud.until(lambda p=path: self.cloud.call('compute', 'GET', p),
                                 lambda reply: reply.status == 404)


# --- Keystone ---

def identity(script):
    step, cloud = script.step, script.cloud
    tokens = '/auth/tokens'
    step('identity versions', 'identity-root', 'GET', '', token='')
    step('identity version', 'identity', 'GET', '', token='')
    step('token', 'identity', 'POST', tokens, cloud.auth(), token='')
    changes = {
            'wrong password': {'user': {'password': 'no'}},
            'no such user': {'user': {'name': 'nobody'}},
            'no domain of the user': {'user': {'domain': None}},
            'no domain of the project': {'project': {'domain': None}},
            'no such project': {'project': {'name': 'nothing'}},
            'project by id': {'project': {'name': None, 'domain': None, 'id': cloud.project}}}
    for name, change in changes.items():
        step(f'token: {name}', 'identity', 'POST', tokens, cloud.auth(**change), token='')
    bare = cloud.auth()
    del bare['auth']['scope']
    unscoped = step('token: no scope', 'identity', 'POST', tokens, bare, token='')
    step('token: nothing', 'identity', 'POST', tokens, {}, token='')
    step('token: unknown method', 'identity', 'POST', tokens,
         {'auth': {'identity': {'methods': ['magic'], 'magic': {}}}}, token='')
    token = unscoped.headers['X-Subject-Token']
    scope = {'project': {'id': cloud.project}}
    by_token = {'auth': {'identity': {'methods': ['token'], 'token': {'id': token}},
                         'scope': scope}}
    second = step('token: by token', 'identity', 'POST', tokens, by_token, token='')
    subject = {'X-Subject-Token': second.headers['X-Subject-Token']}
    step('validate', 'identity', 'GET', tokens, headers=subject)
    step('check', 'identity', 'HEAD', tokens, headers=subject)
    step('revoke', 'identity', 'DELETE', tokens, headers=subject)
    step('validate revoked', 'identity', 'GET', tokens, headers=subject)
    step('no token', 'identity', 'GET', '/auth/catalog', token='')
    step('catalog', 'identity', 'GET', '/auth/catalog')
    step('projects', 'identity', 'GET', '/auth/projects')
    step('users', 'identity', 'GET', '/users')
    step('unknown path', 'identity', 'GET', '/nothing')


def credentials(script):
    step, cloud = script.step, script.cloud
    user = cloud.body['user']['id']
    folder = f'/users/{user}/application_credentials'
    name = f'mirage-{uuid.uuid4().hex[:8]}'
    step('credential without a name', 'identity', 'POST', folder, {'application_credential': {}})
    made = step('credential', 'identity', 'POST', folder,
                {'application_credential': {'name': name, 'description': 'd'}})
    made = made.json['application_credential']
    script.later('identity', f'{folder}/{made["id"]}')
    step('credential again', 'identity', 'POST', folder, {'application_credential': {'name': name}})
    step('credentials', 'identity', 'GET', folder)
    step('one credential', 'identity', 'GET', f'{folder}/{made["id"]}')
    step('no credential', 'identity', 'GET', f'{folder}/{"0" * 32}')

    def auth(scope=None, **said_by):
        body = {'identity': {'methods': ['application_credential'],
                             'application_credential': said_by}}
        return {'auth': {**body, **({'scope': scope} if scope else {})}}
    tokens, secret = '/auth/tokens', made['secret']
    by_id = step('token by credential', 'identity', 'POST', tokens,
                 auth(id=made['id'], secret=secret), token='')
    step('token by credential name', 'identity', 'POST', tokens,
         auth(name=name, secret=secret, user={'id': user}), token='')
    step('credential: wrong secret', 'identity', 'POST', tokens, auth(id=made['id'], secret='no'),
         token='')
    step('credential: scope', 'identity', 'POST', tokens,
         auth(id=made['id'], secret=secret, scope={'project': {'id': cloud.project}}), token='')
    step('credential by credential', 'identity', 'POST', folder,
         {'application_credential': {'name': name + '2'}},
         token=by_id.headers['X-Subject-Token'])
    step('credential gone', 'identity', 'DELETE', f'{folder}/{made["id"]}')
    step('token of a gone credential', 'compute', 'GET', '/flavors',
         token=by_id.headers['X-Subject-Token'])


# --- Glance ---

def image_body(**changes):
    return said({'name': 'mirage diff', 'disk_format': 'raw', 'container_format': 'bare',
                 'visibility': 'private', 'tags': ['one', 'two'], 'mirage_own': 'value',
                 **changes})


def new_image(script, name, data, **changes):
    made = script.step(name, 'image', 'POST', '/v2/images', image_body(**changes))
    path = f'/v2/images/{made.json["id"]}'
    script.later('image', path)
    if data:
        script.cloud.call('image', 'PUT', path + '/file', data,
                          headers={'Content-Type': 'application/octet-stream'})
    return made.json['id'], path


def images(script):
    step = script.step
    octets = {'Content-Type': 'application/octet-stream'}
    patch = {'Content-Type': 'application/openstack-images-v2.1-json-patch'}
    step('image versions', 'image', 'GET', '/', token='')
    step('image: no token', 'image', 'GET', '/v2/images', token='')
    step('image: no token, HTML', 'image', 'GET', '/v2/images', token='', headers={'Accept': '*/*'})
    step('image: none', 'image', 'GET', f'/v2/images/{NOWHERE}')
    step('image: none, HTML', 'image', 'GET', f'/v2/images/{NOWHERE}', headers={'Accept': '*/*'})
    step('image: wrong format', 'image', 'POST', '/v2/images', image_body(disk_format='floppy'))
    step('image: public', 'image', 'POST', '/v2/images', image_body(visibility='public'))
    step('image: read-only', 'image', 'POST', '/v2/images', image_body(status='active'))
    step('image: a number', 'image', 'POST', '/v2/images', image_body(mirage_own=5))
    ident, path = new_image(script, 'image', None)
    step('image: same id', 'image', 'POST', '/v2/images', image_body(id=ident))
    step('image queued', 'image', 'GET', path)
    step('image: no bytes yet', 'image', 'GET', path + '/file')
    step('image: wrong type', 'image', 'PUT', path + '/file', b'1',
         headers={'Content-Type': 'text/plain', 'Accept': '*/*'})
    step('upload', 'image', 'PUT', path + '/file', bytes(65536), headers=octets)
    step('upload again', 'image', 'PUT', path + '/file', b'2', headers={**octets, 'Accept': '*/*'})
    step('image active', 'image', 'GET', path)
    step('download', 'image', 'GET', path + '/file')
    step('images by name', 'image', 'GET', '/v2/images?name=mirage%20diff')
    step('images by tag', 'image', 'GET', '/v2/images?tag=one&tag=two')
    step('images by property', 'image', 'GET', '/v2/images?mirage_own=value&limit=1')
    step('images: unknown marker', 'image', 'GET', f'/v2/images?marker={NOWHERE}')
    step('images: wrong limit', 'image', 'GET', '/v2/images?limit=x')
    step('tag', 'image', 'PUT', path + '/tags/three')
    step('tag gone', 'image', 'DELETE', path + '/tags/three')
    step('tag: none', 'image', 'DELETE', path + '/tags/three')
    step('patch', 'image', 'PATCH', path, [
        {'op': 'replace', 'path': '/name', 'value': 'mirage diff 2'},
        {'op': 'add', 'path': '/mirage_more', 'value': 'x'}], headers=patch)
    step('patch: removed', 'image', 'PATCH', path, [{'op': 'remove', 'path': '/mirage_more'}],
         headers=patch)
    step('patch: wrong type', 'image', 'PATCH', path, [])
    step('patch: read-only', 'image', 'PATCH', path,
         [{'op': 'replace', 'path': '/status', 'value': 'queued'}], headers=patch)
    step('patch: base removed', 'image', 'PATCH', path, [{'op': 'remove', 'path': '/name'}],
         headers=patch)
    step('patch: not there', 'image', 'PATCH', path, [{'op': 'remove', 'path': '/nothing'}],
         headers=patch)
    step('members of a private one', 'image', 'POST', path + '/members', {'member': 'a' * 32})
    protect = [{'op': 'replace', 'path': '/protected', 'value': True}]
    step('protect', 'image', 'PATCH', path, protect, headers=patch)
    step('delete protected', 'image', 'DELETE', path)
    protect[0]['value'] = False
    step('unprotect', 'image', 'PATCH', path, protect, headers=patch)
    step('delete image', 'image', 'DELETE', path)
    step('delete image again', 'image', 'DELETE', path)


def imports(script):
    step, cloud = script.step, script.cloud
    octets = {'Content-Type': 'application/octet-stream'}
    step('import info', 'image', 'GET', '/v2/info/import')
    _, path = new_image(script, 'image to import', None)
    direct = {'method': {'name': 'glance-direct'}}
    step('import: nothing staged', 'image', 'POST', path + '/import', direct)
    step('import: unknown', 'image', 'POST', path + '/import', {'method': {'name': 'magic'}})
    step('stage', 'image', 'PUT', path + '/stage', bytes(65536), headers=octets)
    step('staged', 'image', 'GET', path)
    step('import', 'image', 'POST', path + '/import', direct)
    cloud.until(lambda: cloud.call('image', 'GET', path),
                lambda reply: reply.json['status'] == 'active')
    step('imported', 'image', 'GET', path)
    _, path = new_image(script, 'image without formats', None, disk_format=None,
                        container_format=None)
    step('upload without formats', 'image', 'PUT', path + '/file', b'1', headers=octets)
    _, path = new_image(script, 'shared image', bytes(512), visibility='shared')
    step('member', 'image', 'POST', path + '/members', {'member': 'a' * 32})
    step('member again', 'image', 'POST', path + '/members', {'member': 'a' * 32})
    step('members', 'image', 'GET', path + '/members')
    step('member: another says', 'image', 'PUT', f'{path}/members/{"a" * 32}',
         {'status': 'accepted'})
    step('member: none', 'image', 'GET', f'{path}/members/{"b" * 32}')
    step('member gone', 'image', 'DELETE', f'{path}/members/{"a" * 32}')


# --- Neutron ---

def networks(script):
    step, cloud = script.step, script.cloud
    step('network versions', 'network', 'GET', '/', token='')
    step('network: no token', 'network', 'GET', '/v2.0/networks', token='')
    step('networks', 'network', 'GET', '/v2.0/networks')
    step('subnets', 'network', 'GET', '/v2.0/subnets')
    for kind in ('networks', 'ports', 'subnets', 'routers', 'floatingips', 'security-groups',
                 'security-group-rules'):
        step(f'{kind}: none', 'network', 'GET', f'/v2.0/{kind}/{NOWHERE}')
        step(f'{kind}: unknown filter', 'network', 'GET', f'/v2.0/{kind}?nothing=1')
    made = step('network', 'network', 'POST', '/v2.0/networks', {'network': {'name': 'mirage'}})
    network = made.json['network']['id']
    script.later('network', f'/v2.0/networks/{network}')
    step('network: unknown attribute', 'network', 'POST', '/v2.0/networks',
         {'network': {'nothing': 1}})
    step('network: shared', 'network', 'POST', '/v2.0/networks', {'network': {'shared': True}})
    step('network: no body', 'network', 'POST', '/v2.0/networks', {})
    step('subnet: no cidr', 'network', 'POST', '/v2.0/subnets',
         {'subnet': {'network_id': network, 'ip_version': 4}})
    made = step('subnet', 'network', 'POST', '/v2.0/subnets',
                {'subnet': {'network_id': network, 'ip_version': 4, 'cidr': '10.99.0.0/24'}})
    subnet = made.json['subnet']['id']
    made = step('port', 'network', 'POST', '/v2.0/ports',
                {'port': {'network_id': network, 'name': 'mirage', 'description': 'd'}})
    port = made.json['port']['id']
    script.later('network', f'/v2.0/ports/{port}')
    address = made.json['port']['fixed_ips'][0]['ip_address']
    step('port: same address', 'network', 'POST', '/v2.0/ports',
         {'port': {'network_id': network, 'fixed_ips': [{'ip_address': address}]}})
    step('port: no network', 'network', 'POST', '/v2.0/ports', {'port': {'name': 'x'}})
    step('port: unknown network', 'network', 'POST', '/v2.0/ports',
         {'port': {'network_id': NOWHERE}})
    step('network in use', 'network', 'DELETE', f'/v2.0/networks/{network}')
    step('subnet in use', 'network', 'DELETE', f'/v2.0/subnets/{subnet}')
    step('ports by network', 'network', 'GET', f'/v2.0/ports?network_id={network}')
    step('ports by address', 'network', 'GET', f'/v2.0/ports?fixed_ips=ip_address%3D{address}')
    step('some fields', 'network', 'GET', f'/v2.0/ports?network_id={network}&fields=id&fields=name')
    step('port changed', 'network', 'PUT', f'/v2.0/ports/{port}', {'port': {'description': 'e'}})
    step('port: network changed', 'network', 'PUT', f'/v2.0/ports/{port}',
         {'port': {'network_id': network}})
    step('tags put', 'network', 'PUT', f'/v2.0/ports/{port}/tags', {'tags': ['a', 'b']})
    step('tags', 'network', 'GET', f'/v2.0/ports/{port}/tags')
    step('tag added', 'network', 'PUT', f'/v2.0/ports/{port}/tags/c')
    step('ports by tags', 'network', 'GET', '/v2.0/ports?tags=a,b,c')
    step('tag removed', 'network', 'DELETE', f'/v2.0/ports/{port}/tags/c')
    step('tag: not there', 'network', 'DELETE', f'/v2.0/ports/{port}/tags/c')
    step('quota', 'network', 'GET', f'/v2.0/quotas/{cloud.project}')
    step('extension: none', 'network', 'GET', '/v2.0/extensions/nothing')
    external = cloud.call('network', 'GET', '/v2.0/networks?router:external=true').json['networks']
    step('floating: unknown network', 'network', 'POST', '/v2.0/floatingips',
         {'floatingip': {'floating_network_id': NOWHERE}})
    step('floating: inner network', 'network', 'POST', '/v2.0/floatingips',
         {'floatingip': {'floating_network_id': network}})
    if external:
        floating(script, external[0]['id'], port)


def floating(script, external, port):
    step = script.step
    made = step('floating', 'network', 'POST', '/v2.0/floatingips',
                {'floatingip': {'floating_network_id': external, 'description': 'd'}})
    path = f'/v2.0/floatingips/{made.json["floatingip"]["id"]}'
    script.later('network', path)
    step('floating: unreachable', 'network', 'PUT', path, {'floatingip': {'port_id': port}})
    step('floating: unknown port', 'network', 'PUT', path, {'floatingip': {'port_id': NOWHERE}})
    step('floatings', 'network', 'GET', '/v2.0/floatingips')
    step('floating gone', 'network', 'DELETE', path)
    step('floating gone again', 'network', 'DELETE', path)


def groups(script):
    step = script.step
    made = step('group', 'network', 'POST', '/v2.0/security-groups',
                {'security_group': {'name': 'mirage', 'description': 'd'}})
    group = made.json['security_group']['id']
    script.later('network', f'/v2.0/security-groups/{group}')
    rule = {'security_group_id': group, 'direction': 'ingress', 'protocol': 'tcp',
            'port_range_min': 80, 'port_range_max': 80, 'remote_ip_prefix': '0.0.0.0/0'}

    def rules(name, **changes):
        return step(f'rule{name}', 'network', 'POST', '/v2.0/security-group-rules',
                    {'security_group_rule': said({**rule, **changes})})
    rules('')
    rules(' again')
    rules(': ports without protocol', protocol=None)
    rules(': ports turned round', port_range_min=90)
    rules(': wrong direction', direction='sideways')
    rules(': wrong ethertype', ethertype='IPv5')
    rules(': prefix of the other kind', remote_ip_prefix='::/0')
    rules(': unknown group', security_group_id=NOWHERE)
    rules(': group and prefix', remote_group_id=group)
    step('group shown', 'network', 'GET', f'/v2.0/security-groups/{group}')
    step('group default', 'network', 'POST', '/v2.0/security-groups',
         {'security_group': {'name': 'default'}})
    default = script.cloud.call('network', 'GET', '/v2.0/security-groups?name=default').json
    step('default removed', 'network', 'DELETE',
         f'/v2.0/security-groups/{default["security_groups"][0]["id"]}')
    step('group gone', 'network', 'DELETE', f'/v2.0/security-groups/{group}')
    step('group gone again', 'network', 'DELETE', f'/v2.0/security-groups/{group}')


# --- Nova ---

def version(minor):
    return {'OpenStack-API-Version': f'compute 2.{minor}'}


def compute(script):
    step, cloud = script.step, script.cloud
    step('compute versions', 'compute-root', 'GET', '/', token='')
    step('compute version', 'compute', 'GET', '/', token='')
    step('compute: no token', 'compute', 'GET', '/flavors', token='')
    step('compute: wrong version', 'compute', 'GET', '/flavors', headers=version('x'))
    step('compute: version to come', 'compute', 'GET', '/flavors', headers=version(999))
    for minor in (1, 55, 61, 75):
        step(f'flavors 2.{minor}', 'compute', 'GET', '/flavors/detail?limit=1',
             headers=version(minor))
    step('flavors', 'compute', 'GET', '/flavors')
    step('flavor: none', 'compute', 'GET', '/flavors/nothing')
    step('flavor made', 'compute', 'POST', '/flavors',
         {'flavor': {'name': 'x', 'ram': 64, 'vcpus': 1, 'disk': 1}})
    for minor in (1, 36, 57, 93):
        step(f'limits 2.{minor}', 'compute', 'GET', '/limits', headers=version(minor))
        step(f'quotas 2.{minor}', 'compute', 'GET', f'/os-quota-sets/{cloud.project}',
             headers=version(minor))
    step('quotas of another', 'compute', 'GET', f'/os-quota-sets/{"a" * 32}')
    step('zones', 'compute', 'GET', '/os-availability-zone')
    step('hypervisors', 'compute', 'GET', '/os-hypervisors')
    blob = b''.join(len(part).to_bytes(4, 'big') + part for part in (b'ssh-ed25519', bytes(32)))
    key = f'ssh-ed25519 {base64.b64encode(blob).decode()} mirage'
    for minor in (1, 2, 92):
        body = {'keypair': {'name': f'mirage{minor}', 'public_key': key}}
        step(f'key 2.{minor}', 'compute', 'POST', '/os-keypairs', body, headers=version(minor))
        script.later('compute', f'/os-keypairs/mirage{minor}')
        step(f'one key 2.{minor}', 'compute', 'GET', f'/os-keypairs/mirage{minor}',
             headers=version(minor))
    step('key again', 'compute', 'POST', '/os-keypairs', {'keypair': {'name': 'mirage1',
                                                                      'public_key': key}})
    step('key: no key', 'compute', 'POST', '/os-keypairs', {'keypair': {'name': 'm',
                                                                        'public_key': 'x'}})
    step('keys', 'compute', 'GET', '/os-keypairs')
    step('key: none', 'compute', 'GET', '/os-keypairs/nothing')
    for minor in (1, 2):
        step(f'key gone 2.{minor}', 'compute', 'DELETE', f'/os-keypairs/mirage{minor}',
             headers=version(minor))


def refused_servers(script, body):
    """Nothing of this becomes a server."""
    step = script.step
    small = step('image with a minimum', 'image', 'POST', '/v2/images',
                 image_body(min_ram=999999)).json['id']
    script.later('image', f'/v2/images/{small}')
    step('server: image not active', 'compute', 'POST', '/servers',
         {'server': body(imageRef=small)})
    script.cloud.call('image', 'PUT', f'/v2/images/{small}/file', bytes(512),
                      headers={'Content-Type': 'application/octet-stream'})
    rows = {
        'no name': {'name': None}, 'empty name': {'name': ''}, 'no image': {'imageRef': None},
        'image: no id': {'imageRef': 'nothing'}, 'image: none': {'imageRef': NOWHERE},
        'too little memory': {'imageRef': small}, 'no flavor': {'flavorRef': None},
        'flavor: none': {'flavorRef': 'nothing'},
        'network: none': {'networks': [{'uuid': NOWHERE}]},
        'network: nothing': {'networks': [{}]}, 'port: none': {'networks': [{'port': NOWHERE}]},
        'group: none': {'security_groups': [{'name': 'nothing'}]},
        'key: none': {'key_name': 'none'},
        'zone: none': {'availability_zone': 'nowhere'},
        'metadata: a number': {'metadata': {'a': 1}},
        'metadata: too long': {'metadata': {'a': 'x' * 256}},
        'user data': {'user_data': 'a' * 65536},
        'unknown member': {'nothing': 1}, 'counts': {'min_count': 3, 'max_count': 2},
        'quota': {'min_count': 500}, 'networks none too early': {'networks': 'none'},
        'tags too early': {'tags': ['a']}, 'description too early': {'description': 'd'}}
    for name, change in rows.items():
        step(f'server: {name}', 'compute', 'POST', '/servers', {'server': said(body(**change))})
    step('server: no networks 2.37', 'compute', 'POST', '/servers',
         {'server': said(body(networks=None))}, headers=version(37))
    step('server: no body', 'compute', 'POST', '/servers', {})
    step('server: none', 'compute', 'GET', f'/servers/{NOWHERE}')
    step('server: delete none', 'compute', 'DELETE', f'/servers/{NOWHERE}')


def servers(script):
    step, cloud = script.step, script.cloud
    flavors = cloud.call('compute', 'GET', '/flavors/detail').json['flavors']
    flavor = min((f for f in flavors if f['disk']), key=lambda f: (f['ram'], f['disk']))['id']
    image, _ = new_image(script, 'image of a server', bytes(65536))
    rows = cloud.call('network', 'GET', '/v2.0/networks').json['networks']
    network = [n['id'] for n in rows if not n['router:external'] and n['subnets']][0]

    def body(**changes):
        return {'name': 'mirage', 'imageRef': image, 'flavorRef': flavor,
                'networks': [{'uuid': network}], 'metadata': {'a': 'b'}, **changes}
    refused_servers(script, body)
    made = step('server', 'compute', 'POST', '/servers',
                {'server': body(tags=['one'], description='d')}, headers=version(93))
    path = f'/servers/{made.json["server"]["id"]}'
    script.later('compute', path)
    cloud.until(lambda: cloud.call('compute', 'GET', path),
                lambda reply: reply.json['server']['status'] == 'ACTIVE')
    for minor in (1, 9, 19, 26, 47, 63, 71, 73, 93):
        step(f'server 2.{minor}', 'compute', 'GET', path, headers=version(minor))
    step('servers', 'compute', 'GET', '/servers')
    step('servers detail', 'compute', 'GET', '/servers/detail?limit=1')
    step('servers by name', 'compute', 'GET', '/servers?name=mirage&status=ACTIVE')
    step('servers by tag', 'compute', 'GET', '/servers?tags=one', headers=version(26))
    step('servers by no tag', 'compute', 'GET', '/servers?tags=two', headers=version(26))
    step('servers: unknown marker', 'compute', 'GET', f'/servers?marker={NOWHERE}')
    step('servers: wrong limit', 'compute', 'GET', '/servers?limit=x')
    step('servers: unknown filter', 'compute', 'GET', '/servers?nothing=1')
    step('servers: unknown filter 2.75', 'compute', 'GET', '/servers?nothing=1',
         headers=version(75))
    step('servers of all', 'compute', 'GET', '/servers?all_tenants=1')
    step('renamed', 'compute', 'PUT', path, {'server': {'name': 'mirage-2'}})
    actions_of(script, path)
    step('locked', 'compute', 'POST', path + '/action', {'lock': None})
    step('delete locked', 'compute', 'DELETE', path)
    step('unlocked', 'compute', 'POST', path + '/action', {'unlock': None})
    step('delete', 'compute', 'DELETE', path)
    step('deleting or gone', 'compute', 'POST', path + '/action', {'forceDelete': None})
    cloud.until(lambda: cloud.call('compute', 'GET', path), lambda reply: reply.status == 404)
    step('gone', 'compute', 'GET', path)
    step('delete again', 'compute', 'DELETE', path)
    left = cloud.call('network', 'GET', f'/v2.0/ports?device_id={path[9:]}').json['ports']
    assert not left, left


def actions_of(script, path):
    step, cloud = script.step, script.cloud
    step('metadata', 'compute', 'GET', path + '/metadata')
    step('metadata more', 'compute', 'POST', path + '/metadata', {'metadata': {'c': 'd'}})
    step('metadata instead', 'compute', 'PUT', path + '/metadata', {'metadata': {'e': 'f'}})
    step('metadata item', 'compute', 'GET', path + '/metadata/e')
    step('metadata item put', 'compute', 'PUT', path + '/metadata/g', {'meta': {'g': 'h'}})
    step('metadata item: mismatch', 'compute', 'PUT', path + '/metadata/g', {'meta': {'x': 'h'}})
    step('metadata item gone', 'compute', 'DELETE', path + '/metadata/g')
    step('metadata item: none', 'compute', 'GET', path + '/metadata/g')
    step('tags of a server', 'compute', 'GET', path + '/tags', headers=version(26))
    step('tags of a server too early', 'compute', 'GET', path + '/tags')
    step('tag of a server', 'compute', 'PUT', path + '/tags/two', headers=version(26))
    step('tag of a server again', 'compute', 'PUT', path + '/tags/two', headers=version(26))
    step('tag of a server gone', 'compute', 'DELETE', path + '/tags/two', headers=version(26))
    step('tag of a server: none', 'compute', 'DELETE', path + '/tags/two', headers=version(26))
    step('interfaces', 'compute', 'GET', path + '/os-interface')
    step('addresses', 'compute', 'GET', path + '/ips')
    step('groups of a server', 'compute', 'GET', path + '/os-security-groups')
    step('volumes of a server', 'compute', 'GET', path + '/os-volume_attachments')
    rows = step('actions', 'compute', 'GET', path + '/os-instance-actions').json
    request = rows['instanceActions'][0]['request_id']
    step('one action', 'compute', 'GET', f'{path}/os-instance-actions/{request}',
         headers=version(51))
    step('action: none', 'compute', 'GET', f'{path}/os-instance-actions/req-{NOWHERE}')
    action = path + '/action'
    step('unknown action', 'compute', 'POST', action, {'magic': None})
    step('start an active one', 'compute', 'POST', action, {'os-start': None})
    step('reboot how', 'compute', 'POST', action, {'reboot': {'type': 'GENTLE'}})
    step('console', 'compute', 'POST', action, {'os-getConsoleOutput': {'length': 10}})
    step('stop', 'compute', 'POST', action, {'os-stop': None})
    cloud.until(lambda: cloud.call('compute', 'GET', path),
                lambda reply: reply.json['server']['status'] == 'SHUTOFF' and
                not reply.json['server']['OS-EXT-STS:task_state'])
    step('stopped', 'compute', 'GET', path)
    step('stop a stopped one', 'compute', 'POST', action, {'os-stop': None})
    step('start', 'compute', 'POST', action, {'os-start': None})
    cloud.until(lambda: cloud.call('compute', 'GET', path),
                lambda reply: reply.json['server']['status'] == 'ACTIVE' and
                not reply.json['server']['OS-EXT-STS:task_state'])
    step('reboot', 'compute', 'POST', action, {'reboot': {'type': 'HARD'}})
    cloud.until(lambda: cloud.call('compute', 'GET', path),
                lambda reply: reply.json['server']['status'] == 'ACTIVE' and
                not reply.json['server']['OS-EXT-STS:task_state'])


# --- Swift ---

def objects(script):
    step, cloud = script.step, script.cloud
    service, place = 'object-store', '/mirage-diff'
    if service not in cloud.endpoints:
        return
    text = {'Content-Type': 'text/plain', 'X-Object-Meta-One': 'two'}
    step('objects: no token', service, 'GET', '', token='')
    step('container', service, 'PUT', place)
    script.later(service, place)
    step('container again', service, 'PUT', place)
    step('container: none', service, 'GET', '/mirage-nothing')
    step('containers', service, 'GET', '?format=json')
    step('object in no container', service, 'PUT', '/mirage-nothing/x', b'1')
    step('object', service, 'PUT', place + '/a/one', b'0123456789', headers=text)
    script.later(service, place + '/a/one')
    step('object: wrong digest', service, 'PUT', place + '/x', b'1',
         headers={**text, 'ETag': '0' * 32})
    step('object shown', service, 'HEAD', place + '/a/one')
    step('object read', service, 'GET', place + '/a/one')
    for part in ('2-4', '7-', '-3', '50-60'):
        step(f'object bytes {part}', service, 'GET', place + '/a/one',
             headers={'Range': f'bytes={part}'})
    step('object: none', service, 'GET', place + '/nothing')
    step('objects listed', service, 'GET', place + '?format=json')
    step('objects listed plainly', service, 'GET', place, headers={'Accept': 'text/plain'})
    step('objects by folder', service, 'GET', place + '?format=json&delimiter=/')
    step('objects by prefix', service, 'GET', place + '?format=json&prefix=b')
    step('container in use', service, 'DELETE', place)
    step('object: end in the past', service, 'POST', place + '/a/one',
         headers={'X-Delete-At': '1'})
    step('object: end', service, 'POST', place + '/a/one', headers={'X-Delete-After': '1000'})
    cloud.call(service, 'PUT', place + '/s/1', b'abc', headers=text)
    cloud.call(service, 'PUT', place + '/s/2', b'def', headers=text)
    parts = [{'path': f'/mirage-diff/s/{i}', 'size_bytes': 3} for i in (1, 2)]
    step('segments', service, 'PUT', place + '/whole?multipart-manifest=put', parts)
    step('segments read', service, 'GET', place + '/whole')
    parts[0]['size_bytes'] = 4
    step('segments: wrong size', service, 'PUT', place + '/x?multipart-manifest=put', parts)
    step('segments gone', service, 'DELETE', place + '/whole?multipart-manifest=delete',
         headers={'Accept': 'text/plain'})
    step('segment gone', service, 'GET', place + '/s/1')
    cloud.call(service, 'PUT', place + '/d/1', b'abc', headers=text)
    cloud.call(service, 'PUT', place + '/d/2', b'def', headers=text)
    step('prefix as one', service, 'PUT', place + '/all', b'',
         headers={**text, 'X-Object-Manifest': 'mirage-diff/d/'})
    step('prefix as one, read', service, 'GET', place + '/all')
    for name in ('/all', '/d/1', '/d/2'):
        script.later(service, place + name)


PARTS = [objects, identity, credentials, images, imports, networks, groups, compute, servers]
