#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""chain CHAIN_SHOW: the same environment, files and servers given to botocore (Debian's
python3-botocore) and to us (tests/ec2/chain_show.c): the same step of the chain serves the same
key, or both refuse. Where we differ on purpose the case says so, and why. Speaks TAP; without
botocore everything is skipped, without a network namespace of its own the cases that need the
link-local addresses of AWS are. MIRAGE_CHAIN_VERBOSE=1 shows how botocore refused."""
import ctypes
import datetime
import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import urllib.parse

DEBIAN = '/usr/lib/python3/dist-packages'
if os.path.isdir(os.path.join(DEBIAN, 'botocore')):
    sys.path.insert(0, DEBIAN)  # the packaged one, also where another python comes first
try:
    import botocore.credentials
    import botocore.session
except ImportError:
    print('1..0 # SKIP botocore is not installed (Debian: python3-botocore)')
    sys.exit(0)

SHOW = os.path.abspath(sys.argv[1])
STEPS = {'env': 'environment', 'assume-role': 'role', 'custom-process': 'process',
         'assume-role-with-web-identity': 'web identity', 'iam-role': 'instance',
         'shared-credentials-file': 'credentials file', 'config-file': 'config file',
         'container-role': 'container'}
LINK_LOCAL = ['169.254.169.254/32', '169.254.170.2/32', '169.254.170.23/32']


def own_network():
    """A network namespace of this process's own, in which AWS's link-local addresses are ours."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x40000000):  # CLONE_NEWNET
        return False
    commands = [['ip', 'link', 'set', 'lo', 'up']]
    commands += [['ip', 'address', 'add', address, 'dev', 'lo'] for address in LINK_LOCAL]
    try:
        return all(subprocess.run(command, check=False).returncode == 0 for command in commands)
    except FileNotFoundError:
        return False


# --- the servers: STS, a container's agent, the metadata service ---

class Cloud(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def say(self, status, body):
        self.send_response(status)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    @staticmethod
    def until():
        moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=6)
        return moment.strftime('%Y-%m-%dT%H:%M:%SZ')

    def keys(self, key):
        return json.dumps({'Code': 'Success', 'AccessKeyId': key, 'SecretAccessKey': f's-{key}',
                           'Token': f't-{key}', 'Expiration': self.until()})

    def do_POST(self):
        form = dict(urllib.parse.parse_qsl(
            self.rfile.read(int(self.headers['Content-Length'])).decode()))
        by = re.search(r'Credential=([^/]+)/', self.headers.get('Authorization', ''))
        role = form['RoleArn'].rsplit('/', 1)[1]
        if role == 'Forbidden':
            self.say(403, '<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message>'
                          '</Error></ErrorResponse>')
            return
        # Who asked, and with what, is part of the key: so a wrong source shows.
        key = '-'.join(filter(None, [
            role, by.group(1) if by else 'unsigned', form.get('ExternalId'),
            form.get('DurationSeconds'), form.get('WebIdentityToken'),
            form['RoleSessionName'] if 'session' not in form['RoleSessionName'] and
            not form['RoleSessionName'].startswith('mirage-deploy-') else None]))
        self.say(200, f'<{form["Action"]}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
                      f'<{form["Action"]}Result><Credentials><AccessKeyId>{key}</AccessKeyId>'
                      f'<SecretAccessKey>s-{key}</SecretAccessKey><SessionToken>t-{key}'
                      f'</SessionToken><Expiration>{self.until()}</Expiration></Credentials>'
                      f'</{form["Action"]}Result></{form["Action"]}Response>')

    def do_PUT(self):
        self.say(200 if self.path == '/latest/api/token' else 404, 'IMDSTOKEN')

    def do_GET(self):
        roles = '/latest/meta-data/iam/security-credentials/'
        address = self.server.server_address[0]
        if self.path == '/agent' or self.path.startswith('/v2/credentials'):
            token = self.headers.get('Authorization', '')
            self.say(200, self.keys('Agent' + token + address.replace('127.0.0.1', '')))
        elif self.headers.get('x-aws-ec2-metadata-token') != 'IMDSTOKEN':
            self.say(401, '')
        elif self.path == roles:
            self.say(200, 'instance-role')
        elif self.path == roles + 'instance-role':
            self.say(200, self.keys('Instance' + address.replace('127.0.0.1', '')))
        else:
            self.say(404, '')


def serve(address, port):
    server = http.server.ThreadingHTTPServer((address, port), Cloud)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f'http://{address}:{server.server_address[1]}'


