/* SPDX-License-Identifier: ISC */
/* S3: objects. The body is held against every checksum that came with it. */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <zlib.h>

#include "api/clock.h"
#include "api/id.h"
#include "api/memory.h"
#include "blob.h"
#include "ec2.h"
#include "s3.h"

#define SINGLE_PUT_MAX ((uint64_t)5 << 30)

int fc_s3_object(struct fc_call *call, struct fc_object **ret, struct fc_refusal *refusal)
{
    struct fc_object *bucket;
    if (fc_s3_bucket(call, &bucket, refusal))
        return -1;
    mir_auto_free char *id = mir_format("%s/%s", call->segments[0], call->segments[1]);
    *ret = fc_store_get(call->world->store, "object", "", id);
    return *ret ? 0 : fc_refuse(refusal, 404, "NoSuchKey", "The specified key does not exist.");
}

void fc_s3_etag(const unsigned char md5[16], char out[40])
{
    char hex[33];
    mir_hex(md5, 16, hex);
    snprintf(out, 40, "\"%s\"", hex);
}

/* --- checks of what comes --- */

/* Headers that change what a PUT means, and are not done here. */
static int check_headers(const struct fc_request *request, struct fc_refusal *refusal)
{
    static const char *const known[] = {"acl",
                                        "content-sha256",
                                        "date",
                                        "security-token",
                                        "storage-class",
                                        "sdk-checksum-algorithm",
                                        "user-agent",
                                        "expected-bucket-owner",
                                        "checksum-algorithm"};
    for (size_t i = 0; i < request->header_count; i++) {
        const char *name = request->headers[i].name;
        if (strncasecmp(name, "x-amz-", 6) != 0 || !strncasecmp(name, "x-amz-meta-", 11) ||
            !strncasecmp(name, "x-amz-checksum-", 15))
            continue;
        size_t j = 0;
        while (j < MIR_NELEMS(known) && strcasecmp(known[j], name + 6) != 0)
            j++;
        if (j == MIR_NELEMS(known))
            return fc_refuse(refusal, 501, "NotImplemented",
                             "A header you provided implies functionality that is not "
                             "implemented: %.80s",
                             name);
    }
    return 0;
}

static ssize_t read_body(const struct fc_body *body, uint64_t at, void *out, size_t max)
{
    if (body->fd >= 0)
        return pread(body->fd, out, max, (off_t)at);
    size_t left = body->memory.len - (size_t)at;
    if (left < max)
        max = left;
    memcpy(out, body->memory.data + at, max);
    return (ssize_t)max;
}

/* CRC-32 (big-endian) or SHA-1 of the body, as base64. */
static void checksum(const struct fc_body *body, bool sha1, char out[64])
{
    unsigned char piece[16384], digest[EVP_MAX_MD_SIZE];
    unsigned len = 4;
    unsigned long crc = crc32(0, NULL, 0);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx || !EVP_DigestInit_ex(ctx, EVP_sha1(), NULL))
        mir_memory_out();
    for (uint64_t at = 0; at < body->len;) {
        ssize_t got = read_body(body, at, piece, sizeof piece);
        if (got <= 0)
            break;
        crc = crc32(crc, piece, (unsigned)got);
        EVP_DigestUpdate(ctx, piece, (size_t)got);
        at += (uint64_t)got;
    }
    if (sha1)
        EVP_DigestFinal_ex(ctx, digest, &len);
    else
        for (int i = 0; i < 4; i++)
            digest[i] = (unsigned char)(crc >> (24 - 8 * i));
    EVP_MD_CTX_free(ctx);
    EVP_EncodeBlock((unsigned char *)out, digest, (int)len);
}

static int bad_digest(struct fc_refusal *refusal, const char *what)
{
    return fc_refuse(refusal, 400, "BadDigest",
                     "The %s you specified did not match the calculated checksum.", what);
}

int fc_s3_check_body(struct fc_call *call, struct fc_refusal *refusal)
{
    const struct fc_request *request = call->request;
    const char *md5 = fc_request_header(request, "Content-MD5");
    const char *sha256 = fc_request_header(request, "x-amz-checksum-sha256");
    const char *crc = fc_request_header(request, "x-amz-checksum-crc32");
    const char *sha1 = fc_request_header(request, "x-amz-checksum-sha1");
    const char *encoding = fc_request_header(request, "Content-Encoding");
    char expected[64];
    if (check_headers(request, refusal))
        return -1;
    if (encoding && strstr(encoding, "aws-chunked"))
        return fc_refuse(refusal, 501, "NotImplemented", "aws-chunked bodies are not taken here");
    EVP_EncodeBlock((unsigned char *)expected, request->body.md5, 16);
    if (md5 && strlen(md5) != 24)
        return fc_refuse(refusal, 400, "InvalidDigest",
                         "The Content-MD5 you specified was invalid.");
    if (md5 && strcmp(md5, expected) != 0)
        return bad_digest(refusal, "Content-MD5");
    EVP_EncodeBlock((unsigned char *)expected, request->body.sha256, 32);
    if (sha256 && strcmp(sha256, expected) != 0)
        return bad_digest(refusal, "SHA256");
    if (crc) {
        checksum(&request->body, false, expected);
        if (strcmp(crc, expected) != 0)
            return bad_digest(refusal, "CRC32");
    }
    if (sha1) {
        checksum(&request->body, true, expected);
        if (strcmp(sha1, expected) != 0)
            return bad_digest(refusal, "SHA1");
    }
    return 0;
}

