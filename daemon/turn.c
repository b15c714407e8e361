/* SPDX-License-Identifier: ISC */
#include "daemon/turn.h"

#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "lease_parts.h"

/* --- the time --- */

int64_t mird_now_since(const struct mird_now_mark *mark, const char *boot, int64_t boot_ms)
{
    bool same = *mark->boot && !strcmp(mark->boot, boot) && boot_ms > mark->boot_ms;
    return mark->utc_ms + (same && mark->utc_ms ? boot_ms - mark->boot_ms : 0);
}

int64_t mird_now_least(const struct mird_now_mark *mark, int64_t newest_ms, const char *boot,
                       int64_t boot_ms)
{
    int64_t since_ms = mird_now_since(mark, boot, boot_ms);
    if (!newest_ms)
        return 0;
    return newest_ms > since_ms ? newest_ms : since_ms;
}

void mird_now_begin(struct mird_now *now, int64_t utc_ms, int64_t boot_ms, int64_t least_ms)
{
    *now = (struct mird_now){.utc_ms = utc_ms > least_ms ? utc_ms : least_ms, .boot_ms = boot_ms};
}

int64_t mird_now_read(struct mird_now *now, int64_t utc_ms, int64_t boot_ms)
{
    int64_t least_ms = now->utc_ms + (boot_ms - now->boot_ms);
    if (utc_ms < least_ms)
        return least_ms;
    now->stepped_ms += utc_ms - least_ms;
    now->utc_ms = utc_ms;
    now->boot_ms = boot_ms;
    return utc_ms;
}

int64_t mird_now_told(struct mird_now *now, int64_t told_ms, int64_t boot_ms)
{
    int64_t ahead_ms = told_ms - (now->utc_ms + (boot_ms - now->boot_ms));
    if (ahead_ms <= 0)
        return 0;
    now->stepped_ms += ahead_ms;
    now->utc_ms = told_ms;
    now->boot_ms = boot_ms;
    return ahead_ms;
}

int64_t mird_now_to_boot_ms(int64_t until_ms, int64_t now_ms, int64_t boot_ms)
{
    if (until_ms == MIRD_NEVER)
        return MIRD_NEVER;
    int64_t left_ms = until_ms - now_ms;
    return boot_ms + (left_ms > 0 ? left_ms : 0);
}

/* --- rules --- */

struct mird_rules mird_rules_make(unsigned settle_s, bool paid, bool image_needed,
                                  int64_t live_timeout_ms)
{
    return (struct mird_rules){.settle_ms = (int64_t)settle_s * 1000,
                               .live_timeout_ms = live_timeout_ms,
                               .backoff_min_ms = paid ? 1000 : 50,
                               .backoff_max_ms = paid ? 15000 : 2000,
                               .tries_max = 5,
                               .paid = paid,
                               .image_needed = image_needed};
}

/* --- a transition and the store --- */

bool mird_turn_must(const struct mird_input *input, const struct mird_operation *op)
{
    return op || input->kind == MIRD_IN_INTEND || input->kind == MIRD_IN_EXTEND;
}

int mird_turn_apply(struct mird_deployment *d, const struct mird_deployment *stored,
                    const struct mird_rules *rules, const struct mird_input *input,
                    const struct mird_operation *op, int64_t now_ms, struct mird_turn *ret,
                    struct mird_news *news, struct mir_error *err)
{
    struct mird_turn turn = {.must = mird_turn_must(input, op)};
    if (mird_lease_apply(d, rules, input, now_ms, &turn.weight, err))
        return -1;
    news_begin(news);
    if (turn.weight != MIRD_UNCHANGED || op) {
        mird_lease_told(stored, d, input, now_ms, news);
        news->operation = op;
        turn.write = turn.weight == MIRD_DURABLE || news->event_count || news->end_count || op;
        if (turn.write) /* what is not written now is for the audit rows of the write that comes */
            mird_lease_audit(stored, d, input, now_ms, news);
    }
    *ret = turn;
    return 0;
}

enum mird_unwritten mird_turn_unwritten(const struct mird_turn *turn,
                                        const struct mird_input *input)
{
    if (!turn->must)
        return MIRD_GO_ON;
    /* Asked for is asked for: it ends, only the answer is a failure. */
    return input->kind == MIRD_IN_REMOVE ? MIRD_GO_ON_NO : MIRD_TAKE_BACK;
}

bool mird_turn_intend_first(struct mird_deployment *d, const struct mird_rules *rules,
                            int64_t now_ms, struct mird_news *ret_news)
{
    const struct mird_input intend = {.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE};
    const struct mird_deployment before = *d;
    enum mird_weight weight;
    struct mird_action first = mird_lease_next(d, rules, now_ms);
    if (first.kind != MIRD_ACT_BEGIN || first.step != MIRD_STEP_INSTANCE)
        return false;
    mird_lease_apply(d, rules, &intend, now_ms, &weight, NULL);
    mird_lease_news(&before, d, &intend, now_ms, ret_news);
    return d->steps[MIRD_STEP_INSTANCE] == MIRD_INTENT;
}

