#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A disk that is much like one that was uploaded before goes on top of its snapshot: only what
differs is sent, each snapshot has all of its disk in it whatever becomes of the other, and where
the older one cannot be a parent the disk goes whole. Speaks TAP."""
import os
import random
import sys

from fakecloud import fakecloud
from mirage import PATIENCE, Tap, World, need_programs, wait_for

ROLE = 'arn:aws:iam::123456789012:role/mirage-scheduler'
TAG = 'mirage-deploy:'
BLOCK = 512 << 10
BLOCKS = 20  # of a disk


class Cloud(World):
    def __init__(self, fake):
        super().__init__()
        self.fake, self.sent, self.tokens = fake, {}, {}
        self.content = bytearray(random.Random(5).randbytes(BLOCKS * BLOCK))
        self.content[:512] = bytes((i * 7 + 1) & 255 for i in range(440)) + bytes(70) + b'\x55\xaa'
        folder = os.path.join(self.dir, '.config', 'mirage-deploy')
        os.makedirs(folder)
        with open(os.path.join(folder, 'config'), 'w', encoding='utf-8') as f:
            f.write(f'[ec2]\nrole = {ROLE}\n')
        self.env.update(fake.env)
        self.start_daemon()

    def calls(self, name):
        return self.fake.control('GET', '/_calls')['by_operation'].get(name, 0)

    def deploy(self, name, *options, expect=0, **changed):
        """changed: {block number: byte}, by what that block begins with, and None for zeros.
        The number of blocks that were sent."""
        content = bytearray(self.content)
        for key, value in changed.items():
            at = int(key.removeprefix('b')) * BLOCK
            content[at:at + (1 if value else BLOCK)] = value or bytes(BLOCK)
        path = os.path.join(self.dir, f'{name}.raw')
        with open(path, 'wb') as f:
            f.write(content)
        before = self.calls('ebs.PutSnapshotBlock')
        self.cli('ec2', path, '--anyway', '--no-list', '--ttl', '20m', '--name', name, '--yes',
                 '--open', '22', *options, expect=expect, timeout=60 * PATIENCE)
        self.tokens[name] = self.show(name)['id']
        return self.calls('ebs.PutSnapshotBlock') - before

    def snapshot(self, name):
        found = self.fake.carrying(TAG + 'deployment', self.tokens[name]).get('snapshot', [])
        assert len(found) == 1, found
        return found[0]['id']

    def whole(self, name):
        """Is all of its disk in its snapshot, and nothing else?"""
        with open(os.path.join(self.dir, f'{name}.raw'), 'rb') as f:
            want = f.read()
        with open(os.path.join(self.fake.state, 'snapshots', self.snapshot(name)), 'rb') as f:
            assert f.read(len(want)) == want, name
            assert not any(f.read(4 * BLOCK))


def on_top(tap, w):
    with tap.part('the first disk goes whole'):
        assert w.deploy('first') == BLOCKS
        w.whole('first')
    with tap.part('of one that differs in a block that block is sent'):
        assert w.deploy('second', b7=b'X') == 1
        w.whole('second')
    with tap.part('what is gone from a disk becomes zeros'):
        assert w.deploy('third', b19=None, b3=b'Y') == 2
        w.whole('third')
    with tap.part('the nearest one is the parent'):
        assert w.deploy('fourth', b7=b'X', b8=b'Z') == 1
        w.whole('fourth')
    with tap.part('one that has little in common with any goes whole'):
        others = {f'b{i}': b'o' for i in range(11)}
        assert w.deploy('fifth', **others) == BLOCKS
        w.whole('fifth')


def without(tap, w):
    with tap.part('a parent that EC2 refuses: the disk goes whole'):
        w.fake.fault('fail-before', operation='StartSnapshot', status=404,
                     code='ResourceNotFoundException')
        assert w.deploy('sixth', b7=b'X', b9=b'N') == BLOCKS
        w.whole('sixth')
    with tap.part('and the refused one is tried no more'):
        assert w.deploy('seventh', b7=b'X', b9=b'N', b10=b'O') == 1
        w.whole('seventh')
    with tap.part('a block that is refused: the next disk takes no parent of that one'):
        w.fake.fault('fail-before', operation='PutSnapshotBlock', status=403, times=0,
                     code='AccessDeniedException')
        w.deploy('eighth', '--detach', b7=b'X', b9=b'N', b10=b'O', b11=b'P')
        wait_for('it has failed', 60 * PATIENCE, lambda: w.state_of('eighth') == 'ending')
        w.fake.control('DELETE', '/_faults')
        assert w.deploy('ninth', b7=b'X', b9=b'N', b10=b'O', b11=b'P') == 2
        w.whole('ninth')
    with tap.part('a parent that is gone when its child is complete: the child is made anew'):
        w.fake.fault('fail-before', operation='DescribeSnapshots', status=400,
                     code='InvalidSnapshot.NotFound', where={'SnapshotId.1': w.snapshot('ninth')})
        assert w.deploy('tenth', b7=b'X', b9=b'N', b10=b'O', b11=b'P', b12=b'Q') == 1 + BLOCKS
        w.whole('tenth')
    with tap.part('nothing is known after a restart: the disk goes whole'):
        w.stop_daemon()
        w.start_daemon()
        assert w.deploy('eleventh', b13=b'R') == BLOCKS
        w.whole('eleventh')


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-fakecloud')
    tap = Tap()
    with fakecloud('--set', 'boot_ms=500', '--set', 'visible_ms=0') as fake, Cloud(fake) as w:
        on_top(tap, w)
        without(tap, w)
        w.say_log(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
