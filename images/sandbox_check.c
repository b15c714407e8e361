/* SPDX-License-Identifier: ISC */
/*
 * The proof of the cage: each attempt runs in a child that has entered it, with all layers or with
 * one alone, and the parent looks at how the child ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "images/sandbox.h"

enum { BROKE_OUT = 10, REFUSED = 11, FINE = 12, NO_LANDLOCK = 13, NOT_CAGED = 14 };

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

static const struct {
    const char *name;
    unsigned layers;
    int (*attempt)(void);
    bool allowed;
} attempts[] = {
    {"work (allowed)", IMG_SANDBOX_ALL, try_work, true},
    {"open a file", IMG_SANDBOX_ALL, try_open, false},
    {"create a file", IMG_SANDBOX_ALL, try_create, false},
    {"open a socket", IMG_SANDBOX_ALL, try_socket, false},
    {"fork", IMG_SANDBOX_ALL, try_fork, false},
    {"run a program", IMG_SANDBOX_ALL, try_exec, false},
    {"executable memory", IMG_SANDBOX_ALL, try_exec_memory, false},
    {"signal another process", IMG_SANDBOX_ALL, try_kill, false},
    {"ptrace", IMG_SANDBOX_ALL, try_ptrace, false},
    {"write to another descriptor", IMG_SANDBOX_ALL, try_write_elsewhere, false},
    {"duplicate a descriptor", IMG_SANDBOX_ALL, try_dup, false},
    {"open a file (seccomp alone)", IMG_SANDBOX_SECCOMP, try_open, false},
    {"run a program (seccomp alone)", IMG_SANDBOX_SECCOMP, try_exec, false},
    {"open a file (landlock alone)", IMG_SANDBOX_LANDLOCK, try_open, false},
    {"create a file (landlock alone)", IMG_SANDBOX_LANDLOCK, try_create, false},
    {"run a program (landlock alone)", IMG_SANDBOX_LANDLOCK, try_exec, false},
    {"open a file (limits alone)", IMG_SANDBOX_LIMITS, try_open, false},
    {"duplicate a descriptor (limits alone)", IMG_SANDBOX_LIMITS, try_dup, false},
};

static void child(size_t index)
{
    struct img_sandbox sandbox = {.layers = attempts[index].layers, .work_bytes = 0};
    bool landlock = false;
    if (img_sandbox_enter(&sandbox, &landlock, NULL))
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
    bool good = attempts[index].allowed ? code == FINE : killed || code == REFUSED;
    printf("%s %s: %s\n", good ? "PASS" : "FAIL", name,
           killed              ? "killed"
           : code == REFUSED   ? "refused"
           : code == FINE      ? "works"
           : code == NOT_CAGED ? "the sandbox could not be entered"
                               : "NOT refused");
    return good ? 0 : 1;
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
    return failed;
}
