/* SPDX-License-Identifier: ISC */
/* Nova: versions, flavors, limits, zones, and the table of its operations. */
#include "nova.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "os_wording.h"

/* --- versions --- */

static int bad_version(struct fc_refusal *refusal, const char *text)
{
    return fc_refuse(refusal, 400, "badRequest",
                     "API Version String %.40s is of invalid format. Must be of format MajorNum."
                     "MinorNum.",
                     text);
}

/* "2.37", "latest"; "compute 2.37" in the newer header, which counts before the older one. */
int fos_nova_version(struct fc_call *call, struct fc_refusal *refusal)
{
    const char *text = fc_request_header(call->request, "OpenStack-API-Version");
    int most = (int)call->world->settings.os_nova_minor, major, minor, end = 0;
    if (text)
        text = strncmp(text, "compute ", 8) ? NULL : text + 8;
    if (!text)
        text = fc_request_header(call->request, "X-OpenStack-Nova-API-Version");
    fos_of(call)->minor = 1;
    if (!text || strncmp(fos_of(call)->rest, "/v2.1", 5) != 0)
        return 0;
    if (!strcmp(text, "latest")) {
        fos_of(call)->minor = most;
        return 0;
    }
    if (sscanf(text, "%3d.%4d%n", &major, &minor, &end) != 2 || text[end])
        return bad_version(refusal, text);
    if (major != 2 || minor < 1 || minor > most)
        return fc_refuse(refusal, 406, "computeFault",
                         "Version %.40s is not supported by the API. Minimum is 2.1 and maximum is "
                         "2.%d.",
                         text, most);
    fos_of(call)->minor = minor;
    return 0;
}

static json_t *version(const struct fc_call *call, bool newer)
{
    mir_auto_free char *url = fos_url(call, FOS_COMPUTE, call->region);
    char most[16];
    snprintf(most, sizeof most, "2.%d", (int)call->world->settings.os_nova_minor);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:[{s:s,s:o}]}", "id", newer ? "v2.1" : "v2.0", "status",
                     newer ? "CURRENT" : "SUPPORTED", "version", newer ? most : "", "min_version",
                     newer ? "2.1" : "", "updated",
                     newer ? "2013-07-23T11:33:21Z" : "2011-01-21T11:33:21Z", "links", "rel",
                     "self", "href", json_sprintf("%s/%s/", url, newer ? "v2.1" : "v2"));
}

static int get_versions(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    *ret_reply = json_pack("{s:[o,o]}", "versions", version(call, false), version(call, true));
    return 0;
}

static int get_version(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    json_t *shown = version(call, true);
    json_array_append_new(fc_at(shown, "links"),
                          json_pack("{s:s,s:s,s:s}", "rel", "describedby", "type", "text/html",
                                    "href", "http://docs.openstack.org/"));
    json_object_set_new(shown, "media-types",
                        json_pack("[{s:s,s:s}]", "base", "application/json", "type",
                                  "application/vnd.openstack.compute+json;version=2.1"));
    *ret_reply = json_pack("{s:o}", "version", shown);
    return 0;
}

/* --- flavors --- */

#define FLAVORS 6

static const struct fos_flavor flavors[2][FLAVORS] = {
    {{"42", "m1.nano", 1, 128, 1},
     {"1", "m1.tiny", 1, 512, 1},
     {"2", "m1.small", 1, 2048, 20},
     {"3", "m1.medium", 2, 4096, 40},
     {"84", "m1.diskless", 1, 512, 0},
     {"4", "m1.large", 4, 8192, 80}},
    {{"5e1f0b5e-0a42-4c6c-a3ad-1b6d7a1c0001", "m1.nano", 1, 128, 1},
     {"5e1f0b5e-0a42-4c6c-a3ad-1b6d7a1c0002", "m1.tiny", 1, 512, 1},
     {"5e1f0b5e-0a42-4c6c-a3ad-1b6d7a1c0003", "m1.small", 1, 2048, 20},
     {"5e1f0b5e-0a42-4c6c-a3ad-1b6d7a1c0004", "m1.medium", 2, 4096, 40},
     {"5e1f0b5e-0a42-4c6c-a3ad-1b6d7a1c0005", "m1.diskless", 1, 512, 0},
     {"5e1f0b5e-0a42-4c6c-a3ad-1b6d7a1c0006", "m1.large", 4, 8192, 80}},
};

