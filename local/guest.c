/* SPDX-License-Identifier: ISC */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/fault.h"
#include "api/file.h"
#include "argv.h"
#include "dir.h"
#include "qmp.h"

/* The child's fds, in the order of their numbers there. */
enum { CHILD_IN, CHILD_OUT, CHILD_ERR, CHILD_QMP, CHILD_LOCK, CHILD_REPORT, CHILD_FDS };
_Static_assert(CHILD_QMP == LOCAL_QMP_FD, "the argument vector names this number");

struct pipes {
    int ours[CHILD_FDS];
    int theirs[CHILD_FDS];
};

static void close_all(int *fds)
{
    for (int i = 0; i < CHILD_FDS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* Above the numbers that the child will use, so that placing one overwrites no other. */
static int lifted(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, CHILD_FDS + 10);
    close(fd);
    return high;
}

static int open_pipes(struct pipes *pipes, int lock_fd, bool qemu, struct mir_error *err)
{
    static const char *const null_file = "/dev/null";
    for (int i = 0; i < CHILD_FDS; i++) {
        int pair[2] = {-1, -1};
        int rc = 0;
        if (i == CHILD_LOCK)
            pair[1] = fcntl(lock_fd, F_DUPFD_CLOEXEC, 0);
        else if (i == CHILD_QMP)
            rc = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
        else if (i == CHILD_IN && !qemu)
            pair[1] = open(null_file, O_RDONLY | O_CLOEXEC);
        else
            rc = pipe2(pair, O_CLOEXEC);
        if (i == CHILD_IN && qemu) { /* this one runs the other way */
            int reader = pair[0];
            pair[0] = pair[1];
            pair[1] = reader;
        }
        pipes->ours[i] = pair[0];
        pipes->theirs[i] = pair[1] < 0 ? -1 : lifted(pair[1]);
        if (rc || pipes->theirs[i] < 0)
            return mir_fail_errno(err, errno, "cannot make the guest's pipes");
        if (pair[0] >= 0)
            fcntl(pair[0], F_SETFL, O_NONBLOCK);
    }
    return 0;
}

/* Between fork and exec. Reports errno through CHILD_REPORT when the program cannot be run. */
static _Noreturn void become(const struct local_spec *spec, char **words, const int *fds,
                             pid_t keeper)
{
    /* First of all: from here on nothing that may hang outlives the keeper. It may have died before
     * it was asked for, so it is looked for at the end. */
    bool dies_with_keeper = !prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    for (int i = 0; i < CHILD_FDS; i++)
        dup2(fds[i], i);
    close_range(CHILD_FDS, ~0U, 0);
    fcntl(CHILD_REPORT, F_SETFD, FD_CLOEXEC);
    if (!local_how_is_qemu(spec->how))
        close(CHILD_QMP);
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    /* When memory runs out, the guest goes first and its keeper can still say so. */
    int oom = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (oom >= 0) {
        (void)!write(oom, "300", 3);
        close(oom);
    }
    setenv("TMPDIR", ".", 1); /* what a guest writes to its disk counts here */
    if (!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && dies_with_keeper && getppid() == keeper)
        execv(words[0], words);
    int failed = errno;
    (void)!write(CHILD_REPORT, &failed, sizeof failed);
    _exit(127);
}

/* 0 once the program is executing (the report pipe closed without a word). */
static int wait_exec(int report_fd, pid_t pid, const char *program, struct mir_error *err)
{
    int failed = 0;
    fcntl(report_fd, F_SETFL, 0);
    ssize_t n;
    while ((n = read(report_fd, &failed, sizeof failed)) < 0 && errno == EINTR)
        ;
    if (n != (ssize_t)sizeof failed)
        return 0;
    waitpid(pid, NULL, 0);
    return mir_fail_errno(err, failed, "cannot run %s", program);
}

static int launch(const struct local_spec *spec, struct pipes *pipes, struct local_guest *guest,
                  struct mir_error *err)
{
    struct local_argv argv;
    local_argv_build(spec, &argv);
    pid_t keeper = getpid();
    guest->pid = fork();
    if (guest->pid == 0)
        become(spec, argv.words, pipes->theirs, keeper);
    local_argv_clear(&argv);
    if (guest->pid < 0) {
        guest->pid = 0;
        return mir_fail_errno(err, errno, "cannot start a process");
    }
    guest->pid_fd = pidfd_open(guest->pid, 0);
    return 0;
}

int local_guest_start(const struct local_spec *spec, int lock_fd, struct local_guest *ret,
                      struct mir_error *err)
{
    bool qemu = local_how_is_qemu(spec->how);
    struct local_guest guest = {0, -1, -1, -1, -1, -1};
    struct pipes pipes;
    memset(&pipes, 0xff, sizeof pipes); /* every fd -1 */
    int rc = mir_fault_before("local.guest.spawn", err);
    if (!rc)
        rc = open_pipes(&pipes, lock_fd, qemu, err);
    if (!rc && qemu &&
        mir_write_all(pipes.ours[CHILD_QMP], LOCAL_QMP_HELLO, sizeof LOCAL_QMP_HELLO - 1))
        rc = mir_fail_errno(err, errno, "cannot write to QEMU's socket");
    if (!rc)
        rc = launch(spec, &pipes, &guest, err);
    close_all(pipes.theirs);
    if (!rc)
        rc = wait_exec(pipes.ours[CHILD_REPORT], guest.pid, spec->program, err);
    if (!rc)
        rc = mir_fault_after("local.guest.spawn", err);
    if (rc) {
        if (guest.pid_fd >= 0) {
            /* Dead already when its exec failed; reaped twice does no harm. */
            pidfd_send_signal(guest.pid_fd, SIGKILL, NULL, 0);
            waitpid(guest.pid, NULL, 0);
            close(guest.pid_fd);
        }
        close_all(pipes.ours);
        return -1;
    }
    guest.in_fd = mir_steal_fd(&pipes.ours[CHILD_IN]);
    guest.out_fd = mir_steal_fd(&pipes.ours[CHILD_OUT]);
    guest.err_fd = mir_steal_fd(&pipes.ours[CHILD_ERR]);
    guest.qmp_fd = qemu ? mir_steal_fd(&pipes.ours[CHILD_QMP]) : -1;
    close_all(pipes.ours);
    *ret = guest;
    return 0;
}

void local_guest_clear(struct local_guest *guest)
{
    int *fds[] = {&guest->pid_fd, &guest->in_fd, &guest->out_fd, &guest->err_fd, &guest->qmp_fd};
    for (size_t i = 0; i < MIR_NELEMS(fds); i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
}
