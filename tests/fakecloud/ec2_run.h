/* SPDX-License-Identifier: ISC */
/* RunInstances: what was asked for, checked (ec2_run.c), and made (ec2_make.c). */
#ifndef FAKECLOUD_EC2_RUN_H
#define FAKECLOUD_EC2_RUN_H

#include "bundle.h"
#include "ec2.h"
#include "ec2_types.h"

struct fc_run {
    const struct fc_instance_type *type;
    struct fc_object *image, *subnet;
    json_t *groups;       /* [{groupId, groupName}]; owned */
    json_t *mapping;      /* what block devices each instance gets; owned */
    json_t *tags[4];      /* tagSets: instance, volume, network-interface, spot-instances-request */
    const char *shutdown; /* "stop", "terminate" */
    const char *boot_mode; /* of the image; "" none said */
    int64_t count, ipv6_count;
    bool public_ip, spot;
    struct fc_bundle bundle; /* of the image; owned; without files: it is of snapshots */
};

enum { FC_RUN_INSTANCE = 0, FC_RUN_VOLUME, FC_RUN_INTERFACE, FC_RUN_SPOT };

int fc_run_check(struct fc_call *call, struct fc_run *run, struct fc_refusal *refusal);
void fc_run_clear(struct fc_run *run);

/* Make them all; the reply, new reference. */
json_t *fc_run_make(struct fc_call *call, struct fc_run *run);

/* "reservationSet/item" or RunInstances' own reply around instances; takes the array. */
json_t *fc_reservation(const json_t *first, json_t *instances);

#endif
