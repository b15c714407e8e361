/* SPDX-License-Identifier: ISC */
#include "ec2/instance.h"

#include "compute_tables.h"

/* --- launching --- */

static const struct mir_field interface_fields[] = {
    MIR_ROW(struct ec2_interface, index, "DeviceIndex", MIR_PUT_ALWAYS),
    MIR_ROW(struct ec2_interface, subnet_id, "SubnetId", MIR_PUT_TEXT),
    MIR_MANY(struct ec2_interface, group_ids, group_count, "SecurityGroupId", MIR_PUT_TEXTS, NULL),
    MIR_ROW(struct ec2_interface, public_address, "AssociatePublicIpAddress", MIR_PUT_FLAG),
    MIR_ROW(struct ec2_interface, ipv6_count, "Ipv6AddressCount", MIR_PUT_NUMBER),
    MIR_ROW(struct ec2_interface, delete_on_termination, "DeleteOnTermination", MIR_PUT_FLAG),
    MIR_ROW(struct ec2_interface, primary_ipv6, "PrimaryIpv6", MIR_PUT_FLAG),
};
static const struct mir_table interface_table = MIR_TABLE(struct ec2_interface, interface_fields);

#define RUN(member, name, kind) MIR_ROW(struct ec2_run, member, name, kind)

static const struct mir_field run_fields[] = {
    RUN(count, "MinCount", MIR_PUT_ALWAYS),
    RUN(count, "MaxCount", MIR_PUT_ALWAYS),
    RUN(image_id, "ImageId", MIR_PUT_TEXT),
    RUN(type, "InstanceType", MIR_PUT_TEXT),
    RUN(client_token, "ClientToken", MIR_PUT_TEXT),
    RUN(shutdown_behavior, "InstanceInitiatedShutdownBehavior", MIR_PUT_TEXT),
    RUN(key_name, "KeyName", MIR_PUT_TEXT),
    RUN(zone, "Placement.AvailabilityZone", MIR_PUT_TEXT),
    RUN(kernel_id, "KernelId", MIR_PUT_TEXT),
    RUN(ramdisk_id, "RamdiskId", MIR_PUT_TEXT),
    RUN(profile_arn, "IamInstanceProfile.Arn", MIR_PUT_TEXT),
    RUN(profile_name, "IamInstanceProfile.Name", MIR_PUT_TEXT),
    MIR_MANY(struct ec2_run, user_data, user_data_len, "UserData", MIR_PUT_BASE64, NULL),
    RUN(subnet_id, "SubnetId", MIR_PUT_TEXT),
    MIR_MANY(struct ec2_run, group_ids, group_count, "SecurityGroupId", MIR_PUT_TEXTS, NULL),
    MIR_MANY(struct ec2_run, interfaces, interface_count, "NetworkInterface", MIR_PUT_LIST,
             &interface_table),
    MIR_MANY(struct ec2_run, devices, device_count, "BlockDeviceMapping", MIR_PUT_LIST,
             &ec2_device_table),
    EC2_ROW_TAGS(struct ec2_run),
    RUN(http_tokens, "MetadataOptions.HttpTokens", MIR_PUT_TEXT),
    RUN(http_endpoint, "MetadataOptions.HttpEndpoint", MIR_PUT_TEXT),
    RUN(http_protocol_ipv6, "MetadataOptions.HttpProtocolIpv6", MIR_PUT_TEXT),
    RUN(metadata_tags, "MetadataOptions.InstanceMetadataTags", MIR_PUT_TEXT),
    RUN(hop_limit, "MetadataOptions.HttpPutResponseHopLimit", MIR_PUT_NUMBER),
    RUN(market, "InstanceMarketOptions.MarketType", MIR_PUT_TEXT),
    RUN(spot_type, "InstanceMarketOptions.SpotOptions.SpotInstanceType", MIR_PUT_TEXT),
    RUN(spot_max_price, "InstanceMarketOptions.SpotOptions.MaxPrice", MIR_PUT_TEXT),
    RUN(spot_interruption, "InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior",
        MIR_PUT_TEXT),
    RUN(cpu_credits, "CreditSpecification.CpuCredits", MIR_PUT_TEXT),
    RUN(nested_virtualization, "CpuOptions.NestedVirtualization", MIR_PUT_TEXT),
    RUN(ebs_optimized, "EbsOptimized", MIR_PUT_FLAG),
    RUN(disable_api_termination, "DisableApiTermination", MIR_PUT_FLAG),
    RUN(disable_api_stop, "DisableApiStop", MIR_PUT_FLAG),
    EC2_ROW_DRY_RUN(struct ec2_run),
};
static const struct mir_table run_table = MIR_TABLE(struct ec2_run, run_fields);

