#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Who asks: what is wrong is refused with exit status 4 and makes nothing; an application
credential does as well as a password; and tokens that are revoked, users that are disabled and
credentials that are deleted in the middle keep no teardown from its end. Speaks TAP."""
import time

import ours
import stack
import tap

CACHE_SECONDS = 3  # after which no service takes a token any more that Keystone has revoked
DISABLED_SECONDS = 8
LATE_SECONDS = 40  # who is refused by Keystone asks again after 20 s
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
    time.sleep(CACHE_SECONDS)
    world.rm('one')
    stack.until('it says why', lambda: 'teardown: keystone CreateToken' in world.daemon_log(), 60)
    assert world.state_of('one') in ('ending', 'stuck'), world.show('one')
    assert cloud.server(dict(things)['servers']), 'it has gone by itself'
    world.clouds(app=ours.by_application(env, cloud.credential('second')))
    world.again()
    world.is_over(cloud, 'one', *things)


def revoked(world, admin, env):
    """all tokens are revoked in the middle of a launch: it goes on"""
    user = stack.Stack(env).user
    world.begin()
    world.deploy('two', '--detach')
    stack.until('it is under way', lambda: world.state_of('two') in (
        'uploading', 'launching', 'running'), 60)
    admin.revoke(user)
    d = world.runs('two')
    return user, ours.ids(ours.everything(stack.Stack(env), d['id']))


def disabled(world, admin, user, things):
    """the user is disabled when the end is asked for: it comes when they are back, no later"""
    server = dict(things)['servers']
    admin.enable(user, False)  # which revokes all tokens
    time.sleep(CACHE_SECONDS)
    world.rm('two')
    time.sleep(DISABLED_SECONDS)
    assert world.state_of('two') in ('ending', 'stuck'), world.show('two')
    assert admin.server(server), 'it has gone by itself'
    admin.enable(user, True)
    since = time.monotonic()
    stack.until('its server is 404', lambda: admin.server(server) is None, 90)
    late = time.monotonic() - since
    print(f'# its server is 404 {late:.1f} s after they are back', flush=True)
    assert late <= LATE_SECONDS * stack.PATIENCE, late


def main():
    ours.need_ours()
    suite, admin = tap.Tap(), stack.Admin()
    by_credential, by_token = admin.tenant('application'), admin.tenant('revoked')
    with ours.Ours({}, 'cloud = app', 'floating_network = none') as first, \
            ours.Ours(by_token, 'floating_network = none') as second:
        with suite.part(application.__doc__):
            cloud, credential, one = application(first, admin, by_credential)
        with suite.part(revoked.__doc__):
            user, two = revoked(second, admin, by_token)
        with suite.part(disabled.__doc__):
            disabled(second, admin, user, two)
        with suite.part(wrong.__doc__):
            wrong(admin)
        with suite.part(deleted.__doc__):
            deleted(first, cloud, by_credential, credential, one)
        with suite.part('and nothing is left'):
            second.is_over(stack.Stack(by_token), 'two', *two)
        first.say_log(suite)
        second.say_log(suite)
    return suite.end()


if __name__ == '__main__':
    raise SystemExit(main())
