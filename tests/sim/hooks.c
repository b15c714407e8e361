/* SPDX-License-Identifier: ISC */
/* The simulated hooks: a schedule in the cloud that is moved, is refused or is busy for a while,
 * the tags, a guest that powers itself off, and the word of a mirage-reap that comes again; and
 * what users are told of them, against what is really there. */
#include <string.h>

#include "api/memory.h"
#include "sim.h"

#define BUSY_AGAIN_S 2
#define DENIED_AGAIN_S 300
#define WORD_AGAIN_S 60
#define GUEST_LATE_MS 30000
#define MENDED_MS ((DENIED_AGAIN_S + 400) * INT64_C(1000)) /* by when a hook is armed again */

/* --- arming --- */

enum mood { WILLING, BUSY, DENIED };

static enum mood mood(struct sim_world *w)
{
    if (!w->cloud->paid)
        return WILLING;
    if (sim_in(w, SIM_HOOKS_DENIED))
        return DENIED;
    return sim_in(w, SIM_HOOKS_BUSY) || sim_chance(w, w->fault == SIM_HOOK_UNREAD ? 200 : 30)
               ? BUSY
               : WILLING;
}

static struct mir_hook *add(struct mird_answer *a, const char *name, int64_t deadline_s)
{
    struct mir_hook *hook = &a->hooks[a->input.hook_count++];
    *hook = (struct mir_hook){.state = MIR_HOOK_ARMED, .deadline_s = deadline_s};
    mir_copy(hook->name, sizeof hook->name, name);
    return hook;
}

/* The instance that get shows; the schedule of another one follows it. */
static struct sim_object *instance_of(struct sim_world *w, const struct sim_lease *l)
{
    for (unsigned i = 0; i < w->object_count; i++)
        if (w->objects[i].owner == l->index && !w->objects[i].image)
            return &w->objects[i];
    return NULL;
}

static void schedule_all(struct sim_world *w, const struct sim_lease *l, int64_t at_ms)
{
    for (unsigned i = 0; i < w->object_count; i++)
        if (w->objects[i].owner == l->index)
            w->objects[i].schedule_ms = at_ms;
}

/* As ec2/provider/hooks.c has it: what cannot be moved is read, and taken away when the others do
 * without it. */
static void arm_schedule(struct sim_world *w, const struct sim_lease *l, unsigned others,
                         enum mood how, struct mir_hook *hook)
{
    const struct sim_object *o = instance_of(w, l);
    int64_t stands_ms = o ? o->schedule_ms : SIM_NEVER, deadline_ms;
    deadline_ms = hook->deadline_s * 1000 - SIM_T0_MS;
    if (mir_forever(hook->deadline_s)) /* as the wrapper has it */
        hook->state = MIR_HOOK_OFF;
    if (how == WILLING)
        schedule_all(w, l, mir_forever(hook->deadline_s) ? SIM_NEVER : deadline_ms);
    if (how == WILLING || (how == DENIED && stands_ms == deadline_ms) ||
        mir_forever(hook->deadline_s) || w->fault == SIM_HOOK_UNREAD)
        return;
    hook->state = MIR_HOOK_FAILED;
    hook->again_after_s = how == BUSY ? BUSY_AGAIN_S : DENIED_AGAIN_S;
    hook->deadline_s = 0;
    if (how == BUSY)
        return;
    if (stands_ms != SIM_NEVER && others >= MIR_HOOKS_LEAST) {
        schedule_all(w, l, SIM_NEVER);
        stands_ms = SIM_NEVER;
    }
    hook->gone = stands_ms == SIM_NEVER;
    hook->deadline_s = hook->gone ? 0 : (stands_ms + SIM_T0_MS) / 1000;
}

static bool word_is_fresh(const struct sim_world *w)
{
    return w->cloud->paid && w->now_ms >= w->word.from_ms && w->now_ms < w->word.until_ms;
}

