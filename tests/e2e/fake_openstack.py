# SPDX-License-Identifier: ISC
"""mirage-fakecloud as an OpenStack: its rules, its trouble, its ledger. That it answers as a real
one does is openstack_diff.py's to say."""
import contextlib
import hashlib
import http.client
import http.server
import signal
import sys
import threading
import time
import urllib.parse

from fakecloud import fakecloud
from mirage import PATIENCE, Tap, need_programs, wait_for
from oscloud import OCTETS, Cloud, User


# --- what tests are made of ---

def rows_of(fake, kind, where='exists'):
    return [row for row in fake.ledger()[where] if row['kind'] == kind]


def refused(reply, status, word=''):
    assert reply.status == status, (reply.status, reply.body)
    assert word in reply.body.decode(), reply.body


@contextlib.contextmanager
def web(pages):
    """The URL of a server on loopback that has these pages."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = pages.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header('Content-Length', str(len(body or b'')))
            self.end_headers()
            self.wfile.write(body or b'')

        def log_message(self, *args):
            pass
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f'http://127.0.0.1:{server.server_address[1]}'
    finally:
        server.shutdown()
        server.server_close()


# --- who ---

def tokens(tap, fake):
    with tap.part('a token ends by the cloud\'s clock, and when it is revoked'):
        user = User(fake)
        assert user.call('compute', 'GET', '/flavors').status == 200
        fake.advance(3601)
        for service, path in (('compute', '/flavors'), ('image', '/v2/images'),
                              ('network', '/v2.0/networks'), ('identity', '/auth/catalog')):
            refused(user.call(service, 'GET', path), 401)
        user = User(fake)
        subject = {'X-Subject-Token': user.token}
        assert user.call('identity', 'DELETE', '/auth/tokens', headers=subject).status == 204
        refused(user.call('compute', 'GET', '/flavors'), 401)
        fake.control('POST', '/_clock', {'real': True, 'freeze': False})
    with tap.part('all tokens end at once'):
        user = User(fake)
        assert fake.control('POST', '/_sessions', {'end': True})['ended'] > 0
        refused(user.call('compute', 'GET', '/flavors'), 401)
    with tap.part('a token by a token ends no later than that one'):
        user = User(fake)
        fake.advance(1800)
        body = {'auth': {'identity': {'methods': ['token'], 'token': {'id': user.token}},
                         'scope': {'project': {'id': user.project}}}}
        second = user.authenticate(body)
        assert second.json['token']['expires_at'] == user.body['expires_at']
        fake.control('POST', '/_clock', {'real': True, 'freeze': False})
    with tap.part('a credential that ends, and tokens that go with it'):
        user = User(fake)
        folder = f'/users/{user.body["user"]["id"]}/application_credentials'
        when = time.gmtime(fake.control('GET', '/_clock')['now_ms'] / 1000 + 600)
        made = user.call('identity', 'POST', folder, {'application_credential': {
            'name': 'c', 'roles': [{'name': 'reader'}],
            'expires_at': time.strftime('%Y-%m-%dT%H:%M:%S', when)}})
        made = made.json['application_credential']
        body = {'auth': {'identity': {'methods': ['application_credential'],
                                      'application_credential': {'id': made['id'],
                                                                 'secret': made['secret']}}}}
        reader = user.authenticate(body).headers['X-Subject-Token']
        assert user.call('image', 'GET', '/v2/images', token=reader).status == 200
        refused(user.call('image', 'POST', '/v2/images', {'name': 'x'}, token=reader), 403)
        assert user.call('identity', 'DELETE', f'{folder}/{made["id"]}').status == 204
        refused(user.call('image', 'GET', '/v2/images', token=reader), 401)
        fake.control('POST', '/_clock', {'real': True, 'freeze': False})


def places(tap, fake):
    here, other = User(fake), User(fake, project='second')
    there = User(fake, region='RegionTwo')
    with tap.part('neither the other project nor the other region has it'):
        image = here.image(tags=['t'])
        assert here.call('image', 'GET', f'/v2/images/{image}').status == 200
        for user in (other, there):
            refused(user.call('image', 'GET', f'/v2/images/{image}'), 404)
            assert user.call('image', 'GET', '/v2/images').json['images'] == []
        server = here.server(image)
        refused(other.call('compute', 'GET', f'/servers/{server}'), 404)
        refused(there.call('compute', 'DELETE', f'/servers/{server}'), 404)
        assert here.network() != other.network() != there.network()
        refused(other.create(image), 400, 'could not be found')
        refused(here.create(image, networks=[{'uuid': other.network()}]), 400)
        flavors = [{f['id'] for f in user.call('compute', 'GET', '/flavors').json['flavors']}
                   for user in (here, there)]
        assert not flavors[0] & flavors[1]
        here.reach(server, 'ACTIVE')
        here.delete(server)
        here.is_gone(server)
    with tap.part('the project of that name in another domain is not the user\'s'):
        env = {**fake.openstack, 'OS_PROJECT_DOMAIN_NAME': 'Elsewhere'}
        refused(here.authenticate({'auth': {
            'identity': here.auth()['auth']['identity'],
            'scope': {'project': {'name': env['OS_PROJECT_NAME'],
                                  'domain': {'name': 'Elsewhere'}}}}}), 401)
    with tap.part('the catalog has what is there; inner interfaces lead nowhere from here'):
        fake.settings(os_network=0)
        user = Cloud(fake.openstack)
        assert 'network' not in user.endpoints and 'compute' in user.endpoints
        urls = [e['url'] for s in user.body['catalog'] for e in s['endpoints']
                if e['interface'] == 'internal']
        assert urls and all('.invalid/' in url for url in urls)
        refused(here.call('network', 'GET', '/v2.0/networks'), 404)
        fake.settings(os_network=1)


# --- images ---

def chunked(user, path, data):
    """PUT without a Content-Length."""
    url = urllib.parse.urlsplit(user.endpoints['image'] + path)
    connection = http.client.HTTPConnection(url.netloc, timeout=20 * PATIENCE)
    connection.request('PUT', url.path, body=iter([data[:100], data[100:]]), encode_chunked=True,
                       headers={**OCTETS, 'X-Auth-Token': user.token,
                                'Transfer-Encoding': 'chunked'})
    status = connection.getresponse().status
    connection.close()
    return status


def images(tap, fake):
    user = User(fake)
    data = bytes(range(256)) * 5000
    with tap.part('bytes are kept, and their digests told; with a length and without'):
        for send in (lambda path: user.call('image', 'PUT', path, data, headers=OCTETS).status,
                     lambda path: chunked(user, path, data)):
            path = f'/v2/images/{user.image(None)}'
            assert send(path + '/file') == 204
            shown = user.call('image', 'GET', path).json
            assert shown['size'] == len(data) and shown['status'] == 'active'
            assert shown['checksum'] == hashlib.md5(data).hexdigest()
            assert shown['os_hash_value'] == hashlib.sha512(data).hexdigest()
            assert user.call('image', 'GET', path + '/file').body == data
            assert user.call('image', 'DELETE', path).status == 204
    with tap.part('web-download: Glance fetches it itself; what is not there leaves it queued'):
        with web({'/disk': data}) as url:
            path = f'/v2/images/{user.image(None)}'
            method = {'method': {'name': 'web-download', 'uri': url + '/disk'}}
            assert user.call('image', 'POST', path + '/import', method).status == 202
            user.until(lambda: user.call('image', 'GET', path),
                       lambda reply: reply.json['status'] == 'active')
            assert user.call('image', 'GET', path + '/file').body == data
            path = f'/v2/images/{user.image(None)}'
            method['method']['uri'] = url + '/nothing'
            assert user.call('image', 'POST', path + '/import', method).status == 202
            failed = user.until(lambda: user.call('image', 'GET', path),
                                lambda reply: reply.json['os_glance_failed_import'])
            assert failed.json['status'] == 'queued', failed.json
    with tap.part('an import that fails, and one that never ends'):
        direct = {'method': {'name': 'glance-direct'}}
        for mode, state in (('fail-before', 'queued'), ('hang', 'importing')):
            fake.fault(mode, service='glance', operation='Import')
            path = f'/v2/images/{user.image(None)}'
            user.call('image', 'PUT', path + '/stage', data, headers=OCTETS)
            assert user.call('image', 'POST', path + '/import', direct).status == 202
            wait_for('the fault', 5, lambda: fake.control('GET', '/_faults')[0]['struck'])
            assert user.call('image', 'GET', path).json['status'] == state
            fake.control('DELETE', '/_faults')
    with tap.part('clouds that take images in one way only, or not of that size'):
        fake.settings(os_upload=0, os_import=1)
        path = f'/v2/images/{user.image(None)}'
        refused(user.call('image', 'PUT', path + '/file', data, headers=OCTETS), 403)
        info = user.call('image', 'GET', '/v2/info/import').json
        assert info['import-methods']['value'] == ['glance-direct']
        refused(user.call('image', 'POST', path + '/import',
                          {'method': {'name': 'web-download', 'uri': 'http://x/'}}), 400)
        fake.settings(os_upload=1, os_import=3, os_image_max_mib=1)
        refused(user.call('image', 'PUT', path + '/file', data, headers=OCTETS), 413)
        fake.settings(os_image_max_mib=0, os_save_ms=60000)
        assert user.call('image', 'PUT', path + '/file', data, headers=OCTETS).status == 204
        assert user.call('image', 'GET', path).json['status'] == 'saving'
        fake.advance(61)
        assert user.call('image', 'GET', path).json['status'] == 'active'
        fake.settings(os_save_ms=0)
        fake.control('POST', '/_clock', {'real': True, 'freeze': False})
    with tap.part('25 rows a page, and a link to the next one'):
        for row in user.call('image', 'GET', '/v2/images?limit=100').json['images']:
            user.call('image', 'DELETE', f'/v2/images/{row["id"]}')
        made = {user.image(None, name=f'n{i}') for i in range(27)}
        first = user.call('image', 'GET', '/v2/images').json
        rest = user.call('image', 'GET', first['next']).json
        assert len(first['images']) == 25 and 'next' not in rest
        assert {row['id'] for row in first['images'] + rest['images']} == made


# --- servers ---

def servers(tap, fake):
    user = User(fake)
    image = user.image()
    with tap.part('the same request again is another server: there is no client token'):
        pair = [user.server(image, metadata={'k': 'v'}) for _ in range(2)]
        assert pair[0] != pair[1]
        rows = rows_of(fake, 'os-server')
        assert [row['id'] for row in rows] == pair
        assert all(row['document']['metadata'] == {'k': 'v'} for row in rows)
        assert all(row['created_by'].startswith('nova.CreateServer') for row in rows)
    with tap.part('states take time, by the clock'):
        fake.control('POST', '/_clock', {'freeze': True})
        server, seen = user.server(image), []
        for _ in range(4):
            shown = user.show(server)
            seen.append((shown['status'], shown['OS-EXT-STS:task_state']))
            fake.advance(0.1)
        assert seen == [('BUILD', 'scheduling'), ('BUILD', 'networking'), ('BUILD', 'spawning'),
                        ('ACTIVE', None)], seen
        user.delete(server)
        shown = user.show(server)
        assert (shown['status'], shown['OS-EXT-STS:task_state']) == ('ACTIVE', 'deleting')
        fake.advance(0.4)
        refused(user.call('compute', 'GET', f'/servers/{server}'), 404)
        fake.control('POST', '/_clock', {'freeze': False})
    with tap.part('a listing misses a new server, a look does not'):
        fake.settings(os_listed_ms=60000)
        fake.advance(1)
        server = user.server(image)
        assert user.show(server)['id'] == server
        ids = [row['id'] for row in user.call('compute', 'GET', '/servers').json['servers']]
        assert server not in ids and set(pair) <= set(ids)
        fake.advance(61)
        ids = [row['id'] for row in user.call('compute', 'GET', '/servers').json['servers']]
        assert server in ids
        fake.settings(os_listed_ms=100)
        user.delete(server)
        user.is_gone(server)
    with tap.part('what is deleted frees its ports; a floating address stays, and costs'):
        external = user.call('network', 'GET', '/v2.0/networks?router:external=true').json
        user.reach(pair[0], 'ACTIVE')
        port = user.call('network', 'GET', f'/v2.0/ports?device_id={pair[0]}').json['ports'][0]
        floating = user.call('network', 'POST', '/v2.0/floatingips', {'floatingip': {
            'floating_network_id': external['networks'][0]['id'], 'port_id': port['id']}}).json
        path = f'/v2.0/floatingips/{floating["floatingip"]["id"]}'
        addresses = user.show(pair[0])['addresses']['private']
        assert [a['OS-EXT-IPS:type'] for a in addresses] == ['fixed', 'floating']
        user.delete(pair[0])
        user.is_gone(pair[0])
        left = user.call('network', 'GET', path).json['floatingip']
        assert left['port_id'] is None and left['status'] == 'DOWN'
        assert not user.call('network', 'GET', f'/v2.0/ports?device_id={pair[0]}').json['ports']
        assert [row['free'] for row in rows_of(fake, 'os-floating-ip')] == [False]
        user.call('network', 'DELETE', path)
        gone = {row['kind'] for row in fake.ledger()['existed']}
        assert {'os-server', 'os-port', 'os-floating-ip'} <= gone
    with tap.part('a port of one\'s own is free again, and is not deleted'):
        own = user.call('network', 'POST', '/v2.0/ports',
                        {'port': {'network_id': user.network()}}).json['port']['id']
        server = user.server(image, networks=[{'port': own}])
        user.reach(server, 'ACTIVE')
        refused(user.create(image, networks=[{'port': own}]), 409)
        user.delete(server)
        user.is_gone(server)
        shown = user.call('network', 'GET', f'/v2.0/ports/{own}').json['port']
        assert shown['device_id'] == ''
        user.call('network', 'DELETE', f'/v2.0/ports/{own}')
    return image, pair[1]


def guests(tap, user, image, server):
    fake = user.fake
    with tap.part('a guest that powers itself off: SHUTOFF, there still, its console refused'):
        user.reach(server, 'ACTIVE')
        fake.control('POST', '/_guest', {'instance': server, 'console': 'one\ntwo\nthree\n'})
        said = user.action(server, {'os-getConsoleOutput': {'length': 3}}).json['output']
        assert said == 'two\nthree\n', said
        fake.control('POST', '/_guest', {'instance': server, 'power_off': True})
        refused(user.action(server, {'os-getConsoleOutput': {}}), 404, 'does not have a console')
        shown = user.reach(server, 'SHUTOFF')
        assert shown['OS-EXT-STS:vm_state'] == 'stopped'
        actions = user.call('compute', 'GET', f'/servers/{server}/os-instance-actions').json
        assert [a['action'] for a in actions['instanceActions']] == ['stop', 'create']
        assert rows_of(fake, 'os-server')
        user.delete(server)
        user.is_gone(server)
    with tap.part('images that Nova does not boot'):
        for more in ({'disk_format': 'qcow2'}, {'disk_format': 'ami', 'container_format': 'ami'},
                     {'kernel_id': '00000000-0000-4000-8000-000000000000'}):
            bad = user.image(**more)
            broken = user.server(bad)
            shown = user.reach(broken, 'ERROR')
            assert bad in shown['fault']['message'] or 'could not' in shown['fault']['message']
            user.delete(broken)
            user.is_gone(broken)
    with tap.part('several networks, and none of them named'):
        fake.settings(os_networks=2)
        refused(user.create(image, networks=[]), 409, 'Multiple possible networks')
        fake.settings(os_networks=1)


# --- trouble ---

def faults(tap, fake):
    user = User(fake)
    image = user.image()
    for row in user.call('compute', 'GET', '/servers').json['servers']:
        user.delete(row['id'])
        user.is_gone(row['id'])
    with tap.part('503, and the server is there; HTML; a reset: so it is, too'):
        for mode, more in (('fail-after', {'status': 503}), ('html-after', {'status': 502})):
            fake.fault(mode, service='nova', operation='CreateServer', **more)
            reply = user.create(image)
            assert reply.status == more['status'], reply.status
        assert len(rows_of(fake, 'os-server')) == 2
        fake.fault('html', service='nova', operation='CreateServer')
        assert b'<html>' in user.create(image).body
        assert len(rows_of(fake, 'os-server')) == 2
        fake.control('DELETE', '/_faults')
    with tap.part('refusals in the words of each service'):
        for service, path, word in (('compute', '/servers', 'serviceUnavailable'),
                                    ('network', '/v2.0/ports', 'NeutronError'),
                                    ('identity', '/auth/projects', '"title":"Service'),
                                    ('image', '/v2/images', '503 Service Unavailable')):
            fake.fault('fail-before', status=503)
            refused(user.call(service, 'GET', path), 503, word)
    with tap.part('too many requests: 429, or 413 as once, with Retry-After; rates that are set'):
        for status in (429, 413):
            fake.fault('fail-before', service='nova', operation='ListServers', status=status,
                       code='overLimit')
            reply = user.call('compute', 'GET', '/servers')
            refused(reply, status, 'overLimit')
            assert reply.headers['Retry-After'] == '1'
        fake.control('POST', '/_settings', {'rates': {'nova.ListFlavors': [1, 0]}})
        assert user.call('compute', 'GET', '/flavors').status == 200
        refused(user.call('compute', 'GET', '/flavors'), 429)
        fake.control('POST', '/_settings', {'rates': {}})
    with tap.part('a build that fails, and one that never ends; both can be deleted'):
        for mode, state in (('fail-before', 'ERROR'), ('hang', 'BUILD')):
            fake.fault(mode, service='nova', operation='Build', where={'name': mode})
            server = user.server(image, name=mode)
            wait_for('the fault', 5, lambda: fake.control('GET', '/_faults')[0]['struck'])
            shown = user.show(server)
            assert shown['status'] == state, shown
            assert ('fault' in shown) == (state == 'ERROR')
            user.delete(server)
            user.is_gone(server)
    with tap.part('a deletion that fails: ERROR, and goes when asked again'):
        server = user.server(image)
        user.reach(server, 'ACTIVE')
        fake.fault('fail-before', service='nova', operation='Terminate')
        user.delete(server)
        user.reach(server, 'ERROR')
        user.delete(server)
        user.is_gone(server)
    with tap.part('a deletion that is accepted and never done'):
        server = user.server(image)
        user.reach(server, 'ACTIVE')
        fake.settings(os_deletes=0)
        user.delete(server)
        fake.advance(3000)
        user = User(fake)
        shown = user.show(server)
        assert (shown['status'], shown['OS-EXT-STS:task_state']) == ('ACTIVE', 'deleting')
        fake.settings(os_deletes=1)
        user.delete(server)
        user.is_gone(server)
    with tap.part('a token that ends right after the DELETE leaves the server in ERROR'):
        server = user.server(image)
        user.reach(server, 'ACTIVE')
        fake.settings(shutdown_ms=2000)
        user.delete(server)
        fake.control('POST', '/_sessions', {'end': True})
        user = User(fake)
        shown = user.reach(server, 'ERROR')
        assert 'unauthorized' in shown['fault']['message'], shown
        fake.settings(shutdown_ms=300)
        user.delete(server)
        user.is_gone(server)
    with tap.part('quotas of Nova and of Neutron'):
        fake.settings(os_instances=2, os_floating_ips=0)
        external = user.call('network', 'GET', '/v2.0/networks?router:external=true').json
        refused(user.create(image), 403, 'Quota exceeded')
        refused(user.call('network', 'POST', '/v2.0/floatingips', {'floatingip': {
            'floating_network_id': external['networks'][0]['id']}}), 409, 'OverQuota')
        fake.settings(os_instances=10, os_floating_ips=50)


def lasting(tap, fake):
    with tap.part('a kill loses nothing that was acknowledged'):
        user = User(fake)
        image = user.image(b'1' * 3000000)
        server = user.server(image, metadata={'kept': 'yes'})
        fake.stop(signal.SIGKILL)
        fake.start()
        user = User(fake)
        assert user.reach(server, 'ACTIVE')['metadata'] == {'kept': 'yes'}
        assert user.call('image', 'GET', f'/v2/images/{image}/file').body == b'1' * 3000000
    with tap.part('one ledger for both clouds, and a log of all calls'):
        kinds = {row['kind'] for row in fake.ledger()['exists']}
        assert {'os-server', 'os-image', 'os-port'} <= kinds, kinds
        calls = fake.control('GET', '/_calls')['by_operation']
        assert calls['nova.GetServer'] and calls['nova.Build'] and calls['keystone.Authenticate']


def interfaces(tap, fake):
    user = User(fake)
    server = user.server(user.image())
    user.reach(server, 'ACTIVE')
    path = f'/servers/{server}/os-interface'

    def attach(**said):
        return user.call('compute', 'POST', path, {'interfaceAttachment': said})

    def ports():
        return {row['port_id'] for row in
                user.call('compute', 'GET', path).json['interfaceAttachments']}
    with tap.part('a port that was made, and one that Nova makes: attached, shown, let go'):
        before = ports()
        own = user.call('network', 'POST', '/v2.0/ports', {
            'port': {'network_id': user.network()}}).json['port']['id']
        assert attach(port_id=own).json['interfaceAttachment']['port_id'] == own
        made = attach(net_id=user.network()).json['interfaceAttachment']['port_id']
        assert ports() == before | {own, made}
        refused(attach(port_id=own), 400, 'in use')
        refused(attach(port_id=own, net_id=user.network()), 400, 'both')
        refused(attach(port_id='00000000-0000-4000-8000-000000000000'), 404)
        for port in (own, made):
            assert user.call('compute', 'DELETE', f'{path}/{port}').status == 202
        refused(user.call('compute', 'DELETE', f'{path}/{own}'), 404)
        assert ports() == before
        shown = user.call('network', 'GET', f'/v2.0/ports/{own}').json['port']
        assert shown['device_id'] == '', shown
        refused(user.call('network', 'GET', f'/v2.0/ports/{made}'), 404)
    with tap.part('what only an operator may do: refused as Nova refuses it'):
        for action in ('resize', 'rebuild', 'createImage'):
            reply = user.call('compute', 'POST', f'/servers/{server}/action', {action: {}})
            refused(reply, 403, 'Policy doesn')
    user.call('network', 'DELETE', f'/v2.0/ports/{own}')
    user.delete(server)
    user.is_gone(server)


def main():
    need_programs('mirage-fakecloud')
    tap = Tap()
    with fakecloud() as fake:
        tokens(tap, fake)
        places(tap, fake)
        images(tap, fake)
        interfaces(tap, fake)
    with fakecloud() as fake:
        image, server = servers(tap, fake)
        guests(tap, User(fake), image, server)
        faults(tap, fake)
        lasting(tap, fake)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
