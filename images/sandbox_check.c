/* SPDX-License-Identifier: ISC */
/*
 * The proof of the cage: each attempt runs in a child that has entered it, with all layers or with
 * one alone, and the parent looks at how the child ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "images/sandbox.h"

enum { BROKE_OUT = 10, REFUSED = 11, FINE = 12, NO_LANDLOCK = 13, NOT_CAGED = 14, NO_LIMIT = 15 };

/* What a child that makes an image holds: files of 4 KiB. */
enum { IN_FD = 20, OUT_FD = 21 };
#define FILE_BYTES 4096
#define OUTPUT_BYTES ((size_t)1 << 20)

static int try_open(void)
{
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 ? BROKE_OUT : REFUSED;
}

static int try_create(void)
{
    return open("/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600) >= 0 ? BROKE_OUT : REFUSED;
}

static int try_socket(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 ? BROKE_OUT : REFUSED;
}

static int try_fork(void)
{
    pid_t pid = fork();
    if (!pid)
        _exit(0);
    return pid > 0 ? BROKE_OUT : REFUSED;
}

static int try_exec(void)
{
    char name[] = "/bin/true";
    char *const argv[] = {name, NULL};
    execve(name, argv, argv + 1);
    return REFUSED; /* success would not come back: the child would end with 0 */
}

static int try_exec_memory(void)
{
    void *p =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED ? BROKE_OUT : REFUSED;
}

static int try_kill(void)
{
    return kill(getppid(), 0) == 0 ? BROKE_OUT : REFUSED;
}

static int try_ptrace(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? BROKE_OUT : REFUSED;
}

static int try_write_elsewhere(void)
{
    return write(STDIN_FILENO, "x", 1) == 1 || errno == EBADF ? BROKE_OUT : REFUSED;
}

static int try_dup(void)
{
    return dup(STDOUT_FILENO) >= 0 ? BROKE_OUT : REFUSED;
}

static int try_work(void)
{
    char byte;
    void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || (pread(STDIN_FILENO, &byte, 1, 0) < 0 && errno == ENOSYS))
        return REFUSED;
    return munmap(p, 1 << 20) || write(STDOUT_FILENO, "", 0) ? REFUSED : FINE;
}

/* --- limits --- */

static int try_memory(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY)
        return NO_LIMIT; /* a build with sanitizers, which need all of it */
    void *p = mmap(NULL, (size_t)1 << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED ? BROKE_OUT : REFUSED;
}

static int try_processor(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_CPU, &limit) || limit.rlim_cur > 60 || limit.rlim_max > 60 ? BROKE_OUT
                                                                                       : REFUSED;
}

/* Behind what the output may grow by. */
static int try_grow(void)
{
    signal(SIGXFSZ, SIG_IGN);
    return pwrite(OUT_FD, "x", 1, FILE_BYTES + OUTPUT_BYTES) == 1 ? BROKE_OUT : REFUSED;
}

static int try_stretch(void)
{
    signal(SIGXFSZ, SIG_IGN);
    return ftruncate(OUT_FD, FILE_BYTES + OUTPUT_BYTES + 1) == 0 ? BROKE_OUT : REFUSED;
}

/* --- making an image --- */

static int try_build(void)
{
    char bytes[512];
    loff_t in_at = 0, out_at = 1024;
    if (pread(IN_FD, bytes, sizeof bytes, 0) != sizeof bytes || lseek(IN_FD, 0, SEEK_SET) != 0 ||
        read(IN_FD, bytes, sizeof bytes) != sizeof bytes ||
        write(OUT_FD, bytes, sizeof bytes) != sizeof bytes ||
        pwrite(OUT_FD, bytes, sizeof bytes, 512) != sizeof bytes ||
        lseek(OUT_FD, 8192, SEEK_SET) != 8192 || ftruncate(OUT_FD, 65536) ||
        copy_file_range(IN_FD, &in_at, OUT_FD, &out_at, 512, 0) != 512)
        return REFUSED;
    return FINE;
}

static int try_truncate_input(void)
{
    return ftruncate(IN_FD, 0) == 0 ? BROKE_OUT : REFUSED;
}

static int try_truncate_stdout(void)
{
    return ftruncate(STDOUT_FILENO, 0) == 0 || errno == EINVAL ? BROKE_OUT : REFUSED;
}

static int try_write_input(void)
{
    return write(IN_FD, "x", 1) == 1 ? BROKE_OUT : REFUSED;
}

