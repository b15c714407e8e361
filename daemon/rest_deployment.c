/* SPDX-License-Identifier: ISC */
/* /v1/plans, /v1/deployments and /v1/operations */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "rest.h"

#define KEY_MAX 200   /* bytes of an Idempotency-Key */
#define PAGE_MAX 1000 /* deployments in one answer */

static json_t *document(const struct mird_rest *rest, const struct mird_deployment *d)
{
    return mird_deployment_json(d, rest_now_s(rest), rest->core->public_url);
}

static int read_request(const struct mird_rest *rest, struct mird_http_request *request,
                        struct mird_request *ret, struct mir_error *err)
{
    json_t *body = mird_http_body_json(request, err);
    if (!body)
        return -1;
    int failed = mird_request_from_json(body, ret, err);
    json_decref(body);
    if (!failed)
        mird_auth_who(rest, request, ret->owner);
    return failed;
}

REST_HANDLER(rest_plan_post)
{
    const struct mird_rest *rest = ctx;
    struct mird_request wanted = {0};
    struct mir_error err = {0};
    json_t *plan = NULL;
    if (read_request(rest, request, &wanted, &err) ||
        mird_engine_plan(rest->core->engine, &wanted, &plan, &err))
        return rest_fail(request, response, &err);
    return rest_json(response, 200, plan);
}

/* The draft writes the key as a quoted string; plain words are taken as well. */
static int read_key(const struct mird_http_request *request, char out[KEY_MAX + 1],
                    struct mir_error *err)
{
    const char *text = mird_http_header(request, "Idempotency-Key");
    out[0] = '\0';
    if (!text)
        return 0;
    size_t len = strlen(text);
    if (len >= 2 && text[0] == '"' && text[len - 1] == '"') {
        text++;
        len -= 2;
    }
    bool printable = len > 0 && len <= KEY_MAX;
    for (size_t i = 0; printable && i < len; i++)
        printable = text[i] > 0x20 && text[i] < 0x7f;
    if (!printable) {
        mir_fail(err, MIR_USAGE, "the Idempotency-Key is not usable");
        return mir_error_hint(err, "1 to %d printable characters, such as a UUID", KEY_MAX);
    }
    memcpy(out, text, len);
    out[len] = '\0';
    return 0;
}

/* 202: the operation that goes on, and the deployment as it is now. */
static enum mird_http_result accepted(const struct mird_rest *rest,
                                      struct mird_http_response *response,
                                      const struct mird_deployment *d,
                                      const struct mird_operation *op)
{
    rest_json(response, 202,
              json_pack("{s:o, s:o}", "operation", rest_operation_json(rest, op), "deployment",
                        document(rest, d)));
    mird_http_add_header(response, "Location", "/v1/operations/%s", op->id);
    return MIRD_HTTP_DONE;
}

REST_HANDLER(rest_deployments_post)
{
    const struct mird_rest *rest = ctx;
    struct mird_request wanted = {0};
    struct mird_deployment d;
    struct mird_operation op;
    struct mir_error err = {0};
    char key[KEY_MAX + 1], sha256[MIR_SHA256_TEXT];
    if (read_key(request, key, &err) || read_request(rest, request, &wanted, &err))
        return rest_fail(request, response, &err);
    rest_sha256_hex(mir_buf_text(&request->body), request->body.len, sha256);
    if (mird_engine_deploy(rest->core->engine, &wanted, key, sha256, &d, &op, &err))
        return rest_fail(request, response, &err);
    return accepted(rest, response, &d, &op);
}

static int read_page(const struct mird_http_request *request, const char *after, int64_t *limit,
                     struct mir_error *err)
{
    if (after && !mir_id_valid(after)) {
        mir_fail(err, MIR_USAGE, "?after=%.40s: not the id of a deployment", after);
        return mir_error_hint(err, "give the `next` of the page before");
    }
    if (rest_query_number(request, "limit", limit, err))
        return -1;
    if (*limit >= 1 && *limit <= PAGE_MAX)
        return 0;
    return mir_fail(err, MIR_USAGE, "?limit=%" PRId64 ": from 1 to %d", *limit, PAGE_MAX);
}

