# SPDX-License-Identifier: ISC
"""The parts of awscli.py on S3, and the snapshots that come from there."""
import hashlib
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

from aws import eventually, refused
from mirage import Skip

MIB = 1 << 20


def file_of(aws, data, name='body'):
    path = os.path.join(aws.fake.state, name)
    with open(path, 'wb') as file:
        file.write(data)
    return path


def put(aws, key, data, *words):
    return aws('s3api', 'put-object', '--bucket', 'b-1', '--key', key, '--body',
               file_of(aws, data), *words)


def get(aws, key, *words):
    path = os.path.join(aws.fake.state, 'read')
    reply = aws('s3api', 'get-object', '--bucket', 'b-1', '--key', key, *words, path)
    with open(path, 'rb') as file:
        return file.read(), reply


def buckets(tap, aws):
    with tap.part('buckets, in their regions'):
        aws('s3api', 'create-bucket', '--bucket', 'b-1')
        aws('s3api', 'create-bucket', '--bucket', 'b-1')  # again, in us-east-1
        west = {'AWS_REGION': 'us-west-2', 'AWS_DEFAULT_REGION': 'us-west-2'}
        refused('IllegalLocationConstraintException', aws, 's3api', 'create-bucket', '--bucket',
                'b-2', **west)
        there = ['s3api', 'create-bucket', '--bucket', 'b-2', '--create-bucket-configuration',
                 'LocationConstraint=us-west-2']
        aws(*there, **west)
        refused('BucketAlreadyOwnedByYou', aws, *there, **west)
        refused('InvalidLocationConstraint', aws, *there[:3], 'b-3', *there[4:])
        refused('InvalidBucketName', aws, 's3api', 'create-bucket', '--bucket', 'a.-')
        aws('s3api', 'head-bucket', '--bucket', 'b-1')
        where = aws('s3api', 'get-bucket-location', '--bucket', 'b-2', **west)
        assert where['LocationConstraint'] == 'us-west-2'
        names = [b['Name'] for b in aws('s3api', 'list-buckets')['Buckets']]
        assert names == ['b-1', 'b-2']
        aws('s3api', 'delete-bucket', '--bucket', 'b-2', **west)
        refused('NoSuchBucket', aws, 's3api', 'delete-bucket', '--bucket', 'b-2')


