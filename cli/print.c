/* SPDX-License-Identifier: ISC */
#include "print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/buf.h"
#include "api/cleanup.h"
#include "api/memory.h"
#include "api/price.h"
#include "client.h"
#include "value.h"

enum cmd_color cmd_state_color(const char *state)
{
    static const struct {
        const char *state;
        enum cmd_color color;
    } colors[] = {
        {"live", CMD_GREEN},        {"running", CMD_GREEN},   {"failed", CMD_RED},
        {"stuck", CMD_RED},         {"gone", CMD_DIM},        {"ending", CMD_YELLOW},
        {"PASS", CMD_GREEN},        {"WARN", CMD_YELLOW},     {"FAIL", CMD_RED},
        {"boots", CMD_GREEN},       {"cannot", CMD_RED},      {"down", CMD_RED},
        {"no-network", CMD_YELLOW}, {"degraded", CMD_YELLOW}, {"verified", CMD_GREEN},
    };
    for (size_t i = 0; i < MIR_NELEMS(colors); i++)
        if (!strcmp(colors[i].state, state))
            return colors[i].color;
    return CMD_PLAIN;
}

char *cmd_hooks_line(const json_t *hooks)
{
    struct mir_buf line;
    mir_buf_init(&line, 4096);
    size_t i;
    json_t *hook;
    json_array_foreach(hooks, i, hook)
    {
        const char *state = cmd_text(hook, "state"), *detail = cmd_text(hook, "detail");
        mir_buf_addf(&line, "%s%s %s", i ? ", " : "", cmd_text(hook, "name"), state);
        if (strcmp(state, "armed") && *detail)
            mir_buf_addf(&line, " (%s)", detail);
    }
    if (line.len == 0)
        mir_buf_adds(&line, "none yet");
    return mir_buf_take(&line);
}

bool cmd_forever(const json_t *document)
{
    return json_is_true(json_object_get(document, "forever"));
}

/* A reason is lost with the database; what was taken up from its tags has none. */
static char *forever_text(const json_t *document)
{
    const char *reason = cmd_text(document, "reason");
    bool over = *cmd_text(document, "finished_at") != '\0';
    return mir_format("no deadline%s (reason: %s)", over ? "" : ": it runs until you remove it",
                      *reason ? reason : "not known");
}

char *cmd_until_text(const json_t *document)
{
    if (cmd_forever(document))
        return mir_strdup("until you remove it: it has no deadline");
    return mir_format("until %s", cmd_text(document, "expires_at"));
}

char *cmd_deadline_text(const json_t *document)
{
    if (cmd_forever(document))
        return forever_text(document);
    const char *expires = cmd_text(document, "expires_at");
    const json_t *left = json_object_get(document, "left_s");
    if (!json_is_integer(left))
        return mir_strdup(expires);
    char text[MIR_TIME_SIZE];
    long long left_s = json_integer_value(left);
    mir_duration_format(left_s < 0 ? -left_s : left_s, text);
    return mir_format("%s (%s %s)", expires, text, left_s < 0 ? "ago" : "left");
}

static bool is_free(const json_t *cost)
{
    const json_t *per_hour = json_object_get(cost, "per_hour_micro");
    return !json_is_object(cost) || (json_is_integer(per_hour) && !json_integer_value(per_hour) &&
                                     !cmd_number(cost, "once_micro"));
}

void cmd_money(const json_t *cost, const char *field, char out[CMD_CELL])
{
    bool known = json_is_integer(json_object_get(cost, "per_hour_micro"));
    if (is_free(cost)) {
        snprintf(out, CMD_CELL, "free");
    } else if (json_is_null(json_object_get(cost, field))) {
        snprintf(out, CMD_CELL, known ? "no limit" : "not known");
    } else {
        long long micro = cmd_number(cost, field);
        long long parts = micro / 100 + (micro % 100 > 0);
        snprintf(out, CMD_CELL, "%lld.%04lld %s", parts / 10000, parts % 10000,
                 cmd_text(cost, "currency"));
    }
}

