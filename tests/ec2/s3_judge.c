/* SPDX-License-Identifier: ISC */
/*
 * s3_judge URL REGION KEY SECRET: our S3 binding against a server that is strict about signatures
 * and digests, for tests/ec2/s3_swift.py, which starts one. The bucket is made and deleted. URL's
 * host is `localhost`, so that buckets can be part of it. Speaks TAP.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/clock.h"
#include "api/http.h"
#include "api/id.h"
#include "api/memory.h"
#include "ec2/s3.h"

#define MIB ((size_t)1 << 20)
#define MANY 13 /* objects: more than the server lists at once */

static const char *url, *region, *key_id, *secret;
static char bucket_name[64];
static struct ec2_session *session;
static int failures; /* of the case that runs */

/* One expectation of a case. */
static void expect(bool met, const char *what, const struct mir_error *err)
{
    if (met)
        return;
    failures++;
    printf("# not met: %s", what);
    if (err && err->kind)
        printf(" (%s; %s; outcome %d)", err->text, err->provider_code, (int)err->outcome);
    putchar('\n');
}

#define EXPECT(condition, err) expect(condition, #condition, err)

/* --- sessions --- */

static int64_t ahead_ms; /* of the clock in a session that is wrong */

static int64_t utc_ms(void *ctx)
{
    return mir_clock_system()->utc_ms(NULL) + ahead_ms;
}

static int64_t boot_ms(void *ctx)
{
    return mir_clock_system()->boot_ms(NULL);
}

static const struct mir_clock wrong_clock = {utc_ms, boot_ms, NULL};

static struct ec2_session *open_session(const char *in_region, struct ec2_credentials *keys,
                                        const char *with_secret, const struct mir_clock *clock)
{
    struct mir_error err = {0};
    struct ec2_session_settings settings = {
        .region = in_region, .credentials = ec2_credentials_fixed(keys), .clock = clock};
    settings.endpoints[EC2_S3] = url;
    mir_copy(keys->access_key_id, sizeof keys->access_key_id, key_id);
    if (mir_secret_set(&keys->secret, with_secret, strlen(with_secret), &err))
        abort();
    struct ec2_session *made = ec2_session_new(&settings, &err);
    if (!made) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    return made;
}

static int64_t soon(void)
{
    return ec2_until(session, 60000);
}

static struct ec2_s3_object object(const char *key)
{
    return (struct ec2_s3_object){bucket_name, key, EC2_S3_AUTO};
}

static int put_text(const char *key, const char *text, struct mir_error *err)
{
    struct ec2_s3_object o = object(key);
    struct ec2_s3_body body = {.data = text, .len = strlen(text)};
    return ec2_s3_put(session, &o, &body, soon(), NULL, err);
}

/* The whole object; owned by the caller's buffer. */
static int get_all(const char *key, struct mir_buf *ret, struct mir_error *err)
{
    struct ec2_s3_object o = object(key);
    mir_buf_init(ret, 64 * MIB);
    return ec2_s3_get(session, &o, 0, 0, soon(), ret, err);
}

/* --- the cases --- */

static void makes_a_bucket(void)
{
    struct ec2_s3_object bucket = object(NULL);
    struct mir_error err = {0};
    EXPECT(ec2_s3_create_bucket(session, &bucket, soon(), &err) == 0, &err);
    EXPECT(ec2_s3_create_bucket(session, &bucket, soon(), &err) == 0, &err);
}

