/* SPDX-License-Identifier: ISC */
/*
 * A file as a row of chunks, in order, each byte once. Holes of sparse files come as chunks of
 * zeros that were never read from the disk.
 */
#ifndef IMAGES_SOURCE_H
#define IMAGES_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/error.h"

struct krn_source {
    int fd; /* borrowed; -1: memory */
    bool regular;
    bool zeroed; /* the buffer holds zeros */
    uint64_t offset;
    uint64_t size;         /* of a regular file */
    uint64_t data_end;     /* up to here the file is known to hold data, from `offset` on */
    unsigned char *buffer; /* owned */
    const unsigned char *memory;
    size_t memory_len;
};

int krn_source_open(struct krn_source *source, int fd, struct mir_error *err);
void krn_source_memory(struct krn_source *source, const void *data, size_t len);
void krn_source_close(struct krn_source *source);

/* The next chunk, borrowed until the next call; *ret_len 0 at the end. Only the last chunk is
 * shorter than 256 KiB, holes aside. */
int krn_source_next(struct krn_source *source, const unsigned char **ret_data, size_t *ret_len,
                    struct mir_error *err);

#endif
