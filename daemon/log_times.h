/* SPDX-License-Identifier: ISC */
/*
 * When console text was read: beside <state_dir>/logs/<id>.log, a file <id>.times of 16-byte rows
 * (UTC seconds, offset of what was read then), at most one per second, oldest first. A row that
 * was cut off by a crash is ignored and written over.
 *
 * One writer per deployment; readers at any time. Blocking (disk), cheap.
 */
#ifndef DAEMON_LOG_TIMES_H
#define DAEMON_LOG_TIMES_H

#include <stdint.h>

#include "daemon/core.h"

/* The bytes of the log from `offset` on were read from the console at utc_s. Best effort. */
void mird_log_times_note(const struct mird_core *core, const char *deployment, int64_t utc_s,
                         int64_t offset);

#endif
