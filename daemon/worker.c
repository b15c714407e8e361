/* SPDX-License-Identifier: ISC */
/* The workers: each takes an entry and drives it (drive.h) until there is nothing to do but wait;
 * what that asks for is done here. */
#include <string.h>

#include "api/log.h"
#include "daemon/dormant.h"
#include "daemon/public_link.h"
#include "engine_parts.h"

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

/* After a look at a running instance. */
static void watched(struct mird_engine *engine, struct mird_entry *entry)
{
    struct mird_deployment d;
    mird_entry_snapshot(entry, &d);
    if (d.end_reason == MIRD_END_GUEST)
        mird_console_tell_end(engine, entry);
    reread_guest(engine, entry, &d);
}

/* --- what mird_drive_on asks for --- */

struct driving {
    struct mird_engine *engine;
    struct mird_entry *entry;
    struct mird_deployment d; /* as it was when it was asked for */
};

static const struct mird_deployment *the_record(void *ctx)
{
    struct driving *driving = ctx;
    mird_entry_snapshot(driving->entry, &driving->d);
    return &driving->d;
}

static int64_t the_time(void *ctx)
{
    const struct driving *driving = ctx;
    return mird_engine_now_ms(driving->engine);
}

static int64_t the_boot_time(void *ctx)
{
    const struct driving *driving = ctx;
    return mird_engine_boot_ms(driving->engine);
}

static int change(void *ctx, const struct mird_input *input)
{
    const struct driving *driving = ctx;
    return mird_entry_change(driving->engine, driving->entry, input, NULL, NULL);
}

static enum mird_went change_later(void *ctx, const struct mird_input *input)
{
    const struct driving *driving = ctx;
    return mird_entry_change_later(driving->engine, driving->entry, input) ? MIRD_WENT_AWAY
                                                                           : MIRD_WENT_ON;
}

static int flush(void *ctx)
{
    const struct driving *driving = ctx;
    return mird_entry_flush(driving->engine, driving->entry);
}

static enum mird_went ask(void *ctx, const struct mird_ask *ask);

static const struct mird_drive_ops drive_ops = {.record = the_record,
                                                .now_ms = the_time,
                                                .boot_ms = the_boot_time,
                                                .change = change,
                                                .change_later = change_later,
                                                .ask = ask,
                                                .flush = flush};

static enum mird_went ask(void *ctx, const struct mird_ask *ask)
{
    const struct driving *driving = ctx;
    struct mird_engine *engine = driving->engine;
    struct mird_entry *entry = driving->entry;
    const struct mir_prov *prov = mird_entry_prov(engine, entry);
    struct mird_answer answer = {0};
    if (ask->kind == MIRD_ASK_WATCH)
        mird_console_pull(engine, entry);
    mird_entry_ask(engine, entry, ask, &answer);
    if (answer.input.instance)
        mird_console_take_word(engine, entry, &answer.instance);
    mird_engine_clock_listen(engine, prov);
    mird_drive_heard(&entry->body->drive, ask, &answer.input, mir_prov_info(prov)->poll_ms,
                     &drive_ops, ctx);
    if (ask->kind == MIRD_ASK_WATCH)
        watched(engine, entry);
    return MIRD_WENT_ON;
}

/* True: the entry is still this worker's, and *ret_wake is the boot-time moment of the next look;
 * MIRD_NEVER when it is over and written. */
static bool advance(struct mird_engine *engine, struct mird_entry *entry, int64_t *ret_wake)
{
    struct driving driving = {.engine = engine, .entry = entry};
    struct mird_body *body = entry->body;
    *ret_wake = mird_engine_boot_ms(engine) + 61 * MIRD_HOLD_MS; /* said loudly at start */
    if (!mird_entry_prov(engine, entry))
        return true;
    enum mird_went went =
        mird_drive_on(&body->drive, &body->held.rules, &drive_ops, &driving, ret_wake);
    if (went != MIRD_WENT_CIRCLE)
        return went != MIRD_WENT_AWAY;
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
    const struct mird_deployment *d = &body->held.d;
    struct digest digest = {.rests = !body->reread_left && mird_may_rest(&body->held, &body->drive),
                            .urgent = mird_turn_urgent(d, wake_boot_ms, now_ms, boot_ms),
                            .deadline_s = mird_deployment_due_s(d),
                            .created_boot_s = mird_rest_created_s(d, now_ms, boot_ms)};
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
        if (advance(engine, entry, &wake_ms)) {
            mird_entry_give_back(engine, entry, wake_ms);
            if (wake_ms == MIRD_NEVER)
                mird_proof_copies_again(engine);
        }
        mird_pool_done(worker, lane);
    }
    return NULL;
}
