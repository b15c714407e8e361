/* SPDX-License-Identifier: ISC */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/log.h"
#include "api/memory.h"
#include "guest_argv.h"

#define CONSOLE_MAX ((size_t)64 << 10)
#define REPLIES_MAX ((size_t)64 << 10)
#define VARS_MAX ((size_t)4 << 20)

/* --- its folder --- */

static int place_variables(int dir_fd, struct mir_error *err)
{
    mir_auto_free char *bytes = NULL;
    size_t len;
    if (!faccessat(dir_fd, FC_GUEST_VARS, F_OK, 0)) /* it has run before */
        return 0;
    if (access(FC_GUEST_UEFI_CODE, R_OK) ||
        mir_file_read(FC_GUEST_UEFI_VARS, VARS_MAX, &bytes, &len, err)) {
        mir_fail(err, MIR_UNAVAILABLE, "there is no UEFI firmware in " FC_GUEST_UEFI_CODE);
        return mir_error_hint(err, "apt-get install ovmf");
    }
    return mir_file_write_at(dir_fd, FC_GUEST_VARS, bytes, len, 0600, err);
}

/* The descriptor of its folder, or -1. */
static int open_folder(int state_fd, const struct fc_guest_want *want, struct mir_error *err)
{
    mir_auto_free char *path = mir_format(FC_GUEST_DIR "/%s", want->instance);
    int made = mkdirat(state_fd, FC_GUEST_DIR, 0700);
    if (!made || errno == EEXIST)
        made = mkdirat(state_fd, path, 0700);
    int fd =
        !made || errno == EEXIST ? openat(state_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0)
        return mir_fail_errno(err, errno, "cannot make the folder of %s", want->instance);
    if (want->uefi && place_variables(fd, err)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* --- its process --- */

struct ends {
    int ours[2], theirs[2]; /* console, QMP */
    int messages;
};

static void close_all(int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* The child puts them at 1 to 3: its own must not stand where another one is to be put. */
static int lifted(int fd)
{
    int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 10);
    if (fd >= 0)
        close(fd);
    return high;
}

static int open_ends(int folder_fd, struct ends *ret, struct mir_error *err)
{
    int console[2] = {-1, -1}, qmp[2] = {-1, -1};
    int rc = pipe2(console, O_CLOEXEC) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, qmp);
    int failed = errno;
    int messages = openat(folder_fd, FC_GUEST_MESSAGES,
                          O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    *ret =
        (struct ends){{console[0], qmp[0]}, {lifted(console[1]), lifted(qmp[1])}, lifted(messages)};
    if (!rc && ret->theirs[0] >= 0 && ret->theirs[1] >= 0 && ret->messages >= 0) {
        fcntl(ret->ours[0], F_SETFL, O_NONBLOCK);
        fcntl(ret->ours[1], F_SETFL, O_NONBLOCK);
        return 0;
    }
    close_all(ret->ours, 2);
    close_all(ret->theirs, 2);
    close_all(&ret->messages, 1);
    return mir_fail_errno(err, rc ? failed : errno, "cannot make a machine's pipes");
}

/* Between fork and exec, where only what a signal handler may do is allowed. */
static _Noreturn void become(int state_fd, char *const *words, const struct ends *ends,
                             pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    /* It must not outlive the fake, however that ends; which may have been before it was asked. */
    if (!prctl(PR_SET_PDEATHSIG, SIGKILL) && getppid() == parent && !fchdir(state_fd) &&
        dup2(null_fd, 0) >= 0 && dup2(ends->theirs[0], 1) >= 0 && dup2(ends->messages, 2) >= 0 &&
        dup2(ends->theirs[1], FC_GUEST_QMP_FD) >= 0) {
        close_range(FC_GUEST_QMP_FD + 1, ~0U, 0);
        execv(words[0], words);
    }
    _exit(127);
}

static int spawn(int state_fd, const char *program, const struct fc_guest_want *want,
                 const struct ends *ends, pid_t *ret_pid, struct mir_error *err)
{
    struct fc_guest_argv argv;
    fc_guest_argv_build(want, program, &argv);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(state_fd, argv.words, ends, parent);
    int failed = errno;
    fc_guest_argv_clear(&argv);
    if (pid < 0)
        return mir_fail_errno(err, failed, "cannot start %s", program);
    *ret_pid = pid;
    return 0;
}

struct fc_guest *fc_guest_new(const struct fc_guest_want *want)
{
    struct fc_guest *guest = mir_calloc(1, sizeof *guest);
    guest->kind = want->kind;
    mir_copy(guest->instance, sizeof guest->instance, want->instance);
    mir_copy(guest->region, sizeof guest->region, want->region);
    mir_buf_init(&guest->console, CONSOLE_MAX);
    mir_buf_init(&guest->replies, REPLIES_MAX);
    guest->console_fd = guest->qmp_fd = -1;
    return guest;
}

int fc_guest_start(struct fc_guest *guest, int state_fd, const char *program,
                   const struct fc_guest_want *want, struct mir_error *err)
{
    static const char hello[] = "{\"execute\":\"qmp_capabilities\"}\n";
    struct ends ends;
    mir_auto_close int folder = open_folder(state_fd, want, err);
    if (folder < 0 || open_ends(folder, &ends, err))
        return -1;
    int rc = spawn(state_fd, program, want, &ends, &guest->pid, err);
    close_all(ends.theirs, 2);
    close_all(&ends.messages, 1);
    guest->console_fd = ends.ours[0];
    guest->qmp_fd = ends.ours[1];
    (void)!send(guest->qmp_fd, hello, sizeof hello - 1, MSG_NOSIGNAL);
    return rc;
}

int fc_guest_ended(struct fc_guest *guest)
{
    int status = 0;
    while (guest->pid && waitpid(guest->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    guest->pid = 0;
    return status;
}

void fc_guest_cut(struct fc_guest *guest)
{
    if (guest->pid)
        kill(guest->pid, SIGKILL); /* not waited for yet, so it is no other's pid */
    fc_guest_ended(guest);
}

void fc_guest_free(struct fc_guest *guest)
{
    fc_guest_cut(guest);
    close_all(&guest->console_fd, 1);
    close_all(&guest->qmp_fd, 1);
    mir_buf_clear(&guest->console);
    mir_buf_clear(&guest->replies);
    free(guest);
}

/* --- its ports --- */

/* A command of QEMU's monitor; `about` comes back with what it says. */
static void command(struct fc_guest *guest, const char *about, const char *words)
{
    mir_auto_free char *line = mir_format("{\"execute\":\"human-monitor-command\",\"arguments\":"
                                          "{\"command-line\":\"%s\"},\"id\":\"%s\"}\n",
                                          words, about);
    if (guest->qmp_fd >= 0)
        (void)!send(guest->qmp_fd, line, strlen(line), MSG_NOSIGNAL);
}

static void open_port(struct fc_guest *guest, const char *address, uint16_t port)
{
    mir_auto_free char *about = mir_format("%s:%u", address, (unsigned)port);
    mir_auto_free char *words =
        mir_format("hostfwd_add " FC_GUEST_NET " tcp:%s-:%u", about, (unsigned)port);
    command(guest, about, words);
}

static void close_port(struct fc_guest *guest, const char *address, uint16_t port)
{
    mir_auto_free char *words =
        mir_format("hostfwd_remove " FC_GUEST_NET " tcp:%s:%u", address, (unsigned)port);
    command(guest, "", words);
}

static bool among(const uint16_t *ports, size_t count, uint16_t port)
{
    for (size_t i = 0; i < count; i++)
        if (ports[i] == port)
            return true;
    return false;
}

void fc_guest_forward(struct fc_guest *guest, const struct fc_guest_want *want)
{
    bool moves = strcmp(guest->address, want->address) != 0;
    for (size_t i = 0; *guest->address && i < guest->port_count; i++)
        if (moves || !among(want->ports, want->port_count, guest->ports[i]))
            close_port(guest, guest->address, guest->ports[i]);
    for (size_t i = 0; *want->address && i < want->port_count; i++)
        if (moves || !among(guest->ports, guest->port_count, want->ports[i]))
            open_port(guest, want->address, want->ports[i]);
    mir_copy(guest->address, sizeof guest->address, want->address);
    memcpy(guest->ports, want->ports, sizeof guest->ports);
    guest->port_count = want->port_count;
}

/* Opening a port says nothing when it succeeds. */
static void read_reply(const struct fc_guest *guest, const char *line, size_t len)
{
    json_t *reply = json_loadb(line, len, 0, NULL);
    const char *about = json_string_value(json_object_get(reply, "id"));
    const char *said = json_string_value(json_object_get(reply, "return"));
    if (about && *about && said && *said)
        mir_log(MIR_LOG_WARN, "guest",
                "%s cannot have %s on this machine (taken, or below 1024 and you are not root): "
                "%.*s",
                guest->instance, about, (int)strcspn(said, "\r\n"), said);
    json_decref(reply);
}

void fc_guest_listen(struct fc_guest *guest)
{
    char some[4096];
    ssize_t got = read(guest->qmp_fd, some, sizeof some);
    if (got <= 0 && (got == 0 || errno != EAGAIN)) { /* its end is seen on its console */
        close(guest->qmp_fd);
        guest->qmp_fd = -1;
    }
    if (got > 0 && mir_buf_add(&guest->replies, some, (size_t)got))
        mir_buf_reset(&guest->replies);
    for (;;) {
        const char *text = mir_buf_text(&guest->replies);
        const char *end = memchr(text, '\n', guest->replies.len);
        if (!end)
            return;
        read_reply(guest, text, (size_t)(end - text));
        mir_buf_drop(&guest->replies, (size_t)(end - text) + 1);
    }
}

/* --- its console --- */

/* What is kept of it is text: any other byte becomes '?'. The file in its folder has them all. */
static void clean(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] >= 0x80 || text[i] == '\0')
            text[i] = '?';
}

bool fc_guest_read(struct fc_guest *guest)
{
    char some[4096];
    ssize_t got = read(guest->console_fd, some, sizeof some);
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    clean(some, (size_t)got);
    if (guest->console.len + (size_t)got > CONSOLE_MAX) /* nobody takes it: the newest counts */
        mir_buf_drop(&guest->console, guest->console.len + (size_t)got - CONSOLE_MAX);
    mir_buf_add(&guest->console, some, (size_t)got);
    return true;
}
