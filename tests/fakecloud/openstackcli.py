# SPDX-License-Identifier: ISC
"""mirage-fakecloud's OpenStack, driven by clients that know nothing of it: Debian's openstacksdk,
in one process, and a few commands of its `openstack`. Debian's Python has them, whichever Python is
first on PATH."""
import json
import os
import shutil
import subprocess
import sys

PYTHON = '/usr/bin/python3'
if os.environ.get('MIRAGE_TEST_DEBIAN') != '1' and os.path.exists(PYTHON):
    os.environ['MIRAGE_TEST_DEBIAN'] = '1'
    os.execv(PYTHON, [PYTHON, '-B', *sys.argv])

from fakecloud import fakecloud  # noqa: E402
from mirage import PATIENCE, Skip, Tap, program, skip_all  # noqa: E402


def connect(fake, **more):
    import openstack
    env = fake.openstack
    auth = {'auth_url': env['OS_AUTH_URL'], 'username': env['OS_USERNAME'],
            'password': env['OS_PASSWORD'], 'user_domain_name': env['OS_USER_DOMAIN_NAME'],
            'project_name': env['OS_PROJECT_NAME'],
            'project_domain_name': env['OS_PROJECT_DOMAIN_NAME']}
    return openstack.connect(load_envvars=False, load_yaml_config=False,
                             **{'region_name': env['OS_REGION_NAME'], **auth, **more})


def refused(status, call, *args, **more):
    from openstack import exceptions
    try:
        call(*args, **more)
    except exceptions.HttpException as error:
        assert error.status_code == status, error
        return
    raise AssertionError(f'{status} was expected')


# --- by the library ---

def who(tap, fake):
    with tap.part('a project, its catalog, an application credential that may only read'):
        cloud = connect(fake)
        assert cloud.current_project.name == 'demo'
        assert {p.name for p in cloud.identity.user_projects(cloud.current_user_id)} == {
            'demo', 'second'}
        made = cloud.identity.create_application_credential(
            cloud.current_user_id, 'reader', roles=[{'name': 'reader'}])
        reader = connect(fake, auth_type='v3applicationcredential', username=None, password=None,
                         project_name=None, project_domain_name=None, user_domain_name=None,
                         application_credential_id=made.id,
                         application_credential_secret=made.secret)
        assert [n.name for n in reader.network.networks()] == ['public', 'private']
        refused(403, reader.compute.create_keypair, name='k')
        cloud.identity.delete_application_credential(cloud.current_user_id, made)
    return cloud


def images(tap, cloud, folder):
    path = os.path.join(folder, 'disk')
    with open(path, 'wb') as file:
        file.write(bytes(range(256)) * 512)
    with tap.part('an image: uploaded, found, changed, downloaded'):
        image = cloud.create_image('i', filename=path, disk_format='raw', container_format='bare',
                                   wait=True, tags=['t'], validate_checksum=True)
        assert image.status == 'active' and image.size == 131072
        assert [i.id for i in cloud.image.images(tag='t')] == [image.id]
        assert not list(cloud.image.images(name='nothing'))
        assert cloud.image.update_image(image, name='j').name == 'j'
        cloud.image.add_tag(image, 'u')
        assert set(cloud.image.get_image(image.id).tags) == {'t', 'u'}
        with open(path, 'rb') as file:
            assert cloud.image.download_image(image).content == file.read()
    with tap.part('and imported'):
        other = cloud.image.create_image(name='k', disk_format='raw', container_format='bare',
                                         allow_duplicates=True)
        with open(path, 'rb') as file:
            cloud.image.stage_image(other, data=file.read())
        cloud.image.import_image(other)
        from openstack import resource
        other = resource.wait_for_status(cloud.image, other, 'active', None, 0.1, 10 * PATIENCE)
        assert other.size == 131072 and len(list(cloud.image.images())) == 2
        cloud.image.delete_image(other)
    return image


def servers(tap, cloud, image):
    with tap.part('a group, a server with it, a floating address, all of it gone again'):
        group = cloud.network.create_security_group(name='g', description='d')
        cloud.network.create_security_group_rule(
            security_group_id=group.id, direction='ingress', protocol='tcp', port_range_min=80,
            port_range_max=80, remote_ip_prefix='0.0.0.0/0')
        server = cloud.create_server('s', image=image.id, flavor='m1.nano', network='private',
                                     security_groups=['g'], meta={'a': 'b'}, auto_ip=True,
                                     wait=True, timeout=20 * PATIENCE)
        assert server.status == 'ACTIVE' and server.public_v4 and server.metadata == {'a': 'b'}
        assert [s.id for s in cloud.compute.servers(name='^s$')] == [server.id]
        refused(409, cloud.network.delete_security_group, group)
        assert cloud.delete_server(server.id, wait=True, delete_ips=True, timeout=20 * PATIENCE)
        assert not list(cloud.network.ips())
        cloud.network.delete_security_group(group)
        refused(404, cloud.compute.get_server, server.id)
    with tap.part('pages, by the library\'s own means'):
        made = {cloud.compute.create_server(
            name=f'p{i}', image_id=image.id, flavor_id='42',
            networks=[{'uuid': cloud.network.find_network('private').id}]).id
            for i in range(5)}
        listed = [s.id for s in cloud.compute.servers(limit=2)]
        assert len(listed) == 5 and set(listed) == made, listed
        for ident in made:
            cloud.delete_server(ident, wait=True, timeout=20 * PATIENCE)


def objects(tap, cloud, folder):
    with tap.part('a container, an object in one piece and in segments'):
        path = os.path.join(folder, 'object')
        data = bytes(range(256)) * 10000
        with open(path, 'wb') as file:
            file.write(data)
        cloud.create_container('c')
        cloud.create_object('c', 'one', filename=path)
        cloud.create_object('c', 'two', filename=path, segment_size=1000000, use_slo=True)
        for name in ('one', 'two'):
            cloud.get_object('c', name, outfile=path)
            with open(path, 'rb') as file:
                assert file.read() == data, name
        rows = {o.name for o in cloud.list_objects('c', full_listing=True)}
        assert {'one', 'two'} <= rows, rows


# --- by the command ---

def commands(tap, fake):
    if not shutil.which('openstack', path='/usr/bin'):
        raise Skip('python3-openstackclient is not installed')

    def run(*words):
        done = subprocess.run(['/usr/bin/openstack', *words, '-f', 'json'],
                              env={**os.environ, **fake.openstack}, capture_output=True, text=True,
                              timeout=60 * PATIENCE, check=False)
        assert not done.returncode, done.stderr
        return json.loads(done.stdout)
    for words in (['token', 'issue'], ['catalog', 'list'], ['server', 'list'], ['image', 'list'],
                  ['flavor', 'list'], ['network', 'list'], ['security', 'group', 'list'],
                  ['quota', 'show'], ['limits', 'show', '--absolute'],
                  ['availability', 'zone', 'list']):
        with tap.part('openstack ' + ' '.join(words)):
            assert run(*words) or words[0] in ('server', 'image')


def main():
    if not os.path.exists(program('mirage-fakecloud')):
        skip_all('mirage-fakecloud is not built')
    try:
        import openstack  # noqa: F401
    except ImportError:
        skip_all("Debian's openstacksdk (python3-openstackclient) is not installed")
    tap = Tap()
    # Clients look at listings, and would have to wait for them.
    with fakecloud('--set', 'stale_ms=0', '--set', 'os_listed_ms=0') as fake:
        cloud = who(tap, fake)
        image = images(tap, cloud, fake.state)
        servers(tap, cloud, image)
        objects(tap, cloud, fake.state)
        commands(tap, fake)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
