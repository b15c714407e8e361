/* SPDX-License-Identifier: ISC */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
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

int mird_lock_take(const char *state_dir, int64_t now_s, int *ret_fd, struct mir_error *err)
{
    mir_auto_free char *path = mir_format("%s/lock", state_dir);
    mir_auto_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        mir_fail_errno(err, errno, "cannot write to the state directory %s", state_dir);
        return mir_error_hint(err, "make it writable for this user, or set MIRAGE_DEPLOY_STATE to "
                                   "a directory that is");
    }
    if (flock(fd, LOCK_EX | LOCK_NB))
        return errno == EWOULDBLOCK ? held(fd, state_dir, err)
                                    : mir_fail_errno(err, errno, "cannot lock %s", path);
    char since[MIR_TIME_SIZE], text[96];
    mir_time_format(now_s, since);
    int n = snprintf(text, sizeof text, "pid %d since %s\n", (int)getpid(), since);
    if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)n, 0) != n)
        return mir_fail_errno(err, errno, "cannot write %s", path);
    *ret_fd = mir_steal_fd(&fd);
    return 0;
}
