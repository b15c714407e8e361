/* SPDX-License-Identifier: ISC */
#include "errors.h"

#include <stdio.h>
#include <string.h>

#include "api/json.h"
#include "api/memory.h"
#include "api/xml.h"

#define HINT_KEYS                                                                                  \
    "check the access key and its secret; `mirage-deploy doctor ec2` shows which are used"
#define HINT_EXPIRED "the credentials have expired; get new ones"
#define HINT_ALLOW "`mirage-deploy doctor ec2 --print-policy` prints what has to be allowed"
#define HINT_CLOCK "set this machine's clock"
#define HINT_QUOTA "ask for a higher quota at AWS, or end something first"
#define HINT_ZONE "try another availability zone, instance type or region"

/* The first row that fits counts: exact codes before kinds of codes. Sources: "Error codes for the
 * Amazon EC2 API", the error pages of S3, STS, EBS direct and Scheduler, and the lists of codes
 * that the AWS tools repeat a call for. */
static const struct ec2_error_row rows[] = {
    /* who asks */
    {"AuthFailure", MIR_CREDENTIALS, MIR_RETRY_NEVER, false, HINT_KEYS},
    {"SignatureDoesNotMatch", MIR_CREDENTIALS, MIR_RETRY_NEVER, false, HINT_KEYS},
    {"InvalidSignatureException", MIR_CREDENTIALS, MIR_RETRY_NEVER, false, HINT_KEYS},
    {"IncompleteSignature*", MIR_CREDENTIALS, MIR_RETRY_NEVER, false, HINT_KEYS},
    {"InvalidClientTokenId", MIR_CREDENTIALS, MIR_RETRY_NEVER, false, HINT_KEYS},
    {"UnrecognizedClientException", MIR_CREDENTIALS, MIR_RETRY_NEVER, false, HINT_KEYS},
    {"InvalidAccessKeyId", MIR_CREDENTIALS, MIR_RETRY_NEVER, false, HINT_KEYS},
    {"MissingAuthenticationToken*", MIR_CREDENTIALS, MIR_RETRY_NEVER, false, HINT_KEYS},
    {"InvalidToken", MIR_CREDENTIALS, MIR_RETRY_NEVER, false, HINT_KEYS},
    {"InvalidIdentityToken*", MIR_CREDENTIALS, MIR_RETRY_NEVER, false, NULL},
    {"IDPRejectedClaim*", MIR_CREDENTIALS, MIR_RETRY_NEVER, false, NULL},
    {"IDPCommunicationError*", MIR_UNAVAILABLE, MIR_RETRY_TRANSIENT, false, NULL},
    {"ExpiredToken*", MIR_CREDENTIALS, MIR_RETRY_NEVER, false, HINT_EXPIRED},
    {"RequestExpired", MIR_CREDENTIALS, MIR_RETRY_NEVER, false, HINT_CLOCK},
    {"RequestTimeTooSkewed", MIR_CREDENTIALS, MIR_RETRY_NEVER, false, HINT_CLOCK},
    {"OptInRequired", MIR_CREDENTIALS, MIR_RETRY_NEVER, false, "sign the account up for it"},
    {"PendingVerification", MIR_CREDENTIALS, MIR_RETRY_NEVER, false, "AWS verifies the account"},
    {"Blocked", MIR_CREDENTIALS, MIR_RETRY_NEVER, false, "the account is blocked; ask AWS"},
    {"UnauthorizedOperation", MIR_CREDENTIALS, MIR_RETRY_NEVER, false, HINT_ALLOW},
    {"AccessDenied*", MIR_CREDENTIALS, MIR_RETRY_NEVER, false, HINT_ALLOW},
    {"AuthorizationHeaderMalformed", MIR_CREDENTIALS, MIR_RETRY_NEVER, false,
     "is it the right region?"},
    {"AccessControlListNotSupported", MIR_POLICY, MIR_RETRY_NEVER, false,
     "EC2 reads bundles by their access control lists: give the bucket the object ownership "
     "BucketOwnerPreferred"},
    /* too fast */
    {"Throttl*", MIR_THROTTLED, MIR_RETRY_THROTTLED, false, NULL},
    {"ThrottledException", MIR_THROTTLED, MIR_RETRY_THROTTLED, false, NULL},
    {"RequestThrottled*", MIR_THROTTLED, MIR_RETRY_THROTTLED, false, NULL},
    {"TooManyRequestsException", MIR_THROTTLED, MIR_RETRY_THROTTLED, false, NULL},
    {"ProvisionedThroughputExceededException", MIR_THROTTLED, MIR_RETRY_THROTTLED, false, NULL},
    {"TransactionInProgressException", MIR_THROTTLED, MIR_RETRY_THROTTLED, false, NULL},
    {"RequestLimitExceeded", MIR_THROTTLED, MIR_RETRY_THROTTLED, false, NULL},
    {"BandwidthLimitExceeded", MIR_THROTTLED, MIR_RETRY_THROTTLED, false, NULL},
    {"LimitExceededException", MIR_THROTTLED, MIR_RETRY_THROTTLED, false, NULL},
    {"SlowDown", MIR_THROTTLED, MIR_RETRY_THROTTLED, false, NULL},
    {"PriorRequestNotComplete", MIR_THROTTLED, MIR_RETRY_THROTTLED, false, NULL},
    {"EC2ThrottledException", MIR_THROTTLED, MIR_RETRY_THROTTLED, false, NULL},
    {"ConcurrentLimitExceeded*", MIR_THROTTLED, MIR_RETRY_THROTTLED, false, NULL},
    /* not now */
    {"InternalError", MIR_UNAVAILABLE, MIR_RETRY_SERVER, true, NULL},
    {"InternalFailure", MIR_UNAVAILABLE, MIR_RETRY_SERVER, true, NULL},
    {"InternalServer*", MIR_UNAVAILABLE, MIR_RETRY_SERVER, true, NULL},
    {"ServerInternal", MIR_UNAVAILABLE, MIR_RETRY_SERVER, true, NULL},
    {"Unavailable", MIR_UNAVAILABLE, MIR_RETRY_SERVER, true, NULL},
    {"ServiceUnavailable*", MIR_UNAVAILABLE, MIR_RETRY_SERVER, true, NULL},
    {"RequestTimeout*", MIR_UNAVAILABLE, MIR_RETRY_TRANSIENT, true, NULL},
    {"BadDigest", MIR_UNAVAILABLE, MIR_RETRY_TRANSIENT, false, NULL},
    {"XAmzContentSHA256Mismatch", MIR_UNAVAILABLE, MIR_RETRY_TRANSIENT, false, NULL},
    {"IncompleteBody", MIR_UNAVAILABLE, MIR_RETRY_TRANSIENT, false, NULL},
    {"Insufficient*Capacity*", MIR_UNAVAILABLE, MIR_RETRY_NEVER, false, HINT_ZONE},
    {"SpotMaxPriceTooLow", MIR_UNAVAILABLE, MIR_RETRY_NEVER, false, "offer more, or no spot"},
    {"Unsupported", MIR_UNAVAILABLE, MIR_RETRY_NEVER, false, HINT_ZONE},
    /* not so much */
    {"MaxSpotInstanceCountExceeded", MIR_POLICY, MIR_RETRY_NEVER, false, HINT_QUOTA},
    {"ServiceQuotaExceededException", MIR_POLICY, MIR_RETRY_NEVER, false, HINT_QUOTA},
    {"*LimitExceeded", MIR_POLICY, MIR_RETRY_NEVER, false, HINT_QUOTA},
    {"OperationNotPermitted", MIR_POLICY, MIR_RETRY_NEVER, false,
     "it may be protected against termination"},
    /* something is in the way */
    {"IdempotentParameterMismatch*", MIR_CONFLICT, MIR_RETRY_NEVER, false, NULL},
    {"DependencyViolation", MIR_CONFLICT, MIR_RETRY_NEVER, false, NULL},
    {"IncorrectInstanceState", MIR_CONFLICT, MIR_RETRY_NEVER, false, NULL},
    {"IncorrectState", MIR_CONFLICT, MIR_RETRY_NEVER, false, NULL},
    {"Conflict*", MIR_CONFLICT, MIR_RETRY_NEVER, false, NULL},
    {"OperationAborted", MIR_CONFLICT, MIR_RETRY_TRANSIENT, false, NULL},
    {"BucketAlready*", MIR_CONFLICT, MIR_RETRY_NEVER, false, NULL},
    {"BucketNotEmpty", MIR_CONFLICT, MIR_RETRY_NEVER, false, NULL},
    {"PreconditionFailed", MIR_CONFLICT, MIR_RETRY_NEVER, false, NULL},
    {"Resource.AlreadyAssociated", MIR_CONFLICT, MIR_RETRY_NEVER, false, NULL},
    {"ParameterAlreadyExists", MIR_CONFLICT, MIR_RETRY_NEVER, false, NULL},
    {"*.Duplicate", MIR_CONFLICT, MIR_RETRY_NEVER, false, NULL},
    {"*.InUse", MIR_CONFLICT, MIR_RETRY_NEVER, false, NULL},
    /* not there */
    {"InvalidAMIID.Unavailable", MIR_NOT_FOUND, MIR_RETRY_NEVER, false, NULL},
    {"*.NotFound", MIR_NOT_FOUND, MIR_RETRY_NEVER, false, NULL},
    {"InvalidConversionTaskId", MIR_NOT_FOUND, MIR_RETRY_NEVER, false, NULL},
    {"NoSuch*", MIR_NOT_FOUND, MIR_RETRY_NEVER, false, NULL},
    {"*NotFound*", MIR_NOT_FOUND, MIR_RETRY_NEVER, false, NULL},
    /* nonsense */
    {"DryRunOperation", MIR_OK, MIR_RETRY_NEVER, false, NULL},
    {"PermanentRedirect", MIR_USAGE, MIR_RETRY_NEVER, false, "is it the right region?"},
    {"UnknownParameter", MIR_USAGE, MIR_RETRY_NEVER, false, NULL},
    {"UnsupportedOperation", MIR_USAGE, MIR_RETRY_NEVER, false, NULL},
    {"Validation*", MIR_USAGE, MIR_RETRY_NEVER, false, NULL},
    {"Missing*", MIR_USAGE, MIR_RETRY_NEVER, false, NULL},
    {"Malformed*", MIR_USAGE, MIR_RETRY_NEVER, false, NULL},
    {"Invalid*", MIR_USAGE, MIR_RETRY_NEVER, false, NULL},
};

