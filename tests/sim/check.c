/* SPDX-License-Identifier: ISC */
/* The invariants, read from the cloud's ledger and from what users were told. */
#include <string.h>

#include "sim.h"

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Nothing is begun at or after the deadline, or once a delete was sent. */
void sim_check_create(struct sim_world *w, const struct sim_lease *l)
{
    int64_t last_s = max64(l->acked_deadline_s, l->tried_deadline_s);
    if (sim_utc_ms(w) >= last_s * 1000)
        sim_broken(w, "create after the deadline", "lease %d", l->index);
    if (l->delete_sent)
        sim_broken(w, "create after the teardown began", "lease %d", l->index);
}

/* Things went so wrong with one of its objects that another may pay for it. */
static bool odd(const struct sim_world *w, int lease)
{
    for (unsigned i = 0; i < w->object_count; i++) {
        const struct sim_object *o = &w->objects[i];
        if (o->owner == lease &&
            (o->never_told || o->error || o->by_hand || w->now_ms >= o->guest_end_ms))
            return true;
    }
    return false;
}

/* Nobody asked for it to end, and nothing odd happened to it. */
static void check_right(struct sim_world *w, const struct sim_object *o, const struct sim_lease *l)
{
    int64_t first_s =
        l->tried_deadline_s < l->acked_deadline_s ? l->tried_deadline_s : l->acked_deadline_s;
    /* Refused, and nobody has been told yet: the hooks are not back, or a full disk took no note.
     */
    if (!l->held.d.before_s && sim_may_go_back_to(l, l->held.d.deadline_s))
        first_s = l->held.d.deadline_s;
    if (l->acked && l->held.d.end_reason == MIRD_END_DEADLINE &&
        max64(sim_utc_ms(w), SIM_T0_MS + w->now_ms) < first_s * 1000)
        sim_broken(w, "ended before its deadline", "lease %d", l->index);
    if (!o->image && o->end_ms == SIM_NEVER && l->held.d.end_reason == MIRD_END_GUEST)
        sim_broken(w, "alive and taken for ended", "lease %d", l->index);
}

/* What runs for somebody is not for the sweep to end. */
static void check_swept(struct sim_world *w, const struct sim_object *o, const struct sim_lease *l)
{
    if (!o->image && !o->never_told && !l->forgotten && l->acked && l->entry &&
        l->held.d.end_reason == MIRD_END_NONE && o->end_ms == SIM_NEVER)
        sim_broken(w, "ended within its lease", "lease %d, by the sweep", l->index);
}

/* From when on it has to have been told that a teardown is stuck: 200 s after its begin, or after
 * listings can be trusted about what was made last. */
static int64_t loud_s(const struct sim_world *w, const struct mird_deployment *d)
{
    int64_t made_ms = max64(d->last_create_ms, d->last_put_ms);
    int64_t settled_s = made_ms ? made_ms / 1000 + w->cloud->settle_s : 0;
    return max64(d->ending_since_s, settled_s) + 200;
}

void sim_check_delete(struct sim_world *w, struct sim_object *o, bool by_lease)
{
    if (o->owner < 0) {
        sim_broken(w, "foreign object touched", "object %d", (int)(o - w->objects));
        return;
    }
    struct sim_lease *l = &w->leases[o->owner];
    if (by_lease)
        l->delete_sent = true;
    if (by_lease && sim_utc_ms(w) / 1000 > loud_s(w, &l->held.d) && !l->held.d.stuck)
        sim_broken(w, "stuck and not told", "lease %d", l->index);
    if (!by_lease)
        check_swept(w, o, l);
    if (l->granted && by_lease && !l->forgotten && l->held.d.end_reason == MIRD_END_FAILED)
        sim_broken(w, "ended within its lease", "lease %d, for a hook", l->index);
    bool asked = l->removal_tried || l->forgotten || l->held.d.end_reason == MIRD_END_FAILED;
    if (!asked && !odd(w, o->owner))
        check_right(w, o, l);
}

