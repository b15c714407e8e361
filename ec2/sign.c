/* SPDX-License-Identifier: ISC */
#include "ec2/sign.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/id.h"
#include "api/memory.h"
#include "canonical.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define DIGEST_BYTES 32

/* What one signature is made of beside the request. */
struct scope {
    char stamp[20];           /* "20150830T123600Z" */
    char date[9];             /* "20150830" */
    char text[160];           /* "20150830/us-east-1/ec2/aws4_request" */
    char payload[80];         /* what stands for the body */
    struct mir_buf signed_in; /* names of the signed headers */
};

void ec2_sha256_hex(const void *data, size_t len, char out[EC2_HEX_TEXT])
{
    unsigned char digest[DIGEST_BYTES] = {0};
    if (!EVP_Digest(len ? data : "", len, digest, NULL, EVP_sha256(), NULL))
        mir_memory_out(); /* nothing else makes it fail */
    mir_hex(digest, sizeof digest, out);
}

static void hmac(unsigned char key[DIGEST_BYTES], const char *text)
{
    unsigned char out[DIGEST_BYTES] = {0};
    if (!HMAC(EVP_sha256(), key, DIGEST_BYTES, (const unsigned char *)text, strlen(text), out,
              NULL))
        mir_memory_out();
    memcpy(key, out, DIGEST_BYTES);
    mir_wipe(out, sizeof out);
}

/* The key of one day, region and service; then the signature with it. */
static void sign_text(const struct ec2_sign_request *request, const struct mir_secret *secret,
                      const struct scope *scope, const char *text, char out[EC2_HEX_TEXT])
{
    size_t len = secret->len + 4;
    char *first = mir_calloc(len + 1, 1);
    memcpy(first, "AWS4", 4);
    memcpy(first + 4, mir_secret_text(secret), secret->len);
    unsigned char key[DIGEST_BYTES] = {0};
    if (!HMAC(EVP_sha256(), first, (int)len, (const unsigned char *)scope->date,
              strlen(scope->date), key, NULL))
        mir_memory_out();
    mir_wipe(first, len);
    free(first);
    hmac(key, request->region);
    hmac(key, request->service);
    hmac(key, "aws4_request");
    hmac(key, text);
    mir_hex(key, sizeof key, out);
    mir_wipe(key, sizeof key);
}

static int check(const struct ec2_sign_request *request, const struct ec2_credentials *credentials,
                 struct mir_error *err)
{
    if (!*credentials->access_key_id || mir_secret_empty(&credentials->secret))
        return mir_fail(err, MIR_CREDENTIALS, "there is no key to sign with");
    if (!request->region || !*request->region || !request->service || !*request->service)
        return mir_fail(err, MIR_USAGE, "a signature needs a region and a service");
    if (!request->host || !*request->host)
        return mir_fail(err, MIR_USAGE, "a signature needs a host");
    if (request->path && *request->path && *request->path != '/')
        return mir_fail(err, MIR_USAGE, "the path '%.64s' has to begin with a slash",
                        request->path);
    if (request->query_count > EC2_SIGN_QUERY_MAX - 6)
        return mir_fail(err, MIR_USAGE, "%zu query parameters; at most %d are taken",
                        request->query_count, EC2_SIGN_QUERY_MAX - 6);
    return 0;
}

static int make_scope(const struct ec2_sign_request *request, bool presigned, struct scope *ret,
                      struct mir_error *err)
{
    time_t now = (time_t)request->now_s;
    struct tm tm;
    if (request->now_s < 0 || !gmtime_r(&now, &tm) || tm.tm_year > 9999 - 1900)
        return mir_fail(err, MIR_USAGE, "a signature for a time that is none");
    strftime(ret->stamp, sizeof ret->stamp, "%Y%m%dT%H%M%SZ", &tm);
    strftime(ret->date, sizeof ret->date, "%Y%m%d", &tm);
    int len = snprintf(ret->text, sizeof ret->text, "%s/%s/%s/aws4_request", ret->date,
                       request->region, request->service);
    if (len < 0 || (size_t)len >= sizeof ret->text)
        return mir_fail(err, MIR_USAGE, "the names of region and service are too long");
    const char *payload = request->payload;
    if (!payload && presigned && request->mode == EC2_SIGN_S3)
        payload = EC2_UNSIGNED_PAYLOAD;
    if (!payload)
        ec2_sha256_hex(request->body, request->body_len, ret->payload);
    else if (mir_copy(ret->payload, sizeof ret->payload, payload))
        return mir_fail(err, MIR_USAGE, "what stands for the body is too long");
    mir_buf_init(&ret->signed_in, EC2_SIGN_BYTES_MAX);
    return 0;
}

