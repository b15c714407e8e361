/* SPDX-License-Identifier: ISC */
#include "api/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "api/log.h"
#include "api/memory.h"
#include "library.h"

#define LONG_BODY ((size_t)1 << 20)

/* One exchange under way: everything libcurl points at. */
struct exchange {
    CURL *curl;
    struct curl_slist *headers;
    struct mir_http_response response;
    mir_http_allow_fn *allow;
    void *allow_ctx;
    bool reads_only; /* GET, HEAD, OPTIONS: nothing can have happened */
    bool refused;    /* the filter said no at least once */
    bool too_large;
    bool may_cut, was_cut; /* see request.cut */
    struct mir_http_stream stream;
    int64_t streamed; /* bytes read of it */
    bool stream_failed;
    struct mir_error stream_err;
    char curl_text[CURL_ERROR_SIZE];
    char origin[300];
    /* for the pool */
    uint64_t id;
    mir_http_done_fn *done;
    void *ctx;
    struct exchange *next;
};

/* --- libcurl --- */

/* Its macros check the types of what they are given, and then name the function itself. */
#undef curl_easy_getinfo
#undef curl_easy_setopt
#define FUNCTIONS(X)                                                                               \
    X(curl_easy_cleanup)                                                                           \
    X(curl_easy_getinfo)                                                                           \
    X(curl_easy_init)                                                                              \
    X(curl_easy_perform)                                                                           \
    X(curl_easy_reset)                                                                             \
    X(curl_easy_setopt)                                                                            \
    X(curl_easy_strerror)                                                                          \
    X(curl_global_init)                                                                            \
    X(curl_multi_add_handle)                                                                       \
    X(curl_multi_cleanup)                                                                          \
    X(curl_multi_info_read)                                                                        \
    X(curl_multi_init)                                                                             \
    X(curl_multi_perform)                                                                          \
    X(curl_multi_poll)                                                                             \
    X(curl_multi_remove_handle)                                                                    \
    X(curl_multi_strerror)                                                                         \
    X(curl_slist_append)                                                                           \
    X(curl_slist_free_all)

static struct {
    FUNCTIONS(MIR_LIBRARY_MEMBER)
} loaded;

static const struct mir_library_symbol symbols[] = {FUNCTIONS(MIR_LIBRARY_SYMBOL)};

static int begin_curl(void)
{
    return loaded.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK;
}

static struct mir_library libcurl = {.file = "libcurl.so.4",
                                     .package = "libcurl4",
                                     .symbols = symbols,
                                     .count = MIR_NELEMS(symbols),
                                     .begin = begin_curl,
                                     .lock = PTHREAD_MUTEX_INITIALIZER};

void mir_http_response_clear(struct mir_http_response *response)
{
    mir_buf_clear(&response->headers);
    mir_buf_clear(&response->body);
}

/* --- what libcurl calls --- */

static size_t take_body(char *data, size_t size, size_t count, void *ctx)
{
    struct exchange *x = ctx;
    size_t len = size * count, room = x->response.body.max - x->response.body.len;
    if (x->may_cut && len > room) {
        mir_buf_add(&x->response.body, data, room);
        x->was_cut = true;
        return 0;
    }
    if (mir_buf_add(&x->response.body, data, len)) {
        x->too_large = true;
        return 0;
    }
    return len;
}

static size_t take_header(char *data, size_t size, size_t count, void *ctx)
{
    struct exchange *x = ctx;
    size_t len = size * count;
    if (len > 5 && !memcmp(data, "HTTP/", 5)) { /* a new answer begins: redirect, or after 100 */
        mir_buf_reset(&x->response.headers);
        return len;
    }
    if (mir_buf_add(&x->response.headers, data, len)) {
        x->too_large = true;
        return 0;
    }
    return len;
}

