/* SPDX-License-Identifier: ISC */
/* Where instances stand, who may reach them, and addresses of their own. */
#include <string.h>

#include "api/memory.h"
#include "moto.h"

static void check_subnet(const struct ec2_subnet *subnet)
{
    SAME(subnet->vpc_id, moto.vpc);
    SAME(subnet->zone, MOTO_ZONE);
    SAME(subnet->state, "available");
    SAME(subnet->cidr, "172.31.0.0/20");
    EXPECT(subnet->free_addresses > 4000 && subnet->default_for_zone && subnet->public_on_launch);
    EXPECT(!subnet->ipv6_on_launch && !subnet->ipv6_only);
}

static void call_vpcs(void)
{
    struct ec2_vpcs vpcs = {0};
    struct one_id id;
    struct one_filter filter;
    CALL("DescribeVpcs", ec2_describe_vpcs, by_filter(&filter, "is-default", "true"), &vpcs);
    EXPECT(vpcs.count == 1);
    if (vpcs.count) {
        mir_copy(moto.vpc, sizeof moto.vpc, vpcs.rows[0].id);
        SAME(vpcs.rows[0].state, "available");
        SAME(vpcs.rows[0].cidr, "172.31.0.0/16");
        EXPECT(vpcs.rows[0].is_default);
    }
    CALL("DescribeVpcs", ec2_describe_vpcs, by_id(&id, moto.vpc), &vpcs);
    EXPECT(vpcs.count == 1);
    ec2_vpcs_clear(&vpcs);
}

/* Puts a tag on something, and reads it from a description of tags. */
static void tag(const char *id, const char *kind)
{
    const struct ec2_tag tags[] = {{"kept", kind}};
    struct ec2_tagging args = {.ids = &id, .id_count = 1, .tags = tags, .tag_count = 1};
    struct ec2_tag_rows rows = {0};
    struct one_filter filter;
    TRY_DO("CreateTags", ec2_create_tags, &args);
    CALL("DescribeTags", ec2_describe_tags, by_filter(&filter, "resource-id", id), &rows);
    EXPECT(rows.count == 1);
    if (rows.count) {
        SAME(rows.rows[0].resource_id, id);
        SAME(rows.rows[0].resource_type, kind);
        SAME(rows.rows[0].key, "kept");
        SAME(rows.rows[0].value, kind);
    }
    ec2_tag_rows_clear(&rows);
}

static void untag(const char *id, const char *kind)
{
    const struct ec2_tag tags[] = {{"kept", kind}};
    struct ec2_tagging args = {.ids = &id, .id_count = 1, .tags = tags, .tag_count = 1};
    struct ec2_tag_rows rows = {0};
    struct one_filter filter;
    TRY_DO("DeleteTags", ec2_delete_tags, &args);
    CALL("DescribeTags", ec2_describe_tags, by_filter(&filter, "resource-id", id), &rows);
    EXPECT(rows.count == 0);
    ec2_tag_rows_clear(&rows);
}

void call_networks(void)
{
    struct ec2_subnets subnets = {0};
    struct ec2_vpcs vpcs = {0};
    struct one_id id;
    struct one_filter filter;
    call_vpcs();
    CALL("DescribeSubnets", ec2_describe_subnets,
         by_filter(&filter, "availability-zone", MOTO_ZONE), &subnets);
    EXPECT(subnets.count == 1);
    if (subnets.count)
        mir_copy(moto.subnet, sizeof moto.subnet, subnets.rows[0].id);
    tag(moto.subnet, "subnet");
    tag(moto.vpc, "vpc");
    CALL("DescribeSubnets", ec2_describe_subnets, by_id(&id, moto.subnet), &subnets);
    CALL("DescribeVpcs", ec2_describe_vpcs, by_id(&id, moto.vpc), &vpcs);
    EXPECT(subnets.count == 1 && vpcs.count == 1);
    if (subnets.count && vpcs.count) {
        check_subnet(&subnets.rows[0]);
        KEPT(&subnets.rows[0], "subnet");
        KEPT(&vpcs.rows[0], "vpc");
    }
    ec2_subnets_clear(&subnets);
    ec2_vpcs_clear(&vpcs);
    untag(moto.subnet, "subnet");
    untag(moto.vpc, "vpc");
}

