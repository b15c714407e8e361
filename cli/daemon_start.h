/* SPDX-License-Identifier: ISC */
/*
 * Starting the daemon on demand (docs/REST.md, "Starting the daemon on demand").
 */
#ifndef CLI_DAEMON_START_H
#define CLI_DAEMON_START_H

#include <stdbool.h>

#include "api/error.h"
#include "cmd.h"

/* 0 when a daemon listens: one that was there, or one started now (*ret_started, may be NULL).
 * Blocking, at most 15 s. Races are fine: one daemon stays. Errors: what keeps it from starting,
 * MIR_POLICY for a socket or directory that is closed to us. */
int cmd_daemon_ensure(struct cmd_context *ctx, bool *ret_started, struct mir_error *err);

/* Is somebody listening? 0 or the error of the attempt. */
int cmd_daemon_there(struct mir_error *err);

#endif
