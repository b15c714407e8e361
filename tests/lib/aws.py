# SPDX-License-Identifier: ISC
"""Debian's `aws`, run in the test's own process (its own main(), as /usr/bin/aws calls it: a start
of its own for each call would cost a second), pointed at a fake AWS. Each reply is held against the
model that the client brings along."""
import contextlib
import functools
import io
import json
import os
import sys
import time
import xml.etree.ElementTree

from mirage import PATIENCE, skip_all

# Debian's, unless another one is wanted: its packages are those of Debian's own interpreter.
DEBIAN = '/usr/bin/python3'
if not os.environ.get('MIRAGE_ANY_AWS') and os.path.exists('/usr/bin/aws') and \
        os.path.realpath(sys.executable) != os.path.realpath(DEBIAN):
    os.execv(DEBIAN, [DEBIAN, '-B', *sys.argv])

# tests/fakecloud/awscli.py has the package's name.
PATH = list(sys.path)
sys.path[:] = [p for p in sys.path if not os.path.exists(os.path.join(p, 'awscli.py'))]
try:
    from awscli.clidriver import create_clidriver
except ImportError as missing:
    skip_all(f"Debian's aws (package awscli) is not here: {missing}")
sys.path[:] = PATH

# Newer than the client's model; each is in the public reference of the API.
NEWER = {'deleteSnapshotResultSet', 'supportedFeatures', 'NestedVirtualization', 'SkipOsShutdown',
         'DeleteAssociatedSnapshots', 'Force', 'TagSpecification', 'PrimaryIpv6',
         'EnablePrimaryIpv6', 'IncludeDisabled', 'keyPairId', 'currentInstanceBootMode',
         'ActionAfterCompletion'}
PLAIN = ('structure', 'list', 'map')


