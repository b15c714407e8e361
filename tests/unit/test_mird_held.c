/* SPDX-License-Identifier: ISC */
/* A record in memory against the one on a shelf that fails in every way it can. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/held.h"

#define T0 INT64_C(1800000000000)

enum trouble { WELL, NOT_DONE, DONE_UNHEARD, FULL };

static struct {
    struct mird_deployment row;
    enum trouble next;
    bool unreadable;
    unsigned puts, rooms;
} disk;

static int put(void *ctx, struct mird_deployment *d, const struct mird_news *news, int64_t now_ms,
               struct mir_error *err)
{
    enum trouble now = disk.next;
    disk.puts++;
    disk.next = WELL;
    if (now == FULL)
        return mir_fail(err, MIR_NO_SPACE, "full");
    if (now == NOT_DONE)
        return mir_fail(err, MIR_INTERNAL, "no");
    if (d->version != disk.row.version)
        return mir_fail(err, MIR_CONFLICT, "another version");
    disk.row = *d;
    disk.row.version++;
    if (now == DONE_UNHEARD)
        return mir_fail(err, MIR_INTERNAL, "no, it says");
    d->version++;
    return 0;
}

static int get(void *ctx, const char *id, struct mird_deployment *ret, struct mir_error *err)
{
    if (disk.unreadable)
        return -1;
    *ret = disk.row;
    return 0;
}

static void make_room(void *ctx)
{
    disk.rooms++;
}

static const struct mird_shelf shelf = {NULL, put, get, make_room};
static struct mird_held held;

static int setup(void **state)
{
    struct mird_deployment d = {
        .created_s = T0 / 1000, .deadline_s = T0 / 1000 + 600, .version = 1};
    memcpy(d.id, "00000000000000000000000000000001", 33);
    memcpy(d.name, "hello", sizeof "hello");
    memset(&disk, 0, sizeof disk);
    disk.row = d;
    held.rules = mird_rules_make(60, true, false, 60000);
    mird_held_begin(&held, &d, 0);
    return 0;
}

/* As the engine does it: 0, or -1 for whoever asked. */
static int change_at(struct mird_input input, bool op, int64_t now_ms, int64_t stepped_ms)
{
    static const struct mird_operation operation;
    struct mird_change change;
    change.input = &input;
    change.op = op ? &operation : NULL;
    if (mird_held_apply(&held, &change, now_ms, stepped_ms, NULL))
        return -1;
    if (!change.turn.write)
        return 0;
    return mird_held_settle(&held, &change,
                            mird_held_commit(&held, &shelf, &change.news, now_ms, NULL));
}

static int extend(int64_t by_s)
{
    struct mird_input in = {.kind = MIRD_IN_EXTEND, .deadline_s = held.d.deadline_s + by_s};
    return change_at(in, true, T0 + 1000, 0);
}

static void test_well(void **state)
{
    assert_int_equal(extend(60), 0);
    assert_int_equal(disk.row.deadline_s, T0 / 1000 + 660);
    assert_int_equal(held.d.version, 2);
    assert_int_equal(held.stored.version, 2);
    assert_false(held.dirty);
}

static void test_taken_back(void **state)
{
    const struct mird_input intend = {.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE};
    disk.next = NOT_DONE;
    assert_int_equal(extend(60), -1);
    assert_int_equal(held.d.deadline_s, T0 / 1000 + 600);
    disk.next = NOT_DONE;
    assert_int_equal(change_at(intend, false, T0 + 1000, 0), -1);
    assert_int_equal(held.d.steps[MIRD_STEP_INSTANCE], MIRD_TODO);
}

