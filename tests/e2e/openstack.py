# SPDX-License-Identifier: ISC
"""A deployment on OpenStack, from the command line to the ledger of mirage-fakecloud: what is made,
that it is marked and its marks follow an extension, and what is left when it ends or half of it
fails. The fake has no machines here."""
import json
import os
import shutil
import sys

import kernels
from fakecloud import fakecloud
from hasty import HastyWorld
from mirage import PATIENCE, Tap, need_programs, program, wait_for
from oscloud import User

MARK = 'mirage-deploy:'
HELLO = program('hello.elf')


def configure(world, *lines):
    folder = os.path.join(world.dir, '.config', 'mirage-deploy')
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, 'config'), 'w', encoding='utf-8') as f:
        f.write('\n'.join(['[openstack]', *lines, '']))


def start(world, fake, *lines):
    """A daemon, and a mirage-reap that comes again: the second hook where there is no Mistral."""
    configure(world, *lines)
    world.env.update(fake.openstack)
    world.again()
    done = world.reaper('openstack', '--every', '1d')
    assert done.returncode == 0, done


def deploy(world, name, *options, kernel=HELLO, expect=0, **env):
    return world.cli('openstack', kernel, '--no-list', '--open', '22', '--ttl', '20m', '--name',
                     name, '--yes', *options, expect=expect, **env)


def everything(fake, token):
    """What exists with that token anywhere in it, by kind."""
    found = {}
    for row in fake.ledger()['exists']:
        if token in json.dumps(row) and row['kind'] != 'os-execution':  # of a trigger: history
            found.setdefault(row['kind'], []).append({'id': row['id'], **row['document']})
    return found


def of(fake, world, name):
    return everything(fake, world.show(name)['id'])


def one(found, kind):
    rows = found.get(kind, [])
    assert len(rows) == 1, (kind, {k: len(v) for k, v in found.items()})
    return rows[0]


def gone(fake, world, name):
    """The daemon's word, and the cloud's."""
    token = world.show(name)['id']
    world.until(f'{name} is over', lambda: world.show(name)['state'] in ('gone', 'failed'))
    assert not everything(fake, token), everything(fake, token)


# --- all goes well ---

def life(tap, world, fake):
    with tap.part('a kernel and a root disk that names it, a group, a port, an address, a server'):
        deploy(world, 'one', '--', 'deadline=0')
        d = world.show('one')
        assert d['state'] == 'running' and d['place']['type'] == 'm1.nano', d
        assert d['place']['region'] == 'RegionOne' and d['place']['cloud'] == 'envvars', d['place']
        found = of(fake, world, 'one')
        server, port = one(found, 'os-server'), one(found, 'os-port')
        address, group = one(found, 'os-floating-ip'), one(found, 'os-security-group')
        assert d['addresses'] == [address['floating_ip_address']], d['addresses']
        assert address['port_id'] == port['id'], address
        assert port['security_groups'] == [group['id']], port
        assert server['metadata'][MARK + 'deployment'] == d['id'], server
    with tap.part('the images: what they are, by digest, and whose'):
        images = {i['disk_format']: i for i in found['os-image']}
        assert set(images) == {'aki', 'raw'}, list(images)
        assert images['aki']['name'] == 'mirage-kernel-' + d['kernel'], images['aki']
        assert images['raw']['kernel_id'] == images['aki']['id'], images['raw']
        assert 'name=one' in images['raw']['os_command_line'], images['raw']
        assert all(i[MARK + 'whole'] == 'yes' for i in images.values()), images
        assert all(i['visibility'] == 'private' for i in images.values()), images
    with tap.part('the same kernel again: its image is borrowed, and stays its owner\'s'):
        deploy(world, 'two', '--ttl', '10m')
        kinds = sorted(i['disk_format'] for i in of(fake, world, 'two')['os-image'])
        assert kinds == ['raw'], kinds
    with tap.part('a guest that keeps its first deadline, which nobody can move: no extension'):
        done = world.cli('extend', 'two', '1h', expect=5)
        assert 'switch itself off' in done.err and 'deadline=0' in done.err, done.err
        world.cli('extend', 'two', '30s')  # within the grace that it gives
        world.cli('rm', 'two', '--detach')
    with tap.part('the group lets the port in that was asked for, and nothing else'):
        rules = [r['document'] for r in fake.ledger()['exists']
                 if r['kind'] == 'os-security-group-rule'
                 and r['document']['security_group_id'] == group['id']
                 and r['document']['direction'] == 'ingress']
        rules = rules or [r for r in group.get('security_group_rules', [])
                          if r['direction'] == 'ingress']
        assert {(r['port_range_min'], r['ethertype']) for r in rules} == \
            {(22, 'IPv4'), (22, 'IPv6')}, rules
    with tap.part('an extension is in the marks of the server and of the images'):
        world.cli('extend', 'one', '1h')
        expires = world.show('one')['expires_at']
        found = of(fake, world, 'one')
        marks = [one(found, 'os-server')['metadata'], *found['os-image']]
        assert {m[MARK + 'expires'] for m in marks} == {expires}, marks
        assert len({m[MARK + 'signature'] for m in marks}) == 1, marks
    with tap.part('a daemon that was started again knows where it is'):
        world.kill_daemon()
        world.again()
        assert world.state_of('one') == 'running'
    with tap.part('rm: nothing of either is left'):
        world.cli('rm', 'one', '--detach')
        gone(fake, world, 'one')
        gone(fake, world, 'two')


