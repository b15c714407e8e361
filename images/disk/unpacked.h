/* SPDX-License-Identifier: ISC */
/*
 * Packed extents, one at a time: the last that was asked for is kept, so that a cursor which goes
 * through it in pieces unpacks it once.
 *
 * Blocking; one thread; twice IMG_PACKED_MAX of memory at most, and zlib's window.
 */
#ifndef IMAGES_DISK_UNPACKED_H
#define IMAGES_DISK_UNPACKED_H

#include "images/stream.h"

/* What the extent holds, its `len` bytes, borrowed until the next call. *unpacked may be NULL and
 * is made then; owned by the caller. MIR_CORRUPT when it is damaged or holds less. */
int img_unpacked_get(struct img_unpacked **unpacked, const struct img_extent *e,
                     struct img_input *input, const unsigned char **ret, struct mir_error *err);
void img_unpacked_free(struct img_unpacked *unpacked); /* NULL will do */

#endif
