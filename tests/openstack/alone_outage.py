#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Services that stop under us: stopped where they stand, or killed and begun again. What is to be
torn down meanwhile goes, later only by as long as they were away; what is launched meanwhile is
refused in clear words and leaves nothing. Speaks TAP."""
import time

import ours
import stack
import tap

DOWN_SECONDS = 6
LATE_SECONDS = 20  # after its service answers again: what was tried last may wait for the next try
# Service (its path answers once it is up), how it is stopped, and how it comes back.
OUTAGES = (('nova-api', 'compute', '/flavors', 'pause', 'continue'),
           ('neutron', 'network', '/v2.0/networks', 'end', 'begin'),
           ('glance', 'image', '/v2/images', 'end', 'begin'),
           ('keystone', 'identity', '/auth/catalog', 'end', 'begin'))
REFUSED = (('neutron', 'network', '/v2.0/networks', 'neutron'),
           ('glance', 'image', '/v2/images', 'glance'))


def name_of(outage):
    return f'{outage[0]}-{outage[3]}'


def launched(world, cloud):
    """as many deployments as there are outages"""
    for outage in OUTAGES:
        world.deploy(name_of(outage), '--detach', arguments=(f'of={name_of(outage)}',))
    found = {}
    for outage in OUTAGES:
        d = world.runs(name_of(outage))
        found[outage] = ours.ids(ours.everything(cloud, d['id']))
    return found


def back(cloud, outage):
    """The service answers: the moment."""
    process, kind, path, _, restore = outage
    stack.service(restore, process)

    def answers():
        try:
            return cloud.ask('GET', kind, path).status == 200
        except OSError:
            return False
    stack.until(f'{process} is back', answers, 90)
    return time.monotonic()


def torn_down(world, cloud, admin, outage, things):
    """One service is away when the end is asked for."""
    process, name = outage[0], name_of(outage)
    stack.service(outage[3], process)
    try:
        world.rm(name)
        time.sleep(DOWN_SECONDS * stack.PATIENCE)
        assert world.state_of(name) in ('ending', 'stuck'), world.show(name)
    finally:
        since = back(cloud, outage)
    server = dict(things)['servers']
    stack.until('its server is 404', lambda: cloud.server(server) is None, 60)
    late = time.monotonic() - since
    print(f'# {name}: the server is 404 {late:.1f} s after {process} answers', flush=True)
    assert late <= LATE_SECONDS * stack.PATIENCE, late


def refused(world, cloud, outage):
    """A launch meanwhile: which service, exit status 8, and nothing is left."""
    process, kind, path, word = outage
    name = 'no-' + process
    stack.service('end', process)
    try:
        child = world.start('openstack', ours.program('hello.elf'), '--name', name, '--no-list',
                            '--yes', '--url', 'http://127.0.0.1:9/', '--ttl', '15m')
        stack.until('it is given up', lambda: child.poll() is not None or world.state_of(name) in (
            'ending', 'stuck', *ours.OVER), 90)
    finally:  # what may have been made there can only be seen gone when it is back
        back(cloud, (process, kind, path, 'end', 'begin'))
    _, said = child.communicate(timeout=ours.GONE_SECONDS * stack.PATIENCE)
    assert child.returncode == 8, (child.returncode, said)
    assert word in said.lower() and '127.0.0.1' in said, said
    print('# ' + said.strip().splitlines()[-1], flush=True)


def main():
    ours.need_ours()
    suite, admin = tap.Tap(), stack.Admin()
    env = admin.tenant('outage')
    cloud = stack.Stack(env)
    with ours.Ours(env, 'floating_network = none') as world:
        world.begin()
        found = {}
        with suite.part(launched.__doc__):
            found = launched(world, cloud)
        for outage, things in found.items():
            with suite.part(f'{outage[0]}, {outage[3]}: the teardown waits for it, no longer'):
                torn_down(world, cloud, admin, outage, things)
        for outage in REFUSED:
            with suite.part(f'{outage[0]} is down: a launch is refused, and leaves nothing'):
                refused(world, cloud, outage)
        with suite.part('each is told gone, and each thing of it is 404'):
            for outage, things in found.items():
                world.is_over(cloud, name_of(outage), *things)
            assert not ours.all_of_us(cloud), ours.all_of_us(cloud)
        world.say_log(suite)
    return suite.end()


if __name__ == '__main__':
    raise SystemExit(main())
