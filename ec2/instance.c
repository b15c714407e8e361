/* SPDX-License-Identifier: ISC */
#include "ec2/instance.h"

#include "compute_tables.h"

/* --- launching --- */

static const struct ec2_field interface_fields[] = {
    EC2_ROW(struct ec2_interface, index, "DeviceIndex", EC2_PUT_ALWAYS),
    EC2_ROW(struct ec2_interface, subnet_id, "SubnetId", EC2_PUT_TEXT),
    EC2_MANY(struct ec2_interface, group_ids, group_count, "SecurityGroupId", EC2_PUT_TEXTS, NULL),
    EC2_ROW(struct ec2_interface, public_address, "AssociatePublicIpAddress", EC2_PUT_FLAG),
    EC2_ROW(struct ec2_interface, ipv6_count, "Ipv6AddressCount", EC2_PUT_NUMBER),
    EC2_ROW(struct ec2_interface, delete_on_termination, "DeleteOnTermination", EC2_PUT_FLAG),
    EC2_ROW(struct ec2_interface, primary_ipv6, "PrimaryIpv6", EC2_PUT_FLAG),
};
static const struct ec2_table interface_table = EC2_TABLE(struct ec2_interface, interface_fields);

#define RUN(member, name, kind) EC2_ROW(struct ec2_run, member, name, kind)

static const struct ec2_field run_fields[] = {
    RUN(count, "MinCount", EC2_PUT_ALWAYS),
    RUN(count, "MaxCount", EC2_PUT_ALWAYS),
    RUN(image_id, "ImageId", EC2_PUT_TEXT),
    RUN(type, "InstanceType", EC2_PUT_TEXT),
    RUN(client_token, "ClientToken", EC2_PUT_TEXT),
    RUN(shutdown_behavior, "InstanceInitiatedShutdownBehavior", EC2_PUT_TEXT),
    RUN(key_name, "KeyName", EC2_PUT_TEXT),
    RUN(zone, "Placement.AvailabilityZone", EC2_PUT_TEXT),
    RUN(kernel_id, "KernelId", EC2_PUT_TEXT),
    RUN(ramdisk_id, "RamdiskId", EC2_PUT_TEXT),
    RUN(profile_arn, "IamInstanceProfile.Arn", EC2_PUT_TEXT),
    RUN(profile_name, "IamInstanceProfile.Name", EC2_PUT_TEXT),
    EC2_MANY(struct ec2_run, user_data, user_data_len, "UserData", EC2_PUT_BASE64, NULL),
    RUN(subnet_id, "SubnetId", EC2_PUT_TEXT),
    EC2_MANY(struct ec2_run, group_ids, group_count, "SecurityGroupId", EC2_PUT_TEXTS, NULL),
    EC2_MANY(struct ec2_run, interfaces, interface_count, "NetworkInterface", EC2_PUT_LIST,
             &interface_table),
    EC2_MANY(struct ec2_run, devices, device_count, "BlockDeviceMapping", EC2_PUT_LIST,
             &ec2_device_table),
    EC2_ROW_TAGS(struct ec2_run),
    RUN(http_tokens, "MetadataOptions.HttpTokens", EC2_PUT_TEXT),
    RUN(http_endpoint, "MetadataOptions.HttpEndpoint", EC2_PUT_TEXT),
    RUN(http_protocol_ipv6, "MetadataOptions.HttpProtocolIpv6", EC2_PUT_TEXT),
    RUN(metadata_tags, "MetadataOptions.InstanceMetadataTags", EC2_PUT_TEXT),
    RUN(hop_limit, "MetadataOptions.HttpPutResponseHopLimit", EC2_PUT_NUMBER),
    RUN(market, "InstanceMarketOptions.MarketType", EC2_PUT_TEXT),
    RUN(spot_type, "InstanceMarketOptions.SpotOptions.SpotInstanceType", EC2_PUT_TEXT),
    RUN(spot_max_price, "InstanceMarketOptions.SpotOptions.MaxPrice", EC2_PUT_TEXT),
    RUN(spot_interruption, "InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior",
        EC2_PUT_TEXT),
    RUN(cpu_credits, "CreditSpecification.CpuCredits", EC2_PUT_TEXT),
    RUN(nested_virtualization, "CpuOptions.NestedVirtualization", EC2_PUT_TEXT),
    RUN(ebs_optimized, "EbsOptimized", EC2_PUT_FLAG),
    RUN(disable_api_termination, "DisableApiTermination", EC2_PUT_FLAG),
    RUN(disable_api_stop, "DisableApiStop", EC2_PUT_FLAG),
    EC2_ROW_DRY_RUN(struct ec2_run),
};
static const struct ec2_table run_table = EC2_TABLE(struct ec2_run, run_fields);

/* --- instances as they are found --- */

