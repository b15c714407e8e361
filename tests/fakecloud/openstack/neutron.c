/* SPDX-License-Identifier: ISC */
/* Neutron: what all resources have in common, and the table of operations. */
#include "neutron.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/memory.h"
#include "neutron_more.h"
#include "os_wording.h"

static const struct fos_resource *const resources[] = {
    &fos_networks, &fos_subnets, &fos_routers,      &fos_ports,
    &fos_groups,   &fos_rules,   &fos_floating_ips, NULL};

/* The one that the path names: "/v2.0/ports/…". */
static const struct fos_resource *resource_of(const struct fc_call *call)
{
    const char *at = fos_of(call)->rest + sizeof "/v2.0";
    size_t len = strcspn(at, "/");
    const struct fos_resource *const *resource = resources;
    while (*resource &&
           (strlen((*resource)->path) != len || strncmp((*resource)->path, at, len) != 0))
        resource++;
    return *resource;
}

/* --- finding and showing --- */

bool fos_network_sees(const struct fc_call *call, const struct fc_object *object)
{
    return fos_mine(call, object) || json_is_true(fc_at(object->doc, "shared")) ||
           json_is_true(fc_at(object->doc, "_shared")) ||
           json_is_true(json_object_get(object->doc, "router:external"));
}

int fos_resource_find(struct fc_call *call, const struct fos_resource *resource, const char *id,
                      struct fc_object **ret, struct fc_refusal *refusal)
{
    struct fc_object *object = fc_store_get(call->world->store, resource->kind, call->region, id);
    *ret = object && fc_visible(object, call->now_ms) && fos_network_sees(call, object) ? object
                                                                                        : NULL;
    return *ret ? 0
                : fc_refuse(refusal, 404, resource->unknown, "%s %.64s %s", resource->not_found,
                            id ? id : "",
                            strcmp(resource->unknown, "SecurityGroupNotFound") &&
                                    strcmp(resource->unknown, "SecurityGroupRuleNotFound")
                                ? "could not be found."
                                : "does not exist");
}

static json_t *rule_of_group(const struct fc_object *rule)
{
    json_t *shown = fos_resource_show(&fos_rules, rule, rule->doc);
    json_object_set_new(shown, "standard_attr_id", json_integer((json_int_t)rule->seq));
    json_object_set_new(shown, "tags", json_array());
    return shown;
}

/* Groups carry their rules along. */
static json_t *rules_of(const struct fc_world *world, const struct fc_object *group)
{
    json_t *rows = json_array();
    for (struct fc_object *o = NULL;
         (o = fc_store_each(world->store, o, fos_rules.kind, group->region));)
        if (!strcmp(fc_text_at(o->doc, "security_group_id"), group->id))
            json_array_append_new(rows, rule_of_group(o));
    return rows;
}

json_t *fos_resource_show(const struct fos_resource *resource, const struct fc_object *object,
                          const json_t *doc)
{
    json_t *shown = fos_public(doc);
    const json_t *project = fc_at(doc, "_owner");
    json_object_set_new(shown, "id", json_string(object->id));
    json_object_set(shown, "tenant_id",
                    project ? (json_t *)(uintptr_t)project : fc_at(doc, "_project"));
    json_object_set(shown, "project_id", json_object_get(shown, "tenant_id"));
    if (resource == &fos_rules)
        json_object_del(shown, "tags"); /* has none, though its kind could */
    return shown;
}

static json_t *show(const struct fc_call *call, const struct fos_resource *resource,
                    const struct fc_object *object, const json_t *doc)
{
    json_t *shown = fos_resource_show(resource, object, doc);
    if (resource == &fos_groups)
        json_object_set_new(shown, "security_group_rules", rules_of(call->world, object));
    return shown;
}

/* Only the fields that were asked for. */
static json_t *picked(const struct fc_call *call, json_t *shown)
{
    const struct fc_pairs *query = &call->request->query;
    json_t *out = json_object();
    bool any = false;
    for (size_t i = 0; i < query->count; i++)
        if (!strcmp(query->rows[i].name, "fields")) {
            json_t *value = json_object_get(shown, query->rows[i].value);
            any = true;
            if (value)
                json_object_set(out, query->rows[i].value, value);
        }
    json_decref(any ? shown : out);
    return any ? out : shown;
}