# --- the set-ups ---

def keys(name):
    return f'aws_access_key_id = {name}\naws_secret_access_key = s-{name}\n'


def role(name, more):
    return f'role_arn = arn:aws:iam::123456789012:role/{name}\n{more}\n'


def process(name):
    return ('credential_process = echo \'{"Version": 1, "AccessKeyId": "' + name +
            '", "SecretAccessKey": "s"}\'\n')


ENV = {'AWS_ACCESS_KEY_ID': 'ENV', 'AWS_SECRET_ACCESS_KEY': 's'}
AGENT = {'AWS_CONTAINER_CREDENTIALS_FULL_URI': 'CLOUD/agent'}
IMDS = {'AWS_EC2_METADATA_DISABLED': None, 'AWS_EC2_METADATA_SERVICE_ENDPOINT': 'CLOUD'}
REAL_IMDS = {'AWS_EC2_METADATA_DISABLED': None}
WEB = {'AWS_WEB_IDENTITY_TOKEN_FILE': 'DIR/jwt', 'AWS_ROLE_ARN': 'arn:aws:iam::1:role/W'}
SHARED = '[default]\n' + keys('SHARED') + '[other]\n' + keys('OTHER')
CONFIG = '[default]\n' + keys('CONFIG') + '[profile conf]\n' + keys('CONF')

