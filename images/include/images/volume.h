/* SPDX-License-Identifier: ISC */
/*
 * Partition tables and file systems: each adds its extents to a disk. Everything is decided by the
 * arguments (ids and dates too), so that equal calls give equal bytes. Read back by fsck, sfdisk
 * and mtools in the tests.
 *
 * Pure; owned by one thread. MIR_USAGE when something does not fit (too many, too long, too large).
 */
#ifndef IMAGES_VOLUME_H
#define IMAGES_VOLUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images/disk.h"

/* --- partition tables --- */

enum img_partition_kind {
    IMG_PARTITION_LINUX,     /* MBR 0x83; GPT Linux file system data */
    IMG_PARTITION_FAT,       /* MBR 0x0c; GPT Microsoft basic data */
    IMG_PARTITION_ESP,       /* MBR 0xef; GPT EFI system */
    IMG_PARTITION_BIOS_BOOT, /* GPT only: where GRUB's core lies */
};

struct img_partition {
    enum img_partition_kind kind;
    uint64_t at, len; /* bytes, multiples of a sector */
    const char *name; /* GPT: at most 36 ASCII characters; NULL: none */
    bool active;      /* MBR: the active flag; GPT: legacy BIOS bootable */
};

#define IMG_BOOT_CODE_BYTES 440

/* The first sector: boot code (IMG_BOOT_CODE_BYTES, or NULL for none), a disk id, at most four
 * partitions. */
int img_mbr_add(struct img_disk *disk, const unsigned char *boot_code, uint32_t disk_id,
                const struct img_partition *partitions, size_t count, struct mir_error *err);

/* A protective MBR (with boot code, or NULL), header and entries, and their copies at the end of
 * the disk. guid: 16 bytes that the disk's and the partitions' GUIDs are made from. */
int img_gpt_add(struct img_disk *disk, const unsigned char *boot_code, const unsigned char guid[16],
                const struct img_partition *partitions, size_t count, struct mir_error *err);
#define IMG_GPT_HEAD_BYTES (34 * IMG_SECTOR) /* free from here on */
#define IMG_GPT_TAIL_BYTES (33 * IMG_SECTOR) /* free up to here before the end */

/* --- file systems --- */

struct img_file {
    const char *path; /* "boot/grub/grub.cfg": folders are made as needed; ASCII */
    uint64_t len;
    const unsigned char *bytes; /* copied; NULL: a range of the input */
    uint64_t input_at;          /* where the file begins in the input */
};

#define IMG_FILES_MAX 64

/* A FAT file system (FAT16, or FAT32 where that is too small) in [at, at + len). Files are
 * contiguous, in the order given; names are 8.3 or long. id: its serial number. label: at most 11
 * characters. */
int img_fat_add(struct img_disk *disk, uint64_t at, uint64_t len, uint32_t id, const char *label,
                const struct img_file *files, size_t count, struct mir_error *err);
/* How long it has to be for these files; a multiple of a sector. */
uint64_t img_fat_bytes(const struct img_file *files, size_t count);

/* An ext2 file system, revision 1 without features that PV-GRUB's ext2 does not know, 4 KiB
 * blocks. Owner root, mode 0644 and 0755, all dates 0. uuid: 16 bytes. */
int img_ext2_add(struct img_disk *disk, uint64_t at, uint64_t len, const unsigned char uuid[16],
                 const char *label, const struct img_file *files, size_t count,
                 struct mir_error *err);
uint64_t img_ext2_bytes(const struct img_file *files, size_t count);

#endif
