/* SPDX-License-Identifier: ISC */
/* wait NAME --for STATE [--timeout DURATION] */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/memory.h"
#include "client.h"
#include "follow.h"
#include "interrupt.h"
#include "print.h"

/* How far along a life a state lies; a state that was passed counts as reached. */
static int rank(const char *state)
{
    static const char *const order[] = {"pending", "preparing", "uploading", "launching",
                                        "running", "live",      "ending",    "gone"};
    for (size_t i = 0; i < MIR_NELEMS(order); i++)
        if (!strcmp(order[i], state))
            return (int)i;
    return -1;
}

static bool is_over(const char *state)
{
    return !strcmp(state, "gone") || !strcmp(state, "failed");
}

/* live and running are wanted for what can be done with them: being past them does not count. */
static bool reached(const char *state, const char *wanted)
{
    if (!strcmp(state, wanted))
        return true;
    if (!strcmp(wanted, "gone"))
        return is_over(state);
    int now = rank(state), goal = rank(wanted), ending = rank("ending");
    return now >= 0 && goal >= 0 && goal < ending && now > goal && now < ending;
}

struct waiting {
    struct cmd_context *ctx;
    const char *name;
    const char *wanted;
    char last_event[64];
    json_t *deployment; /* owned: as last seen */
};

/* 1 reached, 0 not yet, -1 never or err */
static int look(struct waiting *w, struct mir_error *err)
{
    mir_auto_free char *target = cmd_target("deployments", w->name, NULL);
    json_t *d = NULL;
    if (cmd_call(w->ctx, "GET", target, NULL, &d, err))
        return -1;
    json_decref(w->deployment);
    w->deployment = d;
    const char *state = cmd_text(d, "state");
    if (reached(state, w->wanted))
        return 1;
    if (!is_over(state))
        return 0;
    const char *why = cmd_text(json_object_get(d, "error"), "text");
    mir_fail(err, MIR_FAILED, "'%s' is %s and will not be %s any more%s%s", w->name, state,
             w->wanted, *why ? ": " : "", why);
    return mir_error_hint(err, "see what happened: mirage-deploy show %s; mirage-deploy logs %s",
                          w->name, w->name);
}

static int on_event(void *ctx, const json_t *event, struct mir_error *err)
{
    struct waiting *w = ctx;
    (void)err;
    const json_t *id = json_object_get(event, "id");
    if (json_is_integer(id))
        snprintf(w->last_event, sizeof w->last_event, "%lld", (long long)json_integer_value(id));
    else if (json_is_string(id))
        mir_copy(w->last_event, sizeof w->last_event, json_string_value(id));
    return 1; /* something happened: look again */
}

static int64_t now_ms(void)
{
    const struct mir_clock *clock = mir_clock_system();
    return clock->boot_ms(clock->ctx);
}

static int wait_loop(struct waiting *w, int64_t until_ms, struct mir_error *err)
{
    for (;;) {
        int rc = look(w, err);
        if (rc)
            return rc < 0 ? -1 : 0;
        int64_t left_s = 0;
        if (until_ms) {
            int64_t left_ms = until_ms - now_ms();
            if (left_ms <= 0)
                return cmd_still(w->ctx, w->name, err);
            left_s = (left_ms + 999) / 1000;
        }
        struct mir_error local = {0};
        char before[64];
        mir_copy(before, sizeof before, w->last_event);
        if (cmd_follow_events(w->ctx, cmd_text(w->deployment, "id"), w->last_event, left_s,
                              on_event, w, &local) &&
            local.kind != MIR_TIMEOUT) {
            *err = local;
            return -1;
        }
        /* A stream that ended without news: the next look decides, but not in a tight circle. */
        if (!strcmp(before, w->last_event))
            poll(NULL, 0, 100);
    }
}

int cmd_wait(struct cmd_context *ctx, struct mir_error *err)
{
    struct waiting w = {.ctx = ctx,
                        .name = cmd_args_text(&ctx->args, OPT_NAME),
                        .wanted = cmd_args_text(&ctx->args, OPT_FOR)};
    int64_t timeout_s = cmd_args_seconds(&ctx->args, OPT_TIMEOUT);
    cmd_interrupt_says("nothing was changed: '%s' goes on as before; look: mirage-deploy show %s",
                       w.name, w.name);
    int rc = wait_loop(&w, timeout_s ? now_ms() + timeout_s * 1000 : 0, err);
    if (rc && ctx->json && w.deployment)
        ctx->partial = json_pack("{s:O}", "deployment", w.deployment);
    else if (!rc && ctx->json)
        cmd_print_json(ctx, w.deployment);
    else if (!rc)
        fprintf(ctx->out.file, "%s %s\n", w.name, cmd_text(w.deployment, "state"));
    json_decref(w.deployment);
    return rc;
}