static void puts_and_gets(void)
{
    struct ec2_s3_object o = object("hello.txt");
    struct mir_error err = {0};
    const struct ec2_pair metadata[] = {{"owner", "me & you"}, {"digest", "abc"}};
    struct ec2_s3_body body = {.data = "hello, world",
                               .len = 12,
                               .content_type = "text/plain",
                               .metadata = metadata,
                               .metadata_count = 2};
    struct ec2_s3_head head = {0};
    char etag[EC2_S3_ETAG_TEXT], text[64];
    EXPECT(ec2_s3_put(session, &o, &body, soon(), etag, &err) == 0, &err);
    EXPECT(!strcmp(etag, "e4d7f1b4ed2e42d15898f4b27b019da4"), NULL);
    EXPECT(ec2_s3_head(session, &o, soon(), &head, &err) == 0, &err);
    EXPECT(head.size == 12 && head.modified_s > 1700000000 && !strcmp(head.etag, etag), NULL);
    EXPECT(!ec2_s3_metadata(&head, "owner", text, sizeof text) && !strcmp(text, "me & you"), NULL);
    EXPECT(ec2_s3_metadata(&head, "none", text, sizeof text) == -1, NULL);
    ec2_s3_head_clear(&head);

    static const struct {
        uint64_t offset, len;
        const char *want;
    } ranges[] = {
        {0, 0, "hello, world"}, {0, 5, "hello"}, {7, 5, "world"}, {7, 0, "world"}, {11, 100, "d"}};
    for (size_t i = 0; i < MIR_NELEMS(ranges); i++) {
        mir_auto_buf struct mir_buf got;
        mir_buf_init(&got, 100);
        EXPECT(ec2_s3_get(session, &o, ranges[i].offset, ranges[i].len, soon(), &got, &err) == 0,
               &err);
        EXPECT(!strcmp(mir_buf_text(&got), ranges[i].want), NULL);
    }
    mir_auto_buf struct mir_buf small;
    mir_buf_init(&small, 5);
    EXPECT(ec2_s3_get(session, &o, 0, 0, soon(), &small, &err) == -1 && err.kind == MIR_CORRUPT,
           &err);
    struct ec2_s3_object none = object("none");
    EXPECT(ec2_s3_head(session, &none, soon(), &head, &err) == -1 && err.kind == MIR_NOT_FOUND,
           &err);
    EXPECT(ec2_s3_get(session, &none, 0, 0, soon(), &small, &err) == -1 &&
               err.kind == MIR_NOT_FOUND,
           &err);
}

static const char *const tricky_keys[] = {
    "a b",
    "a+b",
    "a%20b",
    "a%2Fb",
    "x/y/z",
    "trailing/",
    "plus+%+ ",
    "q?x=1&y=2",
    "hash#x",
    "semi;colon:at@comma,",
    "quote\"'`",
    "less<more>&amp;",
    "brackets[{()}]",
    "tilde~dash-_.",
    "back\\slash",
    "pipe|caret^",
    "\xc3\xa4\xe4\xb8\xad\xf0\x9f\x98\x82",
    "star*!$=",
};

static void takes_any_key(void)
{
    struct mir_error err = {0};
    ec2_auto_s3_list struct ec2_s3_list list = {0};
    struct ec2_s3_object bucket = object(NULL);
    for (size_t i = 0; i < MIR_NELEMS(tricky_keys); i++) {
        mir_auto_free char *key = mir_format("tricky/%s", tricky_keys[i]);
        EXPECT(put_text(key, tricky_keys[i], &err) == 0, &err);
        mir_auto_buf struct mir_buf got;
        EXPECT(get_all(key, &got, &err) == 0, &err);
        EXPECT(!strcmp(mir_buf_text(&got), tricky_keys[i]), NULL);
    }
    EXPECT(ec2_s3_list_objects(session, &bucket, "tricky/", soon(), &list, &err) == 0, &err);
    EXPECT(list.count == MIR_NELEMS(tricky_keys), NULL);
    for (size_t i = 0; i < MIR_NELEMS(tricky_keys); i++) {
        mir_auto_free char *key = mir_format("tricky/%s", tricky_keys[i]);
        bool found = false;
        for (size_t k = 0; k < list.count && !found; k++)
            found = !strcmp(list.rows[k].key, key);
        EXPECT(found, NULL);
        struct ec2_s3_object o = object(key);
        EXPECT(ec2_s3_delete(session, &o, soon(), &err) == 0, &err);
    }
}

static void names_buckets_by_host(void)
{
    struct mir_error err = {0};
    struct ec2_s3_object o = {bucket_name, "by host/x+y", EC2_S3_HOST};
    struct ec2_s3_body body = {.data = "host", .len = 4};
    mir_auto_buf struct mir_buf got;
    EXPECT(ec2_s3_put(session, &o, &body, soon(), NULL, &err) == 0, &err);
    EXPECT(get_all("by host/x+y", &got, &err) == 0, &err);
    EXPECT(!strcmp(mir_buf_text(&got), "host"), NULL);
    EXPECT(ec2_s3_delete(session, &o, soon(), &err) == 0, &err);
}

