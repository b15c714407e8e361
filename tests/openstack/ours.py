# SPDX-License-Identifier: ISC
"""Our programs on the cloud that check.py has brought up, and what the cloud itself, asked by a
client that is none of ours, says of what they made."""
import json
import os
import sys

import stack

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from mirage import OVER, Result, World, need_programs, program, utc  # noqa: E402,F401

MARK = 'mirage-deploy:'
GONE_SECONDS = 200  # of a teardown: the settling time (90 s) begins with the last thing made
# What is listed, and where one of it is asked for.
KINDS = {'servers': ('compute', '/servers/detail', '/servers/'),
         'images': ('image', '/v2/images', '/v2/images/'),
         'ports': ('network', '/v2.0/ports', '/v2.0/ports/'),
         'floatingips': ('network', '/v2.0/floatingips', '/v2.0/floatingips/'),
         'security_groups': ('network', '/v2.0/security-groups', '/v2.0/security-groups/')}


def need_ours():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-reap', 'hello.elf')


def everything(cloud, token):
    """What the cloud shows of that token, by kind."""
    found = {}
    for kind, (service, path, _) in KINDS.items():
        for row in cloud.get(service, path)[kind]:
            if token in json.dumps(row):
                found.setdefault(kind, []).append(row)
    return found


def all_of_us(cloud):
    """What any daemon of ours has made in that project; a reaper's note is no deployment's."""
    found = everything(cloud, 'mirage')
    notes = [row for row in found.get('images', ())
             if row['name'].startswith('mirage-deploy-reaper-')]
    found['images'] = [row for row in found.get('images', ()) if row not in notes]
    return {kind: rows for kind, rows in found.items() if rows}


def ids(found):
    return [(kind, row['id']) for kind, rows in found.items() for row in rows]


def statuses(cloud, things):
    """What the service says of each of these (kind, id) when it is asked for by its id."""
    return {thing: cloud.ask('GET', KINDS[thing[0]][0], KINDS[thing[0]][2] + thing[1]).status
            for thing in things}


def seen_gone(cloud, things):
    said = statuses(cloud, things)
    assert all(status == 404 for status in said.values()), said


def by_password(env):
    """An entry of clouds.yaml."""
    auth = {'auth_url': env['OS_AUTH_URL'], 'username': env['OS_USERNAME'],
            'password': env['OS_PASSWORD'], 'project_name': env['OS_PROJECT_NAME'],
            'user_domain_id': env['OS_USER_DOMAIN_ID'],
            'project_domain_id': env['OS_PROJECT_DOMAIN_ID']}
    return {'region_name': env['OS_REGION_NAME'], 'auth': auth}


def by_application(env, credential):
    """The same with a credential as Keystone has made it."""
    return {'region_name': env['OS_REGION_NAME'], 'auth_type': 'v3applicationcredential',
            'auth': {'auth_url': env['OS_AUTH_URL'],
                     'application_credential_id': credential['id'],
                     'application_credential_secret': credential['secret']}}


class Ours(World):
    """A daemon of that user's. The second hook, where there is no Mistral, is a mirage-reap that
    comes again. `lines` are of the section [openstack]."""

    def __init__(self, env, *lines):
        super().__init__()
        self.env = {key: value for key, value in self.env.items() if not key.startswith('OS_')}
        self.env.update({key: value for key, value in env.items() if key.startswith('OS_')})
        self.configure(*lines)

    def configure(self, *lines):
        folder = os.path.join(self.dir, '.config', 'mirage-deploy')
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, 'config'), 'w', encoding='utf-8') as file:
            file.write('\n'.join(['[openstack]', *lines, '']))

    def clouds(self, **entries):
        folder = os.path.join(self.dir, '.config', 'openstack')
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, 'clouds.yaml'), 'w', encoding='utf-8') as file:
            json.dump({'clouds': entries}, file)  # which is YAML, too

    def begin(self, **env):
        self.start_daemon(**env)
        assert self.reap('openstack', '--every', '1d').returncode == 0

    def again(self, **env):
        self.kill_daemon()
        self.start_daemon(**env)

    def deploy(self, name, *options, expect=0, arguments=(), **env):
        """Nothing of it is to be reached, and nobody waits longer than until it runs."""
        return self.cli('openstack', program('hello.elf'), '--name', name, '--no-list', '--yes',
                        '--url', 'http://127.0.0.1:9/', '--ttl', '15m', *options,
                        *(['--', *arguments] if arguments else []), expect=expect,
                        timeout=300 * stack.PATIENCE, **env)

    def runs(self, name, seconds=240):
        """Its document, as soon as it runs."""
        def done():
            state = self.state_of(name)
            assert state not in OVER, self.cli('show', name).out
            return state in ('running', 'live')
        stack.until(f'{name} runs', done, seconds)
        return self.show(name)

    def rm(self, *names):
        for name in names:
            self.cli('rm', name, '--detach')

    def is_over(self, cloud, name, *things, state='gone'):
        """By the daemon's word, by the lists, and asked for one by one."""
        token = self.show(name)['id']
        stack.until(f'{name} is over', lambda: self.state_of(name) in OVER, GONE_SECONDS)
        assert self.state_of(name) == state, self.show(name)
        assert not everything(cloud, token), everything(cloud, token)
        seen_gone(cloud, things)
