/* SPDX-License-Identifier: ISC */
/* What the cloud itself keeps of a deadline, armed and read back: the marks that every reaper goes
 * by, and what else the cloud has that ends a server whether or not we live. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "schedule.h"

#define AGAIN_MS 500
#define SHOWN_MS 3000 /* of waiting for a listing to show what was made */

struct arming {
    struct stack *stack;
    struct stack_site *site;
    const struct mir_lease *lease;
    struct os_servers found;     /* owned */
    const struct os_server *row; /* of these */
    unsigned others;             /* armed hooks beside the cloud's */
    int64_t until_ms;
};

/* --- the server --- */

/* A listing may still miss what was made a moment ago; row NULL: there is none. */
static int find_row(struct arming *a, struct mir_error *err)
{
    for (int waited_ms = 0;; waited_ms += AGAIN_MS) {
        os_servers_clear(&a->found);
        if (stack_find_server(a->stack, a->site, a->lease->id, a->until_ms, &a->found, &a->row,
                              err))
            return -1;
        if (a->row || waited_ms >= SHOWN_MS)
            return 0;
        stack_pause_ms(AGAIN_MS);
    }
}

static bool ends(const struct arming *a)
{
    return !a->row || stack_over(a->row) || !strcmp(a->row->status, "ERROR") ||
           !strcmp(a->row->status, "SHUTOFF") || !strcmp(a->row->task_state, "deleting");
}

/* --- the marks --- */

/* Of the images first: what an image that is in use is ended by must not come before its server. */
static int mark_images(const struct arming *a, const struct os_pair pairs[2], struct mir_error *err)
{
    os_auto_images struct os_images found = {.rows = NULL};
    if (stack_images_find(a->stack, a->site, a->until_ms, &found, err))
        return -1;
    for (size_t i = 0; i < found.count; i++) {
        const struct os_image *row = &found.rows[i];
        struct mir_tags tags;
        stack_marks_read(row->properties, row->property_count, &tags);
        if (!stack_is_of(a->stack, &tags, a->lease->id) ||
            (tags.expires_s == a->lease->deadline_s &&
             !strcmp(tags.signature, a->lease->signature)))
            continue;
        if (os_image_set(a->site->session, row->id, pairs, 2, a->until_ms, NULL, err))
            return -1;
    }
    return 0;
}

static bool marks_shown(const struct arming *a)
{
    struct mir_tags tags;
    stack_marks_read(a->row->metadata, a->row->metadata_count, &tags);
    return tags.expires_s == a->lease->deadline_s && !strcmp(tags.signature, a->lease->signature);
}

/* In one request: half of them would look like somebody else's. */
static int send_marks(const struct arming *a, struct mir_error *err)
{
    char expires[MIR_TIME_SIZE];
    mir_time_format(a->lease->deadline_s, expires);
    const struct os_pair pairs[2] = {{MARK_EXPIRES, expires},
                                     {MARK_SIGNATURE, a->lease->signature}};
    return stack_outlives(a->site, a->lease->deadline_s, a->until_ms, err) ||
                   mir_fence_check(a->stack->fence, err) || mark_images(a, pairs, err) ||
                   os_server_set_metadata(a->site->session, a->row->id, pairs, 2, a->until_ms, err)
               ? -1
               : 0;
}

/* Before any hook counts as armed, whoever goes by the marks has to see the deadline in force. */
static int write_marks(struct arming *a, struct mir_error *err)
{
    if (!*a->lease->signature || marks_shown(a))
        return 0;
    if (send_marks(a, err))
        return -1;
    do {
        if (find_row(a, err)) {
            if (err)
                err->outcome = MIR_OUTCOME_UNKNOWN; /* the marks may say it by now */
            return -1;
        }
        if (a->row && marks_shown(a))
            return 0;
        stack_pause_ms(AGAIN_MS);
    } while (os_until(a->site->session, AGAIN_MS) <= a->until_ms);
    mir_fail(err, MIR_TIMEOUT, "the server of %s does not show its new marks", a->lease->id);
    if (err) {
        err->outcome = MIR_OUTCOME_UNKNOWN;
        err->retry = MIR_RETRY_TRANSIENT;
    }
    return -1;
}

/* --- all of them --- */

static void arm_lease(const struct arming *a, struct mir_hook *hook)
{
    const char *flavor = os_pair_value(a->row->metadata, a->row->metadata_count, MARK_LEASE);
    stack_lease_arm(a->stack, a->site, a->lease, flavor, a->until_ms, hook);
}

static void arm_schedule(const struct arming *a, struct mir_hook *hook)
{
    stack_schedule_arm(a->stack, a->site, a->lease, a->row->id, a->others, a->until_ms, hook);
}

/* Nothing is armed on what is ending. */
static void cannot_arm(const struct arming *a, struct mir_hook *hook)
{
    hook->state = MIR_HOOK_FAILED;
    hook->again_after_s = a->row ? 0 : 2;
    snprintf(hook->detail, sizeof hook->detail, "%.40s %s", a->row ? a->row->id : a->lease->id,
             a->row ? "has ended" : "has no server");
}

/* The lease first: where it is armed a trigger that cannot be moved may be let go. */
static size_t arm_all(struct arming *a, struct mir_hook *hooks, size_t max)
{
    static const struct {
        const char *name;
        void (*arm)(const struct arming *a, struct mir_hook *hook);
    } rows[] = {{"cloud-lease", arm_lease}, {"cloud-schedule", arm_schedule}};
    size_t count = 0;
    /* What nobody has asked for is no hook that is off. */
    for (size_t i = !a->stack->leased; i < MIR_NELEMS(rows) && count < max; i++) {
        struct mir_hook *hook = &hooks[count++];
        *hook = (struct mir_hook){.state = MIR_HOOK_OFF};
        mir_copy(hook->name, sizeof hook->name, rows[i].name);
        (ends(a) ? cannot_arm : rows[i].arm)(a, hook);
        a->others += hook->state == MIR_HOOK_ARMED;
    }
    return count;
}

static int arm_at(struct stack *stack, struct stack_site *site, const struct mir_lease *lease,
                  struct mir_hook *hooks, size_t max, size_t *ret_count, struct mir_error *err)
{
    struct arming a = {.stack = stack,
                       .site = site,
                       .lease = lease,
                       .others = lease->hooks_else,
                       .until_ms = os_until(site->session, STACK_CALL_MS)};
    int rc = find_row(&a, err) || (!ends(&a) && write_marks(&a, err)) ? -1 : 0;
    if (!rc)
        *ret_count = arm_all(&a, hooks, max);
    os_servers_clear(&a.found);
    return rc;
}

int stack_hooks_arm(void *ctx, const struct mir_lease *lease, struct mir_hook *hooks, size_t max,
                    size_t *ret_count, struct mir_error *err)
{
    struct stack_site *site;
    return stack_site_of(ctx, lease->id, &site, err) ||
                   arm_at(ctx, site, lease, hooks, max, ret_count, err)
               ? -1
               : 0;
}
