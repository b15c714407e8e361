/* SPDX-License-Identifier: ISC */
/* Ports, and the floating addresses that lead to them. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "ec2.h"
#include "neutron_address.h"
#include "neutron_more.h"
#include "os_wording.h"

#define CREATE FOS_CREATE
#define BOTH (FOS_CREATE | FOS_UPDATE)

/* --- ports --- */

static const struct fos_attribute port_attributes[] = {
    {"name", 's', BOTH, "\"\""},
    {"description", 's', BOTH, "\"\""},
    {"network_id", 'u', CREATE | FOS_REQUIRED, NULL},
    {"admin_state_up", 'b', BOTH, "true"},
    {"mac_address", 's', CREATE, NULL},
    {"fixed_ips", 'l', BOTH, "[]"},
    {"security_groups", 'l', BOTH | FOS_NULLABLE, "[]"},
    {"device_id", 's', BOTH, "\"\""},
    {"device_owner", 's', BOTH, "\"\""},
    {"port_security_enabled", 'b', BOTH, "true"},
    {"allowed_address_pairs", 'l', BOTH, "[]"},
    {"extra_dhcp_opts", 'l', BOTH, "[]"},
    {"binding:vnic_type", 's', BOTH, "\"normal\""},
    {"status", 's', 0, "\"DOWN\""},
    {.name = NULL},
};

/* "fa:16:3e:…", as Neutron makes them. */
json_t *fos_mac(const struct fc_world *world, uint64_t seq)
{
    return json_sprintf("fa:16:3e:%02x:%02x:%02x", (unsigned)(seq >> 16 & 255),
                        (unsigned)(seq >> 8 & 255), (unsigned)(seq & 255));
}

static int check_groups(struct fc_call *call, const json_t *groups, struct fc_refusal *refusal)
{
    size_t i;
    json_t *id;
    json_array_foreach((json_t *)(uintptr_t)groups, i, id)
    {
        struct fc_object *group;
        if (fos_resource_find(call, &fos_groups, json_is_string(id) ? json_string_value(id) : "",
                              &group, refusal))
            return -1;
    }
    return 0;
}

static int give_address(struct fc_call *call, const struct fc_object *network, const json_t *said,
                        json_t *doc, struct fc_refusal *refusal)
{
    const json_t *asked = fc_at(said, "fixed_ips"), *first = json_array_get(asked, 0);
    const char *wanted = fos_text(first, "ip_address", NULL);
    if (json_is_array(asked) && !json_array_size(asked))
        return 0;
    if (wanted && !strcmp(fc_text_at(said, "device_owner"), "network:router_interface"))
        return 0; /* the gateway's own */
    json_t *addresses = fos_network_addresses(call->world, network, asked);
    if (!addresses)
        return wanted
                   ? fc_refuse(refusal, 409, "IpAddressAlreadyAllocated",
                               "IP address %.40s already allocated in subnet or not of it", wanted)
                   : fc_refuse(refusal, 409, "IpAddressGenerationFailure",
                               "No more IP addresses available on network %s.", network->id);
    json_object_set_new(doc, "fixed_ips", addresses);
    return 0;
}

static int make_port(struct fc_call *call, const char *id, const json_t *said, json_t *doc,
                     struct fc_refusal *refusal)
{
    static uint64_t macs; /* under the lock */
    struct fc_object *network;
    const json_t *groups = fc_at(said, "security_groups");
    if (fos_resource_find(call, &fos_networks, fc_text_at(said, "network_id"), &network, refusal) ||
        check_groups(call, groups, refusal) || give_address(call, network, said, doc, refusal))
        return -1;
    if (!json_is_array(groups))
        json_object_set_new(doc, "security_groups", json_pack("[s]", fos_group_default(call)->id));
    if (!fc_at(said, "mac_address"))
        json_object_set_new(doc, "mac_address",
                            fos_mac(call->world, (uint64_t)call->now_ms * 64 + ++macs % 64));
    return 0;
}

static int change_port(struct fc_call *call, struct fc_object *port, const json_t *said,
                       struct fc_refusal *refusal)
{
    return check_groups(call, fc_at(said, "security_groups"), refusal);
}

struct fc_object *fos_floating_of(const struct fc_world *world, const struct fc_object *port)
{
    struct fc_object *o = NULL;
    while ((o = fc_store_each(world->store, o, fos_floating_ips.kind, port->region)))
        if (!strcmp(fc_text_at(o->doc, "port_id"), port->id))
            return o;
    return NULL;
}

static void let_go(json_t *doc)
{
    json_object_set_new(doc, "port_id", json_null());
    json_object_set_new(doc, "fixed_ip_address", json_null());
    json_object_set_new(doc, "router_id", json_null());
    json_object_set_new(doc, "status", json_string("DOWN"));
    json_object_set_new(doc, "port_details", json_null());
}

