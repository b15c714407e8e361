/* SPDX-License-Identifier: ISC */
/* The lease machine and its hooks: how many there have to be, and when they are asked for again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
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

/* Where a carrier gives the answer, it is the carrier that keeps the deadline, and that is said. */
static void test_who_powers_off(void **state)
{
    struct mird_deployment d = live(), carried = live();
    struct mird_probe says = {.ok = true, .status = 200, .guest_deadline_s = T0_S + 60};
    carried.carrier = MIR_CARRIER_LINUX;
    feed(&d, (struct mird_input){.kind = MIRD_IN_PROBED, .probe = &says}, T0 + 1000);
    feed(&carried, (struct mird_input){.kind = MIRD_IN_PROBED, .probe = &says}, T0 + 1000);
    assert_string_equal(d.hooks[2].detail, "the guest powers itself off");
    assert_string_equal(carried.hooks[2].detail, "its carrier powers the machine off");
    assert_int_equal(carried.hooks[2].state, MIR_HOOK_ARMED);
}

/* --- extensions --- */

static const struct mird_rules paid_rules = {.backoff_min_ms = 1000,
                                             .backoff_max_ms = 15000,
                                             .live_timeout_ms = 60000,
                                             .tries_max = 5,
                                             .paid = true};

#define OLD_S (T0_S + 3600)
#define NEW_S (T0_S + 7200)

static struct mird_deployment granted(void)
{
    struct mird_deployment d = paid_running(&paid_rules);
    feed_at(&d, &paid_rules, done_hooks(OLD_S), T0);
    assert_int_equal(d.steps[MIRD_STEP_HOOKS], MIRD_DONE);
    d.goal_over = true;
    return d;
}

static struct mird_deployment extended(int64_t deadline_s)
{
    struct mird_deployment d = granted();
    feed_at(&d, &paid_rules, (struct mird_input){.kind = MIRD_IN_EXTEND, .deadline_s = deadline_s},
            T0 + 1000);
    feed_at(&d, &paid_rules, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_HOOKS},
            T0 + 1000);
    return d;
}

/* A schedule that failed for a deadline; beside it as many others. */
static struct mird_input failed_for(int64_t deadline_s, unsigned others, unsigned again_after_s,
                                    struct mir_hook hooks[3])
{
    struct mird_input in = failed_schedule(others, again_after_s, hooks);
    mir_copy(hooks[0].detail, sizeof hooks[0].detail, "not you");
    in.deadline_s = deadline_s;
    return in;
}

/* What is told of the extension: 1 it is done, -1 it is refused, 0 nothing yet. */
static int told(const struct mird_deployment *before, const struct mird_deployment *after,
                const struct mird_input *in, struct mir_error *ret)
{
    static struct mird_news news;
    mird_lease_news(before, after, in, T0 + 2000, &news);
    *ret = news.error;
    for (unsigned i = 0; i < news.end_count; i++)
        if (!strcmp(news.ends[i].kind, "extend"))
            return news.ends[i].failed ? -1 : 1;
    return 0;
}

static int feed_told(struct mird_deployment *d, struct mird_input in, int64_t now_ms,
                     struct mir_error *ret)
{
    struct mird_deployment before = *d;
    feed_at(d, &paid_rules, in, now_ms);
    return told(&before, d, &in, ret);
}

/* Not done before it is armed, however long that takes. */
static void test_extension_waits(void **state)
{
    struct mird_deployment d = extended(NEW_S);
    struct mir_hook hooks[3];
    struct mir_error err;
    assert_int_equal(d.before_s, OLD_S);
    assert_int_equal(feed_told(&d, failed_for(NEW_S, 1, 2, hooks), T0 + 2000, &err), 0);
    assert_true(d.hooks_stale);
    assert_int_equal(mird_lease_next(&d, &paid_rules, T0 + 2000).kind, MIRD_ACT_WATCH);
    assert_int_equal(feed_told(&d, done_hooks(NEW_S), T0 + 4000, &err), 1);
    assert_int_equal(d.deadline_s, NEW_S);
    assert_int_equal(d.before_s, 0);
    assert_false(d.hooks_stale);
}

