/* SPDX-License-Identifier: ISC */
/*
 * A request to be signed, read from JSON: what tests/ec2/judge.py asks and ec2/testdata/sign holds.
 * Members: mode ("default", "s3"), presign (seconds; 0: by headers), method, host, path, query
 * [[name, value]], headers [[name, value]], body (text), payload, payload_header, path_as_is,
 * region, service, now, key, secret, token. For tests only.
 */
#ifndef TESTS_EC2_SIGN_CASE_H
#define TESTS_EC2_SIGN_CASE_H

#include <jansson.h>
#include <string.h>

#include "api/memory.h"
#include "ec2/sign.h"

static inline const char *sign_case_text(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

/* Signs what the document says. 0, or -1 with err. */
static inline int sign_case(const json_t *json, struct ec2_signed *ret, struct mir_error *err)
{
    static struct ec2_pair query[EC2_SIGN_QUERY_MAX];
    static struct mir_http_header headers[EC2_SIGN_HEADERS_MAX];
    const json_t *pairs = json_object_get(json, "query"), *lines = json_object_get(json, "headers");
    struct ec2_sign_request r = {
        .mode = strcmp(sign_case_text(json, "mode"), "s3") ? EC2_SIGN_DEFAULT : EC2_SIGN_S3,
        .path_as_is = json_is_true(json_object_get(json, "path_as_is")),
        .method = sign_case_text(json, "method"),
        .host = sign_case_text(json, "host"),
        .path = sign_case_text(json, "path"),
        .query = query,
        .headers = headers,
        .body = sign_case_text(json, "body"),
        .body_len = json_string_length(json_object_get(json, "body")),
        .payload = json_string_value(json_object_get(json, "payload")),
        .payload_header = json_is_true(json_object_get(json, "payload_header")),
        .region = sign_case_text(json, "region"),
        .service = sign_case_text(json, "service"),
        .now_s = json_integer_value(json_object_get(json, "now")),
    };
    for (; r.query_count < json_array_size(pairs) && r.query_count < EC2_SIGN_QUERY_MAX;
         r.query_count++) {
        const json_t *pair = json_array_get(pairs, r.query_count);
        query[r.query_count].name = json_string_value(json_array_get(pair, 0));
        query[r.query_count].value = json_string_value(json_array_get(pair, 1));
    }
    for (; r.header_count < json_array_size(lines) && r.header_count < EC2_SIGN_HEADERS_MAX;
         r.header_count++) {
        const json_t *line = json_array_get(lines, r.header_count);
        headers[r.header_count].name = json_string_value(json_array_get(line, 0));
        headers[r.header_count].value = json_string_value(json_array_get(line, 1));
    }
    const char *secret = sign_case_text(json, "secret"), *token = sign_case_text(json, "token");
    ec2_auto_credentials struct ec2_credentials c = {0};
    mir_copy(c.access_key_id, sizeof c.access_key_id, sign_case_text(json, "key"));
    if (mir_secret_set(&c.secret, secret, strlen(secret), err) ||
        mir_secret_set(&c.session_token, token, strlen(token), err))
        return -1;
    int64_t expires_s = json_integer_value(json_object_get(json, "presign"));
    return expires_s ? ec2_presign(&r, &c, expires_s, ret, err) : ec2_sign(&r, &c, ret, err);
}

#endif
