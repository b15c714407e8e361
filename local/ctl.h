/* SPDX-License-Identifier: ISC */
/*
 * The keeper's control protocol: one line of JSON in, one line of JSON out, over the unix socket
 * ctl.sock in the instance directory (mode 0600; only the same user and root are answered).
 *
 *   {"op":"status"} | {"op":"deadline","deadline_s":N,"signature":S} | {"op":"stop"}
 *   {"ok":true,"state":"running","deadline_s":N} | {"ok":false,"code":...,"error":...,"hint":...}
 *
 * The signature is that of the tags that say this deadline; without one the tags stay as they are.
 * Unknown fields and unknown words are refused by name. The keeper's ready message to the process
 * that started it is a reply line as well. Parsing is pure; calls block at most as long as stated.
 */
#ifndef LOCAL_CTL_H
#define LOCAL_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/error.h"
#include "api/provider.h"

#define LOCAL_CTL_REQUEST_MAX 512 /* bytes of a request line, newline included */
#define LOCAL_CTL_REPLY_MAX 4096

enum local_ctl_op { LOCAL_CTL_STATUS, LOCAL_CTL_DEADLINE, LOCAL_CTL_STOP, LOCAL_CTL_OP_COUNT };

struct local_ctl_request {
    enum local_ctl_op op;
    int64_t deadline_s;                 /* of DEADLINE only */
    char signature[MIR_SIGNATURE_TEXT]; /* of DEADLINE only; "" none */
};

struct local_ctl_reply {
    bool ok;
    enum mir_instance_state state; /* when ok */
    int64_t deadline_s;            /* when ok; the durable one */
    struct mir_error error;        /* when not ok: kind, text and hint */
};

/* `line` without its newline. */
int local_ctl_parse_request(const char *line, size_t len, struct local_ctl_request *ret,
                            struct mir_error *err);
int local_ctl_parse_reply(const char *line, size_t len, struct local_ctl_reply *ret,
                          struct mir_error *err);

/* Owned text, newline included. */
char *local_ctl_request_text(const struct local_ctl_request *request);
char *local_ctl_reply_text(const struct local_ctl_reply *reply);

/* Ask the keeper of the instance. -1 when it could not be asked (MIR_UNAVAILABLE; outcome unknown
 * once the request was sent) or when it refused (its own kind, text and hint). */
int local_ctl_call(int dir_fd, const struct local_ctl_request *request, int timeout_ms,
                   struct local_ctl_reply *ret, struct mir_error *err);

/* Read one line (newline removed) of at most max - 1 bytes from fd until timeout_ms; *ret_len
 * bytes in `line`. An end of file before the newline is MIR_UNAVAILABLE, too long a line is
 * MIR_CORRUPT. */
int local_ctl_read_line(int fd, char *line, size_t max, size_t *ret_len, int timeout_ms,
                        struct mir_error *err);

/* A listening socket (owned, non-blocking). */
int local_ctl_listen(int dir_fd, int *ret_fd, struct mir_error *err);

#endif
