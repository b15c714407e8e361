/* SPDX-License-Identifier: ISC */
/* Keystone v3: its versions, its catalog, whoever it knows, and the table of its operations. */
#include "keystone.h"

#include <stdio.h>
#include <string.h>

#include "api/clock.h"
#include "api/memory.h"
#include "os_wording.h"

/* --- whoever there is --- */

struct fc_object *fos_keystone_domain(const struct fc_world *world, const json_t *said)
{
    const char *id = fos_text(said, "id", NULL), *name = fos_text(said, "name", NULL);
    struct fc_object *o = NULL;
    while ((o = fc_store_each(world->store, o, "os-domain", "")))
        if (id ? !strcmp(o->id, id) : name && !strcmp(fc_text_at(o->doc, "name"), name))
            return o;
    return NULL;
}

int fos_keystone_named(const struct fc_world *world, const char *kind, const json_t *said,
                       struct fc_object **ret)
{
    const char *id = fos_text(said, "id", NULL), *name = fos_text(said, "name", NULL);
    const json_t *in = fc_at(said, "domain");
    *ret = id ? fc_store_get(world->store, kind, "", id) : NULL;
    if (id)
        return 0;
    if (!name || !json_is_object(in) || !json_object_size(in))
        return -1;
    const struct fc_object *domain = fos_keystone_domain(world, in);
    struct fc_object *o = NULL;
    while (domain && (o = fc_store_each(world->store, o, kind, "")))
        if (!strcmp(fc_text_at(o->doc, "name"), name) &&
            !strcmp(fc_text_at(o->doc, "domain_id"), domain->id))
            *ret = o;
    return 0;
}

json_t *fos_keystone_roles(const struct fc_object *user, const char *project)
{
    return fos_array(json_object_get(fc_at(user->doc, "_roles"), project));
}

json_t *fos_keystone_show(const struct fc_world *world, const struct fc_object *object)
{
    const char *domain_id = fc_text_at(object->doc, "domain_id");
    const struct fc_object *domain = fc_store_get(world->store, "os-domain", "", domain_id);
    return json_pack("{s:s,s:O,s:{s:s,s:O}}", "id", object->id, "name", fc_at(object->doc, "name"),
                     "domain", "id", domain_id, "name", fc_at(domain->doc, "name"));
}

/* As its own calls show it, with its id and where it is to be had. */
static json_t *show(const struct fc_call *call, const struct fc_object *object, const char *folder)
{
    json_t *shown = fos_public(object->doc);
    json_object_set_new(shown, "id", json_string(object->id));
    json_object_set_new(
        shown, "links",
        json_pack("{s:o}", "self",
                  json_sprintf("%s/identity/v3/%s/%s", fos_of(call)->root, folder, object->id)));
    return shown;
}

static json_t *list_of(const struct fc_call *call, const char *name, json_t *rows)
{
    return json_pack("{s:o,s:{s:o,s:n,s:n}}", name, rows, "links", "self",
                     json_sprintf("%s/identity%s", fos_of(call)->root, fos_of(call)->rest), "next",
                     "previous");
}

static int not_found(const struct fc_call *call, struct fc_refusal *refusal, const char *what)
{
    return fos_refuse(call, refusal, 404, "Could not find %s: %.64s.", what, call->segments[0]);
}

static int forbidden(const struct fc_call *call, struct fc_refusal *refusal, const char *what)
{
    return fos_refuse(call, refusal, 403,
                      "You are not authorized to perform the requested action: identity:%s.", what);
}

/* --- versions --- */

static json_t *version(const struct fc_call *call)
{
    return json_pack("{s:s,s:s,s:s,s:[{s:s,s:o}],s:[{s:s,s:s}]}", "id", "v3.14", "status", "stable",
                     "updated", "2020-04-07T00:00:00Z", "links", "rel", "self", "href",
                     json_sprintf("%s/identity/v3/", fos_of(call)->root), "media-types", "base",
                     "application/json", "type", "application/vnd.openstack.identity-v3+json");
}

