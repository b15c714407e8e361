#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The provider on the cloud itself: hello is deployed from the command line, answers at its address
where the machines are real and can be reached, and nothing of it is left. Speaks TAP."""
import json
import os
import sys
import urllib.request

import stack
import tap

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from mirage import World, need_programs, program  # noqa: E402

MARK = 'mirage-deploy:'


def everything(cloud, token):
    """What the cloud shows of that token, by kind, through a client that is none of ours."""
    asks = (('compute', '/servers/detail', 'servers'), ('image', '/v2/images', 'images'),
            ('network', '/v2.0/ports', 'ports'), ('network', '/v2.0/floatingips', 'floatingips'),
            ('network', '/v2.0/security-groups', 'security_groups'))
    found = {}
    for service, path, name in asks:
        for row in cloud.ask('GET', service, path).json[name]:
            if token in json.dumps(row):
                found.setdefault(name, []).append(row)
    return found


def deploy(world, name, *options):
    return world.cli('openstack', program('hello.elf'), '--name', name, '--ttl', '15m', '--yes',
                     *options, timeout=300 * stack.PATIENCE)


def is_over(world, cloud, name, token):
    stack.until(f'{name} is gone', lambda: world.state_of(name) in ('gone', 'failed'), 200)
    assert world.state_of(name) == 'gone', world.show(name)
    assert not everything(cloud, token), everything(cloud, token)


def comes_and_goes(world, cloud):
    """With whatever driver there is: made, marked, extended, and gone."""
    deploy(world, 'one', '--no-list', '--url', 'http://127.0.0.1:9/', '--detach', '--',
           'deadline=0')
    stack.until('it runs', lambda: world.state_of('one') == 'running', 120)
    d = world.show('one')
    found = everything(cloud, d['id'])
    assert {k: len(v) for k, v in found.items()} == \
        {'servers': 1, 'images': 2, 'ports': 1, 'security_groups': 1}, found
    assert {'aki', 'raw'} == {i['disk_format'] for i in found['images']}, found['images']
    world.cli('extend', 'one', '5m')
    expires = world.show('one')['expires_at']
    server = everything(cloud, d['id'])['servers'][0]
    assert server['metadata'][MARK + 'expires'] == expires, (server['metadata'], expires)
    world.cli('rm', 'one', '--detach')
    is_over(world, cloud, 'one', d['id'])


def answers(world, cloud):
    """A real machine, loaded by the cloud itself, with an address by DHCP: a whole site."""
    stack.need_network()
    deploy(world, 'site', '--open', '80', '--wait-timeout', '240s')
    d = world.show('site')
    assert d['state'] == 'live', d
    with urllib.request.urlopen(f'http://{d["addresses"][0]}/', timeout=20) as page:
        assert page.status == 200 and b'site' in page.read()
    assert 'hello' in world.cli('logs', 'site').out
    world.cli('rm', 'site', '--detach')
    is_over(world, cloud, 'site', d['id'])
    assert 'hello' in world.cli('logs', 'site').out


def disk_answers(world, cloud):
    """The same from a disk with a boot loader."""
    stack.need_network()
    world.kill_daemon()
    configure(world, 'boot = disk')
    world.start_daemon()
    deploy(world, 'disk', '--open', '80', '--wait-timeout', '240s')
    d = world.show('disk')
    assert d['state'] == 'live', d
    kinds = [i['disk_format'] for i in everything(cloud, d['id'])['images']]
    assert kinds == ['qcow2'], kinds
    world.cli('rm', 'disk', '--detach')
    is_over(world, cloud, 'disk', d['id'])


def configure(world, *lines):
    folder = os.path.join(world.dir, '.config', 'mirage-deploy')
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, 'config'), 'w', encoding='utf-8') as f:
        f.write('\n'.join(['[openstack]', 'floating_network = none', *lines, '']))


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-reap', 'hello.elf')
    suite, cloud = tap.Tap(), stack.Stack()
    with World() as world:
        world.env.update({k: v for k, v in os.environ.items() if k.startswith('OS_')})
        configure(world)
        world.start_daemon()
        # The second hook, where there is no Mistral.
        assert world.reap('openstack', '--every', '1d').returncode == 0
        for part in (comes_and_goes, answers, disk_answers):
            with suite.part(part.__doc__.split('\n')[0].rstrip('.')):
                part(world, cloud)
        world.say_log(suite)
    return suite.end()


if __name__ == '__main__':
    sys.exit(main())
