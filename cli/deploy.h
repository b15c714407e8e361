/* SPDX-License-Identifier: ISC */
/*
 * What deploy and plan share: the kernel's inspection, the daemon and its copy of the kernel, and
 * the request body.
 */
#ifndef CLI_DEPLOY_H
#define CLI_DEPLOY_H

#include <jansson.h>
#include <stdbool.h>

#include "api/kernel.h"
#include "cmd.h"

struct cmd_request {
    const char *provider; /* borrowed */
    const char *path;     /* of the kernel, borrowed */
    int fd;               /* owned: the very file that was hashed and inspected; -1 */
    char sha256[MIR_SHA256_TEXT];
    struct mir_kernel kernel; /* from cmd_request_judge on */
    bool stored;              /* the daemon said that it has it */
    bool sent;                /* it was sent by cmd_request_upload: the daemon did not have it */
    json_t *body;             /* owned: of POST /v1/deployments and /v1/plans */
};

/* Opens the kernel, takes its digest, and writes the body. Nothing is sent. */
int cmd_request_prepare(struct cmd_context *ctx, const char *provider, struct cmd_request *ret,
                        struct mir_error *err);

/* The early answer: refuses, MIR_POLICY, what would not boot or have no network on the provider,
 * unless --anyway. Reads the inspection that a running daemon has kept of this very kernel, or has
 * it inspected here (in the sandboxed helper). Starts no daemon and sends no kernel. */
int cmd_request_judge(struct cmd_context *ctx, struct cmd_request *request, struct mir_error *err);
void cmd_request_clear(struct cmd_request *request);

/* Makes the daemon know the kernel: starts it when it is not running, sends the file when the
 * daemon has not stored it yet. */
int cmd_request_upload(struct cmd_context *ctx, struct cmd_request *request, struct mir_error *err);

/* The plan, for `plan` and --dry-run. */
int cmd_request_plan(struct cmd_context *ctx, const struct cmd_request *request,
                     struct mir_error *err);

#endif
