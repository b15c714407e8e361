/* SPDX-License-Identifier: ISC */
/* Refusals in every form that AWS's protocols have, and in forms that they have not. */
#include "scratch.h"

#include "errors.h"

#define EC2_XML(code)                                                                              \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>" code             \
    "</Code><Message>The text &amp; more</Message></Error></Errors>"                               \
    "<RequestID>0ce7b3f4</RequestID></Response>"
#define STS_XML(code)                                                                              \
    "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender"       \
    "</Type><Code>" code "</Code><Message>The text &amp; more</Message></Error>"                   \
    "<RequestId>0ce7b3f4</RequestId></ErrorResponse>"
#define S3_XML(code)                                                                               \
    "<Error><Code>" code "</Code><Message>The text &amp; more</Message><Resource>/b/k</Resource>"  \
    "<RequestId>0ce7b3f4</RequestId><HostId>x</HostId></Error>"
#define TYPE(text) "X-Amzn-ErrorType: " text "\r\n"

struct error_case {
    int status;
    const char *headers, *body;
    const char *code; /* "": none could be read */
    enum mir_kind kind;
    enum mir_retry retry;
    bool unknown;
};

#define NEVER MIR_RETRY_NEVER

static const struct error_case cases[] = {
    {400, "", EC2_XML("InvalidInstanceID.NotFound"), "InvalidInstanceID.NotFound", MIR_NOT_FOUND,
     NEVER, false},
    {400, "", EC2_XML("InvalidInstanceID.Malformed"), "InvalidInstanceID.Malformed", MIR_USAGE,
     NEVER, false},
    {400, "", EC2_XML("InvalidAMIName.Duplicate"), "InvalidAMIName.Duplicate", MIR_CONFLICT, NEVER,
     false},
    {400, "", EC2_XML("InvalidIPAddress.InUse"), "InvalidIPAddress.InUse", MIR_CONFLICT, NEVER,
     false},
    {400, "", EC2_XML("DependencyViolation"), "DependencyViolation", MIR_CONFLICT, NEVER, false},
    {400, "", EC2_XML("IdempotentParameterMismatch"), "IdempotentParameterMismatch", MIR_CONFLICT,
     NEVER, false},
    {400, "", EC2_XML("VcpuLimitExceeded"), "VcpuLimitExceeded", MIR_POLICY, NEVER, false},
    {400, "", EC2_XML("AddressLimitExceeded"), "AddressLimitExceeded", MIR_POLICY, NEVER, false},
    {400, "", EC2_XML("OperationNotPermitted"), "OperationNotPermitted", MIR_POLICY, NEVER, false},
    {403, "", EC2_XML("UnauthorizedOperation"), "UnauthorizedOperation", MIR_CREDENTIALS, NEVER,
     false},
    {401, "", EC2_XML("AuthFailure"), "AuthFailure", MIR_CREDENTIALS, NEVER, false},
    {503, "", EC2_XML("RequestLimitExceeded"), "RequestLimitExceeded", MIR_THROTTLED,
     MIR_RETRY_THROTTLED, false},
    {500, "", EC2_XML("InternalError"), "InternalError", MIR_UNAVAILABLE, MIR_RETRY_SERVER, true},
    {500, "", EC2_XML("InsufficientInstanceCapacity"), "InsufficientInstanceCapacity",
     MIR_UNAVAILABLE, NEVER, false},
    {412, "", EC2_XML("DryRunOperation"), "DryRunOperation", MIR_OK, NEVER, false},
    {400, "", EC2_XML("SomethingNew"), "SomethingNew", MIR_USAGE, NEVER, false},
    {403, "", EC2_XML("SomethingNew"), "SomethingNew", MIR_CREDENTIALS, NEVER, false},
    {503, "", EC2_XML("SomethingNew"), "SomethingNew", MIR_UNAVAILABLE, MIR_RETRY_SERVER, true},
    {403, "", STS_XML("InvalidClientTokenId"), "InvalidClientTokenId", MIR_CREDENTIALS, NEVER,
     false},
    {400, "", STS_XML("ExpiredTokenException"), "ExpiredTokenException", MIR_CREDENTIALS, NEVER,
     false},
    {400, "", STS_XML("IDPCommunicationError"), "IDPCommunicationError", MIR_UNAVAILABLE,
     MIR_RETRY_TRANSIENT, false},
    {400, "", STS_XML("Throttling"), "Throttling", MIR_THROTTLED, MIR_RETRY_THROTTLED, false},
    {404, "", S3_XML("NoSuchKey"), "NoSuchKey", MIR_NOT_FOUND, NEVER, false},
    {503, "", S3_XML("SlowDown"), "SlowDown", MIR_THROTTLED, MIR_RETRY_THROTTLED, false},
    {400, "", S3_XML("RequestTimeout"), "RequestTimeout", MIR_UNAVAILABLE, MIR_RETRY_TRANSIENT,
     true},
    {200, "", S3_XML("InternalError"), "InternalError", MIR_UNAVAILABLE, MIR_RETRY_SERVER, true},
    {301, "", S3_XML("PermanentRedirect"), "PermanentRedirect", MIR_USAGE, NEVER, false},
    {403, TYPE("AccessDeniedException"), "{\"Message\":\"The text & more\"}",
     "AccessDeniedException", MIR_CREDENTIALS, NEVER, false},
    {404, TYPE("ResourceNotFoundException:http://internal.amazon.com/coral/"),
     "{\"message\":\"The text & more\"}", "ResourceNotFoundException", MIR_NOT_FOUND, NEVER, false},
    {400, TYPE("aws.api#ValidationException"), "{}", "ValidationException", MIR_USAGE, NEVER,
     false},
    {400, "", "{\"__type\":\"com.amazonaws.ssm#ParameterNotFound\"}", "ParameterNotFound",
     MIR_NOT_FOUND, NEVER, false},
    {400, "", "  {\"code\":\"RequestThrottledException\",\"Message\":\"slow\"}",
     "RequestThrottledException", MIR_THROTTLED, MIR_RETRY_THROTTLED, false},
    {402, TYPE("ServiceQuotaExceededException"), "", "ServiceQuotaExceededException", MIR_POLICY,
     NEVER, false},
    /* and what says nothing */
    {400, "", "", "", MIR_CORRUPT, NEVER, true},
    {404, "", "", "", MIR_CORRUPT, NEVER, true},
    {500, "", "", "", MIR_UNAVAILABLE, MIR_RETRY_SERVER, true},
    {429, "", "slow down", "", MIR_THROTTLED, MIR_RETRY_THROTTLED, true},
    {502, "", "<html><head><title>502 Bad Gateway</title></head><hr></html>", "", MIR_UNAVAILABLE,
     MIR_RETRY_SERVER, true},
    {403, "", "<html><body><h1>Forbidden</h1><hr></body></html>", "", MIR_CORRUPT, NEVER, true},
    {400, "", "<Response><Errors><Error><Code>InvalidInstanceID.NotF", "", MIR_CORRUPT, NEVER,
     true},
    {400, "", "{\"__type\":\"Valida", "", MIR_CORRUPT, NEVER, true},
    {400, "", "{\"__type\":7}", "", MIR_CORRUPT, NEVER, true},
    {400, "", "[\"InvalidInstanceID.NotFound\"]", "", MIR_CORRUPT, NEVER, true},
    {400, "", EC2_XML("a code with blanks"), "", MIR_CORRUPT, NEVER, true},
    {400, "", EC2_XML("<b/>"), "", MIR_CORRUPT, NEVER, true},
    {400, TYPE("#"), "", "", MIR_CORRUPT, NEVER, true},
    {302, "", "", "", MIR_CORRUPT, NEVER, true},
};

