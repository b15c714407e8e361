/* SPDX-License-Identifier: ISC */
/* Security groups and their rules. Each project has a group "default" in each region. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "neutron_more.h"
#include "os_wording.h"

#define CREATE FOS_CREATE
#define BOTH (FOS_CREATE | FOS_UPDATE)

static const struct fos_attribute group_attributes[] = {
    {"name", 's', BOTH, "\"\""},
    {"description", 's', BOTH, "\"\""},
    {"stateful", 'b', BOTH, "true"},
    {"shared", 'b', 0, "false"},
    {.name = NULL},
};

static const struct fos_attribute rule_attributes[] = {
    {"security_group_id", 'u', CREATE | FOS_REQUIRED, NULL},
    {"direction", 's', CREATE | FOS_REQUIRED, NULL},
    {"description", 's', CREATE, "\"\""},
    {"ethertype", 's', CREATE | FOS_NULLABLE, "\"IPv4\""},
    {"protocol", 0, CREATE | FOS_NULLABLE, NULL},
    {"port_range_min", 'i', CREATE | FOS_NULLABLE, NULL},
    {"port_range_max", 'i', CREATE | FOS_NULLABLE, NULL},
    {"remote_ip_prefix", 's', CREATE | FOS_NULLABLE, NULL},
    {"normalized_cidr", 's', 0, NULL},
    {"remote_group_id", 'u', CREATE | FOS_NULLABLE, NULL},
    {"remote_address_group_id", 'u', CREATE | FOS_NULLABLE, NULL},
    {.name = NULL},
};

/* --- rules --- */

static bool same_member(const json_t *a, const json_t *b, const char *name)
{
    const json_t *left = fc_at(a, name), *right = fc_at(b, name);
    return (json_is_null(left) && json_is_null(right)) || json_equal(left, right);
}

static bool same_rule(const json_t *a, const json_t *b)
{
    static const char *const names[] = {"security_group_id", "direction",      "ethertype",
                                        "protocol",          "port_range_min", "port_range_max",
                                        "remote_ip_prefix",  "remote_group_id"};
    for (size_t i = 0; i < MIR_NELEMS(names); i++)
        if (!same_member(a, b, names[i]))
            return false;
    return true;
}

static int check_ports(const json_t *said, struct fc_refusal *refusal)
{
    const json_t *least = fc_at(said, "port_range_min"), *most = fc_at(said, "port_range_max");
    const char *protocol = fos_text(said, "protocol", NULL);
    bool any = json_is_integer(least) || json_is_integer(most);
    if (any && !protocol)
        return fc_refuse(refusal, 400, "SecurityGroupProtocolRequiredWithPorts",
                         "Must also specify protocol if port range is given.");
    if (!any || !strncmp(protocol, "icmp", 4) || !strncmp(protocol, "ipv6-icmp", 9))
        return 0;
    json_int_t from = json_integer_value(least), to = json_integer_value(most);
    return json_is_integer(least) && json_is_integer(most) && from >= 1 && from <= to && to <= 65535
               ? 0
               : fc_refuse(refusal, 400, "SecurityGroupInvalidPortRange",
                           "For TCP/UDP protocols, port_range_min must be <= port_range_max");
}

static int check_words(const json_t *said, struct fc_refusal *refusal)
{
    const char *direction = fos_text(said, "direction", "");
    const char *type = fos_text(said, "ethertype", "IPv4");
    const char *prefix = fos_text(said, "remote_ip_prefix", NULL);
    if (strcmp(direction, "ingress") != 0 && strcmp(direction, "egress") != 0)
        return fc_refuse(refusal, 400, "HTTPBadRequest",
                         "Invalid input for direction. Reason: '%.20s' is not in ['ingress', "
                         "'egress'].",
                         direction);
    if (strcmp(type, "IPv4") != 0 && strcmp(type, "IPv6") != 0)
        return fc_refuse(refusal, 400, "SecurityGroupRuleInvalidEtherType",
                         "Security group rule for ethertype '%.20s' not supported. Allowed values "
                         "are ['IPv4', 'IPv6'].",
                         type);
    if (prefix && (strchr(prefix, ':') != NULL) != !strcmp(type, "IPv6"))
        return fc_refuse(refusal, 400, "SecurityGroupRuleParameterConflict",
                         "Conflicting value ethertype %s for CIDR %.60s", type, prefix);
    if (prefix && fos_text(said, "remote_group_id", NULL))
        return fc_refuse(refusal, 400, "SecurityGroupMultipleRemoteEntites",
                         "Only remote_ip_prefix or remote_group_id may be provided.");
    return 0;
}

static void small_letters(json_t *doc, const char *name)
{
    mir_auto_free char *text = mir_strdup(fos_text(doc, name, NULL));
    if (!text)
        return;
    for (char *p = text; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    json_object_set_new(doc, name, json_string(text));
}

static int make_rule(struct fc_call *call, const char *id, const json_t *said, json_t *doc,
                     struct fc_refusal *refusal)
{
    struct fc_object *group;
    const char *group_id = fc_text_at(said, "security_group_id");
    const char *remote = fos_text(said, "remote_group_id", NULL);
    if (check_words(said, refusal) || check_ports(said, refusal) ||
        fos_resource_find(call, &fos_groups, group_id, &group, refusal) ||
        (remote && fos_resource_find(call, &fos_groups, remote, &group, refusal)))
        return -1;
    small_letters(doc, "protocol");
    if (fos_text(said, "remote_ip_prefix", NULL))
        json_object_set(doc, "normalized_cidr", fc_at(said, "remote_ip_prefix"));
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, fos_rules.kind, call->region));)
        if (same_rule(o->doc, doc))
            return fc_refuse(refusal, 409, "SecurityGroupRuleExists",
                             "Security group rule already exists. Rule id is %s.", o->id);
    return 0;
}

