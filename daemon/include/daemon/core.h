/* SPDX-License-Identifier: ISC */
/*
 * The core: what every part of the daemon's main process stands on, made once by main and handed
 * down as one pointer; and the hub, through which a change reaches those who wait for it.
 *
 * The struct is immutable after start (its members guard themselves).
 */
#ifndef DAEMON_CORE_H
#define DAEMON_CORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/clock.h"
#include "api/config.h"
#include "api/id.h"
#include "api/provider.h"
#include "daemon/store.h"

struct mird_engine;
struct mird_hub;
struct mird_public; /* the link to the public process (public_link.h) */

#define MIRD_PROVIDERS_MAX 8

struct mird_core {
    const struct mir_clock *clock;
    const struct mir_random *random;
    const struct mir_config *config;
    const char *state_dir;
    const char *helper_path;  /* mirage-image */
    struct mir_imager imager; /* what providers are given */
    struct mird_identity identity;
    struct mird_store *store;
    struct mird_hub *hub;
    struct mird_engine *engine;
    struct mird_public *public_link;
    bool
        standby; /* another daemon acts: no engine, no public process, and the store is read only */
    char public_url[128]; /* base of the registry, no slash at the end; "" while it has none */
    struct mir_prov *providers[MIRD_PROVIDERS_MAX];
    size_t provider_count;
};

/* NULL when there is none of that name. */
struct mir_prov *mird_core_provider(const struct mird_core *core, const char *name);

/* The engine comes to be, and goes, beside the thread of the public link, which has news for it. */
struct mird_engine *mird_core_engine(const struct mird_core *core);
void mird_core_set_engine(struct mird_core *core, struct mird_engine *engine);

/* --- the hub: "something about this deployment changed" --- */

struct mird_hub *mird_hub_new(void);
void mird_hub_free(struct mird_hub *hub);

/* Called from any thread after a committed change. `deployment` is its id. Callbacks run in the
 * caller's thread and must be short and not call back into the hub. */
void mird_hub_changed(struct mird_hub *hub, const char *deployment);

typedef void mird_hub_fn(void *ctx, const char *deployment);
void mird_hub_subscribe(struct mird_hub *hub, mird_hub_fn *fn, void *ctx); /* at start only */

#endif
