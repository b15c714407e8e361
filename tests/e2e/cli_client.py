# SPDX-License-Identifier: ISC
"""The command line against a stand-in for the daemon: JSON of every command with and without a
terminal, exit codes of every kind of error, interruptions, silence and garbage, hostile text."""
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time

from cli_fake import Answer, Fake, problem
from cli_terminal import on_terminal
from mirage import Skip, Tap, as_somebody_else, program, skip_all

HELLO = program('hello.elf')
EXIT = {'failed': 1, 'internal': 1, 'usage': 2, 'not-found': 3, 'credentials': 4, 'policy': 5,
        'conflict': 6, 'timeout': 7, 'unavailable': 8, 'throttled': 8, 'partial': 9,
        'interrupted': 130, 'no-space': 5, 'corrupt': 2}


class Bench:
    """A fresh stand-in, and the command line pointed at it."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='mir-cli-')
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(('MIRAGE_DEPLOY_', 'XDG_', 'CLICOLOR', 'NO_COLOR'))}
        self.env.update(HOME=self.dir, MIRAGE_DEPLOY_STATE=self.dir, TERM='xterm')
        self.env.pop('CI', None)
        self.fake = Fake(os.path.join(self.dir, 'api.sock'))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.fake.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self, *args, **env):
        return subprocess.Popen([program('mirage-deploy'), *args], env={**self.env, **env},
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, errors='replace')

    def run(self, *args, expect=0, **env):
        child = self.start(*args, **env)
        out, err = child.communicate(timeout=60)
        assert expect is None or child.returncode == expect, \
            f'{args}: status {child.returncode}, not {expect}\n{out}\n{err}'
        return child.returncode, out, err

    def terminal(self, *args, typed='', expect=0, own_stdout=False, **env):
        return on_terminal({**self.env, **env}, *args, typed=typed, expect=expect,
                           own_stdout=own_stdout)


# Every command with its exit code: once where it works, once where it fails.
WORKS = [('ps',), ('ps', '--all'), ('show', 'hello'), ('logs', 'hello'),
         ('wait', 'hello', '--for', 'live'), ('extend', 'hello', '1h'),
         ('extend', 'hello', '1h', '--detach'), ('rm', 'hello'), ('rm', 'hello', '--detach'),
         ('local', HELLO), ('local', HELLO, '--detach'), ('local', HELLO, '--dry-run'),
         ('plan', 'local', HELLO), ('inspect', HELLO), ('sites',),
         ('site', 'add', 'http://example.org/'), ('site', 'verify', 'hello'),
         ('site', 'rm', 'hello', '--yes'), ('badge', 'hello'), ('providers',), ('daemon', 'status'),
         ('daemon', 'start'), ('config', 'list'), ('config', 'list', '--show-origin'),
         ('completion', 'bash'), ('completion', 'zsh'), ('completion', 'fish'),
         ('completion', 'names'), ('api', 'GET', '/v1/version'), ('help',), ('help', 'rm'),
         ('help', 'site', 'add'), ('help', 'environment'), ('help', 'exit-codes'),
         ('help', 'formatting'), ('help', 'kernels'), ('version',), ('--version',)]
FAILS = [('show', 'nobody', 3), ('logs', 'nobody', 3), ('wait', 'nobody', '--for', 'live', 3),
         ('extend', 'nobody', '1h', 3), ('rm', 'nobody', 3), ('rm', 'hello', 'nobody', 3),
         ('local', '/nowhere', 3), ('plan', 'local', '/nowhere', 3), ('inspect', '/nowhere', 3),
         ('site', 'verify', 'x y', 2), ('badge', 'nobody', 3), ('daemon', 'stop', 1),
         ('api', 'GET', '/v1/nothing', 3), ('help', 'nothing', 2), ('completion', 'csh', 2),
         ('ps', '--al', 2), ('lokal', HELLO, 2), ('wait', 'hello', 2), ('extend', 'hello', 2),
         ('ps', 'extra', 2)]


def json_everywhere(tap):
    for args in WORKS:
        with Bench() as b, tap.part('json: ' + ' '.join(map(os.path.basename, args))):
            b.fake.deployment('hello')
            _, out, _ = b.run(*args, '--json')
            assert not json.loads(out).get('error'), out
            b.fake.deployment('hello')
            _, out, _ = b.terminal(*args, '--json', own_stdout=True)
            json.loads(out)
            b.fake.deployment('hello')
            _, _, screen = b.terminal(*args, '--json', '--quiet')
            json.loads(screen)
    for *args, status in FAILS:
        with Bench() as b, tap.part('json error: ' + ' '.join(map(os.path.basename, args))):
            b.fake.deployment('hello')
            _, out, err = b.run(*args, '--json', expect=status)
            error = json.loads(out)['error']
            assert error['detail'] and error['hint'] and error['exit_code'] == status, error
            assert EXIT[error['code']] == status, error
            assert err.startswith('mirage-deploy: ') or '\nmirage-deploy: ' in err, err
            b.fake.deployment('hello')
            _, out, _ = b.terminal(*args, '--json', '--no-input', own_stdout=True, expect=status)
            assert json.loads(out)['error']['exit_code'] == status
    with Bench() as b, tap.part('json: doctor tells the truth and so does its exit code'):
        status, out, _ = b.run('doctor', '--json', expect=None)
        document = json.loads(out)
        levels = [c['level'] for c in document['checks']]
        assert status == (1 if 'FAIL' in levels else 0), document
        assert all(c['fix'] for c in document['checks'] if c['level'] != 'PASS'), document
        assert any(c['name'] == 'local: accelerator' for c in document['checks']), document
    with Bench() as b, tap.part('json: logs -f gives one document per line'):
        b.fake.deployment('hello')
        _, out, _ = b.run('logs', '-f', 'hello', '--json')
        assert [json.loads(line)['text'] for line in out.splitlines()] == ['Booting\r\n']


def error_kinds(tap):
    for code, status in EXIT.items():
        with Bench() as b, tap.part(f'problem {code} is exit code {status}'):
            b.fake.special['GET', '/v1/deployments'] = problem(code, 400)
            _, out, err = b.run('ps', expect=status)
            assert not out and f'made up: {code}' in err and 'a made-up fix' in err, (out, err)
    with Bench() as b, tap.part('what may be left behind is named, for people and for programs'):
        b.fake.special['POST', '/v1/deployments'] = problem('partial', 500,
                                                            left_behind=['i-123', 'vol-4'])
        _, out, err = b.run('local', HELLO, '--json', expect=9)
        assert 'i-123' in err and 'vol-4' in err
        assert json.loads(out)['error']['left_behind'] == ['i-123', 'vol-4']
    with Bench() as b, tap.part('a deployment that gets stuck ends rm with 9 and its id'):
        d = b.fake.deployment('hello')
        b.fake.op_delay = 20

        def remove(_body):
            b.fake.event('state', 'stuck', 'could not be verified')
            return None
        b.fake.special['DELETE', '/v1/deployments/hello'] = remove
        _, _, err = b.run('rm', 'hello', expect=9)
        assert d['id'] in err, err
    with Bench() as b, tap.part('an operation that fails: its own error, after the console'):
        b.fake.console = b'panic: out of luck\n'

        def post(_body):
            d = b.fake.deployment('hello', state='failed')
            op = b.fake.operation('deploy', d)
            op.update(state='failed', error=problem('failed', 500).body)
            return Answer(202, {'operation': op, 'deployment': d})
        b.fake.special['POST', '/v1/deployments'] = post
        _, out, err = b.run('local', HELLO, expect=1)
        assert not out and 'panic: out of luck' in err and 'made up: failed' in err, (out, err)


def waiting(tap):
    with Bench() as b, tap.part('--wait-timeout is exit code 7, and says what goes on until when'):
        b.fake.op_delay = 20
        _, out, err = b.run('local', HELLO, '--wait-timeout', '1s', '--json', expect=7)
        d = b.fake.find('hello')
        assert d['expires_at'] in err and 'mirage-deploy rm hello' in err, err
        assert json.loads(out)['deployment']['name'] == 'hello', out
    with Bench() as b, tap.part('wait --timeout is exit code 7'):
        b.fake.deployment('hello', state='pending')
        _, _, err = b.run('wait', 'hello', '--for', 'live', '--timeout', '1s', expect=7)
        assert 'pending' in err, err
    with Bench() as b, tap.part('wait for what will not come any more is exit code 1'):
        b.fake.deployment('hello', state='gone')
        _, _, err = b.run('wait', 'hello', '--for', 'live', expect=1)
        assert 'gone' in err, err
    with Bench() as b, tap.part('wait: states on the way to live count once they are passed'):
        b.fake.deployment('hello', state='live')
        b.run('wait', 'hello', '--for', 'running')
        b.fake.deployment('over', state='failed')
        b.run('wait', 'over', '--for', 'gone')
    with Bench() as b, tap.part('the daemon going away while we wait is exit code 8'):
        b.fake.special['GET', '/v1/operations/' + '0' * 32] = Answer(raw=b'')
        _, _, err = b.run('local', HELLO, expect=8)
        assert 'hello' in err and 'mirage-deploy show hello' in err, err


def interruptions(tap):
    def interrupted(b, method, text, *args, twice=False):
        child = b.start(*args, '--json')
        give_up = time.monotonic() + 20
        while not b.fake.paths(method) and time.monotonic() < give_up:
            time.sleep(0.01)
        time.sleep(0.2)
        child.send_signal(signal.SIGINT)
        if twice:
            time.sleep(0.2)
            child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=30)
        assert child.returncode == 130, (child.returncode, out, err)
        assert text in err, err
        assert json.loads(out)['error']['code'] == 'interrupted', out
        assert json.loads(out)['error']['detail'].split(';')[0] in err
        return err

    with Bench() as b, tap.part('Ctrl-C before the request: nothing was deployed'):
        b.fake.special['PUT', '/v1/kernels/' + sha256(HELLO)] = Answer(201, {}, delay=3)
        interrupted(b, 'PUT', 'nothing was deployed', 'local', HELLO)
        assert not b.fake.deployments and not b.fake.paths('POST')
    with Bench() as b, tap.part('Ctrl-C during the request: its answer decides what is said'):
        def slow(_body):
            time.sleep(1)
            return None
        b.fake.keep(HELLO)
        b.fake.special['POST', '/v1/deployments'] = slow
        err = interrupted(b, 'POST', "'hello' keeps running until", 'local', HELLO)
        assert 'mirage-deploy rm hello' in err and b.fake.find('hello')['expires_at'] in err
    with Bench() as b, tap.part('Ctrl-C twice during the request: it may have been accepted'):
        b.fake.special['POST', '/v1/deployments'] = Answer(202, {}, delay=5)
        interrupted(b, 'POST', 'may have been accepted', 'local', HELLO, twice=True)
    with Bench() as b, tap.part('Ctrl-C after the request: what keeps running, and until when'):
        b.fake.op_delay = 20
        err = interrupted(b, 'POST', 'keeps running until', 'local', HELLO)
        assert b.fake.find('hello')['expires_at'] in err
    with Bench() as b, tap.part('Ctrl-C while rm waits: the daemon goes on'):
        b.fake.deployment('hello')
        b.fake.op_delay = 20
        interrupted(b, 'DELETE', "'hello' is being ended", 'rm', 'hello')
    with Bench() as b, tap.part('Ctrl-C while the answer is written: it arrives, alone and whole'):
        for i in range(40):
            b.fake.deployment(f'hello-{i}')
        child = b.start('ps', '--json')
        fcntl.fcntl(child.stdout, fcntl.F_SETPIPE_SZ, 4096)
        assert ready(child, 4096)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=30)
        assert len(json.loads(out)['deployments']) == 40 and child.returncode == 0, (out, err)


def ready(child, count):
    """Wait until so many bytes of the child's output lie in the pipe."""
    waiting, give_up = bytearray(4), time.monotonic() + 20
    while time.monotonic() < give_up:
        fcntl.ioctl(child.stdout, termios.FIONREAD, waiting)
        if int.from_bytes(waiting, sys.byteorder) >= count:
            return True
        time.sleep(0.01)
    return False


