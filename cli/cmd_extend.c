/* SPDX-License-Identifier: ISC */
/* extend NAME DURATION, or --until TIME: done when every hook was read back with the new
 * deadline. */
#include "api/cleanup.h"
#include "client.h"
#include "follow.h"
#include "interrupt.h"
#include "print.h"

static void print_lease(const struct cmd_context *ctx, const json_t *lease)
{
    if (ctx->json) {
        cmd_print_json(ctx, lease);
        return;
    }
    mir_auto_free char *deadline = cmd_deadline_text(lease);
    mir_auto_free char *hooks = cmd_hooks_line(json_object_get(lease, "hooks"));
    cmd_print_row(ctx, "name", cmd_text(lease, "name"));
    cmd_print_row(ctx, "deadline", deadline);
    cmd_print_row(ctx, "hooks", hooks);
}

/* By how much, or until when; NULL when neither is given. */
static json_t *wanted(struct cmd_context *ctx, struct mir_error *err)
{
    const char *until = cmd_args_text(&ctx->args, OPT_UNTIL);
    if (until)
        return json_pack("{s:s}", "expires_at", until);
    if (cmd_args_require(&ctx->args, OPT_DURATION, cmd_may_ask(ctx), err))
        return NULL;
    return json_pack("{s:s}", "extend", cmd_args_text(&ctx->args, OPT_DURATION));
}

int cmd_extend(struct cmd_context *ctx, struct mir_error *err)
{
    const char *name = cmd_args_text(&ctx->args, OPT_NAME);
    mir_auto_free char *target = cmd_target("deployments", name, "/lease");
    json_t *body = wanted(ctx, err), *accepted = NULL, *lease = NULL;
    if (!body)
        return -1;
    cmd_interrupt_says(
        "the request was on its way: the deadline of '%s' may have been moved; look: "
        "mirage-deploy show %s",
        name, name);
    cmd_interrupt_defer(true);
    int rc = cmd_call(ctx, "PATCH", target, body, &accepted, err);
    json_decref(body);
    if (!rc)
        cmd_interrupt_says("the deadline of '%s' is %s; its hooks are being told by the daemon, "
                           "which goes on without this",
                           name, cmd_text(json_object_get(accepted, "lease"), "expires_at"));
    cmd_interrupt_defer(false);
    if (rc)
        return -1;
    bool detach = cmd_args_flag(&ctx->args, OPT_DETACH, false);
    if (!detach)
        rc = cmd_follow(ctx, json_object_get(accepted, "operation"),
                        cmd_args_seconds(&ctx->args, OPT_WAIT_TIMEOUT), err);
    if (!rc && !detach)
        rc = cmd_call(ctx, "GET", target, NULL, &lease, err);
    if (!rc)
        print_lease(ctx, lease ? lease : json_object_get(accepted, "lease"));
    json_decref(lease);
    json_decref(accepted);
    return rc;
}
