/* SPDX-License-Identifier: ISC */
/* The workers: each takes an entry, asks the lease machine what comes next, does it, tells the
 * machine how it went, and goes on until there is nothing to do but wait. */
#include <string.h>

#include "api/log.h"
#include "daemon/public_link.h"
#include "engine_parts.h"

#define ACTIONS_MAX 1000 /* in one go; more would be a machine that turns in a circle */

static const struct {
    mird_step_fn *act, *undo, *confirm;
} steps[MIRD_STEP_COUNT] = {
    [MIRD_STEP_IMAGE] = {mird_image_do, mird_image_undo, mird_image_confirm},
    [MIRD_STEP_INSTANCE] = {mird_instance_do, mird_instance_undo, mird_instance_confirm},
    [MIRD_STEP_HOOKS] = {mird_hooks_do, mird_hooks_undo, NULL},
    [MIRD_STEP_SITE] = {mird_site_do, mird_site_undo, NULL},
};

/* Do something for the record as it is now, and tell the machine. */
static void run(struct mird_engine *engine, struct mird_entry *entry, mird_step_fn *fn,
                enum mird_step_kind step)
{
    struct mird_deployment d;
    struct mird_answer answer = {.input.step = step};
    mird_entry_snapshot(entry, &d);
    fn(engine, entry, &d, &answer);
    mird_engine_clock_listen(engine, mird_entry_prov(engine, entry));
    mird_entry_change(engine, entry, &answer.input, NULL, NULL);
}

/* The intent is on the disk. */
static void carry_out(struct mird_engine *engine, struct mird_entry *entry,
                      enum mird_step_kind step)
{
    struct mird_deployment d;
    entry->body->intended = false;
    mird_entry_snapshot(entry, &d);
    if (!mird_turn_may_send(&d, step))
        return; /* the deadline or a removal came first */
    run(engine, entry, steps[step].act, step);
    if (step == MIRD_STEP_INSTANCE)
        mird_pace_launched(&entry->body->pace, mird_engine_boot_ms(engine));
}

static void begin(struct mird_engine *engine, struct mird_entry *entry, enum mird_step_kind step)
{
    const struct mird_input intend = {.kind = MIRD_IN_INTEND, .step = step};
    if (mird_entry_change(engine, entry, &intend, NULL, NULL))
        mird_pace_held(&entry->body->pace, mird_engine_boot_ms(engine));
    else
        carry_out(engine, entry, step);
}

/* Has the guest taken over the deadline that it was told? Only it can say. */
static void reread_guest(struct mird_engine *engine, struct mird_entry *entry,
                         const struct mird_deployment *d)
{
    bool armed = false;
    for (unsigned i = 0; i < d->hook_count; i++)
        armed |= !strcmp(d->hooks[i].name, "guest") && d->hooks[i].state == MIR_HOOK_ARMED;
    if (armed || !(d->takes_part & MIR_PART_CONSOLE_DEADLINE))
        entry->body->reread_left = 0;
    if (!entry->body->reread_left || !engine->core->public_link)
        return;
    entry->body->reread_left--;
    mird_public_probe_soon(engine->core->public_link, d->name, 1);
}

/* A look at a running instance, at a pace that slows down to the provider's. */
static void watch(struct mird_engine *engine, struct mird_entry *entry)
{
    struct mird_deployment d;
    mird_console_pull(engine, entry);
    run(engine, entry, mird_instance_look, MIRD_STEP_INSTANCE);
    mird_entry_snapshot(entry, &d);
    if (d.end_reason == MIRD_END_GUEST)
        mird_console_tell_end(engine, entry);
    reread_guest(engine, entry, &d);
    unsigned poll_ms = mir_prov_info(mird_entry_prov(engine, entry))->poll_ms;
    mird_pace_watched(&entry->body->pace, poll_ms ? poll_ms : MIRD_SWEEP_S * 1000,
                      mird_engine_boot_ms(engine));
}

enum go { GO_ON, GO_REST, GO_AWAY };

/* One action; GO_REST: nothing more to do before *ret_wake; GO_AWAY: a write is under way, and the
 * entry is another's. */
static enum go act_once(struct mird_engine *engine, struct mird_entry *entry, int64_t *ret_wake)
{
    const struct mird_input tick = {.kind = MIRD_IN_TICK};
    struct mird_deployment d;
    mird_entry_snapshot(entry, &d);
    struct mird_action next =
        mird_turn_next(&d, &entry->body->rules, &entry->body->pace, mird_engine_now_ms(engine),
                       mird_engine_boot_ms(engine), ret_wake);
    switch (next.kind) {
    case MIRD_ACT_NONE:
    case MIRD_ACT_WAIT:
        return GO_REST;
    case MIRD_ACT_WATCH:
        watch(engine, entry);
        return GO_ON;
    case MIRD_ACT_TICK:
        return mird_entry_change_later(engine, entry, &tick) ? GO_AWAY : GO_ON;
    case MIRD_ACT_BEGIN:
        begin(engine, entry, next.step);
        return GO_ON;
    case MIRD_ACT_LOOK: /* an intent is a "maybe" for everybody but who has just written it */
        if (entry->body->intended)
            carry_out(engine, entry, next.step);
        else
            run(engine, entry, mird_instance_look, MIRD_STEP_INSTANCE);
        return GO_ON;
    case MIRD_ACT_UNDO:
        run(engine, entry, steps[next.step].undo, next.step);
        return GO_ON;
    case MIRD_ACT_CONFIRM:
        run(engine, entry, steps[next.step].confirm, next.step);
        return GO_ON;
    }
    return GO_REST;
}

