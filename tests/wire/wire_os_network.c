/* SPDX-License-Identifier: ISC */
#include "os_wire.h"

#include "openstack/network.h"

#define NETWORK "94ea1e0b-0000-4669-b709-000000000003"
#define PORT "703f44cc-0000-4c5c-96aa-000000000004"
#define SUBNET "665bbd8a-0000-4fa0-93f6-000000000005"
#define GROUP "572aa142-0000-40f6-bfca-000000000006"
#define ADDRESS "2f245a7b-0000-4a5c-8b1c-000000000007"
#define RULE "aee7345c-0000-44da-b2b7-000000000013"
#define OURS "mirage-deploy 0123"

static const char *const tags[] = {"a", "b c"};
static const char *const groups[] = {GROUP};

/* --- what there is --- */

static int networks(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_list_networks args = {.name = "a b", .external = MIR_NO, .shared = MIR_YES};
    os_auto_networks struct os_networks found = {0};
    int rc = os_network_list(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 2);
    const struct os_network *n = &found.rows[0];
    assert_string_equal(n->id, NETWORK);
    assert_true(n->up && n->shared && !n->external && n->port_security);
    assert_int_equal(n->mtu, 1500);
    assert_string_equal(n->subnets[0].text, SUBNET);
    assert_true(found.rows[1].external);
    return rc;
}

static int subnets(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_subnets found = {0};
    int rc = os_subnet_list(session, NETWORK, until_ms, &found, err);
    assert_int_equal(found.count, 2);
    assert_string_equal(found.rows[0].cidr, "192.0.2.0/24");
    assert_string_equal(found.rows[0].gateway, "192.0.2.1");
    assert_string_equal(found.rows[0].name_servers[0].text, "192.0.2.53");
    assert_true(!found.rows[0].dhcp && found.rows[1].dhcp);
    assert_int_equal(found.rows[1].ip_version, 6);
    assert_string_equal(found.rows[1].ipv6_address_mode, "slaac");
    os_subnets_clear(&found);
    return rc;
}

static int routers(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_routers found = {0};
    int rc = os_router_list(session, until_ms, &found, err);
    assert_int_equal(found.count, 2);
    assert_string_equal(found.rows[0].external_network_id, NETWORK);
    assert_string_equal(found.rows[1].external_network_id, "");
    os_routers_clear(&found);
    return rc;
}

static int has(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    bool is = false;
    int rc = os_network_has(session, "standard-attr-tag", until_ms, &is, err);
    assert_true(is);
    return rc;
}

static int topology_of(struct os_session *session, bool dry, const char *want, int64_t until_ms,
                       struct mir_error *err)
{
    char id[OS_ID_TEXT] = "";
    int rc = os_network_auto(session, dry, until_ms, id, err);
    assert_string_equal(id, want);
    return rc;
}

static int topology(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return topology_of(session, false, NETWORK, until_ms, err);
}

static int topology_dry(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return topology_of(session, true, "dry-run=pass", until_ms, err);
}

static int topology_cannot(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return topology_of(session, false, "", until_ms, err);
}

static int quota(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_quota found = {0};
    int rc = os_network_quota(session, until_ms, &found, err);
    assert_int_equal(found.floating_ips, 50);
    assert_int_equal(found.floating_ips_used, 1);
    assert_int_equal(found.rules, -1);
    assert_int_equal(found.rules_used, 7);
    return rc;
}

/* --- security groups --- */

static int create_group(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_create_group args = {
        .name = "mirage-1", .description = OURS, .tags = tags, .tag_count = 2};
    os_auto_group struct os_group made = {.id = ""};
    int rc = os_group_create(session, &args, until_ms, &made, err);
    assert_string_equal(made.id, rc ? "" : GROUP);
    assert_int_equal(made.rule_count, rc ? 0 : 1);
    return rc;
}

static int show_group(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    os_auto_group struct os_group found = {.id = ""};
    int rc = os_group_get(session, GROUP, until_ms, &found, err);
    assert_string_equal(found.description, OURS);
    assert_string_equal(found.rules[0].direction, "egress");
    assert_string_equal(found.rules[0].protocol, "");
    assert_string_equal(found.tags[0].text, "mirage");
    return rc;
}

