/* SPDX-License-Identifier: ISC */
/* RunInstances: what it makes. An instance, its volumes, its network interface, and the request
 * behind it when it is a spot instance. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/id.h"
#include "api/log.h"
#include "api/memory.h"
#include "ec2_run.h"

/* 172.31.16.5: the next one of the subnet. */
static json_t *private_address(struct fc_call *call, struct fc_object *subnet)
{
    char text[16];
    unsigned base[3] = {0};
    json_t *doc = fc_store_edit(call->world->store, subnet, call->now_ms, 0);
    json_int_t next = json_integer_value(fc_at(doc, "_next"));
    sscanf(fc_text_at(doc, "cidrBlock"), "%u.%u.%u", &base[0], &base[1], &base[2]);
    json_object_set_new(doc, "_next", json_integer(next + 1));
    snprintf(text, sizeof text, "%u.%u.%u.%u", base[0] & 255, base[1] & 255,
             (base[2] + (unsigned)(next >> 8)) & 255, (unsigned)next & 255);
    return json_string(text);
}

static json_t *ipv6_addresses(const struct fc_run *run, uint64_t seq)
{
    json_t *list = json_array();
    const json_t *block = json_array_get(fc_at(run->subnet->doc, "ipv6CidrBlockAssociationSet"), 0);
    const char *cidr = fc_text_at(block, "ipv6CidrBlock");
    for (int64_t i = 0; i < run->ipv6_count; i++) {
        mir_auto_free char *text = mir_format("%.*s%" PRIx64 ":%" PRIx64, (int)strcspn(cidr, "/"),
                                              cidr, seq & 0xffff, (uint64_t)i + 1);
        json_array_append_new(list, json_pack("{s:s}", "ipv6Address", text));
    }
    return list;
}

/* --- the network interface --- */

static json_t *chosen(const json_t *from, const char *const *members)
{
    json_t *out = json_object();
    for (; from && *members; members++) {
        json_t *value = fc_at(from, *members);
        if (value)
            json_object_set(out, *members, value);
    }
    return out;
}

void fc_interface_show(struct fc_object *instance, const json_t *interface)
{
    static const char *const members[] = {"networkInterfaceId", "subnetId",         "vpcId",
                                          "description",        "ownerId",          "status",
                                          "privateIpAddress",   "interfaceType",    "groupSet",
                                          "sourceDestCheck",    "ipv6AddressesSet", NULL};
    static const char *const attachment[] = {"attachmentId", "deviceIndex",         "status",
                                             "attachTime",   "deleteOnTermination", NULL};
    static const char *const association[] = {"publicIp", "publicDnsName", "ipOwnerId", NULL};
    json_t *card = chosen(interface, members);
    json_object_set_new(card, "attachment", chosen(fc_at(interface, "attachment"), attachment));
    if (fc_at(interface, "association"))
        json_object_set_new(card, "association",
                            chosen(fc_at(interface, "association"), association));
    json_object_set_new(instance->doc, "networkInterfaceSet", json_pack("[o]", card));
}

static json_t *interface_doc(struct fc_call *call, struct fc_run *run, json_t *address)
{
    json_t *doc = json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:b,s:O,s:s,s:O,s:b}", "subnetId", run->subnet->id, "vpcId",
        fc_text_at(run->subnet->doc, "vpcId"), "description", "", "ownerId",
        call->world->account.id, "status", "in-use", "requesterManaged", 0, "privateIpAddress",
        address, "interfaceType", "interface", "groupSet", run->groups, "sourceDestCheck", 1);
    json_object_set_new(doc, "availabilityZone",
                        json_string(fc_text_at(run->subnet->doc, "availabilityZone")));
    json_object_set_new(doc, "tagSet", fc_copy_array(run->tags[FC_RUN_INTERFACE]));
    return doc;
}

static json_t *attachment_doc(struct fc_call *call, const struct fc_object *instance)
{
    char random[MIR_ID_TEXT];
    const json_t *card = json_array_get(fc_param_list(call, "NetworkInterface"), 0);
    bool deletes =
        !fc_at(card, "DeleteOnTermination") || json_is_true(fc_at(card, "DeleteOnTermination"));
    mir_id_new(mir_random_system(), random);
    return json_pack("{s:o,s:s,s:i,s:s,s:o,s:b}", "attachmentId",
                     json_sprintf("eni-attach-0%.16s", random), "instanceId", instance->id,
                     "deviceIndex", 0, "status", "attached", "attachTime",
                     fc_time_json(call->now_ms), "deleteOnTermination", (int)deletes);
}

