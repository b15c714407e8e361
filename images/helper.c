/* SPDX-License-Identifier: ISC */
#include "images/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/buf.h"
#include "api/clock.h"
#include "api/fault.h"
#include "api/json.h"
#include "api/memory.h"
#include "api/spawn.h"

#define ANSWER_MAX ((size_t)256 << 10)
#define FILE_FD 3 /* the inspector's */
#define LOW_FDS 10
#define ARGV_MAX 64

struct job {
    const char *name;
    const char *command;      /* inspect, unpack or build */
    const char *const *words; /* borrowed: more of its command line; NULL-terminated, or NULL */
    int out_fd;               /* borrowed: where bytes go; -1: the answer comes on stdout */
    pid_t pid;
    int pid_fd;    /* owned */
    int answer_fd; /* owned */
    int64_t deadline_ms;
    struct mir_buf answer;
};

int img_open_file(const char *path, int *ret_fd, struct mir_error *err)
{
    struct stat st;
    mir_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        int saved = errno;
        mir_fail_errno(err, saved, "%s", path);
        if (saved == ENOENT)
            mir_error_hint(err, "give the path of a kernel or disk image");
        return -1;
    }
    if (fstat(fd, &st))
        return mir_fail_errno(err, errno, "%s", path);
    if (S_ISDIR(st.st_mode)) {
        mir_fail(err, MIR_USAGE, "%s: it is a directory", path);
        return mir_error_hint(err, "give the kernel file in it");
    }
    if (!S_ISREG(st.st_mode)) {
        mir_fail(err, MIR_USAGE, "%s: it is not a regular file", path);
        return mir_error_hint(err, "copy it into a file first");
    }
    if (!st.st_size) {
        mir_fail(err, MIR_USAGE, "%s: the file is empty", path);
        return mir_error_hint(err, "did the build or the download finish?");
    }
    *ret_fd = mir_steal_fd(&fd);
    return 0;
}

/* --- starting --- */

/* What the inspector gets, away from the numbers that the actions assign, so that none is
 * overwritten before it is used. */
struct handed {
    int file; /* becomes 3 */
    int out;  /* becomes stdout */
    int err;  /* becomes stderr; -1: nobody's */
};

static int add_actions(posix_spawn_file_actions_t *actions, const struct handed *handed)
{
    int rc = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!rc && handed->err < 0)
        rc = posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    else if (!rc)
        rc = posix_spawn_file_actions_adddup2(actions, handed->err, STDERR_FILENO);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(actions, handed->out, STDOUT_FILENO);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(actions, handed->file, FILE_FD);
    if (!rc)
        rc = posix_spawn_file_actions_addclosefrom_np(actions, FILE_FD + 1);
    return rc;
}

