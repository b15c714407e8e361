/* SPDX-License-Identifier: ISC */
/* What there is beside the server: a floating address, a port, a security group. Each has the four
 * marks in its description. */
#include <string.h>

#include "api/memory.h"
#include "stack.h"

int stack_things_find(struct stack *stack, struct stack_site *site, const char *token,
                      int64_t until_ms, struct stack_things *ret, struct mir_error *err)
{
    char project[OS_ID_TEXT], name[STACK_NAME_TEXT] = "";
    if (stack_project(stack, site, until_ms, project, err))
        return -1;
    if (token)
        stack_thing_name(token, name);
    const char *named = token ? name : NULL;
    /* Addresses have no name: all of the project's are looked through. */
    const struct os_list_floating_ips addresses = {.project_id = project};
    const struct os_list_ports ports = {.project_id = project, .name = named};
    const struct os_list_things groups = {.project_id = project, .name = named};
    return os_floating_ip_list(site->session, &addresses, until_ms, &ret->addresses, err) ||
                   os_port_list(site->session, &ports, until_ms, &ret->ports, err) ||
                   os_group_list(site->session, &groups, until_ms, &ret->groups, err)
               ? -1
               : 0;
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
