/* SPDX-License-Identifier: ISC */
#include "rest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/clock.h"
#include "api/json.h"
#include "api/memory.h"

#define BODY_MAX ((size_t)1 << 20)
#define NAME_MAX_BYTES 256

int fc_invalid(struct fc_refusal *refusal, const char *fmt, ...)
{
    char text[sizeof refusal->message];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return fc_refuse(refusal, 400, "ValidationException", "%s", text);
}

/* --- paths --- */

bool fc_rest_matches(const char *target, const char *pattern, char *segments[FC_SEGMENTS_MAX])
{
    size_t count = 0;
    size_t end = strcspn(target, "?");
    size_t at = 0;
    while (at < end && *pattern) {
        size_t len = strcspn(target + at + 1, "/?"), wanted = strcspn(pattern + 1, "/");
        if (target[at] != '/')
            return false;
        if (wanted == 2 && !strncmp(pattern + 1, "{}", 2) && count < FC_SEGMENTS_MAX) {
            free(segments[count]);
            segments[count] = fc_percent_decode(target + at + 1, len, false);
            if (!len || !segments[count++])
                return false;
        } else if (wanted != len || strncmp(target + at + 1, pattern + 1, len) != 0) {
            return false;
        }
        at += len + 1;
        pattern += wanted + 1;
    }
    return at >= end && !*pattern;
}

const struct fc_operation *fc_rest_find(const struct fc_service *service,
                                        const struct fc_request *request,
                                        char *segments[FC_SEGMENTS_MAX])
{
    for (const struct fc_operation *o = service->operations; o->name; o++)
        if (!strcmp(o->method, request->method) &&
            fc_rest_matches(request->target, o->path, segments))
            return o;
    return NULL;
}

/* --- bodies --- */

static bool is_of_type(const json_t *value, enum fc_type type)
{
    switch (type) {
    case FC_INT:
        return json_is_integer(value);
    case FC_BOOL:
        return json_is_boolean(value);
    case FC_TIME:
        return json_is_number(value);
    case FC_TEXT:
    case FC_BASE64:
        break;
    }
    return json_is_string(value);
}

static int check_value(const json_t *value, char *name, size_t len, const struct fc_param *params,
                       struct fc_refusal *refusal);

static int check_object(const json_t *object, char *name, size_t len, const struct fc_param *params,
                        struct fc_refusal *refusal)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        int more = snprintf(name + len, NAME_MAX_BYTES - len, "%s%s", len ? "." : "", key);
        if (more < 0 || len + (size_t)more >= NAME_MAX_BYTES)
            return fc_invalid(refusal, "a member's name is too long");
        if (check_value(value, name, len + (size_t)more, params, refusal))
            return -1;
    }
    name[len] = '\0';
    return 0;
}

static int check_array(const json_t *array, char *name, size_t len, const struct fc_param *params,
                       struct fc_refusal *refusal)
{
    size_t i;
    json_t *value;
    json_array_foreach((json_t *)(uintptr_t)array, i, value)
    {
        if (len + 3 >= NAME_MAX_BYTES)
            return fc_invalid(refusal, "a member's name is too long");
        memcpy(name + len, ".#", 3);
        if (check_value(value, name, len + 2, params, refusal))
            return -1;
    }
    return 0;
}

/* Free text under a name: what a Target's Input holds is the target's business. */
static int check_value(const json_t *value, char *name, size_t len, const struct fc_param *params,
                       struct fc_refusal *refusal)
{
    if (json_is_object(value))
        return check_object(value, name, len, params, refusal);
    if (json_is_array(value))
        return check_array(value, name, len, params, refusal);
    for (; params && params->name; params++)
        if (!strcmp(params->name, name))
            return is_of_type(value, params->type)
                       ? 0
                       : fc_refuse(refusal, 400, "SerializationException", "%s is of another type",
                                   name);
    return fc_invalid(refusal, "there is no member %s", name);
}

static int check_required(const json_t *body, const struct fc_param *params,
                          struct fc_refusal *refusal)
{
    for (; params && params->name; params++)
        if (params->required && !fc_at(body, params->name))
            return fc_invalid(refusal,
                              "1 validation error detected: Value at '%s' failed to "
                              "satisfy constraint: Member must not be null",
                              params->name);
    return 0;
}

int fc_json_read(const struct fc_body *body, const struct fc_param *params, json_t **ret,
                 struct fc_refusal *refusal)
{
    char name[NAME_MAX_BYTES] = "";
    struct mir_error err = {0};
    if (body->fd >= 0)
        return fc_refuse(refusal, 413, "RequestEntityTooLargeException", "the body is too large");
    json_t *json =
        body->len ? mir_json_parse(mir_buf_text(&body->memory), body->memory.len, BODY_MAX, &err)
                  : json_object();
    if (!json_is_object(json)) {
        json_decref(json);
        return fc_refuse(refusal, 400, "SerializationException", "not a JSON object: %.200s",
                         err.text);
    }
    if (check_object(json, name, 0, params, refusal) || check_required(json, params, refusal)) {
        json_decref(json);
        return -1;
    }
    *ret = json;
    return 0;
}