def disks(tap, world, fake):
    with tap.part('a disk of the user\'s goes up as qcow2, and is compared'):
        path = os.path.join(world.dir, 'disk.img')
        with open(path, 'wb') as f:
            f.write(kernels.bios_disk('here\r\n'))
        deploy(world, 'disk', kernel=path)
        image = one(of(fake, world, 'disk'), 'os-image')
        assert image['disk_format'] == 'qcow2' and image['status'] == 'active', image
        assert image['hw_disk_bus'] == 'virtio' and image[MARK + 'whole'] == 'yes', image
        world.cli('rm', 'disk', '--detach')
    with tap.part('no upload is allowed: by import'):
        fake.settings(os_upload=0)
        deploy(world, 'import', '--', 'by=import')
        world.cli('rm', 'import', '--detach')
        fake.settings(os_upload=1)
    with tap.part('a Glance that knows MD5 alone: by that'):
        fake.settings(os_multihash=0)
        deploy(world, 'md5', '--', 'by=md5')
        images = of(fake, world, 'md5')['os-image']
        assert all(i[MARK + 'whole'] == 'yes' for i in images), images
        assert not any(i.get('os_hash_value') for i in images), images
        world.cli('rm', 'md5', '--detach')
        fake.settings(os_multihash=1)
    with tap.part('neither upload nor staging: said with what there is, and nothing stays'):
        fake.settings(os_upload=0, os_import=2)
        done = deploy(world, 'shut', '--wait-timeout', '60s', '--', 'by=nothing', expect=None)
        assert done.status in (5, 7), (done.status, done.err)
        shown = world.cli('show', 'shut').out
        assert 'imports by web-download' in shown and 'glance-direct' in shown, shown
        fake.settings(os_upload=1, os_import=3)
        gone(fake, world, 'shut')
    with tap.part('no kernels are taken as images: on a disk'):
        fake.fault('fail-before', service='glance', operation='CreateImage', status=400,
                   code='400 Bad Request', message='Invalid disk format aki')
        deploy(world, 'refused', '--', 'on=disk')
        image = one(of(fake, world, 'refused'), 'os-image')
        assert image['disk_format'] == 'qcow2', image
        world.cli('rm', 'refused', '--detach')
    for name in ('disk', 'import', 'md5', 'refused'):
        gone(fake, world, name)


# --- half of it ---

def faults(tap, world, fake):
    with tap.part('the answer of the launch is lost: one server all the same'):
        fake.fault('lose', service='nova', operation='CreateServer')
        deploy(world, 'lost')
        one(of(fake, world, 'lost'), 'os-server')
    with tap.part('503, and the server is there: one server all the same'):
        fake.fault('fail-after', service='nova', operation='CreateServer', status=503)
        deploy(world, 'lied')
        one(of(fake, world, 'lied'), 'os-server')
    with tap.part('every token ends in the middle: another one is got'):
        fake.control('POST', '/_sessions', {'end': True})
        deploy(world, 'renewed')
        fake.control('POST', '/_sessions', {'end': True})
        world.cli('rm', 'renewed', '--detach')
    with tap.part('an upload breaks off: it is made again'):
        fake.fault('reset', service='glance', operation='UploadImage')
        deploy(world, 'broken', '--', 'another=1')
        assert len(of(fake, world, 'broken')['os-image']) in (1, 2)
    with tap.part('a deletion ends in ERROR: it is asked for again'):
        fake.fault('fail-before', service='nova', operation='Terminate', status=500)
        world.cli('rm', 'lost', '--detach')
    with tap.part('a server in ERROR: its fault is shown, and nothing of it stays'):
        fake.fault('fail-before', service='nova', operation='Build', status=500, code='x',
                   message='No valid host was found.')
        done = deploy(world, 'hopeless', '--wait-timeout', '20s', expect=None)
        assert done.status in (1, 7), done.status
        assert 'No valid host' in world.cli('show', 'hopeless').out
    for name in ('lied', 'broken'):
        world.cli('rm', name, '--detach')
    for name in ('lost', 'lied', 'renewed', 'broken', 'hopeless'):
        gone(fake, world, name)
    fake.control('DELETE', '/_faults')


