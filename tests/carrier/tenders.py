# SPDX-License-Identifier: ISC
"""What the tests of Solo5's carrier share: a stand-in for its tenders, which is the test's first
argument, kernels for it, and their deployments."""
import os
import sys

import kernels
from mirage import OVER, PATIENCE, wait_for

STAND_IN = os.path.abspath(sys.argv[1])
LIVE = 90 * PATIENCE


def configure(world, *lines):
    """Before its daemon is started."""
    path = os.path.join(world.dir, 'mirage.conf')
    with open(path, 'w', encoding='utf-8') as f:
        f.write('\n'.join(['[carrier]', *lines, '']))
    world.env['MIRAGE_DEPLOY_CONFIG'] = path


def kernel(world, target='spt', devices=(('service', 'net'),)):
    path = os.path.join(world.dir, f'{"-".join(name for name, _ in devices) or "bare"}.{target}')
    with open(path, 'wb') as f:
        f.write(kernels.solo5(target, devices))
    return path


def deploy(world, provider, path, name, *options, ttl='10m', expect=0):
    return world.cli(provider, path, '--ttl', ttl, '--name', name, '--yes', *options, expect=expect,
                     timeout=LIVE)


def console(world, name):
    return world.cli('logs', name).out


def ends(world, name, *words, path=None):
    deploy(world, 'local', path or kernel(world), name, '--no-list', '--detach', '--', *words)
    wait_for(f'{name} is over', LIVE, lambda: world.state_of(name) in OVER)
    return console(world, name)
