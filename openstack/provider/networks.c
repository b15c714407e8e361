/* SPDX-License-Identifier: ISC */
/* Where a server stands, and by which address it is reached: what was named, or the only one there
 * is. Of several none is guessed. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "stack.h"

#define NONE "none"

/* Asked of each network there is. */
struct wish {
    bool (*fits)(const struct wish *wish, const struct os_network *row);
    const char *named;   /* by name or id */
    const char *project; /* an administrator sees those of others, too */
    const char *what, *key;
};

static bool is_named(const struct wish *wish, const struct os_network *row)
{
    return !strcmp(row->id, wish->named) || (row->name && !strcmp(row->name, wish->named));
}

static bool ours(const struct wish *wish, const struct os_network *row)
{
    return row->shared || row->external || !strcmp(row->project_id, wish->project);
}

/* Of the project's or everybody's, that has addresses and is no way out. */
static bool inside(const struct wish *wish, const struct os_network *row)
{
    return row->subnet_count && !row->external && ours(wish, row);
}

/* One that leads out, and that servers may stand in themselves. */
static bool open_outside(const struct wish *wish, const struct os_network *row)
{
    (void)wish;
    return row->subnet_count && row->external && row->shared;
}

static bool outside(const struct wish *wish, const struct os_network *row)
{
    (void)wish;
    return row->external;
}

static const char *name_of(const struct os_network *row)
{
    return row->name && *row->name ? row->name : row->id;
}

/* "a, b, c" */
static void list_names(const struct os_networks *found, const struct wish *wish, char *out,
                       size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < found->count && len + 4 < size; i++)
        if (wish->fits(wish, &found->rows[i]))
            len += (size_t)snprintf(out + len, size - len, "%s%.60s", len ? ", " : "",
                                    name_of(&found->rows[i]));
}

/* *ret_count of those that fit, and the last of them. */
static const struct os_network *only(const struct os_networks *found, const struct wish *wish,
                                     size_t *ret_count)
{
    const struct os_network *last = NULL;
    *ret_count = 0;
    for (size_t i = 0; i < found->count; i++)
        if (wish->fits(wish, &found->rows[i])) {
            last = &found->rows[i];
            ++*ret_count;
        }
    return last;
}

static int ambiguous(const struct os_networks *found, const struct wish *wish,
                     struct mir_error *err)
{
    char names[400];
    list_names(found, wish, names, sizeof names);
    mir_fail(err, MIR_USAGE, "there are several %s, and none is named: %s", wish->what, names);
    return mir_error_hint(err, "name one: %s in section [openstack]", wish->key);
}

static int find_named(const struct os_networks *found, const char *project, const char *named,
                      const char *key, const struct os_network **ret, struct mir_error *err)
{
    const struct wish all = {.fits = ours, .project = project};
    const struct wish one = {.fits = is_named, .named = named};
    char names[300];
    size_t count;
    *ret = only(found, &one, &count);
    if (count == 1)
        return 0;
    list_names(found, &all, names, sizeof names);
    if (count)
        mir_fail(err, MIR_USAGE, "%zu networks are called '%s'", count, named);
    else
        mir_fail(err, MIR_USAGE, "there is no network '%s'; there are: %s", named,
                 *names ? names : NONE);
    return mir_error_hint(err, "name one %s: %s in section [openstack]",
                          count ? "by its id" : "of them", key);
}

/* --- where it stands --- */

static int only_one(const struct os_networks *found, const char *project,
                    const struct os_network **ret, struct mir_error *err)
{
    const struct wish wishes[] = {
        {.fits = inside, .project = project, .what = "networks", .key = "network"},
        {.fits = open_outside, .what = "networks", .key = "network"}};
    size_t count = 0;
    for (size_t i = 0; i < MIR_NELEMS(wishes) && !count; i++) {
        *ret = only(found, &wishes[i], &count);
        if (count > 1)
            return ambiguous(found, &wishes[i], err);
    }
    return 0;
}

static int choose_inside(struct stack_site *site, const struct os_networks *found,
                         const char *project, int64_t until_ms, const struct os_network **ret,
                         bool *ret_allocate, struct mir_error *err)
{
    char id[OS_ID_TEXT];
    struct mir_error said = {0};
    if (only_one(found, project, ret, err))
        return -1;
    if (*ret)
        return 0;
    *ret_allocate = !os_network_auto(site->session, true, until_ms, id, &said);
    if (*ret_allocate)
        return 0;
    if (said.kind != MIR_NOT_FOUND && said.kind != MIR_CONFLICT && said.kind != MIR_USAGE)
        return stack_said(&said, err);
    mir_fail(err, MIR_POLICY, "the project has no network with a subnet, and the cloud makes none");
    return mir_error_hint(err,
                          "make one, with a router that leads out: `openstack network create`");
}

/* --- the address --- */

static bool leads_to(const struct os_routers *routers, const char *network_id)
{
    for (size_t i = 0; i < routers->count; i++)
        if (!strcmp(routers->rows[i].external_network_id, network_id))
            return true;
    return false;
}