/* Whoever has left word and does not come any more. */
static void add_word(const struct sim_world *w, struct sim_lease *l, struct mird_answer *a)
{
    l->word = word_is_fresh(w);
    if (!w->cloud->paid || w->now_ms < w->word.from_ms || mir_forever(a->input.deadline_s))
        return;
    struct mir_hook *hook = add(a, "reaper", a->input.deadline_s);
    hook->state = word_is_fresh(w) ? MIR_HOOK_ARMED : MIR_HOOK_FAILED;
    hook->again_after_s = WORD_AGAIN_S;
}

static void tag_all(struct sim_world *w, const struct sim_lease *l, int64_t deadline_s)
{
    for (unsigned i = 0; i < w->object_count; i++) {
        struct sim_object *o = &w->objects[i];
        if (o->owner != l->index || (w->fault == SIM_TAGS_STAY && o->schedule_ms != SIM_NEVER))
            continue;
        sim_tag(o, deadline_s);
        if (l->takes_part)
            o->guest_ms = deadline_s * 1000 - SIM_T0_MS + GUEST_LATE_MS;
    }
}

/* The schedule, when it stands as it was read back for this very deadline (step_hooks.c). */
static const struct mir_hook *stands(const struct mird_deployment *d)
{
    for (unsigned i = 0; i < d->hook_count; i++)
        if (!strcmp(d->hooks[i].name, "cloud-schedule"))
            return d->steps[MIRD_STEP_HOOKS] == MIRD_DONE && !d->hooks_stale &&
                           d->hooks[i].state != MIR_HOOK_FAILED
                       ? &d->hooks[i]
                       : NULL;
    return NULL;
}

/* Only what does not stand for itself is looked at again; the cloud is not asked. */
static bool look_again(const struct sim_world *w, struct sim_lease *l,
                       const struct mir_hook *schedule, struct mird_answer *a, int64_t *ret_took)
{
    *ret_took = 50;
    a->input.hook_count = 0;
    a->input.deadline_s = l->held.d.deadline_s;
    *add(a, schedule->name, schedule->deadline_s) = *schedule;
    a->hooks[0].again_after_s = 0;
    mird_hooks_add(&l->held.d, true, a);
    add_word(w, l, a);
    return true;
}

/* An answer that is lost may have come after all of it, or after the tags. */
bool sim_arm(struct sim_world *w, struct sim_lease *l, struct mird_answer *a, int64_t *ret_took)
{
    int64_t deadline_s = l->held.stored.deadline_s;
    const struct mir_hook *schedule = stands(&l->held.d);
    if (schedule)
        return look_again(w, l, schedule, a, ret_took);
    bool done, well = sim_call(w, &a->error, ret_took, &done);
    enum mood how = mood(w);
    unsigned others = mir_forever(deadline_s) ? 0 : 1 + word_is_fresh(w);
    if (done)
        tag_all(w, l, deadline_s);
    if (!well && (!done || sim_chance(w, 500)))
        return false;
    a->input.hook_count = 0;
    a->input.deadline_s = deadline_s;
    if (w->fault != SIM_TAGS_STAY || !instance_of(w, l) ||
        instance_of(w, l)->schedule_ms == SIM_NEVER)
        arm_schedule(w, l, others, how, add(a, "cloud-schedule", deadline_s));
    else
        add(a, "cloud-schedule", deadline_s);
    mird_hooks_add(&l->held.d, true, a);
    add_word(w, l, a);
    return well;
}

/* --- what is told, and what is there --- */

/* Is it to be judged by its hooks? Not what nobody could know, or somebody has meddled with. */
static bool plain(const struct sim_world *w, const struct sim_lease *l, const struct sim_object *o)
{
    return o->owner == l->index && !o->image && !o->never_told && !o->stripped && !o->by_hand &&
           !o->error && w->now_ms >= o->seen_ms && w->now_ms < o->end_ms &&
           w->now_ms < o->guest_end_ms;
}

