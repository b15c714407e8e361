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
    shown(trail, "address", found->address6, by, now_ms);
    for (unsigned i = 0; i < found->port_count && i < MIR_PORTS_MAX; i++)
        shown_port(trail, &found->ports[i], by, now_ms);
    for (unsigned i = 0; i < found->object_count && i < MIR_OBJECTS_MAX; i++)
        shown(trail, found->objects[i].kind, found->objects[i].id, by, now_ms);
}

/* Of the steps that make something at the provider; NULL for the others. */
static struct mird_ending *ending_of(struct mird_trail *trail, enum mird_step_kind step)
{
    return step == MIRD_STEP_INSTANCE ? &trail->instance
           : step == MIRD_STEP_IMAGE  ? &trail->image
                                      : NULL;
}

/* A delete was sent, and answered or not. */
static void sent(struct mird_ending *ending, const struct mird_input *in, int64_t now_ms)
{
    bool accepted = in->kind == MIRD_IN_UNDONE;
    bool left = accepted || !in->error || in->error->outcome != MIR_DID_NOT_HAPPEN;
    if (!in->asked_ms || !left)
        return;
    ending->sent++;
    ending->last_ms = in->asked_ms;
    if (!ending->first_ms)
        ending->first_ms = ending->last_ms;
    if (accepted)
        ending->accepted_ms = now_ms;
}

static void done(struct mird_trail *trail, const struct mird_input *in, int64_t now_ms)
{
    if (in->step == MIRD_STEP_INSTANCE)
        shown_instance(trail, in->instance, "create", now_ms);
    else if (in->step == MIRD_STEP_IMAGE && in->image_id)
        shown(trail, "image", in->image_id, "image_put", now_ms);
}

/* The listing is the second question: without it none was asked (a provider without images). */
static void gone(struct mird_ending *ending, const struct mird_input *in, int64_t settled,
                 int64_t now_ms)
{
    if (!in->listed_ms)
        return;
    ending->settled_ms = settled;
    ending->get_ms = in->asked_ms;
    ending->list_ms = in->listed_ms;
    ending->listed = in->listed;
    ending->gone_ms = now_ms;
}

static void still_there(struct mird_trail *trail, const struct mird_input *in, int64_t now_ms)
{
    const char *by = in->listed_ms ? "listing" : "get";
    if (in->step == MIRD_STEP_IMAGE)
        shown(trail, "image", in->instance->id, by, now_ms);
    else
        shown_instance(trail, in->instance, by, now_ms);
}

void mird_trail_follow(struct mird_deployment *d, enum mird_step_status was,
                       const struct mird_rules *rules, const struct mird_input *in, int64_t now_ms)
{
    struct mird_trail *trail = &d->trail;
    struct mird_ending *ending = ending_of(trail, in->step);
    if (in->kind == MIRD_IN_DONE)
        done(trail, in, now_ms);
    else if (in->kind == MIRD_IN_LOOKED)
        shown_instance(trail, in->instance, "get", now_ms);
    else if (in->kind == MIRD_IN_STILL_THERE)
        still_there(trail, in, now_ms);
    else if (!ending || !made_ms(d, in->step))
        return; /* nothing that the provider was ever asked to make */
    else if (in->kind == MIRD_IN_UNDONE || in->kind == MIRD_IN_UNDO_FAILED)
        sent(ending, in, now_ms);
    else if (in->kind == MIRD_IN_ABSENT && was == MIRD_UNDOING && d->steps[in->step] == MIRD_UNDONE)
        gone(ending, in, settled_ms(d, rules, in->step), now_ms);
}
