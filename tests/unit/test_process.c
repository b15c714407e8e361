/* SPDX-License-Identifier: ISC */
#include "api/process.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "scratch.h"

/* A child that sleeps until it is told to end. */
static pid_t start_child(void)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        for (;;)
            pause();
    }
    return pid;
}

static void knows_itself(void **state)
{
    struct mir_process self = {0};
    assert_int_equal(mir_process_of(getpid(), &self, NULL), 0);
    assert_int_equal(self.pid, getpid());
    assert_true(self.start_ticks > 0);
    assert_int_equal(strlen(self.boot_id), 36);
    assert_int_equal(mir_process_alive(&self), 1);
}

static void another_start_time_is_another_process(void **state)
{
    struct mir_process self = {0};
    assert_int_equal(mir_process_of(getpid(), &self, NULL), 0);
    struct mir_process other = self;
    other.start_ticks++;
    assert_int_equal(mir_process_alive(&other), 0);
    assert_int_equal(mir_process_open(&other), -1);
    /* A signal to the process that was meant does not reach the one that has its number now. */
    assert_int_equal(mir_process_signal(&other, SIGKILL, NULL), 0);
    other = self;
    other.boot_id[0] = other.boot_id[0] == '0' ? '1' : '0';
    assert_int_equal(mir_process_alive(&other), 0);
    assert_int_equal(mir_process_signal(&other, SIGKILL, NULL), 0);
    other.pid = 0;
    assert_int_equal(mir_process_open(&other), -1);
    other.pid = -1;
    assert_int_equal(mir_process_signal(&other, SIGKILL, NULL), 0);
}

static void ends_and_is_seen_to_end(void **state)
{
    pid_t pid = start_child();
    struct mir_process child = {0};
    assert_int_equal(mir_process_of(pid, &child, NULL), 0);
    struct mir_error err = {0};
    assert_int_equal(mir_process_wait_gone(&child, 20, &err), -1);
    assert_int_equal(err.kind, MIR_TIMEOUT);
    assert_int_equal(mir_process_signal(&child, SIGKILL, NULL), 0);
    assert_int_equal(mir_process_wait_gone(&child, 5000, NULL), 0);
    assert_int_equal(mir_process_alive(&child), 0); /* a zombie is not alive */
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(mir_process_wait_gone(&child, 0, NULL), 0);
    assert_int_equal(mir_process_of(pid, &child, &err), -1);
}

static void finds_the_programs_beside_it(void **state)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = '\0';
    const char *name = strrchr(self, '/') + 1;
    mir_auto_free char *found = mir_program_path(name, NULL);
    assert_string_equal(found, self);
    struct mir_error err = {0};
    assert_null(mir_program_path("mirage-no-such-program", &err));
    assert_int_equal(err.kind, MIR_NOT_FOUND);
    assert_non_null(strstr(err.text, "mirage-no-such-program"));
    assert_string_not_equal(err.hint, "");
    mir_auto_free char *data = mir_data_path(name, NULL);
    assert_string_equal(data, self);
    assert_null(mir_data_path("no-such-data", &err));
    assert_int_equal(err.kind, MIR_NOT_FOUND);
    assert_non_null(strstr(err.text, "no-such-data"));
}

static void searches_path(void **state)
{
    (void)state;
    void *place;
    struct mir_error err = {0};
    assert_int_equal(scratch_make(&place), 0);
    mir_auto_free char *old = mir_strdup(getenv("PATH"));
    mir_auto_free char *path = mir_format("/nonexistent:%s", (const char *)place);
    mir_auto_free char *wanted = scratch_file(&place, "tool", "");
    assert_int_equal(setenv("PATH", path, 1), 0);
    assert_null(mir_program_search("tool", &err)); /* there, but not to be run */
    assert_int_equal(err.kind, MIR_NOT_FOUND);
    assert_int_equal(chmod(wanted, 0700), 0);
    mir_auto_free char *found = mir_program_search("tool", &err);
    assert_string_equal(found, wanted);
    mir_auto_free char *itself = mir_program_search(wanted, &err);
    assert_string_equal(itself, wanted);
    assert_null(mir_program_search("./tool", &err));
    assert_int_equal(setenv("PATH", old, 1), 0);
    assert_int_equal(scratch_remove(&place), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_itself),
        cmocka_unit_test(another_start_time_is_another_process),
        cmocka_unit_test(ends_and_is_seen_to_end),
        cmocka_unit_test(finds_the_programs_beside_it),
        cmocka_unit_test(searches_path),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
