/* SPDX-License-Identifier: ISC */
#include "images/disk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "sort.h"

static int check_size(uint64_t size_bytes, struct mir_error *err)
{
    if (!size_bytes || size_bytes % IMG_SECTOR) {
        mir_fail(err, MIR_USAGE, "a disk of %" PRIu64 " bytes", size_bytes);
        return mir_error_hint(err, "its size is a multiple of 512 bytes");
    }
    if (size_bytes > IMG_DISK_BYTES_MAX) {
        mir_fail(err, MIR_USAGE, "a disk of %" PRIu64 " GiB", size_bytes >> 30);
        return mir_error_hint(err, "at most %" PRIu64 " GiB", IMG_DISK_BYTES_MAX >> 30);
    }
    return 0;
}

int img_disk_init(struct img_disk *disk, uint64_t size_bytes, struct mir_error *err)
{
    *disk = (struct img_disk){.size = size_bytes};
    return check_size(size_bytes, err);
}

int img_disk_grow(struct img_disk *disk, uint64_t size_bytes, struct mir_error *err)
{
    if (size_bytes < disk->size)
        return mir_fail(err, MIR_INTERNAL, "a disk does not become smaller");
    if (check_size(size_bytes, err))
        return -1;
    disk->size = size_bytes;
    return 0;
}

void img_disk_clear(struct img_disk *disk)
{
    for (size_t i = 0; i < disk->count; i++)
        free((void *)(uintptr_t)disk->extents[i].bytes); /* made by img_disk_room */
    free(disk->extents);
    *disk = (struct img_disk){0};
}

static void append(struct img_disk *disk, struct img_extent extent)
{
    if (disk->count == disk->room) {
        disk->room = disk->room ? 2 * disk->room : 32;
        disk->extents = mir_realloc(disk->extents, disk->room, sizeof *disk->extents);
    }
    disk->extents[disk->count++] = extent;
}

static int check_open(const struct img_disk *disk, struct mir_error *err)
{
    return disk->sealed ? mir_fail(err, MIR_INTERNAL, "the disk is sealed already") : 0;
}

unsigned char *img_disk_room(struct img_disk *disk, uint64_t at, uint64_t len,
                             struct mir_error *err)
{
    if (check_open(disk, err))
        return NULL;
    if (!len || len > IMG_DISK_MADE_MAX - disk->made_bytes) {
        mir_fail(err, MIR_USAGE, "the disk's own tables would take more than %" PRIu64 " MiB",
                 IMG_DISK_MADE_MAX >> 20);
        mir_error_hint(err, "is the kernel or the disk far larger than it should be?");
        return NULL;
    }
    unsigned char *bytes = mir_calloc(1, (size_t)len);
    disk->made_bytes += len;
    append(disk, (struct img_extent){.at = at, .len = len, .bytes = bytes});
    return bytes;
}

int img_disk_bytes(struct img_disk *disk, uint64_t at, const void *data, size_t len,
                   struct mir_error *err)
{
    unsigned char *bytes = img_disk_room(disk, at, len, err);
    if (!bytes)
        return -1;
    memcpy(bytes, data, len);
    return 0;
}

int img_disk_input(struct img_disk *disk, uint64_t at, uint64_t input_at, uint64_t len,
                   struct mir_error *err)
{
    if (check_open(disk, err))
        return -1;
    if (!len || input_at > UINT64_MAX - len)
        return mir_fail(err, MIR_INTERNAL, "an empty or impossible range of the input");
    append(disk, (struct img_extent){.at = at, .len = len, .input_at = input_at});
    return 0;
}

int img_disk_from(struct img_disk *disk, uint64_t at, struct img_input *from, uint64_t from_at,
                  uint64_t len, struct mir_error *err)
{
    if (img_disk_input(disk, at, from_at, len, err))
        return -1;
    disk->extents[disk->count - 1].from = from;
    return 0;
}

int img_disk_packed(struct img_disk *disk, uint64_t at, uint64_t input_at, uint32_t packed_len,
                    uint64_t len, struct mir_error *err)
{
    if (!packed_len || len > IMG_PACKED_MAX)
        return mir_fail(err, MIR_INTERNAL, "a packed range of an impossible length");
    if (img_disk_input(disk, at, input_at, len, err))
        return -1;
    disk->extents[disk->count - 1].packed_len = packed_len;
    return 0;
}

uint64_t img_extent_input_len(const struct img_extent *extent)
{
    return extent->packed_len ? extent->packed_len : extent->len;
}

/* Two ranges of one file that are neighbours on both sides are one. */
static bool continues(const struct img_extent *a, const struct img_extent *b)
{
    return !a->bytes && !b->bytes && !a->packed_len && !b->packed_len && a->from == b->from &&
           a->at + a->len == b->at && a->input_at + a->len == b->input_at;
}

static void join(struct img_disk *disk)
{
    size_t kept = 0;
    for (size_t i = 0; i < disk->count; i++) {
        struct img_extent *last = kept ? &disk->extents[kept - 1] : NULL;
        if (last && continues(last, &disk->extents[i]))
            last->len += disk->extents[i].len;
        else
            disk->extents[kept++] = disk->extents[i];
    }
    disk->count = kept;
}

int img_disk_seal(struct img_disk *disk, struct mir_error *err)
{
    uint64_t end = 0;
    if (check_open(disk, err))
        return -1;
    img_sort_by_place(disk->extents, disk->count, sizeof *disk->extents);
    for (size_t i = 0; i < disk->count; i++) {
        const struct img_extent *e = &disk->extents[i];
        if (e->at < end || e->at > disk->size || e->len > disk->size - e->at)
            return mir_fail(err, MIR_INTERNAL,
                            "the disk is laid out wrongly: %" PRIu64 " bytes at %" PRIu64
                            " overlap or lie outside",
                            e->len, e->at);
        end = e->at + e->len;
    }
    join(disk);
    disk->sealed = true;
    return 0;
}

bool img_disk_is_sequential(const struct img_disk *disk)
{
    uint64_t next = 0;
    for (size_t i = 0; i < disk->count; i++) {
        const struct img_extent *e = &disk->extents[i];
        if (e->bytes || e->from)
            continue;
        if (e->input_at < next)
            return false;
        next = e->input_at + img_extent_input_len(e);
    }
    return true;
}

uint64_t img_disk_written(const struct img_disk *disk)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < disk->count; i++)
        sum += disk->extents[i].len;
    return sum;
}
