/* SPDX-License-Identifier: ISC */
/* Objects that are put in parts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/id.h"
#include "api/memory.h"
#include "s3_call.h"

#define PART_DEFAULT ((size_t)8 << 20)
#define PAGES_MAX 10000
#define ABORT_MS 30000       /* for putting away what failed, beyond the deadline if need be */
#define MARK "mirage-upload" /* metadata by which a completed object is known again */

int ec2_s3_begin(struct ec2_session *session, const struct ec2_s3_object *object,
                 const struct ec2_s3_body *body, int64_t until_ms,
                 char ret_upload_id[EC2_S3_UPLOAD_ID_TEXT], struct mir_error *err)
{
    ec2_auto_s3_call struct ec2_s3_call s3 = {0};
    struct ec2_pair query[] = {{"uploads", NULL}};
    struct ec2_s3_body empty = {.content_type = body->content_type ? body->content_type
                                                                   : "application/octet-stream",
                                .metadata = body->metadata,
                                .metadata_count = body->metadata_count};
    if (ec2_s3_call_init(&s3, session, "CreateMultipartUpload", "POST", object, err) ||
        ec2_s3_call_body(&s3, &empty, err))
        return -1;
    s3.call.query = query;
    s3.call.query_count = 1;
    if (ec2_s3_call_do(&s3, session, "InitiateMultipartUploadResult", until_ms, NULL, err))
        return -1;
    const char *id = mir_xml_get(mir_xml_root(s3.xml), "UploadId");
    if (!*id || mir_copy(ret_upload_id, EC2_S3_UPLOAD_ID_TEXT, id)) {
        mir_fail(err, MIR_CORRUPT, "s3 CreateMultipartUpload: no id that could be used");
        if (err)
            err->outcome = MIR_HAPPENED;
        return -1;
    }
    return 0;
}

int ec2_s3_put_part(struct ec2_session *session, const struct ec2_s3_object *object,
                    const char *upload_id, unsigned number, const struct ec2_s3_body *body,
                    int64_t until_ms, char ret_etag[EC2_S3_ETAG_TEXT], struct mir_error *err)
{
    ec2_auto_s3_call struct ec2_s3_call s3 = {0};
    mir_auto_http_response struct mir_http_response response = {0};
    char text[16];
    snprintf(text, sizeof text, "%u", number);
    struct ec2_pair query[] = {{"partNumber", text}, {"uploadId", upload_id}};
    struct ec2_s3_body plain = {.data = body->data, .len = body->len, .sha256 = body->sha256};
    if (number < 1 || number > EC2_S3_PARTS_MAX)
        return mir_fail(err, MIR_USAGE, "an object has parts 1 to %d", EC2_S3_PARTS_MAX);
    if (ec2_s3_call_init(&s3, session, "UploadPart", "PUT", object, err) ||
        ec2_s3_call_body(&s3, &plain, err))
        return -1;
    s3.call.query = query;
    s3.call.query_count = MIR_NELEMS(query);
    if (ec2_s3_call_do(&s3, session, NULL, until_ms, &response, err))
        return -1;
    char etag[EC2_S3_ETAG_TEXT];
    ec2_s3_etag_of(&response, etag);
    if (!*etag)
        return mir_fail(err, MIR_CORRUPT, "s3 UploadPart: the answer has no ETag");
    mir_copy(ret_etag, EC2_S3_ETAG_TEXT, etag);
    return 0;
}

/* The list of parts, owned. */
static char *complete_text(const struct ec2_s3_part *parts, size_t count)
{
    struct mir_buf text;
    mir_buf_init(&text, (size_t)4 << 20);
    mir_buf_adds(&text, "<CompleteMultipartUpload xmlns=\"" EC2_S3_NAMESPACE "\">");
    for (size_t i = 0; i < count; i++) {
        char etag[EC2_S3_ETAG_TEXT + 2];
        snprintf(etag, sizeof etag, "\"%s\"", parts[i].etag);
        mir_buf_addf(&text, "<Part><PartNumber>%u</PartNumber>", parts[i].number);
        ec2_s3_xml_text(&text, "ETag", etag);
        mir_buf_adds(&text, "</Part>");
    }
    mir_buf_adds(&text, "</CompleteMultipartUpload>");
    return mir_buf_take(&text);
}

int ec2_s3_complete(struct ec2_session *session, const struct ec2_s3_object *object,
                    const char *upload_id, const struct ec2_s3_part *parts, size_t count,
                    int64_t until_ms, struct mir_error *err)
{
    ec2_auto_s3_call struct ec2_s3_call s3 = {0};
    struct ec2_pair query[] = {{"uploadId", upload_id}};
    mir_auto_free char *text = complete_text(parts, count);
    struct ec2_s3_body body = {.data = text, .len = strlen(text), .content_type = "text/xml"};
    if (ec2_s3_call_init(&s3, session, "CompleteMultipartUpload", "POST", object, err) ||
        ec2_s3_call_body(&s3, &body, err))
        return -1;
    s3.call.query = query;
    s3.call.query_count = 1;
    return ec2_s3_call_do(&s3, session, "CompleteMultipartUploadResult", until_ms, NULL, err);
}

