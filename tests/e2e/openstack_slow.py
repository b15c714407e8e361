# SPDX-License-Identifier: ISC
"""A cloud that needs a second for every answer: what is asked there is asked side by side, so that
a look has an end within its limit, and a teardown gets on."""
import sys
import time

from fakecloud import fakecloud
from hasty import HastyWorld
from mirage import PATIENCE, Tap, need_programs, wait_for
from openstack import configure, deploy, everything

SETTLED_S = 120  # after the last thing that was made; then nothing but the cloud is waited for
OVER_S = 60      # a few rounds of ending what there is, and a look and a listing


def deployed(world, name):
    deploy(world, name)
    world.time.passes(SETTLED_S)


def slow(fake, ms=1000):
    """Every call; what the services do among themselves is none."""
    for operation in ('List*', 'Show*', 'Create*', 'Delete*'):
        fake.fault('delay', service='*', operation=operation, ms=ms, times=0)


def is_over(world, name):
    return world.show(name)['state'] in ('gone', 'failed')


def teardown(tap, world, fake):
    with tap.part('everything takes a second: what was there is gone, and told so'):
        deployed(world, 'one')
        token = world.show('one')['id']
        fake.advance(SETTLED_S)
        slow(fake)
        begun = time.monotonic()
        world.cli('rm', 'one', '--detach')
        wait_for('one is gone', OVER_S * PATIENCE, lambda: is_over(world, 'one'), every=0.5)
        print(f'# it took {time.monotonic() - begun:.0f} s', flush=True)
        fake.control('DELETE', '/_faults')
        assert not everything(fake, token), everything(fake, token)
    with tap.part('no question of a look had its time cut off'):
        cut = [line for line in world.daemon_log().splitlines() if 'List' in line]
        assert not cut, cut


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-fakecloud',
                  'hello.elf')
    tap = Tap()
    with fakecloud('--set', 'os_reservation=1', '--set', 'os_workflow=1') as fake, \
            HastyWorld(fake) as world:
        configure(world, 'lease = yes')
        world.env.update(fake.openstack)
        world.again()
        teardown(tap, world, fake)
        world.say_log(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