/* True: the entry is still this worker's, and *ret_wake is the boot-time moment of the next look;
 * MIRD_NEVER when it is over and written. */
static bool advance(struct mird_engine *engine, struct mird_entry *entry, int64_t *ret_wake)
{
    int64_t wake_ms = mird_engine_boot_ms(engine) + MIRD_HOLD_MS;
    *ret_wake = wake_ms + 60 * MIRD_HOLD_MS; /* said loudly at start */
    if (!mird_entry_prov(engine, entry))
        return true;
    mird_entry_flush(engine, entry);
    for (int i = 0; i < ACTIONS_MAX; i++) {
        enum go go = act_once(engine, entry, &wake_ms);
        if (go == GO_AWAY)
            return false;
        if (go == GO_ON)
            continue;
        bool written = !mird_entry_flush(engine, entry);
        *ret_wake = mird_turn_wake(wake_ms, written, mird_engine_boot_ms(engine));
        return true;
    }
    mir_log(MIR_LOG_ERROR, "engine", "%s turns in a circle; it is looked at again in a second",
            entry->id);
    *ret_wake = mird_engine_boot_ms(engine) + MIRD_HOLD_MS;
    return true;
}

/* --- giving back --- */

/* What the table has to know of a document that it lets go of. */
struct digest {
    bool rests, urgent;
    int64_t deadline_s;
    uint32_t created_boot_s;
};

static struct digest digest(struct mird_engine *engine, struct mird_body *body,
                            int64_t wake_boot_ms)
{
    int64_t now_ms = mird_engine_now_ms(engine), boot_ms = mird_engine_boot_ms(engine);
    pthread_mutex_lock(&body->lock);
    const struct mird_deployment *d = &body->d;
    int64_t ago_ms = now_ms - d->last_create_ms, since_ms = boot_ms - (ago_ms > 0 ? ago_ms : 0);
    struct digest digest = {.rests = !body->dirty && !body->intended && !body->reread_left &&
                                     mird_deployment_rests(d),
                            .urgent = mird_turn_urgent(d, wake_boot_ms, now_ms, boot_ms),
                            .deadline_s = d->deadline_s};
    if (d->last_create_ms) /* rounded up; long ago is as good as a second after the boot */
        digest.created_boot_s = since_ms > 0 ? (uint32_t)(since_ms / 1000 + 1) : 1;
    pthread_mutex_unlock(&body->lock);
    return digest;
}

/* A few leases are looked at one by one, consoles and all; with many of them a listing of all tells
 * which has changed (sweep.c). Under engine->lock. */
static void choose_watch(struct mird_lane *lane, struct mird_entry *entry)
{
    bool few = lane->watched - entry->watched + lane->resting < MIRD_WATCHED_MAX;
    bool watch = entry->rests && (few || entry->followed) && lane->prov &&
                 mir_prov_info(lane->prov)->poll_ms;
    lane->watched = lane->watched - entry->watched + watch;
    entry->watched = watch;
}

void mird_entry_give_back(struct mird_engine *engine, struct mird_entry *entry,
                          int64_t wake_boot_ms)
{
    struct digest now = digest(engine, entry->body, wake_boot_ms);
    struct mird_lane *lane = &engine->lanes[entry->lane];
    pthread_mutex_lock(&engine->lock);
    entry->busy = false;
    entry->rests = now.rests;
    entry->urgent = now.urgent;
    entry->deadline_s = now.deadline_s;
    entry->created_boot_s = now.created_boot_s;
    entry->seen = lane->round;
    entry->wake_boot_ms = wake_boot_ms;
    choose_watch(lane, entry);
    if (wake_boot_ms == MIRD_NEVER) {
        entry->over = true;
        entry->refs--; /* the table's */
    } else if (wake_boot_ms == MIRD_AT_ONCE) {
        mird_queue_put_first(engine, entry);
    } else if (entry->poked) {
        mird_queue_put(engine, entry);
    } else {
        mird_heap_put(engine, entry);
    }
    entry->poked = false;
    bool nearest = entry->heap_at == 1;
    pthread_mutex_unlock(&engine->lock);
    if (nearest)
        mird_reaper_nudge(engine);
    mird_entry_release(engine, entry);
}

void *mird_worker_main(void *ctx)
{
    struct mird_worker *worker = ctx;
    struct mird_engine *engine = worker->pool->engine;
    struct mird_entry *entry;
    while ((entry = mird_pool_take(worker))) {
        unsigned lane = entry->lane;
        int64_t wake_ms;
        if (advance(engine, entry, &wake_ms))
            mird_entry_give_back(engine, entry, wake_ms);
        mird_pool_done(worker, lane);
    }
    return NULL;
}