def sha256(path):
    with open(path, 'rb') as f:
        return hashlib.sha256(f.read()).hexdigest()


def requests(tap):
    with Bench() as b, tap.part('the request says what the options say'):
        b.run('local', HELLO, '--name', 'n', '--ttl', '90s', '--memory', '64M', '-p',
              '0.0.0.0:1:80', '-p', '81', '--no-list', '--url', 'http://h/', '--', 'a=1', 'b c',
              MIRAGE_DEPLOY_TTL='7h')
        sent = [r for r in b.fake.requests if r[0] == 'POST'][0]
        assert json.loads(sent[3]) == {
            'provider': 'local', 'kernel': sha256(HELLO), 'name': 'n', 'ttl': '90s',
            'memory_bytes': 64 << 20, 'list': False, 'url': 'http://h/',
            'arguments': ['a=1', 'b c'],
            'ports': [{'guest': 80, 'host': 1, 'address': '0.0.0.0'}, {'guest': 81}]}, sent[3]
        assert len(sent[2]['Idempotency-Key']) == 32
    with Bench() as b, tap.part('a variable that nothing reads is pointed out'):
        _, _, err = b.run('local', HELLO, MIRAGE_DEPLOY_TLL='1h')
        assert 'MIRAGE_DEPLOY_TLL; did you mean MIRAGE_DEPLOY_TTL?' in err, err
        assert 'warning' not in b.run('local', HELLO, MIRAGE_DEPLOY_PUBLIC='x')[2]
    with Bench() as b, tap.part('the kernel is sent whole, and only once'):
        b.run('local', HELLO)
        with open(HELLO, 'rb') as f:
            assert b.fake.kernels[sha256(HELLO)] == f.read()
        b.run('local', HELLO)
        assert len(b.fake.paths('PUT')) == 1
    with Bench() as b, tap.part('a kernel that is there already is neither read again nor sent'):
        b.fake.keep(HELLO)
        b.fake.inspections[sha256(HELLO)]['boots']['local'] = {
            'verdict': 'cannot', 'how': '', 'why': 'as was found then'}
        _, _, err = b.run('local', HELLO, expect=5)
        assert 'as was found then' in err and not b.fake.paths('POST'), (err, b.fake.requests)
        b.fake.keep(HELLO)
        b.run('local', HELLO)
        asked = [r[:2] for r in b.fake.requests if '/kernels/' in r[1]]
        assert len(asked) == 2 and not b.fake.paths('PUT'), b.fake.requests
    with Bench() as b, tap.part('what another version of the daemon has kept is not believed'):
        b.fake.keep(HELLO)
        b.fake.inspections[sha256(HELLO)]['format'] = 'of tomorrow'
        b.run('local', HELLO)
        assert len(b.fake.paths('POST')) == 1 and not b.fake.paths('PUT'), b.fake.requests
    with Bench() as b, tap.part('nor what was kept by another edition of the rules'):
        b.fake.keep(HELLO)
        b.fake.inspections[sha256(HELLO)]['boots']['local'].update(verdict='cannot', how='')
        b.fake.inspections[sha256(HELLO)]['table'] = '0' * 32
        b.run('local', HELLO)
        assert len(b.fake.paths('POST')) == 1, b.fake.requests
    with Bench() as b, tap.part('inspect and plan show the kinds of machines'):
        _, out, _ = b.run('inspect', HELLO)
        for words in (('ec2', 'nitro', 'unknown'), ('openstack', 'kvm-x86', 'boots'),
                      ('local', 'tender', 'cannot')):
            assert any(line.split()[:3] == list(words) for line in out.splitlines()), out
        _, out, _ = b.run('plan', 'local', HELLO)
        assert 'qemu-pc' in out and 'direct_kernel' in out, out
    with Bench() as b, tap.part('what is asked of a cloud goes into the request as it was said'):
        b.run('local', HELLO, '--region', 'eu-central-1', '--type', 't3.nano', '--spot',
              '--ipv6-only', '--keep-address', '--open', '22', '--open', '8443', '--budget', '2.50')
        body = json.loads([r[3] for r in b.fake.requests if r[0] == 'POST'][-1])
        assert body['place'] == {'region': 'eu-central-1', 'type': 't3.nano', 'spot': True,
                                 'ipv6_only': True, 'keep_address': True, 'open': [22, 8443],
                                 'budget': '2.50'}, body
    with Bench() as b, tap.part('without --name the file gives it, and the next gets a number'):
        b.run('local', HELLO)
        b.run('local', HELLO)
        assert sorted(b.fake.deployments) == ['hello', 'hello-2'], b.fake.deployments
    with Bench() as b, tap.part('a lost answer is asked for again with the same key'):
        first = []

        def lost(_body):
            if not first:
                first.append(1)
                return Answer(raw=b'')
            return None
        b.fake.keep(HELLO)
        b.fake.special['POST', '/v1/deployments'] = lost
        b.run('local', HELLO)
        keys = {r[2]['Idempotency-Key'] for r in b.fake.requests if r[0] == 'POST'}
        assert len(b.fake.paths('POST')) == 2 and len(keys) == 1, keys
    with Bench() as b, tap.part('logs --since becomes a time'):
        b.fake.deployment('hello')
        b.run('logs', 'hello', '--since', '2026-11-20T18:30:00+01:00')
        assert b.fake.paths('GET')[-1].endswith('?since=2026-11-20T17:30:00Z')


