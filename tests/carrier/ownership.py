# SPDX-License-Identifier: ISC
"""The ownership answer by a carrier: `mirage-deploy local --answer-ownership` with a MirageOS
kernel of 2015, which has none, and a Solo5 kernel, which has its own. What is asked for is
answered, said and shown; every other page is the guest's, byte for byte; and a crowd of those who
say nothing keeps nobody out.

    ownership.py STAND_IN

STAND_IN is web_tender.c."""
import contextlib
import http.client
import json
import os
import socket
import sys
import urllib.parse

import kernels
from carried import mirageos, need_base, share_cache
from mirage import PATIENCE, Tap, World, get, need_programs, wait_for

STAND_IN = os.path.abspath(sys.argv[1])
LIVE = 90 * PATIENCE
PATH = '/.well-known/unikernel'


def deploy(world, kernel, name, *options, words=(), expect=0):
    return world.cli('local', kernel, '--ttl', '20m', '--name', name, *options,
                     *(['--', *words] if words else []), expect=expect, timeout=LIVE)


def connect(url):
    where = urllib.parse.urlsplit(url)
    return socket.create_connection((where.hostname, where.port), timeout=10 * PATIENCE)


def ask(url, path, method='GET'):
    """(status, fields, body) of an answer; the kernel keeps its connections."""
    where = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=10 * PATIENCE)
    try:
        connection.request(method, path, headers={'Host': 'site.example'})
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        connection.close()


def site(world, name):
    return world.cli('api', 'GET', f'/v1/sites/{name}').json()


def console(world, name):
    return world.cli('logs', name).out


def refused(tap, world):
    with tap.part('refused with the way out where nobody could answer: exit code 2'):
        plain = os.path.join(world.dir, 'plain.elf')
        with open(plain, 'wb') as f:
            f.write(kernels.multiboot('I run', 'hang'))
        for words, says in (((plain,), 'without a carrier'),
                            ((mirageos('mortio'), '--url', 'https://site.example/'), 'no TLS')):
            done = world.cli('plan', 'local', *words, '--answer-ownership', expect=2)
            assert says in done.err and 'leave --answer-ownership away' in done.err, done.err


def said(tap, world):
    with tap.part('plan says it, and only when it is asked for'):
        kernel = mirageos('mortio')
        line = 'the carrier answers /.well-known/unikernel'
        assert line in world.cli('plan', 'local', kernel, '--answer-ownership').out
        assert line not in world.cli('plan', 'local', kernel).out
        plan = world.cli('plan', 'local', kernel, '--answer-ownership', '--json').json()
        assert plan['answer_ownership'] is True, plan


def mirage(tap, world):
    deploy(world, mirageos('mortio'), 'plain')
    deploy(world, mirageos('mortio'), 'answered', '--answer-ownership')
    plain, answered = world.show('plain')['url'], world.show('answered')['url']
    token = site(world, 'answered')['token']
    with tap.part('without the wish the kernel answers itself, as it can'):
        status, _, own = ask(plain, PATH)
        assert status != 200 and token.encode() not in own, (status, own)
    with tap.part('with it the token of the deployment is there, by GET and HEAD'):
        status, fields, body = ask(answered, PATH)
        assert status == 200 and ('Content-Type', 'application/json') in fields, fields
        assert json.loads(body) == {'token': token, 'deadline': None, 'answered_by': 'carrier'}
        assert ask(answered, PATH, 'HEAD') == (200, fields, b'')
    with tap.part('every other page is the kernel\'s own, byte for byte'):
        for path in ('/', '/css/site.css', '/nothing/there', PATH + '/x', PATH + '?a'):
            one, other = ask(plain, path), ask(answered, path)
            assert one == other, (path, one, other)
        assert len(ask(answered, '/')[2]) > 8000
    with tap.part('console, show, the site\'s page and its JSON say so, and are right'):
        assert 'on port 80 is answered by the carrier' in console(world, 'answered')
        assert 'answered by the carrier' not in console(world, 'plain')
        assert 'the carrier answers /.well-known' in world.cli('show', 'answered').out
        assert 'the carrier answers /.well-known' not in world.cli('show', 'plain').out
        wait_for('the registry has seen the token', 90 * PATIENCE,
                 lambda: site(world, 'answered')['answered_by'] == 'carrier')
        assert site(world, 'answered')['verified_by'] == 'launched'
        assert site(world, 'plain')['answered_by'] is None
        text = get(world.show('answered')['site_url'])[1]
        assert 'Ownership answer' in text and 'given by its carrier' in text, text
        assert 'Ownership answer' not in get(world.show('plain')['site_url'])[1]
    for name in ('plain', 'answered'):
        world.cli('rm', name)


def crowd(tap, world):
    path = os.path.join(world.dir, 'www.spt')
    with open(path, 'wb') as f:
        f.write(kernels.solo5('spt', (('service', 'net'),)))
    deploy(world, path, 'www', '--answer-ownership', words=('ip=10.9.0.2/24', 'gw=10.9.0.1'))
    url = world.show('www')['url']
    with tap.part('a kernel that could answer itself: the carrier does, as it was asked to'):
        assert heard(url)
    with tap.part('150 connections that say little or nothing, within the memory that was planned'):
        silent = [connect(url) for _ in range(150)]
        for client in silent[::2]:
            with contextlib.suppress(OSError):  # one that is displaced by now
                client.sendall(b'GET /.well-known/unikern')
        wait_for('answers', 30 * PATIENCE, lambda: heard(url))
        for client in silent:
            client.close()
        wait_for('answers', 30 * PATIENCE, lambda: heard(url))
        text = console(world, 'www')
        assert 'its process has ended' not in text and 'emory:' not in text, text
        assert world.state_of('www') == 'live'
    world.cli('rm', 'www')


def heard(url):
    try:
        return b'"answered_by":"carrier"' in ask(url, PATH)[2] and \
            b'<title>' in ask(url, '/')[2]
    except (OSError, http.client.HTTPException):
        return False


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-carrier',
                  'mirage-public')
    need_base('xen', 'linux')
    tap = Tap()
    with World() as world:
        config = os.path.join(world.dir, 'mirage.conf')
        with open(config, 'w', encoding='utf-8') as f:
            f.write(f'[carrier]\nsolo5_spt = {STAND_IN}\n')
        world.env['MIRAGE_DEPLOY_CONFIG'] = config
        share_cache(world)
        world.start_daemon()
        refused(tap, world)
        said(tap, world)
        mirage(tap, world)
        crowd(tap, world)
        world.say_log(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
