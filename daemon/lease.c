/* SPDX-License-Identifier: ISC */
/* The second half of the lease machine: what becomes of a deployment when something happened. */
#include <inttypes.h>
#include <string.h>

#include "api/memory.h"
#include "lease_parts.h"

static enum mird_weight guest_ended(struct mird_deployment *d, int64_t now_ms)
{
    bool by_deadline = !strcmp(d->instance.end_reason, "deadline");
    return begin_ending(d, by_deadline ? MIRD_END_DEADLINE : MIRD_END_GUEST, now_ms);
}

/* A URL that can only be known when something else is: the port, where it is published on the host,
 * or the address that open ports belong to, which may come long after the instance. */
static void derive_url(struct mird_deployment *d)
{
    if (*d->url || !d->wants_url)
        return;
    for (unsigned i = 0; i < d->instance.port_count; i++) {
        const struct mir_port *port = &d->instance.ports[i];
        if (port->guest_port != 80 || !port->host_port)
            continue;
        bool any = !*port->address || !strcmp(port->address, "0.0.0.0");
        mird_url_make(d->url, sizeof d->url, any ? "127.0.0.1" : port->address, port->host_port);
        mir_copy(d->url_origin, sizeof d->url_origin, "derived");
        return;
    }
    bool open = mir_place_opens(&d->place, 80) || mir_place_opens(&d->place, 443);
    if (open && *d->instance.address) {
        mird_url_open(d->url, sizeof d->url, d->instance.address, &d->place);
        mir_copy(d->url_origin, sizeof d->url_origin, "derived");
    }
    d->wants_url = open;
}

/* Take over what the provider says of the instance; worth a write only when it says news. */
static enum mird_weight take_instance(struct mird_deployment *d, const struct mir_instance *found,
                                      int64_t now_ms)
{
    bool news = found->state != d->instance.state || strcmp(found->id, d->instance.id) ||
                strcmp(found->address, d->instance.address) ||
                strcmp(found->address6, d->instance.address6) ||
                found->port_count != d->instance.port_count ||
                (found->first_output_ms && !d->instance.first_output_ms);
    d->instance = *found;
    mird_text_clean(d->instance.end_reason);
    d->absent_since_ms = 0;
    derive_url(d);
    if (!d->seen_running &&
        (found->state == MIR_INSTANCE_RUNNING || found->state == MIR_INSTANCE_ENDED)) {
        d->seen_running = true;
        d->running_ms = now_ms;
        news = true;
    }
    if (found->state == MIR_INSTANCE_ENDED && !is_ending(d))
        return guest_ended(d, now_ms);
    check_goal(d);
    return news ? MIRD_DURABLE : MIRD_IN_MEMORY;
}

static enum mird_weight instance_done(struct mird_deployment *d, const struct mir_instance *found,
                                      int64_t now_ms)
{
    d->steps[MIRD_STEP_INSTANCE] = MIRD_DONE;
    d->last_create_ms = max64(d->last_create_ms, now_ms);
    if (!is_ending(d))
        tries_over(d);
    take_instance(d, found, now_ms);
    return MIRD_DURABLE;
}

static enum mird_weight step_done(struct mird_deployment *d, const struct mird_rules *rules,
                                  const struct mird_input *in, int64_t now_ms)
{
    if (in->step == MIRD_STEP_INSTANCE)
        return instance_done(d, in->instance, now_ms);
    if (in->step == MIRD_STEP_HOOKS)
        return mird_lease_hooks_done(d, rules, in, now_ms);
    d->steps[in->step] = MIRD_DONE;
    if (in->step == MIRD_STEP_IMAGE && in->image_id)
        mir_copy(d->image_id, sizeof d->image_id, in->image_id);
    if (in->step == MIRD_STEP_IMAGE)
        d->last_put_ms = max64(d->last_put_ms, now_ms);
    if (!is_ending(d))
        tries_over(d);
    return MIRD_DURABLE;
}

/* The registry would not have it: the deployment runs on without a site. */
static enum mird_weight site_refused(struct mird_deployment *d, const struct mir_error *error)
{
    d->steps[MIRD_STEP_SITE] = MIRD_UNDONE;
    d->goal_over = true;
    keep_error(d, error);
    tries_over(d);
    return MIRD_DURABLE;
}

