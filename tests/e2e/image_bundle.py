#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""`mirage-deploy image build --format ec2-bundle`: unbundled by openssl and tar it is the very disk
that --format raw writes; what is refused, and what --force may replace. Speaks TAP."""
import hashlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import xml.etree.ElementTree as ElementTree
import zlib

import kernels
from mirage import PATIENCE, Skip, Tap, need_programs, skip_all
from workbench import Bench, sha256

ACCOUNT = '1234-5678-9012'
SIZE = '32M'


def openssl(b, *args, data=None):
    return subprocess.run(['openssl', *args], cwd=b.dir, input=data, capture_output=True,
                          check=True).stdout


class Owner(Bench):
    """A user with a classic Xen kernel, a key, and EC2's certificate (whose key it has, too)."""

    def __enter__(self):
        super().__enter__()
        for name in ('user', 'ec2'):
            openssl(self, 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', f'/CN={name}',
                    '-keyout', f'{name}.key', '-out', f'{name}.pem', '-days', '3')
        self.write('xen.elf', kernels.xen_pv() + os.urandom(3 << 20))
        return self

    def words(self, out, *more, kernel='xen.elf'):
        return [kernel, '-o', out, '--format', 'ec2-bundle', '--cert', 'user.pem', '--key',
                'user.key', '--ec2-cert', 'ec2.pem', '--account', ACCOUNT, *more]

    def unbundle(self, folder, name, key):
        """As ec2-unbundle does: the image, after every check that the manifest allows."""
        with open(self.path(f'{folder}/{name}.manifest.xml'), 'rb') as f:
            text = f.read().decode()
        root = ElementTree.fromstring(text)
        image = root.find('image')
        assert root.findtext('machine_configuration/architecture') == 'x86_64'
        assert image.findtext('user') == ACCOUNT.replace('-', '')
        signed = ''.join(re.search(f'<{word}>.*</{word}>', text, re.S).group(0)
                         for word in ('machine_configuration', 'image'))
        self.write('signature', bytes.fromhex(root.findtext('signature')))
        self.write('user.pub', openssl(self, 'x509', '-in', 'user.pem', '-noout', '-pubkey'))
        openssl(self, 'dgst', '-sha1', '-verify', 'user.pub', '-signature', 'signature',
                data=signed.encode())
        element = {'user': 'user_encrypted', 'ec2': 'ec2_encrypted'}[key]
        secret = [openssl(self, 'pkeyutl', '-decrypt', '-inkey', f'{key}.key',
                          data=bytes.fromhex(image.findtext(f'{element}_{word}'))).decode()
                  for word in ('key', 'iv')]
        packed = b''
        for part in image.findall('parts/part'):
            with open(self.path(f'{folder}/{part.findtext("filename")}'), 'rb') as f:
                piece = f.read()
            assert hashlib.sha1(piece).hexdigest() == part.findtext('digest'), part
            packed += piece
        assert len(packed) == int(image.findtext('bundled_size'))
        plain = openssl(self, 'enc', '-d', '-aes-128-cbc', '-K', secret[0], '-iv', secret[1],
                        data=packed)
        tar = zlib.decompress(plain, 31)
        assert hashlib.sha1(tar).hexdigest() == image.findtext('digest')
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            members = archive.getmembers()
            assert [member.name for member in members] == [name], members
            assert members[0].size == int(image.findtext('size'))
            return archive.extractfile(members[0]).read()

    def files(self, folder):
        return sorted(os.listdir(self.path(folder)))


def content(tap):
    with Owner() as b, tap.part('unbundled it is the disk that --format raw writes'):
        b.build('xen.elf', '-o', 'disk.img', '--boot', 'pvgrub-bare', '--size', SIZE, '--', 'a=b')
        made = b.build(*b.words('bundle', '--size', SIZE, '--', 'a=b'))
        assert (made['format'], made['boot'], made['file']) == \
            ('ec2-bundle', 'pvgrub-bare', 'bundle'), made
        with open(b.path('disk.img'), 'rb') as f:
            disk = f.read()
        for key in ('user', 'ec2'):
            assert b.unbundle('bundle', 'bundle', key) == disk, key
    with Owner() as b, tap.part('a slash behind the folder is no matter'):
        b.build(*b.words('sub/'))
        assert b.files('sub') == ['sub.manifest.xml', 'sub.part.0'], b.files('sub')


