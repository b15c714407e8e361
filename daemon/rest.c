/* SPDX-License-Identifier: ISC */
/* Start and stop of the REST edge. */
#include "rest.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/json.h"
#include "api/memory.h"
#include "daemon/kernel_store.h"

static void own_name(char out[32])
{
    char room[1024];
    struct passwd entry, *found = NULL;
    if (!getpwuid_r(geteuid(), &entry, room, sizeof room, &found) && found)
        mir_copy(out, 32, found->pw_name);
    else
        snprintf(out, 32, "uid %u", (unsigned)geteuid());
}

static void on_change(void *ctx, const char *deployment)
{
    struct mird_rest *rest = ctx;
    pthread_mutex_lock(&rest->lock);
    if (rest->server)
        mird_http_wake(rest->server, deployment);
    pthread_mutex_unlock(&rest->lock);
}

static void make_openapi(struct mird_rest *rest)
{
    json_t *doc = mird_openapi(mird_rest_routes, mird_rest_route_count);
    char *text = mir_json_text(doc);
    json_decref(doc);
    char hex[MIR_SHA256_TEXT];
    rest_sha256_hex(text, strlen(text), hex);
    snprintf(rest->openapi_tag, sizeof rest->openapi_tag, "%.32s", hex);
    rest->openapi = mird_http_shared_new(text, strlen(text));
    free(text);
}

void mird_rest_free(struct mird_rest *rest)
{
    if (!rest)
        return;
    mird_http_shared_unref(rest->openapi);
    pthread_mutex_destroy(&rest->lock);
    free(rest);
}

int mird_rest_start(struct mird_core *core, const struct mird_rest_config *config,
                    struct mird_rest **ret, struct mir_error *err)
{
    if (mird_depot_prepare(&mird_depot_kernels, core->state_dir, err) ||
        mird_depot_prepare(&mird_depot_blocks, core->state_dir, err))
        return -1;
    struct mird_rest *rest = mir_calloc(1, sizeof *rest);
    rest->core = core;
    rest->started_s = mir_now_s(core->clock);
    rest->kernel_max_bytes =
        config->kernel_max_bytes ? config->kernel_max_bytes : MIRD_KERNEL_DEFAULT_BYTES;
    rest->group_allowed = (config->socket_mode & 0070) != 0;
    own_name(rest->own_name);
    pthread_mutex_init(&rest->lock, NULL);
    make_openapi(rest);
    const struct mird_http_config http = {
        .routes = mird_rest_routes,
        .route_count = mird_rest_route_count,
        .ctx = rest,
        .authorise = mird_auth,
        .workers_max = 8,
        .name = "rest",
        .role = core->standby ? "standby" : "acting",
    };
    struct mird_http_server *server;
    if (mird_http_start_unix(&http, config->socket_path, config->socket_mode, &server, err)) {
        mird_rest_free(rest);
        return -1;
    }
    pthread_mutex_lock(&rest->lock);
    rest->server = server;
    pthread_mutex_unlock(&rest->lock);
    mird_hub_subscribe(core->hub, on_change, rest);
    *ret = rest;
    return 0;
}

void mird_rest_wake(struct mird_rest *rest)
{
    on_change(rest, NULL);
}

void mird_rest_stop(struct mird_rest *rest)
{
    if (!rest)
        return;
    pthread_mutex_lock(&rest->lock);
    struct mird_http_server *server = mir_steal(&rest->server);
    pthread_mutex_unlock(&rest->lock);
    mird_http_stop(server);
}
