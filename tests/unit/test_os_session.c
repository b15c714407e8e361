/* SPDX-License-Identifier: ISC */
/* Sessions: what is enough to make one, how a token is asked for and kept, by one thread for all,
 * and how services are found. */
#include "os_server.h"

#include <pthread.h>
#include <signal.h>

#include "call.h"
#include "inside.h"

/* Texts of a cloud; they are not changed. */
static char *t(const char *text)
{
    return (char *)(uintptr_t)text;
}

static void test_enough(void **state)
{
    const struct os_named user = {.name = t("demo")}, project = {.name = t("mine")};
    const struct {
        struct os_cloud cloud;
        const char *says; /* NULL: it is enough */
    } rows[] = {
        {{.auth_url = t("http://k/v3"), .user = user, .password = t("p"), .project = project},
         NULL},
        {{.auth_url = t("http://k/v3"), .user = user, .password = t("p")}, NULL},
        {{.user = user, .password = t("p")}, "no Keystone"},
        {{.auth_url = t("k/v3"), .user = user, .password = t("p")}, "auth_url: "},
        {{.auth_url = t("http://k"), .password = t("p")}, "no user"},
        {{.auth_url = t("http://k"), .user = user}, "no password"},
        {{.auth_url = t("http://k"), .user = user, .password = t("p"), .system_scope = t("all")},
         "is the system"},
        {{.auth_url = t("http://k"), .user = user, .password = t("p"), .domain_name = t("d")},
         "is a domain"},
        {{.auth_url = t("http://k"),
          .user = user,
          .password = t("p"),
          .domain_name = t("d"),
          .project = project},
         NULL},
        {{.auth_type = OS_AUTH_APPLICATION_CREDENTIAL,
          .auth_url = t("http://k"),
          .application = {.id = t("i")},
          .application_secret = t("s")},
         NULL},
        {{.auth_type = OS_AUTH_APPLICATION_CREDENTIAL,
          .auth_url = t("http://k"),
          .application = {.name = t("n")},
          .application_secret = t("s")},
         "which has only a name"},
        {{.auth_type = OS_AUTH_APPLICATION_CREDENTIAL,
          .auth_url = t("http://k"),
          .user = user,
          .application = {.name = t("n")},
          .application_secret = t("s")},
         NULL},
        {{.auth_type = OS_AUTH_APPLICATION_CREDENTIAL,
          .auth_url = t("http://k"),
          .application = {.id = t("i")}},
         "no secret"},
        {{.auth_type = OS_AUTH_APPLICATION_CREDENTIAL, .auth_url = t("http://k")},
         "no application credential"},
        {{.auth_type = OS_AUTH_TOKEN, .auth_url = t("http://k"), .token = t("x")}, NULL},
        {{.auth_type = OS_AUTH_TOKEN, .auth_url = t("http://k")}, "no token"},
        {{.auth_type = OS_AUTH_NONE}, NULL},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct os_session_settings settings = {.cloud = &rows[i].cloud};
        struct mir_error err = {0};
        struct os_session *s = os_session_new(&settings, &err);
        if (!s != !!rows[i].says || (rows[i].says && !strstr(err.text, rows[i].says)))
            fail_msg("%zu: %s", i, s ? "made" : err.text);
        if (!s)
            assert_int_equal(err.kind, MIR_USAGE);
        os_session_free(s);
    }
    os_session_free(NULL);
}

/* --- what is asked of Keystone --- */

#define USER_BY_NAME "\"user\":{\"name\":\"demo\",\"domain\":{\"id\":\"default\"}"
#define BY_PASSWORD                                                                                \
    "{\"identity\":{\"methods\":[\"password\"],\"password\":{" USER_BY_NAME                        \
    ",\"password\":\"a \\\"secret\\\"\"}}}}"

