/* SPDX-License-Identifier: ISC */
/* Values that know who said them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/buf.h"
#include "api/cleanup.h"
#include "api/memory.h"
#include "api/yaml.h"
#include "config_inside.h"

#define FILLED_MAX 4096 /* bytes of a text that was filled in */

void os_settings_init(struct os_settings *settings)
{
    *settings = (struct os_settings){json_object(), json_object()};
}

void os_settings_clear(struct os_settings *settings)
{
    mir_json_wipe(settings->values);
    json_decref(settings->origins);
    *settings = (struct os_settings){0};
}

/* --- saying --- */

static char *normal(const char *key)
{
    char *name = mir_strdup(key);
    for (char *c = name; *c; c++)
        if (*c == '-')
            *c = '_';
    return name;
}

static char *place(const char *path, const json_t *lines, const char *key)
{
    mir_auto_free char *name = mir_format("%s#", key);
    json_int_t line = json_integer_value(json_object_get(lines, name));
    return line ? mir_format("%s:%d", path, (int)line) : mir_strdup(path);
}

/* Lays one mapping over another one, of which only the values are known. */
static void lay_deep(json_t *below, json_t *above)
{
    const char *key;
    json_t *value;
    json_object_foreach(above, key, value)
    {
        mir_auto_free char *name = normal(key);
        json_t *old = json_object_get(below, name);
        if (json_is_object(value) && json_is_object(old))
            lay_deep(old, value);
        else if (!json_is_null(value))
            json_object_set_new(below, name, json_deep_copy(value));
    }
}

/* "auth.x": moves on to the x. */
static bool in_auth(const char **key)
{
    static const char auth[] = "auth.";
    bool is = !strncmp(*key, auth, sizeof auth - 1);
    *key += is ? sizeof auth - 1 : 0;
    return is;
}

static json_t *auth_of(struct os_settings *settings)
{
    json_t *auth = json_object_get(settings->values, "auth");
    if (!auth) {
        auth = json_object();
        json_object_set_new(settings->values, "auth", auth);
    }
    return auth;
}

static int add_auth(struct os_settings *settings, json_t *auth, const json_t *lines,
                    const char *path, const char *origin, struct mir_error *err)
{
    const char *key;
    json_t *value, *into = auth_of(settings);
    if (!json_is_object(auth))
        return mir_fail(err, MIR_USAGE, "%s: `auth` has to be a mapping", origin);
    json_object_foreach(auth, key, value)
    {
        if (json_is_null(value))
            continue;
        mir_auto_free char *name = normal(key);
        mir_auto_free char *flat = mir_format("auth.%s", name);
        mir_auto_free char *where = place(path, lines, key);
        json_object_set_new(into, name, json_deep_copy(value));
        json_object_set_new(settings->origins, flat, json_string(where));
    }
    return 0;
}

int os_settings_add(struct os_settings *settings, json_t *mapping, const json_t *lines,
                    const char *path, bool deep, struct mir_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(mapping, key, value)
    {
        mir_auto_free char *name = normal(key);
        mir_auto_free char *origin = place(path, lines, key);
        if (json_is_null(value))
            continue;
        if (!strcmp(name, "auth")) {
            if (add_auth(settings, value, json_object_get(lines, key), path, origin, err))
                return -1;
            continue;
        }
        json_t *old = json_object_get(settings->values, name);
        if (deep && json_is_object(old) && json_is_object(value))
            lay_deep(old, value);
        else
            json_object_set_new(settings->values, name, json_deep_copy(value));
        json_object_set_new(settings->origins, name, json_string(origin));
    }
    return 0;
}

void os_settings_set(struct os_settings *settings, const char *key, const char *text,
                     const char *origin)
{
    json_t *into = settings->values;
    const char *name = key;
    if (in_auth(&name))
        into = auth_of(settings);
    json_object_set_new(into, name, json_string(text));
    json_object_set_new(settings->origins, key, json_string(origin));
}

void os_settings_over(struct os_settings *below, const struct os_settings *above)
{
    const char *key;
    json_t *value;
    json_object_foreach(above->values, key, value)
    {
        if (!strcmp(key, "auth"))
            lay_deep(auth_of(below), value);
        else
            json_object_set_new(below->values, key, json_deep_copy(value));
    }
    json_object_update(below->origins, above->origins);
}