# name, environment, config file, credentials file, chosen profile[, why we differ]
CASES = [
    ('nothing at all', {}, '', '', None),
    ('no files', {}, None, None, None),
    ('keys in the environment', ENV, '', '', None),
    ('a session token in the environment', ENV | {'AWS_SESSION_TOKEN': 't1'}, '', '', None),
    ('the old name of the session token', ENV | {'AWS_SECURITY_TOKEN': 't2'}, '', '', None),
    ('both names of the session token',
     ENV | {'AWS_SESSION_TOKEN': 't1', 'AWS_SECURITY_TOKEN': 't2'}, '', '', None),
    ('an empty session token', ENV | {'AWS_SESSION_TOKEN': ''}, '', '', None),
    ('a key id alone in the environment', {'AWS_ACCESS_KEY_ID': 'ENV'}, CONFIG, SHARED, None),
    ('a secret alone in the environment', {'AWS_SECRET_ACCESS_KEY': 's'}, CONFIG, SHARED, None),
    ('an empty key id in the environment', ENV | {'AWS_ACCESS_KEY_ID': ''}, '', SHARED, None),
    ('the environment before the files', ENV, CONFIG, SHARED, None),
    ('the environment before AWS_PROFILE', ENV | {'AWS_PROFILE': 'other'}, CONFIG, SHARED, None),
    ('a chosen profile before the environment', ENV, CONFIG, SHARED, 'other'),
    ('keys of the environment that have expired',
     ENV | {'AWS_CREDENTIAL_EXPIRATION': '2020-01-01T00:00:00Z'}, '', SHARED, None),
    ('keys of the environment that will expire',
     ENV | {'AWS_CREDENTIAL_EXPIRATION': '2099-01-01T00:00:00Z'}, '', '', None),
    ('the credentials file before the config file', {}, CONFIG, SHARED, None),
    ('the config file alone', {}, CONFIG, None, None),
    ('a profile of the config file', {'AWS_PROFILE': 'conf'}, CONFIG, SHARED, None),
    ('AWS_DEFAULT_PROFILE before AWS_PROFILE',
     {'AWS_PROFILE': 'conf', 'AWS_DEFAULT_PROFILE': 'other'}, CONFIG, SHARED, None),
    ('a profile that is not there', {'AWS_PROFILE': 'missing'}, CONFIG, SHARED, None),
    ('a profile that is not there, and the environment', ENV | {'AWS_PROFILE': 'missing'}, CONFIG,
     SHARED, None),
    ('a chosen profile that is not there', {}, CONFIG, SHARED, 'missing'),
    ('a profile without keys', {'AWS_PROFILE': 'bare'}, '[profile bare]\nregion = x\n', SHARED,
     None),
    ('a secret missing in the credentials file', {}, CONFIG, '[default]\naws_access_key_id = A\n',
     None),
    ('a secret in the other file', {}, '[default]\naws_secret_access_key = s\n',
     '[default]\naws_access_key_id = A\n', None),
    ('a token in the credentials file', {}, '', '[default]\n' + keys('A') +
     'aws_session_token = tt\n', None),
    ('both tokens in the credentials file', {}, '', '[default]\n' + keys('A') +
     'aws_session_token = t1\naws_security_token = t2\n', None),
    ('a config file that cannot be read', {}, '[default\n', SHARED, None),
    ('a credentials file that cannot be read', {}, CONFIG, 'nonsense\n', None),
    ('a program', {}, '[default]\n' + process('P'), None, None),
    ('a program in the credentials file', {}, '', '[default]\n' + process('P'), None),
    ('keys of the credentials file before a program', {}, '[default]\n' + process('P'), SHARED,
     None),
    ('a program before keys of the config file', {}, '[default]\n' + process('P') + keys('C'),
     None, None),
    ('a program that fails', {}, '[default]\ncredential_process = sh -c "exit 3"\n' + keys('C'),
     None, None),
    ('a program that says nothing of use', {}, '[default]\ncredential_process = echo hello\n',
     None, None),
    ('a program of another version', {},
     '[default]\ncredential_process = echo \'{"Version":2,"AccessKeyId":"A",'
     '"SecretAccessKey":"s"}\'\n', None, None),
    ('a program that is not there', {}, '[default]\ncredential_process = /nonexistent\n', None,
     None),
    ('a program with quotes and signs of the shell', {},
     '[default]\ncredential_process = sh -c \'[ "$1" = "a b;\\$HOME" ] && echo "{\\"Version\\":1,'
     '\\"AccessKeyId\\":\\"Q\\",\\"SecretAccessKey\\":\\"s\\"}"\' x "a b;"\'\'$HOME\n',
     None, None),
    ('a role by a profile of the credentials file', {'AWS_PROFILE': 'p'},
     '[profile p]\n' + role('R', 'source_profile = other'), SHARED, None),
    ('a role by a profile of the config file', {'AWS_PROFILE': 'p'},
     '[profile p]\n' + role('R', 'source_profile = base') + '[profile base]\n' + keys('B'), None,
     None),
    ('a role with all that can be said', {'AWS_PROFILE': 'p'},
     '[profile p]\n' + role('R', 'source_profile = other\nexternal_id = ext\n'
                            'role_session_name = me\nduration_seconds = 1800'), SHARED, None),
    ('a duration that is none', {'AWS_PROFILE': 'p'},
     '[profile p]\n' + role('R', 'source_profile = other\nduration_seconds = long'), SHARED, None),
    ('a role in the credentials file', {}, None,
     '[default]\n' + role('R', 'source_profile = other') + '[other]\n' + keys('O'), None),
    ('a role before keys of the same profile', {}, '[default]\n' + role('R', 'source_profile = x'),
     SHARED + '[x]\n' + keys('X'), None),
    ('a role by its own keys', {'AWS_PROFILE': 'p'},
     '[profile p]\n' + role('R', 'source_profile = p') + keys('SELF'), None, None),
    ('a role by itself, without keys', {'AWS_PROFILE': 'p'},
     '[profile p]\n' + role('R', 'source_profile = p'), None, None),
    ('roles in a row', {'AWS_PROFILE': 'p'},
     '[profile p]\n' + role('R3', 'source_profile = q') + '[profile q]\n' +
     role('R2', 'source_profile = r') + '[profile r]\n' + role('R1', 'source_profile = other'),
     SHARED, None),
    ('roles in a circle', {'AWS_PROFILE': 'p'},
     '[profile p]\n' + role('R', 'source_profile = q') + '[profile q]\n' +
     role('R', 'source_profile = p'), SHARED, None),
    ('keys of a source before its role', {'AWS_PROFILE': 'p'},
     '[profile p]\n' + role('R', 'source_profile = q') + '[profile q]\n' +
     role('R2', 'source_profile = other') + keys('Q'), SHARED, None),
    ('a role by a program', {'AWS_PROFILE': 'p'},
     '[profile p]\n' + role('R', 'source_profile = q') + '[profile q]\n' + process('P'), None,
     None),
    ('a role by nothing', {'AWS_PROFILE': 'p'}, '[profile p]\n' + role('R', ''), SHARED, None),
    ('a role by two', {'AWS_PROFILE': 'p'},
     '[profile p]\n' + role('R', 'source_profile = other\ncredential_source = Environment'),
     SHARED, None),
    ('a role by a profile that is not there', {'AWS_PROFILE': 'p'},
     '[profile p]\n' + role('R', 'source_profile = missing'), SHARED, None),
    ('a role by a profile without keys', {'AWS_PROFILE': 'p'},
     '[profile p]\n' + role('R', 'source_profile = q') + '[profile q]\nregion = x\n', SHARED,
     None),
    ('a role that is refused', {'AWS_PROFILE': 'p'},
     '[profile p]\n' + role('Forbidden', 'source_profile = other'), SHARED, None),
    ('a role that asks for a code', {'AWS_PROFILE': 'p'},
     '[profile p]\n' + role('R', 'source_profile = other\nmfa_serial = arn:x'), SHARED, None),
    ('a role by the environment', ENV, '[profile p]\n' +
     role('R', 'credential_source = Environment'), SHARED, 'p'),
    ('a role by the environment, which is empty', {}, '[profile p]\n' +
     role('R', 'credential_source = Environment'), SHARED, 'p'),
    ('a role by the agent', AGENT, '[profile p]\n' + role('R', 'credential_source = EcsContainer'),
     SHARED, 'p'),
    ('a role by the instance', IMDS, '[profile p]\n' +
     role('R', 'credential_source = Ec2InstanceMetadata'), SHARED, 'p'),
    ('a role by a source in other letters', ENV, '[profile p]\n' +
     role('R', 'credential_source = environment'), SHARED, 'p'),
    ('a role by a source that is none', ENV, '[profile p]\n' +
     role('R', 'credential_source = Moon'), SHARED, 'p'),
    ('a web identity of the environment', WEB, '', SHARED, None),
    ('a web identity with a name', WEB | {'AWS_ROLE_SESSION_NAME': 'ci'}, '', SHARED, None),
    ('a web identity of a profile', {'AWS_PROFILE': 'p'},
     '[profile p]\n' + role('W', 'web_identity_token_file = DIR/jwt'), SHARED, None),
    ('a web identity of the environment and of a profile', WEB | {'AWS_PROFILE': 'p'},
     '[profile p]\n' + role('X', 'web_identity_token_file = /nonexistent'), SHARED, None),
    ('a web identity of the environment and a chosen profile', WEB, '', SHARED, 'other'),
    ('a web identity, turned off by nothing', {'AWS_WEB_IDENTITY_TOKEN_FILE': '',
                                               'AWS_PROFILE': 'p'},
     '[profile p]\n' + role('W', 'web_identity_token_file = DIR/jwt') + keys('C'), None, None),
    ('a web identity without a role', {'AWS_WEB_IDENTITY_TOKEN_FILE': 'DIR/jwt'}, '', SHARED, None),
    ('a web identity without a file', WEB | {'AWS_WEB_IDENTITY_TOKEN_FILE': '/nonexistent'}, '',
     SHARED, None),
    ('the environment before a web identity', ENV | WEB, '', SHARED, None),
    ('a role by a web identity', {'AWS_PROFILE': 'p'},
     '[profile p]\n' + role('R', 'source_profile = w') + '[profile w]\n' +
     role('W', 'web_identity_token_file = DIR/jwt'), None, None),
    ('an agent', AGENT, '', None, None),
    ('an agent with a token', AGENT | {'AWS_CONTAINER_AUTHORIZATION_TOKEN': 'Tok'}, '', None,
     None),
    ('the files before an agent', AGENT, '', SHARED, None),
    ('an agent before the instance', AGENT | IMDS, '', None, None),
    ('an agent that is not there', IMDS |
     {'AWS_CONTAINER_CREDENTIALS_FULL_URI': 'http://127.0.0.1:1/x'}, '', None, None),
    ('an agent elsewhere', IMDS |
     {'AWS_CONTAINER_CREDENTIALS_FULL_URI': 'http://192.0.2.1/x'}, '', None, None),
    ('the instance', IMDS, '', None, None),
    ('the instance, turned off', IMDS | {'AWS_EC2_METADATA_DISABLED': 'TRUE'}, '', None, None),
    ('the instance, where nobody answers',
     IMDS | {'AWS_EC2_METADATA_SERVICE_ENDPOINT': 'http://127.0.0.1:1'}, '', None, None),
    ('the files before the instance', IMDS, '', SHARED, None),
    ('a repeated section', {}, CONFIG + '[default]\nregion = x\n', None, None,
     'it is merged, as in the other SDKs'),
    ('a comment behind the secret', {}, None,
     '[default]\naws_access_key_id = A\naws_secret_access_key = s # mine\n', None,
     'comments behind a value are none of it, as in the other SDKs'),
]
LINK_LOCAL_CASES = [
    ('the agent of ECS', {'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI': '/v2/credentials/x'}, '', None,
     None),
    ('the agent of ECS before another', AGENT |
     {'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI': '/v2/credentials/x'}, '', None, None),
    ('the metadata service of EC2', REAL_IMDS, '', None, None),
    ('the metadata service of EC2, spoken with through no proxy',
     REAL_IMDS | {'http_proxy': 'http://127.0.0.1:1', 'no_proxy': '169.254.169.254'}, '', None,
     None),
]


