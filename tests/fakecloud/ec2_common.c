/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/clock.h"
#include "api/json.h"
#include "api/memory.h"
#include "ec2.h"
#include "guests.h"

#define TOKEN_MAX 64

/* --- finding --- */

int fc_ec2_find(struct fc_call *call, const char *kind_name, const char *id, struct fc_object **ret,
                struct fc_refusal *refusal)
{
    const struct fc_kind *kind = fc_kind_find(kind_name);
    if (!fc_kind_id_valid(kind, id))
        return fc_refuse(refusal, 400, kind->malformed,
                         "Invalid id: \"%.100s\" (expecting \"%s...\")", id, kind->prefix);
    struct fc_object *object = fc_store_get(call->world->store, kind_name, call->region, id);
    if (!object || !fc_visible(object, call->now_ms))
        return fc_refuse(refusal, 400, kind->not_found, "The %s '%.100s' does not exist",
                         kind->what, id);
    *ret = object;
    return 0;
}

int fc_ec2_find_param(struct fc_call *call, const char *kind, const char *param,
                      struct fc_object **ret, struct fc_refusal *refusal)
{
    const char *id = fc_param_text(call, param);
    if (!id)
        return fc_refuse(refusal, 400, "MissingParameter",
                         "The request must contain the parameter %s", param);
    return fc_ec2_find(call, kind, id, ret, refusal);
}

/* --- making and changing --- */

struct fc_object *fc_ec2_make(struct fc_call *call, const char *kind, json_t *doc)
{
    struct fc_object *object =
        fc_store_add(call->world->store, kind, call->region, NULL, doc, &call->cause);
    object->visible_ms = call->now_ms + call->world->settings.visible_ms;
    return object;
}

json_t *fc_ec2_edit_at(struct fc_world *world, struct fc_object *object, int64_t now_ms)
{
    return fc_store_edit(world->store, object, now_ms, world->settings.stale_ms);
}

json_t *fc_ec2_edit(struct fc_call *call, struct fc_object *object)
{
    return fc_ec2_edit_at(call->world, object, call->now_ms);
}

/* 198.18.0.0/15 belongs to nobody: it is for measuring networks. What has a machine behind it is
 * reached at its address, from here. */
json_t *fc_public_address(const struct fc_world *world, uint64_t seq)
{
    char own[16];
    if (world->guests) {
        fc_guests_address(world, seq, own);
        return json_string(own);
    }
    unsigned host = (unsigned)(seq % 131070) + 1;
    return json_sprintf("198.%u.%u.%u", 18 + (host >> 16), host >> 8 & 255, host & 255);
}

json_t *fc_return_true(void)
{
    return json_pack("{s:b}", "return", 1);
}

json_t *fc_copy_array(const json_t *array)
{
    json_t *copy = json_deep_copy(array);
    return copy ? copy : json_array();
}

json_t *fc_time_json(int64_t ms)
{
    char text[MIR_TIME_SIZE];
    mir_time_format_ms(ms, text);
    return json_string(text);
}

json_t *fc_instance_state(int code)
{
    const char *name = code == 0    ? "pending"
                       : code == 16 ? "running"
                       : code == 32 ? "shutting-down"
                       : code == 48 ? "terminated"
                       : code == 64 ? "stopping"
                                    : "stopped";
    return json_pack("{s:i,s:s}", "code", code, "name", name);
}

int fc_instance_code(const json_t *doc)
{
    return (int)json_integer_value(fc_at(doc, "instanceState.code"));
}

/* --- once, and not at all --- */

int fc_ec2_dry_run(struct fc_call *call, struct fc_refusal *refusal)
{
    if (!fc_param_bool(call, "DryRun", false))
        return 0;
    return fc_refuse(refusal, 412, "DryRunOperation",
                     "Request would have succeeded, but DryRun flag is set.");
}

static char *token_id(struct fc_call *call, const char *token)
{
    return mir_format("%s:%s", call->operation->name, token);
}

