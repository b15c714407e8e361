# SPDX-License-Identifier: ISC
"""What a plan for EC2 says that it costs: AWS's price where AWS says one, the built-in table's
where it is refused, silent or unreadable, and which of the two it was."""
import sys

from ec2_disk import disk
from fakecloud import fakecloud
from mirage import Tap, World, need_programs

REST = 5000 + 110 + 69  # address, a GiB of disk and of snapshot, in millionths of a dollar an hour
TABLE_DATE = '2026-08-02'


def cost(world, kind, region):
    return world.cli('plan', 'ec2', world.disk, '--anyway', '--type', kind, '--region', region,
                     '--json').json()['cost']


def from_table(found, word, micro):
    assert found['per_hour_micro'] == 2 * (micro + REST), found
    assert found['price_date'] == TABLE_DATE and f'AWS: {word}' in found['note'], found


def calls(fake):
    return fake.control('GET', '/_calls')['by_operation'].get('pricing.GetProducts', 0)


def answers(tap, world, fake):
    with tap.part('AWS says what it costs, in that region, today; once a day is enough'):
        found = cost(world, 't3.nano', 'eu-central-1')
        assert found['per_hour_micro'] == 5200 * 110 // 100 + 2 * REST, found
        assert found['price_date'] > TABLE_DATE and 'AWS says' in found['note'], found
        before = calls(fake)
        assert before > 0 and cost(world, 't3.nano', 'eu-central-1') == found
        assert calls(fake) == before
        people = world.cli('plan', 'ec2', world.disk, '--anyway', '--type', 't3.nano', '--region',
                           'eu-central-1').out
        assert 'AWS says' in people and found['price_date'] in people, people


def silences(tap, world, fake):
    with tap.part('not allowed: by the table'):
        fake.control('POST', '/_policy', {'policy': {'Statement': [
            {'Effect': 'Allow', 'Action': ['ec2:*', 'ebs:*', 'scheduler:*'], 'Resource': '*'}]}})
        from_table(cost(world, 't3.micro', 'eu-central-1'), 'refused', 10400)
        fake.control('POST', '/_policy', {'policy': None})
    with tap.part('refused a moment ago: not asked again'):
        before = calls(fake)
        from_table(cost(world, 't3.micro', 'eu-central-1'), 'refused', 10400)
        assert calls(fake) == before
    with tap.part('nobody answers: by the table'):
        fake.fault('hang', service='pricing', operation='GetProducts', times=0)
        from_table(cost(world, 't3a.nano', 'eu-central-1'), 'silent', 4700)
        fake.control('DELETE', '/_faults')
    with tap.part('the answer cannot be read: by the table'):
        fake.fault('garble', service='pricing', operation='GetProducts', times=0)
        found = cost(world, 't3a.micro', 'eu-central-1')
        from_table(found, 'not readable', 9400)
        fake.control('DELETE', '/_faults')
    with tap.part('neither AWS nor the table knows one: no price, which is said'):
        found = cost(world, 'z1d.large', 'eu-central-1')
        assert found['per_hour_micro'] is None and 'AWS: has none' in found['note'], found


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-fakecloud')
    tap = Tap()
    with fakecloud() as fake, World() as world:
        world.disk = disk(world)
        world.env.update(fake.env)
        world.start_daemon()
        answers(tap, world, fake)
        silences(tap, world, fake)
        world.say_log(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
