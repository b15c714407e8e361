/* SPDX-License-Identifier: ISC */
/* The workers: each takes an entry, asks the lease machine what comes next, does it, tells the
 * machine how it went, and goes on until there is nothing to do but wait. */
#include <string.h>

#include "api/log.h"
#include "daemon/public_link.h"
#include "engine_parts.h"

#define ACTIONS_MAX 1000 /* in one go; more would be a machine that turns in a circle */

static const struct {
    mird_step_fn *act, *undo, *confirm;
} steps[MIRD_STEP_COUNT] = {
    [MIRD_STEP_IMAGE] = {mird_image_do, mird_image_undo, mird_image_confirm},
    [MIRD_STEP_INSTANCE] = {mird_instance_do, mird_instance_undo, mird_instance_confirm},
    [MIRD_STEP_HOOKS] = {mird_hooks_do, mird_hooks_undo, NULL},
    [MIRD_STEP_SITE] = {mird_site_do, mird_site_undo, NULL},
};

/* Do something for the record as it is now, and tell the machine. */
static void run(struct mird_engine *engine, struct mird_entry *entry, mird_step_fn *fn,
                enum mird_step_kind step)
{
    struct mird_deployment d;
    struct mird_answer answer = {.input.step = step};
    mird_entry_snapshot(entry, &d);
    fn(engine, entry, &d, &answer);
    mird_engine_clock_listen(engine, entry->prov);
    mird_entry_change(engine, entry, &answer.input, NULL, NULL);
}

/* The intent is on the disk. */
static void carry_out(struct mird_engine *engine, struct mird_entry *entry,
                      enum mird_step_kind step)
{
    struct mird_deployment d;
    entry->intended = false;
    mird_entry_snapshot(entry, &d);
    if (!mird_turn_may_send(&d, step))
        return; /* the deadline or a removal came first */
    run(engine, entry, steps[step].act, step);
    if (step == MIRD_STEP_INSTANCE)
        mird_pace_launched(&entry->pace, mird_engine_boot_ms(engine));
}

static void begin(struct mird_engine *engine, struct mird_entry *entry, enum mird_step_kind step)
{
    const struct mird_input intend = {.kind = MIRD_IN_INTEND, .step = step};
    if (mird_entry_change(engine, entry, &intend, NULL, NULL))
        mird_pace_held(&entry->pace, mird_engine_boot_ms(engine));
    else
        carry_out(engine, entry, step);
}

/* Has the guest taken over the deadline that it was told? Only it can say. */
static void reread_guest(struct mird_engine *engine, struct mird_entry *entry,
                         const struct mird_deployment *d)
{
    bool armed = false;
    for (unsigned i = 0; i < d->hook_count; i++)
        armed |= !strcmp(d->hooks[i].name, "guest") && d->hooks[i].state == MIR_HOOK_ARMED;
    if (armed || !(d->takes_part & MIR_PART_CONSOLE_DEADLINE))
        entry->reread_left = 0;
    if (!entry->reread_left || !engine->core->public_link)
        return;
    entry->reread_left--;
    mird_public_probe_soon(engine->core->public_link, d->name, 1);
}

/* A look at a running instance, at a pace that slows down to the provider's. */
static void watch(struct mird_engine *engine, struct mird_entry *entry)
{
    struct mird_deployment d;
    mird_console_pull(engine, entry);
    run(engine, entry, mird_instance_look, MIRD_STEP_INSTANCE);
    mird_entry_snapshot(entry, &d);
    if (d.end_reason == MIRD_END_GUEST)
        mird_console_tell_end(engine, entry);
    reread_guest(engine, entry, &d);
    mird_pace_watched(&entry->pace, mir_prov_info(entry->prov)->poll_ms,
                      mird_engine_boot_ms(engine));
}

