# SPDX-License-Identifier: ISC
"""Rules that need nothing but the text: each yields (path, line, rule, message)."""
import re

FILE_LINES_MAX = 800
LINE_MAX = 100

BANNED = ['strcpy', 'strcat', 'sprintf', 'vsprintf', 'strtok', 'atoi', 'atol', 'gets', 'system',
          'popen', 'alloca', 'strncpy', 'tmpnam', 'mktemp']

# What only some files may call, so that each big library has one place where it is met.
CONTAINED = [
    ('time() outside the clock', r'(?<![\w>.])time\s*\(', r'api/clock\.c'),
    ('curl outside the transport', r'\bcurl_(easy|multi|global|slist|url)\w*\s*\(', r'api/http\.c'),
    ('libxml2 outside the reader', r'(?<!mir_)\bxml[A-Z]\w+\s*\(', r'api/xml\.c'),
    ('libyaml outside the reader', r'(?<!mir_)\byaml_\w+\s*\(', r'api/yaml\.c'),
    ('SQL outside the store', r'\bsqlite3_\w+\s*\(', r'daemon/store\w*\.c'),
    ('qsort() in what the sandbox kills for it', r'\bqsort(_r)?\s*\(', r'(?!images/).*'),
    ('libmicrohttpd outside its files', r'\bMHD_\w+\s*\(', r'daemon/http_mhd\.c'),
]

# The layer table: what a room may include (besides itself), by the first part of the name.
LAYERS = {
    'api': [],
    'images': ['api'],
    'images/carrier/init': [],
    'local': ['api'],
    'ec2': ['api'],
    'openstack': ['api'],
    'daemon': ['api', 'images'],
    'cli': ['api', 'images'],
    'unikernels/hello': [],
    'tests': ['api', 'images', 'local', 'ec2', 'openstack', 'daemon', 'cli', 'hello'],
}

# Where the headers of outside libraries may be included. Tests may include anything.
OUTSIDE = [
    (r'curl/', r'api/http\.c'),
    (r'sqlite3\.h', r'daemon/store\w*\.[ch]'),
    (r'microhttpd\.h', r'daemon/http_mhd\.c'),
    (r'libxml/', r'api/xml\.c'),
    (r'yaml\.h', r'api/yaml\.c'),
    (r'openssl/', r'(api|images|ec2|openstack|daemon)/.*'),
    (r'seccomp\.h', r'(images|daemon|local)/.*'),
    (r'(zlib|bzlib|lzma|zstd)\.h', r'images/.*'),
    (r'jansson\.h', r'(api|images|local|ec2|openstack|daemon|cli)/.*'),
]

SPDX = 'SPDX-License-Identifier: ISC'
NEEDS_SPDX = re.compile(r'(\.(c|h|S|lds?|py|sh)|meson\.build|Makefile)$')


def first_line(file):
    if not (NEEDS_SPDX.search(file.path) or file.shebang):
        return
    at = 1 if file.shebang else 0
    if len(file.lines) <= at or SPDX not in file.lines[at]:
        yield at + 1, 'spdx', f'the line has to be: {SPDX}'


def white_space(file):
    makefile = file.path.endswith('Makefile') or file.path.endswith('.mk')
    for number, line in enumerate(file.lines, 1):
        if '\t' in line and not makefile:
            yield number, 'tab', 'tab'
        if line != line.rstrip():
            yield number, 'trailing-space', 'white space at the end of the line'
        if '\r' in line:
            yield number, 'carriage-return', 'carriage return'
    if file.text and not file.text.endswith('\n'):
        yield len(file.lines), 'last-newline', 'no newline at the end of the file'


def length(file):
    if not (file.is_c or file.is_shell or file.is_python):
        return
    if len(file.lines) - 1 > FILE_LINES_MAX:
        yield FILE_LINES_MAX + 1, 'file-length', f'{len(file.lines) - 1} lines; at most 800'
    for number, line in enumerate(file.lines, 1):
        if len(line) > LINE_MAX and 'http' not in line:
            yield number, 'line-length', f'{len(line)} columns; at most {LINE_MAX}'


def unfinished(file):
    word = re.compile(r'\b(TO' + r'DO|FIX' + r'ME|XX' + r'X)\b')
    for number, line in enumerate(file.lines, 1):
        if word.search(line):
            yield number, 'unfinished', 'finish it or file it'