static int get_versions(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    *ret_reply = json_pack("{s:{s:[o]}}", "versions", "values", version(call));
    return 0;
}

static int get_version(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    *ret_reply = json_pack("{s:o}", "version", version(call));
    return 0;
}

/* --- the catalog --- */

/* Only the public interface leads here: what is inside a cloud is not reached from outside. */
static void add_endpoints(const struct fc_call *call, enum fos_service_id id, const char *region,
                          const char *project, json_t *out)
{
    static const char *const interfaces[] = {"public", "internal", "admin"};
    const struct fos_info *info = &fos_infos[id];
    const char *slot = strstr(info->tail, "%s");
    mir_auto_free char *url = fos_url(call, id, region);
    mir_auto_free char *tail =
        slot ? mir_format("%.*s%s%s", (int)(slot - info->tail), info->tail, project, slot + 2)
             : mir_strdup(info->tail);
    const char *path = strstr(url, FOS_PREFIX "/");
    for (size_t i = 0; i < MIR_NELEMS(interfaces); i++) {
        char endpoint[33];
        fos_hex_id(endpoint);
        json_array_append_new(out,
                              json_pack("{s:s,s:s,s:s,s:s,s:o}", "id", endpoint, "interface",
                                        interfaces[i], "region_id", region, "region", region, "url",
                                        i ? json_sprintf("http://controller.%s.invalid%s%s",
                                                         interfaces[i], path, tail)
                                          : json_sprintf("%s%s", url, tail)));
    }
}

json_t *fos_keystone_catalog(const struct fc_call *call, const char *project)
{
    json_t *catalog = json_array();
    for (unsigned id = 0; id < FOS_SERVICES; id++) {
        char service[33];
        if (!fos_there(call->world, id))
            continue;
        json_t *endpoints = json_array();
        for (const char *const *region = fos_regions; *region; region++)
            add_endpoints(call, id, *region, project, endpoints);
        fos_hex_id(service);
        json_array_append_new(catalog, json_pack("{s:o,s:s,s:s,s:s}", "endpoints", endpoints, "id",
                                                 service, "type", fos_infos[id].type, "name",
                                                 fos_infos[id].service->name));
    }
    return catalog;
}

static int get_catalog(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    if (!*fos_of(call)->project)
        return forbidden(call, refusal, "get_auth_catalog");
    *ret_reply = list_of(call, "catalog", fos_keystone_catalog(call, fos_of(call)->project));
    json_object_del(fc_at(*ret_reply, "links"), "next");
    json_object_del(fc_at(*ret_reply, "links"), "previous");
    return 0;
}

static int list_regions(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    json_t *rows = json_array();
    for (const char *const *region = fos_regions; *region; region++)
        json_array_append_new(
            rows, json_pack("{s:s,s:s,s:n}", "id", *region, "description", "", "parent_region_id"));
    *ret_reply = list_of(call, "regions", rows);
    return 0;
}

/* --- projects, domains, users --- */

static int list_projects(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    json_t *rows = json_array();
    const struct fc_object *user =
        fc_store_get(call->world->store, "os-user", "", fos_of(call)->user);
    for (struct fc_object *o = NULL; (o = fc_store_each(call->world->store, o, "os-project", ""));)
        if (json_object_get(fc_at(user->doc, "_roles"), o->id))
            json_array_append_new(rows, show(call, o, "projects"));
    *ret_reply = list_of(call, "projects", rows);
    return 0;
}

static int list_user_projects(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    if (strcmp(call->segments[0], fos_of(call)->user) != 0)
        return forbidden(call, refusal, "list_user_projects");
    return list_projects(call, ret_reply, refusal);
}

static int list_domains(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    *ret_reply = list_of(call, "domains", json_array()); /* of roles in domains there is none */
    return 0;
}

static int get_project(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const struct fc_object *project =
        fc_store_get(call->world->store, "os-project", "", call->segments[0]);
    if (strcmp(call->segments[0], fos_of(call)->project) != 0)
        return forbidden(call, refusal, "get_project");
    *ret_reply = json_pack("{s:o}", "project", show(call, project, "projects"));
    return 0;
}

