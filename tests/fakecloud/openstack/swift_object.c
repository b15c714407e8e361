/* SPDX-License-Identifier: ISC */
/* Swift's objects: whole, in segments, for a while. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/id.h"
#include "api/json.h"
#include "api/memory.h"
#include "blob.h"
#include "os_wording.h"
#include "os_words.h"
#include "swift.h"

#define META "X-Object-Meta-"
#define MANIFEST_MAX ((size_t)8 << 20)
#define SEGMENTS_MAX 1000

static struct fc_object *find(const struct fc_call *call, const char *container, const char *name)
{
    mir_auto_free char *id = fos_object_id(call, container, name);
    struct fc_object *object = fc_store_get(call->world->store, FOS_OBJECT, call->region, id);
    return object && fc_visible(object, call->now_ms) ? object : NULL;
}

static int not_found(const struct fc_call *call, struct fc_refusal *refusal)
{
    return fos_refuse(call, refusal, 404, "The resource could not be found.");
}

static void drop(struct fc_call *call, struct fc_object *object)
{
    fc_blob_drop(call->world, fos_text(object->doc, "_file", "-"));
    fc_store_gone(call->world->store, object, &call->cause, 0);
}

/* --- put --- */

/* When it is to end, by X-Delete-At or X-Delete-After; 0: never. -1: not to be read. */
static int64_t read_end_ms(const struct fc_call *call)
{
    const char *at = fc_request_header(call->request, "X-Delete-At");
    const char *after = fc_request_header(call->request, "X-Delete-After");
    const char *text = after ? after : at;
    char *end;
    if (!text)
        return 0;
    long long value = strtoll(text, &end, 10);
    if (!*text || *end)
        return -1;
    int64_t end_ms = after ? call->now_ms + value * 1000 : value * 1000;
    return end_ms > call->now_ms ? end_ms : -1;
}

static struct fc_object *replace(struct fc_call *call, json_t *doc, int64_t end_ms)
{
    char last[MIR_TIME_SIZE];
    const char *type = fc_request_header(call->request, "Content-Type");
    mir_auto_free char *id = fos_object_id(call, call->segments[1], call->segments[2]);
    struct fc_object *before = fc_store_get(call->world->store, FOS_OBJECT, call->region, id);
    mir_time_format(call->now_ms / 1000, last);
    json_object_set_new(doc, "name", json_string(call->segments[2]));
    json_object_set_new(doc, "container", json_string(call->segments[1]));
    json_object_set_new(doc, "content_type", json_string(type ? type : "application/octet-stream"));
    json_object_set_new(doc, "last_modified",
                        json_sprintf("%.19s.%03d000", last, (int)(call->now_ms % 1000)));
    fos_swift_take_meta(call, META, doc);
    if (before)
        drop(call, before);
    struct fc_object *object = fos_add(call, FOS_OBJECT, id, doc);
    if (end_ms) {
        json_object_set_new(doc, "_delete_at", json_integer(end_ms / 1000));
        object->due_ms = end_ms;
    }
    fc_reply_header(call->reply, "Etag", "%s", fc_text_at(doc, "hash"));
    return object;
}

/* One segment of a static manifest against what is there: its size, and its digest into all. */
static int check_segment(struct fc_call *call, const json_t *said, EVP_MD_CTX *all,
                         json_int_t *size, struct fc_refusal *refusal)
{
    const char *path = fos_text(said, "path", ""), *etag = fos_text(said, "etag", NULL);
    const char *slash = *path == '/' ? strchr(path + 1, '/') : NULL;
    const json_t *bytes = fc_at(said, "size_bytes");
    if (!slash)
        return fos_refuse(call, refusal, 400, "path has to be /CONTAINER/OBJECT: %.200s", path);
    mir_auto_free char *container = mir_format("%.*s", (int)(slash - path - 1), path + 1);
    const struct fc_object *segment = find(call, container, slash + 1);
    if (!segment)
        return fc_refuse(refusal, 400, "Errors", "%.200s\n404 Not Found", path);
    const char *hash = fc_text_at(segment->doc, "hash");
    json_int_t there = json_integer_value(fc_at(segment->doc, "bytes"));
    if (etag && strcmp(etag, hash) != 0)
        return fc_refuse(refusal, 400, "Errors", "%.200s\nEtag Mismatch", path);
    if (json_is_integer(bytes) && json_integer_value(bytes) != there)
        return fc_refuse(refusal, 400, "Errors", "%.200s\nSize Mismatch", path);
    EVP_DigestUpdate(all, hash, strlen(hash));
    *size += there;
    return 0;
}

