#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""botocore (Debian's python3-botocore) reads the cases of profiles.json as they say: as we do, or
as the case says that it differs. The unit test of ec2/profile.c holds us to the same file. Speaks
TAP; without botocore everything is skipped."""
import json
import os
import sys
import tempfile

DEBIAN = '/usr/lib/python3/dist-packages'
if os.path.isdir(os.path.join(DEBIAN, 'botocore')):
    sys.path.insert(0, DEBIAN)  # the packaged one, also where another python comes first
try:
    import botocore.session
    from botocore.exceptions import ConfigParseError
except ImportError:
    print('1..0 # SKIP botocore is not installed (Debian: python3-botocore)')
    sys.exit(0)

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'profiles.json')
KINDS = ('profiles', 'services', 'sso-session')


def write(folder, name, lines):
    path = os.path.join(folder, name)
    if lines is not None:
        with open(path, 'w', encoding='utf-8', newline='') as file:
            file.write('\n'.join(lines))
    return path


def as_botocore_reads(folder, case):
    os.environ['AWS_CONFIG_FILE'] = write(folder, 'config', case.get('config'))
    os.environ['AWS_SHARED_CREDENTIALS_FILE'] = write(folder, 'credentials',
                                                      case.get('credentials'))
    try:
        full = botocore.session.Session().full_config
    except ConfigParseError:
        return {'error': True}
    # Releases before 1.31 leave the services sections as they are.
    services = dict(full.get('services', {}))
    services.update((name.split()[1], body) for name, body in full.items()
                    if name.startswith('services ') and len(name.split()) == 2)
    return {'profiles': full['profiles'], 'services': services,
            'sso-session': full.get('sso_sessions', {})}


def expected(case):
    """What the case says of botocore, else of us."""
    told = case.get('botocore', case)
    if 'error' in told:
        return {'error': True}
    return {kind: told.get(kind, {}) for kind in KINDS}


def judge(case):
    with tempfile.TemporaryDirectory() as folder:
        seen = as_botocore_reads(folder, case)
    wanted = expected(case)
    if seen != wanted:
        return f'botocore reads {seen}, the case says {wanted}'
    ours = {'error': True} if 'error' in case else {kind: case.get(kind, {}) for kind in KINDS}
    if 'botocore' in case and case['botocore']['why'] and seen == ours:
        return 'the case says that botocore differs, and it does not'
    return None


def main():
    with open(CASES, encoding='utf-8') as file:
        cases = json.load(file)
    print(f'1..{len(cases)}')
    failed = 0
    for number, case in enumerate(cases, 1):
        problem = judge(case)
        print(f'{"not ok" if problem else "ok"} {number} {case["name"]}')
        if problem:
            failed += 1
            print(f'# {problem}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
