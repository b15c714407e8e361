/* SPDX-License-Identifier: ISC */
#include "ec2/group.h"

#include "compute_tables.h"

static const struct ec2_field create_fields[] = {
    EC2_MUST(struct ec2_create_group_args, name, "GroupName", EC2_PUT_TEXT),
    EC2_MUST(struct ec2_create_group_args, description, "GroupDescription", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_create_group_args, vpc_id, "VpcId", EC2_PUT_TEXT),
    EC2_ROW_TAGS(struct ec2_create_group_args),
    EC2_ROW_DRY_RUN(struct ec2_create_group_args),
};
static const struct ec2_table create_table = EC2_TABLE(struct ec2_create_group_args, create_fields);

static const struct ec2_field id_fields[] = {
    EC2_MUST(struct ec2_group_id, id, "groupId", EC2_GET_TEXT),
};
static const struct ec2_table id_table = EC2_TABLE(struct ec2_group_id, id_fields);

EC2_TARGET_TABLE(delete_table, "GroupId");
EC2_DESCRIBE_TABLE(describe_table, "GroupId");

/* --- rules that are asked for --- */

static const struct ec2_field ipv4_fields[] = {
    EC2_MUST(struct ec2_range, cidr, "CidrIp", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_range, description, "Description", EC2_PUT_TEXT),
};
static const struct ec2_table ipv4_table = EC2_TABLE(struct ec2_range, ipv4_fields);

static const struct ec2_field ipv6_fields[] = {
    EC2_MUST(struct ec2_range, cidr, "CidrIpv6", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_range, description, "Description", EC2_PUT_TEXT),
};
static const struct ec2_table ipv6_table = EC2_TABLE(struct ec2_range, ipv6_fields);

/* A list of texts that are members of a struct of one member. */
static const struct ec2_field member_fields[] = {
    {"GroupId", EC2_PUT_TEXT, 0, sizeof(const char *), 0, true, NULL},
};
static const struct ec2_table member_table = {member_fields, 1, sizeof(const char *)};

static const struct ec2_field rule_fields[] = {
    EC2_MUST(struct ec2_rule, protocol, "IpProtocol", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_rule, from, "FromPort", EC2_PUT_ALWAYS),
    EC2_ROW(struct ec2_rule, to, "ToPort", EC2_PUT_ALWAYS),
    EC2_MANY(struct ec2_rule, ipv4, ipv4_count, "IpRanges", EC2_PUT_LIST, &ipv4_table),
    EC2_MANY(struct ec2_rule, ipv6, ipv6_count, "Ipv6Ranges", EC2_PUT_LIST, &ipv6_table),
    EC2_MANY(struct ec2_rule, group_ids, group_count, "Groups", EC2_PUT_LIST, &member_table),
};
static const struct ec2_table rule_table = EC2_TABLE(struct ec2_rule, rule_fields);

static const struct ec2_field rules_fields[] = {
    EC2_MUST(struct ec2_rules, group_id, "GroupId", EC2_PUT_TEXT),
    EC2_MANY(struct ec2_rules, rules, rule_count, "IpPermissions", EC2_PUT_LIST, &rule_table),
    EC2_ROW_DRY_RUN(struct ec2_rules),
};
static const struct ec2_table rules_table = EC2_TABLE(struct ec2_rules, rules_fields);

/* --- groups as they are found --- */

static const struct ec2_field found_ipv4_fields[] = {
    EC2_ROW(struct ec2_found_range, cidr, "cidrIp", EC2_GET_TEXT),
};
static const struct ec2_table found_ipv4_table =
    EC2_TABLE(struct ec2_found_range, found_ipv4_fields);

static const struct ec2_field found_ipv6_fields[] = {
    EC2_ROW(struct ec2_found_range, cidr, "cidrIpv6", EC2_GET_TEXT),
};
static const struct ec2_table found_ipv6_table =
    EC2_TABLE(struct ec2_found_range, found_ipv6_fields);

