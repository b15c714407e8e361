/* SPDX-License-Identifier: ISC */
/*
 * Calls replayed: what goes over the wire has to be, byte for byte, what stands in
 * ec2/testdata/<Operation>/<scenario>/request (a form's parameters one a line), and is answered
 * with the reply beside it; more of them in a scenario are request-2, reply-2, ... What is made of
 * the reply is the test's to check. MIRAGE_WIRE_RECORD=1 writes the requests instead; look at them
 * then.
 */
#ifndef TESTS_EC2_WIRE_H
#define TESTS_EC2_WIRE_H

#include "ec2_server.h"

#include <signal.h>
#include <sys/stat.h>

#include "api/buf.h"

/* Makes the call and checks what comes of it; returns what the call returned. */
typedef int wire_fn(struct ec2_session *session, int64_t until_ms, struct mir_error *err);

struct wire_case {
    const char *where; /* "RunInstances/plain" */
    wire_fn *call;
    enum mir_kind kind; /* MIR_OK: it succeeds */
    const char *code;   /* the service's, of a refusal */
};

static const char *wire_folder;

/* The text of a file, owned; NULL: there is none. "reply", and of a later number "reply-2". */
static inline char *wire_read(const char *where, const char *kind, size_t number)
{
    mir_auto_free char *path =
        number ? mir_format("%s/%s/%s-%zu", wire_folder, where, kind, number + 1)
               : mir_format("%s/%s/%s", wire_folder, where, kind);
    char *text = NULL;
    return mir_file_read(path, 1 << 20, &text, NULL, NULL) ? NULL : text;
}

static inline void wire_write(const char *where, size_t number, const char *text)
{
    mir_auto_free char *path = number
                                   ? mir_format("%s/%s/request-%zu", wire_folder, where, number + 1)
                                   : mir_format("%s/%s/request", wire_folder, where);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* A request as its file has it, owned: first line, the headers that say what it is, and the body.
 */
static inline char *wire_render(const char *request)
{
    static const char *const names[] = {"Content-Type", "X-Amz-Target"};
    struct mir_buf out;
    mir_buf_init(&out, 1 << 20);
    mir_buf_addf(&out, "%.*s\n", (int)strcspn(request, "\r"), request);
    for (size_t i = 0; i < MIR_NELEMS(names); i++) {
        mir_auto_free char *value = script_header(request, names[i]);
        if (value)
            mir_buf_addf(&out, "%s: %s\n", names[i], value);
    }
    mir_buf_adds(&out, "\n");
    for (const char *p = script_body(request); *p; p++)
        mir_buf_addf(&out, *p == '&' ? "\n%c" : "%c", *p);
    if (*script_body(request))
        mir_buf_adds(&out, "\n");
    return mir_buf_take(&out);
}

static inline void wire_compare(const struct wire_case *c, size_t number, const char *request)
{
    mir_auto_free char *seen = wire_render(request);
    if (getenv("MIRAGE_WIRE_RECORD")) {
        wire_write(c->where, number, seen);
        return;
    }
    mir_auto_free char *wanted = wire_read(c->where, "request", number);
    if (!wanted || strcmp(seen, wanted) != 0)
        fail_msg("%s: request %zu is\n%s", c->where, number + 1, seen);
}

static inline void wire_run(const struct wire_case *c)
{
    char *replies[SCRIPT_MAX + 1] = {NULL};
    size_t count = 0;
    while (count < SCRIPT_MAX && (replies[count] = wire_read(c->where, "reply", count)))
        count++;
    assert_true(count > 0);
    struct test_world w;
    world_open(&w, (const char *const *)replies);
    struct mir_error err = {0};
    int rc = c->call(w.session, ec2_until(w.session, 60000), &err);
    world_close(&w);
    if ((c->kind == MIR_OK) != !rc || err.kind != c->kind ||
        strcmp(c->code ? c->code : "", err.provider_code) != 0)
        fail_msg("%s: %d, kind %d: %s", c->where, rc, (int)err.kind, err.text);
    if (w.server.request_count != count)
        fail_msg("%s: %zu requests, %zu replies", c->where, w.server.request_count, count);
    for (size_t i = 0; i < count; i++) {
        wire_compare(c, i, w.server.requests[i]);
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