static void puts_in_parts(void)
{
    struct mir_error err = {0};
    struct ec2_s3_object o = object("parts/large"), bucket = object(NULL);
    static const size_t sizes[] = {5 * MIB, 6 * MIB, 12345};
    const struct ec2_pair metadata[] = {{"kind", "parts"}};
    struct ec2_s3_body kept = {.metadata = metadata, .metadata_count = 1};
    struct ec2_s3_part parts[MIR_NELEMS(sizes)];
    char id[EC2_S3_UPLOAD_ID_TEXT] = "", text[16] = "";
    unsigned char *data = mir_calloc(1, 12 * MIB);
    size_t at = 0;
    for (size_t i = 0; i < 12 * MIB; i++)
        data[i] = (unsigned char)(i * 2654435761u >> 11);
    EXPECT(ec2_s3_begin(session, &o, &kept, soon(), id, &err) == 0, &err);
    for (unsigned i = 0; i < MIR_NELEMS(sizes); i++) {
        struct ec2_s3_body body = {.data = data + at, .len = sizes[i]};
        parts[i].number = i + 1;
        EXPECT(ec2_s3_put_part(session, &o, id, i + 1, &body, soon(), parts[i].etag, &err) == 0,
               &err);
        at += sizes[i];
    }
    ec2_auto_s3_uploads struct ec2_s3_uploads uploads = {0};
    EXPECT(ec2_s3_list_uploads(session, &bucket, "parts/", soon(), &uploads, &err) == 0, &err);
    EXPECT(uploads.count == 1 && !strcmp(uploads.rows[0].id, id) &&
               !strcmp(uploads.rows[0].key, "parts/large"),
           NULL);
    EXPECT(ec2_s3_complete(session, &o, id, parts, 3, soon(), &err) == 0, &err);
    EXPECT(ec2_s3_list_uploads(session, &bucket, NULL, soon(), &uploads, &err) == 0, &err);
    EXPECT(uploads.count == 0, NULL);
    struct ec2_s3_head head = {0};
    EXPECT(ec2_s3_head(session, &o, soon(), &head, &err) == 0, &err);
    EXPECT(head.size == (int64_t)at, NULL);
    EXPECT(!ec2_s3_metadata(&head, "kind", text, sizeof text) && !strcmp(text, "parts"), NULL);
    ec2_s3_head_clear(&head);
    mir_auto_buf struct mir_buf got;
    EXPECT(get_all("parts/large", &got, &err) == 0, &err);
    EXPECT(got.len == at && !memcmp(got.data, data, at), NULL);
    EXPECT(ec2_s3_delete(session, &o, soon(), &err) == 0, &err);
    free(data);
}

static void puts_parts_away(void)
{
    struct mir_error err = {0};
    struct ec2_s3_object o = object("parts/aborted"), bucket = object(NULL);
    struct ec2_s3_body none = {0}, body = {.data = "x", .len = 1};
    char id[EC2_S3_UPLOAD_ID_TEXT] = "", etag[EC2_S3_ETAG_TEXT];
    ec2_auto_s3_uploads struct ec2_s3_uploads uploads = {0};
    EXPECT(ec2_s3_begin(session, &o, &none, soon(), id, &err) == 0, &err);
    EXPECT(ec2_s3_put_part(session, &o, id, 1, &body, soon(), etag, &err) == 0, &err);
    EXPECT(ec2_s3_abort(session, &o, id, soon(), &err) == 0, &err);
    EXPECT(ec2_s3_abort(session, &o, id, soon(), &err) == 0, &err);
    EXPECT(ec2_s3_list_uploads(session, &bucket, NULL, soon(), &uploads, &err) == 0, &err);
    EXPECT(uploads.count == 0, NULL);
    EXPECT(ec2_s3_put_part(session, &o, id, 2, &body, soon(), etag, &err) == -1 &&
               err.kind == MIR_NOT_FOUND,
           &err);
}

/* --- streams --- */

struct stream {
    size_t at, size, fail_at;
};

static int read_stream(void *ctx, void *out, size_t len, size_t *ret_len, struct mir_error *err)
{
    struct stream *s = ctx;
    if (s->fail_at && s->at >= s->fail_at)
        return mir_fail(err, MIR_FAILED, "the stream broke");
    *ret_len = s->size - s->at < len ? s->size - s->at : len;
    for (size_t i = 0; i < *ret_len; i++)
        ((unsigned char *)out)[i] = (unsigned char)((s->at + i) * 2654435761u >> 9);
    s->at += *ret_len;
    return 0;
}

