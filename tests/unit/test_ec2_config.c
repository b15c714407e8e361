/* SPDX-License-Identifier: ISC */
#include "settings.h"

#include "ec2_env.h"

static const char *const two_profiles = "[default]\n"
                                        "region = r-default\n"
                                        "[profile dev]\n"
                                        "region = r-dev\n"
                                        "ca_bundle = /dev.pem\n"
                                        "max_attempts = 7\n"
                                        "endpoint_url = http://127.0.0.1:4\n"
                                        "services = mine\n"
                                        "[profile lost]\n"
                                        "services = nowhere\n"
                                        "[services mine]\n"
                                        "ec2 =\n"
                                        "  endpoint_url = http://127.0.0.1:3\n"
                                        "s3 =\n"
                                        "  addressing_style = path\n";

/* One world per case: pairs of variables and values, and what is asked for. */
struct fixture {
    struct ec2_env env;
    struct ec2_config *config;
    struct mir_error err;
};

static int load(struct fixture *f, void *const *state, const char *profile, const char *region,
                const char *const *pairs)
{
    *f = (struct fixture){0};
    ec2_env_files(&f->env, state, two_profiles, NULL);
    for (; pairs && *pairs; pairs += 2)
        ec2_env_set(&f->env, pairs[0], pairs[1]);
    struct ec2_config_wish wish = {profile, region, ec2_env_environment(&f->env)};
    f->config = ec2_config_load(&wish, &f->err);
    return f->config ? 0 : -1;
}

static void drop(struct fixture *f)
{
    ec2_config_free(f->config);
    ec2_env_clear(&f->env);
}

#define PAIRS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void chooses_the_profile(void **state)
{
    const struct {
        const char *wish, *const *pairs, *want, *origin;
    } cases[] = {
        {NULL, NULL, "default", ""},
        {NULL, PAIRS("AWS_PROFILE", "dev"), "dev", "AWS_PROFILE"},
        {NULL, PAIRS("AWS_PROFILE", ""), "default", ""},
        {NULL, PAIRS("AWS_DEFAULT_PROFILE", "dev"), "dev", "AWS_DEFAULT_PROFILE"},
        {NULL, PAIRS("AWS_PROFILE", "lost", "AWS_DEFAULT_PROFILE", "dev"), "dev",
         "AWS_DEFAULT_PROFILE"},
        {"dev", PAIRS("AWS_PROFILE", "lost"), "dev", "chosen"},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        struct fixture f;
        bool explicit;
        assert_int_equal(load(&f, state, cases[i].wish, NULL, cases[i].pairs), 0);
        assert_string_equal(ec2_config_profile(f.config, &explicit), cases[i].want);
        assert_int_equal(explicit, cases[i].wish != NULL);
        assert_string_equal(ec2_config_profile_origin(f.config), cases[i].origin);
        drop(&f);
    }
}

static void refuses_a_profile_that_is_not_there(void **state)
{
    struct fixture f;
    assert_int_equal(load(&f, state, NULL, NULL, PAIRS("AWS_PROFILE", "dav")), -1);
    assert_int_equal(f.err.kind, MIR_CREDENTIALS);
    assert_non_null(strstr(f.err.text, "'dav' (AWS_PROFILE)"));
    assert_string_equal(f.err.hint, "did you mean 'dev'?");
    drop(&f);
    assert_int_equal(load(&f, state, "something-else", NULL, NULL), -1);
    assert_non_null(strstr(f.err.hint, "/config"));
    drop(&f);
    /* The default one need not be there. */
    mir_auto_free char *empty = scratch_file(state, "empty", "");
    assert_int_equal(load(&f, state, NULL, NULL, PAIRS("AWS_CONFIG_FILE", empty)), 0);
    drop(&f);
}