/* What is told to be gone is gone; and not for a deadline that it does not have, also when it was
 * over before anything of it was there. */
void sim_check_final(struct sim_world *w, const struct sim_lease *l)
{
    if (l->acked && mir_forever(l->acked_deadline_s) && mir_forever(l->tried_deadline_s) &&
        l->held.d.end_reason == MIRD_END_DEADLINE)
        sim_broken(w, "ended before its deadline", "lease %d, which has none", l->index);
    for (unsigned i = 0; i < w->object_count; i++) {
        const struct sim_object *o = &w->objects[i];
        if (o->owner == l->index && !o->never_told && !o->stripped && w->now_ms < o->end_ms)
            sim_broken(w, "told gone and alive", "lease %d, object %u", l->index, i);
    }
}

/* What a fresh process finds: nothing acknowledged is missing. */
void sim_check_disk(struct sim_world *w, const struct sim_lease *l)
{
    if (!l->acked || l->forgotten)
        return;
    if (!l->on_disk) {
        sim_broken(w, "lost lease", "lease %d was acknowledged and is not known", l->index);
        return;
    }
    const struct mird_deployment *d = &l->disk;
    if (d->deadline_s != l->acked_deadline_s && d->deadline_s != l->tried_deadline_s &&
        d->deadline_s != l->maybe_s && !sim_may_go_back_to(l, d->deadline_s))
        sim_broken(w, "deadline moved", "lease %d: %d s from what was acknowledged", l->index,
                   (int)(d->deadline_s - l->acked_deadline_s));
    if (l->removal_acked && d->end_reason == MIRD_END_NONE)
        sim_broken(w, "lost removal", "lease %d", l->index);
}

/* --- taken up from the tags --- */

/* Whatever was acknowledged and had reached the tags is as it was. */
void sim_check_adopted(struct sim_world *w, const struct sim_lease *l)
{
    int64_t deadline_s = l->held.d.deadline_s;
    if (!l->was_stale && deadline_s != l->acked_deadline_s && deadline_s != l->tried_deadline_s)
        sim_broken(w, "deadline moved", "lease %d, with the database lost: %d s", l->index,
                   (int)(deadline_s - l->acked_deadline_s));
}

/* Whoever was shown running within its lease is known again. */
void sim_check_rebuilt(struct sim_world *w, const int *list, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct sim_object *o = &w->objects[list[i]];
        struct mir_instance *seen = &w->seen;
        sim_show(w, o, seen);
        bool runs = seen->state == MIR_INSTANCE_STARTING || seen->state == MIR_INSTANCE_RUNNING;
        bool due = seen->tags.expires_s * 1000 <= sim_utc_ms(w);
        if (o->owner < 0 || o->image || o->tag < 0 || !runs || due)
            continue;
        if (!w->leases[o->owner].on_disk)
            sim_broken(w, "not rebuilt", "lease %d", o->owner);
    }
}

/* --- without the daemon --- */

/* What a hook has ended, the host being lost. */
void sim_check_hook(struct sim_world *w, const struct sim_object *o)
{
    const struct sim_lease *l = &w->leases[o->owner];
    int64_t acked_ms = l->acked_deadline_s * 1000 - SIM_T0_MS;
    if (l->acked && !l->disk.hooks_stale && l->disk.end_reason == MIRD_END_NONE && !o->image &&
        !l->removal_tried && l->acked_deadline_s == l->tried_deadline_s && o->end_ms < acked_ms &&
        l->disk.steps[MIRD_STEP_HOOKS] == MIRD_DONE && !l->forgotten)
        sim_broken(w, "ended before its deadline", "lease %d, by a hook, %d s", l->index,
                   (int)((acked_ms - o->end_ms) / 1000));
}

