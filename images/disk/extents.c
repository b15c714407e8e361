/* SPDX-License-Identifier: ISC */
#include "images/extents.h"

#include "bytes.h"
#include "containers.h"
#include "put.h"

static int put(struct img_output *output, struct krn_digest *digest, const void *data, size_t len,
               struct mir_error *err)
{
    krn_digest_add(digest, data, len);
    return img_output_write(output, data, len, err);
}

static int put_record(struct img_output *output, struct krn_digest *digest,
                      const struct img_run *run, struct mir_error *err)
{
    unsigned char head[IMG_EXTENTS_RECORD_BYTES];
    img_put_le64(head, run->at);
    img_put_le64(head + 8, run->len);
    if (put(output, digest, head, sizeof head, err))
        return -1;
    return put(output, digest, run->data, (size_t)run->len, err);
}

static int put_end(struct img_output *output, struct krn_digest *digest, uint64_t records,
                   uint64_t bytes, struct mir_error *err)
{
    unsigned char end[IMG_EXTENTS_END_BYTES], sum[KRN_DIGEST_BYTES];
    img_put_le64(end, IMG_EXTENTS_END);
    img_put_le64(end + 8, 0);
    img_put_le64(end + 16, records);
    img_put_le64(end + 24, bytes);
    if (put(output, digest, end, sizeof end, err))
        return -1;
    krn_digest_bytes(digest, sum);
    return img_output_write(output, sum, sizeof sum, err);
}

int img_write_extents(const struct img_disk *disk, struct img_input *input,
                      struct img_output *output, struct mir_error *err)
{
    mir_auto_cursor struct img_cursor cursor;
    unsigned char head[IMG_EXTENTS_HEAD_BYTES] = IMG_EXTENTS_MAGIC;
    struct krn_digest digest;
    struct img_run run = {0};
    uint64_t records = 0, bytes = 0;
    krn_digest_init(&digest);
    img_cursor_init(&cursor, disk, input);
    img_put_le32(head + 8, IMG_EXTENTS_VERSION);
    img_put_le64(head + 16, disk->size);
    if (put(output, &digest, head, sizeof head, err))
        return -1;
    do {
        if (img_cursor_next(&cursor, &run, err))
            return -1;
        if (!run.data)
            continue;
        if (put_record(output, &digest, &run, err))
            return -1;
        records++;
        bytes += run.len;
    } while (run.len);
    return put_end(output, &digest, records, bytes, err);
}
