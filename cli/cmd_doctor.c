/* SPDX-License-Identifier: ISC */
/* doctor [PROVIDER]: PASS, WARN or FAIL with the fix. Works without a daemon, and says so; what a
 * provider has to be allowed it prints without one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "api/buf.h"
#include "api/cleanup.h"
#include "api/memory.h"
#include "api/paths.h"
#include "api/process.h"
#include "client.h"
#include "daemon_start.h"
#include "print.h"
#include "value.h"

#define DISK_FAIL_BYTES ((uint64_t)64 << 20)
#define DISK_WARN_BYTES ((uint64_t)1 << 30)
#define REAPER_WARN_MS 10000
#define CLOCK_WARN_S 5

static void add(json_t *checks, const char *name, const char *level, const char *detail,
                const char *fix)
{
    json_t *check = json_pack("{s:s, s:s, s:s, s:s}", "name", name, "level", level, "detail",
                              detail, "fix", fix);
    if (check)
        json_array_append_new(checks, check);
}

static void check_programs(json_t *checks)
{
    static const char *const programs[] = {"mirage-deployd", "mirage-image", "mirage-keeper"};
    for (size_t i = 0; i < MIR_NELEMS(programs); i++) {
        struct mir_error err = {0};
        mir_auto_free char *path = mir_program_path(programs[i], &err);
        if (path)
            add(checks, programs[i], "PASS", path, "");
        else
            add(checks, programs[i], "FAIL", err.text, err.hint);
    }
}

/* The first of that name on PATH; owned, or NULL. */
static char *on_path(const char *program)
{
    const char *path = getenv("PATH");
    while (path && *path) {
        size_t len = strcspn(path, ":");
        char *candidate = mir_format("%.*s/%s", (int)len, path, program);
        if (len > 0 && !access(candidate, X_OK))
            return candidate;
        free(candidate);
        path += len + (path[len] == ':');
    }
    return NULL;
}

static void check_qemu(json_t *checks)
{
    mir_auto_free char *qemu = on_path("qemu-system-x86_64");
    if (qemu)
        add(checks, "qemu", "PASS", qemu, "");
    else
        add(checks, "qemu", "FAIL", "qemu-system-x86_64 is not on PATH",
            "install it: apt install qemu-system-x86");
}

/* The directory, or the nearest one above it that is there. */
static char *nearest(const char *path)
{
    char *p = mir_strdup(path);
    struct stat st;
    while (*p && strcmp(p, "/") && stat(p, &st)) {
        char *slash = strrchr(p, '/');
        if (!slash)
            break;
        slash[slash == p] = '\0';
    }
    return p;
}

static void check_state(json_t *checks)
{
    struct mir_error err = {0};
    mir_auto_free char *state = mir_path_state(&err);
    if (!state) {
        add(checks, "state", "FAIL", err.text, err.hint);
        return;
    }
    mir_auto_free char *there = nearest(state);
    struct stat st;
    mir_auto_free char *fix =
        mir_format("make %s writable for you, or name another directory with --state", there);
    if (stat(there, &st) || !S_ISDIR(st.st_mode) || access(there, W_OK | X_OK)) {
        mir_auto_free char *detail = mir_format("cannot write to %s", there);
        add(checks, "state", "FAIL", detail, fix);
        return;
    }
    add(checks, "state", "PASS", state, "");
    struct statvfs fs;
    char free_text[32];
    if (statvfs(there, &fs))
        return;
    uint64_t bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    cmd_size_format(bytes, free_text, sizeof free_text);
    mir_auto_free char *detail = mir_format("%s free at %s", free_text, there);
    add(checks, "disk",
        bytes < DISK_FAIL_BYTES   ? "FAIL"
        : bytes < DISK_WARN_BYTES ? "WARN"
                                  : "PASS",
        detail,
        bytes < DISK_WARN_BYTES ? "make room, or name a directory elsewhere with --state" : "");
}

static void check_ready(struct cmd_context *ctx, json_t *checks)
{
    json_t *ready = NULL;
    struct mir_error err = {0};
    if (cmd_call(ctx, "GET", "/readyz", NULL, &ready, &err)) {
        add(checks, "reaper", "FAIL", err.text,
            *err.hint ? err.hint : "restart it: mirage-deploy daemon stop; daemon start");
        return;
    }
    if (json_is_null(json_object_get(ready, "reaper_late_ms"))) {
        add(checks, "reaper", "PASS", "another daemon's: this one stands by", "");
        json_decref(ready);
        return;
    }
    long long late_ms = cmd_number(ready, "reaper_late_ms");
    mir_auto_free char *detail = mir_format("%lld ms late", late_ms);
    bool late = late_ms > REAPER_WARN_MS;
    add(checks, "reaper", late ? "WARN" : "PASS", detail,
        late ? "is the machine overloaded? look at daemon.log in the state directory" : "");
    long long behind_s = cmd_number(ready, "clock_behind_ms") / 1000;
    if (behind_s >= CLOCK_WARN_S) {
        mir_auto_free char *text = mir_format(
            "%lld s behind the time that deadlines go by (the latest that was ever seen here)",
            behind_s);
        add(checks, "clock", "WARN", text,
            "set it: timedatectl set-ntp true; until then leases end early rather than late");
    } else {
        add(checks, "clock", "PASS", "agrees with the time that deadlines go by", "");
    }
    json_decref(ready);
}

