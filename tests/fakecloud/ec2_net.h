/* SPDX-License-Identifier: ISC */
/* Networks as they are, elastic addresses, regions and zones. */
#ifndef FAKECLOUD_EC2_NET_H
#define FAKECLOUD_EC2_NET_H

#include "ec2.h"

extern const struct fc_param fc_params_describe_vpcs[], fc_params_describe_subnets[],
    fc_params_describe_network_interfaces[], fc_params_delete_network_interface[],
    fc_params_describe_regions[], fc_params_describe_availability_zones[],
    fc_params_allocate_address[], fc_params_associate_address[], fc_params_disassociate_address[],
    fc_params_release_address[], fc_params_describe_addresses[];

fc_handler fc_ec2_describe_vpcs, fc_ec2_describe_subnets, fc_ec2_describe_network_interfaces,
    fc_ec2_delete_network_interface, fc_ec2_describe_regions, fc_ec2_describe_availability_zones,
    fc_ec2_allocate_address, fc_ec2_associate_address, fc_ec2_disassociate_address,
    fc_ec2_release_address, fc_ec2_describe_addresses;

#endif