/* A body that ends before its length is as bad as one that cannot be read. */
static size_t give_body(char *out, size_t size, size_t count, void *ctx)
{
    struct exchange *x = ctx;
    size_t len = 0, room = size * count;
    int64_t length = x->stream.length, left = length - x->streamed;
    if (length >= 0 && left == 0)
        return 0;
    if (length >= 0 && left < (int64_t)room)
        room = (size_t)left;
    if (x->stream.read(x->stream.ctx, out, room, &len, &x->stream_err)) {
        x->stream_failed = true;
        return CURL_READFUNC_ABORT;
    }
    if (len == 0 && length >= 0) {
        mir_fail(&x->stream_err, MIR_CORRUPT, "the body ends after %lld of %lld bytes",
                 (long long)x->streamed, (long long)length);
        x->stream_failed = true;
        return CURL_READFUNC_ABORT;
    }
    x->streamed += (int64_t)len;
    return len;
}

static curl_socket_t open_filtered(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct exchange *x = ctx;
    if (!x->allow(x->allow_ctx, &address->addr)) {
        x->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* --- setting up --- */

/* Is the connection for this exchange and no other? */
static bool alone(const struct mir_http_request *request)
{
    return request->fresh || request->stream.read;
}

static bool method_reads(const char *method)
{
    return !strcmp(method, "GET") || !strcmp(method, "HEAD") || !strcmp(method, "OPTIONS");
}

static void set_stream(struct exchange *x, const struct mir_http_request *request,
                       const char *method)
{
    x->stream = request->stream;
    loaded.curl_easy_setopt(x->curl, CURLOPT_UPLOAD, 1L);
    loaded.curl_easy_setopt(x->curl, CURLOPT_READFUNCTION, give_body);
    loaded.curl_easy_setopt(x->curl, CURLOPT_READDATA, x);
    loaded.curl_easy_setopt(x->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->stream.length);
    loaded.curl_easy_setopt(x->curl, CURLOPT_UPLOAD_BUFFERSIZE, 131072L);
    loaded.curl_easy_setopt(x->curl, CURLOPT_CUSTOMREQUEST, method);
}

static void set_method(struct exchange *x, const struct mir_http_request *request,
                       const char *method)
{
    if (request->stream.read)
        set_stream(x, request, method);
    else if (!strcmp(method, "HEAD"))
        loaded.curl_easy_setopt(x->curl, CURLOPT_NOBODY, 1L);
    else if (request->body) {
        loaded.curl_easy_setopt(x->curl, CURLOPT_POST, 1L);
        loaded.curl_easy_setopt(x->curl, CURLOPT_POSTFIELDS, request->body);
        loaded.curl_easy_setopt(x->curl, CURLOPT_POSTFIELDSIZE_LARGE,
                                (curl_off_t)request->body_len);
        loaded.curl_easy_setopt(x->curl, CURLOPT_CUSTOMREQUEST, method);
    } else if (strcmp(method, "GET") != 0)
        loaded.curl_easy_setopt(x->curl, CURLOPT_CUSTOMREQUEST, method);
}

static int add_header_line(struct exchange *x, const char *line)
{
    struct curl_slist *more = loaded.curl_slist_append(x->headers, line);
    if (!more)
        return -1;
    x->headers = more;
    return 0;
}

static bool names_type(const struct mir_http_request *request)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (!strcasecmp(request->headers[i].name, "Content-Type"))
            return true;
    return false;
}

static int set_headers(struct exchange *x, const struct mir_http_request *request,
                       struct mir_error *err)
{
    int bad = add_header_line(x, "Expect:"); /* never wait for a 100 */
    if (!names_type(request))
        bad |= add_header_line(x, "Content-Type:"); /* or libcurl says that a body is a form */
    if (alone(request))
        bad |= add_header_line(x, "Connection: close");
    for (size_t i = 0; i < request->header_count; i++) {
        const struct mir_http_header *h = &request->headers[i];
        if (strpbrk(h->name, "\r\n: ") || strpbrk(h->value, "\r\n"))
            return mir_fail(err, MIR_USAGE, "header '%.64s' with a line end in it", h->name);
        /* libcurl leaves out "Name:"; with a semicolon it sends an empty one. */
        mir_auto_free char *line =
            *h->value ? mir_format("%s: %s", h->name, h->value) : mir_format("%s;", h->name);
        bad |= add_header_line(x, line);
    }
    if (bad)
        return mir_fail(err, MIR_INTERNAL, "out of memory");
    loaded.curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, x->headers);
    return 0;
}

