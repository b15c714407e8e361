/* SPDX-License-Identifier: ISC */
/* The lease machine: every input in every state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "mird_rise.h"

static void test_up(void **state)
{
    struct mird_deployment d = live();
    assert_int_equal(mird_lease_next(&d, &rules, T0 + 500).until_ms, T0 + 60000);
}

/* Whether a lost launch is there could not be found out for long: that was no try of its own. */
static void test_failed_looks_are_no_tries(void **state)
{
    struct mird_deployment d = fresh();
    struct mir_instance absent = {.state = MIR_INSTANCE_ABSENT};
    int64_t now_ms = T0;
    feed(&d, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE}, now_ms);
    for (unsigned i = 0; i < 2 * rules.tries_max; i++) {
        now_ms += 20000;
        feed(&d, (struct mird_input){.kind = MIRD_IN_LOOK_FAILED}, now_ms);
        assert_true(d.retry_at_ms > now_ms);
    }
    now_ms += 20000;
    feed(&d, (struct mird_input){.kind = MIRD_IN_LOOKED, .instance = &absent, .asked_ms = now_ms},
         now_ms);
    assert_int_equal(d.end_reason, MIRD_END_NONE);
    assert_int_equal(d.steps[MIRD_STEP_INSTANCE], MIRD_TODO);
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

/* Whom the provider does not know gets on with nothing: said at once, since when, whatever else was
 * wrong before; and over with the first answer. */
static void test_halted(void **state)
{
    struct mird_deployment d = live(), before;
    struct mir_error no = {
        .kind = MIR_CREDENTIALS, .text = "keystone: who?", .hint = "say who you are"};
    struct mir_error late = {.kind = MIR_TIMEOUT, .text = "no answer"};
    struct mir_instance there = instance_in(MIR_INSTANCE_RUNNING);
    struct mird_news news;
    struct mird_input looked = {.kind = MIRD_IN_LOOKED, .instance = &there},
                      refused = {.kind = MIRD_IN_LOOK_FAILED, .error = &no};
    /* A look at what runs. */
    before = d;
    feed(&d, refused, T0 + 2000);
    assert_int_equal(d.halted_s, T0_S + 2);
    assert_string_equal(d.halted_text, "keystone: who?");
    assert_string_equal(d.halted_hint, "say who you are");
    mird_lease_news(&before, &d, &refused, T0 + 2000, &news);
    assert_int_equal(news.event_count, 1);
    assert_string_equal(news.events[0].kind, "error");
    assert_string_equal(news.events[0].text, "not getting on: keystone: who?");
    before = d;
    feed(&d, refused, T0 + 3000);
    mird_lease_news(&before, &d, &refused, T0 + 3000, &news);
    assert_int_equal(news.event_count, 0); /* once */
    assert_int_equal(d.halted_s, T0_S + 2);
    before = d;
    feed(&d, looked, T0 + 4000);
    mird_lease_news(&before, &d, &looked, T0 + 4000, &news);
    assert_int_equal(d.halted_s, 0);
    assert_string_equal(d.halted_text, "");
    assert_int_equal(news.event_count, 1);
    assert_string_equal(news.events[0].kind, "note");
    /* A teardown that had another trouble first. */
    struct mird_input end = {.kind = MIRD_IN_UNDO_FAILED, .step = MIRD_STEP_INSTANCE};
    feed(&d, (struct mird_input){.kind = MIRD_IN_REMOVE}, T0 + 5000);
    end.error = &late;
    feed(&d, end, T0 + 6000);
    assert_int_equal(d.halted_s, 0);
    end.error = &no;
    feed(&d, end, T0 + 7000);
    end.error = &late;
    feed(&d, end, T0 + 8000);
    assert_false(d.stuck);
    assert_int_equal(d.halted_s, T0_S + 7);
    assert_string_equal(d.halted_text, "keystone: who?");
    /* What ends here asks nobody there. */
    feed(&d, (struct mird_input){.kind = MIRD_IN_UNDONE, .step = MIRD_STEP_SITE}, T0 + 9000);
    assert_int_equal(d.halted_s, T0_S + 7);
    feed(&d, (struct mird_input){.kind = MIRD_IN_UNDONE, .step = MIRD_STEP_INSTANCE}, T0 + 10000);
    assert_int_equal(d.halted_s, 0);
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
        cmocka_unit_test(test_up),          cmocka_unit_test(test_failed_looks_are_no_tries),
        cmocka_unit_test(test_deadline),    cmocka_unit_test(test_extension),
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_guest_ends),
        cmocka_unit_test(test_goal_late),   cmocka_unit_test(test_late_address),
        cmocka_unit_test(test_no_open_web), cmocka_unit_test(test_halted),
        cmocka_unit_test(test_stuck),       cmocka_unit_test(test_everything_everywhere),
        cmocka_unit_test(test_sweep_judge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
