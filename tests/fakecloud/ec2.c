/* SPDX-License-Identifier: ISC */
/* EC2: the table of its operations. */
#include "ec2.h"

#include "ec2_instance.h"

#define ROW(action, function)                                                                      \
    {                                                                                              \
        .name = #action, .handle = fc_ec2_##function, .params = fc_params_##function               \
    }

static const struct fc_operation operations[] = {
    ROW(DescribeInstances, describe_instances),   ROW(RunInstances, run_instances),
    ROW(StartInstances, start_instances),         ROW(StopInstances, stop_instances),
    ROW(TerminateInstances, terminate_instances), {.name = NULL},
};

const struct fc_service fc_service_ec2 = {
    .name = "ec2",
    .version = "2016-11-15",
    .protocol = FC_PROTOCOL_EC2,
    .xmlns = "http://ec2.amazonaws.com/doc/2016-11-15/",
    .operations = operations,
    .prepare = fc_ec2_region_ready,
};
