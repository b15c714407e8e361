/* SPDX-License-Identifier: ISC */
/* A lease's document in memory. The store is asked for it when it is needed; where the store cannot
 * answer, what the entry knows (id, provider, deadline) is enough to end the instance: the id is
 * its token and its tag. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/log.h"
#include "api/memory.h"
#include "daemon/dormant.h"
#include "engine_parts.h"

struct mird_rules mird_rules_for(const struct mird_engine *engine, const struct mir_prov *prov,
                                 const struct mir_kernel *kernel, enum mir_carrier carrier)
{
    const struct mir_provider *info = prov ? mir_prov_info(prov) : NULL;
    bool packed = kernel && mird_kernel_packed(kernel);
    return mird_rules_make(info ? info->settle_s : 0, info && info->paid,
                           packed || carrier || (info && info->image_put), engine->live_timeout_ms);
}

static void know_rules(struct mird_engine *engine, struct mird_body *body)
{
    struct mir_kernel kernel;
    const struct mird_deployment *d = &body->held.d;
    /* The kernel decides only whether an image has to be made first. */
    bool known = d->steps[MIRD_STEP_IMAGE] == MIRD_TODO && d->end_reason == MIRD_END_NONE &&
                 !mird_store_kernel_get(engine->core->store, d->kernel, &kernel, NULL);
    body->held.rules = mird_rules_for(engine, mird_core_provider(engine->core, d->provider),
                                      known ? &kernel : NULL, d->carrier);
}

struct mird_body *mird_body_new(struct mird_engine *engine, const struct mird_deployment *d)
{
    struct mird_body *body = mir_calloc(1, sizeof *body);
    pthread_mutex_init(&body->lock, NULL);
    pthread_cond_init(&body->written, NULL);
    mird_engine_now_ms(engine); /* what the clock did until here is none of this body's */
    pthread_mutex_lock(&engine->lock);
    mird_held_begin(&body->held, d, engine->now.stepped_ms);
    pthread_mutex_unlock(&engine->lock);
    know_rules(engine, body);
    return body;
}

void mird_body_free(struct mird_body *body)
{
    if (!body)
        return;
    pthread_mutex_destroy(&body->lock);
    pthread_cond_destroy(&body->written);
    free(body);
}

/* As far as it goes without the record: everything may be there, and is undone when it ends. */
static void make_bare(const struct mird_engine *engine, const struct mird_entry *entry,
                      struct mird_deployment *d)
{
    const struct mir_prov *prov = mird_entry_prov(engine, entry);
    /* Nobody knows since when; no later than its deadline, if it has one. */
    *d = (struct mird_deployment){.deadline_s = entry->deadline_s,
                                  .created_s =
                                      mir_forever(entry->deadline_s) ? 0 : entry->deadline_s,
                                  .seen_running = true,
                                  .goal_over = true,
                                  .last_create_ms = entry->created_boot_s != 0};
    for (int i = 0; i < MIRD_STEP_COUNT; i++)
        d->steps[i] = MIRD_DONE;
    mir_copy(d->id, sizeof d->id, entry->id);
    mir_copy(d->provider, sizeof d->provider, prov ? mir_prov_info(prov)->name : "");
    snprintf(d->name, sizeof d->name, "lease-%.12s", entry->id);
}

/* The moment, as the engine's clock has it now, at which the entry's last create was over. */
static int64_t created_ms(struct mird_engine *engine, const struct mird_entry *entry)
{
    int64_t now_ms = mird_engine_now_ms(engine);
    return mird_rest_created_ms(entry->created_boot_s, now_ms, mird_engine_boot_ms(engine));
}

struct mird_body *mird_body_load(struct mird_engine *engine, const struct mird_entry *entry)
{
    struct mird_deployment d;
    struct mir_error err = {0};
    bool bare = mird_store_deployment_get(engine->core->store, entry->id, &d, &err) != 0;
    if (bare) {
        mir_log(MIR_LOG_ERROR, "engine", "lease %s: %s; what is known without it is its deadline",
                entry->id, err.text);
        make_bare(engine, entry, &d);
    }
    struct mird_body *body = mird_body_new(engine, &d);
    body->bare = body->held.dirty = bare;
    mird_held_restarted(&body->held, created_ms(engine, entry));
    return body;
}

int mird_body_complete(struct mird_engine *engine, struct mird_body *body, struct mir_error *err)
{
    struct mird_deployment whole, bare = body->held.d;
    if (mird_store_deployment_get(engine->core->store, bare.id, &whole, err))
        return -1;
    mird_held_begin(&body->held, &whole, body->held.stepped_ms);
    body->held.dirty = true;
    body->bare = false;
    know_rules(engine, body);
    struct mird_deployment *d = &body->held.d;
    if (bare.last_create_ms > d->last_create_ms)
        d->last_create_ms = bare.last_create_ms;
    if (bare.end_reason == MIRD_END_NONE || d->finished_s)
        return 0;
    d->end_reason = bare.end_reason;
    d->ending_since_s = bare.ending_since_s;
    d->stuck = bare.stuck;
    d->steps[MIRD_STEP_INSTANCE] = bare.steps[MIRD_STEP_INSTANCE];
    d->instance.state = bare.instance.state;
    return 0;
}
