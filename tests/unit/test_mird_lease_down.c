/* SPDX-License-Identifier: ISC */
/* The lease machine on the way down: what was made without an answer, and what answers prove. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/memory.h"
#include "mird_feed.h"

/* An upload without an answer, in a lease that ends before it is tried again: it is looked for by
 * its token, deleted, and seen gone. */
static void test_image_in_doubt(void **state)
{
    const struct mird_rules slow = {.settle_ms = 30000,
                                    .backoff_min_ms = 1000,
                                    .tries_max = 5,
                                    .backoff_max_ms = 15000,
                                    .live_timeout_ms = 60000,
                                    .image_needed = true};
    struct mird_deployment d = fresh();
    struct mir_error lost = {.kind = MIR_TIMEOUT, .outcome = MIR_OUTCOME_UNKNOWN};
    struct mir_instance half = {.kind = MIR_OBJECT_IMAGE, .state = MIR_INSTANCE_RUNNING};
    struct mird_input in = {.kind = MIRD_IN_INTEND, .step = MIRD_STEP_IMAGE};
    assert_int_equal(feed_at(&d, &slow, in, T0), MIRD_DURABLE);
    in = (struct mird_input){.kind = MIRD_IN_UNKNOWN, .step = MIRD_STEP_IMAGE, .error = &lost};
    feed_at(&d, &slow, in, T0 + 100);
    feed_at(&d, &slow, (struct mird_input){.kind = MIRD_IN_REMOVE}, T0 + 200);
    struct mird_action next = {0};
    for (int i = 0; i < 9 && next.kind != MIRD_ACT_UNDO; i++) {
        next = mird_lease_next(&d, &slow, T0 + 300);
        if (next.kind == MIRD_ACT_TICK)
            feed_at(&d, &slow, (struct mird_input){.kind = MIRD_IN_TICK}, T0 + 300);
    }
    assert_int_equal(next.kind, MIRD_ACT_UNDO);
    assert_int_equal(next.step, MIRD_STEP_IMAGE);
    in = (struct mird_input){.kind = MIRD_IN_UNDONE, .step = MIRD_STEP_IMAGE};
    feed_at(&d, &slow, in, T0 + 300);
    in =
        (struct mird_input){.kind = MIRD_IN_ABSENT, .step = MIRD_STEP_IMAGE, .asked_ms = T0 + 1300};
    feed_at(&d, &slow, in, T0 + 1300);
    assert_int_equal(d.steps[MIRD_STEP_IMAGE], MIRD_UNDOING); /* too early to say */
    in = (struct mird_input){.kind = MIRD_IN_STILL_THERE,
                             .step = MIRD_STEP_IMAGE,
                             .instance = &half,
                             .asked_ms = T0 + 3300};
    feed_at(&d, &slow, in, T0 + 3300);
    next = mird_lease_next(&d, &slow, T0 + 3300);
    assert_int_equal(next.kind, MIRD_ACT_UNDO); /* at once */
    assert_int_equal(next.step, MIRD_STEP_IMAGE);
    in = (struct mird_input){.kind = MIRD_IN_UNDONE, .step = MIRD_STEP_IMAGE};
    feed_at(&d, &slow, in, T0 + 3300);
    in = (struct mird_input){
        .kind = MIRD_IN_ABSENT, .step = MIRD_STEP_IMAGE, .asked_ms = T0 + 31000};
    feed_at(&d, &slow, in, T0 + 31000);
    assert_int_equal(d.steps[MIRD_STEP_IMAGE], MIRD_UNDONE);
    feed_at(&d, &slow, (struct mird_input){.kind = MIRD_IN_TICK}, T0 + 31000);
    assert_true(d.finished_s != 0);
}

/* Found by the simulator (seed 9387 on ec2): asked right after the launch, answered after the
 * machine had been suspended for minutes; the old "not there" was taken for one of now. */
static void test_old_answer_is_no_absence(void **state)
{
    const struct mird_rules slow = {.settle_ms = 60000,
                                    .backoff_min_ms = 50,
                                    .tries_max = 5,
                                    .backoff_max_ms = 15000,
                                    .live_timeout_ms = 60000};
    struct mird_deployment d = fresh();
    struct mir_instance running = {.state = MIR_INSTANCE_RUNNING},
                        absent = {.state = MIR_INSTANCE_ABSENT};
    d.deadline_s = T0_S + 600;
    feed_at(&d, &slow, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE}, T0);
    feed_at(
        &d, &slow,
        (struct mird_input){.kind = MIRD_IN_DONE, .step = MIRD_STEP_INSTANCE, .instance = &running},
        T0);
    struct mird_input in = {.kind = MIRD_IN_LOOKED, .instance = &absent, .asked_ms = T0 + 1000};
    feed_at(&d, &slow, in, T0 + 370000);
    assert_int_equal(d.end_reason, MIRD_END_NONE);
    in.asked_ms = T0 + 370000; /* and again, asked a settling time after the first */
    feed_at(&d, &slow, in, T0 + 370000);
    assert_int_equal(d.end_reason, MIRD_END_GUEST);
}

/* Found by the simulator (seed 692767 on nova): the teardown was stuck, then the cloud came free,
 * but every look failed for a while, and nobody sent the delete again. */
static void test_stuck_and_no_look_succeeds(void **state)
{
    const struct mird_rules slow = {.settle_ms = 30000,
                                    .backoff_min_ms = 50,
                                    .tries_max = 5,
                                    .backoff_max_ms = 15000,
                                    .live_timeout_ms = 60000};
    struct mird_deployment d = fresh();
    struct mir_error lost = {.kind = MIR_TIMEOUT, .outcome = MIR_DID_NOT_HAPPEN};
    struct mir_instance running = {.state = MIR_INSTANCE_RUNNING};
    struct mird_input in = {.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE};
    feed_at(&d, &slow, in, T0);
    in =
        (struct mird_input){.kind = MIRD_IN_DONE, .step = MIRD_STEP_INSTANCE, .instance = &running};
    feed_at(&d, &slow, in, T0);
    feed_at(&d, &slow, (struct mird_input){.kind = MIRD_IN_REMOVE}, T0);
    in = (struct mird_input){.kind = MIRD_IN_UNDONE, .step = MIRD_STEP_INSTANCE};
    feed_at(&d, &slow, in, T0);
    int64_t now = T0 + 600000;
    feed_at(&d, &slow, (struct mird_input){.kind = MIRD_IN_TICK}, now);
    assert_true(d.stuck);
    in = (struct mird_input){
        .kind = MIRD_IN_CONFIRM_FAILED, .step = MIRD_STEP_INSTANCE, .error = &lost};
    int looks = 0;
    while (mird_lease_next(&d, &slow, now).kind == MIRD_ACT_CONFIRM && looks < 20) {
        feed_at(&d, &slow, in, now);
        if (looks++ < MIRD_LOOKS_SOON)
            assert_true(d.retry_at_ms <= now + MIRD_SOON_MS);
        now += 60000;
    }
    struct mird_action next = mird_lease_next(&d, &slow, now);
    assert_int_equal(next.kind, MIRD_ACT_UNDO);
    assert_int_equal(next.step, MIRD_STEP_INSTANCE);
    assert_in_range(looks, MIRD_LOOKS_SOON + 1, MIRD_LOOKS_SOON + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_image_in_doubt),
        cmocka_unit_test(test_old_answer_is_no_absence),
        cmocka_unit_test(test_stuck_and_no_look_succeeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
