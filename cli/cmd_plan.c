/* SPDX-License-Identifier: ISC */
/* plan PROVIDER KERNEL, and --dry-run: what a deploy would do. */
#include <stdio.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "client.h"
#include "deploy.h"
#include "interrupt.h"
#include "print.h"
#include "value.h"

/* "cloud-schedule (where the cloud has Mistral), daemon" */
static void print_hooks(const struct cmd_context *ctx, const json_t *plan)
{
    const json_t *when = json_object_get(plan, "hooks_when");
    mir_auto_buf struct mir_buf line;
    mir_buf_init(&line, 8192);
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(plan, "hooks"), i, item)
    {
        const char *name = json_string_value(item), *only = name ? cmd_text(when, name) : "";
        mir_buf_addf(&line, "%s%s%s%s%s", line.len ? ", " : "", name ? name : "", *only ? " (" : "",
                     only, *only ? ")" : "");
    }
    cmd_print_row(ctx, "hooks", mir_buf_text(&line));
}

/* One line each: what is done, and how many bytes go out for it. */
static void print_steps(const struct cmd_context *ctx, const json_t *steps)
{
    size_t i;
    json_t *step;
    json_array_foreach(steps, i, step)
    {
        char size[32] = "";
        if (cmd_number(step, "bytes") > 0)
            cmd_size_format((uint64_t)cmd_number(step, "bytes"), size, sizeof size);
        mir_auto_free char *text =
            mir_format("%s: %s%s%s%s", cmd_text(step, "name"), cmd_text(step, "does"),
                       *size ? " (" : "", size, *size ? ")" : "");
        cmd_print_row(ctx, i ? " " : "steps", text);
    }
}

static void print_ports(const struct cmd_context *ctx, const json_t *ports)
{
    size_t i;
    json_t *port;
    json_array_foreach(ports, i, port)
    {
        char host[24] = "a free port";
        if (cmd_number(port, "host") > 0)
            snprintf(host, sizeof host, "%lld", cmd_number(port, "host"));
        mir_auto_free char *text =
            mir_format("%s:%s -> %lld", cmd_text(port, "address"), host, cmd_number(port, "guest"));
        cmd_print_row(ctx, "port", text);
    }
}

static void print_plan(const struct cmd_context *ctx, const json_t *plan)
{
    char text[CMD_CELL];
    const json_t *cost = json_object_get(plan, "cost"), *boots = json_object_get(plan, "boots");
    mir_auto_free char *deadline = cmd_deadline_text(plan);
    mir_auto_free char *machine = cmd_machine_text(json_object_get(plan, "machine"));
    mir_auto_free char *place = cmd_place_text(json_object_get(plan, "place"));
    mir_auto_free char *price = cmd_price_text(cost);
    cmd_print_row(ctx, "provider", cmd_text(plan, "provider"));
    cmd_print_row(ctx, "verdict", cmd_text(boots, "verdict"));
    cmd_print_row(ctx, "how", cmd_text(boots, "how"));
    cmd_print_row(ctx, "why", cmd_text(boots, "why"));
    cmd_print_carrier(ctx, plan);
    cmd_print_row(ctx, "machine", machine);
    cmd_print_row(ctx, "place", place);
    print_steps(ctx, json_object_get(plan, "steps"));
    if (cmd_number(plan, "memory_bytes") > 0) {
        cmd_size_format((uint64_t)cmd_number(plan, "memory_bytes"), text, sizeof text);
        cmd_print_row(ctx, "memory", text);
    }
    print_ports(ctx, json_object_get(plan, "ports"));
    cmd_print_row(ctx, "deadline", deadline);
    cmd_print_row(ctx, "price", price);
    cmd_money(cost, "worst_micro", text);
    cmd_print_row(ctx, "at most", text);
    cmd_print_budget(ctx, cost);
    print_hooks(ctx, plan);
    if (cmd_forever(plan))
        cmd_print_row(ctx, "hooks", "none: nothing ends it but mirage-deploy rm");
    cmd_print_families(ctx, cmd_text(plan, "provider"), boots);
}

int cmd_request_plan(struct cmd_context *ctx, const struct cmd_request *r, struct mir_error *err)
{
    json_t *plan = NULL;
    if (cmd_call(ctx, "POST", "/v1/plans", r->body, &plan, err))
        return -1;
    if (ctx->json)
        cmd_print_json(ctx, plan);
    else
        print_plan(ctx, plan);
    json_decref(plan);
    return 0;
}

int cmd_plan(struct cmd_context *ctx, struct mir_error *err)
{
    struct cmd_request request;
    cmd_interrupt_says("nothing was deployed");
    int rc = cmd_request_prepare(ctx, cmd_args_text(&ctx->args, OPT_PROVIDER), &request, err);
    if (!rc)
        rc = cmd_request_judge(ctx, &request, err);
    if (!rc)
        rc = cmd_request_upload(ctx, &request, err);
    if (!rc)
        rc = cmd_request_plan(ctx, &request, err);
    cmd_request_clear(&request);
    return rc;
}
