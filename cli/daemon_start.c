/* SPDX-License-Identifier: ISC */
#include "daemon_start.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/file.h"
#include "api/json.h"
#include "api/memory.h"
#include "api/paths.h"
#include "api/process.h"
#include "client.h"

#define START_LIMIT_MS 15000
#define RIVAL_LIMIT_MS 5000

int cmd_daemon_there(struct mir_error *err)
{
    mir_auto_free char *path = cmd_socket_path(err);
    mir_auto_close int fd = path ? cmd_http_connect(path, err) : -1;
    return fd < 0 ? -1 : 0;
}

static int open_log(const char *state, struct mir_error *err)
{
    if (mir_dir_make(state, 0700, err)) {
        mir_error_hint(err, "make %s writable, or name another directory with --state", state);
        return -1;
    }
    mir_auto_free char *path = mir_format("%s/daemon.log", state);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        mir_fail_errno(err, errno, "cannot write to the state directory: %s", path);
        return mir_error_hint(err, "make %s writable, or name another directory with --state",
                              state);
    }
    return fd;
}

/* In the child; only async-signal-safe calls until exec. */
static void become_daemon(const char *program, int log_fd, int ready_fd, const char *ready_text)
{
    setsid();
    int null_fd = open("/dev/null", O_RDONLY);
    dup2(null_fd, STDIN_FILENO);
    dup2(log_fd, STDOUT_FILENO);
    dup2(log_fd, STDERR_FILENO);
    fcntl(ready_fd, F_SETFD, 0);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    /* Not to keep a directory busy that the user may want to remove. */
    if (chdir("/"))
        _exit(126);
    execl(program, program, "--ready-fd", ready_text, (char *)NULL);
    _exit(127);
}

/* One line from the pipe, at most START_LIMIT_MS; the length, 0 for the end without a line. */
static ssize_t read_line(int fd, char *line, size_t size, struct mir_error *err)
{
    const struct mir_clock *clock = mir_clock_system();
    int64_t until = clock->boot_ms(clock->ctx) + START_LIMIT_MS;
    size_t len = 0;
    while (len + 1 < size && !memchr(line, '\n', len)) {
        int64_t left = until - clock->boot_ms(clock->ctx);
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int rc = left > 0 ? poll(&p, 1, (int)left) : 0;
        if (rc < 0 && errno == EINTR)
            continue;
        if (rc <= 0)
            return mir_fail(err, MIR_TIMEOUT, "the daemon did not get ready within %d s",
                            START_LIMIT_MS / 1000);
        ssize_t n = read(fd, line + len, size - 1 - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    line[len] = '\0';
    line[strcspn(line, "\n")] = '\0';
    return (ssize_t)strlen(line);
}

/* Another starter holds the lock: it listens, or is about to. */
static int wait_for_rival(struct mir_error *err)
{
    const struct mir_clock *clock = mir_clock_system();
    int64_t until = clock->boot_ms(clock->ctx) + RIVAL_LIMIT_MS;
    do {
        if (!cmd_daemon_there(err))
            return 0;
        poll(NULL, 0, 20);
    } while (clock->boot_ms(clock->ctx) < until);
    return -1;
}

static int read_verdict(struct cmd_context *ctx, int fd, const char *state, struct mir_error *err)
{
    char line[2048];
    ssize_t len = read_line(fd, line, sizeof line, err);
    if (len > 0 && !strcmp(line, "ready"))
        return 0;
    if (len > 0) {
        json_t *problem = mir_json_parse(line, (size_t)len, sizeof line, NULL);
        const char *code = cmd_text(problem, "code");
        int rc = -1;
        if (!strcmp(code, "conflict") && !wait_for_rival(NULL))
            rc = 0;
        else if (json_is_object(problem))
            cmd_problem_json(ctx, problem, err);
        else
            mir_fail(err, MIR_FAILED, "the daemon cannot start: %.200s", line);
        json_decref(problem);
        return rc;
    }
    if (len == 0)
        mir_fail(err, MIR_FAILED, "the daemon ended while it started");
    return mir_error_hint(err, "the reason stands in %s/daemon.log", state);
}

static int start(struct cmd_context *ctx, struct mir_error *err)
{
    mir_auto_free char *program = mir_program_path("mirage-deployd", err);
    mir_auto_free char *state = program ? mir_path_state(err) : NULL;
    if (!state)
        return -1;
    /* The daemon does not stay in this directory: a relative path would mean another one there. */
    if (getenv("MIRAGE_DEPLOY_STATE"))
        setenv("MIRAGE_DEPLOY_STATE", state, 1);
    mir_auto_close int log_fd = open_log(state, err);
    if (log_fd < 0)
        return -1;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return mir_fail_errno(err, errno, "cannot make a pipe");
    mir_auto_close int read_end = ends[0];
    mir_auto_close int write_end = ends[1];
    char ready_text[16];
    snprintf(ready_text, sizeof ready_text, "%d", write_end);
    cmd_say(ctx, "starting the daemon (log: %s/daemon.log)", state);
    pid_t pid = fork();
    if (pid < 0)
        return mir_fail_errno(err, errno, "cannot start the daemon");
    if (pid == 0)
        become_daemon(program, log_fd, write_end, ready_text);
    close(write_end);
    write_end = -1;
    int rc = read_verdict(ctx, read_end, state, err);
    /* Reaps one that has ended already; the other lives on without us. */
    waitpid(pid, NULL, WNOHANG);
    return rc;
}

int cmd_daemon_ensure(struct cmd_context *ctx, bool *ret_started, struct mir_error *err)
{
    struct mir_error local = {0};
    if (ret_started)
        *ret_started = false;
    if (!cmd_daemon_there(&local))
        return 0;
    if (local.sys_errno != ENOENT && local.sys_errno != ECONNREFUSED &&
        local.sys_errno != ENOTDIR) {
        if (err)
            *err = local;
        return -1;
    }
    if (start(ctx, err))
        return -1;
    if (ret_started)
        *ret_started = true;
    return 0;
}