static const struct fos_flavor *flavors_of(const char *region)
{
    return flavors[strcmp(region, fos_regions[0]) != 0];
}

const struct fos_flavor *fos_flavor_find(const char *region, const char *id)
{
    const struct fos_flavor *row = flavors_of(region);
    for (unsigned i = 0; i < FLAVORS; i++)
        if (!strcmp(row[i].id, id))
            return &row[i];
    return NULL;
}

const char *fos_flavor_smallest(const char *region)
{
    return flavors_of(region)[0].id;
}

json_t *fos_flavor_embedded(const struct fos_flavor *flavor)
{
    return json_pack("{s:I,s:I,s:I,s:i,s:i,s:s,s:{}}", "vcpus", (json_int_t)flavor->vcpus, "ram",
                     (json_int_t)flavor->ram_mib, "disk", (json_int_t)flavor->disk_gib, "ephemeral",
                     0, "swap", 0, "original_name", flavor->name, "extra_specs");
}

static json_t *flavor_links(const struct fc_call *call, const char *id)
{
    mir_auto_free char *url = fos_url(call, FOS_COMPUTE, call->region);
    return json_pack("[{s:s,s:o},{s:s,s:o}]", "rel", "self", "href",
                     json_sprintf("%s/v2.1/flavors/%s", url, id), "rel", "bookmark", "href",
                     json_sprintf("%s/flavors/%s", url, id));
}

static json_t *show_flavor(const struct fc_call *call, const struct fos_flavor *flavor, bool detail)
{
    int minor = fos_of(call)->minor;
    json_t *shown = json_pack("{s:s,s:s,s:o}", "id", flavor->id, "name", flavor->name, "links",
                              flavor_links(call, flavor->id));
    if (minor >= 55)
        json_object_set_new(shown, "description", json_null());
    if (!detail)
        return shown;
    json_t *more = json_pack(
        "{s:I,s:I,s:I,s:o,s:i,s:b,s:b,s:f}", "ram", (json_int_t)flavor->ram_mib, "disk",
        (json_int_t)flavor->disk_gib, "vcpus", (json_int_t)flavor->vcpus, "swap",
        minor >= 75 ? json_integer(0) : json_string(""), "OS-FLV-EXT-DATA:ephemeral", 0,
        "OS-FLV-DISABLED:disabled", 0, "os-flavor-access:is_public", 1, "rxtx_factor", 1.0);
    if (minor >= 61)
        json_object_set_new(more, "extra_specs", json_object());
    json_object_update(shown, more);
    json_decref(more);
    return shown;
}

static int64_t query_int(const struct fc_call *call, const char *name, int64_t otherwise)
{
    const char *text = fc_request_query(call->request, name);
    return text ? strtoll(text, NULL, 10) : otherwise;
}

