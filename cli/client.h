/* SPDX-License-Identifier: ISC */
/*
 * The REST interface (docs/REST.md) as the commands use it: JSON in, JSON out, problem documents
 * turned into errors whose kind decides the exit code.
 *
 * Blocking, 30 s without a byte at most unless said otherwise; single thread. Results are new
 * references.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <jansson.h>

#include "api/error.h"
#include "cmd.h"
#include "http_unix.h"

/* Where the daemon listens; owned, or NULL with err. */
char *cmd_socket_path(struct mir_error *err);

/* body borrowed, NULL for none. *ret may be JSON null when the answer has no body; ret may be
 * NULL. */
int cmd_call(struct cmd_context *ctx, const char *method, const char *target, const json_t *body,
             json_t **ret, struct mir_error *err);

/* GET /v1/deployments to its end, page by page: *ret is {"deployments":[...]}. */
int cmd_deployments(struct cmd_context *ctx, bool all, json_t **ret, struct mir_error *err);

/* As cmd_call, with one more header field and a wait of the caller's own. */
int cmd_call_with(struct cmd_context *ctx, struct cmd_http_request *request, const json_t *body,
                  json_t **ret, struct mir_error *err);

/* An answer of status >= 300 as an error; always -1. Keeps the ids left behind in ctx. */
int cmd_problem(struct cmd_context *ctx, const struct cmd_http_answer *answer,
                struct mir_error *err);

/* The same for a problem that came inside a document (an operation's error). */
int cmd_problem_json(struct cmd_context *ctx, const json_t *problem, struct mir_error *err);

/* "/v1/deployments/hello/lease": NAME goes through as it is, names have no special characters. */
char *cmd_target(const char *collection, const char *name, const char *rest);

/* A member as text; "" when it is absent or no text. Borrowed. */
const char *cmd_text(const json_t *json, const char *name);
/* A member as integer, 0 when absent. */
long long cmd_number(const json_t *json, const char *name);

#endif
