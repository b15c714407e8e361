/* SPDX-License-Identifier: ISC */
/* S3: which operation a request is, and buckets. */
#include "s3.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/memory.h"
#include "api/xml.h"
#include "ec2.h"

#define BODY_XML_MAX ((size_t)1 << 20)

/* --- which operation --- */

enum level { SERVICE = 0, BUCKET, OBJECT };

static const struct fc_operation operations[] = {
    {.name = "ListBuckets",
     .handle = fc_s3_list_buckets,
     .method = "GET",
     .action = "ListAllMyBuckets"},
    {.name = "CreateBucket", .handle = fc_s3_create_bucket, .method = "PUT", .flags = FC_OP_RAW},
    {.name = "HeadBucket",
     .handle = fc_s3_head_bucket,
     .method = "HEAD",
     .action = "ListBucket",
     .flags = FC_OP_RAW},
    {.name = "DeleteBucket", .handle = fc_s3_delete_bucket, .method = "DELETE", .status = 204},
    {.name = "GetBucketLocation",
     .handle = fc_s3_get_bucket_location,
     .method = "GET",
     .path = "location",
     .flags = FC_OP_RAW},
    {.name = "ListObjects", .handle = fc_s3_list_objects, .method = "GET", .action = "ListBucket"},
    {.name = "ListObjectsV2",
     .handle = fc_s3_list_objects_v2,
     .method = "GET",
     .path = "list-type",
     .action = "ListBucket"},
    {.name = "DeleteObjects",
     .handle = fc_s3_delete_objects,
     .method = "POST",
     .path = "delete",
     .action = "DeleteObject"},
    {.name = "ListMultipartUploads",
     .handle = fc_s3_list_multipart_uploads,
     .method = "GET",
     .path = "uploads",
     .action = "ListBucketMultipartUploads"},
    {.name = "PutObject", .handle = fc_s3_put_object, .method = "PUT", .flags = FC_OP_RAW},
    {.name = "GetObject", .handle = fc_s3_get_object, .method = "GET", .flags = FC_OP_RAW},
    {.name = "HeadObject",
     .handle = fc_s3_head_object,
     .method = "HEAD",
     .action = "GetObject",
     .flags = FC_OP_RAW},
    {.name = "DeleteObject", .handle = fc_s3_delete_object, .method = "DELETE", .status = 204},
    {.name = "CreateMultipartUpload",
     .handle = fc_s3_create_multipart_upload,
     .method = "POST",
     .path = "uploads",
     .action = "PutObject"},
    {.name = "UploadPart",
     .handle = fc_s3_upload_part,
     .method = "PUT",
     .path = "partNumber",
     .action = "PutObject",
     .flags = FC_OP_RAW},
    {.name = "CompleteMultipartUpload",
     .handle = fc_s3_complete_multipart_upload,
     .method = "POST",
     .path = "uploadId",
     .action = "PutObject"},
    {.name = "AbortMultipartUpload",
     .handle = fc_s3_abort_multipart_upload,
     .method = "DELETE",
     .path = "uploadId",
     .status = 204},
    {.name = "ListParts",
     .handle = fc_s3_list_parts,
     .method = "GET",
     .path = "uploadId",
     .action = "ListMultipartUploadParts"},
    {.name = NULL},
};

/* Where in the table the operations of each level stand: first, and one past the last. */
static const size_t spans[][2] = {[SERVICE] = {0, 1}, [BUCKET] = {1, 9}, [OBJECT] = {9, 18}};

const struct fc_service fc_service_s3 = {.name = "s3",
                                         .protocol = FC_PROTOCOL_S3,
                                         .xmlns = "http://s3.amazonaws.com/doc/2006-03-01/",
                                         .operations = operations};

/* Words of the query that make a request another one; those that are not in the table are refused
 * rather than taken for something else. */
static const char *const subresources[] = {
    "acl",         "cors",        "encryption", "lifecycle",      "logging",   "notification",
    "policy",      "replication", "tagging",    "versions",       "website",   "versioning",
    "object-lock", "retention",   "legal-hold", "requestPayment", "torrent",   "restore",
    "select",      "attributes",  "accelerate", "inventory",      "analytics", "metrics"};

