/* SPDX-License-Identifier: ISC */
/*
 * POST /servers: the request against the version's schema, against what there is, against the
 * quota; then one or more servers in BUILD. Nova has no client token: the same request again makes
 * another server.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/base64.h"
#include "api/memory.h"
#include "blazar.h"
#include "cinder.h"
#include "glance.h"
#include "neutron.h"
#include "nova.h"
#include "os_wording.h"

#define METADATA_MAX 128
#define USER_DATA_MAX 65535

/* What the request comes to. */
struct order {
    const json_t *server; /* the body's member, borrowed */
    const struct fos_flavor *flavor;
    const struct fc_object *image; /* NULL: none, a volume is booted */
    json_t *networks;              /* owned: [{"network" or "port": id, "address": …}] */
    json_t *groups;                /* owned: ids */
    json_t *group_names;           /* owned */
    int64_t least, most;           /* servers */
    const json_t *volume;          /* its root is to be one; NULL: it is not */
    const char *reservation;       /* of a lease; NULL */
};

static void order_clear(struct order *order)
{
    json_decref(order->networks);
    json_decref(order->groups);
    json_decref(order->group_names);
}

/* --- the schema --- */

static const struct {
    const char *name;
    int from, until;
    char type;
} members[] = {
    {"name", 1, 99, 's'},
    {"imageRef", 1, 99, 's'},
    {"flavorRef", 1, 99, 0},
    {"adminPass", 1, 99, 's'},
    {"metadata", 1, 99, 'o'},
    {"networks", 1, 99, 0},
    {"OS-DCF:diskConfig", 1, 99, 's'},
    {"accessIPv4", 1, 99, 's'},
    {"accessIPv6", 1, 99, 's'},
    {"availability_zone", 1, 99, 's'},
    {"block_device_mapping", 1, 99, 'l'},
    {"block_device_mapping_v2", 1, 99, 'l'},
    {"config_drive", 1, 99, 0},
    {"key_name", 1, 99, 's'},
    {"min_count", 1, 99, 0},
    {"max_count", 1, 99, 0},
    {"return_reservation_id", 1, 99, 0},
    {"security_groups", 1, 99, 'l'},
    {"user_data", 1, 99, 's'},
    {"personality", 1, 56, 'l'},
    {"description", 19, 99, 0},
    {"tags", 52, 99, 'l'},
    {"trusted_image_certificates", 63, 99, 0},
    {"host", 74, 99, 's'},
    {"hypervisor_hostname", 74, 99, 's'},
    {"hostname", 90, 99, 's'},
};

static int invalid(const struct fc_call *call, struct fc_refusal *refusal, const char *name)
{
    return fos_refuse(call, refusal, 400,
                      "Invalid input for field/attribute %.60s. It is of another type or form.",
                      name);
}

static bool is_of_type(const json_t *value, char type)
{
    return !type || (type == 's'   ? json_is_string(value)
                     : type == 'o' ? json_is_object(value)
                                   : json_is_array(value));
}

static int check_members(const struct fc_call *call, const json_t *server,
                         struct fc_refusal *refusal)
{
    int minor = fos_of(call)->minor;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)server, name, value)
    {
        size_t i = 0;
        while (i < MIR_NELEMS(members) && strcmp(members[i].name, name) != 0)
            i++;
        if (i == MIR_NELEMS(members) || minor < members[i].from || minor > members[i].until)
            return fos_refuse(call, refusal, 400,
                              "Invalid input for field/attribute server. Additional properties are "
                              "not allowed ('%.60s' was unexpected)",
                              name);
        if (!is_of_type(value, members[i].type))
            return invalid(call, refusal, name);
    }
    return 0;
}

static int check_metadata(const struct fc_call *call, const json_t *metadata,
                          struct fc_refusal *refusal)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)metadata, name, value)
    {
        if (!json_is_string(value) || json_string_length(value) > 255 || strlen(name) > 255 ||
            !*name)
            return invalid(call, refusal, "metadata");
    }
    return json_object_size(metadata) > METADATA_MAX
               ? fos_refuse(call, refusal, 403, "Maximum number of metadata items exceeds %d",
                            METADATA_MAX)
               : 0;
}

