/* SPDX-License-Identifier: ISC */
/* A deployment as the JSON text that the store keeps: every field by name, from one table, so
 * that a field added later reads as zero from an older record. */
#include <stddef.h>
#include <string.h>

#include "api/memory.h"
#include "daemon/deployment.h"

enum field_type { TEXT, BOOL, I64, U64, U32 };

struct field {
    const char *name;
    enum field_type type;
    size_t offset;
    size_t size; /* of the member; for TEXT the room it has */
};

#define FIELD(owner, member, type)                                                                 \
    {                                                                                              \
#member, type, offsetof(struct owner, member), sizeof(((struct owner *)0)->member)         \
    }

static const struct field deployment_fields[] = {
    FIELD(mird_deployment, id, TEXT),
    FIELD(mird_deployment, name, TEXT),
    FIELD(mird_deployment, provider, TEXT),
    FIELD(mird_deployment, kernel, TEXT),
    FIELD(mird_deployment, owner, TEXT),
    FIELD(mird_deployment, memory_bytes, U64),
    FIELD(mird_deployment, arguments, TEXT),
    FIELD(mird_deployment, url, TEXT),
    FIELD(mird_deployment, wants_url, BOOL),
    FIELD(mird_deployment, url_origin, TEXT),
    FIELD(mird_deployment, token, TEXT),
    FIELD(mird_deployment, takes_part, U32),
    FIELD(mird_deployment, list, BOOL),
    FIELD(mird_deployment, anyway, BOOL),
    FIELD(mird_deployment, created_s, I64),
    FIELD(mird_deployment, deadline_s, I64),
    FIELD(mird_deployment, reason, TEXT),
    FIELD(mird_deployment, end_reason, U32),
    FIELD(mird_deployment, ended_by, TEXT),
    FIELD(mird_deployment, prepared, BOOL),
    FIELD(mird_deployment, seen_running, BOOL),
    FIELD(mird_deployment, seen_live, BOOL),
    FIELD(mird_deployment, stuck, BOOL),
    FIELD(mird_deployment, goal_over, BOOL),
    FIELD(mird_deployment, hooks_stale, BOOL),
    FIELD(mird_deployment, running_ms, I64),
    FIELD(mird_deployment, last_create_ms, I64),
    FIELD(mird_deployment, last_put_ms, I64),
    FIELD(mird_deployment, absent_since_ms, I64),
    FIELD(mird_deployment, ending_since_s, I64),
    FIELD(mird_deployment, retry_at_ms, I64),
    FIELD(mird_deployment, attempts, U32),
    FIELD(mird_deployment, finished_s, I64),
    FIELD(mird_deployment, image_id, TEXT),
    FIELD(mird_deployment, error_code, TEXT),
    FIELD(mird_deployment, error_text, TEXT),
    FIELD(mird_deployment, error_hint, TEXT),
};

static const struct field instance_fields[] = {
    FIELD(mir_instance, id, TEXT),
    FIELD(mir_instance, state, U32),
    FIELD(mir_instance, address, TEXT),
    FIELD(mir_instance, started_ms, I64),
    FIELD(mir_instance, first_output_ms, I64),
    FIELD(mir_instance, end_reason, TEXT),
};

static const struct field hook_fields[] = {
    FIELD(mir_hook, name, TEXT),
    FIELD(mir_hook, state, U32),
    FIELD(mir_hook, deadline_s, I64),
    FIELD(mir_hook, detail, TEXT),
};

static const struct field object_fields[] = {
    FIELD(mir_object, kind, TEXT),
    FIELD(mir_object, id, TEXT),
};

static const struct field shown_fields[] = {
    FIELD(mird_object, shown_by, TEXT),
    FIELD(mird_object, shown_ms, I64),
};

static const struct field ending_fields[] = {
    FIELD(mird_ending, sent, U32),       FIELD(mird_ending, first_ms, I64),
    FIELD(mird_ending, last_ms, I64),    FIELD(mird_ending, accepted_ms, I64),
    FIELD(mird_ending, settled_ms, I64), FIELD(mird_ending, get_ms, I64),
    FIELD(mird_ending, list_ms, I64),    FIELD(mird_ending, listed, U32),
    FIELD(mird_ending, gone_ms, I64),
};

static const struct field trail_fields[] = {
    FIELD(mird_trail, more, BOOL),
};

