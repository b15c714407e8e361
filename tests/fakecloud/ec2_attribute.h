/* SPDX-License-Identifier: ISC */
/* What is asked and changed of one instance: attributes, status, console. */
#ifndef FAKECLOUD_EC2_ATTRIBUTE_H
#define FAKECLOUD_EC2_ATTRIBUTE_H

#include "ec2.h"

extern const struct fc_param fc_params_describe_instance_attribute[],
    fc_params_modify_instance_attribute[], fc_params_describe_instance_status[],
    fc_params_get_console_output[], fc_params_get_console_screenshot[];

fc_handler fc_ec2_describe_instance_attribute, fc_ec2_modify_instance_attribute,
    fc_ec2_describe_instance_status, fc_ec2_get_console_output, fc_ec2_get_console_screenshot;

/* What the guest has written; appended. */
void fc_console_add(struct fc_world *world, struct fc_object *instance, const char *text,
                    int64_t now_ms);

#endif
