/* SPDX-License-Identifier: ISC */
/*
 * AWS Signature Version 4 (AWS4-HMAC-SHA256): signs one request by headers, or makes a presigned
 * URL. Pure: it reads no clock and sends nothing.
 *
 * Query parameters come as they are meant and leave encoded and sorted; what is signed is byte for
 * byte what has to be sent, so the caller sends `target` and the headers as they are given back and
 * changes nothing. The path comes as it is sent, encoded once (mir_url_encode).
 *
 * Source: "Create a signed AWS API request" of the IAM user guide; service S3 differs (no second
 * encoding of the path, no normalisation, x-amz-content-sha256 always): mode EC2_SIGN_S3.
 *
 * Limits: EC2_SIGN_HEADERS_MAX headers, EC2_SIGN_QUERY_MAX parameters, EC2_SIGN_BYTES_MAX bytes of
 * target or headers. Any thread. Errors: MIR_USAGE.
 */
#ifndef EC2_SIGN_H
#define EC2_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/buf.h"
#include "api/http.h"
#include "ec2/credentials.h"

#define EC2_SIGN_HEADERS_MAX 64
#define EC2_SIGN_QUERY_MAX 256
#define EC2_SIGN_BYTES_MAX 262144
#define EC2_SIGN_EXPIRES_MAX_S 604800 /* of a presigned URL */
#define EC2_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"

enum ec2_sign_mode { EC2_SIGN_DEFAULT = 0, EC2_SIGN_S3 };

struct ec2_pair { /* borrowed */
    const char *name;
    const char *value; /* NULL: none, which is signed and sent as "name=" */
};

/* All pointers borrowed until the signing returns. */
struct ec2_sign_request {
    enum ec2_sign_mode mode;
    bool path_as_is;    /* default mode: do not fold "//", "/./" and "/../" away first */
    const char *method; /* NULL: GET */
    const char *host;   /* as the Host header says it: with the port unless it is the default one */
    const char *path;   /* as sent; NULL or "": "/" */
    const struct ec2_pair *query;
    size_t query_count;
    /* Signed, all of them, but those that may be changed underway (user-agent, expect, connection,
     * transfer-encoding, x-amzn-trace-id, authorization). Not Host, nor those that are added. */
    const struct mir_http_header *headers;
    size_t header_count;
    const void *body;
    size_t body_len;
    /* What stands for the body: its SHA-256 in lower-case hex, or EC2_UNSIGNED_PAYLOAD; NULL: the
     * digest of `body` is made here. */
    const char *payload;
    bool payload_header; /* add x-amz-content-sha256 (mode S3: always) */
    const char *region;
    const char *service; /* the signing name: "ec2", "s3", ... */
    int64_t now_s;       /* UTC, corrected by what is known of the server's clock */
};

#define EC2_SIGN_ADDED_MAX 4

/* Owned; clear it. */
struct ec2_signed {
    struct mir_buf target; /* path, and "?" and query if there is one: what follows the host */
    /* To be sent beside the caller's own (none for a presigned one): X-Amz-Date,
     * X-Amz-Content-SHA256, X-Amz-Security-Token, Authorization. Texts owned. */
    struct mir_http_header added[EC2_SIGN_ADDED_MAX];
    size_t added_count;
    char signature[65];
    struct mir_buf canonical;      /* the canonical request, for whoever has to find a difference */
    struct mir_buf string_to_sign; /* likewise */
};

void ec2_signed_clear(struct ec2_signed *signed_request);
#define ec2_auto_signed MIR_CLEANUP(ec2_signed_clear)

int ec2_sign(const struct ec2_sign_request *request, const struct ec2_credentials *credentials,
             struct ec2_signed *ret, struct mir_error *err);

/* A request that is valid for `expires_s` (1..EC2_SIGN_EXPIRES_MAX_S) seconds by its URL alone. The
 * headers given are signed, too, so whoever uses it has to send them. Mode S3: the body is
 * EC2_UNSIGNED_PAYLOAD unless `payload` says otherwise. */
int ec2_presign(const struct ec2_sign_request *request, const struct ec2_credentials *credentials,
                int64_t expires_s, struct ec2_signed *ret, struct mir_error *err);

/* The SHA-256 of some bytes, as it is sent and signed. */
#define EC2_HEX_TEXT 65
void ec2_sha256_hex(const void *data, size_t len, char out[EC2_HEX_TEXT]);

#endif
