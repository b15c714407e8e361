/* SPDX-License-Identifier: ISC */
/* What stands before the server does: a security group that lets the world reach the ports asked
 * for and nothing else, a port in it, and a floating address on that. Each carries its marks in the
 * request that makes it and is found again by them, so a launch that is repeated makes nothing
 * twice; and the server, which costs most, comes last. */
#include <string.h>

#include "api/memory.h"
#include "stack.h"

struct preparing {
    struct stack *stack;
    struct stack_site *site;
    const struct mir_instance_spec *spec;
    int64_t until_ms;
    struct stack_network network;
    struct stack_things found; /* owned */
    char name[STACK_NAME_TEXT], text[STACK_TEXT];
    bool began;
};

/* --- what is there already --- */

static bool is_its(const struct preparing *p, const char *description)
{
    struct mir_tags tags;
    stack_text_read(description, &tags);
    return stack_is_of(p->stack, &tags, p->spec->tags.deployment);
}

static int find(struct preparing *p, struct stack_prepared *ret, struct mir_error *err)
{
    if (stack_things_find(p->stack, p->site, p->spec->tags.deployment, p->until_ms, &p->found, err))
        return -1;
    for (size_t i = 0; i < p->found.groups.count; i++)
        if (is_its(p, p->found.groups.rows[i].description))
            mir_copy(ret->group, sizeof ret->group, p->found.groups.rows[i].id);
    for (size_t i = 0; i < p->found.ports.count; i++)
        if (is_its(p, p->found.ports.rows[i].description))
            mir_copy(ret->port, sizeof ret->port, p->found.ports.rows[i].id);
    for (size_t i = 0; i < p->found.addresses.count; i++) {
        const struct os_floating_ip *row = &p->found.addresses.rows[i];
        if (!is_its(p, row->description))
            continue;
        mir_copy(ret->floating, sizeof ret->floating, row->id);
        mir_copy(ret->address, sizeof ret->address, row->address);
    }
    p->began = *ret->group || *ret->port || *ret->floating;
    return 0;
}

/* --- the group --- */

static int make_group(struct preparing *p, char ret[OS_ID_TEXT], struct mir_error *err)
{
    const struct os_create_group args = {.name = p->name, .description = p->text};
    os_auto_group struct os_group made = {.name = NULL};
    if (os_group_create(p->site->session, &args, p->until_ms, &made, err))
        return -1;
    mir_copy(ret, OS_ID_TEXT, made.id);
    return 0;
}

static int open_port(struct preparing *p, const char *group, const char *ethertype, uint16_t port,
                     struct mir_error *err)
{
    const struct os_create_rule args = {.group_id = group,
                                        .direction = "ingress",
                                        .ethertype = ethertype,
                                        .protocol = "tcp",
                                        .port_min = port,
                                        .port_max = port};
    struct os_rule made = {.description = NULL};
    struct mir_error said = {0};
    int rc = os_rule_create(p->site->session, &args, p->until_ms, &made, &said);
    os_rule_clear(&made);
    return !rc || said.kind == MIR_CONFLICT ? 0 : stack_said(&said, err);
}

static int open_ports(struct preparing *p, const char *group, struct mir_error *err)
{
    const struct mir_place *place = &p->spec->place;
    for (unsigned i = 0; i < place->open_count; i++)
        if ((!place->ipv6_only && open_port(p, group, "IPv4", place->open[i], err)) ||
            open_port(p, group, "IPv6", place->open[i], err))
            return mir_error_wrap(err, "opening port %u", (unsigned)place->open[i]);
    return 0;
}

static int guard(struct preparing *p, struct stack_prepared *ret, struct mir_error *err)
{
    if (!p->network.guarded)
        return 0;
    p->began = true;
    return (!*ret->group && make_group(p, ret->group, err)) || open_ports(p, ret->group, err) ? -1
                                                                                              : 0;
}

/* --- the port --- */

/* A server with IPv6 alone has a port in the subnets that have it; any other gets what there is. */
static int make_port(struct preparing *p, const char *group, char ret[OS_ID_TEXT],
                     struct mir_error *err)
{
    const struct stack_network *network = &p->network;
    struct os_ask_ip ask[STACK_SUBNETS_MAX];
    os_auto_port struct os_port made = {.name = NULL};
    for (size_t i = 0; i < network->subnet6_count; i++)
        ask[i] = (struct os_ask_ip){.subnet_id = network->subnets6[i]};
    const struct os_create_port args = {.network_id = network->id,
                                        .name = p->name,
                                        .description = p->text,
                                        .groups = &group,
                                        .group_count = *group ? 1 : 0,
                                        .addresses = ask,
                                        .address_count = network->subnet6_count};
    p->began = true;
    if (os_port_create(p->site->session, &args, p->until_ms, &made, err))
        return -1;
    mir_copy(ret, OS_ID_TEXT, made.id);
    return 0;
}

/* --- the address --- */

static int make_address(struct preparing *p, struct stack_prepared *ret, struct mir_error *err)
{
    const struct os_create_floating_ip args = {
        .network_id = p->network.floating_id, .port_id = ret->port, .description = p->text};
    struct os_floating_ip made = {.description = NULL};
    if (os_floating_ip_create(p->site->session, &args, p->until_ms, &made, err)) {
        if (err && err->kind == MIR_NOT_FOUND)
            mir_error_hint(err,
                           "a router has to lead from network %s to %s; or take the server's "
                           "own address: floating_network = none in section [openstack]",
                           p->network.name, p->network.floating_name);
        return -1;
    }
    mir_copy(ret->floating, sizeof ret->floating, made.id);
    mir_copy(ret->address, sizeof ret->address, made.address);
    os_floating_ip_clear(&made);
    return 0;
}

/* --- all of it --- */

/* A network that the cloud makes belongs to the project and stays. */
static int allocate(struct preparing *p, struct mir_error *err)
{
    if (!p->network.allocate)
        return 0;
    p->began = true;
    if (os_network_auto(p->site->session, false, p->until_ms, p->network.id, err))
        return -1;
    mir_copy(p->network.name, sizeof p->network.name, p->network.id);
    return 0;
}

static int prepare(struct preparing *p, struct stack_prepared *ret, struct mir_error *err)
{
    if (stack_network_choose(p->stack, p->site, &p->spec->place, p->until_ms, &p->network, err) ||
        find(p, ret, err) || mir_fence_check(p->stack->fence, err) || allocate(p, err) ||
        guard(p, ret, err) || (!*ret->port && make_port(p, ret->group, ret->port, err)))
        return -1;
    if (!*p->network.floating_id || *ret->floating)
        return 0;
    return make_address(p, ret, err);
}

int stack_prepare(struct stack *stack, struct stack_site *site,
                  const struct mir_instance_spec *spec, int64_t until_ms,
                  struct stack_prepared *ret, bool *ret_began, struct mir_error *err)
{
    struct preparing p = {.stack = stack, .site = site, .spec = spec, .until_ms = until_ms};
    struct stack_prepared prepared = {.group = ""};
    stack_thing_name(spec->tags.deployment, p.name);
    stack_text_make(&spec->tags, p.text);
    int rc = prepare(&p, &prepared, err);
    *ret_began = p.began;
    stack_things_clear(&p.found);
    if (!rc)
        *ret = prepared;
    return rc;
}
