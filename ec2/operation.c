/* SPDX-License-Identifier: ISC */
/* Calls that a table describes, in the three protocols that need no more than that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/memory.h"
#include "api/secret.h"
#include "call.h"

#define FORM_MAX ((size_t)1 << 20)
#define TOKEN_MAX 4096
#define PAGES_MAX 1000
#define PATHS_MAX 128 /* in a reply's table; of one with more all is read */

/* One page: what is asked, and where the answer goes. */
struct page {
    const struct ec2_operation *operation;
    char token[TOKEN_MAX]; /* of this page; "" the first */
    char next[TOKEN_MAX];  /* of the next one; "" there is none */
    void *ret;
};

/* What was read becomes *ret; of a later page the lists are added. It was read into a struct of its
 * own, so that an answer that is damaged in its middle adds nothing. */
static void hand_over(const struct page *page, void *fresh)
{
    const struct mir_table *table = page->operation->reply;
    if (*page->token) {
        mir_record_append(table, page->ret, fresh);
        mir_record_clear(table, fresh);
    } else {
        mir_record_clear(table, page->ret);
        memcpy(page->ret, fresh, table->size);
    }
    free(fresh);
}

static int keep_next(struct page *page, const char *next, struct mir_error *err)
{
    if (mir_copy(page->next, sizeof page->next, next))
        return mir_fail(err, MIR_CORRUPT, "the token of the next page is too long");
    return 0;
}

/* The root has to be the answer to this very operation: "DescribeImagesResponse". */
static int check_root(const struct ec2_operation *operation, const struct mir_xml_node *root,
                      struct mir_error *err)
{
    const char *name = mir_xml_name(root);
    size_t len = strlen(operation->name);
    if (strncmp(name, operation->name, len) != 0 || strcmp(name + len, "Response") != 0)
        return mir_fail(err, MIR_CORRUPT, "the answer is a '%.60s'", name);
    return 0;
}

/* A success that says of itself that it is none. */
static int refused_inside(const struct ec2_operation *operation, struct mir_error *err)
{
    mir_fail(err, MIR_FAILED, "the answer says no, and not why");
    if (err && !operation->reads)
        err->outcome = MIR_OUTCOME_UNKNOWN;
    return -1;
}

/* Where the rows of a long answer go. */
struct rows {
    const struct mir_field *list; /* NULL: it has none that are read one by one */
    void *fresh;
};

static int take_row(void *ctx, const struct mir_xml_node *node, struct mir_error *err)
{
    const struct rows *rows = ctx;
    return mir_xml_read_row(rows->list, node, rows->fresh, err);
}

/* The first list: a page of a thousand instances is 4 MB, and never a tree as a whole. Secrets are
 * wiped with the tree that they stand in. */
static const struct mir_field *long_list(const struct ec2_operation *operation)
{
    for (size_t i = 0; operation->reply && !operation->secret && i < operation->reply->count; i++)
        if (operation->reply->fields[i].kind == MIR_GET_LIST)
            return &operation->reply->fields[i];
    return NULL;
}

/* Of an answer what the operation's table reads, and what is looked at here. */
static struct mir_xml *parse_xml(const struct ec2_operation *operation, const struct mir_buf *body,
                                 void *fresh, struct mir_error *err)
{
    const char *paths[PATHS_MAX] = {"return"}, *result = operation->result;
    size_t count = 1;
    if (operation->page_next)
        paths[count++] = operation->page_next;
    if (result)
        paths[count++] = result;
    if (operation->reply)
        count += mir_table_paths(operation->reply, paths + count, PATHS_MAX - count);
    struct rows rows = {.list = long_list(operation), .fresh = fresh};
    mir_auto_free char *each = rows.list ? mir_format("%s%s%s", result ? result : "",
                                                      result && *result ? "/" : "", rows.list->name)
                                         : NULL;
    const struct mir_xml_wanted wanted = {.paths = paths,
                                          .path_count = count <= PATHS_MAX ? count : 0,
                                          .each = each,
                                          .row = take_row,
                                          .ctx = &rows};
    return mir_xml_parse_wanted(mir_buf_text(body), body->len, body->max, &wanted, err);
}

