/* SPDX-License-Identifier: ISC */
/*
 * What calls to one OpenStack have in common: who asks (a token, got when the first call needs it,
 * once for all threads, and again before it expires or when it is refused), where each service is
 * (the catalog, or an endpoint of the user's), which version of it is spoken, the connections, the
 * clock, and the quota of further attempts. Every binding takes one.
 *
 * Any thread, several at once. Calls block; each is given the moment at which it has to be over, in
 * milliseconds of the session's boot-time clock (os_until makes one), which covers all of it:
 * authentication, discovery, attempts, waits and pages.
 *
 * Errors of every call: MIR_CREDENTIALS, MIR_POLICY (not allowed to have so much: quota),
 * MIR_NOT_FOUND, MIR_CONFLICT, MIR_USAGE (refused as senseless; also: the cloud has no such
 * service, with the code EndpointNotFound), MIR_THROTTLED, MIR_UNAVAILABLE, MIR_TIMEOUT,
 * MIR_CORRUPT (an answer that cannot be read), each with the service's own code, request id,
 * `outcome` and `retry`; openstack/errors.c is the table. No service has a token that makes
 * creating safe to repeat, so what creates is sent once, and after a lost answer, or one that says
 * 5xx, its outcome is unknown: it may be there.
 *
 * Sources: the API references of the services (docs.openstack.org/api-ref), "API discovery",
 * "microversions" and "catalog" of the API working group's guidelines
 * (specs.openstack.org/api-sig).
 */
#ifndef OPENSTACK_SESSION_H
#define OPENSTACK_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "api/clock.h"
#include "api/error.h"
#include "api/id.h"
#include "openstack/cloud.h"

#define OS_ID_TEXT 72 /* an id: a UUID with or without dashes, or 64 hex digits (users) */
#define OS_REGION_TEXT 256

/* All borrowed as long as the session lives. */
struct os_session_settings {
    const struct os_cloud *cloud;
    unsigned attempts_max;           /* of one call; 0: 3 */
    int connect_timeout_ms;          /* 0: 10 000 */
    int attempt_timeout_ms;          /* 0: 60 000 */
    const struct mir_clock *clock;   /* NULL: the machine's */
    unsigned connections_max;        /* kept when idle; 0: 64 */
    const struct mir_random *random; /* NULL: the machine's */
    /* For tests: how the time between two attempts is spent; NULL: really. */
    void (*wait)(void *ctx, int64_t ms);
    void *wait_ctx;
};

struct os_session;

/* Asks nobody. MIR_USAGE: what the cloud says is not enough to authenticate, or of a kind that
 * nothing can be deployed with (the scope of a domain or of the system). Owned. */
struct os_session *os_session_new(const struct os_session_settings *settings,
                                  struct mir_error *err);
void os_session_free(struct os_session *session); /* no call may run; NULL allowed */

const struct os_cloud *os_session_cloud(const struct os_session *session); /* borrowed */

/* The moment `limit_ms` from now. */
int64_t os_until(const struct os_session *session, int64_t limit_ms);

/* "nova": the project that answers, as messages and fault points have it. Never NULL. */
const char *os_service_name(enum os_service service);

/* Where calls of the service go: "https://nova.example/v2.1", without a slash at its end. Owned.
 * Authenticates and discovers where that was not done yet. */
int os_session_endpoint(struct os_session *session, enum os_service service, int64_t until_ms,
                        char **ret, struct mir_error *err);

/* Does the cloud have it? An error is one of asking: no answer is not "no". */
int os_session_has(struct os_session *session, enum os_service service, int64_t until_ms, bool *ret,
                   struct mir_error *err);

/* The region that the calls go to; "" when neither the user nor the catalog names one. */
int os_session_region(struct os_session *session, int64_t until_ms, char ret[OS_REGION_TEXT],
                      struct mir_error *err);

/* The microversion that is spoken, 2.N with N in *ret_minor: the user's, else the newest that both
 * sides know. 0: the service has none. Only Nova is asked. */
int os_session_microversion(struct os_session *session, enum os_service service, int64_t until_ms,
                            int *ret_minor, struct mir_error *err);

/* The newest word of Keystone's is that it does not know us: what the cloud says of us is wrong, or
 * has ended. */
bool os_session_refused(struct os_session *session);

/* What the newest dated answer said: UTC ms, and when by the boot-time clock it came; 0: none. */
int64_t os_session_date(struct os_session *session, int64_t *ret_boot_ms);

#endif
