/* SPDX-License-Identifier: ISC */
/*
 * Stream-optimised VMDK, what VMware's tools export and EC2 imports: grains of 64 KiB, each with a
 * marker and deflated, a table behind every 512 of them, and at the end the directory of the
 * tables and a footer that says where it lies. So the file is written, and can be read, in one
 * pass.
 *
 *     header | descriptor | { grain ... | table } ... | directory | footer | end
 *
 * A grain is there when something of it was written, even zeros. Format: VMware's "Virtual Disk
 * Format 1.1"; numbers are little-endian and places count sectors.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "api/memory.h"
#include "blocks.h"
#include "containers.h"
#include "put.h"

#define GRAIN ((size_t)64 << 10)
#define GRAIN_SECTORS (GRAIN / IMG_SECTOR)
#define TABLE_GRAINS 512
#define TABLE_BYTES (TABLE_GRAINS * 4)
#define DESCRIPTOR_SECTORS 20
#define FIRST_GRAIN 128 /* sectors of header and descriptor, rounded up to a grain */
#define AT_END UINT64_MAX
#define GRAIN_MARKER 12
/* A tenth larger than by zlib's own choice, in a third of the time. */
#define LEVEL 1

enum marker { MARKER_END, MARKER_TABLE, MARKER_DIRECTORY, MARKER_FOOTER };

struct vmdk {
    struct img_output *output; /* borrowed */
    uint64_t capacity;         /* sectors */
    z_stream deflate;
    unsigned char *grain;  /* as it is; owned */
    unsigned char *packed; /* marker and deflated grain; owned */
    size_t packed_room;    /* for the deflated grain */
    unsigned char *tables; /* the directory; owned */
    uint64_t table_count;  /* of the whole disk */
    uint64_t current;      /* the table that is being filled */
    bool has_grains;       /* it has entries */
    unsigned char table[TABLE_BYTES];
};

static uint64_t here(const struct vmdk *v)
{
    return v->output->at / IMG_SECTOR;
}

static int pad(struct vmdk *v, struct mir_error *err)
{
    static const unsigned char zeros[IMG_SECTOR];
    size_t over = v->output->at % IMG_SECTOR;
    return over ? img_output_write(v->output, zeros, IMG_SECTOR - over, err) : 0;
}

static int write_header(struct vmdk *v, uint64_t directory_at, struct mir_error *err)
{
    unsigned char p[IMG_SECTOR] = {0};
    memcpy(p, "KDMV", 4);
    img_put_le32(p + 4, 3);
    img_put_le32(p + 8, 0x00030001); /* line ends can be checked; compressed; with markers */
    img_put_le64(p + 12, v->capacity);
    img_put_le64(p + 20, GRAIN_SECTORS);
    img_put_le64(p + 28, 1);
    img_put_le64(p + 36, DESCRIPTOR_SECTORS);
    img_put_le32(p + 44, TABLE_GRAINS);
    img_put_le64(p + 56, directory_at);
    img_put_le64(p + 64, FIRST_GRAIN);
    memcpy(p + 73, "\n \r\n", 4);
    img_put_le16(p + 77, 1); /* deflate */
    return img_output_write(v->output, p, sizeof p, err);
}

static int write_descriptor(struct vmdk *v, struct mir_error *err)
{
    static unsigned char const zeros[IMG_SECTOR];
    char text[DESCRIPTOR_SECTORS * IMG_SECTOR] = {0};
    uint64_t cylinders = v->capacity / (255 * 63);
    snprintf(text, sizeof text,
             "# Disk DescriptorFile\n"
             "version=1\n"
             "CID=fffffffe\n"
             "parentCID=ffffffff\n"
             "createType=\"streamOptimized\"\n"
             "\n"
             "# Extent description\n"
             "RW %" PRIu64 " SPARSE \"disk.vmdk\"\n"
             "\n"
             "# The Disk Data Base\n"
             "#DDB\n"
             "\n"
             "ddb.virtualHWVersion = \"4\"\n"
             "ddb.geometry.cylinders = \"%" PRIu64 "\"\n"
             "ddb.geometry.heads = \"255\"\n"
             "ddb.geometry.sectors = \"63\"\n"
             "ddb.adapterType = \"lsilogic\"\n",
             v->capacity, cylinders ? cylinders : 1);
    if (img_output_write(v->output, text, sizeof text, err))
        return -1;
    while (here(v) < FIRST_GRAIN)
        if (img_output_write(v->output, zeros, sizeof zeros, err))
            return -1;
    return 0;
}

