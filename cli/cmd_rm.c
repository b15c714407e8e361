/* SPDX-License-Identifier: ISC */
/* rm NAME...: ask for all of them first, then wait for each. */
#include <stdio.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "client.h"
#include "follow.h"
#include "interrupt.h"
#include "print.h"

/* With several names, each error gets its line; the first that is worst decides the exit code. */
static void keep_worse(struct cmd_context *ctx, struct mir_error *worst,
                       const struct mir_error *err)
{
    if (worst->kind == MIR_OK || err->kind == MIR_PARTIAL) {
        if (worst->kind != MIR_OK)
            cmd_say(ctx, "mirage-deploy: %s", worst->text);
        *worst = *err;
    } else {
        cmd_say(ctx, "mirage-deploy: %s", err->text);
    }
}

static void ask_for_all(struct cmd_context *ctx, json_t *accepted, struct mir_error *worst)
{
    const char *name;
    for (size_t i = 0; (name = cmd_args_nth(&ctx->args, OPT_NAME, i)); i++) {
        struct mir_error err = {0};
        json_t *answer = NULL;
        mir_auto_free char *target = cmd_target("deployments", name, NULL);
        cmd_interrupt_says("'%s' and what was named before it are being ended by the daemon, if it "
                           "was asked already; look: mirage-deploy ps",
                           name);
        if (cmd_call(ctx, "DELETE", target, NULL, &answer, &err))
            keep_worse(ctx, worst, &err);
        else
            json_array_append_new(accepted, answer);
    }
}

static void wait_for_all(struct cmd_context *ctx, const json_t *accepted, json_t *gone,
                         struct mir_error *worst)
{
    bool detach = cmd_args_flag(&ctx->args, OPT_DETACH, false);
    int64_t timeout_s = cmd_args_seconds(&ctx->args, OPT_WAIT_TIMEOUT);
    size_t i;
    json_t *one;
    json_array_foreach(accepted, i, one)
    {
        struct mir_error err = {0};
        json_t *d = json_object_get(one, "deployment"), *final = NULL;
        const char *name = cmd_text(d, "name");
        cmd_interrupt_says("'%s' is being ended by the daemon, which goes on without this; look: "
                           "mirage-deploy show %s",
                           name, name);
        if (!detach && cmd_follow(ctx, json_object_get(one, "operation"), timeout_s, &err)) {
            keep_worse(ctx, worst, &err);
            continue;
        }
        mir_auto_free char *target = cmd_target("deployments", cmd_text(d, "id"), NULL);
        if (detach || cmd_call(ctx, "GET", target, NULL, &final, NULL))
            final = json_incref(d);
        json_array_append_new(gone, final);
        if (!ctx->json)
            fprintf(ctx->out.file, "%s %s\n", name, detach ? "ending" : cmd_text(final, "state"));
    }
}

static bool confirmed(const struct cmd_context *ctx)
{
    /* One name is a clear word; several on a terminal may come from a slip. */
    size_t count = 0;
    while (cmd_args_nth(&ctx->args, OPT_NAME, count))
        count++;
    if (count < 2 || !cmd_may_ask(ctx))
        return true;
    mir_auto_free char *question = mir_format("End these %zu deployments now?", count);
    return cmd_confirm(ctx, question);
}

int cmd_rm(struct cmd_context *ctx, struct mir_error *err)
{
    if (!confirmed(ctx))
        return mir_fail(err, MIR_INTERRUPTED, "not confirmed: nothing was changed") |
               mir_error_hint(err, "--yes answers the question");
    struct mir_error worst = {0};
    json_t *accepted = json_array(), *gone = json_array();
    ask_for_all(ctx, accepted, &worst);
    wait_for_all(ctx, accepted, gone, &worst);
    json_t *document = json_pack("{s:o}", "deployments", gone);
    json_decref(accepted);
    if (worst.kind != MIR_OK) {
        *err = worst;
        ctx->partial = document;
        return -1;
    }
    if (ctx->json)
        cmd_print_json(ctx, document);
    json_decref(document);
    return 0;
}
