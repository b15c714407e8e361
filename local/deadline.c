/* SPDX-License-Identifier: ISC */
#include "deadline.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "api/lease.h"

int local_deadline_init(struct local_deadline *deadline, const struct mir_clock *clock,
                        struct mir_error *err)
{
    *deadline = (struct local_deadline){.clock = clock};
    deadline->boot_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    deadline->real_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (deadline->boot_fd >= 0 && deadline->real_fd >= 0)
        return 0;
    mir_fail_errno(err, errno, "cannot make the deadline's timers");
    local_deadline_clear(deadline);
    return -1;
}

void local_deadline_clear(struct local_deadline *deadline)
{
    if (deadline->boot_fd >= 0)
        close(deadline->boot_fd);
    if (deadline->real_fd >= 0)
        close(deadline->real_fd);
    deadline->boot_fd = deadline->real_fd = -1;
}

static int arm(int fd, int flags, int64_t at_ms)
{
    /* Zero would disarm: a time in the past fires at once just as well. */
    if (at_ms < 1)
        at_ms = 1;
    struct itimerspec spec = {
        .it_value = {.tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000}};
    return timerfd_settime(fd, TFD_TIMER_ABSTIME | flags, &spec, NULL);
}

static int arm_both(const struct local_deadline *deadline)
{
    static const struct itimerspec off;
    int64_t at_ms = deadline->deadline_s * 1000;
    if (mir_forever(deadline->deadline_s))
        return timerfd_settime(deadline->boot_fd, 0, &off, NULL) ||
                       timerfd_settime(deadline->real_fd, 0, &off, NULL)
                   ? -1
                   : 0;
    if (arm(deadline->boot_fd, 0, at_ms - deadline->anchor_utc_ms + deadline->anchor_boot_ms))
        return -1;
    return arm(deadline->real_fd, TFD_TIMER_CANCEL_ON_SET, at_ms);
}

int local_deadline_set(struct local_deadline *deadline, int64_t deadline_s, struct mir_error *err)
{
    const struct mir_clock *clock = deadline->clock;
    struct local_deadline next = *deadline;
    next.deadline_s = deadline_s;
    next.anchor_utc_ms = clock->utc_ms(clock->ctx);
    next.anchor_boot_ms = clock->boot_ms(clock->ctx);
    if (arm_both(&next) && errno != ECANCELED)
        return mir_fail_errno(err, errno, "cannot set the deadline's timers");
    *deadline = next;
    return 0;
}

int local_deadline_due(struct local_deadline *deadline)
{
    const struct mir_clock *clock = deadline->clock;
    uint64_t ticks;
    int canceled = read(deadline->real_fd, &ticks, sizeof ticks) < 0 && errno == ECANCELED;
    int fired = read(deadline->boot_fd, &ticks, sizeof ticks) > 0;
    int64_t wall_ms = clock->utc_ms(clock->ctx);
    int64_t run_ms =
        deadline->anchor_utc_ms + clock->boot_ms(clock->ctx) - deadline->anchor_boot_ms;
    int64_t now_ms = wall_ms > run_ms ? wall_ms : run_ms;
    if (now_ms >= deadline->deadline_s * 1000)
        return 1;
    if (canceled || fired)
        arm_both(deadline);
    return 0;
}
