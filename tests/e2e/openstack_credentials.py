# SPDX-License-Identifier: ISC
"""Who asks, and for how long: application credentials from end to end, tokens that end in the
middle of an upload, a launch and a teardown, and a credential that is over before what was made by
it. Times are the fake's, whose clock is moved; Keystone's tokens really end by it."""
import os
import sys
import time

from fakecloud import fakecloud
from hasty import HastyWorld
from mirage import PATIENCE, Tap, need_programs, program, wait_for
from openstack import configure, deploy, everything, gone, of, one
from oscloud import User

HELLO = program('hello.elf')
TOKEN_S = 200  # shorter than any part of a deployment that is held up below


def now_s(fake):
    return fake.control('GET', '/_clock')['now_ms'] / 1000


class Owner:
    """The user, who makes credentials for the program and takes them away."""

    def __init__(self, fake):
        self.fake = fake
        self.made = {}

    def user(self):
        return User(self.fake)

    def folder(self, user):
        return f'/users/{user.body["user"]["id"]}/application_credentials'

    def make(self, name, **more):
        user = self.user()
        reply = user.call('identity', 'POST', self.folder(user), {
            'application_credential': {'name': name, **more}})
        assert reply.status == 201, reply.body
        self.made[name] = reply.json['application_credential']
        return self.made[name]

    def delete(self, name):
        user = self.user()
        reply = user.call('identity', 'DELETE', f'{self.folder(user)}/{self.made[name]["id"]}')
        assert reply.status == 204, reply.body

    def lives(self, name, seconds):
        when = time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now_s(self.fake) + seconds))
        return self.make(name, expires_at=when)


def write_clouds(world, fake, *auth, kind='v3applicationcredential'):
    folder = os.path.join(world.dir, '.config', 'openstack')
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, 'clouds.yaml')
    lines = ['clouds:', '  mycloud:', '    region_name: RegionOne', f'    auth_type: {kind}',
             '    auth:', f'      auth_url: "{fake.openstack["OS_AUTH_URL"]}"',
             *(f'      {key}: "{value}"' for key, value in auth)]
    with open(path + '.new', 'w', encoding='utf-8') as f:
        f.write('\n'.join([*lines, '']))
    os.rename(path + '.new', path)


def by_id(made):
    return (('application_credential_id', made['id']),
            ('application_credential_secret', made['secret']))


def held_up(fake, world, service, operation, seconds, what):
    """While such a call is on its way so much time passes; then what was begun goes on."""
    fake.control('DELETE', '/_faults')
    fake.fault('delay', service=service, operation=operation, ms=3000)
    what()
    wait_for(f'{operation} is on its way', 20 * PATIENCE,
             lambda: fake.control('GET', '/_faults')[0]['struck'])
    fake.advance(seconds)
    world.time.passes(seconds)


# --- what an application credential can ---

def whole_life(tap, world, fake, owner):
    with tap.part('by id and secret: deployed, extended, ended'):
        write_clouds(world, fake, *by_id(owner.make('by-id')))
        configure(world, 'cloud = mycloud')
        world.again()
        done = world.reaper('openstack', '--every', '1d')
        assert done.returncode == 0, done
        deploy(world, 'one', '--', 'deadline=0')
        server = one(of(fake, world, 'one'), 'os-server')
        world.cli('extend', 'one', '1h')
        assert one(of(fake, world, 'one'), 'os-server')['id'] == server['id']
        world.cli('rm', 'one', '--detach')
        gone(fake, world, 'one')
    with tap.part('by name, which is its user\'s'):
        made = owner.make('by-name')
        write_clouds(world, fake, ('application_credential_name', 'by-name'),
                     ('application_credential_secret', made['secret']),
                     ('username', fake.openstack['OS_USERNAME']), ('user_domain_name', 'Default'))
        world.kill_daemon()
        world.again()
        deploy(world, 'two')
        world.cli('rm', 'two', '--detach')
        gone(fake, world, 'two')
    with tap.part('doctor says by which, and that it has no end'):
        done = world.cli('doctor', 'openstack')
        assert 'application credential by-name' in done.out, done.out
        assert 'its end' not in done.out, done.out


# --- tokens that end in the middle ---

