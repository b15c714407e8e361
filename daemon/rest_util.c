/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/log.h"
#include "api/memory.h"
#include "api/suggest.h"
#include "rest.h"

#define SUGGEST_MAX 64 /* names looked at for "did you mean" */

enum mird_http_result rest_fail(const struct mird_http_request *request,
                                struct mird_http_response *response, const struct mir_error *err)
{
    mird_http_problem(request, response, 0, err);
    return MIRD_HTTP_DONE;
}

void rest_sha256_hex(const void *data, size_t len, char out[MIR_SHA256_TEXT])
{
    unsigned char digest[32];
    unsigned size = sizeof digest;
    if (EVP_Digest(data, len, digest, &size, EVP_sha256(), NULL) != 1)
        abort();
    mir_hex(digest, sizeof digest, out);
}

enum mird_http_result rest_json(struct mird_http_response *response, int status, json_t *json)
{
    mird_http_json(response, status, json);
    if (status == 200 && !response->etag[0]) {
        char hex[MIR_SHA256_TEXT];
        rest_sha256_hex(response->owned, response->len, hex);
        hex[32] = '\0';
        mir_copy(response->etag, sizeof response->etag, hex);
    }
    return MIRD_HTTP_DONE;
}

int rest_query_flag(const struct mird_http_request *request, const char *name, bool *ret,
                    struct mir_error *err)
{
    const char *text = mird_http_query(request, name);
    if (!text)
        return 0;
    if (!*text || !strcmp(text, "1") || !strcmp(text, "true")) {
        *ret = true;
        return 0;
    }
    if (!strcmp(text, "0") || !strcmp(text, "false")) {
        *ret = false;
        return 0;
    }
    mir_fail(err, MIR_USAGE, "?%s=%.32s: not a yes or no", name, text);
    return mir_error_hint(err, "write ?%s=1 or ?%s=0", name, name);
}

int rest_query_number(const struct mird_http_request *request, const char *name, int64_t *ret,
                      struct mir_error *err)
{
    const char *text = mird_http_query(request, name);
    if (!text)
        return 0;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < 0)
        return mir_fail(err, MIR_USAGE, "?%s=%.32s: not a number from 0 on", name, text);
    *ret = value;
    return 0;
}

int64_t rest_now_s(const struct mird_rest *rest)
{
    return mir_now_s(rest->core->clock);
}

enum mird_http_result rest_wait(struct mird_http_request *request, const struct mird_rest *rest,
                                const char *key, int64_t total_s)
{
    const struct mir_clock *clock = rest->core->clock;
    int64_t now_ms = clock->boot_ms(clock->ctx);
    int64_t *until_ms = request->state;
    if (!until_ms) {
        request->state = until_ms = mir_calloc(1, sizeof *until_ms);
        request->state_free = free;
        *until_ms = now_ms + total_s * 1000;
    }
    if (now_ms >= *until_ms || request->stopping)
        return MIRD_HTTP_DONE;
    mird_http_wait(request, key, *until_ms - now_ms);
    return MIRD_HTTP_LATER;
}

/* A missing name gets the nearest one as hint. */
static void hint_names(const struct mird_rest *rest, const char *name, struct mir_error *err)
{
    char(*list)[MIR_NAME_TEXT] = NULL;
    size_t count = 0;
    const char *names[SUGGEST_MAX];
    if (mird_store_names(rest->core->store, SUGGEST_MAX, &list, &count, NULL))
        return;
    for (size_t i = 0; i < count; i++)
        names[i] = list[i];
    const char *near = mir_suggest(name, names, count);
    if (near)
        mir_error_hint(err, "did you mean '%s'? `mirage-deploy ps --all` lists them", near);
    else
        mir_error_hint(err, "`mirage-deploy ps --all` lists them");
    free(list);
}

int rest_find_deployment(const struct mird_rest *rest, const char *name,
                         struct mird_deployment *ret, struct mir_error *err)
{
    struct mird_store *store = rest->core->store;
    struct mir_error first = {0};
    int found = mir_name_valid(name) ? mird_store_deployment_by_name(store, name, ret, &first)
                                     : mir_fail(&first, MIR_NOT_FOUND, "not a name");
    if (found && first.kind == MIR_NOT_FOUND && mir_id_valid(name))
        found = mird_store_deployment_get(store, name, ret, &first);
    if (!found)
        return 0;
    if (first.kind == MIR_NOT_FOUND) {
        mir_fail(&first, MIR_NOT_FOUND, "no deployment '%.80s'", name);
        hint_names(rest, name, &first);
    }
    if (err)
        *err = first;
    return -1;
}