/* --- attributes --- */

static const struct fos_attribute *attribute_of(const struct fos_resource *resource,
                                                const char *name)
{
    const struct fos_attribute *attribute = resource->attributes;
    while (attribute->name && strcmp(attribute->name, name) != 0)
        attribute++;
    return attribute->name ? attribute : NULL;
}

static bool is_of_type(const json_t *value, char type)
{
    switch (type) {
    case 's':
        return json_is_string(value);
    case 'u':
        return json_is_string(value) && fos_uuid_like(json_string_value(value));
    case 'b':
        return json_is_boolean(value);
    case 'i':
        return json_is_integer(value) ||
               (json_is_string(value) && *json_string_value(value) &&
                strspn(json_string_value(value), "-0123456789") == json_string_length(value));
    case 'l':
        return json_is_array(value);
    case 'o':
        return json_is_object(value);
    default:
        return true;
    }
}

static int check_value(const struct fc_call *call, const struct fos_attribute *attribute,
                       const json_t *value, unsigned flag, struct fc_refusal *refusal)
{
    if (!(attribute->flags & flag))
        return fc_refuse(refusal, 400, "HTTPBadRequest",
                         flag == FOS_CREATE ? "Attribute '%s' not allowed in POST"
                                            : "Cannot update read-only attribute %s",
                         attribute->name);
    if (attribute->flags & FOS_ADMINS && !(fos_of(call)->roles & FOS_ADMIN))
        return fc_refuse(refusal, 403, "PolicyNotAuthorized", "rule:%s is disallowed by policy",
                         attribute->name);
    bool null = json_is_null(value) && attribute->flags & FOS_NULLABLE;
    return null || is_of_type(value, attribute->type)
               ? 0
               : fc_refuse(refusal, 400, "HTTPBadRequest",
                           "Invalid input for %s. Reason: it is of another type.", attribute->name);
}

static int check_said(const struct fc_call *call, const struct fos_resource *resource,
                      const json_t *said, unsigned flag, struct fc_refusal *refusal)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)said, name, value)
    {
        const struct fos_attribute *attribute = attribute_of(resource, name);
        bool owner = !strcmp(name, "tenant_id") || !strcmp(name, "project_id");
        if (owner && flag == FOS_CREATE && json_is_string(value) &&
            !strcmp(json_string_value(value), fos_of(call)->project))
            continue;
        if (owner)
            return fc_refuse(refusal, 403, "PolicyNotAuthorized",
                             "rule:create_%s is disallowed by policy", resource->single);
        if (!attribute)
            return fc_refuse(refusal, 400, "HTTPBadRequest", "Unrecognized attribute(s) '%.60s'",
                             name);
        if (check_value(call, attribute, value, flag, refusal))
            return -1;
    }
    return 0;
}

static int check_required(const struct fos_resource *resource, const json_t *said,
                          struct fc_refusal *refusal)
{
    for (const struct fos_attribute *a = resource->attributes; a->name; a++)
        if (a->flags & FOS_REQUIRED && !json_object_get(said, a->name))
            return fc_refuse(refusal, 400, "HTTPBadRequest",
                             "Failed to parse request. Required attribute '%s' not specified",
                             a->name);
    return 0;
}

static json_t *default_of(const struct fos_attribute *attribute)
{
    json_t *value = attribute->otherwise ? json_loads(attribute->otherwise, JSON_DECODE_ANY, NULL)
                                         : json_null();
    return value ? value : json_null();
}

/* What was said, and what else it has. */
static json_t *document(const struct fc_call *call, const struct fos_resource *resource,
                        const json_t *said)
{
    json_t *doc = json_object();
    for (const struct fos_attribute *a = resource->attributes; a->name; a++) {
        json_t *value = json_object_get(said, a->name);
        if (value)
            json_object_set_new(doc, a->name, json_deep_copy(value));
        else
            json_object_set_new(doc, a->name, default_of(a));
    }
    json_object_set_new(doc, "created_at", fos_time(call->now_ms));
    json_object_set_new(doc, "updated_at", fos_time(call->now_ms));
    json_object_set_new(doc, "revision_number", json_integer(1));
    json_object_set_new(doc, "tags", json_array());
    return doc;
}

