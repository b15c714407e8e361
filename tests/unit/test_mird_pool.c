/* SPDX-License-Identifier: ISC */
/* No entry waits for a thread that hangs: whenever one is queued that no idle thread will take,
 * somebody is going to count the threads. Here the threads are said to hang, and none is started:
 * the lane has as many as it may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "api/memory.h"
#include "engine_parts.h"

#define T0 1000000
#define SOON_MS 50 /* until the next count */
#define HANGING 4

static int64_t now_ms;

static int64_t boot_ms(void *ctx)
{
    (void)ctx;
    return now_ms;
}

static const struct mir_clock test_clock = {.boot_ms = boot_ms};
static struct mird_core core = {.clock = &test_clock};

struct hall {
    struct mird_engine engine;
    struct mird_worker hanging[HANGING];
    struct mird_worker *workers[HANGING];
    struct mird_entry entries[3];
};

/* All threads of teardown hang, and the reaper means to sleep for good. */
static struct hall *hall_new(void)
{
    struct hall *hall = mir_calloc(1, sizeof *hall);
    struct mird_engine *engine = &hall->engine;
    now_ms = T0;
    engine->core = &core;
    engine->reaper_running = true;
    engine->reaper_due_boot_ms = MIRD_NEVER;
    engine->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    mird_pools_init(engine);
    struct mird_pool *pool = &engine->teardowns;
    pool->workers = hall->workers;
    pool->worker_count = pool->lane_max = pool->busy[0] = HANGING;
    for (unsigned i = 0; i < HANGING; i++) {
        hall->hanging[i] = (struct mird_worker){.pool = pool, .began_boot_ms = T0 - 1000};
        hall->workers[i] = &hall->hanging[i];
    }
    for (unsigned i = 0; i < MIR_NELEMS(hall->entries); i++)
        hall->entries[i].urgent = true;
    return hall;
}

static void hall_free(struct hall *hall)
{
    pthread_cond_destroy(&hall->engine.teardowns.work);
    pthread_cond_destroy(&hall->engine.launches.work);
    close(hall->engine.wake_fd);
    free(hall);
}

/* What the reaper does when it turns. */
static void turn(struct mird_engine *engine)
{
    uint64_t count;
    if (read(engine->wake_fd, &count, sizeof count) < 0)
        count = 0;
    engine->reaper_due_boot_ms = mird_pools_mind(engine, now_ms);
}

/* Is somebody going to count by then? */
static bool will_be_minded(struct mird_engine *engine, int64_t by_ms)
{
    uint64_t count = 0;
    bool nudged = read(engine->wake_fd, &count, sizeof count) > 0;
    return nudged || engine->reaper_due_boot_ms <= by_ms;
}

/* As a worker takes it. */
static void taken(struct mird_engine *engine, struct mird_entry *entry)
{
    struct mird_pool *pool = &engine->teardowns;
    entry->queued = false;
    pool->queues[0] = (struct mird_queue){0};
    pool->queued = 0;
}

static void test_first(void **state)
{
    struct hall *hall = hall_new();
    mird_queue_put(&hall->engine, &hall->entries[0]);
    assert_true(will_be_minded(&hall->engine, now_ms + SOON_MS));
    hall_free(hall);
}

/* The reaper is nudged, finds that all has been taken, and a moment later there is one more: too
 * soon to count the threads again, but not to be forgotten. */
static void test_soon_after_a_count(void **state)
{
    for (int after_ms = 1; after_ms <= 2 * SOON_MS; after_ms++) {
        struct hall *hall = hall_new();
        struct mird_engine *engine = &hall->engine;
        mird_queue_put(engine, &hall->entries[0]);
        taken(engine, &hall->entries[0]);
        turn(engine);
        now_ms += after_ms;
        if (engine->reaper_due_boot_ms <= now_ms)
            turn(engine);
        mird_queue_put(engine, &hall->entries[1]);
        assert_true(will_be_minded(engine, now_ms + SOON_MS));
        hall_free(hall);
    }
}

/* An idle thread that is awake for one entry already, though it has not taken it yet. */
static void test_one_idle_for_two(void **state)
{
    struct hall *hall = hall_new();
    struct mird_engine *engine = &hall->engine;
    engine->teardowns.idle = 1;
    mird_queue_put(engine, &hall->entries[0]);
    mird_queue_put(engine, &hall->entries[1]);
    assert_true(will_be_minded(engine, now_ms + SOON_MS));
    hall_free(hall);
}

/* With nothing queued nobody wakes for nothing. */
static void test_rest(void **state)
{
    struct hall *hall = hall_new();
    struct mird_engine *engine = &hall->engine;
    mird_queue_put(engine, &hall->entries[0]);
    taken(engine, &hall->entries[0]);
    for (int i = 0; i < 4; i++, now_ms += SOON_MS)
        turn(engine);
    assert_true(engine->reaper_due_boot_ms == MIRD_NEVER);
    hall_free(hall);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first),
        cmocka_unit_test(test_soon_after_a_count),
        cmocka_unit_test(test_one_idle_for_two),
        cmocka_unit_test(test_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
