/* SPDX-License-Identifier: ISC */
#include "edge.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/log.h"
#include "api/memory.h"

#define POOL_BYTES ((size_t)512 << 10) /* per connection: the head, and a piece of the body */
#define CONNECTIONS_MAX 1024u
#define IDLE_S 120u
#define PAUSE_STEP_MS 50

struct fc_edge {
    struct fc_edge_config config;
    struct MHD_Daemon *mhd;
    uint16_t port;
    atomic_bool stopping;
};

/* One request on its way. */
struct call {
    struct fc_edge *edge;
    struct fc_request request;
    struct fc_reply reply;
    EVP_MD_CTX *sha256, *md5;
    bool begun; /* headers are read */
    bool failed;
    uint64_t sent;
};

/* --- waiting --- */

bool fc_edge_stopping(const struct fc_edge *edge)
{
    return atomic_load(&edge->stopping);
}

static bool peer_gone(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLRDHUP};
    return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

bool fc_edge_pause(const struct fc_edge *edge, const struct fc_request *request, int64_t ms)
{
    while (!fc_edge_stopping(edge)) {
        int64_t step_ms = ms < 0 || ms > PAUSE_STEP_MS ? PAUSE_STEP_MS : ms;
        struct timespec step = {.tv_nsec = (long)step_ms * 1000000};
        if (peer_gone(request->peer_fd))
            return false;
        if (ms == 0)
            return true;
        nanosleep(&step, NULL);
        if (ms > 0)
            ms -= step_ms;
    }
    return false;
}

/* --- one request --- */

static void *on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
    struct call *call = mir_calloc(1, sizeof *call);
    call->edge = cls;
    call->request.target = mir_strdup(target);
    call->request.body.fd = -1;
    call->reply.fd = -1;
    mir_buf_init(&call->request.body.memory, FC_BODY_MEMORY);
    mir_buf_init(&call->reply.body, (size_t)256 << 20);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    call->request.peer_fd = info ? info->connect_fd : -1;
    call->sha256 = EVP_MD_CTX_new();
    call->md5 = EVP_MD_CTX_new();
    if (!call->sha256 || !call->md5 || !EVP_DigestInit_ex(call->sha256, EVP_sha256(), NULL) ||
        !EVP_DigestInit_ex(call->md5, EVP_md5(), NULL))
        mir_memory_out();
    return call;
}

static void call_free(struct call *call)
{
    if (call->request.body.fd >= 0)
        close(call->request.body.fd);
    if (call->reply.fd >= 0)
        close(call->reply.fd);
    EVP_MD_CTX_free(call->sha256);
    EVP_MD_CTX_free(call->md5);
    mir_buf_clear(&call->request.body.memory);
    mir_buf_clear(&call->reply.body);
    fc_pairs_clear(&call->request.query);
    free(call->request.path);
    free(call->request.target);
    free(call);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **slot,
                         enum MHD_RequestTerminationCode how)
{
    if (*slot)
        call_free(*slot);
    *slot = NULL;
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    struct fc_request *request = cls;
    if (request->header_count == FC_HEADERS_MAX)
        return MHD_NO;
    request->headers[request->header_count++] =
        (struct fc_header){.name = name, .value = value ? value : ""};
    return MHD_YES;
}