static int list_all_flavors(struct fc_call *call, bool detail, json_t **ret_reply,
                            struct fc_refusal *refusal)
{
    const struct fos_flavor *row = flavors_of(call->region);
    struct fos_page page = {.limit = query_int(call, "limit", 1000),
                            .marker = fc_request_query(call->request, "marker")};
    bool more;
    json_t *rows = json_array();
    for (unsigned i = 0; i < FLAVORS; i++)
        if (row[i].ram_mib >= query_int(call, "minRam", 0) &&
            row[i].disk_gib >= query_int(call, "minDisk", 0))
            json_array_append_new(rows, show_flavor(call, &row[i], detail));
    if (fos_cut(rows, "id", &page, &more)) {
        json_decref(rows);
        return fos_refuse(call, refusal, 400, "marker [%.64s] not found", page.marker);
    }
    *ret_reply = json_pack("{s:o}", "flavors", rows);
    if (more && json_array_size(rows)) {
        mir_auto_free char *url = fos_url(call, FOS_COMPUTE, call->region);
        mir_auto_free char *query =
            fos_next_query(call, fc_text_at(json_array_get(rows, json_array_size(rows) - 1), "id"));
        json_object_set_new(*ret_reply, "flavors_links",
                            json_pack("[{s:s,s:o}]", "rel", "next", "href",
                                      json_sprintf("%s%s?%s", url, fos_of(call)->rest, query)));
    }
    return 0;
}

static int list_flavors(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return list_all_flavors(call, false, ret_reply, refusal);
}

static int list_flavors_detail(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return list_all_flavors(call, true, ret_reply, refusal);
}

static int get_flavor(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const struct fos_flavor *flavor = fos_flavor_find(call->region, call->segments[0]);
    if (!flavor)
        return fos_refuse(call, refusal, 404, "Flavor %.64s could not be found.",
                          call->segments[0]);
    *ret_reply = json_pack("{s:o}", "flavor", show_flavor(call, flavor, true));
    return 0;
}

static int get_extra_specs(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    if (!fos_flavor_find(call->region, call->segments[0]))
        return fos_refuse(call, refusal, 404, "Flavor %.64s could not be found.",
                          call->segments[0]);
    *ret_reply = json_pack("{s:{}}", "extra_specs");
    return 0;
}

/* --- limits and quotas --- */

static int get_limits(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const struct fc_settings *settings = &call->world->settings;
    struct fos_usage used = fos_server_usage(call);
    int minor = fos_of(call)->minor;
    json_t *absolute = json_pack(
        "{s:I,s:I,s:I,s:i,s:i,s:i,s:i,s:I,s:I,s:I,s:i}", "maxTotalInstances",
        (json_int_t)settings->os_instances, "maxTotalCores", (json_int_t)settings->os_cores,
        "maxTotalRAMSize", (json_int_t)settings->os_ram_mib, "maxServerMeta", 128,
        "maxTotalKeypairs", 100, "maxServerGroups", 10, "maxServerGroupMembers", 10,
        "totalInstancesUsed", (json_int_t)used.instances, "totalCoresUsed", (json_int_t)used.cores,
        "totalRAMUsed", (json_int_t)used.ram_mib, "totalServerGroupsUsed", 0);
    static const struct {
        const char *name;
        int until, value;
    } older[] = {{"maxTotalFloatingIps", 35, -1},    {"totalFloatingIpsUsed", 35, 0},
                 {"maxSecurityGroups", 35, -1},      {"maxSecurityGroupRules", 35, -1},
                 {"totalSecurityGroupsUsed", 35, 0}, {"maxImageMeta", 38, 128},
                 {"maxPersonality", 56, 5},          {"maxPersonalitySize", 56, 10240}};
    for (size_t i = 0; i < MIR_NELEMS(older); i++)
        if (minor <= older[i].until)
            json_object_set_new(absolute, older[i].name, json_integer(older[i].value));
    *ret_reply = json_pack("{s:{s:[],s:o}}", "limits", "rate", "absolute", absolute);
    return 0;
}

static json_t *quota_value(int64_t limit, int64_t used, bool detail)
{
    return detail ? json_pack("{s:I,s:I,s:i}", "limit", (json_int_t)limit, "in_use",
                              (json_int_t)used, "reserved", 0)
                  : json_integer(limit);
}

