/* SPDX-License-Identifier: ISC */
/* EBS direct: the disk goes block by block into a snapshot; only what differs, where one that is
 * much like it is there. */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "ec2/upload.h"
#include "put.h"

#define TIMEOUT_MIN 60 /* after which EC2 gives an unfinished snapshot up */
#define GIB ((uint64_t)1 << 30)

struct reading {
    const struct mir_imager *imager;
    struct mir_disk *disk;
};

static int next_piece(void *ctx, struct ec2_piece *ret, struct mir_error *err)
{
    struct reading *reading = ctx;
    struct mir_disk_range range;
    if (reading->imager->next(reading->disk, &range, err))
        return -1;
    *ret = (struct ec2_piece){.offset = range.at, .data = range.data, .len = (size_t)range.len};
    return 0;
}

static bool shut_out(void *ctx)
{
    const struct put *put = ctx;
    return mir_fence_check(put->cloud->fence, NULL) != 0;
}

/* --- on top of what --- */

struct direct {
    int64_t volume_gib;
    char parent[EC2_ID_TEXT]; /* "" none */
    struct ec2_content has;   /* what is in it; owned */
};

static void forget_parent(struct put *put, struct direct *direct)
{
    if (*direct->parent)
        cloud_known_drop(&put->cloud->known, direct->parent);
    *direct->parent = 0;
    ec2_content_clear(&direct->has);
}

static int64_t gib_of(uint64_t disk_bytes)
{
    return (int64_t)((disk_bytes + GIB - 1) / GIB);
}

static int open_disk(const struct put *put, struct reading *ret, uint64_t *ret_bytes,
                     struct mir_error *err)
{
    ret->imager = put->cloud->imager;
    return ret->imager->open(ret->imager->ctx, put->spec, &put->needs, PUT_IMAGER_MS, &ret->disk,
                             ret_bytes, err);
}

/* Where nothing is known the disk is made once; else first to see what is on it. */
static int choose_parent(struct put *put, struct direct *direct, struct mir_error *err)
{
    struct cloud_known *known = &put->cloud->known;
    struct reading reading;
    const struct ec2_upload_source source = {.next = next_piece, .ctx = &reading};
    ec2_auto_content struct ec2_content wanted = {0};
    uint64_t disk_bytes;
    if (!cloud_known_any(known, put->session))
        return 0;
    if (open_disk(put, &reading, &disk_bytes, err))
        return -1;
    int rc = ec2_content_read(&source, disk_bytes, &wanted, err);
    reading.imager->close(reading.disk);
    if (!rc)
        cloud_known_choose(known, put->session, gib_of(disk_bytes), &wanted, direct->parent,
                           &direct->has);
    return rc;
}

/* --- the snapshot --- */

/* A parent that EC2 does not take is none: the disk goes whole. */
static bool start_whole(struct put *put, struct direct *direct, const struct mir_error *said)
{
    if (!*direct->parent || said->retry != MIR_RETRY_NEVER || said->outcome != MIR_DID_NOT_HAPPEN ||
        !*said->provider_code)
        return false;
    forget_parent(put, direct);
    return true;
}

static int start_once(struct put *put, const struct direct *direct, struct mir_error *err)
{
    struct ec2_pair pairs[CLOUD_TAGS_MAX];
    struct ec2_ebs_snapshot made = {.id = ""};
    /* What was left in the middle was deleted, and its token would find it again. */
    mir_auto_free char *token =
        mir_format("%s-%lld%s", put->spec->tags.deployment, (long long)ec2_until(put->session, 0),
                   *direct->parent ? "-onto" : "");
    for (size_t i = 0; i < put->tags.count; i++)
        pairs[i] =
            (struct ec2_pair){.name = put->tags.rows[i].key, .value = put->tags.rows[i].value};
    const struct ec2_ebs_start start = {.volume_gib = direct->volume_gib,
                                        .description = PUT_DESCRIPTION,
                                        .parent_id = *direct->parent ? direct->parent : NULL,
                                        .tags = pairs,
                                        .tag_count = put->tags.count,
                                        .token = token,
                                        .timeout_min = TIMEOUT_MIN};
    if (mir_fence_check(put->cloud->fence, err) ||
        ec2_ebs_start_snapshot(put->session, &start, put->until_ms, &made, err))
        return -1;
    mir_copy(put->snapshot, sizeof put->snapshot, made.id);
    return 0;
}

static int start_snapshot(struct put *put, struct direct *direct, struct mir_error *err)
{
    struct mir_error said = {0};
    while (start_once(put, direct, &said)) {
        if (!start_whole(put, direct, &said))
            return cloud_said(&said, err);
        said = (struct mir_error){0};
    }
    return 0;
}

static int put_once(struct put *put, struct direct *direct, struct ec2_content *ret_content,
                    struct mir_error *err)
{
    uint64_t disk_bytes = 0;
    struct reading reading;
    const struct ec2_upload_source source = {.next = next_piece, .ctx = &reading};
    struct ec2_upload_settings settings = {.stop = shut_out, .content = ret_content, .ctx = put};
    if (open_disk(put, &reading, &disk_bytes, err))
        return -1;
    direct->volume_gib = gib_of(disk_bytes);
    int rc = start_snapshot(put, direct, err);
    if (!rc) {
        settings.parent = *direct->parent ? &direct->has : NULL;
        rc = ec2_upload(put->session, put->snapshot, disk_bytes, &source, &settings, put->until_ms,
                        NULL, err);
    }
    reading.imager->close(reading.disk);
    return rc;
}

/* Its lease may have ended meanwhile. What became of a snapshot whose parent went before it was
 * completed nobody has said, so it is made anew, whole. */
static int check_parent(struct put *put, struct direct *direct, struct ec2_content *content,
                        struct mir_error *err)
{
    bool stands;
    if (!*direct->parent)
        return 0;
    if (cloud_put_wait_snapshot(put, err) || cloud_put_stands(put, direct->parent, &stands, err))
        return -1;
    if (stands)
        return 0;
    forget_parent(put, direct);
    ec2_content_clear(content);
    if (cloud_put_remove_snapshot(put, put->snapshot, err))
        return -1;
    *put->snapshot = 0;
    return put_once(put, direct, content, err);
}

int cloud_put_direct(struct put *put, struct mir_error *err)
{
    struct direct direct = {.volume_gib = 0};
    struct ec2_content content = {0};
    const struct ec2_tag whole = {.key = TAG_WHOLE, .value = "yes"};
    int rc = choose_parent(put, &direct, err) || put_once(put, &direct, &content, err) ||
                     check_parent(put, &direct, &content, err) ||
                     cloud_tag(put->session, put->snapshot, &whole, 1, put->until_ms, err)
                 ? -1
                 : 0;
    if (rc)
        forget_parent(put, &direct);
    else
        cloud_known_add(&put->cloud->known, put->session, put->snapshot, direct.volume_gib,
                        &content);
    ec2_content_clear(&content);
    ec2_content_clear(&direct.has);
    return rc;
}
