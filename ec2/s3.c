/* SPDX-License-Identifier: ISC */
#include "ec2/s3.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "s3_call.h"

#define PAGE_TEXT "1000"
#define PAGES_MAX 100000
#define TOKEN_MAX 2048
#define ERROR_MAX 65536

/* --- buckets --- */

int ec2_s3_create_bucket(struct ec2_session *session, const struct ec2_s3_object *bucket,
                         int64_t until_ms, struct mir_error *err)
{
    return ec2_s3_create_bucket_as(session, bucket, NULL, until_ms, err);
}

int ec2_s3_create_bucket_as(struct ec2_session *session, const struct ec2_s3_object *bucket,
                            const char *ownership, int64_t until_ms, struct mir_error *err)
{
    struct ec2_s3_object whole = {bucket->bucket, NULL, bucket->style};
    ec2_auto_s3_call struct ec2_s3_call s3 = {0};
    mir_auto_free char *text = NULL;
    const char *region = ec2_session_region(session);
    struct mir_error why = {0};
    if (ec2_s3_call_init(&s3, session, "CreateBucket", "PUT", &whole, err))
        return -1;
    if (strcmp(region, "us-east-1") != 0) /* which must not be said */
        text = mir_format("<CreateBucketConfiguration xmlns=\"" EC2_S3_NAMESPACE
                          "\"><LocationConstraint>%s</LocationConstraint>"
                          "</CreateBucketConfiguration>",
                          region);
    if (ownership)
        ec2_s3_call_header(&s3, "x-amz-object-ownership", ownership);
    struct ec2_s3_body body = {
        .data = text, .len = text ? strlen(text) : 0, .content_type = text ? "text/xml" : NULL};
    if (ec2_s3_call_body(&s3, &body, err))
        return -1;
    if (!ec2_s3_call_do(&s3, session, NULL, until_ms, NULL, &why) ||
        !strcmp(why.provider_code, "BucketAlreadyOwnedByYou"))
        return 0;
    if (err)
        *err = why;
    return -1;
}

/* A deletion that finds nothing has done its work. */
static int delete_at(struct ec2_session *session, const struct ec2_s3_object *object,
                     const char *operation, int64_t until_ms, struct mir_error *err)
{
    ec2_auto_s3_call struct ec2_s3_call s3 = {0};
    struct mir_error why = {0};
    if (ec2_s3_call_init(&s3, session, operation, "DELETE", object, err))
        return -1;
    if (!ec2_s3_call_do(&s3, session, NULL, until_ms, NULL, &why) || ec2_s3_absent(&why))
        return 0;
    if (err)
        *err = why;
    return -1;
}

int ec2_s3_delete_bucket(struct ec2_session *session, const struct ec2_s3_object *bucket,
                         int64_t until_ms, struct mir_error *err)
{
    struct ec2_s3_object whole = {bucket->bucket, NULL, bucket->style};
    return delete_at(session, &whole, "DeleteBucket", until_ms, err);
}

/* --- listing --- */

static const struct mir_field entry_fields[] = {
    MIR_MUST(struct ec2_s3_entry, key, "Key", MIR_GET_OWNED),
    MIR_ROW(struct ec2_s3_entry, size, "Size", MIR_GET_NUMBER),
    MIR_ROW(struct ec2_s3_entry, modified_s, "LastModified", MIR_GET_TIME),
    MIR_ROW(struct ec2_s3_entry, etag, "ETag", MIR_GET_CUT),
};
static const struct mir_table entry_table = MIR_TABLE(struct ec2_s3_entry, entry_fields);

static const struct mir_field list_fields[] = {
    MIR_MANY(struct ec2_s3_list, rows, count, "Contents", MIR_GET_LIST, &entry_table),
};
static const struct mir_table list_table = MIR_TABLE(struct ec2_s3_list, list_fields);

void ec2_s3_list_clear(struct ec2_s3_list *list)
{
    mir_record_clear(&list_table, list);
}

