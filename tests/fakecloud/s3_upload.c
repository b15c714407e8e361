/* SPDX-License-Identifier: ISC */
/* S3: objects in parts. An upload that is begun is there, and paid for, until it is completed or
 * aborted. */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/id.h"
#include "api/memory.h"
#include "api/xml.h"
#include "blob.h"
#include "ec2.h"
#include "s3.h"

#define PARTS_MAX 10000
#define PART_MIN_BYTES ((json_int_t)5 << 20)
#define XML_MAX ((size_t)4 << 20)

int fc_s3_create_multipart_upload(struct fc_call *call, json_t **ret_reply,
                                  struct fc_refusal *refusal)
{
    struct fc_object *bucket;
    char id[MIR_ID_TEXT];
    if (fc_s3_bucket(call, &bucket, refusal) || fc_s3_check_acl(call, refusal))
        return -1;
    if (strlen(call->segments[1]) > FC_S3_KEY_MAX)
        return fc_refuse(refusal, 400, "KeyTooLongError", "Your key is too long");
    mir_id_new(mir_random_system(), id);
    json_t *doc = json_pack("{s:s,s:s,s:o,s:{},s:o}", "Key", call->segments[1], "_bucket",
                            bucket->id, "Initiated", fc_time_json(call->now_ms), "_parts",
                            "_properties", fc_s3_properties(call));
    fc_store_add(call->world->store, "upload", "", id, doc, &call->cause);
    *ret_reply = json_pack("{s:s,s:s,s:s,s:s}", "_root", "InitiateMultipartUploadResult", "Bucket",
                           bucket->id, "Key", call->segments[1], "UploadId", id);
    return 0;
}

static int find_upload(struct fc_call *call, struct fc_object **ret, struct fc_refusal *refusal)
{
    struct fc_object *bucket;
    const char *id = fc_request_query(call->request, "uploadId");
    if (fc_s3_bucket(call, &bucket, refusal))
        return -1;
    struct fc_object *upload = id ? fc_store_get(call->world->store, "upload", "", id) : NULL;
    if (!upload || strcmp(fc_text_at(upload->doc, "Key"), call->segments[1]) != 0 ||
        strcmp(fc_text_at(upload->doc, "_bucket"), bucket->id) != 0)
        return fc_refuse(refusal, 404, "NoSuchUpload",
                         "The specified upload does not exist. The upload ID may be invalid, or "
                         "the upload may have been aborted or completed.");
    *ret = upload;
    return 0;
}

int fc_s3_upload_part(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *upload;
    struct mir_error err = {0};
    char etag[40], *end = NULL;
    const char *number = fc_request_query(call->request, "partNumber");
    long part = strtol(number, &end, 10);
    if (*end || end == number || part < 1 || part > PARTS_MAX)
        return fc_refuse(refusal, 400, "InvalidArgument",
                         "Part number must be an integer between 1 and 10000, inclusive");
    if (find_upload(call, &upload, refusal) || fc_s3_check_body(call, refusal))
        return -1;
    mir_auto_free char *file = fc_blob_keep(call->world, &call->request->body, &err);
    mir_auto_free char *name = mir_format("%05ld", part);
    if (!file)
        return fc_refuse(refusal, 500, "InternalError", "%s", err.text);
    fc_s3_etag(call->request->body.md5, etag);
    json_t *parts = fc_at(fc_store_edit(call->world->store, upload, call->now_ms, 0), "_parts");
    const char *before = fc_text_at(json_object_get(parts, name), "_file");
    if (*before)
        fc_blob_drop(call->world, before);
    json_object_set_new(parts, name,
                        json_pack("{s:i,s:s,s:I,s:o,s:s}", "PartNumber", (int)part, "ETag", etag,
                                  "Size", (json_int_t)call->request->body.len, "LastModified",
                                  fc_time_json(call->now_ms), "_file", file));
    call->reply->status = 200;
    fc_reply_header(call->reply, "ETag", "%s", etag);
    return 0;
}

/* --- complete --- */

struct whole {
    json_t *files; /* of the parts named, in their order */
    json_int_t size;
    EVP_MD_CTX *md5; /* of their MD5s */
    long count;
};

static int malformed(struct fc_refusal *refusal)
{
    return fc_refuse(refusal, 400, "MalformedXML",
                     "The XML you provided was not well-formed or did not validate");
}

