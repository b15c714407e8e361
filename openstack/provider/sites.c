/* SPDX-License-Identifier: ISC */
/* The sites, one for each cloud and region that was asked for, and the way to a token's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/log.h"
#include "api/memory.h"
#include "openstack/identity.h"
#include "stack.h"

#define READ_EVERY_MS 5000 /* of a description by which nobody is known */

/* --- opening --- */

static void site_free(struct stack_site *site)
{
    os_session_free(site->session);
    os_cloud_clear(&site->described);
    free(site->flavors);
    free(site);
}

void stack_sites_free(struct stack *stack)
{
    for (size_t i = 0; i < stack->site_count; i++)
        site_free(stack->sites[i]);
    for (struct stack_site *site = stack->replaced, *next; site; site = next) {
        next = site->next;
        site_free(site);
    }
    stack->site_count = 0;
    stack->replaced = NULL;
}

/* With the lock held. */
static struct stack_site *site_of(const struct stack *stack, const char *cloud, const char *region)
{
    for (size_t i = 0; i < stack->site_count; i++)
        if (!strcmp(stack->sites[i]->cloud, cloud) && !strcmp(stack->sites[i]->region, region))
            return stack->sites[i];
    return NULL;
}

static int open_site(const struct stack *stack, const char *cloud, const char *region,
                     struct stack_site *site, struct mir_error *err)
{
    mir_copy(site->cloud, sizeof site->cloud, cloud);
    mir_copy(site->region, sizeof site->region, region);
    if (stack_describe(cloud, *region ? region : stack->region, &site->described, err))
        return -1;
    const struct os_session_settings settings = {.cloud = &site->described, .clock = stack->clock};
    site->session = os_session_new(&settings, err);
    if (site->session)
        return 0;
    return mir_error_wrap(err, "cloud %s", site->described.name ? site->described.name : cloud);
}

static int add_site(struct stack *stack, const char *cloud, const char *region,
                    struct stack_site **ret, struct mir_error *err)
{
    if (stack->site_count == STACK_SITES_MAX)
        return mir_fail(err, MIR_USAGE, "more than %d clouds and regions are in use",
                        STACK_SITES_MAX);
    struct stack_site *site = mir_calloc(1, sizeof *site);
    if (open_site(stack, cloud, region, site, err)) {
        site_free(site);
        return -1;
    }
    stack->sites[stack->site_count++] = site;
    *ret = site;
    return 0;
}

/* With the lock held. Keystone does not know us there: was something else written down since? Calls
 * may be under way with what was, so that is kept until the end. */
static struct stack_site *read_again(struct stack *stack, struct stack_site *site)
{
    int64_t now_ms = stack->clock->boot_ms(stack->clock->ctx);
    if (!os_session_refused(site->session) ||
        (site->read_boot_ms && now_ms - site->read_boot_ms < READ_EVERY_MS))
        return site;
    site->read_boot_ms = now_ms;
    struct stack_site *other = mir_calloc(1, sizeof *other);
    if (open_site(stack, site->cloud, site->region, other, NULL) ||
        os_cloud_same(&site->described, &other->described)) {
        site_free(other);
        return site;
    }
    mir_log(MIR_LOG_INFO, "openstack", "cloud %s is described otherwise now; asking by that",
            site->cloud);
    for (size_t i = 0; i < stack->site_count; i++)
        if (stack->sites[i] == site)
            stack->sites[i] = other;
    site->next = stack->replaced;
    stack->replaced = site;
    return other;
}

int stack_site(struct stack *stack, const char *cloud, const char *region, struct stack_site **ret,
               struct mir_error *err)
{
    if (!*cloud && stack_ready(stack, err))
        return -1;
    if (!*cloud)
        cloud = stack->cloud;
    pthread_mutex_lock(&stack->lock);
    struct stack_site *site = site_of(stack, cloud, region);
    int rc = 0;
    if (site)
        site = read_again(stack, site);
    else
        rc = add_site(stack, cloud, region, &site, err);
    pthread_mutex_unlock(&stack->lock);
    if (!rc)
        *ret = site;
    return rc;
}

/* --- what it is called --- */

int stack_project(struct stack *stack, struct stack_site *site, int64_t until_ms,
                  char ret[OS_ID_TEXT], struct mir_error *err)
{
    pthread_mutex_lock(&stack->lock);
    mir_copy(ret, OS_ID_TEXT, site->project);
    pthread_mutex_unlock(&stack->lock);
    if (*ret)
        return 0;
    os_auto_who struct os_who who = {.user_name = NULL};
    if (os_who_am_i(site->session, until_ms, &who, err))
        return -1;
    if (!*who.project_id) {
        mir_fail(err, MIR_CREDENTIALS, "the token of cloud %s is of no project",
                 site->described.name);
        return mir_error_hint(err, "name one: project_name in clouds.yaml, or OS_PROJECT_NAME");
    }
    mir_copy(ret, OS_ID_TEXT, who.project_id);
    pthread_mutex_lock(&stack->lock);
    mir_copy(site->project, sizeof site->project, who.project_id);
    pthread_mutex_unlock(&stack->lock);
    return 0;
}

int stack_region(struct stack *stack, struct stack_site *site, int64_t until_ms,
                 char ret[MIR_PLACE_TEXT], struct mir_error *err)
{
    char region[OS_REGION_TEXT];
    pthread_mutex_lock(&stack->lock);
    mir_copy(ret, MIR_PLACE_TEXT, site->region_is);
    pthread_mutex_unlock(&stack->lock);
    if (*ret)
        return 0;
    if (os_session_region(site->session, until_ms, region, err))
        return -1;
    if (mir_copy(ret, MIR_PLACE_TEXT, region))
        return mir_fail(err, MIR_USAGE, "the name of the region '%.60s' is longer than %d bytes",
                        region, MIR_PLACE_TEXT - 1);
    pthread_mutex_lock(&stack->lock);
    mir_copy(site->region_is, sizeof site->region_is, ret);
    pthread_mutex_unlock(&stack->lock);
    return 0;
}

