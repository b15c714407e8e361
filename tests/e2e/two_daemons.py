# SPDX-License-Identifier: ISC
"""Two daemons on one store: one acts, the other reads; one that was stopped for five minutes does
nothing when it goes on; who takes over keeps every promise of the one before. And two
installations on one account: neither touches what is the other's, whatever its tags say. What
counts is what really runs, and what the store says."""
import collections
import contextlib
import fcntl
import json
import os
import re
import signal
import struct
import subprocess
import sys

from meddle import Meddle
from mirage import PATIENCE, Tap, UnixHTTP, World, get, need_programs, program, utc, wait_for

HELLO = program('hello.elf')
TAKEOVER_S = 3   # configured: unanswered for so long
BOUND_S = 30     # the product's own


class House(World):
    """A world with a standby beside its daemon, and a clock of its own."""

    def __init__(self, takeover_by='kill'):
        super().__init__()
        os.makedirs(self.state, mode=0o700)
        self.socket = os.path.join(self.dir, 'api.sock')
        self.other_socket = os.path.join(self.state, 'standby.sock')
        config = os.path.join(self.dir, 'config')
        with open(config, 'w', encoding='utf-8') as f:
            f.write(f'[daemon]\ntakeover_after = {TAKEOVER_S}s\ntakeover_by = {takeover_by}\n')
        self.env.update(MIRAGE_DEPLOY_SOCKET=self.socket, MIRAGE_DEPLOY_CONFIG=config)
        self.time = Meddle(self.dir)
        self.meddled = self.time.env()
        self.standby = None

    def __exit__(self, *exc):
        for child in (self.standby, self.daemon):
            if child and child.poll() is None:
                child.send_signal(signal.SIGCONT)
                child.kill()
                child.wait()
        super().__exit__(*exc)

    def start_both(self):
        self.start_daemon(**self.meddled)
        self.start_standby()

    def start_standby(self):
        self.standby = subprocess.Popen([program('mirage-deployd'), '--standby'],
                                        env={**self.env, **self.meddled}, stdout=self.log,
                                        stdin=subprocess.DEVNULL, stderr=self.log)
        wait_for('the standby answers', 15 * PATIENCE, lambda: self.role() == 'standby')

    def other(self, *args, **keywords):
        """The command line, asking the one that began as standby."""
        return self.cli(*args, MIRAGE_DEPLOY_SOCKET=self.other_socket, **keywords)

    def role(self):
        done = self.other('api', 'GET', '/v1/version', expect=None)
        return done.json()['role'] if done.status == 0 else None

    def wait_takeover(self):
        wait_for('the standby acts', BOUND_S, lambda: self.role() == 'acting', every=0.2)

    def epoch(self):
        return self.other('api', 'GET', '/v1/version').json()['acting']['epoch']

    def deploy(self, name, ttl):
        self.cli('local', HELLO, '--ttl', ttl, '--name', name)
        return self.show(name)

    def running(self):
        """Names of the deployments whose guests run."""
        found = set()
        for pid in self.processes('qemu-system'):
            try:
                with open(f'/proc/{pid}/cmdline', encoding='utf-8', errors='replace') as f:
                    found.update(re.findall('-name\0mirage-([^\0]+)', f.read()))
            except OSError:
                continue
        return found

    def history(self):
        """All that the store says of every deployment."""
        rows = self.other('ps', '--all', '--json').json()['deployments']
        return {row['name']: self.other('show', row['name'], '--json').json() for row in rows}


def answer(path, method, target):
    """(status, headers, document) from a socket."""
    channel = UnixHTTP(path, 20)
    channel.request(method, target, headers={'Connection': 'close'})
    got = channel.getresponse()
    text = got.read()
    channel.close()
    return got.status, dict(got.getheaders()), text.decode()


def text_of(path):
    with open(path, encoding='utf-8') as f:
        return f.read()


