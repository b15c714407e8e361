/* SPDX-License-Identifier: ISC */
/*
 * EBS direct: snapshots written and read block by block, without a volume or an instance.
 * Blocking, any thread; ec2/session.h says what every call has in common.
 *
 * A snapshot is started, its written blocks are put in any order and by as many at once as the
 * quotas allow, and it is completed; what was not put reads as zeros (but as anything where
 * the account encrypts by default, so whoever needs zeros puts them). One that is not completed in
 * time cancels itself, and is then an `error` to be deleted like any other. ec2/upload.h does all
 * of it.
 *
 * All calls may be repeated: starting by its token, the others by what they are. A snapshot may
 * not be known to the service for up to two minutes after it was started (MIR_NOT_FOUND).
 *
 * Source: Amazon EBS direct APIs, version 2019-11-02.
 */
#ifndef EC2_EBS_H
#define EC2_EBS_H

#include <stdbool.h>

#include "ec2/session.h"
#include "ec2/sign.h"

#define EC2_EBS_BLOCK ((size_t)524288)
#define EC2_EBS_DIGEST 32 /* bytes of a SHA-256 */
#define EC2_SNAPSHOT_ID_TEXT 64

/* All texts borrowed; NULL or 0 where optional. */
struct ec2_ebs_start {
    int64_t volume_gib;      /* 1..65536 */
    const char *description; /* optional */
    const struct ec2_pair *tags;
    size_t tag_count;
    const char *token;     /* 1..255: the same one again answers with the same snapshot */
    const char *parent_id; /* the snapshot that this one changes; optional */
    bool encrypted;        /* the account's default counts where this is not set */
    const char *key_arn;   /* KMS; optional */
    int64_t timeout_min;   /* until it cancels itself: 10..4320; 0: 60 */
};

struct ec2_ebs_snapshot {
    char id[EC2_SNAPSHOT_ID_TEXT];
    char status[16]; /* "pending" "completed" "error" */
    int64_t volume_gib;
    int64_t block_size; /* EC2_EBS_BLOCK */
};

/* MIR_CONFLICT: the token was used with other arguments. */
int ec2_ebs_start_snapshot(struct ec2_session *session, const struct ec2_ebs_start *args,
                           int64_t until_ms, struct ec2_ebs_snapshot *ret, struct mir_error *err);

/* One block of EC2_EBS_BLOCK bytes and its SHA-256 (which is not made here: one digest serves the
 * checksum and the signature). One attempt if `once`, else as many as the session makes. */
struct ec2_ebs_put {
    const char *snapshot_id;
    uint64_t index;
    const void *data;
    unsigned char digest[EC2_EBS_DIGEST];
    bool once;
};
int ec2_ebs_put_block(struct ec2_session *session, const struct ec2_ebs_put *args, int64_t until_ms,
                      struct mir_error *err);

/* `digest`: the SHA-256 of the digests of all blocks in the order of their indexes. *ret_status
 * (may be NULL) is "completed" or, mostly, "pending". */
int ec2_ebs_complete_snapshot(struct ec2_session *session, const char *snapshot_id,
                              uint64_t block_count, const unsigned char digest[EC2_EBS_DIGEST],
                              int64_t until_ms, char ret_status[16], struct mir_error *err);

/* --- reading --- */

struct ec2_ebs_block {
    int64_t index;
    char *token;       /* owned: what it is read with; NULL: not in this snapshot */
    char *first_token; /* of the first of two snapshots; NULL: not there, or there is one only */
};

struct ec2_ebs_blocks {
    struct ec2_ebs_block *rows; /* owned; by index */
    size_t count;
    int64_t volume_gib, block_size;
};

void ec2_ebs_blocks_clear(struct ec2_ebs_blocks *blocks);
#define ec2_auto_ebs_blocks MIR_CLEANUP(ec2_ebs_blocks_clear)

/* All blocks of a completed snapshot; with `first_id` those alone in which `snapshot_id` differs
 * from it. *ret is to be zeroed before and cleared afterwards. */
int ec2_ebs_list_blocks(struct ec2_session *session, const char *snapshot_id, const char *first_id,
                        int64_t until_ms, struct ec2_ebs_blocks *ret, struct mir_error *err);

/* One block into `data` (EC2_EBS_BLOCK bytes), its checksum checked. */
int ec2_ebs_get_block(struct ec2_session *session, const char *snapshot_id, uint64_t index,
                      const char *token, int64_t until_ms, void *data, struct mir_error *err);

#endif
