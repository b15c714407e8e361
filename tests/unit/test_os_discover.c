/* SPDX-License-Identifier: ISC */
/* Where services are found, over the wire: endpoints with and without a version, behind a path,
 * and documents that say it wrong, or nothing. */
#include "os_server.h"

#include <pthread.h>
#include <signal.h>

#define TWO_IMAGES                                                                                 \
    "{\"versions\":[{\"id\":\"v2.15\",\"status\":\"CURRENT\",\"links\":[{\"rel\":\"self\","        \
    "\"href\":\"http://inside.example:9292/v2/\"}]},{\"id\":\"v1.1\",\"status\":\"DEPRECATED\","   \
    "\"links\":[{\"rel\":\"self\",\"href\":\"http://inside.example:9292/v1/\"}]}]}"
#define NOVAS                                                                                      \
    "{\"versions\":[{\"id\":\"v2.0\",\"status\":\"SUPPORTED\",\"version\":\"\",\"min_version\":"   \
    "\"\",\"links\":[{\"rel\":\"self\",\"href\":\"http://x/v2/\"}]},{\"id\":\"v2.1\",\"status\":"  \
    "\"CURRENT\",\"version\":\"2.60\",\"min_version\":\"2.1\",\"links\":[{\"rel\":\"self\","       \
    "\"href\":"                                                                                    \
    "\"http://x/v2.1/\"}]}]}"
#define KEYSTONES                                                                                  \
    "{\"versions\":{\"values\":[{\"id\":\"v3.14\",\"status\":\"stable\",\"links\":[{\"rel\":"      \
    "\"self\",\"href\":\"http://127.0.0.1:1/v3/\"}]}]}}"
#define NOTHING "HTTP/1.1 404 X\nContent-Type: text/html\n\n<html><h1>404</h1></html>"
#define SICK "HTTP/1.1 503 X\nContent-Type: text/html\n\n<html><h1>503</h1></html>"

/* The path of an endpoint, what is answered to what is asked there, and what becomes of it. */
struct find_case {
    const char *name;
    enum os_service service;
    const char *path, *answers[4];
    const char *pin;
    const char *asked; /* the first request's path; NULL: nothing is asked */
    const char *found; /* NULL: it fails */
    int micro;
    enum mir_kind kind;
};

