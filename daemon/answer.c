/* SPDX-License-Identifier: ISC */
#include "daemon/answer.h"

#include <string.h>

#include "api/memory.h"

/* --- asking --- */

static void make(const struct mird_transport *t, enum mird_step_kind step, struct mird_answer *ret)
{
    if (t->make(t->ctx, step, ret)) {
        mird_turn_failed(&ret->error, &ret->input);
        if (ret->final)
            ret->error.retry = MIR_RETRY_NEVER;
        return;
    }
    ret->input.kind = MIRD_IN_DONE;
    ret->input.instance = &ret->instance;
    ret->input.image_id = ret->image_id;
    ret->input.hooks = ret->hooks;
}

static void question(const struct mird_transport *t, struct mird_answer *ret)
{
    ret->input.asked_ms = t->now_ms(t->ctx);
    ret->input.instance = &ret->instance;
    ret->input.error = &ret->error;
}

static void look(const struct mird_transport *t, const struct mird_deployment *d,
                 struct mird_answer *ret)
{
    question(t, ret);
    ret->input.kind = MIRD_IN_LOOK_FAILED;
    if (t->get(t->ctx, MIRD_STEP_INSTANCE, &ret->instance, &ret->error))
        return;
    ret->input.kind = MIRD_IN_LOOKED;
    mird_turn_never_started(d, &ret->instance);
}

/* Asked for, which is all that a delete's answer says; of what is kept nowhere nothing is sent. */
static void undo(const struct mird_transport *t, enum mird_step_kind step, struct mird_answer *ret)
{
    question(t, ret);
    if (!t->keeps(t->ctx, step))
        ret->input.asked_ms = 0;
    bool failed = t->end(t->ctx, step, &ret->error);
    ret->input.kind = failed ? MIRD_IN_UNDO_FAILED : MIRD_IN_UNDONE;
}

/* Both must not show it: an index may lag behind where the object itself does not, and the other
 * way round. The moment that counts is that of the first question. */
static void confirm(const struct mird_transport *t, enum mird_step_kind step,
                    struct mird_answer *ret)
{
    struct mird_listed listed = {0};
    question(t, ret);
    ret->input.kind = MIRD_IN_ABSENT;
    if (!t->keeps(t->ctx, step))
        return;
    ret->input.kind = MIRD_IN_CONFIRM_FAILED;
    if (t->get(t->ctx, step, &ret->instance, &ret->error))
        return;
    bool there = ret->instance.state != MIR_INSTANCE_ABSENT;
    if (!there && t->list(t->ctx, step, &listed, &ret->instance, &ret->error))
        return;
    ret->input.listed_ms = listed.at_ms;
    ret->input.listed = listed.count;
    ret->input.kind = there || listed.seen ? MIRD_IN_STILL_THERE : MIRD_IN_ABSENT;
}

void mird_ask(const struct mird_transport *transport, const struct mird_deployment *d,
              const struct mird_ask *ask, struct mird_answer *ret)
{
    ret->input = (struct mird_input){.step = ask->step};
    ret->error.kind = MIR_OK;
    ret->final = false;
    switch (ask->kind) {
    case MIRD_ASK_MAKE:
        make(transport, ask->step, ret);
        return;
    case MIRD_ASK_LOOK:
    case MIRD_ASK_WATCH:
        look(transport, d, ret);
        return;
    case MIRD_ASK_UNDO:
        undo(transport, ask->step, ret);
        return;
    case MIRD_ASK_CONFIRM:
        confirm(transport, ask->step, ret);
        return;
    }
}

/* --- hooks --- */

static void add_hook(struct mird_answer *ret, const char *name, enum mir_hook_state state,
                     int64_t deadline_s, const char *detail)
{
    struct mir_hook *hook = &ret->hooks[ret->input.hook_count++];
    *hook = (struct mir_hook){.state = state, .deadline_s = deadline_s};
    mir_copy(hook->name, sizeof hook->name, name);
    mir_copy(hook->detail, sizeof hook->detail, detail);
}

void mird_hooks_add(const struct mird_deployment *d, bool turns, struct mird_answer *ret)
{
    /* Armed when the reaper turns as it should: this lease goes (back) into its heap. */
    bool forever = mir_forever(ret->input.deadline_s);
    enum mir_hook_state armed = forever ? MIR_HOOK_OFF : MIR_HOOK_ARMED;
    add_hook(ret, "daemon", turns ? armed : MIR_HOOK_FAILED, ret->input.deadline_s,
             !turns    ? "the reaper does not turn"
             : forever ? "no deadline"
                       : "this daemon's reaper");
    /* Only what the guest itself says counts; the prober reads it. */
    const char *why = "not read back yet";
    if (forever)
        why = "no deadline";
    else if (!(d->takes_part & MIR_PART_DEADLINE))
        why = "nothing says that the guest keeps the lease's deadline";
    else if (!(d->takes_part & MIR_PART_WELL_KNOWN) || (!*d->url && !d->wants_url))
        why = "given to the kernel; it has no URL to read it back from";
    add_hook(ret, "guest", MIR_HOOK_OFF, 0, why);
}