static void make_interface(struct fc_call *call, struct fc_run *run, struct fc_object *instance)
{
    json_t *address = private_address(call, run->subnet);
    json_t *interface = interface_doc(call, run, address);
    struct fc_object *object = fc_ec2_make(call, "network-interface", interface);
    json_object_set_new(interface, "networkInterfaceId", json_string(object->id));
    json_object_set_new(interface, "ipv6AddressesSet", ipv6_addresses(run, object->seq));
    json_object_set_new(interface, "attachment", attachment_doc(call, instance));
    json_object_set_new(instance->doc, "privateIpAddress", address);
    json_t *first6 = fc_at(json_array_get(fc_at(interface, "ipv6AddressesSet"), 0), "ipv6Address");
    if (first6)
        json_object_set(instance->doc, "ipv6Address", first6);
    if (run->public_ip) {
        json_t *public_ip = fc_public_address(call->world, object->seq);
        json_object_set_new(interface, "association",
                            json_pack("{s:O,s:s,s:s}", "publicIp", public_ip, "publicDnsName", "",
                                      "ipOwnerId", "amazon"));
        json_object_set_new(instance->doc, "_public", public_ip);
    }
    fc_interface_show(instance, interface);
}

/* --- volumes --- */

static void make_volumes(struct fc_call *call, struct fc_run *run, struct fc_object *instance)
{
    json_t *devices = json_array(), *entry;
    size_t i;
    json_array_foreach(run->mapping, i, entry)
    {
        const json_t *ebs = fc_at(entry, "ebs");
        const char *device = fc_text_at(entry, "deviceName");
        json_t *deletes = fc_at(ebs, "deleteOnTermination");
        json_t *doc = json_pack("{s:O,s:s,s:s,s:s,s:O,s:b,s:o}", "size", fc_at(ebs, "volumeSize"),
                                "snapshotId", fc_text_at(ebs, "snapshotId"), "availabilityZone",
                                fc_text_at(run->subnet->doc, "availabilityZone"), "status",
                                "in-use", "volumeType", fc_at(ebs, "volumeType"), "encrypted",
                                json_is_true(fc_at(ebs, "encrypted")), "tagSet",
                                fc_copy_array(run->tags[FC_RUN_VOLUME]));
        struct fc_object *volume = fc_ec2_make(call, "volume", doc);
        json_object_set_new(doc, "volumeId", json_string(volume->id));
        json_object_set_new(doc, "createTime", fc_time_json(call->now_ms));
        json_object_set_new(doc, "attachmentSet",
                            json_pack("[{s:s,s:s,s:s,s:s,s:o,s:O}]", "volumeId", volume->id,
                                      "instanceId", instance->id, "device", device, "status",
                                      "attached", "attachTime", fc_time_json(call->now_ms),
                                      "deleteOnTermination", deletes));
        json_array_append_new(
            devices, json_pack("{s:s,s:{s:s,s:s,s:o,s:O}}", "deviceName", device, "ebs", "volumeId",
                               volume->id, "status", "attached", "attachTime",
                               fc_time_json(call->now_ms), "deleteOnTermination", deletes));
    }
    json_object_set_new(instance->doc, "blockDeviceMapping", devices);
}

/* --- the instance --- */

static void copy_image(json_t *doc, const struct fc_run *run)
{
    static const char *const members[] = {"architecture",       "rootDeviceType", "rootDeviceName",
                                          "virtualizationType", "hypervisor",     "enaSupport",
                                          "bootMode",           "kernelId"};
    for (size_t i = 0; i < MIR_NELEMS(members); i++) {
        json_t *value = fc_at(run->image->doc, members[i]);
        if (value)
            json_object_set(doc, members[i], value);
    }
    bool uefi = (run->type->boots & FC_BOOT_UEFI) &&
                (!strncmp(run->boot_mode, "uefi", 4) || run->type->boots == FC_BOOT_UEFI);
    json_object_set_new(doc, "currentInstanceBootMode", json_string(uefi ? "uefi" : "legacy-bios"));
}

