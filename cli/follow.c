/* SPDX-License-Identifier: ISC */
#include "follow.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/json.h"
#include "api/memory.h"
#include "client.h"
#include "print.h"
#include "sse.h"

/* The daemon sends at least a comment every 15 s; twice that without a byte is the end. */
#define STREAM_SILENCE_MS 40000

/* Times are compared as texts, up to the second: fractions may be there or not. */
#define WHOLE_SECONDS 19

/* One answer that is being waited for. */
struct stream {
    int fd; /* -1: not open */
    struct cmd_http_parser parser;
    struct mir_buf body;
};

struct follow {
    struct cmd_context *ctx;
    const char *operation;  /* id */
    const char *name;       /* of the deployment */
    const char *deployment; /* its id: names may be used again, ids are not */
    const char *since;      /* events older than the operation are not its progress */
    struct stream op, events;
    struct cmd_sse sse;
    bool stuck;
    int64_t started_ms;
    int64_t until_ms; /* 0: no limit */
};

static int64_t now_ms(void)
{
    const struct mir_clock *clock = mir_clock_system();
    return clock->boot_ms(clock->ctx);
}

static void stream_close(struct stream *stream)
{
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
}

static int to_buffer(void *ctx, const char *data, size_t len, struct mir_error *err)
{
    if (mir_buf_add(ctx, data, len))
        return mir_fail(err, MIR_CORRUPT, "the daemon's answer is too long");
    return 0;
}

static int stream_open(struct stream *stream, const struct cmd_http_request *request,
                       cmd_http_body_fn *body, void *ctx, struct mir_error *err)
{
    mir_auto_free char *path = cmd_socket_path(err);
    if (!path)
        return -1;
    mir_auto_close int fd = cmd_http_connect(path, err);
    if (fd < 0 || cmd_http_send(fd, request, err))
        return -1;
    cmd_http_parser_init(&stream->parser, body, ctx);
    mir_buf_reset(&stream->body);
    stream->fd = mir_steal_fd(&fd);
    return 0;
}

/* Takes what has come: 0 go on, 1 the answer is complete, -1 err. */
static int stream_take(struct stream *stream, struct mir_error *err)
{
    char piece[8192];
    ssize_t n = recv(stream->fd, piece, sizeof piece, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n > 0)
        return cmd_http_feed(&stream->parser, piece, (size_t)n, err);
    return cmd_http_finish(&stream->parser, err) ? -1 : 1;
}

static void print_event(const struct follow *f, const json_t *event)
{
    const char *text = cmd_text(event, "text"), *kind = cmd_text(event, "kind");
    if (!*text)
        text = cmd_text(event, "state");
    mir_auto_free char *clean = cmd_term_clean(text);
    double seconds = (double)(now_ms() - f->started_ms) / 1000;
    const struct cmd_term *term = &f->ctx->err;
    enum cmd_color color = !strcmp(kind, "error") ? CMD_RED : CMD_PLAIN;
    cmd_say(f->ctx, "%s%6.1fs%s  %s%s%s", cmd_term_on(term, CMD_DIM), seconds, cmd_term_off(term),
            cmd_term_on(term, color), clean, color == CMD_PLAIN ? "" : cmd_term_off(term));
}

static int on_event(void *ctx, const struct cmd_event *sse, struct mir_error *err)
{
    struct follow *f = ctx;
    (void)err;
    json_t *event = mir_json_parse(sse->data, sse->len, CMD_SSE_MAX, NULL);
    if (json_is_object(event) && strncmp(cmd_text(event, "at"), f->since, WHOLE_SECONDS) >= 0) {
        print_event(f, event);
        if (!strcmp(cmd_text(event, "state"), "stuck"))
            f->stuck = true;
    }
    json_decref(event);
    return 0;
}

static int on_events_body(void *ctx, const char *data, size_t len, struct mir_error *err)
{
    struct follow *f = ctx;
    return f->events.parser.status == 200 ? cmd_sse_feed(&f->sse, data, len, err) : 0;
}

/* Progress is a courtesy: when it cannot be had, the waiting goes on without it. */
static void open_events(struct follow *f)
{
    mir_auto_free char *target = cmd_target("deployments", f->deployment, "/events");
    mir_auto_free char *last = mir_format("Last-Event-ID: %s", f->sse.id);
    struct cmd_http_request request = {
        .method = "GET",
        .target = target,
        .fields = {"Accept: text/event-stream", *f->sse.id ? last : NULL}};
    (void)!stream_open(&f->events, &request, on_events_body, f, NULL);
}

static int open_operation(struct follow *f, struct mir_error *err)
{
    mir_auto_free char *target = cmd_target("operations", f->operation, "?wait=30s");
    struct cmd_http_request request = {.method = "GET", .target = target};
    return stream_open(&f->op, &request, to_buffer, &f->op.body, err);
}

