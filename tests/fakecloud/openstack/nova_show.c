/* SPDX-License-Identifier: ISC */
/* A server as each microversion shows it; listings. */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "api/clock.h"
#include "api/memory.h"
#include "cinder.h"
#include "neutron.h"
#include "nova.h"
#include "os_wording.h"

#define LIMIT_MAX 1000

int fos_server_find(struct fc_call *call, const char *id, struct fc_object **ret,
                    struct fc_refusal *refusal)
{
    *ret = fos_find(call, FOS_SERVER, id);
    return *ret ? 0 : fos_refuse(call, refusal, 404, "Instance %.64s could not be found.", id);
}

json_t *fos_server_links(const struct fc_call *call, const char *id)
{
    mir_auto_free char *url = fos_url(call, FOS_COMPUTE, call->region);
    return json_pack("[{s:s,s:o},{s:s,s:o}]", "rel", "self", "href",
                     json_sprintf("%s/v2.1/servers/%s", url, id), "rel", "bookmark", "href",
                     json_sprintf("%s/servers/%s", url, id));
}

/* --- addresses --- */

static void add_address(json_t *addresses, const char *network, const struct fc_object *port,
                        const json_t *address, const char *type)
{
    bool v6 = strchr(json_string_value(address), ':') != NULL;
    if (!json_object_get(addresses, network))
        json_object_set_new(addresses, network, json_array());
    json_array_append_new(json_object_get(addresses, network),
                          json_pack("{s:i,s:O,s:s,s:O}", "version", v6 ? 6 : 4, "addr", address,
                                    "OS-EXT-IPS:type", type, "OS-EXT-IPS-MAC:mac_addr",
                                    fc_at(port->doc, "mac_address")));
}

static json_t *addresses_of(const struct fc_world *world, const struct fc_object *server)
{
    json_t *addresses = json_object(), *fixed;
    size_t i;
    for (struct fc_object *o = NULL;
         (o = fc_store_each(world->store, o, fos_ports.kind, server->region));) {
        if (strcmp(fc_text_at(o->doc, "device_id"), server->id) != 0)
            continue;
        const struct fc_object *network = fc_store_get(
            world->store, fos_networks.kind, server->region, fc_text_at(o->doc, "network_id"));
        const struct fc_object *floating = fos_floating_of(world, o);
        const char *name = network ? fc_text_at(network->doc, "name") : "";
        json_array_foreach(fc_at(o->doc, "fixed_ips"), i, fixed)
        {
            add_address(addresses, name, o, fc_at(fixed, "ip_address"), "fixed");
        }
        if (floating)
            add_address(addresses, name, o, fc_at(floating->doc, "floating_ip_address"),
                        "floating");
    }
    return addresses;
}

json_t *fos_server_plain(const struct fc_call *call, const struct fc_object *server)
{
    json_t *addresses = addresses_of(call->world, server), *list, *one;
    const char *network;
    size_t i;
    json_object_foreach(addresses, network, list)
    {
        json_array_foreach(list, i, one)
        {
            json_object_del(one, "OS-EXT-IPS:type");
            json_object_del(one, "OS-EXT-IPS-MAC:mac_addr");
        }
    }
    return addresses;
}

/* --- one server --- */

static json_t *bookmark(const struct fc_call *call, const char *folder, const char *id)
{
    mir_auto_free char *url = fos_url(call, FOS_COMPUTE, call->region);
    return json_pack("{s:s,s:[{s:s,s:o}]}", "id", id, "links", "rel", "bookmark", "href",
                     json_sprintf("%s/%s/%s", url, folder, id));
}

/* What only newer versions show. */
static void add_newer(const struct fc_call *call, const json_t *doc, json_t *shown)
{
    static const struct {
        const char *name;
        int from;
    } rows[] = {{"locked", 9}, {"description", 19}, {"tags", 26}};
    int minor = fos_of(call)->minor;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        if (minor >= rows[i].from)
            json_object_set(shown, rows[i].name, json_object_get(doc, rows[i].name));
    if (minor >= 63)
        json_object_set_new(shown, "trusted_image_certificates", json_null());
    if (minor >= 71)
        json_object_set_new(shown, "server_groups", json_array());
    if (minor >= 73)
        json_object_set_new(shown, "locked_reason", json_null());
    if (minor >= 90)
        json_object_set(shown, "OS-EXT-SRV-ATTR:hostname", json_object_get(doc, "name"));
    if (minor >= 47)
        json_object_set(shown, "flavor", json_object_get(doc, "flavor"));
    else
        json_object_set_new(shown, "flavor", bookmark(call, "flavors", fc_text_at(doc, "_flavor")));
}

static json_t *or_null(const json_t *doc, const char *name)
{
    json_t *value = json_object_get(doc, name);
    return value ? json_incref(value) : json_null();
}

