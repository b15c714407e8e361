/* SPDX-License-Identifier: ISC */
#include "os_wire.h"

#include "openstack/compute.h"

#define SERVER "6a68a96a-0000-4c7c-aa3c-000000000001"
#define IMAGE "879d7e92-0000-4a18-a6a5-000000000002"
#define NETWORK "94ea1e0b-0000-4669-b709-000000000003"
#define PORT "703f44cc-0000-4c5c-96aa-000000000004"
#define VOLUME "5aa119a8-0000-4d25-9c0b-000000000008"

static const struct os_pair metadata[] = {{"mirage-deploy:lease", "0123"}, {"empty", ""}};

/* --- servers --- */

static int create(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    static const char *const tags[] = {"mirage"}, *const groups[] = {"mirage-1"};
    static const struct os_nic nics[] = {{.network_id = NETWORK, .fixed_ip = "192.0.2.56"},
                                         {.port_id = PORT}};
    struct os_create_server args = {.name = "mirage-1",
                                    .flavor_id = "u1",
                                    .image_id = IMAGE,
                                    .description = "a \"unikernel\"",
                                    .key_name = "my key",
                                    .zone = "nova",
                                    .user_data = "#!/x",
                                    .user_data_len = 4,
                                    .config_drive = MIR_YES,
                                    .metadata = metadata,
                                    .metadata_count = 2,
                                    .tags = tags,
                                    .tag_count = 1,
                                    .nics = nics,
                                    .nic_count = 2,
                                    .groups = groups,
                                    .group_count = 1,
                                    .reservation = "r-1"};
    char id[OS_ID_TEXT] = "";
    int rc = os_server_create(session, &args, until_ms, id, err);
    assert_string_equal(id, rc ? "" : SERVER);
    return rc;
}

static int create_on_volume(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    static const struct os_disk disks[] = {{.source = "image",
                                            .source_id = IMAGE,
                                            .destination = "volume",
                                            .size_gib = 1,
                                            .delete_on_termination = MIR_YES,
                                            .volume_type = "ssd",
                                            .disk_bus = "scsi",
                                            .device_type = "disk"},
                                           {.source = "blank",
                                            .destination = "volume",
                                            .boot_index = -1,
                                            .size_gib = 2,
                                            .delete_on_termination = MIR_NO}};
    struct os_create_server args = {.name = "mirage-1",
                                    .flavor_id = "u1",
                                    .network_mode = "none",
                                    .disks = disks,
                                    .disk_count = 2};
    char id[OS_ID_TEXT] = "";
    return os_server_create(session, &args, until_ms, id, err);
}

static int create_auto(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_create_server args = {.name = "mirage-1", .flavor_id = "u1", .image_id = IMAGE};
    char id[OS_ID_TEXT] = "";
    return os_server_create(session, &args, until_ms, id, err);
}

static int show(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    os_auto_server struct os_server s = {.id = ""};
    int rc = os_server_get(session, SERVER, until_ms, &s, err);
    assert_string_equal(s.name, "mirage-1");
    assert_string_equal(s.status, "ACTIVE");
    assert_string_equal(s.task_state, "");
    assert_string_equal(s.vm_state, "active");
    assert_int_equal(s.power_state, 1);
    assert_string_equal(s.image_id, IMAGE);
    assert_string_equal(s.flavor_id, "");
    assert_string_equal(s.flavor_name, "u1.micro");
    assert_int_equal(s.created_s, TEST_NOW_S);
    assert_int_equal(s.launched_s, TEST_NOW_S + 2);
    assert_string_equal(os_pair_value(s.metadata, s.metadata_count, "mirage-deploy:lease"), "0123");
    assert_string_equal(os_pair_value(s.metadata, s.metadata_count, "empty"), "");
    assert_null(os_pair_value(s.metadata, s.metadata_count, "another"));
    assert_int_equal(s.tag_count, 1);
    assert_int_equal(s.network_count, 1);
    assert_string_equal(s.networks[0].name, "my net");
    assert_int_equal(s.networks[0].address_count, 3);
    assert_string_equal(s.networks[0].addresses[1].address, "198.51.100.7");
    assert_string_equal(s.networks[0].addresses[1].type, "floating");
    assert_int_equal(s.networks[0].addresses[2].version, 6);
    assert_int_equal(s.volume_count, 1);
    assert_true(s.volumes[0].delete_on_termination);
    assert_null(s.fault);
    return rc;
}

