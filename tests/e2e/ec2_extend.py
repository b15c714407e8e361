# SPDX-License-Identifier: ISC
"""An extension on EC2 for which the hooks cannot be armed: refused, told why, and the deployment
lives on until its old deadline, which everything that ends it stands at again. Against
mirage-fakecloud; its clock and the daemon's are the test's."""
import os
import sys

from ec2 import TAG, deploy, ended, hooks_of, of, start, when
from ec2_disk import disk
from fakecloud import fakecloud
from meddle import LIBRARY, Meddle
from mirage import PATIENCE, Tap, World, need_programs, skip_all, utc, wait_for

DENIED = {'status': 403, 'code': 'AccessDeniedException', 'message': 'not you'}
BUSY = {'status': 429, 'code': 'ThrottlingException', 'message': 'slow down'}


def refuse(fake, *operations, service='scheduler', **how):
    for operation in operations:
        fake.fault('fail-before', service=service, operation=operation, times=0, **how)


def mend(fake):
    fake.control('DELETE', '/_faults')


def events(world, name, kind):
    return [e['text'] for e in world.show(name)['events'] if e['kind'] == kind]


def audit(world, what):
    rows = world.cli('api', 'GET', '/v1/audit?limit=1000').json()['audit']
    return [row['detail'] for row in rows if row['what'] == what]


def stands(world, fake, name, before, schedule):
    """All that ends it is at the deadline before the extension."""
    d, found = world.show(name), of(fake, name, world)
    assert d['state'] == 'running' and d['expires_at'] == before, d
    assert when(found) == schedule, (when(found), schedule)
    assert {'instance', 'volume', 'security-group'} <= set(found), found
    for kind in set(found) - {'schedule'}:
        assert found[kind][0]['tags'][TAG + 'expires'] == before, (kind, found[kind])
    return d


def armed(d):
    return {hook['name']: hook['deadline'] for hook in d['hooks'] if hook['state'] == 'armed'}


def refusals(tap, world, fake):
    deploy(world, 'one')
    before = world.show('one')['expires_at']
    schedule = when(of(fake, 'one', world))
    with tap.part('the schedule may not be moved: exit status 5, and why'):
        refuse(fake, 'UpdateSchedule', 'CreateSchedule', **DENIED)
        done = world.cli('extend', 'one', '1h', expect=5)
        assert 'refused' in done.err and 'not you' in done.err and before in done.err, done.err
        mend(fake)
    with tap.part('it lives on, and tags, schedule and hooks are at the deadline before'):
        d = stands(world, fake, 'one', before, schedule)
        assert armed(d) == {'cloud-schedule': before, 'daemon': before}, d['hooks']
        assert d['extension'] is None, d['extension']
    with tap.part('show, ps, the events and the audit log say so'):
        for out in (world.cli('show', 'one').out, world.cli('ps').err):
            assert 'refused' in out and 'not you' in out, out
        assert any('refused' in text for text in events(world, 'one', 'error'))
        assert any('not you' in text for text in audit(world, 'extend-refused'))
    with tap.part('AWS is busy: tried as often as any step, then exit status 8'):
        refuse(fake, 'UpdateSchedule', **BUSY)
        done = world.cli('extend', 'one', '1h', expect=8)
        assert 'slow down' in done.err, done.err
        mend(fake)
        stands(world, fake, 'one', before, schedule)
    with tap.part('not even the tags may be written: nothing was moved, and it is over at once'):
        refuse(fake, 'CreateTags', service='ec2', status=403, code='UnauthorizedOperation',
               message='no tags')
        done = world.cli('extend', 'one', '1h', expect=None)
        assert done.status == 4 and 'no tags' in done.err, done
        stands(world, fake, 'one', before, schedule)
        mend(fake)
    with tap.part('nothing is known of the schedule: refused as well, and it lives on'):
        refuse(fake, '*', **DENIED)
        world.cli('extend', 'one', '1h', expect=5)
        d = stands(world, fake, 'one', before, schedule)
        assert hooks_of(world, 'one')['cloud-schedule']['state'] == 'failed', d['hooks']
        mend(fake)
    with tap.part('when it is mended, the same extension is done, and nothing is said any more'):
        world.cli('extend', 'one', '1h')
        d = world.show('one')
        assert utc(d['expires_at']) == utc(before) + 3600 and d['error'] is None, d
        assert when(of(fake, 'one', world)) != schedule
        assert armed(d) == {'cloud-schedule': d['expires_at'], 'daemon': d['expires_at']}
        assert 'refused' not in world.cli('ps').err


def crashes(tap, world, fake):
    deploy(world, 'two')
    before = world.show('two')['expires_at']
    schedule = when(of(fake, 'two', world))
    with tap.part('the daemon is killed in the middle of it: the next one goes on, and back'):
        refuse(fake, 'UpdateSchedule', **BUSY)
        op = world.cli('extend', 'two', '1h', '--detach', '--json')
        wait_for('it waits', 30 * PATIENCE, lambda: world.show('two')['extension'])
        extension = world.show('two')['extension']
        assert extension['state'] == 'arming' and extension['before'] == before, extension
        world.kill_daemon()
        mend(fake)
        refuse(fake, 'UpdateSchedule', **DENIED)
        world.start_daemon(**world.time.env())
        wait_for('it is back', 60 * PATIENCE,
                 lambda: world.show('two')['error'] and not world.show('two')['extension'])
        assert op.status == 0
        stands(world, fake, 'two', before, schedule)
    with tap.part('at its old deadline it ends, while extensions are refused'):
        world.cli('extend', 'two', '1h', expect=5)
        world.passes(utc(before) - world.time.truth() - 10)
        assert world.state_of('two') == 'running' and not ended(fake, 'two', world)
        world.passes(11)
        wait_for('the instance is over', 60 * PATIENCE, lambda: ended(fake, 'two', world))
        mend(fake)


def nothing_left(tap, world, fake):
    with tap.part('and in the end nothing of any of them is in the ledger'):
        world.cli('rm', 'one', '--detach')

        def all_gone():
            world.passes(15)
            return not of_ours(fake)
        wait_for('nothing is left', 120 * PATIENCE, all_gone, every=0.5)


def of_ours(fake):
    return [row for row in fake.ledger()['exists'] if TAG + 'deployment' in (row.get('tags') or {})
            or row['kind'] == 'schedule']


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-fakecloud')
    if not os.path.exists(LIBRARY):
        skip_all('libmeddle.so is not built')
    tap = Tap()
    with fakecloud('--set', 'boot_ms=500') as fake, World() as world:
        world.disk = disk(world)
        world.time = Meddle(world.dir)

        def passes(seconds):
            world.time.passes(seconds)
            fake.advance(seconds)
        world.passes = passes
        start(world, fake, **world.time.env())
        refusals(tap, world, fake)
        crashes(tap, world, fake)
        nothing_left(tap, world, fake)
        world.say_log(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
