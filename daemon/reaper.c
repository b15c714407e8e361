/* SPDX-License-Identifier: ISC */
/* When: one thread that sleeps until the nearest lease is due, on a boot-time timer for those that
 * are awake and on the wall clock's own timer for those that rest; a clock that is set, or a
 * nearer lease, wakes it. It never wakes for nothing. */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "api/log.h"
#include "api/memory.h"
#include "engine_parts.h"

#define FAR_S INT32_MAX

static int64_t awake_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* With the lock held, by the reaper. */
static void be_due(struct mird_engine *engine, int64_t at_boot_ms, int64_t boot_ms)
{
    engine->reaper_due_boot_ms = at_boot_ms;
    engine->reaper_due_awake_ms = mird_now_to_boot_ms(at_boot_ms, boot_ms, awake_ms());
}

void mird_engine_poke(struct mird_engine *engine, struct mird_entry *entry, bool urgent)
{
    pthread_mutex_lock(&engine->lock);
    if (urgent)
        entry->urgent = true;
    entry->rests = false; /* its body stays until a worker has looked */
    mird_queue_put(engine, entry);
    pthread_mutex_unlock(&engine->lock);
}

void mird_reaper_nudge(struct mird_engine *engine)
{
    const uint64_t one = 1;
    int64_t now_ms = awake_ms();
    pthread_mutex_lock(&engine->lock);
    if (!engine->reaper_nudged_awake_ms)
        engine->reaper_nudged_awake_ms = now_ms;
    pthread_mutex_unlock(&engine->lock);
    while (write(engine->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

int64_t mird_reaper_late_ms(struct mird_engine *engine)
{
    int64_t now_ms = awake_ms();
    pthread_mutex_lock(&engine->lock);
    int64_t late_ms = now_ms - engine->reaper_due_awake_ms;
    int64_t nudged_ms =
        engine->reaper_nudged_awake_ms ? now_ms - engine->reaper_nudged_awake_ms : 0;
    pthread_mutex_unlock(&engine->lock);
    mird_reaper_nudge(engine);
    late_ms = late_ms > nudged_ms ? late_ms : nudged_ms;
    return late_ms > 0 ? late_ms : 0;
}

/* --- the thread --- */

/* How long it may sleep, by each of the clocks; MIRD_NEVER. */
struct nap {
    int64_t boot_ms; /* until this boot-time moment */
    int64_t date_ms; /* and not past this one, by the engine's own time */
};

static void fire(struct mird_engine *engine, struct mird_entry *entry)
{
    if (engine->fired)
        engine->fired(engine->fired_ctx, entry);
    if (entry->by_date)
        entry->urgent = true;
    mird_queue_put(engine, entry);
}

/* Hands over what is due. */
static struct nap hand_over(struct mird_engine *engine, int64_t boot_ms, int64_t now_ms)
{
    struct nap nap = {MIRD_NEVER, MIRD_NEVER};
    struct mird_entry *top;
    pthread_mutex_lock(&engine->lock);
    engine->reaper_nudged_awake_ms = 0;
    while ((top = mird_heap_top(&engine->resting)) && top->deadline_s * 1000 <= now_ms)
        fire(engine, top);
    nap.date_ms = top && !mir_forever(top->deadline_s) ? top->deadline_s * 1000 : MIRD_NEVER;
    while ((top = mird_heap_top(&engine->awake)) && top->wake_boot_ms <= boot_ms)
        fire(engine, top);
    nap.boot_ms = mird_pools_mind(engine, boot_ms);
    if (top && top->wake_boot_ms < nap.boot_ms)
        nap.boot_ms = top->wake_boot_ms;
    int64_t by_date_ms = mird_now_to_boot_ms(nap.date_ms, now_ms, boot_ms);
    be_due(engine, nap.boot_ms < by_date_ms ? nap.boot_ms : by_date_ms, boot_ms);
    pthread_mutex_unlock(&engine->lock);
    return nap;
}

/* Those awake wait for moments that were wall-clock time once; of the others the reaper sees. */
void mird_reaper_everyone(struct mird_engine *engine)
{
    struct mird_entry *top;
    pthread_mutex_lock(&engine->lock);
    while ((top = mird_heap_top(&engine->awake)))
        mird_queue_put(engine, top);
    pthread_mutex_unlock(&engine->lock);
    mird_reaper_nudge(engine);
}

static struct itimerspec moment(int64_t at_ms)
{
    if (at_ms == MIRD_NEVER)
        return (struct itimerspec){.it_value.tv_sec = FAR_S};
    at_ms = at_ms > 0 ? at_ms : 1;
    return (struct itimerspec){
        .it_value = {.tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000}};
}

/* The engine's time may be ahead of the wall clock, never behind it. */
static void arm(struct mird_engine *engine, const struct nap *nap, int64_t now_ms, int64_t utc_ms)
{
    int64_t ahead_ms = now_ms - utc_ms;
    struct itimerspec boot = moment(nap->boot_ms);
    struct itimerspec date =
        moment(nap->date_ms == MIRD_NEVER ? MIRD_NEVER : nap->date_ms - ahead_ms);
    timerfd_settime(engine->timer_fd, TFD_TIMER_ABSTIME, &boot, NULL);
    timerfd_settime(engine->clock_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &date, NULL);
}

static void drain(int fd)
{
    uint64_t count;
    if (read(fd, &count, sizeof count) < 0 && errno != EAGAIN)
        mir_log(MIR_LOG_DEBUG, "reaper", "timer: errno %d", errno);
}

static void sleep_until(struct mird_engine *engine)
{
    struct pollfd fds[] = {{.fd = engine->timer_fd, .events = POLLIN},
                           {.fd = engine->clock_fd, .events = POLLIN},
                           {.fd = engine->wake_fd, .events = POLLIN}};
    poll(fds, MIR_NELEMS(fds), -1);
    uint64_t count;
    if (fds[0].revents)
        drain(engine->timer_fd);
    if (fds[2].revents)
        drain(engine->wake_fd);
    if (fds[1].revents && read(engine->clock_fd, &count, sizeof count) < 0 && errno == ECANCELED) {
        mir_log(MIR_LOG_WARN, "reaper", "the clock was set: looking at every lease");
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

static void *reaper_main(void *ctx)
{
    struct mird_engine *engine = ctx;
    const struct mir_clock *clock = engine->core->clock;
    while (!stopping(engine)) {
        int64_t utc_ms = clock->utc_ms(clock->ctx), now_ms = mird_engine_now_ms(engine);
        struct nap nap = hand_over(engine, mird_engine_boot_ms(engine), now_ms);
        arm(engine, &nap, now_ms, utc_ms);
        /* Set between the reading and the arming, nothing would tell. */
        int64_t passed_ms = clock->utc_ms(clock->ctx) - utc_ms;
        if (passed_ms >= 0 && passed_ms < 1000)
            sleep_until(engine);
    }
    return NULL;
}

int mird_reaper_start(struct mird_engine *engine, struct mir_error *err)
{
    int64_t boot_ms = mird_engine_boot_ms(engine);
    engine->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    engine->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    engine->clock_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (engine->wake_fd < 0 || engine->timer_fd < 0 || engine->clock_fd < 0)
        return mir_fail_errno(err, errno, "cannot make the reaper's timers");
    be_due(engine, boot_ms, boot_ms);
    int rc = pthread_create(&engine->reaper, NULL, reaper_main, engine);
    if (rc)
        return mir_fail_errno(err, rc, "cannot start the reaper");
    pthread_mutex_lock(&engine->lock);
    engine->reaper_running = true;
    pthread_mutex_unlock(&engine->lock);
    return 0;
}
