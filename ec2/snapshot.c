/* SPDX-License-Identifier: ISC */
#include "ec2/snapshot.h"

#include "compute_tables.h"

static const struct mir_field describe_fields[] = {
    MIR_MANY(struct ec2_describe_snapshots_args, ids, id_count, "SnapshotId", MIR_PUT_IDS, NULL),
    MIR_MANY(struct ec2_describe_snapshots_args, owners, owner_count, "Owner", MIR_PUT_TEXTS, NULL),
    EC2_ROW_FILTERS(struct ec2_describe_snapshots_args),
};
static const struct mir_table describe_table =
    MIR_TABLE(struct ec2_describe_snapshots_args, describe_fields);

#define HAS(member, path, kind) MIR_ROW(struct ec2_snapshot, member, path, kind)

static const struct mir_field snapshot_fields[] = {
    MIR_MUST(struct ec2_snapshot, id, "snapshotId", MIR_GET_TEXT),
    MIR_MUST(struct ec2_snapshot, state, "status", MIR_GET_TEXT),
    HAS(volume_id, "volumeId", MIR_GET_TEXT),
    HAS(state_message, "statusMessage", MIR_GET_CUT),
    HAS(progress, "progress", MIR_GET_CUT),
    HAS(owner, "ownerId", MIR_GET_CUT),
    HAS(description, "description", MIR_GET_CUT),
    HAS(started_s, "startTime", MIR_GET_TIME),
    HAS(size_gib, "volumeSize", MIR_GET_NUMBER),
    HAS(encrypted, "encrypted", MIR_GET_TRUE),
    EC2_ROW_FOUND_TAGS(struct ec2_snapshot),
};
static const struct mir_table snapshot_table = MIR_TABLE(struct ec2_snapshot, snapshot_fields);

static const struct mir_field snapshots_fields[] = {
    MIR_MANY(struct ec2_snapshots, rows, count, "snapshotSet/item", MIR_GET_LIST, &snapshot_table),
};
static const struct mir_table snapshots_table = MIR_TABLE(struct ec2_snapshots, snapshots_fields);

EC2_TARGET_TABLE(delete_table, "SnapshotId");

static const struct mir_field create_fields[] = {
    MIR_MUST(struct ec2_create_snapshot_args, volume_id, "VolumeId", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_create_snapshot_args, description, "Description", MIR_PUT_TEXT),
    EC2_ROW_TAGS(struct ec2_create_snapshot_args),
    EC2_ROW_DRY_RUN(struct ec2_create_snapshot_args),
};
static const struct mir_table create_table =
    MIR_TABLE(struct ec2_create_snapshot_args, create_fields);

/* --- imports --- */

#define IMPORT(member, name, kind) MIR_ROW(struct ec2_import, member, name, kind)

static const struct mir_field import_fields[] = {
    IMPORT(client_token, "ClientToken", MIR_PUT_TEXT),
    IMPORT(description, "Description", MIR_PUT_TEXT),
    IMPORT(format, "DiskContainer.Format", MIR_PUT_TEXT),
    IMPORT(url, "DiskContainer.Url", MIR_PUT_TEXT),
    IMPORT(bucket, "DiskContainer.UserBucket.S3Bucket", MIR_PUT_TEXT),
    IMPORT(key, "DiskContainer.UserBucket.S3Key", MIR_PUT_TEXT),
    IMPORT(role_name, "RoleName", MIR_PUT_TEXT),
    IMPORT(encrypted, "Encrypted", MIR_PUT_FLAG),
    EC2_ROW_TAGS(struct ec2_import),
    EC2_ROW_DRY_RUN(struct ec2_import),
};
static const struct mir_table import_table = MIR_TABLE(struct ec2_import, import_fields);

