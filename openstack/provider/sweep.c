/* SPDX-License-Identifier: ISC */
/* Everything that carries marks of ours, site by site: at those that are known, and from time to
 * time (and at the start) in every region of their clouds. A site that does not answer keeps no
 * other from being listed; that it did not is the listing's error. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/beside.h"
#include "api/memory.h"
#include "openstack/identity.h"
#include "schedule.h"

#define SWEEP_MS 25000
#define SITE_MS 10000 /* of one of several: one that hangs has to leave time for the others */
#define WHOLE_EVERY_MS (3600 * (int64_t)1000)

struct sweep {
    struct stack *stack;
    mir_instance_fn *fn;
    void *fn_ctx;
    int64_t until_ms;
    bool stop; /* fn has said so */
    struct stack_swept seen;
    char names[STACK_SITES_MAX][MIR_PLACE_NAME]; /* of the sites that were listed */
    size_t name_count;
    /* What stands in the listing of servers already, and what is left over. */
    struct mir_instance *rows; /* owned */
    size_t count;
};

static struct mir_instance *row_of(struct sweep *sweep, enum mir_object_kind kind,
                                   const struct mir_tags *tags)
{
    for (size_t i = 0; i < sweep->count; i++)
        if (sweep->rows[i].kind == kind &&
            !strcmp(sweep->rows[i].tags.deployment, tags->deployment))
            return &sweep->rows[i];
    sweep->rows = mir_realloc(sweep->rows, sweep->count + 1, sizeof *sweep->rows);
    struct mir_instance *row = &sweep->rows[sweep->count++];
    *row = (struct mir_instance){.kind = kind, .tags = *tags};
    return row;
}

/* --- servers --- */

/* *ret_blind: those of which nothing is known but that they are there. */
static int list_servers(struct sweep *sweep, struct stack_site *site, int64_t until_ms,
                        size_t *ret_blind, struct mir_error *err)
{
    static const struct os_list_servers all = {.name = NULL};
    os_auto_servers struct os_servers found = {.rows = NULL};
    if (os_server_list(site->session, &all, until_ms, &found, err))
        return -1;
    *ret_blind = 0;
    for (size_t i = 0; i < found.count; i++) {
        struct mir_instance one;
        *ret_blind += stack_blind(&found.rows[i]);
        if (stack_over(&found.rows[i]))
            continue;
        stack_server_read(&found.rows[i], &one);
        if (*one.tags.deployment)
            *row_of(sweep, MIR_OBJECT_INSTANCE, &one.tags) = one;
    }
    return 0;
}

/* --- what is left of servers that are over --- */

static void add_left(void *ctx, const char *kind, const char *id, const struct mir_tags *tags)
{
    struct mir_instance *row = row_of(ctx, MIR_OBJECT_INSTANCE, tags);
    if (!*row->id) { /* no server has it */
        mir_copy(row->id, sizeof row->id, id);
        row->state = MIR_INSTANCE_ENDED;
        mir_copy(row->end_reason, sizeof row->end_reason, "its server is gone");
    }
    stack_add_object(row, kind, id);
}

static void add_images(struct sweep *sweep, const struct os_images *found)
{
    for (size_t i = 0; i < found->count; i++) {
        const struct os_image *image = &found->rows[i];
        struct mir_tags tags;
        stack_marks_read(image->properties, image->property_count, &tags);
        if (!*tags.deployment || !strcmp(image->status, "deleted"))
            continue;
        struct mir_instance *row = row_of(sweep, MIR_OBJECT_IMAGE, &tags);
        if (!*row->id) {
            const char *name = os_pair_value(image->properties, image->property_count, MARK_NAME);
            mir_copy(row->id, sizeof row->id, image->id);
            mir_copy(row->name, sizeof row->name, name ? name : "");
            row->state = MIR_INSTANCE_RUNNING;
        }
        stack_add_object(row, "image", image->id);
    }
}

/* --- what else there is: asked side by side --- */

struct others {
    struct stack *stack;
    struct stack_site *site;
    int64_t until_ms;
    struct stack_things things; /* owned, as what follows */
    struct os_leases leases;
    struct os_images images;
};

static int find_things(void *ctx, struct mir_error *err)
{
    struct others *o = ctx;
    return stack_things_find(o->stack, o->site, NULL, o->until_ms, &o->things, err);
}

static int find_leases(void *ctx, struct mir_error *err)
{
    struct others *o = ctx;
    return stack_leases_find(o->stack, o->site, NULL, o->until_ms, &o->leases, err);
}

static int find_images(void *ctx, struct mir_error *err)
{
    struct others *o = ctx;
    return stack_images_find(o->stack, o->site, o->until_ms, &o->images, err);
}

static void add_leases(struct sweep *sweep, const struct os_leases *found)
{
    struct mir_tags tags;
    for (size_t i = 0; i < found->count; i++)
        if (stack_lease_tags(sweep->stack, &found->rows[i], &tags))
            add_left(sweep, THING_LEASE, found->rows[i].id, &tags);
}