/* '*' stands for any characters. */
static bool fits(const char *pattern, const char *code)
{
    for (; *pattern && *pattern != '*'; pattern++, code++)
        if (*pattern != *code)
            return false;
    if (!*pattern)
        return !*code;
    do
        if (fits(pattern + 1, code))
            return true;
    while (*code++);
    return false;
}

const struct ec2_error_row *ec2_error_row(const char *code)
{
    for (size_t i = 0; *code && i < MIR_NELEMS(rows); i++)
        if (fits(rows[i].code, code))
            return &rows[i];
    return NULL;
}

/* --- reading --- */

#define BODY_MAX 65536 /* of an error; what is longer is none */

struct said {
    char code[64], message[400], request_id[64];
};

static void keep(char *field, size_t size, const char *text)
{
    while (*text == ' ' || *text == '\n' || *text == '\t' || *text == '\r')
        text++;
    mir_copy(field, size, text);
    for (char *p = field; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = ' ';
}

/* What may be a code: it becomes part of messages, of decisions and of the state. */
static void keep_code(struct said *said, const char *text)
{
    const char *hash = strrchr(text, '#');
    text = hash ? hash + 1 : text;
    size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    if (len > 0 && len < sizeof said->code && (!text[len] || text[len] == ':'))
        snprintf(said->code, sizeof said->code, "%.*s", (int)len, text);
}

/* EC2: Response/Errors/Error and RequestID; STS: ErrorResponse/Error and RequestId; S3: Error, with
 * RequestId inside. */
static void read_xml(const char *text, size_t len, struct said *said)
{
    mir_auto_xml struct mir_xml *xml = mir_xml_parse(text, len, BODY_MAX, NULL);
    if (!xml)
        return;
    const struct mir_xml_node *root = mir_xml_root(xml);
    const struct mir_xml_node *error = mir_xml_find(root, "Errors/Error");
    if (!error)
        error = mir_xml_find(root, "Error");
    if (!error && !strcmp(mir_xml_name(root), "Error"))
        error = root;
    if (!error)
        return;
    keep_code(said, mir_xml_get(error, "Code"));
    keep(said->message, sizeof said->message, mir_xml_get(error, "Message"));
    static const char *const ids[] = {"RequestID", "RequestId"};
    for (size_t i = 0; i < MIR_NELEMS(ids); i++)
        if (*mir_xml_get(root, ids[i]))
            keep(said->request_id, sizeof said->request_id, mir_xml_get(root, ids[i]));
}

static const char *json_text(const json_t *json, const char *a, const char *b)
{
    const char *text = json_string_value(json_object_get(json, a));
    if (!text)
        text = json_string_value(json_object_get(json, b));
    return text ? text : "";
}

static void read_json(const char *text, size_t len, struct said *said)
{
    json_t *json = mir_json_parse(text, len, BODY_MAX, NULL);
    if (!*said->code)
        keep_code(said, json_text(json, "code", "__type"));
    keep(said->message, sizeof said->message, json_text(json, "message", "Message"));
    json_decref(json);
}

static void read_answer(const struct mir_http_response *response, struct said *said)
{
    static const char *const id_headers[] = {"x-amzn-RequestId", "x-amz-request-id"};
    char text[256];
    for (size_t i = 0; i < MIR_NELEMS(id_headers) && !*said->request_id; i++)
        if (!mir_http_response_header(response, id_headers[i], text, sizeof text))
            keep(said->request_id, sizeof said->request_id, text);
    if (!mir_http_response_header(response, "X-Amzn-ErrorType", text, sizeof text))
        keep_code(said, text);
    const char *body = mir_buf_text(&response->body);
    const char *first = body + strspn(body, " \t\r\n");
    if (*first == '{')
        read_json(body, response->body.len, said);
    else if (*first == '<')
        read_xml(first, response->body.len - (size_t)(first - body), said);
}

/* --- judging --- */

/* By the status alone: for codes without a row (`said`), and for answers without a code. */
static enum mir_kind kind_of_status(int status, bool said)
{
    if (status >= 500)
        return MIR_UNAVAILABLE;
    if (status == 429)
        return MIR_THROTTLED;
    if (!said)
        return MIR_CORRUPT; /* a 404 of some proxy says nothing of what is there */
    switch (status) {
    case 401:
    case 403:
        return MIR_CREDENTIALS;
    case 404:
        return MIR_NOT_FOUND;
    case 409:
    case 412:
        return MIR_CONFLICT;
    case 400:
        return MIR_USAGE;
    default:
        return MIR_FAILED;
    }
}

static enum mir_retry retry_of_status(int status)
{
    static const int repeated[] = {500, 502, 503, 504};
    for (size_t i = 0; i < MIR_NELEMS(repeated); i++)
        if (status == repeated[i])
            return MIR_RETRY_SERVER;
    return status == 429 ? MIR_RETRY_THROTTLED : MIR_RETRY_NEVER;
}

static void judge(const struct said *said, int status, bool reads, struct mir_error *err)
{
    const struct ec2_error_row *row = ec2_error_row(said->code);
    bool refusal = row ? !row->unknown : *said->code && status >= 400 && status < 500;
    if (row) {
        err->kind = row->kind;
        err->retry = row->retry;
        if (row->hint)
            mir_error_hint(err, "%s", row->hint);
    } else {
        err->kind = kind_of_status(status, *said->code != '\0');
        err->retry = retry_of_status(status);
    }
    err->outcome = refusal || reads ? MIR_DID_NOT_HAPPEN : MIR_OUTCOME_UNKNOWN;
}

int ec2_error_read(const struct mir_http_response *response, const char *service,
                   const char *operation, bool reads, struct mir_error *err)
{
    if (!err)
        return -1;
    struct said said = {0};
    read_answer(response, &said);
    if (!*said.code)
        mir_fail(err, MIR_FAILED, "%s %s: HTTP status %d, and no error that can be read", service,
                 operation, response->status);
    else
        mir_fail(err, MIR_FAILED, "%s %s: %s%s%s", service, operation, said.code,
                 *said.message ? ": " : "", said.message);
    err->http_status = response->status;
    judge(&said, response->status, reads, err);
    mir_copy(err->provider, sizeof err->provider, "ec2");
    mir_copy(err->provider_code, sizeof err->provider_code, said.code);
    mir_copy(err->request_id, sizeof err->request_id, said.request_id);
    return -1;
}