static enum mird_weight step_refused(struct mird_deployment *d, const struct mird_rules *rules,
                                     const struct mird_input *in, int64_t now_ms)
{
    bool rearming = in->step == MIRD_STEP_HOOKS && d->steps[in->step] == MIRD_DONE;
    if (!rearming && !is_ending(d))
        d->steps[in->step] = MIRD_TODO;
    if (is_ending(d))
        return MIRD_IN_MEMORY;
    bool hopeless =
        (in->error && in->error->retry == MIR_RETRY_NEVER) || d->attempts + 1 >= rules->tries_max;
    if (rearming && hopeless && goes_back(d))
        return mird_lease_hooks_denied(d, in->error);
    if (!hopeless || rearming) {
        try_later(d, rules, now_ms);
        return MIRD_IN_MEMORY;
    }
    if (in->step == MIRD_STEP_SITE)
        return site_refused(d, in->error);
    return fail_for_good(d, in->error, now_ms);
}

/* What the first request ever was refused to make is not there: nobody has to wait until a listing
 * can show that. It is looked for all the same. */
static enum mird_weight step_denied(struct mird_deployment *d, const struct mird_rules *rules,
                                    const struct mird_input *in, int64_t now_ms)
{
    bool first = d->first_try & 1u << in->step;
    if (in->step == MIRD_STEP_HOOKS)
        mird_lease_hooks_sent(d, in->kind);
    if (first && in->step == MIRD_STEP_IMAGE)
        d->last_put_ms = now_ms - rules->settle_ms;
    if (first && in->step == MIRD_STEP_INSTANCE)
        d->last_create_ms = now_ms - rules->settle_ms;
    return step_refused(d, rules, in, now_ms);
}

/* Whatever has been made on the way, asking again would be refused again. */
static bool refused_for_good(const struct mir_error *error)
{
    return error && error->retry == MIR_RETRY_NEVER &&
           (error->kind == MIR_CREDENTIALS || error->kind == MIR_POLICY ||
            error->kind == MIR_USAGE);
}

/* It may have happened: the intent stays, and what follows is a look, or the teardown of it. */
static enum mird_weight step_unknown(struct mird_deployment *d, const struct mird_rules *rules,
                                     const struct mird_input *in, int64_t now_ms)
{
    if (in->step == MIRD_STEP_IMAGE)
        d->last_put_ms = max64(d->last_put_ms, now_ms);
    if (in->step == MIRD_STEP_HOOKS)
        mird_lease_hooks_sent(d, in->kind);
    if (in->step != MIRD_STEP_INSTANCE)
        return step_refused(d, rules, in, now_ms); /* those can be repeated safely */
    d->last_create_ms = max64(d->last_create_ms, now_ms);
    if (!is_ending(d) && refused_for_good(in->error))
        return fail_for_good(d, in->error, now_ms);
    keep_error(d, in->error);
    if (!is_ending(d))
        try_later(d, rules, now_ms);
    return MIRD_DURABLE;
}

/* What was not shown yet may be any moment: looked for when as much time again has passed, so that
 * it is found soon after it is shown; and not less often than any other step is tried. Not a try of
 * the step: attempts stay. */
static void look_soon(struct mird_deployment *d, const struct mird_rules *rules, int64_t now_ms)
{
    int64_t settled = settled_ms(d, rules, MIRD_STEP_INSTANCE);
    int64_t pause = max64(now_ms - made_ms(d, MIRD_STEP_INSTANCE), rules->backoff_min_ms);
    d->retry_at_ms = min64(now_ms + min64(pause, rules->backoff_max_ms), settled);
}

/* Not found where it may have been created: only a look after the settling time says no. */
static enum mird_weight maybe_absent(struct mird_deployment *d, const struct mird_rules *rules,
                                     const struct mird_input *in, int64_t now_ms)
{
    if (in->asked_ms < settled_ms(d, rules, MIRD_STEP_INSTANCE)) {
        look_soon(d, rules, now_ms);
        return MIRD_IN_MEMORY;
    }
    d->steps[MIRD_STEP_INSTANCE] = MIRD_TODO;
    if (d->attempts < rules->tries_max) {
        d->retry_at_ms = 0;
        return MIRD_DURABLE;
    }
    struct mir_error error = {0};
    mir_fail(&error, MIR_UNAVAILABLE, "'%s' could not be started in %u tries", d->name,
             d->attempts);
    return fail_for_good(d, *d->error_code ? NULL : &error, now_ms);
}

/* It ran and is not found any more: believed only when it is missed by two questions that were
 * asked a settling time apart. When the answers came says nothing: one may be old. */
