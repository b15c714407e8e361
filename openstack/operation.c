/* SPDX-License-Identifier: ISC */
/* Calls that a table describes: JSON in, JSON out, and pages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/memory.h"
#include "api/secret.h"
#include "call.h"

#define PATH_MAX_BYTES 4096
#define QUERY_MAX 8192
#define PAGES_MAX 1000

/* One page: what is asked, and where the answer goes. */
struct page {
    const struct os_operation *operation;
    char query[QUERY_MAX]; /* of this page, as the page before had it; "" the first */
    char next[QUERY_MAX];  /* of the next one; "" there is none */
    void *ret;
};

/* --- addresses --- */

char *os_path_fill(const char *path, const char *const *parts, struct mir_error *err)
{
    struct mir_buf out;
    mir_buf_init(&out, PATH_MAX_BYTES);
    for (const char *p = path; *p; p++) {
        if (*p != '%') {
            mir_buf_add(&out, p, 1);
            continue;
        }
        const char *part = parts ? *parts++ : NULL;
        if (!part || !*part || !strcmp(part, ".") || !strcmp(part, "..")) {
            mir_fail(err, MIR_USAGE, "'%.64s' cannot be the name or id of anything",
                     part ? part : "");
            mir_buf_clear(&out);
            return NULL;
        }
        mir_url_encode(&out, part, strlen(part), false);
    }
    if (out.full) {
        mir_fail(err, MIR_USAGE, "a name or id of more than %d bytes", PATH_MAX_BYTES);
        mir_buf_clear(&out);
        return NULL;
    }
    return mir_buf_take(&out);
}

static void query_add(struct mir_buf *out, const char *name, const json_t *value)
{
    if (json_is_integer(value)) {
        mir_buf_addf(out, "%s%s=%" JSON_INTEGER_FORMAT, out->len ? "&" : "", name,
                     json_integer_value(value));
        return;
    }
    mir_form_add(out, name,
                 json_is_string(value) ? json_string_value(value)
                 : json_is_true(value) ? "true"
                                       : "false");
}

/* Parameters in an address; a list is the same name again and again. */
static void query_of(json_t *params, struct mir_buf *out)
{
    const char *name;
    json_t *value, *one;
    size_t i;
    json_object_foreach(params, name, value)
    {
        if (!json_is_array(value)) {
            query_add(out, name, value);
            continue;
        }
        json_array_foreach(value, i, one) query_add(out, name, one);
    }
}

/* --- pages --- */

static const char *next_address(const struct os_operation *operation, const json_t *reply)
{
    const json_t *next = json_object_get(reply, operation->page_next);
    if (operation->paging == OS_PAGES_NEXT)
        return json_string_value(next);
    for (size_t i = 0; i < json_array_size(next); i++) {
        const json_t *link = json_array_get(next, i);
        const char *rel = json_string_value(json_object_get(link, "rel"));
        if (rel && !strcmp(rel, "next"))
            return json_string_value(json_object_get(link, "href"));
    }
    return NULL;
}

int os_page_next(const struct os_operation *operation, const json_t *reply, char *ret, size_t size,
                 struct mir_error *err)
{
    *ret = '\0';
    if (!operation->paging)
        return 0;
    const char *address = next_address(operation, reply);
    const char *query = address ? strchr(address, '?') : NULL;
    if (address && !query)
        return mir_fail(err, MIR_CORRUPT, "the address of the next page has no query");
    if (!query)
        return 0;
    query++;
    size_t len = strcspn(query, "#");
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)query[i] <= ' ' || (unsigned char)query[i] >= 0x7f)
            return mir_fail(err, MIR_CORRUPT, "the address of the next page is none");
    if (len >= size)
        return mir_fail(err, MIR_CORRUPT, "the address of the next page is too long");
    memcpy(ret, query, len);
    ret[len] = '\0';
    return 0;
}

/* --- one page --- */

/* What was read becomes *ret; of a later page the lists are added. It was read into a struct of its
 * own, so that an answer that is damaged in its middle adds nothing. */
static void hand_over(const struct page *page, void *fresh)
{
    const struct mir_table *table = page->operation->reply;
    if (*page->query) {
        mir_record_append(table, page->ret, fresh);
        mir_record_clear(table, fresh);
    } else {
        mir_record_clear(table, page->ret);
        memcpy(page->ret, fresh, table->size);
    }
    free(fresh);
}

static int read_reply(struct page *page, const json_t *json, struct mir_error *err)
{
    const struct os_operation *operation = page->operation;
    const json_t *result = operation->result ? json_object_get(json, operation->result) : json;
    if (!json_is_object(json) || !json_is_object(result))
        return mir_fail(err, MIR_CORRUPT, "the answer has no '%s'",
                        operation->result ? operation->result : "object");
    if (os_page_next(operation, json, page->next, sizeof page->next, err))
        return -1;
    void *fresh = mir_calloc(1, operation->reply->size);
    if (mir_json_read(operation->reply, result, fresh, err)) {
        mir_record_clear(operation->reply, fresh);
        free(fresh);
        return -1;
    }
    hand_over(page, fresh);
    return 0;
}

static int accept_json(void *ctx, const struct mir_http_response *response, struct mir_error *err)
{
    struct page *page = ctx;
    if (!page->operation->reply)
        return 0;
    json_t *json =
        mir_json_parse(mir_buf_text(&response->body), response->body.len, response->body.max, err);
    if (!json && err)
        err->kind = MIR_CORRUPT;
    int rc = json ? read_reply(page, json, err) : -1;
    json_decref(json);
    return rc;
}