# --- both sides ---

def environment(case, folder, cloud):
    """The whole environment of a case, its files written."""
    _, variables, config, credentials = case[:4]
    told = {'PATH': os.environ['PATH'], 'HOME': folder, 'AWS_DEFAULT_REGION': 'eu-central-1',
            'AWS_EC2_METADATA_DISABLED': 'true', 'AWS_ENDPOINT_URL_STS': cloud,
            'AWS_CONFIG_FILE': os.path.join(folder, 'config'),
            'AWS_SHARED_CREDENTIALS_FILE': os.path.join(folder, 'credentials')}
    for name, value in variables.items():
        told[name] = value
    told = {name: value.replace('CLOUD', cloud).replace('DIR', folder)
            for name, value in told.items() if value is not None}
    for name, text in (('config', config), ('credentials', credentials), ('jwt', 'JWT.x')):
        if text is not None:
            with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
                file.write(text.replace('DIR', folder))
    return told


class Sessions(botocore.session.Session):
    """With STS where the case says; releases before 1.31 know no variable for it."""

    def create_client(self, service_name, *args, **kwargs):
        if service_name == 'sts':
            kwargs['endpoint_url'] = os.environ['AWS_ENDPOINT_URL_STS']
        return super().create_client(service_name, *args, **kwargs)