static int check_manifest(struct fc_call *call, const json_t *list, json_t *doc,
                          struct fc_refusal *refusal)
{
    EVP_MD_CTX *all = EVP_MD_CTX_new();
    unsigned char sum[16];
    char hex[33];
    json_int_t size = 0;
    size_t i;
    json_t *said;
    int rc = 0;
    if (!all)
        mir_memory_out();
    EVP_DigestInit_ex(all, EVP_md5(), NULL);
    json_array_foreach((json_t *)(uintptr_t)list, i, said)
    {
        rc = rc ? rc : check_segment(call, said, all, &size, refusal);
    }
    EVP_DigestFinal_ex(all, sum, NULL);
    EVP_MD_CTX_free(all);
    mir_hex(sum, sizeof sum, hex);
    json_object_set_new(doc, "hash", json_sprintf("\"%s\"", hex));
    json_object_set_new(doc, "bytes", json_integer(size));
    return rc;
}

static int put_manifest(struct fc_call *call, int64_t end_ms, struct fc_refusal *refusal)
{
    struct mir_error err = {0};
    const struct fc_body *body = &call->request->body;
    json_t *list = body->fd < 0 ? mir_json_parse(mir_buf_text(&body->memory), body->memory.len,
                                                 MANIFEST_MAX, &err)
                                : NULL;
    json_t *doc = json_pack("{s:o}", "_segments", list ? list : json_array());
    if (!json_is_array(list) || !json_array_size(list) || json_array_size(list) > SEGMENTS_MAX) {
        json_decref(doc);
        return fos_refuse(call, refusal, 400, "Manifest must be valid JSON: a list of segments");
    }
    if (check_manifest(call, list, doc, refusal)) {
        json_decref(doc);
        return -1;
    }
    replace(call, doc, end_ms);
    return 0;
}

int fos_object_put(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct mir_error err = {0};
    const struct fc_body *body = &call->request->body;
    const char *manifest = fc_request_query(call->request, "multipart-manifest");
    const char *dynamic = fc_request_header(call->request, "X-Object-Manifest");
    const char *etag = fc_request_header(call->request, "ETag");
    int64_t end_ms = read_end_ms(call);
    char md5[33];
    mir_hex(body->md5, sizeof body->md5, md5);
    if (!fos_container_find(call, call->segments[1]))
        return not_found(call, refusal);
    if (end_ms < 0)
        return fos_refuse(call, refusal, 400, "X-Delete-At in past");
    if (manifest && !strcmp(manifest, "put"))
        return put_manifest(call, end_ms, refusal);
    if (etag && strcasecmp(etag, md5) != 0)
        return fos_refuse(call, refusal, 422,
                          "The request was well-formed but was unable to be "
                          "followed due to semantic errors.");
    char *file = fc_blob_keep(call->world, body, &err);
    if (!file)
        return fos_refuse(call, refusal, 500, "%s", err.text);
    json_t *doc =
        json_pack("{s:s,s:I,s:s}", "hash", md5, "bytes", (json_int_t)body->len, "_file", file);
    free(file);
    if (dynamic)
        json_object_set_new(doc, "_dynamic", json_string(dynamic));
    replace(call, doc, end_ms);
    return 0;
}

/* --- the bytes --- */

