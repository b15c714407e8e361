/* SPDX-License-Identifier: ISC */
/* mirage-keeper: see keeper.h. Started by the provider with its files in place; not by hand. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/log.h"
#include "api/memory.h"
#include "api/scarce.h"
#include "keeper.h"
#include "start.h"

static int say_version(void)
{
    printf("mirage-keeper %s\n", MIR_VERSION);
    return 0;
}

static int say_usage(void)
{
    fprintf(stderr, "mirage-keeper: runs one local instance; `mirage-deploy local KERNEL` starts "
                    "it with its files open\n");
    return 2;
}

static int fds_in_place(void)
{
    struct stat dir, lock, ready;
    return !fstat(LOCAL_KEEPER_DIR_FD, &dir) && S_ISDIR(dir.st_mode) &&
           !fstat(LOCAL_KEEPER_LOCK_FD, &lock) && S_ISREG(lock.st_mode) &&
           !fstat(LOCAL_KEEPER_READY_FD, &ready) && S_ISFIFO(ready.st_mode);
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--version"))
        return say_version();
    if (argc != 2 || !fds_in_place())
        return say_usage();
    mir_scarce_memory_ends();
    /* Second fork: whoever started this process reaps it at once and is nobody's parent. */
    pid_t pid = fork();
    if (pid != 0)
        _exit(pid < 0);
    umask(077);
    for (int fd = LOCAL_KEEPER_DIR_FD; fd <= LOCAL_KEEPER_READY_FD; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    struct mir_error err = {0};
    struct keeper *keeper = mir_calloc(1, sizeof *keeper);
    keeper->dir_fd = LOCAL_KEEPER_DIR_FD;
    keeper->lock_fd = LOCAL_KEEPER_LOCK_FD;
    keeper->ready_fd = LOCAL_KEEPER_READY_FD;
    int rc = fchdir(LOCAL_KEEPER_DIR_FD);
    if (rc || (rc = keeper_run(keeper, &err)))
        mir_log(MIR_LOG_ERROR, "keeper", "%s", err.text);
    free(keeper);
    return rc ? 1 : 0;
}
