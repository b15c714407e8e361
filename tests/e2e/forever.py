# SPDX-License-Identifier: ISC
"""A deployment without a deadline: refused unless the configuration allows it and a reason is
given, said to be one wherever it is shown, and ended by nothing but its owner."""
import json
import os
import re
import sys
import time

from meddle import LIBRARY, Meddle
from mirage import PATIENCE, Skip, Tap, World, get, need_programs, program, utc, wait_for

HELLO = program('hello.elf')
WHY = 'the status page of the lab, für immer'
SAID = f'no deadline: it runs until you remove it (reason: {WHY})'
FAR_S = 253402300799  # 9999-12-31T23:59:59Z, as the tags have it
YEAR = 365 * 86400


def configure(world):
    path = os.path.join(world.dir, 'config')
    with open(path, 'w', encoding='utf-8') as f:
        f.write('[policy]\nttl_min = 4s\nallow_forever = yes\n')
    world.env['MIRAGE_DEPLOY_CONFIG'] = path


def refused(world, status, code, words, *args):
    done = world.cli('--json', *args, expect=status)
    error = json.loads(done.out)['error']
    assert error['code'] == code and error['hint'], error
    for word in words:
        assert word in error['detail'] + error['hint'], (word, error)


def bad_input(tap, world):
    rows = [
        ('no reason', ['--reason is missing'], ['--forever']),
        ('an empty reason', ['--reason is empty'], ['--forever', '--reason', '']),
        ('a blank reason', ['the reason is empty'], ['--forever', '--reason', '  ']),
        ('a reason of two lines', ['control character'], ['--forever', '--reason', 'a\nb']),
        ('a reason that is too long', ['longer than 200'], ['--forever', '--reason', 'x' * 201]),
        ('a reason alone', ['without --forever'], ['--reason', WHY]),
        ('a length as well', ['--ttl 1h', '--forever'],
         ['--forever', '--reason', WHY, '--ttl', '1h']),
        ('an end as well', ['--until', '--forever'],
         ['--forever', '--reason', WHY, '--until', '2036-01-01T00:00:00Z']),
    ]
    for name, words, args in rows:
        with tap.part(f'bad input: {name}'):
            refused(world, 2, 'usage', words, 'local', HELLO, *args)
            refused(world, 2, 'usage', words, 'plan', 'local', HELLO, *args)
    with tap.part('bad input, over REST: each by its name'):
        kernel = world.cli('inspect', HELLO, '--json').json()['sha256']
        for extra, word in (({'forever': True}, 'the reason is empty'),
                            ({'forever': 1, 'reason': WHY}, 'true or false'),
                            ({'reason': WHY}, 'without forever'),
                            ({'forever': True, 'reason': WHY, 'ttl': '1h'}, 'forever and ttl')):
            body = json.dumps({'provider': 'local', 'kernel': kernel, **extra})
            done = world.cli('api', 'POST', '/v1/deployments', '--data', body, expect=2)
            assert word in done.out + done.err, (word, done.out, done.err)
    nothing_new(world)


def nothing_new(world):
    assert world.cli('ps', '--all', '--json').json()['deployments'] == []
    assert not world.guests()


def not_allowed(tap):
    with World() as world, tap.part('it is refused by default, and nothing is made'):
        world.start_daemon()
        for command in (['local'], ['plan', 'local'], ['local', '--dry-run']):
            refused(world, 5, 'policy', ['without an end is not allowed', 'allow_forever = yes'],
                    *command, HELLO, '--forever', '--reason', WHY)
        nothing_new(world)


def no_time(d):
    assert d['expires_at'] is None and d['left_s'] is None and d['forever'] is True, d
    assert d['reason'] == WHY and d['cost']['worst_micro'] is None, d
    hooks = {h['name']: h for h in d['hooks']}
    assert set(hooks) == {'keeper', 'daemon', 'guest'}, hooks
    for hook in hooks.values():
        assert hook['state'] == 'off' and hook['detail'] == 'no deadline', hook
        assert hook['deadline'] is None, hook