static int check_order(const struct mir_xml_node *root, struct fc_refusal *refusal)
{
    long before = 0;
    for (const struct mir_xml_node *node = mir_xml_first(root, "Part"); node;
         node = mir_xml_next(node, "Part")) {
        const char *number = mir_xml_get(node, "PartNumber");
        char *end = NULL;
        long part = strtol(number, &end, 10);
        if (end == number || *end)
            return malformed(refusal);
        if (part <= before)
            return fc_refuse(refusal, 400, "InvalidPartOrder",
                             "The list of parts was not in ascending order.");
        before = part;
    }
    return 0;
}

static int add_part(const struct mir_xml_node *node, const json_t *parts, bool last,
                    struct whole *whole, struct fc_refusal *refusal)
{
    const char *etag = mir_xml_get(node, "ETag");
    mir_auto_free char *name =
        mir_format("%05ld", strtol(mir_xml_get(node, "PartNumber"), NULL, 10));
    const json_t *there = json_object_get(parts, name);
    const char *own = fc_text_at(there, "ETag"); /* in quotes, which a client may leave out */
    bool same = !strcmp(own, etag) ||
                (strlen(own) == strlen(etag) + 2 && !strncmp(own + 1, etag, strlen(etag)));
    if (!there || !*etag || !same)
        return fc_refuse(refusal, 400, "InvalidPart",
                         "One or more of the specified parts could not be found.");
    json_int_t size = json_integer_value(fc_at(there, "Size"));
    if (!last && size < PART_MIN_BYTES)
        return fc_refuse(refusal, 400, "EntityTooSmall",
                         "Your proposed upload is smaller than the minimum allowed size");
    for (size_t i = 0; i < 16; i++) {
        unsigned byte = 0;
        unsigned char octet;
        sscanf(own + 1 + 2 * i, "%2x", &byte);
        octet = (unsigned char)byte;
        EVP_DigestUpdate(whole->md5, &octet, 1);
    }
    json_array_append(whole->files, fc_at(there, "_file")); /* of the parts, in their order */
    whole->size += size;
    whole->count++;
    return 0;
}

static int read_parts(struct fc_call *call, const struct fc_object *upload, struct whole *whole,
                      struct fc_refusal *refusal)
{
    const struct fc_body *body = &call->request->body;
    mir_auto_xml struct mir_xml *xml =
        body->fd < 0 ? mir_xml_parse(mir_buf_text(&body->memory), body->memory.len, XML_MAX, NULL)
                     : NULL;
    const struct mir_xml_node *root = xml ? mir_xml_root(xml) : NULL;
    const struct mir_xml_node *part = mir_xml_first(root, "Part");
    if (!root || strcmp(mir_xml_name(root), "CompleteMultipartUpload") != 0 || !part)
        return malformed(refusal);
    if (check_order(root, refusal))
        return -1;
    while (part) {
        const struct mir_xml_node *next = mir_xml_next(part, "Part");
        if (add_part(part, fc_at(upload->doc, "_parts"), !next, whole, refusal))
            return -1;
        part = next;
    }
    return 0;
}

static void drop_upload(struct fc_call *call, struct fc_object *upload)
{
    const char *name;
    json_t *part;
    json_object_foreach(fc_at(upload->doc, "_parts"), name, part)
    {
        fc_blob_drop(call->world, fc_text_at(part, "_file"));
    }
    fc_store_gone(call->world->store, upload, &call->cause, 0);
}

static int join(struct fc_call *call, struct fc_object *upload, struct whole *whole,
                json_t **ret_reply, struct fc_refusal *refusal)
{
    unsigned char digest[16];
    char hex[33], etag[48];
    struct mir_error err = {0};
    char *file = fc_blob_join(call->world, whole->files, &err);
    if (!file)
        return fc_refuse(refusal, 500, "InternalError", "%s", err.text);
    EVP_DigestFinal_ex(whole->md5, digest, NULL);
    mir_hex(digest, sizeof digest, hex);
    snprintf(etag, sizeof etag, "\"%s-%ld\"", hex, whole->count);
    fc_s3_put(call, etag, (uint64_t)whole->size, json_incref(fc_at(upload->doc, "_properties")),
              file);
    drop_upload(call, upload);
    *ret_reply =
        json_pack("{s:s,s:o,s:s,s:s,s:s}", "_root", "CompleteMultipartUploadResult", "Location",
                  json_sprintf("http://%s/%s/%s", fc_request_header(call->request, "Host"),
                               call->segments[0], call->segments[1]),
                  "Bucket", call->segments[0], "Key", call->segments[1], "ETag", etag);
    return 0;
}

