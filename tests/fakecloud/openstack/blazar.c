/* SPDX-License-Identifier: ISC */
#include "blazar.h"

#include <stdio.h>
#include <string.h>

#include "api/clock.h"
#include "api/memory.h"
#include "mistral.h"
#include "nova.h"
#include "os_wording.h"

#define LEASE "os-lease"

static json_t *show(const struct fc_object *lease)
{
    json_t *shown = fos_public(lease->doc);
    json_object_set_new(shown, "id", json_string(lease->id));
    json_object_set(shown, "project_id", fc_at(lease->doc, "_project"));
    json_object_set_new(shown, "created_at", fos_time(lease->created_ms));
    return shown;
}

const json_t *fos_reservation_find(const struct fc_call *call, const char *id)
{
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, LEASE, call->region));) {
        const json_t *one = json_array_get(fc_at(o->doc, "reservations"), 0);
        if (fos_mine(call, o) && !strcmp(fc_text_at(one, "id"), id) &&
            !strcmp(fc_text_at(o->doc, "status"), "ACTIVE"))
            return one;
    }
    return NULL;
}

/* "2026-11-30 18:30", UTC; "now". -1: neither. */
static int64_t read_ms(const char *text, int64_t now_ms)
{
    char zoned[24];
    int64_t at_s;
    if (!strcmp(text, "now"))
        return now_ms;
    snprintf(zoned, sizeof zoned, "%.10sT%.5s:00Z", text, strlen(text) > 11 ? text + 11 : "");
    return strlen(text) != 16 || mir_time_parse(zoned, &at_s, NULL) ? -1 : at_s * 1000;
}

static json_t *moment(int64_t ms)
{
    char text[MIR_TIME_SIZE];
    mir_time_format(ms / 1000, text);
    return json_sprintf("%.19s.000000", text);
}

static int bad_time(const struct fc_call *call, struct fc_refusal *refusal)
{
    return fos_refuse(call, refusal, 400,
                      "Passed either end date or start date is not valid, or is in the past");
}

static int create_lease(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const json_t *said = call->params, *asked = fc_at(said, "reservations");
    const json_t *first = json_array_get(asked, 0);
    int64_t start_ms = read_ms(fos_text(said, "start_date", "now"), call->now_ms);
    int64_t end_ms = read_ms(fos_text(said, "end_date", ""), call->now_ms);
    char id[37], reservation[37];
    if (!*fos_text(said, "name", "") || !json_is_object(first))
        return fos_refuse(call, refusal, 400, "name and reservations have to be given");
    if (start_ms != call->now_ms || end_ms <= start_ms) /* none begins later in this fake */
        return bad_time(call, refusal);
    fc_uuid(id);
    fc_uuid(reservation);
    json_t *one = json_deep_copy(first);
    json_object_set_new(one, "id", json_string(reservation));
    json_object_set_new(one, "flavor_id", json_string(reservation));
    json_object_set_new(one, "status", json_string("active"));
    json_object_set_new(one, "lease_id", json_string(id));
    struct fc_object *lease =
        fos_add(call, LEASE, id,
                json_pack("{s:s,s:s,s:o,s:o,s:b,s:[o],s:[]}", "name", fos_text(said, "name", ""),
                          "status", "ACTIVE", "start_date", moment(start_ms), "end_date",
                          moment(end_ms), "degraded", 0, "reservations", one, "events"));
    lease->due_ms = end_ms;
    *ret_reply = json_pack("{s:o}", "lease", show(lease));
    return 0;
}

static int find(struct fc_call *call, struct fc_object **ret, struct fc_refusal *refusal)
{
    *ret = fos_find(call, LEASE, call->segments[0]);
    return *ret ? 0
                : fos_refuse(call, refusal, 404, "Object with {'lease_id': '%.64s'} not found",
                             call->segments[0]);
}

static int get_lease(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *lease;
    if (find(call, &lease, refusal))
        return -1;
    *ret_reply = json_pack("{s:o}", "lease", show(lease));
    return 0;
}

static int list_leases(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    json_t *rows = json_array();
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, LEASE, call->region));)
        if (!o->gone_ms && fos_mine(call, o))
            json_array_append_new(rows, show(o));
    *ret_reply = json_pack("{s:o}", "leases", rows);
    return 0;
}

static int update_lease(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *lease;
    int64_t end_ms = read_ms(fos_text(call->params, "end_date", ""), call->now_ms);
    if (find(call, &lease, refusal))
        return -1;
    if (end_ms <= call->now_ms || strcmp(fc_text_at(lease->doc, "status"), "ACTIVE") != 0)
        return bad_time(call, refusal);
    json_object_set_new(fos_edit(call, lease), "end_date", moment(end_ms));
    lease->due_ms = end_ms;
    *ret_reply = json_pack("{s:o}", "lease", show(lease));
    return 0;
}

static void end_servers(struct fc_world *world, const struct fc_object *lease,
                        const struct fc_cause *cause)
{
    const char *id = fc_text_at(json_array_get(fc_at(lease->doc, "reservations"), 0), "id");
    for (struct fc_object *o = NULL;
         (o = fc_store_each(world->store, o, FOS_SERVER, lease->region));)
        if (!o->gone_ms && !strcmp(fc_text_at(o->doc, "_reservation"), id))
            fos_server_delete_by(world, o->region, o->id, fc_text_at(o->doc, "_project"), "",
                                 cause);
}

static int delete_lease(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *lease;
    if (find(call, &lease, refusal))
        return -1;
    end_servers(call->world, lease, &call->cause);
    fc_store_gone(call->world->store, lease, &call->cause, 0);
    return 0;
}

/* Its end, tried once: what fails then is never tried again, and the servers go on. */
void fos_tick_lease(struct fc_world *world, struct fc_object *lease, const struct fc_cause *time)
{
    struct fc_fault fault;
    const struct fc_cause cause = {"blazar.EndLease", lease->id, time->now_ms};
    fos_step(world, "blazar", "EndLease", lease, &cause, &fault);
    bool failed = fault.when == FC_FAULT_BEFORE;
    if (!failed)
        end_servers(world, lease, &cause);
    json_t *doc = fc_store_edit(world->store, lease, cause.now_ms, 0);
    json_object_set_new(doc, "status", json_string(failed ? "ERROR" : "TERMINATED"));
}

static int get_versions(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    mir_auto_free char *url = fos_url(call, FOS_RESERVATION, call->region);
    *ret_reply = json_pack("{s:[{s:s,s:s,s:[{s:s,s:o}]}]}", "versions", "id", "v1.0", "status",
                           "CURRENT", "links", "rel", "self", "href", json_sprintf("%s/v1", url));
    return 0;
}

static const struct fc_operation operations[] = {
    {"GetVersions", get_versions, NULL, "GET", "/", NULL, FC_OP_UNSIGNED, 300},
    {"CreateLease", create_lease, NULL, "POST", "/v1/leases", NULL, 0, 201},
    {"ListLeases", list_leases, NULL, "GET", "/v1/leases", NULL, 0, 0},
    {"GetLease", get_lease, NULL, "GET", "/v1/leases/{}", NULL, 0, 0},
    {"UpdateLease", update_lease, NULL, "PUT", "/v1/leases/{}", NULL, 0, 0},
    {"DeleteLease", delete_lease, NULL, "DELETE", "/v1/leases/{}", NULL, 0, 204},
    {.name = NULL},
};

const struct fc_service fos_blazar = {.name = "blazar", .operations = operations};
