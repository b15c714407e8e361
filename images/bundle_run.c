/* SPDX-License-Identifier: ISC */
#include "images/bundle_run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "api/process.h"
#include "api/spawn.h"

#define WORDS_MAX 32
#define SAID_MAX 2048

extern char **environ;

static int add_actions(posix_spawn_file_actions_t *actions, int disk_fd, int out_fd, int said_fd)
{
    int rc = posix_spawn_file_actions_adddup2(actions, disk_fd, STDIN_FILENO);
    if (!rc && out_fd < 0)
        rc = posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    else if (!rc)
        rc = posix_spawn_file_actions_adddup2(actions, out_fd, STDOUT_FILENO);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(actions, said_fd, STDERR_FILENO);
    if (!rc)
        rc = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    return rc;
}

/* An errno, 0 for none. */
static int spawn(struct img_bundle_run *run, const char *program, char *const *argv, int disk_fd,
                 int out_fd, int said_fd)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc)
        return rc;
    rc = mir_spawn_attributes(&attr, 0);
    if (!rc) {
        rc = add_actions(&actions, disk_fd, out_fd, said_fd);
        if (!rc)
            rc = posix_spawn(&run->pid, program, &actions, &attr, argv, environ);
        posix_spawnattr_destroy(&attr);
    }
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

int img_bundle_start(struct img_bundle_run *run, const char *const *words, int disk_fd, int out_fd,
                     struct mir_error *err)
{
    int said[2];
    const char *argv[WORDS_MAX] = {"mirage-bundle"};
    char *copy[WORDS_MAX];
    mir_auto_free char *program = mir_program_path("mirage-bundle", err);
    if (!program)
        return -1;
    for (size_t i = 0; words[i] && i + 2 < WORDS_MAX; i++)
        argv[i + 1] = words[i];
    memcpy(copy, argv, sizeof copy); /* exec changes none of them */
    if (pipe2(said, O_CLOEXEC))
        return mir_fail_errno(err, errno, "cannot make a pipe");
    *run = (struct img_bundle_run){.said_fd = said[0]};
    int rc = spawn(run, program, copy, disk_fd, out_fd, said[1]);
    close(said[1]);
    if (!rc)
        return 0;
    close(said[0]);
    return mir_fail_errno(err, rc, "cannot start %s", program);
}

/* Everything it says, until it ends. */
static void read_said(int fd, char said[SAID_MAX])
{
    size_t len = 0;
    ssize_t n;
    while ((n = read(fd, said + len, SAID_MAX - 1 - len)) > 0 || (n < 0 && errno == EINTR))
        len += n > 0 ? (size_t)n : 0;
    said[len] = '\0';
}

/* Three lines: the kind, the text, the hint. */
static int told(char *said, struct mir_error *err)
{
    char *lines[3] = {said, said + strlen(said), said + strlen(said)};
    for (int i = 0; i < 3; i++) {
        char *end = strchr(lines[i], '\n');
        if (!end)
            break;
        *end = '\0';
        if (i < 2)
            lines[i + 1] = end + 1;
    }
    enum mir_kind kind = mir_kind_by_name(lines[0]);
    if (kind == MIR_OK)
        return mir_fail(err, MIR_INTERNAL, "mirage-bundle ended without a word");
    mir_fail(err, kind, "%.400s", lines[1]);
    return *lines[2] ? mir_error_hint(err, "%s", lines[2]) : -1;
}

static int reap(struct img_bundle_run *run)
{
    int status = 0;
    close(run->said_fd);
    while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

int img_bundle_end(struct img_bundle_run *run, bool disk_whole, struct mir_error *err)
{
    char said[SAID_MAX];
    read_said(run->said_fd, said);
    int status = reap(run);
    if (WIFEXITED(status) && !WEXITSTATUS(status))
        return 0;
    if (!disk_whole && !strncmp(said, "corrupt", 7))
        return -1;
    return told(said, err);
}

void img_bundle_kill(struct img_bundle_run *run)
{
    kill(run->pid, SIGKILL);
    reap(run);
}