void os_settings_remove(struct os_settings *settings, const char *key)
{
    json_object_del(settings->values, key);
    json_object_del(settings->origins, key);
}

void os_settings_rename(struct os_settings *settings, const char *older, const char *name)
{
    if (!os_settings_get(settings, older))
        return;
    json_object_set(settings->values, name, json_object_get(settings->values, older));
    json_object_set(settings->origins, name, json_object_get(settings->origins, older));
    os_settings_remove(settings, older);
}

/* --- asking --- */

const json_t *os_settings_get(const struct os_settings *settings, const char *key)
{
    const json_t *from = settings->values;
    if (in_auth(&key))
        from = json_object_get(from, "auth");
    const json_t *value = json_object_get(from, key);
    return json_is_null(value) || (json_is_string(value) && !*json_string_value(value)) ? NULL
                                                                                        : value;
}

const char *os_settings_origin(const struct os_settings *settings, const char *key)
{
    const char *origin = json_string_value(json_object_get(settings->origins, key));
    return origin ? origin : "";
}

int os_settings_text(const struct os_settings *settings, const char *key, char **ret,
                     struct mir_error *err)
{
    const json_t *value = os_settings_get(settings, key);
    *ret = NULL;
    if (!value)
        return 0;
    if (json_is_number(value)) /* of a JSON file; YAML's are texts already */
        *ret = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    else
        *ret = mir_strdup(json_string_value(value));
    if (*ret)
        return 0;
    mir_fail(err, MIR_USAGE, "%s: `%s` has to be a text", os_settings_origin(settings, key), key);
    if (json_is_boolean(value))
        return mir_error_hint(err, "put it into quotes: %s is a boolean otherwise",
                              json_is_true(value) ? "true, yes or on" : "false, no or off");
    return -1;
}

int os_settings_truth(const json_t *value)
{
    const char *text = json_string_value(value);
    if (json_is_boolean(value))
        return json_is_true(value);
    if (text && (!strcasecmp(text, "true") || !strcasecmp(text, "false")))
        return !strcasecmp(text, "true");
    return -1;
}

int os_settings_flag(const struct os_settings *settings, const char *key, int otherwise, int *ret,
                     struct mir_error *err)
{
    const json_t *value = os_settings_get(settings, key);
    *ret = value ? os_settings_truth(value) : otherwise;
    if (!value || *ret >= 0)
        return 0;
    mir_fail(err, MIR_USAGE, "%s: `%s` is neither true nor false",
             os_settings_origin(settings, key), key);
    return mir_error_hint(err, "write true or false");
}

/* One {key} at *text, which stands behind its brace; moves it on. */
static int fill_one(const struct os_settings *settings, const char **text, struct mir_buf *out,
                    const char *origin, struct mir_error *err)
{
    size_t len = strcspn(*text, "{}");
    mir_auto_free char *key = mir_format("%.*s", (int)len, *text);
    mir_auto_free char *value = NULL;
    if ((*text)[len] != '}')
        return mir_fail(err, MIR_USAGE, "%s: there is a { without its }", origin);
    if (os_settings_text(settings, key, &value, err))
        return -1;
    if (!value && !strcmp(key, "interface"))
        value = mir_strdup("public");
    if (!value) {
        mir_fail(err, MIR_USAGE, "%s: {%.64s} stands in it, and nothing is said of that", origin,
                 key);
        return mir_error_hint(err, "say what %.64s is, or write {{ for a brace", key);
    }
    *text += len + 1;
    return mir_buf_adds(out, value);
}

char *os_settings_fill(const struct os_settings *settings, const char *text, const char *origin,
                       struct mir_error *err)
{
    mir_auto_buf struct mir_buf out;
    mir_buf_init(&out, FILLED_MAX);
    while (*text) {
        size_t plain = strcspn(text, "{}");
        mir_buf_add(&out, text, plain);
        text += plain;
        if (!*text)
            break;
        bool doubled = text[0] == text[1];
        if (doubled)
            mir_buf_add(&out, text, 1);
        text += 1 + doubled;
        if (!doubled && text[-1] == '}') {
            mir_fail(err, MIR_USAGE, "%s: there is a } without its {", origin);
            return NULL;
        }
        if (!doubled && fill_one(settings, &text, &out, origin, err))
            return NULL;
    }
    return mir_buf_take(&out);
}
