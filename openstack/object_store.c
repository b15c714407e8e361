/* SPDX-License-Identifier: ISC */
/* Swift: what stands in heads and bodies that no table describes. */
#include "openstack/object_store.h"

#include <ctype.h>
#include <inttypes.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/id.h"
#include "api/json.h"
#include "api/memory.h"
#include "tables.h"

#define CONTAINER_MAX 256
#define OBJECT_MAX 1024
#define PATH_BYTES_MAX (3 * (CONTAINER_MAX + OBJECT_MAX) + 8)
#define ROWS_ASKED 1000
#define PAGES_MAX 1000
#define NUMBER_TEXT 24

/* --- where --- */

static int check_name(const char *what, const char *name, size_t max, bool slashes,
                      struct mir_error *err)
{
    size_t len = name ? strlen(name) : 0;
    bool dots = name && (!strcmp(name, ".") || !strcmp(name, ".."));
    if (len > 0 && len <= max && (slashes || (!strchr(name, '/') && !dots)))
        return 0;
    return mir_fail(err, MIR_USAGE, "'%.80s' cannot be the name of %s", name ? name : "", what);
}

/* "/container/object" with what has to be encoded; owned. NULL object: the container itself. */
static char *path_of(const char *container, const char *object, struct mir_error *err)
{
    struct mir_buf out;
    if (check_name("a container", container, CONTAINER_MAX, false, err) ||
        (object && check_name("an object", object, OBJECT_MAX, true, err)))
        return NULL;
    mir_buf_init(&out, PATH_BYTES_MAX);
    mir_buf_adds(&out, "/");
    mir_url_encode(&out, container, strlen(container), false);
    if (object) {
        mir_buf_adds(&out, "/");
        mir_url_encode(&out, object, strlen(object), true);
    }
    return mir_buf_take(&out);
}

static int simple(struct os_session *session, const char *operation, const char *method,
                  const char *container, const char *object, const char *query, int64_t until_ms,
                  struct mir_http_response *ret, struct mir_error *err)
{
    mir_auto_free char *path = path_of(container, object, err);
    if (!path)
        return -1;
    struct os_call call = {.service = OS_OBJECT_STORE,
                           .operation = operation,
                           .method = method,
                           .path = path,
                           .query = query,
                           .reads = !strcmp(method, "HEAD")};
    return os_call(session, &call, until_ms, ret, err);
}

int os_container_create(struct os_session *session, const char *name, int64_t until_ms,
                        struct mir_error *err)
{
    return simple(session, "CreateContainer", "PUT", name, NULL, NULL, until_ms, NULL, err);
}

int os_container_delete(struct os_session *session, const char *name, int64_t until_ms,
                        struct mir_error *err)
{
    return simple(session, "DeleteContainer", "DELETE", name, NULL, NULL, until_ms, NULL, err);
}

/* --- listings: a bare list, and the next page begins behind the last name --- */

static const struct mir_field container_fields[] = {
    MIR_MUST(struct os_container, name, "name", MIR_GET_OWNED),
    MIR_ROW(struct os_container, count, "count", MIR_GET_NUMBER),
    MIR_ROW(struct os_container, bytes, "bytes", MIR_GET_NUMBER),
};
OS_TABLE(struct os_container, container);
OS_LIST_TABLE(struct os_containers, containers, "", &container_table);

static const struct mir_field row_fields[] = {
    MIR_MUST(struct os_object_row, name, "name", MIR_GET_OWNED),
    MIR_ROW(struct os_object_row, content_type, "content_type", MIR_GET_OWNED),
    MIR_ROW(struct os_object_row, hash, "hash", MIR_GET_TEXT),
    MIR_ROW(struct os_object_row, bytes, "bytes", MIR_GET_NUMBER),
    MIR_ROW(struct os_object_row, modified_s, "last_modified", MIR_GET_TIME),
};
OS_TABLE(struct os_object_row, row);
OS_LIST_TABLE(struct os_object_rows, rows, "", &row_table);

const struct mir_table *const os_object_tables[] = {&containers_table, &rows_table, NULL};

/* Both lists begin with their rows and how many there are; both rows with their names. */
struct any_list {
    char *rows;
    size_t count;
};

struct listing {
    const struct mir_table *table;
    void *page; /* of the table's struct */
};

static int accept_list(void *ctx, const struct mir_http_response *response, struct mir_error *err)
{
    struct listing *listing = ctx;
    if (response->status == 204)
        return 0;
    json_t *json =
        mir_json_parse(mir_buf_text(&response->body), response->body.len, response->body.max, err);
    if (!json && err)
        err->kind = MIR_CORRUPT;
    int rc = json ? mir_json_read(listing->table, json, listing->page, err) : -1;
    json_decref(json);
    if (rc)
        mir_record_clear(listing->table, listing->page);
    return rc;
}

