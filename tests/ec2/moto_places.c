/* SPDX-License-Identifier: ISC */
/* Who we are, where things are, what there is, and for how much. */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "ec2/sts.h"
#include "moto.h"

void call_identity(void)
{
    struct ec2_identity who = {0};
    made("GetCallerIdentity",
         ec2_get_caller_identity(calls.session, calls.until_ms, &who, &calls.err), NULL, &who);
    SAME(who.account, MOTO_ACCOUNT);
    EXPECT(strstr(who.arn, ":sts::" MOTO_ACCOUNT ":") && *who.user_id);
}

static void call_regions(void)
{
    const char *name = "eu-central-1", *value = "opt-in-not-required";
    const struct ec2_filter filter = {"opt-in-status", &value, 1};
    struct ec2_regions_args args = {.names = &name, .name_count = 1};
    struct ec2_regions regions = {0};
    CALL("DescribeRegions", ec2_describe_regions, &args, &regions);
    EXPECT(regions.count == 1);
    if (regions.count) {
        SAME(regions.rows[0].name, "eu-central-1");
        SAME(regions.rows[0].endpoint, "ec2.eu-central-1.amazonaws.com");
        SAME(regions.rows[0].opt_in, "opt-in-not-required");
    }
    args = (struct ec2_regions_args){.filters = &filter, .filter_count = 1, .all = true};
    CALL("DescribeRegions", ec2_describe_regions, &args, &regions);
    EXPECT(regions.count > 1);
    ec2_regions_clear(&regions);
}

void call_places(void)
{
    struct ec2_zones zones = {0};
    struct one_id id;
    struct one_filter filter;
    call_regions();
    CALL("DescribeAvailabilityZones", ec2_describe_zones, by_id(&id, MOTO_ZONE), &zones);
    EXPECT(zones.count == 1);
    if (zones.count) {
        SAME(zones.rows[0].name, MOTO_ZONE);
        EXPECT(!strncmp(zones.rows[0].id, "use1-az", 7));
        SAME(zones.rows[0].type, "availability-zone");
        SAME(zones.rows[0].state, "available");
    }
    CALL("DescribeAvailabilityZones", ec2_describe_zones, by_filter(&filter, "zone-id", "use1-az1"),
         &zones);
    EXPECT(zones.count == 1 && !strcmp(zones.rows[0].id, "use1-az1"));
    ec2_zones_clear(&zones);
}

/* --- instance types --- */

static const struct type_fact {
    const char *name, *hypervisor, *ena, *nvme, *architecture, *virtualization, *boot_mode;
    int64_t vcpus, memory_mib;
    bool current, free_tier, bare_metal, burstable, instance_storage, ipv6;
} type_facts[] = {
    {"t3.nano", "nitro", "required", "required", "x86_64", "hvm", "uefi", 2, 512, true, false,
     false, true, false, true},
    {"t4g.nano", "nitro", "required", "required", "arm64", "hvm", "uefi", 2, 512, true, false,
     false, true, false, true},
    {"t3.micro", "nitro", "required", "required", "x86_64", "hvm", "legacy-bios", 2, 1024, true,
     true, false, true, false, true},
    {"t2.micro", "xen", "unsupported", "unsupported", "i386", "hvm", "legacy-bios", 1, 1024, true,
     false, false, true, false, true},
    {"t1.micro", "xen", "unsupported", "unsupported", "i386", "paravirtual", "legacy-bios", 1, 627,
     false, false, false, false, false, false},
    {"c5d.metal", "", "required", "required", "x86_64", "hvm", "legacy-bios", 96, 196608, true,
     false, true, false, true, true},
};

static void check_type(const struct ec2_instance_type *type, const struct type_fact *fact)
{
    SAME(type->hypervisor, fact->hypervisor);
    SAME(type->ena, fact->ena);
    SAME(type->nvme, fact->nvme);
    EXPECT(type->vcpus == fact->vcpus && type->memory_mib == fact->memory_mib);
    EXPECT(type->current == fact->current && type->free_tier == fact->free_tier);
    EXPECT(type->bare_metal == fact->bare_metal && type->burstable == fact->burstable);
    EXPECT(type->instance_storage == fact->instance_storage && type->ipv6 == fact->ipv6);
    EXPECT(ec2_words_have(type->architectures, type->architecture_count, fact->architecture));
    EXPECT(ec2_words_have(type->virtualizations, type->virtualization_count, fact->virtualization));
    EXPECT(ec2_words_have(type->boot_modes, type->boot_mode_count, fact->boot_mode));
    EXPECT(ec2_words_have(type->root_devices, type->root_device_count, "ebs"));
    EXPECT(ec2_words_have(type->usages, type->usage_count, "on-demand"));
}

static void call_offerings(void)
{
    const char *type = MOTO_TYPE;
    const struct ec2_filter filter = {"instance-type", &type, 1};
    struct ec2_offerings_args args = {"availability-zone", &filter, 1};
    struct ec2_offerings offerings = {0};
    CALL("DescribeInstanceTypeOfferings", ec2_describe_offerings, &args, &offerings);
    EXPECT(offerings.count > 1);
    for (size_t i = 0; i < offerings.count; i++) {
        SAME(offerings.rows[i].type, MOTO_TYPE);
        EXPECT(!strncmp(offerings.rows[i].location, MOTO_REGION, strlen(MOTO_REGION)));
    }
    ec2_offerings_clear(&offerings);
}

static void call_prices(void)
{
    const char *type = MOTO_TYPE, *product = "Linux/UNIX";
    struct ec2_spot_prices_args args = {.types = &type,
                                        .type_count = 1,
                                        .products = &product,
                                        .product_count = 1,
                                        .zone = MOTO_ZONE,
                                        .from_s = 1795000000,
                                        .to_s = 1795003600};
    struct ec2_spot_prices prices = {0};
    CALL("DescribeSpotPriceHistory", ec2_describe_spot_prices, &args, &prices);
    EXPECT(prices.count > 0);
    if (prices.count) {
        SAME(prices.rows[0].type, MOTO_TYPE);
        SAME(prices.rows[0].zone, MOTO_ZONE);
        SAME(prices.rows[0].product, "Linux/UNIX (Amazon VPC)");
        EXPECT(strtod(prices.rows[0].price, NULL) > 0);
    }
    ec2_spot_prices_clear(&prices);
}

void call_types(void)
{
    struct ec2_instance_types types = {0};
    struct one_id id;
    struct one_filter filter;
    for (size_t i = 0; i < MIR_NELEMS(type_facts); i++) {
        CALL("DescribeInstanceTypes", ec2_describe_instance_types, by_id(&id, type_facts[i].name),
             &types);
        EXPECT(types.count == 1);
        if (types.count) {
            SAME(types.rows[0].name, type_facts[i].name);
            check_type(&types.rows[0], &type_facts[i]);
        }
    }
    CALL("DescribeInstanceTypes", ec2_describe_instance_types, by_id(&id, "c8i.large"), &types);
    EXPECT(types.count == 1 && ec2_words_have(types.rows[0].features, types.rows[0].feature_count,
                                              "nested-virtualization"));
    CALL("DescribeInstanceTypes", ec2_describe_instance_types,
         by_filter(&filter, "free-tier-eligible", "true"), &types);
    EXPECT(types.count > 0);
    for (size_t i = 0; i < types.count; i++)
        EXPECT(types.rows[i].free_tier);
    ec2_instance_types_clear(&types);
    call_offerings();
    call_prices();
}