static int get_user(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const struct fc_object *user =
        fc_store_get(call->world->store, "os-user", "", call->segments[0]);
    if (!user || strcmp(user->id, fos_of(call)->user) != 0)
        return forbidden(call, refusal, "get_user");
    *ret_reply = json_pack("{s:o}", "user", show(call, user, "users"));
    return 0;
}

/* What is for administrators alone. */
static int admins_only(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    mir_auto_free char *what = mir_strdup(fos_of(call)->rest + sizeof "/v3");
    what[strcspn(what, "/")] = '\0';
    mir_auto_free char *action = mir_format("list_%s", what);
    return forbidden(call, refusal, action);
}

/* --- application credentials --- */

#define CREDENTIAL "os-application-credential"

/* By an application credential nobody may look after application credentials, unless it is
 * unrestricted. */
static int check_owner(const struct fc_call *call, const char *what, struct fc_refusal *refusal)
{
    const struct fos_call *own = fos_of(call);
    const struct fc_object *with =
        fc_store_get(call->world->store, CREDENTIAL, "", own->application);
    if (strcmp(call->segments[0], own->user) != 0 ||
        (with && !json_is_true(fc_at(with->doc, "unrestricted"))))
        return forbidden(call, refusal, what);
    return 0;
}

static struct fc_object *find_credential(const struct fc_call *call)
{
    struct fc_object *o = fc_store_get(call->world->store, CREDENTIAL, "", call->segments[1]);
    return o && !strcmp(fc_text_at(o->doc, "_user"), fos_of(call)->user) ? o : NULL;
}

static json_t *show_credential(const struct fc_call *call, const struct fc_object *credential)
{
    mir_auto_free char *folder = mir_format("users/%s/application_credentials", fos_of(call)->user);
    return show(call, credential, folder);
}

/* The roles that are asked for, each of which the caller has; NULL: one is not his. */
static json_t *credential_roles(const struct fc_call *call, const json_t *said)
{
    const struct fc_object *user =
        fc_store_get(call->world->store, "os-user", "", fos_of(call)->user);
    json_t *mine = fos_keystone_roles(user, fos_of(call)->project), *role;
    size_t i;
    if (!json_is_array(said))
        return mine;
    json_t *names = json_array();
    json_array_foreach((json_t *)(uintptr_t)said, i, role)
    {
        const char *id = fos_text(role, "id", "");
        const struct fc_object *by_id = fc_store_get(call->world->store, "os-role", "", id);
        const char *name = by_id ? fc_text_at(by_id->doc, "name") : fos_text(role, "name", "");
        size_t k = 0;
        while (k < json_array_size(mine) &&
               strcmp(json_string_value(json_array_get(mine, k)), name) != 0)
            k++;
        if (k < json_array_size(mine))
            json_array_append_new(names, json_string(name));
    }
    bool all = json_array_size(names) == json_array_size(said);
    json_decref(mine);
    if (!all)
        json_decref(names);
    return all ? names : NULL;
}

static json_t *role_rows(const struct fc_world *world, const json_t *names)
{
    json_t *rows = json_array();
    size_t i;
    json_t *name;
    json_array_foreach((json_t *)(uintptr_t)names, i, name)
    {
        for (struct fc_object *o = NULL; (o = fc_store_each(world->store, o, "os-role", ""));)
            if (!strcmp(fc_text_at(o->doc, "name"), json_string_value(name)))
                json_array_append_new(rows, json_pack("{s:s,s:O,s:n,s:n,s:{s:b}}", "id", o->id,
                                                      "name", name, "description", "domain_id",
                                                      "options", "immutable", 1));
    }
    return rows;
}