static void set_limits(struct exchange *x, const struct mir_http_request *request)
{
    CURL *c = x->curl;
    long connect_ms = request->connect_timeout_ms ? request->connect_timeout_ms : 10000;
    long total_ms = request->timeout_ms ? request->timeout_ms : 30000;
    loaded.curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    loaded.curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, total_ms);
    loaded.curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    loaded.curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    loaded.curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    loaded.curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, request->redirects_max > 0 ? 1L : 0L);
    loaded.curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)request->redirects_max);
    loaded.curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    /* Own callbacks bound the bytes; no transfer is decoded behind their back. */
    loaded.curl_easy_setopt(c, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    /* What may be long comes in fewer pieces; what is short does not need the room. */
    loaded.curl_easy_setopt(c, CURLOPT_BUFFERSIZE,
                            request->response_max > LONG_BODY ? 131072L : 16384L);
    if (request->ipv4_only)
        loaded.curl_easy_setopt(c, CURLOPT_IPRESOLVE, (long)CURL_IPRESOLVE_V4);
    if (alone(request)) {
        loaded.curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
        loaded.curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
        loaded.curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    }
    if (request->allow) {
        loaded.curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_filtered);
        loaded.curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, x);
        loaded.curl_easy_setopt(c, CURLOPT_PROXY, "");
        loaded.curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    }
}