static int try_copy_back(void)
{
    loff_t from = 0, to = 0;
    return copy_file_range(OUT_FD, &from, IN_FD, &to, 512, 0) > 0 ? BROKE_OUT : REFUSED;
}

static int try_copy_elsewhere(void)
{
    loff_t from = 0, to = 0;
    return copy_file_range(OUT_FD, &from, OUT_FD, &to, 512, 0) >= 0 || errno == EINVAL ? BROKE_OUT
                                                                                       : REFUSED;
}

static int try_change_mode(void)
{
    return fchmod(OUT_FD, 0777) == 0 ? BROKE_OUT : REFUSED;
}

static int try_run_input(void)
{
    void *p = mmap(NULL, FILE_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE, IN_FD, 0);
    return p != MAP_FAILED ? BROKE_OUT : REFUSED;
}

/* Without the option the output's descriptor is one like any other. */
static int try_write_output(void)
{
    return write(OUT_FD, "x", 1) == 1 ? BROKE_OUT : REFUSED;
}

/* --- all of them --- */

static const struct {
    const char *name;
    unsigned layers;
    int (*attempt)(void);
    bool allowed;
    bool builds;
} attempts[] = {
    {"work (allowed)", IMG_SANDBOX_ALL, try_work, true, false},
    {"open a file", IMG_SANDBOX_ALL, try_open, false, false},
    {"create a file", IMG_SANDBOX_ALL, try_create, false, false},
    {"open a socket", IMG_SANDBOX_ALL, try_socket, false, false},
    {"fork", IMG_SANDBOX_ALL, try_fork, false, false},
    {"run a program", IMG_SANDBOX_ALL, try_exec, false, false},
    {"executable memory", IMG_SANDBOX_ALL, try_exec_memory, false, false},
    {"signal another process", IMG_SANDBOX_ALL, try_kill, false, false},
    {"ptrace", IMG_SANDBOX_ALL, try_ptrace, false, false},
    {"write to another descriptor", IMG_SANDBOX_ALL, try_write_elsewhere, false, false},
    {"write to a file that it holds", IMG_SANDBOX_ALL, try_write_output, false, false},
    {"duplicate a descriptor", IMG_SANDBOX_ALL, try_dup, false, false},
    {"open a file (seccomp alone)", IMG_SANDBOX_SECCOMP, try_open, false, false},
    {"run a program (seccomp alone)", IMG_SANDBOX_SECCOMP, try_exec, false, false},
    {"open a file (landlock alone)", IMG_SANDBOX_LANDLOCK, try_open, false, false},
    {"create a file (landlock alone)", IMG_SANDBOX_LANDLOCK, try_create, false, false},
    {"run a program (landlock alone)", IMG_SANDBOX_LANDLOCK, try_exec, false, false},
    {"open a file (limits alone)", IMG_SANDBOX_LIMITS, try_open, false, false},
    {"duplicate a descriptor (limits alone)", IMG_SANDBOX_LIMITS, try_dup, false, false},
    {"much memory (limits alone)", IMG_SANDBOX_LIMITS, try_memory, false, false},
    {"processor time without end (limits alone)", IMG_SANDBOX_LIMITS, try_processor, false, false},
    {"make an image (allowed)", IMG_SANDBOX_ALL, try_build, true, true},
    {"make an image, open a file", IMG_SANDBOX_ALL, try_open, false, true},
    {"make an image, open a socket", IMG_SANDBOX_ALL, try_socket, false, true},
    {"make an image, fork", IMG_SANDBOX_ALL, try_fork, false, true},
    {"make an image, duplicate a descriptor", IMG_SANDBOX_ALL, try_dup, false, true},
    {"make an image, truncate the input", IMG_SANDBOX_ALL, try_truncate_input, false, true},
    {"make an image, truncate stdout", IMG_SANDBOX_ALL, try_truncate_stdout, false, true},
    {"make an image, write to the input", IMG_SANDBOX_ALL, try_write_input, false, true},
    {"make an image, copy back", IMG_SANDBOX_ALL, try_copy_back, false, true},
    {"make an image, copy from the output", IMG_SANDBOX_ALL, try_copy_elsewhere, false, true},
    {"make an image, change its mode", IMG_SANDBOX_ALL, try_change_mode, false, true},
    {"make an image, run the input", IMG_SANDBOX_ALL, try_run_input, false, true},
    {"make an image, write too much (limits alone)", IMG_SANDBOX_LIMITS, try_grow, false, true},
    {"make an image, stretch it (limits alone)", IMG_SANDBOX_LIMITS, try_stretch, false, true},
};