/* UTC, with or without its zone; 0: none is said. */
static int read_expiry(const json_t *said, int64_t *ret_ms)
{
    char text[32];
    int64_t at_s;
    const char *expires = fos_text(said, "expires_at", NULL);
    *ret_ms = 0;
    if (!expires)
        return 0;
    snprintf(text, sizeof text, "%.19sZ", expires);
    if (strlen(expires) < 19 || mir_time_parse(text, &at_s, NULL))
        return -1;
    *ret_ms = at_s * 1000;
    return 0;
}

static int check_credential(const struct fc_call *call, const json_t *said, int64_t *ret_expires_ms,
                            struct fc_refusal *refusal)
{
    const char *name = fos_text(said, "name", "");
    if (!*name)
        return fos_refuse(call, refusal, 400, "'name' is a required property");
    if (read_expiry(said, ret_expires_ms) || (*ret_expires_ms && *ret_expires_ms <= call->now_ms))
        return fos_refuse(call, refusal, 400,
                          "Invalid application credential: expires_at has to be a time to come.");
    for (struct fc_object *o = NULL; (o = fc_store_each(call->world->store, o, CREDENTIAL, ""));)
        if (!strcmp(fc_text_at(o->doc, "_user"), fos_of(call)->user) &&
            !strcmp(fc_text_at(o->doc, "name"), name))
            return fos_refuse(call, refusal, 409,
                              "Conflict occurred attempting to store application_credential - "
                              "Duplicate entry found with name %.64s.",
                              name);
    return 0;
}

static int create_credential(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const json_t *said = fos_wrapped(call, "application_credential");
    char id[33], a[33], b[33], secret[90];
    int64_t expires_ms = 0;
    if (check_owner(call, "create_application_credential", refusal) ||
        (!said &&
         fos_refuse(call, refusal, 400, "'application_credential' is a required property")) ||
        check_credential(call, said, &expires_ms, refusal))
        return -1;
    json_t *names = credential_roles(call, fc_at(said, "roles"));
    if (!names)
        return fos_refuse(call, refusal, 400,
                          "Invalid application credential: Could not find role assignment");
    fos_hex_id(id);
    fos_hex_id(a);
    fos_hex_id(b);
    const char *own = fos_text(said, "secret", NULL);
    snprintf(secret, sizeof secret, "%s%s%.22s", a, b, id);
    json_t *doc = json_pack(
        "{s:s,s:O?,s:s,s:b,s:o,s:o,s:s,s:s,s:s,s:o,s:I}", "name", fos_text(said, "name", ""),
        "description", fc_at(said, "description"), "project_id", fos_of(call)->project,
        "unrestricted", json_is_true(fc_at(said, "unrestricted")), "expires_at",
        expires_ms ? fos_time_us(expires_ms) : json_null(), "roles", role_rows(call->world, names),
        "_user", fos_of(call)->user, "_secret", own ? own : secret, "_project",
        fos_of(call)->project, "_roles", names, "_expires_ms", (json_int_t)expires_ms);
    if (!fc_at(doc, "description"))
        json_object_set_new(doc, "description", json_null());
    json_object_set_new(doc, "user_id", json_string(fos_of(call)->user));
    json_object_set_new(doc, "system", json_null());
    const struct fc_object *credential =
        fc_store_add(call->world->store, CREDENTIAL, "", id, doc, &call->cause);
    json_t *shown = show_credential(call, credential);
    json_object_set_new(shown, "secret", json_string(own ? own : secret)); /* this once */
    *ret_reply = json_pack("{s:o}", "application_credential", shown);
    return 0;
}

static int list_credentials(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    json_t *rows = json_array();
    const char *name = fc_request_query(call->request, "name");
    if (strcmp(call->segments[0], fos_of(call)->user) != 0) {
        json_decref(rows);
        return forbidden(call, refusal, "list_application_credentials");
    }
    for (struct fc_object *o = NULL; (o = fc_store_each(call->world->store, o, CREDENTIAL, ""));)
        if (!strcmp(fc_text_at(o->doc, "_user"), fos_of(call)->user) &&
            (!name || !strcmp(name, fc_text_at(o->doc, "name"))))
            json_array_append_new(rows, show_credential(call, o));
    *ret_reply = list_of(call, "application_credentials", rows);
    return 0;
}

