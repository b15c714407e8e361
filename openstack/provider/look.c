/* SPDX-License-Identifier: ISC */
/* What there is of a deployment: its server, and what else carries its token. */
#include "api/memory.h"
#include "schedule.h"

struct looking {
    const struct stack *stack;
    const char *token;
    struct mir_instance *ret;
};

static void add(void *ctx, const char *kind, const char *id, const struct mir_tags *tags)
{
    struct looking *looking = ctx;
    if (!stack_is_of(looking->stack, tags, looking->token))
        return;
    if (!*looking->ret->tags.deployment)
        looking->ret->tags = *tags;
    stack_add_object(looking->ret, kind, id);
}

/* What is left when the server is over, or never was. */
static int add_left(struct stack *stack, struct stack_site *site, const char *token,
                    int64_t until_ms, struct mir_instance *ret, struct mir_error *err)
{
    auto_things struct stack_things things = {.ports = {.rows = NULL}};
    struct looking looking = {.stack = stack, .token = token, .ret = ret};
    struct os_leases leases = {.rows = NULL};
    if (stack_things_find(stack, site, token, until_ms, &things, err) ||
        stack_leases_find(stack, site, token, until_ms, &leases, err))
        return -1;
    ret->object_count = 0;
    for (size_t i = 0; i < leases.count; i++)
        stack_add_object(ret, THING_LEASE, leases.rows[i].id);
    os_leases_clear(&leases);
    stack_things_each(&things, add, &looking);
    /* What is left by itself waits for no word of Mistral: it can be ended without. */
    struct mir_error said = {0};
    if (stack_schedule_find(stack, site, token, until_ms, ret, &said) && !ret->object_count)
        return stack_said(&said, err);
    ret->state = ret->object_count ? MIR_INSTANCE_ENDED : MIR_INSTANCE_ABSENT;
    if (ret->object_count && !*ret->end_reason)
        mir_copy(ret->end_reason, sizeof ret->end_reason, "its server is gone");
    return 0;
}

static int look_at(struct stack *stack, struct stack_site *site, const char *token,
                   int64_t until_ms, struct mir_instance *ret, struct mir_error *err)
{
    os_auto_servers struct os_servers found = {.rows = NULL};
    const struct os_server *row;
    struct mir_instance instance = {.state = MIR_INSTANCE_ABSENT};
    if (stack_find_server(stack, site, token, until_ms, &found, &row, err))
        return -1;
    bool over = !row || stack_over(row);
    if (row)
        stack_server_read(row, &instance);
    if (over && add_left(stack, site, token, until_ms, &instance, err))
        return -1;
    *ret = instance;
    return 0;
}

int stack_instance_get(void *ctx, const char *token, struct mir_instance *ret,
                       struct mir_error *err)
{
    return stack_somewhere(ctx, token, look_at, ret, err);
}
