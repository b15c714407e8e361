/* SPDX-License-Identifier: ISC */
/* RunInstances: the checks. Codes that AWS's list of error codes has are taken from it; which of
 * them a wrong combination gets is second-hand. */
#include "ec2_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/memory.h"

#define COUNT_MAX 1000
#define USER_DATA_MAX 16384

/* --- image and type --- */

struct named_bit {
    const char *name;
    unsigned bit;
};

static unsigned bit_of(const struct named_bit *rows, const char *name)
{
    while (rows->name && strcmp(rows->name, name) != 0)
        rows++;
    return rows->bit;
}

static int check_boot_mode(struct fc_run *run, struct fc_refusal *refusal)
{
    static const struct named_bit modes[] = {{"legacy-bios", FC_BOOT_BIOS},
                                             {"uefi", FC_BOOT_UEFI},
                                             {"uefi-preferred", FC_BOOT_BIOS | FC_BOOT_UEFI},
                                             {NULL, FC_BOOT_BIOS | FC_BOOT_UEFI}};
    run->boot_mode = fc_text_at(run->image->doc, "bootMode");
    if (run->type->boots & bit_of(modes, run->boot_mode))
        return 0;
    return fc_refuse(refusal, 400, "InvalidParameterCombination",
                     "The boot mode %s of the AMI is not supported by the instance type %s",
                     run->boot_mode, run->type->name);
}

static int check_image_on_type(struct fc_run *run, struct fc_refusal *refusal)
{
    static const struct named_bit arches[] = {
        {"i386", FC_ARCH_I386}, {"x86_64", FC_ARCH_X86_64}, {"arm64", FC_ARCH_ARM64}, {NULL, 0}};
    static const struct named_bit virts[] = {
        {"hvm", FC_VIRT_HVM}, {"paravirtual", FC_VIRT_PV}, {NULL, 0}};
    const json_t *image = run->image->doc;
    const char *arch = fc_text_at(image, "architecture");
    const char *virt = fc_text_at(image, "virtualizationType");
    if (!(run->type->arches & bit_of(arches, arch)))
        return fc_refuse(refusal, 400, "InvalidParameterValue",
                         "The architecture '%s' of the specified AMI does not match those of the "
                         "specified instance type '%s'",
                         arch, run->type->name);
    if (!(run->type->virts & bit_of(virts, virt)))
        return fc_refuse(refusal, 400, "InvalidParameterCombination",
                         "Virtualization type '%s' is not supported for instances of type '%s'",
                         virt, run->type->name);
    if (run->type->ena == FC_ENA_REQUIRED && !json_is_true(fc_at(image, "enaSupport")))
        return fc_refuse(refusal, 400, "InvalidParameterCombination",
                         "Enhanced networking with the Elastic Network Adapter (ENA) is required "
                         "for the '%s' instance type. Ensure that you are using an AMI that is "
                         "enabled for ENA.",
                         run->type->name);
    return check_boot_mode(run, refusal);
}

static bool of_bundle(const struct fc_run *run)
{
    return !strcmp(fc_text_at(run->image->doc, "rootDeviceType"), "instance-store");
}

/* It is read now, so it still has to be what it was. */
static int check_bundle(struct fc_call *call, struct fc_run *run, struct fc_refusal *refusal)
{
    if (!of_bundle(run))
        return 0;
    if (!fc_type_instance_store(run->type))
        return fc_refuse(refusal, 400, "InvalidParameterCombination",
                         "The instance type '%s' can only be used with EBS-backed images",
                         run->type->name);
    return fc_bundle_check(call, fc_text_at(run->image->doc, "imageLocation"), &run->bundle,
                           refusal);
}

static int check_image(struct fc_call *call, struct fc_run *run, struct fc_refusal *refusal)
{
    if (fc_ec2_find_param(call, "image", "ImageId", &run->image, refusal))
        return -1;
    const json_t *image = run->image->doc;
    if (strcmp(fc_text_at(image, "imageType"), "machine") != 0)
        return fc_refuse(refusal, 400, "InvalidAMIID.Unavailable", "%s is no machine image",
                         run->image->id);
    if (strcmp(fc_text_at(image, "imageState"), "available") != 0)
        return fc_refuse(refusal, 400, "InvalidAMIID.Unavailable",
                         "The image id '[%s]' is not available", run->image->id);
    const char *name = fc_param_text(call, "InstanceType");
    run->type = fc_type_find(name ? name : "m1.small");
    if (!run->type)
        return fc_refuse(refusal, 400, "InvalidParameterValue",
                         "Invalid value '%.60s' for InstanceType.", name);
    return check_image_on_type(run, refusal) || check_bundle(call, run, refusal) ? -1 : 0;
}

