# SPDX-License-Identifier: ISC
"""What can be wrong with a cloud, or with what is said of it: each is told in clear words, with the
exit status that scripts go by, before or without anything being left."""
import contextlib
import http.server
import os
import socket
import ssl
import subprocess
import sys
import threading

from fakecloud import fakecloud
from mirage import Tap, World, need_programs, program

HELLO = program('hello.elf')


def configure(world, *lines):
    folder = os.path.join(world.dir, '.config', 'mirage-deploy')
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, 'config'), 'w', encoding='utf-8') as f:
        f.write('\n'.join(['[openstack]', *lines, '']))


def write_clouds(world, text):
    folder = os.path.join(world.dir, '.config', 'openstack')
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, 'clouds.yaml'), 'w', encoding='utf-8') as f:
        f.write(text)


def clouds_of(fake, name, **changed):
    auth = {'auth_url': fake.openstack['OS_AUTH_URL'], 'username': fake.openstack['OS_USERNAME'],
            'password': fake.openstack['OS_PASSWORD'], 'user_domain_name': 'Default',
            'project_name': 'demo', 'project_domain_name': 'Default', **changed}
    lines = [f'      {key}: "{value}"' for key, value in auth.items() if value]
    return '\n'.join([f'  {name}:', '    region_name: RegionOne', '    auth:', *lines, ''])


def refused(world, fake, status, *words, options=(), lines=(), clouds='', **env):
    """A deploy that is refused with that exit status and those words, and nothing is made."""
    before = {row['id'] for row in fake.ledger()['exists']} if fake else set()
    configure(world, *lines)
    write_clouds(world, 'clouds:\n' + clouds if clouds else '')
    world.start_daemon(**env)
    done = world.cli('openstack', HELLO, '--no-list', '--ttl', '10m', '--name', 'no', '--yes',
                     '--wait-timeout', '20s', *options, expect=None, **env)
    world.kill_daemon()
    assert done.status == status, (done.status, done.err)
    for word in words:
        assert word in done.err, (word, done.err)
    assert 'hint' in done.err or '\n  ' in done.err or done.err.count('\n') >= 1, done.err
    if fake:
        left = [row for row in fake.ledger()['exists'] if row['id'] not in before and
                row['kind'] in ('os-server', 'os-port', 'os-image', 'os-floating-ip',
                                'os-security-group') and 'mirage' in str(row)]
        assert not left, left


def who(tap, world, fake):
    good = clouds_of(fake, 'mycloud')
    with tap.part('no cloud is described'):
        refused(world, None, 4, 'clouds.yaml', 'OS_*')
    with tap.part('a name that is in no file: those that are, and a near one'):
        refused(world, fake, 4, 'mycluod', 'mycloud', options=('--cloud', 'mycluod'), clouds=good)
    with tap.part('several clouds, and none is named: they are listed'):
        refused(world, fake, 2, 'mycloud', 'other', clouds=good + clouds_of(fake, 'other'))
    with tap.part('the wrong password'):
        refused(world, fake, 4, 'doctor openstack', clouds=clouds_of(fake, 'a', password='wrong'))
    with tap.part('a token that nobody knows'):
        refused(world, fake, 4, 'token', 'doctor openstack', OS_AUTH_TYPE='v3token',
                OS_AUTH_URL=fake.openstack['OS_AUTH_URL'], OS_TOKEN='nobodys',
                OS_PROJECT_NAME='demo', OS_PROJECT_DOMAIN_NAME='Default',
                OS_REGION_NAME='RegionOne')
    with tap.part('an application credential that is not there any more'):
        clouds = clouds_of(fake, 'a', username='', password='', user_domain_name='',
                           project_name='', project_domain_name='',
                           application_credential_id='0' * 32,
                           application_credential_secret='s')
        clouds += '    auth_type: v3applicationcredential\n'
        refused(world, fake, 4, 'Application Credential', 'doctor openstack', clouds=clouds)
    with tap.part('no such project'):
        refused(world, fake, 4, clouds=clouds_of(fake, 'a', project_name='nobodys'))
    with tap.part('no project at all'):
        refused(world, fake, 2, 'project', clouds=clouds_of(fake, 'a', project_name=''))
    with tap.part('a region that is not there'):
        refused(world, fake, 2, 'Nowhere', clouds=good, options=('--region', 'Nowhere'))
    with tap.part('a clouds.yaml that is none: file and line'):
        refused(world, fake, 2, 'clouds.yaml:', clouds='  - [\n')
    with tap.part('OS_CLOUD chooses; --cloud does before it'):
        refused(world, fake, 4, 'nosuch', clouds=good, OS_CLOUD='nosuch')


