/* SPDX-License-Identifier: ISC */
/* The site step: listed as launched by this daemon and probed until it answers; gone at the end. */
#include "daemon/registry.h"
#include "engine_parts.h"

int mird_site_make(struct mird_engine *engine, struct mird_entry *entry,
                   const struct mird_deployment *d, struct mird_answer *ret)
{
    struct mir_kernel kernel;
    struct mird_site site;
    bool known = !mird_store_kernel_get(engine->core->store, d->kernel, &kernel, NULL);
    int seconds = (int)(engine->live_timeout_ms / 1000);
    return mird_site_launched(engine->core, d, known ? &kernel : NULL, seconds, &site, &ret->error);
}

int mird_site_end(struct mird_engine *engine, struct mird_entry *entry,
                  const struct mird_deployment *d, struct mir_error *err)
{
    return mird_site_deployment_ended(engine->core, d->id, err);
}
