/* SPDX-License-Identifier: ISC */
/* The world outside: hours in which an account is throttled, its credentials have expired or the
 * network is cut; people who meddle by hand; a database or a host that is lost for ever and what
 * acts then; a daemon that was stopped and goes on under an old epoch. */
#include <string.h>

#include "sim.h"

#define GRACE_MS 30000 /* after which whoever is not the daemon acts */
#define REAP_MS 60000  /* between runs of mirage-reap */
#define STOPPED_MS 300000

static const struct {
    unsigned per_mille;
    int64_t longest_ms;
    bool outage; /* nobody can do anything meanwhile */
    const char *what;
} troubles[SIM_TROUBLES] = {
    [SIM_STORM] = {100, 600000, true, "every call is throttled"},
    [SIM_KEYS] = {50, 1200000, true, "the credentials have expired"},
    [SIM_CUT] = {50, SIM_HOUR_MS, true, "the network is cut"},
    [SIM_SCARCE] = {100, 1200000, false, "the account has one call a second"},
    [SIM_HOOKS_BUSY] = {100, 600000, false, "schedules are throttled"},
    [SIM_HOOKS_DENIED] = {100, SIM_HOUR_MS, false, "schedules may not be made or moved"},
};

static void plan_windows(struct sim_world *w)
{
    for (int i = 0; i < SIM_TROUBLES; i++) {
        w->trouble[i] = (struct sim_window){SIM_NEVER, 0};
        if (!sim_chance(w, troubles[i].per_mille))
            continue;
        int64_t from_ms = sim_below(w, SIM_HOUR_MS);
        int64_t until_ms = from_ms + 1000 + sim_below(w, troubles[i].longest_ms);
        w->trouble[i] = (struct sim_window){from_ms, until_ms};
        if (troubles[i].outage)
            sim_outage(w, from_ms, until_ms);
        sim_say(w, "from %.3f to %.3f %s", (double)from_ms / 1000, (double)until_ms / 1000,
                troubles[i].what);
    }
}

void sim_plan_trouble(struct sim_world *w)
{
    plan_windows(w);
    w->bucket_ms = SIM_BUCKET_MS;
    w->hand_ms = sim_chance(w, 50) ? sim_below(w, SIM_HOUR_MS) : SIM_NEVER;
    w->no_base_ms = sim_chance(w, 30) ? sim_below(w, SIM_HOUR_MS) : SIM_NEVER;
    w->stop_ms = sim_chance(w, 50) ? sim_below(w, SIM_HOUR_MS) : SIM_NEVER;
    w->no_host_ms = sim_chance(w, 50) ? sim_below(w, SIM_HOUR_MS) : SIM_NEVER;
    w->reaps = sim_chance(w, 500);
    w->many = sim_chance(w, 300);
    w->word = (struct sim_window){SIM_NEVER, SIM_NEVER};
    if (sim_chance(w, 300)) /* a mirage-reap comes again, often not for ever */
        w->word =
            (struct sim_window){0, sim_chance(w, 500) ? sim_below(w, SIM_HOUR_MS) : SIM_END_MS};
    w->ghost_ms = SIM_NEVER;
    /* Somebody thinks better of a deadline at once, while schedules are busy. */
    w->hurry_ms = SIM_NEVER;
    if (sim_chance(w, 100)) {
        int64_t from_ms = w->leases[0].deploy_ms + sim_below(w, 8000);
        w->hurry_ms = from_ms + sim_below(w, 20000);
        w->trouble[SIM_HOOKS_BUSY] = (struct sim_window){from_ms, from_ms + 120000};
    }
    /* Often right after a launch. */
    if (w->no_host_ms != SIM_NEVER && sim_chance(w, 500))
        w->no_host_ms = w->leases[1].deploy_ms + sim_below(w, 10000);
    if (w->stop_ms != SIM_NEVER && sim_chance(w, 300))
        w->stop_ms = w->leases[2].deploy_ms + sim_below(w, 10000);
    /* Without the store nobody can know that a clock was wrong when a deadline was given. */
    w->clock_holds = w->no_host_ms != SIM_NEVER || w->no_base_ms != SIM_NEVER;
    if (w->clock_holds)
        w->step_ms = SIM_NEVER;
}

bool sim_in(const struct sim_world *w, enum sim_trouble trouble)
{
    return w->now_ms >= w->trouble[trouble].from_ms && w->now_ms < w->trouble[trouble].until_ms;
}

/* One call a second, ten saved up: is there one left? */
bool sim_bucket_takes(struct sim_world *w)
{
    if (!sim_in(w, SIM_SCARCE))
        return true;
    w->bucket_ms += w->now_ms - w->bucket_at_ms;
    w->bucket_at_ms = w->now_ms;
    if (w->bucket_ms > SIM_BUCKET_MS)
        w->bucket_ms = SIM_BUCKET_MS;
    if (w->bucket_ms < 1000)
        return false;
    w->bucket_ms -= 1000;
    return true;
}

/* --- by hand --- */