static const struct ec2_field found_rule_fields[] = {
    EC2_MUST(struct ec2_found_rule, protocol, "ipProtocol", EC2_GET_TEXT),
    EC2_ROW(struct ec2_found_rule, from, "fromPort", EC2_GET_NUMBER),
    EC2_ROW(struct ec2_found_rule, to, "toPort", EC2_GET_NUMBER),
    EC2_MANY(struct ec2_found_rule, ipv4, ipv4_count, "ipRanges/item", EC2_GET_LIST,
             &found_ipv4_table),
    EC2_MANY(struct ec2_found_rule, ipv6, ipv6_count, "ipv6Ranges/item", EC2_GET_LIST,
             &found_ipv6_table),
};
static const struct ec2_table found_rule_table =
    EC2_TABLE(struct ec2_found_rule, found_rule_fields);

static const struct ec2_field group_fields[] = {
    EC2_MUST(struct ec2_group, id, "groupId", EC2_GET_TEXT),
    EC2_ROW(struct ec2_group, name, "groupName", EC2_GET_CUT),
    EC2_ROW(struct ec2_group, description, "groupDescription", EC2_GET_CUT),
    EC2_ROW(struct ec2_group, vpc_id, "vpcId", EC2_GET_TEXT),
    EC2_MANY(struct ec2_group, ingress, ingress_count, "ipPermissions/item", EC2_GET_LIST,
             &found_rule_table),
    EC2_MANY(struct ec2_group, egress, egress_count, "ipPermissionsEgress/item", EC2_GET_LIST,
             &found_rule_table),
    EC2_ROW_FOUND_TAGS(struct ec2_group),
};
static const struct ec2_table group_table = EC2_TABLE(struct ec2_group, group_fields);

static const struct ec2_field groups_fields[] = {
    EC2_MANY(struct ec2_groups, rows, count, "securityGroupInfo/item", EC2_GET_LIST, &group_table),
};
static const struct ec2_table groups_table = EC2_TABLE(struct ec2_groups, groups_fields);

enum { CREATE, DELETE, ALLOW_IN, REVOKE_IN, ALLOW_OUT, REVOKE_OUT, DESCRIBE };

const struct ec2_operation ec2_group_operations[] = {
    [CREATE] = EC2_ACT("CreateSecurityGroup", &create_table, &id_table),
    [DELETE] = EC2_ACT("DeleteSecurityGroup", &delete_table, NULL),
    [ALLOW_IN] = EC2_ACT("AuthorizeSecurityGroupIngress", &rules_table, NULL),
    [REVOKE_IN] = EC2_ACT("RevokeSecurityGroupIngress", &rules_table, NULL),
    [ALLOW_OUT] = EC2_ACT("AuthorizeSecurityGroupEgress", &rules_table, NULL),
    [REVOKE_OUT] = EC2_ACT("RevokeSecurityGroupEgress", &rules_table, NULL),
    [DESCRIBE] = EC2_LOOK_PAGES("DescribeSecurityGroups", &describe_table, &groups_table, 1000),
    {0},
};

#define OPERATION(which) (&ec2_group_operations[which])

EC2_FUNCTION(ec2_create_security_group, struct ec2_create_group_args, struct ec2_group_id,
             OPERATION(CREATE), ec2_operate)
EC2_FUNCTION_PLAIN(ec2_delete_security_group, struct ec2_target, OPERATION(DELETE))
EC2_FUNCTION_PLAIN(ec2_authorize_ingress, struct ec2_rules, OPERATION(ALLOW_IN))
EC2_FUNCTION_PLAIN(ec2_revoke_ingress, struct ec2_rules, OPERATION(REVOKE_IN))
EC2_FUNCTION_PLAIN(ec2_authorize_egress, struct ec2_rules, OPERATION(ALLOW_OUT))
EC2_FUNCTION_PLAIN(ec2_revoke_egress, struct ec2_rules, OPERATION(REVOKE_OUT))
EC2_FUNCTION(ec2_describe_security_groups, struct ec2_describe, struct ec2_groups,
             OPERATION(DESCRIBE), ec2_operate_all)
EC2_CLEAR(ec2_groups_clear, struct ec2_groups, &groups_table)
