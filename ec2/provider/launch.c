/* SPDX-License-Identifier: ISC */
/* The launch: one RunInstances that says everything at once, under a client token, so that a
 * launch whose answer was lost is found by being repeated. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "cloud.h"
#include "machines.h"

/* Which of the account's zones has no such machine left is the zone's affair; another may. */
static bool zone_is_full(const struct mir_error *said)
{
    static const char *const codes[] = {"InsufficientInstanceCapacity", "InsufficientHostCapacity",
                                        "Unsupported", "UnsupportedOperation"};
    for (size_t i = 0; i < MIR_NELEMS(codes); i++)
        if (!strcmp(said->provider_code, codes[i]))
            return said->outcome == MIR_DID_NOT_HAPPEN;
    return false;
}

struct launch {
    struct cloud *cloud;
    struct ec2_session *session;
    const struct mir_instance_spec *spec;
    struct cloud_network network;
    struct ec2_machine machine;
    struct mir_needs needs;
    int64_t until_ms;
    struct ec2_instances made; /* owned */
    bool began;                /* something may have been made */
};

/* A launch in another zone is another launch, with a token of its own. What was tried last stands
 * on the group, so that a repeated launch does not begin at the first zone again: that one may have
 * room by then, and there would be two. */
static void token_of(const struct launch *launch, size_t subnet, char out[64])
{
    if (subnet)
        snprintf(out, 64, "%.32s-%zu", launch->spec->tags.deployment, subnet);
    else
        snprintf(out, 64, "%.32s", launch->spec->tags.deployment);
}

static int run_once(struct launch *launch, size_t subnet, struct mir_error *err)
{
    static const char *const kinds[] = {"instance", "volume", "network-interface"};
    const struct mir_instance_spec *spec = launch->spec;
    const struct ec2_subnet *where = &launch->network.subnets.rows[subnet];
    const char *const groups[] = {launch->network.group_id};
    /* No address that is only its first: what was learnt of that one would be wrong for ever. */
    const bool nested = launch->needs.virtualisation && !strcmp(launch->machine.family, EC2_NESTED);
    const bool ipv4 = !spec->place.ipv6_only && !spec->place.keep_address;
    const struct ec2_interface interface = {.subnet_id = where->id,
                                            .group_ids = groups,
                                            .group_count = 1,
                                            .public_address = ipv4 ? MIR_YES : MIR_NO,
                                            .ipv6_count = where->ipv6_count ? 1 : 0,
                                            .delete_on_termination = MIR_YES};
    struct cloud_tags tags;
    struct ec2_tag_set sets[MIR_NELEMS(kinds)];
    char token[64];
    token_of(launch, subnet, token);
    cloud_tags_fill(&tags, &spec->tags, spec->name);
    if (spec->takes_part & MIR_PART_DEADLINE)
        cloud_tags_add(&tags, TAG_GUEST, "deadline");
    if (spec->place.keep_address)
        cloud_tags_add(&tags, TAG_ADDRESS, "kept");
    cloud_tag_sets(&tags, kinds, MIR_NELEMS(kinds), sets);
    const struct ec2_run run = {.count = 1,
                                .image_id = spec->image_id,
                                .type = spec->place.type,
                                .client_token = token,
                                .shutdown_behavior = "terminate",
                                .interfaces = &interface,
                                .interface_count = 1,
                                .tags = sets,
                                .tag_count = MIR_NELEMS(sets),
                                .http_tokens = "required",
                                .market = spec->place.spot ? "spot" : NULL,
                                .spot_type = spec->place.spot ? "one-time" : NULL,
                                .spot_interruption = spec->place.spot ? "terminate" : NULL,
                                .cpu_credits = launch->machine.bursts ? "standard" : NULL,
                                .nested_virtualization = nested ? "enabled" : NULL};
    if (mir_fence_check(launch->cloud->fence, err))
        return -1;
    return ec2_run_instances(launch->session, &run, launch->until_ms, &launch->made, err);
}

/* The image and the group were made a moment ago. */
static int run_in(struct launch *launch, size_t subnet, struct mir_error *err)
{
    do {
        *err = (struct mir_error){0};
        if (!run_once(launch, subnet, err))
            return 0;
    } while (cloud_again(launch->session, launch->until_ms, err));
    return -1;
}

/* Zone by zone, from where the last launch under this token had come to. */
static int run(struct launch *launch, struct mir_error *err)
{
    const struct cloud_network *network = &launch->network;
    for (size_t i = network->first; i < network->subnets.count; i++) {
        if (i > network->first &&
            cloud_network_moved(launch->session, network, i, launch->until_ms, err))
            return -1;
        if (launch->spec->place.ipv6_only && !network->subnets.rows[i].ipv6_count)
            continue;
        if (!run_in(launch, i, err))
            return 0;
        if (!zone_is_full(err))
            return -1;
    }
    if (err->kind == MIR_OK)
        return mir_fail(err, MIR_POLICY, "no zone of %s that is left has IPv6",
                        ec2_session_region(launch->session));
    return mir_error_wrap(err, "in every zone of %s", ec2_session_region(launch->session));
}

static int launch_all(struct launch *launch, struct mir_error *err)
{
    if (cloud_network_make(launch->cloud, launch->session, launch->spec, launch->until_ms,
                           &launch->network, &launch->began, err))
        return -1;
    int rc = run(launch, err);
    cloud_network_clear(&launch->network);
    if (rc)
        return -1;
    if (!launch->made.count)
        return mir_fail(err, MIR_CORRUPT, "RunInstances answered without an instance");
    return cloud_address_give(launch->cloud, launch->session, launch->spec, &launch->made.rows[0],
                              launch->until_ms, err);
}

int cloud_instance_create(void *ctx, const struct mir_instance_spec *spec, struct mir_instance *ret,
                          struct mir_error *err)
{
    struct launch launch = {.cloud = ctx, .spec = spec};
    struct mir_error own = {0};
    if (!err)
        err = &own;
    if (cloud_needs(spec, &launch.machine, &launch.needs, err) ||
        cloud_session(launch.cloud, spec->place.region, &launch.session, err))
        return -1;
    cloud_remember(launch.cloud, spec->tags.deployment, spec->place.region);
    launch.until_ms = ec2_until(
        launch.session, mir_prov_create_limit_ms(spec->lease, launch.cloud->clock, CLOUD_CALL_MS));
    int rc = launch_all(&launch, err);
    if (!rc)
        cloud_instance_read(&launch.made.rows[0], ret);
    /* No instance, but a group, or an instance without its address: something has happened. */
    else if (err->outcome == MIR_DID_NOT_HAPPEN && launch.began)
        err->outcome = MIR_OUTCOME_UNKNOWN;
    ec2_instances_clear(&launch.made);
    return rc;
}
