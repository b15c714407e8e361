/* SPDX-License-Identifier: ISC */
/* From all that counts for a cloud to struct os_cloud: tables of what is said under which names,
 * and what of it is needed. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/cleanup.h"
#include "api/http.h"
#include "api/memory.h"
#include "config_inside.h"

#define AT(member) offsetof(struct os_cloud, member)

/* A text and the names that it may have, the best first: each in `auth` and beside it. */
static const struct said {
    size_t at;
    const char *names[3];
} said[] = {
    {AT(auth_url), {"auth_url"}},
    {AT(user.id), {"user_id"}},
    {AT(user.name), {"username", "user_name"}},
    {AT(user.domain_id), {"user_domain_id"}},
    {AT(user.domain_name), {"user_domain_name"}},
    {AT(project.id), {"project_id", "tenant_id"}},
    {AT(project.name), {"project_name", "tenant_name"}},
    {AT(project.domain_id), {"project_domain_id"}},
    {AT(project.domain_name), {"project_domain_name"}},
    {AT(domain_id), {"domain_id"}},
    {AT(domain_name), {"domain_name"}},
    {AT(system_scope), {"system_scope"}},
    {AT(password), {"password"}},
    {AT(application.id), {"application_credential_id"}},
    {AT(application.name), {"application_credential_name"}},
    {AT(application_secret), {"application_credential_secret"}},
    {AT(token), {"token", "auth_token"}},
};

/* What stands beside `auth`. */
static const struct plain {
    size_t at;
    const char *name;
    bool filled; /* {region_name} in it is replaced */
} plain[] = {
    {AT(region), "region_name", false},
    {AT(cacert), "cacert", true},
    {AT(cert), "cert", true},
    {AT(image_format), "image_format", false},
    {AT(secgroup_source), "secgroup_source", false},
    {AT(floating_ip_source), "floating_ip_source", false},
};

/* <service>_<this>; `older` is its other spelling. */
static const struct of_service {
    size_t at;
    const char *name, *older;
    bool filled;
} of_service[] = {
    {offsetof(struct os_service_choice, endpoint_override), "endpoint_override", "endpoint", true},
    {offsetof(struct os_service_choice, api_version), "api_version", NULL, false},
    {offsetof(struct os_service_choice, microversion), "default_microversion", NULL, false},
    {offsetof(struct os_service_choice, service_type), "service_type", NULL, false},
    {offsetof(struct os_service_choice, service_name), "service_name", NULL, false},
    {offsetof(struct os_service_choice, interface), "interface", "endpoint_type", false},
    {offsetof(struct os_service_choice, region), "region_name", NULL, false},
};

static const struct {
    const char *name;
    enum os_auth_type type;
} auth_types[] = {
    {"password", OS_AUTH_PASSWORD},
    {"v3password", OS_AUTH_PASSWORD},
    {"v3applicationcredential", OS_AUTH_APPLICATION_CREDENTIAL},
    {"token", OS_AUTH_TOKEN},
    {"v3token", OS_AUTH_TOKEN},
    {"none", OS_AUTH_NONE},
    {"noauth", OS_AUTH_NONE},
};

static char **text_at(void *base, size_t at)
{
    return (char **)((char *)base + at);
}

/* *ret stays as it is where nothing is said. */
static int take(const struct os_settings *all, const char *key, char **ret, struct mir_error *err)
{
    char *text;
    if (os_settings_text(all, key, &text, err))
        return -1;
    if (!text)
        return 0;
    free(*ret);
    *ret = text;
    return 0;
}

static int take_filled(const struct os_settings *all, const char *key, char **ret,
                       struct mir_error *err)
{
    if (take(all, key, ret, err))
        return -1;
    if (!*ret)
        return 0;
    char *filled = os_settings_fill(all, *ret, os_settings_origin(all, key), err);
    free(*ret);
    *ret = filled;
    return filled ? 0 : -1;
}

