/* SPDX-License-Identifier: ISC */
/* One call over the wire: signed, repeated or not, its clock corrected, its outcome known. */
#include "ec2_server.h"

#include <signal.h>

#include "call.h"
#include "ec2/sts.h"

#define OK_HEAD "HTTP/1.1 200 OK\nContent-Type: text/xml\n\n"
#define WHO                                                                                        \
    OK_HEAD "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"      \
            "<GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/a</Arn>"                 \
            "<UserId>AIDA</UserId><Account>123456789012</Account></GetCallerIdentityResult>"       \
            "<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>"                      \
            "</GetCallerIdentityResponse>"
#define EC2_ERROR(status, code)                                                                    \
    "HTTP/1.1 " status " X\nx-amzn-RequestId: r-2\n\n<Response><Errors><Error><Code>" code         \
    "</Code><Message>because</Message></Error></Errors><RequestID>r-2</RequestID></Response>"
#define HTML "HTTP/1.1 500 Oops\nContent-Type: text/html\n\n<html><body><p>sorry</html>"
#define TRUNCATED OK_HEAD "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aw"

static int accept_nothing(void *ctx, const struct mir_http_response *response,
                          struct mir_error *err)
{
    ++*(int *)ctx;
    return 0;
}

/* What a call came to after the answers of a script. */
struct script_case {
    const char *name;
    const char *answers[4];
    bool reads, once;
    int rc;
    enum mir_kind kind;
    enum mir_outcome outcome;
    size_t requests;
};

static const struct script_case scripts[] = {
    {"success", {OK_HEAD}, false, false, 0, MIR_OK, MIR_DID_NOT_HAPPEN, 1},
    {"server error, then success", {HTML, HTML, OK_HEAD}, false, false, 0, MIR_OK, 0, 3},
    {"server errors for ever",
     {HTML, HTML, HTML},
     false,
     false,
     -1,
     MIR_UNAVAILABLE,
     MIR_OUTCOME_UNKNOWN,
     3},
    {"of a look nothing can have happened",
     {HTML, HTML, HTML},
     true,
     false,
     -1,
     MIR_UNAVAILABLE,
     MIR_DID_NOT_HAPPEN,
     3},
    {"made once, lost",
     {SCRIPT_CLOSE, OK_HEAD},
     false,
     true,
     -1,
     MIR_UNAVAILABLE,
     MIR_OUTCOME_UNKNOWN,
     1},
    {"made once, server error",
     {HTML, OK_HEAD},
     false,
     true,
     -1,
     MIR_UNAVAILABLE,
     MIR_OUTCOME_UNKNOWN,
     1},
    {"made once, throttled",
     {EC2_ERROR("503", "RequestLimitExceeded"), OK_HEAD},
     false,
     true,
     0,
     MIR_OK,
     0,
     2},
    {"lost, then success", {SCRIPT_CLOSE, OK_HEAD}, false, false, 0, MIR_OK, 0, 2},
    {"lost, then a refusal says nothing of the first",
     {SCRIPT_CLOSE, EC2_ERROR("400", "InvalidAMIName.Duplicate")},
     false,
     false,
     -1,
     MIR_CONFLICT,
     MIR_OUTCOME_UNKNOWN,
     2},
    {"throttled for ever",
     {EC2_ERROR("503", "RequestLimitExceeded"), EC2_ERROR("400", "Throttling"),
      EC2_ERROR("503", "SlowDown")},
     false,
     false,
     -1,
     MIR_THROTTLED,
     MIR_DID_NOT_HAPPEN,
     3},
    {"not allowed is final",
     {EC2_ERROR("403", "UnauthorizedOperation"), OK_HEAD},
     false,
     false,
     -1,
     MIR_CREDENTIALS,
     MIR_DID_NOT_HAPPEN,
     1},
    {"not allowed is final, by JSON",
     {"HTTP/1.1 403 X\nX-Amzn-ErrorType: AccessDeniedException:http://x/\n\n{\"Message\":\"no\"}",
      OK_HEAD},
     false,
     false,
     -1,
     MIR_CREDENTIALS,
     MIR_DID_NOT_HAPPEN,
     1},
    {"capacity is not waited for",
     {EC2_ERROR("500", "InsufficientInstanceCapacity"), OK_HEAD},
     false,
     false,
     -1,
     MIR_UNAVAILABLE,
     MIR_DID_NOT_HAPPEN,
     1},
    {"a redirect is not followed",
     {"HTTP/1.1 301 X\nLocation: http://127.0.0.1:1/\n\n", OK_HEAD},
     false,
     false,
     -1,
     MIR_CORRUPT,
     MIR_OUTCOME_UNKNOWN,
     1},
    {"a 404 of somebody else",
     {"HTTP/1.1 404 X\n\n<html>lost</html>", OK_HEAD},
     false,
     false,
     -1,
     MIR_CORRUPT,
     MIR_OUTCOME_UNKNOWN,
     1},
};

