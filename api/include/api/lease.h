/* SPDX-License-Identifier: ISC */
/*
 * The noun "lease": a deployment's right to exist. Only the store hands out leases marked
 * durable, and no provider may be asked to create anything without one. Pure; any thread.
 */
#ifndef API_LEASE_H
#define API_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "api/clock.h"
#include "api/error.h"
#include "api/id.h"

/* The deadline of a lease that has no end: 9999-12-31T23:59:59Z, the last second that RFC 3339 can
 * write, which is what its tags say. It compares as the far future that it is, and has room above
 * it for milliseconds and graces; no policy lets a deadline be asked for that is as far away. */
#define MIR_FOREVER_S INT64_C(253402300799)

static inline bool mir_forever(int64_t deadline_s)
{
    return deadline_s >= MIR_FOREVER_S;
}

/* "2026-11-20T23:57:03Z", or "no deadline" */
void mir_deadline_format(int64_t deadline_s, char out[MIR_TIME_SIZE]);

/* Why something may run for ever: one line of printable UTF-8, not blank. MIR_USAGE. */
#define MIR_REASON_MAX 200 /* bytes */
int mir_reason_check(const char *text, struct mir_error *err);

#define MIR_SIGNATURE_TEXT 65 /* HMAC-SHA256 in hex, terminator included */

struct mir_lease {
    char id[MIR_ID_TEXT]; /* = the deployment's id; also the client token of its instance */
    int64_t deadline_s;   /* UTC seconds; MIR_FOREVER_S: none */
    bool durable;         /* set by the store after its commit returned, and only there */
    /* Of the tags that say this deadline (provider.h): they follow an extension. "" leaves those
     * on the object as they are. */
    char signature[MIR_SIGNATURE_TEXT];
    unsigned hooks_else; /* hooks that are armed for this deadline, and not the provider's; only
                            hooks_arm asks */
};

#endif
