/* SPDX-License-Identifier: ISC */
#include "bundle_run.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "api/process.h"

#define WORDS_MAX 32
#define SAID_MAX 2048

extern char **environ;

static int spawn(struct cmd_bundle_run *run, const char *program, const char *const *words,
                 int disk_fd, int said_fd)
{
    const char *argv[WORDS_MAX] = {"mirage-bundle"};
    char *copy[WORDS_MAX];
    posix_spawn_file_actions_t actions;
    for (size_t i = 0; words[i] && i + 2 < WORDS_MAX; i++)
        argv[i + 1] = words[i];
    memcpy(copy, argv, sizeof copy); /* exec changes none of them */
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, disk_fd, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, said_fd, STDERR_FILENO);
    int rc = posix_spawn(&run->pid, program, &actions, NULL, copy, environ);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

int cmd_bundle_start(struct cmd_bundle_run *run, const char *const *words, struct mir_error *err)
{
    int disk[2], said[2];
    mir_auto_free char *program = mir_program_path("mirage-bundle", err);
    if (!program)
        return -1;
    if (pipe2(disk, O_CLOEXEC))
        return mir_fail_errno(err, errno, "cannot make a pipe");
    if (pipe2(said, O_CLOEXEC)) {
        close(disk[0]);
        close(disk[1]);
        return mir_fail_errno(err, errno, "cannot make a pipe");
    }
    *run = (struct cmd_bundle_run){.disk_fd = disk[1], .said_fd = said[0]};
    int rc = spawn(run, program, words, disk[0], said[1]);
    close(disk[0]);
    close(said[1]);
    if (!rc)
        return 0;
    close(run->disk_fd);
    close(run->said_fd);
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

int cmd_bundle_end(struct cmd_bundle_run *run, bool disk_whole, struct mir_error *err)
{
    char said[SAID_MAX];
    int status = 0;
    close(run->disk_fd);
    read_said(run->said_fd, said);
    close(run->said_fd);
    while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && !WEXITSTATUS(status))
        return 0;
    if (!disk_whole && !strncmp(said, "corrupt", 7))
        return -1;
    return told(said, err);
}
