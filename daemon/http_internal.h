/* SPDX-License-Identifier: ISC */
/*
 * Inside of the HTTP layer: what its files share. http_route.c finds routes (pure), http_value.c
 * reads requests and makes responses (pure), http_wait.c keeps waits, deadlines and workers,
 * http_mhd.c speaks to libmicrohttpd and drives them all.
 */
#ifndef DAEMON_HTTP_INTERNAL_H
#define DAEMON_HTTP_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "daemon/http_server.h"

/* --- http_route.c --- */

/* The route for method and path, its parameters in request; NULL: none. *ret_allow gets the
 * methods that the path knows ("GET, HEAD, PUT"), "" when it knows none. */
#define HTTP_ALLOW_TEXT 64
const struct mird_http_route *http_route_find(const struct mird_http_route *routes, size_t count,
                                              const char *method, const char *path,
                                              struct mird_http_request *request,
                                              char ret_allow[HTTP_ALLOW_TEXT]);

/* Percent-decodes in place and returns the new length; what is no code, and %00, stays as it is. */
size_t http_unescape(char *text);

/* 1 when name is one of the words of list. */
int http_word_in(const char *list, const char *name);

/* --- http_value.c --- */

struct mird_http_shared {
    atomic_uint refs;
    size_t len;
    char data[];
};

/* --- one request under way --- */

enum http_phase {
    HTTP_BODY,      /* body comes in, or is drained when answered */
    HTTP_SINK_ONLY, /* a worker takes a block of the body */
    HTTP_HANDLE,    /* the handler's turn */
    HTTP_QUEUED,    /* response given to the library */
};

struct http_conn;

struct http_call {
    struct mird_http_request request;
    struct mird_http_response response;
    struct mird_http_server *server;
    struct http_conn *conn;
    enum http_phase phase;
    bool answered;              /* response is filled: no handler any more */
    uint64_t received, drained; /* bytes of the body; of those, not wanted */

    /* The wait; guarded by server->lock while listed. */
    char wait_key[72];
    bool wait_any; /* no key: only the deadline */
    int64_t wait_until_ms;
    uint64_t wake_seen;
    bool waiting;
    struct http_call *prev, *next;

    struct http_call *job_next; /* in the worker's queue */
};

/* One connection; guarded by server->lock. */
struct http_conn {
    int fd;
    int64_t deadline_ms; /* monotonic; 0 none */
    struct mird_http_peer peer;
    struct http_conn *prev, *next;
};

/* Of every thread of the layer; instrumented frames are larger. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HTTP_STACK_BYTES (2048u << 10)
#else
#define HTTP_STACK_BYTES (256u << 10)
#endif

struct MHD_Daemon;

struct mird_http_server {
    struct mird_http_config config;
    struct MHD_Daemon *mhd;
    char *socket_path; /* owned; NULL for TCP */
    ino_t socket_inode;

    pthread_mutex_t lock;
    pthread_cond_t timer_cond;
    pthread_t timer;
    bool timer_started;
    int64_t timer_next_ms; /* when the timer thread looks again */
    struct http_call *waiters;
    struct http_conn *conns;
    unsigned conn_count;
    unsigned open_calls; /* begun, and not answered to the last byte */
    pthread_cond_t answered_cond;
    atomic_bool stopping;
    atomic_bool timer_end;
    _Atomic uint64_t wakes;

    /* workers */
    pthread_cond_t work_cond;
    pthread_t *workers;
    unsigned worker_count, workers_idle;
    struct http_call *jobs, **jobs_tail;
    bool work_end;
};

/* --- http_wait.c --- */

int64_t http_now_ms(void); /* CLOCK_MONOTONIC */

int http_wait_start(struct mird_http_server *server, struct mir_error *err);
void http_workers_stop(struct mird_http_server *server); /* finishes what is queued */
void http_timer_stop(struct mird_http_server *server);

/* The connection has until then; 0 for ever. */
void http_conn_deadline(struct mird_http_server *server, struct http_conn *conn, int64_t at_ms);
void http_conn_add(struct mird_http_server *server, struct http_conn *conn);
void http_conn_remove(struct mird_http_server *server, struct http_conn *conn);

/* One call more, or (-1) one less that is open. */
void http_calls_add(struct mird_http_server *server, int change);
/* Wait until none is open, or so long: a client may never read its answer. */
void http_calls_end(struct mird_http_server *server, int64_t most_ms);

/* The call is suspended: bring it back when its wait ends. */
void http_wait_add(struct http_call *call);
void http_wait_all(struct mird_http_server *server); /* end all waits now */

/* The call is suspended: run http_call_work in a worker thread. */
void http_work_add(struct http_call *call);

/* --- http_room.c --- */

/* The clients that there is room for, at most `wanted`, under this process's limit of files. */
unsigned http_room(const char *name, unsigned wanted);

/* --- http_mhd.c, called by the above --- */

void http_call_resume(struct http_call *call);
void http_call_work(struct http_call *call); /* in a worker: sink or handler, then resume */

#endif
