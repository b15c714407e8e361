/* SPDX-License-Identifier: ISC */
/*
 * A web server for tests of the bindings, on a free port of the loopback: whole requests go to a
 * function of the test's, which says what is answered. Connections are kept. Each connection has a
 * thread of its own, so the function may be called by several at once.
 */
#ifndef TESTS_UNIT_TALK_SERVER_H
#define TESTS_UNIT_TALK_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "api/buf.h"

#define TALK_SERVER_BODY_MAX ((size_t)8 << 20)

struct talk_server_ask {
    char method[16];
    char target[4096];
    char head[16384]; /* the request's header lines, each ended by CR LF */
    char *body;       /* terminated */
    size_t body_len;
};

struct talk_server_say { /* begins as: 200, nothing else */
    int status;
    char headers[1024]; /* more header lines, each ended by CR LF */
    struct mir_buf body;
    int delay_ms; /* before the answer; ends early when the server is stopped */
    bool drop;    /* the connection is closed instead of an answer */
    size_t cut;   /* of the body only so many bytes are sent, then it is closed; 0: all */
    void (*sent)(void *ctx); /* called behind the answer, with the server's ctx; NULL: nothing */
};

typedef void talk_server_fn(void *ctx, const struct talk_server_ask *ask,
                            struct talk_server_say *say);

struct talk_server; /* opaque */

struct talk_server *talk_server_start(talk_server_fn *answer, void *ctx);
void talk_server_stop(struct talk_server *server); /* waits for its threads; NULL allowed */

/* "http://127.0.0.1:PORT", borrowed. */
const char *talk_server_url(const struct talk_server *server);
int talk_server_connections(struct talk_server *server); /* that were made so far */

/* A header's value into out; "" when it is not there. */
void talk_server_header(const struct talk_server_ask *ask, const char *name, char *out,
                        size_t size);

#endif
