/* SPDX-License-Identifier: ISC */
/* Blazar v1: leases with an end. A server belongs to one by its flavor, which is the reservation's
 * id, or by the scheduler's hint "reservation"; at the end it is deleted. */
#ifndef FAKECLOUD_BLAZAR_H
#define FAKECLOUD_BLAZAR_H

#include "os.h"

/* The reservation of a lease that is active, the caller's own; NULL: none. */
const json_t *fos_reservation_find(const struct fc_call *call, const char *id);
void fos_tick_lease(struct fc_world *world, struct fc_object *lease, const struct fc_cause *cause);

#endif
