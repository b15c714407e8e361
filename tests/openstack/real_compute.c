/* SPDX-License-Identifier: ISC */
#include "openstack/compute.h"
#include "openstack/image.h"
#include "openstack/network.h"
#include "real.h"

/* What servers are made of here: the smallest flavor that has a disk, an image, a network. */
struct parts {
    char flavor[256], image[OS_ID_TEXT], network[OS_ID_TEXT];
};

static bool find_flavor(struct parts *parts)
{
    os_auto_flavors struct os_flavors list = {0};
    const struct os_flavor *best = NULL;
    DOES(os_flavor_list(real.session, real.until_ms, &list, &real.err));
    for (size_t i = 0; i < list.count; i++)
        if (list.rows[i].disk_gib > 0 && (!best || list.rows[i].ram_mib < best->ram_mib))
            best = &list.rows[i];
    if (!EXPECT(best != NULL))
        return false;
    EXPECT(best->vcpus > 0 && best->name);
    memcpy(parts->flavor, best->id, sizeof parts->flavor);
    struct os_flavor one = {.id = ""};
    DOES(os_flavor_get(real.session, parts->flavor, real.until_ms, &one, &real.err));
    EXPECT(one.ram_mib == best->ram_mib);
    os_flavor_clear(&one);
    REFUSED(os_flavor_get(real.session, "no-such-flavor", real.until_ms, &one, &real.err),
            MIR_NOT_FOUND);
    return true;
}

static int give(void *ctx, void *out, size_t size, size_t *ret_len, struct mir_error *err)
{
    size_t *left = ctx;
    *ret_len = *left < size ? *left : size;
    memset(out, 0, *ret_len);
    *left -= *ret_len;
    return 0;
}

static bool make_image(struct parts *parts)
{
    os_auto_image struct os_image image = {0};
    struct os_create_image args = {
        .name = real.name, .disk_format = "raw", .container_format = "bare"};
    size_t left = 65536;
    struct mir_http_stream stream = {give, &left, 65536};
    if (!DOES(os_image_create(real.session, &args, real.until_ms, &image, &real.err)))
        return false;
    memcpy(parts->image, image.id, OS_ID_TEXT);
    return DOES(os_image_upload(real.session, parts->image, &stream, real.until_ms, &real.err));
}

static bool find_network(struct parts *parts)
{
    os_auto_networks struct os_networks list = {0};
    struct os_list_networks inner = {.external = MIR_NO};
    DOES(os_network_list(real.session, &inner, real.until_ms, &list, &real.err));
    if (!EXPECT(list.count > 0))
        return false;
    memcpy(parts->network, list.rows[0].id, OS_ID_TEXT);
    return true;
}

/* Until nothing is under way; false: it is gone, or never is. */
static bool settled(const char *id, const char *status, struct os_server *server)
{
    for (int i = 0; i < 200; i++) {
        if (os_server_get(real.session, id, real.until_ms, server, &real.err))
            return false;
        if (!strcmp(server->status, "ERROR"))
            printf("# fault: %s\n", server->fault ? server->fault : "");
        if (!*server->task_state && !strcmp(server->status, status))
            return true;
        real_pause();
    }
    return false;
}

static bool gone(const char *id)
{
    for (int i = 0; i < 200; i++) {
        os_auto_server struct os_server server = {.id = ""};
        if (os_server_get(real.session, id, real.until_ms, &server, &real.err)) {
            bool not_found = real.err.kind == MIR_NOT_FOUND;
            real.err = (struct mir_error){0};
            return not_found;
        }
        real_pause();
    }
    return false;
}

static const char *metadata_of(const struct os_server *server, const char *name)
{
    return os_pair_value(server->metadata, server->metadata_count, name);
}

static void check_new(const struct os_server *server, const struct parts *parts)
{
    const char *mine = metadata_of(server, "mirage:key");
    EXPECT(server->name && !strcmp(server->name, real.name));
    EXPECT(mine && !strcmp(mine, "v/1"));
    EXPECT(!strcmp(server->image_id, parts->image));
    EXPECT(*server->flavor_id || server->flavor_name);
    EXPECT(*server->project_id && server->created_s > 1700000000 && server->launched_s > 0);
    EXPECT(server->network_count == 1 && server->networks[0].address_count == 1);
    if (server->network_count)
        EXPECT(*server->networks[0].addresses[0].address && *server->networks[0].addresses[0].mac);
}