static json_t *common(const struct fc_call *call, const struct fc_object *server, const json_t *doc)
{
    const char *image = fc_text_at(doc, "image");
    json_t *shown = json_object();
    static const char *const copied[] = {"name",
                                         "status",
                                         "user_id",
                                         "metadata",
                                         "hostId",
                                         "created",
                                         "updated",
                                         "key_name",
                                         "OS-EXT-STS:vm_state",
                                         "OS-EXT-STS:power_state"};
    for (size_t i = 0; i < MIR_NELEMS(copied); i++)
        json_object_set_new(shown, copied[i], or_null(doc, copied[i]));
    json_object_set_new(shown, "id", json_string(server->id));
    json_object_set(shown, "tenant_id", fc_at(doc, "_project"));
    json_object_set_new(shown, "image", *image ? bookmark(call, "images", image) : json_string(""));
    json_object_set_new(shown, "OS-EXT-STS:task_state", or_null(doc, "OS-EXT-STS:task_state"));
    json_object_set_new(shown, "OS-SRV-USG:launched_at", or_null(doc, "_launched_at"));
    json_object_set_new(shown, "OS-SRV-USG:terminated_at", json_null());
    return shown;
}

json_t *fos_server_show(const struct fc_call *call, const struct fc_object *server,
                        const json_t *doc)
{
    const char *status = fc_text_at(doc, "status");
    json_t *shown = common(call, server, doc);
    json_t *rest =
        json_pack("{s:o,s:o,s:s,s:s,s:s,s:s,s:s,s:o}", "links", fos_server_links(call, server->id),
                  "addresses", addresses_of(call->world, server), "accessIPv4", "", "accessIPv6",
                  "", "OS-DCF:diskConfig", "MANUAL", "config_drive", "",
                  "OS-EXT-AZ:availability_zone", *fc_text_at(doc, "hostId") ? "nova" : "",
                  "os-extended-volumes:volumes_attached", fos_volumes_of(call->world, server));
    json_object_update(shown, rest);
    json_decref(rest);
    if (strcmp(status, "ERROR") != 0 && strcmp(status, "SHUTOFF") != 0)
        json_object_set_new(shown, "progress", json_integer(strcmp(status, "BUILD") ? 100 : 0));
    if (fc_at(doc, "fault") && !strcmp(status, "ERROR"))
        json_object_set(shown, "fault", fc_at(doc, "fault"));
    if (json_object_size(fc_at(shown, "addresses")))
        json_object_set(shown, "security_groups", fc_at(doc, "security_groups"));
    add_newer(call, doc, shown);
    return shown;
}

int fos_server_get(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *server;
    if (fos_server_find(call, call->segments[0], &server, refusal))
        return -1;
    *ret_reply = json_pack("{s:o}", "server", fos_server_show(call, server, server->doc));
    return 0;
}

/* --- listings --- */

static const char *const filters[] = {"limit",
                                      "marker",
                                      "sort_key",
                                      "sort_dir",
                                      "name",
                                      "status",
                                      "image",
                                      "flavor",
                                      "changes-since",
                                      "all_tenants",
                                      "ip",
                                      "reservation_id",
                                      "tenant_id",
                                      "project_id",
                                      "deleted",
                                      "tags",
                                      "tags-any",
                                      "not-tags",
                                      "not-tags-any",
                                      "changes-before",
                                      "key_name",
                                      "host",
                                      "uuid",
                                      "locked",
                                      "access_ip_v4",
                                      "availability_zone",
                                      "config_drive",
                                      "vm_state",
                                      "task_state",
                                      "power_state",
                                      "user_id",
                                      "ip6",
                                      "metadata",
                                      "description",
                                      NULL};

static int check_words(const struct fc_call *call, struct fc_refusal *refusal)
{
    const struct fc_pairs *query = &call->request->query;
    const char *all = fc_request_query(call->request, "all_tenants");
    for (size_t i = 0; fos_of(call)->minor >= 75 && i < query->count; i++) {
        size_t k = 0;
        while (filters[k] && strcmp(filters[k], query->rows[i].name) != 0)
            k++;
        if (!filters[k])
            return fos_refuse(call, refusal, 400,
                              "Invalid input for query parameters. Additional properties are not "
                              "allowed ('%.60s' was unexpected)",
                              query->rows[i].name);
    }
    if (all && strcmp(all, "0") != 0 && strcasecmp(all, "false") != 0 &&
        !(fos_of(call)->roles & FOS_ADMIN))
        return fos_refuse_policy(call, refusal);
    return 0;
}

static bool name_matches(const char *pattern, const char *name)
{
    regex_t regex;
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB))
        return strstr(name, pattern) != NULL;
    bool matches = !regexec(&regex, name, 0, NULL, 0);
    regfree(&regex);
    return matches;
}

static bool has_tag(const json_t *doc, const char *tag, size_t len)
{
    size_t i;
    json_t *there;
    json_array_foreach(fc_at(doc, "tags"), i, there)
    {
        if (json_string_length(there) == len && !strncmp(json_string_value(there), tag, len))
            return true;
    }
    return false;
}

