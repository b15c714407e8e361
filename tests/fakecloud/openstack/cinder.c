/* SPDX-License-Identifier: ISC */
#include "cinder.h"

#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "os_wording.h"

#define SNAPSHOT "os-volume-snapshot"
#define GIB_MAX 1000

static json_t *show(const struct fc_object *object)
{
    json_t *shown = fos_public(object->doc);
    json_object_set_new(shown, "id", json_string(object->id));
    return shown;
}

static int find(struct fc_call *call, const char *kind, const char *what, struct fc_object **ret,
                struct fc_refusal *refusal)
{
    *ret = fos_find(call, kind, call->segments[1]);
    return *ret ? 0
                : fos_refuse(call, refusal, 404, "%s %.64s could not be found.", what,
                             call->segments[1]);
}

static int list(struct fc_call *call, const char *kind, const char *plural, json_t **ret_reply,
                struct fc_refusal *refusal)
{
    const char *limit = fc_request_query(call->request, "limit");
    struct fos_page page = {.limit = limit ? strtoll(limit, NULL, 10) : 1000,
                            .marker = fc_request_query(call->request, "marker")};
    bool more;
    json_t *rows = json_array();
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, kind, call->region));)
        if (!o->gone_ms && fos_mine(call, o))
            json_array_insert_new(rows, 0, show(o));
    if (page.limit < 1 || fos_cut(rows, "id", &page, &more)) {
        json_decref(rows);
        return fos_refuse(call, refusal, 400, "marker not found, or no limit");
    }
    *ret_reply = json_pack("{s:o}", plural, rows);
    if (more) {
        mir_auto_free char *url = fos_url(call, FOS_VOLUME, call->region);
        mir_auto_free char *name = mir_format("%s_links", plural);
        mir_auto_free char *query =
            fos_next_query(call, fc_text_at(json_array_get(rows, json_array_size(rows) - 1), "id"));
        json_object_set_new(*ret_reply, name,
                            json_pack("[{s:s,s:o}]", "rel", "next", "href",
                                      json_sprintf("%s%s?%s", url, fos_of(call)->rest, query)));
    }
    return 0;
}

/* --- volumes --- */

static struct fc_object *make_volume(struct fc_call *call, const json_t *said, int64_t gib,
                                     const char *image)
{
    char id[37];
    fc_uuid(id);
    json_t *metadata = json_deep_copy(fc_at(said, "metadata"));
    return fos_add(call, FOS_VOLUME_KIND, id,
                   json_pack("{s:s,s:s,s:s,s:I,s:s,s:s,s:o,s:o,s:[],s:s,s:b,s:b,s:o,s:o}", "name",
                             fos_text(said, "name", ""), "description",
                             fos_text(said, "description", ""), "status", "available", "size",
                             (json_int_t)gib, "availability_zone", "nova", "volume_type",
                             "__DEFAULT__", "created_at", fos_time(call->now_ms), "updated_at",
                             json_null(), "attachments", "bootable", *image ? "true" : "false",
                             "encrypted", 0, "multiattach", 0, "metadata",
                             metadata ? metadata : json_object(), "snapshot_id", json_null()));
}

static int create_volume(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const json_t *said = fos_wrapped(call, "volume");
    json_int_t gib = json_integer_value(fc_at(said, "size"));
    const char *image = fos_text(said, "imageRef", "");
    if (!said || gib < 1)
        return fos_refuse(call, refusal, 400,
                          "Invalid input received: 'size' must be an integer "
                          "and greater than 0");
    if (gib > GIB_MAX)
        return fc_refuse(refusal, 413, "overLimit",
                         "VolumeSizeExceedsAvailableQuota: Requested volume exceeds allowed "
                         "gigabytes quota.");
    if (*image && !fc_store_get(call->world->store, "os-image", call->region, image))
        return fos_refuse(call, refusal, 400,
                          "Invalid image identifier or unable to access "
                          "requested image.");
    *ret_reply = json_pack("{s:o}", "volume", show(make_volume(call, said, gib, image)));
    return 0;
}

static int list_volumes(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return list(call, FOS_VOLUME_KIND, "volumes", ret_reply, refusal);
}

