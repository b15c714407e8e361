/* SPDX-License-Identifier: ISC */
/*
 * The program mirage-bundle beside us: it takes a disk on a pipe and makes an instance-store bundle
 * of it (images/bundle.h), in a folder or as a stream of files (images/bundle_stream.h). Whoever
 * starts it holds no key: it gets the names of files.
 *
 * Single thread.
 */
#ifndef IMAGES_BUNDLE_RUN_H
#define IMAGES_BUNDLE_RUN_H

#include <stdbool.h>
#include <sys/types.h>

#include "api/error.h"

struct img_bundle_run {
    pid_t pid;
    int said_fd; /* owned */
};

/* words: its options, NULL-terminated. disk_fd is its stdin, out_fd its stdout (-1: none); both are
 * borrowed, and the caller closes them at once, so that the other ends see an end. */
int img_bundle_start(struct img_bundle_run *run, const char *const *words, int disk_fd, int out_fd,
                     struct mir_error *err);

/* Waits for the end: 0, or what went wrong there. disk_whole: all of the disk was written; else the
 * program's word that it was cut off is no news, and -1 leaves err alone. */
int img_bundle_end(struct img_bundle_run *run, bool disk_whole, struct mir_error *err);

/* Ends it in the middle. */
void img_bundle_kill(struct img_bundle_run *run);

#endif
