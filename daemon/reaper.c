/* SPDX-License-Identifier: ISC */
/* When: a heap of entries by the moment at which each wants to be looked at, one thread that
 * waits for the nearest on a boot-time timer (and looks at all when the wall clock is set), and
 * the two queues to the workers. */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "api/log.h"
#include "api/memory.h"
#include "engine_parts.h"

/* A round at least this often, so that readiness can tell a reaper that hangs. */
#define ROUND_MAX_MS 10000

/* --- the heap; 1-based, under engine->lock --- */

static void place(struct mird_engine *engine, size_t at, struct mird_entry *entry)
{
    engine->heap[at] = entry;
    entry->heap_at = at;
}

static void sift_up(struct mird_engine *engine, size_t at, struct mird_entry *entry)
{
    for (; at > 1 && engine->heap[at / 2]->wake_boot_ms > entry->wake_boot_ms; at /= 2)
        place(engine, at, engine->heap[at / 2]);
    place(engine, at, entry);
}

static void sift_down(struct mird_engine *engine, size_t at, struct mird_entry *entry)
{
    for (;;) {
        size_t child = 2 * at;
        if (child > engine->heap_count)
            break;
        if (child < engine->heap_count &&
            engine->heap[child + 1]->wake_boot_ms < engine->heap[child]->wake_boot_ms)
            child++;
        if (engine->heap[child]->wake_boot_ms >= entry->wake_boot_ms)
            break;
        place(engine, at, engine->heap[child]);
        at = child;
    }
    place(engine, at, entry);
}

void mird_heap_take(struct mird_engine *engine, struct mird_entry *entry)
{
    size_t at = entry->heap_at;
    if (!at)
        return;
    entry->heap_at = 0;
    struct mird_entry *last = engine->heap[engine->heap_count--];
    if (last == entry)
        return;
    sift_up(engine, at, last);
    sift_down(engine, last->heap_at, last);
}

void mird_heap_put(struct mird_engine *engine, struct mird_entry *entry, int64_t wake_boot_ms)
{
    mird_heap_take(engine, entry);
    entry->wake_boot_ms = wake_boot_ms;
    if (++engine->heap_count >= engine->heap_room) {
        engine->heap_room = engine->heap_room ? 2 * engine->heap_room : 64;
        engine->heap = mir_realloc(engine->heap, engine->heap_room, sizeof(struct mird_entry *));
    }
    sift_up(engine, engine->heap_count, entry);
}

/* --- the queues; under engine->lock --- */

void mird_queue_put(struct mird_engine *engine, struct mird_entry *entry)
{
    if (entry->over || entry->queued)
        return;
    if (entry->busy) {
        entry->poked = true;
        return;
    }
    struct mird_queue *queue = entry->urgent ? &engine->urgent : &engine->normal;
    mird_heap_take(engine, entry);
    entry->queued = true;
    entry->next_in_queue = NULL;
    if (queue->tail)
        queue->tail->next_in_queue = entry;
    else
        queue->head = entry;
    queue->tail = entry;
    pthread_cond_broadcast(&engine->work);
}

void mird_engine_poke(struct mird_engine *engine, struct mird_entry *entry, bool urgent)
{
    pthread_mutex_lock(&engine->lock);
    if (urgent)
        entry->urgent = true;
    mird_queue_put(engine, entry);
    pthread_mutex_unlock(&engine->lock);
}

void mird_reaper_nudge(struct mird_engine *engine)
{
    const uint64_t one = 1;
    while (write(engine->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

/* --- the thread --- */

/* Hands over what is due; returns when the next one is. */
static int64_t hand_over(struct mird_engine *engine, int64_t now_boot_ms)
{
    int64_t next_ms = now_boot_ms + ROUND_MAX_MS;
    pthread_mutex_lock(&engine->lock);
    while (engine->heap_count && engine->heap[1]->wake_boot_ms <= now_boot_ms)
        mird_queue_put(engine, engine->heap[1]);
    if (engine->heap_count && engine->heap[1]->wake_boot_ms < next_ms)
        next_ms = engine->heap[1]->wake_boot_ms;
    pthread_mutex_unlock(&engine->lock);
    return next_ms;
}

void mird_reaper_everyone(struct mird_engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    while (engine->heap_count)
        mird_queue_put(engine, engine->heap[1]);
    pthread_mutex_unlock(&engine->lock);
}

/* Armed for the far future: read only tells that the clock was set. */
static void watch_clock(const struct mird_engine *engine)
{
    const struct itimerspec far = {.it_value.tv_sec = INT32_MAX};
    timerfd_settime(engine->clock_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL);
}

static void wait_until(struct mird_engine *engine, int64_t until_boot_ms)
{
    const struct itimerspec at = {
        .it_value = {.tv_sec = until_boot_ms / 1000, .tv_nsec = until_boot_ms % 1000 * 1000000}};
    timerfd_settime(engine->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
    struct pollfd fds[] = {{.fd = engine->timer_fd, .events = POLLIN},
                           {.fd = engine->clock_fd, .events = POLLIN},
                           {.fd = engine->wake_fd, .events = POLLIN}};
    /* The time-out is for a clock that is not the machine's (tests). */
    poll(fds, MIR_NELEMS(fds), ROUND_MAX_MS);
    uint64_t count;
    if (fds[0].revents && read(engine->timer_fd, &count, sizeof count) < 0)
        mir_log(MIR_LOG_DEBUG, "reaper", "timer read again");
    if (fds[2].revents && read(engine->wake_fd, &count, sizeof count) < 0)
        mir_log(MIR_LOG_DEBUG, "reaper", "nudge read again");
    if (fds[1].revents && read(engine->clock_fd, &count, sizeof count) < 0 && errno == ECANCELED) {
        mir_log(MIR_LOG_WARN, "reaper", "the clock was set: looking at every lease");
        watch_clock(engine);
        mird_reaper_everyone(engine);
    }
}

static bool stopping(struct mird_engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    bool stop = engine->stopping;
    pthread_mutex_unlock(&engine->lock);
    return stop;
}

void *mird_reaper_main(void *ctx)
{
    struct mird_engine *engine = ctx;
    while (!stopping(engine)) {
        int64_t now_ms = mird_engine_boot_ms(engine);
        atomic_store(&engine->reaper_boot_ms, now_ms);
        wait_until(engine, hand_over(engine, now_ms));
    }
    return NULL;
}

int mird_reaper_start(struct mird_engine *engine, struct mir_error *err)
{
    engine->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    engine->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    engine->clock_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (engine->wake_fd < 0 || engine->timer_fd < 0 || engine->clock_fd < 0)
        return mir_fail_errno(err, errno, "cannot make the reaper's timers");
    watch_clock(engine);
    atomic_store(&engine->reaper_boot_ms, mird_engine_boot_ms(engine));
    int rc = pthread_create(&engine->reaper, NULL, mird_reaper_main, engine);
    if (rc)
        return mir_fail_errno(err, rc, "cannot start the reaper");
    engine->reaper_running = true;
    return 0;
}
