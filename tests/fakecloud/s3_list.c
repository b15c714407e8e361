/* SPDX-License-Identifier: ISC */
/* S3: what a bucket holds, in the order of the keys' bytes, and deleting many at once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "api/xml.h"
#include "blob.h"
#include "ec2.h"
#include "s3.h"

#define KEYS_MAX 1000
#define XML_MAX ((size_t)2 << 20)

/* --- sorted keys --- */

struct keys {
    const struct fc_object **rows;
    size_t count;
};

static int by_id(const void *a, const void *b)
{
    const struct fc_object *const *left = a, *const *right = b;
    return strcmp((*left)->id, (*right)->id);
}

static void keys_of(const struct fc_world *world, const char *bucket, struct keys *keys)
{
    size_t len = strlen(bucket);
    *keys = (struct keys){0};
    for (struct fc_object *o = NULL; (o = fc_store_each(world->store, o, "object", NULL));) {
        if (strncmp(o->id, bucket, len) != 0 || o->id[len] != '/')
            continue;
        if ((keys->count & (keys->count - 1)) == 0)
            keys->rows =
                mir_realloc(keys->rows, keys->count ? 2 * keys->count : 1, sizeof *keys->rows);
        keys->rows[keys->count++] = o;
    }
    if (keys->count)
        qsort(keys->rows, keys->count, sizeof *keys->rows, by_id);
}

/* --- a list --- */

struct listing {
    const char *prefix, *delimiter, *after;
    bool encode;
    long max;
    json_t *contents, *prefixes;
    const char *last; /* key or common prefix that came last; borrowed */
    char *own;        /* the last common prefix; owned */
    bool truncated;
};

static json_t *key_text(const struct listing *listing, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-_.~/";
    struct mir_buf out;
    if (!listing->encode)
        return json_string(text);
    mir_buf_init(&out, 4 * FC_S3_KEY_MAX);
    for (const char *p = text; *p; p++)
        if (strchr(plain, *p))
            mir_buf_add(&out, p, 1);
        else
            mir_buf_addf(&out, "%%%02X", (unsigned)(unsigned char)*p);
    json_t *json = json_string(mir_buf_text(&out));
    mir_buf_clear(&out);
    return json;
}

/* The part of the key up to the delimiter after the prefix; NULL: it is a row of its own. Owned. */
static char *common_prefix(const struct listing *listing, const char *key)
{
    size_t prefix = strlen(listing->prefix);
    const char *at = *listing->delimiter ? strstr(key + prefix, listing->delimiter) : NULL;
    return at ? mir_format("%.*s", (int)(at - key + (ptrdiff_t)strlen(listing->delimiter)), key)
              : NULL;
}

static bool full(const struct listing *listing)
{
    return json_array_size(listing->contents) + json_array_size(listing->prefixes) >=
           (size_t)listing->max;
}

static void add_prefix(struct listing *listing, char *common)
{
    json_array_append_new(listing->prefixes,
                          json_pack("{s:o}", "Prefix", key_text(listing, common)));
    free(listing->own);
    listing->own = common;
    listing->last = common;
}

static void add_object(struct listing *listing, const struct fc_object *object, const char *key)
{
    json_t *row =
        json_pack("{s:o,s:O,s:O,s:O,s:O}", "Key", key_text(listing, key), "LastModified",
                  fc_at(object->doc, "LastModified"), "ETag", fc_at(object->doc, "ETag"), "Size",
                  fc_at(object->doc, "Size"), "StorageClass", fc_at(object->doc, "StorageClass"));
    json_array_append_new(listing->contents, row);
    listing->last = key;
}

static void fill(struct listing *listing, const struct keys *keys, size_t bucket_len)
{
    for (size_t i = 0; i < keys->count; i++) {
        const char *key = keys->rows[i]->id + bucket_len + 1;
        if (strncmp(key, listing->prefix, strlen(listing->prefix)) != 0 ||
            strcmp(key, listing->after) <= 0)
            continue;
        char *common = common_prefix(listing, key);
        bool same = common && ((listing->own && !strcmp(common, listing->own)) ||
                               !strncmp(listing->after, common, strlen(common)));
        if (same) {
            free(common);
            continue;
        }
        if (full(listing)) {
            listing->truncated = true;
            free(common);
            return;
        }
        if (common)
            add_prefix(listing, common);
        else
            add_object(listing, keys->rows[i], key);
    }
}

static const char *query_or(const struct fc_call *call, const char *name, const char *otherwise)
{
    const char *value = fc_request_query(call->request, name);
    return value ? value : otherwise;
}

static int begin(struct fc_call *call, struct listing *listing, struct fc_refusal *refusal)
{
    struct fc_object *bucket;
    char *end = NULL;
    const char *encoding = fc_request_query(call->request, "encoding-type");
    const char *max = query_or(call, "max-keys", "1000");
    if (fc_s3_bucket(call, &bucket, refusal))
        return -1;
    listing->prefix = query_or(call, "prefix", "");
    listing->delimiter = query_or(call, "delimiter", "");
    listing->max = strtol(max, &end, 10);
    listing->encode = encoding && !strcmp(encoding, "url");
    if (*end || end == max || listing->max < 0 || (encoding && !listing->encode))
        return fc_refuse(refusal, 400, "InvalidArgument",
                         "max-keys is a number, encoding-type is url");
    if (listing->max > KEYS_MAX)
        listing->max = KEYS_MAX;
    return 0;
}

