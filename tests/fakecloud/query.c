/* SPDX-License-Identifier: ISC */
#include "query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/clock.h"
#include "api/memory.h"

#define LIST_MAX 1000
#define DEPTH_MAX 8

/* Taken by every operation, and no business of any. */
static const char *const always[] = {"Action", "Version"};

static size_t segment_len(const char *name)
{
    return strcspn(name, ".");
}

/* A list's number, from 1 and without leading zeros; 0: it is none. */
static long list_number(const char *text, size_t len)
{
    long number = 0;
    if (len == 0 || len > 4 || text[0] == '0')
        return 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        number = 10 * number + (text[i] - '0');
    }
    return number;
}

static bool matches(const char *pattern, const char *name)
{
    for (;;) {
        size_t wanted = segment_len(pattern), got = segment_len(name);
        bool list = wanted == 1 && *pattern == '#';
        if (list ? !list_number(name, got) : wanted != got || strncmp(pattern, name, got) != 0)
            return false;
        if (!pattern[wanted] || !name[got])
            return !pattern[wanted] && !name[got];
        pattern += wanted + 1;
        name += got + 1;
    }
}

static const struct fc_param *find_param(const struct fc_param *params, const char *name)
{
    for (const struct fc_param *param = params; param && param->name; param++)
        if (matches(param->name, name))
            return param;
    return NULL;
}

static bool is_base64(const char *text)
{
    size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/\n");
    size_t end = strspn(text + len, "=\n");
    return text[len + end] == '\0' && (len + end) % 4 == 0;
}

/* New reference, NULL: not of the type. */
static json_t *value_of(enum fc_type type, const char *text)
{
    char *end;
    long long number;
    int64_t time_s;
    switch (type) {
    case FC_INT:
        errno = 0;
        number = strtoll(text, &end, 10);
        return *text && !*end && !errno && *text != ' ' && *text != '+' ? json_integer(number)
                                                                        : NULL;
    case FC_BOOL:
        if (!strcmp(text, "true") || !strcmp(text, "false"))
            return json_boolean(*text == 't');
        return NULL;
    case FC_TIME:
        return mir_time_parse(text, &time_s, NULL) ? NULL : json_string(text);
    case FC_BASE64:
        return is_base64(text) ? json_string(text) : NULL;
    case FC_TEXT:
        break;
    }
    return json_string(text); /* NULL: not UTF-8 */
}

/* The member or element of `at` that `segment` names, made when it is not there; borrowed. */
static json_t *descend(json_t *at, const char *segment, size_t len, json_t *(*make)(void))
{
    char name[80];
    long number = list_number(segment, len);
    if (json_is_array(at)) {
        if (number < 1 || number > LIST_MAX)
            return NULL;
        while (json_array_size(at) < (size_t)number)
            json_array_append_new(at, json_null());
        json_t *there = json_array_get(at, (size_t)number - 1);
        if (json_is_null(there)) {
            json_array_set_new(at, (size_t)number - 1, make());
            there = json_array_get(at, (size_t)number - 1);
        }
        return there;
    }
    if (len >= sizeof name)
        return NULL;
    memcpy(name, segment, len);
    name[len] = '\0';
    json_t *there = json_object_get(at, name);
    if (!there) {
        json_object_set_new(at, name, make());
        there = json_object_get(at, name);
    }
    return there;
}

static int put_leaf(json_t *at, const char *segment, json_t *value)
{
    long number = list_number(segment, strlen(segment));
    if (!json_is_array(at)) {
        if (json_object_get(at, segment)) {
            json_decref(value);
            return -1;
        }
        return json_object_set_new(at, segment, value);
    }
    while (json_array_size(at) < (size_t)number)
        json_array_append_new(at, json_null());
    if (!json_is_null(json_array_get(at, (size_t)number - 1))) {
        json_decref(value);
        return -1;
    }
    return json_array_set_new(at, (size_t)number - 1, value);
}

static int put(json_t *root, const char *pattern, const char *name, json_t *value)
{
    json_t *at = root;
    for (int depth = 0; at && depth < DEPTH_MAX; depth++) {
        size_t len = segment_len(name);
        if (!name[len])
            return put_leaf(at, name, value);
        pattern += segment_len(pattern) + 1;
        bool list = pattern[0] == '#' && segment_len(pattern) == 1;
        at = descend(at, name, len, list ? json_array : json_object);
        name += len + 1;
    }
    json_decref(value);
    return -1;
}

static bool has_holes(const json_t *json)
{
    size_t i;
    const char *name;
    json_t *value;
    json_array_foreach((json_t *)(uintptr_t)json, i, value)
    {
        if (json_is_null(value) || has_holes(value))
            return true;
    }
    json_object_foreach((json_t *)(uintptr_t)json, name, value)
    {
        if (has_holes(value))
            return true;
    }
    return false;
}

static bool is_always(const char *name)
{
    for (size_t i = 0; i < MIR_NELEMS(always); i++)
        if (!strcmp(always[i], name))
            return true;
    return !strncmp(name, "X-Amz-", 6); /* of a presigned request; checked elsewhere */
}

static int take(json_t *root, const struct fc_param *params, const struct fc_pair *pair,
                struct fc_refusal *refusal)
{
    const struct fc_param *param = find_param(params, pair->name);
    if (!param)
        return fc_refuse(refusal, 400, "UnknownParameter", "The parameter %.100s is not recognized",
                         pair->name);
    json_t *value = value_of(param->type, pair->value);
    if (!value)
        return fc_refuse(refusal, 400, "InvalidParameterValue",
                         "Invalid value '%.100s' for %.100s: not of its type", pair->value,
                         pair->name);
    if (put(root, param->name, pair->name, value))
        return fc_refuse(refusal, 400, "MalformedQueryString",
                         "The parameter %.100s is given twice, or numbered too high", pair->name);
    return 0;
}

static int check_required(const struct fc_pairs *form, const struct fc_param *params,
                          struct fc_refusal *refusal)
{
    for (const struct fc_param *param = params; param && param->name; param++) {
        bool found = !param->required;
        for (size_t i = 0; i < form->count && !found; i++)
            found = matches(param->name, form->rows[i].name);
        if (!found)
            return fc_refuse(refusal, 400, "MissingParameter",
                             "The request must contain the parameter %s", param->name);
    }
    return 0;
}

int fc_query_shape(const struct fc_pairs *form, const struct fc_param *params, json_t **ret,
                   struct fc_refusal *refusal)
{
    json_t *root = json_object();
    int rc = 0;
    for (size_t i = 0; i < form->count && !rc; i++)
        if (!is_always(form->rows[i].name))
            rc = take(root, params, &form->rows[i], refusal);
    if (!rc)
        rc = check_required(form, params, refusal);
    if (!rc && has_holes(root))
        rc = fc_refuse(refusal, 400, "MalformedQueryString",
                       "The numbers of a list have to follow one another from 1");
    if (rc)
        json_decref(root);
    else
        *ret = root;
    return rc;
}
