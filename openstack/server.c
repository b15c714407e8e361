/* SPDX-License-Identifier: ISC */
/* Nova's servers. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "openstack/compute.h"
#include "tables.h"

/* From which 2.N on. */
enum {
    MICRO_DESCRIPTION = 19,
    MICRO_TAGS = 26,
    MICRO_MODES = 37,
    MICRO_CREATE_TAGS = 52,
    MICRO_VOLUME_TYPE = 67
};

/* --- making one --- */

static const struct mir_field nic_fields[] = {
    MIR_ROW(struct os_nic, network_id, "uuid", MIR_PUT_TEXT),
    MIR_ROW(struct os_nic, port_id, "port", MIR_PUT_TEXT),
    MIR_ROW(struct os_nic, fixed_ip, "fixed_ip", MIR_PUT_TEXT),
};
OS_TABLE(struct os_nic, nic);

#define DISK(member, name, kind) MIR_ROW(struct os_disk, member, name, kind)

static const struct mir_field disk_fields[] = {
    DISK(source, "source_type", MIR_PUT_TEXT),
    DISK(source_id, "uuid", MIR_PUT_TEXT),
    DISK(destination, "destination_type", MIR_PUT_TEXT),
    DISK(boot_index, "boot_index", MIR_PUT_ALWAYS),
    DISK(size_gib, "volume_size", MIR_PUT_NUMBER),
    DISK(delete_on_termination, "delete_on_termination", MIR_PUT_FLAG),
    DISK(volume_type, "volume_type", MIR_PUT_TEXT),
    DISK(disk_bus, "disk_bus", MIR_PUT_TEXT),
    DISK(device_type, "device_type", MIR_PUT_TEXT),
};
OS_TABLE(struct os_disk, disk);

/* A security group is an object with a name, which may be its id. */
struct group {
    const char *name;
};

static const struct mir_field group_fields[] = {
    MIR_ROW(struct group, name, "name", MIR_PUT_TEXT),
};
OS_TABLE(struct group, group);

#define GROUPS_MAX 32

/* What is sent. */
struct create {
    struct os_create_server asked;
    struct group groups[GROUPS_MAX];
    const struct group *group_rows;
};

#define ASKED(member, name, kind) MIR_ROW(struct create, asked.member, "server." name, kind)

static const struct mir_field create_fields[] = {
    MIR_MUST(struct create, asked.name, "server.name", MIR_PUT_TEXT),
    MIR_MUST(struct create, asked.flavor_id, "server.flavorRef", MIR_PUT_TEXT),
    ASKED(image_id, "imageRef", MIR_PUT_TEXT),
    ASKED(description, "description", MIR_PUT_TEXT),
    ASKED(key_name, "key_name", MIR_PUT_TEXT),
    ASKED(zone, "availability_zone", MIR_PUT_TEXT),
    MIR_MANY(struct create, asked.user_data, asked.user_data_len, "server.user_data",
             MIR_PUT_BASE64, NULL),
    ASKED(config_drive, "config_drive", MIR_PUT_FLAG),
    OS_ROW_MAP(struct create, asked.metadata, asked.metadata_count, "server.metadata"),
    OS_ROW_TEXTS(struct create, asked.tags, asked.tag_count, "server.tags"),
    ASKED(network_mode, "networks", MIR_PUT_TEXT),
    MIR_MANY(struct create, asked.nics, asked.nic_count, "server.networks", MIR_PUT_LIST,
             &nic_table),
    MIR_MANY(struct create, group_rows, asked.group_count, "server.security_groups", MIR_PUT_LIST,
             &group_table),
    MIR_MANY(struct create, asked.disks, asked.disk_count, "server.block_device_mapping_v2",
             MIR_PUT_LIST, &disk_table),
    MIR_ROW(struct create, asked.reservation, "os:scheduler_hints.reservation", MIR_PUT_TEXT),
};
OS_TABLE(struct create, create);

struct made {
    char id[OS_ID_TEXT];
};

static const struct mir_field made_fields[] = {
    MIR_MUST(struct made, id, "id", MIR_GET_TEXT),
};
OS_TABLE(struct made, made);

/* --- looking at one --- */

#define ADDRESS(member, name, kind) MIR_ROW(struct os_server_address, member, name, kind)

static const struct mir_field address_fields[] = {
    MIR_MUST(struct os_server_address, address, "addr", MIR_GET_TEXT),
    ADDRESS(mac, "OS-EXT-IPS-MAC:mac_addr", MIR_GET_TEXT),
    ADDRESS(type, "OS-EXT-IPS:type", MIR_GET_TEXT),
    ADDRESS(version, "version", MIR_GET_NUMBER),
};
OS_TABLE(struct os_server_address, address);

