/* SPDX-License-Identifier: ISC */
/* Random walks of the lease machine: a cloud that forgets answers, is late and lies for a while. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "mird_rise.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
