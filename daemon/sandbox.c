/* SPDX-License-Identifier: ISC */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"

/* Above the numbers that the helper is given, so that no dup2 treads on another. */
#define FD_ABOVE 16

static int open_above(const char *path, int flags, struct mir_error *err)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0)
        return mir_fail_errno(err, errno, "cannot open %s", path);
    int above = fcntl(fd, F_DUPFD_CLOEXEC, FD_ABOVE);
    int saved = errno;
    close(fd);
    return above < 0 ? mir_fail_errno(err, saved, "cannot open %s", path) : above;
}

static int start(const char *helper, int in_fd, int out_fd, int err_fd, pid_t *ret,
                 struct mir_error *err)
{
    char name[] = "mirage-image", word[] = "unpack", in[] = "--in-fd", in_value[] = "3",
         out[] = "--out-fd", out_value[] = "4";
    char *argv[] = {name, word, in, in_value, out, out_value, NULL};
    char *envp[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, err_fd, 2);
    posix_spawn_file_actions_adddup2(&actions, in_fd, 3);
    posix_spawn_file_actions_adddup2(&actions, out_fd, 4);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    int rc = posix_spawn(ret, helper, &actions, &attributes, argv, envp);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return rc ? mir_fail_errno(err, rc, "cannot start %s", helper) : 0;
}

/* Reaped in any case; *ret_status as from waitpid. */
static int wait_for(pid_t pid, int timeout_ms, int *ret_status, struct mir_error *err)
{
    mir_auto_close int fd = pidfd_open(pid, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int ready = fd < 0 ? 1 : poll(&p, 1, timeout_ms);
    if (ready == 0)
        kill(pid, SIGKILL); /* our own child, not reaped yet: the pid is still its */
    while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
        ;
    return ready == 0 ? mir_fail(err, MIR_TIMEOUT, "unpacking the kernel took too long") : 0;
}

static int helper_failed(int status, int message_fd, struct mir_error *err)
{
    char text[400] = "";
    ssize_t n = pread(message_fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (WIFSIGNALED(status))
        return mir_fail(err, MIR_CORRUPT, "the helper was stopped by signal %d while unpacking",
                        WTERMSIG(status));
    return mir_fail(err, MIR_CORRUPT, "the kernel cannot be unpacked: %s",
                    *text ? text : "the helper did not say why");
}

static int unpack_to(const char *helper, int in_fd, int out_fd, uint64_t bytes, int timeout_ms,
                     struct mir_error *err)
{
    mir_auto_close int plain_fd = memfd_create("mirage-image-stderr", MFD_CLOEXEC);
    mir_auto_close int message_fd = fcntl(plain_fd, F_DUPFD_CLOEXEC, FD_ABOVE);
    pid_t pid;
    int status = 0;
    if (message_fd < 0)
        return mir_fail_errno(err, errno, "cannot make a buffer for the helper's message");
    if (start(helper, in_fd, out_fd, message_fd, &pid, err) ||
        wait_for(pid, timeout_ms, &status, err))
        return -1;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return helper_failed(status, message_fd, err);
    struct stat st;
    if (fstat(out_fd, &st) || (uint64_t)st.st_size != bytes)
        return mir_fail(err, MIR_CORRUPT, "unpacking gave not the %" PRIu64 " bytes expected",
                        bytes);
    return fsync(out_fd) ? mir_fail_errno(err, errno, "cannot sync the unpacked kernel") : 0;
}

int mird_unpack(const char *helper, const char *from, const char *to, uint64_t bytes,
                int timeout_ms, struct mir_error *err)
{
    mir_auto_free char *temp = mir_format("%s.%ld.new", to, (long)gettid());
    mir_auto_close int in_fd = open_above(from, O_RDONLY, err);
    if (in_fd < 0)
        return -1;
    mir_auto_close int out_fd = open_above(temp, O_RDWR | O_CREAT | O_TRUNC, err);
    if (out_fd < 0)
        return -1;
    int rc = unpack_to(helper, in_fd, out_fd, bytes, timeout_ms, err);
    if (!rc && rename(temp, to))
        rc = mir_fail_errno(err, errno, "cannot put %s in place", to);
    if (rc)
        unlink(temp);
    return rc;
}