int ec2_s3_abort(struct ec2_session *session, const struct ec2_s3_object *object,
                 const char *upload_id, int64_t until_ms, struct mir_error *err)
{
    ec2_auto_s3_call struct ec2_s3_call s3 = {0};
    struct ec2_pair query[] = {{"uploadId", upload_id}};
    struct mir_error why = {0};
    if (ec2_s3_call_init(&s3, session, "AbortMultipartUpload", "DELETE", object, err))
        return -1;
    s3.call.query = query;
    s3.call.query_count = 1;
    if (!ec2_s3_call_do(&s3, session, NULL, until_ms, NULL, &why) || ec2_s3_absent(&why))
        return 0;
    if (err)
        *err = why;
    return -1;
}

/* --- listing --- */

static const struct mir_field upload_fields[] = {
    MIR_MUST(struct ec2_s3_upload, key, "Key", MIR_GET_OWNED),
    MIR_MUST(struct ec2_s3_upload, id, "UploadId", MIR_GET_OWNED),
    MIR_ROW(struct ec2_s3_upload, begun_s, "Initiated", MIR_GET_TIME),
};
static const struct mir_table upload_table = MIR_TABLE(struct ec2_s3_upload, upload_fields);

static const struct mir_field uploads_fields[] = {
    MIR_MANY(struct ec2_s3_uploads, rows, count, "Upload", MIR_GET_LIST, &upload_table),
};
static const struct mir_table uploads_table = MIR_TABLE(struct ec2_s3_uploads, uploads_fields);

void ec2_s3_uploads_clear(struct ec2_s3_uploads *uploads)
{
    mir_record_clear(&uploads_table, uploads);
}

/* Where a page begins; both owned, NULL for the first. */
struct marker {
    char *key, *id;
};

static int list_page(struct ec2_session *session, const struct ec2_s3_object *bucket,
                     const char *prefix, struct marker *at, int64_t until_ms,
                     struct ec2_s3_uploads *all, struct mir_error *err)
{
    ec2_auto_s3_call struct ec2_s3_call s3 = {0};
    struct ec2_pair query[] = {{"uploads", NULL},
                               {"encoding-type", "url"},
                               {"prefix", prefix ? prefix : ""},
                               {"key-marker", at->key},
                               {"upload-id-marker", at->id}};
    if (ec2_s3_call_init(&s3, session, "ListMultipartUploads", "GET", bucket, err))
        return -1;
    s3.call.query = query;
    s3.call.query_count = at->key ? 5 : 3;
    if (ec2_s3_call_do(&s3, session, "ListMultipartUploadsResult", until_ms, NULL, err))
        return -1;
    const struct mir_xml_node *root = mir_xml_root(s3.xml);
    bool encoded = !strcmp(mir_xml_get(root, "EncodingType"), "url");
    size_t from = all->count;
    if (mir_xml_read(&uploads_table, root, all, err))
        return -1;
    for (size_t i = from; encoded && i < all->count; i++)
        ec2_s3_decode(all->rows[i].key);
    free(at->key);
    free(at->id);
    *at = (struct marker){0};
    if (!strcmp(mir_xml_get(root, "IsTruncated"), "true")) {
        *at = (struct marker){mir_strdup(mir_xml_get(root, "NextKeyMarker")),
                              mir_strdup(mir_xml_get(root, "NextUploadIdMarker"))};
        if (encoded)
            ec2_s3_decode(at->key);
    }
    return 0;
}

int ec2_s3_list_uploads(struct ec2_session *session, const struct ec2_s3_object *bucket,
                        const char *prefix, int64_t until_ms, struct ec2_s3_uploads *ret,
                        struct mir_error *err)
{
    struct ec2_s3_object whole = {bucket->bucket, NULL, bucket->style};
    struct ec2_s3_uploads all = {0};
    struct marker at = {0};
    int rc, pages = 0;
    do
        rc = ++pages > PAGES_MAX ? mir_fail(err, MIR_CORRUPT, "the list of uploads has no end")
                                 : list_page(session, &whole, prefix, &at, until_ms, &all, err);
    while (!rc && at.key);
    free(at.key);
    free(at.id);
    if (rc) {
        ec2_s3_uploads_clear(&all);
        return -1;
    }
    ec2_s3_uploads_clear(ret);
    *ret = all;
    return 0;
}

/* --- a stream --- */

