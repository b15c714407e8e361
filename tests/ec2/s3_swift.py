#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""s3_swift S3_JUDGE: our S3 binding against OpenStack Swift with s3api, a real server that verifies
signatures and digests. Swift runs from Debian's python3-swift as a throwaway: one account, one
container and one object server, and a proxy, on free ports of the loopback, with a state folder of
their own, ended by their pids. Speaks TAP (that of S3_JUDGE); skips without Swift."""
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

PYTHON = '/usr/bin/python3'  # whose packages are Debian's
HOST = '127.0.0.1'
REGION, KEY, SECRET = 'us-east-1', 'test:tester', 'testing'

RINGS = '''
import sys
from swift.common.ring import RingBuilder
folder, devices = sys.argv[1], sys.argv[2:]
for device in devices:
    name, port = device.split(':')
    builder = RingBuilder(2, 1, 0)
    builder.add_dev({'region': 1, 'zone': 1, 'ip': '127.0.0.1', 'port': int(port), 'device': 'd1',
                     'weight': 1, 'replication_ip': '127.0.0.1', 'replication_port': int(port),
                     'meta': ''})
    builder.rebalance()
    builder.get_ring().save(f'{folder}/{name}.ring.gz')
'''
SERVER = '''
import sys
from swift.common import utils
utils.SWIFT_CONF_FILE = sys.argv[1]
from swift.common.wsgi import run_wsgi
sys.exit(run_wsgi(sys.argv[2], sys.argv[3], verbose=False))
'''
CACHE = '''"""What Swift asks a memcached for, kept in the proxy itself."""
class Cache:
    def __init__(self):
        self.kept = {}
    def get(self, key, *_, **__):
        return self.kept.get(key)
    def set(self, key, value, *_, **__):
        self.kept[key] = value
    def delete(self, key, *_, **__):
        self.kept.pop(key, None)
    def incr(self, key, delta=1, *_, **__):
        self.kept[key] = max(0, int(self.kept.get(key) or 0) + delta)
        return self.kept[key]
    def decr(self, key, delta=1, *_, **__):
        return self.incr(key, -delta)
    def get_multi(self, keys, *_, **__):
        return [self.kept.get(key) for key in keys]
    def set_multi(self, mapping, *_, **__):
        self.kept.update(mapping)
def filter_factory(*_, **__):
    cache = Cache()
    def make(app):
        def call(env, start_response):
            env['swift.cache'] = cache
            return app(env, start_response)
        return call
    return make
'''
SWIFT_CONF = '''[swift-hash]
swift_hash_path_prefix = mirage
swift_hash_path_suffix = mirage
[storage-policy:0]
name = Policy-0
default = yes
'''
STORAGE_CONF = '''[DEFAULT]
bind_ip = {host}
bind_port = {port}
workers = 0
user = {user}
swift_dir = {folder}
devices = {folder}/node
mount_check = false
disable_fallocate = true
fallocate_reserve = 0
log_address = {folder}/nolog
recon_cache_path = {folder}
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
'''
PROXY_CONF = '''[DEFAULT]
bind_ip = {host}
bind_port = {port}
workers = 0
user = {user}
swift_dir = {folder}
log_address = {folder}/nolog
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck kept bulk s3api tempauth copy slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:kept]
paste.filter_factory = kept_cache:filter_factory
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
location = {region}
storage_domain = localhost
dns_compliant_bucket_names = true
allow_multipart_uploads = true
max_bucket_listing = 5
check_bucket_owner = false
auth_pipeline_check = false
[filter:tempauth]
use = egg:swift#tempauth
reseller_prefix = AUTH
user_test_tester = testing .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
'''


def swift_is_there():
    return os.path.exists(PYTHON) and subprocess.run(
        [PYTHON, '-c', 'import swift.common.middleware.s3api'], capture_output=True,
        check=False).returncode == 0


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind((HOST, 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def write(path, text):
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


def await_port(port, server, log):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as probe:
            if not probe.connect_ex((HOST, port)):
                return
        if server.poll() is not None:
            break
        time.sleep(0.05)
    with open(log, encoding='utf-8', errors='replace') as file:
        raise RuntimeError(f'a server of Swift does not start: {file.read()[-2000:]}')


def start_swift(folder, servers):
    """The proxy's port; the processes are appended to `servers`."""
    names = ['account', 'container', 'object']
    ports = dict(zip([*names, 'proxy'], free_ports(4)))
    values = {'host': HOST, 'folder': folder, 'region': REGION,
              'user': subprocess.run(['id', '-un'], capture_output=True, text=True,
                                     check=True).stdout.strip()}
    os.makedirs(os.path.join(folder, 'node', 'd1'))
    write(os.path.join(folder, 'swift.conf'), SWIFT_CONF)
    write(os.path.join(folder, 'kept_cache.py'), CACHE)
    subprocess.run([PYTHON, '-c', RINGS, folder] + [f'{name}:{ports[name]}' for name in names],
                   check=True, stdout=subprocess.DEVNULL)
    for name, port in ports.items():
        conf = os.path.join(folder, f'{name}-server.conf')
        template = PROXY_CONF if name == 'proxy' else STORAGE_CONF
        write(conf, template.format(name=name, port=port, **values))
        log = os.path.join(folder, f'{name}.log')
        with open(log, 'wb') as out:
            servers.append(subprocess.Popen(
                [PYTHON, '-c', SERVER, os.path.join(folder, 'swift.conf'), conf, f'{name}-server'],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                env=dict(os.environ, PYTHONPATH=folder, PYTHONDONTWRITEBYTECODE='1')))
        await_port(port, servers[-1], log)
    return ports['proxy']


def stop(servers):
    for server in servers:
        try:
            os.killpg(server.pid, signal.SIGKILL)  # its own session, so its own group
        except ProcessLookupError:
            pass
        server.wait()


def main():
    judge = os.path.abspath(sys.argv[1])
    if not swift_is_there():
        print('1..0 # SKIP Swift is not installed (Debian: python3-swift)')
        return 0
    servers = []
    with tempfile.TemporaryDirectory(prefix='test-ec2-swift-') as folder:
        try:
            port = start_swift(folder, servers)
            return subprocess.run([judge, f'http://localhost:{port}', REGION, KEY, SECRET],
                                  check=False, timeout=280).returncode
        finally:
            stop(servers)


if __name__ == '__main__':
    sys.exit(main())
