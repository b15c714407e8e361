/* SPDX-License-Identifier: ISC */
/* The lease machine: every input in every state, and random walks through a forgetful cloud. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "mird_feed.h"

static const struct mird_rules rules = {.settle_ms = 0,
                                        .live_timeout_ms = 60000,
                                        .backoff_min_ms = 50,
                                        .backoff_max_ms = 15000,
                                        .tries_max = 5};

static struct mir_instance instance_in(enum mir_instance_state state)
{
    struct mir_instance instance = {.state = state, .port_count = 1};
    mir_copy(instance.id, sizeof instance.id, "i-1");
    mir_copy(instance.ports[0].address, sizeof instance.ports[0].address, "127.0.0.1");
    instance.ports[0].host_port = 8080;
    instance.ports[0].guest_port = 80;
    return instance;
}

static enum mird_weight feed(struct mird_deployment *d, struct mird_input in, int64_t now_ms)
{
    return feed_at(d, &rules, in, now_ms);
}

static void check_next(const struct mird_deployment *d, int64_t now_ms, enum mird_action_kind kind,
                       enum mird_step_kind step)
{
    struct mird_action next = mird_lease_next(d, &rules, now_ms);
    assert_int_equal(next.kind, kind);
    if (kind == MIRD_ACT_BEGIN || kind == MIRD_ACT_UNDO)
        assert_int_equal(next.step, step);
}

static struct mird_input done_instance(const struct mir_instance *instance)
{
    return (struct mird_input){
        .kind = MIRD_IN_DONE, .step = MIRD_STEP_INSTANCE, .instance = instance};
}

static const struct mir_hook two_hooks[] = {
    {.name = "keeper", .state = MIR_HOOK_ARMED, .deadline_s = T0_S + 60},
    {.name = "daemon", .state = MIR_HOOK_ARMED, .deadline_s = T0_S + 60},
    {.name = "guest", .state = MIR_HOOK_OFF}};

static struct mird_input done_hooks(int64_t deadline_s)
{
    return (struct mird_input){.kind = MIRD_IN_DONE,
                               .step = MIRD_STEP_HOOKS,
                               .hooks = two_hooks,
                               .hook_count = 3,
                               .deadline_s = deadline_s};
}

/* Up to `live`, checking each action on the way. */
static struct mird_deployment live(void)
{
    struct mird_deployment d = fresh();
    struct mir_instance running = instance_in(MIR_INSTANCE_RUNNING);
    struct mird_probe ok = {.ok = true, .status = 200};
    check_next(&d, T0, MIRD_ACT_BEGIN, MIRD_STEP_INSTANCE);
    assert_int_equal(
        feed(&d, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE}, T0),
        MIRD_DURABLE);
    assert_int_equal(mird_deployment_state(&d), MIRD_LAUNCHING);
    check_next(&d, T0, MIRD_ACT_LOOK, 0); /* an intent found is a question */
    feed(&d, done_instance(&running), T0 + 100);
    assert_int_equal(mird_deployment_state(&d), MIRD_RUNNING);
    assert_string_equal(d.url, "http://127.0.0.1:8080/");
    check_next(&d, T0 + 100, MIRD_ACT_BEGIN, MIRD_STEP_HOOKS);
    feed(&d, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_HOOKS}, T0 + 100);
    feed(&d, done_hooks(T0_S + 60), T0 + 100);
    check_next(&d, T0 + 100, MIRD_ACT_BEGIN, MIRD_STEP_SITE);
    feed(&d, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_SITE}, T0 + 100);
    feed(&d, (struct mird_input){.kind = MIRD_IN_DONE, .step = MIRD_STEP_SITE}, T0 + 100);
    check_next(&d, T0 + 100, MIRD_ACT_WATCH, 0);
    assert_false(d.goal_over);
    assert_int_equal(feed(&d, (struct mird_input){.kind = MIRD_IN_PROBED, .probe = &ok}, T0 + 500),
                     MIRD_DURABLE);
    assert_int_equal(mird_deployment_state(&d), MIRD_LIVE);
    assert_true(d.goal_over);
    return d;
}