static int read_xml(struct page *page, const struct mir_buf *body, void *fresh,
                    struct mir_error *err)
{
    const struct ec2_operation *operation = page->operation;
    mir_auto_xml struct mir_xml *xml = parse_xml(operation, body, fresh, err);
    if (!xml)
        return -1;
    const struct mir_xml_node *root = mir_xml_root(xml);
    if (check_root(operation, root, err))
        return -1;
    if (!strcmp(mir_xml_get(root, "return"), "false"))
        return refused_inside(operation, err);
    if (operation->page_next && keep_next(page, mir_xml_get(root, operation->page_next), err))
        return -1;
    if (!operation->reply)
        return 0;
    const struct mir_xml_node *node =
        mir_xml_find(root, operation->result ? operation->result : "");
    if (!node)
        return mir_fail(err, MIR_CORRUPT, "the answer has no '%s'", operation->result);
    int rc = mir_xml_read(operation->reply, node, fresh, err);
    if (operation->secret)
        mir_xml_wipe(xml);
    return rc;
}

static int accept_xml(void *ctx, const struct mir_http_response *response, struct mir_error *err)
{
    struct page *page = ctx;
    const struct mir_table *reply = page->operation->reply;
    void *fresh = reply ? mir_calloc(1, reply->size) : NULL;
    int rc = read_xml(page, &response->body, fresh, err);
    if (reply && rc) {
        mir_record_clear(reply, fresh);
        free(fresh);
    } else if (reply) {
        hand_over(page, fresh);
    }
    return rc;
}

static int accept_json(void *ctx, const struct mir_http_response *response, struct mir_error *err)
{
    struct page *page = ctx;
    const struct ec2_operation *operation = page->operation;
    if (!operation->reply)
        return 0;
    json_t *json =
        mir_json_parse(mir_buf_text(&response->body), response->body.len, response->body.max, err);
    if (!json) {
        if (err)
            err->kind = MIR_CORRUPT;
        return -1;
    }
    void *fresh = mir_calloc(1, operation->reply->size);
    int rc = json_is_object(json) ? mir_json_read(operation->reply, json, fresh, err)
                                  : mir_fail(err, MIR_CORRUPT, "the answer is no JSON object");
    const char *next = operation->page_next
                           ? json_string_value(json_object_get(json, operation->page_next))
                           : NULL;
    if (!rc)
        rc = keep_next(page, next ? next : "", err);
    json_decref(json);
    if (rc) {
        mir_record_clear(operation->reply, fresh);
        free(fresh);
        return -1;
    }
    hand_over(page, fresh);
    return 0;
}

/* --- the three protocols --- */

/* Are things asked for by their names? Then there are no pages. */
static bool names_things(const struct ec2_operation *operation, const void *args)
{
    for (size_t i = 0; operation->request && i < operation->request->count; i++) {
        const struct mir_field *field = &operation->request->fields[i];
        if (field->kind == MIR_PUT_IDS)
            return *(const size_t *)(const void *)((const char *)args + field->count_at) > 0;
    }
    return false;
}

static int call_query(struct ec2_session *session, struct page *page, struct ec2_call *call,
                      const void *args, int64_t until_ms, struct mir_error *err)
{
    static const struct mir_http_header type = {"Content-Type",
                                                "application/x-www-form-urlencoded; charset=utf-8"};
    const struct ec2_operation *operation = page->operation;
    struct mir_buf form;
    mir_buf_init(&form, FORM_MAX);
    mir_form_add(&form, "Action", operation->name);
    mir_form_add(&form, "Version", operation->version);
    if (operation->request)
        mir_form_write(&form, operation->request, args);
    if (operation->page > 0 && !names_things(operation, args)) {
        char size[16];
        snprintf(size, sizeof size, "%d", operation->page);
        mir_form_add(&form, operation->page_size, size);
    }
    if (*page->token)
        mir_form_add(&form, operation->page_token, page->token);
    call->headers = &type;
    call->header_count = 1;
    call->body = mir_buf_text(&form);
    call->body_len = form.len;
    call->accept = accept_xml;
    int rc = form.full ? mir_fail(err, MIR_USAGE, "%s: more than %zu bytes of parameters",
                                  operation->name, FORM_MAX)
                       : ec2_call(session, call, until_ms, NULL, err);
    if (operation->secret || operation->anonymous)
        mir_wipe(form.data, form.len);
    mir_buf_clear(&form);
    return rc;
}