/* --- security groups --- */

static const struct ec2_found_rule *rule_of(const struct ec2_found_rule *rules, size_t count,
                                            int64_t from)
{
    for (size_t i = 0; i < count; i++)
        if (rules[i].from == from && strcmp(rules[i].protocol, "-1") != 0)
            return &rules[i];
    return NULL;
}

static void check_rule(const struct ec2_found_rule *rule)
{
    EXPECT(rule);
    if (!rule)
        return;
    SAME(rule->protocol, "tcp");
    EXPECT(rule->from == 80 && rule->to == 81 && rule->ipv4_count == 1 && rule->ipv6_count == 1);
    if (rule->ipv4_count)
        SAME(rule->ipv4[0].cidr, "10.1.0.0/16");
    if (rule->ipv6_count)
        SAME(rule->ipv6[0].cidr, "2001:db8::/32");
}

/* What the group lets in and out now: that one rule of ours, or (as moto leaves IPv6 ranges in what
 * lets out) none of its IPv4 ranges. */
static void check_group(bool ruled)
{
    struct ec2_groups groups = {0};
    struct one_id id;
    CALL("DescribeSecurityGroups", ec2_describe_security_groups, by_id(&id, moto.group), &groups);
    EXPECT(groups.count == 1);
    if (groups.count) {
        const struct ec2_group *group = &groups.rows[0];
        SAME(group->id, moto.group);
        SAME(group->name, "web");
        SAME(group->description, "what the web may reach");
        SAME(group->vpc_id, moto.vpc);
        KEPT(group, "group");
        const struct ec2_found_rule *in = rule_of(group->ingress, group->ingress_count, 80);
        const struct ec2_found_rule *out = rule_of(group->egress, group->egress_count, 80);
        if (ruled) {
            check_rule(in);
            check_rule(out);
        } else {
            EXPECT(!in && (!out || !out->ipv4_count));
        }
    }
    ec2_groups_clear(&groups);
}

static void call_rules(void)
{
    const struct ec2_range ipv4[] = {{"10.1.0.0/16", "inside"}};
    const struct ec2_range ipv6[] = {{"2001:db8::/32", "inside, too"}};
    const char *const ids[] = {moto.group};
    const struct ec2_rule rules[] = {{.protocol = "tcp",
                                      .from = 80,
                                      .to = 81,
                                      .ipv4 = ipv4,
                                      .ipv4_count = 1,
                                      .ipv6 = ipv6,
                                      .ipv6_count = 1,
                                      .group_ids = ids,
                                      .group_count = 1}};
    struct ec2_rules args = {.group_id = moto.group, .rules = rules, .rule_count = 1};
    check_group(false);
    TRY_DO("AuthorizeSecurityGroupIngress", ec2_authorize_ingress, &args);
    TRY_DO("AuthorizeSecurityGroupEgress", ec2_authorize_egress, &args);
    check_group(true);
    EXPECT(ec2_authorize_ingress(calls.session, &args, calls.until_ms, &calls.err) &&
           calls.err.kind == MIR_CONFLICT);
    TRY_DO("RevokeSecurityGroupIngress", ec2_revoke_ingress, &args);
    TRY_DO("RevokeSecurityGroupEgress", ec2_revoke_egress, &args);
    check_group(false);
}

