/* SPDX-License-Identifier: ISC */
/*
 * Where a bundle's files go: a folder that is there whole or not at all. Until it is kept it has a
 * hidden name beside its own, so that neither an error nor the end of the process (short of a kill)
 * leaves a part of it.
 *
 * A bundle that is there already is replaced in one step, if that is asked for: path names the old
 * one or the new one at any moment. Only a bundle is ever replaced: a folder whose files are one
 * manifest and parts that it names, or nothing. A folder with anything else in it is refused and
 * stays as it is.
 *
 * Single thread; blocking.
 */
#ifndef IMAGES_BUNDLE_FOLDER_H
#define IMAGES_BUNDLE_FOLDER_H

#include <stdbool.h>

#include "api/cleanup.h"
#include "api/error.h"
#include "images/bundle_stream.h"

struct img_bundle_names {
    char *names[IMG_BUNDLE_FILES_MAX]; /* owned */
    unsigned count;
};

struct img_bundle_folder {
    const char *path; /* borrowed */
    char *hidden;     /* owned; NULL when it was kept */
    int fd;           /* owned */
    bool replace;
    struct img_bundle_names written;
};

/* path: the folder, without a slash at its end; borrowed. MIR_CONFLICT when it is there and is not
 * to be replaced, or holds what is no bundle's; MIR_USAGE for what is no folder; MIR_NOT_FOUND,
 * MIR_PERMISSION, ... of the folder that it goes into. Clear it in any case. */
int img_bundle_folder_open(struct img_bundle_folder *folder, const char *path, bool replace,
                           struct mir_error *err);

/* The sink of img_bundle_write; ctx: the folder. */
int img_bundle_folder_file(void *ctx, const char *name, const void *bytes, size_t len,
                           struct mir_error *err);

/* Gives it its name, durably, and removes the bundle that had it. Errors as of open: what is there
 * may have changed meanwhile. */
int img_bundle_folder_keep(struct img_bundle_folder *folder, struct mir_error *err);

/* What was not kept is away. */
void img_bundle_folder_clear(struct img_bundle_folder *folder);
#define mir_auto_bundle_folder MIR_CLEANUP(img_bundle_folder_clear)

#endif