static void add_file(const struct fc_object *segment, json_t *files)
{
    if (segment)
        json_array_append(files, fc_at(segment->doc, "_file"));
}

/* Segments of a dynamic manifest, "CONTAINER/PREFIX", by name. */
static void add_by_prefix(const struct fc_call *call, const char *where, json_t *files)
{
    size_t len = strcspn(where, "/");
    const char *prefix = where[len] ? where + len + 1 : "", *last = "";
    for (;;) {
        struct fc_object *next = NULL;
        for (struct fc_object *o = NULL;
             (o = fc_store_each(call->world->store, o, FOS_OBJECT, call->region));) {
            const char *name = fc_text_at(o->doc, "name");
            if (fos_mine(call, o) && strlen(fc_text_at(o->doc, "container")) == len &&
                !strncmp(fc_text_at(o->doc, "container"), where, len) &&
                !strncmp(name, prefix, strlen(prefix)) && strcmp(name, last) > 0 &&
                (!next || strcmp(name, fc_text_at(next->doc, "name")) < 0))
                next = o;
        }
        if (!next)
            return;
        add_file(next, files);
        last = fc_text_at(next->doc, "name");
    }
}

/* The files that it consists of; new reference. NULL: a segment is not there any more. */
static json_t *files_of(const struct fc_call *call, const struct fc_object *object)
{
    const char *dynamic = fos_text(object->doc, "_dynamic", NULL);
    json_t *files = json_array(), *said;
    size_t i;
    if (dynamic) {
        add_by_prefix(call, dynamic, files);
        return files;
    }
    if (!fc_at(object->doc, "_segments"))
        add_file(object, files);
    json_array_foreach(fc_at(object->doc, "_segments"), i, said)
    {
        const char *path = fos_text(said, "path", "/"), *slash = strchr(path + 1, '/');
        mir_auto_free char *container = mir_format("%.*s", (int)(slash - path - 1), path + 1);
        const struct fc_object *segment = find(call, container, slash + 1);
        if (!segment) {
            json_decref(files);
            return NULL;
        }
        add_file(segment, files);
    }
    return files;
}

/* A file with all of it, and without a name when it was put together. */
static int open_bytes(struct fc_call *call, const struct fc_object *object)
{
    struct mir_error err = {0};
    json_t *files = files_of(call, object);
    int fd = -1;
    if (files && json_array_size(files) == 1) {
        fd = fc_blob_open(call->world, json_string_value(json_array_get(files, 0)));
    } else if (files) {
        mir_auto_free char *joined = fc_blob_join(call->world, files, &err);
        fd = joined ? fc_blob_open(call->world, joined) : -1;
        if (joined)
            fc_blob_drop(call->world, joined);
    }
    json_decref(files);
    return fd;
}

static void object_headers(struct fc_call *call, const struct fc_object *object)
{
    char modified[FC_HTTP_DATE_SIZE];
    const json_t *doc = object->doc;
    fc_http_date(object->created_ms / 1000, modified);
    fc_reply_header(call->reply, "Etag", "%s", fc_text_at(doc, "hash"));
    fc_reply_header(call->reply, "Last-Modified", "%s", modified);
    fc_reply_header(call->reply, "X-Timestamp", "%lld.%05d", (long long)object->created_ms / 1000,
                    (int)(object->created_ms % 1000) * 100);
    fc_reply_header(call->reply, "Accept-Ranges", "bytes");
    if (fc_at(doc, "_segments"))
        fc_reply_header(call->reply, "X-Static-Large-Object", "True");
    if (fc_at(doc, "_dynamic"))
        fc_reply_header(call->reply, "X-Object-Manifest", "%s", fc_text_at(doc, "_dynamic"));
    if (fc_at(doc, "_delete_at"))
        fc_reply_header(call->reply, "X-Delete-At", "%lld",
                        (long long)json_integer_value(fc_at(doc, "_delete_at")));
    fos_swift_show_meta(call, doc);
}

