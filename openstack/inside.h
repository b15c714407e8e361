/* SPDX-License-Identifier: ISC */
/* The inside of a session, for the files of this room that make calls possible. */
#ifndef OPENSTACK_INSIDE_H
#define OPENSTACK_INSIDE_H

#include <pthread.h>

#include "api/http.h"
#include "api/retry.h"
#include "api/secret.h"
#include "catalog.h"
#include "openstack/session.h"

/* Where a service is, and how it is spoken to, once that was found out. */
struct os_endpoint {
    bool known;
    char *url;        /* calls' paths follow; no slash at its end; owned */
    int microversion; /* the N of 2.N; 0: none */
};

/* Of a service's endpoint: one thread looks, for all. */
struct os_search {
    bool under_way;
    unsigned rounds;       /* that are over */
    struct mir_error said; /* of the last one; kind MIR_OK: it was found */
};

/* Who we are until it expires. */
struct os_token {
    struct mir_secret text; /* empty: there is none */
    int64_t good_until_ms;  /* boot-time clock */
    int64_t early_ms;       /* how long before that another one is got */
    struct os_who who;
};

struct os_session {
    const struct os_cloud *cloud;
    int connect_timeout_ms, attempt_timeout_ms;
    const struct mir_clock *clock;
    void (*wait)(void *ctx, int64_t ms);
    void *wait_ctx;
    struct mir_http_client *client;
    struct mir_retry_shared retry; /* with a lock of its own */
    pthread_mutex_t lock;          /* of all below */
    pthread_cond_t changed;
    int64_t date_ms, date_boot_ms;
    bool authenticating;      /* a thread does it for all */
    unsigned rounds;          /* of authentication that are over */
    struct mir_error refusal; /* of the last one; kind MIR_OK: it succeeded */
    int64_t refusal_until_ms; /* nobody asks again before */
    struct os_token token;
    struct os_endpoint endpoints[OS_SERVICE_COUNT];
    struct os_search searches[OS_SERVICE_COUNT];
};

/* Milliseconds that are left. */
int64_t os_left(const struct os_session *session, int64_t until_ms);

/* With the lock, which is let go meanwhile: until another thread, which does something for all, has
 * raised *rounds and said so by `changed`. -1: it took too long. */
int os_wait_round(struct os_session *session, const unsigned *rounds, int64_t until_ms);

/* --- token.c --- */

/* A copy of the token, which is good for `good_ms` more at least where the cloud gives such; empty
 * where none is used. Authenticates. */
int os_token_get(struct os_session *session, int64_t good_ms, int64_t until_ms,
                 struct mir_secret *ret, struct mir_error *err);

/* It was refused: is there to be another one? */
bool os_token_refused(struct os_session *session, const struct mir_secret *token);

/* --- discover.c --- */

/* Of the service: found out where it was not, by one thread for all that want to know at once; what
 * it was told holds for the others, too, but that its time was over. `ret` is owned. */
int os_endpoint_get(struct os_session *session, enum os_service service, int64_t until_ms,
                    struct os_endpoint *ret, struct mir_error *err);

#endif
