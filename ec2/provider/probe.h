/* SPDX-License-Identifier: ISC */
/*
 * Asking for each action of the policy without doing it: calls that only look are made, calls that
 * make, change or end something are dry runs, and what knows no dry run is not asked for. Blocking,
 * a call for each action; any thread.
 */
#ifndef EC2_PROBE_H
#define EC2_PROBE_H

#include "cloud.h"

enum cloud_verdict {
    CLOUD_ALLOWED = 0,
    CLOUD_REFUSED,
    CLOUD_REFUSED_UNKNOWN, /* for a made-up thing, as a policy that goes by our tag has to */
    CLOUD_NOT_TOLD,        /* something else came in between; `said` tells */
    CLOUD_NOT_ASKED        /* cannot be asked for without doing it */
};

typedef void cloud_verdict_fn(void *ctx, const char *action, enum cloud_verdict verdict,
                              const struct mir_error *said);

/* Every action once, in the order of probe.c's tables; until_ms is the end of all of it. */
void cloud_probe(struct cloud *cloud, struct ec2_session *session, int64_t until_ms,
                 cloud_verdict_fn *fn, void *ctx);

#endif