static void test_scripts(void **state)
{
    for (size_t i = 0; i < MIR_NELEMS(scripts); i++) {
        const struct script_case *c = &scripts[i];
        struct test_world w;
        world_open(&w, c->answers);
        int accepted = 0;
        struct ec2_call call = {.operation = "DoThing",
                                .reads = c->reads,
                                .once = c->once,
                                .accept = accept_nothing,
                                .accept_ctx = &accepted};
        struct mir_error err = {0};
        int rc = ec2_call(w.session, &call, ec2_until(w.session, 60000), NULL, &err);
        world_close(&w);
        if (rc != c->rc || err.kind != c->kind || err.outcome != c->outcome ||
            w.server.request_count != c->requests || accepted != !rc)
            fail_msg("%s: rc %d, kind %d, outcome %d, %zu requests: %s", c->name, rc, (int)err.kind,
                     (int)err.outcome, w.server.request_count, err.text);
        world_free(&w);
    }
}

static void test_identity(void **state)
{
    static const char *const answers[] = {WHO, NULL};
    struct test_world w;
    world_open(&w, answers);
    struct ec2_identity who = {0};
    assert_int_equal(ec2_get_caller_identity(w.session, ec2_until(w.session, 9000), &who, NULL), 0);
    world_close(&w);
    assert_string_equal(who.account, "123456789012");
    assert_string_equal(who.arn, "arn:aws:iam::123456789012:user/a");
    const char *request = w.server.requests[0];
    assert_int_equal(strncmp(request, "POST / HTTP/1.1\r\n", 17), 0);
    assert_string_equal(script_body(request), "Action=GetCallerIdentity&Version=2011-06-15");
    mir_auto_free char *auth = script_header(request, "Authorization");
    assert_non_null(strstr(auth, "Credential=AKIDEXAMPLE/20261118/eu-central-1/sts/aws4_request, "
                                 "SignedHeaders=content-type;host;x-amz-date, Signature="));
    mir_auto_free char *agent = script_header(request, "User-Agent");
    assert_non_null(strstr(agent, "mirage-deploy/"));
    assert_null(strcasestr(request, "Expect:"));
    world_free(&w);
}

static void test_damaged_answers_are_asked_for_again(void **state)
{
    static const char *const answers[] = {
        TRUNCATED,
        OK_HEAD "<GetCallerIdentityResponse/>",
        WHO,
        TRUNCATED,
        OK_HEAD "<DescribeRegionsResponse/>",
        OK_HEAD "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>1</Account>"
                "</GetCallerIdentityResult></GetCallerIdentityResponse>",
        NULL};
    struct test_world w;
    world_open(&w, answers);
    struct ec2_identity who = {0};
    struct mir_error err = {0};
    int64_t until = ec2_until(w.session, 60000);
    assert_int_equal(ec2_get_caller_identity(w.session, until, &who, &err), 0);
    struct ec2_identity kept = who;
    assert_int_equal(ec2_get_caller_identity(w.session, until, &who, &err), -1);
    world_close(&w);
    assert_int_equal(err.kind, MIR_CORRUPT);
    assert_int_equal(err.outcome, MIR_DID_NOT_HAPPEN);
    assert_string_equal(err.text, "sts GetCallerIdentity: the answer has no 'Arn'");
    assert_memory_equal(&kept, &who, sizeof who);
    assert_int_equal(w.server.request_count, 6);
    world_free(&w);
}

