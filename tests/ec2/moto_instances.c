/* SPDX-License-Identifier: ISC */
/* Instances, the keys of those who log in to them, and the requests for spot ones. */
#include <string.h>

#include "api/memory.h"
#include "moto.h"

#define PUBLIC_KEY                                                                                 \
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHj0b5Hsu1Xy7XL3RbFfCtdw8vWKQxkA6m8z1Qfe0m3l a@b"
#define USER_DATA "#!/bin/sh\nexit 0\n"

/* --- keys --- */

static void check_key(const struct ec2_key *made_key, const char *name, const char *type)
{
    struct ec2_keys keys = {0};
    struct one_id id;
    CALL("DescribeKeyPairs", ec2_describe_key_pairs, by_id(&id, name), &keys);
    EXPECT(keys.count == 1);
    if (keys.count) {
        SAME(keys.rows[0].name, name);
        SAME(keys.rows[0].id, made_key->id);
        SAME(keys.rows[0].fingerprint, made_key->fingerprint);
        SAME(keys.rows[0].type, type);
        EXPECT(recent(keys.rows[0].created_s));
        KEPT(&keys.rows[0], name);
    }
    ec2_keys_clear(&keys);
}

static void create_key(void)
{
    struct one_tag one;
    struct ec2_create_key_args args = {.name = "made",
                                       .type = "ed25519",
                                       .format = "pem",
                                       .tags = tagged(&one, "key-pair", "made"),
                                       .tag_count = 1};
    struct ec2_key key = {0};
    args.dry_run = true;
    CALL("CreateKeyPair", ec2_create_key_pair, &args, &key);
    args.dry_run = false;
    CALL("CreateKeyPair", ec2_create_key_pair, &args, &key);
    SAME(key.name, "made");
    EXPECT(strstr(mir_secret_text(&key.private_key), "PRIVATE KEY-----") != NULL);
    KEPT(&key, "made");
    check_key(&key, "made", "ed25519");
    EXPECT(ec2_create_key_pair(calls.session, &args, calls.until_ms, &key, &calls.err) &&
           calls.err.kind == MIR_CONFLICT);
    ec2_key_clear(&key);
}

void call_keys(void)
{
    struct one_tag one;
    struct one_filter filter;
    struct ec2_import_key_args args = {.name = "imported",
                                       .public_key = PUBLIC_KEY,
                                       .public_key_len = strlen(PUBLIC_KEY),
                                       .tags = tagged(&one, "key-pair", "imported"),
                                       .tag_count = 1};
    struct ec2_key key = {0};
    struct ec2_keys keys = {0};
    create_key();
    TRY_CALL("ImportKeyPair", ec2_import_key_pair, &args, &key);
    SAME(key.name, "imported");
    KEPT(&key, "imported");
    check_key(&key, "imported", "ed25519");
    CALL("DescribeKeyPairs", ec2_describe_key_pairs, by_filter(&filter, "tag:kept", "imported"),
         &keys);
    EXPECT(keys.count == 1);
    ec2_key_clear(&key);
    ec2_keys_clear(&keys);
}

static void delete_keys(void)
{
    struct ec2_keys keys = {0};
    struct one_filter filter;
    struct ec2_target made_key = {.id = "made"}, imported = {.id = "imported"};
    TRY_DO("DeleteKeyPair", ec2_delete_key_pair, &made_key);
    DO("DeleteKeyPair", ec2_delete_key_pair, &imported);
    CALL("DescribeKeyPairs", ec2_describe_key_pairs, by_filter(&filter, "key-name", "*"), &keys);
    EXPECT(keys.count == 0);
    ec2_keys_clear(&keys);
}

/* --- instances --- */

static void check_parts(const struct ec2_instance *row)
{
    EXPECT(row->interface_count == 1 && row->device_count == 1);
    if (row->interface_count) {
        SAME(row->interfaces[0].status, "in-use");
        SAME(row->interfaces[0].address, row->address);
        EXPECT(*row->interfaces[0].id && *row->interfaces[0].address_owner);
    }
    if (row->device_count) {
        SAME(row->devices[0].name, "/dev/xvda");
        EXPECT(*row->devices[0].volume_id && row->devices[0].delete_on_termination);
    }
}

