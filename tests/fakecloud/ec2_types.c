/* SPDX-License-Identifier: ISC */
#include "ec2_types.h"

#include <string.h>

#include "api/error.h"

#define X86 (FC_ARCH_X86_64)
#define X86_OLD (FC_ARCH_I386 | FC_ARCH_X86_64)
#define BOTH (FC_BOOT_BIOS | FC_BOOT_UEFI)
#define HVM_PV (FC_VIRT_HVM | FC_VIRT_PV)

/* Properties: DescribeInstanceTypes of us-east-1, 2026-08. Prices: as published for us-east-1 and
 * repeated by several tables; those of t1, m1, m3 and c3 from old ones. The columns: hypervisor;
 * architectures, virtualizations, boot modes; ENA; NVMe, free tier, current, burstable, nested
 * virtualization; vCPUs, MiB; micro-USD per hour. */
static const struct fc_instance_type types[] = {
    {"t1.micro", "xen", X86_OLD, HVM_PV, FC_BOOT_BIOS, 0, 0, 0, 0, 0, 0, 1, 627, 20000},
    {"m1.small", "xen", X86_OLD, HVM_PV, FC_BOOT_BIOS, 0, 0, 0, 0, 0, 0, 1, 1740, 44000},
    {"m3.medium", "xen", X86, HVM_PV, FC_BOOT_BIOS, 0, 0, 0, 0, 0, 0, 1, 3840, 67000},
    {"c3.large", "xen", X86_OLD, HVM_PV, FC_BOOT_BIOS, 0, 0, 0, 0, 0, 0, 2, 3840, 105000},
    {"r3.large", "xen", X86, FC_VIRT_HVM, FC_BOOT_BIOS, 0, 0, 0, 0, 0, 0, 2, 15616, 166000},
    {"t2.nano", "xen", X86_OLD, FC_VIRT_HVM, FC_BOOT_BIOS, 0, 0, 0, 1, 1, 0, 1, 512, 5800},
    {"t2.micro", "xen", X86_OLD, FC_VIRT_HVM, FC_BOOT_BIOS, 0, 0, 0, 1, 1, 0, 1, 1024, 11600},
    {"t2.small", "xen", X86_OLD, FC_VIRT_HVM, FC_BOOT_BIOS, 0, 0, 0, 1, 1, 0, 1, 2048, 23000},
    {"m4.large", "xen", X86, FC_VIRT_HVM, FC_BOOT_BIOS, 0, 0, 0, 1, 0, 0, 2, 8192, 100000},
    {"t3.nano", "nitro", X86, FC_VIRT_HVM, BOTH, FC_ENA_REQUIRED, 1, 0, 1, 1, 0, 2, 512, 5200},
    {"t3.micro", "nitro", X86, FC_VIRT_HVM, BOTH, FC_ENA_REQUIRED, 1, 1, 1, 1, 0, 2, 1024, 10400},
    {"t3.small", "nitro", X86, FC_VIRT_HVM, BOTH, FC_ENA_REQUIRED, 1, 1, 1, 1, 0, 2, 2048, 20800},
    {"t3a.nano", "nitro", X86, FC_VIRT_HVM, BOTH, FC_ENA_REQUIRED, 1, 0, 1, 1, 0, 2, 512, 4700},
    {"t3a.micro", "nitro", X86, FC_VIRT_HVM, BOTH, FC_ENA_REQUIRED, 1, 0, 1, 1, 0, 2, 1024, 9400},
    {"m5.large", "nitro", X86, FC_VIRT_HVM, BOTH, FC_ENA_REQUIRED, 1, 0, 1, 0, 0, 2, 8192, 96000},
    {"m5.metal", "", X86, FC_VIRT_HVM, FC_BOOT_BIOS, FC_ENA_REQUIRED, 1, 0, 1, 0, 0, 96, 393216,
     4608000},
    {"c7i-flex.large", "nitro", X86, FC_VIRT_HVM, BOTH, FC_ENA_REQUIRED, 1, 1, 1, 0, 0, 2, 4096,
     84790},
    {"m7i-flex.large", "nitro", X86, FC_VIRT_HVM, BOTH, FC_ENA_REQUIRED, 1, 1, 1, 0, 0, 2, 8192,
     95760},
    {"c8i.large", "nitro", X86, FC_VIRT_HVM, BOTH, FC_ENA_REQUIRED, 1, 0, 1, 0, 1, 2, 4096, 93700},
    {"t4g.nano", "nitro", FC_ARCH_ARM64, FC_VIRT_HVM, FC_BOOT_UEFI, FC_ENA_REQUIRED, 1, 0, 1, 1, 0,
     2, 512, 4200},
    {"t4g.micro", "nitro", FC_ARCH_ARM64, FC_VIRT_HVM, FC_BOOT_UEFI, FC_ENA_REQUIRED, 1, 1, 1, 1, 0,
     2, 1024, 8400},
    {"t4g.small", "nitro", FC_ARCH_ARM64, FC_VIRT_HVM, FC_BOOT_UEFI, FC_ENA_REQUIRED, 1, 1, 1, 1, 0,
     2, 2048, 16800},
    {"c7g.medium", "nitro", FC_ARCH_ARM64, FC_VIRT_HVM, FC_BOOT_UEFI, FC_ENA_REQUIRED, 1, 0, 1, 0,
     0, 1, 2048, 36300},
};

