/* SPDX-License-Identifier: ISC */
/* Neutron's ports and floating addresses. */
#include "openstack/network.h"
#include "tables.h"

/* --- ports --- */

static const struct mir_field fixed_fields[] = {
    MIR_MUST(struct os_fixed_ip, address, "ip_address", MIR_GET_TEXT),
    MIR_ROW(struct os_fixed_ip, subnet_id, "subnet_id", MIR_GET_TEXT),
};
OS_TABLE(struct os_fixed_ip, fixed);

#define PORT(member, path, kind) MIR_ROW(struct os_port, member, path, kind)

static const struct mir_field port_fields[] = {
    MIR_MUST(struct os_port, id, "id", MIR_GET_TEXT),
    PORT(network_id, "network_id", MIR_GET_TEXT),
    PORT(project_id, "project_id", MIR_GET_TEXT),
    PORT(name, "name", MIR_GET_OWNED),
    PORT(description, "description", MIR_GET_OWNED),
    PORT(status, "status", MIR_GET_TEXT),
    PORT(mac, "mac_address", MIR_GET_TEXT),
    PORT(device_id, "device_id", MIR_GET_TEXT),
    PORT(device_owner, "device_owner", MIR_GET_TEXT),
    PORT(up, "admin_state_up", MIR_GET_TRUE),
    PORT(port_security, "port_security_enabled", MIR_GET_TRUE),
    OS_ROW_LIST(struct os_port, addresses, address_count, "fixed_ips", &fixed_table),
    OS_ROW_WORDS(struct os_port, groups, group_count, "security_groups"),
    OS_ROW_WORDS(struct os_port, tags, tag_count, "tags"),
};
OS_TABLE(struct os_port, port);
OS_LIST_TABLE(struct os_ports, ports, "ports", &port_table);

static const struct mir_field ask_ip_fields[] = {
    MIR_ROW(struct os_ask_ip, subnet_id, "subnet_id", MIR_PUT_TEXT),
    MIR_ROW(struct os_ask_ip, address, "ip_address", MIR_PUT_TEXT),
};
OS_TABLE(struct os_ask_ip, ask_ip);

static const struct mir_field create_port_fields[] = {
    MIR_MUST(struct os_create_port, network_id, "port.network_id", MIR_PUT_TEXT),
    MIR_ROW(struct os_create_port, name, "port.name", MIR_PUT_TEXT),
    MIR_ROW(struct os_create_port, description, "port.description", MIR_PUT_TEXT),
    OS_ROW_TEXTS(struct os_create_port, groups, group_count, "port.security_groups"),
    MIR_MANY(struct os_create_port, addresses, address_count, "port.fixed_ips", MIR_PUT_LIST,
             &ask_ip_table),
    MIR_ROW(struct os_create_port, port_security, "port.port_security_enabled", MIR_PUT_FLAG),
    OS_ROW_TEXTS(struct os_create_port, tags, tag_count, "port.tags"),
};
OS_TABLE(struct os_create_port, create_port);

static const struct mir_field list_ports_fields[] = {
    MIR_ROW(struct os_list_ports, name, "name", MIR_PUT_TEXT),
    MIR_ROW(struct os_list_ports, description, "description", MIR_PUT_TEXT),
    MIR_ROW(struct os_list_ports, project_id, "project_id", MIR_PUT_TEXT),
    MIR_ROW(struct os_list_ports, device_id, "device_id", MIR_PUT_TEXT),
    MIR_ROW(struct os_list_ports, network_id, "network_id", MIR_PUT_TEXT),
    MIR_ROW(struct os_list_ports, tags, "tags", MIR_PUT_TEXT),
};
OS_TABLE(struct os_list_ports, list_ports);

static const struct mir_field update_port_fields[] = {
    MIR_ROW(struct os_update_port, name, "port.name", MIR_PUT_TEXT),
    MIR_ROW(struct os_update_port, description, "port.description", MIR_PUT_TEXT),
    OS_ROW_TEXTS(struct os_update_port, groups, group_count, "port.security_groups"),
};
OS_TABLE(struct os_update_port, update_port);

/* --- floating addresses --- */

#define FLOATING(member, path, kind) MIR_ROW(struct os_floating_ip, member, path, kind)

static const struct mir_field floating_fields[] = {
    MIR_MUST(struct os_floating_ip, id, "id", MIR_GET_TEXT),
    MIR_MUST(struct os_floating_ip, address, "floating_ip_address", MIR_GET_TEXT),
    FLOATING(fixed_address, "fixed_ip_address", MIR_GET_TEXT),
    FLOATING(port_id, "port_id", MIR_GET_TEXT),
    FLOATING(network_id, "floating_network_id", MIR_GET_TEXT),
    FLOATING(project_id, "project_id", MIR_GET_TEXT),
    FLOATING(status, "status", MIR_GET_TEXT),
    FLOATING(description, "description", MIR_GET_OWNED),
    OS_ROW_WORDS(struct os_floating_ip, tags, tag_count, "tags"),
};
OS_TABLE(struct os_floating_ip, floating);
OS_LIST_TABLE(struct os_floating_ips, floatings, "floatingips", &floating_table);

#define MAKES(member, name, kind)                                                                  \
    MIR_ROW(struct os_create_floating_ip, member, "floatingip." name, kind)