static const struct find_case cases[] = {
    {"Glance without a version",
     OS_IMAGE,
     "",
     {OS_JSON("300 X") TWO_IMAGES},
     NULL,
     "/",
     "/v2",
     0,
     MIR_OK},
    {"Glance behind a path",
     OS_IMAGE,
     "/image/",
     {OS_JSON("300 X") TWO_IMAGES},
     NULL,
     "/image/",
     "/image/v2",
     0,
     MIR_OK},
    {"Glance with its version", OS_IMAGE, "/image/v2/", {NULL}, NULL, NULL, "/image/v2", 0, MIR_OK},
    {"Glance of another version", OS_IMAGE, "/v1", {NULL}, NULL, NULL, "/v2", 0, MIR_OK},
    {"a document of other versions",
     OS_NETWORK,
     "",
     {OS_JSON("200 X") TWO_IMAGES},
     NULL,
     "/",
     "/v2",
     0,
     MIR_OK},
    {"none of ours",
     OS_VOLUME,
     "",
     {OS_JSON("300 X") TWO_IMAGES},
     NULL,
     "/",
     "/v3/project-1",
     0,
     MIR_OK},
    {"nobody says it", OS_NETWORK, "/net", {NOTHING}, NULL, "/net/", "/net/v2.0", 0, MIR_OK},
    {"it may not be asked", OS_NETWORK, "", {"HTTP/1.1 401 X\n\n"}, NULL, "/", "/v2.0", 0, MIR_OK},
    {"elsewhere",
     OS_NETWORK,
     "",
     {"HTTP/1.1 302 X\nLocation: http://127.0.0.1:1/\n\n"},
     NULL,
     "/",
     "/v2.0",
     0,
     MIR_OK},
    {"nonsense",
     OS_RESERVATION,
     "",
     {OS_JSON("200 X") "[]", OS_JSON("200 X") "7", OS_JSON("200 X") ""},
     NULL,
     "/",
     "/v1",
     0,
     MIR_OK},
    {"sick", OS_IMAGE, "", {SICK, SICK, SICK}, NULL, "/", NULL, 0, MIR_UNAVAILABLE},
    {"sick at first",
     OS_IMAGE,
     "",
     {SICK, OS_JSON("300 X") TWO_IMAGES},
     NULL,
     "/",
     "/v2",
     0,
     MIR_OK},
    {"Nova without a version",
     OS_COMPUTE,
     "/compute",
     {OS_JSON("200 X") NOVAS},
     NULL,
     "/compute/",
     "/compute/v2.1",
     60,
     MIR_OK},
    {"Nova with its version",
     OS_COMPUTE,
     "/compute/v2.1",
     {OS_NOVA_VERSION},
     NULL,
     "/compute/v2.1/",
     "/compute/v2.1",
     72,
     MIR_OK},
    {"Nova with the project",
     OS_COMPUTE,
     "/v2.1/0123abcd",
     {OS_NOVA_VERSION},
     NULL,
     "/v2.1/",
     "/v2.1/0123abcd",
     72,
     MIR_OK},
    {"Nova with a place for the project",
     OS_COMPUTE,
     "/v2.1/%(tenant_id)s",
     {OS_NOVA_VERSION},
     NULL,
     "/v2.1/",
     "/v2.1/project-1",
     72,
     MIR_OK},
    {"Nova of old", OS_COMPUTE, "/v2/0123abcd", {NOTHING}, NULL, "/v2/", "/v2/0123abcd", 0, MIR_OK},
    {"as the user says",
     OS_COMPUTE,
     "/v2.1",
     {OS_NOVA_VERSION},
     "2.90",
     "/v2.1/",
     "/v2.1",
     90,
     MIR_OK},
    {"as the user says, and cannot be",
     OS_COMPUTE,
     "/v2.1",
     {OS_NOVA_VERSION},
     "2.99",
     "/v2.1/",
     NULL,
     0,
     MIR_USAGE},
    {"nobody says what Nova has",
     OS_COMPUTE,
     "/v2.1",
     {NOTHING},
     "2.30",
     "/v2.1/",
     NULL,
     0,
     MIR_USAGE},
    {"Nova is sick",
     OS_COMPUTE,
     "/v2.1",
     {SICK, SICK, SICK},
     NULL,
     "/v2.1/",
     NULL,
     0,
     MIR_UNAVAILABLE},
    {"Cinder of old", OS_VOLUME, "/v2/0123abcd", {NULL}, NULL, NULL, "/v3/0123abcd", 0, MIR_OK},
    {"Swift is taken as it is",
     OS_OBJECT_STORE,
     "/v1/AUTH_%(project_id)s/",
     {NULL},
     NULL,
     NULL,
     "/v1/AUTH_project-1",
     0,
     MIR_OK},
    {"Swift of another kind", OS_OBJECT_STORE, "/swift", {NULL}, NULL, NULL, "/swift", 0, MIR_OK},
    {"Mistral",
     OS_WORKFLOW,
     "",
     {OS_JSON("200 X") "{\"versions\":[{\"id\":\"v2.0\",\"status\":"
                       "\"CURRENT\",\"links\":[{\"href\":\"http://127.0.0.1:1/"
                       "v2\",\"target\":\"v2\",\"rel\":\"self\"}]}]}"},
     NULL,
     "/",
     "/v2",
     0,
     MIR_OK},
};

static bool wants_token(const struct find_case *c)
{
    return c->service == OS_VOLUME || strstr(c->path, "%(");
}