static void test_up(void **state)
{
    struct mird_deployment d = live();
    assert_int_equal(mird_lease_next(&d, &rules, T0 + 500).until_ms, T0 + 60000);
}

static void end_it(struct mird_deployment *d, int64_t now_ms)
{
    check_next(d, now_ms, MIRD_ACT_UNDO, MIRD_STEP_INSTANCE);
    feed(d, (struct mird_input){.kind = MIRD_IN_UNDONE, .step = MIRD_STEP_INSTANCE}, now_ms);
    if (d->attempts) /* what failed before is given time */
        now_ms = mird_lease_next(d, &rules, now_ms).until_ms;
    check_next(d, now_ms, MIRD_ACT_CONFIRM, 0);
    feed(
        d,
        (struct mird_input){.kind = MIRD_IN_ABSENT, .step = MIRD_STEP_INSTANCE, .asked_ms = now_ms},
        now_ms);
    for (int i = 0; i < 8 && !d->finished_s; i++) {
        struct mird_action next = mird_lease_next(d, &rules, now_ms);
        if (next.kind == MIRD_ACT_TICK)
            feed(d, (struct mird_input){.kind = MIRD_IN_TICK}, now_ms);
        else
            feed(d, (struct mird_input){.kind = MIRD_IN_UNDONE, .step = next.step}, now_ms);
    }
    assert_int_equal(d->finished_s, now_ms / 1000);
    assert_int_equal(mird_lease_next(d, &rules, now_ms).kind, MIRD_ACT_NONE);
}

static void test_deadline(void **state)
{
    struct mird_deployment d = live();
    check_next(&d, T0 + 59999, MIRD_ACT_WATCH, 0);
    check_next(&d, T0 + 60000, MIRD_ACT_TICK, 0);
    assert_int_equal(feed(&d, (struct mird_input){.kind = MIRD_IN_TICK}, T0 + 60000), MIRD_DURABLE);
    assert_int_equal(d.end_reason, MIRD_END_DEADLINE);
    assert_int_equal(mird_deployment_state(&d), MIRD_ENDING);
    end_it(&d, T0 + 60000);
    assert_int_equal(mird_deployment_state(&d), MIRD_GONE);
}

