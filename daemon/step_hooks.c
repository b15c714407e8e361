/* SPDX-License-Identifier: ISC */
/* The hooks step: arm what ends the instance at its deadline, and read it back. Also how an
 * extension reaches the hooks. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "daemon/registry.h"
#include "engine_parts.h"

#define REREADS 5 /* times that the guest is asked for its new deadline */
#define REREAD_FIRST_MS 100

static void add_daemon(struct mird_engine *engine, const struct mir_lease *lease,
                       struct mird_answer *ret)
{
    struct mir_hook *hook = &ret->hooks[ret->input.hook_count++];
    mir_copy(hook->name, sizeof hook->name, "daemon");
    /* Armed when the reaper turns as it should: this entry goes (back) into its heap. */
    bool turns = engine->reaper_running && mird_reaper_late_ms(engine) < 60000;
    hook->state = turns ? MIR_HOOK_ARMED : MIR_HOOK_FAILED;
    hook->deadline_s = lease->deadline_s;
    if (turns && mir_forever(lease->deadline_s))
        hook->state = MIR_HOOK_OFF;
    snprintf(hook->detail, sizeof hook->detail, "%s",
             hook->state == MIR_HOOK_OFF     ? "no deadline"
             : hook->state == MIR_HOOK_ARMED ? "this daemon's reaper"
                                             : "the reaper does not turn");
}

/* Only what the guest itself says counts; the prober reads it. */
static void add_guest(const struct mird_deployment *d, const struct mir_lease *lease,
                      struct mird_answer *ret)
{
    struct mir_hook *hook = &ret->hooks[ret->input.hook_count++];
    mir_copy(hook->name, sizeof hook->name, "guest");
    hook->state = MIR_HOOK_OFF;
    const char *why = "not read back yet";
    if (mir_forever(lease->deadline_s))
        why = "no deadline";
    else if (!(d->takes_part & MIR_PART_DEADLINE))
        why = "the kernel does not say that it keeps a deadline";
    else if (!(d->takes_part & MIR_PART_WELL_KNOWN) || (!*d->url && !d->wants_url))
        why = "given to the kernel; it has no URL to read it back from";
    mir_copy(hook->detail, sizeof hook->detail, why);
}

static int arm(struct mird_engine *engine, struct mird_entry *entry,
               const struct mird_deployment *d, struct mird_answer *ret)
{
    struct mir_lease lease;
    size_t count = 0;
    if (mird_store_lease(engine->core->store, d->id, &lease, &ret->error) ||
        mir_prov_hooks_arm(mird_entry_prov(engine, entry), &lease, ret->hooks, MIR_HOOKS_MAX - 2,
                           &count, &ret->error))
        return -1;
    ret->input.hook_count = (unsigned)count;
    ret->input.deadline_s = lease.deadline_s;
    add_daemon(engine, &lease, ret);
    add_guest(d, &lease, ret);
    return 0;
}

void mird_hooks_do(struct mird_engine *engine, struct mird_entry *entry,
                   const struct mird_deployment *d, struct mird_answer *ret)
{
    if (arm(engine, entry, d, ret)) {
        mird_turn_failed(&ret->error, &ret->input);
        return;
    }
    ret->input.kind = MIRD_IN_DONE;
    ret->input.hooks = ret->hooks;
    if (d->steps[MIRD_STEP_SITE] != MIRD_DONE)
        return;
    /* An extension: the page follows, and the guest is asked once it had time to hear of it. */
    mird_site_deadline(engine->core, d->id, ret->input.deadline_s, NULL);
    entry->body->reread_left = REREADS;
    entry->body->pace.watch_every_ms = REREAD_FIRST_MS;
    entry->body->pace.watch_boot_ms = mird_engine_boot_ms(engine) + REREAD_FIRST_MS;
}

/* The hooks of the providers so far go with the instance that they end. */
void mird_hooks_undo(struct mird_engine *engine, struct mird_entry *entry,
                     const struct mird_deployment *d, struct mird_answer *ret)
{
    (void)engine;
    (void)entry;
    (void)d;
    ret->input.kind = MIRD_IN_UNDONE;
}
