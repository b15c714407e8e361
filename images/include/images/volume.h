/* SPDX-License-Identifier: ISC */
/*
 * Partition tables and file systems: each adds its extents to a disk that is not sealed. Everything
 * is decided by the arguments (ids and dates too), so that equal calls give equal bytes. What need
 * not be written is a hole: the unused parts of tables, the free space, the ends of last blocks.
 *
 * Everything given is borrowed for the call; the bytes of files are copied, ranges of the input
 * remain ranges. Files come on the disk in the order given, each in one piece (ext2: but for the
 * tables of its block groups), behind the tables and folders of their file system: files given in
 * the order of the input keep img_disk_is_sequential.
 *
 * Places and lengths are multiples of IMG_SECTOR; a place that is a multiple of 4 KiB gives files
 * that begin at multiples of 4 KiB. They may overlap nothing: the seal finds what does.
 *
 * Pure; owned by one thread. Errors: MIR_USAGE when something does not fit (too many, too long, too
 * large, a name that cannot be). A disk to which adding failed may have a part of it: clear it.
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
 * partitions anywhere behind it, in any order. */
int img_mbr_add(struct img_disk *disk, const unsigned char *boot_code, uint32_t disk_id,
                const struct img_partition *partitions, size_t count, struct mir_error *err);

/* A protective MBR (with boot code, or NULL), header and at most 128 entries, and their copies at
 * the end of the disk, whose size therefore is final. guid: 16 bytes of any value, which the GUIDs
 * of the disk and of its partitions are made from. */
int img_gpt_add(struct img_disk *disk, const unsigned char *boot_code, const unsigned char guid[16],
                const struct img_partition *partitions, size_t count, struct mir_error *err);
#define IMG_GPT_HEAD_BYTES (34 * IMG_SECTOR) /* free from here on */
#define IMG_GPT_TAIL_BYTES (33 * IMG_SECTOR) /* free up to here before the end */

/* --- file systems --- */

#define IMG_FILES_MAX 64
#define IMG_PATH_NAMES_MAX 8 /* a path's folders and file */
#define IMG_NAME_MAX 255     /* bytes of one name */

/* Names are printable ASCII, not "." or "..". */
struct img_file {
    const char *path; /* "boot/grub/grub.cfg": relative, folders are made as needed */
    uint64_t len;
    const unsigned char *bytes; /* NULL: a range of the input */
    uint64_t input_at;          /* where the file begins in the input */
};

/* A FAT file system in [at, at + len): FAT16 up to IMG_FAT16_BYTES_MAX, FAT32 above. Upper and
 * lower case are one: two paths that differ by nothing else are refused, and so are characters
 * that FAT does not allow, and names that begin or end with a space or end with a dot. Every name
 * reads as it was given (long names where 8.3 in upper case does not do). A file has at most
 * IMG_FAT_FILE_MAX bytes. id: the serial number. label: at most 11 characters, put in upper case;
 * NULL or "": none. Dates are 1980-01-01. */
int img_fat_add(struct img_disk *disk, uint64_t at, uint64_t len, uint32_t id, const char *label,
                const struct img_file *files, size_t count, struct mir_error *err);
#define IMG_FAT16_BYTES_MAX ((uint64_t)264 << 20)
#define IMG_FAT_FILE_MAX ((uint64_t)UINT32_MAX)

/* A length at which these files fit, and at every larger one too; a multiple of 4 KiB, at least
 * IMG_FAT_BYTES_MIN (what is smaller would be FAT12). More than a disk can have where they fit
 * nowhere. For a list that img_fat_add refuses it says nothing: the reason is to be had there. */
uint64_t img_fat_bytes(const struct img_file *files, size_t count);
#define IMG_FAT_BYTES_MIN ((uint64_t)2160 << 10)

/* An ext2 file system that begins at `at`: 4 KiB blocks, revision 1, and no features but filetype,
 * sparse_super and (where a file has 2 GiB or more) large_file, so that GRUB legacy and PV-GRUB
 * read it. It is as large as its files (img_ext2_bytes), without a free block; what lies behind it
 * in [at, at + len) remains a hole (why: docs/decisions). Owner root, mode 0644 and 0755, all dates
 * 0. uuid: 16 bytes. label: at most 16 characters; NULL or "": none. */
int img_ext2_add(struct img_disk *disk, uint64_t at, uint64_t len, const unsigned char uuid[16],
                 const char *label, const struct img_file *files, size_t count,
                 struct mir_error *err);

/* How long it is for these files, a multiple of 4 KiB; otherwise like img_fat_bytes. */
uint64_t img_ext2_bytes(const struct img_file *files, size_t count);

#endif