static int check_texts(const struct fc_call *call, const json_t *server, struct fc_refusal *refusal)
{
    const char *name = fos_text(server, "name", NULL), *data = fos_text(server, "user_data", NULL);
    const json_t *tags = fc_at(server, "tags");
    size_t len = 0, i;
    json_t *tag;
    if (!name)
        return fos_refuse(
            call, refusal, 400,
            "Invalid input for field/attribute server. 'name' is a required property");
    if (!*name || strlen(name) > 255)
        return invalid(call, refusal, "name");
    if (data) {
        mir_auto_free char *bytes = mir_base64_decode(data, &len);
        if (!bytes || strlen(data) > USER_DATA_MAX)
            return invalid(call, refusal, "user_data");
    }
    json_array_foreach((json_t *)(uintptr_t)tags, i, tag)
    {
        if (!json_is_string(tag) || !json_string_length(tag) || json_string_length(tag) > 60 ||
            strpbrk(json_string_value(tag), "/,"))
            return invalid(call, refusal, "tags");
    }
    return json_array_size(tags) > 50 ? invalid(call, refusal, "tags")
                                      : check_metadata(call, fc_at(server, "metadata"), refusal);
}

static int64_t count_of(const json_t *value, int64_t otherwise)
{
    if (json_is_string(value))
        return strtoll(json_string_value(value), NULL, 10);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static int read_counts(const struct fc_call *call, struct order *order, struct fc_refusal *refusal)
{
    order->least = count_of(fc_at(order->server, "min_count"), 1);
    order->most = count_of(fc_at(order->server, "max_count"), order->least);
    if (order->least < 1 || order->most < 1)
        return invalid(call, refusal, "min_count");
    return order->least > order->most
               ? fos_refuse(call, refusal, 400, "min_count must be <= max_count")
               : 0;
}

/* --- what it is made of --- */

static int read_flavor(const struct fc_call *call, struct order *order, struct fc_refusal *refusal)
{
    const json_t *ref = fc_at(order->server, "flavorRef");
    char number[24];
    const char *id = json_string_value(ref);
    if (json_is_integer(ref)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(ref));
        id = number;
    }
    if (!id)
        return fos_refuse(call, refusal, 400,
                          "Invalid input for field/attribute server. 'flavorRef' is a required "
                          "property");
    const char *last = strrchr(id, '/');
    order->flavor = fos_flavor_find(call->region, last ? last + 1 : id);
    if (!order->flavor && fos_reservation_find(call, id)) {
        order->reservation = id; /* its flavor: here one that is always there */
        order->flavor = fos_flavor_find(call->region, fos_flavor_smallest(call->region));
    }
    return order->flavor ? 0
                         : fos_refuse(call, refusal, 400, "Flavor %.64s could not be found.", id);
}

/* A flavor's disk and memory have to be enough for the image. */
static int check_image_fits(const struct fc_call *call, const struct order *order,
                            struct fc_refusal *refusal)
{
    const json_t *doc = order->image->doc;
    json_int_t size = json_integer_value(fc_at(doc, "size"));
    json_int_t disk_bytes = (json_int_t)order->flavor->disk_gib << 30;
    if (json_integer_value(fc_at(doc, "min_ram")) > order->flavor->ram_mib)
        return fos_refuse(call, refusal, 400, "Flavor's memory is too small for requested image.");
    if (order->volume)
        return 0;
    if (!order->flavor->disk_gib)
        return fos_refuse(call, refusal, 403,
                          "Only volume-backed servers are allowed for flavors "
                          "with zero disk.");
    if (size > disk_bytes)
        return fos_refuse(call, refusal, 400,
                          "Flavor's disk is too small for requested image. Flavor disk is %lld "
                          "bytes, image is %lld bytes.",
                          (long long)disk_bytes, (long long)size);
    if (json_integer_value(fc_at(doc, "min_disk")) > order->flavor->disk_gib)
        return fos_refuse(call, refusal, 400,
                          "The size of the volume is smaller than the minimum size specified in "
                          "image metadata. Flavor's disk is too small for requested image.");
    return 0;
}

/* A mapping whose source is the image itself is what an imageRef means. */
static const char *mapped_image(const json_t *server)
{
    const json_t *first = json_array_get(fc_at(server, "block_device_mapping_v2"), 0);
    bool image = !strcmp(fos_text(first, "source_type", ""), "image");
    return image ? fos_text(first, "uuid", "") : "";
}

static const char *mapped_to(const json_t *server)
{
    return fos_text(json_array_get(fc_at(server, "block_device_mapping_v2"), 0), "destination_type",
                    "");
}