/* What was told not to have happened is not what the next reader finds. */
static void test_taken_back_is_written(void **state)
{
    struct mird_news news;
    disk.next = DONE_UNHEARD;
    disk.unreadable = true;
    assert_int_equal(extend(-60), -1);
    assert_int_equal(disk.row.deadline_s, T0 / 1000 + 540);
    disk.unreadable = false;
    assert_true(held.dirty);
    mird_held_left(&held, T0 + 2000, &news);
    assert_int_equal(news.event_count, 0);
    assert_int_equal(mird_held_commit(&held, &shelf, &news, T0 + 2000, NULL), 0);
    assert_int_equal(disk.row.deadline_s, T0 / 1000 + 600);
    assert_false(held.dirty);
}

/* A removal that could not be written ends it all the same; whoever asked hears that it failed. */
static void test_goes_on(void **state)
{
    const struct mird_input remove = {.kind = MIRD_IN_REMOVE};
    struct mird_news news;
    disk.next = NOT_DONE;
    assert_int_equal(change_at(remove, true, T0 + 1000, 0), -1);
    assert_int_equal(held.d.end_reason, MIRD_END_REMOVED);
    assert_true(held.dirty);
    mird_held_left(&held, T0 + 2000, &news);
    assert_true(news.event_count > 0);
    assert_int_equal(mird_held_commit(&held, &shelf, &news, T0 + 2000, NULL), 0);
    assert_int_equal(disk.row.end_reason, MIRD_END_REMOVED);
    assert_false(held.dirty);
}

/* What is on the disk says what became of a write that failed. */
static void test_done_unheard(void **state)
{
    disk.next = DONE_UNHEARD;
    assert_int_equal(extend(60), 0);
    assert_int_equal(held.d.version, disk.row.version);
    /* Not even that can be read: it did not happen, and the next write finds another version. */
    disk.next = DONE_UNHEARD;
    disk.unreadable = true;
    assert_int_equal(extend(60), -1);
    assert_int_equal(held.d.deadline_s, T0 / 1000 + 660);
    disk.unreadable = false;
    assert_int_equal(extend(5), 0);
    assert_int_equal(disk.row.deadline_s, T0 / 1000 + 665);
    assert_int_equal(held.stored.version, disk.row.version);
}

/* What was kept back is for teardowns. */
static void test_full(void **state)
{
    const struct mird_input late = {.kind = MIRD_IN_TICK};
    disk.next = FULL;
    assert_int_equal(extend(60), -1);
    assert_int_equal(disk.rooms, 0);
    disk.next = FULL;
    assert_int_equal(change_at(late, false, T0 + 600000, 0), 0);
    assert_int_equal(disk.rooms, 1);
    assert_int_equal(disk.row.end_reason, MIRD_END_DEADLINE);
}

/* A clock that was set ahead is no settling time that has passed. */
static void test_clock(void **state)
{
    const struct mird_input intend = {.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE};
    const struct mird_input tick = {.kind = MIRD_IN_TICK};
    assert_int_equal(change_at(intend, false, T0 + 1000, 0), 0);
    assert_int_equal(held.d.last_create_ms, T0 + 1000);
    assert_int_equal(change_at(tick, false, T0 + 302000, 300000), 0);
    assert_int_equal(held.d.last_create_ms, T0 + 301000);
    assert_int_equal(held.d.deadline_s, T0 / 1000 + 600);
}

static void test_written_later(void **state)
{
    held.d.seen_running = true;
    mird_held_written(&held, -1);
    assert_true(held.dirty);
    assert_false(held.stored.seen_running);
    mird_held_written(&held, 0);
    assert_true(held.stored.seen_running);
    assert_int_equal(held.d.version, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_well, setup),
        cmocka_unit_test_setup(test_taken_back, setup),
        cmocka_unit_test_setup(test_taken_back_is_written, setup),
        cmocka_unit_test_setup(test_goes_on, setup),
        cmocka_unit_test_setup(test_done_unheard, setup),
        cmocka_unit_test_setup(test_full, setup),
        cmocka_unit_test_setup(test_clock, setup),
        cmocka_unit_test_setup(test_written_later, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
