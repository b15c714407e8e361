/* SPDX-License-Identifier: ISC */
/*
 * One request as it was received, and the reply to it. The edge makes and frees both; what is said
 * of a signature needs the bytes as they came, so target and headers stand here undecoded, and what
 * handlers read is decoded once beside them.
 *
 * Owned by the thread that serves the connection.
 */
#ifndef FAKECLOUD_REQUEST_H
#define FAKECLOUD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/buf.h"
#include "api/error.h"

#define FC_HEADERS_MAX 128
#define FC_PAIRS_MAX 8192                /* of a query or a form */
#define FC_BODY_MEMORY ((size_t)1 << 20) /* larger bodies are spooled to a file */
#define FC_BODY_MAX ((uint64_t)5 << 30)

struct fc_header {
    const char *name, *value; /* borrowed from the connection */
};

/* A decoded name=value; `bare`: there was no "=". Values may hold NUL bytes only as an error. */
struct fc_pair {
    char *name, *value;
    bool bare;
};

struct fc_pairs {
    struct fc_pair *rows;
    size_t count;
};

struct fc_body {
    struct mir_buf memory; /* all of it, while fd is -1 */
    int fd;                /* else a file without a name; owned */
    uint64_t len;
    unsigned char sha256[32];
    unsigned char md5[16];
};

struct fc_request {
    const char *method;
    char *target; /* raw, "/path?query" */
    char *path;   /* decoded, without the query */
    struct fc_pairs query;
    struct fc_header headers[FC_HEADERS_MAX];
    size_t header_count;
    struct fc_body body;
    int peer_fd; /* the connection's socket; borrowed, to look whether the client is still there */
};

/* How the edge sends a reply: whole, or as a network in trouble would. */
enum fc_delivery {
    FC_DELIVER = 0,
    FC_DELIVER_RESET,     /* nothing, and a reset connection */
    FC_DELIVER_TRUNCATED, /* the head and half of the body, then closed */
    FC_DELIVER_DRIP       /* a byte every delivery_ms */
};

#define FC_REPLY_HEADERS_MAX 24

struct fc_reply {
    int status;
    char type[64]; /* "" none */
    struct mir_buf body;
    struct {
        char name[48], value[256];
    } headers[FC_REPLY_HEADERS_MAX];
    unsigned header_count;
    int fd; /* -1, or a file whose bytes [offset, offset + len) are the body; owned */
    uint64_t offset, len;
    enum fc_delivery delivery;
    bool garble; /* bytes that come from fd are others */
    int delivery_ms;
};

/* The first header of that name, letters compared without case; NULL when there is none. */
const char *fc_request_header(const struct fc_request *request, const char *name);

/* The decoded value of a query parameter; NULL when there is none, "" when it is bare. */
const char *fc_request_query(const struct fc_request *request, const char *name);
const char *fc_pairs_get(const struct fc_pairs *pairs, const char *name);

/* Fill path and query from target. MIR_USAGE: bad percent-encoding, a NUL, too many parameters. */
int fc_request_parse_target(struct fc_request *request, struct mir_error *err);

/* "a=b&c=d" of `len` bytes; with `plus`, "+" is a space (forms). *ret owned, to be cleared. */
int fc_pairs_parse(const char *text, size_t len, bool plus, struct fc_pairs *ret,
                   struct mir_error *err);
void fc_pairs_clear(struct fc_pairs *pairs);

/* Decode %XX of `len` bytes; owned, or NULL when it is badly encoded or holds a NUL. */
char *fc_percent_decode(const char *text, size_t len, bool plus);

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
#define FC_HTTP_DATE_SIZE 40
void fc_http_date(int64_t utc_s, char out[FC_HTTP_DATE_SIZE]);

void fc_reply_header(struct fc_reply *reply, const char *name, const char *fmt, ...)
    MIR_PRINTF(3, 4);

#endif