static int get_credential(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const struct fc_object *credential = find_credential(call);
    if (strcmp(call->segments[0], fos_of(call)->user) != 0)
        return forbidden(call, refusal, "get_application_credential");
    if (!credential)
        return fos_refuse(call, refusal, 404, "Could not find Application Credential: %.64s.",
                          call->segments[1]);
    *ret_reply = json_pack("{s:o}", "application_credential", show_credential(call, credential));
    return 0;
}

static int delete_credential(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *credential = find_credential(call);
    if (check_owner(call, "delete_application_credential", refusal))
        return -1;
    if (!credential)
        return fos_refuse(call, refusal, 404, "Could not find Application Credential: %.64s.",
                          call->segments[1]);
    fc_store_gone(call->world->store, credential, &call->cause, 0);
    return 0;
}

static int get_domain(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return fc_store_get(call->world->store, "os-domain", "", call->segments[0])
               ? forbidden(call, refusal, "get_domain")
               : not_found(call, refusal, "domain");
}

/* --- the table --- */

#define CREDENTIALS "/v3/users/{}/application_credentials"

static const struct fc_operation operations[] = {
    {"GetVersions", get_versions, NULL, "GET", "/", NULL, FC_OP_UNSIGNED, 300},
    {"GetVersion", get_version, NULL, "GET", "/v3", NULL, FC_OP_UNSIGNED, 0},
    {"Authenticate", fos_keystone_authenticate, NULL, "POST", "/v3/auth/tokens", NULL,
     FC_OP_UNSIGNED, 201},
    {"ValidateToken", fos_keystone_validate, NULL, "GET", "/v3/auth/tokens", NULL, 0, 0},
    {"CheckToken", fos_keystone_check, NULL, "HEAD", "/v3/auth/tokens", NULL, 0, 0},
    {"RevokeToken", fos_keystone_revoke, NULL, "DELETE", "/v3/auth/tokens", NULL, 0, 204},
    {"GetCatalog", get_catalog, NULL, "GET", "/v3/auth/catalog", NULL, 0, 0},
    {"ListAuthProjects", list_projects, NULL, "GET", "/v3/auth/projects", NULL, 0, 0},
    {"ListAuthDomains", list_domains, NULL, "GET", "/v3/auth/domains", NULL, 0, 0},
    {"ListRegions", list_regions, NULL, "GET", "/v3/regions", NULL, 0, 0},
    {"ListProjects", admins_only, NULL, "GET", "/v3/projects", NULL, 0, 0},
    {"GetProject", get_project, NULL, "GET", "/v3/projects/{}", NULL, 0, 0},
    {"ListDomains", admins_only, NULL, "GET", "/v3/domains", NULL, 0, 0},
    {"GetDomain", get_domain, NULL, "GET", "/v3/domains/{}", NULL, 0, 0},
    {"ListUsers", admins_only, NULL, "GET", "/v3/users", NULL, 0, 0},
    {"GetUser", get_user, NULL, "GET", "/v3/users/{}", NULL, 0, 0},
    {"ListServices", admins_only, NULL, "GET", "/v3/services", NULL, 0, 0},
    {"ListEndpoints", admins_only, NULL, "GET", "/v3/endpoints", NULL, 0, 0},
    {"ListUserProjects", list_user_projects, NULL, "GET", "/v3/users/{}/projects", NULL, 0, 0},
    {"CreateApplicationCredential", create_credential, NULL, "POST", CREDENTIALS, NULL, 0, 201},
    {"ListApplicationCredentials", list_credentials, NULL, "GET", CREDENTIALS, NULL, 0, 0},
    {"GetApplicationCredential", get_credential, NULL, "GET", CREDENTIALS "/{}", NULL, 0, 0},
    {"DeleteApplicationCredential", delete_credential, NULL, "DELETE", CREDENTIALS "/{}", NULL, 0,
     204},
    {.name = NULL},
};

const struct fc_service fos_keystone = {.name = "keystone", .operations = operations};
