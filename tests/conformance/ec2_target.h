/* SPDX-License-Identifier: ISC */
/*
 * The provider "ec2" as a conformance target: a mirage-fakecloud of its own, whose ledger is the
 * truth and whose clock the target moves together with the provider's.
 */
#ifndef EC2_TARGET_H
#define EC2_TARGET_H

#include "conformance.h"

/* How images go: [ec2] upload. */
enum ec2_target_way { EC2_TARGET_DIRECT, EC2_TARGET_S3, EC2_TARGET_BUNDLE };

/* `program`: the path of mirage-fakecloud. 0, or the exit status for main. */
int ec2_target_open(struct conformance_target *ret, const char *program, enum ec2_target_way way);
void ec2_target_close(struct conformance_target *target);

#endif
