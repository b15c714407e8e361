/* SPDX-License-Identifier: ISC */
/* The simulated engine: what daemon/worker.c, entry.c, engine.c and reconcile.c do around the pure
 * machine, on the simulated disk, clouds and clock. Its planted faults are rules forgotten here. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "sim.h"

#define WATCH_MS 120000
#define SWEEP_MS (MIRD_SWEEP_S * INT64_C(1000))
#define SWEEP_AGAIN_MS (MIRD_SWEEP_AGAIN_S * INT64_C(1000))

static const char *const fault_names[SIM_FAULT_COUNT] = {
    [0] = "none",
    [SIM_NO_INTENT] = "no-intent",
    [SIM_NO_FSYNC] = "no-fsync",
    [SIM_FRESH_TOKEN] = "fresh-token",
    [SIM_TAGS_LATER] = "tags-later",
    [SIM_NOT_FOUND_GONE] = "not-found-is-gone",
    [SIM_NO_CONFIRM] = "no-confirmation",
    [SIM_NO_SWEEP] = "no-sweep",
    [SIM_NO_SETTLING] = "no-settling",
    [SIM_SHORT_SETTLING] = "short-settling",
    [SIM_WALL_CLOCK] = "wall-clock-only",
    [SIM_ACK_BEFORE_DURABLE] = "extension-acknowledged-first",
    [SIM_GIVES_UP] = "teardown-gives-up",
    [SIM_SWEEP_UNSIGNED] = "sweep-without-signature",
    [SIM_BLIND_RETRY] = "retry-without-look",
    [SIM_REMOVAL_IN_MEMORY] = "removal-not-written",
    [SIM_FORGETS_ENDING] = "ending-forgotten-at-restart",
    [SIM_FORGETS_INTENT] = "intent-forgotten-at-restart",
    [SIM_DISK_FIRST] = "teardown-waits-for-disk",
    [SIM_DEPLOY_UNWRITTEN] = "deploy-acknowledged-first",
    [SIM_STEP_SETTLES] = "step-counts-as-settling",
    [SIM_SUSPEND_BLIND] = "waits-without-suspends",
    [SIM_DATE_IGNORED] = "date-ignored",
    [SIM_NEWEST_IGNORED] = "newest-moment-ignored",
    [SIM_LAUNCH_FIRST] = "teardown-behind-launches",
    [SIM_NO_FENCE] = "fence-ignored",
    [SIM_HOOK_UNREAD] = "hook-not-read-back",
    [SIM_ONE_HOOK] = "one-hook-is-enough",
    [SIM_NO_REBUILD] = "lost-database-not-rebuilt",
    [SIM_TAGS_STAY] = "extension-not-in-tags",
    [SIM_CREATE_HANGS] = "create-without-limit",
    [SIM_IMAGE_FORGOTTEN] = "lost-image-forgotten",
    [SIM_IMAGE_UNSEEN] = "image-without-confirmation",
};

const char *sim_fault_name(int fault)
{
    return fault >= 0 && fault < SIM_FAULT_COUNT ? fault_names[fault] : "?";
}

/* --- the clock, as mird_engine_now_ms has it --- */

int64_t sim_utc_ms(struct sim_world *w)
{
    int64_t now_ms = SIM_T0_MS + w->now_ms + w->wall_ms;
    if (w->fault == SIM_WALL_CLOCK)
        return now_ms;
    return mird_now_read(&w->clock, now_ms, w->now_ms);
}

/* As follow_clock of entry.c: a jump of the clock is no time that has passed. */
static void follow_clock(struct sim_world *w, struct sim_lease *l)
{
    sim_utc_ms(w);
    if (w->fault != SIM_STEP_SETTLES && l->stepped_ms != w->clock.stepped_ms)
        mird_lease_stepped(&l->d, w->clock.stepped_ms - l->stepped_ms);
    l->stepped_ms = w->clock.stepped_ms;
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
        if (!w->clock_holds && sim_chance(w, 100)) /* and its clock comes back with any time */
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
        l->unsynced = l->entry = l->dirty = false;
        l->busy = SIM_IDLE;
    }
}

/* A point at which the process may die; true when it did. */
static bool dies(struct sim_world *w, const char *where)
{
    if (!w->down && sim_chance(w, w->rates.crash))
        sim_crash(w, where);
    return w->down;
}

