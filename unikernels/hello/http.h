/* SPDX-License-Identifier: ISC */
/*
 * The web server: HTTP/1.1 with keep-alive and pipelining over TCP connections, GET and HEAD only.
 * One request is answered when the answer before it has been acknowledged.
 */
#ifndef HELLO_HTTP_H
#define HELLO_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcp.h"

struct hello;

#define HTTP_BODY_BYTES 7680
#define HTTP_HEAD_BYTES 384

struct http {
    uint64_t requests; /* answered, whatever the answer */
    char head[HTTP_HEAD_BYTES];
    char body[HTTP_BODY_BYTES];
};

/* A request's first line and the headers that matter; points into the request. */
struct http_request {
    const char *method;
    size_t method_len;
    const char *path; /* without query */
    size_t path_len;
    bool keep_alive;
    bool has_body;
};

enum http_parsed { HTTP_INCOMPLETE, HTTP_BAD, HTTP_OK };

/* The server's side of each connection; its context is a struct hello. */
extern const struct tcp_app http_app;

void http_init(struct http *http, struct hello *hello);

/* Parses one request head. *ret_len: how much of text it takes, whenever it is not incomplete. */
enum http_parsed http_parse(const char *text, size_t len, struct http_request *ret,
                            size_t *ret_len);

#endif
