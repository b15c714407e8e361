#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""mirage-image as a program: its arguments, exit codes, both forms of answer and error, its
sandbox, its memory. Argument: the program. Speaks TAP."""
import gzip
import hashlib
import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.path.abspath(sys.argv.pop(1))
SANITIZED = b'__asan_init' in open(PROGRAM, 'rb').read()


def kernel():
    """The smallest thing that boots: ELF32, one segment, a multiboot header."""
    multiboot = struct.pack('<III', 0x1BADB002, 3, -(0x1BADB002 + 3) & 0xffffffff)
    elf = struct.pack('<16sHHIIIIIHHHHHH', b'\x7fELF\1\1\1', 2, 3, 1, 0x100000, 52, 0, 0, 52, 32, 1,
                      40, 0, 0)
    segment = struct.pack('<8I', 1, 96, 0x100000, 0x100000, 12, 0x1000, 7, 4)
    return (elf + segment).ljust(96, b'\0') + multiboot


class Program(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix='test-img-program-')
        self.addCleanup(self.folder.cleanup)

    def path(self, name, content=None):
        path = os.path.join(self.folder.name, name)
        if content is not None:
            with open(path, 'wb') as file:
                file.write(content)
        return path

    def run_it(self, *args, **options):
        options.setdefault('stdin', subprocess.DEVNULL)
        return subprocess.run([PROGRAM, *args], capture_output=True, timeout=120, check=False,
                              **options)

    def answer(self, *args, **options):
        done = self.run_it('inspect', *args, '--json', **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count(b'\n'), 1)
        self.assertEqual(done.stderr, b'')
        return json.loads(done.stdout)

    def refused(self, code, exit_code, *args, **options):
        """Both forms: JSON on stdout, and a message for people on stderr."""
        done = self.run_it('inspect', *args, '--json', **options)
        self.assertEqual(done.returncode, exit_code, done)
        error = json.loads(done.stdout)['error']
        self.assertEqual(error['code'], code)
        plain = self.run_it('inspect', *args, **options)
        self.assertEqual(plain.returncode, exit_code)
        self.assertEqual(plain.stdout, b'')
        self.assertIn(error['text'].encode(), plain.stderr)
        return error

    def test_json(self):
        path = self.path('kernel', kernel())
        answer = self.answer(path)
        self.assertEqual(answer['sha256'], hashlib.sha256(kernel()).hexdigest())
        self.assertEqual(answer['format'], 'multiboot1')
        self.assertEqual(answer['arch'], 'i386')
        self.assertEqual(answer['entry'], 0x100000)
        self.assertEqual(answer['load_bytes'], 0x101000)
        self.assertEqual(answer['min_memory_bytes'], 16 << 20)
        self.assertEqual(answer['boots']['local']['how'], 'qemu-kernel')
        self.assertEqual(set(answer['boots']), {'local', 'ec2', 'openstack', 'rackspace'})

    def test_table(self):
        done = self.run_it('inspect', self.path('kernel', kernel()))
        self.assertEqual(done.returncode, 0)
        for word in (b'multiboot 1 kernel', b'i386', b'local', b'boots', b'openstack'):
            self.assertIn(word, done.stdout)

    def test_stdin(self):
        path = self.path('kernel', kernel())
        with open(path, 'rb') as file:
            file.seek(10)
            self.assertEqual(self.answer('-', stdin=file)['format'], 'multiboot1')
        packed = gzip.compress(kernel())
        done = subprocess.run([PROGRAM, 'inspect', '-', '--json'], input=packed, timeout=60,
                              capture_output=True, check=True)
        answer = json.loads(done.stdout)
        self.assertEqual((answer['container'], answer['bytes'], answer['unpacked_bytes']),
                         ('gzip', len(packed), len(kernel())))

    def test_descriptor(self):
        with open(self.path('kernel', kernel()), 'rb') as file:
            os.set_inheritable(file.fileno(), True)
            answer = self.answer('--fd', str(file.fileno()), close_fds=False)
            self.assertEqual(answer['format'], 'multiboot1')

    def test_bad_input(self):
        self.refused('not-found', 3, self.path('absent'))
        self.assertIn('directory', self.refused('usage', 2, self.folder.name)['text'])
        self.assertIn('empty', self.refused('usage', 2, self.path('empty', b''))['text'])
        self.assertIn('empty', self.refused('usage', 2, '-')['text'])
        os.mkfifo(self.path('fifo'))
        self.assertIn('regular', self.refused('usage', 2, self.path('fifo'))['text'])
        error = self.refused('corrupt', 2, self.path('cut', kernel()[:100]))
        self.assertIn('cut off', error['text'])
        self.assertIn('again', error['hint'])
        packed = self.path('cut.gz', gzip.compress(kernel() * 1000)[:-9])
        self.assertIn('gzip', self.refused('corrupt', 2, packed)['text'])

    def test_no_permission(self):
        path = self.path('secret', kernel())
        os.chmod(path, 0)
        if os.geteuid() == 0:
            self.skipTest('root may read everything')
        self.refused('policy', 5, path)

    def test_unpack(self):
        plain = kernel() * 5000
        for data in (plain, gzip.compress(plain)):
            out = self.path('out', b'')
            with open(out, 'wb') as file:
                subprocess.run([PROGRAM, 'unpack', self.path('in', data)], stdout=file, check=True,
                               timeout=60)
            with open(out, 'rb') as file:
                self.assertEqual(file.read(), plain)
        done = self.run_it('unpack', self.path('in', gzip.compress(plain)[:-3]), '--json')
        self.assertEqual(done.returncode, 2)
        self.assertEqual(json.loads(done.stderr)['error']['code'], 'corrupt')
        self.assertEqual(self.run_it('unpack').returncode, 2)

    def test_odd_names(self):
        for name in (b'\xff\xfe', b'new\nline', b'\x1b[2J', b'-dash', b'a b'):
            path = os.path.join(self.folder.name.encode(), name)
            done = self.run_it('inspect', path, '--json')
            self.assertEqual(done.returncode, 3)
            json.loads(done.stdout)
            self.assertNotIn(b'\x1b', done.stderr)
            self.assertEqual(done.stderr.count(b'\n'), 1)
        self.path('--json', kernel())
        done = self.run_it('inspect', '--', '--json', cwd=self.folder.name)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_unknown_is_no_error(self):
        answer = self.answer(self.path('text', b'just a text\n' * 1000))
        self.assertEqual(answer['format'], 'unknown')
        self.assertEqual({row['verdict'] for row in answer['boots'].values()}, {'cannot'})

    def test_arguments(self):
        for line in ('', 'inspect', 'inspect --fd', 'inspect --fd x', 'frobnicate', 'inspect a b',
                     'inspect a --fd 0', 'inspect --fd -1', 'inspect --fd 999 --json',
                     'inspect --jsn a'):
            args = line.split()
            done = self.run_it(*args)
            self.assertIn(done.returncode, (1, 2), args)
            self.assertIn(b'mirage-image', done.stderr, args)
        self.assertIn(b'did you mean --json', self.run_it('inspect', '--jsn', 'a').stderr)
        self.assertIn(b'usage:', self.run_it('--help').stdout)
        self.assertRegex(self.run_it('--version').stdout, rb'^mirage-image \d+\.\d+')

    def test_answer_into_a_file(self):
        """The sandbox forbids files to grow, except the answer's own."""
        out = self.path('out', b'x' * 5000)
        with open(out, 'ab') as file:
            subprocess.run([PROGRAM, 'inspect', self.path('kernel', kernel()), '--json'],
                           stdout=file, check=True, timeout=60)
        with open(out, 'rb') as file:
            self.assertEqual(json.loads(file.read()[5000:])['format'], 'multiboot1')

    def test_full_disk(self):
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([PROGRAM, 'inspect', self.path('kernel', kernel())], stdout=full,
                                  stderr=subprocess.PIPE, check=False, timeout=60)
        self.assertEqual(done.returncode, 5)

    def test_sandbox(self):
        done = self.run_it('sandbox-check')
        lines = done.stdout.decode().splitlines()
        self.assertEqual(done.returncode, 0, lines)
        self.assertGreaterEqual(sum(line.startswith('PASS') for line in lines), 30)
        self.assertFalse([line for line in lines if line.startswith('FAIL')])
        for line in lines:
            print(f'# {line}')

    def test_memory_and_holes(self):
        """A sparse 1 GiB disk: right digest, bounded memory."""
        path = self.path('disk')
        with open(path, 'wb') as file:
            file.write(b'\xfa\xeb\xfe' + bytes(507) + b'\x55\xaa')
            file.seek(700 << 20)
            file.write(b'island')
            file.truncate(1 << 30)
        digest = hashlib.sha256()
        with open(path, 'rb') as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
        answer = self.answer(path)
        self.assertEqual(answer['sha256'], digest.hexdigest())
        self.assertEqual(answer['format'], 'disk-raw')
        if not SANITIZED:
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            self.assertLess(peak, 96 << 10)

    def test_bombs(self):
        """A small file that unpacks to more than anybody should take."""
        zeros = bytes(1 << 20)
        path = self.path('bomb.gz')
        with gzip.open(path, 'wb', compresslevel=1) as file:
            for _ in range(1100):
                file.write(zeros)
        self.assertIn('more than 1024 MiB', self.refused('usage', 2, path)['text'])


class Tap(unittest.TestResult):
    number = 0

    def say(self, word, test, more=''):
        self.number += 1
        print(f'{word} {self.number} - {test.id().split(".")[-1]}{more}', flush=True)

    def addSuccess(self, test):
        self.say('ok', test)

    def addSkip(self, test, reason):
        self.say('ok', test, f' # SKIP {reason}')

    def addFailure(self, test, err):
        super().addFailure(test, err)
        print('\n'.join('# ' + line for line in self.failures[-1][1].splitlines()))
        self.say('not ok', test)

    def addError(self, test, err):
        super().addError(test, err)
        print('\n'.join('# ' + line for line in self.errors[-1][1].splitlines()))
        self.say('not ok', test)


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules['__main__'])
    print(f'1..{suite.countTestCases()}')
    result = Tap()
    suite.run(result)
    return 0 if result.wasSuccessful() else 1


if __name__ == '__main__':
    sys.exit(main())