/* A floating address stays, and leads to nothing. */
void fos_port_free(struct fc_world *world, struct fc_object *port, const struct fc_cause *cause)
{
    struct fc_object *floating = fos_floating_of(world, port);
    if (floating)
        let_go(fc_store_edit(world->store, floating, cause->now_ms, world->settings.stale_ms));
}

static int remove_port(struct fc_call *call, struct fc_object *port, struct fc_refusal *refusal)
{
    const char *owner = fc_text_at(port->doc, "device_owner");
    if (!strncmp(owner, "network:router", 14))
        return fc_refuse(refusal, 409, "ServicePortInUse",
                         "Port %s cannot be deleted directly via the port API: has device owner "
                         "%.40s.",
                         port->id, owner);
    fos_port_free(call->world, port, &call->cause);
    return 0;
}

/* --- ports of servers --- */

static void plugged(json_t *doc, const struct fc_object *server)
{
    json_object_set_new(doc, "device_id", json_string(server->id));
    json_object_set_new(doc, "device_owner", json_string("compute:nova"));
    json_object_set_new(doc, "status", json_string("ACTIVE"));
}

struct fc_object *fos_port_plug(struct fc_world *world, const struct fc_object *server,
                                const struct fc_object *network, const json_t *groups,
                                const char *address, const struct fc_cause *cause)
{
    char id[37];
    json_t *asked = address ? json_pack("[{s:s}]", "ip_address", address) : NULL;
    json_t *fixed = fos_network_addresses(world, network, asked);
    json_decref(asked);
    if (!fixed)
        return NULL;
    fc_uuid(id);
    json_t *doc = json_object();
    for (const struct fos_attribute *a = port_attributes; a->name; a++)
        json_object_set_new(doc, a->name,
                            a->otherwise ? json_loads(a->otherwise, JSON_DECODE_ANY, NULL)
                                         : json_null());
    json_object_set_new(doc, "network_id", json_string(network->id));
    json_object_set_new(doc, "fixed_ips", fixed);
    json_object_set_new(doc, "security_groups", fos_array(groups));
    json_object_set_new(doc, "tags", json_array());
    json_object_set_new(doc, "created_at", fos_time(cause->now_ms));
    json_object_set_new(doc, "updated_at", fos_time(cause->now_ms));
    json_object_set_new(doc, "revision_number", json_integer(1));
    json_object_set(doc, "_project", fc_at(server->doc, "_project"));
    json_object_set_new(doc, "_nova", json_true());
    plugged(doc, server);
    struct fc_object *port =
        fc_store_add(world->store, fos_ports.kind, server->region, id, doc, cause);
    json_object_set_new(doc, "mac_address", fos_mac(world, port->seq));
    return port;
}

void fos_port_bind(struct fc_world *world, struct fc_object *port, const struct fc_object *server,
                   const struct fc_cause *cause)
{
    plugged(fc_store_edit(world->store, port, cause->now_ms, world->settings.stale_ms), server);
}

void fos_port_unplug(struct fc_world *world, struct fc_object *port, const struct fc_cause *cause)
{
    if (json_is_true(fc_at(port->doc, "_nova"))) {
        fos_port_free(world, port, cause);
        fc_store_gone(world->store, port, cause, 0);
        return;
    }
    json_t *doc = fc_store_edit(world->store, port, cause->now_ms, world->settings.stale_ms);
    json_object_set_new(doc, "device_id", json_string(""));
    json_object_set_new(doc, "device_owner", json_string(""));
    json_object_set_new(doc, "status", json_string("DOWN"));
}

void fos_ports_free(struct fc_world *world, const struct fc_object *server,
                    const struct fc_cause *cause)
{
    for (struct fc_object *o = NULL;
         (o = fc_store_each(world->store, o, fos_ports.kind, server->region));)
        if (!strcmp(fc_text_at(o->doc, "device_id"), server->id))
            fos_port_unplug(world, o, cause);
}

/* --- floating addresses --- */

static const struct fos_attribute floating_attributes[] = {
    {"floating_network_id", 'u', CREATE | FOS_REQUIRED, NULL},
    {"description", 's', BOTH, "\"\""},
    {"port_id", 'u', BOTH | FOS_NULLABLE, NULL},
    {"fixed_ip_address", 's', BOTH | FOS_NULLABLE, NULL},
    {"floating_ip_address", 's', CREATE | FOS_ADMINS, NULL},
    {"subnet_id", 'u', CREATE | FOS_NULLABLE, NULL},
    {"qos_policy_id", 'u', BOTH | FOS_NULLABLE, NULL},
    {"dns_name", 's', CREATE, "\"\""},
    {"dns_domain", 's', CREATE, "\"\""},
    {"router_id", 'u', 0, NULL},
    {"status", 's', 0, "\"DOWN\""},
    {"port_details", 'o', 0, NULL},
    {"port_forwardings", 'l', 0, "[]"},
    {.name = NULL},
};

