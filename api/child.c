/* SPDX-License-Identifier: ISC */
#include "api/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "api/provider.h"
#include "api/spawn.h"

#define WORDS_MAX 256
#define SAID_MAX ((size_t)64 << 10)
#define CHUNK_BYTES ((size_t)64 << 10)
#define LOW_FDS 10
#define WANTED_MS 200
#define LINE_MAX_BYTES 512

extern char **environ;

struct pipes {
    int out, said; /* our ends; owned */
    pid_t pid;
};

static int add_actions(posix_spawn_file_actions_t *actions, const struct mir_child *child, int out,
                       int said)
{
    int rc = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!rc && child->folder)
        rc = posix_spawn_file_actions_addchdir_np(actions, child->folder);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(actions, said, STDERR_FILENO);
    if (!rc)
        rc = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    return rc;
}

/* The environment, in English. Owned, its texts borrowed. */
static char **environment(void)
{
    static char english[] = "LC_ALL=C";
    size_t count = 0;
    while (environ[count])
        count++;
    char **list = mir_calloc(count + 2, sizeof *list);
    size_t n = 0;
    list[n++] = english;
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], "LC_ALL=", 7) != 0 && strncmp(environ[i], "LANGUAGE=", 9) != 0)
            list[n++] = environ[i];
    return list;
}

static int spawn(const struct mir_child *child, int out, int said, pid_t *ret_pid)
{
    const char *words[WORDS_MAX] = {NULL};
    char *argv[WORDS_MAX];
    for (size_t i = 0; child->words[i]; i++) {
        if (i + 1 == WORDS_MAX)
            return E2BIG;
        words[i] = child->words[i];
    }
    memcpy(argv, words, sizeof argv); /* exec changes none of them */
    mir_auto_free char **envp = environment();
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc)
        return rc;
    rc = mir_spawn_attributes(&attr, child->wanted ? POSIX_SPAWN_SETPGROUP : 0);
    if (!rc) {
        rc = add_actions(&actions, child, out, said);
        if (!rc)
            rc = posix_spawnp(ret_pid, argv[0], &actions, &attr, argv, envp);
        posix_spawnattr_destroy(&attr);
    }
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

/* A pipe whose ends are none of the numbers that the child's get. */
static int make_pipe(int ret[2])
{
    int low[2];
    if (pipe2(low, O_CLOEXEC))
        return -1;
    ret[0] = fcntl(low[0], F_DUPFD_CLOEXEC, LOW_FDS);
    ret[1] = fcntl(low[1], F_DUPFD_CLOEXEC, LOW_FDS);
    close(low[0]);
    close(low[1]);
    if (ret[0] >= 0 && ret[1] >= 0)
        return 0;
    mir_cleanup_closep(&ret[0]);
    mir_cleanup_closep(&ret[1]);
    return -1;
}

static int start(const struct mir_child *child, struct pipes *ret, struct mir_error *err)
{
    int out[2], said[2];
    if (make_pipe(out))
        return mir_fail_errno(err, errno, "cannot make a pipe");
    if (make_pipe(said)) {
        close(out[0]);
        close(out[1]);
        return mir_fail_errno(err, errno, "cannot make a pipe");
    }
    int rc = spawn(child, out[1], said[1], &ret->pid);
    close(out[1]);
    close(said[1]);
    ret->out = out[0];
    ret->said = said[0];
    if (!rc)
        return 0;
    close(out[0]);
    close(said[0]);
    if (rc == ENOENT)
        return mir_fail(err, MIR_UNAVAILABLE, "%s is not installed", child->words[0]);
    return mir_fail_errno(err, rc, "cannot start %s", child->words[0]);
}

/* 1: more may come, 0: the end, -1: nobody wants more. */
static int read_out(const struct mir_child *child, int fd, char *chunk, struct mir_error *err)
{
    ssize_t n = read(fd, chunk, CHUNK_BYTES);
    if (n < 0)
        return errno == EINTR ? 1
                              : mir_fail_errno(err, errno, "cannot read from %s", child->words[0]);
    if (n && child->take && child->take(child->ctx, chunk, (size_t)n, err))
        return -1;
    return n > 0;
}

