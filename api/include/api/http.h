/* SPDX-License-Identifier: ISC */
/*
 * The HTTP client: one bounded exchange over http or https, blocking or many at once in one
 * thread. api/http.c is the only file that calls libcurl.
 *
 * Limits: every exchange has a time limit and a largest body; neither cookies, netrc nor stored
 * credentials are ever used; redirects are not followed unless asked for. TLS certificates are
 * verified, unless a request says otherwise in as many words. Proxies of the environment
 * (https_proxy, no_proxy) are used, except where an address filter is given: a proxy would hide the
 * address from it. The program ignores SIGPIPE (a TLS peer that goes away would raise it). An
 * answer of any status is a success here; what a status means is the caller's to say.
 *
 * Errors: MIR_USAGE (URL, method), MIR_POLICY (the filter refused every address), MIR_UNAVAILABLE
 * (no such host, refused, reset, TLS failure), MIR_TIMEOUT, MIR_CORRUPT (not HTTP, body too
 * large), each with `outcome`: DID_NOT_HAPPEN when the request never left or its method only
 * reads, UNKNOWN otherwise; and `retry`.
 */
#ifndef API_HTTP_H
#define API_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "api/buf.h"
#include "api/error.h"

#define MIR_HTTP_HEADER_BYTES_MAX 65536 /* all header lines of one answer */
#define MIR_HTTP_BODY_DEFAULT 65536     /* response_max when 0 */

struct mir_http_header {
    const char *name;
    const char *value;
};

/* May a connection to this address be made? Asked for every address of every connection, after
 * the name was resolved and right before connect(2), so that what is checked is what is used. */
typedef bool mir_http_allow_fn(void *ctx, const struct sockaddr *address);

/* The next bytes of a body: at most `size` of them into out, how many into *ret_len (0: that was
 * all). -1 with err ends the exchange, which fails with that error. */
typedef int mir_http_read_fn(void *ctx, void *out, size_t size, size_t *ret_len,
                             struct mir_error *err);

#define MIR_HTTP_LENGTH_UNKNOWN ((int64_t)-1)

/* A body that is made while it is sent. It is read once, so the connection is a fresh one: libcurl
 * could not send it again. An answer that comes before the end of it (a refusal) ends it. */
struct mir_http_stream {
    mir_http_read_fn *read; /* NULL: none */
    void *ctx;
    int64_t length; /* bytes; MIR_HTTP_LENGTH_UNKNOWN: sent in chunks */
};

/* All pointers borrowed, for mir_http_do until it returns, for mir_http_pool_add until it
 * returns, except body and the two ctx: until the exchange is over. */
struct mir_http_request {
    const char *method; /* NULL: GET, or POST with a body */
    const char *url;
    const struct mir_http_header *headers;
    size_t header_count;
    const void *body; /* NULL: none */
    size_t body_len;
    struct mir_http_stream stream; /* instead of a body */
    const char *user_agent;        /* NULL: "mirage-deploy/<version>" */
    int connect_timeout_ms;        /* 0: 10 000 */
    int timeout_ms;                /* the whole exchange; 0: 30 000 */
    size_t response_max;           /* bytes of body; 0: MIR_HTTP_BODY_DEFAULT */
    bool cut;                      /* a longer body is cut there, which is no error then */
    unsigned redirects_max;        /* 0: a redirect is an answer like any other */
    bool fresh;                    /* a connection of its own, closed afterwards */
    bool path_as_is;               /* "/a/../b" is sent so; else libcurl makes "/b" of it */
    const char *ca_file;   /* PEM certificates to trust instead of the system's; NULL: those */
    const char *cert_file; /* PEM: who we are, for servers that ask; NULL: nobody */
    const char *key_file;  /* PEM: of that certificate; NULL: it is in cert_file, too */
    bool insecure;         /* whoever answers is believed: the user said so */
    bool ipv4_only;
    mir_http_allow_fn *allow; /* NULL: every address */
    void *allow_ctx;
};

struct mir_http_response {
    int status;
    struct mir_buf headers; /* the last answer's header lines, each ended by CR LF */
    struct mir_buf body;
    char peer[64];      /* the address it came from */
    int64_t connect_ms; /* from the start until connected (TLS included) */
    int64_t total_ms;
};

