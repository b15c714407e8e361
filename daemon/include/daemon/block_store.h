/* SPDX-License-Identifier: ISC */
/*
 * The files of block devices: <state_dir>/blocks/<sha256> (upload.h), kept as long as a deployment
 * that is not over has them. The daemon never writes to one.
 *
 * Blocking (disk, store); any thread.
 */
#ifndef DAEMON_BLOCK_STORE_H
#define DAEMON_BLOCK_STORE_H

#include "api/block.h"

struct mird_core;
struct mird_engine;
struct mird_upload;

/* The folder, owned. */
char *mird_blocks_folder(const char *state_dir);

/* How long the file of that digest is; MIR_NOT_FOUND with the fix. */
int mird_block_find(const struct mird_core *core, const char *sha256, uint64_t *ret_bytes,
                    struct mir_error *err);

/* The lengths of all of them, from their files; texts name the device. */
int mird_blocks_find(const struct mird_core *core, struct mir_blocks *blocks,
                     struct mir_error *err);

/* The end of an upload to mird_depot_blocks: its digest (MIR_CORRUPT), and that it can be a block
 * device (MIR_USAGE); publishes it. */
int mird_block_finish(struct mird_upload *upload, struct mir_error *err);

/* Removes one that no deployment has: MIR_CONFLICT naming one, MIR_NOT_FOUND. */
int mird_block_forget(struct mird_engine *engine, const char *sha256, struct mir_error *err);

/* The deployment needs its files no more: those that nobody else has are removed. */
void mird_blocks_release(struct mird_engine *engine, const char *id,
                         const struct mir_blocks *blocks);

/* With every sweep: those that nobody has, and nobody has sent or asked for within an hour. */
void mird_blocks_sweep(struct mird_engine *engine);

#endif