int stack_site_name(struct stack *stack, struct stack_site *site, int64_t until_ms,
                    char ret[MIR_PLACE_NAME], struct mir_error *err)
{
    char project[OS_ID_TEXT], region[MIR_PLACE_TEXT];
    if (stack_project(stack, site, until_ms, project, err) ||
        stack_region(stack, site, until_ms, region, err))
        return -1;
    snprintf(ret, MIR_PLACE_NAME, "%s/%s", project, region);
    return 0;
}

int stack_place_name(void *ctx, const struct mir_place *place, char ret_name[MIR_PLACE_NAME],
                     struct mir_error *err)
{
    struct stack_site *site;
    return stack_site(ctx, place->cloud, place->region, &site, err) ||
                   stack_site_name(ctx, site, os_until(site->session, STACK_LOOK_MS), ret_name, err)
               ? -1
               : 0;
}

/* --- the way to a token's --- */

/* The same project and region under two names ("" and its own) is one. */
static bool same_place(struct stack *stack, const struct stack_site *a, const struct stack_site *b)
{
    pthread_mutex_lock(&stack->lock);
    const char *x = *a->region ? a->region : a->region_is;
    const char *y = *b->region ? b->region : b->region_is;
    bool same = a == b || (!strcmp(a->cloud, b->cloud) && *x && !strcmp(x, y));
    pthread_mutex_unlock(&stack->lock);
    return same;
}

size_t stack_add_site(struct stack *stack, struct stack_site *list[STACK_SITES_MAX], size_t count,
                      const char *cloud, const char *region, struct mir_error *first)
{
    struct stack_site *site;
    struct mir_error said = {0};
    if (count == STACK_SITES_MAX)
        return count;
    if (stack_site(stack, cloud, region, &site, &said)) {
        stack_keep_first(-1, &said, first);
        return count;
    }
    for (size_t i = 0; i < count; i++)
        if (same_place(stack, list[i], site))
            return count;
    list[count] = site;
    return count + 1;
}

static struct stack_seen *copy_seen(struct stack *stack, size_t *ret_count)
{
    pthread_mutex_lock(&stack->lock);
    size_t count = *ret_count = stack->seen_count;
    struct stack_seen *copy = mir_calloc(count + 1, sizeof *copy);
    if (count)
        memcpy(copy, stack->seen, count * sizeof *copy);
    pthread_mutex_unlock(&stack->lock);
    return copy;
}

size_t stack_known_sites(struct stack *stack, struct stack_site *ret[STACK_SITES_MAX],
                         struct mir_error *ret_first)
{
    size_t count = 0, seen_count;
    if (*stack->cloud)
        count = stack_add_site(stack, ret, count, "", "", ret_first);
    for (const char *p = stack->clouds; *p; p += strspn(p, " ,")) {
        char name[MIR_PLACE_TEXT];
        size_t len = strcspn(p, " ,");
        snprintf(name, sizeof name, "%.*s", (int)len, p);
        p += len;
        if (*name)
            count = stack_add_site(stack, ret, count, name, "", ret_first);
    }
    struct stack_seen *seen = copy_seen(stack, &seen_count);
    for (size_t i = 0; i < seen_count; i++)
        count = stack_add_site(stack, ret, count, seen[i].cloud, seen[i].region, ret_first);
    free(seen);
    return count;
}

/* Absent is only what every site has said so of, the usual one among them. */
static int everywhere(struct stack *stack, const char *token, stack_site_fn *fn,
                      struct mir_instance *ret, struct mir_error *err)
{
    struct stack_site *sites[STACK_SITES_MAX];
    struct mir_error first = {0};
    struct mir_instance found = {.state = MIR_INSTANCE_ABSENT};
    if (!*stack->cloud)
        (void)stack_ready(stack, &first);
    size_t count = stack_known_sites(stack, sites, &first);
    for (size_t i = 0; i < count && found.state == MIR_INSTANCE_ABSENT; i++) {
        struct mir_error said = {0};
        int64_t until_ms = os_until(sites[i]->session, STACK_LOOK_MS);
        stack_keep_first(fn(stack, sites[i], token, until_ms, &found, &said), &said, &first);
        if (found.state != MIR_INSTANCE_ABSENT)
            stack_remember(stack, token, sites[i]);
    }
    if (found.state == MIR_INSTANCE_ABSENT && first.kind != MIR_OK)
        return stack_said(&first, err);
    *ret = found;
    return 0;
}

int stack_site_of(struct stack *stack, const char *token, struct stack_site **ret,
                  struct mir_error *err)
{
    struct stack_seen seen = {.cloud = ""};
    struct mir_instance found;
    if (!stack_recall(stack, token, &seen) && stack_instance_get(stack, token, &found, err))
        return -1;
    (void)stack_recall(stack, token, &seen);
    return stack_site(stack, seen.cloud, seen.region, ret, err);
}

int stack_somewhere(struct stack *stack, const char *token, stack_site_fn *fn,
                    struct mir_instance *ret, struct mir_error *err)
{
    struct stack_seen seen;
    struct stack_site *site;
    if (!stack_recall(stack, token, &seen))
        return everywhere(stack, token, fn, ret, err);
    return stack_site(stack, seen.cloud, seen.region, &site, err) ||
                   fn(stack, site, token, os_until(site->session, STACK_LOOK_MS), ret, err)
               ? -1
               : 0;
}
