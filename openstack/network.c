/* SPDX-License-Identifier: ISC */
/* Neutron's networks, and what it is asked once. */
#include "openstack/network.h"

#include <string.h>

#include "api/memory.h"
#include "openstack/identity.h"
#include "tables.h"

#define NETWORK(member, path, kind) MIR_ROW(struct os_network, member, path, kind)

static const struct mir_field network_fields[] = {
    MIR_MUST(struct os_network, id, "id", MIR_GET_TEXT),
    NETWORK(project_id, "project_id", MIR_GET_TEXT),
    NETWORK(status, "status", MIR_GET_TEXT),
    NETWORK(name, "name", MIR_GET_OWNED),
    NETWORK(up, "admin_state_up", MIR_GET_TRUE),
    NETWORK(shared, "shared", MIR_GET_TRUE),
    NETWORK(external, "router:external", MIR_GET_TRUE),
    NETWORK(port_security, "port_security_enabled", MIR_GET_TRUE),
    NETWORK(mtu, "mtu", MIR_GET_NUMBER),
    OS_ROW_WORDS(struct os_network, subnets, subnet_count, "subnets"),
};
OS_TABLE(struct os_network, network);
OS_LIST_TABLE(struct os_networks, networks, "networks", &network_table);

static const struct mir_field list_networks_fields[] = {
    MIR_ROW(struct os_list_networks, id, "id", MIR_PUT_TEXT),
    MIR_ROW(struct os_list_networks, name, "name", MIR_PUT_TEXT),
    MIR_ROW(struct os_list_networks, project_id, "project_id", MIR_PUT_TEXT),
    MIR_ROW(struct os_list_networks, external, "router:external", MIR_PUT_FLAG),
    MIR_ROW(struct os_list_networks, shared, "shared", MIR_PUT_FLAG),
};
OS_TABLE(struct os_list_networks, list_networks);

#define SUBNET(member, path, kind) MIR_ROW(struct os_subnet, member, path, kind)

static const struct mir_field subnet_fields[] = {
    MIR_MUST(struct os_subnet, id, "id", MIR_GET_TEXT),
    SUBNET(network_id, "network_id", MIR_GET_TEXT),
    SUBNET(name, "name", MIR_GET_OWNED),
    SUBNET(ip_version, "ip_version", MIR_GET_NUMBER),
    SUBNET(cidr, "cidr", MIR_GET_TEXT),
    SUBNET(gateway, "gateway_ip", MIR_GET_TEXT),
    SUBNET(dhcp, "enable_dhcp", MIR_GET_TRUE),
    SUBNET(ipv6_address_mode, "ipv6_address_mode", MIR_GET_TEXT),
    SUBNET(ipv6_ra_mode, "ipv6_ra_mode", MIR_GET_TEXT),
    OS_ROW_WORDS(struct os_subnet, name_servers, name_server_count, "dns_nameservers"),
};
OS_TABLE(struct os_subnet, subnet);
OS_LIST_TABLE(struct os_subnets, subnets, "subnets", &subnet_table);

struct of_network {
    const char *network_id;
};

static const struct mir_field of_network_fields[] = {
    MIR_ROW(struct of_network, network_id, "network_id", MIR_PUT_TEXT),
};
OS_TABLE(struct of_network, of_network);

static const struct mir_field router_fields[] = {
    MIR_MUST(struct os_router, id, "id", MIR_GET_TEXT),
    MIR_ROW(struct os_router, name, "name", MIR_GET_OWNED),
    MIR_ROW(struct os_router, status, "status", MIR_GET_TEXT),
    MIR_ROW(struct os_router, up, "admin_state_up", MIR_GET_TRUE),
    MIR_ROW(struct os_router, external_network_id, "external_gateway_info/network_id",
            MIR_GET_TEXT),
};
OS_TABLE(struct os_router, router);
OS_LIST_TABLE(struct os_routers, routers, "routers", &router_table);

struct extension {
    char alias[64];
};

struct extensions {
    struct extension *rows;
    size_t count;
};

static const struct mir_field extension_fields[] = {
    MIR_ROW(struct extension, alias, "alias", MIR_GET_CUT),
};
OS_TABLE(struct extension, extension);
OS_LIST_TABLE(struct extensions, extensions, "extensions", &extension_table);

struct topology {
    char id[OS_ID_TEXT];
};

struct dry {
    const char *fields;
};

static const struct mir_field dry_fields[] = {
    MIR_ROW(struct dry, fields, "fields", MIR_PUT_TEXT),
};
OS_TABLE(struct dry, dry);

static const struct mir_field topology_fields[] = {
    MIR_MUST(struct topology, id, "id", MIR_GET_TEXT),
};
OS_TABLE(struct topology, topology);

