/* SPDX-License-Identifier: ISC */
#include "receipt.h"

#include <stdio.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "client.h"
#include "print.h"

#define AUDIT_SHA "sha256 " /* how the log's row begins that names a receipt */

void cmd_print_objects(const struct cmd_context *ctx, const json_t *objects)
{
    static const char *const headings[] = {"EXISTS", "ID", "SEEN", "BY", NULL};
    if (!json_array_size(objects))
        return;
    struct cmd_table *table = cmd_table_new(headings);
    size_t i;
    json_t *object;
    json_array_foreach(objects, i, object)
    {
        cmd_table_cell(table, cmd_text(object, "kind"), CMD_PLAIN);
        cmd_table_cell(table, cmd_text(object, "id"), CMD_PLAIN);
        cmd_table_cell(table, cmd_text(object, "shown_at"), CMD_PLAIN);
        cmd_table_cell(table, cmd_text(object, "shown_by"), CMD_PLAIN);
    }
    cmd_print_table(ctx, table);
}

static void ended_row(struct cmd_table *table, const json_t *object)
{
    mir_auto_buf struct mir_buf by;
    size_t i;
    json_t *call;
    const char *gone = cmd_text(object, "gone_at");
    mir_buf_init(&by, 256);
    json_array_foreach(json_object_get(object, "gone_by"), i, call)
        mir_buf_addf(&by, "%s%s", i ? " and " : "", json_string_value(call));
    cmd_table_cell(table, cmd_text(object, "kind"), CMD_PLAIN);
    cmd_table_cell(table, cmd_text(object, "id"), CMD_PLAIN);
    cmd_table_cell(table, cmd_text(object, "shown_at"), CMD_PLAIN);
    cmd_table_cell(table, *gone ? gone : "never", *gone ? CMD_PLAIN : CMD_RED);
    cmd_table_cell(table, mir_buf_text(&by), CMD_PLAIN);
}

static void print_evidence(const struct cmd_context *ctx, const json_t *evidence)
{
    size_t i;
    json_t *row;
    json_array_foreach(evidence, i, row)
    {
        bool listing = json_object_get(row, "listed") != NULL;
        mir_auto_free char *of =
            listing ? mir_format(" of %lld", cmd_number(row, "listed")) : mir_strdup("");
        mir_auto_free char *line = mir_format("%s%s, asked %s: %s", cmd_text(row, "call"), of,
                                              cmd_text(row, "asked_at"), cmd_text(row, "answer"));
        cmd_print_row(ctx, "asked", line);
    }
}

static void print_end(const struct cmd_context *ctx, const char *what, const json_t *end)
{
    if (!json_is_object(end))
        return;
    mir_auto_free char *line = mir_format(
        "of the %s sent %lldx, first %s, accepted %s", what, cmd_number(end, "deletes_sent"),
        cmd_text(end, "first_sent_at"), cmd_text(end, "accepted_at"));
    cmd_print_row(ctx, "delete", line);
    cmd_print_row(ctx, "settled", cmd_text(end, "settled_at"));
    print_evidence(ctx, json_object_get(end, "evidence"));
}

void cmd_print_receipt(const struct cmd_context *ctx, const json_t *receipt)
{
    static const char *const headings[] = {"EXISTED", "ID", "SEEN", "SEEN GONE", "BY", NULL};
    size_t i;
    json_t *object;
    if (!json_is_object(receipt))
        return;
    const json_t *objects = json_object_get(receipt, "objects");
    struct cmd_table *table = cmd_table_new(headings);
    json_array_foreach(objects, i, object) ended_row(table, object);
    if (json_array_size(objects)) {
        cmd_print_table(ctx, table);
    } else {
        cmd_table_free(table);
        fprintf(ctx->out.file, "\n%s\n",
                json_is_true(json_object_get(receipt, "asked_for"))
                    ? "The provider was asked for an instance, and none was ever seen."
                    : "The provider was never asked for anything.");
    }
    print_end(ctx, "instance", json_object_get(receipt, "instance_end"));
    print_end(ctx, "image", json_object_get(receipt, "image_end"));
    mir_auto_free char *sha = mir_format(AUDIT_SHA "%s", cmd_text(receipt, "sha256"));
    cmd_print_row(ctx, "receipt", sha);
}

void cmd_print_audit(const struct cmd_context *ctx, const json_t *rows)
{
    static const char *const headings[] = {"AUDIT", "TIME", "WHO", "WHAT", "DETAIL", NULL};
    if (!json_array_size(rows))
        return;
    struct cmd_table *table = cmd_table_new(headings);
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        mir_auto_free char *id = mir_format("%lld", cmd_number(row, "id"));
        cmd_table_cell(table, id, CMD_PLAIN);
        cmd_table_cell(table, cmd_text(row, "at"), CMD_PLAIN);
        cmd_table_cell(table, cmd_text(row, "who"), CMD_PLAIN);
        cmd_table_cell(table, cmd_text(row, "what"), CMD_PLAIN);
        cmd_table_cell(table, cmd_text(row, "detail"), CMD_PLAIN);
    }
    cmd_print_table(ctx, table);
}

int cmd_check_receipt(const json_t *receipt, const json_t *rows, struct mir_error *err)
{
    size_t i;
    json_t *row;
    const char *sha256 = cmd_text(receipt, "sha256");
    if (!json_is_object(receipt))
        return 0;
    json_array_foreach(rows, i, row)
    {
        const char *detail = cmd_text(row, "detail");
        if (!strcmp(cmd_text(row, "what"), "receipt") && strlen(detail) > strlen(AUDIT_SHA) &&
            !strcmp(detail + strlen(AUDIT_SHA), sha256))
            return 0;
    }
    mir_fail(err, MIR_CORRUPT,
             "this is not the receipt that the audit log names: somebody has "
             "changed the database behind the daemon's back");
    return mir_error_hint(err, "see whether the log itself is whole: mirage-deploy doctor");
}