/* --- who asks --- */

static int read_said(const struct os_settings *all, const struct said *row, struct os_cloud *ret,
                     struct mir_error *err)
{
    static const char *const places[] = {"auth.", ""};
    char **to = text_at(ret, row->at);
    for (size_t i = 0; i < MIR_NELEMS(row->names) && row->names[i]; i++) {
        for (size_t j = 0; j < MIR_NELEMS(places) && !*to; j++) {
            mir_auto_free char *key = mir_format("%s%s", places[j], row->names[i]);
            if (take(all, key, to, err))
                return -1;
        }
    }
    return 0;
}

static int read_auth_type(const struct os_settings *all, struct os_cloud *ret,
                          struct mir_error *err)
{
    const char *key = os_settings_get(all, "auth_type") ? "auth_type" : "auth_plugin";
    mir_auto_free char *name = NULL;
    if (os_settings_text(all, key, &name, err))
        return -1;
    for (size_t i = 0; i < MIR_NELEMS(auth_types); i++) {
        if (strcasecmp(name ? name : "password", auth_types[i].name) == 0) {
            ret->auth_type = auth_types[i].type;
            return 0;
        }
    }
    mir_fail(err, MIR_USAGE, "%s: auth_type '%.64s' is not served here",
             os_settings_origin(all, key), name);
    return mir_error_hint(err, "make an application credential and write v3applicationcredential; "
                               "password and token are served, too");
}

static void fill_in(char **text, const char *otherwise)
{
    if (!*text)
        *text = mir_strdup(otherwise);
}

static void fill_domain(struct os_named *named, const char *id, const char *name)
{
    if (named->domain_id || named->domain_name)
        return;
    named->domain_id = mir_strdup(id);
    named->domain_name = mir_strdup(name);
}

/* A domain that is said once, where there is a project: that of both. */
static void spread_domain(struct os_cloud *cloud)
{
    if (!cloud->project.id && !cloud->project.name)
        return;
    fill_in(&cloud->user.domain_id, cloud->domain_id);
    fill_in(&cloud->project.domain_id, cloud->domain_id);
    fill_in(&cloud->user.domain_name, cloud->domain_name);
    fill_in(&cloud->project.domain_name, cloud->domain_name);
    free(cloud->domain_id);
    free(cloud->domain_name);
    cloud->domain_id = cloud->domain_name = NULL;
}

static int spread_default(const struct os_settings *all, struct os_cloud *ret,
                          struct mir_error *err)
{
    struct os_cloud both = {0};
    const struct said rows[] = {{AT(domain_id), {"default_domain_id"}},
                                {AT(domain_name), {"default_domain_name", "default_domain"}}};
    int rc = 0;
    for (size_t i = 0; i < MIR_NELEMS(rows) && !rc; i++)
        rc = read_said(all, &rows[i], &both, err);
    fill_domain(&ret->user, both.domain_id, both.domain_name);
    fill_domain(&ret->project, both.domain_id, both.domain_name);
    os_cloud_clear(&both);
    return rc;
}

static int refuse_trust(const struct os_settings *all, struct mir_error *err)
{
    const char *key = os_settings_get(all, "auth.trust_id") ? "auth.trust_id" : "trust_id";
    if (!os_settings_get(all, key))
        return 0;
    mir_fail(err, MIR_USAGE, "%s: trusts (trust_id) are not served here",
             os_settings_origin(all, key));
    return mir_error_hint(err, "make an application credential of that project");
}

static int read_who(const struct os_settings *all, struct os_cloud *ret, struct mir_error *err)
{
    if (read_auth_type(all, ret, err) || refuse_trust(all, err))
        return -1;
    for (size_t i = 0; i < MIR_NELEMS(said); i++)
        if (read_said(all, &said[i], ret, err))
            return -1;
    spread_domain(ret);
    if (spread_default(all, ret, err))
        return -1;
    if (!ret->auth_url)
        return 0;
    const char *key = os_settings_get(all, "auth.auth_url") ? "auth.auth_url" : "auth_url";
    char *filled = os_settings_fill(all, ret->auth_url, os_settings_origin(all, key), err);
    free(ret->auth_url);
    ret->auth_url = filled;
    return filled ? 0 : -1;
}

