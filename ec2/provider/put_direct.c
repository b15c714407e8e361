/* SPDX-License-Identifier: ISC */
/* EBS direct: the disk goes block by block into a snapshot. */
#include <stdlib.h>

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

static int start_snapshot(struct put *put, uint64_t disk_bytes, struct mir_error *err)
{
    struct ec2_pair pairs[CLOUD_TAGS_MAX];
    struct ec2_ebs_snapshot made = {.id = ""};
    /* What was left in the middle was deleted, and its token would find it again. */
    mir_auto_free char *token =
        mir_format("%s-%lld", put->spec->tags.deployment, (long long)ec2_until(put->session, 0));
    for (size_t i = 0; i < put->tags.count; i++)
        pairs[i] =
            (struct ec2_pair){.name = put->tags.rows[i].key, .value = put->tags.rows[i].value};
    const struct ec2_ebs_start start = {.volume_gib = (int64_t)((disk_bytes + GIB - 1) / GIB),
                                        .description = PUT_DESCRIPTION,
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

int cloud_put_direct(struct put *put, struct mir_error *err)
{
    uint64_t disk_bytes = 0;
    struct reading reading = {.imager = put->cloud->imager};
    const struct ec2_upload_source source = {.next = next_piece, .ctx = &reading};
    const struct ec2_upload_settings settings = {.stop = shut_out, .ctx = put};
    const struct ec2_tag whole = {.key = TAG_WHOLE, .value = "yes"};
    if (reading.imager->open(reading.imager->ctx, put->spec, &put->needs, PUT_IMAGER_MS,
                             &reading.disk, &disk_bytes, err))
        return -1;
    int rc = start_snapshot(put, disk_bytes, err);
    if (!rc)
        rc = ec2_upload(put->session, put->snapshot, disk_bytes, &source, &settings, put->until_ms,
                        NULL, err);
    reading.imager->close(reading.disk);
    return rc ? -1 : cloud_tag(put->session, put->snapshot, &whole, 1, put->until_ms, err);
}
