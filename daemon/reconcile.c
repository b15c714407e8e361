/* SPDX-License-Identifier: ISC */
/* The start: every lease that is not over goes into the table, by what an index of the store says;
 * those with something to do are queued, the others wait for their deadlines. */
#include "api/log.h"
#include "engine_parts.h"

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
