/* SPDX-License-Identifier: ISC */
/*
 * Bytes in memory, made small the same way every time: zstd for what Linux unpacks (level 19 or 6,
 * window of at most 8 MiB, with a checksum), xz for what a boot loader does (level 6, thoroughly,
 * no checksum, which GRUB has no use for) and for what Xen does (level 1, CRC-32); both through the
 * filter for x86's jumps. Equal bytes come out of equal bytes with equal versions of the libraries,
 * which are named.
 */
#ifndef IMAGES_CARRIER_SQUEEZE_H
#define IMAGES_CARRIER_SQUEEZE_H

#include "api/buf.h"

/* What is made once and kept, and what somebody waits for. */
enum img_squeeze { IMG_SQUEEZE_BEST, IMG_SQUEEZE_QUICK };

/* Appended to `out`, whose maximum counts (MIR_NO_SPACE). */
int img_squeeze_zstd(const void *data, size_t len, enum img_squeeze how, struct mir_buf *out,
                     struct mir_error *err);
int img_squeeze_xz(const void *data, size_t len, enum img_squeeze how, struct mir_buf *out,
                   struct mir_error *err);

/* The opposite, of any wrapper that kernels come in. Owned; MIR_CORRUPT for what is damaged or has
 * more than max_bytes. */
int img_unsqueeze(const void *data, size_t len, size_t max_bytes, unsigned char **ret,
                  size_t *ret_len, struct mir_error *err);

/* Of zstd that unpacks to exactly `bytes` (at most so many are taken of memory), whatever window it
 * was made with: 128 MiB, for a Linux of Debian 13. Owned; NULL for anything else. */
unsigned char *img_unsqueeze_zstd(const void *data, size_t len, size_t bytes);

void img_squeeze_edition(char *out, size_t size); /* "zstd 1.5.4, liblzma 5.4.1" */

#endif
