/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/memory.h"
#include "scale.h"

#define TICK_US 1000 /* the engine reads two clocks, each in whole milliseconds */

static struct scale_cloud *the_cloud; /* what open gives: one cloud in a process */

int64_t scale_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static uint64_t mixed(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

void scale_id(unsigned number, char out[MIR_ID_TEXT])
{
    snprintf(out, MIR_ID_TEXT, "%016llx%08x%08x", (unsigned long long)mixed(number + 1u), 0u,
             number);
}

/* The lease's number; count when there is none of that id. */
static unsigned number_of(const struct scale_cloud *cloud, const char *id)
{
    char wanted[MIR_ID_TEXT];
    if (strlen(id) != MIR_ID_TEXT - 1)
        return cloud->count;
    unsigned long number = strtoul(id + 24, NULL, 16);
    if (number >= cloud->count)
        return cloud->count;
    scale_id((unsigned)number, wanted);
    return strcmp(wanted, id) ? cloud->count : (unsigned)number;
}

void scale_cloud_init(struct scale_cloud *cloud, unsigned count, bool noting)
{
    *cloud = (struct scale_cloud){.count = count};
    cloud->alive = mir_calloc(count, sizeof *cloud->alive);
    cloud->ended = noting ? mir_calloc(count, sizeof *cloud->ended) : NULL;
    for (unsigned i = 0; i < count; i++)
        atomic_store_explicit(&cloud->alive[i], 1, memory_order_relaxed);
    the_cloud = cloud;
}

void scale_cloud_clear(struct scale_cloud *cloud)
{
    free(cloud->alive);
    free(cloud->ended);
}

static void fill_in(const struct scale_cloud *cloud, unsigned number, struct mir_instance *ret)
{
    scale_id(number, ret->tags.deployment);
    mir_copy(ret->id, sizeof ret->id, ret->tags.deployment);
    ret->state = MIR_INSTANCE_RUNNING;
    mir_copy(ret->tags.installation, sizeof ret->tags.installation, cloud->identity.installation);
    mir_tags_sign(&ret->tags, cloud->identity.tag_key);
}

static int open_it(const struct mir_provider_env *env, void **ret_ctx, struct mir_error *err)
{
    *ret_ctx = the_cloud;
    return 0;
}

static void close_it(void *ctx)
{
}

static void check(void *ctx, struct mir_check *checks, size_t max, size_t *ret_count)
{
    *ret_count = 0;
}

static int admit(void *ctx, const struct mir_instance_spec *spec, struct mir_error *err)
{
    return 0;
}

static int create(void *ctx, const struct mir_instance_spec *spec, struct mir_instance *ret,
                  struct mir_error *err)
{
    return mir_fail(err, MIR_POLICY, "nothing is created here");
}

static int get(void *ctx, const char *token, struct mir_instance *ret, struct mir_error *err)
{
    struct scale_cloud *cloud = ctx;
    unsigned number = number_of(cloud, token);
    atomic_fetch_add(&cloud->gets, 1);
    *ret = (struct mir_instance){.state = MIR_INSTANCE_ABSENT};
    if (number < cloud->count && atomic_load(&cloud->alive[number]))
        fill_in(cloud, number, ret);
    return 0;
}

static int delete (void *ctx, const char *token, struct mir_error *err)
{
    struct scale_cloud *cloud = ctx;
    unsigned number = number_of(cloud, token);
    int64_t now_us = scale_now_us(), none = 0;
    atomic_fetch_add(&cloud->deletes, 1);
    if (number >= cloud->count) {
        atomic_fetch_add(&cloud->unknown, 1);
        return 0;
    }
    if (!cloud->deadline_us || now_us < cloud->deadline_us - TICK_US)
        atomic_fetch_add(&cloud->early, 1);
    if (cloud->ended)
        atomic_compare_exchange_strong(&cloud->ended[number], &none, now_us);
    if (cloud->hang_each && number % cloud->hang_each == 0)
        while (!atomic_load(&cloud->released))
            usleep(10000);
    atomic_store(&cloud->alive[number], 0);
    return 0;
}

static int console(void *ctx, const char *token, uint64_t offset, struct mir_buf *out,
                   uint64_t *ret_next, struct mir_error *err)
{
    *ret_next = offset;
    return 0;
}

static int hooks(void *ctx, const struct mir_lease *lease, struct mir_hook *ret, size_t max,
                 size_t *ret_count, struct mir_error *err)
{
    *ret_count = 0;
    return 0;
}

static int sweep(void *ctx, mir_instance_fn *fn, void *fn_ctx, struct mir_error *err)
{
    struct scale_cloud *cloud = ctx;
    struct mir_instance found = {0};
    for (unsigned i = 0; i < cloud->count; i++) {
        if (!atomic_load_explicit(&cloud->alive[i], memory_order_relaxed))
            continue;
        fill_in(cloud, i, &found);
        if (fn(fn_ctx, &found))
            return 0;
    }
    atomic_fetch_add(&cloud->sweeps, 1);
    return 0;
}

/* poll_ms 0: the sweep's listing, once a minute, is all that watches. */
const struct mir_provider scale_provider = {.name = "scale",
                                            .title = "in this process",
                                            .open = open_it,
                                            .close = close_it,
                                            .check = check,
                                            .admit = admit,
                                            .instance_create = create,
                                            .instance_get = get,
                                            .instance_delete = delete,
                                            .instance_console = console,
                                            .hooks_arm = hooks,
                                            .sweep = sweep};
