/* SPDX-License-Identifier: ISC */
/* Swift: accounts, containers, listings, temporary URLs. */
#include "swift.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/clock.h"
#include "api/id.h"
#include "api/json.h"
#include "api/memory.h"
#include "os_wording.h"

#define ACCOUNT "os-account"
#define LIST_MAX 10000

/* --- what is meant --- */

static char *decoded(const char *text, size_t len)
{
    return fc_percent_decode(text, len, false);
}

static int split(struct fc_call *call, unsigned *ret_depth)
{
    const char *at = fos_of(call)->rest;
    *ret_depth = 0;
    if (!strcmp(at, "/info"))
        return 0;
    if (strncmp(at, "/v1/", 4) != 0)
        return -1;
    for (at += 3; *at == '/' && *ret_depth < 3; ++*ret_depth) {
        size_t len = *ret_depth < 2 ? strcspn(at + 1, "/") : strlen(at + 1);
        call->segments[*ret_depth] = decoded(at + 1, len);
        if (!call->segments[*ret_depth])
            return -1;
        at += len + 1;
    }
    return *ret_depth ? 0 : -1;
}

int fos_swift_identify(struct fc_call *call, struct fc_refusal *refusal)
{
    unsigned depth;
    bool there = false;
    if (split(call, &depth))
        return fos_refuse_path(refusal, call->service, false);
    for (const struct fc_operation *o = call->service->operations; o->name; o++) {
        if ((unsigned)strlen(o->path) != depth)
            continue;
        there = true;
        if (!strcmp(o->method, call->request->method)) {
            call->operation = o;
            return 0;
        }
    }
    return fos_refuse_path(refusal, call->service, there);
}

/* --- whose --- */

static struct fc_object *account_of(const struct fc_call *call, const char *project)
{
    return fc_store_get(call->world->store, ACCOUNT, call->region, project);
}

/* "METHOD\nEXPIRES\nPATH", with the account's key or the container's. SHA-1 and SHA-256 are taken,
 * as hex. */
static bool signed_with(const char *key, const char *text, const char *signature)
{
    static const struct {
        const char *name;
        size_t bytes;
    } kinds[] = {{"SHA1", 20}, {"SHA256", 32}, {"SHA512", 64}};
    for (size_t i = 0; i < MIR_NELEMS(kinds); i++) {
        unsigned char sum[64];
        unsigned len = 0;
        char hex[129];
        if (strlen(signature) != 2 * kinds[i].bytes)
            continue;
        HMAC(EVP_get_digestbyname(kinds[i].name), key, (int)strlen(key),
             (const unsigned char *)text, strlen(text), sum, &len);
        mir_hex(sum, len, hex);
        return len == kinds[i].bytes && !CRYPTO_memcmp(hex, signature, 2 * kinds[i].bytes);
    }
    return false;
}

static bool url_is_right(const struct fc_call *call, const char *project, const char *signature,
                         const char *expires)
{
    static const char *const names[] = {"Temp-Url-Key", "Temp-Url-Key-2"};
    const struct fc_world *world = call->world;
    int64_t until_s = strtoll(expires, NULL, 10);
    const struct fc_object *account = account_of(call, project);
    const struct fc_object *container =
        call->segments[1] ? fos_container_find(call, call->segments[1]) : NULL;
    if (strchr(expires, '-') && mir_time_parse(expires, &until_s, NULL))
        return false;
    if (fc_world_now_ms(world) / 1000 >= until_s)
        return false;
    const char *method = !strcmp(call->request->method, "HEAD") ? "GET" : call->request->method;
    mir_auto_free char *text = mir_format(
        "%s\n%lld\n/v1/%s/%s/%s", method, (long long)until_s, call->segments[0],
        call->segments[1] ? call->segments[1] : "", call->segments[2] ? call->segments[2] : "");
    for (size_t i = 0; i < MIR_NELEMS(names); i++) {
        const json_t *own = account ? fc_at(account->doc, "_meta") : NULL;
        const json_t *its = container ? fc_at(container->doc, "_meta") : NULL;
        const char *key = json_string_value(json_object_get(own, names[i]));
        const char *other = json_string_value(json_object_get(its, names[i]));
        if ((key && signed_with(key, text, signature)) ||
            (other && signed_with(other, text, signature)))
            return true;
    }
    return false;
}

