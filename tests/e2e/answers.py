# SPDX-License-Identifier: ISC
"""Every command with --json against a real daemon, into a pipe and on a terminal: one document,
with the fields that others rely on, and nothing else on standard output."""
import json
import os
import pty
import subprocess
import sys
import threading

from mirage import Tap, World, need_programs, program

HELLO = program('hello.elf')

# (command, exit code, fields that the document has at its top)
COMMANDS = [
    ('local KERNEL --ttl 10m --name hello', 0, ()),
    ('ps', 0, ('deployments',)),
    ('ps --all', 0, ('deployments',)),
    ('show hello', 0, ('id', 'name', 'provider', 'state', 'kernel', 'url', 'addresses',
                       'created_at', 'expires_at', 'hooks', 'cost', 'site', 'badge_url',
                       'events')),
    ('logs hello', 0, ()),
    ('wait hello --for live --timeout 30s', 0, ()),
    ('extend hello 5m', 0, ()),
    ('plan local KERNEL --ttl 5m', 0, ()),
    ('local KERNEL --dry-run', 0, ()),
    ('inspect KERNEL', 0, ('sha256', 'bytes', 'container', 'format', 'arch', 'min_memory_bytes',
                           'devices', 'powers_off', 'boots')),
    ('doctor', None, ()),
    ('doctor local', None, ()),
    ('sites', 0, ('sites',)),
    ('badge hello', 0, ('badge_url',)),
    ('providers', 0, ('providers',)),
    ('daemon status', 0, ()),
    ('config list --show-origin', 0, ()),
    ('version', 0, ('version',)),
    ('api GET /v1/version', 0, ('version', 'installation', 'state_dir', 'pid')),
    ('show nobody', 3, ('error',)),
    ('local KERNEL --ttl 5m --name hello', 6, ('error',)),
    ('rm nobody', 3, ('error',)),
]
LAST = [('rm hello', 0, ())]


def on_terminal(world, args):
    """Run with standard output on a terminal; (status, what it wrote there)."""
    ours, theirs = pty.openpty()
    chunks = []

    def drain():
        while True:
            try:
                data = os.read(ours, 65536)
            except OSError:
                return
            if not data:
                return
            chunks.append(data)
    reader = threading.Thread(target=drain)
    reader.start()
    child = subprocess.Popen([program('mirage-deploy'), *args], env=world.env, stdout=theirs,
                             stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    os.close(theirs)
    _, err = child.communicate(timeout=120)
    reader.join()
    os.close(ours)
    text = b''.join(chunks).decode('utf-8', 'replace').replace('\r\n', '\n')
    return child.returncode, text, err.decode('utf-8', 'replace')


def in_pipe(world, args):
    done = world.cli(*args, expect=None)
    return done.status, done.out, done.err


def look(tap, world, run, where, rows, rename):
    for text, status, fields in rows:
        words = [HELLO if word == 'KERNEL' else word.replace('hello', rename)
                 for word in text.split()]
        with tap.part(f'{text} --json ({where})'):
            found, out, err = run(world, [*words, '--json'])
            assert status is None or found == status, (found, out, err)
            document = json.loads(out)
            missing = [field for field in fields if field not in document]
            assert not missing, (missing, out)
            if status:
                assert document['error']['detail'], out


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-keeper', 'mirage-image', 'hello.elf')
    tap = Tap()
    with World() as world:
        world.env['PAGER'] = 'cat'
        with tap.part('the daemon starts'):
            world.start_daemon()
        look(tap, world, in_pipe, 'pipe', COMMANDS + LAST, 'hello')
        look(tap, world, on_terminal, 'terminal', COMMANDS + LAST, 'again')
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
