/* SPDX-License-Identifier: ISC */
/* The lease machine where nobody is sure yet: answers that were lost, listings that are young, a
 * clock that jumps, and when a teardown has taken too long. */
#include "mird_feed.h"

static const struct mird_rules slow = {.settle_ms = 30000,
                                       .live_timeout_ms = 60000,
                                       .backoff_min_ms = 1000,
                                       .backoff_max_ms = 15000,
                                       .tries_max = 5};

/* A group may have been made before the launch was refused: no second launch, but a teardown that
 * looks for it. */
static void test_refused_half_way(void **state)
{
    struct mird_deployment d = fresh();
    struct mir_error refused = {.kind = MIR_CREDENTIALS, .outcome = MIR_OUTCOME_UNKNOWN};
    feed_at(&d, &slow, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE}, T0);
    feed_at(
        &d, &slow,
        (struct mird_input){.kind = MIRD_IN_UNKNOWN, .step = MIRD_STEP_INSTANCE, .error = &refused},
        T0 + 5000);
    assert_int_equal(d.end_reason, MIRD_END_FAILED);
    assert_string_equal(d.error_code, "credentials");
    assert_int_equal(d.last_create_ms, T0 + 5000);
    struct mird_action next = mird_lease_next(&d, &slow, T0 + 5000);
    assert_int_equal(next.kind, MIRD_ACT_UNDO);
    assert_int_equal(next.step, MIRD_STEP_INSTANCE);
}

static void test_unknown_create(void **state)
{
    struct mird_deployment d = fresh();
    struct mir_error lost = {.kind = MIR_TIMEOUT, .outcome = MIR_OUTCOME_UNKNOWN};
    struct mir_instance absent = {.state = MIR_INSTANCE_ABSENT};
    d.deadline_s = T0_S + 600;
    feed_at(&d, &slow, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE}, T0);
    feed_at(
        &d, &slow,
        (struct mird_input){.kind = MIRD_IN_UNKNOWN, .step = MIRD_STEP_INSTANCE, .error = &lost},
        T0 + 5000);
    assert_int_equal(d.steps[MIRD_STEP_INSTANCE], MIRD_INTENT);
    assert_int_equal(d.last_create_ms, T0 + 5000);
    assert_int_equal(mird_lease_next(&d, &slow, T0 + 5000).kind, MIRD_ACT_WAIT);
    assert_int_equal(mird_lease_next(&d, &slow, T0 + 6000).kind, MIRD_ACT_LOOK);
    /* Absent, but too early to believe. */
    feed_at(&d, &slow,
            (struct mird_input){.kind = MIRD_IN_LOOKED, .instance = &absent, .asked_ms = T0 + 6000},
            T0 + 6000);
    assert_int_equal(d.steps[MIRD_STEP_INSTANCE], MIRD_INTENT);
    struct mird_action next = mird_lease_next(&d, &slow, T0 + 6000);
    assert_int_equal(next.kind, MIRD_ACT_WAIT);
    assert_int_equal(next.until_ms, T0 + 7000); /* it may be shown any moment */
    /* Believed after the settling time: tried again. */
    feed_at(
        &d, &slow,
        (struct mird_input){.kind = MIRD_IN_LOOKED, .instance = &absent, .asked_ms = T0 + 35000},
        T0 + 35000);
    next = mird_lease_next(&d, &slow, T0 + 35000);
    assert_int_equal(next.kind, MIRD_ACT_BEGIN);
    /* And at the end it is looked for all the same. */
    feed_at(&d, &slow, (struct mird_input){.kind = MIRD_IN_REMOVE}, T0 + 36000);
    next = mird_lease_next(&d, &slow, T0 + 36000);
    assert_int_equal(next.kind, MIRD_ACT_UNDO);
}

/* After a crash it is not known whether it was launched. It is looked for soon and again and again;
 * that it is not there is believed after the settling time, and not before. */
