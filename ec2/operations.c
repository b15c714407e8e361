/* SPDX-License-Identifier: ISC */
#include "operations.h"

const struct ec2_operation *const ec2_operation_lists[] = {
    ec2_address_operations,
    ec2_ebs_operations,
    ec2_group_operations,
    ec2_image_operations,
    ec2_instance_operations,
    ec2_keypair_operations,
    ec2_network_operations,
    ec2_place_operations,
    ec2_pricing_operations,
    ec2_scheduler_operations,
    ec2_snapshot_operations,
    ec2_spot_operations,
    ec2_ssm_operations,
    ec2_sts_operations,
    ec2_tag_operations,
    ec2_type_operations,
    ec2_volume_operations,
    NULL,
};
