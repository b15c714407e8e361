# SPDX-License-Identifier: ISC
"""The parts of awscli.py on instance-store bundles: made here by openssl, tar and gzip, as
ec2-bundle-image makes them, and spoilt in every way that RegisterImage has to see."""
import gzip
import hashlib
import io
import os
import re
import shutil
import subprocess
import tarfile

from aws import Refused, eventually, refused, state, state_of_image
from mirage import Skip

PART = 10 << 20
BUCKET = 'bundles'
KEY, IV = '00112233445566778899aabbccddeeff', 'ffeeddccbbaa99887766554433221100'


def openssl(folder, *words, data=None):
    return subprocess.run(['openssl', *words], cwd=folder, input=data, capture_output=True,
                          check=True).stdout


class Bundle:
    """Files by their names; the manifest is the last."""

    def __init__(self, folder, name='image', kernel=None, account='123456789012', random=0):
        self.folder, self.name, self.files = folder, name, {}
        disk = bytes(range(256)) * 2048 + os.urandom(random)
        packed = self._pack(disk)
        digests = []
        for i in range(0, len(packed), PART):
            piece = packed[i:i + PART]
            self.files[f'{name}.part.{i // PART}'] = piece
            digests.append(hashlib.sha1(piece).hexdigest())
        parts = ''.join(
            f'<part index="{i}"><filename>{name}.part.{i}</filename>'
            f'<digest algorithm="SHA1">{digest}</digest></part>'
            for i, digest in enumerate(digests))
        machine = '<machine_configuration><architecture>x86_64</architecture>' + (
            f'<kernel_id>{kernel}</kernel_id>' if kernel else '') + '</machine_configuration>'
        image = (f'<image><name>{name}</name><user>{account}</user><type>machine</type>'
                 f'<digest algorithm="SHA1">{self.digest}</digest><size>{len(disk)}</size>'
                 f'<bundled_size>{len(packed)}</bundled_size>'
                 + ''.join(f'<{who}_encrypted_{word}>{self._seal(who, secret)}'
                           f'</{who}_encrypted_{word}>'
                           for word, secret in (('key', KEY), ('iv', IV))
                           for who in ('ec2', 'user'))
                 + f'<parts count="{len(digests)}">{parts}</parts></image>')
        self.manifest = self.sign(machine + image)

    def _pack(self, disk):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode='w', format=tarfile.USTAR_FORMAT) as tar:
            info = tarfile.TarInfo(self.name)
            info.size = len(disk)
            tar.addfile(info, io.BytesIO(disk))
        self.digest = hashlib.sha1(out.getvalue()).hexdigest()
        return openssl(self.folder, 'enc', '-e', '-aes-128-cbc', '-K', KEY, '-iv', IV,
                       data=gzip.compress(out.getvalue()))

    def _seal(self, who, secret):
        return openssl(self.folder, 'pkeyutl', '-encrypt', '-certin', '-inkey', f'{who}.pem',
                       data=secret.encode()).hex()

    def sign(self, text, key='user.key'):
        signature = openssl(self.folder, 'dgst', '-sha1', '-sign', key, data=text.encode()).hex()
        return ('<?xml version="1.0"?><manifest><version>2007-10-10</version><bundler><name>test'
                f'</name></bundler>{text}<signature>{signature}</signature></manifest>')

    def changed(self, pattern, to):
        """The manifest with one thing changed, and signed again."""
        body = re.search('<machine_configuration>.*</image>', self.manifest, re.S).group(0)
        text, count = re.subn(pattern, to, body, count=1)
        assert count == 1, pattern
        return self.sign(text)


def key_pair(folder, name):
    openssl(folder, 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', f'/CN={name}',
            '-keyout', f'{name}.key', '-out', f'{name}.pem', '-days', '3')


def put(aws, name, data, acl='aws-exec-read', bucket=BUCKET, **environment):
    path = os.path.join(aws.fake.state, 'body')
    with open(path, 'wb') as f:
        f.write(data)
    aws('s3api', 'put-object', '--bucket', bucket, '--key', name, '--body', path,
        *(['--acl', acl] if acl else []), **environment)


