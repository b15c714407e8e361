# SPDX-License-Identifier: ISC
"""The units, as installed, under a systemd of their own: a process 1 in its own namespaces that
knows nothing but them. The daemon is started, deploys, is killed and started again, is stopped and
leaves what runs to its keeper; and the reaper's timer and service do their part without it."""
import os
import shutil
import signal
import subprocess
import sys
import time

from mirage import BIN, PATIENCE, Skip, Tap, World, need_programs, program, utc, wait_for

BUILD = os.path.dirname(BIN.rstrip('/'))
UNITS = ('mirage-deploy.service', 'mirage-deploy-reap.service', 'mirage-deploy-reap.timer')
USER = 'mirage-deploy'
STUBS = ('sysinit', 'basic', 'shutdown', 'network-online', 'network', 'multi-user', 'timers',
         'umount', 'sockets', 'paths')
STUB = '[Unit]\nDescription=nothing\nDefaultDependencies=no\n'
GOAL = STUB + 'Wants=alive.service mirage-deploy.service mirage-deploy-reap.timer\n'
ALIVE = STUB + '[Service]\nExecStart=/bin/touch /run/alive\n'
INSIDE = '''set -e
mount -t tmpfs tmpfs /run
mount -t cgroup2 none /sys/fs/cgroup
mount -t tmpfs tmpfs /var/lib
for f in passwd group; do mount --bind {work}/$f /etc/$f; done
mount --bind {root}{prefix} {prefix}
export container=other SYSTEMD_UNIT_PATH={work}/units
exec /lib/systemd/systemd --system --unit=goal.target --log-target=null --show-status=0
'''


def need(*names):
    missing = [name for name in names if not shutil.which(name)]
    if missing:
        raise Skip(f'{missing[0]} is not installed')


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)
    return path


def installed(folder):
    """Everything as `meson install` puts it, under folder; the prefix."""
    need('meson')
    subprocess.run(['meson', 'install', '-C', BUILD, '--no-rebuild', '--quiet'], check=True,
                   env={**os.environ, 'DESTDIR': folder}, stdout=subprocess.DEVNULL)
    for place, _, files in os.walk(folder):
        if UNITS[0] in files:
            return place.removeprefix(folder).removesuffix('/lib/systemd/system')
    raise AssertionError('no unit was installed')


