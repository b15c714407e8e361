/* SPDX-License-Identifier: ISC */
#include "scratch.h"

#include "ec2/session.h"

static struct ec2_session *session_of(const char *region, const char *compute,
                                      struct mir_error *err)
{
    struct ec2_session_settings settings = {.region = region};
    settings.endpoints[EC2_COMPUTE] = compute;
    return ec2_session_new(&settings, err);
}

static void test_hosts_of_aws(void **state)
{
    static const char *const urls[EC2_SERVICE_COUNT] = {
        [EC2_COMPUTE] = "https://ec2.eu-central-1.amazonaws.com",
        [EC2_STS] = "https://sts.eu-central-1.amazonaws.com",
        [EC2_EBS] = "https://ebs.eu-central-1.amazonaws.com",
        [EC2_S3] = "https://s3.eu-central-1.amazonaws.com",
        [EC2_SCHEDULER] = "https://scheduler.eu-central-1.amazonaws.com",
        [EC2_SSM] = "https://ssm.eu-central-1.amazonaws.com",
        [EC2_PRICING] = "https://api.pricing.us-east-1.amazonaws.com",
    };
    struct ec2_session *s = session_of("eu-central-1", NULL, NULL);
    assert_string_equal(ec2_session_region(s), "eu-central-1");
    for (unsigned i = 0; i < EC2_SERVICE_COUNT; i++) {
        assert_string_equal(ec2_session_endpoint(s, (enum ec2_service)i), urls[i]);
        assert_non_null(ec2_service_info((enum ec2_service)i)->title);
    }
    ec2_session_free(s);
    s = session_of("cn-north-1", "", NULL);
    assert_string_equal(ec2_session_endpoint(s, EC2_COMPUTE),
                        "https://ec2.cn-north-1.amazonaws.com.cn");
    ec2_session_free(s);
    ec2_session_free(NULL);
}

static void test_endpoints_of_ones_own(void **state)
{
    static const char *const rows[][2] = {
        {"http://127.0.0.1:8080", "http://127.0.0.1:8080"},
        {"http://127.0.0.1:80/", "http://127.0.0.1"},
        {"https://Cloud.example/base/", "https://cloud.example/base"},
        {"https://[::1]:4566/a/b//", "https://[::1]:4566/a/b"},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_error err = {0};
        struct ec2_session *s = session_of("eu-west-1", rows[i][0], &err);
        if (!s)
            fail_msg("%s", err.text);
        assert_string_equal(ec2_session_endpoint(s, EC2_COMPUTE), rows[i][1]);
        struct ec2_session *other = ec2_session_for_region(s, "us-west-2", &err);
        assert_string_equal(ec2_session_endpoint(other, EC2_COMPUTE), rows[i][1]);
        assert_string_equal(ec2_session_endpoint(other, EC2_STS),
                            "https://sts.us-west-2.amazonaws.com");
        ec2_session_free(other);
        ec2_session_free(s);
    }
}

static void test_refused(void **state)
{
    static const char *const regions[] = {
        NULL,          "",
        "eu central",  "EU-WEST-1",
        "a.b",         "-x",
        "x-",          "evil.example/",
        "eu-west-1\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    static const char *const endpoints[] = {"127.0.0.1:80", "ftp://x",       "http://",
                                            "http://u@x/",  "http://x/?a=b", "http://x/#f"};
    struct mir_error err = {0};
    for (size_t i = 0; i < MIR_NELEMS(regions); i++) {
        assert_null(session_of(regions[i], NULL, &err));
        assert_int_equal(err.kind, MIR_USAGE);
        assert_true(*err.hint);
    }
    for (size_t i = 0; i < MIR_NELEMS(endpoints); i++) {
        assert_null(session_of("eu-west-1", endpoints[i], &err));
        assert_int_equal(err.kind, MIR_USAGE);
    }
}

static void test_until(void **state)
{
    struct ec2_session *s = session_of("eu-west-1", NULL, NULL);
    const struct mir_clock *clock = mir_clock_system();
    int64_t before = clock->boot_ms(clock->ctx), until = ec2_until(s, 1000);
    assert_true(until >= before + 1000 && until < before + 3000);
    int64_t boot = 7;
    assert_int_equal(ec2_session_clock_offset_ms(s), 0);
    assert_int_equal(ec2_session_date(s, &boot), 0);
    ec2_session_free(s);
}

static void test_credentials(void **state)
{
    ec2_auto_credentials struct ec2_credentials c = {
        .access_key_id = "AKID", .expires_s = 7, .account_id = "1", .source = "the test"};
    mir_secret_set(&c.secret, "s", 1, NULL);
    mir_secret_set(&c.session_token, "t", 1, NULL);
    struct ec2_credential_source source = ec2_credentials_fixed(&c);
    ec2_auto_credentials struct ec2_credentials got = {0};
    assert_int_equal(source.get(source.ctx, &got, NULL), 0);
    assert_string_equal(got.access_key_id, "AKID");
    assert_true(mir_secret_equal(&got.secret, &c.secret));
    assert_true(mir_secret_equal(&got.session_token, &c.session_token));
    assert_ptr_not_equal(got.secret.text, c.secret.text);
    assert_int_equal(got.expires_s, 7);
    assert_string_equal(got.account_id, "1");
    assert_string_equal(got.source, "the test");
    ec2_credentials_copy(&c, &c);
    assert_string_equal(mir_secret_text(&c.secret), "s");
    ec2_credentials_clear(&got);
    assert_string_equal(got.access_key_id, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts_of_aws), cmocka_unit_test(test_endpoints_of_ones_own),
        cmocka_unit_test(test_refused),      cmocka_unit_test(test_until),
        cmocka_unit_test(test_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
