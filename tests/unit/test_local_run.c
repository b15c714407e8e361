/* SPDX-License-Identifier: ISC */
#include "run.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "api/process.h"
#include "local_help.h"

static int run(int dir_fd, const char *script, int timeout_ms, int cancel_fd, struct mir_buf *out,
               int *status, struct mir_error *err)
{
    char *words[] = {mir_strdup("/bin/sh"), mir_strdup("-c"), mir_strdup(script), NULL};
    mir_buf_init(out, 16);
    int rc = local_run(dir_fd, words, timeout_ms, cancel_fd, out, status, err);
    for (int i = 0; i < 3; i++)
        free(words[i]);
    return rc;
}

static void to_its_end(void **state)
{
    int fd = local_place_fd(state), status = 0;
    struct mir_buf out;
    struct mir_error err = {0};
    local_put(fd, "f", "here", 4);
    assert_int_equal(run(fd, "cat f; echo x >&2; exit 3", 5000, -1, &out, &status, &err), 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    assert_string_equal(out.data, "herex\n");
    mir_buf_clear(&out);
    /* Output past the bound is dropped, not an error; open files are not inherited. */
    assert_int_equal(run(fd, "echo 0123456789012345678901234567890", 5000, -1, &out, &status, &err),
                     0);
    assert_true(out.len <= 16);
    mir_buf_clear(&out);
    char *script = mir_format("test ! -e /proc/self/fd/%d", fd);
    assert_int_equal(run(fd, script, 5000, -1, &out, &status, &err), 0);
    assert_int_equal(status, 0);
    free(script);
    mir_buf_clear(&out);
}

static void cut_short(void **state)
{
    int fd = local_place_fd(state), status = 0;
    struct mir_buf out;
    struct mir_error err = {0};
    assert_int_equal(run(fd, "exec sleep 60", 50, -1, &out, &status, &err), -1);
    assert_int_equal(err.kind, MIR_TIMEOUT);
    assert_true(WIFSIGNALED(status));
    mir_buf_clear(&out);
    int cancel = eventfd(1, EFD_CLOEXEC);
    assert_int_equal(run(fd, "exec sleep 60", 60000, cancel, &out, &status, &err), -1);
    assert_int_equal(err.kind, MIR_INTERRUPTED);
    mir_buf_clear(&out);
    close(cancel);
}

/* Whoever runs a program may be killed meanwhile: it must not be left behind. */
static void dies_with_its_runner(void **state)
{
    int fd = local_place_fd(state), status;
    char *text = NULL;
    pid_t pid = fork();
    if (pid == 0) {
        struct mir_buf out;
        run(fd, "echo $$ > pid.new; mv pid.new pid; exec sleep 60", 60000, -1, &out, &status, NULL);
        _exit(1);
    }
    char *path = mir_format("%s/pid", ((struct local_place *)*state)->path);
    for (int i = 0; i < 500 && mir_file_read(path, 32, &text, NULL, NULL); i++)
        usleep(10000);
    struct mir_process program = {0};
    assert_non_null(text);
    assert_int_equal(mir_process_of((pid_t)strtol(text, NULL, 10), &program, NULL), 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(mir_process_wait_gone(&program, 5000, NULL), 0);
    free(text);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {LOCAL_IN_PLACE(to_its_end), LOCAL_IN_PLACE(cut_short),
                                       LOCAL_IN_PLACE(dies_with_its_runner)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
