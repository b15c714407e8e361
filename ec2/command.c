/* SPDX-License-Identifier: ISC */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/clock.h"
#include "api/memory.h"
#include "api/secret.h"
#include "api/spawn.h"

/* A program that runs: the read ends of its output, and itself. */
struct running {
    pid_t pid;
    int out, complaint, pidfd; /* -1: closed */
    size_t complaint_len;
};

void ec2_command_clear(struct ec2_command *command)
{
    if (command->out)
        mir_wipe(command->out, EC2_COMMAND_OUT_MAX);
    free(command->out);
    *command = (struct ec2_command){0};
}

static int set_actions(posix_spawn_file_actions_t *actions, int out, int complaint)
{
    int rc = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(actions, complaint, STDERR_FILENO);
    if (!rc)
        rc = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    return rc;
}

/* An errno, 0 for none. */
static int spawn(char *const *words, int out, int complaint, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc)
        return rc;
    rc = mir_spawn_attributes(&attr, POSIX_SPAWN_SETPGROUP);
    if (!rc) {
        rc = set_actions(&actions, out, complaint);
        if (!rc)
            rc = posix_spawnp(ret_pid, words[0], &actions, &attr, words, environ);
        posix_spawnattr_destroy(&attr);
    }
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

static int open_pipe(int *ret_read, int *ret_write)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC))
        return -1;
    /* The program may leave a child behind that holds the other end. */
    if (fcntl(fds[0], F_SETFL, O_NONBLOCK)) {
        close(fds[0]);
        close(fds[1]);
        return -1;
    }
    *ret_read = fds[0];
    *ret_write = fds[1];
    return 0;
}

static int start(char *const *words, struct running *ret, struct mir_error *err)
{
    mir_auto_close int out = -1, complaint = -1, out_end = -1, complaint_end = -1;
    if (open_pipe(&out, &out_end) || open_pipe(&complaint, &complaint_end))
        return mir_fail_errno(err, errno, "cannot make a pipe");
    pid_t pid = 0;
    int failed = spawn(words, out_end, complaint_end, &pid);
    if (failed)
        return mir_fail_errno(err, failed, "cannot run %s", words[0]);
    *ret =
        (struct running){pid, mir_steal_fd(&out), mir_steal_fd(&complaint), pidfd_open(pid, 0), 0};
    return 0;
}

static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* What there is to read now; closes what has ended. */
static void read_complaint(struct running *run, struct ec2_command *ret)
{
    char chunk[1024];
    ssize_t n;
    while ((n = read(run->complaint, chunk, sizeof chunk)) > 0)
        for (ssize_t i = 0; i < n && run->complaint_len + 1 < sizeof ret->complaint; i++) {
            unsigned char c = (unsigned char)chunk[i];
            ret->complaint[run->complaint_len++] = c < ' ' || c == 127 ? ' ' : chunk[i];
        }
    if (n == 0)
        shut(&run->complaint);
}

static int read_out(struct running *run, struct ec2_command *ret, const char *name,
                    struct mir_error *err)
{
    for (;;) {
        size_t room = EC2_COMMAND_OUT_MAX - ret->out_len;
        if (room == 0)
            return mir_fail(err, MIR_CORRUPT, "%s prints more than %d bytes", name,
                            EC2_COMMAND_OUT_MAX);
        ssize_t n = read(run->out, ret->out + ret->out_len, room);
        if (n == 0)
            shut(&run->out);
        if (n <= 0)
            return 0;
        ret->out_len += (size_t)n;
    }
}

/* Until the program has ended. */
static int collect(struct running *run, int timeout_ms, struct ec2_command *ret, const char *name,
                   struct mir_error *err)
{
    const struct mir_clock *clock = mir_clock_system();
    int64_t until = clock->boot_ms(clock->ctx) + timeout_ms;
    bool ended = false;
    while (!ended) {
        int64_t left = until - clock->boot_ms(clock->ctx);
        if (left <= 0)
            return mir_fail(err, MIR_TIMEOUT, "%s did not end within %d ms", name, timeout_ms);
        struct pollfd p[] = {
            {run->pidfd, POLLIN, 0}, {run->out, POLLIN, 0}, {run->complaint, POLLIN, 0}};
        if (poll(p, MIR_NELEMS(p), (int)left) <= 0)
            continue;
        ended = p[0].revents != 0;
        if (run->complaint >= 0)
            read_complaint(run, ret);
        if (run->out >= 0 && read_out(run, ret, name, err))
            return -1;
    }
    return 0;
}

int ec2_command_run(char *const *words, int timeout_ms, struct ec2_command *ret,
                    struct mir_error *err)
{
    struct running run;
    *ret = (struct ec2_command){0};
    if (start(words, &run, err))
        return -1;
    ret->out = mir_calloc(EC2_COMMAND_OUT_MAX + 1, 1);
    int rc = run.pidfd < 0 ? mir_fail_errno(err, errno, "cannot watch %s", words[0])
                           : collect(&run, timeout_ms, ret, words[0], err);
    if (rc)
        kill(-run.pid, SIGKILL);
    while (waitpid(run.pid, &ret->status, 0) < 0 && errno == EINTR)
        ;
    shut(&run.out);
    shut(&run.complaint);
    shut(&run.pidfd);
    return rc;
}
