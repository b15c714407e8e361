/* SPDX-License-Identifier: ISC */
/* PROVIDER KERNEL: inspect, send, deploy, follow. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/id.h"
#include "api/memory.h"
#include "api/provider.h"
#include "client.h"
#include "deploy.h"
#include "follow.h"
#include "interrupt.h"
#include "print.h"

#define CONSOLE_TAIL_BYTES 2000
#define NAME_TRIES 1000

/* The file's name without its ending, cut down to what a name may hold; "" when nothing is left. */
static void base_name(const char *path, char out[MIR_NAME_TEXT])
{
    const char *slash = strrchr(path, '/');
    const char *p = slash ? slash + 1 : path;
    size_t len = 0;
    for (; *p && *p != '.' && len < 40; p++) {
        char c = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            out[len++] = c;
        else if (len > 0 && out[len - 1] != '-')
            out[len++] = '-';
    }
    while (len > 0 && out[len - 1] == '-')
        len--;
    out[len] = '\0';
}

static bool taken(const json_t *list, const char *name)
{
    size_t i;
    json_t *d;
    json_array_foreach(list, i, d) if (!strcmp(cmd_text(d, "name"), name)) return true;
    return false;
}

/* Without --name: the first of hello, hello-2, hello-3 that nobody has. The daemon decides: a
 * rival between this look and the request gives a plain conflict. */
static int choose_name(struct cmd_context *ctx, const struct cmd_request *r, struct mir_error *err)
{
    char base[MIR_NAME_TEXT];
    base_name(r->path, base);
    if (json_object_get(r->body, "name") || !*base)
        return 0;
    json_t *answer = NULL;
    if (cmd_deployments(ctx, false, &answer, err))
        return -1;
    const json_t *list = json_object_get(answer, "deployments");
    char name[MIR_NAME_TEXT];
    mir_copy(name, sizeof name, base);
    for (int i = 2; i < NAME_TRIES && taken(list, name); i++)
        snprintf(name, sizeof name, "%.40s-%d", base, i);
    json_object_set_new(r->body, "name", json_string(name));
    json_decref(answer);
    return 0;
}

/* An interruption waits for the answer: until then nobody knows what to say. A request without an
 * answer is sent once more: the same key finds the first one, so that is safe. */
static int post(struct cmd_context *ctx, const struct cmd_request *r, json_t **ret,
                struct mir_error *err)
{
    char key[MIR_ID_TEXT];
    mir_id_new(mir_random_system(), key);
    mir_auto_free char *field = mir_format("Idempotency-Key: %s", key);
    cmd_interrupt_says("the request to deploy '%s' was on its way: it may have been accepted; if "
                       "so, it %s. Look: mirage-deploy ps",
                       cmd_text(r->body, "name"),
                       cmd_forever(r->body) ? "runs until you remove it"
                                            : "ends at its own deadline");
    cmd_interrupt_defer(true);
    int rc = -1;
    for (int i = 0; rc && (i == 0 || (i == 1 && err->outcome == MIR_OUTCOME_UNKNOWN)); i++) {
        struct cmd_http_request request = {
            .method = "POST", .target = "/v1/deployments", .fields = {field}};
        rc = cmd_call_with(ctx, &request, r->body, ret, err);
    }
    if (rc) {
        cmd_interrupt_says("nothing was deployed");
        cmd_interrupt_defer(false);
    }
    return rc;
}

/* Money is not spent without a word. */
static void say_cost(const struct cmd_context *ctx, const json_t *d)
{
    const json_t *cost = json_object_get(d, "cost");
    char most[CMD_CELL];
    cmd_money(cost, "worst_micro", most);
    mir_auto_free char *price = cmd_price_text(cost);
    if (!strcmp(most, "not known"))
        cmd_say(ctx, "what it costs is %s", price);
    else if (strcmp(most, "free") != 0)
        cmd_say(ctx, "it costs %s; until its deadline at most: %s", price, most);
}

static void announce(const struct cmd_context *ctx, const json_t *d)
{
    const char *name = cmd_text(d, "name");
    mir_auto_free char *deadline = cmd_deadline_text(d), *until = cmd_until_text(d);
    cmd_interrupt_says("'%s' keeps running %s; end it now: mirage-deploy rm %s", name, until, name);
    cmd_interrupt_defer(false);
    cmd_say(ctx, "%s %s %s", name, cmd_forever(d) ? "has" : "ends at", deadline);
    say_cost(ctx, d);
}

