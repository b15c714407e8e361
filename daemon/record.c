/* SPDX-License-Identifier: ISC */
/* A deployment as the JSON text that the store keeps: every field by name, from one table, so
 * that a field added later reads as zero from an older record. */
#include <stddef.h>
#include <string.h>

#include "api/buf.h"
#include "api/json.h"
#include "api/memory.h"
#include "daemon/cost.h"

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
    FIELD(mird_deployment, carrier, U32),
    FIELD(mird_deployment, guest_bytes, U64),
    FIELD(mird_deployment, list, BOOL),
    FIELD(mird_deployment, anyway, BOOL),
    FIELD(mird_deployment, prove, BOOL),
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
    FIELD(mird_deployment, before_s, I64),
    FIELD(mird_deployment, refused_s, I64),
    FIELD(mird_deployment, hooks_asked_s, I64),
    FIELD(mird_deployment, hooks_lost_s, I64),
    FIELD(mird_deployment, hooks_moved, U32),
    FIELD(mird_deployment, hooks_again_ms, I64),
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
    FIELD(mird_deployment, halted_s, I64),
    FIELD(mird_deployment, halted_text, TEXT),
    FIELD(mird_deployment, halted_hint, TEXT),
};

static const struct field machine_fields[] = {
    FIELD(mir_machine, firmware, U32),
    FIELD(mir_machine, disk, U32),
    FIELD(mir_machine, nic, U32),
};

static const struct field place_fields[] = {
    FIELD(mir_place, cloud, TEXT),      FIELD(mir_place, region, TEXT),
    FIELD(mir_place, type, TEXT),       FIELD(mir_place, spot, BOOL),
    FIELD(mir_place, ipv6_only, BOOL),  FIELD(mir_place, keep_address, BOOL),
    FIELD(mir_place, open_given, BOOL), FIELD(mir_place, budget_micro, I64),
};

static const struct field price_fields[] = {
    FIELD(mir_price, known, BOOL),     FIELD(mir_price, per_hour_micro, I64),
    FIELD(mir_price, once_micro, I64), FIELD(mir_price, least_s, U32),
    FIELD(mir_price, date, TEXT),      FIELD(mir_price, note, TEXT),
};