static void chooses_the_region(void **state)
{
    const struct {
        const char *profile, *region, *const *pairs, *want, *origin;
    } cases[] = {
        {NULL, NULL, NULL, "r-default", "config:2"},
        {"dev", NULL, NULL, "r-dev", "config:4"},
        {"lost", NULL, NULL, NULL, ""},
        {"dev", NULL, PAIRS("AWS_DEFAULT_REGION", "r-old"), "r-old", "AWS_DEFAULT_REGION"},
        {"dev", NULL, PAIRS("AWS_DEFAULT_REGION", "r-old", "AWS_REGION", "r-new"), "r-new",
         "AWS_REGION"},
        {"dev", "r-flag", PAIRS("AWS_REGION", "r-new"), "r-flag", "chosen"},
        {"dev", NULL, PAIRS("AWS_REGION", ""), "r-dev", "config:4"},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        struct fixture f;
        struct ec2_setting said;
        assert_int_equal(load(&f, state, cases[i].profile, cases[i].region, cases[i].pairs), 0);
        ec2_config_region(f.config, &said);
        if (cases[i].want) {
            assert_string_equal(said.value, cases[i].want);
            assert_non_null(strstr(said.origin, cases[i].origin));
        } else {
            assert_null(said.value);
        }
        drop(&f);
    }
}

static void finds_the_endpoint(void **state)
{
    const struct {
        const char *profile, *const *pairs;
        enum ec2_service service;
        const char *want, *origin;
    } cases[] = {
        {NULL, NULL, EC2_COMPUTE, NULL, ""},
        {"dev", NULL, EC2_COMPUTE, "http://127.0.0.1:3", "config:13"},
        {"dev", NULL, EC2_S3, "http://127.0.0.1:4", "config:7"},
        {"dev", PAIRS("AWS_ENDPOINT_URL", "http://127.0.0.1:2"), EC2_COMPUTE, "http://127.0.0.1:2",
         "AWS_ENDPOINT_URL"},
        {"dev",
         PAIRS("AWS_ENDPOINT_URL", "http://127.0.0.1:2", "AWS_ENDPOINT_URL_EC2",
               "http://127.0.0.1:1"),
         EC2_COMPUTE, "http://127.0.0.1:1", "AWS_ENDPOINT_URL_EC2"},
        {"dev", PAIRS("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:1"), EC2_EBS, "http://127.0.0.1:4",
         "config:7"},
        {"lost", PAIRS("AWS_ENDPOINT_URL_SCHEDULER", "http://x"), EC2_SCHEDULER, "http://x",
         "AWS_ENDPOINT_URL_SCHEDULER"},
        {"dev",
         PAIRS("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE", "AWS_ENDPOINT_URL",
               "http://127.0.0.1:2"),
         EC2_COMPUTE, NULL, ""},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        struct fixture f;
        struct ec2_setting said;
        assert_int_equal(load(&f, state, cases[i].profile, NULL, cases[i].pairs), 0);
        assert_int_equal(ec2_config_endpoint(f.config, cases[i].service, &said, NULL), 0);
        if (cases[i].want) {
            assert_string_equal(said.value, cases[i].want);
            assert_non_null(strstr(said.origin, cases[i].origin));
        } else {
            assert_null(said.value);
        }
        drop(&f);
    }
    struct fixture f;
    struct ec2_setting said;
    assert_int_equal(load(&f, state, "lost", NULL, NULL), 0);
    assert_int_equal(ec2_config_endpoint(f.config, EC2_S3, &said, &f.err), -1);
    assert_int_equal(f.err.kind, MIR_USAGE);
    assert_non_null(strstr(f.err.text, "[services nowhere]"));
    drop(&f);
}

