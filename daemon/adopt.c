/* SPDX-License-Identifier: ISC */
/* The database is lost and an instance of ours runs on: a deployment made anew from what its
 * provider says. The record stands at "maybe launched", so that the lease machine finds the
 * instance by its token and goes on from there as after any crash. */
#include <stdio.h>
#include <string.h>

#include "api/log.h"
#include "api/memory.h"
#include "engine_parts.h"

int mird_adopt(struct mird_engine *engine, const struct mir_prov *prov,
               const struct mir_instance *found, struct mir_error *err)
{
    struct mird_store *store = engine->core->store;
    int64_t now_ms = mird_engine_now_ms(engine);
    struct mird_deployment d;
    struct mir_error why = {0};
    mird_turn_found(found, mir_prov_info(prov)->name, now_ms, &d);
    mir_id_new(engine->core->random, d.token);
    d.price.known = !mir_prov_info(prov)->paid; /* what was quoted is lost */
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
