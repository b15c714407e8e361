/* SPDX-License-Identifier: ISC */
#include "command.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "api/clock.h"
#include "scratch.h"

static int run(const char *script, int timeout_ms, struct ec2_command *ret, struct mir_error *err)
{
    char sh[] = "sh", dash_c[] = "-c";
    char *words[] = {sh, dash_c, (char *)(uintptr_t)script, NULL};
    return ec2_command_run(words, timeout_ms, ret, err);
}

static int64_t now_ms(void)
{
    return mir_clock_system()->boot_ms(NULL);
}

static void takes_what_is_printed(void **state)
{
    ec2_auto_command struct ec2_command c = {0};
    struct mir_error err = {0};
    assert_int_equal(run("printf 'a\\0b'; echo 'why\n\tnot' >&2; exit 3", 5000, &c, &err), 0);
    assert_int_equal(c.out_len, 3);
    assert_memory_equal(c.out, "a\0b", 3);
    assert_string_equal(c.complaint, "why  not ");
    assert_true(WIFEXITED(c.status));
    assert_int_equal(WEXITSTATUS(c.status), 3);
}

static void gives_it_nothing_to_read_and_no_descriptors(void **state)
{
    ec2_auto_command struct ec2_command c = {0};
    int extra = open("/dev/null", O_RDONLY); /* not close-on-exec */
    assert_true(extra > 2);
    assert_int_equal(run("cat; ls /proc/self/fd | wc -l", 5000, &c, NULL), 0);
    assert_string_equal(c.out, "4\n"); /* the three, and the folder */
    close(extra);
}

static void gives_it_the_signals_back(void **state)
{
    ec2_auto_command struct ec2_command c = {0};
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(run("kill -PIPE $$; echo still here", 5000, &c, NULL), 0);
    assert_int_equal(c.out_len, 0);
    assert_true(WIFSIGNALED(c.status));
    assert_int_equal(WTERMSIG(c.status), SIGPIPE);
}

static void says_that_it_cannot_be_run(void **state)
{
    char path[] = "/nonexistent/program";
    char *words[] = {path, NULL};
    struct ec2_command c;
    struct mir_error err = {0};
    assert_int_equal(ec2_command_run(words, 5000, &c, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nonexistent/program"));
    ec2_command_clear(&c);
}

/* The child that it waits for is ended, too. */
static void kills_what_takes_too_long(void **state)
{
    ec2_auto_command struct ec2_command c = {0};
    struct mir_error err = {0};
    mir_auto_free char *script =
        mir_format("echo asking >&2; (sleep 60; :) & echo $! > %s/pid; wait", (const char *)*state);
    mir_auto_free char *path = mir_format("%s/pid", (const char *)*state);
    int64_t begin = now_ms();
    assert_int_equal(run(script, 500, &c, &err), -1);
    assert_int_equal(err.kind, MIR_TIMEOUT);
    assert_true(now_ms() - begin < 5000);
    assert_string_equal(c.complaint, "asking ");
    mir_auto_free char *text = NULL;
    assert_int_equal(mir_file_read(path, 100, &text, NULL, NULL), 0);
    int pid = (int)strtol(text, NULL, 10);
    assert_true(pid > 1);
    for (int i = 0; i < 500 && !kill(pid, 0); i++)
        poll(NULL, 0, 10); /* until init has reaped it */
    mir_auto_free char *stat = mir_format("/proc/%d/stat", pid);
    if (!access(stat, R_OK)) { /* nobody reaps it here */
        mir_auto_free char *line = NULL;
        assert_int_equal(mir_file_read(stat, 4096, &line, NULL, NULL), 0);
        assert_non_null(strstr(line, ") Z"));
    }
}

static void ends_with_the_program_not_with_its_output(void **state)
{
    ec2_auto_command struct ec2_command c = {0};
    int64_t begin = now_ms();
    /* What is left behind holds the pipe, and ends by itself. */
    assert_int_equal(run("sleep 3 & echo done", 20000, &c, NULL), 0);
    assert_string_equal(c.out, "done\n");
    assert_true(now_ms() - begin < 2500);
}

static void bounds_the_output(void **state)
{
    ec2_auto_command struct ec2_command c = {0};
    struct mir_error err = {0};
    assert_int_equal(run("yes", 20000, &c, &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
    ec2_command_clear(&c);
    assert_int_equal(run("yes | head -c 60000; yes why | head -c 100000 >&2", 20000, &c, &err), 0);
    assert_int_equal(c.out_len, 60000);
    assert_int_equal(strlen(c.complaint), sizeof c.complaint - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_is_printed),
        cmocka_unit_test(gives_it_nothing_to_read_and_no_descriptors),
        cmocka_unit_test(gives_it_the_signals_back),
        cmocka_unit_test(says_that_it_cannot_be_run),
        cmocka_unit_test(kills_what_takes_too_long),
        cmocka_unit_test(ends_with_the_program_not_with_its_output),
        cmocka_unit_test(bounds_the_output),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
