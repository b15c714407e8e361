# SPDX-License-Identifier: ISC
"""The rows of make bench about EC2, against mirage-fakecloud and a sink: one call, a long listing,
an upload, and how much of a large and mostly empty disk is sent. Peers: Debian's aws, rclone."""
import json
import os
import resource
import shutil
import statistics
import subprocess
import tempfile

import mirage
from fakecloud import fakecloud

AWS = '/usr/bin/aws'  # Debian's, whatever else is on PATH
MANY = 1000
GIB_MIB = 1024
BLOCK = 512 << 10
ROLE = 'arn:aws:iam::123456789012:role/mirage-scheduler'


def cpu_of(args, env):
    """CPU seconds that a command and its children have had."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(args, env=env, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def against(table, taken, name, ours, peer, goal, what=0):
    """Both in turn, wall time (what 0) or CPU (1); `taken` is images.taken with its tool and
    rounds."""
    found = taken(ours, peer)
    ratio = 1 / found[4 + what]
    table.add(name, f'{found[what] / 1000:.2f} ms', f'{found[2 + what] / 1000:.0f} ms',
              f'{ratio:.0f}x less', f'>= {goal}x less', ratio >= goal)


def one_call(table, taken, fake, direct):
    """The same answer, that there are none, with a process for each call."""
    aws = [AWS, '--endpoint-url', fake.url, 'ec2', 'describe-instances']
    against(table, taken, 'no instances: asked directly / aws', [direct], aws, 100)
    with mirage.World() as world:
        configure(world, fake)
        os.environ.update({name: value for name, value in world.env.items()
                           if name.startswith(('XDG_', 'MIRAGE_', 'HOME'))})
        against(table, taken, 'no instances: asked through the daemon / aws',
                [mirage.program('mirage-deploy'), 'ps'], aws, 600)


def configure(world, fake):
    folder = os.path.join(world.dir, '.config', 'mirage-deploy')
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, 'config'), 'w', encoding='utf-8') as f:
        f.write(f'[ec2]\nrole = {ROLE}\n')
    world.env.update(fake.env)
    world.start_daemon()


def launch_many(fake, image):
    for _ in range(MANY // 100):
        subprocess.run([AWS, '--endpoint-url', fake.url, 'ec2', 'run-instances', '--count', '100',
                        '--image-id', image, '--instance-type', 't3.micro'], check=True,
                       env={**os.environ, **fake.env}, stdout=subprocess.DEVNULL)


def an_image(fake):
    done = subprocess.run([AWS, '--endpoint-url', fake.url, '--output', 'json', 'ec2',
                           'describe-images', '--owners', 'amazon'], check=True,
                          env={**os.environ, **fake.env}, capture_output=True, text=True)
    return next(row['ImageId'] for row in json.loads(done.stdout)['Images']
                if row['Architecture'] == 'x86_64' and row['VirtualizationType'] == 'hvm')


def long_listing(table, taken, fake, direct):
    fake.settings(vcpu_limit=4 * MANY)
    launch_many(fake, an_image(fake))
    env = {**os.environ, **fake.env}
    said = subprocess.run([direct], env=env, check=True, capture_output=True, text=True).stdout
    assert int(said) == MANY, said
    against(table, taken, f'{MANY} instances listed, CPU / aws', [direct],
            [AWS, '--endpoint-url', fake.url, 'ec2', 'describe-instances'], 75, 1)


def upload(table, tools, build, rounds, sink):
    """Signed blocks to something that throws them away."""
    with tempfile.TemporaryDirectory(dir=build) as folder:
        source = os.path.join(folder, 'gib')
        with open(source, 'wb') as f:
            for _ in range(GIB_MIB):
                f.write(os.urandom(1 << 20))
        env = {**os.environ, 'AWS_ACCESS_KEY_ID': 'AKIDEXAMPLE', 'AWS_SECRET_ACCESS_KEY': 'secret',
               'AWS_DEFAULT_REGION': 'us-east-1', 'AWS_EC2_METADATA_DISABLED': 'true',
               'HOME': folder, 'RCLONE_CONFIG': os.path.join(folder, 'none')}
        ours = [os.path.join(build, 'tests', 'ec2', 'upload_cost'), sink, str(GIB_MIB)]
        peers = {'aws s3 cp': [AWS, '--endpoint-url', sink, 's3', 'cp', source, 's3://b/k'],
                 'rclone': ['rclone', 'copyto', source,
                            f':s3,provider=Other,env_auth=true,endpoint="{sink}":b/k',
                            '--s3-no-check-bucket', '--s3-no-head', '--ignore-checksum']}
        bare = [tools['bare'], sink.rsplit(':', 1)[1], str(GIB_MIB)]
        least = [cpu_of(ours, env) / cpu_of(bare, env) for _ in range(rounds)]
        table.add('upload of 1 GiB, CPU / hashing and sending alone', '', '',
                  f'{statistics.median(least):.1f}x')
        mine = [cpu_of(ours, env) for _ in range(rounds)]
        table.add('upload to EBS of 1 GiB, signed: CPU', f'{min(mine):.2f} s', '', '', '<= 0.9 s',
                  min(mine) <= 0.9)
        for name, words in peers.items():
            if not shutil.which(words[0]):
                table.add(f'upload of 1 GiB, CPU / {name}', '', 'peer not installed')
                continue
            ratios = []
            for _ in range(rounds):
                one = cpu_of(ours, env)
                ratios.append(cpu_of(words, env) / one)
            middle = statistics.median(ratios)
            table.add(f'upload of 1 GiB, CPU / {name}', f'{min(mine):.2f} s',
                      f'{middle * min(mine):.2f} s', f'{middle:.1f}x less', '>= 3x less',
                      middle >= 3)


def sparse_disk(table, fake, build):
    """A kernel of 3 MB in a disk of 8 GB: what is put, block by block."""
    with mirage.World() as world, tempfile.TemporaryDirectory(dir=build) as folder:
        kernel, disk = os.path.join(folder, 'kernel.elf'), os.path.join(folder, 'disk.qcow2')
        with open(mirage.program('hello.elf'), 'rb') as f:
            hello = f.read()
        with open(kernel, 'wb') as f:
            f.write(hello + os.urandom(3000000 - len(hello)))
        configure(world, fake)
        world.cli('image', 'build', kernel, '-o', disk, '--size', '8G', '--format', 'qcow2',
                  '--boot', 'bios')
        before = puts(fake)
        world.cli('ec2', disk, '--anyway', '--no-list', '--ttl', '10m', '--name', 'sparse', '--yes')
        sent = (puts(fake) - before) * BLOCK
        world.cli('rm', 'sparse', '--detach')
    table.add('8 GB disk that starts a 3 MB kernel by BIOS: sent to EBS',
              f'{sent / (1 << 20):.1f} MiB', '', '', '<= 4 MiB', sent <= 4 << 20, quiet=False)


def puts(fake):
    return fake.control('GET', '/_calls')['by_operation'].get('ebs.PutSnapshotBlock', 0)


def measure(table, tools, build, rounds, taken):
    """taken(tool, rounds, ours, peer): medians, as images.taken."""
    before = dict(os.environ)
    try:
        measure_here(table, tools, build, rounds, taken)
    finally:  # the daemons of other rows have no cloud
        os.environ.clear()
        os.environ.update(before)


def measure_here(table, tools, build, rounds, taken):
    if not os.path.exists(mirage.program('mirage-fakecloud')):
        table.add('EC2', '', 'built without it')
        return
    direct = os.path.join(build, 'tests', 'ec2', 'call_cost')
    few = max(2, rounds // 8)
    with fakecloud('--set', 'boot_ms=0', '--set', 'visible_ms=0', '--set', 'stale_ms=0') as fake:
        sparse_disk(table, fake, build)
    sink = subprocess.Popen([tools['sink']], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            text=True)
    try:
        address = f'http://127.0.0.1:{int(sink.stdout.readline())}'
        upload(table, tools, build, max(1, few // 2), address)
    finally:
        sink.stdin.close()
        sink.wait()
    if not os.path.exists(AWS):
        table.add('calls to EC2 / aws', '', 'peer not installed')
        return
    with fakecloud('--set', 'boot_ms=0', '--set', 'visible_ms=0', '--set', 'stale_ms=0') as fake:
        os.environ.update(fake.env)
        one_call(table, lambda ours, peer: taken(tools['pairs'], few, ours, peer), fake, direct)
        long_listing(table, lambda ours, peer: taken(tools['pairs'], few, ours, peer), fake, direct)
