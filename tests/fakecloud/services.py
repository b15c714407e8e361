# SPDX-License-Identifier: ISC
"""The parts of awscli.py that are not EC2."""
import base64
import hashlib
import os

from aws import eventually, refused

BLOCK = 524288


def base64_sha256(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def put_block(aws, snapshot, index, data, **changes):
    path = os.path.join(aws.fake.state, 'block')
    with open(path, 'wb') as file:
        file.write(data)
    words = {'checksum': base64_sha256(data), 'checksum-algorithm': 'SHA256',
             'data-length': str(len(data)), **changes}
    return aws('ebs', 'put-snapshot-block', '--snapshot-id', snapshot, '--block-index', index,
               '--block-data', path,
               *[word for name, value in words.items() for word in ('--' + name, value)])


def blocks(tap, aws):
    start = ['ebs', 'start-snapshot', '--volume-size', '1', '--timeout', '10', '--client-token',
             'snapshot-1', '--tags', 'Key=a,Value=b']
    one, two = b'1' * BLOCK, bytes(BLOCK)
    with tap.part('a snapshot, written block by block'):
        snapshot = aws(*start)
        assert snapshot['Status'] == 'pending' and snapshot['BlockSize'] == BLOCK
        snapshot = snapshot['SnapshotId']
        assert aws(*start)['SnapshotId'] == snapshot
        refused('ConflictException', aws, *start[:3], '2', *start[4:])
        put_block(aws, snapshot, 0, one)
        put_block(aws, snapshot, 7, two)
        put_block(aws, snapshot, 7, two)
        shown = aws('ec2', 'describe-snapshots', '--snapshot-ids', snapshot)['Snapshots'][0]
        assert shown['State'] == 'pending' and shown['Tags'] == [{'Key': 'a', 'Value': 'b'}]
    with tap.part('blocks that are not taken'):
        refused('ValidationException', aws, *start[:3], '65537')
        refused('ValidationException', put_block_of(aws, snapshot), 2048, one)
        refused('ValidationException', put_block_of(aws, snapshot), 1, one[1:])
        refused('ValidationException', put_block_of(aws, snapshot), 1, one,
                checksum=base64_sha256(two))
        refused('ValidationException', put_block_of(aws, snapshot), 1, one,
                **{'checksum-algorithm': 'SHA1'})
        refused('ResourceNotFoundException', put_block_of(aws, 'snap-0123456789abcdef0'), 1, one)
    with tap.part('completed with the right count and checksum alone'):
        complete = ['ebs', 'complete-snapshot', '--snapshot-id', snapshot,
                    '--changed-blocks-count']
        right = base64_sha256(hashlib.sha256(one).digest() + hashlib.sha256(two).digest())
        aggregate = ['--checksum-algorithm', 'SHA256', '--checksum-aggregation-method', 'LINEAR',
                     '--checksum']
        refused('ValidationException', aws, *complete, '3')
        refused('ValidationException', aws, *complete, '2', *aggregate, base64_sha256(one))
        refused('ValidationException', aws, 'ebs', 'list-snapshot-blocks', '--snapshot-id',
                snapshot)
        assert aws(*complete, '2', *aggregate, right)['Status'] == 'pending'
        eventually(lambda: aws('ec2', 'describe-snapshots', '--snapshot-ids', snapshot)
                   ['Snapshots'][0]['State'] == 'completed')
        refused('ValidationException', put_block_of(aws, snapshot), 1, one)
    with tap.part('read back, and compared with a child'):
        listed = aws('ebs', 'list-snapshot-blocks', '--snapshot-id', snapshot)['Blocks']
        assert [b['BlockIndex'] for b in listed] == [0, 7]
        path = os.path.join(aws.fake.state, 'read')
        aws('ebs', 'get-snapshot-block', '--snapshot-id', snapshot, '--block-index', 0,
            '--block-token', listed[0]['BlockToken'], path)
        with open(path, 'rb') as file:
            assert file.read() == one
        refused('ValidationException', aws, 'ebs', 'get-snapshot-block', '--snapshot-id', snapshot,
                '--block-index', 7, '--block-token', listed[0]['BlockToken'], path)
        child = aws('ebs', 'start-snapshot', '--volume-size', '1', '--parent-snapshot-id',
                    snapshot)['SnapshotId']
        put_block(aws, child, 7, one)
        put_block(aws, child, 9, two)
        aws('ebs', 'complete-snapshot', '--snapshot-id', child, '--changed-blocks-count', 2)
        eventually(lambda: aws('ec2', 'describe-snapshots', '--snapshot-ids', child)
                   ['Snapshots'][0]['State'] == 'completed')
        changed = aws('ebs', 'list-changed-blocks', '--first-snapshot-id', snapshot,
                      '--second-snapshot-id', child)['ChangedBlocks']
        assert [(b['BlockIndex'], 'FirstBlockToken' in b) for b in changed] == [
            (7, True), (9, False)]
        for each in (child, snapshot):
            aws('ec2', 'delete-snapshot', '--snapshot-id', each)
    with tap.part('never completed: it cancels itself'):
        late = aws('ebs', 'start-snapshot', '--volume-size', '1', '--timeout', '10')['SnapshotId']
        aws.fake.settings(skew_s=7200)
        aws.fake.advance(590)
        put_block(aws, late, 0, one)  # from here on ten minutes more
        aws.fake.advance(590)
        assert aws('ec2', 'describe-snapshots', '--snapshot-ids', late)['Snapshots']
        aws.fake.advance(20)
        refused('InvalidSnapshot.NotFound', aws, 'ec2', 'describe-snapshots', '--snapshot-ids',
                late)
        aws.fake.control('POST', '/_clock', {'real': True})
        aws.fake.settings(skew_s=300)


def put_block_of(aws, snapshot):
    return lambda index, data, **changes: put_block(aws, snapshot, index, data, **changes)
