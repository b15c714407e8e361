/* SPDX-License-Identifier: ISC */
/* Snapshots out of S3: tasks that take their time. The object is read by the role, when the task
 * comes to it: until then it has to stay. */
#include <string.h>
#include <strings.h>

#include "api/memory.h"
#include "bounds.h"
#include "ec2_image.h"
#include "roles.h"
#include "s3_data.h"

const struct fc_param fc_params_import_snapshot[] = {
    {"ClientToken", FC_TEXT, false},
    {"Description", FC_TEXT, false},
    {"DiskContainer.Description", FC_TEXT, false},
    {"DiskContainer.Format", FC_TEXT, true},
    {"DiskContainer.Url", FC_TEXT, false},
    {"DiskContainer.UserBucket.S3Bucket", FC_TEXT, false},
    {"DiskContainer.UserBucket.S3Key", FC_TEXT, false},
    {"RoleName", FC_TEXT, false},
    {"Encrypted", FC_BOOL, false},
    {"KmsKeyId", FC_TEXT, false},
    FC_EC2_TAGS,
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_describe_import_snapshot_tasks[] = {
    {"ImportTaskId.#", FC_TEXT, false},
    {"Filters.#.Name", FC_TEXT, false},
    {"Filters.#.Value.#", FC_TEXT, false},
    FC_EC2_PAGE,
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_cancel_import_task[] = {
    {"ImportTaskId", FC_TEXT, true},
    {"CancelReason", FC_TEXT, false},
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

struct import {
    const char *format, *bucket, *key;
    struct fc_object *object;
};

/* What AWS says that the role has to be allowed: "Required service role" in the VM Import/Export
 * guide. */
static bool may_import(const struct fc_object *role, const char *bucket, const char *id)
{
    static const char *const on_bucket[] = {"s3:GetBucketLocation", "s3:ListBucket"};
    static const char *const on_snapshots[] = {"ec2:ModifySnapshotAttribute", "ec2:CopySnapshot",
                                               "ec2:DescribeSnapshots"};
    const json_t *policy = fc_at(role->doc, "policy");
    mir_auto_free char *bucket_arn = mir_format("arn:aws:s3:::%s", bucket);
    mir_auto_free char *object_arn = mir_format("arn:aws:s3:::%s", id);
    bool may = fc_bounds_reach(policy, "s3:GetObject", object_arn);
    for (size_t i = 0; i < MIR_NELEMS(on_bucket); i++)
        may = may && fc_bounds_reach(policy, on_bucket[i], bucket_arn);
    for (size_t i = 0; i < MIR_NELEMS(on_snapshots); i++)
        may = may && fc_bounds_reach(policy, on_snapshots[i], "*");
    return may;
}

static int check_role(struct fc_call *call, const struct import *import, const char *id,
                      struct fc_refusal *refusal)
{
    const char *said = fc_param_text(call, "RoleName"), *name = said ? said : "vmimport";
    const struct fc_object *role = fc_store_get(call->world->store, "role", "", name);
    const char *external = role ? fc_text_at(role->doc, "external_id") : "";
    if (role && fc_role_trusts(role, "vmie.amazonaws.com") &&
        (!*external || !strcmp(external, "vmimport")) && may_import(role, import->bucket, id))
        return 0;
    return fc_refuse(refusal, 400, "InvalidParameter",
                     "The service role %.64s provided does not exist or does not have sufficient "
                     "permissions",
                     name);
}

static int check_format(const char *said, const char **ret, struct fc_refusal *refusal)
{
    static const char *const formats[] = {"VHD", "VMDK", "RAW"};
    for (size_t i = 0; i < MIR_NELEMS(formats); i++)
        if (!strcasecmp(formats[i], said)) {
            *ret = formats[i];
            return 0;
        }
    return fc_refuse(refusal, 400, "InvalidParameter",
                     "The format %.40s is none of VHD, VMDK and RAW", said);
}

static int check_source(struct fc_call *call, struct import *import, struct fc_refusal *refusal)
{
    import->bucket = fc_param_text(call, "DiskContainer.UserBucket.S3Bucket");
    import->key = fc_param_text(call, "DiskContainer.UserBucket.S3Key");
    if (check_format(fc_param_text(call, "DiskContainer.Format"), &import->format, refusal))
        return -1;
    if (!import->bucket || !import->key)
        return fc_refuse(refusal, 400, "InvalidParameter",
                         "A disk comes from UserBucket.S3Bucket and S3Key");
    mir_auto_free char *id = mir_format("%s/%s", import->bucket, import->key);
    const struct fc_object *bucket = fc_store_get(call->world->store, "bucket", "", import->bucket);
    if (check_role(call, import, id, refusal))
        return -1;
    import->object = fc_store_get(call->world->store, "object", "", id);
    if (!bucket || !import->object || strcmp(fc_text_at(bucket->doc, "Region"), call->region) != 0)
        return fc_refuse(refusal, 400, "InvalidParameter",
                         "The given S3 object is not local to the region, or is not there: %.200s",
                         id);
    return 0;
}

static json_t *task_doc(struct fc_call *call, const struct import *import, json_t *tags)
{
    const char *description = fc_param_text(call, "Description");
    json_t *size = fc_at(import->object->doc, "Size");
    json_t *doc =
        json_pack("{s:s,s:{s:s,s:O,s:s,s:s,s:s,s:s,s:{s:s,s:s}},s:o}", "description",
                  description ? description : "", "snapshotTaskDetail", "description",
                  description ? description : "", "diskImageSize", size, "format", import->format,
                  "progress", "3", "status", "active", "statusMessage", "pending", "userBucket",
                  "s3Bucket", import->bucket, "s3Key", import->key, "tagSet", tags);
    return doc;
}

int fc_ec2_import_snapshot(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    static const char *const types[] = {"import-snapshot-task", NULL};
    const json_t *kept;
    struct import import = {0};
    json_t *tags = NULL;
    if (fc_ec2_token_find(call, "ClientToken", &kept, refusal))
        return -1;
    if (kept) {
        const struct fc_object *task = fc_store_get(call->world->store, "import-snapshot-task",
                                                    call->region, json_string_value(kept));
        *ret_reply = task ? json_incref(task->doc) : json_object();
        return 0;
    }
    if (check_source(call, &import, refusal) ||
        fc_ec2_new_tags(call, types[0], types, &tags, refusal))
        return -1;
    if (fc_ec2_dry_run(call, refusal)) {
        json_decref(tags);
        return -1;
    }
    json_t *doc = task_doc(call, &import, tags);
    struct fc_object *task = fc_ec2_make(call, "import-snapshot-task", doc);
    json_object_set_new(doc, "importTaskId", json_string(task->id));
    task->due_ms = call->now_ms + call->world->settings.snapshot_ms;
    fc_ec2_token_keep(call, "ClientToken", json_string(task->id));
    *ret_reply = json_incref(doc);
    return 0;
}

static void fail_task(json_t *detail, const char *why)
{
    json_object_set_new(detail, "status", json_string("deleted"));
    json_object_set_new(detail, "statusMessage", json_string(why));
}

/* The copy is made now, and the snapshot is complete with it. */
void fc_tick_import(struct fc_world *world, struct fc_object *task, const struct fc_cause *cause)
{
    json_t *doc = fc_ec2_edit_at(world, task, cause->now_ms);
    json_t *detail = fc_at(doc, "snapshotTaskDetail");
    mir_auto_free char *id = mir_format("%s/%s", fc_text_at(detail, "userBucket.s3Bucket"),
                                        fc_text_at(detail, "userBucket.s3Key"));
    const struct fc_object *object = fc_store_get(world->store, "object", "", id);
    struct fc_call call = {.world = world, .now_ms = cause->now_ms, .cause = *cause};
    int64_t bytes = 0;
    mir_copy(call.region, sizeof call.region, task->region);
    fc_store_gone(world->store, task, cause, cause->now_ms + world->settings.shown_ms);
    if (!object || fc_s3_disk_size(world, object, fc_text_at(detail, "format"), &bytes)) {
        fail_task(detail, "ClientError: Disk validation failed");
        return;
    }
    mir_auto_free char *description =
        mir_format("Created by AWS-VMImport service for %s", task->id);
    struct fc_object *snapshot = fc_snapshot_make(&call, (bytes + (1 << 30) - 1) >> 30, description,
                                                  "vol-ffffffff", json_array(), NULL);
    json_object_set_new(snapshot->doc, "status", json_string("completed"));
    json_object_set_new(snapshot->doc, "progress", json_string("100%"));
    snapshot->due_ms = 0;
    if (fc_s3_to_snapshot(world, object, fc_text_at(detail, "format"), snapshot->id)) {
        fail_task(detail, "ServerError: Insufficient storage");
        fc_snapshot_end(world, snapshot, cause);
        return;
    }
    json_object_set_new(detail, "status", json_string("completed"));
    json_object_set_new(detail, "snapshotId", json_string(snapshot->id));
    json_object_del(detail, "statusMessage");
    json_object_del(detail, "progress");
}

int fc_ec2_describe_import_snapshot_tasks(struct fc_call *call, json_t **ret_reply,
                                          struct fc_refusal *refusal)
{
    static const struct fc_filter rows[] = {{"task-state", "snapshotTaskDetail.status"},
                                            {NULL, NULL}};
    static const struct fc_listing listing = {.kind = "import-snapshot-task",
                                              .set = "importSnapshotTaskSet",
                                              .ids = "ImportTaskId",
                                              .filters = "Filters",
                                              .rows = rows,
                                              .page_min = 1,
                                              .page_max = 1000};
    return fc_ec2_list(call, &listing, ret_reply, refusal);
}

int fc_ec2_cancel_import_task(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *task;
    if (fc_ec2_find_param(call, "import-snapshot-task", "ImportTaskId", &task, refusal) ||
        fc_ec2_dry_run(call, refusal))
        return -1;
    mir_auto_free char *before = mir_strdup(fc_text_at(task->doc, "snapshotTaskDetail.status"));
    if (strcmp(before, "active") != 0)
        return fc_refuse(refusal, 400, "InvalidConversionTaskId", "The task %s is over", task->id);
    fail_task(fc_at(fc_ec2_edit(call, task), "snapshotTaskDetail"), "cancelled");
    fc_store_gone(call->world->store, task, &call->cause,
                  call->now_ms + call->world->settings.shown_ms);
    *ret_reply = json_pack("{s:s,s:s,s:s}", "importTaskId", task->id, "previousState", before,
                           "state", "deleted");
    return 0;
}
