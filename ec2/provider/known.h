/* SPDX-License-Identifier: ISC */
/*
 * What this process has put into snapshots, while they may still be there: a disk of the same size
 * that differs in a few blocks goes on top of one of them, and the others are not sent again. Only
 * in memory: after a restart the next disk is sent whole. Any thread.
 */
#ifndef MIR_KNOWN_H
#define MIR_KNOWN_H

#include <pthread.h>

#include "ec2/content.h"
#include "ec2/session.h"
#include "ec2/tag.h"

#define CLOUD_KNOWN_MAX 8

struct cloud_known_row {
    const struct ec2_session *session; /* of its region; NULL: a free row */
    char snapshot[EC2_ID_TEXT];
    int64_t volume_gib;
    struct ec2_content content; /* owned */
};

struct cloud_known {
    pthread_mutex_t lock;
    struct cloud_known_row rows[CLOUD_KNOWN_MAX];
    unsigned next; /* the row that is taken next */
};

void cloud_known_init(struct cloud_known *known);
void cloud_known_clear(struct cloud_known *known);

/* Takes the content. What is too small to save anything, or too large to keep, is not kept. */
void cloud_known_add(struct cloud_known *known, const struct ec2_session *session,
                     const char *snapshot, int64_t volume_gib, struct ec2_content *content);
void cloud_known_drop(struct cloud_known *known, const char *snapshot);

/* Is there any that could be the parent of another? */
bool cloud_known_any(struct cloud_known *known, const struct ec2_session *session);

/* The one that leaves least to be sent, less than half of the disk: true, its id, and what is in
 * it, to be cleared. */
bool cloud_known_choose(struct cloud_known *known, const struct ec2_session *session,
                        int64_t volume_gib, const struct ec2_content *wanted,
                        char ret_snapshot[EC2_ID_TEXT], struct ec2_content *ret);

#endif
