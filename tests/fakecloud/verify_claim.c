/* SPDX-License-Identifier: ISC */
/* What a request says of its signature: the Authorization header, or the query when presigned. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/clock.h"
#include "api/memory.h"
#include "verify.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define EXPIRES_MAX_S 604800
#define SIGNATURE_HEX 64

static enum fc_denial deny(enum fc_denial denial, struct mir_error *why, const char *text)
{
    mir_fail(why, MIR_CREDENTIALS, "%s", text);
    return denial;
}

void fc_claim_clear(struct fc_claim *claim)
{
    free(claim->storage);
    free(claim->token);
    *claim = (struct fc_claim){0};
}

/* "KEY/20261129/us-east-1/ec2/aws4_request", cut in place. A key may hold slashes on other clouds,
 * never on AWS. */
static int cut_credential(char *text, struct fc_claim *claim)
{
    const char **parts[] = {&claim->access_key, &claim->date, &claim->region, &claim->service,
                            &claim->terminator};
    for (size_t i = 0; i < MIR_NELEMS(parts); i++) {
        if (!text || !*text)
            return -1;
        *parts[i] = text;
        char *slash = strchr(text, '/');
        if (slash)
            *slash = '\0';
        if (!**parts[i])
            return -1;
        text = slash ? slash + 1 : NULL;
    }
    return text ? -1 : 0;
}

