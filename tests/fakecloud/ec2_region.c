/* SPDX-License-Identifier: ISC */
/*
 * What a region has before anybody comes: a default network with a subnet in each zone, its default
 * security group, and some images of the cloud's own, PV-GRUB kernels among them. Made at the first
 * call in the region; furniture, which no ledger counts.
 */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "ec2.h"

#define AMAZON "137112412989"
#define ZONES "abc"

const char *fc_ec2_zone_letters(void)
{
    return ZONES;
}

static struct fc_object *furnish_as(struct fc_call *call, const char *kind, const char *id,
                                    const char *id_name, json_t *doc)
{
    struct fc_object *object =
        fc_store_add(call->world->store, kind, call->region, id, doc, &call->cause);
    object->furniture = true;
    json_object_set_new(doc, id_name, json_string(object->id));
    return object;
}

static struct fc_object *furnish(struct fc_call *call, const char *kind, const char *id_name,
                                 json_t *doc)
{
    return furnish_as(call, kind, NULL, id_name, doc);
}

/* --- the network --- */

static unsigned region_number(const struct fc_call *call)
{
    unsigned number = 0;
    while (fc_regions[number] && strcmp(fc_regions[number], call->region) != 0)
        number++;
    return number;
}

static void make_subnet(struct fc_call *call, const struct fc_object *vpc, unsigned zone)
{
    mir_auto_free char *name = mir_format("%s%c", call->region, ZONES[zone]);
    mir_auto_free char *cidr = mir_format("172.31.%u.0/20", zone * 16);
    mir_auto_free char *cidr6 = mir_format("2001:db8:%x:%x::/64", region_number(call), zone);
    json_t *doc = json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:i,s:b,s:b,s:b,s:[{s:s,s:s,s:{s:s}}],s:[],s:i}", "state",
        "available", "vpcId", vpc->id, "cidrBlock", cidr, "availabilityZone", name, "ownerId",
        call->world->account.id, "availableIpAddressCount", 4091, "defaultForAz", 1,
        "mapPublicIpOnLaunch", 1, "assignIpv6AddressOnCreation", 0, "ipv6CidrBlockAssociationSet",
        "associationId", "subnet-cidr-assoc-0", "ipv6CidrBlock", cidr6, "ipv6CidrBlockState",
        "state", "associated", "tagSet", "_next", 4);
    furnish(call, "subnet", "subnetId", doc);
}

static void make_group(struct fc_call *call, const struct fc_object *vpc)
{
    json_t *everything =
        json_pack("[{s:s,s:[],s:[{s:s}],s:[{s:s}],s:[]}]", "ipProtocol", "-1", "groups", "ipRanges",
                  "cidrIp", "0.0.0.0/0", "ipv6Ranges", "cidrIpv6", "::/0", "prefixListIds");
    json_t *doc = json_pack("{s:s,s:s,s:s,s:s,s:[],s:o,s:[]}", "groupName", "default",
                            "groupDescription", "default VPC security group", "vpcId", vpc->id,
                            "ownerId", call->world->account.id, "ipPermissions",
                            "ipPermissionsEgress", everything, "tagSet");
    furnish(call, "security-group", "groupId", doc);
}

static void make_network(struct fc_call *call)
{
    json_t *doc =
        json_pack("{s:s,s:s,s:s,s:s,s:b,s:s,s:[]}", "state", "available", "cidrBlock",
                  "172.31.0.0/16", "dhcpOptionsId", "default", "instanceTenancy", "default",
                  "isDefault", 1, "ownerId", call->world->account.id, "tagSet");
    const struct fc_object *vpc = furnish(call, "vpc", "vpcId", doc);
    for (unsigned zone = 0; zone < sizeof ZONES - 1; zone++)
        make_subnet(call, vpc, zone);
    make_group(call, vpc);
}

/* --- images --- */