void rest_version_tag(const struct mird_deployment *d, char *out, size_t size)
{
    snprintf(out, size, "%s-%" PRId64 "-%" PRIu64, d->id, d->deadline_s, d->version);
}

/* The engine writes the row at each of its steps; what a client must not overwrite unseen is the
 * deadline. So a tag of this deployment with this deadline will do, whatever its version. */
static bool names_lease(const char *header, const struct mird_deployment *d)
{
    char begin[80];
    snprintf(begin, sizeof begin, "\"%s-%" PRId64 "-", d->id, d->deadline_s);
    return !strcmp(header, "*") || strstr(header, begin);
}

int rest_if_match(const struct mird_http_request *request, struct mird_http_response *response,
                  const struct mird_deployment *d)
{
    const char *wanted = mird_http_header(request, "If-Match");
    if (!wanted || names_lease(wanted, d))
        return 0;
    char until[MIR_TIME_SIZE];
    struct mir_error err;
    bool forever = mir_forever(d->deadline_s);
    mir_deadline_format(d->deadline_s, until);
    mir_fail(&err, MIR_CONFLICT, "deployment '%s' has changed since it was read", d->name);
    mir_error_hint(&err, "read it again; %s %s now", forever ? "it has" : "its deadline is", until);
    mird_http_problem(request, response, 412, &err);
    return -1;
}

json_t *rest_time(int64_t utc_s)
{
    char text[MIR_TIME_SIZE];
    if (!utc_s)
        return json_null();
    mir_time_format(utc_s, text);
    return json_string(text);
}

/* What may still be there of a deployment that is not over: as far as its provider ever said. */
static json_t *left_behind(const struct mird_deployment *d)
{
    json_t *list = json_array();
    for (unsigned i = 0; !d->finished_s && i < d->trail.object_count; i++) {
        const struct mir_object *what = &d->trail.objects[i].what;
        json_array_append_new(list, json_sprintf("%s %s on %s", what->kind, what->id, d->provider));
    }
    if (!d->finished_s && !d->trail.object_count)
        json_array_append_new(list, json_sprintf("deployment %s on %s", d->id, d->provider));
    return list;
}

static json_t *operation_error(const struct mird_rest *rest, const struct mird_operation *op)
{
    struct mird_deployment d;
    enum mir_kind code = mir_kind_by_name(op->error_code);
    const struct mir_kind_info *kind = mir_kind_info(code);
    json_t *error =
        json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:[]}", "type", "about:blank", "title",
                  kind->title, "status", kind->http_status, "code", op->error_code, "detail",
                  op->error_text, "hint", op->error_hint, "left_behind");
    if (mird_store_deployment_get(rest->core->store, op->deployment, &d, NULL))
        return error;
    json_object_set_new(error, "provider", json_string(d.provider));
    if (code == MIR_PARTIAL)
        json_object_set_new(error, "left_behind", left_behind(&d));
    return error;
}

json_t *rest_operation_json(const struct mird_rest *rest, const struct mird_operation *op)
{
    const char *state = op->failed ? "failed" : op->finished_s ? "done" : "running";
    json_t *error = op->failed ? operation_error(rest, op) : json_null();
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "id", op->id, "kind", op->kind,
                     "deployment", op->deployment, "name", op->name, "state", state, "error", error,
                     "created_at", rest_time(op->created_s), "finished_at",
                     rest_time(op->finished_s));
}

json_t *rest_event_json(const struct mird_event *event)
{
    char at[MIR_TIME_SIZE];
    mir_time_format_ms(event->at_ms, at);
    return json_pack("{s:I, s:s, s:s, s:s, s:s}", "id", (json_int_t)event->id, "at", at, "kind",
                     event->kind, "state", event->state, "text", event->text);
}

void rest_audit(const struct mird_rest *rest, const struct mird_http_request *request,
                const char *what, const char *subject)
{
    char who[32];
    struct mir_error err;
    mird_auth_who(rest, request, who);
    if (mird_store_audit_add(rest->core->store, rest_now_s(rest), who, what, subject, &err))
        mir_log(MIR_LOG_WARN, "rest", "audit row not written: %s", err.text);
}
