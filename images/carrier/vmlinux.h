/* SPDX-License-Identifier: ISC */
/*
 * A Linux, unpacked, without what is of no use to one that Xen starts as a PV domain. Two parts,
 * each by itself, and only where they look exactly as they are known:
 *
 * - What stands behind the ELF file: the places in it that would have to be changed if it ran at
 *   another address. Linux' own unpacker reads them, in whose place Xen is. They are cut off.
 * - What section .BTF says: all types of this Linux, for those who load programs of BPF. It is
 *   filled with zeros, which packed are nothing. Modules have types as well, which refer to these;
 *   only a Linux with CONFIG_MODULE_ALLOW_BTF_MISMATCH loads them all the same.
 *
 * All else that is loaded and run is the same, byte for byte. Any bytes may be given. Pure.
 *
 * Source: Linux, arch/x86/boot/compressed/misc.c (handle_relocations: lists of addresses, 32 bits
 * each, which a zero stands before), Documentation/bpf/btf.rst (the header), kernel/bpf/btf.c
 * (btf_module_notify).
 */
#ifndef IMAGES_CARRIER_VMLINUX_H
#define IMAGES_CARRIER_VMLINUX_H

#include <stdbool.h>
#include <stddef.h>

struct img_spared {
    size_t relocations, types;   /* bytes; 0: all of it is there */
    const char *relocations_why; /* why it is there; NULL: it is not. Static */
    const char *types_why;
};

/* `types`: also those, as this Linux can do without them. */
void img_vmlinux_spare(unsigned char *kernel, size_t *len, bool types, struct img_spared *ret);

/* Whether this is said by a Linux' configuration (boot/config-VERSION in its package). */
bool img_vmlinux_needs_no_types(const void *config, size_t len);

#endif
