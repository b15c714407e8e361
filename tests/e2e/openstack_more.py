# SPDX-License-Identifier: ISC
"""mirage-fakecloud as an OpenStack: Swift beyond what openstack_diff.py compares, and the services
that are there only when a setting says so: Cinder, Mistral, Blazar."""
import hashlib
import hmac
import sys
import time
import urllib.parse

from fakecloud import fakecloud
from mirage import Tap, need_programs
from oscloud import User

WORKFLOW = '''---
version: '2.0'
end:
  tasks:
    end:
      action: std.http
      input:
        url: <% $.url %>
        method: DELETE
        headers:
          X-Auth-Token: <% $.openstack.auth_token %>
'''


def at(fake, seconds, form='%Y-%m-%d %H:%M'):
    now = fake.control('GET', '/_clock')['now_ms'] / 1000 + seconds
    return time.strftime(form, time.gmtime(now))


def rows_of(fake, kind, where='exists'):
    return [row for row in fake.ledger()[where] if row['kind'] == kind]


# --- Swift ---

def temporary(user, method, path, key, seconds=60, algorithm='sha256'):
    """The URL by which anybody may do this for a while."""
    url = urllib.parse.urlsplit(user.endpoints['object-store'] + path)
    until = user.fake.control('GET', '/_clock')['now_ms'] // 1000 + seconds
    signed = url.path[url.path.index('/v1/'):]
    text = f'{method}\n{until}\n{signed}'.encode()
    signature = hmac.new(key.encode(), text, algorithm).hexdigest()
    return url.geturl() + f'?temp_url_sig={signature}&temp_url_expires={until}'


def swift(tap, fake):
    user, store = User(fake), 'object-store'
    with tap.part('another project\'s account is none of his'):
        other = User(fake, project='second')
        path = user.endpoints[store] + '/c'
        assert user.send(path, 'PUT', b'').status == 201
        assert other.send(path).status == 403
        assert User(fake, region='RegionTwo').call(store, 'GET', '/c').status == 404
    with tap.part('bytes, ranges, digests; all of it in the ledger'):
        data = bytes(range(256)) * 8000
        reply = user.call(store, 'PUT', '/c/a/b', data)
        assert reply.headers['Etag'] == hashlib.md5(data).hexdigest()
        assert user.call(store, 'GET', '/c/a/b').body == data
        assert user.call(store, 'GET', '/c/a/b', headers={'Range': 'bytes=-7'}).body == data[-7:]
        assert [r['document']['name'] for r in rows_of(fake, 'os-object')] == ['a/b']
    with tap.part('large objects of both kinds are their segments, one after the other'):
        for i in range(3):
            user.call(store, 'PUT', f'/c/part/{i}', bytes([65 + i]) * 1000)
        parts = [{'path': f'/c/part/{i}'} for i in range(3)]
        assert user.call(store, 'PUT', '/c/static?multipart-manifest=put', parts).status == 201
        user.call(store, 'PUT', '/c/dynamic', b'', headers={'X-Object-Manifest': 'c/part/'})
        whole = b'A' * 1000 + b'B' * 1000 + b'C' * 1000
        for name in ('static', 'dynamic'):
            assert user.call(store, 'GET', f'/c/{name}').body == whole, name
        user.call(store, 'DELETE', '/c/part/1')
        assert user.call(store, 'GET', '/c/static').status == 409
        assert user.call(store, 'GET', '/c/dynamic').body == b'A' * 1000 + b'C' * 1000
    with tap.part('temporary URLs: for that method, that object, that time, that key'):
        assert user.call(store, 'POST', '', b'',
                         headers={'X-Account-Meta-Temp-URL-Key': 'key'}).status == 204
        for algorithm in ('sha1', 'sha256', 'sha512'):
            url = temporary(user, 'GET', '/c/a/b', 'key', algorithm=algorithm)
            assert user.send(url, token='').body == data
        assert user.send(url, 'DELETE', token='').status == 401
        assert user.send(url.replace('/a/b', '/a/c'), token='').status == 401
        assert user.send(temporary(user, 'GET', '/c/a/b', 'no'), token='').status == 401
        put = temporary(user, 'PUT', '/c/new', 'key')
        assert user.send(put, 'PUT', b'new', token='').status == 201
        assert user.call(store, 'GET', '/c/new').body == b'new'
        url = temporary(user, 'GET', '/c/a/b', 'key')
        fake.advance(61)
        assert user.send(url, token='').status == 401
    with tap.part('an object with an end is gone then, by the cloud\'s clock'):
        user.call(store, 'PUT', '/c/short', b'1', headers={'X-Delete-After': '100'})
        assert user.call(store, 'GET', '/c/short').headers['X-Delete-At']
        fake.advance(101)
        assert user.call(store, 'GET', '/c/short').status == 404
        gone = [r for r in rows_of(fake, 'os-object', 'existed')
                if r['document']['name'] == 'short']
        assert gone[0]['gone_by'].startswith('cloud.time')


