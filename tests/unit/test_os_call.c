/* SPDX-License-Identifier: ISC */
/* One call over the wire: with its token, repeated or not, its outcome known. */
#include "os_server.h"

#include <signal.h>

#include "call.h"
#include "openstack/compute.h"

#define OK OS_JSON("200 OK") "{}"
#define SORRY                                                                                      \
    OS_JSON("500 Oops")                                                                            \
    "{\"computeFault\":{\"code\":500,\"message\":\"Unexpected API Error.\"}}"
#define PROXY "HTTP/1.1 503 X\nContent-Type: text/html\n\n<html><h1>503 Busy</h1></html>"
#define KEYSTONE_GONE                                                                              \
    OS_JSON("503 X")                                                                               \
    "{\"message\":\"x<br /><br />\\nThe Keystone service is temporarily unavailable.\\n\","        \
    "\"code\":\"503 Service Unavailable\",\"title\":\"Service Unavailable\"}"
#define UNAUTHORIZED                                                                               \
    "HTTP/1.1 401 Unauthorized\nContent-Type: application/json\n\n{\"error\":{\"code\":401,"       \
    "\"message\":\"who\",\"title\":\"Unauthorized\"}}"
#define TAKEN                                                                                      \
    OS_JSON("409 X") "{\"conflictingRequest\":{\"code\":409,\"message\":\"already there\"}}"
#define LIMITED "HTTP/1.1 429 X\nRetry-After: 3\n\n"

static int accept_nothing(void *ctx, const struct mir_http_response *response,
                          struct mir_error *err)
{
    ++*(int *)ctx;
    return 0;
}

/* What a call came to after the answers of a script. */
struct script_case {
    const char *name;
    const char *answers[7];
    bool reads, once;
    int rc;
    enum mir_kind kind;
    enum mir_outcome outcome;
    size_t requests;
};

#define NO MIR_DID_NOT_HAPPEN
#define PERHAPS MIR_OUTCOME_UNKNOWN

static const struct script_case scripts[] = {
    {"success", {OK}, false, false, 0, MIR_OK, NO, 1},
    {"made once", {OK}, false, true, 0, MIR_OK, NO, 1},
    {"sick, then success", {SORRY, PROXY, OK}, false, false, 0, MIR_OK, NO, 3},
    {"sick for ever", {SORRY, SORRY, SORRY, OK}, false, false, -1, MIR_UNAVAILABLE, PERHAPS, 3},
    {"of a look nothing can have happened",
     {SORRY, SORRY, SORRY},
     true,
     false,
     -1,
     MIR_UNAVAILABLE,
     NO,
     3},
    {"made once, and sick: it may be there",
     {SORRY, OK},
     false,
     true,
     -1,
     MIR_UNAVAILABLE,
     PERHAPS,
     1},
    {"made once, and somebody in between",
     {PROXY, OK},
     false,
     true,
     -1,
     MIR_UNAVAILABLE,
     PERHAPS,
     1},
    {"made once, lost", {SCRIPT_CLOSE, OK}, false, true, -1, MIR_UNAVAILABLE, PERHAPS, 1},
    {"lost, then success", {SCRIPT_CLOSE, OK}, false, false, 0, MIR_OK, NO, 2},
    {"lost, then refused says nothing of the first",
     {SCRIPT_CLOSE, TAKEN},
     false,
     false,
     -1,
     MIR_CONFLICT,
     PERHAPS,
     2},
    {"refused is final", {TAKEN, OK}, false, false, -1, MIR_CONFLICT, NO, 1},
    {"made once, but Keystone was gone: nothing was seen of it",
     {KEYSTONE_GONE, OK},
     false,
     true,
     0,
     MIR_OK,
     NO,
     2},
    {"made once, too fast", {LIMITED, OK}, false, true, 0, MIR_OK, NO, 2},
    {"a token that is refused",
     {UNAUTHORIZED, OS_TOKEN_AS("token-2"), OK},
     false,
     true,
     0,
     MIR_OK,
     NO,
     3},
    {"a new token that is refused is the service's trouble",
     {UNAUTHORIZED, OS_TOKEN_AS("token-2"), UNAUTHORIZED, OK},
     false,
     true,
     0,
     MIR_OK,
     NO,
     4},
    {"and not for ever",
     {UNAUTHORIZED, OS_TOKEN_AS("token-2"), UNAUTHORIZED, UNAUTHORIZED, UNAUTHORIZED, OK},
     true,
     false,
     -1,
     MIR_UNAVAILABLE,
     NO,
     5},
    {"a token that is refused, and Keystone is sick",
     {UNAUTHORIZED, SORRY, SORRY, SORRY},
     false,
     true,
     -1,
     MIR_UNAVAILABLE,
     NO,
     4},
    {"a token that is refused, and so are we",
     {UNAUTHORIZED, UNAUTHORIZED},
     false,
     true,
     -1,
     MIR_CREDENTIALS,
     NO,
     2},
    {"a redirect is not followed",
     {"HTTP/1.1 301 X\nLocation: http://127.0.0.1:1/\n\n", OK},
     false,
     false,
     -1,
     MIR_CORRUPT,
     PERHAPS,
     1},
    {"300 is no success here", {OS_JSON("300 X") "{}", OK}, true, false, -1, MIR_USAGE, NO, 1},
};

