/* SPDX-License-Identifier: ISC */
/* The launch. Nova has no token that makes it safe to repeat: a server of this lease is looked for
 * first, its name and marks travel in the request that makes it, and whatever is no definite
 * refusal may have made it; then the daemon lets it settle and looks again. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "schedule.h"

struct launch {
    struct stack *stack;
    struct stack_site *site;
    const struct mir_instance_spec *spec;
    struct stack_flavor flavor;
    struct stack_prepared prepared;
    char leased[OS_ID_TEXT]; /* the flavor of its lease; "" it stands in none */
    int64_t until_ms;
    bool began; /* something may have been made */
};

static int find(struct launch *launch, struct mir_instance *ret, bool *ret_found,
                struct mir_error *err)
{
    os_auto_servers struct os_servers found = {.rows = NULL};
    const struct os_server *row;
    if (stack_find_server(launch->stack, launch->site, launch->spec->tags.deployment,
                          launch->until_ms, &found, &row, err))
        return -1;
    *ret_found = row && !stack_over(row);
    if (*ret_found)
        stack_server_read(row, ret);
    return 0;
}

static void name_things(const struct stack_prepared *prepared, char out[256])
{
    const struct {
        const char *kind, *id;
    } rows[] = {{THING_ADDRESS, prepared->floating},
                {THING_PORT, prepared->port},
                {THING_GROUP, prepared->group}};
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        if (*rows[i].id)
            len += (size_t)snprintf(out + len, 256 - len, "%s%s %s", len ? "," : "", rows[i].kind,
                                    rows[i].id);
}

/* What a disk of the user's own has no command line for goes where its system may look for it. */
static bool wants_data(const struct mir_instance_spec *spec)
{
    return mir_kernel_is_disk(spec->kernel) && *spec->arguments;
}

static int ask(struct launch *launch, char ret_id[OS_ID_TEXT], struct mir_error *err)
{
    const struct mir_instance_spec *spec = launch->spec;
    const struct stack *stack = launch->stack;
    struct stack_marks marks;
    char name[STACK_NAME_TEXT], things[256];
    stack_marks_fill(&marks, &spec->tags, spec->name);
    name_things(&launch->prepared, things);
    stack_marks_add(&marks, MARK_THINGS, things);
    if (*launch->prepared.address)
        stack_marks_add(&marks, MARK_ADDRESS, launch->prepared.address);
    snprintf(name, sizeof name, "%s-%s", spec->name, spec->tags.deployment);
    if (*launch->leased)
        stack_marks_add(&marks, MARK_LEASE, launch->leased);
    const struct os_nic nic = {.port_id = launch->prepared.port};
    const struct os_create_server args = {
        .name = name,
        .flavor_id = *launch->leased ? launch->leased : launch->flavor.id,
        .image_id = spec->image_id,
        .key_name = *stack->keypair ? stack->keypair : NULL,
        .zone = *stack->zone ? stack->zone : NULL,
        .user_data = wants_data(spec) ? spec->arguments : NULL,
        .user_data_len = wants_data(spec) ? strlen(spec->arguments) : 0,
        .config_drive = stack->config_drive ? MIR_YES : MIR_UNSAID,
        .metadata = marks.rows,
        .metadata_count = marks.count,
        .nics = &nic,
        .nic_count = 1};
    if (mir_fence_check(stack->fence, err))
        return -1;
    launch->began = true;
    return os_server_create(launch->site->session, &args, launch->until_ms, ret_id, err);
}

/* It is there; what else is known of it a look will say. */
static void begun(const struct launch *launch, const char *id, struct mir_instance *ret)
{
    const struct mir_instance_spec *spec = launch->spec;
    char things[256];
    *ret = (struct mir_instance){.state = MIR_INSTANCE_STARTING, .tags = spec->tags};
    mir_copy(ret->id, sizeof ret->id, id);
    mir_copy(ret->name, sizeof ret->name, spec->name);
    mir_copy(ret->address, sizeof ret->address, launch->prepared.address);
    name_things(&launch->prepared, things);
    stack_things_read(things, ret);
}

static int lease(struct launch *launch, struct mir_error *err)
{
    if (!launch->stack->leased || mir_forever(launch->spec->lease->deadline_s))
        return 0;
    return stack_lease_make(launch->stack, launch->site, launch->spec->lease, &launch->flavor,
                            launch->until_ms, &launch->began, launch->leased, err);
}

static int launch_all(struct launch *launch, struct mir_instance *ret, struct mir_error *err)
{
    char id[OS_ID_TEXT];
    bool found;
    if (find(launch, ret, &found, err))
        return -1;
    if (found) {
        stack_remember_server(launch->stack, launch->spec->tags.deployment, ret->id);
        return 0;
    }
    if (stack_flavor_named(launch->stack, launch->site, launch->spec->place.type, launch->until_ms,
                           &launch->flavor, err) ||
        stack_prepare(launch->stack, launch->site, launch->spec, launch->until_ms,
                      &launch->prepared, &launch->began, err) ||
        lease(launch, err) || ask(launch, id, err))
        return -1;
    stack_remember_server(launch->stack, launch->spec->tags.deployment, id);
    begun(launch, id, ret);
    return 0;
}

int stack_instance_create(void *ctx, const struct mir_instance_spec *spec, struct mir_instance *ret,
                          struct mir_error *err)
{
    struct launch launch = {.stack = ctx, .spec = spec};
    struct mir_instance made;
    struct mir_error own = {0};
    if (!err)
        err = &own;
    if (stack_site(launch.stack, spec->place.cloud, spec->place.region, &launch.site, err) ||
        stack_intend(launch.stack, spec->tags.deployment, launch.site, err))
        return -1;
    launch.until_ms =
        os_until(launch.site->session,
                 mir_prov_create_limit_ms(spec->lease, launch.stack->clock, STACK_CALL_MS));
    if (!launch_all(&launch, &made, err)) {
        *ret = made;
        return 0;
    }
    /* No server, but a group or a port: something has happened. */
    if (err->outcome == MIR_DID_NOT_HAPPEN && launch.began)
        err->outcome = MIR_OUTCOME_UNKNOWN;
    return -1;
}
