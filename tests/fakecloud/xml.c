/* SPDX-License-Identifier: ISC */
#include "xml.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

void fc_xml_text(struct mir_buf *out, const char *text)
{
    static const struct {
        char c;
        const char *entity;
    } entities[] = {{'&', "&amp;"},  {'<', "&lt;"},   {'>', "&gt;"},
                    {'"', "&quot;"}, {'\r', "&#13;"}, {'\n', "&#10;"}};
    while (*text) {
        size_t plain = strcspn(text, "&<>\"\r\n");
        mir_buf_add(out, text, plain);
        text += plain;
        for (size_t i = 0; *text && i < MIR_NELEMS(entities); i++)
            if (entities[i].c == *text) {
                mir_buf_adds(out, entities[i].entity);
                text++;
                break;
            }
    }
}

void fc_xml_element(struct mir_buf *out, const char *name, const char *text)
{
    mir_buf_addf(out, "<%s>", name);
    fc_xml_text(out, text);
    mir_buf_addf(out, "</%s>", name);
}

static void add_value(struct mir_buf *out, const char *name, const json_t *value, const char *item);

static void add_array(struct mir_buf *out, const char *name, const json_t *array, const char *item)
{
    size_t i;
    json_t *value;
    if (item)
        mir_buf_addf(out, "<%s>", name);
    json_array_foreach((json_t *)(uintptr_t)array, i, value)
    {
        add_value(out, item ? item : name, value, item);
    }
    if (item)
        mir_buf_addf(out, "</%s>", name);
}

static void add_value(struct mir_buf *out, const char *name, const json_t *value, const char *item)
{
    switch (json_typeof(value)) {
    case JSON_ARRAY:
        add_array(out, name, value, item);
        break;
    case JSON_OBJECT:
        mir_buf_addf(out, "<%s>", name);
        fc_xml_members(out, value, item);
        mir_buf_addf(out, "</%s>", name);
        break;
    case JSON_STRING:
        fc_xml_element(out, name, json_string_value(value));
        break;
    case JSON_INTEGER:
        mir_buf_addf(out, "<%s>%" PRId64 "</%s>", name, (int64_t)json_integer_value(value), name);
        break;
    case JSON_REAL:
        mir_buf_addf(out, "<%s>%.6f</%s>", name, json_real_value(value), name);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        mir_buf_addf(out, "<%s>%s</%s>", name, json_is_true(value) ? "true" : "false", name);
        break;
    case JSON_NULL:
        mir_buf_addf(out, "<%s/>", name);
        break;
    }
}

void fc_xml_members(struct mir_buf *out, const json_t *object, const char *item)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        if (*name != '_')
            add_value(out, name, value, item);
    }
}