/* What has come of a line that is not at its end yet. */
struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
};

static void hear(const struct mir_child *child, struct line *line, const char *bytes, size_t len)
{
    for (size_t i = 0; child->hear && i < len; i++) {
        if (bytes[i] != '\n') {
            line->text[line->len] = bytes[i] ? bytes[i] : '?';
            line->len += line->len + 2 < sizeof line->text;
            continue;
        }
        line->text[line->len] = '\0';
        line->len = 0;
        child->hear(child->ctx, line->text);
    }
}

static bool read_said(const struct mir_child *child, int fd, struct mir_buf *said,
                      struct line *line, char *chunk)
{
    ssize_t n = read(fd, chunk, CHUNK_BYTES);
    if (n > 0) {
        mir_buf_add(said, chunk, (size_t)n);
        hear(child, line, chunk, (size_t)n);
    }
    return n > 0 || (n < 0 && errno == EINTR);
}

static int await(const struct mir_child *child, struct pollfd fds[2], struct mir_error *err)
{
    const struct mir_wanted *wanted = child->wanted;
    if (poll(fds, 2, wanted ? WANTED_MS : -1) < 0 && errno != EINTR)
        return mir_fail_errno(err, errno, "cannot wait for %s", child->words[0]);
    return wanted ? wanted->check(wanted->ctx, err) : 0;
}

static int talk(const struct mir_child *child, const struct pipes *pipes, struct mir_buf *said,
                struct mir_error *err)
{
    mir_auto_free char *chunk = mir_calloc(1, CHUNK_BYTES);
    struct line line = {.len = 0};
    struct pollfd fds[2] = {{.fd = pipes->out, .events = POLLIN},
                            {.fd = pipes->said, .events = POLLIN}};
    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        if (await(child, fds, err))
            return -1;
        if (fds[0].revents) {
            int more = read_out(child, pipes->out, chunk, err);
            if (more < 0)
                return -1;
            fds[0].fd = more ? pipes->out : -1;
        }
        if (fds[1].revents)
            fds[1].fd = read_said(child, pipes->said, said, &line, chunk) ? pipes->said : -1;
        fds[0].revents = fds[1].revents = 0;
    }
    return 0;
}

/* Its last line that complains, or its last line at all. */
static void take_reason(const struct mir_buf *said, char *ret, size_t size)
{
    const char *text = mir_buf_text(said), *chosen = "";
    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");
        if (len && (!strncmp(line, "E: ", 3) || strncmp(chosen, "E: ", 3) != 0))
            chosen = line;
        line += len + (line[len] == '\n');
    }
    if (!strncmp(chosen, "E: ", 3))
        chosen += 3;
    size_t len = strcspn(chosen, "\n");
    snprintf(ret, size, "%.*s", (int)(len < size ? len : size - 1), chosen);
}

static int failed(const struct mir_child *child, int status, const struct mir_buf *said,
                  struct mir_error *err)
{
    char reason[400];
    take_reason(said, reason, sizeof reason);
    bool full = strstr(mir_buf_text(said), strerror(ENOSPC)) != NULL;
    if (!*reason && WIFSIGNALED(status))
        snprintf(reason, sizeof reason, "ended by signal %d", WTERMSIG(status));
    else if (!*reason)
        snprintf(reason, sizeof reason, "ended with status %d", WEXITSTATUS(status));
    return mir_fail(err, full ? MIR_NO_SPACE : MIR_FAILED, "%s: %s", child->words[0], reason);
}

int mir_child_run(const struct mir_child *child, struct mir_error *err)
{
    mir_auto_buf struct mir_buf said;
    struct pipes pipes;
    int status;
    mir_buf_init(&said, SAID_MAX);
    if (start(child, &pipes, err))
        return -1;
    int rc = talk(child, &pipes, &said, err);
    if (rc)
        kill(child->wanted ? -pipes.pid : pipes.pid, SIGKILL);
    close(pipes.out);
    close(pipes.said);
    while (waitpid(pipes.pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (rc)
        return -1;
    return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : failed(child, status, &said, err);
}
