/* SPDX-License-Identifier: ISC */
/* The kinds of machines of a site. No table knows them, so the cloud says them, and its answer is
 * kept for a while. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "api/suggest.h"
#include "stack.h"

#define FRESH_MS (600 * (int64_t)1000)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)
#define NAMES_MAX 64 /* of those that are suggested */

/* One that cannot be named in a place is none that can be asked for. */
static bool usable(const struct os_flavor *row)
{
    return row->name && *row->name && !row->disabled && strlen(row->id) < OS_ID_TEXT &&
           !mir_type_check(row->name, NULL);
}

static int ask(struct stack *stack, struct stack_site *site, int64_t until_ms,
               struct mir_error *err)
{
    os_auto_flavors struct os_flavors found = {.rows = NULL};
    if (os_flavor_list(site->session, until_ms, &found, err))
        return -1;
    struct stack_flavor *rows = mir_calloc(found.count + 1, sizeof *rows);
    size_t count = 0;
    for (size_t i = 0; i < found.count; i++) {
        const struct os_flavor *row = &found.rows[i];
        if (!usable(row))
            continue;
        struct stack_flavor *flavor = &rows[count++];
        *flavor = (struct stack_flavor){
            .vcpus = row->vcpus, .ram_mib = row->ram_mib, .disk_gib = row->disk_gib};
        mir_copy(flavor->id, sizeof flavor->id, row->id);
        mir_copy(flavor->name, sizeof flavor->name, row->name);
    }
    pthread_mutex_lock(&stack->lock);
    free(site->flavors);
    site->flavors = rows;
    site->flavor_count = count;
    site->flavors_boot_ms = stack->clock->boot_ms(stack->clock->ctx);
    pthread_mutex_unlock(&stack->lock);
    return 0;
}

/* What is old is better than nothing. */
static int refresh(struct stack *stack, struct stack_site *site, int64_t until_ms,
                   struct mir_error *err)
{
    int64_t now_ms = stack->clock->boot_ms(stack->clock->ctx);
    pthread_mutex_lock(&stack->lock);
    int64_t asked_ms = site->flavors_boot_ms;
    pthread_mutex_unlock(&stack->lock);
    if (asked_ms && now_ms - asked_ms < FRESH_MS)
        return 0;
    if (!asked_ms)
        return ask(stack, site, until_ms, err);
    int64_t short_ms = os_until(site->session, MIR_QUOTE_LIMIT_MS);
    (void)ask(stack, site, short_ms < until_ms ? short_ms : until_ms, NULL);
    return 0;
}

/* --- one by its name --- */

static bool find_named(struct stack *stack, const struct stack_site *site, const char *name,
                       struct stack_flavor *ret)
{
    bool found = false;
    pthread_mutex_lock(&stack->lock);
    for (size_t i = 0; i < site->flavor_count && !found; i++) {
        found = !strcmp(site->flavors[i].name, name);
        if (found)
            *ret = site->flavors[i];
    }
    pthread_mutex_unlock(&stack->lock);
    return found;
}

static int no_such(struct stack *stack, const struct stack_site *site, const char *name,
                   struct mir_error *err)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    pthread_mutex_lock(&stack->lock);
    for (; count < site->flavor_count && count < NAMES_MAX; count++)
        names[count] = site->flavors[count].name;
    const char *near = mir_suggest(name, names, count);
    mir_fail(err, MIR_USAGE, "cloud %s has no flavor '%s'", site->cloud, name);
    mir_error_hint(err, "%s%s%s", near ? "did you mean " : "`openstack flavor list` shows them",
                   near ? near : "", near ? "?" : ", or leave --type away");
    pthread_mutex_unlock(&stack->lock);
    return -1;
}

int stack_flavor_named(struct stack *stack, struct stack_site *site, const char *name,
                       int64_t until_ms, struct stack_flavor *ret, struct mir_error *err)
{
    if (refresh(stack, site, until_ms, err))
        return -1;
    if (find_named(stack, site, name, ret))
        return 0;
    /* It may be new. */
    if (ask(stack, site, until_ms, err))
        return -1;
    return find_named(stack, site, name, ret) ? 0 : no_such(stack, site, name, err);
}

/* --- the smallest that does --- */

/* Memory first: it is what clouds ask money for. The name at last, so that it is the same again. */
static bool smaller(const struct stack_flavor *a, const struct stack_flavor *b)
{
    if (a->ram_mib != b->ram_mib)
        return a->ram_mib < b->ram_mib;
    if (a->vcpus != b->vcpus)
        return a->vcpus < b->vcpus;
    if (a->disk_gib != b->disk_gib)
        return a->disk_gib < b->disk_gib;
    return strcmp(a->name, b->name) < 0;
}

/* A server that boots from an image needs a flavor with a disk: Nova refuses any other. */
static bool does(const struct stack_flavor *row, uint64_t memory_bytes, uint64_t disk_bytes)
{
    return row->disk_gib > 0 && row->ram_mib > 0 && (uint64_t)row->ram_mib * MIB >= memory_bytes &&
           (uint64_t)row->disk_gib * GIB >= disk_bytes;
}

int stack_flavor_for(struct stack *stack, struct stack_site *site, uint64_t memory_bytes,
                     uint64_t disk_bytes, int64_t until_ms, struct stack_flavor *ret,
                     struct mir_error *err)
{
    if (refresh(stack, site, until_ms, err))
        return -1;
    const struct stack_flavor *best = NULL;
    pthread_mutex_lock(&stack->lock);
    size_t count = site->flavor_count;
    for (size_t i = 0; i < count; i++) {
        const struct stack_flavor *row = &site->flavors[i];
        if (does(row, memory_bytes, disk_bytes) && (!best || smaller(row, best)))
            best = row;
    }
    if (best)
        *ret = *best;
    pthread_mutex_unlock(&stack->lock);
    if (best)
        return 0;
    mir_fail(err, MIR_POLICY,
             "none of the %zu flavors of cloud %s has %u MiB of memory and a disk of %u GiB", count,
             site->cloud, (unsigned)((memory_bytes + MIB - 1) / MIB),
             (unsigned)((disk_bytes + GIB - 1) / GIB ? (disk_bytes + GIB - 1) / GIB : 1));
    return mir_error_hint(err, "servers start from images here, for which Nova wants a flavor "
                               "with a disk; ask the cloud's operator for one");
}

/* --- prices --- */

bool stack_price_of(const char *prices, const char *flavor, int64_t *ret_micro)
{
    for (const char *p = prices; p && *p; p += strspn(p, ", ")) {
        size_t len = strcspn(p, ",");
        mir_auto_free char *one = mir_format("%.*s", (int)len, p);
        char *amount = strchr(one, '=');
        p += len;
        if (!amount)
            continue;
        *amount++ = '\0';
        if (!strcmp(one, flavor))
            return !mir_money_parse(amount, ret_micro, NULL);
    }
    return false;
}
