/* SPDX-License-Identifier: ISC */
#include "openstack/config.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/buf.h"
#include "api/cleanup.h"
#include "api/memory.h"
#include "api/secret.h"
#include "api/suggest.h"
#include "config_inside.h"

#define NAMES_SHOWN 32 /* clouds that an error lists */

/* --- the environment --- */

static const char *const *variables_of(const struct os_config *config)
{
    return config->wish.environment ? config->wish.environment : (const char *const *)environ;
}

const char *os_config_variable(const struct os_config *config, const char *name)
{
    size_t len = strlen(name);
    for (const char *const *at = variables_of(config); *at; at++)
        if (!strncmp(*at, name, len) && (*at)[len] == '=')
            return (*at)[len + 1] ? *at + len + 1 : NULL;
    return NULL;
}

void os_config_warn(struct os_config *config, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (config->warning_count < OS_CONFIG_WARNINGS_MAX)
        config->warnings[config->warning_count++] = mir_strdup(text);
}

const char *os_config_warning(const struct os_config *config, size_t at)
{
    return at < config->warning_count ? config->warnings[at] : NULL;
}

static bool begins_with_one(const char *text, const char *const *words, size_t count, bool whole)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(words[i]);
        if (!strncmp(text, words[i], len) && (!whole || text[len] == '='))
            return true;
    }
    return false;
}

/* The variables as a cloud. Those that only choose among clouds make none. */
static void read_variables(struct os_config *config, struct os_settings *ret)
{
    static const char *const foreign[] = {"OS_TEST", "OS_STD", "OS_LOG"};
    static const char *const selectors[] = {"OS_CLOUD", "OS_REGION_NAME", "OS_CLIENT_CONFIG_FILE",
                                            "OS_CLIENT_SECURE_FILE", "OS_CLOUD_NAME"};
    for (const char *const *at = variables_of(config); *at; at++) {
        if (strncmp(*at, "OS_", 3) != 0 || !strchr(*at, '=') ||
            begins_with_one(*at, foreign, MIR_NELEMS(foreign), false))
            continue;
        if (!begins_with_one(*at, selectors, MIR_NELEMS(selectors), true))
            config->variables = true;
        size_t len = strcspn(*at, "=");
        mir_auto_free char *name = mir_format("%.*s", (int)len, *at);
        mir_auto_free char *key = mir_strdup(name + 3);
        for (char *c = key; *c; c++)
            *c = (char)tolower((unsigned char)*c);
        if ((*at)[len + 1])
            os_settings_set(ret, key, *at + len + 1, name);
    }
}

/* --- what there is --- */

static struct os_settings *add_cloud(struct os_config *config, const char *name)
{
    config->clouds = mir_realloc(config->clouds, config->cloud_count + 1, sizeof *config->clouds);
    struct os_named_cloud *cloud = &config->clouds[config->cloud_count++];
    cloud->name = mir_strdup(name);
    os_settings_init(&cloud->settings);
    return &cloud->settings;
}

static struct os_named_cloud *find_cloud(const struct os_config *config, const char *name)
{
    for (size_t i = 0; i < config->cloud_count; i++)
        if (!strcmp(config->clouds[i].name, name))
            return &config->clouds[i];
    return NULL;
}

const char *os_config_name(const struct os_config *config, size_t at)
{
    return at < config->cloud_count ? config->clouds[at].name : NULL;
}

/* The clouds of one file, each laid over what is known of it. */
static int add_file(struct os_config *config, const struct os_config_file *file,
                    struct mir_error *err)
{
    const char *name;
    json_t *unused;
    struct os_settings check;
    os_settings_init(&check);
    json_t *clouds = json_object_get(file->tree, "clouds");
    int rc = json_is_object(clouds)
                 ? 0
                 : os_config_lay(file, "clouds", NULL, false, &check, err); /* says why not */
    os_settings_clear(&check);
    json_object_foreach(clouds, name, unused)
    {
        const struct os_named_cloud *known = find_cloud(config, name);
        struct os_settings own = {0};
        if (rc)
            break;
        if (!known)
            own = *add_cloud(config, name);
        else
            own = known->settings;
        rc = os_config_lay(file, "clouds", name, true, &own, err);
    }
    if (!rc)
        rc = os_config_lay(file, "client", NULL, true, &config->client, err);
    return rc;
}

static int clash(const struct os_config *config, struct mir_error *err)
{
    const char *path =
        config->clouds_file.path ? config->clouds_file.path : config->secure_file.path;
    mir_fail(err, MIR_USAGE,
             "%s describes a cloud '%.64s', which is the name of the one that OS_* "
             "variables make",
             path, config->of_variables);
    return mir_error_hint(err, "rename it, or set OS_CLOUD_NAME to another name");
}

