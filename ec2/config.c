/* SPDX-License-Identifier: ISC */
#include "ec2/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "api/buf.h"
#include "api/memory.h"
#include "api/suggest.h"
#include "ec2/imds.h"
#include "settings.h"

struct ec2_config {
    struct ec2_environment environment;
    struct ec2_profiles *profiles; /* owned */
    char *paths[EC2_PROFILE_FILES];
    bool found[EC2_PROFILE_FILES];
    struct ec2_stamp stamps[EC2_PROFILE_FILES];
    char *profile; /* owned */
    char *profile_origin;
    bool profile_explicit;
    char *wished_region;               /* owned; NULL: none */
    char *asked_region;                /* of the metadata service */
    char *variants[EC2_SERVICE_COUNT]; /* FIPS and dual-stack endpoints */
};

/* --- single values --- */

static const char *of_process(void *ctx, const char *name)
{
    return getenv(name);
}

const char *ec2_config_variable_raw(const struct ec2_config *config, const char *name)
{
    return config->environment.get(config->environment.ctx, name);
}

const char *ec2_config_variable(const struct ec2_config *config, const char *name)
{
    const char *value = ec2_config_variable_raw(config, name);
    return value && *value ? value : NULL;
}

static void said_at(struct ec2_setting *ret, const struct ec2_property *p)
{
    ret->value = p->value;
    snprintf(ret->origin, sizeof ret->origin, "%s:%u", p->path, p->line);
}

void ec2_config_value(const struct ec2_config *config, const char *variable, const char *key,
                      struct ec2_setting *ret)
{
    *ret = (struct ec2_setting){0};
    if (variable && (ret->value = ec2_config_variable(config, variable))) {
        mir_copy(ret->origin, sizeof ret->origin, variable);
        return;
    }
    const struct ec2_property *p =
        key ? ec2_profiles_get(config->profiles, EC2_SECTION_PROFILE, config->profile, key, NULL)
            : NULL;
    if (p && *p->value)
        said_at(ret, p);
}

bool ec2_config_flag(const struct ec2_config *config, const char *variable, const char *key)
{
    struct ec2_setting said;
    ec2_config_value(config, variable, key, &said);
    return said.value && !strcasecmp(said.value, "true");
}

int ec2_config_number(const struct ec2_config *config, const char *variable, const char *key,
                      int max, int otherwise, int *ret, struct mir_error *err)
{
    struct ec2_setting said;
    ec2_config_value(config, variable, key, &said);
    if (!said.value) {
        *ret = otherwise;
        return 0;
    }
    char *end;
    errno = 0;
    long number = strtol(said.value, &end, 10);
    if (errno || *end || end == said.value || number < 1 || number > max)
        return mir_fail(err, MIR_USAGE, "%s: '%.40s' is no whole number of 1 to %d", said.origin,
                        said.value, max);
    *ret = (int)number;
    return 0;
}

const struct ec2_profiles *ec2_config_profiles(const struct ec2_config *config)
{
    return config->profiles;
}

const char *ec2_config_path(const struct ec2_config *config, enum ec2_profile_file file)
{
    return config->paths[file];
}

const char *ec2_config_warning(const struct ec2_config *config, size_t at)
{
    return ec2_profiles_warning(config->profiles, at);
}

static struct ec2_stamp stamp_of(const char *path)
{
    struct stat st;
    if (stat(path, &st))
        return (struct ec2_stamp){{0}, -1, 0};
    return (struct ec2_stamp){st.st_mtim, st.st_size, st.st_ino};
}

struct ec2_stamp ec2_config_stamp(const struct ec2_config *config, enum ec2_profile_file file)
{
    return config->stamps[file];
}

bool ec2_stamp_changed(const struct ec2_stamp *stamp, const char *path)
{
    struct ec2_stamp now = stamp_of(path);
    return stamp->size != now.size || stamp->inode != now.inode ||
           stamp->changed.tv_sec != now.changed.tv_sec ||
           stamp->changed.tv_nsec != now.changed.tv_nsec;
}

bool ec2_config_found(const struct ec2_config *config, enum ec2_profile_file file)
{
    return config->found[file];
}

const char *ec2_config_profile_origin(const struct ec2_config *config)
{
    return config->profile_origin;
}

