# SPDX-License-Identifier: ISC
"""A bucket at a mirage-fakecloud, made with a signature of the test's own: nothing but Python is
needed for it."""
import contextlib
import datetime
import hashlib
import hmac
import http.client
import urllib.parse


def _key(secret, *scope):
    key = ('AWS4' + secret).encode()
    for word in scope:
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    return key


def _signed(env, method, path, body, host, region, more=()):
    """The headers of a request for S3, signature version 4; `more` come behind x-amz-date."""
    when = datetime.datetime.now(datetime.timezone.utc).strftime('%Y%m%dT%H%M%SZ')
    digest = hashlib.sha256(body).hexdigest()
    scope = f'{when[:8]}/{region}/s3/aws4_request'
    names = ';'.join(['host', 'x-amz-content-sha256', 'x-amz-date', *(name for name, _ in more)])
    request = '\n'.join([method, path, '', f'host:{host}', f'x-amz-content-sha256:{digest}',
                         f'x-amz-date:{when}', *(f'{name}:{value}' for name, value in more), '',
                         names, digest])
    text = '\n'.join(['AWS4-HMAC-SHA256', when, scope,
                      hashlib.sha256(request.encode()).hexdigest()])
    key = _key(env['AWS_SECRET_ACCESS_KEY'], when[:8], region, 's3', 'aws4_request')
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return {'x-amz-date': when, 'x-amz-content-sha256': digest, **dict(more),
            'Authorization': f'AWS4-HMAC-SHA256 Credential={env["AWS_ACCESS_KEY_ID"]}/{scope}, '
                             f'SignedHeaders={names}, Signature={signature}'}


def make_bucket(fake, name, region=None, lists=False):
    """In its first region, unless another one is said. lists: it takes access control lists, which
    buckets do not when nobody says so."""
    home = fake.env['AWS_REGION']
    body = b'' if region in (None, home) else (
        '<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f'<LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>').encode()
    host = urllib.parse.urlsplit(fake.url).netloc
    more = [('x-amz-object-ownership', 'BucketOwnerPreferred')] if lists else []
    headers = _signed(fake.env, 'PUT', '/' + name, body, host, region or home, more)
    with contextlib.closing(http.client.HTTPConnection(host, timeout=20)) as connection:
        connection.request('PUT', '/' + name, body, headers)
        reply = connection.getresponse()
        assert reply.status == 200, reply.read()


def held(fake, bucket=''):
    """What is in buckets: keys of objects, and of uploads that nobody has completed."""
    return [row['id'] for row in fake.ledger()['exists']
            if row['kind'] in ('object', 'upload') and row['id'].startswith(bucket)]
