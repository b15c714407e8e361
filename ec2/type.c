/* SPDX-License-Identifier: ISC */
#include "ec2/type.h"

#include "compute_tables.h"

EC2_DESCRIBE_TABLE(describe_table, "InstanceType");

#define HAS(member, path, kind) EC2_ROW(struct ec2_instance_type, member, path, kind)
#define WORDS(member, counter, path) EC2_ROW_WORDS(struct ec2_instance_type, member, counter, path)

static const struct ec2_field type_fields[] = {
    EC2_MUST(struct ec2_instance_type, name, "instanceType", EC2_GET_TEXT),
    HAS(current, "currentGeneration", EC2_GET_TRUE),
    HAS(free_tier, "freeTierEligible", EC2_GET_TRUE),
    HAS(bare_metal, "bareMetal", EC2_GET_TRUE),
    HAS(burstable, "burstablePerformanceSupported", EC2_GET_TRUE),
    HAS(instance_storage, "instanceStorageSupported", EC2_GET_TRUE),
    HAS(ipv6, "networkInfo/ipv6Supported", EC2_GET_TRUE),
    HAS(hypervisor, "hypervisor", EC2_GET_TEXT),
    HAS(ena, "networkInfo/enaSupport", EC2_GET_TEXT),
    HAS(nvme, "ebsInfo/nvmeSupport", EC2_GET_TEXT),
    HAS(vcpus, "vCpuInfo/defaultVCpus", EC2_GET_NUMBER),
    HAS(memory_mib, "memoryInfo/sizeInMiB", EC2_GET_NUMBER),
    WORDS(architectures, architecture_count, "processorInfo/supportedArchitectures/item"),
    WORDS(virtualizations, virtualization_count, "supportedVirtualizationTypes/item"),
    WORDS(boot_modes, boot_mode_count, "supportedBootModes/item"),
    WORDS(root_devices, root_device_count, "supportedRootDeviceTypes/item"),
    WORDS(usages, usage_count, "supportedUsageClasses/item"),
    WORDS(features, feature_count, "processorInfo/supportedFeatures/item"),
};
static const struct ec2_table type_table = EC2_TABLE(struct ec2_instance_type, type_fields);

static const struct ec2_field types_fields[] = {
    EC2_MANY(struct ec2_instance_types, rows, count, "instanceTypeSet/item", EC2_GET_LIST,
             &type_table),
};
static const struct ec2_table types_table = EC2_TABLE(struct ec2_instance_types, types_fields);

static const struct ec2_field offerings_args_fields[] = {
    EC2_ROW(struct ec2_offerings_args, location_type, "LocationType", EC2_PUT_TEXT),
    EC2_ROW_FILTERS(struct ec2_offerings_args),
};
static const struct ec2_table offerings_args_table =
    EC2_TABLE(struct ec2_offerings_args, offerings_args_fields);

static const struct ec2_field offering_fields[] = {
    EC2_MUST(struct ec2_offering, type, "instanceType", EC2_GET_TEXT),
    EC2_MUST(struct ec2_offering, location, "location", EC2_GET_TEXT),
};
static const struct ec2_table offering_table = EC2_TABLE(struct ec2_offering, offering_fields);

static const struct ec2_field offerings_fields[] = {
    EC2_MANY(struct ec2_offerings, rows, count, "instanceTypeOfferingSet/item", EC2_GET_LIST,
             &offering_table),
};
static const struct ec2_table offerings_table = EC2_TABLE(struct ec2_offerings, offerings_fields);

enum { TYPES, OFFERINGS };

const struct ec2_operation ec2_type_operations[] = {
    [TYPES] = EC2_LOOK_PAGES("DescribeInstanceTypes", &describe_table, &types_table, 100),
    [OFFERINGS] = EC2_LOOK_PAGES("DescribeInstanceTypeOfferings", &offerings_args_table,
                                 &offerings_table, 1000),
    {0},
};

EC2_FUNCTION(ec2_describe_instance_types, struct ec2_describe, struct ec2_instance_types,
             &ec2_type_operations[TYPES], ec2_operate_all)
EC2_CLEAR(ec2_instance_types_clear, struct ec2_instance_types, &types_table)
EC2_FUNCTION(ec2_describe_offerings, struct ec2_offerings_args, struct ec2_offerings,
             &ec2_type_operations[OFFERINGS], ec2_operate_all)
EC2_CLEAR(ec2_offerings_clear, struct ec2_offerings, &offerings_table)
