/* SPDX-License-Identifier: ISC */
/* The engine's decisions around the lease machine, one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/turn.h"

#define T0 INT64_C(1800000000000)

static const struct mird_rules rules = {
    .live_timeout_ms = 60000, .backoff_min_ms = 50, .backoff_max_ms = 2000, .tries_max = 5};

static struct mird_deployment fresh(void)
{
    struct mird_deployment d = {.created_s = T0 / 1000, .deadline_s = T0 / 1000 + 60};
    memcpy(d.name, "hello", sizeof "hello");
    return d;
}

static void test_now(void **state)
{
    struct mird_now now;
    mird_now_begin(&now, T0, 1000, 0);
    assert_int_equal(mird_now_read(&now, T0 + 10, 1010), T0 + 10);
    assert_int_equal(now.stepped_ms, 0);
    /* Set back: time goes on as the boot-time clock does. */
    assert_int_equal(mird_now_read(&now, T0 - 3600000, 1020), T0 + 20);
    assert_int_equal(now.stepped_ms, 0);
    /* Set ahead: followed, and the jump is known. */
    assert_int_equal(mird_now_read(&now, T0 + 86400000, 1030), T0 + 86400000);
    assert_int_equal(now.stepped_ms, 86400000 - 30);
    /* A provider that says less changes nothing; one that says more is believed. */
    mird_now_begin(&now, T0, 1000, 0);
    assert_int_equal(mird_now_told(&now, T0 + 99, 1100), 0);
    assert_int_equal(mird_now_told(&now, T0 + 60100, 1100), 60000);
    assert_int_equal(mird_now_read(&now, T0 + 200, 1200), T0 + 60200);
    assert_int_equal(now.stepped_ms, 60000);
    /* A store that has seen later than the clock says. */
    mird_now_begin(&now, T0, 5, T0 + 500);
    assert_int_equal(mird_now_read(&now, T0 + 1, 6), T0 + 501);
    /* What a process before wrote: exact within one start of the machine, a least after another. */
    struct mird_now_mark mark = {.utc_ms = T0, .boot_ms = 1000, .boot = "one"};
    assert_int_equal(mird_now_since(&mark, "one", 61000), T0 + 60000);
    assert_int_equal(mird_now_since(&mark, "two", 61000), T0);
    assert_int_equal(mird_now_since(&mark, "one", 900), T0);
    /* With the newest moment of the store, while any lease depends on it. */
    assert_int_equal(mird_now_least(&mark, T0 + 1000, "one", 61000), T0 + 60000);
    assert_int_equal(mird_now_least(&mark, T0 + 90000, "one", 61000), T0 + 90000);
    assert_int_equal(mird_now_least(&mark, 0, "one", 61000), 0);
    mark = (struct mird_now_mark){0};
    assert_int_equal(mird_now_since(&mark, "", 61000), 0);
    assert_int_equal(mird_now_to_boot_ms(T0 + 100, T0, 7), 107);
    assert_int_equal(mird_now_to_boot_ms(T0 - 100, T0, 7), 7);
    assert_true(mird_now_to_boot_ms(MIRD_NEVER, T0, 7) == MIRD_NEVER);
}

