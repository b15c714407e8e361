#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""model_rest REST_CALLS: what tests/ec2/rest_calls.c sends to EBS direct and S3 is what AWS's own
service model (Debian's python3-botocore) knows: method and path lead to the call that is meant,
each parameter, header and element exists there and nothing required is missing. The answers have
the model's names, too, so what is read of them does. Speaks TAP; without botocore everything is
skipped."""
import base64
import hashlib
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import urllib.parse
import xml.etree.ElementTree

DEBIAN = '/usr/lib/python3/dist-packages'
if os.path.isdir(os.path.join(DEBIAN, 'botocore')):
    sys.path.insert(0, DEBIAN)  # the packaged one, also where another python comes first
try:
    import botocore.session
except ImportError:
    print('1..0 # SKIP botocore is not installed (Debian: python3-botocore)')
    sys.exit(0)

# Headers that belong to HTTP or to the signature.
PLAIN = {'host', 'user-agent', 'accept', 'content-length', 'content-type', 'authorization',
         'connection', 'x-amz-date', 'x-amz-content-sha256'}
BLOCK = bytes(524288)
DIGEST = base64.b64encode(hashlib.sha256(BLOCK).digest()).decode()
MODIFIED = '2026-11-20T23:57:03.000Z'
SNAPSHOT = {'SnapshotId': 'snap-0123456789abcdef0', 'BlockSize': 524288, 'VolumeSize': 1,
            'Status': 'pending'}
BLOCKS = {'BlockSize': 524288, 'VolumeSize': 1}
S3 = 'http://s3.amazonaws.com/doc/2006-03-01/'


def rows(name, *members):
    return ''.join(f'<{name}>' + ''.join(f'<{k}>{v}</{k}>' for k, v in row.items()) + f'</{name}>'
                   for row in members)


def document(name, text):
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="{S3}">{text}</{name}>'


# In the order of the calls: status, headers, body.
ANSWERS = [
    ('StartSnapshot', 201, {}, SNAPSHOT),
    ('PutSnapshotBlock', 201, {'x-amz-Checksum': DIGEST, 'x-amz-Checksum-Algorithm': 'SHA256'}, ''),
    ('CompleteSnapshot', 202, {}, {'Status': 'pending'}),
    ('ListSnapshotBlocks', 200, {}, BLOCKS | {'NextToken': 'n', 'Blocks': [
        {'BlockIndex': 1, 'BlockToken': 'first'}]}),
    ('ListSnapshotBlocks', 200, {}, BLOCKS | {'Blocks': [
        {'BlockIndex': 2, 'BlockToken': 'second'}]}),
    ('ListChangedBlocks', 200, {}, BLOCKS | {'ChangedBlocks': [
        {'BlockIndex': 1, 'FirstBlockToken': 'one', 'SecondBlockToken': 'two'}]}),
    ('GetSnapshotBlock', 200, {'x-amz-Data-Length': '524288', 'x-amz-Checksum': DIGEST,
                               'x-amz-Checksum-Algorithm': 'SHA256'}, BLOCK),
    ('CreateBucket', 200, {'Location': '/bucket'}, ''),
    ('PutObject', 200, {'ETag': '"etag-1"'}, ''),
    ('GetObject', 206, {'ETag': '"etag-1"', 'Content-Range': 'bytes 2-3/4'}, 'dy'),
    ('HeadObject', 200, {'ETag': '"etag-1"', 'Content-Length': '4', 'x-amz-meta-owner': 'me',
                         'Last-Modified': 'Fri, 20 Nov 2026 23:57:03 GMT'}, ''),
    ('ListObjectsV2', 200, {}, document('ListBucketResult', rows(
        'Contents', {'Key': 'first'}) + rows('', {
            'IsTruncated': 'true', 'NextContinuationToken': 'n', 'EncodingType': 'url'})
        .replace('<>', '').replace('</>', ''))),
    ('ListObjectsV2', 200, {}, document('ListBucketResult', rows(
        'Contents', {'Key': 'second+key', 'Size': '7', 'LastModified': MODIFIED,
                     'ETag': '"etag-2"'}) + '<EncodingType>url</EncodingType>')),
    ('DeleteObject', 204, {}, ''),
    ('DeleteBucket', 204, {}, ''),
    ('CreateMultipartUpload', 200, {}, document('InitiateMultipartUploadResult', (
        '<Bucket>bucket</Bucket><Key>k</Key><UploadId>upload-1</UploadId>'))),
    ('UploadPart', 200, {'ETag': '"part-1"'}, ''),
    ('ListMultipartUploads', 200, {}, document('ListMultipartUploadsResult', rows(
        'Upload', {'Key': 'first', 'UploadId': 'upload-1'}) + (
            '<IsTruncated>true</IsTruncated><NextKeyMarker>first</NextKeyMarker>'
            '<NextUploadIdMarker>upload-1</NextUploadIdMarker><EncodingType>url</EncodingType>'))),
    ('ListMultipartUploads', 200, {}, document('ListMultipartUploadsResult', rows(
        'Upload', {'Key': 'second+key', 'UploadId': 'upload-2', 'Initiated': MODIFIED}) +
        '<EncodingType>url</EncodingType>')),
    ('CompleteMultipartUpload', 200, {}, document('CompleteMultipartUploadResult', (
        '<Location>l</Location><Bucket>bucket</Bucket><Key>k</Key><ETag>"e-1"</ETag>'))),
    ('AbortMultipartUpload', 204, {}, ''),
]


# --- what the model knows ---

def members_at(shape, location):
    """By the name on the wire, in lower case for headers."""
    found = {}
    for name, member in (shape.members if shape else {}).items():
        if member.serialization.get('location') == location:
            wire = member.serialization.get('name', name)
            found[wire.lower() if location == 'header' else wire] = (name, member)
    return found


def body_members(shape):
    return {member.serialization.get('name', name): member for name, member in
            shape.members.items() if 'location' not in member.serialization}


def fits(operation, method, path, query, headers):
    """How much of a request the operation asks for; None: it is another one's."""
    uri, _, constants = operation.http['requestUri'].partition('?')
    pattern = re.sub(r'\\\{\w+\\\}', '[^/]+', re.sub(r'\\\{\w+\\\+\\\}', '.+', re.escape(uri)))
    if operation.http['method'] != method or not re.fullmatch(pattern, path):
        return None
    wanted = dict(urllib.parse.parse_qsl(constants, keep_blank_values=True))
    if any(query.get(name) != value for name, value in wanted.items() if name != 'x-id'):
        return None
    shape = operation.input_shape
    required = set(shape.required_members)
    in_query = [n for n, (name, _) in members_at(shape, 'querystring').items() if name in required]
    in_headers = [n for n, (name, _) in members_at(shape, 'header').items() if name in required]
    if any(n not in query for n in in_query) or any(n not in headers for n in in_headers):
        return None
    return len(wanted) + len(in_query) + len(in_headers)


def find_operation(model, method, path, query, headers):
    best = {}
    for name in model.operation_names:
        score = fits(model.operation_model(name), method, path, query, headers)
        if score is not None:
            best.setdefault(score, []).append(name)
    return best[max(best)] if best else []


def check_elements(shape, node, wrong):
    members = body_members(shape)
    for child in node:
        name = child.tag.rsplit('}', 1)[-1]
        member = members.get(name)
        if member is None:
            wrong.append(f'{shape.name} has no {name}')
            continue
        if member.type_name == 'list':
            if not member.serialization.get('flattened'):
                wrong.append(f'{name} is a list with elements of its own')
            member = member.member
        if member.type_name == 'structure':
            check_elements(member, child, wrong)
        elif len(child):
            wrong.append(f'{name} is no structure')


def check_json(shape, value, wrong):
    members = body_members(shape)
    for name, inner in value.items():
        member = members.get(name)
        if member is None:
            wrong.append(f'{shape.name} has no {name}')
            continue
        for row in inner if isinstance(inner, list) else [inner]:
            target = member.member if member.type_name == 'list' else member
            if isinstance(row, dict):
                check_json(target, row, wrong)


def check_body(operation, shape, body, is_json, wrong):
    """A request's or an answer's document."""
    payload = shape.serialization.get('payload') if shape else None
    target = shape.members[payload] if payload else shape
    if not body or (payload and target.type_name == 'blob'):
        return
    if is_json:
        check_json(target, json.loads(body), wrong)
        return
    root = xml.etree.ElementTree.fromstring(body)
    name = root.tag.rsplit('}', 1)[-1]
    known = target.serialization.get('name') if payload else None
    if known and name != known:
        wrong.append(f'{operation.name}: the document is a {known}, not a {name}')
    check_elements(target, root, wrong)


def check_request(model, wanted, request):
    method, target, headers, body = request
    path, _, text = target.partition('?')
    query = dict(urllib.parse.parse_qsl(text, keep_blank_values=True))
    found = find_operation(model, method, path, query, headers)
    if found != [wanted]:
        return [f'{method} {target} is {" or ".join(found) or "nothing"}']
    operation = model.operation_model(wanted)
    shape, wrong = operation.input_shape, []
    constants = dict(urllib.parse.parse_qsl(operation.http['requestUri'].partition('?')[2],
                                            keep_blank_values=True))
    known = members_at(shape, 'querystring')
    wrong += [f'there is no parameter {n}' for n in query if n not in known and n not in constants]
    known = members_at(shape, 'header')
    prefixes = list(members_at(shape, 'headers'))
    wrong += [f'there is no header {n}' for n in headers if n not in known and n not in PLAIN and
              not any(n.startswith(prefix) for prefix in prefixes)]
    check_body(operation, shape, body, model.service_name == 'ebs', wrong)
    return wrong


def check_answer(model, row):
    name, _, headers, body = row
    operation = model.operation_model(name)
    shape, wrong = operation.output_shape, []
    known = members_at(shape, 'header')
    prefixes = list(members_at(shape, 'headers'))
    wrong += [f'the answer has no header {n}' for n in headers if n.lower() not in known and
              not any(n.startswith(prefix) for prefix in prefixes)]
    if isinstance(body, dict):
        check_json(shape, body, wrong)
    elif isinstance(body, str) and body.startswith('<'):
        check_body(operation, shape, body, False, wrong)
    return wrong


# --- the server ---

SEEN = []  # requests, in their order


class Service(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def answer(self):
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        SEEN.append((self.command, self.path, headers, body))
        if len(SEEN) > len(ANSWERS):
            status, more, said = 500, {}, ''
        else:
            _, status, more, said = ANSWERS[len(SEEN) - 1]
        if isinstance(said, dict):
            said = json.dumps(said)
        said = said.encode() if isinstance(said, str) else said
        self.send_response(status)
        for name, value in more.items():
            self.send_header(name, value)
        if 'Content-Length' not in more and status != 204:
            self.send_header('Content-Length', str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer


def main():
    session = botocore.session.get_session()
    models = {name: session.get_service_model(name) for name in ('ebs', 's3')}
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Service)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    done = subprocess.run([sys.argv[1], f'http://127.0.0.1:{server.server_address[1]}'],
                          capture_output=True, text=True, timeout=100, check=False)
    print(f'# botocore {botocore.__version__}')
    print(f'1..{len(ANSWERS) + 1}')
    failed = 0
    for number, row in enumerate(ANSWERS, 1):
        model = models['ebs' if 'Block' in row[0] or 'Snapshot' in row[0] else 's3']
        wrong = check_answer(model, row)
        wrong += check_request(model, row[0], SEEN[number - 1]) if number <= len(SEEN) else \
            ['it was not called']
        for line in wrong:
            print(f'# {line}')
        failed += bool(wrong)
        print(f'{"not ok" if wrong else "ok"} {number} - {row[0]}')
    right = done.returncode == 0 and len(SEEN) == len(ANSWERS)
    for line in (done.stdout + done.stderr).splitlines():
        print(f'# {line}')
    print(f'{"ok" if right else "not ok"} {len(ANSWERS) + 1} - the answers are read')
    return 1 if failed or not right else 0


if __name__ == '__main__':
    sys.exit(main())
