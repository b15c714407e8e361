/* SPDX-License-Identifier: ISC */
/*
 * The fake's own side, for whoever tests with it: what exists, what was called, and knobs. Not
 * signed: it listens where its user put it, and guards nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "api/clock.h"
#include "api/json.h"
#include "api/memory.h"
#include "bundle.h"
#include "calls.h"
#include "ec2_attribute.h"
#include "ec2_life.h"
#include "nova.h"
#include "roles.h"
#include "service.h"
#include "throttle.h"

#define BODY_MAX ((size_t)1 << 20)

/* Both 0 with a new reference, or -1. Under the lock. */
typedef int control_fn(struct fc_world *world, json_t *body, json_t **ret, struct mir_error *err);

static int get_ledger(struct fc_world *world, json_t *body, json_t **ret, struct mir_error *err)
{
    fc_world_tick(world);
    *ret = fc_store_ledger(world->store);
    json_object_set_new(*ret, "now_ms", json_integer(fc_world_now_ms(world)));
    return 0;
}

static int get_calls(struct fc_world *world, json_t *body, json_t **ret, struct mir_error *err)
{
    *ret = fc_calls_json(world->calls);
    return 0;
}

static int get_faults(struct fc_world *world, json_t *body, json_t **ret, struct mir_error *err)
{
    *ret = fc_faults_json(world->faults);
    return 0;
}

static int post_faults(struct fc_world *world, json_t *body, json_t **ret, struct mir_error *err)
{
    return fc_faults_set(world->faults, body, err) ? -1 : get_faults(world, NULL, ret, err);
}

static int delete_faults(struct fc_world *world, json_t *body, json_t **ret, struct mir_error *err)
{
    fc_faults_clear(world->faults);
    return get_faults(world, NULL, ret, err);
}

static int get_clock(struct fc_world *world, json_t *body, json_t **ret, struct mir_error *err)
{
    char text[MIR_TIME_SIZE];
    int64_t now_ms = fc_world_now_ms(world);
    mir_time_format_ms(now_ms, text);
    *ret = json_pack("{s:s,s:I,s:b}", "now", text, "now_ms", (json_int_t)now_ms, "frozen",
                     (int)world->clock.frozen);
    return 0;
}

/* {"advance_ms": N}, {"advance_s": N}, {"set": "2026-…Z"}, {"freeze": true}, {"real": true}. */
static int post_clock(struct fc_world *world, json_t *body, json_t **ret, struct mir_error *err)
{
    static const char *const members[] = {"advance_ms", "advance_s", "set", "freeze", "real"};
    long long advance_ms = 0, advance_s = 0;
    int freeze = world->clock.frozen, real = 0;
    const char *set = NULL;
    int64_t now_ms = fc_world_now_ms(world), set_s = 0;
    if (mir_json_only(body, members, MIR_NELEMS(members), err) ||
        mir_json_get_int(body, "advance_ms", &advance_ms, err) ||
        mir_json_get_int(body, "advance_s", &advance_s, err) ||
        mir_json_get_text(body, "set", &set, err) ||
        mir_json_get_bool(body, "freeze", &freeze, err) ||
        mir_json_get_bool(body, "real", &real, err) || (set && mir_time_parse(set, &set_s, err)))
        return -1;
    const struct mir_clock *system = mir_clock_system();
    int64_t system_ms = system->utc_ms(system->ctx);
    if (set)
        now_ms = set_s * 1000;
    if (real)
        now_ms = system_ms;
    now_ms += advance_ms + advance_s * 1000;
    struct fc_clock clock = {.offset_ms =
                                 real && !advance_ms && !advance_s ? 0 : now_ms - system_ms,
                             .frozen = freeze,
                             .frozen_ms = freeze ? now_ms : 0};
    fc_world_set_clock(world, &clock);
    return get_clock(world, NULL, ret, err);
}

static int get_settings(struct fc_world *world, json_t *body, json_t **ret, struct mir_error *err)
{
    *ret = fc_settings_json(&world->settings);
    return 0;
}

static int post_settings(struct fc_world *world, json_t *body, json_t **ret, struct mir_error *err)
{
    const char *name;
    json_t *value;
    struct fc_settings settings = world->settings;
    const json_t *rates = json_object_get(body, "rates");
    json_object_foreach(body, name, value)
    {
        if (value == rates)
            continue;
        if (!json_is_integer(value))
            return mir_fail(err, MIR_USAGE, "%.40s has to be a whole number", name);
        if (fc_settings_set(&settings, name, json_integer_value(value), err))
            return -1;
    }
    if (rates && fc_buckets_set(world->buckets, rates, err))
        return -1;
    world->settings = settings;
    pthread_cond_signal(&world->changed);
    return get_settings(world, NULL, ret, err);
}

/* --- who may what --- */

