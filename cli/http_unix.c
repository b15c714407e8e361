/* SPDX-License-Identifier: ISC */
#include "http_unix.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/memory.h"

/* Why nobody answered, told apart: each has a fix of its own. */
static int connect_failed(const char *path, int sys_errno, struct mir_error *err)
{
    static const char start[] = "start it: mirage-deploy daemon start";
    if (sys_errno == ENOENT || sys_errno == ENOTDIR) {
        mir_fail(err, MIR_UNAVAILABLE, "the daemon is not running (no socket at %s)", path);
        mir_error_hint(err, "%s", start);
    } else if (sys_errno == ECONNREFUSED) {
        mir_fail(err, MIR_UNAVAILABLE, "the daemon is not running (nobody listens at %s)", path);
        mir_error_hint(err, "%s", start);
    } else if (sys_errno == EACCES || sys_errno == EPERM) {
        struct stat st;
        mir_fail_errno(err, sys_errno, "may not talk to the daemon at %s", path);
        if (!stat(path, &st))
            mir_error_hint(err,
                           "the socket belongs to user %u (mode %03o) and you are user %u: run "
                           "this as that user, or name a socket of your own with --socket",
                           (unsigned)st.st_uid, (unsigned)st.st_mode & 0777, (unsigned)getuid());
        else
            mir_error_hint(err, "its directory is closed to you: run this as the daemon's user, or "
                                "name a directory of your own with --state");
    } else {
        mir_fail_errno(err, sys_errno, "cannot reach the daemon at %s", path);
        err->kind = MIR_UNAVAILABLE;
        mir_error_hint(err, "look: mirage-deploy doctor");
    }
    err->sys_errno = sys_errno;
    return -1;
}

int cmd_http_connect(const char *socket_path, struct mir_error *err)
{
    struct mir_error local;
    struct mir_error *e = err ? err : &local;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (mir_copy(address.sun_path, sizeof address.sun_path, socket_path)) {
        mir_fail(e, MIR_USAGE, "the socket's path is longer than %zu bytes: %s",
                 sizeof address.sun_path - 1, socket_path);
        return mir_error_hint(e, "name a shorter one with --socket or MIRAGE_DEPLOY_SOCKET");
    }
    mir_auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return mir_fail_errno(e, errno, "cannot make a socket");
    int rc;
    do
        rc = connect(fd, (const struct sockaddr *)&address, sizeof address);
    while (rc && errno == EINTR);
    if (rc)
        return connect_failed(socket_path, errno, e);
    return mir_steal_fd(&fd);
}

/* Waits for the socket; 0 ready, -1 MIR_TIMEOUT. */
static int wait_for(int fd, short events, int timeout_ms, struct mir_error *err)
{
    const struct mir_clock *clock = mir_clock_system();
    int64_t until = clock->boot_ms(clock->ctx) + timeout_ms;
    for (;;) {
        int64_t left = until - clock->boot_ms(clock->ctx);
        struct pollfd p = {.fd = fd, .events = events};
        int rc = poll(&p, 1, left > 0 ? (int)left : 0);
        if (rc > 0)
            return 0;
        if (rc < 0 && errno != EINTR)
            return mir_fail_errno(err, errno, "cannot wait for the daemon");
        if (left <= 0)
            break;
    }
    mir_fail(err, MIR_TIMEOUT, "the daemon did not answer within %d s", timeout_ms / 1000);
    if (err)
        err->outcome = MIR_OUTCOME_UNKNOWN;
    return mir_error_hint(err, "look: mirage-deploy daemon status");
}

