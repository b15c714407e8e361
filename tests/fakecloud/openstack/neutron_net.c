/* SPDX-License-Identifier: ISC */
/* Networks, subnets, routers; what each region has of them from the start. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "guests.h"
#include "neutron_address.h"
#include "neutron_more.h"
#include "os_wording.h"

#define CREATE FOS_CREATE
#define BOTH (FOS_CREATE | FOS_UPDATE)

/* --- the attributes --- */

static const struct fos_attribute network_attributes[] = {
    {"name", 's', BOTH, "\"\""},
    {"description", 's', BOTH, "\"\""},
    {"admin_state_up", 'b', BOTH, "true"},
    {"shared", 'b', BOTH | FOS_ADMINS, "false"},
    {"router:external", 'b', BOTH | FOS_ADMINS, "false"},
    {"port_security_enabled", 'b', BOTH, "true"},
    {"mtu", 'i', BOTH, "1450"},
    {"availability_zone_hints", 'l', CREATE, "[]"},
    {"availability_zones", 'l', 0, "[\"nova\"]"},
    {"is_default", 'b', BOTH | FOS_ADMINS, "false"},
    {"status", 's', 0, "\"ACTIVE\""},
    {"subnets", 'l', 0, "[]"},
    {"ipv4_address_scope", 's', 0, NULL},
    {"ipv6_address_scope", 's', 0, NULL},
    {.name = NULL},
};

static const struct fos_attribute subnet_attributes[] = {
    {"name", 's', BOTH, "\"\""},
    {"description", 's', BOTH, "\"\""},
    {"network_id", 'u', CREATE | FOS_REQUIRED, NULL},
    {"cidr", 's', CREATE | FOS_NULLABLE, NULL},
    {"ip_version", 'i', CREATE | FOS_REQUIRED, "4"},
    {"gateway_ip", 's', BOTH | FOS_NULLABLE, NULL},
    {"enable_dhcp", 'b', BOTH, "true"},
    {"dns_nameservers", 'l', BOTH, "[]"},
    {"host_routes", 'l', BOTH, "[]"},
    {"allocation_pools", 'l', BOTH, "[]"},
    {"ipv6_ra_mode", 's', CREATE, NULL},
    {"ipv6_address_mode", 's', CREATE, NULL},
    {"service_types", 'l', BOTH, "[]"},
    {"subnetpool_id", 'u', CREATE | FOS_NULLABLE, NULL},
    {.name = NULL},
};

static const struct fos_attribute router_attributes[] = {
    {"name", 's', BOTH, "\"\""},
    {"description", 's', BOTH, "\"\""},
    {"admin_state_up", 'b', BOTH, "true"},
    {"external_gateway_info", 'o', BOTH | FOS_NULLABLE, NULL},
    {"availability_zone_hints", 'l', CREATE, "[]"},
    {"availability_zones", 'l', 0, "[\"nova\"]"},
    {"status", 's', 0, "\"ACTIVE\""},
    {"routes", 'l', FOS_UPDATE, "[]"},
    {"flavor_id", 'u', CREATE | FOS_NULLABLE, NULL},
    {.name = NULL},
};

/* --- in use --- */

static bool any_port(const struct fc_call *call, const char *member, const char *id)
{
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, fos_ports.kind, call->region));)
        if (!strcmp(fc_text_at(o->doc, member), id))
            return true;
    return false;
}

static bool any_address_in(const struct fc_call *call, const char *subnet)
{
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, fos_ports.kind, call->region));)
        if (fos_port_address_in(o, subnet))
            return true;
    return false;
}

static int remove_network(struct fc_call *call, struct fc_object *network,
                          struct fc_refusal *refusal)
{
    if (any_port(call, "network_id", network->id))
        return fc_refuse(refusal, 409, "NetworkInUse",
                         "Unable to complete operation on network %s. There are one or more ports "
                         "still in use on the network.",
                         network->id);
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, fos_subnets.kind, call->region));)
        if (!strcmp(fc_text_at(o->doc, "network_id"), network->id))
            fc_store_gone(call->world->store, o, &call->cause, 0);
    return 0;
}