static void take_up(struct sim_world *w, struct sim_lease *l)
{
    const struct mird_input restarted = {.kind = MIRD_IN_RESTARTED};
    enum mird_weight weight;
    l->stored = l->d = l->disk;
    if (l->d.finished_s || (w->fault == SIM_FORGETS_ENDING && l->d.end_reason != MIRD_END_NONE))
        return;
    if (w->fault == SIM_FORGETS_INTENT && l->d.steps[MIRD_STEP_INSTANCE] == MIRD_INTENT) {
        l->d.steps[MIRD_STEP_INSTANCE] = MIRD_TODO;
        l->d.last_create_ms = 0;
    }
    l->entry = true;
    l->wake_ms = w->now_ms;
    l->pace = (struct mird_pace){0};
    l->failures = 0;
    l->stepped_ms = w->clock.stepped_ms;
    mird_lease_apply(&l->d, &w->rules, &restarted, sim_utc_ms(w), &weight, NULL);
}

/* What the store has seen, as long as a lease there may depend on it. */
static int64_t newest_ms(const struct sim_world *w)
{
    int64_t since_ms = mird_now_since(&w->mark, w->boot, w->now_ms);
    for (int i = 0; i < SIM_LEASES && w->fault != SIM_NEWEST_IGNORED; i++)
        if (w->leases[i].on_disk && !w->leases[i].disk.finished_s)
            return since_ms > w->event_ms ? since_ms : w->event_ms;
    return 0;
}

/* An answer has come, whatever it says: it has a Date. */
static void listen(struct sim_world *w)
{
    if (!w->cloud->date || w->fault == SIM_DATE_IGNORED || w->fault == SIM_WALL_CLOCK)
        return;
    int64_t ahead_ms = mird_now_told(&w->clock, (SIM_T0_MS + w->now_ms) / 1000 * 1000, w->now_ms);
    for (int i = 0; i < SIM_LEASES && ahead_ms > 1000; i++)
        if (w->leases[i].entry && w->leases[i].busy == SIM_IDLE)
            w->leases[i].wake_ms = w->now_ms;
}

void sim_restart(struct sim_world *w)
{
    w->down = false;
    w->restart_ms = SIM_NEVER;
    w->row = w->claim = mird_epoch_taken(&w->row, "b");
    mird_now_begin(&w->clock, SIM_T0_MS + w->now_ms + w->wall_ms, w->now_ms, newest_ms(w));
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
         * not written (a removal that was answered with a failure) is none. */
        if (w->leases[i].on_disk)
            w->leases[i].acked_deadline_s = w->leases[i].disk.deadline_s;
        if (w->leases[i].disk.end_reason == MIRD_END_NONE)
            w->leases[i].delete_sent = false;
        if (w->leases[i].on_disk)
            take_up(w, &w->leases[i]);
    }
}

/* --- the record, as entry.c has it --- */

/* With every sweep: what time it is. */
static void mark(struct sim_world *w)
{
    w->mark.utc_ms = sim_utc_ms(w);
    w->mark.boot_ms = w->marked_ms = w->now_ms;
    w->mark_behind_ms = SIM_T0_MS + w->now_ms - w->mark.utc_ms;
    memcpy(w->mark.boot, w->boot, sizeof w->boot);
}

static int commit(struct sim_world *w, struct sim_lease *l)
{
    if (dies(w, "before a write") || w->now_ms < w->full_until_ms || sim_chance(w, 2))
        return -1;
    l->d.version = l->stored.version + 1;
    if (w->fault == SIM_NO_FSYNC) {
        l->pending = l->d;
        l->unsynced = true;
    } else {
        l->disk = l->d;
        l->on_disk = true;
    }
    w->event_ms = sim_utc_ms(w);
    l->stored = l->d;
    l->dirty = false;
    return dies(w, "after a write") ? -1 : 0;
}

static bool unwritten(const struct sim_world *w, const struct mird_input *in)
{
    return (w->fault == SIM_NO_INTENT && in->kind == MIRD_IN_INTEND) ||
           (w->fault == SIM_REMOVAL_IN_MEMORY && in->kind == MIRD_IN_REMOVE);
}

static void note_final(struct sim_world *w, struct sim_lease *l)
{
    if (!l->d.finished_s || l->finished_told)
        return;
    l->finished_told = true;
    sim_say(w, "lease %d: told gone", l->index);
    sim_check_final(w, l);
}

