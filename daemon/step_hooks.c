/* SPDX-License-Identifier: ISC */
/* The hooks step: arm what ends the instance at its deadline, and read it back. Also how an
 * extension reaches the hooks. */
#include "daemon/registry.h"
#include "engine_parts.h"

#define REREADS 5 /* times that the guest is asked for its new deadline */
#define REREAD_FIRST_MS 100

static int arm(struct mird_engine *engine, struct mird_entry *entry,
               const struct mird_deployment *d, struct mird_answer *ret)
{
    struct mir_lease lease;
    size_t count = 0;
    if (mird_store_lease(engine->core->store, d->id, &lease, &ret->error) ||
        mir_prov_hooks_arm(mird_entry_prov(engine, entry), &lease, ret->hooks,
                           MIR_HOOKS_MAX - MIRD_HOOKS_OWN, &count, &ret->error))
        return -1;
    ret->input.hook_count = (unsigned)count;
    ret->input.deadline_s = lease.deadline_s;
    mird_hooks_add(d, engine->reaper_running && mird_reaper_late_ms(engine) < 60000, ret);
    return 0;
}

int mird_hooks_make(struct mird_engine *engine, struct mird_entry *entry,
                    const struct mird_deployment *d, struct mird_answer *ret)
{
    if (arm(engine, entry, d, ret))
        return -1;
    if (d->steps[MIRD_STEP_SITE] != MIRD_DONE)
        return 0;
    /* An extension: the page follows, and the guest is asked once it had time to hear of it. */
    struct mird_pace *pace = &entry->body->drive.pace;
    mird_site_deadline(engine->core, d->id, ret->input.deadline_s, NULL);
    entry->body->reread_left = REREADS;
    pace->watch_every_ms = REREAD_FIRST_MS;
    pace->watch_boot_ms = mird_engine_boot_ms(engine) + REREAD_FIRST_MS;
    return 0;
}
