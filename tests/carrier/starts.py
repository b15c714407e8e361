# SPDX-License-Identifier: ISC
"""A carrier's first process with Xen and Linux under it: what nobody comes to see through
mirage-deploy, because it is refused before, or goes wrong too seldom. Each boot ends by itself, and
says why on its last line but the kernel's own."""
import os
import re
import sys
import time

import boot
from carried import CACHE, Skip, grub, need_base
from mirage import BIN
from tap import run_cases

SECONDS = 180  # QEMU's own translation, on a machine that is busy
XEN = 'kind xen-pv\nmemory 32\nnet none\nttl 120\n'
SOLO5 = 'kind solo5\nmemory 32\nnet none\nttl 120\n'
PACKED = os.path.join(CACHE, 'mirage-deploy', 'carrier')


def off(base, conf, kernel, extra=(), nic='', **options):
    """Why the machine went off, and all that it said."""
    with boot.Machine(base, boot.user_part(conf.encode(), kernel, extra), nic=nic,
                      **options) as machine:
        machine.wait(None, SECONDS)
        text = machine.text()
        assert machine.off, text[-2000:]
    reasons = re.findall(r'^carrier\[[\d.]+\] power off: (.*)$', text, re.M)
    assert len(reasons) == 1, text[-2000:]
    return reasons[0], text


def xen():
    return boot.make_base(BIN, PACKED, 'xen')


def guest(folder, words='echo I end\nhalt'):
    return boot.read(grub(folder, words))


def a_guest_without_a_network(folder):
    reason, text = off(xen(), XEN + 'arguments a="b" \\ c\n', guest(folder))
    assert reason == 'guest ended', reason
    assert re.search(r'^guest\| I end$', text, re.M), text[-2000:]


def a_network_without_a_card(folder):
    reason, text = off(xen(), XEN.replace('net none', 'net auto'), guest(folder))
    assert reason.startswith('no network: no network device within 30 s'), reason
    assert 'guest|' not in text, text[-2000:]


def what_xl_refuses(folder):
    del folder
    reason, text = off(xen(), XEN, b'no kernel at all\n' * 1000)
    assert reason.startswith('start failed: xl made no domain (exit status'), reason
    assert 'nvalid kernel' in reason and 'carrier' in text, reason


def a_domain_too_large(folder):
    reason, _ = off(xen(), XEN.replace('memory 32', 'memory 2000'), guest(folder))
    assert reason.startswith('memory: '), reason


def pvh_without_virtualisation(folder):
    reason, _ = off(xen(), XEN.replace('xen-pv', 'xen-pvh'), guest(folder))
    assert reason.startswith('start failed: xl made no domain'), reason
    assert 'hap' in reason, reason


def an_image_too_large(folder):
    """Linux unpacks what it has room for, and goes on."""
    reason, _ = off(xen(), XEN, guest(folder), extra=[('ballast', bytes(60 << 20))])
    assert reason == 'memory: the image does not fit into it; take a machine with more', reason


def the_smallest_machine(folder):
    reason, _ = off(xen(), XEN, guest(folder), dom0=144, memory=352)
    assert reason == 'guest ended', reason


def no_kernel_and_no_configuration(folder):
    reason, _ = off(xen(), XEN, None)
    assert reason == 'configuration: /kernel: No such file or directory', reason
    reason, _ = off(xen(), XEN + 'colour blue\n', guest(folder))
    assert reason == 'configuration: line 5: this line: no such key', reason


def a_deadline_by_the_machines_clock(folder):
    reason, text = off(xen(), XEN + 'deadline 1000\n', guest(folder))
    assert reason.startswith('deadline: 1000 is past') and 'guest|' not in text, text[-2000:]
    deadline = int(time.time()) + 40
    reason, text = off(xen(), XEN + f'deadline {deadline}\n', guest(folder, 'echo I stay'))
    assert reason.startswith(f'deadline: {deadline} is past'), reason
    assert time.time() >= deadline


def a_block_device_that_is_not_there(folder):
    """What they are and what is on them: blocks.py."""
    reason, _ = off(xen(), XEN + 'block disk1\n', guest(folder))
    assert reason == 'configuration: no partition mirage-block-0 on any disk that this Linux has ' \
        'a driver for', reason


def tender():
    path = os.environ.get('MIRAGE_TEST_TENDER', '')
    if not os.path.exists(path):
        raise Skip('MIRAGE_TEST_TENDER names no solo5-spt')
    return path


def solo5(folder):
    """A tender that is there, with what is no kernel for it: its own words and its exit status."""
    base = boot.make_base(BIN, PACKED, 'linux', tenders=[tender()])
    reason, text = off(base, SOLO5, guest(folder), memory=256)
    assert reason == 'guest failed: exit status 1', reason
    assert re.search(r'^guest\| ', text, re.M), text[-2000:]
    reason, _ = off(base, SOLO5.replace('memory 32', 'memory 512'), guest(folder), memory=256)
    assert reason.startswith('memory: '), reason


def linux_without_a_tender(folder):
    base = boot.make_base(BIN, PACKED, 'linux')
    reason, _ = off(base, SOLO5, guest(folder), memory=256)
    assert reason == 'configuration: no tender in /tender', reason
    reason, _ = off(base, XEN, guest(folder), memory=256)
    assert reason == 'start failed: Linux is not the control domain of a Xen', reason


if __name__ == '__main__':
    need_base('xen', 'linux')
    sys.exit(run_cases([
        a_guest_without_a_network, a_network_without_a_card, what_xl_refuses, a_domain_too_large,
        pvh_without_virtualisation, an_image_too_large, the_smallest_machine,
        no_kernel_and_no_configuration, a_deadline_by_the_machines_clock,
        a_block_device_that_is_not_there, linux_without_a_tender, solo5]))