# --- what is off at first ---

def off(tap, fake):
    with tap.part('without their settings neither catalog nor path knows them'):
        user = User(fake)
        assert not {'volumev3', 'workflowv2', 'reservation'} & set(user.endpoints)
        root = user.endpoints['compute-root'].rsplit('/', 1)[0]
        for folder in ('volume/v3/x/volumes', 'workflow/v2/workflows', 'reservation/v1/leases'):
            assert user.send(f'{root}/{folder}').status == 404
        fake.settings(os_volume=1, os_workflow=1, os_reservation=1)
        assert {'volumev3', 'workflowv2', 'reservation'} <= set(User(fake).endpoints)


def cinder(tap, fake):
    user = User(fake)
    with tap.part('volumes and snapshots: made, listed, in use, deleted'):
        made = user.call('volumev3', 'POST', '/volumes', {'volume': {
            'size': 3, 'name': 'v', 'metadata': {'a': 'b'}}})
        assert made.status == 202, made.body
        volume = made.json['volume']['id']
        shot = user.call('volumev3', 'POST', '/snapshots', {'snapshot': {'volume_id': volume}})
        rows = user.call('volumev3', 'GET', '/volumes/detail').json['volumes']
        assert [(r['id'], r['metadata']) for r in rows] == [(volume, {'a': 'b'})]
        assert user.call('volumev3', 'DELETE', f'/volumes/{volume}').status == 400
        path = f'/snapshots/{shot.json["snapshot"]["id"]}'
        assert user.call('volumev3', 'DELETE', path).status == 202
        assert user.call('volumev3', 'DELETE', f'/volumes/{volume}').status == 202
        assert user.call('volumev3', 'GET', f'/volumes/{volume}').status == 404
    with tap.part('a server on a volume: it goes with the server, or stays and costs'):
        image = user.image()
        for goes in (True, False):
            server = user.server(image, imageRef='', block_device_mapping_v2=[{
                'boot_index': 0, 'uuid': image, 'source_type': 'image', 'volume_size': 2,
                'destination_type': 'volume', 'delete_on_termination': goes}])
            volume = user.reach(server, 'ACTIVE')['os-extended-volumes:volumes_attached'][0]['id']
            shown = user.call('volumev3', 'GET', f'/volumes/{volume}').json['volume']
            assert shown['status'] == 'in-use' and shown['size'] == 2
            assert user.call('volumev3', 'DELETE', f'/volumes/{volume}').status == 400
            user.delete(server)
            user.is_gone(server)
            status = user.call('volumev3', 'GET', f'/volumes/{volume}').status
            assert status == (404 if goes else 200), status
        user.call('volumev3', 'DELETE', f'/volumes/{volume}')


def trigger(user, name, server, **more):
    return user.call('workflowv2', 'POST', '/cron_triggers', {
        'name': name, 'workflow_name': 'end',
        'workflow_input': {'url': f'{user.endpoints["compute"]}/servers/{server}'}, **more})