int fc_ec2_token_find(struct fc_call *call, const char *param, const json_t **ret_kept,
                      struct fc_refusal *refusal)
{
    const char *token = fc_param_text(call, param);
    *ret_kept = NULL;
    if (!token)
        return 0;
    for (const char *p = token; *p; p++)
        if (*p < 0x20 || *p > 0x7e)
            return fc_refuse(refusal, 400, "InvalidParameterValue",
                             "%s has to be of ASCII characters", param);
    if (strlen(token) > TOKEN_MAX || !*token)
        return fc_refuse(refusal, 400, "InvalidParameterValue", "%s has to have 1 to %d characters",
                         param, TOKEN_MAX);
    mir_auto_free char *id = token_id(call, token);
    const struct fc_object *object = fc_store_get(call->world->store, "token", call->region, id);
    if (!object)
        return 0;
    if (!json_equal(fc_at(object->doc, "params"), call->params))
        return fc_refuse(refusal, 400, "IdempotentParameterMismatch",
                         "The client token you have provided is associated with a resource that "
                         "was launched with different arguments");
    *ret_kept = fc_at(object->doc, "kept");
    return 0;
}

void fc_ec2_token_keep(struct fc_call *call, const char *param, json_t *kept)
{
    const char *token = fc_param_text(call, param);
    if (token) {
        mir_auto_free char *id = token_id(call, token);
        fc_store_add(call->world->store, "token", call->region, id,
                     json_pack("{s:O,s:O}", "params", call->params, "kept", kept), &call->cause);
    }
    json_decref(kept);
}

/* --- tags --- */

#define TAGS_MAX 50

int fc_ec2_check_tag(const char *key, const char *value, struct fc_refusal *refusal)
{
    if (!*key || strlen(key) > 128 || strlen(value) > 256)
        return fc_refuse(refusal, 400, "InvalidParameterValue",
                         "Tag keys have 1 to 128 characters, values at most 256");
    if (!strncmp(key, "aws:", 4))
        return fc_refuse(refusal, 400, "InvalidParameterValue",
                         "Tag keys starting with 'aws:' are reserved for internal use");
    return 0;
}

static int add_tags(const json_t *tags, json_t *set, struct fc_refusal *refusal)
{
    size_t i, j;
    json_t *tag, *there;
    json_array_foreach((json_t *)(uintptr_t)tags, i, tag)
    {
        const char *key = fc_text_at(tag, "Key"), *value = fc_text_at(tag, "Value");
        if (fc_ec2_check_tag(key, value, refusal))
            return -1;
        json_array_foreach(set, j, there)
        {
            if (!strcmp(fc_text_at(there, "key"), key))
                return fc_refuse(refusal, 400, "InvalidParameterValue",
                                 "Duplicate tag key '%.128s' specified.", key);
        }
        json_array_append_new(set, json_pack("{s:s,s:s}", "key", key, "value", value));
    }
    if (json_array_size(set) > TAGS_MAX)
        return fc_refuse(refusal, 400, "TagLimitExceeded", "more than %d tags", TAGS_MAX);
    return 0;
}

static int check_type(const char *type, const char *const *types, struct fc_refusal *refusal)
{
    for (; *types; types++)
        if (!strcmp(*types, type))
            return 0;
    return fc_refuse(refusal, 400, "InvalidParameterValue",
                     "'%.60s' is not a valid taggable resource type for this operation.", type);
}

int fc_ec2_new_tags(struct fc_call *call, const char *type, const char *const *types,
                    json_t **ret_set, struct fc_refusal *refusal)
{
    json_t *set = json_array(), *specification;
    const json_t *list = fc_param_list(call, "TagSpecification");
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)list, i, specification)
    {
        const char *said = fc_text_at(specification, "ResourceType");
        if (check_type(said, types, refusal) ||
            (!strcmp(said, type) && add_tags(fc_at(specification, "Tag"), set, refusal))) {
            json_decref(set);
            return -1;
        }
    }
    *ret_set = set;
    return 0;
}