/* Canonical request, text to be signed and signature. `query` is encoded and sorted. */
static int sign_parts(const struct ec2_sign_request *request, struct scope *scope,
                      const struct mir_buf *lines, const struct mir_buf *query,
                      const struct ec2_credentials *credentials, struct ec2_signed *ret,
                      struct mir_error *err)
{
    struct mir_buf *c = &ret->canonical;
    mir_buf_addf(c, "%s\n", request->method ? request->method : "GET");
    ec2_path_write(c, request);
    mir_buf_addf(c, "\n%s\n%s\n%s\n%s", mir_buf_text(query), mir_buf_text(lines),
                 mir_buf_text(&scope->signed_in), scope->payload);
    if (c->full || lines->full || query->full || scope->signed_in.full)
        return mir_fail(err, MIR_USAGE, "a request of more than %d bytes of path and headers",
                        EC2_SIGN_BYTES_MAX);
    char digest[EC2_HEX_TEXT];
    ec2_sha256_hex(c->data, c->len, digest);
    mir_buf_addf(&ret->string_to_sign, ALGORITHM "\n%s\n%s\n%s", scope->stamp, scope->text, digest);
    sign_text(request, &credentials->secret, scope, ret->string_to_sign.data, ret->signature);
    return 0;
}

static void write_target(const struct ec2_sign_request *request, const struct mir_buf *query,
                         struct mir_buf *ret)
{
    mir_buf_adds(ret, request->path && *request->path ? request->path : "/");
    if (query->len)
        mir_buf_addf(ret, "?%s", query->data);
}

static void add(struct ec2_signed *ret, const char *name, const char *value)
{
    ret->added[ret->added_count++] = (struct mir_http_header){name, mir_strdup(value)};
}

static void begin(struct ec2_signed *ret)
{
    *ret = (struct ec2_signed){0};
    mir_buf_init(&ret->target, EC2_SIGN_BYTES_MAX);
    mir_buf_init(&ret->canonical, 2 * EC2_SIGN_BYTES_MAX);
    mir_buf_init(&ret->string_to_sign, 1024);
}

static void add_authorization(const struct ec2_credentials *credentials, const struct scope *scope,
                              struct ec2_signed *ret)
{
    mir_auto_free char *value = mir_format(
        ALGORITHM " Credential=%s/%s, SignedHeaders=%s, Signature=%s", credentials->access_key_id,
        scope->text, mir_buf_text(&scope->signed_in), ret->signature);
    add(ret, "Authorization", value);
}

static int sign_headers(const struct ec2_sign_request *request, struct scope *scope,
                        const struct ec2_credentials *credentials, struct ec2_signed *ret,
                        struct mir_error *err)
{
    struct ec2_header_list list;
    if (ec2_headers_begin(request, &list, err))
        return -1;
    add(ret, "X-Amz-Date", scope->stamp);
    if (request->payload_header || request->mode == EC2_SIGN_S3)
        add(ret, "X-Amz-Content-SHA256", scope->payload);
    if (!mir_secret_empty(&credentials->session_token))
        add(ret, "X-Amz-Security-Token", mir_secret_text(&credentials->session_token));
    for (size_t i = 0; i < ret->added_count; i++)
        ec2_headers_add(&list, ret->added[i].name, ret->added[i].value);
    mir_auto_buf struct mir_buf lines, query;
    mir_buf_init(&lines, EC2_SIGN_BYTES_MAX);
    mir_buf_init(&query, EC2_SIGN_BYTES_MAX);
    ec2_headers_write(&list, &lines, &scope->signed_in);
    ec2_query_write(&query, request->query, request->query_count);
    if (sign_parts(request, scope, &lines, &query, credentials, ret, err))
        return -1;
    add_authorization(credentials, scope, ret);
    write_target(request, &query, &ret->target);
    if (ret->target.full)
        return mir_fail(err, MIR_USAGE, "the address of the request is too long");
    return 0;
}