def no_prompt(*_):
    raise EOFError('nobody can be asked')


def of_botocore(told, profile):
    saved = dict(os.environ)
    os.environ.clear()
    os.environ.update(told)
    botocore.utils.ContainerMetadataFetcher.SLEEP_TIME = 0
    try:
        session = Sessions(profile=profile)
        chain = session.get_component('credential_provider')
        chain.get_provider('assume-role')._prompter = no_prompt
        found = session.get_credentials()
        if found is None:
            return ('none', None, None, None)
        frozen = found.get_frozen_credentials()
        return (STEPS[found.method], frozen.access_key, frozen.secret_key, frozen.token or '')
    except Exception as refusal:  # whatever it is; seen with MIRAGE_CHAIN_VERBOSE=1
        if saved.get('MIRAGE_CHAIN_VERBOSE'):
            print(f'# {refusal!r}')
        return ('error', None, None, None)
    finally:
        os.environ.clear()
        os.environ.update(saved)


def of_ours(told, profile):
    done = subprocess.run([SHOW] + ([profile] if profile else []), env=told, capture_output=True,
                          text=True, timeout=100, check=False)
    assert done.returncode == 0, done
    seen = json.loads(done.stdout)
    if 'key' in seen:
        return (seen['step'], seen['key'], seen['secret'], seen['token']), seen
    none = seen['error'] == 'no AWS credentials were found'
    return ('none' if none else 'error', None, None, None), seen


def judge(case, cloud):
    profile, why = case[4], case[5] if len(case) > 5 else None
    with tempfile.TemporaryDirectory(prefix='test-ec2-chain-') as folder:
        told = environment(case, folder, cloud)
        theirs = of_botocore(told, profile)
        ours, seen = of_ours(told, profile)
    if why and ours == theirs:
        return 'the case says that we differ, and we do not'
    if not why and ours != theirs:
        return f'botocore: {theirs}; we: {ours} {seen.get("error", "")}'
    return None


def main():
    namespace = own_network()
    cloud = serve('127.0.0.1', 0)
    skipped = None
    if namespace:
        for address in LINK_LOCAL:
            serve(address.split('/', maxsplit=1)[0], 80)
    else:
        skipped = 'no network namespace of our own (it takes root, and Debian\'s iproute2)'
    print(f'1..{len(CASES) + len(LINK_LOCAL_CASES)}', flush=True)
    failed = False
    for number, case in enumerate(CASES + LINK_LOCAL_CASES, 1):
        if skipped and number > len(CASES):
            print(f'ok {number} - {case[0]} # SKIP {skipped}', flush=True)
            continue
        problem = judge(case, cloud)
        failed = failed or bool(problem)
        print(f'{"not ok" if problem else "ok"} {number} - {case[0]}', flush=True)
        if problem:
            print(f'# {problem}', flush=True)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