/* Commit; what could not be written goes on in memory, or did not happen where it must be. */
static int write_down(struct sim_world *w, struct sim_lease *l, const struct mird_input *in,
                      const struct mird_turn *turn, const struct mird_deployment *before)
{
    if (unwritten(w, in) || !commit(w, l))
        return w->down ? -1 : 0;
    if (w->down)
        return -1;
    enum mird_unwritten what = mird_turn_unwritten(turn, in);
    if (what == MIRD_TAKE_BACK)
        l->d = *before;
    else
        l->dirty = true;
    return what == MIRD_GO_ON ? 0 : -1;
}

/* As change_locked(): 0, or -1 when what had to be written was not (or the process died). */
static int change(struct sim_world *w, struct sim_lease *l, const struct mird_input *in, bool op,
                  struct mir_error *err)
{
    static const struct mird_operation operation;
    struct mird_deployment before;
    struct mird_news news;
    struct mird_turn turn;
    int64_t now_ms = sim_utc_ms(w);
    follow_clock(w, l);
    if (op || in->kind == MIRD_IN_INTEND) /* what may be taken back; copying costs */
        before = l->d;
    if (mird_turn_apply(&l->d, &l->stored, &w->rules, in, op ? &operation : NULL, now_ms, &turn,
                        &news, err))
        return -1;
    note_final(w, l);
    if (!turn.write)
        return 0;
    if (w->trace && news.event_count)
        sim_say(w, "lease %d: %s: %s", l->index, news.events[0].state, news.events[0].text);
    return write_down(w, l, in, &turn, &before);
}

static int flush(struct sim_world *w, struct sim_lease *l)
{
    return l->dirty ? commit(w, l) : 0;
}

/* --- users --- */

/* Without a draw of its own, so that all other leases of a seed stay as they are. */
static bool wants_no_end(const struct sim_world *w, const struct sim_lease *l)
{
    return (w->seed * SIM_LEASES + (unsigned)l->index) % 61 == 0;
}

static void fill(struct sim_world *w, struct sim_lease *l)
{
    struct mird_deployment *d = &l->d;
    memset(d, 0, sizeof *d);
    snprintf(d->id, sizeof d->id, "%032x", (unsigned)l->index);
    snprintf(d->name, sizeof d->name, "lease-%d", l->index);
    mir_copy(d->provider, sizeof d->provider, w->cloud->name);
    d->created_s = sim_utc_ms(w) / 1000;
    d->deadline_s = d->created_s + 20 + sim_below(w, sim_chance(w, 300) ? 100 : 2000);
    if (wants_no_end(w, l))
        d->deadline_s = MIR_FOREVER_S;
    d->wants_url = sim_chance(w, 500);
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
    l->deploy_ms = SIM_NEVER;
    fill(w, l);
    memset(&l->stored, 0, sizeof l->stored);
    l->tried_deadline_s = l->first_deadline_s = l->d.deadline_s;
    given(w, l);
    bool early = w->fault == SIM_DEPLOY_UNWRITTEN;
    if (early)
        l->acked = true;
    if (early)
        l->acked_deadline_s = l->d.deadline_s;
    if (commit(w, l))
        return;
    l->acked = true;
    l->acked_deadline_s = l->d.deadline_s;
    l->entry = true;
    l->wake_ms = w->now_ms;
    l->stepped_ms = w->clock.stepped_ms;
    l->pace = (struct mird_pace){0};
    sim_say(w, "lease %d: deployed%s until %.3f", l->index,
            mir_forever(l->d.deadline_s) ? " without an end," : "",
            (double)(l->d.deadline_s * 1000 - SIM_T0_MS) / 1000);
}

