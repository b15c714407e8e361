#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""model NAMES TESTDATA: every name that the bindings send or read exists in AWS's service model.

NAMES is tests/ec2/names.c, built: it tells the names from the very tables that write and read.
Against botocore's model of the service each parameter and each path of a reply is looked up, with
its kind (a list or none), the call's version and protocol, and whether all that the service wants
is sent. Then the requests and replies in TESTDATA (ec2/testdata) are looked up as well.

Speaks TAP, a test per call; skips where python3-botocore is not installed. MIRAGE_MODEL_PATH names
a folder with another botocore. Names that are newer than Debian's botocore stand in NEWER below;
with a botocore that has them they have to be right as well.
"""
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree
from urllib.parse import parse_qsl

for folder in (os.environ.get('MIRAGE_MODEL_PATH'), '/usr/lib/python3/dist-packages'):
    if folder and os.path.isdir(os.path.join(folder, 'botocore')):
        sys.path.insert(0, folder)
        break
try:
    import botocore
    import botocore.session
except ImportError:
    print('1..0 # SKIP python3-botocore is not installed')
    sys.exit(0)

MODELS = {'pricing': 'pricing', 'ec2': 'ec2', 'sts': 'sts', 'scheduler': 'scheduler', 'ssm': 'ssm'}
# What botocore 1.43 has and 1.29 has not.
NEWER = {
    ('RegisterImage', 'TagSpecification'), ('DeregisterImage', 'DeleteAssociatedSnapshots'),
    ('DescribeImages', 'MaxResults'), ('DescribeImages', 'NextToken'),
    ('DescribeImages', 'nextToken'), ('RunInstances', 'NetworkInterface[].PrimaryIpv6'),
    ('RunInstances', 'CpuOptions.NestedVirtualization'),
    ('RunInstances', 'instancesSet/item[]/currentInstanceBootMode'),
    ('DescribeInstances', 'reservationSet/item/instancesSet/item[]/currentInstanceBootMode'),
    ('TerminateInstances', 'Force'), ('TerminateInstances', 'SkipOsShutdown'),
    ('StopInstances', 'SkipOsShutdown'),
    ('CreateSchedule', 'ActionAfterCompletion'), ('UpdateSchedule', 'ActionAfterCompletion'),
    ('GetSchedule', 'ActionAfterCompletion'), ('DeleteKeyPair', 'keyPairId'),
    ('DescribeInstanceTypes', 'instanceTypeSet/item[]/processorInfo/supportedFeatures'),
}
OLD = tuple(int(part) for part in botocore.__version__.split('.')[:2]) < (1, 43)


class Wrong(Exception):
    pass


def loaded(service, cache={}):
    if service not in cache:
        cache[service] = botocore.session.get_session().get_service_model(MODELS[service])
    return cache[service]


def sent_as(name, shape, protocol):
    """What a member of a request is called on the wire."""
    serialization = shape.serialization
    if protocol == 'ec2':
        if 'queryName' in serialization:
            return serialization['queryName']
        if 'name' in serialization:
            return serialization['name'][0].upper() + serialization['name'][1:]
    return serialization.get('name', name) if protocol != 'json' else name


def read_as(name, shape):
    return shape.serialization.get('name', name)


def parts_of(name):
    """"A.B[].C" -> A, B, [], C."""
    return [part for part in re.split(r'\.|(\[\])', name) if part]


def look_up_sent(shape, name, protocol):
    """The shape that a parameter's name leads to."""
    for part in parts_of(name):
        if part == '[]' or (part.isdigit() and shape.type_name == 'list'):
            if shape.type_name != 'list':
                raise Wrong(f'{name}: {shape.name} is no list')
            shape = shape.member
            continue
        if shape.type_name == 'list':
            raise Wrong(f'{name}: {shape.name} is a list')
        members = getattr(shape, 'members', {})
        found = [s for n, s in members.items() if sent_as(n, s, protocol) == part]
        if not found:
            raise Wrong(f'{name}: no {part} in {shape.name}')
        shape = found[0]
    return shape


def look_up_read(shape, path, protocol):
    """The shape that a reply's path leads to: lists are gone into by "item"."""
    in_list = False
    if shape is None:
        raise Wrong(f'{path}: the call has no answer')
    for part in [p for p in re.split(r'/|(\[\])', path) if p]:
        if part == '[]':
            if protocol == 'ec2' or in_list:
                in_list = False
                continue  # "xxxSet/item[]": item has been gone into
            if shape.type_name != 'list':
                raise Wrong(f'{path}: {shape.name} is no list')
            shape = shape.member
            continue
        if shape.type_name == 'list':
            name = shape.member.serialization.get('name', 'member')
            if part != name:
                raise Wrong(f'{path}: rows of {shape.name} are {name}, not {part}')
            shape, in_list = shape.member, True
            continue
        members = getattr(shape, 'members', {})
        found = [s for n, s in members.items()
                 if (n if protocol == 'json' else read_as(n, s)) == part]
        if not found:
            raise Wrong(f'{path}: no {part} in {shape.name}')
        shape = found[0]
    return shape


def newer(operation, name):
    plain = name.replace('[]', '')
    return OLD and any(operation == o and plain.startswith(n.replace('[]', '')) for o, n in NEWER)