static const struct ec2_field group_fields[] = {
    EC2_ROW(struct ec2_found_group, id, "groupId", EC2_GET_TEXT),
    EC2_ROW(struct ec2_found_group, name, "groupName", EC2_GET_CUT),
};
static const struct ec2_table group_table = EC2_TABLE(struct ec2_found_group, group_fields);

static const struct ec2_field found_device_fields[] = {
    EC2_ROW(struct ec2_found_device, name, "deviceName", EC2_GET_CUT),
    EC2_ROW(struct ec2_found_device, volume_id, "ebs/volumeId", EC2_GET_TEXT),
    EC2_ROW(struct ec2_found_device, delete_on_termination, "ebs/deleteOnTermination",
            EC2_GET_TRUE),
};
static const struct ec2_table found_device_table =
    EC2_TABLE(struct ec2_found_device, found_device_fields);

static const struct ec2_field found_interface_fields[] = {
    EC2_ROW(struct ec2_found_interface, id, "networkInterfaceId", EC2_GET_TEXT),
    EC2_ROW(struct ec2_found_interface, status, "status", EC2_GET_TEXT),
    EC2_ROW(struct ec2_found_interface, address, "association/publicIp", EC2_GET_TEXT),
    EC2_ROW(struct ec2_found_interface, address_owner, "association/ipOwnerId", EC2_GET_TEXT),
};
static const struct ec2_table found_interface_table =
    EC2_TABLE(struct ec2_found_interface, found_interface_fields);

#define HAS(member, path, kind) EC2_ROW(struct ec2_instance, member, path, kind)

static const struct ec2_field instance_fields[] = {
    EC2_MUST(struct ec2_instance, id, "instanceId", EC2_GET_TEXT),
    EC2_MUST(struct ec2_instance, state_code, "instanceState/code", EC2_GET_NUMBER),
    EC2_MUST(struct ec2_instance, state, "instanceState/name", EC2_GET_TEXT),
    HAS(image_id, "imageId", EC2_GET_TEXT),
    HAS(type, "instanceType", EC2_GET_TEXT),
    HAS(zone, "placement/availabilityZone", EC2_GET_TEXT),
    HAS(architecture, "architecture", EC2_GET_TEXT),
    HAS(dns_name, "dnsName", EC2_GET_TEXT),
    HAS(private_dns_name, "privateDnsName", EC2_GET_TEXT),
    HAS(address, "ipAddress", EC2_GET_TEXT),
    HAS(private_address, "privateIpAddress", EC2_GET_TEXT),
    HAS(ipv6, "ipv6Address", EC2_GET_TEXT),
    HAS(launched_s, "launchTime", EC2_GET_TIME),
    HAS(reason, "reason", EC2_GET_CUT),
    HAS(state_reason_code, "stateReason/code", EC2_GET_CUT),
    HAS(state_reason, "stateReason/message", EC2_GET_CUT),
    HAS(key_name, "keyName", EC2_GET_CUT),
    HAS(client_token, "clientToken", EC2_GET_TEXT),
    HAS(root_device, "rootDeviceName", EC2_GET_CUT),
    HAS(virtualization, "virtualizationType", EC2_GET_TEXT),
    HAS(hypervisor, "hypervisor", EC2_GET_TEXT),
    HAS(boot_mode, "bootMode", EC2_GET_TEXT),
    HAS(current_boot_mode, "currentInstanceBootMode", EC2_GET_TEXT),
    HAS(lifecycle, "instanceLifecycle", EC2_GET_TEXT),
    HAS(spot_request_id, "spotInstanceRequestId", EC2_GET_TEXT),
    HAS(kernel_id, "kernelId", EC2_GET_TEXT),
    HAS(vpc_id, "vpcId", EC2_GET_TEXT),
    HAS(subnet_id, "subnetId", EC2_GET_TEXT),
    HAS(http_tokens, "metadataOptions/httpTokens", EC2_GET_TEXT),
    HAS(ena, "enaSupport", EC2_GET_TRUE),
    EC2_ROW_FOUND_TAGS(struct ec2_instance),
    EC2_MANY(struct ec2_instance, groups, group_count, "groupSet/item", EC2_GET_LIST, &group_table),
    EC2_MANY(struct ec2_instance, devices, device_count, "blockDeviceMapping/item", EC2_GET_LIST,
             &found_device_table),
    EC2_MANY(struct ec2_instance, interfaces, interface_count, "networkInterfaceSet/item",
             EC2_GET_LIST, &found_interface_table),
};
static const struct ec2_table instance_table = EC2_TABLE(struct ec2_instance, instance_fields);

static const struct ec2_field launched_fields[] = {
    EC2_MUST(struct ec2_instances, reservation_id, "reservationId", EC2_GET_TEXT),
    EC2_MANY(struct ec2_instances, rows, count, "instancesSet/item", EC2_GET_LIST, &instance_table),
};
static const struct ec2_table launched_table = EC2_TABLE(struct ec2_instances, launched_fields);