static int by_url(struct fc_call *call, const char *signature, struct fc_refusal *refusal)
{
    const char *expires = fc_request_query(call->request, "temp_url_expires");
    const char *project = call->segments[0] ? call->segments[0] + 5 : "";
    struct fos_call *own = fos_of(call);
    pthread_mutex_lock(&call->world->lock);
    mir_copy(own->project, sizeof own->project, project);
    bool right = call->segments[2] && expires && url_is_right(call, project, signature, expires);
    pthread_mutex_unlock(&call->world->lock);
    own->roles = FOS_MEMBER | FOS_READER;
    return right ? 0 : fc_refuse(refusal, 401, "Unauthorized", "Temp URL invalid");
}

int fos_swift_verify(struct fc_call *call, struct fc_refusal *refusal)
{
    const char *account = call->segments[0];
    const char *signature = fc_request_query(call->request, "temp_url_sig");
    if (!account)
        return 0;
    if (strncmp(account, "AUTH_", 5) != 0)
        return fos_refuse(call, refusal, 403, "Access was denied to this resource.");
    if (signature)
        return by_url(call, signature, refusal);
    return strcmp(account + 5, fos_of(call)->project)
               ? fos_refuse(call, refusal, 403, "Access was denied to this resource.")
               : 0;
}

/* --- metadata --- */

/* "X-Object-Meta-one-two" is "One-Two". */
static void title(const char *text, char out[128])
{
    bool first = true;
    size_t i = 0;
    for (; text[i] && i < 127; i++) {
        char c = text[i];
        if (first && c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        else if (!first && c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        out[i] = c;
        first = c == '-';
    }
    out[i] = '\0';
}

void fos_swift_take_meta(const struct fc_call *call, const char *prefix, json_t *doc)
{
    size_t len = strlen(prefix);
    json_t *meta = json_deep_copy(fc_at(doc, "_meta"));
    if (!meta)
        meta = json_object();
    for (size_t i = 0; i < call->request->header_count; i++) {
        const struct fc_header *header = &call->request->headers[i];
        char name[128];
        if (strncasecmp(header->name, prefix, len) != 0)
            continue;
        title(header->name + len, name);
        if (*header->value)
            json_object_set_new(meta, name, json_string(header->value));
        else
            json_object_del(meta, name);
    }
    json_object_set_new(doc, "_meta", meta);
    json_object_set_new(doc, "_prefix", json_string(prefix));
}

void fos_swift_show_meta(struct fc_call *call, const json_t *doc)
{
    const char *name;
    json_t *value;
    json_object_foreach(fc_at(doc, "_meta"), name, value)
    {
        if (call->reply->header_count + 8 >= FC_REPLY_HEADERS_MAX)
            break;
        mir_auto_free char *whole = mir_format("%s%s", fc_text_at(doc, "_prefix"), name);
        fc_reply_header(call->reply, whole, "%s", json_string_value(value));
    }
}

/* --- accounts --- */

struct sum {
    uint64_t containers, objects, bytes;
};

static struct sum sum_of(const struct fc_call *call, const char *container)
{
    struct sum sum = {0};
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, FOS_OBJECT, call->region));)
        if (fos_mine(call, o) &&
            (!container || !strcmp(fc_text_at(o->doc, "container"), container))) {
            sum.objects++;
            sum.bytes += (uint64_t)json_integer_value(fc_at(o->doc, "bytes"));
        }
    sum.containers = fos_count(call, FOS_CONTAINER);
    return sum;
}

static void account_headers(struct fc_call *call)
{
    struct sum sum = sum_of(call, NULL);
    const struct fc_object *account = account_of(call, fos_of(call)->project);
    fc_reply_header(call->reply, "X-Account-Container-Count", "%llu",
                    (unsigned long long)sum.containers);
    fc_reply_header(call->reply, "X-Account-Object-Count", "%llu", (unsigned long long)sum.objects);
    fc_reply_header(call->reply, "X-Account-Bytes-Used", "%llu", (unsigned long long)sum.bytes);
    if (account)
        fos_swift_show_meta(call, account->doc);
}

static int head_account(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    account_headers(call);
    return 0;
}

static int post_account(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *account = account_of(call, fos_of(call)->project);
    if (!account)
        account = fos_add(call, ACCOUNT, fos_of(call)->project, json_object());
    fos_swift_take_meta(call, "X-Account-Meta-",
                        fc_store_edit(call->world->store, account, call->now_ms, 0));
    return 0;
}

/* --- containers --- */

static char *container_id(const struct fc_call *call, const char *name)
{
    return mir_format("%s/%s", fos_of(call)->project, name);
}

char *fos_object_id(const struct fc_call *call, const char *container, const char *object)
{
    return mir_format("%s/%s/%s", fos_of(call)->project, container, object);
}

struct fc_object *fos_container_find(const struct fc_call *call, const char *name)
{
    mir_auto_free char *id = container_id(call, name);
    return fc_store_get(call->world->store, FOS_CONTAINER, call->region, id);
}

