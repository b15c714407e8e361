/* SPDX-License-Identifier: ISC */
#include "images/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/memory.h"
#include "images/output.h"
#include "unpacked.h"

#define SKIP_BYTES ((size_t)16 << 10)

void img_input_init(struct img_input *input, int fd)
{
    struct stat st;
    bool seekable = fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode);
    *input = (struct img_input){.fd = fd, .seekable = seekable};
}

static int cut_off(struct mir_error *err)
{
    mir_fail(err, MIR_CORRUPT, "the file ends before it should");
    return mir_error_hint(err, "is something still writing it? try again when it is done");
}

static int read_exactly(struct img_input *input, uint64_t at, unsigned char *buf, size_t len,
                        struct mir_error *err)
{
    while (len) {
        ssize_t n =
            input->seekable ? pread(input->fd, buf, len, (off_t)at) : read(input->fd, buf, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return mir_fail_errno(err, errno, "cannot read the file");
        if (n == 0)
            return cut_off(err);
        buf += n;
        at += (uint64_t)n;
        len -= (size_t)n;
        input->at = at;
    }
    return 0;
}

/* What of a pipe belongs to no extent goes by. */
static int skip_to(struct img_input *input, uint64_t at, struct mir_error *err)
{
    unsigned char waste[SKIP_BYTES];
    if (input->at > at)
        return mir_fail(err, MIR_INTERNAL, "the input comes once, and not in this order");
    while (input->at < at) {
        size_t len = at - input->at < sizeof waste ? (size_t)(at - input->at) : sizeof waste;
        if (read_exactly(input, input->at, waste, len, err))
            return -1;
    }
    return 0;
}

int img_input_read(struct img_input *input, uint64_t input_at, void *buf, size_t len,
                   struct mir_error *err)
{
    if (!input->seekable && skip_to(input, input_at, err))
        return -1;
    return read_exactly(input, input_at, buf, len, err);
}

void img_cursor_init(struct img_cursor *cursor, const struct img_disk *disk,
                     struct img_input *input)
{
    *cursor = (struct img_cursor){
        .disk = disk, .input = input, .buffer = mir_calloc(1, IMG_STREAM_BYTES)};
}

void img_cursor_clear(struct img_cursor *cursor)
{
    img_unpacked_free(cursor->unpacked);
    free(cursor->buffer);
    *cursor = (struct img_cursor){0};
}

/* The extent at or behind the cursor, NULL behind the last. */
static const struct img_extent *ahead(struct img_cursor *cursor)
{
    const struct img_disk *disk = cursor->disk;
    while (cursor->next < disk->count &&
           disk->extents[cursor->next].at + disk->extents[cursor->next].len <= cursor->at)
        cursor->next++;
    return cursor->next < disk->count ? &disk->extents[cursor->next] : NULL;
}

/* Where the bytes of an extent that are not in memory come from. */
static struct img_input *source_of(const struct img_cursor *cursor, const struct img_extent *e)
{
    return e->from ? e->from : cursor->input;
}

/* The bytes of an extent that are in memory, or are brought there whole; NULL for a range of the
 * input, which is not. */
static int hold(struct img_cursor *cursor, const struct img_extent *e, const unsigned char **ret,
                struct mir_error *err)
{
    *ret = e->bytes;
    return e->packed_len ? img_unpacked_get(&cursor->unpacked, e, cursor->input, ret, err) : 0;
}

int img_cursor_next(struct img_cursor *cursor, struct img_run *ret, struct mir_error *err)
{
    const struct img_extent *e = ahead(cursor);
    struct img_run run = {.at = cursor->at, .len = cursor->disk->size - cursor->at};
    if (e && e->at > cursor->at) {
        run.len = e->at - cursor->at;
    } else if (e) {
        uint64_t within = cursor->at - e->at, left = e->len - within;
        const unsigned char *held = NULL;
        if (hold(cursor, e, &held, err))
            return -1;
        run.len = left < IMG_STREAM_BYTES ? left : IMG_STREAM_BYTES;
        run.data = held ? held + within : cursor->buffer;
        if (!held && img_input_read(source_of(cursor, e), e->input_at + within, cursor->buffer,
                                    (size_t)run.len, err))
            return -1;
    }
    cursor->at += run.len;
    *ret = run;
    return 0;
}

/* Of the bytes wanted from the cursor on, those up to the next border: a piece of one extent (which
 * *ret_e then is) or of a hole. */
static uint64_t piece(struct img_cursor *cursor, uint64_t want, const struct img_extent **ret_e)
{
    const struct img_extent *e = ahead(cursor);
    *ret_e = e && e->at <= cursor->at ? e : NULL;
    if (!e)
        return want;
    uint64_t border = *ret_e ? e->at + e->len : e->at;
    return border - cursor->at < want ? border - cursor->at : want;
}

int img_cursor_read(struct img_cursor *cursor, void *buf, size_t len, bool *ret_hole,
                    struct mir_error *err)
{
    unsigned char *out = buf;
    bool hole = true;
    while (len) {
        const struct img_extent *e;
        const unsigned char *held = NULL;
        size_t n = (size_t)piece(cursor, len, &e);
        uint64_t within = e ? cursor->at - e->at : 0;
        hole = hole && !e;
        if (e && hold(cursor, e, &held, err))
            return -1;
        if (!e)
            memset(out, 0, n);
        else if (held)
            memcpy(out, held + within, n);
        else if (img_input_read(source_of(cursor, e), e->input_at + within, out, n, err))
            return -1;
        out += n;
        len -= n;
        cursor->at += n;
    }
    if (ret_hole)
        *ret_hole = hole;
    return 0;
}

/* A piece of one range of a file, or as much of it as the buffer takes. The sandbox lets nothing
 * but the input be copied without being read. */
static int copy_input(struct img_cursor *cursor, struct img_output *output,
                      const struct img_extent *e, uint64_t len, uint64_t *ret_len,
                      struct mir_error *err)
{
    uint64_t input_at = e->input_at + cursor->at - e->at;
    uint64_t done = e->from ? 0 : img_output_copy(output, cursor->input, input_at, len);
    if (!done) {
        done = len < IMG_STREAM_BYTES ? len : IMG_STREAM_BYTES;
        if (img_input_read(source_of(cursor, e), input_at, cursor->buffer, (size_t)done, err) ||
            img_output_write(output, cursor->buffer, (size_t)done, err))
            return -1;
    }
    *ret_len = done;
    return 0;
}

int img_output_disk(struct img_output *output, struct img_cursor *cursor, uint64_t len,
                    struct mir_error *err)
{
    while (len) {
        const struct img_extent *e;
        const unsigned char *held = NULL;
        uint64_t n = piece(cursor, len, &e), within = e ? cursor->at - e->at : 0;
        int rc;
        if (e && hold(cursor, e, &held, err))
            return -1;
        if (!e)
            rc = img_output_zeros(output, n, err);
        else if (held)
            rc = img_output_write(output, held + within, (size_t)n, err);
        else
            rc = copy_input(cursor, output, e, n, &n, err);
        if (rc)
            return -1;
        cursor->at += n;
        len -= n;
    }
    return 0;
}

void img_cursor_skip(struct img_cursor *cursor, uint64_t len)
{
    cursor->at += len;
}

bool img_disk_has(const struct img_disk *disk, uint64_t at, uint64_t len)
{
    size_t low = 0, high = disk->count;
    while (low < high) { /* the first extent that ends behind `at` */
        size_t middle = low + (high - low) / 2;
        const struct img_extent *e = &disk->extents[middle];
        if (e->at + e->len <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low < disk->count && disk->extents[low].at < at + len;
}
