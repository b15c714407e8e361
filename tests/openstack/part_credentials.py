#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Who asks: what is wrong is refused with exit status 4 and makes nothing; an application credential
does as well as a password; and tokens that are revoked, users that are disabled and credentials that
are deleted in the middle keep no teardown from its end. Speaks TAP."""
import time

import ours
import stack
import tap

DISABLED_SECONDS = 8
WRONG = {'OS_PASSWORD': 'wrong', 'OS_PROJECT_NAME': 'nobodys', 'OS_USERNAME': 'nobody'}


def wrong(admin):
    """a wrong password, project, user, token: refused, and nothing is made"""
    env = admin.tenant('wrong')
    token = {**env, 'OS_AUTH_TYPE': 'v3token', 'OS_TOKEN': 'gAAAAABnobodys'}
    cases = [{**env, name: value} for name, value in WRONG.items()] + \
        [{key: value for key, value in token.items()
          if not key.startswith(('OS_USER', 'OS_PASS'))}]
    with ours.Ours(env) as world:
        for case in cases:
            world.env = {key: value for key, value in world.env.items()
                         if not key.startswith('OS_')}
            world.env.update(case)
            world.again()
            done = world.deploy('no', expect=None)
            assert done.status == 4, (case, done.status, done.err)
            assert 'doctor openstack' in done.err, done.err
            assert case.get('OS_TOKEN', 'wrong') not in done.err, done.err
    left = ours.all_of_us(stack.Stack(env))
    assert not left, left


def application(world, admin, env):
    """an application credential in clouds.yaml: made and taken away by it"""
    cloud = stack.Stack(env)
    credential = cloud.credential('first')
    world.clouds(app=ours.by_application(env, credential))
    world.begin()
    world.deploy('one', '--detach')
    d = world.runs('one')
    assert d['place']['cloud'] == 'app', d['place']
    doctor = world.cli('doctor', 'openstack', expect=None).out
    assert 'application credential first' in doctor, doctor
    return cloud, credential, ours.ids(ours.everything(cloud, d['id']))


def deleted(world, cloud, env, credential, things):
    """the credential is deleted: told as what it is; with another one the teardown goes on"""
    cloud.drop_credential(credential)
    world.rm('one')
    stack.until('it says why', lambda: '401' in world.cli('show', 'one').out
                or 'redential' in world.cli('show', 'one').out, 60)
    assert world.state_of('one') in ('ending', 'stuck'), world.show('one')
    assert cloud.server(dict(things)['servers']), 'it has gone by itself'
    world.clouds(app=ours.by_application(env, cloud.credential('second')))
    world.again()
    world.is_over(cloud, 'one', *things)


def revoked(world, admin, env):
    """all tokens are revoked in the middle of a launch, and again before the teardown"""
    user = stack.Stack(env).user
    world.begin()
    world.deploy('two', '--detach')
    stack.until('it is under way', lambda: world.state_of('two') in (
        'uploading', 'launching', 'running'), 60)
    admin.revoke(user)
    d = world.runs('two')
    cloud = stack.Stack(env)
    things = ours.ids(ours.everything(cloud, d['id']))
    admin.revoke(user)
    world.rm('two')
    stack.until('its server is 404', lambda: admin.server(dict(things)['servers']) is None, 60)
    return things


def disabled(world, admin, env, things):
    """the user is disabled for a while: the rest goes when they are back"""
    cloud = stack.Stack(env)
    admin.enable(cloud.user, False)
    time.sleep(DISABLED_SECONDS)
    assert world.state_of('two') in ('ending', 'stuck'), world.show('two')
    admin.enable(cloud.user, True)
    world.is_over(stack.Stack(env), 'two', *things)


def main():
    ours.need_ours()
    suite, admin = tap.Tap(), stack.Admin()
    by_credential, by_token = admin.tenant('application'), admin.tenant('revoked')
    with ours.Ours({}, 'cloud = app', 'floating_network = none') as first, \
            ours.Ours(by_token, 'floating_network = none') as second:
        with suite.part(application.__doc__):
            cloud, credential, one = application(first, admin, by_credential)
        with suite.part(revoked.__doc__):
            two = revoked(second, admin, by_token)
        with suite.part(wrong.__doc__):
            wrong(admin)
        with suite.part(deleted.__doc__):
            deleted(first, cloud, by_credential, credential, one)
        with suite.part(disabled.__doc__):
            disabled(second, admin, by_token, two)
        first.say_log(suite)
        second.say_log(suite)
    return suite.end()


if __name__ == '__main__':
    raise SystemExit(main())