#define QUOTA(member, name)                                                                        \
    MIR_ROW(struct os_quota, member, name "/limit", MIR_GET_NUMBER),                               \
        MIR_ROW(struct os_quota, member##_used, name "/used", MIR_GET_NUMBER)

static const struct mir_field quota_fields[] = {
    QUOTA(floating_ips, "floatingip"),
    QUOTA(ports, "port"),
    QUOTA(groups, "security_group"),
    QUOTA(rules, "security_group_rule"),
};
OS_TABLE(struct os_quota, quota);

enum {
    NETWORKS,
    SUBNETS,
    ROUTERS,
    EXTENSIONS,
    TOPOLOGY,
    TOPOLOGY_DRY,
    QUOTA_OF,
    TAG_PORT,
    TAG_IP,
    TAG_GROUP,
    TAG_NETWORK
};

#define NEUTRON .service = OS_NETWORK
#define PAGES(member)                                                                              \
    .reads = true, .paging = OS_PAGES_LINKS, .page_next = member "_links", .page = 500
#define TAGS(things)                                                                               \
    {                                                                                              \
        NEUTRON, .name = "ReplaceTags", .method = "PUT", .path = "/" things "/%/tags"              \
    }

/* The auto-allocated topology is made by being looked at. */
const struct os_operation os_network_operations[] = {
    [NETWORKS] = {NEUTRON, .name = "ListNetworks", .method = "GET", .path = "/networks",
                  .request = &list_networks_table, .reply = &networks_table, PAGES("networks")},
    [SUBNETS] = {NEUTRON, .name = "ListSubnets", .method = "GET", .path = "/subnets",
                 .request = &of_network_table, .reply = &subnets_table, PAGES("subnets")},
    [ROUTERS] = {NEUTRON, .name = "ListRouters", .method = "GET", .path = "/routers",
                 .reply = &routers_table, PAGES("routers")},
    [EXTENSIONS] = {NEUTRON, .name = "ListExtensions", .method = "GET", .path = "/extensions",
                    .reply = &extensions_table, .reads = true},
    [TOPOLOGY] = {NEUTRON, .name = "GetAutoTopology", .method = "GET",
                  .path = "/auto-allocated-topology/%", .reply = &topology_table,
                  .result = "auto_allocated_topology"},
    [TOPOLOGY_DRY] = {NEUTRON, .name = "TryAutoTopology", .method = "GET",
                      .path = "/auto-allocated-topology/%", .request = &dry_table,
                      .reply = &topology_table, .result = "auto_allocated_topology", .reads = true},
    [QUOTA_OF] = {NEUTRON, .name = "ShowQuota", .method = "GET", .path = "/quotas/%/details.json",
                  .reply = &quota_table, .result = "quota", .reads = true},
    [TAG_PORT] = TAGS("ports"),
    [TAG_IP] = TAGS("floatingips"),
    [TAG_GROUP] = TAGS("security-groups"),
    [TAG_NETWORK] = TAGS("networks"),
    {0},
};

OS_LIST_ALL(os_network_list, struct os_list_networks, struct os_networks,
            &os_network_operations[NETWORKS])
OS_CLEAR(os_networks_clear, struct os_networks, &networks_table)
OS_CLEAR(os_subnets_clear, struct os_subnets, &subnets_table)
OS_CLEAR(os_routers_clear, struct os_routers, &routers_table)

int os_subnet_list(struct os_session *session, const char *network_id, int64_t until_ms,
                   struct os_subnets *ret, struct mir_error *err)
{
    struct of_network args = {network_id};
    return os_operate_all(session, &os_network_operations[SUBNETS], NULL, &args, until_ms, ret,
                          err);
}

int os_router_list(struct os_session *session, int64_t until_ms, struct os_routers *ret,
                   struct mir_error *err)
{
    return os_operate_all(session, &os_network_operations[ROUTERS], NULL, NULL, until_ms, ret, err);
}

int os_network_has(struct os_session *session, const char *extension, int64_t until_ms, bool *ret,
                   struct mir_error *err)
{
    struct extensions found = {0};
    if (os_operate(session, &os_network_operations[EXTENSIONS], NULL, NULL, until_ms, &found, err))
        return -1;
    bool has = false;
    for (size_t i = 0; i < found.count; i++)
        has = has || !strcmp(found.rows[i].alias, extension);
    mir_record_clear(&extensions_table, &found);
    *ret = has;
    return 0;
}

/* Of whom we are. "null" would be the same where the token is for a project. */
static int of_project(struct os_session *session, int operation, const void *args, int64_t until_ms,
                      void *ret, struct mir_error *err)
{
    os_auto_who struct os_who who = {0};
    if (os_who_am_i(session, until_ms, &who, err))
        return -1;
    const char *project = who.project_id;
    return os_operate(session, &os_network_operations[operation], &project, args, until_ms, ret,
                      err);
}

int os_network_auto(struct os_session *session, bool dry, int64_t until_ms, char ret_id[OS_ID_TEXT],
                    struct mir_error *err)
{
    struct dry args = {"dry-run"};
    struct topology topology = {.id = ""};
    if (of_project(session, dry ? TOPOLOGY_DRY : TOPOLOGY, &args, until_ms, &topology, err))
        return -1;
    memcpy(ret_id, topology.id, OS_ID_TEXT);
    return 0;
}

int os_network_quota(struct os_session *session, int64_t until_ms, struct os_quota *ret,
                     struct mir_error *err)
{
    return of_project(session, QUOTA_OF, NULL, until_ms, ret, err);
}

int os_network_set_tags(struct os_session *session, enum os_taggable kind, const char *id,
                        const char *const *tags, size_t count, int64_t until_ms,
                        struct mir_error *err)
{
    static const int operations[] = {[OS_TAG_PORT] = TAG_PORT,
                                     [OS_TAG_FLOATING_IP] = TAG_IP,
                                     [OS_TAG_GROUP] = TAG_GROUP,
                                     [OS_TAG_NETWORK] = TAG_NETWORK};
    json_t *list = json_array(), *body = json_pack("{s:o}", "tags", list);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(tags[i]));
    int rc = os_operate_json(session, &os_network_operations[operations[kind]], &id, body, until_ms,
                             NULL, err);
    json_decref(body);
    return rc;
}