static int sign_query(const struct ec2_sign_request *request, struct scope *scope,
                      const struct ec2_credentials *credentials, int64_t expires_s,
                      struct ec2_signed *ret, struct mir_error *err)
{
    struct ec2_header_list list;
    if (ec2_headers_begin(request, &list, err))
        return -1;
    mir_auto_buf struct mir_buf lines, query;
    mir_buf_init(&lines, EC2_SIGN_BYTES_MAX);
    mir_buf_init(&query, EC2_SIGN_BYTES_MAX);
    ec2_headers_write(&list, &lines, &scope->signed_in);
    struct ec2_pair pairs[EC2_SIGN_QUERY_MAX];
    size_t count = request->query_count;
    for (size_t i = 0; i < count; i++)
        pairs[i] = request->query[i];
    char expires[24];
    snprintf(expires, sizeof expires, "%lld", (long long)expires_s);
    mir_auto_free char *who = mir_format("%s/%s", credentials->access_key_id, scope->text);
    pairs[count++] = (struct ec2_pair){"X-Amz-Algorithm", ALGORITHM};
    pairs[count++] = (struct ec2_pair){"X-Amz-Credential", who};
    pairs[count++] = (struct ec2_pair){"X-Amz-Date", scope->stamp};
    pairs[count++] = (struct ec2_pair){"X-Amz-Expires", expires};
    pairs[count++] = (struct ec2_pair){"X-Amz-SignedHeaders", mir_buf_text(&scope->signed_in)};
    if (!mir_secret_empty(&credentials->session_token))
        pairs[count++] =
            (struct ec2_pair){"X-Amz-Security-Token", mir_secret_text(&credentials->session_token)};
    ec2_query_write(&query, pairs, count);
    if (sign_parts(request, scope, &lines, &query, credentials, ret, err))
        return -1;
    write_target(request, &query, &ret->target);
    mir_buf_addf(&ret->target, "&X-Amz-Signature=%s", ret->signature);
    if (ret->target.full)
        return mir_fail(err, MIR_USAGE, "the address of the request is too long");
    return 0;
}

void ec2_signed_clear(struct ec2_signed *signed_request)
{
    for (size_t i = 0; i < signed_request->added_count; i++) {
        char *value = (char *)(uintptr_t)signed_request->added[i].value; /* ours */
        mir_wipe(value, strlen(value));
        free(value);
    }
    mir_wipe(signed_request->canonical.data, signed_request->canonical.len);
    mir_wipe(signed_request->target.data, signed_request->target.len);
    mir_buf_clear(&signed_request->target);
    mir_buf_clear(&signed_request->canonical);
    mir_buf_clear(&signed_request->string_to_sign);
    *signed_request = (struct ec2_signed){0};
}

static int sign_either(const struct ec2_sign_request *request,
                       const struct ec2_credentials *credentials, bool presigned, int64_t expires_s,
                       struct ec2_signed *ret, struct mir_error *err)
{
    struct scope scope;
    if (check(request, credentials, err) || make_scope(request, presigned, &scope, err))
        return -1;
    ec2_auto_signed struct ec2_signed made;
    begin(&made);
    int rc = presigned ? sign_query(request, &scope, credentials, expires_s, &made, err)
                       : sign_headers(request, &scope, credentials, &made, err);
    mir_buf_clear(&scope.signed_in);
    if (rc)
        return -1;
    *ret = made;
    made = (struct ec2_signed){0};
    return 0;
}

int ec2_sign(const struct ec2_sign_request *request, const struct ec2_credentials *credentials,
             struct ec2_signed *ret, struct mir_error *err)
{
    return sign_either(request, credentials, false, 0, ret, err);
}

int ec2_presign(const struct ec2_sign_request *request, const struct ec2_credentials *credentials,
                int64_t expires_s, struct ec2_signed *ret, struct mir_error *err)
{
    if (expires_s < 1 || expires_s > EC2_SIGN_EXPIRES_MAX_S)
        return mir_fail(err, MIR_USAGE, "a presigned URL is valid for 1 to %d seconds",
                        EC2_SIGN_EXPIRES_MAX_S);
    return sign_either(request, credentials, true, expires_s, ret, err);
}