/* --- groups --- */

static void add_rule(struct fc_call *call, const struct fc_object *group, const char *direction,
                     const char *type, bool from_itself)
{
    struct fc_refusal refusal;
    json_t *said = json_pack("{s:s,s:s,s:s}", "security_group_id", group->id, "direction",
                             direction, "ethertype", type);
    if (from_itself)
        json_object_set_new(said, "remote_group_id", json_string(group->id));
    struct fc_object *rule = fos_resource_make(call, &fos_rules, said, &refusal);
    if (rule)
        rule->furniture = group->furniture;
    json_decref(said);
}

/* Everything may leave; "default" also hears those that are in it. */
static void made_group(struct fc_call *call, struct fc_object *group)
{
    group->furniture = !strcmp(fc_text_at(group->doc, "name"), "default");
    add_rule(call, group, "egress", "IPv4", false);
    add_rule(call, group, "egress", "IPv6", false);
    if (group->furniture) {
        add_rule(call, group, "ingress", "IPv4", true);
        add_rule(call, group, "ingress", "IPv6", true);
    }
}

static struct fc_object *default_there(const struct fc_call *call)
{
    struct fc_object *o = NULL;
    while ((o = fc_store_each(call->world->store, o, fos_groups.kind, call->region)))
        if (o->furniture && !strcmp(fc_text_at(o->doc, "_project"), fos_of(call)->project))
            return o;
    return NULL;
}

struct fc_object *fos_group_default(struct fc_call *call)
{
    struct fc_refusal refusal;
    struct fc_object *group = default_there(call);
    if (group)
        return group;
    json_t *said =
        json_pack("{s:s,s:s}", "name", "default", "description", "Default security group");
    group = fos_resource_make(call, &fos_groups, said, &refusal);
    json_decref(said);
    return group;
}

static int make_group(struct fc_call *call, const char *id, const json_t *said, json_t *doc,
                      struct fc_refusal *refusal)
{
    return !strcmp(fc_text_at(said, "name"), "default") && default_there(call)
               ? fc_refuse(refusal, 409, "SecurityGroupDefaultAlreadyExists",
                           "Default security group already exists.")
               : 0;
}

static int change_group(struct fc_call *call, struct fc_object *group, const json_t *said,
                        struct fc_refusal *refusal)
{
    return group->furniture && fc_at(said, "name")
               ? fc_refuse(refusal, 409, "SecurityGroupCannotUpdateDefault",
                           "Updating default security group not allowed.")
               : 0;
}

static bool port_has(const json_t *doc, const char *group)
{
    size_t i;
    json_t *id;
    json_array_foreach(fc_at(doc, "security_groups"), i, id)
    {
        if (!strcmp(json_string_value(id), group))
            return true;
    }
    return false;
}

static int remove_group(struct fc_call *call, struct fc_object *group, struct fc_refusal *refusal)
{
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, fos_ports.kind, call->region));)
        if (port_has(o->doc, group->id))
            return fc_refuse(refusal, 409, "SecurityGroupInUse", "Security Group %s in use.",
                             group->id);
    if (group->furniture)
        return fc_refuse(refusal, 409, "SecurityGroupCannotRemoveDefault",
                         "Insufficient rights for removing default security group.");
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, fos_rules.kind, call->region));)
        if (!strcmp(fc_text_at(o->doc, "security_group_id"), group->id) ||
            !strcmp(fc_text_at(o->doc, "remote_group_id"), group->id))
            fc_store_gone(call->world->store, o, &call->cause, 0);
    return 0;
}

struct fc_object *fos_group_named(const struct fc_call *call, const char *name, unsigned *ret_count)
{
    struct fc_object *found = NULL;
    *ret_count = 0;
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, fos_groups.kind, call->region));) {
        if (strcmp(fc_text_at(o->doc, "_project"), fos_of(call)->project) != 0)
            continue;
        if (!strcmp(o->id, name)) {
            *ret_count = 1;
            return o;
        }
        if (!strcmp(fc_text_at(o->doc, "name"), name)) {
            found = o;
            ++*ret_count;
        }
    }
    return found;
}

#define QUOTA(name) offsetof(struct fc_settings, name)

const struct fos_resource fos_groups = {.plural = "security_groups",
                                        .single = "security_group",
                                        .path = "security-groups",
                                        .kind = "os-security-group",
                                        .unknown = "SecurityGroupNotFound",
                                        .not_found = "Security group",
                                        .attributes = group_attributes,
                                        .quota = QUOTA(os_security_groups),
                                        .make = make_group,
                                        .made = made_group,
                                        .change = change_group,
                                        .remove = remove_group};

const struct fos_resource fos_rules = {.plural = "security_group_rules",
                                       .single = "security_group_rule",
                                       .path = "security-group-rules",
                                       .kind = "os-security-group-rule",
                                       .unknown = "SecurityGroupRuleNotFound",
                                       .not_found = "Security group rule",
                                       .attributes = rule_attributes,
                                       .quota = QUOTA(os_rules),
                                       .make = make_rule};
