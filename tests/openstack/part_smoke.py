#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The cloud itself, by a client that is none of ours: what the other parts stand on. Speaks TAP."""
import os
import urllib.request

import stack
import tap


def tokens_and_catalog(cloud):
    wanted = {'identity', 'image', 'compute', 'network', 'object-store', 'placement'}
    assert wanted <= set(cloud.urls), cloud.urls
    wrong = stack.send('GET', cloud.urls['image'] + '/v2/images', headers={'X-Auth-Token': 'no'})
    assert wrong.status == 401, wrong.status


def application_credentials(cloud):
    cloud.drop_credential(cloud.credential('smoke'))


def images(cloud):
    data = os.urandom(100_000)
    image = cloud.image('bytes', data)
    back = cloud.ask('GET', 'image', f'/v2/images/{image}/file')
    assert back.body == data
    assert cloud.ask('DELETE', 'image', f'/v2/images/{image}').status == 204
    assert cloud.ask('GET', 'image', f'/v2/images/{image}').status == 404


def objects(cloud):
    data = os.urandom(100_000)
    for method, path, body, status in (
            ('PUT', '/box', b'', 201), ('PUT', '/box/thing', data, 201),
            ('GET', '/box/thing', None, 200), ('DELETE', '/box/thing', None, 204),
            ('DELETE', '/box', None, 204), ('GET', '/box/thing', None, 404)):
        answer = cloud.ask(method, 'object-store', path, body, 'application/octet-stream')
        assert answer.status == status, (method, path, answer.status, answer.body)
        assert (method, status) != ('GET', 200) or answer.body == data


def security_groups(cloud):
    made = cloud.ask('POST', 'network', '/v2.0/security-groups',
                     {'security_group': {'name': 'smoke'}})
    assert made.status == 201, made.body
    group = made.json['security_group']['id']
    rule = {'security_group_id': group, 'direction': 'ingress', 'protocol': 'tcp',
            'port_range_min': 80, 'port_range_max': 80, 'ethertype': 'IPv4'}
    made = cloud.ask('POST', 'network', '/v2.0/security-group-rules', {'security_group_rule': rule})
    assert made.status == 201, made.body
    assert cloud.ask('DELETE', 'network', f'/v2.0/security-groups/{group}').status == 204


def a_server_comes_and_goes(cloud):
    """With whatever driver there is."""
    root = cloud.image('empty', bytes(65536))
    server = cloud.boot('smoke', root)
    assert cloud.await_active(server)['name'] == 'smoke'
    cloud.remove(server)
    assert cloud.ask('DELETE', 'image', f'/v2/images/{root}').status == 204


def with_hello(cloud, line, networks, look):
    root, kernel = cloud.hello_images(line)
    server = cloud.boot('hello', root, networks)
    look(server, cloud.await_active(server))
    cloud.remove(server)
    assert cloud.ask('GET', 'compute', f'/servers/{server}').status == 404
    for image in root, kernel:
        assert cloud.ask('DELETE', 'image', f'/v2/images/{image}').status == 204


def hello_runs(cloud):
    """Its console says so, with the name that its command line gave it."""
    stack.need_machines()

    def look(server, _):
        stack.until('hello says something', lambda: 'smoke' in cloud.console(server))
        assert 'hello' in cloud.console(server), cloud.console(server)

    with_hello(cloud, 'name=smoke', [{'uuid': cloud.network()}], look)


def hello_answers(cloud):
    """At the address that Neutron chose for it, which DHCP has told it."""
    stack.need_network()

    def look(server, document):
        address, = (entry['addr'] for entries in document['addresses'].values()
                    for entry in entries)

        def answers():
            try:
                with stack.OPENER.open(f'http://{address}/health', timeout=5) as reply:
                    return reply.read()
            except OSError:
                return None
        try:
            body = stack.until('hello answers', answers, 60)
        except AssertionError as failure:
            raise AssertionError(cloud.console(server)) from failure
        assert b'"name":"reached"' in body, body

    with_hello(cloud, 'name=reached', [{'uuid': cloud.network()}], look)


CASES = [tokens_and_catalog, application_credentials, images, objects, security_groups,
         a_server_comes_and_goes, hello_runs, hello_answers]


if __name__ == '__main__':
    urllib.request.install_opener(stack.OPENER)
    raise SystemExit(tap.run_cases(CASES, lambda _: stack.Stack()))
