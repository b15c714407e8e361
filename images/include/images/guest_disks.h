/* SPDX-License-Identifier: ISC */
/*
 * The files that a carried kernel gets as block devices (images/block.h), as extents: each becomes
 * a partition of the carrier's disk, read once, when that is written; holes stay holes. The files
 * are never written to.
 *
 * Blocking; owned by one thread.
 */
#ifndef IMAGES_GUEST_DISKS_H
#define IMAGES_GUEST_DISKS_H

#include "images/block.h"
#include "images/disk.h"
#include "images/stream.h"

struct img_guest_disk {
    char name[IMG_BLOCK_NAME_MAX + 1];
    struct img_input input;  /* its file; owned */
    struct img_disk content; /* ranges of that */
};

struct img_guest_disks {
    struct img_guest_disk list[IMG_BLOCKS_MAX];
    unsigned count;
    uint64_t bytes; /* of all of them */
};

/* One more, "NAME=FILE": opened and looked at, not read. MIR_USAGE for what cannot be one,
 * MIR_NOT_FOUND and others for a file that cannot be read; texts name it. */
int img_guest_disks_add(struct img_guest_disks *disks, const char *word, struct mir_error *err);

/* Where their data lies; may be called in a sandbox. MIR_CORRUPT for a file that has changed. */
int img_guest_disks_read(struct img_guest_disks *disks, struct mir_error *err);
void img_guest_disks_clear(struct img_guest_disks *disks);

#endif
