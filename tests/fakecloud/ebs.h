/* SPDX-License-Identifier: ISC */
/* What both halves of EBS direct need. */
#ifndef FAKECLOUD_EBS_H
#define FAKECLOUD_EBS_H

#include "rest.h"

/* Of the account's own, visible. */
int fc_ebs_find(struct fc_call *call, const char *id, struct fc_object **ret,
                struct fc_refusal *refusal);
int fc_ebs_index(const struct fc_object *snapshot, const char *text, int64_t *ret,
                 struct fc_refusal *refusal);

fc_handler fc_ebs_get_snapshot_block, fc_ebs_list_snapshot_blocks, fc_ebs_list_changed_blocks;

#endif