static void set_tls(CURL *c, const struct mir_http_request *request)
{
    if (request->ca_file)
        loaded.curl_easy_setopt(c, CURLOPT_CAINFO, request->ca_file);
    if (request->cert_file)
        loaded.curl_easy_setopt(c, CURLOPT_SSLCERT, request->cert_file);
    if (request->key_file)
        loaded.curl_easy_setopt(c, CURLOPT_SSLKEY, request->key_file);
    if (request->insecure) {
        loaded.curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
        loaded.curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

static void set_outputs(struct exchange *x, const struct mir_http_request *request)
{
    size_t max = request->response_max ? request->response_max : MIR_HTTP_BODY_DEFAULT;
    mir_buf_init(&x->response.headers, MIR_HTTP_HEADER_BYTES_MAX);
    mir_buf_init(&x->response.body, max);
    x->may_cut = request->cut;
    loaded.curl_easy_setopt(x->curl, CURLOPT_ERRORBUFFER, x->curl_text);
    loaded.curl_easy_setopt(x->curl, CURLOPT_WRITEFUNCTION, take_body);
    loaded.curl_easy_setopt(x->curl, CURLOPT_WRITEDATA, x);
    loaded.curl_easy_setopt(x->curl, CURLOPT_HEADERFUNCTION, take_header);
    loaded.curl_easy_setopt(x->curl, CURLOPT_HEADERDATA, x);
    loaded.curl_easy_setopt(x->curl, CURLOPT_PRIVATE, x);
}

static void exchange_free(struct exchange *x)
{
    if (!x)
        return;
    loaded.curl_easy_cleanup(x->curl);
    loaded.curl_slist_free_all(x->headers);
    mir_http_response_clear(&x->response);
    free(x);
}

/* Takes `curl`, a handle as new; NULL: makes one. */
static struct exchange *exchange_on(CURL *curl, const struct mir_http_request *request,
                                    struct mir_error *err)
{
    if (mir_library_need(&libcurl, err))
        return NULL;
    struct exchange *x = mir_calloc(1, sizeof *x);
    x->curl = curl ? curl : loaded.curl_easy_init();
    struct mir_url url;
    if (mir_url_parse(request->url, &url, err)) {
        exchange_free(x);
        return NULL;
    }
    if (!x->curl) {
        mir_fail(err, MIR_INTERNAL, "libcurl gave no handle");
        exchange_free(x);
        return NULL;
    }
    bool body = request->body || request->stream.read;
    const char *method = request->method ? request->method : body ? "POST" : "GET";
    x->reads_only = method_reads(method);
    x->allow = request->allow;
    x->allow_ctx = request->allow_ctx;
    mir_copy(x->origin, sizeof x->origin, url.origin);
    loaded.curl_easy_setopt(x->curl, CURLOPT_URL, request->url);
    loaded.curl_easy_setopt(x->curl, CURLOPT_USERAGENT,
                            request->user_agent ? request->user_agent
                                                : "mirage-deploy/" MIR_VERSION);
    set_method(x, request, method);
    set_limits(x, request);
    set_outputs(x, request);
    set_tls(x->curl, request);
    loaded.curl_easy_setopt(x->curl, CURLOPT_PATH_AS_IS, request->path_as_is ? 1L : 0L);
    if (set_headers(x, request, err)) {
        exchange_free(x);
        return NULL;
    }
    return x;
}

static struct exchange *exchange_new(const struct mir_http_request *request, struct mir_error *err)
{
    return exchange_on(NULL, request, err);
}

/* --- what came of it --- */

struct outcome_row {
    CURLcode code;
    enum mir_kind kind;
    enum mir_retry retry;
    bool never_sent;
};

/* Codes that are not here: MIR_UNAVAILABLE, transient, sent or not as the times say. */
static const struct outcome_row outcomes[] = {
    {CURLE_URL_MALFORMAT, MIR_USAGE, MIR_RETRY_NEVER, true},
    {CURLE_COULDNT_RESOLVE_HOST, MIR_UNAVAILABLE, MIR_RETRY_TRANSIENT, true},
    {CURLE_COULDNT_RESOLVE_PROXY, MIR_UNAVAILABLE, MIR_RETRY_TRANSIENT, true},
    {CURLE_COULDNT_CONNECT, MIR_UNAVAILABLE, MIR_RETRY_TRANSIENT, true},
    {CURLE_SSL_CONNECT_ERROR, MIR_UNAVAILABLE, MIR_RETRY_TRANSIENT, true},
    {CURLE_PEER_FAILED_VERIFICATION, MIR_UNAVAILABLE, MIR_RETRY_NEVER, true},
    {CURLE_OPERATION_TIMEDOUT, MIR_TIMEOUT, MIR_RETRY_TRANSIENT, false},
    {CURLE_TOO_MANY_REDIRECTS, MIR_CORRUPT, MIR_RETRY_NEVER, false},
    {CURLE_WEIRD_SERVER_REPLY, MIR_CORRUPT, MIR_RETRY_TRANSIENT, false},
    {CURLE_UNSUPPORTED_PROTOCOL, MIR_CORRUPT, MIR_RETRY_NEVER, false},
    {CURLE_PARTIAL_FILE, MIR_UNAVAILABLE, MIR_RETRY_TRANSIENT, false},
};

static int64_t info_us(CURL *curl, CURLINFO what)
{
    curl_off_t us = 0;
    loaded.curl_easy_getinfo(curl, what, &us);
    return us;
}

/* Whoever asked could not give what was to be sent. The server may make something of the part that
 * it has. */
static int stream_ended(struct exchange *x, struct mir_error *err)
{
    if (err) {
        *err = x->stream_err;
        err->outcome = MIR_OUTCOME_UNKNOWN;
        err->retry = MIR_RETRY_NEVER;
    }
    return -1;
}

static int classify(struct exchange *x, CURLcode code, struct mir_error *err)
{
    if (x->stream_failed)
        return stream_ended(x, err);
    struct outcome_row row = {code, MIR_UNAVAILABLE, MIR_RETRY_TRANSIENT, false};
    for (size_t i = 0; i < MIR_NELEMS(outcomes); i++)
        if (outcomes[i].code == code) {
            row = outcomes[i];
            break;
        }
    const char *why = x->curl_text[0] ? x->curl_text : loaded.curl_easy_strerror(code);
    if (x->too_large) {
        row = (struct outcome_row){code, MIR_CORRUPT, MIR_RETRY_NEVER, false};
        why = "the answer is larger than it may be";
    } else if (x->refused && row.never_sent) {
        row = (struct outcome_row){code, MIR_POLICY, MIR_RETRY_NEVER, true};
        why = "its address is not one that may be asked";
    }
    bool sent = !row.never_sent && info_us(x->curl, CURLINFO_PRETRANSFER_TIME_T) > 0;
    long status = 0, os_errno = 0;
    loaded.curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
    loaded.curl_easy_getinfo(x->curl, CURLINFO_OS_ERRNO, &os_errno);
    mir_fail(err, row.kind, "%s: %s", x->origin, why);
    if (err) {
        err->http_status = (int)status;
        err->sys_errno = (int)os_errno;
        err->retry = row.retry;
        err->outcome = sent && !x->reads_only ? MIR_OUTCOME_UNKNOWN : MIR_DID_NOT_HAPPEN;
    }
    return -1;
}

static int exchange_end(struct exchange *x, CURLcode code, struct mir_error *err)
{
    if (code != CURLE_OK && !x->was_cut)
        return classify(x, code, err);
    long status = 0;
    const char *peer = NULL;
    loaded.curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
    loaded.curl_easy_getinfo(x->curl, CURLINFO_PRIMARY_IP, &peer);
    if (status < 100 || status > 599) { /* HTTP/0.9 and other surprises */
        mir_fail(err, MIR_CORRUPT, "%s: the answer is not HTTP", x->origin);
        if (err)
            err->outcome = x->reads_only ? MIR_DID_NOT_HAPPEN : MIR_OUTCOME_UNKNOWN;
        return -1;
    }
    x->response.status = (int)status;
    mir_copy(x->response.peer, sizeof x->response.peer, peer ? peer : "");
    int64_t tls = info_us(x->curl, CURLINFO_APPCONNECT_TIME_T);
    int64_t tcp = info_us(x->curl, CURLINFO_CONNECT_TIME_T);
    x->response.connect_ms = (tls > tcp ? tls : tcp) / 1000;
    x->response.total_ms = info_us(x->curl, CURLINFO_TOTAL_TIME_T) / 1000;
    return 0;
}

int mir_http_do(const struct mir_http_request *request, struct mir_http_response *ret,
                struct mir_error *err)
{
    struct exchange *x = exchange_new(request, err);
    if (!x)
        return -1;
    int rc = exchange_end(x, loaded.curl_easy_perform(x->curl), err);
    if (!rc) {
        *ret = x->response;
        x->response = (struct mir_http_response){0};
    }
    exchange_free(x);
    return rc;
}

/* --- connections that are kept --- */

#define IDLE_DEFAULT 64

/* A handle keeps the connections that were made with it. Handles lie on a stack, so that few of
 * them are used when few exchanges run. */
struct idle {
    CURL *curl;
    char origin[300]; /* that it was connected to last */
};

struct mir_http_client {
    pthread_mutex_t lock;
    unsigned idle_count, idle_max;
    struct idle *idle;
};

struct mir_http_client *mir_http_client_new(unsigned idle_max)
{
    struct mir_http_client *client = mir_calloc(1, sizeof *client);
    pthread_mutex_init(&client->lock, NULL);
    client->idle_max = idle_max ? idle_max : IDLE_DEFAULT;
    client->idle = mir_calloc(client->idle_max, sizeof *client->idle);
    return client;
}

void mir_http_client_free(struct mir_http_client *client)
{
    if (!client)
        return;
    for (unsigned i = 0; i < client->idle_count; i++)
        loaded.curl_easy_cleanup(client->idle[i].curl);
    pthread_mutex_destroy(&client->lock);
    free(client->idle);
    free(client);
}

/* The handle that was used last for this origin, else the one that was used last; NULL: none. */
static CURL *take_idle(struct mir_http_client *client, const char *url)
{
    struct mir_url parsed;
    if (mir_url_parse(url, &parsed, NULL))
        return NULL;
    pthread_mutex_lock(&client->lock);
    unsigned at = client->idle_count;
    while (at > 0 && strcmp(client->idle[at - 1].origin, parsed.origin) != 0)
        at--;
    if (!at)
        at = client->idle_count;
    CURL *curl = at ? client->idle[at - 1].curl : NULL;
    if (curl) {
        client->idle_count--;
        memmove(&client->idle[at - 1], &client->idle[at],
                (client->idle_count - (at - 1)) * sizeof *client->idle);
    }
    pthread_mutex_unlock(&client->lock);
    return curl;
}

static void put_idle(struct mir_http_client *client, CURL *curl, const char *origin)
{
    loaded.curl_easy_reset(curl); /* keeps connections, forgets every option and pointer */
    pthread_mutex_lock(&client->lock);
    if (client->idle_count < client->idle_max) {
        struct idle *slot = &client->idle[client->idle_count++];
        slot->curl = curl;
        mir_copy(slot->origin, sizeof slot->origin, origin);
        curl = NULL;
    }
    pthread_mutex_unlock(&client->lock);
    loaded.curl_easy_cleanup(curl);
}

int mir_http_client_do(struct mir_http_client *client, const struct mir_http_request *request,
                       struct mir_http_response *ret, struct mir_error *err)
{
    if (alone(request))
        return mir_http_do(request, ret, err);
    struct exchange *x = exchange_on(take_idle(client, request->url), request, err);
    if (!x)
        return -1;
    int rc = exchange_end(x, loaded.curl_easy_perform(x->curl), err);
    if (!rc) {
        *ret = x->response;
        x->response = (struct mir_http_response){0};
    }
    put_idle(client, x->curl, x->origin);
    x->curl = NULL;
    exchange_free(x);
    return rc;
}

/* --- the pool --- */

struct mir_http_pool {
    CURLM *multi; /* NULL until something is added */
    int wake_fd;
    struct exchange *first;
    size_t running;
    uint64_t last_id;
};

struct mir_http_pool *mir_http_pool_new(struct mir_error *err)
{
    int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_fd < 0) {
        mir_fail_errno(err, errno, "no descriptor to be woken by");
        return NULL;
    }
    struct mir_http_pool *pool = mir_calloc(1, sizeof *pool);
    pool->wake_fd = wake_fd;
    return pool;
}

static void unlink_exchange(struct mir_http_pool *pool, struct exchange *x)
{
    for (struct exchange **slot = &pool->first; *slot; slot = &(*slot)->next)
        if (*slot == x) {
            *slot = x->next;
            pool->running--;
            break;
        }
    loaded.curl_multi_remove_handle(pool->multi, x->curl);
}

void mir_http_pool_free(struct mir_http_pool *pool)
{
    if (!pool)
        return;
    while (pool->first) {
        struct exchange *x = pool->first;
        unlink_exchange(pool, x);
        exchange_free(x);
    }
    if (pool->multi)
        loaded.curl_multi_cleanup(pool->multi);
    close(pool->wake_fd);
    free(pool);
}

int mir_http_pool_add(struct mir_http_pool *pool, const struct mir_http_request *request,
                      mir_http_done_fn *done, void *ctx, uint64_t *ret_id, struct mir_error *err)
{
    struct exchange *x = exchange_new(request, err);
    if (!x)
        return -1;
    if (!pool->multi)
        pool->multi = loaded.curl_multi_init();
    CURLMcode rc = loaded.curl_multi_add_handle(pool->multi, x->curl);
    if (rc != CURLM_OK) {
        exchange_free(x);
        return mir_fail(err, MIR_INTERNAL, "libcurl: %s", loaded.curl_multi_strerror(rc));
    }
    x->done = done;
    x->ctx = ctx;
    x->id = ++pool->last_id;
    x->next = pool->first;
    pool->first = x;
    pool->running++;
    if (ret_id)
        *ret_id = x->id;
    return 0;
}

void mir_http_pool_cancel(struct mir_http_pool *pool, uint64_t id)
{
    for (struct exchange *x = pool->first; x; x = x->next)
        if (x->id == id) {
            unlink_exchange(pool, x);
            exchange_free(x);
            return;
        }
}

size_t mir_http_pool_running(const struct mir_http_pool *pool)
{
    return pool->running;
}

/* The next exchange that is over, taken out of the pool; NULL when there is none. */
static struct exchange *next_over(struct mir_http_pool *pool, CURLcode *ret_code)
{
    CURLMsg *msg;
    int left;
    while ((msg = loaded.curl_multi_info_read(pool->multi, &left))) {
        if (msg->msg != CURLMSG_DONE)
            continue;
        *ret_code = msg->data.result; /* msg is gone after the removal */
        char *private_data = NULL;
        loaded.curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &private_data);
        struct exchange *x = (struct exchange *)(void *)private_data;
        unlink_exchange(pool, x);
        return x;
    }
    return NULL;
}

