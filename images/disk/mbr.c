/* SPDX-License-Identifier: ISC */
/* The classic partition table. IMG_DISK_BYTES_MAX keeps every number of sectors in its 32 bits. */
#include "partition.h"
#include "put.h"

#define DISK_ID 440

/* By enum img_partition_kind; 0: the MBR has no such type. */
static const unsigned char types[] = {
    [IMG_PARTITION_LINUX] = 0x83,
    [IMG_PARTITION_FAT] = 0x0c,
    [IMG_PARTITION_ESP] = 0xef,
    [IMG_PARTITION_BIOS_BOOT] = 0,
};

int img_mbr_add(struct img_disk *disk, const unsigned char *boot_code, uint32_t disk_id,
                const struct img_partition *partitions, size_t count, struct mir_error *err)
{
    if (img_partitions_check(partitions, count, IMG_MBR_ENTRIES, IMG_SECTOR, disk->size, err))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (!types[partitions[i].kind])
            return mir_fail(err, MIR_USAGE, "partition %zu: an MBR has no BIOS boot partition",
                            i + 1);
    unsigned char *sector = img_boot_sector(disk, boot_code, err);
    if (!sector)
        return -1;
    img_put_le32(sector + DISK_ID, disk_id);
    for (size_t i = 0; i < count; i++) {
        const struct img_partition *p = &partitions[i];
        img_mbr_entry(sector + IMG_MBR_TABLE + IMG_MBR_ENTRY * i, types[p->kind], p->active, p->at,
                      p->len);
    }
    return 0;
}
