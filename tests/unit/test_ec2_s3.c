/* SPDX-License-Identifier: ISC */
/* What a strict server cannot show on demand: errors under the status 200, answers that are lost or
 * damaged, and what the requests look like. The rest: tests/ec2/s3_judge.c. */
#include "ec2/s3.h"

#include <pthread.h>

#include "scratch.h"
#include "talk_server.h"

/* Answers by what is asked for, in the order of the rows; each row so often. */
struct row {
    const char *method, *part; /* part of the target */
    int times;                 /* 0: always */
    int status;
    const char *headers, *body;
    bool drop;
};

struct service {
    const struct row *rows; /* ends with a NULL method */
    int used[32];
    pthread_mutex_t lock;
    char log[32][1024]; /* "METHOD target host|body" */
    int count;
    char mark[64]; /* x-amz-meta-mirage-upload of the upload that was begun */
};

static void note(struct service *s, const struct talk_server_ask *ask)
{
    char host[256], mark[64];
    talk_server_header(ask, "Host", host, sizeof host);
    talk_server_header(ask, "x-amz-meta-mirage-upload", mark, sizeof mark);
    if (*mark)
        mir_copy(s->mark, sizeof s->mark, mark);
    if (s->count < (int)MIR_NELEMS(s->log))
        snprintf(s->log[s->count], sizeof s->log[0], "%s %.300s %s|%.400s", ask->method,
                 ask->target, host, ask->body);
    s->count++;
}

static void answer(void *ctx, const struct talk_server_ask *ask, struct talk_server_say *say)
{
    struct service *s = ctx;
    pthread_mutex_lock(&s->lock);
    note(s, ask);
    say->status = 500;
    for (size_t i = 0; s->rows[i].method; i++) {
        const struct row *row = &s->rows[i];
        if (strcmp(ask->method, row->method) != 0 || !strstr(ask->target, row->part) ||
            (row->times && s->used[i] >= row->times))
            continue;
        s->used[i]++;
        say->status = row->status ? row->status : 200;
        say->drop = row->drop;
        /* "MARK" stands for the mark of the upload. */
        if (row->headers && !strcmp(row->headers, "MARK"))
            snprintf(say->headers, sizeof say->headers, "x-amz-meta-mirage-upload: %s\r\n",
                     s->mark);
        else
            mir_copy(say->headers, sizeof say->headers, row->headers ? row->headers : "");
        mir_buf_adds(&say->body, row->body ? row->body : "");
        break;
    }
    pthread_mutex_unlock(&s->lock);
}

static void no_wait(void *ctx, int64_t ms)
{
}

struct fixture {
    struct service service;
    struct talk_server *server;
    struct ec2_credentials keys;
    struct ec2_session *session;
    struct mir_error err;
};

static struct fixture *begin_in(const char *region, const struct row *rows, const char *host)
{
    struct fixture *f = mir_calloc(1, sizeof *f);
    f->service.rows = rows;
    pthread_mutex_init(&f->service.lock, NULL);
    f->server = talk_server_start(answer, &f->service);
    mir_copy(f->keys.access_key_id, sizeof f->keys.access_key_id, "AKID");
    assert_int_equal(mir_secret_set(&f->keys.secret, "s", 1, NULL), 0);
    mir_auto_free char *url =
        mir_format("http://%s:%s", host, strrchr(talk_server_url(f->server), ':') + 1);
    struct ec2_session_settings settings = {
        .region = region, .credentials = ec2_credentials_fixed(&f->keys), .wait = no_wait};
    settings.endpoints[EC2_S3] = url;
    f->session = ec2_session_new(&settings, NULL);
    assert_non_null(f->session);
    return f;
}

static struct fixture *begin(const struct row *rows)
{
    return begin_in("eu-central-1", rows, "127.0.0.1");
}

static void end(struct fixture *f)
{
    ec2_session_free(f->session);
    talk_server_stop(f->server);
    ec2_credentials_clear(&f->keys);
    pthread_mutex_destroy(&f->service.lock);
    free(f);
}

static int64_t soon(const struct fixture *f)
{
    return ec2_until(f->session, 20000);
}

