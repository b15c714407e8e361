# SPDX-License-Identifier: ISC
"""Leases that cannot be kept, extensions that come too late, tags that are forged and clocks that
are wrong: each is refused or survived, says what is safe now, and leaves no lease longer or shorter
than it was. And what the audit log and the receipt say of it all."""
import concurrent.futures
import hashlib
import json
import os
import pwd
import shutil
import signal
import socket
import sys
import time

from meddle import LIBRARY, Meddle
from mirage import PATIENCE, Skip, Tap, World, get, need_programs, program, utc, wait_for

HELLO = program('hello.elf')
SHORTEST, LONGEST = '4s', '2h'


def configure(world):
    path = os.path.join(world.dir, 'config')
    with open(path, 'w', encoding='utf-8') as f:
        f.write(f'[policy]\nttl_min = {SHORTEST}\nttl_max = {LONGEST}\n')
    world.env['MIRAGE_DEPLOY_CONFIG'] = path


def refused(world, status, code, words, *args, provider=None):
    """The sentence, the fix, the exit code, and the same as JSON."""
    done = world.cli(*args, expect=status)
    for word in words:
        assert word in done.err, (word, done.err)
    error = json.loads(world.cli('--json', *args, expect=status).out)['error']
    assert error['code'] == code and error['hint'], error
    assert error.get('provider') == provider, error


def patch(world, name, body):
    done = world.cli('api', 'PATCH', f'/v1/deployments/{name}/lease', '--data', json.dumps(body),
                     '--json', expect=None)
    return done.status, done.out + done.err


def nothing_new(world):
    assert world.cli('ps', '--all', '--json').json()['deployments'] == []
    assert not world.guests()


def leases(tap, world):
    with tap.part('a lease that is too short, past or too long is refused before anything is made'):
        for args, words in ((('--ttl', '1s'), ('too short', 'shortest lease', '--ttl 4s')),
                            (('--until', '2020-01-01T00:00:00Z'), ('has passed already',)),
                            (('--ttl', '3h'), ('longest is 2h',))):
            refused(world, 5, 'policy', words, 'local', HELLO, *args, provider='local')
        nothing_new(world)
    with tap.part('nor is a deadline moved to where it cannot be kept'):
        world.cli('local', HELLO, '--ttl', '30m', '--name', 'kept')
        before = world.show('kept')
        refused(world, 5, 'policy', ('longest lease is 2h', 'stays ' + before['expires_at']),
                'extend', 'kept', '3h')
        for expires in ('2020-01-01T00:00:00Z', before['created_at']):
            status, said = patch(world, 'kept', {'expires_at': expires})
            assert status == 5 and 'has passed already' in said and 'stays' in said, said
        now = world.show('kept')
        assert now['expires_at'] == before['expires_at'] and now['state'] == 'live', now
        assert get(now['url'])[0] == 200
        whats = [row['what'] for row in now['audit']]
        assert 'extend' not in whats and whats[0] == 'deploy', whats


def keeper_of(world, deployment):
    path = os.path.join(world.state, 'local', deployment['id'], 'status.json')
    with open(path, encoding='utf-8') as f:
        return json.load(f)['keeper']['pid']


def too_late(tap, world):
    with tap.part('what is ending cannot be extended, and ends'):
        world.cli('local', HELLO, '--ttl', '30m', '--name', 'ending')
        d = world.show('ending')
        os.kill(keeper_of(world, d), signal.SIGSTOP)  # it takes a while to end
        world.cli('rm', 'ending', '--detach')
        refused(world, 6, 'conflict', ('teardown has begun', 'deploy it again'), 'extend', 'ending',
                '1h')
        over = world.wait_over('ending', 15 * PATIENCE)
        assert over['expires_at'] == d['expires_at'] and over['end_reason'] == 'removed', over
        refused(world, 6, 'conflict', ('it is over', 'nothing of it is left'), 'extend', 'ending',
                '1h')
    with tap.part('an extension that comes after the deadline is refused, whoever comes first'):
        world.cli('local', HELLO, '--ttl', '6s', '--name', 'late')
        d = world.show('late')
        os.kill(world.daemon.pid, signal.SIGSTOP)
        try:
            with concurrent.futures.ThreadPoolExecutor() as pool:
                asked = [pool.submit(patch, world, 'late', {'extend': '1h'}) for _ in range(3)]
                time.sleep(max(0, utc(d['expires_at']) - time.time() + 0.5))
                os.kill(world.daemon.pid, signal.SIGCONT)
                answers = [one.result() for one in asked]
        finally:
            os.kill(world.daemon.pid, signal.SIGCONT)
        for status, said in answers:
            assert status == 6 and 'cannot be extended' in said, said
        over = world.wait_over('late', 10 * PATIENCE)
        assert over['expires_at'] == d['expires_at'] and over['state'] == 'gone', over
        assert 'extend' not in [row['what'] for row in over['audit']]


