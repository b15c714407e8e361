#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Debian's `openstack` beside us in one project: it sees what we made and whose it is; and what it
makes itself, however much that looks like ours, is as it was after a sweep, `orphans`, `reap` and
the end of the deployment that it names. Speaks TAP."""
import concurrent.futures
import json
import os
import subprocess

import ours
import stack
import tap

OPENSTACK = '/usr/bin/openstack'  # Debian's, whatever else is on PATH
PAST = '2020-01-01T00:00:00Z'
WRONG = '0' * 64


class Client:
    """The command, as that user; what it keeps for itself goes into that folder."""

    def __init__(self, env, folder):
        self.folder = folder
        self.env = {'PATH': '/usr/bin:/bin', 'HOME': folder, 'LANG': 'C.UTF-8',
                    **{key: value for key, value in env.items() if key.startswith('OS_')}}

    def __call__(self, *words):
        done = subprocess.run([OPENSTACK, *words, '-f', 'json'], env=self.env, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, check=False,
                              timeout=120 * stack.PATIENCE)
        assert done.returncode == 0, (words, done.stderr)
        return json.loads(done.stdout)

    def all(self, *commands):
        """Several at once: each is a Python that has to start."""
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            return list(pool.map(lambda words: self(*words), commands))


def sees(client, d, found):
    """`openstack` lists server, images, port, address and group of ours, with our marks"""
    one = {kind: rows[0] for kind, rows in found.items()}
    ids = [row['id'] for row in found['images']]
    lists = client.all(('server', 'list', '--name', d['id']),
                       ('image', 'list', '--private', '--tag', 'mirage-deploy'),
                       ('port', 'list'), ('floating', 'ip', 'list'), ('security', 'group', 'list'),
                       ('server', 'show', one['servers']['id']),
                       *(('image', 'show', ident) for ident in ids),
                       ('port', 'show', one['ports']['id']),
                       ('floating', 'ip', 'show', one['floatingips']['id']),
                       ('security', 'group', 'show', one['security_groups']['id']))
    for kind, rows in zip(('servers', 'images', 'ports', 'floatingips', 'security_groups'), lists):
        wanted = {row['id'] for row in found[kind]}
        assert wanted <= {row['ID'] for row in rows}, (kind, wanted, rows)
    server, *rest = lists[5:]
    images, described = rest[:len(ids)], rest[len(ids):]
    for pairs in [server['properties'], *(image['properties'] for image in images)]:
        assert pairs[ours.MARK + 'deployment'] == d['id'], pairs
        assert pairs[ours.MARK + 'expires'] == d['expires_at'], pairs
        assert len(pairs[ours.MARK + 'signature']) == 64 and pairs[ours.MARK + 'installation']
    assert all('mirage-deploy' in image['tags'] for image in images), images
    for thing in described:
        assert thing['description'].startswith('mirage-deploy '), thing
        assert d['id'] in thing['description'], thing
    return {key: value for key, value in server['properties'].items() if key.startswith(ours.MARK)}


def properties(marks):
    return [word for key, value in marks.items() for word in ('--property', f'{key}={value}')]


def described(marks):
    return ' '.join(['mirage-deploy', *(marks[ours.MARK + word] for word in (
        'installation', 'deployment', 'expires', 'signature') if ours.MARK + word in marks)])


def makes(client, marks, d):
    """`openstack` makes the like: names of ours, overdue, unsigned or with a wrong signature"""
    lies = {**marks, ours.MARK + 'expires': PAST, ours.MARK + 'signature': WRONG}
    unsigned = {key: value for key, value in lies.items() if not key.endswith('signature')}
    stranger = {**lies, ours.MARK + 'deployment': 'f' * 32}
    name, root = f'one-{d["id"]}', os.path.join(client.folder, 'root')
    with open(root, 'wb') as file:
        file.write(bytes(65536))
    image = ('image', 'create', '--file', root, '--disk-format', 'raw', '--tag', 'mirage-deploy')
    plain, *made = client.all(
        ('image', 'create', '--file', root, '--disk-format', 'raw', 'plain'),
        (*image, *properties(lies), 'mirage-root-' + WRONG),
        (*image, *properties(unsigned), 'mirage-root-' + WRONG),
        (*image, *properties(stranger), 'mirage-kernel-' + d['kernel']),
        ('security', 'group', 'create', 'mirage-' + d['id'], '--description', described(lies)),
        ('security', 'group', 'create', 'mirage-' + d['id'], '--description', described(unsigned)),
        ('port', 'create', 'mirage-' + d['id'], '--network', stack.FLAT,
         '--description', described(lies)),
        ('floating', 'ip', 'create', stack.OUTSIDE, '--description', described(lies)))
    server = ('server', 'create', '--image', plain['id'], '--flavor', 'u1', '--network', stack.FLAT)
    servers = client.all((*server, *properties(lies), name),
                         (*server, *properties(unsigned), name),
                         (*server, *properties(stranger), 'one-' + 'f' * 32),
                         (*server, 'bystander'))
    kinds = ['images'] * 4 + ['security_groups'] * 2 + ['ports', 'floatingips'] + ['servers'] * 4
    return list(zip(kinds, [row['id'] for row in [plain, *made, *servers]]))


def documents(cloud, things):
    """Each as its service shows it."""
    rows = {}
    for kind, ident in things:
        service, _, path = ours.KINDS[kind]
        document = cloud.get(service, path + ident)
        rows[kind, ident] = document.get(kind[:-1], document)
    return rows


def settled(cloud, things):
    """What they are when nobody works at them any more."""
    for kind, ident in things:
        if kind == 'servers':
            cloud.await_active(ident)
    return documents(cloud, things)


def same(before, after):
    for thing, row in before.items():
        changed = {key: (value, after[thing].get(key)) for key, value in row.items()
                   if after[thing].get(key) != value}
        assert not changed, (thing, changed)


def swept(world, cloud, things, before):
    """a sweep, `orphans`, `reap`: none of these is an orphan, and none is touched"""
    world.again()
    stack.until('the sweep has told of them', lambda: 'wrong signature' in world.daemon_log(), 60)
    listed = world.cli('orphans', 'openstack', '--json', expect=None)
    found = json.loads(listed.out)
    assert found['orphans'] == [] and found['wrong_signature'] > 0, found
    reaped = world.cli('reap', 'openstack', '--grace', '1s', '--json', expect=None)
    assert reaped.status == 0 and json.loads(reaped.out)['orphans'] == [], (reaped.out, reaped.err)
    same(before, documents(cloud, things))


def ended(world, cloud, d, mine, things, before):
    """our own deployment is ended and told gone; these stay what they were"""
    world.rm('one')
    stack.until('it is over', lambda: world.state_of('one') in ours.OVER, ours.GONE_SECONDS)
    assert world.state_of('one') == 'gone', world.show('one')
    ours.seen_gone(cloud, mine)
    same(before, documents(cloud, things))


def main():
    ours.need_ours()
    if not os.path.exists(OPENSTACK):
        tap.skip_all('openstack is not installed')
    suite, admin = tap.Tap(), stack.Admin()
    env = admin.tenant('foreign')
    cloud = stack.Stack(env)
    with ours.Ours(env, f'floating_network = {stack.OUTSIDE}') as world:
        client = Client(env, world.dir)
        with suite.part('a deployment of ours'):
            world.begin()
            world.deploy('one', '--detach')
            d = world.runs('one')
            found = ours.everything(cloud, d['id'])
            mine = ours.ids(found)
        with suite.part(sees.__doc__):
            marks = sees(client, d, found)
        with suite.part(makes.__doc__):
            things = makes(client, marks, d)
            before = settled(cloud, things)
        with suite.part(swept.__doc__):
            swept(world, cloud, things, before)
        with suite.part(ended.__doc__):
            ended(world, cloud, d, mine, things, before)
        world.say_log(suite)
    return suite.end()


if __name__ == '__main__':
    raise SystemExit(main())
