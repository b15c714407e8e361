/* SPDX-License-Identifier: ISC */
/*
 * One call to AWS: built, signed, sent, repeated where that can help, and its refusal made an
 * error; and above it the calls that a table describes (struct ec2_operation). The one place where
 * requests leave.
 *
 * A call is over at its `until_ms`, whatever happens. Its outcome is that of all its attempts: once
 * one of them may have been carried out, only a success says more than UNKNOWN.
 */
#ifndef EC2_CALL_H
#define EC2_CALL_H

#include <jansson.h>

#include "api/http.h"
#include "api/record.h"
#include "api/xml.h"
#include "ec2/session.h"
#include "ec2/sign.h"

#define EC2_REPLY_DEFAULT ((size_t)16 << 20) /* bytes of body */

/* Reads a success's answer; -1 (MIR_CORRUPT) makes it a failed attempt. Called once per attempt. */
typedef int ec2_accept_fn(void *ctx, const struct mir_http_response *response,
                          struct mir_error *err);

/* All borrowed. A zero or NULL is the plain choice. */
struct ec2_call {
    enum ec2_service service;
    const char *operation; /* for messages: "RunInstances" */
    const char *method;    /* NULL: POST */
    const char *host_name; /* put in front of the endpoint's host, with a dot: a bucket */
    const char *path;      /* behind the endpoint's own; encoded once */
    const struct ec2_pair *query;
    size_t query_count;
    const struct mir_http_header *headers;
    size_t header_count;
    const void *body;
    size_t body_len;
    const char *payload; /* as struct ec2_sign_request has it */
    bool payload_header;
    bool anonymous; /* not signed */
    bool reads;     /* changes nothing: nothing can have happened */
    bool once;      /* a second time would make a second thing: never repeated after an unknown end,
                       and on a connection of its own */
    bool secret;    /* the answer is wiped */
    size_t reply_max;       /* 0: EC2_REPLY_DEFAULT */
    int attempt_timeout_ms; /* 0: the session's */
    unsigned attempts_max;  /* 0: the session's; 1: for whoever repeats it by rules of its own */
    ec2_accept_fn *accept;
    void *accept_ctx;
};

/* *ret (NULL: not wanted) is the answer of a success, to be cleared. */
int ec2_call(struct ec2_session *session, const struct ec2_call *call, int64_t until_ms,
             struct mir_http_response *ret, struct mir_error *err);

/* --- calls that are described by a table --- */

enum ec2_protocol { EC2_QUERY = 0, EC2_JSON11, EC2_REST_JSON };

struct ec2_operation {
    const char *name;
    enum ec2_service service;
    enum ec2_protocol protocol;
    const char *version; /* QUERY: "2016-11-15"; JSON11: the prefix of X-Amz-Target */
    const char *method;  /* REST_JSON; parameters of GET and DELETE stand in the address */
    const struct mir_table *request; /* NULL: no parameters */
    const struct mir_table *reply;   /* NULL: nothing of it is read */
    const char *result;              /* QUERY: path of what is read; "" the root */
    bool reads, once, anonymous, secret;
    int page;               /* more than 0: asked for in pages of so many */
    const char *page_size;  /* the parameter that says so: "MaxResults" */
    const char *page_token; /* in the request: "NextToken" */
    const char *page_next;  /* in the reply: "nextToken" */
};

/* args and ret are what the tables describe. *ret has to be zeroed and is to be cleared by the
 * caller, whatever comes back. DryRunOperation is a success with nothing in *ret. `path` is for
 * REST_JSON, encoded. */
int ec2_operate(struct ec2_session *session, const struct ec2_operation *operation,
                const void *args, int64_t until_ms, void *ret, struct mir_error *err);
int ec2_operate_at(struct ec2_session *session, const struct ec2_operation *operation,
                   const char *path, const void *args, int64_t until_ms, void *ret,
                   struct mir_error *err);

/* The same, and all of its pages: rows are appended. */
int ec2_operate_all(struct ec2_session *session, const struct ec2_operation *operation,
                    const void *args, int64_t until_ms, void *ret, struct mir_error *err);
int ec2_operate_all_at(struct ec2_session *session, const struct ec2_operation *operation,
                       const char *path, const void *args, int64_t until_ms, void *ret,
                       struct mir_error *err);

#endif
