/* SPDX-License-Identifier: ISC */
/* What is neither instance, image nor network: types, places, spot, tags, and the other services.
 */
#include "ec2_wire.h"

#include "ec2/place.h"
#include "ec2/pricing.h"
#include "ec2/scheduler.h"
#include "ec2/spot.h"
#include "ec2/ssm.h"
#include "ec2/sts.h"
#include "ec2/type.h"

static int describe_types(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    static const char *const yes[] = {"true"};
    static const struct ec2_filter current[] = {{"current-generation", yes, 1}};
    struct ec2_describe args = {.filters = current, .filter_count = 1};
    struct ec2_instance_types found = {0};
    int rc = ec2_describe_instance_types(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 3);
    const struct ec2_instance_type *t = &found.rows[0];
    assert_string_equal(t->name, "t3.micro");
    assert_true(t->free_tier && t->current && t->burstable && t->ipv6 && !t->bare_metal);
    assert_string_equal(t->hypervisor, "nitro");
    assert_string_equal(t->ena, "required");
    assert_int_equal(t->vcpus, 2);
    assert_int_equal(t->memory_mib, 1024);
    assert_true(ec2_words_have(t->boot_modes, t->boot_mode_count, "uefi"));
    assert_true(ec2_words_have(t->usages, t->usage_count, "spot"));
    assert_false(ec2_words_have(t->architectures, t->architecture_count, "arm64"));
    assert_int_equal(found.rows[1].architecture_count, 2);
    t = &found.rows[2];
    assert_string_equal(t->name, "t4g.nano");
    assert_true(ec2_words_have(t->features, t->feature_count, "nested-virtualization"));
    ec2_instance_types_clear(&found);
    return rc;
}

static int describe_offerings(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    static const char *const types[] = {"t3.nano"};
    static const struct ec2_filter of_type[] = {{"instance-type", types, 1}};
    struct ec2_offerings_args args = {
        .location_type = "availability-zone", .filters = of_type, .filter_count = 1};
    struct ec2_offerings found = {0};
    int rc = ec2_describe_offerings(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 2);
    assert_string_equal(found.rows[1].location, "eu-central-1b");
    ec2_offerings_clear(&found);
    return rc;
}

static int describe_regions(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    static const char *const names[] = {"eu-central-1", "us-east-1"};
    struct ec2_regions_args args = {.names = names, .name_count = 2, .all = true};
    struct ec2_regions found = {0};
    int rc = ec2_describe_regions(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 2);
    assert_string_equal(found.rows[1].name, "us-east-1");
    assert_string_equal(found.rows[0].opt_in, "opt-in-not-required");
    ec2_regions_clear(&found);
    return rc;
}

static int describe_zones(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_describe args = {0};
    struct ec2_zones found = {0};
    int rc = ec2_describe_zones(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.rows[0].id, "euc1-az2");
    assert_string_equal(found.rows[0].state, "available");
    ec2_zones_clear(&found);
    return rc;
}

static int spot_prices(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    static const char *const types[] = {"t3.nano"}, *const products[] = {"Linux/UNIX"};
    struct ec2_spot_prices_args args = {.types = types,
                                        .type_count = 1,
                                        .products = products,
                                        .product_count = 1,
                                        .zone = "eu-central-1a",
                                        .from_s = TEST_NOW_S,
                                        .to_s = TEST_NOW_S + 60};
    struct ec2_spot_prices found = {0};
    int rc = ec2_describe_spot_prices(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.rows[0].price, "0.001800");
    ec2_spot_prices_clear(&found);
    return rc;
}

static int spot_requests(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    static const char *const ids[] = {"sir-08b93456"};
    struct ec2_describe args = {.ids = ids, .id_count = 1};
    struct ec2_spot_requests found = {0};
    int rc = ec2_describe_spot_requests(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.rows[0].status, "fulfilled");
    assert_string_equal(found.rows[0].instance_id, "i-0123456789abcdef0");
    ec2_spot_requests_clear(&found);
    return rc;
}

static int cancel_spot(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_target args = {.id = "sir-08b93456"};
    return ec2_cancel_spot_request(session, &args, until_ms, err);
}

static const char *const tagged[] = {"i-1", "vol-1"};
static const struct ec2_tag tags[] = {{"a", "1 2"}, {"b", ""}, {"c", NULL}};
static const struct ec2_tagging tagging = {
    .ids = tagged, .id_count = 2, .tags = tags, .tag_count = 3};

