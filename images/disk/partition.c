/* SPDX-License-Identifier: ISC */
#include "partition.h"

#include <inttypes.h>
#include <string.h>

#include "put.h"

/* The geometry that every BIOS pretends to; what lies beyond its last cylinder has one fixed
 * address. */
#define HEADS 255
#define SECTORS 63
#define CYLINDERS 1024

static int check_place(const struct img_partition *p, size_t number, uint64_t from, uint64_t to,
                       struct mir_error *err)
{
    if (!p->len || p->at % IMG_SECTOR || p->len % IMG_SECTOR)
        return mir_fail(err, MIR_USAGE,
                        "partition %zu: %" PRIu64 " bytes at %" PRIu64
                        " are not one or more whole sectors",
                        number, p->len, p->at);
    if (p->at < from || p->at > to || p->len > to - p->at)
        return mir_fail(err, MIR_USAGE,
                        "partition %zu: %" PRIu64 " bytes at %" PRIu64
                        " do not lie between %" PRIu64 " and %" PRIu64,
                        number, p->len, p->at, from, to);
    return 0;
}

int img_partitions_check(const struct img_partition *partitions, size_t count, size_t max,
                         uint64_t from, uint64_t to, struct mir_error *err)
{
    if (count > max)
        return mir_fail(err, MIR_USAGE, "%zu partitions, and the table has %zu entries", count,
                        max);
    for (size_t i = 0; i < count; i++) {
        const struct img_partition *a = &partitions[i];
        if (check_place(a, i + 1, from, to, err))
            return -1;
        for (size_t j = 0; j < i; j++) {
            const struct img_partition *b = &partitions[j];
            if (a->at < b->at + b->len && b->at < a->at + a->len)
                return mir_fail(err, MIR_USAGE, "partitions %zu and %zu overlap", j + 1, i + 1);
        }
    }
    return 0;
}

unsigned char *img_boot_sector(struct img_disk *disk, const unsigned char *boot_code,
                               struct mir_error *err)
{
    unsigned char *sector = img_disk_room(disk, 0, IMG_SECTOR, err);
    if (!sector)
        return NULL;
    if (boot_code)
        memcpy(sector, boot_code, IMG_BOOT_CODE_BYTES);
    sector[510] = 0x55;
    sector[511] = 0xaa;
    return sector;
}

static void put_chs(unsigned char *p, uint64_t lba)
{
    if (lba >= (uint64_t)CYLINDERS * HEADS * SECTORS)
        lba = (uint64_t)CYLINDERS * HEADS * SECTORS - 1;
    unsigned cylinder = (unsigned)(lba / (HEADS * SECTORS));
    p[0] = (unsigned char)(lba / SECTORS % HEADS);
    p[1] = (unsigned char)((lba % SECTORS + 1) | (cylinder >> 8) << 6);
    p[2] = (unsigned char)cylinder;
}

void img_mbr_entry(unsigned char *entry, unsigned type, bool active, uint64_t at, uint64_t len)
{
    uint64_t first = at / IMG_SECTOR, sectors = len / IMG_SECTOR;
    entry[0] = active ? 0x80 : 0;
    put_chs(entry + 1, first);
    entry[4] = (unsigned char)type;
    put_chs(entry + 5, first + sectors - 1);
    img_put_le32(entry + 8, (uint32_t)first);
    img_put_le32(entry + 12, (uint32_t)sectors);
}
