/* SPDX-License-Identifier: ISC */
/* The hook "cloud-lease": a lease of Blazar that a server is started in, and that ends it. Nothing
 * that runs can be put into one, so it is made before the server, and where [openstack] lease says
 * so alone: it takes room of the hosts that the cloud's operator has given to Blazar. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "schedule.h"

#define SLACK_S 60 /* after the deadline: the daemon comes first */
#define AHEAD_S 180
#define LATE_S 240 /* of what is read back, beyond the deadline */
#define PAUSE_MS 500
#define BEGINS_MS 15000 /* until a lease that begins now is there */
#define AGAIN_S 2

/* --- finding --- */

/* Those that this token has, at the beginning of the list; a lease has a name and no marks. */
static void keep_named(const struct stack *stack, struct os_leases *found, const char *token)
{
    char name[STACK_LEASE_NAME];
    size_t count = 0;
    stack_lease_name(stack, token, name);
    for (size_t i = 0; i < found->count; i++) {
        if (!found->rows[i].name || strcmp(found->rows[i].name, name) != 0)
            continue;
        struct os_lease one = found->rows[count];
        found->rows[count++] = found->rows[i];
        found->rows[i] = one;
    }
    for (size_t i = count; i < found->count; i++)
        os_lease_clear(&found->rows[i]);
    found->count = count;
}

int stack_leases_find(struct stack *stack, struct stack_site *site, const char *token,
                      int64_t until_ms, struct os_leases *ret, struct mir_error *err)
{
    bool has = false;
    if (!stack->leased)
        return 0;
    if (os_session_has(site->session, OS_RESERVATION, until_ms, &has, err))
        return -1;
    if (!has)
        return 0;
    if (os_lease_list(site->session, until_ms, ret, err))
        return -1;
    if (token)
        keep_named(stack, ret, token);
    return 0;
}

/* It says no deadline but its own end, which comes a minute after, or up to two. */
bool stack_lease_tags(const struct stack *stack, const struct os_lease *row, struct mir_tags *ret)
{
    struct mir_tags tags = {.expires_s = row->end_s - SLACK_S};
    stack_lease_token(stack, row->name, tags.deployment);
    if (!*tags.deployment)
        return false;
    mir_copy(tags.installation, sizeof tags.installation, stack->installation);
    mir_tags_sign(&tags, stack->tag_key);
    *ret = tags;
    return true;
}

static bool is_over(const struct os_lease *lease)
{
    static const char *const over[] = {"TERMINATED", "ERROR", "DELETING"};
    for (size_t i = 0; i < MIR_NELEMS(over); i++)
        if (!strcmp(over[i], lease->status))
            return true;
    return false;
}

static const struct os_lease *living(const struct os_leases *found)
{
    for (size_t i = 0; i < found->count; i++)
        if (!is_over(&found->rows[i]) && found->rows[i].reservation_count)
            return &found->rows[i];
    return NULL;
}

/* --- before the launch --- */

static int64_t end_of(const struct mir_lease *lease, int64_t now_s)
{
    int64_t end_s = lease->deadline_s + SLACK_S;
    return end_s < now_s + AHEAD_S ? now_s + AHEAD_S : end_s;
}

/* A lease that begins now is there a moment later; until then its flavor is not. */
static int wait_begun(struct stack_site *site, const char *id, int64_t until_ms,
                      struct os_lease *ret, struct mir_error *err)
{
    for (int waited_ms = 0;; waited_ms += PAUSE_MS) {
        os_lease_clear(ret);
        if (os_lease_get(site->session, id, until_ms, ret, err))
            return -1;
        if (!strcmp(ret->status, "ACTIVE"))
            return 0;
        if (is_over(ret) || waited_ms >= BEGINS_MS)
            break;
        stack_pause_ms(PAUSE_MS);
    }
    mir_fail(err, MIR_UNAVAILABLE, "the lease %s of Blazar does not begin: it is %s", id,
             ret->status);
    err->retry = MIR_RETRY_TRANSIENT;
    return mir_error_hint(err, "without one: lease = no in section [openstack]");
}

static int make(struct stack *stack, struct stack_site *site, const struct mir_lease *lease,
                const struct stack_flavor *flavor, int64_t until_ms, struct os_lease *ret,
                struct mir_error *err)
{
    char name[STACK_LEASE_NAME];
    stack_lease_name(stack, lease->id, name);
    const struct os_create_lease args = {.name = name,
                                         .end_s = end_of(lease, mir_now_s(stack->clock)),
                                         .amount = 1,
                                         .vcpus = flavor->vcpus,
                                         .memory_mib = flavor->ram_mib,
                                         .disk_gib = flavor->disk_gib};
    if (mir_fence_check(stack->fence, err))
        return -1;
    if (!os_lease_create(site->session, &args, until_ms, ret, err))
        return 0;
    if (err && (err->kind == MIR_CONFLICT || err->kind == MIR_USAGE))
        mir_error_hint(err, "Blazar has no room for it: choose a smaller --type, ask the cloud's "
                            "operator for hosts, or say lease = no in section [openstack]");
    return -1;
}