def shown(tap, world):
    with tap.part('the plan has no end, and no most that it may cost'):
        plan = world.cli('plan', 'local', HELLO, '--forever', '--reason', WHY, '--json').json()
        assert plan['expires_at'] is None and plan['ttl_s'] is None and plan['forever'] is True
        assert plan['reason'] == WHY and plan['hooks'] == [], plan
        assert plan['cost']['worst_micro'] is None, plan
        out = world.cli('plan', 'local', HELLO, '--forever', '--reason', WHY).out
        assert SAID in out and 'nothing ends it' in out, out
    with tap.part('a deploy says so last, and why'):
        done = world.cli('local', HELLO, '--forever', '--reason', WHY, '--name', 'always')
        assert done.out.splitlines()[-1].split(maxsplit=1) == ['deadline', SAID], done.out
        assert 'keeper off (no deadline), daemon off (no deadline)' in done.out, done.out
        assert f'always has {SAID}' in done.err, done.err
    with tap.part('the document has no time, hooks that are off, and the reason'):
        d = world.show('always')
        no_time(d)
        assert d['state'] == 'live' and get(d['url'])[0] == 200
        lease = world.cli('api', 'GET', '/v1/deployments/always/lease').json()
        assert lease['expires_at'] is None and lease['forever'] is True, lease
        assert lease['reason'] == WHY, lease
    with tap.part('show, ps, events and the audit log say it'):
        out = world.cli('show', 'always').out
        assert SAID in out and '9999' not in out, out
        done = world.cli('ps')
        assert re.search(r'^always .* no deadline ', done.out, re.M), done.out
        assert f'always has {SAID}' in done.err and '9999' not in done.out, done.err
        assert [e for e in d['events'] if WHY in e['text'] and 'without a deadline' in e['text']]
        assert d['audit'][0]['what'] == 'deploy', d['audit']
        assert d['audit'][0]['detail'].endswith(f'no deadline, reason: {WHY}'), d['audit'][0]
        hooks = [row for row in d['audit'] if row['what'] == 'hooks']
        assert hooks and 'until' not in hooks[0]['detail'], hooks
    with tap.part('page, badge and site say it, and so does the guest'):
        page = get(f'http://{world.public}/sites/always')[1]
        assert 'no deadline' in page and '9999' not in page, page
        site = world.cli('api', 'GET', '/v1/sites/always').json()
        assert site['expires_at'] is None and site['forever'] is True, site
        assert get(f'http://{world.public}/badge/always.svg')[0] == 200
        guest = json.loads(get(d['url'] + '.well-known/unikernel')[1])
        assert guest['deadline'] is None, guest
    with tap.part('metrics know of no nearest deadline'):
        text = world.cli('api', 'GET', '/metrics').out
        assert 'mirage_deploy_deployments' in text and 'nearest_deadline' not in text, text


def keeper_of(world, name):
    path = os.path.join(world.state, 'local', world.show(name)['id'], 'status.json')
    with open(path, encoding='utf-8') as f:
        return json.load(f)


def armed_timers(pid):
    """How many of its timers are set, as the kernel has them."""
    count = 0
    for fd in os.listdir(f'/proc/{pid}/fdinfo'):
        try:
            with open(f'/proc/{pid}/fdinfo/{fd}', encoding='ascii') as f:
                value = re.search(r'^it_value: \((\d+), (\d+)\)', f.read(), re.M)
        except FileNotFoundError:
            continue
        count += bool(value and value.groups() != ('0', '0'))
    return count


def nobody_ends_it(tap, world):
    d = world.show('always')
    with tap.part('its tags say the far date, and its keeper has no timer set'):
        status = keeper_of(world, 'always')
        assert status['deadline_s'] == status['expires_s'] == FAR_S, status
        assert armed_timers(status['keeper']['pid']) == 0
        with open(os.path.join(world.state, 'local', d['id'], 'spec.json'), encoding='utf-8') as f:
            told = json.load(f)['arguments']
        assert 'grace=' in told and 'deadline=' not in told, told
        world.cli('local', HELLO, '--ttl', '30m', '--name', 'usual', '-p', '0:80')
        assert armed_timers(keeper_of(world, 'usual')['keeper']['pid']) > 0
        world.cli('rm', 'usual')
    with tap.part('the stateless reaper leaves it alone'):
        found = world.cli('orphans', 'local', '--grace', '1s', '--json').json()
        assert found['orphans'] == [] and found['kept'] == 1, found
        world.cli('reap', 'local', '--grace', '1s')
        assert get(d['url'])[0] == 200
    with tap.part('it outlives the daemon, killed and stopped, and is known again'):
        guests = sorted(world.guests())
        world.kill_daemon()
        world.start_daemon()
        wait_for('it is live', 15 * PATIENCE, lambda: world.state_of('always') == 'live')
        assert world.stop_daemon() == 0
        assert 'keeps running until removed: not all have a deadline' in world.daemon_log()
        world.start_daemon()
        wait_for('it is live', 15 * PATIENCE, lambda: world.state_of('always') == 'live')
        no_time(world.show('always'))
        assert sorted(world.guests()) == guests, (world.guests(), guests)
    with tap.part('a lost database takes it up again from its tags, without the reason'):
        world.kill_daemon()
        for name in os.listdir(world.state):
            if name.startswith('state.db'):
                os.unlink(os.path.join(world.state, name))
        world.start_daemon()
        wait_for('it is known', 20 * PATIENCE,
                 lambda: world.state_of('always') in ('running', 'live'))
        d = world.show('always')
        assert d['forever'] is True and d['expires_at'] is None and d['reason'] is None, d
        assert '(reason: not known)' in world.cli('show', 'always').out


