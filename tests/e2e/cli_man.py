# SPDX-License-Identifier: ISC
"""The manual page and the completion scripts against the tables that the program works with, and
against mandoc and the shells. With `--update` (and MIRAGE_MAN_TOOL) they are made anew."""
import os
import re
import shutil
import subprocess
import sys

from mirage import Skip, Tap, program

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, 'docs', 'man', 'mirage-deploy.1')
SCRIPTS = {shell: os.path.join(ROOT, 'packaging', 'completion', 'mirage-deploy.' + shell)
           for shell in ('bash', 'zsh', 'fish')}
TOOL = os.environ.get('MIRAGE_MAN_TOOL', '')
PART = re.compile(r'^\.\\" begin of what .*?^\.\\" end of what [^\n]*\n', re.S | re.M)


def generated():
    return subprocess.run([TOOL], capture_output=True, text=True, check=True).stdout


def completion(shell):
    return subprocess.run([program('mirage-deploy'), 'completion', shell], capture_output=True,
                          text=True, check=True).stdout


def page():
    with open(PAGE, encoding='utf-8') as f:
        return f.read()


def update():
    text = PART.sub(lambda _: generated(), page())
    with open(PAGE, 'w', encoding='utf-8') as f:
        f.write(text)
    for shell, path in SCRIPTS.items():
        with open(path, 'w', encoding='utf-8') as f:
            f.write(completion(shell))


def words_of_help():
    """Commands and options as the program itself lists them."""
    def run(*args):
        return subprocess.run([program('mirage-deploy'), *args], capture_output=True, text=True,
                              check=True).stdout
    overview = run('--help')
    block = overview.split('Commands:\n')[1].split('\n\n')[0]
    commands = [' '.join(re.findall(r'\b[a-z][a-z0-9-]*\b', line[2:30].split('  ')[0]))
                for line in block.splitlines() if line.startswith('  ') and line[2] != ' ']
    options = set()
    for command in commands:
        options |= set(re.findall(r'^  (?:-\w, )?--(?:\[no-\])?([a-z-]+)',
                                  run(*command.split(), '--help'), re.M))
    return commands, options


def main():
    if sys.argv[1:] == ['--update']:
        update()
        return 0
    tap = Tap()
    with tap.part('the page has what the tables have, word for word'):
        if not TOOL:
            raise Skip('MIRAGE_MAN_TOOL is not set')
        found = PART.search(page())
        assert found, 'the page has lost its generated part'
        assert found.group(0) == generated(), 'run: cli_man.py --update'
    with tap.part('every command and option of --help is in the page, and the other way round'):
        commands, options = words_of_help()
        text = page()
        in_page = re.findall(r'^\.It Cm ((?:[a-z][a-z0-9-]* ?)+?)(?: (?:Ar|Op) .*)?$', text, re.M)
        assert sorted(in_page) == sorted(commands), (in_page, commands)
        in_page = set(re.findall(r'^\.It (?:Fl \w , )?Fl -([a-z-]+)', text, re.M))
        assert in_page == options, in_page ^ options
    with tap.part('mandoc has nothing to say'):
        if not shutil.which('mandoc'):
            raise Skip('mandoc is not installed')
        done = subprocess.run(['mandoc', '-T', 'lint', '-W', 'warning', PAGE], capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    for shell, path in SCRIPTS.items():
        with tap.part(f'the completion script for {shell} is what the program prints'):
            with open(path, encoding='utf-8') as f:
                assert f.read() == completion(shell), 'run: cli_man.py --update'
            if not shutil.which(shell):
                raise Skip(f'{shell} is not installed')
            done = subprocess.run([shell, '-n', path], capture_output=True, text=True, check=False)
            assert done.returncode == 0 and not done.stderr, done.stderr
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
