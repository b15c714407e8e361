# SPDX-License-Identifier: ISC
"""A Solo5 kernel for spt in a Linux carrier: `mirage-deploy local www.spt`, and on
mirage-fakecloud's EC2 and OpenStack with machines under QEMU, to a live badge and, at the deadline,
to an empty ledger.

    solo5.py STAND_IN

STAND_IN is web_tender.c. With SOLO5_SPT, a real solo5-spt, and SOLO5_SPT_KERNEL, a kernel for it,
that one too, with SOLO5_SPT_WORDS as its arguments: until it serves, or ends where it has no
network. The same with HVT for SPT."""
import os
import sys
import time

from carried import need_base, share_cache
from cloud_journey import Journey, get_port_80, left, over_at_its_deadline, says
from fakecloud import fakecloud
from hasty import HastyWorld
from meddle import LIBRARY
from mirage import OVER, PATIENCE, Skip, Tap, World, get, need_programs, skip_all, wait_for
from tenders import LIVE, STAND_IN, configure, console, deploy, ends, kernel

ADDRESS = ['--', 'ip=10.9.0.2/24', 'gw=10.9.0.1']


# --- the tender ---

def without(tap):
    """Nobody has one: what is said, and that nothing was begun."""
    with World() as world:
        configure(world)
        world.env['PATH'] = '/usr/sbin:/usr/bin:/sbin:/bin'
        if os.path.exists('/usr/bin/solo5-spt'):
            raise Skip('this machine has a solo5-spt in /usr/bin')
        world.start_daemon()
        with tap.part('no tender: plan and deploy say so with exit code 5, and where to get one'):
            for done in (world.cli('plan', 'local', kernel(world), expect=5),
                         deploy(world, 'local', kernel(world), 'www', expect=5)):
                assert 'needs the program solo5-spt' in done.err, done.err
                assert 'opam install solo5' in done.err and 'solo5_spt = FILE' in done.err, done.err
            assert world.cli('ps', '-a', '--json').json()['deployments'] == []
        with tap.part('doctor says so, too'):
            checks = world.cli('doctor', 'local', '--json', expect=None).json()['checks']
            check, = [row for row in checks if row['name'] == 'local: Solo5 carrier']
            assert check['level'] == 'PASS' and 'solo5_spt = FILE' in check['fix'], check
        with tap.part('a kernel for hvt: no carrier that nobody asked for'):
            hvt = kernel(world, 'hvt')
            done = world.cli('plan', 'openstack', hvt, expect=5)
            assert 'cannot boot' in done.err, done.err


def wrong(tap):
    cases = [('solo5-spt', 'has to be a whole path'), ('/nonexistent/spt', 'cannot be read'),
             (__file__, 'no ELF program for x86-64'), ('/tmp', 'no file')]
    for value, words in cases:
        with tap.part(f'solo5_spt = {os.path.basename(value)}: {words}'), World() as world:
            configure(world, f'solo5_spt = {value}')
            world.start_daemon()
            done = deploy(world, 'local', kernel(world), 'www', expect=5)
            assert words in done.err and 'opam' in done.err, done.err
    with tap.part('of both tenders doctor says when one that is named is none'), World() as world:
        configure(world, f'solo5_spt = {STAND_IN}', 'solo5_hvt = /tmp')
        world.start_daemon()
        checks = world.cli('doctor', 'local', '--json', expect=None).json()['checks']
        check, = [row for row in checks if row['name'] == 'local: Solo5 carrier']
        assert check['level'] == 'WARN' and '/tmp cannot be the tender solo5-hvt' in \
            check['detail'] and 'solo5_hvt = FILE' in check['fix'], check


# --- here ---

def here(tap):
    with World() as world:
        configure(world, f'solo5_spt = {STAND_IN}')
        share_cache(world)
        world.start_daemon()
        with tap.part('plan: a Linux carrier, its memory, a disk on NVMe'):
            plan = world.cli('plan', 'local', kernel(world), '--json').json()
            assert plan['carrier'] == 'linux' and plan['guest_bytes'] == 64 << 20, plan
            assert plan['memory_bytes'] <= 145 << 20, plan['memory_bytes']
            assert plan['machine']['disk'] == 'nvme', plan['machine']
        serves_here(tap, world)
        ends_here(tap, world)
        world.say_log(tap)


def serves_here(tap, world):
    with tap.part('www.spt: HTTP, page and badge say live, within the memory that was planned'):
        began = time.monotonic()
        deploy(world, 'local', kernel(world), 'www', *ADDRESS)
        print(f'# live after {time.monotonic() - began:.1f} s')
        status, text = get(world.show('www')['url'])
        assert status == 200 and '<title>' in text, (status, text[:200])
        wait_for('page and badge say live', 10 * PATIENCE, lambda: says(world, 'www', 'live'))
        said = console(world, 'www')
        assert 'guest| memory 64 MiB' in said and 'learned from its ARP' in said, said
        assert 'net auto' in said and 'module' not in said, said
        world.cli('rm', 'www')
        assert world.state_of('www') == 'gone'
    with tap.part('a kernel of 16 MiB, in what is planned for it'):
        path = kernel(world)
        with open(path, 'ab') as f:
            f.write(os.urandom(16 << 20))
        deploy(world, 'local', path, 'large', '--no-list', *ADDRESS)
        world.cli('rm', 'large')


