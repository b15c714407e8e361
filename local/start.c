/* SPDX-License-Identifier: ISC */
#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/fault.h"
#include "api/memory.h"
#include "api/process.h"
#include "ctl.h"
#include "dir.h"

/* What of our environment the keeper (and through it QEMU) gets, and under which name. */
static const struct {
    const char *from, *to;
} passed_on[] = {
    {"PATH", "PATH"},
    {"HOME", "HOME"},
    {"ASAN_OPTIONS", "ASAN_OPTIONS"},
    {"LD_LIBRARY_PATH", "LD_LIBRARY_PATH"},
    {"MIRAGE_DEPLOY_KEEPER_FAULT", "MIRAGE_DEPLOY_FAULT"},
    {"MIRAGE_DEPLOY_KEEPER_FAULT_COUNT", "MIRAGE_DEPLOY_FAULT_COUNT"},
};

#define ENV_WORDS (MIR_NELEMS(passed_on) + 1)

static void environment(char *words[ENV_WORDS])
{
    size_t n = 0;
    for (size_t i = 0; i < MIR_NELEMS(passed_on); i++) {
        const char *value = getenv(passed_on[i].from);
        if (value)
            words[n++] = mir_format("%s=%s", passed_on[i].to, value);
    }
    words[n] = NULL;
}

/* dup2 onto the same number would keep close-on-exec, and onto another's number would lose that
 * one: so all are lifted first. */
static int lift(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 20);
}

static int spawn(const char *program, const char *token, const int fds[3], pid_t *ret_pid)
{
    char *argv[] = {mir_strdup("mirage-keeper"), mir_strdup(token), NULL};
    char *env[ENV_WORDS];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGTERM);
    sigaddset(&usual, SIGINT);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGCHLD);
    environment(env);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    for (int i = 0; i < 3; i++)
        posix_spawn_file_actions_adddup2(&actions, fds[i], LOCAL_KEEPER_DIR_FD + i);
    posix_spawn_file_actions_addclosefrom_np(&actions, LOCAL_KEEPER_READY_FD + 1);
    posix_spawn_file_actions_addfchdir_np(&actions, LOCAL_KEEPER_DIR_FD); /* known by it at once */
    posix_spawn_file_actions_addopen(&actions, 2, "/proc/self/fd/3/" LOCAL_KEEPER_LOG,
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &usual);
    int failed = posix_spawn(ret_pid, program, &actions, &attr, argv, env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    for (char **word = env; *word; word++)
        free(*word);
    free(argv[0]);
    free(argv[1]);
    return failed;
}

/* The first of the keeper's two processes ends as soon as the second is there; -1: it was killed,
 * as it did not. */
static int reap_starter(pid_t pid, int timeout_ms, int *ret_status)
{
    mir_auto_close int pid_fd = pidfd_open(pid, 0);
    struct pollfd p = {.fd = pid_fd, .events = POLLIN};
    bool late = pid_fd >= 0 && poll(&p, 1, timeout_ms) == 0;
    if (late)
        kill(pid, SIGKILL); /* not waited for yet, so it is nobody else's pid */
    while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
        ;
    return late ? -1 : 0;
}

static int start(int dir_fd, int lock_fd, int ready_fd, const char *token, int timeout_ms,
                 struct mir_error *err)
{
    mir_auto_free char *program = mir_program_path("mirage-keeper", err);
    if (!program)
        return -1;
    int fds[3] = {lift(dir_fd), lift(lock_fd), lift(ready_fd)};
    pid_t pid = 0;
    int status = 0;
    int failed = fds[0] < 0 || fds[1] < 0 || fds[2] < 0 ? EMFILE : spawn(program, token, fds, &pid);
    for (int i = 0; i < 3; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    if (failed)
        return mir_fail_errno(err, failed, "cannot start %s", program);
    if (reap_starter(pid, timeout_ms, &status)) {
        mir_fail(err, MIR_TIMEOUT, "%s did not start within %d ms", program, timeout_ms);
        if (err)
            err->outcome = MIR_OUTCOME_UNKNOWN;
        return -1;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return mir_fail(err, MIR_FAILED, "%s did not start", program);
    return 0;
}

/* One line: what the keeper has to say. Its end of the pipe closes when it is gone. */
static int wait_ready(int fd, int timeout_ms, struct mir_error *err)
{
    char line[LOCAL_CTL_REPLY_MAX];
    size_t len;
    struct local_ctl_reply reply;
    if (local_ctl_read_line(fd, line, sizeof line, &len, timeout_ms, err) ||
        local_ctl_parse_reply(line, len, &reply, err)) {
        if (err)
            err->outcome = MIR_OUTCOME_UNKNOWN;
        return -1;
    }
    if (reply.ok)
        return 0;
    if (err)
        *err = reply.error;
    return -1;
}

int local_spawn_keeper(int dir_fd, int lock_fd, const char *token, int timeout_ms,
                       struct mir_error *err)
{
    int ready[2];
    if (mir_fault_before("local.keeper.spawn", err))
        return -1;
    if (pipe2(ready, O_CLOEXEC))
        return mir_fail_errno(err, errno, "cannot make a pipe");
    int rc = start(dir_fd, lock_fd, ready[1], token, timeout_ms, err);
    close(ready[1]);
    if (!rc)
        rc = mir_fault_after("local.keeper.spawn", err);
    if (!rc)
        rc = wait_ready(ready[0], timeout_ms, err);
    close(ready[0]);
    return rc;
}
