/* SPDX-License-Identifier: ISC */
#include "images/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define CPU_SECONDS 30
#define CPU_BYTES_PER_SECOND ((uint64_t)64 << 20) /* a slow core, hashing */
#define MEMORY_BYTES ((rlim_t)512 << 20)
#define OUTPUT_BYTES ((rlim_t)1 << 20) /* stdout may be a file */

/* --- privileges and limits --- */

static int set_limit(__rlimit_resource_t resource, rlim_t value)
{
    struct rlimit now, want = {value, value};
    if (!getrlimit(resource, &now) && now.rlim_max < value)
        want.rlim_cur = want.rlim_max = now.rlim_max;
    return setrlimit(resource, &want);
}

/* Where an output is a file, the answer has to fit behind what is there already. */
static rlim_t output_limit(const struct img_sandbox *sandbox)
{
    const int fds[] = {STDOUT_FILENO, STDERR_FILENO, sandbox->builds ? sandbox->out_fd : -1};
    rlim_t limit = 0, grow = sandbox->output_bytes ? sandbox->output_bytes : OUTPUT_BYTES;
    for (size_t i = 0; i < MIR_NELEMS(fds); i++) {
        struct stat st;
        if (fds[i] >= 0 && !fstat(fds[i], &st) && S_ISREG(st.st_mode) &&
            (rlim_t)st.st_size + grow > limit)
            limit = (rlim_t)st.st_size + grow;
    }
    return limit;
}

static int enter_limits(const struct img_sandbox *sandbox, struct mir_error *err)
{
    rlim_t cpu = CPU_SECONDS + sandbox->work_bytes / CPU_BYTES_PER_SECOND;
    if (set_limit(RLIMIT_CPU, cpu) || set_limit(RLIMIT_FSIZE, output_limit(sandbox)) ||
        set_limit(RLIMIT_CORE, 0) || set_limit(RLIMIT_NPROC, 0) || set_limit(RLIMIT_NOFILE, 0) ||
        (!SANITIZED && set_limit(RLIMIT_AS, MEMORY_BYTES)))
        return mir_fail(err, MIR_INTERNAL, "sandbox: setrlimit failed (errno %d)", errno);
    return 0;
}

static int enter_process(const struct img_sandbox *sandbox, struct mir_error *err)
{
    if (sandbox->die_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
        return mir_fail(err, MIR_INTERNAL, "sandbox: PR_SET_PDEATHSIG failed (errno %d)", errno);
    if (sandbox->die_with_parent && getppid() == 1)
        return mir_fail(err, MIR_INTERRUPTED, "whoever asked for the inspection is gone");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
        return mir_fail(err, MIR_INTERNAL, "sandbox: prctl failed (errno %d)", errno);
    return 0;
}

/* --- landlock: by number, the C library has no wrappers and the headers may be older --- */

#define LANDLOCK_CREATE 444
#define LANDLOCK_RESTRICT 446
#define LANDLOCK_VERSION_FLAG 1u

struct landlock_attr {
    uint64_t fs;
    uint64_t net;   /* since ABI 4 */
    uint64_t scope; /* since ABI 6 */
};

static struct landlock_attr landlock_all(long abi, size_t *ret_size)
{
    static const unsigned fs_bits[] = {0, 13, 14, 15, 15, 16};
    struct landlock_attr attr = {0};
    attr.fs = ((uint64_t)1 << fs_bits[abi < 5 ? abi : 5]) - 1;
    attr.net = abi >= 4 ? 3 : 0;
    attr.scope = abi >= 6 ? 3 : 0;
    *ret_size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
    return attr;
}

/* Everything that can be handled is handled, and no rule allows any of it. */
static int enter_landlock(bool *ret_landlock, struct mir_error *err)
{
    long abi = syscall(LANDLOCK_CREATE, NULL, 0, LANDLOCK_VERSION_FLAG);
    *ret_landlock = abi > 0;
    if (abi <= 0)
        return 0; /* not built in, or not switched on: seccomp stands alone */
    size_t size;
    struct landlock_attr attr = landlock_all(abi, &size);
    int fd = (int)syscall(LANDLOCK_CREATE, &attr, size, 0);
    if (fd < 0)
        return mir_fail(err, MIR_INTERNAL, "sandbox: landlock ruleset failed (errno %d)", errno);
    long rc = syscall(LANDLOCK_RESTRICT, fd, 0);
    int saved = errno;
    close(fd);
    return rc ? mir_fail(err, MIR_INTERNAL, "sandbox: landlock failed (errno %d)", saved) : 0;
}

/* --- seccomp --- */

static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(pread64),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(munmap),
    SCMP_SYS(brk),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    /* Of no use to anybody who is in here, and of use to the C library: */
    SCMP_SYS(getrandom),
#if SANITIZED
    SCMP_SYS(sched_yield),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
#endif
};

