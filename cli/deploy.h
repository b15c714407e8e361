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
#include "images/block.h"

/* One of --block NAME=FILE. */
struct cmd_block {
    char name[IMG_BLOCK_NAME_MAX + 1];
    const char *path; /* borrowed */
    int fd;           /* owned: the very file that was hashed; -1 */
    char sha256[MIR_SHA256_TEXT];
};

struct cmd_blocks {
    size_t count;
    struct cmd_block list[IMG_BLOCKS_MAX];
};

/* Opens and hashes all that are given. MIR_USAGE and others, naming option, file and fix. Clear it
 * in any case. */
int cmd_blocks_open(const struct cmd_args *args, struct cmd_blocks *ret, struct mir_error *err);
json_t *cmd_blocks_json(const struct cmd_blocks *blocks); /* of the body, new reference */
/* Is it what the kernel's manifest demands, where it has one? */
int cmd_blocks_check(const struct cmd_blocks *blocks, const struct mir_kernel *kernel,
                     struct mir_error *err);
void cmd_blocks_clear(struct cmd_blocks *blocks);

struct cmd_request {
    const char *provider; /* borrowed */
    const char *path;     /* of the kernel, borrowed */
    int fd;               /* owned: the very file that was hashed and inspected; -1 */
    char sha256[MIR_SHA256_TEXT];
    struct mir_kernel kernel; /* from cmd_request_judge on */
    bool stored;              /* the daemon said that it has it */
    bool sent;                /* it was sent by cmd_request_upload: the daemon did not have it */
    struct cmd_blocks blocks;
    json_t *body; /* owned: of POST /v1/deployments and /v1/plans */
};

/* Opens the kernel, takes its digest, and writes the body. Nothing is sent. */
int cmd_request_prepare(struct cmd_context *ctx, const char *provider, struct cmd_request *ret,
                        struct mir_error *err);

/* The early answer: refuses, MIR_POLICY, what would not boot or have no network on the provider,
 * unless --anyway. Reads the inspection that a running daemon has kept of this very kernel, or has
 * it inspected here (in the sandboxed helper). Starts no daemon and sends no kernel. */
int cmd_request_judge(struct cmd_context *ctx, struct cmd_request *request, struct mir_error *err);
void cmd_request_clear(struct cmd_request *request);

/* Makes the daemon know the kernel and its block devices: starts it when it is not running, sends
 * each file that the daemon has not stored yet. */
int cmd_request_upload(struct cmd_context *ctx, struct cmd_request *request, struct mir_error *err);

/* The plan, for `plan` and --dry-run. */
int cmd_request_plan(struct cmd_context *ctx, const struct cmd_request *request,
                     struct mir_error *err);

#endif
