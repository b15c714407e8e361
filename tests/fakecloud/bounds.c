/* SPDX-License-Identifier: ISC */
#include "bounds.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/memory.h"
#include "store.h"

#define THINGS_MAX 64 /* of one call; a test names no more */

#define ARN_TEXT 1200 /* an object's has a key of 1024 bytes */

/* What a call names or would make. */
struct thing {
    char arn[ARN_TEXT];
    const char *kind;   /* "" none of EC2's */
    const json_t *tags; /* those that it has; NULL none, or not there yet */
    const char *volume; /* that a snapshot is of; "" none */
    bool made;
};

struct asked {
    const struct fc_call *call;
    const char *action;
    bool beside; /* asked for by a call of another name */
    struct thing things[THINGS_MAX];
    size_t count;
};

static bool names_any(const json_t *value, const char *text, int flags)
{
    size_t i;
    json_t *one;
    if (json_is_string(value))
        return !fnmatch(json_string_value(value), text, flags);
    json_array_foreach((json_t *)(uintptr_t)value, i, one)
    {
        if (json_is_string(one) && !fnmatch(json_string_value(one), text, flags))
            return true;
    }
    return false;
}

bool fc_statement_names(const json_t *statement, const char *action)
{
    return names_any(fc_at(statement, "Action"), action, FNM_CASEFOLD);
}

/* --- the things --- */

static void add(struct asked *asked, const char *kind, const char *id, const json_t *tags,
                bool made)
{
    const struct fc_call *call = asked->call;
    bool shared = !strcmp(kind, "image") || !strcmp(kind, "snapshot");
    if (asked->count == THINGS_MAX)
        return;
    struct thing *thing = &asked->things[asked->count++];
    *thing = (struct thing){.kind = kind, .tags = tags, .volume = "", .made = made};
    snprintf(thing->arn, sizeof thing->arn, "arn:aws:ec2:%s:%s:%s/%s", call->region,
             shared ? "" : call->world->account.id, kind, id);
}

static void add_association(struct asked *asked, const char *id)
{
    struct fc_object *o = NULL;
    while ((o = fc_store_each(asked->call->world->store, o, "elastic-ip", asked->call->region)))
        if (!strcmp(fc_text_at(o->doc, "associationId"), id)) {
            add(asked, "elastic-ip", o->id, fc_at(o->doc, "tagSet"), false);
            return;
        }
    add(asked, "elastic-ip", "unknown", NULL, false);
}

static void add_named(struct asked *asked, const char *id)
{
    const struct fc_kind *kind = fc_kind_of_id(id);
    if (!strncmp(id, "eipassoc-", 9))
        add_association(asked, id);
    if (!kind)
        return;
    const struct fc_object *o =
        fc_store_get(asked->call->world->store, kind->name, asked->call->region, id);
    add(asked, kind->name, id, o ? fc_at(o->doc, "tagSet") : NULL, false);
    if (o && asked->count)
        asked->things[asked->count - 1].volume = fc_text_at(o->doc, "volumeId");
}

/* Ids among the parameters, wherever they stand; those in tags and filters name nothing. */
static void add_parameters(struct asked *asked, const json_t *value)
{
    const char *key;
    size_t i;
    json_t *one;
    if (json_is_string(value))
        add_named(asked, json_string_value(value));
    json_array_foreach((json_t *)(uintptr_t)value, i, one) add_parameters(asked, one);
    json_object_foreach((json_t *)(uintptr_t)value, key, one)
    {
        if (strncmp(key, "Tag", 3) != 0 && strcmp(key, "Filter") != 0)
            add_parameters(asked, one);
    }
}

/* Of the things that a call makes, it may be asked to tag some. */
static bool leaves_untagged(const struct fc_call *call, const char *kind)
{
    size_t i;
    json_t *set;
    const json_t *sets = fc_at(call->params, "TagSpecification");
    json_array_foreach((json_t *)(uintptr_t)sets, i, set)
    {
        if (!strcmp(fc_text_at(set, "ResourceType"), kind))
            return false;
    }
    return sets != NULL;
}

