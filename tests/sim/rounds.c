/* SPDX-License-Identifier: ISC */
/* The sweep: round.c over what the simulated cloud lists. */
#include <stdio.h>
#include <string.h>

#include "sim.h"

struct sweep {
    struct sim_world *w;
    struct sim_object *object; /* that is being judged */
};

static struct sim_lease *lease_of(const struct sweep *sweep)
{
    int tag = sweep->object->tag;
    return tag >= 0 && tag < SIM_LEASES ? &sweep->w->leases[tag] : NULL;
}

static int known(void *ctx, const char *id, const struct mird_deployment **ret)
{
    const struct sweep *sweep = ctx;
    const struct sim_lease *l = lease_of(sweep);
    if (l && sim_chance(sweep->w, 5))
        return -1; /* the disk does not want to be read */
    if (!l || !(l->entry || l->on_disk || l->unsynced))
        return 0;
    *ret = l->entry ? &l->held.d : &l->disk;
    return 1;
}

static int adopt(void *ctx, const struct mir_instance *found)
{
    const struct sweep *sweep = ctx;
    struct sim_world *w = sweep->w;
    struct sim_lease *l = lease_of(sweep);
    if (!l)
        return 0;
    mird_turn_found(found, w->cloud->name, sim_utc_ms(w), &l->held.d);
    snprintf(l->held.d.name, sizeof l->held.d.name, "lease-%d", l->index);
    if (sim_add(w, l))
        return -1;
    mird_held_restarted(&l->held, sim_utc_ms(w));
    sim_say(w, "lease %d is taken up from its tags", l->index);
    l->adopted = true;
    sim_check_adopted(w, l);
    l->acked_deadline_s = l->tried_deadline_s = l->held.d.deadline_s; /* as anybody sees it now */
    return 0;
}

static void end(void *ctx, const struct mir_instance *found, bool is_known)
{
    const struct sweep *sweep = ctx;
    struct mir_error err;
    sim_say(sweep->w, "sweep: object %d of lease %d is ended",
            (int)(sweep->object - sweep->w->objects), sweep->object->tag);
    sim_delete_object(sweep->w, sweep->object, &err);
}

static void forged(void *ctx, const struct mir_instance *found)
{
    const struct sweep *sweep = ctx;
    sim_say(sweep->w, "sweep: object %d says that it is of lease %d",
            (int)(sweep->object - sweep->w->objects), sweep->object->tag);
}

static const struct mird_round_ops ops = {
    .known = known, .adopt = adopt, .end = end, .forged = forged};

/* A lease at rest keeps what it has, or is woken by it. */
static bool at_rest(const struct sweep *sweep)
{
    struct sim_world *w = sweep->w;
    struct sim_lease *l = sweep->object->verified ? lease_of(sweep) : NULL;
    if (!l || !l->rests)
        return false;
    enum mird_rest_sign sign = mird_rest_shown(&w->seen);
    l->seen |= sign == MIRD_REST_KEEPS;
    if (sign == MIRD_REST_WAKES)
        l->wake_ms = w->now_ms;
    return true;
}

/* Returns in how many ms the next one is due. */
static int64_t sweep_once(struct sim_world *w, bool adopt_only)
{
    struct sweep sweep = {.w = w};
    struct mird_round round = {
        .installation = "we", .rebuilding = w->rebuilding, .adopt_only = adopt_only};
    struct mir_error err = {0};
    int list[SIM_OBJECTS];
    unsigned count;
    bool listed = sim_list(w, &err, list, &count);
    if (listed || err.kind != MIR_TIMEOUT)
        sim_listen(w);
    for (int i = 0; i < SIM_LEASES; i++)
        w->leases[i].seen = false;
    for (unsigned i = 0; i < count && !w->down; i++) {
        sweep.object = &w->objects[list[i]];
        sim_show(w, sweep.object, &w->seen);
        if (at_rest(&sweep))
            continue;
        mird_round_judge(&round, &w->seen, sweep.object->verified, sim_utc_ms(w) / 1000, &ops,
                         &sweep);
    }
    for (int i = 0; i < SIM_LEASES && listed && !w->down; i++)
        if (w->leases[i].rests && !w->leases[i].seen)
            w->leases[i].wake_ms = w->now_ms;
    if (!w->down && mird_round_rebuilt(&round, listed)) {
        sim_check_rebuilt(w, list, count);
        w->rebuilding = false;
    }
    return mird_round_pause_ms(&round, !listed, MIRD_SWEEP_S * INT64_C(1000));
}

/* With every sweep: what time it is. */
static void mark(struct sim_world *w)
{
    w->mark.utc_ms = sim_utc_ms(w);
    w->mark.boot_ms = w->marked_ms = w->now_ms;
    w->mark_behind_ms = SIM_T0_MS + w->now_ms - w->mark.utc_ms;
    memcpy(w->mark.boot, w->boot, sizeof w->boot);
}

void sim_sweep(struct sim_world *w)
{
    if (w->now_ms >= w->full_until_ms)
        mark(w);
    int64_t pause_ms = sweep_once(w, false);
    if (w->down)
        return;
    w->sweep_ms = w->now_ms + pause_ms;
    sim_check_again(w);
    /* What a write has left that failed and was done all the same (reconcile.c). */
    for (int i = 0; i < SIM_LEASES; i++)
        if (w->leases[i].on_disk && !w->leases[i].entry)
            sim_take_up(w, &w->leases[i]);
}

void sim_rebuild(struct sim_world *w)
{
    if (w->rebuilding)
        sweep_once(w, true);
}
