#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""names.py NAMES: every path and name that the OpenStack bindings send or read (the program prints
them) against the resources of Debian's openstacksdk. What that does not have is in KNOWN, with the
document that does. Speaks TAP; skips without openstacksdk."""
import importlib
import json
import os
import re
import subprocess
import sys

DEBIAN = '/usr/bin/python3'

try:
    from openstack import resource
except ImportError:
    # Another python may come first that has not Debian's modules, and could not load them.
    if os.path.exists(DEBIAN) and not os.environ.get('MIRAGE_NAMES_AGAIN'):
        os.environ['MIRAGE_NAMES_AGAIN'] = '1'
        os.execv(DEBIAN, [DEBIAN, '-B'] + sys.argv)
    print('1..0 # SKIP python3-openstacksdk is not installed')
    sys.exit(0)

# Which resource a call is about. None: openstacksdk has none; KNOWN, the wire tests and the real
# OpenStack are all there is.
RESOURCES = {
    'Flavor': 'compute.v2.flavor.Flavor', 'Keypair': 'compute.v2.keypair.Keypair',
    'Limits': 'compute.v2.limits.Limits', 'Zone': 'compute.v2.availability_zone.AvailabilityZone',
    'Server': 'compute.v2.server.Server', 'ServerAction': 'compute.v2.server_action.ServerAction',
    'ServerInterface': 'compute.v2.server_interface.ServerInterface',
    'ApplicationCredential': 'identity.v3.application_credential.ApplicationCredential',
    'Image': 'image.v2.image.Image', 'ImageMember': 'image.v2.member.Member',
    'Import': 'image.v2.service_info.Import',
    'Network': 'network.v2.network.Network', 'Subnet': 'network.v2.subnet.Subnet',
    'Router': 'network.v2.router.Router', 'Extension': 'network.v2.extension.Extension',
    'AutoTopology': 'network.v2.auto_allocated_topology.AutoAllocatedTopology',
    'Quota': 'network.v2.quota.QuotaDetails', 'Port': 'network.v2.port.Port',
    'FloatingIp': 'network.v2.floating_ip.FloatingIP',
    'SecurityGroup': 'network.v2.security_group.SecurityGroup',
    'SecurityGroupRule': 'network.v2.security_group_rule.SecurityGroupRule',
    'Volume': 'block_storage.v3.volume.Volume', 'Snapshot': 'block_storage.v3.snapshot.Snapshot',
    'Workflow': 'workflow.v2.workflow.Workflow',
    'CronTrigger': None, 'Lease': None, 'ConsoleOutput': None, 'Tags': None, 'ServerMetadata': None,
    'VolumeMetadata': None, 'ServerTag': None, 'ImageTag': None,
}
VERBS = re.compile(r'^(Create|Show|List|Delete|Update|Add|Import|Replace|Get|Try|ForceDelete|Start|'
                   r'Stop|Reboot)(.*?)$')

# (resource, name): where it is described.
KNOWN = {
    ('Server', 'tags'): 'Compute API, create server (2.52), list servers (2.26)',
    ('Server', 'tenant_id'): 'Compute API, show server',
    ('Server', 'os:scheduler_hints'): 'Compute API, create server: beside "server"',
    ('Server', 'availability_zone'): 'Compute API, create server',
    ('Server', 'user_data'): 'Compute API, create server',
    ('Server', 'reboot'): 'Compute API, reboot server: {"reboot": {"type": ...}}',
    ('Server', 'fault'): 'Compute API, show server',
    ('Server', 'locked'): 'Compute API, show server (2.9)',
    ('Flavor', 'extra_specs'): 'Compute API, list flavors (2.61)',
    ('Limits', 'limits'): 'Compute API, limits: {"limits": {"absolute": ...}}',
    ('Image', 'os_hash_algo'): 'Image API, show image',
    ('Image', 'tag'): 'Image API, list images',
    ('Import', 'value'): 'Image API, import methods: {"import-methods": {"value": [...]}}',
    ('ImageMember', 'member_id'): 'Image API, show image member',
    ('ImageMember', 'member'): 'Image API, create image member',
    ('Image', 'method'): 'Image API, import an image',
    ('Network', 'id'): 'Networking API, list networks',
    ('AutoTopology', 'fields'): 'Networking API, show auto allocated topology: fields=dry-run',
    ('SecurityGroup', 'tags'): 'Networking API, extension tag-creation',
    ('Port', 'tags'): 'Networking API, extension tag-creation',
    ('FloatingIp', 'tags'): 'Networking API, extension tag-creation',
    ('Volume', 'cascade'): 'Block Storage API, delete a volume',
}
# Paths that a resource has below its own.
BELOW = {'Import': '/info/import', 'Zone': '/os-availability-zone', 'ServerAction': None}


def load(name):
    where, cls = RESOURCES[name].rsplit('.', 1)
    return getattr(importlib.import_module('openstack.' + where), cls)


def bodies(cls):
    """The names of all its members, as the service has them."""
    found = set()
    for base in cls.__mro__:
        for value in vars(base).values():
            if isinstance(value, (resource.Body, resource.Computed)) and value.name:
                found.add(value.name)
    return found


def queries(cls):
    found = {'limit', 'marker', 'sort_key', 'sort_dir'}
    for value in cls._query_mapping._mapping.values():
        found.add(value['name'] if isinstance(value, dict) else value)
    return found


def shape(path):
    return re.sub(r'%(\([a-z_]+\)s)?|\{[a-z_]+\}', '%', path)


def first(name, key):
    """The member of the resource that a name is about; '' where it is the whole. The envelope `key`
    is taken off."""
    name = re.sub(r'^' + re.escape(key) + r'(\[\]|\{\})?[./]', '', name) if key else name
    return re.split(r'[./\[{]', name, maxsplit=1)[0]


def check(call):
    """What is wrong with it."""
    match = VERBS.match(call['name'])
    about = match.group(2) if match else ''
    about = about if about in RESOURCES else about.rstrip('s')
    if about.endswith('ie'):
        about = about[:-2] + 'y'
    if about not in RESOURCES:
        return [f'nobody says what {call["name"]} is about']
    if RESOURCES[about] is None:
        return []
    cls, wrong = load(about), []
    path, base = shape(call['path']), shape(cls.base_path or '')
    if not path.startswith(BELOW.get(about) or base):
        wrong.append(f'path {path}, and not below {base}')
    known = bodies(cls)
    asked = queries(cls) if call['method'] in ('GET', 'DELETE') else known
    for name in call['sends']:
        member = first(name, cls.resource_key if call['method'] not in ('GET', 'DELETE') else '')
        if member and member not in asked and (about, member) not in KNOWN:
            wrong.append(f'sends {name}')
    for name in call['reads']:
        many = cls.resources_key and name.startswith(cls.resources_key)
        key = cls.resources_key if many else call['result']
        member = first(name, key)
        if member == cls.resource_key:  # keys are inside of it even in a list
            member = first(name[name.index(member):], member)
        if member and member not in known and member != key and (about, member) not in KNOWN:
            wrong.append(f'reads {name}')
    return wrong


def main():
    text = subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout
    calls = [json.loads(line) for line in text.splitlines()]
    print(f'1..{len(calls)}')
    failed = 0
    for number, call in enumerate(calls, 1):
        wrong = check(call)
        for line in wrong:
            print(f'# {line}')
        failed += bool(wrong)
        print(f'{"not ok" if wrong else "ok"} {number} - {call["service"]} {call["name"]}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