static void run(struct fc_call *call, struct listing *listing)
{
    struct keys keys;
    listing->contents = json_array();
    listing->prefixes = json_array();
    keys_of(call->world, call->segments[0], &keys);
    fill(listing, &keys, strlen(call->segments[0]));
    free(keys.rows);
}

static json_t *list_reply(struct fc_call *call, const struct listing *listing)
{
    json_t *reply =
        json_pack("{s:s,s:s,s:o,s:I,s:b,s:o,s:o}", "_root", "ListBucketResult", "Name",
                  call->segments[0], "Prefix", key_text(listing, listing->prefix), "MaxKeys",
                  (json_int_t)listing->max, "IsTruncated", (int)listing->truncated, "Contents",
                  listing->contents, "CommonPrefixes", listing->prefixes);
    if (*listing->delimiter)
        json_object_set_new(reply, "Delimiter", key_text(listing, listing->delimiter));
    if (listing->encode)
        json_object_set_new(reply, "EncodingType", json_string("url"));
    return reply;
}

int fc_s3_list_objects(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct listing listing = {.after = query_or(call, "marker", "")};
    if (begin(call, &listing, refusal))
        return -1;
    run(call, &listing);
    *ret_reply = list_reply(call, &listing);
    json_object_set_new(*ret_reply, "Marker", key_text(&listing, listing.after));
    if (listing.truncated && *listing.delimiter)
        json_object_set_new(*ret_reply, "NextMarker", key_text(&listing, listing.last));
    free(listing.own);
    return 0;
}

/* A continuation token is the last key in hex, with a mark. */
static char *read_token(const char *token)
{
    size_t len = token ? strlen(token) : 0;
    if (!token || strncmp(token, "1x", 2) != 0 || len % 2)
        return NULL;
    char *out = mir_calloc(len / 2, 1);
    for (size_t i = 2; i < len; i += 2) {
        unsigned byte;
        if (sscanf(token + i, "%2x", &byte) != 1 || !byte) {
            free(out);
            return NULL;
        }
        out[i / 2 - 1] = (char)byte;
    }
    return out;
}

int fc_s3_list_objects_v2(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const char *token = fc_request_query(call->request, "continuation-token");
    mir_auto_free char *after = read_token(token);
    struct listing listing = {.after = after ? after : query_or(call, "start-after", "")};
    if (strcmp(query_or(call, "list-type", ""), "2") != 0 || (token && !after))
        return fc_refuse(refusal, 400, "InvalidArgument",
                         "The continuation token provided is incorrect");
    if (begin(call, &listing, refusal))
        return -1;
    run(call, &listing);
    size_t count = json_array_size(listing.contents) + json_array_size(listing.prefixes);
    *ret_reply = list_reply(call, &listing);
    json_object_set_new(*ret_reply, "KeyCount", json_integer((json_int_t)count));
    if (token)
        json_object_set_new(*ret_reply, "ContinuationToken", json_string(token));
    if (listing.truncated && listing.last) {
        struct mir_buf hex;
        mir_buf_init(&hex, 4 * FC_S3_KEY_MAX);
        mir_buf_adds(&hex, "1x");
        for (const char *p = listing.last; *p; p++)
            mir_buf_addf(&hex, "%02x", (unsigned)(unsigned char)*p);
        json_object_set_new(*ret_reply, "NextContinuationToken", json_string(mir_buf_text(&hex)));
        mir_buf_clear(&hex);
    }
    free(listing.own);
    return 0;
}

/* --- many at once --- */

int fc_s3_delete_objects(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *bucket;
    const struct fc_body *body = &call->request->body;
    if (fc_s3_bucket(call, &bucket, refusal) || fc_s3_check_body(call, refusal))
        return -1;
    mir_auto_xml struct mir_xml *xml =
        body->fd < 0 ? mir_xml_parse(body->memory.data, body->memory.len, XML_MAX, NULL) : NULL;
    const struct mir_xml_node *root = xml ? mir_xml_root(xml) : NULL;
    if (!root || strcmp(mir_xml_name(root), "Delete") != 0 || !mir_xml_first(root, "Object"))
        return fc_refuse(refusal, 400, "MalformedXML",
                         "The XML you provided was not well-formed or did not validate");
    bool quiet = !strcmp(mir_xml_get(root, "Quiet"), "true");
    json_t *deleted = json_array();
    for (const struct mir_xml_node *n = mir_xml_first(root, "Object"); n;
         n = mir_xml_next(n, "Object")) {
        const char *key = mir_xml_get(n, "Key");
        mir_auto_free char *id = mir_format("%s/%s", bucket->id, key);
        struct fc_object *object = fc_store_get(call->world->store, "object", "", id);
        if (object) {
            fc_blob_drop(call->world, fc_text_at(object->doc, "_file"));
            fc_store_gone(call->world->store, object, &call->cause, 0);
        }
        if (!quiet)
            json_array_append_new(deleted, json_pack("{s:s}", "Key", key));
    }
    *ret_reply = json_pack("{s:s,s:o}", "_root", "DeleteResult", "Deleted", deleted);
    return 0;
}
