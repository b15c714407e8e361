/* SPDX-License-Identifier: ISC */
#include "ec2/volume.h"

#include "compute_tables.h"

EC2_DESCRIBE_TABLE(describe_table, "VolumeId");
EC2_TARGET_TABLE(delete_table, "VolumeId");

static const struct mir_field attachment_fields[] = {
    MIR_ROW(struct ec2_attachment, instance_id, "instanceId", MIR_GET_TEXT),
    MIR_ROW(struct ec2_attachment, device, "device", MIR_GET_CUT),
    MIR_ROW(struct ec2_attachment, state, "status", MIR_GET_TEXT),
    MIR_ROW(struct ec2_attachment, delete_on_termination, "deleteOnTermination", MIR_GET_TRUE),
};
static const struct mir_table attachment_table =
    MIR_TABLE(struct ec2_attachment, attachment_fields);

#define HAS(member, path, kind) MIR_ROW(struct ec2_volume, member, path, kind)

static const struct mir_field volume_fields[] = {
    MIR_MUST(struct ec2_volume, id, "volumeId", MIR_GET_TEXT),
    MIR_MUST(struct ec2_volume, state, "status", MIR_GET_TEXT),
    HAS(snapshot_id, "snapshotId", MIR_GET_TEXT),
    HAS(zone, "availabilityZone", MIR_GET_TEXT),
    HAS(type, "volumeType", MIR_GET_TEXT),
    HAS(size_gib, "size", MIR_GET_NUMBER),
    HAS(created_s, "createTime", MIR_GET_TIME),
    HAS(encrypted, "encrypted", MIR_GET_TRUE),
    MIR_MANY(struct ec2_volume, attachments, attachment_count, "attachmentSet/item", MIR_GET_LIST,
             &attachment_table),
    EC2_ROW_FOUND_TAGS(struct ec2_volume),
};
static const struct mir_table volume_table = MIR_TABLE(struct ec2_volume, volume_fields);

static const struct mir_field volumes_fields[] = {
    MIR_MANY(struct ec2_volumes, rows, count, "volumeSet/item", MIR_GET_LIST, &volume_table),
};
static const struct mir_table volumes_table = MIR_TABLE(struct ec2_volumes, volumes_fields);

enum { DESCRIBE, DELETE };

const struct ec2_operation ec2_volume_operations[] = {
    [DESCRIBE] = EC2_LOOK_PAGES("DescribeVolumes", &describe_table, &volumes_table, 500),
    [DELETE] = EC2_ACT("DeleteVolume", &delete_table, NULL),
    {0},
};

EC2_FUNCTION(ec2_describe_volumes, struct ec2_describe, struct ec2_volumes,
             &ec2_volume_operations[DESCRIBE], ec2_operate_all)
EC2_CLEAR(ec2_volumes_clear, struct ec2_volumes, &volumes_table)
EC2_FUNCTION_PLAIN(ec2_delete_volume, struct ec2_target, &ec2_volume_operations[DELETE])