static const struct field instance_fields[] = {
    FIELD(mir_instance, id, TEXT),         FIELD(mir_instance, state, U32),
    FIELD(mir_instance, address, TEXT),    FIELD(mir_instance, address6, TEXT),
    FIELD(mir_instance, started_ms, I64),  FIELD(mir_instance, first_output_ms, I64),
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

static const struct field block_fields[] = {
    FIELD(mir_block, name, TEXT),
    FIELD(mir_block, sha256, TEXT),
    FIELD(mir_block, bytes, U64),
};

/* --- writing --- */

static int64_t get_integer(const struct field *field, const char *at)
{
    int64_t i64;
    uint32_t u32;
    if (field->type == BOOL)
        return *at;
    if (field->type == U32) {
        memcpy(&u32, at, sizeof u32);
        return u32;
    }
    memcpy(&i64, at, sizeof i64);
    return i64;
}

/* What is zero reads as zero when it is not there, and so does what is no text. */
static bool is_left_out(const struct field *field, const char *at)
{
    if (field->type != TEXT)
        return !get_integer(field, at);
    const char *byte = at;
    while (*byte > 0)
        byte++;
    if (!*byte)
        return !*at;
    json_t *text = json_string(at); /* NULL: not UTF-8 */
    json_decref(text);
    return !text;
}

static void put_value(struct mir_buf *out, const struct field *field, const char *at)
{
    if (field->type == TEXT)
        mir_json_put_text(out, at);
    else if (field->type == BOOL)
        mir_buf_adds(out, "true");
    else
        mir_json_put_integer(out, get_integer(field, at));
}

/* Between members: a comma where something stands before. */
static void put_name(struct mir_buf *out, const char *name)
{
    char last = out->len ? out->data[out->len - 1] : '\0';
    if (last != '{' && last != '[')
        mir_buf_add(out, ",", 1);
    if (!name)
        return;
    mir_buf_add(out, "\"", 1);
    mir_buf_adds(out, name);
    mir_buf_add(out, "\":", 2);
}

/* Members of the object that is open. */
static void put_fields(struct mir_buf *out, const struct field *fields, size_t count,
                       const void *base)
{
    for (size_t i = 0; i < count; i++) {
        const char *at = (const char *)base + fields[i].offset;
        if (is_left_out(&fields[i], at))
            continue;
        put_name(out, fields[i].name);
        put_value(out, &fields[i], at);
    }
}

static void put_object(struct mir_buf *out, const char *name, const struct field *fields,
                       size_t count, const void *base)
{
    put_name(out, name);
    mir_buf_add(out, "{", 1);
    put_fields(out, fields, count, base);
    mir_buf_add(out, "}", 1);
}

static void put_ports(struct mir_buf *out, const struct mir_port *ports, unsigned count)
{
    put_name(out, "ports");
    mir_buf_add(out, "[", 1);
    for (unsigned i = 0; i < count; i++) {
        put_name(out, NULL);
        mir_buf_add(out, "[", 1);
        mir_json_put_text(out, ports[i].address);
        mir_buf_addf(out, ",%d,%d]", (int)ports[i].host_port, (int)ports[i].guest_port);
    }
    mir_buf_add(out, "]", 1);
}

/* Where there is a choice of one, which few have. */
static void put_place(struct mir_buf *out, const struct mir_place *place)
{
    if (!mir_place_asked(place) && !place->open_count && !place->budget_micro)
        return;
    put_name(out, "place");
    mir_buf_add(out, "{", 1);
    put_fields(out, place_fields, MIR_NELEMS(place_fields), place);
    put_name(out, "open");
    mir_buf_add(out, "[", 1);
    for (unsigned i = 0; i < place->open_count; i++) {
        put_name(out, NULL);
        mir_json_put_integer(out, place->open[i]);
    }
    mir_buf_adds(out, "]}");
}

/* Which few have. */
static void put_blocks(struct mir_buf *out, const struct mir_blocks *blocks)
{
    if (!blocks->count)
        return;
    put_name(out, "blocks");
    mir_buf_add(out, "[", 1);
    for (unsigned i = 0; i < blocks->count; i++)
        put_object(out, NULL, block_fields, MIR_NELEMS(block_fields), &blocks->list[i]);
    mir_buf_add(out, "]", 1);
}

/* What is free, as all was at first, has none. */
static void put_price(struct mir_buf *out, const struct mir_price *price)
{
    if (!mird_price_free(price) || *price->date || *price->note)
        put_object(out, "price", price_fields, MIR_NELEMS(price_fields), price);
}

static void put_trail(struct mir_buf *out, const struct mird_trail *trail)
{
    put_name(out, "trail");
    mir_buf_add(out, "{", 1);
    put_fields(out, trail_fields, MIR_NELEMS(trail_fields), trail);
    put_name(out, "objects");
    mir_buf_add(out, "[", 1);
    for (unsigned i = 0; i < trail->object_count; i++) {
        const struct mird_object *object = &trail->objects[i];
        put_name(out, NULL);
        mir_buf_add(out, "{", 1);
        put_fields(out, object_fields, MIR_NELEMS(object_fields), &object->what);
        put_fields(out, shown_fields, MIR_NELEMS(shown_fields), object);
        mir_buf_add(out, "}", 1);
    }
    mir_buf_add(out, "]", 1);
    put_object(out, "instance", ending_fields, MIR_NELEMS(ending_fields), &trail->instance);
    put_object(out, "image", ending_fields, MIR_NELEMS(ending_fields), &trail->image);
    mir_buf_add(out, "}", 1);
}

static void put_lists(struct mir_buf *out, const struct mird_deployment *d)
{
    put_name(out, "steps");
    mir_buf_add(out, "[", 1);
    for (int i = 0; i < MIRD_STEP_COUNT; i++) {
        put_name(out, NULL);
        mir_json_put_integer(out, d->steps[i]);
    }
    mir_buf_add(out, "]", 1);
    put_name(out, "hooks");
    mir_buf_add(out, "[", 1);
    for (unsigned i = 0; i < d->hook_count; i++)
        put_object(out, NULL, hook_fields, MIR_NELEMS(hook_fields), &d->hooks[i]);
    mir_buf_add(out, "]", 1);
}

/* By hand, not through a tree: it is written with every change of a lease. */
char *mird_deployment_record(const struct mird_deployment *d)
{
    struct mir_buf out;
    mir_buf_init(&out, SIZE_MAX / 2);
    mir_buf_add(&out, "{", 1);
    put_fields(&out, deployment_fields, MIR_NELEMS(deployment_fields), d);
    put_ports(&out, d->ports, d->port_count);
    put_name(&out, "instance");
    mir_buf_add(&out, "{", 1);
    put_fields(&out, instance_fields, MIR_NELEMS(instance_fields), &d->instance);
    put_ports(&out, d->instance.ports, d->instance.port_count);
    mir_buf_add(&out, "}", 1);
    put_object(&out, "machine", machine_fields, MIR_NELEMS(machine_fields), &d->machine);
    put_place(&out, &d->place);
    put_price(&out, &d->price);
    put_blocks(&out, &d->blocks);
    put_lists(&out, d);
    put_trail(&out, &d->trail);
    mir_buf_add(&out, "}", 1);
    return mir_buf_take(&out);
}

/* --- reading --- */

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

/* One from before the choice has none: all of it is the provider's. */
static int set_machine(const json_t *json, struct mir_machine *machine, struct mir_error *err)
{
    if (set_fields(machine_fields, MIR_NELEMS(machine_fields), machine, json, err))
        return -1;
    if (machine->firmware < MIR_MACHINE_FIRMWARES && machine->disk < MIR_MACHINE_BUSES &&
        machine->nic < MIR_CARD_COUNT)
        return 0;
    return mir_fail(err, MIR_CORRUPT, "a stored deployment has a bad machine");
}

static int set_place(const json_t *json, struct mir_place *place, struct mir_error *err)
{
    const json_t *list = json_object_get(json, "open");
    size_t count = json_array_size(list);
    if (set_fields(place_fields, MIR_NELEMS(place_fields), place, json, err))
        return -1;
    if (count > MIR_OPEN_MAX || place->budget_micro < 0)
        return mir_fail(err, MIR_CORRUPT, "a stored deployment has a bad place");
    for (size_t i = 0; i < count; i++) {
        json_int_t port = json_integer_value(json_array_get(list, i));
        if (port < 1 || port > 65535)
            return mir_fail(err, MIR_CORRUPT, "a stored deployment has a bad open port");
        place->open[place->open_count++] = (uint16_t)port;
    }
    return 0;
}

static int set_price(const json_t *json, struct mir_price *price, struct mir_error *err)
{
    if (!json) {
        price->known = true;
        return 0;
    }
    if (set_fields(price_fields, MIR_NELEMS(price_fields), price, json, err))
        return -1;
    if (price->per_hour_micro < 0 || price->once_micro < 0)
        return mir_fail(err, MIR_CORRUPT, "a stored deployment has a bad price");
    return 0;
}

static int set_blocks(const json_t *list, struct mir_blocks *blocks, struct mir_error *err)
{
    size_t count = json_array_size(list);
    if (count > MIR_BLOCKS_MAX)
        return mir_fail(err, MIR_CORRUPT, "a stored deployment has %zu block devices", count);
    for (; blocks->count < count; blocks->count++) {
        struct mir_block *block = &blocks->list[blocks->count];
        if (set_fields(block_fields, MIR_NELEMS(block_fields), block,
                       json_array_get(list, blocks->count), err))
            return -1;
        if (!mir_sha256_valid(block->sha256))
            return mir_fail(err, MIR_CORRUPT, "a stored deployment has a bad block device");
    }
    return 0;
}

int mird_deployment_from_record(const json_t *json, struct mird_deployment *ret,
                                struct mir_error *err)
{
    struct mird_deployment d = {0};
    const json_t *instance = json_object_get(json, "instance");
    if (set_fields(deployment_fields, MIR_NELEMS(deployment_fields), &d, json, err) ||
        set_fields(instance_fields, MIR_NELEMS(instance_fields), &d.instance, instance, err) ||
        set_machine(json_object_get(json, "machine"), &d.machine, err) ||
        set_place(json_object_get(json, "place"), &d.place, err) ||
        set_price(json_object_get(json, "price"), &d.price, err) ||
        set_blocks(json_object_get(json, "blocks"), &d.blocks, err) ||
        set_ports(json_object_get(instance, "ports"), d.instance.ports, &d.instance.port_count,
                  err) ||
        set_trail(json_object_get(json, "trail"), &d.trail, err) || set_lists(&d, json, err))
        return -1;
    if (!mir_id_valid(d.id) || !mir_name_valid(d.name) || d.end_reason > MIRD_END_FAILED)
        return mir_fail(err, MIR_CORRUPT, "a stored deployment has no id, name or known state");
    *ret = d;
    return 0;
}
