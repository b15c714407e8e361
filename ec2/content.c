/* SPDX-License-Identifier: ISC */
#include "ec2/content.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"

/* --- blocks out of pieces --- */

struct cut {
    const struct ec2_block_sink *sink;
    unsigned char *block; /* that is being filled; NULL: none */
    uint64_t index;
    size_t filled; /* bytes from its beginning that are as they are to be */
};

static int check_piece(const struct ec2_piece *piece, uint64_t at, uint64_t volume_bytes,
                       struct mir_error *err)
{
    if (piece->offset < at)
        return mir_fail(err, MIR_CORRUPT, "the disk does not come in its order");
    if (piece->offset > volume_bytes || piece->len > volume_bytes - piece->offset)
        return mir_fail(err, MIR_CORRUPT, "the disk goes beyond its end");
    return 0;
}

static void fill_gap(struct cut *cut, size_t to)
{
    if (to > cut->filled)
        memset(cut->block + cut->filled, 0, to - cut->filled);
    cut->filled = to;
}

static int end_block(struct cut *cut, struct mir_error *err)
{
    fill_gap(cut, EC2_EBS_BLOCK);
    cut->block = NULL;
    return cut->sink->end(cut->sink->ctx, err);
}

static int begin_block(struct cut *cut, uint64_t index, struct mir_error *err)
{
    cut->block = cut->sink->begin(cut->sink->ctx, index, err);
    cut->index = index;
    cut->filled = 0;
    return cut->block ? 0 : -1;
}

static int take_piece(struct cut *cut, const struct ec2_piece *piece, struct mir_error *err)
{
    for (size_t done = 0; done < piece->len;) {
        uint64_t at = piece->offset + done, index = at / EC2_EBS_BLOCK;
        size_t within = (size_t)(at % EC2_EBS_BLOCK), len = EC2_EBS_BLOCK - within;
        if (len > piece->len - done)
            len = piece->len - done;
        if (cut->block && cut->index != index && end_block(cut, err))
            return -1;
        if (!cut->block && begin_block(cut, index, err))
            return -1;
        fill_gap(cut, within);
        memcpy(cut->block + within, (const unsigned char *)piece->data + done, len);
        cut->filled = within + len;
        done += len;
    }
    return 0;
}

int ec2_cut(const struct ec2_upload_source *source, uint64_t volume_bytes,
            const struct ec2_block_sink *sink, struct mir_error *err)
{
    struct cut cut = {.sink = sink};
    uint64_t at = 0;
    for (;;) {
        struct ec2_piece piece = {0};
        if (source->next(source->ctx, &piece, err))
            return -1;
        if (piece.len == 0)
            return cut.block ? end_block(&cut, err) : 0;
        if (check_piece(&piece, at, volume_bytes, err) || take_piece(&cut, &piece, err))
            return -1;
        at = piece.offset + piece.len;
    }
}

/* --- their digests --- */

void ec2_content_clear(struct ec2_content *content)
{
    free(content->rows);
    *content = (struct ec2_content){0};
}

struct ec2_content_block *ec2_content_add(struct ec2_content *content, uint64_t index)
{
    if (content->count == content->room) {
        content->room = content->room ? 2 * content->room : 64;
        content->rows = mir_realloc(content->rows, content->room, sizeof *content->rows);
    }
    content->rows[content->count] = (struct ec2_content_block){.index = index};
    return &content->rows[content->count++];
}

void ec2_content_copy(const struct ec2_content *content, struct ec2_content *ret)
{
    *ret = (struct ec2_content){.count = content->count, .room = content->count};
    if (!content->count)
        return;
    ret->rows = mir_realloc(NULL, content->count, sizeof *ret->rows);
    memcpy(ret->rows, content->rows, content->count * sizeof *ret->rows);
}

static int by_index(const void *key, const void *row)
{
    uint64_t left = *(const uint64_t *)key, right = ((const struct ec2_content_block *)row)->index;
    return (left > right) - (left < right);
}

static const struct ec2_content_block *find(const struct ec2_content *content, uint64_t index)
{
    if (!content->count)
        return NULL;
    return bsearch(&index, content->rows, content->count, sizeof *content->rows, by_index);
}

bool ec2_content_has(const struct ec2_content *content, uint64_t index,
                     const unsigned char digest[EC2_EBS_DIGEST])
{
    const struct ec2_content_block *row = find(content, index);
    return row && !memcmp(row->digest, digest, EC2_EBS_DIGEST);
}

size_t ec2_content_differs(const struct ec2_content *wanted, const struct ec2_content *parent)
{
    size_t count = 0;
    for (size_t i = 0; i < wanted->count; i++)
        count += !ec2_content_has(parent, wanted->rows[i].index, wanted->rows[i].digest);
    for (size_t i = 0; i < parent->count; i++)
        count += !find(wanted, parent->rows[i].index);
    return count;
}

struct reading {
    struct ec2_content *content;
    unsigned char block[EC2_EBS_BLOCK];
};

static unsigned char *begin_reading(void *ctx, uint64_t index, struct mir_error *err)
{
    struct reading *reading = ctx;
    ec2_content_add(reading->content, index);
    return reading->block;
}

static int end_reading(void *ctx, struct mir_error *err)
{
    struct reading *reading = ctx;
    SHA256(reading->block, EC2_EBS_BLOCK,
           reading->content->rows[reading->content->count - 1].digest);
    return 0;
}

int ec2_content_read(const struct ec2_upload_source *source, uint64_t volume_bytes,
                     struct ec2_content *ret, struct mir_error *err)
{
    struct reading *reading = mir_calloc(1, sizeof *reading);
    const struct ec2_block_sink sink = {begin_reading, end_reading, reading};
    reading->content = ret;
    *ret = (struct ec2_content){0};
    int rc = ec2_cut(source, volume_bytes, &sink, err);
    free(reading);
    return rc;
}
