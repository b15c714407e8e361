# SPDX-License-Identifier: ISC
"""The same requests to mirage-fakecloud and to a real OpenStack, the one that OS_AUTH_URL and its
companions name: the same status, kind of refusal, and member names. Skipped without."""
import os
import sys

from fakecloud import fakecloud
from mirage import Tap, need_programs, skip_all
from tap import Skip
from openstack_calls import PARTS, Script
from oscloud import Cloud

# What a cloud has or has not by its configuration: a step (or "*"), and what may be in one of both
# replies only.
LOOSE = {
    '*': {'floating_ip_address', 'qos_policy_id', 'dns_name', 'dns_domain', 'dns_assignment',
          'port_forwardings', 'provider:network_type', 'provider:physical_network',
          'provider:segmentation_id', 'vlan_transparent', 'l2_adjacency', 'is_vlan_transparent',
          'is_default'},
    # The user there has a project that he is in when he does not say.
    'token: no scope': {'token'},
    # There a moment longer than the import takes.
    'imported': {'os_glance_import_task'},
}

# Without its delays, and with networks like those of the real one that the project's own scripts
# start: one flat network for all.
PLAIN = ['stale_ms=0', 'visible_ms=0', 'os_listed_ms=0', 'os_networks=0', 'os_shared_networks=1']


def shape(value, path=''):
    """The names in it, as paths; lists by what their entries have."""
    if isinstance(value, dict):
        for name, entry in value.items():
            named = f'{path}.*' if path.endswith('.addresses') else f'{path}.{name}'
            yield named
            yield from shape(entry, named)
    elif isinstance(value, list):
        for entry in value:
            yield from shape(entry, path + '[]')


def word(reply):
    """What a refusal is called, apart from its status."""
    json = reply.json
    if reply.status < 400 or not isinstance(json, dict):
        return ''
    if 'NeutronError' in json and isinstance(json['NeutronError'], dict):
        return json['NeutronError']['type']
    if isinstance(json.get('error'), dict):
        return json['error'].get('title', '')
    return ' '.join(sorted(json))


def differences(name, fake, real):
    if fake.status != real.status:
        yield f'status {fake.status}, really {real.status}'
    if fake.type != real.type:
        yield f'type {fake.type!r}, really {real.type!r}'
    if word(fake) != word(real):
        yield f'{word(fake)}, really {word(real)}'
    if fake.status >= 300 or real.status >= 300:
        return
    loose = LOOSE['*'] | LOOSE.get(name, set())
    ours, theirs = set(shape(fake.json)), set(shape(real.json))
    for path in sorted(ours ^ theirs):
        if not any(part.replace('[]', '') in loose for part in path.split('.')):
            yield f'{"only here" if path in ours else "only there"}: {path}'


def run(env, options=()):
    script = Script(Cloud(env, **dict(options)))
    failed = {}
    for part in PARTS:
        try:
            part(script)
        except Exception as error:  # the other cloud may have gone further
            failed[part.__name__] = repr(error)
    script.end()
    return script.replies, failed


def main():
    need_programs('mirage-fakecloud')
    if 'OS_AUTH_URL' not in os.environ:
        skip_all('no real OpenStack is named by OS_AUTH_URL')
    tap = Tap()
    with fakecloud(*[word for row in PLAIN for word in ('--set', row)]) as fake:
        ours, failed = run(fake.openstack)
    theirs, failed_there = run(os.environ)
    with tap.part('every part went to its end'):
        assert not failed and not failed_there, (failed, failed_there)
    for name, reply in ours.items():
        with tap.part(name):
            if name not in theirs:
                raise Skip('it was not asked there: that cloud has no external network')
            found = list(differences(name, reply, theirs[name]))
            assert not found, '\n'.join([*found, f'here: {reply.body[:300]}',
                                         f'there: {theirs[name].body[:300]}'])
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