static bool listed(const char *id, const struct os_list_servers *args)
{
    os_auto_servers struct os_servers list = {0};
    bool found = false;
    DOES(os_server_list(real.session, args, real.until_ms, &list, &real.err));
    for (size_t i = 0; i < list.count; i++)
        found = found || !strcmp(list.rows[i].id, id);
    return found;
}

static void metadata(const char *id)
{
    const struct os_pair more[] = {{"another", "x"}, {"mirage:key", "v/2"}};
    os_auto_server struct os_server server = {.id = ""};
    DOES(os_server_set_metadata(real.session, id, more, 2, real.until_ms, &real.err));
    DOES(os_server_delete_metadata(real.session, id, "another", real.until_ms, &real.err));
    DOES(os_server_tag(real.session, id, "late", real.until_ms, &real.err));
    DOES(os_server_get(real.session, id, real.until_ms, &server, &real.err));
    const char *mine = metadata_of(&server, "mirage:key");
    EXPECT(mine && !strcmp(mine, "v/2") && !metadata_of(&server, "another"));
    EXPECT(server.tag_count == 2);
}

static void acts(const char *id)
{
    struct os_server_actions actions = {0};
    struct os_interfaces interfaces = {0};
    os_auto_server struct os_server server = {.id = ""};
    char *console = NULL;
    DOES(os_server_console(real.session, id, 0, real.until_ms, &console, &real.err));
    EXPECT(console && *console);
    free(console);
    DOES(os_server_console(real.session, id, 5, real.until_ms, &console, &real.err));
    free(console);
    DOES(os_server_interfaces(real.session, id, real.until_ms, &interfaces, &real.err));
    EXPECT(interfaces.count == 1 && *interfaces.rows[0].port_id &&
           interfaces.rows[0].address_count == 1);
    REFUSED(os_server_start(real.session, id, real.until_ms, &real.err), MIR_CONFLICT);
    DOES(os_server_stop(real.session, id, real.until_ms, &real.err));
    EXPECT(settled(id, "SHUTOFF", &server));
    DOES(os_server_start(real.session, id, real.until_ms, &real.err));
    EXPECT(settled(id, "ACTIVE", &server));
    DOES(os_server_reboot(real.session, id, true, real.until_ms, &real.err));
    EXPECT(settled(id, "ACTIVE", &server));
    DOES(os_server_actions(real.session, id, real.until_ms, &actions, &real.err));
    EXPECT(actions.count >= 4 && !strcmp(actions.rows[actions.count - 1].action, "create"));
    os_server_actions_clear(&actions);
    os_interfaces_clear(&interfaces);
}

static void life(const struct parts *parts)
{
    static const char *const tags[] = {"mirage"};
    const struct os_pair pairs[] = {{"mirage:key", "v/1"}, {"empty", ""}};
    const struct os_nic nic = {.network_id = parts->network};
    struct os_create_server args = {.name = real.name,
                                    .flavor_id = parts->flavor,
                                    .image_id = parts->image,
                                    .description = "what for",
                                    .user_data = "#!",
                                    .user_data_len = 2,
                                    .metadata = pairs,
                                    .metadata_count = 2,
                                    .tags = tags,
                                    .tag_count = 1,
                                    .nics = &nic,
                                    .nic_count = 1};
    os_auto_server struct os_server server = {.id = ""};
    char id[OS_ID_TEXT];
    if (!DOES(os_server_create(real.session, &args, real.until_ms, id, &real.err)))
        return;
    EXPECT(settled(id, "ACTIVE", &server));
    check_new(&server, parts);
    EXPECT(listed(id, &(struct os_list_servers){.name = real.name}));
    EXPECT(listed(id, &(struct os_list_servers){.tags = "mirage"}));
    EXPECT(!listed(id, &(struct os_list_servers){.tags = "mirage,no-such"}));
    metadata(id);
    acts(id);
    DOES(os_server_delete(real.session, id, real.until_ms, &real.err));
    EXPECT(gone(id));
    REFUSED(os_server_delete(real.session, id, real.until_ms, &real.err), MIR_NOT_FOUND);
}

