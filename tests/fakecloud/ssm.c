/* SPDX-License-Identifier: ISC */
/* SSM parameters, API 2014-11-06: the account's own, and the public ones that name the newest
 * images. */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "ec2.h"
#include "rest.h"

#define VALUE_MAX 4096
#define LEVELS_MAX 15

static const struct {
    const char *name, *image;
} public_rows[] = {
    {"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64", "al2023*x86_64"},
    {"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64", "al2023*arm64"},
    {"/aws/service/ami-amazon-linux-latest/amzn-ami-pv-x86_64-ebs", "amzn-ami-pv*"},
};

static json_t *public_parameter(struct fc_call *call, size_t row)
{
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, "image", call->region));)
        if (o->furniture && fc_wildcard(public_rows[row].image, fc_text_at(o->doc, "name")))
            return json_pack(
                "{s:s,s:s,s:s,s:i,s:f,s:o,s:s}", "Name", public_rows[row].name, "Type", "String",
                "Value", o->id, "Version", 1, "LastModifiedDate", (double)o->created_ms / 1000,
                "ARN",
                json_sprintf("arn:aws:ssm:%s::parameter%s", call->region, public_rows[row].name),
                "DataType", "text");
    return NULL;
}

/* As a reply shows it; NULL: there is none. New reference. */
static json_t *find_parameter(struct fc_call *call, const char *name)
{
    for (size_t i = 0; i < MIR_NELEMS(public_rows); i++)
        if (!strcmp(public_rows[i].name, name))
            return public_parameter(call, i);
    const struct fc_object *object =
        fc_store_get(call->world->store, "parameter", call->region, name);
    if (!object || !fc_visible(object, call->now_ms))
        return NULL;
    json_t *out = json_copy(object->doc);
    json_object_del(out, "tagSet");
    json_object_del(out, "_description");
    return out;
}

static int not_found(struct fc_refusal *refusal, const char *name)
{
    return fc_refuse(refusal, 400, "ParameterNotFound", "There is no parameter %.200s", name);
}

static int get_parameter(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const char *name = fc_param_text(call, "Name");
    json_t *parameter = find_parameter(call, name);
    if (!parameter)
        return not_found(refusal, name);
    *ret_reply = json_pack("{s:o}", "Parameter", parameter);
    return 0;
}

static int get_parameters(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    json_t *found = json_array(), *missing = json_array(), *name;
    size_t i;
    json_array_foreach(fc_param_list(call, "Names"), i, name)
    {
        json_t *parameter = find_parameter(call, json_string_value(name));
        if (parameter)
            json_array_append_new(found, parameter);
        else
            json_array_append(missing, name);
    }
    *ret_reply = json_pack("{s:o,s:o}", "Parameters", found, "InvalidParameters", missing);
    return 0;
}

/* Is it under the path, directly or (recursive) somewhere? */
static bool under(const char *name, const char *path, bool recursive)
{
    size_t len = strlen(path);
    while (len && path[len - 1] == '/')
        len--;
    if (strncmp(name, path, len) != 0 || name[len] != '/')
        return false;
    return recursive || !strchr(name + len + 1, '/');
}

/* The token of a page is the name that it comes after. */
static int get_parameters_by_path(struct fc_call *call, json_t **ret_reply,
                                  struct fc_refusal *refusal)
{
    const char *path = fc_param_text(call, "Path"), *after = fc_param_text(call, "NextToken");
    bool recursive = fc_param_bool(call, "Recursive", false);
    int64_t max = fc_param_int(call, "MaxResults", 10);
    json_t *rows = json_array();
    if (max < 1 || max > 10 || *path != '/')
        return fc_invalid(refusal, "MaxResults is 1 to 10, and a path begins with a slash");
    *ret_reply = json_pack("{s:o}", "Parameters", rows);
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, "parameter", call->region));) {
        if (after) {
            after = strcmp(after, o->id) ? after : NULL;
            continue;
        }
        if (!under(o->id, path, recursive))
            continue;
        if (json_array_size(rows) == (size_t)max) {
            json_object_set(*ret_reply, "NextToken",
                            fc_at(json_array_get(rows, (size_t)max - 1), "Name"));
            break;
        }
        json_array_append_new(rows, find_parameter(call, o->id));
    }
    return 0;
}

static int check_put(struct fc_call *call, struct fc_refusal *refusal)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "_.-/";
    const char *name = fc_param_text(call, "Name"), *value = fc_param_text(call, "Value");
    const char *type = fc_param_text(call, "Type");
    unsigned levels = 0;
    for (const char *p = name; *p; p++)
        levels += *p == '/';
    if (!*name || strspn(name, plain) != strlen(name) || strlen(name) > 1011)
        return fc_invalid(refusal, "Parameter name: can't be empty, and has letters, digits and "
                                   ". - _ / alone");
    if (!strncmp(name, "/aws", 4) || !strncmp(name, "/ssm", 4) || !strncmp(name, "aws", 3))
        return fc_invalid(refusal, "No access to reserved parameter name: %.100s.", name);
    if (levels > LEVELS_MAX)
        return fc_refuse(refusal, 400, "HierarchyLevelLimitExceededException",
                         "A hierarchy can have a maximum of %d levels.", LEVELS_MAX);
    if (type && strcmp(type, "String") != 0 && strcmp(type, "StringList") != 0 &&
        strcmp(type, "SecureString") != 0)
        return fc_invalid(refusal, "Type is String, StringList or SecureString");
    if (!*value || strlen(value) > VALUE_MAX)
        return fc_invalid(refusal, "A value has 1 to %d characters", VALUE_MAX);
    return 0;
}

