/* SPDX-License-Identifier: ISC */
/*
 * VHD, fixed and dynamic. The disk's size is the exact one of the footer, not the geometry's.
 * Of a dynamic disk's block, what the bitmap does not name is a hole.
 */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "bytes.h"
#include "gather.h"
#include "vhd.h"

#define BLOCK_BYTES_MIN ((uint64_t)64 << 10)
#define BLOCK_BYTES_MAX ((uint64_t)64 << 20)
#define TABLE_PIECE 4096 /* entries in memory at a time */

struct vhd {
    uint64_t size, block_bytes, table_at, entries;
    uint64_t bitmap_bytes;
    unsigned char *bitmap; /* owned */
};

static int damaged(const char *what, struct mir_error *err)
{
    mir_fail(err, MIR_CORRUPT, "damaged VHD image: %s", what);
    return mir_error_hint(err, "fetch or copy the file again");
}

static int take_footer(struct img_gather *gather, unsigned char p[IMG_VHD_FOOTER],
                       struct mir_error *err)
{
    if (gather->file_bytes < IMG_VHD_FOOTER)
        return damaged("its footer is missing", err);
    if (img_gather_table(gather, gather->file_bytes - IMG_VHD_FOOTER, p, IMG_VHD_FOOTER, err))
        return -1;
    if (memcmp(p, "conectix", 8))
        return damaged("its footer is missing", err);
    if (img_vhd_sum(p, IMG_VHD_FOOTER, IMG_VHD_FOOTER_SUM) != krn_be32(p + IMG_VHD_FOOTER_SUM))
        return damaged("its footer's checksum is wrong", err);
    return img_disk_init(&gather->disk, krn_be64(p + 48), err);
}

static int take_header(struct img_gather *gather, uint64_t at, struct vhd *v, struct mir_error *err)
{
    unsigned char p[IMG_VHD_HEADER];
    if (img_gather_table(gather, at, p, sizeof p, err))
        return -1;
    if (memcmp(p, "cxsparse", 8))
        return damaged("the header of its blocks is missing", err);
    if (img_vhd_sum(p, sizeof p, IMG_VHD_HEADER_SUM) != krn_be32(p + IMG_VHD_HEADER_SUM))
        return damaged("its header's checksum is wrong", err);
    v->size = gather->disk.size;
    v->table_at = krn_be64(p + 16);
    v->block_bytes = krn_be32(p + 32);
    v->bitmap_bytes = img_vhd_bitmap_bytes(v->block_bytes);
    if (v->block_bytes < BLOCK_BYTES_MIN || v->block_bytes > BLOCK_BYTES_MAX ||
        v->block_bytes & (v->block_bytes - 1))
        return damaged("its blocks have an impossible size", err);
    v->entries = (v->size + v->block_bytes - 1) / v->block_bytes;
    if (krn_be32(p + 28) < v->entries)
        return damaged("its block table is too short for its size", err);
    if (v->table_at > gather->file_bytes)
        return damaged("its block table lies behind its end", err);
    return 0;
}

static bool is_set(const unsigned char *bitmap, uint64_t bit)
{
    return bitmap[bit / 8] & 0x80 >> bit % 8;
}

/* The block at `at` of the disk, whose bitmap begins at file_at. */
static int take_block(struct img_gather *gather, const struct vhd *v, uint64_t at, uint64_t file_at,
                      struct mir_error *err)
{
    uint64_t left = v->size - at;
    uint64_t sectors = (left < v->block_bytes ? left : v->block_bytes) / IMG_SECTOR;
    if (img_gather_table(gather, file_at, v->bitmap, (size_t)v->bitmap_bytes, err))
        return -1;
    for (uint64_t first = 0, end; first < sectors; first = end) {
        bool set = is_set(v->bitmap, first);
        for (end = first + 1; end < sectors && is_set(v->bitmap, end) == set;)
            end++;
        if (set && img_gather_add(gather, at + first * IMG_SECTOR,
                                  file_at + v->bitmap_bytes + first * IMG_SECTOR,
                                  (end - first) * IMG_SECTOR, err))
            return -1;
    }
    return 0;
}

static int take_table(struct img_gather *gather, const struct vhd *v, struct mir_error *err)
{
    mir_auto_free unsigned char *table = mir_calloc(TABLE_PIECE, 4);
    for (uint64_t first = 0; first < v->entries; first += TABLE_PIECE) {
        uint64_t count = v->entries - first < TABLE_PIECE ? v->entries - first : TABLE_PIECE;
        if (img_gather_table(gather, v->table_at + 4 * first, table, (size_t)count * 4, err))
            return -1;
        for (uint64_t i = 0; i < count; i++) {
            uint32_t sector = krn_be32(table + 4 * i);
            if (sector != IMG_VHD_UNUSED && take_block(gather, v, (first + i) * v->block_bytes,
                                                       (uint64_t)sector * IMG_SECTOR, err))
                return -1;
        }
    }
    return 0;
}

int img_read_vhd(struct img_gather *gather, struct mir_error *err)
{
    unsigned char footer[IMG_VHD_FOOTER];
    struct vhd v = {0};
    if (take_footer(gather, footer, err))
        return -1;
    uint32_t type = krn_be32(footer + 60);
    if (type == IMG_VHD_FIXED)
        return img_gather_whole(gather, gather->disk.size, err);
    if (type != IMG_VHD_DYNAMIC) {
        mir_fail(err, MIR_USAGE,
                 type == IMG_VHD_DIFFERENCING
                     ? "the VHD image holds only what differs from another file"
                     : "a VHD image of a kind that is not known");
        return mir_error_hint(err, "make a whole one of it: qemu-img convert -O vpc OLD NEW");
    }
    if (take_header(gather, krn_be64(footer + 16), &v, err))
        return -1;
    mir_auto_free unsigned char *bitmap = mir_calloc(1, (size_t)v.bitmap_bytes);
    v.bitmap = bitmap;
    return take_table(gather, &v, err);
}
