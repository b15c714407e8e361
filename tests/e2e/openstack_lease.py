# SPDX-License-Identifier: ISC
"""Servers in leases of Blazar, which end them: made before the server, armed when read back, moved
by an extension, gone with the rest; and what becomes of it when half of that fails."""
import sys
import time

from fakecloud import fakecloud
from hasty import HastyWorld
from mirage import PATIENCE, Tap, need_programs, wait_for
from openstack import configure, deploy, ends_without_us, gone, hooks_of, of, one
from oscloud import User


def lease_of(fake, world, name):
    return one(of(fake, world, name), 'os-lease')


def hook(world, name):
    return hooks_of(world, name)['cloud-lease']


def life(tap, world, fake):
    with tap.part('a lease before the server, which stands in it; two hooks are armed by that'):
        deploy(world, 'one', '--', 'deadline=0')
        lease = lease_of(fake, world, 'one')
        server = one(of(fake, world, 'one'), 'os-server')
        assert lease['status'] == 'ACTIVE', lease
        assert server['metadata']['mirage-deploy:lease'] == lease['reservations'][0]['id'], server
        assert hook(world, 'one')['state'] == 'armed', hook(world, 'one')
        assert hooks_of(world, 'one')['reaper']['state'] != 'armed'
        expires = world.show('one')['expires_at'][:16].replace('T', ' ')
        assert lease['end_date'][:16].replace('T', ' ') > expires, (lease['end_date'], expires)
    with tap.part('an extension moves it, and it is read back'):
        world.cli('extend', 'one', '1h')
        moved = lease_of(fake, world, 'one')
        assert moved['id'] == lease['id'] and moved['end_date'] > lease['end_date'], moved
        assert hook(world, 'one')['state'] == 'armed', hook(world, 'one')
    with tap.part('it cannot be moved: the extension is refused, and nothing has changed'):
        expires = world.show('one')['expires_at']
        fake.fault('fail-before', service='blazar', operation='UpdateLease', status=409, times=0,
                   code='ExtendingNotPossible', message='somebody else has it then')
        done = world.cli('extend', 'one', '1h', expect=None)
        assert done.status == 5 and 'somebody else' in done.err, (done.status, done.err)
        assert world.show('one')['expires_at'] == expires
        assert lease_of(fake, world, 'one')['end_date'] == moved['end_date']
        fake.control('DELETE', '/_faults')
    with tap.part('the answer of a move is lost: what stands there counts'):
        fake.fault('lose', service='blazar', operation='UpdateLease')
        world.cli('extend', 'one', '1h')
        assert hook(world, 'one')['state'] == 'armed', hook(world, 'one')
    with tap.part('rm: the lease goes with the rest'):
        world.cli('rm', 'one', '--detach')
        gone(fake, world, 'one')


def faults(tap, world, fake):
    with tap.part('the answer of its making is lost: one lease all the same'):
        fake.fault('lose', service='blazar', operation='CreateLease')
        deploy(world, 'lost')
        lease_of(fake, world, 'lost')
        one(of(fake, world, 'lost'), 'os-server')
        world.cli('rm', 'lost', '--detach')
        gone(fake, world, 'lost')
    with tap.part('Blazar has no room: it is said, with what helps, and nothing stays'):
        fake.fault('fail-before', service='blazar', operation='CreateLease', status=409, times=0,
                   code='NotEnoughHostsAvailable', message='Not enough hosts available')
        done = deploy(world, 'no-room', '--wait-timeout', '30s', expect=None)
        assert done.status != 0, done
        world.until('it is over', lambda: world.state_of('no-room') == 'failed')
        assert 'Not enough hosts' in world.cli('show', 'no-room').out
        assert not of(fake, world, 'no-room'), of(fake, world, 'no-room')
        fake.control('DELETE', '/_faults')
    with tap.part('the lease is left when all else is gone: it is seen, and deleted'):
        deploy(world, 'stays')
        fake.fault('fail-before', service='blazar', operation='DeleteLease', status=500, times=2)
        world.cli('rm', 'stays', '--detach')
        gone(fake, world, 'stays')
        fake.control('DELETE', '/_faults')


def leased(fake, name, minutes=25):
    """A lease by that name, made by whoever may; its id."""
    end = fake.control('GET', '/_clock')['now_ms'] / 1000 + 60 * minutes
    reply = User(fake).call('reservation', 'POST', '/leases', {
        'name': name, 'start_date': 'now', 'events': [],
        'end_date': time.strftime('%Y-%m-%d %H:%M', time.gmtime(end)),
        'reservations': [{'resource_type': 'virtual:instance', 'amount': 1, 'vcpus': 1,
                          'memory_mb': 64, 'disk_gb': 1, 'affinity': None}]})
    assert reply.status == 201, reply.body
    return reply.json['lease']['id']


def is_there(fake, ident):
    return any(row['id'] == ident for row in fake.ledger()['exists'])


def listed(world, what, done):
    """A daemon lists everything when it begins."""
    world.kill_daemon()
    world.again()
    wait_for(what, 20 * PATIENCE, done)


def late(tap, world, fake):
    """What a launch has made behind everybody's back has a name, and no server."""
    deploy(world, 'late')
    name, token = lease_of(fake, world, 'late')['name'], world.show('late')['id']
    world.cli('rm', 'late', '--detach')
    gone(fake, world, 'late')
    with tap.part('a lease that comes when all is over is found by a sweep, and ended'):
        lease, forged, plain = (leased(fake, name), leased(fake, f'mirage-{token}-{"0" * 40}'),
                                leased(fake, f'mirage-{token}'))
        assert len(name) <= 80, name
        listed(world, 'it is gone', lambda: not is_there(fake, lease))
    with tap.part('what only looks like one of ours is left alone'):
        again = leased(fake, name)
        listed(world, 'it was listed once more', lambda: not is_there(fake, again))
        assert is_there(fake, forged) and is_there(fake, plain)
        user = User(fake)
        for ident in (forged, plain):
            assert user.call('reservation', 'DELETE', f'/leases/{ident}').status == 204
    with tap.part('no daemon, no database: mirage-reap finds it, when it is over'):
        world.kill_daemon()
        lease = leased(fake, name)
        assert world.reaper('openstack').returncode == 0 and is_there(fake, lease)
        fake.advance(3600)
        world.time.passes(3600)
        done = world.reaper('openstack')
        assert done.returncode == 0, done
        assert not is_there(fake, lease), done
        world.again()


def ended(tap, world, fake):
    with tap.part('the daemon is lost for ever: Blazar ends the server'):
        token = ends_without_us(world, fake)
        server = [r for r in fake.ledger()['existed'] if r['kind'] == 'os-server' and
                  token in str(r)][0]
        assert server['gone_by'].startswith('blazar.EndLease'), server['gone_by']


def without(tap, world, fake):
    with tap.part('no Blazar where one is asked for: refused before anything is made'):
        before = {row['id'] for row in fake.ledger()['exists']}
        done = deploy(world, 'no', expect=2)
        assert 'Blazar' in done.err, done.err
        made = [r['kind'] for r in fake.ledger()['exists'] if r['id'] not in before]
        assert set(made) <= {'os-token'}, made


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-fakecloud',
                  'hello.elf')
    tap = Tap()
    for setting, parts in (('os_reservation=1', (life, faults, late, ended)),
                           ('os_reservation=0', (without,))):
        with fakecloud('--set', setting) as fake, HastyWorld(fake) as world:
            configure(world, 'lease = yes')
            world.env.update(fake.openstack)
            world.again()
            for part in parts:
                part(tap, world, fake)
            world.say_log(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
