/* SPDX-License-Identifier: ISC */
/*
 * What the readers have in common: the ranges of a hostile file become a disk, inside the file,
 * limited in number, and none of them used twice.
 */
#ifndef IMAGES_DISK_GATHER_H
#define IMAGES_DISK_GATHER_H

#include "images/reader.h"

struct img_range {
    uint64_t at; /* first, for they are sorted by it */
    uint64_t len;
};

struct img_gather {
    int fd;              /* borrowed */
    uint64_t file_bytes; /* of the file */
    struct img_disk disk;
    struct img_extent last;   /* not added yet: what comes next may continue it */
    struct img_range *tables; /* owned: the container's own parts of the file */
    size_t table_count, table_room;
};

/* MIR_USAGE when fd is not a regular file. Clear it in any case. */
int img_gather_init(struct img_gather *gather, int fd, struct mir_error *err);
void img_gather_clear(struct img_gather *gather);
#define mir_auto_gather MIR_CLEANUP(img_gather_clear)

/* Bytes of the file, which a table of it lies in; MIR_CORRUPT when it ends before. */
int img_gather_read(const struct img_gather *gather, uint64_t file_at, void *buf, size_t len,
                    struct mir_error *err);
/* The same; and nothing else may lie there. */
int img_gather_table(struct img_gather *gather, uint64_t file_at, void *buf, size_t len,
                     struct mir_error *err);

/* The disk's next bytes, from low to high: what lies between two ranges is a hole. */
int img_gather_add(struct img_gather *gather, uint64_t at, uint64_t file_at, uint64_t len,
                   struct mir_error *err);

/* The same of what packed_len bytes of the file inflate to. */
int img_gather_packed(struct img_gather *gather, uint64_t at, uint64_t file_at, uint32_t packed_len,
                      uint64_t len, struct mir_error *err);

/* [0, size) of the file as [0, size) of the disk, without the file's holes. */
int img_gather_whole(struct img_gather *gather, uint64_t size, struct mir_error *err);

/* Seals the disk and gives it away. MIR_CORRUPT when a part of the file is used twice. */
int img_gather_end(struct img_gather *gather, struct img_disk *ret_disk, struct mir_error *err);

int img_read_qcow2(struct img_gather *gather, struct mir_error *err);
int img_read_vhd(struct img_gather *gather, struct mir_error *err);
int img_read_vmdk(struct img_gather *gather, struct mir_error *err);

#endif