static void check_instance(const struct ec2_instance *row)
{
    SAME(row->id, moto.instance);
    SAME(row->state, "running");
    EXPECT(row->state_code == EC2_RUNNING);
    SAME(row->image_id, moto.base);
    SAME(row->type, MOTO_TYPE);
    SAME(row->zone, MOTO_ZONE);
    SAME(row->key_name, "made");
    SAME(row->client_token, "token-1");
    SAME(row->vpc_id, moto.vpc);
    SAME(row->subnet_id, moto.subnet);
    SAME(row->http_tokens, "required");
    SAME(row->architecture, "x86_64");
    SAME(row->virtualization, "hvm");
    SAME(row->root_device, "/dev/xvda");
    EXPECT(recent(row->launched_s) && *row->address && *row->hypervisor && !*row->lifecycle);
    EXPECT(!strncmp(row->private_address, "172.31.", 7));
    EXPECT(strstr(row->dns_name, ".compute-1.amazonaws.com") != NULL);
    EXPECT(strstr(row->private_dns_name, ".ec2.internal") != NULL);
    check_parts(row);
    KEPT(row, "instance");
}

static void describe_instance(void)
{
    struct ec2_instances found = {0};
    struct one_id id;
    struct one_filter filter;
    CALL("DescribeInstances", ec2_describe_instances, by_id(&id, moto.instance), &found);
    EXPECT(found.count == 1);
    if (found.count)
        check_instance(&found.rows[0]);
    CALL("DescribeInstances", ec2_describe_instances, by_filter(&filter, "tag:kept", "instance"),
         &found);
    EXPECT(found.count == 1);
    CALL("DescribeInstances", ec2_describe_instances,
         by_filter(&filter, "instance-state-name", "terminated"), &found);
    EXPECT(found.count == 0);
    ec2_instances_clear(&found);
}

static void run_instance(const struct ec2_run *asked)
{
    struct ec2_run args = *asked;
    struct ec2_instances launched = {0};
    TRY_CALL("RunInstances", ec2_run_instances, &args, &launched);
    EXPECT(launched.count == 1 && !strncmp(launched.reservation_id, "r-", 2));
    if (launched.count) {
        char *id = args.market ? moto.spot : moto.instance;
        mir_copy(id, EC2_ID_TEXT, launched.rows[0].id);
        SAME(launched.rows[0].client_token, args.client_token);
    }
    ec2_instances_clear(&launched);
}

static void call_console(void)
{
    struct ec2_console_args args = {.id = moto.instance, .latest = true};
    struct ec2_console console = {0};
    CALL("GetConsoleOutput", ec2_get_console_output, &args, &console);
    EXPECT(console.len > 100 && strstr(console.text, "Linux version") && recent(console.at_s));
    ec2_console_clear(&console);
}

static void describe_interface(void)
{
    struct ec2_nics nics = {0};
    struct one_filter filter;
    struct one_id id;
    CALL("DescribeNetworkInterfaces", ec2_describe_network_interfaces,
         by_filter(&filter, "attachment.instance-id", moto.instance), &nics);
    EXPECT(nics.count == 1);
    if (nics.count) {
        const struct ec2_nic *nic = &nics.rows[0];
        SAME(nic->vpc_id, moto.vpc);
        SAME(nic->subnet_id, moto.subnet);
        SAME(nic->state, "in-use");
        SAME(nic->instance_id, moto.instance);
        EXPECT(!nic->managed);
        mir_auto_free char *nic_id = mir_strdup(nic->id);
        CALL("DescribeNetworkInterfaces", ec2_describe_network_interfaces, by_id(&id, nic_id),
             &nics);
        EXPECT(nics.count == 1);
    }
    ec2_nics_clear(&nics);
}

