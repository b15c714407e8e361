/* SPDX-License-Identifier: ISC */
/*
 * A Linux for Xen to start. Xen unpacks it itself, and takes the packed kernel by itself as well as
 * inside of a bzImage; of the packings that it knows zstd is the one that is quick to unpack.
 *
 * Source: Linux, Documentation/arch/x86/boot.rst (setup_sects, header, version, payload_offset,
 * payload_length; behind a payload that is no gzip stands its unpacked length); Xen,
 * xen/arch/x86/bzimage.c (a kernel that is no bzImage is looked at as a payload).
 */
#ifndef IMAGES_CARRIER_VMLINUZ_H
#define IMAGES_CARRIER_VMLINUZ_H

#include "api/buf.h"
#include "api/kernel.h"
#include "vmlinux.h"

/* What became of it, for whoever wants to know how the file came to be. */
struct img_repacked {
    size_t bytes;                 /* of the kernel in it, unpacked; 0: the file is as it was */
    char sha256[MIR_SHA256_TEXT]; /* of that */
    struct img_spared spared;
};

/*
 * Appends the bzImage's kernel, without what a dom0 has no use for (vmlinux.h), packed with zstd
 * and followed by its length. What is no bzImage with a packed ELF file in it is appended as it is:
 * Xen will say what is wrong with it. `types`: also the types of those. MIR_NO_SPACE when it does
 * not fit. Takes ten seconds.
 */
int img_vmlinuz_repack(const unsigned char *file, size_t len, bool types, struct mir_buf *out,
                       struct img_repacked *ret, struct mir_error *err);

#endif