static void test_scripts(void **state)
{
    for (size_t i = 0; i < MIR_NELEMS(scripts); i++) {
        const struct script_case *c = &scripts[i];
        struct test_world w;
        world_open(&w, c->answers);
        int accepted = 0;
        struct os_call call = {.service = OS_COMPUTE,
                               .operation = "DoThing",
                               .method = c->reads ? "GET" : "POST",
                               .path = "/things",
                               .reads = c->reads,
                               .once = c->once,
                               .accept = accept_nothing,
                               .accept_ctx = &accepted};
        struct mir_error err = {0};
        int rc = os_call(w.session, &call, os_until(w.session, 60000), NULL, &err);
        world_close(&w);
        if (rc != c->rc || err.kind != c->kind || err.outcome != c->outcome ||
            world_requests(&w) != c->requests || accepted != !rc)
            fail_msg("%s: rc %d, kind %d, outcome %d, %zu requests: %s", c->name, rc, (int)err.kind,
                     (int)err.outcome, world_requests(&w), err.text);
        world_free(&w);
    }
}

static void expect_header(const char *request, const char *name, const char *want)
{
    mir_auto_free char *have = script_header(request, name);
    if (!have != !want || (want && strcmp(have, want) != 0))
        fail_msg("%s: '%s', and not '%s'", name, have ? have : "", want ? want : "");
}

static void test_what_is_sent(void **state)
{
    static const char *const answers[] = {OK, OK, NULL};
    const struct mir_http_header own = {"X-Own", "yes"};
    struct test_world w;
    world_open(&w, answers);
    struct os_call call = {.service = OS_COMPUTE,
                           .operation = "DoThing",
                           .method = "POST",
                           .path = "/servers",
                           .query = "a=b",
                           .headers = &own,
                           .header_count = 1,
                           .body = "{}",
                           .body_len = 2,
                           .once = true};
    struct os_call anonymous = {.service = OS_IMAGE,
                                .operation = "Look",
                                .path = "/images",
                                .anonymous = true,
                                .reads = true,
                                .accept_type = "*/*"};
    int64_t until = os_until(w.session, 9000);
    assert_int_equal(os_call(w.session, &call, until, NULL, NULL), 0);
    assert_int_equal(os_call(w.session, &anonymous, until, NULL, NULL), 0);
    world_close(&w);
    const char *first = world_request(&w, 0), *second = world_request(&w, 1);
    assert_int_equal(strncmp(first, "POST /compute/v2.1/servers?a=b HTTP/1.1\r\n", 41), 0);
    expect_header(first, "X-Auth-Token", "token-1");
    expect_header(first, "OpenStack-API-Version", "compute 2.72");
    expect_header(first, "X-OpenStack-Nova-API-Version", "2.72");
    expect_header(first, "Accept", "application/json");
    expect_header(first, "X-Own", "yes");
    expect_header(first, "Connection", "close"); /* made once: on a connection of its own */
    assert_string_equal(script_body(first), "{}");
    assert_int_equal(strncmp(second, "GET /image/v2/images HTTP/1.1\r\n", 31), 0);
    expect_header(second, "X-Auth-Token", NULL);
    expect_header(second, "OpenStack-API-Version", NULL);
    expect_header(second, "Accept", "*/*");
    world_free(&w);
}

