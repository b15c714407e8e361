/* SPDX-License-Identifier: ISC */
/* EC2: the table of its operations. */
#include "ec2.h"

#include "ec2_attribute.h"
#include "ec2_catalogue.h"
#include "ec2_group.h"
#include "ec2_image.h"
#include "ec2_instance.h"
#include "ec2_net.h"

#define ROW(action, function)                                                                      \
    {                                                                                              \
        .name = #action, .handle = fc_ec2_##function, .params = fc_params_##function               \
    }

static const struct fc_operation operations[] = {
    ROW(AllocateAddress, allocate_address),
    ROW(AssociateAddress, associate_address),
    ROW(AuthorizeSecurityGroupEgress, authorize_egress),
    ROW(AuthorizeSecurityGroupIngress, authorize_ingress),
    ROW(CancelImportTask, cancel_import_task),
    ROW(CancelSpotInstanceRequests, cancel_spot_instance_requests),
    ROW(CreateImage, create_image),
    ROW(CreateKeyPair, create_key_pair),
    ROW(CreateSecurityGroup, create_security_group),
    ROW(CreateSnapshot, create_snapshot),
    ROW(CreateTags, create_tags),
    ROW(DeleteKeyPair, delete_key_pair),
    ROW(DeleteNetworkInterface, delete_network_interface),
    ROW(DeleteSecurityGroup, delete_security_group),
    ROW(DeleteSnapshot, delete_snapshot),
    ROW(DeleteTags, delete_tags),
    ROW(DeleteVolume, delete_volume),
    ROW(DeregisterImage, deregister_image),
    ROW(DescribeAddresses, describe_addresses),
    ROW(DescribeAvailabilityZones, describe_availability_zones),
    ROW(DescribeImages, describe_images),
    ROW(DescribeImportSnapshotTasks, describe_import_snapshot_tasks),
    ROW(DescribeInstanceAttribute, describe_instance_attribute),
    ROW(DescribeInstanceStatus, describe_instance_status),
    ROW(DescribeInstanceTypeOfferings, describe_instance_type_offerings),
    ROW(DescribeInstanceTypes, describe_instance_types),
    ROW(DescribeInstances, describe_instances),
    ROW(DescribeKeyPairs, describe_key_pairs),
    ROW(DescribeNetworkInterfaces, describe_network_interfaces),
    ROW(DescribeRegions, describe_regions),
    ROW(DescribeSecurityGroups, describe_security_groups),
    ROW(DescribeSnapshots, describe_snapshots),
    ROW(DescribeSpotInstanceRequests, describe_spot_instance_requests),
    ROW(DescribeSpotPriceHistory, describe_spot_price_history),
    ROW(DescribeSubnets, describe_subnets),
    ROW(DescribeTags, describe_tags),
    ROW(DescribeVolumes, describe_volumes),
    ROW(DescribeVpcs, describe_vpcs),
    ROW(DisassociateAddress, disassociate_address),
    ROW(GetConsoleOutput, get_console_output),
    ROW(GetConsoleScreenshot, get_console_screenshot),
    ROW(ImportKeyPair, import_key_pair),
    ROW(ImportSnapshot, import_snapshot),
    ROW(ModifyInstanceAttribute, modify_instance_attribute),
    ROW(RegisterImage, register_image),
    ROW(ReleaseAddress, release_address),
    ROW(RevokeSecurityGroupEgress, revoke_egress),
    ROW(RevokeSecurityGroupIngress, revoke_ingress),
    ROW(RunInstances, run_instances),
    ROW(StartInstances, start_instances),
    ROW(StopInstances, stop_instances),
    ROW(TerminateInstances, terminate_instances),
    {.name = NULL},
};

const struct fc_service fc_service_ec2 = {
    .name = "ec2",
    .version = "2016-11-15",
    .protocol = FC_PROTOCOL_EC2,
    .xmlns = "http://ec2.amazonaws.com/doc/2016-11-15/",
    .operations = operations,
    .prepare = fc_ec2_region_ready,
};
