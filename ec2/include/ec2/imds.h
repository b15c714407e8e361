/* SPDX-License-Identifier: ISC */
/*
 * The instance metadata service of a machine in EC2, version 2 alone: a token is asked for first,
 * and nothing without it. Also what the guests' own metadata is read with in tests.
 *
 * Blocking; any thread. Never through a proxy. An address that nobody answers at costs timeout_ms.
 *
 * Errors: MIR_UNAVAILABLE, MIR_TIMEOUT (nobody there), MIR_NOT_FOUND (no such item, no role),
 * MIR_CREDENTIALS (it has none to give), MIR_CORRUPT (an answer that cannot be read), MIR_USAGE
 * (the address is none), MIR_POLICY (turned off).
 *
 * Source: EC2 user guide, "Use the Instance Metadata Service" and "Retrieve security credentials".
 */
#ifndef EC2_IMDS_H
#define EC2_IMDS_H

#include <stdbool.h>

#include "api/buf.h"
#include "ec2/credentials.h"

#define EC2_IMDS_ADDRESS "http://169.254.169.254"
#define EC2_IMDS_ADDRESS_V6 "http://[fd00:ec2::254]"
#define EC2_IMDS_ITEM_MAX 65536 /* bytes of one item */
#define EC2_IMDS_REGION_TEXT 64

struct ec2_imds_settings {
    const char *endpoint; /* NULL: EC2_IMDS_ADDRESS. Borrowed */
    int timeout_ms;       /* of one request; 0: 1 000 */
    int attempts;         /* of each; 0: 1 */
    bool disabled;        /* nobody is asked: MIR_POLICY */
};

/* One item, such as "latest/meta-data/instance-id"; appended to `ret`, whose max is a limit. */
int ec2_imds_get(const struct ec2_imds_settings *imds, const char *path, struct mir_buf *ret,
                 struct mir_error *err);

/* The credentials of the instance's role. Some that have expired are given as well: the service
 * gives such when it cannot renew them, and they may still be taken. */
int ec2_imds_credentials(const struct ec2_imds_settings *imds, struct ec2_credentials *ret,
                         struct mir_error *err);

/* The region that the instance runs in. */
int ec2_imds_region(const struct ec2_imds_settings *imds, char ret[EC2_IMDS_REGION_TEXT],
                    struct mir_error *err);

#endif