static void puts_streams(void)
{
    static const size_t sizes[] = {0, 1, 5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 15 * MIB, 16 * MIB + 7};
    struct ec2_s3_object o = object("stream"), bucket = object(NULL);
    const struct ec2_pair metadata[] = {{"kind", "stream"}};
    for (size_t i = 0; i < MIR_NELEMS(sizes); i++) {
        struct stream s = {0, sizes[i], 0}, again = {0, sizes[i], 0};
        struct ec2_s3_source source = {read_stream, &s};
        struct ec2_s3_head head = {0};
        struct mir_error err = {0};
        size_t len = 0;
        char text[16] = "";
        unsigned char *want = mir_calloc(1, sizes[i] + 1);
        read_stream(&again, want, sizes[i], &len, NULL);
        EXPECT(ec2_s3_put_stream(session, &o, &source, 5 * MIB, metadata, 1, soon(), &err) == 0,
               &err);
        mir_auto_buf struct mir_buf got;
        EXPECT(get_all("stream", &got, &err) == 0, &err);
        EXPECT(got.len == sizes[i] && !memcmp(mir_buf_text(&got), want, sizes[i]), NULL);
        EXPECT(ec2_s3_head(session, &o, soon(), &head, &err) == 0, &err);
        EXPECT(!ec2_s3_metadata(&head, "kind", text, sizeof text) && !strcmp(text, "stream"), NULL);
        ec2_s3_head_clear(&head);
        free(want);
    }
    struct mir_error err = {0};
    EXPECT(ec2_s3_delete(session, &o, soon(), &err) == 0, &err);

    struct stream broken = {0, 20 * MIB, 11 * MIB};
    struct ec2_s3_source source = {read_stream, &broken};
    ec2_auto_s3_uploads struct ec2_s3_uploads uploads = {0};
    struct ec2_s3_head head = {0};
    EXPECT(ec2_s3_put_stream(session, &o, &source, 5 * MIB, NULL, 0, soon(), &err) == -1 &&
               err.outcome == MIR_DID_NOT_HAPPEN && !strcmp(err.text, "the stream broke"),
           &err);
    EXPECT(ec2_s3_list_uploads(session, &bucket, NULL, soon(), &uploads, &err) == 0, &err);
    EXPECT(uploads.count == 0, NULL);
    EXPECT(ec2_s3_head(session, &o, soon(), &head, &err) == -1 && err.kind == MIR_NOT_FOUND, &err);
}

static void lists_more_than_a_page(void)
{
    struct mir_error err = {0};
    struct ec2_s3_object bucket = object(NULL);
    ec2_auto_s3_list struct ec2_s3_list list = {0};
    for (int i = 0; i < MANY; i++) {
        char key[32];
        snprintf(key, sizeof key, "many/%04d", i);
        EXPECT(put_text(key, "", &err) == 0, &err);
    }
    EXPECT(put_text("other", "12345", &err) == 0, &err);
    EXPECT(ec2_s3_list_objects(session, &bucket, "many/", soon(), &list, &err) == 0, &err);
    EXPECT(list.count == MANY, NULL);
    for (size_t i = 0; i < list.count; i++) {
        char key[32];
        snprintf(key, sizeof key, "many/%04zu", i);
        EXPECT(!strcmp(list.rows[i].key, key) && list.rows[i].size == 0 &&
                   !strcmp(list.rows[i].etag, "d41d8cd98f00b204e9800998ecf8427e"),
               NULL);
    }
    EXPECT(ec2_s3_list_objects(session, &bucket, "other", soon(), &list, &err) == 0, &err);
    EXPECT(list.count == 1 && list.rows[0].size == 5 && list.rows[0].modified_s > 1700000000, NULL);
    EXPECT(ec2_s3_list_objects(session, &bucket, "nothing", soon(), &list, &err) == 0, &err);
    EXPECT(list.count == 0, NULL);
}

/* --- what has to be refused --- */

