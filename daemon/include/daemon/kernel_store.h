/* SPDX-License-Identifier: ISC */
/*
 * The kernel files: <state_dir>/kernels/<sha256>, each complete, synced and read by the sandboxed
 * inspector before it gets that name; and uploads, which stand beside as <sha256>.part-XXXX.
 *
 * Blocking (disk); any thread, an upload by one at a time. Uploads of one digest at the same time
 * do not disturb each other: the last to finish replaces equal bytes.
 */
#ifndef DAEMON_KERNEL_STORE_H
#define DAEMON_KERNEL_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "api/error.h"
#include "api/kernel.h"

struct mird_core;
struct mird_upload;

/* Makes the directory and removes what uploads cut off by a crash have left. At start. */
int mird_kernels_prepare(const char *state_dir, struct mir_error *err);

/* Owned; sha256 must be valid. */
char *mird_kernel_path(const char *state_dir, const char *sha256);

/* 1 when a file of that digest and size is there. */
int mird_kernel_stored(const char *state_dir, const struct mir_kernel *kernel);

/* What is kept of a kernel whose file is there: MIR_NOT_FOUND. Only reads. */
int mird_kernel_known(const struct mird_core *core, const char *sha256, struct mir_kernel *ret,
                      struct mir_error *err);

/* Was it inspected by parsers and compatibility table of this build? */
bool mird_kernel_current(const struct mir_kernel *kernel);

/* The same as known, but never out of date: an inspection of another edition is made again from
 * the stored file, and kept. Blocking, as long as an inspection takes. Errors: those of helper.h,
 * and MIR_CORRUPT for a file that is no longer what its name says. */
int mird_kernel_find(const struct mird_core *core, const char *sha256, int64_t now_s,
                     struct mir_kernel *ret, struct mir_error *err);

/* Removes its file, and what was unpacked of it; absent is success. */
int mird_kernel_remove(const char *state_dir, const char *sha256, struct mir_error *err);

/* Is there room for so many bytes more? MIR_NO_SPACE with the fix. */
int mird_kernel_room(const char *state_dir, uint64_t bytes, struct mir_error *err);

/* max_bytes: MIR_USAGE beyond. */
int mird_upload_begin(const char *state_dir, const char *sha256, uint64_t max_bytes,
                      struct mird_upload **ret, struct mir_error *err);
int mird_upload_write(struct mird_upload *upload, const void *data, size_t len,
                      struct mir_error *err);

/* Checks the digest (MIR_CORRUPT), syncs, has the file inspected by helper_path, gives it its
 * name. The inspection is checked against what was received. */
int mird_upload_finish(struct mird_upload *upload, const char *helper_path, struct mir_kernel *ret,
                       struct mir_error *err);

/* Frees; removes the part file unless it was finished. NULL allowed. */
void mird_upload_free(struct mird_upload *upload);

#endif
