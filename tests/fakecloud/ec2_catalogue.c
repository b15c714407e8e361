/* SPDX-License-Identifier: ISC */
#include "ec2_catalogue.h"

#include <stdio.h>
#include <string.h>

#include "api/clock.h"
#include "api/memory.h"
#include "ec2_types.h"

const struct fc_param fc_params_describe_instance_types[] = {
    {"InstanceType.#", FC_TEXT, false},
    FC_EC2_FILTERS,
    FC_EC2_PAGE,
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_describe_instance_type_offerings[] = {
    {"LocationType", FC_TEXT, false}, FC_EC2_FILTERS, FC_EC2_PAGE, FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_describe_spot_price_history[] = {
    {"InstanceType.#", FC_TEXT, false},
    {"ProductDescription.#", FC_TEXT, false},
    {"AvailabilityZone", FC_TEXT, false},
    {"StartTime", FC_TIME, false},
    {"EndTime", FC_TIME, false},
    FC_EC2_FILTERS,
    FC_EC2_PAGE,
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_describe_spot_instance_requests[] = {
    {"SpotInstanceRequestId.#", FC_TEXT, false},
    FC_EC2_FILTERS,
    FC_EC2_PAGE,
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_cancel_spot_instance_requests[] = {
    {"SpotInstanceRequestId.#", FC_TEXT, true}, FC_EC2_DRY_RUN, {NULL, FC_TEXT, false}};

/* --- types --- */

int fc_ec2_describe_instance_types(struct fc_call *call, json_t **ret_reply,
                                   struct fc_refusal *refusal)
{
    static const struct fc_filter rows[] = {
        {"instance-type", "instanceType"},
        {"free-tier-eligible", "freeTierEligible"},
        {"current-generation", "currentGeneration"},
        {"hypervisor", "hypervisor"},
        {"bare-metal", "bareMetal"},
        {"burstable-performance-supported", "burstablePerformanceSupported"},
        {"supported-boot-mode", "supportedBootModes[]"},
        {"supported-virtualization-type", "supportedVirtualizationTypes[]"},
        {"supported-usage-class", "supportedUsageClasses[]"},
        {"supported-root-device-type", "supportedRootDeviceTypes[]"},
        {"processor-info.supported-architecture", "processorInfo.supportedArchitectures[]"},
        {"processor-info.supported-features", "processorInfo.supportedFeatures[]"},
        {"vcpu-info.default-vcpus", "vCpuInfo.defaultVCpus"},
        {"memory-info.size-in-mib", "memoryInfo.sizeInMiB"},
        {"network-info.ena-support", "networkInfo.enaSupport"},
        {"network-info.ipv6-supported", "networkInfo.ipv6Supported"},
        {"ebs-info.nvme-support", "ebsInfo.nvmeSupport"},
        {"instance-storage-supported", "instanceStorageSupported"},
        {NULL, NULL}};
    static const struct fc_doc_listing listing = {.set = "instanceTypeSet",
                                                  .ids = "InstanceType",
                                                  .id_path = "instanceType",
                                                  .unknown = "InvalidInstanceType",
                                                  .rows = rows,
                                                  .page_min = 5,
                                                  .page_max = 100};
    unsigned count;
    const struct fc_instance_type *types = fc_types(&count);
    json_t *docs = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(docs, fc_type_json(&types[i]));
    return fc_ec2_list_docs(call, &listing, docs, ret_reply, refusal);
}

/* --- offerings --- */

static void add_offerings(struct fc_call *call, json_t *docs, const struct fc_instance_type *type,
                          const char *location_type)
{
    const char *letters = fc_ec2_zone_letters();
    if (!strcmp(location_type, "region")) {
        json_array_append_new(docs, json_pack("{s:s,s:s,s:s}", "instanceType", type->name,
                                              "locationType", "region", "location", call->region));
        return;
    }
    for (; *letters; letters++)
        if (fc_type_offered(type, *letters))
            json_array_append_new(docs, json_pack("{s:s,s:s,s:o}", "instanceType", type->name,
                                                  "locationType", "availability-zone", "location",
                                                  json_sprintf("%s%c", call->region, *letters)));
}

int fc_ec2_describe_instance_type_offerings(struct fc_call *call, json_t **ret_reply,
                                            struct fc_refusal *refusal)
{
    static const struct fc_filter rows[] = {
        {"instance-type", "instanceType"}, {"location", "location"}, {NULL, NULL}};
    static const struct fc_doc_listing listing = {
        .set = "instanceTypeOfferingSet", .rows = rows, .page_min = 5, .page_max = 1000};
    const char *location_type = fc_param_text(call, "LocationType");
    unsigned count;
    const struct fc_instance_type *types = fc_types(&count);
    location_type = location_type ? location_type : "region";
    if (strcmp(location_type, "region") != 0 && strcmp(location_type, "availability-zone") != 0)
        return fc_refuse(refusal, 400, "InvalidParameterValue",
                         "Invalid value '%.40s' for LocationType", location_type);
    json_t *docs = json_array();
    for (unsigned i = 0; i < count; i++)
        add_offerings(call, docs, &types[i], location_type);
    return fc_ec2_list_docs(call, &listing, docs, ret_reply, refusal);
}

/* --- spot --- */

static bool listed(const json_t *list, const char *text)
{
    size_t i;
    json_t *value;
    json_array_foreach((json_t *)(uintptr_t)list, i, value)
    {
        if (!strcmp(json_string_value(value), text))
            return true;
    }
    return !list;
}

/* Three tenths of the price on demand, a little else in each zone, since midnight. */
static void add_spot_prices(struct fc_call *call, json_t *docs, const struct fc_instance_type *type)
{
    const char *zone = fc_param_text(call, "AvailabilityZone");
    const char *letters = fc_ec2_zone_letters();
    for (unsigned i = 0; letters[i]; i++) {
        mir_auto_free char *name = mir_format("%s%c", call->region, letters[i]);
        if (!fc_type_offered(type, letters[i]) || (zone && strcmp(zone, name) != 0))
            continue;
        int64_t micro = type->micro_usd_per_h * (30 + i) / 100;
        json_array_append_new(
            docs,
            json_pack("{s:s,s:s,s:s,s:o,s:o}", "instanceType", type->name, "productDescription",
                      "Linux/UNIX", "availabilityZone", name, "spotPrice",
                      json_sprintf("%d.%06d", (int)(micro / 1000000), (int)(micro % 1000000)),
                      "timestamp", fc_time_json(call->now_ms - call->now_ms % (86400 * 1000))));
    }
}

int fc_ec2_describe_spot_price_history(struct fc_call *call, json_t **ret_reply,
                                       struct fc_refusal *refusal)
{
    static const struct fc_filter rows[] = {{"instance-type", "instanceType"},
                                            {"availability-zone", "availabilityZone"},
                                            {"product-description", "productDescription"},
                                            {"spot-price", "spotPrice"},
                                            {NULL, NULL}};
    static const struct fc_doc_listing listing = {
        .set = "spotPriceHistorySet", .rows = rows, .page_min = 1, .page_max = 1000};
    const json_t *wanted = fc_param_list(call, "InstanceType");
    const json_t *products = fc_param_list(call, "ProductDescription");
    unsigned count;
    const struct fc_instance_type *types = fc_types(&count);
    json_t *docs = json_array();
    for (unsigned i = 0; i < count; i++)
        if (listed(wanted, types[i].name) &&
            (listed(products, "Linux/UNIX") || listed(products, "Linux/UNIX (Amazon VPC)")))
            add_spot_prices(call, docs, &types[i]);
    return fc_ec2_list_docs(call, &listing, docs, ret_reply, refusal);
}

int fc_ec2_describe_spot_instance_requests(struct fc_call *call, json_t **ret_reply,
                                           struct fc_refusal *refusal)
{
    static const struct fc_filter rows[] = {{"spot-instance-request-id", "spotInstanceRequestId"},
                                            {"instance-id", "instanceId"},
                                            {"state", "state"},
                                            {"status-code", "status.code"},
                                            {"type", "type"},
                                            {NULL, NULL}};
    static const struct fc_listing listing = {.kind = "spot-instances-request",
                                              .set = "spotInstanceRequestSet",
                                              .ids = "SpotInstanceRequestId",
                                              .rows = rows,
                                              .page_min = 5,
                                              .page_max = 1000};
    return fc_ec2_list(call, &listing, ret_reply, refusal);
}

/* The instance goes on. */
int fc_ec2_cancel_spot_instance_requests(struct fc_call *call, json_t **ret_reply,
                                         struct fc_refusal *refusal)
{
    const json_t *ids = fc_param_list(call, "SpotInstanceRequestId");
    size_t i;
    json_t *id;
    struct fc_object *request;
    json_array_foreach((json_t *)(uintptr_t)ids, i, id)
    {
        if (fc_ec2_find(call, "spot-instances-request", json_string_value(id), &request, refusal))
            return -1;
    }
    if (fc_ec2_dry_run(call, refusal))
        return -1;
    json_t *items = json_array();
    json_array_foreach((json_t *)(uintptr_t)ids, i, id)
    {
        fc_ec2_find(call, "spot-instances-request", json_string_value(id), &request, refusal);
        json_object_set_new(fc_ec2_edit(call, request), "state", json_string("cancelled"));
        fc_store_gone(call->world->store, request, &call->cause,
                      call->now_ms + call->world->settings.shown_ms);
        json_array_append_new(items, json_pack("{s:s,s:s}", "spotInstanceRequestId", request->id,
                                               "state", "cancelled"));
    }
    *ret_reply = json_pack("{s:o}", "spotInstanceRequestSet", items);
    return 0;
}
