/* SPDX-License-Identifier: ISC */
/* One run of the program: arguments, the command, and what becomes of its error. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "cmd.h"
#include "help.h"
#include "interrupt.h"
#include "value.h"

void cmd_print_json(const struct cmd_context *ctx, const json_t *json)
{
    cmd_interrupt_answered();
    /* For eyes on a terminal, one line for programs. */
    json_dumpf(json, ctx->out.file, ctx->out.tty ? JSON_INDENT(2) : JSON_COMPACT);
    fputc('\n', ctx->out.file);
}

void cmd_say(const struct cmd_context *ctx, const char *fmt, ...)
{
    if (ctx->quiet)
        return;
    va_list ap;
    va_start(ap, fmt);
    vfprintf(ctx->err.file, fmt, ap);
    va_end(ap);
    fputc('\n', ctx->err.file);
}

bool cmd_may_ask(const struct cmd_context *ctx)
{
    const char *ci = getenv("CI");
    bool allowed = !(ci && *ci && cmd_truth(ci) != 0);
    return isatty(STDIN_FILENO) && ctx->err.tty && cmd_args_flag(&ctx->args, OPT_INPUT, allowed);
}

bool cmd_confirm(const struct cmd_context *ctx, const char *question)
{
    if (cmd_args_flag(&ctx->args, OPT_YES, false))
        return true;
    if (!cmd_may_ask(ctx))
        return false;
    fprintf(ctx->err.file, "%s [y/N] ", question);
    fflush(ctx->err.file);
    mir_auto_free char *line = NULL;
    size_t cap = 0;
    ssize_t len = getline(&line, &cap, stdin);
    if (len > 0 && line[len - 1] == '\n')
        line[len - 1] = '\0';
    return len > 0 && cmd_truth(line) == 1;
}

static json_t *error_json(const struct cmd_context *ctx, const struct mir_error *err)
{
    const struct mir_kind_info *info = mir_kind_info(err->kind);
    json_t *error = json_pack("{s:s, s:s, s:i}", "code", info->name, "detail", err->text,
                              "exit_code", info->exit_code);
    if (!error) /* text that is no UTF-8 */
        error = json_pack("{s:s, s:i}", "code", info->name, "exit_code", info->exit_code);
    if (*err->hint)
        json_object_set_new(error, "hint", json_string(err->hint));
    if (err->http_status)
        json_object_set_new(error, "status", json_integer(err->http_status));
    if (*err->request_id)
        json_object_set_new(error, "request_id", json_string(err->request_id));
    if (*ctx->problem_provider)
        json_object_set_new(error, "provider", json_string(ctx->problem_provider));
    if (ctx->left_behind)
        json_object_set(error, "left_behind", ctx->left_behind);
    return error;
}

static void print_left_behind(const struct cmd_context *ctx)
{
    size_t i;
    json_t *id;
    json_array_foreach(ctx->left_behind, i, id)
    {
        char *text =
            json_is_string(id) ? mir_strdup(json_string_value(id)) : json_dumps(id, JSON_COMPACT);
        mir_auto_free char *clean = cmd_term_clean(text ? text : "?");
        fprintf(ctx->err.file, "  may be left behind: %s\n", clean);
        free(text);
    }
}

static void report(const struct cmd_context *ctx, const struct mir_error *err)
{
    const struct cmd_term *term = &ctx->err;
    mir_auto_free char *text = cmd_term_clean(err->text);
    mir_auto_free char *hint = cmd_term_clean(err->hint);
    fflush(ctx->out.file);
    fprintf(term->file, "%smirage-deploy:%s %s\n", cmd_term_on(term, CMD_RED), cmd_term_off(term),
            text);
    print_left_behind(ctx);
    if (*hint)
        fprintf(term->file, "  %s\n", hint);
    if (!ctx->json)
        return;
    json_t *document = ctx->partial ? json_incref(ctx->partial) : json_object();
    json_object_set_new(document, "error", error_json(ctx, err));
    cmd_print_json(ctx, document);
    json_decref(document);
}

/* The result has to have arrived: a full disk behind > FILE is an error like any other. */
static int flush_output(const struct cmd_context *ctx, struct mir_error *err)
{
    if (!fflush(ctx->out.file) && !ferror(ctx->out.file))
        return 0;
    return mir_fail_errno(err, errno ? errno : EIO, "cannot write the result");
}

/* What is set by options and looked at by code that knows the environment only. */
static void export_path(const struct cmd_args *args, enum cmd_opt opt)
{
    const char *path = cmd_args_text(args, opt);
    if (!path)
        return;
    char env[CMD_ENV_SIZE];
    cmd_option_env(&cmd_options[opt], env);
    mir_auto_free char *here = *path == '/' ? NULL : getcwd(NULL, 0);
    mir_auto_free char *absolute = here ? mir_format("%s/%s", here, path) : mir_strdup(path);
    setenv(env, absolute, 1);
}

