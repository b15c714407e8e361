/* SPDX-License-Identifier: ISC */
#include "operations.h"

const struct ec2_operation *const ec2_operation_lists[] = {
    ec2_sts_operations,
    ec2_ebs_operations,
    NULL,
};