static void test_extension(void **state)
{
    struct mird_deployment d = live();
    struct mir_error err = {0};
    enum mird_weight weight;
    struct mird_input in = {.kind = MIRD_IN_EXTEND, .deadline_s = T0_S + 600, .version = 7};
    assert_int_equal(mird_lease_apply(&d, &rules, &in, T0, &weight, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    in.version = 1;
    assert_int_equal(feed(&d, in, T0 + 1000), MIRD_DURABLE);
    check_next(&d, T0 + 1000, MIRD_ACT_BEGIN, MIRD_STEP_HOOKS);
    feed(&d, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_HOOKS}, T0 + 1000);
    /* Armed for the old deadline: another extension came in between. */
    feed(&d, done_hooks(T0_S + 60), T0 + 1000);
    assert_true(d.hooks_stale);
    check_next(&d, T0 + 1000, MIRD_ACT_BEGIN, MIRD_STEP_HOOKS);
    feed(&d, done_hooks(T0_S + 600), T0 + 1000);
    assert_false(d.hooks_stale);
    check_next(&d, T0 + 60000, MIRD_ACT_WATCH, 0);
    /* Not when the teardown has begun, not when the deadline has passed unnoticed. */
    in = (struct mird_input){.kind = MIRD_IN_EXTEND, .deadline_s = T0_S + 6000};
    assert_int_equal(mird_lease_apply(&d, &rules, &in, T0 + 600000, &weight, &err), -1);
    feed(&d, (struct mird_input){.kind = MIRD_IN_REMOVE}, T0 + 2000);
    assert_int_equal(mird_lease_apply(&d, &rules, &in, T0 + 2000, &weight, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    assert_int_equal(d.deadline_s, T0_S + 600);
}

static void test_refused(void **state)
{
    struct mird_deployment d = fresh();
    struct mir_error never = {.kind = MIR_CONFLICT},
                     later = {.kind = MIR_UNAVAILABLE, .retry = MIR_RETRY_TRANSIENT};
    struct mird_input in = {.kind = MIRD_IN_REFUSED, .step = MIRD_STEP_INSTANCE, .error = &later};
    mir_copy(never.text, sizeof never.text, "port 8080 is in use");
    for (int i = 0; i < 4; i++) {
        int64_t now_ms = T0 + i * 20000;
        d.deadline_s = T0_S + 1000;
        feed(&d, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE}, now_ms);
        feed(&d, in, now_ms);
        assert_int_equal(d.steps[MIRD_STEP_INSTANCE], MIRD_TODO);
        assert_int_equal(d.end_reason, MIRD_END_NONE);
        assert_int_equal(mird_lease_next(&d, &rules, now_ms).kind, MIRD_ACT_WAIT);
    }
    in.error = &never;
    feed(&d, in, T0 + 80000);
    assert_int_equal(d.end_reason, MIRD_END_FAILED);
    assert_string_equal(d.error_code, "conflict");
    end_it(&d, T0 + 80000);
    assert_int_equal(mird_deployment_state(&d), MIRD_FAILED);
    assert_string_equal(d.error_text, "port 8080 is in use");
}

static void test_guest_ends(void **state)
{
    struct mird_deployment d = live();
    struct mir_instance ended = instance_in(MIR_INSTANCE_ENDED);
    mir_copy(ended.end_reason, sizeof ended.end_reason, "powered off");
    feed(&d, (struct mird_input){.kind = MIRD_IN_LOOKED, .instance = &ended}, T0 + 1000);
    assert_int_equal(d.end_reason, MIRD_END_GUEST);
    end_it(&d, T0 + 1000);
    assert_int_equal(mird_deployment_state(&d), MIRD_GONE);
    d = live();
    mir_copy(ended.end_reason, sizeof ended.end_reason, "deadline");
    feed(&d, (struct mird_input){.kind = MIRD_IN_LOOKED, .instance = &ended}, T0 + 59999);
    assert_int_equal(d.end_reason, MIRD_END_DEADLINE);
}

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

/* Where ports are open instead of published the address makes the URL, whenever it comes. */
static void test_late_address(void **state)
{
    struct mird_deployment d = fresh();
    struct mir_instance found = instance_in(MIR_INSTANCE_STARTING);
    struct mird_probe ok = {.ok = true, .status = 200};
    mir_place_default_open(&d.place);
    found.port_count = 0;
    feed(&d, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE}, T0);
    feed(&d, done_instance(&found), T0 + 100);
    feed(&d, done_hooks(T0_S + 60), T0 + 100);
    found.state = MIR_INSTANCE_RUNNING;
    struct mird_input look = {
        .kind = MIRD_IN_LOOKED, .step = MIRD_STEP_INSTANCE, .instance = &found};
    feed(&d, look, T0 + 200);
    assert_true(d.seen_running && !d.goal_over && d.wants_url);
    assert_string_equal(d.url, "");
    assert_false(mird_deployment_rests(&d));
    check_next(&d, T0 + 200, MIRD_ACT_WATCH, 0);
    mir_copy(found.address, sizeof found.address, "198.51.100.7");
    assert_int_equal(feed(&d, look, T0 + 300), MIRD_DURABLE);
    assert_string_equal(d.url, "http://198.51.100.7/");
    assert_string_equal(d.url_origin, "derived");
    check_next(&d, T0 + 300, MIRD_ACT_BEGIN, MIRD_STEP_SITE);
    feed(&d, (struct mird_input){.kind = MIRD_IN_DONE, .step = MIRD_STEP_SITE}, T0 + 300);
    feed(&d, (struct mird_input){.kind = MIRD_IN_PROBED, .probe = &ok}, T0 + 400);
    assert_true(d.seen_live && d.goal_over);
    mir_copy(found.address, sizeof found.address, "198.51.100.8");
    feed(&d, look, T0 + 500);
    assert_string_equal(d.url, "http://198.51.100.7/"); /* a site does not move */
}

/* Neither port of the web is open: nothing is waited for. */
static void test_no_open_web(void **state)
{
    struct mird_deployment d = fresh();
    struct mir_instance found = instance_in(MIR_INSTANCE_RUNNING);
    d.place = (struct mir_place){.open_given = true, .open_count = 1, .open = {22}};
    found.port_count = 0;
    mir_copy(found.address, sizeof found.address, "198.51.100.7");
    feed(&d, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE}, T0);
    feed(&d, done_instance(&found), T0 + 100);
    feed(&d, done_hooks(T0_S + 60), T0 + 100);
    assert_string_equal(d.url, "");
    assert_true(d.goal_over && !d.wants_url);
}

