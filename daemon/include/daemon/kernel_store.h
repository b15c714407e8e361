/* SPDX-License-Identifier: ISC */
/*
 * The kernel files: <state_dir>/kernels/<sha256> (upload.h), each read by the sandboxed inspector
 * before it gets that name. Blocking (disk); any thread.
 */
#ifndef DAEMON_KERNEL_STORE_H
#define DAEMON_KERNEL_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "api/error.h"
#include "api/kernel.h"
#include "daemon/upload.h"

struct mird_core;

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

/* The end of an upload to mird_depot_kernels: checks its digest (MIR_CORRUPT), has the file
 * inspected by helper_path, publishes it. The inspection is checked against what was received. */
int mird_kernel_finish(struct mird_upload *upload, const char *sha256, const char *helper_path,
                       struct mir_kernel *ret, struct mir_error *err);

#endif
