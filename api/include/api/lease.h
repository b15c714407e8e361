/* SPDX-License-Identifier: ISC */
/*
 * The noun "lease": a deployment's right to exist. Only the store hands out leases marked
 * durable, and no provider may be asked to create anything without one.
 */
#ifndef API_LEASE_H
#define API_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "api/id.h"

#define MIR_SIGNATURE_TEXT 65 /* HMAC-SHA256 in hex, terminator included */

struct mir_lease {
    char id[MIR_ID_TEXT]; /* = the deployment's id; also the client token of its instance */
    int64_t deadline_s;   /* UTC seconds */
    bool durable;         /* set by the store after its commit returned, and only there */
    /* Of the tags that say this deadline (provider.h): they follow an extension. "" leaves those
     * on the object as they are. */
    char signature[MIR_SIGNATURE_TEXT];
};

#endif