def rows(out):
    """Label and text of each line that people read."""
    return dict(line.split(maxsplit=1) for line in out.splitlines() if len(line.split()) > 1)


def money(tap):
    with Bench() as b, tap.part('what it costs, so far and at most, rounded up'):
        d = b.fake.deployment('paid')
        d['place'] = {'region': 'eu-central-1', 'type': 't3.nano', 'spot': True, 'open': [80, 443]}
        d['cost'] = {'currency': 'USD', 'per_hour_micro': 5200, 'once_micro': 0,
                     'so_far_micro': 101, 'worst_micro': 10400, 'budget_micro': 2500000,
                     'price_date': '2026-11-20', 'note': 'without traffic'}
        assert '0.0002 USD' in b.run('ps')[1]
        _, out, _ = b.run('show', 'paid')
        row = rows(out)
        assert row['place'] == 't3.nano in eu-central-1, spot, open: 80, 443', out
        assert row['cost'] == '0.0002 USD' and row['budget'] == '2.50 USD', out
        assert row['price'] == '0.0052 USD an hour (prices of 2026-11-20; without traffic)', out
        assert 'at most   0.0104 USD' in out, out
        d['cost'].update(once_micro=10000, worst_micro=None, price_date=None, note=None,
                         budget_micro=None)
        _, out, _ = b.run('show', 'paid')
        assert rows(out)['price'] == '0.0052 USD an hour, 0.0100 USD once', out
        assert 'at most   no limit' in out and 'budget' not in out, out
    with Bench() as b, tap.part('a deploy that costs something says how much, beside the result'):
        b.fake.cost.update(per_hour_micro=5200, worst_micro=10400)
        _, out, err = b.run('local', HELLO)
        assert 'it costs 0.0052 USD an hour; until its deadline at most: 0.0104 USD' in err, err
        b.fake.cost.update(per_hour_micro=None, worst_micro=None)
        _, _, err = b.run('local', HELLO)
        assert 'what it costs is not known' in err, err
        b.fake.cost.update(per_hour_micro=0, worst_micro=0)
        assert 'cost' not in b.run('local', HELLO)[2]
    with Bench() as b, tap.part('what nobody knows is not called free'):
        d = b.fake.deployment('odd')
        d['place'] = {'ipv6_only': True, 'keep_address': True, 'open': []}
        d['cost'] = {'currency': 'USD', 'per_hour_micro': None, 'once_micro': None,
                     'so_far_micro': None, 'worst_micro': None, 'budget_micro': None,
                     'price_date': None, 'note': 'its type is in no table'}
        _, out, _ = b.run('ps')
        assert 'not known' in out and 'free' not in out, out
        _, out, _ = b.run('show', 'odd')
        row = rows(out)
        assert row['cost'] == 'not known', out
        assert row['price'] == 'not known (its type is in no table)', out
        assert row['place'] == 'IPv6 only, address kept, no port open', out
    with Bench() as b, tap.part('free is one word'):
        b.fake.deployment('free')
        _, out, _ = b.run('show', 'free')
        assert rows(out)['cost'] == 'free' and 'price' not in out and 'at most' not in out, out


