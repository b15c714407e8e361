/* SPDX-License-Identifier: ISC */
#include "holders.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "dir.h"

static int same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int has_open(pid_t pid, const struct stat *file)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *fds = opendir(path);
    int found = 0;
    struct stat st;
    for (struct dirent *e; fds && !found && (e = readdir(fds));)
        found = isdigit((unsigned char)e->d_name[0]) && !fstatat(dirfd(fds), e->d_name, &st, 0) &&
                same(&st, file);
    if (fds)
        closedir(fds);
    return found;
}

static int works_in(pid_t pid, const struct stat *dir)
{
    char path[40];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%d/cwd", (int)pid);
    return !stat(path, &st) && same(&st, dir);
}

void local_holders_kill(int dir_fd)
{
    struct stat dir, lock;
    DIR *proc = opendir("/proc");
    if (!proc || fstat(dir_fd, &dir) || fstatat(dir_fd, LOCAL_LOCK_FILE, &lock, 0)) {
        if (proc)
            closedir(proc);
        return;
    }
    for (struct dirent *e; (e = readdir(proc));) {
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
        if (pid <= 0 || pid == getpid() || !works_in(pid, &dir))
            continue;
        /* Held first and asked again: its pid can be nobody else's from here on. */
        mir_auto_close int held = pidfd_open(pid, 0);
        if (held >= 0 && works_in(pid, &dir) && has_open(pid, &lock))
            pidfd_send_signal(held, SIGKILL, NULL, 0);
    }
    closedir(proc);
}
