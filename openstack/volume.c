/* SPDX-License-Identifier: ISC */
#include "openstack/volume.h"

#include "tables.h"

static const struct mir_field user_fields[] = {
    MIR_ROW(struct os_volume_user, server_id, "server_id", MIR_GET_TEXT),
};
OS_TABLE(struct os_volume_user, user);

#define VOLUME(member, path, kind) MIR_ROW(struct os_volume, member, path, kind)

static const struct mir_field volume_fields[] = {
    MIR_MUST(struct os_volume, id, "id", MIR_GET_TEXT),
    MIR_MUST(struct os_volume, status, "status", MIR_GET_TEXT),
    VOLUME(name, "name", MIR_GET_OWNED),
    VOLUME(description, "description", MIR_GET_OWNED),
    VOLUME(zone, "availability_zone", MIR_GET_OWNED),
    VOLUME(volume_type, "volume_type", MIR_GET_CUT),
    VOLUME(size_gib, "size", MIR_GET_NUMBER),
    VOLUME(created_s, "created_at", MIR_GET_TIME),
    VOLUME(image_id, "volume_image_metadata/image_id", MIR_GET_TEXT),
    OS_ROW_PAIRS(struct os_volume, metadata, metadata_count, "metadata"),
    OS_ROW_LIST(struct os_volume, servers, server_count, "attachments", &user_table),
};
OS_TABLE(struct os_volume, volume);
OS_LIST_TABLE(struct os_volumes, volumes, "volumes", &volume_table);

#define SNAPSHOT(member, path, kind) MIR_ROW(struct os_snapshot, member, path, kind)

static const struct mir_field snapshot_fields[] = {
    MIR_MUST(struct os_snapshot, id, "id", MIR_GET_TEXT),
    MIR_MUST(struct os_snapshot, status, "status", MIR_GET_TEXT),
    SNAPSHOT(volume_id, "volume_id", MIR_GET_TEXT),
    SNAPSHOT(name, "name", MIR_GET_OWNED),
    SNAPSHOT(size_gib, "size", MIR_GET_NUMBER),
    SNAPSHOT(created_s, "created_at", MIR_GET_TIME),
    OS_ROW_PAIRS(struct os_snapshot, metadata, metadata_count, "metadata"),
};
OS_TABLE(struct os_snapshot, snapshot);
OS_LIST_TABLE(struct os_snapshots, snapshots, "snapshots", &snapshot_table);

struct deletion {
    bool cascade;
};

static const struct mir_field deletion_fields[] = {
    MIR_ROW(struct deletion, cascade, "cascade", MIR_PUT_TRUE),
};
OS_TABLE(struct deletion, deletion);

struct metadata {
    const struct os_pair *pairs;
    size_t count;
};

static const struct mir_field metadata_fields[] = {
    OS_ROW_MAP(struct metadata, pairs, count, "metadata"),
};
OS_TABLE(struct metadata, metadata);

enum { LIST, GET, DELETE, SET, SNAPSHOTS, DELETE_SNAPSHOT };

#define CINDER .service = OS_VOLUME
#define PAGES(member)                                                                              \
    .reads = true, .paging = OS_PAGES_LINKS, .page_next = member "_links", .page = 500

const struct os_operation os_volume_operations[] = {
    [LIST] = {CINDER, .name = "ListVolumes", .method = "GET", .path = "/volumes/detail",
              .reply = &volumes_table, PAGES("volumes")},
    [GET] = {CINDER, .name = "ShowVolume", .method = "GET", .path = "/volumes/%",
             .reply = &volume_table, .result = "volume", .reads = true},
    [DELETE] = {CINDER, .name = "DeleteVolume", .method = "DELETE", .path = "/volumes/%",
                .request = &deletion_table},
    [SET] = {CINDER, .name = "UpdateVolumeMetadata", .method = "POST",
             .path = "/volumes/%/metadata", .request = &metadata_table},
    [SNAPSHOTS] = {CINDER, .name = "ListSnapshots", .method = "GET", .path = "/snapshots/detail",
                   .reply = &snapshots_table, PAGES("snapshots")},
    [DELETE_SNAPSHOT] = {CINDER, .name = "DeleteSnapshot", .method = "DELETE",
                         .path = "/snapshots/%"},
    {0},
};

int os_volume_list(struct os_session *session, int64_t until_ms, struct os_volumes *ret,
                   struct mir_error *err)
{
    return os_operate_all(session, &os_volume_operations[LIST], NULL, NULL, until_ms, ret, err);
}

OS_GET_ONE(os_volume_get, struct os_volume, &os_volume_operations[GET])

int os_volume_delete(struct os_session *session, const char *id, bool cascade, int64_t until_ms,
                     struct mir_error *err)
{
    struct deletion args = {cascade};
    return os_operate(session, &os_volume_operations[DELETE], &id, &args, until_ms, NULL, err);
}

int os_volume_set_metadata(struct os_session *session, const char *id, const struct os_pair *pairs,
                           size_t count, int64_t until_ms, struct mir_error *err)
{
    struct metadata args = {pairs, count};
    if (count == 0)
        return 0;
    return os_operate(session, &os_volume_operations[SET], &id, &args, until_ms, NULL, err);
}

int os_snapshot_list(struct os_session *session, int64_t until_ms, struct os_snapshots *ret,
                     struct mir_error *err)
{
    return os_operate_all(session, &os_volume_operations[SNAPSHOTS], NULL, NULL, until_ms, ret,
                          err);
}

OS_ACT_ON(os_snapshot_delete, &os_volume_operations[DELETE_SNAPSHOT])
OS_CLEAR(os_volume_clear, struct os_volume, &volume_table)
OS_CLEAR(os_volumes_clear, struct os_volumes, &volumes_table)
OS_CLEAR(os_snapshots_clear, struct os_snapshots, &snapshots_table)
