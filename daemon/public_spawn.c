/* SPDX-License-Identifier: ISC */
/* Starting the public process: two descriptors, a clean environment, and nothing else of ours. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/fault.h"
#include "api/memory.h"
#include "api/spawn.h"
#include "registry_internal.h"

#define CHILD_LINK_FD 3
#define CHILD_LISTEN_FD 4

/* Nothing of our environment but what logging, name resolution and TLS look at. */
static char **clean_environment(void)
{
    static const char *const kept[] = {"JOURNAL_STREAM", "SSL_CERT_FILE", "SSL_CERT_DIR",
                                       "ASAN_OPTIONS",   "UBSAN_OPTIONS", "TSAN_OPTIONS"};
    char **list = mir_calloc(MIR_NELEMS(kept) + 1, sizeof *list);
    size_t n = 0;
    for (size_t i = 0; i < MIR_NELEMS(kept); i++)
        if (getenv(kept[i]))
            list[n++] = mir_format("%s=%s", kept[i], getenv(kept[i]));
    return list;
}

static int spawn_with(int child_end, int listen_fd, pid_t *ret_pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    posix_spawn_file_actions_init(&files);
    mir_spawn_attributes(&attr, 0);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, child_end, CHILD_LINK_FD);
    posix_spawn_file_actions_adddup2(&files, listen_fd, CHILD_LISTEN_FD);
    posix_spawn_file_actions_addclosefrom_np(&files, CHILD_LISTEN_FD + 1);
    char *const argv[] = {(char[]){"mirage-deployd"}, (char[]){"--public-fd"}, (char[]){"3"},
                          (char[]){"--public"},       (char[]){"fd=4"},        NULL};
    char **env = clean_environment();
    int rc = posix_spawn(ret_pid, "/proc/self/exe", &files, &attr, argv, env);
    for (char **p = env; *p; p++)
        free(*p);
    free(env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

/* A copy above the numbers that the child's own get, so that one is not written over the other. */
static int lift(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, CHILD_LISTEN_FD + 6);
}

int mird_public_spawn(int listen_fd, pid_t *ret_pid, int *ret_link_fd, struct mir_error *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return mir_fail_errno(err, errno, "the link to the public process");
    mir_auto_close int child_end = ends[1];
    mir_auto_close int own_end = ends[0];
    mir_auto_close int listener = lift(listen_fd);
    mir_auto_close int child_high = lift(child_end);
    if (listener < 0 || child_high < 0)
        return mir_fail_errno(err, errno, "the link to the public process");
    pid_t pid = 0;
    if (mir_fault_before("public.spawn", err))
        return -1;
    int rc = spawn_with(child_high, listener, &pid);
    if (rc)
        return mir_fail_errno(err, rc, "starting the public process");
    (void)mir_fault_after("public.spawn", NULL); /* a place to die; a fork has no answer to lose */
    *ret_pid = pid;
    *ret_link_fd = mir_steal_fd(&own_end);
    return 0;
}