def powered_off(tap, world, fake):
    with tap.part('a guest that powers itself off is deleted; what it said is kept'):
        deploy(world, 'off')
        server = one(of(fake, world, 'off'), 'os-server')
        fake.control('POST', '/_guest', {'instance': server['id'], 'console': 'last words\r\n'})
        wait_for('its words are here', 60 * PATIENCE,
                 lambda: 'last words' in world.cli('logs', 'off').out, 0.5)
        fake.control('POST', '/_guest', {'instance': server['id'], 'power_off': True})
        gone(fake, world, 'off')
        assert 'last words' in world.cli('logs', 'off').out


# --- whose it is ---

def alike(user, d, network):
    """What somebody else makes in the project, with the name and the marks of that deployment, but
    for the signature, which they cannot know: (service, path) of each."""
    expires, forged = '2020-01-01T00:00:00Z', '0' * 64
    installation = user.show(d['instance']['id'])['metadata'][MARK + 'installation']
    words = {'installation': installation, 'deployment': d['id'], 'expires': expires,
             'signature': forged}
    marks = {MARK + key: value for key, value in words.items()}
    name, text = 'mirage-' + d['id'], ' '.join(['mirage-deploy', *words.values()])
    image = user.image(tags=['mirage-deploy'], **marks)
    server = user.server(image, name='one-' + d['id'], metadata=marks)
    group = user.call('network', 'POST', '/v2.0/security-groups', {'security_group': {
        'name': name, 'description': text}}).json['security_group']['id']
    port = user.call('network', 'POST', '/v2.0/ports', {'port': {
        'name': name, 'description': text, 'network_id': network}}).json['port']['id']
    return [('compute', '/servers/' + server), ('image', '/v2/images/' + image),
            ('network', '/v2.0/security-groups/' + group), ('network', '/v2.0/ports/' + port)]


def claimed(tap, world, fake):
    user = User(fake)
    with tap.part('what claims to be of a deployment, without our signature, stays when that ends'):
        deploy(world, 'claimed')
        d = world.show('claimed')
        things = alike(user, d, user.network())
        mine = {row['id'] for rows in everything(fake, d['id']).values() for row in rows}
        mine -= {path.rpartition('/')[2] for _, path in things}
        world.cli('rm', 'claimed', '--detach')
        world.until('it is over', lambda: world.state_of('claimed') in ('gone', 'failed'))
        assert world.state_of('claimed') == 'gone', world.show('claimed')
        left = mine & {row['id'] for row in fake.ledger()['exists']}
        assert not left, left
        seen = {path: user.call(service, 'GET', path).status for service, path in things}
        assert set(seen.values()) == {200}, seen
    with tap.part('a server of ours whose marks somebody has changed is ended all the same'):
        deploy(world, 'changed')
        d = world.show('changed')
        reply = user.call('compute', 'POST', f'/servers/{d["instance"]["id"]}/metadata', {
            'metadata': {MARK + 'expires': '2020-01-01T00:00:00Z'}})
        assert reply.status == 200, reply.body
        world.kill_daemon()
        world.again()
        assert world.state_of('changed') == 'running', world.show('changed')
        world.cli('rm', 'changed', '--detach')
        gone(fake, world, 'changed')


# --- nobody left ---

def reaped(tap, world, fake):
    with tap.part('the daemon is lost with its state: mirage-reap ends what is overdue'):
        deploy(world, 'left', '--ttl', '2m')
        token = world.show('left')['id']
        os.remove(os.path.join(world.state, 'openstack', token))
        world.kill_daemon()
        world.until('its deadline',
                    lambda: 'left' in world.reaper('openstack', '--list').stdout)
        done = world.reaper('openstack', '--grace', '0')
        assert done.returncode == 0, (done.stdout, done.stderr)
        assert not everything(fake, token), everything(fake, token)
        world.again()


