/* SPDX-License-Identifier: ISC */
/*
 * qcow2, versions 2 and 3: the active layer's two levels of tables. Internal snapshots are not
 * looked at. Clusters that read as zeros are holes. Format: QEMU's docs/interop/qcow2.txt.
 */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "bytes.h"
#include "gather.h"

#define HEADER_V2 72
#define HEADER_V3 104
#define L1_BYTES_MAX ((uint64_t)32 << 20) /* QEMU's own limit */
#define L1_PIECE 4096                     /* entries in memory at a time */

#define OFFSET_MASK 0x00fffffffffffe00ull
#define COPIED (1ull << 63)
#define COMPRESSED (1ull << 62)
#define READS_ZERO 1ull

/* Bits of what a reader has to know. Without effect here: that refcounts may be wrong (1), and how
 * compressed clusters, which are refused one by one, are compressed (8). */
#define CORRUPT_BIT 2ull
#define DATA_FILE_BIT 4ull
#define WITHOUT_EFFECT (1ull | 8ull)

struct qcow2 {
    unsigned version;
    uint64_t cluster_bytes, size, l1_at, l1_entries;
    unsigned char *l2; /* owned; one cluster */
};

static int damaged(const char *what, struct mir_error *err)
{
    mir_fail(err, MIR_CORRUPT, "damaged qcow2 image: %s", what);
    return mir_error_hint(err, "fetch or copy the file again; qemu-img check says more");
}

static int refused(const char *what, struct mir_error *err)
{
    mir_fail(err, MIR_USAGE, "the qcow2 image %s", what);
    return mir_error_hint(err, "make a plain one of it: qemu-img convert -O qcow2 OLD NEW");
}

static int check_features(const unsigned char *p, struct mir_error *err)
{
    uint64_t features = krn_be64(p + 72) & ~WITHOUT_EFFECT;
    if (features & CORRUPT_BIT)
        return damaged("it says so itself", err);
    if (features & DATA_FILE_BIT)
        return refused("keeps its data in another file", err);
    if (features)
        return refused("uses features that are not known here", err);
    return 0;
}

static int take_header(struct img_gather *gather, struct qcow2 *q, struct mir_error *err)
{
    unsigned char p[HEADER_V3] = {0};
    if (img_gather_read(gather, 0, p, HEADER_V2, err))
        return -1;
    q->version = krn_be32(p + 4);
    if (memcmp(p, "QFI\xfb", 4) || q->version < 2 || q->version > 3)
        return damaged("it does not begin as one of version 2 or 3", err);
    if (img_gather_table(gather, 0, p, q->version == 3 ? HEADER_V3 : HEADER_V2, err))
        return -1;
    if (q->version == 3 && check_features(p, err))
        return -1;
    if (krn_be64(p + 8))
        return refused("leans on another file (its backing file)", err);
    if (krn_be32(p + 32))
        return refused("is encrypted", err);
    uint32_t bits = krn_be32(p + 20);
    if (bits < 9 || bits > 21)
        return damaged("its clusters have an impossible size", err);
    q->cluster_bytes = (uint64_t)1 << bits;
    q->size = krn_be64(p + 24);
    q->l1_entries = krn_be32(p + 36);
    q->l1_at = krn_be64(p + 40);
    return img_disk_init(&gather->disk, q->size, err);
}

static int take_cluster(struct img_gather *gather, const struct qcow2 *q, uint64_t at,
                        uint64_t entry, struct mir_error *err)
{
    if (entry & COMPRESSED)
        return refused("is compressed", err);
    uint64_t zero = q->version >= 3 ? entry & READS_ZERO : 0;
    uint64_t file_at = entry & OFFSET_MASK;
    if (entry & ~(OFFSET_MASK | COPIED | zero) || file_at % q->cluster_bytes)
        return damaged("an entry of its cluster tables makes no sense", err);
    if (zero || !file_at)
        return 0;
    uint64_t left = q->size - at;
    return img_gather_add(gather, at, file_at, left < q->cluster_bytes ? left : q->cluster_bytes,
                          err);
}

/* The table of the second level for the disk from `at` on. */
static int take_l2(struct img_gather *gather, const struct qcow2 *q, uint64_t at, uint64_t entry,
                   struct mir_error *err)
{
    uint64_t file_at = entry & OFFSET_MASK;
    if (entry & ~(OFFSET_MASK | COPIED) || file_at % q->cluster_bytes)
        return damaged("an entry of its first cluster table makes no sense", err);
    if (!file_at)
        return 0;
    if (img_gather_table(gather, file_at, q->l2, (size_t)q->cluster_bytes, err))
        return -1;
    for (uint64_t i = 0; i < q->cluster_bytes / 8 && at < q->size; i++, at += q->cluster_bytes)
        if (take_cluster(gather, q, at, krn_be64(q->l2 + 8 * i), err))
            return -1;
    return 0;
}

static int take_l1(struct img_gather *gather, const struct qcow2 *q, struct mir_error *err)
{
    uint64_t span = q->cluster_bytes / 8 * q->cluster_bytes, need = (q->size + span - 1) / span;
    mir_auto_free unsigned char *l1 = mir_calloc(L1_PIECE, 8);
    if (q->l1_entries < need)
        return damaged("its first cluster table is too short for its size", err);
    if (need > L1_BYTES_MAX / 8)
        return refused("has a cluster table that is too large for its small clusters", err);
    for (uint64_t first = 0; first < need; first += L1_PIECE) {
        uint64_t count = need - first < L1_PIECE ? need - first : L1_PIECE;
        if (img_gather_table(gather, q->l1_at + 8 * first, l1, (size_t)count * 8, err))
            return -1;
        for (uint64_t i = 0; i < count; i++)
            if (take_l2(gather, q, (first + i) * span, krn_be64(l1 + 8 * i), err))
                return -1;
    }
    return 0;
}

int img_read_qcow2(struct img_gather *gather, struct mir_error *err)
{
    struct qcow2 q = {0};
    if (take_header(gather, &q, err))
        return -1;
    if (q.l1_at > gather->file_bytes)
        return damaged("its first cluster table lies behind its end", err);
    mir_auto_free unsigned char *l2 = mir_calloc(1, (size_t)q.cluster_bytes);
    q.l2 = l2;
    return take_l1(gather, &q, err);
}
