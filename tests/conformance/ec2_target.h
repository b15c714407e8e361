/* SPDX-License-Identifier: ISC */
/*
 * The provider "ec2" as a conformance target: a mirage-fakecloud of its own, whose ledger is the
 * truth and whose clock the target moves together with the provider's.
 */
#ifndef EC2_TARGET_H
#define EC2_TARGET_H

#include "conformance.h"

/* `program`: the path of mirage-fakecloud. by_bucket: images go through S3, else by EBS direct. 0,
 * or the exit status for main. */
int ec2_target_open(struct conformance_target *ret, const char *program, bool by_bucket);
void ec2_target_close(struct conformance_target *target);

#endif