static void check_case(const struct find_case *c)
{
    const char *answers[6] = {NULL};
    size_t count = 0, before;
    struct test_world w;
    struct mir_error err = {0};
    char *url = NULL;
    if (wants_token(c))
        answers[count++] = OS_TOKEN;
    before = count;
    for (size_t i = 0; i < 4 && c->answers[i]; i++)
        answers[count++] = c->answers[i];
    world_prepare(&w, answers);
    mir_auto_free char *given = mir_format("%s%s", w.server.url, c->path);
    mir_auto_free char *pin = mir_strdup(c->pin);
    w.cloud.services[c->service].endpoint_override = given;
    w.cloud.services[c->service].api_version = pin;
    world_session(&w);
    int64_t until = os_until(w.session, 60000);
    int rc = os_session_endpoint(w.session, c->service, until, &url, &err), micro = 0;
    mir_auto_free char *want = mir_format("%s%s", w.server.url, c->found ? c->found : "");
    if (!rc != !!c->found || err.kind != c->kind || (!rc && strcmp(url, want) != 0))
        fail_msg("%s: %s, %s", c->name, url ? url : "nothing", err.text);
    if (!rc) {
        assert_int_equal(os_session_microversion(w.session, c->service, until, &micro, NULL), 0);
        if (micro != c->micro)
            fail_msg("%s: 2.%d", c->name, micro);
    }
    world_close(&w);
    if (w.server.request_count != count)
        fail_msg("%s: %zu requests", c->name, w.server.request_count);
    if (c->asked) {
        mir_auto_free char *line = mir_format("GET %s HTTP/1.1\r\n", c->asked);
        if (strncmp(w.server.requests[before], line, strlen(line)) != 0)
            fail_msg("%s: %.60s", c->name, w.server.requests[before]);
        assert_null(strcasestr(w.server.requests[before], "X-Auth-Token"));
    }
    free(url);
    world_free(&w);
}

static void test_cases(void **state)
{
    for (size_t i = 0; i < MIR_NELEMS(cases); i++)
        check_case(&cases[i]);
}

/* Keystone named without its version, and a service found by the catalog. */
static void test_by_the_catalog(void **state)
{
    static const char *const answers[] = {OS_JSON("300 X") KEYSTONES, OS_TOKEN, NOTHING,
                                          OS_JSON("200 OK") "{}", NULL};
    struct test_world w;
    struct mir_error err = {0};
    char *url = NULL, region[OS_REGION_TEXT] = "";
    world_prepare(&w, answers);
    mir_auto_free char *keystone = mir_format("%s/identity", w.server.url);
    mir_auto_free char *token = mir_format(
        "HTTP/1.1 201 X\nContent-Type: application/json\nX-Subject-Token: t\n" TEST_DATE
        "\n{\"token\":{\"user\":{\"id\":\"u\"},\"project\":{\"id\":\"p\"},\"expires_at\":"
        "\"2026-11-18T16:06:40Z\",\"catalog\":[{\"type\":\"image\",\"endpoints\":[{\"interface\":"
        "\"public\",\"region_id\":\"One\",\"url\":\"%s/glance\"}]},{\"type\":\"compute\","
        "\"endpoints\":[{\"interface\":\"public\",\"region_id\":\"One\",\"url\":\"nonsense\"}]}]}}",
        w.server.url);
    w.server.answers[1] = token;
    w.cloud.auth_url = keystone;
    for (unsigned i = 0; i < OS_SERVICE_COUNT; i++)
        w.cloud.services[i].endpoint_override = NULL;
    world_session(&w);
    int64_t until = os_until(w.session, 60000);
    assert_int_equal(os_session_endpoint(w.session, OS_IMAGE, until, &url, &err), 0);
    mir_auto_free char *want = mir_format("%s/glance/v2", w.server.url);
    assert_string_equal(url, want);
    free(url);
    /* what is known is not asked for again */
    assert_int_equal(os_session_endpoint(w.session, OS_IMAGE, until, &url, &err), 0);
    free(url);
    assert_int_equal(os_session_region(w.session, until, region, &err), 0);
    assert_string_equal(region, "One");
    assert_int_equal(os_session_endpoint(w.session, OS_COMPUTE, until, &url, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    assert_int_equal(strncmp(err.text, "the endpoint of Nova: ", 22), 0);
    bool has = true;
    assert_int_equal(os_session_has(w.session, OS_OBJECT_STORE, until, &has, &err), 0);
    assert_false(has);
    world_close(&w);
    assert_int_equal(w.server.request_count, 3);
    assert_int_equal(strncmp(w.server.requests[0], "GET /identity/ HTTP", 19), 0);
    assert_int_equal(strncmp(w.server.requests[1], "POST /identity/v3/auth/tokens HTTP", 34), 0);
    assert_int_equal(strncmp(w.server.requests[2], "GET /glance/ HTTP", 17), 0);
    world_free(&w);
}

/* No answer is not "no". */
static void test_has(void **state)
{
    static const char *const answers[] = {SICK, SICK, SICK, NULL};
    struct test_world w;
    struct mir_error err = {0};
    bool has = true;
    world_prepare(&w, answers);
    w.cloud.services[OS_VOLUME].endpoint_override = NULL;
    world_session(&w);
    assert_int_equal(os_session_has(w.session, OS_VOLUME, os_until(w.session, 60000), &has, &err),
                     -1);
    assert_int_equal(err.kind, MIR_UNAVAILABLE);
    assert_true(has);
    world_close(&w);
    world_free(&w);
}

/* --- one for all threads --- */

#define CROWD 12

struct crowd {
    struct test_world *w;
    int64_t limit_ms;
    struct mir_error err;
    char *url; /* owned */
    int rc;
};

static void *ask_where(void *arg)
{
    struct crowd *c = arg;
    c->rc = os_session_endpoint(c->w->session, OS_IMAGE, os_until(c->w->session, c->limit_ms),
                                &c->url, &c->err);
    return NULL;
}

/* Glance is asked by all of them at once. */
static void ask_crowd(struct test_world *w, int64_t limit_ms, struct crowd crowd[CROWD])
{
    pthread_t threads[CROWD];
    for (size_t i = 0; i < CROWD; i++) {
        crowd[i] = (struct crowd){.w = w, .limit_ms = limit_ms};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_where, &crowd[i]), 0);
    }
    for (size_t i = 0; i < CROWD; i++)
        pthread_join(threads[i], NULL);
}

