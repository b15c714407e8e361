/* SPDX-License-Identifier: ISC */
/* What there is of an upload: an image, and the snapshot behind it, each with the deployment's
 * tags. An image that another deployment of this installation has made is only borrowed. */
#include <string.h>

#include "api/memory.h"
#include "cloud.h"

struct uploaded {
    struct ec2_images images;
    struct ec2_snapshots snapshots;
};

static void uploaded_clear(struct uploaded *uploaded)
{
    ec2_images_clear(&uploaded->images);
    ec2_snapshots_clear(&uploaded->snapshots);
}
#define auto_uploaded MIR_CLEANUP(uploaded_clear)

static int find(struct ec2_session *session, const char *token, int64_t until_ms,
                struct uploaded *ret, struct mir_error *err)
{
    static const char *const self[] = {"self"};
    struct cloud_filter mine;
    cloud_by_token(&mine, token);
    const struct ec2_describe_images_args images = {
        .owners = self, .owner_count = 1, .filters = &mine.filter, .filter_count = 1};
    const struct ec2_describe_snapshots_args snapshots = {
        .owners = self, .owner_count = 1, .filters = &mine.filter, .filter_count = 1};
    return ec2_describe_images(session, &images, until_ms, &ret->images, err) ||
                   ec2_describe_snapshots(session, &snapshots, until_ms, &ret->snapshots, err)
               ? -1
               : 0;
}

static void read_image(const struct uploaded *uploaded, struct mir_instance *ret)
{
    *ret = (struct mir_instance){.kind = MIR_OBJECT_IMAGE, .state = MIR_INSTANCE_ABSENT};
    if (uploaded->images.count) {
        const struct ec2_image *row = &uploaded->images.rows[0];
        mir_copy(ret->id, sizeof ret->id, row->id);
        cloud_tags_read(row->tags, row->tag_count, &ret->tags);
    } else if (uploaded->snapshots.count) {
        const struct ec2_snapshot *row = &uploaded->snapshots.rows[0];
        mir_copy(ret->id, sizeof ret->id, row->id);
        cloud_tags_read(row->tags, row->tag_count, &ret->tags);
    } else {
        return;
    }
    ret->state = MIR_INSTANCE_RUNNING;
    for (size_t i = 0; i < uploaded->images.count; i++)
        cloud_add_object(ret, "image", uploaded->images.rows[i].id);
    for (size_t i = 0; i < uploaded->snapshots.count; i++)
        cloud_add_object(ret, "snapshot", uploaded->snapshots.rows[i].id);
}

/* --- in one region, or wherever it is --- */

typedef int region_fn(struct cloud *cloud, struct ec2_session *session, const char *token,
                      int64_t until_ms, struct mir_instance *ret, struct mir_error *err);

static int get_in(struct cloud *cloud, struct ec2_session *session, const char *token,
                  int64_t until_ms, struct mir_instance *ret, struct mir_error *err)
{
    auto_uploaded struct uploaded uploaded = {.images = {.rows = NULL}};
    (void)cloud;
    if (find(session, token, until_ms, &uploaded, err))
        return -1;
    read_image(&uploaded, ret);
    return 0;
}

static int gone_is_fine(int rc, const struct mir_error *said, struct mir_error *err)
{
    if (!rc || said->kind == MIR_NOT_FOUND || !strcmp(said->provider_code, "InvalidSnapshot.InUse"))
        return 0;
    if (err)
        *err = *said;
    return -1;
}

/* The images first: a snapshot that an image is made of cannot go. */
static int delete_in(struct cloud *cloud, struct ec2_session *session, const char *token,
                     int64_t until_ms, struct mir_instance *ret, struct mir_error *err)
{
    auto_uploaded struct uploaded uploaded = {.images = {.rows = NULL}};
    if (find(session, token, until_ms, &uploaded, err) || mir_fence_check(cloud->fence, err))
        return -1;
    read_image(&uploaded, ret);
    for (size_t i = 0; i < uploaded.images.count; i++) {
        const struct ec2_deregister args = {.id = uploaded.images.rows[i].id};
        struct mir_error said = {0};
        if (gone_is_fine(ec2_deregister_image(session, &args, until_ms, &said), &said, err))
            return -1;
    }
    for (size_t i = 0; i < uploaded.snapshots.count; i++) {
        const struct ec2_target args = {.id = uploaded.snapshots.rows[i].id};
        struct mir_error said = {0};
        if (gone_is_fine(ec2_delete_snapshot(session, &args, until_ms, &said), &said, err))
            return -1;
    }
    return 0;
}

static int everywhere(struct cloud *cloud, const char *token, int64_t until_ms, region_fn *fn,
                      struct mir_instance *ret, struct mir_error *err)
{
    struct ec2_regions regions = {.rows = NULL};
    struct mir_instance found = {.kind = MIR_OBJECT_IMAGE, .state = MIR_INSTANCE_ABSENT};
    int rc = cloud_all_regions(cloud, until_ms, &regions, err);
    for (size_t i = 0; !rc && found.state == MIR_INSTANCE_ABSENT && i < regions.count; i++) {
        struct ec2_session *session;
        rc = cloud_session(cloud, regions.rows[i].name, &session, err) ||
                     fn(cloud, session, token, until_ms, &found, err)
                 ? -1
                 : 0;
        if (!rc && found.state != MIR_INSTANCE_ABSENT)
            cloud_remember(cloud, token, regions.rows[i].name);
    }
    ec2_regions_clear(&regions);
    if (!rc)
        *ret = found;
    return rc;
}

static int somewhere(struct cloud *cloud, const char *token, region_fn *fn,
                     struct mir_instance *ret, struct mir_error *err)
{
    struct ec2_session *session;
    char region[MIR_PLACE_TEXT];
    if (cloud_session(cloud, "", &session, err))
        return -1;
    int64_t until_ms = ec2_until(session, CLOUD_LOOK_MS);
    cloud_recall(cloud, token, region);
    if (!*region)
        return everywhere(cloud, token, until_ms, fn, ret, err);
    return cloud_session(cloud, region, &session, err) ||
                   fn(cloud, session, token, until_ms, ret, err)
               ? -1
               : 0;
}

int cloud_image_get(void *ctx, const char *token, struct mir_instance *ret, struct mir_error *err)
{
    return somewhere(ctx, token, get_in, ret, err);
}

/* image_id may be another deployment's, which is borrowed: what is ours carries our token. */
int cloud_image_delete(void *ctx, const char *token, const char *image_id, struct mir_error *err)
{
    struct mir_instance found;
    (void)image_id;
    return somewhere(ctx, token, delete_in, &found, err);
}
