/* SPDX-License-Identifier: ISC */
/*
 * Waiting for work that the daemon does: an operation's end, with the deployment's events as
 * progress on standard error.
 *
 * Blocking until the operation is over or the time is up; single thread.
 */
#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

#include <jansson.h>
#include <stdint.h>

#include "api/error.h"
#include "cmd.h"

/* operation: the document of the 202. timeout_s 0: no limit. 0 when it is done; else -1 with the
 * operation's own error (MIR_PARTIAL when the deployment got stuck), MIR_TIMEOUT, or
 * MIR_UNAVAILABLE when the daemon went away. */
int cmd_follow(struct cmd_context *ctx, const json_t *operation, int64_t timeout_s,
               struct mir_error *err);

/* Reads a deployment's events as they come, from `after` on ("" from the first), until fn returns
 * non-zero, the stream ends, or the time is up (MIR_TIMEOUT; timeout_s 0: no limit). */
typedef int cmd_follow_fn(void *ctx, const json_t *event, struct mir_error *err);
int cmd_follow_events(struct cmd_context *ctx, const char *name, const char *after,
                      int64_t timeout_s, cmd_follow_fn *fn, void *fn_ctx, struct mir_error *err);

/* --wait-timeout or --timeout ran out: "hello is still …", with what goes on and until when. */
int cmd_still(struct cmd_context *ctx, const char *name, struct mir_error *err);

#endif
