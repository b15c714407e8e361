/* SPDX-License-Identifier: ISC */
/* What Nova's servers are made of: flavors, key pairs, limits and zones. */
#include "openstack/compute.h"
#include "tables.h"

#define FLAVOR(member, path, kind) MIR_ROW(struct os_flavor, member, path, kind)

static const struct mir_field flavor_fields[] = {
    MIR_MUST(struct os_flavor, id, "id", MIR_GET_TEXT),
    FLAVOR(name, "name", MIR_GET_OWNED),
    FLAVOR(vcpus, "vcpus", MIR_GET_NUMBER),
    FLAVOR(ram_mib, "ram", MIR_GET_NUMBER),
    FLAVOR(disk_gib, "disk", MIR_GET_NUMBER),
    FLAVOR(ephemeral_gib, "OS-FLV-EXT-DATA:ephemeral", MIR_GET_NUMBER),
    FLAVOR(disabled, "OS-FLV-DISABLED:disabled", MIR_GET_TRUE),
    FLAVOR(is_public, "os-flavor-access:is_public", MIR_GET_TRUE),
    OS_ROW_PAIRS(struct os_flavor, extra, extra_count, "extra_specs"),
};
OS_TABLE(struct os_flavor, flavor);
OS_LIST_TABLE(struct os_flavors, flavors, "flavors", &flavor_table);

struct import {
    const char *name, *public_key;
};

static const struct mir_field import_fields[] = {
    MIR_MUST(struct import, name, "keypair.name", MIR_PUT_TEXT),
    MIR_MUST(struct import, public_key, "keypair.public_key", MIR_PUT_TEXT),
};
OS_TABLE(struct import, import);

static const struct mir_field keypair_fields[] = {
    MIR_MUST(struct os_keypair, name, "keypair/name", MIR_GET_OWNED),
    MIR_ROW(struct os_keypair, fingerprint, "keypair/fingerprint", MIR_GET_CUT),
    MIR_ROW(struct os_keypair, type, "keypair/type", MIR_GET_TEXT), /* from 2.2 on */
};
OS_TABLE(struct os_keypair, keypair);
OS_LIST_TABLE(struct os_keypairs, keypairs, "keypairs", &keypair_table);

#define LIMIT(member, name)                                                                        \
    MIR_ROW(struct os_limits, member, "limits/absolute/" name, MIR_GET_NUMBER)

static const struct mir_field limits_fields[] = {
    LIMIT(instances, "maxTotalInstances"),   LIMIT(instances_used, "totalInstancesUsed"),
    LIMIT(cores, "maxTotalCores"),           LIMIT(cores_used, "totalCoresUsed"),
    LIMIT(ram_mib, "maxTotalRAMSize"),       LIMIT(ram_mib_used, "totalRAMUsed"),
    LIMIT(server_metadata, "maxServerMeta"), LIMIT(keypairs, "maxTotalKeypairs"),
};
OS_TABLE(struct os_limits, limits);

static const struct mir_field zone_fields[] = {
    MIR_MUST(struct os_zone, name, "zoneName", MIR_GET_OWNED),
    MIR_ROW(struct os_zone, available, "zoneState/available", MIR_GET_TRUE),
};
OS_TABLE(struct os_zone, zone);
OS_LIST_TABLE(struct os_zones, zones, "availabilityZoneInfo", &zone_table);

enum { LIST, GET, IMPORT, KEYS, DELETE_KEY, LIMITS, ZONES };

#define NOVA .service = OS_COMPUTE

const struct os_operation os_flavor_operations[] = {
    [LIST] = {NOVA, .name = "ListFlavors", .method = "GET", .path = "/flavors/detail",
              .reply = &flavors_table, .reads = true, .paging = OS_PAGES_LINKS,
              .page_next = "flavors_links", .page = 500},
    [GET] = {NOVA, .name = "ShowFlavor", .method = "GET", .path = "/flavors/%",
             .reply = &flavor_table, .result = "flavor", .reads = true},
    [IMPORT] = {NOVA, .name = "ImportKeypair", .method = "POST", .path = "/os-keypairs",
                .request = &import_table, .reply = &keypair_table, .once = true},
    [KEYS] = {NOVA, .name = "ListKeypairs", .method = "GET", .path = "/os-keypairs",
              .reply = &keypairs_table, .reads = true, .paging = OS_PAGES_LINKS,
              .page_next = "keypairs_links"}, /* in pages from 2.35 on */
    [DELETE_KEY] = {NOVA, .name = "DeleteKeypair", .method = "DELETE", .path = "/os-keypairs/%"},
    [LIMITS] = {NOVA, .name = "ShowLimits", .method = "GET", .path = "/limits",
                .reply = &limits_table, .reads = true},
    [ZONES] = {NOVA, .name = "ListZones", .method = "GET", .path = "/os-availability-zone",
               .reply = &zones_table, .reads = true},
    {0},
};

int os_flavor_list(struct os_session *session, int64_t until_ms, struct os_flavors *ret,
                   struct mir_error *err)
{
    return os_operate_all(session, &os_flavor_operations[LIST], NULL, NULL, until_ms, ret, err);
}

OS_GET_ONE(os_flavor_get, struct os_flavor, &os_flavor_operations[GET])
OS_CLEAR(os_flavor_clear, struct os_flavor, &flavor_table)
OS_CLEAR(os_flavors_clear, struct os_flavors, &flavors_table)

int os_keypair_import(struct os_session *session, const char *name, const char *public_key,
                      int64_t until_ms, struct os_keypair *ret, struct mir_error *err)
{
    struct import args = {name, public_key};
    return os_operate(session, &os_flavor_operations[IMPORT], NULL, &args, until_ms, ret, err);
}

int os_keypair_list(struct os_session *session, int64_t until_ms, struct os_keypairs *ret,
                    struct mir_error *err)
{
    return os_operate_all(session, &os_flavor_operations[KEYS], NULL, NULL, until_ms, ret, err);
}

OS_ACT_ON(os_keypair_delete, &os_flavor_operations[DELETE_KEY])
OS_CLEAR(os_keypair_clear, struct os_keypair, &keypair_table)
OS_CLEAR(os_keypairs_clear, struct os_keypairs, &keypairs_table)

int os_limits(struct os_session *session, int64_t until_ms, struct os_limits *ret,
              struct mir_error *err)
{
    return os_operate(session, &os_flavor_operations[LIMITS], NULL, NULL, until_ms, ret, err);
}

int os_zone_list(struct os_session *session, int64_t until_ms, struct os_zones *ret,
                 struct mir_error *err)
{
    return os_operate(session, &os_flavor_operations[ZONES], NULL, NULL, until_ms, ret, err);
}

OS_CLEAR(os_zones_clear, struct os_zones, &zones_table)
