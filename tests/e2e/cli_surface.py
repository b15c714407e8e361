# SPDX-License-Identifier: ISC
"""The surface that others rely on, with the real daemon: the JSON of every command, with and
without a terminal, has the fields that are promised; what people read is there."""
import json
import os
import shutil
import subprocess
import sys
import time

from cli_terminal import on_terminal
from mirage import PATIENCE, Skip, Tap, World, need_programs, program, wait_for

HELLO = program('hello.elf')
DEPLOYMENT = {'id', 'name', 'provider', 'state', 'kernel', 'url', 'addresses', 'created_at',
              'expires_at', 'hooks', 'cost', 'site', 'badge_url'}
KERNEL = {'sha256', 'bytes', 'container', 'format', 'arch', 'min_memory_bytes', 'devices',
          'powers_off', 'boots'}
SITE = {'name', 'url', 'state', 'verified_by', 'kernel', 'first_seen', 'last_seen', 'statement'}
COST = {'currency', 'per_hour_micro', 'once_micro', 'so_far_micro', 'worst_micro', 'budget_micro',
        'price_date', 'note'}


def has(document, fields):
    assert fields <= set(document), f'missing: {fields - set(document)}'


def twice(world, *args):
    """The document with a pipe behind it, and once more with a terminal around it."""
    plain = world.cli(*args, '--json').json()
    env = {k: v for k, v in world.env.items() if k != 'CI'}
    _, out, _ = on_terminal({**env, 'TERM': 'xterm'}, *args, '--json', own_stdout=True)
    assert set(json.loads(out)) == set(plain), (out, plain)
    _, _, screen = on_terminal({**env, 'TERM': 'xterm'}, *args, '--json', '--quiet')
    assert set(json.loads(screen)) == set(plain), (screen, plain)
    return plain


def deployments(tap, world):
    with tap.part('a deploy'):
        d = world.cli('local', HELLO, '--name', 'hello', '--ttl', '10m', '--budget', '0.01',
                      '--json').json()
        has(d, DEPLOYMENT | {'place'})
        has(d['cost'], COST)
        assert d['cost']['budget_micro'] == 10000 and d['cost']['worst_micro'] == 0, d
        assert d['state'] == 'live' and len(d['kernel']) == 64, d
        for hook in d['hooks']:
            assert hook['name'] and hook['state'] in ('armed', 'failed', 'off'), hook
    with tap.part('ps, show, logs, wait, badge'):
        has(twice(world, 'ps')['deployments'][0], DEPLOYMENT)
        d = twice(world, 'show', 'hello')
        has(d, DEPLOYMENT | {'events'})
        has(d['events'][0], {'id', 'at', 'kind', 'state', 'text'})
        wait_for('its console', 5 * PATIENCE, lambda: 'hello' in world.cli('logs', 'hello').out)
        assert 'hello' in twice(world, 'logs', 'hello')['text']
        for words in ('ps', 'show hello'):
            assert 'free' in world.cli(*words.split()).out, words
        assert twice(world, 'wait', 'hello', '--for', 'live')['name'] == 'hello'
        badge = twice(world, 'badge', 'hello')
        assert badge['markdown'].startswith('[![') and badge['html'].startswith('<a href='), badge
        assert badge['badge_url'] == d['badge_url'] and badge['site_url'] == d['site_url']
    with tap.part('by id as well as by name'):
        assert world.show(world.show('hello')['id'])['name'] == 'hello'
    with tap.part('extend gives the new deadline and the hooks that were read back'):
        before = world.show('hello')['expires_at']
        lease = world.cli('extend', 'hello', '5m', '--json').json()
        has(lease, {'expires_at', 'hooks', 'left_s'})
        assert lease['expires_at'] > before and lease['hooks'], lease
        out = world.cli('extend', 'hello', '5m').out
        assert world.show('hello')['expires_at'] in out and 'armed' in out, out
    with tap.part('logs --since leaves out what is older'):
        assert world.cli('logs', 'hello', '--since', '1h').out
        time.sleep(3)
        assert 'listening' not in world.cli('logs', 'hello', '--since', '1s').out
    with tap.part('logs -f ends with the deployment'):
        child = world.start('logs', '-f', 'hello')
        gone = world.cli('rm', 'hello', '--json').json()['deployments'][0]
        has(gone, DEPLOYMENT)
        assert gone['state'] == 'gone', gone
        out, err = child.communicate(timeout=30)
        assert child.returncode == 0 and 'hello' in out, (child.returncode, out, err)
    with tap.part('rm of what is over is a success'):
        assert world.cli('rm', 'hello', '--json').json()['deployments'][0]['state'] == 'gone'