static const struct wish floating = {
    .fits = outside, .what = "networks with floating addresses", .key = "floating_network"};

/* Of several the one to which a router of the project's leads. */
static int choose_by_router(struct stack_site *site, const struct os_networks *found,
                            int64_t until_ms, const struct os_network **ret, struct mir_error *err)
{
    struct os_routers routers = {.rows = NULL};
    size_t count = 0;
    if (os_router_list(site->session, until_ms, &routers, err))
        return -1;
    for (size_t i = 0; i < found->count; i++)
        if (found->rows[i].external && leads_to(&routers, found->rows[i].id)) {
            *ret = &found->rows[i];
            count++;
        }
    os_routers_clear(&routers);
    return count == 1 ? 0 : ambiguous(found, &floating, err);
}

static int choose_outside(struct stack_site *site, const struct os_networks *found,
                          int64_t until_ms, const struct os_network **ret, struct mir_error *err)
{
    size_t count;
    *ret = only(found, &floating, &count);
    if (count == 1)
        return 0;
    if (count)
        return choose_by_router(site, found, until_ms, ret, err);
    mir_fail(err, MIR_POLICY, "the cloud has no network with floating addresses");
    return mir_error_hint(err, "if the server can be reached without one: floating_network = none "
                               "in section [openstack]");
}

static int choose_address(const struct stack *stack, struct stack_site *site,
                          const struct mir_place *place, const struct os_networks *found,
                          const struct os_network *stands, int64_t until_ms,
                          const struct os_network **ret, struct mir_error *err)
{
    const struct os_cloud *cloud = &site->described;
    const char *named = *stack->floating_network  ? stack->floating_network
                        : cloud->external_network ? cloud->external_network
                                                  : "";
    bool refused = !strcmp(named, NONE) || (!*named && cloud->requires_floating_ip == 0);
    *ret = NULL;
    if (place->keep_address && (refused || place->ipv6_only)) {
        mir_fail(err, MIR_USAGE, "an address that is kept is a floating one, and those are IPv4");
        return mir_error_hint(err, "leave --keep-address away, or name a floating_network in "
                                   "section [openstack]");
    }
    if (refused || place->ipv6_only || (stands && stands->external))
        return 0;
    return *named ? find_named(found, "", named, "floating_network", ret, err)
                  : choose_outside(site, found, until_ms, ret, err);
}

/* --- IPv6 alone --- */

static int choose_subnets(struct stack_site *site, int64_t until_ms, struct stack_network *network,
                          struct mir_error *err)
{
    struct os_subnets found = {.rows = NULL};
    size_t count = 0;
    if (!network->allocate && os_subnet_list(site->session, network->id, until_ms, &found, err))
        return -1;
    for (size_t i = 0; i < found.count && count < STACK_SUBNETS_MAX; i++)
        if (found.rows[i].ip_version == 6)
            mir_copy(network->subnets6[count++], OS_ID_TEXT, found.rows[i].id);
    os_subnets_clear(&found);
    network->subnet6_count = count;
    if (count)
        return 0;
    mir_fail(err, MIR_POLICY, "network %s has no IPv6, and --ipv6-only was asked for",
             network->allocate ? "(of the cloud's making)" : network->name);
    return mir_error_hint(err, "name a network that has it: network in section [openstack]");
}

/* --- both --- */

static void keep(const struct os_network *row, char id[OS_ID_TEXT], char name[64])
{
    if (!row)
        return;
    mir_copy(id, OS_ID_TEXT, row->id);
    snprintf(name, 64, "%.63s", name_of(row));
}

int stack_network_choose(struct stack *stack, struct stack_site *site,
                         const struct mir_place *place, int64_t until_ms, struct stack_network *ret,
                         struct mir_error *err)
{
    static const struct os_list_networks all = {.id = NULL};
    os_auto_networks struct os_networks found = {.rows = NULL};
    const struct os_network *stands = NULL, *floats = NULL;
    struct stack_network network = {.guarded = true};
    char project[OS_ID_TEXT];
    const char *named = *stack->network                   ? stack->network
                        : site->described.default_network ? site->described.default_network
                                                          : "";
    if (stack_project(stack, site, until_ms, project, err) ||
        os_network_list(site->session, &all, until_ms, &found, err) ||
        (*named
             ? find_named(&found, project, named, "network", &stands, err)
             : choose_inside(site, &found, project, until_ms, &stands, &network.allocate, err)) ||
        choose_address(stack, site, place, &found, stands, until_ms, &floats, err))
        return -1;
    keep(stands, network.id, network.name);
    keep(floats, network.floating_id, network.floating_name);
    const char *source = site->described.secgroup_source;
    network.guarded = (!stands || stands->port_security) && (!source || strcmp(source, "none"));
    if (place->ipv6_only && choose_subnets(site, until_ms, &network, err))
        return -1;
    *ret = network;
    return 0;
}
