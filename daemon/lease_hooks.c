/* SPDX-License-Identifier: ISC */
/* The hooks in the lease machine: how many there have to be where it costs money, and the extension
 * that waits until they are armed for it. One for which they cannot be is refused: the deadline
 * before it is in force again, and nothing is told of it until the hooks stand there, too. */
#include <stdio.h>
#include <string.h>

#include "api/clock.h"
#include "api/memory.h"
#include "lease_parts.h"

/* Has a request that may have moved hooks left since the extension? What the provider refuses for
 * certain takes back that of the request under way, and no other's. */
enum { NOT_MOVED, MAY_BE_NOW, MAY_BE };

/* What was read back. */
struct found {
    unsigned armed;
    bool early; /* one that could not be moved may act before the deadline */
};

/* What the guest has said of this very deadline holds, whoever else is asked again; and of what
 * failed and was not seen, it has to be thought that it stands where it did, or where a request
 * wanted it that nobody has answered (lost_s): what comes first. */
static struct mir_hook hook_now(const struct mir_hook *before, unsigned count,
                                const struct mir_hook *found, int64_t deadline_s, int64_t lost_s)
{
    struct mir_hook hook = *found;
    bool unseen = found->state == MIR_HOOK_FAILED && !found->deadline_s && !found->gone;
    if (unseen)
        hook.deadline_s = lost_s;
    for (unsigned i = 0; i < count; i++) {
        const struct mir_hook *was = &before[i];
        if (strcmp(was->name, found->name))
            continue;
        if (!strcmp(was->name, "guest") && was->state != MIR_HOOK_OFF &&
            was->deadline_s == deadline_s)
            hook = *was;
        else if (unseen && was->deadline_s && (!lost_s || was->deadline_s < lost_s))
            hook.deadline_s = was->deadline_s;
    }
    mird_text_clean(hook.detail);
    return hook;
}

static struct found take_hooks(struct mird_deployment *d, const struct mird_input *in,
                               int64_t now_ms)
{
    struct mir_hook before[MIR_HOOKS_MAX];
    struct found found = {0};
    unsigned count = d->hook_count;
    memcpy(before, d->hooks, sizeof before);
    d->hook_count = in->hook_count < MIR_HOOKS_MAX ? in->hook_count : MIR_HOOKS_MAX;
    d->hooks_again_ms = 0;
    for (unsigned i = 0; i < d->hook_count; i++) {
        struct mir_hook *hook = &d->hooks[i];
        int64_t again_ms = now_ms + (int64_t)in->hooks[i].again_after_s * 1000;
        *hook = hook_now(before, count, &in->hooks[i], in->deadline_s, d->hooks_lost_s);
        found.armed += hook->state == MIR_HOOK_ARMED;
        found.early |=
            hook->state == MIR_HOOK_FAILED && hook->deadline_s && hook->deadline_s < in->deadline_s;
        if (again_ms > now_ms && (!d->hooks_again_ms || again_ms < d->hooks_again_ms))
            d->hooks_again_ms = again_ms;
    }
    if (mir_forever(in->deadline_s))
        d->hooks_again_ms = 0;
    d->hooks_asked_s = d->hooks_lost_s = 0;
    return found;
}

/* Without a deadline there is nothing to arm; the policy that let it be has taken that. */
static bool enough(const struct mird_rules *rules, const struct found *found, int64_t deadline_s)
{
    if (!rules->paid || mir_forever(deadline_s))
        return true;
    return found->armed >= MIR_HOOKS_LEAST && !found->early;
}

/* --- an extension --- */

/* Which of them, and why, as far as there is room. */
static void failed_hooks(const struct mird_deployment *d, char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < d->hook_count && len < size; i++) {
        const struct mir_hook *hook = &d->hooks[i];
        if (hook->state != MIR_HOOK_FAILED)
            continue;
        int n = snprintf(out + len, size - len, "%s%s: %.100s", len ? "; " : " (", hook->name,
                         hook->detail);
        len += n > 0 ? (size_t)n : 0;
    }
    if (len && len + 1 < size)
        mir_copy(out + len, size - len, ")");
}

static void too_few_error(const struct mird_deployment *d, const struct found *found, bool passes,
                          struct mir_error *ret)
{
    char which[280];
    failed_hooks(d, which, sizeof which);
    if (found->armed >= MIR_HOOKS_LEAST)
        mir_fail(ret, passes ? MIR_UNAVAILABLE : MIR_POLICY,
                 "a hook cannot be moved, and would end '%s' too early%s", d->name, which);
    else
        mir_fail(ret, passes ? MIR_UNAVAILABLE : MIR_POLICY,
                 "only %u of the hooks that end '%s' could be armed%s; two are the least where it "
                 "costs money",
                 found->armed, d->name, which);
}