static enum mird_weight running_absent(struct mird_deployment *d, const struct mird_rules *rules,
                                       const struct mird_input *in, int64_t now_ms)
{
    if (!d->absent_since_ms)
        d->absent_since_ms = in->asked_ms;
    if (in->asked_ms < max64(d->absent_since_ms, d->last_create_ms) + rules->settle_ms)
        return MIRD_IN_MEMORY;
    d->instance.state = MIR_INSTANCE_ABSENT;
    mir_copy(d->instance.end_reason, sizeof d->instance.end_reason,
             "ended outside of mirage-deploy");
    return begin_ending(d, MIRD_END_GUEST, now_ms);
}

static enum mird_weight looked(struct mird_deployment *d, const struct mird_rules *rules,
                               const struct mird_input *in, int64_t now_ms)
{
    enum mird_step_status status = d->steps[MIRD_STEP_INSTANCE];
    bool absent = in->instance->state == MIR_INSTANCE_ABSENT;
    if (is_ending(d) || (status != MIRD_INTENT && status != MIRD_DONE))
        return MIRD_UNCHANGED;
    if (status == MIRD_INTENT)
        return absent ? maybe_absent(d, rules, in, now_ms) : instance_done(d, in->instance, now_ms);
    return absent ? running_absent(d, rules, in, now_ms) : take_instance(d, in->instance, now_ms);
}

static enum mird_weight look_failed(struct mird_deployment *d, const struct mird_rules *rules,
                                    const struct mird_input *in, int64_t now_ms)
{
    if (is_ending(d) || d->steps[MIRD_STEP_INSTANCE] != MIRD_INTENT)
        return MIRD_UNCHANGED;
    unsigned before = d->attempts;
    try_later(d, rules, now_ms);
    /* Questions are free: they make the waits longer, and always leave a try. */
    d->attempts = before + 1 < rules->tries_max ? before + 1 : before;
    return MIRD_IN_MEMORY;
}

/* What the guest says of its own deadline is its hook, read back. */
static bool guest_hook(struct mird_deployment *d, const struct mird_probe *probe)
{
    for (unsigned i = 0; i < d->hook_count; i++) {
        struct mir_hook *hook = &d->hooks[i];
        if (strcmp(hook->name, "guest") || !probe->guest_deadline_s)
            continue;
        if (hook->deadline_s == probe->guest_deadline_s && hook->state != MIR_HOOK_OFF)
            return false;
        bool same = probe->guest_deadline_s == d->deadline_s;
        bool movable = d->takes_part & MIR_PART_CONSOLE_DEADLINE;
        hook->state = same ? MIR_HOOK_ARMED : MIR_HOOK_FAILED;
        hook->deadline_s = probe->guest_deadline_s;
        mir_copy(hook->detail, sizeof hook->detail,
                 same      ? d->carrier ? "its carrier powers the machine off"
                                        : "the guest powers itself off"
                 : movable ? "the guest has not taken over the new deadline (yet)"
                           : "the guest keeps to its first deadline");
        return true;
    }
    return false;
}

static enum mird_weight probed(struct mird_deployment *d, const struct mird_rules *rules,
                               const struct mird_input *in, int64_t now_ms)
{
    if (is_ending(d) || d->steps[MIRD_STEP_INSTANCE] != MIRD_DONE || !in->probe->ok)
        return MIRD_UNCHANGED;
    bool changed = guest_hook(d, in->probe);
    if (!d->seen_live && *d->url) {
        d->seen_live = true;
        changed = true;
    }
    check_goal(d);
    return changed ? MIRD_DURABLE : MIRD_UNCHANGED;
}

/* --- on the way down --- */

static enum mird_weight undone(struct mird_deployment *d, const struct mird_rules *rules,
                               const struct mird_input *in, int64_t now_ms)
{
    if (!is_ending(d))
        return MIRD_UNCHANGED;
    /* Asked for is not gone: what ran has to be seen gone. */
    bool sent_only = has_to_be_seen_gone(in->step) && made_ms(d, in->step);
    d->steps[in->step] = sent_only ? MIRD_UNDOING : MIRD_UNDONE;
    if (!sent_only)
        tries_over(d);
    else if (d->attempts || now_ms < settled_ms(d, rules, in->step))
        d->retry_at_ms = now_ms + pause_ms(d, rules, MIRD_SOON_MS); /* not gone, or not shown yet */
    else
        d->retry_at_ms = 0;
    return MIRD_IN_MEMORY; /* sending it again after a crash does no harm */
}