static int read_all(struct os_config *config, struct mir_error *err)
{
    const char *name = os_config_variable(config, "OS_CLOUD_NAME");
    struct os_settings own;
    config->of_variables = mir_strdup(name ? name : "envvars");
    if (os_config_find(config, "clouds", "OS_CLIENT_CONFIG_FILE", &config->clouds_file, err) ||
        os_config_find(config, "secure", "OS_CLIENT_SECURE_FILE", &config->secure_file, err) ||
        add_file(config, &config->clouds_file, err) || add_file(config, &config->secure_file, err))
        return -1;
    if (find_cloud(config, config->of_variables))
        return clash(config, err);
    os_settings_init(&own);
    read_variables(config, &own);
    if (config->variables)
        os_settings_over(add_cloud(config, config->of_variables), &own);
    os_settings_clear(&own);
    return 0;
}

struct os_config *os_config_load(const struct os_config_wish *wish, struct mir_error *err)
{
    struct os_config *config = mir_calloc(1, sizeof *config);
    config->wish = *wish;
    os_settings_init(&config->client);
    os_settings_init(&config->now);
    if (read_all(config, err)) {
        os_config_free(config);
        return NULL;
    }
    return config;
}

void os_config_free(struct os_config *config)
{
    if (!config)
        return;
    os_config_file_clear(&config->clouds_file);
    os_config_file_clear(&config->secure_file);
    os_config_file_clear(&config->public_file);
    for (size_t i = 0; i < config->cloud_count; i++) {
        free(config->clouds[i].name);
        os_settings_clear(&config->clouds[i].settings);
    }
    for (size_t i = 0; i < config->warning_count; i++)
        free(config->warnings[i]);
    os_settings_clear(&config->client);
    os_settings_clear(&config->now);
    free(config->clouds);
    free(config->of_variables);
    free(config->chosen);
    free(config);
}

/* --- which --- */

static int none_at_all(struct mir_error *err)
{
    mir_fail(err, MIR_CREDENTIALS, "no OpenStack cloud is described");
    return mir_error_hint(err, "write ~/.config/openstack/clouds.yaml (a cloud's dashboard has it "
                               "under API Access), or set OS_AUTH_URL and the like");
}

static int which_one(const struct os_config *config, struct mir_error *err)
{
    mir_auto_buf struct mir_buf names;
    mir_buf_init(&names, 300);
    for (size_t i = 0; i < config->cloud_count && i < NAMES_SHOWN; i++)
        mir_buf_addf(&names, "%s%s", i ? ", " : "", config->clouds[i].name);
    mir_fail(err, MIR_USAGE, "%s describes several clouds, and none is chosen: %s",
             config->clouds_file.path ? config->clouds_file.path : config->secure_file.path,
             mir_buf_text(&names));
    return mir_error_hint(err, "set OS_CLOUD to one of them");
}

static int no_such_cloud(const struct os_config *config, const char *name, const char *by,
                         struct mir_error *err)
{
    const char *names[NAMES_SHOWN];
    size_t count = 0;
    while (count < NAMES_SHOWN && (names[count] = os_config_name(config, count)))
        count++;
    const char *meant = mir_suggest(name, names, count);
    mir_fail(err, MIR_CREDENTIALS, "there is no cloud '%.64s' (%s)", name, by);
    if (meant)
        return mir_error_hint(err, "did you mean '%.64s'?", meant);
    return mir_error_hint(err, "clouds stand in %s",
                          config->clouds_file.path ? config->clouds_file.path
                                                   : "~/.config/openstack/clouds.yaml");
}

static int choose(struct os_config *config, const struct os_named_cloud **ret,
                  struct mir_error *err)
{
    const char *name = config->wish.cloud, *by = "chosen";
    if (!name && (name = os_config_variable(config, "OS_CLOUD")))
        by = "OS_CLOUD";
    if (!name && config->variables) {
        name = config->of_variables;
        by = "OS_* variables";
    }
    if (!name && config->cloud_count == 1) {
        name = config->clouds[0].name;
        by = "the only one";
    }
    if (!name)
        return config->cloud_count ? which_one(config, err) : none_at_all(err);
    *ret = find_cloud(config, name);
    if (!*ret)
        return no_such_cloud(config, name, by, err);
    free(config->chosen);
    config->chosen = mir_strdup(name);
    config->chosen_by = by;
    return 0;
}

/* The profile's values, with the cloud's own over them. */
static int gather(struct os_config *config, const struct os_settings *own, struct mir_error *err)
{
    struct os_settings *all = &config->now;
    const char *key = os_settings_get(own, "profile") ? "profile" : "cloud";
    mir_auto_free char *profile = NULL;
    os_settings_clear(all);
    os_settings_init(all);
    if (os_settings_text(own, key, &profile, err) ||
        (profile && strcmp(profile, config->of_variables) != 0 &&
         os_config_profile(config, profile, all, err)))
        return -1;
    os_settings_over(all, own);
    if (os_config_region(config, own, all, err))
        return -1;
    os_settings_rename(all, "endpoint_type", "interface");
    return 0;
}

int os_config_cloud(struct os_config *config, struct os_cloud *ret, struct mir_error *err)
{
    const struct os_named_cloud *cloud;
    struct os_cloud made = {0};
    if (choose(config, &cloud, err))
        return -1;
    if (gather(config, &cloud->settings, err) || os_config_read(config, &made, err)) {
        os_cloud_clear(&made);
        return mir_error_wrap(err, "cloud '%.64s'", cloud->name);
    }
    *ret = made;
    return 0;
}