static const struct ec2_field instances_fields[] = {
    EC2_MANY(struct ec2_instances, rows, count, "reservationSet/item/instancesSet/item",
             EC2_GET_LIST, &instance_table),
};
static const struct ec2_table instances_table = EC2_TABLE(struct ec2_instances, instances_fields);

EC2_DESCRIBE_TABLE(describe_table, "InstanceId");

/* --- ending and the like --- */

static const struct ec2_field change_fields[] = {
    EC2_MUST(struct ec2_change, id, "InstanceId.1", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_change, force, "Force", EC2_PUT_FLAG),
    EC2_ROW(struct ec2_change, skip_os_shutdown, "SkipOsShutdown", EC2_PUT_FLAG),
    EC2_ROW_DRY_RUN(struct ec2_change),
};
static const struct ec2_table change_table = EC2_TABLE(struct ec2_change, change_fields);
EC2_TARGET_TABLE(start_table, "InstanceId.1");

static const struct ec2_field changed_fields[] = {
    EC2_MUST(struct ec2_changed, id, "instancesSet/item/instanceId", EC2_GET_TEXT),
    EC2_MUST(struct ec2_changed, before, "instancesSet/item/previousState/code", EC2_GET_NUMBER),
    EC2_MUST(struct ec2_changed, now, "instancesSet/item/currentState/code", EC2_GET_NUMBER),
};
static const struct ec2_table changed_table = EC2_TABLE(struct ec2_changed, changed_fields);

/* --- consoles and attributes --- */

static const struct ec2_field console_args_fields[] = {
    EC2_MUST(struct ec2_console_args, id, "InstanceId", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_console_args, latest, "Latest", EC2_PUT_TRUE),
    EC2_ROW_DRY_RUN(struct ec2_console_args),
};
static const struct ec2_table console_args_table =
    EC2_TABLE(struct ec2_console_args, console_args_fields);

static const struct ec2_field console_fields[] = {
    EC2_MANY(struct ec2_console, text, len, "output", EC2_GET_BASE64, NULL),
    EC2_ROW(struct ec2_console, at_s, "timestamp", EC2_GET_TIME),
};
static const struct ec2_table console_table = EC2_TABLE(struct ec2_console, console_fields);

static const struct ec2_field screenshot_args_fields[] = {
    EC2_MUST(struct ec2_screenshot_args, id, "InstanceId", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_screenshot_args, wake_up, "WakeUp", EC2_PUT_TRUE),
    EC2_ROW_DRY_RUN(struct ec2_screenshot_args),
};
static const struct ec2_table screenshot_args_table =
    EC2_TABLE(struct ec2_screenshot_args, screenshot_args_fields);

static const struct ec2_field screenshot_fields[] = {
    EC2_MANY(struct ec2_screenshot, jpeg, len, "imageData", EC2_GET_BASE64, NULL),
};
static const struct ec2_table screenshot_table =
    EC2_TABLE(struct ec2_screenshot, screenshot_fields);

static const struct ec2_field modify_fields[] = {
    EC2_MUST(struct ec2_modify, id, "InstanceId", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_modify, disable_api_termination, "DisableApiTermination.Value",
            EC2_PUT_FLAG),
    EC2_ROW(struct ec2_modify, disable_api_stop, "DisableApiStop.Value", EC2_PUT_FLAG),
    EC2_ROW(struct ec2_modify, shutdown_behavior, "InstanceInitiatedShutdownBehavior.Value",
            EC2_PUT_TEXT),
    EC2_ROW_DRY_RUN(struct ec2_modify),
};
static const struct ec2_table modify_table = EC2_TABLE(struct ec2_modify, modify_fields);

static const struct ec2_field attribute_args_fields[] = {
    EC2_MUST(struct ec2_attribute_args, id, "InstanceId", EC2_PUT_TEXT),
    EC2_MUST(struct ec2_attribute_args, attribute, "Attribute", EC2_PUT_TEXT),
};
static const struct ec2_table attribute_args_table =
    EC2_TABLE(struct ec2_attribute_args, attribute_args_fields);

static const struct ec2_field attributes_fields[] = {
    EC2_MUST(struct ec2_attributes, id, "instanceId", EC2_GET_TEXT),
    EC2_ROW(struct ec2_attributes, shutdown_behavior, "instanceInitiatedShutdownBehavior/value",
            EC2_GET_TEXT),
    EC2_ROW(struct ec2_attributes, disable_api_termination, "disableApiTermination/value",
            EC2_GET_TRUE),
    EC2_ROW(struct ec2_attributes, disable_api_stop, "disableApiStop/value", EC2_GET_TRUE),
};
static const struct ec2_table attributes_table =
    EC2_TABLE(struct ec2_attributes, attributes_fields);

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