static int spool(struct call *call)
{
    struct fc_body *body = &call->request.body;
    body->fd = open(call->edge->config.spool, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (body->fd < 0 || mir_write_all(body->fd, body->memory.data, body->memory.len))
        return -1;
    mir_buf_clear(&body->memory);
    return 0;
}

static int take_body(struct call *call, const char *data, size_t len)
{
    struct fc_body *body = &call->request.body;
    if (body->len + len > FC_BODY_MAX || !EVP_DigestUpdate(call->sha256, data, len) ||
        !EVP_DigestUpdate(call->md5, data, len))
        return -1;
    body->len += len;
    if (body->fd < 0 && body->len > FC_BODY_MEMORY && spool(call))
        return -1;
    if (body->fd >= 0)
        return mir_write_all(body->fd, data, len);
    return mir_buf_add(&body->memory, data, len);
}

/* --- the reply --- */

static ssize_t read_some(struct call *call, uint64_t pos, char *out, size_t max)
{
    const struct fc_reply *reply = &call->reply;
    uint64_t left = reply->len - pos;
    if (left < max)
        max = (size_t)left;
    if (reply->fd >= 0)
        return pread(reply->fd, out, max, (off_t)(reply->offset + pos));
    memcpy(out, reply->body.data + pos, max);
    return (ssize_t)max;
}

static ssize_t on_read(void *cls, uint64_t pos, char *out, size_t max)
{
    struct call *call = cls;
    const struct fc_reply *reply = &call->reply;
    if (pos >= reply->len)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (reply->delivery == FC_DELIVER_TRUNCATED) {
        if (pos >= reply->len / 2)
            return MHD_CONTENT_READER_END_WITH_ERROR;
        if (max > reply->len / 2 - pos)
            max = (size_t)(reply->len / 2 - pos);
    }
    if (reply->delivery == FC_DELIVER_DRIP) {
        if (!fc_edge_pause(call->edge, &call->request, reply->delivery_ms))
            return MHD_CONTENT_READER_END_WITH_ERROR;
        max = 1;
    }
    ssize_t got = read_some(call, pos, out, max);
    for (ssize_t i = 3; reply->garble && reply->fd >= 0 && i < got; i += 7)
        out[i] = (char)(out[i] ^ 0x15);
    return got > 0 ? got : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void add_date(struct call *call, struct MHD_Response *response)
{
    char text[FC_HTTP_DATE_SIZE];
    fc_http_date(call->edge->config.now_s(call->edge->config.ctx), text);
    MHD_add_response_header(response, "Date", text);
}

static struct MHD_Response *make_response(struct call *call)
{
    struct fc_reply *reply = &call->reply;
    if (reply->fd < 0) {
        reply->offset = 0;
        reply->len = reply->body.len;
    }
    bool plain = reply->fd < 0 && reply->delivery == FC_DELIVER;
    if (plain)
        return MHD_create_response_from_buffer(
            reply->body.len, (void *)(uintptr_t)mir_buf_text(&reply->body), MHD_RESPMEM_PERSISTENT);
    return MHD_create_response_from_callback(reply->len, POOL_BYTES / 2, on_read, call, NULL);
}

/* Closed without a word, and whatever is under way with it: the client sees a reset. */
static enum MHD_Result reset(struct call *call)
{
    struct linger linger = {.l_onoff = 1};
    setsockopt(call->request.peer_fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    return MHD_NO;
}

static enum MHD_Result send_reply(struct call *call, struct MHD_Connection *connection)
{
    struct fc_reply *reply = &call->reply;
    if (reply->delivery == FC_DELIVER_RESET)
        return reset(call);
    struct MHD_Response *response = make_response(call);
    if (!response)
        return MHD_NO;
    if (*reply->type)
        MHD_add_response_header(response, "Content-Type", reply->type);
    add_date(call, response);
    for (unsigned i = 0; i < reply->header_count; i++)
        MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
    enum MHD_Result queued = MHD_queue_response(connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result answer(struct call *call, struct MHD_Connection *connection)
{
    struct fc_body *body = &call->request.body;
    EVP_DigestFinal_ex(call->sha256, body->sha256, NULL);
    EVP_DigestFinal_ex(call->md5, body->md5, NULL);
    struct mir_error err = {0};
    if (call->failed || fc_request_parse_target(&call->request, &err)) {
        call->reply.status = 400;
        mir_buf_addf(&call->reply.body, "%s\n", call->failed ? "too much" : err.text);
    } else {
        call->edge->config.handle(call->edge->config.ctx, &call->request, &call->reply);
    }
    return send_reply(call, connection);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload_data,
                                  size_t *upload_size, void **slot)
{
    struct call *call = *slot;
    if (!call)
        return MHD_NO;
    if (!call->begun) {
        call->begun = true;
        call->request.method = method;
        MHD_get_connection_values(connection, MHD_HEADER_KIND, on_header, &call->request);
        call->failed = call->request.header_count == FC_HEADERS_MAX;
        return MHD_YES;
    }
    if (*upload_size == 0)
        return answer(call, connection);
    if (!call->failed && take_body(call, upload_data, *upload_size))
        call->failed = true;
    *upload_size = 0;
    return MHD_YES;
}

/* --- start and stop --- */

MIR_PRINTF(2, 0)
static void on_log(void *cls, const char *fmt, va_list ap)
{
    char line[512];
    if (!mir_log_enabled(MIR_LOG_DEBUG))
        return;
    vsnprintf(line, sizeof line, fmt, ap);
    line[strcspn(line, "\n")] = '\0';
    mir_log(MIR_LOG_DEBUG, "edge", "%s", line);
}

static int listen_on(const struct fc_edge_config *config, uint16_t *ret_port, struct mir_error *err)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};
    socklen_t len = sizeof address.v4;
    int on = 1;
    if (inet_pton(AF_INET, config->address, &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons(config->port);
    } else if (inet_pton(AF_INET6, config->address, &address.v6.sin6_addr) == 1) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons(config->port);
        len = sizeof address.v6;
    } else {
        return mir_fail(err, MIR_USAGE, "not an address: %.64s", config->address);
    }
    mir_auto_close int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        bind(fd, &address.any, len) || listen(fd, 256) || getsockname(fd, &address.any, &len))
        return mir_fail_errno(err, errno, "cannot listen on %s port %u", config->address,
                              (unsigned)config->port);
    *ret_port =
        ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
    return mir_steal_fd(&fd);
}

int fc_edge_start(const struct fc_edge_config *config, struct fc_edge **ret, struct mir_error *err)
{
    struct fc_edge *edge = mir_calloc(1, sizeof *edge);
    edge->config = *config;
    int fd = listen_on(config, &edge->port, err);
    if (fd < 0) {
        free(edge);
        return -1;
    }
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_log, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_target, edge},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, NULL},
        {MHD_OPTION_LISTEN_SOCKET, fd, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, POOL_BYTES, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    *ret = edge; /* a request may come before the server says that it runs, and asks for it */
    edge->mhd = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
            MHD_USE_ITC | MHD_USE_ERROR_LOG | MHD_USE_SUPPRESS_DATE_NO_CLOCK,
        0, NULL, NULL, on_request, edge, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (!edge->mhd) {
        *ret = NULL;
        close(fd);
        free(edge);
        return mir_fail(err, MIR_FAILED, "cannot start the HTTP server");
    }
    return 0;
}

uint16_t fc_edge_port(const struct fc_edge *edge)
{
    return edge->port;
}

void fc_edge_stop(struct fc_edge *edge)
{
    if (!edge)
        return;
    atomic_store(&edge->stopping, true);
    MHD_stop_daemon(edge->mhd);
    free(edge);
}
