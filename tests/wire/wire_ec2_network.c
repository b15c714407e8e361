/* SPDX-License-Identifier: ISC */
#include "ec2_wire.h"

#include "ec2/address.h"
#include "ec2/group.h"
#include "ec2/keypair.h"
#include "ec2/network.h"

#define GROUP "sg-0ddddddddddddddd1"
#define ALLOCATION "eipalloc-0123456789abcdef0"

static const struct ec2_tag tags[] = {{"Installation", "0123"}};
static const char *const installation[] = {"0123"};
static const struct ec2_filter filters[] = {{"tag:Installation", installation, 1}};
static const struct ec2_describe ours = {.filters = filters, .filter_count = 1};

/* --- addresses --- */

static int allocate(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    static const struct ec2_tag_set sets[] = {{"elastic-ip", tags, 1}};
    struct ec2_allocate args = {.tags = sets, .tag_count = 1};
    struct ec2_address made = {0};
    int rc = ec2_allocate_address(session, &args, until_ms, &made, err);
    assert_string_equal(made.allocation_id, ALLOCATION);
    assert_string_equal(made.address, "192.0.2.77");
    return rc;
}

static int associate(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_associate args = {.allocation_id = ALLOCATION,
                                 .instance_id = "i-1",
                                 .interface_id = "eni-1",
                                 .allow_reassociation = MIR_NO};
    struct ec2_association made = {{0}};
    int rc = ec2_associate_address(session, &args, until_ms, &made, err);
    assert_string_equal(made.id, "eipassoc-0123456789abcdef0");
    return rc;
}

static int disassociate(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_target args = {.id = "eipassoc-0123456789abcdef0"};
    return ec2_disassociate_address(session, &args, until_ms, err);
}

static int release(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_target args = {.id = ALLOCATION};
    return ec2_release_address(session, &args, until_ms, err);
}

static int describe_addresses(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_addresses found = {0};
    int rc = ec2_describe_addresses(session, &ours, until_ms, &found, err);
    assert_int_equal(found.count, 2);
    assert_string_equal(found.rows[0].association_id, "eipassoc-0123456789abcdef0");
    assert_string_equal(found.rows[0].instance_id, "i-0123456789abcdef0");
    assert_string_equal(found.rows[1].address, "192.0.2.78");
    assert_string_equal(found.rows[1].association_id, "");
    ec2_addresses_clear(&found);
    return rc;
}

/* --- security groups --- */

static int create_group(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    static const struct ec2_tag_set sets[] = {{"security-group", tags, 1}};
    struct ec2_create_group_args args = {.name = "mirage-1",
                                         .description = "ports of one deployment",
                                         .vpc_id = "vpc-1",
                                         .tags = sets,
                                         .tag_count = 1};
    struct ec2_group_id made = {{0}};
    int rc = ec2_create_security_group(session, &args, until_ms, &made, err);
    assert_string_equal(made.id, GROUP);
    return rc;
}

static int delete_group(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_target args = {.id = GROUP};
    return ec2_delete_security_group(session, &args, until_ms, err);
}

static const struct ec2_range everybody4[] = {{"0.0.0.0/0", NULL}, {"198.51.100.0/24", "office"}};
static const struct ec2_range everybody6[] = {{"::/0", NULL}};
static const char *const peers[] = {"sg-2", "sg-3"};
static const struct ec2_rule rule_rows[] = {
    {.protocol = "tcp",
     .from = 80,
     .to = 80,
     .ipv4 = everybody4,
     .ipv4_count = 2,
     .ipv6 = everybody6,
     .ipv6_count = 1,
     .group_ids = peers,
     .group_count = 2},
    {.protocol = "icmp", .from = -1, .to = -1, .ipv4 = everybody4, .ipv4_count = 1},
};
static const struct ec2_rules rules = {.group_id = GROUP, .rules = rule_rows, .rule_count = 2};
static const struct ec2_rule all_rows[] = {{.protocol = "-1", .ipv4 = everybody4, .ipv4_count = 1}};
static const struct ec2_rules all = {.group_id = GROUP, .rules = all_rows, .rule_count = 1};

static int allow_in(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    return ec2_authorize_ingress(session, &rules, until_ms, err);
}

static int revoke_in(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    return ec2_revoke_ingress(session, &rules, until_ms, err);
}

static int allow_out(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    return ec2_authorize_egress(session, &all, until_ms, err);
}

static int revoke_out(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    return ec2_revoke_egress(session, &all, until_ms, err);
}

static int describe_groups(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_groups found = {0};
    int rc = ec2_describe_security_groups(session, &ours, until_ms, &found, err);
    assert_int_equal(found.count, 1);
    const struct ec2_group *g = &found.rows[0];
    assert_string_equal(g->id, GROUP);
    assert_string_equal(g->name, "mirage-1");
    assert_int_equal(g->ingress_count, 1);
    assert_int_equal(g->ingress[0].from, 80);
    assert_string_equal(g->ingress[0].ipv4[0].cidr, "0.0.0.0/0");
    assert_string_equal(g->ingress[0].ipv6[0].cidr, "::/0");
    assert_int_equal(g->egress_count, 1);
    assert_string_equal(g->egress[0].protocol, "-1");
    assert_int_equal(g->egress[0].ipv6_count, 0);
    ec2_groups_clear(&found);
    return rc;
}

/* --- key pairs --- */

static const struct ec2_tag_set key_sets[] = {{"key-pair", tags, 1}};

