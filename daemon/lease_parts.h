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

/* Of the things at a provider, instance and image: the last moment at which a request may have made
 * one. 0: never, or a step that makes nothing there. */
static inline int64_t made_ms(const struct mird_deployment *d, enum mird_step_kind step)
{
    return step == MIRD_STEP_INSTANCE ? d->last_create_ms
           : step == MIRD_STEP_IMAGE  ? d->last_put_ms
                                      : 0;
}

/* Before this a listing proves nothing. */
static inline int64_t settled_ms(const struct mird_deployment *d, const struct mird_rules *rules,
                                 enum mird_step_kind step)
{
    return made_ms(d, step) + rules->settle_ms;
}

/* Was there ever a request that may have made it? */
static inline bool maybe_made(const struct mird_deployment *d, enum mird_step_kind step)
{
    return d->steps[step] != MIRD_TODO || made_ms(d, step) != 0;
}

/* Is a delete only a request, after which it has to be seen gone? */
static inline bool has_to_be_seen_gone(enum mird_step_kind step)
{
    return step == MIRD_STEP_INSTANCE || step == MIRD_STEP_IMAGE;
}

/* Are hooks that were read back once to be asked for again: the deadline has moved, or one of them
 * has to be seen again? */
static inline bool hooks_due(const struct mird_deployment *d, int64_t now_ms)
{
    return d->hooks_stale || (d->hooks_again_ms && d->hooks_again_ms <= now_ms);
}

/* When the deploy operation is answered although the site is not live; INT64_MAX: never. */
static inline int64_t goal_late_ms(const struct mird_deployment *d, const struct mird_rules *rules)
{
    if (d->goal_over || !d->seen_running)
        return INT64_MAX;
    return d->running_ms + rules->live_timeout_ms;
}

/* The last moment at which a teardown is not stuck yet. */
static inline int64_t stuck_at_ms(const struct mird_deployment *d, const struct mird_rules *rules)
{
    int64_t made = max64(made_ms(d, MIRD_STEP_INSTANCE), made_ms(d, MIRD_STEP_IMAGE));
    int64_t since_ms = max64(d->ending_since_s * 1000, made ? made + rules->settle_ms : 0);
    return since_ms + MIRD_STUCK_AFTER_S * 1000;
}

/* No news. What is not counted is never read, and zeroing it for every turn costs. */
static inline void news_begin(struct mird_news *news)
{
    news->event_count = news->end_count = news->audit_count = 0;
    news->error = (struct mir_error){0};
    news->operation = NULL;
    news->receipt = false;
}

/* lease_trail.c: what an input that was just applied leaves in the trail; was: its step
 * before it. */
void mird_trail_follow(struct mird_deployment *d, enum mird_step_status was,
                       const struct mird_rules *rules, const struct mird_input *in, int64_t now_ms);

/* lease_audit.c: the rows of the audit log, added to the news. */
void mird_lease_audit(const struct mird_deployment *before, const struct mird_deployment *after,
                      const struct mird_input *in, int64_t now_ms, struct mird_news *news);

#endif
