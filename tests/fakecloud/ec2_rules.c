/* SPDX-License-Identifier: ISC */
/* The rules of security groups, IPv4 and IPv6: added all or none, each once. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/id.h"
#include "api/memory.h"
#include "ec2_group.h"

#define RULES_MAX 60

#define PERMISSIONS                                                                                \
    {"IpPermissions.#.IpProtocol", FC_TEXT, false}, {"IpPermissions.#.FromPort", FC_INT, false},   \
        {"IpPermissions.#.ToPort", FC_INT, false},                                                 \
        {"IpPermissions.#.IpRanges.#.CidrIp", FC_TEXT, false},                                     \
        {"IpPermissions.#.IpRanges.#.Description", FC_TEXT, false},                                \
        {"IpPermissions.#.Ipv6Ranges.#.CidrIpv6", FC_TEXT, false},                                 \
        {"IpPermissions.#.Ipv6Ranges.#.Description", FC_TEXT, false},                              \
        {"IpPermissions.#.Groups.#.GroupId", FC_TEXT, false},                                      \
        {"IpPermissions.#.Groups.#.UserId", FC_TEXT, false},                                       \
        {"IpPermissions.#.Groups.#.Description", FC_TEXT, false}, {"GroupId", FC_TEXT, false},     \
        {"CidrIp", FC_TEXT, false}, {"FromPort", FC_INT, false}, {"ToPort", FC_INT, false},        \
    {                                                                                              \
        "IpProtocol", FC_TEXT, false                                                               \
    }

const struct fc_param fc_params_authorize_ingress[] = {PERMISSIONS,
                                                       {"GroupName", FC_TEXT, false},
                                                       FC_EC2_TAGS,
                                                       FC_EC2_DRY_RUN,
                                                       {NULL, FC_TEXT, false}};
const struct fc_param fc_params_authorize_egress[] = {
    PERMISSIONS, FC_EC2_TAGS, FC_EC2_DRY_RUN, {NULL, FC_TEXT, false}};
const struct fc_param fc_params_revoke_ingress[] = {
    PERMISSIONS, {"GroupName", FC_TEXT, false}, FC_EC2_DRY_RUN, {NULL, FC_TEXT, false}};
const struct fc_param fc_params_revoke_egress[] = {
    PERMISSIONS, FC_EC2_DRY_RUN, {NULL, FC_TEXT, false}};

/* One rule: a protocol, a range of ports, and one source (or destination). */
struct rule {
    char protocol[8];
    int64_t from, to;
    const char *list, *member; /* "ipRanges", "cidrIp" */
    const char *value, *description;
};

/* --- reading --- */

static int read_protocol(const char *said, struct rule *rule, struct fc_refusal *refusal)
{
    static const struct {
        const char *said, *name;
    } rows[] = {{"tcp", "tcp"},       {"udp", "udp"}, {"icmp", "icmp"},
                {"icmpv6", "icmpv6"}, {"-1", "-1"},   {"6", "tcp"},
                {"17", "udp"},        {"1", "icmp"},  {"58", "icmpv6"}};
    for (size_t i = 0; said && i < MIR_NELEMS(rows); i++)
        if (!strcmp(rows[i].said, said)) {
            mir_copy(rule->protocol, sizeof rule->protocol, rows[i].name);
            return 0;
        }
    return fc_refuse(refusal, 400, "InvalidParameterValue",
                     "Invalid value '%.20s' for IP protocol.", said ? said : "");
}

static int read_ports(const json_t *said, struct rule *rule, struct fc_refusal *refusal)
{
    const json_t *from = fc_at(said, "FromPort"), *to = fc_at(said, "ToPort");
    bool ports = !strcmp(rule->protocol, "tcp") || !strcmp(rule->protocol, "udp");
    rule->from = from ? json_integer_value(from) : -1;
    rule->to = to ? json_integer_value(to) : -1;
    if (!strcmp(rule->protocol, "-1")) {
        rule->from = rule->to = -1;
        return 0;
    }
    if (!from || !to)
        return fc_refuse(refusal, 400, "InvalidParameterValue",
                         "Invalid value 'Must specify both from and to ports with TCP/UDP.' for "
                         "portRange.");
    if (ports && (rule->from < 0 || rule->to > 65535 || rule->from > rule->to))
        return fc_refuse(refusal, 400, "InvalidParameterValue",
                         "Invalid value '%" PRId64 "-%" PRId64 "' for portRange.", rule->from,
                         rule->to);
    return 0;
}

