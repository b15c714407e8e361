/* SPDX-License-Identifier: ISC */
/* What the daemon says of itself: version, health, figures, its own interface. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/memory.h"
#include "daemon/store_acting.h"
#include "rest.h"

#define REAPER_LATE_MS 20000 /* later than that, it hangs */

REST_HANDLER(rest_version_get)
{
    const struct mird_rest *rest = ctx;
    const struct mird_core *core = rest->core;
    struct mir_error err = {0};
    json_t *acting = rest_acting_json(rest, &err);
    if (!acting)
        return rest_fail(request, response, &err);
    return rest_json(response, 200,
                     json_pack("{s:s, s:s, s:o, s:s, s:i, s:o, s:s, s:o}", "version", MIR_VERSION,
                               "installation", core->identity.installation, "public_url",
                               core->public_url[0] ? json_string(core->public_url) : json_null(),
                               "state_dir", core->state_dir, "pid", (int)getpid(), "started_at",
                               rest_time(rest->started_s), "role",
                               core->standby ? "standby" : "acting", "acting", acting));
}

REST_HANDLER(rest_openapi_get)
{
    const struct mird_rest *rest = ctx;
    mird_http_share(response, 200, "application/json", mird_http_shared_ref(rest->openapi),
                    rest->openapi_tag);
    return MIRD_HTTP_DONE;
}

REST_HANDLER(rest_healthz_get)
{
    mird_http_fixed(response, 200, "application/json", "{\"ok\":true}");
    return MIRD_HTTP_DONE;
}

static int check_ready(const struct mird_rest *rest, struct mird_engine_figures *ret,
                       struct mir_error *err)
{
    size_t count = 0;
    if (mird_store_open_count(rest->core->store, 1, &count, err))
        return mir_error_wrap(err, "the store does not answer");
    if (rest_now_s(rest) < MIRD_CLOCK_SANE_S) {
        mir_fail(err, MIR_UNAVAILABLE, "the machine's clock is not set");
        return mir_error_hint(err, "set it (timedatectl set-ntp true): deadlines depend on it");
    }
    if (rest->core->standby)
        return 0; /* nothing of it depends on a reaper */
    mird_engine_figures(rest->core->engine, ret);
    if (ret->reaper_late_ms > REAPER_LATE_MS)
        return mir_fail(err, MIR_UNAVAILABLE, "the reaper is %" PRId64 " ms late",
                        ret->reaper_late_ms);
    return 0;
}

REST_HANDLER(rest_readyz_get)
{
    struct mir_error err = {0};
    const struct mird_rest *rest = ctx;
    struct mird_engine_figures figures = {0};
    if (check_ready(rest, &figures, &err)) {
        mird_http_problem(request, response, 503, &err);
        return MIRD_HTTP_DONE;
    }
    bool standby = rest->core->standby;
    json_t *late = standby ? json_null() : json_integer(figures.reaper_late_ms);
    json_t *behind = standby ? json_null() : json_integer(figures.clock_behind_ms);
    return rest_json(response, 200,
                     json_pack("{s:b, s:o, s:o}", "ready", 1, "reaper_late_ms", late,
                               "clock_behind_ms", behind));
}

REST_HANDLER(rest_metrics_get)
{
    struct mird_rest *rest = ctx;
    struct mird_metrics metrics = {0};
    struct mird_store_figures figures;
    struct mir_error err = {0};
    struct mird_acting acting;
    if (mird_store_figures(rest->core->store, &figures, &err) ||
        mird_store_acting(rest->core->store, &acting, &err))
        return rest_fail(request, response, &err);
    int64_t now_s = rest_now_s(rest);
    memcpy(metrics.by_state, figures.by_state, sizeof metrics.by_state);
    metrics.has_deadline = figures.open > 0 && !mir_forever(figures.first_deadline_s);
    metrics.nearest_deadline_s = figures.first_deadline_s - now_s;
    metrics.acts = !rest->core->standby;
    metrics.epoch = acting.row.epoch;
    if (metrics.acts)
        mird_engine_figures(rest->core->engine, &metrics.engine);
    pthread_mutex_lock(&rest->lock);
    metrics.connections = rest->server ? mird_http_connections(rest->server) : 0;
    pthread_mutex_unlock(&rest->lock);
    metrics.uptime_s = now_s - rest->started_s;
    mird_http_text(response, 200, "text/plain; version=0.0.4; charset=utf-8",
                   mird_metrics_text(&metrics));
    return MIRD_HTTP_DONE;
}