/* The name of its last row; borrowed. */
static const char *last_of(const struct mir_table *table, const struct any_list *list)
{
    const char *row = list->rows + (list->count - 1) * table->fields[0].of->size;
    const char *name;
    memcpy(&name, row, sizeof name);
    return name;
}

static char *list_query(const char *prefix, const char *marker)
{
    struct mir_buf out;
    mir_buf_init(&out, 2 * PATH_BYTES_MAX);
    mir_buf_addf(&out, "format=json&limit=%d", ROWS_ASKED);
    if (prefix && *prefix)
        mir_form_add(&out, "prefix", prefix);
    if (marker)
        mir_form_add(&out, "marker", marker);
    return mir_buf_take(&out);
}

static int list_page(struct os_session *session, const char *operation, const char *path,
                     const char *query, int64_t until_ms, struct listing *listing,
                     struct mir_error *err)
{
    struct os_call call = {.service = OS_OBJECT_STORE,
                           .operation = operation,
                           .path = path,
                           .query = query,
                           .reads = true,
                           .accept = accept_list,
                           .accept_ctx = listing};
    return os_call(session, &call, until_ms, NULL, err);
}

/* Until a page is empty: a shorter one may be the server's own limit. */
static int list_all(struct os_session *session, const char *operation, const char *path,
                    const char *prefix, const struct mir_table *table, int64_t until_ms, void *ret,
                    struct mir_error *err)
{
    struct any_list all = {0};
    int rc = 0;
    for (unsigned pages = 0;; pages++) {
        struct any_list page = {0};
        struct listing listing = {table, &page};
        mir_auto_free char *query = list_query(prefix, all.count ? last_of(table, &all) : NULL);
        rc = pages < PAGES_MAX ? list_page(session, operation, path, query, until_ms, &listing, err)
                               : mir_fail(err, MIR_CORRUPT, "%s: its pages have no end", operation);
        if (rc || !page.count)
            break;
        mir_record_append(table, &all, &page);
    }
    mir_record_clear(table, rc ? (void *)&all : ret);
    if (!rc)
        memcpy(ret, &all, sizeof all);
    return rc;
}

int os_container_list(struct os_session *session, int64_t until_ms, struct os_containers *ret,
                      struct mir_error *err)
{
    return list_all(session, "ListContainers", "", NULL, &containers_table, until_ms, ret, err);
}

int os_object_list(struct os_session *session, const char *container, const char *prefix,
                   int64_t until_ms, struct os_object_rows *ret, struct mir_error *err)
{
    mir_auto_free char *path = path_of(container, NULL, err);
    return path ? list_all(session, "ListObjects", path, prefix, &rows_table, until_ms, ret, err)
                : -1;
}

OS_CLEAR(os_containers_clear, struct os_containers, &containers_table)
OS_CLEAR(os_object_rows_clear, struct os_object_rows, &rows_table)

/* --- putting --- */

/* The heads of one put, and the texts that they need. */
struct putting {
    struct mir_http_header headers[OS_CALL_HEADERS_MAX];
    size_t count;
    char *names[OS_OBJECT_METADATA_MAX], *manifest; /* owned */
    char delete_at[NUMBER_TEXT];
};

static void put_header(struct putting *putting, const char *name, const char *value)
{
    putting->headers[putting->count++] = (struct mir_http_header){name, value};
}

static void putting_clear(struct putting *putting)
{
    for (size_t i = 0; i < OS_OBJECT_METADATA_MAX; i++)
        free(putting->names[i]);
    free(putting->manifest);
}