/* The address of a network: what is behind its prefix has to be zero. */
static int check_cidr(const char *cidr, int family, struct fc_refusal *refusal)
{
    unsigned char bytes[16] = {0};
    char text[64], *end = NULL;
    size_t len = strcspn(cidr, "/");
    long width = family == AF_INET ? 32 : 128, prefix = -1;
    if (cidr[len] == '/' && len < sizeof text) {
        memcpy(text, cidr, len);
        text[len] = '\0';
        prefix = strtol(cidr + len + 1, &end, 10);
        if (end == cidr + len + 1 || *end || inet_pton(family, text, bytes) != 1)
            prefix = -1;
    }
    bool wrong = prefix < 0 || prefix > width;
    for (long bit = prefix; !wrong && bit < width; bit++)
        wrong = bytes[bit / 8] >> (7 - bit % 8) & 1;
    return wrong ? fc_refuse(refusal, 400, "InvalidParameterValue", "CIDR block %.60s is malformed",
                             cidr)
                 : 0;
}

static int check_source(struct fc_call *call, const struct rule *rule, struct fc_refusal *refusal)
{
    struct fc_object *group;
    if (!strcmp(rule->list, "ipRanges"))
        return check_cidr(rule->value, AF_INET, refusal);
    if (!strcmp(rule->list, "ipv6Ranges"))
        return check_cidr(rule->value, AF_INET6, refusal);
    return fc_ec2_find(call, "security-group", rule->value, &group, refusal);
}

struct rules {
    struct rule rows[2 * RULES_MAX];
    size_t count;
};

static int add_rules(struct fc_call *call, const json_t *said, struct rules *rules,
                     struct fc_refusal *refusal)
{
    static const struct {
        const char *said, *said_member, *list, *member;
    } sources[] = {{"IpRanges", "CidrIp", "ipRanges", "cidrIp"},
                   {"Ipv6Ranges", "CidrIpv6", "ipv6Ranges", "cidrIpv6"},
                   {"Groups", "GroupId", "groups", "groupId"}};
    struct rule rule = {0};
    size_t before = rules->count;
    if (read_protocol(fc_text_at(said, "IpProtocol"), &rule, refusal) ||
        read_ports(said, &rule, refusal))
        return -1;
    for (size_t i = 0; i < MIR_NELEMS(sources); i++) {
        size_t j;
        json_t *source;
        json_array_foreach(fc_at(said, sources[i].said), j, source)
        {
            rule.list = sources[i].list;
            rule.member = sources[i].member;
            rule.value = fc_text_at(source, sources[i].said_member);
            rule.description = json_string_value(fc_at(source, "Description"));
            if (check_source(call, &rule, refusal))
                return -1;
            if (rules->count == MIR_NELEMS(rules->rows))
                return fc_refuse(
                    refusal, 400, "RulesPerSecurityGroupLimitExceeded",
                    "The maximum number of rules per security group has been reached.");
            rules->rows[rules->count++] = rule;
        }
    }
    return rules->count > before
               ? 0
               : fc_refuse(refusal, 400, "MissingParameter", "A rule has no source or destination");
}

/* IpPermissions, or the one rule that the older parameters make. */
static int read_rules(struct fc_call *call, struct rules *rules, struct fc_refusal *refusal)
{
    const json_t *permissions = fc_param_list(call, "IpPermissions");
    const char *cidr = fc_param_text(call, "CidrIp");
    size_t i;
    json_t *permission;
    if (permissions && (cidr || fc_at(call->params, "IpProtocol")))
        return fc_refuse(refusal, 400, "InvalidParameterCombination",
                         "The parameters 'ipPermissions' and 'cidrIp' may not be used together");
    if (!permissions && !cidr)
        return fc_refuse(refusal, 400, "MissingParameter",
                         "The request must contain the parameter IpPermissions");
    if (cidr) {
        json_t *one = json_copy(call->params);
        json_object_set_new(one, "IpRanges", json_pack("[{s:s}]", "CidrIp", cidr));
        json_object_set_new(call->params, "_one", one); /* its texts have to last */
        return add_rules(call, one, rules, refusal);
    }
    json_array_foreach((json_t *)(uintptr_t)permissions, i, permission)
    {
        if (add_rules(call, permission, rules, refusal))
            return -1;
    }
    return 0;
}