/* Both descriptors, on files that have no name. */
static int hold_files(void)
{
    static const char zeros[FILE_BYTES];
    for (int fd = IN_FD; fd <= OUT_FD; fd++) {
        int made = memfd_create("sandbox-check", MFD_CLOEXEC);
        if (made < 0 || write(made, zeros, sizeof zeros) != sizeof zeros || dup2(made, fd) < 0)
            return -1;
        close(made);
    }
    return lseek(OUT_FD, 0, SEEK_SET) != 0;
}

static void child(size_t index)
{
    struct img_sandbox sandbox = {.layers = attempts[index].layers,
                                  .output_bytes = OUTPUT_BYTES,
                                  .builds = attempts[index].builds,
                                  .in_fd = IN_FD,
                                  .out_fd = OUT_FD};
    bool landlock = false;
    if (hold_files() || img_sandbox_enter(&sandbox, &landlock, NULL))
        _exit(NOT_CAGED);
    if (attempts[index].layers == IMG_SANDBOX_LANDLOCK && !landlock)
        _exit(NO_LANDLOCK);
    _exit(attempts[index].attempt());
}

/* 0: as it should be. */
static int judge(size_t index, int status)
{
    const char *name = attempts[index].name;
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (code == NO_LANDLOCK) {
        printf("SKIP %s: this kernel has no landlock\n", name);
        return 0;
    }
    if (code == NO_LIMIT) {
        printf("SKIP %s: not limited in a build with sanitizers\n", name);
        return 0;
    }
    bool good = attempts[index].allowed ? code == FINE : killed || code == REFUSED;
    printf("%s %s: %s\n", good ? "PASS" : "FAIL", name,
           killed              ? "killed"
           : code == REFUSED   ? "refused"
           : code == FINE      ? "works"
           : code == NOT_CAGED ? "the sandbox could not be entered"
                               : "NOT refused");
    return good ? 0 : 1;
}

/* --- the parent --- */

#define PATIENCE_MS 20000

/* In the cage, waiting for a byte that never comes. `ready` is what it holds open as it lives. */
static void outlive(int never, int ready)
{
    struct img_sandbox sandbox = {.layers = IMG_SANDBOX_ALL, .die_with_parent = true};
    char byte;
    if (dup2(never, STDIN_FILENO) < 0 || dup2(ready, STDOUT_FILENO) < 0 ||
        img_sandbox_enter(&sandbox, NULL, NULL) || write(STDOUT_FILENO, "r", 1) != 1)
        _exit(NOT_CAGED);
    _exit(read(STDIN_FILENO, &byte, 1) == 0 ? BROKE_OUT : REFUSED);
}

/* Starts the one above, sees it caged, and ends. */
static void parent(int never, int ready, int seen)
{
    char byte;
    if (!fork())
        outlive(never, ready);
    close(ready);
    _exit(read(seen, &byte, 1) == 1 ? FINE : NOT_CAGED);
}

/* 0: the caged grandchild ended with its parent; it alone still held the pipe. */
static int check_parent(void)
{
    int never[2], ready[2], status = 0;
    if (pipe2(never, O_CLOEXEC) || pipe2(ready, O_CLOEXEC))
        return 1;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid)
        parent(never[0], ready[1], ready[0]);
    close(ready[1]);
    bool caged = pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
                 WEXITSTATUS(status) == FINE;
    struct pollfd pfd = {.fd = ready[0], .events = POLLIN};
    char byte;
    bool gone = caged && poll(&pfd, 1, PATIENCE_MS) == 1 && read(ready[0], &byte, 1) == 0;
    printf("%s outlive its parent: %s\n", gone ? "PASS" : "FAIL",
           gone    ? "killed"
           : caged ? "NOT killed"
                   : "the sandbox could not be entered");
    close(never[0]);
    close(never[1]);
    close(ready[0]);
    return !gone;
}

int img_sandbox_check(void)
{
    int failed = 0;
    for (size_t i = 0; i < MIR_NELEMS(attempts); i++) {
        fflush(stdout);
        pid_t pid = fork();
        if (!pid)
            child(i);
        int status = 0;
        if (pid < 0 || waitpid(pid, &status, 0) != pid) {
            printf("FAIL %s: fork: %s\n", attempts[i].name, strerror(errno));
            failed = 1;
            continue;
        }
        failed |= judge(i, status);
    }
    failed |= check_parent();
    return failed;
}
