/* SPDX-License-Identifier: ISC */
#include "ec2/type.h"

#include "compute_tables.h"

EC2_DESCRIBE_TABLE(describe_table, "InstanceType");

#define HAS(member, path, kind) MIR_ROW(struct ec2_instance_type, member, path, kind)
#define WORDS(member, counter, path) EC2_ROW_WORDS(struct ec2_instance_type, member, counter, path)

static const struct mir_field type_fields[] = {
    MIR_MUST(struct ec2_instance_type, name, "instanceType", MIR_GET_TEXT),
    HAS(current, "currentGeneration", MIR_GET_TRUE),
    HAS(free_tier, "freeTierEligible", MIR_GET_TRUE),
    HAS(bare_metal, "bareMetal", MIR_GET_TRUE),
    HAS(burstable, "burstablePerformanceSupported", MIR_GET_TRUE),
    HAS(instance_storage, "instanceStorageSupported", MIR_GET_TRUE),
    HAS(ipv6, "networkInfo/ipv6Supported", MIR_GET_TRUE),
    HAS(hypervisor, "hypervisor", MIR_GET_TEXT),
    HAS(ena, "networkInfo/enaSupport", MIR_GET_TEXT),
    HAS(nvme, "ebsInfo/nvmeSupport", MIR_GET_TEXT),
    HAS(vcpus, "vCpuInfo/defaultVCpus", MIR_GET_NUMBER),
    HAS(memory_mib, "memoryInfo/sizeInMiB", MIR_GET_NUMBER),
    WORDS(architectures, architecture_count, "processorInfo/supportedArchitectures/item"),
    WORDS(virtualizations, virtualization_count, "supportedVirtualizationTypes/item"),
    WORDS(boot_modes, boot_mode_count, "supportedBootModes/item"),
    WORDS(root_devices, root_device_count, "supportedRootDeviceTypes/item"),
    WORDS(usages, usage_count, "supportedUsageClasses/item"),
    WORDS(features, feature_count, "processorInfo/supportedFeatures/item"),
};
static const struct mir_table type_table = MIR_TABLE(struct ec2_instance_type, type_fields);

static const struct mir_field types_fields[] = {
    MIR_MANY(struct ec2_instance_types, rows, count, "instanceTypeSet/item", MIR_GET_LIST,
             &type_table),
};
static const struct mir_table types_table = MIR_TABLE(struct ec2_instance_types, types_fields);

static const struct mir_field offerings_args_fields[] = {
    MIR_ROW(struct ec2_offerings_args, location_type, "LocationType", MIR_PUT_TEXT),
    EC2_ROW_FILTERS(struct ec2_offerings_args),
};
static const struct mir_table offerings_args_table =
    MIR_TABLE(struct ec2_offerings_args, offerings_args_fields);

static const struct mir_field offering_fields[] = {
    MIR_MUST(struct ec2_offering, type, "instanceType", MIR_GET_TEXT),
    MIR_MUST(struct ec2_offering, location, "location", MIR_GET_TEXT),
};
static const struct mir_table offering_table = MIR_TABLE(struct ec2_offering, offering_fields);

static const struct mir_field offerings_fields[] = {
    MIR_MANY(struct ec2_offerings, rows, count, "instanceTypeOfferingSet/item", MIR_GET_LIST,
             &offering_table),
};
static const struct mir_table offerings_table = MIR_TABLE(struct ec2_offerings, offerings_fields);

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
