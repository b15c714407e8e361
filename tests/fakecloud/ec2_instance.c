/* SPDX-License-Identifier: ISC */
/* Instances: run, describe, terminate, stop, start. */
#include "ec2_instance.h"

#include <string.h>

#include "api/memory.h"
#include "ec2_life.h"
#include "ec2_run.h"

const struct fc_param fc_params_run_instances[] = {
    {"ImageId", FC_TEXT, true},
    {"MinCount", FC_INT, true},
    {"MaxCount", FC_INT, true},
    {"InstanceType", FC_TEXT, false},
    {"KeyName", FC_TEXT, false},
    {"SubnetId", FC_TEXT, false},
    {"SecurityGroupId.#", FC_TEXT, false},
    {"SecurityGroup.#", FC_TEXT, false},
    {"UserData", FC_BASE64, false},
    {"ClientToken", FC_TEXT, false},
    {"InstanceInitiatedShutdownBehavior", FC_TEXT, false},
    {"DisableApiTermination", FC_BOOL, false},
    {"DisableApiStop", FC_BOOL, false},
    {"EbsOptimized", FC_BOOL, false},
    {"KernelId", FC_TEXT, false},
    {"RamdiskId", FC_TEXT, false},
    {"Ipv6AddressCount", FC_INT, false},
    {"EnablePrimaryIpv6", FC_BOOL, false},
    {"Monitoring.Enabled", FC_BOOL, false},
    {"Placement.AvailabilityZone", FC_TEXT, false},
    {"Placement.Tenancy", FC_TEXT, false},
    {"IamInstanceProfile.Arn", FC_TEXT, false},
    {"IamInstanceProfile.Name", FC_TEXT, false},
    {"BlockDeviceMapping.#.DeviceName", FC_TEXT, false},
    {"BlockDeviceMapping.#.Ebs.SnapshotId", FC_TEXT, false},
    {"BlockDeviceMapping.#.Ebs.VolumeSize", FC_INT, false},
    {"BlockDeviceMapping.#.Ebs.VolumeType", FC_TEXT, false},
    {"BlockDeviceMapping.#.Ebs.DeleteOnTermination", FC_BOOL, false},
    {"BlockDeviceMapping.#.Ebs.Encrypted", FC_BOOL, false},
    {"BlockDeviceMapping.#.Ebs.Iops", FC_INT, false},
    {"BlockDeviceMapping.#.Ebs.Throughput", FC_INT, false},
    {"NetworkInterface.#.DeviceIndex", FC_INT, false},
    {"NetworkInterface.#.SubnetId", FC_TEXT, false},
    {"NetworkInterface.#.SecurityGroupId.#", FC_TEXT, false},
    {"NetworkInterface.#.AssociatePublicIpAddress", FC_BOOL, false},
    {"NetworkInterface.#.Ipv6AddressCount", FC_INT, false},
    {"NetworkInterface.#.PrimaryIpv6", FC_BOOL, false},
    {"NetworkInterface.#.DeleteOnTermination", FC_BOOL, false},
    {"MetadataOptions.HttpTokens", FC_TEXT, false},
    {"MetadataOptions.HttpPutResponseHopLimit", FC_INT, false},
    {"MetadataOptions.HttpEndpoint", FC_TEXT, false},
    {"MetadataOptions.HttpProtocolIpv6", FC_TEXT, false},
    {"MetadataOptions.InstanceMetadataTags", FC_TEXT, false},
    {"InstanceMarketOptions.MarketType", FC_TEXT, false},
    {"InstanceMarketOptions.SpotOptions.SpotInstanceType", FC_TEXT, false},
    {"InstanceMarketOptions.SpotOptions.MaxPrice", FC_TEXT, false},
    {"InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior", FC_TEXT, false},
    {"InstanceMarketOptions.SpotOptions.ValidUntil", FC_TIME, false},
    {"CreditSpecification.CpuCredits", FC_TEXT, false},
    {"CpuOptions.NestedVirtualization", FC_TEXT, false},
    FC_EC2_TAGS,
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

/* The answer to a repeated client token: the same instances, as they are by now. */
static json_t *run_again(struct fc_call *call, const json_t *kept)
{
    json_t *instances = json_array(), *first = NULL, *id;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)kept, i, id)
    {
        const struct fc_object *instance =
            fc_store_get(call->world->store, "instance", call->region, json_string_value(id));
        if (!instance)
            continue;
        json_array_append(instances, instance->doc);
        first = first ? first : instance->doc;
    }
    return fc_reservation(first, instances);
}