/* 0 sent; 1 the daemon has closed its end (it may have answered already); -1 err. */
static int send_all(int fd, const char *data, size_t len, int timeout_ms, struct mir_error *err)
{
    while (len > 0) {
        if (wait_for(fd, POLLOUT, timeout_ms, err))
            return -1;
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            return 1;
        if (n < 0)
            return mir_fail_errno(err, errno, "cannot send to the daemon");
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static int send_file(int fd, const struct cmd_http_request *request, int timeout_ms,
                     struct mir_error *err)
{
    char piece[65536];
    int64_t at = 0;
    while (at < request->body_bytes) {
        size_t want = sizeof piece;
        if (request->body_bytes - at < (int64_t)want)
            want = (size_t)(request->body_bytes - at);
        ssize_t n = pread(request->body_fd, piece, want, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return mir_fail_errno(err, errno, "cannot read the file that is sent");
        if (n == 0)
            return mir_fail(err, MIR_CONFLICT, "the file became shorter while it was sent");
        int rc = send_all(fd, piece, (size_t)n, timeout_ms, err);
        if (rc)
            return rc;
        at += n;
        if (request->sent)
            request->sent(request->sent_ctx, at);
    }
    return 0;
}

static void add_head(struct mir_buf *head, const struct cmd_http_request *request)
{
    mir_buf_addf(head, "%s %s HTTP/1.1\r\nHost: mirage-deploy\r\nConnection: close\r\n",
                 request->method, request->target);
    for (size_t i = 0; i < CMD_HTTP_FIELDS_MAX && request->fields[i]; i++)
        mir_buf_addf(head, "%s\r\n", request->fields[i]);
    if (request->body)
        mir_buf_addf(head, "Content-Length: %zu\r\n", request->body_len);
    else if (request->from_file)
        mir_buf_addf(head, "Content-Length: %lld\r\n", (long long)request->body_bytes);
    else if (strcmp(request->method, "GET") && strcmp(request->method, "DELETE"))
        mir_buf_adds(head, "Content-Length: 0\r\n");
    mir_buf_adds(head, "\r\n");
}

int cmd_http_send(int fd, const struct cmd_http_request *request, struct mir_error *err)
{
    int timeout_ms = request->timeout_ms ? request->timeout_ms : CMD_HTTP_TIMEOUT_MS;
    mir_auto_buf struct mir_buf head;
    mir_buf_init(&head, CMD_HTTP_HEAD_MAX);
    add_head(&head, request);
    if (head.full || strpbrk(request->target, " \r\n\t") || request->target[0] != '/') {
        mir_fail(err, MIR_USAGE, "'%.80s' is not a path", request->target);
        return mir_error_hint(err, "a path begins with / and has no spaces: /v1/deployments");
    }
    int rc = send_all(fd, mir_buf_text(&head), head.len, timeout_ms, err);
    if (!rc && request->body)
        rc = send_all(fd, request->body, request->body_len, timeout_ms, err);
    else if (!rc && request->from_file)
        rc = send_file(fd, request, timeout_ms, err);
    return rc < 0 ? -1 : 0;
}

struct receiver {
    const struct cmd_http_request *request;
    struct cmd_http_answer *answer;
    struct cmd_http_parser parser;
};

static int on_body(void *ctx, const char *data, size_t len, struct mir_error *err)
{
    struct receiver *receiver = ctx;
    if (receiver->request->on_body && receiver->parser.status < 300)
        return receiver->request->on_body(receiver->request->on_body_ctx, data, len, err);
    if (mir_buf_add(&receiver->answer->body, data, len))
        return mir_fail(err, MIR_CORRUPT, "the daemon's answer is longer than %u bytes",
                        CMD_HTTP_ANSWER_MAX);
    return 0;
}

static int receive(int fd, struct receiver *receiver, int timeout_ms, struct mir_error *err)
{
    char piece[16384];
    for (;;) {
        if (wait_for(fd, POLLIN, timeout_ms, err))
            return -1;
        ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != ECONNRESET)
            return mir_fail_errno(err, errno, "cannot read the daemon's answer");
        if (n <= 0)
            return cmd_http_finish(&receiver->parser, err);
        int rc = cmd_http_feed(&receiver->parser, piece, (size_t)n, err);
        if (rc)
            return rc < 0 ? -1 : 0;
    }
}

int cmd_http_call(const char *socket_path, const struct cmd_http_request *request,
                  struct cmd_http_answer *ret_answer, struct mir_error *err)
{
    memset(ret_answer, 0, sizeof *ret_answer);
    mir_buf_init(&ret_answer->body, CMD_HTTP_ANSWER_MAX);
    mir_auto_close int fd = cmd_http_connect(socket_path, err);
    if (fd < 0 || cmd_http_send(fd, request, err))
        return -1;
    struct receiver receiver = {.request = request, .answer = ret_answer};
    cmd_http_parser_init(&receiver.parser, on_body, &receiver);
    int timeout_ms = request->timeout_ms ? request->timeout_ms : CMD_HTTP_TIMEOUT_MS;
    if (receive(fd, &receiver, timeout_ms, err))
        return -1;
    ret_answer->status = receiver.parser.status;
    mir_copy(ret_answer->content_type, sizeof ret_answer->content_type,
             receiver.parser.content_type);
    mir_copy(ret_answer->location, sizeof ret_answer->location, receiver.parser.location);
    mir_copy(ret_answer->etag, sizeof ret_answer->etag, receiver.parser.etag);
    return 0;
}

void cmd_http_answer_clear(struct cmd_http_answer *answer)
{
    mir_buf_clear(&answer->body);
}