/* Lower case, sorted, each once. */
static enum fc_denial cut_signed_headers(char *text, struct fc_claim *claim, struct mir_error *why)
{
    while (text) {
        char *stop = strchr(text, ';');
        if (stop)
            *stop = '\0';
        if (claim->signed_count == FC_SIGNED_HEADERS_MAX)
            return deny(FC_DENY_HEADERS, why, "SignedHeaders names too many");
        if (!*text || strpbrk(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ ,"))
            return deny(FC_DENY_HEADERS, why, "SignedHeaders is not a list of lower-case names");
        if (claim->signed_count &&
            strcmp(claim->signed_headers[claim->signed_count - 1], text) >= 0)
            return deny(FC_DENY_HEADERS, why, "SignedHeaders is not sorted, or names one twice");
        claim->signed_headers[claim->signed_count++] = text;
        text = stop ? stop + 1 : NULL;
    }
    return FC_DENY_NONE;
}

/* "20261129T152045Z" */
static int read_time(const char *text, struct fc_claim *claim)
{
    char rfc[MIR_TIME_SIZE];
    if (strlen(text) != 16 || text[8] != 'T' || text[15] != 'Z')
        return -1;
    for (size_t i = 0; i < 15; i++)
        if (i != 8 && (text[i] < '0' || text[i] > '9'))
            return -1;
    mir_auto_free char *built = mir_format("%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", text, text + 4,
                                           text + 6, text + 9, text + 11, text + 13);
    mir_copy(rfc, sizeof rfc, built);
    mir_copy(claim->time, sizeof claim->time, text);
    return mir_time_parse(rfc, &claim->time_s, NULL);
}

static bool is_signature(const char *text)
{
    return strlen(text) == SIGNATURE_HEX && strspn(text, "0123456789abcdef") == SIGNATURE_HEX;
}

struct raw_claim {
    char *credential, *signed_headers, *signature; /* within the claim's storage */
    const char *time;
};

static enum fc_denial read_raw(struct raw_claim *raw, struct fc_claim *claim, struct mir_error *why)
{
    if (!raw->credential || !raw->signed_headers || !raw->signature)
        return deny(FC_DENY_MALFORMED, why,
                    "Credential, SignedHeaders and Signature have to be given, each once");
    if (!is_signature(raw->signature))
        return deny(FC_DENY_MALFORMED, why, "the Signature is not 64 lower-case hex digits");
    claim->signature = raw->signature;
    if (cut_credential(raw->credential, claim))
        return deny(FC_DENY_MALFORMED, why,
                    "the Credential is not KEY/DATE/REGION/SERVICE/aws4_request");
    if (!raw->time || read_time(raw->time, claim))
        return deny(FC_DENY_MALFORMED, why, "X-Amz-Date is absent or not YYYYMMDDTHHMMSSZ");
    return cut_signed_headers(raw->signed_headers, claim, why);
}

static size_t count_headers(const struct fc_request *request, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < request->header_count; i++)
        count += !strcasecmp(request->headers[i].name, name);
    return count;
}

/* "ALGORITHM Credential=…, SignedHeaders=…, Signature=…", in any order, blanks after the comma
 * allowed. */
static enum fc_denial cut_authorization(char *text, struct raw_claim *raw, struct mir_error *why)
{
    const struct {
        const char *name;
        char **slot;
    } parts[] = {{"Credential=", &raw->credential},
                 {"SignedHeaders=", &raw->signed_headers},
                 {"Signature=", &raw->signature}};
    while (text) {
        text += strspn(text, " ");
        char *stop = strchr(text, ',');
        if (stop)
            *stop = '\0';
        size_t i = 0;
        while (i < MIR_NELEMS(parts) && strncmp(text, parts[i].name, strlen(parts[i].name)) != 0)
            i++;
        if (i == MIR_NELEMS(parts) || *parts[i].slot)
            return deny(FC_DENY_MALFORMED, why,
                        "the Authorization header has an unknown part, or one twice");
        *parts[i].slot = text + strlen(parts[i].name);
        text = stop ? stop + 1 : NULL;
    }
    return FC_DENY_NONE;
}

static enum fc_denial read_header(const struct fc_request *request, struct fc_claim *claim,
                                  struct mir_error *why)
{
    const char *header = fc_request_header(request, "Authorization");
    if (count_headers(request, "Authorization") != 1 || count_headers(request, "X-Amz-Date") > 1 ||
        count_headers(request, "X-Amz-Security-Token") > 1)
        return deny(FC_DENY_MALFORMED, why, "a header of the signature stands there twice");
    if (strncmp(header, ALGORITHM " ", sizeof ALGORITHM) != 0)
        return deny(FC_DENY_MALFORMED, why, "the Authorization header is not " ALGORITHM);
    claim->storage = mir_strdup(header + sizeof ALGORITHM);
    struct raw_claim raw = {.time = fc_request_header(request, "X-Amz-Date")};
    enum fc_denial denial = cut_authorization(claim->storage, &raw, why);
    if (denial)
        return denial;
    claim->token = mir_strdup(fc_request_header(request, "X-Amz-Security-Token"));
    return read_raw(&raw, claim, why);
}

static const char *query_once(const struct fc_request *request, const char *name, bool *twice)
{
    const char *value = NULL;
    for (size_t i = 0; i < request->query.count; i++) {
        if (strcmp(request->query.rows[i].name, name) != 0)
            continue;
        if (value)
            *twice = true;
        value = request->query.rows[i].value;
    }
    return value;
}

static enum fc_denial read_expires(const char *text, struct fc_claim *claim, struct mir_error *why)
{
    char *end = NULL;
    claim->expires_s = text && *text >= '0' && *text <= '9' ? strtoll(text, &end, 10) : 0;
    if (!end || *end || claim->expires_s < 1 || claim->expires_s > EXPIRES_MAX_S)
        return deny(FC_DENY_MALFORMED, why, "X-Amz-Expires is not within 1 and 604800");
    return FC_DENY_NONE;
}

static enum fc_denial read_presigned(const struct fc_request *request, struct fc_claim *claim,
                                     struct mir_error *why)
{
    bool twice = false;
    const char *algorithm = query_once(request, "X-Amz-Algorithm", &twice);
    const char *credential = query_once(request, "X-Amz-Credential", &twice);
    const char *names = query_once(request, "X-Amz-SignedHeaders", &twice);
    const char *signature = query_once(request, "X-Amz-Signature", &twice);
    const char *expires = query_once(request, "X-Amz-Expires", &twice);
    struct raw_claim raw = {.time = query_once(request, "X-Amz-Date", &twice)};
    claim->presigned = true;
    claim->token = mir_strdup(query_once(request, "X-Amz-Security-Token", &twice));
    if (twice || !algorithm || !credential || !names || !signature || !expires)
        return deny(FC_DENY_MALFORMED, why,
                    "a presigned request needs X-Amz-Algorithm, -Credential, -Date, -Expires, "
                    "-SignedHeaders and -Signature, each once");
    if (strcmp(algorithm, ALGORITHM) != 0)
        return deny(FC_DENY_MALFORMED, why, "X-Amz-Algorithm is not " ALGORITHM);
    size_t credential_len = strlen(credential) + 1, names_len = strlen(names) + 1;
    size_t signature_len = strlen(signature) + 1;
    claim->storage = mir_calloc(credential_len + names_len + signature_len, 1);
    raw.credential = memcpy(claim->storage, credential, credential_len);
    raw.signed_headers = memcpy(raw.credential + credential_len, names, names_len);
    raw.signature = memcpy(raw.signed_headers + names_len, signature, signature_len);
    enum fc_denial denial = read_expires(expires, claim, why);
    return denial ? denial : read_raw(&raw, claim, why);
}

enum fc_denial fc_claim_read(const struct fc_request *request, struct fc_claim *ret,
                             struct mir_error *why)
{
    struct fc_claim claim = {0};
    bool header = fc_request_header(request, "Authorization") != NULL;
    bool query = fc_request_query(request, "X-Amz-Signature") ||
                 fc_request_query(request, "X-Amz-Algorithm");
    enum fc_denial denial;
    if (header && query)
        denial = deny(FC_DENY_MALFORMED, why, "signed in the header and in the query: one of them");
    else if (header)
        denial = read_header(request, &claim, why);
    else if (query)
        denial = read_presigned(request, &claim, why);
    else
        denial = deny(FC_DENY_UNSIGNED, why, "the request is not signed");
    if (denial)
        fc_claim_clear(&claim);
    else
        *ret = claim;
    return denial;
}
