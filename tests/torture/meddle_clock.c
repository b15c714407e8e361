/* SPDX-License-Identifier: ISC */
/* The world's clock: the machine's, and what the page says it is ahead. Timers are armed by the
 * machine's clock, and again whenever the page changes. CLOCK_MONOTONIC is left as it is: to the
 * process, time that was skipped is time in which the machine slept. */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "meddle.h"
#include "meddle_read.h"

#define TIMERS_MAX 4096

struct timer {
    bool used, absolute, wants_set, was_set;
    clockid_t clock;
    struct itimerspec at; /* by the world's clock */
};

static struct timer timers[TIMERS_MAX]; /* by descriptor */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t watcher_once = PTHREAD_ONCE_INIT;

static int64_t ahead_ms(clockid_t clock)
{
    if (!meddle_page)
        return 0;
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        return atomic_load(&meddle_page->utc_ms);
    return clock == CLOCK_BOOTTIME ? atomic_load(&meddle_page->boot_ms) : 0;
}

static struct timespec moved(struct timespec at, int64_t by_ms)
{
    int64_t ns = at.tv_nsec + by_ms % 1000 * 1000000;
    at.tv_sec += by_ms / 1000 + (ns >= 1000000000) - (ns < 0);
    at.tv_nsec = ns + (ns < 0 ? 1000000000 : 0) - (ns >= 1000000000 ? 1000000000 : 0);
    return at;
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
    long rc = syscall(SYS_clock_gettime, clock, ret);
    if (!rc)
        *ret = moved(*ret, ahead_ms(clock));
    return (int)rc;
}

/* --- timers; under the lock --- */

static int arm(int fd, const struct timer *timer)
{
    struct itimerspec at = timer->at;
    const struct timespec never = {0, 0};
    int flags = timer->absolute ? TFD_TIMER_ABSTIME : 0;
    if (timer->absolute && (at.it_value.tv_sec || at.it_value.tv_nsec)) {
        at.it_value = moved(at.it_value, -ahead_ms(timer->clock));
        if (at.it_value.tv_sec < 0 || timer->was_set)
            at.it_value = (struct timespec){0, 1}; /* due, or to be read for its news */
    }
    at.it_interval = never;
    return (int)syscall(SYS_timerfd_settime, fd, flags, &at, NULL);
}

static void everything_anew(bool set)
{
    pthread_mutex_lock(&lock);
    for (int fd = 0; fd < TIMERS_MAX; fd++) {
        struct timer *timer = &timers[fd];
        if (!timer->used || !timer->absolute)
            continue;
        timer->was_set |= set && timer->wants_set;
        arm(fd, timer);
    }
    pthread_mutex_unlock(&lock);
}

static void *watch(void *none)
{
    uint32_t turn = atomic_load(&meddle_page->turn), set = atomic_load(&meddle_page->set);
    everything_anew(false);
    for (;;) {
        syscall(SYS_futex, &meddle_page->turn, FUTEX_WAIT, turn, NULL, NULL, 0);
        uint32_t now = atomic_load(&meddle_page->turn), now_set = atomic_load(&meddle_page->set);
        if (now != turn)
            everything_anew(now_set != set);
        turn = now;
        set = now_set;
    }
    return none;
}

/* No signal of the program's is ever delivered to this thread. */
static void start_watcher(void)
{
    sigset_t all, old;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    if (!pthread_create(&thread, NULL, watch, NULL))
        pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

int timerfd_create(clockid_t clock, int flags)
{
    int fd = (int)syscall(SYS_timerfd_create, clock, flags);
    if (!meddle_page || fd < 0 || fd >= TIMERS_MAX)
        return fd;
    pthread_once(&watcher_once, start_watcher);
    pthread_mutex_lock(&lock);
    timers[fd] = (struct timer){.used = true, .clock = clock};
    pthread_mutex_unlock(&lock);
    return fd;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *at, struct itimerspec *old)
{
    if (!meddle_page || fd < 0 || fd >= TIMERS_MAX)
        return (int)syscall(SYS_timerfd_settime, fd, flags, at, old);
    pthread_mutex_lock(&lock);
    struct timer *timer = &timers[fd];
    timer->absolute = flags & TFD_TIMER_ABSTIME;
    timer->wants_set = flags & TFD_TIMER_CANCEL_ON_SET;
    timer->was_set = false;
    timer->at = *at;
    int rc = arm(fd, timer);
    pthread_mutex_unlock(&lock);
    return rc;
}

void meddle_clock_hold(void)
{
    pthread_mutex_lock(&lock);
}

void meddle_clock_release(void)
{
    pthread_mutex_unlock(&lock);
}

bool meddle_timer_was_set(int fd)
{
    if (!meddle_page || fd < 0 || fd >= TIMERS_MAX || !timers[fd].used)
        return false;
    pthread_mutex_lock(&lock);
    bool was_set = timers[fd].was_set;
    timers[fd].was_set = false;
    if (was_set)
        arm(fd, &timers[fd]);
    pthread_mutex_unlock(&lock);
    return was_set;
}

int close(int fd)
{
    if (meddle_page && fd >= 0 && fd < TIMERS_MAX && timers[fd].used) {
        pthread_mutex_lock(&lock);
        timers[fd].used = false;
        pthread_mutex_unlock(&lock);
    }
    return (int)syscall(SYS_close, fd);
}