static void refuses_a_wrong_secret(void)
{
    struct ec2_credentials keys = {0};
    struct mir_error err = {0};
    struct ec2_session *wrong = open_session(region, &keys, "wrong", NULL);
    struct ec2_s3_object o = object("hello.txt");
    mir_auto_buf struct mir_buf got;
    mir_buf_init(&got, 100);
    EXPECT(ec2_s3_get(wrong, &o, 0, 0, soon(), &got, &err) == -1 && err.kind == MIR_CREDENTIALS &&
               !strcmp(err.provider_code, "SignatureDoesNotMatch"),
           &err);
    EXPECT(err.outcome == MIR_DID_NOT_HAPPEN, &err);
    ec2_session_free(wrong);
    ec2_credentials_clear(&keys);
}

static void refuses_a_wrong_digest(void)
{
    struct mir_error err = {0};
    struct ec2_s3_object o = object("damaged");
    struct ec2_s3_head head = {0};
    char digest[EC2_HEX_TEXT];
    ec2_sha256_hex("something else", 14, digest);
    struct ec2_s3_body body = {.data = "hello", .len = 5, .sha256 = digest};
    EXPECT(ec2_s3_put(session, &o, &body, soon(), NULL, &err) == -1 &&
               (!strcmp(err.provider_code, "BadDigest") ||
                !strcmp(err.provider_code, "XAmzContentSHA256Mismatch")),
           &err);
    EXPECT(err.outcome == MIR_DID_NOT_HAPPEN, &err);
    EXPECT(ec2_s3_head(session, &o, soon(), &head, &err) == -1 && err.kind == MIR_NOT_FOUND, &err);
}

static void refuses_another_region(void)
{
    struct ec2_credentials keys = {0};
    struct mir_error err = {0};
    struct ec2_session *elsewhere = open_session("eu-west-3", &keys, secret, NULL);
    struct ec2_s3_object o = object("hello.txt");
    struct ec2_s3_body body = {.data = "x", .len = 1};
    EXPECT(ec2_s3_put(elsewhere, &o, &body, soon(), NULL, &err) == -1 &&
               !strcmp(err.provider_code, "AuthorizationHeaderMalformed"),
           &err);
    ec2_session_free(elsewhere);
    ec2_credentials_clear(&keys);
}

static void corrects_a_wrong_clock(void)
{
    static const int64_t hours[] = {1, -1, 26};
    for (size_t i = 0; i < MIR_NELEMS(hours); i++) {
        struct ec2_credentials keys = {0};
        struct mir_error err = {0};
        ahead_ms = hours[i] * 3600000;
        struct ec2_session *off = open_session(region, &keys, secret, &wrong_clock);
        struct ec2_s3_object o = object("hello.txt");
        struct ec2_s3_body body = {.data = "clock", .len = 5};
        EXPECT(ec2_s3_put(off, &o, &body, soon(), NULL, &err) == 0, &err);
        int64_t seen = ec2_session_clock_offset_ms(off) + ahead_ms;
        EXPECT(seen > -5000 && seen < 5000, NULL);
        ec2_session_free(off);
        ec2_credentials_clear(&keys);
    }
}

static void refuses_names_that_are_none(void)
{
    static const char *const names[] = {"", "ab", "UPPER", "a..b", "-ab", "a_b", "a/b", "ab."};
    struct mir_error err = {0};
    for (size_t i = 0; i < MIR_NELEMS(names); i++) {
        struct ec2_s3_object bucket = {names[i], NULL, EC2_S3_PATH};
        EXPECT(ec2_s3_create_bucket(session, &bucket, soon(), &err) == -1 && err.kind == MIR_USAGE,
               &err);
    }
    struct ec2_s3_object o = object("");
    EXPECT(ec2_s3_delete(session, &o, soon(), &err) == -1 && err.kind == MIR_USAGE, &err);
    struct ec2_s3_object whole = object(NULL);
    EXPECT(ec2_s3_delete(session, &whole, soon(), &err) == -1 && err.kind == MIR_USAGE, &err);
    const struct ec2_pair bad[] = {{"x", "a\r\nEvil: 1"}};
    struct ec2_s3_body body = {.data = "x", .len = 1, .metadata = bad, .metadata_count = 1};
    o = object("x");
    EXPECT(ec2_s3_put(session, &o, &body, soon(), NULL, &err) == -1 && err.kind == MIR_USAGE, &err);
}

