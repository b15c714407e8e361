#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""`mirage-deploy ec2 kernel.xen --type t2.micro`: on a type whose host is Xen the carrier is the
shim. What is planned, what is uploaded and registered, how much memory it has, and that two hooks
are armed although nothing in the machine keeps the deadline. mirage-fakecloud has no Xen: that
such a disk starts there is tests/carrier/shim.py's. The base is one of the test's own
distribution. Speaks TAP."""
import glob
import os
import sys

from distribution import Distribution
from fakecloud import fakecloud
from mirage import PATIENCE, Tap, World, need_programs, wait_for
from tap import need_program

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../carrier'))
from carried import grub  # noqa: E402

ROLE = 'arn:aws:iam::123456789012:role/mirage-scheduler'
TAG = 'mirage-deploy:'
PATIENT = 60 * PATIENCE


class Shim(World):
    def __init__(self, fake):
        super().__init__()
        self.fake = fake
        self.env.update(fake.env, PATH=Distribution(os.path.join(self.dir, 'debian')).path())
        self.kernel = grub(self.dir, 'halt')

    def config(self, *lines):
        folder = os.path.join(self.dir, '.config', 'mirage-deploy')
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, 'config'), 'w', encoding='utf-8') as f:
            f.write('\n'.join(['[ec2]', *lines, '']))

    def again(self):
        if self.daemon:
            self.stop_daemon()
        self.start_daemon()

    def deploy(self, name, *options, expect=0):
        return self.cli('ec2', self.kernel, '--type', 't2.micro', '--no-list', '--ttl', '20m',
                        '--name', name, '--yes', *options, expect=expect, timeout=PATIENT)

    def uploaded(self):
        """The bytes of the one snapshot."""
        files = [path for path in glob.glob(os.path.join(self.fake.state, 'snapshots', '**'),
                                            recursive=True) if os.path.isfile(path)]
        assert files, os.listdir(self.fake.state)
        content = b''
        for path in files:
            with open(path, 'rb') as f:
                content += f.read()
        return content


def planned(tap, w):
    with tap.part('plan: the shim, with the memory of the type, and no hook of the guest'):
        plan = w.cli('plan', 'ec2', w.kernel, '--type', 't2.micro', '--json').json()
        assert plan['carrier'] == 'shim' and plan['boots']['verdict'] == 'carrier', plan
        assert plan['place']['type'] == 't2.micro', plan['place']
        assert 'guest' not in plan['hooks'] and 'cloud-schedule' in plan['hooks'], plan['hooks']
        assert plan['guest_bytes'] == 64 << 20 and plan['memory_bytes'] <= 1 << 30, plan
        text = w.cli('plan', 'ec2', w.kernel, '--type', 't2.micro').out
        assert "Xen's PV shim" in text, text
    with tap.part('on a type that is no Xen host it is the other carrier'):
        plan = w.cli('plan', 'ec2', w.kernel, '--type', 't3.micro', '--json').json()
        assert plan['carrier'] == 'xen', plan
    with tap.part('more than the type has: refused before anything is sent'):
        done = w.deploy('much', '--memory', '2G', expect=5)
        assert 't2.micro' in done.err, done.err
        assert not w.fake.carrying(TAG + 'deployment', w.show('much')['id']) \
            if w.state_of('much') else True


def deployed(tap, w):
    with tap.part('what is registered has GRUB, the shim, the kernel and its words, and no Linux'):
        w.deploy('old', '--', 'first=1', 'second')
        d = w.show('old')
        assert d['state'] in ('running', 'live') and d['carrier'] == 'shim', d
        content = w.uploaded()
        for what in (b"if multiboot2 '/boot/xen-shim.xz' pv-shim console=xen,pv; then",
                     b"if module2 '/boot/kernel' 'first=1' 'second'; then", b'XEN-SHIMXZ',
                     b'KERNEL     '):
            assert what in content, what
        for what in (b'/boot/linux', b'/boot/initrd', d['id'].encode()):
            assert what not in content, what
        ours = w.fake.carrying(TAG + 'deployment', d['id'])
        image, = ours['image']
        assert image['document']['virtualizationType'] == 'hvm', image
        instance, = ours['instance']
        assert instance['document']['instanceType'] == 't2.micro', instance
        assert TAG + 'guest' not in instance['tags'], instance['tags']
    with tap.part('two hooks, none of them in the machine; so it is extended like any other'):
        hooks = {hook['name']: hook for hook in d['hooks']}
        assert hooks['cloud-schedule']['state'] == hooks['daemon']['state'] == 'armed', hooks
        assert hooks['shutdown-behaviour']['state'] == 'off', hooks
        assert 'does not end itself' in hooks['shutdown-behaviour']['detail'], hooks
        w.cli('extend', 'old', '2h')
    with tap.part('removed: nothing of it is left'):
        w.cli('rm', 'old', '--detach')
        wait_for('its instance has ended', PATIENT, lambda: not [
            row for row in w.fake.carrying(TAG + 'deployment', d['id']).get('instance', [])
            if row['document']['instanceState']['name'] not in ('terminated', 'shutting-down')])


def without_role(tap, w):
    with tap.part('without a schedule of the cloud there is one hook: it is ended again, with why'):
        w.config()
        w.again()
        w.deploy('alone', '--detach')
        wait_for('it is ended again', PATIENT,
                 lambda: w.state_of('alone') in ('ending', 'stuck', 'failed'))
        d = w.show('alone')
        assert d['end_reason'] == 'failed' and 'only 1 of the hooks' in d['error']['text'], d


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-carrier',
                  'mirage-fakecloud')
    need_program('dpkg-deb')
    tap = Tap()
    with fakecloud() as fake, Shim(fake) as w:
        w.config(f'role = {ROLE}')
        w.again()
        planned(tap, w)
        deployed(tap, w)
        without_role(tap, w)
        w.say_log(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
