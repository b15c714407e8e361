/* SPDX-License-Identifier: ISC */
/*
 * The HTTP layer's side towards libmicrohttpd: the only file that knows it. A call goes through
 * begin (head: route, authority, limits), take_body, go_on (handler, here or in a worker) and
 * queue (answer); it may be suspended in between, see http_wait.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/log.h"
#include "api/memory.h"
#include "http_internal.h"

#define HEAD_BYTES_MAX 8192
#define POOL_BYTES (32u << 10)          /* per connection, the library's own */
#define BLOCK_BYTES ((size_t)256 << 10) /* what a sink gets at once */
#define BYTES_PER_S (64u << 10)         /* slower than that is not a client but an attack */
/* A body that is not wanted is still taken up to here, so that simple clients read the answer. */
#define DRAIN_LOCAL_BYTES (64u << 20)
#define DRAIN_REMOTE_BYTES (64u << 10)
#define ANSWER_MS 2000 /* so long are answers still sent when the server stops */

/* --- requests --- */

static const char *lookup(const struct mird_http_request *request, char kind, const char *name)
{
    enum MHD_ValueKind from = kind == 'q' ? MHD_GET_ARGUMENT_KIND : MHD_HEADER_KIND;
    const char *value = NULL;
    if (MHD_lookup_connection_value_n(request->connection, from, name, strlen(name), &value,
                                      NULL) != MHD_YES)
        return NULL;
    return value ? value : "";
}

static struct http_call *call_new(struct mird_http_server *server,
                                  struct MHD_Connection *connection, const char *path,
                                  const char *method)
{
    struct http_call *call = mir_calloc(1, sizeof *call);
    call->server = server;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    call->conn = info->socket_context;
    struct mird_http_request *request = &call->request;
    request->method = method;
    request->path = path;
    request->connection = connection;
    request->lookup = lookup;
    if (call->conn)
        request->peer = call->conn->peer;
    mir_id_new(mir_random_system(), request->id);
    http_calls_add(server, 1);
    return call;
}

static void call_free(struct http_call *call)
{
    http_calls_add(call->server, -1);
    if (call->request.state_free)
        call->request.state_free(call->request.state);
    mir_buf_clear(&call->request.body);
    mird_http_response_clear(&call->response);
    free(call);
}

static void answer_problem(struct http_call *call, int status, const struct mir_error *err)
{
    mird_http_problem(&call->request, &call->response, status, err);
    call->answered = true;
}

static void set_deadline(struct http_call *call, unsigned seconds, uint64_t bytes)
{
    int64_t ms = seconds ? ((int64_t)seconds + (int64_t)(bytes / BYTES_PER_S)) * 1000 : 0;
    if (call->conn)
        http_conn_deadline(call->server, call->conn, ms ? http_now_ms() + ms : 0);
}

/* --- the head --- */

struct query_check {
    const char *allowed;
    const char *unknown;
};

static enum MHD_Result check_query(void *cls, enum MHD_ValueKind kind, const char *key,
                                   const char *value)
{
    struct query_check *check = cls;
    if (http_word_in(check->allowed, key))
        return MHD_YES;
    check->unknown = key;
    return MHD_NO;
}

static uint64_t body_length(const struct mird_http_request *request)
{
    const char *text = mird_http_header(request, "Content-Length");
    if (mird_http_header(request, "Transfer-Encoding"))
        return UINT64_MAX;
    return text ? strtoull(text, NULL, 10) : 0;
}

static void refuse_path(struct http_call *call, const char *allow)
{
    struct mird_http_request *request = &call->request;
    struct mir_error err;
    if (allow[0]) {
        mir_fail(&err, MIR_USAGE, "%s does not take %s", request->path, request->method);
        mir_error_hint(&err, "it takes %s", allow);
        answer_problem(call, 405, &err);
        mird_http_add_header(&call->response, "Allow", "%s", allow);
    } else if (call->server->config.not_found) {
        call->server->config.not_found(call->server->config.ctx, request, &call->response);
        call->answered = true;
    } else {
        mir_fail(&err, MIR_NOT_FOUND, "there is no %.200s here", request->path);
        answer_problem(call, 404, &err);
    }
}

