/* SPDX-License-Identifier: ISC */
#include "bell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"

/* Opened for writing as well, so that the last standby's end is no end of file. */
int mird_bell_hang(const char *state_dir, int *ret_fd, struct mir_error *err)
{
    mir_auto_free char *path = mir_format("%s/bell", state_dir);
    mir_auto_free char *fresh = mir_format("%s/bell.%d", state_dir, (int)getpid());
    unlink(fresh);
    if (mkfifo(fresh, 0600))
        return mir_fail_errno(err, errno, "cannot make %s", fresh);
    mir_auto_close int fd = open(fresh, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || rename(fresh, path)) {
        mir_fail_errno(err, errno, "cannot make %s", path);
        unlink(fresh);
        return -1;
    }
    *ret_fd = mir_steal_fd(&fd);
    return 0;
}

void mird_bell_quiet(int fd)
{
    char rung[512];
    while (read(fd, rung, sizeof rung) == (ssize_t)sizeof rung)
        ;
}

int mird_bell_ring(const char *state_dir)
{
    mir_auto_free char *path = mir_format("%s/bell", state_dir);
    mir_auto_close int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) || !S_ISFIFO(st.st_mode))
        return -1;
    if (write(fd, "?", 1) < 0 && errno != EAGAIN) /* full: it was rung often enough */
        return -1;
    return mir_steal_fd(&fd);
}