static void extend(struct sim_world *w, struct sim_lease *l)
{
    int64_t deadline_s = sim_utc_ms(w) / 1000 + 5 + sim_below(w, 1500);
    const struct mird_input in = {.kind = MIRD_IN_EXTEND, .deadline_s = deadline_s};
    struct mir_error err = {0};
    bool early = w->fault == SIM_ACK_BEFORE_DURABLE && l->d.end_reason == MIRD_END_NONE &&
                 sim_utc_ms(w) < l->d.deadline_s * 1000;
    int64_t tried_s = l->tried_deadline_s;
    int64_t last_s = tried_s > l->acked_deadline_s ? tried_s : l->acked_deadline_s;
    l->tried_deadline_s = deadline_s;
    if (early)
        l->acked_deadline_s = deadline_s;
    bool was_sent = l->delete_sent;
    if (change(w, l, &in, true, &err)) {
        if (!w->down) /* it did not happen: what was true stays so */
            l->tried_deadline_s = tried_s;
        sim_say(w, "lease %d: extension refused: %s", l->index, err.text);
        return;
    }
    if (was_sent)
        sim_broken(w, "extension acknowledged after the teardown began", "lease %d", l->index);
    if (last_s * 1000 <= sim_utc_ms(w))
        sim_broken(w, "extension acknowledged after the deadline", "lease %d", l->index);
    l->acked_deadline_s = deadline_s;
    given(w, l);
    sim_say(w, "lease %d: extended to %.3f", l->index,
            (double)(deadline_s * 1000 - SIM_T0_MS) / 1000);
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
    if (sim_chance(w, 300) && !mir_forever(l->d.deadline_s)) {
        int64_t near_ms = to_boot_ms(w, l->d.deadline_s * 1000) - 1000 + sim_below(w, 3000);
        w->user_ms = near_ms > w->now_ms ? near_ms : w->user_ms;
        return;
    }
    if (sim_chance(w, 700)) {
        extend(w, l);
    } else {
        l->removal_tried = true;
        if (!change(w, l, &remove, true, NULL) && !l->removal_acked) {
            l->removal_acked = true;
            l->removal_acked_ms = w->now_ms;
            sim_say(w, "lease %d: removal acknowledged", l->index);
        }
    }
    if (l->busy == SIM_IDLE && l->entry)
        l->wake_ms = w->now_ms;
}

/* --- calls: sent now, answered later --- */

static void answer_at(struct sim_world *w, struct sim_lease *l, int64_t took_ms)
{
    l->busy = SIM_ANSWER;
    l->wake_ms = w->now_ms + took_ms;
}

static struct sim_answer *begin_call(struct sim_world *w, struct sim_lease *l,
                                     enum mird_step_kind step)
{
    l->answer.input = (struct mird_input){.step = step,
                                          .asked_ms = sim_utc_ms(w),
                                          .instance = &l->answer.instance,
                                          .error = &l->answer.error};
    l->answer.error.kind = MIR_OK;
    return &l->answer;
}

static void failed(struct sim_world *w, struct sim_answer *a)
{
    mird_turn_failed(&a->error, &a->input);
    if (w->fault == SIM_BLIND_RETRY)
        a->input.kind = MIRD_IN_REFUSED;
}

/* The store and the provider wrapper refuse what is over; of what was adopted the kernel is lost.
 */
static bool refused(struct sim_world *w, struct sim_lease *l, struct sim_answer *a)
{
    if (!l->adopted && l->d.end_reason == MIRD_END_NONE && sim_utc_ms(w) < l->d.deadline_s * 1000)
        return false;
    a->error = (struct mir_error){.kind = MIR_CONFLICT, .text = "the lease is over"};
    failed(w, a);
    return true;
}

/* Hooks and tags are really set on the object; what failed is said, as it was read back. */
static void arm(struct sim_world *w, struct sim_lease *l, struct sim_answer *a)
{
    bool fails = w->cloud->paid &&
                 sim_chance(w, w->fault == SIM_HOOK_UNREAD || w->fault == SIM_ONE_HOOK ? 200 : 10);
    int64_t deadline_s = l->stored.deadline_s, deadline_ms = deadline_s * 1000 - SIM_T0_MS;
    mir_copy(a->hooks[0].name, sizeof a->hooks[0].name, "daemon");
    mir_copy(a->hooks[1].name, sizeof a->hooks[1].name, "cloud-schedule");
    mir_copy(a->hooks[2].name, sizeof a->hooks[2].name, "guest");
    a->hooks[0].state = MIR_HOOK_ARMED;
    a->hooks[1].state = fails && w->fault != SIM_HOOK_UNREAD ? MIR_HOOK_FAILED : MIR_HOOK_ARMED;
    a->hooks[2].state = l->takes_part ? MIR_HOOK_ARMED : MIR_HOOK_OFF;
    for (int i = 0; i < 3 && mir_forever(deadline_s); i++) /* as the wrapper has it */
        a->hooks[i].state = MIR_HOOK_OFF;
    a->input.hooks = a->hooks;
    a->input.hook_count = 3;
    a->input.deadline_s = deadline_s;
    for (unsigned i = 0; i < w->object_count; i++) {
        struct sim_object *o = &w->objects[i];
        if (o->owner != l->index || (w->fault == SIM_TAGS_STAY && o->schedule_ms != SIM_NEVER))
            continue;
        sim_tag(o, deadline_s);
        o->schedule_ms = fails ? SIM_NEVER : deadline_ms;
        if (l->takes_part)
            o->guest_ms = deadline_ms + 30000;
    }
}