static int spawn(struct job *job, const char *helper_path, const struct handed *handed)
{
    const char *words[ARGV_MAX] = {"mirage-image", job->command, "--fd", "3", "--json"};
    size_t count = 5;
    for (size_t i = 0; job->words && job->words[i] && count + 1 < MIR_NELEMS(words); i++)
        words[count++] = job->words[i];
    char *argv[ARGV_MAX];
    memcpy(argv, words, sizeof argv); /* exec changes none of them */
    char *const envp[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc)
        return rc;
    rc = mir_spawn_attributes(&attr, 0);
    if (!rc) {
        rc = add_actions(&actions, handed);
        if (!rc)
            rc = posix_spawn(&job->pid, helper_path, &actions, &attr, argv, envp);
        posix_spawnattr_destroy(&attr);
    }
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

static int cannot_start(const char *helper_path, int sys_errno, struct mir_error *err)
{
    mir_fail_errno(err, sys_errno, "the inspector %s cannot be started", helper_path);
    if (err)
        err->kind = MIR_INTERNAL;
    return mir_error_hint(err, "install mirage-deploy completely, or build it again");
}

static int cannot_hand(const struct job *job, struct mir_error *err)
{
    return mir_fail_errno(err, errno, "%s: cannot hand the file to the inspector", job->name);
}

static int start(struct job *job, const char *helper_path, int fd, struct mir_error *err)
{
    int pipe_fds[2];
    mir_auto_close int file_fd = fcntl(fd, F_DUPFD_CLOEXEC, LOW_FDS);
    if (file_fd < 0 || pipe2(pipe_fds, O_CLOEXEC))
        return cannot_hand(job, err);
    mir_auto_close int read_end = pipe_fds[0];
    mir_auto_close int write_low = pipe_fds[1];
    mir_auto_close int write_end = fcntl(write_low, F_DUPFD_CLOEXEC, LOW_FDS);
    mir_auto_close int out_fd = job->out_fd < 0 ? -1 : fcntl(job->out_fd, F_DUPFD_CLOEXEC, LOW_FDS);
    if (write_end < 0 || (job->out_fd >= 0 && out_fd < 0))
        return cannot_hand(job, err);
    struct handed handed = {file_fd, write_end, -1};
    if (out_fd >= 0)
        handed = (struct handed){file_fd, out_fd, write_end};
    if (mir_fault_before("helper.spawn", err))
        return -1;
    int rc = spawn(job, helper_path, &handed);
    if (rc)
        return cannot_start(helper_path, rc, err);
    (void)mir_fault_after("helper.spawn", NULL); /* a place to die; a fork has no answer to lose */
    job->pid_fd = (int)syscall(SYS_pidfd_open, job->pid, 0);
    job->answer_fd = mir_steal_fd(&read_end);
    return 0;
}

/* --- waiting --- */

static int left_ms(const struct job *job)
{
    const struct mir_clock *clock = mir_clock_system();
    int64_t left = job->deadline_ms - clock->boot_ms(clock->ctx);
    return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

static int too_late(const struct job *job, struct mir_error *err)
{
    mir_fail(err, MIR_TIMEOUT, "%s: the inspection took too long and was stopped", job->name);
    return mir_error_hint(err, "is the disk under it answering? try again");
}

/* 0: something to read or the end of it; -1: too late. */
static int wait_for(int fd, const struct job *job, struct mir_error *err)
{
    struct pollfd pfd = {.fd = fd, .events = POLLIN};
    for (;;) {
        int rc = poll(&pfd, 1, left_ms(job));
        if (rc > 0)
            return 0;
        if (!rc)
            return too_late(job, err);
        if (errno != EINTR)
            return mir_fail_errno(err, errno, "%s: cannot wait for the inspector", job->name);
    }
}

static int read_answer(struct job *job, struct mir_error *err)
{
    char chunk[4096];
    for (;;) {
        if (wait_for(job->answer_fd, job, err))
            return -1;
        ssize_t n = read(job->answer_fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return mir_fail_errno(err, errno, "%s: cannot read from the inspector", job->name);
        if (!n)
            return 0;
        if (mir_buf_add(&job->answer, chunk, (size_t)n))
            return mir_fail(err, MIR_CORRUPT,
                            "%s: the inspector answered more than it ever should: refuse this file",
                            job->name);
    }
}

/* The process has closed its answer; it has to end as well, within the same deadline. */
static int reap(struct job *job, bool kill_it, int *ret_status, struct mir_error *err)
{
    int rc = 0;
    if (!kill_it && job->pid_fd >= 0 && wait_for(job->pid_fd, job, err)) {
        rc = -1;
        kill_it = true;
    }
    if (kill_it)
        kill(job->pid, SIGKILL); /* not reaped yet: the pid is still ours */
    while (waitpid(job->pid, ret_status, 0) < 0) {
        if (errno == EINTR)
            continue;
        return rc ? rc : mir_fail_errno(err, errno, "%s: the inspector was lost", job->name);
    }
    return rc;
}

/* --- the answer --- */

static int refuse(const struct job *job, struct mir_error *err)
{
    mir_fail(err, MIR_CORRUPT, "%s: the inspector was stopped while reading this file: refuse it",
             job->name);
    return mir_error_hint(err, "it is damaged or made to do harm; build or fetch it again");
}

static int told_error(const struct job *job, const json_t *error, struct mir_error *err)
{
    const char *code = json_string_value(json_object_get(error, "code"));
    const char *text = json_string_value(json_object_get(error, "text"));
    const char *hint = json_string_value(json_object_get(error, "hint"));
    enum mir_kind kind = mir_kind_by_name(code);
    if (!code || !text || kind == MIR_OK)
        return refuse(job, err);
    mir_fail(err, kind, "%s: %.400s", job->name, text);
    if (hint && *hint)
        mir_error_hint(err, "%s", hint);
    return -1;
}

/* ret NULL: no answer is expected, only no error. */
static int understand(const struct job *job, int status, json_t **ret, struct mir_error *err)
{
    if (!WIFEXITED(status))
        return refuse(job, err);
    if (!ret && !WEXITSTATUS(status))
        return 0;
    json_t *json = mir_json_parse(mir_buf_text(&job->answer), job->answer.len, ANSWER_MAX, NULL);
    const json_t *error = json_object_get(json, "error");
    if (json && !error && !WEXITSTATUS(status)) {
        *ret = json;
        return 0;
    }
    int rc = json ? told_error(job, error, err) : refuse(job, err);
    json_decref(json);
    return rc;
}

/* *ret: the answer, a new reference; ret NULL: none is expected. */
static int run(struct job *job, const char *helper_path, int fd, int64_t timeout_ms, json_t **ret,
               struct mir_error *err)
{
    const struct mir_clock *clock = mir_clock_system();
    job->deadline_ms =
        clock->boot_ms(clock->ctx) + (timeout_ms > 0 ? timeout_ms : IMG_INSPECT_TIMEOUT_MS);
    mir_buf_init(&job->answer, ANSWER_MAX);
    if (start(job, helper_path, fd, err))
        return -1;
    int status = 0;
    int failed = read_answer(job, err);
    int rc = reap(job, failed != 0, &status, failed ? NULL : err);
    if (!failed && !rc)
        rc = understand(job, status, ret, err);
    close(job->answer_fd);
    if (job->pid_fd >= 0)
        close(job->pid_fd);
    mir_buf_clear(&job->answer);
    return failed || rc ? -1 : 0;
}

int img_inspect_fd(const char *helper_path, int fd, const char *name, int64_t timeout_ms,
                   struct mir_kernel *ret_kernel, struct mir_error *err)
{
    struct job job = {.name = name, .command = "inspect", .out_fd = -1, .pid_fd = -1};
    json_t *answer = NULL;
    if (run(&job, helper_path, fd, timeout_ms, &answer, err))
        return -1;
    int rc = mir_kernel_from_json(answer, ret_kernel, err);
    json_decref(answer);
    return rc;
}

int img_build_fd(const char *helper_path, int fd, int out_fd, const char *name,
                 const char *const *words, int64_t timeout_ms, struct img_summary *ret,
                 struct mir_error *err)
{
    struct job job = {
        .name = name, .command = "build", .words = words, .out_fd = out_fd, .pid_fd = -1};
    json_t *answer = NULL;
    if (run(&job, helper_path, fd, timeout_ms, &answer, err))
        return -1;
    int rc = img_summary_from_json(answer, ret, err);
    json_decref(answer);
    return rc;
}

int img_unpack_fd(const char *helper_path, int fd, int out_fd, const char *name, int64_t timeout_ms,
                  struct mir_error *err)
{
    struct job job = {.name = name, .command = "unpack", .out_fd = out_fd, .pid_fd = -1};
    return run(&job, helper_path, fd, timeout_ms, NULL, err);
}

int img_inspect_file(const char *helper_path, const char *path, int64_t timeout_ms,
                     struct mir_kernel *ret_kernel, struct mir_error *err)
{
    mir_auto_close int fd = -1;
    if (img_open_file(path, &fd, err))
        return -1;
    return img_inspect_fd(helper_path, fd, path, timeout_ms, ret_kernel, err);
}