static int read_image(struct fc_call *call, struct order *order, struct fc_refusal *refusal)
{
    const char *ref = fos_text(order->server, "imageRef", ""), *last = strrchr(ref, '/');
    const char *id = last ? last + 1 : *ref ? ref : mapped_image(order->server);
    if (!*id && json_array_size(fc_at(order->server, "block_device_mapping_v2")))
        return fos_refuse(call, refusal, 400,
                          "Block Device Mapping is Invalid: failed to get volume; this cloud has "
                          "none.");
    if (!*id)
        return fos_refuse(call, refusal, 400,
                          "Block Device Mapping is Invalid: Boot sequence for the instance and "
                          "image/block device mapping combination is not valid.");
    if (!fos_uuid_like(id))
        return fos_refuse(call, refusal, 400, "Invalid imageRef provided.");
    order->image = fc_store_get(call->world->store, "os-image", call->region, id);
    if (!order->image || !fos_image_visible(call, order->image))
        return fos_refuse(call, refusal, 400, "Image %.64s could not be found.", id);
    if (strcmp(fc_text_at(order->image->doc, "status"), "active") != 0)
        return fos_refuse(call, refusal, 400, "Image %s is not active.", id);
    order->volume = fos_volume_asked(call->world, order->server);
    if (!order->volume && !strcmp(mapped_to(order->server), "volume"))
        return fos_refuse(call, refusal, 400,
                          "Block Device Mapping is Invalid: there is no volume service.");
    return check_image_fits(call, order, refusal);
}

static int read_rest(const struct fc_call *call, const struct order *order,
                     struct fc_refusal *refusal)
{
    const char *key = fos_text(order->server, "key_name", NULL);
    const char *zone = fos_text(order->server, "availability_zone", "nova");
    if (key && !fos_keypair_find(call, key))
        return fos_refuse(call, refusal, 400, "Invalid key_name provided.");
    if (strcmp(zone, "nova") != 0)
        return fos_refuse(call, refusal, 400, "The requested availability zone is not available");
    if (fc_at(order->server, "host") || fc_at(order->server, "hypervisor_hostname"))
        return fos_refuse_policy(call, refusal);
    return 0;
}

/* --- networks and groups --- */

static int add_network(struct fc_call *call, const json_t *said, json_t *out,
                       struct fc_refusal *refusal)
{
    static const char *const allowed[] = {"uuid", "port", "fixed_ip", "tag", NULL};
    const char *id = fos_text(said, "uuid", NULL), *port_id = fos_text(said, "port", NULL);
    const char *stranger = json_is_object(said) ? fos_stranger(said, allowed) : "networks";
    if (stranger || (!id && !port_id))
        return invalid(call, refusal, stranger ? stranger : "networks");
    if (port_id) {
        const struct fc_object *port = fos_find(call, fos_ports.kind, port_id);
        if (!port)
            return fos_refuse(call, refusal, 400, "Port id %.64s could not be found.", port_id);
        if (*fc_text_at(port->doc, "device_id"))
            return fos_refuse(call, refusal, 409, "Port %s is still in use.", port_id);
        json_array_append_new(out, json_pack("{s:s}", "port", port_id));
        return 0;
    }
    const struct fc_object *network =
        fc_store_get(call->world->store, fos_networks.kind, call->region, id);
    if (!network || !fos_network_sees(call, network))
        return fos_refuse(call, refusal, 400, "Network %.64s could not be found.", id);
    if (fos_network_external(network) && !json_is_true(fc_at(network->doc, "shared")))
        return fos_refuse(call, refusal, 403,
                          "It is not allowed to create an interface on "
                          "external network %.64s",
                          id);
    if (!json_array_size(fc_at(network->doc, "subnets")))
        return fos_refuse(call, refusal, 400,
                          "Network requires a subnet in order to boot instances "
                          "on.");
    json_array_append_new(
        out, json_pack("{s:s,s:O?}", "network", id, "address", fc_at(said, "fixed_ip")));
    return 0;
}

/* None was named: the only one there is. */
static int only_network(struct fc_call *call, bool automatic, struct order *order,
                        struct fc_refusal *refusal)
{
    struct fc_object *network;
    unsigned count = fos_there(call->world, FOS_NETWORK) ? fos_network_usable(call, &network) : 0;
    if (count > 1)
        return fos_refuse(
            call, refusal, 409,
            "Multiple possible networks found, use a Network ID to be more specific.");
    if (!count && automatic)
        return fos_refuse(call, refusal, 400,
                          "Unable to automatically allocate a network for project %s",
                          fos_of(call)->project);
    if (count)
        json_array_append_new(order->networks, json_pack("{s:s}", "network", network->id));
    return 0;
}

