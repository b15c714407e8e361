/* SPDX-License-Identifier: ISC */
#include "ec2_wire.h"

#include "ec2/instance.h"

#define INSTANCE "i-0123456789abcdef0"

static const char *const group[] = {"sg-0ddddddddddddddd1"};
static const struct ec2_tag tags[] = {{"Installation", "0123"}, {"Empty", ""}};
static const struct ec2_tag_set tag_sets[] = {{"instance", tags, 2}, {"volume", tags, 1}};

static void check_launched(const struct ec2_instances *found)
{
    assert_string_equal(found->reservation_id, "r-0123456789abcdef0");
    assert_int_equal(found->count, 1);
    const struct ec2_instance *i = &found->rows[0];
    assert_string_equal(i->id, INSTANCE);
    assert_int_equal(i->state_code, EC2_PENDING);
    assert_string_equal(i->state_reason_code, "pending");
    assert_string_equal(i->client_token, "token-1");
    assert_string_equal(i->address, "");
    assert_int_equal(i->launched_s, TEST_NOW_S + 5);
}

static int run(struct ec2_session *session, int64_t until_ms, const struct ec2_run *args,
               struct mir_error *err)
{
    struct ec2_instances found = {0};
    int rc = ec2_run_instances(session, args, until_ms, &found, err);
    if (!rc && !args->dry_run)
        check_launched(&found);
    else
        assert_int_equal(found.count, 0);
    ec2_instances_clear(&found);
    assert_null(found.rows);
    return rc;
}

static int run_plain(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_run args = {.count = 1, .image_id = "ami-1", .type = "t3.nano", .client_token = "t"};
    return run(session, until_ms, &args, err);
}

static int run_all(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    static const struct ec2_device devices[] = {{.name = "/dev/xvda",
                                                 .snapshot_id = "snap-1",
                                                 .size_gib = 1,
                                                 .volume_type = "gp3",
                                                 .delete_on_termination = MIR_YES,
                                                 .encrypted = MIR_NO,
                                                 .iops = 3000,
                                                 .throughput = 125},
                                                {.name = "/dev/xvdb"}};
    static const struct ec2_interface interfaces[] = {{.index = 0,
                                                       .subnet_id = "subnet-1",
                                                       .group_ids = group,
                                                       .group_count = 1,
                                                       .public_address = MIR_NO,
                                                       .ipv6_count = 1,
                                                       .delete_on_termination = MIR_YES,
                                                       .primary_ipv6 = MIR_YES}};
    struct ec2_run args = {.count = 1,
                           .image_id = "ami-1",
                           .type = "t3.nano",
                           .client_token = "token-1",
                           .shutdown_behavior = "terminate",
                           .key_name = "my key",
                           .zone = "eu-central-1a",
                           .kernel_id = "aki-1",
                           .ramdisk_id = "ari-1",
                           .profile_arn = "arn:aws:iam::1:x/y",
                           .profile_name = "y",
                           .user_data = "#!ipxe\n",
                           .user_data_len = 7,
                           .subnet_id = "subnet-1",
                           .group_ids = group,
                           .group_count = 1,
                           .interfaces = interfaces,
                           .interface_count = 1,
                           .devices = devices,
                           .device_count = 2,
                           .tags = tag_sets,
                           .tag_count = 2,
                           .http_tokens = "required",
                           .http_endpoint = "enabled",
                           .http_protocol_ipv6 = "enabled",
                           .metadata_tags = "disabled",
                           .hop_limit = 1,
                           .market = "spot",
                           .spot_type = "one-time",
                           .spot_max_price = "0.01",
                           .spot_interruption = "terminate",
                           .cpu_credits = "standard",
                           .nested_virtualization = "enabled",
                           .ebs_optimized = MIR_NO,
                           .disable_api_termination = MIR_NO,
                           .disable_api_stop = MIR_NO};
    return run(session, until_ms, &args, err);
}

static int run_dry(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_run args = {
        .count = 1, .image_id = "ami-1", .type = "t3.nano", .client_token = "t", .dry_run = true};
    return run(session, until_ms, &args, err);
}

static void check_running(const struct ec2_instance *i)
{
    assert_int_equal(i->state_code, EC2_RUNNING);
    assert_string_equal(i->state, "running");
    assert_string_equal(i->address, "192.0.2.44");
    assert_string_equal(i->ipv6, "2001:db8::9");
    assert_string_equal(i->private_address, "172.31.5.9");
    assert_string_equal(i->dns_name, "ec2-192-0-2-44.eu-central-1.compute.amazonaws.com");
    assert_string_equal(i->zone, "eu-central-1a");
    assert_string_equal(i->architecture, "x86_64");
    assert_string_equal(i->http_tokens, "required");
    assert_string_equal(i->current_boot_mode, "legacy-bios");
    assert_true(i->ena);
    assert_int_equal(i->tag_count, 2);
    assert_string_equal(ec2_tag_value(i->tags, i->tag_count, "Purpose"), "test & look");
    assert_null(ec2_tag_value(i->tags, i->tag_count, "purpose"));
    assert_int_equal(i->group_count, 1);
    assert_string_equal(i->groups[0].id, "sg-0ddddddddddddddd1");
    assert_int_equal(i->device_count, 1);
    assert_string_equal(i->devices[0].volume_id, "vol-0eeeeeeeeeeeeeee1");
    assert_true(i->devices[0].delete_on_termination);
    assert_int_equal(i->interface_count, 1);
    assert_string_equal(i->interfaces[0].address_owner, "amazon");
}