static void test_every_form(void **state)
{
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        const struct error_case *c = &cases[i];
        mir_auto_http_response struct mir_http_response r = {.status = c->status};
        mir_buf_init(&r.headers, 4096);
        mir_buf_init(&r.body, 65536);
        mir_buf_addf(&r.headers, "Server: x\r\n%s\r\n", c->headers);
        mir_buf_adds(&r.body, c->body);
        struct mir_error err = {0}, look = {0};
        assert_int_equal(ec2_error_read(&r, "ec2", "DoThing", false, &err), -1);
        assert_int_equal(ec2_error_read(&r, "ec2", "DoThing", true, &look), -1);
        if (strcmp(err.provider_code, c->code) != 0 || err.kind != c->kind ||
            err.retry != c->retry || (err.outcome == MIR_OUTCOME_UNKNOWN) != c->unknown)
            fail_msg("%d %s%s: code '%s', kind %d, retry %d, outcome %d", c->status, c->headers,
                     c->body, err.provider_code, (int)err.kind, (int)err.retry, (int)err.outcome);
        assert_int_equal(look.outcome, MIR_DID_NOT_HAPPEN);
        assert_int_equal(err.http_status, c->status);
        assert_string_equal(err.provider, "ec2");
        assert_int_equal(strncmp(err.text, "ec2 DoThing: ", 13), 0);
        if (strstr(c->body, "0ce7b3f4") && *c->code)
            assert_string_equal(err.request_id, "0ce7b3f4");
        if (strstr(c->body, "The text") && *c->code)
            assert_non_null(strstr(err.text, ": The text & more"));
    }
}