def what(tap, world, fake):
    good = clouds_of(fake, 'mycloud')
    with tap.part('an unknown flavor, and one without a disk'):
        refused(world, fake, 2, 'm1.tinny', 'm1.tiny', clouds=good, options=('--type', 'm1.tinny'))
        refused(world, fake, 5, 'm1.diskless', 'disk', clouds=good,
                options=('--type', 'm1.diskless'))
    with tap.part('more memory than any flavor has'):
        refused(world, fake, 5, 'MiB of memory', clouds=good, options=('--memory', '512G'))
    with tap.part('a network that is not there: those that are'):
        refused(world, fake, 2, "'nowhere'", 'private', clouds=good, lines=('network = nowhere',))
    with tap.part('no such network of floating addresses'):
        refused(world, fake, 2, "'sky'", clouds=good, lines=('floating_network = sky',))
    with tap.part('no server more: quota'):
        fake.settings(os_instances=0)
        refused(world, fake, 5, 'uota', clouds=good)
        fake.settings(os_instances=10)
    for setting, value, usual, words in (
            ('os_cores', 0, 20, ('0 cores', '--type')),
            ('os_ram_mib', 16, 51200, ('MiB of memory', '--type')),
            ('os_floating_ips', 0, 50, ('0 floating addresses', 'floating_network = none')),
            ('os_ports', 0, 500, ('0 ports', 'openstack port list')),
            ('os_security_groups', 0, 10, ('0 security groups', 'openstack security group list')),
            ('os_rules', 4, 100, ('4 rules', '--open'))):
        with tap.part(f'no room by {setting}: refused by its name, with the fix, and nothing made'):
            fake.settings(**{setting: value})
            refused(world, fake, 5, 'quota is', *words, clouds=good)
            fake.settings(**{setting: usual})
    with tap.part('no floating address is wanted: their quota does not matter'):
        fake.settings(os_floating_ips=0)
        fake.settings(os_ports=0)
        refused(world, fake, 5, '0 ports', clouds=good, lines=('floating_network = none',))
        fake.settings(os_floating_ips=50, os_ports=500)
    with tap.part('spot machines, values and prices that are none'):
        refused(world, fake, 2, 'spot', clouds=good, options=('--spot',))
        refused(world, fake, 2, 'boot', clouds=good, lines=('boot = magic',))
        refused(world, fake, 2, 'prices', clouds=good, lines=('prices = m1.tiny',))
    with tap.part('a budget, and no price: refused; with one it is held'):
        refused(world, fake, 5, 'not known', clouds=good, options=('--budget', '1'))
        refused(world, fake, 5, 'budget', clouds=good, lines=('prices = m1.nano=600',),
                options=('--budget', '1'))


def networks(tap, world):
    with tap.part('several networks, and none is named: they are listed'), \
            fakecloud('--set', 'os_networks=2') as fake:
        good = clouds_of(fake, 'mycloud')
        refused(world, fake, 2, 'several networks', 'private-2', clouds=good)