static const char *text_or(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

static json_t *metadata_options(struct fc_call *call, const struct fc_run *run)
{
    bool v2 = !strcmp(fc_text_at(run->image->doc, "imdsSupport"), "v2.0");
    return json_pack(
        "{s:s,s:s,s:I,s:s,s:s,s:s}", "state", "pending", "httpTokens",
        text_or(fc_param_text(call, "MetadataOptions.HttpTokens"), v2 ? "required" : "optional"),
        "httpPutResponseHopLimit",
        (json_int_t)fc_param_int(call, "MetadataOptions.HttpPutResponseHopLimit", v2 ? 2 : 1),
        "httpEndpoint", text_or(fc_param_text(call, "MetadataOptions.HttpEndpoint"), "enabled"),
        "httpProtocolIpv6",
        text_or(fc_param_text(call, "MetadataOptions.HttpProtocolIpv6"), "disabled"),
        "instanceMetadataTags",
        text_or(fc_param_text(call, "MetadataOptions.InstanceMetadataTags"), "disabled"));
}

/* What the instance remembers of its request, and shows when it was given. */
static void copy_request(struct fc_call *call, json_t *doc)
{
    static const struct {
        const char *param, *member;
    } rows[] = {{"KeyName", "keyName"},
                {"ClientToken", "clientToken"},
                {"KernelId", "kernelId"},
                {"RamdiskId", "ramdiskId"},
                {"UserData", "_userData"},
                {"CreditSpecification.CpuCredits", "_cpuCredits"},
                {"EbsOptimized", "ebsOptimized"},
                {"DisableApiTermination", "_disableApiTermination"},
                {"DisableApiStop", "_disableApiStop"}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        json_t *value = fc_at(call->params, rows[i].param);
        if (value)
            json_object_set(doc, rows[i].member, value);
    }
    const char *nested = fc_param_text(call, "CpuOptions.NestedVirtualization");
    if (nested)
        json_object_set_new(doc, "cpuOptions", json_pack("{s:s}", "nestedVirtualization", nested));
    const char *arn = fc_param_text(call, "IamInstanceProfile.Arn");
    const char *name = fc_param_text(call, "IamInstanceProfile.Name");
    mir_auto_free char *made = mir_format("arn:aws:iam::%s:instance-profile/%s",
                                          call->world->account.id, text_or(name, ""));
    if (arn || name)
        json_object_set_new(
            doc, "iamInstanceProfile",
            json_pack("{s:s,s:s}", "arn", text_or(arn, made), "id", "AIPAFAKECLOUDPROFILE1"));
}

static json_t *instance_doc(struct fc_call *call, struct fc_run *run, const char *reservation,
                            int64_t index)
{
    json_t *doc = json_pack(
        "{s:s,s:o,s:s,s:s,s:s,s:I,s:s,s:o,s:{s:s,s:s,s:s},s:{s:s},s:s,s:s,s:O,s:s,s:s}", "imageId",
        run->image->id, "instanceState", fc_instance_state(0), "privateDnsName", "", "dnsName", "",
        "reason", "", "amiLaunchIndex", (json_int_t)index, "instanceType", run->type->name,
        "launchTime", fc_time_json(call->now_ms), "placement", "availabilityZone",
        fc_text_at(run->subnet->doc, "availabilityZone"), "groupName", "", "tenancy",
        text_or(fc_param_text(call, "Placement.Tenancy"), "default"), "monitoring", "state",
        "disabled", "subnetId", run->subnet->id, "vpcId", fc_text_at(run->subnet->doc, "vpcId"),
        "groupSet", run->groups, "_reservation", reservation, "_shutdown", run->shutdown);
    json_object_set_new(doc, "tagSet", fc_copy_array(run->tags[FC_RUN_INSTANCE]));
    json_object_set_new(doc, "sourceDestCheck", json_true());
    json_object_set_new(doc, "ebsOptimized", json_false());
    json_object_set_new(doc, "metadataOptions", metadata_options(call, run));
    json_object_set_new(doc, "_owner", json_string(call->world->account.id));
    copy_image(doc, run);
    copy_request(call, doc);
    return doc;
}

static void make_spot(struct fc_call *call, struct fc_run *run, struct fc_object *instance)
{
    const char *kind = fc_param_text(call, "InstanceMarketOptions.SpotOptions.SpotInstanceType");
    json_t *doc =
        json_pack("{s:s,s:s,s:s,s:s,s:{s:s,s:s}}", "instanceId", instance->id, "state", "active",
                  "type", text_or(kind, "one-time"), "productDescription", "Linux/UNIX", "status",
                  "code", "fulfilled", "message", "Your spot request is fulfilled.");
    json_object_set_new(doc, "tagSet", fc_copy_array(run->tags[FC_RUN_SPOT]));
    struct fc_object *request = fc_ec2_make(call, "spot-instances-request", doc);
    json_object_set_new(doc, "spotInstanceRequestId", json_string(request->id));
    json_object_set_new(instance->doc, "spotInstanceRequestId", json_string(request->id));
    json_object_set_new(instance->doc, "instanceLifecycle", json_string("spot"));
}

json_t *fc_reservation(const json_t *first, json_t *instances)
{
    return json_pack("{s:s,s:s,s:[],s:o}", "reservationId", fc_text_at(first, "_reservation"),
                     "ownerId", fc_text_at(first, "_owner"), "groupSet", "instancesSet", instances);
}

json_t *fc_run_make(struct fc_call *call, struct fc_run *run)
{
    json_t *instances = json_array(), *first = NULL;
    char reservation[20], random[MIR_ID_TEXT];
    mir_id_new(mir_random_system(), random);
    snprintf(reservation, sizeof reservation, "r-0%.16s", random);
    for (int64_t i = 0; i < run->count; i++) {
        json_t *doc = instance_doc(call, run, reservation, i);
        struct fc_object *instance = fc_ec2_make(call, "instance", doc);
        json_object_set_new(doc, "instanceId", json_string(instance->id));
        make_interface(call, run, instance);
        make_volumes(call, run, instance);
        if (run->bundle.files && call->world->guests &&
            fc_bundle_store(call->world, &run->bundle, instance->id))
            mir_log(MIR_LOG_WARN, "guest", "%s has no disk: it cannot be written", instance->id);
        if (run->spot)
            make_spot(call, run, instance);
        instance->due_ms = call->now_ms + call->world->settings.boot_ms;
        json_array_append(instances, doc);
        first = first ? first : doc;
    }
    return fc_reservation(first, instances);
}