def objects(tap, aws):
    key = 'a/ü+ b&=%2F~/..x'
    with tap.part('an object under an odd key: put, got, its head, a range'):
        data = bytes(range(256)) * 40
        etag = put(aws, key, data, '--metadata', 'color=red', '--content-type', 'x/y')['ETag']
        assert etag == f'"{hashlib.md5(data).hexdigest()}"'
        body, reply = get(aws, key)
        assert body == data and reply['Metadata'] == {'color': 'red'}
        assert reply['ContentType'] == 'x/y' and reply['ContentLength'] == len(data)
        assert aws('s3api', 'head-object', '--bucket', 'b-1', '--key', key)['ETag'] == etag
        for words, wanted in (('bytes=10-19', data[10:20]), ('bytes=-5', data[-5:]),
                              (f'bytes={len(data) - 3}-', data[-3:])):
            assert get(aws, key, '--range', words)[0] == wanted
        refused('InvalidRange', lambda *w: get(aws, *w), key, '--range', 'bytes=99999-')
        refused('NoSuchKey', lambda *w: get(aws, *w), 'none')
        refused('BadDigest', lambda *w: put(aws, *w), 'x', b'1', '--content-md5',
                'AAAAAAAAAAAAAAAAAAAAAA==')
        assert aws('s3api', 'put-object', '--bucket', 'b-1', '--key', 'empty')['ETag']
        assert get(aws, 'empty')[0] == b''
    with tap.part('lists: prefixes, delimiters, pages'):
        for name in ('l/1', 'l/2', 'l/3/a', 'l/3/b', 'l/4'):
            put(aws, name, b'x')
        words = ['s3api', 'list-objects-v2', '--bucket', 'b-1', '--prefix', 'l/', '--delimiter',
                 '/']
        reply = aws(*words)
        assert [c['Key'] for c in reply['Contents']] == ['l/1', 'l/2', 'l/4']
        assert [p['Prefix'] for p in reply['CommonPrefixes']] == ['l/3/']
        page = aws(*words, '--page-size', 1)
        assert [c['Key'] for c in page['Contents']] == ['l/1', 'l/2', 'l/4']
        assert [p['Prefix'] for p in page['CommonPrefixes']] == ['l/3/']
        reply = aws('s3api', 'list-objects', '--bucket', 'b-1', '--page-size', 2)
        assert len(reply['Contents']) == 7 and reply['Contents'][0]['Key'] == key
        refused('BucketNotEmpty', aws, 's3api', 'delete-bucket', '--bucket', 'b-1')
    with tap.part('presigned, for whoever has the URL, until it ends'):
        url = presign(aws, 'l/1')
        if 'X-Amz-Signature=' not in url:
            raise Skip('this client presigns by version 2 of the signature')
        with urllib.request.urlopen(url, timeout=20) as reply:
            assert reply.read() == b'x'
        assert status(url.replace('l/1', 'l/2')) == 403
        aws.fake.advance(61)
        assert status(url) == 403
        aws.fake.control('POST', '/_clock', {'real': True})
    with tap.part('deleted, one and many'):
        aws('s3api', 'delete-object', '--bucket', 'b-1', '--key', 'l/1')
        aws('s3api', 'delete-object', '--bucket', 'b-1', '--key', 'l/1')
        names = ','.join(f'{{Key={n}}}' for n in ('l/2', 'l/3/a', 'l/3/b', 'l/4', 'none'))
        reply = aws('s3api', 'delete-objects', '--bucket', 'b-1', '--delete', f'Objects=[{names}]')
        assert len(reply['Deleted']) == 5
        aws('s3api', 'delete-object', '--bucket', 'b-1', '--key', 'empty')
        aws('s3api', 'delete-object', '--bucket', 'b-1', '--key', key)


def process(aws, *words):
    """The same client, as a process: where it prints no JSON, or has threads of its own."""
    env = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
    return subprocess.run([sys.executable, '-c', 'import sys; from awscli.clidriver import main; '
                           'sys.exit(main())', '--endpoint-url', aws.fake.url, *words],
                          check=True, stdout=subprocess.PIPE, text=True, env=env,
                          timeout=120).stdout.strip()


def presign(aws, key):
    return process(aws, 's3', 'presign', f's3://b-1/{key}', '--expires-in', '60', '--region',
                   'us-east-1')


def status(url):
    try:
        with urllib.request.urlopen(url, timeout=20) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