/* As botocore 1.43 resolves them. */
static void knows_fips_and_dual_stack(void **state)
{
    static const struct {
        const char *region;
        bool fips, dualstack;
        enum ec2_service service;
        const char *want;
    } cases[] = {
        {"us-east-1", true, false, EC2_COMPUTE, "https://ec2-fips.us-east-1.amazonaws.com"},
        {"us-east-1", false, true, EC2_COMPUTE, "https://ec2.us-east-1.api.aws"},
        {"us-east-1", true, true, EC2_EBS, "https://ebs-fips.us-east-1.api.aws"},
        {"eu-central-1", true, false, EC2_S3, "https://s3-fips.eu-central-1.amazonaws.com"},
        {"eu-central-1", false, true, EC2_S3, "https://s3.dualstack.eu-central-1.amazonaws.com"},
        {"eu-central-1", true, true, EC2_S3,
         "https://s3-fips.dualstack.eu-central-1.amazonaws.com"},
        {"cn-north-1", false, true, EC2_S3, "https://s3.dualstack.cn-north-1.amazonaws.com.cn"},
        {"cn-north-1", false, true, EC2_STS, "https://sts.cn-north-1.api.amazonwebservices.com.cn"},
        {"cn-north-1", true, false, EC2_SSM, "https://ssm-fips.cn-north-1.amazonaws.com.cn"},
        {"us-gov-west-1", true, false, EC2_COMPUTE, "https://ec2.us-gov-west-1.amazonaws.com"},
        {"us-gov-west-1", true, true, EC2_COMPUTE, "https://ec2-fips.us-gov-west-1.api.aws"},
        {"us-gov-west-1", true, false, EC2_EBS, "https://ebs-fips.us-gov-west-1.amazonaws.com"},
        {"us-gov-west-1", true, false, EC2_SCHEDULER,
         "https://scheduler-fips.us-gov-west-1.amazonaws.com"},
        {"eu-west-1", true, false, EC2_PRICING, "https://api.pricing-fips.us-east-1.amazonaws.com"},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        struct fixture f;
        struct ec2_setting said;
        assert_int_equal(
            load(&f, state, NULL, cases[i].region,
                 PAIRS("AWS_USE_FIPS_ENDPOINT", cases[i].fips ? "true" : "false",
                       "AWS_USE_DUALSTACK_ENDPOINT", cases[i].dualstack ? "True" : "")),
            0);
        assert_int_equal(ec2_config_endpoint(f.config, cases[i].service, &said, NULL), 0);
        assert_string_equal(said.value, cases[i].want);
        drop(&f);
    }
    struct fixture f;
    struct ec2_setting said;
    assert_int_equal(load(&f, state, "dev", NULL, PAIRS("AWS_USE_FIPS_ENDPOINT", "true")), 0);
    assert_int_equal(ec2_config_endpoint(f.config, EC2_COMPUTE, &said, &f.err), -1);
    assert_int_equal(f.err.kind, MIR_USAGE);
    drop(&f);
}

static void fills_a_sessions_settings(void **state)
{
    struct fixture f;
    struct ec2_session_settings settings = {.attempt_timeout_ms = 5};
    assert_int_equal(load(&f, state, "dev", NULL, PAIRS("AWS_ENDPOINT_URL_STS", "http://sts")), 0);
    assert_int_equal(ec2_config_settings(f.config, &settings, NULL), 0);
    assert_string_equal(settings.region, "r-dev");
    assert_string_equal(settings.endpoints[EC2_STS], "http://sts");
    assert_string_equal(settings.endpoints[EC2_COMPUTE], "http://127.0.0.1:3");
    assert_string_equal(settings.ca_file, "/dev.pem");
    assert_int_equal(settings.attempts_max, 7);
    assert_int_equal(settings.attempt_timeout_ms, 5);
    drop(&f);

    assert_int_equal(
        load(&f, state, NULL, NULL, PAIRS("AWS_CA_BUNDLE", "/e.pem", "AWS_MAX_ATTEMPTS", "2")), 0);
    assert_int_equal(ec2_config_settings(f.config, &settings, NULL), 0);
    assert_string_equal(settings.ca_file, "/e.pem");
    assert_int_equal(settings.attempts_max, 2);
    assert_null(settings.endpoints[EC2_COMPUTE]);
    drop(&f);

    assert_int_equal(
        load(&f, state, "lost", NULL,
             PAIRS("AWS_ENDPOINT_URL", "http://x", "AWS_EC2_METADATA_DISABLED", "true")),
        0);
    assert_int_equal(ec2_config_settings(f.config, &settings, &f.err), -1);
    assert_non_null(strstr(f.err.text, "no AWS region"));
    assert_int_equal(ec2_config_ask_region(f.config, &f.err), -1);
    assert_non_null(strstr(f.err.text, "turned off"));
    drop(&f);
}

