/* SPDX-License-Identifier: ISC */
#include "blocks.h"

void img_blocks_init(struct img_blocks *blocks, const struct img_disk *disk, uint64_t block_bytes)
{
    *blocks = (struct img_blocks){.disk = disk, .block_bytes = block_bytes};
}

/* Behind the last block of this extent. */
static uint64_t end_of(const struct img_blocks *blocks, const struct img_extent *e)
{
    return (e->at + e->len - 1) / blocks->block_bytes + 1;
}

bool img_blocks_next(struct img_blocks *blocks, struct img_block_run *ret)
{
    const struct img_disk *disk = blocks->disk;
    if (blocks->next == disk->count)
        return false;
    uint64_t first = disk->extents[blocks->next].at / blocks->block_bytes, end = first;
    /* An extent that begins where the run ends, or in its last block, belongs to it. */
    for (; blocks->next < disk->count; blocks->next++) {
        const struct img_extent *e = &disk->extents[blocks->next];
        if (e->at / blocks->block_bytes > end)
            break;
        end = end_of(blocks, e);
    }
    *ret = (struct img_block_run){.first = first, .count = end - first};
    return true;
}

uint64_t img_blocks_count(const struct img_disk *disk, uint64_t block_bytes)
{
    struct img_blocks blocks;
    struct img_block_run run;
    uint64_t count = 0;
    img_blocks_init(&blocks, disk, block_bytes);
    while (img_blocks_next(&blocks, &run))
        count += run.count;
    return count;
}
