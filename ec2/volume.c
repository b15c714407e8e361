/* SPDX-License-Identifier: ISC */
#include "ec2/volume.h"

#include "compute_tables.h"

EC2_DESCRIBE_TABLE(describe_table, "VolumeId");
EC2_TARGET_TABLE(delete_table, "VolumeId");

static const struct ec2_field attachment_fields[] = {
    EC2_ROW(struct ec2_attachment, instance_id, "instanceId", EC2_GET_TEXT),
    EC2_ROW(struct ec2_attachment, device, "device", EC2_GET_CUT),
    EC2_ROW(struct ec2_attachment, state, "status", EC2_GET_TEXT),
    EC2_ROW(struct ec2_attachment, delete_on_termination, "deleteOnTermination", EC2_GET_TRUE),
};
static const struct ec2_table attachment_table =
    EC2_TABLE(struct ec2_attachment, attachment_fields);

#define HAS(member, path, kind) EC2_ROW(struct ec2_volume, member, path, kind)

static const struct ec2_field volume_fields[] = {
    EC2_MUST(struct ec2_volume, id, "volumeId", EC2_GET_TEXT),
    EC2_MUST(struct ec2_volume, state, "status", EC2_GET_TEXT),
    HAS(snapshot_id, "snapshotId", EC2_GET_TEXT),
    HAS(zone, "availabilityZone", EC2_GET_TEXT),
    HAS(type, "volumeType", EC2_GET_TEXT),
    HAS(size_gib, "size", EC2_GET_NUMBER),
    HAS(created_s, "createTime", EC2_GET_TIME),
    HAS(encrypted, "encrypted", EC2_GET_TRUE),
    EC2_MANY(struct ec2_volume, attachments, attachment_count, "attachmentSet/item", EC2_GET_LIST,
             &attachment_table),
    EC2_ROW_FOUND_TAGS(struct ec2_volume),
};
static const struct ec2_table volume_table = EC2_TABLE(struct ec2_volume, volume_fields);

static const struct ec2_field volumes_fields[] = {
    EC2_MANY(struct ec2_volumes, rows, count, "volumeSet/item", EC2_GET_LIST, &volume_table),
};
static const struct ec2_table volumes_table = EC2_TABLE(struct ec2_volumes, volumes_fields);

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
