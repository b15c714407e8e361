/* SPDX-License-Identifier: ISC */
/*
 * QEMU's qcow2, version 3: clusters of 64 KiB, everything counted before the first byte is written,
 * so that it goes out in one pass:
 *
 *     header | refcount table | refcount blocks | L1 | L2 tables | data
 *
 * What is an extent has clusters, zeros or not; a hole has none. Format: QEMU's
 * docs/interop/qcow2.txt.
 */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "blocks.h"
#include "containers.h"
#include "put.h"

#define CLUSTER_BITS 16
#define CLUSTER ((uint64_t)1 << CLUSTER_BITS)
#define L2_ENTRIES (CLUSTER / 8)
#define L2_SPAN (L2_ENTRIES * CLUSTER) /* of the disk, by one L2 table */
#define REFCOUNTS (CLUSTER / 2)        /* in one block, of 16 bits each */
#define REFCOUNT_ORDER 4
#define HEADER_BYTES 104
#define COPIED ((uint64_t)1 << 63) /* its refcount is 1 */

/* How many clusters of each kind there are, in the order of the file; and entries of L1. */
struct plan {
    uint64_t refcount_table, refcount_blocks, l1, l2, data;
    uint64_t l1_entries;
};

static uint64_t parts(uint64_t whole, uint64_t part)
{
    return (whole + part - 1) / part;
}

static uint64_t total(const struct plan *plan)
{
    return 1 + plan->refcount_table + plan->refcount_blocks + plan->l1 + plan->l2 + plan->data;
}

static struct plan make_plan(const struct img_disk *disk)
{
    struct plan plan = {.l1_entries = parts(disk->size, L2_SPAN)};
    plan.l1 = parts(plan.l1_entries * 8, CLUSTER);
    plan.l2 = img_blocks_count(disk, L2_SPAN);
    plan.data = img_blocks_count(disk, CLUSTER);
    /* The counters count themselves: a few rounds until nothing is missing. */
    for (uint64_t before = 0; before != total(&plan);) {
        before = total(&plan);
        plan.refcount_blocks = parts(before, REFCOUNTS);
        plan.refcount_table = parts(plan.refcount_blocks * 8, CLUSTER);
    }
    return plan;
}

/* A row of tables that is being written, one cluster of it in memory. */
struct table {
    struct img_output *output; /* borrowed */
    unsigned char *cluster;    /* owned by the writer */
    uint64_t used;
};

static int flush(struct table *table, struct mir_error *err)
{
    if (!table->used)
        return 0;
    memset(table->cluster + table->used, 0, CLUSTER - table->used);
    table->used = 0;
    return img_output_write(table->output, table->cluster, CLUSTER, err);
}

static int put_entry(struct table *table, uint64_t entry, struct mir_error *err)
{
    img_put_be64(table->cluster + table->used, entry);
    table->used += 8;
    return table->used == CLUSTER ? flush(table, err) : 0;
}

static int write_header(struct table *table, const struct plan *plan, uint64_t size,
                        struct mir_error *err)
{
    unsigned char *p = table->cluster;
    memset(p, 0, HEADER_BYTES + 8); /* and the end of the (absent) extensions */
    memcpy(p, "QFI\xfb", 4);
    img_put_be32(p + 4, 3);
    img_put_be32(p + 20, CLUSTER_BITS);
    img_put_be64(p + 24, size);
    img_put_be32(p + 36, (uint32_t)plan->l1_entries);
    img_put_be64(p + 40, (1 + plan->refcount_table + plan->refcount_blocks) * CLUSTER);
    img_put_be64(p + 48, CLUSTER);
    img_put_be32(p + 56, (uint32_t)plan->refcount_table);
    img_put_be32(p + 96, REFCOUNT_ORDER);
    img_put_be32(p + 100, HEADER_BYTES);
    table->used = HEADER_BYTES + 8;
    return flush(table, err);
}

static int write_refcounts(struct table *table, const struct plan *plan, struct mir_error *err)
{
    for (uint64_t i = 0; i < plan->refcount_blocks; i++)
        if (put_entry(table, (1 + plan->refcount_table + i) * CLUSTER, err))
            return -1;
    if (flush(table, err))
        return -1;
    for (uint64_t left = total(plan); left;) {
        uint64_t here = left < REFCOUNTS ? left : REFCOUNTS;
        for (uint64_t i = 0; i < here; i++)
            img_put_be16(table->cluster + 2 * i, 1);
        table->used = 2 * here;
        if (flush(table, err))
            return -1;
        left -= here;
    }
    return 0;
}

static int write_l1(struct table *table, const struct img_disk *disk, const struct plan *plan,
                    struct mir_error *err)
{
    uint64_t next = total(plan) - plan->data - plan->l2;
    for (uint64_t i = 0; i < plan->l1_entries; i++) {
        bool has = img_disk_has(disk, i * L2_SPAN, L2_SPAN);
        if (put_entry(table, has ? next++ * CLUSTER | COPIED : 0, err))
            return -1;
    }
    return flush(table, err);
}

/* Empty entries from *at on: up to `to` when that lies in the same table, else to the table's end;
 * whole tables without an entry do not exist. */
static int skip_entries(struct table *table, uint64_t *at, uint64_t to, struct mir_error *err)
{
    while (*at < to && *at % L2_ENTRIES) {
        if (put_entry(table, 0, err))
            return -1;
        ++*at;
    }
    if (*at < to)
        *at = to - to % L2_ENTRIES;
    while (*at < to) {
        if (put_entry(table, 0, err))
            return -1;
        ++*at;
    }
    return 0;
}

static int write_l2(struct table *table, const struct img_disk *disk, const struct plan *plan,
                    struct mir_error *err)
{
    struct img_blocks blocks;
    struct img_block_run run;
    uint64_t next = total(plan) - plan->data, at = 0;
    img_blocks_init(&blocks, disk, CLUSTER);
    while (img_blocks_next(&blocks, &run)) {
        if (skip_entries(table, &at, run.first, err))
            return -1;
        for (uint64_t i = 0; i < run.count; i++, at++)
            if (put_entry(table, next++ * CLUSTER | COPIED, err))
                return -1;
    }
    return flush(table, err);
}

static int write_data(const struct img_disk *disk, struct img_input *input,
                      struct img_output *output, struct mir_error *err)
{
    mir_auto_cursor struct img_cursor cursor;
    struct img_blocks blocks;
    struct img_block_run run;
    img_cursor_init(&cursor, disk, input);
    img_blocks_init(&blocks, disk, CLUSTER);
    while (img_blocks_next(&blocks, &run)) {
        img_cursor_skip(&cursor, run.first * CLUSTER - cursor.at);
        if (img_output_disk(output, &cursor, run.count * CLUSTER, err))
            return -1;
    }
    return 0;
}

int img_write_qcow2(const struct img_disk *disk, struct img_input *input, struct img_output *output,
                    struct mir_error *err)
{
    struct plan plan = make_plan(disk);
    mir_auto_free unsigned char *cluster = mir_calloc(1, CLUSTER);
    struct table table = {.output = output, .cluster = cluster};
    if (write_header(&table, &plan, disk->size, err) || write_refcounts(&table, &plan, err) ||
        write_l1(&table, disk, &plan, err) || write_l2(&table, disk, &plan, err))
        return -1;
    return write_data(disk, input, output, err);
}