/* Images stand by themselves; all else is of a server, and is told when all of it is known, and no
 * server that cannot be told apart may be whose it is. */
static int list_others(struct sweep *sweep, struct stack_site *site, bool blind, int64_t until_ms,
                       struct mir_error *err)
{
    struct others o = {.stack = sweep->stack, .site = site, .until_ms = until_ms};
    struct mir_beside asked[] = {{.fn = find_images, .ctx = &o},
                                 {.fn = find_things, .ctx = &o},
                                 {.fn = find_leases, .ctx = &o}};
    const struct mir_beside *images = &asked[0], *left = &asked[1];
    size_t count = blind ? 1 : MIR_NELEMS(asked);
    mir_beside(asked, count);
    int rc = mir_beside_first(left, count - 1, err);
    if (!rc && !blind) {
        stack_things_each(&o.things, add_left, sweep);
        add_leases(sweep, &o.leases);
    }
    if (!rc)
        rc = mir_beside_first(images, 1, err);
    if (!images->rc)
        add_images(sweep, &o.images);
    stack_things_clear(&o.things);
    os_leases_clear(&o.leases);
    os_images_clear(&o.images);
    return rc;
}

/* --- a site, all sites --- */

static void note_server(struct sweep *sweep, struct stack_site *site,
                        const struct mir_instance *row)
{
    bool runs = row->state == MIR_INSTANCE_STARTING || row->state == MIR_INSTANCE_RUNNING;
    if (row->kind != MIR_OBJECT_INSTANCE || !runs || *sweep->seen.server ||
        !stack_is_of(sweep->stack, &row->tags, NULL))
        return;
    mir_copy(sweep->seen.server, sizeof sweep->seen.server, row->id);
    sweep->seen.site = site;
}

static void note_place(struct sweep *sweep, const char *name)
{
    size_t len = strlen(sweep->seen.places);
    if (len + strlen(name) + 2 < sizeof sweep->seen.places)
        snprintf(sweep->seen.places + len, sizeof sweep->seen.places - len, "%s%s", len ? " " : "",
                 name);
}

static int list_site(struct sweep *sweep, struct stack_site *site, int64_t until_ms,
                     struct mir_error *err)
{
    size_t blind = 0;
    sweep->count = 0;
    if (list_servers(sweep, site, until_ms, &blind, err) ||
        list_others(sweep, site, blind, until_ms, err))
        return -1;
    if (!blind)
        return 0;
    return mir_fail(err, MIR_UNAVAILABLE,
                    "a part of the cloud does not answer: %zu servers there cannot be told apart",
                    blind);
}

static bool is_listed(const struct sweep *sweep, const char *token)
{
    for (size_t i = 0; i < sweep->count; i++)
        if (!strcmp(sweep->rows[i].tags.deployment, token))
            return true;
    return false;
}

/* Under the name that it has, or the one that it was asked for by. */
static bool is_region(const struct stack_site *site, const char *region)
{
    return !strcmp(region, site->region) || !strcmp(region, site->region_is);
}

/* Triggers carry no marks, so no listing shows them: as long as there may be one, whoever looks has
 * to know that there is something to be asked for. */
static bool has_trigger(struct stack *stack, struct stack_site *site, const struct stack_seen *seen,
                        int64_t until_ms)
{
    struct mir_instance found = {.object_count = 0};
    return seen->trigger == STACK_TRIGGER_MADE &&
           (stack_schedule_find(stack, site, seen->token, until_ms, &found, NULL) ||
            found.object_count);
}

/* What is written down of a site where it is not, is over. */
static void forget_others(struct sweep *sweep, struct stack_site *site, int64_t until_ms)
{
    struct stack *stack = sweep->stack;
    pthread_mutex_lock(&stack->lock);
    size_t count = stack->seen_count;
    struct stack_seen *copy = mir_calloc(count + 1, sizeof *copy);
    if (count)
        memcpy(copy, stack->seen, count * sizeof *copy);
    pthread_mutex_unlock(&stack->lock);
    for (size_t i = 0; i < count; i++)
        if (!strcmp(copy[i].cloud, site->cloud) && is_region(site, copy[i].region) &&
            !is_listed(sweep, copy[i].token) && stack_is_old(stack, copy[i].token) &&
            !has_trigger(stack, site, &copy[i], until_ms))
            stack_forget(stack, copy[i].token);
    free(copy);
}

/* What was listed before something failed is handed on all the same. */
static void hand_on(struct sweep *sweep, struct stack_site *site)
{
    for (size_t i = 0; i < sweep->count && !sweep->stop; i++) {
        stack_remember(sweep->stack, sweep->rows[i].tags.deployment, site);
        note_server(sweep, site, &sweep->rows[i]);
        sweep->stop = sweep->fn(sweep->fn_ctx, &sweep->rows[i]) != 0;
    }
}

