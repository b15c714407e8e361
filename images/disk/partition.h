/* SPDX-License-Identifier: ISC */
/* What the two kinds of partition table share. */
#ifndef IMAGES_DISK_PARTITION_H
#define IMAGES_DISK_PARTITION_H

#include "images/volume.h"

#define IMG_MBR_TABLE 446 /* where the first of four entries lies */
#define IMG_MBR_ENTRY 16
#define IMG_MBR_ENTRIES 4

/* MIR_USAGE unless there are at most `max`, each of whole sectors within [from, to), none of them
 * in another's place. */
int img_partitions_check(const struct img_partition *partitions, size_t count, size_t max,
                         uint64_t from, uint64_t to, struct mir_error *err);

/* The disk's first sector with boot code (or NULL) and signature, for more to be put in. */
unsigned char *img_boot_sector(struct img_disk *disk, const unsigned char *boot_code,
                               struct mir_error *err);

/* One entry of an MBR. */
void img_mbr_entry(unsigned char *entry, unsigned type, bool active, uint64_t at, uint64_t len);

#endif