void call_instances(void)
{
    struct one_tag tags[3];
    const struct ec2_tag_set sets[] = {*tagged(&tags[0], "instance", "instance"),
                                       *tagged(&tags[1], "volume", "volume"),
                                       *tagged(&tags[2], "network-interface", "interface")};
    const char *const groups[] = {moto.group};
    const struct ec2_interface interfaces[] = {{.index = 0,
                                                .subnet_id = moto.subnet,
                                                .group_ids = groups,
                                                .group_count = 1,
                                                .public_address = MIR_YES,
                                                .ipv6_count = 1,
                                                .delete_on_termination = MIR_YES,
                                                .primary_ipv6 = MIR_YES}};
    const struct ec2_device devices[] = {MOTO_DEVICE};
    run_instance(&(struct ec2_run){.count = 1,
                                   .image_id = moto.base,
                                   .type = MOTO_TYPE,
                                   .client_token = "token-1",
                                   .profile_name = MOTO_PROFILE,
                                   .shutdown_behavior = "terminate",
                                   .key_name = "made",
                                   .user_data = USER_DATA,
                                   .user_data_len = strlen(USER_DATA),
                                   .interfaces = interfaces,
                                   .interface_count = 1,
                                   .devices = devices,
                                   .device_count = 1,
                                   .tags = sets,
                                   .tag_count = MIR_NELEMS(sets),
                                   .http_tokens = "required",
                                   .http_endpoint = "enabled",
                                   .http_protocol_ipv6 = "enabled",
                                   .metadata_tags = "enabled",
                                   .hop_limit = 2,
                                   .cpu_credits = "standard",
                                   .ebs_optimized = MIR_YES,
                                   .disable_api_stop = MIR_YES});
    describe_instance();
    describe_interface();
    call_console();
}

/* --- spot --- */

/* moto makes none for a launch; this one was asked for before. */
static void call_requests(void)
{
    struct ec2_spot_requests requests = {0};
    struct one_id one;
    struct one_filter filter;
    CALL("DescribeSpotInstanceRequests", ec2_describe_spot_requests,
         by_filter(&filter, "state", "active"), &requests);
    EXPECT(requests.count == 1);
    if (!requests.count)
        return;
    EXPECT(!strncmp(requests.rows[0].instance_id, "i-", 2));
    SAME(requests.rows[0].state, "active");
    SAME(requests.rows[0].status, "fulfilled");
    KEPT(&requests.rows[0], "prepared");
    mir_auto_free char *id = mir_strdup(requests.rows[0].id);
    struct ec2_target target = {.id = id};
    CALL("DescribeSpotInstanceRequests", ec2_describe_spot_requests, by_id(&one, id), &requests);
    EXPECT(requests.count == 1);
    TRY_DO("CancelSpotInstanceRequests", ec2_cancel_spot_request, &target);
    CALL("DescribeSpotInstanceRequests", ec2_describe_spot_requests,
         by_filter(&filter, "state", "active"), &requests);
    EXPECT(requests.count == 0);
    ec2_spot_requests_clear(&requests);
}

void call_spot(void)
{
    struct one_tag tag;
    const char *const groups[] = {moto.group};
    struct ec2_instances found = {0};
    struct one_id id;
    run_instance(&(struct ec2_run){.count = 1,
                                   .image_id = moto.base,
                                   .type = MOTO_TYPE,
                                   .client_token = "token-2",
                                   .zone = MOTO_ZONE,
                                   .kernel_id = "aki-00000000000000001",
                                   .ramdisk_id = "ari-00000000000000001",
                                   .subnet_id = moto.subnet,
                                   .group_ids = groups,
                                   .group_count = 1,
                                   .tags = tagged(&tag, "spot-instances-request", "spot"),
                                   .tag_count = 1,
                                   .market = "spot",
                                   .spot_type = "one-time",
                                   .spot_max_price = "0.01",
                                   .spot_interruption = "terminate",
                                   .nested_virtualization = "enabled",
                                   .profile_arn = MOTO_PROFILE_ARN,
                                   .disable_api_termination = MIR_YES});
    CALL("DescribeInstances", ec2_describe_instances, by_id(&id, moto.spot), &found);
    EXPECT(found.count == 1);
    if (found.count) {
        SAME(found.rows[0].lifecycle, "spot");
        SAME(found.rows[0].zone, MOTO_ZONE);
        SAME(found.rows[0].subnet_id, moto.subnet);
        EXPECT(found.rows[0].group_count == 1);
        if (found.rows[0].group_count) {
            SAME(found.rows[0].groups[0].id, moto.group);
            SAME(found.rows[0].groups[0].name, "web");
        }
    }
    ec2_instances_clear(&found);
    call_requests();
}

/* --- what can be changed --- */

