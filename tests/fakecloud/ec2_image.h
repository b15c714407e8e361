/* SPDX-License-Identifier: ISC */
/* Images, snapshots, volumes, and the import of snapshots. */
#ifndef FAKECLOUD_EC2_IMAGE_H
#define FAKECLOUD_EC2_IMAGE_H

#include "ec2.h"

extern const struct fc_param fc_params_describe_images[], fc_params_register_image[],
    fc_params_deregister_image[], fc_params_create_image[], fc_params_describe_snapshots[],
    fc_params_create_snapshot[], fc_params_delete_snapshot[], fc_params_describe_volumes[],
    fc_params_delete_volume[], fc_params_import_snapshot[],
    fc_params_describe_import_snapshot_tasks[], fc_params_cancel_import_task[];

fc_handler fc_ec2_describe_images, fc_ec2_register_image, fc_ec2_deregister_image,
    fc_ec2_create_image, fc_ec2_describe_snapshots, fc_ec2_create_snapshot, fc_ec2_delete_snapshot,
    fc_ec2_describe_volumes, fc_ec2_delete_volume, fc_ec2_import_snapshot,
    fc_ec2_describe_import_snapshot_tasks, fc_ec2_cancel_import_task;

/* pending -> completed, or available. */
void fc_tick_snapshot(struct fc_world *world, struct fc_object *snapshot,
                      const struct fc_cause *cause);
void fc_tick_image(struct fc_world *world, struct fc_object *image, const struct fc_cause *cause);
void fc_tick_import(struct fc_world *world, struct fc_object *task, const struct fc_cause *cause);

/* A snapshot of the account's own, pending; completed by its tick. `data`: the id of the snapshot
 * whose bytes it shares; NULL: none yet. `tags` is taken. */
struct fc_object *fc_snapshot_make(struct fc_call *call, int64_t gib, const char *description,
                                   const char *volume, json_t *tags, const char *data);

/* It is gone, and its bytes. */
void fc_snapshot_end(struct fc_world *world, struct fc_object *snapshot,
                     const struct fc_cause *cause);

/* Is it taken by an image that is registered? NULL: by none. */
const struct fc_object *fc_snapshot_user(const struct fc_world *world,
                                         const struct fc_object *snapshot);

/* DescribeImages and DescribeSnapshots: "self", "amazon", or account ids. */
bool fc_owner_wanted(struct fc_call *call, const char *owner, const char *alias);

#endif
