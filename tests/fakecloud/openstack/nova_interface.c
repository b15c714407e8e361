/* SPDX-License-Identifier: ISC */
/* The interfaces of a server: its ports, those that come later, and those that are taken away. */
#include <string.h>

#include "api/memory.h"
#include "neutron.h"
#include "nova.h"
#include "os_wording.h"

static json_t *show(const struct fc_call *call, const struct fc_object *port)
{
    json_t *row = json_pack("{s:s,s:O,s:O,s:O,s:O}", "port_id", port->id, "net_id",
                            fc_at(port->doc, "network_id"), "mac_addr",
                            fc_at(port->doc, "mac_address"), "port_state",
                            fc_at(port->doc, "status"), "fixed_ips", fc_at(port->doc, "fixed_ips"));
    if (fos_of(call)->minor >= 70)
        json_object_set_new(row, "tag", json_null());
    return row;
}

int fos_server_interfaces(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *server;
    if (fos_server_find(call, call->segments[0], &server, refusal))
        return -1;
    json_t *rows = json_array();
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, fos_ports.kind, call->region));)
        if (!strcmp(fc_text_at(o->doc, "device_id"), server->id))
            json_array_append_new(rows, show(call, o));
    *ret_reply = json_pack("{s:o}", "interfaceAttachments", rows);
    return 0;
}

/* A machine that is being built, or is in ERROR, has no card changed. */
static int check_state(const struct fc_call *call, const struct fc_object *server,
                       const char *action, struct fc_refusal *refusal)
{
    const char *vm = fos_server_vm(server->doc);
    bool may = (!strcmp(vm, "active") || !strcmp(vm, "stopped")) && !*fos_server_task(server->doc);
    return may ? 0
               : fos_refuse(call, refusal, 409,
                            "Cannot '%s' instance %s while it is in vm_state %s", action,
                            server->id, vm);
}

/* The one that is named, which nobody else has. */
static int take_port(struct fc_call *call, const struct fc_object *server, const char *id,
                     struct fc_object **ret, struct fc_refusal *refusal)
{
    *ret = fos_find(call, fos_ports.kind, id);
    if (!*ret)
        return fos_refuse(call, refusal, 404, "Port id %.64s could not be found.", id);
    if (*fc_text_at((*ret)->doc, "device_id"))
        return fos_refuse(call, refusal, 400, "Port %s is still in use.", id);
    fos_port_bind(call->world, *ret, server, &call->cause);
    return 0;
}

static int make_port(struct fc_call *call, const struct fc_object *server, const char *network_id,
                     const char *address, struct fc_object **ret, struct fc_refusal *refusal)
{
    struct fc_object *network = NULL;
    if (network_id)
        network = fos_find(call, fos_networks.kind, network_id);
    else if (fos_network_usable(call, &network) != 1)
        return fos_refuse(call, refusal, 400,
                          "Multiple possible networks found, use a Network ID "
                          "to be more specific.");
    if (!network)
        return fos_refuse(call, refusal, 404, "Network %.64s could not be found.", network_id);
    *ret = fos_port_plug(call->world, server, network, fc_at(server->doc, "_groups"), address,
                         &call->cause);
    return *ret ? 0
                : fos_refuse(call, refusal, 400, "No fixed IP addresses available for network: %s",
                             network->id);
}

int fos_server_attach(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    static const char *const allowed[] = {"net_id", "port_id", "fixed_ips", "tag", NULL};
    const json_t *said = fos_wrapped(call, "interfaceAttachment");
    const char *port_id = fos_text(said, "port_id", NULL), *net = fos_text(said, "net_id", NULL);
    const char *address = fos_text(json_array_get(fc_at(said, "fixed_ips"), 0), "ip_address", NULL);
    struct fc_object *server, *port;
    if (!said || fos_stranger(said, allowed))
        return fos_refuse(call, refusal, 400,
                          "Invalid input for field/attribute interfaceAttachment.");
    if (port_id && (net || address))
        return fos_refuse(call, refusal, 400, "Must not input both %s and port_id",
                          net ? "network_id" : "fixed_ips");
    if (fos_server_find(call, call->segments[0], &server, refusal) ||
        check_state(call, server, "attach_interface", refusal) ||
        (port_id ? take_port(call, server, port_id, &port, refusal)
                 : make_port(call, server, net, address, &port, refusal)))
        return -1;
    *ret_reply = json_pack("{s:o}", "interfaceAttachment", show(call, port));
    return 0;
}

/* What Nova made goes; what it was given is free again. */
int fos_server_detach(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *server;
    if (fos_server_find(call, call->segments[0], &server, refusal) ||
        check_state(call, server, "detach_interface", refusal))
        return -1;
    struct fc_object *port = fos_find(call, fos_ports.kind, call->segments[1]);
    if (!port || strcmp(fc_text_at(port->doc, "device_id"), server->id) != 0)
        return fos_refuse(call, refusal, 404,
                          "Instance %s does not have a port with id %.64s attached", server->id,
                          call->segments[1]);
    fos_port_unplug(call->world, port, &call->cause);
    return 0;
}