def standing_by(tap, house):
    house.start_both()
    one = house.deploy('one', '10m')
    with tap.part('a standby reads what the one that acts writes, and says what it is'):
        shown = wait_for('one is live there', 10 * PATIENCE,
                         lambda: house.other('show', 'one', '--json').json())
        assert shown['id'] == one['id'] and shown['expires_at'] == one['expires_at'], shown
        status, headers, text = answer(house.other_socket, 'GET', '/v1/version')
        said = json.loads(text)
        assert status == 200 and headers['Mirage-Role'] == 'standby', headers
        assert said['role'] == 'standby' and said['acting']['pid'] == house.daemon.pid, said
        assert said['acting']['socket'] == house.socket, said
        assert answer(house.socket, 'GET', '/v1/version')[1]['Mirage-Role'] == 'acting'
        assert answer(house.other_socket, 'GET', '/readyz')[0] == 200
        assert 'mirage_deploy_acting 0' in answer(house.other_socket, 'GET', '/metrics')[2]
        assert 'mirage_deploy_acting 1' in answer(house.socket, 'GET', '/metrics')[2]
        assert 'standby' in house.other('daemon', 'status').out
    with tap.part('whoever follows a deployment there hears of it'):
        follower = house.start('api', 'GET', '/v1/deployments/one/events?after=0',
                               MIRAGE_DEPLOY_SOCKET=house.other_socket)
        out, err = follower.communicate(timeout=60)
        assert follower.returncode == 0 and 'lease granted' in out, (out, err)
        done = house.other('wait', 'one', '--for', 'live', '--timeout', '20s')
        assert done.status == 0, done.err
    with tap.part('it refuses every change with 503 and who acts'):
        for words in (['rm', 'one'], ['extend', 'one', '5m'], ['plan', 'local', HELLO],
                      ['local', HELLO, '--name', 'two']):
            done = house.other(*words, expect=8)
            assert 'standby' in done.err and str(house.daemon.pid) in done.err, done.err
            assert house.socket in done.err, done.err
        assert answer(house.other_socket, 'DELETE', '/v1/deployments/one')[0] == 503
        assert answer(house.other_socket, 'POST', '/v1/sites')[0] == 503
        assert answer(house.other_socket, 'PUT', '/v1/kernels/' + 64 * 'a')[0] == 503
        assert house.show('one')['expires_at'] == one['expires_at']
        assert house.running() == {'one'}
    with tap.part('a second daemon that is no standby is refused as ever; so is a shared socket'):
        done = subprocess.run([program('mirage-deployd')], env=house.env, capture_output=True,
                              text=True, timeout=30, check=False)
        assert done.returncode == 6 and 'runs already' in done.stderr, done
        done = subprocess.run([program('mirage-deployd'), '--standby', '--socket', house.socket],
                              env=house.env, capture_output=True, text=True, timeout=30,
                              check=False)
        assert done.returncode == 6 and 'a socket of its own' in done.stderr, done
        assert house.show('one')['state'] == 'live'
    return one


def killed(tap, house, one):
    with tap.part('the one that acts is killed: the standby takes over, and keeps its promises'):
        epoch = house.epoch()
        house.kill_daemon()
        house.wait_takeover()
        assert house.epoch() == epoch + 1
        shown = house.other('show', 'one', '--json').json()
        assert shown['state'] == 'live' and shown['expires_at'] == one['expires_at'], shown
        assert house.running() == {'one'}
        house.other('extend', 'one', '20m')
        assert house.other('show', 'one', '--json').json()['expires_at'] > one['expires_at']
    with tap.part('it answers where the one before answered, and serves the pages there'):
        assert house.show('one')['id'] == one['id']
        status, page = get(f'http://{house.public}/sites/one')
        assert status == 200 and 'one' in page, status
    with tap.part('one that is asked to end hands over at once'):
        house.daemon = house.standby
        first, house.other_socket = house.other_socket, os.path.join(house.dir, 'second.sock')
        house.standby = subprocess.Popen(
            [program('mirage-deployd'), '--standby', '--socket', house.other_socket],
            env={**house.env, **house.meddled}, stdin=subprocess.DEVNULL, stdout=house.log,
            stderr=house.log)
        wait_for('a standby again', 15 * PATIENCE, lambda: house.role() == 'standby')
        assert house.stop_daemon() == 0
        house.wait_takeover()
        assert not os.path.exists(first) or os.path.islink(first)
        assert house.show('one')['state'] == 'live' and house.running() == {'one'}
        house.cli('rm', 'one')
        assert not house.running()
    with tap.part('all ended well'):
        house.standby.terminate()
        assert house.standby.wait(15 * PATIENCE) == 0
        house.standby = None
        assert 'Sanitizer' not in house.daemon_log(), house.daemon_log()[-3000:]


