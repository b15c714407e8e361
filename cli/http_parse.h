/* SPDX-License-Identifier: ISC */
/*
 * Reads an HTTP/1.1 response in pieces of any size, as they come from a socket: status, the few
 * header fields that we look at, and the body by Content-Length, chunks, or the end of the
 * connection. Source: RFC 9112.
 *
 * Pure: no I/O. Limits: a head of CMD_HTTP_HEAD_MAX bytes, a chunk line of 256. The body goes to
 * the callback and is stored nowhere. Errors: MIR_CORRUPT.
 */
#ifndef CLI_HTTP_PARSE_H
#define CLI_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/error.h"

#define CMD_HTTP_HEAD_MAX 16384
#define CMD_HTTP_BODY_MAX (INT64_C(1) << 40)

/* A piece of the body. Non-zero ends the reading: 1 "that is enough", -1 with err a failure. */
typedef int cmd_http_body_fn(void *ctx, const char *data, size_t len, struct mir_error *err);

enum cmd_http_state {
    CMD_HTTP_HEAD,
    CMD_HTTP_LENGTH, /* body of known length */
    CMD_HTTP_CHUNK_SIZE,
    CMD_HTTP_CHUNK_DATA,
    CMD_HTTP_CHUNK_END,
    CMD_HTTP_TRAILER,
    CMD_HTTP_UNTIL_CLOSE,
    CMD_HTTP_DONE
};

struct cmd_http_parser {
    enum cmd_http_state state;
    char head[CMD_HTTP_HEAD_MAX];
    size_t head_len;
    char line[256]; /* of a chunk's size, or of a trailer */
    size_t line_len;
    int64_t left;         /* of the body, or of the chunk */
    unsigned trailer_len; /* bytes of trailers seen */

    int status; /* 0 until the head is complete */
    char content_type[96];
    char location[256];
    char etag[96];
    char request_id[64];

    cmd_http_body_fn *body; /* may be NULL: the body is dropped */
    void *body_ctx;
    bool no_body; /* set by the caller for an answer to HEAD */
};

void cmd_http_parser_init(struct cmd_http_parser *parser, cmd_http_body_fn *body, void *ctx);

/* 0: more is wanted; 1: the response is complete (or the callback has had enough); -1: err. */
int cmd_http_feed(struct cmd_http_parser *parser, const char *data, size_t len,
                  struct mir_error *err);

/* The connection has ended: 0 when the response is complete with that, else -1. */
int cmd_http_finish(struct cmd_http_parser *parser, struct mir_error *err);

#endif
