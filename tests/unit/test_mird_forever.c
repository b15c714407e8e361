/* SPDX-License-Identifier: ISC */
/* A lease without an end, in everything that decides: nothing ends it but who may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/memory.h"
#include "daemon/turn.h"
#include "mird_feed.h"

#define CENTURIES_MS (INT64_C(1000) * 365 * 86400 * 1000)

static const struct mird_rules paid = {.settle_ms = 1000,
                                       .live_timeout_ms = 60000,
                                       .backoff_min_ms = 50,
                                       .backoff_max_ms = 15000,
                                       .tries_max = 5,
                                       .paid = true};

static const struct mir_hook off[] = {{.name = "keeper", .deadline_s = MIR_FOREVER_S},
                                      {.name = "daemon", .deadline_s = MIR_FOREVER_S}};

static struct mird_input hooks_of(const struct mir_hook *hooks, int64_t deadline_s)
{
    return (struct mird_input){.kind = MIRD_IN_DONE,
                               .step = MIRD_STEP_HOOKS,
                               .hooks = hooks,
                               .hook_count = 2,
                               .deadline_s = deadline_s};
}

/* Up, without a URL; its hooks are as they have to be. */
static struct mird_deployment up(void)
{
    struct mird_deployment d = fresh();
    struct mir_instance running = {.id = "i-1", .state = MIR_INSTANCE_RUNNING};
    d.deadline_s = MIR_FOREVER_S;
    d.wants_url = false;
    feed_at(&d, &paid, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE}, T0);
    feed_at(
        &d, &paid,
        (struct mird_input){.kind = MIRD_IN_DONE, .step = MIRD_STEP_INSTANCE, .instance = &running},
        T0 + 100);
    feed_at(&d, &paid, hooks_of(off, MIR_FOREVER_S), T0 + 200);
    return d;
}

/* Hooks that are off are no failure here, also where two are the least otherwise. */
static void test_runs(void **state)
{
    struct mird_deployment d = up();
    (void)state;
    assert_int_equal(d.end_reason, MIRD_END_NONE);
    assert_true(d.goal_over && !d.hooks_stale && mird_deployment_rests(&d));
    for (int64_t now_ms = T0 + 300; now_ms < T0 + 4 * CENTURIES_MS; now_ms += CENTURIES_MS) {
        struct mird_action next = mird_lease_next(&d, &paid, now_ms);
        assert_int_equal(next.kind, MIRD_ACT_WATCH);
        assert_true(next.until_ms == INT64_MAX); /* no moment to wake for */
        feed_at(&d, &paid, (struct mird_input){.kind = MIRD_IN_TICK}, now_ms);
        feed_at(&d, &paid, (struct mird_input){.kind = MIRD_IN_RESTARTED}, now_ms);
        assert_int_equal(d.end_reason, MIRD_END_NONE);
    }
}

static void test_sleeps(void **state)
{
    struct mird_deployment d = up();
    struct mird_pace pace = {.watch_boot_ms = 900};
    int64_t wake_ms = 0;
    (void)state;
    assert_int_equal(mird_turn_next(&d, &paid, &pace, T0 + 300, 500, &wake_ms).kind, MIRD_ACT_WAIT);
    assert_true(wake_ms == 900);
    pace.watch_boot_ms = 0;
    mird_turn_next(&d, &paid, &pace, T0 + 300, 500, &wake_ms);
    assert_true(wake_ms == MIRD_NEVER);
    /* Waking never is not waking for the deadline: it does not take a teardown's place. */
    assert_false(mird_turn_urgent(&d, MIRD_NEVER, T0 + 300, 500));
    d.end_reason = MIRD_END_REMOVED;
    assert_true(mird_turn_urgent(&d, MIRD_NEVER, T0 + 300, 500));
}

static void test_removed(void **state)
{
    struct mird_deployment d = up();
    (void)state;
    feed_at(&d, &paid, (struct mird_input){.kind = MIRD_IN_REMOVE, .who = "me"}, T0 + 300);
    assert_int_equal(d.end_reason, MIRD_END_REMOVED);
    assert_int_equal(mird_lease_next(&d, &paid, T0 + 300).kind, MIRD_ACT_UNDO);
}

