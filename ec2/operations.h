/* SPDX-License-Identifier: ISC */
/* Every call that a table describes, by file; each array ends with a nameless one. Who needs all of
 * them goes through ec2_operation_lists (ec2/operations.c). */
#ifndef EC2_OPERATIONS_H
#define EC2_OPERATIONS_H

#include "call.h"

extern const struct ec2_operation ec2_address_operations[];
extern const struct ec2_operation ec2_ebs_operations[];
extern const struct ec2_operation ec2_group_operations[];
extern const struct ec2_operation ec2_image_operations[];
extern const struct ec2_operation ec2_instance_operations[];
extern const struct ec2_operation ec2_keypair_operations[];
extern const struct ec2_operation ec2_network_operations[];
extern const struct ec2_operation ec2_place_operations[];
extern const struct ec2_operation ec2_pricing_operations[];
extern const struct ec2_operation ec2_scheduler_operations[];
extern const struct ec2_operation ec2_snapshot_operations[];
extern const struct ec2_operation ec2_spot_operations[];
extern const struct ec2_operation ec2_ssm_operations[];
extern const struct ec2_operation ec2_sts_operations[];
extern const struct ec2_operation ec2_tag_operations[];
extern const struct ec2_operation ec2_type_operations[];
extern const struct ec2_operation ec2_volume_operations[];

extern const struct ec2_operation *const ec2_operation_lists[]; /* ends with NULL */

#endif
