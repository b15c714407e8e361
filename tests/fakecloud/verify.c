/* SPDX-License-Identifier: ISC */
/* The receiver's canonical request, and the signature held against it. */
#include "verify.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/id.h"
#include "api/memory.h"

#define CANONICAL_MAX ((size_t)4 << 20)
#define UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"

static enum fc_denial deny(enum fc_denial denial, struct mir_error *why, const char *text,
                           const char *detail)
{
    mir_fail(why, MIR_CREDENTIALS, "%s%.200s", text, detail);
    return denial;
}

/* --- the canonical request --- */

static void encode(struct mir_buf *out, const char *text, bool keep_slash)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (const char *p = text; *p; p++) {
        if (strchr(plain, *p) || (keep_slash && *p == '/'))
            mir_buf_add(out, p, 1);
        else
            mir_buf_addf(out, "%%%02X", (unsigned)(unsigned char)*p);
    }
}

/* RFC 3986 dot segments and repeated slashes go; a trailing slash stays. */
static char *normalised(const char *path)
{
    size_t len = strlen(path), out_len = 0;
    char *out = mir_calloc(len + 2, 1);
    const char *p = path;
    bool slash_ends = true;
    while (*p) {
        p += strspn(p, "/");
        size_t segment = strcspn(p, "/");
        if (segment == 0)
            break;
        bool dot = segment == 1 && p[0] == '.';
        bool dots = segment == 2 && p[0] == '.' && p[1] == '.';
        if (dots)
            while (out_len && out[--out_len] != '/')
                ;
        if (!dot && !dots) {
            out[out_len++] = '/';
            memcpy(out + out_len, p, segment);
            out_len += segment;
        }
        p += segment;
        slash_ends = *p == '/' || dot || dots;
    }
    if (out_len == 0 || slash_ends)
        out[out_len++] = '/';
    out[out_len] = '\0';
    return out;
}

/* The path as its client has to have sent it: each segment decoded and encoded, a %2F within one
 * kept apart from the slashes between them. */
static void encode_segments(struct mir_buf *out, const char *raw)
{
    while (*raw) {
        size_t len = strcspn(raw, "/");
        mir_auto_free char *segment = fc_percent_decode(raw, len, false);
        if (segment)
            encode(out, segment, false);
        raw += len;
        if (*raw == '/') {
            mir_buf_adds(out, "/");
            raw++;
        }
    }
}

static void add_path(struct mir_buf *out, const struct fc_request *request,
                     const struct fc_rules *rules)
{
    mir_auto_free char *raw =
        mir_format("%.*s", (int)strcspn(request->target, "?"), request->target);
    const char *path = rules->once ? request->path : raw;
    mir_auto_free char *normal =
        rules->as_it_is ? mir_strdup(*path ? path : "/") : normalised(path);
    if (rules->once) {
        encode(out, normal, true);
        return;
    }
    mir_auto_buf struct mir_buf first;
    mir_buf_init(&first, CANONICAL_MAX);
    encode_segments(&first, normal);
    encode(out, mir_buf_text(&first), true);
}

struct encoded_pair {
    char *name, *value;
};

static int by_name_then_value(const void *a, const void *b)
{
    const struct encoded_pair *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order ? order : strcmp(left->value, right->value);
}

static char *encoded(const char *text)
{
    struct mir_buf out;
    mir_buf_init(&out, CANONICAL_MAX);
    encode(&out, text, false);
    return mir_buf_take(&out);
}

static void add_query(struct mir_buf *out, const struct fc_request *request,
                      const struct fc_claim *claim)
{
    size_t count = 0;
    struct encoded_pair *rows = mir_calloc(request->query.count + 1, sizeof *rows);
    for (size_t i = 0; i < request->query.count; i++) {
        const struct fc_pair *pair = &request->query.rows[i];
        if (claim->presigned && !strcmp(pair->name, "X-Amz-Signature"))
            continue;
        rows[count].name = encoded(pair->name);
        rows[count++].value = encoded(pair->value);
    }
    qsort(rows, count, sizeof *rows, by_name_then_value);
    for (size_t i = 0; i < count; i++) {
        mir_buf_addf(out, "%s%s=%s", i ? "&" : "", rows[i].name, rows[i].value);
        free(rows[i].name);
        free(rows[i].value);
    }
    free(rows);
}

/* Without blanks at the ends, runs of them as one. */
static void add_value(struct mir_buf *out, const char *value)
{
    bool space = false, begun = false;
    for (const char *p = value; *p; p++) {
        if (*p == ' ' || *p == '\t') {
            space = begun;
            continue;
        }
        if (space)
            mir_buf_adds(out, " ");
        mir_buf_add(out, p, 1);
        space = false;
        begun = true;
    }
}

