/* SPDX-License-Identifier: ISC */
/* One-time schedules: what is sent, what is read back, and what is refused before it leaves. */
#include "ec2_server.h"

#include <jansson.h>
#include <signal.h>

#include "ec2/scheduler.h"

#define NAME "mirage-0123456789abcdef0123456789abcdef"
#define MADE                                                                                       \
    "HTTP/1.1 200 OK\n\n{\"ScheduleArn\":\"arn:aws:scheduler:r:1:schedule/default/" NAME "\"}"
#define SEEN(expression, rest)                                                                     \
    "HTTP/1.1 200 OK\n\n{\"Name\":\"" NAME                                                         \
    "\",\"GroupName\":\"default\",\"ScheduleExpression\":\"" expression                            \
    "\",\"Target\":{\"Arn\":\"" EC2_TERMINATE_TARGET "\",\"RoleArn\":\"role\","                    \
    "\"Input\":\"{\\\"InstanceIds\\\":[\\\"i-1\\\"]}\"},\"State\":\"ENABLED\"" rest "}"
#define GONE                                                                                       \
    "HTTP/1.1 404 Not Found\nX-Amzn-ErrorType: ResourceNotFoundException\n\n"                      \
    "{\"Message\":\"Schedule " NAME " does not exist.\"}"

static const struct ec2_schedule schedule = {.name = NAME,
                                             .at_s = 1763668623, /* 2025-11-20T19:57:03Z */
                                             .target_arn = EC2_TERMINATE_TARGET,
                                             .role_arn = "arn:aws:iam::1:role/end",
                                             .input = "{\"InstanceIds\":[\"i-1\"]}",
                                             .client_token = "t"};

static void check_sent(const struct test_world *w, size_t i, const char *line)
{
    assert_memory_equal(w->server.requests[i], line, strlen(line));
    json_t *body = json_loads(script_body(w->server.requests[i]), 0, NULL);
    json_t *wanted = json_pack("{s:s,s:{s:s},s:s,s:s,s:{s:s,s:s,s:s},s:s}", "ScheduleExpression",
                               "at(2025-11-20T19:57:03)", "FlexibleTimeWindow", "Mode", "OFF",
                               "ActionAfterCompletion", "DELETE", "State", "ENABLED", "Target",
                               "Arn", EC2_TERMINATE_TARGET, "RoleArn", "arn:aws:iam::1:role/end",
                               "Input", "{\"InstanceIds\":[\"i-1\"]}", "ClientToken", "t");
    assert_non_null(wanted);
    assert_true(json_equal(body, wanted));
    json_decref(body);
    json_decref(wanted);
}

static void test_made_and_moved(void **state)
{
    static const char *const answers[] = {MADE, MADE, NULL};
    struct test_world w;
    (void)state;
    world_open(&w, answers);
    int64_t until_ms = ec2_until(w.session, 9000);
    assert_int_equal(ec2_create_schedule(w.session, &schedule, until_ms, NULL), 0);
    assert_int_equal(ec2_update_schedule(w.session, &schedule, until_ms, NULL), 0);
    world_close(&w);
    check_sent(&w, 0, "POST /schedules/" NAME " HTTP/1.1\r\n");
    check_sent(&w, 1, "PUT /schedules/" NAME " HTTP/1.1\r\n");
    world_free(&w);
}

static void test_read_back(void **state)
{
    static const char *const answers[] = {SEEN("at(2025-11-20T19:57:03)", ""), NULL};
    struct test_world w;
    (void)state;
    world_open(&w, answers);
    ec2_auto_schedule_seen struct ec2_schedule_seen seen = {.input = NULL};
    assert_int_equal(ec2_get_schedule(w.session, NAME, ec2_until(w.session, 9000), &seen, NULL), 0);
    world_close(&w);
    assert_int_equal(seen.at_s, schedule.at_s);
    assert_true(seen.enabled);
    assert_string_equal(seen.target_arn, EC2_TERMINATE_TARGET);
    assert_string_equal(seen.input, "{\"InstanceIds\":[\"i-1\"]}");
    world_free(&w);
}

/* Whatever is not a moment in UTC is none of ours: at_s 0 is later than no deadline. */
static void test_other_expressions(void **state)
{
    static const char *const answers[] = {
        SEEN("rate(5 minutes)", ""), SEEN("at(2025-11-20T19:57:03", ""),
        SEEN("at(2025-11-20T19:57:03)", ",\"ScheduleExpressionTimezone\":\"Europe/Berlin\""),
        SEEN("at(2025-13-20T19:57:03)", ""), NULL};
    struct test_world w;
    (void)state;
    world_open(&w, answers);
    for (size_t i = 0; answers[i]; i++) {
        ec2_auto_schedule_seen struct ec2_schedule_seen seen = {.input = NULL};
        assert_int_equal(ec2_get_schedule(w.session, NAME, ec2_until(w.session, 9000), &seen, NULL),
                         0);
        assert_int_equal(seen.at_s, 0);
    }
    world_close(&w);
    world_free(&w);
}

static void test_gone(void **state)
{
    static const char *const answers[] = {GONE, GONE, GONE, NULL};
    struct test_world w;
    struct mir_error err = {0};
    (void)state;
    world_open(&w, answers);
    struct ec2_schedule_seen seen;
    int64_t until_ms = ec2_until(w.session, 9000);
    assert_int_equal(ec2_get_schedule(w.session, NAME, until_ms, &seen, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
    assert_int_equal(ec2_delete_schedule(w.session, NAME, until_ms, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
    assert_int_equal(ec2_update_schedule(w.session, &schedule, until_ms, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
    world_close(&w);
    assert_memory_equal(w.server.requests[1], "DELETE /schedules/" NAME " HTTP/1.1\r\n", 40);
    world_free(&w);
}

static void test_names(void **state)
{
    static const char *const bad[] = {
        "",         "a/b",
        "a b",      "a?b",
        "\303\244", "0123456789012345678901234567890123456789012345678901234567890123456789"};
    static const char *const answers[] = {NULL};
    struct test_world w;
    (void)state;
    world_open(&w, answers);
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        struct mir_error err = {0};
        assert_int_equal(ec2_delete_schedule(w.session, bad[i], ec2_until(w.session, 9000), &err),
                         -1);
        assert_int_equal(err.kind, MIR_USAGE);
    }
    world_close(&w);
    assert_int_equal(w.server.request_count, 0);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made_and_moved),
        cmocka_unit_test(test_read_back),
        cmocka_unit_test(test_other_expressions),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_names),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