char *cmd_price_text(const json_t *cost)
{
    char hour[CMD_CELL], once[CMD_CELL];
    const char *date = cmd_text(cost, "price_date"), *note = cmd_text(cost, "note");
    bool known = json_is_integer(json_object_get(cost, "per_hour_micro"));
    bool priced = known && !is_free(cost), twice = priced && cmd_number(cost, "once_micro") > 0;
    cmd_money(cost, "per_hour_micro", hour);
    cmd_money(cost, "once_micro", once);
    mir_auto_free char *told =
        mir_format("%s%s%s%s", *date ? "prices of " : "", date, *date && *note ? "; " : "", note);
    return mir_format("%s%s%s%s%s%s%s%s", hour, priced ? " an hour" : "", twice ? ", " : "",
                      twice ? once : "", twice ? " once" : "", *told ? " (" : "", told,
                      *told ? ")" : "");
}

static void add_part(struct mir_buf *line, const char *text)
{
    if (*text)
        mir_buf_addf(line, "%s%s", line->len ? ", " : "", text);
}

char *cmd_place_text(const json_t *place)
{
    const char *type = cmd_text(place, "type"), *region = cmd_text(place, "region");
    struct mir_buf line;
    mir_buf_init(&line, 1024);
    mir_buf_addf(&line, "%s%s%s", type, *region ? (*type ? " in " : "in ") : "", region);
    add_part(&line, cmd_text(place, "cloud"));
    add_part(&line, json_is_true(json_object_get(place, "spot")) ? "spot" : "");
    add_part(&line, json_is_true(json_object_get(place, "ipv6_only")) ? "IPv6 only" : "");
    add_part(&line, json_is_true(json_object_get(place, "keep_address")) ? "address kept" : "");
    const json_t *open = json_object_get(place, "open");
    size_t i;
    json_t *port;
    json_array_foreach(open, i, port)
    {
        mir_auto_free char *text =
            mir_format("%s%lld", i ? "" : "open: ", (long long)json_integer_value(port));
        add_part(&line, text);
    }
    if (json_is_array(open) && !json_array_size(open))
        add_part(&line, "no port open");
    return mir_buf_take(&line);
}

void cmd_print_row(const struct cmd_context *ctx, const char *label, const char *text)
{
    if (!text || !*text)
        return;
    mir_auto_free char *clean = cmd_term_clean(text);
    fprintf(ctx->out.file, "%s%-9s%s %s\n", cmd_term_on(&ctx->out, CMD_DIM), label,
            cmd_term_off(&ctx->out), clean);
}

char *cmd_machine_text(const json_t *machine)
{
    const char *disk = cmd_text(machine, "disk"), *nic = cmd_text(machine, "nic");
    return mir_format("%s%s%s%s%s", cmd_text(machine, "firmware"), *disk ? ", disk " : "", disk,
                      *nic ? ", network card " : "", nic);
}

void cmd_print_deployment(const struct cmd_context *ctx, const json_t *d)
{
    if (ctx->json) {
        cmd_print_json(ctx, d);
        return;
    }
    mir_auto_free char *deadline = cmd_deadline_text(d);
    mir_auto_free char *hooks = cmd_hooks_line(json_object_get(d, "hooks"));
    cmd_print_row(ctx, "name", cmd_text(d, "name"));
    cmd_print_row(ctx, "state", cmd_text(d, "state"));
    cmd_print_row(ctx, "url", cmd_text(d, "url"));
    cmd_print_row(ctx, "page", cmd_text(d, "site_url"));
    cmd_print_row(ctx, "badge", cmd_text(d, "badge_url"));
    /* What nothing will end is said last. */
    bool forever = cmd_forever(d);
    cmd_print_row(ctx, forever ? "hooks" : "deadline", forever ? hooks : deadline);
    cmd_print_row(ctx, forever ? "deadline" : "hooks", forever ? deadline : hooks);
}

void cmd_print_budget(const struct cmd_context *ctx, const json_t *cost)
{
    char text[MIR_MONEY_TEXT];
    if (!json_is_integer(json_object_get(cost, "budget_micro")))
        return;
    mir_money_format(cmd_number(cost, "budget_micro"), text);
    mir_auto_free char *line = mir_format("%s %s", text, cmd_text(cost, "currency"));
    cmd_print_row(ctx, "budget", line);
}

void cmd_print_table(const struct cmd_context *ctx, struct cmd_table *table)
{
    fputc('\n', ctx->out.file);
    cmd_table_print(table, &ctx->out);
    cmd_table_free(table);
}
