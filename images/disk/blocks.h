/* SPDX-License-Identifier: ISC */
/*
 * Which blocks of a sealed disk hold an extent or a part of one: what containers that work by
 * blocks make their tables of. Goes through the extents once. Pure.
 */
#ifndef IMAGES_DISK_BLOCKS_H
#define IMAGES_DISK_BLOCKS_H

#include "images/disk.h"

struct img_blocks {
    const struct img_disk *disk; /* borrowed */
    uint64_t block_bytes;
    size_t next; /* the first extent of the next run */
};

/* Blocks that follow one another. */
struct img_block_run {
    uint64_t first, count;
};

void img_blocks_init(struct img_blocks *blocks, const struct img_disk *disk, uint64_t block_bytes);

/* The next run, as long as it can be; false behind the last. */
bool img_blocks_next(struct img_blocks *blocks, struct img_block_run *ret);

/* How many blocks there are in all runs. */
uint64_t img_blocks_count(const struct img_disk *disk, uint64_t block_bytes);

#endif