static int post_roles(struct fc_world *world, json_t *body, json_t **ret, struct mir_error *err)
{
    if (fc_role_set(world, body, err))
        return -1;
    *ret = json_pack(
        "{s:o}", "arn",
        json_sprintf("arn:aws:iam::%s:role/%s", world->account.id, fc_text_at(body, "name")));
    return 0;
}

/* {"policy": {"Statement": […]}} for the account's user; {"policy": null} allows everything. */
static int post_policy(struct fc_world *world, json_t *body, json_t **ret, struct mir_error *err)
{
    const json_t *policy = json_object_get(body, "policy");
    if (!policy)
        return mir_fail(err, MIR_USAGE, "policy is missing");
    *ret = json_object();
    return fc_policy_set(world, policy, err);
}

/* EC2's certificate, for whoever makes a bundle. */
static int get_certificates(struct fc_world *world, json_t *body, json_t **ret,
                            struct mir_error *err)
{
    mir_auto_free char *pem = fc_bundle_certificate(world, err);
    if (!pem)
        return -1;
    *ret = json_pack("{s:s}", "ec2", pem);
    return 0;
}

/* {"certificate": "-----BEGIN …"}: one by which the account signs bundles. */
static int post_certificates(struct fc_world *world, json_t *body, json_t **ret,
                             struct mir_error *err)
{
    const char *pem = "";
    if (mir_json_get_text(body, "certificate", &pem, err) || fc_bundle_signer_add(world, pem, err))
        return -1;
    return get_certificates(world, NULL, ret, err);
}

/* {"subject": "…", "ttl_s": 3600}: a token for AssumeRoleWithWebIdentity. */
static int post_web_tokens(struct fc_world *world, json_t *body, json_t **ret,
                           struct mir_error *err)
{
    const char *subject = NULL;
    long long ttl_s = 3600;
    if (mir_json_get_text(body, "subject", &subject, err) ||
        mir_json_get_int(body, "ttl_s", &ttl_s, err))
        return -1;
    mir_auto_free char *token = fc_web_token(world, subject ? subject : "somebody", ttl_s);
    *ret = json_pack("{s:s}", "token", token);
    return 0;
}

/* {"end": true}: every session that STS has given out is over now, whatever it was told. {"role":
 * "NAME"}: another one, as AssumeRole gives them. */
static int post_sessions(struct fc_world *world, json_t *body, json_t **ret, struct mir_error *err)
{
    static const char *const members[] = {"end", "role"};
    const struct fc_cause cause = {"control.sessions", "-", fc_world_now_ms(world)};
    const char *name = NULL;
    int end = 0;
    if (mir_json_only(body, members, MIR_NELEMS(members), err) ||
        mir_json_get_bool(body, "end", &end, err) || mir_json_get_text(body, "role", &name, err))
        return -1;
    const struct fc_object *role = name ? fc_store_get(world->store, "role", "", name) : NULL;
    if (!end && !role)
        return mir_fail(err, MIR_USAGE, "either \"end\" is true, or \"role\" is one that is there");
    unsigned ended = end ? fc_sessions_end(world) + fos_tokens_end(world, &cause) : 0;
    const json_t *made = role ? fc_session_new(world, role, "control", 3600, &cause) : NULL;
    fc_world_commit(world, &cause);
    *ret = json_pack("{s:i,s:O?,s:O?,s:O?}", "ended", (int)ended, "accessKeyId",
                     fc_at(made, "accessKeyId"), "secret", fc_at(made, "secret"), "token",
                     fc_at(made, "token"));
    return 0;
}

/* --- guests that are none --- */

static struct fc_object *find_instance(const struct fc_world *world, const char *id)
{
    struct fc_object *object = NULL;
    for (const char *const *region = fc_regions; !object && *region; region++)
        object = fc_store_get(world->store, "instance", *region, id);
    return object;
}

static struct fc_object *find_server(const struct fc_world *world, const char *id)
{
    struct fc_object *object = NULL;
    for (const char *const *region = fos_regions; !object && *region; region++)
        object = fc_store_get(world->store, FOS_SERVER, *region, id);
    return object;
}

static int do_server(struct fc_world *world, struct fc_object *server, const char *console,
                     int power_off, const struct fc_cause *cause, json_t **ret)
{
    if (console)
        fos_server_console(world, server, console, cause->now_ms);
    if (power_off)
        fos_server_powered_off(world, server, cause);
    fc_world_commit(world, cause);
    *ret = json_pack("{s:s}", "vm_state", fos_server_vm(server->doc));
    return 0;
}

/* {"instance": "i-…", "console": "text", "power_off": true}: what a machine would do. Nova's
 * servers are instances as well. */
