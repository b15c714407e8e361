/* SPDX-License-Identifier: ISC */
#include "control.h"

#include <string.h>
#include <strings.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next line, without its end; false at the end of the text. */
static bool next_line(struct img_span *text, struct img_span *ret)
{
    if (!text->len)
        return false;
    const char *end = memchr(text->at, '\n', text->len);
    size_t len = end ? (size_t)(end - text->at) : text->len;
    *ret = (struct img_span){text->at, len};
    text->at += len + (end != NULL);
    text->len -= len + (end != NULL);
    return true;
}

static struct img_span trimmed(struct img_span span)
{
    for (; span.len && is_blank(*span.at); span.at++)
        span.len--;
    while (span.len && is_blank(span.at[span.len - 1]))
        span.len--;
    return span;
}

bool img_control_next(struct img_span *text, struct img_span *ret_record)
{
    struct img_span line, record = {NULL, 0};
    while (next_line(text, &line)) {
        bool empty = !trimmed(line).len;
        if (empty && record.at)
            break;
        if (empty)
            continue;
        if (!record.at)
            record.at = line.at;
        record.len = (size_t)(line.at + line.len - record.at);
    }
    if (record.at)
        *ret_record = record;
    return record.at != NULL;
}

struct img_span img_control_get(struct img_span record, const char *field)
{
    size_t len = strlen(field);
    struct img_span line;
    while (next_line(&record, &line)) {
        if (line.len <= len || line.at[len] != ':' || strncasecmp(line.at, field, len) != 0)
            continue;
        return trimmed((struct img_span){line.at + len + 1, line.len - len - 1});
    }
    return (struct img_span){NULL, 0};
}

bool img_control_depends(struct img_span *list, struct img_span *ret_name)
{
    while (list->len) {
        const char *comma = memchr(list->at, ',', list->len);
        size_t len = comma ? (size_t)(comma - list->at) : list->len;
        struct img_span name = trimmed((struct img_span){list->at, len});
        list->at += len + (comma != NULL);
        list->len -= len + (comma != NULL);
        for (size_t i = 0; i < name.len; i++)
            if (strchr(" \t(:|[<", name.at[i])) /* a NUL, too, ends a name */
                name.len = i;
        if (!name.len)
            continue;
        *ret_name = name;
        return true;
    }
    return false;
}