def removed(tap, world):
    with tap.part('rm ends it, and the receipt has the reason'):
        world.cli('local', HELLO, '--forever', '--reason', WHY, '--name', 'goes')
        world.cli('rm', 'goes')
        d = world.show('goes')
        assert d['state'] == 'gone' and d['end_reason'] == 'removed' and d['forever'] is True, d
        assert d['left_s'] == 0 and d['expires_at'] is None, d
        receipt = d['receipt']
        assert receipt['expires_at'] is None and receipt['forever'] is True, receipt
        assert receipt['reason'] == WHY, receipt
        assert SAID not in world.cli('show', 'goes').out
        world.cli('rm', 'always')
        assert not world.guests()


def given_an_end(tap, world):
    with tap.part('there is nothing to extend by a length; an end can be given'):
        world.cli('local', HELLO, '--forever', '--reason', WHY, '--name', 'ends')
        refused(world, 6, 'conflict', ['no deadline that could be extended', '--until TIME'],
                'extend', 'ends', '1h')
        no_time(world.show('ends'))
        refused(world, 5, 'policy', ['that far away', 'goes on with no deadline'], 'extend',
                'ends', '--until', '9999-12-31T23:59:59Z')
        refused(world, 2, 'usage', ['DURATION is missing'], 'extend', 'ends')
        refused(world, 2, 'usage', ['1h', '--until'], 'extend', 'ends', '1h', '--until',
                '2036-01-01T00:00:00Z')
        ends = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + 8 + 6 * PATIENCE))
        world.cli('extend', 'ends', '--until', ends)
        d = world.show('ends')
        assert d['expires_at'] == ends and d['forever'] is False and d['reason'] is None, d
        hooks = {h['name']: h for h in d['hooks']}
        assert hooks['keeper']['state'] == hooks['daemon']['state'] == 'armed', hooks
        assert hooks['keeper']['deadline'] == ends, hooks
        wait_for('the guest has heard of it', 5 * PATIENCE, lambda: any(
            h['name'] == 'guest' and h['state'] == 'armed' for h in world.show('ends')['hooks']))
        moved = [row for row in world.show('ends')['audit'] if row['what'] == 'extend']
        assert [row['detail'] for row in moved] == [f'from no deadline to {ends}'], moved
    with tap.part('and then it ends at it'):
        over = world.wait_over('ends', 20 * PATIENCE)
        assert over['state'] == 'gone' and over['end_reason'] == 'deadline', over
        assert utc(over['finished_at']) >= utc(ends), over
        assert over['receipt']['forever'] is False and over['receipt']['expires_at'], over


def centuries(tap):
    if not os.path.exists(LIBRARY):
        with tap.part('years pass'):
            raise Skip('libmeddle.so is not built')
        return
    with World() as world, tap.part('years pass, with and without a daemon: it goes on'):
        configure(world)
        meddle = Meddle(world.dir)
        world.start_daemon(**meddle.env())
        world.cli('local', HELLO, '--forever', '--reason', WHY, '--name', 'always')
        world.cli('local', HELLO, '--ttl', '1h', '--name', 'usual')
        guests = len(world.guests())
        meddle.passes(20 * YEAR)
        over = world.wait_over('usual', 20 * PATIENCE)
        assert over['end_reason'] == 'deadline', over
        assert world.state_of('always') == 'live' and len(world.guests()) < guests
        world.kill_daemon()
        meddle.step(50 * YEAR)
        meddle.passes(50 * YEAR)
        world.start_daemon(**meddle.env())
        wait_for('it is live', 15 * PATIENCE, lambda: world.state_of('always') == 'live')
        no_time(world.show('always'))
        assert get(world.show('always')['url'])[0] == 200
        world.cli('rm', 'always')
        assert not world.guests()


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-keeper', 'mirage-image', 'hello.elf',
                  'mirage-reap')
    tap = Tap()
    not_allowed(tap)
    with World() as world:
        configure(world)
        world.start_daemon()
        for part in (bad_input, shown, nobody_ends_it, removed, given_an_end):
            part(tap, world)
        world.say_log(tap)
    centuries(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
