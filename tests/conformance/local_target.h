/* SPDX-License-Identifier: ISC */
/*
 * The provider "local" as a conformance target: a state directory of its own, guests of a few
 * bytes made on the spot, and the table of processes as the truth.
 */
#ifndef LOCAL_TARGET_H
#define LOCAL_TARGET_H

#include "conformance.h"

/* 0, or the exit status for main. `accelerator`: the configuration's. */
int local_target_open(struct conformance_target *ret, const char *accelerator);
/* Another program's state directory; not to be closed. */
void local_target_attach(struct conformance_target *ret, const char *dir, const char *accelerator);
void local_target_close(struct conformance_target *target);

/* How many processes were started as the guest of that name. */
unsigned local_target_running(const char *name);

#endif
