#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A deployment that nobody ends: extended, it lives past its first deadline, and at the second one
each thing of it is asked for at its service and is not there. With a floating address. Speaks
TAP."""
import time

import ours
import stack
import tap

TTL, MORE = '2m', '45s'  # longer than the grace (30 s) that a guest gives its own deadline
OWN = 'deadline=0'       # hello keeps none of its own, which nobody here could move
LATE_SECONDS = 10        # until Nova, asked over and over, does not know the server any more


def life(world, cloud):
    """made with an address of each kind; extended; each of its marks follows"""
    world.deploy('one', '--ttl', TTL, '--detach', arguments=(OWN,))
    d = world.runs('one')
    found = ours.everything(cloud, d['id'])
    assert {kind: len(rows) for kind, rows in found.items()} == {
        'servers': 1, 'images': 2, 'ports': 1, 'floatingips': 1, 'security_groups': 1}, found
    address, = found['floatingips']
    assert d['addresses'] == [address['floating_ip_address']], (d['addresses'], address)
    assert address['port_id'] == found['ports'][0]['id'], address
    world.cli('extend', 'one', MORE)
    after = world.show('one')
    assert ours.utc(after['expires_at']) == ours.utc(d['expires_at']) + 45, (d, after)
    marks = [row.get('metadata', row) for kind in ('servers', 'images')
             for row in ours.everything(cloud, d['id'])[kind]]
    assert {row[ours.MARK + 'expires'] for row in marks} == {after['expires_at']}, marks
    return d, after, ours.ids(found)


def at(moment):
    return max(0, moment - time.time())


def outlives(world, cloud, first, server):
    """the first deadline passes, and the grace of the guest's own: it runs"""
    time.sleep(at(ours.utc(first['expires_at']) + 35))
    assert world.state_of('one') == 'running', world.cli('show', 'one').out
    assert cloud.server(server)['status'] == 'ACTIVE', cloud.server(server)


def ends(world, cloud, second, things):
    """the second comes: server, port, address, group and images are 404, and the receipt says so"""
    deadline = ours.utc(second['expires_at'])
    server = dict(things)['servers']
    time.sleep(at(deadline - 1))
    assert cloud.server(server), 'it went before its deadline'
    stack.until('Nova does not know it', lambda: cloud.server(server) is None, 60)
    late = time.time() - deadline
    print(f'# the server is 404 {late:.1f} s after the deadline', flush=True)
    assert late <= LATE_SECONDS * stack.PATIENCE, late
    world.is_over(cloud, 'one', *things)
    d = world.show('one')
    assert d['end_reason'] == 'deadline', d['end_reason']


def main():
    ours.need_ours()
    suite, admin = tap.Tap(), stack.Admin()
    env = admin.tenant('deadline')
    cloud = stack.Stack(env)
    with ours.Ours(env, f'floating_network = {stack.OUTSIDE}') as world:
        world.begin()
        with suite.part(life.__doc__):
            first, second, things = life(world, cloud)
        if not suite.failed:
            with suite.part(outlives.__doc__):
                outlives(world, cloud, first, dict(things)['servers'])
        if not suite.failed:
            with suite.part(ends.__doc__):
                ends(world, cloud, second, things)
        world.say_log(suite)
    return suite.end()


if __name__ == '__main__':
    raise SystemExit(main())