static int list_groups(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_list_things args = {.description = OURS, .tags = "a,b c"};
    os_auto_groups struct os_groups found = {0};
    int rc = os_group_list(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.rows[0].rule_count, 2);
    assert_int_equal(found.rows[0].rules[1].port_max, 80);
    return rc;
}

static int delete_group(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_group_delete(session, GROUP, until_ms, err);
}

static int create_rule(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_create_rule args = {.group_id = GROUP,
                                  .direction = "ingress",
                                  .protocol = "tcp",
                                  .port_min = 80,
                                  .port_max = 80,
                                  .remote_prefix = "0.0.0.0/0",
                                  .description = "web"};
    struct os_rule made = {.id = ""};
    int rc = os_rule_create(session, &args, until_ms, &made, err);
    assert_string_equal(made.id, rc ? "" : RULE);
    os_rule_clear(&made);
    return rc;
}

static int create_rule_six(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_create_rule args = {.group_id = GROUP,
                                  .direction = "ingress",
                                  .ethertype = "IPv6",
                                  .protocol = "ipv6-icmp",
                                  .remote_prefix = "::/0"};
    struct os_rule made = {.id = ""};
    int rc = os_rule_create(session, &args, until_ms, &made, err);
    assert_string_equal(made.ethertype, "IPv6");
    os_rule_clear(&made);
    return rc;
}

static int delete_rule(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_rule_delete(session, RULE, until_ms, err);
}

/* --- ports --- */

static int create_port(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    static const struct os_ask_ip ips[] = {{.subnet_id = SUBNET, .address = "192.0.2.55"}};
    struct os_create_port args = {.network_id = NETWORK,
                                  .name = "mirage-1",
                                  .description = OURS,
                                  .groups = groups,
                                  .group_count = 1,
                                  .addresses = ips,
                                  .address_count = 1,
                                  .port_security = MIR_YES,
                                  .tags = tags,
                                  .tag_count = 2};
    os_auto_port struct os_port made = {.id = ""};
    int rc = os_port_create(session, &args, until_ms, &made, err);
    assert_string_equal(made.id, rc ? "" : PORT);
    return rc;
}

static int show_port(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    os_auto_port struct os_port p = {.id = ""};
    int rc = os_port_get(session, PORT, until_ms, &p, err);
    assert_string_equal(p.device_owner, "compute:nova");
    assert_string_equal(p.mac, "fa:16:3e:32:8d:70");
    assert_int_equal(p.address_count, 2);
    assert_string_equal(p.addresses[1].address, "2001:db8::55");
    assert_string_equal(p.groups[0].text, GROUP);
    assert_true(p.up && p.port_security);
    return rc;
}

static int list_ports(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_list_ports args = {.description = OURS, .device_id = "s", .network_id = NETWORK};
    os_auto_ports struct os_ports found = {0};
    int rc = os_port_list(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 1);
    return rc;
}

static int update_port(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_update_port args = {.description = "another", .groups = groups, .group_count = 1};
    return os_port_update(session, PORT, &args, until_ms, err);
}

static int delete_port(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_port_delete(session, PORT, until_ms, err);
}

/* --- floating addresses --- */

static int create_ip(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_create_floating_ip args = {
        .network_id = NETWORK, .port_id = PORT, .description = OURS, .tags = tags, .tag_count = 2};
    struct os_floating_ip made = {.id = ""};
    int rc = os_floating_ip_create(session, &args, until_ms, &made, err);
    assert_string_equal(made.address, rc ? "" : "198.51.100.7");
    os_floating_ip_clear(&made);
    return rc;
}

static int show_ip(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_floating_ip found = {.id = ""};
    int rc = os_floating_ip_get(session, ADDRESS, until_ms, &found, err);
    assert_string_equal(found.port_id, PORT);
    assert_string_equal(found.fixed_address, "192.0.2.55");
    assert_string_equal(found.description, OURS);
    os_floating_ip_clear(&found);
    return rc;
}