bool fc_type_instance_store(const struct fc_instance_type *type)
{
    static const char *const names[] = {"c3.large", "m1.small", "m3.medium", "r3.large"};
    for (size_t i = 0; i < MIR_NELEMS(names); i++)
        if (!strcmp(names[i], type->name))
            return true;
    return false;
}

const struct fc_instance_type *fc_types(unsigned *ret_count)
{
    *ret_count = MIR_NELEMS(types);
    return types;
}

const struct fc_instance_type *fc_type_find(const char *name)
{
    for (size_t i = 0; i < MIR_NELEMS(types); i++)
        if (!strcmp(types[i].name, name))
            return &types[i];
    return NULL;
}

bool fc_type_offered(const struct fc_instance_type *type, char zone_letter)
{
    return type->current || zone_letter != 'c';
}

struct bit_name {
    unsigned bit;
    const char *name;
};

static json_t *names_of(unsigned set, const struct bit_name *names)
{
    json_t *list = json_array();
    for (; names->name; names++)
        if (set & names->bit)
            json_array_append_new(list, json_string(names->name));
    return list;
}

json_t *fc_type_json(const struct fc_instance_type *type)
{
    static const struct bit_name arches[] = {
        {FC_ARCH_I386, "i386"}, {FC_ARCH_X86_64, "x86_64"}, {FC_ARCH_ARM64, "arm64"}, {0, NULL}};
    static const struct bit_name virts[] = {
        {FC_VIRT_HVM, "hvm"}, {FC_VIRT_PV, "paravirtual"}, {0, NULL}};
    static const struct bit_name boots[] = {
        {FC_BOOT_BIOS, "legacy-bios"}, {FC_BOOT_UEFI, "uefi"}, {0, NULL}};
    static const char *const ena[] = {"unsupported", "supported", "required"};
    json_t *processor =
        json_pack("{s:o}", "supportedArchitectures", names_of(type->arches, arches));
    if (type->nested)
        json_object_set_new(processor, "supportedFeatures",
                            json_pack("[s]", "nested-virtualization"));
    json_t *doc = json_pack(
        "{s:s,s:b,s:b,s:o,s:o,s:b,s:o,s:{s:i,s:i,s:i},s:{s:i},s:b,s:o,s:{s:s,s:s},s:{s:b,s:s,s:i},"
        "s:b,s:o}",
        "instanceType", type->name, "currentGeneration", (int)type->current, "freeTierEligible",
        (int)type->free_tier, "supportedUsageClasses", json_pack("[s,s]", "on-demand", "spot"),
        "supportedVirtualizationTypes", names_of(type->virts, virts), "bareMetal",
        !*type->hypervisor, "processorInfo", processor, "vCpuInfo", "defaultVCpus",
        (int)type->vcpus, "defaultCores", (int)(type->vcpus + 1) / 2, "defaultThreadsPerCore",
        type->vcpus > 1 ? 2 : 1, "memoryInfo", "sizeInMiB", (int)type->memory_mib,
        "instanceStorageSupported", (int)fc_type_instance_store(type), "supportedRootDeviceTypes",
        fc_type_instance_store(type) ? json_pack("[s,s]", "ebs", "instance-store")
                                     : json_pack("[s]", "ebs"),
        "ebsInfo", "ebsOptimizedSupport", "default", "nvmeSupport",
        type->nvme ? "required" : "unsupported", "networkInfo", "ipv6Supported", type->current,
        "enaSupport", ena[type->ena], "maximumNetworkInterfaces", 2,
        "burstablePerformanceSupported", (int)type->burstable, "supportedBootModes",
        names_of(type->boots, boots));
    if (*type->hypervisor)
        json_object_set_new(doc, "hypervisor", json_string(type->hypervisor));
    return doc;
}