void call_groups(void)
{
    struct one_tag one;
    struct one_filter filter;
    struct ec2_create_group_args args = {.name = "web",
                                         .description = "what the web may reach",
                                         .vpc_id = moto.vpc,
                                         .tags = tagged(&one, "security-group", "group"),
                                         .tag_count = 1};
    struct ec2_group_id made_id = {0};
    struct ec2_groups groups = {0};
    TRY_CALL("CreateSecurityGroup", ec2_create_security_group, &args, &made_id);
    mir_copy(moto.group, sizeof moto.group, made_id.id);
    EXPECT(ec2_create_security_group(calls.session, &args, calls.until_ms, &made_id, &calls.err) &&
           calls.err.kind == MIR_CONFLICT);
    CALL("DescribeSecurityGroups", ec2_describe_security_groups,
         by_filter(&filter, "tag:kept", "group"), &groups);
    EXPECT(groups.count == 1);
    ec2_groups_clear(&groups);
    call_rules();
}

/* --- addresses --- */

/* Whose it is: `to` (NULL: nobody's). */
static void check_address(const struct ec2_address *wanted, const struct ec2_associate *to,
                          const char *association)
{
    struct ec2_addresses addresses = {0};
    struct one_id id;
    CALL("DescribeAddresses", ec2_describe_addresses, by_id(&id, wanted->allocation_id),
         &addresses);
    EXPECT(addresses.count == 1);
    if (addresses.count) {
        SAME(addresses.rows[0].address, wanted->address);
        SAME(addresses.rows[0].association_id, association);
        SAME(addresses.rows[0].instance_id, to && to->instance_id ? to->instance_id : "");
        if (to && to->interface_id)
            SAME(addresses.rows[0].interface_id, to->interface_id);
        KEPT(&addresses.rows[0], "address");
    }
    ec2_addresses_clear(&addresses);
}

static void check_addressed_interface(const struct ec2_address *address,
                                      const struct ec2_associate *to)
{
    struct ec2_nics nics = {0};
    struct one_filter filter;
    CALL("DescribeNetworkInterfaces", ec2_describe_network_interfaces,
         to->interface_id ? by_filter(&filter, "network-interface-id", to->interface_id)
                          : by_filter(&filter, "attachment.instance-id", to->instance_id),
         &nics);
    EXPECT(nics.count == 1);
    if (nics.count)
        SAME(nics.rows[0].address, address->address);
    ec2_nics_clear(&nics);
}

static void give_address(const struct ec2_address *address, const struct ec2_associate *to)
{
    struct ec2_associate give = *to;
    struct ec2_association association = {0};
    give.allocation_id = address->allocation_id;
    give.allow_reassociation = MIR_YES;
    TRY_CALL("AssociateAddress", ec2_associate_address, &give, &association);
    check_address(address, &give, association.id);
    check_addressed_interface(address, &give);
    struct ec2_target loose = {.id = association.id};
    TRY_DO("DisassociateAddress", ec2_disassociate_address, &loose);
    check_address(address, NULL, "");
}

void call_addresses(void)
{
    struct one_tag one;
    struct one_filter filter;
    struct ec2_allocate args = {.tags = tagged(&one, "elastic-ip", "address"), .tag_count = 1};
    struct ec2_address address = {0};
    struct ec2_addresses addresses = {0};
    CALL_INSIDE("AllocateAddress", ec2_allocate_address, &args, &address);
    check_address(&address, NULL, "");
    give_address(&address, &(struct ec2_associate){.instance_id = moto.instance});
    give_address(&address, &(struct ec2_associate){.interface_id = moto.nic});
    struct ec2_target release = {.id = address.allocation_id};
    TRY_DO("ReleaseAddress", ec2_release_address, &release);
    CALL("DescribeAddresses", ec2_describe_addresses, by_filter(&filter, "tag:kept", "address"),
         &addresses);
    EXPECT(addresses.count == 0);
    ec2_addresses_clear(&addresses);
}

void delete_networks(void)
{
    struct ec2_groups groups = {0};
    struct one_filter filter;
    struct ec2_target group = {.id = moto.group};
    TRY_DO("DeleteSecurityGroup", ec2_delete_security_group, &group);
    CALL("DescribeSecurityGroups", ec2_describe_security_groups,
         by_filter(&filter, "group-name", "web"), &groups);
    EXPECT(groups.count == 0);
    ec2_groups_clear(&groups);
}