static const struct mir_field network_fields[] = {
    MIR_ROW(struct os_server_network, name, "*", MIR_GET_OWNED),
    OS_ROW_LIST(struct os_server_network, addresses, address_count, "", &address_table),
};
OS_TABLE(struct os_server_network, network);

static const struct mir_field attached_fields[] = {
    MIR_MUST(struct os_attached_volume, id, "id", MIR_GET_TEXT),
    MIR_ROW(struct os_attached_volume, delete_on_termination, "delete_on_termination",
            MIR_GET_TRUE),
};
OS_TABLE(struct os_attached_volume, attached);

#define HAS(member, path, kind) MIR_ROW(struct os_server, member, path, kind)

static const struct mir_field server_fields[] = {
    MIR_MUST(struct os_server, id, "id", MIR_GET_TEXT),
    MIR_MUST(struct os_server, status, "status", MIR_GET_TEXT),
    HAS(name, "name", MIR_GET_OWNED),
    HAS(description, "description", MIR_GET_OWNED),
    HAS(task_state, "OS-EXT-STS:task_state", MIR_GET_TEXT),
    HAS(vm_state, "OS-EXT-STS:vm_state", MIR_GET_TEXT),
    HAS(power_state, "OS-EXT-STS:power_state", MIR_GET_NUMBER),
    HAS(project_id, "tenant_id", MIR_GET_TEXT),
    HAS(user_id, "user_id", MIR_GET_TEXT),
    HAS(image_id, "image/id", MIR_GET_TEXT),
    HAS(flavor_id, "flavor/id", MIR_GET_CUT),
    HAS(flavor_name, "flavor/original_name", MIR_GET_OWNED),
    HAS(zone, "OS-EXT-AZ:availability_zone", MIR_GET_OWNED),
    HAS(key_name, "key_name", MIR_GET_OWNED),
    HAS(created_s, "created", MIR_GET_TIME),
    HAS(updated_s, "updated", MIR_GET_TIME),
    HAS(launched_s, "OS-SRV-USG:launched_at", MIR_GET_TIME),
    HAS(fault, "fault/message", MIR_GET_OWNED),
    HAS(locked, "locked", MIR_GET_TRUE),
    OS_ROW_PAIRS(struct os_server, metadata, metadata_count, "metadata"),
    OS_ROW_WORDS(struct os_server, tags, tag_count, "tags"),
    MIR_MANY(struct os_server, networks, network_count, "addresses", MIR_GET_MAP, &network_table),
    OS_ROW_LIST(struct os_server, volumes, volume_count, "os-extended-volumes:volumes_attached",
                &attached_table),
};
OS_TABLE(struct os_server, server);
OS_LIST_TABLE(struct os_servers, servers, "servers", &server_table);

static const struct mir_field list_fields[] = {
    MIR_ROW(struct os_list_servers, name, "name", MIR_PUT_TEXT),
    MIR_ROW(struct os_list_servers, status, "status", MIR_PUT_TEXT),
    MIR_ROW(struct os_list_servers, tags, "tags", MIR_PUT_TEXT),
};
OS_TABLE(struct os_list_servers, list);

/* --- what is done to one --- */

struct asked_lines {
    int64_t lines;
    const char *all; /* NULL */
};

static const struct mir_field console_fields[] = {
    MIR_ROW(struct asked_lines, all, "os-getConsoleOutput.length", MIR_PUT_NULL),
    MIR_ROW(struct asked_lines, lines, "os-getConsoleOutput.length", MIR_PUT_NUMBER),
};
OS_TABLE(struct asked_lines, console);

struct output {
    char *text;
};

static const struct mir_field output_fields[] = {
    MIR_ROW(struct output, text, "output", MIR_GET_OWNED),
};
OS_TABLE(struct output, output);

struct reboot {
    const char *type;
};

static const struct mir_field reboot_fields[] = {
    MIR_MUST(struct reboot, type, "reboot.type", MIR_PUT_TEXT),
};
OS_TABLE(struct reboot, reboot);

struct metadata {
    const struct os_pair *pairs;
    size_t count;
};

static const struct mir_field metadata_fields[] = {
    OS_ROW_MAP(struct metadata, pairs, count, "metadata"),
};
OS_TABLE(struct metadata, metadata);

static const struct mir_field action_fields[] = {
    MIR_MUST(struct os_server_action, action, "action", MIR_GET_TEXT),
    MIR_ROW(struct os_server_action, request_id, "request_id", MIR_GET_CUT),
    MIR_ROW(struct os_server_action, message, "message", MIR_GET_OWNED),
    MIR_ROW(struct os_server_action, began_s, "start_time", MIR_GET_TIME),
};
OS_TABLE(struct os_server_action, action);
OS_LIST_TABLE(struct os_server_actions, actions, "instanceActions", &action_table);

