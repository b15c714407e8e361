/* SPDX-License-Identifier: ISC */
/* What there is of a deployment: its server, and what else carries its token. */
#include "api/beside.h"
#include "api/memory.h"
#include "schedule.h"

/* What is left when the server is over, or never was: three questions that need nothing of each
 * other. */
struct left {
    struct stack *stack;
    struct stack_site *site;
    const char *token;
    int64_t until_ms;
    struct stack_things things;    /* owned */
    struct os_leases leases;       /* owned */
    struct mir_instance scheduled; /* its objects are the triggers */
    struct mir_instance *ret;
};

static int find_things(void *ctx, struct mir_error *err)
{
    struct left *l = ctx;
    return stack_things_find(l->stack, l->site, l->token, l->until_ms, &l->things, err);
}

static int find_leases(void *ctx, struct mir_error *err)
{
    struct left *l = ctx;
    return stack_leases_find(l->stack, l->site, l->token, l->until_ms, &l->leases, err);
}

static int find_schedule(void *ctx, struct mir_error *err)
{
    struct left *l = ctx;
    return stack_schedule_find(l->stack, l->site, l->token, l->until_ms, &l->scheduled, err);
}

static void add(void *ctx, const char *kind, const char *id, const struct mir_tags *tags)
{
    struct left *l = ctx;
    if (!stack_is_of(l->stack, tags, l->token))
        return;
    if (!*l->ret->tags.deployment)
        l->ret->tags = *tags;
    stack_add_object(l->ret, kind, id);
}

static void add_all(struct left *l)
{
    struct mir_tags tags;
    l->ret->object_count = 0;
    for (size_t i = 0; i < l->leases.count; i++)
        stack_add_object(l->ret, THING_LEASE, l->leases.rows[i].id);
    stack_things_each(&l->things, add, l);
    for (size_t i = 0; i < l->leases.count && !*l->ret->tags.deployment; i++)
        if (stack_lease_tags(l->stack, &l->leases.rows[i], &tags))
            l->ret->tags = tags;
}

static void add_schedule(struct left *l)
{
    for (unsigned i = 0; i < l->scheduled.object_count; i++)
        stack_add_object(l->ret, l->scheduled.objects[i].kind, l->scheduled.objects[i].id);
}

static int add_left(struct left *l, struct mir_error *err)
{
    struct mir_beside asked[] = {{.fn = find_things, .ctx = l},
                                 {.fn = find_leases, .ctx = l},
                                 {.fn = find_schedule, .ctx = l}};
    const struct mir_beside *schedule = &asked[2];
    mir_beside(asked, MIR_NELEMS(asked));
    if (mir_beside_first(asked, 2, err))
        return -1;
    add_all(l);
    /* What is left by itself waits for no word of Mistral: it can be ended without. */
    if (schedule->rc && !l->ret->object_count)
        return stack_said(&schedule->err, err);
    add_schedule(l);
    l->ret->state = l->ret->object_count ? MIR_INSTANCE_ENDED : MIR_INSTANCE_ABSENT;
    if (l->ret->object_count && !*l->ret->end_reason)
        mir_copy(l->ret->end_reason, sizeof l->ret->end_reason, "its server is gone");
    return 0;
}

static int look_for_left(struct stack *stack, struct stack_site *site, const char *token,
                         int64_t until_ms, struct mir_instance *ret, struct mir_error *err)
{
    struct left l = {
        .stack = stack, .site = site, .token = token, .until_ms = until_ms, .ret = ret};
    int rc = add_left(&l, err);
    stack_things_clear(&l.things);
    os_leases_clear(&l.leases);
    return rc;
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
    if (over && look_for_left(stack, site, token, until_ms, &instance, err))
        return -1;
    *ret = instance;
    return 0;
}

int stack_instance_get(void *ctx, const char *token, struct mir_instance *ret,
                       struct mir_error *err)
{
    return stack_somewhere(ctx, token, look_at, ret, err);
}