/* What became of the request to arm them. */
static void note_asked(struct mird_deployment *d, enum mird_input_kind how)
{
    bool lost = how == MIRD_IN_UNKNOWN || how == MIRD_IN_RESTARTED;
    if (how == MIRD_IN_INTEND)
        d->hooks_asked_s = d->deadline_s;
    if (lost && d->hooks_asked_s && (!d->hooks_lost_s || d->hooks_asked_s < d->hooks_lost_s))
        d->hooks_lost_s = d->hooks_asked_s;
    if (how != MIRD_IN_INTEND)
        d->hooks_asked_s = 0;
}

void mird_lease_hooks_sent(struct mird_deployment *d, enum mird_input_kind how)
{
    note_asked(d, how);
    if (!d->before_s)
        return;
    if (how == MIRD_IN_INTEND)
        d->hooks_moved = d->hooks_moved == NOT_MOVED ? MAY_BE_NOW : MAY_BE;
    else if (how != MIRD_IN_REFUSED)
        d->hooks_moved = MAY_BE;
    else if (d->hooks_moved == MAY_BE_NOW)
        d->hooks_moved = NOT_MOVED;
}

static int too_late(const struct mird_deployment *d, struct mir_error *err)
{
    mir_fail(err, MIR_CONFLICT, "'%s' cannot be extended: %s", d->name,
             d->finished_s  ? "it is over"
             : is_ending(d) ? "its teardown has begun"
                            : "its deadline has passed");
    return mir_error_hint(err, "%s; deploy it again",
                          d->finished_s ? "nothing of it is left"
                                        : "it is being ended, until nothing of it is left");
}

/* The hooks are armed for that deadline, and another one is asked for. */
static void wait_from(struct mird_deployment *d, int64_t before_s)
{
    if (!d->before_s) {
        d->hooks_moved = NOT_MOVED;
        d->error_code[0] = d->error_text[0] = d->error_hint[0] = '\0';
    }
    d->before_s = before_s;
}

int mird_lease_extend(struct mird_deployment *d, const struct mird_rules *rules,
                      const struct mird_input *in, int64_t now_ms, struct mir_error *err)
{
    if (in->version && in->version != d->version) {
        mir_fail(err, MIR_CONFLICT, "'%s' has changed meanwhile", d->name);
        return mir_error_hint(err, "look at it again and repeat the command");
    }
    if (is_ending(d) || now_ms >= mird_deployment_due_s(d) * 1000)
        return too_late(d, err);
    if (d->refused_s) {
        mir_fail(err, MIR_CONFLICT,
                 "'%s' cannot be extended now: its hooks are on their way back from an extension "
                 "that was refused",
                 d->name);
        return mir_error_hint(err, "try again in a moment; its hooks: mirage-deploy show %s",
                              d->name);
    }
    if (in->deadline_s * 1000 <= now_ms) {
        mir_fail(err, MIR_POLICY, "the new deadline of '%s' has passed already", d->name);
        return mir_error_hint(err, "its deadline stays; to end it now: mirage-deploy rm %s",
                              d->name);
    }
    /* What was armed once can be gone back to; of several in a row, to what was before the first.
     */
    if (rules->paid && d->steps[MIRD_STEP_HOOKS] == MIRD_DONE && !d->hooks_stale) {
        wait_from(d, d->deadline_s);
        tries_over(d);
    }
    d->deadline_s = in->deadline_s;
    d->hooks_stale = true;
    return 0;
}

/* --- what becomes of it --- */

/* An extension came while they were being armed: they are asked for again at once. What they are
 * armed for meanwhile can be gone back to. */
static enum mird_weight armed_for_another(struct mird_deployment *d, const struct mird_rules *rules,
                                          bool well, int64_t deadline_s)
{
    d->hooks_stale = true;
    if (!well && d->steps[MIRD_STEP_HOOKS] != MIRD_DONE)
        d->steps[MIRD_STEP_HOOKS] = MIRD_TODO;
    if (!well)
        return MIRD_DURABLE;
    d->steps[MIRD_STEP_HOOKS] = MIRD_DONE;
    if (rules->paid && !d->refused_s)
        wait_from(d, deadline_s);
    tries_over(d);
    check_goal(d);
    return MIRD_DURABLE;
}