/* A URL that is valid by itself, and for that object alone. */
static void takes_what_is_presigned(void)
{
    struct ec2_credentials keys = {0};
    struct mir_error err = {0};
    mir_auto_free char *path = mir_format("/%s/hello.txt", bucket_name);
    const char *host = strstr(url, "://") + 3;
    mir_copy(keys.access_key_id, sizeof keys.access_key_id, key_id);
    EXPECT(mir_secret_set(&keys.secret, secret, strlen(secret), &err) == 0, &err);
    struct ec2_sign_request request = {.mode = EC2_SIGN_S3,
                                       .method = "GET",
                                       .host = host,
                                       .path = path,
                                       .region = region,
                                       .service = "s3",
                                       .now_s = mir_now_s(mir_clock_system())};
    ec2_auto_signed struct ec2_signed made = {0};
    EXPECT(ec2_presign(&request, &keys, 60, &made, &err) == 0, &err);
    for (int damaged = 0; damaged < 2; damaged++) {
        mir_auto_free char *whole = mir_format("http://%s%s", host, mir_buf_text(&made.target));
        char *name = strstr(whole, "hello.txt");
        if (damaged && name)
            name[0] = 'j';
        struct mir_http_request get = {.url = whole, .path_as_is = true};
        mir_auto_http_response struct mir_http_response response = {0};
        EXPECT(mir_http_do(&get, &response, &err) == 0, &err);
        EXPECT(response.status == (damaged ? 403 : 200), NULL);
    }
    ec2_credentials_clear(&keys);
}

static void deletes_all(void)
{
    struct mir_error err = {0};
    struct ec2_s3_object bucket = object(NULL);
    ec2_auto_s3_list struct ec2_s3_list list = {0};
    EXPECT(ec2_s3_delete_bucket(session, &bucket, soon(), &err) == -1 && err.kind == MIR_CONFLICT,
           &err);
    EXPECT(ec2_s3_list_objects(session, &bucket, NULL, soon(), &list, &err) == 0, &err);
    for (size_t i = 0; i < list.count; i++) {
        struct ec2_s3_object o = object(list.rows[i].key);
        EXPECT(ec2_s3_delete(session, &o, soon(), &err) == 0, &err);
    }
    struct ec2_s3_object gone = object("hello.txt");
    EXPECT(ec2_s3_delete(session, &gone, soon(), &err) == 0, &err);
    EXPECT(ec2_s3_delete_bucket(session, &bucket, soon(), &err) == 0, &err);
    EXPECT(ec2_s3_delete_bucket(session, &bucket, soon(), &err) == 0, &err);
    EXPECT(ec2_s3_list_objects(session, &bucket, NULL, soon(), &list, &err) == -1 &&
               err.kind == MIR_NOT_FOUND,
           &err);
}

#define CASE(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {
        CASE(makes_a_bucket),
        CASE(puts_and_gets),
        CASE(takes_any_key),
        CASE(names_buckets_by_host),
        CASE(puts_in_parts),
        CASE(puts_parts_away),
        CASE(puts_streams),
        CASE(lists_more_than_a_page),
        CASE(refuses_a_wrong_secret),
        CASE(refuses_a_wrong_digest),
        CASE(refuses_another_region),
        CASE(corrects_a_wrong_clock),
        CASE(takes_what_is_presigned),
        CASE(refuses_names_that_are_none),
        CASE(deletes_all),
    };
    if (argc != 5) {
        fprintf(stderr, "usage: %s URL REGION KEY SECRET\n", argv[0]);
        return 2;
    }
    url = argv[1];
    region = argv[2];
    key_id = argv[3];
    secret = argv[4];
    char id[MIR_ID_TEXT];
    mir_id_new(mir_random_system(), id);
    snprintf(bucket_name, sizeof bucket_name, "mirage-judge-%.12s", id);
    struct ec2_credentials keys = {0};
    session = open_session(region, &keys, secret, NULL);
    bool all = true;
    printf("1..%zu\n", MIR_NELEMS(cases));
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        failures = 0;
        cases[i].run();
        all = all && !failures;
        printf("%s %zu - %s\n", failures ? "not ok" : "ok", i + 1, cases[i].name);
        fflush(stdout);
    }
    ec2_session_free(session);
    ec2_credentials_clear(&keys);
    return all ? 0 : 1;
}