def detached(tap, world):
    with tap.part('--detach returns at once, wait sees it through to its end'):
        d = world.cli('local', HELLO, '--name', 'later', '--ttl', '9m', '--detach', '--json').json()
        assert d['state'] not in ('gone', 'failed'), d
        world.cli('wait', 'later', '--for', 'live', '--timeout', '60s')
        world.cli('rm', 'later', '--detach')
        done = world.cli('wait', 'later', '--for', 'gone', '--timeout', '60s', '--json').json()
        assert done['state'] == 'gone', done
        world.cli('wait', 'later', '--for', 'live', expect=1)


def kernels(tap, world):
    with tap.part('inspect and plan'):
        d = twice(world, 'inspect', HELLO)
        has(d, KERNEL)
        assert d['boots']['local']['verdict'] == 'boots', d
        plan = twice(world, 'plan', 'local', HELLO)
        has(plan, {'boots', 'steps', 'hooks', 'cost', 'expires_at', 'memory_bytes', 'place',
                   'family'})
        has(plan['cost'], COST)
        dry = world.cli('local', HELLO, '--dry-run', '--json').json()
        assert set(dry) == set(plan) and not world.cli('ps', '--json').json()['deployments']
        for line in ('steps', 'memory', 'deadline', 'price', 'at most', 'hooks'):
            assert line in world.cli('plan', 'local', HELLO).out, line


def sites(tap, world):
    with tap.part('sites: add, list, verify, take off'):
        site = world.cli('site', 'add', 'http://example.org/', '--name', 'elsewhere',
                         '--json').json()
        has(site, SITE)
        listed = twice(world, 'sites')['sites']
        assert 'elsewhere' in [s['name'] for s in listed], listed
        world.cli('site', 'verify', 'elsewhere', '--json', expect=None).json()
        world.cli('site', 'rm', 'elsewhere', '--json').json()
        world.cli('site', 'rm', 'elsewhere', expect=3)


def the_rest(tap, world):
    with tap.part('providers, doctor, daemon, version, api, config'):
        assert twice(world, 'providers')['providers'][0]['name'] == 'local'
        checks = world.cli('doctor', '--json', expect=None).json()['checks']
        assert {'daemon', 'reaper'} <= {c['name'] for c in checks}, checks
        assert any(c['name'].startswith('local: ') for c in checks), checks
        assert twice(world, 'daemon', 'status')['ready'] is True
        assert twice(world, 'daemon', 'start')['started'] is False
        assert twice(world, 'version')['daemon']['version']
        assert twice(world, 'api', 'GET', '/v1/version')['pid'] == world.daemon.pid
        assert world.cli('api', 'GET', '/metrics', '--json').json()['text']
        assert '# ' in world.cli('api', 'GET', '/metrics').out
        settings = world.cli('config', 'list', '--json').json()['settings']
        assert any(s['origin'] == 'environment MIRAGE_DEPLOY_STATE' for s in settings), settings
    with tap.part('every route of the contract is there for api'):
        routes = world.cli('api', 'GET', '/v1/openapi.json').json()['paths']
        assert '/v1/deployments/{name}/lease' in routes, sorted(routes)


def links(tap):
    """Every deploy waits for these to be loaded; libcrypto alone would be 0.7 ms."""
    with tap.part('command line and keeper stay thin: libc and jansson, nothing else'):
        if not shutil.which('readelf'):
            raise Skip('no readelf')
        for name in ('mirage-deploy', 'mirage-keeper'):
            done = subprocess.run(['readelf', '-d', program(name)], capture_output=True,
                                  text=True, check=True)
            needed = [line.split('[')[1].split(']')[0] for line in done.stdout.splitlines()
                      if '(NEEDED)' in line]
            if any('san' in name for name in needed):
                raise Skip('built with sanitizers')
            assert {n.split('.so')[0] for n in needed} == {'libc', 'libjansson'}, (name, needed)


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-keeper', 'mirage-image', 'hello.elf')
    tap = Tap()
    links(tap)
    with World() as world:
        world.start_daemon()
        wait_for('ready', 10, world.ready)
        for group in (deployments, detached, kernels, sites, the_rest):
            group(tap, world)
        with tap.part('nothing is left'):
            assert not world.guests(), world.guests()
    return tap.end()


if __name__ == '__main__':
    os.umask(0o077)
    sys.exit(main())