static int check_subresource(const struct fc_request *request, struct fc_refusal *refusal)
{
    for (size_t i = 0; i < MIR_NELEMS(subresources); i++)
        if (fc_request_query(request, subresources[i]))
            return fc_refuse(refusal, 501, "NotImplemented",
                             "A header or query you provided implies functionality that is not "
                             "implemented: %s",
                             subresources[i]);
    return 0;
}

/* "bucket.s3.localhost:8000", "bucket.s3.us-west-2.localhost": the bucket, owned; else NULL. */
static char *bucket_of_host(const struct fc_request *request)
{
    const char *host = fc_request_header(request, "Host");
    const char *end = host ? strstr(host, ".s3.") : NULL;
    if (!end || end == host || !strstr(end, ".localhost"))
        return NULL;
    return mir_format("%.*s", (int)(end - host), host);
}

static void split_path(struct fc_call *call)
{
    const char *path = call->request->path + 1;
    call->segments[0] = bucket_of_host(call->request);
    if (!call->segments[0]) {
        size_t len = strcspn(path, "/");
        call->segments[0] = len ? mir_format("%.*s", (int)len, path) : NULL;
        path += len + (path[len] == '/');
    }
    call->segments[1] = *path && call->segments[0] ? mir_strdup(path) : NULL;
}

int fc_s3_identify(struct fc_call *call, struct fc_refusal *refusal)
{
    const struct fc_operation *plain = NULL;
    call->service = &fc_service_s3;
    split_path(call);
    enum level level = call->segments[1] ? OBJECT : call->segments[0] ? BUCKET : SERVICE;
    if (check_subresource(call->request, refusal))
        return -1;
    for (size_t i = spans[level][0]; i < spans[level][1]; i++) {
        const struct fc_operation *o = &operations[i];
        if (strcmp(o->method, call->request->method) != 0)
            continue;
        if (o->path && fc_request_query(call->request, o->path)) {
            call->operation = o;
            return 0;
        }
        if (!o->path)
            plain = o;
    }
    call->operation = plain;
    return plain ? 0
                 : fc_refuse(refusal, 405, "MethodNotAllowed",
                             "The specified method is not allowed against this resource.");
}

/* --- buckets --- */

int fc_s3_bucket(struct fc_call *call, struct fc_object **ret, struct fc_refusal *refusal)
{
    struct fc_object *bucket = fc_store_get(call->world->store, "bucket", "", call->segments[0]);
    if (!bucket)
        return fc_refuse(refusal, 404, "NoSuchBucket", "The specified bucket does not exist");
    const char *region = fc_text_at(bucket->doc, "Region");
    if (strcmp(region, call->region) != 0) {
        fc_reply_header(call->reply, "x-amz-bucket-region", "%s", region);
        return fc_refuse(refusal, 301, "PermanentRedirect",
                         "The bucket you are attempting to access must be addressed using the "
                         "specified endpoint. Please send all future requests to this endpoint: "
                         "s3.%s.amazonaws.com",
                         region);
    }
    *ret = bucket;
    return 0;
}

static bool is_bucket_name(const char *name)
{
    size_t len = strlen(name);
    return len >= 3 && len <= 63 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len &&
           strchr("-.", name[0]) == NULL && strchr("-.", name[len - 1]) == NULL &&
           !strstr(name, "..");
}

/* The region that the body asks for; "" for none. */
static int read_location(struct fc_call *call, char out[32], struct fc_refusal *refusal)
{
    const struct fc_body *body = &call->request->body;
    mir_copy(out, 32, "");
    if (!body->len)
        return 0;
    mir_auto_xml struct mir_xml *xml =
        body->fd < 0 ? mir_xml_parse(body->memory.data, body->memory.len, BODY_XML_MAX, NULL)
                     : NULL;
    if (!xml || strcmp(mir_xml_name(mir_xml_root(xml)), "CreateBucketConfiguration") != 0)
        return fc_refuse(refusal, 400, "MalformedXML",
                         "The XML you provided was not well-formed or did not validate");
    mir_copy(out, 32, mir_xml_get(mir_xml_root(xml), "LocationConstraint"));
    return 0;
}