static int put_parameter(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const char *name = fc_param_text(call, "Name"), *type = fc_param_text(call, "Type");
    if (check_put(call, refusal))
        return -1;
    struct fc_object *there = fc_store_get(call->world->store, "parameter", call->region, name);
    if (fc_param_bool(call, "Overwrite", false) && fc_param_list(call, "Tags"))
        return fc_invalid(refusal, "Invalid request: tags and overwrite can't be used together. To "
                                   "create a parameter with tags, please remove overwrite flag.");
    if (there && !fc_param_bool(call, "Overwrite", false))
        return fc_refuse(refusal, 400, "ParameterAlreadyExists",
                         "The parameter already exists. To overwrite this value, set the overwrite "
                         "option in the request to true.");
    if (!there && !type)
        return fc_invalid(refusal, "A parameter type is required when you create a parameter.");
    int64_t version = there ? json_integer_value(fc_at(there->doc, "Version")) + 1 : 1;
    if (!there) {
        json_t *doc =
            json_pack("{s:s,s:s,s:s,s:o}", "Name", name, "Type", type, "DataType", "text", "ARN",
                      json_sprintf("arn:aws:ssm:%s:%s:parameter%s%s", call->region,
                                   call->world->account.id, *name == '/' ? "" : "/", name));
        there =
            fc_store_add(call->world->store, "parameter", call->region, name, doc, &call->cause);
    }
    json_t *doc = fc_store_edit(call->world->store, there, call->now_ms, 0);
    json_object_set(doc, "Value", fc_at(call->params, "Value"));
    json_object_set_new(doc, "Version", json_integer(version));
    json_object_set_new(doc, "LastModifiedDate", json_real((double)call->now_ms / 1000));
    if (type)
        json_object_set_new(doc, "Type", json_string(type));
    *ret_reply = json_pack("{s:I,s:s}", "Version", (json_int_t)version, "Tier", "Standard");
    return 0;
}

static bool delete_one(struct fc_call *call, const char *name)
{
    struct fc_object *object = fc_store_get(call->world->store, "parameter", call->region, name);
    if (!object)
        return false;
    fc_store_gone(call->world->store, object, &call->cause, 0);
    return true;
}

static int delete_parameter(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const char *name = fc_param_text(call, "Name");
    if (!delete_one(call, name))
        return not_found(refusal, name);
    *ret_reply = json_object();
    return 0;
}

static int delete_parameters(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    json_t *deleted = json_array(), *missing = json_array(), *name;
    size_t i;
    json_array_foreach(fc_param_list(call, "Names"), i, name)
    {
        json_array_append(delete_one(call, json_string_value(name)) ? deleted : missing, name);
    }
    *ret_reply = json_pack("{s:o,s:o}", "DeletedParameters", deleted, "InvalidParameters", missing);
    return 0;
}

#define END                                                                                        \
    {                                                                                              \
        NULL, FC_TEXT, false                                                                       \
    }
static const struct fc_param get_params[] = {
    {"Name", FC_TEXT, true}, {"WithDecryption", FC_BOOL, false}, END};
static const struct fc_param names_params[] = {
    {"Names", FC_TEXT, true}, {"Names.#", FC_TEXT, false}, {"WithDecryption", FC_BOOL, false}, END};
static const struct fc_param path_params[] = {{"Path", FC_TEXT, true},
                                              {"Recursive", FC_BOOL, false},
                                              {"WithDecryption", FC_BOOL, false},
                                              {"MaxResults", FC_INT, false},
                                              {"NextToken", FC_TEXT, false},
                                              END};
static const struct fc_param put_params[] = {{"Name", FC_TEXT, true},
                                             {"Value", FC_TEXT, true},
                                             {"Type", FC_TEXT, false},
                                             {"Description", FC_TEXT, false},
                                             {"Overwrite", FC_BOOL, false},
                                             {"Tier", FC_TEXT, false},
                                             {"DataType", FC_TEXT, false},
                                             {"KeyId", FC_TEXT, false},
                                             {"Tags.#.Key", FC_TEXT, false},
                                             {"Tags.#.Value", FC_TEXT, false},
                                             END};
static const struct fc_param delete_params[] = {{"Name", FC_TEXT, true}, END};

static const struct fc_operation operations[] = {
    {.name = "GetParameter", .handle = get_parameter, .params = get_params},
    {.name = "GetParameters", .handle = get_parameters, .params = names_params},
    {.name = "GetParametersByPath", .handle = get_parameters_by_path, .params = path_params},
    {.name = "PutParameter", .handle = put_parameter, .params = put_params},
    {.name = "DeleteParameter", .handle = delete_parameter, .params = delete_params},
    {.name = "DeleteParameters", .handle = delete_parameters, .params = names_params},
    {.name = NULL},
};

const struct fc_service fc_service_ssm = {.name = "ssm",
                                          .version = "AmazonSSM",
                                          .protocol = FC_PROTOCOL_JSON,
                                          .operations = operations,
                                          .prepare = fc_ec2_region_ready};