static int check_quota(struct fc_call *call, const struct fos_resource *resource,
                       struct fc_refusal *refusal)
{
    const char *settings = (const char *)&call->world->settings;
    int64_t most =
        resource->quota ? *(const int64_t *)(const void *)(settings + resource->quota) : -1;
    return most < 0 || (int64_t)fos_count(call, resource->kind) < most
               ? 0
               : fc_refuse(refusal, 409, "OverQuota", "Quota exceeded for resources: ['%s'].",
                           resource->single);
}

struct fc_object *fos_resource_make(struct fc_call *call, const struct fos_resource *resource,
                                    const json_t *said, struct fc_refusal *refusal)
{
    char id[37];
    fc_uuid(id);
    json_t *doc = document(call, resource, said);
    json_object_set_new(doc, "_project", json_string(fos_of(call)->project));
    if (resource->make && resource->make(call, id, said, doc, refusal)) {
        json_decref(doc);
        return NULL;
    }
    struct fc_object *object = fos_add(call, resource->kind, id, doc);
    if (resource->made)
        resource->made(call, object);
    return object;
}

/* --- calls --- */

static int create(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const struct fos_resource *resource = resource_of(call);
    const json_t *said = fos_wrapped(call, resource->single);
    if (!said)
        return fc_refuse(refusal, 400, "HTTPBadRequest", "Unable to find '%s' in request body",
                         resource->single);
    if (check_said(call, resource, said, FOS_CREATE, refusal) ||
        check_required(resource, said, refusal) || check_quota(call, resource, refusal))
        return -1;
    const struct fc_object *object = fos_resource_make(call, resource, said, refusal);
    if (!object)
        return -1;
    *ret_reply = json_pack("{s:o}", resource->single, show(call, resource, object, object->doc));
    return 0;
}

static int get(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const struct fos_resource *resource = resource_of(call);
    struct fc_object *object;
    if (fos_resource_find(call, resource, call->segments[0], &object, refusal))
        return -1;
    *ret_reply = json_pack("{s:o}", resource->single,
                           picked(call, show(call, resource, object, object->doc)));
    return 0;
}

/* Seen and his own; what is seen only is not his to change. */
static int find_own(struct fc_call *call, const struct fos_resource *resource, const char *verb,
                    struct fc_object **ret, struct fc_refusal *refusal)
{
    if (fos_resource_find(call, resource, call->segments[0], ret, refusal))
        return -1;
    return !strcmp(fc_text_at((*ret)->doc, "_project"), fos_of(call)->project)
               ? 0
               : fc_refuse(refusal, 403, "PolicyNotAuthorized",
                           "rule:%s_%s is disallowed by policy", verb, resource->single);
}

json_t *fos_neutron_edit(struct fc_call *call, struct fc_object *object)
{
    json_t *doc = fos_edit(call, object);
    json_int_t revision = json_integer_value(fc_at(doc, "revision_number"));
    json_object_set_new(doc, "updated_at", fos_time(call->now_ms));
    json_object_set_new(doc, "revision_number", json_integer(revision + 1));
    return doc;
}

static int update(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const struct fos_resource *resource = resource_of(call);
    const json_t *said = fos_wrapped(call, resource->single);
    struct fc_object *object;
    const char *name;
    json_t *value;
    if (!said)
        return fc_refuse(refusal, 400, "HTTPBadRequest", "Unable to find '%s' in request body",
                         resource->single);
    if (find_own(call, resource, "update", &object, refusal) ||
        check_said(call, resource, said, FOS_UPDATE, refusal) ||
        (resource->change && resource->change(call, object, said, refusal)))
        return -1;
    json_t *doc = fos_neutron_edit(call, object);
    json_object_foreach((json_t *)(uintptr_t)said, name, value)
    {
        json_object_set_new(doc, name, json_deep_copy(value));
    }
    *ret_reply = json_pack("{s:o}", resource->single, show(call, resource, object, doc));
    return 0;
}

