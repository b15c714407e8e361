# SPDX-License-Identifier: ISC
"""Nobody is left but mirage-reap: what it ends at a mirage-fakecloud, as time passes for both."""
import subprocess
import time

from mirage import PATIENCE, program


def there(fake):
    """What exists and is not the user's own."""
    return [f'{row["kind"]} {row["id"]}' for row in fake.ledger()['exists']
            if row['kind'] != 'bucket']


def reap(world, fake, later):
    """mirage-reap again and again, from the deadlines on, until nothing is there."""
    give_up = time.monotonic() + 60 * PATIENCE
    env, run = {**world.env, **later.outsider()}, None
    later.passes(25 * 60)
    fake.advance(25 * 60)
    while there(fake):
        assert time.monotonic() < give_up, there(fake)
        if not run or run.poll() is not None:
            run = subprocess.Popen([program('mirage-reap'), 'ec2', '--grace', '0', '--quiet'],
                                   env=env, stdin=subprocess.DEVNULL, stdout=world.log,
                                   stderr=world.log)
        time.sleep(0.3)
        later.passes(15)
        fake.advance(15)
    run.kill()
    run.wait()
