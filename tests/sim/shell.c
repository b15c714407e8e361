/* SPDX-License-Identifier: ISC */
/* The simulated process: its clock, its end and its beginning, and its users. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "sim.h"

static const char *const fault_names[SIM_FAULT_COUNT] = {
    [0] = "none",
    [SIM_NO_FSYNC] = "no-fsync",
    [SIM_FRESH_TOKEN] = "fresh-token",
    [SIM_TAGS_LATER] = "tags-later",
    [SIM_DEPLOY_UNWRITTEN] = "deploy-acknowledged-first",
    [SIM_SUSPEND_BLIND] = "waits-without-suspends",
    [SIM_CREATE_HANGS] = "create-without-limit",
    [SIM_LAUNCH_FIRST] = "teardown-behind-launches",
    [SIM_NO_FENCE] = "fence-ignored",
    [SIM_HOOK_UNREAD] = "hook-not-read-back",
    [SIM_TAGS_STAY] = "extension-not-in-tags",
};

const char *sim_fault_name(int fault)
{
    return fault >= 0 && fault < SIM_FAULT_COUNT ? fault_names[fault] : "?";
}

/* --- the clock, as mird_engine_now_ms has it --- */

int64_t sim_utc_ms(struct sim_world *w)
{
    int64_t now_ms = SIM_T0_MS + w->now_ms + w->wall_ms;
    return mird_now_read(&w->clock, now_ms, w->now_ms);
}

static int64_t to_boot_ms(struct sim_world *w, int64_t until_ms)
{
    return mird_now_to_boot_ms(until_ms, sim_utc_ms(w), w->now_ms);
}

/* --- crash and restart --- */

void sim_crash(struct sim_world *w, const char *where)
{
    if (w->down)
        return;
    w->down = true;
    if (sim_chance(w, 300)) { /* not the process alone, but the machine */
        snprintf(w->boot, sizeof w->boot, "%u", ++w->boots);
        if (!w->clock_holds && sim_chance(w, 300)) /* and its clock comes back with any time */
            w->wall_ms += w->step_by_ms;
    }
    w->crashes++;
    w->restart_ms = w->now_ms + 500 + sim_below(w, 120000);
    sim_say(w, "CRASH %s; back at %.3f", where, (double)w->restart_ms / 1000);
    sim_outage(w, w->now_ms, w->restart_ms);
    for (int i = 0; i < SIM_LEASES; i++) {
        struct sim_lease *l = &w->leases[i];
        /* What was not synced: lost, torn (known by its checksum) or there, in any order. */
        if (l->unsynced && sim_chance(w, 400)) {
            l->disk = l->pending;
            l->on_disk = true;
        }
        l->unsynced = l->entry = l->rests = false;
        l->busy = SIM_IDLE;
    }
}

bool sim_dies(struct sim_world *w, const char *where)
{
    if (!w->down && sim_chance(w, w->rates.crash))
        sim_crash(w, where);
    return w->down;
}

void sim_take_up(struct sim_world *w, struct sim_lease *l)
{
    if (l->disk.finished_s)
        return;
    l->held.rules = w->rules;
    mird_held_begin(&l->held, &l->disk, w->clock.stepped_ms);
    mird_held_restarted(&l->held, sim_utc_ms(w));
    l->drive = (struct mird_drive){0};
    l->entry = true;
    l->rests = false;
    l->wake_ms = w->now_ms;
}

void sim_wake(struct sim_world *w, struct sim_lease *l)
{
    if (!l->rests)
        return;
    int64_t now_ms = sim_utc_ms(w);
    l->rests = false;
    mird_held_begin(&l->held, l->unsynced ? &l->pending : &l->disk, w->clock.stepped_ms);
    /* What was told not to have happened has been written over before it came to rest. */
    int64_t deadline_s = l->held.d.deadline_s;
    if (l->acked && !l->forgotten && deadline_s != l->acked_deadline_s &&
        deadline_s != l->tried_deadline_s && !sim_may_go_back_to(l, deadline_s))
        sim_broken(w, "deadline moved", "lease %d, at rest", l->index);
    mird_held_restarted(&l->held, mird_rest_created_ms(l->created_boot_s, now_ms, w->now_ms));
}

