/* SPDX-License-Identifier: ISC */
/* The start: every lease that is not over goes into the table, by what an index of the store says;
 * those with something to do are queued, the others wait for their deadlines. And with every sweep:
 * whatever else is not over in the store, because a write that failed was done all the same. */
#include "api/log.h"
#include "engine_parts.h"

#define COUNT_EVERY_MS (3600 * (int64_t)1000)

struct taking_up {
    struct mird_engine *engine;
    int64_t now_s;
    size_t count;
};

/* A few that rest are looked at one by one, as if they were new; the first listing shows what has
 * become of the others. */
static void take_up(void *ctx, const struct mird_open_lease *lease)
{
    struct taking_up *all = ctx;
    struct mird_engine *engine = all->engine;
    struct mird_entry *entry = mird_entry_add_open(engine, lease);
    bool late = lease->deadline_s <= all->now_s;
    pthread_mutex_lock(&engine->lock);
    struct mird_lane *lane = &engine->lanes[entry->lane];
    bool few = lane->resting == 0 && lane->taken_up < MIRD_WATCHED_MAX;
    lane->taken_up += few;
    entry->urgent = late;
    if (late || !entry->rests || few)
        mird_queue_put(engine, entry);
    else
        mird_heap_put(engine, entry);
    pthread_mutex_unlock(&engine->lock);
    all->count++;
}

/* With deploy_lock held, so that nothing is between the store and the table. */
static void take_up_missed(void *ctx, const struct mird_open_lease *lease)
{
    struct taking_up *all = ctx;
    pthread_mutex_lock(&all->engine->lock);
    bool known = mird_entry_peek(all->engine, lease->id) != NULL;
    pthread_mutex_unlock(&all->engine->lock);
    if (known)
        return;
    mir_log(MIR_LOG_WARN, "engine", "lease %s is in the store and nobody drives it: taken up",
            lease->id);
    take_up(all, lease);
}

/* Whatever nobody drives was added after the last look, or is the fault of something unheard of:
 * counting a million takes ten megabytes of the store, so that is looked for once an hour. */
static bool worth_counting(struct mird_engine *engine, int64_t newest)
{
    int64_t now_ms = mird_engine_boot_ms(engine);
    if (newest == engine->counted_seq && now_ms < engine->count_again_ms)
        return false;
    engine->counted_seq = newest;
    engine->count_again_ms = now_ms + COUNT_EVERY_MS;
    return true;
}

void mird_reconcile_again(struct mird_engine *engine)
{
    struct taking_up all = {.engine = engine, .now_s = mird_engine_now_ms(engine) / 1000};
    struct mird_store *store = engine->core->store;
    struct mir_error err = {0};
    size_t open = 0;
    int64_t newest = 0;
    pthread_mutex_lock(&engine->deploy_lock);
    pthread_mutex_lock(&engine->lock);
    size_t driven = engine->entry_count;
    pthread_mutex_unlock(&engine->lock);
    int rc = mird_store_newest(store, &newest, &err);
    if (!rc && worth_counting(engine, newest))
        rc = mird_store_open_count(store, driven + 1, &open, &err);
    if (!rc && open > driven)
        rc = mird_store_open_leases(store, take_up_missed, &all, &err);
    pthread_mutex_unlock(&engine->deploy_lock);
    if (rc) {
        engine->counted_seq = -1;
        mir_log(MIR_LOG_WARN, "engine", "leases that nobody drives: %s", err.text);
    }
    if (all.count)
        mird_reaper_nudge(engine);
}

int mird_reconcile(struct mird_engine *engine, struct mir_error *err)
{
    struct taking_up all = {.engine = engine, .now_s = mird_engine_now_ms(engine) / 1000};
    size_t count = 0;
    if (mird_store_open_count(engine->core->store, SIZE_MAX >> 1, &count, err))
        return -1;
    pthread_mutex_lock(&engine->lock);
    mird_table_reserve(engine, count);
    pthread_mutex_unlock(&engine->lock);
    if (mird_store_open_leases(engine->core->store, take_up, &all, err))
        return -1;
    if (all.count)
        mir_log(MIR_LOG_INFO, "engine", "taking up %zu deployment%s", all.count,
                all.count == 1 ? "" : "s");
    mird_rebuild(engine);
    return 0;
}