static int create_tags(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    return ec2_create_tags(session, &tagging, until_ms, err);
}

static int delete_tags(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    return ec2_delete_tags(session, &tagging, until_ms, err);
}

static int describe_tags(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    static const char *const keys[] = {"Installation", "Empty"};
    static const struct ec2_filter by_key[] = {{"key", keys, 2}};
    struct ec2_describe args = {.filters = by_key, .filter_count = 1};
    struct ec2_tag_rows found = {0};
    int rc = ec2_describe_tags(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 2);
    assert_string_equal(found.rows[0].resource_id, "i-0123456789abcdef0");
    assert_string_equal(found.rows[0].value, "0123");
    assert_string_equal(found.rows[1].resource_type, "volume");
    assert_null(found.rows[1].value);
    ec2_tag_rows_clear(&found);
    return rc;
}

/* --- STS --- */

static int identity(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_identity who;
    int rc = ec2_get_caller_identity(session, until_ms, &who, err);
    assert_string_equal(who.user_id, "AIDACKCEVSQ6C2EXAMPLE");
    return rc;
}

static int role(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_assume_role args = {.role_arn = "arn:aws:iam::123456789012:role/r",
                                   .session_name = "s",
                                   .external_id = "e",
                                   .serial_number = "arn:aws:iam::123456789012:mfa/u",
                                   .token_code = "123456",
                                   .policy = "{}",
                                   .duration_s = 3600};
    ec2_auto_credentials struct ec2_credentials c = {0};
    int rc = ec2_assume_role(session, &args, until_ms, &c, err);
    assert_int_equal(c.expires_s, TEST_NOW_S + 3600);
    return rc;
}

static int web_role(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_assume_role_web args = {.role_arn = "arn:aws:iam::123456789012:role/r",
                                       .session_name = "s",
                                       .token = "e.y.J",
                                       .policy = "{}",
                                       .duration_s = 900};
    ec2_auto_credentials struct ec2_credentials c = {0};
    int rc = ec2_assume_role_with_web_identity(session, &args, until_ms, &c, err);
    assert_string_equal(c.account_id, "123456789012");
    return rc;
}

/* --- EventBridge Scheduler --- */

static const struct ec2_schedule_args schedule = {
    .name = "mirage-1",
    .group = "default",
    .client_token = "t",
    .description = "ends i-1",
    .at_s = TEST_NOW_S + 3600,
    .target_arn = EC2_SCHEDULE_TERMINATE,
    .role_arn = "arn:aws:iam::123456789012:role/mirage",
    .input = "{\"InstanceIds\":[\"i-0123456789abcdef0\"]}",
    .retries = 185,
    .retry_age_s = 86400,
    .dead_letter_arn = "arn:aws:sqs:eu-central-1:123456789012:q"};
static const struct ec2_schedule_name schedule_name = {.name = "mirage-1"};

static int create_schedule(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_schedule_arn made = {{0}};
    int rc = ec2_create_schedule(session, &schedule, until_ms, &made, err);
    if (!rc)
        assert_non_null(strstr(made.arn, "schedule/default/mirage-1"));
    return rc;
}

static int update_schedule(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_schedule_args later = {.name = "mirage-1",
                                      .at_s = TEST_NOW_S + 7200,
                                      .keep = true,
                                      .target_arn = EC2_SCHEDULE_TERMINATE,
                                      .role_arn = "r",
                                      .input = "{}"};
    struct ec2_schedule_arn made = {{0}};
    return ec2_update_schedule(session, &later, until_ms, &made, err);
}

static int get_schedule(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_schedule s = {0};
    int rc = ec2_get_schedule(session, &schedule_name, until_ms, &s, err);
    if (!rc) {
        assert_int_equal(s.at_s, TEST_NOW_S + 3600);
        assert_string_equal(s.target_arn, EC2_SCHEDULE_TERMINATE);
        assert_string_equal(s.input, schedule.input);
        assert_string_equal(s.after, "DELETE");
        assert_string_equal(s.state, "ENABLED");
    }
    ec2_schedule_clear(&s);
    return rc;
}

static int delete_schedule(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_schedule_name args = {.name = "mirage-1", .group = "a b"};
    return ec2_delete_schedule(session, &args, until_ms, err);
}

