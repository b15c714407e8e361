/* SPDX-License-Identifier: ISC */
/* The operations on instances, with the parameters that they take. */
#ifndef FAKECLOUD_EC2_INSTANCE_H
#define FAKECLOUD_EC2_INSTANCE_H

#include "ec2.h"

extern const struct fc_param fc_params_run_instances[], fc_params_describe_instances[],
    fc_params_terminate_instances[], fc_params_stop_instances[], fc_params_start_instances[];

fc_handler fc_ec2_run_instances, fc_ec2_describe_instances, fc_ec2_terminate_instances,
    fc_ec2_stop_instances, fc_ec2_start_instances;

#endif