static int check_kernel(struct fc_call *call, struct fc_run *run, struct fc_refusal *refusal)
{
    struct fc_object *kernel;
    const char *id = fc_param_text(call, "KernelId");
    bool pv = !strcmp(fc_text_at(run->image->doc, "virtualizationType"), "paravirtual");
    if (!id)
        return 0;
    if (!pv)
        return fc_refuse(refusal, 400, "InvalidParameterCombination",
                         "A kernel can be given for paravirtual images alone");
    return fc_ec2_find(call, "image", id, &kernel, refusal);
}

/* --- where --- */

static struct fc_object *subnet_of_zone(struct fc_call *call, const char *zone)
{
    struct fc_object *o = NULL;
    while ((o = fc_store_each(call->world->store, o, "subnet", call->region)))
        if (json_is_true(fc_at(o->doc, "defaultForAz")) &&
            (!zone || !strcmp(fc_text_at(o->doc, "availabilityZone"), zone)))
            return o;
    return NULL;
}

static int check_place(struct fc_call *call, struct fc_run *run, const char *subnet,
                       struct fc_refusal *refusal)
{
    const char *zone = fc_param_text(call, "Placement.AvailabilityZone");
    if (subnet) {
        if (fc_ec2_find(call, "subnet", subnet, &run->subnet, refusal))
            return -1;
        if (zone && strcmp(zone, fc_text_at(run->subnet->doc, "availabilityZone")) != 0)
            return fc_refuse(refusal, 400, "InvalidParameterValue",
                             "The subnet %s is not in the availability zone %.40s", subnet, zone);
    } else {
        /* The cloud chooses a zone that has the type. */
        run->subnet = subnet_of_zone(call, zone);
        if (!run->subnet)
            return fc_refuse(refusal, 400, "InvalidParameterValue",
                             "Invalid availability zone: [%.60s]", zone ? zone : "");
    }
    const char *name = fc_text_at(run->subnet->doc, "availabilityZone");
    if (!fc_type_offered(run->type, name[strlen(name) - 1]))
        return fc_refuse(refusal, 400, "Unsupported",
                         "Your requested instance type (%s) is not supported in your requested "
                         "Availability Zone (%s).",
                         run->type->name, name);
    return 0;
}

static int add_group(struct fc_call *call, struct fc_run *run, const char *id,
                     struct fc_refusal *refusal)
{
    struct fc_object *group;
    if (fc_ec2_find(call, "security-group", id, &group, refusal))
        return -1;
    if (strcmp(fc_text_at(group->doc, "vpcId"), fc_text_at(run->subnet->doc, "vpcId")) != 0)
        return fc_refuse(refusal, 400, "InvalidParameter",
                         "Security group %s and subnet %s belong to different networks.", id,
                         run->subnet->id);
    json_array_append_new(run->groups, json_pack("{s:s,s:s}", "groupId", id, "groupName",
                                                 fc_text_at(group->doc, "groupName")));
    return 0;
}

static struct fc_object *group_by_name(struct fc_call *call, const struct fc_run *run,
                                       const char *name)
{
    const char *vpc = fc_text_at(run->subnet->doc, "vpcId");
    struct fc_object *o = NULL;
    while ((o = fc_store_each(call->world->store, o, "security-group", call->region)))
        if (!strcmp(fc_text_at(o->doc, "vpcId"), vpc) && fc_visible(o, call->now_ms) &&
            !strcmp(fc_text_at(o->doc, "groupName"), name))
            return o;
    return NULL;
}

