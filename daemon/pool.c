/* SPDX-License-Identifier: ISC */
/* Who: two pools of threads, one for teardown alone, one for all else. A thread that a provider
 * keeps waiting is as good as none, so there are always some more than those; each lane has its own
 * queue and its own limit, and the lanes take turns, so that no account can take the threads of
 * another. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/log.h"
#include "api/memory.h"
#include "engine_parts.h"

#define LAUNCH_BASE 4
#define LAUNCH_LANE_MAX 16
#define TEARDOWN_BASE 4
#define TEARDOWN_LANE_MAX 128
#define HANGS_MS 50 /* with one entry for longer: not counted on any more */
#define STACK_BYTES (1u << 20)

/* --- queues; under engine->lock --- */

static struct mird_pool *pool_of(struct mird_engine *engine, const struct mird_entry *entry)
{
    return entry->urgent ? &engine->teardowns : &engine->launches;
}

static void append(struct mird_queue *queue, struct mird_entry *entry)
{
    entry->next_in_queue = NULL;
    if (queue->tail)
        queue->tail->next_in_queue = entry;
    else
        queue->head = entry;
    queue->tail = entry;
}

static struct mird_entry *pop(struct mird_queue *queue)
{
    struct mird_entry *entry = queue->head;
    queue->head = entry->next_in_queue;
    if (!queue->head)
        queue->tail = NULL;
    return entry;
}

/* An idle thread that is awake for one entry already is not there for the next. */
static bool enough_idle(const struct mird_pool *pool)
{
    return pool->idle >= pool->queued;
}

/* Counted a moment ago, the reaper counts again in a moment. */
static void mind_now(struct mird_engine *engine, struct mird_pool *pool)
{
    const uint64_t one = 1;
    int64_t boot_ms = mird_engine_boot_ms(engine);
    if (boot_ms - pool->minded_boot_ms < HANGS_MS / 2)
        return;
    int64_t next_ms = mird_pools_mind(engine, boot_ms);
    if (next_ms < engine->reaper_due_boot_ms && write(engine->wake_fd, &one, sizeof one) < 0)
        mir_log(MIR_LOG_DEBUG, "engine", "nudge: errno %d", errno);
}

static void put_first(struct mird_queue *queue, struct mird_entry *entry)
{
    entry->next_in_queue = queue->head;
    queue->head = entry;
    if (!queue->tail)
        queue->tail = entry;
}

static void put(struct mird_engine *engine, struct mird_entry *entry, bool first)
{
    struct mird_pool *pool = pool_of(engine, entry);
    if (entry->over || entry->queued)
        return;
    if (entry->busy) {
        entry->poked = true;
        return;
    }
    mird_heap_take(engine, entry);
    entry->queued = true;
    if (first)
        put_first(&pool->queues[entry->lane], entry);
    else
        append(&pool->queues[entry->lane], entry);
    pool->queued++;
    pthread_cond_signal(&pool->work);
    if (!enough_idle(pool))
        mind_now(engine, pool);
}

void mird_queue_put(struct mird_engine *engine, struct mird_entry *entry)
{
    put(engine, entry, false);
}

void mird_queue_put_first(struct mird_engine *engine, struct mird_entry *entry)
{
    put(engine, entry, true);
}

/* The next entry whose lane may have one more thread; lanes take turns. */
static struct mird_entry *next_entry(struct mird_pool *pool)
{
    for (unsigned i = 0; pool->queued && i < MIRD_LANES_MAX; i++) {
        unsigned lane = (pool->next_lane + i) % MIRD_LANES_MAX;
        if (!pool->queues[lane].head || pool->busy[lane] >= pool->lane_max)
            continue;
        pool->next_lane = lane + 1;
        pool->queued--;
        pool->busy[lane]++;
        return pop(&pool->queues[lane]);
    }
    return NULL;
}

struct mird_entry *mird_pool_take(struct mird_worker *worker)
{
    struct mird_pool *pool = worker->pool;
    struct mird_engine *engine = pool->engine;
    struct mird_entry *entry = NULL;
    pthread_mutex_lock(&engine->lock);
    while (!engine->stopping && !(entry = next_entry(pool))) {
        pool->idle++;
        pthread_cond_wait(&pool->work, &engine->lock);
        pool->idle--;
    }
    if (entry) {
        worker->began_boot_ms = mird_engine_boot_ms(engine);
        entry->queued = false;
        entry->busy = true;
        entry->refs++;
    }
    pthread_mutex_unlock(&engine->lock);
    if (entry)
        mird_entry_wake(engine, entry);
    return entry;
}

void mird_pool_done(struct mird_worker *worker, unsigned lane)
{
    struct mird_pool *pool = worker->pool;
    pthread_mutex_lock(&pool->engine->lock);
    worker->began_boot_ms = 0;
    pool->busy[lane]--;
    pthread_mutex_unlock(&pool->engine->lock);
}

