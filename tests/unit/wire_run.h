/* SPDX-License-Identifier: ISC */
/* Calls replayed from files (wire_files.h). What is made of the reply is the test's to check.
 * Included by the header of one cloud's bindings, with its session_world.h: it says first which
 * headers count (WIRE_HEADERS), and which X-Auth-Token every request has to have (WIRE_TOKEN). */
#ifndef TESTS_WIRE_RUN_H
#define TESTS_WIRE_RUN_H

#include "session_world.h"
#include "wire_files.h"

#include <signal.h>

#ifndef WIRE_HEADERS /* nobody's bindings: a server, and no session */
#define WIRE_HEADERS "Content-Type"
#define WIRE_TOKEN ""
static inline void world_open(struct test_world *w, const char *const *answers)
{
    world_begin(w, answers);
}
static inline void world_close(struct test_world *w)
{
    script_stop(&w->server);
}
static inline void world_free(struct test_world *w)
{
    script_free(&w->server);
}
#endif

/* Makes the call and checks what comes of it; returns what the call returned. */
typedef int wire_fn(WORLD_SESSION *session, int64_t until_ms, struct mir_error *err);

struct wire_case {
    const char *where; /* "RunInstances/plain" */
    wire_fn *call;
    enum mir_kind kind; /* MIR_OK: it succeeds */
    const char *code;   /* the service's, of a refusal */
};

static inline void wire_run(const struct wire_case *c)
{
    static const char *const names[] = {WIRE_HEADERS};
    static const struct wire_headers headers = {names, MIR_NELEMS(names)};
    char *replies[SCRIPT_MAX + 1] = {NULL};
    size_t count = 0;
    while (count < SCRIPT_MAX && (replies[count] = wire_read(c->where, "reply", count)))
        count++;
    assert_true(count > 0);
    struct test_world w;
    world_open(&w, (const char *const *)replies);
    struct mir_error err = {0};
    int rc = c->call(w.session, w.boot_ms + 60000, &err);
    world_close(&w);
    if ((c->kind == MIR_OK) != !rc || err.kind != c->kind ||
        strcmp(c->code ? c->code : "", err.provider_code) != 0)
        fail_msg("%s: %d, kind %d: %s", c->where, rc, (int)err.kind, err.text);
    if (world_requests(&w) != count)
        fail_msg("%s: %zu requests, %zu replies", c->where, world_requests(&w), count);
    for (size_t i = 0; i < count; i++) {
        mir_auto_free char *token = script_header(world_request(&w, i), "X-Auth-Token");
        assert_string_equal(token ? token : "", WIRE_TOKEN);
        wire_compare(c->where, i, world_request(&w, i), &headers);
        free(replies[i]);
    }
    world_free(&w);
}

static inline void wire_all(const struct wire_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        wire_run(&cases[i]);
}

/* The main of a wire test: its argument is the folder with the testdata. */
#define WIRE_MAIN(cases)                                                                           \
    static void test_replayed(void **state)                                                        \
    {                                                                                              \
        wire_all(cases, MIR_NELEMS(cases));                                                        \
    }                                                                                              \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_replayed)};                       \
        if (argc != 2)                                                                             \
            return 2;                                                                              \
        wire_folder = argv[1];                                                                     \
        signal(SIGPIPE, SIG_IGN);                                                                  \
        return cmocka_run_group_tests(tests, NULL, NULL);                                          \
    }

#endif
