/* SPDX-License-Identifier: ISC */
#include "openstack/reservation.h"

#include <time.h>

#include "tables.h"

#define MOMENT_TEXT 32

/* What is sent. */
struct asked_reservation {
    const char *type, *affinity;
    int64_t amount, vcpus, memory_mib, disk_gib;
};

struct create {
    const char *name, *start, *end, *before_end;
    const struct asked_reservation *reservations;
    size_t reservation_count;
};

#define ASKED(member, name, kind) MIR_ROW(struct asked_reservation, member, name, kind)

static const struct mir_field asked_fields[] = {
    ASKED(type, "resource_type", MIR_PUT_TEXT), ASKED(amount, "amount", MIR_PUT_ALWAYS),
    ASKED(vcpus, "vcpus", MIR_PUT_ALWAYS),      ASKED(memory_mib, "memory_mb", MIR_PUT_ALWAYS),
    ASKED(disk_gib, "disk_gb", MIR_PUT_ALWAYS), ASKED(affinity, "affinity", MIR_PUT_NULL),
};
OS_TABLE(struct asked_reservation, asked);

static const struct mir_field create_fields[] = {
    MIR_MUST(struct create, name, "name", MIR_PUT_TEXT),
    MIR_ROW(struct create, start, "start_date", MIR_PUT_TEXT),
    MIR_ROW(struct create, end, "end_date", MIR_PUT_TEXT),
    MIR_ROW(struct create, before_end, "before_end_date", MIR_PUT_TEXT),
    MIR_MANY(struct create, reservations, reservation_count, "reservations", MIR_PUT_LIST,
             &asked_table),
};
OS_TABLE(struct create, create);

struct move {
    const char *end;
};

static const struct mir_field move_fields[] = {
    MIR_MUST(struct move, end, "end_date", MIR_PUT_TEXT),
};
OS_TABLE(struct move, move);

static const struct mir_field reservation_fields[] = {
    MIR_MUST(struct os_reservation, id, "id", MIR_GET_TEXT),
    MIR_ROW(struct os_reservation, flavor_id, "flavor_id", MIR_GET_TEXT),
    MIR_ROW(struct os_reservation, status, "status", MIR_GET_TEXT),
    MIR_ROW(struct os_reservation, resource_type, "resource_type", MIR_GET_TEXT),
};
OS_TABLE(struct os_reservation, reservation);

static const struct mir_field lease_fields[] = {
    MIR_MUST(struct os_lease, id, "id", MIR_GET_TEXT),
    MIR_ROW(struct os_lease, status, "status", MIR_GET_TEXT),
    MIR_ROW(struct os_lease, name, "name", MIR_GET_OWNED),
    MIR_ROW(struct os_lease, start_s, "start_date", MIR_GET_TIME),
    MIR_ROW(struct os_lease, end_s, "end_date", MIR_GET_TIME),
    MIR_ROW(struct os_lease, degraded, "degraded", MIR_GET_TRUE),
    OS_ROW_LIST(struct os_lease, reservations, reservation_count, "reservations",
                &reservation_table),
};
OS_TABLE(struct os_lease, lease);
OS_LIST_TABLE(struct os_leases, leases, "leases", &lease_table);

enum { CREATE, GET, LIST, MOVE, DELETE };

#define BLAZAR .service = OS_RESERVATION

const struct os_operation os_reservation_operations[] = {
    [CREATE] = {BLAZAR, .name = "CreateLease", .method = "POST", .path = "/leases",
                .request = &create_table, .reply = &lease_table, .result = "lease", .once = true},
    [GET] = {BLAZAR, .name = "ShowLease", .method = "GET", .path = "/leases/%",
             .reply = &lease_table, .result = "lease", .reads = true},
    [LIST] = {BLAZAR, .name = "ListLeases", .method = "GET", .path = "/leases",
              .reply = &leases_table, .reads = true},
    [MOVE] = {BLAZAR, .name = "UpdateLease", .method = "PUT", .path = "/leases/%",
              .request = &move_table, .reply = &lease_table, .result = "lease"},
    [DELETE] = {BLAZAR, .name = "DeleteLease", .method = "DELETE", .path = "/leases/%"},
    {0},
};

/* "2026-11-20 18:30", of the minute that ends then or later. */
static int moment(int64_t utc_s, char out[MOMENT_TEXT], struct mir_error *err)
{
    time_t at = (time_t)((utc_s + 59) / 60 * 60);
    struct tm tm;
    if (utc_s > 0 && gmtime_r(&at, &tm) && strftime(out, MOMENT_TEXT, "%Y-%m-%d %H:%M", &tm))
        return 0;
    return mir_fail(err, MIR_USAGE, "a lease needs an end that is a time");
}

int os_lease_create(struct os_session *session, const struct os_create_lease *args,
                    int64_t until_ms, struct os_lease *ret, struct mir_error *err)
{
    char end[MOMENT_TEXT], before[MOMENT_TEXT] = "";
    struct asked_reservation asked = {.type = "virtual:instance",
                                      .amount = args->amount ? args->amount : 1,
                                      .vcpus = args->vcpus,
                                      .memory_mib = args->memory_mib,
                                      .disk_gib = args->disk_gib};
    struct create create = {.name = args->name,
                            .start = "now",
                            .end = end,
                            .before_end = before,
                            .reservations = &asked,
                            .reservation_count = 1};
    if (moment(args->end_s, end, err) ||
        (args->before_end_s && moment(args->before_end_s, before, err)))
        return -1;
    return os_operate(session, &os_reservation_operations[CREATE], NULL, &create, until_ms, ret,
                      err);
}

int os_lease_list(struct os_session *session, int64_t until_ms, struct os_leases *ret,
                  struct mir_error *err)
{
    return os_operate(session, &os_reservation_operations[LIST], NULL, NULL, until_ms, ret, err);
}

int os_lease_move_end(struct os_session *session, const char *id, int64_t end_s, int64_t until_ms,
                      struct os_lease *ret, struct mir_error *err)
{
    char end[MOMENT_TEXT];
    struct move args = {end};
    if (moment(end_s, end, err))
        return -1;
    return os_operate(session, &os_reservation_operations[MOVE], &id, &args, until_ms, ret, err);
}

OS_GET_ONE(os_lease_get, struct os_lease, &os_reservation_operations[GET])
OS_ACT_ON(os_lease_delete, &os_reservation_operations[DELETE])
OS_CLEAR(os_lease_clear, struct os_lease, &lease_table)
OS_CLEAR(os_leases_clear, struct os_leases, &leases_table)
