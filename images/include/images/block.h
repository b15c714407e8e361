/* SPDX-License-Identifier: ISC */
/*
 * What `--block NAME=FILE` may say: the names and sizes of a carried kernel's block devices. Pure;
 * any thread. Errors: MIR_USAGE with the fix.
 */
#ifndef IMAGES_BLOCK_H
#define IMAGES_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "api/error.h"
#include "api/kernel.h"

#define IMG_BLOCKS_MAX 16
#define IMG_BLOCK_NAME_MAX 67
#define IMG_BLOCK_BYTES_MAX ((uint64_t)16 << 30)
#define IMG_BLOCK_SECTOR ((uint64_t)512)

/* One more after those: a name that can be, that is not there yet (also "xvda" and "51712" are one)
 * and not too many. */
int img_block_name_check(const char *const names[], size_t count, const char *name,
                         struct mir_error *err);

/* A content of so many bytes: whole sectors, at least one, IMG_BLOCK_BYTES_MAX at most. */
int img_block_bytes_check(const char *name, uint64_t bytes, struct mir_error *err);

/* How the guest of Xen sees the one in that place: "xvda". All names are ones that can be. */
void img_block_device(const char *const names[], size_t count, size_t place, char ret[8]);

/* Is it what the kernel demands? A manifest of Solo5's has to be met by name: MIR_POLICY for what
 * is missing, MIR_USAGE for what it has not. Of other kernels nobody knows. */
int img_blocks_check(const struct mir_kernel *kernel, const char *const names[], size_t count,
                     struct mir_error *err);

/* Takes "NAME=FILE" apart: the name's length, and what is behind the sign. */
int img_block_word(const char *word, size_t *ret_name_len, const char **ret_file,
                   struct mir_error *err);

#endif