static void test_one_for_all_threads(void **state)
{
    static const char *const answers[] = {OS_JSON("300 X") TWO_IMAGES, NULL};
    for (int round = 0; round < 20; round++) {
        struct test_world w;
        struct crowd crowd[CROWD];
        world_prepare(&w, answers);
        mir_auto_free char *given = mir_strdup(w.server.url);
        mir_auto_free char *want = mir_format("%s/v2", w.server.url);
        w.cloud.services[OS_IMAGE].endpoint_override = given;
        world_session(&w);
        ask_crowd(&w, 20000, crowd);
        for (size_t i = 0; i < CROWD; i++) {
            assert_int_equal(crowd[i].rc, 0);
            assert_string_equal(crowd[i].url, want);
            free(crowd[i].url);
        }
        world_close(&w);
        assert_int_equal(w.server.request_count, 1);
        world_free(&w);
    }
}

/* Whoever waits for another's answer is over at its own end. Who comes late, when the first
 * is over already, asks for itself: each may find an answer. */
static void test_waiting_ends(void **state)
{
    const char *answers[CROWD + 1] = {NULL};
    struct test_world w;
    for (size_t i = 0; i < CROWD; i++)
        answers[i] = SCRIPT_STALL;
    struct crowd crowd[CROWD];
    world_prepare(&w, answers);
    mir_auto_free char *given = mir_strdup(w.server.url);
    w.cloud.services[OS_IMAGE].endpoint_override = given;
    world_session(&w);
    ask_crowd(&w, 300, crowd);
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(crowd[i].rc, -1);
        assert_int_equal(crowd[i].err.kind, MIR_TIMEOUT);
        assert_int_equal(crowd[i].err.outcome, MIR_DID_NOT_HAPPEN);
    }
    world_close(&w);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),        cmocka_unit_test(test_by_the_catalog),
        cmocka_unit_test(test_has),          cmocka_unit_test(test_one_for_all_threads),
        cmocka_unit_test(test_waiting_ends),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
