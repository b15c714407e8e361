/* SPDX-License-Identifier: ISC */
#include "ec2/group.h"

#include "compute_tables.h"

static const struct mir_field create_fields[] = {
    MIR_MUST(struct ec2_create_group_args, name, "GroupName", MIR_PUT_TEXT),
    MIR_MUST(struct ec2_create_group_args, description, "GroupDescription", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_create_group_args, vpc_id, "VpcId", MIR_PUT_TEXT),
    EC2_ROW_TAGS(struct ec2_create_group_args),
    EC2_ROW_DRY_RUN(struct ec2_create_group_args),
};
static const struct mir_table create_table = MIR_TABLE(struct ec2_create_group_args, create_fields);

static const struct mir_field id_fields[] = {
    MIR_MUST(struct ec2_group_id, id, "groupId", MIR_GET_TEXT),
};
static const struct mir_table id_table = MIR_TABLE(struct ec2_group_id, id_fields);

EC2_TARGET_TABLE(delete_table, "GroupId");
EC2_DESCRIBE_TABLE(describe_table, "GroupId");

/* --- rules that are asked for --- */

static const struct mir_field ipv4_fields[] = {
    MIR_MUST(struct ec2_range, cidr, "CidrIp", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_range, description, "Description", MIR_PUT_TEXT),
};
static const struct mir_table ipv4_table = MIR_TABLE(struct ec2_range, ipv4_fields);

static const struct mir_field ipv6_fields[] = {
    MIR_MUST(struct ec2_range, cidr, "CidrIpv6", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_range, description, "Description", MIR_PUT_TEXT),
};
static const struct mir_table ipv6_table = MIR_TABLE(struct ec2_range, ipv6_fields);

/* A list of texts that are members of a struct of one member. */
static const struct mir_field member_fields[] = {
    {"GroupId", MIR_PUT_TEXT, 0, sizeof(const char *), 0, true, NULL},
};
static const struct mir_table member_table = {member_fields, 1, sizeof(const char *)};

static const struct mir_field rule_fields[] = {
    MIR_MUST(struct ec2_rule, protocol, "IpProtocol", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_rule, from, "FromPort", MIR_PUT_ALWAYS),
    MIR_ROW(struct ec2_rule, to, "ToPort", MIR_PUT_ALWAYS),
    MIR_MANY(struct ec2_rule, ipv4, ipv4_count, "IpRanges", MIR_PUT_LIST, &ipv4_table),
    MIR_MANY(struct ec2_rule, ipv6, ipv6_count, "Ipv6Ranges", MIR_PUT_LIST, &ipv6_table),
    MIR_MANY(struct ec2_rule, group_ids, group_count, "Groups", MIR_PUT_LIST, &member_table),
};
static const struct mir_table rule_table = MIR_TABLE(struct ec2_rule, rule_fields);

static const struct mir_field rules_fields[] = {
    MIR_MUST(struct ec2_rules, group_id, "GroupId", MIR_PUT_TEXT),
    MIR_MANY(struct ec2_rules, rules, rule_count, "IpPermissions", MIR_PUT_LIST, &rule_table),
    EC2_ROW_DRY_RUN(struct ec2_rules),
};
static const struct mir_table rules_table = MIR_TABLE(struct ec2_rules, rules_fields);

/* --- groups as they are found --- */

static const struct mir_field found_ipv4_fields[] = {
    MIR_ROW(struct ec2_found_range, cidr, "cidrIp", MIR_GET_TEXT),
};
static const struct mir_table found_ipv4_table =
    MIR_TABLE(struct ec2_found_range, found_ipv4_fields);

static const struct mir_field found_ipv6_fields[] = {
    MIR_ROW(struct ec2_found_range, cidr, "cidrIpv6", MIR_GET_TEXT),
};
static const struct mir_table found_ipv6_table =
    MIR_TABLE(struct ec2_found_range, found_ipv6_fields);

static const struct mir_field found_rule_fields[] = {
    MIR_MUST(struct ec2_found_rule, protocol, "ipProtocol", MIR_GET_TEXT),
    MIR_ROW(struct ec2_found_rule, from, "fromPort", MIR_GET_NUMBER),
    MIR_ROW(struct ec2_found_rule, to, "toPort", MIR_GET_NUMBER),
    MIR_MANY(struct ec2_found_rule, ipv4, ipv4_count, "ipRanges/item", MIR_GET_LIST,
             &found_ipv4_table),
    MIR_MANY(struct ec2_found_rule, ipv6, ipv6_count, "ipv6Ranges/item", MIR_GET_LIST,
             &found_ipv6_table),
};
static const struct mir_table found_rule_table =
    MIR_TABLE(struct ec2_found_rule, found_rule_fields);

static const struct mir_field group_fields[] = {
    MIR_MUST(struct ec2_group, id, "groupId", MIR_GET_TEXT),
    MIR_ROW(struct ec2_group, name, "groupName", MIR_GET_CUT),
    MIR_ROW(struct ec2_group, description, "groupDescription", MIR_GET_CUT),
    MIR_ROW(struct ec2_group, vpc_id, "vpcId", MIR_GET_TEXT),
    MIR_MANY(struct ec2_group, ingress, ingress_count, "ipPermissions/item", MIR_GET_LIST,
             &found_rule_table),
    MIR_MANY(struct ec2_group, egress, egress_count, "ipPermissionsEgress/item", MIR_GET_LIST,
             &found_rule_table),
    EC2_ROW_FOUND_TAGS(struct ec2_group),
};
static const struct mir_table group_table = MIR_TABLE(struct ec2_group, group_fields);

static const struct mir_field groups_fields[] = {
    MIR_MANY(struct ec2_groups, rows, count, "securityGroupInfo/item", MIR_GET_LIST, &group_table),
};
static const struct mir_table groups_table = MIR_TABLE(struct ec2_groups, groups_fields);

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