static int find_container(const struct fc_call *call, struct fc_object **ret,
                          struct fc_refusal *refusal)
{
    *ret = fos_container_find(call, call->segments[1]);
    return *ret ? 0 : fos_refuse(call, refusal, 404, "The resource could not be found.");
}

void fos_swift_accepted(struct fc_call *call)
{
    mir_copy(call->reply->type, sizeof call->reply->type, "text/html; charset=UTF-8");
    mir_buf_adds(&call->reply->body, "<html><h1>Accepted</h1><p>The request is accepted for "
                                     "processing.</p></html>");
}

static int put_container(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const char *name = call->segments[1];
    struct fc_object *container = fos_container_find(call, name);
    mir_auto_free char *id = container_id(call, name);
    call->reply->status = container ? 202 : 201;
    if (strlen(name) > 256)
        return fos_refuse(call, refusal, 400, "Container name length of %zu longer than 256",
                          strlen(name));
    if (container)
        fos_swift_accepted(call);
    else
        container = fos_add(call, FOS_CONTAINER, id, json_pack("{s:s}", "name", name));
    fos_swift_take_meta(call, "X-Container-Meta-",
                        fc_store_edit(call->world->store, container, call->now_ms, 0));
    return 0;
}

static int post_container(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *container;
    if (find_container(call, &container, refusal))
        return -1;
    fos_swift_take_meta(call, "X-Container-Meta-",
                        fc_store_edit(call->world->store, container, call->now_ms, 0));
    return 0;
}

static int delete_container(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *container;
    if (find_container(call, &container, refusal))
        return -1;
    if (sum_of(call, call->segments[1]).objects)
        return fos_refuse(call, refusal, 409,
                          "There was a conflict when trying to complete your request.");
    fc_store_gone(call->world->store, container, &call->cause, 0);
    return 0;
}

static int head_container(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *container;
    if (find_container(call, &container, refusal))
        return -1;
    struct sum sum = sum_of(call, call->segments[1]);
    fc_reply_header(call->reply, "X-Container-Object-Count", "%llu",
                    (unsigned long long)sum.objects);
    fc_reply_header(call->reply, "X-Container-Bytes-Used", "%llu", (unsigned long long)sum.bytes);
    fos_swift_show_meta(call, container->doc);
    return 0;
}

/* --- listings --- */

/* Sorted by name. */
static void insert(json_t *rows, json_t *row)
{
    size_t at = 0;
    const char *name = fos_text(row, "name", fos_text(row, "subdir", ""));
    while (at < json_array_size(rows)) {
        const json_t *there = json_array_get(rows, at);
        int way = strcmp(fos_text(there, "name", fos_text(there, "subdir", "")), name);
        if (!way) { /* of a folder once is enough */
            json_decref(row);
            return;
        }
        if (way > 0)
            break;
        at++;
    }
    json_array_insert_new(rows, at, row);
}

static bool within(const struct fc_call *call, const char *name)
{
    const char *prefix = fc_request_query(call->request, "prefix");
    const char *after = fc_request_query(call->request, "marker");
    const char *before = fc_request_query(call->request, "end_marker");
    return (!prefix || !strncmp(name, prefix, strlen(prefix))) &&
           (!after || strcmp(name, after) > 0) && (!before || !*before || strcmp(name, before) < 0);
}

/* Names with a delimiter after the prefix are shown as their folder. */
static json_t *row_of(const struct fc_call *call, const struct fc_object *object)
{
    const char *name = fc_text_at(object->doc, "name");
    const char *prefix = fc_request_query(call->request, "prefix");
    const char *delimiter = fc_request_query(call->request, "delimiter");
    const char *rest = name + (prefix ? strlen(prefix) : 0);
    const char *folder = delimiter && *delimiter ? strstr(rest, delimiter) : NULL;
    if (folder)
        return json_pack("{s:o}", "subdir",
                         json_stringn(name, (size_t)(folder - name) + strlen(delimiter)));
    json_t *row = fos_public(object->doc);
    json_object_del(row, "container");
    return row;
}

