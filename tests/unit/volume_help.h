/* SPDX-License-Identifier: ISC */
/* What the tests of partition tables and file systems share: a disk looked at byte by byte, with an
 * input whose bytes tell where they come from. */
#ifndef VOLUME_HELP_H
#define VOLUME_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"
#include "images/volume.h"

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

/* The input's byte at this place. */
static inline unsigned char input_byte(uint64_t at)
{
    return (unsigned char)(at * 2654435761u >> 19);
}

/* The extent of a sealed disk that holds the place, or NULL. */
static inline const struct img_extent *extent_at(const struct img_disk *disk, uint64_t at)
{
    size_t low = 0, high = disk->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct img_extent *e = &disk->extents[middle];
        if (e->at + e->len <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low < disk->count && disk->extents[low].at <= at ? &disk->extents[low] : NULL;
}

static inline unsigned char byte_at(const struct img_disk *disk, uint64_t at)
{
    const struct img_extent *e = extent_at(disk, at);
    if (!e)
        return 0;
    return e->bytes ? e->bytes[at - e->at] : input_byte(e->input_at + at - e->at);
}

static inline void bytes_at(const struct img_disk *disk, uint64_t at, void *buf, size_t len)
{
    unsigned char *out = buf;
    assert_true(at + len <= disk->size);
    for (size_t i = 0; i < len; i++)
        out[i] = byte_at(disk, at + i);
}

static inline uint32_t le32_at(const struct img_disk *disk, uint64_t at)
{
    unsigned char p[4];
    bytes_at(disk, at, p, sizeof p);
    return krn_le32(p);
}

static inline unsigned le16_at(const struct img_disk *disk, uint64_t at)
{
    return le32_at(disk, at) & 0xffff;
}

/* True when [at, at + len) of the disk is the file's bytes from `from` on: ends and middle are
 * looked at. */
static inline bool holds(const struct img_disk *disk, uint64_t at, const struct img_file *file,
                         uint64_t from, uint64_t len)
{
    const uint64_t looks[] = {0, len / 3, len / 2, len - 1};
    for (size_t i = 0; len && i < MIR_NELEMS(looks); i++) {
        uint64_t n = from + looks[i];
        if (!extent_at(disk, at + looks[i]) ||
            byte_at(disk, at + looks[i]) !=
                (file->bytes ? file->bytes[n] : input_byte(file->input_at + n)))
            return false;
    }
    return true;
}

static inline struct img_file input_file(const char *path, uint64_t at, uint64_t len)
{
    return (struct img_file){.path = path, .len = len, .input_at = at};
}

static inline struct img_disk disk_of(uint64_t size)
{
    struct img_disk disk;
    assert_int_equal(img_disk_init(&disk, size, NULL), 0);
    return disk;
}

/* The same extents with the same bytes. */
static inline bool same_disks(const struct img_disk *a, const struct img_disk *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        const struct img_extent *x = &a->extents[i], *y = &b->extents[i];
        same = x->at == y->at && x->len == y->len && x->input_at == y->input_at &&
               !x->bytes == !y->bytes && (!x->bytes || !memcmp(x->bytes, y->bytes, x->len));
    }
    return same;
}

/* The next of a row of numbers that are the same in every run. */
static inline uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 20;
}

#endif
