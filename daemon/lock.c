/* SPDX-License-Identifier: ISC */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/memory.h"

static int held(int fd, const char *state_dir, struct mir_error *err)
{
    char text[128] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    mir_fail(err, MIR_CONFLICT, "a daemon for %s runs already%s%s", state_dir, text[0] ? ": " : "",
             text);
    return mir_error_hint(err, "use that one, stop it (mirage-deploy daemon stop), or choose "
                               "another state directory (--state DIR)");
}

static int open_lock(const char *path, const char *state_dir, struct mir_error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
        return fd;
    mir_fail_errno(err, errno, "cannot write to the state directory %s", state_dir);
    return mir_error_hint(err, "make it writable for this user, or set MIRAGE_DEPLOY_STATE to "
                               "a directory that is; meanwhile what runs still ends at its "
                               "deadline by its other hooks");
}

/* With the flock held. The record lock cannot be another's then; without it (a file system that
 * has none) a stopped holder can only be fenced. */
static int sign(int fd, const char *path, int64_t now_s, struct mir_error *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char since[MIR_TIME_SIZE], text[96];
    fcntl(fd, F_SETLK, &whole);
    mir_time_format(now_s, since);
    int n = snprintf(text, sizeof text, "pid %d since %s\n", (int)getpid(), since);
    if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)n, 0) != n)
        return mir_fail_errno(err, errno, "cannot write %s", path);
    return 0;
}

static bool same_file(const char *path, int fd)
{
    struct stat named, held;
    return !stat(path, &named) && !fstat(fd, &held) && named.st_ino == held.st_ino &&
           named.st_dev == held.st_dev;
}

int mird_lock_take(const char *state_dir, int64_t now_s, int *ret_fd, struct mir_error *err)
{
    mir_auto_free char *path = mir_format("%s/lock", state_dir);
    mir_auto_close int fd = open_lock(path, state_dir, err);
    if (fd < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB))
        return errno == EWOULDBLOCK ? held(fd, state_dir, err)
                                    : mir_fail_errno(err, errno, "cannot lock %s", path);
    if (!same_file(path, fd))
        return mir_fail(err, MIR_CONFLICT, "another daemon for %s is just starting", state_dir);
    if (sign(fd, path, now_s, err))
        return -1;
    *ret_fd = mir_steal_fd(&fd);
    return 0;
}

int mird_lock_replace(const char *state_dir, int64_t now_s, int *ret_fd, struct mir_error *err)
{
    mir_auto_free char *path = mir_format("%s/lock", state_dir);
    mir_auto_free char *fresh = mir_format("%s/lock.%d", state_dir, (int)getpid());
    unlink(fresh);
    mir_auto_close int fd = open_lock(fresh, state_dir, err);
    if (fd < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) || sign(fd, fresh, now_s, err) || rename(fresh, path)) {
        mir_fail_errno(err, errno, "cannot put a new lock at %s", path);
        unlink(fresh);
        return -1;
    }
    *ret_fd = mir_steal_fd(&fd);
    return 0;
}

bool mird_lock_current(const char *state_dir, int lock_fd)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/lock", state_dir);
    return same_file(path, lock_fd) || (access(path, F_OK) && errno == ENOENT);
}

/* Another file in its place takes a name from ours. */
int mird_lock_watch(const char *state_dir, int *ret_fd, struct mir_error *err)
{
    mir_auto_free char *path = mir_format("%s/lock", state_dir);
    mir_auto_close int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0 || inotify_add_watch(fd, path, IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF) < 0)
        return mir_fail_errno(err, errno, "cannot watch %s", path);
    *ret_fd = mir_steal_fd(&fd);
    return 0;
}

void mird_lock_seen(int watch_fd)
{
    char events[1024];
    while (read(watch_fd, events, sizeof events) > 0)
        ;
}

/* --- the one that does not let go --- */

/* 0: none, or not in our sight. */
static pid_t holder_of(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_GETLK, &whole) || whole.l_type == F_UNLCK ? 0 : whole.l_pid;
}

int mird_lock_kill_holder(const char *state_dir, pid_t pid, int patience_ms, struct mir_error *err)
{
    mir_auto_free char *path = mir_format("%s/lock", state_dir);
    mir_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return mir_fail_errno(err, errno, "cannot open %s", path);
    mir_auto_close int process = pidfd_open(pid, 0);
    if (process < 0 && errno == ESRCH)
        return 0;
    /* Asked after the handle was got: the number cannot have come to mean another since. */
    if (process < 0 || holder_of(fd) != pid)
        return mir_fail(err, MIR_POLICY, "process %d cannot be seen to hold the lock", (int)pid);
    if (pidfd_send_signal(process, SIGKILL, NULL, 0) && errno != ESRCH)
        return mir_fail_errno(err, errno, "cannot end process %d", (int)pid);
    struct pollfd ended = {.fd = process, .events = POLLIN};
    return poll(&ended, 1, patience_ms) == 1
               ? 0
               : mir_fail(err, MIR_TIMEOUT, "process %d does not end", (int)pid);
}