static void send_step(struct sim_world *w, struct sim_lease *l, enum mird_step_kind step)
{
    struct sim_answer *a = begin_call(w, l, step);
    int64_t took_ms = 1;
    l->launching = step == MIRD_STEP_INSTANCE;
    if (dies(w, "before a request"))
        return;
    bool well;
    if (step == MIRD_STEP_INSTANCE)
        well = !refused(w, l, a) && sim_create(w, l, a, &took_ms);
    else if (step == MIRD_STEP_IMAGE)
        well = sim_upload(w, l, a, &took_ms);
    else
        well = step == MIRD_STEP_SITE || sim_call(w, a, &took_ms);
    if (dies(w, "after a request"))
        return;
    a->input.kind = MIRD_IN_DONE;
    a->input.image_id = "image";
    if (!well)
        failed(w, a);
    else if (step == MIRD_STEP_HOOKS)
        arm(w, l, a);
    answer_at(w, l, took_ms);
}

static void begin(struct sim_world *w, struct sim_lease *l, enum mird_step_kind step)
{
    const struct mird_input intend = {.kind = MIRD_IN_INTEND, .step = step};
    if (change(w, l, &intend, false, NULL)) {
        mird_pace_held(&l->pace, w->now_ms);
        return;
    }
    if (!mird_turn_may_send(&l->d, step))
        return;
    /* Seldom there is a while between the intent and the request: a busy machine. */
    if (step == MIRD_STEP_INSTANCE && sim_chance(w, 40)) {
        l->busy = SIM_TO_SEND;
        l->wake_ms = w->now_ms + sim_below(w, 100000);
        return;
    }
    send_step(w, l, step);
}

static void look(struct sim_world *w, struct sim_lease *l)
{
    struct sim_answer *a = begin_call(w, l, MIRD_STEP_INSTANCE);
    int64_t took_ms;
    bool well = sim_get(w, l->index, false, a, &took_ms);
    a->input.kind = well ? MIRD_IN_LOOKED : MIRD_IN_LOOK_FAILED;
    answer_at(w, l, took_ms);
}

static void undo(struct sim_world *w, struct sim_lease *l, enum mird_step_kind step)
{
    struct sim_answer *a = begin_call(w, l, step);
    int64_t took_ms = 1;
    bool well = true;
    if (dies(w, "before a delete"))
        return;
    if (step == MIRD_STEP_INSTANCE || step == MIRD_STEP_IMAGE)
        well = sim_delete(w, l->index, step == MIRD_STEP_IMAGE, a, &took_ms);
    if (dies(w, "after a delete"))
        return;
    a->input.kind = well ? MIRD_IN_UNDONE : MIRD_IN_UNDO_FAILED;
    l->failures = well ? l->failures : l->failures + 1;
    answer_at(w, l, took_ms);
}

static void confirm(struct sim_world *w, struct sim_lease *l, enum mird_step_kind step)
{
    struct sim_answer *a = begin_call(w, l, step);
    bool image = step == MIRD_STEP_IMAGE;
    int list[SIM_OBJECTS];
    unsigned count = 0;
    int64_t took_ms;
    a->input.kind = MIRD_IN_CONFIRM_FAILED;
    bool well = sim_get(w, l->index, image, a, &took_ms);
    answer_at(w, l, took_ms);
    if (!well)
        return;
    bool there = a->instance.state != MIR_INSTANCE_ABSENT;
    if (!there && !sim_list(w, a, list, &count))
        return;
    for (unsigned i = 0; i < count && !there; i++) {
        const struct sim_object *o = &w->objects[list[i]];
        there = o->tag == l->index && o->image == image && o->ours && o->verified;
        if (there)
            sim_show(w, o, &a->instance);
    }
    a->input.kind = there ? MIRD_IN_STILL_THERE : MIRD_IN_ABSENT;
}

