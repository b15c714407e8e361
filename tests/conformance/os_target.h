/* SPDX-License-Identifier: ISC */
/* The provider "openstack" against a mirage-fakecloud of the test's own, as a target of the
 * conformance list. One at a time. */
#ifndef OS_TARGET_H
#define OS_TARGET_H

#include "conformance.h"

/* How a kernel gets there: loaded by the cloud, or on a disk; and the first again with Blazar
 * beside Mistral, in whose leases servers stand. */
enum os_target_way { OS_TARGET_KERNEL, OS_TARGET_DISK, OS_TARGET_LEASE };

/* 0; 77: skip (said on stdout); else it failed. program: mirage-fakecloud. */
int os_target_open(struct conformance_target *ret, const char *program, enum os_target_way way);
void os_target_close(struct conformance_target *target);

#endif
