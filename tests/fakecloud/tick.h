/* SPDX-License-Identifier: ISC */
/* What time does to objects: one function per kind, called when an object's due_ms has come. */
#ifndef FAKECLOUD_TICK_H
#define FAKECLOUD_TICK_H

#include "world.h"

/* Sets due_ms anew (0: nothing more). */
void fc_tick_object(struct fc_world *world, struct fc_object *object, const struct fc_cause *cause);

#endif
