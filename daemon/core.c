/* SPDX-License-Identifier: ISC */
#include "daemon/core.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"

struct mir_prov *mird_core_provider(const struct mird_core *core, const char *name)
{
    for (size_t i = 0; i < core->provider_count; i++)
        if (!strcmp(mir_prov_info(core->providers[i])->name, name))
            return core->providers[i];
    return NULL;
}

struct mird_engine *mird_core_engine(const struct mird_core *core)
{
    return __atomic_load_n(&core->engine, __ATOMIC_ACQUIRE);
}

void mird_core_set_engine(struct mird_core *core, struct mird_engine *engine)
{
    __atomic_store_n(&core->engine, engine, __ATOMIC_RELEASE);
}

#define SUBSCRIBERS_MAX 8

struct mird_hub {
    pthread_mutex_t lock;
    size_t count;
    struct {
        mird_hub_fn *fn;
        void *ctx;
    } subscribers[SUBSCRIBERS_MAX];
};

struct mird_hub *mird_hub_new(void)
{
    struct mird_hub *hub = mir_calloc(1, sizeof *hub);
    pthread_mutex_init(&hub->lock, NULL);
    return hub;
}

void mird_hub_free(struct mird_hub *hub)
{
    if (!hub)
        return;
    pthread_mutex_destroy(&hub->lock);
    free(hub);
}

void mird_hub_subscribe(struct mird_hub *hub, mird_hub_fn *fn, void *ctx)
{
    pthread_mutex_lock(&hub->lock);
    if (hub->count >= SUBSCRIBERS_MAX)
        abort(); /* a fixed number of subscribers, all known when the daemon is built */
    hub->subscribers[hub->count].fn = fn;
    hub->subscribers[hub->count].ctx = ctx;
    hub->count++;
    pthread_mutex_unlock(&hub->lock);
}

void mird_hub_changed(struct mird_hub *hub, const char *deployment)
{
    pthread_mutex_lock(&hub->lock);
    for (size_t i = 0; i < hub->count; i++)
        hub->subscribers[i].fn(hub->subscribers[i].ctx, deployment);
    pthread_mutex_unlock(&hub->lock);
}