def uploads(tap, aws):
    name = ['--bucket', 'b-1', '--key', 'big']
    five, tail = os.urandom(5 * MIB), b'tail'

    def begin():
        return aws('s3api', 'create-multipart-upload', *name)['UploadId']

    def part(upload, number, data):
        return aws('s3api', 'upload-part', *name, '--upload-id', upload, '--part-number', number,
                   '--body', file_of(aws, data))['ETag']

    def complete(upload, *parts):
        rows = ','.join(f'{{ETag={etag},PartNumber={number}}}' for number, etag in parts)
        return aws('s3api', 'complete-multipart-upload', *name, '--upload-id', upload,
                   '--multipart-upload', f'Parts=[{rows}]')

    with tap.part('in parts: listed, completed, read back'):
        upload = begin()
        one, two = part(upload, 1, five), part(upload, 3, tail)
        assert any(o['kind'] == 'upload' for o in aws.fake.ledger()['exists'])
        listed = aws('s3api', 'list-parts', *name, '--upload-id', upload)['Parts']
        assert [p['PartNumber'] for p in listed] == [1, 3]
        open_ones = aws('s3api', 'list-multipart-uploads', '--bucket', 'b-1')['Uploads']
        assert [u['UploadId'] for u in open_ones] == [upload]
        refused('InvalidPartOrder', complete, upload, (3, two), (1, one))
        refused('InvalidPart', complete, upload, (1, two))
        refused('InvalidPart', complete, upload, (1, one), (2, two))
        etag = complete(upload, (1, one), (3, two))['ETag']
        both = hashlib.md5(hashlib.md5(five).digest() + hashlib.md5(tail).digest()).hexdigest()
        assert etag == f'"{both}-2"'
        assert get(aws, 'big')[0] == five + tail
        refused('NoSuchUpload', complete, upload, (1, one))
    with tap.part('a part that is too small, an upload given up'):
        upload = begin()
        one, two = part(upload, 1, tail), part(upload, 2, tail)
        refused('EntityTooSmall', complete, upload, (1, one), (2, two))
        aws('s3api', 'abort-multipart-upload', *name, '--upload-id', upload)
        refused('NoSuchUpload', aws, 's3api', 'list-parts', *name, '--upload-id', upload)
        assert not any(o['kind'] == 'upload' for o in aws.fake.ledger()['exists'])
    with tap.part('an error inside of a 200'):
        upload = begin()
        one = part(upload, 1, tail)
        aws.fake.fault('fail-before', operation='CompleteMultipartUpload', status=200)
        refused(('InternalError', 'Unknown'), complete, upload, (1, one))  # as old as it is
        complete(upload, (1, one))
    with tap.part('aws s3 cp of 20 MiB, there and back'):
        data = os.urandom(20 * MIB)
        path = file_of(aws, data, 'twenty')
        process(aws, 's3', 'cp', path, 's3://b-1/twenty', '--quiet')
        process(aws, 's3', 'cp', 's3://b-1/twenty', path + '.back', '--quiet')
        with open(path + '.back', 'rb') as file:
            assert file.read() == data
        for key in ('big', 'twenty'):
            aws('s3api', 'delete-object', '--bucket', 'b-1', '--key', key)


def imports(tap, aws):
    words = ['ec2', 'import-snapshot', '--disk-container',
             'Format=RAW,UserBucket={S3Bucket=b-1,S3Key=disk}']
    with tap.part('a snapshot out of a raw disk in S3'):
        disk = bytes(MIB) + b'x' * 512 + bytes(MIB - 512) + b'y' * 512
        put(aws, 'disk', disk)
        task = aws(*words, '--client-token', 'import-1', '--tag-specifications',
                   'ResourceType=import-snapshot-task,Tags=[{Key=a,Value=b}]')['ImportTaskId']
        assert aws(*words, '--client-token', 'import-1', '--tag-specifications',
                   'ResourceType=import-snapshot-task,Tags=[{Key=a,Value=b}]'
                   )['ImportTaskId'] == task
        detail = eventually(lambda: done(aws, task))
        shown = aws('ec2', 'describe-snapshots', '--snapshot-ids', detail['SnapshotId'])
        assert shown['Snapshots'][0]['VolumeSize'] == 1
        listed = aws('ebs', 'list-snapshot-blocks', '--snapshot-id', detail['SnapshotId'])
        assert [b['BlockIndex'] for b in listed['Blocks']] == [2, 4]
        aws('ec2', 'delete-snapshot', '--snapshot-id', detail['SnapshotId'])
    with tap.part('imports that are refused, fail, or are cancelled'):
        refused('InvalidParameter', aws, *words[:-1], words[-1].replace('disk', 'none'))
        refused('InvalidParameter', aws, *words[:-1], words[-1].replace('RAW', 'ZIP'))
        refused('InvalidParameter', aws, *words, '--role-name', 'nobody')
        task = aws(*words[:-1], words[-1].replace('RAW', 'VHD'))['ImportTaskId']
        row = eventually(lambda: ended(aws, task))
        assert row['Status'] == 'deleted' and 'SnapshotId' not in row
        aws.fake.settings(snapshot_ms=60000)
        task = aws(*words)['ImportTaskId']
        aws('ec2', 'cancel-import-task', '--import-task-id', task)
        refused('InvalidConversionTaskId', aws, 'ec2', 'cancel-import-task', '--import-task-id',
                task)
        aws.fake.settings(snapshot_ms=50)
    packed(tap, aws, words[:-1], disk)
    roles(tap, aws, words)
    with tap.part('the bucket is empty, and goes'):
        aws('s3api', 'delete-object', '--bucket', 'b-1', '--key', 'disk')
        aws('s3api', 'delete-bucket', '--bucket', 'b-1')