static const struct mir_field create_floating_fields[] = {
    MIR_MUST(struct os_create_floating_ip, network_id, "floatingip.floating_network_id",
             MIR_PUT_TEXT),
    MAKES(port_id, "port_id", MIR_PUT_TEXT),
    MAKES(description, "description", MIR_PUT_TEXT),
    OS_ROW_TEXTS(struct os_create_floating_ip, tags, tag_count, "floatingip.tags"),
};
OS_TABLE(struct os_create_floating_ip, create_floating);

#define LISTS(member, name) MIR_ROW(struct os_list_floating_ips, member, name, MIR_PUT_TEXT)

static const struct mir_field list_floating_fields[] = {
    LISTS(description, "description"),
    LISTS(project_id, "project_id"),
    LISTS(port_id, "port_id"),
    LISTS(network_id, "floating_network_id"),
    LISTS(address, "floating_ip_address"),
    LISTS(tags, "tags"),
};
OS_TABLE(struct os_list_floating_ips, list_floating);

struct move {
    const char *port_id;
};

static const struct mir_field move_fields[] = {
    MIR_ROW(struct move, port_id, "floatingip.port_id", MIR_PUT_NULL),
};
OS_TABLE(struct move, move);

enum { CREATE, GET, LIST, UPDATE, DELETE, CREATE_IP, GET_IP, LIST_IPS, MOVE_IP, DELETE_IP };

#define NEUTRON .service = OS_NETWORK
#define PAGES(member)                                                                              \
    .reads = true, .paging = OS_PAGES_LINKS, .page_next = member "_links", .page = 500

const struct os_operation os_port_operations[] = {
    [CREATE] = {NEUTRON, .name = "CreatePort", .method = "POST", .path = "/ports",
                .request = &create_port_table, .reply = &port_table, .result = "port",
                .once = true},
    [GET] = {NEUTRON, .name = "ShowPort", .method = "GET", .path = "/ports/%", .reply = &port_table,
             .result = "port", .reads = true},
    [LIST] = {NEUTRON, .name = "ListPorts", .method = "GET", .path = "/ports",
              .request = &list_ports_table, .reply = &ports_table, PAGES("ports")},
    [UPDATE] = {NEUTRON, .name = "UpdatePort", .method = "PUT", .path = "/ports/%",
                .request = &update_port_table},
    [DELETE] = {NEUTRON, .name = "DeletePort", .method = "DELETE", .path = "/ports/%"},
    [CREATE_IP] = {NEUTRON, .name = "CreateFloatingIp", .method = "POST", .path = "/floatingips",
                   .request = &create_floating_table, .reply = &floating_table,
                   .result = "floatingip", .once = true},
    [GET_IP] = {NEUTRON, .name = "ShowFloatingIp", .method = "GET", .path = "/floatingips/%",
                .reply = &floating_table, .result = "floatingip", .reads = true},
    [LIST_IPS] = {NEUTRON, .name = "ListFloatingIps", .method = "GET", .path = "/floatingips",
                  .request = &list_floating_table, .reply = &floatings_table, PAGES("floatingips")},
    [MOVE_IP] = {NEUTRON, .name = "UpdateFloatingIp", .method = "PUT", .path = "/floatingips/%",
                 .request = &move_table, .reply = &floating_table, .result = "floatingip"},
    [DELETE_IP] = {NEUTRON, .name = "DeleteFloatingIp", .method = "DELETE",
                   .path = "/floatingips/%"},
    {0},
};

OS_CREATE(os_port_create, struct os_create_port, struct os_port, &os_port_operations[CREATE])
OS_GET_ONE(os_port_get, struct os_port, &os_port_operations[GET])
OS_LIST_ALL(os_port_list, struct os_list_ports, struct os_ports, &os_port_operations[LIST])
OS_ACT_ON(os_port_delete, &os_port_operations[DELETE])
OS_CLEAR(os_port_clear, struct os_port, &port_table)
OS_CLEAR(os_ports_clear, struct os_ports, &ports_table)

int os_port_update(struct os_session *session, const char *id, const struct os_update_port *args,
                   int64_t until_ms, struct mir_error *err)
{
    return os_operate(session, &os_port_operations[UPDATE], &id, args, until_ms, NULL, err);
}

OS_CREATE(os_floating_ip_create, struct os_create_floating_ip, struct os_floating_ip,
          &os_port_operations[CREATE_IP])
OS_GET_ONE(os_floating_ip_get, struct os_floating_ip, &os_port_operations[GET_IP])
OS_LIST_ALL(os_floating_ip_list, struct os_list_floating_ips, struct os_floating_ips,
            &os_port_operations[LIST_IPS])
OS_ACT_ON(os_floating_ip_delete, &os_port_operations[DELETE_IP])
OS_CLEAR(os_floating_ip_clear, struct os_floating_ip, &floating_table)
OS_CLEAR(os_floating_ips_clear, struct os_floating_ips, &floatings_table)

int os_floating_ip_move(struct os_session *session, const char *id, const char *port_id,
                        int64_t until_ms, struct os_floating_ip *ret, struct mir_error *err)
{
    struct move args = {port_id};
    return os_operate(session, &os_port_operations[MOVE_IP], &id, &args, until_ms, ret, err);
}
