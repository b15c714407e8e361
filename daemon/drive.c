/* SPDX-License-Identifier: ISC */
#include "daemon/drive.h"

#define ACTIONS_MAX 1000 /* in one go; more would be a machine that turns in a circle */

/* The intent is on the disk; the deadline or a removal may have come first. */
static enum mird_went carry_out(struct mird_drive *drive, const struct mird_drive_ops *ops,
                                void *ctx, enum mird_step_kind step)
{
    const struct mird_ask ask = {.kind = MIRD_ASK_MAKE, .step = step};
    const struct mird_deployment *d = ops->record(ctx);
    drive->intended = false;
    if (!d)
        return MIRD_WENT_AWAY;
    return mird_turn_may_send(d, step) ? ops->ask(ctx, &ask) : MIRD_WENT_ON;
}

static enum mird_went begin(struct mird_drive *drive, const struct mird_drive_ops *ops, void *ctx,
                            enum mird_step_kind step)
{
    const struct mird_input intend = {.kind = MIRD_IN_INTEND, .step = step};
    if (!ops->change(ctx, &intend))
        return carry_out(drive, ops, ctx, step);
    mird_pace_held(&drive->pace, ops->boot_ms(ctx));
    return MIRD_WENT_ON;
}

static enum mird_went act_once(struct mird_drive *drive, const struct mird_rules *rules,
                               const struct mird_drive_ops *ops, void *ctx, int64_t *ret_wake)
{
    /* What is simply asked: one row for each action that is one request. */
    static const enum mird_ask_kind asked[] = {[MIRD_ACT_WATCH] = MIRD_ASK_WATCH,
                                               [MIRD_ACT_LOOK] = MIRD_ASK_LOOK,
                                               [MIRD_ACT_UNDO] = MIRD_ASK_UNDO,
                                               [MIRD_ACT_CONFIRM] = MIRD_ASK_CONFIRM};
    const struct mird_input tick = {.kind = MIRD_IN_TICK};
    const struct mird_deployment *d = ops->record(ctx);
    if (!d)
        return MIRD_WENT_AWAY;
    struct mird_action next =
        mird_turn_next(d, rules, &drive->pace, ops->now_ms(ctx), ops->boot_ms(ctx), ret_wake);
    struct mird_ask ask = {.step = next.step};
    switch (next.kind) {
    case MIRD_ACT_NONE:
    case MIRD_ACT_WAIT:
        return MIRD_WENT_REST;
    case MIRD_ACT_TICK:
        return ops->change_later(ctx, &tick);
    case MIRD_ACT_BEGIN:
        return begin(drive, ops, ctx, next.step);
    case MIRD_ACT_LOOK: /* an intent is a "maybe" for everybody but who has just written it */
        if (drive->intended)
            return carry_out(drive, ops, ctx, next.step);
        break;
    case MIRD_ACT_WATCH:
    case MIRD_ACT_UNDO:
    case MIRD_ACT_CONFIRM:
        break;
    }
    ask.kind = asked[next.kind];
    return ops->ask(ctx, &ask);
}

enum mird_went mird_drive_on(struct mird_drive *drive, const struct mird_rules *rules,
                             const struct mird_drive_ops *ops, void *ctx, int64_t *ret_wake)
{
    ops->flush(ctx); /* what the disk does not take keeps nothing from being done */
    for (int i = 0; i < ACTIONS_MAX; i++) {
        int64_t wake_ms = MIRD_NEVER;
        enum mird_went went = act_once(drive, rules, ops, ctx, &wake_ms);
        if (went == MIRD_WENT_REST) {
            bool written = !ops->flush(ctx);
            *ret_wake = mird_turn_wake(wake_ms, written, ops->boot_ms(ctx));
        }
        if (went != MIRD_WENT_ON)
            return went;
    }
    return MIRD_WENT_CIRCLE;
}

int mird_drive_heard(struct mird_drive *drive, const struct mird_ask *ask,
                     const struct mird_input *answer, unsigned poll_ms,
                     const struct mird_drive_ops *ops, void *ctx)
{
    int rc = ops->change(ctx, answer);
    int64_t boot_ms = ops->boot_ms(ctx);
    if (ask->kind == MIRD_ASK_MAKE && ask->step == MIRD_STEP_INSTANCE)
        mird_pace_launched(&drive->pace, boot_ms);
    else if (ask->kind == MIRD_ASK_WATCH)
        mird_pace_watched(&drive->pace, poll_ms ? poll_ms : MIRD_SWEEP_S * 1000, boot_ms);
    return rc;
}