# --- what the cloud does by itself ---

def hooks_of(world, name):
    return {hook['name']: hook for hook in world.show(name)['hooks']}


def ends_without_us(world, fake):
    """A deployment whose daemon is lost for ever: the cloud ends its server. Its token."""
    deploy(world, 'left', '--ttl', '5m')
    token = world.show('left')['id']
    world.kill_daemon()
    for _ in range(12):
        fake.advance(60)
        if 'os-server' not in everything(fake, token):
            break
    assert 'os-server' not in everything(fake, token), everything(fake, token)
    return token


def schedule(tap, world, fake):
    """Where the cloud has Mistral nobody else is needed."""
    with tap.part('a trigger that deletes the server, and again until it is gone: armed'):
        deploy(world, 'one', '--', 'deadline=0')
        token = world.show('one')['id']
        assert hooks_of(world, 'one')['cloud-schedule']['state'] == 'armed', hooks_of(world, 'one')
        first = one(everything(fake, token), 'os-cron-trigger')
        assert first['pattern'] == '* * * * *' and first['remaining_executions'] > 60, first
    with tap.part('an extension makes another one, and takes the one before away'):
        world.cli('extend', 'one', '1h')
        second = one(everything(fake, token), 'os-cron-trigger')
        assert second['name'] != first['name'], (first, second)
        assert hooks_of(world, 'one')['cloud-schedule']['state'] == 'armed'
    with tap.part('no trigger can be made: refused, and the one before stands'):
        fake.fault('fail-before', service='mistral', operation='CreateCronTrigger', status=403,
                   times=0, code='Forbidden', message='not you')
        done = world.cli('extend', 'one', '1h', expect=None)
        assert done.status == 5 and 'not you' in done.err, (done.status, done.err)
        assert one(everything(fake, token), 'os-cron-trigger')['name'] == second['name']
    with tap.part('with a reaper that comes again it is let go, and the extension stands'):
        assert world.reaper('openstack', '--every', '1d').returncode == 0
        world.cli('extend', 'one', '1h')
        hooks = hooks_of(world, 'one')
        assert hooks['cloud-schedule']['state'] == 'failed', hooks
        assert hooks['reaper']['state'] == hooks['daemon']['state'] == 'armed', hooks
        assert 'os-cron-trigger' not in everything(fake, token), everything(fake, token)
        fake.control('DELETE', '/_faults')
    with tap.part('rm takes the trigger with it'):
        deploy(world, 'two')
        world.cli('rm', 'one', '--detach')
        world.cli('rm', 'two', '--detach')
        gone(fake, world, 'one')
        gone(fake, world, 'two')
    no_trigger_left(tap, world, fake)
    with tap.part('the daemon is lost for ever: Mistral ends the server'):
        ends_without_us(world, fake)


def no_trigger_left(tap, world, fake):
    """A trigger costs nothing, and has to be gone all the same before anything is told gone."""
    with tap.part('a trigger is not taken away at first: it is not left, and again'):
        deploy(world, 'once')
        fake.fault('fail-before', service='mistral', operation='DeleteCronTrigger', status=500)
        world.cli('rm', 'once', '--detach')
        gone(fake, world, 'once')
        receipt = world.cli('show', 'once', '--json').json()['receipt']
        assert 'cron-trigger' in json.dumps(receipt), receipt
    with tap.part('Mistral does not answer: told gone when it does, also by the next daemon'):
        deploy(world, 'silent')
        token = world.show('silent')['id']
        fake.fault('fail-before', service='mistral', operation='*', status=503, times=0)
        world.cli('rm', 'silent', '--detach')
        world.until('what costs is not there', lambda: set(everything(fake, token)) <= {
            'os-image', 'os-cron-trigger'})
        world.kill_daemon()
        world.again()
        for _ in range(10):
            fake.advance(30)
            world.time.passes(30)
            assert world.state_of('silent') in ('ending', 'stuck'), world.show('silent')
        fake.control('DELETE', '/_faults')
        gone(fake, world, 'silent')
    with tap.part('a trigger that may not be taken away any more is said, and keeps nothing'):
        deploy(world, 'stays')
        token = world.show('stays')['id']
        fake.fault('fail-before', service='mistral', operation='DeleteCronTrigger', status=403,
                   times=0, code='Forbidden', message='not you')
        world.cli('rm', 'stays', '--detach')
        world.until('it is over', lambda: world.state_of('stays') == 'gone')
        assert set(everything(fake, token)) == {'os-cron-trigger'}, everything(fake, token)
        assert 'may stay for a day' in world.daemon_log(), 'nobody is told'
        fake.control('DELETE', '/_faults')


