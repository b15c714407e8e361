/* SPDX-License-Identifier: ISC */
/*
 * One small HTTP/1.1 server for both listeners of the daemon: the control socket (REST) and the
 * public pages. A server is a table of routes; what it takes, refuses and limits follows from the
 * table, and a handler sees a request that is whole, bounded and allowed.
 *
 * Threads: one thread of libmicrohttpd carries all connections and runs the handlers, so these
 * must not block; a route marked MIRD_HTTP_WORKER runs in a worker thread instead while its
 * connection is suspended. One timer thread cuts slow clients and ends waits.
 * Every answer carries X-Request-Id; HEAD is answered by the GET route; an unknown path gets 404,
 * a known path with another method 405 and Allow; If-None-Match is compared with the answer's
 * ETag. Errors are problem documents (RFC 9457).
 */
#ifndef DAEMON_HTTP_SERVER_H
#define DAEMON_HTTP_SERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "api/buf.h"
#include "api/error.h"
#include "api/id.h"

struct mird_http_server; /* opaque */
struct mird_http_request;
struct mird_http_response;

/* --- the table --- */

enum mird_http_result {
    MIRD_HTTP_DONE, /* the response is filled */
    MIRD_HTTP_LATER /* mird_http_wait was called: call me again when woken or at the deadline */
};

/* Calls of one handler for one request never overlap. `ctx` is the server's. */
typedef enum mird_http_result mird_http_handler(void *ctx, struct mird_http_request *request,
                                                struct mird_http_response *response);

/* Takes the body block by block, in order, in a worker thread (may block). -1 with err ends the
 * request with that problem; the rest of the body is not taken. The handler comes afterwards. */
typedef int mird_http_sink(void *ctx, struct mird_http_request *request, const void *data,
                           size_t len, struct mir_error *err);

enum mird_http_flags {
    MIRD_HTTP_WORKER = 1 << 0, /* the handler may block: run it in a worker thread */
    MIRD_HTTP_OPEN = 1 << 1,   /* no authorisation is asked for */
};

struct mird_http_route {
    const char *method;  /* "GET", ...; GET answers HEAD too */
    const char *pattern; /* "/v1/sites/{name}", "/badge/{name}.svg": a parameter per segment */
    mird_http_handler *handle;
    unsigned flags;
    uint64_t body_max;    /* bytes; 0: no body is taken */
    const char *query;    /* NULL: any; else the names taken, separated by spaces: others get 422 */
    const char *summary;  /* one line for the documentation */
    mird_http_sink *sink; /* NULL: the body is buffered whole */
    /* Optional: asked once the head is there and before any of the body is taken, in the server's
     * thread. MIRD_HTTP_DONE answers without the body, MIRD_HTTP_LATER goes on (no wait). */
    mird_http_handler *begin;
};

/* --- the request: valid until its response has been sent --- */

struct mird_http_peer {
    bool local; /* unix socket: uid, gid, pid are known */
    uid_t uid;
    gid_t gid;
    pid_t pid;
    char address[46]; /* TCP: the numeric address, "" for a unix socket */
};

#define MIRD_HTTP_PARAMS_MAX 3
#define MIRD_HTTP_PARAM_TEXT 128

struct mird_http_request {
    const char *method;
    const char *path; /* as sent, without the query; percent-decoded */
    const struct mird_http_route *route;
    struct mird_http_peer peer;
    char id[MIR_ID_TEXT]; /* X-Request-Id */
    struct {
        char name[24];
        char value[MIRD_HTTP_PARAM_TEXT];
    } params[MIRD_HTTP_PARAMS_MAX];
    unsigned param_count;
    uint64_t content_length; /* UINT64_MAX: chunked or unknown */
    struct mir_buf body;     /* whole body when the route has no sink; owned by the server */
    unsigned round;          /* 0 on the handler's first call, counted up on each later one */
    bool timed_out;          /* this call comes from the wait's deadline */
    bool stopping;           /* the server is being stopped: answer now */

    /* The handler's own, for the time between calls; freed with the request. */
    void *state;
    void (*state_free)(void *state);

    /* Set by the server (or by a test). kind: 'h' header, 'q' query. */
    const char *(*lookup)(const struct mird_http_request *request, char kind, const char *name);
    void *connection;
};

/* Borrowed; NULL when there is none. A query parameter without "=" reads as "". */
const char *mird_http_param(const struct mird_http_request *request, const char *name);
const char *mird_http_query(const struct mird_http_request *request, const char *name);
const char *mird_http_header(const struct mird_http_request *request, const char *name);

/* True when an If-None-Match or If-Match value names the tag, or is "*". header may be NULL. */
bool mird_http_etag_named(const char *header, const char *etag);

/* The body as JSON, new reference; NULL with MIR_USAGE. An empty body reads as {}. */
json_t *mird_http_body_json(const struct mird_http_request *request, struct mir_error *err);

