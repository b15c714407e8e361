/* SPDX-License-Identifier: ISC */
/* The upload: the kernel's disk goes into a snapshot, or as a bundle into the bucket, and either is
 * registered as an image. What is there already is gone on with: an image of the same disk that
 * this installation has is borrowed, a snapshot that is whole is registered, and one that was left
 * in the middle is deleted and made again. */
#include <string.h>

#include "api/memory.h"
#include "put.h"

#define PUT_MS 600000
#define BORROW_S 900 /* an image has to be its owner's for so long at least */

/* --- what is there already --- */

/* Somebody else's deadline must not come between this and the launch; and not every machine starts
 * every kind of root. */
static bool may_borrow(const struct put *put, const struct ec2_image *row)
{
    struct mir_tags tags;
    const struct mir_clock *clock = put->cloud->clock;
    cloud_tags_read(row->tags, row->tag_count, &tags);
    return !strcmp(row->state, "available") &&
           !strcmp(row->root_device_type, cloud_way_root(put->cloud)) &&
           !strcmp(tags.installation, put->spec->tags.installation) &&
           tags.expires_s >= mir_now_s(clock) + BORROW_S;
}

static int find_image(struct put *put, struct mir_error *err)
{
    static const char *const self[] = {"self"};
    const char *disk[] = {put->disk};
    const struct ec2_filter filter = {.name = "tag:" TAG_DISK, .values = disk, .value_count = 1};
    const struct ec2_describe_images_args args = {
        .owners = self, .owner_count = 1, .filters = &filter, .filter_count = 1};
    struct ec2_images found = {.rows = NULL};
    if (ec2_describe_images(put->session, &args, put->until_ms, &found, err))
        return -1;
    const struct ec2_image *best = NULL;
    for (size_t i = 0; i < found.count; i++) {
        const struct ec2_image *row = &found.rows[i];
        const char *token = ec2_tag_value(row->tags, row->tag_count, TAG_DEPLOYMENT);
        bool own = token && !strcmp(token, put->spec->tags.deployment);
        if (own || (!best && may_borrow(put, row)))
            best = row;
        if (own)
            break;
    }
    if (best)
        mir_copy(put->image, sizeof put->image, best->id);
    ec2_images_clear(&found);
    return 0;
}

int cloud_put_remove_snapshot(struct put *put, const char *id, struct mir_error *err)
{
    const struct ec2_target target = {.id = id};
    struct mir_error said = {0};
    int rc = ec2_delete_snapshot(put->session, &target, put->until_ms, &said);
    return cloud_gone(rc, &said, err);
}

/* A snapshot under our token: whole, or to be made again. */
static int find_snapshot(struct put *put, struct mir_error *err)
{
    static const char *const self[] = {"self"};
    struct cloud_filter mine;
    struct ec2_snapshots found = {.rows = NULL};
    cloud_by_token(&mine, put->cloud, put->spec->tags.deployment);
    const struct ec2_describe_snapshots_args args = {
        .owners = self, .owner_count = 1, .filters = mine.rows, .filter_count = mine.count};
    if (ec2_describe_snapshots(put->session, &args, put->until_ms, &found, err))
        return -1;
    int rc = 0;
    for (size_t i = 0; !rc && i < found.count; i++) {
        const struct ec2_snapshot *row = &found.rows[i];
        bool whole = ec2_tag_value(row->tags, row->tag_count, TAG_WHOLE) != NULL;
        if (whole && strcmp(row->state, "error") != 0)
            mir_copy(put->snapshot, sizeof put->snapshot, row->id);
        else
            rc = cloud_put_remove_snapshot(put, row->id, err);
    }
    ec2_snapshots_clear(&found);
    return rc;
}

/* --- all of it --- */

static int choose(struct put *put, struct mir_error *err)
{
    const struct mir_instance_spec *spec = put->spec;
    if (cloud_needs(spec, &put->machine, &put->needs, err) ||
        cloud_way_starts(put->cloud, &put->machine, err))
        return -1;
    put->pv = put->needs.layout == MIR_LAYOUT_PVGRUB;
    /* PV-GRUB and its kernel are of one kind; anything else is started by the machine's. */
    put->arch = put->pv && spec->kernel->arch == MIR_ARCH_I386 ? MIR_ARCH_I386 : put->machine.arch;
    /* A bundle is what stands in a partition, and the machine makes that. */
    if (put->pv && put->cloud->way == CLOUD_BY_BUNDLE)
        put->needs.layout = MIR_LAYOUT_PVGRUB_BARE;
    mir_disk_name(spec, &put->needs, put->disk);
    cloud_tags_fill(&put->tags, &spec->tags, spec->name);
    cloud_tags_add(&put->tags, TAG_DISK, put->disk);
    return 0;
}

static int make_snapshot(struct put *put, struct mir_error *err)
{
    if (find_snapshot(put, err))
        return -1;
    if (!*put->snapshot && (put->cloud->way == CLOUD_BY_IMPORT ? cloud_put_import(put, err)
                                                               : cloud_put_direct(put, err)))
        return -1;
    return cloud_put_wait_snapshot(put, err);
}

static int make_image(struct put *put, struct mir_error *err)
{
    bool bundle = put->cloud->way == CLOUD_BY_BUNDLE;
    if (!put->cloud->imager)
        return mir_fail(err, MIR_INTERNAL, "there is nobody who makes images here");
    return cloud_put_kernel(put, err) ||
                   (bundle ? cloud_put_bundle(put, err) : make_snapshot(put, err)) ||
                   cloud_put_register(put, err)
               ? -1
               : 0;
}

int cloud_image_put(void *ctx, const struct mir_instance_spec *spec, char ret_id[MIR_INSTANCE_ID],
                    struct mir_error *err)
{
    struct put put = {.cloud = ctx, .spec = spec};
    if (choose(&put, err) || cloud_session(put.cloud, spec->place.region, &put.session, err))
        return -1;
    cloud_remember(put.cloud, spec->tags.deployment, spec->place.region);
    put.until_ms =
        ec2_until(put.session, mir_prov_create_limit_ms(spec->lease, put.cloud->clock, PUT_MS));
    if (find_image(&put, err) || (!*put.image && make_image(&put, err)) ||
        cloud_put_wait_image(&put, err)) {
        /* Whatever was refused last, something may be there, and is found by its token. */
        if (err && (put.began || *put.snapshot || *put.image) && err->outcome == MIR_DID_NOT_HAPPEN)
            err->outcome = MIR_OUTCOME_UNKNOWN;
        return -1;
    }
    mir_copy(ret_id, MIR_INSTANCE_ID, put.image);
    return 0;
}
