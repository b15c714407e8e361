/* SPDX-License-Identifier: ISC */
/* The bytes of objects and of parts of uploads: a file each, named in the document as "_file". */
#ifndef FAKECLOUD_S3_DATA_H
#define FAKECLOUD_S3_DATA_H

#include "request.h"
#include "world.h"

/* Keep a request's body in a file of its own; its name, owned. NULL: it could not be kept. */
char *fc_s3_keep(struct fc_world *world, const struct fc_body *body, struct mir_error *err);
/* The same of several files, one after the other: `names` is an array of texts. */
char *fc_s3_join(struct fc_world *world, const json_t *names, struct mir_error *err);
int fc_s3_open(const struct fc_world *world, const char *name); /* -1 */
void fc_s3_drop(const struct fc_world *world, const char *name);

/* How many bytes the disk has that an object holds in this format (RAW, VHD, VMDK). -1: it holds
 * none. */
int fc_s3_disk_size(const struct fc_world *world, const struct fc_object *object,
                    const char *format, int64_t *ret_bytes);

/* Its bytes become a snapshot's: a raw disk and a VMDK block by block, a VHD as it is. */
int fc_s3_to_snapshot(struct fc_world *world, const struct fc_object *object, const char *format,
                      const char *snapshot);

#endif
