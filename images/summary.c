/* SPDX-License-Identifier: ISC */
#include "images/summary.h"

#include <stddef.h>
#include <string.h>

#include "api/memory.h"

/* The fields, once for both directions. */
static const struct {
    const char *name;
    size_t offset, size; /* size 0: a number */
} fields[] = {
#define TEXT(field)                                                                                \
    {                                                                                              \
#field, offsetof(struct img_summary, field), sizeof(((struct img_summary *)0)->field)      \
    }
#define NUMBER(field)                                                                              \
    {                                                                                              \
#field, offsetof(struct img_summary, field), 0                                             \
    }
    TEXT(kernel),       TEXT(format),          TEXT(boot),
    NUMBER(disk_bytes), NUMBER(written_bytes), NUMBER(output_bytes),
};

json_t *img_summary_to_json(const struct img_summary *summary)
{
    const char *base = (const char *)summary;
    json_t *json = json_object();
    for (size_t i = 0; i < MIR_NELEMS(fields); i++) {
        uint64_t number;
        memcpy(&number, base + fields[i].offset, sizeof number);
        json_object_set_new(json, fields[i].name,
                            fields[i].size ? json_string(base + fields[i].offset)
                                           : json_integer((json_int_t)number));
    }
    return json;
}

static int take(const json_t *value, size_t size, char *field)
{
    const char *text = json_string_value(value);
    json_int_t number = json_integer_value(value);
    if (size)
        return !text || strlen(text) >= size ? -1 : mir_copy(field, size, text);
    if (!json_is_integer(value) || number < 0)
        return -1;
    memcpy(field, &(uint64_t){(uint64_t)number}, sizeof(uint64_t));
    return 0;
}

int img_summary_from_json(const json_t *json, struct img_summary *ret, struct mir_error *err)
{
    struct img_summary summary = {.kernel = ""};
    for (size_t i = 0; i < MIR_NELEMS(fields); i++)
        if (take(json_object_get(json, fields[i].name), fields[i].size,
                 (char *)&summary + fields[i].offset))
            return mir_fail(err, MIR_CORRUPT, "the builder's answer has no proper '%s'",
                            fields[i].name);
    if (!mir_sha256_valid(summary.kernel))
        return mir_fail(err, MIR_CORRUPT, "the builder's answer names no kernel");
    *ret = summary;
    return 0;
}
