/* SPDX-License-Identifier: ISC */
#include "vmdk.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "api/memory.h"
#include "snapshot_data.h"

#define SECTOR ((uint64_t)512)
#define GRAIN_MAX ((uint64_t)1 << 20)
#define PACKED 0x30000u /* of the flags: grains are deflated, and have markers */
#define FROM_FOOTER UINT64_MAX
#define MARKER_FOOTER 3

struct vmdk {
    int fd;
    uint64_t file_bytes;
    uint64_t capacity, grain, directory; /* sectors */
    uint32_t entries;                    /* of a table */
    unsigned char *plain, *packed;       /* a grain; owned */
};

static uint64_t le(const unsigned char *bytes, int count)
{
    uint64_t value = 0;
    while (count-- > 0)
        value = value << 8 | bytes[count];
    return value;
}

static int read_at(const struct vmdk *v, uint64_t at, void *out, uint64_t len)
{
    if (at > v->file_bytes || len > v->file_bytes - at)
        return -1;
    return pread(v->fd, out, (size_t)len, (off_t)at) == (ssize_t)len ? 0 : -1;
}

static int read_header(struct vmdk *v, uint64_t at)
{
    unsigned char p[SECTOR];
    if (read_at(v, at, p, sizeof p) || memcmp(p, "KDMV", 4) != 0 || le(p + 4, 4) != 3 ||
        (le(p + 8, 4) & PACKED) != PACKED || memcmp(p + 73, "\n \r\n", 4) != 0 ||
        le(p + 77, 2) != 1)
        return -1;
    v->capacity = le(p + 12, 8);
    v->grain = le(p + 20, 8);
    v->entries = (uint32_t)le(p + 44, 4);
    v->directory = le(p + 56, 8);
    return !v->capacity || v->capacity > ((uint64_t)65536 << 30) / SECTOR || v->grain < 8 ||
                   v->grain * SECTOR > GRAIN_MAX || v->grain & (v->grain - 1) || !v->entries ||
                   v->entries > 512
               ? -1
               : 0;
}

static int read_footer(struct vmdk *v)
{
    unsigned char marker[SECTOR];
    uint64_t at = v->file_bytes - 3 * SECTOR;
    if (read_at(v, at, marker, sizeof marker) || le(marker, 8) != 1 || le(marker + 8, 4) ||
        le(marker + 12, 4) != MARKER_FOOTER || read_header(v, at + SECTOR))
        return -1;
    return v->directory == FROM_FOOTER ? -1 : 0;
}

/* The header of a file that was written in one pass does not know where the directory is; qemu
 * keeps it in front. */
static int open_disk(struct vmdk *v, int fd)
{
    off_t len = lseek(fd, 0, SEEK_END);
    *v = (struct vmdk){.fd = fd, .file_bytes = len > 0 ? (uint64_t)len : 0};
    if (v->file_bytes % SECTOR || v->file_bytes < 4 * SECTOR || read_header(v, 0))
        return -1;
    return v->directory == FROM_FOOTER ? read_footer(v) : 0;
}

int fc_vmdk_size(int fd, int64_t *ret_bytes)
{
    struct vmdk v;
    if (open_disk(&v, fd))
        return -1;
    *ret_bytes = (int64_t)(v.capacity * SECTOR);
    return 0;
}

/* --- its grains --- */

/* The last one of a disk may be as short as the disk is. */
static int read_grain(const struct vmdk *v, uint64_t number, uint64_t at)
{
    unsigned char marker[12];
    uint64_t whole = v->grain * SECTOR, left = (v->capacity - number * v->grain) * SECTOR;
    uLongf len = (uLongf)whole;
    memset(v->plain, 0, whole);
    if (read_at(v, at, marker, sizeof marker) || le(marker, 8) != number * v->grain)
        return -1;
    uint64_t packed = le(marker + 8, 4);
    if (!packed || packed > 2 * GRAIN_MAX || read_at(v, at + sizeof marker, v->packed, packed))
        return -1;
    if (uncompress(v->plain, &len, v->packed, (uLong)packed) != Z_OK)
        return -1;
    return len == whole || len == left ? 0 : -1;
}

/* A block has room for several grains: what is there already stays. */
static int put_grain(const struct vmdk *v, struct fc_world *world, const char *snapshot,
                     uint64_t number)
{
    unsigned char sum[32];
    uint64_t bytes = v->grain * SECTOR, at = number * bytes;
    int rc = 0;
    unsigned char *block = mir_calloc(1, FC_BLOCK_BYTES);
    for (uint64_t done = 0; !rc && done < bytes;) {
        uint64_t within = (at + done) % FC_BLOCK_BYTES, len = FC_BLOCK_BYTES - within;
        int64_t index = (int64_t)((at + done) / FC_BLOCK_BYTES);
        len = len < bytes - done ? len : bytes - done;
        if (fc_snapshot_data_get(world, snapshot, index, block))
            memset(block, 0, FC_BLOCK_BYTES);
        memcpy(block + within, v->plain + done, (size_t)len);
        rc = EVP_Digest(block, FC_BLOCK_BYTES, sum, NULL, EVP_sha256(), NULL)
                 ? fc_snapshot_data_put(world, snapshot, index, block, sum, NULL)
                 : -1;
        done += len;
    }
    free(block);
    return rc;
}

static int copy_table(const struct vmdk *v, struct fc_world *world, const char *snapshot,
                      uint64_t first, uint64_t at)
{
    unsigned char table[512 * 4];
    if (read_at(v, at, table, (uint64_t)v->entries * 4))
        return -1;
    for (uint32_t i = 0; i < v->entries; i++) {
        uint64_t entry = le(table + (size_t)4 * i, 4);
        if (!entry)
            continue;
        if ((first + i) * v->grain >= v->capacity || read_grain(v, first + i, entry * SECTOR) ||
            put_grain(v, world, snapshot, first + i))
            return -1;
    }
    return 0;
}

static int copy(const struct vmdk *v, struct fc_world *world, const char *snapshot)
{
    unsigned char entry[4];
    uint64_t span = v->grain * v->entries, count = (v->capacity + span - 1) / span;
    for (uint64_t i = 0; i < count; i++) {
        if (read_at(v, v->directory * SECTOR + 4 * i, entry, sizeof entry))
            return -1;
        uint64_t table = le(entry, 4);
        if (table && copy_table(v, world, snapshot, i * v->entries, table * SECTOR))
            return -1;
    }
    return 0;
}

int fc_vmdk_to_snapshot(struct fc_world *world, int fd, const char *snapshot)
{
    struct vmdk v;
    if (open_disk(&v, fd))
        return -1;
    int64_t gib = (int64_t)((v.capacity * SECTOR + (1 << 30) - 1) >> 30);
    v.plain = mir_calloc(1, GRAIN_MAX);
    v.packed = mir_calloc(2, GRAIN_MAX);
    int rc =
        fc_snapshot_data_begin(world, snapshot, gib, NULL) || copy(&v, world, snapshot) ? -1 : 0;
    free(v.plain);
    free(v.packed);
    return rc;
}
