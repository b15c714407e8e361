/* SPDX-License-Identifier: ISC */
/* config list [--show-origin]: what is set, by whom, and what that shadows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "client.h"
#include "print.h"

struct listing {
    json_t *settings;
    json_t *shadows; /* borrowed: names seen so far, to tell what is shadowed */
};

static void add(const struct listing *l, const char *section, const char *key, const char *value,
                const char *origin)
{
    mir_auto_free char *name = *section ? mir_format("%s.%s", section, key) : mir_strdup(key);
    bool shadowed = json_object_get(l->shadows, name) != NULL;
    json_t *text = json_string(value);
    json_array_append_new(l->settings, json_pack("{s:s, s:o, s:s, s:b}", "key", name, "value",
                                                 text ? text : json_null(), "origin", origin,
                                                 "shadowed", (int)shadowed));
    json_object_set_new(l->shadows, name, json_true());
}

/* Options given on this very command line, then the environment, then the files. */
static void collect(const struct cmd_context *ctx, const struct listing *l)
{
    for (size_t i = 0; i < ctx->args.count; i++) {
        const struct cmd_item *item = &ctx->args.items[i];
        const char *key = cmd_options[item->opt].name;
        mir_auto_free char *origin = mir_format("option --%s", key);
        if (item->origin == CMD_FROM_FLAG && item->opt != OPT_SHOW_ORIGIN)
            add(l, "", key, item->text, origin);
    }
    for (unsigned i = 0; i < OPT_COUNT; i++) {
        char env[CMD_ENV_SIZE];
        cmd_option_env(&cmd_options[i], env);
        const char *value = getenv(env);
        const struct cmd_item *given = cmd_args_item(&ctx->args, (enum cmd_opt)i);
        mir_auto_free char *origin = mir_format("environment %s", env);
        /* --socket, --state and --config are handed on through the environment. */
        bool ours = given && given->origin == CMD_FROM_FLAG &&
                    (i == OPT_SOCKET || i == OPT_STATE || i == OPT_CONFIG);
        if (value && !ours && !(cmd_options[i].flags & CMD_OPT_META))
            add(l, "", cmd_options[i].name, value, origin);
    }
    size_t count;
    const struct mir_config_entry *entries = mir_config_entries(ctx->args.config, &count);
    for (size_t i = 0; i < count; i++) {
        mir_auto_free char *origin = mir_format("%s:%u", entries[i].file, entries[i].line);
        add(l, entries[i].section, entries[i].key, entries[i].value, origin);
    }
}

static void print_settings(const struct cmd_context *ctx, const json_t *settings, bool origins)
{
    static const char *const plain[] = {"KEY", "VALUE", NULL};
    static const char *const full[] = {"KEY", "VALUE", "ORIGIN", "", NULL};
    struct cmd_table *table = cmd_table_new(origins ? full : plain);
    size_t i;
    json_t *setting;
    json_array_foreach(settings, i, setting)
    {
        bool shadowed = json_is_true(json_object_get(setting, "shadowed"));
        if (shadowed && !origins)
            continue;
        cmd_table_cell(table, cmd_text(setting, "key"), shadowed ? CMD_DIM : CMD_PLAIN);
        cmd_table_cell(table, cmd_text(setting, "value"), shadowed ? CMD_DIM : CMD_PLAIN);
        if (origins) {
            cmd_table_cell(table, cmd_text(setting, "origin"), CMD_PLAIN);
            cmd_table_cell(table, shadowed ? "(shadowed)" : " ", CMD_DIM);
        }
    }
    cmd_table_print(table, &ctx->out);
    cmd_table_free(table);
}

int cmd_config_list(struct cmd_context *ctx, struct mir_error *err)
{
    (void)err;
    bool origins = cmd_args_flag(&ctx->args, OPT_SHOW_ORIGIN, false);
    struct listing l = {json_array(), json_object()};
    collect(ctx, &l);
    if (ctx->json) {
        json_t *document = json_pack("{s:O}", "settings", l.settings);
        cmd_print_json(ctx, document);
        json_decref(document);
    } else if (json_array_size(l.settings) == 0) {
        cmd_say(ctx, "nothing is set; 'mirage-deploy help environment' lists what can be");
    } else {
        print_settings(ctx, l.settings, origins);
    }
    json_decref(l.settings);
    json_decref(l.shadows);
    return 0;
}
