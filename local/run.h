/* SPDX-License-Identifier: ISC */
/* Running a program to its end within a time limit. Blocking; any thread. */
#ifndef LOCAL_RUN_H
#define LOCAL_RUN_H

#include "api/buf.h"
#include "api/error.h"

/* Runs words[0] (a path; exit status 127 when it cannot be run) in the directory dir_fd with
 * standard output and error into `out` (what passes its max is dropped) and nothing to read. 0 with
 * *ret_status as from waitpid; MIR_TIMEOUT when it had to be killed. */
int local_run(int dir_fd, char *const *words, int timeout_ms, int cancel_fd, struct mir_buf *out,
              int *ret_status, struct mir_error *err);

#endif
