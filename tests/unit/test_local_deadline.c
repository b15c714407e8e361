/* SPDX-License-Identifier: ISC */
#include "deadline.h"

#include <poll.h>
#include <stdbool.h>
#include <sys/timerfd.h>
#include <time.h>

#include "api/lease.h"
#include "local_help.h"

/* A clock of our own: the wall may be set, the boot clock only goes on. */
struct hands {
    int64_t utc_ms, boot_ms;
};

static int64_t hand_utc(void *ctx)
{
    return ((struct hands *)ctx)->utc_ms;
}

static int64_t hand_boot(void *ctx)
{
    return ((struct hands *)ctx)->boot_ms;
}

#define START_S 1900000000 /* far from the machine's own time: no real timer fires */

static void by_either_clock(void **state)
{
    (void)state;
    struct hands hands = {(int64_t)START_S * 1000, (int64_t)1 << 40};
    struct mir_clock clock = {hand_utc, hand_boot, &hands};
    struct local_deadline d;
    assert_int_equal(local_deadline_init(&d, &clock, NULL), 0);
    assert_int_equal(local_deadline_set(&d, START_S + 100, NULL), 0);
    assert_int_equal(local_deadline_due(&d), 0);
    hands.boot_ms += 99999;
    hands.utc_ms += 99999;
    assert_int_equal(local_deadline_due(&d), 0);
    hands.boot_ms += 1;
    hands.utc_ms -= 3600000; /* the wall clock set back an hour holds nothing off */
    assert_int_equal(local_deadline_due(&d), 1);
    /* An extension takes the wall clock as it is now. */
    assert_int_equal(local_deadline_set(&d, START_S + 200, NULL), 0);
    assert_int_equal(local_deadline_due(&d), 0);
    hands.utc_ms = (int64_t)(START_S + 200) * 1000; /* set forward: over at once */
    assert_int_equal(local_deadline_due(&d), 1);
    local_deadline_clear(&d);
}

static void moved_earlier_and_past(void **state)
{
    (void)state;
    struct hands hands = {(int64_t)START_S * 1000, (int64_t)1 << 40};
    struct mir_clock clock = {hand_utc, hand_boot, &hands};
    struct local_deadline d;
    assert_int_equal(local_deadline_init(&d, &clock, NULL), 0);
    assert_int_equal(local_deadline_set(&d, START_S + 100, NULL), 0);
    assert_int_equal(local_deadline_set(&d, START_S - 100, NULL), 0);
    assert_int_equal(local_deadline_due(&d), 1);
    local_deadline_clear(&d);
}

static bool armed(int fd)
{
    struct itimerspec spec;
    assert_int_equal(timerfd_gettime(fd, &spec), 0);
    return spec.it_value.tv_sec || spec.it_value.tv_nsec;
}

/* No timer at all, however far either clock goes; and one again when it is given an end. */
static void forever(void **state)
{
    (void)state;
    struct hands hands = {(int64_t)START_S * 1000, (int64_t)1 << 40};
    struct mir_clock clock = {hand_utc, hand_boot, &hands};
    struct local_deadline d;
    assert_int_equal(local_deadline_init(&d, &clock, NULL), 0);
    assert_int_equal(local_deadline_set(&d, START_S + 100, NULL), 0);
    assert_true(armed(d.boot_fd) && armed(d.real_fd));
    assert_int_equal(local_deadline_set(&d, MIR_FOREVER_S, NULL), 0);
    assert_false(armed(d.boot_fd) || armed(d.real_fd));
    hands.boot_ms += (int64_t)1000 * 365 * 86400 * 1000;
    hands.utc_ms += (int64_t)1000 * 365 * 86400 * 1000;
    assert_int_equal(local_deadline_due(&d), 0);
    assert_false(armed(d.boot_fd) || armed(d.real_fd));
    assert_int_equal(local_deadline_set(&d, hands.utc_ms / 1000 + 10, NULL), 0);
    assert_int_equal(local_deadline_due(&d), 0);
    hands.boot_ms += 10000;
    assert_int_equal(local_deadline_due(&d), 1);
    local_deadline_clear(&d);
}

/* With the machine's clocks: one of the timers becomes readable in time. */
static void wakes(void **state)
{
    (void)state;
    const struct mir_clock *clock = mir_clock_system();
    struct local_deadline d;
    assert_int_equal(local_deadline_init(&d, clock, NULL), 0);
    int64_t deadline_s = mir_now_s(clock) + 1;
    assert_int_equal(local_deadline_set(&d, deadline_s, NULL), 0);
    struct pollfd fds[] = {{.fd = d.boot_fd, .events = POLLIN},
                           {.fd = d.real_fd, .events = POLLIN}};
    do
        assert_true(poll(fds, 2, 3000) > 0);
    while (!local_deadline_due(&d));
    /* Either clock counts whole milliseconds: by one of them it may be a moment early. */
    assert_true(clock->utc_ms(clock->ctx) >= deadline_s * 1000 - 2);
    assert_true(clock->utc_ms(clock->ctx) < deadline_s * 1000 + 1500);
    local_deadline_clear(&d);
    assert_int_equal(d.boot_fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_either_clock),
        cmocka_unit_test(moved_earlier_and_past),
        cmocka_unit_test(forever),
        cmocka_unit_test(wakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
