/* SPDX-License-Identifier: ISC */
/* /v1/providers */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "api/suggest.h"
#include "daemon/engine.h"
#include "rest.h"
#include "tender.h"

#define CHECKS_MAX 48
#define CHECKS_OWN 2 /* beside the provider's */

static json_t *hooks_of(const struct mir_provider *info)
{
    json_t *list = json_array();
    json_array_append_new(list, json_string("daemon"));
    for (size_t i = 0; info->hook_names && info->hook_names[i]; i++)
        json_array_append_new(list, json_string(info->hook_names[i]));
    if (info->note_get)
        json_array_append_new(list, json_string("reaper"));
    return list;
}

REST_HANDLER(rest_providers_get)
{
    const struct mird_rest *rest = ctx;
    json_t *list = json_array();
    for (size_t i = 0; i < rest->core->provider_count; i++) {
        const struct mir_provider *info = mir_prov_info(rest->core->providers[i]);
        json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:o}", "name", info->name, "title",
                                              info->title, "paid", (int)info->paid, "hooks",
                                              hooks_of(info)));
    }
    return rest_json(response, 200, json_pack("{s:o}", "providers", list));
}

struct mir_prov *rest_find_provider(const struct mird_rest *rest, const char *name,
                                    struct mir_error *err)
{
    struct mir_prov *prov = mird_core_provider(rest->core, name);
    if (prov)
        return prov;
    const char *names[MIRD_PROVIDERS_MAX];
    for (size_t i = 0; i < rest->core->provider_count; i++)
        names[i] = mir_prov_info(rest->core->providers[i])->name;
    const char *near = mir_suggest(name, names, rest->core->provider_count);
    mir_fail(err, MIR_NOT_FOUND, "no provider '%.40s' in this build", name);
    if (near)
        mir_error_hint(err, "did you mean '%s'?", near);
    else
        mir_error_hint(err, "`mirage-deploy providers` lists them");
    return NULL;
}

/* Whether a reaper comes again: what the provider cannot tell, since it has not the key. */
static size_t check_reaper(const struct mird_rest *rest, struct mir_prov *prov,
                           struct mir_check *ret)
{
    struct mird_engine *engine = mird_core_engine(rest->core);
    struct mir_hook hook;
    if (!engine || !mir_prov_configured(prov) ||
        !mird_engine_reaper_hook(engine, prov, "", 0, &hook))
        return 0;
    bool armed = hook.state == MIR_HOOK_ARMED;
    *ret =
        (struct mir_check){.name = "hook reaper", .level = armed ? MIR_CHECK_PASS : MIR_CHECK_WARN};
    mir_copy(ret->detail, sizeof ret->detail, hook.detail);
    if (!armed)
        snprintf(ret->fix, sizeof ret->fix,
                 "let a timer on another machine run: mirage-reap %s --every 5m",
                 mir_prov_info(prov)->name);
    return 1;
}

REST_HANDLER(rest_provider_check)
{
    struct mir_error err = {0};
    struct mir_prov *prov = rest_find_provider(ctx, mird_http_param(request, "name"), &err);
    if (!prov)
        return rest_fail(request, response, &err);
    struct mir_check checks[CHECKS_MAX];
    size_t count = 0;
    memset(checks, 0, sizeof checks);
    mir_prov_check(prov, checks, CHECKS_MAX - CHECKS_OWN, &count);
    count += check_reaper(ctx, prov, &checks[count]);
    mird_tender_check(((const struct mird_rest *)ctx)->core->config, &checks[count++]);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "name", checks[i].name,
                                              "level", mir_check_level_name(checks[i].level),
                                              "detail", checks[i].detail, "fix", checks[i].fix));
    return rest_json(response, 200, json_pack("{s:o}", "checks", list));
}
