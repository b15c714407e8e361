/* SPDX-License-Identifier: ISC */
/* What there is of an upload: an image, and the snapshot behind it, each with the deployment's
 * tags; and what has gone through the bucket. An image that another deployment of this installation
 * has made is only borrowed. */
#include <string.h>

#include "api/memory.h"
#include "cloud.h"

struct uploaded {
    struct ec2_images images;
    struct ec2_snapshots snapshots;
    struct cloud_imports imports;
};

static void uploaded_clear(struct uploaded *uploaded)
{
    ec2_images_clear(&uploaded->images);
    ec2_snapshots_clear(&uploaded->snapshots);
    cloud_imports_clear(&uploaded->imports);
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
                   ec2_describe_snapshots(session, &snapshots, until_ms, &ret->snapshots, err) ||
                   cloud_imports_find(cloud, session, token, until_ms, &ret->imports, err)
               ? -1
               : 0;
}

/* The first of them names the image: whoever can be asked for the newest tags comes first. */
static void add(void *ctx, const char *kind, const char *id, const struct mir_tags *tags)
{
    struct mir_instance *image = ctx;
    if (image->state == MIR_INSTANCE_ABSENT) {
        mir_copy(image->id, sizeof image->id, id);
        image->tags = *tags;
        image->state = MIR_INSTANCE_RUNNING;
    }
    cloud_add_object(image, kind, id);
}

static void read_image(const struct cloud *cloud, const struct uploaded *uploaded,
                       struct mir_instance *ret)
{
    struct mir_tags tags;
    *ret = (struct mir_instance){.kind = MIR_OBJECT_IMAGE, .state = MIR_INSTANCE_ABSENT};
    for (size_t i = 0; i < uploaded->images.count; i++) {
        const struct ec2_image *row = &uploaded->images.rows[i];
        cloud_tags_read(row->tags, row->tag_count, &tags);
        if (cloud_is_signed(cloud, &tags))
            add(ret, "image", row->id, &tags);
    }
    for (size_t i = 0; i < uploaded->snapshots.count; i++) {
        const struct ec2_snapshot *row = &uploaded->snapshots.rows[i];
        cloud_tags_read(row->tags, row->tag_count, &tags);
        if (cloud_is_signed(cloud, &tags))
            add(ret, "snapshot", row->id, &tags);
    }
    cloud_imports_each(&uploaded->imports, add, ret);
}

/* --- in one region --- */

int cloud_image_look(struct cloud *cloud, struct ec2_session *session, const char *token,
                     int64_t until_ms, struct mir_instance *ret, struct mir_error *err)
{
    auto_uploaded struct uploaded uploaded = {.images = {.rows = NULL}};
    if (find(cloud, session, token, until_ms, &uploaded, err))
        return -1;
    read_image(cloud, &uploaded, ret);
    return 0;
}

/* A snapshot whose image is just going is a matter of time. */
static void end(int rc, struct mir_error *said, struct mir_error *first)
{
    if (rc && said->kind != MIR_NOT_FOUND && strcmp(said->provider_code, "InvalidSnapshot.InUse"))
        cloud_keep_first(rc, said, first);
    *said = (struct mir_error){0};
}

/* The images first: a snapshot that an image is made of cannot go. */
static int delete_in(struct cloud *cloud, struct ec2_session *session, const char *token,
                     int64_t until_ms, struct mir_instance *ret, struct mir_error *err)
{
    auto_uploaded struct uploaded uploaded = {.images = {.rows = NULL}};
    if (find(cloud, session, token, until_ms, &uploaded, err) || mir_fence_check(cloud->fence, err))
        return -1;
    read_image(cloud, &uploaded, ret);
    struct mir_error first = {0}, said = {0};
    for (size_t i = 0; i < uploaded.images.count; i++) {
        const struct ec2_image *row = &uploaded.images.rows[i];
        const struct ec2_deregister args = {.id = row->id};
        if (cloud_has_signed(cloud, row->tags, row->tag_count))
            end(ec2_deregister_image(session, &args, until_ms, &said), &said, &first);
    }
    for (size_t i = 0; i < uploaded.snapshots.count; i++) {
        const struct ec2_snapshot *row = &uploaded.snapshots.rows[i];
        const struct ec2_target args = {.id = row->id};
        if (cloud_has_signed(cloud, row->tags, row->tag_count))
            end(ec2_delete_snapshot(session, &args, until_ms, &said), &said, &first);
    }
    int rc = cloud_imports_end(cloud, session, &uploaded.imports, until_ms, &said);
    cloud_keep_first(rc, &said, &first);
    return first.kind == MIR_OK ? 0 : cloud_said(&first, err);
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
