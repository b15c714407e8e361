/* SPDX-License-Identifier: ISC */
/* What an instance stands in: a subnet of the account, and a security group of its own that lets
 * the world reach the ports asked for and nothing else. Everything made here is tagged by the call
 * that makes it and found again by its tags, so a launch that is repeated makes nothing twice. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "cloud.h"

/* --- where --- */

static int by_zone(const void *a, const void *b)
{
    const struct ec2_subnet *x = a, *y = b;
    return strcmp(x->zone, y->zone);
}

static int find_subnets(struct cloud *cloud, struct ec2_session *session, int64_t until_ms,
                        struct ec2_subnets *ret, struct mir_error *err)
{
    static const char *const yes[] = {"true"};
    static const struct ec2_filter defaults = {
        .name = "default-for-az", .values = yes, .value_count = 1};
    const char *const named[] = {cloud->subnet};
    const struct ec2_describe one = {.ids = named, .id_count = 1};
    const struct ec2_describe usual = {.filters = &defaults, .filter_count = 1};
    if (ec2_describe_subnets(session, *cloud->subnet ? &one : &usual, until_ms, ret, err))
        return -1;
    if (!ret->count) {
        mir_fail(err, MIR_POLICY, "region %s has no default VPC with a subnet",
                 ec2_session_region(session));
        return mir_error_hint(err,
                              "name a subnet in the configuration: [ec2] subnet = subnet-…; or "
                              "make a default VPC: aws ec2 create-default-vpc");
    }
    qsort(ret->rows, ret->count, sizeof *ret->rows, by_zone); /* the same order every time */
    return 0;
}

/* An instance with IPv6 alone needs a subnet that has it. */
static int check_ipv6(const struct mir_instance_spec *spec, const struct ec2_subnets *subnets,
                      struct mir_error *err)
{
    if (!spec->place.ipv6_only)
        return 0;
    for (size_t i = 0; i < subnets->count; i++)
        if (subnets->rows[i].ipv6_count)
            return 0;
    mir_fail(err, MIR_POLICY, "no subnet of the VPC has IPv6, and --ipv6-only was asked for");
    return mir_error_hint(err,
                          "give the VPC and a subnet an IPv6 block, and name it: [ec2] subnet");
}

/* --- the group --- */

static int find_group(const struct cloud *cloud, struct ec2_session *session, const char *token,
                      int64_t until_ms, struct cloud_network *network, char ret_last[EC2_ID_TEXT],
                      struct mir_error *err)
{
    struct cloud_filter mine;
    struct ec2_groups found = {.rows = NULL};
    cloud_by_token(&mine, cloud, token);
    const struct ec2_describe args = {.filters = mine.rows, .filter_count = mine.count};
    if (ec2_describe_security_groups(session, &args, until_ms, &found, err))
        return -1;
    *ret_last = '\0';
    if (found.count) {
        const struct ec2_group *row = &found.rows[0];
        const char *last = ec2_tag_value(row->tags, row->tag_count, TAG_SUBNET);
        mir_copy(network->group_id, sizeof network->group_id, row->id);
        mir_copy(ret_last, EC2_ID_TEXT, last ? last : "");
    }
    ec2_groups_clear(&found);
    return 0;
}

static int make_group(struct ec2_session *session, const struct mir_instance_spec *spec,
                      int64_t until_ms, struct cloud_network *network, struct mir_error *err)
{
    static const char *const kinds[] = {"security-group"};
    struct cloud_tags tags;
    struct ec2_tag_set set;
    struct ec2_group_id made = {.id = ""};
    mir_auto_free char *name = mir_format("mirage-%s", spec->tags.deployment);
    cloud_tags_fill(&tags, &spec->tags, spec->name);
    cloud_tag_sets(&tags, kinds, 1, &set);
    const struct ec2_create_group_args args = {.name = name,
                                               .description = "one deployment of mirage-deploy",
                                               .vpc_id = network->vpc_id,
                                               .tags = &set,
                                               .tag_count = 1};
    struct mir_error said = {0};
    if (ec2_create_security_group(session, &args, until_ms, &made, &said)) {
        /* An earlier attempt has made it, and it is not listed yet: the next one finds it. */
        if (!strcmp(said.provider_code, "InvalidGroup.Duplicate"))
            said.retry = MIR_RETRY_TRANSIENT;
        return cloud_said(&said, err);
    }
    mir_copy(network->group_id, sizeof network->group_id, made.id);
    return 0;
}

static int open_ports(struct ec2_session *session, const struct mir_instance_spec *spec,
                      const char *group_id, int64_t until_ms, struct mir_error *err)
{
    static const struct ec2_range ipv4 = {.cidr = "0.0.0.0/0"}, ipv6 = {.cidr = "::/0"};
    for (unsigned i = 0; i < spec->place.open_count;) {
        struct mir_error said = {0};
        const struct ec2_rule rule = {.protocol = "tcp",
                                      .from = spec->place.open[i],
                                      .to = spec->place.open[i],
                                      .ipv4 = &ipv4,
                                      .ipv4_count = spec->place.ipv6_only ? 0 : 1,
                                      .ipv6 = &ipv6,
                                      .ipv6_count = 1};
        const struct ec2_rules args = {.group_id = group_id, .rules = &rule, .rule_count = 1};
        if (!ec2_authorize_ingress(session, &args, until_ms, &said) ||
            !strcmp(said.provider_code, "InvalidPermission.Duplicate")) {
            i++;
        } else if (!cloud_again(session, until_ms, &said)) {
            return cloud_said(&said, err);
        }
    }
    return 0;
}

