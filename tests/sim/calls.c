/* SPDX-License-Identifier: ISC */
/* What drives a lease: drive.c and answer.c, over the simulated disk and cloud. A call is made at
 * once and its answer heard when it has come. */
#include <string.h>

#include "api/memory.h"
#include "sim.h"

#define POLL_MS 120000u

struct call {
    struct sim_world *w;
    struct sim_lease *l;
    int64_t took_ms;
};

static int64_t the_time(void *ctx)
{
    const struct call *call = ctx;
    return sim_utc_ms(call->w);
}

/* --- the transport --- */

/* The store and the provider wrapper refuse what is over; of what was adopted the kernel is lost.
 */
static bool refused(struct sim_world *w, const struct sim_lease *l, struct mir_error *err)
{
    const struct mird_deployment *d = &l->held.d;
    if (!l->adopted && !d->finished_s && sim_utc_ms(w) / 1000 < d->deadline_s)
        return false;
    *err = (struct mir_error){.kind = MIR_POLICY, .text = "the lease is over"};
    return true;
}

static bool keeps(void *ctx, enum mird_step_kind step)
{
    const struct call *call = ctx;
    return step == MIRD_STEP_INSTANCE || (step == MIRD_STEP_IMAGE && call->w->cloud->image);
}

static bool made(struct call *call, enum mird_step_kind step, struct mird_answer *ret)
{
    struct sim_world *w = call->w;
    if (step == MIRD_STEP_INSTANCE)
        return !refused(w, call->l, &ret->error) &&
               sim_create(w, call->l, &ret->instance, &ret->error, &call->took_ms);
    if (step == MIRD_STEP_IMAGE)
        return sim_upload(w, call->l, &ret->error, &call->took_ms);
    return step == MIRD_STEP_SITE || sim_arm(w, call->l, ret, &call->took_ms);
}

static int make(void *ctx, enum mird_step_kind step, struct mird_answer *ret)
{
    struct call *call = ctx;
    if (sim_dies(call->w, "before a request"))
        return -1;
    mir_copy(ret->image_id, sizeof ret->image_id, "image");
    bool well = made(call, step, ret);
    return sim_dies(call->w, "after a request") || !well ? -1 : 0;
}

static int end(void *ctx, enum mird_step_kind step, struct mir_error *err)
{
    struct call *call = ctx;
    struct sim_world *w = call->w;
    if (!keeps(ctx, step))
        return 0;
    if (sim_dies(w, "before a delete"))
        return -1;
    bool well = sim_delete(w, call->l->index, step == MIRD_STEP_IMAGE, err, &call->took_ms);
    return sim_dies(w, "after a delete") || !well ? -1 : 0;
}

static int get(void *ctx, enum mird_step_kind step, struct mir_instance *ret, struct mir_error *err)
{
    struct call *call = ctx;
    bool image = step == MIRD_STEP_IMAGE;
    return sim_get(call->w, call->l->index, image, ret, err, &call->took_ms) ? 0 : -1;
}

static int list(void *ctx, enum mird_step_kind step, struct mird_listed *ret,
                struct mir_instance *found, struct mir_error *err)
{
    const struct call *call = ctx;
    struct sim_world *w = call->w;
    int shown[SIM_OBJECTS];
    enum mir_object_kind kind = step == MIRD_STEP_IMAGE ? MIR_OBJECT_IMAGE : MIR_OBJECT_INSTANCE;
    ret->at_ms = sim_utc_ms(w);
    if (!sim_list(w, err, shown, &ret->count))
        return -1;
    for (unsigned i = 0; i < ret->count; i++) {
        const struct sim_object *o = &w->objects[shown[i]];
        sim_show(w, o, &w->seen);
        if (!mird_shows(&w->seen, kind, call->l->held.d.id, o->verified, "we"))
            continue;
        *found = w->seen;
        ret->seen = true;
    }
    return 0;
}

/* --- what mird_drive_on asks for --- */

/* A dead process is not driven. */
static const struct mird_deployment *the_record(void *ctx)
{
    const struct call *call = ctx;
    return call->w->down || call->w->broken ? NULL : &call->l->held.d;
}

static int64_t the_boot_time(void *ctx)
{
    const struct call *call = ctx;
    return call->w->now_ms;
}

static int change(void *ctx, const struct mird_input *input)
{
    const struct call *call = ctx;
    return sim_change(call->w, call->l, input, false, NULL);
}

static enum mird_went change_later(void *ctx, const struct mird_input *input)
{
    const struct call *call = ctx;
    return sim_change_later(call->w, call->l, input) ? MIRD_WENT_AWAY : MIRD_WENT_ON;
}