static void add_made(struct asked *asked)
{
    static const struct {
        const char *operation, *kind;
    } rows[] = {{"RunInstances", "instance"},
                {"RunInstances", "network-interface"},
                {"RunInstances", "volume"},
                {"CreateSecurityGroup", "security-group"},
                {"AllocateAddress", "elastic-ip"},
                {"RegisterImage", "image"},
                {"StartSnapshot", "snapshot"},
                {"ImportSnapshot", "snapshot"},
                {"ImportSnapshot", "import-snapshot-task"}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        if (!strcmp(asked->call->operation->name, rows[i].operation) &&
            !(asked->beside && leaves_untagged(asked->call, rows[i].kind)))
            add(asked, rows[i].kind, "*", NULL, true);
}

static void add_other(struct asked *asked, const char *arn)
{
    struct thing *thing = &asked->things[asked->count++];
    *thing = (struct thing){.kind = "", .volume = ""};
    mir_copy(thing->arn, sizeof thing->arn, arn);
}

/* One with a slash at its beginning has it once in its ARN, too; the public ones have no account.
 */
static void add_parameter(struct asked *asked)
{
    const struct fc_call *call = asked->call;
    const char *name = fc_param_text(call, "Name");
    if (!name)
        name = fc_param_text(call, "Path");
    if (!name)
        return;
    mir_auto_free char *arn = mir_format("arn:aws:ssm:%s:%s:parameter%s%s", call->region,
                                         strncmp(name, "/aws/", 5) ? call->world->account.id : "",
                                         *name == '/' ? "" : "/", name);
    add_other(asked, arn);
}

static void find_things(struct asked *asked)
{
    const struct fc_call *call = asked->call;
    const char *role = fc_param_text(call, "Target.RoleArn"), *first = call->segments[0];
    if (!strcmp(asked->action, "iam:PassRole")) {
        add_other(asked, role ? role : "*");
        return;
    }
    add_made(asked);
    if (asked->beside && strcmp(asked->action, "s3:PutObjectAcl") != 0)
        return;
    add_parameters(asked, call->params);
    if (!strcmp(call->service->name, "ebs") && first)
        add_named(asked, first);
    if (!strcmp(call->service->name, "scheduler") && first) {
        mir_auto_free char *arn = mir_format("arn:aws:scheduler:%s:%s:schedule/default/%s",
                                             call->region, call->world->account.id, first);
        add_other(asked, arn);
    }
    if (!strcmp(call->service->name, "ssm"))
        add_parameter(asked);
    if (!strcmp(call->service->name, "s3") && first) {
        mir_auto_free char *arn =
            mir_format("arn:aws:s3:::%s%s%s", first, call->segments[1] ? "/" : "",
                       call->segments[1] ? call->segments[1] : "");
        add_other(asked, arn);
    }
    if (!asked->count)
        add_other(asked, "*");
}

/* --- conditions --- */

static bool has_key(const json_t *tags, const char *name, const char *key)
{
    size_t i;
    json_t *tag;
    json_array_foreach((json_t *)(uintptr_t)tags, i, tag)
    {
        if (!strcmp(fc_text_at(tag, name), key))
            return true;
    }
    return false;
}

static bool in_request(const struct asked *asked, const struct thing *thing, const char *key)
{
    size_t i;
    json_t *set;
    const json_t *params = asked->call->params;
    if (!strcmp(asked->call->operation->name, "CreateTags"))
        return has_key(fc_at(params, "Tag"), "Key", key);
    if (!thing->made)
        return false;
    json_array_foreach((json_t *)(uintptr_t)fc_at(params, "TagSpecification"), i, set)
    {
        if (!strcmp(fc_text_at(set, "ResourceType"), thing->kind) &&
            has_key(fc_at(set, "Tag"), "Key", key))
            return true;
    }
    return has_key(fc_at(params, "Tags"), "Key", key);
}

static bool null_holds(const struct asked *asked, const struct thing *thing, const char *key,
                       const json_t *value)
{
    static const char request[] = "aws:RequestTag/", resource[] = "aws:ResourceTag/";
    const char *text = json_string_value(value);
    bool there;
    if (!strncmp(key, request, sizeof request - 1))
        there = in_request(asked, thing, key + sizeof request - 1);
    else if (!strncmp(key, resource, sizeof resource - 1))
        there = has_key(thing->tags, "key", key + sizeof resource - 1);
    else
        return false;
    return text && !strcmp(text, there ? "false" : "true");
}

static bool equals_holds(const struct asked *asked, const char *key, const json_t *value)
{
    bool scheduler = !strcmp(asked->call->service->name, "scheduler");
    if (!strcmp(key, "ec2:CreateAction"))
        return asked->beside && names_any(value, asked->call->operation->name, 0);
    if (!strcmp(key, "iam:PassedToService"))
        return names_any(value, scheduler ? "scheduler.amazonaws.com" : "ec2.amazonaws.com", 0);
    return false;
}

static bool arn_holds(const struct asked *asked, const struct thing *thing, const char *key,
                      const json_t *value)
{
    const struct fc_call *call = asked->call;
    if (strcmp(key, "ec2:ParentVolume") != 0 || !*thing->volume)
        return false;
    mir_auto_free char *arn = mir_format("arn:aws:ec2:%s:%s:volume/%s", call->region,
                                         call->world->account.id, thing->volume);
    return names_any(value, arn, 0);
}

static bool conditions_hold(const struct asked *asked, const struct thing *thing,
                            const json_t *conditions)
{
    const char *operator, * key;
    json_t *tests, *value;
    json_object_foreach((json_t *)(uintptr_t)conditions, operator, tests)
    {
        json_object_foreach(tests, key, value)
        {
            bool holds = !strcmp(operator, "Null")           ? null_holds(asked, thing, key, value)
                         : !strcmp(operator, "StringEquals") ? equals_holds(asked, key, value)
                         : !strcmp(operator, "ArnLike")      ? arn_holds(asked, thing, key, value)
                                                             : false;
            if (!holds)
                return false;
        }
    }
    return true;
}

/* --- all of it --- */

static bool allows(const json_t *policy, const struct asked *asked, const struct thing *thing)
{
    size_t i;
    json_t *statement;
    json_array_foreach((json_t *)(uintptr_t)fc_at(policy, "Statement"), i, statement)
    {
        const json_t *resource = fc_at(statement, "Resource");
        if (!strcmp(fc_text_at(statement, "Effect"), "Allow") &&
            fc_statement_names(statement, asked->action) &&
            (!resource || names_any(resource, thing->arn, 0)) &&
            conditions_hold(asked, thing, fc_at(statement, "Condition")))
            return true;
    }
    return false;
}

bool fc_bounds_allow(const json_t *policy, const struct fc_call *call, const char *action)
{
    const char *own = call->operation->action ? call->operation->action : call->operation->name;
    const char *name = strchr(action, ':');
    struct asked asked = {.call = call, .action = action};
    if (!policy)
        return true;
    asked.beside = !name || strcmp(name + 1, own) != 0;
    find_things(&asked);
    for (size_t i = 0; i < asked.count; i++)
        if (!allows(policy, &asked, &asked.things[i]))
            return false;
    return true;
}

bool fc_bounds_reach(const json_t *policy, const char *action, const char *arn)
{
    size_t i;
    json_t *statement;
    json_array_foreach((json_t *)(uintptr_t)fc_at(policy, "Statement"), i, statement)
    {
        if (!strcmp(fc_text_at(statement, "Effect"), "Allow") &&
            fc_statement_names(statement, action) &&
            names_any(fc_at(statement, "Resource"), arn, 0))
            return true;
    }
    return false;
}