static int delete (struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const struct fos_resource *resource = resource_of(call);
    struct fc_object *object;
    if (find_own(call, resource, "delete", &object, refusal) ||
        (resource->remove && resource->remove(call, object, refusal)))
        return -1;
    fc_store_gone(call->world->store, object, &call->cause, 0);
    return 0;
}

/* --- listing --- */

static bool text_is(const json_t *value, const char *wanted)
{
    char number[24];
    if (json_is_boolean(value))
        return !strcasecmp(wanted, json_is_true(value) ? "true" : "false");
    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        return !strcmp(number, wanted);
    }
    if (json_is_null(value))
        return !*wanted;
    return json_is_string(value) && !strcmp(json_string_value(value), wanted);
}

static bool listed_in(const json_t *list, const char *wanted)
{
    size_t i;
    json_t *value;
    json_array_foreach((json_t *)(uintptr_t)list, i, value)
    {
        if (text_is(value, wanted))
            return true;
    }
    return false;
}

/* "fixed_ips=ip_address=10.0.0.3" */
static bool fixed_ip_is(const json_t *list, const char *wanted)
{
    const char *equals = strchr(wanted, '=');
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)(uintptr_t)list, i, one)
    {
        mir_auto_free char *name = mir_format("%.*s", equals ? (int)(equals - wanted) : 0, wanted);
        if (equals && text_is(json_object_get(one, name), equals + 1))
            return true;
    }
    return false;
}

static bool tags_pass(const json_t *tags, const char *mode, const char *list)
{
    unsigned wanted = 0, there = 0;
    for (const char *at = list; *at;) {
        size_t len = strcspn(at, ",");
        mir_auto_free char *tag = mir_format("%.*s", (int)len, at);
        wanted++;
        there += listed_in(tags, tag);
        at += len + (at[len] == ',');
    }
    if (!strcmp(mode, "tags"))
        return there == wanted;
    if (!strcmp(mode, "tags-any"))
        return there > 0;
    return !strcmp(mode, "not-tags") ? there < wanted : there == 0;
}

static const char *const page_words[] = {"fields",   "limit",        "marker", "sort_key",
                                         "sort_dir", "page_reverse", NULL};
static const char *const tag_words[] = {"tags", "tags-any", "not-tags", "not-tags-any", NULL};

