/* SPDX-License-Identifier: ISC */
/* One run: random numbers from the seed, the order of events in virtual time, outages. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim.h"

#define EVENTS_MAX 20000u /* a hard run has some thousands */

uint64_t sim_draw(struct sim_world *w)
{
    uint64_t z = w->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int64_t sim_below(struct sim_world *w, int64_t limit)
{
    return limit <= 1 ? 0 : (int64_t)(sim_draw(w) % (uint64_t)limit);
}

bool sim_chance(struct sim_world *w, unsigned per_mille)
{
    return per_mille && sim_draw(w) % 1000 < per_mille;
}

static void stamp(const struct sim_world *w)
{
    printf("%10.3f  ", (double)w->now_ms / 1000);
}

void sim_say(struct sim_world *w, const char *fmt, ...)
{
    if (!w->trace)
        return;
    va_list ap;
    stamp(w);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
}

void sim_broken(struct sim_world *w, const char *what, const char *fmt, ...)
{
    if (w->broken)
        return;
    va_list ap;
    w->broken = what;
    va_start(ap, fmt);
    vsnprintf(w->detail, sizeof w->detail, fmt, ap);
    va_end(ap);
    sim_say(w, "BROKEN: %s: %s", what, w->detail);
}

/* --- outages: when nobody can do anything --- */

void sim_outage(struct sim_world *w, int64_t from_ms, int64_t until_ms)
{
    if (w->window_count == SIM_WINDOWS) /* one left out would look like time to act in */
        sim_broken(w, "no room", "more than %d outages", SIM_WINDOWS);
    else
        w->windows[w->window_count++] = (struct sim_window){from_ms, until_ms};
}

/* The first outage that is not over at at_ms and begins before until_ms, cut to the two. */
static bool next_outage(const struct sim_window *list, unsigned count, int64_t at_ms,
                        struct sim_window *best)
{
    bool found = false;
    for (unsigned i = 0; i < count; i++) {
        int64_t from_ms = list[i].from_ms > at_ms ? list[i].from_ms : at_ms;
        if (list[i].until_ms <= from_ms || from_ms >= best->from_ms)
            continue;
        *best = (struct sim_window){from_ms, list[i].until_ms};
        found = true;
    }
    return found;
}

struct sim_span sim_without_outages(const struct sim_world *w, int64_t from_ms, int64_t until_ms,
                                    const struct sim_window *own, unsigned own_count)
{
    struct sim_span span = {0};
    while (from_ms < until_ms) {
        struct sim_window best = {until_ms, until_ms};
        bool found = next_outage(w->windows, w->window_count, from_ms, &best);
        found |= next_outage(own, own_count, from_ms, &best);
        int64_t piece_ms = best.from_ms - from_ms;
        span.sum_ms += piece_ms;
        span.longest_ms = piece_ms > span.longest_ms ? piece_ms : span.longest_ms;
        from_ms = found ? best.until_ms : until_ms;
    }
    return span;
}

/* --- what happens by itself --- */

static void suspend(struct sim_world *w)
{
    sim_say(w, "suspended for %d s", (int)(w->suspend_for_ms / 1000));
    w->suspend_ms = SIM_NEVER;
    sim_outage(w, w->now_ms, w->now_ms + w->suspend_for_ms);
    w->now_ms += w->suspend_for_ms;
    w->unwell_ms = w->now_ms;
    if (w->fault == SIM_SUSPEND_BLIND)
        for (int i = 0; i < SIM_LEASES; i++)
            if (w->leases[i].wake_ms != SIM_NEVER)
                w->leases[i].wake_ms += w->suspend_for_ms;
}

/* The reaper looks at everything when the clock is set. */
static void step_clock(struct sim_world *w)
{
    sim_say(w, "the wall clock is set by %+d s", (int)(w->step_by_ms / 1000));
    w->step_ms = SIM_NEVER;
    w->wall_ms += w->step_by_ms;
    for (int i = 0; i < SIM_LEASES && !w->down; i++)
        if (w->leases[i].entry && w->leases[i].busy == SIM_IDLE)
            w->leases[i].wake_ms = w->now_ms;
}

static void disk_full(struct sim_world *w)
{
    w->full_until_ms = w->now_ms + 1000 + sim_below(w, 900000);
    w->full_ms = SIM_NEVER;
    sim_say(w, "the disk is full for %d s", (int)((w->full_until_ms - w->now_ms) / 1000));
}

static void plan_events(struct sim_world *w)
{
    w->crash_ms = sim_chance(w, 400) ? sim_below(w, SIM_HOUR_MS) : SIM_NEVER;
    w->step_ms = sim_chance(w, 200) ? sim_below(w, SIM_HOUR_MS) : SIM_NEVER;
    w->step_by_ms = (sim_chance(w, 500) ? -1 : 1) * (30000 + sim_below(w, SIM_HOUR_MS));
    w->suspend_ms = sim_chance(w, 200) ? sim_below(w, SIM_HOUR_MS) : SIM_NEVER;
    w->suspend_for_ms = 1000 + sim_below(w, 600000);
    w->full_ms = sim_chance(w, 100) ? sim_below(w, SIM_HOUR_MS) : SIM_NEVER;
    w->user_left = (unsigned)sim_below(w, 8);
    w->user_ms = sim_below(w, 600000);
    w->sweep_ms = sim_below(w, 60000);
    w->restart_ms = SIM_NEVER;
}

/* --- the order of events --- */

struct next {
    int64_t at_ms;
    void (*happens)(struct sim_world *w);
    struct sim_lease *lease;
};

static void sooner(struct next *next, int64_t at_ms, void (*happens)(struct sim_world *w),
                   struct sim_lease *lease)
{
    if (at_ms < next->at_ms)
        *next = (struct next){at_ms, happens, lease};
}

static void crash_now(struct sim_world *w)
{
    w->crash_ms = SIM_NEVER;
    sim_crash(w, "at any time");
}

static struct next next_event(struct sim_world *w)
{
    struct next next = {.at_ms = SIM_NEVER};
    sooner(&next, w->suspend_ms, suspend, NULL);
    sooner(&next, w->step_ms, step_clock, NULL);
    sooner(&next, w->full_ms, disk_full, NULL);
    sooner(&next, w->hand_ms, sim_by_hand, NULL);
    sooner(&next, w->ghost_ms, sim_ghost, NULL);
    if (w->down) {
        sooner(&next, w->restart_ms, sim_restart, NULL);
        return next;
    }
    sooner(&next, w->crash_ms, crash_now, NULL);
    sooner(&next, w->no_base_ms, sim_lose_base, NULL);
    sooner(&next, w->no_host_ms, sim_lose_host, NULL);
    sooner(&next, w->stop_ms, sim_stop, NULL);
    sooner(&next, w->user_left ? w->user_ms : SIM_NEVER, sim_user, NULL);
    sooner(&next, w->hurry_ms, sim_hurry, NULL);
    sooner(&next, w->sweep_ms, sim_sweep, NULL);
    for (int i = 0; i < SIM_LEASES; i++) {
        struct sim_lease *l = &w->leases[i];
        sooner(&next, l->entry ? l->wake_ms : l->deploy_ms, NULL, l);
    }
    return next;
}

static void init(struct sim_world *w, uint64_t seed, const struct sim_cloud *cloud, int fault,
                 bool hard, bool trace)
{
    memset(w, 0, offsetof(struct sim_world, change));
    for (int i = 0; i < SIM_LEASES; i++) {
        memset(&w->leases[i], 0, offsetof(struct sim_lease, answer));
        memset(&w->leases[i].on_disk, 0,
               offsetof(struct sim_lease, disk) - offsetof(struct sim_lease, on_disk));
        memset(&w->leases[i].acked, 0,
               sizeof(struct sim_lease) - offsetof(struct sim_lease, acked));
    }
    w->seed = w->random = seed;
    w->boot[0] = '0';
    mird_now_begin(&w->clock, SIM_T0_MS, 0, 0);
    w->cloud = cloud;
    w->fault = fault;
    w->trace = trace;
    w->rates = hard ? (struct sim_rates){200, 200, 200, 100} : (struct sim_rates){50, 50, 50, 5};
    w->rules = mird_rules_make(cloud->settle_s, cloud->paid, cloud->image, 60000);
    w->row = w->claim = mird_epoch_taken(&w->row, "a");
    plan_events(w);
    sim_cloud_seed(w);
    for (int i = 0; i < SIM_LEASES; i++) {
        w->leases[i].index = i;
        w->leases[i].deploy_ms = sim_below(w, SIM_HOUR_MS / 3);
        w->leases[i].takes_part = sim_chance(w, 600);
        w->leases[i].wake_ms = SIM_NEVER;
    }
    /* Often in the middle of a launch. */
    if (w->suspend_ms != SIM_NEVER && sim_chance(w, 500))
        w->suspend_ms = w->leases[0].deploy_ms + sim_below(w, 5000);
    sim_plan_trouble(w);
}

bool sim_run(struct sim_world *w, uint64_t seed, const struct sim_cloud *cloud, int fault,
             bool hard, bool trace, struct sim_figures *figures)
{
    init(w, seed, cloud, fault, hard, trace);
    for (unsigned events = 0; !w->broken && !sim_all_over(w); events++) {
        if (events > EVENTS_MAX)
            sim_broken(w, "turns in a circle", "more than %u events", EVENTS_MAX);
        struct next next = next_event(w);
        if (next.at_ms >= SIM_END_MS)
            break;
        if (next.at_ms > w->now_ms)
            w->now_ms = next.at_ms;
        if (!next.lease)
            next.happens(w);
        else if (next.lease->entry)
            sim_advance(w, next.lease);
        else
            sim_deploy(w, next.lease);
    }
    if (!w->broken)
        sim_check_end(w, figures);
    return !w->broken;
}