/* Keys come encoded, because XML cannot hold all of them; ETags in quotes. */
static void tidy(struct ec2_s3_list *list, size_t from, bool encoded)
{
    for (size_t i = from; i < list->count; i++) {
        struct ec2_s3_entry *e = &list->rows[i];
        size_t len = strlen(e->etag);
        if (encoded)
            ec2_s3_decode(e->key);
        if (len >= 2 && e->etag[0] == '"' && e->etag[len - 1] == '"') {
            memmove(e->etag, e->etag + 1, len - 2);
            e->etag[len - 2] = '\0';
        }
    }
}

/* One page; *token is of this one before, of the next afterwards, "" when there is none. */
static int list_page(struct ec2_session *session, const struct ec2_s3_object *bucket,
                     const char *prefix, char token[TOKEN_MAX], int64_t until_ms,
                     struct ec2_s3_list *all, struct mir_error *err)
{
    ec2_auto_s3_call struct ec2_s3_call s3 = {0};
    struct ec2_pair query[] = {{"list-type", "2"},
                               {"encoding-type", "url"},
                               {"max-keys", PAGE_TEXT},
                               {"prefix", prefix ? prefix : ""},
                               {"continuation-token", token}};
    if (ec2_s3_call_init(&s3, session, "ListObjectsV2", "GET", bucket, err))
        return -1;
    s3.call.query = query;
    s3.call.query_count = MIR_NELEMS(query) - !*token;
    if (ec2_s3_call_do(&s3, session, "ListBucketResult", until_ms, NULL, err))
        return -1;
    const struct mir_xml_node *root = mir_xml_root(s3.xml);
    size_t from = all->count;
    if (mir_xml_read(&list_table, root, all, err))
        return -1;
    tidy(all, from, !strcmp(mir_xml_get(root, "EncodingType"), "url"));
    const char *next = mir_xml_get(root, "NextContinuationToken");
    if (strcmp(mir_xml_get(root, "IsTruncated"), "true") != 0)
        next = "";
    else if (!*next || !strcmp(next, token))
        return mir_fail(err, MIR_CORRUPT, "the list of objects has no end");
    if (mir_copy(token, TOKEN_MAX, next))
        return mir_fail(err, MIR_CORRUPT, "the token of the next page is too long");
    return 0;
}

int ec2_s3_list_objects(struct ec2_session *session, const struct ec2_s3_object *bucket,
                        const char *prefix, int64_t until_ms, struct ec2_s3_list *ret,
                        struct mir_error *err)
{
    struct ec2_s3_object whole = {bucket->bucket, NULL, bucket->style};
    struct ec2_s3_list all = {0};
    char token[TOKEN_MAX] = "";
    int rc, pages = 0;
    do
        rc = ++pages > PAGES_MAX ? mir_fail(err, MIR_CORRUPT, "the list of objects has no end")
                                 : list_page(session, &whole, prefix, token, until_ms, &all, err);
    while (!rc && *token);
    if (rc) {
        ec2_s3_list_clear(&all);
        return -1;
    }
    ec2_s3_list_clear(ret);
    *ret = all;
    return 0;
}

/* --- objects --- */

int ec2_s3_put(struct ec2_session *session, const struct ec2_s3_object *object,
               const struct ec2_s3_body *body, int64_t until_ms, char ret_etag[EC2_S3_ETAG_TEXT],
               struct mir_error *err)
{
    ec2_auto_s3_call struct ec2_s3_call s3 = {0};
    mir_auto_http_response struct mir_http_response response = {0};
    if (ec2_s3_call_init(&s3, session, "PutObject", "PUT", object, err) ||
        ec2_s3_call_body(&s3, body, err) ||
        ec2_s3_call_do(&s3, session, NULL, until_ms, &response, err))
        return -1;
    if (ret_etag)
        ec2_s3_etag_of(&response, ret_etag);
    return 0;
}

