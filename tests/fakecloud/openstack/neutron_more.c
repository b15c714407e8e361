/* SPDX-License-Identifier: ISC */
#include "neutron_more.h"

#include <string.h>

#include "api/memory.h"
#include "os_wording.h"

/* --- versions and extensions --- */

static json_t *link_to(const struct fc_call *call, const char *tail)
{
    mir_auto_free char *url = fos_url(call, FOS_NETWORK, call->region);
    return json_pack("[{s:s,s:o}]", "rel", "self", "href", json_sprintf("%s/v2.0/%s", url, tail));
}

int fos_neutron_versions(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    *ret_reply = json_pack("{s:[{s:s,s:s,s:o}]}", "versions", "id", "v2.0", "status", "CURRENT",
                           "links", link_to(call, ""));
    return 0;
}

int fos_neutron_version(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    static const char *const names[] = {"subnet", "network", "port"};
    json_t *rows = json_array();
    for (size_t i = 0; i < MIR_NELEMS(names); i++) {
        mir_auto_free char *plural = mir_format("%ss", names[i]);
        json_array_append_new(rows, json_pack("{s:s,s:s,s:o}", "name", names[i], "collection",
                                              plural, "links", link_to(call, plural)));
    }
    *ret_reply = json_pack("{s:o}", "resources", rows);
    return 0;
}

static const struct {
    const char *alias, *name;
} extensions[] = {
    {"auto-allocated-topology", "Auto Allocated Topology Services"},
    {"availability_zone", "Availability Zone"},
    {"external-net", "Neutron external network"},
    {"filter-validation", "Filter parameters validation"},
    {"net-mtu", "Network MTU"},
    {"network_availability_zone", "Network Availability Zone"},
    {"port-security", "Port Security"},
    {"project-id", "project_id field enabled"},
    {"quotas", "Quota management support"},
    {"quota_details", "Quota details management support"},
    {"router", "Neutron L3 Router"},
    {"security-group", "security-group"},
    {"standard-attr-description", "standard-attr-description"},
    {"standard-attr-revisions", "Resource revision numbers"},
    {"standard-attr-tag", "Tag support for resources with standard attribute: port, subnet, "
                          "network, security_group, router, floatingip"},
    {"standard-attr-timestamp", "Resource timestamps"},
    {"stateful-security-group", "Stateful security group"},
};

static json_t *show_extension(size_t i)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:[]}", "name", extensions[i].name, "alias",
                     extensions[i].alias, "description", extensions[i].name, "updated",
                     "2017-01-01T00:00:00-00:00", "links");
}

int fos_neutron_extensions(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < MIR_NELEMS(extensions); i++)
        json_array_append_new(rows, show_extension(i));
    *ret_reply = json_pack("{s:o}", "extensions", rows);
    return 0;
}

int fos_neutron_extension(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    for (size_t i = 0; i < MIR_NELEMS(extensions); i++)
        if (!strcmp(extensions[i].alias, call->segments[0])) {
            *ret_reply = json_pack("{s:o}", "extension", show_extension(i));
            return 0;
        }
    return fc_refuse(refusal, 404, "HTTPNotFound", "Extension with alias %.40s does not exist",
                     call->segments[0]);
}

int fos_neutron_zones(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    *ret_reply = json_pack("{s:[{s:s,s:s,s:s},{s:s,s:s,s:s}]}", "availability_zones", "name",
                           "nova", "state", "available", "resource", "network", "name", "nova",
                           "state", "available", "resource", "router");
    return 0;
}

/* --- quotas --- */

static int show_quotas(struct fc_call *call, bool details, json_t **ret_reply,
                       struct fc_refusal *refusal)
{
    const struct fc_settings *settings = &call->world->settings;
    const struct {
        const char *name, *kind;
        int64_t limit;
    } rows[] = {
        {"network", fos_networks.kind, 100},
        {"subnet", fos_subnets.kind, 100},
        {"router", fos_routers.kind, 10},
        {"port", fos_ports.kind, settings->os_ports},
        {"floatingip", fos_floating_ips.kind, settings->os_floating_ips},
        {"security_group", fos_groups.kind, settings->os_security_groups},
        {"security_group_rule", fos_rules.kind, settings->os_rules},
        {"subnetpool", NULL, -1},
        {"rbac_policy", NULL, 10},
    };
    if (strcmp(call->segments[0], fos_of(call)->project) != 0)
        return fc_refuse(refusal, 403, "PolicyNotAuthorized",
                         "rule:get_quota is disallowed by policy");
    json_t *quota = json_object();
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        json_int_t used = rows[i].kind ? fos_count(call, rows[i].kind) : 0;
        json_object_set_new(quota, rows[i].name,
                            details ? json_pack("{s:I,s:I,s:i}", "limit", (json_int_t)rows[i].limit,
                                                "used", used, "reserved", 0)
                                    : json_integer(rows[i].limit));
    }
    *ret_reply = json_pack("{s:o}", "quota", quota);
    return 0;
}