struct stream {
    struct ec2_session *session;
    const struct ec2_s3_object *object;
    const struct ec2_s3_source *source;
    struct ec2_pair metadata[EC2_S3_METADATA_MAX];
    size_t metadata_count;
    int64_t until_ms;
    char mark[MIR_ID_TEXT]; /* of this upload, in its metadata */
    unsigned char *part;    /* owned */
    size_t room, len;       /* of the part */
    char upload_id[EC2_S3_UPLOAD_ID_TEXT];
    struct ec2_s3_part *parts; /* owned */
    size_t count;
};

static int read_part(struct stream *s, struct mir_error *err)
{
    s->len = 0;
    return s->source->read(s->source->ctx, s->part, s->room, &s->len, err);
}

static int send_parts(struct stream *s, struct mir_error *err)
{
    bool last = false;
    while (!last) {
        if (s->count == EC2_S3_PARTS_MAX)
            return mir_fail(err, MIR_USAGE, "more than %d parts of %zu bytes", EC2_S3_PARTS_MAX,
                            s->room);
        struct ec2_s3_body body = {.data = s->part, .len = s->len};
        struct ec2_s3_part *part = &s->parts[s->count];
        part->number = (unsigned)s->count + 1;
        if (ec2_s3_put_part(s->session, s->object, s->upload_id, part->number, &body, s->until_ms,
                            part->etag, err))
            return -1;
        s->count++;
        last = s->len < s->room;
        if (!last && read_part(s, err))
            return -1;
        last = last || s->len == 0;
    }
    return 0;
}

/* Completing failed: is the object there all the same? Its metadata say whose it is. */
static bool completed_after_all(const struct stream *s, const struct mir_error *why)
{
    struct ec2_s3_head head = {0};
    char mark[MIR_ID_TEXT] = "";
    if (why->outcome != MIR_OUTCOME_UNKNOWN && !ec2_s3_absent(why))
        return false;
    if (ec2_s3_head(s->session, s->object, ec2_until(s->session, ABORT_MS), &head, NULL))
        return false;
    ec2_s3_metadata(&head, MARK, mark, sizeof mark);
    ec2_s3_head_clear(&head);
    return !strcmp(mark, s->mark);
}

static int put_in_parts(struct stream *s, struct mir_error *err)
{
    struct ec2_s3_body body = {.metadata = s->metadata, .metadata_count = s->metadata_count};
    if (ec2_s3_begin(s->session, s->object, &body, s->until_ms, s->upload_id, err))
        return -1;
    s->parts = mir_calloc(EC2_S3_PARTS_MAX, sizeof *s->parts);
    struct mir_error why = {0}, left = {0};
    bool sent = !send_parts(s, &why);
    if (sent && !ec2_s3_complete(s->session, s->object, s->upload_id, s->parts, s->count,
                                 s->until_ms, &why))
        return 0;
    if (sent && completed_after_all(s, &why))
        return 0;
    if (!sent)
        why.outcome = MIR_DID_NOT_HAPPEN; /* of the object */
    if (ec2_s3_abort(s->session, s->object, s->upload_id, ec2_until(s->session, ABORT_MS), &left)) {
        why.outcome = MIR_OUTCOME_UNKNOWN;
        mir_error_hint(&why, "parts of it are left in bucket %s: %.200s", s->object->bucket,
                       left.text);
    }
    if (err)
        *err = why;
    return -1;
}

static int put_at_once(struct stream *s, struct mir_error *err)
{
    struct ec2_s3_body body = {.data = s->part,
                               .len = s->len,
                               .metadata = s->metadata,
                               .metadata_count = s->metadata_count};
    return ec2_s3_put(s->session, s->object, &body, s->until_ms, NULL, err);
}

int ec2_s3_put_stream(struct ec2_session *session, const struct ec2_s3_object *object,
                      const struct ec2_s3_source *source, size_t part_bytes,
                      const struct ec2_pair *metadata, size_t metadata_count, int64_t until_ms,
                      struct mir_error *err)
{
    struct stream *s = mir_calloc(1, sizeof *s);
    *s = (struct stream){
        .session = session, .object = object, .source = source, .until_ms = until_ms};
    s->room = part_bytes ? part_bytes : PART_DEFAULT;
    int rc = -1;
    if (metadata_count >= EC2_S3_METADATA_MAX) {
        mir_fail(err, MIR_USAGE, "more than %d metadata of an object", EC2_S3_METADATA_MAX - 1);
    } else {
        mir_id_new(mir_random_system(), s->mark);
        if (metadata_count > 0)
            memcpy(s->metadata, metadata, metadata_count * sizeof *metadata);
        s->metadata[metadata_count] = (struct ec2_pair){MARK, s->mark};
        s->metadata_count = metadata_count + 1;
        s->part = mir_realloc(NULL, s->room, 1);
        rc = read_part(s, err);
        if (!rc)
            rc = s->len < s->room ? put_at_once(s, err) : put_in_parts(s, err);
    }
    free(s->part);
    free(s->parts);
    free(s);
    return rc;
}