/* In no network, and ended by force. */
static void bare(const struct parts *parts)
{
    struct os_create_server args = {.name = real.name,
                                    .flavor_id = parts->flavor,
                                    .image_id = parts->image,
                                    .network_mode = "none"};
    os_auto_server struct os_server server = {.id = ""};
    char id[OS_ID_TEXT];
    if (!DOES(os_server_create(real.session, &args, real.until_ms, id, &real.err)))
        return;
    EXPECT(settled(id, "ACTIVE", &server));
    EXPECT(server.network_count == 0);
    DOES(os_server_force_delete(real.session, id, real.until_ms, &real.err));
    EXPECT(gone(id));
}

static void refused(const struct parts *parts)
{
    struct os_create_server args = {.name = real.name,
                                    .flavor_id = "no-such",
                                    .image_id = parts->image,
                                    .network_mode = "none"};
    char id[OS_ID_TEXT];
    REFUSED(os_server_create(real.session, &args, real.until_ms, id, &real.err), MIR_USAGE);
    args.flavor_id = parts->flavor;
    args.image_id = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
    REFUSED(os_server_create(real.session, &args, real.until_ms, id, &real.err), MIR_USAGE);
}

/* As an old Nova: tags and modes do not exist. */
static void oldest(const struct parts *parts)
{
    char pin[] = "2.1";
    struct os_cloud cloud = real.cloud;
    cloud.services[OS_COMPUTE].microversion = pin;
    struct os_session *session = real_session(&cloud), *kept = real.session;
    static const char *const tags[] = {"mirage"};
    struct os_create_server args = {.name = real.name,
                                    .flavor_id = parts->flavor,
                                    .image_id = parts->image,
                                    .description = "left out",
                                    .tags = tags,
                                    .tag_count = 1};
    char id[OS_ID_TEXT];
    os_auto_server struct os_server server = {.id = ""};
    real.session = session;
    if (DOES(os_server_create(session, &args, real.until_ms, id, &real.err))) {
        EXPECT(settled(id, "ACTIVE", &server));
        EXPECT(!strcmp(server.flavor_id, parts->flavor));
        DOES(os_server_delete(session, id, real.until_ms, &real.err));
        EXPECT(gone(id));
    }
    args.network_mode = "none";
    REFUSED(os_server_create(session, &args, real.until_ms, id, &real.err), MIR_USAGE);
    REFUSED(os_server_tag(session, "x", "t", real.until_ms, &real.err), MIR_USAGE);
    real.session = kept;
    os_session_free(session);
}

static void keys(void)
{
    static const char key[] =
        "ssh-ed25519 "
        "AAAAC3NzaC1lZDI1NTE5AAAAIEr3yq7YkVsBPOVvJWnHdqL0XQ0yM8JqBz3DnQxH9uVw";
    struct os_keypair pair = {0};
    struct os_keypairs list = {0};
    DOES(os_keypair_import(real.session, real.name, key, real.until_ms, &pair, &real.err));
    EXPECT(*pair.fingerprint);
    struct os_keypair second = {0};
    REFUSED(os_keypair_import(real.session, real.name, key, real.until_ms, &second, &real.err),
            MIR_CONFLICT);
    DOES(os_keypair_list(real.session, real.until_ms, &list, &real.err));
    EXPECT(list.count > 0);
    DOES(os_keypair_delete(real.session, real.name, real.until_ms, &real.err));
    os_keypairs_clear(&list);
    os_keypair_clear(&pair);
}

void real_compute(void)
{
    struct parts parts = {.flavor = ""};
    struct os_limits limits = {0};
    struct os_zones zones = {0};
    DOES(os_limits(real.session, real.until_ms, &limits, &real.err));
    EXPECT(limits.instances != 0 && limits.server_metadata != 0);
    DOES(os_zone_list(real.session, real.until_ms, &zones, &real.err));
    EXPECT(zones.count > 0 && zones.rows[0].name && zones.rows[0].available);
    os_zones_clear(&zones);
    keys();
    if (!find_flavor(&parts) || !find_network(&parts) || !make_image(&parts))
        return;
    life(&parts);
    bare(&parts);
    refused(&parts);
    oldest(&parts);
    DOES(os_image_delete(real.session, parts.image, real.until_ms, &real.err));
}
