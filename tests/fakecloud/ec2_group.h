/* SPDX-License-Identifier: ISC */
/* Security groups and key pairs. */
#ifndef FAKECLOUD_EC2_GROUP_H
#define FAKECLOUD_EC2_GROUP_H

#include "ec2.h"

extern const struct fc_param fc_params_create_security_group[],
    fc_params_describe_security_groups[], fc_params_delete_security_group[],
    fc_params_authorize_ingress[], fc_params_authorize_egress[], fc_params_revoke_ingress[],
    fc_params_revoke_egress[], fc_params_create_key_pair[], fc_params_import_key_pair[],
    fc_params_describe_key_pairs[], fc_params_delete_key_pair[];

fc_handler fc_ec2_create_security_group, fc_ec2_describe_security_groups,
    fc_ec2_delete_security_group, fc_ec2_authorize_ingress, fc_ec2_authorize_egress,
    fc_ec2_revoke_ingress, fc_ec2_revoke_egress, fc_ec2_create_key_pair, fc_ec2_import_key_pair,
    fc_ec2_describe_key_pairs, fc_ec2_delete_key_pair;

/* By GroupId or, in the default network, by GroupName. */
int fc_group_find(struct fc_call *call, struct fc_object **ret, struct fc_refusal *refusal);

#endif