/* --- services --- */

static int read_choice(const struct os_settings *all, const char *type,
                       struct os_service_choice *ret, struct mir_error *err)
{
    for (size_t i = 0; i < MIR_NELEMS(of_service); i++) {
        const char *const names[] = {of_service[i].name, of_service[i].older};
        char **to = text_at(ret, of_service[i].at);
        for (size_t j = 0; j < MIR_NELEMS(names) && names[j] && !*to; j++) {
            mir_auto_free char *key = mir_format("%s_%s", type, names[j]);
            for (char *c = key; *c; c++)
                *c = *c == '-' ? '_' : *c;
            if (of_service[i].filled ? take_filled(all, key, to, err) : take(all, key, to, err))
                return -1;
        }
    }
    return 0;
}

static int read_services(const struct os_settings *all, struct os_cloud *ret, struct mir_error *err)
{
    mir_auto_free char *everywhere = NULL;
    if (ret->auth_type == OS_AUTH_NONE) { /* which has no catalog */
        struct said row = {0, {"endpoint"}};
        struct os_cloud one = {0};
        int rc = read_said(all, &row, &one, err);
        everywhere = one.name;
        if (rc)
            return -1;
    }
    for (int i = 0; i < OS_SERVICE_COUNT; i++) {
        const struct os_service_info *info = os_service_info((enum os_service)i);
        struct os_service_choice *choice = &ret->services[i];
        if (read_choice(all, info->type, choice, err))
            return -1;
        for (const char *const *alias = info->aliases; *alias; alias++)
            if (read_choice(all, *alias, choice, err))
                return -1;
        fill_in(&choice->endpoint_override, everywhere);
    }
    return 0;
}

/* --- the way to it --- */

/* "~/x" as the shell has it. */
static void expand(const struct os_config *config, char **path)
{
    const char *home = os_config_variable(config, "HOME");
    if (!*path || (*path)[0] != '~' || ((*path)[1] != '/' && (*path)[1]) || !home)
        return;
    char *whole = mir_format("%s%s", home, *path + 1);
    free(*path);
    *path = whole;
}

/* `verify`: true, false, or a file of certificates. */
static int read_verify(const struct os_settings *all, struct os_cloud *ret, struct mir_error *err)
{
    const json_t *verify = os_settings_get(all, "verify");
    int insecure, truth = verify ? os_settings_truth(verify) : 1;
    if (os_settings_flag(all, "insecure", 0, &insecure, err))
        return -1;
    if (verify && truth < 0 && !ret->cacert && take(all, "verify", &ret->cacert, err))
        return -1;
    ret->insecure = insecure || truth == 0;
    if (ret->insecure) {
        free(ret->cacert);
        ret->cacert = NULL;
    }
    return 0;
}

static int read_ipv4(const struct os_config *config, const struct os_settings *all,
                     struct os_cloud *ret, struct mir_error *err)
{
    /* The nearest first; each pair says the same in two ways. */
    int force, prefer;
    struct os_settings variables;
    os_settings_init(&variables);
    static const char *const names[][2] = {{"OS_FORCE_IPV4", "force_ipv4"},
                                           {"OS_PREFER_IPV6", "prefer_ipv6"}};
    for (size_t i = 0; i < MIR_NELEMS(names); i++)
        if (os_config_variable(config, names[i][0]))
            os_settings_set(&variables, names[i][1], os_config_variable(config, names[i][0]),
                            names[i][0]);
    int rc = os_settings_flag(&config->client, "broken_ipv6", 0, &force, err) ||
             os_settings_flag(&config->client, "force_ipv4", force, &force, err) ||
             os_settings_flag(&variables, "force_ipv4", force, &force, err) ||
             os_settings_flag(&config->client, "prefer_ipv6", 1, &prefer, err) ||
             os_settings_flag(&variables, "prefer_ipv6", prefer, &prefer, err) ||
             os_settings_flag(all, "force_ipv4", force || !prefer, &force, err) ||
             os_settings_flag(all, "prefer_ipv6", 1, &prefer, err);
    os_settings_clear(&variables);
    ret->force_ipv4 = force || !prefer;
    return rc ? -1 : 0;
}