static int show_fault(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    os_auto_server struct os_server s = {.id = ""};
    int rc = os_server_get(session, SERVER, until_ms, &s, err);
    assert_string_equal(s.status, "ERROR");
    assert_string_equal(s.task_state, "deleting");
    assert_string_equal(s.fault, "No valid host was found. ");
    assert_string_equal(s.image_id, "");
    assert_string_equal(s.flavor_id, "u1");
    assert_int_equal(s.network_count, 0);
    return rc;
}

static int show_gone(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    os_auto_server struct os_server s = {.id = ""};
    int rc = os_server_get(session, SERVER, until_ms, &s, err);
    assert_int_equal(err->outcome, MIR_DID_NOT_HAPPEN);
    return rc;
}

/* The last one is in a cell that is down. */
static int list(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_list_servers args = {.name = "mirage"};
    os_auto_servers struct os_servers found = {0};
    int rc = os_server_list(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 3);
    assert_string_equal(found.rows[0].id, SERVER);
    assert_string_equal(found.rows[2].status, "UNKNOWN");
    assert_null(found.rows[2].name);
    assert_int_equal(found.rows[2].metadata_count, 0);
    return rc;
}

static int list_tags(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_list_servers args = {.status = "ACTIVE", .tags = "a,b c"};
    os_auto_servers struct os_servers found = {0};
    int rc = os_server_list(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 0);
    return rc;
}

static int delete (struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_server_delete(session, SERVER, until_ms, err);
}

static int force_delete(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_server_force_delete(session, SERVER, until_ms, err);
}

static int start(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_server_start(session, SERVER, until_ms, err);
}

static int stop(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_server_stop(session, SERVER, until_ms, err);
}

static int reboot(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_server_reboot(session, SERVER, false, until_ms, err);
}

static int console_of(struct os_session *session, int64_t lines, const char *want, int64_t until_ms,
                      struct mir_error *err)
{
    char *text = NULL;
    int rc = os_server_console(session, SERVER, lines, until_ms, &text, err);
    assert_string_equal(text ? text : "none", want);
    free(text);
    return rc;
}

static int console(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return console_of(session, 2, "ANOTHER\nLAST LINE", until_ms, err);
}

static int console_all(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return console_of(session, 0, "", until_ms, err);
}

static int console_ended(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return console_of(session, 0, "none", until_ms, err);
}

static int set_metadata(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    const struct os_pair end = {"end", "5"};
    assert_int_equal(os_server_set_metadata(session, SERVER, NULL, 0, until_ms, err), 0);
    return os_server_set_metadata(session, SERVER, &end, 1, until_ms, err);
}

static int delete_metadata(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_server_delete_metadata(session, SERVER, "mirage-deploy:lease", until_ms, err);
}

static int tag(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_server_tag(session, SERVER, "two words", until_ms, err);
}

static int actions(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_server_actions found = {0};
    int rc = os_server_actions(session, SERVER, until_ms, &found, err);
    assert_int_equal(found.count, 2);
    assert_string_equal(found.rows[0].action, "stop");
    assert_string_equal(found.rows[0].message, "Error");
    assert_int_equal(found.rows[1].began_s, TEST_NOW_S);
    os_server_actions_clear(&found);
    return rc;
}

static int interfaces(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_interfaces found = {0};
    int rc = os_server_interfaces(session, SERVER, until_ms, &found, err);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.rows[0].port_id, PORT);
    assert_string_equal(found.rows[0].addresses[0].address, "192.0.2.56");
    os_interfaces_clear(&found);
    return rc;
}

/* --- what they are made of --- */

static int flavors(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    os_auto_flavors struct os_flavors found = {0};
    int rc = os_flavor_list(session, until_ms, &found, err);
    assert_int_equal(found.count, 2);
    assert_int_equal(found.rows[0].ram_mib, 64);
    assert_true(found.rows[0].is_public && !found.rows[0].disabled && found.rows[1].disabled);
    assert_string_equal(
        os_pair_value(found.rows[0].extra, found.rows[0].extra_count, "hw:cpu_policy"), "shared");
    return rc;
}