/* The newest moment that the store has seen, as long as a lease there may depend on it. */
static int64_t newest_ms(const struct sim_world *w)
{
    for (int i = 0; i < SIM_LEASES; i++)
        if (w->leases[i].on_disk && !w->leases[i].disk.finished_s)
            return w->event_ms;
    return 0;
}

void sim_listen(struct sim_world *w)
{
    if (!w->cloud->date)
        return;
    sim_utc_ms(w); /* what the machine's own clock did comes first */
    int64_t ahead_ms = mird_now_told(&w->clock, (SIM_T0_MS + w->now_ms) / 1000 * 1000, w->now_ms);
    for (int i = 0; i < SIM_LEASES && ahead_ms >= MIRD_TOLD_MS; i++)
        if (w->leases[i].entry && w->leases[i].busy == SIM_IDLE)
            w->leases[i].wake_ms = w->now_ms;
}

void sim_restart(struct sim_world *w)
{
    w->down = false;
    w->unwell_ms = w->now_ms;
    w->restart_ms = SIM_NEVER;
    w->row = w->claim = mird_epoch_taken(&w->row, "b");
    int64_t least_ms = mird_now_least(&w->mark, newest_ms(w), w->boot, w->now_ms);
    mird_now_begin(&w->clock, SIM_T0_MS + w->now_ms + w->wall_ms, w->now_ms, least_ms);
    /* A clock that was set back, and then the machine began anew: a provider's Date says so, else
     * only what was written last is known, at the latest by the sweep before the end. */
    if (!w->cloud->date && w->wall_ms < 0 && strcmp(w->boot, w->mark.boot) != 0) {
        int64_t lost_ms = w->mark_behind_ms + w->now_ms - w->marked_ms;
        lost_ms = lost_ms < -w->wall_ms ? lost_ms : -w->wall_ms;
        w->behind_ms = w->behind_ms > lost_ms ? w->behind_ms : lost_ms;
    }
    sim_say(w, "restart; the time is taken to be %+.1f s of what it is",
            (double)(sim_utc_ms(w) - SIM_T0_MS - w->now_ms) / 1000);
    w->sweep_ms = w->now_ms;
    for (int i = 0; i < SIM_LEASES; i++) {
        sim_check_disk(w, &w->leases[i]);
        /* What the disk says is now what users see, acknowledged or not; and a teardown that was
         * not written (a removal that was answered with a failure), or was lost, is none. */
        if (w->leases[i].on_disk)
            sim_told_by_disk(w, &w->leases[i]);
        if (!w->leases[i].on_disk || w->leases[i].disk.end_reason == MIRD_END_NONE)
            w->leases[i].delete_sent = false;
        if (w->leases[i].on_disk)
            sim_take_up(w, &w->leases[i]);
    }
    sim_rebuild(w);
}

/* --- users --- */

/* Without a draw of its own, so that all other leases of a seed stay as they are. */
static bool wants_no_end(const struct sim_world *w, const struct sim_lease *l)
{
    return (w->seed * SIM_LEASES + (unsigned)l->index) % 61 == 0;
}

static void fill(struct sim_world *w, struct sim_lease *l)
{
    struct mird_deployment *d = &l->held.d;
    memset(d, 0, sizeof *d);
    snprintf(d->id, sizeof d->id, "%032x", (unsigned)l->index);
    snprintf(d->name, sizeof d->name, "lease-%d", l->index);
    mir_copy(d->provider, sizeof d->provider, w->cloud->name);
    d->created_s = sim_utc_ms(w) / 1000;
    d->deadline_s = d->created_s + 20 + sim_below(w, sim_chance(w, 300) ? 100 : 2000);
    if (wants_no_end(w, l))
        d->deadline_s = MIR_FOREVER_S;
    d->price.known = true;
    d->wants_url = sim_chance(w, 500);
    if (l->takes_part)
        d->takes_part = MIR_PART_DEADLINE | MIR_PART_WELL_KNOWN;
    if (sim_chance(w, 500))
        mir_copy(d->url, sizeof d->url, "http://192.0.2.1/");
}

