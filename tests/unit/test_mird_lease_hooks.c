/* SPDX-License-Identifier: ISC */
/* The lease machine and its hooks: how many there have to be, and when they are asked for again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "mird_rise.h"

static void test_paid_needs_hooks(void **state)
{
    struct mird_rules paid = rules;
    struct mird_deployment d = fresh();
    struct mir_instance running = instance_in(MIR_INSTANCE_RUNNING);
    struct mird_input hooks = done_hooks(T0_S + 60);
    paid.paid = true;
    feed_at(&d, &paid, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE}, T0);
    feed_at(&d, &paid, done_instance(&running), T0);
    struct mird_deployment other = d;
    feed_at(&d, &paid, hooks, T0);
    assert_int_equal(d.end_reason, MIRD_END_NONE);
    hooks.hooks = two_hooks + 1;
    hooks.hook_count = 2;
    feed_at(&other, &paid, hooks, T0);
    assert_int_equal(other.end_reason, MIRD_END_FAILED);
    assert_string_equal(other.error_code, "policy");
}

static struct mird_deployment paid_running(const struct mird_rules *paid)
{
    struct mird_deployment d = fresh();
    struct mir_instance running = instance_in(MIR_INSTANCE_RUNNING);
    d.deadline_s = T0_S + 3600;
    feed_at(&d, paid, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE}, T0);
    feed_at(&d, paid, done_instance(&running), T0);
    return d;
}

/* A schedule that could not be armed, beside two hooks or one. */
static struct mird_input failed_schedule(unsigned others, unsigned again_after_s,
                                         struct mir_hook hooks[3])
{
    hooks[0] = (struct mir_hook){
        .name = "cloud-schedule", .state = MIR_HOOK_FAILED, .again_after_s = again_after_s};
    for (unsigned i = 0; i < others; i++)
        hooks[1 + i] = two_hooks[i];
    struct mird_input in = done_hooks(T0_S + 3600);
    in.hooks = hooks;
    in.hook_count = 1 + others;
    return in;
}

/* Two others are enough: it runs on, and the one that failed is tried again from time to time. */
static void test_failed_hook_again(void **state)
{
    struct mird_rules paid = rules;
    struct mir_hook hooks[3];
    paid.paid = true;
    struct mird_deployment d = paid_running(&paid);
    feed_at(&d, &paid, failed_schedule(2, 300, hooks), T0);
    assert_int_equal(d.end_reason, MIRD_END_NONE);
    assert_int_equal(d.steps[MIRD_STEP_HOOKS], MIRD_DONE);
    d.steps[MIRD_STEP_SITE] = MIRD_DONE;
    d.goal_over = true;
    struct mird_action next = mird_lease_next(&d, &paid, T0 + 1000);
    assert_int_equal(next.kind, MIRD_ACT_WATCH);
    assert_int_equal(next.until_ms, T0 + 300000);
    mird_lease_stepped(&d, 7000);
    assert_int_equal(mird_lease_next(&d, &paid, T0 + 300000).kind, MIRD_ACT_WATCH);
    next = mird_lease_next(&d, &paid, T0 + 307000);
    assert_int_equal(next.kind, MIRD_ACT_BEGIN);
    assert_int_equal(next.step, MIRD_STEP_HOOKS);
    feed_at(&d, &paid, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_HOOKS},
            T0 + 307000);
    struct mird_input armed = done_hooks(T0_S + 3600);
    feed_at(&d, &paid, armed, T0 + 308000);
    assert_int_equal(d.hooks_again_ms, 0);
    assert_int_equal(mird_lease_next(&d, &paid, T0 + 308000).until_ms, T0 + 3600000);
}

/* One other is not enough. What passes is waited for, but not for ever; a refusal is not. */
static void test_too_few_hooks(void **state)
{
    struct mird_rules paid = rules;
    struct mir_hook hooks[3];
    int64_t now_ms = T0;
    paid.paid = true;
    struct mird_deployment d = paid_running(&paid), refused = d, mended = d;
    feed_at(&refused, &paid, failed_schedule(1, 300, hooks), T0);
    assert_int_equal(refused.end_reason, MIRD_END_FAILED);
    unsigned tries = 0;
    for (; tries < 20 && d.end_reason == MIRD_END_NONE; tries++) {
        struct mird_action next = mird_lease_next(&d, &paid, now_ms);
        if (next.kind == MIRD_ACT_WATCH) {
            now_ms = next.until_ms;
            next = mird_lease_next(&d, &paid, now_ms);
        }
        assert_int_equal(next.kind, MIRD_ACT_BEGIN);
        assert_int_equal(next.step, MIRD_STEP_HOOKS);
        feed_at(&d, &paid, failed_schedule(1, 2, hooks), now_ms);
    }
    assert_int_equal(tries, paid.tries_max);
    assert_int_equal(d.end_reason, MIRD_END_FAILED);
    feed_at(&mended, &paid, failed_schedule(1, 2, hooks), T0);
    feed_at(&mended, &paid, done_hooks(T0_S + 3600), T0 + 2000);
    assert_int_equal(mended.end_reason, MIRD_END_NONE);
    assert_int_equal(mended.steps[MIRD_STEP_HOOKS], MIRD_DONE);
}

/* Other hooks are asked again: what the guest has said of the same deadline still counts. */
static void test_guest_hook_stays(void **state)
{
    struct mird_deployment d = live();
    struct mird_probe says = {.ok = true, .status = 200, .guest_deadline_s = T0_S + 60};
    feed(&d, (struct mird_input){.kind = MIRD_IN_PROBED, .probe = &says}, T0 + 1000);
    assert_int_equal(d.hooks[2].state, MIR_HOOK_ARMED);
    feed(&d, done_hooks(T0_S + 60), T0 + 2000);
    assert_int_equal(d.hooks[2].state, MIR_HOOK_ARMED);
    feed(&d, done_hooks(T0_S + 600), T0 + 3000);
    assert_int_equal(d.hooks[2].state, MIR_HOOK_OFF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paid_needs_hooks),
        cmocka_unit_test(test_failed_hook_again),
        cmocka_unit_test(test_too_few_hooks),
        cmocka_unit_test(test_guest_hook_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