/* Some planted faults take the word of a delete for the deed. */
static void believe(struct sim_world *w, struct sim_lease *l)
{
    enum mird_step_kind step = l->answer.input.step;
    const struct mird_input absent = {.kind = MIRD_IN_ABSENT, .step = step, .asked_ms = INT64_MAX};
    bool deleted = l->answer.input.kind == MIRD_IN_UNDONE &&
                   (step == MIRD_STEP_INSTANCE || w->fault == SIM_IMAGE_UNSEEN);
    struct sim_answer scratch;
    int64_t took_ms;
    bool gone =
        w->fault == SIM_NO_CONFIRM || (w->fault == SIM_IMAGE_UNSEEN && step == MIRD_STEP_IMAGE);
    if (w->fault == SIM_NOT_FOUND_GONE && deleted)
        gone = sim_get(w, l->index, false, &scratch, &took_ms) &&
               scratch.instance.state == MIR_INSTANCE_ABSENT;
    if (gone && deleted)
        change(w, l, &absent, false, NULL);
}

static void hear(struct sim_world *w, struct sim_lease *l)
{
    static const struct mird_probe answers = {.ok = true, .status = 200};
    const struct mird_input probed = {.kind = MIRD_IN_PROBED, .probe = &answers};
    if (l->answer.error.kind != MIR_TIMEOUT)
        listen(w);
    bool begun = l->answer.input.step == MIRD_STEP_INSTANCE && l->launching;
    l->busy = SIM_IDLE;
    l->launching = false;
    bool lost = l->answer.input.kind == MIRD_IN_UNKNOWN;
    if (change(w, l, &l->answer.input, false, NULL) || w->broken)
        return;
    if (w->fault == SIM_IMAGE_FORGOTTEN && lost && l->answer.input.step == MIRD_STEP_IMAGE)
        l->d.last_put_ms = 0;
    if (begun)
        mird_pace_launched(&l->pace, w->now_ms);
    if (l->d.steps[MIRD_STEP_SITE] == MIRD_DONE && !l->d.seen_live)
        change(w, l, &probed, false, NULL);
    if (!w->down)
        believe(w, l);
}

/* --- one action after the other, as worker.c has it --- */

/* A planted fault: whatever is being launched comes first. */
static bool behind_launches(struct sim_world *w, struct sim_lease *l)
{
    for (int i = 0; i < SIM_LEASES && w->fault == SIM_LAUNCH_FIRST; i++) {
        const struct sim_lease *other = &w->leases[i];
        if (!other->entry || other->d.end_reason != MIRD_END_NONE ||
            other->d.steps[MIRD_STEP_INSTANCE] == MIRD_DONE)
            continue;
        l->wake_ms = w->now_ms + 1000;
        return true;
    }
    return false;
}

static bool act_once(struct sim_world *w, struct sim_lease *l)
{
    const struct mird_input tick = {.kind = MIRD_IN_TICK};
    struct mird_action next =
        mird_turn_next(&l->d, &w->rules, &l->pace, sim_utc_ms(w), w->now_ms, &l->wake_ms);
    switch (next.kind) {
    case MIRD_ACT_NONE:
    case MIRD_ACT_WAIT:
        return true;
    case MIRD_ACT_WATCH:
        mird_pace_watched(&l->pace, WATCH_MS, w->now_ms);
        look(w, l);
        return true;
    case MIRD_ACT_TICK:
        change(w, l, &tick, false, NULL);
        return false;
    case MIRD_ACT_BEGIN:
        begin(w, l, next.step);
        return l->busy != SIM_IDLE;
    case MIRD_ACT_LOOK:
        look(w, l);
        return true;
    case MIRD_ACT_UNDO:
        if (behind_launches(w, l))
            return true;
        undo(w, l, next.step);
        return true;
    case MIRD_ACT_CONFIRM:
        confirm(w, l, next.step);
        return true;
    }
    return true;
}

static bool given_up(const struct sim_world *w, const struct sim_lease *l)
{
    return w->fault == SIM_GIVES_UP && l->failures >= 3;
}