/* --- threads --- */

static bool hangs(const struct mird_worker *worker, int64_t boot_ms)
{
    return worker->began_boot_ms && boot_ms - worker->began_boot_ms >= HANGS_MS;
}

/* Threads that could be of use beside those that hang. */
static unsigned of_use(const struct mird_pool *pool)
{
    unsigned busy = 0, room = 0;
    for (unsigned i = 0; i < MIRD_LANES_MAX; i++) {
        bool wanted = pool->queues[i].head && pool->busy[i] < pool->lane_max;
        room += wanted ? pool->lane_max - pool->busy[i] : 0;
        busy += pool->busy[i];
    }
    return busy + room;
}

static int start_one(struct mird_pool *pool, struct mir_error *err)
{
    struct mird_worker *worker = mir_calloc(1, sizeof *worker);
    pthread_attr_t attr;
    worker->pool = pool;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pool->workers =
        mir_realloc(pool->workers, pool->worker_count + 1, sizeof(struct mird_worker *));
    int rc = pthread_create(&worker->thread, &attr, mird_worker_main, worker);
    pthread_attr_destroy(&attr);
    if (rc) {
        free(worker);
        return mir_fail_errno(err, rc, "cannot start a thread for %s", pool->name);
    }
    pool->workers[pool->worker_count++] = worker;
    return 0;
}

/* Returns when to count again, MIRD_NEVER: when something is queued. Whoever queues something so
 * soon after a count that it does not count relies on one more, also when the queue is empty. */
static int64_t mind(struct mird_pool *pool, int64_t boot_ms)
{
    struct mir_error err = {0};
    int64_t once_more_ms = pool->minded_boot_ms + HANGS_MS;
    if (!pool->engine->reaper_running || pool->engine->stopping)
        return MIRD_NEVER;
    if (!pool->queued)
        return pool->minded_boot_ms && boot_ms < once_more_ms ? once_more_ms : MIRD_NEVER;
    if (enough_idle(pool))
        return boot_ms + HANGS_MS;
    unsigned hanging = 0, max = of_use(pool);
    pool->minded_boot_ms = boot_ms;
    for (unsigned i = 0; i < pool->worker_count; i++)
        hanging += hangs(pool->workers[i], boot_ms);
    /* Doubling reaches any number of hanging calls in a few rounds. */
    unsigned free_of_them = pool->worker_count - hanging;
    unsigned more = free_of_them < pool->base ? pool->base - free_of_them + hanging / 2 : 0;
    for (unsigned i = 0; i < more && i < pool->queued && pool->worker_count < max; i++)
        if (start_one(pool, &err)) {
            mir_log(MIR_LOG_ERROR, "engine", "%s", err.text);
            break;
        }
    return boot_ms + HANGS_MS;
}

int64_t mird_pools_mind(struct mird_engine *engine, int64_t boot_ms)
{
    int64_t launches_ms = mind(&engine->launches, boot_ms);
    int64_t teardowns_ms = mind(&engine->teardowns, boot_ms);
    return launches_ms < teardowns_ms ? launches_ms : teardowns_ms;
}

void mird_pools_init(struct mird_engine *engine)
{
    engine->launches = (struct mird_pool){
        .engine = engine, .name = "launches", .base = LAUNCH_BASE, .lane_max = LAUNCH_LANE_MAX};
    engine->teardowns = (struct mird_pool){
        .engine = engine, .name = "teardown", .base = TEARDOWN_BASE, .lane_max = TEARDOWN_LANE_MAX};
    pthread_cond_init(&engine->launches.work, NULL);
    pthread_cond_init(&engine->teardowns.work, NULL);
}

int mird_pools_start(struct mird_engine *engine, struct mir_error *err)
{
    struct mird_pool *const pools[] = {&engine->launches, &engine->teardowns};
    int rc = 0;
    pthread_mutex_lock(&engine->lock);
    for (size_t i = 0; !rc && i < MIR_NELEMS(pools); i++)
        while (!rc && pools[i]->worker_count < pools[i]->base)
            rc = start_one(pools[i], err);
    pthread_mutex_unlock(&engine->lock);
    return rc;
}

void mird_pools_stop(struct mird_engine *engine)
{
    pthread_cond_broadcast(&engine->launches.work);
    pthread_cond_broadcast(&engine->teardowns.work);
}

/* Nobody starts a thread once the engine is stopping. */
static void join(struct mird_pool *pool)
{
    for (unsigned i = 0; i < pool->worker_count; i++) {
        pthread_join(pool->workers[i]->thread, NULL);
        free(pool->workers[i]);
    }
    free(pool->workers);
    pthread_cond_destroy(&pool->work);
}

void mird_pools_join(struct mird_engine *engine)
{
    join(&engine->launches);
    join(&engine->teardowns);
}
