/* SPDX-License-Identifier: ISC */
/* What counts and who said so, for people. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "settings.h"

struct rows {
    struct ec2_config_row *at;
    size_t count;
};

static void add(struct rows *rows, const char *name, const char *value, const char *origin)
{
    if (!value || rows->count == EC2_CONFIG_ROWS_MAX)
        return;
    struct ec2_config_row *row = &rows->at[rows->count++];
    mir_copy(row->name, sizeof row->name, name);
    mir_copy(row->value, sizeof row->value, value);
    mir_copy(row->origin, sizeof row->origin, origin);
}

/* A URL without the user name and password that it may hold. */
static void add_url(struct rows *rows, const char *name, const char *url, const char *origin)
{
    char shown[256];
    if (!url)
        return;
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    const char *at = memrchr(host, '@', strcspn(host, "/?#"));
    if (at)
        snprintf(shown, sizeof shown, "%.*s(hidden)%s", (int)(host - url), url, at);
    else
        mir_copy(shown, sizeof shown, url);
    add(rows, name, shown, origin);
}

static void add_value(struct rows *rows, const struct ec2_config *config, const char *name,
                      const char *variable, const char *key)
{
    struct ec2_setting said;
    ec2_config_value(config, variable, key, &said);
    add(rows, name, said.value, said.origin);
}

static void add_endpoints(struct rows *rows, const struct ec2_config *config)
{
    for (int i = 0; i < EC2_SERVICE_COUNT; i++) {
        struct ec2_setting said;
        struct mir_error err = {0};
        char name[40];
        snprintf(name, sizeof name, "endpoint of %s", ec2_service_info((enum ec2_service)i)->title);
        if (ec2_config_endpoint(config, (enum ec2_service)i, &said, &err))
            add(rows, name, "", err.text);
        else
            add_url(rows, name, said.value, said.origin);
    }
}

size_t ec2_config_rows(const struct ec2_config *config, struct ec2_config_row *ret)
{
    static const char *const names[EC2_PROFILE_FILES] = {"config file", "credentials file"};
    static const char *const proxies[] = {"https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy",
                                          "ALL_PROXY",   "no_proxy",    "NO_PROXY"};
    struct rows rows = {ret, 0};
    struct ec2_setting said;
    add(&rows, "profile", ec2_config_profile(config, NULL), ec2_config_profile_origin(config));
    for (size_t i = 0; i < MIR_NELEMS(names); i++)
        add(&rows, names[i], ec2_config_path(config, (enum ec2_profile_file)i),
            ec2_config_found(config, (enum ec2_profile_file)i) ? "" : "not there");
    ec2_config_region(config, &said);
    add(&rows, "region", said.value ? said.value : "", said.value ? said.origin : "not chosen");
    add_endpoints(&rows, config);
    add_value(&rows, config, "certificates", "AWS_CA_BUNDLE", "ca_bundle");
    add_value(&rows, config, "attempts", "AWS_MAX_ATTEMPTS", "max_attempts");
    for (size_t i = 0; i < MIR_NELEMS(proxies); i++)
        add_url(&rows, "proxy", ec2_config_variable(config, proxies[i]), proxies[i]);
    return rows.count;
}