/* Call before returning MIRD_HTTP_LATER (or 0 from a stream): the handler is called again when
 * `key` is woken (NULL: by no key) or when `timeout_ms` have passed, counted from this call. A wake
 * between the handler's start and its return is not lost. */
void mird_http_wait(struct mird_http_request *request, const char *key, int64_t timeout_ms);

/* Wakes every request that waits for the key; NULL wakes all. Any thread; short. */
void mird_http_wake(struct mird_http_server *server, const char *key);

/* --- the response: zeroed by the server, filled by the handler --- */

/* An immutable body that many answers share; counted, any thread. */
struct mird_http_shared;
struct mird_http_shared *mird_http_shared_new(const void *data, size_t len); /* copies */
struct mird_http_shared *mird_http_shared_ref(struct mird_http_shared *shared);
void mird_http_shared_unref(struct mird_http_shared *shared); /* NULL allowed */

/* The next bytes of a stream: how many were written to out; 0: none now, mird_http_wait was
 * called; -1: the end. Runs in the server's thread: must not block. */
typedef ssize_t mird_http_stream_fn(void *state, struct mird_http_request *request, char *out,
                                    size_t max);

#define MIRD_HTTP_HEADERS_MAX 10
#define MIRD_HTTP_HEADER_TEXT 320

struct mird_http_response {
    int status;       /* 0 reads as 200 */
    const char *type; /* static text; NULL: no Content-Type */
    char etag[80];    /* without the quotes; "" none */
    unsigned header_count;
    struct {
        const char *name; /* static text */
        char value[MIRD_HTTP_HEADER_TEXT];
    } headers[MIRD_HTTP_HEADERS_MAX];

    /* At most one of: */
    char *owned;                     /* malloc'ed, given to the server */
    const char *fixed;               /* static text */
    struct mird_http_shared *shared; /* one reference, given to the server */
    mird_http_stream_fn *stream;
    size_t len; /* of owned or fixed */
    void *stream_state;
    void (*stream_free)(void *state);
};

void mird_http_add_header(struct mird_http_response *response, const char *name, const char *fmt,
                          ...) MIR_PRINTF(3, 4);
/* Takes the reference. */
void mird_http_json(struct mird_http_response *response, int status, json_t *json);
/* Takes text (malloc'ed). type is static text. */
void mird_http_text(struct mird_http_response *response, int status, const char *type, char *text);
void mird_http_fixed(struct mird_http_response *response, int status, const char *type,
                     const char *text);
/* Takes the reference. etag "" for none. */
void mird_http_share(struct mird_http_response *response, int status, const char *type,
                     struct mird_http_shared *shared, const char *etag);
/* The problem document of an error; status 0: the one of its kind. */
void mird_http_problem(const struct mird_http_request *request, struct mird_http_response *response,
                       int status, const struct mir_error *err);
/* Frees what an unsent response holds (tests). */
void mird_http_response_clear(struct mird_http_response *response);

/* --- the server --- */

struct mird_http_config {
    const struct mird_http_route *routes; /* borrowed for the server's life */
    size_t route_count;
    void *ctx; /* given to handlers */

    /* NULL: everybody may. -1 with err: 403 (401 for MIR_CREDENTIALS) with that problem. Asked
     * before the body is taken. */
    int (*authorise)(void *ctx, const struct mird_http_request *request, struct mir_error *err);

    mird_http_handler *not_found; /* answers unknown paths; NULL: a problem document */

    /* 0 gives the value in parentheses. */
    unsigned connections_max;        /* (256); fewer where files are scarce */
    unsigned connections_per_ip_max; /* (0: unlimited; TCP only) */
    unsigned head_limit_s;           /* the whole request head within (10) */
    unsigned body_limit_s;           /* and the body, plus 1 s for each 64 KiB, within (30) */
    unsigned idle_limit_s;           /* a kept connection without a request (60) */
    unsigned workers_max;            /* threads started on demand (4) */
    const char *name;                /* short, for the log: "rest", "public" */
    const char *role;                /* of every answer's header Mirage-Role; NULL: none */
};

/* A unix socket at path: an old one there is replaced (the caller holds the lock that says nobody
 * serves it), its directory made with 0700 when missing, the socket 0600 (or `mode`). */
int mird_http_start_unix(const struct mird_http_config *config, const char *path, mode_t mode,
                         struct mird_http_server **ret, struct mir_error *err);

/* A listening TCP socket; taken. */
int mird_http_start_fd(const struct mird_http_config *config, int listen_fd,
                       struct mird_http_server **ret, struct mir_error *err);

/* Stops listening, ends waits and streams, lets running workers finish, closes. NULL allowed. */
void mird_http_stop(struct mird_http_server *server);

/* Open connections now (metrics). */
unsigned mird_http_connections(const struct mird_http_server *server);

#endif