static void test_waits_as_asked(void **state)
{
    static const char *const answers[] = {LIMITED, OK, NULL};
    struct test_world w;
    world_open(&w, answers);
    struct os_call call = {.service = OS_COMPUTE, .operation = "Look", .path = "/x", .reads = true};
    assert_int_equal(os_call(w.session, &call, os_until(w.session, 60000), NULL, NULL), 0);
    assert_int_equal(w.waits, 1);
    assert_int_equal(w.waited_ms, 3000);
    world_close(&w);
    world_free(&w);
}

static void test_deadline_covers_everything(void **state)
{
    static const char *const answers[] = {SORRY, SORRY, SORRY, NULL};
    struct test_world w;
    world_open(&w, answers);
    struct os_call call = {.service = OS_COMPUTE, .operation = "Look", .path = "/x", .reads = true};
    struct mir_error err = {0};
    assert_int_equal(os_call(w.session, &call, os_until(w.session, 700), NULL, &err), -1);
    assert_int_equal(err.kind, MIR_UNAVAILABLE); /* 500 ms waited; 1000 more are not there */
    assert_int_equal(os_call(w.session, &call, w.boot_ms, NULL, &err), -1);
    assert_int_equal(err.kind, MIR_TIMEOUT);
    assert_int_equal(err.outcome, MIR_DID_NOT_HAPPEN);
    world_close(&w);
    assert_int_equal(world_requests(&w), 2);
    world_free(&w);
}

static void test_stalled_attempts_end(void **state)
{
    static const char *const answers[] = {SCRIPT_STALL, NULL};
    struct test_world w;
    world_open(&w, answers);
    struct os_call call = {.service = OS_COMPUTE,
                           .operation = "DoThing",
                           .method = "POST",
                           .path = "/x",
                           .once = true,
                           .attempt_timeout_ms = 200};
    struct mir_error err = {0};
    assert_int_equal(os_call(w.session, &call, os_until(w.session, 60000), NULL, &err), -1);
    assert_int_equal(err.kind, MIR_TIMEOUT);
    assert_int_equal(err.outcome, MIR_OUTCOME_UNKNOWN);
    world_close(&w);
    world_free(&w);
}

/* What the service said says more than that it was given no time to say anything else. */
static void test_silence_hides_no_answer(void **state)
{
    static const char *const answers[] = {SORRY, SCRIPT_STALL, NULL};
    struct test_world w;
    world_open(&w, answers);
    struct os_call call = {.service = OS_COMPUTE, .operation = "Look", .path = "/x", .reads = true};
    struct mir_error err = {0};
    assert_int_equal(os_call(w.session, &call, os_until(w.session, 700), NULL, &err), -1);
    assert_int_equal(err.kind, MIR_UNAVAILABLE);
    world_close(&w);
    assert_int_equal(world_requests(&w), 2); /* the second had 200 ms */
    world_free(&w);
}

/* A service that repeats the token in what it says of it. */
static void test_no_token_in_messages(void **state)
{
    static const char *const answers[] = {
        OS_JSON("400 X") "{\"badRequest\":{\"code\":400,\"message\":\"bad: "
                         "gAAAAABf-a-long-secret-token\"}}",
        NULL};
    const char *all[] = {OS_TOKEN_AS("gAAAAABf-a-long-secret-token"), answers[0], NULL};
    struct test_world w;
    world_prepare(&w, all);
    world_session(&w);
    struct os_call call = {.service = OS_IMAGE, .operation = "Look", .path = "/x", .reads = true};
    struct mir_error err = {0};
    assert_int_equal(os_call(w.session, &call, os_until(w.session, 9000), NULL, &err), -1);
    assert_string_equal(err.text, "glance Look: badRequest: bad: ...");
    world_close(&w);
    world_free(&w);
}

