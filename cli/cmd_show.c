/* SPDX-License-Identifier: ISC */
/* show NAME: the deployment, its hooks, steps and events, its receipt and its audit lines. */
#include <stdio.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "client.h"
#include "print.h"
#include "receipt.h"
#include "value.h"

static void print_hooks(const struct cmd_context *ctx, const json_t *hooks)
{
    static const char *const headings[] = {"HOOK", "STATE", "DEADLINE", "DETAIL", NULL};
    if (!json_array_size(hooks))
        return;
    struct cmd_table *table = cmd_table_new(headings);
    size_t i;
    json_t *hook;
    json_array_foreach(hooks, i, hook)
    {
        const char *state = cmd_text(hook, "state");
        enum cmd_color color = state[0] == 'a' ? CMD_GREEN : state[0] == 'f' ? CMD_RED : CMD_DIM;
        cmd_table_cell(table, cmd_text(hook, "name"), CMD_PLAIN);
        cmd_table_cell(table, state, color);
        cmd_table_cell(table, cmd_text(hook, "deadline"), CMD_PLAIN);
        cmd_table_cell(table, cmd_text(hook, "detail"), CMD_PLAIN);
    }
    cmd_print_table(ctx, table);
}

static void print_events(const struct cmd_context *ctx, const json_t *events)
{
    static const char *const headings[] = {"TIME", "KIND", "STATE", "EVENT", NULL};
    if (!json_array_size(events))
        return;
    struct cmd_table *table = cmd_table_new(headings);
    size_t i;
    json_t *event;
    json_array_foreach(events, i, event)
    {
        cmd_table_cell(table, cmd_text(event, "at"), CMD_PLAIN);
        cmd_table_cell(table, cmd_text(event, "kind"), CMD_PLAIN);
        cmd_table_cell(table, cmd_text(event, "state"), cmd_state_color(cmd_text(event, "state")));
        cmd_table_cell(table, cmd_text(event, "text"), CMD_PLAIN);
    }
    cmd_print_table(ctx, table);
}

static void print_ports(const struct cmd_context *ctx, const json_t *ports)
{
    size_t i;
    json_t *port;
    json_array_foreach(ports, i, port)
    {
        mir_auto_free char *text = mir_format("%s:%lld -> %lld", cmd_text(port, "address"),
                                              cmd_number(port, "host"), cmd_number(port, "guest"));
        cmd_print_row(ctx, "port", text);
    }
}

static void print_lists(const struct cmd_context *ctx, const json_t *d)
{
    mir_auto_buf struct mir_buf line;
    mir_buf_init(&line, 65536);
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(d, "addresses"), i, item)
        cmd_print_row(ctx, "address", json_string_value(item));
    print_ports(ctx, json_object_get(d, "ports"));
    const json_t *arguments = json_object_get(d, "arguments");
    if (json_is_string(arguments))
        mir_buf_adds(&line, json_string_value(arguments));
    json_array_foreach(arguments, i, item) if (json_is_string(item))
        mir_buf_addf(&line, "%s%s", line.len ? " " : "", json_string_value(item));
    cmd_print_row(ctx, "arguments", mir_buf_text(&line));
    mir_buf_reset(&line);
    json_array_foreach(json_object_get(d, "steps"), i, item) mir_buf_addf(
        &line, "%s%s %s", line.len ? ", " : "", cmd_text(item, "name"), cmd_text(item, "status"));
    cmd_print_row(ctx, "steps", mir_buf_text(&line));
}

/* Not waited for until it is stuck: it is the user's to put right. */
static void print_halted(const struct cmd_context *ctx, const json_t *halted)
{
    if (!json_is_object(halted))
        return;
    mir_auto_free char *text = mir_format("not getting on since %s: %s", cmd_text(halted, "since"),
                                          cmd_text(halted, "text"));
    cmd_print_row(ctx, "halted", text);
    cmd_print_row(ctx, "fix", cmd_text(halted, "hint"));
}

static void print_ending(const struct cmd_context *ctx, const json_t *d)
{
    const json_t *error = json_object_get(d, "error");
    const json_t *instance = json_object_get(d, "instance");
    cmd_print_row(ctx, "finished", cmd_text(d, "finished_at"));
    cmd_print_row(ctx, "ended by", cmd_text(d, "end_reason"));
    cmd_print_row(ctx, "guest", cmd_text(instance, "end_reason"));
    cmd_print_row(ctx, "error", cmd_text(error, "text"));
    cmd_print_row(ctx, "fix", cmd_text(error, "hint"));
}