bool ec2_config_fips(const struct ec2_config *config)
{
    return ec2_config_flag(config, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
}

bool ec2_config_dualstack(const struct ec2_config *config)
{
    return ec2_config_flag(config, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");
}

const char *ec2_config_variant(const struct ec2_config *config, enum ec2_service service)
{
    return config->variants[service];
}

/* --- loading --- */

/* The variable that `text` begins with behind its $, as $NAME or ${NAME}; the bytes it takes, 0: it
 * is none that is set. */
static size_t variable_at(const struct ec2_config *config, const char *text, const char **ret_value)
{
    bool braces = text[0] == '{';
    const char *name = text + braces;
    size_t len = 0;
    while (isalnum((unsigned char)name[len]) || name[len] == '_')
        len++;
    if (len == 0 || (braces && name[len] != '}'))
        return 0;
    mir_auto_free char *copy = mir_format("%.*s", (int)len, name);
    *ret_value = ec2_config_variable_raw(config, copy);
    return *ret_value ? len + 2 * (size_t)braces : 0;
}

/* A path with ~ and $NAME filled in, as the AWS tools do; owned. */
static char *expand(const struct ec2_config *config, const char *path)
{
    struct mir_buf out;
    mir_buf_init(&out, 65536);
    const char *home = ec2_config_variable(config, "HOME");
    if (path[0] == '~' && (path[1] == '/' || !path[1]) && home) {
        mir_buf_adds(&out, home);
        path++;
    }
    while (*path) {
        const char *value;
        size_t used = *path == '$' ? variable_at(config, path + 1, &value) : 0;
        if (used > 0)
            mir_buf_adds(&out, value);
        else
            mir_buf_add(&out, path, 1);
        path += 1 + used;
    }
    return mir_buf_take(&out);
}

static int read_files(struct ec2_config *config, struct mir_error *err)
{
    static const struct {
        const char *variable, *otherwise;
    } files[EC2_PROFILE_FILES] = {
        [EC2_FILE_CONFIG] = {"AWS_CONFIG_FILE", "~/.aws/config"},
        [EC2_FILE_CREDENTIALS] = {"AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"}};
    for (size_t i = 0; i < EC2_PROFILE_FILES; i++) {
        const char *path = ec2_config_variable(config, files[i].variable);
        config->paths[i] = expand(config, path ? path : files[i].otherwise);
        config->stamps[i] = stamp_of(config->paths[i]);
        if (ec2_profiles_read(config->profiles, (enum ec2_profile_file)i, config->paths[i],
                              &config->found[i], err))
            return -1;
    }
    return 0;
}

static void choose_profile(struct ec2_config *config, const char *wished)
{
    /* botocore asks in this order; the account has to be the one that `aws` would use. */
    static const char *const variables[] = {"AWS_DEFAULT_PROFILE", "AWS_PROFILE"};
    const char *name = wished, *origin = "chosen";
    for (size_t i = 0; i < MIR_NELEMS(variables) && !name; i++)
        if ((name = ec2_config_variable(config, variables[i])))
            origin = variables[i];
    config->profile_explicit = wished != NULL;
    config->profile = mir_strdup(name ? name : "default");
    config->profile_origin = mir_strdup(name ? origin : "");
}

static int check_profile(const struct ec2_config *config, struct mir_error *err)
{
    const char *near[EC2_PROFILE_WARNINGS_MAX];
    size_t count = 0;
    if (!*config->profile_origin ||
        ec2_profiles_has(config->profiles, EC2_SECTION_PROFILE, config->profile))
        return 0;
    while (count < MIR_NELEMS(near) &&
           (near[count] = ec2_profiles_name(config->profiles, EC2_SECTION_PROFILE, count)))
        count++;
    const char *meant = mir_suggest(config->profile, near, count);
    mir_fail(err, MIR_CREDENTIALS, "there is no AWS profile '%.64s' (%s)", config->profile,
             config->profile_origin);
    if (meant)
        return mir_error_hint(err, "did you mean '%.64s'?", meant);
    return mir_error_hint(err, "profiles stand in %s and %s", config->paths[EC2_FILE_CONFIG],
                          config->paths[EC2_FILE_CREDENTIALS]);
}

/* "ec2-fips.eu-central-1.api.aws": the first part of the service's host, the region, the suffix;
 * S3's dual-stack hosts are older than the others'. Owned; NULL: it has no such host. */
static char *variant(const struct ec2_service_info *service, const char *region, bool fips,
                     bool dualstack)
{
    static const char *const fips_anyway[] = {"ec2", "sts", "ssm"};
    const char *host = service->host, *end = strstr(host, ".%s");
    if (service->region)
        region = service->region;
    bool china = !strncmp(region, "cn-", 3), gov = !strncmp(region, "us-gov-", 7);
    mir_auto_free char *word = mir_format("%.*s", end ? (int)(end - host) : 0, host);
    bool s3 = !strcmp(word, "s3");
    if (!end)
        return NULL;
    for (size_t i = 0; i < MIR_NELEMS(fips_anyway) && gov && !dualstack; i++)
        fips = fips && strcmp(word, fips_anyway[i]) != 0;
    const char *suffix = china ? "amazonaws.com.cn" : "amazonaws.com";
    if (dualstack && !s3)
        suffix = china ? "api.amazonwebservices.com.cn" : "api.aws";
    return mir_format("https://%s%s%s.%s.%s", word, fips ? "-fips" : "",
                      dualstack && s3 ? ".dualstack" : "", region, suffix);
}

static void make_variants(struct ec2_config *config)
{
    bool fips = ec2_config_fips(config), dualstack = ec2_config_dualstack(config);
    struct ec2_setting region;
    ec2_config_region(config, &region);
    for (int i = 0; i < EC2_SERVICE_COUNT && region.value && (fips || dualstack); i++) {
        free(config->variants[i]);
        config->variants[i] =
            variant(ec2_service_info((enum ec2_service)i), region.value, fips, dualstack);
    }
}

struct ec2_config *ec2_config_load(const struct ec2_config_wish *wish, struct mir_error *err)
{
    struct ec2_config *config = mir_calloc(1, sizeof *config);
    config->environment = wish->environment;
    if (!config->environment.get)
        config->environment.get = of_process;
    config->profiles = ec2_profiles_new();
    config->wished_region = mir_strdup(wish->region);
    choose_profile(config, wish->profile);
    if (read_files(config, err) || check_profile(config, err)) {
        ec2_config_free(config);
        return NULL;
    }
    make_variants(config);
    return config;
}

void ec2_config_free(struct ec2_config *config)
{
    if (!config)
        return;
    ec2_profiles_free(config->profiles);
    for (size_t i = 0; i < EC2_PROFILE_FILES; i++)
        free(config->paths[i]);
    for (size_t i = 0; i < EC2_SERVICE_COUNT; i++)
        free(config->variants[i]);
    free(config->profile);
    free(config->profile_origin);
    free(config->wished_region);
    free(config->asked_region);
    free(config);
}

const char *ec2_config_profile(const struct ec2_config *config, bool *ret_explicit)
{
    if (ret_explicit)
        *ret_explicit = config->profile_explicit;
    return config->profile;
}

/* --- the region, and what depends on it --- */

void ec2_config_region(const struct ec2_config *config, struct ec2_setting *ret)
{
    static const char *const variables[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
    *ret = (struct ec2_setting){config->wished_region, "chosen"};
    for (size_t i = 0; i < MIR_NELEMS(variables) && !ret->value; i++)
        ec2_config_value(config, variables[i], NULL, ret);
    if (!ret->value)
        ec2_config_value(config, NULL, "region", ret);
    if (!ret->value && config->asked_region)
        *ret = (struct ec2_setting){config->asked_region, "the instance metadata service"};
}

int ec2_config_ask_region(struct ec2_config *config, struct mir_error *err)
{
    struct ec2_setting said;
    struct ec2_imds_settings imds;
    char region[EC2_IMDS_REGION_TEXT];
    struct mir_error why = {0};
    ec2_config_region(config, &said);
    if (said.value)
        return 0;
    if (ec2_config_imds(config, &imds, err))
        return -1;
    if (ec2_imds_region(&imds, region, &why)) {
        mir_fail(err, MIR_USAGE, "no AWS region is chosen (%s)", why.text);
        return mir_error_hint(err, "set AWS_REGION, or `region` in %s",
                              config->paths[EC2_FILE_CONFIG]);
    }
    config->asked_region = mir_strdup(region);
    make_variants(config);
    return 0;
}
