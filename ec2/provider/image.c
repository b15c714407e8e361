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

static int find(const struct cloud *cloud, struct ec2_session *session, const char *token,
                int64_t until_ms, struct uploaded *ret, struct mir_error *err)
{
    static const char *const self[] = {"self"};
    struct cloud_filter mine;
    cloud_by_token(&mine, cloud, token);
    const struct ec2_describe_images_args images = {
        .owners = self, .owner_count = 1, .filters = mine.rows, .filter_count = mine.count};
    const struct ec2_describe_snapshots_args snapshots = {
        .owners = self, .owner_count = 1, .filters = mine.rows, .filter_count = mine.count};
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

/* --- in one region --- */

int cloud_image_look(struct cloud *cloud, struct ec2_session *session, const char *token,
                     int64_t until_ms, struct mir_instance *ret, struct mir_error *err)
{
    auto_uploaded struct uploaded uploaded = {.images = {.rows = NULL}};
    if (find(cloud, session, token, until_ms, &uploaded, err))
        return -1;
    read_image(&uploaded, ret);
    return 0;
}

static int gone_or_going(int rc, const struct mir_error *said, struct mir_error *err)
{
    /* A snapshot whose image is just going is a matter of time. */
    return rc && !strcmp(said->provider_code, "InvalidSnapshot.InUse") ? 0
                                                                       : cloud_gone(rc, said, err);
}

/* The images first: a snapshot that an image is made of cannot go. */
static int delete_in(struct cloud *cloud, struct ec2_session *session, const char *token,
                     int64_t until_ms, struct mir_instance *ret, struct mir_error *err)
{
    auto_uploaded struct uploaded uploaded = {.images = {.rows = NULL}};
    if (find(cloud, session, token, until_ms, &uploaded, err) || mir_fence_check(cloud->fence, err))
        return -1;
    read_image(&uploaded, ret);
    for (size_t i = 0; i < uploaded.images.count; i++) {
        const struct ec2_deregister args = {.id = uploaded.images.rows[i].id};
        struct mir_error said = {0};
        if (gone_or_going(ec2_deregister_image(session, &args, until_ms, &said), &said, err))
            return -1;
    }
    for (size_t i = 0; i < uploaded.snapshots.count; i++) {
        const struct ec2_target args = {.id = uploaded.snapshots.rows[i].id};
        struct mir_error said = {0};
        if (gone_or_going(ec2_delete_snapshot(session, &args, until_ms, &said), &said, err))
            return -1;
    }
    return 0;
}

int cloud_image_get(void *ctx, const char *token, struct mir_instance *ret, struct mir_error *err)
{
    return cloud_somewhere(ctx, token, cloud_image_look, ret, err);
}

/* image_id may be another deployment's, which is borrowed: what is ours carries our token. */
int cloud_image_delete(void *ctx, const char *token, const char *image_id, struct mir_error *err)
{
    struct mir_instance found;
    (void)image_id;
    return cloud_somewhere(ctx, token, delete_in, &found, err);
}
