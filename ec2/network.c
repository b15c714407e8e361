/* SPDX-License-Identifier: ISC */
#include "ec2/network.h"

#include "compute_tables.h"

EC2_DESCRIBE_TABLE(describe_subnets_table, "SubnetId");
EC2_DESCRIBE_TABLE(describe_vpcs_table, "VpcId");
EC2_DESCRIBE_TABLE(describe_nics_table, "NetworkInterfaceId");
EC2_TARGET_TABLE(delete_nic_table, "NetworkInterfaceId");

static const struct mir_field ipv6_fields[] = {
    MIR_ROW(struct ec2_ipv6_block, cidr, "ipv6CidrBlock", MIR_GET_TEXT),
};
static const struct mir_table ipv6_table = MIR_TABLE(struct ec2_ipv6_block, ipv6_fields);

#define SUBNET(member, path, kind) MIR_ROW(struct ec2_subnet, member, path, kind)

static const struct mir_field subnet_fields[] = {
    MIR_MUST(struct ec2_subnet, id, "subnetId", MIR_GET_TEXT),
    SUBNET(vpc_id, "vpcId", MIR_GET_TEXT),
    SUBNET(zone, "availabilityZone", MIR_GET_TEXT),
    SUBNET(state, "state", MIR_GET_TEXT),
    SUBNET(cidr, "cidrBlock", MIR_GET_TEXT),
    SUBNET(free_addresses, "availableIpAddressCount", MIR_GET_NUMBER),
    SUBNET(default_for_zone, "defaultForAz", MIR_GET_TRUE),
    SUBNET(public_on_launch, "mapPublicIpOnLaunch", MIR_GET_TRUE),
    SUBNET(ipv6_on_launch, "assignIpv6AddressOnCreation", MIR_GET_TRUE),
    SUBNET(ipv6_only, "ipv6Native", MIR_GET_TRUE),
    MIR_MANY(struct ec2_subnet, ipv6, ipv6_count, "ipv6CidrBlockAssociationSet/item", MIR_GET_LIST,
             &ipv6_table),
    EC2_ROW_FOUND_TAGS(struct ec2_subnet),
};
static const struct mir_table subnet_table = MIR_TABLE(struct ec2_subnet, subnet_fields);

static const struct mir_field subnets_fields[] = {
    MIR_MANY(struct ec2_subnets, rows, count, "subnetSet/item", MIR_GET_LIST, &subnet_table),
};
static const struct mir_table subnets_table = MIR_TABLE(struct ec2_subnets, subnets_fields);

static const struct mir_field vpc_fields[] = {
    MIR_MUST(struct ec2_vpc, id, "vpcId", MIR_GET_TEXT),
    MIR_ROW(struct ec2_vpc, state, "state", MIR_GET_TEXT),
    MIR_ROW(struct ec2_vpc, cidr, "cidrBlock", MIR_GET_TEXT),
    MIR_ROW(struct ec2_vpc, is_default, "isDefault", MIR_GET_TRUE),
    EC2_ROW_FOUND_TAGS(struct ec2_vpc),
};
static const struct mir_table vpc_table = MIR_TABLE(struct ec2_vpc, vpc_fields);

static const struct mir_field vpcs_fields[] = {
    MIR_MANY(struct ec2_vpcs, rows, count, "vpcSet/item", MIR_GET_LIST, &vpc_table),
};
static const struct mir_table vpcs_table = MIR_TABLE(struct ec2_vpcs, vpcs_fields);

#define NIC(member, path, kind) MIR_ROW(struct ec2_nic, member, path, kind)

static const struct mir_field nic_fields[] = {
    MIR_MUST(struct ec2_nic, id, "networkInterfaceId", MIR_GET_TEXT),
    NIC(subnet_id, "subnetId", MIR_GET_TEXT),
    NIC(vpc_id, "vpcId", MIR_GET_TEXT),
    NIC(state, "status", MIR_GET_TEXT),
    NIC(description, "description", MIR_GET_CUT),
    NIC(instance_id, "attachment/instanceId", MIR_GET_TEXT),
    NIC(address, "association/publicIp", MIR_GET_TEXT),
    NIC(delete_on_termination, "attachment/deleteOnTermination", MIR_GET_TRUE),
    NIC(managed, "requesterManaged", MIR_GET_TRUE),
    EC2_ROW_FOUND_TAGS(struct ec2_nic),
};
static const struct mir_table nic_table = MIR_TABLE(struct ec2_nic, nic_fields);

static const struct mir_field nics_fields[] = {
    MIR_MANY(struct ec2_nics, rows, count, "networkInterfaceSet/item", MIR_GET_LIST, &nic_table),
};
static const struct mir_table nics_table = MIR_TABLE(struct ec2_nics, nics_fields);

enum { SUBNETS, VPCS, NICS, DELETE_NIC };

const struct ec2_operation ec2_network_operations[] = {
    [SUBNETS] = EC2_LOOK_PAGES("DescribeSubnets", &describe_subnets_table, &subnets_table, 1000),
    [VPCS] = EC2_LOOK_PAGES("DescribeVpcs", &describe_vpcs_table, &vpcs_table, 1000),
    [NICS] = EC2_LOOK_PAGES("DescribeNetworkInterfaces", &describe_nics_table, &nics_table, 1000),
    [DELETE_NIC] = EC2_ACT("DeleteNetworkInterface", &delete_nic_table, NULL),
    {0},
};

#define OPERATION(which) (&ec2_network_operations[which])

EC2_FUNCTION(ec2_describe_subnets, struct ec2_describe, struct ec2_subnets, OPERATION(SUBNETS),
             ec2_operate_all)
EC2_CLEAR(ec2_subnets_clear, struct ec2_subnets, &subnets_table)
EC2_FUNCTION(ec2_describe_vpcs, struct ec2_describe, struct ec2_vpcs, OPERATION(VPCS),
             ec2_operate_all)
EC2_CLEAR(ec2_vpcs_clear, struct ec2_vpcs, &vpcs_table)
EC2_FUNCTION(ec2_describe_network_interfaces, struct ec2_describe, struct ec2_nics, OPERATION(NICS),
             ec2_operate_all)
EC2_CLEAR(ec2_nics_clear, struct ec2_nics, &nics_table)
EC2_FUNCTION_PLAIN(ec2_delete_network_interface, struct ec2_target, OPERATION(DELETE_NIC))
