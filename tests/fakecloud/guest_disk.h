/* SPDX-License-Identifier: ISC */
/*
 * The disks of machines: for each volume a sparse raw file in the state directory, which begins
 * with the blocks of its snapshot and goes when the volume goes. One thread; blocking.
 */
#ifndef FAKECLOUD_GUEST_DISK_H
#define FAKECLOUD_GUEST_DISK_H

#include <stdbool.h>
#include <stddef.h>

#include "guest_want.h"

#define FC_GUEST_DISK_DIR "volumes"

bool fc_guest_disk_exists(int state_fd, const char *volume);

/* Make its file when there is none: blocks that nobody wrote are holes. Whole or not at all. */
int fc_guest_disk_make(int state_fd, const struct fc_guest_disk *disk, struct mir_error *err);

/* The same of what may be none: a kernel, a ramdisk. */
int fc_guest_file_make(int state_fd, const struct fc_guest_disk *file, struct mir_error *err);

/* Remove the files of volumes that do not exist any more. */
void fc_guest_disks_sweep(int state_fd, const struct fc_guest_wants *wants);

#endif
