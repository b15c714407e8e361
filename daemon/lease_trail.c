/* SPDX-License-Identifier: ISC */
/* The trail of a deployment: what the provider's answers have shown to exist for it, when it was
 * asked to end it, and which questions found it gone. Pure; only answers leave a trail. */
#include <string.h>

#include "api/memory.h"
#include "lease_parts.h"

static void shown(struct mird_trail *trail, const char *kind, const char *id, const char *by,
                  int64_t now_ms)
{
    if (!*id)
        return;
    for (unsigned i = 0; i < trail->object_count; i++)
        if (!strcmp(trail->objects[i].what.kind, kind) && !strcmp(trail->objects[i].what.id, id))
            return;
    if (trail->object_count >= MIRD_OBJECTS_MAX) {
        trail->more = true;
        return;
    }
    struct mird_object *object = &trail->objects[trail->object_count++];
    mir_copy(object->what.kind, sizeof object->what.kind, kind);
    mir_copy(object->what.id, sizeof object->what.id, id);
    mir_copy(object->shown_by, sizeof object->shown_by, by);
    mird_text_clean(object->what.kind);
    mird_text_clean(object->what.id);
    object->shown_ms = now_ms;
}

static void shown_port(struct mird_trail *trail, const struct mir_port *port, const char *by,
                       int64_t now_ms)
{
    char text[MIR_OBJECT_ID];
    if (!port->host_port)
        return;
    mir_port_text(port, text);
    shown(trail, "port", text, by, now_ms);
}

static void shown_instance(struct mird_trail *trail, const struct mir_instance *found,
                           const char *by, int64_t now_ms)
{
    if (!found || found->state == MIR_INSTANCE_ABSENT)
        return;
    shown(trail, "instance", found->id, by, now_ms);
    shown(trail, "address", found->address, by, now_ms);
    for (unsigned i = 0; i < found->port_count && i < MIR_PORTS_MAX; i++)
        shown_port(trail, &found->ports[i], by, now_ms);
    for (unsigned i = 0; i < found->object_count && i < MIR_OBJECTS_MAX; i++)
        shown(trail, found->objects[i].kind, found->objects[i].id, by, now_ms);
}

/* A delete was sent, and answered or not. */
static void sent(struct mird_deletes *deletes, const struct mird_input *in, bool accepted,
                 int64_t now_ms)
{
    if (!accepted && in->error && in->error->outcome == MIR_DID_NOT_HAPPEN)
        return;
    deletes->count++;
    deletes->last_ms = in->asked_ms ? in->asked_ms : now_ms;
    if (!deletes->first_ms)
        deletes->first_ms = deletes->last_ms;
    if (accepted)
        deletes->accepted_ms = now_ms;
}

static void deleted(struct mird_deployment *d, const struct mird_input *in, int64_t now_ms)
{
    struct mird_trail *trail = &d->trail;
    bool accepted = in->kind == MIRD_IN_UNDONE;
    if (in->step == MIRD_STEP_INSTANCE)
        sent(&trail->instance_deletes, in, accepted, now_ms);
    else if (in->step == MIRD_STEP_IMAGE && *d->image_id)
        sent(&trail->image_deletes, in, accepted, now_ms);
}

static void done(struct mird_trail *trail, const struct mird_input *in, int64_t now_ms)
{
    if (in->step == MIRD_STEP_INSTANCE)
        shown_instance(trail, in->instance, "create", now_ms);
    else if (in->step == MIRD_STEP_IMAGE && in->image_id)
        shown(trail, "image", in->image_id, "image_put", now_ms);
}

static void gone(struct mird_trail *trail, const struct mird_input *in, int64_t settled,
                 int64_t now_ms)
{
    trail->settled_ms = settled;
    trail->get_ms = in->asked_ms;
    trail->list_ms = in->listed_ms;
    trail->listed = in->listed;
    trail->seen_gone_ms = now_ms;
}

static void still_there(struct mird_trail *trail, const struct mird_input *in, int64_t now_ms)
{
    const char *by = in->listed_ms ? "listing" : "get";
    if (in->step == MIRD_STEP_IMAGE)
        shown(trail, "image", in->instance->id, by, now_ms);
    else
        shown_instance(trail, in->instance, by, now_ms);
}

static void image_gone(struct mird_deployment *d, int64_t now_ms)
{
    if (d->steps[MIRD_STEP_IMAGE] == MIRD_UNDONE && !d->trail.image_gone_ms)
        d->trail.image_gone_ms = now_ms;
}

void mird_trail_follow(struct mird_deployment *d, enum mird_step_status was,
                       const struct mird_rules *rules, const struct mird_input *in, int64_t now_ms)
{
    struct mird_trail *trail = &d->trail;
    bool confirmed = was == MIRD_UNDOING && d->steps[MIRD_STEP_INSTANCE] == MIRD_UNDONE;
    if (in->kind == MIRD_IN_DONE)
        done(trail, in, now_ms);
    else if (in->kind == MIRD_IN_LOOKED)
        shown_instance(trail, in->instance, "get", now_ms);
    else if (in->kind == MIRD_IN_STILL_THERE)
        still_there(trail, in, now_ms);
    else if (in->kind == MIRD_IN_UNDONE || in->kind == MIRD_IN_UNDO_FAILED)
        deleted(d, in, now_ms);
    else if (in->kind == MIRD_IN_ABSENT && in->step == MIRD_STEP_IMAGE)
        image_gone(d, now_ms);
    else if (in->kind == MIRD_IN_ABSENT && confirmed)
        gone(trail, in, settled_ms(d, rules, MIRD_STEP_INSTANCE), now_ms);
}