/* The operation's answer is complete: 1 over, 0 still running, -1 err. */
static int operation_answer(struct follow *f, struct mir_error *err)
{
    if (f->op.parser.status >= 300) {
        struct cmd_http_answer answer = {.status = f->op.parser.status, .body = f->op.body};
        return cmd_problem(f->ctx, &answer, err);
    }
    json_t *operation =
        mir_json_parse(mir_buf_text(&f->op.body), f->op.body.len, CMD_HTTP_ANSWER_MAX, err);
    if (!operation)
        return -1;
    const char *state = cmd_text(operation, "state");
    int rc = 0;
    if (!strcmp(state, "done"))
        rc = 1;
    else if (!strcmp(state, "failed"))
        rc = cmd_problem_json(f->ctx, json_object_get(operation, "error"), err);
    json_decref(operation);
    return rc;
}

static int went_away(const struct follow *f, struct mir_error *err)
{
    mir_error_wrap(err, "while waiting for '%s'", f->name);
    if (err) {
        err->kind = MIR_UNAVAILABLE;
        err->outcome = MIR_OUTCOME_UNKNOWN;
    }
    return mir_error_hint(err,
                          "the work is kept by the daemon and its hooks; go on with: "
                          "mirage-deploy daemon start && mirage-deploy show %s",
                          f->name);
}

static int got_stuck(const struct follow *f, struct mir_error *err)
{
    mir_fail(err, MIR_PARTIAL,
             "'%s' is stuck: it could not be verified that everything is gone "
             "(deployment %s)",
             f->name, f->deployment);
    json_decref(f->ctx->left_behind);
    f->ctx->left_behind = json_pack("[s]", f->deployment);
    return mir_error_hint(err, "the daemon goes on trying; look: mirage-deploy show %s", f->name);
}

/* The operation's connection has something: 1 over, 0 go on, -1 err. */
static int take_operation(struct follow *f, struct mir_error *err)
{
    int rc = stream_take(&f->op, err);
    if (rc < 0)
        return went_away(f, err);
    if (rc == 0)
        return 0;
    stream_close(&f->op);
    rc = operation_answer(f, err);
    return rc == 0 && open_operation(f, err) ? went_away(f, err) : rc;
}

/* One round: 1 over, 0 go on, -1 err. */
static int follow_round(struct follow *f, struct mir_error *err)
{
    int64_t left_ms = f->until_ms ? f->until_ms - now_ms() : STREAM_SILENCE_MS;
    if (left_ms <= 0)
        return cmd_still(f->ctx, f->name, err);
    struct pollfd p[2] = {{.fd = f->op.fd, .events = POLLIN},
                          {.fd = f->events.fd, .events = POLLIN}};
    int ready = poll(p, 2, left_ms < STREAM_SILENCE_MS ? (int)left_ms : STREAM_SILENCE_MS);
    if (ready < 0)
        return errno == EINTR ? 0 : mir_fail_errno(err, errno, "cannot wait for the daemon");
    if (ready == 0 && left_ms >= STREAM_SILENCE_MS) {
        mir_fail(err, MIR_UNAVAILABLE, "the daemon has fallen silent");
        return went_away(f, err);
    }
    if (p[1].revents && stream_take(&f->events, NULL))
        stream_close(&f->events);
    if (f->stuck)
        return got_stuck(f, err);
    return p[0].revents ? take_operation(f, err) : 0;
}

/* What happened last is worth a line too, if it has come already. */
static void drain_events(struct follow *f)
{
    for (int i = 0; i < 50 && f->events.fd >= 0; i++) {
        struct pollfd p = {.fd = f->events.fd, .events = POLLIN};
        if (poll(&p, 1, 5) <= 0 || stream_take(&f->events, NULL))
            return;
    }
}

int cmd_follow(struct cmd_context *ctx, const json_t *operation, int64_t timeout_s,
               struct mir_error *err)
{
    struct follow f = {.ctx = ctx,
                       .operation = cmd_text(operation, "id"),
                       .name = cmd_text(operation, "name"),
                       .deployment = cmd_text(operation, "deployment"),
                       .since = cmd_text(operation, "created_at"),
                       .op.fd = -1,
                       .events.fd = -1,
                       .started_ms = now_ms()};
    if (!*f.deployment)
        f.deployment = f.name;
    /* All that happened to a deployment that was just made belongs to its making. */
    if (!strcmp(cmd_text(operation, "kind"), "deploy"))
        f.since = "";
    f.until_ms = timeout_s > 0 ? f.started_ms + timeout_s * 1000 : 0;
    mir_buf_init(&f.op.body, CMD_HTTP_ANSWER_MAX);
    cmd_sse_init(&f.sse, on_event, &f);
    int rc = open_operation(&f, err) ? went_away(&f, err) : 0;
    if (!rc && !ctx->quiet)
        open_events(&f);
    while (rc == 0)
        rc = follow_round(&f, err);
    drain_events(&f);
    stream_close(&f.op);
    stream_close(&f.events);
    mir_buf_clear(&f.op.body);
    cmd_sse_clear(&f.sse);
    return rc < 0 ? -1 : 0;
}