int fos_object_get(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const struct fc_object *object = find(call, call->segments[1], call->segments[2]);
    struct fc_reply *reply = call->reply;
    struct stat stat;
    if (!object)
        return not_found(call, refusal);
    mir_copy(reply->type, sizeof reply->type, fc_text_at(object->doc, "content_type"));
    reply->fd = open_bytes(call, object);
    if (reply->fd < 0 || fstat(reply->fd, &stat))
        return fos_refuse(call, refusal, 409,
                          "There was a conflict when trying to complete your request.");
    reply->len = (uint64_t)stat.st_size;
    int range = fos_byte_range(fc_request_header(call->request, "Range"), reply->len,
                               &reply->offset, &reply->len);
    reply->status = range ? 206 : 200;
    if (range < 0)
        close(mir_steal_fd(&reply->fd));
    if (range < 0)
        return fos_refuse(call, refusal, 416, "The Range requested is not available.");
    if (range)
        fc_reply_header(
            reply, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)reply->offset,
            (unsigned long long)(reply->offset + reply->len - 1), (unsigned long long)stat.st_size);
    object_headers(call, object);
    return 0;
}

/* --- post, delete, the end --- */

int fos_object_post(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *object = find(call, call->segments[1], call->segments[2]);
    int64_t end_ms = read_end_ms(call);
    if (!object)
        return not_found(call, refusal);
    if (end_ms < 0)
        return fos_refuse(call, refusal, 400, "X-Delete-At in past");
    json_t *doc = fc_store_edit(call->world->store, object, call->now_ms, 0);
    json_object_del(doc, "_meta"); /* what is not said again is gone */
    json_object_del(doc, "_delete_at");
    fos_swift_take_meta(call, META, doc);
    if (end_ms)
        json_object_set_new(doc, "_delete_at", json_integer(end_ms / 1000));
    object->due_ms = end_ms;
    fos_swift_accepted(call);
    return 0;
}

/* What a deletion of many says, as text or as JSON. */
static void say_deleted(struct fc_call *call, unsigned count)
{
    const char *accept = fc_request_header(call->request, "Accept");
    call->reply->status = 200;
    if (accept && strstr(accept, "application/json")) {
        mir_copy(call->reply->type, sizeof call->reply->type, "application/json");
        mir_buf_addf(&call->reply->body,
                     "{\"Number Deleted\": %u, \"Number Not Found\": 0, \"Response Body\": "
                     "\"\", \"Response Status\": \"200 OK\", \"Errors\": []}",
                     count);
        return;
    }
    mir_copy(call->reply->type, sizeof call->reply->type, "text/plain");
    mir_buf_addf(&call->reply->body,
                 "Number Deleted: %u\nNumber Not Found: 0\nResponse Body: \nResponse Status: 200 "
                 "OK\nErrors:\n",
                 count);
}

int fos_object_delete(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *object = find(call, call->segments[1], call->segments[2]);
    const char *manifest = fc_request_query(call->request, "multipart-manifest");
    size_t i;
    json_t *said;
    unsigned gone = 0;
    if (!object)
        return not_found(call, refusal);
    json_array_foreach(
        manifest && !strcmp(manifest, "delete") ? fc_at(object->doc, "_segments") : NULL, i, said)
    {
        const char *path = fos_text(said, "path", "/"), *slash = strchr(path + 1, '/');
        mir_auto_free char *container = mir_format("%.*s", (int)(slash - path - 1), path + 1);
        struct fc_object *segment = find(call, container, slash + 1);
        if (segment)
            drop(call, segment);
        gone += segment != NULL;
    }
    drop(call, object);
    if (manifest)
        say_deleted(call, gone + 1);
    return 0;
}

void fos_tick_swift_object(struct fc_world *world, struct fc_object *object,
                           const struct fc_cause *cause)
{
    if (!fc_at(object->doc, "_delete_at"))
        return;
    fc_blob_drop(world, fos_text(object->doc, "_file", "-"));
    fc_store_gone(world->store, object, cause, 0);
}
