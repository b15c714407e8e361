# SPDX-License-Identifier: ISC
"""`mirage-deploy image build` in a folder of its own, and whether it left anything there."""
import hashlib
import json
import os
import shutil
import subprocess
import tempfile

from mirage import program


class Bench:
    """A folder of its own, in which nothing may stay that was not asked for."""

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix='mir-image-')
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, data):
        with open(self.path(name), 'wb') as f:
            f.write(data)
        return self.path(name)

    def how(self):
        return {'cwd': self.dir,
                'env': {'PATH': os.environ['PATH'], 'HOME': self.dir, 'CI': 'true',
                        **{k: v for k, v in os.environ.items() if k.endswith('SAN_OPTIONS')}}}

    def start(self, *args):
        return subprocess.Popen([program('mirage-deploy'), 'image', 'build', *args],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **self.how())

    def run(self, *args, expect=0, **options):
        done = subprocess.run([program('mirage-deploy'), 'image', 'build', *args],
                              capture_output=True, check=False, **self.how(), **options)
        assert expect is None or done.returncode == expect, (args, done.returncode, done.stderr)
        return done

    def build(self, *args):
        return json.loads(self.run('--json', *args).stdout)

    def refused(self, status, words, *args, **options):
        """One sentence, the fix, the exit code, and nothing left behind."""
        before = sorted(os.listdir(self.dir))
        done = self.run(*args, expect=status, **options)
        err = done.stderr.decode()
        lines = [line for line in err.splitlines() if line.startswith('mirage-deploy: ')]
        assert len(lines) == 1 and not done.stdout, (done.stdout, err)
        assert len(err.splitlines()[-1].strip()) > 10, err
        for word in words:
            assert word in err, (word, err)
        assert sorted(os.listdir(self.dir)) == before, os.listdir(self.dir)
        error = json.loads(self.run('--json', *args, expect=status, **options).stdout)['error']
        assert error['exit_code'] == status and error['detail'] in lines[0], error


def sha256(path):
    with open(path, 'rb') as f:
        return hashlib.sha256(f.read()).hexdigest()