static void test_writes(void **state)
{
    static const struct mird_operation op;
    struct mird_deployment d = fresh(), stored = d;
    struct mird_news news;
    struct mird_turn turn;
    struct mir_error err = {0};
    struct mird_input in = {.kind = MIRD_IN_TICK};
    assert_int_equal(mird_turn_apply(&d, &stored, &rules, &in, NULL, T0, &turn, &news, &err), 0);
    assert_false(turn.write || turn.must);
    in = (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE};
    assert_int_equal(mird_turn_apply(&d, &stored, &rules, &in, NULL, T0, &turn, &news, &err), 0);
    assert_true(turn.write && turn.must);
    assert_int_equal(mird_turn_unwritten(&turn, &in), MIRD_TAKE_BACK);
    in = (struct mird_input){.kind = MIRD_IN_REMOVE};
    assert_int_equal(mird_turn_apply(&d, &stored, &rules, &in, &op, T0, &turn, &news, &err), 0);
    assert_true(turn.write && turn.must && news.operation == &op);
    assert_int_equal(mird_turn_unwritten(&turn, &in), MIRD_GO_ON_NO);
    assert_false(mird_turn_may_send(&d, MIRD_STEP_INSTANCE)); /* the removal came first */
    in = (struct mird_input){.kind = MIRD_IN_EXTEND, .deadline_s = T0 / 1000 + 600};
    assert_int_equal(mird_turn_apply(&d, &stored, &rules, &in, &op, T0, &turn, &news, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    /* An end that the disk would not take goes on in memory. */
    d = fresh();
    in = (struct mird_input){.kind = MIRD_IN_TICK};
    assert_int_equal(
        mird_turn_apply(&d, &stored, &rules, &in, NULL, T0 + 60000, &turn, &news, &err), 0);
    assert_true(turn.write && !turn.must && d.end_reason == MIRD_END_DEADLINE);
    assert_int_equal(mird_turn_unwritten(&turn, &in), MIRD_GO_ON);
}

static void test_may_send(void **state)
{
    struct mird_deployment d = fresh();
    assert_false(mird_turn_may_send(&d, MIRD_STEP_INSTANCE));
    d.steps[MIRD_STEP_INSTANCE] = MIRD_INTENT;
    assert_true(mird_turn_may_send(&d, MIRD_STEP_INSTANCE));
    d.steps[MIRD_STEP_INSTANCE] = d.steps[MIRD_STEP_HOOKS] = MIRD_DONE;
    assert_false(mird_turn_may_send(&d, MIRD_STEP_INSTANCE));
    assert_true(mird_turn_may_send(&d, MIRD_STEP_HOOKS)); /* an extension reaches them so */
}

static void test_answers(void **state)
{
    struct mird_input in = {.step = MIRD_STEP_INSTANCE};
    struct mir_error error = {.kind = MIR_TIMEOUT, .outcome = MIR_OUTCOME_UNKNOWN};
    mird_turn_failed(&error, &in);
    assert_int_equal(in.kind, MIRD_IN_UNKNOWN);
    assert_int_equal(error.retry, MIR_RETRY_TRANSIENT);
    error = (struct mir_error){.kind = MIR_POLICY, .outcome = MIR_DID_NOT_HAPPEN};
    mird_turn_failed(&error, &in);
    assert_int_equal(in.kind, MIRD_IN_REFUSED);
    assert_int_equal(error.retry, MIR_RETRY_NEVER);
    assert_ptr_equal(in.error, &error);
    struct mird_deployment d = fresh();
    struct mir_instance found = {.state = MIR_INSTANCE_ENDED};
    d.steps[MIRD_STEP_INSTANCE] = MIRD_INTENT;
    mird_turn_never_started(&d, &found);
    assert_int_equal(found.state, MIR_INSTANCE_ABSENT);
    found = (struct mir_instance){.state = MIR_INSTANCE_ENDED, .started_ms = T0};
    mird_turn_never_started(&d, &found);
    assert_int_equal(found.state, MIR_INSTANCE_ENDED);
    /* Launched a moment ago: its group is listed, itself not yet. */
    d.steps[MIRD_STEP_INSTANCE] = MIRD_DONE;
    found = (struct mir_instance){.state = MIR_INSTANCE_ENDED, .object_count = 1};
    mird_turn_never_started(&d, &found);
    assert_int_equal(found.state, MIR_INSTANCE_ABSENT);
    found = (struct mir_instance){.state = MIR_INSTANCE_ENDED, .id = "i-1"};
    mird_turn_never_started(&d, &found);
    assert_int_equal(found.state, MIR_INSTANCE_ENDED);
}

static void test_pace(void **state)
{
    struct mird_pace pace = {0};
    int64_t boot_ms = 1000;
    mird_pace_launched(&pace, boot_ms);
    for (unsigned i = 0; i < 6; i++)
        mird_pace_watched(&pace, 1000, boot_ms += pace.watch_every_ms);
    assert_int_equal(pace.watch_every_ms, 1000);
    pace = (struct mird_pace){0};
    mird_pace_watched(&pace, 1000, boot_ms); /* after a restart: at the provider's at once */
    assert_int_equal(pace.watch_boot_ms, boot_ms + 1000);
}

static void test_when(void **state)
{
    struct mird_deployment d = fresh();
    struct mird_pace pace = {0};
    int64_t wake_ms;
    assert_int_equal(mird_turn_next(&d, &rules, &pace, T0, 500, &wake_ms).kind, MIRD_ACT_BEGIN);
    mird_pace_held(&pace, 500);
    assert_int_equal(mird_turn_next(&d, &rules, &pace, T0, 500, &wake_ms).kind, MIRD_ACT_WAIT);
    assert_int_equal(wake_ms, 500 + MIRD_HOLD_MS);
    /* A hold never holds the deadline. */
    assert_int_equal(mird_turn_next(&d, &rules, &pace, T0 + 60000, 500, &wake_ms).kind,
                     MIRD_ACT_TICK);
    d.steps[MIRD_STEP_INSTANCE] = d.steps[MIRD_STEP_HOOKS] = MIRD_DONE;
    pace = (struct mird_pace){.watch_boot_ms = 700};
    assert_int_equal(mird_turn_next(&d, &rules, &pace, T0, 500, &wake_ms).kind, MIRD_ACT_WAIT);
    assert_int_equal(wake_ms, 700);
    assert_int_equal(mird_turn_next(&d, &rules, &pace, T0, 700, &wake_ms).kind, MIRD_ACT_WATCH);
    assert_int_equal(mird_turn_wake(90000, true, 500), 90000);
    assert_int_equal(mird_turn_wake(90000, false, 500), 1500);
    assert_int_equal(mird_turn_wake(600, false, 500), 600);
    assert_false(mird_turn_urgent(&d, 700, T0, 500));
    assert_true(mird_turn_urgent(&d, 60500, T0, 500)); /* it wakes for the deadline */
    d.end_reason = MIRD_END_REMOVED;
    assert_true(mird_turn_urgent(&d, 700, T0, 500));
    d.finished_s = 1;
    assert_int_equal(mird_turn_next(&d, &rules, &pace, T0, 500, &wake_ms).kind, MIRD_ACT_NONE);
    assert_true(wake_ms == MIRD_NEVER);
}

static void test_sweep_verdict(void **state)
{
    struct mir_instance found = {.state = MIR_INSTANCE_RUNNING};
    struct mird_deployment d = fresh();
    memcpy(found.tags.installation, "we", sizeof "we");
    memcpy(found.tags.deployment, "x", sizeof "x");
    found.tags.expires_s = T0 / 1000 + 60;
    struct mird_sweep_view view = {.installation = "we", .verified = true, .now_s = T0 / 1000};
    assert_int_equal(mird_sweep_verdict(&found, &view), MIRD_END);
    view.known = -1; /* a store that cannot answer ends nothing */
    assert_int_equal(mird_sweep_verdict(&found, &view), MIRD_KEEP);
    view.known = 1;
    view.record = &d;
    assert_int_equal(mird_sweep_verdict(&found, &view), MIRD_KEEP);
    view.known = 0;
    view.rebuilding = true;
    assert_int_equal(mird_sweep_verdict(&found, &view), MIRD_ADOPT);
    view.now_s += 61;
    assert_int_equal(mird_sweep_verdict(&found, &view), MIRD_END);
    view.adopt_only = true;
    assert_int_equal(mird_sweep_verdict(&found, &view), MIRD_KEEP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_now),           cmocka_unit_test(test_writes),
        cmocka_unit_test(test_may_send),      cmocka_unit_test(test_answers),
        cmocka_unit_test(test_pace),          cmocka_unit_test(test_when),
        cmocka_unit_test(test_sweep_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