static int flavor(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_flavor found = {.id = ""};
    int rc = os_flavor_get(session, "u1/x", until_ms, &found, err);
    assert_int_equal(found.disk_gib, 1);
    os_flavor_clear(&found);
    return rc;
}

static int import_key(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_keypair made = {.name = NULL};
    int rc = os_keypair_import(session, "my key", "ssh-ed25519 AAAA me", until_ms, &made, err);
    assert_string_equal(made.fingerprint, "7e:eb:ab:24");
    os_keypair_clear(&made);
    return rc;
}

static int list_keys(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_keypairs found = {0};
    int rc = os_keypair_list(session, until_ms, &found, err);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.rows[0].name, "my key");
    os_keypairs_clear(&found);
    return rc;
}

static int delete_key(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_keypair_delete(session, "my key", until_ms, err);
}

static int limits(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_limits found = {0};
    int rc = os_limits(session, until_ms, &found, err);
    assert_int_equal(found.instances, 10);
    assert_int_equal(found.instances_used, 1);
    assert_int_equal(found.ram_mib, -1);
    assert_int_equal(found.server_metadata, 128);
    return rc;
}

static int zones(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_zones found = {0};
    int rc = os_zone_list(session, until_ms, &found, err);
    assert_int_equal(found.count, 2);
    assert_string_equal(found.rows[1].name, "far");
    assert_true(found.rows[0].available && !found.rows[1].available);
    os_zones_clear(&found);
    return rc;
}

static const struct wire_case cases[] = {
    {"CreateServer/plain", create, MIR_OK, NULL},
    {"CreateServer/volume", create_on_volume, MIR_OK, NULL},
    {"CreateServer/auto", create_auto, MIR_OK, NULL},
    {"CreateServer/quota", create_auto, MIR_POLICY, "forbidden"},
    {"ShowServer/plain", show, MIR_OK, NULL},
    {"ShowServer/fault", show_fault, MIR_OK, NULL},
    {"ShowServer/gone", show_gone, MIR_NOT_FOUND, "itemNotFound"},
    {"ListServers/pages", list, MIR_OK, NULL},
    {"ListServers/tags", list_tags, MIR_OK, NULL},
    {"DeleteServer/plain", delete, MIR_OK, NULL},
    {"DeleteServer/locked", delete, MIR_CONFLICT, "conflictingRequest"},
    {"ForceDeleteServer/plain", force_delete, MIR_OK, NULL},
    {"StartServer/plain", start, MIR_OK, NULL},
    {"StopServer/wrong-state", stop, MIR_CONFLICT, "conflictingRequest"},
    {"RebootServer/plain", reboot, MIR_OK, NULL},
    {"ShowConsoleOutput/plain", console, MIR_OK, NULL},
    {"ShowConsoleOutput/all", console_all, MIR_OK, NULL},
    {"ShowConsoleOutput/ended", console_ended, MIR_NOT_FOUND, "itemNotFound"},
    {"UpdateServerMetadata/plain", set_metadata, MIR_OK, NULL},
    {"DeleteServerMetadata/plain", delete_metadata, MIR_OK, NULL},
    {"AddServerTag/plain", tag, MIR_OK, NULL},
    {"ListServerActions/plain", actions, MIR_OK, NULL},
    {"ListServerInterfaces/plain", interfaces, MIR_OK, NULL},
    {"ListFlavors/plain", flavors, MIR_OK, NULL},
    {"ShowFlavor/plain", flavor, MIR_OK, NULL},
    {"ImportKeypair/plain", import_key, MIR_OK, NULL},
    {"ListKeypairs/plain", list_keys, MIR_OK, NULL},
    {"DeleteKeypair/plain", delete_key, MIR_OK, NULL},
    {"ShowLimits/plain", limits, MIR_OK, NULL},
    {"ListZones/plain", zones, MIR_OK, NULL},
};

WIRE_MAIN(cases)
