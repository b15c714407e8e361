/* SPDX-License-Identifier: ISC */
/* The database is lost and an instance of ours runs on: a deployment made anew from what its
 * provider says. The record stands at "maybe launched", so that the lease machine finds the
 * instance by its token and goes on from there as after any crash. */
#include <stdio.h>
#include <string.h>

#include "api/log.h"
#include "api/memory.h"
#include "engine_parts.h"

/* The kernel and the wishes of its owner are lost with the database: it is not listed, and once
 * it is over it is never started again. */
static void make_record(const struct mir_instance *found, const char *provider, int64_t now_ms,
                        struct mird_deployment *d)
{
    *d = (struct mird_deployment){.wants_url = true,
                                  .created_s = now_ms / 1000,
                                  .deadline_s = found->tags.expires_s,
                                  .last_create_ms = now_ms,
                                  .last_put_ms = now_ms,
                                  .goal_over = true,
                                  .port_count = found->port_count};
    d->steps[MIRD_STEP_IMAGE] = MIRD_DONE;
    d->steps[MIRD_STEP_INSTANCE] = MIRD_INTENT;
    if (found->started_ms > 0 && found->started_ms < now_ms)
        d->created_s = found->started_ms / 1000;
    mir_copy(d->id, sizeof d->id, found->tags.deployment);
    mir_copy(d->provider, sizeof d->provider, provider);
    memcpy(d->ports, found->ports, sizeof d->ports);
    if (mir_name_valid(found->name))
        mir_copy(d->name, sizeof d->name, found->name);
    else
        snprintf(d->name, sizeof d->name, "found-%.12s", d->id);
}

int mird_adopt(struct mird_engine *engine, const struct mir_prov *prov,
               const struct mir_instance *found, struct mir_error *err)
{
    struct mird_store *store = engine->core->store;
    int64_t now_ms = mird_engine_now_ms(engine);
    struct mird_deployment d;
    struct mir_error why = {0};
    make_record(found, mir_prov_info(prov)->name, now_ms, &d);
    mir_id_new(engine->core->random, d.token);
    int rc = mird_store_deployment_adopt(store, &d, now_ms, &why);
    if (rc && why.kind == MIR_CONFLICT) {
        /* Somebody has taken the name meanwhile. */
        snprintf(d.name, sizeof d.name, "found-%.12s", d.id);
        why = (struct mir_error){0};
        rc = mird_store_deployment_adopt(store, &d, now_ms, &why);
    }
    if (rc) {
        if (err)
            *err = why;
        return -1;
    }
    mir_log(MIR_LOG_WARN, "sweep", "%s on %s is ours and was not known: taken up from its tags",
            d.name, d.provider);
    mird_engine_poke(engine, mird_entry_add(engine, &d, true), false);
    mird_hub_changed(engine->core->hub, d.id);
    return 0;
}
