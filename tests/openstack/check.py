#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""check.py [--with SERVICE]... [--keep] [PART...]: an OpenStack of Debian's packages is brought up
(cloud/up), the parts beside this file (or those that are named) are run against it, it is brought
down, whatever happened meanwhile. Speaks TAP.

The parts of part_*.py wait more than they compute and are run beside each other. Those of
alone_*.py, which stop services under everybody, come afterwards, one by one.

It wants to be root, itself or through sudo: then it is in namespaces of its own (cloud/alone) and
the machines are real ones that can be reached. Otherwise Nova's fake driver stands in for them, and
what needs machines is skipped. A part is a program that speaks TAP and gets

    OS_*                        an ordinary user of the cloud
    MIRAGE_OPENSTACK_STATE      the cloud's folder; admin-openrc in it is its administrator
    MIRAGE_OPENSTACK_DRIVER     libvirt, or fake
    MIRAGE_OPENSTACK_WHY        why it is fake
    MIRAGE_OPENSTACK_GATEWAY    the host's address in the machines' network; none: out of reach
    MIRAGE_OPENSTACK_HELLO      hello.elf
    MIRAGE_BIN                  our programs

tests/lib and this folder are on its PYTHONPATH. --keep leaves the folder, with the logs."""
import argparse
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CLOUD = os.path.join(HERE, 'cloud')
BIN = os.path.abspath(os.environ.get('MIRAGE_BIN', os.path.join(ROOT, 'build', 'bin')))
PATIENCE = float(os.environ.get('MIRAGE_TEST_PATIENCE', '1'))
PART_SECONDS = 360
KINDS = ('part', 'alone')
AT_ONCE = 4  # parts beside each other: with more of them Neutron is too slow for a launch
NETWORK_GATEWAY = '10.77.0.1'
PASSED_ON = re.compile(r'MIRAGE_|PATH$|LANG$|TMPDIR$|PYTHONDONTWRITEBYTECODE$')


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--with', dest='services', action='append', default=[],
                        choices=['mistral'], help='a service more')
    parser.add_argument('--keep', action='store_true', help='leave the folder of the cloud')
    parser.add_argument('--inside', action='store_true', help=argparse.SUPPRESS)
    parser.add_argument('parts', nargs='*', help='names of parts: smoke for part_smoke.py')
    options = parser.parse_args()
    for name in options.parts:
        if not any(glob.glob(os.path.join(HERE, f'{kind}_{name}.py')) for kind in KINDS):
            parser.error(f'there is no part {name}')
    return options


class Report:
    """TAP, of which most lines come from the parts."""

    def __init__(self):
        self.count = self.failed = 0

    def line(self, good, name):
        self.count += 1
        self.failed += not good
        print(f'{"ok" if good else "not ok"} {self.count} - {name}', flush=True)

    def take(self, part, line):
        """A line of a part."""
        match = re.match(r'(not )?ok\b\s*\d*\s*-?\s*(.*)', line)
        plan = re.match(r'1\.\.0\s*# *SKIP *(.*)', line, re.I)
        if plan:
            self.line(True, f'{part} # SKIP {plan.group(1)}')
        elif match:
            self.line(not match.group(1), f'{part}: {match.group(2)}')
        elif not re.match(r'1\.\.\d+|TAP version', line):
            print(line if line.startswith('#') else f'# {line}', flush=True)

    def end(self):
        print(f'1..{self.count}', flush=True)
        return 1 if self.failed else 0


def all_of(folder):
    """Pids of what belongs to that cloud: it is named on its command line or in its environment."""
    found, mark = [], folder.encode()
    for entry in os.listdir('/proc'):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f'/proc/{entry}/cmdline', 'rb') as line, \
                    open(f'/proc/{entry}/environ', 'rb') as environment:
                if mark in line.read() or mark in environment.read():
                    found.append(entry)
        except OSError:
            continue
    return found


def ends_within(child, seconds):
    """The lines of a process of a session of its own, all of which ends if we do."""
    try:
        signal.alarm(int(seconds * PATIENCE))
        for line in child.stdout:
            yield line.rstrip('\n')
        status = child.wait()
    finally:
        signal.alarm(0)
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
    if status:
        raise subprocess.CalledProcessError(status, child.args)


class Part:
    """A part that runs. What it says goes to a file, for when it has ended."""

    def __init__(self, path, env, folder):
        self.name = re.sub(r'^(part|alone)_|\.py$', '', os.path.basename(path))
        self.said = open(os.path.join(folder, self.name + '.tap'), 'w+', encoding='utf-8',
                         errors='replace')
        self.began = time.monotonic()
        self.why = None
        self.child = subprocess.Popen([sys.executable, path], env=env, start_new_session=True,
                                      stdin=subprocess.DEVNULL, stdout=self.said,
                                      stderr=subprocess.STDOUT)

    def is_over(self):
        if self.child.poll() is None and self.seconds() > PART_SECONDS * PATIENCE:
            self.why = 'it takes too long'
            self.kill()
        if self.child.poll():
            self.why = self.why or f'it ends with status {self.child.returncode}'
        return self.child.poll() is not None

    def kill(self):
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()

    def seconds(self):
        return time.monotonic() - self.began

    def lines(self):
        with self.said:
            self.said.seek(0)
            return self.said.read().splitlines()


class Check:
    def __init__(self, options):
        self.options, self.report = options, Report()
        self.folder = tempfile.mkdtemp(prefix='openstack-')
        self.why = os.environ.get('MIRAGE_OPENSTACK_WHY')

    def up(self):
        command = [os.path.join(CLOUD, 'up')]
        if self.options.inside:
            command += ['--driver', 'libvirt', '--network', 'own', self.folder, 'dhcp']
        else:
            command += ['--driver', 'fake', self.folder]
        began = time.monotonic()
        with subprocess.Popen(command + self.options.services, start_new_session=True, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as child:
            for line in ends_within(child, 400):
                print('# ' + line, flush=True)
        self.report.line(True, f'the cloud comes up ({time.monotonic() - began:.0f} s)')

    def environment(self):
        env = {key: value for key, value in os.environ.items()
               if not key.startswith(('OS_', 'MIRAGE_OPENSTACK_'))}
        with open(os.path.join(self.folder, 'openrc'), encoding='ascii') as file:
            env.update(re.findall(r'(OS_\w+)=(\S+)', file.read()))
        env.update({'MIRAGE_OPENSTACK_STATE': self.folder, 'MIRAGE_BIN': BIN,
                    'MIRAGE_OPENSTACK_HELLO': os.path.join(BIN, 'hello.elf'),
                    'MIRAGE_OPENSTACK_DRIVER': 'libvirt' if self.options.inside else 'fake',
                    'PYTHONPATH': os.pathsep.join([os.path.join(ROOT, 'tests', 'lib'), HERE]),
                    'PYTHONDONTWRITEBYTECODE': '1'})
        if self.options.inside:
            env['MIRAGE_OPENSTACK_GATEWAY'] = NETWORK_GATEWAY
        else:
            env['MIRAGE_OPENSTACK_WHY'] = self.why or 'the cloud has no real machines'
        return env

    def tell(self, part):
        """What a part that is over has said."""
        count, failed = self.report.count, self.report.failed
        for line in part.lines():
            self.report.take(part.name, line)
        if part.why and self.report.failed == failed:
            self.report.line(False, f'{part.name}: {part.why}')
        if self.report.count == count:
            self.report.line(False, f'{part.name}: it says nothing')
        print(f'# {part.name}: {part.seconds():.0f} s', flush=True)

    def parts(self, paths, env, at_once):
        waiting, running = list(paths), []
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    running.append(Part(waiting.pop(0), env, self.folder))
                for part in [part for part in running if part.is_over()]:
                    running.remove(part)
                    self.tell(part)
                time.sleep(0.1)
        finally:
            for part in running:
                part.kill()

    def chosen(self, kind):
        """Files of the parts of that kind that are to be run."""
        names = self.options.parts or ['*']
        return sorted(path for name in names
                      for path in glob.glob(os.path.join(HERE, f'{kind}_{name}.py')))

    def down(self):
        began = time.monotonic()
        subprocess.run([os.path.join(CLOUD, 'down'), self.folder], check=False, timeout=120,
                       stdin=subprocess.DEVNULL, stdout=sys.stderr)
        give_up = time.monotonic() + 10 * PATIENCE
        while all_of(self.folder) and time.monotonic() < give_up:
            time.sleep(0.2)
        left = all_of(self.folder)
        if left:
            subprocess.run(['ps', '-o', 'pid,args', *left], check=False, stdout=sys.stderr)
        self.report.line(not left, 'the cloud goes down and leaves nothing '
                                   f'({time.monotonic() - began:.0f} s)')

    def complaints(self):
        """What the services themselves have to say, for whoever looks into a failure."""
        for path in sorted(glob.glob(os.path.join(self.folder, 'log', '*.log'))):
            with open(path, encoding='utf-8', errors='replace') as file:
                bad = [line.rstrip()[:300] for line in file if ' ERROR ' in line]
            for line in bad[-8:]:
                print(f'# {os.path.basename(path)}: {line}', flush=True)

    def run(self):
        try:
            self.up()
            env = self.environment()
            self.parts(self.chosen('part'), env, AT_ONCE)
            self.parts(self.chosen('alone'), env, 1)
        except (subprocess.CalledProcessError, TimeoutError) as failure:
            self.report.line(False, str(failure))
        except KeyboardInterrupt:
            self.report.line(False, 'interrupted')
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)  # being on the way already
            if self.report.failed:
                self.complaints()
            self.down()
            if self.options.keep:
                print(f'# kept: {self.folder}')
            else:
                shutil.rmtree(self.folder, ignore_errors=True)
        return self.report.end()


def alone(command, *prefix):
    """How the command is run in namespaces of its own."""
    return [*prefix, os.path.join(CLOUD, 'alone'), *command]


def as_root():
    """What has to stand before a command to run it as root in namespaces of its own, or None and
    the reason why that cannot be."""
    prefix = []
    if os.geteuid():
        if not shutil.which('sudo') or subprocess.run(['sudo', '-n', 'true'], check=False,
                                                      stderr=subprocess.DEVNULL).returncode:
            return None, 'machines need root, or sudo without a password'
        passed = [f'{key}={value}' for key, value in os.environ.items() if PASSED_ON.match(key)]
        prefix = ['sudo', '-n', 'env', *passed]
    tried = subprocess.run(alone(['true'], *prefix), check=False, text=True, capture_output=True)
    if tried.returncode:
        return None, 'no namespaces here: ' + tried.stderr.strip().split('\n')[-1]
    return prefix, None


def timed_out(*_):
    raise TimeoutError('it takes too long')


def interrupted(*_):
    raise KeyboardInterrupt


def main():
    options = read_arguments()
    if not options.inside:
        prefix, why = as_root()
        if prefix is not None:
            command = [sys.executable, '-B', os.path.abspath(__file__), '--inside', *sys.argv[1:]]
            os.execvp(alone(command, *prefix)[0], alone(command, *prefix))
        os.environ['MIRAGE_OPENSTACK_WHY'] = why
        print(f'# {why}: Nova makes believe', flush=True)
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    signal.signal(signal.SIGALRM, timed_out)
    return Check(options).run()


if __name__ == '__main__':
    sys.exit(main())