/* The route is known: may it be used, and is the request of a form it takes? */
static int check_head(struct http_call *call, struct mir_error *err, int *ret_status)
{
    const struct mird_http_config *config = &call->server->config;
    struct mird_http_request *request = &call->request;
    const struct mird_http_route *route = request->route;
    if (!(route->flags & MIRD_HTTP_OPEN) && config->authorise &&
        config->authorise(config->ctx, request, err))
        return -1;
    struct query_check check = {.allowed = route->query};
    if (route->query)
        MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, check_query, &check);
    if (check.unknown) {
        mir_fail(err, MIR_USAGE, "unknown query parameter '%.64s'", check.unknown);
        if (*route->query)
            mir_error_hint(err, "%s takes: %s", route->pattern, route->query);
        return -1;
    }
    request->content_length = body_length(request);
    if (request->content_length != UINT64_MAX && request->content_length > route->body_max) {
        *ret_status = 413;
        if (route->body_max == 0)
            return mir_fail(err, MIR_USAGE, "%s %s takes no body", route->method, route->pattern);
        return mir_fail(err, MIR_USAGE,
                        "a body of %" PRIu64 " bytes; at most %" PRIu64 " are taken here",
                        request->content_length, route->body_max);
    }
    return 0;
}

static void begin(struct http_call *call)
{
    struct mird_http_server *server = call->server;
    struct mird_http_request *request = &call->request;
    struct mir_error err;
    set_deadline(call, server->config.body_limit_s, 0);
    const union MHD_ConnectionInfo *head =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (head && head->header_size > HEAD_BYTES_MAX) {
        mir_fail(&err, MIR_USAGE, "a request head of %zu bytes; at most %d are taken",
                 head->header_size, HEAD_BYTES_MAX);
        answer_problem(call, 431, &err);
        return;
    }
    char allow[HTTP_ALLOW_TEXT];
    request->route = http_route_find(server->config.routes, server->config.route_count,
                                     request->method, request->path, request, allow);
    if (!request->route) {
        refuse_path(call, allow);
        return;
    }
    int status = 0;
    if (check_head(call, &err, &status)) {
        answer_problem(call, status, &err);
        return;
    }
    mir_buf_init(&request->body,
                 request->route->sink ? 2 * BLOCK_BYTES : (size_t)request->route->body_max);
    if (request->route->begin &&
        request->route->begin(server->config.ctx, request, &call->response) == MIRD_HTTP_DONE)
        call->answered = true;
}

/* --- the answer --- */

static ssize_t read_stream(void *cls, uint64_t pos, char *buf, size_t max)
{
    struct http_call *call = cls;
    struct mird_http_server *server = call->server;
    if (atomic_load(&server->stopping))
        return MHD_CONTENT_READER_END_OF_STREAM;
    call->wake_seen = atomic_load(&server->wakes);
    ssize_t n = call->response.stream(call->response.stream_state, &call->request, buf, max);
    if (n > 0)
        return n;
    if (n < 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    call->request.round++;
    MHD_suspend_connection(call->request.connection);
    http_wait_add(call);
    return 0;
}

static void shared_done(void *shared)
{
    mird_http_shared_unref(shared);
}

static struct MHD_Response *make_body(struct http_call *call)
{
    struct mird_http_response *response = &call->response;
    if (response->stream)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, POOL_BYTES / 2, read_stream,
                                                 call, NULL);
    if (response->shared) {
        struct mird_http_shared *shared = mir_steal(&response->shared);
        return MHD_create_response_from_buffer_with_free_callback_cls(shared->len, shared->data,
                                                                      shared_done, shared);
    }
    if (response->owned)
        return MHD_create_response_from_buffer(response->len, mir_steal(&response->owned),
                                               MHD_RESPMEM_MUST_FREE);
    return MHD_create_response_from_buffer(response->len, (void *)(uintptr_t)response->fixed,
                                           MHD_RESPMEM_PERSISTENT);
}

/* The client has it already: the same head, without the body. */
static void not_modified(struct mird_http_response *response)
{
    free(mir_steal(&response->owned));
    mird_http_shared_unref(mir_steal(&response->shared));
    response->fixed = NULL;
    response->len = 0;
    response->status = 304;
}

