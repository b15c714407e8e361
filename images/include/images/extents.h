/* SPDX-License-Identifier: ISC */
/*
 * A disk as a stream of what was written on it, for a process that uploads it: framed, so that the
 * holes need not be guessed, and with a digest, so that a stream that ends early is not taken for
 * a whole one. Written by the container "extents"; read by whoever need not trust the writer.
 *
 * All numbers are little-endian, of 64 bits where nothing else is said:
 *
 *     head     "MIREXT\r\n", version (32 bits, 1), 0 (32 bits), the disk's size
 *     record   offset, length, that many bytes        any number of them
 *     end      2^64 - 1, 0, number of records, number of bytes in all of them,
 *              SHA-256 of everything before the SHA-256
 *
 * Records come in the order of the disk and do not overlap; a length is 1 ... 262144, so a long
 * extent is several records, each beginning where the one before it ended. Behind the end nothing
 * comes that belongs to it.
 */
#ifndef IMAGES_EXTENTS_H
#define IMAGES_EXTENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "images/digest.h"
#include "images/stream.h"

#define IMG_EXTENTS_MAGIC "MIREXT\r\n"
#define IMG_EXTENTS_VERSION 1
#define IMG_EXTENTS_HEAD_BYTES 24
#define IMG_EXTENTS_RECORD_BYTES 16
#define IMG_EXTENTS_END UINT64_MAX
#define IMG_EXTENTS_END_BYTES (IMG_EXTENTS_RECORD_BYTES + 16) /* without the SHA-256 */

/* Blocking, as long as the writer likes: whoever does not trust it ends it at a deadline. Owned by
 * one thread; IMG_STREAM_BYTES of memory. */
struct img_extents {
    int fd;                /* borrowed; a pipe, a socket or a file, read from where it stands */
    uint64_t size;         /* of the disk */
    uint64_t at;           /* behind the last record */
    uint64_t records;      /* so far */
    uint64_t bytes;        /* so far */
    unsigned char *buffer; /* owned */
    struct krn_digest digest;
    bool ended;
};

/* Reads the head. MIR_CORRUPT for anything that is not such a stream, or for a disk of more than
 * max_bytes. Clear it afterwards in any case. */
int img_extents_open(struct img_extents *extents, int fd, uint64_t max_bytes,
                     struct mir_error *err);
void img_extents_clear(struct img_extents *extents);
#define mir_auto_extents MIR_CLEANUP(img_extents_clear)

/* The next record, its data borrowed until the next call; len 0: the end has come, and counts and
 * digest are right. Only then is anything of what came before to be relied on: whoever uploads
 * finishes nothing earlier. MIR_CORRUPT: cut off, out of order, outside of the disk, or changed. */
int img_extents_next(struct img_extents *extents, struct img_run *ret, struct mir_error *err);

#endif
