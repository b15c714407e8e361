/* SPDX-License-Identifier: ISC */
/* Everything that carries tags of ours: region by region, in the regions where something was seen,
 * and from time to time (and at the start) in all of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "cloud.h"

#define SWEEP_MS 25000
#define WHOLE_EVERY_MS (3600 * (int64_t)1000)

struct sweep {
    struct cloud *cloud;
    mir_instance_fn *fn;
    void *fn_ctx;
    int64_t until_ms;
    bool stop; /* fn has said so */
    struct cloud_swept seen;
    /* What stands in the listing of instances already, and what is left over. */
    struct mir_instance *rows; /* owned */
    size_t count;
};

/* One row for all of a deployment, which what we have signed speaks for. */
static struct mir_instance *row_of(struct sweep *sweep, enum mir_object_kind kind,
                                   const struct mir_tags *tags)
{
    for (size_t i = 0; i < sweep->count; i++)
        if (sweep->rows[i].kind == kind &&
            !strcmp(sweep->rows[i].tags.deployment, tags->deployment)) {
            if (!cloud_is_signed(sweep->cloud, &sweep->rows[i].tags))
                sweep->rows[i].tags = *tags;
            return &sweep->rows[i];
        }
    sweep->rows = mir_realloc(sweep->rows, sweep->count + 1, sizeof *sweep->rows);
    struct mir_instance *row = &sweep->rows[sweep->count++];
    *row = (struct mir_instance){.kind = kind, .tags = *tags};
    return row;
}

/* --- instances --- */

static int list_instances(struct sweep *sweep, struct ec2_session *session, struct mir_error *err)
{
    struct cloud_filter ours;
    struct ec2_instances found = {.rows = NULL};
    cloud_by_us(&ours);
    const struct ec2_describe args = {.filters = ours.rows, .filter_count = ours.count};
    if (ec2_describe_instances(session, &args, sweep->until_ms, &found, err))
        return -1;
    for (size_t i = 0; i < found.count; i++) {
        struct mir_instance one;
        if (cloud_over(&found.rows[i]))
            continue;
        cloud_instance_read(&found.rows[i], &one);
        if (*one.tags.deployment)
            *row_of(sweep, MIR_OBJECT_INSTANCE, &one.tags) = one;
    }
    ec2_instances_clear(&found);
    return 0;
}

/* --- what is left of instances that are over --- */

static void add_left(struct sweep *sweep, const char *kind, const char *id,
                     const struct ec2_found_tag *found, size_t count)
{
    struct mir_tags tags;
    cloud_tags_read(found, count, &tags);
    if (!*tags.deployment)
        return;
    struct mir_instance *row = row_of(sweep, MIR_OBJECT_INSTANCE, &tags);
    if (!*row->id) { /* no instance has it */
        mir_copy(row->id, sizeof row->id, id);
        row->state = MIR_INSTANCE_ENDED;
        mir_copy(row->end_reason, sizeof row->end_reason, "its instance is gone");
    }
    cloud_add_object(row, kind, id);
}

static int list_things(struct sweep *sweep, struct ec2_session *session, struct mir_error *err)
{
    struct cloud_filter ours;
    auto_things struct cloud_things t = {.volumes = {.rows = NULL}};
    cloud_by_us(&ours);
    if (cloud_things_find(session, &ours, sweep->until_ms, &t, err))
        return -1;
    for (size_t i = 0; i < t.volumes.count; i++)
        add_left(sweep, "volume", t.volumes.rows[i].id, t.volumes.rows[i].tags,
                 t.volumes.rows[i].tag_count);
    for (size_t i = 0; i < t.nics.count; i++)
        add_left(sweep, "interface", t.nics.rows[i].id, t.nics.rows[i].tags,
                 t.nics.rows[i].tag_count);
    for (size_t i = 0; i < t.groups.count; i++)
        add_left(sweep, "security-group", t.groups.rows[i].id, t.groups.rows[i].tags,
                 t.groups.rows[i].tag_count);
    for (size_t i = 0; i < t.addresses.count; i++)
        add_left(sweep, "address", t.addresses.rows[i].allocation_id, t.addresses.rows[i].tags,
                 t.addresses.rows[i].tag_count);
    return 0;
}

/* --- images --- */

static void add_image(void *ctx, const char *kind, const char *id, const struct mir_tags *tags)
{
    struct sweep *sweep = ctx;
    if (!*tags->deployment)
        return;
    struct mir_instance *row = row_of(sweep, MIR_OBJECT_IMAGE, tags);
    if (!*row->id) {
        mir_copy(row->id, sizeof row->id, id);
        row->state = MIR_INSTANCE_RUNNING;
    }
    cloud_add_object(row, kind, id);
}

static void add_tagged(struct sweep *sweep, const char *kind, const char *id,
                       const struct ec2_found_tag *found, size_t count)
{
    struct mir_tags tags;
    cloud_tags_read(found, count, &tags);
    add_image(sweep, kind, id, &tags);
}

static int list_images(struct sweep *sweep, struct ec2_session *session, struct mir_error *err)
{
    static const char *const self[] = {"self"};
    struct cloud_filter ours;
    struct ec2_images images = {.rows = NULL};
    struct ec2_snapshots snapshots = {.rows = NULL};
    cloud_by_us(&ours);
    const struct ec2_describe_images_args a = {
        .owners = self, .owner_count = 1, .filters = ours.rows, .filter_count = ours.count};
    const struct ec2_describe_snapshots_args b = {
        .owners = self, .owner_count = 1, .filters = ours.rows, .filter_count = ours.count};
    int rc = ec2_describe_images(session, &a, sweep->until_ms, &images, err) ||
                     ec2_describe_snapshots(session, &b, sweep->until_ms, &snapshots, err)
                 ? -1
                 : 0;
    for (size_t i = 0; !rc && i < images.count; i++)
        add_tagged(sweep, "image", images.rows[i].id, images.rows[i].tags,
                   images.rows[i].tag_count);
    for (size_t i = 0; !rc && i < snapshots.count; i++)
        add_tagged(sweep, "snapshot", snapshots.rows[i].id, snapshots.rows[i].tags,
                   snapshots.rows[i].tag_count);
    ec2_images_clear(&images);
    ec2_snapshots_clear(&snapshots);
    return rc;
}

