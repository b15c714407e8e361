/* SPDX-License-Identifier: ISC */
/*
 * Reads server-sent events (text/event-stream) in pieces of any size. Source: the HTML standard,
 * section "Server-sent events".
 *
 * Pure. Limits: a line and an event's data of CMD_SSE_MAX bytes; beyond that MIR_CORRUPT.
 */
#ifndef CLI_SSE_H
#define CLI_SSE_H

#include "api/buf.h"
#include "api/error.h"

#define CMD_SSE_MAX (1u << 20)

struct cmd_event {
    const char *type; /* "message" when none was given; borrowed for the call */
    const char *id;   /* the last id seen, "" none */
    const char *data; /* lines joined by newlines, len bytes */
    size_t len;
};

/* Non-zero ends the reading: 1 enough, -1 with err. */
typedef int cmd_event_fn(void *ctx, const struct cmd_event *event, struct mir_error *err);

struct cmd_sse {
    struct mir_buf line;
    struct mir_buf data;
    char type[32];
    char id[64];
    int has_data;
    int after_cr;
    cmd_event_fn *fn;
    void *ctx;
};

void cmd_sse_init(struct cmd_sse *sse, cmd_event_fn *fn, void *ctx);
void cmd_sse_clear(struct cmd_sse *sse);

/* 0 go on, 1 the callback has had enough, -1 err. Fits cmd_http_body_fn with the struct as ctx. */
int cmd_sse_feed(void *sse, const char *data, size_t len, struct mir_error *err);

#endif