/* "Ten minutes from now" by a clock that is behind is ten minutes all the same. */
static void given(struct sim_world *w, struct sim_lease *l)
{
    int64_t behind_ms = SIM_T0_MS + w->now_ms - sim_utc_ms(w);
    if (behind_ms > l->given_behind_ms)
        l->given_behind_ms = behind_ms;
}

void sim_deploy(struct sim_world *w, struct sim_lease *l)
{
    static struct mird_news news;
    const struct mird_deployment *d = &l->held.d;
    l->deploy_ms = SIM_NEVER;
    fill(w, l);
    bool intended = mird_turn_intend_first(&l->held.d, &w->rules, sim_utc_ms(w), &news);
    l->tried_deadline_s = l->first_deadline_s = d->deadline_s;
    given(w, l);
    if (w->fault == SIM_DEPLOY_UNWRITTEN) {
        l->acked = true;
        l->acked_deadline_s = d->deadline_s;
    }
    if (sim_add(w, l))
        return;
    l->drive.intended = intended;
    l->acked = true;
    l->acked_deadline_s = d->deadline_s;
    sim_say(w, "lease %d: deployed%s until %.3f", l->index,
            mir_forever(d->deadline_s) ? " without an end," : "",
            (double)(d->deadline_s * 1000 - SIM_T0_MS) / 1000);
}

static void extend(struct sim_world *w, struct sim_lease *l)
{
    int64_t deadline_s = sim_utc_ms(w) / 1000 + 5 + sim_below(w, 1500);
    const struct mird_input in = {.kind = MIRD_IN_EXTEND, .deadline_s = deadline_s};
    struct mir_error err = {0};
    int64_t tried_s = l->tried_deadline_s;
    int64_t last_s = tried_s > l->acked_deadline_s ? tried_s : l->acked_deadline_s;
    l->tried_deadline_s = deadline_s;
    bool was_sent = l->delete_sent;
    if (sim_change(w, l, &in, true, &err)) {
        if (!w->down) /* it did not happen: what was true stays so */
            l->tried_deadline_s = tried_s;
        sim_say(w, "lease %d: extension refused: %s", l->index, err.text);
        return;
    }
    if (was_sent)
        sim_broken(w, "extension acknowledged after the teardown began", "lease %d", l->index);
    if (last_s * 1000 <= sim_utc_ms(w))
        sim_broken(w, "extension acknowledged after the deadline", "lease %d", l->index);
    sim_accepted(w, l, deadline_s);
    given(w, l);
    sim_say(w, "lease %d: extended to %.3f", l->index,
            (double)(deadline_s * 1000 - SIM_T0_MS) / 1000);
}

void sim_hurry(struct sim_world *w)
{
    struct sim_lease *l = &w->leases[0];
    w->hurry_ms = SIM_NEVER;
    if (l->entry)
        extend(w, l);
    if (l->busy == SIM_IDLE && l->entry)
        l->wake_ms = w->now_ms;
}

void sim_user(struct sim_world *w)
{
    const struct mird_input remove = {.kind = MIRD_IN_REMOVE};
    w->user_left--;
    w->user_ms = w->now_ms + sim_below(w, 500000);
    struct sim_lease *l = &w->leases[sim_below(w, SIM_LEASES)];
    if (!l->entry)
        return;
    /* Often just around the deadline, where it is hardest. */
    if (sim_chance(w, 300) && !mir_forever(l->held.d.deadline_s)) {
        int64_t near_ms = to_boot_ms(w, l->held.d.deadline_s * 1000) - 1000 + sim_below(w, 3000);
        w->user_ms = near_ms > w->now_ms ? near_ms : w->user_ms;
        return;
    }
    if (sim_chance(w, 700)) {
        extend(w, l);
    } else {
        l->removal_tried = true;
        if (!sim_change(w, l, &remove, true, NULL) && !l->removal_acked) {
            l->removal_acked = true;
            l->removal_acked_ms = w->now_ms;
            sim_say(w, "lease %d: removal acknowledged", l->index);
        }
    }
    if (l->busy == SIM_IDLE && l->entry)
        l->wake_ms = w->now_ms;
}
