/* SPDX-License-Identifier: ISC */
/*
 * VHD, fixed (the disk and a footer) and dynamic:
 *
 *     copy of the footer | header | block table | { bitmap, block } ... | footer
 *
 * in blocks of 2 MiB, the table made from the extents before the first block is written. A bit of
 * a bitmap is set for each sector that was written, wholly or in part.
 *
 * The size of the disk stands in the footer twice: exactly, and as a geometry that it seldom
 * divides into. QEMU believes the exact one of images made by Hyper-V ("win "), so that is what
 * ours say they are. No date, and an id that is made from the size.
 */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "blocks.h"
#include "containers.h"
#include "put.h"
#include "vhd.h"

#define BLOCK ((uint64_t)2 << 20)
#define BITMAP_BYTES 512 /* 4096 sectors */
#define NOWHERE UINT64_MAX

struct geometry {
    uint16_t cylinders;
    uint8_t heads, sectors;
};

/* As the specification's appendix calculates it. */
static struct geometry geometry_of(uint64_t size)
{
    uint64_t all = size / IMG_SECTOR, largest = (uint64_t)65535 * 16 * 255;
    uint64_t sectors = 17, heads, tracks;
    if (all > largest)
        all = largest;
    if (all >= (uint64_t)65535 * 16 * 63) {
        sectors = 255;
        heads = 16;
        tracks = all / sectors;
    } else {
        tracks = all / sectors;
        heads = (tracks + 1023) / 1024;
        heads = heads < 4 ? 4 : heads;
        if (tracks >= heads * 1024 || heads > 16) {
            sectors = 31;
            heads = 16;
            tracks = all / sectors;
        }
        if (tracks >= heads * 1024) {
            sectors = 63;
            heads = 16;
            tracks = all / sectors;
        }
    }
    return (struct geometry){(uint16_t)(tracks / heads), (uint8_t)heads, (uint8_t)sectors};
}

static void make_footer(unsigned char p[IMG_VHD_FOOTER], uint64_t size, uint32_t type)
{
    struct geometry geometry = geometry_of(size);
    memset(p, 0, IMG_VHD_FOOTER);
    memcpy(p, "conectix", 8);
    img_put_be32(p + 8, 2); /* features: a bit that is always set */
    img_put_be32(p + 12, 0x00010000);
    img_put_be64(p + 16, type == IMG_VHD_DYNAMIC ? IMG_VHD_FOOTER : NOWHERE);
    memcpy(p + 28, "win ", 4);
    img_put_be32(p + 32, 0x00060001);
    memcpy(p + 36, "Wi2k", 4);
    img_put_be64(p + 40, size);
    img_put_be64(p + 48, size);
    img_put_be16(p + 56, geometry.cylinders);
    p[58] = geometry.heads;
    p[59] = geometry.sectors;
    img_put_be32(p + 60, type);
    memcpy(p + 68, "unikerne", 8); /* the id: its version, 8, says "as the maker likes" */
    img_put_be64(p + 76, size);
    p[74] = 0x80;
    p[76] = 0x80;
    img_put_be32(p + IMG_VHD_FOOTER_SUM, img_vhd_sum(p, IMG_VHD_FOOTER, IMG_VHD_FOOTER_SUM));
}

int img_write_vhd(const struct img_disk *disk, struct img_input *input, struct img_output *output,
                  struct mir_error *err)
{
    unsigned char footer[IMG_VHD_FOOTER];
    make_footer(footer, disk->size, IMG_VHD_FIXED);
    if (img_write_raw(disk, input, output, err))
        return -1;
    return img_output_write(output, footer, sizeof footer, err);
}

/* --- dynamic --- */

static uint64_t block_count(const struct img_disk *disk)
{
    return (disk->size + BLOCK - 1) / BLOCK;
}

static uint64_t table_bytes(const struct img_disk *disk)
{
    return (block_count(disk) * 4 + IMG_SECTOR - 1) / IMG_SECTOR * IMG_SECTOR;
}