/* For that deadline, the daemon's own among them; a word as it was when it was read. */
static unsigned really_armed(const struct sim_lease *l, const struct sim_object *o,
                             int64_t deadline_ms)
{
    bool scheduled = o->schedule_ms == deadline_ms;
    bool guest = l->takes_part && o->guest_ms == deadline_ms + GUEST_LATE_MS;
    return 1u + scheduled + guest + l->word;
}

/* Where the schedule stood is lost with the database, and it cannot be read: that is told. */
static bool unreadable(const struct sim_lease *l)
{
    const struct mird_deployment *d = &l->held.d;
    for (unsigned i = 0; l->adopted && i < d->hook_count; i++)
        if (!strcmp(d->hooks[i].name, "cloud-schedule") && d->hooks[i].state == MIR_HOOK_FAILED)
            return true;
    return false;
}

/* Armed for that deadline: it, and as many as have to be; none that comes before. */
static void check_armed(struct sim_world *w, const struct sim_lease *l, int64_t deadline_s,
                        const char *what)
{
    int64_t deadline_ms = deadline_s * 1000 - SIM_T0_MS;
    for (unsigned i = 0; w->cloud->paid && !mir_forever(deadline_s) && i < w->object_count; i++) {
        const struct sim_object *o = &w->objects[i];
        if (!plain(w, l, o))
            continue;
        bool early = o->schedule_ms < deadline_ms && !unreadable(l);
        if (o->tag_deadline_s != deadline_s || early ||
            really_armed(l, o, deadline_ms) < MIR_HOOKS_LEAST)
            sim_broken(w, what, "lease %d, object %u", l->index, i);
    }
}

/* Refused: nothing that it depends on is left at the later deadline, unless that was said. */
static void check_back(struct sim_world *w, const struct sim_lease *l,
                       const struct mird_deployment *d)
{
    bool said = strstr(d->error_text, "not all of its hooks") != NULL;
    int64_t deadline_ms = d->deadline_s * 1000 - SIM_T0_MS;
    for (unsigned i = 0; w->cloud->paid && !mir_forever(d->deadline_s) && i < w->object_count;
         i++) {
        const struct sim_object *o = &w->objects[i];
        bool later = o->schedule_ms != SIM_NEVER && o->schedule_ms > deadline_ms &&
                     really_armed(l, o, deadline_ms) < MIR_HOOKS_LEAST;
        if (plain(w, l, o) && (o->tag_deadline_s != d->deadline_s || (later && !said)))
            sim_broken(w, "told refused, and a hook is later", "lease %d, object %u", l->index, i);
    }
}

void sim_accepted(struct sim_world *w, struct sim_lease *l, int64_t deadline_s)
{
    /* Nobody was told of a deployment whose first write was told to have failed. */
    int64_t before_s = l->acked_deadline_s ? l->acked_deadline_s : l->first_deadline_s;
    if (!l->extending)
        l->accepted_count = 0;
    if (l->accepted_count < SIM_ACCEPTED)
        l->accepted_s[l->accepted_count++] = before_s;
    l->extending = true;
    l->hooks_ms = w->now_ms;
    l->acked_deadline_s = deadline_s;
}

bool sim_may_go_back_to(const struct sim_lease *l, int64_t deadline_s)
{
    for (unsigned i = 0; l->extending && i < l->accepted_count; i++)
        if (l->accepted_s[i] == deadline_s)
            return true;
    return false;
}

static void refused(struct sim_world *w, struct sim_lease *l, const struct mird_deployment *d)
{
    sim_say(w, "lease %d: extension told to be refused", l->index);
    if (d->deadline_s != l->acked_deadline_s && !sim_may_go_back_to(l, d->deadline_s))
        sim_broken(w, "deadline moved", "lease %d, by an extension that was refused", l->index);
    if (d->deadline_s != l->acked_deadline_s && d->end_reason == MIRD_END_NONE)
        check_back(w, l, d);
    if (w->cloud->paid && d->deadline_s == l->acked_deadline_s &&
        l->accepted_s[0] < d->deadline_s && l->accepted_count == 1)
        sim_broken(w, "told refused, and it has the new deadline", "lease %d", l->index);
    l->extending = false;
    l->acked_deadline_s = l->tried_deadline_s = d->deadline_s;
}