static int wish(const struct cmd_args *args)
{
    return cmd_args_item(args, OPT_COLOR) ? cmd_args_flag(args, OPT_COLOR, false) : -1;
}

/* After an argument that could not be understood, those behind it still say how to tell so. */
static bool asks_for_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (!strcmp(argv[i], "--json"))
            return true;
    return false;
}

/* Options that have to be known before anything can be said, errors included. */
static void settle(struct cmd_context *ctx)
{
    const char *env = getenv("MIRAGE_DEPLOY_JSON");
    ctx->json = cmd_args_flag(&ctx->args, OPT_JSON, env && cmd_truth(env) == 1);
    ctx->quiet = cmd_args_flag(&ctx->args, OPT_QUIET, false);
    cmd_term_init(&ctx->out, stdout, wish(&ctx->args));
    cmd_term_init(&ctx->err, stderr, wish(&ctx->args));
}

/* "To do the same again": the questions' answers as a command line. */
static void print_full_command(const struct cmd_context *ctx)
{
    if (!ctx->args.asked || ctx->quiet)
        return;
    fprintf(ctx->err.file, "the same without questions: mirage-deploy %s", ctx->command->name);
    for (size_t i = 0; i < ctx->args.count; i++) {
        const struct cmd_item *item = &ctx->args.items[i];
        const struct cmd_option *option = &cmd_options[item->opt];
        if (item->origin != CMD_FROM_FLAG && item->origin != CMD_FROM_PROMPT)
            continue;
        mir_auto_free char *clean = cmd_term_clean(item->text);
        if (option->type == CMD_FLAG || option->type == CMD_SWITCH)
            fprintf(ctx->err.file, " --%s%s", !strcmp(item->text, "no") ? "no-" : "", option->name);
        else if (cmd_option_taken(item->opt, ctx->command->id))
            fprintf(ctx->err.file, " --%s %s", option->name, clean);
        else
            fprintf(ctx->err.file, " %s", clean);
    }
    fputc('\n', ctx->err.file);
}

static int run(struct cmd_context *ctx, struct mir_error *err)
{
    ctx->command = ctx->args.command;
    cmd_interrupt_install(ctx->json);
    if (cmd_args_complete(&ctx->args, err))
        return -1;
    settle(ctx);
    export_path(&ctx->args, OPT_STATE);
    export_path(&ctx->args, OPT_SOCKET);
    export_path(&ctx->args, OPT_CONFIG);
    cmd_interrupt_install(ctx->json);
    if (cmd_args_require_places(&ctx->args, cmd_may_ask(ctx), err))
        return -1;
    if (ctx->command->id == CMD_WAIT &&
        cmd_args_require(&ctx->args, OPT_FOR, cmd_may_ask(ctx), err))
        return -1;
    print_full_command(ctx);
    return ctx->command->run(ctx, err);
}

static int dispatch(struct cmd_context *ctx, int argc, char **argv, struct mir_error *err)
{
    int rc = cmd_args_parse(&ctx->args, argc, argv, err);
    settle(ctx);
    if (rc) {
        ctx->json |= asks_for_json(argc, argv);
        return -1;
    }
    if (cmd_args_flag(&ctx->args, OPT_HELP, false)) {
        if (ctx->args.command)
            cmd_help_command(ctx, ctx->args.command);
        else
            cmd_help_overview(ctx);
        return 0;
    }
    if (cmd_args_flag(&ctx->args, OPT_VERSION, false)) {
        if (ctx->json)
            fprintf(ctx->out.file, "{\"version\":\"%s\"}\n", MIR_VERSION);
        else
            fprintf(ctx->out.file, "mirage-deploy %s\n", MIR_VERSION);
        return 0;
    }
    if (!ctx->args.command) {
        cmd_help_short(ctx);
        mir_fail(err, MIR_USAGE, "no command given");
        return mir_error_hint(err, "'mirage-deploy --help' lists the commands");
    }
    return run(ctx, err);
}

int cmd_main(int argc, char **argv)
{
    struct cmd_context ctx = {.out.file = stdout, .err.file = stderr};
    struct mir_error err = {0};
    int rc = dispatch(&ctx, argc, argv, &err);
    if (!rc)
        rc = flush_output(&ctx, &err);
    if (rc)
        report(&ctx, &err);
    fflush(stdout);
    cmd_args_clear(&ctx.args);
    json_decref(ctx.left_behind);
    json_decref(ctx.partial);
    return rc ? mir_kind_info(err.kind == MIR_OK ? MIR_INTERNAL : err.kind)->exit_code : 0;
}