/* --- the group's own list --- */

static bool same_head(const json_t *permission, const struct rule *rule)
{
    const json_t *from = fc_at(permission, "fromPort"), *to = fc_at(permission, "toPort");
    return !strcmp(fc_text_at(permission, "ipProtocol"), rule->protocol) &&
           (from ? json_integer_value(from) : -1) == rule->from &&
           (to ? json_integer_value(to) : -1) == rule->to;
}

static json_t *find_head(const json_t *permissions, const struct rule *rule)
{
    size_t i;
    json_t *permission;
    json_array_foreach((json_t *)(uintptr_t)permissions, i, permission)
    {
        if (same_head(permission, rule))
            return permission;
    }
    return NULL;
}

/* Where the source stands in the list; the list's length: nowhere. */
static size_t find_source(const json_t *list, const struct rule *rule)
{
    size_t i;
    json_t *entry;
    json_array_foreach((json_t *)(uintptr_t)list, i, entry)
    {
        if (!strcmp(fc_text_at(entry, rule->member), rule->value))
            return i;
    }
    return json_array_size(list);
}

static bool has_rule(const json_t *permissions, const struct rule *rule)
{
    const json_t *permission = find_head(permissions, rule);
    const json_t *list = permission ? fc_at(permission, rule->list) : NULL;
    return list && find_source(list, rule) < json_array_size(list);
}

static size_t count_rules(const json_t *permissions)
{
    size_t i, count = 0;
    json_t *permission;
    json_array_foreach((json_t *)(uintptr_t)permissions, i, permission)
    {
        count += json_array_size(fc_at(permission, "ipRanges")) +
                 json_array_size(fc_at(permission, "ipv6Ranges")) +
                 json_array_size(fc_at(permission, "groups"));
    }
    return count;
}

static void insert(struct fc_call *call, json_t *permissions, const struct rule *rule)
{
    json_t *permission = find_head(permissions, rule);
    if (!permission) {
        permission = json_pack("{s:s}", "ipProtocol", rule->protocol);
        if (rule->from != -1 || rule->to != -1) {
            json_object_set_new(permission, "fromPort", json_integer(rule->from));
            json_object_set_new(permission, "toPort", json_integer(rule->to));
        }
        json_object_set_new(permission, "groups", json_array());
        json_object_set_new(permission, "ipRanges", json_array());
        json_object_set_new(permission, "ipv6Ranges", json_array());
        json_object_set_new(permission, "prefixListIds", json_array());
        json_array_append_new(permissions, permission);
    }
    json_t *entry = json_pack("{s:s}", rule->member, rule->value);
    if (!strcmp(rule->list, "groups"))
        json_object_set_new(entry, "userId", json_string(call->world->account.id));
    if (rule->description)
        json_object_set_new(entry, "description", json_string(rule->description));
    json_array_append_new(fc_at(permission, rule->list), entry);
}

static void take_out(json_t *permissions, const struct rule *rule)
{
    json_t *permission = find_head(permissions, rule);
    json_t *list = fc_at(permission, rule->list);
    size_t i;
    json_t *other;
    json_array_remove(list, find_source(list, rule));
    json_array_foreach(permissions, i, other)
    {
        if (other == permission && !json_array_size(fc_at(other, "ipRanges")) &&
            !json_array_size(fc_at(other, "ipv6Ranges")) &&
            !json_array_size(fc_at(other, "groups"))) {
            json_array_remove(permissions, i);
            return;
        }
    }
}

/* --- the calls --- */