/* --- instances as they are found --- */

static const struct mir_field group_fields[] = {
    MIR_ROW(struct ec2_found_group, id, "groupId", MIR_GET_TEXT),
    MIR_ROW(struct ec2_found_group, name, "groupName", MIR_GET_CUT),
};
static const struct mir_table group_table = MIR_TABLE(struct ec2_found_group, group_fields);

static const struct mir_field found_device_fields[] = {
    MIR_ROW(struct ec2_found_device, name, "deviceName", MIR_GET_CUT),
    MIR_ROW(struct ec2_found_device, volume_id, "ebs/volumeId", MIR_GET_TEXT),
    MIR_ROW(struct ec2_found_device, delete_on_termination, "ebs/deleteOnTermination",
            MIR_GET_TRUE),
};
static const struct mir_table found_device_table =
    MIR_TABLE(struct ec2_found_device, found_device_fields);

static const struct mir_field found_interface_fields[] = {
    MIR_ROW(struct ec2_found_interface, id, "networkInterfaceId", MIR_GET_TEXT),
    MIR_ROW(struct ec2_found_interface, status, "status", MIR_GET_TEXT),
    MIR_ROW(struct ec2_found_interface, address, "association/publicIp", MIR_GET_TEXT),
    MIR_ROW(struct ec2_found_interface, address_owner, "association/ipOwnerId", MIR_GET_TEXT),
};
static const struct mir_table found_interface_table =
    MIR_TABLE(struct ec2_found_interface, found_interface_fields);

#define HAS(member, path, kind) MIR_ROW(struct ec2_instance, member, path, kind)

static const struct mir_field instance_fields[] = {
    MIR_MUST(struct ec2_instance, id, "instanceId", MIR_GET_TEXT),
    MIR_MUST(struct ec2_instance, state_code, "instanceState/code", MIR_GET_NUMBER),
    MIR_MUST(struct ec2_instance, state, "instanceState/name", MIR_GET_TEXT),
    HAS(image_id, "imageId", MIR_GET_TEXT),
    HAS(type, "instanceType", MIR_GET_TEXT),
    HAS(zone, "placement/availabilityZone", MIR_GET_TEXT),
    HAS(architecture, "architecture", MIR_GET_TEXT),
    HAS(dns_name, "dnsName", MIR_GET_TEXT),
    HAS(private_dns_name, "privateDnsName", MIR_GET_TEXT),
    HAS(address, "ipAddress", MIR_GET_TEXT),
    HAS(private_address, "privateIpAddress", MIR_GET_TEXT),
    HAS(ipv6, "ipv6Address", MIR_GET_TEXT),
    HAS(launched_s, "launchTime", MIR_GET_TIME),
    HAS(reason, "reason", MIR_GET_CUT),
    HAS(state_reason_code, "stateReason/code", MIR_GET_CUT),
    HAS(state_reason, "stateReason/message", MIR_GET_CUT),
    HAS(key_name, "keyName", MIR_GET_CUT),
    HAS(client_token, "clientToken", MIR_GET_TEXT),
    HAS(root_device, "rootDeviceName", MIR_GET_CUT),
    HAS(virtualization, "virtualizationType", MIR_GET_TEXT),
    HAS(hypervisor, "hypervisor", MIR_GET_TEXT),
    HAS(boot_mode, "bootMode", MIR_GET_TEXT),
    HAS(current_boot_mode, "currentInstanceBootMode", MIR_GET_TEXT),
    HAS(lifecycle, "instanceLifecycle", MIR_GET_TEXT),
    HAS(spot_request_id, "spotInstanceRequestId", MIR_GET_TEXT),
    HAS(kernel_id, "kernelId", MIR_GET_TEXT),
    HAS(vpc_id, "vpcId", MIR_GET_TEXT),
    HAS(subnet_id, "subnetId", MIR_GET_TEXT),
    HAS(http_tokens, "metadataOptions/httpTokens", MIR_GET_TEXT),
    HAS(ena, "enaSupport", MIR_GET_TRUE),
    EC2_ROW_FOUND_TAGS(struct ec2_instance),
    MIR_MANY(struct ec2_instance, groups, group_count, "groupSet/item", MIR_GET_LIST, &group_table),
    MIR_MANY(struct ec2_instance, devices, device_count, "blockDeviceMapping/item", MIR_GET_LIST,
             &found_device_table),
    MIR_MANY(struct ec2_instance, interfaces, interface_count, "networkInterfaceSet/item",
             MIR_GET_LIST, &found_interface_table),
};
static const struct mir_table instance_table = MIR_TABLE(struct ec2_instance, instance_fields);

