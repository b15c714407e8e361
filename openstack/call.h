/* SPDX-License-Identifier: ISC */
/*
 * One call to a service: sent with a token, repeated where that can help, and its refusal made an
 * error; and above it the calls that a table describes (struct os_operation). The one place where
 * requests leave.
 *
 * A call is over at its `until_ms`, whatever happens. Its outcome is that of all its attempts: once
 * one of them may have been carried out, only a success says more than UNKNOWN.
 */
#ifndef OPENSTACK_CALL_H
#define OPENSTACK_CALL_H

#include <jansson.h>

#include "api/http.h"
#include "api/record.h"
#include "openstack/session.h"

#define OS_REPLY_DEFAULT ((size_t)16 << 20) /* bytes of body */
#define OS_CALL_HEADERS_MAX 24              /* the caller's own */

/* Reads a success's answer; -1 (MIR_CORRUPT) makes it a failed attempt. Called once per attempt. */
typedef int os_accept_fn(void *ctx, const struct mir_http_response *response,
                         struct mir_error *err);

/* All borrowed. A zero or NULL is the plain choice. */
struct os_call {
    enum os_service service;
    const char *operation; /* for messages: "CreateServer" */
    const char *method;    /* NULL: GET */
    const char *url;       /* instead of the service's endpoint, path included */
    const char *path;      /* behind the endpoint; encoded */
    const char *query;     /* "limit=5&name=x", encoded */
    const struct mir_http_header *headers;
    size_t header_count;
    const char *accept_type; /* NULL: application/json */
    const void *body;
    size_t body_len;
    struct mir_http_stream stream; /* instead; sent once, whatever is answered */
    bool anonymous;                /* no token is sent */
    bool reads;                    /* changes nothing: nothing can have happened */
    bool once;    /* a second time would make a second thing: never repeated after an unknown end,
                     and on a connection of its own */
    bool choices; /* 300 is a success: a list of versions */
    bool secret;  /* the answer is wiped */
    int64_t token_good_ms;  /* how long the token has to be good; 0: a plain call's time */
    size_t reply_max;       /* 0: OS_REPLY_DEFAULT */
    int attempt_timeout_ms; /* 0: the session's; -1: until the call's own end */
    os_accept_fn *accept;
    void *accept_ctx;
};

/* *ret (NULL: not wanted) is the answer of a success, to be cleared. */
int os_call(struct os_session *session, const struct os_call *call, int64_t until_ms,
            struct mir_http_response *ret, struct mir_error *err);

/* --- calls that are described by a table --- */

enum os_paging {
    OS_NO_PAGES = 0,
    OS_PAGES_LINKS, /* "<things>_links": [{"rel": "next", "href"}] beside the list */
    OS_PAGES_NEXT   /* "next": an address, or null */
};

struct os_operation {
    const char *name;
    enum os_service service;
    const char *method;              /* parameters of GET stand in the address */
    const char *path;                /* "/servers/%/action": each % is a part that the call gives */
    const struct mir_table *request; /* NULL: no parameters; names begin with "server." */
    const struct mir_table *reply;   /* NULL: nothing of it is read */
    const char *result;              /* member of the reply that is read; NULL: all of it */
    const char *body;                /* what is sent where nothing else is: "{\"os-start\":null}" */
    const char *content_type;        /* NULL: application/json */
    const char *accept_type;         /* NULL: application/json */
    bool reads, once, secret;
    enum os_paging paging;
    const char *page_next; /* "servers_links", "next" */
    int page;              /* `limit`; 0: none is asked for */
};

#define OS_PARTS_MAX 3

/* args and ret are what the tables describe; `parts` fill the path, percent-encoded. *ret has to be
 * zeroed and is to be cleared by the caller, whatever comes back. A part that is empty or "." or
 * ".." is MIR_USAGE: the path would mean something else. */
int os_operate(struct os_session *session, const struct os_operation *operation,
               const char *const *parts, const void *args, int64_t until_ms, void *ret,
               struct mir_error *err);

/* The same, and all of its pages: rows are appended. */
int os_operate_all(struct os_session *session, const struct os_operation *operation,
                   const char *const *parts, const void *args, int64_t until_ms, void *ret,
                   struct mir_error *err);

/* With a JSON body of one's own (borrowed) instead of a request table. */
int os_operate_json(struct os_session *session, const struct os_operation *operation,
                    const char *const *parts, const json_t *body, int64_t until_ms, void *ret,
                    struct mir_error *err);

/* --- what is pure in it, for tests --- */

/* The path with its parts put in, owned; NULL with MIR_USAGE. */
char *os_path_fill(const char *path, const char *const *parts, struct mir_error *err);

/* What of an answer leads to its next page: a query without "?", in `ret`; "" there is none. An
 * address that names another host or path is not followed: only its query is taken. */
int os_page_next(const struct os_operation *operation, const json_t *reply, char *ret, size_t size,
                 struct mir_error *err);

#endif
