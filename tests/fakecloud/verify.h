/* SPDX-License-Identifier: ISC */
/*
 * Is this request signed (AWS Signature Version 4), and by whom? Answered from the bytes that came
 * over the wire: path and query are decoded and encoded again, so that a signer's own idea of the
 * canonical form is never taken over. Stricter than a cloud may be: whatever AWS documents as the
 * signer's duty is looked for.
 *
 * Shares nothing with any signer of this project. Pure; any thread.
 */
#ifndef FAKECLOUD_VERIFY_H
#define FAKECLOUD_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "request.h"

#define FC_SIGNED_HEADERS_MAX 64
#define FC_SHA256_HEX 65

/* Why a request is not taken. What a service calls it is the business of deny.h. */
enum fc_denial {
    FC_DENY_NONE = 0,
    FC_DENY_UNSIGNED,  /* neither header nor query carries a signature */
    FC_DENY_MALFORMED, /* parts missing, twice, or not of their form */
    FC_DENY_HEADERS,   /* SignedHeaders unsorted, repeated, absent, or too few */
    FC_DENY_SCOPE,     /* date, region, service or terminator of the credential */
    FC_DENY_KEY,       /* no such access key */
    FC_DENY_TOKEN,     /* a session token missing, wrong, or where none belongs */
    FC_DENY_TOKEN_EXPIRED,
    FC_DENY_SKEW,         /* signed at another time than it is */
    FC_DENY_EXPIRED,      /* a presigned request past its time */
    FC_DENY_PAYLOAD,      /* the body is not the one that was signed */
    FC_DENY_PAYLOAD_FORM, /* no payload hash where one is required, or a kind not taken here */
    FC_DENY_SIGNATURE,
    FC_DENY_COUNT
};

/* What the request says of its signature; all borrowed from `storage`, owned. */
struct fc_claim {
    char *storage;
    bool presigned;
    const char *access_key, *date, *region, *service, *terminator;
    const char *signature; /* 64 hex digits */
    const char *signed_headers[FC_SIGNED_HEADERS_MAX];
    size_t signed_count;
    char time[17];     /* YYYYMMDDTHHMMSSZ */
    int64_t time_s;    /* the same */
    int64_t expires_s; /* presigned: seconds from time_s on */
    char *token;       /* owned; NULL: none came */
};

struct fc_rules {
    const char *service;        /* what the credential has to be scoped to */
    const char *region;         /* NULL: any in `regions` */
    const char *const *regions; /* ends with NULL */
    bool once;                  /* the path is encoded once, not twice (S3) */
    bool as_it_is;              /* the path is not normalised (S3) */
    bool hash_required;         /* x-amz-content-sha256 has to come (S3) */
    bool unsigned_payload;      /* UNSIGNED-PAYLOAD is taken */
    int64_t skew_s;
    int64_t now_s;
};

/* Read what is claimed. 0: *ret is filled, to be cleared. Else a denial, with text in why. */
enum fc_denial fc_claim_read(const struct fc_request *request, struct fc_claim *ret,
                             struct mir_error *why);
void fc_claim_clear(struct fc_claim *claim);

/* Hold the claim against the rules, and the signature against the secret. `token` is what belongs
 * to the key, NULL for a lasting one. */
enum fc_denial fc_claim_check(const struct fc_request *request, const struct fc_claim *claim,
                              const struct fc_rules *rules, const char *secret, const char *token,
                              struct mir_error *why);

/* The canonical request, as the receiver sees it; appended to out. For the tests as well. */
void fc_canonical_request(const struct fc_request *request, const struct fc_claim *claim,
                          const struct fc_rules *rules, const char *payload_hash,
                          struct mir_buf *out);

#endif