static const struct mir_field task_fields[] = {
    MIR_MUST(struct ec2_import_task, id, "importTaskId", MIR_GET_TEXT),
    MIR_MUST(struct ec2_import_task, state, "snapshotTaskDetail/status", MIR_GET_TEXT),
    MIR_ROW(struct ec2_import_task, state_message, "snapshotTaskDetail/statusMessage", MIR_GET_CUT),
    MIR_ROW(struct ec2_import_task, progress, "snapshotTaskDetail/progress", MIR_GET_CUT),
    MIR_ROW(struct ec2_import_task, snapshot_id, "snapshotTaskDetail/snapshotId", MIR_GET_TEXT),
    MIR_ROW(struct ec2_import_task, description, "description", MIR_GET_CUT),
    EC2_ROW_FOUND_TAGS(struct ec2_import_task),
};
static const struct mir_table task_table = MIR_TABLE(struct ec2_import_task, task_fields);

static const struct mir_field tasks_fields[] = {
    MIR_MANY(struct ec2_import_tasks, rows, count, "importSnapshotTaskSet/item", MIR_GET_LIST,
             &task_table),
};
static const struct mir_table tasks_table = MIR_TABLE(struct ec2_import_tasks, tasks_fields);

/* The one description whose filters are called "Filters". */
static const struct mir_field describe_tasks_fields[] = {
    MIR_MANY(struct ec2_describe, ids, id_count, "ImportTaskId", MIR_PUT_IDS, NULL),
    MIR_MANY(struct ec2_describe, filters, filter_count, "Filters", MIR_PUT_LIST,
             &ec2_filter_table),
};
static const struct mir_table describe_tasks_table =
    MIR_TABLE(struct ec2_describe, describe_tasks_fields);

EC2_TARGET_TABLE(cancel_table, "ImportTaskId");

enum { DESCRIBE, DELETE, CREATE, IMPORT_ONE, DESCRIBE_TASKS, CANCEL };

const struct ec2_operation ec2_snapshot_operations[] = {
    [DESCRIBE] = EC2_LOOK_PAGES("DescribeSnapshots", &describe_table, &snapshots_table, 1000),
    [DELETE] = EC2_ACT("DeleteSnapshot", &delete_table, NULL),
    [CREATE] = EC2_ACT_ONCE("CreateSnapshot", &create_table, &snapshot_table),
    [IMPORT_ONE] = EC2_ACT("ImportSnapshot", &import_table, &task_table),
    [DESCRIBE_TASKS] =
        EC2_LOOK_PAGES("DescribeImportSnapshotTasks", &describe_tasks_table, &tasks_table, 1000),
    [CANCEL] = EC2_ACT("CancelImportTask", &cancel_table, NULL),
    {0},
};

#define OPERATION(which) (&ec2_snapshot_operations[which])

EC2_FUNCTION(ec2_describe_snapshots, struct ec2_describe_snapshots_args, struct ec2_snapshots,
             OPERATION(DESCRIBE), ec2_operate_all)
EC2_CLEAR(ec2_snapshots_clear, struct ec2_snapshots, &snapshots_table)
EC2_CLEAR(ec2_snapshot_clear, struct ec2_snapshot, &snapshot_table)
EC2_FUNCTION_PLAIN(ec2_delete_snapshot, struct ec2_target, OPERATION(DELETE))
EC2_FUNCTION(ec2_create_snapshot, struct ec2_create_snapshot_args, struct ec2_snapshot,
             OPERATION(CREATE), ec2_operate)

int ec2_import_snapshot(struct ec2_session *session, const struct ec2_import *args,
                        int64_t until_ms, struct ec2_import_task *ret, struct mir_error *err)
{
    if (!args->client_token || !*args->client_token)
        return mir_fail(err, MIR_USAGE, "an import needs a client token");
    return ec2_operate(session, OPERATION(IMPORT_ONE), args, until_ms, ret, err);
}

EC2_CLEAR(ec2_import_task_clear, struct ec2_import_task, &task_table)
EC2_FUNCTION(ec2_describe_import_tasks, struct ec2_describe, struct ec2_import_tasks,
             OPERATION(DESCRIBE_TASKS), ec2_operate_all)
EC2_CLEAR(ec2_import_tasks_clear, struct ec2_import_tasks, &tasks_table)
EC2_FUNCTION_PLAIN(ec2_cancel_import, struct ec2_target, OPERATION(CANCEL))