static void refuses_numbers_that_are_none(void **state)
{
    static const char *const bad[] = {"0", "-1", "3x", "x", " ", "101", "99999999999999999999"};
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        struct fixture f;
        struct ec2_session_settings settings = {0};
        assert_int_equal(load(&f, state, NULL, NULL, PAIRS("AWS_MAX_ATTEMPTS", bad[i])), 0);
        assert_int_equal(ec2_config_settings(f.config, &settings, &f.err), -1);
        assert_int_equal(f.err.kind, MIR_USAGE);
        assert_non_null(strstr(f.err.text, "AWS_MAX_ATTEMPTS"));
        drop(&f);
    }
}

static void reads_how_the_metadata_are_asked_for(void **state)
{
    const struct {
        const char *const *pairs, *endpoint;
        int timeout_ms, attempts;
        bool disabled;
    } cases[] = {
        {NULL, NULL, 1000, 1, false},
        {PAIRS("AWS_EC2_METADATA_DISABLED", "True"), NULL, 1000, 1, true},
        {PAIRS("AWS_EC2_METADATA_DISABLED", "1"), NULL, 1000, 1, false},
        {PAIRS("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6"), EC2_IMDS_ADDRESS_V6, 1000, 1,
         false},
        {PAIRS("AWS_IMDS_USE_IPV6", "true"), EC2_IMDS_ADDRESS_V6, 1000, 1, false},
        {PAIRS("AWS_IMDS_USE_IPV6", "true", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv4"), NULL,
         1000, 1, false},
        {PAIRS("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv6",
               "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9/"),
         "http://127.0.0.1:9/", 1000, 1, false},
        {PAIRS("AWS_METADATA_SERVICE_TIMEOUT", "3", "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "5"), NULL,
         3000, 5, false},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        struct fixture f;
        struct ec2_imds_settings imds;
        assert_int_equal(load(&f, state, NULL, NULL, cases[i].pairs), 0);
        assert_int_equal(ec2_config_imds(f.config, &imds, NULL), 0);
        if (cases[i].endpoint)
            assert_string_equal(imds.endpoint, cases[i].endpoint);
        else
            assert_null(imds.endpoint);
        assert_int_equal(imds.timeout_ms, cases[i].timeout_ms);
        assert_int_equal(imds.attempts, cases[i].attempts);
        assert_int_equal(imds.disabled, cases[i].disabled);
        drop(&f);
    }
    struct fixture f;
    struct ec2_imds_settings imds;
    assert_int_equal(
        load(&f, state, NULL, NULL, PAIRS("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv5")), 0);
    assert_int_equal(ec2_config_imds(f.config, &imds, &f.err), -1);
    assert_int_equal(f.err.kind, MIR_USAGE);
    drop(&f);
}

static void finds_files_as_the_tools_do(void **state)
{
    const char *dir = *state;
    mir_auto_free char *aws = mir_format("%s/.aws", dir);
    assert_int_equal(mir_dir_make(aws, 0700, NULL), 0);
    free(scratch_file(state, ".aws/config", "[default]\nregion = home\n"));
    free(scratch_file(state, "a b", "[default]\nregion = named\n"));
    mir_auto_free char *plain = mir_format("%s/a b", dir);
    const struct {
        const char *path, *want;
    } cases[] = {{NULL, "home"},           {"", "home"},
                 {"~/a b", "named"},       {"$HOME/a b", "named"},
                 {"${HOME}/a b", "named"}, {plain, "named"},
                 {"~x/a b", NULL},         {"$NONE/a b", NULL},
                 {"${HOME/a b", NULL},     {"/nonexistent/$", NULL}};
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        struct ec2_env env = {0};
        struct ec2_setting said;
        ec2_env_set(&env, "HOME", dir);
        if (cases[i].path)
            ec2_env_set(&env, "AWS_CONFIG_FILE", cases[i].path);
        struct ec2_config_wish wish = {NULL, NULL, ec2_env_environment(&env)};
        struct ec2_config *config = ec2_config_load(&wish, NULL);
        assert_non_null(config);
        ec2_config_region(config, &said);
        if (cases[i].want)
            assert_string_equal(said.value, cases[i].want);
        else
            assert_null(said.value);
        ec2_config_free(config);
        ec2_env_clear(&env);
    }
}

static void says_where_a_file_is_wrong(void **state)
{
    struct fixture f;
    mir_auto_free char *bad = scratch_file(state, "bad", "[default]\nnonsense\n");
    assert_int_equal(load(&f, state, NULL, NULL, PAIRS("AWS_CONFIG_FILE", bad)), -1);
    assert_int_equal(f.err.kind, MIR_USAGE);
    assert_non_null(strstr(f.err.text, "bad:2"));
    drop(&f);
    mir_auto_free char *folder = mir_strdup(*state);
    assert_int_equal(load(&f, state, NULL, NULL, PAIRS("AWS_CONFIG_FILE", folder)), -1);
    drop(&f);
    assert_int_equal(load(&f, state, NULL, NULL, NULL), 0);
    assert_null(ec2_config_warning(f.config, 0));
    drop(&f);
}

static const struct ec2_config_row *row(const struct ec2_config_row *rows, size_t count,
                                        const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(rows[i].name, name))
            return &rows[i];
    fail_msg("no row %s", name);
    return rows; /* not reached */
}

