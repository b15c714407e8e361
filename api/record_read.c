/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/base64.h"
#include "api/clock.h"
#include "api/memory.h"
#include "api/record.h"
#include "api/secret.h"

static void *member(void *record, size_t at)
{
    return (char *)record + at;
}

/* --- one value's text into its member; -1: it is none --- */

typedef int getter(const struct mir_field *field, void *record, const char *text);

static int get_text(const struct mir_field *field, void *record, const char *text)
{
    return mir_copy(member(record, field->at), field->size, text);
}

static int get_cut(const struct mir_field *field, void *record, const char *text)
{
    (void)mir_copy(member(record, field->at), field->size, text);
    return 0;
}

static int get_owned(const struct mir_field *field, void *record, const char *text)
{
    char **slot = member(record, field->at);
    free(*slot);
    *slot = mir_strdup(text);
    return 0;
}

static int get_number(const struct mir_field *field, void *record, const char *text)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno || end == text || *end)
        return -1;
    *(int64_t *)member(record, field->at) = number;
    return 0;
}

static int get_true(const struct mir_field *field, void *record, const char *text)
{
    bool yes = !strcmp(text, "true");
    *(bool *)member(record, field->at) = yes;
    return yes || !strcmp(text, "false") ? 0 : -1;
}

/* In words (UTC where they name no zone, as OpenStack's often do not), or (as JSON protocols write
 * it) in seconds with a fraction. */
static int get_time(const struct mir_field *field, void *record, const char *text)
{
    int64_t *to = member(record, field->at);
    char zoned[MIR_TIME_SIZE + 8];
    snprintf(zoned, sizeof zoned, "%.32sZ", text);
    if (!mir_time_parse(text, to, NULL) || !mir_time_parse(zoned, to, NULL))
        return 0;
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end || !(seconds > -1e12 && seconds < 1e12))
        return -1;
    *to = (int64_t)seconds;
    return 0;
}

static int get_secret(const struct mir_field *field, void *record, const char *text)
{
    return mir_secret_set(member(record, field->at), text, strlen(text), NULL);
}

static int get_base64(const struct mir_field *field, void *record, const char *text)
{
    size_t len = 0;
    char *bytes = mir_base64_decode(text, &len);
    if (!bytes)
        return -1;
    char **slot = member(record, field->at);
    free(*slot);
    *slot = bytes;
    *(size_t *)member(record, field->count_at) = len;
    return 0;
}

static getter *const getters[MIR_FIELD_KIND_COUNT] = {
    [MIR_GET_TEXT] = get_text,     [MIR_GET_CUT] = get_cut,       [MIR_GET_OWNED] = get_owned,
    [MIR_GET_NUMBER] = get_number, [MIR_GET_TRUE] = get_true,     [MIR_GET_TIME] = get_time,
    [MIR_GET_SECRET] = get_secret, [MIR_GET_BASE64] = get_base64,
};

static int store(const struct mir_field *field, void *record, const char *text,
                 struct mir_error *err)
{
    if (!getters[field->kind])
        return mir_fail(err, MIR_INTERNAL, "'%s' is no member of a reply", field->name);
    if (!getters[field->kind](field, record, text))
        return 0;
    return mir_fail(err, MIR_CORRUPT, "the answer's '%s' cannot be read: '%.60s'", field->name,
                    field->kind == MIR_GET_SECRET ? "" : text);
}

/* Room for one more row, zeroed; NULL: too many. */
static void *new_row(const struct mir_field *field, void *record, struct mir_error *err)
{
    void **rows = member(record, field->at);
    size_t *count = member(record, field->count_at), size = field->of->size;
    if (*count >= MIR_ROWS_MAX) {
        mir_fail(err, MIR_CORRUPT, "the answer has more than %d of '%s'", MIR_ROWS_MAX,
                 field->name);
        return NULL;
    }
    if (!(*count & (*count - 1))) /* 0 and the powers of two: double */
        *rows = mir_realloc(*rows, *count ? 2 * *count : 1, size);
    void *row = (char *)*rows + *count * size;
    memset(row, 0, size);
    ++*count;
    return row;
}

/* --- from XML --- */

static int xml_rows(const struct mir_field *field, const struct mir_xml_node *node,
                    const char *path, void *record, struct mir_error *err)
{
    size_t len = strcspn(path, "/");
    mir_auto_free char *name = mir_format("%.*s", (int)len, path);
    for (const struct mir_xml_node *n = mir_xml_first(node, name); n; n = mir_xml_next(n, name)) {
        if (path[len]) {
            if (xml_rows(field, n, path + len + 1, record, err))
                return -1;
            continue;
        }
        if (mir_xml_read_row(field, n, record, err))
            return -1;
    }
    return 0;
}

int mir_xml_read_row(const struct mir_field *list, const struct mir_xml_node *node, void *ret,
                     struct mir_error *err)
{
    void *row = new_row(list, ret, err);
    return !row || mir_xml_read(list->of, node, row, err) ? -1 : 0;
}

int mir_xml_read(const struct mir_table *table, const struct mir_xml_node *node, void *ret,
                 struct mir_error *err)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct mir_field *field = &table->fields[i];
        if (field->kind == MIR_GET_LIST) {
            if (xml_rows(field, node, field->name, ret, err))
                return -1;
            continue;
        }
        const char *text = mir_xml_get(node, field->name);
        if (!*text && field->required)
            return mir_fail(err, MIR_CORRUPT, "the answer has no '%s'", field->name);
        if (*text && store(field, ret, text, err))
            return -1;
    }
    return 0;
}

