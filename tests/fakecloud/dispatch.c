/* SPDX-License-Identifier: ISC */
/* A call's way: what it is, who signed it, whether trouble is scripted, the handler, the reply. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/id.h"
#include "api/log.h"
#include "api/memory.h"
#include "calls.h"
#include "imds.h"
#include "roles.h"
#include "service.h"
#include "throttle.h"

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

/* --- the signature --- */

/* "ec2.us-west-2.localhost": who calls a host of this form means that region. */
static void region_of_host(const struct fc_call *call, char out[32])
{
    const char *host = fc_request_header(call->request, "Host");
    *out = '\0';
    if (!host || !strstr(host, ".localhost"))
        return;
    const char *dot = strchr(host, '.');
    size_t len = strcspn(dot + 1, ".");
    for (const char *const *region = fc_regions; *region; region++)
        if (strlen(*region) == len && !strncmp(*region, dot + 1, len))
            mir_copy(out, 32, *region);
}

static enum fc_denial check_key(struct fc_call *call, const struct fc_claim *claim,
                                const struct fc_rules *rules, struct mir_error *why)
{
    char secret[64] = "";
    mir_auto_free char *token = NULL;
    enum fc_denial denial = fc_accounts_find(call->world, claim->access_key, rules->now_s * 1000,
                                             secret, &token, &call->who, why);
    if (denial && denial != FC_DENY_TOKEN_EXPIRED)
        return denial;
    enum fc_denial signature = fc_claim_check(call->request, claim, rules, secret, token, why);
    return signature ? signature : denial;
}

static int verify(struct fc_call *call, struct fc_refusal *refusal)
{
    struct mir_error why = {0};
    struct fc_claim claim = {0};
    char host_region[32];
    region_of_host(call, host_region);
    bool s3 = call->service->protocol == FC_PROTOCOL_S3;
    struct fc_rules rules = {.service = call->service->name,
                             .region = *host_region ? host_region : NULL,
                             .regions = fc_regions,
                             .once = s3,
                             .as_it_is = s3,
                             .hash_required = s3,
                             .unsigned_payload = s3 || !strcmp(call->service->name, "ebs")};
    pthread_mutex_lock(&call->world->lock);
    rules.now_s = fc_world_now_ms(call->world) / 1000;
    rules.skew_s = s3 ? call->world->settings.skew_s3_s : call->world->settings.skew_s;
    pthread_mutex_unlock(&call->world->lock);
    if (call->operation->flags & FC_OP_UNSIGNED) {
        mir_copy(call->region, sizeof call->region, *host_region ? host_region : fc_regions[0]);
        return 0;
    }
    enum fc_denial denial = fc_claim_read(call->request, &claim, &why);
    if (!denial)
        denial = check_key(call, &claim, &rules, &why);
    if (!denial)
        mir_copy(call->region, sizeof call->region, claim.region);
    fc_claim_clear(&claim);
    return denial ? fc_refuse_denial(refusal, call->service->protocol, denial, &why) : 0;
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
    fc_write_refusal(call, &fault->refusal);
    return true;
}

/* --- the handler --- */

static int throttled(struct fc_call *call, struct fc_refusal *refusal)
{
    static const struct {
        int status;
        const char *code;
    } words[FC_PROTOCOL_COUNT] = {{503, "RequestLimitExceeded"},
                                  {400, "Throttling"},
                                  {429, "ThrottlingException"},
                                  {503, "SlowDown"}};
    struct fc_world *world = call->world;
    if (!world->settings.throttle ||
        fc_buckets_take(world->buckets, call->service->name, call->operation->name, call->region,
                        fc_world_now_ms(world)))
        return 0;
    const char *code = words[call->service->protocol].code;
    if (!strcmp(call->service->name, "ebs"))
        return fc_refuse(refusal, 400, "RequestThrottledException", "Rate exceeded");
    return fc_refuse(refusal, words[call->service->protocol].status, code,
                     "Request limit exceeded.");
}

static int admit(struct fc_call *call, struct fc_fault *fault, struct fc_refusal *refusal)
{
    struct fc_world *world = call->world;
    pthread_mutex_lock(&world->lock);
    call->number = fc_calls_add(world->calls, call->service->name, call->operation->name,
                                call->region, fc_world_now_ms(world));
    fc_faults_take(world->faults, call->service->name, call->operation->name, call->number,
                   parameter, call, fault);
    int rc = throttled(call, refusal);
    if (!rc)
        rc = fc_permitted(call, refusal);
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
        fc_write_reply(call, reply); /* of documents that others may change after the unlock */
    else
        json_decref(reply);
    fc_world_commit(world, &call->cause);
    pthread_mutex_unlock(&world->lock);
    return rc;
}

static void run(struct fc_call *call, struct fc_fault *fault, struct fc_refusal *refusal)
{
    int rc = fc_identify(call, refusal);
    if (!rc)
        rc = verify(call, refusal);
    if (!rc)
        rc = fc_read_parameters(call, refusal);
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
        fc_write_refusal(call, refusal);
    if (fault->when == FC_FAULT_AFTER)
        strike(call, fault);
}

static void finish(struct fc_call *call, const struct fc_fault *fault,
                   const struct fc_refusal *refusal)
{
    struct fc_reply *reply = call->reply;
    if (call->service->protocol == FC_PROTOCOL_S3)
        fc_reply_header(reply, "x-amz-request-id", "%s", call->request_id);
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
    struct fc_call call = {
        .world = server->world, .edge = server->edge, .request = request, .reply = reply};
    fc_uuid(call.request_id);
    run(&call, &fault, &refusal);
    finish(&call, &fault, &refusal);
}
