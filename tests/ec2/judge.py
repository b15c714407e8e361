#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""judge SIGNER [COUNT]: our signer against botocore's, on requests made at random.

SIGNER is tests/ec2/signer.c, built. For each of botocore's four signers (by headers and presigned,
for S3 and for all else) COUNT requests (default 1,000) are signed by both; signature and canonical
request have to be the same. Speaks TAP; skips where python3-botocore is not installed.
MIRAGE_SIGN_SEED picks other requests. --write FILE writes the S3 cases of ec2/testdata/sign anew.
"""
import datetime
import json
import os
import random
import re
import subprocess
import sys
import types
from urllib.parse import quote

DEBIAN = '/usr/lib/python3/dist-packages'
if os.path.isdir(os.path.join(DEBIAN, 'botocore')):
    sys.path.insert(0, DEBIAN)  # the packaged one, also where another python comes first
try:
    import botocore
    import botocore.auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
except ImportError:
    print('1..0 # SKIP python3-botocore is not installed')
    sys.exit(0)

SIGNERS = {('default', 0): botocore.auth.SigV4Auth, ('s3', 0): botocore.auth.S3SigV4Auth,
           ('default', 1): botocore.auth.SigV4QueryAuth, ('s3', 1): botocore.auth.S3SigV4QueryAuth}
TRICKY = "abcXYZ0189-_.~ !\"#$%&'()*+,/:;<=>?@[]^`{|}\u00e9\u1234\U0001f600"
TOKEN_CHARACTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/='
SERVICES = ['ec2', 'ebs', 'sts', 'scheduler', 'ssm', 'pricing', 'iam', 'execute-api']


def at_moment(seconds):
    """botocore reads the clock itself; this is what it sees."""
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)

    class Fixed(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return moment

        @classmethod
        def now(cls, tz=None):
            return moment.replace(tzinfo=tz)

    if hasattr(botocore.auth, 'get_current_datetime'):
        botocore.auth.get_current_datetime = lambda remove_tzinfo=True: moment
    botocore.auth.datetime = types.SimpleNamespace(datetime=Fixed)


def encoded(pairs):
    return '&'.join(f'{quote(name, safe="-_.~")}={quote(value or "", safe="-_.~")}'
                    for name, value in pairs)


def expected(case):
    """(signature, canonical request) by botocore."""
    at_moment(case['now'])
    url = f'{case["scheme"]}://{case["host"]}{case["path"]}'
    if case['query']:
        url += '?' + encoded(case['query'])
    request = AWSRequest(method=case['method'], url=url, data=case['body'].encode())
    for name, value in case['headers']:
        request.headers.add_header(name, value)
    if case['payload']:
        request.context['payload_signing_enabled'] = False
    signer = SIGNERS[case['mode'], 1 if case['presign'] else 0]
    options = {'expires': case['presign']} if case['presign'] else {}
    auth = signer(Credentials(case['key'], case['secret'], case['token'] or None),
                  case['service'], case['region'], **options)
    seen = []
    plain = auth.canonical_request
    auth.canonical_request = lambda r: seen.append(plain(r)) or seen[-1]
    auth.add_auth(request)
    where = request.url if case['presign'] else request.headers['Authorization']
    return re.search(r'Signature=([0-9a-f]{64})', where).group(1), seen[0]


def words(rng, most, characters=TRICKY):
    return ''.join(rng.choice(characters) for _ in range(rng.randint(1, most)))


def some_path(rng, mode):
    """As it is sent: encoded, or (as some clients do) with some characters left as they are."""
    parts = [words(rng, 8) for _ in range(rng.randint(0, 5))]
    safe = rng.choice(["-_.~", "-_.~!$&'()*+,;=:@"])
    path = '/' + '/'.join(quote(part, safe=safe) for part in parts)
    if rng.random() < 0.2:
        path = path.replace('/', rng.choice(['//', '/./', '/../', '/x/../']), 1)
    if mode == 's3':  # botocore folds dots away here as well as everywhere, since urlsplit does not
        path = path.replace('/./', '/').replace('/../', '/')
    return path + ('/' if rng.random() < 0.2 and path != '/' else '')


def some_headers(rng, presigned):
    names = ['Content-Type', 'X-Amz-Target', 'x-amz-Checksum', 'x-amz-Checksum-Algorithm',
             'x-amz-meta-a', 'x-amz-meta-a-b', 'X-Amz-Data-Length', 'Range', 'User-Agent',
             'Accept', 'x-amz-meta-a_b', 'X-AMZ-Meta-A']
    rows = [(rng.choice(names), rng.choice(['text/plain', 'a  b   c', ' lead', 'trail  ',
                                            '"q  q"', 'v\t1', 'SHA256', '0', 'a,b',
                                            words(rng, 12).replace('\n', ''), '']))
            for _ in range(rng.randint(0, 6))]
    if presigned:  # botocore keeps the first of a name only
        rows = list({name.lower(): (name, value) for name, value in rows}.values())
    return rows


def some_case(rng, mode, presigned):
    query = [(words(rng, 6), rng.choice([words(rng, 8), '', None]))
             for _ in range(rng.choice([0, 0, 1, 3, 8]))]
    if presigned:
        query = list(dict(query).items())
    scheme, port = rng.choice([('https', ''), ('http', ''), ('https', ':8443'), ('http', ':8080')])
    case = {
        'mode': mode, 'presign': rng.randint(1, 604800) if presigned else 0, 'scheme': scheme,
        'method': rng.choice(['GET', 'POST', 'PUT', 'DELETE', 'HEAD']),
        'host': rng.choice(['ec2.eu-central-1.amazonaws.com', 'a.example', '127.0.0.1',
                            'bucket.s3.us-west-2.amazonaws.com', '[::1]']) + port,
        'path': some_path(rng, mode), 'query': query, 'headers': some_headers(rng, presigned),
        'body': '' if presigned else words(rng, 400, TRICKY + '\n\t') if rng.random() < .6 else '',
        'payload': None, 'payload_header': mode == 's3' and not presigned,
        'region': rng.choice(['us-east-1', 'eu-central-1', 'cn-north-1']),
        'service': 's3' if mode == 's3' else rng.choice(SERVICES),
        'now': rng.randint(0, 4102444800), 'key': words(rng, 20, TOKEN_CHARACTERS),
        'secret': words(rng, 40, TOKEN_CHARACTERS),
        'token': words(rng, 300, TOKEN_CHARACTERS) if rng.random() < .4 else '',
    }
    return with_payload(rng, case)


def with_payload(rng, case):
    """Sometimes the body is not signed: S3, https, and (botocore's rule) with another checksum."""
    if case['mode'] == 's3' and not case['presign'] and case['scheme'] == 'https' and \
            rng.random() < .3:
        case['payload'] = 'UNSIGNED-PAYLOAD'
        case['headers'].append(('Content-MD5', 'XUFAKrxLKna5cZ2REBfFkg=='))
    return case


def ours(signer, case):
    signer.stdin.write(json.dumps(case) + '\n')
    signer.stdin.flush()
    return json.loads(signer.stdout.readline())


def start(path):
    return subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def judge(signer, number, mode, presigned, count):
    rng = random.Random(f'{os.environ.get("MIRAGE_SIGN_SEED", "1")} {mode} {presigned}')
    name = f'{count} random requests, {mode}{", presigned" if presigned else ""}'
    for nth in range(count):
        case = some_case(rng, mode, presigned)
        signature, canonical = expected(case)
        made = ours(signer, case)
        if made.get('signature') != signature or made.get('canonical') != canonical:
            print(f'# request {nth}: {json.dumps(case)}')
            print('# botocore:\n# ' + canonical.replace('\n', '\n# '))
            print('# ours:\n# ' + str(made.get('canonical', made)).replace('\n', '\n# '))
            print(f'not ok {number} - {name}')
            return False
    print(f'ok {number} - {name}')
    return True


def s3_cases():
    """What the published vectors leave out: the rules of S3."""
    base = {'mode': 's3', 'presign': 0, 'scheme': 'https', 'method': 'GET',
            'host': 'examplebucket.s3.amazonaws.com', 'path': '/', 'query': [], 'headers': [],
            'body': '', 'payload': None, 'payload_header': True, 'region': 'us-east-1',
            'service': 's3', 'now': 1369353600, 'key': 'AKIAIOSFODNN7EXAMPLE',
            'secret': 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', 'token': ''}
    md5 = ('Content-MD5', 'XUFAKrxLKna5cZ2REBfFkg==')
    yield 'get', base
    yield 'get with a range', {**base, 'path': '/test.txt', 'headers': [('Range', 'bytes=0-9')]}
    yield 'put', {**base, 'method': 'PUT', 'path': '/a/kernel.img', 'body': 'Welcome to S3.'}
    yield 'put, encoded path', {**base, 'method': 'PUT', 'path': '/test%24file.text', 'body': 'x'}
    yield 'path encoded once', {**base, 'path': '/a%20b/c%2Bd/%C3%A9%E1%88%B4'}
    yield 'slashes and dots stay', {**base, 'path': '//a///b/./c'}
    yield 'slash at the end', {**base, 'path': '/a/'}
    yield 'characters left raw', {**base, 'path': "/a!$&'()*+,;=:@b"}
    yield 'valueless parameter', {**base, 'query': [('lifecycle', None)]}
    yield 'list', {**base, 'query': [('prefix', 'J/ K'), ('max-keys', '2'), ('list-type', '2')]}
    yield 'create multipart', {**base, 'method': 'POST', 'path': '/k', 'query': [('uploads', '')]}
    yield 'upload part', {**base, 'method': 'PUT', 'path': '/k', 'body': 'part',
                          'query': [('uploadId', 'VXBsb2FkIElE+/='), ('partNumber', '10')]}
    yield 'unsigned payload', {**base, 'method': 'PUT', 'path': '/k', 'body': 'anything',
                               'payload': 'UNSIGNED-PAYLOAD', 'headers': [md5]}
    yield 'session token', {**base, 'path': '/k', 'token': 'FwoGZXIvYXdzE+/=='}
    yield 'metadata headers', {**base, 'method': 'PUT', 'path': '/k', 'body': 'x', 'headers': [
        ('x-amz-meta-a-b', 'second'), ('x-amz-meta-a', ' first  one '), ('x-amz-acl', 'private')]}
    yield 'repeated header', {**base, 'headers': [('x-amz-meta-r', 'b'), ('x-amz-meta-r', 'a')]}
    yield 'port of its own', {**base, 'scheme': 'http', 'host': '127.0.0.1:8080', 'path': '/b/k'}
    yield 'delete', {**base, 'method': 'DELETE', 'path': '/k', 'region': 'eu-central-1'}
    shared = {**base, 'presign': 86400, 'path': '/test.txt', 'payload_header': False}
    yield 'presigned get', shared
    yield 'presigned with token', {**shared, 'token': 'FwoGZXIvYXdzE+/=='}
    yield 'presigned put', {**shared, 'method': 'PUT', 'presign': 1,
                            'headers': [('Content-Type', 'text/plain')]}
    yield 'presigned with query', {**shared, 'path': '/a%20b', 'presign': 604800,
                                   'query': [('versionId', 'a/b+c='), ('X-Zebra', '~')]}


def write(path):
    rows = [{'name': name, **case, 'signature': expected(case)[0]} for name, case in s3_cases()]
    with open(path, 'w', encoding='utf-8') as out:
        out.write('[\n' + ',\n'.join(json.dumps(row) for row in rows) + '\n]\n')


def main():
    if sys.argv[1] == '--write':
        write(sys.argv[2])
        return 0
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    signer = start(sys.argv[1])
    print(f'# botocore {botocore.__version__}')
    print(f'1..{len(SIGNERS)}')
    good = [judge(signer, number, mode, presigned, count)
            for number, (mode, presigned) in enumerate(SIGNERS, 1)]
    signer.stdin.close()
    return 0 if all(good) and signer.wait() == 0 else 1


if __name__ == '__main__':
    sys.exit(main())
