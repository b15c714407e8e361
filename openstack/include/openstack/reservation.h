/* SPDX-License-Identifier: ISC */
/*
 * Blazar: leases of what servers run on, which the cloud ends by itself. Few clouds have it:
 * os_session_has. An end that fails leaves the lease in ERROR, is not tried again, and the server
 * runs on: look at the status.
 *
 * Times are in minutes, UTC. Source: "Blazar API v1"; blazar/manager/service.py for what an end
 * does.
 */
#ifndef OPENSTACK_RESERVATION_H
#define OPENSTACK_RESERVATION_H

#include "openstack/session.h"

struct os_reservation {
    char id[OS_ID_TEXT];        /* what a server is started in: os_create_server.reservation */
    char flavor_id[OS_ID_TEXT]; /* "": of an instance reservation the flavor has the id of it */
    char status[32], resource_type[64];
};

struct os_lease {
    char id[OS_ID_TEXT], status[32]; /* "PENDING" "ACTIVE" "TERMINATED" "ERROR" "DELETING" ... */
    char *name;
    int64_t start_s, end_s;
    bool degraded;
    struct os_reservation *reservations;
    size_t reservation_count;
};

struct os_leases {
    struct os_lease *rows;
    size_t count;
};

struct os_create_lease {
    const char *name;                            /* needed; need not be the only one */
    int64_t end_s;                               /* rounded up to a minute; it starts at once */
    int64_t before_end_s;                        /* of a warning; 0: as the cloud has it */
    int64_t amount, vcpus, memory_mib, disk_gib; /* of "virtual:instance" */
};

/* MIR_CONFLICT, MIR_USAGE: there is no room for it. */
int os_lease_create(struct os_session *session, const struct os_create_lease *args,
                    int64_t until_ms, struct os_lease *ret, struct mir_error *err);
int os_lease_get(struct os_session *session, const char *id, int64_t until_ms, struct os_lease *ret,
                 struct mir_error *err);
int os_lease_list(struct os_session *session, int64_t until_ms, struct os_leases *ret,
                  struct mir_error *err);
/* To another end, rounded up to a minute. */
int os_lease_move_end(struct os_session *session, const char *id, int64_t end_s, int64_t until_ms,
                      struct os_lease *ret, struct mir_error *err);
/* And everything that was started in it. */
int os_lease_delete(struct os_session *session, const char *id, int64_t until_ms,
                    struct mir_error *err);
void os_lease_clear(struct os_lease *lease);
void os_leases_clear(struct os_leases *list);

#endif
