/* SPDX-License-Identifier: ISC */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/fault.h"
#include "api/file.h"
#include "api/log.h"
#include "argv.h"
#include "dir.h"

static int64_t utc_ms(const struct keeper *keeper)
{
    return keeper->deadline.clock->utc_ms(keeper->deadline.clock->ctx);
}

static int64_t boot_ms(const struct keeper *keeper)
{
    return keeper->deadline.clock->boot_ms(keeper->deadline.clock->ctx);
}

/* --- what others are told --- */

static int save(struct keeper *keeper, const struct local_status *status, bool durable,
                struct mir_error *err)
{
    if (mir_fault_before("local.keeper.status", err) ||
        local_status_save(keeper->dir_fd, status, durable, err))
        return -1;
    return mir_fault_after("local.keeper.status", err);
}

/* A status that cannot be written (disk full) costs detail, not truth: whoever looks sees by the
 * lock whether the instance lives. */
static void save_or_log(struct keeper *keeper)
{
    struct mir_error err = {0};
    if (save(keeper, &keeper->status, keeper->status.state == MIR_INSTANCE_ENDED, &err))
        mir_log(MIR_LOG_WARN, "keeper", "%s", err.text);
}

static void tell_starter(struct keeper *keeper, const struct mir_error *failure)
{
    if (keeper->ready_fd < 0)
        return;
    struct local_ctl_reply reply = {
        .ok = !failure, .state = keeper->status.state, .deadline_s = keeper->status.deadline_s};
    if (failure)
        reply.error = *failure;
    mir_auto_free char *text = local_ctl_reply_text(&reply);
    /* Nobody there any more: the instance has its lease all the same. */
    (void)mir_write_all(keeper->ready_fd, text, strlen(text));
    close(keeper->ready_fd);
    keeper->ready_fd = -1;
}

static void say_running(struct keeper *keeper)
{
    if (keeper->status.state != MIR_INSTANCE_STARTING)
        return;
    keeper->status.state = MIR_INSTANCE_RUNNING;
    save_or_log(keeper);
    tell_starter(keeper, NULL);
}

/* --- ending --- */

void keeper_stop(struct keeper *keeper, enum local_cause cause)
{
    if (keeper->cause != LOCAL_CAUSE_NONE || keeper->guest_ended)
        return;
    keeper->cause = cause;
    pidfd_send_signal(keeper->guest.pid_fd, SIGTERM, NULL, 0);
    keeper->kill_at_ms = boot_ms(keeper) + KEEPER_KILL_MS;
    keeper->status.state = MIR_INSTANCE_STOPPING;
    save_or_log(keeper);
}

static void kill_when_late(struct keeper *keeper)
{
    if (keeper->kill_at_ms == 0 || boot_ms(keeper) < keeper->kill_at_ms)
        return;
    pidfd_send_signal(keeper->guest.pid_fd, SIGKILL, NULL, 0);
    keeper->kill_at_ms = 0;
}

/* A line on its console, for guests that take it. */
static void tell_guest(struct keeper *keeper, int64_t deadline_s)
{
    if (!keeper->spec.tell_deadline || keeper->guest.in_fd < 0)
        return;
    char line[40];
    int n = snprintf(line, sizeof line, "deadline %" PRId64 "\n", deadline_s);
    if (write(keeper->guest.in_fd, line, (size_t)n) != n)
        mir_log(MIR_LOG_WARN, "keeper", "the guest does not read its console");
}

int keeper_move_deadline(struct keeper *keeper, const struct local_ctl_request *request,
                         struct mir_error *err)
{
    int64_t deadline_s = request->deadline_s;
    if (keeper->cause != LOCAL_CAUSE_NONE || keeper->guest_ended)
        return mir_fail(err, MIR_CONFLICT, "the instance is being ended already");
    bool moved = deadline_s != keeper->status.deadline_s;
    bool signature_new =
        *request->signature && strcmp(request->signature, keeper->status.signature) != 0;
    if (!moved && !signature_new)
        return 0;
    struct local_status next = keeper->status;
    next.deadline_s = deadline_s;
    if (*request->signature) {
        next.expires_s = deadline_s;
        memcpy(next.signature, request->signature, sizeof next.signature);
    }
    /* Durable before armed, armed before answered. */
    if (save(keeper, &next, true, err) || local_deadline_set(&keeper->deadline, deadline_s, err))
        return -1;
    keeper->status = next;
    if (moved)
        tell_guest(keeper, deadline_s);
    return 0;
}