class Refused(Exception):
    """The fake said no; `code` is its word for it."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


class Aws:
    """The client, pointed at a fake."""

    def __init__(self, fake):
        self.fake = fake
        self.unknown = []
        self.calls = set()
        os.environ.update(fake.env)
        os.environ.update({'AWS_CONFIG_FILE': '/nonexistent', 'AWS_MAX_ATTEMPTS': '1',
                           'AWS_SHARED_CREDENTIALS_FILE': '/nonexistent', 'AWS_PAGER': '',
                           'AWS_EC2_METADATA_DISABLED': 'true'})
        self.driver = self.new_driver()

    def new_driver(self):
        """It keeps what it has read of the environment."""
        driver = create_clidriver()
        driver.session.register('response-received', self.look)
        return driver

    def __call__(self, *words, **environment):
        """`aws WORDS…`; its JSON. Refused when the fake refuses."""
        old = {name: os.environ.get(name) for name in environment}
        os.environ.update(environment)
        # This command leaves something behind that fails in the next.
        once = environment or words[1] == 'modify-instance-attribute'
        driver = self.new_driver() if once else self.driver
        out, err = io.StringIO(), io.StringIO()
        out.buffer = out_bytes = io.BytesIO()
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                status = driver.main(['--endpoint-url', self.fake.url, '--output', 'json',
                                      *[str(word) for word in words]])
        finally:
            for name, value in old.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
        text = out.getvalue() + out_bytes.getvalue().decode()
        if status:
            said = err.getvalue().strip()
            code = said.split('(', 1)[1].split(')')[0] if 'An error occurred (' in said else said
            raise Refused(code, said)
        return json.loads(text) if text.strip() else None

    @functools.lru_cache(maxsize=None)
    def model(self, service):
        return self.driver.session.get_service_model(service)

    def look(self, response_dict, event_name, **_):
        """Every element of a good XML reply is in the model."""
        _, service, operation = event_name.split('.', 2)
        self.calls.add(f'{service}.{operation}')
        body = response_dict['body']
        if response_dict['status_code'] >= 300 or not isinstance(body, bytes) or not body:
            return
        model = self.model(service).operation_model(operation)
        if body[:1] == b'{':
            self.walk_json(json.loads(body), model.output_shape, f'{service}.{operation}')
            return
        if body[:1] != b'<':
            return
        root = xml.etree.ElementTree.fromstring(body)
        if root.tag == 'Error':  # S3 has them with the status 200
            return
        if root[:] and root[0].tag.endswith(f'{operation}Result'):
            root = root[0]
        if model.output_shape:
            self.walk(root, model.output_shape, f'{service}.{operation}')

    def walk_json(self, value, shape, path):
        if isinstance(value, dict) and shape is not None and shape.type_name == 'structure':
            for name, member in value.items():
                if name in shape.members:
                    self.walk_json(member, shape.members[name], f'{path}.{name}')
                elif name not in NEWER:
                    self.unknown.append(f'{path}.{name}')
        elif isinstance(value, list) and shape is not None and shape.type_name == 'list':
            for member in value:
                self.walk_json(member, shape.member, path)
        elif isinstance(value, (dict, list)) and (value or shape is not None):
            self.unknown.append(f'{path} is no {type(value).__name__}')

    def walk(self, element, shape, path):
        if shape.type_name not in PLAIN:
            if len(element):
                self.unknown.append(f'{path} is {shape.type_name}')
            return
        if shape.type_name == 'list':
            flat = shape.serialization.get('flattened')
            for child in [element] if flat else element:
                self.walk(child, shape.member, path)
            return
        names = {member.serialization.get('name', name): member
                 for name, member in shape.members.items()}
        for name, member in list(names.items()):
            if member.type_name == 'list' and member.serialization.get('flattened'):
                names[member.member.serialization.get('name', name)] = member
        for child in element:
            name = child.tag.split('}')[-1]
            if name in names:
                self.walk(child, names[name], f'{path}.{name}')
            elif name not in NEWER | {'requestId', 'ResponseMetadata', 'return'}:
                self.unknown.append(f'{path}.{name}')


def refused(code, aws, *words, **environment):
    try:
        reply = aws(*words, **environment)
    except Refused as refusal:
        codes = code if isinstance(code, tuple) else (code,)
        assert refusal.code in codes, f'{words}: {refusal}'
        return
    raise AssertionError(f'{words} was taken: {reply}')


def eventually(what, seconds=10):
    deadline = time.monotonic() + seconds * PATIENCE
    while time.monotonic() < deadline:
        value = what()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f'never: {what}')


def state_of_image(aws, image):
    return aws('ec2', 'describe-images', '--image-ids', image)['Images'][0]['State']


def state(aws, instance):
    reply = aws('ec2', 'describe-instances', '--instance-ids', instance)
    return reply['Reservations'][0]['Instances'][0]['State']['Name']


def launch(aws, *words, image=None, kind='t3.micro'):
    reply = aws('ec2', 'run-instances', '--image-id', image or aws.amazon, '--instance-type', kind,
                *words)
    return reply['Instances'][0]['InstanceId']


def running(aws, *words, **more):
    instance = launch(aws, *words, **more)
    eventually(lambda: state(aws, instance) == 'running')
    return instance


def end(aws, *instances):
    aws('ec2', 'terminate-instances', '--instance-ids', *instances)
    for instance in instances:
        eventually(lambda: state(aws, instance) == 'terminated')


def has_parameter(shape, words, service):
    """Is there a member of that name on the wire?"""
    if shape is None:
        return False
    if shape.type_name == 'list':
        if service != 'ec2' and not shape.serialization.get('flattened'):
            return words[:1] == ['member'] and has_parameter(shape.member, words[2:], service)
        return words[:1] == ['#'] and has_parameter(shape.member, words[1:], service)
    if shape.type_name != 'structure':
        return not words
    if words and words[0] in NEWER:
        return True
    for name, member in shape.members.items():
        wire = member.serialization.get('queryName') if service == 'ec2' else None
        if wire is None:
            wire = member.serialization.get('name', name)
            wire = wire[0].upper() + wire[1:] if service == 'ec2' else wire
        if words and words[0] == wire and has_parameter(member, words[1:], service):
            return True
    return False
