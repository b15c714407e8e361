#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""moto MOTO_CALLS VENV NAMES TESTDATA: our bindings against moto, a stand-in for AWS by others,
whose requests and replies are read and written by AWS's own service model (botocore's). So a name
that our client and our stand-in have wrong alike is found here. First MOTO_CALLS (moto_calls.c,
built) makes every call that moto has, then a whole deployment comes and goes, with botocore as the
judge of what is left. moto's botocore is newer than Debian's, so model.py (NAMES, TESTDATA) is told
to look into it as well. Speaks TAP.

Where moto and AWS's model disagree, what moto does is stepped around, and said there:
- fields that it never fills, parameters that it forgets, calls that it has not: the table of
  moto_calls.c; what it forgets and we would find again is not looked for (moto_*.c say so);
- blocks of 512 bytes, and regions that take a second each: SERVER below;
- subnets for IPv6 alone have 2^64 - 5 free addresses: none is prepared;
- revoking what a group lets out leaves its IPv6 ranges, and an image is registered by its name
  alone: moto_network.c, moto_disks.c;
- ModifyInstanceAttribute of the shutdown behaviour takes the instance out of its groups instead:
  asked for, and not read back; UpdateSchedule keeps ActionAfterCompletion: not changed;
- a spot request that is cancelled is forgotten, GetConsoleOutput knows no dry run;
- no launch is idempotent, no tag comes with RegisterImage: moto_deploy.py.

