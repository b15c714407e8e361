# SPDX-License-Identifier: ISC
"""The command line on a terminal of its own."""
import errno
import os
import pty
import select
import subprocess
import time

from mirage import program


def read_all(fds):
    """What comes out of each, until all are at their end."""
    text = {fd: b'' for fd in fds}
    give_up = time.monotonic() + 60
    while fds:
        assert time.monotonic() < give_up, f'no end: {text}'
        for fd in select.select(fds, [], [], 1)[0]:
            try:
                data = os.read(fd, 65536)
            except OSError as e:
                if e.errno != errno.EIO:  # how a terminal says that everybody has left
                    raise
                data = b''
            if not data:
                fds.remove(fd)
            text[fd] += data
    return text


def on_terminal(env, *args, typed='', expect=0, own_stdout=False):
    """(status, standard output, terminal). With own_stdout, standard output is a pipe and only the
    rest is the terminal; without, all of it is, and the first text is empty."""
    master, slave = pty.openpty()
    out_r, out_w = os.pipe()
    child = subprocess.Popen([program('mirage-deploy'), *args], env=env, stdin=slave,
                             stdout=out_w if own_stdout else slave, stderr=slave,
                             start_new_session=True)
    os.close(slave)
    os.close(out_w)
    if typed:
        os.write(master, typed.encode())
    text = read_all([master, out_r])
    status = child.wait()
    os.close(master)
    os.close(out_r)
    screen = text[master].decode('utf-8', 'replace').replace('\r\n', '\n')
    out = text[out_r].decode()
    assert expect is None or status == expect, f'{args}: {status}, not {expect}\n{screen}\n{out}'
    return status, out, screen
