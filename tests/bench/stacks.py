# SPDX-License-Identifier: ISC
"""The rows of make bench about OpenStack, against Debian's `openstack`: one call, and an image into
the same Glance: that of the cloud that OS_AUTH_URL names, or else of mirage-fakecloud."""
import contextlib
import os
import resource
import statistics
import subprocess
import tempfile
import time

import mirage
from fakecloud import fakecloud

OPENSTACK = '/usr/bin/openstack'  # Debian's, whatever else is on PATH
SIZES_MIB = (3, 64, 256)          # a kernel, a disk, a large one


def configure(world):
    folder = os.path.join(world.dir, '.config', 'mirage-deploy')
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, 'config'), 'w', encoding='utf-8') as file:
        file.write('[openstack]\nfloating_network = none\n')


def one_call(table, taken, env):
    """The same answer, that there are none, with a process for each call."""
    with mirage.World() as world:
        configure(world)
        world.env.update(env)
        world.start_daemon()
        os.environ.update({name: value for name, value in world.env.items()
                           if name.startswith(('XDG_', 'MIRAGE_', 'HOME', 'OS_'))})
        found = taken([mirage.program('mirage-deploy'), 'ps'], [OPENSTACK, 'server', 'list'])
    ratio = 1 / found[4]
    table.add('no servers: asked through the daemon / openstack', f'{found[0] / 1000:.2f} ms',
              f'{found[2] / 1000:.0f} ms', f'{ratio:.0f}x less', '>= 1000x less', ratio >= 1000)


def cost(args, env):
    """Seconds of the clock and of CPU that a command and its children take, and what it prints."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(args, env=env, check=True, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (wall, cpu), done.stdout.strip()


def both(upload, path, env):
    """What ours and the peer take for that file, one after the other; neither image stays."""
    ours, _ = cost([upload, path], env)
    subprocess.run([upload, '--delete'], env=env, check=True)
    peer, image = cost([OPENSTACK, 'image', 'create', '--file', path, '--disk-format', 'raw',
                        '-f', 'value', '-c', 'id', 'bench'], env)
    subprocess.run([OPENSTACK, 'image', 'delete', image], env=env, check=True)
    return ours, peer


def image_row(table, mib, where, rounds):
    """rounds: of pairs of pairs."""
    for what, name, most in ((0, 'wall', 1), (1, 'CPU', 0.25)):
        ratio = statistics.median(ours[what] / peer[what] for ours, peer in rounds)
        ours, peer = (statistics.median(row[i][what] for row in rounds) for i in (0, 1))
        table.add(f'image of {mib} MiB into {where}, {name} / openstack image create',
                  f'{ours * 1000:.0f} ms', f'{peer * 1000:.0f} ms', f'{ratio:.2f}x',
                  f'<= {most}x', ratio <= most)


def images(table, build, env, where, rounds):
    upload = os.path.join(build, 'tests', 'openstack', 'upload_cost')
    with tempfile.TemporaryDirectory(dir=build) as folder:
        path = os.path.join(folder, 'disk')
        env = {**os.environ, **env, 'HOME': folder}
        for mib in SIZES_MIB:
            with open(path, 'wb') as file:
                for _ in range(mib):
                    file.write(os.urandom(1 << 20))
            image_row(table, mib, where, [both(upload, path, env) for _ in range(rounds)])


@contextlib.contextmanager
def a_cloud():
    """OS_* of the one that is named, or of a fake one; and what its Glance is called."""
    named = {name: value for name, value in os.environ.items() if name.startswith('OS_')}
    if named.get('OS_AUTH_URL'):
        yield named, 'a real Glance'
        return
    with fakecloud('--set', 'boot_ms=0') as fake:
        yield fake.openstack, 'mirage-fakecloud'


def measure(table, tools, build, rounds, taken):
    """taken(tool, rounds, ours, peer): medians, as images.taken."""
    before = dict(os.environ)
    rows = 'calls and images to OpenStack / openstack'
    if not os.path.exists(OPENSTACK):
        table.add(rows, '', 'peer not installed', '', '>= 1000x less')
        return
    if not os.path.exists(mirage.program('mirage-fakecloud')):
        table.add(rows, '', 'built without it')
        return
    few = max(2, rounds // 8)
    try:
        with a_cloud() as (env, where):
            images(table, build, env, where, few)
            one_call(table, lambda ours, peer: taken(tools['pairs'], few, ours, peer), env)
    finally:  # the daemons of other rows have no cloud
        os.environ.clear()
        os.environ.update(before)