static const struct mir_field launched_fields[] = {
    MIR_MUST(struct ec2_instances, reservation_id, "reservationId", MIR_GET_TEXT),
    MIR_MANY(struct ec2_instances, rows, count, "instancesSet/item", MIR_GET_LIST, &instance_table),
};
static const struct mir_table launched_table = MIR_TABLE(struct ec2_instances, launched_fields);

static const struct mir_field instances_fields[] = {
    MIR_MANY(struct ec2_instances, rows, count, "reservationSet/item/instancesSet/item",
             MIR_GET_LIST, &instance_table),
};
static const struct mir_table instances_table = MIR_TABLE(struct ec2_instances, instances_fields);

EC2_DESCRIBE_TABLE(describe_table, "InstanceId");

/* --- ending and the like --- */

static const struct mir_field change_fields[] = {
    MIR_MUST(struct ec2_change, id, "InstanceId.1", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_change, force, "Force", MIR_PUT_FLAG),
    MIR_ROW(struct ec2_change, skip_os_shutdown, "SkipOsShutdown", MIR_PUT_FLAG),
    EC2_ROW_DRY_RUN(struct ec2_change),
};
static const struct mir_table change_table = MIR_TABLE(struct ec2_change, change_fields);
EC2_TARGET_TABLE(start_table, "InstanceId.1");

static const struct mir_field changed_fields[] = {
    MIR_MUST(struct ec2_changed, id, "instancesSet/item/instanceId", MIR_GET_TEXT),
    MIR_MUST(struct ec2_changed, before, "instancesSet/item/previousState/code", MIR_GET_NUMBER),
    MIR_MUST(struct ec2_changed, now, "instancesSet/item/currentState/code", MIR_GET_NUMBER),
};
static const struct mir_table changed_table = MIR_TABLE(struct ec2_changed, changed_fields);

/* --- consoles and attributes --- */

static const struct mir_field console_args_fields[] = {
    MIR_MUST(struct ec2_console_args, id, "InstanceId", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_console_args, latest, "Latest", MIR_PUT_TRUE),
    EC2_ROW_DRY_RUN(struct ec2_console_args),
};
static const struct mir_table console_args_table =
    MIR_TABLE(struct ec2_console_args, console_args_fields);

static const struct mir_field console_fields[] = {
    MIR_MANY(struct ec2_console, text, len, "output", MIR_GET_BASE64, NULL),
    MIR_ROW(struct ec2_console, at_s, "timestamp", MIR_GET_TIME),
};
static const struct mir_table console_table = MIR_TABLE(struct ec2_console, console_fields);

static const struct mir_field screenshot_args_fields[] = {
    MIR_MUST(struct ec2_screenshot_args, id, "InstanceId", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_screenshot_args, wake_up, "WakeUp", MIR_PUT_TRUE),
    EC2_ROW_DRY_RUN(struct ec2_screenshot_args),
};
static const struct mir_table screenshot_args_table =
    MIR_TABLE(struct ec2_screenshot_args, screenshot_args_fields);

static const struct mir_field screenshot_fields[] = {
    MIR_MANY(struct ec2_screenshot, jpeg, len, "imageData", MIR_GET_BASE64, NULL),
};
static const struct mir_table screenshot_table =
    MIR_TABLE(struct ec2_screenshot, screenshot_fields);

static const struct mir_field modify_fields[] = {
    MIR_MUST(struct ec2_modify, id, "InstanceId", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_modify, disable_api_termination, "DisableApiTermination.Value",
            MIR_PUT_FLAG),
    MIR_ROW(struct ec2_modify, disable_api_stop, "DisableApiStop.Value", MIR_PUT_FLAG),
    MIR_ROW(struct ec2_modify, shutdown_behavior, "InstanceInitiatedShutdownBehavior.Value",
            MIR_PUT_TEXT),
    EC2_ROW_DRY_RUN(struct ec2_modify),
};
static const struct mir_table modify_table = MIR_TABLE(struct ec2_modify, modify_fields);

