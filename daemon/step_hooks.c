/* SPDX-License-Identifier: ISC */
/* The hooks step: arm what ends the instance at its deadline, and read it back. Also how an
 * extension reaches the hooks. */
#include <string.h>

#include "daemon/registry.h"
#include "engine_parts.h"

#define REREADS 5 /* times that the guest is asked for its new deadline */
#define REREAD_FIRST_MS 100

bool mird_engine_reaper_hook(struct mird_engine *engine, struct mir_prov *prov, const char *place,
                             int64_t deadline_s, struct mir_hook *ret)
{
    for (size_t i = 0; i < MIRD_LANES_MAX; i++)
        if (engine->lanes[i].prov == prov)
            return mird_hook_reaper(&engine->lanes[i].reapers, engine->core, prov, place,
                                    deadline_s, mird_engine_now_ms(engine) / 1000, ret);
    return false;
}

/* Those that are the daemon's to say. */
static bool is_own(const struct mir_hook *hook)
{
    static const char *const names[MIRD_HOOKS_OWN] = {"daemon", "guest", "reaper"};
    for (size_t i = 0; i < MIRD_HOOKS_OWN; i++)
        if (!strcmp(hook->name, names[i]))
            return true;
    return false;
}

/* All that the provider arms stands as it was read back for this very deadline: only what the
 * daemon says itself is to be looked at again. */
static bool provider_stands(const struct mird_deployment *d)
{
    bool stands = d->steps[MIRD_STEP_HOOKS] == MIRD_DONE && !d->hooks_stale;
    for (unsigned i = 0; i < d->hook_count; i++)
        stands = stands && (is_own(&d->hooks[i]) || d->hooks[i].state != MIR_HOOK_FAILED);
    return stands;
}

static size_t keep_provider(const struct mird_deployment *d, struct mir_hook *ret)
{
    size_t count = 0;
    for (unsigned i = 0; i < d->hook_count; i++) {
        if (is_own(&d->hooks[i]))
            continue;
        ret[count] = d->hooks[i];
        ret[count++].again_after_s = 0;
    }
    return count;
}

/* No reaper covers a place whose name cannot be had. */
static bool ask_reaper(struct mird_engine *engine, struct mir_prov *prov,
                       const struct mird_deployment *d, int64_t deadline_s, struct mir_hook *ret)
{
    char place[MIR_PLACE_NAME] = "?";
    if (mir_prov_info(prov)->note_get)
        (void)mir_prov_place_name(prov, &d->place, place, NULL);
    return mird_engine_reaper_hook(engine, prov, place, deadline_s, ret);
}

static int arm(struct mird_engine *engine, struct mird_entry *entry,
               const struct mird_deployment *d, struct mird_answer *ret)
{
    struct mir_lease lease = {.deadline_s = d->deadline_s};
    struct mir_prov *prov = mird_entry_prov(engine, entry);
    struct mir_hook reaper;
    size_t count = 0;
    bool stands = provider_stands(d);
    if (!stands && mird_store_lease(engine->core->store, d->id, &lease, &ret->error))
        return -1;
    bool forever = mir_forever(lease.deadline_s);
    bool turns = engine->reaper_running && mird_reaper_late_ms(engine) < 60000;
    bool reaps = !forever && ask_reaper(engine, prov, d, lease.deadline_s, &reaper);
    lease.hooks_else = forever ? 0 : turns + (reaps && reaper.state == MIR_HOOK_ARMED);
    if (stands)
        count = keep_provider(d, ret->hooks);
    else if (mir_prov_hooks_arm(prov, &lease, ret->hooks, MIR_HOOKS_MAX - MIRD_HOOKS_OWN, &count,
                                &ret->error))
        return -1;
    ret->input.hook_count = (unsigned)count;
    ret->input.deadline_s = lease.deadline_s;
    mird_hooks_add(d, turns, ret);
    if (reaps)
        ret->hooks[ret->input.hook_count++] = reaper;
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