/* A guest that died says why, if anything does, on its console. */
static void print_console_tail(struct cmd_context *ctx, const char *id)
{
    mir_auto_free char *socket = cmd_socket_path(NULL);
    mir_auto_free char *target = cmd_target("deployments", id, "/logs");
    struct cmd_http_request request = {.method = "GET", .target = target};
    struct cmd_http_answer answer;
    if (ctx->quiet || !socket)
        return;
    if (!cmd_http_call(socket, &request, &answer, NULL) && answer.status == 200 &&
        answer.body.len > 0) {
        const char *text = mir_buf_text(&answer.body);
        size_t from =
            answer.body.len > CONSOLE_TAIL_BYTES ? answer.body.len - CONSOLE_TAIL_BYTES : 0;
        const char *line = from ? strchr(text + from, '\n') : NULL;
        if (line)
            from = (size_t)(line + 1 - text);
        cmd_say(ctx, "last lines of its console:");
        cmd_term_text(&ctx->err, text + from, answer.body.len - from);
        if (text[answer.body.len - 1] != '\n')
            fputc('\n', ctx->err.file);
    }
    cmd_http_answer_clear(&answer);
}

/* The work is done, but what was made has ended by itself meanwhile: no success. */
static int ended_already(const json_t *d, struct mir_error *err)
{
    const char *state = cmd_text(d, "state"), *name = cmd_text(d, "name");
    const char *why = cmd_text(json_object_get(d, "instance"), "end_reason");
    if (strcmp(state, "gone") != 0 && strcmp(state, "failed") != 0 && strcmp(state, "ending") != 0)
        return 0;
    mir_fail(err, MIR_FAILED, "'%s' has ended already%s%s", name, *why ? ": " : "", why);
    return mir_error_hint(err, "see its console: mirage-deploy logs %s", name);
}

static int follow(struct cmd_context *ctx, const json_t *accepted, json_t **ret_final,
                  struct mir_error *err)
{
    const json_t *d = json_object_get(accepted, "deployment");
    mir_auto_free char *target = cmd_target("deployments", cmd_text(d, "id"), NULL);
    int64_t timeout_s = cmd_args_seconds(&ctx->args, OPT_WAIT_TIMEOUT);
    int rc = cmd_follow(ctx, json_object_get(accepted, "operation"), timeout_s, err);
    json_t *final = NULL;
    if (cmd_call(ctx, "GET", target, NULL, &final, rc ? NULL : err))
        return -1;
    *ret_final = final;
    if (!rc)
        rc = ended_already(final, err);
    if (rc && err->kind != MIR_TIMEOUT)
        print_console_tail(ctx, cmd_text(d, "id"));
    return rc;
}

static int deploy(struct cmd_context *ctx, struct cmd_request *r, struct mir_error *err)
{
    json_t *accepted = NULL, *final = NULL;
    if (cmd_request_upload(ctx, r, err) || choose_name(ctx, r, err) || post(ctx, r, &accepted, err))
        return -1;
    const json_t *d = json_object_get(accepted, "deployment");
    announce(ctx, d);
    int rc = 0;
    if (!cmd_args_flag(&ctx->args, OPT_DETACH, false))
        rc = follow(ctx, accepted, &final, err);
    if (rc && ctx->json)
        ctx->partial = json_pack("{s:O}", "deployment", final ? final : d);
    if (!rc)
        cmd_print_deployment(ctx, final ? final : d);
    json_decref(final);
    json_decref(accepted);
    return rc;
}

int cmd_deploy(struct cmd_context *ctx, struct mir_error *err)
{
    struct cmd_request request;
    bool plan_only = cmd_args_flag(&ctx->args, OPT_DRY_RUN, false);
    cmd_interrupt_says("nothing was deployed");
    int rc = cmd_request_prepare(ctx, ctx->command->name, &request, err);
    if (!rc)
        rc = cmd_request_judge(ctx, &request, err);
    if (!rc && plan_only)
        rc =
            cmd_request_upload(ctx, &request, err) || cmd_request_plan(ctx, &request, err) ? -1 : 0;
    else if (!rc)
        rc = deploy(ctx, &request, err);
    cmd_request_clear(&request);
    return rc;
}