static void attribute(const char *id, const char *name, struct ec2_attributes *ret)
{
    struct ec2_attribute_args args = {id, name};
    *ret = (struct ec2_attributes){0};
    CALL("DescribeInstanceAttribute", ec2_describe_instance_attribute, &args, ret);
    SAME(ret->id, id);
}

static void change_attributes(void)
{
    struct ec2_attributes has;
    struct ec2_modify behavior = {.id = moto.instance, .shutdown_behavior = "stop"};
    struct ec2_modify protect = {.id = moto.spot, .disable_api_termination = MIR_YES};
    struct ec2_modify free_end = {.id = moto.spot, .disable_api_termination = MIR_NO};
    struct ec2_modify free_stop = {.id = moto.instance, .disable_api_stop = MIR_NO};
    attribute(moto.instance, "instanceInitiatedShutdownBehavior", &has);
    SAME(has.shutdown_behavior, "terminate");
    TRY_DO("ModifyInstanceAttribute", ec2_modify_instance, &behavior);
    TRY_DO("ModifyInstanceAttribute", ec2_modify_instance, &protect);
    attribute(moto.spot, "disableApiTermination", &has);
    EXPECT(has.disable_api_termination);
    struct ec2_change end = {.id = moto.spot};
    struct ec2_changed changed = {0};
    EXPECT(ec2_terminate_instance(calls.session, &end, calls.until_ms, &changed, &calls.err) &&
           calls.err.outcome == MIR_DID_NOT_HAPPEN);
    TRY_DO("ModifyInstanceAttribute", ec2_modify_instance, &free_end);
    attribute(moto.spot, "disableApiTermination", &has);
    EXPECT(!has.disable_api_termination);
    attribute(moto.instance, "disableApiStop", &has);
    EXPECT(has.disable_api_stop);
    TRY_DO("ModifyInstanceAttribute", ec2_modify_instance, &free_stop);
    attribute(moto.instance, "disableApiStop", &has);
    EXPECT(!has.disable_api_stop);
}

static void check_stopped(void)
{
    struct ec2_instances found = {0};
    struct one_id id;
    CALL("DescribeInstances", ec2_describe_instances, by_id(&id, moto.instance), &found);
    EXPECT(found.count == 1);
    if (found.count) {
        SAME(found.rows[0].state, "stopped");
        SAME(found.rows[0].state_reason_code, "Client.UserInitiatedShutdown");
        EXPECT(*found.rows[0].state_reason && *found.rows[0].reason);
    }
    ec2_instances_clear(&found);
}

void call_changes(void)
{
    struct ec2_change stop = {.id = moto.instance, .force = MIR_YES, .skip_os_shutdown = MIR_YES};
    struct ec2_target start = {.id = moto.instance};
    struct ec2_changed changed = {0};
    change_attributes();
    TRY_CALL("StopInstances", ec2_stop_instance, &stop, &changed);
    SAME(changed.id, moto.instance);
    EXPECT(changed.before == EC2_RUNNING && changed.now == EC2_STOPPING);
    check_stopped();
    TRY_CALL("StartInstances", ec2_start_instance, &start, &changed);
    SAME(changed.id, moto.instance);
    EXPECT(changed.before == EC2_STOPPED && changed.now == EC2_PENDING);
}

static void end_instance(const char *id)
{
    struct ec2_change end = {.id = id, .force = MIR_YES, .skip_os_shutdown = MIR_YES};
    struct ec2_changed changed = {0};
    struct ec2_instances found = {0};
    struct one_id one;
    TRY_CALL("TerminateInstances", ec2_terminate_instance, &end, &changed);
    SAME(changed.id, id);
    EXPECT(changed.before == EC2_RUNNING && changed.now == EC2_SHUTTING_DOWN);
    CALL("DescribeInstances", ec2_describe_instances, by_id(&one, id), &found);
    EXPECT(found.count == 1);
    if (found.count)
        SAME(found.rows[0].state, "terminated");
    ec2_instances_clear(&found);
}

void delete_instances(void)
{
    struct one_id one;
    struct ec2_instances found = {0};
    end_instance(moto.instance);
    end_instance(moto.spot);
    EXPECT(ec2_describe_instances(calls.session, by_id(&one, "i-00000000000000000"), calls.until_ms,
                                  &found, &calls.err) &&
           calls.err.kind == MIR_NOT_FOUND);
    delete_keys();
}