/* Words instead of a list: from 2.37. */
static int network_word(struct fc_call *call, const char *word, struct order *order,
                        struct fc_refusal *refusal)
{
    if (!strcmp(word, "none"))
        return 0;
    if (!strcmp(word, "auto"))
        return only_network(call, true, order, refusal);
    return fos_refuse(call, refusal, 400,
                      "Invalid input for field/attribute networks. It is not of type 'array'");
}

static int read_networks(struct fc_call *call, struct order *order, struct fc_refusal *refusal)
{
    const json_t *said = fc_at(order->server, "networks");
    const char *word = json_string_value(said);
    bool words = fos_of(call)->minor >= 37;
    size_t i;
    json_t *one;
    order->networks = json_array();
    if (!said && words)
        return fos_refuse(call, refusal, 400,
                          "Invalid input for field/attribute server. "
                          "'networks' is a required property");
    if (!said || (json_is_array(said) && !json_array_size(said)))
        return only_network(call, false, order, refusal);
    if (!json_is_array(said))
        return network_word(call, words && word ? word : "", order, refusal);
    json_array_foreach((json_t *)(uintptr_t)said, i, one)
    {
        if (add_network(call, one, order->networks, refusal))
            return -1;
    }
    return 0;
}

static int add_group(struct fc_call *call, const char *name, struct order *order,
                     struct fc_refusal *refusal)
{
    unsigned count = 0;
    struct fc_object *group =
        !strcmp(name, "default") ? fos_group_default(call) : fos_group_named(call, name, &count);
    if (!group)
        return fos_refuse(call, refusal, 400, "Security group %.255s not found for project %s",
                          name, fos_of(call)->project);
    if (count > 1)
        return fos_refuse(call, refusal, 409,
                          "Multiple security groups found matching '%.255s'. Use an ID to be more "
                          "specific.",
                          name);
    json_array_append_new(order->groups, json_string(group->id));
    json_array_append_new(order->group_names,
                          json_pack("{s:O}", "name", fc_at(group->doc, "name")));
    return 0;
}

static int read_groups(struct fc_call *call, struct order *order, struct fc_refusal *refusal)
{
    const json_t *said = fc_at(order->server, "security_groups");
    size_t i;
    json_t *one;
    order->groups = json_array();
    order->group_names = json_array();
    if (!json_array_size(said))
        return add_group(call, "default", order, refusal);
    json_array_foreach((json_t *)(uintptr_t)said, i, one)
    {
        const char *name = fos_text(one, "name", NULL);
        if (!name)
            return invalid(call, refusal, "security_groups");
        if (add_group(call, name, order, refusal))
            return -1;
    }
    return 0;
}

/* --- the quota --- */

struct fos_usage fos_server_usage(const struct fc_call *call)
{
    struct fos_usage used = {0};
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, FOS_SERVER, call->region));) {
        const struct fos_flavor *flavor = fos_flavor_find(o->region, fc_text_at(o->doc, "_flavor"));
        if (o->gone_ms || strcmp(fc_text_at(o->doc, "_project"), fos_of(call)->project) != 0)
            continue;
        used.instances++;
        used.cores += flavor ? flavor->vcpus : 0;
        used.ram_mib += flavor ? flavor->ram_mib : 0;
    }
    return used;
}