static const struct mir_field interface_address_fields[] = {
    MIR_MUST(struct os_interface_address, address, "ip_address", MIR_GET_TEXT),
    MIR_ROW(struct os_interface_address, subnet_id, "subnet_id", MIR_GET_TEXT),
};
OS_TABLE(struct os_interface_address, interface_address);

static const struct mir_field interface_fields[] = {
    MIR_MUST(struct os_interface, port_id, "port_id", MIR_GET_TEXT),
    MIR_ROW(struct os_interface, network_id, "net_id", MIR_GET_TEXT),
    MIR_ROW(struct os_interface, mac, "mac_addr", MIR_GET_TEXT),
    MIR_ROW(struct os_interface, state, "port_state", MIR_GET_TEXT),
    OS_ROW_LIST(struct os_interface, addresses, address_count, "fixed_ips",
                &interface_address_table),
};
OS_TABLE(struct os_interface, interface);
OS_LIST_TABLE(struct os_interfaces, interfaces, "interfaceAttachments", &interface_table);

enum {
    CREATE,
    GET,
    LIST,
    DELETE,
    FORCE_DELETE,
    START,
    STOP,
    REBOOT,
    CONSOLE,
    SET,
    UNSET,
    TAG,
    ACTIONS,
    INTERFACES
};

#define NOVA .service = OS_COMPUTE
#define ONE "/servers/%"
#define DOES(operation, text)                                                                      \
    {                                                                                              \
        NOVA, .name = operation, .method = "POST", .path = ONE "/action", .body = text             \
    }

/* An action is repeated after an unknown end: what it does it does to one server, and a second time
 * is refused or changes nothing. */
const struct os_operation os_server_operations[] = {
    [CREATE] = {NOVA, .name = "CreateServer", .method = "POST", .path = "/servers",
                .request = &create_table, .reply = &made_table, .result = "server", .once = true,
                .secret = true},
    [GET] = {NOVA, .name = "ShowServer", .method = "GET", .path = ONE, .reply = &server_table,
             .result = "server", .reads = true},
    [LIST] = {NOVA, .name = "ListServers", .method = "GET", .path = "/servers/detail",
              .request = &list_table, .reply = &servers_table, .reads = true,
              .paging = OS_PAGES_LINKS, .page_next = "servers_links", .page = 500},
    [DELETE] = {NOVA, .name = "DeleteServer", .method = "DELETE", .path = ONE},
    [FORCE_DELETE] = DOES("ForceDeleteServer", "{\"forceDelete\":null}"),
    [START] = DOES("StartServer", "{\"os-start\":null}"),
    [STOP] = DOES("StopServer", "{\"os-stop\":null}"),
    [REBOOT] = {NOVA, .name = "RebootServer", .method = "POST", .path = ONE "/action",
                .request = &reboot_table, .once = true},
    [CONSOLE] = {NOVA, .name = "ShowConsoleOutput", .method = "POST", .path = ONE "/action",
                 .request = &console_table, .reply = &output_table, .reads = true},
    [SET] = {NOVA, .name = "UpdateServerMetadata", .method = "POST", .path = ONE "/metadata",
             .request = &metadata_table},
    [UNSET] = {NOVA, .name = "DeleteServerMetadata", .method = "DELETE", .path = ONE "/metadata/%"},
    [TAG] = {NOVA, .name = "AddServerTag", .method = "PUT", .path = ONE "/tags/%"},
    [ACTIONS] = {NOVA, .name = "ListServerActions", .method = "GET",
                 .path = ONE "/os-instance-actions", .reply = &actions_table, .reads = true},
    [INTERFACES] = {NOVA, .name = "ListServerInterfaces", .method = "GET",
                    .path = ONE "/os-interface", .reply = &interfaces_table, .reads = true},
    {0},
};

OS_GET_ONE(os_server_get, struct os_server, &os_server_operations[GET])
OS_ACT_ON(os_server_delete, &os_server_operations[DELETE])
OS_ACT_ON(os_server_force_delete, &os_server_operations[FORCE_DELETE])
OS_ACT_ON(os_server_start, &os_server_operations[START])
OS_ACT_ON(os_server_stop, &os_server_operations[STOP])
OS_GET_ONE(os_server_actions, struct os_server_actions, &os_server_operations[ACTIONS])
OS_GET_ONE(os_server_interfaces, struct os_interfaces, &os_server_operations[INTERFACES])
OS_CLEAR(os_server_clear, struct os_server, &server_table)
OS_CLEAR(os_servers_clear, struct os_servers, &servers_table)
OS_CLEAR(os_server_actions_clear, struct os_server_actions, &actions_table)
OS_CLEAR(os_interfaces_clear, struct os_interfaces, &interfaces_table)