static int remove_subnet(struct fc_call *call, struct fc_object *subnet, struct fc_refusal *refusal)
{
    struct fc_object *network = fc_store_get(call->world->store, fos_networks.kind, call->region,
                                             fc_text_at(subnet->doc, "network_id"));
    if (any_address_in(call, subnet->id))
        return fc_refuse(refusal, 409, "SubnetInUse",
                         "Unable to complete operation on subnet %s: One or more ports have an IP "
                         "allocation from this subnet.",
                         subnet->id);
    if (!network)
        return 0;
    json_t *left = json_array(), *id;
    size_t i;
    json_array_foreach(fc_at(network->doc, "subnets"), i, id)
    {
        if (strcmp(json_string_value(id), subnet->id) != 0)
            json_array_append(left, id);
    }
    json_object_set_new(fos_neutron_edit(call, network), "subnets", left);
    return 0;
}

static int remove_router(struct fc_call *call, struct fc_object *router, struct fc_refusal *refusal)
{
    return any_port(call, "device_id", router->id)
               ? fc_refuse(refusal, 409, "RouterInUse", "Router %s still has ports", router->id)
               : 0;
}

/* --- making --- */

/* How addresses of IPv6 are given is said for IPv6 alone. */
static int check_modes(const json_t *said, int version, struct fc_refusal *refusal)
{
    static const char *const modes[] = {"slaac", "dhcpv6-stateful", "dhcpv6-stateless"};
    static const char *const names[] = {"ipv6_ra_mode", "ipv6_address_mode"};
    for (size_t i = 0; i < MIR_NELEMS(names); i++) {
        const char *mode = fos_text(said, names[i], NULL);
        bool known = false;
        for (size_t k = 0; mode && k < MIR_NELEMS(modes); k++)
            known |= !strcmp(modes[k], mode);
        if (mode && (version != 6 || !known))
            return fc_refuse(refusal, 400, "BadRequest",
                             "Bad subnets request: %s is not valid when ip_version is %d.",
                             names[i], version);
    }
    return 0;
}

static int make_subnet(struct fc_call *call, const char *id, const json_t *said, json_t *doc,
                       struct fc_refusal *refusal)
{
    struct fc_object *network;
    struct fos_range range;
    char first[FOS_ADDRESS], last[FOS_ADDRESS], gateway[FOS_ADDRESS];
    int version = (int)json_integer_value(fc_at(said, "ip_version"));
    if (fos_resource_find(call, &fos_networks, fc_text_at(said, "network_id"), &network, refusal))
        return -1;
    if (version != 4 && version != 6)
        return fc_refuse(refusal, 400, "HTTPBadRequest",
                         "Invalid input for ip_version. Reason: '%d' is not in [4, 6].", version);
    if (!fos_text(said, "cidr", NULL))
        return fc_refuse(refusal, 400, "BadRequest",
                         "Bad subnets request: a subnetpool must be specified in the absence of a "
                         "cidr.");
    if (!fos_range_read(fc_text_at(said, "cidr"), version, &range))
        return fc_refuse(refusal, 400, "HTTPBadRequest",
                         "Invalid input for cidr. Reason: '%.60s' is not a valid IP subnet.",
                         fc_text_at(said, "cidr"));
    if (check_modes(said, version, refusal))
        return -1;
    if (json_is_true(fc_at(network->doc, "shared")))
        json_object_set_new(doc, "_shared", json_true()); /* seen by whoever sees the network */
    fos_range_address(&range, 1, gateway);
    fos_range_address(&range, 2, first);
    fos_range_address(&range, fos_range_size(&range) - 1, last);
    if (!json_object_get(said, "gateway_ip"))
        json_object_set_new(doc, "gateway_ip", json_string(gateway));
    if (!json_array_size(fc_at(doc, "allocation_pools")))
        json_object_set_new(doc, "allocation_pools",
                            json_pack("[{s:s,s:s}]", "start", first, "end", last));
    return 0;
}