static enum mird_weight undo_failed(struct mird_deployment *d, const struct mird_rules *rules,
                                    const struct mird_input *in, int64_t now_ms)
{
    if (!is_ending(d))
        return MIRD_UNCHANGED;
    bool throttled = in->error && in->error->retry == MIR_RETRY_THROTTLED;
    look_later(d, rules, throttled ? rules->backoff_max_ms : MIRD_SOON_MS, now_ms);
    if (d->stuck || !*d->error_code)
        keep_error(d, in->error);
    return MIRD_IN_MEMORY;
}

/* Nobody knows whether it is there, so a few more looks come soon, also when it is stuck. When they
 * fail, too, the delete goes out again with every second one: whoever waits for a look that
 * succeeds leaves running what could be ended. */
static enum mird_weight confirm_failed(struct mird_deployment *d, const struct mird_rules *rules,
                                       const struct mird_input *in, int64_t now_ms)
{
    enum mird_weight weight = undo_failed(d, rules, in, now_ms);
    if (!d->stuck || (in->error && in->error->retry == MIR_RETRY_THROTTLED))
        return weight;
    if (d->looks_failed++ < MIRD_LOOKS_SOON)
        d->retry_at_ms = min64(d->retry_at_ms, now_ms + MIRD_SOON_MS);
    else if (d->looks_failed % 2 && d->steps[in->step] == MIRD_UNDOING)
        d->steps[in->step] = MIRD_DONE;
    return weight;
}

static enum mird_weight seen_absent(struct mird_deployment *d, const struct mird_rules *rules,
                                    const struct mird_input *in, int64_t now_ms)
{
    if (!is_ending(d) || !has_to_be_seen_gone(in->step) || d->steps[in->step] != MIRD_UNDOING)
        return MIRD_UNCHANGED;
    int64_t settled = settled_ms(d, rules, in->step);
    d->looks_failed = 0;
    if (in->asked_ms < settled) {
        look_later(d, rules, MIRD_SOON_MS, now_ms);
        if (now_ms < settled)
            d->retry_at_ms = min64(d->retry_at_ms, settled);
        return MIRD_IN_MEMORY;
    }
    d->steps[in->step] = MIRD_UNDONE;
    if (in->step == MIRD_STEP_INSTANCE)
        d->instance.state = MIR_INSTANCE_ABSENT;
    tries_over(d);
    return MIRD_IN_MEMORY;
}

/* What a teardown that gets stuck over it will say. */
static void keep_left(struct mird_deployment *d, const struct mird_input *in)
{
    struct mir_error error = {0};
    if (!d->stuck && *d->error_code)
        return;
    mir_fail(&error, MIR_PARTIAL, "%s still shows %s %s", d->provider, mird_step_name(in->step),
             in->instance->id);
    keep_error(d, &error);
}

static enum mird_weight still_there(struct mird_deployment *d, const struct mird_rules *rules,
                                    const struct mird_input *in, int64_t now_ms)
{
    if (!is_ending(d) || !has_to_be_seen_gone(in->step) || d->steps[in->step] != MIRD_UNDOING)
        return MIRD_UNCHANGED;
    bool leaving = in->instance->state == MIR_INSTANCE_STOPPING;
    d->looks_failed = 0;
    keep_left(d, in);
    if (in->step == MIRD_STEP_INSTANCE)
        d->instance.state = in->instance->state;
    look_later(d, rules, MIRD_LEAVING_MS, now_ms);
    /* On its way out: give it time. Else, now and then, and always once it is stuck, the delete is
     * sent again. */
    if (leaving && !d->stuck && d->attempts % 4)
        return MIRD_IN_MEMORY;
    d->steps[in->step] = MIRD_DONE;
    if (!leaving)
        d->retry_at_ms = 0;
    return MIRD_IN_MEMORY;
}

static enum mird_weight finish(struct mird_deployment *d, int64_t now_ms)
{
    d->finished_s = now_ms / 1000;
    d->goal_over = true;
    d->hooks_stale = false;
    d->before_s = d->refused_s = 0;
    d->hooks_again_ms = 0;
    for (unsigned i = 0; i < d->hook_count; i++)
        d->hooks[i].state = MIR_HOOK_OFF;
    if (mird_deployment_state(d) == MIRD_GONE && d->end_reason != MIRD_END_FAILED)
        d->error_code[0] = d->error_text[0] = d->error_hint[0] = '\0';
    return MIRD_DURABLE;
}