int fos_neutron_quotas(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return show_quotas(call, false, ret_reply, refusal);
}

int fos_neutron_quotas_detail(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return show_quotas(call, true, ret_reply, refusal);
}

/* --- a topology made by itself: here the only network, or one that is made --- */

static struct fc_object *make_topology(struct fc_call *call, struct fc_refusal *refusal)
{
    struct fc_object *network, *external = NULL, *o = NULL;
    json_t *reply = NULL;
    while ((o = fc_store_each(call->world->store, o, fos_networks.kind, call->region)))
        if (fos_network_external(o))
            external = o;
    json_t *said = json_pack("{s:s}", "name", "auto_allocated_network");
    network = fos_resource_make(call, &fos_networks, said, refusal);
    json_decref(said);
    said = json_pack("{s:s,s:s,s:s,s:i}", "name", "auto_allocated_subnet_v4", "network_id",
                     network->id, "cidr", "10.250.0.0/26", "ip_version", 4);
    const struct fc_object *subnet = fos_resource_make(call, &fos_subnets, said, refusal);
    json_decref(said);
    said = json_pack("{s:s,s:{s:s}}", "name", "auto_allocated_router", "external_gateway_info",
                     "network_id", external->id);
    const struct fc_object *router = fos_resource_make(call, &fos_routers, said, refusal);
    json_decref(said);
    fos_router_attach(call, router, subnet->id, &reply, refusal);
    json_decref(reply);
    json_object_set_new(network->doc, "_auto", json_true());
    return network;
}

int fos_neutron_topology(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *network;
    const char *fields = fc_request_query(call->request, "fields");
    unsigned count = fos_network_usable(call, &network);
    if (strcmp(call->segments[0], fos_of(call)->project) != 0 && strcmp(call->segments[0], "null"))
        return fc_refuse(refusal, 404, "HTTPNotFound", "The resource could not be found.");
    bool dry = fields && !strcmp(fields, "dry-run");
    if (!count && !dry)
        network = make_topology(call, refusal);
    *ret_reply = json_pack("{s:{s:s,s:s}}", "auto_allocated_topology", "id",
                           dry ? "dry-run=pass" : network->id, "tenant_id", fos_of(call)->project);
    if (!dry)
        json_object_set_new(fc_at(*ret_reply, "auto_allocated_topology"), "project_id",
                            json_string(fos_of(call)->project));
    return 0;
}

static void gone_of(struct fc_call *call, const char *kind, const char *member, const char *id)
{
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, kind, call->region));)
        if (!strcmp(fc_text_at(o->doc, member), id))
            fc_store_gone(call->world->store, o, &call->cause, 0);
}

int fos_neutron_topology_delete(struct fc_call *call, json_t **ret_reply,
                                struct fc_refusal *refusal)
{
    struct fc_object *o = NULL;
    while ((o = fc_store_each(call->world->store, o, fos_networks.kind, call->region)))
        if (json_is_true(fc_at(o->doc, "_auto")) && fos_mine(call, o))
            break;
    if (!o)
        return fc_refuse(refusal, 404, "AutoAllocatedTopologyNotFound", "There is none.");
    for (struct fc_object *p = NULL;
         (p = fc_store_each(call->world->store, p, fos_ports.kind, call->region));)
        if (!strcmp(fc_text_at(p->doc, "network_id"), o->id) &&
            strncmp(fc_text_at(p->doc, "device_owner"), "network:", 8) != 0)
            return fc_refuse(refusal, 409, "NetworkInUse", "Ports are still on network %s.", o->id);
    for (struct fc_object *p = NULL;
         (p = fc_store_each(call->world->store, p, fos_ports.kind, call->region));)
        if (!strcmp(fc_text_at(p->doc, "network_id"), o->id)) {
            struct fc_object *router = fc_store_get(call->world->store, fos_routers.kind,
                                                    call->region, fc_text_at(p->doc, "device_id"));
            if (router)
                fc_store_gone(call->world->store, router, &call->cause, 0);
            fc_store_gone(call->world->store, p, &call->cause, 0);
        }
    gone_of(call, fos_subnets.kind, "network_id", o->id);
    fc_store_gone(call->world->store, o, &call->cause, 0);
    return 0;
}
