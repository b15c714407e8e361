/* SPDX-License-Identifier: ISC */
/* logs [-f] [--since TIME] NAME: console output, as it is or as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/json.h"
#include "api/memory.h"
#include "client.h"
#include "interrupt.h"
#include "print.h"
#include "sse.h"
#include "value.h"

/* The daemon sends at least a comment every 15 s. */
#define SILENCE_MS 40000

static char *logs_target(const struct cmd_args *args, bool follow)
{
    const char *since = cmd_args_text(args, OPT_SINCE);
    char time[MIR_TIME_SIZE + 8] = "";
    int64_t since_s;
    if (since && !cmd_since_parse(since, mir_now_s(mir_clock_system()), &since_s, NULL)) {
        char utc[MIR_TIME_SIZE];
        mir_time_format(since_s, utc);
        snprintf(time, sizeof time, "since=%s", utc);
    }
    mir_auto_free char *rest =
        mir_format("/logs%s%s%s%s", follow || *time ? "?" : "", follow ? "follow=1" : "",
                   follow && *time ? "&" : "", time);
    return cmd_target("deployments", cmd_args_text(args, OPT_NAME), rest);
}

static int on_text(void *ctx, const char *data, size_t len, struct mir_error *err)
{
    const struct cmd_context *c = ctx;
    (void)err;
    cmd_term_text(&c->out, data, len);
    return 0;
}

static int on_event(void *ctx, const struct cmd_event *event, struct mir_error *err)
{
    const struct cmd_context *c = ctx;
    if (!strcmp(event->type, "end"))
        return 1;
    json_t *json = mir_json_parse(event->data, event->len, CMD_SSE_MAX, err);
    if (!json)
        return mir_error_wrap(err, "an event of the console");
    const json_t *text = json_object_get(json, "text");
    if (c->json) {
        json_dumpf(json, c->out.file, JSON_COMPACT);
        fputc('\n', c->out.file);
    } else if (json_is_string(text))
        cmd_term_text(&c->out, json_string_value(text), json_string_length(text));
    fflush(c->out.file);
    json_decref(json);
    /* Who reads us has gone: no reason to go on. */
    return ferror(c->out.file) ? 1 : 0;
}

static int follow(struct cmd_context *ctx, const char *target, struct mir_error *err)
{
    struct cmd_sse sse;
    cmd_sse_init(&sse, on_event, ctx);
    struct cmd_http_request request = {.method = "GET",
                                       .target = target,
                                       .fields = {"Accept: text/event-stream"},
                                       .timeout_ms = SILENCE_MS,
                                       .on_body = cmd_sse_feed,
                                       .on_body_ctx = &sse};
    int rc = cmd_call_with(ctx, &request, NULL, NULL, err);
    cmd_sse_clear(&sse);
    return rc;
}

/* The whole text as one document; bytes that are no UTF-8 are shown as \xNN. */
static int print_document(struct cmd_context *ctx, const char *target, struct mir_error *err)
{
    mir_auto_free char *path = cmd_socket_path(err);
    struct cmd_http_request request = {.method = "GET", .target = target};
    struct cmd_http_answer answer;
    if (!path)
        return -1;
    int rc = cmd_http_call(path, &request, &answer, err);
    if (!rc && answer.status >= 300)
        rc = cmd_problem(ctx, &answer, err);
    if (!rc) {
        json_t *text = json_stringn(mir_buf_text(&answer.body), answer.body.len);
        if (!text) {
            char *clean = NULL;
            size_t len = 0;
            struct cmd_term memory = {.file = open_memstream(&clean, &len), .tty = true};
            cmd_term_text(&memory, mir_buf_text(&answer.body), answer.body.len);
            fclose(memory.file);
            text = json_string(clean);
            free(clean);
        }
        json_t *document =
            json_pack("{s:s, s:o}", "name", cmd_args_text(&ctx->args, OPT_NAME), "text", text);
        cmd_print_json(ctx, document);
        json_decref(document);
    }
    cmd_http_answer_clear(&answer);
    return rc;
}

int cmd_logs(struct cmd_context *ctx, struct mir_error *err)
{
    bool following = cmd_args_flag(&ctx->args, OPT_FOLLOW, false);
    const char *name = cmd_args_text(&ctx->args, OPT_NAME);
    mir_auto_free char *target = logs_target(&ctx->args, following);
    cmd_interrupt_says("nothing was changed: '%s' goes on as before", name);
    if (following) {
        mir_auto_free char *one = cmd_target("deployments", name, NULL);
        json_t *d = NULL;
        if (cmd_call(ctx, "GET", one, NULL, &d, err))
            return -1;
        mir_auto_free char *until = cmd_until_text(d);
        if (!*cmd_text(d, "finished_at"))
            cmd_interrupt_says("'%s' keeps running %s; end it now: mirage-deploy rm %s", name,
                               until, name);
        json_decref(d);
        return follow(ctx, target, err);
    }
    if (ctx->json)
        return print_document(ctx, target, err);
    struct cmd_http_request request = {
        .method = "GET", .target = target, .on_body = on_text, .on_body_ctx = ctx};
    return cmd_call_with(ctx, &request, NULL, NULL, err);
}
