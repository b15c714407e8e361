/* SPDX-License-Identifier: ISC */
/* Who acts: the pure rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/epoch.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ASK MIRD_EPOCH_ASK_MS
#define SILENCE MIRD_EPOCH_SILENCE_MS

static void test_mine(void **state)
{
    struct mird_epoch_row nobody = {0};
    struct mird_epoch_row first = mird_epoch_taken(&nobody, A);
    assert_int_equal(first.epoch, 1);
    assert_string_equal(first.holder, A);
    assert_true(mird_epoch_mine(&first, &first));
    struct mird_epoch_row row = mird_epoch_answered(&first);
    assert_int_equal(row.beat, 1);
    assert_true(mird_epoch_mine(&row, &first)); /* an answer changes nothing about who acts */
    struct mird_epoch_row second = mird_epoch_taken(&row, B);
    assert_int_equal(second.epoch, 2);
    assert_int_equal(second.beat, 0);
    assert_false(mird_epoch_mine(&second, &first));
    assert_true(mird_epoch_mine(&second, &second));
    row = mird_epoch_released(&second);
    assert_false(mird_epoch_mine(&row, &second)); /* who has gone does nothing more */
    assert_int_equal(mird_epoch_taken(&row, A).epoch, 3);
}

static void test_never_claimed(void **state)
{
    struct mird_epoch_row nobody = {0};
    assert_false(mird_epoch_mine(&nobody, &nobody));
}

/* The same number in a database that was begun anew is another's. */
static void test_same_number(void **state)
{
    struct mird_epoch_row nobody = {0};
    struct mird_epoch_row old = mird_epoch_taken(&nobody, A);
    struct mird_epoch_row anew = mird_epoch_taken(&nobody, B);
    assert_int_equal(old.epoch, anew.epoch);
    assert_false(mird_epoch_mine(&anew, &old));
}

static void test_answers(void **state)
{
    struct mird_epoch_watch watch = {0};
    struct mird_epoch_row row = {.epoch = 4, .holder = A};
    int64_t now = 1000000;
    for (int i = 0; i < 1000; i++, now += ASK) {
        assert_int_equal(mird_epoch_look(&watch, &row, false, SILENCE, now), MIRD_EPOCH_WAIT);
        if (i % 4 == 3) /* slow, but it answers */
            row = mird_epoch_answered(&row);
    }
}

/* Rounds until the takeover of one that does not answer, in time. */
static int64_t silence(struct mird_epoch_watch *watch, const struct mird_epoch_row *row,
                       int64_t *now)
{
    int64_t since = *now;
    while (mird_epoch_look(watch, row, false, SILENCE, *now) == MIRD_EPOCH_WAIT) {
        *now += ASK;
        assert_true(*now - since < 60000);
    }
    return *now - since;
}

static void test_silence(void **state)
{
    struct mird_epoch_watch watch = {0};
    struct mird_epoch_row row = {.epoch = 4, .holder = A, .beat = 7};
    int64_t now = 5000;
    int64_t took = silence(&watch, &row, &now);
    assert_true(took >= SILENCE && took <= SILENCE + ASK);
    /* Another has been faster: it is given its time. */
    row = mird_epoch_taken(&row, B);
    assert_int_equal(mird_epoch_look(&watch, &row, false, SILENCE, now), MIRD_EPOCH_WAIT);
    now += ASK;
    assert_true(silence(&watch, &row, &now) >= SILENCE - 2 * ASK);
}

static void test_gone_or_handed_back(void **state)
{
    struct mird_epoch_watch watch = {0};
    struct mird_epoch_row row = {.epoch = 4, .holder = A};
    assert_int_equal(mird_epoch_look(&watch, &row, true, SILENCE, 1), MIRD_EPOCH_TAKE);
    watch = (struct mird_epoch_watch){0};
    row = mird_epoch_released(&row);
    assert_int_equal(mird_epoch_look(&watch, &row, false, SILENCE, 1), MIRD_EPOCH_TAKE);
}

/* Five minutes in which the standby itself did not run are no silence of the other's. */
static void test_watcher_was_stopped(void **state)
{
    struct mird_epoch_watch watch = {0};
    struct mird_epoch_row row = {.epoch = 4, .holder = A};
    assert_int_equal(mird_epoch_look(&watch, &row, false, SILENCE, 1000), MIRD_EPOCH_WAIT);
    int64_t now = 1000 + 300000;
    assert_int_equal(mird_epoch_look(&watch, &row, false, SILENCE, now), MIRD_EPOCH_WAIT);
    row = mird_epoch_answered(&row);
    now += ASK;
    assert_int_equal(mird_epoch_look(&watch, &row, false, SILENCE, now), MIRD_EPOCH_WAIT);
    assert_int_equal(watch.silent_ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mine),
        cmocka_unit_test(test_never_claimed),
        cmocka_unit_test(test_same_number),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_gone_or_handed_back),
        cmocka_unit_test(test_watcher_was_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
