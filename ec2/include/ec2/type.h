/* SPDX-License-Identifier: ISC */
/* Instance types: what they are, and where they are offered. ec2/tag.h says what all these calls
 * have in common. */
#ifndef EC2_TYPE_H
#define EC2_TYPE_H

#include "ec2/tag.h"

struct ec2_instance_type {
    char name[EC2_WORD_TEXT]; /* "t4g.micro" */
    bool current, free_tier, bare_metal, burstable, instance_storage, ipv6;
    char hypervisor[EC2_WORD_TEXT];               /* "nitro", "xen"; "" bare metal */
    char ena[EC2_WORD_TEXT], nvme[EC2_WORD_TEXT]; /* "required", "supported", "unsupported" */
    int64_t vcpus, memory_mib;
    struct ec2_word *architectures, *virtualizations, *boot_modes, *root_devices, *usages,
        *features;
    size_t architecture_count, virtualization_count, boot_mode_count, root_device_count,
        usage_count, feature_count;
};

struct ec2_instance_types {
    struct ec2_instance_type *rows;
    size_t count;
};

/* By names; filters: "free-tier-eligible", "hypervisor", "supported-boot-mode",
 * "supported-virtualization-type", "processor-info.supported-architecture", ... */
int ec2_describe_instance_types(struct ec2_session *session, const struct ec2_describe *args,
                                int64_t until_ms, struct ec2_instance_types *ret,
                                struct mir_error *err);
void ec2_instance_types_clear(struct ec2_instance_types *types);

struct ec2_offerings_args {
    const char *location_type;        /* "region", "availability-zone" */
    const struct ec2_filter *filters; /* "instance-type", "location" */
    size_t filter_count;
};

struct ec2_offering {
    char type[EC2_WORD_TEXT], location[EC2_WORD_TEXT];
};

struct ec2_offerings {
    struct ec2_offering *rows;
    size_t count;
};

int ec2_describe_offerings(struct ec2_session *session, const struct ec2_offerings_args *args,
                           int64_t until_ms, struct ec2_offerings *ret, struct mir_error *err);
void ec2_offerings_clear(struct ec2_offerings *offerings);

#endif