int fc_s3_check_acl(struct fc_call *call, struct fc_refusal *refusal)
{
    static const char *const canned[] = {
        "private",       "public-read",       "public-read-write",        "authenticated-read",
        "aws-exec-read", "bucket-owner-read", "bucket-owner-full-control"};
    const char *acl = fc_request_header(call->request, "x-amz-acl");
    const struct fc_object *bucket =
        fc_store_get(call->world->store, "bucket", "", call->segments[0]);
    size_t i = 0;
    if (!acl || !bucket)
        return 0;
    while (i < MIR_NELEMS(canned) && strcmp(canned[i], acl) != 0)
        i++;
    if (i == MIR_NELEMS(canned))
        return fc_refuse(refusal, 400, "InvalidArgument", "Invalid canned acl: %.40s", acl);
    if (!strcmp(fc_text_at(bucket->doc, "_ownership"), "BucketOwnerEnforced") &&
        strcmp(acl, "bucket-owner-full-control") != 0)
        return fc_refuse(refusal, 400, "AccessControlListNotSupported",
                         "The bucket does not allow ACLs");
    return 0;
}

json_t *fc_s3_properties(struct fc_call *call)
{
    const struct fc_request *request = call->request;
    const char *acl = fc_request_header(request, "x-amz-acl");
    const char *type = fc_request_header(request, "Content-Type");
    json_t *meta = json_object();
    for (size_t i = 0; i < request->header_count; i++) {
        const char *name = request->headers[i].name;
        if (strncasecmp(name, "x-amz-meta-", 11) != 0)
            continue;
        mir_auto_free char *lower = mir_strdup(name);
        for (char *p = lower; *p; p++)
            if (*p >= 'A' && *p <= 'Z')
                *p = (char)(*p - 'A' + 'a');
        json_object_set_new(meta, lower, json_string(request->headers[i].value));
    }
    return json_pack("{s:s,s:o,s:s}", "ContentType", type ? type : "binary/octet-stream", "_meta",
                     meta, "_acl", acl ? acl : "private");
}

/* --- put --- */

void fc_s3_put(struct fc_call *call, const char *etag, uint64_t size, json_t *properties,
               char *file)
{
    mir_auto_free char *id = mir_format("%s/%s", call->segments[0], call->segments[1]);
    struct fc_object *object = fc_store_get(call->world->store, "object", "", id);
    json_t *doc = json_pack("{s:s,s:o,s:s,s:I,s:s,s:s}", "Key", call->segments[1], "LastModified",
                            fc_time_json(call->now_ms), "ETag", etag, "Size", (json_int_t)size,
                            "StorageClass", "STANDARD", "_file", file);
    json_object_update(doc, properties);
    json_decref(properties);
    free(file);
    if (object) {
        fc_blob_drop(call->world, fc_text_at(object->doc, "_file"));
        json_t *there = fc_store_edit(call->world->store, object, call->now_ms, 0);
        json_object_clear(there);
        json_object_update(there, doc);
        json_decref(doc);
    } else {
        fc_store_add(call->world->store, "object", "", id, doc, &call->cause);
    }
}

int fc_s3_put_object(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *there, *bucket;
    struct fc_refusal absent;
    struct mir_error err = {0};
    char etag[40];
    const char *only_if = fc_request_header(call->request, "If-None-Match");
    if (fc_s3_bucket(call, &bucket, refusal) || fc_s3_check_acl(call, refusal) ||
        fc_s3_check_body(call, refusal))
        return -1;
    if (strlen(call->segments[1]) > FC_S3_KEY_MAX)
        return fc_refuse(refusal, 400, "KeyTooLongError", "Your key is too long");
    if (call->request->body.len > SINGLE_PUT_MAX)
        return fc_refuse(refusal, 400, "EntityTooLarge",
                         "Your proposed upload exceeds the maximum allowed size");
    if (only_if && !strcmp(only_if, "*") && !fc_s3_object(call, &there, &absent))
        return fc_refuse(refusal, 412, "PreconditionFailed",
                         "At least one of the pre-conditions you specified did not hold");
    char *file = fc_blob_keep(call->world, &call->request->body, &err);
    if (!file)
        return fc_refuse(refusal, 500, "InternalError", "%s", err.text);
    fc_s3_etag(call->request->body.md5, etag);
    fc_s3_put(call, etag, call->request->body.len, fc_s3_properties(call), file);
    call->reply->status = 200;
    fc_reply_header(call->reply, "ETag", "%s", etag);
    return 0;
}