bool mird_turn_may_send(const struct mird_deployment *d, enum mird_step_kind step)
{
    bool rearming = step == MIRD_STEP_HOOKS && d->steps[step] == MIRD_DONE;
    return d->end_reason == MIRD_END_NONE && (d->steps[step] == MIRD_INTENT || rearming);
}

/* --- answers --- */

void mird_turn_failed(struct mir_error *error, struct mird_input *input)
{
    enum mir_kind kind = error->kind;
    bool passing = kind == MIR_UNAVAILABLE || kind == MIR_THROTTLED || kind == MIR_TIMEOUT;
    if (passing && error->retry == MIR_RETRY_NEVER)
        error->retry = MIR_RETRY_TRANSIENT;
    input->kind = error->outcome == MIR_DID_NOT_HAPPEN ? MIRD_IN_REFUSED : MIRD_IN_UNKNOWN;
    input->error = error;
}

void mird_turn_never_started(const struct mird_deployment *d, struct mir_instance *found)
{
    enum mird_step_status status = d->steps[MIRD_STEP_INSTANCE];
    bool never = status == MIRD_INTENT && !found->started_ms;
    bool unseen = status == MIRD_DONE && !*found->id;
    if (found->state == MIR_INSTANCE_ENDED && (never || unseen))
        found->state = MIR_INSTANCE_ABSENT;
}

/* The kernel and the wishes of its owner are lost with the database: it is not listed, and once
 * it is over it is never started again. */
void mird_turn_found(const struct mir_instance *found, const char *provider, int64_t now_ms,
                     struct mird_deployment *ret)
{
    *ret = (struct mird_deployment){.wants_url = true,
                                    .created_s = now_ms / 1000,
                                    .deadline_s = found->tags.expires_s,
                                    .last_create_ms = now_ms,
                                    .last_put_ms = now_ms,
                                    .goal_over = true,
                                    .port_count = found->port_count};
    ret->steps[MIRD_STEP_IMAGE] = MIRD_DONE;
    ret->steps[MIRD_STEP_INSTANCE] = MIRD_INTENT;
    if (found->started_ms > 0 && found->started_ms < now_ms)
        ret->created_s = found->started_ms / 1000;
    mir_copy(ret->id, sizeof ret->id, found->tags.deployment);
    mir_copy(ret->provider, sizeof ret->provider, provider);
    memcpy(ret->ports, found->ports, sizeof ret->ports);
    if (mir_name_valid(found->name))
        mir_copy(ret->name, sizeof ret->name, found->name);
    else
        snprintf(ret->name, sizeof ret->name, "found-%.12s", ret->id);
}

/* --- when --- */

struct mird_action mird_turn_next(const struct mird_deployment *d, const struct mird_rules *rules,
                                  const struct mird_pace *pace, int64_t now_ms, int64_t boot_ms,
                                  int64_t *ret_wake)
{
    struct mird_action next = mird_lease_next(d, rules, now_ms);
    *ret_wake = MIRD_NEVER;
    if (next.kind == MIRD_ACT_WAIT || next.kind == MIRD_ACT_WATCH)
        *ret_wake = mird_now_to_boot_ms(next.until_ms, now_ms, boot_ms);
    if (next.kind == MIRD_ACT_WATCH && pace->watch_boot_ms > boot_ms) {
        next.kind = MIRD_ACT_WAIT;
        if (pace->watch_boot_ms < *ret_wake)
            *ret_wake = pace->watch_boot_ms;
    } else if (next.kind == MIRD_ACT_BEGIN && pace->hold_boot_ms > boot_ms) {
        next.kind = MIRD_ACT_WAIT;
        *ret_wake = pace->hold_boot_ms;
    }
    return next;
}

void mird_pace_held(struct mird_pace *pace, int64_t boot_ms)
{
    pace->hold_boot_ms = boot_ms + MIRD_HOLD_MS;
}

void mird_pace_launched(struct mird_pace *pace, int64_t boot_ms)
{
    pace->watch_every_ms = MIRD_WATCH_FIRST_MS;
    pace->watch_boot_ms = boot_ms + MIRD_WATCH_FIRST_MS;
}

void mird_pace_watched(struct mird_pace *pace, unsigned poll_ms, int64_t boot_ms)
{
    unsigned twice_ms = 2 * pace->watch_every_ms;
    pace->watch_every_ms = twice_ms && twice_ms < poll_ms ? twice_ms : poll_ms;
    pace->watch_boot_ms = boot_ms + pace->watch_every_ms;
}

int64_t mird_turn_wake(int64_t wake_boot_ms, bool written, int64_t boot_ms)
{
    int64_t retry_ms = boot_ms + MIRD_HOLD_MS;
    return written || wake_boot_ms < retry_ms ? wake_boot_ms : retry_ms;
}

bool mird_turn_urgent(const struct mird_deployment *d, int64_t wake_boot_ms, int64_t now_ms,
                      int64_t boot_ms)
{
    if (d->end_reason != MIRD_END_NONE || mir_forever(d->deadline_s))
        return d->end_reason != MIRD_END_NONE;
    return mird_now_to_boot_ms(mird_deployment_due_s(d) * 1000, now_ms, boot_ms) <= wake_boot_ms;
}