def services(tap, world, fake):
    good = clouds_of(fake, 'mycloud')
    for setting, name in (('os_network', 'network'), ('os_compute', 'compute'),
                          ('os_image', 'image')):
        with tap.part(f'no {name} service in the catalog'):
            fake.settings(**{setting: 0})
            refused(world, fake, 2, 'catalog', clouds=good)
            fake.settings(**{setting: 1})
    with tap.part('Neutron is down'):
        fake.fault('fail-before', service='neutron', operation='*', status=503, times=0)
        refused(world, fake, 8, clouds=good)
        fake.control('DELETE', '/_faults')
    with tap.part('HTML instead of JSON'):
        for service, path in (('neutron', '/os/RegionOne/network/'), ('keystone', '/os/identity/')):
            fake.fault('html', service=service, operation='*', times=0)
            refused(world, fake, 8, service, path, 'no JSON', 'proxy', clouds=good)
            fake.control('DELETE', '/_faults')


class Page(http.server.BaseHTTPRequestHandler):
    """Something else than OpenStack."""
    def do_GET(self):
        self.answer()

    def do_POST(self):
        self.answer()

    def answer(self):
        body = b'<html><title>Welcome</title>It works!</html>'
        self.send_response(200)
        self.send_header('Content-Type', 'text/html')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served(folder=None):
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Page)
    if folder:
        pem = os.path.join(folder, 'self.pem')
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2',
                        '-subj', '/CN=127.0.0.1', '-keyout', pem, '-out', pem + '.crt'],
                       check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem + '.crt', pem)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    worker = threading.Thread(target=server.serve_forever, daemon=True)
    worker.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def elsewhere(tap, world, fake):
    with tap.part('a page of somebody else\'s where Keystone should be'), served() as port:
        url = f'http://127.0.0.1:{port}'
        refused(world, fake, 8, f'keystone CreateToken: {url}/v3/auth/tokens', 'no JSON',
                'auth_url', clouds=clouds_of(fake, 'a', auth_url=url))
    with tap.part('a certificate that nobody has signed'), served(world.dir) as port:
        refused(world, fake, 8, 'ertificate',
                clouds=clouds_of(fake, 'a', auth_url=f'https://127.0.0.1:{port}'))
    with tap.part('nobody there'), contextlib.closing(socket.socket()) as nobody:
        nobody.bind(('127.0.0.1', 0))
        url = f'http://127.0.0.1:{nobody.getsockname()[1]}'
        refused(world, fake, 8, clouds=clouds_of(fake, 'a', auth_url=url))


def doctor(tap, world, fake):
    with tap.part('doctor: who said what, never a secret; what there is'):
        configure(world)
        write_clouds(world, 'clouds:\n' + clouds_of(fake, 'mycloud'))
        world.start_daemon()
        done = world.cli('doctor', 'openstack')
        for word in ('mycloud', 'clouds.yaml:', 'project demo', 'private', 'glance-direct',
                     'Nova', 'mirage-reap openstack --every'):
            assert word in done.out, (word, done.out)
        assert fake.openstack['OS_PASSWORD'] not in done.out, done.out
    with tap.part('plan: the smallest flavor that fits, and that no price is known'):
        done = world.cli('plan', 'openstack', HELLO)
        assert 'm1.nano' in done.out and 'not known' in done.out, done.out
        done = world.cli('plan', 'openstack', HELLO, '--memory', '500M')
        assert 'm1.tiny' in done.out, done.out
    with tap.part('plan: the hooks that are asked for, and on what they depend'):
        out = world.cli('plan', 'openstack', HELLO).out
        assert 'cloud-schedule (where the cloud has Mistral), daemon' in out, out
        assert 'cloud-lease' not in out, out
        world.kill_daemon()
    with tap.part('plan with prices: what it costs until its deadline'):
        configure(world, 'prices = m1.nano=0.01')
        world.start_daemon()
        assert '0.01' in world.cli('plan', 'openstack', HELLO).out
        world.kill_daemon()


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-fakecloud',
                  'hello.elf')
    tap = Tap()
    with fakecloud() as fake, World() as world:
        who(tap, world, fake)
        what(tap, world, fake)
        networks(tap, world)
        services(tap, world, fake)
        elsewhere(tap, world, fake)
        doctor(tap, world, fake)
        world.say_log(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