def put_all(aws, bundle, folder='one', **how):
    for name, data in bundle.files.items():
        put(aws, f'{folder}/{name}', data, **how)
    put(aws, f'{folder}/{bundle.name}.manifest.xml', bundle.manifest.encode(), **how)
    return f'{how.get("bucket", BUCKET)}/{folder}/{bundle.name}.manifest.xml'


def register(location, *words):
    return ['ec2', 'register-image', '--name', 'of ' + location.replace('_', '-'),
            '--image-location', location, *words]


def prepare(aws):
    if not shutil.which('openssl'):
        raise Skip('openssl is not installed')
    folder = os.path.join(aws.fake.state, 'keys')
    os.makedirs(folder)
    for name in ('user', 'other'):
        key_pair(folder, name)
    with open(os.path.join(folder, 'user.pem'), encoding='utf-8') as f:
        made = aws.fake.control('POST', '/_certificates', {'certificate': f.read()})
    assert made == aws.fake.control('GET', '/_certificates')
    with open(os.path.join(folder, 'ec2.pem'), 'w', encoding='utf-8') as f:
        f.write(made['ec2'])
    return folder


def lists(tap, aws):
    with tap.part('buckets that take access control lists, and those that do not'):
        aws('s3api', 'create-bucket', '--bucket', 'plain')
        refused('AccessControlListNotSupported', lambda *w: put(aws, *w, bucket='plain'), 'x', b'x')
        put(aws, 'x', b'x', acl='bucket-owner-full-control', bucket='plain')
        aws('s3api', 'delete-object', '--bucket', 'plain', '--key', 'x')
        aws('s3api', 'delete-bucket', '--bucket', 'plain')
        aws('s3api', 'create-bucket', '--bucket', BUCKET, '--object-ownership', 'ObjectWriter')


def whole(tap, aws, folder):
    grub = aws('ec2', 'describe-images', '--owners', 'amazon', '--filters',
               'Name=name,Values=pv-grub-hd0_1.05-x86_64.gz')['Images'][0]['ImageId']
    with tap.part('a bundle that others have made: registered as its manifest says'):
        location = put_all(aws, Bundle(folder, kernel=grub))
        image = aws(*register(location))['ImageId']
        eventually(lambda: state_of_image(aws, image) == 'available')
        shown = aws('ec2', 'describe-images', '--image-ids', image)['Images'][0]
        assert (shown['RootDeviceType'], shown['Architecture'], shown['KernelId'],
                shown['VirtualizationType'], shown['ImageLocation'],
                shown['BlockDeviceMappings']) == \
            ('instance-store', 'x86_64', grub, 'paravirtual', location, []), shown
    with tap.part('it starts where there is an instance store, and cannot be stopped there'):
        run = ['ec2', 'run-instances', '--image-id', image, '--instance-type']
        refused('InvalidParameterCombination', aws, *run, 't1.micro')
        refused('InvalidParameterCombination', aws, *run, 'm1.small',
                '--instance-initiated-shutdown-behavior', 'stop')
        instance = aws(*run, 'm1.small')['Instances'][0]['InstanceId']
        eventually(lambda: state(aws, instance) == 'running')
        refused('UnsupportedOperation', aws, 'ec2', 'stop-instances', '--instance-ids', instance)
        behavior = aws('ec2', 'describe-instance-attribute', '--instance-id', instance,
                       '--attribute', 'instanceInitiatedShutdownBehavior')
        assert behavior['InstanceInitiatedShutdownBehavior']['Value'] == 'terminate', behavior
        aws('ec2', 'terminate-instances', '--instance-ids', instance)
    with tap.part('what is changed afterwards does not start'):
        put(aws, 'one/image.part.0', b'something else')
        refused('InvalidManifest', aws, *run, 'm1.small')
        aws('ec2', 'deregister-image', '--image-id', image)
    with tap.part('several parts, hvm'):
        large = Bundle(folder, 'large', random=12 << 20)
        assert len(large.files) == 2
        location = put_all(aws, large, 'two')
        image = aws(*register(location, '--virtualization-type', 'hvm'))['ImageId']
        aws('ec2', 'deregister-image', '--image-id', image)