/* Last: an image's own tags go before those that its object was put with. */
static int list_imports(struct sweep *sweep, struct ec2_session *session, struct mir_error *err)
{
    auto_imports struct cloud_imports found = {.objects = {.rows = NULL}};
    if (cloud_imports_find(sweep->cloud, session, NULL, sweep->until_ms, &found, err))
        return -1;
    cloud_imports_each(&found, add_image, sweep);
    return 0;
}

/* --- a region, all regions --- */

static void note_instance(struct sweep *sweep, const char *region, const struct mir_instance *row)
{
    bool runs = row->state == MIR_INSTANCE_STARTING || row->state == MIR_INSTANCE_RUNNING;
    if (row->kind != MIR_OBJECT_INSTANCE || !runs || *sweep->seen.instance ||
        strcmp(row->tags.installation, sweep->cloud->installation) != 0)
        return;
    mir_copy(sweep->seen.instance, sizeof sweep->seen.instance, row->id);
    mir_copy(sweep->seen.region, sizeof sweep->seen.region, region);
}

static void note_region(struct sweep *sweep, const char *region)
{
    size_t len = strlen(sweep->seen.regions);
    snprintf(sweep->seen.regions + len, sizeof sweep->seen.regions - len, "%s%s", len ? " " : "",
             region);
}

static int sweep_region(struct sweep *sweep, const char *region, struct mir_error *err)
{
    struct ec2_session *session;
    sweep->count = 0;
    if (cloud_session(sweep->cloud, region, &session, err) || list_instances(sweep, session, err) ||
        list_things(sweep, session, err) || list_images(sweep, session, err) ||
        list_imports(sweep, session, err))
        return mir_error_wrap(err, "region %s", region);
    for (size_t i = 0; i < sweep->count && !sweep->stop; i++) {
        cloud_remember(sweep->cloud, sweep->rows[i].tags.deployment, region);
        note_instance(sweep, region, &sweep->rows[i]);
        sweep->stop = sweep->fn(sweep->fn_ctx, &sweep->rows[i]) != 0;
    }
    return 0;
}

static int sweep_known(struct sweep *sweep, struct mir_error *err)
{
    char regions[CLOUD_REGIONS_MAX][MIR_PLACE_TEXT];
    size_t count = cloud_known_regions(sweep->cloud, regions);
    for (size_t i = 0; i < count && !sweep->stop; i++)
        if (sweep_region(sweep, regions[i], err))
            return -1;
    return 0;
}

static int sweep_all(struct sweep *sweep, int64_t now_ms, struct mir_error *err)
{
    struct ec2_regions regions = {.rows = NULL};
    int rc = cloud_all_regions(sweep->cloud, sweep->until_ms, &regions, err);
    for (size_t i = 0; !rc && i < regions.count && !sweep->stop; i++)
        if (!(rc = sweep_region(sweep, regions.rows[i].name, err)))
            note_region(sweep, regions.rows[i].name);
    ec2_regions_clear(&regions);
    if (rc)
        return -1;
    if (sweep->stop)
        sweep->seen.regions[0] = '\0';
    pthread_mutex_lock(&sweep->cloud->lock);
    sweep->cloud->whole_boot_ms = now_ms;
    sweep->cloud->swept = sweep->seen;
    pthread_mutex_unlock(&sweep->cloud->lock);
    return 0;
}

/* Where nobody has ever said anything about AWS there is nothing to be listed. */
int cloud_sweep(void *ctx, mir_instance_fn *fn, void *fn_ctx, struct mir_error *err)
{
    struct sweep sweep = {.cloud = ctx, .fn = fn, .fn_ctx = fn_ctx};
    struct ec2_session *session;
    if (!sweep.cloud->configured)
        return 0;
    if (cloud_session(sweep.cloud, "", &session, err))
        return -1;
    const struct mir_clock *clock = sweep.cloud->clock;
    int64_t now_ms = clock->boot_ms(clock->ctx);
    sweep.until_ms = ec2_until(session, SWEEP_MS);
    pthread_mutex_lock(&sweep.cloud->lock);
    int64_t whole_ms = sweep.cloud->whole_boot_ms;
    pthread_mutex_unlock(&sweep.cloud->lock);
    bool whole = !whole_ms || now_ms - whole_ms >= WHOLE_EVERY_MS;
    int rc = whole ? sweep_all(&sweep, now_ms, err) : sweep_known(&sweep, err);
    free(sweep.rows);
    return rc;
}

int cloud_sweep_place(void *ctx, const struct mir_place *place, mir_instance_fn *fn, void *fn_ctx,
                      struct mir_error *err)
{
    struct sweep sweep = {.cloud = ctx, .fn = fn, .fn_ctx = fn_ctx};
    struct ec2_session *session;
    if (cloud_session(sweep.cloud, place->region, &session, err))
        return -1;
    sweep.until_ms = ec2_until(session, SWEEP_MS);
    int rc = sweep_region(&sweep, place->region, err);
    free(sweep.rows);
    return rc;
}