static int check_groups(struct fc_call *call, struct fc_run *run, const json_t *ids,
                        struct fc_refusal *refusal)
{
    size_t i;
    json_t *value;
    const json_t *names = fc_param_list(call, "SecurityGroup");
    run->groups = json_array();
    json_array_foreach((json_t *)(uintptr_t)ids, i, value)
    {
        if (add_group(call, run, json_string_value(value), refusal))
            return -1;
    }
    json_array_foreach((json_t *)(uintptr_t)names, i, value)
    {
        const struct fc_object *group = group_by_name(call, run, json_string_value(value));
        if (!group)
            return fc_refuse(refusal, 400, "InvalidGroup.NotFound",
                             "The security group '%.80s' does not exist in default VPC",
                             json_string_value(value));
        if (add_group(call, run, group->id, refusal))
            return -1;
    }
    if (json_array_size(run->groups))
        return 0;
    const struct fc_object *group = group_by_name(call, run, "default");
    return group ? add_group(call, run, group->id, refusal)
                 : fc_refuse(refusal, 400, "MissingParameter",
                             "No default security group for the network");
}

static int check_network(struct fc_call *call, struct fc_run *run, struct fc_refusal *refusal)
{
    const json_t *cards = fc_param_list(call, "NetworkInterface");
    const json_t *card = json_array_get(cards, 0);
    const char *subnet = fc_param_text(call, "SubnetId");
    const json_t *groups = fc_param_list(call, "SecurityGroupId");
    run->ipv6_count = fc_param_int(call, "Ipv6AddressCount", 0);
    if (card && (subnet || groups || fc_at(call->params, "SecurityGroup") || run->ipv6_count))
        return fc_refuse(refusal, 400, "InvalidParameterCombination",
                         "Network interfaces and an instance-level subnet ID, security groups or "
                         "addresses may not be specified on the same request");
    if (json_array_size(cards) > 1 || (card && json_integer_value(fc_at(card, "DeviceIndex")) != 0))
        return fc_refuse(refusal, 400, "InvalidParameterValue",
                         "One network interface, with the device index 0, is all there can be");
    if (card) {
        subnet = json_string_value(fc_at(card, "SubnetId"));
        groups = fc_at(card, "SecurityGroupId");
        run->ipv6_count = json_integer_value(fc_at(card, "Ipv6AddressCount"));
    }
    if (check_place(call, run, subnet, refusal) || check_groups(call, run, groups, refusal))
        return -1;
    const json_t *wants = fc_at(card, "AssociatePublicIpAddress");
    run->public_ip =
        wants ? json_is_true(wants) : json_is_true(fc_at(run->subnet->doc, "mapPublicIpOnLaunch"));
    if (run->ipv6_count < 0 || run->ipv6_count > 4)
        return fc_refuse(refusal, 400, "InvalidParameterValue", "too many IPv6 addresses");
    return 0;
}

/* --- block devices --- */

static int check_size(struct fc_call *call, const json_t *ebs, struct fc_refusal *refusal)
{
    const char *snapshot_id = fc_text_at(ebs, "snapshotId");
    int64_t size = json_integer_value(fc_at(ebs, "volumeSize"));
    struct fc_object *snapshot;
    if (*snapshot_id) {
        if (fc_ec2_find(call, "snapshot", snapshot_id, &snapshot, refusal))
            return -1;
        int64_t least = json_integer_value(fc_at(snapshot->doc, "volumeSize"));
        if (size < least)
            return fc_refuse(refusal, 400, "InvalidBlockDeviceMapping",
                             "Volume of size %" PRId64 "GB is smaller than snapshot '%s', expect "
                             "size >= %" PRId64 "GB",
                             size, snapshot_id, least);
    }
    if (size < 1 || size > 65536)
        return fc_refuse(refusal, 400, "InvalidBlockDeviceMapping",
                         "a volume has 1 to 65536 GiB, not %" PRId64, size);
    return 0;
}

/* One of the request's mappings over the image's of the same device name, or beside it. */
static int merge_device(json_t *mapping, const json_t *said, struct fc_refusal *refusal)
{
    static const struct {
        const char *said, *name;
    } members[] = {{"SnapshotId", "snapshotId"}, {"VolumeSize", "volumeSize"},
                   {"VolumeType", "volumeType"}, {"DeleteOnTermination", "deleteOnTermination"},
                   {"Encrypted", "encrypted"},   {"Iops", "iops"},
                   {"Throughput", "throughput"}};
    const char *device = fc_text_at(said, "DeviceName");
    json_t *entry = NULL, *row;
    size_t i;
    if (!*device)
        return fc_refuse(refusal, 400, "InvalidBlockDeviceMapping", "a device has no name");
    json_array_foreach(mapping, i, row)
    {
        if (!strcmp(fc_text_at(row, "deviceName"), device))
            entry = row;
    }
    if (!entry) {
        entry = json_pack("{s:s,s:{s:i,s:s,s:b}}", "deviceName", device, "ebs", "volumeSize", 0,
                          "volumeType", "gp2", "deleteOnTermination", 1);
        json_array_append_new(mapping, entry);
    }
    json_t *ebs = json_object_get(entry, "ebs");
    for (i = 0; i < MIR_NELEMS(members); i++) {
        json_t *value = fc_at(fc_at(said, "Ebs"), members[i].said);
        if (value)
            json_object_set(ebs, members[i].name, value);
    }
    return 0;
}

