# SPDX-License-Identifier: ISC
"""`image build --prove`: an image is booted before it gets its name, by the real daemon, on the
machine that is nearest to what it is for; what does not prove itself is not kept, and whatever was
booted for it is gone afterwards."""
import json
import os
import signal
import sys

import kernels
from machine import OVMF
from mirage import PATIENCE, Skip, Tap, World, get, need_programs, program, skip_all, wait_for

HELLO = program('hello.elf')
CODE = '/usr/share/OVMF/OVMF_CODE_4M.fd'
UEFI = {'firmware': 'uefi', 'disk': 'nvme', 'nic': 'virtio'}
BIOS = {'firmware': 'bios', 'disk': 'ide', 'nic': 'virtio'}


def need_uefi():
    if not (OVMF and os.path.exists(CODE)):
        print('# UEFI IS NOT TESTED: the package ovmf is not installed', flush=True)
        raise Skip('ovmf is not installed')


def path(world, name, data=None):
    full = os.path.join(world.dir, name)
    if data is not None:
        with open(full, 'wb') as f:
            f.write(data)
    return full


def prove(world, kernel, out, *args, expect=0, **env):
    return world.cli('image', 'build', kernel, '-o', path(world, out), '--prove', *args,
                     expect=expect, **env)


def nothing_left(world):
    """No guest, no lease under way, no copy of the image, no file that was not asked for."""
    assert not world.guests(), world.guests()
    assert world.cli('ps', '--json').json()['deployments'] == [], world.cli('ps').out
    kept = [n for n in os.listdir(os.path.join(world.state, 'kernels'))]
    assert kept == [], kept
    assert not [n for n in os.listdir(world.dir) if n.startswith('.')], os.listdir(world.dir)


def refused(world, status, words, kernel, *args, **env):
    done = prove(world, kernel, 'no.img', *args, expect=status, **env)
    for word in words:
        assert word in done.err, (word, done.err)
    assert not os.path.exists(path(world, 'no.img')), 'the image was kept'
    return done


def proofs(tap, world):
    with tap.part('raw by BIOS, and the daemon is started for it'):
        made = prove(world, HELLO, 'bios.img', '--boot', 'bios', '--json').json()
        [proof] = made['proof']
        assert proof['verdict'] == 'answered' and proof['machine'] == BIOS, proof
        assert 0 < proof['after_ms'] < 60000, proof
        assert [x for x in proof['console'] if x.startswith('hello: listening on')], proof
        assert os.path.getsize(path(world, 'bios.img')) == made['disk_bytes']
        nothing_left(world)
        seen = world.cli('ps', '--all', '--json').json()['deployments']
        assert len(seen) == 1 and seen[0]['name'].startswith('prove-'), seen
        assert seen[0]['end_reason'] == 'removed', seen
        assert get(seen[0]['site_url'].split('/sites/')[0] + '/')[0] == 200
        assert 'prove-' not in get(seen[0]['site_url'].split('/sites/')[0] + '/')[1]
    with tap.part('VHD and stream-optimised VMDK, told to people'):
        prove(world, HELLO, 'h.vmdk', '--boot', 'bios', '--format', 'vmdk')
        done = prove(world, HELLO, 'h.vhd', '--boot', 'bios', '--format', 'vhd')
        assert 'proof     answered after ' in done.out and 'disk ide' in done.out, done.out
        nothing_left(world)
    with tap.part('a disk that was one already, by what is found in it'):
        made = prove(world, path(world, 'bios.img'), 'again.qcow2', '--format', 'qcow2',
                     '--json').json()
        assert made['boot'] == 'as-is' and made['proof'][0]['machine'] == BIOS, made
        assert made['proof'][0]['verdict'] == 'answered', made
    with tap.part('both firmwares, one after the other, from qcow2'):
        need_uefi()
        made = prove(world, HELLO, 'both.qcow2', '--format', 'qcow2', '--json').json()
        assert [p['machine'] for p in made['proof']] == [BIOS, UEFI], made
        assert {p['verdict'] for p in made['proof']} == {'answered'}, made
        nothing_left(world)
    with tap.part('the same image deployed: a virtio disk, and UEFI with NVMe'):
        for name, args in (('v', ['--disk-bus', 'virtio']),
                           ('u', ['--firmware', 'uefi', '--disk-bus', 'nvme'])):
            if name == 'u':
                need_uefi()
            world.cli('local', path(world, 'both.qcow2' if name == 'u' else 'bios.img'), '--name',
                      name, '--ttl', '5m', *args)
            shown = world.show(name)
            assert shown['state'] == 'live' and shown['machine']['disk'] == args[-1], shown
            assert 'disk ' + args[-1] in world.cli('show', name).out
            world.cli('rm', name)
        forget(world)


def no_network(tap, world):
    with tap.part('a kernel that speaks and has no network has spoken'):
        kernel = path(world, 'talks', kernels.multiboot('good day\n', 'hang'))
        [proof] = prove(world, kernel, 'talks.img', '--boot', 'bios', '--json').json()['proof']
        assert proof['verdict'] == 'spoke' and proof['console'][-1] == 'good day', proof
    with tap.part('one that has said what it had to say and switches the machine off'):
        kernel = path(world, 'leaves', kernels.multiboot('good day\n', 'power-off'))
        [proof] = prove(world, kernel, 'leaves.img', '--boot', 'bios', '--json').json()['proof']
        assert proof['verdict'] == 'spoke', proof
        nothing_left(world)