static int64_t limit_of(const struct sweep *sweep, const struct stack_site *site)
{
    int64_t own_ms = os_until(site->session, SITE_MS);
    return own_ms < sweep->until_ms ? own_ms : sweep->until_ms;
}

/* The same project and region may be known under several names. */
static bool was_listed(struct sweep *sweep, const char *name)
{
    for (size_t i = 0; i < sweep->name_count; i++)
        if (!strcmp(sweep->names[i], name))
            return true;
    if (sweep->name_count < STACK_SITES_MAX)
        mir_copy(sweep->names[sweep->name_count++], MIR_PLACE_NAME, name);
    return false;
}

static int sweep_site(struct sweep *sweep, struct stack_site *site, struct mir_error *err)
{
    char name[MIR_PLACE_NAME];
    int64_t until_ms = limit_of(sweep, site);
    int rc = stack_site_name(sweep->stack, site, until_ms, name, err);
    sweep->count = 0;
    if (!rc && was_listed(sweep, name))
        return 0;
    if (!rc)
        rc = list_site(sweep, site, until_ms, err);
    hand_on(sweep, site);
    if (rc)
        return mir_error_wrap(err, "cloud %s%s%s", site->cloud, *site->region ? ", region " : "",
                              site->region);
    if (!sweep->stop) {
        note_place(sweep, name);
        forget_others(sweep, site, until_ms);
    }
    return 0;
}

/* Every region of the cloud that has servers, besides those that are known. */
static void add_regions(struct sweep *sweep, struct stack_site *sites[STACK_SITES_MAX],
                        size_t *count, const struct stack_site *of, struct mir_error *first)
{
    os_auto_who struct os_who who = {.user_name = NULL};
    struct mir_error said = {0};
    if (os_who_am_i(of->session, limit_of(sweep, of), &who, &said))
        return; /* its own listing says so */
    for (size_t i = 0; i < who.service_count; i++) {
        const struct os_found_service *service = &who.catalog[i];
        if (!service->type || strcmp(service->type, os_service_info(OS_COMPUTE)->type) != 0)
            continue;
        for (size_t j = 0; j < service->endpoint_count; j++)
            *count = stack_add_site(sweep->stack, sites, *count, of->cloud,
                                    service->endpoints[j].region, first);
    }
}

static int sweep_all(struct sweep *sweep, bool whole, struct mir_error *err)
{
    struct stack_site *sites[STACK_SITES_MAX];
    struct mir_error first = {0};
    size_t count = stack_known_sites(sweep->stack, sites, &first), known = count;
    for (size_t i = 0; i < count && !sweep->stop; i++) {
        struct mir_error said = {0};
        stack_keep_first(sweep_site(sweep, sites[i], &said), &said, &first);
        if (whole && i < known)
            add_regions(sweep, sites, &count, sites[i], &first);
    }
    if (first.kind != MIR_OK)
        return stack_said(&first, err);
    return 0;
}

static void keep_swept(struct sweep *sweep, int64_t now_ms)
{
    struct stack *stack = sweep->stack;
    if (sweep->stop)
        sweep->seen.places[0] = '\0';
    pthread_mutex_lock(&stack->lock);
    stack->whole_boot_ms = now_ms;
    stack->swept = sweep->seen;
    pthread_mutex_unlock(&stack->lock);
}

/* Where nobody has ever said anything about OpenStack there is nothing to be listed. */
int stack_sweep(void *ctx, mir_instance_fn *fn, void *fn_ctx, struct mir_error *err)
{
    struct sweep sweep = {.stack = ctx, .fn = fn, .fn_ctx = fn_ctx};
    struct stack *stack = ctx;
    if (!stack->configured)
        return 0;
    int64_t now_ms = stack->clock->boot_ms(stack->clock->ctx);
    sweep.until_ms = now_ms + SWEEP_MS;
    pthread_mutex_lock(&stack->lock);
    bool whole = !stack->whole_boot_ms || now_ms - stack->whole_boot_ms >= WHOLE_EVERY_MS;
    pthread_mutex_unlock(&stack->lock);
    int rc = sweep_all(&sweep, whole, err);
    if (!rc && whole)
        keep_swept(&sweep, now_ms);
    free(sweep.rows);
    return rc;
}

int stack_sweep_place(void *ctx, const struct mir_place *place, mir_instance_fn *fn, void *fn_ctx,
                      struct mir_error *err)
{
    struct sweep sweep = {.stack = ctx, .fn = fn, .fn_ctx = fn_ctx};
    struct stack_site *site;
    if (stack_site(ctx, place->cloud, place->region, &site, err))
        return -1;
    int rc = list_site(&sweep, site, os_until(site->session, SITE_MS), err);
    hand_on(&sweep, site);
    free(sweep.rows);
    return rc ? mir_error_wrap(err, "cloud %s", site->cloud) : 0;
}
