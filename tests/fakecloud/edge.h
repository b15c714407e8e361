/* SPDX-License-Identifier: ISC */
/*
 * The HTTP server: takes a whole request, hands it to one function, sends the reply the way that
 * the reply says. A thread per connection, so that a reply may take as long as it likes. edge.c is
 * the only file here that knows libmicrohttpd.
 */
#ifndef FAKECLOUD_EDGE_H
#define FAKECLOUD_EDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "request.h"

struct fc_edge;

struct fc_edge_config {
    const char *address; /* IPv4 or IPv6 */
    uint16_t port;       /* 0: any free one */
    const char *spool;   /* a directory for bodies that are too large for memory */
    /* Called in the connection's thread, many at once. May block, and ends early when
     * fc_edge_stopping says so. */
    void (*handle)(void *ctx, struct fc_request *request, struct fc_reply *reply);
    int64_t (*now_s)(void *ctx); /* for the Date of each reply */
    void *ctx;
};

/* *ret is there before the first request is handled. */
int fc_edge_start(const struct fc_edge_config *config, struct fc_edge **ret, struct mir_error *err);
uint16_t fc_edge_port(const struct fc_edge *edge);

/* From here on waiting handlers return early; then stop waits for all connections. */
void fc_edge_stop(struct fc_edge *edge);
bool fc_edge_stopping(const struct fc_edge *edge);

/* Wait, but no longer than the server runs and the client stays. False: one of them is gone.
 * ms < 0: until then. */
bool fc_edge_pause(const struct fc_edge *edge, const struct fc_request *request, int64_t ms);

#endif
