/* SPDX-License-Identifier: ISC */
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FDS_MAX 3
/* A vital program is killed for memory after all others, and before the deadline. */
#define PROGRAM_SCORE (-500)

int car_file_put(const char *path, const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t put = fd < 0 ? -1 : write(fd, text, len);
    int error = put < 0 ? errno : EIO;

    if (fd >= 0)
        close(fd);
    if (put == (ssize_t)len)
        return 0;
    errno = error;
    return -1;
}

void car_proc_spare(int score)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%d", score);

    (void)car_file_put("/proc/self/oom_score_adj", text, (size_t)len);
}

const char *car_status_text(int status, char *ret, size_t cap)
{
    if (WIFSIGNALED(status))
        (void)snprintf(ret, cap, "signal %d", WTERMSIG(status));
    else
        (void)snprintf(ret, cap, "exit status %d", WEXITSTATUS(status));
    return ret;
}

int car_programs_init(struct car_programs *programs)
{
    sigset_t child;

    memset(programs, 0, sizeof(*programs));
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &child, NULL) != 0)
        return -1;
    programs->signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    return programs->signal_fd < 0 ? -1 : 0;
}

static _Noreturn void become(const char *const argv[], bool spare, int output)
{
    static const char *const environment[] = {"PATH=/bin", "LD_LIBRARY_PATH=/lib", "HOME=/", NULL};
    sigset_t none;
    int null = open("/dev/null", O_RDONLY);

    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setsid();
    car_proc_spare(spare ? PROGRAM_SCORE : 0);
    if (null >= 0)
        (void)dup2(null, STDIN_FILENO);
    if (output >= 0) {
        (void)dup2(output, STDOUT_FILENO);
        (void)dup2(output, STDERR_FILENO);
    }
    /* exec takes the texts as they are, and promises not to change them. */
    (void)execve(argv[0], (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)environment);
    (void)dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

struct car_program *car_program_start(struct car_programs *programs, const char *name,
                                      const char *const argv[], bool vital, int *ret_output)
{
    struct car_program *program = &programs->rows[programs->n];
    int pipe_fds[2] = {-1, -1};

    if (programs->n == CAR_PROGRAMS_MAX) {
        errno = EAGAIN;
        return NULL;
    }
    if (ret_output != NULL && pipe2(pipe_fds, O_CLOEXEC) != 0)
        return NULL;
    program->pid = fork();
    if (program->pid == 0)
        become(argv, vital, pipe_fds[1]);
    if (pipe_fds[1] >= 0)
        close(pipe_fds[1]);
    if (program->pid < 0) {
        if (pipe_fds[0] >= 0)
            close(pipe_fds[0]);
        return NULL;
    }
    program->name = name;
    program->vital = vital;
    programs->n++;
    if (ret_output != NULL)
        *ret_output = pipe_fds[0];
    return program;
}

static void reap(struct car_programs *programs)
{
    struct signalfd_siginfo told;
    pid_t pid;
    int status;

    while (read(programs->signal_fd, &told, sizeof(told)) > 0)
        ;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < programs->n; i++) {
            if (programs->rows[i].pid == pid) {
                programs->rows[i].ended = true;
                programs->rows[i].status = status;
            }
        }
    }
}

static struct car_program *ended(struct car_programs *programs, const struct car_program *wanted)
{
    for (size_t i = 0; i < programs->n; i++) {
        struct car_program *row = &programs->rows[i];

        if (row->ended && (row->vital || row == wanted))
            return row;
    }
    return NULL;
}

static long long now_ms(void)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static enum car_wait wait_for(struct car_programs *programs, const int fds[], size_t fds_n,
                              const struct car_program *wanted, int timeout_ms, size_t *ret_which,
                              struct car_program **ret_program)
{
    struct pollfd polled[FDS_MAX + 1];
    long long end = now_ms() + timeout_ms;

    for (size_t i = 0; i < fds_n; i++)
        polled[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    polled[fds_n] = (struct pollfd){.fd = programs->signal_fd, .events = POLLIN};
    for (;;) {
        long long left = timeout_ms < 0 ? -1 : end - now_ms();

        if (timeout_ms >= 0 && left < 0)
            left = 0;
        if (poll(polled, fds_n + 1, (int)left) == 0)
            return CAR_WAIT_TIMEOUT;
        /* What was said before an end is read before the end is told. */
        for (size_t i = 0; i < fds_n; i++) {
            if (polled[i].revents != 0) {
                *ret_which = i;
                return CAR_WAIT_READABLE;
            }
        }
        if (polled[fds_n].revents != 0)
            reap(programs);
        *ret_program = ended(programs, wanted);
        if (*ret_program != NULL)
            return CAR_WAIT_ENDED;
    }
}

enum car_wait car_wait_readable(struct car_programs *programs, const int fds[], size_t fds_n,
                                int timeout_ms, size_t *ret_which, struct car_program **ret_program)
{
    reap(programs);
    *ret_program = ended(programs, NULL);
    if (*ret_program != NULL)
        timeout_ms = 0;
    if (wait_for(programs, fds, fds_n, NULL, timeout_ms, ret_which, ret_program) ==
        CAR_WAIT_READABLE)
        return CAR_WAIT_READABLE;
    *ret_program = ended(programs, NULL);
    return *ret_program != NULL ? CAR_WAIT_ENDED : CAR_WAIT_TIMEOUT;
}

enum car_wait car_wait_program(struct car_programs *programs, struct car_program *program,
                               int timeout_ms, struct car_program **ret_program)
{
    size_t which;

    reap(programs);
    *ret_program = ended(programs, program);
    if (*ret_program != NULL)
        return CAR_WAIT_ENDED;
    return wait_for(programs, NULL, 0, program, timeout_ms, &which, ret_program);
}