static int post_guest(struct fc_world *world, json_t *body, json_t **ret, struct mir_error *err)
{
    static const char *const members[] = {"instance", "console", "power_off"};
    const char *id = "", *console = NULL;
    int power_off = 0;
    const struct fc_cause cause = {"control.guest", "-", fc_world_now_ms(world)};
    if (mir_json_only(body, members, MIR_NELEMS(members), err) ||
        mir_json_get_text(body, "instance", &id, err) ||
        mir_json_get_text(body, "console", &console, err) ||
        mir_json_get_bool(body, "power_off", &power_off, err))
        return -1;
    fc_world_tick(world);
    struct fc_object *instance = find_instance(world, id), *server = find_server(world, id);
    if (server)
        return do_server(world, server, console, power_off, &cause, ret);
    if (!instance)
        return mir_fail(err, MIR_NOT_FOUND, "there is no instance %.40s", id);
    if (console)
        fc_console_add(world, instance, console, cause.now_ms);
    if (power_off)
        fc_life_powered_off(world, instance, &cause);
    fc_world_commit(world, &cause);
    *ret = json_incref(fc_at(instance->doc, "instanceState"));
    return 0;
}

static void add_operations(const char *cloud, const struct fc_service *service, json_t *out)
{
    for (const struct fc_operation *o = service->operations; o->name; o++) {
        json_t *parameters = json_array();
        for (const struct fc_param *param = o->params; param && param->name; param++)
            json_array_append_new(parameters, json_string(param->name));
        json_array_append_new(out, json_pack("{s:s,s:s,s:s,s:o}", "cloud", cloud, "service",
                                             service->name, "operation", o->name, "parameters",
                                             parameters));
    }
}

/* What it knows of each service, for whoever wants to compare. */
static int get_operations(struct fc_world *world, json_t *body, json_t **ret, struct mir_error *err)
{
    *ret = json_array();
    for (const struct fc_cloud *const *cloud = fc_clouds; *cloud; cloud++)
        for (const struct fc_service *const *service = (*cloud)->services; *service; service++)
            add_operations((*cloud)->name, *service, *ret);
    return 0;
}

static const struct {
    const char *method, *path;
    control_fn *handle;
} routes[] = {
    {"GET", "/_certificates", get_certificates},
    {"POST", "/_certificates", post_certificates},
    {"GET", "/_operations", get_operations},
    {"POST", "/_roles", post_roles},
    {"POST", "/_policy", post_policy},
    {"POST", "/_webtokens", post_web_tokens},
    {"POST", "/_sessions", post_sessions},
    {"POST", "/_guest", post_guest},
    {"GET", "/_ledger", get_ledger},
    {"GET", "/_calls", get_calls},
    {"GET", "/_faults", get_faults},
    {"POST", "/_faults", post_faults},
    {"DELETE", "/_faults", delete_faults},
    {"GET", "/_clock", get_clock},
    {"POST", "/_clock", post_clock},
    {"GET", "/_settings", get_settings},
    {"POST", "/_settings", post_settings},
};

static int read_body(const struct fc_request *request, json_t **ret, struct mir_error *err)
{
    const struct fc_body *body = &request->body;
    if (strcmp(request->method, "POST") != 0)
        return 0;
    if (body->fd >= 0)
        return mir_fail(err, MIR_USAGE, "the body is too large");
    *ret = mir_json_parse(mir_buf_text(&body->memory), body->memory.len, BODY_MAX, err);
    return *ret ? 0 : -1;
}

/* The text is made under the lock as well: what a handler gives may be the documents themselves. */
static int control(struct fc_world *world, const struct fc_request *request, char **ret_text,
                   struct mir_error *err)
{
    json_t *body = NULL, *json = NULL;
    size_t i = 0;
    while (i < MIR_NELEMS(routes) && (strcmp(routes[i].method, request->method) != 0 ||
                                      strcmp(routes[i].path, request->path) != 0))
        i++;
    if (i == MIR_NELEMS(routes))
        return mir_fail(err, MIR_NOT_FOUND, "there is no %.8s %.100s", request->method,
                        request->path);
    if (read_body(request, &body, err))
        return -1;
    pthread_mutex_lock(&world->lock);
    int rc = routes[i].handle(world, body, &json, err);
    if (!rc)
        *ret_text = mir_json_text(json);
    json_decref(json);
    pthread_mutex_unlock(&world->lock);
    json_decref(body);
    return rc;
}

void fc_control(struct fc_server *server, struct fc_request *request, struct fc_reply *reply)
{
    struct mir_error err = {0};
    mir_auto_free char *text = NULL;
    reply->status = 200;
    mir_copy(reply->type, sizeof reply->type, "application/json");
    if (control(server->world, request, &text, &err)) {
        reply->status = mir_kind_info(err.kind)->http_status;
        json_t *json = json_pack("{s:s}", "error", err.text);
        text = mir_json_text(json);
        json_decref(json);
    }
    mir_buf_addf(&reply->body, "%s\n", text);
}