/* An hour behind: said so by EC2's code, or only by a refused signature. */
static void test_clock_is_corrected_once(void **state)
{
    static const char *const late[] = {
        "HTTP/1.1 403 X\nDate: Wed, 18 Nov 2026 12:06:40 GMT\n\n<ErrorResponse><Error><Code>"
        "SignatureDoesNotMatch</Code></Error></ErrorResponse>",
        WHO, WHO, NULL};
    struct test_world w;
    world_open(&w, late);
    struct ec2_identity who;
    int64_t until = ec2_until(w.session, 60000);
    assert_int_equal(ec2_get_caller_identity(w.session, until, &who, NULL), 0);
    assert_int_equal(ec2_get_caller_identity(w.session, until, &who, NULL), 0);
    assert_int_equal(ec2_session_clock_offset_ms(w.session), 3600000);
    int64_t boot = 0;
    assert_int_equal(ec2_session_date(w.session, &boot), ((int64_t)TEST_NOW_S + 3600) * 1000);
    assert_int_equal(boot, w.boot_ms);
    world_close(&w);
    assert_int_equal(w.waits, 0);
    static const char *const dates[] = {"20261118T110640Z", "20261118T120640Z", "20261118T120640Z"};
    assert_int_equal(w.server.request_count, 3);
    for (size_t i = 0; i < 3; i++) {
        mir_auto_free char *date = script_header(w.server.requests[i], "X-Amz-Date");
        assert_string_equal(date, dates[i]);
    }
    world_free(&w);
}

static void test_clock_that_is_right_is_left_alone(void **state)
{
    static const char *const refused[] = {
        "HTTP/1.1 401 X\nDate: Wed, 18 Nov 2026 11:08:00 GMT\n\n<Response><Errors><Error><Code>"
        "AuthFailure</Code></Error></Errors></Response>",
        WHO, NULL};
    static const char *const always[] = {
        "HTTP/1.1 400 X\nDate: Wed, 18 Nov 2026 14:00:00 GMT\n\n<Response><Errors><Error><Code>"
        "RequestExpired</Code></Error></Errors></Response>",
        "HTTP/1.1 400 X\nDate: Wed, 18 Nov 2026 17:00:00 GMT\n\n<Response><Errors><Error><Code>"
        "RequestExpired</Code></Error></Errors></Response>",
        WHO, NULL};
    const char *const *const scripts_of[] = {refused, always};
    for (size_t i = 0; i < 2; i++) {
        struct test_world w;
        world_open(&w, scripts_of[i]);
        struct ec2_identity who;
        struct mir_error err = {0};
        assert_int_equal(
            ec2_get_caller_identity(w.session, ec2_until(w.session, 60000), &who, &err), -1);
        assert_int_equal(err.kind, MIR_CREDENTIALS);
        world_close(&w);
        assert_int_equal(w.server.request_count, i + 1);
        world_free(&w);
    }
}

static void test_deadline_covers_everything(void **state)
{
    static const char *const answers[] = {HTML, HTML, HTML, NULL};
    struct test_world w;
    world_open(&w, answers);
    struct ec2_identity who;
    struct mir_error err = {0};
    assert_int_equal(ec2_get_caller_identity(w.session, ec2_until(w.session, 700), &who, &err), -1);
    assert_int_equal(w.server.request_count, 2); /* 500 ms waited; 1000 more are not there */
    assert_int_equal(err.kind, MIR_UNAVAILABLE);
    assert_int_equal(ec2_get_caller_identity(w.session, w.boot_ms, &who, &err), -1);
    assert_int_equal(err.kind, MIR_TIMEOUT);
    assert_int_equal(err.outcome, MIR_DID_NOT_HAPPEN);
    world_close(&w);
    assert_int_equal(w.server.request_count, 2);
    world_free(&w);
}

