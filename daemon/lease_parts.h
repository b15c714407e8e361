/* SPDX-License-Identifier: ISC */
/* What the two halves of the lease machine share: small pure questions about a record. */
#ifndef MIRD_LEASE_PARTS_H
#define MIRD_LEASE_PARTS_H

#include <string.h>

#include "api/memory.h"
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

/* Does an extension wait for its hooks that is refused when they cannot be armed? */
static inline bool goes_back(const struct mird_deployment *d)
{
    return mird_deployment_due_s(d) != d->deadline_s;
}

static inline void keep_error(struct mird_deployment *d, const struct mir_error *error)
{
    if (!error)
        return;
    mir_copy(d->error_code, sizeof d->error_code, mir_kind_info(error->kind)->name);
    mir_copy(d->error_text, sizeof d->error_text, error->text);
    mir_copy(d->error_hint, sizeof d->error_hint, error->hint);
    mird_text_clean(d->error_text);
    mird_text_clean(d->error_hint);
}

/* Twice as long with each attempt. On the way down there is a most: soon and often while there is
 * hope that it goes well; once it is stuck, every ten seconds for ever. */
static inline int64_t pause_ms(const struct mird_deployment *d, const struct mird_rules *rules,
                               int64_t most_ms)
{
    unsigned shift = d->attempts < 16 ? d->attempts : 16;
    int64_t pause = min64(rules->backoff_min_ms << shift, rules->backoff_max_ms);
    return min64(pause, d->stuck ? max64(most_ms, MIRD_STUCK_MS) : most_ms);
}

static inline void try_later(struct mird_deployment *d, const struct mird_rules *rules,
                             int64_t now_ms)
{
    d->retry_at_ms = now_ms + pause_ms(d, rules, rules->backoff_max_ms);
    d->attempts++;
}

static inline void look_later(struct mird_deployment *d, const struct mird_rules *rules,
                              int64_t most_ms, int64_t now_ms)
{
    d->retry_at_ms = now_ms + pause_ms(d, rules, most_ms);
    d->attempts++;
}

static inline void tries_over(struct mird_deployment *d)
{
    d->attempts = 0;
    d->retry_at_ms = 0;
}

static inline enum mird_weight begin_ending(struct mird_deployment *d, enum mird_end_reason reason,
                                            int64_t now_ms)
{
    d->end_reason = reason;
    d->ending_since_s = now_ms / 1000;
    tries_over(d);
    return MIRD_DURABLE;
}

static inline enum mird_weight fail_for_good(struct mird_deployment *d,
                                             const struct mir_error *error, int64_t now_ms)
{
    keep_error(d, error);
    return begin_ending(d, MIRD_END_FAILED, now_ms);
}

static inline bool is_ending(const struct mird_deployment *d)
{
    return d->finished_s || d->end_reason != MIRD_END_NONE;
}

/* The deploy operation is over when what was wanted is there, read-back hooks included. */
static inline void check_goal(struct mird_deployment *d)
{
    if (!is_ending(d) && d->steps[MIRD_STEP_HOOKS] == MIRD_DONE &&
        (mird_deployment_has_url(d) ? d->seen_live : d->seen_running))
        d->goal_over = true;
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

/* lease_hooks.c: what was read back of the hooks; what could not be asked any more, of an extension
 * that waits for them; and the extension itself (lease.h says how it is refused). */
enum mird_weight mird_lease_hooks_done(struct mird_deployment *d, const struct mird_rules *rules,
                                       const struct mird_input *in, int64_t now_ms);
/* A request to arm them was intended, refused, answered or may have been done. */
void mird_lease_hooks_sent(struct mird_deployment *d, enum mird_input_kind how);
enum mird_weight mird_lease_hooks_denied(struct mird_deployment *d, const struct mir_error *why);
int mird_lease_extend(struct mird_deployment *d, const struct mird_rules *rules,
                      const struct mird_input *in, int64_t now_ms, struct mir_error *err);

/* lease_trail.c: what an input that was just applied leaves in the trail; was: its step
 * before it. */
void mird_trail_follow(struct mird_deployment *d, enum mird_step_status was,
                       const struct mird_rules *rules, const struct mird_input *in, int64_t now_ms);

/* lease_news.c: the news without what is for the audit log. */
void mird_lease_told(const struct mird_deployment *before, const struct mird_deployment *after,
                     const struct mird_input *input, int64_t now_ms, struct mird_news *ret);

/* lease_audit.c: the rows of the audit log, added to the news. */
void mird_lease_audit(const struct mird_deployment *before, const struct mird_deployment *after,
                      const struct mird_input *in, int64_t now_ms, struct mird_news *news);

#endif
