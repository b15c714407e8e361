/* SPDX-License-Identifier: ISC */
/* The plan is read once per process, so every case runs in a child of its own. */
#include "api/fault.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "scratch.h"

/* Pass three points of two kinds; the exit status says which of them failed, as bits. */
static int pass_three(void)
{
    struct mir_error err = {0};
    int failed = 0;
    if (mir_fault_before("one", &err))
        failed |= err.outcome == MIR_DID_NOT_HAPPEN ? 1 : 64;
    if (mir_fault_after("two", &err))
        failed |= err.outcome == MIR_OUTCOME_UNKNOWN ? 2 : 64;
    if (mir_fault_before("three", &err))
        failed |= 4;
    return failed;
}

static int run(const char *fault, const char *count_file)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        unsetenv("MIRAGE_DEPLOY_FAULT");
        unsetenv("MIRAGE_DEPLOY_FAULT_COUNT");
        if (fault)
            setenv("MIRAGE_DEPLOY_FAULT", fault, 1);
        if (count_file)
            setenv("MIRAGE_DEPLOY_FAULT_COUNT", count_file, 1);
        _exit(pass_three());
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void without_a_plan_nothing_fails(void **state)
{
    int status = run(NULL, NULL);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void the_numbered_point_fails(void **state)
{
    static const struct {
        const char *fault;
        int failed;
    } rows[] = {{"fail-before:1", 1},    {"fail-after:2", 2},        {"fail-before:3", 4},
                {"fail-before:2", 0},    {"fail-after:1", 0},        {"fail-before:4", 0},
                {"fail-before:0", 0},    {"fail-sideways:1", 0},     {"fail-after:two#1", 2},
                {"fail-after:two#2", 0}, {"fail-before:three#1", 4}, {"fail-before:thre#1", 0},
                {"fail-before:#1", 0}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        int status = run(rows[i].fault, NULL);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), rows[i].failed);
    }
}

static void a_kill_is_a_kill(void **state)
{
    for (int n = 1; n <= 3; n++) {
        char fault[32];
        snprintf(fault, sizeof fault, "kill:%d", n);
        int status = run(fault, NULL);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGKILL);
    }
}

static void points_are_counted_by_name(void **state)
{
    mir_auto_free char *path = mir_format("%s/count", (const char *)*state);
    int numbers[3], pids[3];
    char names[3][8];
    run(NULL, path);
    mir_auto_free char *text = NULL;
    assert_int_equal(mir_file_read(path, 1000, &text, NULL, NULL), 0);
    assert_int_equal(sscanf(text, "%d %7s %d\n%d %7s %d\n%d %7s %d\n", &numbers[0], names[0],
                            &pids[0], &numbers[1], names[1], &pids[1], &numbers[2], names[2],
                            &pids[2]),
                     9);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(numbers[i], i + 1);
        assert_string_equal(names[i], ((const char *[]){"one", "two", "three"})[i]);
        assert_true(pids[i] > 0 && pids[i] == pids[0]);
    }
}

static void a_hang_never_returns(void **state)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        setenv("MIRAGE_DEPLOY_FAULT", "hang:2", 1);
        _exit(pass_three());
    }
    const struct timespec wait = {0, 100000000};
    nanosleep(&wait, NULL);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_plan_nothing_fails),
        cmocka_unit_test(the_numbered_point_fails),
        cmocka_unit_test(a_kill_is_a_kill),
        cmocka_unit_test(points_are_counted_by_name),
        cmocka_unit_test(a_hang_never_returns),
    };
    return cmocka_run_group_tests_name("fault", tests, scratch_make, scratch_remove);
}
