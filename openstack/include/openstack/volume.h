/* SPDX-License-Identifier: ISC */
/*
 * Cinder: volumes and snapshots, as far as servers leave them behind. Many clouds have none:
 * os_session_has. Source: "Block Storage API V3".
 */
#ifndef OPENSTACK_VOLUME_H
#define OPENSTACK_VOLUME_H

#include "openstack/pair.h"
#include "openstack/session.h"

struct os_volume {
    char id[OS_ID_TEXT], status[32]; /* "available" "in-use" "creating" "deleting" "error" ... */
    char *name, *description, *zone;
    char volume_type[256];
    int64_t size_gib, created_s;
    char image_id[OS_ID_TEXT]; /* that it was made from */
    struct os_found_pair *metadata;
    size_t metadata_count;
    struct os_volume_user *servers;
    size_t server_count;
};

struct os_volume_user {
    char server_id[OS_ID_TEXT];
};

struct os_volumes {
    struct os_volume *rows;
    size_t count;
};

int os_volume_list(struct os_session *session, int64_t until_ms, struct os_volumes *ret,
                   struct mir_error *err);
int os_volume_get(struct os_session *session, const char *id, int64_t until_ms,
                  struct os_volume *ret, struct mir_error *err);
/* `cascade`: its snapshots, too. MIR_USAGE (Cinder's 400): it is in use, or has snapshots. */
int os_volume_delete(struct os_session *session, const char *id, bool cascade, int64_t until_ms,
                     struct mir_error *err);
/* Adds to its metadata, or changes it. */
int os_volume_set_metadata(struct os_session *session, const char *id, const struct os_pair *pairs,
                           size_t count, int64_t until_ms, struct mir_error *err);
void os_volume_clear(struct os_volume *volume);
void os_volumes_clear(struct os_volumes *list);

struct os_snapshot {
    char id[OS_ID_TEXT], status[32], volume_id[OS_ID_TEXT];
    char *name;
    int64_t size_gib, created_s;
    struct os_found_pair *metadata;
    size_t metadata_count;
};

struct os_snapshots {
    struct os_snapshot *rows;
    size_t count;
};

int os_snapshot_list(struct os_session *session, int64_t until_ms, struct os_snapshots *ret,
                     struct mir_error *err);
int os_snapshot_delete(struct os_session *session, const char *id, int64_t until_ms,
                       struct mir_error *err);
void os_snapshots_clear(struct os_snapshots *list);

#endif
