#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Quotas of each service, in projects of their own: a deployment is refused by the name of what is
used up, with what to do about it, exit status 5, and nothing of it is left. Speaks TAP."""
import ours
import stack
import tap

NOVA = (('instances', 'servers'), ('cores', 'cores'), ('ram', 'memory'))
# What the words of the refusal have to have; a security group is there by default.
NEUTRON = (('floatingip', 0, 'floating'), ('port', 0, 'port'), ('security_group', 1, 'group'))
STORAGE_BYTES = 64 << 20  # user_storage_quota of cloud/glance
HINTS = ('operator', 'end something')


def refused(done, name, word):
    said = done.err.lower()
    assert done.status == 5, (name, done.status, done.err)
    assert 'quota' in said and word in said, (name, done.err)
    assert any(hint in said for hint in HINTS), (name, done.err)


def by_nova(world, admin, cloud):
    """Nova's servers, cores and memory: before anything is made"""
    defaults = admin.get('compute', f'/os-quota-sets/{cloud.project}')['quota_set']
    for key, word in NOVA:
        admin.quota(cloud.project, 'compute', **{key: 0})
        refused(world.deploy('no', '--cloud', 'nova', expect=None), key, word)
        admin.quota(cloud.project, 'compute', **{key: defaults[key]})
    assert world.state_of('no') is None
    assert not ours.all_of_us(cloud), ours.all_of_us(cloud)


def narrow(admin, key, limit):
    def cut(cloud):
        cloud.get('network', '/v2.0/security-groups')  # makes the one that is there by default
        admin.quota(cloud.project, 'network', **{key: limit})
    return cut


def fill_glance(cloud):
    """All but a few bytes of what Glance keeps for one user."""
    cloud.image('junk', bytes(STORAGE_BYTES - 4096))


def others(admin):
    """Name, what the refusal has to name, and what uses it up."""
    rows = [(key, word, narrow(admin, key, limit)) for key, limit, word in NEUTRON]
    return [*rows, ('storage', 'image', fill_glance)]


def begin(world, clouds, rows):
    children = {}
    for key, _, use_up in rows:
        use_up(clouds[key])
        children[key] = world.start(
            'openstack', ours.program('hello.elf'), '--name', name_of(key), '--cloud', key,
            '--no-list', '--yes', '--url', 'http://127.0.0.1:9/', '--ttl', '15m')
    return children


def name_of(key):
    return key.replace('_', '-')


def by_the_others(suite, world, clouds, rows):
    """In the middle of a launch: all at once, as each waits until nothing of it can be there."""
    children = begin(world, clouds, rows)
    for key, word, _ in rows:
        with suite.part(f'quota of {key}: named, and nothing is left'):
            out, err = children[key].communicate(timeout=300 * stack.PATIENCE)
            refused(ours.Result(children[key].returncode, out, err), key, word)
            name = name_of(key)
            if world.state_of(name) is not None:  # refused before it was accepted: better
                world.is_over(clouds[key], name, state='failed')


def main():
    ours.need_ours()
    suite, admin = tap.Tap(), stack.Admin()
    rows = others(admin)
    envs = {key: admin.tenant('quota-' + key) for key in ('nova', *(row[0] for row in rows))}
    clouds = {key: stack.Stack(env) for key, env in envs.items()}
    with ours.Ours({}, 'cloud = nova', 'clouds = ' + ' '.join(key for key, *_ in rows),
                   f'floating_network = {stack.OUTSIDE}') as world:
        world.clouds(**{key: ours.by_password(env) for key, env in envs.items()})
        world.begin()
        with suite.part(by_nova.__doc__):
            by_nova(world, admin, clouds['nova'])
        by_the_others(suite, world, clouds, rows)
        world.say_log(suite)
    return suite.end()


if __name__ == '__main__':
    raise SystemExit(main())