static int show_quotas(struct fc_call *call, bool detail, json_t **ret_reply,
                       struct fc_refusal *refusal)
{
    const struct fc_settings *settings = &call->world->settings;
    struct fos_usage used = fos_server_usage(call);
    const struct {
        const char *name;
        int64_t limit, used;
        int until; /* the last version that shows it */
    } rows[] = {{"instances", settings->os_instances, used.instances, 999},
                {"cores", settings->os_cores, used.cores, 999},
                {"ram", settings->os_ram_mib, used.ram_mib, 999},
                {"metadata_items", 128, 0, 999},
                {"key_pairs", 100, 0, 999},
                {"server_groups", 10, 0, 999},
                {"server_group_members", 10, 0, 999},
                {"injected_files", 5, 0, 56},
                {"injected_file_content_bytes", 10240, 0, 56},
                {"injected_file_path_bytes", 255, 0, 56},
                {"floating_ips", -1, 0, 35},
                {"fixed_ips", -1, 0, 35},
                {"security_groups", -1, 0, 35},
                {"security_group_rules", -1, 0, 35}};
    if (strcmp(call->segments[0], fos_of(call)->project) != 0)
        return fos_refuse_policy(call, refusal);
    json_t *set = json_pack("{s:s}", "id", call->segments[0]);
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        if (fos_of(call)->minor <= rows[i].until)
            json_object_set_new(set, rows[i].name,
                                quota_value(rows[i].limit, rows[i].used, detail));
    *ret_reply = json_pack("{s:o}", "quota_set", set);
    return 0;
}

static int get_quotas(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return show_quotas(call, false, ret_reply, refusal);
}

static int get_quotas_detail(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return show_quotas(call, true, ret_reply, refusal);
}

/* --- the rest --- */

static int list_zones(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    *ret_reply = json_pack("{s:[{s:s,s:{s:b},s:n}]}", "availabilityZoneInfo", "zoneName", "nova",
                           "zoneState", "available", 1, "hosts");
    return 0;
}

static int list_extensions(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    *ret_reply = json_pack("{s:[]}", "extensions");
    return 0;
}

static int admins_only(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return fos_refuse_policy(call, refusal);
}

#define V "/v2.1"
#define SERVER V "/servers/{}"