static void done(struct sim_world *w, struct sim_lease *l, const struct mird_deployment *d)
{
    sim_say(w, "lease %d: extension told to be done", l->index);
    if (l->extending && l->granted && d->deadline_s != l->acked_deadline_s)
        sim_broken(w, "extension done, and of another deadline", "lease %d", l->index);
    if (l->granted)
        check_armed(w, l, d->deadline_s, "extension done, and not armed");
    l->extending = false;
}

static void note_granted(struct sim_world *w, struct sim_lease *l, const struct mird_deployment *d,
                         bool now)
{
    if (l->granted || d->steps[MIRD_STEP_HOOKS] != MIRD_DONE || d->end_reason != MIRD_END_NONE)
        return;
    l->granted = true;
    l->hooks_ms = w->now_ms;
    if (now && !d->hooks_stale)
        check_armed(w, l, d->deadline_s, "granted, and not armed");
}

/* It is over, and whoever waits is told so: refused or not, nothing is left to be extended. */
void sim_ended_first(struct sim_world *w, struct sim_lease *l)
{
    int64_t deadline_s = l->held.d.deadline_s;
    if (!l->extending)
        return;
    if (deadline_s != l->acked_deadline_s && !sim_may_go_back_to(l, deadline_s))
        sim_broken(w, "deadline moved", "lease %d, by an extension that it did not wait for",
                   l->index);
    l->extending = false;
    l->acked_deadline_s = l->tried_deadline_s = deadline_s;
}

void sim_told(struct sim_world *w, struct sim_lease *l, const struct mird_news *news)
{
    const struct mird_deployment *d = &l->held.d;
    note_granted(w, l, d, true);
    if (news->end_count)
        l->hooks_ms = w->now_ms;
    for (unsigned i = 0; i < news->end_count; i++) {
        if (strcmp(news->ends[i].kind, "extend"))
            continue;
        if (d->finished_s)
            continue; /* sim_ended_first */
        if (news->ends[i].failed)
            refused(w, l, d);
        else
            done(w, l, d);
    }
}

void sim_told_by_disk(struct sim_world *w, struct sim_lease *l)
{
    const struct mird_deployment *d = &l->disk;
    note_granted(w, l, d, false);
    l->hooks_ms = w->now_ms;
    /* One that nobody was told to be accepted, and was written: it waits like others. */
    if (d->hooks_stale && d->deadline_s != l->acked_deadline_s &&
        !sim_may_go_back_to(l, d->deadline_s))
        sim_accepted(w, l, d->deadline_s);
    l->acked_deadline_s = d->deadline_s;
    l->extending &= d->hooks_stale;
}

/* --- asked again --- */

static bool in_the_way(const struct sim_world *w)
{
    bool any = w->down || w->now_ms < w->full_until_ms || !w->cloud->paid;
    for (int i = 0; i < SIM_TROUBLES; i++)
        any |= sim_in(w, (enum sim_trouble)i);
    return any;
}

void sim_check_again(struct sim_world *w)
{
    if (in_the_way(w))
        w->unwell_ms = w->now_ms;
    for (int i = 0; i < SIM_LEASES; i++) {
        const struct sim_lease *l = &w->leases[i];
        const struct sim_object *o = instance_of(w, l);
        const struct mird_deployment *d = &l->held.d;
        int64_t since_ms = w->unwell_ms > l->hooks_ms ? w->unwell_ms : l->hooks_ms;
        if (w->now_ms - since_ms < MENDED_MS || !l->entry || !l->granted || l->extending ||
            l->adopted || d->end_reason != MIRD_END_NONE || mir_forever(d->deadline_s) || !o ||
            !plain(w, l, o) || sim_utc_ms(w) >= d->deadline_s * 1000)
            continue;
        if (o->schedule_ms != d->deadline_s * 1000 - SIM_T0_MS)
            sim_broken(w, "a hook that failed is not armed again", "lease %d", i);
    }
}
