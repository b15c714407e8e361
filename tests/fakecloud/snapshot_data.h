/* SPDX-License-Identifier: ISC */
/*
 * The bytes of snapshots: for each a sparse file of blocks of 512 KiB, and beside it a sparse file
 * of their SHA-256, which also says which blocks there are. Files of a completed snapshot do not
 * change any more and may be shared.
 */
#ifndef FAKECLOUD_SNAPSHOT_DATA_H
#define FAKECLOUD_SNAPSHOT_DATA_H

#include <stdbool.h>
#include <stdint.h>

#include "world.h"

#define FC_BLOCK_BYTES 524288

/* Begin with nothing; `gib` is the size of the volume. */
int fc_snapshot_data_begin(struct fc_world *world, const char *id, int64_t gib,
                           struct mir_error *err);
int fc_snapshot_data_put(struct fc_world *world, const char *id, int64_t index, const void *data,
                         const unsigned char sha256[32], struct mir_error *err);
/* FC_BLOCK_BYTES into out. -1: there is no such block. */
int fc_snapshot_data_get(struct fc_world *world, const char *id, int64_t index, void *out);
bool fc_snapshot_data_sum(struct fc_world *world, const char *id, int64_t index,
                          unsigned char sha256[32]);
/* The first block there is from this index on; -1: none. */
int64_t fc_snapshot_data_next(struct fc_world *world, const char *id, int64_t from);

/* `to` has the bytes that `from` has (none, when that has none). */
void fc_snapshot_data_share(struct fc_world *world, const char *from, const char *to);
void fc_snapshot_data_remove(struct fc_world *world, const char *id);

/* The file of blocks, owned; it may not be there. */
char *fc_snapshot_data_path(const struct fc_world *world, const char *id);

#endif
