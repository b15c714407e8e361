/* SPDX-License-Identifier: ISC */
/* What there is beside the server: a floating address, a port, a security group. Each has the four
 * marks in its description. */
#include <string.h>

#include "api/beside.h"
#include "api/memory.h"
#include "stack.h"

struct asking {
    struct stack_site *site;
    char project[OS_ID_TEXT], name[STACK_NAME_TEXT];
    const char *named; /* NULL: all of the project's */
    int64_t until_ms;
    struct stack_things *ret;
};

/* Addresses have no name: all of the project's are looked through. */
static int list_addresses(void *ctx, struct mir_error *err)
{
    struct asking *a = ctx;
    const struct os_list_floating_ips args = {.project_id = a->project};
    return os_floating_ip_list(a->site->session, &args, a->until_ms, &a->ret->addresses, err);
}

static int list_ports(void *ctx, struct mir_error *err)
{
    struct asking *a = ctx;
    const struct os_list_ports args = {.project_id = a->project, .name = a->named};
    return os_port_list(a->site->session, &args, a->until_ms, &a->ret->ports, err);
}

static int list_groups(void *ctx, struct mir_error *err)
{
    struct asking *a = ctx;
    const struct os_list_things args = {.project_id = a->project, .name = a->named};
    return os_group_list(a->site->session, &args, a->until_ms, &a->ret->groups, err);
}

int stack_things_find(struct stack *stack, struct stack_site *site, const char *token,
                      int64_t until_ms, struct stack_things *ret, struct mir_error *err)
{
    struct asking a = {.site = site, .until_ms = until_ms, .ret = ret};
    struct mir_beside lists[] = {{.fn = list_addresses, .ctx = &a},
                                 {.fn = list_ports, .ctx = &a},
                                 {.fn = list_groups, .ctx = &a}};
    if (stack_project(stack, site, until_ms, a.project, err))
        return -1;
    if (token)
        stack_thing_name(token, a.name);
    a.named = token ? a.name : NULL;
    mir_beside(lists, MIR_NELEMS(lists));
    return mir_beside_first(lists, MIR_NELEMS(lists), err);
}

void stack_things_clear(struct stack_things *things)
{
    os_floating_ips_clear(&things->addresses);
    os_ports_clear(&things->ports);
    os_groups_clear(&things->groups);
}

static void each(stack_thing_fn *fn, void *ctx, const char *kind, const char *id,
                 const char *description)
{
    struct mir_tags tags;
    stack_text_read(description, &tags);
    if (*tags.deployment)
        fn(ctx, kind, id, &tags);
}

void stack_things_each(const struct stack_things *things, stack_thing_fn *fn, void *ctx)
{
    for (size_t i = 0; i < things->addresses.count; i++)
        each(fn, ctx, THING_ADDRESS, things->addresses.rows[i].id,
             things->addresses.rows[i].description);
    for (size_t i = 0; i < things->ports.count; i++)
        each(fn, ctx, THING_PORT, things->ports.rows[i].id, things->ports.rows[i].description);
    for (size_t i = 0; i < things->groups.count; i++)
        each(fn, ctx, THING_GROUP, things->groups.rows[i].id, things->groups.rows[i].description);
}

void stack_add_object(struct mir_instance *instance, const char *kind, const char *id)
{
    for (unsigned i = 0; i < instance->object_count; i++)
        if (!strcmp(instance->objects[i].id, id))
            return;
    if (!*id || instance->object_count == MIR_OBJECTS_MAX)
        return;
    struct mir_object *object = &instance->objects[instance->object_count++];
    mir_copy(object->kind, sizeof object->kind, kind);
    mir_copy(object->id, sizeof object->id, id);
}