/* One action; true when there is nothing more to do before *ret_wake. */
static bool act_once(struct mird_engine *engine, struct mird_entry *entry, int64_t *ret_wake)
{
    const struct mird_input tick = {.kind = MIRD_IN_TICK};
    struct mird_deployment d;
    mird_entry_snapshot(entry, &d);
    struct mird_action next =
        mird_turn_next(&d, &entry->rules, &entry->pace, mird_engine_now_ms(engine),
                       mird_engine_boot_ms(engine), ret_wake);
    switch (next.kind) {
    case MIRD_ACT_NONE:
    case MIRD_ACT_WAIT:
        return true;
    case MIRD_ACT_WATCH:
        watch(engine, entry);
        return false;
    case MIRD_ACT_TICK:
        mird_entry_change(engine, entry, &tick, NULL, NULL);
        return false;
    case MIRD_ACT_BEGIN:
        begin(engine, entry, next.step);
        return false;
    case MIRD_ACT_LOOK: /* an intent is a "maybe" for everybody but who has just written it */
        if (entry->intended)
            carry_out(engine, entry, next.step);
        else
            run(engine, entry, mird_instance_look, MIRD_STEP_INSTANCE);
        return false;
    case MIRD_ACT_UNDO:
        run(engine, entry, steps[next.step].undo, next.step);
        return false;
    case MIRD_ACT_CONFIRM:
        run(engine, entry, steps[next.step].confirm, next.step);
        return false;
    }
    return true;
}

/* Returns the boot-time moment of the next look; MIRD_NEVER when it is over and written. */
static int64_t advance(struct mird_engine *engine, struct mird_entry *entry)
{
    int64_t wake_ms = mird_engine_boot_ms(engine) + MIRD_HOLD_MS;
    if (!entry->prov)
        return wake_ms + 60 * MIRD_HOLD_MS; /* said loudly at start */
    mird_entry_flush(engine, entry);
    for (int i = 0; i < ACTIONS_MAX; i++) {
        if (!act_once(engine, entry, &wake_ms))
            continue;
        bool written = !mird_entry_flush(engine, entry);
        return mird_turn_wake(wake_ms, written, mird_engine_boot_ms(engine));
    }
    mir_log(MIR_LOG_ERROR, "engine", "%s turns in a circle; it is looked at again in a second",
            entry->id);
    return mird_engine_boot_ms(engine) + MIRD_HOLD_MS;
}

/* --- taking and giving back --- */

static struct mird_entry *pop(struct mird_queue *queue)
{
    struct mird_entry *entry = queue->head;
    if (!entry)
        return NULL;
    queue->head = entry->next_in_queue;
    if (!queue->head)
        queue->tail = NULL;
    return entry;
}

static struct mird_entry *take(struct mird_engine *engine, bool teardown_only)
{
    struct mird_entry *entry = NULL;
    pthread_mutex_lock(&engine->lock);
    while (!engine->stopping) {
        entry = pop(&engine->urgent);
        if (!entry && !teardown_only)
            entry = pop(&engine->normal);
        if (entry)
            break;
        pthread_cond_wait(&engine->work, &engine->lock);
    }
    if (entry) {
        entry->queued = false;
        entry->busy = true;
        entry->refs++;
    }
    pthread_mutex_unlock(&engine->lock);
    return entry;
}

static void give_back(struct mird_engine *engine, struct mird_entry *entry, int64_t wake_boot_ms)
{
    struct mird_deployment d;
    mird_entry_snapshot(entry, &d);
    bool urgent =
        mird_turn_urgent(&d, wake_boot_ms, mird_engine_now_ms(engine), mird_engine_boot_ms(engine));
    bool over = wake_boot_ms == MIRD_NEVER;
    pthread_mutex_lock(&engine->lock);
    entry->busy = false;
    entry->urgent = urgent;
    if (over) {
        entry->over = true;
        entry->refs--; /* the table's */
    } else if (entry->poked) {
        mird_queue_put(engine, entry);
    } else {
        mird_heap_put(engine, entry, wake_boot_ms);
    }
    entry->poked = false;
    bool nearest = entry->heap_at == 1;
    pthread_mutex_unlock(&engine->lock);
    if (nearest)
        mird_reaper_nudge(engine);
    mird_entry_release(engine, entry);
}

static void work(struct mird_engine *engine, bool teardown_only)
{
    struct mird_entry *entry;
    while ((entry = take(engine, teardown_only)))
        give_back(engine, entry, advance(engine, entry));
}

void *mird_worker_main(void *engine)
{
    work(engine, false);
    return NULL;
}

void *mird_teardown_worker_main(void *engine)
{
    work(engine, true);
    return NULL;
}
