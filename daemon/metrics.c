/* SPDX-License-Identifier: ISC */
/* The exposition text of /metrics (Prometheus, version 0.0.4). Pure. */
#include <inttypes.h>

#include "rest.h"

#define METRICS_TEXT_MAX 16384

static void head(struct mir_buf *out, const char *name, const char *type, const char *help)
{
    mir_buf_addf(out, "# HELP mirage_deploy_%s %s\n# TYPE mirage_deploy_%s %s\n", name, help, name,
                 type);
}

static void one(struct mir_buf *out, const char *name, const char *type, const char *help,
                int64_t value)
{
    head(out, name, type, help);
    mir_buf_addf(out, "mirage_deploy_%s %" PRId64 "\n", name, value);
}

char *mird_metrics_text(const struct mird_metrics *m)
{
    struct mir_buf out;
    mir_buf_init(&out, METRICS_TEXT_MAX);
    head(&out, "build_info", "gauge", "The version that runs.");
    mir_buf_addf(&out, "mirage_deploy_build_info{version=\"%s\"} 1\n", MIR_VERSION);
    one(&out, "acting", "gauge", "1: this daemon acts. 0: another does, and this one stands by.",
        m->acts);
    one(&out, "epoch", "counter", "Raised whenever a daemon begins to act on this store.",
        m->epoch);
    head(&out, "deployments", "gauge", "Deployments by state.");
    for (int i = 0; i < MIRD_STATE_COUNT; i++)
        mir_buf_addf(&out, "mirage_deploy_deployments{state=\"%s\"} %zu\n",
                     mird_state_name((enum mird_state)i), m->by_state[i]);
    if (m->has_deadline)
        one(&out, "nearest_deadline_seconds", "gauge",
            "Seconds to the nearest deadline; negative when it has passed.", m->nearest_deadline_s);
    head(&out, "reaper_late_seconds", "gauge", "How late the reaper is; 0 when it is on time.");
    mir_buf_addf(&out, "mirage_deploy_reaper_late_seconds %" PRId64 ".%03d\n",
                 m->engine.reaper_late_ms / 1000, (int)(m->engine.reaper_late_ms % 1000));
    one(&out, "teardowns_total", "counter", "Deployments seen gone since start.",
        (int64_t)m->engine.teardowns_ok);
    one(&out, "teardown_failures_total", "counter", "Teardown attempts that failed since start.",
        (int64_t)m->engine.teardowns_failed);
    one(&out, "worst_lateness_seconds", "gauge", "Worst of gone minus deadline since start.",
        m->engine.worst_lateness_s);
    one(&out, "http_connections", "gauge", "Open connections on the control socket.",
        (int64_t)m->connections);
    one(&out, "uptime_seconds", "gauge", "Seconds since the daemon's start.", m->uptime_s);
    return mir_buf_take(&out);
}