static void add_headers(struct mir_buf *out, const struct fc_request *request,
                        const struct fc_claim *claim)
{
    for (size_t i = 0; i < claim->signed_count; i++) {
        bool again = false;
        mir_buf_addf(out, "%s:", claim->signed_headers[i]);
        for (size_t j = 0; j < request->header_count; j++) {
            if (strcasecmp(request->headers[j].name, claim->signed_headers[i]) != 0)
                continue;
            if (again)
                mir_buf_adds(out, ",");
            add_value(out, request->headers[j].value);
            again = true;
        }
        mir_buf_adds(out, "\n");
    }
    mir_buf_adds(out, "\n");
    for (size_t i = 0; i < claim->signed_count; i++)
        mir_buf_addf(out, "%s%s", i ? ";" : "", claim->signed_headers[i]);
}

void fc_canonical_request(const struct fc_request *request, const struct fc_claim *claim,
                          const struct fc_rules *rules, const char *payload_hash,
                          struct mir_buf *out)
{
    mir_buf_addf(out, "%s\n", request->method);
    add_path(out, request, rules);
    mir_buf_adds(out, "\n");
    add_query(out, request, claim);
    mir_buf_adds(out, "\n");
    add_headers(out, request, claim);
    mir_buf_addf(out, "\n%s", payload_hash);
}

/* --- the checks --- */

static bool is_signed(const struct fc_claim *claim, const char *name)
{
    for (size_t i = 0; i < claim->signed_count; i++)
        if (!strcasecmp(claim->signed_headers[i], name))
            return true;
    return false;
}

static enum fc_denial check_headers(const struct fc_request *request, const struct fc_claim *claim,
                                    struct mir_error *why)
{
    for (size_t i = 0; i < claim->signed_count; i++)
        if (!fc_request_header(request, claim->signed_headers[i]))
            return deny(FC_DENY_HEADERS, why, "SignedHeaders names a header that did not come: ",
                        claim->signed_headers[i]);
    if (!is_signed(claim, "host"))
        return deny(FC_DENY_HEADERS, why, "the header host is not signed", "");
    for (size_t i = 0; i < request->header_count; i++) {
        const char *name = request->headers[i].name;
        bool wanted = !strncasecmp(name, "x-amz-", 6) ||
                      (!claim->presigned && !strcasecmp(name, "content-type"));
        if (wanted && !is_signed(claim, name))
            return deny(FC_DENY_HEADERS, why,
                        "there were headers in the request that were not signed: ", name);
    }
    return FC_DENY_NONE;
}

static bool region_known(const struct fc_claim *claim, const struct fc_rules *rules)
{
    if (rules->region)
        return !strcmp(claim->region, rules->region);
    for (const char *const *region = rules->regions; region && *region; region++)
        if (!strcmp(claim->region, *region))
            return true;
    return false;
}

static enum fc_denial check_scope(const struct fc_claim *claim, const struct fc_rules *rules,
                                  struct mir_error *why)
{
    if (strcmp(claim->terminator, "aws4_request") != 0)
        return deny(FC_DENY_SCOPE, why,
                    "Credential should be scoped with a valid terminator: "
                    "'aws4_request'",
                    "");
    if (strlen(claim->date) != 8 || strncmp(claim->date, claim->time, 8) != 0)
        return deny(FC_DENY_SCOPE, why,
                    "Date in Credential scope does not match YYYYMMDD from X-Amz-Date", "");
    if (!region_known(claim, rules))
        return deny(FC_DENY_SCOPE, why, "Credential should be scoped to a valid region, not ",
                    claim->region);
    if (strcmp(claim->service, rules->service) != 0)
        return deny(FC_DENY_SCOPE, why,
                    "Credential should be scoped to correct service: ", rules->service);
    return FC_DENY_NONE;
}

static enum fc_denial check_time(const struct fc_claim *claim, const struct fc_rules *rules,
                                 struct mir_error *why)
{
    int64_t ahead_s = claim->time_s - rules->now_s;
    mir_auto_free char *detail =
        mir_format("%s is %lld s from now", claim->time, (long long)ahead_s);
    if (claim->presigned && ahead_s <= rules->skew_s)
        return rules->now_s < claim->time_s + claim->expires_s
                   ? FC_DENY_NONE
                   : deny(FC_DENY_EXPIRED, why, "Request has expired", "");
    if (ahead_s > rules->skew_s)
        return deny(FC_DENY_SKEW, why, "Signature not yet current: ", detail);
    if (-ahead_s > rules->skew_s)
        return deny(FC_DENY_SKEW, why, "Signature expired: ", detail);
    return FC_DENY_NONE;
}

