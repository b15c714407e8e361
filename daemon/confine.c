/* SPDX-License-Identifier: ISC */
#include "daemon/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "api/error.h"
#include "api/log.h"

#define FILES_MAX 4096 /* connections, probes, and some */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

static void limit(int what, rlim_t most)
{
    struct rlimit now;
    if (getrlimit(what, &now))
        return;
    rlim_t hard = now.rlim_max < most ? now.rlim_max : most;
    struct rlimit wanted = {hard, hard};
    setrlimit(what, &wanted);
}

/* Everything below these may be read, nothing else; no file anywhere may be written, made,
 * removed or run. /proc/self is for libraries that look at themselves. */
static const char *const readable[] = {
    "/etc",
    "/usr/lib",
    "/usr/lib64",
    "/usr/share",
    "/lib",
    "/lib64",
    "/run/systemd",
    "/run/resolvconf",
    "/var/lib/ca-certificates",
    "/proc/self",
    "/dev/null",
    "/dev/urandom",
};

/* Of the first version of Landlock, which every kernel with it knows. */
#define ALL_ACCESS                                                                                 \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |   \
     LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR |                                 \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | \
     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |   \
     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

static void allow_reading(int rules, const char *path)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return;
    struct landlock_path_beneath_attr beneath = {
        .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
        .parent_fd = fd,
    };
    if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0)) {
        beneath.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE; /* not a directory */
        (void)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    }
    close(fd);
}

static void confine_files(void)
{
    struct landlock_ruleset_attr attr = {.handled_access_fs = ALL_ACCESS};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (rules < 0) {
        mir_log(MIR_LOG_DEBUG, "public", "no Landlock here: %s", strerror(errno));
        return;
    }
    for (size_t i = 0; i < MIR_NELEMS(readable); i++)
        allow_reading(rules, readable[i]);
    if (syscall(SYS_landlock_restrict_self, rules, 0))
        mir_log(MIR_LOG_DEBUG, "public", "Landlock: %s", strerror(errno));
    close(rules);
}

void mird_confine(int first_closed)
{
    pid_t parent = getppid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        raise(SIGKILL); /* it died in between */
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
#ifndef SANITIZED /* the leak checker traces its own process */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
    close_range((unsigned)first_closed, ~0u, 0);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, FILES_MAX);
    confine_files();
}
