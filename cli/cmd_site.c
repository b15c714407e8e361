/* SPDX-License-Identifier: ISC */
/* The registry: sites, site add|verify|rm, badge. */
#include <stdio.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "client.h"
#include "print.h"

int cmd_sites(struct cmd_context *ctx, struct mir_error *err)
{
    static const char *const headings[] = {"NAME",      "STATE", "VERIFIED BY",
                                           "LAST SEEN", "URL",   NULL};
    json_t *answer = NULL;
    if (cmd_call(ctx, "GET", "/v1/sites", NULL, &answer, err))
        return -1;
    const json_t *list = json_object_get(answer, "sites");
    if (ctx->json) {
        cmd_print_json(ctx, answer);
    } else if (json_array_size(list) == 0) {
        cmd_say(ctx, "no sites");
    } else {
        struct cmd_table *table = cmd_table_new(headings);
        size_t i;
        json_t *site;
        json_array_foreach(list, i, site)
        {
            const char *state = cmd_text(site, "state");
            cmd_table_cell(table, cmd_text(site, "name"), CMD_PLAIN);
            cmd_table_cell(table, state, cmd_state_color(state));
            cmd_table_cell(table, cmd_text(site, "verified_by"), CMD_PLAIN);
            cmd_table_cell(table, cmd_text(site, "last_seen"), CMD_PLAIN);
            cmd_table_cell(table, cmd_text(site, "url"), CMD_PLAIN);
        }
        cmd_table_print(table, &ctx->out);
        cmd_table_free(table);
    }
    json_decref(answer);
    return 0;
}

static void print_site(const struct cmd_context *ctx, const json_t *site)
{
    if (ctx->json) {
        cmd_print_json(ctx, site);
        return;
    }
    cmd_print_row(ctx, "name", cmd_text(site, "name"));
    cmd_print_row(ctx, "url", cmd_text(site, "url"));
    cmd_print_row(ctx, "state", cmd_text(site, "state"));
    cmd_print_row(ctx, "verified", cmd_text(site, "verified_by"));
    cmd_print_row(ctx, "page", cmd_text(site, "site_url"));
    cmd_print_row(ctx, "badge", cmd_text(site, "badge_url"));
    cmd_print_row(ctx, "token", cmd_text(site, "token"));
}

int cmd_site_add(struct cmd_context *ctx, struct mir_error *err)
{
    const char *name = cmd_args_text(&ctx->args, OPT_NAME);
    json_t *body = json_pack("{s:s}", "url", cmd_args_text(&ctx->args, OPT_URL));
    json_t *site = NULL;
    if (name)
        json_object_set_new(body, "name", json_string(name));
    int rc = cmd_call(ctx, "POST", "/v1/sites", body, &site, err);
    json_decref(body);
    if (rc)
        return -1;
    print_site(ctx, site);
    if (*cmd_text(site, "token"))
        cmd_say(ctx,
                "to prove that the site is yours, serve the token at "
                "/.well-known/unikernel, then: mirage-deploy site verify %s",
                cmd_text(site, "name"));
    json_decref(site);
    return 0;
}

int cmd_site_verify(struct cmd_context *ctx, struct mir_error *err)
{
    mir_auto_free char *target = cmd_target("sites", cmd_args_text(&ctx->args, OPT_NAME), NULL);
    json_t *body = json_pack("{s:b}", "verify", 1), *site = NULL;
    int rc = cmd_call(ctx, "PATCH", target, body, &site, err);
    json_decref(body);
    if (!rc)
        print_site(ctx, site);
    json_decref(site);
    return rc;
}

int cmd_site_rm(struct cmd_context *ctx, struct mir_error *err)
{
    const char *name = cmd_args_text(&ctx->args, OPT_NAME);
    mir_auto_free char *target = cmd_target("sites", name, NULL);
    mir_auto_free char *question = mir_format("Take the site '%s' off the registry?", name);
    if (cmd_may_ask(ctx) && !cmd_confirm(ctx, question)) {
        mir_fail(err, MIR_INTERRUPTED, "not confirmed: nothing was changed");
        return mir_error_hint(err, "--yes answers the question");
    }
    json_t *answer = NULL;
    if (cmd_call(ctx, "DELETE", target, NULL, &answer, err))
        return -1;
    json_decref(answer);
    if (ctx->json) {
        json_t *document = json_pack("{s:s, s:s}", "name", name, "state", "gone");
        cmd_print_json(ctx, document);
        json_decref(document);
    } else {
        fprintf(ctx->out.file, "%s gone\n", name);
    }
    return 0;
}

/* The registry's own address decides; a daemon without a public listener has no badges. */
static char *public_url(struct cmd_context *ctx, struct mir_error *err)
{
    json_t *version = NULL;
    if (cmd_call(ctx, "GET", "/v1/version", NULL, &version, err))
        return NULL;
    char *url = mir_strdup(cmd_text(version, "public_url"));
    json_decref(version);
    if (*url)
        return url;
    free(url);
    mir_fail(err, MIR_UNAVAILABLE, "the daemon serves no public pages, so there is no badge");
    mir_error_hint(err, "look: mirage-deploy daemon status");
    return NULL;
}

int cmd_badge(struct cmd_context *ctx, struct mir_error *err)
{
    const char *name = cmd_args_text(&ctx->args, OPT_NAME);
    mir_auto_free char *target = cmd_target("sites", name, NULL);
    if (cmd_call(ctx, "GET", target, NULL, NULL, err))
        return -1;
    mir_auto_free char *base = public_url(ctx, err);
    if (!base)
        return -1;
    mir_auto_free char *page = mir_format("%s/sites/%s", base, name);
    mir_auto_free char *badge = mir_format("%s/badge/%s.svg", base, name);
    mir_auto_free char *markdown = mir_format("[![%s](%s)](%s)", name, badge, page);
    mir_auto_free char *html =
        mir_format("<a href=\"%s\"><img src=\"%s\" alt=\"%s\"></a>", page, badge, name);
    if (ctx->json) {
        json_t *document = json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", name, "badge_url", badge,
                                     "site_url", page, "markdown", markdown, "html", html);
        cmd_print_json(ctx, document);
        json_decref(document);
    } else {
        fprintf(ctx->out.file, "%s\n%s\n", markdown, html);
    }
    return 0;
}
