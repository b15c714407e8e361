# SPDX-License-Identifier: ISC
"""A disk that may be tried on EC2."""
import os


def disk(world):
    """A disk with boot code, which is what the table says may start anywhere."""
    content = bytearray(2 << 20)
    content[:440] = bytes((i * 7 + 1) & 255 for i in range(440))
    content[510:512] = b'\x55\xaa'
    content[1 << 20:(1 << 20) + 5000] = b'Z' * 5000
    path = os.path.join(world.dir, 'disk.raw')
    with open(path, 'wb') as f:
        f.write(content)
    return path
