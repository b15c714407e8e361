/* SPDX-License-Identifier: ISC */
/* The metadata service, played by a server of the test's. */
#include "ec2/imds.h"

#include <stdatomic.h>

#include "api/clock.h"
#include "scratch.h"
#include "talk_server.h"

static const char *const good_keys = "{\"Code\":\"Success\",\"AccessKeyId\":\"ASIA1\","
                                     "\"SecretAccessKey\":\"s\",\"Token\":\"t\","
                                     "\"Expiration\":\"2026-11-20T23:57:03Z\"}";

struct service {
    const char *token, *role, *keys, *region; /* NULL: not found */
    int token_status;                         /* 0: 200 */
    int failures;                             /* first answers that are 500 */
    int delay_ms;
    atomic_int asked;
};

static void say(struct talk_server_say *say, const char *text)
{
    if (text)
        mir_buf_adds(&say->body, text);
    else
        say->status = 404;
}

static void answer(void *ctx, const struct talk_server_ask *ask, struct talk_server_say *ret)
{
    struct service *s = ctx;
    char header[128];
    ret->delay_ms = s->delay_ms;
    if (atomic_fetch_add(&s->asked, 1) < s->failures) {
        ret->status = 500;
        return;
    }
    if (!strcmp(ask->target, "/latest/api/token")) {
        talk_server_header(ask, "X-aws-ec2-metadata-token-ttl-seconds", header, sizeof header);
        if (strcmp(ask->method, "PUT") != 0 || strcmp(header, "21600") != 0)
            ret->status = 400;
        else
            say(ret, s->token);
        if (s->token_status)
            ret->status = s->token_status;
        return;
    }
    talk_server_header(ask, "X-aws-ec2-metadata-token", header, sizeof header);
    if (strcmp(ask->method, "GET") != 0 || !s->token || strcmp(header, s->token) != 0)
        ret->status = 401;
    else if (!strcmp(ask->target, "/latest/meta-data/iam/security-credentials/"))
        say(ret, s->role);
    else if (!strcmp(ask->target, "/latest/meta-data/iam/security-credentials/web-role"))
        say(ret, s->keys);
    else if (!strcmp(ask->target, "/latest/meta-data/placement/region"))
        say(ret, s->region);
    else
        ret->status = 404;
}

static void gives_credentials_and_region(void **state)
{
    struct service s = {"TOKEN==", "web-role\nother\n", good_keys, "eu-north-1", 0, 0, 0, 0};
    struct talk_server *server = talk_server_start(answer, &s);
    struct ec2_imds_settings imds = {.endpoint = talk_server_url(server), .timeout_ms = 5000};
    struct ec2_credentials c = {0};
    char region[EC2_IMDS_REGION_TEXT];
    assert_int_equal(ec2_imds_credentials(&imds, &c, NULL), 0);
    assert_string_equal(c.access_key_id, "ASIA1");
    assert_int_equal(c.expires_s, 1795219023);
    assert_string_equal(c.source, "the instance's role web-role");
    ec2_credentials_clear(&c);
    assert_int_equal(ec2_imds_region(&imds, region, NULL), 0);
    assert_string_equal(region, "eu-north-1");

    mir_auto_free char *slashed = mir_format("%s//", talk_server_url(server));
    imds.endpoint = slashed;
    assert_int_equal(ec2_imds_region(&imds, region, NULL), 0);

    /* Never through a proxy. */
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    assert_int_equal(ec2_imds_region(&imds, region, NULL), 0);
    unsetenv("http_proxy");

    mir_auto_buf struct mir_buf item;
    mir_buf_init(&item, 4);
    struct mir_error err = {0};
    assert_int_equal(ec2_imds_get(&imds, "latest/meta-data/placement/region", &item, &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
    talk_server_stop(server);
}

static void says_why_it_has_none(void **state)
{
    struct {
        struct service service;
        enum mir_kind kind;
        const char *word;
    } cases[] = {
        {{.token_status = 403}, MIR_UNAVAILABLE, "403 for latest/api/token"},
        {{.token_status = 404}, MIR_NOT_FOUND, "404 for latest/api/token"},
        {{.token = "a b"}, MIR_CORRUPT, "token"},
        {{.token = "a\r\nX: y"}, MIR_CORRUPT, "token"},
        {{.token = ""}, MIR_CORRUPT, "token"},
        {{.token = "T"}, MIR_NOT_FOUND, "has no role"},
        {{.token = "T", .role = "\n"}, MIR_NOT_FOUND, "has no role"},
        {{.token = "T", .role = "../x"}, MIR_CORRUPT, "role's name"},
        {{.token = "T", .role = "web-role"}, MIR_NOT_FOUND, "404"},
        {{.token = "T", .role = "web-role", .keys = "<html>"}, MIR_CORRUPT, "not JSON"},
        {{.token = "T", .role = "web-role", .keys = "{\"Code\":\"Failed\"}"},
         MIR_CREDENTIALS,
         "Failed"},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        struct talk_server *server = talk_server_start(answer, &cases[i].service);
        struct ec2_imds_settings imds = {.endpoint = talk_server_url(server), .timeout_ms = 5000};
        struct ec2_credentials c = {0};
        struct mir_error err = {0};
        assert_int_equal(ec2_imds_credentials(&imds, &c, &err), -1);
        assert_int_equal(err.kind, cases[i].kind);
        assert_non_null(strstr(err.text, cases[i].word));
        talk_server_stop(server);
    }
}

static void repeats_as_often_as_it_may(void **state)
{
    struct service s = {.token = "T", .region = "eu-north-1", .failures = 2};
    struct talk_server *server = talk_server_start(answer, &s);
    struct ec2_imds_settings imds = {
        .endpoint = talk_server_url(server), .timeout_ms = 5000, .attempts = 2};
    char region[EC2_IMDS_REGION_TEXT];
    struct mir_error err = {0};
    assert_int_equal(ec2_imds_region(&imds, region, &err), -1);
    assert_int_equal(err.http_status, 500);
    assert_int_equal(s.asked, 2);
    s.asked = 0;
    imds.attempts = 3;
    assert_int_equal(ec2_imds_region(&imds, region, NULL), 0);
    talk_server_stop(server);
}

static void waits_no_longer_than_told(void **state)
{
    struct service s = {.token = "T", .delay_ms = 8000};
    struct talk_server *server = talk_server_start(answer, &s);
    struct ec2_imds_settings imds = {.endpoint = talk_server_url(server), .timeout_ms = 200};
    struct ec2_credentials c = {0};
    struct mir_error err = {0};
    int64_t begin = mir_clock_system()->boot_ms(NULL);
    assert_int_equal(ec2_imds_credentials(&imds, &c, &err), -1);
    assert_int_equal(err.kind, MIR_TIMEOUT);
    assert_true(mir_clock_system()->boot_ms(NULL) - begin < 4000);
    talk_server_stop(server);

    imds.endpoint = "http://127.0.0.1:1";
    assert_int_equal(ec2_imds_credentials(&imds, &c, &err), -1);
    assert_int_equal(err.kind, MIR_UNAVAILABLE);
    imds.endpoint = "gopher://x";
    assert_int_equal(ec2_imds_credentials(&imds, &c, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    imds.disabled = true;
    assert_int_equal(ec2_imds_credentials(&imds, &c, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_credentials_and_region),
        cmocka_unit_test(says_why_it_has_none),
        cmocka_unit_test(repeats_as_often_as_it_may),
        cmocka_unit_test(waits_no_longer_than_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