static const struct fc_operation operations[] = {
    {"GetVersions", get_versions, NULL, "GET", "/", NULL, FC_OP_UNSIGNED, 0},
    {"GetVersion", get_version, NULL, "GET", V, NULL, FC_OP_UNSIGNED, 0},
    {"ListFlavors", list_flavors, NULL, "GET", V "/flavors", NULL, 0, 0},
    {"ListFlavorsDetail", list_flavors_detail, NULL, "GET", V "/flavors/detail", NULL, 0, 0},
    {"CreateFlavor", admins_only, NULL, "POST", V "/flavors", NULL, 0, 0},
    {"GetFlavor", get_flavor, NULL, "GET", V "/flavors/{}", NULL, 0, 0},
    {"GetFlavorExtraSpecs", get_extra_specs, NULL, "GET", V "/flavors/{}/os-extra_specs", NULL, 0,
     0},
    {"ListKeypairs", fos_keypair_list, NULL, "GET", V "/os-keypairs", NULL, 0, 0},
    {"CreateKeypair", fos_keypair_create, NULL, "POST", V "/os-keypairs", NULL, 0, 0},
    {"GetKeypair", fos_keypair_get, NULL, "GET", V "/os-keypairs/{}", NULL, 0, 0},
    {"DeleteKeypair", fos_keypair_delete, NULL, "DELETE", V "/os-keypairs/{}", NULL, 0, 202},
    {"CreateServer", fos_server_create, NULL, "POST", V "/servers", NULL, 0, 202},
    {"ListServers", fos_server_list, NULL, "GET", V "/servers", NULL, 0, 0},
    {"ListServersDetail", fos_server_list_detail, NULL, "GET", V "/servers/detail", NULL, 0, 0},
    {"GetServer", fos_server_get, NULL, "GET", SERVER, NULL, 0, 0},
    {"UpdateServer", fos_server_update, NULL, "PUT", SERVER, NULL, 0, 0},
    {"DeleteServer", fos_server_delete, NULL, "DELETE", SERVER, NULL, 0, 204},
    {"ServerAction", fos_server_action, NULL, "POST", SERVER "/action", NULL, 0, 0},
    {"GetMetadata", fos_server_metadata, NULL, "GET", SERVER "/metadata", NULL, 0, 0},
    {"UpdateMetadata", fos_server_metadata_post, NULL, "POST", SERVER "/metadata", NULL, 0, 0},
    {"ReplaceMetadata", fos_server_metadata_put, NULL, "PUT", SERVER "/metadata", NULL, 0, 0},
    {"GetMetadataItem", fos_server_metadata_item, NULL, "GET", SERVER "/metadata/{}", NULL, 0, 0},
    {"PutMetadataItem", fos_server_metadata_item_put, NULL, "PUT", SERVER "/metadata/{}", NULL, 0,
     0},
    {"DeleteMetadataItem", fos_server_metadata_item_delete, NULL, "DELETE", SERVER "/metadata/{}",
     NULL, 0, 204},
    {"ListServerTags", fos_server_tags, NULL, "GET", SERVER "/tags", NULL, 0, 0},
    {"ReplaceServerTags", fos_server_tags_put, NULL, "PUT", SERVER "/tags", NULL, 0, 0},
    {"AddServerTag", fos_server_tag_put, NULL, "PUT", SERVER "/tags/{}", NULL, FC_OP_NO_BODY, 201},
    {"DeleteServerTag", fos_server_tag_delete, NULL, "DELETE", SERVER "/tags/{}", NULL, 0, 204},
    {"ListInterfaces", fos_server_interfaces, NULL, "GET", SERVER "/os-interface", NULL, 0, 0},
    {"AttachInterface", fos_server_attach, NULL, "POST", SERVER "/os-interface", NULL, 0, 0},
    {"DetachInterface", fos_server_detach, NULL, "DELETE", SERVER "/os-interface/{}", NULL, 0, 202},
    {"ListInstanceActions", fos_server_actions, NULL, "GET", SERVER "/os-instance-actions", NULL, 0,
     0},
    {"GetInstanceAction", fos_server_one_action, NULL, "GET", SERVER "/os-instance-actions/{}",
     NULL, 0, 0},
    {"ListAddresses", fos_server_addresses, NULL, "GET", SERVER "/ips", NULL, 0, 0},
    {"ListServerSecurityGroups", fos_server_groups, NULL, "GET", SERVER "/os-security-groups", NULL,
     0, 0},
    {"ListVolumeAttachments", fos_server_volumes, NULL, "GET", SERVER "/os-volume_attachments",
     NULL, 0, 0},
    {"GetLimits", get_limits, NULL, "GET", V "/limits", NULL, 0, 0},
    {"GetQuotaSet", get_quotas, NULL, "GET", V "/os-quota-sets/{}", NULL, 0, 0},
    {"GetQuotaSetDefaults", get_quotas, NULL, "GET", V "/os-quota-sets/{}/defaults", NULL, 0, 0},
    {"GetQuotaSetDetail", get_quotas_detail, NULL, "GET", V "/os-quota-sets/{}/detail", NULL, 0, 0},
    {"ListAvailabilityZones", list_zones, NULL, "GET", V "/os-availability-zone", NULL, 0, 0},
    {"ListAvailabilityZonesDetail", admins_only, NULL, "GET", V "/os-availability-zone/detail",
     NULL, 0, 0},
    {"ListExtensions", list_extensions, NULL, "GET", V "/extensions", NULL, 0, 0},
    {"ListComputeServices", admins_only, NULL, "GET", V "/os-services", NULL, 0, 0},
    {"ListHypervisors", admins_only, NULL, "GET", V "/os-hypervisors", NULL, 0, 0},
    {.name = NULL},
};

const struct fc_service fos_nova = {
    .name = "nova", .operations = operations, .prepare = fos_region_ready};