static const struct {
    const char *name, *architecture, *virtualization, *boot_mode;
    bool ena;
} images[] = {
    {"al2023-ami-2023.6.20261101.0-kernel-6.1-x86_64", "x86_64", "hvm", "uefi-preferred", true},
    {"al2023-ami-2023.6.20261101.0-kernel-6.1-arm64", "arm64", "hvm", "uefi", true},
    {"amzn-ami-pv-2018.03.0.20180811-x86_64-ebs", "x86_64", "paravirtual", "legacy-bios", false},
};

static const struct {
    const char *name, *architecture;
} kernels[] = {
    {"pv-grub-hd0_1.05-x86_64.gz", "x86_64"},
    {"pv-grub-hd00_1.05-x86_64.gz", "x86_64"},
    {"pv-grub-hd0_1.05-i386.gz", "i386"},
    {"pv-grub-hd00_1.05-i386.gz", "i386"},
};

static void make_kernels(struct fc_call *call)
{
    for (size_t i = 0; i < MIR_NELEMS(kernels); i++) {
        char id[16];
        mir_auto_free char *location = mir_format("amazon/%s", kernels[i].name);
        snprintf(id, sizeof id, "aki-%06x%02x", region_number(call) + 0x919d, (unsigned)i);
        furnish_as(call, "image", id, "imageId",
                   json_pack("{s:s,s:s,s:s,s:s,s:b,s:s,s:s,s:s,s:s,s:s,s:s,s:[],s:[]}",
                             "imageLocation", location, "imageState", "available", "imageOwnerId",
                             AMAZON, "imageOwnerAlias", "amazon", "isPublic", 1, "architecture",
                             kernels[i].architecture, "imageType", "kernel", "name",
                             kernels[i].name, "rootDeviceType", "instance-store",
                             "virtualizationType", "paravirtual", "hypervisor", "xen",
                             "blockDeviceMapping", "tagSet"));
    }
}

static void make_image(struct fc_call *call, size_t i)
{
    bool pv = !strcmp(images[i].virtualization, "paravirtual");
    const char *root = pv ? "/dev/sda1" : "/dev/xvda";
    mir_auto_free char *location = mir_format("amazon/%s", images[i].name);
    const struct fc_object *snapshot = furnish(
        call, "snapshot", "snapshotId",
        json_pack("{s:s,s:s,s:s,s:s,s:i,s:b,s:s,s:[]}", "volumeId", "vol-ffffffff", "status",
                  "completed", "progress", "100%", "ownerId", AMAZON, "volumeSize", 8, "encrypted",
                  0, "description", images[i].name, "tagSet"));
    json_t *mapping = json_pack("[{s:s,s:{s:s,s:i,s:b,s:s,s:b}}]", "deviceName", root, "ebs",
                                "snapshotId", snapshot->id, "volumeSize", 8, "deleteOnTermination",
                                1, "volumeType", "gp3", "encrypted", 0);
    json_t *doc = json_pack(
        "{s:s,s:s,s:s,s:s,s:b,s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:s,s:s,s:b,s:s,s:[]}", "imageLocation",
        location, "imageState", "available", "imageOwnerId", AMAZON, "imageOwnerAlias", "amazon",
        "isPublic", 1, "architecture", images[i].architecture, "imageType", "machine", "name",
        images[i].name, "platformDetails", "Linux/UNIX", "rootDeviceType", "ebs", "rootDeviceName",
        root, "blockDeviceMapping", mapping, "virtualizationType", images[i].virtualization,
        "hypervisor", "xen", "enaSupport", (int)images[i].ena, "bootMode", images[i].boot_mode,
        "tagSet");
    json_object_set_new(doc, "creationDate", fc_time_json(call->now_ms));
    furnish(call, "image", "imageId", doc);
}

void fc_ec2_region_ready(struct fc_call *call)
{
    if (fc_store_each(call->world->store, NULL, "vpc", call->region))
        return;
    make_network(call);
    make_kernels(call);
    for (size_t i = 0; i < MIR_NELEMS(images); i++)
        make_image(call, i);
}
