/* SPDX-License-Identifier: ISC */
/* Is there room for one more? Nova and Neutron are asked what the project may have and has, so that
 * what would be refused in the middle of a launch is refused before it, by its name. */
#include "api/memory.h"
#include "stack.h"

/* A new group comes with two rules that let everything out. */
#define RULES_OF_A_GROUP 2

struct room {
    const char *what;
    int64_t limit, used, wanted; /* limit below 0: none */
    const char *fix;
};

static int check(const struct room *rows, size_t count, struct mir_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct room *row = &rows[i];
        if (row->limit < 0 || row->used + row->wanted <= row->limit)
            continue;
        mir_fail(err, MIR_POLICY,
                 "the project's quota is %lld %s, of which %lld are in use, and this needs %lld",
                 (long long)row->limit, row->what, (long long)row->used, (long long)row->wanted);
        return mir_error_hint(err, "%s, or ask the cloud's operator for more", row->fix);
    }
    return 0;
}

static int room_for_server(struct stack_site *site, const struct stack_flavor *flavor,
                           int64_t until_ms, struct mir_error *err)
{
    struct os_limits limits;
    if (os_limits(site->session, until_ms, &limits, err))
        return -1;
    const struct room rows[] = {
        {"servers", limits.instances, limits.instances_used, 1, "end something first"},
        {"cores", limits.cores, limits.cores_used, flavor->vcpus, "choose a smaller --type"},
        {"MiB of memory", limits.ram_mib, limits.ram_mib_used, flavor->ram_mib,
         "choose a smaller --type"},
    };
    return check(rows, MIR_NELEMS(rows), err);
}

/* Old clouds do not say what is in use, and some say it to their operators alone: then the launch
 * finds out. */
static bool unsaid(const struct mir_error *said)
{
    return said->kind == MIR_NOT_FOUND || said->kind == MIR_USAGE ||
           (said->kind == MIR_CREDENTIALS && said->http_status == 403);
}

static int room_for_things(struct stack_site *site, const struct mir_place *place,
                           const struct stack_network *network, int64_t until_ms,
                           struct mir_error *err)
{
    struct os_quota quota;
    struct mir_error said = {0};
    const int64_t kinds = place->ipv6_only ? 1 : 2;
    const int64_t rules = RULES_OF_A_GROUP + kinds * (int64_t)place->open_count;
    if (os_network_quota(site->session, until_ms, &quota, &said))
        return unsaid(&said) ? 0 : stack_said(&said, err);
    const struct room rows[] = {
        {"floating addresses", quota.floating_ips, quota.floating_ips_used, !!*network->floating_id,
         "release one (`openstack floating ip list`), or where the server's own address is reached "
         "say floating_network = none in section [openstack]"},
        {"ports", quota.ports, quota.ports_used, 1, "delete one (`openstack port list`)"},
        {"security groups", quota.groups, quota.groups_used, network->guarded,
         "delete one (`openstack security group list`)"},
        {"rules of security groups", quota.rules, quota.rules_used, network->guarded ? rules : 0,
         "--open fewer ports"},
    };
    return check(rows, MIR_NELEMS(rows), err);
}

int stack_room(struct stack *stack, struct stack_site *site, const struct mir_place *place,
               const struct stack_network *network, int64_t until_ms, struct mir_error *err)
{
    struct stack_flavor flavor;
    return stack_flavor_named(stack, site, place->type, until_ms, &flavor, err) ||
                   room_for_server(site, &flavor, until_ms, err) ||
                   room_for_things(site, place, network, until_ms, err)
               ? -1
               : 0;
}