static json_t *ids_of(const json_t *reservation)
{
    json_t *ids = json_array(), *doc;
    size_t i;
    json_array_foreach(fc_at(reservation, "instancesSet"), i, doc)
    {
        json_array_append(ids, fc_at(doc, "instanceId"));
    }
    return ids;
}

int fc_ec2_run_instances(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const json_t *kept;
    struct fc_run run = {0};
    if (fc_ec2_token_find(call, "ClientToken", &kept, refusal))
        return -1;
    if (kept) {
        *ret_reply = run_again(call, kept);
        return 0;
    }
    if (fc_run_check(call, &run, refusal) || fc_ec2_dry_run(call, refusal)) {
        fc_run_clear(&run);
        return -1;
    }
    *ret_reply = fc_run_make(call, &run);
    fc_run_clear(&run);
    fc_ec2_token_keep(call, "ClientToken", ids_of(*ret_reply));
    return 0;
}

/* --- describe --- */

const struct fc_param fc_params_describe_instances[] = {
    {"InstanceId.#", FC_TEXT, false}, FC_EC2_FILTERS, FC_EC2_PAGE, FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

static const struct fc_filter instance_filters[] = {
    {"instance-id", "instanceId"},
    {"image-id", "imageId"},
    {"instance-type", "instanceType"},
    {"instance-state-name", "instanceState.name"},
    {"instance-state-code", "instanceState.code"},
    {"instance-lifecycle", "instanceLifecycle"},
    {"client-token", "clientToken"},
    {"availability-zone", "placement.availabilityZone"},
    {"architecture", "architecture"},
    {"subnet-id", "subnetId"},
    {"vpc-id", "vpcId"},
    {"ip-address", "ipAddress"},
    {"private-ip-address", "privateIpAddress"},
    {"dns-name", "dnsName"},
    {"key-name", "keyName"},
    {"root-device-name", "rootDeviceName"},
    {"virtualization-type", "virtualizationType"},
    {"reservation-id", "_reservation"},
    {"owner-id", "_owner"},
    {"group-id", "groupSet[].groupId"},
    {"instance.group-id", "groupSet[].groupId"},
    {"instance.group-name", "groupSet[].groupName"},
    {"block-device-mapping.volume-id", "blockDeviceMapping[].ebs.volumeId"},
    {"network-interface.network-interface-id", "networkInterfaceSet[].networkInterfaceId"},
    {"spot-instance-request-id", "spotInstanceRequestId"},
    {"state-reason-code", "stateReason.code"},
    {NULL, NULL},
};

static json_t *reservation_item(struct fc_call *call, const struct fc_object *object,
                                const json_t *doc)
{
    json_t *item = fc_reservation(doc, json_pack("[O]", (json_t *)(uintptr_t)doc));
    return item;
}

/* Instances that were launched together, and stand together, are one reservation. */
static json_t *joined(json_t *items)
{
    json_t *out = json_array(), *item;
    size_t i;
    json_array_foreach(items, i, item)
    {
        json_t *last = json_array_get(out, json_array_size(out) - 1);
        if (last && !strcmp(fc_text_at(last, "reservationId"), fc_text_at(item, "reservationId")))
            json_array_extend(fc_at(last, "instancesSet"), fc_at(item, "instancesSet"));
        else
            json_array_append(out, item);
    }
    return out;
}

int fc_ec2_describe_instances(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    static const struct fc_listing listing = {.kind = "instance",
                                              .set = "reservationSet",
                                              .ids = "InstanceId",
                                              .rows = instance_filters,
                                              .page_min = 5,
                                              .page_max = 1000,
                                              .item = reservation_item};
    if (fc_ec2_list(call, &listing, ret_reply, refusal))
        return -1;
    json_object_set_new(*ret_reply, "reservationSet", joined(fc_at(*ret_reply, "reservationSet")));
    return 0;
}

/* --- terminate, stop, start --- */

const struct fc_param fc_params_terminate_instances[] = {
    {"InstanceId.#", FC_TEXT, true},
    {"Force", FC_BOOL, false},
    {"SkipOsShutdown", FC_BOOL, false},
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_stop_instances[] = {
    {"InstanceId.#", FC_TEXT, true},
    {"Hibernate", FC_BOOL, false},
    {"Force", FC_BOOL, false},
    {"SkipOsShutdown", FC_BOOL, false},
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_start_instances[] = {
    {"InstanceId.#", FC_TEXT, true},
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

#define IDS_MAX 1000

/* All of them, or a refusal: one bad id and nothing is done. `check` may refuse one. */
typedef int check_fn(const struct fc_object *instance, struct fc_refusal *refusal);

static int find_all(struct fc_call *call, check_fn *check, struct fc_object *all[IDS_MAX],
                    size_t *ret_count, struct fc_refusal *refusal)
{
    const json_t *ids = fc_param_list(call, "InstanceId");
    size_t i;
    json_t *id;
    if (json_array_size(ids) > IDS_MAX)
        return fc_refuse(refusal, 400, "InvalidParameterValue", "more than %d ids", IDS_MAX);
    json_array_foreach((json_t *)(uintptr_t)ids, i, id)
    {
        if (fc_ec2_find(call, "instance", json_string_value(id), &all[i], refusal) ||
            (check && check(all[i], refusal)))
            return -1;
    }
    *ret_count = json_array_size(ids);
    return fc_ec2_dry_run(call, refusal);
}

static json_t *state_change(const struct fc_object *instance, json_t *before)
{
    return json_pack("{s:s,s:O,s:o}", "instanceId", instance->id, "currentState",
                     fc_at(instance->doc, "instanceState"), "previousState", before);
}

static int change_all(struct fc_call *call, check_fn *check,
                      void (*change)(struct fc_call *, struct fc_object *), json_t **ret_reply,
                      struct fc_refusal *refusal)
{
    struct fc_object *all[IDS_MAX];
    size_t count = 0;
    if (find_all(call, check, all, &count, refusal))
        return -1;
    json_t *changes = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *before = fc_instance_state(fc_instance_code(all[i]->doc));
        change(call, all[i]);
        json_array_append_new(changes, state_change(all[i], before));
    }
    *ret_reply = json_pack("{s:o}", "instancesSet", changes);
    return 0;
}

static int may_terminate(const struct fc_object *instance, struct fc_refusal *refusal)
{
    if (!json_is_true(fc_at(instance->doc, "_disableApiTermination")))
        return 0;
    return fc_refuse(refusal, 400, "OperationNotPermitted",
                     "The instance '%s' may not be terminated. Modify its 'disableApiTermination' "
                     "instance attribute and try again.",
                     instance->id);
}

static void terminate(struct fc_call *call, struct fc_object *instance)
{
    fc_life_terminate(call->world, instance, "Client.UserInitiatedShutdown", &call->cause);
}

int fc_ec2_terminate_instances(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return change_all(call, may_terminate, terminate, ret_reply, refusal);
}

static int may_stop(const struct fc_object *instance, struct fc_refusal *refusal)
{
    int code = fc_instance_code(instance->doc);
    if (json_is_true(fc_at(instance->doc, "_disableApiStop")))
        return fc_refuse(refusal, 400, "OperationNotPermitted",
                         "The instance '%s' may not be stopped. Modify its 'disableApiStop' "
                         "instance attribute and try again.",
                         instance->id);
    if (*fc_text_at(instance->doc, "spotInstanceRequestId"))
        return fc_refuse(refusal, 400, "UnsupportedOperation",
                         "You can't stop the Spot Instance '%s' because it is associated with a "
                         "one-time Spot Instance request.",
                         instance->id);
    if (!strcmp(fc_text_at(instance->doc, "rootDeviceType"), "instance-store"))
        return fc_refuse(refusal, 400, "UnsupportedOperation",
                         "The instance '%s' does not have an 'ebs' root device type and cannot be "
                         "stopped.",
                         instance->id);
    if (code == 16 || code == 64 || code == 80)
        return 0;
    return fc_refuse(refusal, 400, "IncorrectInstanceState",
                     "The instance '%s' is not in a state from which it can be stopped.",
                     instance->id);
}

static void stop(struct fc_call *call, struct fc_object *instance)
{
    fc_life_stop(call->world, instance, "Client.UserInitiatedShutdown", &call->cause);
}

int fc_ec2_stop_instances(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return change_all(call, may_stop, stop, ret_reply, refusal);
}

static int may_start(const struct fc_object *instance, struct fc_refusal *refusal)
{
    int code = fc_instance_code(instance->doc);
    if (code == 80 || code == 16 || code == 0)
        return 0;
    return fc_refuse(refusal, 400, "IncorrectInstanceState",
                     "The instance '%s' is not in a state from which it can be started.",
                     instance->id);
}

static void start(struct fc_call *call, struct fc_object *instance)
{
    fc_life_start(call->world, instance, &call->cause);
}

int fc_ec2_start_instances(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return change_all(call, may_start, start, ret_reply, refusal);
}