/* What is free is said in one word. */
static void print_cost(const struct cmd_context *ctx, const json_t *cost)
{
    char text[CMD_CELL];
    cmd_money(cost, "so_far_micro", text);
    cmd_print_row(ctx, "cost", text);
    if (!strcmp(text, "free"))
        return;
    mir_auto_free char *price = cmd_price_text(cost);
    cmd_print_row(ctx, "price", price);
    cmd_money(cost, "worst_micro", text);
    cmd_print_row(ctx, "at most", text);
    cmd_print_budget(ctx, cost);
}

/* One that is not done yet, or refused and not answered yet. */
static void print_extension(const struct cmd_context *ctx, const json_t *extension)
{
    bool refused = !strcmp(cmd_text(extension, "state"), "refused");
    if (!json_is_object(extension))
        return;
    mir_auto_free char *text = mir_format("until %s %s", cmd_text(extension, "asked"),
                                          refused ? "is refused; the hooks are on their way back"
                                                  : "waits until the hooks are armed for it");
    cmd_print_row(ctx, "extension", text);
}

static void print_show(const struct cmd_context *ctx, const json_t *d)
{
    const json_t *instance = json_object_get(d, "instance");
    char text[CMD_CELL];
    mir_auto_free char *deadline = cmd_deadline_text(d);
    mir_auto_free char *machine = cmd_machine_text(json_object_get(d, "machine"));
    mir_auto_free char *place = cmd_place_text(json_object_get(d, "place"));
    cmd_print_row(ctx, "name", cmd_text(d, "name"));
    cmd_print_row(ctx, "id", cmd_text(d, "id"));
    cmd_print_row(ctx, "state", cmd_text(d, "state"));
    cmd_print_row(ctx, "provider", cmd_text(d, "provider"));
    cmd_print_row(ctx, "instance", cmd_text(instance, "id"));
    cmd_print_row(ctx, "kernel", cmd_text(d, "kernel"));
    cmd_print_carrier(ctx, d);
    cmd_print_row(ctx, "machine", machine);
    cmd_print_row(ctx, "place", place);
    if (cmd_number(d, "memory_bytes") > 0) {
        cmd_size_format((uint64_t)cmd_number(d, "memory_bytes"), text, sizeof text);
        cmd_print_row(ctx, "memory", text);
    }
    cmd_print_row(ctx, "url", cmd_text(d, "url"));
    print_lists(ctx, d);
    cmd_print_row(ctx, "page", cmd_text(d, "site_url"));
    cmd_print_row(ctx, "badge", cmd_text(d, "badge_url"));
    cmd_print_row(ctx, "owner", cmd_text(d, "owner"));
    cmd_print_row(ctx, "created", cmd_text(d, "created_at"));
    cmd_print_row(ctx, "deadline", deadline);
    print_extension(ctx, json_object_get(d, "extension"));
    print_cost(ctx, json_object_get(d, "cost"));
    print_halted(ctx, json_object_get(d, "halted"));
    print_ending(ctx, d);
    print_hooks(ctx, json_object_get(d, "hooks"));
    print_events(ctx, json_object_get(d, "events"));
    if (json_is_object(json_object_get(d, "receipt")))
        cmd_print_receipt(ctx, json_object_get(d, "receipt"));
    else
        cmd_print_objects(ctx, json_object_get(d, "objects"));
    cmd_print_audit(ctx, json_object_get(d, "audit"));
}

/* Adds a list that stands behind another target to the document. */
static int add_list(struct cmd_context *ctx, json_t *d, const char *field, const char *target,
                    struct mir_error *err)
{
    json_t *answer = NULL;
    if (cmd_call(ctx, "GET", target, NULL, &answer, err))
        return -1;
    json_object_set(d, field, json_object_get(answer, field));
    json_decref(answer);
    return 0;
}

int cmd_show(struct cmd_context *ctx, struct mir_error *err)
{
    const char *name = cmd_args_text(&ctx->args, OPT_NAME);
    mir_auto_free char *target = cmd_target("deployments", name, NULL);
    json_t *d = NULL;
    if (cmd_call(ctx, "GET", target, NULL, &d, err))
        return -1;
    mir_auto_free char *events = cmd_target("deployments", cmd_text(d, "id"), "/events");
    mir_auto_free char *audit = mir_format("/v1/audit?deployment=%s", cmd_text(d, "id"));
    int rc = add_list(ctx, d, "events", events, err) || add_list(ctx, d, "audit", audit, err);
    if (!rc && !ctx->json)
        print_show(ctx, d);
    if (!rc)
        rc = cmd_check_receipt(json_object_get(d, "receipt"), json_object_get(d, "audit"), err);
    if (!rc && ctx->json)
        cmd_print_json(ctx, d);
    else if (ctx->json && json_object_get(d, "audit"))
        ctx->partial = json_incref(d);
    json_decref(d);
    return rc ? -1 : 0;
}