static void test_goal_late(void **state)
{
    struct mird_deployment d = fresh(), before;
    struct mir_instance running = instance_in(MIR_INSTANCE_RUNNING);
    struct mird_news news;
    const struct mird_input tick = {.kind = MIRD_IN_TICK};
    d.deadline_s = T0_S + 1000;
    feed(&d, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE}, T0);
    feed(&d, done_instance(&running), T0);
    feed(&d, done_hooks(T0_S + 1000), T0);
    feed(&d, (struct mird_input){.kind = MIRD_IN_DONE, .step = MIRD_STEP_SITE}, T0);
    assert_int_equal(mird_lease_next(&d, &rules, T0).until_ms, T0 + 60000);
    check_next(&d, T0 + 60000, MIRD_ACT_TICK, 0);
    before = d;
    feed(&d, tick, T0 + 60000);
    mird_lease_news(&before, &d, &tick, T0 + 60000, &news);
    assert_int_equal(news.end_count, 1);
    assert_string_equal(news.ends[0].kind, "deploy");
    assert_true(news.ends[0].failed);
    assert_int_equal(news.error.kind, MIR_TIMEOUT);
    assert_int_equal(mird_deployment_state(&d), MIRD_RUNNING);
    check_next(&d, T0 + 60001, MIRD_ACT_WATCH, 0);
}

static void test_stuck(void **state)
{
    struct mird_deployment d = live(), before;
    struct mir_error no = {.kind = MIR_UNAVAILABLE, .text = "no answer"};
    struct mir_instance there = instance_in(MIR_INSTANCE_RUNNING);
    struct mird_news news;
    int64_t now_ms = T0 + 2000;
    bool told = false;
    unsigned sent = 0;
    feed(&d, (struct mird_input){.kind = MIRD_IN_REMOVE}, now_ms);
    while (now_ms < T0 + 3600000) {
        struct mird_action next = mird_lease_next(&d, &rules, now_ms);
        struct mird_input in = {.kind = MIRD_IN_TICK};
        if (next.kind == MIRD_ACT_WAIT) {
            assert_true(next.until_ms > now_ms && next.until_ms <= now_ms + 15000);
            now_ms = next.until_ms;
            continue;
        }
        if (next.kind == MIRD_ACT_UNDO)
            in = (struct mird_input){.kind = sent++ % 2 ? MIRD_IN_UNDONE : MIRD_IN_UNDO_FAILED,
                                     .step = next.step,
                                     .error = &no};
        if (next.kind == MIRD_ACT_CONFIRM)
            in = (struct mird_input){
                .kind = MIRD_IN_STILL_THERE, .step = MIRD_STEP_INSTANCE, .instance = &there};
        before = d;
        feed(&d, in, now_ms);
        mird_lease_news(&before, &d, &in, now_ms, &news);
        for (unsigned i = 0; i < news.end_count; i++) {
            told = true;
            assert_string_equal(news.ends[i].kind, "remove");
            assert_int_equal(news.error.kind, MIR_PARTIAL);
            assert_true(now_ms >= T0 + 182000 && now_ms < T0 + 198000);
        }
        assert_int_equal(d.finished_s, 0);
    }
    assert_true(told);
    assert_true(sent > 200); /* never gives up: an hour at 15 s */
    now_ms += 15000;
    if (d.steps[MIRD_STEP_INSTANCE] == MIRD_UNDOING)
        feed(&d,
             (struct mird_input){
                 .kind = MIRD_IN_STILL_THERE, .step = MIRD_STEP_INSTANCE, .instance = &there},
             now_ms);
    end_it(&d, now_ms);
}