static enum MHD_Result queue(struct http_call *call)
{
    struct mird_http_request *request = &call->request;
    struct mird_http_response *response = &call->response;
    if (response->status == 0)
        response->status = 200;
    if (response->etag[0] && response->status == 200 && !response->stream &&
        mird_http_etag_named(mird_http_header(request, "If-None-Match"), response->etag))
        not_modified(response);
    set_deadline(call, response->stream ? 0 : call->server->config.body_limit_s, response->len);
    struct MHD_Response *mhd = make_body(call);
    if (!mhd)
        return MHD_NO;
    if (response->type && response->status != 304)
        MHD_add_response_header(mhd, "Content-Type", response->type);
    MHD_add_response_header(mhd, "X-Request-Id", request->id);
    if (call->server->config.role)
        MHD_add_response_header(mhd, "Mirage-Role", call->server->config.role);
    for (unsigned i = 0; i < response->header_count; i++)
        MHD_add_response_header(mhd, response->headers[i].name, response->headers[i].value);
    if (response->etag[0]) {
        char quoted[sizeof response->etag + 2];
        snprintf(quoted, sizeof quoted, "\"%s\"", response->etag);
        MHD_add_response_header(mhd, "ETag", quoted);
    }
    enum MHD_Result queued =
        MHD_queue_response(request->connection, (unsigned)response->status, mhd);
    MHD_destroy_response(mhd);
    call->phase = HTTP_QUEUED;
    mir_log(MIR_LOG_DEBUG, call->server->config.name, "%s %s %d %s", request->method, request->path,
            response->status, request->id);
    return queued;
}

/* --- body and handler --- */

static void too_much(struct http_call *call)
{
    struct mir_error err;
    mir_fail(&err, MIR_USAGE, "the body is larger than the %" PRIu64 " bytes taken here",
             call->request.route->body_max);
    answer_problem(call, 413, &err);
}

static uint64_t drain_max(const struct http_call *call)
{
    return call->request.peer.local ? DRAIN_LOCAL_BYTES : DRAIN_REMOTE_BYTES;
}

static void work(struct http_call *call, enum http_phase phase)
{
    call->phase = phase;
    MHD_suspend_connection(call->request.connection);
    http_work_add(call);
}

static enum MHD_Result take_body(struct http_call *call, const char *data, size_t *len)
{
    struct mird_http_request *request = &call->request;
    call->received += *len;
    if (!call->answered && call->received > request->route->body_max)
        too_much(call);
    if (call->answered) {
        call->drained += *len;
        *len = 0;
        return call->drained <= drain_max(call) ? MHD_YES : MHD_NO;
    }
    mir_buf_add(&request->body, data, *len);
    *len = 0;
    if (request->body.full)
        too_much(call);
    if (request->route->sink && request->body.len >= BLOCK_BYTES) {
        set_deadline(call, 0, 0);
        work(call, HTTP_SINK_ONLY);
    }
    return MHD_YES;
}

/* One call of the handler; false: it waits for something. */
static bool call_handler(struct http_call *call)
{
    struct mird_http_server *server = call->server;
    struct mird_http_request *request = &call->request;
    call->wake_seen = atomic_load(&server->wakes);
    call->wait_any = true;
    request->stopping = atomic_load(&server->stopping);
    enum mird_http_result result =
        request->route->handle(server->config.ctx, request, &call->response);
    request->round++;
    if (result == MIRD_HTTP_LATER && request->stopping) {
        struct mir_error err;
        mir_fail(&err, MIR_UNAVAILABLE, "the daemon is being stopped");
        answer_problem(call, 0, &err);
    }
    if (result == MIRD_HTTP_DONE)
        call->answered = true;
    return call->answered;
}

void http_call_work(struct http_call *call)
{
    struct mird_http_server *server = call->server;
    struct mird_http_request *request = &call->request;
    struct mir_error err = {0};
    if (request->route->sink && request->body.len && !call->answered) {
        if (request->route->sink(server->config.ctx, request, request->body.data, request->body.len,
                                 &err))
            answer_problem(call, 0, &err);
        mir_buf_reset(&request->body);
    }
    if (call->phase == HTTP_SINK_ONLY) {
        set_deadline(call, server->config.body_limit_s, 0);
    } else if (!call->answered && !call_handler(call)) {
        http_wait_add(call);
        return;
    }
    http_call_resume(call);
}