def rewrite(path, change):
    with open(path, encoding='utf-8') as f:
        text = f.read()
    with open(path, 'w', encoding='utf-8') as f:
        f.write(change(text))


def forge(text):
    """The signature of whoever has no key."""
    document = json.loads(text)
    for holder in (document, document.get('tags', {})):
        if isinstance(holder, dict) and holder.get('signature'):
            holder['signature'] = '0' * 64
    return json.dumps(document)


def forgeries(tap, world):
    with tap.part('tags with a wrong signature: nobody acts on them, and both sides say so'):
        world.cli('local', HELLO, '--ttl', '14s', '--name', 'forged')
        d = world.show('forged')
        world.kill_daemon()
        home = os.path.join(world.state, 'local', d['id'])
        stranger = os.path.join(world.state, 'local', 'ab' * 16)
        for name in ('spec.json', 'status.json'):
            rewrite(os.path.join(home, name), forge)
        os.mkdir(stranger, 0o700)
        shutil.copy(os.path.join(home, 'spec.json'), stranger)
        rewrite(os.path.join(stranger, 'spec.json'), lambda text: text.replace(d['id'], 'ab' * 16))
        found = world.cli('orphans', 'local', '--grace', '1s', '--json').json()
        assert found['orphans'] == [] and found['wrong_signature'] == 2, found
        said = world.cli('reap', 'local', '--grace', '1s')
        assert 'wrong signature: never touched' in said.err, said.err
        assert os.path.exists(stranger) and get(d['url'])[0] == 200
        world.start_daemon()
        wait_for('the sweep says so', 20 * PATIENCE,
                 lambda: world.daemon_log().count('with a wrong signature') >= 2)
        assert os.path.exists(stranger) and get(d['url'])[0] == 200
    with tap.part('and a deployment that is known ends at its deadline all the same'):
        over = world.wait_over('forged', 20 + 10 * PATIENCE)
        assert over['state'] == 'gone' and over['end_reason'] == 'deadline', over
        assert os.path.exists(stranger)
        shutil.rmtree(stranger)


# --- receipts and the audit log ---

