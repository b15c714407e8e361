/* SPDX-License-Identifier: ISC */
/*
 * A small HTTP/1.1 client over a unix socket: one connection per request, deadlines on everything,
 * bodies from memory or from a file, answers into a buffer or, as they come, to a callback.
 *
 * Blocking; single thread; EINTR is gone over (interrupt.h acts in the handler). Errors:
 * MIR_UNAVAILABLE nobody listens, MIR_POLICY no permission, MIR_TIMEOUT, MIR_CORRUPT an answer that
 * is not HTTP. Once the request may have been read, err.outcome is MIR_OUTCOME_UNKNOWN.
 */
#ifndef CLI_HTTP_UNIX_H
#define CLI_HTTP_UNIX_H

#include <stdint.h>
#include <sys/types.h>

#include "api/buf.h"
#include "api/error.h"
#include "http_parse.h"

#define CMD_HTTP_FIELDS_MAX 6
#define CMD_HTTP_ANSWER_MAX (8u << 20)

struct cmd_http_request {
    const char *method;
    const char *target;                      /* "/v1/deployments" */
    const char *fields[CMD_HTTP_FIELDS_MAX]; /* "Name: value", NULL at the end */
    const char *body;                        /* NULL: none, or from body_fd */
    size_t body_len;
    bool from_file; /* the body: body_bytes of body_fd, from its start */
    int body_fd;
    int64_t body_bytes;
    void (*sent)(void *ctx, int64_t bytes); /* upload progress, may be NULL */
    void *sent_ctx;
    int timeout_ms;            /* without a byte either way; 0: CMD_HTTP_TIMEOUT_MS */
    cmd_http_body_fn *on_body; /* for answers below 300; NULL: into the answer's body */
    void *on_body_ctx;
};

#define CMD_HTTP_TIMEOUT_MS 30000

struct cmd_http_answer {
    int status;
    char content_type[96];
    char location[256];
    char etag[96];
    struct mir_buf body; /* owned; up to CMD_HTTP_ANSWER_MAX */
};

/* *ret_answer is initialised here; clear it in any case. */
int cmd_http_call(const char *socket_path, const struct cmd_http_request *request,
                  struct cmd_http_answer *ret_answer, struct mir_error *err);
void cmd_http_answer_clear(struct cmd_http_answer *answer);

/* --- for those who wait for several answers at once (follow.c) --- */

/* Connected, close-on-exec; or -1. */
int cmd_http_connect(const char *socket_path, struct mir_error *err);

/* Writes the whole request. */
int cmd_http_send(int fd, const struct cmd_http_request *request, struct mir_error *err);

#endif
