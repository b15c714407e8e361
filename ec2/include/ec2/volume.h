/* SPDX-License-Identifier: ISC */
/* Volumes: found and deleted, when something left one behind. ec2/tag.h says what all these calls
 * have in common. */
#ifndef EC2_VOLUME_H
#define EC2_VOLUME_H

#include "ec2/tag.h"

struct ec2_attachment {
    char instance_id[EC2_ID_TEXT], device[64], state[EC2_WORD_TEXT];
    bool delete_on_termination;
};

struct ec2_volume {
    char id[EC2_ID_TEXT], snapshot_id[EC2_ID_TEXT];
    char state[EC2_WORD_TEXT]; /* "creating", "available", "in-use", "deleting", "error" */
    char zone[EC2_WORD_TEXT], type[EC2_WORD_TEXT];
    int64_t size_gib, created_s;
    bool encrypted;
    struct ec2_attachment *attachments;
    size_t attachment_count;
    struct ec2_found_tag *tags;
    size_t tag_count;
};

struct ec2_volumes {
    struct ec2_volume *rows;
    size_t count;
};

int ec2_describe_volumes(struct ec2_session *session, const struct ec2_describe *args,
                         int64_t until_ms, struct ec2_volumes *ret, struct mir_error *err);
void ec2_volumes_clear(struct ec2_volumes *volumes);
int ec2_delete_volume(struct ec2_session *session, const struct ec2_target *args, int64_t until_ms,
                      struct mir_error *err);

#endif