def check_names(row, model):
    protocol = model.metadata['protocol']
    operation = model.operation_model(row['operation'])
    wrong = []
    for name in row['request']:
        try:
            shape = look_up_sent(operation.input_shape, name, protocol)
            if shape.type_name in ('structure', 'list'):
                raise Wrong(f'{name}: is sent as a text, and is a {shape.type_name}')
        except Wrong as error:
            if not newer(row['operation'], name):
                wrong.append(str(error))
    for path in row['reply']:
        try:
            shape = look_up_read(operation.output_shape, path, protocol)
            if shape.type_name in ('structure', 'list'):
                raise Wrong(f'{path}: is read as a text, and is a {shape.type_name}')
        except Wrong as error:
            if not newer(row['operation'], path):
                wrong.append(str(error))
    return wrong


def check_call(row, model):
    """Version, protocol, place of the result, and what the service will not do without."""
    operation = model.operation_model(row['operation'])
    wrong = []
    protocol = {'ec2': 'query'}.get(model.metadata['protocol'], model.metadata['protocol'])
    if protocol != row['protocol']:
        wrong.append(f'the protocol is {model.metadata["protocol"]}')
    version = model.metadata.get('targetPrefix') if row['protocol'] == 'json' else \
        model.metadata['apiVersion'] if row['protocol'] == 'query' else row['version']
    if row['version'] != version:
        wrong.append(f'the version is {version}')
    if row['protocol'] == 'query' and row['reply']:
        result = operation.output_shape.serialization.get('resultWrapper', '')
        if row['result'] != result:
            wrong.append(f'the result stands in "{result}"')
    if row['protocol'] == 'rest-json' and operation.http['method'] != row.get('method'):
        wrong.append(f'the method is {operation.http["method"]}')
    if not OLD and row['anonymous'] != (operation.auth_type == 'none'):
        wrong.append('signed or not')
    sent = {parts_of(name)[0] for name in row['request']}
    wire = model.metadata['protocol']
    for name in operation.input_shape.required_members if operation.input_shape else []:
        member = operation.input_shape.members[name]
        in_path = member.serialization.get('location') == 'uri'
        if sent_as(name, member, wire) not in sent and not in_path:
            wrong.append(f'{name} is required, and is never sent')
    return wrong


# --- testdata ---

def elements(node, prefix=''):
    for child in node:
        name = child.tag.rsplit('}', 1)[-1]
        yield prefix + name
        yield from elements(child, prefix + name + '/')


def json_names(value, separator, prefix=''):
    """What a document has in it, in the names' own form."""
    for name, inner in value.items() if isinstance(value, dict) else []:
        path = f'{prefix}{separator if prefix else ""}{name}'
        if isinstance(inner, dict):
            yield from json_names(inner, separator, path)
        elif isinstance(inner, list):
            for row in inner:
                yield from json_names(row, separator, path + '[]')
        else:
            yield path


def check_json(operation, body, protocol, sent):
    shape = operation.input_shape if sent else operation.output_shape
    wrong = []
    for name in json_names(json.loads(body or '{}'), '.' if sent else '/'):
        try:
            if sent:
                look_up_sent(shape, name, protocol)
            else:
                look_up_read(shape, name, protocol)
        except Wrong as error:
            if not newer(operation.name, name):
                wrong.append(str(error))
    return wrong


def check_reply(operation, head, body, protocol):
    if protocol not in ('ec2', 'query'):
        return check_json(operation, body, protocol, False) if ' 200 ' in head else []
    root = xml.etree.ElementTree.fromstring(body)
    if root.tag.rsplit('}', 1)[-1] in ('Response', 'ErrorResponse'):
        return []
    wrong = []
    shape = operation.output_shape
    result = shape.serialization.get('resultWrapper') if shape else None
    for path in elements(root):
        inner = path
        if inner in ('requestId', 'return', 'ResponseMetadata', 'ResponseMetadata/RequestId',
                     result):
            continue
        if result:
            inner = inner[len(result) + 1:]
        try:
            look_up_read(shape, inner, protocol)
        except Wrong as error:
            if not newer(operation.name, inner):
                wrong.append(str(error))
    return wrong


def check_request(operation, head, body, protocol):
    wrong = []
    if protocol not in ('ec2', 'query'):
        return check_json(operation, body, protocol, True)
    pairs = dict(parse_qsl(body.replace('\n', ''), keep_blank_values=True))
    for name in pairs:
        if name in ('Action', 'Version'):
            continue
        try:
            look_up_sent(operation.input_shape, name, protocol)
        except Wrong as error:
            if not newer(operation.name, re.sub(r'\.\d+', '[]', name)):
                wrong.append(str(error))
    return wrong


def check_testdata(row, model, folder):
    operation = model.operation_model(row['operation'])
    protocol = model.metadata['protocol']
    wrong, files = [], 0
    top = os.path.join(folder, row['operation'])
    for scenario in sorted(os.listdir(top)) if os.path.isdir(top) else []:
        for name in sorted(os.listdir(os.path.join(top, scenario))):
            files += 1
            check = check_request if name.startswith('request') else check_reply
            with open(os.path.join(top, scenario, name), encoding='utf-8') as file:
                head, _, body = file.read().partition('\n\n')
            wrong += [f'{scenario}/{name}: {w}'
                      for w in check(operation, head + '\n', body, protocol)]
    if not files:
        wrong.append('there is no testdata of it')
    return wrong


def main():
    rows = json.loads(subprocess.run([sys.argv[1]], check=True, capture_output=True).stdout)
    print(f'# botocore {botocore.__version__}, {len(rows)} calls')
    print(f'1..{len(rows)}')
    failed = 0
    for number, row in enumerate(rows, 1):
        model = loaded(row['service'])
        wrong = check_call(row, model) + check_names(row, model) + \
            check_testdata(row, model, sys.argv[2])
        for line in wrong:
            print(f'# {line}')
        failed += bool(wrong)
        print(f'{"not ok" if wrong else "ok"} {number} - {row["service"]} {row["operation"]}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