static enum mird_weight tick_ending(struct mird_deployment *d, const struct mird_rules *rules,
                                    int64_t now_ms)
{
    bool left = false;
    for (int k = 0; k < MIRD_STEP_COUNT; k++) {
        if (!maybe_made(d, (enum mird_step_kind)k))
            d->steps[k] = MIRD_UNDONE;
        left |= d->steps[k] != MIRD_UNDONE;
    }
    if (!left)
        return finish(d, now_ms);
    if (!d->stuck && now_ms >= stuck_at_ms(d, rules)) {
        d->stuck = true;
        d->goal_over = true;
        return MIRD_DURABLE;
    }
    return MIRD_IN_MEMORY;
}

/* An extension that came so late that the deadline was there first. */
static const struct mir_error too_late = {
    .kind = MIR_TIMEOUT, .text = "its hooks were not armed for it before that deadline"};

static enum mird_weight tick(struct mird_deployment *d, const struct mird_rules *rules,
                             const struct mird_input *in, int64_t now_ms)
{
    if (d->finished_s)
        return MIRD_UNCHANGED;
    if (is_ending(d))
        return tick_ending(d, rules, now_ms);
    if (now_ms >= mird_deployment_due_s(d) * 1000 && goes_back(d))
        return mird_lease_hooks_denied(d, &too_late);
    if (now_ms >= d->deadline_s * 1000)
        return begin_ending(d, MIRD_END_DEADLINE, now_ms);
    if (now_ms >= goal_late_ms(d, rules)) {
        d->goal_over = true;
        return MIRD_DURABLE;
    }
    return MIRD_UNCHANGED;
}

static enum mird_weight restarted(struct mird_deployment *d, const struct mird_rules *rules,
                                  const struct mird_input *in, int64_t now_ms)
{
    if (d->finished_s)
        return MIRD_UNCHANGED;
    tries_over(d);
    mird_lease_hooks_sent(d, in->kind); /* may have been, and nobody heard of it */
    d->first_try = 0;
    d->absent_since_ms = 0;
    /* The request may have left just before the crash, and a moment noted by another process
     * proves no span: the clock may have been set since. */
    if (d->last_create_ms)
        d->last_create_ms = max64(d->last_create_ms, now_ms);
    if (d->last_put_ms)
        d->last_put_ms = max64(d->last_put_ms, now_ms);
    return MIRD_IN_MEMORY;
}

static enum mird_weight intend(struct mird_deployment *d, const struct mird_rules *rules,
                               const struct mird_input *in, int64_t now_ms)
{
    if (is_ending(d) || now_ms >= mird_deployment_due_s(d) * 1000)
        return MIRD_UNCHANGED;
    if (d->steps[in->step] != MIRD_DONE)
        d->steps[in->step] = MIRD_INTENT;
    if (in->step == MIRD_STEP_HOOKS)
        mird_lease_hooks_sent(d, in->kind);
    d->first_try &= ~(1u << in->step);
    if (!made_ms(d, in->step))
        d->first_try |= 1u << in->step;
    if (in->step == MIRD_STEP_IMAGE)
        d->last_put_ms = max64(d->last_put_ms, now_ms);
    if (in->step == MIRD_STEP_INSTANCE) {
        d->last_create_ms = max64(d->last_create_ms, now_ms);
        if (d->steps[MIRD_STEP_IMAGE] == MIRD_TODO)
            d->steps[MIRD_STEP_IMAGE] = MIRD_DONE; /* nothing was needed */
    }
    bool costs = rules->paid && in->step != MIRD_STEP_SITE;
    return costs || in->step <= MIRD_STEP_INSTANCE ? MIRD_DURABLE : MIRD_IN_MEMORY;
}

static enum mird_weight remove_now(struct mird_deployment *d, const struct mird_rules *rules,
                                   const struct mird_input *in, int64_t now_ms)
{
    if (is_ending(d))
        return MIRD_UNCHANGED;
    mir_copy(d->ended_by, sizeof d->ended_by, in->who ? in->who : "");
    return begin_ending(d, MIRD_END_REMOVED, now_ms);
}

static enum mird_weight prepared(struct mird_deployment *d, const struct mird_rules *rules,
                                 const struct mird_input *in, int64_t now_ms)
{
    d->prepared = true;
    return MIRD_DURABLE;
}