static json_t *get_field(const struct field *field, const char *base)
{
    const char *at = base + field->offset;
    int64_t i64 = 0;
    uint32_t u32 = 0;
    bool flag = false;
    switch (field->type) {
    case TEXT:
        return json_string(at);
    case BOOL:
        memcpy(&flag, at, sizeof flag);
        return json_boolean(flag);
    case U32:
        memcpy(&u32, at, sizeof u32);
        return json_integer(u32);
    case I64:
    case U64:
        break;
    }
    memcpy(&i64, at, sizeof i64);
    return json_integer(i64);
}

/* What is zero reads as zero when it is not there. */
static bool is_zero(const struct field *field, const char *base)
{
    static const char zeroes[sizeof(int64_t)];
    const char *at = base + field->offset;
    return field->type == TEXT ? !*at : !memcmp(at, zeroes, field->size);
}

static json_t *get_fields(const struct field *fields, size_t count, const void *base)
{
    json_t *object = json_object();
    for (size_t i = 0; i < count; i++)
        if (!is_zero(&fields[i], base))
            json_object_set_new_nocheck(object, fields[i].name, get_field(&fields[i], base));
    return object;
}

/* 0, or -1 when the value is of another type or does not fit. */
static int set_field(const struct field *field, char *base, const json_t *value)
{
    char *at = base + field->offset;
    int64_t i64 = json_integer_value(value);
    uint32_t u32 = (uint32_t)i64;
    bool flag = json_is_true(value);
    switch (field->type) {
    case TEXT:
        return json_is_string(value) ? mir_copy(at, field->size, json_string_value(value)) : -1;
    case BOOL:
        memcpy(at, &flag, sizeof flag);
        return json_is_boolean(value) ? 0 : -1;
    case U32:
        memcpy(at, &u32, sizeof u32);
        return json_is_integer(value) && i64 >= 0 && i64 <= UINT32_MAX ? 0 : -1;
    case I64:
    case U64:
        break;
    }
    memcpy(at, &i64, sizeof i64);
    return json_is_integer(value) ? 0 : -1;
}

static int set_fields(const struct field *fields, size_t count, void *base, const json_t *object,
                      struct mir_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(object, fields[i].name);
        if (value && set_field(&fields[i], base, value))
            return mir_fail(err, MIR_CORRUPT, "a stored deployment has a bad field '%s'",
                            fields[i].name);
    }
    return 0;
}

static json_t *get_ports(const struct mir_port *ports, unsigned count)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(list, json_pack("[s,i,i]", ports[i].address, (int)ports[i].host_port,
                                              (int)ports[i].guest_port));
    return list;
}

static int set_ports(const json_t *list, struct mir_port *ports, unsigned *ret_count,
                     struct mir_error *err)
{
    size_t count = json_array_size(list);
    if (count > MIR_PORTS_MAX)
        return mir_fail(err, MIR_CORRUPT, "a stored deployment has %zu ports", count);
    for (size_t i = 0; i < count; i++) {
        json_t *row = json_array_get(list, i);
        const char *address = json_string_value(json_array_get(row, 0));
        if (!address || mir_copy(ports[i].address, sizeof ports[i].address, address))
            return mir_fail(err, MIR_CORRUPT, "a stored deployment has a bad port");
        ports[i].host_port = (uint16_t)json_integer_value(json_array_get(row, 1));
        ports[i].guest_port = (uint16_t)json_integer_value(json_array_get(row, 2));
    }
    *ret_count = (unsigned)count;
    return 0;
}

/* --- the trail --- */

static json_t *get_trail(const struct mird_trail *trail)
{
    json_t *record = get_fields(trail_fields, MIR_NELEMS(trail_fields), trail);
    json_t *objects = json_array();
    for (unsigned i = 0; i < trail->object_count; i++) {
        const struct mird_object *object = &trail->objects[i];
        json_t *row = get_fields(object_fields, MIR_NELEMS(object_fields), &object->what);
        json_t *rest = get_fields(shown_fields, MIR_NELEMS(shown_fields), object);
        json_object_update(row, rest);
        json_decref(rest);
        json_array_append_new(objects, row);
    }
    json_object_set_new(record, "objects", objects);
    json_object_set_new(record, "instance",
                        get_fields(ending_fields, MIR_NELEMS(ending_fields), &trail->instance));
    json_object_set_new(record, "image",
                        get_fields(ending_fields, MIR_NELEMS(ending_fields), &trail->image));
    return record;
}

