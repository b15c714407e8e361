/* SPDX-License-Identifier: ISC */
/* What can be had: instance types, where they are offered, spot prices and spot requests; tags. */
#ifndef FAKECLOUD_EC2_CATALOGUE_H
#define FAKECLOUD_EC2_CATALOGUE_H

#include "ec2.h"

extern const struct fc_param fc_params_describe_instance_types[],
    fc_params_describe_instance_type_offerings[], fc_params_describe_spot_price_history[],
    fc_params_describe_spot_instance_requests[], fc_params_cancel_spot_instance_requests[],
    fc_params_create_tags[], fc_params_delete_tags[], fc_params_describe_tags[];

fc_handler fc_ec2_describe_instance_types, fc_ec2_describe_instance_type_offerings,
    fc_ec2_describe_spot_price_history, fc_ec2_describe_spot_instance_requests,
    fc_ec2_cancel_spot_instance_requests, fc_ec2_create_tags, fc_ec2_delete_tags,
    fc_ec2_describe_tags;

#endif