static bool among(const char *const *words, const char *word)
{
    while (*words && strcmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

/* Values of one name are alternatives, names are conditions. */
static bool condition_holds(const struct fc_pairs *query, const char *name, const json_t *shown)
{
    const json_t *value = json_object_get(shown, name);
    for (size_t i = 0; i < query->count; i++) {
        const char *wanted = query->rows[i].value;
        if (strcmp(query->rows[i].name, name) != 0)
            continue;
        if (!strcmp(name, "fixed_ips") ? fixed_ip_is(value, wanted)
            : json_is_array(value)     ? listed_in(value, wanted)
                                       : text_is(value, wanted))
            return true;
    }
    return false;
}

static bool passes(const struct fc_call *call, const json_t *shown)
{
    const struct fc_pairs *query = &call->request->query;
    for (size_t i = 0; i < query->count; i++) {
        const char *name = query->rows[i].name;
        if (among(page_words, name))
            continue;
        if (among(tag_words, name)
                ? !tags_pass(json_object_get(shown, "tags"), name, query->rows[i].value)
                : !condition_holds(query, name, shown))
            return false;
    }
    return true;
}

static int check_filters(const struct fc_call *call, const struct fos_resource *resource,
                         struct fc_refusal *refusal)
{
    static const char *const common[] = {
        "id", "tenant_id", "project_id", "created_at", "updated_at", "revision_number", NULL};
    const struct fc_pairs *query = &call->request->query;
    for (size_t i = 0; i < query->count; i++) {
        const char *name = query->rows[i].name;
        if (!among(page_words, name) && !among(tag_words, name) && !among(common, name) &&
            !attribute_of(resource, name))
            return fc_refuse(refusal, 400, "HTTPBadRequest",
                             "['%.60s'] is invalid attribute for filtering", name);
    }
    return 0;
}

static void add_link(struct fc_call *call, const struct fos_resource *resource, const char *last,
                     json_t *reply)
{
    mir_auto_free char *url = fos_url(call, FOS_NETWORK, call->region);
    mir_auto_free char *query = fos_next_query(call, last);
    mir_auto_free char *name = mir_format("%s_links", resource->plural);
    json_object_set_new(reply, name,
                        json_pack("[{s:s,s:o}]", "rel", "next", "href",
                                  json_sprintf("%s%s?%s", url, fos_of(call)->rest, query)));
}

static int list(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const struct fos_resource *resource = resource_of(call);
    const char *limit = fc_request_query(call->request, "limit");
    struct fos_page page = {.limit = limit ? strtoll(limit, NULL, 10) : INT32_MAX,
                            .marker = fc_request_query(call->request, "marker")};
    bool more;
    if (check_filters(call, resource, refusal))
        return -1;
    json_t *rows = json_array();
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, resource->kind, call->region));) {
        if (call->now_ms < o->visible_ms || !fos_network_sees(call, o))
            continue;
        json_t *shown = show(call, resource, o, fc_shown(o, call->now_ms));
        if (passes(call, shown))
            json_array_append_new(rows, shown);
        else
            json_decref(shown);
    }
    if (page.limit < 1 || fos_cut(rows, "id", &page, &more)) {
        json_decref(rows);
        return fc_refuse(refusal, 400, "HTTPBadRequest",
                         "Invalid input for operation: Invalid marker or limit.");
    }
    *ret_reply = json_pack("{s:[]}", resource->plural);
    json_t *out = json_object_get(*ret_reply, resource->plural), *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        json_array_append_new(out, picked(call, json_incref(row)));
    }
    if (more)
        add_link(call, resource, fc_text_at(json_array_get(rows, json_array_size(rows) - 1), "id"),
                 *ret_reply);
    json_decref(rows);
    return 0;
}

/* --- tags --- */

static int find_tagged(struct fc_call *call, struct fc_object **ret, struct fc_refusal *refusal)
{
    const struct fos_resource *resource = resource_of(call);
    if (!resource)
        return fc_refuse(refusal, 404, "HTTPNotFound", "The resource could not be found.");
    return find_own(call, resource, "update", ret, refusal);
}

static int get_tags(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *object;
    if (find_tagged(call, &object, refusal))
        return -1;
    *ret_reply = json_pack("{s:o}", "tags", fos_array(fc_at(object->doc, "tags")));
    return 0;
}

static int put_tags(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *object;
    json_t *tags = json_object_get(call->params, "tags"), *tag;
    size_t i;
    if (find_tagged(call, &object, refusal))
        return -1;
    if (!json_is_array(tags) || json_array_size(tags) > 50)
        return fc_refuse(refusal, 400, "HTTPBadRequest", "Invalid tags: a list of at most 50");
    json_array_foreach(tags, i, tag)
    {
        if (!json_is_string(tag) || json_string_length(tag) > 255)
            return fc_refuse(refusal, 400, "HTTPBadRequest",
                             "Invalid tag: it exceeds maximum length of 255");
    }
    json_object_set_new(fos_neutron_edit(call, object), "tags", fos_array(tags));
    *ret_reply = json_pack("{s:o}", "tags", fos_array(tags));
    return 0;
}

static int delete_tags(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *object;
    if (find_tagged(call, &object, refusal))
        return -1;
    json_object_set_new(fos_neutron_edit(call, object), "tags", json_array());
    return 0;
}

static int put_tag(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *object;
    if (find_tagged(call, &object, refusal))
        return -1;
    json_t *tags = fos_array(fc_at(object->doc, "tags"));
    if (!listed_in(tags, call->segments[1]))
        json_array_append_new(tags, json_string(call->segments[1]));
    json_object_set_new(fos_neutron_edit(call, object), "tags", tags);
    *ret_reply = json_null(); /* a body that says nothing, as the real one has */
    return 0;
}