def tokens_end(tap, world, fake):
    def begin(name, *args):
        return lambda: deploy(world, name, '--ttl', '12h', '--detach', *args)

    def runs(name):
        world.until(f'{name} runs', lambda: world.state_of(name) in ('running', 'live'))
        one(of(fake, world, name), 'os-server')
    fake.settings(os_token_s=TOKEN_S)
    with tap.part('the token of an upload ends while its bytes are on their way'):
        held_up(fake, world, 'glance', 'UploadImage', TOKEN_S + 60, begin('up', '--', 'a=1'))
        runs('up')
        assert len(of(fake, world, 'up')['os-image']) in (1, 2)
    with tap.part('... and that of an image that is only made'):
        held_up(fake, world, 'glance', 'CreateImage', TOKEN_S + 60, begin('img', '--', 'a=2'))
        runs('img')
    with tap.part('an upload is refused for its token: it is made again with another one'):
        fake.fault('fail-before', service='glance', operation='UploadImage', status=401)
        deploy(world, 'again', '--ttl', '1h', '--detach', '--', 'a=3')
        runs('again')
        world.cli('rm', 'again', '--detach')
        gone(fake, world, 'again')
    with tap.part('... of the launch, in whatever it is: group, port, address, server'):
        for i, (service, operation) in enumerate((
                ('neutron', 'CreateSecurityGroup'), ('neutron', 'CreatePort'),
                ('neutron', 'CreateFloatingIp'), ('nova', 'CreateServer'))):
            held_up(fake, world, service, operation, TOKEN_S + 60, begin(f'at-{i}'))
            runs(f'at-{i}')
    with tap.part('... of a teardown, in each of its calls'):
        for name, service, operation in (
                ('up', 'nova', 'DeleteServer'), ('img', 'neutron', 'DeleteFloatingIp'),
                ('at-0', 'neutron', 'DeletePort'), ('at-1', 'neutron', 'DeleteSecurityGroup'),
                ('at-2', 'glance', 'DeleteImage')):
            held_up(fake, world, service, operation, TOKEN_S + 60,
                    lambda name=name: world.cli('rm', name, '--detach'))
            gone(fake, world, name)
        world.cli('rm', 'at-3', '--detach')
        gone(fake, world, 'at-3')
    fake.control('DELETE', '/_faults')
    fake.settings(os_token_s=3600)


# --- credentials that end ---

def too_short(tap, world, fake, owner):
    with tap.part('a credential that ends before the deployment would: refused, nothing made'):
        write_clouds(world, fake, *by_id(owner.lives('short', 3600)))
        world.kill_daemon()
        world.again()
        before = len(fake.ledger()['exists'])
        done = deploy(world, 'long', '--ttl', '2h', expect=4)
        for word in ('application credential', 'ends at', '--ttl'):
            assert word in done.err, (word, done.err)
        assert len(fake.ledger()['exists']) <= before + 1, 'only a token'
    with tap.part('an extension beyond its end is refused, and the deadline before it stands'):
        deploy(world, 'short', '--ttl', '20m', '--', 'deadline=0')
        before = world.show('short')['expires_at']
        done = world.cli('extend', 'short', '2h', expect=None)
        assert done.status in (4, 5) and 'ends at' in done.err, (done.status, done.err)
        assert world.show('short')['expires_at'] == before
        mark = one(of(fake, world, 'short'), 'os-server')['metadata']['mirage-deploy:expires']
        assert mark == before, (mark, before)
    with tap.part('doctor says when it ends'):
        assert 'the credential ends at' in world.cli('doctor', 'openstack').out
    world.cli('rm', 'short', '--detach')
    gone(fake, world, 'short')


def over(tap, world, fake, owner):
    with tap.part('the credential is taken away while something runs: it is said, nothing is lost'):
        write_clouds(world, fake, *by_id(owner.make('taken')))
        world.kill_daemon()
        world.again()
        deploy(world, 'left')
        token = world.show('left')['id']
        owner.delete('taken')
        world.cli('rm', 'left', '--detach')
        wait_for('it is said', 20 * PATIENCE, lambda: world.show('left')['halted'])
        d = world.show('left')
        assert d['state'] == 'ending' and 'doctor openstack' in d['halted']['hint'], d
        said = world.cli('show', 'left').out
        assert 'not getting on since ' + d['halted']['since'] in said, said
        assert 'not getting on: ' in said, said  # among the events, too
        world.until('it is stuck', lambda: world.state_of('left') == 'stuck')
        assert world.show('left')['halted']['since'] == d['halted']['since']
        assert 'os-server' in everything(fake, token), 'nobody could have ended it'
    with tap.part('another one is written down: the same daemon goes on with it, to the end'):
        write_clouds(world, fake, *by_id(owner.make('anew')))
        gone(fake, world, 'left')
        assert world.show('left')['halted'] is None
    with tap.part('... and mirage-reap, which has no daemon, ends what is overdue'):
        deploy(world, 'overdue', '--ttl', '10m')
        token = world.show('overdue')['id']
        owner.delete('anew')
        world.kill_daemon()
        assert world.reaper('openstack', '--grace', '0').returncode == 4
        fake.advance(700)
        world.time.passes(700)
        write_clouds(world, fake, *by_id(owner.make('third')))
        done = world.reaper('openstack', '--grace', '0')
        assert done.returncode == 0, (done.stdout, done.stderr)
        left = set(everything(fake, token))
        assert not left, left


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-reap',
                  'mirage-fakecloud', 'hello.elf')
    tap = Tap()
    with fakecloud() as fake, HastyWorld(fake) as world:
        owner = Owner(fake)
        whole_life(tap, world, fake, owner)
        tokens_end(tap, world, fake)
        too_short(tap, world, fake, owner)
        over(tap, world, fake, owner)
        world.say_log(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
