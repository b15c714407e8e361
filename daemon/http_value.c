/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/memory.h"
#include "http_internal.h"

#define JSON_DEPTH_MAX 32 /* levels; also keeps jansson's recursion within small stacks */

const char *mird_http_param(const struct mird_http_request *request, const char *name)
{
    for (unsigned i = 0; i < request->param_count; i++)
        if (!strcmp(request->params[i].name, name))
            return request->params[i].value;
    return NULL;
}

const char *mird_http_query(const struct mird_http_request *request, const char *name)
{
    return request->lookup ? request->lookup(request, 'q', name) : NULL;
}

const char *mird_http_header(const struct mird_http_request *request, const char *name)
{
    return request->lookup ? request->lookup(request, 'h', name) : NULL;
}

/* How deep brackets nest outside of texts; enough to refuse before the parser recurses. */
static unsigned json_depth(const char *text, size_t len)
{
    unsigned depth = 0, deepest = 0;
    bool in_text = false;
    for (size_t i = 0; i < len; i++) {
        if (in_text) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                in_text = false;
        } else if (text[i] == '"') {
            in_text = true;
        } else if (text[i] == '{' || text[i] == '[') {
            deepest = ++depth > deepest ? depth : deepest;
        } else if ((text[i] == '}' || text[i] == ']') && depth) {
            depth--;
        }
    }
    return deepest;
}

json_t *mird_http_body_json(const struct mird_http_request *request, struct mir_error *err)
{
    const struct mir_buf *body = &request->body;
    if (body->len == 0)
        return json_object();
    if (json_depth(body->data, body->len) > JSON_DEPTH_MAX) {
        mir_fail(err, MIR_USAGE, "JSON nested deeper than %d levels", JSON_DEPTH_MAX);
        return NULL;
    }
    json_t *json = mir_json_parse(body->data, body->len, body->max, err);
    if (json && !json_is_object(json)) {
        json_decref(json);
        mir_fail(err, MIR_USAGE, "the body has to be a JSON object");
        return NULL;
    }
    return json;
}

struct mird_http_shared *mird_http_shared_new(const void *data, size_t len)
{
    struct mird_http_shared *shared = mir_calloc(1, sizeof *shared + len + 1);
    atomic_init(&shared->refs, 1);
    shared->len = len;
    if (len)
        memcpy(shared->data, data, len);
    return shared;
}

struct mird_http_shared *mird_http_shared_ref(struct mird_http_shared *shared)
{
    atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

void mird_http_shared_unref(struct mird_http_shared *shared)
{
    if (shared && atomic_fetch_sub_explicit(&shared->refs, 1, memory_order_acq_rel) == 1)
        free(shared);
}

void mird_http_add_header(struct mird_http_response *response, const char *name, const char *fmt,
                          ...)
{
    if (response->header_count >= MIRD_HTTP_HEADERS_MAX)
        return;
    unsigned i = response->header_count++;
    response->headers[i].name = name;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(response->headers[i].value, MIRD_HTTP_HEADER_TEXT, fmt, ap);
    va_end(ap);
    /* A line end in a value would begin a header of somebody else's making. */
    for (char *p = response->headers[i].value; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
}

void mird_http_text(struct mird_http_response *response, int status, const char *type, char *text)
{
    response->status = status;
    response->type = type;
    response->owned = text;
    response->len = strlen(text);
}

void mird_http_json(struct mird_http_response *response, int status, json_t *json)
{
    mird_http_text(response, status, "application/json", mir_json_text(json));
    json_decref(json);
}

void mird_http_fixed(struct mird_http_response *response, int status, const char *type,
                     const char *text)
{
    response->status = status;
    response->type = type;
    response->fixed = text;
    response->len = strlen(text);
}

void mird_http_share(struct mird_http_response *response, int status, const char *type,
                     struct mird_http_shared *shared, const char *etag)
{
    response->status = status;
    response->type = type;
    response->shared = shared;
    mir_copy(response->etag, sizeof response->etag, etag);
}

/* Words for statuses that no kind has. */
static const char *status_title(int status, enum mir_kind kind)
{
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        {400, "Bad request"}, {405, "Method not allowed"},     {412, "Precondition failed"},
        {413, "Too large"},   {431, "Request head too large"},
    };
    for (size_t i = 0; i < MIR_NELEMS(titles); i++)
        if (titles[i].status == status)
            return titles[i].title;
    return mir_kind_info(kind)->title;
}

/* Texts may have been cut within a character: then plain ASCII is what is left of them. */
static json_t *printable(const char *text)
{
    json_t *json = json_string(text);
    if (json)
        return json;
    char *ascii = mir_strdup(text);
    for (char *p = ascii; *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    json = json_string(ascii);
    free(ascii);
    return json;
}

void mird_http_problem(const struct mird_http_request *request, struct mird_http_response *response,
                       int status, const struct mir_error *err)
{
    const struct mir_kind_info *kind = mir_kind_info(err->kind);
    if (status == 0)
        status = kind->http_status;
    json_t *doc = json_pack("{s:s, s:s, s:i, s:s, s:o, s:o, s:s, s:[]}", "type", "about:blank",
                            "title", status_title(status, err->kind), "status", status, "code",
                            kind->name, "detail", printable(err->text), "hint",
                            printable(err->hint), "request_id", request->id, "left_behind");
    if (err->provider[0])
        json_object_set_new(doc, "provider", json_string(err->provider));
    if (err->provider_code[0] || err->request_id[0])
        json_object_set_new(doc, "provider_error",
                            json_pack("{s:i, s:o, s:o}", "http_status", err->http_status, "code",
                                      printable(err->provider_code), "request_id",
                                      printable(err->request_id)));
    mird_http_response_clear(response);
    mird_http_json(response, status, doc);
    response->type = "application/problem+json";
    if (status == 429 || status == 503)
        mird_http_add_header(response, "Retry-After", "1");
}

void mird_http_response_clear(struct mird_http_response *response)
{
    free(response->owned);
    mird_http_shared_unref(response->shared);
    if (response->stream_free)
        response->stream_free(response->stream_state);
    memset(response, 0, sizeof *response);
}