def sha256_of(receipt):
    rest = {key: value for key, value in receipt.items() if key != 'sha256'}
    text = json.dumps(rest, sort_keys=True, separators=(',', ':'), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def receipts(tap, world):
    with tap.part('a receipt says what existed, what was asked, and stands in the audit log'):
        d = world.show('late')
        receipt, audit = d['receipt'], d['audit']
        assert receipt['state'] == 'gone' and receipt['deployment'] == d['id'], receipt
        assert receipt['sha256'] == sha256_of(receipt), receipt
        kinds = {o['kind'] for o in receipt['objects']}
        assert {'instance', 'port', 'directory', 'process'} <= kinds, kinds
        for o in receipt['objects']:
            assert o['gone_by'] == ['get', 'listing'] and o['token'] == d['id'], o
            assert utc(o['shown_at']) < utc(o['delete_sent_at']) <= utc(o['gone_at']), o
        end = receipt['instance_end']
        asked = [utc(e['asked_at']) for e in end['evidence']]
        assert utc(end['settled_at']) <= asked[0] <= asked[1], end
        assert utc(d['expires_at']) <= utc(end['first_sent_at']) <= utc(end['accepted_at']), end
        named = [row for row in audit if row['what'] == 'receipt']
        assert [row['detail'] for row in named] == ['sha256 ' + receipt['sha256']], named
        whats = [row['what'] for row in audit]
        for earlier, later in zip(('deploy', 'launch', 'launched', 'hooks', 'teardown', 'delete',
                                   'seen-gone', 'gone'),
                                  ('launch', 'launched', 'hooks', 'teardown', 'delete', 'seen-gone',
                                   'gone', 'receipt')):
            assert whats.index(earlier) < whats.index(later), whats
        for word in ('EXISTED', 'SEEN GONE', 'get and listing', receipt['sha256'], 'seen-gone'):
            assert word in world.cli('show', 'late').out, word
    with tap.part('who asked stands in the log, by name'):
        me = pwd.getpwuid(os.geteuid()).pw_name
        rows = {row['what']: row for row in world.show('ending')['audit']}
        assert rows['remove']['who'] == rows['teardown']['who'] == me, rows
        assert world.show('ending')['receipt']['ended_by'] == me
        assert rows['delete']['who'] == 'daemon', rows
    with tap.part('one that failed has a receipt too, of a launch that nobody saw'):
        world.cli('local', HELLO, '--ttl', '5m', '--name', 'taken', '-p', str(held_port(world)) +
                  ':80', expect=None)
        failed = world.wait_over('taken', 15 * PATIENCE)
        assert failed['state'] == 'failed' and failed['receipt']['state'] == 'failed', failed
        assert failed['receipt']['sha256'] == sha256_of(failed['receipt'])


def held_port(world):
    world.holder = socket.socket()
    world.holder.bind(('127.0.0.1', 0))
    world.holder.listen()
    return world.holder.getsockname()[1]


def chain(tap, world):
    with tap.part('the whole chain can be checked, by the daemon and by hand'):
        found = world.cli('api', 'GET', '/v1/audit?check=1').json()
        rows, after = [], 0
        while True:
            page = world.cli('api', 'GET', f'/v1/audit?after={after}&limit=7').json()
            rows += page['audit']
            after = page.get('next')
            if not after:
                break
        assert found['whole'] and found['entries'] == len(rows) > 20, found
        before = ''
        for row in rows:
            text = json.dumps([before, row['id'], round(utc(row['at']) * 1000), row['who'],
                               row['what'], row['subject'], row['deployment'], row['detail']],
                              separators=(',', ':'), ensure_ascii=False)
            assert hashlib.sha256(text.encode()).hexdigest() == row['hash'], row
            before = row['hash']
        assert before == found['head']
        checks = world.cli('doctor', '--json', expect=None).json()['checks']
        line = next(c for c in checks if c['name'] == 'audit log')
        assert line['level'] == 'PASS' and f'{len(rows)} entries, chain whole' in line['detail']


# --- clocks ---

def clocks(tap):
    if not os.path.exists(LIBRARY):
        with tap.part('clocks that are wrong'):
            raise Skip('libmeddle.so is not built')
    with World() as world, tap.part('on a clock that was never set no deadline is promised'):
        meddle = Meddle(world.dir)
        meddle.step(1000 - time.time())
        world.ready = lambda: world.cli('api', 'GET', '/healthz', expect=None).status == 0
        world.start_daemon(**meddle.env())
        refused(world, 8, 'unavailable', ('never set', 'nothing was changed', 'timedatectl'),
                'local', HELLO, '--ttl', '1m')
        nothing_new(world)
    with World() as world, tap.part('with a clock set back by a day, deadlines follow the latest'):
        meddle = Meddle(world.dir)
        world.start_daemon(**meddle.env())
        world.cli('local', HELLO, '--ttl', '10m', '--name', 'there')
        d = world.show('there')
        meddle.step(-86400)
        checks = world.cli('doctor', '--json', expect=None).json()['checks']
        line = next(c for c in checks if c['name'] == 'clock')
        assert line['level'] == 'WARN' and 'behind' in line['detail'], line
        assert world.show('there')['expires_at'] == d['expires_at']
        world.cli('extend', 'there', '10m')
        later = world.show('there')['expires_at']
        assert utc(later) - utc(d['expires_at']) == 600, (d['expires_at'], later)
        world.cli('rm', 'there')


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-keeper', 'mirage-image', 'hello.elf',
                  'mirage-reap')
    tap = Tap()
    with World() as world:
        configure(world)
        world.start_daemon()
        for part in (leases, too_late, receipts, chain, forgeries):
            part(tap, world)
        world.say_log(tap)
    clocks(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
