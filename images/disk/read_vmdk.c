/* SPDX-License-Identifier: ISC */
/*
 * VMDK, monolithic sparse and stream-optimised: a directory of grain tables, and grains that lie in
 * the file as they are or deflated. What no table names, or names as zeros, is a hole. The second
 * directory that some files have is a copy and not looked at.
 */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "bytes.h"
#include "gather.h"
#include "vmdk_head.h"

#define DIRECTORY_BYTES_MAX ((uint64_t)32 << 20)
#define DIRECTORY_PIECE 4096 /* entries in memory at a time */
#define FOOTER_SECTORS 3     /* its marker, itself, and the end of the stream */
#define MARKER_FOOTER 3
#define ZEROED 1

struct vmdk {
    struct img_vmdk_head head;
    uint64_t span;        /* of the disk, that one table is for */
    unsigned char *table; /* owned: one grain table */
};

static int damaged(const char *what, struct mir_error *err)
{
    mir_fail(err, MIR_CORRUPT, "damaged VMDK image: %s", what);
    return mir_error_hint(err, "fetch or copy the file again; qemu-img check says more");
}

static bool say_the_same(const struct img_vmdk_head *a, const struct img_vmdk_head *b)
{
    return a->size == b->size && a->grain_bytes == b->grain_bytes &&
           a->table_entries == b->table_entries && a->packed == b->packed &&
           a->text_at == b->text_at && a->text_bytes == b->text_bytes;
}

/* Of a file that was written in one pass the first header does not know where the directory is. */
static int take_footer(struct img_gather *gather, struct vmdk *v, struct mir_error *err)
{
    unsigned char p[FOOTER_SECTORS * IMG_VMDK_SECTOR];
    const unsigned char *end = p + (size_t)2 * IMG_VMDK_SECTOR;
    struct img_vmdk_head foot;
    if (gather->file_bytes < sizeof p)
        return damaged("its footer is missing", err);
    if (img_gather_table(gather, gather->file_bytes - sizeof p, p, sizeof p, err))
        return -1;
    if (krn_le64(p) != 1 || krn_le32(p + 8) || krn_le32(p + 12) != MARKER_FOOTER || krn_le64(end) ||
        krn_le64(end + 8))
        return damaged("its footer is missing", err);
    if (img_vmdk_head(p + IMG_VMDK_SECTOR, &foot, err))
        return -1;
    if (!say_the_same(&foot, &v->head))
        return damaged("its footer says something else than its header", err);
    if (foot.directory_at_end)
        return damaged("nothing says where its directory is", err);
    v->head.directory_at = foot.directory_at;
    return 0;
}

static int check_text(struct img_gather *gather, const struct vmdk *v, struct mir_error *err)
{
    enum img_vmdk_kind kind = IMG_VMDK_PIECES;
    mir_auto_free unsigned char *text = mir_calloc(1, IMG_VMDK_TEXT_MAX);
    if (v->head.text_at && v->head.text_bytes) {
        if (img_gather_table(gather, v->head.text_at, text, (size_t)v->head.text_bytes, err))
            return -1;
        kind = img_vmdk_kind(text, (size_t)v->head.text_bytes);
    }
    if (kind == IMG_VMDK_WHOLE)
        return 0;
    if (kind == IMG_VMDK_NO_TEXT)
        return damaged("its description makes no sense", err);
    mir_fail(err, MIR_USAGE,
             kind == IMG_VMDK_PARENT
                 ? "the VMDK image holds only what differs from another file"
                 : "the VMDK image is one of several files that make up a disk");
    return mir_error_hint(err, "make a whole one of it: qemu-img convert -O qcow2 OLD NEW");
}

static int take_head(struct img_gather *gather, struct vmdk *v, struct mir_error *err)
{
    unsigned char p[IMG_VMDK_HEAD_BYTES];
    if (img_gather_table(gather, 0, p, sizeof p, err) || img_vmdk_head(p, &v->head, err))
        return -1;
    if (v->head.directory_at_end && take_footer(gather, v, err))
        return -1;
    if (check_text(gather, v, err))
        return -1;
    v->span = v->head.table_entries * v->head.grain_bytes;
    return img_disk_init(&gather->disk, v->head.size, err);
}

/* The marker says which grain it is, and how long. */
static int take_packed(struct img_gather *gather, const struct vmdk *v, uint64_t at,
                       uint64_t file_at, uint64_t len, struct mir_error *err)
{
    unsigned char marker[IMG_VMDK_MARKER_BYTES];
    if (img_gather_read(gather, file_at, marker, sizeof marker, err))
        return -1;
    uint32_t packed_len = krn_le32(marker + 8);
    if (krn_le64(marker) != at / IMG_VMDK_SECTOR || !packed_len ||
        packed_len > 2 * v->head.grain_bytes)
        return damaged("a grain is not what its table says", err);
    return img_gather_packed(gather, at, file_at + sizeof marker, packed_len, len, err);
}

static int take_grain(struct img_gather *gather, const struct vmdk *v, uint64_t at, uint32_t entry,
                      struct mir_error *err)
{
    uint64_t left = v->head.size - at;
    uint64_t len = left < v->head.grain_bytes ? left : v->head.grain_bytes;
    if (!entry || (v->head.zeroed && entry == ZEROED))
        return 0;
    uint64_t file_at = entry * IMG_VMDK_SECTOR;
    return v->head.packed ? take_packed(gather, v, at, file_at, len, err)
                          : img_gather_add(gather, at, file_at, len, err);
}

/* The grain table for the disk from `at` on. */
static int take_table(struct img_gather *gather, const struct vmdk *v, uint64_t at, uint32_t entry,
                      struct mir_error *err)
{
    if (!entry)
        return 0;
    if (img_gather_table(gather, entry * IMG_VMDK_SECTOR, v->table,
                         (size_t)v->head.table_entries * 4, err))
        return -1;
    for (uint32_t i = 0; i < v->head.table_entries && at < v->head.size;
         i++, at += v->head.grain_bytes)
        if (take_grain(gather, v, at, krn_le32(v->table + (size_t)4 * i), err))
            return -1;
    return 0;
}

static int take_directory(struct img_gather *gather, const struct vmdk *v, struct mir_error *err)
{
    uint64_t count = (v->head.size + v->span - 1) / v->span;
    mir_auto_free unsigned char *piece = mir_calloc(DIRECTORY_PIECE, 4);
    if (count > DIRECTORY_BYTES_MAX / 4)
        return damaged("its grain tables are too small for its size", err);
    if (v->head.directory_at > gather->file_bytes)
        return damaged("its directory lies behind its end", err);
    for (uint64_t first = 0; first < count; first += DIRECTORY_PIECE) {
        uint64_t n = count - first < DIRECTORY_PIECE ? count - first : DIRECTORY_PIECE;
        if (img_gather_table(gather, v->head.directory_at + 4 * first, piece, (size_t)n * 4, err))
            return -1;
        for (uint64_t i = 0; i < n; i++)
            if (take_table(gather, v, (first + i) * v->span, krn_le32(piece + 4 * i), err))
                return -1;
    }
    return 0;
}

int img_read_vmdk(struct img_gather *gather, struct mir_error *err)
{
    struct vmdk v = {.table = NULL};
    if (take_head(gather, &v, err))
        return -1;
    mir_auto_free unsigned char *table = mir_calloc(v.head.table_entries, 4);
    v.table = table;
    return take_directory(gather, &v, err);
}
