# SPDX-License-Identifier: ISC
"""The whole journey of hello: deployed, live, listed, extended, through a crash and a stop of the
daemon, and gone at its deadline, on the page as well. And `rm`, which waits until it is so."""
import os
import re
import sys
import time

from mirage import PATIENCE, Tap, World, get, need_programs, program, utc, wait_for

HELLO = program('hello.elf')
TTL_S = 40 if PATIENCE > 1 else 30
NEW_DEADLINE_S = 12  # what is left when the deadline is pulled nearer, at the end


def says(world, name, word):
    """Page, badge and the badge's JSON form all say the same word about a site."""
    d = world.show(name)
    assert d['site_url'] and d['badge_url'], d
    pages = [d['site_url'], d['badge_url'], d['badge_url'].removesuffix('.svg') + '.json']
    for url in pages:
        status, text = get(url)
        if status != 200 or word not in text.lower():
            return False
    return True


def deploy_and_look(tap, world):
    with tap.part('hello is deployed and live'):
        done = world.cli('local', HELLO, '--ttl', f'{TTL_S}s', '--name', 'hello', '--json')
        d = done.json()
        d = d.get('deployment', d)
        assert d['state'] == 'live' and d['name'] == 'hello', d
        status, text = get(d['url'])
        assert status == 200 and 'hello' in text.lower(), (status, text)
    with tap.part('the deadline is printed and at least two hooks are armed'):
        d = world.show('hello')
        assert 0 < d['left_s'] <= TTL_S, d
        assert d['expires_at'] in done.err, done.err
        row = next(r for r in world.cli('ps').out.splitlines() if r.startswith('hello '))
        assert re.fullmatch(r'[1-9]\d?s', row.split()[-2]), row
        armed = [h['name'] for h in d['hooks'] if h['state'] == 'armed']
        assert len(armed) >= 2 and 'keeper' in armed, d['hooks']
    with tap.part('page and badge say live'):
        wait_for('page and badge say live', 5 * PATIENCE, lambda: says(world, 'hello', 'live'))
    with tap.part('ps and logs know it'):
        rows = world.cli('ps', '--json').json()['deployments']
        assert [r['name'] for r in rows] == ['hello'], rows
        assert 'hello' in world.cli('ps').out
        wait_for('the guest has its address', 5 * PATIENCE,
                 lambda: '10.0.2.' in world.cli('logs', 'hello').out)
    with tap.part('the guest announces itself, though its port was chosen for it'):
        wait_for('the registry has answered the guest', 10 * PATIENCE,
                 lambda: 'hello: announced' in world.cli('logs', 'hello').out)
    with tap.part('a name that is taken is a conflict'):
        done = world.cli('local', HELLO, '--ttl', '5m', '--name', 'hello', expect=6)
        assert 'hello' in done.err


def extend(tap, world):
    with tap.part('extend moves every hook'):
        before = world.show('hello')
        world.cli('extend', 'hello', '1m')
        after = world.show('hello')
        assert utc(after['expires_at']) - utc(before['expires_at']) >= 59, (before, after)
        for hook in after['hooks']:
            assert hook['state'] != 'failed', hook
            if hook['state'] == 'armed':
                assert hook['deadline'] == after['expires_at'], hook


def survive_the_daemon(tap, world):
    with tap.part('a second daemon says who holds the lock'):
        second = world.cli('daemon', 'run', expect=None, timeout=20)
        assert second.status == 6, (second.status, second.err)
        assert str(world.daemon.pid) in second.err, second.err
    with tap.part('after a crash of the daemon the instance is adopted'):
        before = world.show('hello')
        guests = world.guests()
        world.kill_daemon()
        assert get(before['url'])[0] == 200, 'the guest ended with the daemon'
        world.start_daemon()
        wait_for('live again', 10 * PATIENCE, lambda: world.state_of('hello') == 'live')
        after = world.show('hello')
        assert after['id'] == before['id'] and after['expires_at'] == before['expires_at']
        assert sorted(world.guests()) == sorted(guests), 'not the same processes'
    with tap.part('SIGTERM leaves it running and says until when'):
        deadline = world.show('hello')['expires_at']
        url = world.show('hello')['url']
        assert world.stop_daemon() == 0
        assert deadline in world.daemon_log(), world.daemon_log()
        assert get(url)[0] == 200, 'the guest ended with the daemon'
        world.start_daemon()


def reach_the_deadline(tap, world):
    with tap.part('at the deadline it is gone within 5 s, and nothing is left'):
        when = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + NEW_DEADLINE_S))
        world.cli('api', 'PATCH', '/v1/deployments/hello/lease',
                  '--data', f'{{"expires_at":"{when}"}}')
        d = world.show('hello')
        assert d['expires_at'] == when, d
        time.sleep(max(0, utc(when) - time.time()))
        d = world.wait_over('hello', 5 + 1)
        assert time.time() - utc(when) <= 5.5, 'later than 5 s'
        assert d['state'] == 'gone' and d['end_reason'] == 'deadline', d
        assert utc(d['finished_at']) - utc(when) <= 5, d
        assert not world.guests(), f'left behind: {world.guests()}'
        assert get(d['url'])[0] == 0
    with tap.part('page and badge say gone'):
        wait_for('page and badge say gone', 5 * PATIENCE, lambda: says(world, 'hello', 'gone'))
    with tap.part('its console is kept'):
        wait_for('the guest has its address', 5 * PATIENCE,
                 lambda: '10.0.2.' in world.cli('logs', 'hello').out)
    with tap.part('the guest announces itself, though its port was chosen for it'):
        wait_for('the registry has answered the guest', 10 * PATIENCE,
                 lambda: 'hello: announced' in world.cli('logs', 'hello').out)
        assert not world.cli('ps', '--json').json()['deployments']
        assert len(world.cli('ps', '--all', '--json').json()['deployments']) == 1


def remove(tap, world):
    with tap.part('rm waits until it is gone'):
        world.cli('local', HELLO, '--ttl', '5m', '--name', 'second')
        assert world.guests()
        world.cli('rm', 'second')
        d = world.show('second')
        assert d['state'] == 'gone' and d['end_reason'] == 'removed', d
        assert not world.guests(), f'left behind: {world.guests()}'
    with tap.part('rm of what is not there is exit code 3'):
        assert 'nobody' in world.cli('rm', 'nobody', expect=3).err


def on_demand(tap):
    with World() as world, tap.part('the command line starts the daemon when there is none'):
        world.cli('local', HELLO, '--ttl', '3m', '--name', 'hello')
        assert world.state_of('hello') == 'live'
        world.cli('daemon', 'status')
        world.cli('rm', 'hello')
        world.cli('daemon', 'stop')
        wait_for('the daemon ends', 10 * PATIENCE, lambda: not world.processes('mirage-'))


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-keeper', 'mirage-image', 'hello.elf')
    tap = Tap()
    with World() as world:
        with tap.part('the daemon starts'):
            world.start_daemon()
        deploy_and_look(tap, world)
        extend(tap, world)
        survive_the_daemon(tap, world)
        reach_the_deadline(tap, world)
        remove(tap, world)
        world.say_log(tap)
    on_demand(tap)
    return tap.end()


if __name__ == '__main__':
    os.umask(0o077)
    sys.exit(main())
