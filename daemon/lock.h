/* SPDX-License-Identifier: ISC */
/*
 * One daemon per state directory: <state_dir>/lock, held with flock(2) for the process's life and
 * naming its holder. The kernel lets go of it however the process ends.
 */
#ifndef DAEMON_LOCK_H
#define DAEMON_LOCK_H

#include <stdint.h>

#include "api/error.h"

/* *ret_fd: keep it open as long as the lock is to be held. MIR_CONFLICT names the holder's pid and
 * start; MIR_POLICY, MIR_NO_SPACE for a directory that cannot be written. */
int mird_lock_take(const char *state_dir, int64_t now_s, int *ret_fd, struct mir_error *err);

#endif