/* --- the loop's sources --- */

/* Reads what is there, at most `rounds` chunks; 0 at the end of the stream. */
typedef void take_fn(struct keeper *keeper, const char *data, size_t len);

static int pump(struct keeper *keeper, int fd, take_fn *take, int rounds)
{
    char chunk[16384];
    for (int i = 0; i < rounds; i++) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        if (n == 0)
            return 0;
        take(keeper, chunk, (size_t)n);
    }
    return 1;
}

static void remember_tail(struct keeper *keeper, const char *data, size_t len)
{
    char *tail = keeper->console_tail;
    size_t room = sizeof keeper->console_tail - 1, old = strlen(tail);
    size_t take = len < room ? len : room;
    size_t stay = old + take <= room ? old : room - take;
    memmove(tail, tail + old - stay, stay);
    memcpy(tail + stay, data + len - take, take);
    for (size_t i = stay; i < stay + take; i++)
        tail[i] = tail[i] ? tail[i] : ' '; /* it is a text */
    tail[stay + take] = '\0';
}

static void take_console(struct keeper *keeper, const char *data, size_t len)
{
    bool first = keeper->status.first_output_ms == 0;
    if (first)
        keeper->status.first_output_ms = utc_ms(keeper);
    local_console_write(&keeper->console, data, len);
    remember_tail(keeper, data, len);
    if (first)
        save_or_log(keeper);
}

/* Keeps the newest half when it overflows: the last line is the one that matters. */
static void take_stderr(struct keeper *keeper, const char *data, size_t len)
{
    struct mir_buf *text = &keeper->stderr_text;
    if (len > KEEPER_STDERR_MAX / 2) {
        data += len - KEEPER_STDERR_MAX / 2;
        len = KEEPER_STDERR_MAX / 2;
    }
    if (text->len + len > KEEPER_STDERR_MAX)
        mir_buf_drop(text, text->len - KEEPER_STDERR_MAX / 2);
    mir_buf_add(text, data, len);
}

static void take_qmp(struct keeper *keeper, const char *data, size_t len)
{
    local_qmp_feed(&keeper->qmp, data, len);
}

static void pump_or_close(struct keeper *keeper, int *fd, take_fn *take, int rounds)
{
    if (*fd < 0 || pump(keeper, *fd, take, rounds))
        return;
    close(*fd);
    *fd = -1;
}