static const struct mir_field attribute_args_fields[] = {
    MIR_MUST(struct ec2_attribute_args, id, "InstanceId", MIR_PUT_TEXT),
    MIR_MUST(struct ec2_attribute_args, attribute, "Attribute", MIR_PUT_TEXT),
};
static const struct mir_table attribute_args_table =
    MIR_TABLE(struct ec2_attribute_args, attribute_args_fields);

static const struct mir_field attributes_fields[] = {
    MIR_MUST(struct ec2_attributes, id, "instanceId", MIR_GET_TEXT),
    MIR_ROW(struct ec2_attributes, shutdown_behavior, "instanceInitiatedShutdownBehavior/value",
            MIR_GET_TEXT),
    MIR_ROW(struct ec2_attributes, disable_api_termination, "disableApiTermination/value",
            MIR_GET_TRUE),
    MIR_ROW(struct ec2_attributes, disable_api_stop, "disableApiStop/value", MIR_GET_TRUE),
};
static const struct mir_table attributes_table =
    MIR_TABLE(struct ec2_attributes, attributes_fields);

enum { RUN_ONE, DESCRIBE, TERMINATE, STOP, START, OUTPUT, SCREENSHOT, MODIFY, ATTRIBUTE };

const struct ec2_operation ec2_instance_operations[] = {
    [RUN_ONE] = EC2_ACT("RunInstances", &run_table, &launched_table),
    [DESCRIBE] = EC2_LOOK_PAGES("DescribeInstances", &describe_table, &instances_table, 1000),
    [TERMINATE] = EC2_ACT("TerminateInstances", &change_table, &changed_table),
    [STOP] = EC2_ACT("StopInstances", &change_table, &changed_table),
    [START] = EC2_ACT("StartInstances", &start_table, &changed_table),
    [OUTPUT] = EC2_LOOK("GetConsoleOutput", &console_args_table, &console_table),
    [SCREENSHOT] = EC2_LOOK("GetConsoleScreenshot", &screenshot_args_table, &screenshot_table),
    [MODIFY] = EC2_ACT("ModifyInstanceAttribute", &modify_table, NULL),
    [ATTRIBUTE] = EC2_LOOK("DescribeInstanceAttribute", &attribute_args_table, &attributes_table),
    {0},
};

#define OPERATION(which) (&ec2_instance_operations[which])

int ec2_run_instances(struct ec2_session *session, const struct ec2_run *args, int64_t until_ms,
                      struct ec2_instances *ret, struct mir_error *err)
{
    if (!args->client_token || !*args->client_token || args->count < 1)
        return mir_fail(err, MIR_USAGE, "a launch needs a client token and a count");
    return ec2_operate(session, OPERATION(RUN_ONE), args, until_ms, ret, err);
}

EC2_FUNCTION(ec2_describe_instances, struct ec2_describe, struct ec2_instances, OPERATION(DESCRIBE),
             ec2_operate_all)
EC2_CLEAR(ec2_instances_clear, struct ec2_instances, &launched_table)
EC2_FUNCTION(ec2_terminate_instance, struct ec2_change, struct ec2_changed, OPERATION(TERMINATE),
             ec2_operate)
EC2_FUNCTION(ec2_stop_instance, struct ec2_change, struct ec2_changed, OPERATION(STOP), ec2_operate)
EC2_FUNCTION(ec2_start_instance, struct ec2_target, struct ec2_changed, OPERATION(START),
             ec2_operate)
EC2_FUNCTION(ec2_get_console_output, struct ec2_console_args, struct ec2_console, OPERATION(OUTPUT),
             ec2_operate)
EC2_CLEAR(ec2_console_clear, struct ec2_console, &console_table)
EC2_FUNCTION(ec2_get_console_screenshot, struct ec2_screenshot_args, struct ec2_screenshot,
             OPERATION(SCREENSHOT), ec2_operate)
EC2_CLEAR(ec2_screenshot_clear, struct ec2_screenshot, &screenshot_table)
EC2_FUNCTION_PLAIN(ec2_modify_instance, struct ec2_modify, OPERATION(MODIFY))
EC2_FUNCTION(ec2_describe_instance_attribute, struct ec2_attribute_args, struct ec2_attributes,
             OPERATION(ATTRIBUTE), ec2_operate)
