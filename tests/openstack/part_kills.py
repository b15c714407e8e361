#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The daemon is killed (SIGKILL) in the middle of a launch and in the middle of a teardown, where
the cloud has done something that nobody has written down; the next one goes on with it: one server,
and in the end nothing. Speaks TAP."""
import contextlib
import signal
import subprocess

import ours
import stack
import tap

# Each call of a kind is two points: before it (odd) and after its answer (even).
# (Before the server nobody knows for 90 s whether there is one: the torture has those points.)
LAUNCH = (('server', 'nova.CreateServer#2'), ('image', 'glance.CreateImage#2'))
PLANNED_SECONDS = 120  # images go when the settling time of the server (90 s) is over
TEARDOWN = ('nova.DeleteServer#2', 'neutron.DeletePort#2', 'glance.DeleteImage#2')


def dies(world, point):
    """It is killed there; or, where the cloud is too slow for it to come there, elsewhere."""
    try:
        world.daemon.wait(PLANNED_SECONDS * stack.PATIENCE)
    except subprocess.TimeoutExpired:
        print(f'# it did not come to {point}', flush=True)
        world.daemon.kill()
    assert world.daemon.wait() == -signal.SIGKILL, world.daemon.returncode
    world.daemon = None


def launches(world, cloud):
    """killed in the middle of a launch: one server all the same"""
    for name, point in LAUNCH:
        world.again(MIRAGE_DEPLOY_FAULT='kill:' + point)
        # Arguments of its own: an image of its own.
        with contextlib.suppress(AssertionError):  # the answer may be lost with the daemon
            world.deploy(name, '--detach', arguments=(f'of={name}',))
        dies(world, point)
    world.again()
    found = {}
    for name, _ in LAUNCH:
        d = world.runs(name)
        found[name] = ours.everything(cloud, d['id'])
        assert len(found[name]['servers']) == 1, found[name]['servers']
        assert len(found[name]['ports']) == len(found[name]['security_groups']) == 1, found[name]
    return {name: ours.ids(rows) for name, rows in found.items()}


def teardowns(world, cloud, things):
    """killed in the middle of a teardown, three times: nothing is left"""
    world.kill_daemon()
    for point in TEARDOWN:
        world.start_daemon(MIRAGE_DEPLOY_FAULT='kill:' + point)
        for name in things:
            with contextlib.suppress(AssertionError):  # forgotten is what was not acknowledged
                world.rm(name)
        dies(world, point)
    world.again()
    for name, its in things.items():
        world.is_over(cloud, name, *its)


def main():
    ours.need_ours()
    suite, admin = tap.Tap(), stack.Admin()
    env = admin.tenant('kills')
    cloud = stack.Stack(env)
    with ours.Ours(env, 'floating_network = none') as world:
        world.begin()
        with suite.part(launches.__doc__):
            things = launches(world, cloud)
        if not suite.failed:
            with suite.part(teardowns.__doc__):
                teardowns(world, cloud, things)
        world.say_log(suite)
    return suite.end()


if __name__ == '__main__':
    raise SystemExit(main())
