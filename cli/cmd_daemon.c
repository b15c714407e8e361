/* SPDX-License-Identifier: ISC */
/* daemon start|stop|status|run */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "api/process.h"
#include "client.h"
#include "daemon_start.h"
#include "interrupt.h"
#include "print.h"

#define STOP_LIMIT_MS 30000

/* "acting (epoch 3)", or which one acts instead. */
static void print_role(const struct cmd_context *ctx, const json_t *version)
{
    const json_t *acting = json_object_get(version, "acting");
    char text[200];
    if (!acting)
        return;
    if (!strcmp(cmd_text(version, "role"), "acting"))
        snprintf(text, sizeof text, "acting (epoch %lld)", cmd_number(acting, "epoch"));
    else if (json_is_null(json_object_get(acting, "pid")))
        snprintf(text, sizeof text, "standby: none acts at this moment");
    else
        snprintf(text, sizeof text, "standby: process %lld at %s acts", cmd_number(acting, "pid"),
                 cmd_text(acting, "socket"));
    cmd_print_row(ctx, "role", text);
}

static void print_version(const struct cmd_context *ctx, const json_t *version, const char *state)
{
    mir_auto_free char *socket = cmd_socket_path(NULL);
    char pid[32];
    snprintf(pid, sizeof pid, "%lld", cmd_number(version, "pid"));
    cmd_print_row(ctx, "daemon", state);
    print_role(ctx, version);
    cmd_print_row(ctx, "version", cmd_text(version, "version"));
    cmd_print_row(ctx, "pid", pid);
    cmd_print_row(ctx, "since", cmd_text(version, "started_at"));
    cmd_print_row(ctx, "socket", socket);
    cmd_print_row(ctx, "state", cmd_text(version, "state_dir"));
    cmd_print_row(ctx, "public", cmd_text(version, "public_url"));
}

int cmd_daemon_start(struct cmd_context *ctx, struct mir_error *err)
{
    bool started = false;
    json_t *version = NULL;
    cmd_interrupt_says("the daemon may have been started; look: mirage-deploy daemon status");
    if (cmd_daemon_ensure(ctx, &started, err) ||
        cmd_call(ctx, "GET", "/v1/version", NULL, &version, err))
        return -1;
    if (ctx->json) {
        json_object_set_new(version, "started", json_boolean(started));
        cmd_print_json(ctx, version);
    } else {
        print_version(ctx, version, started ? "started" : "was running already");
    }
    json_decref(version);
    return 0;
}

/* "hello until 2026-…": what goes on without the daemon, ended by its other hooks. */
static json_t *still_running(struct cmd_context *ctx)
{
    json_t *answer = NULL, *running = json_array();
    if (cmd_deployments(ctx, false, &answer, NULL))
        return running;
    size_t i;
    json_t *d;
    json_array_foreach(json_object_get(answer, "deployments"), i, d) json_array_append_new(
        running, json_pack("{s:s, s:s, s:O?, s:b}", "name", cmd_text(d, "name"), "state",
                           cmd_text(d, "state"), "expires_at", json_object_get(d, "expires_at"),
                           "forever", (int)cmd_forever(d)));
    json_decref(answer);
    return running;
}

static void print_stopped(const struct cmd_context *ctx, const json_t *running)
{
    if (ctx->json) {
        json_t *document = json_pack("{s:b, s:O}", "stopped", 1, "running", running);
        cmd_print_json(ctx, document);
        json_decref(document);
        return;
    }
    fputs("daemon stopped\n", ctx->out.file);
    size_t i;
    json_t *d;
    json_array_foreach(running, i, d)
    {
        mir_auto_free char *until = cmd_until_text(d);
        mir_auto_free char *text =
            mir_format("%s (%s) goes on %s%s", cmd_text(d, "name"), cmd_text(d, "state"), until,
                       cmd_forever(d) ? "" : ", ended by its other hooks");
        mir_auto_free char *clean = cmd_term_clean(text);
        fprintf(ctx->out.file, "%s\n", clean);
    }
}

int cmd_daemon_stop(struct cmd_context *ctx, struct mir_error *err)
{
    json_t *version = NULL;
    if (cmd_call(ctx, "GET", "/v1/version", NULL, &version, err))
        return -1;
    pid_t pid = (pid_t)cmd_number(version, "pid");
    json_decref(version);
    struct mir_process process;
    if (pid <= 1 || mir_process_of(pid, &process, err))
        return mir_fail(err, MIR_FAILED, "cannot find the daemon's process (%d)", (int)pid) |
               mir_error_hint(err, "is it running in another container? stop it there");
    /* Asked again once its start time is known: only the process that answers is signalled. */
    json_t *again = NULL;
    if (cmd_call(ctx, "GET", "/v1/version", NULL, &again, err))
        return -1;
    bool same = cmd_number(again, "pid") == pid;
    json_decref(again);
    if (!same)
        return mir_fail(err, MIR_CONFLICT, "the daemon was replaced by another just now") |
               mir_error_hint(err, "once more: mirage-deploy daemon stop");
    json_t *running = still_running(ctx);
    cmd_interrupt_says("the daemon has been told to stop; look: mirage-deploy daemon status");
    int rc = mir_process_signal(&process, SIGTERM, err) ||
             mir_process_wait_gone(&process, STOP_LIMIT_MS, err);
    if (!rc)
        print_stopped(ctx, running);
    json_decref(running);
    return rc ? -1 : 0;
}

int cmd_daemon_status(struct cmd_context *ctx, struct mir_error *err)
{
    json_t *version = NULL, *ready = NULL;
    struct mir_error not_ready = {0};
    if (cmd_call(ctx, "GET", "/v1/version", NULL, &version, err))
        return -1;
    int rc = cmd_call(ctx, "GET", "/readyz", NULL, &ready, &not_ready);
    json_t *running = still_running(ctx);
    if (ctx->json) {
        json_object_set_new(version, "ready", json_boolean(!rc));
        json_object_set(version, "reaper_late_ms",
                        rc ? json_null() : json_object_get(ready, "reaper_late_ms"));
        json_object_set(version, "running", running);
        if (!rc)
            cmd_print_json(ctx, version);
        else
            ctx->partial = json_incref(version);
    } else {
        char count[32];
        snprintf(count, sizeof count, "%zu", json_array_size(running));
        print_version(ctx, version, rc ? "running, not well" : "running, well");
        cmd_print_row(ctx, "holds", count);
    }
    json_decref(running);
    json_decref(ready);
    json_decref(version);
    if (rc)
        *err = not_ready;
    return rc;
}

int cmd_daemon_run(struct cmd_context *ctx, struct mir_error *err)
{
    static char *none[] = {NULL};
    mir_auto_free char *program = mir_program_path("mirage-deployd", err);
    if (!program)
        return -1;
    char **rest = ctx->args.rest ? ctx->args.rest : none;
    size_t count = 0;
    while (rest[count])
        count++;
    char **argv = mir_calloc(count + 2, sizeof *argv);
    argv[0] = program;
    memcpy(argv + 1, rest, count * sizeof *argv);
    fflush(NULL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    execv(program, argv);
    free(argv);
    return mir_fail_errno(err, errno, "cannot run %s", program);
}