/* --- every input in every state --- */

enum { STATES = 9 };

static struct mird_deployment state_number(int n)
{
    struct mird_deployment d = n >= 3 ? live() : fresh();
    struct mir_instance running = instance_in(MIR_INSTANCE_RUNNING);
    if (n == 1 || n == 2)
        feed(&d, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE}, T0);
    if (n == 2)
        feed(&d, done_instance(&running), T0);
    if (n == 4)
        feed(&d, (struct mird_input){.kind = MIRD_IN_EXTEND, .deadline_s = T0_S + 90}, T0 + 900);
    if (n >= 5)
        feed(&d, (struct mird_input){.kind = MIRD_IN_REMOVE}, T0 + 900);
    if (n == 6 || n == 7)
        feed(&d, (struct mird_input){.kind = MIRD_IN_UNDONE, .step = MIRD_STEP_INSTANCE}, T0 + 900);
    if (n == 7)
        feed(&d,
             (struct mird_input){
                 .kind = MIRD_IN_ABSENT, .step = MIRD_STEP_INSTANCE, .asked_ms = T0 + 900},
             T0 + 900);
    if (n == 8)
        end_it(&d, T0 + 900);
    return d;
}

static void check_promises(const struct mird_deployment *before,
                           const struct mird_deployment *after, const struct mird_input *in)
{
    if (before->end_reason != MIRD_END_NONE) {
        assert_int_not_equal(after->end_reason, MIRD_END_NONE);
        assert_int_equal(after->deadline_s, before->deadline_s);
    }
    if (before->finished_s)
        assert_int_equal(after->finished_s, before->finished_s);
    if (in->kind != MIRD_IN_EXTEND)
        assert_int_equal(after->deadline_s, before->deadline_s);
    /* Final only over a verified absence. */
    if (!before->finished_s && after->finished_s)
        for (int k = 0; k < MIRD_STEP_COUNT; k++)
            assert_int_equal(after->steps[k], MIRD_UNDONE);
    if (before->steps[MIRD_STEP_INSTANCE] != MIRD_UNDONE &&
        after->steps[MIRD_STEP_INSTANCE] == MIRD_UNDONE)
        assert_true(in->kind == MIRD_IN_ABSENT || !before->last_create_ms);
}

/* Nothing is begun when it is ending or has to; a wait is for something that comes. */
static void check_action(const struct mird_deployment *after, int64_t now_ms)
{
    struct mird_action next = mird_lease_next(after, &rules, now_ms);
    if (now_ms >= after->deadline_s * 1000 || after->end_reason != MIRD_END_NONE)
        assert_true(next.kind != MIRD_ACT_BEGIN && next.kind != MIRD_ACT_LOOK &&
                    next.kind != MIRD_ACT_WATCH);
    if (next.kind == MIRD_ACT_WAIT || next.kind == MIRD_ACT_WATCH)
        assert_true(next.until_ms > now_ms);
}

