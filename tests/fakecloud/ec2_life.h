/* SPDX-License-Identifier: ISC */
/* An instance's states, and what goes with it when it ends. */
#ifndef FAKECLOUD_EC2_LIFE_H
#define FAKECLOUD_EC2_LIFE_H

#include "ec2.h"

/* Begin to end it: shutting-down, later terminated. Nothing when it does already. `why` is the
 * stateReason's code, "Client.UserInitiatedShutdown". */
void fc_life_terminate(struct fc_world *world, struct fc_object *instance, const char *why,
                       const struct fc_cause *cause);
/* pending/running -> stopping, later stopped. */
void fc_life_stop(struct fc_world *world, struct fc_object *instance, const char *why,
                  const struct fc_cause *cause);
/* stopped -> pending, later running. */
void fc_life_start(struct fc_world *world, struct fc_object *instance,
                   const struct fc_cause *cause);
/* The guest has powered itself off: what the shutdown behaviour says. */
void fc_life_powered_off(struct fc_world *world, struct fc_object *instance,
                         const struct fc_cause *cause);

/* What its document says of its public address, after that has changed. */
void fc_life_show_address(struct fc_object *instance);

void fc_tick_instance(struct fc_world *world, struct fc_object *instance,
                      const struct fc_cause *cause);

#endif