int cloud_network_make(struct cloud *cloud, struct ec2_session *session,
                       const struct mir_instance_spec *spec, int64_t until_ms,
                       struct cloud_network *ret, bool *ret_began, struct mir_error *err)
{
    struct cloud_network network = {.first = 0};
    char last[EC2_ID_TEXT];
    if (find_subnets(cloud, session, until_ms, &network.subnets, err))
        return -1;
    mir_copy(network.vpc_id, sizeof network.vpc_id, network.subnets.rows[0].vpc_id);
    int rc =
        check_ipv6(spec, &network.subnets, err) ||
                find_group(cloud, session, spec->tags.deployment, until_ms, &network, last, err)
            ? -1
            : 0;
    *ret_began = !rc;
    if (!rc && !*network.group_id)
        rc = make_group(session, spec, until_ms, &network, err);
    if (!rc)
        rc = open_ports(session, spec, network.group_id, until_ms, err);
    for (size_t i = 0; !rc && i < network.subnets.count; i++)
        if (!strcmp(network.subnets.rows[i].id, last))
            network.first = i;
    if (rc) {
        cloud_network_clear(&network);
        return -1;
    }
    *ret = network;
    return 0;
}

void cloud_network_clear(struct cloud_network *network)
{
    ec2_subnets_clear(&network->subnets);
}

int cloud_network_moved(struct ec2_session *session, const struct cloud_network *network, size_t to,
                        int64_t until_ms, struct mir_error *err)
{
    const char *const ids[] = {network->group_id};
    const struct ec2_tag tag = {.key = TAG_SUBNET, .value = network->subnets.rows[to].id};
    const struct ec2_tagging args = {.ids = ids, .id_count = 1, .tags = &tag, .tag_count = 1};
    return ec2_create_tags(session, &args, until_ms, err);
}

/* --- an address that is kept --- */

static int find_address(const struct cloud *cloud, struct ec2_session *session, const char *token,
                        int64_t until_ms, struct ec2_address *ret, struct mir_error *err)
{
    struct cloud_filter mine;
    struct ec2_addresses found = {.rows = NULL};
    cloud_by_token(&mine, cloud, token);
    const struct ec2_describe args = {.filters = mine.rows, .filter_count = mine.count};
    if (ec2_describe_addresses(session, &args, until_ms, &found, err))
        return -1;
    if (found.count) {
        const struct ec2_address *row = &found.rows[0];
        mir_copy(ret->allocation_id, sizeof ret->allocation_id, row->allocation_id);
        mir_copy(ret->association_id, sizeof ret->association_id, row->association_id);
    }
    ec2_addresses_clear(&found);
    return 0;
}

static int make_address(struct ec2_session *session, const struct mir_instance_spec *spec,
                        int64_t until_ms, struct ec2_address *ret, struct mir_error *err)
{
    static const char *const kinds[] = {"elastic-ip"};
    struct cloud_tags tags;
    struct ec2_tag_set set;
    struct ec2_address made = {.tags = NULL};
    cloud_tags_fill(&tags, &spec->tags, spec->name);
    cloud_tag_sets(&tags, kinds, 1, &set);
    const struct ec2_allocate args = {.tags = &set, .tag_count = 1};
    if (ec2_allocate_address(session, &args, until_ms, &made, err))
        return -1;
    mir_copy(ret->allocation_id, sizeof ret->allocation_id, made.allocation_id);
    return 0;
}

int cloud_address_give(const struct cloud *cloud, struct ec2_session *session,
                       const struct mir_instance_spec *spec, const struct ec2_instance *instance,
                       int64_t until_ms, struct mir_error *err)
{
    struct ec2_address address = {.tags = NULL};
    struct ec2_association made = {.id = ""};
    if (!spec->place.keep_address)
        return 0;
    if (!instance->interface_count)
        return mir_fail(err, MIR_CORRUPT, "the new instance has no network interface");
    if (find_address(cloud, session, spec->tags.deployment, until_ms, &address, err))
        return -1;
    if (*address.association_id)
        return 0;
    if (!*address.allocation_id && make_address(session, spec, until_ms, &address, err))
        return -1;
    const struct ec2_associate args = {.allocation_id = address.allocation_id,
                                       .interface_id = instance->interfaces[0].id};
    struct mir_error said = {0};
    do {
        said = (struct mir_error){0};
        if (!ec2_associate_address(session, &args, until_ms, &made, &said))
            return 0;
    } while (cloud_again(session, until_ms, &said));
    return cloud_said(&said, err);
}
