#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""config.py CONFIG_SHOW [--seed N] [--cases N]: the same files and variables given to openstacksdk
(Debian's python3-openstacksdk) and to us (tests/openstack/config_show.c): the same cloud comes of
them, or both refuse. Cases are made at random from pieces; where we differ on purpose there is a
case that says so, and why. Speaks TAP; without openstacksdk everything is skipped."""
import argparse
import importlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import warnings

DEBIAN = '/usr/lib/python3/dist-packages'
if os.path.isdir(os.path.join(DEBIAN, 'openstack')) and sys.path[0] != DEBIAN:
    # The packaged one and what it stands on, for the python that it was built for.
    if sys.executable != '/usr/bin/python3' and os.path.exists('/usr/bin/python3'):
        os.execv('/usr/bin/python3', ['/usr/bin/python3', '-B', os.path.abspath(__file__),
                                      *sys.argv[1:]])
try:
    import yaml
    from openstack.config import loader
except ImportError:
    print('1..0 # SKIP openstacksdk is not installed (Debian: python3-openstacksdk)')
    sys.exit(0)

SERVICES = ['identity', 'image', 'compute', 'network', 'object-store', 'block-storage', 'workflow',
            'reservation']
AUTH_TYPES = {'password': 0, 'v3password': 0, 'v3applicationcredential': 1, 'token': 2,
              'v3token': 2, 'none': 3, 'noauth': 3}
SCOPES = {'domain_id', 'domain_name', 'project_id', 'project_name', 'system_scope'}
OWN = 'HOME', 'PATH', 'LANG', 'ASAN_OPTIONS', 'UBSAN_OPTIONS'
VENDORS = ['auro', 'betacloud', 'bluebox', 'catalyst', 'citycloud', 'conoha', 'dreamcompute',
           'elastx', 'entercloudsuite', 'fuga', 'ibmcloud', 'internap', 'otc', 'ovh',
            'ovh-us', 'rackspace', 'switchengines', 'unitedstack', 'zetta']


class Case:
    """Files below a folder (cwd/, home/), variables, and what is asked for."""

    def __init__(self, name, files=None, env=None, cloud=None, region=None, why=None):
        self.name, self.files, self.env = name, files or {}, env or {}
        self.cloud, self.region = cloud, region
        self.why = why  # we differ from openstacksdk on purpose

    def lay_out(self, folder):
        for place in 'cwd', 'home':
            os.makedirs(os.path.join(folder, place), exist_ok=True)
        for path, content in self.files.items():
            path = os.path.join(folder, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, 'w', encoding='utf-8') as file:
                file.write(content if isinstance(content, str) else written(path, content))
        env = {key: os.environ[key] for key in OWN if key in os.environ}
        env['HOME'] = os.path.join(folder, 'home')
        env.update({key: value.replace('FOLDER', folder) for key, value in self.env.items()})
        return env


def written(path, content):
    if path.endswith('json'):
        return json.dumps(content)
    return yaml.safe_dump(content, sort_keys=False, default_flow_style=len(str(content)) % 2 == 0)


# --- what openstacksdk makes of it ---

def of_services(region):
    out = {}
    for service in SERVICES:
        auth = region.config.get('auth', {})
        endpoint = region.get_endpoint(service)
        if service == 'identity' and SCOPES.isdisjoint(auth) and endpoint == auth.get('auth_url'):
            endpoint = None  # no override: a shortcut for lists of projects
        if region.config.get('profile') == 'rackspace' and service == 'block-storage':
            endpoint = region._get_config('endpoint_override', service)  # without the project's id
        if 'blockstorage.api.rackspacecloud' in (endpoint or ''):
            endpoint = None  # the one thing of a profile that nothing here asks for
        get = region._get_config  # what is said of this service, and nothing in its place
        row = {'endpoint': endpoint, 'api_version': get('api_version', service),
               'microversion': get('default_microversion', service),
               'service_type': get('service_type', service),
               'service_name': region.get_service_name(service),
               'interface': get('interface', service), 'region': get('region_name', service)}
        out[service] = {key: value for key, value in row.items() if value}
    return out


def of_networks(config):
    external = [net['name'] for net in config['networks'] if net['routes_externally']]
    first = [net['name'] for net in config['networks'] if net['default_interface']]
    first += [net['name'] for net in config['networks'] if net['nat_destination']]
    return {'external_network': (external or [None])[0], 'default_network': (first or [None])[0]}


def of_way(region):
    verify, cert = region.get_requests_verify_args()
    cert, key = cert if isinstance(cert, tuple) else (cert, None)
    return {'insecure': verify is False, 'cacert': verify if isinstance(verify, str) else None,
            'cert': cert, 'key': key}


def none_word(value):
    return 'none' if value in (None, 'None') else value


def of_auth(auth):
    default = {part: auth.get('default_domain_' + part) for part in ('id', 'name')}
    out = {}
    for thing in 'user', 'project':
        domain = {part: auth.get(f'{thing}_domain_{part}') for part in ('id', 'name')}
        if not any(domain.values()):
            domain = default
        out.update({f'{thing}.domain_{part}': value for part, value in domain.items()})
    names = {'auth_url': 'auth_url', 'user.id': 'user_id', 'user.name': 'username',
             'project.id': 'project_id', 'project.name': 'project_name', 'domain_id': 'domain_id',
             'domain_name': 'domain_name', 'system_scope': 'system_scope', 'password': 'password',
             'application.id': 'application_credential_id',
             'application.name': 'application_credential_name',
             'secret': 'application_credential_secret', 'token': 'token'}
    out.update({ours: auth.get(theirs) for ours, theirs in names.items()})
    return out


def theirs(case):
    """A dict like that of config_show, or None for a refusal. In this process, whose variables and
    current folder are the case's."""
    importlib.reload(loader)
    region_name = case.region
    try:
        config = loader.OpenStackConfig()
        if not region_name and (case.cloud or config.default_cloud) != config.envvar_key:
            region_name = os.environ.get('OS_REGION_NAME')  # as `openstack` does
        region = config.get_one(cloud=case.cloud, region_name=region_name or '')
        told = region.config
        return {**of_auth(told['auth']), **of_way(region), **of_networks(told), 'name': region.name,
                'region': told.get('region_name') or None, 'interface': told.get('interface'),
                'auth_type': AUTH_TYPES[told['auth_type']], 'force_ipv4': bool(region.force_ipv4),
                'image_format': told.get('image_format'),
                'tasks': bool(told.get('image_api_use_tasks')),
                'floating_ip': {True: 1, False: 0, None: -1}[told.get('requires_floating_ip')],
                'secgroup_source': none_word(told.get('secgroup_source')),
                'floating_ip_source': none_word(told.get('floating_ip_source')),
                'services': of_services(region)}
    except Exception as refusal:  # it has no class that stands for all of them
        return {'refused': f'{type(refusal).__name__}: {refusal}'}


def theirs_in(case, folder, env):
    before, cwd = dict(os.environ), os.getcwd()
    os.environ.clear()
    os.environ.update(env)
    os.chdir(os.path.join(folder, 'cwd'))
    try:
        return theirs(case)
    finally:
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(before)


# --- what we make of it ---

DEFAULTS = {'interface': 'public', 'image_format': 'qcow2', 'secgroup_source': 'neutron',
            'floating_ip_source': 'neutron'}


def ours_in(show, case, folder, env):
    run = subprocess.run([show, case.cloud or '-', case.region or '-'], env=env, check=True,
                         cwd=os.path.join(folder, 'cwd'), capture_output=True, text=True)
    told = json.loads(run.stdout)
    secrets = [value for key, value in told.get('cloud', {}).items()
               if key in ('password', 'secret', 'token')]
    seen = json.dumps([told.get('trail'), told.get('error')])
    assert not any(secret in seen for secret in secrets if len(secret) > 6), seen
    if 'error' in told:
        assert told['kind'], told
        return {'refused': told['error']}
    cloud = told['cloud']
    cloud['services'] = {service: cloud.pop(service) for service in SERVICES}
    for key, value in DEFAULTS.items():
        cloud.setdefault(key, value)
    # Nothing here asks for another version than these.
    cloud['services']['network'].setdefault('api_version', '2')
    cloud['services']['object-store'].setdefault('api_version', '1')
    return cloud


def difference(a, b):
    if 'refused' in a or 'refused' in b:
        return None if ('refused' in a) == ('refused' in b) else f'{a} / {b}'
    keys = [key for key in {**a, **b} if (a.get(key) or None) != (b.get(key) or None)]
    return ', '.join(f'{key}: {a.get(key)!r} / {b.get(key)!r}' for key in keys) or None


class PassedOver(Exception):
    """What openstacksdk refuses for a reason that is Keystone's or its own."""


def judge(show, case, passed_over=None):
    with tempfile.TemporaryDirectory() as folder:
        env = case.lay_out(folder)
        other = theirs_in(case, folder, env)
        if passed_over and passed_over.match(other.get('refused', '')):
            raise PassedOver
        own = ours_in(show, case, folder, env)
    found = difference(own, other)
    if case.why:
        return None if found else f'the case says that we differ ({case.why}), and we do not'
    return found and f'{found}\nfiles {case.files}\nenv {case.env} {case.cloud} {case.region}'


# --- cases at random ---

class Maker:
    def __init__(self, seed):
        self.dice = random.Random(seed)

    def sometimes(self, share=0.3):
        return self.dice.random() < share

    def one(self, *choices):
        return self.dice.choice(choices)

    def spelled(self, key):
        return key.replace('_', '-') if self.sometimes(0.15) else key

    def domains(self, named):
        said = {}
        if self.sometimes(0.2):
            return {'default_domain_' + self.one('id', 'name'): 'shared'}
        if self.sometimes(0.2):
            return {'domain_' + self.one('id', 'name'): 'single'}
        for thing in named:
            if self.sometimes(0.8):
                said[f'{thing}_domain_{self.one("id", "name")}'] = thing + '-domain'
        return said

    def auth(self):
        """A way to prove who asks, with nothing missing."""
        auth = {'auth_url': self.one('https://keystone.example:5000/v3', 'http://10.0.0.1/identity',
                                     'https://{region_name}.example/v3')}
        kind = self.one('password', 'password', 'v3password', 'v3applicationcredential', 'token',
                        None)
        if kind == 'v3applicationcredential':
            auth.update({'application_credential_id': 'a1b2',
                         'application_credential_secret': 'very-secret-thing'})
        elif kind == 'token':
            auth.update({'token': 'a-token-to-hide', self.project_key(kind): 'proj'})
        else:
            auth.update({self.one('username', 'username', 'user_id'): 'someone',
                         'password': self.one('secret-word', 12345678, 'with {brace', '*x: "')})
            if self.sometimes(0.9):
                auth[self.project_key(kind)] = self.one('proj', 424242)
            auth.update(self.domains(['user', 'project']))
            if kind == 'v3password':
                auth = {key: value for key, value in auth.items() if 'default' not in key}
            if kind == 'v3password' and 'username' in auth:
                auth.setdefault('user_domain_name', 'needed')
        return kind, auth

    def project_key(self, kind):
        keys = ['project_name', 'project_id']
        if kind != 'v3password':
            keys += ['tenant_name', 'tenant_id']
        return self.one(*keys)

    def cloud(self):
        kind, auth = self.auth()
        cloud = {'auth': {}}
        for key, value in auth.items():
            place = cloud if self.sometimes(0.1) and '{' not in str(value) else cloud['auth']
            project = key.startswith(('project_', 'tenant_')) or key == 'auth_url'
            place[key if project or place is cloud else self.spelled(key)] = value
        if kind and (kind != 'password' or self.sometimes(0.5)):
            cloud['auth_type'] = kind
        if 'https://{region_name}.example/v3' == auth['auth_url'] or self.sometimes(0.6):
            cloud.update(self.regions())
        for piece in self.services, self.way, self.networks, self.facts, self.profile:
            if self.sometimes(0.4):
                cloud.update(piece(cloud))
        return cloud

    def regions(self):
        values = {'values': {'interface': 'internal', 'auth': {'project_name': 'of-region'},
                             'image_endpoint_override': 'https://{region_name}.images'}}
        return self.one({'region_name': 'R1'}, {'region_name': 'R1,R2'},
                        {'regions': ['R1', 'R2']}, {'regions': ['R2', {'name': 'R1', **values}]},
                        {'regions': [{'name': 'R1', **values}, 'R2']})

    def services(self, _):
        out = {}
        for _ in range(self.dice.randint(1, 5)):
            service = self.one('identity', 'image', 'compute', 'network', 'object_store',
                               'block_storage', 'volumev3', 'volume', 'workflow', 'compute')
            key, values = self.one(
                ('endpoint_override', ['https://a.example/x', 'https://{interface}.example']),
                ('api_version', ['2', 2, 2.1, '2.79']), ('default_microversion', ['2.65', 2.5]),
                ('service_type', ['computev21']), ('service_name', ['cloudServers']),
                ('interface', ['internal', 'admin']), ('region_name', ['R7']))
            # The profile of Rackspace has an address of volumes that is made up.
            if key != 'endpoint_override' or not re.match('volume|block', service):
                out[self.spelled(f'{service}_{key}')] = self.one(*values)
        return out

    def way(self, _):
        out = {}
        for key, values in (('verify', [True, False]), ('cacert', ['/ca.pem', '~/ca.pem']),
                            ('insecure', [True, False, 'true', 'False']),
                            ('interface', ['internal', 'admin']), ('endpoint_type', ['admin']),
                            ('force_ipv4', [True, False]), ('cert', ['~/me.pem', '/me.pem'])):
            if self.sometimes():
                out[key] = self.one(*values)
        if 'cert' in out and self.sometimes(0.5):
            out['key'] = '~/me.key'
        return out

    def networks(self, _):
        nets = []
        for number in range(self.dice.randint(1, 3)):
            net = {'name': f'net{number}'}
            for key in 'routes_externally', 'nat_destination', 'default_interface', 'nat_source':
                if self.sometimes(0.35):
                    net[key] = self.one(True, True, False, 'true')
            nets.append(net)
        return self.one({'networks': nets}, {'networks': nets}, {'external_network': 'ext'},
                        {'internal_network': 'int'}, {'networks': []},
                        {'external_network': 'ext', 'internal_network': 'int'},
                        {'external_network': 'ext', 'networks': nets})

    def facts(self, _):
        out = {}
        for key, values in (('image_format', ['raw', 'vhd']),
                            ('image_api_use_tasks', [True, False]),
                            ('requires_floating_ip', [True, False]),
                            ('secgroup_source', ['nova', 'None', 'neutron']),
                            ('floating_ip_source', ['nova', 'None'])):
            if self.sometimes(0.4):
                out[key] = self.one(*values)
        return out

    def profile(self, cloud):
        auth = cloud['auth']
        if self.sometimes(0.5):
            auth.pop('auth_url', None)
            cloud.pop('auth_url', None)
            for key in 'region_name', 'region-name', 'regions':
                cloud.pop(key, None)
        name = self.one('mine', *VENDORS)
        if 'auth_url' not in auth and name == 'bluebox':
            name = 'ovh'
        return {self.one('profile', 'profile', 'cloud'): name}

    def public(self):
        return {'public-clouds': {'mine': {
            'auth': {'auth_url': 'https://mine.example/v3', 'user_domain_name': 'Mine'},
            'regions': ['R1', 'R2'], 'image_format': 'raw', 'interface': 'internal'}}}

    def secure(self, names, clouds):
        out = {}
        for name in names:
            over = {'auth': {}}
            if 'password' in clouds[name]['auth']:
                over['auth']['password'] = 'from-secure-file'
            if self.sometimes():
                over['region_name'] = 'R2'
            if self.sometimes():
                over['verify'] = False
            out[name] = over
        return {'clouds': out}

    def variables(self):
        """A cloud of variables: the keys of one of the files, flat."""
        kind, auth = self.auth()
        flat = {key: str(value) for key, value in auth.items()}
        flat['auth_url'] = flat['auth_url'].replace('{region_name}', 'R3')
        if kind:
            flat['auth_type'] = kind
        if self.sometimes(0.5):
            flat['region_name'] = 'R3'
        for key, value in (('interface', 'internal'), ('cacert', '/env.pem'), ('insecure', 'true'),
                           ('identity_api_version', '3'), ('compute_api_version', '2.79'),
                           ('image_endpoint_override', 'https://img.example'),
                           ('force_ipv4', 'true'), ('endpoint_type', 'admin')):
            if self.sometimes(0.2):
                flat[key] = value
        return {'OS_' + key.upper(): value for key, value in flat.items()}

    def case(self, number):
        names = ['one', 'two', 'three-3'][:self.dice.randint(1, 3)]
        where = self.one('cwd/', 'home/.config/openstack/')
        suffix = self.one('yaml', 'yaml', 'yml', 'json')
        clouds = {name: self.cloud() for name in names}
        files = {f'{where}clouds.{suffix}': {'clouds': clouds},
                 'home/.config/openstack/clouds-public.yaml': self.public()}
        env, cloud = {}, None
        if self.sometimes(0.2):
            env.update(self.variables())
        if env and self.sometimes(0.4):
            files = {}
        elif self.sometimes(0.25):
            files[f'home/.config/openstack/secure.{self.one("yaml", "json")}'] = self.secure(
                self.dice.sample(names, 1), clouds)
        if self.sometimes(0.2) and files:
            env['OS_CLOUD'] = self.one(*names)
        elif files and not env and (len(names) > 1 or self.sometimes(0.3)):
            cloud = self.one(*names)
        if self.sometimes(0.15):
            env['OS_TEST_TIMEOUT'] = '5'
        region = self.one('R1', 'R2', 'BHS1') if self.sometimes(0.3) and cloud else None
        return Case(f'random {number}', files, env, cloud, region)


# --- cases by hand ---

PLAIN = {'auth': {'auth_url': 'https://k.example/v3', 'username': 'me', 'password': 'secret-word',
                  'project_name': 'p', 'user_domain_name': 'D', 'project_domain_name': 'D'}}


def plain(**more):
    cloud = json.loads(json.dumps(PLAIN))
    cloud['auth'].update(more.pop('auth', {}))
    return {**cloud, **more}


def one(**more):
    return {'cwd/clouds.yaml': {'clouds': {'one': plain(**more)}}}


def as_text(lines):
    return {'cwd/clouds.yaml': 'clouds:\n  one:\n    auth: {auth_url: "https://k.example/v3", '
            'username: me, password: secret-word, project_name: p}\n' + lines}


AUTH_ENV = {'OS_AUTH_URL': 'https://env.example/v3', 'OS_USERNAME': 'envy',
            'OS_PASSWORD': 'env-password', 'OS_PROJECT_NAME': 'penv'}
TWO = {'cwd/clouds.yaml': {'clouds': {'one': plain(), 'two': plain(region_name='R2')}}}
SAME = [
    Case('nothing but what is needed', one()),
    Case('the current folder comes first', {**one(), 'home/.config/openstack/clouds.yaml': {
        'clouds': {'home': plain()}}}),
    Case('yaml before yml before json', {
        'cwd/clouds.yml': {'clouds': {'yml': plain()}},
        'cwd/clouds.json': {'clouds': {'json': plain()}}}),
    Case('XDG_CONFIG_HOME before the home folder', {
        'xdg/openstack/clouds.yaml': {'clouds': {'xdg': plain()}},
        'home/.config/openstack/clouds.yaml': {'clouds': {'home': plain()}}},
        {'XDG_CONFIG_HOME': 'FOLDER/xdg'}),
    Case('XDG_CONFIG_DIRS', {'etc/openstack/clouds.yaml': {'clouds': {'etc': plain()}}},
         {'XDG_CONFIG_DIRS': 'FOLDER/etc'}),
    Case('a file that is named comes first', {**one(), 'other': {'clouds': {'other': plain()}}},
         {'OS_CLIENT_CONFIG_FILE': 'FOLDER/other'}),
    Case('a secure file that is named', {**one(), 'keep': {'clouds': {
        'one': {'auth': {'password': 'kept-elsewhere'}}}}},
         {'OS_CLIENT_SECURE_FILE': 'FOLDER/keep'}),
    Case('a cloud of the secure file alone', {'cwd/secure.yaml': {'clouds': {'hid': plain()}}}),
    Case('OS_CLOUD', TWO, {'OS_CLOUD': 'two'}),
    Case('OS_CLOUD before variables', TWO, {'OS_CLOUD': 'two', **AUTH_ENV}),
    Case('variables before the files', one(), AUTH_ENV),
    Case('variables have another name', one(), {**AUTH_ENV, 'OS_CLOUD_NAME': 'mine'}),
    Case('a cloud of the name of variables', {'cwd/clouds.yaml': {'clouds': {'envvars': plain()}}}),
    Case('a clash by OS_CLOUD_NAME', one(), {**AUTH_ENV, 'OS_CLOUD_NAME': 'one'}),
    Case('selectors alone make no cloud', one(), {'OS_REGION_NAME': 'R9'}),
    Case('no such cloud', TWO, {'OS_CLOUD': 'three'}),
    Case('several and none chosen', TWO),
    Case('nothing at all'),
    Case('a hyphen', one(**{'region-name': 'R1', 'volume-endpoint-override': 'https://a/x'})),
    Case('a region that is not there', one(regions=['R1', 'R2']), cloud='one', region='R3'),
    Case('any region where none is known', one(), cloud='one', region='R3'),
    Case('OS_REGION_NAME with OS_CLOUD', one(regions=['R1', 'R2']),
         {'OS_CLOUD': 'one', 'OS_REGION_NAME': 'R2'}),
    Case('a region without a name', one(regions=[{'values': {}}])),
    Case('a region with more', one(regions=[{'name': 'R1', 'interface': 'admin'}])),
    Case('a network without a name', one(networks=[{'routes_externally': True}])),
    Case('an unknown placeholder', one(auth={'auth_url': 'https://{nothing}.example'})),
    Case('doubled braces', one(image_endpoint_override='https://a/{{x}}')),
    Case('client settings', {**one(), 'cwd/clouds.yaml': {
        'client': {'force_ipv4': True}, 'clouds': {'one': plain()}}}),
    Case('a profile that nobody knows', one(profile='nobody')),
    Case('a profile with networks', one(profile='limestonenetworks'), cloud='one', region='us-slc'),
    Case('the profile of the own file hides ours', {
        **one(profile='ovh'), 'cwd/clouds-public.yaml': {
            'public-clouds': {'ovh': {'region_name': 'OWN'}}}}),
    Case('auth_type none', {'cwd/clouds.yaml': {'clouds': {'one': {
        'auth_type': 'none', 'endpoint': 'https://all.example',
        'image_endpoint_override': 'https://img.example'}}}}),
    Case('an auth_type that is not served', one(auth_type='v3nonsense')),
    Case('an alias and a merge', {'cwd/clouds.yaml': 'clouds:\n  one: &a\n    auth: &b {auth_url: '
                                  '"https://k/v3", username: u, password: abcdefgh, project_name: p}'
                                  '\n  two:\n    <<: *a\n    auth: {<<: *b, username: v}\n'},
         cloud='two'),
    Case('two documents', as_text('---\na: 1\n')),
    Case('no YAML', as_text('  - x\n')),
    Case('words for booleans', as_text('    verify: off\n    requires_floating_ip: Yes\n')),
    Case('a scope that is a domain', {'cwd/clouds.yaml': {'clouds': {'one': {'auth': {
        'auth_url': 'https://k/v3', 'username': 'u', 'password': 'abcdefgh', 'domain_name': 'd',
        'user_domain_name': 'd'}}}}}),
    Case('a scope that is the system', {'cwd/clouds.yaml': {'clouds': {'one': {'auth': {
        'auth_url': 'https://k/v3', 'username': 'u', 'password': 'abcdefgh', 'system_scope': 'all',
        'user_domain_name': 'd'}}}}}),
]
DIFFERENT = [
    Case('numbers stay as written', as_text('    compute_default_microversion: 2.10\n'),
         why='openstacksdk takes 2.10 for 2.1'),
    Case('zeros in front', as_text('    image_service_name: 0123\n'), why='0123 is no 83'),
    Case('a key that is said twice', as_text('    region_name: A\n    region_name: B\n'),
         why='openstacksdk takes the last one'),
    Case('a file that is named and not there', one(), {'OS_CLIENT_CONFIG_FILE': '/nowhere/c.yaml'},
         why='openstacksdk goes on to another account'),
    Case('a password that is missing', {'cwd/clouds.yaml': {'clouds': {'one': {'auth': {
        'auth_url': 'https://k/v3', 'username': 'u', 'project_name': 'p'}}}}},
        why='openstacksdk lets Keystone say so'),
    Case('a boolean that is a text', one(insecure='1'),
         why='openstacksdk takes all but true for no'),
    Case('a null over a profile', one(profile='otc', image_format=None),
         why='for us null is nothing said'),
    Case('auth_plugin', one(auth_plugin='token', auth={'token': 'a-token-to-hide'}),
         why='openstacksdk has a default in its way'),
    Case('a profile of variables', {}, {**AUTH_ENV, 'OS_PROFILE': 'switchengines'},
         why='openstacksdk lays its defaults over the profile'),
    Case('a hyphen in a profile', one(profile='ultimum'),
         why='openstacksdk loses the region of that profile'),
    Case('a placeholder outside of auth', {'cwd/clouds.yaml': {'clouds': {'one': {
        'auth_url': 'https://{region_name}.k/v3', 'region_name': 'R1', 'auth': {
            'username': 'u', 'password': 'abcdefgh', 'project_name': 'p'}}}}},
        why='openstacksdk leaves that one as it is'),
    Case('a hyphen beside an underscore', one(
        regions=[{'name': 'R1', 'values': {'auth': {'project_name': 'of-region'}}}],
        auth={'project-name': 'of-cloud', 'project_name': None}),
        why='for us they are one name, for openstacksdk the hyphen wins'),
    Case('a password beside an application credential', one(
        auth_type='v3applicationcredential',
        auth={'application_credential_id': 'a', 'application_credential_secret': 'very-secret'}),
        why='openstacksdk fails with a TypeError'),
    Case('a trust', one(auth={'trust_id': 't'}), why='trusts are not served here'),
]


def random_case(show, maker, number):
    """What is wrong with a case made at random. Python's own refusals (a plugin that
    takes no such argument, a version 3 without a domain) say nothing of the reading of files."""
    own_fault = re.compile('TypeError|OptionError')
    for _ in range(20):
        case = maker.case(number)
        try:
            return judge(show, case, own_fault)
        except PassedOver:
            continue
    return 'twenty cases on end that openstacksdk cannot make anything of'


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('show')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--cases', type=int, default=300)
    options = parser.parse_args()
    warnings.simplefilter('ignore')
    show, maker = os.path.abspath(options.show), Maker(options.seed)
    judged = [(case.name, lambda case=case: judge(show, case)) for case in SAME + DIFFERENT]
    judged += [(f'random {number}', lambda number=number: random_case(show, maker, number))
               for number in range(options.cases)]
    print(f'1..{len(judged)}')
    failed = 0
    for number, (name, ask) in enumerate(judged, 1):
        problem = ask()
        failed += problem is not None
        print(f'{"not ok" if problem else "ok"} {number} - {name}', flush=True)
        for line in (problem or '').splitlines():
            print(f'# {line}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