static void made_subnet(struct fc_call *call, struct fc_object *subnet)
{
    struct fc_object *network = fc_store_get(call->world->store, fos_networks.kind, call->region,
                                             fc_text_at(subnet->doc, "network_id"));
    json_t *ids = fos_array(fc_at(network->doc, "subnets"));
    json_array_append_new(ids, json_string(subnet->id));
    json_object_set_new(fos_neutron_edit(call, network), "subnets", ids);
}

static int check_gateway(struct fc_call *call, const json_t *said, struct fc_refusal *refusal)
{
    const char *id = fos_text(said, "external_gateway_info.network_id", NULL);
    struct fc_object *network;
    if (!id)
        return 0;
    if (fos_resource_find(call, &fos_networks, id, &network, refusal))
        return -1;
    return fos_network_external(network)
               ? 0
               : fc_refuse(refusal, 400, "BadRequest", "Network %.40s is not an external network.",
                           id);
}

static int make_router(struct fc_call *call, const char *id, const json_t *said, json_t *doc,
                       struct fc_refusal *refusal)
{
    return check_gateway(call, said, refusal);
}

static int change_router(struct fc_call *call, struct fc_object *router, const json_t *said,
                         struct fc_refusal *refusal)
{
    return check_gateway(call, said, refusal);
}

/* --- routers' interfaces --- */

int fos_router_attach(struct fc_call *call, const struct fc_object *router, const char *subnet_id,
                      json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *subnet;
    if (fos_resource_find(call, &fos_subnets, subnet_id, &subnet, refusal))
        return -1;
    json_t *said = json_pack(
        "{s:O,s:s,s:s,s:[{s:s,s:O}],s:[]}", "network_id", fc_at(subnet->doc, "network_id"),
        "device_id", router->id, "device_owner", "network:router_interface", "fixed_ips",
        "subnet_id", subnet->id, "ip_address", fc_at(subnet->doc, "gateway_ip"), "security_groups");
    struct fc_object *port = fos_resource_make(call, &fos_ports, said, refusal);
    json_decref(said);
    if (!port)
        return -1;
    port->furniture = router->furniture;
    *ret_reply = json_pack("{s:s,s:O,s:O,s:O,s:s,s:s,s:[s]}", "id", router->id, "tenant_id",
                           fc_at(port->doc, "_project"), "project_id", fc_at(port->doc, "_project"),
                           "network_id", fc_at(subnet->doc, "network_id"), "port_id", port->id,
                           "subnet_id", subnet->id, "subnet_ids", subnet->id);
    return 0;
}

int fos_router_add(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *router;
    const char *subnet = fos_text(call->params, "subnet_id", NULL);
    if (fos_resource_find(call, &fos_routers, call->segments[0], &router, refusal))
        return -1;
    if (!subnet)
        return fc_refuse(refusal, 400, "BadRequest",
                         "Bad router request: Either subnet_id or port_id must be specified.");
    return fos_router_attach(call, router, subnet, ret_reply, refusal);
}

int fos_router_remove(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *router, *o = NULL;
    const char *subnet = fos_text(call->params, "subnet_id", "");
    const char *port = fos_text(call->params, "port_id", "");
    if (fos_resource_find(call, &fos_routers, call->segments[0], &router, refusal))
        return -1;
    while ((o = fc_store_each(call->world->store, o, fos_ports.kind, call->region)))
        if (!strcmp(fc_text_at(o->doc, "device_id"), router->id) &&
            (!strcmp(o->id, port) ||
             !strcmp(fc_text_at(json_array_get(fc_at(o->doc, "fixed_ips"), 0), "subnet_id"),
                     subnet)))
            break;
    if (!o)
        return fc_refuse(refusal, 404, "RouterInterfaceNotFoundForSubnet",
                         "Router %s has no interface on subnet %.40s", router->id, subnet);
    *ret_reply = json_pack("{s:s,s:s}", "id", router->id, "port_id", o->id);
    fc_store_gone(call->world->store, o, &call->cause, 0);
    return 0;
}