/* As users were shown. */
static bool has_schedule(const struct mird_deployment *d)
{
    for (unsigned i = 0; i < d->hook_count; i++)
        if (!strcmp(d->hooks[i].name, "cloud-schedule"))
            return d->hooks[i].state == MIR_HOOK_ARMED;
    return false;
}

/* Has it a hook that acts without the host? Images and launches not armed yet only have
 * mirage-reap. */
static bool outlives_host(const struct sim_world *w, const struct sim_object *o)
{
    const struct sim_lease *l = &w->leases[o->owner];
    bool armed = l->on_disk && l->disk.steps[MIRD_STEP_HOOKS] == MIRD_DONE &&
                 l->disk.end_reason == MIRD_END_NONE && has_schedule(&l->disk);
    /* A deadline that has not reached hooks and tags yet. They have what was before an extension,
     * or already the later one: at that it has ended. */
    if (l->disk.hooks_stale &&
        !(mird_deployment_due_s(&l->disk) < l->disk.deadline_s && has_schedule(&l->disk)))
        return false;
    return w->reaps || (!o->image && (armed || !w->cloud->paid));
}

/* --- at the end --- */

/* From when on an object has no right to be there, in virtual time. */
static int64_t due_ms(const struct sim_world *w, const struct sim_object *o,
                      const struct sim_lease *l)
{
    /* One that began without an end and was given one has no right to the former. */
    int64_t first_s = mir_forever(l->first_deadline_s) ? 0 : l->first_deadline_s;
    int64_t last_s = max64(l->acked_deadline_s, max64(l->tried_deadline_s, first_s));
    int64_t due = last_s * 1000 - SIM_T0_MS + l->given_behind_ms;
    /* Hooks know of deadlines, not of removals. */
    if (l->removal_acked && l->removal_acked_ms < due && !w->host_lost_ms)
        due = l->removal_acked_ms;
    due = max64(due, o->exec_ms);
    /* An image may be in use until its instance is gone. */
    for (unsigned i = 0; i < w->object_count && o->image; i++)
        if (w->objects[i].owner == o->owner && w->objects[i].stripped)
            return SIM_END_MS;
        else if (w->objects[i].owner == o->owner && !w->objects[i].image &&
                 w->objects[i].end_ms < SIM_NEVER)
            due = max64(due, w->objects[i].unseen_ms);
    return due;
}

/* The quantiles are of teardowns that no outage and no scarcity touched, the worst of all. */
static void count_late(const struct sim_world *w, struct sim_figures *figures, int64_t due,
                       int64_t late_ms, int64_t raw_ms)
{
    const struct sim_window *scarce = &w->trouble[SIM_SCARCE];
    int64_t slot = late_ms / 100;
    figures->worst_ms = max64(figures->worst_ms, late_ms);
    figures->worst_raw_ms = max64(figures->worst_raw_ms, raw_ms);
    if (sim_without_outages(w, due, due + raw_ms, scarce, 1).sum_ms != raw_ms)
        return;
    figures->late[slot >= SIM_LATE_SLOTS ? SIM_LATE_SLOTS - 1 : slot < 0 ? 0 : slot]++;
    figures->late_count++;
}

/* For how long in one piece something may be left although somebody could end it. */
static int64_t bound_ms(const struct sim_world *w, const struct sim_object *o)
{
    int64_t bound = 60000;
    if (w->host_lost_ms) /* the grace of the others, and a minute between runs of mirage-reap */
        bound += 90000;
    bool unlisted = o->hides == SIM_NOT_LISTED && w->leases[o->owner].forgotten;
    if (o->never_told || unlisted) /* only the sweep can know, once a minute */
        bound += 60000;
    if (o->image) /* it goes once the instance has been seen gone: a settling time later */
        bound += 60000 + (int64_t)w->cloud->settle_s * 1000;
    return w->rates.lost > 100 ? 4 * bound : bound;
}

/* Lateness leaves out what is the cloud's: the time until it shows the object, and the time for
 * which it says "deleting" and does not. */