void http_call_resume(struct http_call *call)
{
    MHD_resume_connection(call->request.connection);
}

/* The body is complete, or a suspended call is back. */
static enum MHD_Result go_on(struct http_call *call)
{
    if (call->answered)
        return queue(call);
    set_deadline(call, 0, 0);
    bool worker = call->request.route->flags & MIRD_HTTP_WORKER;
    if (worker || (call->request.route->sink && call->request.body.len)) {
        work(call, HTTP_HANDLE);
        return MHD_YES;
    }
    call->phase = HTTP_HANDLE;
    if (call_handler(call))
        return queue(call);
    MHD_suspend_connection(call->request.connection);
    http_wait_add(call);
    return MHD_YES;
}

static bool is_suspended(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_SUSPENDED);
    return info && info->suspended == MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload_data,
                                  size_t *upload_size, void **slot)
{
    struct http_call *call = *slot;
    if (!call) {
        *slot = call = call_new(cls, connection, url, method);
        begin(call);
        /* Of chunks nobody knows how many come: they are taken, as far as any body is. */
        bool asks = mird_http_header(&call->request, "Expect") != NULL;
        uint64_t length = body_length(&call->request);
        if (call->answered && (asks || (length != UINT64_MAX && length > drain_max(call))))
            return queue(call); /* the body stays unread, the connection ends after the answer */
        return MHD_YES;
    }
    /* With several chunks in its buffer the library goes on calling, although suspended: what is
     * left untouched comes again after the resume. */
    if (is_suspended(connection))
        return MHD_YES;
    if (*upload_size > 0)
        return take_body(call, upload_data, upload_size);
    return go_on(call);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **slot,
                         enum MHD_RequestTerminationCode how)
{
    struct http_call *call = *slot;
    *slot = NULL;
    if (!call)
        return;
    set_deadline(call, call->server->config.idle_limit_s + call->server->config.head_limit_s, 0);
    call_free(call);
}

/* --- connections --- */

static void read_peer(struct MHD_Connection *connection, struct http_conn *conn)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    struct ucred cred;
    socklen_t len = sizeof cred;
    if (address && address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)address;
        inet_ntop(AF_INET, &in->sin_addr, conn->peer.address, sizeof conn->peer.address);
    } else if (address && address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)address;
        inet_ntop(AF_INET6, &in6->sin6_addr, conn->peer.address, sizeof conn->peer.address);
    } else if (!getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len)) {
        conn->peer.local = true;
        conn->peer.uid = cred.uid;
        conn->peer.gid = cred.gid;
        conn->peer.pid = cred.pid;
    }
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **slot,
                          enum MHD_ConnectionNotificationCode what)
{
    struct mird_http_server *server = cls;
    struct http_conn *conn = *slot;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *slot = conn = mir_calloc(1, sizeof *conn);
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        conn->fd = info ? info->connect_fd : -1;
        read_peer(connection, conn);
        http_conn_add(server, conn);
        http_conn_deadline(server, conn, http_now_ms() + server->config.head_limit_s * 1000);
    } else if (conn) {
        *slot = NULL;
        http_conn_remove(server, conn);
        free(conn);
    }
}

static size_t on_unescape(void *cls, struct MHD_Connection *connection, char *text)
{
    return http_unescape(text);
}

MIR_PRINTF(2, 0)
static void on_log(void *cls, const char *fmt, va_list ap)
{
    const struct mird_http_server *server = cls;
    char line[512];
    if (!mir_log_enabled(MIR_LOG_DEBUG))
        return;
    vsnprintf(line, sizeof line, fmt, ap);
    line[strcspn(line, "\n")] = '\0';
    mir_log(MIR_LOG_DEBUG, server->config.name, "%s", line);
}

/* --- start and stop --- */

static void set_defaults(struct mird_http_config *config)
{
    const struct {
        unsigned *field;
        unsigned value;
    } defaults[] = {
        {&config->connections_max, 256}, {&config->head_limit_s, 10}, {&config->body_limit_s, 30},
        {&config->idle_limit_s, 60},     {&config->workers_max, 4},
    };
    for (size_t i = 0; i < MIR_NELEMS(defaults); i++)
        if (*defaults[i].field == 0)
            *defaults[i].field = defaults[i].value;
    if (!config->name)
        config->name = "http";
    config->connections_max = http_room(config->name, config->connections_max);
}