def stop_between_writes(house):
    """Who is stopped in the middle of one keeps the write lock, and only its end helps: that is
    stopped_and_killed. The lock is a byte of SQLite's (WAL_WRITE_LOCK)."""
    form, write_lock = 'hhqqi4x', 120

    def stopped_without_lock():
        house.daemon.send_signal(signal.SIGSTOP)
        wait_for('it is stopped', 5 * PATIENCE, lambda: '\nState:\tT' in text_of(
            f'/proc/{house.daemon.pid}/status'), every=0.01)
        with open(os.path.join(house.state, 'state.db-shm'), 'r+b') as f:
            asked = struct.pack(form, fcntl.F_WRLCK, os.SEEK_SET, write_lock, 1, 0)
            told = struct.unpack(form, fcntl.fcntl(f, fcntl.F_GETLK, asked))
        if told[0] == fcntl.F_UNLCK:
            return True
        house.daemon.send_signal(signal.SIGCONT)
        return False
    wait_for('it is stopped without the write lock', 10 * PATIENCE, stopped_without_lock)


def open_files(pid):
    """What it has open, without the numbers that tell one socket from another."""
    names = []
    for fd in os.listdir(f'/proc/{pid}/fd'):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            names.append(re.sub(r'\d+', 'N', os.readlink(f'/proc/{pid}/fd/{fd}')))
    return collections.Counter(names)


def children_of(pid):
    """Of all threads, those that have ended and were not waited for as well."""
    return ''.join(text_of(f'/proc/{pid}/task/{task}/children')
                   for task in os.listdir(f'/proc/{pid}/task')).split()


def role_at(path):
    try:
        return answer(path, 'GET', '/v1/version')[1]['Mirage-Role']
    except OSError:
        return None


def does_nothing(house, kept, ended, place):
    """The first goes on five minutes later, with its leases overdue by what it remembers."""
    house.time.passes(300)
    before = house.history()
    assert utc(before['kept']['expires_at']) > utc(kept['expires_at']) + 1800
    house.daemon.send_signal(signal.SIGCONT)
    wait_for('it is read-only', TAKEOVER_S * PATIENCE, lambda: role_at(place) == 'standby')
    assert house.daemon.poll() is None
    assert 'another daemon has taken over' in house.daemon_log(), house.daemon_log()
    assert house.running() == {'kept', 'fresh'}, house.running()
    after = house.history()
    assert set(after) == {'kept', 'ended', 'fresh'}, set(after)
    for name, row in before.items():
        for found in (row, after[name]): # read by the daemon that acts, whenever it looks
            found['instance'].pop('first_output_at')
        for key in ('id', 'state', 'expires_at', 'end_reason', 'steps', 'instance'):
            assert after[name].get(key) == row.get(key), (name, key, after[name], row)
    assert after['ended']['id'] == ended['id'] and after['ended']['state'] == 'gone'


