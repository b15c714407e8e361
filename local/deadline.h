/* SPDX-License-Identifier: ISC */
/*
 * The keeper's own timer. It runs on two clocks, the boot-time clock (goes on while the machine is
 * suspended, cannot be set) and the wall clock, and the one that says "later" counts: ending a
 * little early is cheap, ending late is not. So neither stopping nor setting the wall clock back
 * can hold a teardown off. One thread.
 */
#ifndef LOCAL_DEADLINE_H
#define LOCAL_DEADLINE_H

#include "api/clock.h"
#include "api/error.h"

struct local_deadline {
    const struct mir_clock *clock; /* borrowed */
    int boot_fd, real_fd;          /* timers; readable: call local_deadline_due */
    int64_t deadline_s;
    int64_t anchor_utc_ms, anchor_boot_ms; /* the two clocks when the deadline was set */
};

int local_deadline_init(struct local_deadline *deadline, const struct mir_clock *clock,
                        struct mir_error *err);
void local_deadline_clear(struct local_deadline *deadline);

/* Set or move it. Whoever sets a deadline vouches for the wall clock of that moment. */
int local_deadline_set(struct local_deadline *deadline, int64_t deadline_s, struct mir_error *err);

/* 1 when it is reached. Takes the timers' events and arms them again as needed. */
int local_deadline_due(struct local_deadline *deadline);

#endif
