/* SPDX-License-Identifier: ISC */
/*
 * What is on a disk, as the digests of its blocks (ec2/ebs.h). A snapshot that is made on top of
 * another one gets only the blocks in which they differ. Plain data, of one thread at a time.
 */
#ifndef EC2_CONTENT_H
#define EC2_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ec2/ebs.h"

/* Bytes that were written on the disk. */
struct ec2_piece {
    uint64_t offset;
    const void *data; /* borrowed until the next call */
    size_t len;       /* 0: there are no more */
};

/* Where a disk comes from, in its order and without overlaps. Its error is that of whoever reads
 * it; only after a true end is the disk whole. */
struct ec2_upload_source {
    int (*next)(void *ctx, struct ec2_piece *ret, struct mir_error *err);
    void *ctx;
};

/* Who gets the blocks that something was written to, in their order: the rest of them is zeros. */
struct ec2_block_sink {
    /* Memory for EC2_EBS_BLOCK bytes, until `end` of the same block; NULL with an error. */
    unsigned char *(*begin)(void *ctx, uint64_t index, struct mir_error *err);
    int (*end)(void *ctx, struct mir_error *err);
    void *ctx;
};

/* The source to its end. `volume_bytes`: MIR_CORRUPT for what goes beyond. After -1 a block may
 * have begun and not ended. */
int ec2_cut(const struct ec2_upload_source *source, uint64_t volume_bytes,
            const struct ec2_block_sink *sink, struct mir_error *err);

struct ec2_content_block {
    uint64_t index;
    unsigned char digest[EC2_EBS_DIGEST]; /* SHA-256 */
    bool inherited;                       /* it was in the parent, and was not sent */
};

/* Zero it before the first use. */
struct ec2_content {
    struct ec2_content_block *rows; /* owned; by index */
    size_t count, room;
};

void ec2_content_clear(struct ec2_content *content);
#define ec2_auto_content MIR_CLEANUP(ec2_content_clear)

/* At the end; its digest is for the caller to fill in. Valid until the next one. */
struct ec2_content_block *ec2_content_add(struct ec2_content *content, uint64_t index);
void ec2_content_copy(const struct ec2_content *content, struct ec2_content *ret);

/* Is this what it has at that place? */
bool ec2_content_has(const struct ec2_content *content, uint64_t index,
                     const unsigned char digest[EC2_EBS_DIGEST]);

/* How many blocks it takes to make `wanted` of `parent`; those count that are zeros again. */
size_t ec2_content_differs(const struct ec2_content *wanted, const struct ec2_content *parent);

/* A disk's content, read to its end; *ret is to be cleared, also after -1. */
int ec2_content_read(const struct ec2_upload_source *source, uint64_t volume_bytes,
                     struct ec2_content *ret, struct mir_error *err);

#endif