# --- several clouds ---

def described(name, fake):
    env = fake.openstack
    return '\n'.join([f'  {name}:', '    region_name: RegionOne', '    auth:',
                      f'      auth_url: "{env["OS_AUTH_URL"]}"',
                      f'      username: "{env["OS_USERNAME"]}"',
                      f'      password: "{env["OS_PASSWORD"]}"',
                      '      user_domain_name: Default', '      project_name: demo',
                      '      project_domain_name: Default', ''])


def clouds(tap, world, near, far):
    folder = os.path.join(world.dir, '.config', 'openstack')
    os.makedirs(folder)
    with open(os.path.join(folder, 'clouds.yaml'), 'w', encoding='utf-8') as f:
        f.write('clouds:\n' + described('near', near) + described('far', far))
    configure(world, 'cloud = near')
    world.again()
    with tap.part('--cloud, --region and the usual one: each where it was asked for'):
        deploy(world, 'one')
        deploy(world, 'two', '--cloud', 'far')
        deploy(world, 'three', '--cloud', 'far', '--region', 'RegionTwo')
        places = [world.show(n)['place'] for n in ('one', 'two', 'three')]
        assert [p['cloud'] for p in places] == ['near', 'far', 'far'], places
        assert [p['region'] for p in places] == ['RegionOne', 'RegionOne', 'RegionTwo'], places
        for name, fake in (('one', near), ('two', far), ('three', far)):
            one(of(fake, world, name), 'os-server')
    with tap.part('one cloud is down: the other\'s are ended, and told gone, images and all'):
        near.fault('fail-before', service='*', operation='*', status=503, times=0)
        world.kill_daemon()
        world.again()
        world.cli('rm', 'two', '--detach')
        gone(far, world, 'two')
        # What is in the cloud that is down is told nothing of.
        world.cli('rm', 'one', '--detach')
        world.until('it is said', lambda: world.show('one')['state'] in ('ending', 'stuck'))
        near.control('DELETE', '/_faults')
        gone(near, world, 'one')
        deploy(world, 'one')
    with tap.part('the state is lost: what is in a cloud that is named is found again'):
        token = world.show('three')['id']
        world.kill_daemon()
        for name in os.listdir(world.state):
            if name.startswith('state.db') or name == 'openstack':
                path = os.path.join(world.state, name)
                (shutil.rmtree if os.path.isdir(path) else os.remove)(path)
        configure(world, 'cloud = near', 'clouds = far')
        world.again()
        wait_for('both are taken up again', 90 * PATIENCE, lambda: {'one', 'three'} <= {
            d['name'] for d in world.cli('ps', '--json').json()['deployments']}, 1)
        assert world.show('three')['id'] == token
    with tap.part('... and of what has no record nobody says that it is gone while one is down'):
        near.fault('fail-before', service='*', operation='*', status=503, times=0)
        world.cli('rm', 'three', '--detach')
        world.until('nothing of it is there', lambda: not everything(far, token) or
                    set(everything(far, token)) <= {'os-image'})
        assert world.state_of('three') in ('ending', 'stuck'), world.show('three')
        near.control('DELETE', '/_faults')
        for name, fake in (('one', near), ('three', far)):
            world.cli('rm', name, '--detach')
            gone(fake, world, name)


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-reap',
                  'mirage-fakecloud', 'hello.elf')
    tap = Tap()
    with fakecloud() as fake, HastyWorld(fake) as world:
        start(world, fake)
        life(tap, world, fake)
        disks(tap, world, fake)
        faults(tap, world, fake)
        powered_off(tap, world, fake)
        claimed(tap, world, fake)
        reaped(tap, world, fake)
        world.say_log(tap)
    with fakecloud('--set', 'os_workflow=1') as fake, HastyWorld(fake) as world:
        configure(world)
        world.env.update(fake.openstack)
        world.again()
        schedule(tap, world, fake)
        world.say_log(tap)
    with fakecloud('--set', 'os_workflow=1') as near, \
            fakecloud('--set', 'os_workflow=1') as far, HastyWorld(near, far) as world:
        clouds(tap, world, near, far)
        world.say_log(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
