# SPDX-License-Identifier: ISC
"""Kernels made by hand, a few bytes each, for what a real kernel will not do on request: ELF files
for multiboot that say something on the serial port and then die as chosen, and a BIOS disk."""
import struct

COM1 = 0x3f8

# 32-bit code after the message has been written.
ENDS = {
    'hang': b'\xfa\xf4\xeb\xfd',                                  # cli; hlt; again
    'power-off': b'\x66\xba\x04\x06\x66\xb8\x00\x20\x66\xef'      # out 0x604, 0x2000: ACPI S5
                 b'\xfa\xf4\xeb\xfd',
    'triple-fault': b'\x6a\x00\x6a\x00\x0f\x01\x1c\x24\xcc',      # lidt of nothing; int3
}


def multiboot(message, end):
    """An ELF32 file: multiboot1 header, code that writes `message` to COM1, then one of ENDS."""
    base = 0x100000
    head = struct.pack('<III', 0x1badb002, 0, (-0x1badb002) & 0xffffffff)
    headers = 52 + 32
    code_at = base + headers + len(head)
    tail = ENDS[end]
    write = (b'\xac'              # next: lodsb
             b'\x84\xc0'          # test al, al
             b'\x74\x03'          # jz done
             b'\xee'              # out dx, al
             b'\xeb\xf8')         # jmp next
    stack = b'\xbc' + struct.pack('<I', base + 0x10000)
    text_at = code_at + len(stack) + 10 + len(write) + len(tail)
    code = (stack + b'\xbe' + struct.pack('<I', text_at) + b'\xba' + struct.pack('<I', COM1) +
            write + tail)
    body = head + code + message.encode() + b'\0'
    size = headers + len(body)
    elf = struct.pack('<16sHHIIIIIHHHHHH', b'\x7fELF\x01\x01\x01', 2, 3, 1, code_at, 52, 0, 0, 52,
                      32, 1, 0, 0, 0)
    program = struct.pack('<IIIIIIII', 1, 0, base, base, size, size + 0x11000, 7, 0x1000)
    return elf + program + body


def bios_disk(message):
    """A raw disk of 1 MiB with a boot sector that writes `message` to COM1 and halts."""
    code = (b'\xfa\x31\xc0\x8e\xd8'                      # cli; ds = 0
            b'\xbe%b'                                    # si = message
            b'\xba' + struct.pack('<H', COM1) +          # dx = port
            b'\xac\x84\xc0\x74\x03\xee\xeb\xf8')         # as above
    code = code.replace(b'%b', struct.pack('<H', 0x7c00 + len(code) + 3))
    sector = code + b'\xf4\xeb\xfd' + message.encode() + b'\0'
    sector = sector.ljust(446, b'\0')
    # One active partition, as a partition table has to have to be one.
    sector += struct.pack('<BBBBBBBBII', 0x80, 0, 2, 0, 0x83, 0, 32, 0, 1, 2047)
    sector = sector.ljust(510, b'\0') + b'\x55\xaa'
    return sector.ljust(1 << 20, b'\0')


def noted(notes):
    """An ELF64 file for x86 with these notes, (owner, type, bytes), and code that spins."""
    body = b''
    for owner, kind, desc in notes:
        name = owner.encode() + b'\0'
        body += struct.pack('<III', len(name), len(desc), kind)
        body += name.ljust((len(name) + 3) // 4 * 4, b'\0')
        body += desc.ljust((len(desc) + 3) // 4 * 4, b'\0')
    headers = 64 + 2 * 56
    code_at = headers + len(body)
    size = code_at + 2
    elf = struct.pack('<16sHHIQQQIHHHHHH', b'\x7fELF\x02\x01\x01', 2, 62, 1, 0x100000 + code_at,
                      64, 0, 0, 64, 56, 2, 0, 0, 0)
    load = struct.pack('<IIQQQQQQ', 1, 7, 0, 0x100000, 0x100000, size, size, 4096)
    program = struct.pack('<IIQQQQQQ', 4, 4, headers, 0, 0, len(body), len(body), 4)
    return elf + load + program + body + b'\xeb\xfe'


def xen_pv():
    """What a classic Xen PV loader would take."""
    return noted([('Xen', 6, b'Mini-OS\0'), ('Xen', 5, b'xen-3.0\0'), ('Xen', 8, b'generic\0')])


def solo5_xen():
    """What Solo5 makes for Xen PVH: QEMU loads it, and it is mute and without a network there."""
    return noted([('Solo5', 0x31494241, struct.pack('<IIII', 6, 1, 0, 0)),
                  ('Xen', 0x12, struct.pack('<I', 0x1000f0))])


SOLO5_TARGETS = {'hvt': 1, 'spt': 2}
SOLO5_DEVICES = {'block': 1, 'net': 2}


def solo5(target, devices=()):
    """A kernel for a tender, with a manifest of these devices: (name, 'net' or 'block')."""
    entries = [(b'', 1 << 30), *((name.encode(), SOLO5_DEVICES[kind]) for name, kind in devices)]
    manifest = struct.pack('<III', 0, 1, len(entries))
    for name, kind in entries:
        manifest += name.ljust(68, b'\0') + struct.pack('<I', kind) + bytes(32)
    return noted([('Solo5', 0x31494241, struct.pack('<IIII', SOLO5_TARGETS[target], 2, 0, 0)),
                  ('Solo5', 0x3154464d, manifest)])