def ends_here(tap, world):
    with tap.part('it ends with 0: its words arrived as they were, and the machine is off'):
        text = ends(world, 'good', 'say=bye', 'exit=0', 'a="b')
        assert 'guest| bye' in text and 'arguments say=bye exit=0 a="b' in text, text
        assert 'power off: guest ended: exit status 0' in text, text
    with tap.part('it ends with 3: that is said'):
        assert 'power off: guest failed: exit status 3' in ends(world, 'bad', 'exit=3')
    with tap.part('a kernel without a network, asked for: none is given'):
        deploy(world, 'local', kernel(world, devices=()), 'bare', '--carrier', 'always',
               '--no-list', '--detach', '--', 'exit=0')
        wait_for('it is over', LIVE, lambda: world.state_of('bare') in OVER)
        assert 'net none' in console(world, 'bare'), console(world, 'bare')
    with tap.part('a block device of its manifest: refused before, by its name'):
        path = kernel(world, devices=(('disk', 'block'),))
        done = deploy(world, 'local', path, 'blocks', expect=5)
        assert "block device 'disk'" in done.err and '--block disk=FILE' in done.err, done.err
    with tap.part('one that it has not: refused as well, with those that it has'):
        with open(os.path.join(world.dir, 'content'), 'wb') as f:
            f.write(bytes(3 * 512))
        done = deploy(world, 'local', path, 'blocks', '--block', f'dsik={f.name}', expect=2)
        assert "no block device 'dsik'" in done.err and '--block disk=FILE' in done.err, done.err
    with tap.part('given: the tender attaches it, of the length that its file has'):
        deploy(world, 'local', path, 'blocks', '--no-list', '--detach', '--block',
               f'disk={f.name}', '--', 'exit=0')
        wait_for('it is over', LIVE, lambda: world.state_of('blocks') in OVER)
        text = console(world, 'blocks')
        assert 'guest| block disk: 1536 bytes' in text, text
        assert 'power off: guest ended: exit status 0' in text, text
    with tap.part('nothing of any of them is left'):
        folder = os.path.join(world.state, 'carried')
        assert os.listdir(folder) == [], os.listdir(folder)


# --- on clouds ---

def on_ec2(tap):
    with fakecloud('--guests', 'qemu', '--set', 'guest_mib=1024') as fake:
        with Journey(fake, lambda world: [*share_cache(world), '[carrier]',
                                          f'solo5_spt = {STAND_IN}']) as world:
            with tap.part('www.spt on a Nitro type: live, page and badge say so'):
                deploy(world, 'ec2', kernel(world), 'www', '--answer-ownership', *ADDRESS,
                       ttl='20m')
                d = world.show('www')
                assert d['state'] == 'live' and get(d['url'])[0] == 200, d
                wait_for('page and badge say live', 10 * PATIENCE,
                         lambda: says(world, 'www', 'live'))
            with tap.part('the carrier says the deadline that it keeps: a hook that is read back'):
                guest = wait_for('the hook', 90 * PATIENCE, lambda: [
                    row for row in world.show('www')['hooks']
                    if row['name'] == 'guest' and row['state'] == 'armed'])
                assert guest[0]['detail'] == 'its carrier powers the machine off', guest
                assert guest[0]['deadline'] == d['expires_at'], (guest, d['expires_at'])
            with tap.part('at the deadline everything of it is gone, and the ledger is empty'):
                over_at_its_deadline(world, 'www')
            with tap.part('hvt: its own tender is missed, before a launch'):
                done = deploy(world, 'ec2', kernel(world, 'hvt'), 'hvt', expect=5)
                assert 'needs the program solo5-hvt' in done.err, done.err
                assert not left(world), left(world)
            world.say_log(tap)


def on_openstack(tap):
    with fakecloud('--guests', 'qemu', '--set', 'guest_mib=1024') as fake, HastyWorld() as world:
        configure(world, f'solo5_spt = {STAND_IN}')
        share_cache(world)
        world.env.update(fake.openstack)
        world.again()
        assert world.reaper('openstack', '--every', '1d').returncode == 0
        with tap.part('www.spt on a KVM cloud: live'):
            deploy(world, 'openstack', kernel(world), 'www', *ADDRESS, ttl='20m')
            d = world.show('www')
            assert d['state'] == 'live' and get(d['url'])[0] == 200, d
        with tap.part('removed: nothing of it is left'):
            world.cli('rm', 'www', '--detach')
            world.until('it is over', lambda: world.state_of('www') in OVER)
            rows = [row['id'] for row in fake.ledger()['exists'] if d['id'] in str(row['document'])]
            assert world.state_of('www') == 'gone' and not rows, rows
        world.say_log(tap)


# --- the real ones ---

def real(tap, kind):
    name = f'SOLO5_{kind.upper()}'
    tender, path = os.environ.get(name), os.environ.get(f'{name}_KERNEL')
    with tap.part(f'a kernel of {name}_KERNEL under the real solo5-{kind}'), World() as world:
        if not tender or not path:
            raise Skip(f'{name} and {name}_KERNEL name no tender and no kernel')
        configure(world, f'solo5_{kind} = {tender}')
        share_cache(world)
        world.start_daemon()
        networked = world.cli('inspect', path, '--json').json()['devices']
        words = os.environ.get(f'{name}_WORDS', '').split()
        if networked:
            deploy(world, 'local', path, 'real', '--', *words)
            assert get(world.show('real')['url'])[0] == 200
            return
        deploy(world, 'local', path, 'real', '--carrier', 'always', '--no-list', '--detach', '--',
               *words)
        wait_for('it is over', LIVE, lambda: world.state_of('real') in OVER)
        text = console(world, 'real')
        assert 'Solo5: Bindings version' in text and 'guest ended: exit status 0' in text, text


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-carrier',
                  'mirage-fakecloud', 'mirage-public')
    if not os.path.exists(LIBRARY):
        skip_all('libmeddle.so is not built')
    need_base('linux')
    get_port_80()
    tap = Tap()
    without(tap)
    wrong(tap)
    here(tap)
    on_ec2(tap)
    on_openstack(tap)
    real(tap, 'spt')
    real(tap, 'hvt')
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