int stack_lease_make(struct stack *stack, struct stack_site *site, const struct mir_lease *lease,
                     const struct stack_flavor *flavor, int64_t until_ms, bool *ret_began,
                     char ret_flavor[OS_ID_TEXT], struct mir_error *err)
{
    struct os_leases found = {.rows = NULL};
    struct os_lease made = {.name = NULL};
    char id[OS_ID_TEXT] = "";
    int rc = stack_leases_find(stack, site, lease->id, until_ms, &found, err);
    const struct os_lease *there = rc ? NULL : living(&found);
    if (there)
        mir_copy(id, sizeof id, there->id);
    os_leases_clear(&found);
    if (!rc && !*id) {
        *ret_began = true;
        rc = make(stack, site, lease, flavor, until_ms, &made, err);
        mir_copy(id, sizeof id, made.id);
    }
    if (!rc)
        rc = wait_begun(site, id, until_ms, &made, err);
    if (!rc && !made.reservation_count)
        rc = mir_fail(err, MIR_CORRUPT, "the lease %s of Blazar has no reservation", id);
    if (!rc) {
        const struct os_reservation *one = &made.reservations[0];
        mir_copy(ret_flavor, OS_ID_TEXT, *one->flavor_id ? one->flavor_id : one->id);
    }
    os_lease_clear(&made);
    return rc;
}

/* --- the hook --- */

static void failed(struct mir_hook *hook, const struct mir_error *said)
{
    hook->state = MIR_HOOK_FAILED;
    hook->again_after_s = said->retry != MIR_RETRY_NEVER ? AGAIN_S : 0;
    snprintf(hook->detail, sizeof hook->detail, "%.150s", said->text);
}

/* It is this server's, stands, and ends at this deadline. */
static bool is_right(const struct os_lease *row, const struct mir_lease *lease, int64_t now_s)
{
    int64_t from_s = lease->deadline_s > now_s ? lease->deadline_s : now_s;
    return row && !strcmp(row->status, "ACTIVE") && row->end_s >= lease->deadline_s &&
           row->end_s <= from_s + LATE_S;
}

static bool has_flavor(const struct os_lease *row, const char *flavor)
{
    for (size_t i = 0; row && i < row->reservation_count; i++)
        if (!strcmp(row->reservations[i].id, flavor) ||
            !strcmp(row->reservations[i].flavor_id, flavor))
            return true;
    return false;
}

/* A lease that is not moved stays: what takes it away takes the server with it. So it is told at
 * which moment that would be. */
static void stands(const struct os_lease *row, const struct mir_lease *lease, int64_t now_s,
                   const struct mir_error *moving, struct mir_hook *hook)
{
    if (is_right(row, lease, now_s)) {
        hook->state = MIR_HOOK_ARMED;
        hook->deadline_s = lease->deadline_s; /* it comes a minute after */
        snprintf(hook->detail, sizeof hook->detail, "a lease of Blazar ends the server");
        return;
    }
    struct mir_error said = *moving;
    if (said.kind == MIR_OK)
        mir_fail(&said, MIR_FAILED,
                 "the lease %s of Blazar is %s, and does not end as it was asked", row->id,
                 row->status);
    failed(hook, &said);
    hook->deadline_s = is_over(row) ? 0 : row->end_s;
}

static void arm(struct stack *stack, struct stack_site *site, const struct mir_lease *lease,
                const struct os_lease *row, int64_t until_ms, struct mir_hook *hook)
{
    struct os_lease now = {.name = NULL};
    struct mir_error moving = {0}, said = {0};
    int64_t now_s = mir_now_s(stack->clock);
    if (!is_right(row, lease, now_s) && !mir_fence_check(stack->fence, &moving)) {
        struct os_lease moved = {.name = NULL};
        (void)os_lease_move_end(site->session, row->id, end_of(lease, now_s), until_ms, &moved,
                                &moving);
        os_lease_clear(&moved);
    }
    /* What was answered counts for nothing: what stands there does. */
    if (os_lease_get(site->session, row->id, until_ms, &now, &said))
        failed(hook, &said);
    else
        stands(&now, lease, now_s, &moving, hook);
    os_lease_clear(&now);
}

void stack_lease_arm(struct stack *stack, struct stack_site *site, const struct mir_lease *lease,
                     const char *flavor, int64_t until_ms, struct mir_hook *hook)
{
    struct os_leases found = {.rows = NULL};
    struct mir_error said = {0};
    if (mir_forever(lease->deadline_s))
        return;
    if (stack_leases_find(stack, site, lease->id, until_ms, &found, &said)) {
        failed(hook, &said);
        return;
    }
    const struct os_lease *row = living(&found);
    if (row && flavor && has_flavor(row, flavor)) {
        arm(stack, site, lease, row, until_ms, hook);
    } else {
        hook->state = MIR_HOOK_FAILED;
        mir_copy(hook->detail, sizeof hook->detail, "the server stands in no lease of Blazar");
    }
    os_leases_clear(&found);
}

/* --- the end --- */

int stack_leases_end(struct stack *stack, struct stack_site *site, const char *token,
                     int64_t until_ms, struct mir_instance *ret, struct mir_error *err)
{
    struct os_leases found = {.rows = NULL};
    struct mir_error first = {0};
    if (stack_leases_find(stack, site, token, until_ms, &found, err))
        return -1;
    for (size_t i = 0; i < found.count; i++) {
        struct mir_error said = {0};
        stack_add_object(ret, THING_LEASE, found.rows[i].id);
        if (os_lease_delete(site->session, found.rows[i].id, until_ms, &said) &&
            said.kind != MIR_NOT_FOUND && said.kind != MIR_CONFLICT)
            stack_keep_first(-1, &said, &first);
    }
    os_leases_clear(&found);
    return first.kind == MIR_OK ? 0 : stack_said(&first, err);
}