static int check_mapping(struct fc_call *call, struct fc_run *run, struct fc_refusal *refusal)
{
    static const char *const volume_types[] = {"standard", "gp2", "gp3", "io1",
                                               "io2",      "sc1", "st1"};
    size_t i, j;
    json_t *entry;
    run->mapping = json_deep_copy(fc_at(run->image->doc, "blockDeviceMapping"));
    if (!run->mapping)
        run->mapping = json_array();
    json_array_foreach(fc_param_list(call, "BlockDeviceMapping"), i, entry)
    {
        if (merge_device(run->mapping, entry, refusal))
            return -1;
    }
    json_array_foreach(run->mapping, i, entry)
    {
        const json_t *ebs = fc_at(entry, "ebs");
        const char *type = fc_text_at(ebs, "volumeType");
        for (j = 0; j < MIR_NELEMS(volume_types) && strcmp(volume_types[j], type) != 0; j++)
            ;
        if (j == MIR_NELEMS(volume_types))
            return fc_refuse(refusal, 400, "InvalidParameterValue",
                             "Invalid value '%.40s' for VolumeType.", type);
        if (check_size(call, ebs, refusal))
            return -1;
    }
    return 0;
}

/* --- the rest --- */

/* A parameter that is one of a few words, or absent. */
static int check_words(struct fc_call *call, struct fc_refusal *refusal)
{
    static const struct {
        const char *param, *words;
    } rows[] = {{"InstanceInitiatedShutdownBehavior", "stop terminate"},
                {"MetadataOptions.HttpTokens", "optional required"},
                {"MetadataOptions.HttpEndpoint", "enabled disabled"},
                {"MetadataOptions.HttpProtocolIpv6", "enabled disabled"},
                {"MetadataOptions.InstanceMetadataTags", "enabled disabled"},
                {"InstanceMarketOptions.MarketType", "spot"},
                {"InstanceMarketOptions.SpotOptions.SpotInstanceType", "one-time persistent"},
                {"InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior",
                 "hibernate stop terminate"},
                {"CreditSpecification.CpuCredits", "standard unlimited"},
                {"CpuOptions.NestedVirtualization", "enabled disabled"},
                {"Placement.Tenancy", "default dedicated host"}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        const char *value = fc_param_text(call, rows[i].param);
        if (!value)
            continue;
        const char *at = strstr(rows[i].words, value);
        size_t len = strlen(value);
        if (!len || !at || (at != rows[i].words && at[-1] != ' ') ||
            (at[len] != ' ' && at[len] != '\0'))
            return fc_refuse(refusal, 400, "InvalidParameterValue",
                             "Value (%.60s) for parameter %s is invalid. Valid values: %s", value,
                             rows[i].param, rows[i].words);
    }
    return 0;
}

/* Source of the refusal: reports of those who had it. */
static int check_shutdown(struct fc_call *call, struct fc_run *run, struct fc_refusal *refusal)
{
    const char *said = fc_param_text(call, "InstanceInitiatedShutdownBehavior");
    run->shutdown = said ? said : of_bundle(run) ? "terminate" : "stop";
    if (strcmp(run->shutdown, "stop") != 0 || !of_bundle(run))
        return 0;
    return fc_refuse(refusal, 400, "InvalidParameterCombination",
                     "The attribute instanceInitiatedShutdownBehavior can only be used for "
                     "EBS-backed images.");
}

