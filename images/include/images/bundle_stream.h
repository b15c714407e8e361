/* SPDX-License-Identifier: ISC */
/*
 * The files of a bundle one after the other on a pipe, for a process that uploads them and keeps
 * none: written by `mirage-bundle --out -`, read by the daemon.
 *
 *     file     name, " ", its length as a decimal number, "\n", and that many bytes
 *     end      "\n"
 *
 * in the order of the bundle, the manifest last. A name is 1 ... 103 letters, digits, "." "_" "-",
 * and does not begin with a dot; a length is 1 ... 10 MiB. Behind the end nothing comes.
 */
#ifndef IMAGES_BUNDLE_STREAM_H
#define IMAGES_BUNDLE_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "api/cleanup.h"
#include "api/error.h"

#define IMG_BUNDLE_FILE_MAX ((size_t)10 << 20)
#define IMG_BUNDLE_FILES_MAX 2048u /* more than the largest disk that EC2 takes can have */
#define IMG_BUNDLE_FILE_NAME 104   /* with the terminator */

/* The sink of img_bundle_write; ctx: an int, the descriptor, borrowed. Blocking. */
int img_bundle_stream_file(void *ctx, const char *name, const void *bytes, size_t len,
                           struct mir_error *err);
int img_bundle_stream_end(int fd, struct mir_error *err);

/* Blocking, as long as the writer likes. Owned by one thread; 256 KiB of memory. */
struct img_bundle_stream {
    int fd;                          /* borrowed; a pipe or a file, read from where it stands */
    char name[IMG_BUNDLE_FILE_NAME]; /* of the file that is being read */
    uint64_t len, at;                /* of that file, and how much of it has come */
    unsigned files;                  /* so far */
    unsigned char *buffer;           /* owned */
    bool ended;
};

void img_bundle_stream_init(struct img_bundle_stream *stream, int fd);
void img_bundle_stream_clear(struct img_bundle_stream *stream);

/* A piece of the file `name`: len bytes at `at`, borrowed until the next call. */
struct img_bundle_piece {
    const char *name;
    uint64_t at, len;
    const unsigned char *data;
};

/* The next piece, in order; len 0: the end has come. MIR_CORRUPT: cut off, or no such stream. */
int img_bundle_stream_next(struct img_bundle_stream *stream, struct img_bundle_piece *ret,
                           struct mir_error *err);

#endif
