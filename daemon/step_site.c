/* SPDX-License-Identifier: ISC */
/* The site step: listed as launched by this daemon and probed until it answers; gone at the end. */
#include "daemon/registry.h"
#include "engine_parts.h"

void mird_site_do(struct mird_engine *engine, struct mird_entry *entry,
                  const struct mird_deployment *d, struct mird_answer *ret)
{
    (void)entry;
    struct mir_kernel kernel;
    struct mird_site site;
    bool known = !mird_store_kernel_get(engine->core->store, d->kernel, &kernel, NULL);
    int seconds = (int)(engine->live_timeout_ms / 1000);
    if (mird_site_launched(engine->core, d, known ? &kernel : NULL, seconds, &site, &ret->error)) {
        mird_turn_failed(&ret->error, &ret->input);
        return;
    }
    ret->input.kind = MIRD_IN_DONE;
}

void mird_site_undo(struct mird_engine *engine, struct mird_entry *entry,
                    const struct mird_deployment *d, struct mird_answer *ret)
{
    (void)entry;
    bool failed = mird_site_deployment_ended(engine->core, d->id, &ret->error);
    ret->input.kind = failed ? MIRD_IN_UNDO_FAILED : MIRD_IN_UNDONE;
    ret->input.error = &ret->error;
}