static void test_everything_everywhere(void **state)
{
    static const int64_t moments[] = {T0 + 1000, T0 + 60000, T0 + 400000};
    struct mir_instance found[] = {
        instance_in(MIR_INSTANCE_ABSENT), instance_in(MIR_INSTANCE_STARTING),
        instance_in(MIR_INSTANCE_RUNNING), instance_in(MIR_INSTANCE_STOPPING),
        instance_in(MIR_INSTANCE_ENDED)};
    struct mir_error error = {.kind = MIR_FAILED, .text = "x"};
    struct mird_probe probe = {.ok = true, .guest_deadline_s = T0_S + 60};
    struct mird_news news;
    unsigned tried = 0;
    for (int n = 0; n < STATES; n++)
        for (int kind = 0; kind < MIRD_IN_COUNT; kind++)
            for (int step = 0; step < MIRD_STEP_COUNT; step++)
                for (size_t m = 0; m < MIR_NELEMS(moments); m++)
                    for (size_t f = 0; f < MIR_NELEMS(found); f++) {
                        struct mird_deployment d = state_number(n), before = d;
                        enum mird_weight weight;
                        struct mird_input in = {.kind = (enum mird_input_kind)kind,
                                                .step = (enum mird_step_kind)step,
                                                .instance = &found[f],
                                                .hooks = two_hooks,
                                                .hook_count = 3,
                                                .deadline_s = T0_S + 120,
                                                .asked_ms = moments[m],
                                                .probe = &probe,
                                                .error = &error};
                        if (mird_lease_apply(&d, &rules, &in, moments[m], &weight, NULL)) {
                            assert_int_equal(kind, MIRD_IN_EXTEND);
                            assert_memory_equal(&d, &before, sizeof d);
                        }
                        check_promises(&before, &d, &in);
                        check_action(&d, moments[m]);
                        mird_lease_news(&before, &d, &in, moments[m], &news);
                        tried++;
                    }
    assert_int_equal(tried, STATES * MIRD_IN_COUNT * MIRD_STEP_COUNT * 3 * 5);
}

/* --- random walks: a cloud that forgets answers, is late and lies for a while --- */

#define CREATES_MAX 16

struct cloud {
    bool token; /* a second create with the same token finds the first */
    unsigned count;
    struct {
        int64_t runs_from_ms; /* executed late */
        int64_t seen_from_ms; /* and seen later still */
        int64_t ended_ms;     /* 0: runs */
    } creates[CREATES_MAX];
};

static uint32_t rolls;

static unsigned roll(unsigned sides)
{
    rolls = rolls * 1664525u + 1013904223u;
    return (rolls >> 8) % sides;
}

static bool cloud_shows(const struct cloud *cloud, int64_t now_ms)
{
    for (unsigned i = 0; i < cloud->count; i++)
        if (!cloud->creates[i].ended_ms && now_ms >= cloud->creates[i].seen_from_ms)
            return true;
    return false;
}

static void cloud_delete(struct cloud *cloud, int64_t now_ms)
{
    for (unsigned i = 0; i < cloud->count; i++)
        if (!cloud->creates[i].ended_ms && now_ms >= cloud->creates[i].seen_from_ms)
            cloud->creates[i].ended_ms = now_ms;
}

static struct mird_input cloud_create(struct cloud *cloud, int64_t now_ms,
                                      const struct mir_instance *running,
                                      const struct mir_error *lost, const struct mir_error *no)
{
    struct mird_input in = {.kind = MIRD_IN_REFUSED, .step = MIRD_STEP_INSTANCE, .error = no};
    unsigned how = roll(10);
    if (how == 0)
        return in;
    bool executes = how != 1 && !(cloud->token && cloud->count);
    if (executes && cloud->count < CREATES_MAX) {
        int64_t from_ms = now_ms + (how < 5 ? roll(20000) : 0);
        cloud->creates[cloud->count].runs_from_ms = from_ms;
        cloud->creates[cloud->count++].seen_from_ms = from_ms + roll(9000);
    }
    if (how < 6) {
        in.kind = MIRD_IN_UNKNOWN;
        in.error = lost;
        return in;
    }
    return done_instance(running);
}