static bool tags_pass(const struct fc_call *call, const json_t *doc)
{
    static const struct {
        const char *name;
        bool all, wanted;
    } modes[] = {{"tags", true, true},
                 {"tags-any", false, true},
                 {"not-tags", true, false},
                 {"not-tags-any", false, false}};
    for (size_t m = 0; fos_of(call)->minor >= 26 && m < MIR_NELEMS(modes); m++) {
        const char *at = fc_request_query(call->request, modes[m].name);
        unsigned wanted = 0, there = 0;
        for (size_t len; at && *at; at += len + (at[len] == ',')) {
            len = strcspn(at, ",");
            wanted++;
            there += has_tag(doc, at, len);
        }
        bool holds = modes[m].all ? there == wanted : there > 0;
        if (wanted && holds != modes[m].wanted)
            return false;
    }
    return true;
}

static bool changed_since(const struct fc_call *call, const struct fc_object *server)
{
    const char *since = fc_request_query(call->request, "changes-since");
    int64_t since_s, updated_s;
    if (!since || mir_time_parse(since, &since_s, NULL) ||
        mir_time_parse(fc_text_at(server->doc, "updated"), &updated_s, NULL))
        return true;
    return updated_s >= since_s;
}

/* What is no filter for others than administrators is passed over: metadata, host and so on. */
static bool passes(const struct fc_call *call, const struct fc_object *server, const json_t *doc)
{
    static const struct {
        const char *word, *member;
        int from;
    } rows[] = {{"status", "status", 1},
                {"image", "image", 1},
                {"flavor", "_flavor", 1},
                {"vm_state", "OS-EXT-STS:vm_state", 83},
                {"task_state", "OS-EXT-STS:task_state", 83},
                {"key_name", "key_name", 83}};
    const char *name = fc_request_query(call->request, "name");
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        const char *wanted = fos_of(call)->minor >= rows[i].from
                                 ? fc_request_query(call->request, rows[i].word)
                                 : NULL;
        const char *value = json_string_value(json_object_get(doc, rows[i].member));
        if (wanted && strcasecmp(wanted, value ? value : "") != 0)
            return false;
    }
    return (!name || name_matches(name, fc_text_at(doc, "name"))) && tags_pass(call, doc) &&
           changed_since(call, server);
}

static json_t *brief(const struct fc_call *call, const struct fc_object *server, const json_t *doc)
{
    return json_pack("{s:s,s:O,s:o}", "id", server->id, "name", fc_at(doc, "name"), "links",
                     fos_server_links(call, server->id));
}

/* The newest first. */
static json_t *rows_of(struct fc_call *call, bool detail)
{
    json_t *rows = json_array();
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, FOS_SERVER, call->region));) {
        const json_t *doc = fc_shown(o, call->now_ms);
        if (o->gone_ms || !fos_mine(call, o) ||
            call->now_ms < json_integer_value(fc_at(o->doc, "_listed_ms")) || !passes(call, o, doc))
            continue;
        json_array_insert_new(rows, 0,
                              detail ? fos_server_show(call, o, doc) : brief(call, o, doc));
    }
    return rows;
}

static int read_page(const struct fc_call *call, struct fos_page *ret, struct fc_refusal *refusal)
{
    const char *limit = fc_request_query(call->request, "limit");
    int64_t most = call->world->settings.page_max;
    char *end = NULL;
    ret->marker = fc_request_query(call->request, "marker");
    ret->limit = limit ? strtoll(limit, &end, 10) : most;
    if (limit && (!*limit || *end || ret->limit < 0))
        return fos_refuse(call, refusal, 400,
                          "Invalid input for query parameters limit. Value: %.20s", limit);
    if (ret->limit > most || (limit && !ret->limit))
        ret->limit = most;
    return 0;
}

static int list(struct fc_call *call, bool detail, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fos_page page;
    bool more;
    if (check_words(call, refusal) || read_page(call, &page, refusal))
        return -1;
    json_t *rows = rows_of(call, detail);
    if (fos_cut(rows, "id", &page, &more)) {
        json_decref(rows);
        return fos_refuse(call, refusal, 400, "marker [%.64s] not found", page.marker);
    }
    *ret_reply = json_pack("{s:o}", "servers", rows);
    if (more && json_array_size(rows)) {
        mir_auto_free char *url = fos_url(call, FOS_COMPUTE, call->region);
        mir_auto_free char *query =
            fos_next_query(call, fc_text_at(json_array_get(rows, json_array_size(rows) - 1), "id"));
        json_object_set_new(*ret_reply, "servers_links",
                            json_pack("[{s:s,s:o}]", "rel", "next", "href",
                                      json_sprintf("%s%s?%s", url, fos_of(call)->rest, query)));
    }
    return 0;
}

int fos_server_list(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return list(call, false, ret_reply, refusal);
}

int fos_server_list_detail(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return list(call, true, ret_reply, refusal);
}

int fos_server_addresses(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *server;
    if (fos_server_find(call, call->segments[0], &server, refusal))
        return -1;
    *ret_reply = json_pack("{s:o}", "addresses", fos_server_plain(call, server));
    return 0;
}
