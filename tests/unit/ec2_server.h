/* SPDX-License-Identifier: ISC */
/* A server with a script, and beside it a session that speaks to it, with a clock of the test's own
 * and waits that cost nothing. */
#ifndef TESTS_EC2_SERVER_H
#define TESTS_EC2_SERVER_H

#include "script_server.h"

#include "ec2/session.h"

/* --- a session of the test's --- */

#define TEST_NOW_S 1795000000 /* 2026-11-18T11:06:40Z */

struct test_world {
    struct script_server server;
    int64_t utc_ms, boot_ms, waited_ms;
    unsigned waits;
    struct ec2_credentials credentials;
    struct mir_clock clock;
    struct mir_random random;
    struct ec2_session *session;
};

static int64_t world_utc(void *ctx)
{
    return ((struct test_world *)ctx)->utc_ms;
}

static int64_t world_boot(void *ctx)
{
    return ((struct test_world *)ctx)->boot_ms;
}

static void world_wait(void *ctx, int64_t ms)
{
    struct test_world *w = ctx;
    w->waits++;
    w->waited_ms += ms;
    w->utc_ms += ms;
    w->boot_ms += ms;
}

static void world_random(void *ctx, void *out, size_t len)
{
    memset(out, 0x80, len);
}

static inline void world_open(struct test_world *w, const char *const *answers)
{
    memset(w, 0, sizeof *w);
    script_start(&w->server, answers);
    w->utc_ms = (int64_t)TEST_NOW_S * 1000;
    w->boot_ms = 5000;
    w->clock = (struct mir_clock){world_utc, world_boot, w};
    w->random = (struct mir_random){world_random, NULL};
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