static void tells_what_counts(void **state)
{
    struct fixture f;
    struct ec2_config_row rows[EC2_CONFIG_ROWS_MAX];
    assert_int_equal(
        load(&f, state, NULL, NULL,
             PAIRS("AWS_PROFILE", "dev", "https_proxy", "http://me:hunter2@proxy:3128/",
                   "AWS_ENDPOINT_URL_S3", "https://key:hunter2@s3.example")),
        0);
    size_t count = ec2_config_rows(f.config, rows);
    for (size_t i = 0; i < count; i++)
        assert_null(strstr(rows[i].value, "hunter2"));
    assert_string_equal(row(rows, count, "profile")->value, "dev");
    assert_string_equal(row(rows, count, "profile")->origin, "AWS_PROFILE");
    assert_string_equal(row(rows, count, "region")->value, "r-dev");
    assert_string_equal(row(rows, count, "config file")->origin, "");
    assert_string_equal(row(rows, count, "credentials file")->origin, "not there");
    assert_string_equal(row(rows, count, "endpoint of EC2")->value, "http://127.0.0.1:3");
    assert_string_equal(row(rows, count, "endpoint of S3")->value, "https://(hidden)@s3.example");
    assert_string_equal(row(rows, count, "proxy")->value, "http://(hidden)@proxy:3128/");
    assert_string_equal(row(rows, count, "certificates")->value, "/dev.pem");
    drop(&f);
    assert_int_equal(load(&f, state, "lost", NULL, NULL), 0);
    count = ec2_config_rows(f.config, rows);
    assert_non_null(strstr(row(rows, count, "endpoint of EC2")->origin, "services nowhere"));
    assert_string_equal(row(rows, count, "region")->origin, "not chosen");
    drop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses_the_profile),
        cmocka_unit_test(refuses_a_profile_that_is_not_there),
        cmocka_unit_test(chooses_the_region),
        cmocka_unit_test(finds_the_endpoint),
        cmocka_unit_test(knows_fips_and_dual_stack),
        cmocka_unit_test(fills_a_sessions_settings),
        cmocka_unit_test(refuses_numbers_that_are_none),
        cmocka_unit_test(reads_how_the_metadata_are_asked_for),
        cmocka_unit_test(finds_files_as_the_tools_do),
        cmocka_unit_test(says_where_a_file_is_wrong),
        cmocka_unit_test(tells_what_counts),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