static const struct ec2_s3_object object = {"bucket", "a key", EC2_S3_AUTO};

#define OK_COMPLETE                                                                                \
    "<CompleteMultipartUploadResult xmlns=\"" NS "\"><ETag>\"x\"</ETag>"                           \
    "</CompleteMultipartUploadResult>"
#define NS "http://s3.amazonaws.com/doc/2006-03-01/"
#define ERROR(code) "<Error><Code>" code "</Code><Message>m</Message></Error>"

static void makes_buckets_where_the_session_is(void **state)
{
    static const struct row fine[] = {{"PUT", "/bucket", 0, 200, NULL, NULL, false}, {0}};
    struct fixture *f = begin(fine);
    assert_int_equal(ec2_s3_create_bucket(f->session, &object, soon(f), NULL), 0);
    assert_non_null(strstr(f->service.log[0], "PUT /bucket "));
    assert_non_null(
        strstr(f->service.log[0], "<LocationConstraint>eu-central-1</LocationConstraint>"));
    end(f);
    f = begin_in("us-east-1", fine, "127.0.0.1");
    assert_int_equal(ec2_s3_create_bucket(f->session, &object, soon(f), NULL), 0);
    assert_null(strstr(f->service.log[0], "LocationConstraint"));
    end(f);

    static const struct row ours[] = {
        {"PUT", "/bucket", 0, 409, NULL, ERROR("BucketAlreadyOwnedByYou"), false}, {0}};
    static const struct row theirs[] = {
        {"PUT", "/bucket", 0, 409, NULL, ERROR("BucketAlreadyExists"), false}, {0}};
    f = begin(ours);
    assert_int_equal(ec2_s3_create_bucket(f->session, &object, soon(f), &f->err), 0);
    end(f);
    f = begin(theirs);
    assert_int_equal(ec2_s3_create_bucket(f->session, &object, soon(f), &f->err), -1);
    assert_int_equal(f->err.kind, MIR_CONFLICT);
    end(f);
}

static void names_the_bucket_by_path_or_host(void **state)
{
    static const struct row fine[] = {{"PUT", "/", 0, 200, "ETag: \"e\"\r\n", NULL, false}, {0}};
    struct ec2_s3_body body = {.data = "x", .len = 1};
    struct ec2_s3_object o = {"bucket", "x/../y+z //\xc3\xa4", EC2_S3_AUTO};
    char etag[EC2_S3_ETAG_TEXT];
    struct fixture *f = begin_in("eu-central-1", fine, "localhost");
    assert_int_equal(ec2_s3_put(f->session, &o, &body, soon(f), etag, NULL), 0);
    assert_string_equal(etag, "e");
    assert_non_null(strstr(f->service.log[0], "PUT /bucket/x/../y%2Bz%20//%C3%A4 localhost:"));
    o.style = EC2_S3_HOST;
    assert_int_equal(ec2_s3_put(f->session, &o, &body, soon(f), etag, NULL), 0);
    assert_non_null(strstr(f->service.log[1], "PUT /x/../y%2Bz%20//%C3%A4 bucket.localhost:"));
    end(f);
}

static int complete(struct fixture *f)
{
    static const struct ec2_s3_part parts[] = {{1, "aa"}, {2, "b&b"}};
    return ec2_s3_complete(f->session, &object, "up/load=id", parts, 2, soon(f), &f->err);
}