static int check_create(struct fc_call *call, struct fc_refusal *refusal)
{
    char location[32];
    bool home = !strcmp(call->region, fc_regions[0]);
    if (!is_bucket_name(call->segments[0]))
        return fc_refuse(refusal, 400, "InvalidBucketName", "The specified bucket is not valid.");
    if (read_location(call, location, refusal))
        return -1;
    if (strcmp(location, home ? "" : call->region) != 0)
        return fc_refuse(refusal, 400,
                         home ? "InvalidLocationConstraint" : "IllegalLocationConstraintException",
                         "The %.30s location constraint is incompatible for the region specific "
                         "endpoint this request was sent to.",
                         *location ? location : "unspecified");
    const struct fc_object *there =
        fc_store_get(call->world->store, "bucket", "", call->segments[0]);
    if (there && !(home && !strcmp(fc_text_at(there->doc, "Region"), call->region)))
        return fc_refuse(refusal, 409, "BucketAlreadyOwnedByYou",
                         "Your previous request to create the named bucket succeeded and you "
                         "already own it.");
    return 0;
}

/* Whose objects are, and whether there are access control lists. Without a word there are none, as
 * of all buckets since 2023. */
static int read_ownership(struct fc_call *call, const char **ret, struct fc_refusal *refusal)
{
    static const char *const words[] = {"BucketOwnerEnforced", "BucketOwnerPreferred",
                                        "ObjectWriter"};
    const char *said = fc_request_header(call->request, "x-amz-object-ownership");
    for (size_t i = 0; i < MIR_NELEMS(words); i++)
        if (!said || !strcmp(said, words[i])) {
            *ret = words[i];
            return 0;
        }
    return fc_refuse(refusal, 400, "InvalidArgument",
                     "Invalid x-amz-object-ownership header: %.40s", said);
}

int fc_s3_create_bucket(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const char *ownership;
    if (check_create(call, refusal) || read_ownership(call, &ownership, refusal))
        return -1;
    if (!fc_store_get(call->world->store, "bucket", "", call->segments[0])) {
        json_t *doc =
            json_pack("{s:s,s:o,s:s,s:s}", "Name", call->segments[0], "CreationDate",
                      fc_time_json(call->now_ms), "Region", call->region, "_ownership", ownership);
        fc_store_add(call->world->store, "bucket", "", call->segments[0], doc, &call->cause);
    }
    call->reply->status = 200;
    fc_reply_header(call->reply, "Location", "/%s", call->segments[0]);
    return 0;
}

int fc_s3_head_bucket(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *bucket;
    if (fc_s3_bucket(call, &bucket, refusal))
        return -1;
    call->reply->status = 200;
    fc_reply_header(call->reply, "x-amz-bucket-region", "%s", call->region);
    return 0;
}

int fc_s3_get_bucket_location(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *bucket;
    if (fc_s3_bucket(call, &bucket, refusal))
        return -1;
    call->reply->status = 200;
    mir_copy(call->reply->type, sizeof call->reply->type, "application/xml");
    mir_buf_addf(&call->reply->body,
                 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                 "<LocationConstraint xmlns=\"%s\">%s</LocationConstraint>",
                 call->service->xmlns, strcmp(call->region, fc_regions[0]) ? call->region : "");
    return 0;
}

static bool has_objects(const struct fc_world *world, const char *bucket)
{
    size_t len = strlen(bucket);
    for (struct fc_object *o = NULL; (o = fc_store_each(world->store, o, "object", NULL));)
        if (!strncmp(o->id, bucket, len) && o->id[len] == '/')
            return true;
    return false;
}

int fc_s3_delete_bucket(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *bucket;
    if (fc_s3_bucket(call, &bucket, refusal))
        return -1;
    if (has_objects(call->world, bucket->id))
        return fc_refuse(refusal, 409, "BucketNotEmpty",
                         "The bucket you tried to delete is not empty");
    fc_store_gone(call->world->store, bucket, &call->cause, 0);
    return 0;
}

int fc_s3_list_buckets(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    json_t *rows = json_array();
    for (struct fc_object *o = NULL; (o = fc_store_each(call->world->store, o, "bucket", NULL));)
        json_array_append_new(rows, json_pack("{s:s,s:O}", "Name", o->id, "CreationDate",
                                              fc_at(o->doc, "CreationDate")));
    *ret_reply =
        json_pack("{s:s,s:{s:s,s:s},s:{s:o}}", "_root", "ListAllMyBucketsResult", "Owner", "ID",
                  call->world->account.id, "DisplayName", "fakecloud", "Buckets", "Bucket", rows);
    return 0;
}
