/* SPDX-License-Identifier: ISC */
/*
 * A disk into a started snapshot (ec2/ebs.h): what was written on it goes in blocks of 512 KiB, in
 * parallel over kept connections, and the snapshot is completed with their number and checksum.
 * Blocks that nothing was written to are not sent; a written one is, be it zeros. On top of a
 * parent only those are sent in which the two differ.
 *
 * How many blocks are under way at once is found by trying: more while that makes it faster, half
 * when the service is in trouble. At most one block's memory per block under way is used, and
 * one more. Each block is tried again by rules of its own until it is there, is refused for good,
 * or has failed too often; all within one deadline. A snapshot that the service does not know yet
 * is waited for, up to two minutes.
 *
 * Blocking; several uploads at once may share a session. Whatever fails, the snapshot is left
 * pending, to be deleted by the caller, who has its id; nothing was completed unless the error's
 * outcome says otherwise.
 */
#ifndef EC2_UPLOAD_H
#define EC2_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ec2/content.h"

#define EC2_UPLOAD_CONCURRENCY 64 /* blocks under way, at most, if nothing else is said */

/* Zero or NULL is the plain choice. */
struct ec2_upload_settings {
    unsigned concurrency_max;
    const struct ec2_content *parent; /* what is in the snapshot that this one was started on */
    struct ec2_content *content;      /* gets what is in it now, to be cleared; zeroed when -1 */
    /* Both in the caller's thread, about once a block. */
    void (*progress)(void *ctx, uint64_t blocks_there);
    bool (*stop)(void *ctx); /* true: give up (MIR_INTERRUPTED) */
    void *ctx;
    /* For tests: how the time between two attempts is spent. */
    void (*wait)(void *ctx, int64_t ms);
    void *wait_ctx;
};

struct ec2_upload_result {
    uint64_t blocks; /* that are there, sent or the parent's */
    uint64_t sent;
    uint64_t attempts; /* that it took */
    unsigned most;     /* blocks under way at once */
    char status[16];   /* of the snapshot: "pending" (it becomes "completed") */
};

/* `volume_bytes`: the disk's end, for a source that goes beyond it (MIR_CORRUPT). settings may be
 * NULL, ret too. */
int ec2_upload(struct ec2_session *session, const char *snapshot_id, uint64_t volume_bytes,
               const struct ec2_upload_source *source, const struct ec2_upload_settings *settings,
               int64_t until_ms, struct ec2_upload_result *ret, struct mir_error *err);

#endif