class Systemd(World):
    """A process 1 with our units; everything in it ends with it."""

    def __enter__(self):
        self.root = os.path.join(self.dir, 'root')
        self.units = os.path.join(self.dir, 'units')
        self.cgroups = os.path.join(self.dir, 'cgroups')
        self.group = os.path.join(self.cgroups, f'mirage-test-{os.getpid()}')
        self.child = None
        self.up = False
        return self

    def __exit__(self, *_):
        if os.path.exists(self.group):
            put(os.path.join(self.group, 'cgroup.kill'), '1')
            if self.child:
                self.child.wait()
            for place, _, _ in os.walk(self.group, topdown=False):
                wait_for('the group is empty', 5, lambda p=place: removed(p))
        if os.path.ismount(self.cgroups):
            subprocess.run(['umount', self.cgroups], check=False)
        super().__exit__()

    def boot(self):
        prefix = installed(self.root)
        if prefix in ('', '/usr'):
            raise Skip(f'the build is for {prefix or "/"}, which has to stay as it is')
        here = os.path.join(self.root + prefix, 'lib/systemd/system')
        shutil.copytree(here, self.units)
        for name in STUBS:
            put(f'{self.units}/{name}.target', STUB)
        put(f'{self.units}/goal.target', GOAL)
        put(f'{self.units}/alive.service', ALIVE)
        put(f'{self.units}/mirage-deploy.service.d/log.conf',
            f'[Service]\nStandardError=append:{self.log.name}\n'
            f'Environment=MIRAGE_DEPLOY_PUBLIC={self.public}\n')
        for name, line in (('passwd', f'{USER}:x:971:971::/var/lib/{USER}:/usr/sbin/nologin'),
                           ('group', f'{USER}:x:971:')):
            with open(f'/etc/{name}', encoding='utf-8') as f:
                lines = [x for x in f.read().splitlines() if not x.startswith(USER + ':')]
            put(os.path.join(self.dir, name), '\n'.join(lines + [line, '']))
        os.chmod(self.dir, 0o755)
        self.run_systemd(prefix)

    def run_systemd(self, prefix):
        script = put(os.path.join(self.dir, 'inside.sh'),
                     INSIDE.format(work=self.dir, root=self.root, prefix=prefix))
        os.mkdir(self.cgroups)
        if subprocess.run(['mount', '-t', 'cgroup2', 'none', self.cgroups], check=False,
                          stderr=subprocess.DEVNULL).returncode:
            raise Skip('cgroups cannot be mounted here')
        os.makedirs(self.group, exist_ok=True)
        self.child = subprocess.Popen(
            ['sh', '-c', f'echo $$ > {self.group}/cgroup.procs && exec unshare -m -p -f -C -u -i '
             f'--kill-child --mount-proc /bin/sh {script}'],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        give_up = time.monotonic() + 15 * PATIENCE
        while time.monotonic() < give_up and self.child.poll() is None:
            if self.first() and os.path.exists(self.path('/run/alive')):
                self.env['MIRAGE_DEPLOY_SOCKET'] = self.path('/run/mirage-deploy/api.sock')
                self.up = True
                return
            time.sleep(0.1)
        raise Skip('no systemd can be started here: ' + self.daemon_log()[-200:].strip())

    def first(self):
        """The pid of its process 1, as seen from outside."""
        with open(f'/proc/{self.child.pid}/task/{self.child.pid}/children',
                  encoding='ascii') as f:
            return f.read().split()[0:1]

    def path(self, inside):
        return f'/proc/{self.first()[0]}/root{inside}'

    def systemctl(self, *words):
        done = subprocess.run(['nsenter', '-t', self.first()[0], '-a', 'systemctl', *words],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.strip()

    def shown(self, unit, key):
        return self.systemctl('show', '--value', '-p', key, unit)[1]

    def serves(self):
        return self.cli('api', 'GET', '/readyz', expect=None).status == 0

    def pids(self, word):
        """Of programs in there, as seen from outside."""
        procs = os.path.join(self.group, 'system.slice/mirage-deploy.service/cgroup.procs')
        if not os.path.exists(procs):
            return []  # the group goes with the last of them
        with open(procs, encoding='ascii') as f:
            pids = [int(pid) for pid in f.read().split()]
        found = []
        for pid in pids:
            try:
                name = os.path.basename(os.readlink(f'/proc/{pid}/exe'))
            except OSError:
                continue  # ended meanwhile
            found += [pid] if word in name else []
        return found


def removed(path):
    try:
        os.rmdir(path)
    except FileNotFoundError:
        pass
    except OSError:
        return False
    return True


def verified(tap):
    with tap.part('systemd-analyze has nothing to say about the units'), World() as world:
        need('systemd-analyze')
        root = os.path.join(world.dir, 'root')
        prefix = installed(root)
        names = []
        for name in UNITS:
            with open(f'{root}{prefix}/lib/systemd/system/{name}', encoding='utf-8') as f:
                text = f.read().replace(f'={prefix}/', f'={root}{prefix}/')
            names.append(put(os.path.join(world.dir, 'units', name), text))
        done = subprocess.run(['systemd-analyze', 'verify', '--man=no', *names], check=False,
                              capture_output=True, text=True)
        said = [x for x in done.stderr.splitlines() if 'mirage' in x]
        assert not said and done.returncode == 0, done.stderr


def daemon_unit(tap, world):
    with tap.part('the daemon is started, as its own user, and is ready'):
        if os.geteuid() != 0:
            raise Skip('needs root, for namespaces')
        need('unshare', 'nsenter')
        if not os.path.exists('/lib/systemd/systemd'):
            raise Skip('systemd is not installed')
        world.boot()
        wait_for('it serves', 10 * PATIENCE, world.serves)
        assert world.shown('mirage-deploy', 'ActiveState') == 'active'
        pid = int(world.pids('mirage-deployd')[0])
        assert os.stat(f'/proc/{pid}').st_uid == 971
    if not world.up or tap.failed:
        return
    with tap.part('it deploys under all that the unit takes away'):
        for name in ('unit', 'left'):
            world.cli('local', program('hello.elf'), '--ttl', '12s', '--name', name)
            assert world.show(name)['state'] == 'live'
    with tap.part('killed, it is started again and knows what runs'):
        pid = world.pids('mirage-deployd')[0]
        os.kill(pid, signal.SIGKILL)
        wait_for('it serves again', 10 * PATIENCE,
                 lambda: world.pids('mirage-deployd') not in ([], [pid]) and world.serves())
        assert world.show('unit')['state'] == 'live'


def without_daemon(tap, world):
    with tap.part('stopped, it leaves what runs to the keepers, until the deadline'):
        shown = {name: world.show(name) for name in ('unit', 'left')}
        until = {name: utc(d['expires_at']) for name, d in shown.items()}
        assert world.systemctl('stop', 'mirage-deploy')[0] == 0
        assert not world.pids('mirage-deployd') and len(world.pids('qemu-system')) == 2
        for pid in world.pids('mirage-keeper'):
            if os.readlink(f'/proc/{pid}/cwd').endswith(shown['left']['id']):
                os.kill(pid, signal.SIGSTOP)
        wait_for('the one keeper ends its guest', until['unit'] - time.time() + 6,
                 lambda: len(world.pids('qemu-system')) == 1)
        assert time.time() >= until['unit'] - 0.5
    with tap.part('the timer of the reaper runs'):
        assert world.shown('mirage-deploy-reap.timer', 'ActiveState') == 'active'
        assert world.shown('mirage-deploy-reap.timer', 'SubState') in ('waiting', 'running')
    with tap.part('the reaper alone ends what the keeper that hangs has left'):
        time.sleep(max(0, until['left'] + 6 - time.time()))  # its own grace is five seconds
        assert world.pids('qemu-system')
        status, out = world.systemctl('start', 'mirage-deploy-reap.service')
        assert status == 0, (status, out, world.shown('mirage-deploy-reap', 'Result'))
        assert not world.pids('qemu-system'), 'it runs on'


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-keeper', 'mirage-reap', 'hello.elf')
    tap = Tap()
    verified(tap)
    with Systemd() as world:
        daemon_unit(tap, world)
        if world.up and not tap.failed:
            without_daemon(tap, world)
        world.say_log(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
