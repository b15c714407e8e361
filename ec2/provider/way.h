/* SPDX-License-Identifier: ISC */
/*
 * How an image's disk gets to EC2: [ec2] upload of the configuration. Pure but for a look at the
 * files that are named; any thread.
 */
#ifndef EC2_WAY_H
#define EC2_WAY_H

#include "api/error.h"

enum cloud_way {
    CLOUD_BY_EBS,    /* EBS direct: blocks into a snapshot */
    CLOUD_BY_IMPORT, /* an object, of which ImportSnapshot makes a snapshot */
    CLOUD_BY_BUNDLE, /* an instance-store bundle, which stays in the bucket as long as the image */
    CLOUD_WAYS
};

struct cloud;
struct ec2_machine;

/* text: the configuration's word; NULL: none. MIR_USAGE. */
int cloud_way_read(const char *text, enum cloud_way *ret, struct mir_error *err);
const char *cloud_way_words(enum cloud_way way); /* "through the bucket, ..." */

/* All that is needed to find and end what went that way is named: MIR_USAGE. */
int cloud_way_check(const struct cloud *cloud, struct mir_error *err);
/* Images of a region can go that way: MIR_USAGE, also for a key that is not named; MIR_CREDENTIALS
 * for one that is not there. */
int cloud_way_reaches(const struct cloud *cloud, const char *region, struct mir_error *err);
/* The machine starts an image that came that way: MIR_POLICY. */
int cloud_way_starts(const struct cloud *cloud, const struct ec2_machine *machine,
                     struct mir_error *err);
/* The rootDeviceType of such an image. */
const char *cloud_way_root(const struct cloud *cloud);

#endif