static int set_trail(const json_t *record, struct mird_trail *trail, struct mir_error *err)
{
    const json_t *objects = json_object_get(record, "objects");
    size_t count = json_array_size(objects);
    if (count > MIRD_OBJECTS_MAX)
        return mir_fail(err, MIR_CORRUPT, "a stored deployment has %zu objects", count);
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(objects, i);
        if (set_fields(object_fields, MIR_NELEMS(object_fields), &trail->objects[i].what, row,
                       err) ||
            set_fields(shown_fields, MIR_NELEMS(shown_fields), &trail->objects[i], row, err))
            return -1;
    }
    trail->object_count = (unsigned)count;
    if (set_fields(ending_fields, MIR_NELEMS(ending_fields), &trail->instance,
                   json_object_get(record, "instance"), err) ||
        set_fields(ending_fields, MIR_NELEMS(ending_fields), &trail->image,
                   json_object_get(record, "image"), err))
        return -1;
    return set_fields(trail_fields, MIR_NELEMS(trail_fields), trail, record, err);
}

json_t *mird_deployment_to_record(const struct mird_deployment *d)
{
    json_t *record = get_fields(deployment_fields, MIR_NELEMS(deployment_fields), d);
    json_object_set_new(record, "ports", get_ports(d->ports, d->port_count));
    json_t *steps = json_array();
    for (int i = 0; i < MIRD_STEP_COUNT; i++)
        json_array_append_new(steps, json_integer(d->steps[i]));
    json_object_set_new(record, "steps", steps);
    json_t *instance = get_fields(instance_fields, MIR_NELEMS(instance_fields), &d->instance);
    json_object_set_new(instance, "ports", get_ports(d->instance.ports, d->instance.port_count));
    json_object_set_new(record, "instance", instance);
    json_t *hooks = json_array();
    for (unsigned i = 0; i < d->hook_count; i++)
        json_array_append_new(hooks,
                              get_fields(hook_fields, MIR_NELEMS(hook_fields), &d->hooks[i]));
    json_object_set_new(record, "hooks", hooks);
    json_object_set_new(record, "trail", get_trail(&d->trail));
    return record;
}

static int set_lists(struct mird_deployment *d, const json_t *record, struct mir_error *err)
{
    const json_t *steps = json_object_get(record, "steps");
    if (json_array_size(steps) != MIRD_STEP_COUNT)
        return mir_fail(err, MIR_CORRUPT, "a stored deployment has not %d steps", MIRD_STEP_COUNT);
    for (size_t i = 0; i < MIRD_STEP_COUNT; i++) {
        json_int_t status = json_integer_value(json_array_get(steps, i));
        if (status < MIRD_TODO || status > MIRD_UNDONE)
            return mir_fail(err, MIR_CORRUPT, "a stored deployment has a bad step");
        d->steps[i] = (enum mird_step_status)status;
    }
    const json_t *hooks = json_object_get(record, "hooks");
    size_t count = json_array_size(hooks);
    if (count > MIR_HOOKS_MAX)
        return mir_fail(err, MIR_CORRUPT, "a stored deployment has %zu hooks", count);
    for (size_t i = 0; i < count; i++)
        if (set_fields(hook_fields, MIR_NELEMS(hook_fields), &d->hooks[i], json_array_get(hooks, i),
                       err))
            return -1;
    d->hook_count = (unsigned)count;
    return set_ports(json_object_get(record, "ports"), d->ports, &d->port_count, err);
}

int mird_deployment_from_record(const json_t *json, struct mird_deployment *ret,
                                struct mir_error *err)
{
    struct mird_deployment d = {0};
    const json_t *instance = json_object_get(json, "instance");
    if (set_fields(deployment_fields, MIR_NELEMS(deployment_fields), &d, json, err) ||
        set_fields(instance_fields, MIR_NELEMS(instance_fields), &d.instance, instance, err) ||
        set_ports(json_object_get(instance, "ports"), d.instance.ports, &d.instance.port_count,
                  err) ||
        set_trail(json_object_get(json, "trail"), &d.trail, err) || set_lists(&d, json, err))
        return -1;
    if (!mir_id_valid(d.id) || !mir_name_valid(d.name) || d.end_reason > MIRD_END_FAILED)
        return mir_fail(err, MIR_CORRUPT, "a stored deployment has no id, name or known state");
    *ret = d;
    return 0;
}