void sim_by_hand(struct sim_world *w)
{
    struct sim_object *o = &w->objects[sim_below(w, w->object_count)];
    w->hand_ms = SIM_NEVER;
    if (o->owner < 0 || o->image || w->now_ms < o->seen_ms || w->now_ms >= o->end_ms)
        return;
    o->by_hand = true;
    if (sim_chance(w, 500)) {
        o->end_ms = w->now_ms;
        o->unseen_ms = w->now_ms + sim_below(w, w->cloud->lag_ms);
        sim_say(w, "object %d is ended by hand", (int)(o - w->objects));
        return;
    }
    o->tag = -1;
    o->stripped = true;
    sim_say(w, "object %d loses its tags by hand", (int)(o - w->objects));
}

/* --- the database is lost --- */

void sim_lose_base(struct sim_world *w)
{
    w->no_base_ms = SIM_NEVER;
    if (w->down)
        return;
    sim_say(w, "the database is lost");
    sim_crash(w, "with the database");
    w->rebuilding = true;
    for (int i = 0; i < SIM_LEASES; i++) {
        struct sim_lease *l = &w->leases[i];
        l->forgotten |= l->acked || l->on_disk;
        l->was_stale = l->disk.hooks_stale;
        l->on_disk = l->unsynced = false;
        l->removal_acked = false; /* nobody knows of it any more: it may live until its deadline */
    }
}

/* --- the host is lost --- */

/* When mirage-reap, run by a timer somewhere, ends it. */
static int64_t reaped_ms(struct sim_world *w, const struct sim_object *o)
{
    struct mir_instance *found = &w->seen;
    if (!w->reaps || o->tag < 0)
        return SIM_NEVER;
    for (int64_t at_ms = w->now_ms; at_ms < SIM_END_MS; at_ms += REAP_MS) {
        int64_t before_ms = w->now_ms;
        w->now_ms = at_ms;
        sim_show(w, o, found);
        bool shown = at_ms >= o->seen_ms;
        w->now_ms = before_ms;
        if (shown && mird_reap_judge(found, o->verified, "we", (SIM_T0_MS + at_ms) / 1000,
                                     GRACE_MS / 1000) == MIRD_END)
            return at_ms + 1000;
    }
    return SIM_NEVER;
}

/* From here on only what does not need the daemon's host. */
void sim_lose_host(struct sim_world *w)
{
    w->no_host_ms = SIM_NEVER;
    if (w->down)
        return;
    sim_say(w, "the host is lost for ever%s", w->reaps ? "; mirage-reap runs elsewhere" : "");
    sim_crash(w, "for ever");
    w->restart_ms = SIM_NEVER;
    w->host_lost_ms = w->now_ms;
    w->reaps |= w->cloud->paid && w->now_ms < w->word.until_ms && w->word.from_ms == 0;
    for (unsigned i = 0; i < w->object_count; i++) {
        struct sim_object *o = &w->objects[i];
        int64_t end_ms = reaped_ms(w, o);
        if (!o->image && o->schedule_ms < end_ms)
            end_ms = o->schedule_ms;
        if (!o->image && o->guest_ms < end_ms)
            end_ms = o->guest_ms;
        if (end_ms < o->exec_ms)
            end_ms = o->exec_ms;
        if (end_ms >= o->end_ms)
            continue;
        if (o->owner < 0)
            sim_broken(w, "foreign object touched", "object %u", i);
        o->end_ms = end_ms;
        sim_check_hook(w, o);
    }
}

/* --- two daemons --- */

/* The process is stopped where it stands; another takes over when it does not answer. */
void sim_stop(struct sim_world *w)
{
    w->stop_ms = SIM_NEVER;
    if (w->down)
        return;
    sim_say(w, "the daemon is stopped, and goes on in five minutes");
    for (int i = 0; i < SIM_LEASES; i++) {
        const struct sim_lease *l = &w->leases[i];
        struct sim_ghost *ghost = &w->ghosts[i];
        ghost->there = l->entry;
        ghost->to_send = l->busy == SIM_TO_SEND;
        if (ghost->there)
            ghost->d = l->held.d;
    }
    w->ghost_claim = w->claim;
    w->ghost_ms = w->now_ms + STOPPED_MS;
    sim_crash(w, "stopped");
    w->restart_ms = w->now_ms + MIRD_EPOCH_SILENCE_MS + sim_below(w, MIRD_EPOCH_SILENCE_MS);
}

/* It goes on where it stood: sends what it was about to send, ends what it thinks is due. */
void sim_ghost(struct sim_world *w)
{
    struct mir_instance found = {0};
    struct mir_error err;
    int64_t took_ms;
    w->ghost_ms = SIM_NEVER;
    bool mine = mird_epoch_mine(&w->row, &w->ghost_claim);
    sim_say(w, "the stopped daemon goes on: %s", mine ? "nobody took over" : "it has lost");
    for (int i = 0; i < SIM_LEASES; i++) {
        struct sim_ghost *ghost = &w->ghosts[i];
        struct sim_lease *l = &w->leases[i];
        if (!ghost->there || (!mine && w->fault != SIM_NO_FENCE))
            continue;
        bool due = ghost->d.deadline_s * 1000 <= SIM_T0_MS + w->now_ms;
        bool lives = l->entry && l->held.d.end_reason == MIRD_END_NONE &&
                     sim_utc_ms(w) < l->held.d.deadline_s * 1000;
        if (ghost->to_send && !due)
            sim_create(w, l, &found, &err, &took_ms);
        else if (due && lives && l->held.d.steps[MIRD_STEP_INSTANCE] == MIRD_DONE)
            sim_broken(w, "ended under an old epoch", "lease %d", i);
    }
}