static int check_extras(struct fc_call *call, struct fc_run *run, struct fc_refusal *refusal)
{
    const char *user_data = fc_param_text(call, "UserData");
    const char *nested = fc_param_text(call, "CpuOptions.NestedVirtualization");
    int64_t hops = fc_param_int(call, "MetadataOptions.HttpPutResponseHopLimit", 1);
    if (check_words(call, refusal))
        return -1;
    if (user_data && strlen(user_data) / 4 * 3 > USER_DATA_MAX + 2)
        return fc_refuse(refusal, 400, "InvalidParameterValue", "User data is limited to %d bytes",
                         USER_DATA_MAX);
    if (fc_param_text(call, "CreditSpecification.CpuCredits") && !run->type->burstable)
        return fc_refuse(refusal, 400, "InvalidParameterCombination",
                         "CreditSpecification is not supported for the instance type %s",
                         run->type->name);
    if (nested && !strcmp(nested, "enabled") && !run->type->nested)
        return fc_refuse(refusal, 400, "InvalidParameterCombination",
                         "Nested virtualization is not supported for the instance type %s",
                         run->type->name);
    if (hops < 1 || hops > 64)
        return fc_refuse(refusal, 400, "InvalidParameterValue",
                         "HttpPutResponseHopLimit is from 1 to 64");
    run->spot = fc_param_text(call, "InstanceMarketOptions.MarketType") != NULL;
    return check_shutdown(call, run, refusal);
}

static int check_key_pair(struct fc_call *call, struct fc_refusal *refusal)
{
    const char *name = fc_param_text(call, "KeyName");
    struct fc_object *o = NULL;
    while (name && (o = fc_store_each(call->world->store, o, "key-pair", call->region)))
        if (fc_visible(o, call->now_ms) && !strcmp(fc_text_at(o->doc, "keyName"), name))
            return 0;
    return name ? fc_refuse(refusal, 400, "InvalidKeyPair.NotFound",
                            "The key pair '%.80s' does not exist", name)
                : 0;
}

static int check_quota(struct fc_call *call, struct fc_run *run, struct fc_refusal *refusal)
{
    int64_t vcpus = run->count * run->type->vcpus;
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, "instance", call->region));) {
        const struct fc_instance_type *type = fc_type_find(fc_text_at(o->doc, "instanceType"));
        if (type && fc_instance_code(o->doc) <= 16)
            vcpus += type->vcpus;
    }
    if (vcpus > call->world->settings.vcpu_limit)
        return fc_refuse(refusal, 400, "VcpuLimitExceeded",
                         "You have requested more vCPU capacity than your current vCPU limit of "
                         "%" PRId64 " allows",
                         call->world->settings.vcpu_limit);
    return 0;
}

static int check_count(struct fc_call *call, struct fc_run *run, struct fc_refusal *refusal)
{
    int64_t min = fc_param_int(call, "MinCount", 0);
    run->count = fc_param_int(call, "MaxCount", 0);
    if (min < 1 || run->count < min || run->count > COUNT_MAX)
        return fc_refuse(refusal, 400, "InvalidParameterValue",
                         "MinCount %" PRId64 " and MaxCount %" PRId64
                         " have to be 1 to %d, and in order",
                         min, run->count, COUNT_MAX);
    return 0;
}

static int check_tags(struct fc_call *call, struct fc_run *run, struct fc_refusal *refusal)
{
    static const char *const types[] = {"instance", "volume", "network-interface",
                                        "spot-instances-request", NULL};
    for (size_t i = 0; types[i]; i++)
        if (fc_ec2_new_tags(call, types[i], types, &run->tags[i], refusal))
            return -1;
    if (json_array_size(run->tags[FC_RUN_SPOT]) && !run->spot)
        return fc_refuse(refusal, 400, "InvalidParameterCombination",
                         "Tags for spot-instances-request need MarketType spot");
    return 0;
}

void fc_run_clear(struct fc_run *run)
{
    json_decref(run->groups);
    json_decref(run->mapping);
    fc_bundle_clear(&run->bundle);
    for (size_t i = 0; i < MIR_NELEMS(run->tags); i++)
        json_decref(run->tags[i]);
    *run = (struct fc_run){0};
}

int fc_run_check(struct fc_call *call, struct fc_run *run, struct fc_refusal *refusal)
{
    static int (*const checks[])(struct fc_call *, struct fc_run *, struct fc_refusal *) = {
        check_count,  check_image,   check_kernel, check_network,
        check_extras, check_mapping, check_tags,   check_quota};
    for (size_t i = 0; i < MIR_NELEMS(checks); i++)
        if (checks[i](call, run, refusal))
            return -1;
    return check_key_pair(call, refusal);
}