/* --- what the microversion has --- */

static int needs(int have, int micro, const char *what, struct mir_error *err)
{
    if (have >= micro)
        return 0;
    mir_fail(err, MIR_USAGE, "%s needs version 2.%d of the compute API, and 2.%d is spoken", what,
             micro, have);
    return mir_error_hint(err,
                          "is an older one asked for (OS_COMPUTE_API_VERSION), or the cloud too "
                          "old?");
}

/* Leaves out what the cloud does not know and the caller can do without. */
static int fit(struct create *create, int micro, struct mir_error *err)
{
    struct os_create_server *asked = &create->asked;
    if (micro < MICRO_DESCRIPTION)
        asked->description = NULL;
    if (micro < MICRO_CREATE_TAGS)
        asked->tag_count = 0;
    for (size_t i = 0; i < asked->disk_count; i++)
        if (asked->disks[i].volume_type &&
            needs(micro, MICRO_VOLUME_TYPE, "the type of a volume", err))
            return -1;
    if (asked->nic_count) {
        asked->network_mode = NULL;
        return 0;
    }
    if (!asked->network_mode)
        asked->network_mode = "auto";
    if (micro >= MICRO_MODES)
        return 0;
    if (strcmp(asked->network_mode, "auto") != 0)
        return needs(micro, MICRO_MODES, "a server without a network", err);
    asked->network_mode = NULL;
    return 0;
}

int os_server_create(struct os_session *session, const struct os_create_server *args,
                     int64_t until_ms, char ret_id[OS_ID_TEXT], struct mir_error *err)
{
    struct create create = {.asked = *args, .group_rows = create.groups};
    struct made made = {.id = ""};
    int micro = 0;
    if (args->group_count > GROUPS_MAX)
        return mir_fail(err, MIR_USAGE, "more than %d security groups", GROUPS_MAX);
    for (size_t i = 0; i < args->group_count; i++)
        create.groups[i].name = args->groups[i];
    if (os_session_microversion(session, OS_COMPUTE, until_ms, &micro, err) ||
        fit(&create, micro, err) ||
        os_operate(session, &os_server_operations[CREATE], NULL, &create, until_ms, &made, err))
        return -1;
    memcpy(ret_id, made.id, OS_ID_TEXT);
    return 0;
}

/* Before it Nova takes no notice of the filter, and lists everything. */
int os_server_list(struct os_session *session, const struct os_list_servers *args, int64_t until_ms,
                   struct os_servers *ret, struct mir_error *err)
{
    int micro = 0;
    if (args->tags && *args->tags &&
        (os_session_microversion(session, OS_COMPUTE, until_ms, &micro, err) ||
         needs(micro, MICRO_TAGS, "looking for tags", err)))
        return -1;
    return os_operate_all(session, &os_server_operations[LIST], NULL, args, until_ms, ret, err);
}

int os_server_reboot(struct os_session *session, const char *id, bool hard, int64_t until_ms,
                     struct mir_error *err)
{
    struct reboot args = {hard ? "HARD" : "SOFT"};
    return os_operate(session, &os_server_operations[REBOOT], &id, &args, until_ms, NULL, err);
}

int os_server_console(struct os_session *session, const char *id, int64_t lines, int64_t until_ms,
                      char **ret, struct mir_error *err)
{
    struct asked_lines args = {.lines = lines};
    struct output output = {NULL};
    if (os_operate(session, &os_server_operations[CONSOLE], &id, &args, until_ms, &output, err))
        return -1;
    *ret = output.text ? output.text : mir_strdup("");
    return 0;
}

int os_server_set_metadata(struct os_session *session, const char *id, const struct os_pair *pairs,
                           size_t count, int64_t until_ms, struct mir_error *err)
{
    struct metadata args = {pairs, count};
    if (count == 0)
        return 0;
    return os_operate(session, &os_server_operations[SET], &id, &args, until_ms, NULL, err);
}

int os_server_delete_metadata(struct os_session *session, const char *id, const char *name,
                              int64_t until_ms, struct mir_error *err)
{
    const char *const parts[] = {id, name};
    return os_operate(session, &os_server_operations[UNSET], parts, NULL, until_ms, NULL, err);
}

int os_server_tag(struct os_session *session, const char *id, const char *tag, int64_t until_ms,
                  struct mir_error *err)
{
    const char *const parts[] = {id, tag};
    int micro = 0;
    if (os_session_microversion(session, OS_COMPUTE, until_ms, &micro, err) ||
        needs(micro, MICRO_TAGS, "a tag", err))
        return -1;
    return os_operate(session, &os_server_operations[TAG], parts, NULL, until_ms, NULL, err);
}