static unsigned report_all(struct mir_http_pool *pool)
{
    unsigned reported = 0;
    CURLcode code = CURLE_OK;
    for (struct exchange *x; (x = next_over(pool, &code)); reported++) {
        struct mir_error err = {0};
        int rc = exchange_end(x, code, &err);
        x->done(x->ctx, rc ? NULL : &x->response, &err);
        exchange_free(x);
    }
    return reported;
}

static CURLMcode wait_for_something(struct mir_http_pool *pool, int timeout_ms)
{
    uint64_t woken;
    CURLMcode rc = CURLM_OK;
    if (pool->multi) {
        struct curl_waitfd wake = {.fd = pool->wake_fd, .events = CURL_WAIT_POLLIN};
        rc = loaded.curl_multi_poll(pool->multi, &wake, 1, timeout_ms, NULL);
    } else {
        poll(&(struct pollfd){.fd = pool->wake_fd, .events = POLLIN}, 1, timeout_ms);
    }
    /* Nothing in it is no failure: it was the time, or an exchange. */
    while (read(pool->wake_fd, &woken, sizeof woken) < 0 && errno == EINTR)
        ;
    return rc;
}

int mir_http_pool_run(struct mir_http_pool *pool, int timeout_ms, struct mir_error *err)
{
    int alive = 0;
    CURLMcode rc = pool->multi ? loaded.curl_multi_perform(pool->multi, &alive) : CURLM_OK;
    if (rc == CURLM_OK && pool->multi && report_all(pool) > 0)
        return 0;
    if (rc == CURLM_OK)
        rc = wait_for_something(pool, timeout_ms);
    if (rc == CURLM_OK && pool->multi)
        rc = loaded.curl_multi_perform(pool->multi, &alive);
    if (rc != CURLM_OK)
        return mir_fail(err, MIR_INTERNAL, "libcurl: %s", loaded.curl_multi_strerror(rc));
    if (pool->multi)
        report_all(pool);
    return 0;
}

void mir_http_pool_wake(struct mir_http_pool *pool)
{
    const uint64_t one = 1;
    while (write(pool->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}
