# SPDX-License-Identifier: ISC
"""mirage-fakecloud's ledger is read while what it lists is changed: by several at once, for a
thousand readings."""
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys

from fakecloud import fakecloud
from mirage import Tap, need_programs, skip_all

READERS, READINGS = 4, 250


def launch(fake):
    """An instance of the cloud's own image; its id."""
    def aws(*words):
        done = subprocess.run(['aws', '--endpoint-url', fake.url, '--output', 'json', 'ec2',
                               *words],
                              env={**os.environ, **fake.env}, capture_output=True, text=True,
                              timeout=60, check=True)
        return json.loads(done.stdout)
    image = aws('describe-images', '--owners', 'amazon', '--filters',
                'Name=architecture,Values=x86_64', 'Name=virtualization-type,Values=hvm')
    made = aws('run-instances', '--image-id', image['Images'][0]['ImageId'],
               '--instance-type', 't3.micro')
    return made['Instances'][0]['InstanceId']


def change(fake, instance, over):
    """Its console is written again and again."""
    while not over():
        fake.control('POST', '/_guest', {'instance': instance, 'console': 'word ' * 2000})


def read(fake):
    for _ in range(READINGS):
        assert fake.ledger()['now_ms'] > 0


def main():
    need_programs('mirage-fakecloud')
    if not shutil.which('aws'):
        skip_all("Debian's aws (package awscli) is not installed")
    tap = Tap()
    with tap.part('the ledger, read and changed at once'), fakecloud() as fake, \
            concurrent.futures.ThreadPoolExecutor(READERS + 2) as pool:
        instance = launch(fake)
        readers = [pool.submit(read, fake) for _ in range(READERS)]
        writers = [pool.submit(change, fake, instance, lambda: all(r.done() for r in readers))
                   for _ in range(2)]
        for done in readers + writers:
            done.result()
        assert fake.process.poll() is None, 'mirage-fakecloud died'
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