/* --- get --- */

/* "-5": the last bytes. */
static int read_last(const char *text, uint64_t size, uint64_t *ret_from, uint64_t *ret_len)
{
    unsigned long long len = 0;
    int end = 0;
    if (sscanf(text, "-%llu%n", &len, &end) != 1 || text[end])
        return 0;
    if (len == 0 || size == 0)
        return -1;
    *ret_len = len < size ? len : size;
    *ret_from = size - *ret_len;
    return 1;
}

/* "bytes=0-9", "bytes=5-", "bytes=-5": 1 and the range; 0: the whole of it; -1: outside. */
static int read_range(const char *text, uint64_t size, uint64_t *ret_from, uint64_t *ret_len)
{
    unsigned long long from = 0, to = UINT64_MAX;
    int end = 0;
    if (!text || strncmp(text, "bytes=", 6) != 0 || strchr(text, ','))
        return 0;
    text += 6;
    if (*text == '-')
        return read_last(text, size, ret_from, ret_len);
    if (sscanf(text, "%llu-%n", &from, &end) != 1 || !end)
        return 0;
    const char *rest = text + end;
    end = 0;
    if (*rest && (sscanf(rest, "%llu%n", &to, &end) != 1 || rest[end] || to < from))
        return 0;
    if (from >= size)
        return -1;
    *ret_from = from;
    *ret_len = (to < size ? to + 1 : size) - from;
    return 1;
}

static void object_headers(struct fc_call *call, const struct fc_object *object)
{
    const char *name;
    json_t *value;
    const char *modified = fc_text_at(object->doc, "LastModified");
    char http[FC_HTTP_DATE_SIZE];
    int64_t modified_s = 0;
    mir_copy(call->reply->type, sizeof call->reply->type, fc_text_at(object->doc, "ContentType"));
    fc_reply_header(call->reply, "ETag", "%s", fc_text_at(object->doc, "ETag"));
    fc_reply_header(call->reply, "Accept-Ranges", "bytes");
    mir_time_parse(modified, &modified_s, NULL);
    fc_http_date(modified_s, http);
    fc_reply_header(call->reply, "Last-Modified", "%s", http);
    json_object_foreach(fc_at(object->doc, "_meta"), name, value)
    {
        if (call->reply->header_count < FC_REPLY_HEADERS_MAX)
            fc_reply_header(call->reply, name, "%s", json_string_value(value));
    }
}

static int serve_object(struct fc_call *call, struct fc_refusal *refusal)
{
    struct fc_object *object;
    struct fc_reply *reply = call->reply;
    if (fc_s3_object(call, &object, refusal))
        return -1;
    const char *match = fc_request_header(call->request, "If-Match");
    const char *none_match = fc_request_header(call->request, "If-None-Match");
    const char *etag = fc_text_at(object->doc, "ETag");
    uint64_t size = (uint64_t)json_integer_value(fc_at(object->doc, "Size")), from = 0, len = size;
    if (match && strcmp(match, etag) != 0)
        return fc_refuse(refusal, 412, "PreconditionFailed",
                         "At least one of the pre-conditions you specified did not hold");
    int ranged = read_range(fc_request_header(call->request, "Range"), size, &from, &len);
    if (ranged < 0)
        return fc_refuse(refusal, 416, "InvalidRange", "The requested range is not satisfiable");
    object_headers(call, object);
    if (none_match && !strcmp(none_match, etag)) {
        reply->status = 304;
        return 0;
    }
    reply->status = ranged ? 206 : 200;
    if (ranged)
        fc_reply_header(reply, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, from,
                        from + len - 1, size);
    reply->fd = fc_blob_open(call->world, fc_text_at(object->doc, "_file"));
    reply->offset = from;
    reply->len = len;
    return reply->fd >= 0 ? 0 : fc_refuse(refusal, 500, "InternalError", "the bytes are lost");
}

int fc_s3_get_object(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return serve_object(call, refusal);
}

int fc_s3_head_object(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return serve_object(call, refusal);
}

/* Also when there is none: that is what S3 says. */
int fc_s3_delete_object(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *object, *bucket;
    struct fc_refusal absent;
    if (fc_s3_bucket(call, &bucket, refusal))
        return -1;
    if (fc_s3_object(call, &object, &absent))
        return 0;
    fc_blob_drop(call->world, fc_text_at(object->doc, "_file"));
    fc_store_gone(call->world->store, object, &call->cause, 0);
    return 0;
}