/* Nothing to do before wake_ms, but for what the disk has not taken yet. */
static void rest(struct sim_world *w, struct sim_lease *l)
{
    if (w->down || l->busy != SIM_IDLE)
        return;
    int written = flush(w, l);
    l->wake_ms = mird_turn_wake(l->wake_ms, !written, w->now_ms);
    l->entry = !(l->d.finished_s && !written) && !w->down;
}

void sim_advance(struct sim_world *w, struct sim_lease *l)
{
    if (l->busy == SIM_TO_SEND) {
        l->busy = SIM_IDLE;
        send_step(w, l, MIRD_STEP_INSTANCE);
        return;
    }
    if (l->busy == SIM_ANSWER)
        hear(w, l);
    int written = flush(w, l);
    if (w->fault == SIM_DISK_FIRST && written && !w->down) {
        l->wake_ms = w->now_ms + MIRD_HOLD_MS;
        return;
    }
    for (int i = 0; i < 100; i++) {
        if (w->down || w->broken || given_up(w, l))
            break;
        if (!act_once(w, l))
            continue;
        rest(w, l);
        return;
    }
    if (!w->down && !w->broken && !given_up(w, l))
        sim_broken(w, "turns in a circle", "lease %d", l->index);
    l->wake_ms = SIM_NEVER;
}

/* --- the sweep, as reconcile.c has it --- */

static void adopt(struct sim_world *w, struct sim_lease *l, const struct mir_instance *found)
{
    mird_turn_found(found, w->cloud->name, sim_utc_ms(w), &l->d);
    snprintf(l->d.name, sizeof l->d.name, "lease-%d", l->index);
    memset(&l->stored, 0, sizeof l->stored);
    if (commit(w, l)) {
        w->incomplete = true;
        return;
    }
    sim_say(w, "lease %d is taken up from its tags", l->index);
    l->entry = l->adopted = true;
    l->wake_ms = w->now_ms;
    l->stepped_ms = w->clock.stepped_ms;
    l->pace = (struct mird_pace){0};
    sim_check_adopted(w, l);
    l->acked_deadline_s = l->tried_deadline_s = l->d.deadline_s; /* as anybody sees it now */
}

static void look_up(const struct sim_lease *l, struct mird_sweep_view *view)
{
    view->known = l->entry || l->on_disk || l->unsynced;
    view->record = l->entry ? &l->d : &l->disk;
}

/* The answer is judged, one object after the other; true when something was asked to end. */
static bool judge(struct sim_world *w, struct sim_object *o)
{
    struct sim_lease *l = o->tag >= 0 && o->tag < SIM_LEASES ? &w->leases[o->tag] : NULL;
    struct mird_sweep_view view = {.installation = "we",
                                   .verified = o->verified || w->fault == SIM_SWEEP_UNSIGNED,
                                   .rebuilding = w->rebuilding && w->fault != SIM_NO_REBUILD,
                                   .now_s = sim_utc_ms(w) / 1000};
    struct mir_instance *found = &w->seen;
    struct sim_answer a;
    if (l && view.verified)
        look_up(l, &view);
    sim_show(w, o, found);
    enum mird_verdict_kind verdict = mird_sweep_verdict(found, &view);
    if (verdict == MIRD_ADOPT && l)
        adopt(w, l, found);
    if (verdict != MIRD_END || w->down)
        return false;
    sim_say(w, "sweep: object %d of lease %d is ended", (int)(o - w->objects), o->tag);
    sim_delete_object(w, o, &a);
    return true;
}

void sim_sweep(struct sim_world *w)
{
    struct sim_answer a;
    int list[SIM_OBJECTS];
    unsigned count;
    bool soon = false;
    w->sweep_ms = w->now_ms + SWEEP_MS;
    if (w->now_ms >= w->full_until_ms)
        mark(w);
    if (w->fault == SIM_NO_SWEEP)
        return;
    bool listed = sim_list(w, &a, list, &count);
    if (listed || a.error.kind != MIR_TIMEOUT)
        listen(w);
    w->incomplete = !listed;
    for (unsigned i = 0; i < count && !w->down; i++)
        soon |= judge(w, &w->objects[list[i]]);
    if (w->down)
        return;
    if (w->rebuilding && !w->incomplete)
        sim_check_rebuilt(w, list, count);
    w->rebuilding &= w->incomplete;
    if (soon || w->incomplete)
        w->sweep_ms = w->now_ms + SWEEP_AGAIN_MS;
}
