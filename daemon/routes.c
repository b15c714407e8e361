/* SPDX-License-Identifier: ISC */
/* The control socket's routes: the one list that dispatch, OpenAPI and the tests of docs/REST.md
 * read. Who may use them: the daemon's user and root (auth.c); routes marked OPEN, anybody who can
 * connect. */
#include "api/error.h"
#include "rest.h"

#define WORKER MIRD_HTTP_WORKER
#define OPEN MIRD_HTTP_OPEN
#define BODY MIRD_REST_BODY_MAX

const struct mird_http_route mird_rest_routes[] = {
    {"PUT", "/v1/kernels/{sha256}", rest_kernel_put, WORKER, MIRD_KERNEL_MAX_BYTES, "",
     "Store a kernel; answers its inspection", rest_kernel_sink, rest_kernel_begin},
    {"GET", "/v1/kernels/{sha256}", rest_kernel_get, WORKER, 0, "",
     "The inspection of a stored kernel", NULL, NULL},
    {"DELETE", "/v1/kernels/{sha256}", rest_kernel_delete, WORKER, BODY, "",
     "Forget a stored kernel that nothing uses", NULL, NULL},
    {"PUT", "/v1/blocks/{sha256}", rest_block_put, WORKER, MIRD_KERNEL_MAX_BYTES, "",
     "Store the content of a block device", rest_block_sink, rest_block_begin},
    {"GET", "/v1/blocks/{sha256}", rest_block_get, WORKER, 0, "",
     "Is that content stored, and how long is it", NULL, NULL},
    {"DELETE", "/v1/blocks/{sha256}", rest_block_delete, WORKER, BODY, "",
     "Forget a content that nothing uses", NULL, NULL},
    {"POST", "/v1/plans", rest_plan_post, WORKER, BODY, "",
     "What a deploy would do; changes nothing", NULL, NULL},
    {"GET", "/v1/deployments", rest_deployments_get, WORKER, 0, "after all limit",
     "Deployments, newest first", NULL, NULL},
    {"POST", "/v1/deployments", rest_deployments_post, WORKER, BODY, "", "Deploy a kernel", NULL,
     NULL},
    {"GET", "/v1/deployments/{name}", rest_deployment_get, 0, 0, "",
     "One deployment, by name or id", NULL, NULL},
    {"DELETE", "/v1/deployments/{name}", rest_deployment_delete, WORKER, BODY, "",
     "End a deployment now", NULL, NULL},
    {"GET", "/v1/deployments/{name}/lease", rest_lease_get, 0, 0, "",
     "Its lease, and the hooks that were read back", NULL, NULL},
    {"PATCH", "/v1/deployments/{name}/lease", rest_lease_patch, WORKER, BODY, "",
     "Move its deadline", NULL, NULL},
    {"GET", "/v1/deployments/{name}/logs", rest_logs_get, WORKER, 0, "offset follow since",
     "Its console text", NULL, NULL},
    {"GET", "/v1/deployments/{name}/events", rest_events_get, 0, 0, "after", "Its history", NULL,
     NULL},
    {"GET", "/v1/operations/{id}", rest_operation_get, 0, 0, "wait",
     "A piece of long work; waits for its end when asked to", NULL, NULL},
    {"GET", "/v1/providers", rest_providers_get, 0, 0, "", "The providers built in", NULL, NULL},
    {"GET", "/v1/providers/{name}/check", rest_provider_check, WORKER, 0, "",
     "Is everything there that the provider needs", NULL, NULL},
    {"GET", "/v1/sites", rest_sites_get, 0, 0, "", "The registry's sites", NULL, NULL},
    {"POST", "/v1/sites", rest_sites_post, WORKER, BODY, "", "Add a site", NULL, NULL},
    {"GET", "/v1/sites/{name}", rest_site_get, 0, 0, "", "One site", NULL, NULL},
    {"PATCH", "/v1/sites/{name}", rest_site_patch, WORKER, BODY, "", "Verify, hide or show a site",
     NULL, NULL},
    {"DELETE", "/v1/sites/{name}", rest_site_delete, WORKER, BODY, "",
     "Take a site off the registry", NULL, NULL},
    {"POST", "/v1/announce", rest_announce_post, WORKER, BODY, "", "A unikernel announces itself",
     NULL, NULL},
    {"GET", "/v1/audit", rest_audit_get, WORKER, 0, "after limit deployment check",
     "Who changed what; is the log whole", NULL, NULL},
    {"GET", "/v1/version", rest_version_get, 0, 0, "", "Version and installation", NULL, NULL},
    {"GET", "/v1/openapi.json", rest_openapi_get, 0, 0, "", "This interface, for machines", NULL,
     NULL},
    {"GET", "/healthz", rest_healthz_get, OPEN, 0, "", "The process answers", NULL, NULL},
    {"GET", "/readyz", rest_readyz_get, OPEN, 0, "", "Store, clock and reaper are well", NULL,
     NULL},
    {"GET", "/metrics", rest_metrics_get, 0, 0, "", "Figures in Prometheus' text format", NULL,
     NULL},
};

const size_t mird_rest_route_count = MIR_NELEMS(mird_rest_routes);