static void lower_none(char **text)
{
    if (*text && !strcasecmp(*text, "none"))
        memcpy(*text, "none", 4);
}

static int read_way(const struct os_config *config, const struct os_settings *all,
                    struct os_cloud *ret, struct mir_error *err)
{
    for (size_t i = 0; i < MIR_NELEMS(plain); i++) {
        char **to = text_at(ret, plain[i].at);
        if (plain[i].filled ? take_filled(all, plain[i].name, to, err)
                            : take(all, plain[i].name, to, err))
            return -1;
    }
    if (take(all, "interface", &ret->interface, err) ||
        (ret->cert && take_filled(all, "key", &ret->key, err)) || read_verify(all, ret, err) ||
        read_ipv4(config, all, ret, err))
        return -1;
    expand(config, &ret->cacert);
    expand(config, &ret->cert);
    expand(config, &ret->key);
    lower_none(&ret->secgroup_source);
    lower_none(&ret->floating_ip_source);
    return 0;
}

/* --- networks --- */

static int flag_of(const json_t *network, const char *key, const char *origin,
                   struct mir_error *err)
{
    const json_t *value = json_object_get(network, key);
    int truth = value && !json_is_null(value) ? os_settings_truth(value) : 0;
    if (truth < 0)
        mir_fail(err, MIR_USAGE, "%s: `%s` of a network is neither true nor false", origin, key);
    return truth;
}

struct marks {
    const char *external, *destination, *first; /* routes_externally, ...; borrowed */
};

static int mark(const char **slot, const char *key, const char *name, const char *origin,
                struct mir_error *err)
{
    if (*slot) {
        mir_fail(err, MIR_USAGE, "%s: two networks have `%s`: '%.64s' and '%.64s'", origin, key,
                 *slot, name);
        return mir_error_hint(err, "leave it to one of them");
    }
    *slot = name;
    return 0;
}

static int read_network(const json_t *network, const char *origin, struct marks *marks,
                        struct mir_error *err)
{
    const char *name = json_string_value(json_object_get(network, "name"));
    if (!name || !*name)
        return mir_fail(err, MIR_USAGE, "%s: a network has no `name`", origin);
    int external = flag_of(network, "routes_externally", origin, err);
    int destination = flag_of(network, "nat_destination", origin, err);
    int first = flag_of(network, "default_interface", origin, err);
    if (external < 0 || destination < 0 || first < 0)
        return -1;
    if (external && !marks->external)
        marks->external = name;
    if ((destination && mark(&marks->destination, "nat_destination", name, origin, err)) ||
        (first && mark(&marks->first, "default_interface", name, origin, err)))
        return -1;
    return 0;
}