def banned(file):
    if not file.is_c:
        return
    pattern = re.compile(r'(?<![\w>.])(' + '|'.join(BANNED) + r')\s*\(')
    for number, line in enumerate(file.code, 1):
        for match in pattern.finditer(line):
            yield number, 'banned', f'{match.group(1)}()'
        if re.match(r'\s*typedef\s+(struct|enum|union)\b[^(]*$', line):
            yield number, 'typedef', 'no typedef of structs, enums or unions'


def contained(file):
    if not file.is_c or file.room == 'tests':
        return
    for number, line in enumerate(file.code, 1):
        for name, pattern, home in CONTAINED:
            if re.search(pattern, line) and not re.fullmatch(home, file.path):
                yield number, 'containment', name


def layers(file):
    allowed = LAYERS.get(file.room)
    if not file.is_c or allowed is None:
        return
    own = file.room.split('/')[-1]
    for number, line in enumerate(file.code, 1):
        match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if not match:
            continue
        name = match.group(2)
        room = name.split('/')[0] if match.group(1) == '"' and '/' in name else own
        if name.startswith('..') or (room != own and room not in allowed):
            yield number, 'layer', f'{file.room} may not include {name}'
        for header, home in OUTSIDE:
            if re.match(header, name) and file.room != 'tests' and \
                    not re.fullmatch(home, file.path):
                yield number, 'layer', f'{name} belongs to {home}'


def python_compiles(file):
    if not file.is_python:
        return
    try:
        compile(file.text, file.path, 'exec')
    except SyntaxError as error:
        yield error.lineno or 1, 'python', str(error.msg)


FILE_RULES = [first_line, white_space, length, unfinished, banned, contained, layers,
              python_compiles]


def per_file(files):
    for file in files:
        for rule in FILE_RULES:
            for line, name, message in rule(file):
                yield file.path, line, name, message


def drift(files):
    """What the documents say has to be there, and what is there has to be in the documents."""
    by_path = {file.path: file for file in files}
    makefile = by_path.get('Makefile')
    documents = [f for f in files if f.path.endswith('.md') and
                 (f.path.startswith('docs/') or '/' not in f.path)]
    if makefile:
        targets = dict((m.group(1), n) for n, line in enumerate(makefile.lines, 1)
                       for m in [re.match(r'([a-z-]+):.*## ', line)] if m)
        for target, line in targets.items():
            if not any(f'make {target}' in d.text for d in documents):
                yield 'Makefile', line, 'drift', f'no document speaks of `make {target}`'
        for document in documents:
            for number, text in enumerate(document.lines, 1):
                for target in re.findall(r'`make ([a-z-]+)', text):
                    if target not in targets:
                        yield document.path, number, 'drift', f'there is no `make {target}`'
    everything = '\n'.join(d.text for d in documents) + \
        '\n'.join(f.text for f in files if f.path.startswith('docs/'))
    for file in files:
        if not file.is_c or file.room == 'tests':
            continue
        for number, text in enumerate(file.lines, 1):
            for name in re.findall(r'getenv\("(MIRAGE_DEPLOY_\w+)"\)', text):
                if name not in everything:
                    yield file.path, number, 'drift', f'no document speaks of {name}'
    yield from kind_drift(by_path)
    yield from link_drift(documents, by_path)


def kind_drift(by_path):
    """Every error kind is a `code` of docs/REST.md."""
    table, rest = by_path.get('api/error.c'), by_path.get('docs/REST.md')
    if not table or not rest:
        return
    for number, text in enumerate(table.lines, 1):
        match = re.match(r'\s*\[MIR_\w+\] = \{"([a-z-]+)"', text)
        if match and match.group(1) != 'ok' and not re.search(rf'\b{match.group(1)}\b', rest.text):
            yield table.path, number, 'drift', f'docs/REST.md does not name {match.group(1)}'


def link_drift(documents, by_path):
    """A relative link of a document leads to a file or folder that is there."""
    folders = {path.rsplit('/', n)[0] for path in by_path for n in range(1, path.count('/') + 1)}
    for document in documents:
        base = document.path.rsplit('/', 1)[0] + '/' if '/' in document.path else ''
        for number, text in enumerate(document.lines, 1):
            for target in re.findall(r'\]\(([^)#:\s]+)(?:#[^)]*)?\)', text):
                path = normal(base + target)
                if path not in by_path and path not in folders:
                    yield document.path, number, 'drift', f'the link leads nowhere: {target}'


def normal(path):
    parts = []
    for part in path.rstrip('/').split('/'):
        if part == '..' and parts:
            parts.pop()
        elif part not in ('', '.', '..'):
            parts.append(part)
    return '/'.join(parts)