static struct mird_input cloud_answer(struct cloud *cloud, const struct mird_action *next,
                                      int64_t now_ms, struct mir_instance *found,
                                      const struct mir_error *lost)
{
    struct mird_input in = {
        .step = next->step, .instance = found, .error = lost, .asked_ms = now_ms};
    bool fails = roll(5) == 0;
    bool shows = cloud_shows(cloud, now_ms);
    *found = instance_in(shows ? MIR_INSTANCE_RUNNING : MIR_INSTANCE_ABSENT);
    if (next->kind == MIRD_ACT_LOOK || next->kind == MIRD_ACT_WATCH)
        in.kind = fails ? MIRD_IN_LOOK_FAILED : MIRD_IN_LOOKED;
    else if (next->kind == MIRD_ACT_CONFIRM)
        in.kind = fails ? MIRD_IN_CONFIRM_FAILED : shows ? MIRD_IN_STILL_THERE : MIRD_IN_ABSENT;
    else {
        in.kind = fails ? MIRD_IN_UNDO_FAILED : MIRD_IN_UNDONE;
        /* Not found is a success for a delete, and one may be accepted and forgotten. */
        if (next->step == MIRD_STEP_INSTANCE && shows && roll(4))
            cloud_delete(cloud, now_ms);
    }
    return in;
}

struct walk {
    struct mird_deployment d, on_disk;
    struct cloud cloud;
    int64_t now_ms, acknowledged_s;
};

static const struct mird_rules slow_rules = {.settle_ms = 30000,
                                             .live_timeout_ms = 60000,
                                             .tries_max = 5,
                                             .backoff_min_ms = 1000,
                                             .backoff_max_ms = 15000};

static void take_in(struct walk *w, struct mird_input in)
{
    if (feed_at(&w->d, &slow_rules, in, w->now_ms) == MIRD_DURABLE)
        w->on_disk = w->d;
}

/* Things that happen by themselves; true when one did. */
static bool mishap(struct walk *w)
{
    enum mird_weight weight;
    if (roll(40) == 0) { /* a crash, and some time until the restart */
        w->now_ms += roll(20000);
        w->d = w->on_disk;
        take_in(w, (struct mird_input){.kind = MIRD_IN_RESTARTED});
        return true;
    }
    if (roll(40) == 0) {
        struct mird_input in = {.kind = MIRD_IN_EXTEND, .deadline_s = w->d.deadline_s + 30};
        if (!mird_lease_apply(&w->d, &slow_rules, &in, w->now_ms, &weight, NULL)) {
            w->on_disk = w->d;
            w->acknowledged_s = w->d.deadline_s;
        }
        return true;
    }
    if (roll(60) == 0) {
        take_in(w, (struct mird_input){.kind = MIRD_IN_REMOVE});
        return true;
    }
    return false;
}

static void begin_step(struct walk *w, enum mird_step_kind step)
{
    static const struct mir_error lost = {.kind = MIR_TIMEOUT, .outcome = MIR_OUTCOME_UNKNOWN},
                                  no = {.kind = MIR_UNAVAILABLE, .retry = MIR_RETRY_TRANSIENT};
    struct mir_instance running = instance_in(MIR_INSTANCE_RUNNING);
    struct mird_input in = {.kind = MIRD_IN_DONE, .step = step};
    assert_true(w->now_ms < w->d.deadline_s * 1000);
    take_in(w, (struct mird_input){.kind = MIRD_IN_INTEND, .step = step});
    if (step == MIRD_STEP_INSTANCE) {
        assert_int_equal(w->on_disk.steps[MIRD_STEP_INSTANCE], MIRD_INTENT);
        in = cloud_create(&w->cloud, w->now_ms, &running, &lost, &no);
        if (roll(10) == 0) { /* killed before the answer is known */
            w->d = w->on_disk;
            in = (struct mird_input){.kind = MIRD_IN_RESTARTED};
        }
    } else if (step == MIRD_STEP_HOOKS) {
        in = done_hooks(w->d.deadline_s);
    }
    w->now_ms += roll(300);
    take_in(w, in);
}

