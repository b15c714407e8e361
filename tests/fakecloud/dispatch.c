/* SPDX-License-Identifier: ISC */
/* A call's way: what it is, who asks, whether trouble is scripted, the handler, the reply. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/id.h"
#include "api/log.h"
#include "api/memory.h"
#include "calls.h"
#include "imds.h"
#include "os.h"
#include "service.h"

const struct fc_cloud *const fc_clouds[] = {&fc_cloud_openstack, &fc_cloud_aws, NULL};

static const char html_page[] =
    "<html>\n<head><title>500 Internal Server Error</title></head>\n<body>\n"
    "<center><h1>500 Internal Server Error</h1></center>\n<hr>\n</body>\n</html>\n";

void fc_uuid(char out[37])
{
    char id[MIR_ID_TEXT];
    mir_id_new(mir_random_system(), id);
    snprintf(out, 37, "%.8s-%.4s-4%.3s-a%.3s-%.12s", id, id + 8, id + 13, id + 17, id + 20);
}

/* --- parameters --- */

const char *fc_param_text(const struct fc_call *call, const char *path)
{
    return json_string_value(fc_at(call->params, path));
}

int64_t fc_param_int(const struct fc_call *call, const char *path, int64_t otherwise)
{
    const json_t *value = fc_at(call->params, path);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

bool fc_param_bool(const struct fc_call *call, const char *path, bool otherwise)
{
    const json_t *value = fc_at(call->params, path);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

json_t *fc_param_list(const struct fc_call *call, const char *path)
{
    json_t *value = fc_at(call->params, path);
    return json_is_array(value) ? value : NULL;
}

/* --- trouble --- */

static const char *parameter(void *ctx, const char *name)
{
    const struct fc_call *call = ctx;
    const char *value = fc_pairs_get(&call->form, name);
    if (!value)
        value = fc_request_query(call->request, name);
    if (!value)
        value = json_string_value(fc_at(call->params, name));
    if (!value)
        value = !strcmp(name, "region") ? call->region : NULL;
    return value ? value : fc_request_header(call->request, name);
}

static void discard(struct fc_reply *reply)
{
    if (reply->fd >= 0)
        close(mir_steal_fd(&reply->fd));
    mir_buf_reset(&reply->body);
    reply->header_count = 0;
    reply->delivery = FC_DELIVER_RESET;
}

static void write_html(struct fc_reply *reply, const struct fc_fault *fault)
{
    discard(reply);
    reply->delivery = FC_DELIVER;
    reply->status = fault->refusal.status;
    mir_copy(reply->type, sizeof reply->type, "text/html");
    mir_buf_adds(&reply->body, html_page);
}

/* Every seventh byte is another; the same ones each time. */
static void garble(struct fc_reply *reply)
{
    reply->garble = true; /* a file's bytes, as they are sent */
    for (size_t i = 3; i < reply->body.len; i += 7)
        reply->body.data[i] = (char)(reply->body.data[i] ^ (char)(1 + i % 31));
}

bool fc_strike(struct fc_edge *edge, const struct fc_request *request, struct fc_reply *reply,
               const struct fc_fault *fault)
{
    switch (fault->act) {
    case FC_ACT_ERROR:
        break;
    case FC_ACT_HTML:
        write_html(reply, fault);
        return true;
    case FC_ACT_HANG:
        fc_edge_pause(edge, request, fault->ms);
        discard(reply);
        return true;
    case FC_ACT_RESET:
        discard(reply);
        return true;
    case FC_ACT_DELAY:
        fc_edge_pause(edge, request, fault->ms);
        return false;
    case FC_ACT_GARBLE:
        garble(reply);
        return false;
    case FC_ACT_TRUNCATE:
        reply->delivery = FC_DELIVER_TRUNCATED;
        return false;
    case FC_ACT_DRIP:
        reply->delivery = FC_DELIVER_DRIP;
        reply->delivery_ms = (int)fault->ms;
        return false;
    }
    return false;
}

/* True: the reply is made, and the call is not to go on. */
static bool strike(struct fc_call *call, const struct fc_fault *fault)
{
    if (fault->act != FC_ACT_ERROR)
        return fc_strike(call->edge, call->request, call->reply, fault);
    discard(call->reply);
    call->reply->delivery = FC_DELIVER;
    call->cloud->write_refusal(call, &fault->refusal);
    return true;
}

/* --- the handler --- */

static int admit(struct fc_call *call, struct fc_fault *fault, struct fc_refusal *refusal)
{
    struct fc_world *world = call->world;
    pthread_mutex_lock(&world->lock);
    call->number = fc_calls_add(world->calls, call->service->name, call->operation->name,
                                call->region, fc_world_now_ms(world));
    fc_faults_take(world->faults, call->service->name, call->operation->name, call->number,
                   parameter, call, fault);
    int rc = call->cloud->admit(call, refusal);
    pthread_mutex_unlock(&world->lock);
    return rc;
}

static int execute(struct fc_call *call, struct fc_refusal *refusal)
{
    struct fc_world *world = call->world;
    json_t *reply = NULL;
    pthread_mutex_lock(&world->lock);
    fc_world_tick(world);
    call->now_ms = fc_world_now_ms(world);
    call->cause =
        (struct fc_cause){.call = call->name, .request = call->request_id, .now_ms = call->now_ms};
    if (call->service->prepare)
        call->service->prepare(call);
    int rc = call->operation->handle(call, &reply, refusal);
    if (!rc && !(call->operation->flags & FC_OP_RAW))
        call->cloud->write_reply(call,
                                 reply); /* of documents that others may change after the unlock */
    else
        json_decref(reply);
    fc_world_commit(world, &call->cause);
    pthread_mutex_unlock(&world->lock);
    return rc;
}

static void run(struct fc_call *call, struct fc_fault *fault, struct fc_refusal *refusal)
{
    const struct fc_cloud *cloud = call->cloud;
    int rc = cloud->identify(call, refusal);
    if (!rc)
        rc = cloud->verify(call, refusal);
    if (!rc)
        rc = cloud->read_parameters(call, refusal);
    if (!rc) {
        snprintf(call->name, sizeof call->name, "%.20s.%.70s", call->service->name,
                 call->operation->name);
        rc = admit(call, fault, refusal);
    }
    if (!rc && fault->when == FC_FAULT_BEFORE && strike(call, fault))
        return;
    if (!rc)
        rc = execute(call, refusal);
    if (rc)
        cloud->write_refusal(call, refusal);
    if (fault->when == FC_FAULT_AFTER)
        strike(call, fault);
}

static void finish(struct fc_call *call, const struct fc_fault *fault,
                   const struct fc_refusal *refusal)
{
    struct fc_reply *reply = call->reply;
    /* A page is of somebody in front of the cloud, who has no number for the request. */
    bool page = fault->when && fault->act == FC_ACT_HTML;
    if (call->cloud->finish && !page)
        call->cloud->finish(call);
    mir_log(MIR_LOG_DEBUG, "call", "%s %s %s %d %s %s %s", call->request->method,
            call->request->target, call->name, reply->status, refusal->code, fault->mode,
            refusal->message);
    if (call->number) {
        pthread_mutex_lock(&call->world->lock);
        fc_calls_result(call->world->calls, call->number, reply->status, refusal->code,
                        fault->mode);
        pthread_mutex_unlock(&call->world->lock);
    }
    for (size_t i = 0; i < FC_SEGMENTS_MAX; i++)
        free(call->segments[i]);
    fc_pairs_clear(&call->form);
    json_decref(call->params);
    free(call->own);
}

/* The last one takes what no other claims. */
static const struct fc_cloud *cloud_of(const struct fc_request *request)
{
    const struct fc_cloud *const *cloud = fc_clouds;
    while (cloud[1] && !(*cloud)->claims(request))
        cloud++;
    return *cloud;
}

void fc_dispatch(void *ctx, struct fc_request *request, struct fc_reply *reply)
{
    struct fc_server *server = ctx;
    if (!strncmp(request->path, "/_imds/", 7)) {
        fc_imds(server, request, reply);
        return;
    }
    if (!strncmp(request->path, "/_", 2)) {
        fc_control(server, request, reply);
        return;
    }
    struct fc_fault fault = {.mode = ""};
    struct fc_refusal refusal = {0};
    struct fc_call call = {.world = server->world,
                           .edge = server->edge,
                           .cloud = cloud_of(request),
                           .request = request,
                           .reply = reply};
    fc_uuid(call.request_id);
    run(&call, &fault, &refusal);
    finish(&call, &fault, &refusal);
}