/* The router by which a network is reached from that external one; NULL: none. */
static const struct fc_object *router_between(const struct fc_call *call, const char *network,
                                              const char *external)
{
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, fos_ports.kind, call->region));) {
        const struct fc_object *router = fc_store_get(
            call->world->store, fos_routers.kind, call->region, fc_text_at(o->doc, "device_id"));
        if (router && !strcmp(fc_text_at(o->doc, "network_id"), network) &&
            !strcmp(fc_text_at(router->doc, "external_gateway_info.network_id"), external))
            return router;
    }
    return NULL;
}

/* Lead it to a port: what its document says then. */
static int lead(struct fc_call *call, const char *external, const char *port_id, const char *own,
                json_t *doc, struct fc_refusal *refusal)
{
    struct fc_object *port;
    if (fos_resource_find(call, &fos_ports, port_id, &port, refusal))
        return -1;
    const char *network = fc_text_at(port->doc, "network_id");
    const struct fc_object *router = router_between(call, network, external);
    const struct fc_object *other = fos_floating_of(call->world, port);
    const json_t *fixed = fos_port_fixed(port, 4);
    if (other && strcmp(other->id, own) != 0)
        return fc_refuse(refusal, 409, "FloatingIPPortAlreadyAssociated",
                         "Cannot associate floating IP with port %s using fixed IP %.40s, as that "
                         "fixed IP already has a floating IP on external network %s.",
                         port->id, fc_text_at(fixed, "ip_address"), external);
    if (!fixed)
        return fc_refuse(refusal, 400, "BadRequest",
                         "Bad floatingip request: Cannot add floating IP to port %s that has no "
                         "fixed IPv4 addresses.",
                         port->id);
    if (!router)
        return fc_refuse(refusal, 404, "ExternalGatewayForFloatingIPNotFound",
                         "External network %s is not reachable from subnet %s.  Therefore, cannot "
                         "associate Port %s with a Floating IP.",
                         external, fc_text_at(fixed, "subnet_id"), port->id);
    json_object_set_new(doc, "port_id", json_string(port->id));
    json_object_set(doc, "fixed_ip_address", fc_at(fixed, "ip_address"));
    json_object_set_new(doc, "router_id", json_string(router->id));
    json_object_set_new(doc, "status", json_string("ACTIVE"));
    json_object_set_new(
        doc, "port_details",
        json_pack("{s:O,s:O,s:O,s:O,s:O,s:O,s:O}", "name", fc_at(port->doc, "name"), "network_id",
                  fc_at(port->doc, "network_id"), "mac_address", fc_at(port->doc, "mac_address"),
                  "admin_state_up", fc_at(port->doc, "admin_state_up"), "status",
                  fc_at(port->doc, "status"), "device_id", fc_at(port->doc, "device_id"),
                  "device_owner", fc_at(port->doc, "device_owner")));
    return 0;
}

static int make_floating(struct fc_call *call, const char *id, const json_t *said, json_t *doc,
                         struct fc_refusal *refusal)
{
    struct fc_object *network;
    const char *external = fc_text_at(said, "floating_network_id");
    const char *port = fos_text(said, "port_id", NULL);
    if (fos_resource_find(call, &fos_networks, external, &network, refusal))
        return -1;
    if (!fos_network_external(network))
        return fc_refuse(refusal, 400, "BadRequest",
                         "Bad floatingip request: Network %s is not a valid external network.",
                         external);
    return port ? lead(call, external, port, id, doc, refusal) : 0;
}

static void made_floating(struct fc_call *call, struct fc_object *floating)
{
    json_object_set_new(floating->doc, "floating_ip_address",
                        fc_public_address(call->world, floating->seq));
}

/* What is not said of a port in an update leaves it. */
static int change_floating(struct fc_call *call, struct fc_object *floating, const json_t *said,
                           struct fc_refusal *refusal)
{
    const json_t *port = fc_at(said, "port_id");
    json_t *doc = json_object();
    int rc = 0;
    if (json_is_string(port))
        rc = lead(call, fc_text_at(floating->doc, "floating_network_id"), json_string_value(port),
                  floating->id, doc, refusal);
    else if (port)
        let_go(doc);
    if (!rc)
        json_object_update(fos_edit(call, floating), doc);
    json_decref(doc);
    return rc;
}

#define QUOTA(name) offsetof(struct fc_settings, name)

const struct fos_resource fos_ports = {.plural = "ports",
                                       .single = "port",
                                       .path = "ports",
                                       .kind = "os-port",
                                       .unknown = "PortNotFound",
                                       .not_found = "Port",
                                       .attributes = port_attributes,
                                       .quota = QUOTA(os_ports),
                                       .make = make_port,
                                       .change = change_port,
                                       .remove = remove_port};

const struct fos_resource fos_floating_ips = {.plural = "floatingips",
                                              .single = "floatingip",
                                              .path = "floatingips",
                                              .kind = "os-floating-ip",
                                              .unknown = "FloatingIPNotFound",
                                              .not_found = "Floating IP",
                                              .attributes = floating_attributes,
                                              .quota = QUOTA(os_floating_ips),
                                              .make = make_floating,
                                              .made = made_floating,
                                              .change = change_floating};
