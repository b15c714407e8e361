/* SPDX-License-Identifier: ISC */
/*
 * What a disk is written as: one table of container formats, each a function that goes through a
 * sealed disk once and writes it to a descriptor.
 *
 * The bytes depend on disk and options alone: equal input gives equal output, everywhere. Blocking;
 * any number of threads, each with a disk, an input and an output of its own.
 */
#ifndef IMAGES_CONTAINER_H
#define IMAGES_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images/stream.h"

/* Where the container goes: a regular file, empty (holes stay holes), or a pipe. */
struct img_output {
    int fd;        /* borrowed */
    bool seekable; /* a regular file */
    uint64_t at;   /* written so far, holes included */
};

void img_output_init(struct img_output *output, int fd);
/* MIR_NO_SPACE, MIR_FAILED. */
int img_output_write(struct img_output *output, const void *data, size_t len,
                     struct mir_error *err);
/* len zero bytes: a hole in a file, written to a pipe. */
int img_output_zeros(struct img_output *output, uint64_t len, struct mir_error *err);
/* Behind the last byte: gives a file that ends in a hole its size. */
int img_output_end(struct img_output *output, struct mir_error *err);

struct img_container {
    const char *name;     /* as in --format */
    const char *ending;   /* usual ending of file names, with the dot */
    const char *purpose;  /* one line for people */
    uint64_t align_bytes; /* the disk's size has to be a multiple of this; others round it up first
                             (img_container_size) */
    /* Writes a sealed disk of a size that fits. */
    int (*write)(const struct img_disk *disk, struct img_input *input, struct img_output *output,
                 struct mir_error *err);
};

/* The whole table, static; ends with a name of NULL. */
const struct img_container *img_containers(void);
const struct img_container *img_container_by_name(const char *name); /* NULL: no such format */

/* The size that a disk of at least size_bytes gets for this container. */
uint64_t img_container_size(const struct img_container *container, uint64_t size_bytes);

#endif