static int put_metadata(struct putting *putting, const struct os_put_object *args,
                        struct mir_error *err)
{
    if (args->metadata_count > OS_OBJECT_METADATA_MAX)
        return mir_fail(err, MIR_USAGE, "more than %d metadata of an object",
                        OS_OBJECT_METADATA_MAX);
    for (size_t i = 0; i < args->metadata_count; i++) {
        const struct os_pair *m = &args->metadata[i];
        size_t len = strlen(m->name);
        if (!len || strspn(m->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789-") != len)
            return mir_fail(err, MIR_USAGE, "'%.80s' cannot be the name of metadata", m->name);
        for (const char *c = m->value; *c; c++)
            if (!isprint((unsigned char)*c))
                return mir_fail(err, MIR_USAGE, "metadata '%s' has to be printable ASCII", m->name);
        putting->names[i] = mir_format("X-Object-Meta-%s", m->name);
        put_header(putting, putting->names[i], m->value);
    }
    return 0;
}

static int put_prepare(struct putting *putting, const struct os_put_object *args,
                       struct mir_error *err)
{
    put_header(putting, "Content-Type",
               args->content_type ? args->content_type : "application/octet-stream");
    if (args->md5)
        put_header(putting, "ETag", args->md5);
    if (args->delete_at_s) {
        snprintf(putting->delete_at, sizeof putting->delete_at, "%" PRId64, args->delete_at_s);
        put_header(putting, "X-Delete-At", putting->delete_at);
    }
    if (args->manifest) {
        struct mir_buf out;
        mir_buf_init(&out, PATH_BYTES_MAX);
        mir_url_encode(&out, args->manifest, strlen(args->manifest), true);
        putting->manifest = mir_buf_take(&out);
        put_header(putting, "X-Object-Manifest", putting->manifest);
    }
    return put_metadata(putting, args, err);
}

static void unquote(const struct mir_http_response *response, char out[OS_ETAG_TEXT])
{
    char text[OS_ETAG_TEXT + 2] = "";
    if (mir_http_response_header(response, "ETag", text, sizeof text))
        *text = '\0';
    size_t len = strlen(text);
    bool quoted = len >= 2 && text[0] == '"' && text[len - 1] == '"';
    if (quoted)
        text[len - 1] = '\0';
    mir_copy(out, OS_ETAG_TEXT, text + quoted);
}

static int put(struct os_session *session, const struct os_object_at *at, struct os_call *call,
               const struct os_put_object *args, int64_t until_ms, struct mir_http_response *ret,
               struct mir_error *err)
{
    struct putting putting = {.count = 0};
    mir_auto_free char *path = path_of(at->container, at->name ? at->name : "", err);
    int rc = path ? put_prepare(&putting, args, err) : -1;
    if (!rc) {
        call->service = OS_OBJECT_STORE;
        call->method = "PUT";
        call->path = path;
        call->headers = putting.headers;
        call->header_count = putting.count;
        rc = os_call(session, call, until_ms, ret, err);
    }
    putting_clear(&putting);
    return rc;
}

int os_object_put(struct os_session *session, const struct os_object_at *at,
                  const struct os_put_object *args, int64_t until_ms, char ret_etag[OS_ETAG_TEXT],
                  struct mir_error *err)
{
    struct os_call call = {.operation = "PutObject",
                           .body = args->data,
                           .body_len = args->len,
                           .stream = args->stream,
                           .attempt_timeout_ms = args->stream.read ? -1 : 0};
    mir_auto_http_response struct mir_http_response response = {0};
    if (put(session, at, &call, args, until_ms, &response, err))
        return -1;
    if (ret_etag)
        unquote(&response, ret_etag);
    return 0;
}

static json_t *segment_json(const struct os_segment *segment)
{
    mir_auto_free char *path = mir_format("/%s/%s", segment->at.container, segment->at.name);
    json_t *json = json_pack("{s:s,s:I}", "path", path, "size_bytes", (json_int_t)segment->bytes);
    if (segment->etag)
        json_object_set_new(json, "etag", json_string(segment->etag));
    return json;
}

int os_object_put_segments(struct os_session *session, const struct os_object_at *at,
                           const struct os_segment *segments, size_t count,
                           const struct os_put_object *args, int64_t until_ms,
                           struct mir_error *err)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, segment_json(&segments[i]));
    mir_auto_free char *text = mir_json_text(list);
    json_decref(list);
    struct os_put_object head = *args;
    head.md5 = head.manifest = NULL;
    struct os_call call = {.operation = "PutManifest",
                           .query = "multipart-manifest=put",
                           .body = text,
                           .body_len = strlen(text)};
    return put(session, at, &call, &head, until_ms, NULL, err);
}

/* --- getting --- */

static int64_t number_of(const struct mir_http_response *response, const char *name)
{
    char text[NUMBER_TEXT];
    return mir_http_response_header(response, name, text, sizeof text) ? 0
                                                                       : strtoll(text, NULL, 10);
}