/* --- bodies that are made while they are sent --- */

static int give(void *ctx, void *out, size_t size, size_t *ret_len, struct mir_error *err)
{
    size_t *left = ctx;
    *ret_len = *left < size ? *left : size;
    memset(out, 'x', *ret_len);
    *left -= *ret_len;
    return 0;
}

static void test_streams_are_sent_once(void **state)
{
    static const struct {
        const char *answer;
        int rc;
        enum mir_kind kind;
        enum mir_outcome outcome;
    } rows[] = {
        {"HTTP/1.1 204 X\n\n", 0, MIR_OK, MIR_DID_NOT_HAPPEN},
        {SORRY, -1, MIR_UNAVAILABLE, MIR_OUTCOME_UNKNOWN},
        {KEYSTONE_GONE, -1, MIR_UNAVAILABLE, MIR_DID_NOT_HAPPEN},
        {UNAUTHORIZED, -1, MIR_UNAVAILABLE, MIR_DID_NOT_HAPPEN}, /* the token: there are others */
        {SCRIPT_CLOSE, -1, MIR_UNAVAILABLE, MIR_OUTCOME_UNKNOWN},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        const char *answers[] = {rows[i].answer, OK, NULL};
        struct test_world w;
        size_t left = 5;
        world_open(&w, answers);
        struct os_call call = {.service = OS_IMAGE,
                               .operation = "Upload",
                               .method = "PUT",
                               .path = "/images/i/file",
                               .stream = {give, &left, 5},
                               .attempt_timeout_ms = -1};
        struct mir_error err = {0};
        int rc = os_call(w.session, &call, os_until(w.session, 9000), NULL, &err);
        world_close(&w);
        if (rc != rows[i].rc || err.kind != rows[i].kind || err.outcome != rows[i].outcome ||
            world_requests(&w) != 1)
            fail_msg("%zu: %d, outcome %d, %zu requests: %s", i, rc, (int)err.outcome,
                     world_requests(&w), err.text);
        assert_string_equal(script_body(world_request(&w, 0)), "xxxxx");
        world_free(&w);
    }
}

/* Whatever its status is: where that was, without what a query may hold, and that it is no JSON. */
static void test_pages(void **state)
{
    static const char *const pages[] = {
        PROXY, "HTTP/1.1 200 OK\nContent-Type: text/html\n\n<html>log in</html>",
        "HTTP/1.1 404 X\nContent-Type: text/html\n\n<html><h1>404 Not Found</h1></html>"};
    for (size_t i = 0; i < MIR_NELEMS(pages); i++) {
        const char *answers[] = {pages[i], pages[i], pages[i], NULL};
        struct test_world w;
        struct os_limits limits;
        struct mir_error err = {0};
        world_open(&w, answers);
        assert_int_equal(os_limits(w.session, os_until(w.session, 60000), &limits, &err), -1);
        mir_auto_free char *url = mir_format("%s/compute/v2.1/limits answers", w.server.url);
        assert_int_equal(err.kind, MIR_UNAVAILABLE);
        assert_int_equal(err.outcome, MIR_DID_NOT_HAPPEN);
        assert_non_null(strstr(err.text, url));
        assert_non_null(strstr(err.text, "no JSON"));
        assert_true(*err.hint);
        world_close(&w);
        world_free(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_what_is_sent),
        cmocka_unit_test(test_waits_as_asked),
        cmocka_unit_test(test_deadline_covers_everything),
        cmocka_unit_test(test_stalled_attempts_end),
        cmocka_unit_test(test_silence_hides_no_answer),
        cmocka_unit_test(test_no_token_in_messages),
        cmocka_unit_test(test_streams_are_sent_once),
        cmocka_unit_test(test_pages),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