/* What each input does; EXTEND is apart because it alone can be refused. */
typedef enum mird_weight input_fn(struct mird_deployment *d, const struct mird_rules *rules,
                                  const struct mird_input *in, int64_t now_ms);

static input_fn *const inputs[MIRD_IN_COUNT] = {
    [MIRD_IN_TICK] = tick,
    [MIRD_IN_RESTARTED] = restarted,
    [MIRD_IN_INTEND] = intend,
    [MIRD_IN_PREPARED] = prepared,
    [MIRD_IN_DONE] = step_done,
    [MIRD_IN_REFUSED] = step_denied,
    [MIRD_IN_UNKNOWN] = step_unknown,
    [MIRD_IN_LOOKED] = looked,
    [MIRD_IN_LOOK_FAILED] = look_failed,
    [MIRD_IN_PROBED] = probed,
    [MIRD_IN_REMOVE] = remove_now,
    [MIRD_IN_UNDONE] = undone,
    [MIRD_IN_UNDO_FAILED] = undo_failed,
    [MIRD_IN_ABSENT] = seen_absent,
    [MIRD_IN_STILL_THERE] = still_there,
    [MIRD_IN_CONFIRM_FAILED] = confirm_failed,
};

/* Of looks and teardowns: who is refused for the credentials gets on with nothing, which is said at
 * once and not only when it is stuck; any answer ends that. Other failures say nothing of it. */
static bool note_halt(struct mird_deployment *d, const struct mird_input *in, int64_t now_ms)
{
    static const enum {
        NEITHER,
        ANSWER,
        FAILURE
    } says[MIRD_IN_COUNT] = {[MIRD_IN_LOOKED] = ANSWER,         [MIRD_IN_UNDONE] = ANSWER,
                             [MIRD_IN_ABSENT] = ANSWER,         [MIRD_IN_STILL_THERE] = ANSWER,
                             [MIRD_IN_LOOK_FAILED] = FAILURE,   [MIRD_IN_UNDO_FAILED] = FAILURE,
                             [MIRD_IN_CONFIRM_FAILED] = FAILURE};
    int64_t before_s = d->halted_s;
    bool refused = says[in->kind] == FAILURE && in->error && in->error->kind == MIR_CREDENTIALS;
    bool ours = in->step == MIRD_STEP_SITE || in->step == MIRD_STEP_HOOKS; /* nobody was asked */
    if (d->finished_s || (says[in->kind] == ANSWER && !ours))
        d->halted_s = 0;
    if (refused && !d->finished_s) {
        d->halted_s = before_s ? before_s : now_ms / 1000;
        mir_copy(d->halted_text, sizeof d->halted_text, in->error->text);
        mir_copy(d->halted_hint, sizeof d->halted_hint, in->error->hint);
        mird_text_clean(d->halted_text);
        mird_text_clean(d->halted_hint);
    }
    if (!d->halted_s)
        d->halted_text[0] = d->halted_hint[0] = '\0';
    return d->halted_s != before_s;
}

static void shift(int64_t *moment_ms, int64_t by_ms)
{
    if (*moment_ms)
        *moment_ms += by_ms;
}

void mird_lease_stepped(struct mird_deployment *d, int64_t by_ms)
{
    shift(&d->last_create_ms, by_ms);
    shift(&d->last_put_ms, by_ms);
    shift(&d->absent_since_ms, by_ms);
    shift(&d->running_ms, by_ms);
    shift(&d->retry_at_ms, by_ms);
    shift(&d->hooks_again_ms, by_ms);
}

int mird_lease_apply(struct mird_deployment *d, const struct mird_rules *rules,
                     const struct mird_input *in, int64_t now_ms, enum mird_weight *ret,
                     struct mir_error *err)
{
    if (in->kind == MIRD_IN_EXTEND) {
        if (mird_lease_extend(d, rules, in, now_ms, err))
            return -1;
        *ret = MIRD_DURABLE;
        return 0;
    }
    if ((unsigned)in->kind >= MIRD_IN_COUNT)
        return mir_fail(err, MIR_INTERNAL, "the lease machine has no input %d", (int)in->kind);
    enum mird_step_status was = d->steps[in->step];
    *ret = inputs[in->kind](d, rules, in, now_ms);
    if (note_halt(d, in, now_ms) && *ret == MIRD_UNCHANGED)
        *ret = MIRD_IN_MEMORY;
    mird_trail_follow(d, was, rules, in, now_ms);
    return 0;
}
