/* SPDX-License-Identifier: ISC */
/* What the two halves of the lease machine share: small pure questions about a record. */
#ifndef MIRD_LEASE_PARTS_H
#define MIRD_LEASE_PARTS_H

#include "daemon/lease.h"

static inline int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Before this a listing proves nothing. */
static inline int64_t settled_ms(const struct mird_deployment *d, const struct mird_rules *rules)
{
    return d->last_create_ms + rules->settle_ms;
}

/* Was there ever a request that may have made it? */
static inline bool maybe_made(const struct mird_deployment *d, enum mird_step_kind step)
{
    return d->steps[step] != MIRD_TODO || (step == MIRD_STEP_INSTANCE && d->last_create_ms != 0);
}

/* When the deploy operation is answered although the site is not live; INT64_MAX: never. */
static inline int64_t goal_late_ms(const struct mird_deployment *d, const struct mird_rules *rules)
{
    if (d->goal_over || !d->seen_running)
        return INT64_MAX;
    return d->running_ms + rules->live_timeout_ms;
}

/* The last moment at which a teardown is not stuck yet. */
static inline int64_t stuck_at_ms(const struct mird_deployment *d)
{
    return (d->ending_since_s + MIRD_STUCK_AFTER_S) * 1000;
}

/* lease_trail.c: what an input that was just applied leaves in the trail; was: the instance's step
 * before it. */
void mird_trail_follow(struct mird_deployment *d, enum mird_step_status was,
                       const struct mird_rules *rules, const struct mird_input *in, int64_t now_ms);

/* lease_audit.c: the rows of the audit log, added to the news. */
void mird_lease_audit(const struct mird_deployment *before, const struct mird_deployment *after,
                      const struct mird_input *in, int64_t now_ms, struct mird_news *news);

#endif