static int flush(void *ctx)
{
    const struct call *call = ctx;
    return sim_flush(call->w, call->l);
}

static void send(struct call *call)
{
    struct sim_lease *l = call->l;
    const struct mird_transport transport = {.ctx = call,
                                             .now_ms = the_time,
                                             .keeps = keeps,
                                             .make = make,
                                             .end = end,
                                             .get = get,
                                             .list = list};
    call->took_ms = 1;
    mird_ask(&transport, &l->held.d, &l->asked, &l->answer);
    if (call->w->down)
        return;
    l->busy = SIM_ANSWER;
    l->wake_ms = call->w->now_ms + call->took_ms;
}

/* A planted fault: whatever is being launched comes first. */
static bool behind_launches(const struct sim_world *w)
{
    for (int i = 0; i < SIM_LEASES && w->fault == SIM_LAUNCH_FIRST; i++) {
        const struct sim_lease *other = &w->leases[i];
        if (other->entry && other->held.d.end_reason == MIRD_END_NONE &&
            other->held.d.steps[MIRD_STEP_INSTANCE] != MIRD_DONE)
            return true;
    }
    return false;
}

static enum mird_went ask(void *ctx, const struct mird_ask *ask)
{
    struct call *call = ctx;
    struct sim_world *w = call->w;
    struct sim_lease *l = call->l;
    bool launch = ask->kind == MIRD_ASK_MAKE && ask->step == MIRD_STEP_INSTANCE;
    l->asked = *ask;
    if (ask->kind == MIRD_ASK_UNDO && behind_launches(w)) {
        l->wake_ms = w->now_ms + 1000;
    } else if (launch && sim_chance(w, 40)) {
        /* Seldom there is a while between the intent and the request: a busy machine. */
        l->busy = SIM_TO_SEND;
        l->wake_ms = w->now_ms + sim_below(w, 100000);
    } else {
        send(call);
    }
    return MIRD_WENT_AWAY;
}

static const struct mird_drive_ops drive_ops = {.record = the_record,
                                                .now_ms = the_time,
                                                .boot_ms = the_boot_time,
                                                .change = change,
                                                .change_later = change_later,
                                                .ask = ask,
                                                .flush = flush};

/* --- one lease --- */

static void hear(struct call *call)
{
    struct sim_world *w = call->w;
    struct sim_lease *l = call->l;
    const struct mird_deployment *d = &l->held.d;
    const struct mird_probe answers = {
        .ok = true, .status = 200, .guest_deadline_s = l->takes_part ? d->deadline_s : 0};
    const struct mird_input probed = {.kind = MIRD_IN_PROBED, .probe = &answers};
    if (l->answer.error.kind != MIR_TIMEOUT)
        sim_listen(w);
    l->busy = SIM_IDLE;
    mird_drive_heard(&l->drive, &l->asked, &l->answer.input, POLL_MS, &drive_ops, call);
    if (!w->down && d->steps[MIRD_STEP_SITE] == MIRD_DONE && !d->seen_live)
        sim_change(w, l, &probed, false, NULL);
}

/* Nothing before wake_ms; where there are many, nothing before its deadline or a listing says so.
 */
static void rest(struct sim_world *w, struct sim_lease *l, int64_t wake_ms)
{
    int64_t now_ms = sim_utc_ms(w);
    l->wake_ms = wake_ms;
    l->entry = wake_ms != MIRD_NEVER; /* else it is over, and written */
    if (!w->many || !l->entry || !mird_may_rest(&l->held, &l->drive))
        return;
    l->rests = true;
    l->seen = true; /* of the round under way */
    l->created_boot_s = mird_rest_created_s(&l->held.d, now_ms, w->now_ms);
    l->wake_ms = mird_now_to_boot_ms(l->held.d.deadline_s * 1000, now_ms, w->now_ms);
}

void sim_advance(struct sim_world *w, struct sim_lease *l)
{
    struct call call = {.w = w, .l = l};
    int64_t wake_ms;
    sim_wake(w, l);
    if (l->busy == SIM_TO_SEND) {
        send(&call);
        return;
    }
    if (l->busy == SIM_ANSWER)
        hear(&call);
    enum mird_went went =
        w->down ? MIRD_WENT_AWAY
                : mird_drive_on(&l->drive, &l->held.rules, &drive_ops, &call, &wake_ms);
    if (went == MIRD_WENT_CIRCLE)
        sim_broken(w, "turns in a circle", "lease %d", l->index);
    if (went == MIRD_WENT_REST && !w->down)
        rest(w, l, wake_ms);
}