int fc_s3_complete_multipart_upload(struct fc_call *call, json_t **ret_reply,
                                    struct fc_refusal *refusal)
{
    struct fc_object *upload;
    if (find_upload(call, &upload, refusal))
        return -1;
    struct whole whole = {.files = json_array(), .md5 = EVP_MD_CTX_new()};
    if (!whole.md5 || !EVP_DigestInit_ex(whole.md5, EVP_md5(), NULL))
        mir_memory_out();
    int rc = read_parts(call, upload, &whole, refusal);
    if (!rc)
        rc = join(call, upload, &whole, ret_reply, refusal);
    json_decref(whole.files);
    EVP_MD_CTX_free(whole.md5);
    return rc;
}

int fc_s3_abort_multipart_upload(struct fc_call *call, json_t **ret_reply,
                                 struct fc_refusal *refusal)
{
    struct fc_object *upload;
    if (find_upload(call, &upload, refusal))
        return -1;
    drop_upload(call, upload);
    return 0;
}

/* --- lists --- */

static json_t *shown_part(const json_t *part)
{
    return json_pack("{s:O,s:O,s:O,s:O}", "PartNumber", fc_at(part, "PartNumber"), "LastModified",
                     fc_at(part, "LastModified"), "ETag", fc_at(part, "ETag"), "Size",
                     fc_at(part, "Size"));
}

int fc_s3_list_parts(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *upload;
    if (find_upload(call, &upload, refusal))
        return -1;
    const char *marker = fc_request_query(call->request, "part-number-marker");
    const char *max_text = fc_request_query(call->request, "max-parts");
    long after = marker ? strtol(marker, NULL, 10) : 0;
    size_t max = max_text ? (size_t)strtoul(max_text, NULL, 10) : 1000;
    json_t *rows = json_array();
    bool truncated = false;
    for (long n = after + 1; n <= PARTS_MAX; n++) {
        mir_auto_free char *name = mir_format("%05ld", n);
        const json_t *part = json_object_get(fc_at(upload->doc, "_parts"), name);
        if (part && json_array_size(rows) == max) {
            truncated = true;
            break;
        }
        if (part)
            json_array_append_new(rows, shown_part(part));
    }
    const json_t *last = json_array_get(rows, json_array_size(rows) - 1);
    *ret_reply =
        json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:b,s:o,s:s}", "_root", "ListPartsResult", "Bucket",
                  call->segments[0], "Key", call->segments[1], "UploadId", upload->id,
                  "PartNumberMarker", (json_int_t)after, "MaxParts", (json_int_t)max, "IsTruncated",
                  (int)truncated, "Part", rows, "StorageClass", "STANDARD");
    if (truncated && last)
        json_object_set(*ret_reply, "NextPartNumberMarker", fc_at(last, "PartNumber"));
    return 0;
}

int fc_s3_list_multipart_uploads(struct fc_call *call, json_t **ret_reply,
                                 struct fc_refusal *refusal)
{
    struct fc_object *bucket;
    const char *prefix = fc_request_query(call->request, "prefix");
    if (fc_s3_bucket(call, &bucket, refusal))
        return -1;
    json_t *rows = json_array();
    for (struct fc_object *o = NULL; (o = fc_store_each(call->world->store, o, "upload", NULL));) {
        const char *key = fc_text_at(o->doc, "Key");
        if (strcmp(fc_text_at(o->doc, "_bucket"), bucket->id) != 0 ||
            (prefix && strncmp(key, prefix, strlen(prefix)) != 0))
            continue;
        json_array_append_new(rows, json_pack("{s:s,s:s,s:O,s:s}", "Key", key, "UploadId", o->id,
                                              "Initiated", fc_at(o->doc, "Initiated"),
                                              "StorageClass", "STANDARD"));
    }
    *ret_reply = json_pack("{s:s,s:s,s:b,s:o}", "_root", "ListMultipartUploadsResult", "Bucket",
                           bucket->id, "IsTruncated", 0, "Upload", rows);
    return 0;
}