static int send_list(struct fc_call *call, json_t *rows, struct fc_refusal *refusal)
{
    const char *limit_text = fc_request_query(call->request, "limit");
    const char *format = fc_request_query(call->request, "format");
    const char *accept = fc_request_header(call->request, "Accept");
    long long limit = limit_text ? strtoll(limit_text, NULL, 10) : LIST_MAX;
    bool as_json = format ? !strcmp(format, "json") : accept && strstr(accept, "application/json");
    if (limit < 0 || limit > LIST_MAX)
        return fos_refuse(call, refusal, 412, "Maximum limit is %d", LIST_MAX);
    call->reply->status = as_json || json_array_size(rows) ? 200 : 204;
    mir_copy(call->reply->type, sizeof call->reply->type,
             as_json ? "application/json; charset=utf-8" : "text/plain; charset=utf-8");
    while (json_array_size(rows) > (size_t)limit)
        json_array_remove(rows, json_array_size(rows) - 1);
    mir_auto_free char *text = as_json ? mir_json_text(rows) : NULL;
    if (as_json)
        mir_buf_adds(&call->reply->body, text);
    for (size_t i = 0; !as_json && i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        mir_buf_addf(&call->reply->body, "%s\n",
                     fos_text(row, "name", fos_text(row, "subdir", "")));
    }
    return 0;
}

static json_t *modified(int64_t ms)
{
    char text[MIR_TIME_SIZE];
    mir_time_format(ms / 1000, text);
    return json_sprintf("%.19s.%03d000", text, (int)(ms % 1000));
}

static int get_account(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    json_t *rows = json_array();
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, FOS_CONTAINER, call->region));) {
        const char *name = fc_text_at(o->doc, "name");
        if (!fos_mine(call, o) || !within(call, name))
            continue;
        struct sum sum = sum_of(call, name);
        insert(rows,
               json_pack("{s:s,s:I,s:I,s:o}", "name", name, "count", (json_int_t)sum.objects,
                         "bytes", (json_int_t)sum.bytes, "last_modified", modified(o->created_ms)));
    }
    account_headers(call);
    int rc = send_list(call, rows, refusal);
    json_decref(rows);
    return rc;
}

static int get_container(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    if (head_container(call, ret_reply, refusal))
        return -1;
    json_t *rows = json_array();
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, FOS_OBJECT, call->region));)
        if (fos_mine(call, o) && fc_visible(o, call->now_ms) &&
            !strcmp(fc_text_at(o->doc, "container"), call->segments[1]) &&
            within(call, fc_text_at(o->doc, "name")))
            insert(rows, row_of(call, o));
    int rc = send_list(call, rows, refusal);
    json_decref(rows);
    return rc;
}

static int get_info(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    *ret_reply = json_pack("{s:{s:s,s:I,s:i,s:i},s:{s:i,s:i},s:{s:[s,s,s,s,s],s:[s,s,s]},s:{}}",
                           "swift", "version", "2.30.0", "max_file_size", (json_int_t)5368709122,
                           "container_listing_limit", LIST_MAX, "max_object_name_length", 1024,
                           "slo", "max_manifest_segments", 1000, "min_segment_size", 1, "tempurl",
                           "methods", "GET", "HEAD", "PUT", "POST", "DELETE", "allowed_digests",
                           "sha1", "sha256", "sha512", "container_quotas");
    return 0;
}

/* --- the table: the path is as deep as its word is long --- */

static const struct fc_operation operations[] = {
    {"GetInfo", get_info, NULL, "GET", "", NULL, FC_OP_UNSIGNED, 0},
    {"GetAccount", get_account, NULL, "GET", "a", NULL, FC_OP_RAW, 0},
    {"HeadAccount", head_account, NULL, "HEAD", "a", NULL, 0, 204},
    {"PostAccount", post_account, NULL, "POST", "a", NULL, FC_OP_NO_BODY, 204},
    {"PutContainer", put_container, NULL, "PUT", "ac", NULL, FC_OP_NO_BODY, 0},
    {"GetContainer", get_container, NULL, "GET", "ac", NULL, FC_OP_RAW, 0},
    {"HeadContainer", head_container, NULL, "HEAD", "ac", NULL, 0, 204},
    {"PostContainer", post_container, NULL, "POST", "ac", NULL, FC_OP_NO_BODY, 204},
    {"DeleteContainer", delete_container, NULL, "DELETE", "ac", NULL, FC_OP_NO_BODY, 204},
    {"PutObject", fos_object_put, NULL, "PUT", "aco", NULL, FC_OP_NO_BODY, 201},
    {"GetObject", fos_object_get, NULL, "GET", "aco", NULL, FC_OP_RAW, 0},
    {"HeadObject", fos_object_get, NULL, "HEAD", "aco", NULL, FC_OP_RAW, 0},
    {"PostObject", fos_object_post, NULL, "POST", "aco", NULL, FC_OP_NO_BODY, 202},
    {"DeleteObject", fos_object_delete, NULL, "DELETE", "aco", NULL, FC_OP_NO_BODY, 204},
    {.name = NULL},
};

const struct fc_service fos_swift = {.name = "swift", .operations = operations};