static void finds_an_error_in_a_success(void **state)
{
    static const struct row again[] = {
        {"POST", "?uploadId=", 2, 200, NULL, "\n" ERROR("InternalError"), false},
        {"POST", "?uploadId=", 0, 200, NULL,
         "  \n \n<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" OK_COMPLETE, false},
        {0}};
    struct fixture *f = begin(again);
    assert_int_equal(complete(f), 0);
    assert_int_equal(f->service.count, 3);
    assert_non_null(strstr(f->service.log[0], "POST /bucket/a%20key?uploadId=up%2Fload%3Did "));
    assert_non_null(strstr(f->service.log[0],
                           "<Part><PartNumber>1</PartNumber><ETag>\"aa\"</ETag></Part><Part>"
                           "<PartNumber>2</PartNumber><ETag>\"b&amp;b\"</ETag></Part>"));
    end(f);

    static const struct {
        const char *body;
        int asked;
        enum mir_kind kind;
        const char *code;
        enum mir_outcome outcome;
    } cases[] = {
        {ERROR("AccessDenied"), 1, MIR_CREDENTIALS, "AccessDenied", MIR_DID_NOT_HAPPEN},
        {ERROR("InvalidPart"), 1, MIR_USAGE, "InvalidPart", MIR_DID_NOT_HAPPEN},
        {ERROR("InternalError"), 3, MIR_UNAVAILABLE, "InternalError", MIR_OUTCOME_UNKNOWN},
        {"", 3, MIR_CORRUPT, "", MIR_OUTCOME_UNKNOWN},
        {"<CompleteMultipartUploadResult>", 3, MIR_CORRUPT, "", MIR_OUTCOME_UNKNOWN},
        {"<html></html>", 3, MIR_CORRUPT, "", MIR_OUTCOME_UNKNOWN},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        struct row rows[] = {{"POST", "?uploadId=", 0, 200, NULL, cases[i].body, false}, {0}};
        f = begin(rows);
        print_message("  '%s'\n", cases[i].body);
        assert_int_equal(complete(f), -1);
        assert_int_equal(f->service.count, cases[i].asked);
        assert_int_equal(f->err.kind, cases[i].kind);
        assert_string_equal(f->err.provider_code, cases[i].code);
        assert_int_equal(f->err.outcome, cases[i].outcome);
        end(f);
    }
}

static void does_not_follow_redirects(void **state)
{
    static const struct row rows[] = {{"GET", "/bucket/", 0, 301,
                                       "Location: http://127.0.0.1:1/\r\n",
                                       ERROR("PermanentRedirect"), false},
                                      {0}};
    struct fixture *f = begin(rows);
    mir_auto_buf struct mir_buf got;
    mir_buf_init(&got, 4); /* less than the error */
    assert_int_equal(ec2_s3_get(f->session, &object, 0, 0, soon(f), &got, &f->err), -1);
    assert_string_equal(f->err.provider_code, "PermanentRedirect");
    assert_int_equal(f->service.count, 1);
    assert_int_equal(got.len, 0);
    end(f);
}

static void tells_absence_from_trouble(void **state)
{
    static const struct {
        int status;
        const char *headers;
        enum mir_kind kind;
    } cases[] = {{404, "x-amz-request-id: r1\r\n", MIR_NOT_FOUND},
                 {404, "", MIR_CORRUPT},
                 {403, "x-amz-request-id: r1\r\n", MIR_CREDENTIALS},
                 {403, "", MIR_CORRUPT}};
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        struct row rows[] = {
            {"HEAD", "/bucket/", 0, cases[i].status, cases[i].headers, NULL, false}, {0}};
        struct fixture *f = begin(rows);
        struct ec2_s3_head head;
        assert_int_equal(ec2_s3_head(f->session, &object, soon(f), &head, &f->err), -1);
        assert_int_equal(f->err.kind, cases[i].kind);
        end(f);
    }
    static const struct row gone[] = {
        {"DELETE", "/bucket", 0, 404, NULL, ERROR("NoSuchBucket"), false}, {0}};
    static const struct row denied[] = {
        {"DELETE", "/bucket", 0, 403, NULL, ERROR("AccessDenied"), false}, {0}};
    struct fixture *f = begin(gone);
    assert_int_equal(ec2_s3_delete(f->session, &object, soon(f), &f->err), 0);
    assert_int_equal(ec2_s3_abort(f->session, &object, "u", soon(f), &f->err), 0);
    end(f);
    f = begin(denied);
    assert_int_equal(ec2_s3_delete(f->session, &object, soon(f), &f->err), -1);
    assert_string_equal(f->err.provider_code, "AccessDenied");
    end(f);
}