def like_a_fresh_one(house, place, files):
    """The one that was shut out is a standby like any other, and nothing of before is left."""
    status, headers, text = answer(place, 'GET', '/v1/deployments/kept')
    assert status == 200 and headers['Mirage-Role'] == 'standby', (status, headers)
    shown = house.other('show', 'kept', '--json').json()
    assert json.loads(text)['expires_at'] == shown['expires_at'], (text, shown)
    for method, target in (('DELETE', '/v1/deployments/kept'), ('POST', '/v1/sites')):
        status, _, text = answer(place, method, target)
        assert status == 503 and str(house.standby.pid) in text, (status, text)
    assert not children_of(house.daemon.pid), children_of(house.daemon.pid)
    wait_for('it has nothing open but what a standby has', 10 * PATIENCE,
             lambda: not open_files(house.daemon.pid) - files)
    assert text_of(f'/proc/{house.daemon.pid}/comm') == 'mirage-deployd\n'
    said = json.loads(answer(house.socket, 'GET', '/v1/version')[2])
    assert said['role'] == 'acting' and said['acting']['pid'] == house.standby.pid, said


def back_again(house, place):
    """The second is killed: the first acts again, where it is looked for."""
    epoch = house.epoch()
    house.standby.kill()
    house.standby.wait()
    wait_for('the first acts again', BOUND_S, lambda: role_at(place) == 'acting', every=0.2)
    said = house.cli('api', 'GET', '/v1/version').json()
    assert said['acting']['epoch'] == epoch + 1, said
    assert said['acting']['pid'] == house.daemon.pid, said
    assert house.show('kept')['state'] == 'live' and house.running() == {'kept', 'fresh'}
    house.cli('rm', 'fresh')
    house.start_standby()  # takes its usual place, which led to the one that acts
    assert house.role() == 'standby' and role_at(house.socket) == 'acting'
    house.cli('rm', 'kept')
    assert not house.running() and not house.guests()


def stopped(tap):
    """Shut out, not killed: so that it can go on."""
    with House('fence') as house:
        house.start_both()
        place = os.path.join(house.state, 'standby-2.sock')
        kept, ended = house.deploy('kept', '2m'), house.deploy('ended', '10m')
        files = open_files(house.standby.pid)
        stop_between_writes(house)
        with tap.part('the one that acts is stopped: the standby takes over'):
            house.wait_takeover()
            assert house.running() == {'kept', 'ended'}
            house.other('extend', 'kept', '1h')
            house.other('rm', 'ended')
            house.other('local', HELLO, '--ttl', '1h', '--name', 'fresh')
            assert house.running() == {'kept', 'fresh'}
        with tap.part('five minutes later it goes on, finds its leases overdue, and does nothing'):
            does_nothing(house, kept, ended, place)
        with tap.part('it has become a standby, which reads and refuses'):
            like_a_fresh_one(house, place, files)
        with tap.part('the one that took over is killed: the first takes over again'):
            back_again(house, place)
        with tap.part('all ended well'):
            for child in (house.standby, house.daemon):
                child.terminate()
                assert child.wait(15 * PATIENCE) == 0
            assert 'Sanitizer' not in house.daemon_log(), house.daemon_log()[-3000:]


def stopped_and_killed(tap):
    """As configured usually. It hangs in the middle of a change, when nobody else can write: each
    is passed before and after, first the beginning of its epoch, then the lease, its launch."""
    with House() as house, tap.part('one that does not answer is killed, even while it writes'):
        points = os.path.join(house.dir, 'points')
        house.start_daemon(**house.meddled, MIRAGE_DEPLOY_FAULT='hang:store.commit#5',
                           MIRAGE_DEPLOY_FAULT_COUNT=points)
        child = house.start('local', HELLO, '--ttl', '10m', '--name', 'stuck')
        wait_for('it hangs', 10 * PATIENCE, lambda: text_of(points).count(' store.commit ') == 5)
        house.start_standby()
        house.wait_takeover()
        assert house.daemon.wait(5 * PATIENCE) == -signal.SIGKILL
        assert 'was killed' in house.daemon_log() and 'shut out' not in house.daemon_log()
        house.daemon = None
        child.kill()
        child.communicate()
        wait_for('the lease is carried on', 20 * PATIENCE, lambda: house.running() == {'stuck'})
        house.other('rm', 'stuck')
        assert not house.guests()