/* Of a refused extension they could not all be seen where they were: its error says so. */
static void not_back(struct mird_deployment *d)
{
    size_t len = strlen(d->error_text);
    snprintf(d->error_text + len, sizeof d->error_text - len,
             "; not all of its hooks are seen to be back there");
}

/* They are as they can be, and whoever waits for that is answered. */
static enum mird_weight stand(struct mird_deployment *d)
{
    d->steps[MIRD_STEP_HOOKS] = MIRD_DONE;
    d->hooks_stale = false;
    d->before_s = d->refused_s = 0;
    tries_over(d);
    check_goal(d);
    return MIRD_DURABLE;
}

/* The deadline before it is in force from here on. Hooks that may have been moved are armed for
 * that one first, and nobody is answered until then. */
static enum mird_weight refuse(struct mird_deployment *d, const struct mir_error *why)
{
    char wanted[MIR_TIME_SIZE], stays[MIR_TIME_SIZE];
    struct mir_error error = {0};
    mir_deadline_format(d->deadline_s, wanted);
    mir_deadline_format(d->before_s, stays);
    mir_fail(&error, why->kind, "the extension until %s is refused, and the deadline stays %s: %s",
             wanted, stays, why->text);
    mir_error_hint(&error, "extend it again when that is mended; its hooks: mirage-deploy show %s",
                   d->name);
    keep_error(d, &error);
    d->hooks_stale = d->hooks_moved != NOT_MOVED;
    d->refused_s = d->hooks_stale ? d->deadline_s : 0;
    d->deadline_s = d->before_s;
    d->before_s = 0;
    tries_over(d);
    return MIRD_DURABLE;
}

/* A nearer deadline is kept in any case: what could not be moved to it comes later, as it would
 * have without. */
static enum mird_weight keep_nearer(struct mird_deployment *d, const struct mir_error *why)
{
    char nearer[MIR_TIME_SIZE];
    struct mir_error error = {0};
    mir_deadline_format(d->deadline_s, nearer);
    mir_fail(&error, why->kind, "the deadline is %s now, but its hooks do not all stand there: %s",
             nearer, why->text);
    mir_error_hint(&error, "this daemon ends it then; its hooks: mirage-deploy show %s", d->name);
    keep_error(d, &error);
    return stand(d);
}

enum mird_weight mird_lease_hooks_denied(struct mird_deployment *d, const struct mir_error *why)
{
    static const struct mir_error unknown = {.kind = MIR_UNAVAILABLE,
                                             .text = "its hooks could not be asked"};
    return refuse(d, why ? why : &unknown);
}

/* Fewer than have to be. What may pass is waited for as long as for any other step; what is there
 * meanwhile has the hooks that it has. What was granted once runs on: of an extension it goes back,
 * and what has lost a hook is told to have lost it. */
static enum mird_weight too_few_hooks(struct mird_deployment *d, const struct mird_rules *rules,
                                      const struct found *found, int64_t now_ms)
{
    struct mir_error error = {0};
    bool passes = d->hooks_again_ms && d->hooks_again_ms <= now_ms + rules->backoff_max_ms;
    bool granted = d->steps[MIRD_STEP_HOOKS] == MIRD_DONE;
    if (passes && d->attempts + 1 < rules->tries_max) {
        if (!granted)
            d->steps[MIRD_STEP_HOOKS] = MIRD_TODO;
        try_later(d, rules, now_ms);
        return MIRD_DURABLE;
    }
    too_few_error(d, found, passes, &error);
    if (d->before_s)
        return goes_back(d) ? refuse(d, &error) : keep_nearer(d, &error);
    if (d->refused_s)
        not_back(d);
    return granted ? stand(d) : fail_for_good(d, &error, now_ms);
}

enum mird_weight mird_lease_hooks_done(struct mird_deployment *d, const struct mird_rules *rules,
                                       const struct mird_input *in, int64_t now_ms)
{
    struct found found = take_hooks(d, in, now_ms);
    if (is_ending(d))
        return MIRD_IN_MEMORY;
    mird_lease_hooks_sent(d, MIRD_IN_DONE);
    bool well = enough(rules, &found, in->deadline_s);
    if (in->deadline_s != d->deadline_s)
        return armed_for_another(d, rules, well, in->deadline_s);
    return well ? stand(d) : too_few_hooks(d, rules, &found, now_ms);
}
