/* SPDX-License-Identifier: ISC */
/*
 * What deploy and plan share: the kernel's inspection, the daemon and its copy of the kernel, and
 * the request body.
 */
#ifndef CLI_DEPLOY_H
#define CLI_DEPLOY_H

#include <jansson.h>

#include "api/kernel.h"
#include "cmd.h"

struct cmd_request {
    const char *provider; /* borrowed */
    const char *path;     /* of the kernel, borrowed */
    int fd;               /* owned: the very file that was inspected; -1 */
    struct mir_kernel kernel;
    json_t *body; /* owned: of POST /v1/deployments and /v1/plans */
};

/* Opens and inspects the kernel (in the sandboxed helper) and refuses, MIR_POLICY, what would not
 * boot or have no network on the provider, unless --anyway. Nothing is sent. */
int cmd_request_prepare(struct cmd_context *ctx, const char *provider, struct cmd_request *ret,
                        struct mir_error *err);
void cmd_request_clear(struct cmd_request *request);

/* Makes the daemon know the kernel: starts it when it is not running, sends the file when the
 * daemon has not stored it yet. */
int cmd_request_upload(struct cmd_context *ctx, const struct cmd_request *request,
                       struct mir_error *err);

/* The plan, for `plan` and --dry-run. */
int cmd_request_plan(struct cmd_context *ctx, const struct cmd_request *request,
                     struct mir_error *err);

#endif