static void test_stalled_attempts_end(void **state)
{
    static const char *const answers[] = {SCRIPT_STALL, NULL};
    struct test_world w;
    world_open(&w, answers);
    struct ec2_call call = {.operation = "DoThing", .once = true, .attempt_timeout_ms = 200};
    struct mir_error err = {0};
    assert_int_equal(ec2_call(w.session, &call, ec2_until(w.session, 60000), NULL, &err), -1);
    assert_int_equal(err.kind, MIR_TIMEOUT);
    assert_int_equal(err.outcome, MIR_OUTCOME_UNKNOWN);
    world_close(&w);
    world_free(&w);
}

/* What AWS said says more than that it was given no time to say anything else. */
static void test_silence_hides_no_answer(void **state)
{
    static const char *const answers[] = {TRUNCATED, SCRIPT_STALL, NULL};
    struct test_world w;
    world_open(&w, answers);
    struct ec2_identity who;
    struct mir_error err = {0};
    assert_int_equal(ec2_get_caller_identity(w.session, ec2_until(w.session, 700), &who, &err), -1);
    world_close(&w);
    assert_int_equal(w.server.request_count, 2); /* the second had 200 ms */
    assert_int_equal(err.kind, MIR_CORRUPT);
    world_free(&w);
}

static int no_keys(void *ctx, struct ec2_credentials *ret, struct mir_error *err)
{
    return mir_fail(err, MIR_CREDENTIALS, "none in %s", "the drawer");
}

static void test_without_credentials_nothing_is_sent(void **state)
{
    static const char *const answers[] = {WHO, NULL};
    struct test_world w;
    world_open(&w, answers);
    struct ec2_session_settings settings = {.region = "x-1", .clock = &w.clock};
    settings.endpoints[EC2_STS] = w.server.url;
    struct ec2_credential_source sources[] = {{.get = NULL}, {.get = no_keys}};
    for (size_t i = 0; i < 2; i++) {
        settings.credentials = sources[i];
        struct ec2_session *s = ec2_session_new(&settings, NULL);
        struct ec2_identity who;
        struct mir_error err = {0};
        assert_int_equal(ec2_get_caller_identity(s, ec2_until(s, 9000), &who, &err), -1);
        assert_int_equal(err.kind, MIR_CREDENTIALS);
        ec2_session_free(s);
    }
    world_close(&w);
    assert_int_equal(w.server.request_count, 0);
    world_free(&w);
}

/* A source that gives AKID1, AKID2 ... as often as it may, and what it was told. */
struct renewing {
    int given, refusals, more;
};

static int numbered_keys(void *ctx, struct ec2_credentials *ret, struct mir_error *err)
{
    struct renewing *r = ctx;
    *ret = (struct ec2_credentials){0};
    snprintf(ret->access_key_id, sizeof ret->access_key_id, "AKID%d", r->given);
    return mir_secret_set(&ret->secret, "secret", 6, err);
}

static bool key_refused(void *ctx, const char *access_key_id)
{
    struct renewing *r = ctx;
    char last[16];
    snprintf(last, sizeof last, "AKID%d", r->given);
    assert_string_equal(access_key_id, last);
    r->refusals++;
    r->given += r->more > 0;
    return r->more-- > 0;
}

/* The same call again, once, signed with what the source gives then; where it gives nothing else,
 * and for a refusal that is not the key's, not at all. */
