/* SPDX-License-Identifier: ISC */
/* A program that is run for what it writes: its lines are heard as they come, and nobody waits for
 * one that is not wanted any more, nor for what that one has started. */
#include "api/child.h"

#include <signal.h>
#include <time.h>

#include "api/provider.h"
#include "scratch.h"

struct heard {
    struct mir_buf out;
    char lines[8][600];
    unsigned count;
    unsigned wanted; /* how often it is yet */
};

static int take(void *ctx, const void *data, size_t len, struct mir_error *err)
{
    struct heard *heard = ctx;
    return mir_buf_add(&heard->out, data, len) ? mir_fail(err, MIR_CORRUPT, "too much") : 0;
}

static void hear(void *ctx, const char *line)
{
    struct heard *heard = ctx;
    assert_true(heard->count < MIR_NELEMS(heard->lines));
    mir_copy(heard->lines[heard->count++], sizeof heard->lines[0], line);
}

static int still_wanted(void *ctx, struct mir_error *err)
{
    struct heard *heard = ctx;
    return heard->wanted-- ? 0 : mir_fail(err, MIR_INTERRUPTED, "nobody wants it");
}

static int run(const char *script, struct heard *heard, const struct mir_wanted *wanted,
               struct mir_error *err)
{
    const char *const words[] = {"sh", "-c", script, NULL};
    const struct mir_child child = {
        .words = words, .take = take, .hear = hear, .ctx = heard, .wanted = wanted};
    mir_buf_init(&heard->out, 1000);
    int rc = mir_child_run(&child, err);
    mir_buf_add(&heard->out, "", 1);
    return rc;
}

static void hears_line_by_line(void **state)
{
    struct heard *heard = mir_calloc(1, sizeof *heard);
    struct mir_error err = {0};
    assert_int_equal(run("echo out; printf 'one\\n\\ntw' >&2; sleep 0.1; printf 'o\\nrest' >&2",
                         heard, NULL, &err),
                     0);
    assert_string_equal(mir_buf_text(&heard->out), "out\n");
    assert_int_equal(heard->count, 3); /* what has no end is no line */
    assert_string_equal(heard->lines[0], "one");
    assert_string_equal(heard->lines[1], "");
    assert_string_equal(heard->lines[2], "two");
    mir_buf_clear(&heard->out);
    free(heard);
}

static void long_lines_and_zeros(void **state)
{
    struct heard *heard = mir_calloc(1, sizeof *heard);
    struct mir_error err = {0};
    assert_int_equal(
        run("printf '%0900d\\n' 1 >&2; printf 'a\\000b\\n' >&2; exit 3", heard, NULL, &err), -1);
    assert_int_equal(err.kind, MIR_FAILED);
    assert_int_equal(heard->count, 2);
    assert_int_equal(strlen(heard->lines[0]), 510);
    assert_string_equal(heard->lines[1], "a?b");
    mir_buf_clear(&heard->out);
    free(heard);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The shell's own child would hold the pipes and go on for minutes. */
static void nobody_waits_for_what_is_not_wanted(void **state)
{
    struct heard *heard = mir_calloc(1, sizeof *heard);
    struct mir_wanted wanted = {.check = still_wanted, .ctx = heard};
    struct mir_error err = {0};
    double begin = seconds();
    heard->wanted = 5;
    assert_int_equal(run("sleep 300 & echo $!; wait", heard, &wanted, &err), -1);
    assert_true(seconds() - begin < 60);
    assert_int_equal(err.kind, MIR_INTERRUPTED);
    assert_string_equal(err.text, "nobody wants it");
    long pid = strtol(mir_buf_text(&heard->out), NULL, 10);
    assert_true(pid > 1);
    struct timespec moment = {.tv_nsec = 20000000};
    bool gone = false;
    for (int i = 0; !gone && i < 500; i++) { /* a zombie until somebody has asked for it */
        mir_auto_free char *path = mir_format("/proc/%ld/stat", pid);
        char *text = NULL;
        size_t len;
        gone = mir_file_read(path, 4096, &text, &len, NULL) != 0 || strstr(text, ") Z ");
        free(text);
        nanosleep(&moment, NULL);
    }
    assert_true(gone);
    mir_buf_clear(&heard->out);
    free(heard);
}

static void what_is_wanted_ends_by_itself(void **state)
{
    struct heard *heard = mir_calloc(1, sizeof *heard);
    struct mir_wanted wanted = {.check = still_wanted, .ctx = heard};
    struct mir_error err = {0};
    heard->wanted = 1u << 20;
    assert_int_equal(run("sleep 0.5; echo done", heard, &wanted, &err), 0);
    assert_string_equal(mir_buf_text(&heard->out), "done\n");
    assert_true(heard->wanted < (1u << 20) - 1);
    mir_buf_clear(&heard->out);
    free(heard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hears_line_by_line),
        cmocka_unit_test(long_lines_and_zeros),
        cmocka_unit_test(nobody_waits_for_what_is_not_wanted),
        cmocka_unit_test(what_is_wanted_ends_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