/* The old deadline is in force at once, and it is told when the hooks stand there again. */
static void test_extension_refused(void **state)
{
    struct mird_deployment d = extended(NEW_S);
    struct mir_hook hooks[3];
    struct mir_error err;
    enum mird_weight weight;
    const struct mird_input again = {.kind = MIRD_IN_EXTEND, .deadline_s = NEW_S};
    assert_int_equal(feed_told(&d, failed_for(NEW_S, 1, 300, hooks), T0 + 2000, &err), 0);
    assert_int_equal(d.end_reason, MIRD_END_NONE);
    assert_int_equal(d.deadline_s, OLD_S);
    assert_int_equal(d.refused_s, NEW_S);
    struct mird_action next = mird_lease_next(&d, &paid_rules, T0 + 2000);
    assert_int_equal(next.kind, MIRD_ACT_BEGIN);
    assert_int_equal(next.step, MIRD_STEP_HOOKS);
    assert_int_equal(mird_lease_next(&d, &paid_rules, OLD_S * 1000).kind, MIRD_ACT_TICK);
    assert_int_equal(mird_lease_apply(&d, &paid_rules, &again, T0 + 2000, &weight, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    /* A crash keeps all of it. */
    mir_auto_free char *record = mird_deployment_record(&d);
    json_t *json = json_loads(record, 0, NULL);
    assert_int_equal(mird_deployment_from_record(json, &d, NULL), 0);
    json_decref(json);
    feed_at(&d, &paid_rules, (struct mird_input){.kind = MIRD_IN_RESTARTED}, T0 + 2500);
    assert_int_equal(feed_told(&d, done_hooks(OLD_S), T0 + 3000, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    assert_non_null(strstr(err.text, "not you"));
    assert_int_equal(d.refused_s, 0);
    assert_int_equal(d.deadline_s, OLD_S);
    assert_int_equal(d.end_reason, MIRD_END_NONE);
    assert_int_equal(mird_lease_next(&d, &paid_rules, T0 + 3000).kind, MIRD_ACT_BEGIN); /* site */
    /* And the next one may go well. */
    feed_at(&d, &paid_rules, again, T0 + 4000);
    assert_string_equal(d.error_code, "");
    assert_int_equal(feed_told(&d, done_hooks(NEW_S), T0 + 5000, &err), 1);
}

/* What may pass is tried as often as any other step; then somebody is told that it is busy. */
static void test_extension_throttled(void **state)
{
    struct mird_deployment d = extended(NEW_S);
    struct mir_hook hooks[3];
    struct mir_error err;
    int64_t now_ms = T0 + 2000;
    unsigned tries = 0;
    for (; !d.refused_s && tries < 20; tries++, now_ms += 20000)
        assert_int_equal(feed_told(&d, failed_for(NEW_S, 1, 2, hooks), now_ms, &err), 0);
    assert_int_equal(tries, paid_rules.tries_max);
    for (tries = 1; !feed_told(&d, failed_for(OLD_S, 1, 2, hooks), now_ms, &err); tries++)
        now_ms += 20000;
    assert_int_equal(tries, paid_rules.tries_max);
    assert_int_equal(err.kind, MIR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "not all of its hooks"));
    assert_int_equal(d.deadline_s, OLD_S);
    assert_int_equal(d.end_reason, MIRD_END_NONE);
}

/* Two others are not enough as long as the third comes at the old deadline. */
static void test_extension_in_the_way(void **state)
{
    struct mird_deployment d = granted(), gone;
    struct mir_hook hooks[3];
    struct mir_error err;
    hooks[0] =
        (struct mir_hook){.name = "cloud-schedule", .state = MIR_HOOK_ARMED, .deadline_s = OLD_S};
    memcpy(&hooks[1], two_hooks, sizeof hooks[1] * 2);
    struct mird_input in = done_hooks(OLD_S);
    in.hooks = hooks;
    feed_at(&d, &paid_rules, in, T0);
    feed_at(&d, &paid_rules, (struct mird_input){.kind = MIRD_IN_EXTEND, .deadline_s = NEW_S}, T0);
    gone = d;
    assert_int_equal(feed_told(&d, failed_for(NEW_S, 2, 300, hooks), T0 + 2000, &err), 0);
    assert_int_equal(d.refused_s, NEW_S);
    assert_non_null(strstr(d.error_text, "too early"));
    in = failed_for(NEW_S, 2, 300, hooks);
    hooks[0].gone = true;
    assert_int_equal(feed_told(&gone, in, T0 + 2000, &err), 1);
    assert_int_equal(gone.deadline_s, NEW_S);
}

/* Nothing was ever moved: it is over at once. Of what may have been, the hooks go back first. */
static void test_extension_not_sent(void **state)
{
    const struct mir_error denied = {
        .kind = MIR_CREDENTIALS, .retry = MIR_RETRY_NEVER, .text = "no tags for you"};
    struct mird_input refused = {
        .kind = MIRD_IN_REFUSED, .step = MIRD_STEP_HOOKS, .error = &denied};
    struct mird_deployment d = extended(NEW_S), maybe = d;
    struct mir_error err;
    assert_int_equal(feed_told(&d, refused, T0 + 2000, &err), -1);
    assert_int_equal(err.kind, MIR_CREDENTIALS);
    assert_int_equal(d.deadline_s, OLD_S);
    assert_false(d.hooks_stale);
    refused.kind = MIRD_IN_UNKNOWN;
    assert_int_equal(feed_told(&maybe, refused, T0 + 2000, &err), 0);
    assert_int_equal(maybe.deadline_s, OLD_S);
    assert_int_equal(maybe.refused_s, NEW_S);
    /* An earlier request that may have: also then. */
    d = extended(NEW_S);
    feed_at(&d, &paid_rules, (struct mird_input){.kind = MIRD_IN_RESTARTED}, T0 + 1500);
    refused.kind = MIRD_IN_REFUSED;
    assert_int_equal(feed_told(&d, refused, T0 + 2000, &err), 0);
    assert_int_equal(d.refused_s, NEW_S);
}

/* Of two in a row the second is refused: what the first was armed for is gone back to. */
static void test_extension_twice(void **state)
{
    struct mird_deployment d = extended(NEW_S);
    struct mir_hook hooks[3];
    struct mir_error err;
    feed_at(&d, &paid_rules, (struct mird_input){.kind = MIRD_IN_EXTEND, .deadline_s = NEW_S + 60},
            T0 + 1500);
    assert_int_equal(d.before_s, OLD_S);
    assert_int_equal(feed_told(&d, done_hooks(NEW_S), T0 + 2000, &err), 0);
    assert_int_equal(d.before_s, NEW_S);
    feed_at(&d, &paid_rules, failed_for(NEW_S + 60, 1, 300, hooks), T0 + 3000);
    assert_int_equal(d.deadline_s, NEW_S);
}

/* One that came while the hooks were armed for the first time: it waits like any other, and what
 * they were armed for is gone back to. */
static void test_extension_while_arming(void **state)
{
    struct mird_deployment d = paid_running(&paid_rules);
    struct mir_hook hooks[3];
    struct mir_error err;
    d.goal_over = true;
    feed_at(&d, &paid_rules, (struct mird_input){.kind = MIRD_IN_EXTEND, .deadline_s = NEW_S}, T0);
    assert_int_equal(d.before_s, 0);
    assert_int_equal(feed_told(&d, done_hooks(OLD_S), T0 + 1000, &err), 0);
    assert_int_equal(d.before_s, OLD_S);
    assert_int_equal(feed_told(&d, failed_for(NEW_S, 1, 300, hooks), T0 + 2000, &err), 0);
    assert_int_equal(d.deadline_s, OLD_S);
    assert_int_equal(feed_told(&d, done_hooks(OLD_S), T0 + 3000, &err), -1);
}

/* A nearer deadline is in force whatever becomes of the hooks; nobody is told that they stand. */
static void test_nearer_deadline(void **state)
{
    struct mird_deployment d = extended(T0_S + 1800);
    struct mir_hook hooks[3];
    struct mir_error err;
    assert_int_equal(feed_told(&d, failed_for(T0_S + 1800, 1, 300, hooks), T0 + 2000, &err), -1);
    assert_int_equal(d.deadline_s, T0_S + 1800);
    assert_int_equal(d.end_reason, MIRD_END_NONE);
    assert_non_null(strstr(err.text, "not all stand there"));
}

/* What has two hooks once and loses one runs on (decision 22). */
static void test_lost_hook(void **state)
{
    struct mird_deployment d = granted();
    struct mir_hook hooks[3];
    feed_at(&d, &paid_rules, failed_for(OLD_S, 1, 60, hooks), T0 + 2000);
    assert_int_equal(d.end_reason, MIRD_END_NONE);
    assert_int_equal(d.hooks_again_ms, T0 + 62000);
    assert_int_equal(d.hooks[0].state, MIR_HOOK_FAILED);
}

/* It ends before the hooks are back: whoever waits is told why it was not extended. */
static void test_extension_ended(void **state)
{
    struct mird_deployment d = extended(NEW_S);
    struct mir_hook hooks[3];
    struct mir_error err;
    feed_at(&d, &paid_rules, failed_for(NEW_S, 1, 300, hooks), T0 + 2000);
    struct mird_deployment before = d;
    feed_at(&d, &paid_rules, (struct mird_input){.kind = MIRD_IN_TICK}, OLD_S * 1000);
    assert_int_equal(d.end_reason, MIRD_END_DEADLINE);
    for (int k = 0; k < MIRD_STEP_COUNT; k++)
        d.steps[k] = MIRD_UNDONE;
    const struct mird_input tick = {.kind = MIRD_IN_TICK};
    feed_at(&d, &paid_rules, tick, OLD_S * 1000);
    assert_true(d.finished_s && !d.refused_s);
    assert_int_equal(told(&before, &d, &tick, &err), -1);
    assert_non_null(strstr(err.text, "not you"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paid_needs_hooks),     cmocka_unit_test(test_failed_hook_again),
        cmocka_unit_test(test_too_few_hooks),        cmocka_unit_test(test_guest_hook_stays),
        cmocka_unit_test(test_who_powers_off),       cmocka_unit_test(test_extension_waits),
        cmocka_unit_test(test_extension_refused),    cmocka_unit_test(test_extension_throttled),
        cmocka_unit_test(test_extension_in_the_way), cmocka_unit_test(test_extension_not_sent),
        cmocka_unit_test(test_extension_twice),      cmocka_unit_test(test_extension_while_arming),
        cmocka_unit_test(test_nearer_deadline),      cmocka_unit_test(test_lost_hook),
        cmocka_unit_test(test_extension_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