/* Given an end it is a lease like others: stale hooks, two of them where it costs, a deadline. */
static void test_given_an_end(void **state)
{
    struct mird_deployment d = up();
    const struct mird_input end = {.kind = MIRD_IN_EXTEND, .deadline_s = T0_S + 60};
    (void)state;
    feed_at(&d, &paid, end, T0 + 300);
    assert_true(d.hooks_stale);
    struct mird_action next = mird_lease_next(&d, &paid, T0 + 300);
    assert_int_equal(next.kind, MIRD_ACT_BEGIN);
    assert_int_equal(next.step, MIRD_STEP_HOOKS);
    struct mir_hook armed[] = {
        {.name = "keeper", .state = MIR_HOOK_ARMED, .deadline_s = T0_S + 60},
        {.name = "daemon", .state = MIR_HOOK_ARMED, .deadline_s = T0_S + 60}};
    struct mird_deployment other = d;
    feed_at(&d, &paid, hooks_of(armed, T0_S + 60), T0 + 400);
    assert_int_equal(d.end_reason, MIRD_END_NONE);
    assert_true(mird_lease_next(&d, &paid, T0 + 400).until_ms == T0 + 60000);
    feed_at(&d, &paid, (struct mird_input){.kind = MIRD_IN_TICK}, T0 + 60000);
    assert_int_equal(d.end_reason, MIRD_END_DEADLINE);
    armed[1].state = MIR_HOOK_FAILED;
    feed_at(&other, &paid, hooks_of(armed, T0_S + 60), T0 + 400);
    assert_int_equal(other.end_reason, MIRD_END_NONE); /* with one of them, but no later */
    assert_int_equal(other.deadline_s, T0_S + 60);
    assert_string_equal(other.error_code, "policy");
    assert_true(mird_lease_next(&other, &paid, T0 + 400).until_ms == T0 + 60000);
}

/* By the tags alone: never past its deadline; but gone is gone, and unknown is unknown. */
static void test_swept(void **state)
{
    struct mir_instance found = {.state = MIR_INSTANCE_RUNNING, .tags.expires_s = MIR_FOREVER_S};
    struct mird_deployment d = up();
    int64_t late_s = T0_S + CENTURIES_MS / 1000;
    (void)state;
    mir_copy(found.tags.installation, sizeof found.tags.installation, "ours");
    mir_copy(found.tags.deployment, sizeof found.tags.deployment, d.id);
    assert_int_equal(mird_reap_judge(&found, true, "ours", late_s, 0), MIRD_KEEP);
    assert_int_equal(mird_reap_judge(&found, true, "ours", late_s, MIR_DURATION_MAX_S), MIRD_KEEP);
    assert_int_equal(mird_sweep_judge(&found, true, "ours", &d), MIRD_KEEP);
    assert_int_equal(mird_sweep_judge(&found, true, "ours", NULL), MIRD_END);
    assert_int_equal(mird_sweep_judge_rebuilding(&found, true, "ours", NULL, late_s), MIRD_ADOPT);
    d.finished_s = T0_S + 1;
    assert_int_equal(mird_sweep_judge(&found, true, "ours", &d), MIRD_END);
}

static void test_taken_up(void **state)
{
    struct mir_instance found = {.state = MIR_INSTANCE_RUNNING, .tags.expires_s = MIR_FOREVER_S};
    struct mird_deployment d;
    (void)state;
    mir_copy(found.tags.deployment, sizeof found.tags.deployment, fresh().id);
    mird_turn_found(&found, "local", T0, &d);
    assert_true(mir_forever(d.deadline_s));
    assert_string_equal(d.reason, ""); /* lost with the database */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs),    cmocka_unit_test(test_sleeps),
        cmocka_unit_test(test_removed), cmocka_unit_test(test_given_an_end),
        cmocka_unit_test(test_swept),   cmocka_unit_test(test_taken_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