void mir_http_response_clear(struct mir_http_response *response);
#define mir_auto_http_response MIR_CLEANUP(mir_http_response_clear)

/* One exchange, in the caller's thread. *ret is filled on success only, and then to be cleared. */
int mir_http_do(const struct mir_http_request *request, struct mir_http_response *ret,
                struct mir_error *err);

/* --- connections that are kept --- */

/* A client keeps connections open between exchanges: for many requests to few hosts. Any thread,
 * several at once; each exchange has a connection to itself. A request that asks for a fresh
 * connection gets one, and no other exchange ever sees it.
 *
 * Beware: libcurl sends a request again, by itself, when a kept connection turns out to be closed
 * before any byte of an answer came. The server may have acted on the first one. A request that
 * must not reach a server twice therefore asks for a fresh connection. */
struct mir_http_client;

/* At most `idle_max` connections (0: 64) are kept when nothing runs. Owned. */
struct mir_http_client *mir_http_client_new(unsigned idle_max);
void mir_http_client_free(struct mir_http_client *client); /* nothing may run; NULL allowed */

/* As mir_http_do. */
int mir_http_client_do(struct mir_http_client *client, const struct mir_http_request *request,
                       struct mir_http_response *ret, struct mir_error *err);

/* A header of an answer (names without regard to case); its value into out; 0, or -1: none, or
 * longer than size. */
int mir_http_response_header(const struct mir_http_response *response, const char *name, char *out,
                             size_t size);

/* The moment that the answer is dated with, UTC ms; 0: it has no Date, or an unreadable one. */
int64_t mir_http_date_ms(const struct mir_http_response *response);

/* --- many exchanges in one thread --- */

struct mir_http_pool;

/* Called from mir_http_pool_run, once per exchange that was added and not cancelled. response is
 * NULL when it failed, else the callee's to read until it returns. May add and cancel. */
typedef void mir_http_done_fn(void *ctx, struct mir_http_response *response,
                              const struct mir_error *err);

struct mir_http_pool *mir_http_pool_new(struct mir_error *err); /* owned; NULL */
void mir_http_pool_free(struct mir_http_pool *pool); /* cancels what runs; NULL allowed */

/* Begins an exchange; *ret_id (may be NULL) names it for cancelling. */
int mir_http_pool_add(struct mir_http_pool *pool, const struct mir_http_request *request,
                      mir_http_done_fn *done, void *ctx, uint64_t *ret_id, struct mir_error *err);
void mir_http_pool_cancel(struct mir_http_pool *pool, uint64_t id); /* over or unknown: nothing */
size_t mir_http_pool_running(const struct mir_http_pool *pool);

/* Carries the exchanges on until at least one was reported, woken, or timeout_ms passed. */
int mir_http_pool_run(struct mir_http_pool *pool, int timeout_ms, struct mir_error *err);
void mir_http_pool_wake(struct mir_http_pool *pool); /* any thread */

/* --- addresses and URLs (pure) --- */

/* True for an address anybody on the internet could reach: not loopback, private, link-local
 * (cloud metadata), carrier NAT, multicast, unique-local, reserved or documentation, and no IPv6
 * form that carries such an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo). */
bool mir_http_address_public(const struct sockaddr *address);

/* Loopback (127.0.0.0/8, ::1 and its mapped form). */
bool mir_http_address_loopback(const struct sockaddr *address);

struct mir_url {
    bool https;
    char host[256]; /* lower case, without brackets */
    bool numeric;   /* host is an IP address */
    uint16_t port;
    char origin[300]; /* "http://host:port", the default port left out */
};

/* An absolute http or https URL: MIR_USAGE says what is wrong with it (scheme, user name, control
 * or non-ASCII characters, host, port). */
int mir_url_parse(const char *url, struct mir_url *ret, struct mir_error *err);

/* Percent-encoding of all but A-Z a-z 0-9 - _ . ~ (and '/' when `slash`), appended. */
void mir_url_encode(struct mir_buf *out, const char *text, size_t len, bool slash);

#endif
