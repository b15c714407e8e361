/* SPDX-License-Identifier: ISC */
/* /v1/deployments/{name}/lease */
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "rest.h"

/* Other writers may come between reading the deadline and moving it; each round they win is
 * another step of theirs, so a few rounds are enough. */
#define ROUNDS_MAX 8

static json_t *lease_json(const struct mird_rest *rest, const struct mird_deployment *d)
{
    json_t *whole = mird_deployment_json(d, rest_now_s(rest), rest->core->public_url);
    json_t *lease = json_object();
    static const char *const fields[] = {"id",     "name",  "expires_at", "left_s", "forever",
                                         "reason", "state", "extension",  "hooks"};
    for (size_t i = 0; i < MIR_NELEMS(fields); i++)
        json_object_set(lease, fields[i], json_object_get(whole, fields[i]));
    json_decref(whole);
    return lease;
}

REST_HANDLER(rest_lease_get)
{
    const struct mird_rest *rest = ctx;
    struct mird_deployment d;
    struct mir_error err = {0};
    if (rest_find_deployment(rest, mird_http_param(request, "name"), &d, &err))
        return rest_fail(request, response, &err);
    rest_version_tag(&d, response->etag, sizeof response->etag);
    return rest_json(response, 200, lease_json(rest, &d));
}

struct move {
    int64_t extend_s;  /* from the deadline as it is; 0: not given */
    int64_t expires_s; /* 0: not given */
};

static int read_move(const struct mird_http_request *request, struct move *ret,
                     struct mir_error *err)
{
    static const char *const fields[] = {"extend", "expires_at"};
    const char *extend = NULL, *expires = NULL;
    json_t *body = mird_http_body_json(request, err);
    if (!body)
        return -1;
    int failed = mir_json_only(body, fields, MIR_NELEMS(fields), err) ||
                 mir_json_get_text(body, "extend", &extend, err) ||
                 mir_json_get_text(body, "expires_at", &expires, err);
    if (!failed && !extend == !expires) {
        failed = mir_fail(err, MIR_USAGE, "one of 'extend' and 'expires_at' is needed");
        mir_error_hint(err, "{\"extend\":\"1h\"}");
    }
    if (!failed)
        failed = extend ? mir_duration_parse(extend, &ret->extend_s, err)
                        : mir_time_parse(expires, &ret->expires_s, err);
    json_decref(body);
    return failed ? -1 : 0;
}

/* Nothing can be added to a deadline that is not there: it takes one that is said in full. What is
 * ending says so itself, further on. */
static int new_deadline(const struct mird_deployment *d, const struct move *move, int64_t now_s,
                        int64_t *ret, struct mir_error *err)
{
    bool forever = mir_forever(d->deadline_s);
    if (forever && move->extend_s && d->end_reason == MIRD_END_NONE) {
        mir_fail(err, MIR_CONFLICT, "'%s' has no deadline that could be extended", d->name);
        return mir_error_hint(err,
                              "give it one: mirage-deploy extend %s --until TIME; or end it "
                              "now: mirage-deploy rm %s",
                              d->name, d->name);
    }
    *ret = move->extend_s ? (forever ? now_s : d->deadline_s) + move->extend_s : move->expires_s;
    return 0;
}

REST_HANDLER(rest_lease_patch)
{
    const struct mird_rest *rest = ctx;
    struct move move = {0};
    struct mird_deployment d, moved;
    struct mird_operation op;
    char who[MIRD_WHO_TEXT];
    struct mir_error err = {0};
    mird_auth_who(rest, request, who);
    if (read_move(request, &move, &err))
        return rest_fail(request, response, &err);
    for (int round = 0;; round++) {
        if (rest_find_deployment(rest, mird_http_param(request, "name"), &d, &err))
            return rest_fail(request, response, &err);
        if (rest_if_match(request, response, &d))
            return MIRD_HTTP_DONE;
        int64_t deadline_s;
        if (new_deadline(&d, &move, rest_now_s(rest), &deadline_s, &err))
            return rest_fail(request, response, &err);
        uint64_t version = d.version;
        if (!mird_engine_extend(rest->core->engine, d.id, who, deadline_s, version, &moved, &op,
                                &err))
            break;
        struct mird_deployment now;
        bool raced = err.kind == MIR_CONFLICT &&
                     !mird_store_deployment_get(rest->core->store, d.id, &now, NULL) &&
                     now.version != version && round < ROUNDS_MAX;
        if (!raced)
            return rest_fail(request, response, &err);
    }
    rest_version_tag(&moved, response->etag, sizeof response->etag);
    rest_json(response, 202,
              json_pack("{s:o, s:o}", "operation", rest_operation_json(rest, &op), "lease",
                        lease_json(rest, &moved)));
    mird_http_add_header(response, "Location", "/v1/operations/%s", op.id);
    return MIRD_HTTP_DONE;
}