static void make_header(unsigned char p[IMG_VHD_HEADER], const struct img_disk *disk)
{
    memset(p, 0, IMG_VHD_HEADER);
    memcpy(p, "cxsparse", 8);
    img_put_be64(p + 8, NOWHERE);
    img_put_be64(p + 16, IMG_VHD_FOOTER + IMG_VHD_HEADER);
    img_put_be32(p + 24, 0x00010000);
    img_put_be32(p + 28, (uint32_t)block_count(disk));
    img_put_be32(p + 32, (uint32_t)BLOCK);
    img_put_be32(p + IMG_VHD_HEADER_SUM, img_vhd_sum(p, IMG_VHD_HEADER, IMG_VHD_HEADER_SUM));
}

/* Where each block lies, in sectors: 4 MiB for the largest disk. */
static int write_table(const struct img_disk *disk, struct img_output *output,
                       struct mir_error *err)
{
    struct img_blocks blocks;
    struct img_block_run run;
    uint64_t bytes = table_bytes(disk);
    uint64_t at = (IMG_VHD_FOOTER + IMG_VHD_HEADER + bytes) / IMG_SECTOR;
    mir_auto_free unsigned char *table = mir_calloc(1, bytes);
    memset(table, 0xff, bytes);
    img_blocks_init(&blocks, disk, BLOCK);
    while (img_blocks_next(&blocks, &run))
        for (uint64_t i = 0; i < run.count; i++) {
            img_put_be32(table + 4 * (run.first + i), (uint32_t)at);
            at += (BITMAP_BYTES + BLOCK) / IMG_SECTOR;
        }
    return img_output_write(output, table, bytes, err);
}

/* Sets the bits of one block from what `written` (the disk's sectors) gives; *run is the run that
 * is not used up yet. */
static void make_bitmap(unsigned char bitmap[BITMAP_BYTES], uint64_t block,
                        struct img_blocks *written, struct img_block_run *run)
{
    uint64_t first = block * (BLOCK / IMG_SECTOR), end = first + BLOCK / IMG_SECTOR;
    memset(bitmap, 0, BITMAP_BYTES);
    for (;;) {
        uint64_t run_end = run->first + run->count;
        for (uint64_t s = run->first > first ? run->first : first; s < end && s < run_end; s++)
            bitmap[(s - first) / 8] |= (unsigned char)(0x80 >> (s - first) % 8);
        if (run_end > end || !img_blocks_next(written, run))
            return;
    }
}

static int write_blocks(const struct img_disk *disk, struct img_input *input,
                        struct img_output *output, struct mir_error *err)
{
    mir_auto_cursor struct img_cursor cursor;
    unsigned char bitmap[BITMAP_BYTES];
    struct img_blocks blocks, written;
    struct img_block_run run, sectors = {0};
    img_cursor_init(&cursor, disk, input);
    img_blocks_init(&blocks, disk, BLOCK);
    img_blocks_init(&written, disk, IMG_SECTOR);
    while (img_blocks_next(&blocks, &run)) {
        img_cursor_skip(&cursor, run.first * BLOCK - cursor.at);
        for (uint64_t i = 0; i < run.count; i++) {
            make_bitmap(bitmap, run.first + i, &written, &sectors);
            if (img_output_write(output, bitmap, sizeof bitmap, err) ||
                img_output_disk(output, &cursor, BLOCK, err))
                return -1;
        }
    }
    return 0;
}

int img_write_vhd_dynamic(const struct img_disk *disk, struct img_input *input,
                          struct img_output *output, struct mir_error *err)
{
    unsigned char footer[IMG_VHD_FOOTER], header[IMG_VHD_HEADER];
    make_footer(footer, disk->size, IMG_VHD_DYNAMIC);
    make_header(header, disk);
    if (img_output_write(output, footer, sizeof footer, err) ||
        img_output_write(output, header, sizeof header, err) || write_table(disk, output, err) ||
        write_blocks(disk, input, output, err))
        return -1;
    return img_output_write(output, footer, sizeof footer, err);
}