static void test_requests(void **state)
{
    const struct {
        enum os_auth_type type;
        struct os_named user, project, application;
        const char *body;
    } rows[] = {
        {OS_AUTH_PASSWORD,
         {.name = t("demo"), .domain_id = t("default")},
         {.name = t("mine"), .domain_name = t("Dom")},
         {NULL, NULL, NULL, NULL},
         "{\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{" USER_BY_NAME
         ",\"password\":\"a \\\"secret\\\"\"}}},\"scope\":{\"project\":{\"name\":\"mine\","
         "\"domain\":{\"name\":\"Dom\"}}}}}"},
        {OS_AUTH_PASSWORD,
         {.id = t("u1"), .name = t("left out")},
         {.id = t("p1")},
         {NULL, NULL, NULL, NULL},
         "{\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{\"user\":{\"id\":"
         "\"u1\","
         "\"password\":\"a \\\"secret\\\"\"}}},\"scope\":{\"project\":{\"id\":\"p1\"}}}}"},
        {OS_AUTH_PASSWORD,
         {.name = t("demo")},
         {NULL, NULL, NULL, NULL},
         {NULL, NULL, NULL, NULL},
         "{\"auth\":" BY_PASSWORD "}"},
        {OS_AUTH_APPLICATION_CREDENTIAL,
         {NULL, NULL, NULL, NULL},
         {.name = t("not asked for")},
         {.id = t("a1"), .name = t("left out")},
         "{\"auth\":{\"identity\":{\"methods\":[\"application_credential\"],"
         "\"application_credential\":{\"id\":\"a1\",\"secret\":\"s\"}}}}"},
        {OS_AUTH_APPLICATION_CREDENTIAL,
         {.name = t("demo"), .domain_id = t("default")},
         {NULL, NULL, NULL, NULL},
         {.name = t("mine")},
         "{\"auth\":{\"identity\":{\"methods\":[\"application_credential\"],"
         "\"application_credential\":{\"name\":\"mine\",\"secret\":\"s\"," USER_BY_NAME "}}}}}"},
        {OS_AUTH_TOKEN,
         {NULL, NULL, NULL, NULL},
         {.id = t("p1")},
         {NULL, NULL, NULL, NULL},
         "{\"auth\":{\"identity\":{\"methods\":[\"token\"],\"token\":{\"id\":\"tok\"}},\"scope\":{"
         "\"project\":{\"id\":\"p1\"}}}}"},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        static const char *const answers[] = {OS_TOKEN, NULL};
        struct test_world w;
        os_auto_who struct os_who who = {.user_id = ""};
        world_prepare(&w, answers);
        w.cloud.auth_type = rows[i].type;
        w.cloud.user = rows[i].user;
        w.cloud.project = rows[i].project;
        w.cloud.application = rows[i].application;
        w.cloud.application_secret = t("s");
        w.cloud.token = t("tok");
        world_session(&w);
        assert_int_equal(os_who_am_i(w.session, os_until(w.session, 9000), &who, NULL), 0);
        assert_string_equal(who.project_name, "mine");
        world_close(&w);
        assert_int_equal(w.server.request_count, 1);
        assert_int_equal(strncmp(w.server.requests[0], "POST /identity/v3/auth/tokens HTTP", 34),
                         0);
        assert_string_equal(script_body(w.server.requests[0]), rows[i].body);
        world_free(&w);
    }
}

/* A token of the user's, for no other project, is looked at and not exchanged. */
static void test_token_as_it_is(void **state)
{
    static const char *const answers[] = {OS_TOKEN_AS("ignored"), OS_JSON("200 OK") "{}", NULL};
    struct test_world w;
    world_prepare(&w, answers);
    w.cloud.auth_type = OS_AUTH_TOKEN;
    w.cloud.project = (struct os_named){NULL, NULL, NULL, NULL};
    w.cloud.token = t("tok");
    world_session(&w);
    struct os_call call = {.service = OS_IMAGE, .operation = "Look", .path = "/x", .reads = true};
    assert_int_equal(os_call(w.session, &call, os_until(w.session, 9000), NULL, NULL), 0);
    world_close(&w);
    static const char *const names[] = {"X-Auth-Token", "X-Subject-Token"};
    for (size_t i = 0; i < 2; i++) {
        mir_auto_free char *value = script_header(w.server.requests[0], names[i]);
        assert_string_equal(value, "tok");
    }
    mir_auto_free char *value = script_header(w.server.requests[1], "X-Auth-Token");
    assert_string_equal(value, "tok");
    world_free(&w);
}