static enum fc_denial check_token(const struct fc_claim *claim, const char *token,
                                  struct mir_error *why)
{
    if (token && !claim->token)
        return deny(FC_DENY_TOKEN, why, "this access key needs its session token", "");
    if (!token && claim->token)
        return deny(FC_DENY_TOKEN, why, "this access key has no session token", "");
    if (!token)
        return FC_DENY_NONE;
    size_t len = strlen(token);
    if (strlen(claim->token) != len || CRYPTO_memcmp(claim->token, token, len) != 0)
        return deny(FC_DENY_TOKEN, why, "the session token is another one's", "");
    return FC_DENY_NONE;
}

/* What stands in the last line of the canonical request. */
static enum fc_denial check_payload(const struct fc_request *request, const struct fc_claim *claim,
                                    const struct fc_rules *rules, char hash[FC_SHA256_HEX],
                                    struct mir_error *why)
{
    const char *said = fc_request_header(request, "X-Amz-Content-Sha256");
    if (!said && claim->presigned)
        said = fc_request_query(request, "X-Amz-Content-Sha256");
    if (!said && rules->hash_required) {
        if (!claim->presigned)
            return deny(FC_DENY_PAYLOAD_FORM, why, "x-amz-content-sha256 is missing", "");
        said = UNSIGNED_PAYLOAD;
    }
    mir_hex(request->body.sha256, sizeof request->body.sha256, hash);
    if (!said)
        return FC_DENY_NONE;
    if (!strcmp(said, UNSIGNED_PAYLOAD)) {
        if (!rules->unsigned_payload)
            return deny(FC_DENY_PAYLOAD_FORM, why, "the payload has to be signed here", "");
        mir_copy(hash, FC_SHA256_HEX, said);
        return FC_DENY_NONE;
    }
    if (strlen(said) != FC_SHA256_HEX - 1 || strspn(said, "0123456789abcdef") != FC_SHA256_HEX - 1)
        return deny(FC_DENY_PAYLOAD_FORM, why,
                    "not a form of x-amz-content-sha256 taken here: ", said);
    if (strcmp(said, hash) != 0)
        return deny(FC_DENY_PAYLOAD, why, "the body's SHA-256 is ", hash);
    return FC_DENY_NONE;
}

static void hmac(const void *key, size_t key_len, const char *text, unsigned char out[32])
{
    unsigned len = 32;
    if (!HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text, strlen(text), out,
              &len))
        abort();
}

static void expected_signature(const struct fc_claim *claim, const char *secret,
                               const char *canonical, char out[FC_SHA256_HEX])
{
    unsigned char digest[32];
    char digest_hex[FC_SHA256_HEX];
    if (!EVP_Digest(canonical, strlen(canonical), digest, NULL, EVP_sha256(), NULL))
        abort();
    mir_hex(digest, sizeof digest, digest_hex);
    mir_auto_free char *to_sign =
        mir_format("AWS4-HMAC-SHA256\n%s\n%s/%s/%s/%s\n%s", claim->time, claim->date, claim->region,
                   claim->service, claim->terminator, digest_hex);
    mir_auto_free char *first = mir_format("AWS4%s", secret);
    unsigned char key[32];
    hmac(first, strlen(first), claim->date, key);
    hmac(key, sizeof key, claim->region, key);
    hmac(key, sizeof key, claim->service, key);
    hmac(key, sizeof key, claim->terminator, key);
    hmac(key, sizeof key, to_sign, digest);
    mir_hex(digest, sizeof digest, out);
}

enum fc_denial fc_claim_check(const struct fc_request *request, const struct fc_claim *claim,
                              const struct fc_rules *rules, const char *secret, const char *token,
                              struct mir_error *why)
{
    char hash[FC_SHA256_HEX], expected[FC_SHA256_HEX];
    enum fc_denial denial = check_headers(request, claim, why);
    if (!denial)
        denial = check_scope(claim, rules, why);
    if (!denial)
        denial = check_time(claim, rules, why);
    if (!denial)
        denial = check_token(claim, token, why);
    if (!denial)
        denial = check_payload(request, claim, rules, hash, why);
    if (denial)
        return denial;
    mir_auto_buf struct mir_buf canonical;
    mir_buf_init(&canonical, CANONICAL_MAX);
    fc_canonical_request(request, claim, rules, hash, &canonical);
    if (canonical.full)
        return deny(FC_DENY_MALFORMED, why, "the request's head is too large", "");
    expected_signature(claim, secret, mir_buf_text(&canonical), expected);
    if (CRYPTO_memcmp(expected, claim->signature, FC_SHA256_HEX - 1) != 0)
        return deny(
            FC_DENY_SIGNATURE, why,
            "The request signature we calculated does not match the signature you provided. "
            "The canonical request is: ",
            mir_buf_text(&canonical));
    return FC_DENY_NONE;
}