def converted(aws, disk, subformat):
    """The disk as a VMDK of qemu's."""
    path = file_of(aws, disk, 'plain')
    subprocess.run(['qemu-img', 'convert', '-f', 'raw', '-O', 'vmdk', '-o',
                    'subformat=' + subformat, path, path + '.vmdk'], check=True)
    with open(path + '.vmdk', 'rb') as file:
        return file.read()


def packed(tap, aws, words, disk):
    with tap.part('a snapshot out of a stream-optimised VMDK, and of no other and no damaged one'):
        if not shutil.which('qemu-img'):
            raise Skip('qemu-img (package qemu-utils) is not installed')
        whole = converted(aws, disk, 'streamOptimized')
        first = whole.index(b'\x78', 65536)  # of a grain that is deflated
        damaged = whole[:first] + bytes([whole[first] ^ 1]) + whole[first + 1:]
        for content in (converted(aws, disk, 'monolithicSparse'), damaged, whole[:65536],
                        whole):
            put(aws, 'packed', content)
            task = aws(*words, 'Format=VMDK,UserBucket={S3Bucket=b-1,S3Key=packed}')['ImportTaskId']
            detail = eventually(lambda t=task: ended(aws, t))
            assert (detail['Status'] == 'completed') == (content is whole), detail
        blocks = {}
        listed = aws('ebs', 'list-snapshot-blocks', '--snapshot-id', detail['SnapshotId'])
        for block in listed['Blocks']:
            path = os.path.join(aws.fake.state, 'block')
            aws('ebs', 'get-snapshot-block', '--snapshot-id', detail['SnapshotId'],
                '--block-index', block['BlockIndex'], '--block-token', block['BlockToken'], path)
            with open(path, 'rb') as file:
                blocks[block['BlockIndex']] = file.read()
        assert list(blocks) == [2, 4], list(blocks)
        for index, content in blocks.items():
            there = disk[index * 524288:(index + 1) * 524288]
            assert content == there + bytes(524288 - len(there)), index
        aws('ec2', 'delete-snapshot', '--snapshot-id', detail['SnapshotId'])
        aws('s3api', 'delete-object', '--bucket', 'b-1', '--key', 'packed')


def roles(tap, aws, words):
    def role(bucket, trust='vmie.amazonaws.com'):
        aws.fake.control('POST', '/_roles', {
            'name': 'importer', 'trust': [trust], 'policy': {'Statement': [
                {'Effect': 'Allow', 'Action': ['s3:GetBucketLocation', 's3:ListBucket'],
                 'Resource': f'arn:aws:s3:::{bucket}'},
                {'Effect': 'Allow', 'Action': ['s3:GetObject'],
                 'Resource': f'arn:aws:s3:::{bucket}/*'},
                {'Effect': 'Allow', 'Action': ['ec2:ModifySnapshotAttribute', 'ec2:CopySnapshot',
                                               'ec2:Describe*'], 'Resource': '*'}]}})
    with tap.part('an import by a role that may not read the bucket, or is for something else'):
        dry = [*words, '--role-name', 'importer', '--dry-run']
        role('b-2')
        refused('InvalidParameter', aws, *dry)
        role('b-1', 'ec2.amazonaws.com')
        refused('InvalidParameter', aws, *dry)
        role('b-1')
        refused('DryRunOperation', aws, *dry)
        west = {'AWS_REGION': 'us-west-2', 'AWS_DEFAULT_REGION': 'us-west-2'}
        refused('InvalidParameter', aws, *dry, **west)


def detail_of(aws, task):
    rows = aws('ec2', 'describe-import-snapshot-tasks', '--import-task-ids', task)
    return rows['ImportSnapshotTasks'][0]['SnapshotTaskDetail']


def done(aws, task):
    detail = detail_of(aws, task)
    return detail if detail['Status'] == 'completed' else None


def ended(aws, task):
    detail = detail_of(aws, task)
    return detail if detail['Status'] != 'active' else None