int cmd_still(struct cmd_context *ctx, const char *name, struct mir_error *err)
{
    json_t *d = NULL;
    mir_auto_free char *target = cmd_target("deployments", name, NULL);
    if (cmd_call(ctx, "GET", target, NULL, &d, NULL)) {
        mir_fail(err, MIR_TIMEOUT, "stopped waiting for '%s'; the work goes on", name);
        return mir_error_hint(err, "look: mirage-deploy show %s", name);
    }
    mir_auto_free char *until = cmd_until_text(d);
    bool ending = !strcmp(cmd_text(d, "state"), "ending");
    if (ending) {
        const char *why = cmd_text(json_object_get(d, "error"), "text");
        mir_fail(err, MIR_TIMEOUT,
                 "stopped waiting: '%s' is being ended until nothing of it is left%s%s", name,
                 *why ? "; why: " : "", why);
    } else {
        mir_fail(err, MIR_TIMEOUT, "stopped waiting: '%s' is %s and goes on, %s%s", name,
                 cmd_text(d, "state"), until, cmd_forever(d) ? "" : " at the latest");
    }
    json_decref(d);
    return ending
               ? mir_error_hint(err, "look: mirage-deploy show %s", name)
               : mir_error_hint(err, "look: mirage-deploy show %s; end it now: mirage-deploy rm %s",
                                name, name);
}

/* --- events alone --- */

struct events_only {
    cmd_follow_fn *fn;
    void *fn_ctx;
    struct cmd_sse sse;
    struct stream stream;
};

static int on_lone_event(void *ctx, const struct cmd_event *sse, struct mir_error *err)
{
    struct events_only *e = ctx;
    json_t *event = mir_json_parse(sse->data, sse->len, CMD_SSE_MAX, NULL);
    int rc = event ? e->fn(e->fn_ctx, event, err) : 0;
    json_decref(event);
    return rc;
}

static int on_lone_body(void *ctx, const char *data, size_t len, struct mir_error *err)
{
    struct events_only *e = ctx;
    return e->stream.parser.status == 200 ? cmd_sse_feed(&e->sse, data, len, err)
                                          : to_buffer(&e->stream.body, data, len, err);
}

static int events_loop(struct events_only *e, int64_t until_ms, struct mir_error *err)
{
    for (;;) {
        int64_t left_ms = until_ms ? until_ms - now_ms() : STREAM_SILENCE_MS;
        if (left_ms <= 0)
            return mir_fail(err, MIR_TIMEOUT, "the time is up");
        struct pollfd p = {.fd = e->stream.fd, .events = POLLIN};
        int ready = poll(&p, 1, left_ms < STREAM_SILENCE_MS ? (int)left_ms : STREAM_SILENCE_MS);
        if (ready == 0 && left_ms >= STREAM_SILENCE_MS)
            return mir_fail(err, MIR_UNAVAILABLE, "the daemon has fallen silent");
        int rc = ready > 0 ? stream_take(&e->stream, err) : 0;
        if (rc)
            return rc < 0 ? -1 : 0;
    }
}

int cmd_follow_events(struct cmd_context *ctx, const char *name, const char *after,
                      int64_t timeout_s, cmd_follow_fn *fn, void *fn_ctx, struct mir_error *err)
{
    struct events_only e = {.fn = fn, .fn_ctx = fn_ctx, .stream.fd = -1};
    mir_buf_init(&e.stream.body, CMD_HTTP_ANSWER_MAX);
    cmd_sse_init(&e.sse, on_lone_event, &e);
    mir_auto_free char *target = cmd_target("deployments", name, "/events");
    mir_auto_free char *last = mir_format("Last-Event-ID: %s", after);
    struct cmd_http_request request = {
        .method = "GET",
        .target = target,
        .fields = {"Accept: text/event-stream", *after ? last : NULL}};
    int rc = stream_open(&e.stream, &request, on_lone_body, &e, err);
    if (!rc)
        rc = events_loop(&e, timeout_s ? now_ms() + timeout_s * 1000 : 0, err);
    if (!rc && e.stream.parser.status >= 300) {
        struct cmd_http_answer answer = {.status = e.stream.parser.status, .body = e.stream.body};
        rc = cmd_problem(ctx, &answer, err);
    }
    stream_close(&e.stream);
    mir_buf_clear(&e.stream.body);
    cmd_sse_clear(&e.sse);
    return rc;
}