size_t mir_table_paths(const struct mir_table *table, const char *ret[], size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        const struct mir_field *field = &table->fields[i];
        if (count < max)
            ret[count] = field->name;
        count++;
        size_t left = count < max ? max - count : 0;
        if (field->of)
            count += mir_table_paths(field->of, ret + (left ? count : 0), left);
    }
    return count;
}

/* --- from JSON --- */

static const json_t *json_find(const json_t *json, const char *path)
{
    while (json && *path) {
        size_t len = strcspn(path, "/");
        mir_auto_free char *part = mir_format("%.*s", (int)len, path);
        json = json_object_get(json, part);
        path += len + (path[len] == '/');
    }
    return json_is_null(json) ? NULL : json;
}

/* The text of a simple value; in `space` or borrowed. NULL: it is none. */
static const char *json_text_of(const json_t *json, char space[64])
{
    if (json_is_string(json))
        return json_string_value(json);
    if (json_is_boolean(json))
        return json_is_true(json) ? "true" : "false";
    if (json_is_integer(json))
        snprintf(space, 64, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
    else if (json_is_real(json))
        snprintf(space, 64, "%.3f", json_real_value(json));
    return json_is_number(json) ? space : NULL;
}

static int json_rows(const struct mir_field *field, const json_t *list, void *record,
                     struct mir_error *err)
{
    if (list && !json_is_array(list))
        return mir_fail(err, MIR_CORRUPT, "the answer's '%s' is no list", field->name);
    for (size_t i = 0; i < json_array_size(list); i++) {
        void *row = new_row(field, record, err);
        if (!row || mir_json_read(field->of, json_array_get(list, i), row, err))
            return -1;
    }
    return 0;
}

static int json_read(const struct mir_table *table, const char *key, const json_t *json, void *ret,
                     struct mir_error *err);

static int json_map(const struct mir_field *field, const json_t *object, void *record,
                    struct mir_error *err)
{
    if (object && !json_is_object(object))
        return mir_fail(err, MIR_CORRUPT, "the answer's '%s' is no object", field->name);
    json_t *members = (json_t *)(uintptr_t)object; /* jansson's iterator only reads */
    char space[64];
    const char *key;
    json_t *value;
    json_object_foreach(members, key, value)
    {
        if (field->kind == MIR_GET_SIMPLE && !json_text_of(value, space))
            continue;
        void *row = new_row(field, record, err);
        if (!row || json_read(field->of, key, value, row, err))
            return -1;
    }
    return 0;
}

/* `key` is the name of the member that is read; NULL: it is none of a map. */
static int json_read(const struct mir_table *table, const char *key, const json_t *json, void *ret,
                     struct mir_error *err)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct mir_field *field = &table->fields[i];
        bool is_key = key && !strcmp(field->name, "*");
        const json_t *value = is_key ? NULL : json_find(json, field->name);
        if (mir_kind_rows(field->kind)) {
            if ((field->kind == MIR_GET_LIST ? json_rows : json_map)(field, value, ret, err))
                return -1;
            continue;
        }
        char space[64] = "";
        const char *text = is_key ? key : value ? json_text_of(value, space) : "";
        if (!text)
            return mir_fail(err, MIR_CORRUPT, "the answer's '%s' is no simple value", field->name);
        if (!*text && field->required)
            return mir_fail(err, MIR_CORRUPT, "the answer has no '%s'", field->name);
        if (*text && store(field, ret, text, err))
            return -1;
    }
    return 0;
}

int mir_json_read(const struct mir_table *table, const json_t *json, void *ret,
                  struct mir_error *err)
{
    return json_read(table, NULL, json, ret, err);
}

/* --- pages --- */

void mir_record_append(const struct mir_table *table, void *to, void *from)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct mir_field *field = &table->fields[i];
        if (!mir_kind_rows(field->kind))
            continue;
        char **to_rows = member(to, field->at), **from_rows = member(from, field->at);
        size_t *to_count = member(to, field->count_at), *from_count = member(from, field->count_at);
        size_t size = field->of->size, room = 1;
        if (!*from_count)
            continue;
        while (room < *to_count + *from_count) /* as new_row has it */
            room *= 2;
        *to_rows = mir_realloc(*to_rows, room, size);
        memcpy(*to_rows + *to_count * size, *from_rows, *from_count * size);
        *to_count += *from_count;
        free(*from_rows);
        *from_rows = NULL;
        *from_count = 0;
    }
}

/* --- the end --- */

static void clear_rows(const struct mir_field *field, void *record)
{
    char *rows = *(char **)member(record, field->at);
    size_t count = *(size_t *)member(record, field->count_at);
    for (size_t i = 0; i < count; i++)
        mir_record_clear(field->of, rows + i * field->of->size);
    free(rows);
}

void mir_record_clear(const struct mir_table *table, void *record)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct mir_field *field = &table->fields[i];
        if (mir_kind_rows(field->kind))
            clear_rows(field, record);
        else if (field->kind == MIR_GET_OWNED || field->kind == MIR_GET_BASE64)
            free(*(char **)member(record, field->at));
        else if (field->kind == MIR_GET_SECRET)
            mir_secret_clear(member(record, field->at));
    }
    memset(record, 0, table->size);
}
