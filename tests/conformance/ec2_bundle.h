/* SPDX-License-Identifier: ISC */
/* Bundles for the target "ec2": keys of its own, and an imager's disk that comes as one. */
#ifndef EC2_BUNDLE_H
#define EC2_BUNDLE_H

#include <stdint.h>

#include "api/imager.h"
#include "fake_aws.h"

/* A key, its certificate, which the fake is told, and EC2's: files in a folder. */
void ec2_bundle_keys(const struct fake_aws *fake, const char *folder);

struct ec2_bundle; /* one that is read: its files */

/* Of a disk of disk_bytes, which begins with the len bytes of the file fd. NULL with err. */
struct ec2_bundle *ec2_bundle_make(const struct mir_bundle *how, int fd, uint64_t len,
                                   uint64_t disk_bytes, struct mir_error *err);
void ec2_bundle_free(struct ec2_bundle *bundle); /* NULL allowed */
void ec2_bundle_next(struct ec2_bundle *bundle, struct mir_disk_range *ret);

#endif