static void step_once(struct walk *w)
{
    static const struct mir_error lost = {.kind = MIR_TIMEOUT, .outcome = MIR_OUTCOME_UNKNOWN};
    struct mird_action next = mird_lease_next(&w->d, &slow_rules, w->now_ms);
    struct mir_instance found;
    if (next.kind == MIRD_ACT_WAIT) {
        assert_true(next.until_ms > w->now_ms);
        w->now_ms = next.until_ms;
    } else if (next.kind == MIRD_ACT_WATCH && roll(3)) {
        w->now_ms = next.until_ms < w->now_ms + 5000 ? next.until_ms : w->now_ms + 5000;
    } else if (next.kind == MIRD_ACT_BEGIN) {
        begin_step(w, next.step);
    } else if (next.kind == MIRD_ACT_TICK) {
        take_in(w, (struct mird_input){.kind = MIRD_IN_TICK});
    } else {
        struct mird_input in = cloud_answer(&w->cloud, &next, w->now_ms, &found, &lost);
        w->now_ms += roll(300);
        take_in(w, in);
    }
}

static void walk(uint32_t seed, unsigned reasons[5])
{
    struct walk w = {.d = fresh(), .now_ms = T0};
    rolls = seed;
    w.cloud.token = seed % 2;
    w.acknowledged_s = w.d.deadline_s = T0_S + 1 + roll(40);
    w.on_disk = w.d;
    for (int i = 0; i < 2000 && !w.d.finished_s; i++)
        if (!mishap(&w))
            step_once(&w);
    if (!w.d.finished_s)
        fail_msg("seed %u never ends", seed);
    for (unsigned i = 0; i < w.cloud.count; i++)
        if (!w.cloud.creates[i].ended_ms)
            fail_msg("seed %u leaves an orphan", seed);
    if (w.cloud.count > 1)
        fail_msg("seed %u launches twice", seed);
    if (w.d.deadline_s != w.acknowledged_s)
        fail_msg("seed %u moves the deadline silently", seed);
    reasons[w.d.end_reason]++;
}

static void test_walks(void **state)
{
    unsigned reasons[5] = {0};
    for (uint32_t seed = 1; seed <= 50000; seed++)
        walk(seed, reasons);
    /* They have been everywhere. */
    assert_true(reasons[MIRD_END_DEADLINE] > 1000);
    assert_true(reasons[MIRD_END_REMOVED] > 1000);
}

/* --- the sweep's decision --- */

static void test_sweep_judge(void **state)
{
    struct mir_instance found = instance_in(MIR_INSTANCE_RUNNING);
    struct mird_deployment d = live();
    mir_copy(found.tags.installation, sizeof found.tags.installation, "ours");
    assert_int_equal(mird_sweep_judge(&found, true, "ours", NULL), MIRD_FOREIGN); /* names none */
    mir_copy(found.tags.deployment, sizeof found.tags.deployment, d.id);
    assert_int_equal(mird_sweep_judge(&found, true, "ours", NULL), MIRD_END);
    assert_int_equal(mird_sweep_judge(&found, false, "ours", NULL), MIRD_FOREIGN);
    assert_int_equal(mird_sweep_judge(&found, true, "theirs", NULL), MIRD_FOREIGN);
    assert_int_equal(mird_sweep_judge(&found, true, "ours", &d), MIRD_KEEP);
    feed(&d, (struct mird_input){.kind = MIRD_IN_REMOVE}, T0 + 900);
    assert_int_equal(mird_sweep_judge(&found, true, "ours", &d), MIRD_KEEP); /* its own affair */
    end_it(&d, T0 + 900);
    assert_int_equal(mird_sweep_judge(&found, true, "ours", &d), MIRD_END);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_up),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_extension),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_guest_ends),
        cmocka_unit_test(test_paid_needs_hooks),
        cmocka_unit_test(test_failed_hook_again),
        cmocka_unit_test(test_too_few_hooks),
        cmocka_unit_test(test_guest_hook_stays),
        cmocka_unit_test(test_goal_late),
        cmocka_unit_test(test_late_address),
        cmocka_unit_test(test_no_open_web),
        cmocka_unit_test(test_stuck),
        cmocka_unit_test(test_everything_everywhere),
        cmocka_unit_test(test_walks),
        cmocka_unit_test(test_sweep_judge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