def replaced(tap):
    with Owner() as b, tap.part('a folder that is there stays, unless it is to be replaced'):
        b.build(*b.words('out'))
        before = {name: sha256(b.path(f'out/{name}')) for name in b.files('out')}
        b.refused(2, ['out', 'already', '--force'], *b.words('out'))
        assert before == {name: sha256(b.path(f'out/{name}')) for name in b.files('out')}
        b.build(*b.words('out', '--force', '--size', SIZE))
        assert before != {name: sha256(b.path(f'out/{name}')) for name in b.files('out')}
        assert len(b.unbundle('out', 'out', 'user')) == 32 << 20
        assert [name for name in os.listdir(b.dir) if name.startswith('.')] == []
    with Owner() as b, tap.part('what is no bundle is never replaced'):
        b.write('file', b'precious')
        b.refused(2, ['file', 'not a folder'], *b.words('file', '--force'))
        os.mkdir(b.path('home'))
        b.write('home/thesis', b'precious')
        b.refused(2, ['home', 'thesis', 'not replaced'], *b.words('home', '--force'))
        b.build(*b.words('out'))
        b.write('out/notes', b'precious')
        b.refused(2, ['out', 'notes', 'not replaced'], *b.words('out', '--force'))
        for path in ('file', 'home/thesis', 'out/notes'):
            with open(b.path(path), 'rb') as f:
                assert f.read() == b'precious', path
        assert len(b.unbundle('out', 'out', 'user')) > 0
    with Owner() as b, tap.part('a failure keeps the bundle that was to be replaced'):
        b.build(*b.words('out'))
        before = sha256(b.path('out/out.part.0'))
        b.refused(2, ['bad.elf'], *b.words('out', '--force',
                                           kernel=b.write('bad.elf', b'\x7fELF')))
        b.refused(5, ['disk'], *b.words('out', '--force', '--size', '64K'))
        assert sha256(b.path('out/out.part.0')) == before


def bad_input(tap):
    with Owner() as b, tap.part('what is missing, or does not belong together'):
        b.refused(2, ['--cert'], 'xen.elf', '-o', 'x', '--format', 'ec2-bundle')
        b.refused(2, ['account'], *b.words('x')[:-1], '1234')
        b.refused(2, ['folder'], *b.words('-'))
        b.refused(3, ['no.pem'], *b.words('x', '--cert', 'no.pem'))
        b.refused(4, ['key'], *b.words('x', '--key', 'ec2.key'))
        b.refused(4, ['PEM'], *b.words('x', '--cert', 'xen.elf'))
        b.refused(4, ['certificate'],
                  *b.words('x', '--ec2-cert', b.write('junk.pem', b'no certificate\n')))
        b.refused(3, ['nowhere'], *b.words('nowhere/x'))
        b.refused(2, ['name'], *b.words('a b'))
    with Owner() as b, tap.part('an interruption leaves nothing'):
        b.write('large.elf', kernels.xen_pv() + os.urandom(200 << 20))
        before = sorted(os.listdir(b.dir))
        child = b.start(*b.words('out', kernel='large.elf'))
        time.sleep(0.5 * PATIENCE)
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=60)
        assert child.returncode == 130 and b'no image was made' in err, (child.returncode, err)
        give_up = time.monotonic() + 20 * PATIENCE  # mirage-bundle ends after who started it
        while sorted(os.listdir(b.dir)) != before:
            assert time.monotonic() < give_up, os.listdir(b.dir)
            time.sleep(0.05)


def main():
    need_programs('mirage-deploy', 'mirage-image', 'mirage-bundle')
    if not shutil.which('openssl'):
        skip_all('openssl is not installed')
    tap = Tap()
    content(tap)
    replaced(tap)
    bad_input(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