static void test_request_id_of_the_head(void **state)
{
    mir_auto_http_response struct mir_http_response r = {.status = 500};
    mir_buf_init(&r.headers, 4096);
    mir_buf_init(&r.body, 65536);
    mir_buf_adds(&r.headers, "x-amz-request-id: 4442587FB7D0A2F9\r\n");
    struct mir_error err = {0};
    ec2_error_read(&r, "s3", "PutObject", false, &err);
    assert_string_equal(err.request_id, "4442587FB7D0A2F9");
    assert_string_equal(err.text, "s3 PutObject: HTTP status 500, and no error that can be read");
    assert_int_equal(ec2_error_read(&r, "s3", "PutObject", false, NULL), -1);
}

static void test_control_characters_are_gone(void **state)
{
    mir_auto_http_response struct mir_http_response r = {.status = 400};
    mir_buf_init(&r.headers, 4096);
    mir_buf_init(&r.body, 65536);
    mir_buf_adds(&r.body, "{\"__type\":\"X\",\"message\":\"a\\u001b[31mred\\u0007\\nb\"}");
    struct mir_error err = {0};
    ec2_error_read(&r, "ssm", "Get", false, &err);
    assert_string_equal(err.text, "ssm Get: X: a [31mred  b");
}

/* The order of the rows matters: no row may hide a later one. */
static void test_no_row_is_hidden(void **state)
{
    static const char *const codes[] = {
        "ThrottlingException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "ConcurrentLimitExceededException",
        "AccessDenied",
        "InvalidAMIID.Unavailable",
        "InvalidKeyPair.Duplicate",
        "InvalidGroup.InUse",
        "InvalidGroup.NotFound",
        "InvalidParameterValue",
        "MissingParameter",
        "UnsupportedOperation",
        "InternalServerError",
        "InvalidSnapshot.InUse",
        "ValidationError",
        "SnapshotLimitExceeded",
    };
    static const enum mir_kind kinds[] = {
        MIR_THROTTLED,   MIR_THROTTLED, MIR_THROTTLED, MIR_THROTTLED,
        MIR_CREDENTIALS, MIR_NOT_FOUND, MIR_CONFLICT,  MIR_CONFLICT,
        MIR_NOT_FOUND,   MIR_USAGE,     MIR_USAGE,     MIR_USAGE,
        MIR_UNAVAILABLE, MIR_CONFLICT,  MIR_USAGE,     MIR_POLICY,
    };
    for (size_t i = 0; i < MIR_NELEMS(codes); i++) {
        const struct ec2_error_row *row = ec2_error_row(codes[i]);
        assert_non_null(row);
        if (row->kind != kinds[i])
            fail_msg("%s: row %s", codes[i], row->code);
    }
    assert_null(ec2_error_row(""));
    assert_null(ec2_error_row("NotInvalid"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_form),
        cmocka_unit_test(test_request_id_of_the_head),
        cmocka_unit_test(test_control_characters_are_gone),
        cmocka_unit_test(test_no_row_is_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