static int allow_if(scmp_filter_ctx filter, int call, unsigned arg, enum scmp_compare op,
                    uint64_t datum_a, uint64_t datum_b)
{
    struct scmp_arg_cmp cmp = {.arg = arg, .op = op, .datum_a = datum_a, .datum_b = datum_b};
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &cmp);
}

/* fstat() of the C library is newfstatat with the flag AT_EMPTY_PATH alone. mmap and mprotect give
 * memory, but never executable memory. */
static int allow_all(scmp_filter_ctx filter)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < MIR_NELEMS(allowed); i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    for (unsigned fd = STDOUT_FILENO; !rc && fd <= STDERR_FILENO; fd++)
        rc = allow_if(filter, SCMP_SYS(write), 0, SCMP_CMP_EQ, fd, 0);
    if (!rc)
        rc = allow_if(filter, SCMP_SYS(newfstatat), 3, SCMP_CMP_EQ, AT_EMPTY_PATH, 0);
    if (!rc)
        rc = allow_if(filter, SCMP_SYS(mmap), 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    if (!rc)
        rc = allow_if(filter, SCMP_SYS(mprotect), 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    return rc;
}

/* The output of whoever makes an image. What is copied comes from the input and goes there. */
static int allow_output(scmp_filter_ctx filter, const struct img_sandbox *sandbox)
{
    uint64_t in = (unsigned)sandbox->in_fd, out = (unsigned)sandbox->out_fd;
    const struct scmp_arg_cmp copy[] = {{.arg = 0, .op = SCMP_CMP_EQ, .datum_a = in},
                                        {.arg = 2, .op = SCMP_CMP_EQ, .datum_a = out}};
    int rc = 0;
    if (sandbox->out_fd != STDOUT_FILENO) /* which everybody may write to */
        rc = allow_if(filter, SCMP_SYS(write), 0, SCMP_CMP_EQ, out, 0);
    if (!rc)
        rc = allow_if(filter, SCMP_SYS(pwrite64), 0, SCMP_CMP_EQ, out, 0);
    if (!rc)
        rc = allow_if(filter, SCMP_SYS(ftruncate), 0, SCMP_CMP_EQ, out, 0);
    if (!rc)
        rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(copy_file_range),
                                    MIR_NELEMS(copy), copy);
    return rc;
}

static int enter_seccomp(const struct img_sandbox *sandbox, struct mir_error *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter)
        return mir_fail(err, MIR_INTERNAL, "sandbox: seccomp is not available");
    int rc = allow_all(filter);
    if (!rc && sandbox->builds)
        rc = allow_output(filter, sandbox);
    if (!rc)
        rc = seccomp_load(filter);
    seccomp_release(filter);
    return rc ? mir_fail(err, MIR_INTERNAL, "sandbox: seccomp failed (errno %d)", -rc) : 0;
}

static bool fit_to_build(int in_fd, int out_fd)
{
    return in_fd >= 0 && in_fd != STDOUT_FILENO && in_fd != STDERR_FILENO &&
           out_fd > STDIN_FILENO && out_fd != STDERR_FILENO && in_fd != out_fd;
}

int img_sandbox_enter(const struct img_sandbox *sandbox, bool *ret_landlock, struct mir_error *err)
{
    bool landlock = false;
    if (sandbox->builds && !fit_to_build(sandbox->in_fd, sandbox->out_fd))
        return mir_fail(err, MIR_USAGE, "sandbox: %d and %d are no input and output",
                        sandbox->in_fd, sandbox->out_fd);
    if (enter_process(sandbox, err))
        return -1;
    if ((sandbox->layers & IMG_SANDBOX_LANDLOCK) && enter_landlock(&landlock, err))
        return -1;
    /* Limits come after what still opens a file, and before what refuses prctl and setrlimit. */
    if ((sandbox->layers & IMG_SANDBOX_LIMITS) && enter_limits(sandbox, err))
        return -1;
    if ((sandbox->layers & IMG_SANDBOX_SECCOMP) && enter_seccomp(sandbox, err))
        return -1;
    if (ret_landlock)
        *ret_landlock = landlock;
    return 0;
}
