/* SPDX-License-Identifier: ISC */
/*
 * The one kind of VMDK that an import takes: stream-optimised, a whole disk in one file. Read from
 * its footer through directory and tables, each grain held against its marker; code that shares
 * nothing with the writer. Source: VMware's "Virtual Disk Format 1.1".
 */
#ifndef FAKECLOUD_VMDK_H
#define FAKECLOUD_VMDK_H

#include <stdint.h>

#include "world.h"

/* How large the disk is. -1: the file holds none, or one of another kind. */
int fc_vmdk_size(int fd, int64_t *ret_bytes);
/* Its grains become blocks of a snapshot that is made here. */
int fc_vmdk_to_snapshot(struct fc_world *world, int fd, const char *snapshot);

#endif
