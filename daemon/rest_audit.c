/* SPDX-License-Identifier: ISC */
/* /v1/audit: its rows, of one deployment or all, and whether the chain is whole. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "rest.h"

#define PAGE_MAX 1000

static enum mird_http_result check(const struct mird_rest *rest,
                                   const struct mird_http_request *request,
                                   struct mird_http_response *response)
{
    struct mird_audit_check found;
    struct mir_error err = {0};
    if (mird_store_audit_check_all(rest->core->store, &found, &err))
        return rest_fail(request, response, &err);
    json_t *broken = found.broken
                         ? json_pack("{s:I, s:s}", "id", (json_int_t)found.broken, "why", found.why)
                         : json_null();
    return rest_json(response, 200,
                     json_pack("{s:b, s:I, s:I, s:s, s:o}", "whole", !found.broken, "entries",
                               (json_int_t)found.entries, "last", (json_int_t)found.last, "head",
                               found.head, "broken", broken));
}

static enum mird_http_result page(const struct mird_rest *rest,
                                  const struct mird_http_request *request,
                                  struct mird_http_response *response)
{
    const char *name = mird_http_query(request, "deployment");
    int64_t after = 0, limit = PAGE_MAX;
    struct mird_deployment d = {0};
    struct mir_error err = {0};
    if (rest_query_number(request, "after", &after, &err) ||
        rest_query_number(request, "limit", &limit, &err) ||
        (name && rest_find_deployment(rest, name, &d, &err)))
        return rest_fail(request, response, &err);
    if (limit < 1 || limit > PAGE_MAX) {
        mir_fail(&err, MIR_USAGE, "?limit=%" PRId64 ": from 1 to %d", limit, PAGE_MAX);
        return rest_fail(request, response, &err);
    }
    json_t *rows =
        mird_store_audit(rest->core->store, name ? d.id : NULL, after, (size_t)limit + 1, &err);
    if (!rows)
        return rest_fail(request, response, &err);
    json_t *doc = json_pack("{s:o}", "audit", rows);
    if (json_array_size(rows) > (size_t)limit) { /* there are more: go on behind the last one */
        json_array_remove(rows, (size_t)limit);
        json_object_set(doc, "next",
                        json_object_get(json_array_get(rows, (size_t)limit - 1), "id"));
    }
    return rest_json(response, 200, doc);
}

REST_HANDLER(rest_audit_get)
{
    bool wanted = false;
    struct mir_error err = {0};
    if (rest_query_flag(request, "check", &wanted, &err))
        return rest_fail(request, response, &err);
    return wanted ? check(ctx, request, response) : page(ctx, request, response);
}
