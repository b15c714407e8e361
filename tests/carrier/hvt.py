# SPDX-License-Identifier: ISC
"""Kernels for Solo5's hvt, in machines under QEMU's emulator whose processors virtualise, in AMD's
way, and in others that do not: which tender a carrier takes, whether KVM runs a guest in there, and
what becomes of `mirage-deploy local www.hvt` and, on mirage-fakecloud's EC2, `ec2 www.hvt`.

    hvt.py STAND_IN

STAND_IN is web_tender.c, which under the name solo5-hvt starts a guest of its own with KVM."""
import os
import re
import sys

import boot
import kernels
from carried import CACHE, need_base, share_cache
from cloud_journey import Journey, get_port_80, left, machines, says, settle
from fakecloud import fakecloud
from meddle import LIBRARY
from mirage import (BIN, OVER, PATIENCE, Tap, World, get, need_programs, skip_all, utc, wait_for)
from tenders import LIVE, STAND_IN, configure, console, deploy, kernel

PACKED = os.path.join(CACHE, 'mirage-deploy', 'carrier')
RAN = 'guest| kvm: a guest of 64 bits says 42'
NO_KVM = 'configuration: this machine has no /dev/kvm, which solo5-hvt needs'
NO_NOTE = 'guest failed: exit status 1'
SECONDS = 60 * PATIENCE


# --- the choice ---

def off(names, image, cpu):
    """With these tenders in it, a carrier's last word and all of them."""
    base = boot.make_base(BIN, PACKED, 'linux',
                          tenders=[f'solo5-{name}={STAND_IN}' for name in names])
    conf = b'kind solo5\nmemory 16\nnet none\nttl 120\narguments exit=0\n'
    with boot.Machine(base, boot.user_part(conf, image), memory=256, nic='', cpu=cpu) as machine:
        machine.wait(None, SECONDS)
        text = machine.text()
        assert machine.off, text[-2000:]
    reason, = re.findall(r'^carrier\[[\d.]+\] power off: (.*)$', text, re.M)
    assert 'module' not in text, text[-2000:]
    return reason, text


def chooses(tap):
    both, kinds = ('spt', 'hvt'), {'hvt': kernels.solo5('hvt'), 'spt': kernels.solo5('spt'),
                                   'neither': kernels.xen_pv()}
    rows = [('hvt', both, 'EPYC', 'hvt', 'guest ended: exit status 0'),
            ('spt', both, 'EPYC', 'spt', 'guest ended: exit status 0'),
            ('neither', both, 'EPYC', 'hvt', NO_NOTE),
            ('hvt', both, 'EPYC,-svm', '', NO_KVM),
            ('spt', both, 'EPYC,-svm', 'spt', 'guest ended: exit status 0'),
            ('neither', both, 'EPYC,-svm', 'spt', NO_NOTE),
            ('spt', ('hvt',), 'EPYC', '', 'configuration: no solo5-spt in /tender'),
            ('hvt', ('spt',), 'EPYC', '', 'configuration: no solo5-hvt in /tender')]
    for kind, names, cpu, tender, end in rows:
        said = tender or 'no tender'
        with tap.part(f'{cpu}, {" and ".join(names)}, a kernel for {kind}: {said}'):
            reason, text = off(names, kinds[kind], cpu)
            started = re.findall(r'the guest starts under /tender/solo5-(\w+)', text)
            assert reason.startswith(end) and started == [tender] * bool(tender), text[-2000:]
            assert (RAN in text) == (kind == tender == 'hvt'), text[-2000:]


# --- here ---

def here(tap):
    with World() as world:
        configure(world, f'solo5_hvt = {STAND_IN}')
        share_cache(world)
        world.start_daemon()
        with tap.part('www.hvt: plan says that it is carried; HTTP, under a KVM of its own'):
            path = kernel(world, 'hvt')
            plan = world.cli('plan', 'local', path, '--json').json()
            assert plan['carrier'] == 'linux' and plan['boots']['verdict'] == 'carrier', plan
            deploy(world, 'local', path, 'www')
            assert get(world.show('www')['url'])[0] == 200
            assert RAN in console(world, 'www'), console(world, 'www')
            world.cli('rm', 'www')
        with tap.part('one without a network, a carrier asked for: it ends as it wants'):
            deploy(world, 'local', kernel(world, 'hvt', ()), 'bare', '--carrier', 'always',
                   '--no-list', '--detach', '--', 'exit=3')
            wait_for('it is over', LIVE, lambda: world.state_of('bare') in OVER)
            said = console(world, 'bare')
            assert RAN in said and 'power off: guest failed: exit status 3' in said, said
        world.say_log(tap)


# --- on EC2 ---

def refused(world):
    path = kernel(world, 'hvt')
    t3 = ['--type', 't3.micro']
    for options, words in ((t3, 'c8i.large'), ([*t3, '--carrier', 'always'], 'c8i.large'),
                           (['--carrier', 'never'], 'leave --carrier never away')):
        done = deploy(world, 'ec2', path, 'no', *options, expect=5)
        assert words in done.err, done.err
    assert world.cli('ps', '-a', '--json').json()['deployments'] == []
    assert not left(world), left(world)


def on_ec2(tap):
    with fakecloud('--guests', 'qemu', '--set', 'guest_mib=1024') as fake:
        with Journey(fake, lambda world: [*share_cache(world), '[carrier]',
                                          f'solo5_hvt = {STAND_IN}',
                                          f'solo5_spt = {STAND_IN}']) as world:
            with tap.part('a type that does not virtualise: refused before, with those that do'):
                refused(world)
            with tap.part('www.hvt: on the cheapest type that virtualises, and it is told to'):
                plan = world.cli('plan', 'ec2', kernel(world, 'hvt'), '--json').json()
                assert plan['carrier'] == 'linux' and plan['family'] == 'nested', plan
                assert plan['place']['type'] == 'c8i.large', plan
                deploy(world, 'ec2', kernel(world, 'hvt'), 'www', ttl='20m')
                d = world.show('www')
                asked = world.instance('www')['document']['cpuOptions']
                assert asked == {'nestedVirtualization': 'enabled'}, asked
                assert d['state'] == 'live' and get(d['url'])[0] == 200, d
                wait_for('its console', 30 * PATIENCE, lambda: RAN in console(world, 'www'))
                wait_for('page and badge say live', 10 * PATIENCE,
                         lambda: says(world, 'www', 'live'))
            with tap.part('at the deadline everything of it is gone, and the ledger is empty'):
                world.passes(utc(d['expires_at']) - world.time.wall() + 1)
                wait_for('the machine is off', 30 * PATIENCE, lambda: not machines(fake))
                settle(world, 'www')
                assert not left(world), left(world)
            with tap.part('a kernel for spt on that type: nobody asks for virtualisation'):
                deploy(world, 'ec2', kernel(world), 'plain', '--type', 'c8i.large', '--detach')
                row = wait_for('it is launched', LIVE, lambda: world.instance('plain'))
                assert 'cpuOptions' not in row['document'], row['document']
                world.cli('rm', 'plain', '--detach')
                settle(world, 'plain')
            world.say_log(tap)


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-carrier',
                  'mirage-fakecloud', 'mirage-public')
    if not os.path.exists(LIBRARY):
        skip_all('libmeddle.so is not built')
    need_base('linux')
    get_port_80()
    tap = Tap()
    chooses(tap)
    here(tap)
    on_ec2(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