static int get_volume(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *volume;
    if (find(call, FOS_VOLUME_KIND, "Volume", &volume, refusal))
        return -1;
    *ret_reply = json_pack("{s:o}", "volume", show(volume));
    return 0;
}

static bool has_snapshots(const struct fc_call *call, const char *volume)
{
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, SNAPSHOT, call->region));)
        if (!strcmp(fc_text_at(o->doc, "volume_id"), volume))
            return true;
    return false;
}

static int delete_volume(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *volume;
    if (find(call, FOS_VOLUME_KIND, "Volume", &volume, refusal))
        return -1;
    bool cascade = fc_request_query(call->request, "cascade") != NULL;
    if (strcmp(fc_text_at(volume->doc, "status"), "in-use") == 0 ||
        (!cascade && has_snapshots(call, volume->id)))
        return fos_refuse(call, refusal, 400,
                          "Invalid volume: Volume status must be available or error or "
                          "error_restoring or error_extending or error_managing and must not be "
                          "migrating, attached, belong to a group, have snapshots or be "
                          "disassociated from snapshots after volume transfer.");
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, SNAPSHOT, call->region));)
        if (!strcmp(fc_text_at(o->doc, "volume_id"), volume->id))
            fc_store_gone(call->world->store, o, &call->cause, 0);
    fc_store_gone(call->world->store, volume, &call->cause, 0);
    return 0;
}

static int set_metadata(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *volume;
    const json_t *said = fos_wrapped(call, "metadata");
    if (find(call, FOS_VOLUME_KIND, "Volume", &volume, refusal))
        return -1;
    if (!said)
        return fos_refuse(call, refusal, 400, "'metadata' is a required property");
    json_t *all = json_deep_copy(fc_at(volume->doc, "metadata"));
    json_object_update(all, (json_t *)(uintptr_t)said);
    json_object_set_new(fos_edit(call, volume), "metadata", all);
    *ret_reply = json_pack("{s:O}", "metadata", all);
    return 0;
}

/* --- snapshots --- */

static int create_snapshot(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const json_t *said = fos_wrapped(call, "snapshot");
    const struct fc_object *volume =
        fos_find(call, FOS_VOLUME_KIND, fos_text(said, "volume_id", "-"));
    json_t *metadata = json_deep_copy(fc_at(said, "metadata"));
    char id[37];
    if (!volume) {
        json_decref(metadata);
        return fos_refuse(call, refusal, 404, "Volume %.64s could not be found.",
                          fos_text(said, "volume_id", ""));
    }
    fc_uuid(id);
    json_t *doc =
        json_pack("{s:s,s:s,s:s,s:s,s:O,s:o,s:o}", "name", fos_text(said, "name", ""),
                  "description", fos_text(said, "description", ""), "status", "available",
                  "volume_id", volume->id, "size", fc_at(volume->doc, "size"), "created_at",
                  fos_time(call->now_ms), "metadata", metadata ? metadata : json_object());
    *ret_reply = json_pack("{s:o}", "snapshot", show(fos_add(call, SNAPSHOT, id, doc)));
    return 0;
}

static int list_snapshots(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return list(call, SNAPSHOT, "snapshots", ret_reply, refusal);
}

static int get_snapshot(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *snapshot;
    if (find(call, SNAPSHOT, "Snapshot", &snapshot, refusal))
        return -1;
    *ret_reply = json_pack("{s:o}", "snapshot", show(snapshot));
    return 0;
}

static int delete_snapshot(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *snapshot;
    if (find(call, SNAPSHOT, "Snapshot", &snapshot, refusal))
        return -1;
    fc_store_gone(call->world->store, snapshot, &call->cause, 0);
    return 0;
}

/* --- for Nova --- */

const json_t *fos_volume_asked(const struct fc_world *world, const json_t *server)
{
    const json_t *first = json_array_get(fc_at(server, "block_device_mapping_v2"), 0);
    return fos_there(world, FOS_VOLUME) &&
                   !strcmp(fos_text(first, "destination_type", ""), "volume")
               ? first
               : NULL;
}