# --- two installations ---

def place(world, deployment, name):
    return os.path.join(world.state, 'local', deployment['id'], name)


def read(path):
    return json.loads(text_of(path))


def write(path, document):
    with open(path, 'w', encoding='utf-8') as f:
        json.dump(document, f)


TAGS = ('installation', 'deployment', 'signature', 'expires_s')


def tags_of(world, deployment):
    spec, status = read(place(world, deployment, 'spec.json')), \
        read(place(world, deployment, 'status.json'))
    return {**{key: spec[key] for key in TAGS},
            **{key: status[key] for key in ('signature', 'expires_s')}}


def wear(world, deployment, tags):
    """Put these tags on what runs: where it was asked for, and where the keeper keeps them."""
    spec = read(place(world, deployment, 'spec.json'))
    write(place(world, deployment, 'spec.json'), {**spec, **tags})
    status = read(place(world, deployment, 'status.json'))
    status.update(expires_s=tags['expires_s'], signature=tags['signature'])
    write(place(world, deployment, 'status.json'), status)


def everything_once(world):
    """All that looks at things by their tags: the sweep of a start, the one of a start with the
    database lost, and the reap that needs neither."""
    for lose in (False, True):
        world.stop_daemon()
        for name in os.listdir(world.state) if lose else ():
            if name.startswith('state.db'):
                os.unlink(os.path.join(world.state, name))
        world.start_daemon(**world.meddled)
        names = {row['name'] for row in world.cli('ps', '--json').json()['deployments']}
        assert names == {'yours'}, names
    done = subprocess.run([program('mirage-reap'), 'local', '--json', '--grace', '0'],
                          env={**world.env, **world.meddled}, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def two_installations(tap):
    with House() as ours, House() as theirs:
        # One account: what one makes, the other sees.
        os.mkdir(os.path.join(ours.state, 'local'), 0o700)
        os.symlink(os.path.join(ours.state, 'local'), os.path.join(theirs.state, 'local'))
        for world in (ours, theirs):
            world.start_daemon(**world.meddled)
        mine = ours.deploy('mine', '10m')
        yours, brief = theirs.deploy('yours', '1h'), theirs.deploy('brief', '2m')
        good, copied = tags_of(ours, mine), tags_of(theirs, brief)
        theirs.cli('rm', 'brief')
        theirs.time.passes(1200)  # for them mine is overdue, were it theirs
        with tap.part('what is another installation\'s is left alone'):
            found = everything_once(theirs)
            assert found['orphans'] == [] and (found['foreign'], found['kept']) == (1, 1), found
            assert ours.running() == {'mine'} and theirs.running() == {'yours'}
        with tap.part('so it is with forged tags: their name on it, without their signature'):
            for signature in (good['signature'], copied['signature'], 64 * '0', ''):
                wear(ours, mine, {**good, 'installation': copied['installation'],
                                  'signature': signature, 'expires_s': 1000000000})
                found = everything_once(theirs)
                assert found['orphans'] == [] and ours.running() == {'mine'}, found
        with tap.part('so it is with copied tags: their signature, of something that is over'):
            wear(ours, mine, copied)
            found = everything_once(theirs)
            assert found['orphans'] == [] and ours.running() == {'mine'}, found
        with tap.part('each ends its own, and nothing else'):
            assert theirs.show('yours')['id'] == yours['id']
            wear(ours, mine, good)
            theirs.cli('rm', 'yours')
            assert ours.running() == {'mine'} and not theirs.running()
            ours.cli('rm', 'mine')
            assert not ours.running()
            for world in (ours, theirs):
                assert world.stop_daemon() == 0


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-keeper', 'mirage-reap', 'hello.elf')
    tap = Tap()
    with House() as house:
        killed(tap, house, standing_by(tap, house))
    stopped(tap)
    stopped_and_killed(tap)
    two_installations(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
