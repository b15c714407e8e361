/* SPDX-License-Identifier: ISC */
/* Snapshots and volumes. */
#include <string.h>

#include "api/memory.h"
#include "ec2_image.h"
#include "snapshot_data.h"

const struct fc_param fc_params_describe_snapshots[] = {
    {"SnapshotId.#", FC_TEXT, false},
    {"Owner.#", FC_TEXT, false},
    {"RestorableBy.#", FC_TEXT, false},
    FC_EC2_FILTERS,
    FC_EC2_PAGE,
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_create_snapshot[] = {
    {"VolumeId", FC_TEXT, true}, {"Description", FC_TEXT, false}, FC_EC2_TAGS, FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_delete_snapshot[] = {
    {"SnapshotId", FC_TEXT, true}, FC_EC2_DRY_RUN, {NULL, FC_TEXT, false}};

static const struct fc_filter snapshot_filters[] = {
    {"snapshot-id", "snapshotId"},   {"status", "status"},
    {"volume-id", "volumeId"},       {"volume-size", "volumeSize"},
    {"description", "description"},  {"owner-id", "ownerId"},
    {"progress", "progress"},        {"encrypted", "encrypted"},
    {"storage-tier", "storageTier"}, {NULL, NULL},
};

/* Those of others are shown when they are asked for: by id, or by owner. */
static bool snapshot_wanted(struct fc_call *call, const struct fc_object *object, const json_t *doc)
{
    const char *owner = fc_text_at(doc, "ownerId");
    if (!fc_param_list(call, "Owner") && !fc_param_list(call, "SnapshotId"))
        return true;
    return fc_owner_wanted(call, owner, "");
}

int fc_ec2_describe_snapshots(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    static const struct fc_listing listing = {.kind = "snapshot",
                                              .set = "snapshotSet",
                                              .ids = "SnapshotId",
                                              .rows = snapshot_filters,
                                              .page_min = 5,
                                              .page_max = 1000,
                                              .wanted = snapshot_wanted};
    return fc_ec2_list(call, &listing, ret_reply, refusal);
}

struct fc_object *fc_snapshot_make(struct fc_call *call, int64_t gib, const char *description,
                                   const char *volume, json_t *tags, const char *data)
{
    json_t *doc =
        json_pack("{s:s,s:s,s:o,s:s,s:s,s:I,s:s,s:b,s:o,s:s}", "volumeId", volume, "status",
                  "pending", "startTime", fc_time_json(call->now_ms), "progress", "0%", "ownerId",
                  call->world->account.id, "volumeSize", (json_int_t)gib, "description",
                  description, "encrypted", 0, "tagSet", tags, "storageTier", "standard");
    struct fc_object *snapshot = fc_ec2_make(call, "snapshot", doc);
    json_object_set_new(doc, "snapshotId", json_string(snapshot->id));
    if (data && *data)
        fc_snapshot_data_share(call->world, data, snapshot->id);
    snapshot->due_ms = call->now_ms + call->world->settings.snapshot_ms;
    return snapshot;
}

void fc_tick_snapshot(struct fc_world *world, struct fc_object *snapshot,
                      const struct fc_cause *cause)
{
    json_t *doc = fc_ec2_edit_at(world, snapshot, cause->now_ms);
    if (fc_at(doc, "_upload")) { /* started by EBS direct, and never finished */
        json_object_set_new(doc, "status", json_string("error"));
        json_object_del(doc, "_upload");
        fc_snapshot_end(world, snapshot, cause);
        return;
    }
    json_object_set_new(doc, "status", json_string("completed"));
    json_object_set_new(doc, "progress", json_string("100%"));
}

int fc_ec2_create_snapshot(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    static const char *const types[] = {"snapshot", NULL};
    struct fc_object *volume;
    json_t *tags;
    if (fc_ec2_find_param(call, "volume", "VolumeId", &volume, refusal) ||
        fc_ec2_new_tags(call, "snapshot", types, &tags, refusal))
        return -1;
    if (fc_ec2_dry_run(call, refusal)) {
        json_decref(tags);
        return -1;
    }
    const char *description = fc_param_text(call, "Description");
    const struct fc_object *snapshot = fc_snapshot_make(
        call, json_integer_value(fc_at(volume->doc, "size")), description ? description : "",
        volume->id, tags, fc_text_at(volume->doc, "snapshotId"));
    *ret_reply = json_incref(snapshot->doc);
    return 0;
}

void fc_snapshot_end(struct fc_world *world, struct fc_object *snapshot,
                     const struct fc_cause *cause)
{
    fc_store_gone(world->store, snapshot, cause, 0);
    fc_snapshot_data_remove(world, snapshot->id);
}

const struct fc_object *fc_snapshot_user(const struct fc_world *world,
                                         const struct fc_object *snapshot)
{
    for (struct fc_object *o = NULL;
         (o = fc_store_each(world->store, o, "image", snapshot->region));) {
        size_t i;
        json_t *device;
        json_array_foreach(fc_at(o->doc, "blockDeviceMapping"), i, device)
        {
            if (!strcmp(fc_text_at(device, "ebs.snapshotId"), snapshot->id))
                return o;
        }
    }
    return NULL;
}

int fc_ec2_delete_snapshot(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *snapshot;
    if (fc_ec2_find_param(call, "snapshot", "SnapshotId", &snapshot, refusal))
        return -1;
    if (strcmp(fc_text_at(snapshot->doc, "ownerId"), call->world->account.id) != 0)
        return fc_refuse(refusal, 403, "UnauthorizedOperation", "The snapshot %s is not yours",
                         snapshot->id);
    const struct fc_object *image = fc_snapshot_user(call->world, snapshot);
    if (image)
        return fc_refuse(refusal, 400, "InvalidSnapshot.InUse",
                         "The snapshot %s is currently in use by %s", snapshot->id, image->id);
    if (fc_ec2_dry_run(call, refusal))
        return -1;
    fc_snapshot_end(call->world, snapshot, &call->cause);
    *ret_reply = fc_return_true();
    return 0;
}

/* --- volumes --- */

const struct fc_param fc_params_describe_volumes[] = {
    {"VolumeId.#", FC_TEXT, false}, FC_EC2_FILTERS, FC_EC2_PAGE, FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_delete_volume[] = {
    {"VolumeId", FC_TEXT, true}, FC_EC2_DRY_RUN, {NULL, FC_TEXT, false}};

static const struct fc_filter volume_filters[] = {
    {"volume-id", "volumeId"},
    {"status", "status"},
    {"size", "size"},
    {"snapshot-id", "snapshotId"},
    {"volume-type", "volumeType"},
    {"encrypted", "encrypted"},
    {"availability-zone", "availabilityZone"},
    {"attachment.instance-id", "attachmentSet[].instanceId"},
    {"attachment.device", "attachmentSet[].device"},
    {"attachment.status", "attachmentSet[].status"},
    {"attachment.delete-on-termination", "attachmentSet[].deleteOnTermination"},
    {NULL, NULL},
};

int fc_ec2_describe_volumes(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    static const struct fc_listing listing = {.kind = "volume",
                                              .set = "volumeSet",
                                              .ids = "VolumeId",
                                              .rows = volume_filters,
                                              .page_min = 5,
                                              .page_max = 1000};
    return fc_ec2_list(call, &listing, ret_reply, refusal);
}

int fc_ec2_delete_volume(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *volume;
    if (fc_ec2_find_param(call, "volume", "VolumeId", &volume, refusal))
        return -1;
    if (strcmp(fc_text_at(volume->doc, "status"), "available") != 0)
        return fc_refuse(
            refusal, 400, "VolumeInUse", "Volume %s is currently attached to %s", volume->id,
            fc_text_at(json_array_get(fc_at(volume->doc, "attachmentSet"), 0), "instanceId"));
    if (fc_ec2_dry_run(call, refusal))
        return -1;
    fc_store_gone(call->world->store, volume, &call->cause, 0);
    *ret_reply = fc_return_true();
    return 0;
}
