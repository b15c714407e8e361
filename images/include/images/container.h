/* SPDX-License-Identifier: ISC */
/*
 * What a disk is written as: one table of container formats, each a function that goes through a
 * sealed disk once and writes it to a descriptor, with memory that does not grow with the disk.
 *
 * The bytes depend on disk and options alone: equal input gives equal output, everywhere (vmdk: by
 * the same zlib). No dates, nothing random: ids that a format wants are made from the disk's size.
 * Blocking; any number of threads, each with a disk, an input and an output of its own.
 */
#ifndef IMAGES_CONTAINER_H
#define IMAGES_CONTAINER_H

#include <stdint.h>

#include "images/output.h"

struct img_container {
    const char *name;     /* as in --format */
    const char *ending;   /* usual ending of file names, with the dot */
    const char *purpose;  /* one line for people */
    uint64_t align_bytes; /* the disk's size has to be a multiple of this; others round it up first
                             (img_container_size) */
    /* Writes a sealed disk of a size that fits: called by img_container_write. */
    int (*write)(const struct img_disk *disk, struct img_input *input, struct img_output *output,
                 struct mir_error *err);
};

/* The whole table, static; ends with a name of NULL. */
const struct img_container *img_containers(void);
const struct img_container *img_container_by_name(const char *name); /* NULL: no such format */

/* The size that a disk of at least size_bytes gets for this container (img_disk_grow gives it to a
 * ready-made one). */
uint64_t img_container_size(const struct img_container *container, uint64_t size_bytes);

/* Writes the disk, and the file's size. MIR_INTERNAL for a disk that is not sealed or has a size
 * that the container does not take; MIR_USAGE when a pipe would have to be read backwards;
 * MIR_CORRUPT when the input ends too early; MIR_NO_SPACE, MIR_FAILED of the output. */
int img_container_write(const struct img_container *container, const struct img_disk *disk,
                        struct img_input *input, struct img_output *output, struct mir_error *err);

#endif
