/* SPDX-License-Identifier: ISC */
/* The OpenAPI document of a route table: what the table says, and the fields of the bodies. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "rest.h"

/* What people may write in a body: "name:type" words, "!" after what is required. */
static const struct {
    const char *route;
    const char *fields;
} bodies[] = {
    {"POST /v1/plans", "provider:string! kernel:string! name:string ttl:string until:string "
                       "memory_bytes:integer ports:array arguments:array url:string list:boolean "
                       "anyway:boolean prove:boolean forever:boolean reason:string machine:object "
                       "place:object carrier:string blocks:array answer_ownership:boolean"},
    {"POST /v1/deployments",
     "provider:string! kernel:string! name:string ttl:string until:string "
     "memory_bytes:integer ports:array arguments:array url:string "
     "list:boolean anyway:boolean prove:boolean forever:boolean reason:string "
     "machine:object place:object carrier:string blocks:array answer_ownership:boolean"},
    {"PATCH /v1/deployments/{name}/lease", "extend:string expires_at:string"},
    {"POST /v1/sites", "url:string! name:string"},
    {"PATCH /v1/sites/{name}", "verify:boolean hidden:boolean"},
    {"POST /v1/announce", "name:string! url:string! token:string!"},
};

static json_t *type_schema(const char *type)
{
    return json_pack("{s:s}", "type", type);
}

/* One "name:type!" word into properties and required. */
static void add_field(const char *word, size_t len, json_t *properties, json_t *required)
{
    char name[32], type[16];
    bool needed = len && word[len - 1] == '!';
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, ":"), word);
    const char *colon = word + strlen(name) + 1;
    snprintf(type, sizeof type, "%.*s", (int)(word + len - colon) - (needed ? 1 : 0), colon);
    json_object_set_new(properties, name, type_schema(type));
    if (needed)
        json_array_append_new(required, json_string(name));
}

static json_t *fields_schema(const char *fields)
{
    json_t *properties = json_object(), *required = json_array();
    for (const char *p = fields; *p; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");
        add_field(p, len, properties, required);
        p += len;
    }
    json_t *schema = json_pack("{s:s, s:o, s:b}", "type", "object", "properties", properties,
                               "additionalProperties", 0);
    if (json_array_size(required))
        json_object_set(schema, "required", required);
    json_decref(required);
    return schema;
}

static json_t *body_of(const struct mird_http_route *route)
{
    if (route->sink)
        return json_pack("{s:b, s:{s:{s:{s:s, s:s}}}}", "required", 1, "content",
                         "application/octet-stream", "schema", "type", "string", "format",
                         "binary");
    char name[128];
    snprintf(name, sizeof name, "%s %s", route->method, route->pattern);
    for (size_t i = 0; i < MIR_NELEMS(bodies); i++)
        if (!strcmp(bodies[i].route, name))
            return json_pack("{s:b, s:{s:{s:o}}}", "required", 1, "content", "application/json",
                             "schema", fields_schema(bodies[i].fields));
    return NULL;
}

static void add_parameter(json_t *list, const char *name, size_t len, const char *where)
{
    json_array_append_new(list, json_pack("{s:s%, s:s, s:b, s:o}", "name", name, len, "in", where,
                                          "required", !strcmp(where, "path"), "schema",
                                          type_schema("string")));
}

static json_t *parameters_of(const struct mird_http_route *route)
{
    json_t *list = json_array();
    for (const char *p = route->pattern; (p = strchr(p, '{')); p++)
        add_parameter(list, p + 1, strcspn(p + 1, "}"), "path");
    for (const char *p = route->query ? route->query : ""; *p; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");
        add_parameter(list, p, len, "query");
        p += len;
    }
    return list;
}

static json_t *operation_of(const struct mird_http_route *route)
{
    json_t *operation =
        json_pack("{s:s, s:o, s:{s:{s:s}, s:{s:s}}}", "summary", route->summary, "parameters",
                  parameters_of(route), "responses", "2XX", "description", "done or accepted",
                  "default", "$ref", "#/components/responses/Problem");
    json_t *body = body_of(route);
    if (body)
        json_object_set_new(operation, "requestBody", body);
    return operation;
}

static json_t *problem_component(void)
{
    json_t *schema = fields_schema("type:string! title:string! status:integer! code:string! "
                                   "detail:string! hint:string request_id:string! "
                                   "left_behind:array provider:string");
    json_object_set_new(schema, "additionalProperties", json_true());
    return json_pack("{s:{s:{s:s, s:{s:{s:{s:s}}}}}, s:{s:o}}", "responses", "Problem",
                     "description", "what went wrong (RFC 9457)", "content",
                     "application/problem+json", "schema", "$ref", "#/components/schemas/Problem",
                     "schemas", "Problem", schema);
}

json_t *mird_openapi(const struct mird_http_route *routes, size_t count)
{
    json_t *paths = json_object();
    for (size_t i = 0; i < count; i++) {
        json_t *path = json_object_get(paths, routes[i].pattern);
        if (!path) {
            path = json_object();
            json_object_set_new(paths, routes[i].pattern, path);
        }
        char method[16];
        snprintf(method, sizeof method, "%s", routes[i].method);
        for (char *p = method; *p; p++)
            *p = (char)tolower((unsigned char)*p);
        json_object_set_new(path, method, operation_of(&routes[i]));
    }
    return json_pack("{s:s, s:{s:s, s:s}, s:o, s:o}", "openapi", "3.1.0", "info", "title",
                     "mirage-deploy", "version", MIR_VERSION, "paths", paths, "components",
                     problem_component());
}