static int list_ips(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_list_floating_ips args = {
        .description = OURS, .port_id = PORT, .network_id = NETWORK, .address = "198.51.100.7"};
    os_auto_floating_ips struct os_floating_ips found = {0};
    int rc = os_floating_ip_list(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.rows[0].port_id, "");
    return rc;
}

static int move_ip(struct os_session *session, const char *to, int64_t until_ms,
                   struct mir_error *err)
{
    struct os_floating_ip moved = {.id = ""};
    int rc = os_floating_ip_move(session, ADDRESS, to, until_ms, &moved, err);
    assert_string_equal(moved.port_id, to ? to : "");
    os_floating_ip_clear(&moved);
    return rc;
}

static int give_ip(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return move_ip(session, PORT, until_ms, err);
}

static int take_ip(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return move_ip(session, NULL, until_ms, err);
}

static int delete_ip(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_floating_ip_delete(session, ADDRESS, until_ms, err);
}

/* --- tags --- */

static int tag_port(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_network_set_tags(session, OS_TAG_PORT, PORT, tags, 2, until_ms, err);
}

static int tag_nothing(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_network_set_tags(session, OS_TAG_GROUP, GROUP, NULL, 0, until_ms, err);
}

static const struct wire_case cases[] = {
    {"ListNetworks/pages", networks, MIR_OK, NULL},
    {"ListSubnets/plain", subnets, MIR_OK, NULL},
    {"ListRouters/plain", routers, MIR_OK, NULL},
    {"ListExtensions/plain", has, MIR_OK, NULL},
    {"GetAutoTopology/plain", topology, MIR_OK, NULL},
    {"GetAutoTopology/cannot", topology_cannot, MIR_CONFLICT, "AutoAllocationFailure"},
    {"TryAutoTopology/plain", topology_dry, MIR_OK, NULL},
    {"ShowQuota/plain", quota, MIR_OK, NULL},
    {"CreateSecurityGroup/plain", create_group, MIR_OK, NULL},
    {"CreateSecurityGroup/quota", create_group, MIR_POLICY, "OverQuota"},
    {"ShowSecurityGroup/plain", show_group, MIR_OK, NULL},
    {"ListSecurityGroups/plain", list_groups, MIR_OK, NULL},
    {"DeleteSecurityGroup/plain", delete_group, MIR_OK, NULL},
    {"DeleteSecurityGroup/in-use", delete_group, MIR_CONFLICT, "SecurityGroupInUse"},
    {"CreateSecurityGroupRule/plain", create_rule, MIR_OK, NULL},
    {"CreateSecurityGroupRule/six", create_rule_six, MIR_OK, NULL},
    {"CreateSecurityGroupRule/there", create_rule, MIR_CONFLICT, "SecurityGroupRuleExists"},
    {"DeleteSecurityGroupRule/plain", delete_rule, MIR_OK, NULL},
    {"CreatePort/plain", create_port, MIR_OK, NULL},
    {"CreatePort/full", create_port, MIR_UNAVAILABLE, "IpAddressGenerationFailure"},
    {"ShowPort/plain", show_port, MIR_OK, NULL},
    {"ListPorts/plain", list_ports, MIR_OK, NULL},
    {"UpdatePort/plain", update_port, MIR_OK, NULL},
    {"DeletePort/plain", delete_port, MIR_OK, NULL},
    {"DeletePort/gone", delete_port, MIR_NOT_FOUND, "PortNotFound"},
    {"CreateFloatingIp/plain", create_ip, MIR_OK, NULL},
    {"CreateFloatingIp/used-up", create_ip, MIR_UNAVAILABLE, "ExternalIpAddressExhausted"},
    {"ShowFloatingIp/plain", show_ip, MIR_OK, NULL},
    {"ListFloatingIps/plain", list_ips, MIR_OK, NULL},
    {"UpdateFloatingIp/plain", give_ip, MIR_OK, NULL},
    {"UpdateFloatingIp/from", take_ip, MIR_OK, NULL},
    {"DeleteFloatingIp/plain", delete_ip, MIR_OK, NULL},
    {"ReplaceTags/port", tag_port, MIR_OK, NULL},
    {"ReplaceTags/none", tag_nothing, MIR_OK, NULL},
};

WIRE_MAIN(cases)
