/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/base64.h"
#include "api/clock.h"
#include "api/flag.h"
#include "api/http.h"
#include "api/memory.h"
#include "api/record.h"

static const void *member(const void *record, size_t at)
{
    return (const char *)record + at;
}

static size_t count_of(const struct mir_field *field, const void *args)
{
    return *(const size_t *)member(args, field->count_at);
}

/* The text that a member is sent as: borrowed, in `space`, or in *ret_made (owned); NULL: it is
 * left out. Not for lists. */
typedef const char *putter(const struct mir_field *field, const void *args, char space[64],
                           char **ret_made);

static const char *put_text(const struct mir_field *field, const void *args, char space[64],
                            char **ret_made)
{
    const char *text = *(const char *const *)member(args, field->at);
    return text && *text ? text : NULL;
}

static const char *put_empty(const struct mir_field *field, const void *args, char space[64],
                             char **ret_made)
{
    return *(const char *const *)member(args, field->at);
}

static const char *put_always(const struct mir_field *field, const void *args, char space[64],
                              char **ret_made)
{
    snprintf(space, 64, "%" PRId64, *(const int64_t *)member(args, field->at));
    return space;
}

static const char *put_number(const struct mir_field *field, const void *args, char space[64],
                              char **ret_made)
{
    return *(const int64_t *)member(args, field->at) ? put_always(field, args, space, ret_made)
                                                     : NULL;
}

static const char *put_true(const struct mir_field *field, const void *args, char space[64],
                            char **ret_made)
{
    return *(const bool *)member(args, field->at) ? "true" : NULL;
}

static const char *put_flag(const struct mir_field *field, const void *args, char space[64],
                            char **ret_made)
{
    static const char *const words[] = {
        [MIR_UNSAID] = NULL, [MIR_NO] = "false", [MIR_YES] = "true"};
    return words[*(const enum mir_flag *)member(args, field->at)];
}

static const char *put_time(const struct mir_field *field, const void *args, char space[64],
                            char **ret_made)
{
    int64_t utc_s = *(const int64_t *)member(args, field->at);
    mir_time_format(utc_s, space);
    return utc_s ? space : NULL;
}

static const char *put_base64(const struct mir_field *field, const void *args, char space[64],
                              char **ret_made)
{
    const void *data = *(const void *const *)member(args, field->at);
    *ret_made = data ? mir_base64(data, count_of(field, args)) : NULL;
    return *ret_made;
}

static putter *const putters[MIR_FIELD_KIND_COUNT] = {
    [MIR_PUT_TEXT] = put_text,     [MIR_PUT_NUMBER] = put_number, [MIR_PUT_ALWAYS] = put_always,
    [MIR_PUT_TRUE] = put_true,     [MIR_PUT_FLAG] = put_flag,     [MIR_PUT_TIME] = put_time,
    [MIR_PUT_BASE64] = put_base64, [MIR_PUT_EMPTY] = put_empty,
};

static const char *value_of(const struct mir_field *field, const void *args, char space[64],
                            char **ret_made)
{
    return putters[field->kind] ? putters[field->kind](field, args, space, ret_made) : NULL;
}

/* --- EC2's forms --- */

void mir_form_add(struct mir_buf *out, const char *name, const char *value)
{
    mir_buf_adds(out, out->len ? "&" : "");
    mir_url_encode(out, name, strlen(name), false);
    mir_buf_adds(out, "=");
    mir_url_encode(out, value, strlen(value), false);
}

static void write_form(struct mir_buf *out, const char *prefix, const struct mir_table *table,
                       const void *args);

static void write_list(struct mir_buf *out, const char *name, const struct mir_field *field,
                       const void *args)
{
    const void *rows = *(const void *const *)member(args, field->at);
    for (size_t i = 0; i < count_of(field, args); i++) {
        mir_auto_free char *numbered = mir_format("%s.%zu", name, i + 1);
        if (mir_kind_texts(field->kind)) {
            mir_form_add(out, numbered, ((const char *const *)rows)[i]);
        } else {
            mir_auto_free char *inside = mir_format("%s.", numbered);
            write_form(out, inside, field->of, (const char *)rows + i * field->of->size);
        }
    }
}