static void check_late(struct sim_world *w, const struct sim_object *o, struct sim_figures *figures)
{
    const struct sim_lease *l = &w->leases[o->owner];
    struct sim_window own[SIM_HELD + 2];
    int64_t due = due_ms(w, o, l);
    int64_t end_ms = o->end_ms < w->now_ms || w->now_ms < SIM_END_MS ? o->end_ms : SIM_END_MS;
    end_ms = end_ms < SIM_END_MS ? end_ms : SIM_END_MS;
    if (end_ms <= due || o->stripped || (w->host_lost_ms && !outlives_host(w, o)))
        return;
    memcpy(own, o->held, sizeof o->held);
    own[SIM_HELD] = (struct sim_window){o->exec_ms, o->seen_ms};
    own[SIM_HELD + 1] = o->stuck;
    struct sim_span late = sim_without_outages(w, due, end_ms, own, SIM_HELD + 2);
    if (late.longest_ms > bound_ms(w, o) + w->behind_ms)
        sim_broken(w, "orphan", "object %d of lease %d: %d s after its deadline, %d s in one piece",
                   (int)(o - w->objects), o->owner, (int)((end_ms - due) / 1000),
                   (int)(late.longest_ms / 1000));
    if (!o->never_told && !o->image && !w->behind_ms && !w->host_lost_ms)
        count_late(w, figures, due, late.sum_ms, end_ms - due);
}

static void check_double(struct sim_world *w, const struct sim_object *a)
{
    for (const struct sim_object *b = a + 1; b < w->objects + w->object_count; b++)
        if (a->owner == b->owner && !a->image && !b->image && !a->stripped && !b->stripped &&
            (w->cloud->token || !(a->never_told || b->never_told)) && a->exec_ms < b->end_ms &&
            b->exec_ms < a->end_ms)
            sim_broken(w, "double launch", "lease %d: objects %d and %d", a->owner,
                       (int)(a - w->objects), (int)(b - w->objects));
}

/* Over for its user, and for whoever reads the disk next. */
static void check_told(struct sim_world *w, const struct sim_lease *l)
{
    const struct mird_deployment *d = &l->held.d;
    bool endless = mir_forever(d->deadline_s) && d->end_reason == MIRD_END_NONE;
    if (endless)
        return;
    if (l->entry)
        sim_broken(w, "never told gone", "lease %d", l->index);
    else if (l->on_disk && !l->disk.finished_s)
        sim_broken(w, "over, and not on the disk", "lease %d", l->index);
}

void sim_check_end(struct sim_world *w, struct sim_figures *figures)
{
    for (unsigned i = 0; i < w->object_count && !w->broken; i++) {
        const struct sim_object *o = &w->objects[i];
        if (o->owner < 0) {
            if (o->end_ms != SIM_NEVER)
                sim_broken(w, "foreign object touched", "object %u", i);
            continue;
        }
        check_double(w, o);
        check_late(w, o, figures);
    }
    for (int i = 0; i < SIM_LEASES && !w->down && !w->host_lost_ms; i++)
        check_told(w, &w->leases[i]);
    figures->seeds++;
    figures->objects += w->object_count;
    figures->crashes += w->crashes;
    for (int i = 0; i < SIM_LEASES; i++)
        figures->leases += w->leases[i].acked;
}

/* Nothing can come any more: all told and all gone. */
bool sim_all_over(const struct sim_world *w)
{
    if (w->down)
        return false;
    for (int i = 0; i < SIM_LEASES; i++)
        if (w->leases[i].entry || w->leases[i].deploy_ms != SIM_NEVER ||
            (w->leases[i].on_disk && !w->leases[i].disk.finished_s))
            return false;
    for (unsigned i = 0; i < w->object_count; i++)
        if (w->objects[i].owner >= 0 && !w->objects[i].stripped && w->now_ms < w->objects[i].end_ms)
            return false;
    return true;
}
