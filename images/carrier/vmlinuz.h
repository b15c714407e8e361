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

/*
 * Appends the bzImage's kernel, the same byte for byte when it is unpacked, packed with zstd and
 * followed by its length. What is no bzImage with a packed ELF file in it is appended as it is: Xen
 * will say what is wrong with it. MIR_NO_SPACE when it does not fit. Takes ten seconds.
 */
int img_vmlinuz_repack(const unsigned char *file, size_t len, struct mir_buf *out,
                       struct mir_error *err);

#endif
