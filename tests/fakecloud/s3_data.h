/* SPDX-License-Identifier: ISC */
/* Objects as disks. */
#ifndef FAKECLOUD_S3_DATA_H
#define FAKECLOUD_S3_DATA_H

#include "world.h"

/* How many bytes the disk has that an object holds in this format (RAW, VHD, VMDK). -1: it holds
 * none. */
int fc_s3_disk_size(const struct fc_world *world, const struct fc_object *object,
                    const char *format, int64_t *ret_bytes);

/* Its bytes become a snapshot's: a raw disk and a VMDK block by block, a VHD as it is. */
int fc_s3_to_snapshot(struct fc_world *world, const struct fc_object *object, const char *format,
                      const char *snapshot);

#endif
