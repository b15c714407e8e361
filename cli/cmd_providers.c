/* SPDX-License-Identifier: ISC */
/* providers */
#include "api/buf.h"
#include "client.h"
#include "print.h"

int cmd_providers(struct cmd_context *ctx, struct mir_error *err)
{
    static const char *const headings[] = {"NAME", "TITLE", "PAID", "HOOKS", NULL};
    json_t *answer = NULL;
    if (cmd_call(ctx, "GET", "/v1/providers", NULL, &answer, err))
        return -1;
    if (ctx->json) {
        cmd_print_json(ctx, answer);
        json_decref(answer);
        return 0;
    }
    struct cmd_table *table = cmd_table_new(headings);
    size_t i, k;
    json_t *provider, *hook;
    json_array_foreach(json_object_get(answer, "providers"), i, provider)
    {
        mir_auto_buf struct mir_buf hooks;
        mir_buf_init(&hooks, 1024);
        json_array_foreach(json_object_get(provider, "hooks"), k, hook)
            mir_buf_addf(&hooks, "%s%s", k ? ", " : "",
                         json_is_string(hook) ? json_string_value(hook) : cmd_text(hook, "name"));
        cmd_table_cell(table, cmd_text(provider, "name"), CMD_PLAIN);
        cmd_table_cell(table, cmd_text(provider, "title"), CMD_PLAIN);
        cmd_table_cell(table, json_is_true(json_object_get(provider, "paid")) ? "yes" : "no",
                       CMD_PLAIN);
        cmd_table_cell(table, mir_buf_text(&hooks), CMD_PLAIN);
    }
    cmd_table_print(table, &ctx->out);
    cmd_table_free(table);
    json_decref(answer);
    return 0;
}