static void on_signal(struct keeper *keeper)
{
    struct signalfd_siginfo info;
    if (read(keeper->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        keeper_stop(keeper, LOCAL_CAUSE_SIGNAL);
}

static void on_guest_end(struct keeper *keeper)
{
    if (waitpid(keeper->guest.pid, &keeper->wait_status, WNOHANG) == keeper->guest.pid)
        keeper->guest_ended = true;
}

static void on_console(struct keeper *keeper)
{
    pump_or_close(keeper, &keeper->guest.out_fd, take_console, 4);
}

static void on_stderr(struct keeper *keeper)
{
    pump_or_close(keeper, &keeper->guest.err_fd, take_stderr, 1);
}

static void on_qmp(struct keeper *keeper)
{
    pump_or_close(keeper, &keeper->guest.qmp_fd, take_qmp, 1);
    if (keeper->qmp.ready)
        say_running(keeper);
}

static void on_deadline(struct keeper *keeper)
{
    if (local_deadline_due(&keeper->deadline))
        keeper_stop(keeper, LOCAL_CAUSE_DEADLINE);
}

/* In the order of importance. */
enum {
    SRC_DEADLINE,
    SRC_CLOCK_SET,
    SRC_SIGNAL,
    SRC_GUEST,
    SRC_QMP,
    SRC_STDERR,
    SRC_LISTEN,
    SRC_CONSOLE,
    SRC_CLIENTS
};

static void (*const handlers[SRC_CLIENTS])(struct keeper *keeper) = {
    [SRC_DEADLINE] = on_deadline, [SRC_CLOCK_SET] = on_deadline,
    [SRC_SIGNAL] = on_signal,     [SRC_GUEST] = on_guest_end,
    [SRC_QMP] = on_qmp,           [SRC_STDERR] = on_stderr,
    [SRC_LISTEN] = keeper_accept, [SRC_CONSOLE] = on_console,
};

static void turn(struct keeper *keeper)
{
    bool ending = keeper->cause != LOCAL_CAUSE_NONE;
    struct pollfd fds[SRC_CLIENTS + KEEPER_CLIENTS] = {
        [SRC_DEADLINE] = {.fd = ending ? -1 : keeper->deadline.boot_fd},
        [SRC_CLOCK_SET] = {.fd = ending ? -1 : keeper->deadline.real_fd},
        [SRC_SIGNAL] = {.fd = keeper->signal_fd},
        [SRC_GUEST] = {.fd = keeper->guest.pid_fd},
        [SRC_QMP] = {.fd = keeper->guest.qmp_fd},
        [SRC_STDERR] = {.fd = keeper->guest.err_fd},
        [SRC_LISTEN] = {.fd = keeper->listen_fd},
        [SRC_CONSOLE] = {.fd = keeper->guest.out_fd},
    };
    for (size_t i = 0; i < KEEPER_CLIENTS; i++)
        fds[SRC_CLIENTS + i].fd = keeper->clients[i].fd;
    for (size_t i = 0; i < MIR_NELEMS(fds); i++)
        fds[i].events = POLLIN;
    int wait_ms = -1;
    if (keeper->kill_at_ms) {
        int64_t left = keeper->kill_at_ms - boot_ms(keeper);
        wait_ms = left > 0 ? (int)left : 0;
    }
    if (poll(fds, MIR_NELEMS(fds), wait_ms) < 0)
        return;
    for (size_t i = 0; i < SRC_CLIENTS; i++)
        if (fds[i].revents)
            handlers[i](keeper);
    for (size_t i = 0; i < KEEPER_CLIENTS; i++)
        if (fds[SRC_CLIENTS + i].revents && keeper->clients[i].fd == fds[SRC_CLIENTS + i].fd)
            keeper_client_ready(keeper, &keeper->clients[i]);
    kill_when_late(keeper);
}

/* --- from the spec to the end --- */

static int open_signals(struct keeper *keeper, struct mir_error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    keeper->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return keeper->signal_fd < 0 ? mir_fail_errno(err, errno, "cannot watch signals") : 0;
}

static int write_conf(struct keeper *keeper, struct mir_error *err)
{
    if (!local_how_is_qemu(keeper->spec.how))
        return 0;
    mir_auto_buf struct mir_buf conf;
    mir_buf_init(&conf, 8192);
    local_qemu_conf(&keeper->spec, &conf);
    mir_auto_close int fd = openat(keeper->dir_fd, LOCAL_QEMU_FILE,
                                   O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || mir_write_all(fd, mir_buf_text(&conf), conf.len))
        return mir_fail_errno(err, errno, "cannot write " LOCAL_QEMU_FILE);
    return 0;
}

/* Everything that can fail for a reason of its own comes before the guest. */
static int prepare(struct keeper *keeper, struct mir_error *err)
{
    struct local_status *status = &keeper->status;
    if (local_spec_load(keeper->dir_fd, &keeper->spec, err) || open_signals(keeper, err) ||
        local_deadline_set(&keeper->deadline, keeper->spec.deadline_s, err) ||
        mir_process_of(getpid(), &status->keeper, err))
        return -1;
    if (local_deadline_due(&keeper->deadline))
        return mir_fail(err, MIR_POLICY, "the deadline has passed already");
    if (local_ctl_listen(keeper->dir_fd, &keeper->listen_fd, err) || write_conf(keeper, err))
        return -1;
    status->state = MIR_INSTANCE_STARTING;
    status->deadline_s = keeper->spec.deadline_s;
    status->expires_s = keeper->spec.tags.expires_s;
    memcpy(status->signature, keeper->spec.tags.signature, sizeof status->signature);
    return save(keeper, status, false, err);
}

static int start_guest(struct keeper *keeper, struct mir_error *err)
{
    struct local_status *status = &keeper->status;
    status->started_ms = utc_ms(keeper);
    if (local_guest_start(&keeper->spec, keeper->lock_fd, &keeper->guest, err)) {
        status->started_ms = 0;
        return -1;
    }
    mir_process_of(keeper->guest.pid, &status->guest, NULL);
    local_console_begin(&keeper->console, keeper->dir_fd);
    if (!local_how_is_qemu(keeper->spec.how))
        say_running(keeper);
    return 0;
}

/* What is still in the pipes was said before the end. The guest is dead, so they are finite. */
static void drain(struct keeper *keeper)
{
    pump_or_close(keeper, &keeper->guest.out_fd, take_console, 1024);
    pump_or_close(keeper, &keeper->guest.err_fd, take_stderr, 1024);
    pump_or_close(keeper, &keeper->guest.qmp_fd, take_qmp, 1024);
    local_console_end(&keeper->console);
    if (keeper->stderr_text.len > 0)
        mir_file_write_at(keeper->dir_fd, LOCAL_STDERR_FILE, mir_buf_text(&keeper->stderr_text),
                          keeper->stderr_text.len, 0600, NULL);
}

/* The last word about the instance. */
static void conclude(struct keeper *keeper, const char *reason)
{
    keeper->status.state = MIR_INSTANCE_ENDED;
    keeper->status.ended_ms = utc_ms(keeper);
    snprintf(keeper->status.end_reason, sizeof keeper->status.end_reason, "%s", reason);
    save_or_log(keeper);
    mir_log(MIR_LOG_INFO, "keeper", "%s ended: %s", keeper->spec.name, reason);
}

static void keeper_open(struct keeper *keeper)
{
    keeper->signal_fd = keeper->listen_fd = -1;
    keeper->guest = (struct local_guest){0, -1, -1, -1, -1, -1};
    keeper->console.fd = -1;
    mir_buf_init(&keeper->stderr_text, KEEPER_STDERR_MAX);
    for (size_t i = 0; i < KEEPER_CLIENTS; i++)
        keeper->clients[i].fd = -1;
}

static void keeper_close(struct keeper *keeper)
{
    for (size_t i = 0; i < KEEPER_CLIENTS; i++)
        if (keeper->clients[i].fd >= 0)
            close(keeper->clients[i].fd);
    if (keeper->listen_fd >= 0)
        close(keeper->listen_fd);
    if (keeper->signal_fd >= 0)
        close(keeper->signal_fd);
    local_guest_clear(&keeper->guest);
    local_deadline_clear(&keeper->deadline);
    mir_buf_clear(&keeper->stderr_text);
}

static int run_guest(struct keeper *keeper, struct mir_error *err)
{
    if (prepare(keeper, err) || start_guest(keeper, err)) {
        conclude(keeper, err->text);
        tell_starter(keeper, err);
        return -1;
    }
    while (!keeper->guest_ended)
        turn(keeper);
    drain(keeper);
    struct local_end end = {keeper->cause, keeper->wait_status, keeper->qmp.shutdown,
                            keeper->console_tail, mir_buf_text(&keeper->stderr_text)};
    char reason[sizeof keeper->status.end_reason];
    /* A guest can be done before anybody saw it run. */
    bool ran = keeper->qmp.ready || keeper->status.first_output_ms != 0 ||
               keeper->status.state == MIR_INSTANCE_RUNNING;
    local_end_reason(&keeper->spec, &end, reason, sizeof reason);
    if (!ran) {
        local_start_failure(&keeper->spec, &end, err);
        keeper->status.started_ms = 0; /* whoever finds this may start it anew */
    }
    conclude(keeper, ran ? reason : err->text);
    tell_starter(keeper, ran ? NULL : err);
    return ran ? 0 : -1;
}

int keeper_run(struct keeper *keeper, struct mir_error *err)
{
    keeper_open(keeper);
    int rc = local_deadline_init(&keeper->deadline, mir_clock_system(), err);
    if (rc)
        tell_starter(keeper, err);
    else
        rc = run_guest(keeper, err);
    keeper_close(keeper);
    return rc;
}
