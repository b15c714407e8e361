/* SPDX-License-Identifier: ISC */
/*
 * What a command of mirage-deploy is, and what each gets to work with: its arguments, where to
 * print, and the way to the daemon. The command table (commands.c) is the only list of commands.
 *
 * One context per process, made by cmd_main; a single thread. Commands return 0, or -1 with err;
 * the exit code follows from the error's kind.
 */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "api/error.h"
#include "args.h"
#include "options.h"
#include "term.h"

struct cmd_context;

typedef int cmd_run_fn(struct cmd_context *ctx, struct mir_error *err);

#define CMD_PLACES_MAX 2

struct cmd_command {
    const char *name; /* one word or two: "ps", "site add" */
    enum cmd_id id;
    enum cmd_opt places[CMD_PLACES_MAX]; /* what is given by place, OPT_NONE at the end */
    unsigned required;                   /* how many of them have to be there */
    bool many;                           /* the last place may be given several times */
    const char *rest;                    /* what may follow "--"; NULL: more of the same */
    const char *summary;                 /* one line, no full stop */
    const char *example;                 /* one command line, NULL: none */
    cmd_run_fn *run;
};

extern const struct cmd_command cmd_commands[];
extern const size_t cmd_command_count;

/* By name as in the table, or NULL. */
const struct cmd_command *cmd_command_find(const char *name);

struct cmd_context {
    const struct cmd_command *command;
    struct cmd_args args;
    struct cmd_term out; /* standard output: results only */
    struct cmd_term err; /* standard error: progress, hints, questions, errors */
    bool json;
    bool quiet;
    json_t *left_behind; /* owned; ids that an error names, or NULL */
    json_t *partial;     /* owned; the result so far, printed beside an error; or NULL */
    char problem_provider[24];
};

/* The whole program; returns the exit code. */
int cmd_main(int argc, char **argv);

/* Print a result document on standard output (--json). Borrows. */
void cmd_print_json(const struct cmd_context *ctx, const json_t *json);

/* A line of progress on standard error, unless --quiet. */
void cmd_say(const struct cmd_context *ctx, const char *fmt, ...) MIR_PRINTF(2, 3);

/* Is there somebody to ask: a terminal, not CI=true, not --no-input? */
bool cmd_may_ask(const struct cmd_context *ctx);

/* Ask a yes/no question; true when --yes, false when nobody can be asked. */
bool cmd_confirm(const struct cmd_context *ctx, const char *question);

/* Becomes mirage-reap for OPT_PROVIDER, with `mode` among its arguments (NULL: none); returns only
 * when it cannot. */
int cmd_become_reap(const struct cmd_context *ctx, const char *mode, struct mir_error *err);

/* --- the commands --- */
cmd_run_fn cmd_deploy, cmd_plan, cmd_ps, cmd_show, cmd_logs, cmd_wait, cmd_extend, cmd_rm,
    cmd_inspect, cmd_image_build, cmd_doctor, cmd_orphans, cmd_reap, cmd_sites, cmd_site_add,
    cmd_site_verify, cmd_site_rm, cmd_badge, cmd_providers, cmd_daemon_start, cmd_daemon_stop,
    cmd_daemon_status, cmd_daemon_run, cmd_config_list, cmd_completion, cmd_api, cmd_help,
    cmd_version;

#endif
