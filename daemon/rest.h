/* SPDX-License-Identifier: ISC */
/*
 * The REST edge: the route table of the control socket and what its handlers share. A handler
 * validates, asks store, engine or registry, and answers; the rules live there, not here.
 *
 * Handlers of routes marked MIRD_HTTP_WORKER may block (they commit); all others only read.
 */
#ifndef DAEMON_REST_H
#define DAEMON_REST_H

#include <pthread.h>

#include "daemon/core.h"
#include "daemon/engine.h"
#include "daemon/http_server.h"

#define MIRD_REST_BODY_MAX 65536
#define MIRD_REST_WAIT_MAX_S 300
#define MIRD_KERNEL_MAX_BYTES ((uint64_t)16 << 30)
#define MIRD_KERNEL_DEFAULT_BYTES ((uint64_t)1 << 30)

/* Made once at start; immutable but for the server. */
struct mird_rest {
    struct mird_core *core;
    int64_t started_s;
    uint64_t kernel_max_bytes;
    bool group_allowed;               /* the socket's mode lets a group in */
    char own_name[32];                /* of the user the daemon runs as */
    struct mird_http_shared *openapi; /* owned */
    char openapi_tag[40];

    pthread_mutex_t lock; /* guards server against the hub's last calls */
    struct mird_http_server *server;
};

struct mird_rest_config {
    const char *socket_path;
    mode_t socket_mode;        /* 0600, or 0660: then the file's group may, too */
    uint64_t kernel_max_bytes; /* 0: MIRD_KERNEL_DEFAULT_BYTES */
};

int mird_rest_start(struct mird_core *core, const struct mird_rest_config *config,
                    struct mird_rest **ret, struct mir_error *err);
/* Something in the store has changed that the hub did not tell of: everybody who waits looks. */
void mird_rest_wake(struct mird_rest *rest);
/* Stop: no request is answered after it. Free: only when the hub is gone. NULL allowed. */
void mird_rest_stop(struct mird_rest *rest);
void mird_rest_free(struct mird_rest *rest);

/* --- routes.c: the table --- */
extern const struct mird_http_route mird_rest_routes[];
extern const size_t mird_rest_route_count;

/* --- auth.c --- */
int mird_auth(void *rest, const struct mird_http_request *request, struct mir_error *err);
/* The name that audit rows and deployments carry. */
void mird_auth_who(const struct mird_rest *rest, const struct mird_http_request *request,
                   char out[32]);

/* --- openapi.c: the document of a table, new reference --- */
json_t *mird_openapi(const struct mird_http_route *routes, size_t count);

/* --- metrics.c: the exposition text, owned --- */
struct mird_metrics {
    size_t by_state[MIRD_STATE_COUNT];
    int64_t nearest_deadline_s; /* from now; only when has_deadline */
    bool has_deadline;
    struct mird_engine_figures engine; /* zero while another daemon acts */
    bool acts;
    int64_t epoch;
    unsigned connections;
    int64_t uptime_s;
};
char *mird_metrics_text(const struct mird_metrics *metrics);

/* --- rest_role.c --- */

/* {"role", "epoch", "pid", "socket", "since"}: which daemon acts. New reference; NULL with err. */
json_t *rest_acting_json(const struct mird_rest *rest, struct mir_error *err);
/* On a standby: refused (MIR_UNAVAILABLE) unless it only reads. */
int rest_role_allows(const struct mird_rest *rest, const struct mird_http_request *request,
                     struct mir_error *err);

/* --- rest_upload.c --- */

struct mird_depot;
/* The path's digest. */
int rest_digest(const struct mird_http_request *request, const char **ret, struct mir_error *err);
/* The response is a 413. */
enum mird_http_result rest_too_large(const struct mird_rest *rest,
                                     const struct mird_http_request *request,
                                     struct mird_http_response *response, const char *noun);
/* The upload is request->state, begun where it is not. */
int rest_upload_open(const struct mird_rest *rest, struct mird_http_request *request,
                     const struct mird_depot *depot, struct mir_error *err);
int rest_upload_take(const struct mird_rest *rest, struct mird_http_request *request,
                     const struct mird_depot *depot, const void *data, size_t len,
                     struct mir_error *err);