static void test_found_soon_after_a_crash(void **state)
{
    const struct mird_rules cloud = {.settle_ms = 300000,
                                     .backoff_min_ms = 1000,
                                     .backoff_max_ms = 15000,
                                     .tries_max = 5,
                                     .live_timeout_ms = 60000,
                                     .paid = true};
    struct mird_deployment d = fresh();
    struct mir_instance none = {.state = MIR_INSTANCE_ABSENT};
    int64_t now_ms = T0 + 5000, last_ms = 0;
    unsigned early = 0, looks = 0;
    d.deadline_s = T0_S + 3600;
    feed_at(&d, &cloud, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE},
            T0);
    feed_at(&d, &cloud, (struct mird_input){.kind = MIRD_IN_RESTARTED}, now_ms);
    for (; d.steps[MIRD_STEP_INSTANCE] == MIRD_INTENT && looks < 100; looks++) {
        struct mird_action next = mird_lease_next(&d, &cloud, now_ms);
        if (next.kind == MIRD_ACT_WAIT) {
            assert_true(next.until_ms <= now_ms + 15000);
            now_ms = next.until_ms;
            next = mird_lease_next(&d, &cloud, now_ms);
        }
        assert_int_equal(next.kind, MIRD_ACT_LOOK);
        assert_true(now_ms > last_ms);
        early += now_ms <= T0 + 5000 + 16000;
        last_ms = now_ms;
        struct mird_input in = {.kind = MIRD_IN_LOOKED, .instance = &none, .asked_ms = now_ms};
        feed_at(&d, &cloud, in, now_ms + 300);
        now_ms += 300;
    }
    assert_int_equal(last_ms, T0 + 305000); /* the look that is believed */
    assert_int_equal(d.steps[MIRD_STEP_INSTANCE], MIRD_TODO);
    assert_int_equal(d.attempts, 0); /* no tries of the launch */
    assert_true(early >= 4 && looks < 40);
}

static void test_settle_before_confirm(void **state)
{
    struct mird_deployment d = fresh();
    feed_at(&d, &slow, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE}, T0);
    feed_at(&d, &slow, (struct mird_input){.kind = MIRD_IN_REMOVE}, T0 + 10);
    feed_at(&d, &slow, (struct mird_input){.kind = MIRD_IN_UNDONE, .step = MIRD_STEP_INSTANCE},
            T0 + 10);
    /* Too early to prove that it is gone, not too early to look whether it came late. */
    struct mird_action next = mird_lease_next(&d, &slow, T0 + 20);
    assert_int_equal(next.kind, MIRD_ACT_WAIT);
    assert_int_equal(next.until_ms, T0 + 1010);
    next = mird_lease_next(&d, &slow, T0 + 1010);
    assert_int_equal(next.kind, MIRD_ACT_CONFIRM);
    assert_int_equal(next.step, MIRD_STEP_INSTANCE);
    feed_at(&d, &slow,
            (struct mird_input){
                .kind = MIRD_IN_ABSENT, .step = MIRD_STEP_INSTANCE, .asked_ms = T0 + 1010},
            T0 + 1010);
    assert_int_equal(d.steps[MIRD_STEP_INSTANCE], MIRD_UNDOING);
    assert_int_equal(mird_lease_next(&d, &slow, T0 + 29999).kind, MIRD_ACT_CONFIRM);
    /* An early answer proves nothing, even when it comes late. */
    feed_at(&d, &slow,
            (struct mird_input){
                .kind = MIRD_IN_ABSENT, .step = MIRD_STEP_INSTANCE, .asked_ms = T0 + 20},
            T0 + 40000);
    assert_int_equal(d.steps[MIRD_STEP_INSTANCE], MIRD_UNDOING);
    feed_at(&d, &slow,
            (struct mird_input){
                .kind = MIRD_IN_ABSENT, .step = MIRD_STEP_INSTANCE, .asked_ms = T0 + 30000},
            T0 + 40000);
    assert_int_equal(d.steps[MIRD_STEP_INSTANCE], MIRD_UNDONE);
}

/* Found by the simulator (seed 301 on ec2): a clock set ahead by an hour made a settling time
 * look over, and an instance that was not listed yet was told gone. */
static void test_clock_step_is_no_settling(void **state)
{
    const int64_t hour_ms = 3600000;
    struct mird_deployment d = fresh();
    feed_at(&d, &slow, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE}, T0);
    mird_lease_stepped(&d, hour_ms);
    assert_int_equal(d.deadline_s, T0_S + 60);
    feed_at(&d, &slow, (struct mird_input){.kind = MIRD_IN_TICK}, T0 + hour_ms + 10);
    assert_int_equal(d.end_reason, MIRD_END_DEADLINE);
    feed_at(&d, &slow, (struct mird_input){.kind = MIRD_IN_UNDONE, .step = MIRD_STEP_INSTANCE},
            T0 + hour_ms + 10);
    feed_at(&d, &slow,
            (struct mird_input){
                .kind = MIRD_IN_ABSENT, .step = MIRD_STEP_INSTANCE, .asked_ms = T0 + hour_ms + 20},
            T0 + hour_ms + 20);
    assert_int_equal(d.steps[MIRD_STEP_INSTANCE], MIRD_UNDOING);
    /* And a process begun anew cannot know what the clock did before: it settles once more. */
    feed_at(&d, &slow, (struct mird_input){.kind = MIRD_IN_RESTARTED}, T0 + 9 * hour_ms);
    assert_int_equal(d.last_create_ms, T0 + 9 * hour_ms);
}

