/* SPDX-License-Identifier: ISC */
/*
 * The program mirage-bundle beside us: it takes a disk on a pipe and makes an instance-store bundle
 * of it (images/bundle.h).
 *
 * Single thread.
 */
#ifndef CLI_BUNDLE_RUN_H
#define CLI_BUNDLE_RUN_H

#include <stdbool.h>
#include <sys/types.h>

#include "api/error.h"

struct cmd_bundle_run {
    pid_t pid;
    int disk_fd; /* owned: where the disk goes; close it when it is written */
    int said_fd; /* owned */
};

/* words: its options, NULL-terminated. */
int cmd_bundle_start(struct cmd_bundle_run *run, const char *const *words, struct mir_error *err);

/* Closes the disk and waits for the end: 0, or what went wrong there. disk_whole: all of the disk
 * was written; else the program's word that it was cut off is no news, and -1 leaves err alone. */
int cmd_bundle_end(struct cmd_bundle_run *run, bool disk_whole, struct mir_error *err);

#endif