static void test_without_authentication(void **state)
{
    static const char *const answers[] = {OS_JSON("200 OK") "{}", NULL};
    struct test_world w;
    world_prepare(&w, answers);
    w.cloud.auth_type = OS_AUTH_NONE;
    w.cloud.services[OS_VOLUME].endpoint_override = NULL;
    world_session(&w);
    int64_t until = os_until(w.session, 9000);
    struct os_call call = {.service = OS_IMAGE, .operation = "Look", .path = "/x", .reads = true};
    assert_int_equal(os_call(w.session, &call, until, NULL, NULL), 0);
    bool has = true;
    assert_int_equal(os_session_has(w.session, OS_VOLUME, until, &has, NULL), 0);
    assert_false(has);
    struct mir_error err = {0};
    os_auto_who struct os_who who = {.user_id = ""};
    assert_int_equal(os_who_am_i(w.session, until, &who, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    world_close(&w);
    assert_int_equal(w.server.request_count, 1);
    assert_null(script_header(w.server.requests[0], "X-Auth-Token"));
    world_free(&w);
}

/* --- how long it is used --- */

static int look(struct test_world *w, struct mir_error *err)
{
    struct os_call call = {.service = OS_IMAGE, .operation = "Look", .path = "/x", .reads = true};
    return os_call(w->session, &call, os_until(w->session, 60000), NULL, err);
}

#define LOOKED OS_JSON("200 OK") "{}"

static void test_expiry(void **state)
{
    static const char *const answers[] = {OS_TOKEN_AS("one"), LOOKED, LOOKED,
                                          OS_TOKEN_AS("two"), LOOKED, NULL};
    struct test_world w;
    world_prepare(&w, answers);
    world_session(&w);
    assert_int_equal(look(&w, NULL), 0);
    w.boot_ms += ((int64_t)5 * 3600 - 121) * 1000; /* two minutes and a second are left */
    assert_int_equal(look(&w, NULL), 0);
    w.boot_ms += 2000;
    assert_int_equal(look(&w, NULL), 0);
    world_close(&w);
    static const char *const tokens[] = {NULL, "one", "one", NULL, "two"};
    assert_int_equal(w.server.request_count, 5);
    for (size_t i = 0; i < 5; i++) {
        mir_auto_free char *value = script_header(w.server.requests[i], "X-Auth-Token");
        assert_string_equal(value ? value : "none", tokens[i] ? tokens[i] : "none");
    }
    world_free(&w);
}

/* By the service's clock: ours is a day late, and a day early. */
static void test_expiry_with_a_wrong_clock(void **state)
{
    static const int64_t off_s[] = {-86400, 86400};
    for (size_t i = 0; i < 2; i++) {
        static const char *const answers[] = {OS_TOKEN_AS("one"), LOOKED, LOOKED, NULL};
        struct test_world w;
        world_prepare(&w, answers);
        w.utc_ms += off_s[i] * 1000;
        world_session(&w);
        assert_int_equal(look(&w, NULL), 0);
        w.boot_ms += (int64_t)4 * 3600 * 1000;
        assert_int_equal(look(&w, NULL), 0);
        world_close(&w);
        assert_int_equal(w.server.request_count, 3);
        world_free(&w);
    }
}

/* A cloud whose tokens live for a minute: another one for each quarter, not for each call. */
static void test_short_tokens(void **state)
{
#define SHORT                                                                                      \
    "HTTP/1.1 201 X\nContent-Type: application/json\nX-Subject-Token: short\n" TEST_DATE           \
    "\n{\"token\":{\"user\":{\"id\":\"u\"},\"expires_at\":\"2026-11-18T11:07:40Z\"}}"
    static const char *const answers[] = {SHORT, LOOKED, LOOKED, SHORT, LOOKED, NULL};
    struct test_world w;
    world_prepare(&w, answers);
    world_session(&w);
    assert_int_equal(look(&w, NULL), 0);
    w.boot_ms += 20000;
    assert_int_equal(look(&w, NULL), 0);
    w.boot_ms += 26000;
    assert_int_equal(look(&w, NULL), 0);
    world_close(&w);
    assert_int_equal(w.server.request_count, 5);
    world_free(&w);
}

#define WRONG                                                                                      \
    "HTTP/1.1 401 X\nContent-Type: application/json\n\n{\"error\":{\"code\":401,\"message\":"      \
    "\"The request you have made requires authentication.\",\"title\":\"Unauthorized\"}}"

/* Who is refused asks again after a while only: users are locked out who are wrong too often. */
static void test_refused(void **state)
{
    static const char *const answers[] = {WRONG, OS_TOKEN, LOOKED, NULL};
    struct test_world w;
    world_prepare(&w, answers);
    world_session(&w);
    for (int i = 0; i < 3; i++) {
        struct mir_error err = {0};
        assert_int_equal(look(&w, &err), -1);
        assert_int_equal(err.kind, MIR_CREDENTIALS);
        assert_int_equal(err.outcome, MIR_DID_NOT_HAPPEN);
        assert_true(*err.hint);
        assert_null(strstr(err.text, "secret"));
    }
    assert_int_equal(w.server.request_count, 1);
    assert_true(os_session_refused(w.session));
    w.boot_ms += 20001;
    assert_int_equal(look(&w, NULL), 0);
    assert_false(os_session_refused(w.session));
    world_close(&w);
    world_free(&w);
}

/* Keystone says 404 of a token that it does not know, to whoever exchanges it or asks for it. */
static void test_a_token_that_is_none(void **state)
{
    static const char *const answers[] = {
        OS_JSON("404 NOT FOUND") "{\"error\":{\"code\":404,\"message\":\"Could not recognize "
                                 "Fernet token\",\"title\":\"Not Found\"}}",
        NULL};
    for (int scoped = 0; scoped < 2; scoped++) {
        struct test_world w;
        world_prepare(&w, answers);
        w.cloud.auth_type = OS_AUTH_TOKEN;
        if (!scoped)
            w.cloud.project = (struct os_named){NULL, NULL, NULL, NULL};
        w.cloud.token = t("tok");
        world_session(&w);
        struct mir_error err = {0};
        for (int i = 0; i < 2; i++) { /* the second time nobody is asked */
            assert_int_equal(look(&w, &err), -1);
            assert_int_equal(err.kind, MIR_CREDENTIALS);
            assert_true(*err.hint);
        }
        assert_int_equal(w.server.request_count, 1);
        world_close(&w);
        world_free(&w);
    }
}

/* Every text, and what is said beside them. */
static void test_described_otherwise(void **state)
{
    static char one[] = "one", other[] = "other", again[] = "one";
    struct os_cloud a = {.name = one}, b = {.name = again};
    assert_true(os_cloud_same(&a, &b));
    char **const places[] = {&b.name,
                             &b.password,
                             &b.application.id,
                             &b.application_secret,
                             &b.project.domain_name,
                             &b.services[OS_RESERVATION].region,
                             &b.default_network};
    for (size_t i = 0; i < MIR_NELEMS(places); i++) {
        char *was = *places[i];
        *places[i] = other;
        assert_false(os_cloud_same(&a, &b));
        *places[i] = was;
    }
    b.insecure = true;
    assert_false(os_cloud_same(&a, &b));
    b.insecure = false;
    b.auth_type = OS_AUTH_TOKEN;
    assert_false(os_cloud_same(&a, &b));
}

/* Whoever made the call may make it again later: what failed was on the way to it. */
static void test_keystone_is_sick(void **state)
{
#define SICK "HTTP/1.1 503 X\nContent-Type: text/html\n\n<html><h1>503</h1></html>"
    static const char *const answers[] = {SICK, SICK, SICK, OS_TOKEN, LOOKED, NULL};
    struct test_world w;
    struct mir_error err = {0};
    world_prepare(&w, answers);
    world_session(&w);
    assert_int_equal(look(&w, &err), -1);
    assert_int_equal(w.server.request_count, 3);
    assert_int_equal(err.kind, MIR_UNAVAILABLE);
    assert_int_equal(err.retry, MIR_RETRY_SERVER);
    assert_int_equal(err.outcome, MIR_DID_NOT_HAPPEN);
    assert_int_equal(look(&w, &err), 0);
    world_close(&w);
    world_free(&w);
}

static void test_damaged_tokens(void **state)
{
    static const char *const answers[] = {OS_JSON("201 X") "{}",
                                          OS_JSON("201 X") "{\"token\":{\"user\":{}}}",
                                          OS_JSON("201 X") "nonsense",
                                          OS_JSON("201 X") "{\"token\":{\"user\":{\"id\":\"u\"}}}",
                                          OS_TOKEN,
                                          LOOKED,
                                          NULL};
    struct test_world w;
    struct mir_error err = {0};
    world_prepare(&w, answers);
    world_session(&w);
    assert_int_equal(look(&w, &err), -1); /* three attempts */
    assert_int_equal(err.kind, MIR_CORRUPT);
    assert_int_equal(look(&w, &err), -1); /* no token in the head */
    assert_string_equal(err.text, "keystone CreateToken: the answer has no X-Subject-Token");
    assert_int_equal(look(&w, &err), 0);
    world_close(&w);
    world_free(&w);
}

static void test_revoked(void **state)
{
    static const char *const answers[] = {OS_TOKEN_AS("one"), LOOKED, "HTTP/1.1 204 X\n\n",
                                          OS_TOKEN_AS("two"), LOOKED, NULL};
    struct test_world w;
    world_prepare(&w, answers);
    world_session(&w);
    assert_int_equal(os_token_revoke(w.session, os_until(w.session, 9000), NULL), 0);
    assert_int_equal(w.server.request_count, 0);
    assert_int_equal(look(&w, NULL), 0);
    assert_int_equal(os_token_revoke(w.session, os_until(w.session, 9000), NULL), 0);
    assert_int_equal(look(&w, NULL), 0);
    world_close(&w);
    assert_int_equal(strncmp(w.server.requests[2], "DELETE /identity/v3/auth/tokens ", 32), 0);
    mir_auto_free char *value = script_header(w.server.requests[4], "X-Auth-Token");
    assert_string_equal(value, "two");
    world_free(&w);
}

/* --- one for all threads --- */

struct crowd {
    struct test_world *w;
    struct mir_error err;
    int rc;
};

static void *ask_who(void *arg)
{
    struct crowd *c = arg;
    os_auto_who struct os_who who = {.user_id = ""};
    c->rc = os_who_am_i(c->w->session, os_until(c->w->session, 20000), &who, &c->err);
    return NULL;
}

static void test_one_for_all_threads(void **state)
{
    static const char *const scripts[] = {OS_TOKEN, WRONG};
    for (size_t i = 0; i < 2; i++) {
        const char *answers[] = {scripts[i], NULL};
        struct test_world w;
        pthread_t threads[12];
        struct crowd crowd[12] = {{.rc = 0}};
        world_prepare(&w, answers);
        world_session(&w);
        for (size_t n = 0; n < 12; n++) {
            crowd[n].w = &w;
            assert_int_equal(pthread_create(&threads[n], NULL, ask_who, &crowd[n]), 0);
        }
        for (size_t n = 0; n < 12; n++) {
            pthread_join(threads[n], NULL);
            assert_int_equal(crowd[n].rc, i ? -1 : 0);
            assert_int_equal(crowd[n].err.kind, i ? MIR_CREDENTIALS : MIR_OK);
        }
        world_close(&w);
        assert_int_equal(w.server.request_count, 1);
        world_free(&w);
    }
}

static void *ask_stalled(void *arg)
{
    struct crowd *c = arg;
    os_auto_who struct os_who who = {.user_id = ""};
    c->rc = os_who_am_i(c->w->session, os_until(c->w->session, 300), &who, &c->err);
    return NULL;
}

/* Whoever waits for another's token is over at its own end. */
static void test_waiting_ends(void **state)
{
    static const char *const answers[] = {SCRIPT_STALL, SCRIPT_STALL, SCRIPT_STALL, NULL};
    struct test_world w;
    pthread_t threads[3];
    struct crowd crowd[3] = {{.rc = 0}};
    world_prepare(&w, answers);
    world_session(&w);
    for (size_t n = 0; n < 3; n++) {
        crowd[n].w = &w;
        assert_int_equal(pthread_create(&threads[n], NULL, ask_stalled, &crowd[n]), 0);
    }
    for (size_t n = 0; n < 3; n++) {
        pthread_join(threads[n], NULL);
        assert_int_equal(crowd[n].rc, -1);
        assert_int_equal(crowd[n].err.kind, MIR_TIMEOUT);
        assert_int_equal(crowd[n].err.outcome, MIR_DID_NOT_HAPPEN);
    }
    world_close(&w);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enough),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_token_as_it_is),
        cmocka_unit_test(test_a_token_that_is_none),
        cmocka_unit_test(test_without_authentication),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_expiry_with_a_wrong_clock),
        cmocka_unit_test(test_short_tokens),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_described_otherwise),
        cmocka_unit_test(test_keystone_is_sick),
        cmocka_unit_test(test_damaged_tokens),
        cmocka_unit_test(test_revoked),
        cmocka_unit_test(test_one_for_all_threads),
        cmocka_unit_test(test_waiting_ends),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