static int describe(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    static const char *const ids[] = {INSTANCE};
    struct ec2_describe args = {.ids = ids, .id_count = 1};
    struct ec2_instances found = {0};
    int rc = ec2_describe_instances(session, &args, until_ms, &found, err);
    if (!rc) {
        assert_int_equal(found.count, 1);
        check_running(&found.rows[0]);
    }
    ec2_instances_clear(&found);
    return rc;
}

static int describe_pages(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    static const char *const values[] = {"0123", "a b"};
    static const struct ec2_filter filters[] = {{"tag:Installation", values, 2}};
    static const int64_t states[] = {EC2_RUNNING, EC2_PENDING, EC2_TERMINATED, EC2_STOPPED};
    struct ec2_describe args = {.filters = filters, .filter_count = 1};
    struct ec2_instances found = {0};
    int rc = ec2_describe_instances(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(found.rows[i].state_code, states[i]);
    check_running(&found.rows[0]);
    assert_string_equal(found.rows[2].lifecycle, "spot");
    assert_string_equal(found.rows[2].state_reason_code, "Client.UserInitiatedShutdown");
    assert_string_equal(found.rows[3].id, "i-04");
    ec2_instances_clear(&found);
    return rc;
}

static int describe_none(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_describe args = {0};
    struct ec2_instances found = {0};
    int rc = ec2_describe_instances(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 0);
    return rc;
}

static const struct ec2_change ending = {.id = INSTANCE, .skip_os_shutdown = MIR_YES};

static int terminate(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_changed c = {0};
    int rc = ec2_terminate_instance(session, &ending, until_ms, &c, err);
    if (!rc) {
        assert_string_equal(c.id, INSTANCE);
        assert_int_equal(c.before, EC2_RUNNING);
        assert_int_equal(c.now, EC2_SHUTTING_DOWN);
    }
    return rc;
}

static int terminate_dry(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_change args = {.id = INSTANCE, .force = MIR_YES, .dry_run = true};
    struct ec2_changed c = {0};
    int rc = ec2_terminate_instance(session, &args, until_ms, &c, err);
    assert_string_equal(c.id, "");
    return rc;
}

static int stop(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_changed c = {0};
    int rc = ec2_stop_instance(session, &ending, until_ms, &c, err);
    assert_int_equal(c.now, EC2_STOPPING);
    return rc;
}

static int start(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_target args = {.id = INSTANCE};
    struct ec2_changed c = {0};
    int rc = ec2_start_instance(session, &args, until_ms, &c, err);
    assert_int_equal(c.before, EC2_STOPPED);
    return rc;
}

static int console(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_console_args args = {.id = INSTANCE, .latest = true};
    struct ec2_console c = {0};
    int rc = ec2_get_console_output(session, &args, until_ms, &c, err);
    assert_string_equal(c.text, "Solo5 booted\r\nhello, world\r\n");
    assert_int_equal(c.len, strlen(c.text));
    assert_int_equal(c.at_s, TEST_NOW_S + 80);
    ec2_console_clear(&c);
    return rc;
}

static int console_empty(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_console_args args = {.id = INSTANCE};
    struct ec2_console c = {0};
    int rc = ec2_get_console_output(session, &args, until_ms, &c, err);
    assert_null(c.text);
    assert_int_equal(c.len, 0);
    return rc;
}

static int screenshot(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_screenshot_args args = {.id = INSTANCE, .wake_up = true};
    struct ec2_screenshot s = {0};
    int rc = ec2_get_console_screenshot(session, &args, until_ms, &s, err);
    assert_int_equal(s.len, 13);
    assert_memory_equal(s.jpeg, "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01", 13);
    ec2_screenshot_clear(&s);
    return rc;
}

static int modify(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_modify args = {.id = INSTANCE, .disable_api_termination = MIR_NO};
    return ec2_modify_instance(session, &args, until_ms, err);
}

static int attribute(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_attribute_args args = {INSTANCE, "instanceInitiatedShutdownBehavior"};
    struct ec2_attributes a = {0};
    int rc = ec2_describe_instance_attribute(session, &args, until_ms, &a, err);
    assert_string_equal(a.shutdown_behavior, "terminate");
    assert_false(a.disable_api_termination);
    return rc;
}

static const struct wire_case cases[] = {
    {"RunInstances/plain", run_plain, MIR_OK, NULL},
    {"RunInstances/all", run_all, MIR_OK, NULL},
    {"RunInstances/dry-run", run_dry, MIR_OK, NULL},
    {"RunInstances/dry-run-refused", run_dry, MIR_CREDENTIALS, "UnauthorizedOperation"},
    {"RunInstances/mismatch", run_plain, MIR_CONFLICT, "IdempotentParameterMismatch"},
    {"DescribeInstances/by-id", describe, MIR_OK, NULL},
    {"DescribeInstances/not-found", describe, MIR_NOT_FOUND, "InvalidInstanceID.NotFound"},
    {"DescribeInstances/pages", describe_pages, MIR_OK, NULL},
    {"DescribeInstances/none", describe_none, MIR_OK, NULL},
    {"TerminateInstances/plain", terminate, MIR_OK, NULL},
    {"TerminateInstances/protected", terminate, MIR_POLICY, "OperationNotPermitted"},
    {"TerminateInstances/dry-run", terminate_dry, MIR_OK, NULL},
    {"StopInstances/plain", stop, MIR_OK, NULL},
    {"StartInstances/plain", start, MIR_OK, NULL},
    {"GetConsoleOutput/plain", console, MIR_OK, NULL},
    {"GetConsoleOutput/nothing-yet", console_empty, MIR_OK, NULL},
    {"GetConsoleScreenshot/plain", screenshot, MIR_OK, NULL},
    {"ModifyInstanceAttribute/plain", modify, MIR_OK, NULL},
    {"DescribeInstanceAttribute/plain", attribute, MIR_OK, NULL},
};

WIRE_MAIN(cases)