/* In front of `sectors` of something that is no grain. */
static int write_marker(struct vmdk *v, enum marker type, uint64_t sectors, struct mir_error *err)
{
    unsigned char p[IMG_SECTOR] = {0};
    img_put_le64(p, sectors);
    img_put_le32(p + 12, type);
    return img_output_write(v->output, p, sizeof p, err);
}

static int end_table(struct vmdk *v, struct mir_error *err)
{
    if (!v->has_grains)
        return 0;
    if (write_marker(v, MARKER_TABLE, TABLE_BYTES / IMG_SECTOR, err))
        return -1;
    img_put_le32(v->tables + 4 * v->current, (uint32_t)here(v));
    if (img_output_write(v->output, v->table, TABLE_BYTES, err))
        return -1;
    memset(v->table, 0, TABLE_BYTES);
    v->has_grains = false;
    return 0;
}

static int write_grain(struct vmdk *v, uint64_t number, struct mir_error *err)
{
    if (v->current != number / TABLE_GRAINS && end_table(v, err))
        return -1;
    if (here(v) > UINT32_MAX)
        return mir_fail(err, MIR_USAGE, "a VMDK file of more than 2 TiB");
    v->current = number / TABLE_GRAINS;
    v->has_grains = true;
    img_put_le32(v->table + 4 * (number % TABLE_GRAINS), (uint32_t)here(v));
    deflateReset(&v->deflate);
    v->deflate.next_in = v->grain;
    v->deflate.avail_in = GRAIN;
    v->deflate.next_out = v->packed + GRAIN_MARKER;
    v->deflate.avail_out = (uInt)v->packed_room;
    if (deflate(&v->deflate, Z_FINISH) != Z_STREAM_END)
        return mir_fail(err, MIR_INTERNAL, "a grain could not be deflated");
    img_put_le64(v->packed, number * GRAIN_SECTORS);
    img_put_le32(v->packed + 8, (uint32_t)v->deflate.total_out);
    if (img_output_write(v->output, v->packed, GRAIN_MARKER + v->deflate.total_out, err))
        return -1;
    return pad(v, err);
}

static int write_grains(struct vmdk *v, const struct img_disk *disk, struct img_input *input,
                        struct mir_error *err)
{
    mir_auto_cursor struct img_cursor cursor;
    struct img_blocks blocks;
    struct img_block_run run;
    img_cursor_init(&cursor, disk, input);
    img_blocks_init(&blocks, disk, GRAIN);
    while (img_blocks_next(&blocks, &run)) {
        img_cursor_skip(&cursor, run.first * GRAIN - cursor.at);
        for (uint64_t i = 0; i < run.count; i++)
            if (img_cursor_read(&cursor, v->grain, GRAIN, NULL, err) ||
                write_grain(v, run.first + i, err))
                return -1;
    }
    return end_table(v, err);
}

static int write_end(struct vmdk *v, struct mir_error *err)
{
    uint64_t bytes = v->table_count * 4, sectors = (bytes + IMG_SECTOR - 1) / IMG_SECTOR;
    if (write_marker(v, MARKER_DIRECTORY, sectors, err))
        return -1;
    uint64_t directory_at = here(v);
    if (img_output_write(v->output, v->tables, bytes, err) || pad(v, err) ||
        write_marker(v, MARKER_FOOTER, 1, err) || write_header(v, directory_at, err))
        return -1;
    return write_marker(v, MARKER_END, 0, err);
}

int img_write_vmdk(const struct img_disk *disk, struct img_input *input, struct img_output *output,
                   struct mir_error *err)
{
    struct vmdk v = {.output = output, .capacity = disk->size / IMG_SECTOR};
    if (deflateInit(&v.deflate, LEVEL) != Z_OK)
        mir_memory_out();
    v.packed_room = deflateBound(&v.deflate, GRAIN);
    v.table_count = (disk->size + TABLE_GRAINS * GRAIN - 1) / (TABLE_GRAINS * GRAIN);
    v.grain = mir_calloc(1, GRAIN);
    v.packed = mir_calloc(1, GRAIN_MARKER + v.packed_room);
    v.tables = mir_calloc(v.table_count, 4);
    int rc = write_header(&v, AT_END, err) || write_descriptor(&v, err) ||
                     write_grains(&v, disk, input, err) || write_end(&v, err)
                 ? -1
                 : 0;
    deflateEnd(&v.deflate);
    free(v.grain);
    free(v.packed);
    free(v.tables);
    return rc;
}