static void reads_lists_to_their_end(void **state)
{
    static const struct row rows[] = {
        {"GET", "continuation-token=t%2F1", 0, 200, NULL,
         "<ListBucketResult xmlns=\"" NS "\"><EncodingType>url</EncodingType><IsTruncated>false"
         "</IsTruncated><Contents><Key>c%26d%3C%00%</Key><Size>7</Size></Contents>"
         "</ListBucketResult>",
         false},
        {"GET", "list-type=2", 0, 200, NULL,
         "<ListBucketResult xmlns=\"" NS "\"><EncodingType>url</EncodingType><IsTruncated>true"
         "</IsTruncated><NextContinuationToken>t/1</NextContinuationToken><Contents><Key>a+b%2F"
         "</Key><LastModified>2026-11-20T23:57:03.000Z</LastModified><ETag>\"e1\"</ETag><Size>5"
         "</Size></Contents></ListBucketResult>",
         false},
        {0}};
    struct fixture *f = begin(rows);
    ec2_auto_s3_list struct ec2_s3_list list = {0};
    assert_int_equal(ec2_s3_list_objects(f->session, &object, "p/&", soon(f), &list, &f->err), 0);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.rows[0].key, "a b/");
    assert_string_equal(list.rows[0].etag, "e1");
    assert_int_equal(list.rows[0].modified_s, 1795219023);
    assert_int_equal(list.rows[0].size, 5);
    assert_string_equal(list.rows[1].key, "c&d<%00%");
    assert_non_null(strstr(f->service.log[0], "prefix=p%2F%26"));
    end(f);

    static const char *const endless[] = {
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        ("<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>same"
         "</NextContinuationToken></ListBucketResult>"),
        "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>a</Key><Size>one</Size></Contents></ListBucketResult>",
        "<ListAllMyBucketsResult/>",
        "",
    };
    for (size_t i = 0; i < MIR_NELEMS(endless); i++) {
        struct row bad[] = {{"GET", "list-type=2", 0, 200, NULL, endless[i], false}, {0}};
        f = begin(bad);
        assert_int_equal(ec2_s3_list_objects(f->session, &object, NULL, soon(f), &list, &f->err),
                         -1);
        assert_int_equal(f->err.kind, MIR_CORRUPT);
        assert_int_equal(list.count, 2); /* as it was */
        end(f);
    }
}

static void lists_uploads_to_their_end(void **state)
{
    static const struct row rows[] = {
        {"GET", "key-marker=a%20b&", 0, 200, NULL,
         "<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>false"
         "</IsTruncated><Upload><Key>c</Key><UploadId>u2</UploadId></Upload>"
         "</ListMultipartUploadsResult>",
         false},
        {"GET", "uploads=", 0, 200, NULL,
         "<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true"
         "</IsTruncated><NextKeyMarker>a+b</NextKeyMarker><NextUploadIdMarker>u1"
         "</NextUploadIdMarker><Upload><Key>a+b</Key><UploadId>u1</UploadId><Initiated>"
         "2026-11-20T23:57:03.000Z</Initiated></Upload></ListMultipartUploadsResult>",
         false},
        {0}};
    struct fixture *f = begin(rows);
    ec2_auto_s3_uploads struct ec2_s3_uploads uploads = {0};
    assert_int_equal(ec2_s3_list_uploads(f->session, &object, NULL, soon(f), &uploads, &f->err), 0);
    assert_int_equal(uploads.count, 2);
    assert_string_equal(uploads.rows[0].key, "a b");
    assert_int_equal(uploads.rows[0].begun_s, 1795219023);
    assert_string_equal(uploads.rows[1].id, "u2");
    assert_non_null(strstr(f->service.log[1], "upload-id-marker=u1"));
    end(f);
}

/* --- streams --- */

static int read_bytes(void *ctx, void *out, size_t len, size_t *ret_len, struct mir_error *err)
{
    size_t *left = ctx;
    *ret_len = *left < len ? *left : len;
    memset(out, 'x', *ret_len);
    *left -= *ret_len;
    return 0;
}

/* Three parts of 1000 bytes. */
static int put_stream(struct fixture *f)
{
    size_t left = 2500;
    struct ec2_s3_source source = {read_bytes, &left};
    return ec2_s3_put_stream(f->session, &object, &source, 1000, NULL, 0, soon(f), &f->err);
}

static bool was_asked(const struct fixture *f, const char *method, const char *part)
{
    size_t len = strlen(method);
    for (int i = 0; i < f->service.count && i < (int)MIR_NELEMS(f->service.log); i++)
        if (!strncmp(f->service.log[i], method, len) && strstr(f->service.log[i], part))
            return true;
    return false;
}

