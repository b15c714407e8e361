/* SPDX-License-Identifier: ISC */
/*
 * GUID partition table: behind a protective MBR the header and 128 entries, and copies of both at
 * the disk's end. Only the entries in use are written; the others are zeros, and holes.
 */
#include <string.h>
#include <zlib.h>

#include "partition.h"
#include "put.h"

#define ENTRIES 128
#define ENTRY_BYTES 128
#define ENTRY_SECTORS (ENTRIES * ENTRY_BYTES / IMG_SECTOR)
#define HEADER_BYTES 92
#define NAME_MAX_CHARS 36
#define LEGACY_BIOS_BOOTABLE (UINT64_C(1) << 2)
#define PROTECTIVE 0xee

/* By enum img_partition_kind; as they stand on the disk, the first three fields little-endian. */
static const unsigned char types[][16] = {
    [IMG_PARTITION_LINUX] = {0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47, 0x8e, 0x79, 0x3d, 0x69,
                             0xd8, 0x47, 0x7d, 0xe4},
    [IMG_PARTITION_FAT] = {0xa2, 0xa0, 0xd0, 0xeb, 0xe5, 0xb9, 0x33, 0x44, 0x87, 0xc0, 0x68, 0xb6,
                           0xb7, 0x26, 0x99, 0xc7},
    [IMG_PARTITION_ESP] = {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0,
                           0xc9, 0x3e, 0xc9, 0x3b},
    [IMG_PARTITION_BIOS_BOOT] = {0x48, 0x61, 0x68, 0x21, 0x49, 0x64, 0x6f, 0x6e, 0x74, 0x4e, 0x65,
                                 0x65, 0x64, 0x45, 0x46, 0x49},
};

/* The disk's GUID for 0, and one of its own for each partition: version 8 (made by rules of our
 * own), of the usual variant. */
static void put_guid(unsigned char *p, const unsigned char seed[16], size_t number)
{
    memcpy(p, seed, 16);
    p[7] = (unsigned char)((p[7] & 0x0f) | 0x80);
    p[8] = (unsigned char)((p[8] & 0x3f) | 0x80);
    p[15] = (unsigned char)(p[15] + number);
}

static int check_names(const struct img_partition *partitions, size_t count, struct mir_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *name = partitions[i].name ? partitions[i].name : "";
        if (strlen(name) > NAME_MAX_CHARS)
            return mir_fail(err, MIR_USAGE, "partition %zu: a name of more than %d characters",
                            i + 1, NAME_MAX_CHARS);
        for (const char *c = name; *c; c++)
            if (*c < ' ' || *c > '~')
                return mir_fail(err, MIR_USAGE, "partition %zu: a name that is not plain ASCII",
                                i + 1);
    }
    return 0;
}

static void put_entries(unsigned char *table, const unsigned char guid[16],
                        const struct img_partition *partitions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct img_partition *p = &partitions[i];
        unsigned char *entry = table + i * ENTRY_BYTES;
        memcpy(entry, types[p->kind], 16);
        put_guid(entry + 16, guid, i + 1);
        img_put_le64(entry + 32, p->at / IMG_SECTOR);
        img_put_le64(entry + 40, (p->at + p->len) / IMG_SECTOR - 1);
        img_put_le64(entry + 48, p->active ? LEGACY_BIOS_BOOTABLE : 0);
        for (size_t c = 0; p->name && p->name[c]; c++)
            img_put_le16(entry + 56 + 2 * c, (unsigned char)p->name[c]);
    }
}

/* here, other: the sectors of this header and of its copy; entries: where this one's begin. */
static int add_header(struct img_disk *disk, const unsigned char guid[16], uint32_t entries_crc,
                      uint64_t here, uint64_t other, uint64_t entries, struct mir_error *err)
{
    unsigned char *h = img_disk_room(disk, here * IMG_SECTOR, IMG_SECTOR, err);
    if (!h)
        return -1;
    memcpy(h, "EFI PART", 8);
    img_put_le32(h + 8, 0x00010000);
    img_put_le32(h + 12, HEADER_BYTES);
    img_put_le64(h + 24, here);
    img_put_le64(h + 32, other);
    img_put_le64(h + 40, IMG_GPT_HEAD_BYTES / IMG_SECTOR);
    img_put_le64(h + 48, (disk->size - IMG_GPT_TAIL_BYTES) / IMG_SECTOR - 1);
    put_guid(h + 56, guid, 0);
    img_put_le64(h + 72, entries);
    img_put_le32(h + 80, ENTRIES);
    img_put_le32(h + 84, ENTRY_BYTES);
    img_put_le32(h + 88, entries_crc);
    img_put_le32(h + 16, (uint32_t)crc32(0, h, HEADER_BYTES));
    return 0;
}

int img_gpt_add(struct img_disk *disk, const unsigned char *boot_code, const unsigned char guid[16],
                const struct img_partition *partitions, size_t count, struct mir_error *err)
{
    unsigned char table[ENTRIES * ENTRY_BYTES] = {0};
    uint64_t last = disk->size / IMG_SECTOR - 1;
    if (disk->size < IMG_GPT_HEAD_BYTES + IMG_GPT_TAIL_BYTES + IMG_SECTOR)
        return mir_fail(err, MIR_USAGE, "the disk is too small for a GPT");
    if (img_partitions_check(partitions, count, ENTRIES, IMG_GPT_HEAD_BYTES,
                             disk->size - IMG_GPT_TAIL_BYTES, err) ||
        check_names(partitions, count, err))
        return -1;
    unsigned char *mbr = img_boot_sector(disk, boot_code, err);
    if (!mbr)
        return -1;
    img_mbr_entry(mbr + IMG_MBR_TABLE, PROTECTIVE, false, IMG_SECTOR, disk->size - IMG_SECTOR);
    put_entries(table, guid, partitions, count);
    uint32_t crc = (uint32_t)crc32(0, table, sizeof table);
    uint64_t copy = last - ENTRY_SECTORS;
    size_t used = count * ENTRY_BYTES;
    if (used && (img_disk_bytes(disk, 2 * IMG_SECTOR, table, used, err) ||
                 img_disk_bytes(disk, copy * IMG_SECTOR, table, used, err)))
        return -1;
    return add_header(disk, guid, crc, 1, last, 2, err) ||
                   add_header(disk, guid, crc, last, 1, copy, err)
               ? -1
               : 0;
}
