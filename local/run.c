/* SPDX-License-Identifier: ISC */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/memory.h"

/* Between fork and exec, where only what a signal handler may do is allowed. */
static _Noreturn void become(int dir_fd, char *const *words, char *const *env, int out_fd,
                             pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int null_fd = open("/dev/null", O_RDONLY);
    /* It must not outlive us, however we end. */
    if (!prctl(PR_SET_PDEATHSIG, SIGKILL) && getppid() == parent && !fchdir(dir_fd) &&
        dup2(null_fd, 0) >= 0 && dup2(out_fd, 1) >= 0 && dup2(out_fd, 2) >= 0) {
        close_range(3, ~0U, 0);
        execve(words[0], words, env);
    }
    _exit(127);
}

/* Not posix_spawn: it cannot tie the child's life to ours. */
static int spawn(int dir_fd, char *const *words, int out_fd, pid_t *ret_pid)
{
    char *env[] = {mir_strdup("LC_ALL=C"), NULL};
    pid_t parent = getpid();
    *ret_pid = fork();
    if (*ret_pid == 0)
        become(dir_fd, words, env, out_fd, parent);
    int failed = *ret_pid < 0 ? errno : 0;
    free(env[0]);
    return failed;
}

/* Until the program closes its output (ends). */
static enum mir_kind collect(int fd, int cancel_fd, int64_t until_ms, struct mir_buf *out)
{
    const struct mir_clock *clock = mir_clock_system();
    for (;;) {
        int64_t left = until_ms - clock->boot_ms(clock->ctx);
        struct pollfd p[] = {{.fd = fd, .events = POLLIN}, {.fd = cancel_fd, .events = POLLIN}};
        int ready = left > 0 ? poll(p, 2, (int)left) : 0;
        if (ready == 0)
            return MIR_TIMEOUT;
        if (ready > 0 && p[1].revents)
            return MIR_INTERRUPTED;
        char chunk[4096];
        ssize_t n = ready > 0 ? read(fd, chunk, sizeof chunk) : -1;
        if (n == 0)
            return MIR_OK;
        if (n > 0)
            mir_buf_add(out, chunk, (size_t)n);
    }
}

int local_run(int dir_fd, char *const *words, int timeout_ms, int cancel_fd, struct mir_buf *out,
              int *ret_status, struct mir_error *err)
{
    const struct mir_clock *clock = mir_clock_system();
    int pipe_fds[2];
    pid_t pid;
    if (pipe2(pipe_fds, O_CLOEXEC))
        return mir_fail_errno(err, errno, "cannot make a pipe");
    int failed = spawn(dir_fd, words, pipe_fds[1], &pid);
    close(pipe_fds[1]);
    if (failed) {
        close(pipe_fds[0]);
        return mir_fail_errno(err, failed, "cannot run %s", words[0]);
    }
    enum mir_kind how =
        collect(pipe_fds[0], cancel_fd, clock->boot_ms(clock->ctx) + timeout_ms, out);
    close(pipe_fds[0]);
    if (how != MIR_OK)
        kill(pid, SIGKILL);
    while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
        ;
    if (how == MIR_TIMEOUT)
        return mir_fail(err, how, "%s did not end within %d ms", words[0], timeout_ms);
    return how == MIR_OK ? 0 : mir_fail(err, how, "%s was not waited for", words[0]);
}
