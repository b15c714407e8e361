/* SPDX-License-Identifier: ISC */
#include "ec2/network.h"

#include "compute_tables.h"

EC2_DESCRIBE_TABLE(describe_subnets_table, "SubnetId");
EC2_DESCRIBE_TABLE(describe_vpcs_table, "VpcId");
EC2_DESCRIBE_TABLE(describe_nics_table, "NetworkInterfaceId");
EC2_TARGET_TABLE(delete_nic_table, "NetworkInterfaceId");

static const struct ec2_field ipv6_fields[] = {
    EC2_ROW(struct ec2_ipv6_block, cidr, "ipv6CidrBlock", EC2_GET_TEXT),
};
static const struct ec2_table ipv6_table = EC2_TABLE(struct ec2_ipv6_block, ipv6_fields);

#define SUBNET(member, path, kind) EC2_ROW(struct ec2_subnet, member, path, kind)

static const struct ec2_field subnet_fields[] = {
    EC2_MUST(struct ec2_subnet, id, "subnetId", EC2_GET_TEXT),
    SUBNET(vpc_id, "vpcId", EC2_GET_TEXT),
    SUBNET(zone, "availabilityZone", EC2_GET_TEXT),
    SUBNET(state, "state", EC2_GET_TEXT),
    SUBNET(cidr, "cidrBlock", EC2_GET_TEXT),
    SUBNET(free_addresses, "availableIpAddressCount", EC2_GET_NUMBER),
    SUBNET(default_for_zone, "defaultForAz", EC2_GET_TRUE),
    SUBNET(public_on_launch, "mapPublicIpOnLaunch", EC2_GET_TRUE),
    SUBNET(ipv6_on_launch, "assignIpv6AddressOnCreation", EC2_GET_TRUE),
    SUBNET(ipv6_only, "ipv6Native", EC2_GET_TRUE),
    EC2_MANY(struct ec2_subnet, ipv6, ipv6_count, "ipv6CidrBlockAssociationSet/item", EC2_GET_LIST,
             &ipv6_table),
    EC2_ROW_FOUND_TAGS(struct ec2_subnet),
};
static const struct ec2_table subnet_table = EC2_TABLE(struct ec2_subnet, subnet_fields);

static const struct ec2_field subnets_fields[] = {
    EC2_MANY(struct ec2_subnets, rows, count, "subnetSet/item", EC2_GET_LIST, &subnet_table),
};
static const struct ec2_table subnets_table = EC2_TABLE(struct ec2_subnets, subnets_fields);

static const struct ec2_field vpc_fields[] = {
    EC2_MUST(struct ec2_vpc, id, "vpcId", EC2_GET_TEXT),
    EC2_ROW(struct ec2_vpc, state, "state", EC2_GET_TEXT),
    EC2_ROW(struct ec2_vpc, cidr, "cidrBlock", EC2_GET_TEXT),
    EC2_ROW(struct ec2_vpc, is_default, "isDefault", EC2_GET_TRUE),
    EC2_ROW_FOUND_TAGS(struct ec2_vpc),
};
static const struct ec2_table vpc_table = EC2_TABLE(struct ec2_vpc, vpc_fields);

static const struct ec2_field vpcs_fields[] = {
    EC2_MANY(struct ec2_vpcs, rows, count, "vpcSet/item", EC2_GET_LIST, &vpc_table),
};
static const struct ec2_table vpcs_table = EC2_TABLE(struct ec2_vpcs, vpcs_fields);

#define NIC(member, path, kind) EC2_ROW(struct ec2_nic, member, path, kind)

static const struct ec2_field nic_fields[] = {
    EC2_MUST(struct ec2_nic, id, "networkInterfaceId", EC2_GET_TEXT),
    NIC(subnet_id, "subnetId", EC2_GET_TEXT),
    NIC(vpc_id, "vpcId", EC2_GET_TEXT),
    NIC(state, "status", EC2_GET_TEXT),
    NIC(description, "description", EC2_GET_CUT),
    NIC(instance_id, "attachment/instanceId", EC2_GET_TEXT),
    NIC(address, "association/publicIp", EC2_GET_TEXT),
    NIC(delete_on_termination, "attachment/deleteOnTermination", EC2_GET_TRUE),
    NIC(managed, "requesterManaged", EC2_GET_TRUE),
    EC2_ROW_FOUND_TAGS(struct ec2_nic),
};
static const struct ec2_table nic_table = EC2_TABLE(struct ec2_nic, nic_fields);

static const struct ec2_field nics_fields[] = {
    EC2_MANY(struct ec2_nics, rows, count, "networkInterfaceSet/item", EC2_GET_LIST, &nic_table),
};
static const struct ec2_table nics_table = EC2_TABLE(struct ec2_nics, nics_fields);

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
