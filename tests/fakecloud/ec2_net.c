/* SPDX-License-Identifier: ISC */
/* Networks, subnets, interfaces, regions, zones. */
#include "ec2_net.h"

#include <stdio.h>
#include <string.h>

#include "api/memory.h"

const struct fc_param fc_params_describe_vpcs[] = {
    {"VpcId.#", FC_TEXT, false}, FC_EC2_FILTERS, FC_EC2_PAGE, FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_describe_subnets[] = {
    {"SubnetId.#", FC_TEXT, false}, FC_EC2_FILTERS, FC_EC2_PAGE, FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_describe_network_interfaces[] = {
    {"NetworkInterfaceId.#", FC_TEXT, false},
    FC_EC2_FILTERS,
    FC_EC2_PAGE,
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_delete_network_interface[] = {
    {"NetworkInterfaceId", FC_TEXT, true}, FC_EC2_DRY_RUN, {NULL, FC_TEXT, false}};

const struct fc_param fc_params_describe_regions[] = {
    {"RegionName.#", FC_TEXT, false},
    {"AllRegions", FC_BOOL, false},
    FC_EC2_FILTERS,
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_describe_availability_zones[] = {
    {"ZoneName.#", FC_TEXT, false},
    {"ZoneId.#", FC_TEXT, false},
    {"AllAvailabilityZones", FC_BOOL, false},
    FC_EC2_FILTERS,
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

int fc_ec2_describe_vpcs(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    static const struct fc_filter rows[] = {
        {"vpc-id", "vpcId"}, {"isDefault", "isDefault"}, {"is-default", "isDefault"},
        {"state", "state"},  {"cidr", "cidrBlock"},      {"owner-id", "ownerId"},
        {NULL, NULL}};
    static const struct fc_listing listing = {.kind = "vpc",
                                              .set = "vpcSet",
                                              .ids = "VpcId",
                                              .rows = rows,
                                              .page_min = 5,
                                              .page_max = 1000};
    return fc_ec2_list(call, &listing, ret_reply, refusal);
}

int fc_ec2_describe_subnets(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    static const struct fc_filter rows[] = {{"subnet-id", "subnetId"},
                                            {"vpc-id", "vpcId"},
                                            {"state", "state"},
                                            {"availability-zone", "availabilityZone"},
                                            {"default-for-az", "defaultForAz"},
                                            {"cidr-block", "cidrBlock"},
                                            {"map-public-ip-on-launch", "mapPublicIpOnLaunch"},
                                            {"owner-id", "ownerId"},
                                            {NULL, NULL}};
    static const struct fc_listing listing = {.kind = "subnet",
                                              .set = "subnetSet",
                                              .ids = "SubnetId",
                                              .rows = rows,
                                              .page_min = 5,
                                              .page_max = 1000};
    return fc_ec2_list(call, &listing, ret_reply, refusal);
}

int fc_ec2_describe_network_interfaces(struct fc_call *call, json_t **ret_reply,
                                       struct fc_refusal *refusal)
{
    static const struct fc_filter rows[] = {
        {"network-interface-id", "networkInterfaceId"},
        {"attachment.instance-id", "attachment.instanceId"},
        {"attachment.status", "attachment.status"},
        {"group-id", "groupSet[].groupId"},
        {"status", "status"},
        {"subnet-id", "subnetId"},
        {"vpc-id", "vpcId"},
        {"private-ip-address", "privateIpAddress"},
        {"association.public-ip", "association.publicIp"},
        {"association.allocation-id", "association.allocationId"},
        {"availability-zone", "availabilityZone"},
        {NULL, NULL}};
    static const struct fc_listing listing = {.kind = "network-interface",
                                              .set = "networkInterfaceSet",
                                              .ids = "NetworkInterfaceId",
                                              .rows = rows,
                                              .page_min = 5,
                                              .page_max = 1000};
    return fc_ec2_list(call, &listing, ret_reply, refusal);
}

int fc_ec2_delete_network_interface(struct fc_call *call, json_t **ret_reply,
                                    struct fc_refusal *refusal)
{
    struct fc_object *interface;
    if (fc_ec2_find_param(call, "network-interface", "NetworkInterfaceId", &interface, refusal))
        return -1;
    if (!strcmp(fc_text_at(interface->doc, "status"), "in-use"))
        return fc_refuse(refusal, 400, "InvalidParameterValue",
                         "Network interface '%s' is currently in use.", interface->id);
    if (fc_ec2_dry_run(call, refusal))
        return -1;
    fc_store_gone(call->world->store, interface, &call->cause, 0);
    *ret_reply = fc_return_true();
    return 0;
}

/* --- regions and zones --- */

int fc_ec2_describe_regions(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    static const struct fc_filter rows[] = {{"region-name", "regionName"},
                                            {"endpoint", "regionEndpoint"},
                                            {"opt-in-status", "optInStatus"},
                                            {NULL, NULL}};
    static const struct fc_doc_listing listing = {.set = "regionInfo",
                                                  .ids = "RegionName",
                                                  .id_path = "regionName",
                                                  .unknown = "InvalidParameterValue",
                                                  .rows = rows};
    json_t *docs = json_array();
    for (const char *const *region = fc_regions; *region; region++)
        json_array_append_new(docs,
                              json_pack("{s:s,s:o,s:s}", "regionName", *region, "regionEndpoint",
                                        json_sprintf("ec2.%s.amazonaws.com", *region),
                                        "optInStatus", "opt-in-not-required"));
    return fc_ec2_list_docs(call, &listing, docs, ret_reply, refusal);
}

/* "use1-az1" of us-east-1 */
static json_t *zone_id(const char *region, unsigned number)
{
    char area[3], direction;
    unsigned digit = 0;
    const char *dash = strchr(region, '-');
    mir_copy(area, sizeof area, (char[]){region[0], region[1], '\0'});
    direction = dash ? dash[1] : 'x';
    sscanf(strrchr(region, '-'), "-%u", &digit);
    return json_sprintf("%s%c%u-az%u", area, direction, digit, number);
}

int fc_ec2_describe_availability_zones(struct fc_call *call, json_t **ret_reply,
                                       struct fc_refusal *refusal)
{
    static const struct fc_filter rows[] = {{"zone-name", "zoneName"},
                                            {"zone-id", "zoneId"},
                                            {"state", "zoneState"},
                                            {"region-name", "regionName"},
                                            {"zone-type", "zoneType"},
                                            {"opt-in-status", "optInStatus"},
                                            {NULL, NULL}};
    static const struct fc_doc_listing listing = {.set = "availabilityZoneInfo",
                                                  .ids = "ZoneName",
                                                  .id_path = "zoneName",
                                                  .unknown = "InvalidParameterValue",
                                                  .rows = rows};
    json_t *docs = json_array();
    const char *letters = fc_ec2_zone_letters();
    for (unsigned i = 0; letters[i]; i++)
        json_array_append_new(
            docs, json_pack("{s:s,s:s,s:s,s:o,s:o,s:s,s:s,s:s}", "zoneState", "available",
                            "optInStatus", "opt-in-not-required", "regionName", call->region,
                            "zoneName", json_sprintf("%s%c", call->region, letters[i]), "zoneId",
                            zone_id(call->region, i + 1), "groupName", call->region,
                            "networkBorderGroup", call->region, "zoneType", "availability-zone"));
    return fc_ec2_list_docs(call, &listing, docs, ret_reply, refusal);
}
