/* SPDX-License-Identifier: ISC */
/*
 * A server with a script, and beside it a session that speaks to it, with a clock of the test's own
 * and waits that cost nothing. Included by the header of one cloud's bindings, which says first
 * what WORLD_SESSION is, and in WORLD_OWN what else stands in its world.
 */
#ifndef TESTS_SESSION_WORLD_H
#define TESTS_SESSION_WORLD_H

#include "script_server.h"

#include "api/clock.h"
#include "api/id.h"

#ifndef WORLD_SESSION /* nobody's bindings */
#define WORLD_SESSION void
#define WORLD_OWN
#endif

#define TEST_NOW_S 1795000000 /* 2026-11-18T11:06:40Z */

struct test_world {
    struct script_server server;
    int64_t utc_ms, boot_ms, waited_ms;
    unsigned waits;
    struct mir_clock clock;
    struct mir_random random;
    WORLD_SESSION *session;
    size_t before; /* requests that the session made before the script */
    WORLD_OWN
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

/* The server and the clock; answers end with NULL. */
static inline void world_begin(struct test_world *w, const char *const *answers)
{
    memset(w, 0, sizeof *w);
    script_start(&w->server, answers);
    w->utc_ms = (int64_t)TEST_NOW_S * 1000;
    w->boot_ms = 5000;
    w->clock = (struct mir_clock){world_utc, world_boot, w};
    w->random = (struct mir_random){world_random, NULL};
}

/* The n-th request of the script. */
static inline const char *world_request(const struct test_world *w, size_t n)
{
    return w->server.requests[w->before + n];
}

static inline size_t world_requests(const struct test_world *w)
{
    return w->server.request_count - w->before;
}

#endif
