/* SPDX-License-Identifier: ISC */
/* An inspection, and where a kernel boots, for people. */
#include <stdio.h>
#include <string.h>

#include "api/buf.h"
#include "api/cleanup.h"
#include "api/memory.h"
#include "client.h"
#include "print.h"
#include "value.h"

static void print_devices(const struct cmd_context *ctx, const json_t *devices)
{
    mir_auto_buf struct mir_buf line;
    mir_buf_init(&line, 8192);
    size_t i;
    json_t *device;
    json_array_foreach(devices, i, device) mir_buf_addf(
        &line, "%s%s (%s)", i ? ", " : "", cmd_text(device, "name"), cmd_text(device, "kind"));
    cmd_print_row(ctx, "devices", mir_buf_text(&line));
}

static void print_size(const struct cmd_context *ctx, const char *label, long long bytes)
{
    char text[CMD_CELL];
    if (bytes <= 0)
        return;
    cmd_size_format((uint64_t)bytes, text, sizeof text);
    cmd_print_row(ctx, label, text);
}

/* "image raw, boot bios, nic ena", flags by their names alone. */
static char *needs_text(const json_t *family)
{
    struct mir_buf line;
    mir_buf_init(&line, 1024);
    const char *field, *carrier = cmd_text(family, "carrier");
    json_t *value;
    json_object_foreach(json_object_get(family, "needs"), field, value)
    {
        mir_buf_addf(&line, "%s%s", line.len ? ", " : "", field);
        if (json_is_string(value))
            mir_buf_addf(&line, " %s", json_string_value(value));
    }
    if (*carrier && strcmp(carrier, "none") != 0)
        mir_buf_addf(&line, "%sa %s carrier", line.len ? ", " : "", carrier);
    return mir_buf_take(&line);
}

static void add_families(struct cmd_table *table, const char *provider, const json_t *families)
{
    size_t i;
    json_t *family;
    json_array_foreach(families, i, family)
    {
        const char *verdict = cmd_text(family, "verdict"), *power = cmd_text(family, "powers_off");
        mir_auto_free char *needs = needs_text(family);
        cmd_table_cell(table, provider, CMD_PLAIN);
        cmd_table_cell(table, cmd_text(family, "family"), CMD_PLAIN);
        cmd_table_cell(table, verdict, cmd_state_color(verdict));
        cmd_table_cell(table, strcmp(verdict, "cannot") ? power : "", CMD_PLAIN);
        cmd_table_cell(table, needs, CMD_PLAIN);
    }
}

static struct cmd_table *families_table(void)
{
    static const char *const headings[] = {"PROVIDER",   "MACHINES", "VERDICT",
                                           "POWERS OFF", "NEEDS",    NULL};
    return cmd_table_new(headings);
}

void cmd_print_families(const struct cmd_context *ctx, const char *provider, const json_t *boots)
{
    const json_t *families = json_object_get(boots, "families");
    if (json_array_size(families) == 0)
        return; /* a daemon of before there were any */
    struct cmd_table *table = families_table();
    add_families(table, provider, families);
    cmd_print_table(ctx, table);
}

void cmd_print_kernel(const struct cmd_context *ctx, const json_t *kernel)
{
    static const char *const headings[] = {"PROVIDER", "VERDICT", "HOW", "WHY", NULL};
    const char *container = cmd_text(kernel, "container");
    cmd_print_row(ctx, "what", cmd_text(kernel, "description"));
    cmd_print_row(ctx, "format", cmd_text(kernel, "format"));
    if (strcmp(container, "none"))
        cmd_print_row(ctx, "packed", container);
    cmd_print_row(ctx, "arch", cmd_text(kernel, "arch"));
    cmd_print_row(ctx, "sha256", cmd_text(kernel, "sha256"));
    print_size(ctx, "size", cmd_number(kernel, "bytes"));
    print_size(ctx, "memory", cmd_number(kernel, "min_memory_bytes"));
    print_devices(ctx, json_object_get(kernel, "devices"));
    cmd_print_row(ctx, "powersoff", cmd_text(kernel, "powers_off"));
    fputc('\n', ctx->out.file);
    struct cmd_table *table = cmd_table_new(headings);
    const char *provider;
    json_t *row;
    json_object_foreach(json_object_get(kernel, "boots"), provider, row)
    {
        const char *verdict = cmd_text(row, "verdict");
        cmd_table_cell(table, provider, CMD_PLAIN);
        cmd_table_cell(table, verdict, cmd_state_color(verdict));
        cmd_table_cell(table, cmd_text(row, "how"), CMD_PLAIN);
        cmd_table_cell(table, cmd_text(row, "why"), CMD_PLAIN);
    }
    cmd_table_print(table, &ctx->out);
    cmd_table_free(table);
    table = families_table();
    json_object_foreach(json_object_get(kernel, "boots"), provider, row)
        add_families(table, provider, json_object_get(row, "families"));
    cmd_print_table(ctx, table);
}

static void print_blocks(const struct cmd_context *ctx, const json_t *blocks)
{
    mir_auto_buf struct mir_buf line;
    mir_buf_init(&line, 8192);
    char size[CMD_CELL];
    size_t i;
    json_t *block;
    json_array_foreach(blocks, i, block)
    {
        cmd_size_format((uint64_t)cmd_number(block, "bytes"), size, sizeof size);
        mir_buf_addf(&line, "%s%s (%s)", i ? ", " : "", cmd_text(block, "name"), size);
    }
    cmd_print_row(ctx, "blocks", mir_buf_text(&line));
}

void cmd_print_carrier(const struct cmd_context *ctx, const json_t *doc)
{
    const char *shape = cmd_text(doc, "carrier");
    char size[CMD_CELL];
    if (!*shape || !strcmp(shape, "none"))
        return;
    cmd_size_format((uint64_t)cmd_number(doc, "guest_bytes"), size, sizeof size);
    mir_auto_free char *text = mir_format("%s; the kernel has %s of the memory", shape, size);
    cmd_print_row(ctx, "carrier", text);
    print_blocks(ctx, json_object_get(doc, "blocks"));
    if (json_is_true(json_object_get(doc, "answer_ownership")))
        cmd_print_row(ctx, "ownership", "the carrier answers /.well-known/unikernel");
}
