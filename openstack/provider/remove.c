/* SPDX-License-Identifier: ISC */
/* The end of a server and of what belongs to it. The server first, since it costs most; the rest
 * when it is not shown any more, so this is asked again until nothing is left. */
#include <string.h>

#include "api/beside.h"
#include "api/memory.h"
#include "schedule.h"

#define FORCE_AFTER_S 60 /* of a deletion that does not come to its end */

/* --- servers --- */

/* A 204 is no deletion: what went wrong with it leaves the server in ERROR, and then it is asked
 * for again; what does not go by that, and what is only kept for a while, is forced. */
static bool is_forced(const struct stack *stack, const struct os_server *row)
{
    bool deleting = !strcmp(row->task_state, "deleting");
    bool kept = !strcmp(row->status, "SOFT_DELETED");
    bool late = row->updated_s && mir_now_s(stack->clock) - row->updated_s >= FORCE_AFTER_S;
    return kept || (late && (deleting || !strcmp(row->status, "ERROR")));
}

/* Not every user may force; whoever may not goes on asking. */
static int force(struct stack_site *site, const char *id, int64_t until_ms, struct mir_error *err)
{
    struct mir_error said = {0};
    if (!os_server_force_delete(site->session, id, until_ms, &said) || said.kind == MIR_NOT_FOUND)
        return 0;
    said = (struct mir_error){0};
    int rc = os_server_delete(site->session, id, until_ms, &said);
    return stack_gone(rc, &said, err);
}

static int end_server(struct stack *stack, struct stack_site *site, const struct os_server *row,
                      int64_t until_ms, struct mir_error *err)
{
    struct mir_error said = {0};
    bool under_way = !strcmp(row->task_state, "deleting") && strcmp(row->status, "ERROR") != 0;
    if (is_forced(stack, row))
        return force(site, row->id, until_ms, err);
    if (under_way)
        return 0;
    int rc = os_server_delete(site->session, row->id, until_ms, &said);
    if (rc && said.kind == MIR_CONFLICT && strstr(said.text, "locked"))
        mir_error_hint(&said, "somebody has locked it: openstack server unlock %s", row->id);
    return stack_gone(rc, &said, err);
}

/* All that carry the token: an attempt whose answer was lost may have made a second one. */
static int end_servers(struct stack *stack, struct stack_site *site, const char *token,
                       const struct os_servers *found, int64_t until_ms, bool *ret_left,
                       struct mir_error *err)
{
    struct mir_error first = {0};
    *ret_left = false;
    for (size_t i = 0; i < found->count; i++) {
        const struct os_server *row = &found->rows[i];
        struct mir_error said = {0};
        if (!stack_server_is_of(stack, row, token) || stack_over(row))
            continue;
        *ret_left = true;
        stack_keep_first(end_server(stack, site, row, until_ms, &said), &said, &first);
    }
    return first.kind == MIR_OK ? 0 : stack_said(&first, err);
}

/* --- what is left when it is over --- */

struct ending {
    struct stack *stack;
    struct stack_site *site;
    const char *token;
    int64_t until_ms;
    struct mir_instance *ret;
    struct mir_error first;
};

/* In use by what is just ending is a matter of time. */
static void end_thing(void *ctx, const char *kind, const char *id, const struct mir_tags *tags)
{
    typedef int delete_fn(struct os_session * session, const char *id, int64_t until_ms,
                          struct mir_error *err);
    static const struct {
        const char *kind;
        delete_fn *delete;
    } rows[] = {{THING_ADDRESS, os_floating_ip_delete},
                {THING_PORT, os_port_delete},
                {THING_GROUP, os_group_delete}};
    struct ending *e = ctx;
    struct mir_error said = {0};
    if (!stack_is_of(e->stack, tags, e->token))
        return;
    stack_add_object(e->ret, kind, id);
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        if (!strcmp(rows[i].kind, kind) &&
            rows[i].delete(e->site->session, id, e->until_ms, &said) &&
            said.kind != MIR_NOT_FOUND && said.kind != MIR_CONFLICT)
            stack_keep_first(-1, &said, &e->first);
}

static int end_things(void *ctx, struct mir_error *err)
{
    struct ending *e = ctx;
    auto_things struct stack_things things = {.ports = {.rows = NULL}};
    if (stack_things_find(e->stack, e->site, e->token, e->until_ms, &things, err) ||
        mir_fence_check(e->stack->fence, err))
        return -1;
    stack_things_each(&things, end_thing, e);
    return e->first.kind == MIR_OK ? 0 : stack_said(&e->first, err);
}

static int end_leases(void *ctx, struct mir_error *err)
{
    const struct ending *e = ctx;
    return mir_fence_check(e->stack->fence, err) ||
                   stack_leases_end(e->stack, e->site, e->token, e->until_ms, e->ret, err)
               ? -1
               : 0;
}

static int end_schedule(void *ctx, struct mir_error *err)
{
    const struct ending *e = ctx;
    return mir_fence_check(e->stack->fence, err) ||
                   stack_schedule_end(e->stack, e->site, e->token, e->until_ms, e->ret, err)
               ? -1
               : 0;
}

static void add_objects(const struct mir_instance *from, struct mir_instance *to)
{
    for (unsigned i = 0; i < from->object_count; i++)
        stack_add_object(to, from->objects[i].kind, from->objects[i].id);
}

/* Side by side: a service that does not answer uses up the time of no other, and what it does not
 * let go keeps nothing of the others'. */
static int end_left(struct stack *stack, struct stack_site *site, const char *token,
                    int64_t until_ms, struct mir_instance *ret, struct mir_error *err)
{
    static int (*const fns[])(void *ctx, struct mir_error *err) = {end_things, end_leases,
                                                                   end_schedule};
    struct mir_instance found[MIR_NELEMS(fns)] = {{.object_count = 0}};
    struct ending endings[MIR_NELEMS(fns)];
    struct mir_beside all[MIR_NELEMS(fns)];
    for (size_t i = 0; i < MIR_NELEMS(fns); i++) {
        endings[i] = (struct ending){
            .stack = stack, .site = site, .token = token, .until_ms = until_ms, .ret = &found[i]};
        all[i] = (struct mir_beside){.fn = fns[i], .ctx = &endings[i]};
    }
    mir_beside(all, MIR_NELEMS(all));
    for (size_t i = 0; i < MIR_NELEMS(fns); i++)
        add_objects(&found[i], ret);
    if (ret->object_count)
        ret->state = MIR_INSTANCE_ENDED;
    return mir_beside_first(all, MIR_NELEMS(all), err);
}

/* --- all of it --- */

static int end_at(struct stack *stack, struct stack_site *site, const char *token, int64_t until_ms,
                  struct mir_instance *ret, struct mir_error *err)
{
    os_auto_servers struct os_servers found = {.rows = NULL};
    const struct os_server *row;
    struct mir_instance ending = {.state = MIR_INSTANCE_ABSENT};
    bool left;
    if (stack_find_server(stack, site, token, until_ms, &found, &row, err) ||
        mir_fence_check(stack->fence, err) ||
        end_servers(stack, site, token, &found, until_ms, &left, err))
        return -1;
    if (left)
        ending.state = MIR_INSTANCE_ENDED;
    if (!left && end_left(stack, site, token, until_ms, &ending, err))
        return -1;
    *ret = ending;
    return 0;
}

int stack_instance_delete(void *ctx, const char *token, struct mir_error *err)
{
    struct mir_instance ending;
    return stack_somewhere(ctx, token, end_at, &ending, err);
}