int os_object_head(struct os_session *session, const struct os_object_at *at, int64_t until_ms,
                   struct os_object_head *ret, struct mir_error *err)
{
    mir_auto_http_response struct mir_http_response response = {0};
    char text[64];
    if (simple(session, "HeadObject", "HEAD", at->container, at->name ? at->name : "", NULL,
               until_ms, &response, err))
        return -1;
    struct os_object_head head = {.bytes = number_of(&response, "Content-Length"),
                                  .delete_at_s = number_of(&response, "X-Delete-At")};
    unquote(&response, head.etag);
    (void)mir_http_response_header(&response, "Content-Type", head.content_type,
                                   sizeof head.content_type);
    if (!mir_http_response_header(&response, "Last-Modified", text, sizeof text))
        (void)mir_time_parse_http(text, &head.modified_s);
    if (!mir_http_response_header(&response, "X-Static-Large-Object", text, sizeof text))
        head.segments = !strcasecmp(text, "true");
    head.fields = response.headers;
    response.headers = (struct mir_buf){0};
    os_object_head_clear(ret);
    *ret = head;
    return 0;
}

void os_object_head_clear(struct os_object_head *head)
{
    mir_buf_clear(&head->fields);
    *head = (struct os_object_head){0};
}

int os_object_metadata(const struct os_object_head *head, const char *name, char *out, size_t size)
{
    mir_auto_free char *field = mir_format("X-Object-Meta-%s", name);
    const struct mir_http_response response = {.headers = head->fields};
    return mir_http_response_header(&response, field, out, size);
}

int os_object_get(struct os_session *session, const struct os_object_at *at, int64_t offset,
                  size_t len, int64_t until_ms, struct mir_buf *ret, struct mir_error *err)
{
    mir_auto_http_response struct mir_http_response response = {0};
    mir_auto_free char *path = path_of(at->container, at->name ? at->name : "", err);
    char range[64];
    if (!path)
        return -1;
    if (len)
        snprintf(range, sizeof range, "bytes=%" PRId64 "-%" PRId64, offset,
                 offset + (int64_t)len - 1);
    else
        snprintf(range, sizeof range, "bytes=%" PRId64 "-", offset);
    const struct mir_http_header header = {"Range", range};
    struct os_call call = {.service = OS_OBJECT_STORE,
                           .operation = "GetObject",
                           .path = path,
                           .headers = &header,
                           .header_count = len || offset ? 1 : 0,
                           .reads = true,
                           .reply_max = ret->max - ret->len + 1};
    if (os_call(session, &call, until_ms, &response, err))
        return -1;
    if (call.header_count && response.status != 206)
        return mir_fail(err, MIR_CORRUPT, "swift GetObject: a part was asked for, and all came");
    if (mir_buf_add(ret, mir_buf_text(&response.body), response.body.len))
        return mir_fail(err, MIR_CORRUPT, "swift GetObject: more than %zu bytes", ret->max);
    return 0;
}

int os_object_delete(struct os_session *session, const struct os_object_at *at, bool segments,
                     int64_t until_ms, struct mir_error *err)
{
    return simple(session, "DeleteObject", "DELETE", at->container, at->name ? at->name : "",
                  segments ? "multipart-manifest=delete" : NULL, until_ms, NULL, err);
}

/* --- addresses that need no token --- */

int os_object_set_temp_key(struct os_session *session, const struct mir_secret *key,
                           int64_t until_ms, struct mir_error *err)
{
    const struct mir_http_header header = {"X-Account-Meta-Temp-URL-Key", mir_secret_text(key)};
    struct os_call call = {.service = OS_OBJECT_STORE,
                           .operation = "UpdateAccount",
                           .method = "POST",
                           .headers = &header,
                           .header_count = 1};
    return os_call(session, &call, until_ms, NULL, err);
}

/* The signature covers method, end and the path as it is before it is encoded. */
int os_object_temp_url(struct os_session *session, const struct os_object_at *at,
                       const char *method, int64_t expires_s, const struct mir_secret *key,
                       int64_t until_ms, char **ret, struct mir_error *err)
{
    char *found = NULL;
    mir_auto_free char *path = path_of(at->container, at->name ? at->name : "", err);
    if (!path || os_session_endpoint(session, OS_OBJECT_STORE, until_ms, &found, err))
        return -1;
    mir_auto_free char *endpoint = found;
    const char *account = strstr(endpoint, "://") + 3;
    account += strcspn(account, "/");
    mir_auto_free char *text = mir_format("%s\n%" PRId64 "\n%s/%s/%s", method, expires_s, account,
                                          at->container, at->name);
    unsigned char digest[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    unsigned len = 0;
    if (!HMAC(EVP_sha256(), mir_secret_text(key), (int)key->len, (const unsigned char *)text,
              strlen(text), digest, &len))
        return mir_fail(err, MIR_INTERNAL, "HMAC-SHA256 is not to be had");
    mir_hex(digest, len, hex);
    *ret = mir_format("%s%s?temp_url_sig=%s&temp_url_expires=%" PRId64, endpoint, path, hex,
                      expires_s);
    return 0;
}
