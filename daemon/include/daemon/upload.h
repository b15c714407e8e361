/* SPDX-License-Identifier: ISC */
/*
 * Files that are kept by their digests: <state_dir>/<folder>/<sha256>, each complete and synced
 * before it gets that name; and uploads, which stand beside as <sha256>.part-XXXX.
 *
 * Blocking (disk); any thread, an upload by one at a time. Uploads of one digest at the same time
 * do not disturb each other: the last to finish replaces equal bytes.
 */
#ifndef DAEMON_UPLOAD_H
#define DAEMON_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "api/error.h"
#include "api/kernel.h"

/* What is kept in one folder. */
struct mird_depot {
    const char *folder;
    const char *noun; /* in messages */
    bool holes;       /* zeros are not written: most of a file system's image is empty */
};
extern const struct mird_depot mird_depot_kernels;
extern const struct mird_depot mird_depot_blocks;

struct mird_upload;

/* Makes the directory and removes what uploads cut off by a crash have left. At start. */
int mird_depot_prepare(const struct mird_depot *depot, const char *state_dir,
                       struct mir_error *err);

/* Owned; sha256 must be valid. */
char *mird_depot_path(const struct mird_depot *depot, const char *state_dir, const char *sha256);

/* Is there room for so many bytes more? MIR_NO_SPACE with the fix. */
int mird_depot_room(const struct mird_depot *depot, const char *state_dir, uint64_t bytes,
                    struct mir_error *err);

/* max_bytes: MIR_USAGE beyond. */
int mird_upload_begin(const struct mird_depot *depot, const char *state_dir, const char *sha256,
                      uint64_t max_bytes, struct mird_upload **ret, struct mir_error *err);
int mird_upload_write(struct mird_upload *upload, const void *data, size_t len,
                      struct mir_error *err);

/* All has come: is it what was announced? MIR_CORRUPT. Once, before it is published. */
int mird_upload_check(struct mird_upload *upload, struct mir_error *err);
int mird_upload_fd(const struct mird_upload *upload); /* borrowed */
uint64_t mird_upload_bytes(const struct mird_upload *upload);

/* Syncs it and gives it its name. */
int mird_upload_publish(struct mird_upload *upload, struct mir_error *err);

/* Frees; removes the part file unless it was published. NULL allowed. */
void mird_upload_free(struct mird_upload *upload);

#endif