static int delete_tag(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *object;
    if (find_tagged(call, &object, refusal))
        return -1;
    json_t *tags = fos_array(fc_at(object->doc, "tags"));
    size_t at = 0;
    while (at < json_array_size(tags) && !text_is(json_array_get(tags, at), call->segments[1]))
        at++;
    if (at == json_array_size(tags)) {
        json_decref(tags);
        return fc_refuse(refusal, 404, "TagNotFound", "Tag %.64s could not be found.",
                         call->segments[1]);
    }
    json_array_remove(tags, at);
    json_object_set_new(fos_neutron_edit(call, object), "tags", tags);
    return 0;
}

/* --- the table --- */

#define V "/v2.0"
#define ONE(path) V "/" path "/{}"
#define TAGS(path) ONE(path) "/tags"
#define ROWS(plural, single, path)                                                                 \
    {"Create" single, create, NULL, "POST", V "/" path, NULL, 0, 201},                             \
        {"List" plural, list, NULL, "GET", V "/" path, NULL, 0, 0},                                \
        {"Get" single, get, NULL, "GET", ONE(path), NULL, 0, 0},                                   \
        {"Update" single, update, NULL, "PUT", ONE(path), NULL, 0, 0},                             \
        {"Delete" single, delete, NULL, "DELETE", ONE(path), NULL, 0, 204},                        \
        {"Get" single "Tags", get_tags, NULL, "GET", TAGS(path), NULL, 0, 0},                      \
        {"Put" single "Tags", put_tags, NULL, "PUT", TAGS(path), NULL, 0, 0},                      \
        {"Delete" single "Tags", delete_tags, NULL, "DELETE", TAGS(path), NULL, 0, 204},           \
        {"Put" single "Tag", put_tag, NULL, "PUT", TAGS(path) "/{}", NULL, FC_OP_NO_BODY, 201},    \
    {                                                                                              \
        "Delete" single "Tag", delete_tag, NULL, "DELETE", TAGS(path) "/{}", NULL, 0, 204          \
    }

static const struct fc_operation operations[] = {
    {"GetVersions", fos_neutron_versions, NULL, "GET", "/", NULL, FC_OP_UNSIGNED, 0},
    {"GetVersion", fos_neutron_version, NULL, "GET", V, NULL, 0, 0},
    {"ListExtensions", fos_neutron_extensions, NULL, "GET", V "/extensions", NULL, 0, 0},
    {"GetExtension", fos_neutron_extension, NULL, "GET", V "/extensions/{}", NULL, 0, 0},
    {"GetQuotas", fos_neutron_quotas, NULL, "GET", V "/quotas/{}", NULL, 0, 0},
    {"GetQuotaDefaults", fos_neutron_quotas, NULL, "GET", V "/quotas/{}/default", NULL, 0, 0},
    {"GetQuotaDetails", fos_neutron_quotas_detail, NULL, "GET", V "/quotas/{}/details.json", NULL,
     0, 0},
    {"GetAutoAllocatedTopology", fos_neutron_topology, NULL, "GET", V "/auto-allocated-topology/{}",
     NULL, 0, 0},
    {"DeleteAutoAllocatedTopology", fos_neutron_topology_delete, NULL, "DELETE",
     V "/auto-allocated-topology/{}", NULL, 0, 204},
    {"ListAvailabilityZones", fos_neutron_zones, NULL, "GET", V "/availability_zones", NULL, 0, 0},
    {"AddRouterInterface", fos_router_add, NULL, "PUT", V "/routers/{}/add_router_interface", NULL,
     0, 0},
    {"RemoveRouterInterface", fos_router_remove, NULL, "PUT",
     V "/routers/{}/remove_router_interface", NULL, 0, 0},
    ROWS("Networks", "Network", "networks"),
    ROWS("Subnets", "Subnet", "subnets"),
    ROWS("Routers", "Router", "routers"),
    ROWS("Ports", "Port", "ports"),
    ROWS("SecurityGroups", "SecurityGroup", "security-groups"),
    ROWS("SecurityGroupRules", "SecurityGroupRule", "security-group-rules"),
    ROWS("FloatingIps", "FloatingIp", "floatingips"),
    {.name = NULL},
};

const struct fc_service fos_neutron = {
    .name = "neutron", .operations = operations, .prepare = fos_region_ready};
