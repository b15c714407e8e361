/* SPDX-License-Identifier: ISC */
/*
 * config_show [CLOUD [REGION]]: the cloud that openstack/config.h makes of the environment and the
 * files here, as one line of JSON, for tests/openstack/config.py to hold against openstacksdk. "-"
 * for what the environment says. With secrets: it is a test.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "openstack/config.h"

static void add(json_t *out, const char *name, const char *text)
{
    if (text)
        json_object_set_new(out, name, json_string(text));
}

static void add_named(json_t *out, const char *prefix, const struct os_named *named)
{
    const struct {
        const char *name, *text;
    } rows[] = {{"id", named->id},
                {"name", named->name},
                {"domain_id", named->domain_id},
                {"domain_name", named->domain_name}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        char name[64];
        snprintf(name, sizeof name, "%s.%s", prefix, rows[i].name);
        add(out, name, rows[i].text);
    }
}

static void add_services(json_t *out, const struct os_cloud *cloud)
{
    for (int i = 0; i < OS_SERVICE_COUNT; i++) {
        const struct os_service_choice *c = &cloud->services[i];
        json_t *one = json_object();
        add(one, "endpoint", c->endpoint_override);
        add(one, "api_version", c->api_version);
        add(one, "microversion", c->microversion);
        add(one, "service_type", c->service_type);
        add(one, "service_name", c->service_name);
        add(one, "interface", c->interface);
        add(one, "region", c->region);
        json_object_set_new(out, os_service_info((enum os_service)i)->type, one);
    }
}

static json_t *show(const struct os_cloud *cloud)
{
    json_t *out = json_object();
    const struct {
        const char *name, *text;
    } rows[] = {{"name", cloud->name},
                {"auth_url", cloud->auth_url},
                {"domain_id", cloud->domain_id},
                {"domain_name", cloud->domain_name},
                {"system_scope", cloud->system_scope},
                {"password", cloud->password},
                {"secret", cloud->application_secret},
                {"token", cloud->token},
                {"region", cloud->region},
                {"interface", cloud->interface},
                {"cacert", cloud->cacert},
                {"cert", cloud->cert},
                {"key", cloud->key},
                {"image_format", cloud->image_format},
                {"secgroup_source", cloud->secgroup_source},
                {"floating_ip_source", cloud->floating_ip_source},
                {"external_network", cloud->external_network},
                {"default_network", cloud->default_network}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        add(out, rows[i].name, rows[i].text);
    add_named(out, "user", &cloud->user);
    add_named(out, "project", &cloud->project);
    add_named(out, "application", &cloud->application);
    add_services(out, cloud);
    json_object_set_new(out, "auth_type", json_integer(cloud->auth_type));
    json_object_set_new(out, "insecure", json_boolean(cloud->insecure));
    json_object_set_new(out, "force_ipv4", json_boolean(cloud->force_ipv4));
    json_object_set_new(out, "tasks", json_boolean(cloud->image_api_use_tasks));
    json_object_set_new(out, "floating_ip", json_integer(cloud->requires_floating_ip));
    return out;
}

static json_t *trail(const struct os_config *config)
{
    struct os_config_row rows[OS_CONFIG_ROWS_MAX];
    json_t *out = json_array();
    size_t count = os_config_rows(config, rows);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(out,
                              json_pack("[s, s, s]", rows[i].name, rows[i].value, rows[i].origin));
    return out;
}

static const char *given(int argc, char **argv, int at)
{
    return argc > at && strcmp(argv[at], "-") != 0 ? argv[at] : NULL;
}

int main(int argc, char **argv)
{
    struct os_config_wish wish = {.cloud = given(argc, argv, 1), .region = given(argc, argv, 2)};
    struct mir_error err = {0};
    struct os_cloud cloud = {0};
    json_t *out = json_object();
    struct os_config *config = os_config_load(&wish, &err);
    if (config && !os_config_cloud(config, &cloud, &err)) {
        json_object_set_new(out, "cloud", show(&cloud));
    } else {
        json_object_set_new(out, "error", json_string(err.text));
        json_object_set_new(out, "kind", json_integer(err.kind));
    }
    if (config)
        json_object_set_new(out, "trail", trail(config));
    json_dumpf(out, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(out);
    os_cloud_clear(&cloud);
    os_config_free(config);
    return 0;
}
