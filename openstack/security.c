/* SPDX-License-Identifier: ISC */
/* Neutron's security groups and their rules. */
#include "openstack/network.h"
#include "tables.h"

#define RULE(member, path, kind) MIR_ROW(struct os_rule, member, path, kind)

static const struct mir_field rule_fields[] = {
    MIR_MUST(struct os_rule, id, "id", MIR_GET_TEXT),
    RULE(direction, "direction", MIR_GET_TEXT),
    RULE(ethertype, "ethertype", MIR_GET_TEXT),
    RULE(protocol, "protocol", MIR_GET_TEXT),
    RULE(port_min, "port_range_min", MIR_GET_NUMBER),
    RULE(port_max, "port_range_max", MIR_GET_NUMBER),
    RULE(remote_prefix, "remote_ip_prefix", MIR_GET_TEXT),
    RULE(remote_group, "remote_group_id", MIR_GET_TEXT),
    RULE(description, "description", MIR_GET_OWNED),
};
OS_TABLE(struct os_rule, rule);

static const struct mir_field group_fields[] = {
    MIR_MUST(struct os_group, id, "id", MIR_GET_TEXT),
    MIR_ROW(struct os_group, project_id, "project_id", MIR_GET_TEXT),
    MIR_ROW(struct os_group, name, "name", MIR_GET_OWNED),
    MIR_ROW(struct os_group, description, "description", MIR_GET_OWNED),
    OS_ROW_WORDS(struct os_group, tags, tag_count, "tags"),
    OS_ROW_LIST(struct os_group, rules, rule_count, "security_group_rules", &rule_table),
};
OS_TABLE(struct os_group, group);
OS_LIST_TABLE(struct os_groups, groups, "security_groups", &group_table);

static const struct mir_field create_group_fields[] = {
    MIR_MUST(struct os_create_group, name, "security_group.name", MIR_PUT_TEXT),
    MIR_ROW(struct os_create_group, description, "security_group.description", MIR_PUT_TEXT),
    OS_ROW_TEXTS(struct os_create_group, tags, tag_count, "security_group.tags"),
};
OS_TABLE(struct os_create_group, create_group);

static const struct mir_field list_fields[] = {
    MIR_ROW(struct os_list_things, name, "name", MIR_PUT_TEXT),
    MIR_ROW(struct os_list_things, description, "description", MIR_PUT_TEXT),
    MIR_ROW(struct os_list_things, project_id, "project_id", MIR_PUT_TEXT),
    MIR_ROW(struct os_list_things, tags, "tags", MIR_PUT_TEXT),
};
OS_TABLE(struct os_list_things, list);

#define MAKES(member, name, kind)                                                                  \
    MIR_ROW(struct os_create_rule, member, "security_group_rule." name, kind)

static const struct mir_field create_rule_fields[] = {
    MIR_MUST(struct os_create_rule, group_id, "security_group_rule.security_group_id",
             MIR_PUT_TEXT),
    MIR_MUST(struct os_create_rule, direction, "security_group_rule.direction", MIR_PUT_TEXT),
    MAKES(ethertype, "ethertype", MIR_PUT_TEXT),
    MAKES(protocol, "protocol", MIR_PUT_TEXT),
    MAKES(port_min, "port_range_min", MIR_PUT_NUMBER),
    MAKES(port_max, "port_range_max", MIR_PUT_NUMBER),
    MAKES(remote_prefix, "remote_ip_prefix", MIR_PUT_TEXT),
    MAKES(remote_group, "remote_group_id", MIR_PUT_TEXT),
    MAKES(description, "description", MIR_PUT_TEXT),
};
OS_TABLE(struct os_create_rule, create_rule);

enum { CREATE, GET, LIST, DELETE, CREATE_RULE, DELETE_RULE };

#define NEUTRON .service = OS_NETWORK

const struct os_operation os_security_operations[] = {
    [CREATE] = {NEUTRON, .name = "CreateSecurityGroup", .method = "POST",
                .path = "/security-groups", .request = &create_group_table, .reply = &group_table,
                .result = "security_group", .once = true},
    [GET] = {NEUTRON, .name = "ShowSecurityGroup", .method = "GET", .path = "/security-groups/%",
             .reply = &group_table, .result = "security_group", .reads = true},
    [LIST] = {NEUTRON, .name = "ListSecurityGroups", .method = "GET", .path = "/security-groups",
              .request = &list_table, .reply = &groups_table, .reads = true,
              .paging = OS_PAGES_LINKS, .page_next = "security_groups_links", .page = 500},
    [DELETE] = {NEUTRON, .name = "DeleteSecurityGroup", .method = "DELETE",
                .path = "/security-groups/%"},
    [CREATE_RULE] = {NEUTRON, .name = "CreateSecurityGroupRule", .method = "POST",
                     .path = "/security-group-rules", .request = &create_rule_table,
                     .reply = &rule_table, .result = "security_group_rule", .once = true},
    [DELETE_RULE] = {NEUTRON, .name = "DeleteSecurityGroupRule", .method = "DELETE",
                     .path = "/security-group-rules/%"},
    {0},
};

OS_CREATE(os_group_create, struct os_create_group, struct os_group, &os_security_operations[CREATE])
OS_GET_ONE(os_group_get, struct os_group, &os_security_operations[GET])
OS_LIST_ALL(os_group_list, struct os_list_things, struct os_groups, &os_security_operations[LIST])
OS_ACT_ON(os_group_delete, &os_security_operations[DELETE])
OS_CREATE(os_rule_create, struct os_create_rule, struct os_rule,
          &os_security_operations[CREATE_RULE])
OS_ACT_ON(os_rule_delete, &os_security_operations[DELETE_RULE])
OS_CLEAR(os_group_clear, struct os_group, &group_table)
OS_CLEAR(os_groups_clear, struct os_groups, &groups_table)
OS_CLEAR(os_rule_clear, struct os_rule, &rule_table)
