/* SPDX-License-Identifier: ISC */
/* ps [--all] */
#include <stdio.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "client.h"
#include "print.h"

static void age(const json_t *d, char out[MIR_TIME_SIZE])
{
    int64_t created_s;
    out[0] = '\0';
    if (!mir_time_parse(cmd_text(d, "created_at"), &created_s, NULL))
        mir_duration_format(mir_now_s(mir_clock_system()) - created_s, out);
}

static void left(const json_t *d, char out[MIR_TIME_SIZE])
{
    const json_t *value = json_object_get(d, "left_s");
    out[0] = '\0';
    if (cmd_forever(d) && !*cmd_text(d, "finished_at"))
        snprintf(out, MIR_TIME_SIZE, "no deadline");
    if (json_is_integer(value) && json_integer_value(value) >= 0 && !*cmd_text(d, "finished_at"))
        mir_duration_format(json_integer_value(value), out);
}

static void print_table(const struct cmd_context *ctx, const json_t *list)
{
    static const char *const headings[] = {"NAME", "PROVIDER", "STATE", "URL",
                                           "AGE",  "LEFT",     "COST",  NULL};
    struct cmd_table *table = cmd_table_new(headings);
    size_t i;
    json_t *d;
    json_array_foreach(list, i, d)
    {
        char text[MIR_TIME_SIZE], money[CMD_CELL];
        cmd_table_cell(table, cmd_text(d, "name"), CMD_PLAIN);
        cmd_table_cell(table, cmd_text(d, "provider"), CMD_PLAIN);
        cmd_table_cell(table, cmd_text(d, "state"), cmd_state_color(cmd_text(d, "state")));
        cmd_table_cell(table, cmd_text(d, "url"), CMD_PLAIN);
        age(d, text);
        cmd_table_cell(table, text, CMD_PLAIN);
        left(d, text);
        cmd_table_cell(table, text, CMD_PLAIN);
        cmd_money(json_object_get(d, "cost"), "so_far_micro", money);
        cmd_table_cell(table, money, CMD_PLAIN);
    }
    cmd_table_print(table, &ctx->out);
    cmd_table_free(table);
}

/* One line each for what nothing but its owner ends. */
static void say_forever(const struct cmd_context *ctx, const json_t *list)
{
    size_t i;
    json_t *d;
    json_array_foreach(list, i, d)
    {
        mir_auto_free char *deadline = cmd_deadline_text(d);
        if (cmd_forever(d) && !*cmd_text(d, "finished_at"))
            cmd_say(ctx, "%s has %s", cmd_text(d, "name"), deadline);
    }
}

/* One line for each hook that should be armed and is not: what is deployed goes on, with less to
 * end it than was meant. */
static void say_hooks(const struct cmd_context *ctx, const json_t *list)
{
    size_t i, k;
    json_t *d, *hook;
    json_array_foreach(list, i, d)
    {
        json_array_foreach(json_object_get(d, "hooks"), k, hook)
        {
            if (!*cmd_text(d, "finished_at") && !strcmp(cmd_text(hook, "state"), "failed"))
                cmd_say(ctx, "%s: the hook %s has failed: %s", cmd_text(d, "name"),
                        cmd_text(hook, "name"), cmd_text(hook, "detail"));
        }
    }
}

/* One line for what runs and has something to say, such as an extension that was refused. */
static void say_errors(const struct cmd_context *ctx, const json_t *list)
{
    size_t i;
    json_t *d;
    json_array_foreach(list, i, d)
    {
        const char *state = cmd_text(d, "state");
        const json_t *error = json_object_get(d, "error");
        if (json_is_object(error) && (!strcmp(state, "running") || !strcmp(state, "live")))
            cmd_say(ctx, "%s: %s", cmd_text(d, "name"), cmd_text(error, "text"));
    }
}

int cmd_ps(struct cmd_context *ctx, struct mir_error *err)
{
    bool all = cmd_args_flag(&ctx->args, OPT_ALL, false);
    json_t *answer = NULL;
    if (cmd_deployments(ctx, all, &answer, err))
        return -1;
    const json_t *list = json_object_get(answer, "deployments");
    if (ctx->json)
        cmd_print_json(ctx, answer);
    else if (json_array_size(list) > 0)
        print_table(ctx, list);
    else
        cmd_say(ctx, "no deployments%s",
                all ? "" : "; those that are over: mirage-deploy ps --all");
    say_forever(ctx, list);
    say_hooks(ctx, list);
    say_errors(ctx, list);
    json_decref(answer);
    return 0;
}