static void write_form(struct mir_buf *out, const char *prefix, const struct mir_table *table,
                       const void *args)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct mir_field *field = &table->fields[i];
        mir_auto_free char *name = mir_format("%s%s", prefix, field->name);
        mir_auto_free char *made = NULL;
        char space[64];
        if (mir_kind_texts(field->kind) || field->kind == MIR_PUT_LIST) {
            write_list(out, name, field, args);
            continue;
        }
        const char *value = value_of(field, args, space, &made);
        if (value)
            mir_form_add(out, name, value);
    }
}

void mir_form_write(struct mir_buf *out, const struct mir_table *table, const void *args)
{
    write_form(out, "", table, args);
}

/* --- JSON --- */

static json_t *json_list(const struct mir_field *field, const void *args)
{
    const void *rows = *(const void *const *)member(args, field->at);
    json_t *list = json_array();
    for (size_t i = 0; i < count_of(field, args); i++)
        json_array_append_new(
            list, mir_kind_texts(field->kind)
                      ? json_string(((const char *const *)rows)[i])
                      : mir_json_write(field->of, (const char *)rows + i * field->of->size));
    return list;
}

/* --- what only JSON has; new reference, or NULL: left out --- */

typedef json_t *json_maker(const struct mir_field *field, const void *args);

static json_t *json_or_null(const struct mir_field *field, const void *args)
{
    const char *text = *(const char *const *)member(args, field->at);
    return text ? json_string(text) : json_null();
}

static json_t *json_given(const struct mir_field *field, const void *args)
{
    json_t *json = *(json_t *const *)member(args, field->at);
    return json ? json_deep_copy(json) : NULL;
}

/* The text of the row's field of that name; "" where there is none. */
static const char *text_of(const struct mir_table *table, const char *name, const void *row)
{
    const char *text = NULL;
    for (size_t i = 0; i < table->count; i++)
        if (!strcmp(table->fields[i].name, name))
            text = *(const char *const *)member(row, table->fields[i].at);
    return text ? text : "";
}

static json_t *json_map(const struct mir_field *field, const void *args)
{
    const char *rows = *(const char *const *)member(args, field->at);
    size_t count = count_of(field, args);
    json_t *object = count ? json_object() : NULL;
    for (size_t i = 0; i < count; i++) {
        const void *row = rows + i * field->of->size;
        json_object_set_new(object, text_of(field->of, "*", row),
                            json_string(text_of(field->of, "", row)));
    }
    return object;
}

static json_maker *const json_makers[MIR_FIELD_KIND_COUNT] = {
    [MIR_PUT_NULL] = json_or_null, [MIR_PUT_JSON] = json_given, [MIR_PUT_MAP] = json_map};

/* New reference, or NULL: left out. */
static json_t *json_value(const struct mir_field *field, const void *args)
{
    char space[64];
    mir_auto_free char *made = NULL;
    if (mir_kind_texts(field->kind) || field->kind == MIR_PUT_LIST)
        return count_of(field, args) ? json_list(field, args) : NULL;
    if (json_makers[field->kind])
        return json_makers[field->kind](field, args);
    const char *value = value_of(field, args, space, &made);
    if (!value)
        return NULL;
    if (field->kind == MIR_PUT_NUMBER || field->kind == MIR_PUT_ALWAYS)
        return json_integer(*(const int64_t *)member(args, field->at));
    if (field->kind == MIR_PUT_TRUE || field->kind == MIR_PUT_FLAG)
        return json_boolean(!strcmp(value, "true"));
    return json_string(value);
}

/* The object that the last part of a dotted name is a member of; borrowed. */
static json_t *json_home(json_t *object, const char *name, const char **ret_last)
{
    for (const char *dot; (dot = strchr(name, '.')); name = dot + 1) {
        mir_auto_free char *part = mir_format("%.*s", (int)(dot - name), name);
        json_t *next = json_object_get(object, part);
        if (!next) {
            next = json_object();
            json_object_set_new(object, part, next);
        }
        object = next;
    }
    *ret_last = name;
    return object;
}

json_t *mir_json_write(const struct mir_table *table, const void *args)
{
    json_t *object = json_object();
    for (size_t i = 0; i < table->count; i++) {
        json_t *value = json_value(&table->fields[i], args);
        if (!value)
            continue;
        const char *last;
        json_t *home = json_home(object, table->fields[i].name, &last);
        if (*last) {
            json_object_set_new(home, last, value);
        } else { /* a map whose members stand among the others */
            json_object_update_missing(home, value);
            json_decref(value);
        }
    }
    return object;
}
