/* SPDX-License-Identifier: ISC */
#include "holders.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>

#include "api/cleanup.h"
#include "dir.h"
#include "local_help.h"

/* A child that works in `folder` and has the lock open, as asked; ready when this returns. */
static pid_t child(const char *folder, const char *lock)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (chdir(folder) || (lock && open(lock, O_RDWR) < 0) || write(ready[1], "r", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

/* The signal that it ended by; 0: it lives (and is ended now). */
static int ended_by(pid_t pid, bool wait)
{
    int status = 0;
    pid_t done = waitpid(pid, &status, wait ? 0 : WNOHANG);
    if (done == 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return 0;
    }
    return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

static void only_who_works_there_and_holds_the_lock(void **state)
{
    const char *folder = ((struct local_place *)*state)->path;
    mir_auto_free char *lock = mir_format("%s/" LOCAL_LOCK_FILE, folder);
    pid_t visitor = child(folder, NULL); /* before the lock is open: it would inherit that */
    mir_auto_close int lock_fd = open(lock, O_RDWR | O_CREAT, 0600);
    assert_true(lock_fd >= 0);
    pid_t keeper = child(folder, lock), deleter = child("/", lock);
    local_holders_kill(local_place_fd(state));
    int ends[] = {ended_by(keeper, true), ended_by(visitor, false), ended_by(deleter, false)};
    assert_int_equal(ends[0], SIGKILL);
    assert_int_equal(ends[1], 0);
    assert_int_equal(ends[2], 0);
}

static void nobody_there(void **state)
{
    local_holders_kill(local_place_fd(state)); /* no lock file, no process */
    local_holders_kill(-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_who_works_there_and_holds_the_lock, local_place_make,
                                        local_place_drop),
        cmocka_unit_test_setup_teardown(nobody_there, local_place_make, local_place_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
