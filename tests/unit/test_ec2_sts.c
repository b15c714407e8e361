/* SPDX-License-Identifier: ISC */
/* Roles for a while: what is asked, what is read, and that no secret is told. */
#include "ec2_server.h"

#include <signal.h>

#include "ec2/sts.h"

#define ROLE(op)                                                                                   \
    "HTTP/1.1 200 OK\n\n<" op "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" op  \
    "Result><AssumedRoleUser><AssumedRoleId>AROA:s</AssumedRoleId><Arn>arn:aws:sts::"              \
    "123456789012:assumed-role/r/s</Arn></AssumedRoleUser><Credentials><AccessKeyId>ASIAX"         \
    "</AccessKeyId><SecretAccessKey>hush/+=</SecretAccessKey><SessionToken>tok//==</SessionToken>" \
    "<Expiration>2026-11-18T12:06:40Z</Expiration></Credentials></" op "Result></" op "Response>"

static void check_role(const struct ec2_credentials *c)
{
    assert_string_equal(c->access_key_id, "ASIAX");
    assert_string_equal(mir_secret_text(&c->secret), "hush/+=");
    assert_string_equal(mir_secret_text(&c->session_token), "tok//==");
    assert_int_equal(c->expires_s, TEST_NOW_S + 3600);
    assert_string_equal(c->account_id, "123456789012");
    assert_string_equal(c->source, "arn:aws:sts::123456789012:assumed-role/r/s");
}

static void test_role(void **state)
{
    static const char *const answers[] = {ROLE("AssumeRole"), NULL};
    struct test_world w;
    world_open(&w, answers);
    struct ec2_assume_role args = {.role_arn = "arn:aws:iam::123456789012:role/r",
                                   .session_name = "s",
                                   .external_id = "e f",
                                   .duration_s = 900};
    ec2_auto_credentials struct ec2_credentials c = {0};
    assert_int_equal(ec2_assume_role(w.session, &args, ec2_until(w.session, 9000), &c, NULL), 0);
    world_close(&w);
    check_role(&c);
    assert_string_equal(script_body(w.server.requests[0]),
                        "Action=AssumeRole&Version=2011-06-15&"
                        "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr&"
                        "RoleSessionName=s&ExternalId=e%20f&DurationSeconds=900");
    mir_auto_free char *auth = script_header(w.server.requests[0], "Authorization");
    assert_non_null(auth);
    world_free(&w);
}

static void test_web_identity_is_not_signed(void **state)
{
    static const char *const answers[] = {ROLE("AssumeRoleWithWebIdentity"), NULL};
    struct test_world w;
    world_open(&w, answers);
    struct ec2_session_settings settings = {.region = "eu-central-1", .clock = &w.clock};
    settings.endpoints[EC2_STS] = w.server.url;
    struct ec2_session *session = ec2_session_new(&settings, NULL);
    struct ec2_assume_role_web args = {.role_arn = "r", .session_name = "s", .token = "ey.J.x"};
    ec2_auto_credentials struct ec2_credentials c = {0};
    assert_int_equal(
        ec2_assume_role_with_web_identity(session, &args, ec2_until(session, 9000), &c, NULL), 0);
    ec2_session_free(session);
    world_close(&w);
    check_role(&c);
    assert_string_equal(script_body(w.server.requests[0]),
                        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=r&"
                        "RoleSessionName=s&WebIdentityToken=ey.J.x");
    static const char *const absent[] = {"Authorization", "X-Amz-Date", "X-Amz-Security-Token"};
    for (size_t i = 0; i < MIR_NELEMS(absent); i++)
        assert_null(script_header(w.server.requests[0], absent[i]));
    world_free(&w);
}

struct refusal {
    const char *answer;
    enum mir_kind kind;
};

static void test_refused(void **state)
{
    static const struct refusal rows[] = {
        {"HTTP/1.1 403 X\n\n<ErrorResponse><Error><Code>AccessDenied</Code><Message>User: x is not "
         "authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>",
         MIR_CREDENTIALS},
        {"HTTP/1.1 400 X\n\n<ErrorResponse><Error><Code>ExpiredTokenException</Code></Error>"
         "</ErrorResponse>",
         MIR_CREDENTIALS},
        {"HTTP/1.1 400 X\n\n<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error>"
         "</ErrorResponse>",
         MIR_CREDENTIALS},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        const char *const answers[] = {rows[i].answer, ROLE("AssumeRole"), NULL};
        struct test_world w;
        world_open(&w, answers);
        struct ec2_assume_role args = {.role_arn = "r", .session_name = "s"};
        struct ec2_credentials c = {0};
        struct mir_error err = {0};
        assert_int_equal(ec2_assume_role(w.session, &args, ec2_until(w.session, 9000), &c, &err),
                         -1);
        world_close(&w);
        assert_int_equal(err.kind, rows[i].kind);
        assert_int_equal(w.server.request_count, 1);
        assert_string_equal(c.access_key_id, "");
        world_free(&w);
    }
}

/* An answer that lacks a part gives nothing, and no part of it gets into the error. */
static void test_half_an_answer(void **state)
{
    static const char half[] =
        "HTTP/1.1 200 OK\n\n<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAX"
        "</AccessKeyId><SecretAccessKey>hush</SecretAccessKey></Credentials></AssumeRoleResult>"
        "</AssumeRoleResponse>";
    static const char *const answers[] = {half, half, half, NULL};
    struct test_world w;
    world_open(&w, answers);
    struct ec2_assume_role args = {.role_arn = "r", .session_name = "s"};
    struct ec2_credentials c = {0};
    struct mir_error err = {0};
    assert_int_equal(ec2_assume_role(w.session, &args, ec2_until(w.session, 90000), &c, &err), -1);
    world_close(&w);
    assert_int_equal(err.kind, MIR_CORRUPT);
    assert_null(strstr(err.text, "hush"));
    assert_null(c.secret.text);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_role),
        cmocka_unit_test(test_web_identity_is_not_signed),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_half_an_answer),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
