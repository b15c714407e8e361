/* SPDX-License-Identifier: ISC */
/*
 * Where a container goes: an empty regular file, in which holes stay holes, or anything else that
 * takes bytes (a pipe, a file that is appended to). Written from the first byte to the last, never
 * back.
 *
 * Blocking; owned by one thread; no memory of its own.
 */
#ifndef IMAGES_OUTPUT_H
#define IMAGES_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images/stream.h"

struct img_output {
    int fd;        /* borrowed */
    bool seekable; /* an empty regular file */
    bool by_hand;  /* the kernel does not copy between these two files: found out once */
    uint64_t at;   /* written so far, holes included */
};

void img_output_init(struct img_output *output, int fd);
/* MIR_NO_SPACE, MIR_FAILED. */
int img_output_write(struct img_output *output, const void *data, size_t len,
                     struct mir_error *err);
/* len zero bytes: a hole in a file, written to a pipe. */
int img_output_zeros(struct img_output *output, uint64_t len, struct mir_error *err);

/* What the kernel copies of the input's bytes [input_at, input_at + len) without their passing
 * through here; it may be any part of them or nothing, with no error: the caller reads and writes
 * the rest, and sees why. */
uint64_t img_output_copy(struct img_output *output, const struct img_input *input,
                         uint64_t input_at, uint64_t len);

/* The next len bytes of the disk that the cursor goes through; behind its end, zeros. */
int img_output_disk(struct img_output *output, struct img_cursor *cursor, uint64_t len,
                    struct mir_error *err);

/* Behind the last byte: gives a file that ends in a hole its size. */
int img_output_end(struct img_output *output, struct mir_error *err);

#endif
