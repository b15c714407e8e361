/* SPDX-License-Identifier: ISC */
#include "tick.h"

#include <string.h>

#include "blazar.h"
#include "ec2_image.h"
#include "ec2_life.h"
#include "glance.h"
#include "mistral.h"
#include "nova.h"
#include "scheduler.h"
#include "swift.h"

typedef void tick_fn(struct fc_world *world, struct fc_object *object,
                     const struct fc_cause *cause);

static const struct {
    const char *kind;
    tick_fn *tick;
} ticks[] = {
    {"instance", fc_tick_instance}, {"image", fc_tick_image},
    {"snapshot", fc_tick_snapshot}, {"import-snapshot-task", fc_tick_import},
    {"schedule", fc_tick_schedule}, {"os-image", fos_tick_image},
    {"os-server", fos_tick_server}, {"os-cron-trigger", fos_tick_trigger},
    {"os-lease", fos_tick_lease},   {"os-object", fos_tick_swift_object},
};

void fc_tick_object(struct fc_world *world, struct fc_object *object, const struct fc_cause *cause)
{
    object->due_ms = 0;
    fc_store_touch(world->store, object);
    if (object->forget_ms > 0 && object->forget_ms <= cause->now_ms) {
        fc_store_gone(world->store, object, cause, 0);
        return;
    }
    for (size_t i = 0; i < MIR_NELEMS(ticks); i++)
        if (!strcmp(ticks[i].kind, object->kind->name))
            ticks[i].tick(world, object, cause);
}