def failures(tap, world):
    with tap.part('a kernel that never speaks is not proven, and its image not kept'):
        silent = path(world, 'silent', kernels.multiboot('', 'hang'))
        refused(world, 1, ['not proven', 'within 3 s', '--prove-timeout'], silent, '--boot', 'bios',
                '--prove-timeout', '3s')
        nothing_left(world)
    with tap.part('a kernel that crashes after its first words is not proven'):
        kernel = path(world, 'crash', kernels.multiboot('good day\n', 'triple-fault'))
        done = refused(world, 1, ['reset itself', 'good day'], kernel, '--boot', 'bios')
        assert 'last lines of its console' in done.err, done.err
        done = prove(world, kernel, 'no.img', '--boot', 'bios', '--json', expect=1)
        proof = json.loads(done.out)['proof']
        assert proof[0]['verdict'] == 'failed' and 'good day' in proof[0]['console'], proof
        nothing_left(world)
    with tap.part('a failed proof keeps what was to be replaced'):
        old = path(world, 'no.img', b'precious')
        prove(world, silent, 'no.img', '--boot', 'bios', '--prove-timeout', '1s', '--force',
              expect=1)
        with open(old, 'rb') as f:
            assert f.read() == b'precious'
        os.unlink(old)
    with tap.part('what cannot be booted here is refused with the reason'):
        xen = path(world, 'xen', kernels.xen_pv())
        refused(world, 5, ['nothing was proven', 'PV-GRUB'], xen)
        refused(world, 5, ['nothing was proven', 'extents'], HELLO, '--format', 'extents')
        refused(world, 5, ['nothing was proven', 'PV-GRUB'], xen, '--format', 'ec2-bundle')
        done = world.cli('image', 'build', HELLO, '-o', '-', '--prove', expect=5)
        assert 'standard output' in done.err and not done.out, done
        nothing_left(world)


def started(world, kernel, out):
    """A proof under way: its process, once its guest runs."""
    child = world.start('image', 'build', kernel, '-o', path(world, out), '--prove', '--boot',
                        'bios', '--prove-timeout', '2m')
    wait_for('the guest runs', 30 * PATIENCE, lambda: world.processes('qemu-system'))
    return child


def interrupted(tap, world):
    silent = path(world, 'silent', kernels.multiboot('', 'hang'))
    with tap.part('an interruption waits until what was booted is gone'):
        child = started(world, silent, 'int.img')
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=30 * PATIENCE)
        assert child.returncode == 130 and 'no image was made' in err, (child.returncode, err)
        assert not os.path.exists(path(world, 'int.img'))
        nothing_left(world)
    with tap.part('a second one ends at once, and says until when the guest runs'):
        child = started(world, silent, 'int.img')
        [d] = world.cli('ps', '--json').json()['deployments']
        os.kill(world.processes('mirage-deployd')[0], signal.SIGSTOP)  # nobody answers
        try:
            child.send_signal(signal.SIGINT)
            wait_for('the first is taken', 10 * PATIENCE, lambda: not signal_pending(child.pid))
            child.send_signal(signal.SIGINT)
            _, err = child.communicate(timeout=30 * PATIENCE)
        finally:
            os.kill(world.processes('mirage-deployd')[0], signal.SIGCONT)
        assert child.returncode == 130, (child.returncode, err)
        assert d['name'] in err and d['expires_at'] in err, (d, err)
        world.cli('rm', d['name'])
        forget(world)
    with tap.part('killed: the lease is short, and ends the guest'):
        child = started(world, silent, 'int.img')
        child.kill()
        child.communicate()
        [d] = world.cli('ps', '--json').json()['deployments']
        assert 0 < d['left_s'] <= 180, d
        assert not os.path.exists(path(world, 'int.img'))
        world.cli('rm', d['name'])
        forget(world)


def signal_pending(pid):
    with open(f'/proc/{pid}/status', encoding='ascii') as f:
        return any(int(line.split()[1], 16) & 2 for line in f if line.startswith('ShdPnd'))


def forget(world):
    """What a killed proof leaves: its copy of the image, which the daemon drops when asked."""
    for sha in os.listdir(os.path.join(world.state, 'kernels')):
        world.cli('api', 'DELETE', f'/v1/kernels/{sha}')
    nothing_left(world)


def no_firmware(tap):
    with World() as world, tap.part('without OVMF: what is missing and the fix, and nothing kept'):
        config = path(world, 'config', b'[local]\nuefi = /nonexistent\n')
        env = {'MIRAGE_DEPLOY_CONFIG': config}
        refused(world, 8, ['OVMF_CODE_4M.fd', 'apt-get install ovmf'], HELLO, '--boot', 'uefi',
                **env)
        nothing_left(world)
        line = [x for x in world.cli('doctor', 'local', expect=None, **env).out.splitlines()
                if 'UEFI firmware' in x]
        assert len(line) == 1 and line[0].startswith('WARN'), line
        plan = world.cli('plan', 'local', HELLO, '--firmware', 'uefi', expect=5, **env)
        assert 'image build' in plan.err, plan.err


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-keeper', 'mirage-image', 'hello.elf')
    if not os.path.exists(program('grub/boot.img')):
        skip_all('no boot loaders in this build')
    tap = Tap()
    with World() as world:
        proofs(tap, world)
        no_network(tap, world)
        failures(tap, world)
        interrupted(tap, world)
    no_firmware(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