static int read_networks(const struct os_settings *all, struct os_cloud *ret, struct mir_error *err)
{
    static const char *const older[] = {"external_network", "internal_network"};
    const json_t *list = os_settings_get(all, "networks");
    const char *origin = os_settings_origin(all, "networks");
    struct marks marks = {0};
    if (list && !json_is_array(list))
        return mir_fail(err, MIR_USAGE, "%s: `networks` has to be a list", origin);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (read_network(json_array_get(list, i), origin, &marks, err))
            return -1;
    for (size_t i = 0; i < MIR_NELEMS(older); i++) {
        if (!list || !os_settings_get(all, older[i]))
            continue;
        mir_fail(err, MIR_USAGE, "%s: `%s` and `networks` are both said",
                 os_settings_origin(all, older[i]), older[i]);
        return mir_error_hint(err, "take the first away");
    }
    ret->external_network = mir_strdup(marks.external);
    ret->default_network = mir_strdup(marks.first ? marks.first : marks.destination);
    if (take(all, older[0], &ret->external_network, err))
        return -1;
    fill_in(&ret->default_network, list ? NULL : ret->external_network);
    return ret->default_network ? 0 : take(all, older[1], &ret->default_network, err);
}

/* --- what is needed --- */

static int missing(const struct os_config *config, const char *what, const char *variable,
                   struct mir_error *err)
{
    bool own = config->variables && !strcmp(config->chosen, config->of_variables);
    mir_fail(err, MIR_CREDENTIALS, "`%s` is missing", what);
    if (own)
        return mir_error_hint(err, "set %s", variable);
    return mir_error_hint(err, "write it below `auth` in %s",
                          config->clouds_file.path ? config->clouds_file.path : "clouds.yaml");
}

static int check(const struct os_config *config, const struct os_cloud *c, struct mir_error *err)
{
    bool user = c->user.id || c->user.name;
    const struct {
        enum os_auth_type type;
        bool there;
        const char *what, *variable;
    } needs[] = {
        {OS_AUTH_PASSWORD, c->auth_url, "auth_url", "OS_AUTH_URL"},
        {OS_AUTH_PASSWORD, user, "username", "OS_USERNAME"},
        {OS_AUTH_PASSWORD, c->password, "password", "OS_PASSWORD"},
        {OS_AUTH_APPLICATION_CREDENTIAL, c->auth_url, "auth_url", "OS_AUTH_URL"},
        {OS_AUTH_APPLICATION_CREDENTIAL, c->application.id || c->application.name,
         "application_credential_id", "OS_APPLICATION_CREDENTIAL_ID"},
        {OS_AUTH_APPLICATION_CREDENTIAL, c->application.id || user, "username", "OS_USERNAME"},
        {OS_AUTH_APPLICATION_CREDENTIAL, c->application_secret, "application_credential_secret",
         "OS_APPLICATION_CREDENTIAL_SECRET"},
        {OS_AUTH_TOKEN, c->auth_url, "auth_url", "OS_AUTH_URL"},
        {OS_AUTH_TOKEN, c->token, "token", "OS_TOKEN"},
    };
    for (size_t i = 0; i < MIR_NELEMS(needs); i++)
        if (needs[i].type == c->auth_type && !needs[i].there)
            return missing(config, needs[i].what, needs[i].variable, err);
    return 0;
}

static int check_url(const struct os_cloud *cloud, const struct os_settings *all,
                     struct mir_error *err)
{
    struct mir_url url;
    const char *key = os_settings_get(all, "auth.auth_url") ? "auth.auth_url" : "auth_url";
    if (!cloud->auth_url || !mir_url_parse(cloud->auth_url, &url, err))
        return 0;
    return mir_error_wrap(err, "%s: auth_url", os_settings_origin(all, key));
}

int os_config_read(const struct os_config *config, struct os_cloud *ret, struct mir_error *err)
{
    const struct os_settings *all = &config->now;
    int tasks;
    ret->name = mir_strdup(config->chosen);
    if (read_who(all, ret, err) || read_services(all, ret, err) ||
        read_way(config, all, ret, err) || read_networks(all, ret, err) ||
        os_settings_flag(all, "image_api_use_tasks", 0, &tasks, err) ||
        os_settings_flag(all, "requires_floating_ip", -1, &ret->requires_floating_ip, err) ||
        check_url(ret, all, err))
        return -1;
    ret->image_api_use_tasks = tasks;
    return check(config, ret, err);
}