/* The parameters as JSON, those of the page included; new reference. */
static json_t *json_params(const struct page *page, const void *args)
{
    const struct ec2_operation *operation = page->operation;
    json_t *json = operation->request ? mir_json_write(operation->request, args) : json_object();
    if (operation->page > 0)
        json_object_set_new(json, operation->page_size, json_integer(operation->page));
    if (*page->token)
        json_object_set_new(json, operation->page_token, json_string(page->token));
    return json;
}

static int call_json11(struct ec2_session *session, struct page *page, struct ec2_call *call,
                       const void *args, int64_t until_ms, struct mir_error *err)
{
    const struct ec2_operation *operation = page->operation;
    mir_auto_free char *target = mir_format("%s.%s", operation->version, operation->name);
    const struct mir_http_header headers[] = {{"Content-Type", "application/x-amz-json-1.1"},
                                              {"X-Amz-Target", target}};
    json_t *json = json_params(page, args);
    mir_auto_free char *text = mir_json_text(json);
    json_decref(json);
    call->headers = headers;
    call->header_count = MIR_NELEMS(headers);
    call->body = text;
    call->body_len = strlen(text);
    call->accept = accept_json;
    return ec2_call(session, call, until_ms, NULL, err);
}

/* Parameters of an address; their numbers are written into `numbers`. */
#define QUERY_MAX 16

static size_t query_of(json_t *json, struct ec2_pair pairs[QUERY_MAX], char numbers[QUERY_MAX][24])
{
    size_t count = 0;
    const char *name;
    json_t *value;
    json_object_foreach(json, name, value)
    {
        if (count == QUERY_MAX)
            break;
        pairs[count] = (struct ec2_pair){name, json_string_value(value)};
        if (!pairs[count].value) {
            snprintf(numbers[count], sizeof numbers[count], "%" JSON_INTEGER_FORMAT,
                     json_integer_value(value));
            pairs[count].value = numbers[count];
        }
        count++;
    }
    return count;
}

static int call_rest(struct ec2_session *session, struct page *page, struct ec2_call *call,
                     const void *args, int64_t until_ms, struct mir_error *err)
{
    static const struct mir_http_header type = {"Content-Type", "application/json"};
    const struct ec2_operation *operation = page->operation;
    json_t *json = json_params(page, args);
    struct ec2_pair pairs[QUERY_MAX];
    char numbers[QUERY_MAX][24];
    mir_auto_free char *text = NULL;
    call->method = operation->method;
    call->accept = accept_json;
    if (!strcmp(operation->method, "GET") || !strcmp(operation->method, "DELETE")) {
        call->query = pairs;
        call->query_count = query_of(json, pairs, numbers);
    } else {
        text = mir_json_text(json);
        call->headers = &type;
        call->header_count = 1;
        call->body = text;
        call->body_len = strlen(text);
    }
    int rc = ec2_call(session, call, until_ms, NULL, err);
    json_decref(json);
    return rc;
}

/* A call without what it is about could mean everything there is: it is never sent. */
static int check_needed(const struct ec2_operation *operation, const void *args,
                        struct mir_error *err)
{
    for (size_t i = 0; operation->request && i < operation->request->count; i++) {
        const struct mir_field *field = &operation->request->fields[i];
        if (!field->required || field->kind != MIR_PUT_TEXT)
            continue;
        const char *text = *(const char *const *)(const void *)((const char *)args + field->at);
        if (!text || !*text)
            return mir_fail(err, MIR_USAGE, "%s: %.*s is missing", operation->name,
                            (int)strcspn(field->name, "."), field->name);
    }
    return 0;
}