static int list_schedules(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_list_schedules_args args = {.prefix = "mirage-"};
    struct ec2_schedules found = {0};
    int rc = ec2_list_schedules(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 2);
    assert_string_equal(found.rows[0].target_arn, EC2_SCHEDULE_TERMINATE);
    assert_string_equal(found.rows[1].state, "DISABLED");
    ec2_schedules_clear(&found);
    return rc;
}

/* --- SSM and prices --- */

static int get_parameter(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_parameter_args args = {.name = "/aws/service/x", .decrypt = true};
    struct ec2_parameter p = {0};
    int rc = ec2_get_parameter(session, &args, until_ms, &p, err);
    if (!rc) {
        assert_string_equal(p.value, "ami-0aaaaaaaaaaaaaaa1");
        assert_int_equal(p.version, 7);
    }
    ec2_parameter_clear(&p);
    return rc;
}

static int get_parameters(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_parameters_args args = {.path = "/a", .recursive = true};
    struct ec2_parameters found = {0};
    int rc = ec2_get_parameters(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 2);
    assert_string_equal(found.rows[1].value, "2,3");
    ec2_parameters_clear(&found);
    return rc;
}

static int put_parameter(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_put_parameter_args args = {.name = "/mirage-deploy/x/reaper",
                                          .value = "{\"a\":1}",
                                          .type = "String",
                                          .description = "a word",
                                          .overwrite = true};
    struct ec2_parameter_version made = {0};
    int rc = ec2_put_parameter(session, &args, until_ms, &made, err);
    if (!rc)
        assert_int_equal(made.version, 2);
    return rc;
}

static int get_hourly(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_hourly price;
    int rc = ec2_get_hourly(session, "t3.nano", "eu-central-1", until_ms, &price, err);
    if (!rc) {
        assert_int_equal(price.micro_usd, 6000);
        assert_string_equal(price.type, "t3.nano");
        assert_string_equal(price.region, "eu-central-1");
    }
    return rc;
}

static const struct wire_case cases[] = {
    {"DescribeInstanceTypes/pages", describe_types, MIR_OK, NULL},
    {"DescribeInstanceTypeOfferings/plain", describe_offerings, MIR_OK, NULL},
    {"DescribeRegions/plain", describe_regions, MIR_OK, NULL},
    {"DescribeAvailabilityZones/plain", describe_zones, MIR_OK, NULL},
    {"DescribeSpotPriceHistory/plain", spot_prices, MIR_OK, NULL},
    {"DescribeSpotInstanceRequests/plain", spot_requests, MIR_OK, NULL},
    {"CancelSpotInstanceRequests/plain", cancel_spot, MIR_OK, NULL},
    {"CreateTags/plain", create_tags, MIR_OK, NULL},
    {"DeleteTags/plain", delete_tags, MIR_OK, NULL},
    {"DescribeTags/plain", describe_tags, MIR_OK, NULL},
    {"GetCallerIdentity/plain", identity, MIR_OK, NULL},
    {"AssumeRole/plain", role, MIR_OK, NULL},
    {"AssumeRoleWithWebIdentity/plain", web_role, MIR_OK, NULL},
    {"CreateSchedule/all", create_schedule, MIR_OK, NULL},
    {"CreateSchedule/conflict", create_schedule, MIR_CONFLICT, "ConflictException"},
    {"UpdateSchedule/plain", update_schedule, MIR_OK, NULL},
    {"GetSchedule/plain", get_schedule, MIR_OK, NULL},
    {"GetSchedule/not-found", get_schedule, MIR_NOT_FOUND, "ResourceNotFoundException"},
    {"DeleteSchedule/plain", delete_schedule, MIR_OK, NULL},
    {"ListSchedules/pages", list_schedules, MIR_OK, NULL},
    {"GetParameter/plain", get_parameter, MIR_OK, NULL},
    {"GetParameter/not-found", get_parameter, MIR_NOT_FOUND, "ParameterNotFound"},
    {"GetParametersByPath/plain", get_parameters, MIR_OK, NULL},
    {"PutParameter/plain", put_parameter, MIR_OK, NULL},
    {"PutParameter/exists", put_parameter, MIR_CONFLICT, "ParameterAlreadyExists"},
    {"GetProducts/plain", get_hourly, MIR_OK, NULL},
    {"GetProducts/none", get_hourly, MIR_NOT_FOUND, NULL},
};

WIRE_MAIN(cases)
