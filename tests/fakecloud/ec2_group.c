/* SPDX-License-Identifier: ISC */
/* Security groups: made, listed, deleted when nothing uses them. Rules are in ec2_rules.c. */
#include "ec2_group.h"

#include <string.h>

#include "api/memory.h"

#define NAME_MAX_BYTES 255

const struct fc_param fc_params_create_security_group[] = {
    {"GroupName", FC_TEXT, true},
    {"GroupDescription", FC_TEXT, true},
    {"VpcId", FC_TEXT, false},
    FC_EC2_TAGS,
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_describe_security_groups[] = {
    {"GroupId.#", FC_TEXT, false},
    {"GroupName.#", FC_TEXT, false},
    FC_EC2_FILTERS,
    FC_EC2_PAGE,
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_delete_security_group[] = {
    {"GroupId", FC_TEXT, false},
    {"GroupName", FC_TEXT, false},
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

static const struct fc_filter group_filters[] = {
    {"group-id", "groupId"},
    {"group-name", "groupName"},
    {"description", "groupDescription"},
    {"vpc-id", "vpcId"},
    {"owner-id", "ownerId"},
    {"ip-permission.from-port", "ipPermissions[].fromPort"},
    {"ip-permission.to-port", "ipPermissions[].toPort"},
    {"ip-permission.protocol", "ipPermissions[].ipProtocol"},
    {"ip-permission.cidr", "ipPermissions[].ipRanges[].cidrIp"},
    {"ip-permission.ipv6-cidr", "ipPermissions[].ipv6Ranges[].cidrIpv6"},
    {"ip-permission.group-id", "ipPermissions[].groups[].groupId"},
    {NULL, NULL},
};

int fc_ec2_describe_security_groups(struct fc_call *call, json_t **ret_reply,
                                    struct fc_refusal *refusal)
{
    static const struct fc_listing listing = {.kind = "security-group",
                                              .set = "securityGroupInfo",
                                              .ids = "GroupId",
                                              .names = "GroupName",
                                              .name_path = "groupName",
                                              .rows = group_filters,
                                              .page_min = 5,
                                              .page_max = 1000};
    return fc_ec2_list(call, &listing, ret_reply, refusal);
}

/* --- create --- */

static struct fc_object *default_vpc(struct fc_call *call)
{
    struct fc_object *o = NULL;
    while ((o = fc_store_each(call->world->store, o, "vpc", call->region)))
        if (json_is_true(fc_at(o->doc, "isDefault")))
            return o;
    return NULL;
}

static struct fc_object *group_named(struct fc_call *call, const char *vpc, const char *name)
{
    struct fc_object *o = NULL;
    while ((o = fc_store_each(call->world->store, o, "security-group", call->region)))
        if (!strcmp(fc_text_at(o->doc, "vpcId"), vpc) &&
            !strcmp(fc_text_at(o->doc, "groupName"), name))
            return o;
    return NULL;
}

static int check_text(const char *param, const char *text, struct fc_refusal *refusal)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                " ._-:/()#,@[]+=&;{}!$*";
    size_t len = strlen(text);
    if (!len || len > NAME_MAX_BYTES || strspn(text, plain) != len)
        return fc_refuse(refusal, 400, "InvalidParameterValue",
                         "Value (%.100s) for parameter %s is invalid. Character sets beyond ASCII "
                         "are not supported.",
                         text, param);
    return 0;
}

static int check_group_name(const char *name, struct fc_refusal *refusal)
{
    if (check_text("GroupName", name, refusal))
        return -1;
    if (!strncmp(name, "sg-", 3))
        return fc_refuse(refusal, 400, "InvalidParameterValue",
                         "Value (%.100s) for parameter GroupName is invalid: it may not begin with "
                         "'sg-'",
                         name);
    if (!strcmp(name, "default"))
        return fc_refuse(refusal, 400, "InvalidGroup.Reserved",
                         "The security group 'default' is reserved");
    return 0;
}

static json_t *group_doc(struct fc_call *call, const struct fc_object *vpc, json_t *tags)
{
    json_t *everywhere =
        json_pack("[{s:s,s:[],s:[{s:s}],s:[],s:[]}]", "ipProtocol", "-1", "groups", "ipRanges",
                  "cidrIp", "0.0.0.0/0", "ipv6Ranges", "prefixListIds");
    return json_pack("{s:s,s:s,s:s,s:s,s:[],s:o,s:o}", "groupName",
                     fc_param_text(call, "GroupName"), "groupDescription",
                     fc_param_text(call, "GroupDescription"), "vpcId", vpc->id, "ownerId",
                     call->world->account.id, "ipPermissions", "ipPermissionsEgress", everywhere,
                     "tagSet", tags);
}

int fc_ec2_create_security_group(struct fc_call *call, json_t **ret_reply,
                                 struct fc_refusal *refusal)
{
    static const char *const types[] = {"security-group", NULL};
    const char *name = fc_param_text(call, "GroupName"), *vpc_id = fc_param_text(call, "VpcId");
    struct fc_object *vpc = default_vpc(call);
    json_t *tags = NULL;
    if (check_group_name(name, refusal) ||
        check_text("GroupDescription", fc_param_text(call, "GroupDescription"), refusal) ||
        (vpc_id && fc_ec2_find(call, "vpc", vpc_id, &vpc, refusal)))
        return -1;
    if (group_named(call, vpc->id, name))
        return fc_refuse(refusal, 400, "InvalidGroup.Duplicate",
                         "The security group '%s' already exists for VPC '%s'", name, vpc->id);
    if (fc_ec2_new_tags(call, types[0], types, &tags, refusal))
        return -1;
    if (fc_ec2_dry_run(call, refusal)) {
        json_decref(tags);
        return -1;
    }
    json_t *doc = group_doc(call, vpc, tags);
    const struct fc_object *group = fc_ec2_make(call, "security-group", doc);
    json_object_set_new(doc, "groupId", json_string(group->id));
    *ret_reply = json_pack("{s:b,s:s,s:O}", "return", 1, "groupId", group->id, "tagSet", tags);
    return 0;
}

/* --- delete --- */

int fc_group_find(struct fc_call *call, struct fc_object **ret, struct fc_refusal *refusal)
{
    const char *id = fc_param_text(call, "GroupId"), *name = fc_param_text(call, "GroupName");
    if (id)
        return fc_ec2_find(call, "security-group", id, ret, refusal);
    if (!name)
        return fc_refuse(refusal, 400, "MissingParameter",
                         "The request must contain the parameter groupName or groupId");
    struct fc_object *group = group_named(call, default_vpc(call)->id, name);
    if (!group || !fc_visible(group, call->now_ms))
        return fc_refuse(refusal, 400, "InvalidGroup.NotFound",
                         "The security group '%.100s' does not exist in default VPC", name);
    *ret = group;
    return 0;
}

static bool names_group(const json_t *list, const char *id)
{
    size_t i;
    json_t *entry;
    json_array_foreach((json_t *)(uintptr_t)list, i, entry)
    {
        if (!strcmp(fc_text_at(entry, "groupId"), id))
            return true;
    }
    return false;
}

static bool rules_name_group(const json_t *permissions, const char *id)
{
    size_t i;
    json_t *permission;
    json_array_foreach((json_t *)(uintptr_t)permissions, i, permission)
    {
        if (names_group(fc_at(permission, "groups"), id))
            return true;
    }
    return false;
}

/* By interfaces, which last until their instance is terminated, and by rules of other groups. */
static bool group_in_use(struct fc_call *call, const struct fc_object *group)
{
    const struct fc_store *store = call->world->store;
    for (struct fc_object *o = NULL;
         (o = fc_store_each(store, o, "network-interface", call->region));)
        if (names_group(fc_at(o->doc, "groupSet"), group->id))
            return true;
    for (struct fc_object *o = NULL; (o = fc_store_each(store, o, "security-group", call->region));)
        if (o != group && (rules_name_group(fc_at(o->doc, "ipPermissions"), group->id) ||
                           rules_name_group(fc_at(o->doc, "ipPermissionsEgress"), group->id)))
            return true;
    return false;
}

int fc_ec2_delete_security_group(struct fc_call *call, json_t **ret_reply,
                                 struct fc_refusal *refusal)
{
    struct fc_object *group;
    if (fc_group_find(call, &group, refusal))
        return -1;
    if (!strcmp(fc_text_at(group->doc, "groupName"), "default"))
        return fc_refuse(refusal, 400, "CannotDelete",
                         "the specified group: \"%s\" name: "
                         "\"default\" cannot be deleted by a user",
                         group->id);
    if (group_in_use(call, group))
        return fc_refuse(refusal, 400, "DependencyViolation", "resource %s has a dependent object",
                         group->id);
    if (fc_ec2_dry_run(call, refusal))
        return -1;
    fc_store_gone(call->world->store, group, &call->cause, 0);
    *ret_reply = fc_return_true();
    return 0;
}