static void server_free(struct mird_http_server *server)
{
    http_timer_stop(server);
    free(server->workers);
    free(server->socket_path);
    free(server);
}

int mird_http_start_fd(const struct mird_http_config *config, int listen_fd,
                       struct mird_http_server **ret, struct mir_error *err)
{
    mir_auto_close int fd = listen_fd;
    struct mird_http_server *server = mir_calloc(1, sizeof *server);
    server->config = *config;
    set_defaults(&server->config);
    if (http_wait_start(server, err)) {
        server_free(server);
        return -1;
    }
    const struct mird_http_config *c = &server->config;
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_log, server},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)on_unescape, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, server},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, server},
        {MHD_OPTION_LISTEN_SOCKET, fd, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)c->connections_max, NULL},
        {MHD_OPTION_PER_IP_CONNECTION_LIMIT, (intptr_t)c->connections_per_ip_max, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)c->idle_limit_s, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, POOL_BYTES, NULL},
        {MHD_OPTION_THREAD_STACK_SIZE, HTTP_STACK_BYTES, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    server->mhd = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG,
        0, NULL, NULL, on_request, server, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (!server->mhd) {
        server_free(server);
        return mir_fail(err, MIR_FAILED, "cannot start the %s server", config->name);
    }
    mir_steal_fd(&fd);
    *ret = server;
    return 0;
}

/* A bound, listening unix socket; *ret_fd owned. */
static int listen_unix(const char *path, mode_t mode, int *ret_fd, struct mir_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (mir_copy(address.sun_path, sizeof address.sun_path, path)) {
        mir_fail(err, MIR_USAGE, "the socket path is longer than %zu bytes: %.200s",
                 sizeof address.sun_path - 1, path);
        return mir_error_hint(err, "set MIRAGE_DEPLOY_SOCKET to a shorter path");
    }
    mir_auto_free char *dir = mir_strdup(path);
    char *slash = strrchr(dir, '/');
    if (slash && slash != dir) {
        *slash = '\0';
        if (mir_dir_make(dir, 0700, err))
            return -1;
    }
    mir_auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return mir_fail_errno(err, errno, "cannot make a socket");
    if (unlink(path) && errno != ENOENT)
        return mir_fail_errno(err, errno, "cannot replace the socket %s", path);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address))
        return mir_fail_errno(err, errno, "cannot bind the socket %s", path);
    if (chmod(path, mode) || listen(fd, 128))
        return mir_fail_errno(err, errno, "cannot listen on %s", path);
    *ret_fd = mir_steal_fd(&fd);
    return 0;
}

int mird_http_start_unix(const struct mird_http_config *config, const char *path, mode_t mode,
                         struct mird_http_server **ret, struct mir_error *err)
{
    int fd = -1;
    if (listen_unix(path, mode, &fd, err) || mird_http_start_fd(config, fd, ret, err))
        return -1;
    struct stat st;
    (*ret)->socket_path = mir_strdup(path);
    (*ret)->socket_inode = lstat(path, &st) ? 0 : st.st_ino;
    return 0;
}

/* Another daemon may have put its own in that place. */
static void remove_socket(const struct mird_http_server *server)
{
    struct stat st;
    if (server->socket_path && !lstat(server->socket_path, &st) &&
        st.st_ino == server->socket_inode)
        unlink(server->socket_path);
}

void mird_http_stop(struct mird_http_server *server)
{
    if (!server)
        return;
    MHD_socket listen_fd = MHD_quiesce_daemon(server->mhd);
    remove_socket(server);
    if (listen_fd != MHD_INVALID_SOCKET)
        close(listen_fd);
    atomic_store(&server->stopping, true);
    http_wait_all(server);
    http_workers_stop(server);
    http_wait_all(server);
    http_calls_end(server, ANSWER_MS); /* the library would cut off what it has not sent */
    MHD_stop_daemon(server->mhd);
    server_free(server);
}

unsigned mird_http_connections(const struct mird_http_server *server)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->mhd, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info ? info->num_connections : 0;
}