static int check_quota(const struct fc_call *call, const struct order *order,
                       struct fc_refusal *refusal)
{
    const struct fc_settings *settings = &call->world->settings;
    struct fos_usage used = fos_server_usage(call);
    const struct {
        const char *name;
        int64_t used, wanted, most;
    } rows[] = {{"instances", used.instances, order->most, settings->os_instances},
                {"cores", used.cores, order->most * order->flavor->vcpus, settings->os_cores},
                {"ram", used.ram_mib, order->most * order->flavor->ram_mib, settings->os_ram_mib}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        if (rows[i].used + rows[i].wanted > rows[i].most)
            return fos_refuse(call, refusal, 403,
                              "Quota exceeded for %s: Requested %lld, but already used %lld of "
                              "%lld %s",
                              rows[i].name, (long long)rows[i].wanted, (long long)rows[i].used,
                              (long long)rows[i].most, rows[i].name);
    return 0;
}

/* --- made --- */

static json_t *new_doc(const struct fc_call *call, const struct order *order, int64_t number)
{
    const json_t *server = order->server;
    char host[33];
    const char *name = fos_text(server, "name", "");
    fos_hex_id(host);
    json_t *doc = json_pack(
        "{s:o,s:s,s:s,s:s,s:i,s:o,s:s,s:s,s:o,s:o,s:s,s:o}", "name",
        order->most > 1 ? json_sprintf("%s-%d", name, (int)number + 1) : json_string(name),
        "status", "BUILD", "OS-EXT-STS:vm_state", "building", "OS-EXT-STS:task_state", "scheduling",
        "OS-EXT-STS:power_state", 0, "metadata", json_object(), "user_id", fos_of(call)->user,
        "hostId", "", "created", fos_time(call->now_ms), "updated", fos_time(call->now_ms),
        "_flavor", order->flavor->id, "flavor", fos_flavor_embedded(order->flavor));
    json_object_update(fc_at(doc, "metadata"), fc_at(server, "metadata"));
    json_object_set_new(doc, "_host", json_string(host));
    json_object_set_new(doc, "image", json_string(order->image->id));
    json_object_set_new(doc, "_image", json_deep_copy(order->image->doc));
    json_object_set_new(doc, "key_name",
                        fc_at(server, "key_name") ? json_incref(fc_at(server, "key_name"))
                                                  : json_null());
    json_object_set_new(doc, "tags", fos_array(fc_at(server, "tags")));
    json_object_set_new(doc, "description",
                        fc_at(server, "description") ? json_incref(fc_at(server, "description"))
                                                     : json_null());
    json_object_set(doc, "_networks", order->networks);
    json_object_set(doc, "_groups", order->groups);
    json_object_set(doc, "security_groups", order->group_names);
    json_object_set_new(doc, "_user_data", json_string(fos_text(server, "user_data", "")));
    json_object_set_new(doc, "locked", json_false());
    json_object_set_new(doc, "_actions", json_array());
    return doc;
}

static struct fc_object *make(struct fc_call *call, const struct order *order, int64_t number)
{
    char id[37];
    const struct fc_settings *settings = &call->world->settings;
    fc_uuid(id);
    struct fc_object *server = fos_add(call, FOS_SERVER, id, new_doc(call, order, number));
    server->due_ms = call->now_ms + settings->boot_ms / 3;
    json_object_set_new(server->doc, "_listed_ms",
                        json_integer(call->now_ms + settings->os_listed_ms));
    if (order->volume)
        fos_volume_attach(call, server, order->volume, order->flavor->disk_gib);
    if (order->reservation)
        json_object_set_new(server->doc, "_reservation", json_string(order->reservation));
    fos_server_note(call->world, server, "create", fos_of(call)->user, &call->cause);
    return server;
}

static int check(struct fc_call *call, struct order *order, struct fc_refusal *refusal)
{
    return check_members(call, order->server, refusal) ||
                   check_texts(call, order->server, refusal) || read_counts(call, order, refusal) ||
                   read_flavor(call, order, refusal) || read_image(call, order, refusal) ||
                   read_rest(call, order, refusal) || read_networks(call, order, refusal) ||
                   read_groups(call, order, refusal) || check_quota(call, order, refusal)
               ? -1
               : 0;
}

int fos_server_create(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct order order = {.server = fos_wrapped(call, "server")};
    char password[33];
    if (!order.server)
        return fos_refuse(call, refusal, 400,
                          "Invalid input for field/attribute . 'server' is a required property");
    const char *hint =
        fos_text(json_object_get(call->params, "os:scheduler_hints"), "reservation", NULL);
    if (hint && fos_reservation_find(call, hint))
        order.reservation = hint;
    if (check(call, &order, refusal)) {
        order_clear(&order);
        return -1;
    }
    const struct fc_object *server = make(call, &order, 0);
    for (int64_t i = 1; i < order.most; i++)
        server = make(call, &order, i);
    fos_hex_id(password);
    mir_auto_free char *url = fos_url(call, FOS_COMPUTE, call->region);
    fc_reply_header(call->reply, "Location", "%s/v2.1/servers/%s", url, server->id);
    *ret_reply =
        json_pack("{s:{s:s,s:o,s:s,s:O,s:o}}", "server", "id", server->id, "links",
                  fos_server_links(call, server->id), "OS-DCF:diskConfig", "MANUAL",
                  "security_groups", order.group_names, "adminPass",
                  fc_at(order.server, "adminPass") ? json_incref(fc_at(order.server, "adminPass"))
                                                   : json_stringn(password, 12));
    order_clear(&order);
    return 0;
}
