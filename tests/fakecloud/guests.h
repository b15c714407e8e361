/* SPDX-License-Identifier: ISC */
/*
 * Machines behind the instances: a thread of its own looks at what is running after each change and
 * starts, connects and ends QEMUs until they are the same. Requests and the fake's time never wait
 * for it.
 */
#ifndef FAKECLOUD_GUESTS_H
#define FAKECLOUD_GUESTS_H

#include "world.h"

/* Sets world->guests, from where on every commit wakes it. MIR_UNAVAILABLE: no QEMU is installed.
 * Instances that run in this state directory already are started from their volumes. */
int fc_guests_start(struct fc_world *world, struct mir_error *err);

/* All machines have ended when it returns. Their instances stay what they are. NULL: nothing. */
void fc_guests_stop(struct fc_world *world);

/* Something may have changed. Any thread; does not block. */
void fc_guests_wake(struct fc_guests *guests);

/* A loopback address that nobody else has, for one of the world's own. */
void fc_guests_address(const struct fc_world *world, uint64_t seq, char ret[16]);

#endif
