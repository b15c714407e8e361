/* SPDX-License-Identifier: ISC */
#ifndef FAKECLOUD_SCHEDULER_H
#define FAKECLOUD_SCHEDULER_H

#include "rest.h"

/* A schedule's time has come, or that of its next attempt. */
void fc_tick_schedule(struct fc_world *world, struct fc_object *schedule,
                      const struct fc_cause *cause);

#endif