/* --- which are there --- */

bool fos_network_external(const struct fc_object *network)
{
    return json_is_true(json_object_get(network->doc, "router:external"));
}

unsigned fos_network_usable(const struct fc_call *call, struct fc_object **ret)
{
    unsigned count = 0;
    *ret = NULL;
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, fos_networks.kind, call->region));) {
        bool mine = !strcmp(fc_text_at(o->doc, "_project"), fos_of(call)->project);
        if (!fc_visible(o, call->now_ms) || fos_network_external(o) ||
            (!mine && !json_is_true(fc_at(o->doc, "shared"))))
            continue;
        if (!count++)
            *ret = o;
    }
    return count;
}

/* --- from the start --- */

static struct fc_object *furniture(struct fc_call *call, const struct fos_resource *resource,
                                   json_t *said, const char *project)
{
    struct fc_refusal refusal;
    char caller[FOS_ID];
    mir_copy(caller, sizeof caller, fos_of(call)->project);
    mir_copy(fos_of(call)->project, FOS_ID, project);
    struct fc_object *object = fos_resource_make(call, resource, said, &refusal);
    mir_copy(fos_of(call)->project, FOS_ID, caller);
    json_decref(said);
    if (!object)
        abort();
    object->furniture = true;
    return object;
}

static struct fc_object *furnish_network(struct fc_call *call, const char *name, const char *cidr,
                                         const char *project, bool shared, bool external)
{
    struct fc_object *network =
        furniture(call, &fos_networks,
                  json_pack("{s:s,s:b,s:b,s:b}", "name", name, "shared", (int)shared,
                            "router:external", (int)external, "is_default", (int)external),
                  project);
    mir_auto_free char *subnet = mir_format("%s-subnet", name);
    furniture(call, &fos_subnets,
              json_pack("{s:s,s:s,s:s,s:i,s:b}", "name", subnet, "network_id", network->id, "cidr",
                        cidr, "ip_version", 4, "enable_dhcp", !external),
              project);
    return network;
}

/* "fd00:10:0:N::/64"; on a network that leads out as well. */
static void furnish_ipv6(struct fc_call *call, const struct fc_object *network, int64_t number,
                         const char *project)
{
    mir_auto_free char *name = mir_format("%s-subnet6", fc_text_at(network->doc, "name"));
    mir_auto_free char *cidr = mir_format("fd00:10:0:%x::/64", (unsigned)number);
    if (call->world->settings.os_ipv6)
        furniture(call, &fos_subnets,
                  json_pack("{s:s,s:s,s:s,s:i,s:s,s:s}", "name", name, "network_id", network->id,
                            "cidr", cidr, "ip_version", 6, "ipv6_ra_mode", "slaac",
                            "ipv6_address_mode", "slaac"),
                  project);
}

static void furnish_router(struct fc_call *call, const struct fc_object *network,
                           const struct fc_object *external, const char *project)
{
    struct fc_refusal refusal;
    json_t *reply = NULL;
    char caller[FOS_ID];
    mir_auto_free char *name = mir_format("%s-router", fc_text_at(network->doc, "name"));
    const struct fc_object *router =
        furniture(call, &fos_routers,
                  json_pack("{s:s,s:{s:s,s:b}}", "name", name, "external_gateway_info",
                            "network_id", external->id, "enable_snat", 1),
                  project);
    mir_copy(caller, sizeof caller, fos_of(call)->project);
    mir_copy(fos_of(call)->project, FOS_ID, project);
    fos_router_attach(call, router,
                      json_string_value(json_array_get(fc_at(network->doc, "subnets"), 0)), &reply,
                      &refusal);
    mir_copy(fos_of(call)->project, FOS_ID, caller);
    json_decref(reply);
}

