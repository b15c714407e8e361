/* SPDX-License-Identifier: ISC */
/* A lease on its way up, one step after the other: what the tests of the lease machine share. */
#ifndef UNIT_MIRD_RISE_H
#define UNIT_MIRD_RISE_H

#include "mird_feed.h"

static const struct mird_rules rules = {.settle_ms = 0,
                                        .live_timeout_ms = 60000,
                                        .backoff_min_ms = 50,
                                        .backoff_max_ms = 15000,
                                        .tries_max = 5};

static inline struct mir_instance instance_in(enum mir_instance_state state)
{
    struct mir_instance instance = {.state = state, .port_count = 1};
    mir_copy(instance.id, sizeof instance.id, "i-1");
    mir_copy(instance.ports[0].address, sizeof instance.ports[0].address, "127.0.0.1");
    instance.ports[0].host_port = 8080;
    instance.ports[0].guest_port = 80;
    return instance;
}

static inline enum mird_weight feed(struct mird_deployment *d, struct mird_input in, int64_t now_ms)
{
    return feed_at(d, &rules, in, now_ms);
}

static inline void check_next(const struct mird_deployment *d, int64_t now_ms,
                              enum mird_action_kind kind, enum mird_step_kind step)
{
    struct mird_action next = mird_lease_next(d, &rules, now_ms);
    assert_int_equal(next.kind, kind);
    if (kind == MIRD_ACT_BEGIN || kind == MIRD_ACT_UNDO)
        assert_int_equal(next.step, step);
}

static inline struct mird_input done_instance(const struct mir_instance *instance)
{
    return (struct mird_input){
        .kind = MIRD_IN_DONE, .step = MIRD_STEP_INSTANCE, .instance = instance};
}

static const struct mir_hook two_hooks[] = {
    {.name = "keeper", .state = MIR_HOOK_ARMED, .deadline_s = T0_S + 60},
    {.name = "daemon", .state = MIR_HOOK_ARMED, .deadline_s = T0_S + 60},
    {.name = "guest", .state = MIR_HOOK_OFF}};

static inline struct mird_input done_hooks(int64_t deadline_s)
{
    return (struct mird_input){.kind = MIRD_IN_DONE,
                               .step = MIRD_STEP_HOOKS,
                               .hooks = two_hooks,
                               .hook_count = 3,
                               .deadline_s = deadline_s};
}

/* Up to `live`, checking each action on the way. */
static inline struct mird_deployment live(void)
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

#endif