int ec2_s3_get(struct ec2_session *session, const struct ec2_s3_object *object, uint64_t offset,
               uint64_t len, int64_t until_ms, struct mir_buf *ret, struct mir_error *err)
{
    ec2_auto_s3_call struct ec2_s3_call s3 = {0};
    mir_auto_http_response struct mir_http_response response = {0};
    char range[64] = "";
    if (ec2_s3_call_init(&s3, session, "GetObject", "GET", object, err))
        return -1;
    if (len > 0)
        snprintf(range, sizeof range, "bytes=%" PRIu64 "-%" PRIu64, offset, offset + len - 1);
    else if (offset > 0)
        snprintf(range, sizeof range, "bytes=%" PRIu64 "-", offset);
    if (*range)
        ec2_s3_call_header(&s3, "Range", range);
    size_t room = ret->max - ret->len;
    s3.call.reply_max = room > ERROR_MAX ? room : ERROR_MAX; /* an error has to fit, too */
    if (ec2_s3_call_do(&s3, session, NULL, until_ms, &response, err))
        return -1;
    if (*range && response.status != 206)
        return mir_fail(err, MIR_CORRUPT, "s3 GetObject: asked for a part, and all of it came");
    if (mir_buf_add(ret, mir_buf_text(&response.body), response.body.len))
        return mir_fail(err, MIR_CORRUPT, "s3 GetObject: the object is larger than it may be");
    return 0;
}

/* Its answers have no body, so a refusal is known by the request id alone to be S3's own. */
static void read_head_error(struct mir_error *err)
{
    bool absent = err->http_status == 404, denied = err->http_status == 403;
    if ((!absent && !denied) || *err->provider_code || !*err->request_id)
        return;
    err->kind = absent ? MIR_NOT_FOUND : MIR_CREDENTIALS;
    err->retry = MIR_RETRY_NEVER;
    err->outcome = MIR_DID_NOT_HAPPEN;
    if (!denied)
        return;
    mir_copy(err->text, sizeof err->text, "s3 HeadObject: refused; it goes by s3:GetObject");
    mir_error_hint(err, "`mirage-deploy doctor ec2 --print-policy` prints what has to be allowed");
}

int ec2_s3_head(struct ec2_session *session, const struct ec2_s3_object *object, int64_t until_ms,
                struct ec2_s3_head *ret, struct mir_error *err)
{
    ec2_auto_s3_call struct ec2_s3_call s3 = {0};
    struct mir_http_response response = {0};
    struct mir_error why = {0};
    char text[64];
    if (ec2_s3_call_init(&s3, session, "HeadObject", "HEAD", object, err))
        return -1;
    if (ec2_s3_call_do(&s3, session, NULL, until_ms, &response, &why)) {
        read_head_error(&why);
        if (err)
            *err = why;
        return -1;
    }
    struct ec2_s3_head head = {0};
    if (!mir_http_response_header(&response, "Content-Length", text, sizeof text))
        head.size = strtoll(text, NULL, 10);
    if (!mir_http_response_header(&response, "Last-Modified", text, sizeof text))
        mir_time_parse_http(text, &head.modified_s);
    ec2_s3_etag_of(&response, head.etag);
    head.headers = response.headers;
    response.headers = (struct mir_buf){0};
    mir_http_response_clear(&response);
    *ret = head;
    return 0;
}

void ec2_s3_head_clear(struct ec2_s3_head *head)
{
    mir_buf_clear(&head->headers);
    *head = (struct ec2_s3_head){0};
}

int ec2_s3_metadata(const struct ec2_s3_head *head, const char *name, char *out, size_t size)
{
    mir_auto_free char *header = mir_format("x-amz-meta-%s", name);
    struct mir_http_response response = {.headers = head->headers};
    return mir_http_response_header(&response, header, out, size);
}

int ec2_s3_delete(struct ec2_session *session, const struct ec2_s3_object *object, int64_t until_ms,
                  struct mir_error *err)
{
    if (!object->key)
        return mir_fail(err, MIR_USAGE, "a key has to have 1 to %d bytes", EC2_S3_KEY_MAX);
    return delete_at(session, object, "DeleteObject", until_ms, err);
}
