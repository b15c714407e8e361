#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The test of the style test: violations planted in a tree of its own, each of which has to be
reported at its line, and the same tree without them, about which there is nothing to say. TAP."""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
HEAD = '/* SPDX-License-Identifier: ISC */\n'
LATER = 'TO' + 'DO'

CLEAN = {
    'api/good.c': HEAD + '/* strcpy(a, b) in a comment */\n#include "api/good.h"\n\n'
                         'const char *good(void)\n{\n    return "system(1)";\n}\n',
    'api/include/api/good.h': HEAD + '#ifndef API_GOOD_H\n#define API_GOOD_H\n\n'
                                     'const char *good(void);\n\n#endif\n',
    'api/clock.c': HEAD + '#include <time.h>\n\nlong now(void);\nlong now(void)\n{\n'
                          '    return (long)time(NULL);\n}\n',
    'scripts/good.sh': '#!/bin/sh\n# SPDX-License-Identifier: ISC\necho "$HOME"\n',
    'docs/man/good.1': '.\\" SPDX-License-Identifier: ISC\n.Dd November 20, 2026\n.Dt GOOD 1\n.Os\n'
                       '.Sh NAME\n.Nm good\n.Nd a page\n',
    'Makefile': '# SPDX-License-Identifier: ISC\nall: ## build\n\ttrue\n',
    'README.md': 'Say `make all`. See [the page](docs/man/good.1).\n',
}

FUNCTION = 'int f(int x);\nint f(int x)\n{\n%s    return x;\n}\n'

# (path, text, line of the violation, rule)
PLANTED = [
    ('api/a.c', '#include <stdio.h>\n', 1, 'spdx'),
    ('scripts/a.sh', '#!/bin/sh\necho\n', 2, 'spdx'),
    ('api/a.c', HEAD + FUNCTION % '\tx++;\n', 5, 'tab'),
    ('docs/a.md', 'text \n', 1, 'trailing-space'),
    ('docs/a.md', 'text', 1, 'last-newline'),
    ('docs/a.md', 'text\r\n', 1, 'carriage-return'),
    ('api/a.c', HEAD + 'int x;\n' * 800, 801, 'file-length'),
    ('api/a.c', HEAD + '/* ' + 'x' * 100 + ' */\n', 2, 'line-length'),
    ('api/a.c', HEAD + f'/* {LATER}: more */\n', 2, 'unfinished'),
    ('api/a.c', HEAD + FUNCTION % '    strcpy(0, 0);\n', 5, 'banned'),
    ('cli/a.c', HEAD + FUNCTION % '    x = system ("ls");\n', 5, 'banned'),
    ('api/a.c', HEAD + 'typedef struct a a_t;\n', 2, 'typedef'),
    ('daemon/a.c', HEAD + FUNCTION % '    x = (int)time(0);\n', 5, 'containment'),
    ('daemon/a.c', HEAD + FUNCTION % '    curl_easy_init();\n', 5, 'containment'),
    ('daemon/engine.c', HEAD + FUNCTION % '    sqlite3_step(0);\n', 5, 'containment'),
    ('daemon/page.c', HEAD + FUNCTION % '    MHD_run(0);\n', 5, 'containment'),
    ('images/disk/a.c', HEAD + FUNCTION % '    qsort(0, 0, 0, 0);\n', 5, 'containment'),
    ('api/a.c', HEAD + '#include "daemon/store.h"\n', 2, 'layer'),
    ('cli/a.c', HEAD + '#include "local/spec.h"\n', 2, 'layer'),
    ('local/a.c', HEAD + '#include "../daemon/x.h"\n', 2, 'layer'),
    ('cli/a.c', HEAD + '#include <sqlite3.h>\n', 2, 'layer'),
    ('tests/a.py', '# SPDX-License-Identifier: ISC\nif:\n', 2, 'python'),
    ('Makefile', '# SPDX-License-Identifier: ISC\nall: ## b\nundocumented: ## c\n', 3, 'drift'),
    ('docs/a.md', 'Say `make nothing`.\n', 1, 'drift'),
    ('docs/a.md', 'See [it](../no/where.md).\n', 1, 'drift'),
    ('api/a.c', HEAD + FUNCTION % '    x = !!getenv("MIRAGE_DEPLOY_SECRET");\n', 5, 'drift'),
    ('api/a.c', HEAD + 'int  x;\n', 2, 'format'),
    ('api/a.c', HEAD + FUNCTION % ('    if (x > 1)\n        x--;\n' * 16), 3, 'complexity'),
    ('api/a.c', HEAD + FUNCTION % ('    x++;\n' * 100), 3, 'function-length'),
    ('api/a.c', HEAD + 'int main(void)\n{\n    int x = 0;\n' + '    x++;\n' * 80 +
     '    return x;\n}\n', 2, 'function-length'),
    ('api/include/api/a.h', HEAD + 'struct x {\n    size_t n;\n};\n', 3, 'header-alone'),
    ('scripts/a.sh', '#!/bin/sh\n# SPDX-License-Identifier: ISC\necho $1\n', 3, 'shellcheck'),
    ('docs/man/a.1', '.Dd November 20, 2026\n.Dt A 1\n.Os\n.Sh NAME\n.Nm a\n.Xx no\n', 6, 'mandoc'),
]


def write(root, tree):
    for path, text in tree.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, 'w', encoding='utf-8', newline='') as handle:
            handle.write(text)


def report(tree):
    """What the style test prints about a tree of these files."""
    with tempfile.TemporaryDirectory() as root:
        write(root, tree)
        shutil.copy(os.path.join(ROOT, '.clang-format'), root)
        done = subprocess.run([sys.executable, os.path.join(HERE, 'style.py'), '--root', root],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


def main():
    print(f'1..{len(PLANTED) + 1}')
    code, out = report(CLEAN)
    good = code == 0
    print(f'{"ok" if good else "not ok"} 1 - a clean tree')
    if not good:
        print('# ' + out.replace('\n', '\n# '))
    for number, (path, text, line, rule) in enumerate(PLANTED, 2):
        code, out = report({**CLEAN, path: text})
        caught = code == 1 and f'{path}:{line}: {rule}: ' in out
        good = good and caught
        print(f'{"ok" if caught else "not ok"} {number} - {rule} in {path}')
        if not caught:
            print('# ' + out.replace('\n', '\n# '))
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
