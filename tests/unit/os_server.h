/* SPDX-License-Identifier: ISC */
/*
 * A session of OpenStack's in its test's world (session_world.h). Every service is at that server,
 * each behind a path of its own, and the session has its token and knows Nova's microversion when
 * the script begins.
 */
#ifndef TESTS_OS_SERVER_H
#define TESTS_OS_SERVER_H

#include "openstack/identity.h"
#include "openstack/session.h"

#define WORLD_SESSION struct os_session
#define WORLD_OWN                                                                                  \
    char *urls[OS_SERVICE_COUNT];                                                                  \
    struct os_cloud cloud; /* borrows its texts */
#include "session_world.h"

#define TEST_DATE "Date: Wed, 18 Nov 2026 11:06:40 GMT\n"

#define OS_JSON(status)                                                                            \
    "HTTP/1.1 " status "\nContent-Type: application/json\nX-Openstack-Request-Id: req-1\n\n"

/* A token until five hours later. */
#define OS_TOKEN_AS(text)                                                                          \
    "HTTP/1.1 201 CREATED\nContent-Type: application/json\nX-Subject-Token: " text "\n" TEST_DATE  \
    "\n{\"token\":{\"methods\":[\"password\"],\"user\":{\"id\":\"user-1\",\"name\":\"demo\","      \
    "\"domain\":{\"id\":\"default\",\"name\":\"Default\"}},\"project\":{\"id\":\"project-1\","     \
    "\"name\":\"mine\",\"domain\":{\"id\":\"default\",\"name\":\"Default\"}},"                     \
    "\"expires_at\":\"2026-11-18T16:06:40.000000Z\",\"issued_at\":\"2026-11-18T11:06:40."          \
    "000000Z\","                                                                                   \
    "\"roles\":[{\"id\":\"r\",\"name\":\"member\"}],\"catalog\":[]}}"
#define OS_TOKEN OS_TOKEN_AS("token-1")
#define OS_NOVA_VERSION                                                                            \
    OS_JSON("200 OK")                                                                              \
    "{\"version\":{\"id\":\"v2.1\",\"status\":\"CURRENT\",\"version\":\"2.93\",\"min_version\":"   \
    "\"2.1\",\"links\":[{\"rel\":\"self\",\"href\":\"http://inside:8774/v2.1/\"}]}}"

/* The clock, and a cloud whose services are at the script's server. */
static inline void world_prepare(struct test_world *w, const char *const *answers)
{
    static const char *const paths[OS_SERVICE_COUNT] = {
        [OS_IDENTITY] = "identity/v3",         [OS_IMAGE] = "image/v2",
        [OS_COMPUTE] = "compute/v2.1",         [OS_NETWORK] = "network/v2.0",
        [OS_OBJECT_STORE] = "swift/v1/AUTH_p", [OS_VOLUME] = "volume/v3/project-1",
        [OS_WORKFLOW] = "workflow/v2",         [OS_RESERVATION] = "reservation/v1"};
    static char user[] = "demo", password[] = "a \"secret\"", project[] = "mine",
                domain[] = "default";
    world_begin(w, answers);
    for (unsigned i = 0; i < OS_SERVICE_COUNT; i++) {
        w->urls[i] = mir_format("%s/%s", w->server.url, paths[i]);
        w->cloud.services[i].endpoint_override = w->urls[i];
    }
    w->cloud.auth_url = w->urls[OS_IDENTITY];
    w->cloud.user = (struct os_named){.name = user, .domain_id = domain};
    w->cloud.project = (struct os_named){.name = project, .domain_id = domain};
    w->cloud.password = password;
}

static inline void world_session(struct test_world *w)
{
    struct os_session_settings settings = {.cloud = &w->cloud,
                                           .clock = &w->clock,
                                           .random = &w->random,
                                           .attempt_timeout_ms = 2000,
                                           .wait = world_wait,
                                           .wait_ctx = w};
    struct mir_error err = {0};
    w->session = os_session_new(&settings, &err);
    if (!w->session)
        fail_msg("%s", err.text);
}

/* Answers end with NULL; those of the beginning come before them. */
static inline void world_open(struct test_world *w, const char *const *answers)
{
    const char *all[SCRIPT_MAX + 1] = {OS_TOKEN, OS_NOVA_VERSION};
    size_t count = 2;
    while (*answers && count < SCRIPT_MAX)
        all[count++] = *answers++;
    all[count] = NULL;
    world_prepare(w, all);
    world_session(w);
    struct mir_error err = {0};
    os_auto_who struct os_who who = {.user_id = ""};
    char *url = NULL;
    if (os_who_am_i(w->session, os_until(w->session, 9000), &who, &err) ||
        os_session_endpoint(w->session, OS_COMPUTE, os_until(w->session, 9000), &url, &err))
        fail_msg("%s", err.text);
    free(url);
    w->before = w->server.request_count;
}

/* Ends session and server; what came can be looked at until world_free. */
static inline void world_close(struct test_world *w)
{
    os_session_free(w->session);
    w->session = NULL;
    script_stop(&w->server);
}

static inline void world_free(struct test_world *w)
{
    script_free(&w->server);
    for (unsigned i = 0; i < OS_SERVICE_COUNT; i++)
        free(w->urls[i]);
}

#endif