#define BEGUN                                                                                      \
    {                                                                                              \
        "POST", "?uploads=", 0, 200, NULL,                                                         \
            "<InitiateMultipartUploadResult><UploadId>u1</UploadId>"                               \
            "</InitiateMultipartUploadResult>",                                                    \
            false                                                                                  \
    }
#define PARTS                                                                                      \
    {                                                                                              \
        "PUT", "partNumber=", 0, 200, "ETag: \"e\"\r\n", NULL, false                               \
    }
#define ABORTED                                                                                    \
    {                                                                                              \
        "DELETE", "uploadId=u1", 0, 204, NULL, NULL, false                                         \
    }
#define GONE                                                                                       \
    {                                                                                              \
        "POST", "?uploadId=u1", 0, 404, NULL, ERROR("NoSuchUpload"), false                         \
    }

static void knows_its_own_object_after_a_lost_answer(void **state)
{
    /* Completed, and the answer lost: asked again, the upload is gone. */
    static const struct row rows[] = {BEGUN,   PARTS,
                                      ABORTED, {"POST", "?uploadId=u1", 1, 200, NULL, NULL, true},
                                      GONE,    {"HEAD", "/bucket/", 0, 200, "MARK", NULL, false},
                                      {0}};
    struct fixture *f = begin(rows);
    assert_int_equal(put_stream(f), 0);
    assert_true(was_asked(f, "PUT", "partNumber=3"));
    assert_false(was_asked(f, "PUT", "partNumber=4"));
    assert_false(was_asked(f, "DELETE", ""));
    end(f);

    /* What is there is somebody else's. */
    static const struct row other[] = {
        BEGUN,
        PARTS,
        ABORTED,
        GONE,
        {"HEAD", "/bucket/", 0, 200, "x-amz-meta-mirage-upload: else\r\n", NULL, false},
        {0}};
    f = begin(other);
    assert_int_equal(put_stream(f), -1);
    assert_string_equal(f->err.provider_code, "NoSuchUpload");
    assert_true(was_asked(f, "DELETE", "uploadId=u1"));
    end(f);
}

static void puts_failed_parts_away(void **state)
{
    static const struct row denied[] = {
        BEGUN,
        {"PUT", "partNumber=1&", 0, 200, "ETag: \"e\"\r\n", NULL, false},
        {"PUT", "partNumber=2&", 0, 403, NULL, ERROR("AccessDenied"), false},
        ABORTED,
        {0}};
    struct fixture *f = begin(denied);
    assert_int_equal(put_stream(f), -1);
    assert_string_equal(f->err.provider_code, "AccessDenied");
    assert_int_equal(f->err.outcome, MIR_DID_NOT_HAPPEN);
    assert_true(was_asked(f, "DELETE", "uploadId=u1"));
    assert_false(was_asked(f, "PUT", "partNumber=3"));
    end(f);

    static const struct row left[] = {
        BEGUN,
        {"PUT", "partNumber=", 0, 200, NULL, NULL, false}, /* without an ETag */
        {"DELETE", "uploadId=u1", 0, 403, NULL, ERROR("AccessDenied"), false},
        {0}};
    f = begin(left);
    assert_int_equal(put_stream(f), -1);
    assert_int_equal(f->err.kind, MIR_CORRUPT);
    assert_int_equal(f->err.outcome, MIR_OUTCOME_UNKNOWN);
    assert_non_null(strstr(f->err.hint, "parts of it are left in bucket bucket"));
    end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_buckets_where_the_session_is),
        cmocka_unit_test(names_the_bucket_by_path_or_host),
        cmocka_unit_test(finds_an_error_in_a_success),
        cmocka_unit_test(does_not_follow_redirects),
        cmocka_unit_test(tells_absence_from_trouble),
        cmocka_unit_test(reads_lists_to_their_end),
        cmocka_unit_test(lists_uploads_to_their_end),
        cmocka_unit_test(knows_its_own_object_after_a_lost_answer),
        cmocka_unit_test(puts_failed_parts_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
