/* SPDX-License-Identifier: ISC */
#include "dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/file.h"
#include "api/id.h"
#include "api/memory.h"

void local_fd_path(int dir_fd, const char *name, char out[LOCAL_FD_PATH])
{
    snprintf(out, LOCAL_FD_PATH, "/proc/self/fd/%d/%s", dir_fd, name);
}

int local_dir_open(int root_fd, const char *token, int *ret_fd, struct mir_error *err)
{
    if (!mir_id_valid(token))
        return mir_fail(err, MIR_USAGE, "'%.40s' is not the token of a local instance", token);
    int fd = openat(root_fd, token, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return mir_fail_errno(err, errno, "local instance %s", token);
    *ret_fd = fd;
    return 0;
}

#define DISCARDED "gone-"

int local_dir_discard(int root_fd, const char *token, struct mir_error *err)
{
    char gone[sizeof DISCARDED + MIR_ID_TEXT];
    snprintf(gone, sizeof gone, DISCARDED "%s", token);
    if (renameat(root_fd, token, root_fd, gone) && errno != ENOENT)
        return mir_fail_errno(err, errno, "cannot remove the instance's directory");
    return mir_dir_remove_at(root_fd, gone, err);
}

void local_dir_clean(int root_fd)
{
    int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *e; (e = readdir(dir));)
        if (!strncmp(e->d_name, DISCARDED, sizeof DISCARDED - 1))
            mir_dir_remove_at(root_fd, e->d_name, NULL);
    closedir(dir);
}

int local_lock_open(int dir_fd, int *ret_fd, struct mir_error *err)
{
    int fd = openat(dir_fd, LOCAL_LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return mir_fail_errno(err, errno, "cannot open the lock of the instance");
    *ret_fd = fd;
    return 0;
}

int local_lock_try(int lock_fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(lock_fd, F_OFD_SETLK, &lock) == 0;
}

int local_lock_held(int dir_fd)
{
    mir_auto_close int fd = openat(dir_fd, LOCAL_LOCK_FILE, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

int local_lock_current(int dir_fd, int lock_fd)
{
    struct stat named, held;
    return !fstatat(dir_fd, LOCAL_LOCK_FILE, &named, AT_SYMLINK_NOFOLLOW) &&
           !fstat(lock_fd, &held) && named.st_ino == held.st_ino && named.st_dev == held.st_dev;
}

int local_dir_replace(int dir_fd, const char *name, const char *text, struct mir_error *err)
{
    char temp[64];
    if (mir_copy(temp, sizeof temp - 4, name))
        return mir_fail(err, MIR_INTERNAL, "file name too long: %s", name);
    memcpy(temp + strlen(temp), ".new", 5);
    mir_auto_close int fd =
        openat(dir_fd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || mir_write_all(fd, text, strlen(text)) || renameat(dir_fd, temp, dir_fd, name))
        return mir_fail_errno(err, errno, "cannot write %s", name);
    return 0;
}

int local_dir_has(int dir_fd, const char *name)
{
    struct stat st;
    return !fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW);
}

/* Waiting for a change in a directory. The kernel tells of a closed file just before it drops the
 * file's lock, and watches can run out: so a wait is also cut into slices. */
#define SLICE_MS 20

struct watch {
    int fd; /* -1: none to be had, slices alone must do */
    int64_t until_ms;
};

static int64_t boot_ms(void)
{
    const struct mir_clock *clock = mir_clock_system();
    return clock->boot_ms(clock->ctx);
}

static void watch_begin(struct watch *watch, int dir_fd, int timeout_ms)
{
    char path[LOCAL_FD_PATH];
    local_fd_path(dir_fd, ".", path);
    watch->until_ms = boot_ms() + timeout_ms;
    watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch->fd >= 0)
        inotify_add_watch(watch->fd, path, IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE);
}

/* 1: look again. 0: the time is over. */
static int watch_next(struct watch *watch)
{
    int64_t left = watch->until_ms - boot_ms();
    if (left <= 0)
        return 0;
    struct pollfd p = {.fd = watch->fd, .events = POLLIN};
    poll(&p, 1, left < SLICE_MS ? (int)left : SLICE_MS);
    char events[4096];
    while (watch->fd >= 0 && read(watch->fd, events, sizeof events) > 0)
        ;
    return 1;
}

static void watch_end(struct watch *watch)
{
    if (watch->fd >= 0)
        close(watch->fd);
}

int local_lock_wait(int dir_fd, int lock_fd, int timeout_ms, struct mir_error *err)
{
    if (local_lock_try(lock_fd))
        return 0;
    struct watch watch;
    watch_begin(&watch, dir_fd, timeout_ms);
    int got;
    do
        got = local_lock_try(lock_fd);
    while (!got && watch_next(&watch));
    watch_end(&watch);
    if (got)
        return 0;
    return mir_fail(err, MIR_TIMEOUT, "the instance did not end within %d ms", timeout_ms);
}

void local_dir_wait_file(int dir_fd, const char *name, int timeout_ms)
{
    struct watch watch;
    watch_begin(&watch, dir_fd, timeout_ms);
    while (!local_dir_has(dir_fd, name) && local_lock_held(dir_fd) && watch_next(&watch))
        ;
    watch_end(&watch);
}
