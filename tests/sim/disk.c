/* SPDX-License-Identifier: ISC */
/* The simulated disk under the records: writes that fail, that are said to fail, that find the disk
 * full, that a crash comes before or after. What becomes of them is held.c's. */
#include "api/memory.h"
#include "sim.h"

#define PUTS_MAX 50      /* of one lease in one millisecond */
#define CONFLICTS_MAX 20 /* in a row: one in five looks at the disk fails */

struct shelf {
    struct sim_world *w;
    struct sim_lease *l;
};

static int refuse(struct mir_error *err, enum mir_kind kind)
{
    *err = (struct mir_error){.kind = kind};
    return -1;
}

/* What a process that reads it now finds. */
static const struct mird_deployment *on_disk(const struct sim_lease *l)
{
    return l->unsynced ? &l->pending : l->on_disk ? &l->disk : NULL;
}

static void store(struct sim_world *w, struct sim_lease *l, const struct mird_deployment *d)
{
    bool synced = w->fault != SIM_NO_FSYNC;
    struct mird_deployment *row = synced ? &l->disk : &l->pending;
    mird_deployment_copy(row, d);
    row->version = d->version + 1;
    l->on_disk |= synced;
    l->unsynced |= !synced;
}

static int put(void *ctx, struct mird_deployment *d, const struct mird_news *news, int64_t now_ms,
               struct mir_error *err)
{
    const struct shelf *shelf = ctx;
    struct sim_world *w = shelf->w;
    struct sim_lease *l = shelf->l;
    const struct mird_deployment *there = on_disk(l);
    l->puts = l->put_ms == w->now_ms ? l->puts + 1 : 0;
    l->put_ms = w->now_ms;
    if (l->puts > PUTS_MAX)
        sim_broken(w, "writes without a pause", "lease %d", l->index);
    if (sim_dies(w, "before a write"))
        return refuse(err, MIR_INTERNAL);
    if (w->now_ms < w->full_until_ms && !w->room)
        return refuse(err, MIR_NO_SPACE);
    if (there && there->version != d->version) {
        if (++l->conflicts > CONFLICTS_MAX)
            sim_broken(w, "cannot be written any more", "lease %d", l->index);
        return refuse(err, MIR_CONFLICT);
    }
    l->conflicts = 0;
    bool fails = sim_chance(w, w->answering ? 20 : 2); /* most often where somebody waits for it */
    if (fails && sim_chance(w, 500))
        return refuse(err, MIR_INTERNAL);
    w->room = false;
    store(w, l, d);
    l->maybe_s = fails ? d->deadline_s : 0;
    w->event_ms = now_ms;
    if (sim_dies(w, "after a write") || fails)
        return refuse(err, MIR_INTERNAL);
    d->version++;
    return 0;
}

static int get(void *ctx, const char *id, struct mird_deployment *ret, struct mir_error *err)
{
    const struct shelf *shelf = ctx;
    const struct mird_deployment *there = on_disk(shelf->l);
    if (shelf->w->down || !there || sim_chance(shelf->w, 200))
        return -1;
    mird_deployment_copy(ret, there);
    return 0;
}

/* Often somebody else has taken it by then. */
static void make_room(void *ctx)
{
    const struct shelf *shelf = ctx;
    shelf->w->room = sim_chance(shelf->w, 500);
}

/* --- records --- */

int sim_add(struct sim_world *w, struct sim_lease *l)
{
    static const struct mird_news none;
    struct shelf shelf = {w, l};
    struct mir_error err;
    struct mird_deployment *d = &l->held.d;
    if (put(&shelf, d, &none, sim_utc_ms(w), &err) && get(&shelf, d->id, d, &err))
        return -1;
    l->held.rules = w->rules;
    mird_held_begin(&l->held, d, w->clock.stepped_ms);
    l->drive = (struct mird_drive){0};
    l->entry = true;
    l->rests = false;
    l->wake_ms = w->now_ms;
    return 0;
}

static int commit(struct sim_world *w, struct sim_lease *l, const struct mird_news *news,
                  int64_t now_ms)
{
    struct shelf ctx = {w, l};
    const struct mird_shelf shelf = {&ctx, put, get, make_room};
    return mird_held_commit(&l->held, &shelf, news, now_ms, NULL);
}

static void note_final(struct sim_world *w, struct sim_lease *l)
{
    if (!l->held.d.finished_s || l->finished_told)
        return;
    l->finished_told = true;
    sim_ended_first(w, l);
    sim_say(w, "lease %d: told gone", l->index);
    sim_check_final(w, l);
}

/* A write that nobody waited for; whoever changes the record next waits for it. */
static void write_late(struct sim_world *w, struct sim_lease *l)
{
    static const struct mird_news none;
    struct shelf shelf = {w, l};
    struct mir_error err;
    struct mird_deployment *d = &l->held.d;
    l->busy = SIM_IDLE;
    d->version = l->held.stored.version;
    int rc = put(&shelf, d, &none, sim_utc_ms(w), &err);
    d->version = l->held.stored.version;
    mird_held_written(&l->held, rc);
}

static void end_write(struct sim_world *w, struct sim_lease *l)
{
    if (l->busy == SIM_WRITING)
        write_late(w, l);
}

static int apply(struct sim_world *w, struct sim_lease *l, struct mird_change *change,
                 struct mir_error *err)
{
    int64_t now_ms = sim_utc_ms(w);
    end_write(w, l);
    sim_wake(w, l);
    if (w->down || mird_held_apply(&l->held, change, now_ms, w->clock.stepped_ms, err))
        return -1;
    note_final(w, l);
    if (w->trace && change->turn.write && change->news.event_count)
        sim_say(w, "lease %d: %s: %s", l->index, change->news.events[0].state,
                change->news.events[0].text);
    return 0;
}

static int write_now(struct sim_world *w, struct sim_lease *l, const struct mird_change *change)
{
    if (!change->turn.write)
        return 0;
    int rc = commit(w, l, &change->news, change->now_ms);
    if (!rc && !w->down)
        sim_told(w, l, &change->news);
    rc = mird_held_settle(&l->held, change, rc);
    return w->down ? -1 : rc;
}

int sim_change(struct sim_world *w, struct sim_lease *l, const struct mird_input *in, bool op,
               struct mir_error *err)
{
    static const struct mird_operation operation;
    struct mird_change *change = &w->change;
    change->input = in;
    change->op = op ? &operation : NULL;
    if (apply(w, l, change, err))
        return -1;
    w->answering = op;
    int rc = write_now(w, l, change);
    w->answering = false;
    return rc;
}

bool sim_change_later(struct sim_world *w, struct sim_lease *l, const struct mird_input *in)
{
    struct mird_change *change = &w->change;
    change->input = in;
    change->op = NULL;
    if (apply(w, l, change, NULL))
        return false;
    bool later =
        change->turn.write && !l->held.dirty && !change->news.end_count && sim_chance(w, 500);
    if (!later) {
        write_now(w, l, change);
        return false;
    }
    l->busy = SIM_WRITING;
    l->wake_ms = w->now_ms + sim_below(w, 100);
    return true;
}

int sim_flush(struct sim_world *w, struct sim_lease *l)
{
    struct mird_news *news = &w->change.news;
    int64_t now_ms = sim_utc_ms(w);
    end_write(w, l);
    if (w->down)
        return -1;
    if (!l->held.dirty)
        return 0;
    mird_held_left(&l->held, now_ms, news);
    int rc = commit(w, l, news, now_ms);
    if (!rc && !w->down)
        sim_told(w, l, news);
    return rc;
}