def spoilt(tap, aws, folder):
    """Each of them is right but for one thing."""
    good = Bundle(folder)
    location = put_all(aws, good, 'bad')
    manifest, part = 'bad/image.manifest.xml', 'bad/image.part.0'
    body = re.search('<machine_configuration>.*</image>', good.manifest).group(0)
    cases = (  # what it is, what is said of it, and the manifest
        ('no signature that is right', 'its signature is not',
         good.manifest.replace('<size>', '<size>0', 1)),
        ('a signature of somebody else', 'its signature is not', good.sign(body, 'other.key')),
        ('not well-formed', 'is no manifest', good.manifest[:-3]),
        ('another version', '2007-10-10', good.manifest.replace('2007-10-10', '2011-10-10')),
        ('another account', "another account's",
         good.changed('<user>.*</user>', '<user>210987654321</user>')),
        ('another architecture', 'neither i386 nor', good.changed('x86_64', 'arm64')),
        ('another digest', 'the image has another digest', good.changed(good.digest, '0' * 40)),
        ('another name', 'another name in its tar', good.changed('<name>image<', '<name>other<')),
        ('another size', 'another size in its tar',
         good.changed('<size>524288<', '<size>523776<')),
        ('another size of the parts', 'not of the size',
         good.changed('<bundled_size>', '<bundled_size>1')),
        ('another digest of a part', 'part.0 has another digest',
         good.changed('(<part index.*)[0-9a-f]{40}', r'\g<1>' + '1' * 40)),
        ('a part that is not there', '404', good.changed('image.part.0', 'image.part.1')),
        ('a part of another folder', 'no name of a file',
         good.changed('image.part.0', '../bad/image.part.0')),
        ('no parts', 'not of the size',
         good.changed('<parts.*</parts>', '<parts count="0"></parts>')),
        ('a key that is not for EC2', 'not encrypted for EC2',
         good.changed('<ec2_encrypted_key>..', '<ec2_encrypted_key>01')),
        ('no key for the user', 'not encrypted for its user',
         good.changed('<user_encrypted_iv>.*</user_encrypted_iv>', '')),
        ('no kernel', 'kernel id', good.changed(
            '</architecture>', '</architecture><kernel_id>aki-00000000</kernel_id>')),
        ('an image for a kernel', 'no machine image',
         good.changed('<type>machine', '<type>kernel')))
    for name, why, text in cases:
        with tap.part(f'a bundle is refused: {name}'):
            put(aws, manifest, text.encode())
            try:
                raise AssertionError(f'it was taken: {aws(*register(location))}')
            except Refused as refusal:
                assert refusal.code == 'InvalidManifest' and why in str(refusal), refusal
    put(aws, manifest, good.manifest.encode())
    with tap.part('a bundle is refused: parts that are others, cut off, or not for EC2'):
        for data, acl in ((good.files['image.part.0'], None), (good.files['image.part.0'][:-16],
                          'aws-exec-read'), (b'x' * 32, 'aws-exec-read')):
            put(aws, part, data, acl)
            refused('InvalidManifest', aws, *register(location))
        put(aws, part, good.files['image.part.0'])
        put(aws, manifest, good.manifest.encode(), None)
        refused('InvalidManifest', aws, *register(location))
        put(aws, manifest, good.manifest.encode())
    with tap.part('a bundle is refused: another architecture than its own, a disk beside it'):
        refused('InvalidParameterCombination', aws, *register(location, '--architecture', 'i386'))
        refused('InvalidParameterCombination', aws, *register(
            location, '--block-device-mappings', 'DeviceName=/dev/sdb,Ebs={VolumeSize=1}'))
        west = {'AWS_REGION': 'us-west-2', 'AWS_DEFAULT_REGION': 'us-west-2'}
        refused('InvalidManifest', aws, *register(location), **west)
    with tap.part('and the right one is taken after all of that'):
        image = aws(*register(location))['ImageId']
        aws('ec2', 'deregister-image', '--image-id', image)


def empty(aws):
    for row in aws('s3api', 'list-objects-v2', '--bucket', BUCKET).get('Contents', []):
        aws('s3api', 'delete-object', '--bucket', BUCKET, '--key', row['Key'])
    aws('s3api', 'delete-bucket', '--bucket', BUCKET)


def bundles(tap, aws):
    with tap.part('certificates: EC2\'s own, and the account\'s'):
        folder = prepare(aws)
    lists(tap, aws)
    whole(tap, aws, folder)
    spoilt(tap, aws, folder)
    empty(aws)