REST_HANDLER(rest_deployments_get)
{
    const struct mird_rest *rest = ctx;
    const char *after = mird_http_query(request, "after");
    bool all = false;
    int64_t limit = PAGE_MAX;
    struct mir_error err = {0};
    struct mird_deployment *list = NULL;
    size_t count = 0;
    if (rest_query_flag(request, "all", &all, &err) || read_page(request, after, &limit, &err) ||
        mird_store_deployments(rest->core->store, all, after ? after : "", (size_t)limit + 1, &list,
                               &count, &err))
        return rest_fail(request, response, &err);
    json_t *array = json_array(), *page = json_pack("{s:o}", "deployments", array);
    for (size_t i = 0; i < count && i < (size_t)limit; i++)
        json_array_append_new(array, document(rest, &list[i]));
    if (count > (size_t)limit) /* there are more: go on behind the last one */
        json_object_set_new(page, "next", json_string(list[limit - 1].id));
    free(list);
    return rest_json(response, 200, page);
}

REST_HANDLER(rest_deployment_get)
{
    const struct mird_rest *rest = ctx;
    struct mird_deployment d;
    struct mir_error err = {0};
    if (rest_find_deployment(rest, mird_http_param(request, "name"), &d, &err))
        return rest_fail(request, response, &err);
    rest_version_tag(&d, response->etag, sizeof response->etag);
    json_t *doc = document(rest, &d);
    json_t *receipt = d.finished_s ? mird_store_receipt(rest->core->store, d.id, NULL) : NULL;
    json_object_set_new(doc, "receipt", receipt ? receipt : json_null());
    return rest_json(response, 200, doc);
}

static int no_fields(const struct mird_http_request *request, struct mir_error *err)
{
    json_t *body = mird_http_body_json(request, err);
    if (!body)
        return -1;
    size_t count = json_object_size(body);
    json_decref(body);
    return count ? mir_fail(err, MIR_USAGE, "this request takes no fields") : 0;
}

REST_HANDLER(rest_deployment_delete)
{
    const struct mird_rest *rest = ctx;
    struct mird_deployment d;
    struct mird_operation op;
    struct mir_error err = {0};
    if (no_fields(request, &err) ||
        rest_find_deployment(rest, mird_http_param(request, "name"), &d, &err))
        return rest_fail(request, response, &err);
    if (rest_if_match(request, response, &d))
        return MIRD_HTTP_DONE;
    /* By id from here on: the name may have gone to another deployment meanwhile. */
    struct mird_deployment ending;
    char who[MIRD_WHO_TEXT];
    mird_auth_who(rest, request, who);
    if (mird_engine_remove(rest->core->engine, d.id, who, &ending, &op, &err))
        return rest_fail(request, response, &err);
    return accepted(rest, response, &ending, &op);
}

REST_HANDLER(rest_operation_get)
{
    const struct mird_rest *rest = ctx;
    const char *id = mird_http_param(request, "id"), *wait = mird_http_query(request, "wait");
    struct mird_operation op;
    struct mir_error err = {0};
    int64_t wait_s = 0;
    if (!mir_id_valid(id))
        mir_fail(&err, MIR_NOT_FOUND, "no operation '%.80s'", id);
    if (err.kind || mird_store_operation_get(rest->core->store, id, &op, &err) ||
        (wait && *wait && strcmp(wait, "0") != 0 && mir_duration_parse(wait, &wait_s, &err)))
        return rest_fail(request, response, &err);
    if (wait_s > MIRD_REST_WAIT_MAX_S)
        wait_s = MIRD_REST_WAIT_MAX_S;
    if (!op.finished_s && wait_s &&
        rest_wait(request, rest, op.deployment, wait_s) == MIRD_HTTP_LATER)
        return MIRD_HTTP_LATER;
    return rest_json(response, 200, rest_operation_json(rest, &op));
}