moto is where MIRAGE_MOTO (a Python) has it, or in VENV, which scripts/moto-venv makes; skips
without. moto_server runs on a free port of the loopback and is ended by its pid."""
import contextlib
import os
import subprocess
import sys
import urllib.request

from tap import Tap, skip_all


def become_python_with_moto(venv):
    """This program again, by a Python that has moto."""
    python = os.environ.get('MIRAGE_MOTO') or os.path.join(venv, 'bin', 'python')
    if os.path.abspath(python) == os.path.abspath(sys.executable):
        return
    if not os.path.exists(python) or subprocess.run(
            [python, '-c', 'import moto.server, boto3'], capture_output=True,
            check=False).returncode:
        skip_all(f'no moto: neither MIRAGE_MOTO nor {venv} has it (scripts/moto-venv {venv})')
    os.execv(python, [python, *sys.argv])


become_python_with_moto(sys.argv[2])
import boto3  # noqa: E402: only that Python has it
import botocore  # noqa: E402

from mirage import PATIENCE, free_port, wait_for  # noqa: E402
from moto_deploy import deploy_and_remove  # noqa: E402

REGION = 'us-east-1'
KEYS = {'aws_access_key_id': 'AKID', 'aws_secret_access_key': 's'}
KEPT = [{'Key': 'kept', 'Value': 'prepared'}]
# moto, with what would stop us at once set right: its snapshots have blocks of 512 bytes, where EBS
# direct has 524288 and no other. And with few regions: each takes it a second when first asked
# about, and a sweep asks about all of them.
SERVER = '''
import sys
from moto.ebs import models
models.EBSSnapshot.block_size = property(lambda self: 524288, lambda self, value: None)
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend as places
kept = ('us-east-1', 'eu-central-1', 'ap-south-2')
places.regions = [region for region in places.regions if region.name in kept]
from moto.server import main
main(sys.argv[1:])
'''


class Moto:
    """The server, and clients of botocore's for it."""

    def __init__(self):
        self.port = free_port()
        self.url = f'http://127.0.0.1:{self.port}'
        self.process = subprocess.Popen(
            [sys.executable, '-c', SERVER, '-H', '127.0.0.1', '-p', str(self.port)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for('moto answers', 60 * PATIENCE, self.answers)

    def answers(self):
        assert self.process.poll() is None, 'moto_server ended at once'
        with contextlib.suppress(OSError):
            return self.reset()

    def reset(self):
        request = urllib.request.Request(self.url + '/moto-api/reset', method='POST')
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status == 200

    def stop(self):
        self.process.terminate()
        self.process.wait(20 * PATIENCE)

    def client(self, service, region=REGION):
        return boto3.client(service, region_name=region, endpoint_url=self.url, **KEYS)


def tagged(kind):
    return [{'ResourceType': kind, 'Tags': KEPT}]


def prepare(moto):
    """What MOTO_CALLS looks at and deletes, and our bindings cannot make (moto_prepared.c)."""
    ec2, iam = moto.client('ec2'), moto.client('iam')
    iam.create_instance_profile(InstanceProfileName='a-profile')
    vpc = ec2.create_vpc(CidrBlock='10.0.0.0/16', AmazonProvidedIpv6CidrBlock=True)['Vpc']
    block = ec2.describe_vpcs(VpcIds=[vpc['VpcId']])['Vpcs'][0]['Ipv6CidrBlockAssociationSet'][0]
    subnet = ec2.create_subnet(
        VpcId=vpc['VpcId'], CidrBlock='10.0.1.0/24', AvailabilityZone=f'{REGION}b',
        Ipv6CidrBlock=block['Ipv6CidrBlock'].replace('::/56', '::/64'),
        TagSpecifications=tagged('subnet'))['Subnet']['SubnetId']
    ec2.modify_subnet_attribute(SubnetId=subnet, AssignIpv6AddressOnCreation={'Value': True})
    ec2.create_network_interface(SubnetId=subnet, Description='of nobody',
                                 TagSpecifications=tagged('network-interface'))
    ec2.create_volume(AvailabilityZone=f'{REGION}a', Size=3, Encrypted=True,
                      TagSpecifications=tagged('volume'))
    scheduler = moto.client('scheduler')
    scheduler.create_schedule_group(Name='other')
    scheduler.create_schedule(Name='schedule-1', GroupName='other',
                              FlexibleTimeWindow={'Mode': 'OFF'}, ScheduleExpression='rate(1 day)',
                              Target={'Arn': 'arn:aws:sqs:::q', 'RoleArn': 'arn:aws:iam:::role/r'})
    image = ec2.describe_images(Owners=['amazon'])['Images'][0]['ImageId']
    ec2.request_spot_instances(InstanceCount=1, TagSpecifications=tagged('spot-instances-request'),
                               LaunchSpecification={'ImageId': image, 'InstanceType': 't3.nano'})


def run_calls(tap, moto, program):
    """A part for each group of calls."""
    done = subprocess.run([program, moto.url], capture_output=True, text=True, check=False,
                          timeout=240 * PATIENCE)
    said, groups = [], 0
    for line in done.stdout.splitlines():
        if line.startswith('#'):
            said.append(line[2:])
            continue
        groups += 1
        with tap.part(line.removeprefix('not ').removeprefix('ok ')):
            assert line.startswith('ok '), '\n'.join(said)
        said = []
    with tap.part('moto_calls came to its end'):
        assert groups > 20 and done.returncode in (0, 1), f'{done.returncode}\n{done.stderr}'


def unread_parameters(tap, moto):
    """What was sent, moto keeps, and no binding of ours reads back."""
    ec2 = moto.client('ec2')
    found = ec2.describe_instances(Filters=[{'Name': 'tag:kept', 'Values': ['instance']}])
    instance = found['Reservations'][0]['Instances'][0]
    with tap.part('user data'):
        data = ec2.describe_instance_attribute(InstanceId=instance['InstanceId'],
                                               Attribute='userData')['UserData']['Value']
        assert data == 'IyEvYmluL3NoCmV4aXQgMAo=', data
    with tap.part('options of the metadata service, EBS optimisation'):
        options = instance['MetadataOptions']
        assert instance['EbsOptimized'] and options == {
            'State': 'applied', 'HttpTokens': 'required', 'HttpPutResponseHopLimit': 2,
            'HttpEndpoint': 'enabled', 'HttpProtocolIpv6': 'enabled',
            'InstanceMetadataTags': 'enabled'}, options
    with tap.part('all of a schedule'):
        schedule = moto.client('scheduler').get_schedule(Name='left', GroupName='default')
        target = schedule['Target']
        assert schedule['Description'] == 'ends it' and schedule['FlexibleTimeWindow'] == {
            'Mode': 'OFF'}, schedule
        assert target['RetryPolicy'] == {'MaximumRetryAttempts': 10,
                                         'MaximumEventAgeInSeconds': 3600}, target
        assert target['DeadLetterConfig']['Arn'].endswith(':queue'), target


def newest_model(tap, names, testdata):
    """What moto forgets it does not judge; the model it has judges every name."""
    model = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'model.py')
    folder = os.path.dirname(os.path.dirname(botocore.__file__))
    done = subprocess.run([sys.executable, '-B', model, names, testdata], capture_output=True,
                          text=True, check=False, env={**os.environ, 'MIRAGE_MODEL_PATH': folder})
    with tap.part(f'every name is in the model of botocore {botocore.__version__}'):
        wrong = [line for line in done.stdout.splitlines() if line.startswith(('#', 'not ok'))]
        assert done.returncode == 0 and botocore.__version__ in wrong[0], '\n'.join(wrong)


def main():
    program, _, names, testdata = sys.argv[1:]
    tap = Tap()
    newest_model(tap, names, testdata)
    moto = Moto()
    try:
        prepare(moto)
        run_calls(tap, moto, program)
        unread_parameters(tap, moto)
        moto.reset()
        deploy_and_remove(tap, moto, KEYS)
    finally:
        moto.stop()
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
