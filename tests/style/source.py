# SPDX-License-Identifier: ISC
"""The files that the style test looks at, and C source with its comments and texts blanked out."""
import os
import re
import subprocess

# Rooms within rooms, which see nothing of what is around them.
NESTED_ROOMS = ('unikernels/hello', 'images/carrier/init')
SKIPPED_FOLDERS = re.compile(r'(^|/)(\.git|build(-[^/]*)?|corpus|testdata|__pycache__)(/|$)')


class File:
    """One file: path relative to the root, text, lines, and code (comments and texts blanked)."""

    def __init__(self, root, path):
        self.path = path
        self.full = os.path.join(root, path)
        with open(self.full, 'rb') as handle:
            data = handle.read()
        self.binary = b'\0' in data
        self.text = '' if self.binary else data.decode('utf-8', 'replace')
        self.lines = self.text.split('\n')
        self.room = room_of(path)
        self._code = None

    @property
    def is_c(self):
        return self.path.endswith(('.c', '.h'))

    @property
    def shebang(self):
        return self.lines[0] if self.lines and self.lines[0].startswith('#!') else ''

    @property
    def is_shell(self):
        return bool(re.search(r'\b(sh|bash)\b', self.shebang)) or self.path.endswith('.sh')

    @property
    def is_python(self):
        return self.path.endswith('.py') or 'python' in self.shebang

    @property
    def code(self):
        if self._code is None:
            self._code = blank(self.text).split('\n')
        return self._code


def room_of(path):
    for room in NESTED_ROOMS:
        if path.startswith(room + '/'):
            return room
    return path.split('/')[0]


def blank(text):
    """Comments, texts and characters become spaces; line numbers and columns stay."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def spaces(match):
        word = match.group(0)
        if word.startswith('"'):  # an include's name is code
            start = text.rfind('\n', 0, match.start()) + 1
            if text[start:match.start()].lstrip().startswith('#include'):
                return word
        return re.sub(r'[^\n]', ' ', word)
    return pattern.sub(spaces, text)


def listed(root):
    """What git tracks; outside a repository, every file that is not built."""
    try:
        out = subprocess.run(['git', '-c', 'safe.directory=*', '-C', root, 'ls-files', '-z'],
                             check=True, capture_output=True).stdout
        paths = [p for p in out.decode().split('\0') if p]
    except (OSError, subprocess.CalledProcessError):
        paths = []
    if not paths:
        for folder, folders, names in os.walk(root):
            inside = os.path.relpath(folder, root)
            folders[:] = [f for f in folders
                          if not SKIPPED_FOLDERS.search(os.path.normpath(f'{inside}/{f}'))]
            paths += [os.path.normpath(f'{inside}/{name}') for name in names]
    return sorted(p for p in paths
                  if not SKIPPED_FOLDERS.search(p) and os.path.isfile(os.path.join(root, p)))


def load(root):
    files = [File(root, path) for path in listed(root)]
    return [f for f in files if not f.binary]
