/* SPDX-License-Identifier: ISC */
#include "api/json.h"

#include <string.h>

#include "api/memory.h"
#include "api/suggest.h"

json_t *mir_json_parse(const char *text, size_t len, size_t max_bytes, struct mir_error *err)
{
    if (len > max_bytes) {
        mir_fail(err, MIR_USAGE, "JSON document of %zu bytes; at most %zu are taken", len,
                 max_bytes);
        return NULL;
    }
    json_error_t jerr;
    json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &jerr);
    if (!json)
        mir_fail(err, MIR_USAGE, "not JSON: line %d, column %d: %s", jerr.line, jerr.column,
                 jerr.text);
    return json;
}

char *mir_json_text(const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    return text ? text : mir_strdup("null");
}

/* As jansson does it, so that the same text comes to the same bytes. */
static void put_escaped(struct mir_buf *out, char c)
{
    static const char codes[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *found = strchr(codes, c);
    if (found)
        mir_buf_addf(out, "\\%c", letters[found - codes]);
    else
        mir_buf_addf(out, "\\u%04X", (unsigned)(unsigned char)c);
}

void mir_json_put_text(struct mir_buf *out, const char *text)
{
    mir_buf_add(out, "\"", 1);
    for (const char *from = text; *from;) {
        const char *to = from;
        while ((unsigned char)*to >= ' ' && *to != '"' && *to != '\\')
            to++;
        mir_buf_add(out, from, (size_t)(to - from));
        if (*to)
            put_escaped(out, *to++);
        from = to;
    }
    mir_buf_add(out, "\"", 1);
}

void mir_json_put_integer(struct mir_buf *out, int64_t value)
{
    char digits[24], *at = digits + sizeof digits;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0)
        *--at = '-';
    mir_buf_add(out, at, (size_t)(digits + sizeof digits - at));
}

static int is_allowed(const char *name, const char *const *allowed, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(name, allowed[i]))
            return 1;
    return 0;
}

int mir_json_only(json_t *obj, const char *const *allowed, size_t count, struct mir_error *err)
{
    if (!json_is_object(obj))
        return mir_fail(err, MIR_USAGE, "a JSON object is needed here");
    const char *name;
    json_t *value;
    json_object_foreach(obj, name, value)
    {
        if (is_allowed(name, allowed, count))
            continue;
        const char *near = mir_suggest(name, allowed, count);
        mir_fail(err, MIR_USAGE, "unknown field '%.64s'", name);
        if (near)
            mir_error_hint(err, "did you mean '%s'?", near);
        return -1;
    }
    return 0;
}

static const json_t *member(const json_t *obj, const char *name)
{
    const json_t *value = json_object_get(obj, name);
    return json_is_null(value) ? NULL : value;
}

int mir_json_get_text(const json_t *obj, const char *name, const char **ret, struct mir_error *err)
{
    const json_t *value = member(obj, name);
    if (value && !json_is_string(value))
        return mir_fail(err, MIR_USAGE, "field '%s' has to be a text", name);
    if (value)
        *ret = json_string_value(value);
    return 0;
}

int mir_json_get_int(const json_t *obj, const char *name, long long *ret, struct mir_error *err)
{
    const json_t *value = member(obj, name);
    if (value && !json_is_integer(value))
        return mir_fail(err, MIR_USAGE, "field '%s' has to be a whole number", name);
    if (value)
        *ret = json_integer_value(value);
    return 0;
}

int mir_json_get_bool(const json_t *obj, const char *name, int *ret, struct mir_error *err)
{
    const json_t *value = member(obj, name);
    if (value && !json_is_boolean(value))
        return mir_fail(err, MIR_USAGE, "field '%s' has to be true or false", name);
    if (value)
        *ret = json_is_true(value);
    return 0;
}
