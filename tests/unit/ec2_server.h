/* SPDX-License-Identifier: ISC */
/* A session of Amazon's in its test's world (session_world.h). */
#ifndef TESTS_EC2_SERVER_H
#define TESTS_EC2_SERVER_H

#include "ec2/session.h"

#define WORLD_SESSION struct ec2_session
#define WORLD_OWN struct ec2_credentials credentials;
#include "session_world.h"

static inline void world_open(struct test_world *w, const char *const *answers)
{
    world_begin(w, answers);
    mir_copy(w->credentials.access_key_id, sizeof w->credentials.access_key_id, "AKIDEXAMPLE");
    mir_secret_set(&w->credentials.secret, "secret", 6, NULL);
    struct ec2_session_settings settings = {.region = "eu-central-1",
                                            .credentials = ec2_credentials_fixed(&w->credentials),
                                            .clock = &w->clock,
                                            .random = &w->random,
                                            .attempt_timeout_ms = 2000,
                                            .wait = world_wait,
                                            .wait_ctx = w};
    for (size_t i = 0; i < EC2_SERVICE_COUNT; i++)
        settings.endpoints[i] = w->server.url;
    struct mir_error err = {0};
    w->session = ec2_session_new(&settings, &err);
    if (!w->session)
        fail_msg("%s", err.text);
}

/* Ends session and server; what came can be looked at until world_free. */
static inline void world_close(struct test_world *w)
{
    ec2_session_free(w->session);
    w->session = NULL;
    script_stop(&w->server);
}

static inline void world_free(struct test_world *w)
{
    script_free(&w->server);
    ec2_credentials_clear(&w->credentials);
}

#endif
