/* SPDX-License-Identifier: ISC */
/* The reading end, for whoever takes a disk from mirage-image: stands apart from the writers, so
 * that the daemon links no more than this. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/memory.h"
#include "bytes.h"
#include "images/extents.h"

static int corrupt(const char *what, struct mir_error *err)
{
    return mir_fail(err, MIR_CORRUPT, "the stream of the disk's extents %s", what);
}

static int take(struct img_extents *x, void *buf, size_t len, struct mir_error *err)
{
    unsigned char *out = buf;
    for (size_t have = 0; have < len;) {
        ssize_t n = read(x->fd, out + have, len - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return mir_fail_errno(err, errno, "cannot read the disk's extents");
        if (n == 0)
            return corrupt("is cut off", err);
        have += (size_t)n;
    }
    return 0;
}

static int take_summed(struct img_extents *x, void *buf, size_t len, struct mir_error *err)
{
    if (take(x, buf, len, err))
        return -1;
    krn_digest_add(&x->digest, buf, len);
    return 0;
}

int img_extents_open(struct img_extents *x, int fd, uint64_t max_bytes, struct mir_error *err)
{
    unsigned char head[IMG_EXTENTS_HEAD_BYTES];
    *x = (struct img_extents){.fd = fd};
    krn_digest_init(&x->digest);
    if (take_summed(x, head, sizeof head, err))
        return -1;
    if (memcmp(head, IMG_EXTENTS_MAGIC, 8) || krn_le32(head + 8) != IMG_EXTENTS_VERSION ||
        krn_le32(head + 12))
        return corrupt("does not begin as one", err);
    uint64_t size = krn_le64(head + 16);
    if (!size || size % IMG_SECTOR || size > max_bytes)
        return mir_fail(err, MIR_CORRUPT,
                        "the stream is of a disk of %" PRIu64 " bytes; at most %" PRIu64
                        " and whole sectors were expected",
                        size, max_bytes);
    x->size = size;
    x->buffer = mir_calloc(1, IMG_STREAM_BYTES);
    return 0;
}

void img_extents_clear(struct img_extents *x)
{
    free(x->buffer);
    x->buffer = NULL;
}

static int take_end(struct img_extents *x, struct mir_error *err)
{
    unsigned char counts[IMG_EXTENTS_END_BYTES - IMG_EXTENTS_RECORD_BYTES];
    unsigned char sum[KRN_DIGEST_BYTES], wanted[KRN_DIGEST_BYTES];
    if (take_summed(x, counts, sizeof counts, err))
        return -1;
    if (krn_le64(counts) != x->records || krn_le64(counts + 8) != x->bytes)
        return corrupt("counts wrongly", err);
    krn_digest_bytes(&x->digest, wanted);
    if (take(x, sum, sizeof sum, err))
        return -1;
    if (memcmp(sum, wanted, sizeof sum))
        return corrupt("was changed on its way", err);
    x->ended = true;
    return 0;
}

/* A record of no bytes is the end, if it says so. */
static int take_last(struct img_extents *x, uint64_t at, struct mir_error *err)
{
    if (at != IMG_EXTENTS_END)
        return corrupt("has an empty record", err);
    return take_end(x, err);
}

int img_extents_next(struct img_extents *x, struct img_run *ret, struct mir_error *err)
{
    unsigned char head[IMG_EXTENTS_RECORD_BYTES];
    struct img_run run = {.at = x->size};
    if (x->ended) {
        *ret = run;
        return 0;
    }
    if (take_summed(x, head, sizeof head, err))
        return -1;
    uint64_t at = krn_le64(head), len = krn_le64(head + 8);
    if (!len) {
        if (take_last(x, at, err))
            return -1;
        *ret = run;
        return 0;
    }
    if (len > IMG_STREAM_BYTES || at < x->at || at > x->size || len > x->size - at)
        return corrupt("is out of order", err);
    if (take_summed(x, x->buffer, (size_t)len, err))
        return -1;
    x->at = at + len;
    x->records++;
    x->bytes += len;
    *ret = (struct img_run){.at = at, .len = len, .data = x->buffer};
    return 0;
}
