# SPDX-License-Identifier: ISC
"""A fake AWS of a test's own: mirage-fakecloud on a free port with a state directory of its own."""
import contextlib
import json
import os
import select
import signal
import subprocess
import tempfile
import urllib.request

from mirage import PATIENCE, program


def tags_of(row):
    return {tag['key']: tag['value'] for tag in row['document'].get('tagSet', [])}


class FakeCloud:
    """The running program, the environment that it printed, and its own side."""

    def __init__(self, state, *options):
        self.state, self.options = state, options
        self.process = None
        self.env, self.openstack = {}, {}  # of an AWS client, of an OpenStack client
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [program('mirage-fakecloud'), '--listen', '127.0.0.1:0', '--state', self.state,
             *self.options], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        fd = self.process.stdout.fileno()
        text = b''
        while b'AWS_DEFAULT_REGION' not in text or not text.endswith(b'\n'):
            ready, _, _ = select.select([fd], [], [], 10 * PATIENCE)
            more = os.read(fd, 4096) if ready else b''
            if not more:
                self.stop()
                raise RuntimeError(f'mirage-fakecloud does not come up: {text!r}')
            text += more
        env = dict(line.split('=', 1) for line in text.decode().splitlines())
        self.env = {name: value for name, value in env.items() if name.startswith('AWS_')}
        self.openstack = {name: value for name, value in env.items() if name.startswith('OS_')}

    def stop(self, sig=signal.SIGTERM):
        """End it, and wait until it is over; its exit status."""
        self.process.send_signal(sig)
        self.process.stdout.close()
        return self.process.wait(20 * PATIENCE)

    @property
    def url(self):
        return self.env['AWS_ENDPOINT_URL']

    def control(self, method, path, body=None):
        """Its own side: `/_ledger`, `/_faults`, `/_clock` and so on, as JSON."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data=data, method=method)
        with urllib.request.urlopen(request, timeout=20 * PATIENCE) as reply:
            return json.load(reply)

    def ledger(self):
        return self.control('GET', '/_ledger')

    def carrying(self, key, value):
        """What exists with that tag: lists of rows by kind, each with `tags` as a dictionary."""
        found = {}
        for row in self.ledger()['exists']:
            row['tags'] = tags_of(row)
            if row['tags'].get(key) == value:
                found.setdefault(row['kind'], []).append(row)
        return found

    def fault(self, mode, **members):
        return self.control('POST', '/_faults', {'mode': mode, **members})

    def advance(self, seconds):
        return self.control('POST', '/_clock', {'advance_ms': int(seconds * 1000)})

    def settings(self, **values):
        return self.control('POST', '/_settings', values)


@contextlib.contextmanager
def fakecloud(*options):
    with tempfile.TemporaryDirectory(prefix='mirage-fakecloud-') as folder:
        fake = FakeCloud(os.path.join(folder, 'state'), *options)
        try:
            yield fake
        finally:
            if fake.process.poll() is None:
                fake.stop()
