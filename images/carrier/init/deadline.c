/* SPDX-License-Identifier: ISC */
#include "deadline.h"

#include <inttypes.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "off.h"
#include "proc.h"
#include "say.h"

static int64_t seconds_of(clockid_t clock)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(clock, &now);
    return now.tv_sec;
}

/* Ends the machine when it is time. */
static void look(const struct car_conf *conf)
{
    if (conf->ttl_s != 0 && seconds_of(CLOCK_BOOTTIME) >= conf->ttl_s)
        car_off(CAR_OFF_TTL, "%" PRIu32 " s after the start", conf->ttl_s);
    if (conf->deadline != 0 && seconds_of(CLOCK_REALTIME) >= conf->deadline)
        car_off(CAR_OFF_DEADLINE, "%" PRId64 " is past, by this machine's clock it is %" PRId64,
                conf->deadline, seconds_of(CLOCK_REALTIME));
}

/* -1 for a moment that is not set, which poll() passes over. */
static int timer_at(clockid_t clock, int64_t second, int flags)
{
    struct itimerspec when = {.it_value.tv_sec = second};
    int fd = second == 0 ? -1 : timerfd_create(clock, TFD_CLOEXEC);

    if (fd >= 0)
        (void)timerfd_settime(fd, TFD_TIMER_ABSTIME | flags, &when, NULL);
    return fd;
}

/*
 * A look each minute besides the timers: should a timer be lost, by whatever bug, the machine costs
 * a minute more and no month. It also sees a clock that was set.
 */
static _Noreturn void wait_for_the_end(const struct car_conf *conf)
{
    struct pollfd timers[] = {
        {.fd = timer_at(CLOCK_BOOTTIME, conf->ttl_s, 0), .events = POLLIN},
        {.fd = timer_at(CLOCK_REALTIME, conf->deadline, TFD_TIMER_CANCEL_ON_SET), .events = POLLIN},
    };

    for (;;) {
        look(conf);
        (void)poll(timers, 2, 60 * 1000);
    }
}

pid_t car_deadline_start(const struct car_conf *conf)
{
    pid_t pid;

    if (conf->deadline == 0 && conf->ttl_s == 0)
        return 0;
    look(conf);
    pid = fork();
    if (pid != 0)
        return pid;
    (void)mlockall(MCL_CURRENT | MCL_FUTURE);
    car_proc_spare(-1000);
    (void)prctl(PR_SET_NAME, "deadline");
    wait_for_the_end(conf);
}
