/* SPDX-License-Identifier: ISC */
/* orphans PROVIDER, reap PROVIDER, doctor PROVIDER --print-policy: this process becomes
 * mirage-reap, which has the providers and needs no daemon. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/process.h"
#include "cmd.h"

int cmd_become_reap(const struct cmd_context *ctx, const char *mode, struct mir_error *err)
{
    const char *grace = cmd_args_text(&ctx->args, OPT_GRACE);
    char *program = mir_program_path("mirage-reap", err);
    if (!program)
        return -1;
    const char *argv[8] = {program, cmd_args_text(&ctx->args, OPT_PROVIDER)};
    size_t count = 2;
    if (mode)
        argv[count++] = mode;
    if (ctx->json)
        argv[count++] = "--json";
    if (ctx->quiet)
        argv[count++] = "--quiet";
    if (grace) {
        argv[count++] = "--grace";
        argv[count++] = grace;
    }
    fflush(NULL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    execv(program, (char **)(uintptr_t)argv);
    mir_fail_errno(err, errno, "cannot run %s", program);
    free(program);
    return -1;
}

int cmd_orphans(struct cmd_context *ctx, struct mir_error *err)
{
    return cmd_become_reap(ctx, "--list", err);
}

int cmd_reap(struct cmd_context *ctx, struct mir_error *err)
{
    return cmd_become_reap(ctx, NULL, err);
}