static int create_key(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_create_key_args args = {
        .name = "my-key", .type = "ed25519", .format = "pem", .tags = key_sets, .tag_count = 1};
    struct ec2_key made = {0};
    int rc = ec2_create_key_pair(session, &args, until_ms, &made, err);
    assert_string_equal(made.id, "key-0123456789abcdef0");
    assert_string_equal(mir_secret_text(&made.private_key),
                        "-----BEGIN EXAMPLE KEY-----\nnot one\n-----END EXAMPLE KEY-----");
    ec2_key_clear(&made);
    return rc;
}

static int import_key(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_import_key_args args = {.name = "my-key",
                                       .public_key = "ssh-ed25519 AAAA me",
                                       .public_key_len = 19,
                                       .tags = key_sets,
                                       .tag_count = 1};
    struct ec2_key made = {0};
    int rc = ec2_import_key_pair(session, &args, until_ms, &made, err);
    assert_string_equal(made.fingerprint, "/1Ab");
    ec2_key_clear(&made);
    return rc;
}

static int delete_key(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_target args = {.id = "my-key"};
    return ec2_delete_key_pair(session, &args, until_ms, err);
}

static int describe_keys(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    static const char *const names[] = {"my-key"};
    struct ec2_describe args = {.ids = names, .id_count = 1};
    struct ec2_keys found = {0};
    int rc = ec2_describe_key_pairs(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.rows[0].name, "my-key");
    assert_string_equal(found.rows[0].type, "ed25519");
    assert_int_equal(found.rows[0].created_s, TEST_NOW_S);
    ec2_keys_clear(&found);
    return rc;
}

/* --- networks --- */

static int describe_subnets(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    static const char *const yes[] = {"true"};
    static const struct ec2_filter of_zone[] = {{"default-for-az", yes, 1}};
    struct ec2_describe args = {.filters = of_zone, .filter_count = 1};
    struct ec2_subnets found = {0};
    int rc = ec2_describe_subnets(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 1);
    const struct ec2_subnet *s = &found.rows[0];
    assert_string_equal(s->zone, "eu-central-1a");
    assert_int_equal(s->free_addresses, 4091);
    assert_true(s->default_for_zone && s->public_on_launch && !s->ipv6_on_launch && !s->ipv6_only);
    assert_int_equal(s->ipv6_count, 1);
    assert_string_equal(s->ipv6[0].cidr, "2001:db8::/64");
    ec2_subnets_clear(&found);
    return rc;
}

static int describe_vpcs(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_describe args = {0};
    struct ec2_vpcs found = {0};
    int rc = ec2_describe_vpcs(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 1);
    assert_true(found.rows[0].is_default);
    ec2_vpcs_clear(&found);
    return rc;
}

static int describe_nics(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_nics found = {0};
    int rc = ec2_describe_network_interfaces(session, &ours, until_ms, &found, err);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.rows[0].instance_id, "i-0123456789abcdef0");
    assert_string_equal(found.rows[0].address, "192.0.2.44");
    assert_true(found.rows[0].delete_on_termination && !found.rows[0].managed);
    ec2_nics_clear(&found);
    return rc;
}

static int delete_nic(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_target args = {.id = "eni-1"};
    return ec2_delete_network_interface(session, &args, until_ms, err);
}

static const struct wire_case cases[] = {
    {"AllocateAddress/plain", allocate, MIR_OK, NULL},
    {"AssociateAddress/plain", associate, MIR_OK, NULL},
    {"DisassociateAddress/plain", disassociate, MIR_OK, NULL},
    {"ReleaseAddress/plain", release, MIR_OK, NULL},
    {"ReleaseAddress/in-use", release, MIR_CONFLICT, "InvalidIPAddress.InUse"},
    {"DescribeAddresses/plain", describe_addresses, MIR_OK, NULL},
    {"CreateSecurityGroup/plain", create_group, MIR_OK, NULL},
    {"DeleteSecurityGroup/plain", delete_group, MIR_OK, NULL},
    {"DeleteSecurityGroup/in-use", delete_group, MIR_CONFLICT, "DependencyViolation"},
    {"AuthorizeSecurityGroupIngress/plain", allow_in, MIR_OK, NULL},
    {"RevokeSecurityGroupIngress/plain", revoke_in, MIR_OK, NULL},
    {"AuthorizeSecurityGroupEgress/plain", allow_out, MIR_OK, NULL},
    {"RevokeSecurityGroupEgress/plain", revoke_out, MIR_OK, NULL},
    {"RevokeSecurityGroupEgress/says-no", revoke_out, MIR_NOT_FOUND, "InvalidPermission.NotFound"},
    {"DescribeSecurityGroups/plain", describe_groups, MIR_OK, NULL},
    {"CreateKeyPair/plain", create_key, MIR_OK, NULL},
    {"ImportKeyPair/plain", import_key, MIR_OK, NULL},
    {"DeleteKeyPair/plain", delete_key, MIR_OK, NULL},
    {"DescribeKeyPairs/plain", describe_keys, MIR_OK, NULL},
    {"DescribeSubnets/plain", describe_subnets, MIR_OK, NULL},
    {"DescribeVpcs/plain", describe_vpcs, MIR_OK, NULL},
    {"DescribeNetworkInterfaces/plain", describe_nics, MIR_OK, NULL},
    {"DeleteNetworkInterface/plain", delete_nic, MIR_OK, NULL},
};

WIRE_MAIN(cases)