void fos_volume_attach(struct fc_call *call, const struct fc_object *server, const json_t *mapping,
                       int64_t gib)
{
    json_int_t said = json_integer_value(fc_at(mapping, "volume_size"));
    json_t *nothing = json_object();
    struct fc_object *volume = make_volume(call, nothing, said ? said : gib ? gib : 1, "image");
    json_decref(nothing);
    json_object_set_new(volume->doc, "status", json_string("in-use"));
    json_object_set_new(volume->doc, "attachments",
                        json_pack("[{s:s,s:s,s:s}]", "server_id", server->id, "volume_id",
                                  volume->id, "device", "/dev/vda"));
    json_object_set_new(volume->doc, "_goes",
                        json_boolean(json_is_true(fc_at(mapping, "delete_on_termination"))));
}

static bool attached(const struct fc_object *volume, const struct fc_object *server)
{
    return !strcmp(fc_text_at(json_array_get(fc_at(volume->doc, "attachments"), 0), "server_id"),
                   server->id);
}

void fos_volumes_free(struct fc_world *world, const struct fc_object *server,
                      const struct fc_cause *cause)
{
    for (struct fc_object *o = NULL;
         (o = fc_store_each(world->store, o, FOS_VOLUME_KIND, server->region));) {
        if (!attached(o, server))
            continue;
        if (json_is_true(fc_at(o->doc, "_goes"))) {
            fc_store_gone(world->store, o, cause, 0);
            continue;
        }
        json_t *doc = fc_store_edit(world->store, o, cause->now_ms, 0);
        json_object_set_new(doc, "status", json_string("available"));
        json_object_set_new(doc, "attachments", json_array());
    }
}

json_t *fos_volumes_of(const struct fc_world *world, const struct fc_object *server)
{
    json_t *rows = json_array();
    for (struct fc_object *o = NULL;
         (o = fc_store_each(world->store, o, FOS_VOLUME_KIND, server->region));)
        if (attached(o, server))
            json_array_append_new(rows, json_pack("{s:s}", "id", o->id));
    return rows;
}

/* --- the table --- */

static int get_versions(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    mir_auto_free char *url = fos_url(call, FOS_VOLUME, call->region);
    *ret_reply = json_pack("{s:[{s:s,s:s,s:s,s:s,s:[{s:s,s:o}]}]}", "versions", "id", "v3.0",
                           "status", "CURRENT", "version", "3.70", "min_version", "3.0", "links",
                           "rel", "self", "href", json_sprintf("%s/v3/", url));
    return 0;
}

#define V "/v3/{}"

static const struct fc_operation operations[] = {
    {"GetVersions", get_versions, NULL, "GET", "/", NULL, FC_OP_UNSIGNED, 300},
    {"GetVersion", get_versions, NULL, "GET", "/v3", NULL, FC_OP_UNSIGNED, 200},
    {"CreateVolume", create_volume, NULL, "POST", V "/volumes", NULL, 0, 202},
    {"ListVolumes", list_volumes, NULL, "GET", V "/volumes", NULL, 0, 0},
    {"ListVolumesDetail", list_volumes, NULL, "GET", V "/volumes/detail", NULL, 0, 0},
    {"GetVolume", get_volume, NULL, "GET", V "/volumes/{}", NULL, 0, 0},
    {"DeleteVolume", delete_volume, NULL, "DELETE", V "/volumes/{}", NULL, FC_OP_NO_BODY, 202},
    {"UpdateVolumeMetadata", set_metadata, NULL, "POST", V "/volumes/{}/metadata", NULL, 0, 0},
    {"CreateSnapshot", create_snapshot, NULL, "POST", V "/snapshots", NULL, 0, 202},
    {"ListSnapshots", list_snapshots, NULL, "GET", V "/snapshots", NULL, 0, 0},
    {"ListSnapshotsDetail", list_snapshots, NULL, "GET", V "/snapshots/detail", NULL, 0, 0},
    {"GetSnapshot", get_snapshot, NULL, "GET", V "/snapshots/{}", NULL, 0, 0},
    {"DeleteSnapshot", delete_snapshot, NULL, "DELETE", V "/snapshots/{}", NULL, 0, 202},
    {.name = NULL},
};

const struct fc_service fos_cinder = {.name = "cinder", .operations = operations};
