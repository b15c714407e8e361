/* SPDX-License-Identifier: ISC */
/* Instance types: what can boot on them and what they cost. A table; static, any thread. */
#ifndef FAKECLOUD_EC2_TYPES_H
#define FAKECLOUD_EC2_TYPES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum fc_arch { FC_ARCH_I386 = 1, FC_ARCH_X86_64 = 2, FC_ARCH_ARM64 = 4 };
enum fc_virt { FC_VIRT_HVM = 1, FC_VIRT_PV = 2 };
enum fc_boot { FC_BOOT_BIOS = 1, FC_BOOT_UEFI = 2 };
enum fc_ena { FC_ENA_NONE = 0, FC_ENA_SUPPORTED, FC_ENA_REQUIRED };

struct fc_instance_type {
    const char *name;
    const char *hypervisor; /* "xen", "nitro", "" for bare metal */
    unsigned arches, virts, boots;
    enum fc_ena ena;
    bool nvme, free_tier, current, burstable, nested;
    unsigned vcpus, memory_mib;
    int64_t micro_usd_per_h; /* us-east-1, Linux, on demand */
};

const struct fc_instance_type *fc_type_find(const char *name); /* NULL: none */
const struct fc_instance_type *fc_types(unsigned *ret_count);

/* Its root may be an instance store, which a bundle is copied to. Source: EC2's guide. */
bool fc_type_instance_store(const struct fc_instance_type *type);

/* As DescribeInstanceTypes says it; new reference. */
json_t *fc_type_json(const struct fc_instance_type *type);

/* Offered in the zone of this letter ('a' ...)? What is no longer current is not to be had
 * everywhere. */
bool fc_type_offered(const struct fc_instance_type *type, char zone_letter);

#endif