static json_t *rule_item(struct fc_call *call, const struct fc_object *group,
                         const struct rule *rule, bool egress)
{
    char random[MIR_ID_TEXT], id[24];
    mir_id_new(mir_random_system(), random);
    snprintf(id, sizeof id, "sgr-0%.16s", random);
    json_t *item = json_pack("{s:s,s:s,s:s,s:b,s:s,s:I,s:I}", "securityGroupRuleId", id, "groupId",
                             group->id, "groupOwnerId", call->world->account.id, "isEgress",
                             (int)egress, "ipProtocol", rule->protocol, "fromPort",
                             (json_int_t)rule->from, "toPort", (json_int_t)rule->to);
    if (!strcmp(rule->list, "ipRanges"))
        json_object_set_new(item, "cidrIpv4", json_string(rule->value));
    else if (!strcmp(rule->list, "ipv6Ranges"))
        json_object_set_new(item, "cidrIpv6", json_string(rule->value));
    else
        json_object_set_new(
            item, "referencedGroupInfo",
            json_pack("{s:s,s:s}", "groupId", rule->value, "userId", call->world->account.id));
    if (rule->description)
        json_object_set_new(item, "description", json_string(rule->description));
    return item;
}

static bool said_before(const struct rules *rules, size_t at)
{
    const struct rule *rule = &rules->rows[at];
    for (size_t i = 0; i < at; i++)
        if (rules->rows[i].from == rule->from && rules->rows[i].to == rule->to &&
            !strcmp(rules->rows[i].protocol, rule->protocol) &&
            !strcmp(rules->rows[i].value, rule->value))
            return true;
    return false;
}

static int check_new(const json_t *permissions, const struct rules *rules,
                     struct fc_refusal *refusal)
{
    for (size_t i = 0; i < rules->count; i++)
        if (has_rule(permissions, &rules->rows[i]) || said_before(rules, i))
            return fc_refuse(refusal, 400, "InvalidPermission.Duplicate",
                             "the specified rule \"peer: %s, %s, from port: %" PRId64
                             ", to port: %" PRId64 ", ALLOW\" already exists",
                             rules->rows[i].value, rules->rows[i].protocol, rules->rows[i].from,
                             rules->rows[i].to);
    if (count_rules(permissions) + rules->count > RULES_MAX)
        return fc_refuse(refusal, 400, "RulesPerSecurityGroupLimitExceeded",
                         "The maximum number of rules per security group has been reached.");
    return 0;
}

static int permit(struct fc_call *call, const char *member, json_t **ret_reply,
                  struct fc_refusal *refusal)
{
    struct fc_object *group;
    struct rules rules = {.count = 0};
    if (fc_group_find(call, &group, refusal) || read_rules(call, &rules, refusal) ||
        check_new(fc_at(group->doc, member), &rules, refusal) || fc_ec2_dry_run(call, refusal))
        return -1;
    json_t *items = json_array(), *permissions = fc_at(fc_ec2_edit(call, group), member);
    bool egress = !strcmp(member, "ipPermissionsEgress");
    for (size_t i = 0; i < rules.count; i++) {
        insert(call, permissions, &rules.rows[i]);
        json_array_append_new(items, rule_item(call, group, &rules.rows[i], egress));
    }
    *ret_reply = json_pack("{s:b,s:o}", "return", 1, "securityGroupRuleSet", items);
    return 0;
}

static int withdraw(struct fc_call *call, const char *member, json_t **ret_reply,
                    struct fc_refusal *refusal)
{
    struct fc_object *group;
    struct rules rules = {.count = 0};
    if (fc_group_find(call, &group, refusal) || read_rules(call, &rules, refusal))
        return -1;
    for (size_t i = 0; i < rules.count; i++)
        if (!has_rule(fc_at(group->doc, member), &rules.rows[i]))
            return fc_refuse(refusal, 400, "InvalidPermission.NotFound",
                             "The specified rule does not exist in this security group.");
    if (fc_ec2_dry_run(call, refusal))
        return -1;
    json_t *permissions = fc_at(fc_ec2_edit(call, group), member);
    for (size_t i = 0; i < rules.count; i++)
        if (has_rule(permissions, &rules.rows[i]))
            take_out(permissions, &rules.rows[i]);
    *ret_reply = fc_return_true();
    return 0;
}

int fc_ec2_authorize_ingress(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return permit(call, "ipPermissions", ret_reply, refusal);
}

int fc_ec2_authorize_egress(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return permit(call, "ipPermissionsEgress", ret_reply, refusal);
}

int fc_ec2_revoke_ingress(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return withdraw(call, "ipPermissions", ret_reply, refusal);
}

int fc_ec2_revoke_egress(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return withdraw(call, "ipPermissionsEgress", ret_reply, refusal);
}