/* Do the parameters ask to be tried only? */
static bool asks_dry(const struct ec2_operation *operation, const void *args)
{
    for (size_t i = 0; operation->request && i < operation->request->count; i++) {
        const struct mir_field *field = &operation->request->fields[i];
        if (!strcmp(field->name, "DryRun"))
            return *(const bool *)(const void *)((const char *)args + field->at);
    }
    return false;
}

static int call_page(struct ec2_session *session, struct page *page, const char *path,
                     const void *args, int64_t until_ms, struct mir_error *err)
{
    const struct ec2_operation *operation = page->operation;
    if (check_needed(operation, args, err))
        return -1;
    struct ec2_call call = {.service = operation->service,
                            .operation = operation->name,
                            .path = path,
                            .anonymous = operation->anonymous,
                            .reads = operation->reads,
                            .once = operation->once,
                            .secret = operation->secret,
                            .accept_ctx = page};
    typedef int caller(struct ec2_session *, struct page *, struct ec2_call *, const void *,
                       int64_t, struct mir_error *);
    static caller *const callers[] = {
        [EC2_QUERY] = call_query, [EC2_JSON11] = call_json11, [EC2_REST_JSON] = call_rest};
    int rc = callers[operation->protocol](session, page, &call, args, until_ms, err);
    /* It would have been allowed, which is all that a dry run asks. */
    if (rc && err && !strcmp(err->provider_code, "DryRunOperation")) {
        *err = (struct mir_error){0};
        return 0;
    }
    if (!rc && asks_dry(operation, args)) {
        mir_fail(err, MIR_CORRUPT, "%s: asked for a dry run, and it was carried out",
                 operation->name);
        if (err)
            err->outcome = MIR_HAPPENED;
        return -1;
    }
    return rc;
}

int ec2_operate_at(struct ec2_session *session, const struct ec2_operation *operation,
                   const char *path, const void *args, int64_t until_ms, void *ret,
                   struct mir_error *err)
{
    const struct mir_table *reply = operation->reply;
    void *made = reply ? mir_calloc(1, reply->size) : NULL; /* until the call is over */
    struct page page = {.operation = operation, .ret = made};
    struct mir_error own = {0};
    int rc = call_page(session, &page, path, args, until_ms, &own);
    if (reply)
        mir_record_clear(reply, rc ? made : ret);
    if (reply && !rc)
        memcpy(ret, made, reply->size);
    free(made);
    if (rc && err)
        *err = own;
    return rc;
}

int ec2_operate(struct ec2_session *session, const struct ec2_operation *operation,
                const void *args, int64_t until_ms, void *ret, struct mir_error *err)
{
    return ec2_operate_at(session, operation, NULL, args, until_ms, ret, err);
}

int ec2_operate_all(struct ec2_session *session, const struct ec2_operation *operation,
                    const void *args, int64_t until_ms, void *ret, struct mir_error *err)
{
    return ec2_operate_all_at(session, operation, NULL, args, until_ms, ret, err);
}

int ec2_operate_all_at(struct ec2_session *session, const struct ec2_operation *operation,
                       const char *path, const void *args, int64_t until_ms, void *ret,
                       struct mir_error *err)
{
    struct page *page = mir_calloc(1, sizeof *page);
    page->operation = operation;
    page->ret = mir_calloc(1, operation->reply->size); /* until all of it is there */
    int rc = 0;
    for (unsigned count = 0; !rc; count++) {
        page->next[0] = '\0';
        rc = call_page(session, page, path, args, until_ms, err);
        if (rc || !*page->next)
            break;
        if (count >= PAGES_MAX || !strcmp(page->next, page->token))
            rc = mir_fail(err, MIR_CORRUPT, "%s: its pages have no end", operation->name);
        else
            (void)mir_copy(page->token, sizeof page->token, page->next);
    }
    mir_record_clear(operation->reply, rc ? page->ret : ret);
    if (!rc)
        memcpy(ret, page->ret, operation->reply->size);
    free(page->ret);
    free(page);
    return rc;
}