static void test_refused_keys_are_renewed_once(void **state)
{
    static const struct {
        const char *answers[4];
        int more, rc, refusals;
        size_t requests;
    } rows[] = {
        {{EC2_ERROR("400", "ExpiredToken"), OK_HEAD}, 9, 0, 1, 2},
        {{EC2_ERROR("403", "InvalidClientTokenId"), OK_HEAD}, 9, 0, 1, 2},
        {{EC2_ERROR("401", "AuthFailure"), OK_HEAD}, 9, 0, 1, 2},
        {{EC2_ERROR("400", "RequestExpired"), OK_HEAD}, 9, 0, 1, 2},
        {{EC2_ERROR("401", "AuthFailure"), EC2_ERROR("401", "AuthFailure"), OK_HEAD}, 9, -1, 1, 2},
        {{EC2_ERROR("400", "ExpiredToken"), OK_HEAD}, 0, -1, 1, 1},
        {{EC2_ERROR("403", "UnauthorizedOperation"), OK_HEAD}, 9, -1, 0, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct test_world w;
        world_open(&w, rows[i].answers);
        struct renewing r = {.given = 1, .more = rows[i].more};
        struct ec2_session_settings settings = {
            .region = "x-1",
            .clock = &w.clock,
            .credentials = {.get = numbered_keys, .ctx = &r, .refused = key_refused}};
        settings.endpoints[EC2_COMPUTE] = w.server.url;
        struct ec2_session *s = ec2_session_new(&settings, NULL);
        struct ec2_call call = {.operation = "DoThing", .once = true};
        struct mir_error err = {0};
        assert_int_equal(ec2_call(s, &call, ec2_until(s, 9000), NULL, &err), rows[i].rc);
        assert_int_equal(err.kind, rows[i].rc ? MIR_CREDENTIALS : MIR_OK);
        assert_int_equal(r.refusals, rows[i].refusals);
        ec2_session_free(s);
        world_close(&w);
        assert_int_equal(w.server.request_count, rows[i].requests);
        if (rows[i].requests == 2) {
            mir_auto_free char *auth = script_header(w.server.requests[1], "Authorization");
            assert_non_null(strstr(auth, "AKID2/"));
        }
        world_free(&w);
    }
}

static void test_target_is_sent_as_signed(void **state)
{
    static const char *const answers[] = {OK_HEAD "body", NULL};
    static const struct ec2_pair query[] = {{"uploads", NULL}, {"b", "x/y z"}, {"a", "1"}};
    static const struct mir_http_header headers[] = {{"x-amz-meta-b", " two  words "}};
    struct test_world w;
    world_open(&w, answers);
    struct ec2_call call = {.service = EC2_S3,
                            .operation = "Put",
                            .method = "PUT",
                            .path = "/bucket/a/../b%20c",
                            .query = query,
                            .query_count = 3,
                            .headers = headers,
                            .header_count = 1,
                            .body = "data",
                            .body_len = 4,
                            .payload = EC2_UNSIGNED_PAYLOAD};
    mir_auto_http_response struct mir_http_response response = {0};
    assert_int_equal(ec2_call(w.session, &call, ec2_until(w.session, 9000), &response, NULL), 0);
    assert_string_equal(mir_buf_text(&response.body), "body");
    world_close(&w);
    const char *request = w.server.requests[0];
    static const char line[] = "PUT /bucket/a/../b%20c?a=1&b=x%2Fy%20z&uploads= HTTP/1.1\r\n";
    assert_int_equal(strncmp(request, line, sizeof line - 1), 0);
    mir_auto_free char *payload = script_header(request, "X-Amz-Content-SHA256");
    assert_string_equal(payload, EC2_UNSIGNED_PAYLOAD);
    mir_auto_free char *auth = script_header(request, "Authorization");
    assert_non_null(strstr(auth, "x-amz-meta-b"));
    assert_string_equal(script_body(request), "data");
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_damaged_answers_are_asked_for_again),
        cmocka_unit_test(test_clock_is_corrected_once),
        cmocka_unit_test(test_clock_that_is_right_is_left_alone),
        cmocka_unit_test(test_deadline_covers_everything),
        cmocka_unit_test(test_stalled_attempts_end),
        cmocka_unit_test(test_silence_hides_no_answer),
        cmocka_unit_test(test_without_credentials_nothing_is_sent),
        cmocka_unit_test(test_refused_keys_are_renewed_once),
        cmocka_unit_test(test_target_is_sent_as_signed),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
