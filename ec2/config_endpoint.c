/* SPDX-License-Identifier: ISC */
/* Where services are, and the other settings of a session. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/memory.h"
#include "settings.h"

/* The profile's `services` section. */
static int from_section(const struct ec2_config *config, const struct ec2_service_info *service,
                        struct ec2_setting *ret, struct mir_error *err)
{
    struct ec2_setting section;
    ec2_config_value(config, NULL, "services", &section);
    if (!section.value)
        return 0;
    if (!ec2_profiles_has(ec2_config_profiles(config), EC2_SECTION_SERVICES, section.value))
        return mir_fail(err, MIR_USAGE, "%s: there is no section [services %.64s]", section.origin,
                        section.value);
    const struct ec2_property *p =
        ec2_profiles_get(ec2_config_profiles(config), EC2_SECTION_SERVICES, section.value,
                         service->section, "endpoint_url");
    if (p && *p->value) {
        ret->value = p->value;
        snprintf(ret->origin, sizeof ret->origin, "%s:%u", p->path, p->line);
    }
    return 0;
}

static int said_endpoint(const struct ec2_config *config, const struct ec2_service_info *service,
                         struct ec2_setting *ret, struct mir_error *err)
{
    *ret = (struct ec2_setting){0};
    if (ec2_config_flag(config, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
                        "ignore_configured_endpoint_urls"))
        return 0;
    char variable[64];
    snprintf(variable, sizeof variable, "AWS_ENDPOINT_URL_%s", service->variable);
    ec2_config_value(config, variable, NULL, ret);
    if (!ret->value)
        ec2_config_value(config, "AWS_ENDPOINT_URL", NULL, ret);
    if (!ret->value && from_section(config, service, ret, err))
        return -1;
    if (!ret->value)
        ec2_config_value(config, NULL, "endpoint_url", ret);
    return 0;
}

int ec2_config_endpoint(const struct ec2_config *config, enum ec2_service service,
                        struct ec2_setting *ret, struct mir_error *err)
{
    const struct ec2_service_info *info = ec2_service_info(service);
    bool fips = ec2_config_fips(config), dualstack = ec2_config_dualstack(config);
    struct ec2_setting said;
    if (said_endpoint(config, info, &said, err))
        return -1;
    if (said.value && (fips || dualstack))
        return mir_fail(err, MIR_USAGE,
                        "%s gives an endpoint for %s, and AWS_USE_%s_ENDPOINT asks "
                        "for another",
                        said.origin, info->title, fips ? "FIPS" : "DUALSTACK");
    if (!said.value && (fips || dualstack)) {
        said.value = ec2_config_variant(config, service);
        if (!said.value && fips)
            return mir_fail(err, MIR_USAGE, "no FIPS endpoint is known for %s", info->title);
        mir_copy(said.origin, sizeof said.origin,
                 fips ? "AWS_USE_FIPS_ENDPOINT" : "AWS_USE_DUALSTACK_ENDPOINT");
    }
    *ret = said;
    return 0;
}

int ec2_config_settings_in(const struct ec2_config *config, const char *region,
                           struct ec2_session_settings *ret, struct mir_error *err)
{
    struct ec2_session_settings settings = *ret;
    struct ec2_setting said;
    int attempts;
    settings.region = region;
    for (int i = 0; i < EC2_SERVICE_COUNT; i++) {
        if (ec2_config_endpoint(config, (enum ec2_service)i, &said, err))
            return -1;
        settings.endpoints[i] = said.value;
    }
    ec2_config_value(config, "AWS_CA_BUNDLE", "ca_bundle", &said);
    settings.ca_file = said.value;
    if (ec2_config_number(config, "AWS_MAX_ATTEMPTS", "max_attempts", 100, 0, &attempts, err))
        return -1;
    settings.attempts_max = (unsigned)attempts;
    *ret = settings;
    return 0;
}

int ec2_config_settings(const struct ec2_config *config, struct ec2_session_settings *ret,
                        struct mir_error *err)
{
    struct ec2_setting region;
    ec2_config_region(config, &region);
    if (region.value)
        return ec2_config_settings_in(config, region.value, ret, err);
    mir_fail(err, MIR_USAGE, "no AWS region is chosen");
    return mir_error_hint(err, "set AWS_REGION, or `region` in %s",
                          ec2_config_path(config, EC2_FILE_CONFIG));
}

int ec2_config_imds(const struct ec2_config *config, struct ec2_imds_settings *ret,
                    struct mir_error *err)
{
    struct ec2_imds_settings imds = {0};
    struct ec2_setting said;
    int seconds;
    imds.disabled = ec2_config_flag(config, "AWS_EC2_METADATA_DISABLED", NULL);
    if (ec2_config_number(config, "AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout", 300,
                          1, &seconds, err) ||
        ec2_config_number(config, "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
                          "metadata_service_num_attempts", 20, 1, &imds.attempts, err))
        return -1;
    imds.timeout_ms = seconds * 1000;
    ec2_config_value(config, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
                     "ec2_metadata_service_endpoint_mode", &said);
    if (said.value && !strcasecmp(said.value, "ipv6"))
        imds.endpoint = EC2_IMDS_ADDRESS_V6;
    else if (said.value && strcasecmp(said.value, "ipv4") != 0)
        return mir_fail(err, MIR_USAGE, "%s: '%.40s' is neither ipv4 nor ipv6", said.origin,
                        said.value);
    if (!said.value && ec2_config_flag(config, "AWS_IMDS_USE_IPV6", "imds_use_ipv6"))
        imds.endpoint = EC2_IMDS_ADDRESS_V6;
    ec2_config_value(config, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint",
                     &said);
    if (said.value)
        imds.endpoint = said.value;
    *ret = imds;
    return 0;
}