static bool in_address(const struct os_operation *operation)
{
    return !strcmp(operation->method, "GET") || !strcmp(operation->method, "DELETE");
}

/* What is sent in the address: as the page before said, or the parameters. */
static int make_query(const struct page *page, json_t *params, struct mir_buf *out,
                      struct mir_error *err)
{
    const struct os_operation *operation = page->operation;
    if (*page->query) {
        mir_buf_adds(out, page->query);
    } else {
        if (operation->page > 0)
            mir_buf_addf(out, "limit=%d", operation->page);
        query_of(params, out);
    }
    return out->full ? mir_fail(err, MIR_USAGE, "%s: more than %d bytes of parameters",
                                operation->name, QUERY_MAX)
                     : 0;
}

/* A call without what it is about could mean everything there is: it is never sent. */
static int check_needed(const struct os_operation *operation, const void *args,
                        struct mir_error *err)
{
    for (size_t i = 0; operation->request && i < operation->request->count; i++) {
        const struct mir_field *field = &operation->request->fields[i];
        if (!field->required || field->kind != MIR_PUT_TEXT)
            continue;
        const char *text = *(const char *const *)(const void *)((const char *)args + field->at);
        const char *last = strrchr(field->name, '.');
        if (!text || !*text)
            return mir_fail(err, MIR_USAGE, "%s: %s is missing", operation->name,
                            last ? last + 1 : field->name);
    }
    return 0;
}

static int send_page(struct os_session *session, struct page *page, const char *path,
                     json_t *params, int64_t until_ms, struct mir_error *err)
{
    const struct os_operation *operation = page->operation;
    const struct mir_http_header type = {
        "Content-Type", operation->content_type ? operation->content_type : "application/json"};
    struct os_call call = {.service = operation->service,
                           .operation = operation->name,
                           .method = operation->method,
                           .path = path,
                           .accept_type = operation->accept_type,
                           .reads = operation->reads,
                           .once = operation->once,
                           .secret = operation->secret,
                           .accept = accept_json,
                           .accept_ctx = page};
    mir_auto_buf struct mir_buf query;
    mir_auto_free char *text = NULL;
    mir_buf_init(&query, QUERY_MAX);
    if (in_address(operation)) {
        if (make_query(page, params, &query, err))
            return -1;
        call.query = mir_buf_text(&query);
    } else if (params || operation->body) {
        text = params ? mir_json_text(params) : mir_strdup(operation->body);
        call.headers = &type;
        call.header_count = 1;
        call.body = text;
        call.body_len = strlen(text);
    }
    int rc = os_call(session, &call, until_ms, NULL, err);
    if (operation->secret && text)
        mir_wipe(text, call.body_len);
    return rc;
}

static int call_page(struct os_session *session, struct page *page, const char *const *parts,
                     json_t *params, int64_t until_ms, struct mir_error *err)
{
    mir_auto_free char *path = os_path_fill(page->operation->path, parts, err);
    if (!path)
        return mir_error_wrap(err, "%s", page->operation->name);
    page->next[0] = '\0';
    return send_page(session, page, path, params, until_ms, err);
}

/* --- all of it --- */

/* *ret changes when all of it is there, or not at all. */
static int operate(struct os_session *session, const struct os_operation *operation,
                   const char *const *parts, json_t *params, bool pages, int64_t until_ms,
                   void *ret, struct mir_error *err)
{
    const struct mir_table *reply = operation->reply;
    struct page *page = mir_calloc(1, sizeof *page);
    page->operation = operation;
    page->ret = reply ? mir_calloc(1, reply->size) : NULL;
    int rc = 0;
    for (unsigned count = 0; !rc; count++) {
        rc = call_page(session, page, parts, params, until_ms, err);
        if (rc || !pages || !*page->next)
            break;
        if (count >= PAGES_MAX || !strcmp(page->next, page->query))
            rc = mir_fail(err, MIR_CORRUPT, "%s: its pages have no end", operation->name);
        else
            (void)mir_copy(page->query, sizeof page->query, page->next);
    }
    if (reply)
        mir_record_clear(reply, rc ? page->ret : ret);
    if (reply && !rc)
        memcpy(ret, page->ret, reply->size);
    free(page->ret);
    free(page);
    return rc;
}

static int operate_args(struct os_session *session, const struct os_operation *operation,
                        const char *const *parts, const void *args, bool pages, int64_t until_ms,
                        void *ret, struct mir_error *err)
{
    if (check_needed(operation, args, err))
        return -1;
    json_t *params = operation->request ? mir_json_write(operation->request, args) : NULL;
    int rc = operate(session, operation, parts, params, pages, until_ms, ret, err);
    json_decref(params);
    return rc;
}

int os_operate(struct os_session *session, const struct os_operation *operation,
               const char *const *parts, const void *args, int64_t until_ms, void *ret,
               struct mir_error *err)
{
    return operate_args(session, operation, parts, args, false, until_ms, ret, err);
}

int os_operate_all(struct os_session *session, const struct os_operation *operation,
                   const char *const *parts, const void *args, int64_t until_ms, void *ret,
                   struct mir_error *err)
{
    return operate_args(session, operation, parts, args, true, until_ms, ret, err);
}

int os_operate_json(struct os_session *session, const struct os_operation *operation,
                    const char *const *parts, const json_t *body, int64_t until_ms, void *ret,
                    struct mir_error *err)
{
    json_t *params = json_deep_copy(body);
    int rc = operate(session, operation, parts, params, false, until_ms, ret, err);
    json_decref(params);
    return rc;
}
