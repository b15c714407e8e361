/* SPDX-License-Identifier: ISC */
#include "ec2/snapshot.h"

#include "compute_tables.h"

static const struct ec2_field describe_fields[] = {
    EC2_MANY(struct ec2_describe_snapshots_args, ids, id_count, "SnapshotId", EC2_PUT_IDS, NULL),
    EC2_MANY(struct ec2_describe_snapshots_args, owners, owner_count, "Owner", EC2_PUT_TEXTS, NULL),
    EC2_ROW_FILTERS(struct ec2_describe_snapshots_args),
};
static const struct ec2_table describe_table =
    EC2_TABLE(struct ec2_describe_snapshots_args, describe_fields);

#define HAS(member, path, kind) EC2_ROW(struct ec2_snapshot, member, path, kind)

static const struct ec2_field snapshot_fields[] = {
    EC2_MUST(struct ec2_snapshot, id, "snapshotId", EC2_GET_TEXT),
    EC2_MUST(struct ec2_snapshot, state, "status", EC2_GET_TEXT),
    HAS(volume_id, "volumeId", EC2_GET_TEXT),
    HAS(state_message, "statusMessage", EC2_GET_CUT),
    HAS(progress, "progress", EC2_GET_CUT),
    HAS(owner, "ownerId", EC2_GET_CUT),
    HAS(description, "description", EC2_GET_CUT),
    HAS(started_s, "startTime", EC2_GET_TIME),
    HAS(size_gib, "volumeSize", EC2_GET_NUMBER),
    HAS(encrypted, "encrypted", EC2_GET_TRUE),
    EC2_ROW_FOUND_TAGS(struct ec2_snapshot),
};
static const struct ec2_table snapshot_table = EC2_TABLE(struct ec2_snapshot, snapshot_fields);

static const struct ec2_field snapshots_fields[] = {
    EC2_MANY(struct ec2_snapshots, rows, count, "snapshotSet/item", EC2_GET_LIST, &snapshot_table),
};
static const struct ec2_table snapshots_table = EC2_TABLE(struct ec2_snapshots, snapshots_fields);

EC2_TARGET_TABLE(delete_table, "SnapshotId");

static const struct ec2_field create_fields[] = {
    EC2_MUST(struct ec2_create_snapshot_args, volume_id, "VolumeId", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_create_snapshot_args, description, "Description", EC2_PUT_TEXT),
    EC2_ROW_TAGS(struct ec2_create_snapshot_args),
    EC2_ROW_DRY_RUN(struct ec2_create_snapshot_args),
};
static const struct ec2_table create_table =
    EC2_TABLE(struct ec2_create_snapshot_args, create_fields);

/* --- imports --- */

#define IMPORT(member, name, kind) EC2_ROW(struct ec2_import, member, name, kind)

static const struct ec2_field import_fields[] = {
    IMPORT(client_token, "ClientToken", EC2_PUT_TEXT),
    IMPORT(description, "Description", EC2_PUT_TEXT),
    IMPORT(format, "DiskContainer.Format", EC2_PUT_TEXT),
    IMPORT(url, "DiskContainer.Url", EC2_PUT_TEXT),
    IMPORT(bucket, "DiskContainer.UserBucket.S3Bucket", EC2_PUT_TEXT),
    IMPORT(key, "DiskContainer.UserBucket.S3Key", EC2_PUT_TEXT),
    IMPORT(role_name, "RoleName", EC2_PUT_TEXT),
    IMPORT(encrypted, "Encrypted", EC2_PUT_FLAG),
    EC2_ROW_TAGS(struct ec2_import),
    EC2_ROW_DRY_RUN(struct ec2_import),
};
static const struct ec2_table import_table = EC2_TABLE(struct ec2_import, import_fields);

static const struct ec2_field task_fields[] = {
    EC2_MUST(struct ec2_import_task, id, "importTaskId", EC2_GET_TEXT),
    EC2_MUST(struct ec2_import_task, state, "snapshotTaskDetail/status", EC2_GET_TEXT),
    EC2_ROW(struct ec2_import_task, state_message, "snapshotTaskDetail/statusMessage", EC2_GET_CUT),
    EC2_ROW(struct ec2_import_task, progress, "snapshotTaskDetail/progress", EC2_GET_CUT),
    EC2_ROW(struct ec2_import_task, snapshot_id, "snapshotTaskDetail/snapshotId", EC2_GET_TEXT),
    EC2_ROW(struct ec2_import_task, description, "description", EC2_GET_CUT),
    EC2_ROW_FOUND_TAGS(struct ec2_import_task),
};
static const struct ec2_table task_table = EC2_TABLE(struct ec2_import_task, task_fields);

static const struct ec2_field tasks_fields[] = {
    EC2_MANY(struct ec2_import_tasks, rows, count, "importSnapshotTaskSet/item", EC2_GET_LIST,
             &task_table),
};
static const struct ec2_table tasks_table = EC2_TABLE(struct ec2_import_tasks, tasks_fields);

/* The one description whose filters are called "Filters". */
static const struct ec2_field describe_tasks_fields[] = {
    EC2_MANY(struct ec2_describe, ids, id_count, "ImportTaskId", EC2_PUT_IDS, NULL),
    EC2_MANY(struct ec2_describe, filters, filter_count, "Filters", EC2_PUT_LIST,
             &ec2_filter_table),
};
static const struct ec2_table describe_tasks_table =
    EC2_TABLE(struct ec2_describe, describe_tasks_fields);

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