/* --- rest_util.c --- */

/* Each fills the response and returns MIRD_HTTP_DONE. */
enum mird_http_result rest_fail(const struct mird_http_request *request,
                                struct mird_http_response *response, const struct mir_error *err);
/* Takes json; a 200 gets a strong ETag of its text. */
enum mird_http_result rest_json(struct mird_http_response *response, int status, json_t *json);

/* Query parameters: absent leaves *ret. Flags are "1", "true" or nothing at all; "0", "false". */
int rest_query_flag(const struct mird_http_request *request, const char *name, bool *ret,
                    struct mir_error *err);
int rest_query_number(const struct mird_http_request *request, const char *name, int64_t *ret,
                      struct mir_error *err);

/* Wait for news of the key until total_s after the request's first round; DONE (with the response
 * untouched) when that time has passed. Uses request->state. */
enum mird_http_result rest_wait(struct mird_http_request *request, const struct mird_rest *rest,
                                const char *key, int64_t total_s);

/* By name or id. MIR_NOT_FOUND with the nearest name as hint. */
int rest_find_deployment(const struct mird_rest *rest, const char *name,
                         struct mird_deployment *ret, struct mir_error *err);

/* NULL with MIR_NOT_FOUND and the nearest name as hint. */
struct mir_prov *rest_find_provider(const struct mird_rest *rest, const char *name,
                                    struct mir_error *err);

/* Tags: "<id>-<deadline>-<version>". */
void rest_version_tag(const struct mird_deployment *d, char *out, size_t size);
/* 0: no If-Match, or it names this deployment and deadline; else the response is a 412. */
int rest_if_match(const struct mird_http_request *request, struct mird_http_response *response,
                  const struct mird_deployment *d);

json_t *rest_time(int64_t utc_s); /* new reference; null for 0 */
json_t *rest_operation_json(const struct mird_rest *rest, const struct mird_operation *op);
json_t *rest_event_json(const struct mird_event *event);
void rest_sha256_hex(const void *data, size_t len, char out[MIR_SHA256_TEXT]);
void rest_audit(const struct mird_rest *rest, const struct mird_http_request *request,
                const char *what, const char *subject);
int64_t rest_now_s(const struct mird_rest *rest);

/* --- rest_*.c: the handlers --- */
#define REST_HANDLER(name)                                                                         \
    enum mird_http_result name(void *ctx, struct mird_http_request *request,                       \
                               struct mird_http_response *response)

REST_HANDLER(rest_block_get);
REST_HANDLER(rest_block_delete);
REST_HANDLER(rest_block_begin);
REST_HANDLER(rest_block_put);
int rest_block_sink(void *ctx, struct mird_http_request *request, const void *data, size_t len,
                    struct mir_error *err);
REST_HANDLER(rest_kernel_get);
REST_HANDLER(rest_kernel_delete);
REST_HANDLER(rest_kernel_begin);
REST_HANDLER(rest_kernel_put);
int rest_kernel_sink(void *ctx, struct mird_http_request *request, const void *data, size_t len,
                     struct mir_error *err);
REST_HANDLER(rest_plan_post);
REST_HANDLER(rest_deployments_get);
REST_HANDLER(rest_deployments_post);
REST_HANDLER(rest_deployment_get);
REST_HANDLER(rest_deployment_delete);
REST_HANDLER(rest_lease_get);
REST_HANDLER(rest_lease_patch);
REST_HANDLER(rest_logs_get);
REST_HANDLER(rest_events_get);
REST_HANDLER(rest_operation_get);
REST_HANDLER(rest_providers_get);
REST_HANDLER(rest_provider_check);
REST_HANDLER(rest_sites_get);
REST_HANDLER(rest_sites_post);
REST_HANDLER(rest_site_get);
REST_HANDLER(rest_site_patch);
REST_HANDLER(rest_site_delete);
REST_HANDLER(rest_announce_post);
REST_HANDLER(rest_audit_get);
REST_HANDLER(rest_version_get);
REST_HANDLER(rest_openapi_get);
REST_HANDLER(rest_healthz_get);
REST_HANDLER(rest_readyz_get);
REST_HANDLER(rest_metrics_get);

#endif
