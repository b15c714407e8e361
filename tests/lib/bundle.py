# SPDX-License-Identifier: ISC
"""Keys for instance-store bundles: a user's, whose certificate a mirage-fakecloud knows, and the
certificate of its EC2."""
import os
import subprocess


def make_keys(folder, fake, name='user'):
    """NAME.key and NAME.pem in a folder, and ec2.pem; the lines of [ec2] that name them."""
    paths = {key: os.path.join(folder, file) for key, file in
             (('bundle_cert', f'{name}.pem'), ('bundle_key', f'{name}.key'),
              ('bundle_ec2_cert', 'ec2.pem'))}
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj',
                    f'/CN={name}', '-keyout', paths['bundle_key'], '-out', paths['bundle_cert'],
                    '-days', '3'], check=True, capture_output=True)
    with open(paths['bundle_cert'], encoding='utf-8') as f:
        made = fake.control('POST', '/_certificates', {'certificate': f.read()})
    with open(paths['bundle_ec2_cert'], 'w', encoding='utf-8') as f:
        f.write(made['ec2'])
    return [f'{key} = {path}' for key, path in paths.items()]
