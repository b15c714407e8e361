/* SPDX-License-Identifier: ISC */
/* What counts and who said so, for people. What is not known to be harmless is not shown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "config_inside.h"

static const char hidden[] = "(hidden)";

/* Ends of names, in `auth` or beside it. */
static const char *const harmless[] = {"auth_type",
                                       "auth_url",
                                       "username",
                                       "user_id",
                                       "domain_id",
                                       "domain_name",
                                       "project_id",
                                       "project_name",
                                       "tenant_id",
                                       "tenant_name",
                                       "system_scope",
                                       "application_credential_id",
                                       "region_name",
                                       "application_credential_name",
                                       "interface",
                                       "endpoint_type",
                                       "endpoint_override",
                                       "api_version",
                                       "default_microversion",
                                       "service_type",
                                       "service_name",
                                       "verify",
                                       "insecure",
                                       "cacert",
                                       "cert",
                                       "force_ipv4",
                                       "prefer_ipv6",
                                       "image_format",
                                       "use_tasks",
                                       "floating_ip",
                                       "secgroup_source",
                                       "profile",
                                       "cloud",
                                       "floating_ip_source",
                                       "networks",
                                       "external_network",
                                       "internal_network"};

struct rows {
    struct os_config_row *at;
    size_t count;
};

static void add(struct rows *rows, const char *name, const char *value, const char *origin)
{
    if (!value || rows->count == OS_CONFIG_ROWS_MAX)
        return;
    struct os_config_row *row = &rows->at[rows->count++];
    mir_copy(row->name, sizeof row->name, name);
    mir_copy(row->value, sizeof row->value, value);
    mir_copy(row->origin, sizeof row->origin, origin);
}

static bool may_be_seen(const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 0; i < MIR_NELEMS(harmless); i++) {
        size_t end = strlen(harmless[i]);
        if (len >= end && !strcmp(key + len - end, harmless[i]))
            return true;
    }
    return false;
}

/* Without the user name and password that a URL may hold. */
static char *without_user(const char *text)
{
    const char *host = strstr(text, "://");
    host = host ? host + 3 : text;
    const char *at = memrchr(host, '@', strcspn(host, "/?#"));
    return at && host != text ? mir_format("%.*s%s%s", (int)(host - text), text, hidden, at)
                              : mir_strdup(text);
}

static char *shown(const struct os_settings *all, const char *key)
{
    const json_t *value = os_settings_get(all, key);
    if (!value || !may_be_seen(key))
        return mir_strdup(value ? hidden : NULL);
    if (json_is_string(value))
        return without_user(json_string_value(value));
    return json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
}

size_t os_config_rows(const struct os_config *config, struct os_config_row ret[OS_CONFIG_ROWS_MAX])
{
    const struct os_config_file *const files[] = {&config->clouds_file, &config->secure_file,
                                                  &config->public_file};
    static const char *const names[] = {"clouds file", "secure file", "profiles file"};
    struct rows rows = {ret, 0};
    const char *key;
    json_t *origin;
    for (size_t i = 0; i < MIR_NELEMS(files); i++)
        add(&rows, names[i], files[i]->path, "");
    add(&rows, "cloud", config->chosen, config->chosen_by);
    json_object_foreach(config->now.origins, key, origin)
    {
        mir_auto_free char *value = shown(&config->now, key);
        add(&rows, strncmp(key, "auth.", 5) != 0 ? key : key + 5, value, json_string_value(origin));
    }
    return rows.count;
}