static void check_audit(struct cmd_context *ctx, json_t *checks)
{
    json_t *answer = NULL;
    struct mir_error err = {0};
    if (cmd_call(ctx, "GET", "/v1/audit?check=1", NULL, &answer, &err)) {
        add(checks, "audit log", "FAIL", err.text, err.hint);
        return;
    }
    const json_t *broken = json_object_get(answer, "broken");
    if (json_is_object(broken)) {
        mir_auto_free char *detail = mir_format(
            "broken at row %lld: %s; the %lld rows before it are whole", cmd_number(broken, "id"),
            cmd_text(broken, "why"), cmd_number(answer, "entries"));
        add(checks, "audit log", "FAIL", detail,
            "somebody has changed state.db behind the daemon's back: keep a copy of it, and see "
            "who may write to the state directory; deadlines do not depend on the log");
    } else {
        mir_auto_free char *detail =
            mir_format("%lld entries, chain whole", cmd_number(answer, "entries"));
        add(checks, "audit log", "PASS", detail, "");
    }
    json_decref(answer);
}

/* 1 when the daemon can be asked. */
static int check_daemon(struct cmd_context *ctx, json_t *checks)
{
    struct mir_error err = {0};
    json_t *version = NULL;
    if (!cmd_call(ctx, "GET", "/v1/version", NULL, &version, &err)) {
        mir_auto_free char *detail = mir_format(
            "version %s, process %lld", cmd_text(version, "version"), cmd_number(version, "pid"));
        add(checks, "daemon", "PASS", detail, "");
        json_decref(version);
        check_ready(ctx, checks);
        check_audit(ctx, checks);
        return 1;
    }
    bool absent = err.sys_errno == ENOENT || err.sys_errno == ECONNREFUSED;
    add(checks, "daemon", absent ? "WARN" : "FAIL", err.text,
        absent ? "the next deploy starts it; or: mirage-deploy daemon start" : err.hint);
    return 0;
}

static void check_provider(struct cmd_context *ctx, json_t *checks, const char *provider)
{
    json_t *answer = NULL;
    struct mir_error err = {0};
    mir_auto_free char *target = cmd_target("providers", provider, "/check");
    if (cmd_call(ctx, "GET", target, NULL, &answer, &err)) {
        add(checks, provider, "FAIL", err.text, err.hint);
        return;
    }
    size_t i;
    json_t *check;
    json_array_foreach(json_object_get(answer, "checks"), i, check)
    {
        mir_auto_free char *name = mir_format("%s: %s", provider, cmd_text(check, "name"));
        add(checks, name, cmd_text(check, "level"), cmd_text(check, "detail"),
            cmd_text(check, "fix"));
    }
    json_decref(answer);
}

static void print_checks(const struct cmd_context *ctx, const json_t *checks)
{
    size_t i;
    json_t *check;
    json_array_foreach(checks, i, check)
    {
        const char *level = cmd_text(check, "level");
        mir_auto_free char *name = cmd_term_clean(cmd_text(check, "name"));
        mir_auto_free char *detail = cmd_term_clean(cmd_text(check, "detail"));
        mir_auto_free char *fix = cmd_term_clean(cmd_text(check, "fix"));
        fprintf(ctx->out.file, "%s%s%s  %-24s %s\n", cmd_term_on(&ctx->out, cmd_state_color(level)),
                level, cmd_term_off(&ctx->out), name, detail);
        if (*fix)
            fprintf(ctx->out.file, "      %-24s fix: %s\n", "", fix);
    }
}

static size_t count_level(const json_t *checks, const char *level)
{
    size_t i, count = 0;
    json_t *check;
    json_array_foreach(checks, i, check) count += !strcmp(cmd_text(check, "level"), level);
    return count;
}

static int print_policy(const struct cmd_context *ctx, const char *provider, struct mir_error *err)
{
    if (provider)
        return cmd_become_reap(ctx, "--print-policy", err);
    mir_fail(err, MIR_USAGE, "--print-policy needs a provider");
    return mir_error_hint(err, "mirage-deploy doctor PROVIDER --print-policy");
}

int cmd_doctor(struct cmd_context *ctx, struct mir_error *err)
{
    const char *only = cmd_args_text(&ctx->args, OPT_PROVIDER);
    if (cmd_args_flag(&ctx->args, OPT_PRINT_POLICY, false))
        return print_policy(ctx, only, err);
    json_t *checks = json_array();
    check_programs(checks);
    check_state(checks);
    if (check_daemon(ctx, checks)) {
        for (size_t i = 0; cmd_provider_names[i]; i++)
            if (!only || !strcmp(only, cmd_provider_names[i]))
                check_provider(ctx, checks, cmd_provider_names[i]);
    } else {
        if (!only || !strcmp(only, "local"))
            check_qemu(checks);
        add(checks, only ? only : "providers", "WARN", "not checked: the daemon does that",
            "start it: mirage-deploy daemon start");
    }
    size_t failed = count_level(checks, "FAIL");
    json_t *document = json_pack("{s:O, s:b}", "checks", checks, "ok", (int)!failed);
    if (!ctx->json)
        print_checks(ctx, checks);
    if (ctx->json && !failed)
        cmd_print_json(ctx, document);
    else if (ctx->json)
        ctx->partial = json_incref(document);
    json_decref(document);
    json_decref(checks);
    if (!failed)
        return 0;
    mir_fail(err, MIR_FAILED, "%zu of the checks failed", failed);
    return mir_error_hint(err, "each line above says how to put it right");
}
