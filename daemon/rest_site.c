/* SPDX-License-Identifier: ISC */
/* /v1/sites and /v1/announce: the rules are the registry's (registry.h). */
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "daemon/public_server.h"
#include "daemon/registry.h"
#include "rest.h"

static json_t *document(const struct mird_rest *rest, const struct mird_site *site)
{
    return mird_site_json_owner(site, rest->core->public_url);
}

/* A text that has to be there and not empty. */
static int need_text(const json_t *body, const char *name, const char **ret, struct mir_error *err)
{
    if (mir_json_get_text(body, name, ret, err))
        return -1;
    return *ret && **ret ? 0 : mir_fail(err, MIR_USAGE, "field '%s' is needed", name);
}

REST_HANDLER(rest_sites_get)
{
    const struct mird_rest *rest = ctx;
    struct mird_site *list = NULL;
    size_t count = 0;
    struct mir_error err = {0};
    if (mird_store_sites(rest->core->store, &list, &count, &err))
        return rest_fail(request, response, &err);
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, document(rest, &list[i]));
    free(list);
    return rest_json(response, 200, json_pack("{s:o}", "sites", array));
}

static int find(const struct mird_rest *rest, const struct mird_http_request *request,
                struct mird_site *ret, struct mir_error *err)
{
    const char *name = mird_http_param(request, "name");
    int failed = mir_name_valid(name) ? mird_store_site_get(rest->core->store, name, ret, err)
                                      : mir_fail(err, MIR_NOT_FOUND, "no site '%.80s'", name);
    if (failed && err->kind == MIR_NOT_FOUND && !err->hint[0])
        mir_error_hint(err, "`mirage-deploy sites` lists them");
    return failed;
}

REST_HANDLER(rest_site_get)
{
    struct mird_site site;
    struct mir_error err = {0};
    if (find(ctx, request, &site, &err))
        return rest_fail(request, response, &err);
    return rest_json(response, 200, document(ctx, &site));
}

REST_HANDLER(rest_sites_post)
{
    static const char *const fields[] = {"url", "name"};
    const struct mird_rest *rest = ctx;
    const char *url = NULL, *name = NULL;
    struct mird_site site;
    struct mir_error err = {0};
    json_t *body = mird_http_body_json(request, &err);
    int failed = !body || mir_json_only(body, fields, MIR_NELEMS(fields), &err) ||
                 need_text(body, "url", &url, &err) ||
                 mir_json_get_text(body, "name", &name, &err) ||
                 mird_site_add(rest->core, url, name, &site, &err);
    json_decref(body);
    if (failed)
        return rest_fail(request, response, &err);
    rest_audit(rest, request, "site-add", site.name);
    mird_http_add_header(response, "Location", "/v1/sites/%s", site.name);
    return rest_json(response, 201, document(rest, &site));
}

struct change {
    int verify, hidden; /* -1: not asked for */
};

static int read_change(const struct mird_http_request *request, struct change *ret,
                       struct mir_error *err)
{
    static const char *const fields[] = {"verify", "hidden"};
    ret->verify = ret->hidden = -1;
    json_t *body = mird_http_body_json(request, err);
    int failed = !body || mir_json_only(body, fields, MIR_NELEMS(fields), err) ||
                 mir_json_get_bool(body, "verify", &ret->verify, err) ||
                 mir_json_get_bool(body, "hidden", &ret->hidden, err);
    json_decref(body);
    if (!failed && ret->verify <= 0 && ret->hidden < 0) {
        mir_fail(err, MIR_USAGE, "nothing to change");
        return mir_error_hint(err, "{\"verify\":true}, {\"hidden\":true} or {\"hidden\":false}");
    }
    return failed ? -1 : 0;
}

REST_HANDLER(rest_site_patch)
{
    const struct mird_rest *rest = ctx;
    struct mird_site site;
    struct change change;
    struct mir_error err = {0};
    if (read_change(request, &change, &err) || find(rest, request, &site, &err))
        return rest_fail(request, response, &err);
    if (change.hidden >= 0) {
        if (mird_site_hide(rest->core, site.name, change.hidden, &site, &err))
            return rest_fail(request, response, &err);
        rest_audit(rest, request, change.hidden ? "site-hide" : "site-show", site.name);
    }
    if (change.verify > 0) {
        if (mird_site_verify(rest->core, site.name, &site, &err))
            return rest_fail(request, response, &err);
        rest_audit(rest, request, "site-verify", site.name);
    }
    return rest_json(response, 200, document(rest, &site));
}

REST_HANDLER(rest_site_delete)
{
    const struct mird_rest *rest = ctx;
    struct mird_site site;
    struct mir_error err = {0};
    if (find(rest, request, &site, &err) || mird_site_remove(rest->core, site.name, &err))
        return rest_fail(request, response, &err);
    rest_audit(rest, request, "site-remove", site.name);
    response->status = 204;
    return MIRD_HTTP_DONE;
}

/* One reader for both listeners: public_server.h. */
REST_HANDLER(rest_announce_post)
{
    const struct mird_rest *rest = ctx;
    struct mird_link_message said = {0};
    struct mir_error err = {0};
    json_t *body = mird_http_body_json(request, &err);
    int failed = !body || mird_announce_read(body, &said, &err) ||
                 mird_site_announce(rest->core, said.name, said.url, said.token, &err);
    json_decref(body);
    if (failed)
        return rest_fail(request, response, &err);
    rest_audit(rest, request, "site-announce", said.name);
    return rest_json(response, 202, json_pack("{s:s}", "name", said.name));
}