static void refuse(struct mird_deployment *d, enum mird_step_kind step, int64_t now_ms)
{
    const struct mir_error no = {.kind = MIR_CREDENTIALS};
    feed_at(d, &slow, (struct mird_input){.kind = MIRD_IN_REFUSED, .step = step, .error = &no},
            now_ms);
}

/* Of a cloud in which there is nothing. */
static struct mird_input answer_to(struct mird_action next, int64_t now_ms)
{
    enum mird_input_kind kind = next.kind == MIRD_ACT_UNDO      ? MIRD_IN_UNDONE
                                : next.kind == MIRD_ACT_CONFIRM ? MIRD_IN_ABSENT
                                                                : MIRD_IN_TICK;
    return (struct mird_input){.kind = kind, .step = next.step, .asked_ms = now_ms};
}

/* What the very first request was refused to make is nowhere: no listing has to show that. */
static void test_refused_at_once(void **state)
{
    static const enum mird_step_kind steps[] = {MIRD_STEP_IMAGE, MIRD_STEP_INSTANCE};
    for (size_t i = 0; i < 2; i++) {
        struct mird_deployment d = fresh();
        bool asked = false;
        feed_at(&d, &slow, (struct mird_input){.kind = MIRD_IN_INTEND, .step = steps[i]}, T0);
        refuse(&d, steps[i], T0 + 100);
        assert_int_equal(d.end_reason, MIRD_END_FAILED);
        for (int n = 0; n < 8 && !d.finished_s; n++) {
            struct mird_action next = mird_lease_next(&d, &slow, T0 + 100);
            assert_true(next.kind != MIRD_ACT_WAIT);
            feed_at(&d, &slow, answer_to(next, T0 + 100), T0 + 100);
            asked |= next.kind == MIRD_ACT_CONFIRM;
        }
        assert_true(asked); /* and looked for all the same */
        assert_int_equal(mird_deployment_state(&d), MIRD_FAILED);
    }
}

/* After an answer that was lost, or another process's request, a refusal says nothing of those. */
static void test_refused_later(void **state)
{
    static const struct mir_error lost = {
        .kind = MIR_TIMEOUT, .outcome = MIR_OUTCOME_UNKNOWN, .retry = MIR_RETRY_TRANSIENT};
    for (int restarted = 0; restarted < 2; restarted++) {
        struct mird_deployment d = fresh();
        const struct mird_input intend = {.kind = MIRD_IN_INTEND, .step = MIRD_STEP_IMAGE};
        feed_at(&d, &slow, intend, T0);
        if (restarted)
            feed_at(&d, &slow, (struct mird_input){.kind = MIRD_IN_RESTARTED}, T0 + 50);
        else
            feed_at(&d, &slow,
                    (struct mird_input){
                        .kind = MIRD_IN_UNKNOWN, .step = MIRD_STEP_IMAGE, .error = &lost},
                    T0 + 50);
        if (!restarted)
            feed_at(&d, &slow, intend, T0 + 2000);
        refuse(&d, MIRD_STEP_IMAGE, T0 + 2100);
        feed_at(&d, &slow, (struct mird_input){.kind = MIRD_IN_TICK}, T0 + 2100);
        assert_int_equal(mird_deployment_state(&d), MIRD_ENDING);
        assert_true(d.last_put_ms >= T0);
    }
}

/* What cannot be shown gone yet is not stuck; three minutes after it could be, it is. */
static void test_stuck_when(void **state)
{
    static const struct mird_rules quick = {.settle_ms = 0}, slower = {.settle_ms = 300000};
    static const struct {
        const struct mird_rules *rules;
        int64_t at_ms;
    } rows[] = {{&quick, T0 + 181000}, {&slower, T0 + 300000 + 180000}};
    for (size_t i = 0; i < 2; i++) {
        struct mird_deployment d = fresh();
        feed_at(&d, rows[i].rules,
                (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE}, T0);
        feed_at(&d, rows[i].rules, (struct mird_input){.kind = MIRD_IN_REMOVE}, T0 + 1000);
        feed_at(&d, rows[i].rules, (struct mird_input){.kind = MIRD_IN_TICK}, rows[i].at_ms - 1);
        assert_int_equal(mird_deployment_state(&d), MIRD_ENDING);
        feed_at(&d, rows[i].rules, (struct mird_input){.kind = MIRD_IN_TICK}, rows[i].at_ms);
        assert_int_equal(mird_deployment_state(&d), MIRD_STUCK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_half_way),
        cmocka_unit_test(test_unknown_create),
        cmocka_unit_test(test_found_soon_after_a_crash),
        cmocka_unit_test(test_settle_before_confirm),
        cmocka_unit_test(test_clock_step_is_no_settling),
        cmocka_unit_test(test_refused_at_once),
        cmocka_unit_test(test_refused_later),
        cmocka_unit_test(test_stuck_when),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