def streams(tap):
    with Bench() as b, tap.part('standard output carries the result only; progress goes beside it'):
        _, out, err = b.run('local', HELLO, '--name', 'hello')
        assert out.splitlines()[0].split() == ['name', 'hello'], out
        assert out.splitlines()[-1].startswith('hooks'), out
        assert 'ends at' in err.splitlines()[1] or 'ends at' in err.splitlines()[0], err
        assert 'answers' in err and 'answers' not in out
        _, out, err = b.run('local', HELLO, '--name', 'second', '--quiet')
        assert out and not err, err
    with Bench() as b, tap.part('colour: on a terminal, and as the usual variables say'):
        b.fake.deployment('hello')
        assert '\033[' in b.terminal('ps')[2]
        for env in ({'NO_COLOR': '1'}, {'TERM': 'dumb'}):
            assert '\033[' not in b.terminal('ps', **env)[2], env
        assert '\033[' not in b.terminal('ps', '--no-color')[2]
        assert '\033[' not in b.run('ps')[1]
        assert '\033[' in b.run('ps', CLICOLOR_FORCE='1')[1]
    with Bench() as b, tap.part('text from outside cannot talk to the terminal'):
        d = b.fake.deployment('hello')
        d['url'] = 'http://x/\033]0;owned\007'
        b.fake.console = b'\033[2Jgone\x9b1m\n'
        b.fake.event('note', '', 'an \033[31mevent')
        for args in (('show', 'hello'), ('ps',), ('logs', 'hello')):
            screen = b.terminal(*args, '--no-color')[2]
            assert '\033' not in screen and '\007' not in screen and '\\x1b' in screen, screen
        child = b.start('logs', 'hello')
        child.wait()
        assert '\033[2J' in child.stdout.read()  # a file gets what the guest wrote
    with Bench() as b, tap.part('a result that cannot be written is an error'):
        if not os.path.exists('/dev/full'):
            raise Skip('no /dev/full')
        b.fake.deployment('hello')
        with open('/dev/full', 'w', encoding='utf-8') as full:
            done = subprocess.run([program('mirage-deploy'), 'ps'], env=b.env, stdout=full,
                                  stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 5 and 'No space' in done.stderr, done


def questions(tap):
    with Bench() as b, tap.part('what is missing is asked for, and the full command is shown'):
        _, out, screen = b.terminal('local', typed=f'{HELLO}\n', own_stdout=True)
        assert 'Kernel file: ' in screen and f'mirage-deploy local {HELLO}' in screen, screen
        assert out.startswith('name'), out
    with Bench() as b, tap.part('a bad answer is asked for again'):
        b.fake.deployment('hello')
        _, _, screen = b.terminal('extend', 'hello', typed='soon\n5m\n')
        assert 'not a duration' in screen, screen
    for name, env, flags in (('CI=true', {'CI': 'true'}, ()), ('--no-input', {}, ('--no-input',))):
        with Bench() as b, tap.part(f'nobody is asked with {name}'):
            screen = b.terminal('local', *flags, expect=2, **env)[2]
            assert 'MIRAGE_DEPLOY_KERNEL' in screen, screen
    with Bench() as b, tap.part('rm of several asks once on a terminal; --yes answers'):
        for name in ('a', 'b'):
            b.fake.deployment(name)
        b.terminal('rm', 'a', 'b', typed='n\n', expect=130)
        assert not b.fake.paths('DELETE')
        b.terminal('rm', 'a', 'b', '--yes')
        assert len(b.fake.paths('DELETE')) == 2
        b.run('rm', 'a', 'b')


def broken_daemons(tap):
    rows = [('garbage', b'SSH-2.0-OpenSSH\r\n\r\n', 2, 'not HTTP'),
            ('nothing at all', b'', 8, 'broke off'),
            ('half an answer', b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"dep', 8,
             'broke off'),
            ('no JSON', b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<html', 2, 'not JSON'),
            ('an error without a reason', b'HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n', 1, '500')]
    for name, raw, status, text in rows:
        with Bench() as b, tap.part(f'a daemon that answers {name}'):
            b.fake.special['GET', '/v1/deployments'] = Answer(raw=raw)
            _, out, err = b.run('ps', expect=status)
            assert not out and text in err, err
            assert len(err.splitlines()) == 2, err  # the sentence and the fix


def sockets(tap):
    with Bench() as b, tap.part('no socket: not running, and how to start it'):
        _, _, err = b.run('ps', '--socket', b.dir + '/none.sock', expect=8)
        assert 'no socket' in err and 'mirage-deploy daemon start' in err, err
    with Bench() as b, tap.part('a socket that nobody listens on'):
        path = b.dir + '/stale.sock'
        other = Fake(path)
        other.server.shutdown()
        other.server.server_close()
        _, _, err = b.run('ps', MIRAGE_DEPLOY_SOCKET=path, expect=8)
        assert 'nobody listens' in err, err
    with Bench() as b, tap.part('a socket path that is too long'):
        _, _, err = b.run('ps', '--socket', '/' + 'x' * 200, expect=2)
        assert 'longer than' in err and '--socket' in err, err
    with Bench() as b, tap.part('a socket that is closed to us: exit code 5, with the owner'), \
            as_somebody_else() as run:
        os.chmod(b.dir, 0o755)
        os.chmod(b.fake.path, 0o600)
        done = run('mirage-deploy', 'ps', env=b.env)
        assert done.returncode == 5 and 'belongs to user 0' in done.stderr, done
        assert 'you are user 65534' in done.stderr, done


def words(tap):
    with Bench() as b, tap.part('no arguments: at most 12 lines, two examples first, exit code 2'):
        _, out, err = b.run(expect=2)
        lines = err.splitlines()
        assert not out and len(lines) <= 12, err
        assert sum(line.startswith('  mirage-deploy ') for line in lines[:6]) == 2, err
    with Bench() as b, tap.part('--help of every command goes to standard output'):
        _, out, _ = b.run('--help')
        commands = [line[2:30].split('  ')[0] for line in
                    out.split('Commands:\n')[1].split('\n\n')[0].splitlines()]
        assert len(commands) > 20, commands
        for words_ in commands:
            name = [w for w in words_.split() if w.islower()]
            _, out, err = b.run(*name, '--help')
            assert 'mirage-deploy ' + ' '.join(name) in out and not err
    with Bench() as b, tap.part('bash reads its completion, and it completes'):
        if not shutil.which('bash'):
            raise Skip('no bash')
        b.fake.deployment('hello')
        _, script, _ = b.run('completion', 'bash')
        for line, want in (('mirage-deploy lo', {'local', 'logs'}),
                           ('mirage-deploy site ', {'add'}),
                           ('mirage-deploy rm ', {'hello', '--detach'}),
                           ('mirage-deploy wait x --for li', {'live'})):
            found = complete(b, script, line)
            assert want <= found, (line, found)


def complete(b, script, line):
    parts = line.split(' ')
    quoted = ' '.join(f"'{w}'" for w in parts)
    done = subprocess.run(
        ['bash', '-c', f'{script}\nCOMP_WORDS=({quoted}); COMP_CWORD={len(parts) - 1}\n'
         '_mirage_deploy; printf "%s\\n" "${COMPREPLY[@]}"'],
        env={**b.env, 'PATH': os.path.dirname(program('mirage-deploy')) + ':' + os.environ['PATH']},
        capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def main():
    for name in ('mirage-deploy', 'mirage-image', 'hello.elf'):
        if not os.path.exists(program(name)):
            skip_all(f'{name} is not built')
    tap = Tap()
    only = sys.argv[1:]
    for group in (json_everywhere, error_kinds, waiting, interruptions, requests, money, streams,
                  questions, broken_daemons, sockets, words):
        if not only or group.__name__ in only:
            group(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
