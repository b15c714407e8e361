/* SPDX-License-Identifier: ISC */
/* The first half of the lease machine: what a deployment needs next. */
#include "lease_parts.h"

/* The instance goes first, because it is what runs and costs; its hooks stay armed until it is
 * seen gone; the image may be in use until then. */
static const enum mird_step_kind undo_order[MIRD_STEP_COUNT] = {MIRD_STEP_INSTANCE, MIRD_STEP_SITE,
                                                                MIRD_STEP_HOOKS, MIRD_STEP_IMAGE};

static struct mird_action act(enum mird_action_kind kind, enum mird_step_kind step,
                              int64_t until_ms)
{
    return (struct mird_action){.kind = kind, .step = step, .until_ms = until_ms};
}

static struct mird_action ending_next(const struct mird_deployment *d,
                                      const struct mird_rules *rules, int64_t now_ms)
{
    int64_t stuck_ms = stuck_at_ms(d, rules);
    if (!d->stuck && now_ms >= stuck_ms)
        return act(MIRD_ACT_TICK, MIRD_STEP_INSTANCE, 0);
    for (size_t i = 0; i < MIRD_STEP_COUNT; i++) {
        enum mird_step_kind step = undo_order[i];
        if (d->steps[step] == MIRD_UNDONE)
            continue;
        if (!maybe_made(d, step))
            return act(MIRD_ACT_TICK, step, 0);
        /* What was asked to go is looked for again and again, before the settling time is over as
         * well: too early to prove that it is gone, not too early to find it. */
        if (d->retry_at_ms <= now_ms)
            return act(d->steps[step] == MIRD_UNDOING ? MIRD_ACT_CONFIRM : MIRD_ACT_UNDO, step, 0);
        return act(MIRD_ACT_WAIT, step,
                   d->stuck ? d->retry_at_ms : min64(d->retry_at_ms, stuck_ms));
    }
    return act(MIRD_ACT_TICK, MIRD_STEP_INSTANCE, 0);
}

static bool step_wanted(const struct mird_deployment *d, const struct mird_rules *rules,
                        enum mird_step_kind step, int64_t now_ms)
{
    enum mird_step_status status = d->steps[step];
    if (status == MIRD_DONE || status == MIRD_UNDONE)
        return step == MIRD_STEP_HOOKS && hooks_due(d, now_ms);
    if (step == MIRD_STEP_IMAGE)
        return rules->image_needed;
    return step != MIRD_STEP_SITE || *d->url;
}

struct mird_action mird_lease_next(const struct mird_deployment *d, const struct mird_rules *rules,
                                   int64_t now_ms)
{
    if (d->finished_s)
        return act(MIRD_ACT_NONE, MIRD_STEP_IMAGE, INT64_MAX);
    if (d->end_reason != MIRD_END_NONE)
        return ending_next(d, rules, now_ms);
    int64_t deadline_ms = mird_deployment_due_s(d) * 1000;
    int64_t late_ms = goal_late_ms(d, rules);
    if (now_ms >= deadline_ms || now_ms >= late_ms)
        return act(MIRD_ACT_TICK, MIRD_STEP_IMAGE, 0);
    int64_t until_ms = mir_forever(d->deadline_s) ? late_ms : min64(deadline_ms, late_ms);
    if (d->hooks_again_ms > now_ms)
        until_ms = min64(until_ms, d->hooks_again_ms);
    for (int k = 0; k < MIRD_STEP_COUNT; k++) {
        enum mird_step_kind step = (enum mird_step_kind)k;
        if (!step_wanted(d, rules, step, now_ms))
            continue;
        if (d->retry_at_ms > now_ms) {
            until_ms = min64(until_ms, d->retry_at_ms);
            break;
        }
        bool maybe = step == MIRD_STEP_INSTANCE && d->steps[step] == MIRD_INTENT;
        return act(maybe ? MIRD_ACT_LOOK : MIRD_ACT_BEGIN, step, 0);
    }
    bool runs = d->steps[MIRD_STEP_INSTANCE] == MIRD_DONE;
    return act(runs ? MIRD_ACT_WATCH : MIRD_ACT_WAIT, MIRD_STEP_INSTANCE, until_ms);
}