static struct fc_object *named(const struct fc_call *call, const char *name, const char *project)
{
    struct fc_object *o = NULL;
    while ((o = fc_store_each(call->world->store, o, fos_networks.kind, call->region)))
        if (!strcmp(fc_text_at(o->doc, "name"), name) && o->furniture &&
            !strcmp(fc_text_at(o->doc, "_project"), project))
            return o;
    return NULL;
}

/* Networks of the cloud's own are those of nobody that anybody here is. */
#define CLOUD_PROJECT "00000000000000000000000000000c10"

static const struct fc_object *ready_external(struct fc_call *call)
{
    const struct fc_object *there = named(call, "public", CLOUD_PROJECT);
    return there ? there
                 : furnish_network(call, "public", "203.0.113.0/24", CLOUD_PROJECT, false, true);
}

static void ready_private(struct fc_call *call, const struct fc_object *external,
                          const char *project)
{
    for (int64_t i = 0; i < call->world->settings.os_networks && i < 200; i++) {
        mir_auto_free char *name =
            i ? mir_format("private-%lld", (long long)i + 1) : mir_strdup("private");
        mir_auto_free char *cidr = mir_format("10.%d.0.0/24", (int)i + 11);
        if (named(call, name, project))
            continue;
        const struct fc_object *network = furnish_network(call, name, cidr, project, false, false);
        furnish_router(call, network, external, project);
        furnish_ipv6(call, network, i + 1, project);
    }
}

/* What has a machine behind it is reached at its address, from here. */
static char *shared_range(const struct fc_world *world, int64_t number)
{
    char address[16];
    if (!world->guests)
        return mir_format("10.%d.0.0/24", (int)number + 211);
    fc_guests_address(world, (uint64_t)(number + 1) << 22, address);
    *strrchr(address, '.') = '\0';
    return mir_format("%s.0/24", address);
}

void fos_network_ready(struct fc_call *call)
{
    const struct fc_object *external = ready_external(call);
    for (int64_t i = 0; i < call->world->settings.os_shared_networks && i < 200; i++) {
        mir_auto_free char *name =
            i ? mir_format("shared-%lld", (long long)i + 1) : mir_strdup("shared");
        mir_auto_free char *cidr = shared_range(call->world, i);
        if (!named(call, name, CLOUD_PROJECT))
            furnish_ipv6(call, furnish_network(call, name, cidr, CLOUD_PROJECT, true, false),
                         i + 0x100, CLOUD_PROJECT);
    }
    for (struct fc_object *o = NULL; (o = fc_store_each(call->world->store, o, "os-project", ""));)
        ready_private(call, external, o->id);
}

const struct fos_resource fos_networks = {.plural = "networks",
                                          .single = "network",
                                          .path = "networks",
                                          .kind = "os-network",
                                          .unknown = "NetworkNotFound",
                                          .not_found = "Network",
                                          .attributes = network_attributes,
                                          .remove = remove_network};

const struct fos_resource fos_subnets = {.plural = "subnets",
                                         .single = "subnet",
                                         .path = "subnets",
                                         .kind = "os-subnet",
                                         .unknown = "SubnetNotFound",
                                         .not_found = "Subnet",
                                         .attributes = subnet_attributes,
                                         .make = make_subnet,
                                         .made = made_subnet,
                                         .remove = remove_subnet};

const struct fos_resource fos_routers = {.plural = "routers",
                                         .single = "router",
                                         .path = "routers",
                                         .kind = "os-router",
                                         .unknown = "RouterNotFound",
                                         .not_found = "Router",
                                         .attributes = router_attributes,
                                         .make = make_router,
                                         .change = change_router,
                                         .remove = remove_router};
