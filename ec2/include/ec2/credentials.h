/* SPDX-License-Identifier: ISC */
/*
 * Who signs: an AWS access key with its secret, and where such keys come from. A source is anything
 * that can give the credentials of now; it refreshes them by itself before they expire.
 */
#ifndef EC2_CREDENTIALS_H
#define EC2_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "api/error.h"
#include "api/secret.h"

#define EC2_KEY_ID_TEXT 160 /* AWS: 16..128 characters */

/* Owned by one thread; a zeroed one is empty. */
struct ec2_credentials {
    char access_key_id[EC2_KEY_ID_TEXT];
    struct mir_secret secret;
    struct mir_secret session_token; /* empty: a long-term key */
    int64_t expires_s;               /* UTC; 0: never */
    char account_id[16];             /* "" unknown */
    char source[160];                /* where they came from, for people; never a secret */
};

void ec2_credentials_clear(struct ec2_credentials *credentials);
void ec2_credentials_copy(struct ec2_credentials *to, const struct ec2_credentials *from);
#define ec2_auto_credentials MIR_CLEANUP(ec2_credentials_clear)

/* Gives a copy that the caller clears. Any thread, several at once; may block as long as its own
 * time limits allow. Errors: MIR_CREDENTIALS (there are none, or they were refused), and whatever
 * asking for them can fail with. */
struct ec2_credential_source {
    int (*get)(void *ctx, struct ec2_credentials *ret, struct mir_error *err);
    void *ctx;
    /* Optional: a service has refused what get gave under this access key. True: get may give
     * others now; false: it would give the same, and nothing is gained by asking. */
    bool (*refused)(void *ctx, const char *access_key_id);
};

/* Always these; `credentials` is borrowed and must not change while the source is used. */
struct ec2_credential_source ec2_credentials_fixed(struct ec2_credentials *credentials);

#endif
