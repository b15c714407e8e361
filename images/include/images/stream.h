/* SPDX-License-Identifier: ISC */
/*
 * The two ends of a disk that is being written: the input that its ranges come from, and the
 * cursor that goes through the disk in order, holes included, with a buffer of fixed size.
 *
 * Blocking; owned by one thread; IMG_STREAM_BYTES of memory whatever the size, and as much again
 * for packed extents, where there are any.
 */
#ifndef IMAGES_STREAM_H
#define IMAGES_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images/disk.h"

#define IMG_STREAM_BYTES ((size_t)256 << 10)

/* A file that can be read anywhere, or a pipe that comes once. */
struct img_input {
    int fd;        /* borrowed; -1: there is none, and no disk may have a range of it */
    bool seekable; /* read with pread; otherwise from where it stands, forward only */
    uint64_t at;   /* of a pipe: how much has come */
};

void img_input_init(struct img_input *input, int fd);

/* Exactly len bytes from input_at on. MIR_CORRUPT when it ends before (it was cut off meanwhile),
 * MIR_INTERNAL when a pipe would have to go back. */
int img_input_read(struct img_input *input, uint64_t input_at, void *buf, size_t len,
                   struct mir_error *err);

struct img_unpacked;

/* Goes through a sealed disk. */
struct img_cursor {
    const struct img_disk *disk; /* borrowed */
    struct img_input *input;     /* borrowed */
    size_t next;                 /* the extent that holds `at` or comes after it */
    uint64_t at;
    unsigned char *buffer;         /* owned; IMG_STREAM_BYTES, not touched before it is needed */
    struct img_unpacked *unpacked; /* owned; NULL until there is a packed extent */
};

void img_cursor_init(struct img_cursor *cursor, const struct img_disk *disk,
                     struct img_input *input);
void img_cursor_clear(struct img_cursor *cursor);
#define mir_auto_cursor MIR_CLEANUP(img_cursor_clear)

/* A run of the disk from where the cursor stands: all hole (data NULL) or all data. */
struct img_run {
    uint64_t at;
    uint64_t len;
    const unsigned char *data; /* borrowed until the next call */
};

/* The next run, at most IMG_STREAM_BYTES of data, or a whole hole; its len is 0 at the end of the
 * disk. The runs follow one another without gaps. */
int img_cursor_next(struct img_cursor *cursor, struct img_run *ret, struct mir_error *err);

/* The next len bytes of the disk, holes as zeros, into buf: for containers that work by blocks.
 * *ret_hole (may be NULL): nothing of it is an extent. Behind the end of the disk: zeros. */
int img_cursor_read(struct img_cursor *cursor, void *buf, size_t len, bool *ret_hole,
                    struct mir_error *err);

/* Forward by len bytes, which are not read. */
void img_cursor_skip(struct img_cursor *cursor, uint64_t len);

/* True when [at, at + len) of the disk holds an extent or a part of one. Any place; moves
 * nothing. Sealed disks only. */
bool img_disk_has(const struct img_disk *disk, uint64_t at, uint64_t len);

#endif
