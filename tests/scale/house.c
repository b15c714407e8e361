/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "api/log.h"
#include "api/memory.h"
#include "daemon/engine.h"
#include "scale.h"
#include "store_sql.h"

#define FILL_AT_ONCE 5000u

_Noreturn void scale_fail(const char *what, const struct mir_error *err)
{
    fprintf(stderr, "scale: %s: %s\n", what, err ? err->text : "wrong");
    exit(1);
}

void scale_open(struct scale_house *house, const char *dir, unsigned count, bool noting)
{
    struct mir_error err = {0};
    *house = (struct scale_house){0};
    mir_log_set_level(getenv("VERBOSE") ? MIR_LOG_INFO : MIR_LOG_ERROR);
    if (mkdir(dir, 0700) && errno != EEXIST)
        scale_fail(dir, NULL);
    scale_cloud_init(&house->cloud, count, noting);
    house->core = (struct mird_core){.clock = mir_clock_system(),
                                     .random = mir_random_system(),
                                     .state_dir = dir,
                                     .hub = mird_hub_new()};
    if (mird_store_open(dir, &house->core.store, &err) ||
        mird_store_setting_put(house->core.store, "rebuilt-scale", "done", &err) ||
        mird_store_identity(house->core.store, &house->core.identity, &err))
        scale_fail("store", &err);
    house->cloud.identity = house->core.identity;
}

void scale_start(struct scale_house *house)
{
    struct mir_error err = {0};
    const struct mir_provider_env env = {.config = house->config,
                                         .state_dir = house->core.state_dir,
                                         .installation = house->core.identity.installation,
                                         .clock = house->core.clock};
    if (mir_prov_open(&scale_provider, &env, &house->core.providers[0], &err))
        scale_fail("provider", &err);
    house->core.provider_count = 1;
    if (mird_engine_start(&house->core, &house->core.engine, &err))
        scale_fail("engine", &err);
}

void scale_close(struct scale_house *house)
{
    mird_engine_stop(house->core.engine);
    if (house->core.provider_count)
        mir_prov_close(house->core.providers[0]);
    mird_store_close(house->core.store);
    mird_hub_free(house->core.hub);
    mir_config_free(house->config);
    scale_cloud_clear(&house->cloud);
}

struct filling {
    unsigned from, to;
    int64_t deadline_s;
};

static void up_and_at_rest(unsigned number, int64_t deadline_s, struct mird_deployment *d)
{
    *d = (struct mird_deployment){.memory_bytes = 64u << 20,
                                  .price.known = true,
                                  .created_s = deadline_s - 3600,
                                  .deadline_s = deadline_s,
                                  .seen_running = true,
                                  .goal_over = true,
                                  .running_ms = (deadline_s - 3600) * 1000,
                                  .last_create_ms = (deadline_s - 3600) * 1000,
                                  .hook_count = 2,
                                  .version = 1};
    d->steps[MIRD_STEP_IMAGE] = d->steps[MIRD_STEP_INSTANCE] = d->steps[MIRD_STEP_HOOKS] =
        MIRD_DONE;
    scale_id(number, d->id);
    scale_id(~number, d->token);
    snprintf(d->name, sizeof d->name, "scale-%u", number);
    mir_copy(d->provider, sizeof d->provider, "scale");
    mir_copy(d->owner, sizeof d->owner, "somebody");
    memset(d->kernel, 'a', sizeof d->kernel - 1);
    mir_copy(d->instance.id, sizeof d->instance.id, d->id);
    d->instance.state = MIR_INSTANCE_RUNNING;
    for (unsigned i = 0; i < d->hook_count; i++) {
        d->hooks[i] = (struct mir_hook){.state = MIR_HOOK_ARMED, .deadline_s = deadline_s};
        mir_copy(d->hooks[i].name, sizeof d->hooks[i].name, i ? "daemon" : "cloud-schedule");
        mir_copy(d->hooks[i].detail, sizeof d->hooks[i].detail, "read back");
    }
}

static int write_filling(struct mird_store *store, void *ctx, struct mir_error *err)
{
    const struct filling *filling = ctx;
    struct mird_deployment d;
    int rc = 0;
    for (unsigned i = filling->from; !rc && i < filling->to; i++) {
        up_and_at_rest(i, filling->deadline_s, &d);
        rc = mird_store_insert_deployment(store, &d, err);
    }
    return rc;
}

void scale_fill(struct scale_house *house, unsigned from, unsigned to, int64_t deadline_s)
{
    struct mir_error err = {0};
    for (unsigned i = from; i < to; i += FILL_AT_ONCE) {
        struct filling filling = {i, to - i < FILL_AT_ONCE ? to : i + FILL_AT_ONCE, deadline_s};
        if (mird_store_write(house->core.store, write_filling, &filling, &err))
            scale_fail("fill", &err);
    }
}
