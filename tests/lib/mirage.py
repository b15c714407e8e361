# SPDX-License-Identifier: ISC
"""What the tests of the whole programs share: a daemon with a state directory of its own, the
command line as a user would call it, and the processes that belong to that state directory.

Everything listens on loopback and on free ports, and is stopped by the pid that was started."""
import contextlib
import datetime
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

# Had from here by the tests.
from tap import Skip, Tap, again_in_spaces, skip_all, spaces_possible  # noqa: F401

BIN = os.environ.get('MIRAGE_BIN') or os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), 'build', 'bin')
OVER = ('gone', 'failed')
# Sanitizers, and machines that are busy, take longer; a bound of the product is never stretched.
PATIENCE = float(os.environ.get('MIRAGE_TEST_PATIENCE', '1'))


class UnixHTTP(http.client.HTTPConnection):
    """HTTP over the daemon's control socket."""

    def __init__(self, path, timeout):
        super().__init__('d', timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def program(name):
    return os.path.join(BIN, name)


@contextlib.contextmanager
def as_somebody_else():
    """Run programs as a user who may nothing: gives a function like subprocess.run. The programs
    are copied, as the build may stand where that user may not go (root's home)."""
    if os.geteuid() != 0:
        raise Skip('needs root, to become somebody else')
    with tempfile.TemporaryDirectory(prefix='mir-else-') as folder:
        os.chmod(folder, 0o755)
        for name in os.listdir(BIN):
            if os.path.isfile(program(name)):
                shutil.copy(program(name), folder)
                os.chmod(os.path.join(folder, name), 0o755)

        def run(name, *args, env):
            return subprocess.run([os.path.join(folder, name), *args], env=env, cwd='/',
                                  capture_output=True, text=True, check=False,
                                  user=65534, group=65534, extra_groups=[])
        yield run


def need_programs(*names):
    for name in names:
        if not os.path.exists(program(name)):
            skip_all(f'{name} is not built')
    if not shutil.which('qemu-system-x86_64'):
        skip_all('qemu-system-x86_64 is not installed')


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def wait_for(what, seconds, check, every=0.05):
    """The first true value of check(); an assertion names `what` when it never comes."""
    give_up = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < give_up, f'not within {seconds} s: {what}'
        time.sleep(every)


def utc(text):
    """Seconds since 1970 of an RFC 3339 time."""
    return datetime.datetime.fromisoformat(text.replace('Z', '+00:00')).timestamp()


def get(url, timeout=5):
    """(status, text) of a GET; status 0 when nobody answered."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.status, answer.read(1 << 20).decode('utf-8', 'replace')
    except urllib.error.HTTPError as error:
        return error.code, error.read(1 << 20).decode('utf-8', 'replace')
    except OSError as error:
        return 0, str(error)


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def json(self):
        return json.loads(self.out)


class World:
    """One daemon with its own state directory, socket and public port."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='mir-')
        self.state = os.path.join(self.dir, 'state')
        self.public = f'127.0.0.1:{free_port()}'
        self.log = open(os.path.join(self.dir, 'daemon.log'), 'w+', encoding='utf-8')
        self.daemon = None
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(('MIRAGE_DEPLOY_', 'XDG_'))}
        self.env.update(HOME=self.dir, MIRAGE_DEPLOY_STATE=self.state, CI='true',
                        MIRAGE_DEPLOY_PUBLIC=self.public)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Whatever became of the test: nothing of it goes on running."""
        self.kill_daemon()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    # --- the daemon ---

    def start_daemon(self, **env):
        self.daemon = subprocess.Popen([program('mirage-deployd')], env={**self.env, **env},
                                       stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        wait_for('the daemon answers', 15 * PATIENCE, self.ready)

    def start_unasked(self):
        """Ready without a request: a connection leaves a deadline behind, which is looked at."""
        end, its_end = os.pipe()
        self.daemon = subprocess.Popen([program('mirage-deployd'), '--ready-fd', str(its_end)],
                                       env=self.env, stdin=subprocess.DEVNULL, stdout=self.log,
                                       stderr=self.log, pass_fds=(its_end,))
        os.close(its_end)
        with os.fdopen(end, encoding='utf-8') as f:
            assert f.read() == 'ready\n', self.daemon_log()

    def ready(self):
        assert self.daemon.poll() is None, f'the daemon ended:\n{self.daemon_log()}'
        return self.cli('api', 'GET', '/readyz', expect=None).status == 0

    def daemon_log(self):
        self.log.flush()
        with open(self.log.name, encoding='utf-8') as log:
            return log.read()

    def say_log(self, tap, lines=80):
        """The end of what the daemon said, when a part has failed."""
        if tap.failed:
            print('# the daemon said:')
            for line in self.daemon_log().splitlines()[-lines:]:
                print(f'#   {line}')

    def kill_daemon(self):
        """SIGKILL: the crash that everything has to survive."""
        if self.daemon and self.daemon.poll() is None:
            self.daemon.kill()
            self.daemon.wait()
        self.daemon = None

    def stop_daemon(self):
        """SIGTERM; its exit status."""
        self.daemon.terminate()
        status = self.daemon.wait(15 * PATIENCE)
        self.daemon = None
        return status

    # --- the command line ---

    def start(self, *args, **env):
        return subprocess.Popen([program('mirage-deploy'), *args], env={**self.env, **env},
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, errors='replace')

    def cli(self, *args, expect=0, timeout=120, **env):
        """Run it; expect is the exit status it has to have (None: any)."""
        child = self.start(*args, **env)
        try:
            out, err = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
            raise AssertionError(f'{args} did not end:\n{out}\n{err}') from None
        assert expect is None or child.returncode == expect, \
            f'{" ".join(args)}: status {child.returncode}, not {expect}\n{out}\n{err}'
        return Result(child.returncode, out, err)

    def reap(self, *args, **env):
        """mirage-reap itself, without the command line; as subprocess has it."""
        return subprocess.run([program('mirage-reap'), *args], env={**self.env, **env},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120, check=False)

    def show(self, name):
        return self.cli('show', name, '--json').json()

    def state_of(self, name):
        done = self.cli('show', name, '--json', expect=None)
        return done.json()['state'] if done.status == 0 else None

    def wait_over(self, name, seconds):
        wait_for(f'{name} is over', seconds, lambda: self.state_of(name) in OVER, every=0.1)
        return self.show(name)

    # --- the processes that belong to this state directory ---

    def processes(self, word=''):
        """Live pids with this state directory in their arguments or environment, of programs
        whose name has `word` in it."""
        found = []
        for pid in filter(str.isdigit, os.listdir('/proc')):
            if int(pid) == os.getpid():
                continue
            try:
                name = os.path.basename(os.readlink(f'/proc/{pid}/exe'))
                with open(f'/proc/{pid}/cmdline', 'rb') as f:
                    text = f.read()
                with open(f'/proc/{pid}/environ', 'rb') as f:
                    text += f.read()
            except OSError:
                continue  # ended meanwhile, or a zombie
            if self.dir.encode() in text and word in name:
                found.append(int(pid))
        return found

    def children(self, word):
        """Pids of the daemon's own children, by a word of the program's name."""
        found = []
        for task in os.listdir(f'/proc/{self.daemon.pid}/task'):
            with open(f'/proc/{self.daemon.pid}/task/{task}/children', encoding='ascii') as f:
                found += [int(pid) for pid in f.read().split()]
        return [pid for pid in found if word in os.path.basename(os.readlink(f'/proc/{pid}/exe'))]

    def guests(self):
        return self.processes('qemu-system') + self.processes('mirage-keeper')
