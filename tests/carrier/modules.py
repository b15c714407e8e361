# SPDX-License-Identifier: ISC
"""The first process's table of modules against what the modules of the packages say of themselves:
each has what it depends on before it, and each device of a row is one that its driver knows."""
import glob
import os
import re
import subprocess
import sys

from carried import CACHE, need_base
from tap import run_cases

TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                     '../../images/carrier/init/modules.c')
LINUX = {'CAR_IN_XEN': 'linux-image-*[0-9]-amd64_*.deb',
         'CAR_IN_LINUX': 'linux-image-*-cloud-amd64_*.deb'}


def table():
    """(what a row says of when, its modules, its ids as 'vvvv:dddd')."""
    with open(TABLE, encoding='utf-8') as handle:
        text = re.sub(r'/\*.*?\*/', '', handle.read(), flags=re.S)
    text = text[text.index('car_modules[] = {'):text.index('car_modules_n')]
    for row in re.split(r'\{\.when = ', text)[1:]:
        modules = re.search(r'\.modules = \{(.*?)\}', row, re.S)
        ids = re.findall(r'\{(0x[0-9a-f]+), (0x[0-9a-f]+)\}', row)
        yield (set(re.findall(r'CAR_\w+', row.split('.modules')[0])),
               re.findall(r'"([^"]+)"', modules.group(1)),
               [f'{int(vendor, 16):04x}:{int(device, 16):04x}' for vendor, device in ids])


def facts(path):
    """What a module says of itself: {key: [values]}."""
    with open(path, 'rb') as handle:
        found = re.findall(rb'\0(alias|depends)=([^\0]*)', handle.read())
    said = {'alias': [], 'depends': []}
    for key, value in found:
        said[key.decode()] += [value.decode()]
    return said


def modules_of(package, folder):
    """{name: path}, and the names that are built in."""
    subprocess.run(['dpkg-deb', '-x', package, folder], check=True)
    paths = glob.glob(os.path.join(folder, '**/*.ko'), recursive=True)
    with open(glob.glob(os.path.join(folder, 'lib/modules/*/modules.builtin'))[0],
              encoding='ascii') as handle:
        builtin = {os.path.basename(line.strip())[:-3].replace('-', '_') for line in handle}
    return {os.path.basename(path)[:-3]: path for path in paths}, builtin


def knows(said, device):
    """pci:v0000VVVVd0000DDDD..., or a driver of all that a vendor has."""
    vendor, number = device.upper().split(':')
    return any(re.match(rf'pci:v0000{vendor}d(0000{number}|\*)', alias) for alias in said['alias'])


def check(image, folder):
    packages = glob.glob(os.path.join(CACHE, 'mirage-deploy/carrier/debs', LINUX[image]))
    assert packages, f'no {LINUX[image]}'
    there, builtin = modules_of(sorted(packages)[-1], folder)
    loaded, drivers = set(), {}
    for when, names, ids in table():
        if image not in when:
            continue
        for name in names:
            if name.replace('-', '_') in builtin:
                continue
            assert name in there, f'{name} is neither a module nor built in'
            needs = ','.join(facts(there[name])['depends']).split(',')
            missing = {need.replace('-', '_') for need in needs if need} - loaded - builtin
            assert not missing, f'{name} comes before {missing}'
            loaded.add(name.replace('-', '_'))
        # A device may be that of two rows: of what all disks of SCSI need, and of its own driver.
        for device in ids:
            drivers.setdefault(device, []).extend(name for name in names if name in there)
    for device, names in drivers.items():
        assert any(knows(facts(there[name]), device) for name in names), \
            f'{names} do not know {device}'


def of_dom0(folder):
    check('CAR_IN_XEN', folder)


def of_a_tender(folder):
    check('CAR_IN_LINUX', folder)


if __name__ == '__main__':
    assert len(list(table())) > 10
    need_base('xen', 'linux')
    sys.exit(run_cases([of_dom0, of_a_tender]))