def mistral(tap, fake):
    user = User(fake)
    image = user.image()
    with tap.part('a workflow, and triggers that are not taken'):
        made = user.call('workflowv2', 'POST', '/workflows', WORKFLOW.encode(),
                         headers={'Content-Type': 'text/plain'})
        assert made.status == 201 and made.json['workflows'][0]['name'] == 'end', made.body
        for status, more in ((400, {}), (400, {'pattern': 'often'}),
                             (400, {'first_execution_time': at(fake, 20)}),
                             (400, {'first_execution_time': 'soon'}),
                             (400, {'first_execution_time': at(fake, 300),
                                    'remaining_executions': 2}),
                             (404, {'pattern': '* * * * *', 'workflow_name': 'nothing'})):
            reply = trigger(user, 't', 'x', **more)
            assert reply.status == status, (more, reply.body)
    with tap.part('it fires by the minute, whoever is there; a server that is gone is an error'):
        server = user.server(image)
        user.reach(server, 'ACTIVE')
        reply = trigger(user, 'ends-it', server, pattern='* * * * *', remaining_executions=3,
                        first_execution_time=at(fake, 180))
        assert reply.status == 201, reply.body
        fake.advance(100)
        assert user.show(server)['status'] == 'ACTIVE'
        fake.advance(90)
        user.is_gone(server)
        gone = [r for r in rows_of(fake, 'os-server', 'existed') if r['id'] == server]
        assert gone[0]['gone_by'] == 'mistral.Execute ends-it', gone
        fake.advance(60)
        states = [r['state'] for r in
                  user.call('workflowv2', 'GET', '/executions').json['executions']]
        assert states[:2] == ['SUCCESS', 'ERROR'], states
        fake.advance(120)
        assert user.call('workflowv2', 'GET', '/cron_triggers/ends-it').status == 404
    with tap.part('with its last execution goes the trust: the server is left in ERROR'):
        server = user.server(image)
        user.reach(server, 'ACTIVE')
        assert trigger(user, 'once', server, first_execution_time=at(fake, 120)).status == 201
        fake.advance(180)
        assert 'unauthorized' in user.reach(server, 'ERROR')['fault']['message']
        user.delete(server)
        user.is_gone(server)


def blazar(tap, fake):
    user = User(fake)
    image = user.image()
    asked = {'resource_type': 'virtual:instance', 'amount': 1, 'vcpus': 1, 'memory_mb': 128,
             'disk_gb': 1}

    def lease(name):
        return user.call('reservation', 'POST', '/leases', {
            'name': name, 'start_date': 'now', 'end_date': at(fake, 300), 'reservations': [asked],
            'events': []}).json['lease']
    with tap.part('a lease ends its servers, moved once'):
        made = lease('one')
        server = user.server(image, flavorRef=made['reservations'][0]['id'])
        user.reach(server, 'ACTIVE')
        moved = user.call('reservation', 'PUT', f'/leases/{made["id"]}',
                          {'end_date': at(fake, 600)})
        assert moved.status == 200, moved.body
        fake.advance(400)
        assert user.show(server)['status'] == 'ACTIVE'
        fake.advance(300)
        user.is_gone(server)
        shown = user.call('reservation', 'GET', f'/leases/{made["id"]}').json['lease']
        assert shown['status'] == 'TERMINATED'
    with tap.part('an end that fails is not tried again: the server goes on'):
        made = lease('two')
        server = user.server(image, flavorRef=made['reservations'][0]['id'])
        user.reach(server, 'ACTIVE')
        fake.fault('fail-before', service='blazar', operation='EndLease')
        fake.advance(400)
        shown = user.call('reservation', 'GET', f'/leases/{made["id"]}').json['lease']
        assert shown['status'] == 'ERROR' and user.show(server)['status'] == 'ACTIVE'


def main():
    need_programs('mirage-fakecloud')
    tap = Tap()
    with fakecloud('--set', 'os_token_s=86400') as fake:
        swift(tap, fake)
        off(tap, fake)
        cinder(tap, fake)
        mistral(tap, fake)
        blazar(tap, fake)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
